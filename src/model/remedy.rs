//! Remedies: what could be set otherwise so that a job that failed would have passed.

use std::mem::discriminant;

use super::Model;
use crate::units::Span;

/// Something that is set otherwise, from the start on. In the order in which equals are preferred: what costs less, or
/// exposes tokens less, first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// A sender's `send_service_user_token`.
    ServiceToken(Sender),
    /// A service user has the role that receivers accept.
    ServiceRole(RoleHolder),
    /// `[DEFAULT] backup_swift_service_auth` of Cinder: its service tokens go to Swift too.
    BackupServiceToken,
    /// `[glance_store] swift_store_multi_tenant` is off: Glance reads with a user of its own.
    SingleTenantStore,
    /// `[DEFAULT] block_device_allocate_retries` of Nova is at least this.
    VolumeWait(u32),
    /// The client renews its token before it submits.
    FreshToken,
    /// `[fernet_tokens] max_active_keys` is at least this.
    ActiveKeys(u32),
    /// The keys rotate no more often than once in this time.
    RotationPeriod(Span),
    /// `[token] allow_expired_window` is at least this.
    Window(Span),
    /// `[token] expiration` is at least this.
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

impl Setting {
    /// The key of a scenario that holds it; of [`Setting::FreshToken`] one of each workload.
    pub const fn key(self) -> &'static str {
        match self {
            Setting::ServiceToken(Sender::Nova) => "nova.service_user.send_service_user_token",
            Setting::ServiceToken(Sender::Cinder) => "cinder.service_user.send_service_user_token",
            Setting::ServiceRole(RoleHolder::Nova) => "cloud.service_users.nova.roles",
            Setting::ServiceRole(RoleHolder::Cinder) => "cloud.service_users.cinder.roles",
            Setting::ServiceRole(RoleHolder::NovaAuthtoken) => "cloud.service_users.nova_authtoken.roles",
            Setting::BackupServiceToken => "cinder.DEFAULT.backup_swift_service_auth",
            Setting::SingleTenantStore => "glance.glance_store.swift_store_multi_tenant",
            Setting::VolumeWait(_) => "nova.DEFAULT.block_device_allocate_retries",
            Setting::FreshToken => "token_age",
            Setting::ActiveKeys(_) => "keystone.fernet_tokens.max_active_keys",
            Setting::RotationPeriod(_) => "cloud.fernet_rotation.every",
            Setting::Window(_) => "keystone.token.allow_expired_window",
            Setting::Expiration(_) => "keystone.token.expiration",
        }
    }

    /// Whether it has an amount.
    pub const fn is_graded(self) -> bool {
        match self {
            Setting::ServiceToken(_)
            | Setting::ServiceRole(_)
            | Setting::BackupServiceToken
            | Setting::SingleTenantStore
            | Setting::FreshToken => false,
            Setting::VolumeWait(_)
            | Setting::ActiveKeys(_)
            | Setting::RotationPeriod(_)
            | Setting::Window(_)
            | Setting::Expiration(_) => true,
        }
    }

    /// Whether what passes with some amount passes with every greater one, so that where the greatest does not help none
    /// does. A longer lifetime may outlive the keys, and another period puts the rotations elsewhere.
    pub const fn grows_better(self) -> bool {
        matches!(self, Setting::VolumeWait(_) | Setting::ActiveKeys(_) | Setting::Window(_))
    }

    /// Whether it lets the user's token itself be valid for longer: what the client must see to, or what a thief has of
    /// it. A pair of other settings is worth knowing where one of these would do.
    pub const fn is_of_token(self) -> bool {
        matches!(self, Setting::FreshToken | Setting::Expiration(_))
    }

    /// Whether both set the same, if not to the same amount.
    pub fn is_like(self, other: Setting) -> bool {
        self == other || (self.is_graded() && discriminant(&self) == discriminant(&other))
    }
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
