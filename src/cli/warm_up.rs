//! `outlast run --show-warm-up`: simulates from the start on, and shows when jobs become steady; applies nothing.

use std::fs::File;
use std::io::BufWriter;

use super::RunArgs;
use super::exit::Exit;
use super::load::Loaded;
use super::output::Output;
use super::progress::Progress;
use super::simulate::stop;
use crate::analysis::{self, WarmUp};
use crate::cloud::Records;
use crate::experiment::{self, Observer, Plan};
use crate::model::study::Study;
use crate::observe::{Bins, Observations, PointFacts};
use crate::report::csv::WarmUpWriter;
use crate::report::folder::{Folder, WriteError};
use crate::report::plot;
use crate::report::warm_up::Proposal;
use crate::units::Span;

/// The file that marks a folder as one of these results.
const TABLE: &str = "warm_up.csv";

/// Shows the warm-up of every scenario.
pub(super) fn show(loaded: &[Loaded], args: &RunArgs, output: &Output) -> Exit {
    let mut exit = Exit::Done;
    for loaded in loaded {
        match show_one(loaded, args, output) {
            Ok(Exit::Interrupted) => return Exit::Interrupted,
            Ok(ended) => exit = exit.max(ended),
            Err(error) => {
                output.error(error);
                exit = exit.max(Exit::CouldNotRun);
            }
        }
    }
    exit
}

fn show_one(loaded: &Loaded, args: &RunArgs, output: &Output) -> Result<Exit, WriteError> {
    let mut study = loaded.study.clone();
    let points = study.points.iter().filter(|point| args.point.is_none_or(|only| only == point.number));
    let written: Vec<Span> = points.map(|point| point.model.run.warm_up).collect();
    let (least, most) = (written.iter().min().copied(), written.iter().max().copied());
    // A swept warm-up has several, and says itself what is to be compared.
    let written = most.filter(|_| least == most).unwrap_or(Span::ZERO);
    study.count_from_the_start();

    let folder = Folder::create_for(&args.out, &format!("{}.warm-up", study.name), TABLE)?;
    let failed = |error: csv::Error| folder.error(TABLE, error);
    let table = WarmUpWriter::new(folder.file(TABLE)?, &study).map_err(failed)?;
    let plan = Plan { threads: args.simulation.threads(), records: Records::Bins, point: args.point, stop: stop() };
    let mut watcher = Watcher {
        study: &study,
        table,
        bins: Vec::new(),
        error: None,
        proposal: Proposal::default(),
        latest: None,
        progress: Progress::new(&study.name, plan.units(&study), output),
    };
    let ran = experiment::run(&study, &plan, &mut watcher);
    watcher.progress.finish();
    let ran = ran.map_err(failed)?;
    if let Some(error) = watcher.error {
        return Err(failed(error));
    }
    watcher.table.finish().map_err(failed)?;
    if ran.interrupted {
        output.error("interrupted: the warm-up is not shown, and nothing is kept");
        return Ok(Exit::Interrupted);
    }
    if let Some((point, replications, workloads)) = &watcher.latest
        && !args.no_plots
        && let Some(drawn) = plot::warm_up(&study, &study.points[*point], *replications, workloads, written)
    {
        folder.write(&format!("{}.svg", drawn.file_stem), &drawn.svg)?;
        folder.write(&format!("{}.png", drawn.file_stem), plot::png(&drawn.svg))?;
    }
    let place = folder.finish()?;
    output.result(format_args!(
        "{}\n{}\nResults: {}",
        study.name,
        watcher.proposal.render(&study, written),
        place.display()
    ));
    Ok(Exit::Done)
}

struct Watcher<'s, 'o> {
    study: &'s Study,
    table: WarmUpWriter<'s, BufWriter<File>>,
    /// By workload, of the point under way.
    bins: Vec<Bins>,
    /// A point cannot fail, so that what did is told at the end.
    error: Option<csv::Error>,
    proposal: Proposal,
    /// The point that becomes steady last.
    latest: Option<(usize, u32, Vec<WarmUp>)>,
    progress: Progress<'o>,
}

impl Observer for Watcher<'_, '_> {
    type Error = csv::Error;

    fn replication(&mut self, _point: usize, _replication: u32, facts: &Observations) -> Result<(), csv::Error> {
        if self.bins.is_empty() {
            self.bins.clone_from(&facts.bins);
        } else {
            self.bins.iter_mut().zip(&facts.bins).for_each(|(ours, theirs)| ours.merge(theirs));
        }
        self.progress.advance();
        // What went wrong with the last point stops the rest.
        self.error.take().map_or(Ok(()), Err)
    }

    fn point(&mut self, facts: PointFacts) {
        let point = &self.study.points[facts.point];
        let replications = facts.by_replication.len() as u32;
        let workloads = analysis::warm_up(&std::mem::take(&mut self.bins));
        if let Err(error) = self.table.write(point, replications, &workloads) {
            self.error.get_or_insert(error);
        }
        if self.proposal.add(self.study, point, &workloads) {
            self.latest = Some((facts.point, replications, workloads));
        }
    }
}
