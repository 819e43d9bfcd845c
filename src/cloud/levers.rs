//! What could have let a refusal be none: which kinds of settings a remedy of it may be among.
//!
//! A setting that could overturn nothing of what was refused in a course leaves that course as it is, because
//! everything else was accepted in it: whoever asks for remedies need not try it. So each list names everything that
//! may decide, and rather too much than too little.

use crate::model::program::{Credentials, Request};
use crate::model::remedy::{Levers, Receiver, RoleHolder, Sender, Setting};
use crate::model::vocabulary::Reason;
use crate::model::{ProcessId, ServiceId};
use crate::units::Span;

const KEYS: Levers = Setting::ActiveKeys(0).lever().and(Setting::RotationPeriod(Span::ZERO).lever());
const LIFETIME: Levers = Setting::Expiration(Span::ZERO).lever();
/// Whatever is about the user's token.
const TOKEN: Levers = LIFETIME.and(Setting::FreshToken.lever());
/// Whether, and with which role, a service token comes along, whoever sends it.
pub(super) const SERVICE_TOKENS: Levers = Setting::ServiceToken(Sender::Nova)
    .lever()
    .and(Setting::ServiceToken(Sender::Cinder).lever())
    .and(Setting::ServiceRole(RoleHolder::Nova).lever())
    .and(Setting::ServiceRole(RoleHolder::Cinder).lever())
    .and(Setting::ServiceRole(RoleHolder::NovaAuthtoken).lever())
    .and(Setting::AcceptedRoles(Receiver::Nova).lever())
    .and(Setting::AcceptedRoles(Receiver::Cinder).lever())
    .and(Setting::AcceptedRoles(Receiver::Glance).lever())
    .and(Setting::AcceptedRoles(Receiver::Swift).lever())
    .and(Setting::AcceptedRoles(Receiver::Neutron).lever())
    .and(Setting::BackupServiceToken.lever());
/// Credentials of a service's own in the place of the user's token, or of one got with it.
const OWN_CREDENTIALS: Levers =
    Setting::SingleTenantStore.lever().and(Setting::StoreUser.lever()).and(Setting::NovaCredentials.lever());

/// What could overturn a receiver's refusal; `nodes` are Keystone's.
#[inline(never)]
pub(super) fn of_refusal(request: &Request, reason: Reason, nodes: u32) -> Levers {
    let of_keys = if nodes > 1 { KEYS } else { Levers::NONE };
    if request.credentials == Credentials::Own {
        // The token is the sender's own: only its life and the keys decide.
        return LIFETIME.and(KEYS);
    }
    let levers = match reason {
        Reason::UserTokenExpired | Reason::BackendNoServiceToken => TOKEN.and(sends(request)),
        Reason::ServiceTokenRoleMissing => TOKEN.and(sends(request)).and(accepts(request.to)),
        // Service tokens expire, and lose their keys, as all tokens do; nova-api may send another user's.
        Reason::ServiceTokenInvalid => LIFETIME.and(KEYS).and(sends(request)),
        // auth_token asks without the window when its own token has lost its key twice.
        Reason::BeyondWindow => TOKEN.and(Setting::Window(Span::ZERO).lever()).and(of_keys),
        Reason::FernetKeyGone | Reason::FernetKeyNotSynced => TOKEN.and(KEYS),
        Reason::Revoked => TOKEN,
        _ => of_failure(reason),
    };
    let levers = match request.from {
        ProcessId::GLANCE_API | ProcessId::CINDER_VOLUME => levers.and(OWN_CREDENTIALS),
        _ => levers,
    };
    // What is sent with a service token is sent once more when it is refused, and another node may answer otherwise.
    let levers = if nodes > 1 { levers.and(sends(request)) } else { levers };
    // With a service token the working service need not get a token that stands for the user's.
    if request.credentials == Credentials::Delegated { levers.and(SERVICE_TOKENS).and(OWN_CREDENTIALS) } else { levers }
}

/// What could have prevented what is no receiver's refusal.
#[inline(never)]
pub(super) fn of_failure(reason: Reason) -> Levers {
    match reason {
        Reason::VolumeWaitTimeout => Setting::VolumeWait(0).lever(),
        // A service token lets Cinder do without the exchange.
        Reason::TokenExchangeRefused => TOKEN.and(KEYS).and(SERVICE_TOKENS).and(OWN_CREDENTIALS),
        Reason::DetachConflict => SERVICE_TOKENS,
        // auth_token's own token has lost its key, or a new one was sought during an outage, by a request that others
        // need not.
        Reason::KeystoneUnavailable => LIFETIME.and(KEYS).and(OWN_CREDENTIALS),
        Reason::ServiceTokenInvalid => LIFETIME.and(Setting::ServiceToken(Sender::Nova).lever()),
        // Receivers' refusals, noted as such, and what follows from them.
        Reason::UserTokenExpired
        | Reason::BackendNoServiceToken
        | Reason::ServiceTokenRoleMissing
        | Reason::BeyondWindow
        | Reason::FernetKeyGone
        | Reason::FernetKeyNotSynced
        | Reason::Revoked
        | Reason::VolumeError
        | Reason::CinderBadRequest => Levers::NONE,
    }
}

/// What decides whether a service token comes with a request, and whose.
fn sends(request: &Request) -> Levers {
    let nova = Setting::ServiceToken(Sender::Nova).lever().and(Setting::ServiceRole(RoleHolder::Nova).lever());
    let cinder = Setting::ServiceToken(Sender::Cinder).lever().and(Setting::ServiceRole(RoleHolder::Cinder).lever());
    match request.from {
        ProcessId::NOVA_API => nova.and(Setting::ServiceRole(RoleHolder::NovaAuthtoken).lever()),
        ProcessId::NOVA_COMPUTE | ProcessId::NOVA_COMPUTE_DESTINATION => nova,
        ProcessId::CINDER_BACKUP => cinder.and(Setting::BackupServiceToken.lever()),
        ProcessId::CINDER_API | ProcessId::CINDER_VOLUME => cinder,
        _ => Levers::NONE,
    }
}

/// What decides which roles count at a receiver.
fn accepts(service: ServiceId) -> Levers {
    let accepts = Receiver::ALL.into_iter().find(|receiver| receiver.service() == service);
    accepts.map_or(Levers::NONE, |receiver| Setting::AcceptedRoles(receiver).lever())
}
