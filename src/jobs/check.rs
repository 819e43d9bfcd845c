//! What is wrong with a definition as a whole, whatever the settings.

use crate::document::{Collected, Issue, Place};
use crate::model::PoolId;
use crate::model::program::Program;

use super::definition::{Definition, Node, Request, Step, Test, Times};

/// Collects what is wrong with a kind that has been read.
pub(super) fn check(definition: &Definition, issues: &mut Collected) {
    let mut set = vec![0_u32; definition.kind.resources.len()];
    collect_sets(&definition.steps, &mut set);
    let mut walk = Walk { definition, set, issues, asked: None };
    walk.list(&definition.steps, &Around::default());
}

fn collect_sets(steps: &[Node], set: &mut [u32]) {
    for node in steps {
        if let Step::Set(states) = &node.step {
            for (resource, state) in states {
                set[resource.index()] |= 1 << state;
            }
        }
        node.step.lists().into_iter().for_each(|list| collect_sets(list, set));
    }
}

/// What stands around a step.
#[derive(Clone, Default)]
struct Around {
    /// Of the request around this: whether it is the clean-up.
    request: Option<bool>,
    /// Something was refused since that request was accepted.
    follows_refusal: bool,
    in_parts: bool,
    in_times: bool,
    handlers: usize,
    retries: usize,
    slots: Vec<PoolId>,
}

struct Walk<'d> {
    definition: &'d Definition,
    /// The states of each resource that some step sets.
    set: Vec<u32>,
    issues: &'d mut Collected,
    /// A request that was sent since the one around the present step was accepted.
    asked: Option<Place>,
}

impl Walk<'_> {
    fn issue(&mut self, place: Place, message: impl Into<String>) {
        self.issues.push(Issue::at(place, message));
    }

    fn list(&mut self, steps: &[Node], around: &Around) {
        for node in steps {
            self.step(node, around);
        }
    }

    fn step(&mut self, node: &Node, around: &Around) {
        let place = node.place;
        match &node.step {
            Step::Request(request) => self.request(request, place, around),
            Step::Wait(_) | Step::Pause(_) | Step::Rpc(_) | Step::Set(_) | Step::Obtain { .. } | Step::Kept => {}
            Step::WaitInParts { each, .. } => {
                if around.in_parts {
                    self.issue(place, "a wait in parts cannot stand within the parts of another");
                }
                self.again(each);
                self.list(each, &Around { in_parts: true, ..around.clone() });
            }
            Step::Slot { pool, steps } => {
                if around.slots.contains(pool) {
                    self.issue(place, "this job holds a slot of the pool already, and could wait for itself");
                }
                let mut inside = around.clone();
                inside.slots.push(*pool);
                self.list(steps, &inside);
            }
            Step::Beside(steps) => {
                let asked = self.asked.take();
                self.list(steps, &Around::default());
                self.asked = asked;
            }
            Step::Poll(poll) => {
                self.asked = Some(place);
                let resource = &self.definition.kind.resources[poll.resource.index()];
                let never = (poll.until.0 | poll.error.0) & !self.set[poll.resource.index()];
                for (state, name) in resource.states.iter().enumerate() {
                    if never >> state & 1 == 1 {
                        let message = format!("no step ever sets `{}` to `{name}`", resource.name);
                        self.issues.push(Issue::at(place, message).help("a poll waits for states that some step sets"));
                    }
                }
                self.handler(&poll.gave_up, place, around);
            }
            Step::Try { steps, refused } => {
                self.list(steps, around);
                self.handler(refused, place, around);
            }
            Step::Call { steps, .. } => self.list(steps, around),
            Step::Attempt { steps, times } => {
                let in_times = *times == Times::Parts;
                if in_times && around.in_times {
                    self.issue(place, "`times = \"parts\"` cannot stand within another");
                }
                if *times != Times::Fixed(1) {
                    self.again(steps);
                }
                self.list(steps, &Around { in_times: in_times || around.in_times, ..around.clone() });
            }
            Step::Retry(retry) => {
                if around.retries == Program::MOST_RETRIES {
                    self.issue(
                        place,
                        format!("`retry` stands within `retry` more than {} deep", Program::MOST_RETRIES),
                    );
                }
                self.again(&retry.steps);
                self.list(&retry.steps, &Around { retries: around.retries + 1, ..around.clone() });
            }
            Step::If { test, then, otherwise } => {
                if matches!(test, Test::ServiceToken(_)) {
                    self.service_token(place, around);
                }
                let before = self.asked;
                self.list(then, around);
                let after = std::mem::replace(&mut self.asked, before);
                self.list(otherwise, around);
                self.asked = self.asked.or(after);
            }
            Step::Answer { reason, .. } => {
                if around.request == Some(false) && reason.is_none() && !around.follows_refusal {
                    let issue = Issue::at(place, "this answer needs a `reason`");
                    self.issues.push(issue.help("nothing was refused inside that could give it one"));
                }
                if around.request.is_none() {
                    let issue = Issue::at(place, "`answer` stands in no request, so nobody waits for an answer");
                    self.issues.push(issue.help("write it below `inside`"));
                }
            }
        }
    }

    fn request(&mut self, request: &Request, place: Place, around: &Around) {
        self.asked = None;
        let inside = Around { request: Some(request.cleans_up), follows_refusal: false, ..around.clone() };
        self.list(&request.inside, &inside);
        self.asked = Some(place);
    }

    /// A `refused` list, or what is done after a poll gave up.
    fn handler(&mut self, steps: &[Node], place: Place, around: &Around) {
        if !steps.is_empty() && around.handlers + 1 == Program::MOST_REFUSALS {
            let most = Program::MOST_REFUSALS - 1;
            self.issue(place, format!("`refused` and `gave_up` stand within each other more than {most} deep"));
        }
        self.list(steps, &Around { handlers: around.handlers + 1, follows_refusal: true, ..around.clone() });
    }

    /// Steps that are done again come behind their own requests.
    fn again(&mut self, steps: &[Node]) {
        self.asked = self.asked.or_else(|| first_request(steps));
    }

    fn service_token(&mut self, place: Place, around: &Around) {
        if around.request.is_none() {
            let issue = Issue::at(place, "no request stands around this with which a service token could come");
            self.issues.push(issue.help("write it below `inside`"));
        } else if let Some(asked) = self.asked {
            let issue = Issue::at(place, "another request was sent since, and its service token would be looked at");
            self.issues.push(issue.also(asked, "sent here").help("look at the service token before other requests"));
        }
    }
}

fn first_request(steps: &[Node]) -> Option<Place> {
    steps.iter().find_map(|node| match &node.step {
        Step::Request(_) | Step::Poll(_) => Some(node.place),
        Step::Beside(_) => None,
        step => step.lists().into_iter().find_map(first_request),
    })
}
