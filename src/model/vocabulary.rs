//! The closed lists of words, each once: reasons and what clean-ups came to. Job kinds, services and processes are
//! data of the model.
//!
//! Codes are what CSV files, legends and documentation use; nobody types them twice. No behaviour lives here.

use std::borrow::Cow;

/// Declares a closed list: the enum, all of it in order, and the code of each member.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every member, in the order in which reports list them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// How many there are.
            pub const COUNT: usize = $name::ALL.len();

            /// The code in files and outputs.
            pub const fn code(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }

            /// The member with this code.
            pub fn from_code(code: &str) -> Option<$name> {
                match code { $($code => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

vocabulary! {
    /// Why a request, or a whole job, failed; in the order in which they are tried when several hold.
    Reason {
        /// Keystone refused the service token, or refused the sender a new one.
        ServiceTokenInvalid => "service_token_invalid",
        /// The Fernet key of the user's token is gone.
        FernetKeyGone => "fernet_key_gone",
        /// The Fernet key of the token has not reached the Keystone node that was asked.
        FernetKeyNotSynced => "fernet_key_not_synced",
        /// The user's token was revoked.
        Revoked => "revoked",
        /// The service token's user has none of the receiver's `service_token_roles`.
        ServiceTokenRoleMissing => "service_token_role_missing",
        /// The service token was good, but the user's token is past `allow_expired_window`.
        BeyondWindow => "beyond_window",
        /// The user's token had expired and no service token came with it.
        UserTokenExpired => "user_token_expired",
        /// The same where Swift is asked, or by a sender without a service user: Glance.
        BackendNoServiceToken => "backend_no_service_token",
        /// Keystone would not exchange the user's token, which it never does for an expired one.
        TokenExchangeRefused => "token_exchange_refused",
        /// Cinder would not delete an attachment in use for anybody but Nova with a service token (CVE-2023-2088).
        DetachConflict => "detach_conflict",
        /// Keystone could not be reached.
        KeystoneUnavailable => "keystone_unavailable",
        /// Nova stopped waiting for the volume.
        VolumeWaitTimeout => "volume_wait_timeout",
        /// Nova saw the volume in `error`; the first cause says why.
        VolumeError => "volume_error",
        /// Cinder answered 400 because Glance had refused the token.
        CinderBadRequest => "cinder_bad_request",
    }
}

impl Reason {
    /// The reason in words, for legends and tables.
    pub const fn words(self) -> &'static str {
        match self {
            Reason::ServiceTokenInvalid => "service token invalid",
            Reason::FernetKeyGone => "Fernet key gone",
            Reason::FernetKeyNotSynced => "Fernet key not synced",
            Reason::Revoked => "token revoked",
            Reason::ServiceTokenRoleMissing => "service token lacks the role",
            Reason::BeyondWindow => "beyond allow_expired_window",
            Reason::UserTokenExpired => "user token expired",
            Reason::BackendNoServiceToken => "no service token to the backend",
            Reason::TokenExchangeRefused => "token exchange refused",
            Reason::DetachConflict => "detach conflict",
            Reason::KeystoneUnavailable => "Keystone unavailable",
            Reason::VolumeWaitTimeout => "volume wait timed out",
            Reason::VolumeError => "volume went to error",
            Reason::CinderBadRequest => "Cinder answered 400",
        }
    }

    /// Whether a job with this first cause counts as a token failure.
    pub const fn is_token_failure(self) -> bool {
        !matches!(self, Reason::VolumeWaitTimeout | Reason::KeystoneUnavailable)
    }
}

/// What deleting after a failure came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Not tried.
    None,
    /// What the job had created was deleted.
    Deleted,
    /// It was left where it was, on purpose.
    Kept,
    /// The request was answered with this status; [`Cleanup::CODES`] says what those of the shipped kinds mean.
    Refused(u16),
}

impl Cleanup {
    /// Codes with their meanings, for the reference. A job kind that a scenario defines may answer with other statuses.
    pub const CODES: &'static [(&'static str, &'static str)] = &[
        ("none", "not tried"),
        ("deleted", "what the job had created was deleted"),
        ("kept", "left on purpose"),
        ("refused_401", "the tokens were refused"),
        ("refused_400", "what was to be deleted was busy"),
        ("refused_409", "the attachment was in use, and no service token came with the request"),
        ("refused_500", "the service that was asked was refused by another one"),
        ("refused_503", "Keystone could not be reached"),
    ];

    /// The code in outputs.
    pub fn code(self) -> Cow<'static, str> {
        match self {
            Cleanup::None => Cow::Borrowed("none"),
            Cleanup::Deleted => Cow::Borrowed("deleted"),
            Cleanup::Kept => Cow::Borrowed("kept"),
            Cleanup::Refused(status) => Cow::Owned(format!("refused_{status}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        for &reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Reason::from_code("none"), None);
    }

    #[test]
    fn the_reference_knows_every_code_of_a_clean_up() {
        let refused = [401, 400, 409, 500, 503].map(Cleanup::Refused);
        let found = [Cleanup::None, Cleanup::Deleted, Cleanup::Kept].into_iter().chain(refused);
        let codes: Vec<_> = found.map(Cleanup::code).collect();
        assert_eq!(codes, Cleanup::CODES.iter().map(|(code, _)| *code).collect::<Vec<_>>());
    }
}
