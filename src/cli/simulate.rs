//! Running one study with progress, stopping at Ctrl-C.

use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::exit::Exit;
use super::output::Output;
use super::progress::Progress;
use super::recorder::Recorder;
use crate::analysis::{self, PointResult};
use crate::cloud::Records;
use crate::experiment::{self, Alternatives, Observer, Part, Plan};
use crate::journal::Trouble;
use crate::model::study::Study;
use crate::observe::{JobRecord, PointFacts};

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

/// How a study is simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct How<'a> {
    pub(super) threads: NonZeroUsize,
    pub(super) part: Part,
    pub(super) records: Records,
    pub(super) alternatives: Option<&'a dyn Alternatives>,
}

/// Simulates a part of a study; what ends goes to the recorder first, if there is one.
pub(super) fn simulate(
    study: &Study,
    how: How<'_>,
    recorder: Option<&mut Recorder<'_>>,
    output: &Output,
) -> Result<Simulated, Trouble> {
    let How { threads, part, records, alternatives } = how;
    let plan = Plan { threads, records, part, alternatives, stop: stop() };
    let mut watcher = Watcher {
        study,
        recorder,
        is_whole: part.shard.is_none(),
        results: Vec::new(),
        events: 0,
        progress: Progress::new(&study.name, part.len(study), output),
    };
    let ran = experiment::run(study, &plan, &mut watcher);
    watcher.progress.finish();
    let ran = ran?;
    watcher.results.sort_unstable_by_key(|result| result.point);
    Ok(Simulated { interrupted: ran.interrupted, events: watcher.events, results: watcher.results })
}

/// The same of a whole study and without a trace on disk, which cannot fail.
pub(super) fn simulate_only(study: &Study, threads: NonZeroUsize, output: &Output) -> Simulated {
    let how = How { threads, part: Part::default(), records: Records::None, alternatives: None };
    match simulate(study, how, None, output) {
        Ok(simulated) => simulated,
        Err(error) => unreachable!("nothing is written: {error}"),
    }
}

/// A point's facts in numbers.
pub(super) fn result(study: &Study, facts: &PointFacts) -> PointResult {
    let mut result = analysis::summarise(&study.points[facts.point].model, facts);
    result.precision = analysis::reached(study, &result);
    result
}

struct Watcher<'a, 's, 'o> {
    study: &'a Study,
    recorder: Option<&'a mut Recorder<'s>>,
    /// Whether points get all their replications here, so that there are results.
    is_whole: bool,
    results: Vec<PointResult>,
    events: u64,
    progress: Progress<'o>,
}

impl Observer for Watcher<'_, '_, '_> {
    type Error = Trouble;

    fn known(&mut self, point: usize) -> Result<Option<PointFacts>, Trouble> {
        let Some(recorder) = &self.recorder else { return Ok(None) };
        let known = recorder.known(point)?;
        self.progress.known(known.as_ref().map_or(0, |facts| facts.replications.len() as u64));
        Ok(known)
    }

    fn replication(&mut self, facts: &PointFacts, records: &[JobRecord]) -> Result<(), Trouble> {
        let done = match &mut self.recorder {
            Some(recorder) => recorder.replication(facts, records)?,
            None => facts.replications.len() as u64,
        };
        self.progress.advance(done);
        Ok(())
    }

    fn quiet(&mut self) -> Result<(), Trouble> {
        if let Some(recorder) = &mut self.recorder {
            self.progress.advance(recorder.commit()?);
        }
        Ok(())
    }

    fn suffices(&mut self, facts: &PointFacts) -> bool {
        let suffices = analysis::suffices(self.study, facts);
        if !suffices {
            self.progress.extend(u64::from(self.study.points[facts.point].model.run.replications));
        }
        suffices
    }

    /// At once, so that only numbers are kept of a point and not its facts.
    fn point(&mut self, facts: PointFacts) -> Result<(), Trouble> {
        if let Some(recorder) = &mut self.recorder {
            recorder.complete(facts.point);
        }
        self.events += facts.events;
        if self.is_whole {
            self.results.push(result(self.study, &facts));
        }
        Ok(())
    }
}
