//! Job kinds in words: a list of all, and the course of one, step by step.

use std::sync::Arc;

use crate::jobs::Names;
use crate::jobs::definition::{
    Amount, Condition, Definition, Interval, Node, Poll, Request, ServiceToken, Step, Test, Times,
};
use crate::model::program::{Client, Credentials, Obtain, States};
use crate::model::{Derived, PieceSize, ProcessId, Quantity, QuantityUnit, ResourceId};

/// The names of all kinds, what they are, and what their jobs draw.
pub fn list(definitions: &[Arc<Definition>]) -> String {
    let mut text = String::new();
    for definition in definitions {
        let kind = &definition.kind;
        let quantities: Vec<&str> = kind.quantities.iter().map(|quantity| quantity.name.as_str()).collect();
        text.push_str(&format!("{}\n  {}\n", kind.name, kind.description));
        if !quantities.is_empty() {
            text.push_str(&format!("  draws {}\n", quantities.join(", ")));
        }
    }
    text
}

/// What the jobs of a kind draw and create, and what they do.
pub fn course(definition: &Definition, names: &Names) -> String {
    let kind = &definition.kind;
    let mut course = Course { definition, names, text: format!("{}: {}\n", kind.name, kind.description), indent: 1 };
    course.quantities();
    if !kind.resources.is_empty() {
        course.text.push_str("\nCreates\n");
        for resource in &kind.resources {
            course.line(&format!("{}: {}", resource.name, resource.states[1..].join(", ")));
        }
    }
    course.text.push_str("\nSteps\n");
    course.list(&definition.steps);
    if !definition.sources.is_empty() {
        course.text.push_str("\nSources\n");
        definition.sources.iter().for_each(|source| course.line(source));
    }
    course.text
}

struct Course<'d> {
    definition: &'d Definition,
    names: &'d Names,
    text: String,
    indent: usize,
}

impl Course<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(&format!("{:1$}{line}\n", "", 2 * self.indent));
    }

    fn quantities(&mut self) {
        let quantities = &self.definition.kind.quantities;
        if quantities.is_empty() {
            return;
        }
        let width = quantities.iter().map(|quantity| quantity.name.len()).max().unwrap_or(0);
        self.text.push_str("\nDraws\n");
        for quantity in quantities {
            let unit = match quantity.unit {
                QuantityUnit::Seconds => "seconds",
                QuantityUnit::Bytes => "bytes",
                QuantityUnit::Count => "count",
            };
            let Quantity { name, meaning, .. } = quantity;
            let default = self.default(quantity);
            self.line(&format!("{name:width$}  {unit:7}  {meaning}{default}"));
        }
    }

    fn default(&self, quantity: &Quantity) -> String {
        let name = |at: usize| &self.definition.kind.quantities[at].name;
        match &quantity.derived {
            None => String::new(),
            Some(Derived::Copy { size, link }) => {
                format!(" Left out: {} over {}.", name(size.index()), self.names.link_name(*link))
            }
            Some(Derived::Pieces { size, per, from }) => {
                let bytes = |of: &PieceSize| match of {
                    PieceSize::Bytes(bytes) => format!("{bytes} B"),
                    PieceSize::Key(key) => key.clone(),
                };
                let from = from.as_ref().map_or_else(String::new, |from| format!(", from {} on", bytes(from)));
                format!(" Left out: {} in pieces of {}{from}.", name(size.index()), bytes(per))
            }
        }
    }

    fn list(&mut self, steps: &[Node]) {
        steps.iter().for_each(|node| self.step(node));
    }

    fn inner(&mut self, head: &str, steps: &[Node]) {
        self.line(head);
        self.indent += 1;
        self.list(steps);
        self.indent -= 1;
    }

    /// A list under a heading of its own, if there is one.
    fn part(&mut self, head: &str, steps: &[Node]) {
        if !steps.is_empty() {
            self.inner(head, steps);
        }
    }

    fn step(&mut self, node: &Node) {
        let when = if node.when.is_empty() { String::new() } else { format!(" [when {}]", conditions(&node.when)) };
        match &node.step {
            Step::Request(request) => {
                let line = self.request(request);
                self.line(&format!("{line}{when}"));
                self.indent += 1;
                self.part("inside:", &request.inside);
                self.indent -= 1;
            }
            Step::Wait(quantity) => {
                let line = format!("wait {}{when}", self.quantity(quantity.index()));
                self.line(&line);
            }
            Step::Pause(span) => self.line(&format!("wait {span}{when}")),
            Step::WaitInParts { quantity, parts, each } => {
                let (quantity, parts) = (self.quantity(quantity.index()), self.quantity(parts.index()));
                let line = format!("wait {quantity} in {parts} parts, at the start of each:{when}");
                self.inner(&line, each);
            }
            Step::Slot { pool, steps } => {
                let line = format!("with a slot of {}:{when}", self.names.pool_name(*pool));
                self.inner(&line, steps);
            }
            Step::Rpc(process) => {
                let line = format!("rpc to {}{when}", self.names.process_name(*process));
                self.line(&line);
            }
            Step::Beside(steps) => self.inner(&format!("beside the rest:{when}"), steps),
            Step::Poll(poll) => self.poll(poll, &when),
            Step::Set(set) => {
                for &(resource, state) in set {
                    let line = format!("set {}{when}", self.states(resource, States(1 << state)));
                    self.line(&line);
                }
            }
            Step::Try { steps, refused } => {
                self.inner(&format!("try:{when}"), steps);
                self.inner("refused, then on outwards:", refused);
            }
            Step::Attempt { steps, times } => {
                let times = match times {
                    Times::Fixed(1) => String::new(),
                    Times::Fixed(times) => format!(" {times} times"),
                    Times::Parts => " for every part that was done".to_owned(),
                };
                self.inner(&format!("attempt{times}, refusals are only logged:{when}"), steps);
            }
            Step::Retry(retry) => {
                let tries = match &retry.tries {
                    Amount::Fixed(tries) => tries.to_string(),
                    Amount::Key(key) => key.clone(),
                };
                let status = retry.status.map_or(String::new(), |status| format!(" as {status}"));
                let counted = if retry.is_counted { ", counted as attempts" } else { "" };
                self.inner(&format!("up to {tries} times while refused{status}{counted}:{when}"), &retry.steps);
            }
            Step::If { test, then, otherwise } => {
                let test = match *test {
                    Test::State(resource, states) => self.states(resource, states),
                    Test::Zero(quantity) => format!("{} is 0", self.quantity(quantity.index())),
                    Test::ServiceToken(came) => {
                        let which = if came { "a" } else { "no" };
                        format!("{which} confirmed service token with a role came with the request")
                    }
                };
                if then.is_empty() {
                    self.inner(&format!("unless {test}:{when}"), otherwise);
                } else {
                    self.inner(&format!("if {test}:{when}"), then);
                    self.part("else:", otherwise);
                }
            }
            Step::Obtain { how, step, from } => {
                let step = self.definition.kind.step_name(*step);
                let how = match how {
                    Obtain::Exchange => "exchanges the user's token",
                    Obtain::Trust => "asks for a token through a trust",
                    Obtain::Login => "logs in with its own credentials",
                };
                let line = format!("{step}: {} {how} at keystone{when}", self.names.process_name(*from));
                self.line(&line);
            }
            Step::Answer { status, reason } => {
                let reason = reason.map_or(String::new(), |reason| format!(" as {}", reason.code()));
                self.line(&format!("answer {status}{reason}{when}"));
            }
            Step::Kept => self.line(&format!("what was created is kept{when}")),
            Step::Call { procedure, steps } => self.inner(&format!("{procedure}:{when}"), steps),
        }
    }

    fn request(&self, request: &Request) -> String {
        let step = self.definition.kind.step_name(request.step);
        let (from, to) = (self.names.process_name(request.from), self.names.service_name(request.to));
        let times = if request.times > 1 { format!(" {} times", request.times) } else { String::new() };
        let client = match request.client {
            Client::Keystoneauth => "",
            Client::Swiftclient => ", by swiftclient",
        };
        let cleanup = if request.cleans_up { ", which is the clean-up" } else { "" };
        format!("{step}: {from} → {to}{times}, {}{client}{cleanup}", self.tokens(request))
    }

    fn tokens(&self, request: &Request) -> String {
        let token = match request.credentials {
            Credentials::User => "user token",
            Credentials::Delegated => "delegated token",
            Credentials::Own => "own token",
        };
        let service_token = match (&request.service_token, request.from) {
            (ServiceToken::Never, _) | (_, ProcessId::CLIENT | ProcessId::GLANCE_API) => None,
            (_, ProcessId::NOVA_API) => Some("always".to_owned()),
            (_, from) => {
                let name = self.names.process_name(from);
                Some(match name.split_once('-').map_or(name, |(service, _)| service) {
                    service @ ("nova" | "cinder") => format!("if {service} [service_user] send_service_user_token"),
                    _ => format!("if {name} service_user.send_service_user_token"),
                })
            }
        };
        let also = match &request.service_token {
            ServiceToken::When(conditions) => format!(" and {}", self::conditions(conditions)),
            ServiceToken::AsConfigured | ServiceToken::Never => String::new(),
        };
        service_token.map_or(token.to_owned(), |when| format!("{token} + service token {when}{also}"))
    }

    fn poll(&mut self, poll: &Poll, when: &str) {
        let interval = match &poll.interval {
            Interval::Fixed(span) => span.to_string(),
            Interval::Key(key) => key.clone(),
        };
        let retries = match &poll.retries {
            None => "without a limit".to_owned(),
            Some(Amount::Fixed(retries)) => format!("{retries} times and once more"),
            Some(Amount::Key(key)) => format!("{key} times and once more"),
        };
        let until = self.states(poll.resource, poll.until);
        let line = format!("{}, every {interval}, {retries}, until {until}{when}", self.request(&poll.request));
        self.line(&line);
        self.indent += 1;
        if poll.error.0 != 0 {
            let line = format!("fails if {}", self.states(poll.resource, poll.error));
            self.line(&line);
        }
        self.part("gave up:", &poll.gave_up);
        self.indent -= 1;
    }

    fn quantity(&self, at: usize) -> &str {
        &self.definition.kind.quantities[at].name
    }

    fn states(&self, resource: ResourceId, states: States) -> String {
        let resource = &self.definition.kind.resources[resource.index()];
        let named = (0_u8..).zip(&resource.states).filter(|(state, _)| states.contains(*state));
        let named: Vec<&str> = named.map(|(_, name)| name.as_str()).collect();
        format!("{} {}", resource.name, named.join(" or "))
    }
}

fn conditions(conditions: &[Condition]) -> String {
    let one = |condition: &Condition| {
        let values: Vec<String> = condition.values.iter().map(ToString::to_string).collect();
        format!("{} {} {}", condition.key, if condition.is_negated { "is not" } else { "=" }, values.join(" or "))
    };
    conditions.iter().map(one).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OUTLAST_RENEW=1 cargo test --lib report` rewrites the file.
    #[test]
    fn boot_from_volume_in_words() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/jobs/boot_from_volume.txt");
        let found = course(crate::jobs::builtin("boot-from-volume").unwrap(), &Names::well_known());
        if std::env::var_os("OUTLAST_RENEW").is_some() {
            std::fs::write(path, &found).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), found);
    }

    #[test]
    fn the_list_has_every_kind_with_its_quantities() {
        let found = list(crate::jobs::builtins());
        for definition in crate::jobs::builtins() {
            assert!(found.contains(&format!("{}\n  {}\n", definition.kind.name, definition.kind.description)));
        }
        assert!(found.contains("draws image_size, build_queue, "), "{found}");
    }
}
