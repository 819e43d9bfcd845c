//! Remedies: what could be set otherwise so that a job that failed would have passed.

use std::mem::discriminant;

use super::{Model, Process, ProcessId, Sends, ServiceId};
use crate::units::Span;

/// Something that is set otherwise, from the start on. In the order in which equals are preferred: what costs less, or
/// exposes tokens less, first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// A sender's `send_service_user_token`.
    ServiceToken(Sender),
    /// A service user has the role that receivers accept.
    ServiceRole(RoleHolder),
    /// A receiver accepts the role that service users have.
    AcceptedRoles(Receiver),
    /// `[DEFAULT] backup_swift_service_auth` of Cinder: its service tokens go to Swift too.
    BackupServiceToken,
    /// `[glance_store] swift_store_multi_tenant` is off: Glance reads with a user of its own.
    SingleTenantStore,
    /// `[glance_store] cinder_store_user_name`: Glance's Cinder store has a user of its own.
    StoreUser,
    /// `[nova] auth_type` of Cinder: it goes to Nova with credentials of its own.
    NovaCredentials,
    /// `[DEFAULT] block_device_allocate_retries` of Nova is at least this.
    VolumeWait(u32),
    /// The client renews its token before it submits.
    FreshToken,
    /// `[fernet_tokens] max_active_keys` is at least this.
    ActiveKeys(u32),
    /// The keys rotate once in this time.
    RotationPeriod(Span),
    /// `[token] allow_expired_window` is at least this.
    Window(Span),
    /// `[token] expiration` is this.
    Expiration(Span),
}

/// Whose `[service_user]` says whether a service token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    /// Nova's.
    Nova,
    /// Cinder's.
    Cinder,
}

/// A user whose tokens are sent as service tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleHolder {
    /// That of Nova's `[service_user]`.
    Nova,
    /// That of Cinder's `[service_user]`.
    Cinder,
    /// That of Nova's `[keystone_authtoken]`, with which nova-api sends where `[service_user]` does not.
    NovaAuthtoken,
}

/// Whose `[keystone_authtoken]` says which roles count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Receiver {
    /// Nova's.
    Nova,
    /// Cinder's.
    Cinder,
    /// Glance's.
    Glance,
    /// Swift's.
    Swift,
    /// Neutron's.
    Neutron,
}

impl Receiver {
    /// Each of them.
    pub const ALL: [Receiver; 5] =
        [Receiver::Nova, Receiver::Cinder, Receiver::Glance, Receiver::Swift, Receiver::Neutron];

    /// Which service it is.
    pub const fn service(self) -> ServiceId {
        match self {
            Receiver::Nova => ServiceId::NOVA,
            Receiver::Cinder => ServiceId::CINDER,
            Receiver::Glance => ServiceId::GLANCE,
            Receiver::Swift => ServiceId::SWIFT,
            Receiver::Neutron => ServiceId::NEUTRON,
        }
    }
}

impl RoleHolder {
    /// A process that sends this user's tokens, or would.
    const fn process(self) -> ProcessId {
        match self {
            RoleHolder::Nova => ProcessId::NOVA_COMPUTE,
            RoleHolder::Cinder => ProcessId::CINDER_VOLUME,
            RoleHolder::NovaAuthtoken => ProcessId::NOVA_API,
        }
    }

    /// The roles that it has; none while another user sends.
    fn roles(self, model: &Model) -> &[String] {
        let process: &Process = model.process(self.process());
        let is_it = self != RoleHolder::NovaAuthtoken || process.sends == Sends::AuthToken;
        process.user.as_ref().filter(|_| is_it).map_or(&[], |user| &user.roles)
    }
}

impl Setting {
    /// Settings without an amount.
    pub const SWITCHES: [Setting; 15] = [
        Setting::ServiceToken(Sender::Nova),
        Setting::ServiceToken(Sender::Cinder),
        Setting::ServiceRole(RoleHolder::Nova),
        Setting::ServiceRole(RoleHolder::Cinder),
        Setting::ServiceRole(RoleHolder::NovaAuthtoken),
        Setting::AcceptedRoles(Receiver::Nova),
        Setting::AcceptedRoles(Receiver::Cinder),
        Setting::AcceptedRoles(Receiver::Glance),
        Setting::AcceptedRoles(Receiver::Swift),
        Setting::AcceptedRoles(Receiver::Neutron),
        Setting::BackupServiceToken,
        Setting::SingleTenantStore,
        Setting::StoreUser,
        Setting::NovaCredentials,
        Setting::FreshToken,
    ];

    /// The key of a scenario that holds it; of [`Setting::FreshToken`] one of each workload.
    pub const fn key(self) -> &'static str {
        match self {
            Setting::ServiceToken(Sender::Nova) => "nova.service_user.send_service_user_token",
            Setting::ServiceToken(Sender::Cinder) => "cinder.service_user.send_service_user_token",
            Setting::ServiceRole(RoleHolder::Nova) => "cloud.service_users.nova.roles",
            Setting::ServiceRole(RoleHolder::Cinder) => "cloud.service_users.cinder.roles",
            Setting::ServiceRole(RoleHolder::NovaAuthtoken) => "cloud.service_users.nova_authtoken.roles",
            Setting::AcceptedRoles(Receiver::Nova) => "nova.keystone_authtoken.service_token_roles",
            Setting::AcceptedRoles(Receiver::Cinder) => "cinder.keystone_authtoken.service_token_roles",
            Setting::AcceptedRoles(Receiver::Glance) => "glance.keystone_authtoken.service_token_roles",
            Setting::AcceptedRoles(Receiver::Swift) => "swift.keystone_authtoken.service_token_roles",
            Setting::AcceptedRoles(Receiver::Neutron) => "neutron.keystone_authtoken.service_token_roles",
            Setting::BackupServiceToken => "cinder.DEFAULT.backup_swift_service_auth",
            Setting::SingleTenantStore => "glance.glance_store.swift_store_multi_tenant",
            Setting::StoreUser => "glance.glance_store.cinder_store_user_name",
            Setting::NovaCredentials => "cinder.nova.auth_type",
            Setting::VolumeWait(_) => "nova.DEFAULT.block_device_allocate_retries",
            Setting::FreshToken => "token_age",
            Setting::ActiveKeys(_) => "keystone.fernet_tokens.max_active_keys",
            Setting::RotationPeriod(_) => "cloud.fernet_rotation.every",
            Setting::Window(_) => "keystone.token.allow_expired_window",
            Setting::Expiration(_) => "keystone.token.expiration",
        }
    }

    /// Whether what passes with some amount passes with every greater one, so that there is a least that is enough.
    pub const fn has_least(self) -> bool {
        matches!(self, Setting::VolumeWait(_) | Setting::ActiveKeys(_) | Setting::Window(_))
    }

    /// Whether it has an amount of which more is not always better: a longer lifetime may outlive the keys, and another
    /// period puts the rotations elsewhere.
    pub const fn is_stepped(self) -> bool {
        matches!(self, Setting::RotationPeriod(_) | Setting::Expiration(_))
    }

    /// Whether a job that passes under a model may fail with it. Those that only let more be accepted, or wait for
    /// longer, break nothing.
    pub fn may_break(self, model: &Model) -> bool {
        match self {
            // With several nodes it decides on which of them auth_token logs in again, and so whom it asks.
            Setting::ActiveKeys(_) => model.keystone.clocks.len() > 1,
            Setting::ServiceRole(_) | Setting::AcceptedRoles(_) | Setting::VolumeWait(_) | Setting::Window(_) => false,
            Setting::ServiceToken(_)
            | Setting::BackupServiceToken
            | Setting::SingleTenantStore
            | Setting::StoreUser
            | Setting::NovaCredentials
            | Setting::FreshToken
            | Setting::RotationPeriod(_)
            | Setting::Expiration(_) => true,
        }
    }

    /// Whether it lets the user's token itself be valid for longer: what the client must see to, or what a thief has of
    /// it. A pair of other settings is worth knowing where one of these would do.
    pub const fn is_of_token(self) -> bool {
        matches!(self, Setting::FreshToken | Setting::Expiration(_))
    }

    /// Whether both set the same, if not to the same amount.
    pub fn is_like(self, other: Setting) -> bool {
        self == other || ((self.has_least() || self.is_stepped()) && discriminant(&self) == discriminant(&other))
    }

    /// The same without its amount, where that is the least that is enough.
    pub const fn kind(self) -> Setting {
        match self {
            Setting::VolumeWait(_) => Setting::VolumeWait(0),
            Setting::ActiveKeys(_) => Setting::ActiveKeys(0),
            Setting::Window(_) => Setting::Window(Span::ZERO),
            other => other,
        }
    }

    /// With the greater amount of both, which are of one [kind](Setting::kind).
    #[must_use]
    pub fn at_least(self, other: Setting) -> Setting {
        if self.has_least() { self.max(other) } else { self }
    }

    /// What it could overturn, to be looked for in a course.
    pub const fn lever(self) -> Levers {
        Levers(
            1 << match self {
                Setting::ServiceToken(Sender::Nova) => 0,
                Setting::ServiceToken(Sender::Cinder) => 1,
                Setting::ServiceRole(RoleHolder::Nova) => 2,
                Setting::ServiceRole(RoleHolder::Cinder) => 3,
                Setting::ServiceRole(RoleHolder::NovaAuthtoken) => 4,
                Setting::AcceptedRoles(Receiver::Nova) => 5,
                Setting::AcceptedRoles(Receiver::Cinder) => 6,
                Setting::AcceptedRoles(Receiver::Glance) => 7,
                Setting::AcceptedRoles(Receiver::Swift) => 8,
                Setting::AcceptedRoles(Receiver::Neutron) => 9,
                Setting::BackupServiceToken => 10,
                Setting::SingleTenantStore => 11,
                Setting::StoreUser => 12,
                Setting::NovaCredentials => 13,
                Setting::VolumeWait(_) => 14,
                Setting::FreshToken => 15,
                Setting::ActiveKeys(_) => 16,
                Setting::RotationPeriod(_) => 17,
                Setting::Window(_) => 18,
                Setting::Expiration(_) => 19,
            },
        )
    }
}

/// Kinds of settings, as a set: those that could overturn something that was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levers(u32);

impl Levers {
    /// None of them.
    pub const NONE: Levers = Levers(0);

    /// Each of them.
    pub const ALL: Levers = Levers(u32::MAX);

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Levers) -> Levers {
        Levers(self.0 | other.0)
    }

    /// Whether it has this one.
    pub const fn has(self, one: Levers) -> bool {
        self.0 & one.0 != 0
    }
}

/// The settings from the start and those of every change.
pub fn epochs(base: &Model) -> impl Iterator<Item = &Model> {
    std::iter::once(base).chain(base.changes.iter().map(|change| &change.model))
}

/// The roles that a service user needs to be accepted everywhere: those that it has, and the first that counts at each
/// receiver where none of them does. `None`: nothing is missing, or it sends nothing.
pub fn roles_needed(holder: RoleHolder, base: &Model) -> Option<Vec<String>> {
    let sends = |model: &Model| model.process(ProcessId::NOVA_API).sends == Sends::AuthToken;
    let is_known = holder != RoleHolder::NovaAuthtoken || epochs(base).any(sends);
    let mut is_missing = false;
    let mut roles: Vec<String> = Vec::new();
    for model in epochs(base) {
        let held = holder.roles(model);
        for receiver in model.services.iter().filter_map(|service| service.keystone_authtoken.as_ref()) {
            let accepted = &receiver.service_token_roles;
            if !accepted.iter().any(|role| held.contains(role)) {
                is_missing = true;
                let meant = accepted.iter().find(|role| *role == "service").or(accepted.first());
                roles.extend(meant.cloned());
            }
        }
        roles.extend_from_slice(held);
    }
    roles.sort();
    roles.dedup();
    (is_known && is_missing && !roles.is_empty()).then_some(roles)
}

/// The roles that a receiver has to accept so that every service user counts there: those that it accepts, and of each
/// user without one of them `service`, or the first that it has. `None`: nothing is missing.
pub fn roles_to_accept(receiver: Receiver, base: &Model) -> Option<Vec<String>> {
    let mut is_missing = false;
    let mut roles: Vec<String> = Vec::new();
    for model in epochs(base) {
        let Some(settings) = &model.service(receiver.service()).keystone_authtoken else { continue };
        roles.extend_from_slice(&settings.service_token_roles);
        for holder in [RoleHolder::Nova, RoleHolder::Cinder, RoleHolder::NovaAuthtoken] {
            let held = holder.roles(model);
            if !held.iter().any(|role| settings.service_token_roles.contains(role)) {
                let meant = held.iter().find(|role| *role == "service").or(held.first());
                is_missing |= meant.is_some();
                roles.extend(meant.cloned());
            }
        }
    }
    roles.sort();
    roles.dedup();
    is_missing.then_some(roles)
}

/// The roles that a setting adds to what holds from the start, if it adds any.
pub fn roles_added(setting: Setting, base: &Model) -> Vec<String> {
    let (now, then) = match setting {
        Setting::ServiceRole(holder) => (holder.roles(base), roles_needed(holder, base)),
        Setting::AcceptedRoles(receiver) => {
            let settings = base.service(receiver.service()).keystone_authtoken.as_ref();
            (settings.map_or(&[][..], |settings| &settings.service_token_roles), roles_to_accept(receiver, base))
        }
        _ => (&[][..], None),
    };
    then.unwrap_or_default().into_iter().filter(|role| !now.contains(role)).collect()
}

/// One or two things that are set otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Remedy {
    /// The one, or the lesser of two.
    pub one: Setting,
    /// The other.
    pub other: Option<Setting>,
}

/// One thing comes before two.
impl Ord for Remedy {
    fn cmp(&self, other: &Remedy) -> std::cmp::Ordering {
        let key = |remedy: &Remedy| (remedy.other.is_some(), remedy.one, remedy.other);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Remedy {
    fn partial_cmp(&self, other: &Remedy) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Remedy {
    /// A single thing.
    pub const fn single(one: Setting) -> Remedy {
        Remedy { one, other: None }
    }

    /// Two of them.
    pub fn pair(one: Setting, other: Setting) -> Remedy {
        Remedy { one: one.min(other), other: Some(one.max(other)) }
    }

    /// What is set otherwise.
    pub fn settings(self) -> impl Iterator<Item = Setting> {
        std::iter::once(self.one).chain(self.other)
    }

    /// With something else for each setting.
    #[must_use]
    pub fn map(self, mut to: impl FnMut(Setting) -> Setting) -> Remedy {
        Remedy { one: to(self.one), other: self.other.map(to) }
    }

    /// The same without amounts of which there is a least that is enough.
    #[must_use]
    pub fn kind(self) -> Remedy {
        self.map(Setting::kind)
    }

    /// With the greater amounts of both, which are of one [kind](Remedy::kind).
    #[must_use]
    pub fn at_least(self, other: Remedy) -> Remedy {
        let both = self.other.zip(other.other).map(|(ours, theirs)| ours.at_least(theirs));
        Remedy { one: self.one.at_least(other.one), other: both }
    }

    /// Whether a job that passes under a model may fail with it.
    pub fn may_break(self, model: &Model) -> bool {
        self.settings().any(|setting| setting.may_break(model))
    }

    /// Whether both set the same, if not to the same amounts.
    pub fn is_like(self, other: Remedy) -> bool {
        self.one.is_like(other.one)
            && match (self.other, other.other) {
                (None, None) => true,
                (Some(ours), Some(theirs)) => ours.is_like(theirs),
                (Some(_), None) | (None, Some(_)) => false,
            }
    }
}

/// A remedy that can be tried at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What is set otherwise.
    pub remedy: Remedy,
    /// The point with it; `None`: as it is, because the remedy is the client's.
    pub model: Option<Model>,
}

impl Candidate {
    /// The age of every token at submission, if the remedy says it.
    pub fn token_age(&self) -> Option<Span> {
        self.remedy.settings().any(|setting| setting == Setting::FreshToken).then_some(Span::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_comes_before_two_and_little_before_much() {
        let hours = |hours: i64| Setting::Window(Span::from_seconds(hours * 3_600));
        let nova = Setting::ServiceToken(Sender::Nova);
        let ordered = [
            Remedy::single(nova),
            Remedy::single(hours(1)),
            Remedy::single(hours(2)),
            Remedy::pair(hours(1), nova),
            Remedy::pair(nova, hours(2)),
        ];
        assert!(ordered.is_sorted(), "{ordered:?}");
        assert_eq!(ordered[3].one, nova);
        assert!(ordered[3].is_like(ordered[4]) && ordered[1].is_like(ordered[2]));
        assert!(!ordered[0].is_like(ordered[3]));
        assert!(!Setting::ServiceToken(Sender::Nova).is_like(Setting::ServiceToken(Sender::Cinder)));
    }
}
