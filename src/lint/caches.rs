//! Caches, revocation and what a stolen token is good for.

use super::finding::{Draft, Safe, mildest};
use super::key_findings::decided_by;
use super::keys::Keys;
use super::matrix::{CACHE_TIME, receiver_key};
use super::table::{Lint, Severity};
use super::words::{Exact, listed};
use crate::identity::defaults::{REVOCATION_BUFFER, TOKEN_CACHE_TIME};
use crate::model::{Model, Places, Service, ServiceId};
use crate::units::Span;

const WINDOW: &str = "keystone.token.allow_expired_window";
const EXPIRATION: &str = "keystone.token.expiration";

/// Everything of the kind.
pub(super) fn findings(model: &Model, keys: &Keys, places: &Places) -> Vec<Draft> {
    let mut found = Vec::new();
    if !keys.window_ok() {
        let hidden = hides_key_loss(model).into_iter().chain(keystone_hides_key_loss(model));
        found.extend(hidden.map(|draft| of_key_loss(draft, keys, places)));
    }
    found.extend(lengthens_life(model));
    found.extend(revocation_forgotten(keys));
    found.push(exposure(model, keys));
    found
}

/// Receivers that keep answers, with their places and for how long.
fn caching(model: &Model) -> impl Iterator<Item = (ServiceId, &Service, Span)> {
    (0..).map(ServiceId).zip(model.services.iter()).filter_map(|(id, service)| {
        let time = service.keystone_authtoken.as_ref()?.token_cache_time.filter(|time| *time > Span::ZERO)?;
        Some((id, service, time))
    })
}

/// No worse than the loss itself: where that is a guess, so is this, whatever is known of the cache.
fn of_key_loss(draft: Draft, keys: &Keys, places: &Places) -> Draft {
    let own = draft.keys.len();
    let draft = decided_by(draft, keys);
    let mildest = mildest(places, &draft.keys[own..]);
    let severity = draft.severity.max(mildest);
    draft.severity(severity)
}

fn hides_key_loss(model: &Model) -> Option<Draft> {
    let longest = caching(model).map(|(_, _, time)| time).max()?;
    let names: Vec<&str> = caching(model).map(|(_, service, _)| service.name.as_str()).collect();
    let parted: Vec<&str> = caching(model)
        .filter(|(_, service, _)| service.caches > 1)
        .map(|(_, service, _)| service.name.as_str())
        .collect();
    let what = format!("a lost key shows up to {} late, in {}", Exact(longest), listed(&names));
    let draft = Draft::new(Lint::CacheHidesKeyLoss, "", what);
    let draft = if parted.is_empty() {
        draft
    } else {
        draft.why(format!("in {} each worker keeps answers of its own: refusals come and go", listed(&parted)))
    };
    let keys = caching(model).map(|(id, _, _)| receiver_key(model, id, CACHE_TIME));
    Some(keys.fold(draft, Draft::key).safe(Safe::other("keys that last; the cache is not at fault")))
}

fn keystone_hides_key_loss(model: &Model) -> Option<Draft> {
    let time = model.keystone.cache_time.filter(|time| *time > Span::ZERO)?;
    let what = format!("Keystone's own cache hides a lost key for up to {}", Exact(time));
    let draft = Draft::new(Lint::KeystoneCacheHidesKeyLoss, "keystone", what)
        .why("tokens pass and fail by when they were last read, not by age")
        .key("keystone.token.cache_time")
        .key("keystone.cache.expiration_time")
        .key("keystone.cache.backend");
    Some(draft.safe(Safe::other("keys that last; the cache is not at fault")))
}

fn lengthens_life(model: &Model) -> Vec<Draft> {
    let long = caching(model).filter(|(_, _, time)| *time > TOKEN_CACHE_TIME);
    long.map(|(id, service, time)| {
        let key = receiver_key(model, id, CACHE_TIME);
        let what = format!("{} lets revoked tokens pass for up to {}", service.name, Exact(time));
        let safe = Safe::set(&*key, TOKEN_CACHE_TIME.seconds().to_string(), "the default");
        Draft::new(Lint::CacheLengthensLife, &*service.name, what).safe(safe).key(key)
    })
    .collect()
}

fn revocation_forgotten(keys: &Keys) -> Option<Draft> {
    (keys.effective_window() > REVOCATION_BUFFER).then_some(())?;
    let (life, buffer) = (keys.expiration + REVOCATION_BUFFER, Exact(REVOCATION_BUFFER));
    let what =
        format!("a revoked token may be good again beside a service token, {} after its revocation", Exact(life));
    let seconds = keys.window.seconds();
    Some(
        Draft::new(Lint::RevocationForgotten, "", what)
            .why(format!(
                "`[revoke] expiration_buffer` is taken for its default, {buffer}: no key of a scenario sets it"
            ))
            .why("a token that was revoked early in its life; disabled users stay refused")
            .safe(Safe::other(format!(
                "`expiration_buffer = {seconds}` in `[revoke]` of keystone.conf, the window's length"
            )))
            .key(WINDOW),
    )
}

fn exposure(model: &Model, keys: &Keys) -> Draft {
    let cached = caching(model).map(|(_, _, time)| time).max().unwrap_or_default();
    let plain = keys.expiration;
    let with_role = plain + keys.effective_window() + cached;
    let what =
        format!("a stolen token is of use for {}, together with a service role for {}", Exact(plain), Exact(with_role));
    let mut draft = Draft::new(Lint::Exposure, "", what).severity(Severity::Note);
    draft = draft.why(match cached {
        Span::ZERO => "once revoked it is refused at once: no receiver keeps answers".to_owned(),
        cached => format!("once revoked it passes for up to {} where an answer is kept", Exact(cached)),
    });
    let longest = keys.longest_life() + cached;
    if longest > with_role {
        draft =
            draft.why(format!("issued just after a rotation, it is for up to {} together with a role", Exact(longest)));
    }
    if let Some(count) = keys.max_active_keys {
        draft = draft.why(format!("{count} Fernet keys lie on every node, each of which opens such tokens"));
    }
    draft.key(EXPIRATION).key(WINDOW)
}
