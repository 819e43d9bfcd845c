//! `outlast run`: simulates scenarios, writes their results, prints what came of them.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use super::estimate;
use super::exit::Exit;
use super::load::{Loaded, load, same_name};
use super::output::Output;
use super::recorder::{Recorder, header};
use super::results::{Manner, Results};
use super::simulate::{How, Simulated, simulate};
use super::{Format, RunArgs, warm_up};
use crate::cloud::Records;
use crate::experiment::{Alternatives, Shard};
use crate::journal::{Journal, Trouble};
use crate::model::study::Study;
use crate::report::folder::{self, Folder, WriteError};

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
    if let Some(point) = args.part.point
        && let Some(short) = loaded.iter().find(|loaded| point >= loaded.study.points.len())
    {
        output.error(format_args!(
            "{}: there is no point {point}; the sweep has points 0 to {}",
            short.path.display(),
            short.study.points.len() - 1,
        ));
        return Exit::CouldNotRun;
    }
    if let Some(replication) = args.part.replication
        && let Some(short) = loaded.iter().find(|loaded| replication >= most_replications(&loaded.study))
    {
        output.error(format_args!(
            "{}: there is no replication {replication}; they are numbered from 0 to {}",
            short.path.display(),
            most_replications(&short.study) - 1,
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

/// Why a run came to no end.
#[derive(Debug)]
enum Failed {
    Write(WriteError),
    Journal(Trouble),
    /// On the way, so that something is kept.
    Recording(Trouble),
}

impl From<WriteError> for Failed {
    fn from(error: WriteError) -> Failed {
        Failed::Write(error)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Write(error) => error.fmt(f),
            Failed::Journal(trouble) => trouble.fmt(f),
            Failed::Recording(trouble) => {
                write!(f, "cannot go on: {trouble}\nwhat is complete is kept; run it again with --resume")
            }
        }
    }
}

/// Simulates one study and writes its results; answers how it ended and what to print of it.
fn run_one(loaded: &Loaded, args: &RunArgs, output: &Output) -> Result<(Exit, String), Failed> {
    let started = Instant::now();
    let study = &loaded.study;
    if let Some(shard) = args.part.shard {
        return run_shard(loaded, shard, args, output);
    }
    not_in_use(&args.out, &study.name).map_err(Failed::Journal)?;
    // Before the simulation: a folder that cannot be written is known at once.
    let folder = Folder::create(&args.out, &study.name)?;
    announce(loaded, args, output);
    let header = header(loaded, args, command(&loaded.path, args));
    let mut recorder = Recorder::new(study, folder.work(), &header, args.resume, output).map_err(Failed::Journal)?;
    estimate::tell(study, args.part(), args.simulation.threads(), output);
    let simulated = simulate(study, how(loaded, args), Some(&mut recorder), output).map_err(Failed::Recording)?;
    let journal = [recorder.into_journal().map_err(Failed::Recording)?];
    let results = Results { study, simulated: &simulated, rows: &journal, command: &header.command, started };
    let manner = Manner { format: args.format, plots: !args.no_plots, threads: args.simulation.threads() };
    let verdicts = results.write(&folder, manner)?;
    if simulated.interrupted {
        return Ok((interrupted(&simulated, folder, loaded, output), String::new()));
    }
    Ok(results.finish(folder, &verdicts, manner, output)?)
}

/// Simulates a shard of a study, which is a folder that `outlast merge` takes.
fn run_shard(loaded: &Loaded, shard: Shard, args: &RunArgs, output: &Output) -> Result<(Exit, String), Failed> {
    let study = &loaded.study;
    announce(loaded, args, output);
    let folder = args.out.join(format!("{}.shard-{}-of-{}", study.name, shard.number(), shard.of()));
    let header = header(loaded, args, command(&loaded.path, args));
    let mut recorder = Recorder::new(study, &folder, &header, args.resume, output).map_err(Failed::Journal)?;
    estimate::tell(study, args.part(), args.simulation.threads(), output);
    let simulated = simulate(study, how(loaded, args), Some(&mut recorder), output).map_err(Failed::Recording)?;
    let mut journal = recorder.into_journal().map_err(Failed::Recording)?;
    let place = folder.display();
    if simulated.interrupted {
        let done = journal.len();
        output.error(format_args!("interrupted: {done} replications are kept in {place}; --resume goes on"));
        return Ok((Exit::Interrupted, String::new()));
    }
    journal.finish().map_err(Failed::Recording)?;
    let text = format!(
        "{}: shard {shard} is complete, {} replications in {place}\nwith all {} of them: outlast merge {}",
        study.name,
        journal.len(),
        shard.of(),
        args.out.join(format!("{}.shard-*-of-{}", study.name, shard.of())).display(),
    );
    Ok((Exit::Done, text))
}

/// Refuses a result that another process is making, before anything of it is touched.
pub(super) fn not_in_use(out: &Path, name: &str) -> Result<(), Trouble> {
    let places = folder::work_places(out, name);
    places.into_iter().find(|place| Journal::is_in_use(place)).map_or(Ok(()), |place| Err(Trouble::InUse(place)))
}

/// How many replications a point can have.
pub(super) fn most_replications(study: &Study) -> u32 {
    let given = study.points[0].model.run.replications;
    study.precision.as_ref().map_or(given, |precision| precision.max_replications)
}

fn how<'a>(loaded: &'a Loaded, args: &RunArgs) -> How<'a> {
    let records = if args.jobs { Records::Jobs } else { Records::None };
    let alternatives = (!args.no_remedies).then_some(&loaded.alternatives as &dyn Alternatives);
    How { threads: args.simulation.threads(), part: args.part(), records, alternatives }
}

/// What will be done, before it takes its time.
fn announce(loaded: &Loaded, args: &RunArgs, output: &Output) {
    let study = &loaded.study;
    let points = if args.part.point.is_some() { 1 } else { study.points.len() };
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

/// Says what is kept of an interrupted run.
fn interrupted(simulated: &Simulated, folder: Folder, loaded: &Loaded, output: &Output) -> Exit {
    let (done, all) = (simulated.results.len(), loaded.study.points.len());
    let partial = folder.leave();
    output.error(format_args!(
        "interrupted: {done} of {all} points are complete and kept in {}; an earlier result stays as it was\n\
         --resume goes on from there",
        partial.display(),
    ));
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
    add("--point", args.part.point.map(|point| point.to_string()));
    add("--replication", args.part.replication.map(|replication| replication.to_string()));
    for (option, is_given) in [(" --jobs", args.jobs), (" --no-remedies", args.no_remedies)] {
        if is_given {
            command.push_str(option);
        }
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
