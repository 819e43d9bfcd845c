//! From the entries of a course to lines that can be told: repeated sendings and polls together, each with what it
//! carried, who decided and by which rule.

use super::lines::{Line, Polls, Seen, Sort, Story, fold};
use super::rules::{carried, decision, is_late, of_reason};
use super::sights::{RECEIVER, Sight, at_caller_of, at_receiver_of};
use super::{Told, clock};
use crate::model::program::{Obtain, Op, Request};
use crate::model::vocabulary::Cleanup;
use crate::model::{Kind, ProcessId, ServiceId, StepId};
use crate::observe::course::{Entry, Raise, Seen as UserSeen, Verdict, Wait, What};
use crate::observe::{Failure, Outcome};
use crate::report::words::{counted, duration, pool_name};
use crate::units::{Instant, Span};

/// Puts a course into lines.
pub(super) fn tell(told: &Told<'_>) -> Story {
    let mut teller = Teller { told, lines: Vec::new(), open: [None, None], waiting: [None, None], sights: Vec::new() };
    for entry in &told.course.entries {
        teller.add(entry);
    }
    teller.lines.iter_mut().for_each(Line::number);
    let mut lines = fold(teller.lines);
    lines.sort_by_key(|line| line.at);
    Story { lines, sights: teller.sights }
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
    /// Of its last request the verdict on the first sending, and when it was given.
    at: Instant,
    first: Verdict,
    /// The verdict on the second sending, if there was one.
    again: Option<(Instant, Verdict)>,
    /// How the line was before its last poll joined it, with what the poll before came to.
    before: Option<Before>,
}

/// A line without its last poll.
struct Before {
    polls: Option<Polls>,
    until: Instant,
    last: Option<String>,
    again: Option<(Instant, Verdict)>,
}

impl Open {
    /// The verdict that counts.
    fn verdict(&self) -> &Verdict {
        self.again.as_ref().map_or(&self.first, |(_, verdict)| verdict)
    }
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

    /// Who asks Keystone for a token in a step, if it does.
    fn obtainer(&self, step: StepId) -> Option<ProcessId> {
        let ops = &self.told.model().workloads[self.told.course.record.workload].program.ops;
        ops.iter().find_map(|op| match op {
            Op::Obtain { step: own, from, .. } if *own == step => Some(*from),
            _ => None,
        })
    }

    fn add(&mut self, entry: &Entry) {
        let side = entry.timeline as usize;
        let line = |sort: Sort, what: String| Line::new(entry, sort, what);
        if !matches!(entry.what, What::Judged(_) | What::Begun { .. } | What::Works { .. } | What::Raised { .. }) {
            self.open[side] = None;
        }
        match entry.what {
            What::Begun { request } => {
                // A poll's line has its own; what waits is shown from here on.
                if self.open[side].as_ref().is_none_or(|open| open.first.request.step != request.step) {
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
                self.lines.push(line(Sort::Error, format!("tries again: try {} of {most}", made + 1)));
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
                let what = format!("{}: {}", resource.name, resource.states[usize::from(state)]);
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
        let what = format!("{step}: {} \u{2192} {}", self.process(request.from), self.receiver(request.to));
        Line { actor: Some(request.from), short: step, ..Line::new(entry, Sort::Request, what) }
    }

    fn judged(&mut self, entry: &Entry, verdict: Verdict) {
        let side = entry.timeline as usize;
        match self.open[side].take() {
            Some(open) if is_same_request(&open.first, &verdict) => match verdict.poll {
                poll if poll == open.first.poll && open.verdict().refused.is_some() => {
                    self.sent_again(side, open, entry.at, verdict);
                }
                Some(number) if is_alike((entry.at, &verdict), (open.at, &open.first)) => {
                    self.polled_alike(side, open, entry.at, verdict, number);
                }
                Some(_) | None => self.sent(entry, verdict),
            },
            Some(_) | None => self.sent(entry, verdict),
        }
    }

    /// A request begins a line.
    fn sent(&mut self, entry: &Entry, verdict: Verdict) {
        let side = entry.timeline as usize;
        let decided = decision(entry.at, &verdict, &self.receiver(verdict.request.to));
        let is_begun = self.waiting[side]
            .take()
            .filter(|line| self.lines[*line].sort == Sort::Request && self.lines[*line].notes.is_empty());
        let at = is_begun.unwrap_or_else(|| {
            self.lines.push(self.request_line(entry, &verdict.request));
            self.lines.len() - 1
        });
        let line = &mut self.lines[at];
        line.until = entry.at;
        line.polls = verdict.poll.map(|number| Polls { from: number, to: number, gaps: None });
        let queued = entry.at.since(line.at);
        if queued > Span::ZERO {
            line.notes.push(format!("waited {} for a worker or for Keystone", duration(queued)));
        }
        line.notes.push(format!("carried {}", carried(entry.at, &verdict)));
        line.notes.push(decided.words);
        line.rule = Some(decided.rule);
        line.refused = verdict.refused;
        line.is_late = verdict.refused.is_none() && is_late(entry.at, &verdict);
        self.open[side] = Some(Open { line: at, at: entry.at, first: verdict, again: None, before: None });
    }

    /// A poll that goes as the one before joins its line.
    fn polled_alike(&mut self, side: usize, open: Open, at: Instant, verdict: Verdict, number: u32) {
        let line = &mut self.lines[open.line];
        let before = Before { polls: line.polls, until: line.until, last: line.last.take(), again: open.again };
        line.polls = line.polls.map(|polls| polls.and(number, at.since(open.at)));
        line.until = at;
        line.last = Some(carried(at, &verdict));
        if verdict.refused.is_none() {
            line.rule = Some(decision(at, &verdict, "").rule);
        }
        self.open[side] = Some(Open { at, first: verdict, again: None, before: Some(before), ..open });
    }

    /// A request that was refused is sent once more.
    fn sent_again(&mut self, side: usize, mut open: Open, at: Instant, verdict: Verdict) {
        let decided = decision(at, &verdict, &self.receiver(verdict.request.to));
        if let Some(before) = open.before.take() {
            if before.again.is_some_and(|(then, earlier)| is_alike((at, &verdict), (then, &earlier))) {
                self.open[side] = Some(Open { again: Some((at, verdict)), ..open });
                return;
            }
            // Only its first sending went as that of the polls before: it has a line of its own.
            let line = &mut self.lines[open.line];
            (line.polls, line.until, line.last) = (before.polls, before.until, before.last);
            let timeline = line.timeline;
            self.sent(&Entry { at: open.at, timeline, what: What::Judged(open.first) }, open.first);
            let Some(own) = self.open[side].take() else { return };
            open = own;
        }
        let line = &mut self.lines[open.line];
        line.notes.push(format!("sent once more after the 401, with {}", carried(at, &verdict)));
        line.notes.push(decided.words);
        line.rule = Some(decided.rule);
        line.refused = verdict.refused;
        line.is_late = verdict.refused.is_none() && is_late(at, &verdict);
        self.open[side] = Some(Open { again: Some((at, verdict)), ..open });
    }

    fn raised(&mut self, entry: &Entry, failure: Failure, by: Raise, line: impl Fn(Sort, String) -> Line) {
        let side = entry.timeline as usize;
        let mut step = self.step(failure.step);
        let mut hop = self.hop(failure.step);
        let asker = self.obtainer(failure.step).filter(|_| by == Raise::NotObtained);
        let told = match by {
            Raise::Refused => {
                // The verdict has its line already, unless nobody could be asked.
                let refused = self.open[side].take().filter(|open| open.verdict().refused.is_some());
                let user = refused.as_ref().map(|open| open.verdict().user);
                self.see(&step, hop, failure, Some(user));
                if refused.is_some() {
                    return;
                }
                format!("{step}: {} {}", failure.http_status, failure.reason.words())
            }
            Raise::Answered(request) => {
                // What was refused inside may keep its step on the way up; the answer is that of the request around it.
                (step, hop) = (self.step(request), self.hop(request));
                if request == failure.step {
                    self.see(&step, hop, failure, None);
                } else if let Some((from, _)) = hop {
                    self.note_sight(&step, self.process(from), None, failure, "");
                }
                match hop {
                    Some((_, to)) => format!("{step}: {} answers {}", self.receiver(to), failure.http_status),
                    None => format!("{step}: is answered with {}", failure.http_status),
                }
            }
            Raise::NotObtained => {
                self.see(&step, hop, failure, None);
                let who = asker.map_or_else(String::new, |from| format!("{} gets no token, ", self.process(from)));
                format!("{step}: {who}{} {}", failure.http_status, failure.reason.words())
            }
            Raise::GaveUp => {
                self.see(&step, hop, failure, None);
                format!("{step}: {}", failure.reason.words())
            }
        };
        self.open[side] = None;
        let cause = failure.first_cause;
        let mut line = line(if asker.is_some() { Sort::Token } else { Sort::Error }, told);
        line.short = step;
        line.actor = asker.or(hop.map(|(from, _)| from));
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

    /// Notes what an operator sees of a failure; `refusal` says, of one by a receiver, what it found of the user's
    /// token.
    fn see(
        &mut self,
        step: &str,
        hop: Option<(ProcessId, ServiceId)>,
        failure: Failure,
        refusal: Option<Option<UserSeen>>,
    ) {
        let (from, to) = match hop {
            Some((from, to)) => (self.process(from), self.receiver(to)),
            None => (
                self.obtainer(failure.step).map_or_else(|| "its caller".to_owned(), |from| self.process(from)),
                String::new(),
            ),
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
            self.note_sight(step, place, sight, failure, &to);
        }
    }

    /// Notes what is seen at a place; where no text is known, the status. `receiver` is the one that has refused.
    fn note_sight(
        &mut self,
        step: &str,
        place: String,
        sight: Option<&'static Sight>,
        failure: Failure,
        receiver: &str,
    ) {
        let whose = |log: &str| if log == RECEIVER { receiver.to_owned() } else { log.to_owned() };
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

fn is_same_request(one: &Verdict, other: &Verdict) -> bool {
    (one.request.step, one.request.nth) == (other.request.step, other.request.nth)
}

/// Whether two sendings are told of as one: both accepted, or both refused, for the same reasons.
fn is_alike((at, one): (Instant, &Verdict), (earlier, other): (Instant, &Verdict)) -> bool {
    let sort = |at: Instant, verdict: &Verdict| {
        let service = verdict.service.map(|service| (service.live, service.has_role));
        (verdict.refused, service, is_late(at, verdict), at >= verdict.expires + verdict.window)
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
