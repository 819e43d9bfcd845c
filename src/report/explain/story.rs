//! From the entries of a course to lines that can be told: repeated sendings and polls together, each with what it
//! carried, who decided and by which rule.

use super::rules::{carried, decision, of_reason};
use super::sights::{RECEIVER, Sight, at_caller_of, at_receiver_of};
use super::{Told, clock};
use crate::model::program::{Obtain, Op, Request};
use crate::model::vocabulary::{Cleanup, Reason};
use crate::model::{Kind, ProcessId, ServiceId, StepId};
use crate::observe::course::{Entry, Raise, Seen as UserSeen, Timeline, Verdict, Wait, What};
use crate::observe::{Failure, Outcome};
use crate::report::words::{count, counted, duration, pool_name};
use crate::units::{Instant, Span};

/// What happened to a job, in the order in which it began.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// What happened.
    pub lines: Vec<Line>,
    /// What an operator would have seen of what was refused, in the order in which it was.
    pub sights: Vec<Seen>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When it began.
    pub at: Instant,
    /// When it was over; the same instant where it took no time.
    pub until: Instant,
    /// On which timeline.
    pub timeline: Timeline,
    /// What sort of thing.
    pub sort: Sort,
    /// Who did it, if a process did.
    pub actor: Option<ProcessId>,
    /// What, in few words.
    pub what: String,
    /// The same as short as the plot needs it.
    pub short: String,
    /// More about it.
    pub notes: Vec<String>,
    /// By which rule it was decided.
    pub rule: Option<&'static str>,
    /// Why it was refused, if it was.
    pub refused: Option<Reason>,
    /// Whether a token was accepted that had expired.
    is_late: bool,
    /// How often, and what was noted of the last time.
    times: u32,
    last: Option<String>,
}

/// What sort of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A request.
    Request,
    /// Requests that repeat: polls, or the pieces of a copy.
    Polls,
    /// A token that is got on the way.
    Token,
    /// Time that passes.
    Wait,
    /// A resource changes.
    State,
    /// An error on its way up.
    Error,
    /// The outcome.
    Outcome,
}

impl Sort {
    /// The code in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Sort::Request => "request",
            Sort::Polls => "polls",
            Sort::Token => "token",
            Sort::Wait => "wait",
            Sort::State => "state",
            Sort::Error => "error",
            Sort::Outcome => "outcome",
        }
    }
}

/// What an operator would have seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The steps.
    pub steps: Vec<String>,
    /// Where: the receiver, or the process that asked it.
    pub place: String,
    /// What its caller, or the owner of the job, was told.
    pub told: String,
    /// Log lines: whose log, and what it says.
    pub logs: Vec<(String, String)>,
    /// Whose code says so; `None`: only the status is known.
    pub source: Option<&'static str>,
}

/// Puts a course into lines.
pub(super) fn tell(told: &Told<'_>) -> Story {
    let mut teller = Teller { told, lines: Vec::new(), open: [None, None], waiting: [None, None], sights: Vec::new() };
    for entry in &told.course.entries {
        teller.add(entry);
    }
    let mut lines = fold(teller.lines);
    lines.sort_by_key(|line| line.at);
    Story { lines, sights: teller.sights }
}

/// Puts together what a course repeats, as the pieces of an upload: the same request again and again, with nothing but
/// the same waits and states between.
fn fold(lines: Vec<Line>) -> Vec<Line> {
    let mut folded: Vec<Line> = Vec::with_capacity(lines.len());
    // By timeline, where the lines begin that may repeat: a request, and what followed it.
    let mut from: [Option<usize>; 2] = [None, None];
    for line in lines {
        let side = line.timeline as usize;
        let repeats = matches!(line.sort, Sort::Request | Sort::Wait | Sort::State) && line.refused.is_none();
        let known = from[side].filter(|_| repeats).and_then(|start| {
            let alike = |at: &usize| {
                let other: &Line = &folded[*at];
                other.timeline == line.timeline && other.what == line.what && other.is_late == line.is_late
            };
            (start..folded.len()).find(alike)
        });
        if let Some(at) = known {
            let first = &mut folded[at];
            if first.sort != Sort::State {
                first.until = line.until;
            }
            first.times += 1;
            first.last = line.notes.first().cloned();
            continue;
        }
        from[side] = match line.sort {
            // Another request than the one that is repeated begins anew.
            Sort::Request if line.refused.is_none() => Some(folded.len()),
            Sort::Wait | Sort::State => from[side],
            Sort::Request | Sort::Polls | Sort::Token | Sort::Error | Sort::Outcome => None,
        };
        folded.push(line);
    }
    for line in &mut folded {
        if line.times == 1 {
            continue;
        }
        let times = count(u64::from(line.times));
        match line.sort {
            Sort::Request => {
                line.sort = Sort::Polls;
                line.what.push_str(&format!(", {times} times"));
                line.short.push_str(&format!(" \u{d7}{times}"));
                if let Some(last) = line.last.take() {
                    line.notes.push(format!("the last time {last}"));
                }
            }
            Sort::Wait => line.what.push_str(&format!(" in {times} parts")),
            Sort::State | Sort::Polls | Sort::Token | Sort::Error | Sort::Outcome => {}
        }
    }
    folded
}

struct Teller<'a> {
    told: &'a Told<'a>,
    lines: Vec<Line>,
    /// By timeline, the requests that the next verdict may belong to.
    open: [Option<Open>; 2],
    /// By timeline, the line of something that has no end yet.
    waiting: [Option<usize>; 2],
    sights: Vec<Seen>,
}

/// A line of requests that may go on.
struct Open {
    line: usize,
    verdict: Verdict,
    first_poll: u32,
    last: Instant,
    gaps: Option<(Span, Span)>,
}

impl Teller<'_> {
    fn kind(&self) -> &Kind {
        &self.told.model().workloads[self.told.course.record.workload].kind
    }

    fn step(&self, step: StepId) -> String {
        self.kind().step_name(step).to_owned()
    }

    fn receiver(&self, service: ServiceId) -> String {
        self.told.model().service(service).name.clone()
    }

    fn process(&self, process: ProcessId) -> String {
        self.told.model().process(process).name.clone()
    }

    /// Who asks whom in a step, if it is a request.
    fn hop(&self, step: StepId) -> Option<(ProcessId, ServiceId)> {
        let ops = &self.told.model().workloads[self.told.course.record.workload].program.ops;
        ops.iter().find_map(|op| match op {
            Op::Request { request, .. } if request.step == step => Some((request.from, request.to)),
            Op::Poll(poll) if poll.request.step == step => Some((poll.request.from, poll.request.to)),
            _ => None,
        })
    }

    fn add(&mut self, entry: &Entry) {
        let side = entry.timeline as usize;
        let line = |sort: Sort, what: String| Line {
            at: entry.at,
            until: entry.at,
            timeline: entry.timeline,
            sort,
            actor: None,
            short: what.clone(),
            what,
            notes: Vec::new(),
            rule: None,
            refused: None,
            is_late: false,
            times: 1,
            last: None,
        };
        if !matches!(entry.what, What::Judged(_) | What::Begun { .. } | What::Works { .. } | What::Raised { .. }) {
            self.open[side] = None;
        }
        match entry.what {
            What::Begun { request } => {
                // A poll's line has its own; what waits is shown from here on.
                if self.open[side].as_ref().is_none_or(|open| open.verdict.request.step != request.step) {
                    self.waiting[side] = Some(self.lines.len());
                    self.lines.push(self.request_line(entry, &request));
                    self.open[side] = None;
                }
            }
            What::Judged(verdict) => self.judged(entry, verdict),
            What::Works { until, .. } => {
                if let Some(open) = &self.open[side] {
                    self.lines[open.line].until = until;
                }
            }
            What::Raised { failure, by, .. } => self.raised(entry, failure, by, line),
            What::TriesAgain { made, most } => {
                self.lines.push(line(Sort::Error, format!("tries again: {made} of {most} tries are made")));
            }
            What::Caught { .. } => self.lines.push(line(Sort::Error, "the refusal is only logged".to_owned())),
            What::Obtained { how, step, from, expires } => {
                let how = match how {
                    Obtain::Exchange => "in exchange for the one it has",
                    Obtain::Trust => "through a trust",
                    Obtain::Login => "with its own credentials",
                };
                let step = self.step(step);
                let mut told = match expires {
                    Some(_) => line(Sort::Token, format!("{step}: {} gets a token {how}", self.process(from))),
                    None => line(Sort::Token, format!("{step}: {} gets no token {how}", self.process(from))),
                };
                told.short = step;
                told.actor = Some(from);
                told.notes = match expires {
                    Some(expires) => vec![format!("it expires at {}", clock(self.told.since(expires)))],
                    None => vec!["Keystone refused; the job goes on with the user's token".to_owned()],
                };
                self.lines.push(told);
            }
            What::Waits(wait) => {
                let (what, until) = match wait {
                    Wait::Quantity { quantity, until } => {
                        (self.kind().quantities[quantity.index()].name.clone(), until)
                    }
                    Wait::Pause { until } => ("pause".to_owned(), Some(until)),
                    Wait::Slot(pool) => (format!("waits for a slot of {}", pool_name(self.told.model(), pool)), None),
                };
                // The parts of one wait are one line.
                let last = self.lines.iter_mut().rev().find(|line| line.timeline == entry.timeline);
                if let Some(last) = last
                    && last.sort == Sort::Wait
                    && last.what == what
                    && last.until == entry.at
                {
                    last.until = until.unwrap_or(entry.at);
                    return;
                }
                if until.is_none() {
                    self.waiting[side] = Some(self.lines.len());
                }
                self.lines.push(Line { until: until.unwrap_or(entry.at), ..line(Sort::Wait, what) });
            }
            What::Resumes => {
                if let Some(waiting) = self.waiting[side].take() {
                    self.lines[waiting].until = entry.at;
                }
            }
            What::Releases(_) => {}
            What::Forks => {
                let what = "goes on beside: the working service has its own course from here on".to_owned();
                self.lines.push(line(Sort::State, what));
            }
            What::Set { resource, state } => {
                let resource = &self.kind().resources[resource.index()];
                let what = format!("{} is {}", resource.name, resource.states[usize::from(state)]);
                self.lines.push(line(Sort::State, what));
            }
            What::CleansUp(cleanup) => {
                self.lines.push(line(Sort::State, format!("clean-up: {}", self::cleanup(cleanup))))
            }
            What::Fails => self.lines.push(line(Sort::Outcome, "the job has failed".to_owned())),
            What::Completes => self.lines.push(line(Sort::Outcome, "the job has completed".to_owned())),
        }
    }

    fn request_line(&self, entry: &Entry, request: &Request) -> Line {
        let step = self.step(request.step);
        Line {
            at: entry.at,
            until: entry.at,
            timeline: entry.timeline,
            sort: Sort::Request,
            actor: Some(request.from),
            what: format!("{step}: {} \u{2192} {}", self.process(request.from), self.receiver(request.to)),
            short: step,
            notes: Vec::new(),
            rule: None,
            refused: None,
            is_late: false,
            times: 1,
            last: None,
        }
    }

    fn judged(&mut self, entry: &Entry, verdict: Verdict) {
        let side = entry.timeline as usize;
        let decided = decision(entry.at, &verdict, &self.receiver(verdict.request.to));
        let carried = carried(entry.at, &verdict);
        if let Some(open) = &mut self.open[side]
            && open.verdict.request.step == verdict.request.step
            && open.verdict.request.nth == verdict.request.nth
        {
            let line = &mut self.lines[open.line];
            let is_repetition = open.verdict.refused.is_some() && open.verdict.poll == verdict.poll;
            if is_repetition {
                line.notes.push(format!("sent once more after the 401, with {carried}"));
                line.notes.push(decided.words);
                line.rule = Some(decided.rule);
                line.refused = verdict.refused;
                open.verdict = verdict;
                return;
            }
            if let Some(number) = verdict.poll
                && is_alike(entry.at, &verdict, open.last, &open.verdict)
            {
                let gap = entry.at.since(open.last);
                open.gaps = Some(open.gaps.map_or((gap, gap), |(least, most)| (least.min(gap), most.max(gap))));
                open.last = entry.at;
                open.verdict = verdict;
                line.sort = Sort::Polls;
                line.until = entry.at;
                let (least, most) = open.gaps.unwrap_or((gap, gap));
                let every = if least == most {
                    format!("every {}", duration(least))
                } else {
                    format!("every {} to {}", duration(least), duration(most))
                };
                let head = line.what.split(',').next().unwrap_or_default().to_owned();
                line.what = format!("{head}, polls {} to {number}, {every}", open.first_poll);
                line.short = format!(
                    "{} \u{d7}{}",
                    line.short.split(' ').next().unwrap_or_default(),
                    number - open.first_poll + 1
                );
                line.notes.truncate(2);
                line.notes.push(format!("the last of them: {carried}"));
                line.rule = Some(decided.rule);
                return;
            }
        }
        let is_begun = self.waiting[side]
            .take()
            .filter(|line| self.lines[*line].sort == Sort::Request && self.lines[*line].notes.is_empty());
        let at = is_begun.unwrap_or_else(|| {
            self.lines.push(self.request_line(entry, &verdict.request));
            self.lines.len() - 1
        });
        let line = &mut self.lines[at];
        line.until = entry.at;
        if let Some(number) = verdict.poll {
            line.what = format!("{}, poll {number}", line.what);
        }
        let queued = entry.at.since(line.at);
        if queued > Span::ZERO {
            line.notes.push(format!("waited {} for a worker or for Keystone", duration(queued)));
        }
        line.notes.push(format!("carried {carried}"));
        line.notes.push(decided.words);
        line.rule = Some(decided.rule);
        line.refused = verdict.refused;
        line.is_late = verdict.refused.is_none() && entry.at > verdict.expires;
        let first_poll = verdict.poll.unwrap_or(0);
        self.open[side] = Some(Open { line: at, verdict, first_poll, last: entry.at, gaps: None });
    }

    fn raised(&mut self, entry: &Entry, failure: Failure, by: Raise, line: impl Fn(Sort, String) -> Line) {
        let side = entry.timeline as usize;
        let step = self.step(failure.step);
        let hop = self.hop(failure.step);
        let told = match by {
            Raise::Refused => {
                // The verdict has its line already, unless nobody could be asked.
                let refused = self.open[side].take().filter(|open| open.verdict.refused.is_some());
                let user = refused.as_ref().map(|open| open.verdict.user);
                self.see(&step, hop, failure, Some(user));
                if refused.is_some() {
                    return;
                }
                format!("{step}: {} {}", failure.http_status, failure.reason.words())
            }
            Raise::Answered => {
                self.see(&step, hop, failure, None);
                match hop {
                    Some((_, to)) => format!("{step}: {} answers {}", self.receiver(to), failure.http_status),
                    None => format!("{step}: is answered with {}", failure.http_status),
                }
            }
            Raise::NotObtained => {
                self.see(&step, hop, failure, None);
                format!("{step}: {} {}", failure.http_status, failure.reason.words())
            }
            Raise::GaveUp => {
                self.see(&step, hop, failure, None);
                format!("{step}: {}", failure.reason.words())
            }
        };
        self.open[side] = None;
        let cause = failure.first_cause;
        let mut line = line(Sort::Error, told);
        line.short = step;
        line.actor = hop.map(|(from, _)| from);
        line.refused = Some(failure.reason);
        line.rule = Some(of_reason(failure.reason));
        if (cause.step, cause.reason) != (failure.step, failure.reason) {
            line.notes.push(format!(
                "it began at {} with {}, {}",
                clock(self.told.since(cause.at)),
                self.step(cause.step),
                cause.reason.words()
            ));
        }
        self.lines.push(line);
    }

    /// Notes what an operator sees of a failure; `refusal` says, of one by a receiver, what it found of the user's token.
    fn see(
        &mut self,
        step: &str,
        hop: Option<(ProcessId, ServiceId)>,
        failure: Failure,
        refusal: Option<Option<UserSeen>>,
    ) {
        let (from, to) = match hop {
            Some((from, to)) => (self.process(from), self.receiver(to)),
            None => ("its caller".to_owned(), String::new()),
        };
        // What a job's owner is told is about the failure of the job, and not of its clean-up.
        let is_of_job = match self.told.course.record.outcome {
            Outcome::Failed(of_job) => (of_job.step, of_job.reason) == (failure.step, failure.reason),
            Outcome::Completed | Outcome::Unfinished => false,
        };
        let at_caller = at_caller_of(failure.reason, &from, &to, &self.kind().name, is_of_job);
        let mut found: Vec<(String, Option<&'static Sight>)> = Vec::new();
        if let Some(user) = refusal {
            found.push((to.clone(), at_receiver_of(failure.reason, user)));
        }
        if refusal.is_none() || at_caller.is_some() {
            found.push((from, at_caller));
        }
        for (place, sight) in found {
            let whose = |log: &str| if log == RECEIVER { to.clone() } else { log.to_owned() };
            let seen = Seen {
                steps: vec![step.to_owned()],
                place,
                told: sight.map_or_else(|| failure.http_status.to_string(), |sight| sight.told.to_owned()),
                logs: sight.map_or_else(Vec::new, |sight| {
                    sight.logs.iter().map(|(log, line)| (whose(log), (*line).to_owned())).collect()
                }),
                source: sight.map(|sight| sight.source),
            };
            let same =
                |other: &&mut Seen| (&other.place, &other.told, &other.logs) == (&seen.place, &seen.told, &seen.logs);
            match self.sights.iter_mut().find(same) {
                Some(other) if other.steps.contains(&seen.steps[0]) => {}
                Some(other) => other.steps.extend(seen.steps),
                None => self.sights.push(seen),
            }
        }
    }
}

/// Whether two polls are told of as one: both accepted, or both refused, for the same reasons.
fn is_alike(at: Instant, one: &Verdict, earlier: Instant, other: &Verdict) -> bool {
    let sort = |at: Instant, verdict: &Verdict| {
        let service = verdict.service.map(|service| (service.live, service.has_role));
        (verdict.refused, service, at > verdict.expires, at >= verdict.expires + verdict.window)
    };
    sort(at, one) == sort(earlier, other)
}

/// What a clean-up came to, in words.
pub(super) fn cleanup(cleanup: Cleanup) -> String {
    let code = cleanup.code();
    match Cleanup::CODES.iter().find(|(known, _)| *known == code) {
        Some((_, meaning)) => format!("{code} ({meaning})"),
        None => code.into_owned(),
    }
}

/// How the job ended, in a sentence.
pub(super) fn outcome(told: &Told<'_>) -> String {
    let record = &told.course.record;
    let kind = &told.model().workloads[record.workload].kind;
    let after = record.ended.map(|ended| duration(ended.since(record.submitted)));
    match record.outcome {
        Outcome::Completed => format!("completed after {}", after.unwrap_or_default()),
        Outcome::Unfinished => "did not end before the replication did".to_owned(),
        Outcome::Failed(failure) => {
            let mut text = format!(
                "failed after {} at {}: {} ({})",
                after.unwrap_or_default(),
                kind.step_name(failure.step),
                failure.reason.words(),
                failure.reason.code(),
            );
            let cause = failure.first_cause;
            if (cause.step, cause.reason) != (failure.step, failure.reason) {
                text.push_str(&format!(
                    "; it began {} after submission at {}: {} ({})",
                    duration(cause.at.since(record.submitted)),
                    kind.step_name(cause.step),
                    cause.reason.words(),
                    cause.reason.code(),
                ));
            }
            text
        }
    }
}

/// What is left of a job that has failed, in words; `None` if it has not.
pub(super) fn left(told: &Told<'_>) -> Option<String> {
    let record = &told.course.record;
    let kind = &told.model().workloads[record.workload].kind;
    record.cleanup?;
    let states: Vec<String> = kind
        .resources
        .iter()
        .zip(&record.resources)
        .filter(|(resource, state)| resource.exists(**state))
        .map(|(resource, state)| format!("{} ({})", resource.name, resource.states[usize::from(*state)]))
        .collect();
    Some(if states.is_empty() {
        "nothing".to_owned()
    } else {
        format!("{}: {}", counted(u64::from(record.orphans), "orphan"), states.join(", "))
    })
}
