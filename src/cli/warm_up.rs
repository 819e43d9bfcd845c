//! `outlast run --show-warm-up`: simulates from the start on, and shows when jobs become steady; applies nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::RunArgs;
use super::exit::Exit;
use super::load::Loaded;
use super::output::Output;
use super::progress::Progress;
use super::simulate::stop;
use crate::analysis::{self, WarmUp};
use crate::cloud::Records;
use crate::experiment::{self, Observer, Plan};
use crate::observe::{JobRecord, PointFacts};
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
    let points = study.points.iter().filter(|point| args.part.point.is_none_or(|only| only == point.number));
    let written: Vec<Span> = points.map(|point| point.model.run.warm_up).collect();
    let (least, most) = (written.iter().min().copied(), written.iter().max().copied());
    // A swept warm-up has several, and says itself what is to be compared.
    let written = most.filter(|_| least == most).unwrap_or(Span::ZERO);
    study.count_from_the_start();

    let folder = Folder::create_for(&args.out, &format!("{}.warm-up", study.name), TABLE)?;
    let failed = |error: csv::Error| folder.error(TABLE, error);
    let part = args.part();
    let plan =
        Plan { threads: args.simulation.threads(), records: Records::Bins, part, alternatives: None, stop: stop() };
    let progress = Progress::new(&study.name, part.len(&study), output);
    let mut watcher = Watcher { points: BTreeMap::new(), progress };
    let Ok(ran) = experiment::run(&study, &plan, &mut watcher);
    watcher.progress.finish();
    if ran.interrupted {
        output.error("interrupted: the warm-up is not shown, and nothing is kept");
        return Ok(Exit::Interrupted);
    }
    let mut table = WarmUpWriter::new(folder.file(TABLE)?, &study).map_err(failed)?;
    let mut proposal = Proposal::default();
    // The point that becomes steady last.
    let mut latest = None;
    for (number, (replications, workloads)) in &watcher.points {
        let point = &study.points[*number];
        table.write(point, *replications, workloads).map_err(failed)?;
        if proposal.add(&study, point, workloads) {
            latest = Some((point, *replications, workloads));
        }
    }
    table.finish().map_err(failed)?;
    if let Some((point, replications, workloads)) = latest
        && !args.no_plots
        && let Some(drawn) = plot::warm_up(&study, point, replications, workloads, written)
    {
        folder.write(&format!("{}.svg", drawn.file_stem), &drawn.svg)?;
        folder.write(&format!("{}.png", drawn.file_stem), plot::png(&drawn.svg))?;
    }
    let place = folder.finish()?;
    output.result(format_args!("{}\n{}\nResults: {}", study.name, proposal.render(&study, written), place.display()));
    Ok(Exit::Done)
}

struct Watcher<'o> {
    /// Of each complete point its replications, and by workload how they warmed up.
    points: BTreeMap<usize, (u32, Vec<WarmUp>)>,
    progress: Progress<'o>,
}

impl Observer for Watcher<'_> {
    type Error = Infallible;

    fn replication(&mut self, _facts: &PointFacts, _records: &[JobRecord]) -> Result<(), Infallible> {
        self.progress.advance(1);
        Ok(())
    }

    fn point(&mut self, facts: PointFacts) -> Result<(), Infallible> {
        self.points.insert(facts.point, (facts.replications.len() as u32, analysis::warm_up(&facts.bins)));
        Ok(())
    }
}
