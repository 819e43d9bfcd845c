//! Exit codes: the one table.

use std::process::ExitCode;

/// How a command ended; of several, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// Done, and every expectation holds.
    Done,
    /// Ran, and an expectation failed, a comparison found a regression, a lint an error, or no value meets a target.
    ExpectationFailed,
    /// Could not run: bad arguments, a bad file, input or output.
    CouldNotRun,
    /// Stopped by Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The code that the shell sees.
    pub(super) const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::CouldNotRun => 1,
            Exit::ExpectationFailed => 2,
            // 128 + SIGINT, as shells have it.
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_run_outweighs_what_failed() {
        assert_eq!(Exit::ExpectationFailed.max(Exit::CouldNotRun).code(), 1);
        assert_eq!(Exit::Done.max(Exit::ExpectationFailed).code(), 2);
        assert_eq!(Exit::CouldNotRun.max(Exit::Interrupted).code(), 130);
    }
}
