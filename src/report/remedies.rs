//! What would have saved the jobs that failed, in words: in full for files, in short for people.

use std::fmt::Write as _;

use crate::analysis::{PointResult, Ranking};
use crate::model::independence;
use crate::model::remedy::{Remedy, RoleHolder, Sender, Setting};
use crate::model::study::{Point, Study};
use crate::units::Span;

use super::digest::{Grid, HeadKind, extremes};
use super::words;

/// As many as a person compares.
const SHOWN: usize = 8;

/// Keys of the scenario file with their values, as `failures.csv` has them. `workload` is the name of that whose jobs
/// failed.
pub(super) fn in_full(remedy: Remedy, workload: &str) -> String {
    let mut text = String::new();
    for setting in remedy.settings() {
        if !text.is_empty() {
            text.push_str("; ");
        }
        let key = setting.key();
        let _ = match setting {
            Setting::ServiceToken(_) | Setting::BackupServiceToken => write!(text, "{key} = true"),
            Setting::SingleTenantStore => write!(text, "{key} = false"),
            Setting::ServiceRole(_) => write!(text, "{key} += service_token_roles"),
            Setting::FreshToken => write!(text, "workload.{workload}.{key} = 0"),
            Setting::VolumeWait(amount) | Setting::ActiveKeys(amount) => write!(text, "{key} >= {amount}"),
            Setting::RotationPeriod(span) | Setting::Window(span) | Setting::Expiration(span) => {
                write!(text, "{key} >= {}", seconds(span))
            }
        };
    }
    text
}

fn seconds(span: Span) -> i64 {
    span.micros() / 1_000_000
}

/// Options of the services, as people speak of them.
fn in_short(remedy: Remedy) -> String {
    match remedy {
        Remedy { one: Setting::ServiceToken(Sender::Nova), other: Some(Setting::ServiceToken(Sender::Cinder)) } => {
            "send_service_user_token at nova and cinder".to_owned()
        }
        Remedy { .. } => remedy.settings().map(short).collect::<Vec<_>>().join(" + "),
    }
}

fn short(setting: Setting) -> String {
    match setting {
        Setting::ServiceToken(Sender::Nova) => "send_service_user_token at nova".to_owned(),
        Setting::ServiceToken(Sender::Cinder) => "send_service_user_token at cinder".to_owned(),
        Setting::ServiceRole(RoleHolder::Nova) => "the role for nova's service user".to_owned(),
        Setting::ServiceRole(RoleHolder::Cinder) => "the role for cinder's service user".to_owned(),
        Setting::ServiceRole(RoleHolder::NovaAuthtoken) => "the role for nova's authtoken user".to_owned(),
        Setting::BackupServiceToken => "backup_swift_service_auth = true".to_owned(),
        Setting::SingleTenantStore => "swift_store_multi_tenant = false".to_owned(),
        Setting::VolumeWait(retries) => format!("block_device_allocate_retries >= {retries}"),
        Setting::FreshToken => "a token that is new at submission".to_owned(),
        Setting::ActiveKeys(keys) => format!("max_active_keys >= {keys}"),
        Setting::RotationPeriod(period) => format!("rotations at least {} apart", words::duration(period)),
        Setting::Window(window) => format!("allow_expired_window >= {}", words::duration(window)),
        Setting::Expiration(expiration) => format!("expiration >= {}", words::duration(expiration)),
    }
}

/// Remedies by the jobs that they save at the point that fails most; `None` if there is nothing to save, or nobody asked.
pub(super) fn grid(study: &Study, results: &[PointResult]) -> Option<Grid> {
    let (_, worst) = extremes(results)?;
    let ranking = worst.remedies.as_ref().filter(|ranking| ranking.failed > ranking.unknown)?;
    let mut title = "What would have saved the jobs that failed".to_owned();
    if results.len() > 1 {
        let _ = write!(title, " at {}", words::point_name(study, worst.point));
    }
    let mut grid = Grid::new(title, "failures.csv", remark(ranking));
    grid.head("of failed", HeadKind::Number);
    grid.head("jobs", HeadKind::Number);
    grid.head("remedy", HeadKind::Label);
    for saves in ranking.saves.iter().take(SHOWN) {
        let share = words::percent(saves.jobs as f64 / ranking.failed as f64);
        grid.rows.push(vec![share, words::count(saves.jobs), in_short(saves.remedy)]);
    }
    if grid.rows.is_empty() {
        grid.rows.push(vec![words::percent(0.0), words::count(0), "none of those that were tried".to_owned()]);
    }
    Some(grid)
}

fn remark(ranking: &Ranking) -> String {
    if ranking.saves.iter().any(|saves| saves.remedy.other.is_some()) {
        let beyond = words::counted(ranking.beyond_one, "job");
        return format!("Two at once are tried where no single setting helps, the token's own life apart: {beyond}.");
    }
    String::new()
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

    #[test]
    fn remedies_read_as_keys_and_as_options() {
        let hours = |hours: i64| Span::from_seconds(hours * 3_600);
        let nova = Setting::ServiceToken(Sender::Nova);
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
            (Remedy::single(Setting::FreshToken), "workload.boots.token_age = 0", "a token that is new at submission"),
            (
                Remedy::pair(Setting::RotationPeriod(hours(6)), Setting::ServiceRole(RoleHolder::Cinder)),
                "cloud.service_users.cinder.roles += service_token_roles; cloud.fernet_rotation.every >= 21600",
                "the role for cinder's service user + rotations at least 6 h apart",
            ),
        ];
        for (remedy, full, brief) in cases {
            assert_eq!((in_full(remedy, "boots").as_str(), in_short(remedy).as_str()), (full, brief));
        }
    }
}
