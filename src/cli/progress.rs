//! Progress: a bar with the time left on a terminal, a line now and then otherwise.

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;

/// Runs this short show no bar: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(300);
/// Between two lines where there is no terminal.
const SILENCE: Duration = Duration::from_secs(10);

/// What stands around the bar, the widest first, and how many columns it takes beside the name; in fewer, a line
/// would be broken in two, and each further one would leave the last behind.
const TEMPLATES: [(&str, usize); 3] = [
    ("{prefix} {wide_bar} {pos}/{len} replications, {eta} left", 60),
    ("{wide_bar} {pos}/{len}, {eta}", 35),
    ("{percent} %", 0),
];

/// The template for a terminal of so many columns.
fn template(name: &str, columns: usize) -> &'static str {
    let needed = |(template, columns): (&str, usize)| {
        columns + if template.contains("{prefix}") { name.chars().count() } else { 0 }
    };
    let fits = TEMPLATES.into_iter().find(|template| needed(*template) <= columns);
    fits.unwrap_or(TEMPLATES[2]).0
}

/// The columns of the terminal; `COLUMNS` is what somebody says that it has, who may want less.
fn columns() -> usize {
    const USUAL: usize = 80;
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let seen = terminal_size::terminal_size_of(std::io::stderr()).map(|(width, _)| usize::from(width.0));
    match (said, seen) {
        (Some(said), Some(seen)) => seen.min(said),
        (said, seen) => seen.or(said).unwrap_or(USUAL),
    }
}

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
        if let Ok(style) = ProgressStyle::with_template(template(name, columns())) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_has_a_shorter_line() {
        for (name, columns, beginning) in [
            ("short", 80, "{prefix}"),
            ("short", 64, "{wide_bar}"),
            ("a-name-of-a-scenario-that-is-rather-long", 80, "{wide_bar}"),
            ("short", 40, "{wide_bar}"),
            ("short", 20, "{percent}"),
        ] {
            assert!(template(name, columns).starts_with(beginning), "{name} in {columns}");
        }
    }
}
