//! What a job's program would ask whom, found by walking it without time: which hops there are, and which of them is
//! the first to refuse a token that has expired, or any at all.

use std::collections::HashSet;

use crate::identity::roles::has_one_of;
use crate::model::program::{Credentials, Label, Obtain, Op, Program, Request};
use crate::model::vocabulary::Reason;
use crate::model::{Model, ProcessId, QuantityId, Sends, ServiceId, StepId};

/// What becomes of the service token that goes with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carried {
    /// It opens the window.
    Accepted,
    /// It lacks the role, and the receiver ignores it.
    RoleIgnored,
    /// It lacks the role, and the receiver refuses the request.
    RoleRefused,
    /// There is none.
    Nothing,
}

/// Which token a request carries as the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bears {
    /// The user's own, or one that it was exchanged for, which expires with it.
    Users,
    /// One that lives a life of its own: a trust's, or of a log-in.
    AnotherLife,
}

/// A request from process to service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// Who sends it.
    pub from: ProcessId,
    /// Who receives it.
    pub to: ServiceId,
    /// Which token it carries.
    pub bears: Bears,
    /// Whether the sender would add its service token to it.
    pub may_carry: bool,
    /// What becomes of the service token.
    pub carried: Carried,
}

/// Something on a job's way that may be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    /// A request.
    Hop(Hop, StepId),
    /// The user's token is exchanged, behind this door.
    Exchange(ProcessId, StepId, Door),
    /// Cinder refuses to delete an attachment in use.
    DetachConflict(StepId, Door),
}

/// How a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Door {
    pub(super) from: ProcessId,
    pub(super) carried: Carried,
}

impl Door {
    /// At the beginning nothing has been asked for.
    const NONE: Door = Door { from: ProcessId::CLIENT, carried: Carried::Nothing };

    /// Whether what comes behind it is ever reached.
    fn opens(self) -> bool {
        self.carried != Carried::RoleRefused
    }
}

/// How far to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// As if nothing were ever refused.
    Smooth,
    /// The same with a token that has expired: Glance goes on with it where it is refused a trust.
    Expired,
    /// Also what follows a refusal.
    WithRefusals,
}

/// What a walk meets, each once, in the order in which it comes; and the waits on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Met {
    pub(super) calls: Vec<Call>,
    pub(super) waits: Vec<QuantityId>,
}

/// Where a walk stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stand {
    at: Label,
    /// How the request came in that was accepted last.
    last: Door,
    /// Those that are not answered yet, the innermost last.
    doors: Vec<Door>,
    delegated: Option<Delegated>,
    /// Of every resource.
    states: Vec<u8>,
}

impl Stand {
    /// How the request came in around what is done here; outside of any, the last one.
    fn door(&self) -> Door {
        self.doors.last().copied().unwrap_or(self.last)
    }
}

/// What was got in place of the user's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Delegated {
    SameLife,
    AnotherLife,
}

/// Kinds of a scenario's own may have more combinations of states than anybody waits for.
const MOST_STANDS: usize = 200_000;

/// Walks a program from an operation on.
pub(super) fn walk(model: &Model, program: &Program, from: Label, resources: usize, walk: Walk) -> Met {
    let mut met = Met::default();
    let mut seen = HashSet::new();
    let start = Stand { at: from, last: Door::NONE, doors: Vec::new(), delegated: None, states: vec![0; resources] };
    let mut open = vec![start];
    while let Some(stand) = open.pop() {
        if seen.len() >= MOST_STANDS || !seen.insert(stand.clone()) {
            continue;
        }
        // The last one is looked at first.
        let mut next = step(model, program, stand, walk, &mut met);
        next.reverse();
        open.append(&mut next);
    }
    met
}

fn step(model: &Model, program: &Program, stand: Stand, walk: Walk, met: &mut Met) -> Vec<Stand> {
    let on = || Stand { at: stand.at.next(), ..stand.clone() };
    let to = |at: Label| Stand { at, ..stand.clone() };
    let refused = |at: Label| (walk == Walk::WithRefusals).then(|| to(at));
    let mut call = |call: Call| {
        if !met.calls.contains(&call) {
            met.calls.push(call);
        }
    };
    let accepted = |request: &Request, call: &mut dyn FnMut(Call)| {
        let hop = hop(model, request, stand.delegated);
        if request.credentials != Credentials::Own {
            call(Call::Hop(hop, request.step));
        }
        let last = Door { from: hop.from, carried: hop.carried };
        let mut next = Stand { last, ..on() };
        next.doors.extend(request.has_inside.then_some(last));
        next
    };
    match program.op(stand.at) {
        Op::Request { request, refused: away } => {
            let mut next = vec![accepted(request, &mut call)];
            next.extend(refused(away.to));
            next
        }
        Op::Poll(poll) => {
            let mut next = accepted(&poll.request, &mut call);
            let state = &mut next.states[usize::from(poll.resource.0)];
            if !poll.until.contains(*state) {
                *state = poll.until.0.trailing_zeros() as u8;
            }
            let mut next = vec![next];
            next.extend(refused(poll.refused.to));
            next.extend(refused(poll.gave_up.to));
            next
        }
        Op::Leave { forgets, .. } => {
            let mut next = Stand { delegated: stand.delegated.filter(|_| !forgets), ..on() };
            next.doors.pop();
            vec![next]
        }
        Op::Answer { step, reason, refused: away, .. } => {
            if *reason == Some(Reason::DetachConflict) && stand.door().opens() {
                call(Call::DetachConflict(*step, stand.door()));
            }
            refused(away.to).into_iter().collect()
        }
        Op::Obtain { how, of, step, from, inside, refused: away } => {
            let same_life = *of != Credentials::Own && stand.delegated != Some(Delegated::AnotherLife);
            if *how == Obtain::Exchange && same_life && (!inside || stand.door().opens()) {
                call(Call::Exchange(*from, *step, stand.door()));
            }
            let delegated = match how {
                Obtain::Exchange if same_life => Delegated::SameLife,
                Obtain::Trust if same_life && walk == Walk::Expired => Delegated::SameLife,
                Obtain::Exchange | Obtain::Trust | Obtain::Login => Delegated::AnotherLife,
            };
            let mut next = vec![Stand { delegated: Some(delegated), ..on() }];
            next.extend(refused(away.to));
            next
        }
        Op::Wait(quantity) | Op::WaitPart { quantity, .. } => {
            if !met.waits.contains(quantity) {
                met.waits.push(*quantity);
            }
            let again = match program.op(stand.at) {
                Op::WaitPart { again, .. } => to(*again),
                _ => on(),
            };
            vec![again]
        }
        Op::NextPart { done, .. } | Op::NextRepeat { done } => vec![on(), to(*done)],
        Op::Fork { branch } => {
            let fresh = Stand { at: *branch, last: Door::NONE, doors: Vec::new(), ..stand.clone() };
            vec![fresh, on()]
        }
        Op::Set { resource, state } => {
            let mut next = on();
            next.states[usize::from(resource.0)] = *state;
            vec![next]
        }
        Op::IfState { resource, states, otherwise } => {
            let holds = states.contains(stand.states[usize::from(resource.0)]);
            vec![if holds { on() } else { to(*otherwise) }]
        }
        Op::IfZero { otherwise, .. } => vec![to(*otherwise), on()],
        Op::IfServiceToken { otherwise } => {
            vec![if stand.last.carried == Carried::Accepted { on() } else { to(*otherwise) }]
        }
        Op::Jump(label) => vec![to(*label)],
        Op::Again { again, .. } => vec![to(*again), on()],
        Op::Acquire(_)
        | Op::Release(_)
        | Op::Pause(_)
        | Op::BeginParts
        | Op::BeginRepeat
        | Op::BeginRetry { .. }
        | Op::EndRetry { .. }
        | Op::CountAttempt
        | Op::Fail { .. }
        | Op::Caught { .. }
        | Op::Cleanup(_)
        | Op::CleanupRefused { .. }
        | Op::Complete => vec![on()],
        Op::Stop => Vec::new(),
    }
}

fn hop(model: &Model, request: &Request, delegated: Option<Delegated>) -> Hop {
    let bears = match (request.credentials, delegated) {
        (Credentials::Delegated, Some(Delegated::AnotherLife)) | (Credentials::Own, _) => Bears::AnotherLife,
        (Credentials::User | Credentials::Delegated, _) => Bears::Users,
    };
    let may_carry = request.with_service_token && request.credentials != Credentials::Own;
    Hop {
        from: request.from,
        to: request.to,
        bears,
        may_carry,
        carried: if may_carry { carried(model, request.from, request.to) } else { Carried::Nothing },
    }
}

/// What becomes of a service token between two.
pub(super) fn carried(model: &Model, from: ProcessId, to: ServiceId) -> Carried {
    let sender = model.process(from);
    let (Some(user), Some(receiver)) = (&sender.user, &model.service(to).keystone_authtoken) else {
        return Carried::Nothing;
    };
    if sender.sends == Sends::Never {
        return Carried::Nothing;
    }
    let (held, accepted) = (texts(&user.roles), texts(&receiver.service_token_roles));
    match (has_one_of(&held, &accepted), receiver.service_token_roles_required) {
        (true, _) => Carried::Accepted,
        (false, false) => Carried::RoleIgnored,
        (false, true) => Carried::RoleRefused,
    }
}

fn texts(roles: &[String]) -> Vec<&str> {
    roles.iter().map(String::as_str).collect()
}
