//! Points × replications on threads, each point until it has enough of them. No averages.
//!
//! The replications of all points are one pool of work, which idle threads take from. Facts merge exactly in any
//! order, so nothing waits for its turn; how many replications a point gets depends on their facts and never on time.

mod agenda;
mod oldest;
mod part;
mod single;

pub use oldest::{OldestToken, oldest_token};
pub use part::{Part, Shard};
pub use single::{Because, Choice, single};

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

pub use crate::cloud::remedies::Alternatives;
use crate::cloud::{self, Records, remedies};
use crate::model::remedy::Remedy;
use crate::model::study::{Point, Study};
use crate::observe::{FailureKey, JobRecord, Observations, PointFacts};
use agenda::Agenda;

/// Replications per thread that are under way or wait to be merged: enough that no thread idles while results go to
/// disk, and all that memory has to hold beside the points that they belong to.
const IN_FLIGHT_PER_THREAD: usize = 32;
/// The same where each brings the records of all its jobs.
const IN_FLIGHT_WITH_RECORDS: usize = 4;
/// How long nothing may end until the observer is told.
const QUIET: Duration = Duration::from_millis(100);

/// How an experiment is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Threads that simulate.
    pub threads: NonZeroUsize,
    /// Whether every job is recorded.
    pub records: Records,
    /// What is simulated of the study.
    pub part: Part,
    /// What could be set otherwise at its points, if failed jobs are to be asked what would have saved them.
    pub alternatives: Option<&'a dyn Alternatives>,
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
}

/// What came of an experiment.
#[derive(Debug)]
pub struct Ran {
    /// Whether it was stopped before every point was complete.
    pub interrupted: bool,
}

/// Someone who watches the experiment.
pub trait Observer {
    /// What can go wrong while watching (writing to disk, say); stops the experiment.
    type Error;

    /// What is known of a point from earlier and need not be simulated again; asked once, when its turn comes.
    ///
    /// # Errors
    /// Any error stops the experiment and is handed to the caller.
    fn known(&mut self, _point: usize) -> Result<Option<PointFacts>, Self::Error> {
        Ok(None)
    }

    /// A replication has ended; called in the order of ending. The records are those of its jobs, if they were asked
    /// for.
    ///
    /// # Errors
    /// Any error stops the experiment and is handed to the caller.
    fn replication(&mut self, facts: &PointFacts, records: &[JobRecord]) -> Result<(), Self::Error>;

    /// Nothing has ended for a while.
    ///
    /// # Errors
    /// Any error stops the experiment and is handed to the caller.
    fn quiet(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Whether these replications of a point suffice, where the study asks for a precision; must depend on nothing but
    /// them.
    fn suffices(&mut self, _facts: &PointFacts) -> bool {
        true
    }

    /// A point has all its replications; called in the order of completion.
    ///
    /// # Errors
    /// Any error stops the experiment and is handed to the caller.
    fn point(&mut self, facts: PointFacts) -> Result<(), Self::Error>;
}

/// Simulates a part of a study.
///
/// # Errors
/// Whatever the observer answers.
///
/// # Panics
/// If the machine refuses to start a thread.
pub fn run<O: Observer>(study: &Study, plan: &Plan<'_>, observer: &mut O) -> Result<Ran, O::Error> {
    let failed = AtomicBool::new(false);
    let stopped = || plan.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
    let threads =
        rayon::ThreadPoolBuilder::new().num_threads(plan.threads.get()).build().expect("threads can be started");
    let most_in_flight = plan.threads.get()
        * match plan.records {
            Records::None | Records::Bins => IN_FLIGHT_PER_THREAD,
            Records::Jobs => IN_FLIGHT_WITH_RECORDS,
        };
    let (sender, receiver) = channel();
    let mut agenda = Agenda::new(study, plan.part);

    threads.in_place_scope_fifo(|scope| {
        let mut in_flight = 0;
        let mut watch = || loop {
            while in_flight < most_in_flight && !stopped() {
                let Some((point, replication)) = agenda.next(observer)? else { break };
                let sender = sender.clone();
                scope.spawn_fifo(move |_| {
                    let ended = simulate(point, replication, plan, stopped).map(|mut facts| {
                        let records = std::mem::take(&mut facts.records);
                        (PointFacts::of(point.number, replication, facts), records)
                    });
                    // Nobody listens any more after an error.
                    let _ = sender.send(ended);
                });
                in_flight += 1;
            }
            if in_flight == 0 {
                return Ok(Ran { interrupted: !agenda.is_done() });
            }
            match receiver.recv_timeout(QUIET) {
                Ok(ended) => {
                    in_flight -= 1;
                    if let Some((facts, records)) = ended {
                        observer.replication(&facts, &records)?;
                        agenda.merge(&facts, observer)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) => observer.quiet()?,
                Err(RecvTimeoutError::Disconnected) => unreachable!("this function holds a sender"),
            }
        };
        let ran = watch();
        failed.store(ran.is_err(), Ordering::Relaxed);
        ran
    })
}

/// Simulates a replication, and asks what would have saved its failed jobs, if that is wanted; `None`: it was stopped.
fn simulate(point: &Point, replication: u32, plan: &Plan<'_>, stopped: impl Fn() -> bool) -> Option<Observations> {
    let mut observed = cloud::simulate_unless(&point.model, replication, plan.records, &stopped)?;
    if let Some(alternatives) = plan.alternatives {
        observed.remedies =
            remedies::search(&point.model, replication, point.number, &observed, alternatives, stopped)?;
    }
    Some(observed)
}

/// What would have saved one job of a replication that failed in this way, the best first; `None` if it does not fail
/// by itself as it did among others.
pub fn remedies_of_job(
    point: &Point,
    replication: u32,
    job: (usize, u64),
    way: FailureKey,
    alternatives: &dyn Alternatives,
) -> Option<Vec<Remedy>> {
    remedies::of_job(&point.model, replication, point.number, job, way, alternatives)
}

/// Simulates the first replication of a point, to see how long one takes; answers whether it came to its end.
pub fn try_one(study: &Study, point: usize, stopped: impl Fn() -> bool) -> bool {
    study
        .points
        .get(point)
        .is_none_or(|point| cloud::simulate_unless(&point.model, 0, Records::None, stopped).is_some())
}
