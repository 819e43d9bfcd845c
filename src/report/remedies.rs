//! What would have saved the jobs that failed, in words: in full for files, in short for people.

use std::fmt::Write as _;

use crate::analysis::{PointResult, Ranking};
use crate::model::remedy::{Remedy, RoleHolder, Sender, Setting, roles_added, roles_needed, roles_to_accept};
use crate::model::study::{Point, Study};
use crate::model::{Model, independence};
use crate::units::Span;

use super::digest::{Grid, HeadKind, extremes};
use super::words;

/// As many as a person compares.
const SHOWN: usize = 8;

/// Keys of the scenario file with their values, as `failures.csv` has them. `workload` is the name of that whose jobs
/// failed at a point with this model.
pub(super) fn in_full(remedy: Remedy, model: &Model, workload: &str) -> String {
    let mut text = String::new();
    for setting in remedy.settings() {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let key = setting.key();
        let words = |words: Option<Vec<String>>| {
            let quoted: Vec<String> = words.unwrap_or_default().iter().map(|word| format!("\"{word}\"")).collect();
            quoted.join(", ")
        };
        let _ = match setting {
            Setting::ServiceToken(_) | Setting::BackupServiceToken => write!(text, "{key} = true"),
            Setting::SingleTenantStore => write!(text, "{key} = false"),
            Setting::StoreUser => write!(text, "{key} = \"glance\""),
            Setting::NovaCredentials => write!(text, "{key} = \"password\""),
            Setting::ServiceRole(holder) => write!(text, "{key} = [{}]", words(roles_needed(holder, model))),
            Setting::AcceptedRoles(receiver) => write!(text, "{key} = [{}]", words(roles_to_accept(receiver, model))),
            Setting::FreshToken => write!(text, "workload.{workload}.{key} = \"0s\""),
            Setting::VolumeWait(amount) | Setting::ActiveKeys(amount) => write!(text, "{key} >= {amount}"),
            Setting::Window(span) => write!(text, "{key} >= {}", seconds(span)),
            Setting::RotationPeriod(span) => write!(text, "{key} = \"{}\"", with_unit(span)),
            Setting::Expiration(span) => write!(text, "{key} = {}", seconds(span)),
        };
    }
    text
}

fn seconds(span: Span) -> i64 {
    span.micros() / 1_000_000
}

/// As a duration of a scenario, in the largest unit that gives a whole number.
fn with_unit(span: Span) -> String {
    match seconds(span) {
        seconds if seconds > 0 && seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds > 0 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// Options of the services, as people speak of them.
pub(super) fn in_short(remedy: Remedy, model: &Model) -> String {
    match remedy {
        Remedy { one: Setting::ServiceToken(Sender::Nova), other: Some(Setting::ServiceToken(Sender::Cinder)) } => {
            "send_service_user_token at nova and cinder".to_owned()
        }
        Remedy { .. } => remedy.settings().map(|setting| short(setting, model)).collect::<Vec<_>>().join(" + "),
    }
}

fn short(setting: Setting, model: &Model) -> String {
    let added = roles_added(setting, model);
    let roles = format!("{} {}", if added.len() == 1 { "role" } else { "roles" }, added.join(", "));
    match setting {
        Setting::ServiceToken(Sender::Nova) => "send_service_user_token at nova".to_owned(),
        Setting::ServiceToken(Sender::Cinder) => "send_service_user_token at cinder".to_owned(),
        Setting::ServiceRole(RoleHolder::Nova) => format!("{roles} for nova's service user"),
        Setting::ServiceRole(RoleHolder::Cinder) => format!("{roles} for cinder's service user"),
        Setting::ServiceRole(RoleHolder::NovaAuthtoken) => format!("{roles} for nova's authtoken user"),
        Setting::AcceptedRoles(receiver) => format!("{roles} accepted at {}", model.service(receiver.service()).name),
        Setting::BackupServiceToken => "backup_swift_service_auth = true".to_owned(),
        Setting::SingleTenantStore => "swift_store_multi_tenant = false".to_owned(),
        Setting::StoreUser => "cinder_store_user_name at glance".to_owned(),
        Setting::NovaCredentials => "[nova] auth_type at cinder".to_owned(),
        Setting::VolumeWait(retries) => format!("block_device_allocate_retries >= {retries}"),
        Setting::FreshToken => "a token that is new at submission".to_owned(),
        Setting::ActiveKeys(keys) => format!("max_active_keys >= {keys}"),
        Setting::RotationPeriod(period) => format!("rotations {} apart", words::duration(period)),
        Setting::Window(window) => format!("allow_expired_window >= {}", words::duration(window)),
        Setting::Expiration(expiration) => format!("expiration = {}", words::duration(expiration)),
    }
}

/// Remedies by the jobs that they save at the point that fails most; `None` if there is nothing to save, or nobody
/// asked.
pub(super) fn grid(study: &Study, results: &[PointResult]) -> Option<Grid> {
    let (_, worst) = extremes(results)?;
    let ranking = worst.remedies.as_ref().filter(|ranking| ranking.failed > ranking.unknown)?;
    let model = &super::point(study, worst.point)?.model;
    let mut title = "What would have saved the jobs that failed".to_owned();
    if results.len() > 1 {
        let _ = write!(title, " at {}", words::point_name(study, worst.point));
    }
    let mut grid = Grid::new(title, "failures.csv", remark(ranking, results.len() > 1));
    grid.head("of failed", HeadKind::Number);
    grid.head("saves", HeadKind::Number);
    let breaks = ranking.saves.iter().any(|saves| saves.breaks > 0);
    if breaks {
        grid.head("breaks about", HeadKind::Number);
    }
    grid.head("remedy", HeadKind::Label);
    for saves in ranking.saves.iter().filter(|saves| ranking.is_worth(saves)).take(SHOWN) {
        let share = words::percent(saves.jobs as f64 / ranking.failed as f64);
        let mut row = vec![share, words::count(saves.jobs)];
        row.extend(breaks.then(|| words::count(saves.breaks)));
        row.push(in_short(saves.remedy, model));
        grid.rows.push(row);
    }
    if grid.rows.is_empty() {
        grid.rows.push(vec![words::percent(0.0), words::count(0), "none of those that were tried".to_owned()]);
    }
    Some(grid)
}

fn remark(ranking: &Ranking, is_sweep: bool) -> String {
    let mut remark = String::new();
    if is_sweep {
        remark.push_str("Of the point at which most fail; those of the others are in failures.csv.");
    }
    if ranking.saves.iter().any(|saves| saves.remedy.other.is_some() && ranking.is_worth(saves)) {
        let beyond = words::counted(ranking.beyond_one, "job");
        if is_sweep {
            remark.push(' ');
        }
        let _ = write!(
            remark,
            "Two at once are tried where no single setting helps, the token's own life apart: {beyond}."
        );
    }
    remark
}

/// What the reader should know before believing it.
pub(super) fn cautions(study: &Study, results: &[PointResult]) -> Vec<String> {
    let asked = || results.iter().filter_map(|result| Some((result, result.remedies.as_ref()?)));
    let total = |count: fn(&Ranking) -> u64| asked().map(|(_, ranking)| count(ranking)).sum::<u64>();
    let (failed, unknown, simulated) =
        (total(|ranking| ranking.failed), total(|ranking| ranking.unknown), total(|ranking| ranking.simulated));
    let mut notes = Vec::new();
    if simulated > 0 && simulated + unknown < failed {
        let all = words::count(failed);
        notes.push(format!("remedies are those of {} of {all} that failed", words::counted(simulated, "job")));
    }
    let is_tied = |point: &Point| !independence::of_jobs(&point.model).is_empty();
    let tied = asked().filter(|(_, ranking)| ranking.failed > 0);
    if tied.filter_map(|(result, _)| super::point(study, result.point)).any(is_tied) {
        let mut note = "jobs depend on each other, and remedies are those of each job by itself".to_owned();
        if unknown > 0 {
            let _ =
                write!(note, "; nothing is known of {} that fail only among others", words::counted(unknown, "job"));
        }
        notes.push(note);
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remedy::Receiver;

    #[test]
    fn remedies_read_as_keys_and_as_options() {
        let hours = |hours: i64| Span::from_seconds(hours * 3_600);
        let nova = Setting::ServiceToken(Sender::Nova);
        let text = "name = \"roles\"\ncloud.service_users.cinder.roles = [\"admin\"]\n[[workload]]\n\
                    job = \"snapshot\"\narrivals = { every = \"1h\" }";
        let study = crate::scenario::load_text(
            "test.toml",
            text,
            std::path::Path::new("."),
            &crate::scenario::Overrides::default(),
        );
        let model = study.unwrap_or_else(|issues| panic!("{issues}")).points.remove(0).model;
        let cases = [
            (
                Remedy::single(nova),
                "nova.service_user.send_service_user_token = true",
                "send_service_user_token at nova",
            ),
            (
                Remedy::single(Setting::Window(hours(8))),
                "keystone.token.allow_expired_window >= 28800",
                "allow_expired_window >= 8 h",
            ),
            (Remedy::single(Setting::Expiration(hours(12))), "keystone.token.expiration = 43200", "expiration = 12 h"),
            (
                Remedy::single(Setting::FreshToken),
                "workload.boots.token_age = \"0s\"",
                "a token that is new at submission",
            ),
            (
                Remedy::pair(Setting::RotationPeriod(hours(6)), Setting::ServiceRole(RoleHolder::Cinder)),
                "cloud.service_users.cinder.roles = [\"admin\", \"service\"]; cloud.fernet_rotation.every = \"6h\"",
                "role service for cinder's service user + rotations 6 h apart",
            ),
            (
                Remedy::single(Setting::AcceptedRoles(Receiver::Glance)),
                "glance.keystone_authtoken.service_token_roles = [\"admin\", \"service\"]",
                "role admin accepted at glance",
            ),
        ];
        for (remedy, full, brief) in cases {
            assert_eq!((in_full(remedy, &model, "boots").as_str(), in_short(remedy, &model).as_str()), (full, brief));
        }
    }
}
