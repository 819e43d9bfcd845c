//! The steps of a course, form by form.

use crate::document::{Entry, Issue, Node as Toml, Place, Table, Value, did_you_mean};
use crate::model::program::{Client, Credentials, Obtain, States};
use crate::model::vocabulary::Reason;
use crate::model::{PoolId, ProcessId, QuantityUnit, ResourceId, ServiceId, StepId};
use crate::units::{Span, parse};

use super::super::definition::{
    Amount, Condition, Interval, Node, Poll, Purpose, Request, Retry, ServiceToken, Setting, Step, Test, Times,
};
use super::super::names::API;
use super::form::{Form, form};
use super::{DEEPEST, MOST_STEPS, Named, Scope, fields};

/// Steps have places of one byte, and so have the requests of each.
const MOST_NAMES: usize = 256;
/// The statuses with which a service refuses.
const ERRORS: (u32, u32) = (400, 599);
/// Retries of a poll; with the first poll there are as many as a number of 32 bits without a limit's mark holds.
const MOST_RETRIES: u32 = u32::MAX - 2;

impl Scope<'_> {
    /// The steps of a list; those that are wrong are left out, and issues say why.
    pub(super) fn list(&mut self, key: &str, value: &Value) -> Vec<Node> {
        let Some(items) = value.as_array() else {
            fields::wrong_type(key, value, "a list of steps", self.issues);
            return Vec::new();
        };
        if self.depth == DEEPEST {
            self.issue(value.place, format!("steps stand within steps more than {DEEPEST} deep"));
            return Vec::new();
        }
        self.depth += 1;
        let nodes = items.iter().filter_map(|item| self.node(item)).collect();
        self.depth -= 1;
        nodes
    }

    fn list_at(&mut self, table: &Table, key: &str) -> Vec<Node> {
        table.get(key).map_or_else(Vec::new, |value| self.list(key, value))
    }

    /// Steps that follow a failure.
    fn handler(&mut self, table: &Table, key: &str) -> Vec<Node> {
        self.handlers += 1;
        let steps = self.list_at(table, key);
        self.handlers -= 1;
        steps
    }

    fn node(&mut self, value: &Value) -> Option<Node> {
        if self.read == MOST_STEPS {
            // Said once: the place of the first step that is too many.
            self.read += 1;
            self.issue(value.place, format!("more than {MOST_STEPS} steps, those of procedures counted at every call"));
        }
        if self.read > MOST_STEPS {
            return None;
        }
        self.read += 1;
        let Some(table) = value.as_table() else {
            fields::wrong_type("steps", value, "a step such as `{ wait = \"30s\" }`", self.issues);
            return None;
        };
        let (form, entry) = form(table, value.place, self.issues)?;
        let when = table.get("when").map_or_else(Vec::new, |value| self.conditions("when", value));
        let step = self.step(form, entry, table)?;
        Some(Node { place: entry.place, when, step })
    }

    fn step(&mut self, form: Form, entry: &Entry, table: &Table) -> Option<Step> {
        let value = &entry.value;
        match form {
            Form::Request => self.request(entry, table).map(Step::Request),
            Form::Wait => self.wait(value, table),
            Form::Slot => {
                let pool = self.pool(value);
                let steps = self.list_at(table, "steps");
                Some(Step::Slot { pool: pool?, steps })
            }
            Form::Rpc => self.process("rpc", value).map(Step::Rpc),
            Form::Beside => Some(Step::Beside(self.list("beside", value))),
            Form::Poll => self.poll(entry, table).map(Step::Poll),
            Form::Set => self.set(value).map(Step::Set),
            Form::Try => Some(Step::Try { steps: self.list("try", value), refused: self.handler(table, "refused") }),
            Form::Attempt => {
                let steps = self.list("attempt", value);
                let times = table.get("times").map_or(Some(Times::Fixed(1)), |value| self.times(value));
                Some(Step::Attempt { steps, times: times? })
            }
            Form::Retry => self.retry(value, table),
            Form::If => {
                let test = self.test(value);
                if table.get("then").or(table.get("else")).is_none() {
                    self.issue(entry.place, "`if` needs `then` or `else`");
                }
                let (then, otherwise) = (self.list_at(table, "then"), self.list_at(table, "else"));
                Some(Step::If { test: test?, then, otherwise })
            }
            Form::Exchange => self.obtain(Obtain::Exchange, entry, table),
            Form::Trust => self.obtain(Obtain::Trust, entry, table),
            Form::Login => self.obtain(Obtain::Login, entry, table),
            Form::Answer => {
                let status = self.status("answer", value);
                let reason = table.get("reason").map_or(Some(None), |value| self.reason(value).map(Some));
                Some(Step::Answer { status: status?, reason: reason? })
            }
            Form::Cleanup => fields::word("cleanup", value, &["kept"], self.issues).map(|_| Step::Kept),
            Form::Call => self.call(value),
        }
    }

    fn request(&mut self, entry: &Entry, table: &Table) -> Option<Request> {
        let times = table.get("times").map_or(Some(1), |value| fields::integer("times", value, 1, 255, self.issues));
        let times = times.and_then(|times| u8::try_from(times).ok());
        let sent = self.sent(entry, times.unwrap_or(1));
        let from = self.process_at(table, "from");
        let to = table.get("to").and_then(|value| self.service(value));
        let credentials = self.credentials(table);
        let service_token = self.service_token(table);
        let client = self.client(table);
        let flag = |value: &Value, scope: &mut Self| fields::flag("cleanup", value, scope.issues);
        let cleans_up = table.get("cleanup").map_or(Some(false), |value| flag(value, self));
        // Read last: the request stands before what it causes.
        let inside = self.list_at(table, "inside");
        let (step, nth) = sent?;
        Some(Request {
            step,
            from: from?,
            to: to?,
            nth,
            times: times?,
            inside,
            credentials: credentials?,
            service_token: service_token?,
            client: client?,
            cleans_up: cleans_up?,
        })
    }

    /// The place of a step's name, and how many requests of it stand before this one.
    fn sent(&mut self, entry: &Entry, times: u8) -> Option<(StepId, u8)> {
        let step = self.step_id(entry)?;
        let requests = &mut self.steps[step.index()].requests;
        let nth = u8::try_from(*requests);
        *requests = requests.saturating_add(u16::from(times));
        if usize::from(*requests) > MOST_NAMES || nth.is_err() {
            let name = &self.steps[step.index()].name;
            let message = format!("more than {MOST_NAMES} requests are named `{name}`");
            self.issues.push(Issue::at(entry.value.place, message));
            return None;
        }
        nth.ok().map(|nth| (step, nth))
    }

    fn step_id(&mut self, entry: &Entry) -> Option<StepId> {
        let name = fields::name(&entry.key, &entry.value, self.issues)?;
        let known = self.steps.iter().position(|known| known.name == name);
        let at = known.unwrap_or(self.steps.len());
        if at == MOST_NAMES {
            self.issue(entry.value.place, format!("more than {MOST_NAMES} names of steps"));
            return None;
        }
        let is_late = self.handlers > 0;
        match known {
            Some(at) => self.steps[at].is_late &= is_late,
            None => self.steps.push(Named { name, requests: 0, is_late }),
        }
        u8::try_from(at).ok().map(StepId)
    }

    fn wait(&mut self, value: &Value, table: &Table) -> Option<Step> {
        let (parts, each) = (table.get("parts"), table.get("each"));
        if let (None, Some(each)) = (parts, each) {
            self.issue(each.place, "`each` needs `parts`");
        }
        let text = fields::text("wait", value, self.issues)?;
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            if let Some(parts) = parts {
                self.issue(parts.place, "only the wait of a quantity has parts");
            }
            return self.span("wait", text, value.place).map(Step::Pause);
        }
        let quantity = self.quantity("wait", value);
        let Some(parts) = parts else {
            return self.of_unit(quantity?, QuantityUnit::Seconds, value.place).map(Step::Wait);
        };
        let count = self.quantity("parts", parts);
        let each = self.list_at(table, "each");
        let quantity = self.of_unit(quantity?, QuantityUnit::Seconds, value.place);
        let parts = self.of_unit(count?, QuantityUnit::Count, parts.place);
        Some(Step::WaitInParts { quantity: quantity?, parts: parts?, each })
    }

    fn of_unit(
        &mut self,
        id: crate::model::QuantityId,
        unit: QuantityUnit,
        place: Place,
    ) -> Option<crate::model::QuantityId> {
        // Missing only where a procedure is read by itself.
        if let Some(quantity) = self.quantities.get(id.index())
            && quantity.unit != unit
        {
            let expected = match unit {
                QuantityUnit::Seconds => "a time",
                QuantityUnit::Bytes => "a number of bytes",
                QuantityUnit::Count => "a count",
            };
            let message = format!("`{}` is not {expected}", quantity.name);
            self.issues.push(Issue::at(place, message));
            return None;
        }
        Some(id)
    }

    fn span(&mut self, key: &str, text: &str, place: Place) -> Option<Span> {
        match parse::span(text) {
            Ok(span) => Some(span),
            Err(message) => {
                self.issue(place, format!("`{key}`: {message}"));
                None
            }
        }
    }

    fn poll(&mut self, entry: &Entry, table: &Table) -> Option<Poll> {
        let sent = self.sent(entry, 1);
        let from = self.process_at(table, "from");
        let to = table.get("to").and_then(|value| self.service(value));
        let (credentials, service_token, client) =
            (self.credentials(table), self.service_token(table), self.client(table));
        let until = table.get("until").and_then(|value| self.one_resource("until", value));
        let error = match table.get("error") {
            None => Some(None),
            Some(value) => self.one_resource("error", value).map(|found| Some((found, value.place))),
        };
        let retries = table.get("retries").map_or(Some(None), |value| self.amount("retries", value, 0).map(Some));
        let interval = table.get("interval").and_then(|value| self.interval(value));
        let gave_up = self.handler(table, "gave_up");
        let ((step, nth), (resource, until)) = (sent?, until?);
        let error = match error? {
            Some(((other, _), place)) if other != resource => {
                self.issue(place, "a poll looks at one resource, and `until` and `error` name two");
                return None;
            }
            Some(((_, states), place)) if states.0 & until.0 != 0 => {
                self.issue(place, "`until` and `error` have a state in common");
                return None;
            }
            Some(((_, states), _)) => states,
            None => States(0),
        };
        let request = Request {
            step,
            from: from?,
            to: to?,
            nth,
            times: 1,
            inside: Vec::new(),
            credentials: credentials?,
            service_token: service_token?,
            client: client?,
            cleans_up: false,
        };
        Some(Poll { request, resource, until, error, retries: retries?, interval: interval?, gave_up })
    }

    /// A table of one resource with a state or a list of states.
    fn one_resource(&mut self, key: &str, value: &Value) -> Option<(ResourceId, States)> {
        match value.as_table().map(|table| table.entries.as_slice()) {
            Some([entry]) => {
                let resource = self.resource(entry)?;
                Some((resource, self.states(resource, &entry.key, &entry.value)?))
            }
            Some(_) | None => {
                self.issue(value.place, format!("`{key}`: takes a table of one resource and its states"));
                None
            }
        }
    }

    fn resource(&mut self, entry: &Entry) -> Option<ResourceId> {
        let at = self.resources.iter().position(|resource| *resource.name == *entry.key);
        let at = at.or(self.is_open.then_some(0));
        if at.is_none() {
            let known: Vec<&str> = self.resources.iter().map(|resource| resource.name.as_str()).collect();
            let issue = Issue::at(entry.place, format!("unknown resource `{}`", entry.key));
            self.issues.push(issue.help(did_you_mean(&entry.key, &known)));
        }
        at.and_then(|at| u8::try_from(at).ok()).map(ResourceId)
    }

    fn states(&mut self, resource: ResourceId, key: &str, value: &Value) -> Option<States> {
        let items = value.as_array().unwrap_or(std::slice::from_ref(value));
        if items.is_empty() {
            self.issue(value.place, format!("`{key}`: a list of no states"));
            return None;
        }
        let states: Vec<Option<u8>> = items.iter().map(|item| self.state(resource, key, item)).collect();
        states.into_iter().try_fold(States(0), |all, state| Some(States(all.0 | 1 << state?)))
    }

    fn state(&mut self, resource: ResourceId, key: &str, value: &Value) -> Option<u8> {
        let name = fields::text(key, value, self.issues)?;
        if self.is_open {
            return Some(0);
        }
        let resource = &self.resources[resource.index()];
        let state = resource.state(name);
        if state.is_none() {
            let issue = Issue::at(value.place, format!("`{key}`: unknown state `{name}`"));
            self.issues.push(issue.help(did_you_mean(name, &resource.states)));
        }
        state
    }

    fn set(&mut self, value: &Value) -> Option<Vec<(ResourceId, u8)>> {
        let Some(table) = value.as_table().filter(|table| !table.entries.is_empty()) else {
            fields::wrong_type("set", value, "a table such as `{ volume = \"available\" }`", self.issues);
            return None;
        };
        let set: Vec<Option<(ResourceId, u8)>> = table
            .entries
            .iter()
            .map(|entry| {
                let resource = self.resource(entry)?;
                Some((resource, self.state(resource, &entry.key, &entry.value)?))
            })
            .collect();
        set.into_iter().collect()
    }

    fn retry(&mut self, value: &Value, table: &Table) -> Option<Step> {
        let tries = self.amount("retry", value, 1);
        let status = table.get("status").map_or(Some(None), |value| self.status("status", value).map(Some));
        let counted = table.get("counted").map_or(Some(false), |value| fields::flag("counted", value, self.issues));
        let steps = self.list_at(table, "steps");
        Some(Step::Retry(Retry { tries: tries?, steps, status: status?, is_counted: counted? }))
    }

    /// A number, or the key that holds one.
    fn amount(&mut self, key: &str, value: &Value, min: u32) -> Option<Amount> {
        match value.as_text() {
            Some(setting) => {
                self.settings.push(Setting { key: setting.to_owned(), place: value.place, purpose: Purpose::Number });
                Some(Amount::Key(setting.to_owned()))
            }
            None => fields::integer(key, value, min, MOST_RETRIES, self.issues).map(Amount::Fixed),
        }
    }

    /// A duration, or the key that holds one.
    fn interval(&mut self, value: &Value) -> Option<Interval> {
        let text = fields::text("interval", value, self.issues)?;
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return self.span("interval", text, value.place).map(Interval::Fixed);
        }
        self.settings.push(Setting { key: text.to_owned(), place: value.place, purpose: Purpose::Span });
        Some(Interval::Key(text.to_owned()))
    }

    fn test(&mut self, value: &Value) -> Option<Test> {
        let Some([entry]) = value.as_table().map(|table| table.entries.as_slice()) else {
            self.issue(
                value.place,
                "`if`: takes a table of one resource with its states, of one quantity with 0, or `{ service_token = true }`",
            );
            return None;
        };
        if &*entry.key == "service_token" {
            return match &entry.value.node {
                Toml::Flag(came) => Some(Test::ServiceToken(*came)),
                _ => {
                    fields::wrong_type("service_token", &entry.value, "`true` or `false`", self.issues);
                    None
                }
            };
        }
        if self.resources.iter().any(|resource| *resource.name == *entry.key) {
            let resource = self.resource(entry)?;
            return self.states(resource, &entry.key, &entry.value).map(|states| Test::State(resource, states));
        }
        if let Toml::Integer(number) = entry.value.node {
            let quantity = self.quantity_named(&entry.key, entry.place)?;
            if number != 0 {
                self.issue(entry.value.place, format!("`{}`: a quantity is compared with 0 only", entry.key));
                return None;
            }
            return Some(Test::Zero(quantity));
        }
        let resource = self.resource(entry)?;
        self.states(resource, &entry.key, &entry.value).map(|states| Test::State(resource, states))
    }

    fn obtain(&mut self, how: Obtain, entry: &Entry, table: &Table) -> Option<Step> {
        let (step, from) = (self.step_id(entry), self.process_at(table, "from"));
        Some(Step::Obtain { how, step: step?, from: from? })
    }

    fn times(&mut self, value: &Value) -> Option<Times> {
        if value.as_text() == Some("parts") {
            return Some(Times::Parts);
        }
        let times = fields::integer("times", value, 1, 255, self.issues)?;
        u8::try_from(times).ok().map(Times::Fixed)
    }

    fn status(&mut self, key: &str, value: &Value) -> Option<u16> {
        fields::integer(key, value, ERRORS.0, ERRORS.1, self.issues).and_then(|status| u16::try_from(status).ok())
    }

    fn reason(&mut self, value: &Value) -> Option<Reason> {
        let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        fields::word("reason", value, &codes, self.issues).and_then(Reason::from_code)
    }

    fn call(&mut self, value: &Value) -> Option<Step> {
        let name = fields::text("call", value, self.issues)?;
        let Some(procedure) = self.procedures.iter().find(|procedure| procedure.name == name) else {
            let known: Vec<&str> = self.procedures.iter().map(|procedure| procedure.name.as_str()).collect();
            let issue = Issue::at(value.place, format!("unknown procedure `{name}`"));
            self.issues.push(issue.help(did_you_mean(name, &known)));
            return None;
        };
        self.called.insert(name.to_owned());
        if let Some(at) = self.calls.iter().position(|(open, _)| open == name) {
            let names: Vec<String> = self.calls[at..].iter().map(|(name, _)| format!("`{name}`")).collect();
            let circle = names.join(" calls ");
            let message = format!("procedures call each other in a circle: {circle} calls `{name}`");
            self.issue(value.place, message);
            return None;
        }
        self.calls.push((name.to_owned(), value.place));
        let steps = if procedure.place == Place::NOWHERE && value.place != Place::NOWHERE {
            // What is wrong with a shipped procedure here is wrong with the call.
            self.list("steps", &procedure.steps.at_place(value.place))
        } else {
            self.list("steps", &procedure.steps)
        };
        self.calls.pop();
        Some(Step::Call { procedure: name.to_owned(), steps })
    }

    fn process_at(&mut self, table: &Table, key: &str) -> Option<ProcessId> {
        table.get(key).and_then(|value| self.process(key, value))
    }

    fn process(&mut self, key: &str, value: &Value) -> Option<ProcessId> {
        let name = fields::text(key, value, self.issues)?;
        let process = self.names.process(name);
        if process.is_none() {
            let issue = Issue::at(value.place, format!("unknown process `{name}`"));
            self.issues.push(issue.help(did_you_mean(name, self.names.processes())));
        }
        process
    }

    fn service(&mut self, value: &Value) -> Option<ServiceId> {
        let name = fields::text("to", value, self.issues)?;
        match self.names.service(name) {
            Some(ServiceId::KEYSTONE) => {
                let issue = Issue::at(value.place, "`keystone` takes no requests of jobs");
                self.issues.push(issue.help("`exchange`, `trust` and `login` ask it for tokens"));
                None
            }
            None => {
                let issue = Issue::at(value.place, format!("unknown service `{name}`"));
                self.issues.push(issue.help(did_you_mean(name, &self.names.services()[1..])));
                None
            }
            found => found,
        }
    }

    fn pool(&mut self, value: &Value) -> Option<PoolId> {
        let name = fields::text("slot", value, self.issues)?;
        let pool = self.names.pool(name);
        let is_api = |pool: &PoolId| self.names.pools()[pool.index()].1 == API;
        if pool.as_ref().is_some_and(is_api) {
            let message = format!("`{name}`: requests hold workers by themselves, and steps cannot");
            self.issue(value.place, message);
            return None;
        }
        if pool.is_none() {
            let known = self.names.pools().iter().enumerate().filter(|(_, (_, pool))| pool != API);
            let known: Vec<String> = known.map(|(at, _)| self.names.pool_name(PoolId(at as u16))).collect();
            let issue = Issue::at(value.place, format!("unknown pool `{name}`"));
            self.issues.push(issue.help(did_you_mean(name, &known)));
        }
        pool
    }

    fn credentials(&mut self, table: &Table) -> Option<Credentials> {
        let Some(value) = table.get("token") else { return Some(Credentials::User) };
        fields::word("token", value, &["user", "delegated", "own"], self.issues).map(|word| match word {
            "delegated" => Credentials::Delegated,
            "own" => Credentials::Own,
            _ => Credentials::User,
        })
    }

    fn client(&mut self, table: &Table) -> Option<Client> {
        let Some(value) = table.get("client") else { return Some(Client::Keystoneauth) };
        fields::word("client", value, &["keystoneauth", "swiftclient"], self.issues).map(|word| match word {
            "swiftclient" => Client::Swiftclient,
            _ => Client::Keystoneauth,
        })
    }

    fn service_token(&mut self, table: &Table) -> Option<ServiceToken> {
        let Some(value) = table.get("service_token") else { return Some(ServiceToken::AsConfigured) };
        match &value.node {
            Toml::Flag(false) => Some(ServiceToken::Never),
            Toml::Flag(true) => Some(ServiceToken::AsConfigured),
            Toml::Table(inner) => {
                fields::unknown_keys(inner, "service_token", &["when"], self.issues);
                let when = fields::required(inner, value.place, "service_token", "when", self.issues)?;
                Some(ServiceToken::When(self.conditions("when", when)))
            }
            Toml::Integer(_) | Toml::Real(_) | Toml::Text(_) | Toml::Moment(_) | Toml::Array(_) => {
                let expected = "`true`, `false` or a table such as `{ when = { … } }`";
                fields::wrong_type("service_token", value, expected, self.issues);
                None
            }
        }
    }

    /// Keys of the scenario with the values that they must have; a dotted key without quotes is a table in a table.
    fn conditions(&mut self, key: &str, value: &Value) -> Vec<Condition> {
        let mut conditions = Vec::new();
        match value.as_table() {
            Some(table) => self.flatten(table, "", &mut conditions),
            None => fields::wrong_type(key, value, "a table of keys with their values", self.issues),
        }
        conditions
    }

    fn flatten(&mut self, table: &Table, prefix: &str, conditions: &mut Vec<Condition>) {
        for entry in &table.entries {
            let key = format!("{prefix}{}", entry.key);
            let (value, is_negated) = match entry.value.as_table().map(|table| table.entries.as_slice()) {
                Some([only]) if &*only.key == "not" => (&only.value, true),
                _ => (&entry.value, false),
            };
            let values = match &value.node {
                Toml::Table(inner) => {
                    self.flatten(inner, &format!("{key}."), conditions);
                    continue;
                }
                Toml::Array(items) if items.is_empty() => {
                    self.issue(value.place, format!("`{key}`: a list of no values"));
                    continue;
                }
                Toml::Array(items) => items.clone(),
                Toml::Flag(_) | Toml::Integer(_) | Toml::Real(_) | Toml::Text(_) | Toml::Moment(_) => {
                    vec![value.clone()]
                }
            };
            let purpose = Purpose::Compare(values.clone());
            self.settings.push(Setting { key: key.clone(), place: entry.place, purpose });
            conditions.push(Condition { key, values, is_negated });
        }
    }
}
