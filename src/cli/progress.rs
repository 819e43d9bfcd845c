//! Progress: a bar with the time left on a terminal, a line at the start otherwise.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;

/// Runs this short show no bar: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(300);

/// What stands before the bar.
const TEMPLATE: &str = "{prefix} {wide_bar} {pos}/{len} replications, {eta} left";

/// The progress of one study.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    started: std::time::Instant,
    shown: bool,
    can_show: bool,
}

impl Progress {
    /// Progress over so many replications.
    pub(super) fn new(name: &str, units: u64, output: &Output) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(units), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Progress { bar, started: std::time::Instant::now(), shown: false, can_show: output.has_bar() }
    }

    /// One replication more is done.
    pub(super) fn advance(&mut self) {
        self.bar.inc(1);
        if self.can_show && !self.shown && self.started.elapsed() > PATIENCE {
            self.shown = true;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
