//! `outlast check`: runs every scenario named and only judges; writes nothing but the JUnit file.

use std::fmt::Write as _;

use super::CheckArgs;
use super::exit::Exit;
use super::load::{Loaded, files, load};
use super::output::Output;
use super::simulate::simulate_only;
use crate::analysis;
use crate::report::junit::{self, Suite};
use crate::report::{Findings, console};

pub(super) fn check(args: &CheckArgs, output: &Output) -> Exit {
    let files = match files(&args.paths) {
        Ok(files) => files,
        Err(problem) => {
            output.error(problem);
            return Exit::CouldNotRun;
        }
    };
    let overrides = args.simulation.overrides();
    let mut suites = Vec::new();
    let (mut passed, mut failed, mut unreadable) = (0, 0, 0);
    let mut interrupted = false;
    for path in &files {
        match load(path, &overrides, output) {
            Err(problem) => {
                unreadable += 1;
                suites.push(Suite::unreadable(path, &problem));
            }
            Ok(loaded) => match judge(&loaded, args, output) {
                Some((holds, suite)) => {
                    *(if holds { &mut passed } else { &mut failed }) += 1;
                    suites.push(suite);
                }
                None => {
                    interrupted = true;
                    break;
                }
            },
        }
    }
    let mut total = format!("{passed} passed, {failed} failed");
    if unreadable > 0 {
        let _ = write!(total, ", {unreadable} could not be run");
    }
    output.result(total);
    if interrupted {
        let left = files.len() - suites.len();
        output.error(format_args!("interrupted: {left} of {} scenarios were not judged", files.len()));
    }
    let mut exit = if failed > 0 { Exit::ExpectationFailed } else { Exit::Done };
    if unreadable > 0 {
        exit = Exit::CouldNotRun;
    }
    if let Some(path) = &args.junit
        && let Err(error) = std::fs::write(path, junit::render(suites))
    {
        output.error(format_args!("{}: cannot write: {error}", path.display()));
        exit = Exit::CouldNotRun;
    }
    if interrupted { Exit::Interrupted } else { exit }
}

/// Simulates a scenario and tells what came of it; `None` if interrupted.
fn judge(loaded: &Loaded, args: &CheckArgs, output: &Output) -> Option<(bool, Suite)> {
    let study = &loaded.study;
    let started = std::time::Instant::now();
    let simulated = simulate_only(study, args.simulation.threads(), output);
    if simulated.interrupted {
        return None;
    }
    let verdicts = analysis::judge(study, &simulated.results);
    let findings = Findings { study, results: &simulated.results, verdicts: &verdicts };
    let is_sure = simulated.results.iter().all(|result| result.precision.is_none_or(|reached| reached.holds));
    let holds = is_sure && verdicts.iter().all(analysis::Verdict::holds);
    output.result(console::verdict(findings, output.stdout_colour()));
    output.detail(format_args!("      {} events, {:.2} s", simulated.events, started.elapsed().as_secs_f64()));
    Some((holds, Suite::of(findings)))
}
