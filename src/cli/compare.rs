//! `outlast compare`: two results, or what two scenarios give, pair by pair of replications.

use std::path::Path;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::CompareArgs;
use super::exit::Exit;
use super::load::{Loaded, load};
use super::output::Output;
use super::simulate::simulate_only;
use crate::analysis::compare::{self, Measure, Outcome, Question, Replicated};
use crate::model::Estimator;
use crate::report::compare::{Told, csv, json, markdown, refusal, seeds_differ, text};
use crate::report::replicated;
use crate::units::parse;

/// What `compare` prints or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs: a row per comparison
    Csv,
    /// For pull requests
    Markdown,
    /// For programs: the same with what is said about them
    Json,
}

impl Format {
    /// As the name of a file says.
    fn of(path: &Path) -> Format {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Format::Csv,
            Some("md" | "markdown") => Format::Markdown,
            Some("json") => Format::Json,
            Some(_) | None => Format::Text,
        }
    }

    fn render(self, told: Told<'_>, colour: bool) -> String {
        match self {
            Format::Text => text(told, colour),
            Format::Csv => csv(told),
            Format::Markdown => markdown(told),
            Format::Json => json(told),
        }
    }
}

/// A difference that is too small to matter below it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Threshold {
    /// Of rates.
    Share(f64),
    /// Of times, in seconds.
    Seconds(f64),
}

/// Reads `0.1%` or `2s`.
pub(super) fn threshold(text: &str) -> Result<Threshold, String> {
    if text.trim_end().ends_with('%') {
        parse::share(text).map(Threshold::Share)
    } else {
        let wrong = |error| format!("{error}; a difference of rates is given in percentage points (\"0.1%\")");
        parse::span(text).map(|span| Threshold::Seconds(span.seconds())).map_err(wrong)
    }
}

/// Reads the name of a metric.
pub(super) fn measure() -> impl TypedValueParser<Value = Measure> {
    let named = |code: String| Measure::ALL.into_iter().find(|measure| measure.code() == code);
    PossibleValuesParser::new(Measure::ALL.map(Measure::code))
        .map(move |code| named(code).expect("only names of metrics are possible"))
}

pub(super) fn compare(args: &CompareArgs, output: &Output) -> Exit {
    match try_compare(args, output) {
        Ok(exit) | Err(exit) => exit,
    }
}

/// Fails with the exit code of what has been told already.
fn try_compare(args: &CompareArgs, output: &Output) -> Result<Exit, Exit> {
    let could_not = |why: String| {
        output.error(why);
        Exit::CouldNotRun
    };
    if args.a.is_dir() && args.b.is_dir() {
        let given =
            [("--seed", args.simulation.seed.is_some()), ("--replications", args.simulation.replications.is_some())];
        if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) {
            return Err(could_not(format!(
                "{option} is for scenario files, and {} and {} are results that are there already",
                args.a.display(),
                args.b.display()
            )));
        }
    }
    // Both are read before any is simulated, so that the problems of both are told, and at once.
    let [first, second] = [&args.a, &args.b].map(|path| Source::read(path, args, output));
    let (first, second) = (first?, second?);
    if first.seed() != second.seed() {
        return Err(could_not(seeds_differ([&args.a, &args.b], [first.seed(), second.seed()])));
    }
    let results = [&first.result(args, output)?, &second.result(args, output)?];
    let comparison =
        compare::compare(results, &question(args)).map_err(|mismatch| could_not(refusal(&mismatch, results)))?;
    let told = Told { results, comparison: &comparison, all: args.all, is_gate: args.fail_on_regression };

    let format = args.format.unwrap_or_else(|| args.out.as_deref().map_or(Format::Text, Format::of));
    match &args.out {
        Some(path) => {
            std::fs::write(path, format.render(told, false))
                .map_err(|error| could_not(format!("{}: cannot write: {error}", path.display())))?;
            output.result(text(told, output.stdout_colour()).trim_end());
        }
        None if format == Format::Text => output.result(text(told, output.stdout_colour()).trim_end()),
        None => output.result_always(format.render(told, false).trim_end()),
    }
    if !args.fail_on_regression {
        return Ok(Exit::Done);
    }
    if comparison.has_regression() {
        return Ok(Exit::ExpectationFailed);
    }
    if comparison.count(Outcome::Unbounded) > 0 {
        return Err(could_not(
            "one pair of replications gives no interval, and so --fail-on-regression has nothing to decide by; use \
             --replications 2 or more"
                .to_owned(),
        ));
    }
    Ok(Exit::Done)
}

fn question(args: &CompareArgs) -> Question {
    let mut question = Question {
        measures: Measure::USUAL.to_vec(),
        least_share: 0.0,
        least_seconds: 0.0,
        family_wise: args.family_wise,
    };
    if !args.metric.is_empty() {
        question.measures.clone_from(&args.metric);
        question.measures.sort_unstable();
        question.measures.dedup();
    }
    for threshold in &args.threshold {
        match threshold {
            Threshold::Share(share) => question.least_share = *share,
            Threshold::Seconds(seconds) => question.least_seconds = *seconds,
        }
    }
    question
}

/// Where a result comes from.
enum Source {
    /// A folder, which has been read.
    Folder(Replicated),
    /// A scenario, which is yet to be simulated.
    Scenario(Loaded),
}

impl Source {
    /// Reads a folder or a scenario file; tells what is wrong.
    fn read(path: &Path, args: &CompareArgs, output: &Output) -> Result<Source, Exit> {
        let could_not = |why: String| {
            output.error(why);
            Exit::CouldNotRun
        };
        if path.is_dir() {
            return replicated::read(path).map(Source::Folder).map_err(could_not);
        }
        if !path.exists() {
            return Err(could_not(format!(
                "{}: there is no such file or folder; name a folder that `outlast run` wrote, or a scenario file",
                path.display()
            )));
        }
        let loaded = load(path, &args.simulation.overrides(), output).map_err(|_| Exit::CouldNotRun)?;
        if loaded.study.points[0].model.run.estimator == Estimator::Conditional {
            return Err(could_not(replicated::only_counts(&path.display().to_string())));
        }
        Ok(Source::Scenario(loaded))
    }

    fn seed(&self) -> u64 {
        match self {
            Source::Folder(result) => result.seed,
            Source::Scenario(loaded) => loaded.study.points[0].model.run.seed,
        }
    }

    /// What it shows, simulated if need be.
    fn result(self, args: &CompareArgs, output: &Output) -> Result<Replicated, Exit> {
        let Loaded { path, study, .. } = match self {
            Source::Folder(result) => return Ok(result),
            Source::Scenario(loaded) => loaded,
        };
        let simulated = simulate_only(&study, args.simulation.threads(), output);
        if simulated.interrupted {
            output.error("interrupted: nothing was compared");
            return Err(Exit::Interrupted);
        }
        Ok(replicated::of(path.display().to_string(), &study, &simulated.results))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_carry_their_unit() {
        for (text, expected) in [
            ("0.1%", Some(Threshold::Share(0.001))),
            ("2s", Some(Threshold::Seconds(2.0))),
            ("1m 30s", Some(Threshold::Seconds(90.0))),
            ("0.1", None),
            ("-1s", None),
            ("200%", None),
        ] {
            assert_eq!(threshold(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_file_says_its_format() {
        for (name, format) in
            [("a.md", Format::Markdown), ("a.csv", Format::Csv), ("b/a.json", Format::Json), ("summary", Format::Text)]
        {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
    }
}
