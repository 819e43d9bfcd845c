//! What is wrong with service tokens: findings from the matrix.

use std::collections::BTreeMap;

use super::course::{Bears, Call, Carried, Met};
use super::finding::{Draft, Safe};
use super::matrix::{BACKUP, REQUIRED, ROLES, Row, Sent, owner, receiver_key, roles_key, send_key};
use super::table::Lint;
use super::words::listed;
use crate::model::{Model, ProcessId, ServiceId};

const BACKUP_SERVICE_AUTH: &str = "cinder.DEFAULT.backup_swift_service_auth";

/// Everything of the kind.
pub(super) fn findings(model: &Model, rows: &[Row], smooth: &[Met]) -> Vec<Draft> {
    let mut found = roles(model, rows);
    found.extend(not_sent(model, rows));
    found.extend(glance(model, rows));
    found.extend(backups(model, rows));
    found.extend(exchanges(model, smooth));
    found.extend(detachments(model, smooth));
    found
}

/// Rows that have something in common, by what they have.
fn together<'r>(rows: impl Iterator<Item = (String, &'r Row)>) -> BTreeMap<String, Vec<&'r Row>> {
    let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for (common, row) in rows {
        groups.entry(common).or_default().push(row);
    }
    groups
}

/// `a → b`, each once, and whether it is one.
fn hops(rows: &[&Row]) -> (String, bool) {
    let mut hops: Vec<String> = Vec::new();
    for row in rows {
        let hop = format!("{} → {}", row.sender, row.receiver);
        if !hops.contains(&hop) {
            hops.push(hop);
        }
    }
    (listed(&hops), hops.len() == 1)
}

/// The workloads of all rows, each once.
fn workloads(rows: &[&Row]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|row| &row.workloads) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    listed(&names)
}

/// Service tokens without the role, by service user and receiver.
fn roles(model: &Model, rows: &[Row]) -> Vec<Draft> {
    let lacking = rows.iter().filter(|row| matches!(row.hop.carried, Carried::RoleIgnored | Carried::RoleRefused));
    let by_user = together(lacking.map(|row| (format!("{} → {}", roles_key(model, row), row.receiver), row)));
    let mut found = Vec::new();
    for rows in by_user.into_values() {
        let row = rows[0];
        let (user, accepted) = (roles_key(model, row), listed(&row.accepted));
        let (subject, is_one) = hops(&rows);
        let is = if is_one { "is" } else { "are" };
        let lacks = if row.accepted.is_empty() {
            format!("{} accepts no role at all", row.receiver)
        } else if row.held.is_empty() {
            format!("`{user}` is empty, and {} accepts {accepted}", row.receiver)
        } else {
            let held = listed(&row.held);
            format!("`{user}` has {held}, and {} accepts {accepted}", row.receiver)
        };
        let mended = |draft: Draft| {
            let mut draft = draft.why(format!("concerns {}", workloads(&rows)));
            let roles = receiver_key(model, row.hop.to, ROLES);
            if let Some(role) = row.accepted.first() {
                let mut held = row.held.clone();
                held.push(role.clone());
                let value = toml_list(&held);
                draft = draft.safe(Safe::set(
                    &*user,
                    value,
                    format!("grant the role `{role}` to that user on its project"),
                ));
            }
            if let Some(role) = row.held.first() {
                let mut accepted = row.accepted.clone();
                accepted.push(role.clone());
                let words = format!("let {} accept the role `{role}`", row.receiver);
                draft = draft.safe(Safe::set(&*roles, toml_list(&accepted), words));
            }
            draft.key(&*user).key(roles).key(receiver_key(model, row.hop.to, REQUIRED))
        };
        if row.hop.carried == Carried::RoleRefused {
            let what =
                format!("{subject} {is} refused at once, with tokens of any age: the service token lacks the role");
            found.push(mended(Draft::new(Lint::RoleMissing, &*subject, what).why(lacks)));
            continue;
        }
        let what =
            format!("{subject} {is} refused once the user's token has expired: the service token lacks the role");
        found.push(mended(Draft::new(Lint::RoleIgnored, &*subject, what).why(lacks.clone())));
        if row.required_after_upgrade {
            let what = format!("after an upgrade to 2026.2 {subject} {is} refused at once, with tokens of any age");
            let kept = format!(
                "today `{}` is false because nobody has set it, and only requests after expiration fail",
                receiver_key(model, row.hop.to, REQUIRED)
            );
            found.push(mended(Draft::new(Lint::UpgradeRequiresRole, &*subject, what).why(lacks).why(kept)));
        }
    }
    found
}

fn toml_list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("[{}]", quoted.join(", "))
}

/// Services that could send service tokens and do not.
fn not_sent(model: &Model, rows: &[Row]) -> Vec<Draft> {
    let off = rows.iter().filter(|row| row.sends == Sent::Off && row.hop.bears == Bears::Users);
    // Those to Swift have a finding of their own.
    let off = off.filter(|row| !is_backup(row));
    let by_owner = together(off.map(|row| (owner(model, row.hop.from).to_owned(), row)));
    let finding = |(owner, rows): (String, Vec<&Row>)| {
        let key = send_key(model, rows[0].hop.from)?;
        let (receivers, is_one) = receivers(&rows);
        let refuse = if is_one { "refuses" } else { "refuse" };
        let what = format!("{owner} sends no service tokens, so {receivers} {refuse} an expired token");
        let safe =
            Safe::set(&*key, "true", format!("let {owner} send service tokens, with a role that the receivers accept"));
        let draft = Draft::new(Lint::NoServiceToken, owner, what);
        let draft = draft.why(format!("hops: {}", hops(&rows).0)).why(format!("concerns {}", workloads(&rows)));
        Some(draft.safe(safe).key(key))
    };
    by_owner.into_iter().filter_map(finding).collect()
}

/// Their names, and whether it is only one.
fn receivers(rows: &[&Row]) -> (String, bool) {
    let mut names: Vec<&str> = rows.iter().map(|row| row.receiver.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    (listed(&names), names.len() == 1)
}

fn is_backup(row: &Row) -> bool {
    (row.hop.from, row.hop.to) == BACKUP
}

fn glance(model: &Model, rows: &[Row]) -> Vec<Draft> {
    let bare = rows.iter().filter(|row| {
        row.hop.from == ProcessId::GLANCE_API && row.hop.bears == Bears::Users && row.hop.carried == Carried::Nothing
    });
    let by_backend = together(bare.map(|row| (row.receiver.clone(), row)));
    let finding = |(backend, rows): (String, Vec<&Row>)| {
        let what = format!(
            "Glance goes to {backend} with the user's token alone, so {backend} refuses it once it has expired"
        );
        let draft = Draft::new(Lint::GlanceBackend, &*backend, what).why(format!("concerns {}", workloads(&rows)));
        let draft = match rows[0].hop.to {
            ServiceId::SWIFT => draft
                .why("with trusts Glance renews the token of large uploads, but not of downloads nor of the last request")
                .safe(Safe::set(
                    "glance.glance_store.swift_store_multi_tenant",
                    "false",
                    "keep images in an account of Glance's own",
                ))
                .key("glance.glance_store.swift_store_multi_tenant"),
            ServiceId::CINDER => draft
                .safe(Safe::set(
                    "glance.glance_store.cinder_store_user_name",
                    "\"glance\"",
                    "give Glance's Cinder store a user of its own",
                ))
                .key("glance.glance_store.default_store"),
            _ => draft,
        };
        draft.safe(Safe::other(format!(
            "or an `expiration` as long as the longest of these jobs; it is {}",
            super::words::Exact(model.keystone.expiration)
        )))
    };
    by_backend.into_iter().map(finding).collect()
}

fn backups(model: &Model, rows: &[Row]) -> Vec<Draft> {
    let bare: Vec<&Row> = rows
        .iter()
        .filter(|row| is_backup(row) && row.hop.bears == Bears::Users && row.hop.carried == Carried::Nothing)
        .collect();
    if bare.is_empty() {
        return Vec::new();
    }
    let what = "cinder-backup writes to Swift with the user's token alone, so a backup fails once it has expired";
    let mut draft =
        Draft::new(Lint::BackupToSwift, "cinder-backup", what).why(format!("concerns {}", workloads(&bare)));
    if bare.iter().any(|row| !row.hop.may_carry) {
        let words = "let cinder-backup send its service token to Swift too";
        draft = draft.safe(Safe::set(BACKUP_SERVICE_AUTH, "true", words)).key(BACKUP_SERVICE_AUTH);
    }
    if model.process(ProcessId::CINDER_BACKUP).sends == crate::model::Sends::Never {
        let key = "cinder.service_user.send_service_user_token";
        draft = draft.safe(Safe::set(key, "true", "let Cinder have service tokens at all")).key(key);
    }
    let own =
        Safe::set("cinder.DEFAULT.backup_swift_auth", "\"single_user\"", "or back up under a user of Cinder's own");
    vec![draft.safe(own)]
}

/// Steps of the workloads at which something happens: `WORKLOAD (STEP)`.
fn steps(model: &Model, met: &[Met], is_meant: impl Fn(&Call) -> Option<crate::model::StepId>) -> Vec<String> {
    let of = model.workloads.iter().zip(met);
    of.filter_map(|(workload, met)| {
        let step = met.calls.iter().find_map(&is_meant)?;
        Some(format!("{} ({})", workload.name, workload.kind.step_name(step)))
    })
    .collect()
}

fn exchanges(model: &Model, met: &[Met]) -> Vec<Draft> {
    let mut senders: Vec<ProcessId> = Vec::new();
    for call in met.iter().flat_map(|met| &met.calls) {
        if let Call::Exchange(from, _) = call
            && !senders.contains(from)
        {
            senders.push(*from);
        }
    }
    let finding = |sender: ProcessId| {
        let name = &model.process(sender).name;
        let at = steps(model, met, |call| match call {
            Call::Exchange(from, step) if *from == sender => Some(*step),
            _ => None,
        });
        let what =
            format!("{name} exchanges the user's token, which Keystone refuses once it has expired, window or not");
        let draft = Draft::new(Lint::TokenExchange, &**name, what).why(format!("concerns {}", listed(&at)));
        match sender {
            ProcessId::CINDER_VOLUME => draft
                .safe(Safe::set("cinder.nova.auth_type", "\"password\"", "give Cinder credentials of its own for Nova"))
                .key("cinder.nova.auth_type"),
            ProcessId::CINDER_API => {
                let key = "nova.service_user.send_service_user_token";
                let words = "let Nova send service tokens: Cinder then need not ask it whether the volume is in use";
                draft.safe(Safe::set(key, "true", words)).key(key)
            }
            _ => draft,
        }
    };
    senders.into_iter().map(finding).collect()
}

fn detachments(model: &Model, met: &[Met]) -> Vec<Draft> {
    let at = steps(model, met, |call| match call {
        Call::DetachConflict(step) => Some(*step),
        _ => None,
    });
    if at.is_empty() {
        return Vec::new();
    }
    let key = "nova.service_user.send_service_user_token";
    let what = "Cinder refuses to detach volumes in use for Nova (409), with tokens of any age";
    let draft = Draft::new(Lint::DetachConflict, "nova-compute", what).why(format!("concerns {}", listed(&at)));
    let words = "let Nova send service tokens, with a role that Cinder accepts";
    vec![draft.safe(Safe::set(key, "true", words)).key(key)]
}
