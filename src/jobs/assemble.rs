//! Putting a program together: operations whose labels are placed later, and what is dropped in the end.

use crate::document::Place;
use crate::model::program::{Label, Op, Program, Refused};

/// A program under construction. Its labels are numbers of their own until [`Assembler::finish`].
#[derive(Debug, Default)]
pub(super) struct Assembler {
    ops: Vec<(Op, Place)>,
    placed: Vec<Option<u16>>,
}

/// A program, and where the step behind each operation is written.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) program: Program,
    pub(super) places: Vec<Place>,
}

/// A quarter of it is more than anybody writes.
pub(super) const MOST_OPS: usize = 8_000;
/// Far below what a label can name: those of the steps around the last one are still to come.
const MOST_LABELS: usize = 4 * MOST_OPS;

impl Assembler {
    /// A label for a place that is not known yet.
    pub(super) fn label(&mut self) -> Label {
        self.placed.push(None);
        Label(u16::try_from(self.placed.len() - 1).unwrap_or(u16::MAX))
    }

    /// The next operation is what the label means.
    pub(super) fn place(&mut self, label: Label) {
        let slot = &mut self.placed[usize::from(label.0)];
        debug_assert!(slot.is_none(), "a label is placed once");
        *slot = u16::try_from(self.ops.len()).ok();
    }

    /// Appends an operation.
    pub(super) fn push(&mut self, op: Op, place: Place) {
        self.ops.push((op, place));
    }

    /// Whether there is more than a program may have.
    pub(super) fn is_full(&self) -> bool {
        self.ops.len() > MOST_OPS || self.placed.len() > MOST_LABELS
    }

    /// The program: labels are resolved, past jumps to jumps; what cannot be reached and jumps to what follows anyway
    /// are left out.
    ///
    /// # Panics
    /// If a label is used and not placed, which is a mistake of the compiler.
    pub(super) fn finish(self) -> Assembled {
        let at = |label: Label| {
            let mut at = self.placed[usize::from(label.0)].expect("every label is placed");
            while let Op::Jump(next) = self.ops[usize::from(at)].0 {
                at = self.placed[usize::from(next.0)].expect("every label is placed");
            }
            Label(at)
        };
        let resolved: Vec<Op> = self.ops.iter().map(|(op, _)| with_labels(*op, &mut |label| at(label))).collect();
        let reachable = reachable(&resolved, 0);
        // From behind, so that what follows is known.
        let mut kept = vec![false; resolved.len()];
        let mut follows = None;
        for (index, op) in resolved.iter().enumerate().rev() {
            let is_idle = matches!(op, Op::Jump(target) if Some(usize::from(target.0)) == follows);
            kept[index] = reachable[index] && !is_idle;
            follows = if kept[index] { Some(index) } else { follows };
        }
        let before: Vec<u16> = kept
            .iter()
            .scan(0, |count, kept| {
                let before = *count;
                *count += u16::from(*kept);
                Some(before)
            })
            .collect();
        let moved = |label: Label| Label(before[usize::from(label.0)]);
        let rest = resolved.into_iter().zip(self.ops).zip(kept).filter(|(_, kept)| *kept);
        let (ops, places) =
            rest.map(|((op, (_, place)), _)| (with_labels(op, &mut |label| moved(label)), place)).unzip();
        Assembled { program: Program { ops }, places }
    }
}

/// Which operations can be reached from one of them, branches included.
pub(super) fn reachable(ops: &[Op], from: usize) -> Vec<bool> {
    let mut reached = vec![false; ops.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            open.extend(successors(&ops[at], at));
            if let Op::Fork { branch } = ops[at] {
                open.push(usize::from(branch.0));
            }
        }
    }
    reached
}

/// Where the strand may go from an operation.
pub(super) fn successors(op: &Op, at: usize) -> Vec<usize> {
    let mut found = Vec::new();
    if !matches!(op, Op::Fork { .. }) {
        with_labels(*op, &mut |label| {
            found.push(usize::from(label.0));
            label
        });
    }
    if !matches!(op, Op::Jump(_) | Op::Stop | Op::Answer { .. } | Op::WaitPart { .. }) {
        found.push(at + 1);
    }
    found
}

/// The same operation with other labels.
pub(super) fn with_labels(op: Op, to: &mut impl FnMut(Label) -> Label) -> Op {
    let mut refusal = |refused: Refused| Refused { to: to(refused.to), ..refused };
    match op {
        Op::Request { request, refused } => Op::Request { request, refused: refusal(refused) },
        Op::Answer { step, status, reason, refused } => Op::Answer { step, status, reason, refused: refusal(refused) },
        Op::Obtain { how, of, step, from, inside, refused } => {
            Op::Obtain { how, of, step, from, inside, refused: refusal(refused) }
        }
        Op::Poll(mut poll) => {
            poll.refused = refusal(poll.refused);
            poll.gave_up = refusal(poll.gave_up);
            Op::Poll(poll)
        }
        Op::NextPart { parts, done } => Op::NextPart { parts, done: to(done) },
        Op::NextRepeat { done } => Op::NextRepeat { done: to(done) },
        Op::WaitPart { quantity, parts, again } => Op::WaitPart { quantity, parts, again: to(again) },
        Op::Fork { branch } => Op::Fork { branch: to(branch) },
        Op::IfState { resource, states, otherwise } => Op::IfState { resource, states, otherwise: to(otherwise) },
        Op::IfZero { quantity, otherwise } => Op::IfZero { quantity, otherwise: to(otherwise) },
        Op::IfServiceToken { otherwise } => Op::IfServiceToken { otherwise: to(otherwise) },
        Op::Jump(label) => Op::Jump(to(label)),
        Op::Again { level, tries, status, depth, again } => Op::Again { level, tries, status, depth, again: to(again) },
        op @ (Op::Leave { .. }
        | Op::Acquire(_)
        | Op::Release(_)
        | Op::Wait(_)
        | Op::Pause(_)
        | Op::BeginParts
        | Op::BeginRepeat
        | Op::Set { .. }
        | Op::BeginRetry { .. }
        | Op::EndRetry { .. }
        | Op::CountAttempt
        | Op::Fail { .. }
        | Op::Caught { .. }
        | Op::Cleanup(_)
        | Op::CleanupRefused { .. }
        | Op::Complete
        | Op::Stop) => op,
    }
}
