//! Whether the jobs of a model go their ways one by one: what ties the end of a job to other jobs, and what ties it to
//! the age of its token in more than one direction.

use super::program::{Client, Credentials, Op, Request};
use super::{Keys, LinkId, Model, PoolId, ProcessId, Rotations, Sends, ServiceId, Source, Spread};
use crate::random::Dist;
use crate::units::Span;

/// What stands in the way of looking at a job alone, or at the age of its token alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Settings change on the way, and a service token of before or after is held by whoever came first.
    Changes,
    /// Jobs wait for each other in a pool with a limit.
    Pool(PoolId),
    /// Copies slow each other down on a link.
    Link(LinkId),
    /// Who fetches a service token, or has it validated, waits for Keystone; who finds it held or cached does not.
    KeystoneTime,
    /// In an outage a held or cached service token works, and a new one cannot be fetched.
    Outages,
    /// Which node is asked depends on the token that auth_token holds from earlier requests.
    Nodes,
    /// A service token of a user who is disabled works on where a cache holds it.
    DisabledServiceUser(ProcessId),
    /// By a clock that is ahead, a service token that others have fetched ends sooner than one that is new.
    ClockAhead(ServiceId),
    /// This process sends a shared token with a client that does not replace it, and its key may be lost.
    LostServiceToken(ProcessId),
    /// A repeated request meets another cache than the first, and how often one is repeated depends on the age of a
    /// shared token, whose key may be lost.
    Caches(ServiceId),
    /// Revoking a token that has expired or lost its key does nothing: an older one may outlive a younger one. Of the
    /// workload of this index.
    Revocation(usize),
    /// Keystone's cache keeps a token whose key is lost for longer if it was read later, as an old one may be.
    KeystoneCache,
}

/// What ties jobs to each other. If nothing does, each ends as it would if it were alone.
pub fn of_jobs(model: &Model) -> Vec<Obstacle> {
    let mut found = Vec::new();
    if !model.changes.is_empty() {
        found.push(Obstacle::Changes);
    }
    let pools = (0..=u16::MAX).map(PoolId).zip(model.pools.iter());
    let is_used = |pool: PoolId| ops(model).any(|op| takes(model, op, pool));
    found.extend(pools.filter(|(id, pool)| pool.slots.is_some() && is_used(*id)).map(|(id, _)| Obstacle::Pool(id)));
    let links = (0..=u8::MAX).map(LinkId).zip(model.links.iter());
    found.extend(
        links
            .filter(|(id, link)| link.bandwidth.is_some() && is_copied_over(model, *id))
            .map(|(id, _)| Obstacle::Link(id)),
    );
    let keystone = &model.keystone;
    let takes_time = |time: &Dist| time.as_constant() != Some(0.0);
    let shares = requests(model).any(|request| carries_shared(model, request));
    // auth_token logs in for itself, whoever asks first.
    if takes_time(&keystone.issue_time) || (shares && takes_time(&keystone.validation_time)) {
        found.push(Obstacle::KeystoneTime);
    }
    if shares && !keystone.outages.is_empty() {
        found.push(Obstacle::Outages);
    }
    if !nodes_are_alike(model) {
        found.push(Obstacle::Nodes);
    }
    let shared = || requests(model).filter(|request| carries_shared(model, request));
    let keys_get_lost = keys_may_be_lost(model, keystone.expiration);
    let processes = (0..=u8::MAX).map(ProcessId).zip(model.processes.iter());
    for (id, process) in processes {
        if process.user.as_ref().is_some_and(|user| user.disabled_at.is_some())
            && shared().any(|request| request.from == id)
        {
            found.push(Obstacle::DisabledServiceUser(id));
        }
        if keys_get_lost && shared().any(|request| request.from == id && request.client == Client::Swiftclient) {
            found.push(Obstacle::LostServiceToken(id));
        }
    }
    for (id, service) in (0..=u8::MAX).map(ServiceId).zip(model.services.iter()) {
        let is_asked = || shared().any(|request| request.to == id);
        if service.clock_ahead > Span::ZERO && is_asked() {
            found.push(Obstacle::ClockAhead(id));
        }
        if keys_get_lost && service.caches > 1 && is_asked() {
            found.push(Obstacle::Caches(id));
        }
    }
    found
}

/// What ties jobs to each other, or lets an older token pass where a younger one is refused. If nothing does, the ages
/// at which a job goes the way that it goes with the youngest token are all those below one age.
pub fn of_ages(model: &Model) -> Vec<Obstacle> {
    let mut found = of_jobs(model);
    let revoked = model.workloads.iter().enumerate().filter(|(_, workload)| workload.revoke_after.is_some());
    found.extend(revoked.map(|(index, _)| Obstacle::Revocation(index)));
    let keystone = &model.keystone;
    if keystone.cache_time.is_some() && keys_may_be_lost(model, keystone.expiration + keystone.allow_expired_window) {
        found.push(Obstacle::KeystoneCache);
    }
    found
}

fn ops(model: &Model) -> impl Iterator<Item = &Op> {
    model.workloads.iter().flat_map(|workload| &workload.program.ops)
}

fn requests(model: &Model) -> impl Iterator<Item = &Request> {
    ops(model).filter_map(|op| match op {
        Op::Request { request, .. } => Some(request),
        Op::Poll(poll) => Some(&poll.request),
        _ => None,
    })
}

/// Whether an operation takes a slot of a pool. Keystone is asked whenever anybody else is.
fn takes(model: &Model, op: &Op, pool: PoolId) -> bool {
    let asks = |request: &Request| {
        [request.to, ServiceId::KEYSTONE].into_iter().any(|service| model.service(service).api == pool)
    };
    match op {
        Op::Request { request, .. } => asks(request),
        Op::Poll(poll) => asks(&poll.request),
        Op::Acquire(acquired) => *acquired == pool,
        _ => false,
    }
}

fn is_copied_over(model: &Model, link: LinkId) -> bool {
    let mut sources = model.workloads.iter().flat_map(|workload| &workload.quantities);
    sources.any(|source| matches!(source, Source::Copy { link: over, .. } if *over == link))
}

/// Whether a request carries a token that other jobs send as well.
fn carries_shared(model: &Model, request: &Request) -> bool {
    match request.credentials {
        Credentials::Own => true,
        Credentials::User | Credentials::Delegated => {
            request.with_service_token && model.process(request.from).sends != Sends::Never
        }
    }
}

/// Whether it does not matter which node of Keystone is asked.
fn nodes_are_alike(model: &Model) -> bool {
    let keystone = &model.keystone;
    let has_same_keys = match (&keystone.keys, &keystone.spread) {
        (Keys::Jws, _) => true,
        (Keys::Fernet { .. }, Spread::Apart(_)) => false,
        (Keys::Fernet { .. }, Spread::Synced { lag, missed, missed_between }) => {
            lag.as_constant() == Some(0.0) && *missed == 0.0 && missed_between.is_empty()
        }
    };
    keystone.clocks.len() == 1 || (has_same_keys && keystone.clocks.iter().all(|clock| *clock == keystone.clocks[0]))
}

/// Whether a token may lose its key before it is so old. With `M` keys and one rotation every `P` it is at least
/// `(M − 2) · P` old when it does.
fn keys_may_be_lost(model: &Model, life: Span) -> bool {
    match &model.keystone.keys {
        Keys::Jws => false,
        Keys::Fernet { .. } if matches!(model.keystone.spread, Spread::Apart(_)) => true,
        Keys::Fernet { extra, .. } if !extra.is_empty() => true,
        Keys::Fernet { max_active_keys, rotations, .. } => match rotations {
            Rotations::Never => false,
            Rotations::At(instants) => !instants.is_empty(),
            Rotations::Every { period, .. } => *period * i64::from(max_active_keys.saturating_sub(2)) < life,
        },
    }
}
