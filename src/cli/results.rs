//! From the numbers of a study to its folder and to what is printed.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::time::Instant;

use super::Format;
use super::exit::Exit;
use super::output::Output;
use super::simulate::Simulated;
use crate::analysis::{self, Verdict};
use crate::journal::{self, Journal};
use crate::model::study::Study;
use crate::report::folder::{Folder, WriteError};
use crate::report::manifest::Manifest;
use crate::report::{self, Findings, console, csv, json, markdown, plot};

/// What there is to write.
pub(super) struct Results<'a> {
    pub(super) study: &'a Study,
    pub(super) simulated: &'a Simulated,
    /// Where the rows of jobs are; none if they are not wanted.
    pub(super) rows: &'a [Journal],
    /// The command that gives the same files, and plots.
    pub(super) command: &'a str,
    pub(super) started: Instant,
}

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) format: Format,
    pub(super) plots: bool,
    pub(super) threads: NonZeroUsize,
}

impl Results<'_> {
    /// Writes everything into a folder, and says how it ended.
    pub(super) fn write(&self, folder: &Folder, manner: Manner) -> Result<Vec<Verdict>, WriteError> {
        let verdicts = analysis::judge(self.study, &self.simulated.results);
        let findings = Findings { study: self.study, results: &self.simulated.results, verdicts: &verdicts };
        if self.rows.iter().any(|journal| journal.header().jobs) {
            self.write_rows(folder)?;
        }
        if manner.plots {
            plots(findings, folder, manner.threads)?;
        }
        let manifest = Manifest {
            command: format!("{}{}", self.command, if manner.plots { "" } else { " --no-plots" }),
            complete: !self.simulated.interrupted,
            events: self.simulated.events,
            wall_time_s: self.started.elapsed().as_secs_f64(),
        };
        report::write(findings, folder, &manifest)?;
        Ok(verdicts)
    }

    /// Puts the result into its place; answers how it ended and what to print of it.
    pub(super) fn finish(
        &self,
        folder: Folder,
        verdicts: &[Verdict],
        manner: Manner,
        output: &Output,
    ) -> Result<(Exit, String), WriteError> {
        let place = folder.finish()?;
        let findings = Findings { study: self.study, results: &self.simulated.results, verdicts };
        let text = match manner.format {
            Format::Text => console::render(findings, Some(&place), output.stdout_colour()).trim_end().to_owned(),
            Format::Json => json::render(findings),
            Format::Markdown => markdown::render(findings),
        };
        output.detail(format_args!("{} events, {:.2} s", self.simulated.events, self.started.elapsed().as_secs_f64()));
        Ok((if verdicts.iter().all(Verdict::holds) { Exit::Done } else { Exit::ExpectationFailed }, text))
    }

    /// Puts the rows of jobs into their order.
    fn write_rows(&self, folder: &Folder) -> Result<(), WriteError> {
        const NAME: &str = "jobs.csv";
        let mut file = folder.file(NAME)?;
        let complete =
            |point: usize| self.simulated.results.binary_search_by_key(&point, |result| result.point).is_ok();
        file.write_all(&csv::jobs_header(self.study))
            .and_then(|()| journal::copy_rows(self.rows, complete, &mut file))
            .and_then(|()| file.flush())
            .map_err(|cause| folder.error(NAME, cause))
    }
}

/// Draws the plots and writes each as SVG and PNG; pictures are made on all threads.
fn plots(findings: Findings<'_>, folder: &Folder, threads: NonZeroUsize) -> Result<(), WriteError> {
    let plots = plot::draw_all(findings.study, findings.results);
    let threads = threads.get().min(plots.len()).max(1);
    let share = plots.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let write = |plot: &plot::Plot| {
            folder.write(&format!("{}.svg", plot.file_stem), &plot.svg)?;
            folder.write(&format!("{}.png", plot.file_stem), plot::png(&plot.svg))
        };
        let shares: Vec<_> =
            plots.chunks(share).map(|plots| scope.spawn(move || plots.iter().try_for_each(write))).collect();
        shares.into_iter().try_for_each(|share| share.join().expect("drawing does not panic"))
    })
}
