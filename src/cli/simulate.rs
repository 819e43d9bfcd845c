//! Running one study with progress, stopping at Ctrl-C.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::exit::Exit;
use super::output::Output;
use super::progress::Progress;
use crate::analysis::{self, PointResult};
use crate::cloud::Records;
use crate::experiment::{self, Observer, Plan};
use crate::model::study::Study;
use crate::observe::{Observations, PointFacts};
use crate::report::csv::JobsWriter;

/// What came of simulating a study.
#[derive(Debug)]
pub(super) struct Simulated {
    /// The complete points, in order.
    pub(super) results: Vec<PointResult>,
    /// Whether Ctrl-C came before all of them were complete.
    pub(super) interrupted: bool,
    /// Events that the engine handled.
    pub(super) events: u64,
}

/// Presses of Ctrl-C closer than this count as one: some tools signal a process and its group.
const ONE_PRESS: Duration = Duration::from_millis(500);

/// Whether Ctrl-C has been pressed; listens from the first call on. Pressed once more, it ends the program at once.
pub(super) fn stop() -> &'static AtomicBool {
    static STOP: AtomicBool = AtomicBool::new(false);
    static LISTENING: OnceLock<bool> = OnceLock::new();
    LISTENING.get_or_init(|| {
        let mut first: Option<Instant> = None;
        let handler = move || {
            STOP.store(true, Ordering::Relaxed);
            if first.get_or_insert_with(Instant::now).elapsed() > ONE_PRESS {
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
        };
        // Without a handler Ctrl-C still ends the program; only nothing is kept then.
        ctrlc::set_handler(handler).is_ok()
    });
    &STOP
}

/// Simulates all points, or only one; writes every job to `jobs` if given.
pub(super) fn simulate<W: Write>(
    study: &Study,
    threads: NonZeroUsize,
    point: Option<usize>,
    jobs: Option<&mut JobsWriter<'_, W>>,
    output: &Output,
) -> Result<Simulated, csv::Error> {
    let records = if jobs.is_some() { Records::Jobs } else { Records::None };
    let plan = Plan { threads, records, point, stop: stop() };
    let mut watcher = Watcher {
        study,
        jobs,
        events: 0,
        results: Vec::new(),
        progress: Progress::new(&study.name, plan.units(study), output),
    };
    let ran = experiment::run(study, &plan, &mut watcher);
    watcher.progress.finish();
    let ran = ran?;
    Ok(Simulated { interrupted: ran.interrupted, events: watcher.events, results: watcher.results })
}

/// The same without job records, which cannot fail.
pub(super) fn simulate_only(study: &Study, threads: NonZeroUsize, point: Option<usize>, output: &Output) -> Simulated {
    let none: Option<&mut JobsWriter<'_, std::io::Sink>> = None;
    match simulate(study, threads, point, none, output) {
        Ok(simulated) => simulated,
        Err(error) => unreachable!("nothing is written: {error}"),
    }
}

struct Watcher<'a, 's, 'o, W: Write> {
    study: &'a Study,
    jobs: Option<&'a mut JobsWriter<'s, W>>,
    events: u64,
    results: Vec<PointResult>,
    progress: Progress<'o>,
}

impl<W: Write> Observer for Watcher<'_, '_, '_, W> {
    type Error = csv::Error;

    fn replication(&mut self, point: usize, replication: u32, facts: &Observations) -> Result<(), csv::Error> {
        if let Some(jobs) = &mut self.jobs {
            for record in &facts.records {
                jobs.write(point, replication, record)?;
            }
        }
        self.progress.advance();
        Ok(())
    }

    /// At once, so that only numbers are kept of a point and not its facts.
    fn point(&mut self, facts: PointFacts) {
        self.events += facts.events;
        self.results.push(analysis::summarise(&self.study.points[facts.point].model, &facts));
    }
}
