//! `outlast solve`: the cheapest values of one or two keys that meet a target, and what they cost.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::simulate::simulate_only;
use super::{Format, SimulationArgs};
use crate::analysis::solve::{Settings, Tried, cheapest, frontier, is_missed};
use crate::analysis::{self, PointResult};
use crate::document::Issues;
use crate::import::file_and_section;
use crate::lint;
use crate::model::ServiceId;
use crate::model::study::Study;
use crate::report::solve::{Candidate, Key, Selection, Told, json, markdown, text};
use crate::scenario::{Open, OpenKey, Question, Values, Wanted};

/// What `solve` is asked.
#[derive(Debug, Args)]
pub(super) struct SolveArgs {
    /// The scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What shall hold, as in `[[expect]]`: 'failure_rate <= 0.1%', and then perhaps 'of WORKLOAD', 'at STEP', 'for
    /// REASON',
    /// 'with confidence 0.99'
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// The key whose value is asked for; of two keys, with a comma, the frontier is given
    #[arg(long, value_name = "KEY,…", value_delimiter = ',', required = true)]
    vary: Vec<String>,
    /// The least value to look at, one for each key in their order [default: 1 min, 1, 0 %, …; a window of 0]
    #[arg(long, value_name = "VALUE,…", value_delimiter = ',')]
    min: Vec<String>,
    /// The greatest value to look at [default: 30 d, 1000, 1 TiB, …]
    #[arg(long, value_name = "VALUE,…", value_delimiter = ',')]
    max: Vec<String>,
    /// The distance of the values looked at [default: 1 min, 1, 1 GiB, …]
    #[arg(long, value_name = "VALUE,…", value_delimiter = ',')]
    step: Vec<String>,
    /// Ask for the smallest value [default for options, rotation periods and speeds]
    #[arg(long, conflicts_with = "largest")]
    smallest: bool,
    /// Ask for the largest value [default for what workloads bring, and for lags, losses and times of Keystone]
    #[arg(long)]
    largest: bool,
    /// The point of the scenario's sweep at which it is asked
    #[arg(long, value_name = "NUMBER")]
    point: Option<usize>,
    /// Only this workload has to meet the target
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// Also show every value that was tried, with what came of it and its price
    #[arg(long)]
    curve: bool,
    #[command(flatten)]
    simulation: SimulationArgs,
    /// What to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn solve(args: &SolveArgs, output: &Output) -> Exit {
    match answer(args, output) {
        Ok(exit) => exit,
        Err(Failed::Said(message)) => {
            output.error(message);
            Exit::CouldNotRun
        }
        Err(Failed::Issues(issues)) => {
            output.issues(issues.render(output.stderr_colour()));
            Exit::CouldNotRun
        }
        Err(Failed::Interrupted) => {
            output.error("interrupted: nothing is kept of what was tried");
            Exit::Interrupted
        }
    }
}

/// Why there is no answer at all.
enum Failed {
    Said(String),
    Issues(Issues),
    Interrupted,
}

fn answer(args: &SolveArgs, output: &Output) -> Result<Exit, Failed> {
    if let [one, other] = args.vary.as_slice()
        && one == other
    {
        return Err(Failed::Said(format!("`--vary` names `{one}` twice")));
    }
    if args.vary.len() > 2 {
        return Err(Failed::Said(format!("`--vary` takes one or two keys, and these are {}", args.vary.len())));
    }
    let question =
        Question { target: &args.target, workload: args.workload.as_deref(), vary: &args.vary, point: args.point };
    let mut open = Open::load(&args.file, question, &args.simulation.overrides()).map_err(Failed::Issues)?;
    let values = values(args, open.keys()).map_err(Failed::Said)?;
    let written = open.as_written().map_err(Failed::Issues)?;
    let settings = values.iter().map(settings).collect();
    let mut trials = Trials { args, output, values, settings, open, done: BTreeMap::new(), refused: Vec::new() };
    let now = trials.simulate(&written)?.remove(0);
    let expectation = written.expectations[0].clone();
    trials.output.detail(format_args!("{}: {}", written.name, expectation.text));

    let settings = trials.settings.clone();
    let (found, breaks, nearest, selection) = match settings.as_slice() {
        [one] => {
            let line = cheapest(one, |places| trials.try_all(&places.iter().map(|at| vec![*at]).collect::<Vec<_>>()))?;
            let one = |at: usize| vec![at];
            let answer = line.answer();
            let nearest = if answer.is_some() { line.next_cheaper() } else { line.nearest() };
            let breaks = line.breaks().into_iter().map(one).collect();
            (answer.map(one).into_iter().collect(), breaks, nearest.map(one), None)
        }
        [first, second] => {
            let found = frontier(&[first.clone(), second.clone()], |pairs| {
                trials.try_all(&pairs.iter().map(|pair| pair.to_vec()).collect::<Vec<_>>())
            })?;
            let nearest = found.nearest().filter(|_| found.pairs.is_empty()).map(|pair| pair.to_vec());
            let lists = |pairs: Vec<[usize; 2]>| pairs.iter().map(|pair| pair.to_vec()).collect::<Vec<_>>();
            let (shown, of) = found.columns;
            let selection = (shown < of).then_some(Selection { shown, of });
            (lists(found.pairs), lists(found.breaks), nearest, selection)
        }
        _ => unreachable!("there are one or two keys"),
    };
    if trials.done.is_empty() {
        return Err(Failed::Said(trials.all_refused()));
    }
    let candidate = |at: &Vec<usize>| trials.done[at].clone();
    // Where nobody fails in this way, no value is the cheapest that prevents it.
    let is_seen = now.is_seen || trials.done.values().any(|candidate| candidate.is_seen);
    let has_order = trials.values.len() > 1 || trials.values[0].are_ordered();
    let told = Told {
        scenario: &written.name,
        expectation: &expectation,
        keys: &trials.keys(),
        now,
        solutions: found.iter().filter(|_| is_seen).map(candidate).collect(),
        nearest: nearest.as_ref().filter(|_| is_seen).map(candidate),
        // Too few jobs for a bound are no break, and words have no order that could have one.
        breaks: breaks
            .iter()
            .filter(|_| has_order)
            .map(candidate)
            .filter(|one| is_missed(&expectation, &one.check))
            .collect(),
        tried: trials.done.values().cloned().collect(),
        is_seen,
        selection,
        with_curve: args.curve,
        refused: trials.refused.iter().map(|(values, why)| (values.clone(), why.join("; "))).collect(),
        replications: written.points[0].model.run.replications,
    };
    match args.format {
        Format::Text => output.result(text(&told, output.stdout_colour()).trim_end()),
        Format::Json => output.result_always(json(&told)),
        Format::Markdown => output.result_always(markdown(&told).trim_end()),
    }
    Ok(if told.solutions.is_empty() { Exit::ExpectationFailed } else { Exit::Done })
}

fn values(args: &SolveArgs, keys: &[OpenKey]) -> Result<Vec<Values>, String> {
    for (option, given) in [("--min", &args.min), ("--max", &args.max), ("--step", &args.step)] {
        if given.len() > keys.len() {
            let count = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
            let (values, keys) = (count(given.len(), "value"), count(keys.len(), "key"));
            return Err(format!("`{option}` has {values} for {keys}"));
        }
    }
    let greatest = match (args.smallest, args.largest) {
        (true, _) => Some(false),
        (_, true) => Some(true),
        (false, false) => None,
    };
    let of = |(index, key): (usize, &OpenKey)| {
        let given = |list: &'_ [String]| list.get(index).map(|text| text.to_owned()).filter(|text| !text.is_empty());
        let (min, max, step) = (given(&args.min), given(&args.max), given(&args.step));
        let wanted = Wanted { min: min.as_deref(), max: max.as_deref(), step: step.as_deref(), greatest };
        Values::of(key, wanted)
    };
    keys.iter().enumerate().map(of).collect()
}

/// The values by their places only.
fn settings(values: &Values) -> Settings {
    Settings {
        len: values.len(),
        first: values.first(),
        descending: values.descending,
        offset: values.offset(),
        now: values.now,
        laborious: values.laborious,
    }
}

/// The values that have been tried.
struct Trials<'a> {
    args: &'a SolveArgs,
    output: &'a Output,
    values: Vec<Values>,
    /// The same by their places.
    settings: Vec<Settings>,
    open: Open,
    done: BTreeMap<Vec<usize>, Candidate>,
    /// What the scenario does not take, and why.
    refused: Vec<(String, Vec<String>)>,
}

impl Trials<'_> {
    fn keys(&self) -> Vec<Key> {
        let file = |(service, section, name): (&str, &str, &str)| {
            let (file, section) = file_and_section(service, section);
            (file, section.to_owned(), name.to_owned())
        };
        let key = |(index, (key, values)): (usize, (&OpenKey, &Values))| {
            let places = || self.done.keys().map(|row| row[index]);
            let ends = (places().min().unwrap_or(0), places().max().unwrap_or(0));
            Key {
                path: key.path.clone(),
                file: key.option.map(file),
                now: values.label(key),
                range: values.range(ends.0, ends.1),
                only: (values.are_ordered() && ends.0 == ends.1).then(|| values.at(ends.0).1),
                is_ordered: values.are_ordered(),
                is_greatest: values.descending,
            }
        };
        self.open.keys().iter().zip(&self.values).enumerate().map(key).collect()
    }

    /// Why there is nothing to look at.
    fn all_refused(&self) -> String {
        let keys: Vec<String> = self.open.keys().iter().map(|key| format!("`{}`", key.path)).collect();
        let what = if keys.len() == 1 { "no value" } else { "no pair of values" };
        let ((first, why), (last, _)) = (&self.refused[0], &self.refused[self.refused.len() - 1]);
        let range = if first == last { first.clone() } else { format!("{first} to {last}") };
        format!("the scenario takes {what} of {} that was looked at ({range}): {}", keys.join(" and "), why.join("; "))
    }

    fn try_all(&mut self, rows: &[Vec<usize>]) -> Result<Vec<Tried>, Failed> {
        let at = |row: &Vec<usize>| row.iter().zip(&self.values).map(|(place, values)| values.at(*place)).unzip();
        let written: Vec<(Vec<String>, Vec<String>)> = rows.iter().map(at).collect();
        let tomls: Vec<Vec<String>> = written.iter().map(|(toml, _)| toml.clone()).collect();
        let study = match self.open.study(&tomls) {
            Ok(study) => study,
            Err(issues) if rows.len() == 1 => {
                let why = issues.messages().into_iter().map(str::to_owned).collect();
                self.refused.push((written[0].1.join(", "), why));
                return Ok(vec![Tried::Refused]);
            }
            // Which of them it was is known when each is asked for alone.
            Err(_) => {
                return rows.iter().map(|row| Ok(self.try_all(std::slice::from_ref(row))?[0])).collect();
            }
        };
        let simulated = self.simulate(&study)?;
        let expectation = &study.expectations[0];
        let tried = simulated.iter().map(|candidate| Tried::of(expectation, &candidate.check)).collect();
        for ((row, (toml, labels)), candidate) in rows.iter().zip(written).zip(simulated) {
            self.output.detail(format_args!("{}: {:?}", labels.join(", "), candidate.check.value));
            let at_end = row.iter().zip(&self.values).map(|(place, values)| values.is_last(*place)).collect();
            let distance = row.iter().zip(&self.settings).map(|(place, settings)| settings.distance(*place)).sum();
            self.done.insert(row.clone(), Candidate { toml, labels, at_end, distance, ..candidate });
        }
        Ok(tried)
    }

    /// What comes of every point of a study.
    fn simulate(&self, study: &Study) -> Result<Vec<Candidate>, Failed> {
        let simulated = simulate_only(study, self.args.simulation.threads(), self.output);
        if simulated.interrupted {
            return Err(Failed::Interrupted);
        }
        let expectation = &study.expectations[0];
        let verdict = analysis::judge(study, &simulated.results).remove(0);
        let candidates = simulated.results.iter().zip(verdict.checks).map(|(result, check)| {
            let model = &study.points[result.point].model;
            let hours = (model.run.duration - model.run.warm_up).seconds() / 3_600.0 * f64::from(result.replications);
            Candidate {
                toml: Vec::new(),
                labels: Vec::new(),
                at_end: Vec::new(),
                distance: 0.0,
                is_seen: analysis::is_seen(expectation, model, result),
                check,
                keys: lint::keys_at_start(model),
                jobs_per_hour: result.all().counts.jobs as f64 / hours,
                validations_per_hour: validations(result).map(|count| count as f64 / hours),
            }
        });
        Ok(candidates.collect())
    }
}

/// Validations that Keystone answered.
fn validations(result: &PointResult) -> Option<u64> {
    let facts = result.services.iter().find(|(service, _)| *service == ServiceId::KEYSTONE);
    facts.map(|(_, facts)| facts.requests)
}
