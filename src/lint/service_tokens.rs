//! What is wrong with service tokens: findings from the matrix.

use std::collections::BTreeMap;

use super::course::{Bears, Call, Carried, Door, Met};
use super::finding::{Draft, Safe};
use super::matrix::{
    BACKUP, BACKUP_SERVICE_AUTH, REQUIRED, ROLES, Row, Sent, owner, receiver_key, roles_key, send_key, user_key,
};
use super::table::{Lint, Severity};
use super::words::listed;
use crate::model::{Model, Places, ProcessId, ServiceId};

/// Everything of the kind.
pub(super) fn findings(model: &Model, places: &Places, rows: &[Row], smooth: &[Met]) -> Vec<Draft> {
    let mut found = roles(model, rows);
    found.extend(not_sent(model, places, rows));
    found.extend(without_credentials(model, places));
    found.extend(glance(model, places, rows));
    found.extend(backups(model, places, rows));
    found.extend(exchanges(model, places, smooth));
    found.extend(detachments(model, places, smooth));
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
        } else {
            let held = if row.held.is_empty() { "no role".to_owned() } else { listed(&row.held) };
            format!("the user of {} holds {held}, and {} accepts {accepted}", whose(model, row), row.receiver)
        };
        let mended = |draft: Draft| {
            let draft = draft.why(format!("concerns {}", workloads(&rows)));
            granted(draft, model, &user, &row.held, row.hop.to)
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
                "today `[keystone_authtoken] {REQUIRED}` of {} is false because nobody has set it, and only requests after \
                 expiration fail",
                row.receiver
            );
            found.push(mended(Draft::new(Lint::UpgradeRequiresRole, &*subject, what).why(lacks).why(kept)));
        }
    }
    found
}

/// Where a service user logs in.
fn whose(model: &Model, row: &Row) -> String {
    match row.sends {
        Sent::AuthToken => "nova's `[keystone_authtoken]`".to_owned(),
        Sent::ServiceUser | Sent::Off | Sent::Never | Sent::NoCredentials => {
            format!("{}'s `[service_user]`", owner(model, row.hop.from))
        }
    }
}

fn toml_list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("[{}]", quoted.join(", "))
}

/// Services that could send service tokens and do not.
fn not_sent(model: &Model, places: &Places, rows: &[Row]) -> Vec<Draft> {
    let off = rows.iter().filter(|row| row.sends == Sent::Off && row.hop.bears == Bears::Users);
    // Those to Swift have a finding of their own.
    let off = off.filter(|row| !is_backup(row));
    let by_owner = together(off.map(|row| (owner(model, row.hop.from).to_owned(), row)));
    let finding = |(owner, rows): (String, Vec<&Row>)| {
        let key = send_key(model, rows[0].hop.from)?;
        let (receivers, is_one) = receivers(&rows);
        let refuse = if is_one { "refuses" } else { "refuse" };
        let what = format!("{owner} sends no service tokens, so {receivers} {refuse} an expired token");
        let words = format!("let {owner} send service tokens, with a role that the receivers accept");
        let safe = switched_on(places, &owner, &key, words);
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

/// What Glance's Cinder store needs to log in as a user of its own.
const STORE_USER: [&str; 4] =
    ["cinder_store_user_name", "cinder_store_password", "cinder_store_project_name", "cinder_store_auth_address"];

/// A user of the Cinder store's own, or what one that is written down lacks.
fn store_user(draft: Draft, places: &Places) -> Draft {
    const KEY: &str = "glance.glance_store.cinder_store_user_name";
    let quoted = |names: &[&str]| listed(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<String>>());
    let (lacking, set): (Vec<&str>, Vec<&str>) =
        STORE_USER.into_iter().partition(|name| places.lacks(&format!("glance.glance_store.{name}")).is_some());
    let draft = if lacking.is_empty() {
        let words = format!("give Glance's Cinder store a user of its own, with all of {}", quoted(&STORE_USER));
        draft.safe(Safe::set(KEY, "\"glance\"", words))
    } else {
        let why = format!(
            "the store has {}, but not {}: without all four Glance ignores them and takes the user's token",
            quoted(&set),
            quoted(&lacking)
        );
        draft.why(why).safe(Safe::other(format!("set {} too, where the others of the store stand", quoted(&lacking))))
    };
    draft.key(KEY).key("glance.glance_store.default_store")
}

fn glance(model: &Model, places: &Places, rows: &[Row]) -> Vec<Draft> {
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
            ServiceId::CINDER => store_user(draft, places),
            _ => draft,
        };
        draft.safe(Safe::other(format!(
            "or an `expiration` as long as the longest of these jobs; it is {}",
            super::words::Exact(model.keystone.expiration)
        )))
    };
    by_backend.into_iter().map(finding).collect()
}

fn backups(model: &Model, places: &Places, rows: &[Row]) -> Vec<Draft> {
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
        draft = draft.safe(switched_on(places, "cinder", key, "let Cinder have service tokens at all")).key(key);
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

fn exchanges(model: &Model, places: &Places, met: &[Met]) -> Vec<Draft> {
    let mut found: Vec<(ProcessId, Door)> = Vec::new();
    for call in met.iter().flat_map(|met| &met.calls) {
        if let Call::Exchange(from, _, door) = call
            && !found.iter().any(|(known, behind)| known == from && behind.carried == door.carried)
        {
            found.push((*from, *door));
        }
    }
    let finding = |(sender, door): (ProcessId, Door)| {
        let name = &model.process(sender).name;
        let at = steps(model, met, |call| match call {
            Call::Exchange(from, step, behind) if *from == sender && behind.carried == door.carried => Some(*step),
            _ => None,
        });
        let what =
            format!("{name} exchanges the user's token, which Keystone refuses once it has expired, window or not");
        let draft = Draft::new(Lint::TokenExchange, &**name, what).why(format!("concerns {}", listed(&at)));
        match sender {
            ProcessId::CINDER_VOLUME => draft
                .safe(Safe::set("cinder.nova.auth_type", "\"password\"", "give Cinder credentials of its own for Nova"))
                .key("cinder.nova.auth_type"),
            ProcessId::CINDER_API => accepted_by_cinder(
                draft,
                model,
                places,
                door,
                "Cinder then need not ask Nova whether the volume is in use",
            ),
            _ => draft,
        }
    };
    found.into_iter().map(finding).collect()
}

fn detachments(model: &Model, places: &Places, met: &[Met]) -> Vec<Draft> {
    let mut doors: Vec<Door> = Vec::new();
    for call in met.iter().flat_map(|met| &met.calls) {
        if let Call::DetachConflict(_, door) = call
            && !doors.iter().any(|known| known.carried == door.carried)
        {
            doors.push(*door);
        }
    }
    let finding = |door: Door| {
        let at = steps(model, met, |call| match call {
            Call::DetachConflict(step, behind) if behind.carried == door.carried => Some(*step),
            _ => None,
        });
        let why = match door.carried {
            Carried::RoleIgnored => "its service token lacks the role",
            Carried::Accepted | Carried::RoleRefused | Carried::Nothing => "it sends no service token",
        };
        let what = format!("Cinder refuses to detach volumes in use for Nova (409), with tokens of any age: {why}");
        let draft = Draft::new(Lint::DetachConflict, "nova-compute", what).why(format!("concerns {}", listed(&at)));
        accepted_by_cinder(draft, model, places, door, "Cinder deletes attachments in use for such a token only")
    };
    doors.into_iter().map(finding).collect()
}

/// What makes Cinder take a request of Nova for one of a service.
fn accepted_by_cinder(draft: Draft, model: &Model, places: &Places, door: Door, why: &str) -> Draft {
    if door.carried == Carried::RoleIgnored {
        let held = model.process(door.from).user.as_ref().map_or(&[][..], |user| &user.roles);
        let user = user_key(model, door.from, Sent::ServiceUser);
        return granted(draft, model, &user, held, ServiceId::CINDER);
    }
    let switch = "nova.service_user.send_service_user_token";
    let words = format!("let Nova send service tokens, with a role that Cinder accepts: {why}");
    draft.safe(switched_on(places, "nova", switch, words)).key(switch)
}

/// The switch that makes a service send service tokens; or what it needs, where it is on already.
fn switched_on(places: &Places, owner: &str, switch: &str, words: impl Into<String>) -> Safe {
    match places.lacks(&format!("{owner}.service_user.auth_type")) {
        Some(_) => credentials(owner),
        None => Safe::set(switch, "true", words),
    }
}

/// The role given to a service user, or one of theirs accepted; and the keys that decide it.
fn granted(draft: Draft, model: &Model, user: &str, held: &[String], to: ServiceId) -> Draft {
    let name = &model.service(to).name;
    let accepted =
        model.service(to).keystone_authtoken.as_ref().map_or(&[][..], |settings| &settings.service_token_roles);
    let roles = receiver_key(model, to, ROLES);
    let with = |roles: &[String], role: &str| toml_list(&[roles, &[role.to_owned()]].concat());
    let grant = |draft: Draft, role: &str| {
        draft.safe(Safe::set(user, with(held, role), format!("grant the role `{role}` to that user on its project")))
    };
    let keyed = |draft: Draft| draft.key(user).key(&*roles).key(receiver_key(model, to, REQUIRED));
    let is_accepted = accepted.iter().any(|role| role == SERVICE);
    if let Some(slip) = accepted.iter().find(|role| !is_accepted && is_slip_of_service(role)) {
        let meant: Vec<String> =
            accepted.iter().map(|role| if role == slip { SERVICE.to_owned() } else { role.clone() }).collect();
        let words = format!("{name} accepts the role `{slip}`: did you mean `{SERVICE}`?");
        let draft = draft.safe(Safe::set(&*roles, toml_list(&meant), words));
        let draft = if held.iter().any(|role| role == SERVICE) { draft } else { grant(draft, SERVICE) };
        return keyed(draft);
    }
    let draft = preferred(accepted).into_iter().fold(draft, grant);
    let draft = preferred(held).into_iter().fold(draft, |draft, role| {
        let caution = match who_holds(role) {
            Some(holders) => format!(", although {holders} then counts as a service there"),
            None => String::new(),
        };
        draft.safe(Safe::set(&*roles, with(accepted, role), format!("let {name} accept the role `{role}`{caution}")))
    });
    keyed(draft)
}

/// The role that service users are meant to have.
const SERVICE: &str = "service";

/// Who has a role that is not only for services; `None`: it may well be.
fn who_holds(role: &str) -> Option<&'static str> {
    match role {
        "member" | "reader" | "_member_" => Some("every user"),
        "admin" => Some("everybody who holds it"),
        _ => None,
    }
}

/// The role to go on with: `service`, or else the first that is for services only, or else the first.
fn preferred(roles: &[String]) -> Option<&str> {
    let own = || roles.iter().find(|role| who_holds(role).is_none());
    roles.iter().find(|role| *role == SERVICE).or_else(own).or(roles.first()).map(String::as_str)
}

/// Whether somebody wrote it who meant `service`.
fn is_slip_of_service(role: &str) -> bool {
    (1..=2).contains(&strsim::damerau_levenshtein(&role.to_lowercase(), SERVICE))
        || (role != SERVICE && role.eq_ignore_ascii_case(SERVICE))
}

/// What makes a switch work that is on already.
fn credentials(owner: &str) -> Safe {
    Safe::other(format!(
        "write the credentials of the service user into `[service_user]` of {owner}.conf: `auth_type`, `auth_url`, \
         `username`, `password`, `project_name` and the domains"
    ))
}

/// A switch that is on, without credentials to log in with.
fn without_credentials(model: &Model, places: &Places) -> Vec<Draft> {
    let lacking = |process: ProcessId| places.lacks(&format!("{}.service_user.auth_type", owner(model, process)));
    let senders = [ProcessId::NOVA_COMPUTE, ProcessId::CINDER_VOLUME];
    let finding = |process: ProcessId| {
        let (owner, key) = (owner(model, process), send_key(model, process)?);
        let draft = if process == ProcessId::NOVA_COMPUTE {
            let what = "Nova is to send service tokens and cannot: no `auth_type` is set for `[service_user]`, so it sends none";
            let why = "Nova logs a warning (`Unable to load auth from [service_user] configuration`) and goes on with the \
                       user's token alone";
            Draft::new(Lint::NoCredentials, owner, what).severity(Severity::Warning).why(why)
        } else {
            let what = "Cinder is to send service tokens and cannot: no `auth_type` is set for `[service_user]`, so every \
                        call to Glance and Nova fails";
            let why = "`ServiceUserTokenNoAuth`: the send_service_user_token option was requested, but no service auth \
                       could be loaded";
            Draft::new(Lint::NoCredentials, owner, what).why(why)
        };
        Some(draft.safe(credentials(owner)).key(key))
    };
    senders.into_iter().filter(|process| lacking(*process).is_some()).filter_map(finding).collect()
}
