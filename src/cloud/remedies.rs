//! What would have let failed jobs pass: each is simulated by itself from its submission to its end, once as the
//! replication went and once under every remedy that can be tried, and only a job that completes is saved.
//!
//! Alone a job ends as it does among others wherever nothing ties jobs to each other ([`super::lone`]). Where something
//! does, only those are asked that fail alone as they failed among others: of the rest, the waits for others may be the
//! cause, which no remedy here changes.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use super::lone::{Arrival, Replay, WhatIf};
use crate::model::Model;
use crate::model::remedy::{Candidate, Remedy, Setting};
use crate::observe::{FailedJobs, FailureKey, Observations, Outcome, Remedies};

/// The remedies that can be tried at a point.
pub trait Alternatives: Sync + Debug {
    /// Single ones, the point being named by its number. Those that are [alike](Remedy::is_like) stand together, the greatest amount first.
    fn single(&self, point: usize) -> Arc<[Candidate]>;

    /// Two things at once; asked only if some job is saved by no single one.
    fn pairs(&self, point: usize) -> Arc<[Candidate]>;
}

/// A failed job, and those for which it stands.
struct Asked {
    job: Arrival,
    way: FailureKey,
    stands_for: u64,
    /// By a single remedy that is not of the token itself.
    is_saved: bool,
    /// The single remedies of the token itself that save it.
    of_token: Vec<Setting>,
    /// Under the greatest amount of this it fails, and so it does under any smaller one.
    hopeless: Option<Remedy>,
}

/// By workload and way of failing, what would have saved the jobs of a replication that failed; `None`: it was stopped.
pub fn search(
    model: &Model,
    replication: u32,
    point: usize,
    observed: &Observations,
    alternatives: &dyn Alternatives,
    stopped: impl Fn() -> bool,
) -> Option<Vec<BTreeMap<FailureKey, Remedies>>> {
    let mut found = vec![BTreeMap::new(); observed.failed.len()];
    if observed.failed.iter().all(BTreeMap::is_empty) {
        return Some(found);
    }
    let mut alone = Replay::new(model, replication);
    let mut asked = asked(&mut alone, &observed.failed, &mut found);
    let try_all = |candidates: &[Candidate], asked: &mut [Asked], found: &mut [BTreeMap<FailureKey, Remedies>]| {
        for candidate in candidates {
            if stopped() {
                return None;
            }
            let mut replay = alone.under(candidate.model.as_ref().unwrap_or(model), replication);
            asked.iter_mut().for_each(|asked| try_one(candidate, &mut replay, asked, found));
        }
        Some(())
    };
    if !asked.is_empty() {
        try_all(&alternatives.single(point), &mut asked, &mut found)?;
    }
    asked.retain(|asked| !asked.is_saved);
    for Asked { job, way, stands_for, .. } in &asked {
        found[job.workload].entry(*way).or_default().beyond_one += stands_for;
    }
    if !asked.is_empty() {
        try_all(&alternatives.pairs(point), &mut asked, &mut found)?;
    }
    Some(found)
}

/// The failed jobs that fail alone too; what is known of all is entered into `found`.
fn asked(
    alone: &mut Replay<'_>,
    failed: &[BTreeMap<FailureKey, FailedJobs>],
    found: &mut [BTreeMap<FailureKey, Remedies>],
) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (workload, ways) in failed.iter().enumerate() {
        for (way, jobs) in ways {
            let remedies: &mut Remedies = found[workload].entry(*way).or_default();
            for (job, stands_for) in jobs.iter() {
                let Some(job) = alone.at(workload, job.ordinal, job.submitted) else { continue };
                let ending = alone.run(job, &WhatIf::default());
                if matches!(ending.outcome, Outcome::Failed(failure) if failure.way() == *way) {
                    remedies.asked += stands_for;
                    remedies.simulated += 1;
                    asked.push(Asked {
                        job,
                        way: *way,
                        stands_for,
                        is_saved: false,
                        of_token: Vec::new(),
                        hopeless: None,
                    });
                }
            }
        }
    }
    asked
}

fn try_one(
    candidate: &Candidate,
    replay: &mut Replay<'_>,
    asked: &mut Asked,
    found: &mut [BTreeMap<FailureKey, Remedies>],
) {
    let remedy = candidate.remedy;
    let is_known = |setting: Setting| asked.of_token.iter().any(|known| known.is_like(setting));
    if asked.hopeless.is_some_and(|hopeless| hopeless.is_like(remedy))
        || (remedy.other.is_some() && remedy.settings().any(is_known))
    {
        return;
    }
    let what_if = WhatIf { token_age: candidate.token_age(), ..WhatIf::default() };
    if replay.run(asked.job, &what_if).outcome == Outcome::Completed {
        match remedy {
            Remedy { one, other: None } if one.is_of_token() => asked.of_token.push(one),
            Remedy { .. } => asked.is_saved = true,
        }
        let saved = &mut found[asked.job.workload].entry(asked.way).or_default().saved;
        *saved.entry(remedy).or_default() += asked.stands_for;
    } else if remedy.settings().filter(|setting| setting.is_graded()).all(|setting| setting.grows_better()) {
        asked.hopeless = Some(remedy);
    }
}
