//! Points × replications on threads; results in a fixed order, whatever the number of threads. No averages.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, mpsc};
use std::thread;

use crate::cloud::{self, Records};
use crate::model::study::{Point, Study};
use crate::observe::{Observations, PointFacts};

/// How many finished units per thread may wait for an earlier one: bounds memory, costs no time unless one unit takes
/// as long as all of these.
const AHEAD_PER_THREAD: usize = 64;

/// How an experiment is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Threads that simulate.
    pub threads: NonZeroUsize,
    /// Whether every job is recorded.
    pub records: Records,
    /// Only this point, if given.
    pub point: Option<usize>,
    /// Set from outside to stop early.
    pub stop: &'a AtomicBool,
}

impl Plan<'_> {
    /// The points that are simulated.
    pub fn points<'s>(&self, study: &'s Study) -> Vec<&'s Point> {
        study.points.iter().filter(|point| self.point.is_none_or(|only| only == point.number)).collect()
    }

    /// How many replications there are over all points.
    pub fn units(&self, study: &Study) -> u64 {
        self.points(study).iter().map(|point| u64::from(point.model.run.replications)).sum()
    }
}

/// What came of an experiment.
#[derive(Debug)]
pub struct Ran {
    /// Whether it was stopped before all of them were.
    pub interrupted: bool,
}

/// Someone who watches the experiment.
pub trait Observer {
    /// What can go wrong while watching (writing job records, say); stops the experiment.
    type Error;

    /// Called for every replication, in the order of points and replications.
    ///
    /// # Errors
    /// Any error stops the experiment and is handed to the caller.
    fn replication(&mut self, point: usize, replication: u32, facts: &Observations) -> Result<(), Self::Error>;

    /// Called when all replications of a point are done, in the order of points.
    fn point(&mut self, facts: PointFacts);
}

/// Simulates every replication of every point of the plan.
///
/// # Errors
/// Whatever the observer answers.
pub fn run<O: Observer>(study: &Study, plan: &Plan<'_>, observer: &mut O) -> Result<Ran, O::Error> {
    let points = plan.points(study);
    // The same everywhere: replications cannot be swept.
    let replications = points.first().map_or(1, |point| point.model.run.replications.max(1));
    let all = points.len() * replications as usize;
    let place = |unit: usize| (unit / replications as usize, (unit % replications as usize) as u32);
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let stopped = || plan.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
    let merged = Progress::default();
    let ahead = AHEAD_PER_THREAD * plan.threads.get();
    let (sender, receiver) = mpsc::channel();

    thread::scope(|scope| {
        for _ in 0..plan.threads.get().min(all) {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                let _release = ReleaseOnPanic(&merged);
                loop {
                    let unit = next.fetch_add(1, Ordering::Relaxed);
                    if unit >= all {
                        return;
                    }
                    let (index, replication) = place(unit);
                    merged.wait_until(unit.saturating_sub(ahead));
                    if stopped() {
                        merged.advance(usize::MAX);
                        return;
                    }
                    let model = &points[index].model;
                    let Some(facts) = cloud::simulate_unless(model, replication, plan.records, stopped) else {
                        merged.advance(usize::MAX);
                        return;
                    };
                    if sender.send((unit, facts)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);

        let mut waiting = BTreeMap::new();
        let mut done = 0;
        let mut complete = 0;
        let mut error = None;
        let mut current: Option<PointFacts> = None;
        for (unit, facts) in receiver {
            waiting.insert(unit, facts);
            while let Some(facts) = waiting.remove(&done) {
                let (index, replication) = place(done);
                done += 1;
                let point = points[index];
                if error.is_none()
                    && let Err(found) = observer.replication(point.number, replication, &facts)
                {
                    error = Some(found);
                    failed.store(true, Ordering::Relaxed);
                }
                let merging = current.get_or_insert_with(|| PointFacts::new(point.number, &point.model));
                merging.add(facts);
                if replication + 1 == point.model.run.replications {
                    complete += 1;
                    if let Some(facts) = current.take() {
                        observer.point(facts);
                    }
                }
            }
            merged.advance(done);
        }
        match error {
            Some(error) => Err(error),
            None => Ok(Ran { interrupted: complete < points.len() }),
        }
    })
}

/// Lets the other threads go when one panics, so that the panic is seen and not waited for.
struct ReleaseOnPanic<'p>(&'p Progress);

impl Drop for ReleaseOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.advance(usize::MAX);
        }
    }
}

/// How many units have been merged; threads that are far ahead wait for it.
#[derive(Debug, Default)]
struct Progress {
    merged: Mutex<usize>,
    changed: Condvar,
}

impl Progress {
    fn wait_until(&self, needed: usize) {
        let merged = self.merged.lock().expect("a poisoned lock is a panic elsewhere");
        drop(self.changed.wait_while(merged, |merged| *merged < needed).expect("a poisoned lock is a panic elsewhere"));
    }

    /// Never goes back, so that whoever stops the experiment can let everybody go.
    fn advance(&self, to: usize) {
        let mut merged = self.merged.lock().expect("a poisoned lock is a panic elsewhere");
        *merged = (*merged).max(to);
        self.changed.notify_all();
    }
}
