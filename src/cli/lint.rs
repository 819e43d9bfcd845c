//! `outlast lint`: what is wrong with the settings of scenarios or configuration files, without simulating anything.

use super::exit::Exit;
use super::load::files;
use super::output::Output;
use super::{LintArgs, LintFormat};
use crate::document::did_you_mean;
use crate::import::{self, Schedule};
use crate::lint::{self, Lint, Report, Severity};
use crate::report::lint::{Linted, Origin, json, markdown, sarif, text, title};
use crate::scenario::{self, ToLint};
use std::collections::BTreeSet;
use std::path::Path;

/// Something that was linted.
struct Done {
    from: From,
    read: ToLint,
    report: Report,
}

/// Where it stands.
enum From {
    Scenario(String),
    Preset,
    Files(Vec<String>),
}

/// A code, or the beginning that a family of codes has in common.
pub(super) fn codes(text: &str) -> Result<String, String> {
    let families: BTreeSet<&str> = Lint::ALL.iter().map(|lint| family(lint.code())).collect();
    let known: Vec<&str> = families.into_iter().chain(Lint::ALL.iter().map(|lint| lint.code())).collect();
    let meant = text.trim().to_uppercase();
    if known.contains(&meant.as_str()) { Ok(meant) } else { Err(did_you_mean(&meant, &known)) }
}

fn family(code: &str) -> &str {
    code.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Whether a lint is one of those that somebody named.
fn is_named(lint: Lint, named: &[String]) -> bool {
    named.iter().any(|named| named == lint.code() || named == family(lint.code()))
}

pub(super) fn lint(args: &LintArgs, output: &Output) -> Exit {
    if args.paths.is_empty() && args.preset.is_empty() && args.conf.is_empty() {
        output.error(
            "nothing to look at: name scenario files or folders of them, presets (`--preset NAME`) or configuration files \
             of services (`--keystone FILE`, `--nova FILE`, `--cinder FILE`, `--glance FILE`)",
        );
        return Exit::CouldNotRun;
    }
    let paths = match files(&args.paths) {
        Ok(paths) => paths,
        Err(problem) => {
            output.error(problem);
            return Exit::CouldNotRun;
        }
    };
    let mut exit = Exit::Done;
    let mut done = Vec::new();
    let mut add = |from: From, read: ToLint| {
        let mut report = lint::lint(&read.study, &read.places);
        let is_meant = |lint| (args.only.is_empty() || is_named(lint, &args.only)) && !is_named(lint, &args.ignore);
        report.findings.retain(|finding| is_meant(finding.lint));
        if let From::Files(_) = from {
            let all = report.findings.iter_mut().flat_map(|finding| &mut finding.safe);
            all.for_each(|safe| safe.line = safe.key.as_ref().and_then(|key| import::line_in_file(key, &safe.value)));
        }
        if report.worst() == Some(Severity::Error) {
            exit = exit.max(Exit::ExpectationFailed);
        }
        done.push(Done { from, read, report });
    };
    let mut is_complete = true;
    for name in &args.preset {
        match scenario::preset_to_lint(name) {
            Ok(read) => add(From::Preset, read),
            Err(message) => {
                output.error(message);
                is_complete = false;
            }
        }
    }
    for path in &paths {
        match scenario::load_to_lint(path) {
            Ok(read) => add(From::Scenario(path.to_string_lossy().into_owned()), read),
            Err(issues) => {
                output.issues(issues.render(output.stderr_colour()));
                is_complete = false;
            }
        }
    }
    if !args.conf.is_empty() {
        match configurations(args, output) {
            Some((read, files)) => add(From::Files(files), read),
            None => is_complete = false,
        }
    }
    let linted: Vec<Linted<'_>> = done
        .iter()
        .map(|Done { from, read, report }| Linted {
            origin: match from {
                From::Scenario(file) => Origin::Scenario(file),
                From::Preset => Origin::Preset,
                From::Files(files) => Origin::Files(files),
            },
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

/// What the configuration files of a cloud say, under every shipped job kind, and their names; `None`: all that is
/// wrong has been told.
fn configurations(args: &LintArgs, output: &Output) -> Option<(ToLint, Vec<String>)> {
    let (configurations, choices) = args.conf.read("configuration", output)?;
    if matches!(choices.schedule, Schedule::Unsaid) {
        output.note("assumed that keys rotate every 24 h: say when they do with --rotate-every or --crontab");
    }
    let text = import::settings_text(&configurations, &choices);
    match scenario::text_to_lint("the scenario", &text, Path::new("")) {
        Ok(read) => {
            // Only what the files say has a place: the scenario between is seen by nobody.
            let files = configurations.files().map(str::to_owned).collect();
            Some((ToLint { places: configurations.grounds(&choices), ..read }, files))
        }
        Err(issues) => {
            output.issues(issues.render(output.stderr_colour()));
            None
        }
    }
}

/// An error in a line each.
fn errors(linted: &[Linted<'_>], output: &Output) {
    for (linted, finding) in linted.iter().flat_map(|one| one.report.findings.iter().map(move |finding| (one, finding)))
    {
        if finding.severity == Severity::Error {
            let place = finding.place.as_ref().map(|place| format!("{}:{}", place.file, place.line));
            let place = place.unwrap_or_else(|| linted.study.name.clone());
            output.error(format_args!("{place}: {} [{}]", title(finding), finding.lint.code()));
        }
    }
}

fn print(linted: &[Linted<'_>], format: LintFormat, output: &Output) {
    let all = |render: &dyn Fn(Linted<'_>) -> String| linted.iter().map(|one| render(*one)).collect::<Vec<String>>();
    match format {
        LintFormat::Text if output.quiet => errors(linted, output),
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
