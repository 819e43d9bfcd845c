//! `outlast explain`: the story of one job, as text and as a timeline.

use std::path::PathBuf;

use super::exit::Exit;
use super::load::load;
use super::output::Output;
use super::run::most_replications;
use super::{ExplainArgs, Format};
use crate::experiment::{self, Because, Choice, OldestToken};
use crate::model::study::{Point, Study};
use crate::model::vocabulary::Reason;
use crate::observe::Outcome;
use crate::observe::course::Course;
use crate::report::explain::{Oldest, Told, json, markdown, text};
use crate::report::folder::{Folder, WriteError};
use crate::report::plot;
use crate::scenario::Overrides;

/// So many replications of a point are looked through for a reason.
const MOST_LOOKED_AT: u32 = 64;

/// The file that marks a folder as one of these results.
const MARK: &str = "timeline.svg";

pub(super) fn explain(args: &ExplainArgs, output: &Output) -> Exit {
    match explained(args, output) {
        Ok(()) => Exit::Done,
        Err(Failed::Told) => Exit::CouldNotRun,
        Err(Failed::Message(message)) => {
            output.error(message);
            Exit::CouldNotRun
        }
    }
}

/// Why there is nothing to tell.
enum Failed {
    /// It has been said already.
    Told,
    Message(String),
}

fn explained(args: &ExplainArgs, output: &Output) -> Result<(), Failed> {
    let overrides = Overrides { seed: args.seed, replications: None };
    let loaded = load(&args.file, &overrides, output).map_err(|_| Failed::Told)?;
    let study = &loaded.study;
    let file = args.file.display();
    let fail = |message: String| Failed::Message(format!("{file}: {message}"));
    let point = study.points.get(args.point).ok_or_else(|| {
        fail(format!("there is no point {}; the sweep has points 0 to {}", args.point, study.points.len() - 1))
    })?;
    let replications = most_replications(study);
    if args.replication >= replications {
        let last = replications - 1;
        return Err(fail(format!("there is no replication {}; they are numbered from 0 to {last}", args.replication)));
    }
    let workload = workload(args, point).map_err(fail)?;
    let choice = choice(args).map_err(fail)?;
    let (replication, (course, because)) = job(point, args.replication, replications, workload, choice)
        .ok_or_else(|| fail(nothing(args, study, choice)))?;
    let workload = course.record.workload;
    let name = &point.model.workloads[workload].name;
    let mut why = why(because, args, name, &course.record.outcome);
    if replication != args.replication {
        why.push_str(&format!("; none did in replication {}", args.replication));
    }
    let remedies = match course.record.outcome {
        Outcome::Failed(failure) => {
            let job = (workload, course.record.ordinal);
            experiment::remedies_of_job(point, replication, job, failure.way(), &loaded.alternatives)
        }
        Outcome::Completed | Outcome::Unfinished => None,
    };
    // A job that has not ended has nothing that it could have passed.
    let oldest = match course.record.outcome {
        Outcome::Completed | Outcome::Failed(_) => {
            experiment::oldest_token(&point.model, replication, workload, course.record.ordinal)
        }
        Outcome::Unfinished => None,
    };
    let oldest = oldest.map(|oldest| match oldest {
        OldestToken::Age(age) => Oldest::Age(age),
        OldestToken::NotEvenNew => Oldest::NotEvenNew,
    });
    let told = Told { study, point, replication, course: &course, why: &why, oldest, remedies: remedies.as_deref() };
    let place =
        if args.no_plots { None } else { draw(told, args).map_err(|error| Failed::Message(error.to_string()))? };
    match args.format {
        Format::Text => {
            output.result(text::render(told, output.stdout_colour()));
            if let Some(place) = place {
                output.result(format_args!("\nTimeline: {}", place.join(MARK).display()));
            }
        }
        Format::Json => output.result_always(json::render(told)),
        Format::Markdown => output.result_always(markdown::render(told)),
    }
    Ok(())
}

/// The job that is meant, and its replication: the one that was asked for, or the next in which a job failed for a
/// reason.
fn job(
    point: &Point,
    asked: u32,
    replications: u32,
    workload: Option<usize>,
    choice: Choice,
) -> Option<(u32, (Course, Because))> {
    let others = (1..replications.min(MOST_LOOKED_AT)).map(|further| (asked + further) % replications);
    let others = others.filter(|_| matches!(choice, Choice::FailedFor(_)));
    std::iter::once(asked)
        .chain(others)
        .find_map(|replication| Some((replication, experiment::single(&point.model, replication, workload, choice)?)))
}

/// The workload that is meant, if one is.
fn workload(args: &ExplainArgs, point: &Point) -> Result<Option<usize>, String> {
    let workloads = &point.model.workloads;
    if let Some(name) = &args.workload {
        let found = workloads.iter().position(|workload| workload.name == *name);
        return found.map(Some).ok_or_else(|| {
            let names: Vec<String> = workloads.iter().map(|workload| format!("`{}`", workload.name)).collect();
            format!("there is no workload `{name}`; it has {}", names.join(", "))
        });
    }
    if args.job.is_some() && workloads.len() > 1 {
        let names: Vec<String> = workloads.iter().map(|workload| format!("`{}`", workload.name)).collect();
        return Err(format!("jobs are numbered by workload; add --workload, one of {}", names.join(", ")));
    }
    Ok(None)
}

fn choice(args: &ExplainArgs) -> Result<Choice, String> {
    match (args.job, &args.reason) {
        (Some(job), _) => Ok(Choice::Numbered(job)),
        (None, Some(code)) => Reason::from_code(code).map(Choice::FailedFor).ok_or_else(|| {
            let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
            format!("there is no reason `{code}`; reasons are {}", codes.join(", "))
        }),
        (None, None) => Ok(Choice::Telling),
    }
}

/// Why there is no such job.
fn nothing(args: &ExplainArgs, study: &Study, choice: Choice) -> String {
    let place = format!("replication {} of point {}", args.replication, args.point);
    let whose = args.workload.as_ref().map(|name| format!(" of workload `{name}`")).unwrap_or_default();
    match choice {
        Choice::Numbered(job) => {
            format!(
                "there is no job {job}{whose} in {place}; `outlast run --jobs` writes the numbers of all to jobs.csv"
            )
        }
        Choice::FailedFor(reason) => {
            let looked_at = most_replications(study).min(MOST_LOOKED_AT);
            let mut text = format!("no job{whose} failed for `{}` in {place}", reason.code());
            if looked_at > 1 {
                text.push_str(&format!(", nor in {} others of that point", looked_at - 1));
            }
            if study.points.len() > 1 {
                text.push_str("; try another --point");
            }
            text
        }
        Choice::Telling => format!("there is no counted job{whose} in {place}"),
    }
}

/// Why this job, in a sentence without a full stop.
fn why(because: Because, args: &ExplainArgs, workload: &str, outcome: &Outcome) -> String {
    match because {
        Because::Asked => "asked for by its number".to_owned(),
        Because::FirstFailed(jobs) => {
            let reason = match (&args.reason, outcome) {
                (Some(code), _) => format!(" for {code}"),
                (None, _) => String::new(),
            };
            if jobs == 1 {
                format!("the only job that failed{reason} in this replication")
            } else {
                format!("the first of {jobs} jobs that failed{reason} in this replication")
            }
        }
        Because::Closest => "no job failed in this replication; this one has the smallest margin".to_owned(),
        Because::First => {
            format!("no job failed in this replication, nor used its token; this is the first of {workload}")
        }
    }
}

/// Draws the timeline; answers where it is.
fn draw(told: Told<'_>, args: &ExplainArgs) -> Result<Option<PathBuf>, WriteError> {
    let Some(drawn) = plot::timeline(told) else { return Ok(None) };
    let folder = match &args.out {
        Some(out) => {
            let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Folder::create_for(out.parent().unwrap_or(std::path::Path::new("")), &name, MARK)?
        }
        None => Folder::create_for(std::path::Path::new("output"), &format!("{}.explain", told.study.name), MARK)?,
    };
    folder.write(MARK, &drawn.svg)?;
    folder.write(&format!("{}.png", drawn.file_stem), plot::png(&drawn.svg))?;
    folder.finish().map(Some)
}
