//! `outlast run`: simulates scenarios, writes their results, prints what came of them.

use std::path::Path;
use std::time::Instant;

use super::exit::Exit;
use super::load::{Loaded, load, same_name};
use super::output::Output;
use super::simulate::{Simulated, simulate, simulate_only};
use super::{Format, RunArgs, warm_up};
use crate::analysis::{self, Verdict};
use crate::report::csv::JobsWriter;
use crate::report::folder::{Folder, WriteError};
use crate::report::manifest::Manifest;
use crate::report::{self, Findings, console, json, markdown, plot};

pub(super) fn run(args: &RunArgs, output: &Output) -> Exit {
    let overrides = args.simulation.overrides();
    let loaded: Vec<_> = args.files.iter().map(|path| load(path, &overrides, output)).collect();
    let Ok(loaded) = loaded.into_iter().collect::<Result<Vec<Loaded>, _>>() else { return Exit::CouldNotRun };
    if let Some((earlier, later)) = same_name(&loaded) {
        output.error(format_args!(
            "{}: its scenario is named `{}`, as that of {} is, and both would be written to one folder; rename one",
            later.path.display(),
            later.study.name,
            earlier.path.display(),
        ));
        return Exit::CouldNotRun;
    }
    if let Some(point) = args.point
        && let Some(short) = loaded.iter().find(|loaded| point >= loaded.study.points.len())
    {
        output.error(format_args!(
            "{}: there is no point {point}; the sweep has points 0 to {}",
            short.path.display(),
            short.study.points.len() - 1,
        ));
        return Exit::CouldNotRun;
    }
    if args.show_warm_up {
        return warm_up::show(&loaded, args, output);
    }
    let mut exit = Exit::Done;
    // Several documents are one array; what people read follows one another.
    let array = args.format == Format::Json && loaded.len() > 1;
    let mut printed = Vec::new();
    for loaded in &loaded {
        match run_one(loaded, args, output) {
            Ok((Exit::Interrupted, _)) => return Exit::Interrupted,
            Ok((ended, text)) => {
                exit = exit.max(ended);
                if array {
                    printed.push(text);
                    continue;
                }
                match args.format {
                    Format::Text if printed.is_empty() => output.result(&text),
                    Format::Text => output.result(format_args!("\n{text}")),
                    Format::Json | Format::Markdown => output.result_always(&text),
                }
                printed.push(text);
            }
            Err(error) => {
                output.error(error);
                exit = exit.max(Exit::CouldNotRun);
            }
        }
    }
    if array {
        output.result_always(format_args!("[\n{}\n]", printed.join(",\n")));
    }
    exit
}

/// Simulates one study and writes its results; answers how it ended and what to print of it.
fn run_one(loaded: &Loaded, args: &RunArgs, output: &Output) -> Result<(Exit, String), WriteError> {
    let started = Instant::now();
    let study = &loaded.study;
    // Before the simulation: a folder that cannot be written is known at once.
    let folder = Folder::create(&args.out, &study.name)?;
    announce(loaded, args, output);
    let simulated = if args.jobs {
        with_jobs(loaded, args, &folder, output)?
    } else {
        simulate_only(study, args.simulation.threads(), args.point, output)
    };
    let verdicts = analysis::judge(study, &simulated.results);
    let findings = Findings { study, results: &simulated.results, verdicts: &verdicts };
    if !args.no_plots {
        plots(findings, &folder, args)?;
    }
    let manifest = Manifest {
        command: command(&loaded.path, args),
        complete: !simulated.interrupted,
        events: simulated.events,
        wall_time_s: started.elapsed().as_secs_f64(),
    };
    report::write(findings, &folder, &manifest)?;
    if simulated.interrupted {
        return Ok((interrupted(&simulated, folder, loaded, output), String::new()));
    }
    let place = folder.finish()?;
    let text = match args.format {
        Format::Text => console::render(findings, Some(&place), output.stdout_colour()).trim_end().to_owned(),
        Format::Json => json::render(findings),
        Format::Markdown => markdown::render(findings),
    };
    output.detail(format_args!("{} events, {:.2} s", simulated.events, started.elapsed().as_secs_f64()));
    Ok((if verdicts.iter().all(Verdict::holds) { Exit::Done } else { Exit::ExpectationFailed }, text))
}

/// What will be done, before it takes its time.
fn announce(loaded: &Loaded, args: &RunArgs, output: &Output) {
    let study = &loaded.study;
    let points = if args.point.is_some() { 1 } else { study.points.len() };
    let run = &study.points[0].model.run;
    output.detail(format_args!(
        "{}: {points} {} x {} {}, seed {}, inputs {}",
        loaded.path.display(),
        if points == 1 { "point" } else { "points" },
        run.replications,
        if run.replications == 1 { "replication" } else { "replications" },
        run.seed,
        &study.inputs_sha256[..12],
    ));
}

/// Simulates with a row per job, written as the replications end.
fn with_jobs(loaded: &Loaded, args: &RunArgs, folder: &Folder, output: &Output) -> Result<Simulated, WriteError> {
    const NAME: &str = "jobs.csv";
    let failed = |error: csv::Error| folder.error(NAME, error);
    let mut jobs = JobsWriter::new(folder.file(NAME)?, &loaded.study).map_err(failed)?;
    let threads = args.simulation.threads();
    let simulated = simulate(&loaded.study, threads, args.point, Some(&mut jobs), output).map_err(failed)?;
    jobs.finish().map_err(failed)?;
    Ok(simulated)
}

/// Draws the plots and writes each as SVG and PNG; pictures are made on all threads.
fn plots(findings: Findings<'_>, folder: &Folder, args: &RunArgs) -> Result<(), WriteError> {
    let plots = plot::draw_all(findings.study, findings.results);
    let threads = args.simulation.threads().get().min(plots.len()).max(1);
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

/// Says what is kept of an interrupted run.
fn interrupted(simulated: &Simulated, folder: Folder, loaded: &Loaded, output: &Output) -> Exit {
    let (done, all) = (simulated.results.len(), loaded.study.points.len());
    if done == 0 {
        output.error("interrupted before any point was complete; nothing is kept, an earlier result stays as it was");
    } else {
        let partial = folder.leave();
        output.error(format_args!(
            "interrupted: {done} of {all} points are complete and kept in {}; an earlier result stays as it was",
            partial.display(),
        ));
    }
    Exit::Interrupted
}

/// The command that gives the same files, without what cannot change them (threads, folder, manners).
fn command(path: &Path, args: &RunArgs) -> String {
    let mut command = format!("outlast run {}", quoted(&path.to_string_lossy()));
    let mut add = |option: &str, value: Option<String>| {
        if let Some(value) = value {
            command.push_str(&format!(" {option} {value}"));
        }
    };
    add("--seed", args.simulation.seed.map(|seed| seed.to_string()));
    add("--replications", args.simulation.replications.map(|count| count.to_string()));
    add("--point", args.point.map(|point| point.to_string()));
    if args.jobs {
        command.push_str(" --jobs");
    }
    if args.no_plots {
        command.push_str(" --no-plots");
    }
    command
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | ':' | '@' | '=');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_part_them() {
        for (word, text) in
            [("a/b.toml", "a/b.toml"), ("my file.toml", "'my file.toml'"), ("it's", "'it'\\''s'"), ("", "''")]
        {
            assert_eq!(quoted(word), text);
        }
    }
}
