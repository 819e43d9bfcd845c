//! A program as a text, one operation a line.

use crate::jobs::Names;
use crate::model::program::{Client, Credentials, Op, Program, Refused, Request, States};
use crate::model::{Kind, QuantityId, ResourceId};

pub(super) fn listing(program: &Program, kind: &Kind, names: &Names) -> String {
    let lines = program.ops.iter().enumerate().map(|(at, op)| format!("{at:3} {}", Shown { kind, names }.op(op)));
    lines.collect::<Vec<_>>().join("\n")
}

struct Shown<'a> {
    kind: &'a Kind,
    names: &'a Names,
}

impl Shown<'_> {
    fn op(&self, op: &Op) -> String {
        match *op {
            Op::Request { request, refused } => format!("request {}{}", self.request(&request), at(refused)),
            Op::Leave { service, forgets } => {
                format!("leave {}{}", self.names.service_name(service), if forgets { " and forget" } else { "" })
            }
            Op::Answer { step, status, reason, refused } => {
                let reason = reason.map_or("-", |reason| reason.code());
                format!("answer {} {status} {reason}{}", self.kind.step_name(step), at(refused))
            }
            Op::Obtain { how, of, step, from, inside, refused } => {
                let (step, from) = (self.kind.step_name(step), self.names.process_name(from));
                let inside = if inside { " inside" } else { "" };
                format!("obtain {how:?} of {of:?} {step} {from}{inside}{}", at(refused))
            }
            Op::Acquire(pool) => format!("acquire {}", self.names.pool_name(pool)),
            Op::Release(pool) => format!("release {}", self.names.pool_name(pool)),
            Op::Wait(quantity) => format!("wait {}", self.quantity(quantity)),
            Op::Pause(span) => format!("pause {span}"),
            Op::BeginParts => "begin parts".to_owned(),
            Op::BeginRepeat => "begin repeat".to_owned(),
            Op::NextRepeat { done } => format!("next repetition or {}", done.0),
            Op::NextPart { parts, done } => format!("next of {} or {}", self.quantity(parts), done.0),
            Op::WaitPart { quantity, parts, again } => {
                format!("wait {} / {} then {}", self.quantity(quantity), self.quantity(parts), again.0)
            }
            Op::Fork { branch } => format!("fork {}", branch.0),
            Op::Set { resource, state } => self.states(resource, States(1 << state)).replacen("", "set ", 1),
            Op::Poll(poll) => {
                let attempts =
                    if poll.attempts == u32::MAX { "for ever".to_owned() } else { format!("{} times", poll.attempts) };
                let (until, error) = (self.states(poll.resource, poll.until), self.states(poll.resource, poll.error));
                format!(
                    "poll {} until {until} not {error}, {attempts} every {}{}, gave up{}",
                    self.request(&poll.request),
                    poll.interval,
                    at(poll.refused),
                    at(poll.gave_up)
                )
            }
            Op::IfState { resource, states, otherwise } => {
                format!("if {} else {}", self.states(resource, states), otherwise.0)
            }
            Op::IfZero { quantity, otherwise } => format!("if {} = 0 else {}", self.quantity(quantity), otherwise.0),
            Op::IfServiceToken { otherwise } => format!("if service token else {}", otherwise.0),
            Op::Jump(label) => format!("jump {}", label.0),
            Op::BeginRetry { level } => format!("begin retry {level}"),
            Op::EndRetry { level } => format!("end retry {level}"),
            Op::CountAttempt => "count attempt".to_owned(),
            Op::Again { level, tries, status, depth, again } => {
                let status = status.map_or("any".to_owned(), |status| status.to_string());
                format!("again {level}: {tries} tries after {status} #{depth}: {}", again.0)
            }
            Op::Fail { depth } => format!("fail #{depth}"),
            Op::Caught { depth } => format!("caught #{depth}"),
            Op::Cleanup(cleanup) => format!("cleanup {}", cleanup.code()),
            Op::CleanupRefused { depth } => format!("cleanup refused #{depth}"),
            Op::Complete => "complete".to_owned(),
            Op::Stop => "stop".to_owned(),
        }
    }

    fn request(&self, request: &Request) -> String {
        let step = self.kind.step_name(request.step);
        let (from, to) = (self.names.process_name(request.from), self.names.service_name(request.to));
        let mut text = format!("{step}.{} {from} -> {to}", request.nth);
        match request.credentials {
            Credentials::User => {}
            Credentials::Delegated => text.push_str(" delegated"),
            Credentials::Own => text.push_str(" own"),
        }
        if !request.with_service_token {
            text.push_str(" without service token");
        }
        if request.client == Client::Swiftclient {
            text.push_str(" swiftclient");
        }
        if request.has_inside {
            text.push_str(" stays");
        }
        text
    }

    fn quantity(&self, quantity: QuantityId) -> &str {
        &self.kind.quantities[quantity.index()].name
    }

    fn states(&self, resource: ResourceId, states: States) -> String {
        let resource = &self.kind.resources[resource.index()];
        let names: Vec<&str> = (0_u8..)
            .zip(&resource.states)
            .filter(|(state, _)| states.contains(*state))
            .map(|(_, name)| name.as_str())
            .collect();
        format!("{}: {}", resource.name, names.join("|"))
    }
}

/// Where a refusal leads, and as which.
fn at(refused: Refused) -> String {
    format!(" ! {}#{}", refused.to.0, refused.depth)
}
