//! What people see of a refusal: statuses, messages and log lines of the real services, as a table of data. Where a
//! message is not known, nothing is said of it.

use crate::model::vocabulary::Reason;
use crate::observe::course::Seen;
use Reason::{
    BackendNoServiceToken, BeyondWindow, CinderBadRequest, DetachConflict, FernetKeyGone, FernetKeyNotSynced,
    KeystoneUnavailable, Revoked, ServiceTokenInvalid, ServiceTokenRoleMissing, TokenExchangeRefused, UserTokenExpired,
    VolumeError, VolumeWaitTimeout,
};

/// Where something shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// For what is refused.
    reasons: &'static [Reason],
    /// Of requests from this process; `None`: from any.
    from: Option<&'static str>,
    /// To this service; `None`: to any.
    to: Option<&'static str>,
    /// In jobs of these kinds; empty: of all.
    kinds: &'static [&'static str],
    /// What the owner of the job, or the caller, is told.
    pub(super) told: &'static str,
    /// Log lines: whose log, and what it says.
    pub(super) logs: &'static [(&'static str, &'static str)],
    /// Whose code says so.
    pub(super) source: &'static str,
}

/// Stands for the service that received the request.
pub(super) const RECEIVER: &str = "the receiving service";
const BODY: &str = "401 {\"error\": {\"code\": 401, \"title\": \"Unauthorized\", \"message\": \"The request you have made \
                    requires authentication.\"}}";
const AUTH_TOKEN: &str = "keystonemiddleware:keystonemiddleware/auth_token/__init__.py";
const INVALID_USER: (&str, &str) = (RECEIVER, "INFO Invalid user token");
const REJECTING: (&str, &str) = (RECEIVER, "INFO Rejecting request");
const FAILED: (&str, &str) = (RECEIVER, "WARNING Authorization failed for token");
const NOVA_ABORTED: &str = "instance ERROR, fault code 500: Build of instance <uuid> aborted: The request you have made requires \
                            authentication. (HTTP 401)";

const NOT_CREATED: &str = "instance ERROR, fault code 500: Build of instance <uuid> aborted: Volume <id> did not finish being \
                           created even after we waited N seconds or M attempts. And its status is <status>.";

const fn at_receiver(reasons: &'static [Reason], logs: &'static [(&'static str, &'static str)]) -> Sight {
    Sight { reasons, from: None, to: None, kinds: &[], told: BODY, logs, source: AUTH_TOKEN }
}

/// Any refusal of a token that is answered 401.
const TOKENS: &[Reason] = &[
    ServiceTokenInvalid,
    FernetKeyGone,
    FernetKeyNotSynced,
    Revoked,
    ServiceTokenRoleMissing,
    BeyondWindow,
    UserTokenExpired,
    BackendNoServiceToken,
];

/// What auth_token at the receiver answers and logs.
const AT_RECEIVER: &[Sight] = &[
    at_receiver(
        &[UserTokenExpired, BackendNoServiceToken],
        &[(RECEIVER, "INFO Identity response: …"), FAILED, INVALID_USER, REJECTING],
    ),
    at_receiver(
        &[BeyondWindow],
        &[(RECEIVER, "INFO Identity response: … Failed to validate token …"), FAILED, INVALID_USER, REJECTING],
    ),
    at_receiver(
        &[FernetKeyGone, FernetKeyNotSynced],
        &[(RECEIVER, "INFO Identity response: … Could not recognize Fernet token …"), FAILED, INVALID_USER, REJECTING],
    ),
    at_receiver(&[ServiceTokenRoleMissing], &[INVALID_USER, REJECTING]),
    at_receiver(&[ServiceTokenInvalid], &[(RECEIVER, "INFO Invalid service token"), REJECTING]),
    Sight {
        reasons: &[KeystoneUnavailable],
        from: None,
        to: None,
        kinds: &[],
        told: "503 The Keystone service is temporarily unavailable.",
        logs: &[(RECEIVER, "CRITICAL Unable to validate token: …")],
        source: AUTH_TOKEN,
    },
];

/// A receiver that requires the role refuses without a word about the user's token, if that is good.
const ROLE_ONLY: Sight = at_receiver(&[ServiceTokenRoleMissing], &[REJECTING]);

/// The same of a user's token about which its cache answered.
const FROM_CACHE: Sight = at_receiver(&[UserTokenExpired, BackendNoServiceToken], &[INVALID_USER, REJECTING]);

/// What the caller makes of it, by who asked whom.
const AT_CALLER: &[Sight] = &[
    Sight {
        reasons: TOKENS,
        from: Some("nova-compute"),
        to: Some("cinder"),
        kinds: &["boot-from-volume"],
        told: NOVA_ABORTED,
        logs: &[("nova-compute", "Instance failed block device setup")],
        source: "nova:nova/compute/manager.py, nova:nova/compute/utils.py:add_instance_fault_from_exc",
    },
    Sight {
        reasons: TOKENS,
        from: Some("cinder-volume"),
        to: Some("glance"),
        kinds: &[],
        told: "Not authorized for image <id>.; the volume goes to error (after the scheduler's attempts)",
        logs: &[
            ("cinder-volume", "Volume <id>: create failed"),
            ("cinder-volume", "Failed to copy image <id> to volume"),
            ("cinder-scheduler", "Exceeded max scheduling attempts 3 for resource …"),
        ],
        source: "cinder:cinder/volume/flows/manager/create_volume.py",
    },
    Sight {
        reasons: TOKENS,
        from: Some("cinder-api"),
        to: Some("glance"),
        kinds: &[],
        told: "400 Invalid image identifier or unable to access requested image.",
        logs: &[],
        source: "cinder:cinder/api/v3/volumes.py",
    },
    Sight {
        reasons: TOKENS,
        from: Some("nova-compute"),
        to: Some("glance"),
        kinds: &["snapshot", "shelve"],
        told: "Not authorized for image <id>.; a fault of the snapshot, the image left queued, saving or active",
        logs: &[("nova-compute", "Failed to snapshot image"), ("nova-compute", "Error while trying to clean up image")],
        source: "nova:nova/compute/manager.py",
    },
    Sight {
        reasons: TOKENS,
        from: None,
        to: Some("neutron"),
        kinds: &["live-migration"],
        told: "Networking client is experiencing an unauthorized exception.; instance ERROR, migration error",
        logs: &[(
            "nova-compute",
            "ERROR Neutron client was not able to generate a valid admin token, please verify Neutron admin \
             credential located in nova.conf (misleading: the user's token was refused)",
        )],
        source: "nova:nova/network/neutron.py",
    },
    Sight {
        reasons: TOKENS,
        from: Some("glance-api"),
        to: Some("swift"),
        kinds: &[],
        told: "500 from Glance; the image goes back to queued",
        logs: &[
            ("glance-api", "Error during chunked upload to backend, deleting stale chunks."),
            ("glance-api", "Failed to add object to Swift. Got error from Swift: …"),
            ("glance-api", "Failed to upload image data due to internal error"),
        ],
        source: "glance_store:glance_store/_drivers/swift/store.py",
    },
    Sight {
        reasons: TOKENS,
        from: Some("cinder-backup"),
        to: Some("swift"),
        kinds: &[],
        told: "the backup goes to error; its fail_reason holds swiftclient's … 401 Unauthorized …",
        logs: &[],
        source: "cinder:cinder/backup/drivers/swift.py",
    },
    Sight {
        reasons: &[TokenExchangeRefused],
        from: None,
        to: None,
        kinds: &[],
        told: "404 Failed to validate token from POST /v3/auth/tokens (keystoneauth: NotFound)",
        logs: &[("keystone", "the 404 at DEBUG only")],
        source: "keystone:keystone/auth/plugins/token.py",
    },
    Sight {
        reasons: &[DetachConflict],
        from: None,
        to: Some("cinder"),
        kinds: &[],
        told: "409 Detach volume from instance <id> using the Compute API; the volume stays in-use or detaching",
        logs: &[(
            "cinder-api",
            "ERROR Detected user call to delete in-use attachment. Call must come from the nova service and nova must \
             be configured to send the service token. Bug #2004555",
        )],
        source: "cinder:cinder/volume/api.py",
    },
    Sight {
        reasons: &[CinderBadRequest],
        from: Some("nova-compute"),
        to: Some("cinder"),
        kinds: &["boot-from-volume"],
        told: "instance ERROR, fault code 500: Build of instance <uuid> aborted: Invalid input received: …",
        logs: &[],
        source: "nova:nova/compute/utils.py:add_instance_fault_from_exc",
    },
    Sight {
        reasons: &[VolumeWaitTimeout],
        from: Some("nova-compute"),
        to: Some("cinder"),
        kinds: &["boot-from-volume"],
        told: NOT_CREATED,
        logs: &[("nova-compute", "Instance failed block device setup")],
        source: "nova:nova/compute/manager.py:_await_block_device_map_created",
    },
    Sight {
        reasons: &[VolumeError],
        from: Some("nova-compute"),
        to: Some("cinder"),
        kinds: &["boot-from-volume"],
        told: NOT_CREATED,
        logs: &[
            ("nova-compute", "Instance failed block device setup"),
            ("nova-compute", "WARNING Volume id: … finished being created but its status is error."),
        ],
        source: "nova:nova/compute/manager.py:_await_block_device_map_created",
    },
];

/// What the receiver of a request answers and logs, by what it found of the user's token.
pub(super) fn at_receiver_of(reason: Reason, user: Option<Seen>) -> Option<&'static Sight> {
    match user {
        Some(user) if user.confirmed && ROLE_ONLY.reasons.contains(&reason) => Some(&ROLE_ONLY),
        Some(user) if user.keystone.is_none() && FROM_CACHE.reasons.contains(&reason) => Some(&FROM_CACHE),
        Some(_) | None => AT_RECEIVER.iter().find(|sight| sight.reasons.contains(&reason)),
    }
}

/// What the sender of a request makes of its being refused; what is told of a job's kind is told where the job fails.
pub(super) fn at_caller_of(
    reason: Reason,
    from: &str,
    to: &str,
    kind: &str,
    is_of_job: bool,
) -> Option<&'static Sight> {
    AT_CALLER.iter().find(|sight| {
        sight.reasons.contains(&reason)
            && sight.from.is_none_or(|only| only == from)
            && sight.to.is_none_or(|only| only == to)
            && (sight.kinds.is_empty() || (is_of_job && sight.kinds.contains(&kind)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reason that only a receiver of tokens gives has its words; the others are known where the caller is.
    #[test]
    fn every_refusal_of_a_token_is_known_at_its_receiver() {
        for &reason in TOKENS.iter().filter(|reason| **reason != Revoked) {
            let sight = at_receiver_of(reason, None).unwrap_or_else(|| panic!("{reason:?}"));
            assert!(sight.told.starts_with("401 "), "{reason:?}");
            assert!(sight.logs.contains(&REJECTING), "{reason:?}");
        }
        assert!(at_receiver_of(KeystoneUnavailable, None).is_some_and(|sight| sight.told.starts_with("503 ")));
        assert_eq!((at_receiver_of(Revoked, None), at_receiver_of(VolumeError, None)), (None, None), "not known");
    }

    #[test]
    fn logs_follow_what_was_found_of_the_users_token() {
        let logs = |reason, confirmed, keystone| {
            at_receiver_of(reason, Some(Seen { confirmed, keystone })).map(|sight| sight.logs.len())
        };
        assert_eq!(logs(UserTokenExpired, false, Some(false)), Some(4), "Keystone refuses");
        assert_eq!(logs(UserTokenExpired, false, None), Some(2), "a cache has it");
        assert_eq!(logs(ServiceTokenRoleMissing, false, Some(false)), Some(2), "expired");
        assert_eq!(logs(ServiceTokenRoleMissing, true, Some(true)), Some(1), "required for a fresh one");
    }

    #[test]
    fn a_job_is_told_of_where_it_fails() {
        let told = |kind, is_of_job| at_caller_of(UserTokenExpired, "nova-compute", "cinder", kind, is_of_job);
        assert!(told("boot-from-volume", true).is_some_and(|sight| sight.told.contains("(HTTP 401)")));
        assert_eq!(told("boot-from-volume", false), None, "a clean-up");
        assert_eq!(told("shelve", true), None, "not known");
        let bad_request = at_caller_of(BeyondWindow, "cinder-api", "glance", "boot-from-volume", false);
        assert!(bad_request.is_some_and(|sight| sight.told.starts_with("400 ")));
    }
}
