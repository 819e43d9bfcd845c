//! Progress: a bar with the time left on a terminal, a line now and then otherwise.

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;

/// Runs this short show no bar: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(300);
/// Between two lines where there is no terminal.
const SILENCE: Duration = Duration::from_secs(10);

/// What stands before the bar.
const TEMPLATE: &str = "{prefix} {wide_bar} {pos}/{len} replications, {eta} left";

/// The progress of one study.
#[derive(Debug)]
pub(super) struct Progress<'o> {
    bar: ProgressBar,
    output: &'o Output,
    shown: bool,
    spoken: Instant,
}

impl<'o> Progress<'o> {
    /// Progress over so many replications.
    pub(super) fn new(name: &str, units: u64, output: &'o Output) -> Progress<'o> {
        let bar = ProgressBar::with_draw_target(Some(units), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Progress { bar, output, shown: false, spoken: Instant::now() }
    }

    /// So many replications need not be simulated.
    pub(super) fn known(&mut self, replications: u64) {
        self.bar.inc(replications);
    }

    /// So many replications more are to be done.
    pub(super) fn extend(&mut self, replications: u64) {
        self.bar.inc_length(replications);
    }

    /// So many replications more are done.
    pub(super) fn advance(&mut self, replications: u64) {
        self.bar.inc(replications);
        if self.output.has_bar() {
            if !self.shown && self.bar.elapsed() > PATIENCE {
                self.shown = true;
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        } else if self.spoken.elapsed() > SILENCE {
            self.spoken = Instant::now();
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
            // A hidden bar estimates nothing, so the time so far is drawn out.
            let left = self.bar.elapsed().mul_f64((all.saturating_sub(done)) as f64 / done.max(1) as f64);
            let left = HumanDuration(left);
            self.output.note(format_args!("{}: {done} of {all} replications, about {left} left", self.bar.prefix()));
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
