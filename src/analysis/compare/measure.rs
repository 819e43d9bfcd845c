//! What can be compared, and how it comes about from replications.

use super::Replication;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Failed / finished jobs.
    FailureRate,
    /// Token failures / finished jobs.
    TokenFailureRate,
    /// Resources left behind / finished jobs.
    OrphansPerJob,
    /// Mean duration of completed jobs.
    DurationMean,
    /// Mean over replications of their median duration.
    DurationP50,
    /// Mean over replications of the 95th percentile of durations.
    DurationP95,
    /// Mean over replications of the 99th percentile.
    DurationP99,
    /// Mean over replications of the 1st percentile of margins.
    MarginP01,
}

/// The unit of a measure, and so of its differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share of jobs.
    Share,
    /// Things per job.
    PerJob,
    /// Seconds.
    Seconds,
}

/// How a measure comes about from replications.
pub(super) enum Source {
    /// Numerator and denominator, summed over replications.
    Ratio(fn(&Replication) -> (f64, f64)),
    /// A number of its own, averaged over replications.
    Own(fn(&Replication) -> Option<f64>),
}

impl Measure {
    /// Every measure, in the order of the columns.
    pub const ALL: [Measure; 8] = [
        Measure::FailureRate,
        Measure::TokenFailureRate,
        Measure::OrphansPerJob,
        Measure::DurationMean,
        Measure::DurationP50,
        Measure::DurationP95,
        Measure::DurationP99,
        Measure::MarginP01,
    ];

    /// What a reader wants who did not ask for anything.
    pub const USUAL: [Measure; 4] =
        [Measure::FailureRate, Measure::TokenFailureRate, Measure::DurationMean, Measure::DurationP95];

    /// Its name, which is that of the column in `summary.csv` where there is one.
    pub const fn code(self) -> &'static str {
        match self {
            Measure::FailureRate => "failure_rate",
            Measure::TokenFailureRate => "token_failure_rate",
            Measure::OrphansPerJob => "orphans_per_job",
            Measure::DurationMean => "duration_mean_s",
            Measure::DurationP50 => "duration_p50_s",
            Measure::DurationP95 => "duration_p95_s",
            Measure::DurationP99 => "duration_p99_s",
            Measure::MarginP01 => "margin_p01_s",
        }
    }

    /// Its unit.
    pub const fn unit(self) -> Unit {
        match self {
            Measure::FailureRate | Measure::TokenFailureRate => Unit::Share,
            Measure::OrphansPerJob => Unit::PerJob,
            Measure::DurationMean
            | Measure::DurationP50
            | Measure::DurationP95
            | Measure::DurationP99
            | Measure::MarginP01 => Unit::Seconds,
        }
    }

    /// Whether it speaks of how long completed jobs took.
    pub const fn is_of_durations(self) -> bool {
        matches!(self, Measure::DurationMean | Measure::DurationP50 | Measure::DurationP95 | Measure::DurationP99)
    }

    /// Whether more of it is worse; of the margin, less is.
    pub(super) const fn more_is_worse(self) -> bool {
        !matches!(self, Measure::MarginP01)
    }

    pub(super) fn source(self) -> Source {
        match self {
            Measure::FailureRate => Source::Ratio(|seen| (seen.failed as f64, seen.finished())),
            Measure::TokenFailureRate => Source::Ratio(|seen| (seen.token_failures as f64, seen.finished())),
            Measure::OrphansPerJob => Source::Ratio(|seen| (seen.orphans as f64, seen.finished())),
            Measure::DurationMean => Source::Ratio(|seen| {
                let completed = seen.completed as f64;
                (seen.duration_mean.map_or(0.0, |mean| mean * completed), completed)
            }),
            Measure::DurationP50 => Source::Own(|seen| seen.duration_p50),
            Measure::DurationP95 => Source::Own(|seen| seen.duration_p95),
            Measure::DurationP99 => Source::Own(|seen| seen.duration_p99),
            Measure::MarginP01 => Source::Own(|seen| seen.margin_p01),
        }
    }
}
