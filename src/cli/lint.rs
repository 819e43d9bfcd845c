//! `outlast lint`: what is wrong with the settings of scenarios or configuration files, without simulating anything.

use super::exit::Exit;
use super::load::files;
use super::output::Output;
use super::{LintArgs, LintFormat};
use crate::import::{self, Choices, Schedule};
use crate::lint::{self, Report, Severity};
use crate::model::Places;
use crate::report::lint::{Linted, json, markdown, sarif, text};
use crate::scenario::{self, ToLint};
use std::path::Path;

/// Something that was linted.
struct Done {
    file: Option<String>,
    read: ToLint,
    report: Report,
}

pub(super) fn lint(args: &LintArgs, output: &Output) -> Exit {
    let paths = match files(&args.paths) {
        Ok(paths) => paths,
        Err(problem) => {
            output.error(problem);
            return Exit::CouldNotRun;
        }
    };
    let mut exit = Exit::Done;
    let mut done = Vec::new();
    let mut add = |file, read: ToLint| {
        let report = lint::lint(&read.study, &read.places);
        if report.worst() == Some(Severity::Error) {
            exit = exit.max(Exit::ExpectationFailed);
        }
        done.push(Done { file, read, report });
    };
    let mut is_complete = true;
    for name in &args.preset {
        match scenario::preset_to_lint(name) {
            Ok(read) => add(None, read),
            Err(message) => {
                output.error(message);
                is_complete = false;
            }
        }
    }
    for path in &paths {
        match scenario::load_to_lint(path) {
            Ok(read) => add(Some(path.to_string_lossy().into_owned()), read),
            Err(issues) => {
                output.issues(issues.render(output.stderr_colour()));
                is_complete = false;
            }
        }
    }
    if !args.conf.is_empty() {
        match configurations(args, output) {
            Some(read) => add(None, read),
            None => is_complete = false,
        }
    }
    let linted: Vec<Linted<'_>> = done
        .iter()
        .map(|Done { file, read, report }| Linted {
            file: file.as_deref(),
            study: &read.study,
            report,
            keys_table: args.keys_table,
        })
        .collect();
    if !linted.is_empty() {
        print(&linted, args.format, output);
    }
    if is_complete { exit } else { exit.max(Exit::CouldNotRun) }
}

/// What the configuration files of a cloud say, under every shipped job kind; `None`: all that is wrong has been told.
fn configurations(args: &LintArgs, output: &Output) -> Option<ToLint> {
    let (configurations, schedule) = args.conf.read(output)?;
    if matches!(schedule, Schedule::Unsaid) {
        output.note("assumed that keys rotate every 24 h: say when they do with --rotate-every or --crontab");
    }
    let choices = Choices { name: "configuration".to_owned(), schedule };
    let text = import::settings_text(&configurations, &choices);
    match scenario::text_to_lint("the scenario", &text, Path::new("")) {
        Ok(read) => {
            // Only what the files say has a place: the scenario between is seen by nobody.
            let mut places = Places::default();
            configurations.places().for_each(|(key, written)| places.insert(key, written.clone()));
            Some(ToLint { places, ..read })
        }
        Err(issues) => {
            output.issues(issues.render(output.stderr_colour()));
            None
        }
    }
}

fn print(linted: &[Linted<'_>], format: LintFormat, output: &Output) {
    let all = |render: &dyn Fn(Linted<'_>) -> String| linted.iter().map(|one| render(*one)).collect::<Vec<String>>();
    match format {
        LintFormat::Text => {
            output.result(all(&|one| text::render(one, output.stdout_colour())).join("\n\n\n"));
        }
        LintFormat::Markdown => output.result_always(all(&markdown::render).join("\n\n")),
        LintFormat::Sarif => output.result_always(sarif::render(linted)),
        // Several documents are one array, as `run` prints them.
        LintFormat::Json => match linted {
            [one] => output.result_always(json::render(*one)),
            _ => output.result_always(format_args!("[\n{}\n]", all(&json::render).join(",\n"))),
        },
    }
}
