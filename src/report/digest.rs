//! What is said about a study, in what order: verdicts, sentences, tables. How it looks is the renderers' business.

use crate::analysis::{Check, FailureRow, PointResult, Problem, Summary, Verdict};
use crate::model::study::{Expectation, Point, Study};
use crate::model::vocabulary::Reason;
use crate::units::Span;

use super::words::{self, NOTHING};
use super::{Findings, cautions, remedies};

/// As many rows as a person reads; all of them are in the CSV.
const ROWS: usize = 40;
/// As many ways of failing.
const WAYS: usize = 5;
/// As many pools.
const POOLS: usize = 10;

/// Everything that is said about a study.
pub(crate) struct Digest {
    /// Whether every expectation holds; `None` without expectations.
    pub(crate) holds: Option<bool>,
    /// The one sentence that is read if only one is.
    pub(crate) headline: String,
    pub(crate) verdicts: Vec<Said>,
    /// What else is worth a sentence: rates, best and worst point.
    pub(crate) sentences: Vec<String>,
    pub(crate) summary: Grid,
    pub(crate) failures: Option<Grid>,
    pub(crate) remedies: Option<Grid>,
    pub(crate) pools: Option<Grid>,
    /// Cautions: what the reader should know before believing the numbers.
    pub(crate) notes: Vec<String>,
}

/// One expectation and what came of it.
pub(crate) struct Said {
    pub(crate) holds: bool,
    pub(crate) text: String,
    /// Empty if it holds.
    pub(crate) why: String,
    /// `file:line`.
    pub(crate) place: String,
}

/// A table of text.
pub(crate) struct Grid {
    pub(crate) title: String,
    /// The file that holds all of it.
    pub(crate) file: &'static str,
    pub(crate) heads: Vec<Head>,
    pub(crate) rows: Vec<Vec<String>>,
    /// What is not shown, in a sentence; may be empty.
    pub(crate) remark: String,
}

/// The head of a column.
pub(crate) struct Head {
    pub(crate) text: String,
    pub(crate) kind: HeadKind,
}

/// How a column is set, and what may happen to it where room is short.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadKind {
    /// Words, on the left; may be cut.
    Label,
    /// A number, on the right; stays.
    Number,
    /// A number that may be left out; the highest rank goes first.
    Optional(u8),
}

impl Grid {
    pub(super) fn new(title: impl Into<String>, file: &'static str, remark: String) -> Grid {
        Grid { title: title.into(), file, heads: Vec::new(), rows: Vec::new(), remark }
    }

    pub(super) fn head(&mut self, text: impl Into<String>, kind: HeadKind) {
        self.heads.push(Head { text: text.into(), kind });
    }
}

impl Digest {
    /// Words for these findings.
    pub(crate) fn of(findings: Findings<'_>) -> Digest {
        let Findings { study, results, verdicts } = findings;
        let said: Vec<Said> = verdicts.iter().filter_map(|verdict| said(study, verdict)).collect();
        let holds = (!said.is_empty()).then(|| said.iter().all(|verdict| verdict.holds));
        let mut sentences = sentences(study, results);
        let headline = match holds {
            Some(true) if said.len() == 1 => format!("{}: the expectation holds", study.name),
            Some(true) => format!("{}: all {} expectations hold", study.name, said.len()),
            Some(false) => {
                let failed = said.iter().filter(|verdict| !verdict.holds).count();
                match (failed, said.len()) {
                    (1, 1) => format!("{}: the expectation does not hold", study.name),
                    (1, all) => format!("{}: 1 of {all} expectations does not hold", study.name),
                    (failed, all) => format!("{}: {failed} of {all} expectations do not hold", study.name),
                }
            }
            None if sentences.is_empty() => format!("{}: nothing was simulated", study.name),
            None => format!("{}: {}", study.name, sentences.remove(0)),
        };
        Digest {
            holds,
            headline,
            verdicts: said,
            sentences,
            summary: summary(study, results),
            failures: failures(study, results),
            remedies: remedies::grid(study, results),
            pools: pools(study, results),
            notes: cautions::all(study, results),
        }
    }

    /// The tables, in order.
    pub(crate) fn grids(&self) -> impl Iterator<Item = &Grid> {
        std::iter::once(&self.summary).chain(&self.failures).chain(&self.remedies).chain(&self.pools)
    }
}

/// What came of one expectation.
fn said(study: &Study, verdict: &Verdict) -> Option<Said> {
    let expectation = study.expectations.get(verdict.expectation)?;
    Some(Said {
        holds: verdict.holds(),
        text: expectation.text.clone(),
        why: why(study, expectation, verdict),
        place: expectation.place.clone(),
    })
}

/// Why an expectation does not hold: its worst point, with value, bound and limit.
pub(crate) fn why(study: &Study, expectation: &Expectation, verdict: &Verdict) -> String {
    if verdict.checks.is_empty() {
        return "it matches no point of the sweep".to_string();
    }
    let failed: Vec<&Check> = verdict.checks.iter().filter(|check| !check.holds()).collect();
    let Some(worst) = failed.iter().copied().reduce(|worst, check| if is_worse(check, worst) { check } else { worst })
    else {
        return String::new();
    };
    let mut text = problem(expectation, worst);
    if study.points.len() > 1 {
        text = match failed.len() {
            1 => format!("at {}: {text}", words::point_name(study, worst.point)),
            some => format!(
                "at {some} of {} points, worst at {}: {text}",
                verdict.checks.len(),
                words::point_name(study, worst.point)
            ),
        };
    }
    text
}

/// Whether a failed check says more than another: a bound that is exceeded by more, before one that is missing.
fn is_worse(check: &Check, than: &Check) -> bool {
    let rank = |check: &Check| match check.problem {
        Some(Problem::TooHigh) => (3, check.high.unwrap_or(f64::INFINITY)),
        Some(Problem::TooLow) => (3, -check.low.unwrap_or(f64::NEG_INFINITY)),
        Some(Problem::UnfinishedJobs) => (2, 0.0),
        Some(Problem::NoBound | Problem::TooFewJobs) => (1, 0.0),
        Some(Problem::NoSuchWorkload) => (1, 0.0),
        None => (0, 0.0),
    };
    let (ours, theirs) = (rank(check), rank(than));
    ours.0 > theirs.0 || (ours.0 == theirs.0 && ours.1 > theirs.1)
}

fn problem(expectation: &Expectation, check: &Check) -> String {
    let show = |value: Option<f64>| {
        value.map_or_else(|| NOTHING.to_string(), |value| words::metric_value(expectation.metric, value))
    };
    // What differs must read differently, however little it is.
    let apart = |bound: Option<f64>, limit: Option<f64>| {
        let bound =
            bound.map_or_else(|| NOTHING.to_string(), |bound| words::metric_apart(expectation.metric, bound, limit));
        (bound, show(limit))
    };
    let metric = expectation.metric.code();
    match check.problem {
        None => String::new(),
        Some(Problem::TooHigh) => {
            let (bound, limit) = apart(check.high, expectation.max);
            format!("{metric} is {}, its upper bound {bound} exceeds {limit}", show(check.value))
        }
        Some(Problem::TooLow) => {
            let (bound, limit) = apart(check.low, expectation.min);
            format!("{metric} is {}, its lower bound {bound} is below {limit}", show(check.value))
        }
        Some(Problem::NoBound) => {
            format!("{metric} has no bound: no job finished, or there is one replication only")
        }
        Some(Problem::TooFewJobs) => {
            format!("{metric} is {}, and too few jobs completed to bound it", show(check.value))
        }
        Some(Problem::UnfinishedJobs) => "some jobs did not end before `run.drain` was over".to_string(),
        Some(Problem::NoSuchWorkload) => {
            format!("there is no workload {}", expectation.workload.as_deref().unwrap_or("of this name"))
        }
    }
}

/// The rates in words; the first sentence can stand alone.
fn sentences(study: &Study, results: &[PointResult]) -> Vec<String> {
    let Some((best, worst)) = extremes(results) else { return Vec::new() };
    if results.len() == 1 {
        return vec![point_sentence(study, worst)];
    }
    let estimate = |result: &PointResult| result.all().failure_rate.estimate;
    let points = words::counted(results.len() as u64, "point");
    let (Some(low), Some(high)) = (estimate(best), estimate(worst)) else {
        return vec![format!("no job finished at any of {points}")];
    };
    let first = if high <= 0.0 {
        format!("no job fails at any of {points}")
    } else if low >= high {
        format!("{} of jobs fail at each of {points}", words::percent(high))
    } else {
        format!("between {} and {} of jobs fail, over {points}", words::percent(low), words::percent(high))
    };
    if low >= high {
        return vec![first];
    }
    let named = |word: &str, result| {
        format!("{word}: {}: {}", words::point_name(study, result_number(result)), point_sentence(study, result))
    };
    vec![first, named("best", best), named("worst", worst)]
}

fn result_number(result: &PointResult) -> usize {
    result.point
}

/// `3.21 % of boot-from-volume jobs fail (95 % interval 3 to 3.4 %), most often user_token_expired at poll`.
fn point_sentence(study: &Study, result: &PointResult) -> String {
    let row = result.all();
    let Some(point) = super::point(study, result.point) else { return String::new() };
    let first = &point.model.workloads[0];
    let kind = if point.model.workloads.iter().all(|workload| workload.kind.name == first.kind.name) {
        format!("{} ", first.kind.name)
    } else {
        String::new()
    };
    let Some(estimate) = row.failure_rate.estimate else { return format!("no {kind}job finished") };
    let level = words::percent(row.confidence);
    let interval = words::interval(&row.failure_rate);
    if estimate <= 0.0 {
        return match interval {
            Some(bound) => format!("no {kind}job fails ({bound} at {level} confidence)"),
            None => format!("no {kind}job fails"),
        };
    }
    let mut text = format!("{} of {kind}jobs fail", words::percent(estimate));
    if let Some(interval) = interval {
        text.push_str(&format!(" ({level} interval {interval})"));
    }
    if let Some(way) = ways(result).first() {
        let step = point.model.workloads[way.workload].kind.step_name(way.first_cause_step);
        text.push_str(&format!(", most often {} at {step}", way.first_cause_reason.code()));
    }
    text
}

/// The points that fail least and most; the first of equals.
pub(crate) fn extremes(results: &[PointResult]) -> Option<(&PointResult, &PointResult)> {
    let rate = |result: &PointResult| result.all().failure_rate.estimate;
    let first = results.first()?;
    let known: Vec<&PointResult> = results.iter().filter(|result| rate(result).is_some()).collect();
    let pick = |better: fn(f64, f64) -> bool| {
        known
            .iter()
            .copied()
            .reduce(|kept, next| match (rate(next), rate(kept)) {
                (Some(next_rate), Some(kept_rate)) if better(next_rate, kept_rate) => next,
                _ => kept,
            })
            .unwrap_or(first)
    };
    Some((pick(|next, kept| next < kept), pick(|next, kept| next > kept)))
}

/// The ways of failing at a point, the most frequent first.
pub(crate) fn ways(result: &PointResult) -> Vec<&FailureRow> {
    let mut ways: Vec<&FailureRow> = result.failures.iter().collect();
    ways.sort_by_key(|way| std::cmp::Reverse(way.jobs));
    ways
}

/// The rows of the summary that are shown, and what is said about the others.
fn shown<'a>(study: &Study, results: &'a [PointResult]) -> (Vec<(&'a PointResult, &'a Summary)>, String) {
    let several = study.points.iter().any(|point| point.model.workloads.len() > 1);
    let every: Vec<_> = results
        .iter()
        .flat_map(|result| result.rows.iter().map(move |row| (result, row)))
        .filter(|(_, row)| several || row.workload.is_none())
        .collect();
    if every.len() <= ROWS {
        return (every, String::new());
    }
    let mut totals: Vec<_> = results.iter().map(|result| (result, result.all())).collect();
    let all = words::count(every.len() as u64);
    if totals.len() <= ROWS {
        return (totals, format!("All workloads together; all {all} rows are in summary.csv."));
    }
    let rate = |row: &Summary| row.failure_rate.estimate.unwrap_or(-1.0);
    totals.sort_by(|a, b| rate(b.1).total_cmp(&rate(a.1)).then(a.0.point.cmp(&b.0.point)));
    totals.truncate(ROWS);
    totals.sort_by_key(|(result, _)| result.point);
    let points = words::counted(results.len() as u64, "point");
    (totals, format!("The {ROWS} of {points} that fail most; all {all} rows are in summary.csv."))
}

fn summary(study: &Study, results: &[PointResult]) -> Grid {
    let (shown, remark) = shown(study, results);
    let mut grid = Grid::new("", "summary.csv", remark);
    let varying: Vec<usize> = (0..study.axes.len()).filter(|&axis| study.axes[axis].values.len() > 1).collect();
    let keys = words::short_keys(&study.axes);
    let any = |has: fn(&Summary) -> bool| shown.iter().any(|(_, row)| has(row));
    let workloads = shown.iter().any(|(_, row)| row.workload.is_some());
    let unfinished = any(|row| row.counts.unfinished > 0);
    let token = any(|row| row.counts.token_failures != row.counts.failed);
    let confidence = shown.first().map_or(0.0, |(_, row)| row.confidence);

    if results.len() > 1 {
        grid.head("point", HeadKind::Number);
    }
    for &axis in &varying {
        grid.head(&keys[axis], HeadKind::Label);
    }
    if workloads {
        grid.head("workload", HeadKind::Label);
    }
    grid.head("jobs", HeadKind::Number);
    if unfinished {
        grid.head("unfinished", HeadKind::Number);
    }
    grid.head("fail", HeadKind::Number);
    grid.head(format!("{} interval", words::percent(confidence)), HeadKind::Number);
    if token {
        grid.head("for a token", HeadKind::Optional(1));
    }
    grid.head("orphans", HeadKind::Optional(2));
    grid.head("median", HeadKind::Optional(0));
    grid.head("95 % end in", HeadKind::Optional(3));
    grid.head("1 % margin", HeadKind::Optional(4));

    for (result, row) in shown {
        let Some(point) = super::point(study, result.point) else { continue };
        let mut cells = Vec::with_capacity(grid.heads.len());
        if results.len() > 1 {
            cells.push(result.point.to_string());
        }
        cells.extend(varying.iter().map(|&axis| study.axes[axis].values[point.values[axis]].label.clone()));
        if workloads {
            cells.push(workload_name(point, row.workload));
        }
        cells.push(words::count(row.counts.jobs));
        if unfinished {
            cells.push(words::count(row.counts.unfinished));
        }
        let share = |estimate: Option<f64>| estimate.map_or_else(|| NOTHING.to_string(), words::percent);
        cells.push(share(row.failure_rate.estimate));
        cells.push(words::interval(&row.failure_rate).unwrap_or_else(|| NOTHING.to_string()));
        if token {
            cells.push(share(row.token_failure_rate.estimate));
        }
        cells.push(words::count(row.counts.orphans));
        cells.push(words::optional_duration(row.durations.quantile(0.5)));
        cells.push(words::optional_duration(row.durations.quantile(0.95)));
        cells.push(words::optional_duration(row.margins.quantile(0.01)));
        grid.rows.push(cells);
    }
    grid
}

fn workload_name(point: &Point, workload: Option<usize>) -> String {
    workload.map_or_else(|| "all".to_string(), |index| point.model.workloads[index].name.clone())
}

/// Where and why jobs fail at the worst point; `None` if none fail anywhere.
fn failures(study: &Study, results: &[PointResult]) -> Option<Grid> {
    let (_, worst) = extremes(results)?;
    let ways = ways(worst);
    let point = super::point(study, worst.point)?;
    if ways.is_empty() {
        return None;
    }
    let title = if results.len() > 1 {
        format!("Failures at {}, which fails most", words::point_name(study, worst.point))
    } else {
        "Failures".to_string()
    };
    let several = point.model.workloads.len() > 1;
    let later = ways.iter().any(|way| (way.step, way.reason) != (way.first_cause_step, way.first_cause_reason));
    let remark = if ways.len() > WAYS {
        format!("{} more in failures.csv.", words::counted((ways.len() - WAYS) as u64, "way"))
    } else {
        String::new()
    };
    let mut grid = Grid::new(title, "failures.csv", remark);
    grid.head("of finished", HeadKind::Number);
    grid.head("jobs", HeadKind::Number);
    grid.head("orphans", HeadKind::Optional(0));
    if several {
        grid.head("workload", HeadKind::Label);
    }
    grid.head(if later { "first cause" } else { "why" }, HeadKind::Label);
    if later {
        grid.head("seen as", HeadKind::Label);
    }
    for way in ways.into_iter().take(WAYS) {
        let workload = &point.model.workloads[way.workload];
        let at = |reason: Reason, step| format!("{} at {}", reason.code(), workload.kind.step_name(step));
        let mut cells = vec![words::percent(way.share_of_finished), words::count(way.jobs), words::count(way.orphans)];
        if several {
            cells.push(workload.name.clone());
        }
        let (cause, seen) = (at(way.first_cause_reason, way.first_cause_step), at(way.reason, way.step));
        let same = cause == seen;
        cells.push(cause);
        if later {
            cells.push(if same { "the same".to_string() } else { seen });
        }
        grid.rows.push(cells);
    }
    Some(grid)
}

/// Who queues where, the fullest pools of all points; `None` if nobody can queue anywhere.
fn pools(study: &Study, results: &[PointResult]) -> Option<Grid> {
    struct Row {
        point: usize,
        name: String,
        utilisation: Option<f64>,
        /// Slots, mean wait, 99th percentile.
        of_slots: [String; 3],
    }
    let mut rows = Vec::new();
    for result in results {
        let Some(point) = super::point(study, result.point) else { continue };
        rows.extend(result.pools.iter().map(|row| {
            let mean = row.wait_mean.map(Span::from_seconds_f64);
            let waits = [mean, row.waits.quantile(0.99)].map(words::optional_duration);
            let [mean, p99] = waits;
            let slots = row.slots.map_or_else(|| NOTHING.to_string(), words::slots);
            let name = words::pool_name(&point.model, row.pool);
            Row { point: result.point, name, utilisation: row.utilisation, of_slots: [slots, mean, p99] }
        }));
        rows.extend(result.links.iter().map(|row| {
            let name = point.model.links[row.link.index()].name.clone();
            let of_slots = [NOTHING; 3].map(str::to_owned);
            Row { point: result.point, name, utilisation: row.utilisation, of_slots }
        }));
    }
    if rows.is_empty() {
        return None;
    }
    let all = rows.len();
    if all > POOLS {
        // Stable: of equals, the first stay.
        rows.sort_by(|a, b| b.utilisation.unwrap_or(-1.0).total_cmp(&a.utilisation.unwrap_or(-1.0)));
        rows.truncate(POOLS);
    }
    let remark =
        if all > POOLS { format!("The {POOLS} fullest of {all}; all are in services.csv.") } else { String::new() };
    let mut grid = Grid::new("Queues", "services.csv", remark);
    if results.len() > 1 {
        grid.head("point", HeadKind::Number);
    }
    grid.head("pool", HeadKind::Label);
    for (head, kind) in [
        ("slots", HeadKind::Optional(0)),
        ("in use", HeadKind::Number),
        ("mean wait", HeadKind::Number),
        ("99 % wait", HeadKind::Number),
    ] {
        grid.head(head, kind);
    }
    for Row { point, name, utilisation, of_slots: [slots, mean, p99] } in rows {
        let number = (results.len() > 1).then(|| point.to_string());
        let used = utilisation.map_or_else(|| NOTHING.to_string(), words::percent);
        grid.rows.push(number.into_iter().chain([name, slots, used, mean, p99]).collect());
    }
    Some(grid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn queues_are_told_where_somebody_can_queue() {
        assert!(Digest::of(fixture::single().findings()).pools.is_none());
        let mut case = fixture::busy();
        case.results.truncate(1);
        let grid = Digest::of(case.findings()).pools.unwrap();
        let heads: Vec<&str> = grid.heads.iter().map(|head| head.text.as_str()).collect();
        assert_eq!(heads, ["pool", "slots", "in use", "mean wait", "99 % wait"]);
        let rows: Vec<String> = grid.rows.iter().map(|row| row.join(", ")).collect();
        assert_eq!(
            rows,
            [
                "keystone.api, 8, 2.1 %, 0 s, –",
                "nova.builds, 40, 100 %, 49.5 s, 1 min 38 s",
                "image_transfer, –, 99.8 %, –, –",
                "volume_copy, –, –, –, –",
            ]
        );
    }

    #[test]
    fn of_many_pools_the_fullest_are_shown() {
        let mut case = fixture::busy();
        let pools = case.results[1].pools.clone();
        (0..8).for_each(|_| case.results[1].pools.extend(pools.iter().cloned()));
        let grid = Digest::of(case.findings()).pools.unwrap();
        assert_eq!(grid.rows.len(), POOLS);
        assert_eq!(grid.rows[0][..2], ["0", "nova.builds"]);
        assert_eq!(grid.rows[2][..2], ["1", "nova.builds"]);
        assert_eq!(grid.remark, "The 10 fullest of 24; all are in services.csv.");
    }
}
