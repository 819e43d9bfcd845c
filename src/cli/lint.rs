//! `outlast lint`: what is wrong with the settings of scenarios, without simulating anything.

use super::exit::Exit;
use super::load::files;
use super::output::Output;
use super::{LintArgs, LintFormat};
use crate::lint::{self, Report, Severity};
use crate::report::lint::{Linted, json, markdown, sarif, text};
use crate::scenario::{self, ToLint};

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
