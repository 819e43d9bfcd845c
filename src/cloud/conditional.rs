//! What each job had to expect: the probability of its failing given everything that it draws, over the age of its
//! token and the phase of the Fernet keys (conditional Monte Carlo: Asmussen and Glynn, Stochastic Simulation, chapter
//! V.4). Its mean over jobs is the rate of failure, and where failures are rare it varies far less than their count.
//!
//! A job goes the same way at all ages of its token up to one, and at no others: the age at which something is refused
//! that is accepted with the youngest token. [`crate::model::independence::of_ages`] names what would make this untrue,
//! and docs/MODEL.md says why it holds otherwise. So the course with the youngest token, the probability of an older
//! one than that age, and one draw of such an age say what the job has to expect, without bias. The age is found by
//! simulating the job by itself ([`super::lone`]); a look at its smallest margin tells where to look.

use super::draws;
use super::lone::{Arrival, Ending, Replay, WhatIf};
use crate::model::{Keys, Model, Offset, Rotations, TokenAge, Workload};
use crate::observe::{Chances, Outcome};
use crate::random::{Dist, Streams, name_key};
use crate::units::{Instant, Span};

/// The golden ratio less one: steps of it, taken round, fill an interval more evenly than steps of any other number,
/// however many there are (Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods, section 3.1).
const STEP: f64 = 0.618_033_988_749_894_9;

/// The step of time.
const TICK: Span = Span::from_micros(1);
const SECOND: Span = Span::from_seconds(1);

/// Jobs between two looks at whether to stop.
const BREATH: u64 = 64;

/// What the counted jobs of each workload of a replication had to expect; `None` as soon as `stopped` says so.
pub fn chances(model: &Model, replication: u32, stopped: impl Fn() -> bool) -> Option<Vec<Chances>> {
    let mut replay = Replay::new(model, replication);
    let counted_from = Instant::START + model.run.warm_up;
    let mut sums = vec![Chances::default(); model.workloads.len()];
    let mut phases = Phases::new(model, &replay);
    let mut jobs = 0_u64;
    for (index, workload) in model.workloads.iter().enumerate() {
        let law = AgeLaw::new(model, workload);
        let tails = Streams::new(model.run.seed, replication).of(draws::BEYOND, name_key(&workload.name));
        for job in replay.arrivals(index).filter(|job| job.at >= counted_from) {
            jobs += 1;
            if jobs.is_multiple_of(BREATH) && stopped() {
                return None;
            }
            let law = replay.recorded_age(job).map_or(law, AgeLaw::Fixed);
            let mut of_job = Job { model, replay: &mut replay, job, phase: phases.next(job.at) };
            let share = || tails.stream(job.place).uniform();
            sums[index].add(&of_job.chances(law, share));
        }
    }
    Some(sums)
}

/// The phases of the keys at which jobs are looked at. The chance of a job is linear in the law of the phase, so each
/// job may have its own, as long as each is uniform by itself: seen from their submissions, they lie evenly over the
/// period, beginning where the replication has drawn its own.
struct Phases {
    period: Span,
    /// Where the last rotation before the next job lies, as a share of the period; `None` without a random phase.
    next: Option<f64>,
}

impl Phases {
    fn new(model: &Model, replay: &Replay<'_>) -> Phases {
        match model.keystone.keys {
            Keys::Fernet { rotations: Rotations::Every { period, offset: Offset::Random }, .. } => {
                Phases { period, next: Some(replay.drawn_phase()) }
            }
            Keys::Fernet { .. } | Keys::Jws => Phases { period: SECOND, next: None },
        }
    }

    /// The phase for a job that is submitted at `at`.
    fn next(&mut self, at: Instant) -> Option<f64> {
        let before = self.next?;
        self.next = Some((before + STEP).fract());
        let submitted = at.since(Instant::START).micros().rem_euclid(self.period.micros());
        Some((before + submitted as f64 / self.period.micros() as f64).fract())
    }
}

/// The law of the age of a token at submission, in whole microseconds.
#[derive(Clone, Copy, Debug)]
enum AgeLaw<'m> {
    /// This age.
    Fixed(Span),
    /// Drawn, in units of so many seconds.
    Drawn(&'m Dist, f64),
    /// Uniform up to so many seconds.
    Uniform(f64),
}

impl<'m> AgeLaw<'m> {
    fn new(model: &Model, workload: &'m Workload) -> AgeLaw<'m> {
        let expiration = model.keystone.expiration.seconds();
        let drawn = |dist: &'m Dist, unit: f64| match dist.as_constant() {
            Some(value) => AgeLaw::Fixed(Span::from_seconds_f64(value * unit)),
            None => AgeLaw::Drawn(dist, unit),
        };
        match &workload.token_age {
            TokenAge::Drawn(age) => drawn(age, 1.0),
            TokenAge::OfExpiration(share) => drawn(share, expiration),
            TokenAge::Renewing { margin } => AgeLaw::Uniform(expiration - margin.seconds()),
        }
    }

    /// No age is below this.
    fn lowest(&self) -> Span {
        match self {
            AgeLaw::Fixed(age) => *age,
            AgeLaw::Drawn(dist, unit) => Span::from_seconds_f64(dist.lowest() * unit),
            AgeLaw::Uniform(_) => Span::ZERO,
        }
    }

    /// No age is above this.
    fn highest(&self) -> Span {
        match self {
            AgeLaw::Fixed(age) => *age,
            AgeLaw::Drawn(dist, unit) => Span::from_seconds_f64(dist.highest() * unit),
            AgeLaw::Uniform(end) => Span::from_seconds_f64(*end),
        }
    }

    /// The probability of this age or a greater one; what is drawn is rounded to whole microseconds.
    fn survival(&self, age: Span) -> f64 {
        let from = (age.micros() as f64 - 0.5) / 1e6;
        match self {
            AgeLaw::Fixed(fixed) => f64::from(u8::from(*fixed >= age)),
            AgeLaw::Drawn(dist, unit) => dist.survival(from / unit),
            AgeLaw::Uniform(end) => (1.0 - from / end).clamp(0.0, 1.0),
        }
    }

    /// The greatest age up to `most` that is reached with at least this probability; `from` is.
    fn quantile_beyond(&self, from: Span, most: Span, probability: f64) -> Span {
        let (mut reached, mut beyond) = (from, most + TICK);
        while beyond - reached > TICK {
            let middle = Span::from_micros(reached.micros().midpoint(beyond.micros()));
            if self.survival(middle) >= probability { reached = middle } else { beyond = middle }
        }
        reached
    }
}

/// One job, to be looked at with tokens of several ages.
struct Job<'r, 'm> {
    model: &'m Model,
    replay: &'r mut Replay<'m>,
    job: Arrival,
    phase: Option<f64>,
}

/// What was refused in a course.
type Refusals = Vec<(Instant, crate::model::StepId)>;

impl Job<'_, '_> {
    fn at(&mut self, age: Span) -> Ending {
        self.replay.run(self.job, &WhatIf { token_age: Some(age), rotation_phase: self.phase, ..WhatIf::default() })
    }

    /// What the job has to expect; `share` is uniform over (0, 1).
    fn chances(&mut self, law: AgeLaw<'_>, share: impl FnOnce() -> f64) -> Chances {
        let youngest = law.lowest();
        // At this age and all above everything is refused that may be.
        let oldest = law.highest().min(self.worn_out()).max(youngest);
        let at_oldest = self.at(oldest);
        if youngest == oldest || self.replay.refusals().is_empty() {
            return of(&at_oldest, 1.0);
        }
        let refused_at_oldest = self.replay.refusals().to_vec();
        let at_youngest = self.at(youngest);
        let refused = self.replay.refusals().to_vec();
        if refused == refused_at_oldest {
            return of(&at_youngest, 1.0);
        }
        let critical = self.critical_age(&at_youngest, &refused, youngest, oldest);
        let older = law.survival(critical);
        let mut chances = of(&at_youngest, 1.0 - older);
        if older > 0.0 {
            let age = law.quantile_beyond(critical, oldest.max(critical), older * share());
            chances.add(&of(&self.at(age), older));
        }
        chances
    }

    /// The least age at which the job does not go the way that it goes at `same`; at `other` it does not.
    fn critical_age(&mut self, at_same: &Ending, refused: &Refusals, mut same: Span, mut other: Span) -> Span {
        let guess = self.guess(at_same, other);
        // Most often the guess is right: other there, the same just below.
        for probe in [guess, guess - TICK] {
            if same < probe && probe < other {
                self.narrow(probe, refused, &mut same, &mut other);
            }
        }
        while other - same > TICK {
            let middle = Span::from_micros(same.micros().midpoint(other.micros()));
            self.narrow(middle, refused, &mut same, &mut other);
        }
        other
    }

    fn narrow(&mut self, probe: Span, refused: &Refusals, same: &mut Span, other: &mut Span) {
        self.at(probe);
        *if self.replay.refusals() == refused { same } else { other } = probe;
    }

    /// Where the critical age should be: where the smallest margin is used up, or the key is gone when Keystone was
    /// asked last.
    fn guess(&self, ending: &Ending, most: Span) -> Span {
        let mut guess = most;
        if let Some(margin) = ending.smallest_margin {
            // A token loses whole seconds of its life only: as many as reach the margin.
            let issued = (self.job.at - ending.token_age).floor_to_second();
            let seconds = margin.micros().max(0).unsigned_abs().div_ceil(SECOND.micros().unsigned_abs());
            let latest = issued - SECOND * i64::try_from(seconds).unwrap_or(i64::MAX) + SECOND - TICK;
            guess = guess.min(self.job.at.since(latest));
        }
        let Some(asked) = ending.last_accepted else { return guess };
        let is_gone = |replay: &Replay<'_>, age| replay.key_gone_at(self.job, age) <= asked;
        if is_gone(self.replay, guess) {
            let (mut held, mut gone) = (ending.token_age, guess);
            while gone - held > TICK {
                let middle = Span::from_micros(held.micros().midpoint(gone.micros()));
                *if is_gone(self.replay, middle) { &mut gone } else { &mut held } = middle;
            }
            guess = gone;
        }
        guess
    }

    /// An age from which on Keystone refuses a token for its age, with the window too and by any node's clock.
    fn worn_out(&self) -> Span {
        let keystone = &self.model.keystone;
        let clock = keystone.clocks.iter().map(|clock| clock.micros().abs()).max().unwrap_or(0);
        keystone.expiration + keystone.allow_expired_window + Span::from_micros(clock) * 2 + SECOND * 2
    }
}

/// An ending, with this probability.
fn of(ending: &Ending, probability: f64) -> Chances {
    match ending.outcome {
        Outcome::Unfinished => Chances::default(),
        Outcome::Completed => Chances { finished: probability, ..Chances::default() },
        Outcome::Failed(failure) => Chances {
            failed: probability,
            token_failed: if failure.first_cause.reason.is_token_failure() { probability } else { 0.0 },
            finished: probability,
        },
    }
}
