//! Who sends service tokens to whom, with which roles, and what becomes of them.

use std::collections::BTreeMap;

use super::course::{Bears, Call, Carried, Hop, Met, Walk, walk};
use crate::model::program::Program;
use crate::model::{Model, Places, ProcessId, Sends, ServiceId, Workload};

/// The hops of a scenario's jobs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Matrix {
    /// By sender, then receiver. The users' own clients are not in it.
    pub rows: Vec<Row>,
    /// One per workload, in their order.
    pub courses: Vec<Course>,
}

/// Requests of one process to one service that fare alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The hop by its places in the model.
    pub hop: Hop,
    /// The process.
    pub sender: String,
    /// The service.
    pub receiver: String,
    /// What it sends.
    pub sends: Sent,
    /// Roles of the service user; empty where it sends nothing.
    pub held: Vec<String>,
    /// Roles of which the receiver accepts one.
    pub accepted: Vec<String>,
    /// Whether it requires one.
    pub required: bool,
    /// Whether an upgrade to 2026.2 makes it require one.
    pub required_after_upgrade: bool,
    /// Which of these columns are guesses, by their heads.
    pub assumed: Vec<&'static str>,
    /// Whose jobs do it.
    pub workloads: Vec<String>,
}

/// What a row says of sender and receiver, by the heads of its columns.
pub const COLUMNS: [&str; 4] = ["sends", "role held", "accepted", "required"];

/// What goes along with the user's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sent {
    /// The token of `[service_user]`.
    ServiceUser,
    /// auth_token's own, which nova-api adds.
    AuthToken,
    /// Nothing, because nobody switched it on.
    Off,
    /// Nothing: this sender, or this request of it, never has one.
    Never,
    /// Not even the request: the sender is to add a token, and has nothing to log in with.
    NoCredentials,
}

/// Why a sender fails that cannot log in for its service token.
pub const NO_CREDENTIALS: &str = "no credentials";

impl Sent {
    /// As the matrix says it.
    pub const fn words(self) -> &'static str {
        match self {
            Sent::ServiceUser => "service_user",
            Sent::AuthToken => "auth_token's",
            Sent::Off => "no",
            Sent::Never => "never",
            Sent::NoCredentials => NO_CREDENTIALS,
        }
    }
}

impl Row {
    /// Which token they carry as the user's.
    pub const fn token(&self) -> &'static str {
        match self.hop.bears {
            Bears::Users => "user's",
            Bears::AnotherLife => "delegated",
        }
    }

    /// Until when requests pass.
    pub const fn passes(&self) -> &'static str {
        match (self.hop.bears, self.hop.carried) {
            _ if matches!(self.sends, Sent::NoCredentials) => "never",
            (_, Carried::RoleRefused) => "never",
            (Bears::AnotherLife, _) => "its own token's end",
            (Bears::Users, Carried::Accepted) => "window's end",
            (Bears::Users, Carried::RoleIgnored | Carried::Nothing) => "expiration",
        }
    }

    /// The same after an upgrade to 2026.2.
    pub const fn passes_after_upgrade(&self) -> &'static str {
        match self.hop.carried {
            Carried::RoleIgnored if self.required_after_upgrade => "never",
            Carried::Accepted | Carried::RoleIgnored | Carried::RoleRefused | Carried::Nothing => self.passes(),
        }
    }
}

/// Where the jobs of a workload fail first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Course {
    /// Its name.
    pub workload: String,
    /// The kind of its jobs.
    pub job: String,
    /// The first request that is refused whatever the age of the token; `None`: none is.
    pub at_once: Option<Stop>,
    /// The first that is refused once the user's token has expired, the window being open; `None`: none is.
    pub after_expiration: Option<Stop>,
}

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stop {
    /// Its name in reports.
    pub step: String,
    /// Who sends it.
    pub sender: String,
    /// Who receives it.
    pub receiver: String,
    /// Why it is refused, in words.
    pub why: &'static str,
}

/// What the jobs of every workload meet, in their order; walked once per model.
pub(super) fn courses(model: &Model, how: Walk) -> Vec<Met> {
    let walked =
        |workload: &Workload| walk(model, &workload.program, Program::ENTRY, workload.kind.resources.len(), how);
    model.workloads.iter().map(walked).collect()
}

/// The matrix of a model, from what its jobs meet on a smooth way, on the same with an expired token, and on any.
pub(super) fn matrix(model: &Model, places: &Places, [smooth, expired, any]: [&[Met]; 3]) -> Matrix {
    let mut hops: BTreeMap<Hop, Vec<String>> = BTreeMap::new();
    for (workload, met) in model.workloads.iter().zip(any) {
        for call in &met.calls {
            if let Call::Hop(hop, _) = call
                && hop.from != ProcessId::CLIENT
            {
                let workloads = hops.entry(*hop).or_default();
                if !workloads.contains(&workload.name) {
                    workloads.push(workload.name.clone());
                }
            }
        }
    }
    let rows = hops.into_iter().map(|(hop, workloads)| row(model, places, hop, workloads)).collect();
    let met = smooth.iter().zip(expired);
    let courses = model.workloads.iter().zip(met).map(|(workload, met)| course(model, places, workload, met));
    let courses = courses.collect();
    Matrix { rows, courses }
}

/// The one hop that has a switch beside that of its process: `backup_swift_service_auth`.
pub(super) const BACKUP: (ProcessId, ServiceId) = (ProcessId::CINDER_BACKUP, ServiceId::SWIFT);

fn row(model: &Model, places: &Places, hop: Hop, workloads: Vec<String>) -> Row {
    let (sender, receiver) = (model.process(hop.from), model.service(hop.to));
    let settings = receiver.keystone_authtoken.as_ref();
    let sends = match (sender.sends, hop.may_carry) {
        _ if cannot_log_in(model, places, hop) => Sent::NoCredentials,
        (Sends::ServiceUser, true) => Sent::ServiceUser,
        (Sends::AuthToken, true) => Sent::AuthToken,
        (Sends::Never, true) if sender.user.is_some() => Sent::Off,
        // Here a switch of its own says whether this request has one.
        (_, false) if (hop.from, hop.to) == BACKUP => Sent::Off,
        (Sends::Never, _) | (_, false) => Sent::Never,
    };
    let held = match (sends, &sender.user) {
        (Sent::ServiceUser | Sent::AuthToken, Some(user)) => user.roles.clone(),
        _ => Vec::new(),
    };
    let required = settings.is_some_and(|settings| settings.service_token_roles_required);
    // Swift keeps its own packages' default, as the scenarios assume.
    let is_default = places.get(&receiver_key(model, hop.to, REQUIRED)).is_none() && hop.to != ServiceId::SWIFT;
    let sends_key = match sends {
        Sent::AuthToken | Sent::Never => None,
        Sent::Off if !hop.may_carry => Some(BACKUP_SERVICE_AUTH.to_owned()),
        Sent::Off | Sent::ServiceUser | Sent::NoCredentials => send_key(model, hop.from),
    };
    let has_user = matches!(sends, Sent::ServiceUser | Sent::AuthToken);
    let held_key = has_user.then(|| user_key(model, hop.from, sends));
    let receivers = |key| Some(receiver_key(model, hop.to, key));
    let decided = [sends_key, held_key, receivers(ROLES), receivers(REQUIRED)];
    let is_assumed = |key: &Option<String>| key.as_ref().is_some_and(|key| places.assumed(key).is_some());
    let assumed = COLUMNS.into_iter().zip(&decided).filter(|(_, key)| is_assumed(key)).map(|(column, _)| column);
    Row {
        assumed: assumed.collect(),
        hop,
        sender: sender.name.clone(),
        receiver: receiver.name.clone(),
        sends,
        held,
        accepted: settings.map(|settings| settings.service_token_roles.clone()).unwrap_or_default(),
        required,
        required_after_upgrade: required || is_default,
        workloads,
    }
}

/// Whether the request is never sent, because its sender is to add a service token and has nothing to log in with. Nova
/// goes on without one.
fn cannot_log_in(model: &Model, places: &Places, hop: Hop) -> bool {
    let is_cinder = owner(model, hop.from) == "cinder" && hop.may_carry;
    is_cinder && places.lacks("cinder.service_user.auth_type").is_some()
}

fn course(model: &Model, places: &Places, workload: &Workload, (smooth, expired): (&Met, &Met)) -> Course {
    let stop = |step, sender: ProcessId, receiver: ServiceId, why| Stop {
        step: workload.kind.step_name(step).to_owned(),
        sender: model.process(sender).name.clone(),
        receiver: model.service(receiver).name.clone(),
        why,
    };
    let at_once = smooth.calls.iter().find_map(|call| match call {
        Call::Hop(hop, step) if cannot_log_in(model, places, *hop) => {
            Some(stop(*step, hop.from, hop.to, NO_CREDENTIALS))
        }
        Call::Hop(hop, step) if hop.carried == Carried::RoleRefused => {
            Some(stop(*step, hop.from, hop.to, "the service token lacks the role"))
        }
        Call::DetachConflict(step, door) => {
            Some(stop(*step, door.from, ServiceId::CINDER, "no service token that Cinder accepts"))
        }
        Call::Hop(..) | Call::Exchange(..) => None,
    });
    let after_expiration = expired.calls.iter().find_map(|call| match call {
        Call::Hop(hop, step) if cannot_log_in(model, places, *hop) => {
            Some(stop(*step, hop.from, hop.to, NO_CREDENTIALS))
        }
        Call::Hop(hop, step) if hop.from != ProcessId::CLIENT => {
            let why = match (hop.bears, hop.carried) {
                (_, Carried::RoleRefused) => "the service token lacks the role",
                (Bears::AnotherLife, _) | (_, Carried::Accepted) => return None,
                (Bears::Users, Carried::RoleIgnored) => "the service token lacks the role and is ignored",
                (Bears::Users, Carried::Nothing) => "no service token",
            };
            Some(stop(*step, hop.from, hop.to, why))
        }
        Call::Exchange(from, step, _) => {
            Some(stop(*step, *from, ServiceId::KEYSTONE, "an expired token cannot be exchanged"))
        }
        Call::DetachConflict(step, door) => {
            Some(stop(*step, door.from, ServiceId::CINDER, "no service token that Cinder accepts"))
        }
        Call::Hop(..) => None,
    });
    Course { workload: workload.name.clone(), job: workload.kind.name.clone(), at_once, after_expiration }
}

/// The switch of that hop.
pub(super) const BACKUP_SERVICE_AUTH: &str = "cinder.DEFAULT.backup_swift_service_auth";

/// Keys of a receiver's `[keystone_authtoken]`.
pub(super) const ROLES: &str = "service_token_roles";
pub(super) const REQUIRED: &str = "service_token_roles_required";
pub(super) const CACHE_TIME: &str = "token_cache_time";

/// The dotted path of a key of a receiver's `[keystone_authtoken]`.
pub(super) fn receiver_key(model: &Model, service: ServiceId, key: &str) -> String {
    let name = &model.service(service).name;
    let list = if service > ServiceId::NEUTRON { "service." } else { "" };
    format!("{list}{name}.keystone_authtoken.{key}")
}

/// The service whose configuration says what a process sends.
pub(super) fn owner(model: &Model, process: ProcessId) -> &str {
    match process {
        ProcessId::CLIENT => "client",
        ProcessId::NOVA_API | ProcessId::NOVA_COMPUTE | ProcessId::NOVA_COMPUTE_DESTINATION => "nova",
        ProcessId::CINDER_API | ProcessId::CINDER_VOLUME | ProcessId::CINDER_BACKUP => "cinder",
        ProcessId::GLANCE_API => "glance",
        own => &model.process(own).name,
    }
}

/// The key that makes a process send service tokens; `None`: it never does.
pub(super) fn send_key(model: &Model, process: ProcessId) -> Option<String> {
    let owner = owner(model, process);
    match process {
        ProcessId::CLIENT | ProcessId::GLANCE_API => None,
        own if own > ProcessId::GLANCE_API => Some(format!("service.{owner}.service_user.send_service_user_token")),
        _ => Some(format!("{owner}.service_user.send_service_user_token")),
    }
}

/// The key that says which roles the user of a row's service tokens holds.
pub(super) fn roles_key(model: &Model, row: &Row) -> String {
    user_key(model, row.hop.from, row.sends)
}

pub(super) fn user_key(model: &Model, from: ProcessId, sends: Sent) -> String {
    let owner = owner(model, from);
    match sends {
        Sent::AuthToken => "cloud.service_users.nova_authtoken.roles".to_owned(),
        _ if from > ProcessId::GLANCE_API => format!("service.{owner}.service_user.roles"),
        _ => format!("cloud.service_users.{owner}.roles"),
    }
}
