//! The journal of a run: what has ended goes to disk before anybody is told.

use std::path::Path;
use std::time::{Duration, Instant};

use super::RunArgs;
use super::load::Loaded;
use super::output::Output;
use crate::journal::{Header, Journal, Trouble};
use crate::model::study::Study;
use crate::observe::{JobRecord, PointFacts};
use crate::report::csv;

/// What ends within this time goes to disk together, because a disk takes milliseconds for whatever it is given: the
/// most that is lost when the machine dies.
const TOGETHER: Duration = Duration::from_millis(200);

/// Writes a journal.
pub(super) struct Recorder<'s> {
    study: &'s Study,
    journal: Journal,
    committed: Instant,
    /// Replications that ended since.
    waiting: u64,
}

impl<'s> Recorder<'s> {
    /// Goes on with the journal in a folder, or begins one there.
    ///
    /// # Errors
    /// When it belongs to something else, another process writes it, or it cannot be read or written.
    pub(super) fn new(
        study: &'s Study,
        folder: &Path,
        header: &Header,
        resume: bool,
        output: &Output,
    ) -> Result<Recorder<'s>, Trouble> {
        let journal = if !Journal::is_in(folder) {
            Journal::create(folder, header)?
        } else {
            // Opened in any case: what another process is writing is not thrown away under its hands.
            let earlier = Journal::open(folder)?;
            if resume {
                let differences = earlier.header().differences(header);
                let (then, now) = (&earlier.header().shard, &header.shard);
                let mut differences = differences;
                if then != now {
                    let shard = |shard: &Option<String>| shard.clone().unwrap_or_else(|| "none".to_owned());
                    differences.push(format!("shard: {} then, {} now", shard(then), shard(now)));
                }
                if !differences.is_empty() {
                    return Err(Trouble::Foreign(folder.to_owned(), differences));
                }
                output.note(format_args!(
                    "{}: goes on; {} of its replications are there already",
                    folder.display(),
                    earlier.len(),
                ));
                earlier
            } else {
                if !earlier.is_empty() {
                    output.note(format_args!(
                        "{}: begins afresh; {} replications of an unfinished run are thrown away (--resume keeps them)",
                        folder.display(),
                        earlier.len(),
                    ));
                }
                earlier.remove()?;
                Journal::create(folder, header)?
            }
        };
        Ok(Recorder { study, journal, committed: Instant::now(), waiting: 0 })
    }

    /// What is on disk of a point.
    pub(super) fn known(&self, point: usize) -> Result<Option<PointFacts>, Trouble> {
        self.journal.known(point)
    }

    /// Takes in a replication; answers how many are on disk since the last time.
    pub(super) fn replication(&mut self, facts: &PointFacts, records: &[JobRecord]) -> Result<u64, Trouble> {
        let rows = if self.journal.header().jobs {
            facts.replications.iter().flat_map(|number| csv::jobs(self.study, facts.point, *number, records)).collect()
        } else {
            Vec::new()
        };
        self.journal.add(facts, &rows);
        self.waiting += facts.replications.len() as u64;
        if self.committed.elapsed() < TOGETHER { Ok(0) } else { self.commit() }
    }

    /// Notes that a point is complete.
    pub(super) fn complete(&mut self, point: usize) {
        if !self.journal.is_complete(point) {
            self.journal.complete(point);
        }
    }

    /// Puts everything on disk; answers how many replications there are since the last time.
    pub(super) fn commit(&mut self) -> Result<u64, Trouble> {
        self.journal.commit()?;
        self.committed = Instant::now();
        Ok(std::mem::take(&mut self.waiting))
    }

    /// The journal, with everything on disk.
    pub(super) fn into_journal(mut self) -> Result<Journal, Trouble> {
        self.commit()?;
        Ok(self.journal)
    }
}

/// What a journal of this run belongs to.
pub(super) fn header(loaded: &Loaded, args: &RunArgs, command: String) -> Header {
    let (part, given) = (args.part(), args.simulation);
    let study = &loaded.study;
    let run = &study.points[0].model.run;
    Header {
        outlast: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: study.name.clone(),
        file: loaded.path.to_string_lossy().into_owned(),
        inputs_sha256: study.inputs_sha256.clone(),
        seed: run.seed,
        given_seed: given.seed,
        replications: run.replications,
        given_replications: given.replications,
        max_replications: study.precision.as_ref().map(|precision| precision.max_replications),
        points: study.points.len(),
        jobs: args.jobs,
        remedies: !args.no_remedies,
        point: part.point,
        replication: part.replication,
        shard: part.shard.map(|shard| shard.to_string()),
        command,
    }
}
