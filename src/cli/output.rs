//! Where words go: results to stdout, everything else to stderr; the one place that prints errors.

use std::cell::Cell;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use clap::ColorChoice;

use super::Manners;

/// The two streams and how to use them.
#[derive(Debug)]
pub(super) struct Output {
    lost: Cell<bool>,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    color: ColorChoice,
}

impl Output {
    pub(super) fn new(manners: Manners) -> Output {
        Output { lost: Cell::new(false), quiet: manners.quiet, verbose: manners.verbose, color: manners.color }
    }

    /// Whether results are coloured.
    pub(super) fn stdout_colour(&self) -> bool {
        self.colour(io::stdout().is_terminal())
    }

    /// Whether messages are coloured.
    pub(super) fn stderr_colour(&self) -> bool {
        self.colour(io::stderr().is_terminal())
    }

    /// Whether a bar can move.
    pub(super) fn has_bar(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    fn colour(&self, terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            // https://no-color.org, and terminals that know no colours.
            ColorChoice::Auto => {
                let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }

    /// Whether a result could not be printed.
    pub(super) fn has_lost(&self) -> bool {
        self.lost.get()
    }

    /// A result, which `-q` silences too.
    pub(super) fn result(&self, text: impl Display) {
        if !self.quiet {
            self.result_always(text);
        }
    }

    /// A result that was asked for as such. A reader that has gone away (`| head`) is no error.
    pub(super) fn result_always(&self, text: impl Display) {
        let mut stdout = io::stdout().lock();
        let printed = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
        if let Err(error) = printed
            && error.kind() != io::ErrorKind::BrokenPipe
            && !self.lost.replace(true)
        {
            self.error(format_args!("cannot print the results: {error}"));
        }
    }

    /// What is being done.
    pub(super) fn note(&self, text: impl Display) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// What is being done, in detail.
    pub(super) fn detail(&self, text: impl Display) {
        if self.verbose {
            self.note(text);
        }
    }

    /// Why it could not be done.
    pub(super) fn error(&self, text: impl Display) {
        let (red, plain) = if self.stderr_colour() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        let _ = writeln!(io::stderr().lock(), "{red}error{plain}: {text}");
    }

    /// Rendered problems of a file, which carry their own headings.
    pub(super) fn issues(&self, text: impl Display) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}
