//! Two results, pair by pair: replications of one seed see the same jobs, so that their differences vary little.

mod join;
mod measure;
#[cfg(test)]
mod tests;

use crate::stats::{Difference, Ends, RatioPair, bonferroni, difference_of_means, difference_of_ratios};

pub use join::{Alone, Mismatch};
use join::{Joined, Pair, join};
use measure::Source;
pub use measure::{Measure, Unit};

/// What a run showed by replication: `replications.csv` and what of `run.json` belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicated {
    /// What the user calls it: a folder or a scenario file.
    pub name: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Version of outlast that simulated it.
    pub version: String,
    /// SHA-256 of everything that was read for it: the scenario, what it includes, traces.
    pub inputs: String,
    /// Seed of every random stream.
    pub seed: u64,
    /// Confidence level that the scenario asks for.
    pub confidence: f64,
    /// Whether every point is in it; not so after an interruption.
    pub complete: bool,
    /// Names of the sweep's columns.
    pub axes: Vec<String>,
    /// One entry per point and workload, in the order of the file.
    pub rows: Vec<ReplicatedRow>,
}

/// The replications of one workload, or of all together, at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicatedRow {
    /// Number of the point.
    pub point: usize,
    /// Its value on each axis, as in the file.
    pub values: Vec<String>,
    /// Name of the workload, or `all`.
    pub workload: String,
    /// Kind of its jobs; empty for `all`.
    pub job: String,
    /// In ascending order of their numbers.
    pub replications: Vec<Replication>,
}

/// What one replication of one workload showed; times in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Replication {
    /// Number of the replication.
    pub number: u32,
    /// Jobs that ended well.
    pub completed: u64,
    /// Jobs that ended badly.
    pub failed: u64,
    /// Jobs that did not end.
    pub unfinished: u64,
    /// Failed jobs whose first cause is a token's.
    pub token_failures: u64,
    /// Resources that failed jobs left.
    pub orphans: u64,
    /// Mean duration of completed jobs.
    pub duration_mean: Option<f64>,
    /// Median duration.
    pub duration_p50: Option<f64>,
    /// 95th percentile of the durations.
    pub duration_p95: Option<f64>,
    /// 99th percentile of the durations.
    pub duration_p99: Option<f64>,
    /// 1st percentile of the smallest margins.
    pub margin_p01: Option<f64>,
}

impl Replication {
    fn finished(&self) -> f64 {
        (self.completed + self.failed) as f64
    }
}

/// What is asked of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What to compare, in the order in which it is told.
    pub measures: Vec<Measure>,
    /// The least difference of shares that is worth a verdict.
    pub least_share: f64,
    /// The least difference of times, in seconds.
    pub least_seconds: f64,
    /// Whether all intervals are to hold together with the confidence, and not each by itself.
    pub family_wise: bool,
}

impl Question {
    fn least(&self, unit: Unit) -> f64 {
        match unit {
            Unit::Share => self.least_share,
            Unit::Seconds => self.least_seconds,
            Unit::PerJob => 0.0,
        }
    }
}

/// Two results, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Confidence that was asked for: of each interval, or of all together if they are family-wise.
    pub confidence: f64,
    /// Confidence of each interval.
    pub each: f64,
    /// How many differences have an estimate on both sides.
    pub compared: usize,
    /// Names of the sweep columns by which points were matched.
    pub axes: Vec<String>,
    /// A row per point and workload that both have, in the order of the first result.
    pub rows: Vec<ComparedRow>,
    /// What only one of them has.
    pub alone: Vec<Alone>,
    /// What the reader should know.
    pub remarks: Vec<Remark>,
}

impl Comparison {
    /// Whether anything got worse.
    pub fn has_regression(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.measures).any(|compared| compared.is_regression())
    }

    /// How often something came of it.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().flat_map(|row| &row.measures).filter(|compared| compared.outcome == outcome).count()
    }
}

/// One workload, or all together, at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedRow {
    /// Numbers of the point in both results.
    pub points: [usize; 2],
    /// Its values on the common axes.
    pub values: Vec<String>,
    /// Name of the workload, or `all`.
    pub workload: String,
    /// Kind of its jobs in the second result; empty for `all`.
    pub job: String,
    /// One entry per measure of the question.
    pub measures: Vec<Compared>,
}

/// One measure at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// Which.
    pub measure: Measure,
    /// Replications that have it on both sides.
    pub pairs: usize,
    /// The estimates of both results, from these replications.
    pub estimates: [Option<f64>; 2],
    /// Second minus first.
    pub difference: Option<f64>,
    /// Its interval from pairs.
    pub interval: Option<Ends>,
    /// The interval that as many independent replications would give.
    pub unpaired: Option<Ends>,
    /// How many times more replications would be needed without pairs.
    pub variance_ratio: Option<f64>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Compared {
    /// Whether a gate should close: it is worse, or it is gone.
    pub const fn is_regression(&self) -> bool {
        matches!(self.outcome, Outcome::Worse | Outcome::Lost)
    }
}

/// What came of comparing one measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The interval lies on the bad side of zero, and the difference is not small.
    Worse,
    /// The first result has it, and the second has nothing to take it from.
    Lost,
    /// The interval lies on the good side of zero, and the difference is not small.
    Better,
    /// The interval does not contain zero, but the difference is smaller than what is worth a verdict.
    Small,
    /// The interval contains zero.
    Undetected,
    /// The same in every pair.
    Identical,
    /// There is a difference and one pair only, which gives no interval.
    Unbounded,
    /// There is nothing to take it from in the first result.
    NoData,
}

impl Outcome {
    /// Every outcome, in the order in which they are counted.
    pub const ALL: [Outcome; 8] = [
        Outcome::Worse,
        Outcome::Lost,
        Outcome::Better,
        Outcome::Small,
        Outcome::Undetected,
        Outcome::Identical,
        Outcome::Unbounded,
        Outcome::NoData,
    ];

    /// The code in files.
    pub const fn code(self) -> &'static str {
        match self {
            Outcome::Worse => "worse",
            Outcome::Lost => "lost",
            Outcome::Better => "better",
            Outcome::Small => "small",
            Outcome::Undetected => "no_difference_detected",
            Outcome::Identical => "identical",
            Outcome::Unbounded => "no_interval",
            Outcome::NoData => "no_data",
        }
    }
}

/// What the reader of a comparison should know.
#[derive(Clone, Debug, PartialEq)]
pub enum Remark {
    /// They were simulated by different versions, so that differences may be those of the simulator.
    Versions,
    /// They ask for different confidence levels; the higher is used.
    Confidences,
    /// One (0 or 1) was interrupted.
    Incomplete(usize),
    /// At some rows one has replications that the other has not; how many each has at the first such row, and how many
    /// both have.
    Replications {
        /// Rows.
        rows: usize,
        /// At the first of them.
        counts: [usize; 2],
        /// Of these, in both.
        common: usize,
    },
    /// Jobs that did not end, in the replications compared.
    Unfinished([u64; 2]),
    /// A workload has jobs of different kinds.
    Kinds {
        /// Its name.
        workload: String,
        /// The kinds.
        jobs: [String; 2],
    },
}

/// The second result minus the first.
///
/// # Errors
/// Why they cannot be compared.
pub fn compare(results: [&Replicated; 2], question: &Question) -> Result<Comparison, Mismatch> {
    let Joined { axes, pairs, alone } = join(results)?;
    let confidence = results[0].confidence.max(results[1].confidence);
    let samples = || pairs.iter().flat_map(|pair| question.measures.iter().map(|measure| Sample::of(*measure, pair)));
    let compared = samples().filter(Sample::is_on_both_sides).count();
    let each = if question.family_wise { bonferroni(confidence, compared) } else { confidence };
    let mut judged = samples().map(|sample| sample.judge(each, question));
    let rows = pairs.iter().map(|pair| ComparedRow {
        points: [pair.rows[0].point, pair.rows[1].point],
        values: pair.values.iter().map(|value| (*value).to_owned()).collect(),
        workload: pair.rows[0].workload.clone(),
        job: pair.rows[1].job.clone(),
        measures: judged.by_ref().take(question.measures.len()).collect(),
    });
    Ok(Comparison {
        confidence,
        each,
        compared,
        rows: rows.collect(),
        axes: axes.into_iter().map(str::to_owned).collect(),
        alone,
        remarks: remarks(results, &pairs),
    })
}

/// Whether two numbers differ by no more than sums of a thousand numbers are rounded by. A constant that is weighted
/// differently must not pass for a difference.
fn is_same(one: Option<f64>, other: Option<f64>) -> bool {
    const ROUNDING: f64 = 1e-12;
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= ROUNDING * one.abs().max(other.abs()),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// What the pairs show of one measure.
struct Sample {
    measure: Measure,
    estimates: [Option<f64>; 2],
    pairs: usize,
    is_identical: bool,
    values: Values,
}

enum Values {
    Ratios(Vec<RatioPair>),
    Own(Vec<(f64, f64)>),
}

impl Sample {
    fn of(measure: Measure, pair: &Pair<'_>) -> Sample {
        let of_both = &pair.replications;
        match measure.source() {
            Source::Ratio(ratio) => {
                let ratios: Vec<RatioPair> = of_both.iter().map(|[a, b]| (ratio(a), ratio(b))).collect();
                let quotient = |(top, bottom): (f64, f64)| (bottom > 0.0).then(|| top / bottom);
                let sum = |side: fn(&RatioPair) -> (f64, f64)| {
                    quotient(ratios.iter().map(side).fold((0.0, 0.0), |(y, x), more| (y + more.0, x + more.1)))
                };
                let estimates = [sum(|pair| pair.0), sum(|pair| pair.1)];
                Sample {
                    measure,
                    estimates,
                    pairs: ratios.len(),
                    // Of equal quotients the sums may differ, where their weights do.
                    is_identical: is_same(estimates[0], estimates[1])
                        && ratios.iter().all(|(a, b)| is_same(quotient(*a), quotient(*b))),
                    values: Values::Ratios(ratios),
                }
            }
            Source::Own(value) => {
                let both: Vec<(f64, f64)> = of_both.iter().filter_map(|[a, b]| Some((value(a)?, value(b)?))).collect();
                let mean = |values: &mut dyn Iterator<Item = f64>| {
                    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
                    (count > 0.0).then(|| sum / count)
                };
                let estimates = if both.is_empty() {
                    // Whether one side has it at all; there is no difference to agree with.
                    [0, 1].map(|side| mean(&mut of_both.iter().filter_map(|pair| value(pair[side]))))
                } else {
                    [mean(&mut both.iter().map(|pair| pair.0)), mean(&mut both.iter().map(|pair| pair.1))]
                };
                Sample {
                    measure,
                    estimates,
                    pairs: both.len(),
                    is_identical: both.iter().all(|(a, b)| a == b),
                    values: Values::Own(both),
                }
            }
        }
    }

    fn is_on_both_sides(&self) -> bool {
        self.pairs > 0 && self.estimates.iter().all(Option::is_some)
    }

    fn judge(&self, confidence: f64, question: &Question) -> Compared {
        let mut compared = Compared {
            measure: self.measure,
            pairs: self.pairs,
            estimates: self.estimates,
            difference: None,
            interval: None,
            unpaired: None,
            variance_ratio: None,
            outcome: Outcome::NoData,
        };
        let [Some(first), Some(second)] = self.estimates else {
            if self.estimates[0].is_some() {
                compared.outcome = Outcome::Lost;
            }
            return compared;
        };
        if self.pairs == 0 {
            return compared;
        }
        if self.is_identical {
            compared.difference = Some(0.0);
            compared.outcome = Outcome::Identical;
            return compared;
        }
        compared.difference = Some(second - first);
        let found = match &self.values {
            Values::Ratios(pairs) => difference_of_ratios(pairs, confidence),
            Values::Own(pairs) => difference_of_means(pairs, confidence),
        };
        let Some(Difference { paired, unpaired, variance_ratio, .. }) = found else {
            compared.outcome = Outcome::Unbounded;
            return compared;
        };
        compared.interval = Some(paired);
        compared.unpaired = Some(unpaired);
        compared.variance_ratio = variance_ratio;
        compared.outcome = if paired.0 <= 0.0 && 0.0 <= paired.1 {
            Outcome::Undetected
        } else if (second - first).abs() < question.least(self.measure.unit()) {
            Outcome::Small
        } else if (second > first) == self.measure.more_is_worse() {
            Outcome::Worse
        } else {
            Outcome::Better
        };
        compared
    }
}

fn remarks(results: [&Replicated; 2], pairs: &[Pair<'_>]) -> Vec<Remark> {
    let [first, second] = results;
    let mut remarks = Vec::new();
    if first.version != second.version {
        remarks.push(Remark::Versions);
    }
    remarks.extend((0..2).filter(|&side| !results[side].complete).map(Remark::Incomplete));
    if first.confidence != second.confidence {
        remarks.push(Remark::Confidences);
    }
    let counts = |pair: &Pair<'_>| pair.rows.map(|row| row.replications.len());
    let mut cut = pairs.iter().filter(|pair| counts(pair).iter().any(|count| *count > pair.replications.len()));
    if let Some(pair) = cut.next() {
        let (counts, common) = (counts(pair), pair.replications.len());
        remarks.push(Remark::Replications { rows: 1 + cut.count(), counts, common });
    }
    let left = [0, 1].map(|side| {
        let replications = pairs.iter().filter(|pair| pair.is_whole).flat_map(|pair| &pair.replications);
        replications.map(|both| both[side].unfinished).sum()
    });
    if left != [0, 0] {
        remarks.push(Remark::Unfinished(left));
    }
    let mut told: Vec<&str> = Vec::new();
    for pair in pairs {
        let [workload, _] = pair.rows.map(|row| row.workload.as_str());
        let jobs = pair.rows.map(|row| row.job.clone());
        if jobs[0] != jobs[1] && !told.contains(&workload) {
            told.push(workload);
            remarks.push(Remark::Kinds { workload: workload.to_owned(), jobs });
        }
    }
    remarks
}
