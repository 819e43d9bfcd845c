//! Why a receiver accepted or refused a request: the rules of docs/MODEL.md by their names there.

use crate::model::vocabulary::Reason;
use crate::observe::course::{Asked, Verdict};
use crate::report::words::duration;
use crate::units::{Instant, Span};

/// A decision in words, and the rule that it follows from.
pub(super) struct Decision {
    pub(super) words: String,
    pub(super) rule: &'static str,
}

/// The section of docs/MODEL.md that has the rules of receivers, and their numbers there.
const USER_IN_TIME: &str = "auth_token, 3 and 4: the user's token is confirmed";
const WINDOW: &str = "auth_token, 3: allow_expired, because the service token is live and has the role";
const CACHE: &str = "auth_token, Cache: a hit does not ask Keystone";

/// Which rule a reason stands for, as the table of reasons of docs/MODEL.md has it.
pub(super) const fn of_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::ServiceTokenInvalid => {
            "Reasons, service_token_invalid: Keystone refused the service token, or refused the sender a new one"
        }
        Reason::FernetKeyGone => "Reasons, fernet_key_gone: Keystone cannot decrypt the token any more",
        Reason::FernetKeyNotSynced => {
            "Reasons, fernet_key_not_synced: the node that was asked has not got the token's key yet"
        }
        Reason::Revoked => "Reasons, revoked: the token is revoked and not beyond the window",
        Reason::ServiceTokenRoleMissing => {
            "Reasons, service_token_role_missing: the service token lacks the role, and the user's token has expired or \
             the receiver requires the role"
        }
        Reason::BeyondWindow => {
            "Reasons, beyond_window: the service token is good, the user's token is past allow_expired_window"
        }
        Reason::UserTokenExpired => {
            "Reasons, user_token_expired: no service token came with it, and the user's token has expired"
        }
        Reason::BackendNoServiceToken => {
            "Reasons, backend_no_service_token: the user's token has expired, and no service token came with it to Swift, or \
             from a sender without a service user"
        }
        Reason::TokenExchangeRefused => {
            "Tokens that stand for the user's: Keystone exchanges no token that has expired, window or not"
        }
        Reason::DetachConflict => {
            "Reasons, detach_conflict: Cinder deletes an attachment in use for Nova with a service token only"
        }
        Reason::KeystoneUnavailable => "Keystone's work and outages: Keystone could not be asked",
        Reason::VolumeWaitTimeout => "Nova's wait: the last poll has been made, and the volume was not ready",
        Reason::VolumeError => "Nova's wait: a poll saw the volume in error",
        Reason::CinderBadRequest => "Reasons, cinder_bad_request: Glance refused the token to cinder-api",
    }
}

/// Whether the token that stands for the user's has expired for whoever answered about it: Keystone refuses it at
/// that very instant, a receiver with an answer in its cache only behind it.
pub(super) fn is_late(at: Instant, verdict: &Verdict) -> bool {
    match verdict.user.keystone {
        None => at > verdict.expires,
        // Without an allowance Keystone's yes means that it is in time by the clock of the node that was asked.
        Some(accepted) => at >= verdict.expires && (!accepted || verdict.allows_expired()),
    }
}

/// Why a request was accepted or refused at an instant.
pub(super) fn decision(at: Instant, verdict: &Verdict, receiver: &str) -> Decision {
    let by = match verdict.user.keystone {
        Some(true) => "Keystone said yes".to_owned(),
        Some(false) => match verdict.asked {
            None => "Keystone answered 404".to_owned(),
            Some(asked) => format!("Keystone's node {} answered 404{}", asked.node, of_key(at, verdict.refused, asked)),
        },
        None => format!("the cache of {receiver} answered"),
    };
    if let Some(reason) = verdict.refused {
        return Decision { words: format!("refused: {}; {by}", reason.words()), rule: of_reason(reason) };
    }
    let whose = if verdict.stands_for { "the token in the user's place" } else { "the user's token" };
    if !is_late(at, verdict) {
        let rule = if verdict.user.keystone.is_none() { CACHE } else { USER_IN_TIME };
        return Decision { words: format!("accepted: {whose} is in time; {by}"), rule };
    }
    let late = ago(at.since(verdict.expires));
    let is_beyond = at >= verdict.expires + verdict.window;
    let words = if is_beyond {
        format!("accepted though {whose} expired {late}, beyond the window; {by}")
    } else {
        format!(
            "accepted though {whose} expired {late}: within allow_expired_window ({}), and a live service token \
             with the role came along; {by}",
            duration(verdict.window)
        )
    };
    Decision { words, rule: if is_beyond { CACHE } else { WINDOW } }
}

/// How a node that refused a token stands to its key, where that is why.
fn of_key(at: Instant, refused: Option<Reason>, asked: Asked) -> String {
    match refused {
        Some(Reason::FernetKeyGone) if asked.key_gone > Instant::ALWAYS && asked.key_gone <= at => {
            format!(": it purged the key {}", ago(at.since(asked.key_gone)))
        }
        Some(Reason::FernetKeyNotSynced) if asked.key_from == Instant::NEVER => ": it never gets the key".to_owned(),
        Some(Reason::FernetKeyNotSynced) if asked.key_from > at => {
            format!(": it gets the key {} later", duration(asked.key_from.since(at)))
        }
        _ => String::new(),
    }
}

/// How long ago, in words.
fn ago(span: Span) -> String {
    if span == Span::ZERO { "at this instant".to_owned() } else { format!("{} ago", duration(span)) }
}

/// What a request carried, in words.
pub(super) fn carried(at: Instant, verdict: &Verdict) -> String {
    let token = if verdict.stands_for { "a token in the user's place" } else { "user token" };
    let life = |expires: Instant| {
        if at < expires {
            format!("{} left", duration(expires.since(at)))
        } else {
            format!("expired {}", ago(at.since(expires)))
        }
    };
    let service = match verdict.service {
        None => "no service token".to_owned(),
        Some(service) => {
            let state = match (service.live, service.has_role) {
                (true, true) => "live, with the role",
                (true, false) => "live, without the role",
                (false, _) => "not accepted",
            };
            format!("service token ({}, {state})", life(service.expires))
        }
    };
    format!("{token} ({}), {service}", life(verdict.expires))
}
