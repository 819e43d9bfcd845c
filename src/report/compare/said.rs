//! What is said about a comparison, and which rows people see.

use std::path::Path;

use super::super::digest::{Grid, HeadKind};
use super::super::words::{self, NOTHING};
use super::{Line, Told, lines};
use crate::analysis::compare::{Alone, Compared, Comparison, Measure, Mismatch, Outcome, Remark, Replicated, Unit};
use crate::units::Span;

/// What the two results are called.
pub(super) const SIDES: [&str; 2] = ["A", "B"];

/// As many comparisons are shown even if nothing came of them.
const FEW: usize = 24;
/// As many rows as a person reads.
const MOST: usize = 40;
/// As many points or workloads that only one result has are named.
const NAMED: usize = 5;

/// Everything that is said.
pub(super) struct Said {
    /// Whether the gate is open; `None` without one.
    pub(super) holds: Option<bool>,
    pub(super) headline: String,
    /// What A is, and B.
    pub(super) sides: [String; 2],
    pub(super) grid: Grid,
    pub(super) notes: Vec<String>,
    pub(super) how: String,
}

impl Said {
    pub(super) fn of(told: Told<'_>) -> Said {
        let Told { results, comparison, .. } = told;
        Said {
            holds: told.is_gate.then(|| !comparison.has_regression()),
            headline: headline(comparison),
            sides: [0, 1].map(|side| {
                let Replicated { name, scenario, version, inputs, .. } = results[side];
                // As many digits as tell one input from another; all are in the JSON.
                let inputs = inputs.get(..12).map_or(String::new(), |inputs| format!(", inputs {inputs}"));
                format!("{}  {name} ({scenario}, outlast {version}{inputs})", SIDES[side])
            }),
            grid: grid(told),
            notes: notes(results, comparison),
            how: how(results, comparison),
        }
    }
}

/// `16 comparisons: 3 worse, 1 better, 12 without a detected difference`.
fn headline(comparison: &Comparison) -> String {
    let all = comparison.rows.iter().map(|row| row.measures.len()).sum::<usize>();
    let counts = Outcome::ALL.into_iter().map(|outcome| (outcome, comparison.count(outcome)));
    let parts: Vec<String> = counts
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| {
            let words = match outcome {
                Outcome::Worse => "worse",
                Outcome::Lost => "lost",
                Outcome::Better => "better",
                Outcome::Small => "below the threshold",
                Outcome::Undetected => "without a detected difference",
                Outcome::Identical => "identical",
                Outcome::Unbounded => "without an interval",
                Outcome::NoData => "without data",
            };
            format!("{} {words}", words::count(count as u64))
        })
        .collect();
    format!("{}: {}", words::counted(all as u64, "comparison"), parts.join(", "))
}

/// What people call it, in the words of the tables of a run.
const fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::FailureRate => "fail",
        Measure::TokenFailureRate => "for a token",
        Measure::OrphansPerJob => "orphans/job",
        Measure::DurationMean => "mean time",
        Measure::DurationP50 => "median",
        Measure::DurationP95 => "95 % end in",
        Measure::DurationP99 => "99 % end in",
        Measure::MarginP01 => "1 % margin",
    }
}

/// The word in the table.
const fn verdict(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Worse => "worse",
        Outcome::Lost => "lost",
        Outcome::Better => "better",
        Outcome::Small => "small",
        Outcome::Undetected => "none detected",
        Outcome::Identical => "identical",
        Outcome::Unbounded => "no interval",
        Outcome::NoData => "no data",
    }
}

/// The comparisons that are shown, and what is said about the others.
fn shown(told: Told<'_>) -> (Vec<Line<'_>>, String) {
    let every: Vec<Line<'_>> = lines(told.comparison).collect();
    if told.all || every.len() <= FEW {
        return (every, String::new());
    }
    let all = every.len();
    let is_change = |outcome| matches!(outcome, Outcome::Worse | Outcome::Lost | Outcome::Better | Outcome::Unbounded);
    let mut changed: Vec<(usize, Line<'_>)> =
        every.into_iter().enumerate().filter(|(_, line)| is_change(line.compared.outcome)).collect();
    let changes = changed.len();
    // The clearest first, then as they stood.
    changed.sort_by(|(_, one), (_, other)| clarity(other.compared).total_cmp(&clarity(one.compared)));
    changed.truncate(MOST);
    changed.sort_by_key(|(place, _)| *place);
    let unchanged = words::count((all - changes) as u64);
    let remark = if changes > MOST {
        format!("The {MOST} clearest of {} changes; --all shows every comparison.", words::count(changes as u64))
    } else {
        format!(
            "{unchanged} of {} comparisons changed nothing worth a row; --all shows them.",
            words::count(all as u64)
        )
    };
    (changed.into_iter().map(|(_, line)| line).collect(), remark)
}

/// How far from no difference, in half-widths of the interval; what is worse comes before what is better.
fn clarity(compared: &Compared) -> f64 {
    let far = match (compared.difference, compared.interval) {
        (Some(difference), Some((low, high))) if high > low => 2.0 * difference.abs() / (high - low),
        (Some(_), Some(_)) => f64::MAX,
        _ => 0.0,
    };
    if compared.is_regression() { 1.0 + far } else { far / (1.0 + far) }
}

fn grid(told: Told<'_>) -> Grid {
    let (shown, remark) = shown(told);
    let comparison = told.comparison;
    let mut grid = Grid::new("", "the CSV (--format csv)", remark);
    let axes: Vec<&str> = comparison.axes.iter().map(String::as_str).collect();
    let varies = |axis: &usize| comparison.rows.iter().any(|row| row.values[*axis] != comparison.rows[0].values[*axis]);
    let varying: Vec<usize> = (0..axes.len()).filter(varies).collect();
    let several = comparison.rows.iter().any(|row| row.workload != comparison.rows[0].workload);
    for (axis, name) in words::short_names(&axes).into_iter().enumerate().filter(|(axis, _)| varying.contains(axis)) {
        let is_time = comparison.rows.iter().all(|row| time(axes[axis], &row.values[axis]).is_some());
        let unit = if is_time { "_s" } else { "" };
        grid.head(name.strip_suffix(unit).unwrap_or(&name), HeadKind::Label);
    }
    if several {
        grid.head("workload", HeadKind::Label);
    }
    grid.head("metric", HeadKind::Label);
    for head in ["A", "B", "B - A"] {
        grid.head(head, HeadKind::Number);
    }
    grid.head(format!("{} interval", words::percent(comparison.each)), HeadKind::Number);
    grid.head("difference", HeadKind::Number);
    grid.head("pairing", HeadKind::Optional(0));
    for Line { row, compared, .. } in shown {
        let mut cells: Vec<String> = varying.iter().map(|&axis| label(axes[axis], &row.values[axis])).collect();
        if several {
            cells.push(row.workload.clone());
        }
        let measure = compared.measure;
        cells.push(name(measure).to_owned());
        cells.extend(compared.estimates.map(|value| optional(value, |value| plain(measure, value))));
        cells.push(optional(compared.difference, |difference| signed(measure, difference)));
        cells.push(optional(compared.interval, |(low, high)| between(measure, low, high)));
        cells.push(verdict(compared.outcome).to_owned());
        cells.push(optional(compared.variance_ratio, gain));
        grid.rows.push(cells);
    }
    grid
}

fn optional<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NOTHING.to_owned(), show)
}

/// The time that a cell of a column with `_s` holds.
fn time(axis: &str, cell: &str) -> Option<Span> {
    axis.ends_with("_s").then(|| cell.parse().ok().map(Span::from_seconds_f64)).flatten()
}

/// The value of a sweep column as people read it.
fn label(axis: &str, cell: &str) -> String {
    time(axis, cell).map_or_else(|| cell.to_owned(), words::duration)
}

/// A number with no more digits than a reader wants.
fn three_digits(value: f64) -> String {
    format!("{value:.2e}").parse::<f64>().map_or_else(|_| NOTHING.to_owned(), |value| value.to_string())
}

/// How many times more, `4.8x`.
fn gain(ratio: f64) -> String {
    if ratio > 1_000.0 { ">1,000x".to_owned() } else { format!("{ratio:.1}x") }
}

fn plain(measure: Measure, value: f64) -> String {
    match measure.unit() {
        Unit::Share => words::percent(value),
        Unit::PerJob => three_digits(value),
        Unit::Seconds => words::duration(Span::from_seconds_f64(value)),
    }
}

/// A difference; of shares, in percentage points.
fn signed(measure: Measure, value: f64) -> String {
    match measure.unit() {
        Unit::Share => format!("{} pp", bare(measure, value)),
        Unit::PerJob | Unit::Seconds => bare(measure, value),
    }
}

fn bare(measure: Measure, value: f64) -> String {
    let sign = match value {
        value if value > 0.0 => "+",
        value if value < 0.0 => "-",
        _ => "",
    };
    let size = match measure.unit() {
        Unit::Share => words::percent_number(value.abs()),
        Unit::PerJob => three_digits(value.abs()),
        Unit::Seconds => words::duration(Span::from_seconds_f64(value.abs())),
    };
    format!("{sign}{size}")
}

fn between(measure: Measure, low: f64, high: f64) -> String {
    format!("{} to {}", bare(measure, low), signed(measure, high))
}

fn notes(results: [&Replicated; 2], comparison: &Comparison) -> Vec<String> {
    let mut notes: Vec<String> = [0, 1].into_iter().flat_map(|side| alone(side, comparison)).collect();
    notes.extend(comparison.remarks.iter().map(|remark| self::remark(remark, results, comparison)));
    if comparison.count(Outcome::Unbounded) > 0 {
        notes.push(
            "a single pair of replications gives no interval, so nothing can be said about differences; use more \
             --replications"
                .to_owned(),
        );
    }
    if comparison.rows.iter().any(|row| is_of_survivors(&row.measures)) {
        notes.push(
            "durations are those of completed jobs: where other jobs complete because more or fewer fail, they change even \
             if no job takes longer"
                .to_owned(),
        );
    }
    let level = words::percent(comparison.confidence);
    let intervals = comparison.rows.iter().flat_map(|row| &row.measures).filter(|one| one.interval.is_some()).count();
    if comparison.each > comparison.confidence {
        notes.push(format!(
            "all {} intervals together hold with {level} confidence (each with {}, Bonferroni)",
            words::count(comparison.compared as u64),
            words::percent(comparison.each)
        ));
    } else if intervals > 1 {
        let by_chance = (1.0 - comparison.confidence) * intervals as f64;
        let by_chance =
            if by_chance < 1_000.0 { three_digits(by_chance) } else { words::count(by_chance.round() as u64) };
        notes.push(format!(
            "each interval holds with {level} confidence by itself: were there no difference anywhere, {by_chance} of {} \
             would be called worse or better all the same; --family-wise holds all together",
            words::count(intervals as u64)
        ));
    }
    notes
}

/// Whether durations may have changed only because other jobs complete.
fn is_of_survivors(measures: &[Compared]) -> bool {
    let changes = |of: fn(Measure) -> bool| {
        let is_change = |compared: &&Compared| matches!(compared.outcome, Outcome::Worse | Outcome::Better);
        measures.iter().filter(is_change).any(|compared| of(compared.measure))
    };
    changes(|measure| measure == Measure::FailureRate) && changes(Measure::is_of_durations)
}

/// What only this side has, in at most two sentences.
fn alone(side: usize, comparison: &Comparison) -> Vec<String> {
    let (mut points, mut workloads) = (Vec::new(), Vec::new());
    for alone in &comparison.alone {
        match alone {
            Alone::Point { side: of, point, values } if *of == side => {
                let keys = words::short_names(&comparison.axes.iter().map(String::as_str).collect::<Vec<_>>());
                let values: Vec<String> =
                    keys.iter().zip(values).map(|(key, value)| format!("{key} = {value}")).collect();
                points.push(format!("{point} ({})", values.join(", ")));
            }
            Alone::Workload { side: of, workload, .. } if *of == side => workloads.push(workload.clone()),
            Alone::Point { .. } | Alone::Workload { .. } => {}
        }
    }
    let sentence = |what: &str, names: Vec<String>| {
        let more = names.len().saturating_sub(NAMED);
        let named = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let rest = if more > 0 { format!(" and {} more", words::count(more as u64)) } else { String::new() };
        let plural = if names.len() == 1 { "" } else { "s" };
        (!names.is_empty()).then(|| format!("only {} has {what}{plural} {named}{rest}", SIDES[side]))
    };
    [sentence("point", points), sentence("workload", workloads)].into_iter().flatten().collect()
}

fn remark(remark: &Remark, results: [&Replicated; 2], comparison: &Comparison) -> String {
    match remark {
        Remark::Versions => format!(
            "outlast {} simulated A and outlast {} simulated B: what differs may be the simulator, and the same seed may \
             mean other jobs",
            results[0].version, results[1].version
        ),
        Remark::Confidences => format!(
            "A asks for {} confidence and B for {}; the higher is used",
            words::percent(results[0].confidence),
            words::percent(results[1].confidence)
        ),
        Remark::Incomplete(side) => {
            format!("{} was interrupted; what is complete of it is compared", SIDES[*side])
        }
        Remark::Replications { rows, counts: [first, second], common } => {
            let all = comparison.rows.len();
            let at = if *rows == all { String::new() } else { format!(" at {rows} of {all} rows") };
            format!("A has {first} replications and B {second}{at}; the {common} that both have are compared")
        }
        Remark::Unfinished([first, second]) => format!(
            "jobs did not end before the drain was over, {} in A and {} in B, and count as neither completed nor failed",
            words::count(*first),
            words::count(*second)
        ),
        Remark::Kinds { workload, jobs: [first, second] } => {
            format!("the jobs of `{workload}` are of kind {first} in A and {second} in B")
        }
    }
}

/// Seed and effort, and what the pairs bought.
fn how(results: [&Replicated; 2], comparison: &Comparison) -> String {
    let measures = || comparison.rows.iter().flat_map(|row| &row.measures);
    let pairs = || measures().map(|compared| compared.pairs);
    let (least, most) = (pairs().min().unwrap_or(0), pairs().max().unwrap_or(0));
    let pairs = if least == most { most.to_string() } else { format!("{least} to {most}") };
    let mut text = format!("Seed {}, {pairs} pairs of replications.", results[0].seed);
    let mut ratios: Vec<f64> = measures().filter_map(|compared| compared.variance_ratio).collect();
    ratios.sort_by(f64::total_cmp);
    if let (Some(least), Some(most)) = (ratios.first(), ratios.last()) {
        let median = ratios[(ratios.len() - 1) / 2];
        let spread = if gain(*least) != gain(*most) {
            format!(" (from {} to {})", gain(*least), gain(*most))
        } else {
            String::new()
        };
        text.push_str(&format!(
            " For intervals as narrow as these, independent runs would need {} the replications{spread}.",
            gain(median)
        ));
    }
    text
}

/// Why results of these seeds cannot be compared, and what to do about it.
pub fn seeds_differ(names: [&Path; 2], seeds: [u64; 2]) -> String {
    let ([first, second], [a, b]) = (names.map(Path::display), seeds);
    format!(
        "{first} has seed {a} and {second} seed {b}: their replications saw other jobs and make no pairs; simulate one of \
         them again with the seed of the other (--seed)"
    )
}

/// Why two results cannot be compared, and what to do about it.
pub fn refusal(mismatch: &Mismatch, results: [&Replicated; 2]) -> String {
    let [first, second] = results.map(|result| &result.name);
    match mismatch {
        Mismatch::Seeds => seeds_differ([first.as_ref(), second.as_ref()], results.map(|result| result.seed)),
        Mismatch::SweptByOne { side, axis, values } => format!(
            "{} has {values} values of `{axis}`, over which {} does not sweep, so that no point of it tells to which it \
             belongs; sweep over it in both, or leave one value",
            results[*side].name,
            results[1 - side].name
        ),
        Mismatch::NoCommonPoint if results[0].axes.is_empty() => {
            format!("{first} and {second} have no point in common")
        }
        Mismatch::NoCommonPoint => format!(
            "{first} and {second} have no point in common: no two of them have the same values of {}",
            results[0].axes.iter().map(|axis| format!("`{axis}`")).collect::<Vec<_>>().join(", ")
        ),
        Mismatch::NoCommonReplication => {
            format!("{first} and {second} have no replication of the same number, and so no pairs")
        }
    }
}
