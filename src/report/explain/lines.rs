//! The lines of a story: what each says, and how those that repeat each other become one.

use crate::model::ProcessId;
use crate::model::vocabulary::Reason;
use crate::observe::course::{Entry, Timeline};
use crate::report::words::{count, duration};
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
    pub(super) is_late: bool,
    /// How often, and what was noted of the last time.
    pub(super) times: u32,
    pub(super) last: Option<String>,
    /// Which polls they are, if they are polls.
    pub(super) polls: Option<Polls>,
}

/// Polls with the same answer, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Polls {
    pub(super) from: u32,
    pub(super) to: u32,
    /// The least and the most time between two of them.
    pub(super) gaps: Option<(Span, Span)>,
}

impl Polls {
    /// With the next one, so long after the last.
    pub(super) fn and(self, number: u32, gap: Span) -> Polls {
        let gaps = self.gaps.map_or((gap, gap), |(least, most)| (least.min(gap), most.max(gap)));
        Polls { to: number, gaps: Some(gaps), ..self }
    }
}

impl Line {
    /// Something that begins now.
    pub(super) fn new(entry: &Entry, sort: Sort, what: String) -> Line {
        Line {
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
            polls: None,
        }
    }

    /// Says of polls which they are.
    pub(super) fn number(&mut self) {
        let Some(Polls { from, to, gaps }) = self.polls else { return };
        match gaps {
            None => self.what.push_str(&format!(", poll {from}")),
            Some((least, most)) => {
                self.sort = Sort::Polls;
                let to_most = if least == most { String::new() } else { format!(" to {}", duration(most)) };
                self.what.push_str(&format!(", polls {from} to {to}, every {}{to_most}", duration(least)));
                self.short.push_str(&format!(" \u{d7}{}", to - from + 1));
            }
        }
        self.notes.extend(self.last.take().map(|last| format!("the last of them: {last}")));
    }
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

/// Puts together what a course repeats, as the pieces of an upload: the same request again and again, with nothing but
/// the same waits and states between.
pub(super) fn fold(lines: Vec<Line>) -> Vec<Line> {
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
            first.until = line.until;
            if first.sort == Sort::State {
                // It is told when it is so of all of them.
                first.at = line.at;
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
