//! What only shows along the course under given settings: branches that meet, polls that nothing ends.
//!
//! States are followed along every path at once. While a branch runs, a resource may at any moment be in any state
//! that the branch sets.

use std::collections::BTreeMap;

use crate::document::Issue;
use crate::model::program::{Op, Poll};
use crate::model::{Kind, ResourceId};

use super::assemble::{Assembled, successors};

/// States of each resource that are possible somewhere.
type Possible = Vec<u32>;

/// Collects what is wrong along the course.
pub(super) fn check(assembled: &Assembled, kind: &Kind, problems: &mut Vec<Issue>) {
    let ops = &assembled.program.ops;
    let forks: Vec<(usize, usize)> = ops
        .iter()
        .enumerate()
        .filter_map(|(at, op)| match op {
            Op::Fork { branch } => Some((at, usize::from(branch.0))),
            _ => None,
        })
        .collect();
    let nothing_runs: Possible = vec![0; kind.resources.len()];
    let created: Possible = vec![1; kind.resources.len()];
    let branches = Branches::new(ops, &forks, &nothing_runs);
    let main = Course { ops, branches: &branches, beside: nothing_runs }.follow(0, created);

    for &(at, is_forked) in main.keys() {
        if is_forked && matches!(ops[at], Op::Fork { .. }) {
            let issue = Issue::at(assembled.places[at], "this branch may start while another one still runs");
            problems.push(issue.help("a job has one branch at a time; a poll that its last step ends waits for it"));
        }
    }
    for &(at, branch) in &forks {
        let in_branch = strand(ops, branch);
        if in_branch.iter().enumerate().any(|(inside, reached)| *reached && matches!(ops[inside], Op::Fork { .. })) {
            problems.push(Issue::at(assembled.places[at], "a branch cannot have a branch of its own"));
        }
        for (inside, op) in ops.iter().enumerate() {
            if in_branch[inside] && matches!(op, Op::Poll(poll) if poll.attempts == u32::MAX) {
                let issue = Issue::at(assembled.places[inside], "a poll in a branch may wait for ever");
                problems.push(issue.help("give it `retries`"));
            }
        }
    }
    for (at, op) in ops.iter().enumerate() {
        let Op::Poll(poll) = op else { continue };
        let (alone, accompanied) = (main.get(&(at, false)), main.get(&(at, true)));
        let ends = poll.until.0 | poll.error.0;
        let resource = poll.resource.index();
        let name = &kind.resources[resource].name;
        if let (Some(alone), None) = (alone, accompanied)
            && alone[resource] & ends == 0
        {
            let message = format!("nothing runs beside this poll that could change `{name}`");
            problems.push(Issue::at(assembled.places[at], message));
            continue;
        }
        if poll.attempts != u32::MAX {
            continue;
        }
        let mut last = alone.map_or(0, |alone| alone[resource]);
        if accompanied.is_some() {
            for &(fork, branch) in &forks {
                last |= lasting(ops, &branches, &main, (fork, branch), at, poll.resource);
            }
        }
        if let Some(state) = (0..32).find(|state| (last & !ends) >> state & 1 == 1) {
            let state = &kind.resources[resource].states[state];
            let message = format!("this poll may never end: nothing limits it, and `{name}` may stay `{state}`");
            problems.push(
                Issue::at(assembled.places[at], message).help("give it `retries`, or the states that can be left"),
            );
        }
    }
}

/// The states in which a resource may be left when a branch has ended and the main strand stands at a poll.
fn lasting(
    ops: &[Op],
    branches: &Branches,
    main: &BTreeMap<(usize, bool), Possible>,
    (fork, branch): (usize, usize),
    poll: usize,
    resource: ResourceId,
) -> u32 {
    let Some(before) = main.get(&(fork, false)) else { return 0 };
    // What the main strand itself sets on its way to the poll may come before or after what the branch sets.
    let behind = strand(ops, fork + 1);
    let between = (0..ops.len()).filter(|&at| behind[at] && strand(ops, at)[poll]);
    let sets = sets(ops, resource, between);
    let mut beside = vec![0; before.len()];
    beside[resource.index()] = sets;
    let within = Course { ops, branches, beside }.follow(branch, before.clone());
    let ends = within.iter().filter(|((at, _), _)| matches!(ops[*at], Op::Stop));
    ends.fold(sets, |all, (_, states)| all | states[resource.index()])
}

/// What is reached in the same strand.
fn strand(ops: &[Op], from: usize) -> Vec<bool> {
    strands(ops, vec![from])
}

fn strands(ops: &[Op], mut open: Vec<usize>) -> Vec<bool> {
    let mut reached = vec![false; ops.len()];
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            open.extend(successors(&ops[at], at));
        }
    }
    reached
}

/// The states of a resource that some operations set.
fn sets(ops: &[Op], resource: ResourceId, among: impl Iterator<Item = usize>) -> u32 {
    among.fold(0, |all, at| match ops[at] {
        Op::Set { resource: set, state } if set == resource => all | 1 << state,
        _ => all,
    })
}

/// All branches together.
struct Branches {
    /// Whether an operation is part of one.
    ops: Vec<bool>,
    /// The states of each resource that they set.
    sets: Possible,
}

impl Branches {
    fn new(ops: &[Op], forks: &[(usize, usize)], nothing: &Possible) -> Branches {
        let inside = strands(ops, forks.iter().map(|&(_, branch)| branch).collect());
        let mut all = nothing.clone();
        for (op, _) in ops.iter().zip(&inside).filter(|(_, inside)| **inside) {
            if let Op::Set { resource, state } = op {
                all[resource.index()] |= 1 << state;
            }
        }
        Branches { ops: inside, sets: all }
    }
}

/// A strand, with what runs beside it.
struct Course<'p> {
    ops: &'p [Op],
    branches: &'p Branches,
    /// States that something beside this strand may set at any time.
    beside: Possible,
}

impl Course<'_> {
    /// The states that are possible at each operation, apart for whether a branch may still run.
    fn follow(&self, from: usize, states: Possible) -> BTreeMap<(usize, bool), Possible> {
        let mut found: BTreeMap<(usize, bool), Possible> = BTreeMap::new();
        let mut open = vec![(from, false, states)];
        while let Some((at, is_forked, states)) = open.pop() {
            let merged = match found.get(&(at, is_forked)) {
                None => states,
                Some(known) if states.iter().zip(known).all(|(states, known)| states & !known == 0) => continue,
                Some(known) => states.iter().zip(known).map(|(states, known)| states | known).collect(),
            };
            self.step(at, is_forked, &merged, &mut open);
            found.insert((at, is_forked), merged);
        }
        found
    }

    fn step(&self, at: usize, is_forked: bool, states: &Possible, open: &mut Vec<(usize, bool, Possible)>) {
        let with = |resource: ResourceId, possible: u32| {
            let mut after = states.clone();
            after[resource.index()] = possible;
            after
        };
        match &self.ops[at] {
            Op::Set { resource, state } => {
                let beside = if is_forked { self.branches.sets[resource.index()] } else { 0 };
                let possible = 1 << state | self.beside[resource.index()] | beside;
                open.push((at + 1, is_forked, with(*resource, possible)));
            }
            Op::Fork { .. } => {
                let possible = states.iter().zip(&self.branches.sets).map(|(own, set)| own | set);
                open.push((at + 1, true, possible.collect()));
            }
            Op::IfState { resource, states: asked, otherwise } => {
                let found = states[resource.index()];
                for (to, left) in [(at + 1, found & asked.0), (usize::from(otherwise.0), found & !asked.0)] {
                    if left != 0 {
                        // While a branch runs, what was seen may not last.
                        open.push((to, is_forked, with(*resource, if is_forked { found } else { left })));
                    }
                }
            }
            op @ Op::Poll(poll) => {
                let waits_for_branch = is_forked && self.ends_with(poll);
                let seen = states[poll.resource.index()] & poll.until.0;
                for next in successors(op, at) {
                    let is_good = next == at + 1;
                    match (is_good, is_forked && !waits_for_branch) {
                        (true, false) if seen == 0 => {}
                        (true, false) => open.push((next, false, with(poll.resource, seen))),
                        (true, true) | (false, _) => open.push((next, is_forked, states.clone())),
                    }
                }
            }
            op => open.extend(successors(op, at).into_iter().map(|next| (next, is_forked, states.clone()))),
        }
    }

    /// Whether every branch is over once the resource is in a state that ends the poll well: only branches set such
    /// states, and no time passes in them afterwards.
    fn ends_with(&self, poll: &Poll) -> bool {
        let is_end = |op: &Op| matches!(op, Op::Set { resource, state } if *resource == poll.resource && poll.until.contains(*state));
        let mut ends = self.ops.iter().enumerate().filter(|(_, op)| is_end(op));
        ends.all(|(at, _)| {
            let behind = strand(self.ops, at);
            self.branches.ops[at] && (0..self.ops.len()).all(|later| !behind[later] || is_timeless(&self.ops[later]))
        })
    }
}

/// Whether an operation is over at the instant at which it begins.
fn is_timeless(op: &Op) -> bool {
    match op {
        Op::Request { .. }
        | Op::Obtain { .. }
        | Op::Acquire(_)
        | Op::Wait(_)
        | Op::Pause(_)
        | Op::WaitPart { .. }
        | Op::Poll(_) => false,
        Op::Leave { .. }
        | Op::Answer { .. }
        | Op::Release(_)
        | Op::BeginParts
        | Op::NextPart { .. }
        | Op::BeginRepeat
        | Op::NextRepeat { .. }
        | Op::Fork { .. }
        | Op::Set { .. }
        | Op::IfState { .. }
        | Op::IfZero { .. }
        | Op::IfServiceToken { .. }
        | Op::Jump(_)
        | Op::BeginRetry { .. }
        | Op::EndRetry { .. }
        | Op::CountAttempt
        | Op::Again { .. }
        | Op::Fail { .. }
        | Op::Caught { .. }
        | Op::Cleanup(_)
        | Op::CleanupRefused { .. }
        | Op::Complete
        | Op::Stop => true,
    }
}
