//! The scenario that configurations stand for, in which every value says where it comes from.

use std::fmt::Write as _;

use crate::document::{Node, Value};
use crate::identity::defaults::MIN_TOKEN_LIFE;
use crate::units::Span;

use super::cron::{Regular, Rotations};
use super::roles::{ServiceRoles, USERS};
use super::services::Service;
use super::{Configurations, Said, Setting};
use crate::model::Written;

/// What no file says, and somebody chose.
#[derive(Clone, Debug)]
pub struct Choices {
    /// Name of the scenario; it must be one that a scenario takes.
    pub name: String,
    /// When the keys rotate.
    pub schedule: Schedule,
    /// Which roles service users hold; of one that is named twice the last.
    pub roles: Vec<ServiceRoles>,
}

impl Choices {
    /// The roles of a user, if somebody has said them.
    pub(super) fn roles_of(&self, user: &str) -> Option<&[String]> {
        self.roles.iter().rev().find(|said| said.user == user).map(|said| said.roles.as_slice())
    }
}

/// When the keys rotate.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Nobody said it.
    Unsaid,
    /// At intervals of this length.
    Every(Span),
    /// As the cron lines say.
    Cron(Rotations),
}

const SET: &str = "please set";
/// Days that the run takes where a day is like any other; a schedule with longer gaps is seen whole.
const DAY: i64 = 1;
/// The default of `run.drain`: rotations are written down to its end.
const DRAIN_DAYS: i64 = 30;
/// Instants in a line.
const IN_A_LINE: usize = 8;

/// What the run has to look like for this schedule.
struct Plan {
    days: i64,
    /// Keys and values of `[cloud.fernet_rotation]`, with their comments.
    lines: Vec<(String, String)>,
}

/// Writes the scenario. Every line with a value has a comment that says where it comes from.
pub fn scenario_text(configurations: &Configurations, choices: &Choices) -> String {
    let mut text = settings_text(configurations, choices);
    workload(&mut text, configurations);
    text
}

/// The same without a workload: what can be said of the settings, whatever runs under them.
pub fn settings_text(configurations: &Configurations, choices: &Choices) -> String {
    let plan = plan(configurations, choices);
    let mut text = String::from(
        "# Written by `outlast import`. A value is followed by the file and line that say it, or by `default of` the release.\n",
    );
    text.push_str("# What no file says is marked `please set`: it is a guess, and the answers depend on it.\n");
    for (service, files) in &configurations.files {
        let files: Vec<String> = files.iter().map(|file| printable(file)).collect();
        let files = if files.is_empty() { "no file given".to_owned() } else { files.join(", ") };
        let _ = writeln!(text, "# {}: {files}", service.file_name());
    }
    text.push('\n');
    let named = |value: &str, comment: &str| (value.to_owned(), comment.to_owned());
    table(&mut text, "", &[named(&format!("name = {}", quoted(&choices.name)), "--name")]);
    let days = plan.days;
    let why = if days == DAY { "" } else { ": as long as the rotations take to repeat" };
    table(
        &mut text,
        "run",
        &[
            named("seed = 1", "any number"),
            named("replications = 16", "more make the intervals narrower"),
            (format!("duration = \"{days}d\""), format!("{SET}{why}")),
            named("warm_up = \"0s\"", SET),
        ],
    );
    for service in Service::ALL {
        options(&mut text, configurations, service);
    }
    cloud(&mut text, configurations, choices, &plan);
    text
}

/// The tables of a service.
fn options(text: &mut String, configurations: &Configurations, service: Service) {
    let default = match configurations.files_of(service) {
        [] => format!("default of {}, {} not given", configurations.release, service.file_name()),
        _ => format!("default of {}", configurations.release),
    };
    let own = configurations.settings.iter().filter(|setting| setting.option.service == service.code());
    let mut section = "";
    let mut lines: Vec<(String, String)> = Vec::new();
    for setting in own {
        if setting.option.section != section {
            table(text, &format!("{}.{section}", service.code()), &lines);
            section = setting.option.section;
            lines.clear();
        }
        lines.push(line(setting, &configurations.release, &default));
    }
    table(text, &format!("{}.{section}", service.code()), &lines);
}

/// A value and its comment; an option without one is a comment as a whole.
fn line(setting: &Setting, release: &str, default: &str) -> (String, String) {
    let option = setting.option;
    let by_default = |comment: String| match option.default(release) {
        Some(value) => (format!("{} = {value}", option.name), comment),
        None => (format!("# {} is not set: {}", option.name, option.when_unset()), comment),
    };
    match &setting.said {
        Said::Nothing => by_default(default.to_owned()),
        Said::Unset { at, note } => by_default(noted(at, note)),
        Said::Elsewhere { at } => by_default(format!("{SET}: {} takes it from another option", origin(at))),
        Said::Value { value, at, note } => (format!("{} = {}", option.name, toml(value)), noted(at, note)),
    }
}

/// File and line, and what else is to be known.
fn noted(at: &Written, note: &str) -> String {
    if note.is_empty() { origin(at) } else { format!("{}: {note}", origin(at)) }
}

/// File and line.
fn origin(at: &Written) -> String {
    printable(&format!("{}:{}", at.file, at.line))
}

/// A guess, and what it is to be replaced by.
fn please(value: &str, what: &str) -> (String, String) {
    (value.to_owned(), format!("{SET}: {what}"))
}

fn cloud(text: &mut String, configurations: &Configurations, choices: &Choices, plan: &Plan) {
    let release = &configurations.release;
    table(
        text,
        "cloud",
        &[
            (format!("release = {}", quoted(release)), "--release".to_owned()),
            please("image_path = \"copy\"", "\"clone\" where the storage backend clones images"),
        ],
    );
    table(text, "cloud.fernet_rotation", &plan.lines);
    table(
        text,
        "cloud.keystone",
        &[
            please("nodes = 1", "how many nodes share the keys"),
            please("sync_lag = \"0s\"", "how long a new key takes to reach the other nodes"),
        ],
    );
    for user in &USERS {
        let list =
            |roles: &mut dyn Iterator<Item = String>| format!("roles = [{}]", roles.collect::<Vec<_>>().join(", "));
        let line = match choices.roles_of(user.name) {
            Some(roles) => (list(&mut roles.iter().map(|role| quoted(role))), "--service-roles".to_owned()),
            None => please(&list(&mut user.guess.iter().map(|role| quoted(role))), user.ask),
        };
        table(text, &format!("cloud.service_users.{}", user.name), &[line]);
    }
    table(text, "cloud.image_transfer", &[please("per_job = \"77MiB/s\"", "how fast one image is downloaded")]);
    table(text, "cloud.image_conversion", &[please("per_job = \"200MiB/s\"", "how fast one image is converted")]);
    table(text, "cloud.requests", &[please("time = { exponential = { mean = \"40ms\" } }", "work of one API request")]);
}

fn workload(text: &mut String, configurations: &Configurations) {
    table(
        text,
        "[workload]",
        &[
            please("name = \"boots\"", "any name"),
            please(
                "job = \"boot-from-volume\"",
                "`outlast jobs` lists the kinds; write a workload for each that you run",
            ),
            please("arrivals = { poisson = \"30/h\" }", "how many are submitted"),
            token_age(configurations),
            please(
                "image_size = { lognormal = { median = \"16GiB\", sigma = 1.0 }, max = \"400GiB\" }",
                "how large images are",
            ),
        ],
    );
}

/// How old tokens are: a client cannot renew in time what lives no longer than its margin.
fn token_age(configurations: &Configurations) -> (String, String) {
    let margin = i128::from(MIN_TOKEN_LIFE.micros() / 1_000_000);
    let (age, client) = match integer(configurations, "keystone.token.expiration") {
        Some(lifetime) if lifetime <= margin => ("{ of_expiration = { uniform = [0, 1] } }".to_owned(), "any age"),
        _ => (format!("{{ renewing = \"{margin}s\" }}"), "a client that renews in time"),
    };
    (format!("token_age = {age}"), format!("{SET}: {client}"))
}

fn plan(configurations: &Configurations, choices: &Choices) -> Plan {
    let line = |value: String, comment: &str| (value, comment.to_owned());
    match &choices.schedule {
        Schedule::Unsaid => {
            let comment = format!("{SET}: how often `keystone-manage fernet_rotate` runs (--rotate-every, --crontab)");
            Plan { days: DAY, lines: vec![line("every = \"24h\"".to_owned(), &comment)] }
        }
        Schedule::Every(period) => {
            let every = format!("every = \"{}\"", span(*period));
            Plan { days: DAY, lines: vec![line(every, "--rotate-every")] }
        }
        Schedule::Cron(rotations) => {
            let days = rotations.cycle_days();
            let origin = printable(&rotations.origin());
            if let Some(Regular { period, offset }) = rotations.regular() {
                let lines = [format!("every = \"{}\"", span(period)), format!("offset = \"{}\"", span(offset))];
                return Plan { days, lines: lines.into_iter().map(|value| line(value, &origin)).collect() };
            }
            let keys = integer(configurations, "keystone.fernet_tokens.max_active_keys");
            let keys = keys.and_then(|keys| usize::try_from(keys).ok()).unwrap_or(0);
            // Two keys more than are kept: the oldest of the start has then been made by a rotation of the list.
            let instants = rotations.instants(keys.saturating_add(2), days + DRAIN_DAYS + 1);
            let written: Vec<String> = instants.iter().map(|at| quoted(&span(Span::from_seconds(at * 60)))).collect();
            let rows: Vec<String> = written.chunks(IN_A_LINE).map(|row| format!("    {},\n", row.join(", "))).collect();
            let at = format!("at = [ # {origin}\n{}]", rows.concat());
            Plan { days, lines: vec![line(at, &format!("to the end of `run.duration` and `run.drain`; {origin}"))] }
        }
    }
}

/// The value of an option that is an integer, by default if no file says it.
fn integer(configurations: &Configurations, path: &str) -> Option<i128> {
    let setting = configurations.settings.iter().find(|setting| setting.option.path() == path)?;
    match &setting.said {
        Said::Value { value: Value { node: Node::Integer(integer), .. }, .. } => Some(*integer),
        _ => setting.option.default(&configurations.release)?.parse().ok(),
    }
}

/// A table with its values, their comments one below the other.
fn table(text: &mut String, name: &str, lines: &[(String, String)]) {
    const WIDEST: usize = 60;
    if lines.is_empty() {
        return;
    }
    if !name.is_empty() {
        let _ = writeln!(text, "[{name}]");
    }
    let width = |line: &str| line.chars().count();
    let is_value = |line: &str| !line.starts_with('#') && !line.contains('\n');
    let widths = lines.iter().filter(|(value, _)| is_value(value)).map(|(value, _)| width(value));
    let widest = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    for (value, comment) in lines {
        let gap = if is_value(value) { widest.saturating_sub(width(value)) } else { 0 };
        let mark = if value.starts_with('#') { "–" } else { "#" };
        let _ = writeln!(text, "{value}{:gap$} {mark} {comment}", "");
    }
    text.push('\n');
}

/// A span in whole minutes or seconds, exact: `1d 2h 3m`.
pub(super) fn span(span: Span) -> String {
    const UNITS: [(&str, i64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let seconds = span.micros() / 1_000_000;
    if span.micros() % 1_000_000 != 0 || seconds == 0 {
        return if span == Span::ZERO { "0s".to_owned() } else { format!("{}us", span.micros()) };
    }
    let mut rest = seconds.abs();
    let mut parts = Vec::new();
    for (unit, size) in UNITS {
        if rest >= size {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    format!("{}{}", if seconds < 0 { "-" } else { "" }, parts.join(" "))
}

/// A text within a comment: whatever a file is called, the comment ends with its line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A value as TOML.
fn toml(value: &Value) -> String {
    match &value.node {
        Node::Text(text) => quoted(text),
        Node::Array(items) => {
            let items: Vec<String> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        Node::Flag(_) | Node::Integer(_) | Node::Real(_) | Node::Moment(_) | Node::Table(_) => value.to_string(),
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
