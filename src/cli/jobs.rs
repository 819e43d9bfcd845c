//! `outlast jobs`: the job kinds, or the course of one.

use super::JobsArgs;
use super::exit::Exit;
use super::output::Output;
use crate::report;
use crate::scenario::{self, JobKinds};

pub(super) fn jobs(args: &JobsArgs, output: &Output) -> Exit {
    let kinds = match &args.file {
        None => JobKinds::shipped(),
        Some(path) => match scenario::job_kinds(path) {
            Ok(kinds) => kinds,
            Err(issues) => {
                output.issues(issues.render(output.stderr_colour()));
                return Exit::CouldNotRun;
            }
        },
    };
    let text = match &args.kind {
        None => report::jobs::list(kinds.definitions()),
        Some(name) => match kinds.find(name) {
            Ok(definition) => report::jobs::course(definition, kinds.names()),
            Err(message) => {
                output.error(message);
                return Exit::CouldNotRun;
            }
        },
    };
    output.result_always(text.trim_end());
    Exit::Done
}
