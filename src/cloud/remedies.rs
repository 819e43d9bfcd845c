//! What would have let failed jobs pass: each is simulated by itself from its submission to its end, once as the
//! replication went and once under every remedy that could overturn something of what was refused, and only a job that
//! completes is saved. Jobs that completed are asked what such a remedy would have done to them.
//!
//! Alone a job ends as it does among others wherever nothing ties jobs to each other ([`super::lone`]). Where something
//! does, only those are asked that fail alone as they failed among others: of the rest, the waits for others may be the
//! cause, which no remedy here changes.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use super::lone::{Arrival, Needs, Replay, WhatIf};
use super::polling::PollTimes;
use crate::model::remedy::{Candidate, Levers, Remedy, Setting};
use crate::model::{Keys, Model};
use crate::observe::{FailureKey, Observations, Outcome, Sample, Saved, Together, WorkloadRemedies};
use crate::units::Span;

/// The remedies that can be tried at a point, named by its number.
pub trait Alternatives: Sync + Debug {
    /// What can be set otherwise, ascending; with the greatest amount where there is a least that is enough.
    fn settings(&self, point: usize) -> Arc<[Setting]>;

    /// The point with one or two of them; `None`: no other than with fewer, or refused.
    fn candidate(&self, point: usize, remedy: Remedy) -> Option<Arc<Candidate>>;
}

/// Which remedies are tried; both give the same answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// Those that could overturn something that was refused.
    Promising,
    /// Every one.
    All,
}

impl Tries {
    /// What has to be tried in view of a course.
    fn levers(self, course: Needs) -> Levers {
        match self {
            Tries::Promising => course.levers,
            Tries::All => Levers::ALL,
        }
    }
}

/// How many jobs are remembered of each replication, to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// Of each workload and way of failing.
    pub(super) failed: usize,
    /// Of each workload, those that completed.
    pub(super) completed: usize,
}

impl Budget {
    /// So many of all replications together, of each way of failing, and of the jobs that completed.
    const OF_POINT: usize = 256;

    /// The same of every replication, so that it does not matter which of them are simulated where.
    pub(super) fn of(model: &Model) -> Budget {
        let replications = model.run.replications as usize;
        let even = |jobs: usize| jobs - jobs % 2;
        Budget {
            failed: even((Budget::OF_POINT / replications).clamp(16, 256)),
            completed: even((Budget::OF_POINT / (replications * model.workloads.len())).clamp(4, 256)),
        }
    }
}

/// A job that is asked.
#[derive(Debug)]
struct Asked {
    job: Arrival,
    stands_for: u64,
    /// The age of its token.
    age: Span,
    /// How it failed; `None`: it completed.
    way: Option<FailureKey>,
    /// What could overturn something in its course.
    levers: Levers,
    /// When its polls are due.
    times: PollTimes,
    /// What each single setting that was tried did, by its place.
    tried: BTreeMap<usize, Tried>,
    /// Whether a single setting saves it that is not of the token itself.
    is_saved: bool,
}

/// What became of a job under a remedy.
#[derive(Clone, Copy, Debug)]
struct Tried {
    /// What could overturn something in that course.
    levers: Levers,
    /// If it completes: the remedy with the least amounts.
    saved: Option<Remedy>,
}

impl Asked {
    /// Its course under a single setting that was tried; else it goes as it went.
    fn under(&self, place: usize) -> Tried {
        self.tried.get(&place).copied().unwrap_or(Tried { levers: self.levers, saved: None })
    }
}

/// By workload, what would have saved the jobs of a replication that failed; `None`: it was stopped.
pub fn search(
    model: &Model,
    replication: u32,
    point: usize,
    observed: &Observations,
    alternatives: &dyn Alternatives,
    stopped: impl Fn() -> bool,
) -> Option<Vec<WorkloadRemedies>> {
    search_by(Tries::Promising, model, replication, point, observed, alternatives, stopped)
}

/// The same, with remedies tried in either way.
pub fn search_by(
    tries: Tries,
    model: &Model,
    replication: u32,
    point: usize,
    observed: &Observations,
    alternatives: &dyn Alternatives,
    stopped: impl Fn() -> bool,
) -> Option<Vec<WorkloadRemedies>> {
    if observed.failed.iter().all(BTreeMap::is_empty) {
        return Some(vec![WorkloadRemedies::default(); observed.failed.len()]);
    }
    let mut search = Search { tries, ..Search::new(model, replication, point, alternatives) };
    for (workload, ways) in observed.failed.iter().enumerate() {
        for (way, jobs) in ways {
            search.found[workload].ways.entry(*way).or_default();
            search.ask(workload, Some(*way), jobs);
        }
    }
    if search.asked.is_empty() {
        return Some(search.found);
    }
    search.failed = search.asked.len();
    for (workload, jobs) in observed.completed.iter().enumerate() {
        search.ask(workload, None, jobs);
    }
    search.all(stopped)?;
    Some(search.found)
}

/// What would have saved one job that failed, each with the least amounts that are enough: first what leaves the
/// token's life as it is, one thing before two. `None` if the job does not fail alone as it did among others.
pub fn of_job(
    model: &Model,
    replication: u32,
    point: usize,
    (workload, ordinal): (usize, u64),
    way: FailureKey,
    alternatives: &dyn Alternatives,
) -> Option<Vec<Remedy>> {
    let mut search = Search::new(model, replication, point, alternatives);
    let job = search.alone.find(workload, ordinal)?;
    search.ask_one(job, Some(way), 1);
    search.failed = search.asked.len();
    if search.failed == 0 {
        return None;
    }
    search.all(|| false)?;
    let remedies = search.found.swap_remove(workload).ways.remove(&way)?;
    let alone = remedies.alone.values().map(|saved| saved.least);
    let mut saving: Vec<Remedy> = alone.chain(remedies.together.values().map(|both| both.saved.least)).collect();
    saving.sort_by_key(|remedy| (remedy.settings().any(Setting::is_of_token), *remedy));
    Some(saving)
}

struct Search<'a> {
    tries: Tries,
    model: &'a Model,
    replication: u32,
    point: usize,
    alternatives: &'a dyn Alternatives,
    settings: Arc<[Setting]>,
    alone: Replay<'a>,
    /// Those that failed, then those that completed.
    asked: Vec<Asked>,
    failed: usize,
    found: Vec<WorkloadRemedies>,
}

impl<'a> Search<'a> {
    fn new(model: &'a Model, replication: u32, point: usize, alternatives: &'a dyn Alternatives) -> Search<'a> {
        Search {
            tries: Tries::Promising,
            model,
            replication,
            point,
            alternatives,
            settings: alternatives.settings(point),
            alone: Replay::new(model, replication),
            asked: Vec::new(),
            failed: 0,
            found: vec![WorkloadRemedies::default(); model.workloads.len()],
        }
    }

    fn ask(&mut self, workload: usize, way: Option<FailureKey>, jobs: &Sample) {
        for (job, stands_for) in jobs.iter() {
            if let Some(job) = self.alone.at(workload, job.ordinal, job.submitted) {
                self.ask_one(job, way, stands_for);
            }
        }
    }

    /// Takes a job in, if it ends alone as it did among others.
    fn ask_one(&mut self, job: Arrival, way: Option<FailureKey>, stands_for: u64) {
        self.alone.lend_poll_times(Some(PollTimes::default()));
        let ending = self.alone.run(job, &WhatIf::default());
        let times = self.alone.lend_poll_times(None);
        let is_as_it_was = match (ending.outcome, way) {
            (Outcome::Failed(failure), Some(way)) => failure.way() == way,
            (Outcome::Completed, None) => true,
            (Outcome::Failed(_) | Outcome::Completed | Outcome::Unfinished, _) => false,
        };
        if !is_as_it_was {
            return;
        }
        if let Some(way) = way {
            let remedies = self.found[job.workload].ways.entry(way).or_default();
            remedies.asked += stands_for;
            remedies.simulated += 1;
        }
        self.asked.push(Asked {
            job,
            stands_for,
            age: ending.token_age,
            way,
            levers: self.tries.levers(self.alone.needs()),
            times,
            tried: BTreeMap::new(),
            is_saved: false,
        });
    }

    /// Tries everything; `None`: it was stopped.
    fn all(&mut self, stopped: impl Fn() -> bool) -> Option<()> {
        let settings = Arc::clone(&self.settings);
        for place in 0..settings.len() {
            if stopped() {
                return None;
            }
            self.single(place, settings[place]);
        }
        for asked in self.asked[..self.failed].iter().filter(|asked| !asked.is_saved) {
            if let Some(way) = asked.way {
                self.found[asked.job.workload].ways.entry(way).or_default().beyond_one += asked.stands_for;
            }
        }
        if self.asked[..self.failed].iter().all(|asked| asked.is_saved) {
            return Some(());
        }
        for (other, second) in settings.iter().enumerate() {
            if stopped() {
                return None;
            }
            for (one, first) in settings[..other].iter().enumerate() {
                // Two steps of one thing exclude each other, and of two things with steps there would be too many.
                let excluded = first.is_like(*second) || (first.is_stepped() && second.is_stepped());
                if !excluded {
                    self.pair(one, other);
                }
            }
        }
        Some(())
    }

    fn single(&mut self, place: usize, setting: Setting) {
        let is_new = |asked: &Asked| setting == Setting::FreshToken && asked.age == Span::ZERO;
        let is_wanted = |asked: &Asked| asked.levers.has(setting.lever()) && !is_new(asked);
        let (failed, completed) = self.asked.split_at_mut(self.failed);
        if !failed.iter().any(is_wanted) {
            return;
        }
        let Some(candidate) = self.alternatives.candidate(self.point, Remedy::single(setting)) else { return };
        let mut trial = Trial::new(self.tries, &self.alone, self.model, &candidate, self.replication);
        let mut enough: Option<Remedy> = None;
        for asked in failed.iter_mut().filter(|asked| is_wanted(asked)) {
            let tried = trial.of(asked);
            asked.tried.insert(place, tried);
            if let (Some(least), Some(way)) = (tried.saved, asked.way) {
                enough = Some(enough.map_or(least, |known| known.at_least(least)));
                asked.is_saved |= !setting.is_of_token();
                self.found[asked.job.workload].ways.entry(way).or_default().save(least, asked.stands_for);
            }
        }
        if let Some(enough) = enough {
            trial.harm(enough, completed, &mut self.found);
        }
    }

    fn pair(&mut self, one: usize, other: usize) {
        let remedy = Remedy::pair(self.settings[one], self.settings[other]);
        let parts = |asked: &Asked| Parts { remedy, one: asked.under(one), other: asked.under(other) };
        let is_wanted = |asked: &Asked| !asked.is_saved && parts(asked).may_help();
        let (failed, completed) = self.asked.split_at_mut(self.failed);
        if !failed.iter().any(is_wanted) {
            return;
        }
        let Some(candidate) = self.alternatives.candidate(self.point, remedy) else { return };
        let mut trial = Trial::new(self.tries, &self.alone, self.model, &candidate, self.replication);
        let wanted: Vec<bool> = failed.iter().map(is_wanted).collect();
        let mut saved = vec![None; failed.len()];
        for ((asked, saved), _) in failed.iter_mut().zip(&mut saved).zip(&wanted).filter(|(_, is_wanted)| **is_wanted) {
            *saved = trial.of(asked).saved;
        }
        let Some(mut enough) = saved.iter().flatten().copied().reduce(Remedy::at_least) else { return };
        // Those that need no pair count too: what is said is how many jobs both save together.
        for ((asked, mut saved), is_wanted) in failed.iter_mut().zip(saved).zip(wanted) {
            let parts = parts(asked);
            if !is_wanted {
                saved = parts.known(self.model).unwrap_or_else(|| trial.of(asked).saved);
            }
            enough = saved.map_or(enough, |saved| enough.at_least(saved));
            let Some(way) = asked.way else { continue };
            let jobs = |is_saved: bool| if is_saved { asked.stands_for } else { 0 };
            self.found[asked.job.workload].ways.entry(way).or_default().save_together(Together {
                saved: Saved { least: saved.unwrap_or(remedy.kind()), jobs: jobs(saved.is_some()) },
                by_one: jobs(parts.one.saved.is_some()),
                by_other: jobs(parts.other.saved.is_some()),
            });
        }
        trial.harm(enough, completed, &mut self.found);
    }
}

/// What each of two settings does to a job alone.
struct Parts {
    remedy: Remedy,
    one: Tried,
    other: Tried,
}

impl Parts {
    /// Whether both together may save what neither does: where either overturns nothing in the course that the other
    /// leads to, both lead to that course.
    fn may_help(&self) -> bool {
        let opens = |by: Tried, added: Option<Setting>| {
            by.saved.is_none() && added.is_some_and(|added| by.levers.has(added.lever()))
        };
        opens(self.one, self.remedy.other) && opens(self.other, Some(self.remedy.one))
    }

    /// What both do together, as far as it need not be tried: with the least amounts, if they save it.
    fn known(&self, model: &Model) -> Option<Option<Remedy>> {
        let Remedy { one, other: Some(other) } = self.remedy.kind() else { return None };
        let stays = |by: Tried, added: Setting| {
            by.saved.filter(|_| !added.may_break(model) && !by.levers.has(added.lever())).map(|saved| saved.one)
        };
        match (stays(self.one, other), stays(self.other, one)) {
            (Some(least), _) => Some(Some(Remedy { one: least, other: Some(other) })),
            (None, Some(least)) => Some(Some(Remedy { one, other: Some(least) })),
            (None, None) => {
                let may_save = self.one.saved.is_some() || self.other.saved.is_some() || self.may_help();
                if may_save { None } else { Some(None) }
            }
        }
    }
}

/// A remedy under which jobs are simulated: with the greatest amounts, and then with the least that are enough.
struct Trial<'c> {
    tries: Tries,
    base: &'c Model,
    remedy: Remedy,
    what_if: WhatIf,
    replay: Replay<'c>,
    /// The least `max_active_keys` that the point has at any time: with fewer, a job that failed fails.
    keys: u32,
}

impl<'c> Trial<'c> {
    fn new(tries: Tries, alone: &Replay<'_>, base: &'c Model, candidate: &'c Candidate, replication: u32) -> Trial<'c> {
        let mut replay = alone.under(candidate.model.as_ref().unwrap_or(base), replication);
        for setting in candidate.remedy.settings() {
            if let Setting::VolumeWait(retries) = setting {
                // Nova polls once more than it retries.
                replay.watch_waits_of(retries.saturating_add(1));
            }
        }
        let kept = |model: &Model| match model.keystone.keys {
            Keys::Fernet { max_active_keys, .. } => max_active_keys,
            Keys::Jws => 0,
        };
        let changed = base.changes.iter().map(|change| kept(&change.model));
        let keys = changed.fold(kept(base), u32::min);
        let what_if = WhatIf { token_age: candidate.token_age(), ..WhatIf::default() };
        Trial { tries, base, remedy: candidate.remedy, what_if, replay, keys }
    }

    /// What becomes of a job.
    fn of(&mut self, asked: &mut Asked) -> Tried {
        self.replay.lend_poll_times(Some(std::mem::take(&mut asked.times)));
        let tried = self.least(asked.job);
        asked.times = self.replay.lend_poll_times(None);
        tried
    }

    fn least(&mut self, job: Arrival) -> Tried {
        let mut needs = match self.needs(job, None) {
            Ok(needs) => needs,
            Err(failed) => return Tried { levers: self.tries.levers(failed), saved: None },
        };
        let mut enough = 0;
        // How many keys are kept decides about several tokens, so that the number is looked for.
        if let Some(most) = self.remedy.settings().find_map(|setting| match setting {
            Setting::ActiveKeys(most) => Some(most),
            _ => None,
        }) {
            let mut too_few = self.keys.min(most);
            enough = most;
            while enough - too_few > 1 {
                let middle = too_few.midpoint(enough);
                match self.needs(job, Some(middle)) {
                    Ok(less) => (needs, enough) = (less, middle),
                    Err(_) => too_few = middle,
                }
            }
        }
        // With a shorter window or wait, which just suffices, the job goes the very same way.
        let least = self.remedy.map(|setting| match setting {
            Setting::ActiveKeys(_) => Setting::ActiveKeys(enough),
            Setting::Window(most) => Setting::Window(in_minutes(needs.window).min(most)),
            Setting::VolumeWait(_) => Setting::VolumeWait(needs.polls.saturating_sub(1)),
            other => other,
        });
        Tried { levers: self.tries.levers(needs), saved: Some(least) }
    }

    /// What a job needed that completes with so many keys, or that does not.
    fn needs(&mut self, job: Arrival, max_active_keys: Option<u32>) -> Result<Needs, Needs> {
        let outcome = self.replay.run(job, &WhatIf { max_active_keys, ..self.what_if }).outcome;
        let needs = self.replay.needs();
        if outcome == Outcome::Completed { Ok(needs) } else { Err(needs) }
    }

    /// Notes what becomes of jobs that completed with as much as those that failed need, if some may fail.
    fn harm(&mut self, enough: Remedy, completed: &mut [Asked], found: &mut [WorkloadRemedies]) {
        if !self.remedy.may_break(self.base) {
            return;
        }
        let keys = enough.settings().find_map(|setting| match setting {
            Setting::ActiveKeys(keys) => Some(keys),
            _ => None,
        });
        for asked in completed {
            self.replay.lend_poll_times(Some(std::mem::take(&mut asked.times)));
            let harm = found[asked.job.workload].harm.entry(self.remedy.kind()).or_default();
            harm.asked += asked.stands_for;
            harm.broken += if self.needs(asked.job, keys).is_err() { asked.stands_for } else { 0 };
            asked.times = self.replay.lend_poll_times(None);
        }
    }
}

/// A time that people would write, not below this one.
fn in_minutes(span: Span) -> Span {
    // From a day on, whole hours: as reports show them.
    let unit = Span::from_seconds(if span < Span::from_seconds(86_400) { 60 } else { 3_600 });
    unit * (span.micros() + unit.micros() - 1).div_euclid(unit.micros())
}
