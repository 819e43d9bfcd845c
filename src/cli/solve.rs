//! `outlast solve`: the cheapest values of one or two keys that meet a target, and what they cost.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::output::Output;
use super::simulate::simulate_only;
use super::{Format, SimulationArgs};
use crate::analysis::solve::{Tried, cheapest, frontier};
use crate::analysis::{self, Check, PointResult, Problem};
use crate::document::Issues;
use crate::import::Service;
use crate::lint::{self, Exact};
use crate::model::ServiceId;
use crate::model::study::{Expectation, Study};
use crate::report::solve::{Candidate, Key, Told, json, markdown, text};
use crate::scenario::{Domain, Notation, Open, OpenKey, Question};
use crate::units::Span;

/// What `solve` is asked.
#[derive(Debug, Args)]
pub(super) struct SolveArgs {
    /// The scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What shall hold, as in `[[expect]]`: 'failure_rate <= 0.1%', and then perhaps 'of WORKLOAD', 'at STEP', 'for REASON',
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
    let mut trials = Trials { args, output, values, open, done: BTreeMap::new(), refused: Vec::new() };
    let now = trials.simulate(&written)?.remove(0);
    let expectation = written.expectations[0].clone();
    trials.output.detail(format_args!("{}: {}", written.name, expectation.text));

    let (found, breaks, nearest) = match trials.lens().as_slice() {
        [len] => {
            let line = cheapest(*len, |places| trials.try_all(&places.iter().map(|at| vec![*at]).collect::<Vec<_>>()))?;
            let one = |at: usize| vec![at];
            let answer = line.answer();
            // What shows that there is none cheaper.
            let misses = |at: usize| {
                line.tried.range(..at).rfind(|(_, tried)| matches!(tried, Tried::Misses(_))).map(|(at, _)| *at)
            };
            let next = answer.and_then(misses);
            let nearest = if answer.is_some() { next } else { line.nearest() };
            (answer.map(one).into_iter().collect(), line.breaks().into_iter().map(one).collect(), nearest.map(one))
        }
        [first, second] => {
            let found = frontier([*first, *second], |pairs| {
                trials.try_all(&pairs.iter().map(|pair| pair.to_vec()).collect::<Vec<_>>())
            })?;
            let nearest = found.nearest().filter(|_| found.pairs.is_empty()).map(|pair| pair.to_vec());
            let lists = |pairs: Vec<[usize; 2]>| pairs.iter().map(|pair| pair.to_vec()).collect::<Vec<_>>();
            (lists(found.pairs), lists(found.breaks), nearest)
        }
        _ => unreachable!("there are one or two keys"),
    };
    if trials.done.is_empty() {
        return Err(Failed::Issues(trials.refused.pop().expect("each was refused for a reason").1));
    }
    let candidate = |at: &Vec<usize>| trials.done[at].clone();
    let told = Told {
        scenario: &written.name,
        expectation: &expectation,
        keys: &trials.keys(),
        now,
        solutions: found.iter().map(candidate).collect(),
        nearest: nearest.as_ref().map(candidate),
        // Too few jobs for a bound are no break.
        breaks: breaks.iter().map(candidate).filter(|one| is_missed(&expectation, &one.check)).collect(),
        tried: trials.done.len(),
        refused: trials
            .refused
            .iter()
            .map(|(values, issues)| (values.clone(), issues.lines().swap_remove(0)))
            .collect(),
        replications: written.points[0].model.run.replications,
    };
    match args.format {
        Format::Text => output.result(text(&told, output.stdout_colour()).trim_end()),
        Format::Json => output.result_always(json(&told)),
        Format::Markdown => output.result_always(markdown(&told).trim_end()),
    }
    Ok(if told.solutions.is_empty() { Exit::ExpectationFailed } else { Exit::Done })
}

/// The values of a key, the cheapest first.
struct Values {
    kind: ValueKind,
    descending: bool,
}

enum ValueKind {
    Numbers { notation: Notation, min: i64, step: i64, len: usize },
    Words(Vec<String>),
}

impl Values {
    fn len(&self) -> usize {
        match &self.kind {
            ValueKind::Numbers { len, .. } => *len,
            ValueKind::Words(words) => words.len(),
        }
    }

    /// The value at a place as TOML, and as people read it.
    fn at(&self, place: usize) -> (String, String) {
        let place = if self.descending { self.len() - 1 - place } else { place };
        match &self.kind {
            ValueKind::Numbers { notation, min, step, .. } => {
                let number = min + step * place as i64;
                let toml = notation.toml(number);
                let label = match notation {
                    Notation::Seconds => Exact(Span::from_seconds(number)).to_string(),
                    Notation::Count
                    | Notation::Duration
                    | Notation::Size
                    | Notation::Throughput
                    | Notation::Poisson
                    | Notation::Share => toml.trim_matches('"').to_owned(),
                };
                (toml, label)
            }
            ValueKind::Words(words) => (words[place].clone(), words[place].trim_matches('"').to_owned()),
        }
    }

    /// A value as it is written in the scenario, as people read it.
    fn label(&self, written: &str) -> String {
        match (&self.kind, written.parse()) {
            (ValueKind::Numbers { notation: Notation::Seconds, .. }, Ok(seconds)) => {
                Exact(Span::from_seconds(seconds)).to_string()
            }
            _ => written.to_owned(),
        }
    }

    /// What was looked at, in words.
    fn range(&self) -> String {
        let last = self.len() - 1;
        let (low, high) = if self.descending { (last, 0) } else { (0, last) };
        match &self.kind {
            ValueKind::Numbers { .. } => format!("from {} to {}", self.at(low).1, self.at(high).1),
            ValueKind::Words(_) => format!("of its {}", self.len()),
        }
    }
}

/// More of a key makes this harder, so that the largest is asked for: what workloads bring, and what goes wrong in Keystone.
fn is_burden(path: &str) -> bool {
    const BURDENS: [&str; 5] = [
        "cloud.keystone.clock_offset",
        "cloud.keystone.sync_",
        "cloud.keystone.validation_time",
        "cloud.keystone.issue_time",
        "cloud.requests.time",
    ];
    path.starts_with("workload.") || BURDENS.iter().any(|burden| path.starts_with(burden))
}

fn values(args: &SolveArgs, keys: &[OpenKey]) -> Result<Vec<Values>, String> {
    for (option, given) in [("--min", &args.min), ("--max", &args.max), ("--step", &args.step)] {
        if given.len() > keys.len() {
            return Err(format!("`{option}` has {} values for {} keys", given.len(), keys.len()));
        }
    }
    keys.iter().enumerate().map(|(index, key)| of_key(args, index, key)).collect()
}

fn of_key(args: &SolveArgs, index: usize, key: &OpenKey) -> Result<Values, String> {
    let descending = args.largest || (!args.smallest && is_burden(&key.path));
    let given = |option: &'static str, list: &[String]| {
        list.get(index).filter(|text| !text.is_empty()).map(|text| (option, text.clone()))
    };
    let given = [given("--min", &args.min), given("--max", &args.max), given("--step", &args.step)];
    let Domain::Numbers { notation, min, max, step } = key.domain else {
        let Domain::Words(words) = &key.domain else { unreachable!("numbers are above") };
        if let Some((option, _)) = given.into_iter().flatten().next() {
            return Err(format!("`{option}`: `{}` has no order, and each of its values is tried", key.path));
        }
        return Ok(Values { kind: ValueKind::Words(words.clone()), descending });
    };
    let mut bounds = [min, max, step];
    for (bound, given) in bounds.iter_mut().zip(&given) {
        if let Some((option, text)) = given {
            *bound = notation.read(text).map_err(|why| format!("`{option} {text}` of `{}`: {why}", key.path))?;
        }
    }
    let [min, max, step] = bounds;
    if step < 1 {
        return Err(format!("`--step` of `{}` must be above zero", key.path));
    }
    if min > max {
        let (low, high) = (notation.toml(min), notation.toml(max));
        return Err(format!("`{}`: the least value, {low}, is above the greatest, {high}", key.path));
    }
    let len = usize::try_from((max - min) / step + 1).map_err(|error| error.to_string())?;
    Ok(Values { kind: ValueKind::Numbers { notation, min, step, len }, descending })
}

/// The values that have been tried.
struct Trials<'a> {
    args: &'a SolveArgs,
    output: &'a Output,
    values: Vec<Values>,
    open: Open,
    done: BTreeMap<Vec<usize>, Candidate>,
    /// What the scenario does not take, and why.
    refused: Vec<(String, Issues)>,
}

impl Trials<'_> {
    fn lens(&self) -> Vec<usize> {
        self.values.iter().map(Values::len).collect()
    }

    fn keys(&self) -> Vec<Key> {
        let file = |(service, section, name): (&str, &str, &str)| {
            let known = Service::ALL.into_iter().find(|known| known.code() == service);
            let file = known.map_or_else(|| format!("{service}.conf"), |service| service.file_name().to_owned());
            (file, section.to_owned(), name.to_owned())
        };
        let key = |(key, values): (&OpenKey, &Values)| Key {
            path: key.path.clone(),
            file: key.option.map(file),
            now: key.now.as_ref().map(|now| values.label(now)),
            range: values.range(),
            extreme: if values.descending { "largest" } else { "smallest" },
        };
        self.open.keys().iter().zip(&self.values).map(key).collect()
    }

    fn try_all(&mut self, rows: &[Vec<usize>]) -> Result<Vec<Tried>, Failed> {
        let at = |row: &Vec<usize>| row.iter().zip(&self.values).map(|(place, values)| values.at(*place)).unzip();
        let written: Vec<(Vec<String>, Vec<String>)> = rows.iter().map(at).collect();
        let tomls: Vec<Vec<String>> = written.iter().map(|(toml, _)| toml.clone()).collect();
        let study = match self.open.study(&tomls) {
            Ok(study) => study,
            Err(issues) if rows.len() == 1 => {
                self.refused.push((written[0].1.join(", "), issues));
                return Ok(vec![Tried::Refused]);
            }
            // Which of them it was is known when each is asked for alone.
            Err(_) => {
                return rows.iter().map(|row| Ok(self.try_all(std::slice::from_ref(row))?[0])).collect();
            }
        };
        let simulated = self.simulate(&study)?;
        let tried = simulated.iter().map(|candidate| tried(&study.expectations[0], &candidate.check)).collect();
        for ((row, (toml, labels)), candidate) in rows.iter().zip(written).zip(simulated) {
            self.output.detail(format_args!("{}: {:?}", labels.join(", "), candidate.check.value));
            self.done.insert(row.clone(), Candidate { toml, labels, ..candidate });
        }
        Ok(tried)
    }

    /// What comes of every point of a study.
    fn simulate(&self, study: &Study) -> Result<Vec<Candidate>, Failed> {
        let simulated = simulate_only(study, self.args.simulation.threads(), self.output);
        if simulated.interrupted {
            return Err(Failed::Interrupted);
        }
        let verdict = analysis::judge(study, &simulated.results).remove(0);
        let candidates = simulated.results.iter().zip(verdict.checks).map(|(result, check)| {
            let model = &study.points[result.point].model;
            let hours = (model.run.duration - model.run.warm_up).seconds() / 3_600.0;
            Candidate {
                toml: Vec::new(),
                labels: Vec::new(),
                check,
                keys: lint::keys_at_start(model),
                validations_per_hour: validations(result)
                    .map(|count| count as f64 / (hours * f64::from(result.replications))),
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

/// Whether the estimate misses the target too, and not only its bound.
fn is_missed(expectation: &Expectation, check: &Check) -> bool {
    let estimate = check.value.is_none_or(|value| {
        expectation.max.is_some_and(|max| value > max) || expectation.min.is_some_and(|min| value < min)
    });
    estimate || check.problem == Some(Problem::UnfinishedJobs)
}

/// Whether a target is met, and how far it is away.
fn tried(expectation: &Expectation, check: &Check) -> Tried {
    let beyond = |bound: Option<f64>, end: Option<f64>| Some(bound? - end.or(check.value)?);
    match check.problem {
        None => Tried::Meets,
        Some(Problem::TooHigh | Problem::TooLow | Problem::NoBound | Problem::TooFewJobs) => {
            let high = beyond(expectation.max, check.high).map(|left| -left);
            let low = beyond(expectation.min, check.low);
            Tried::Misses(high.or(low).unwrap_or(f64::MAX))
        }
        // However good the number is, it is not that of all jobs.
        Some(Problem::UnfinishedJobs | Problem::NoSuchWorkload) => Tried::Misses(f64::MAX),
    }
}
