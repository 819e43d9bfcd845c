//! When a simulation has warmed up: what came of jobs by the time of their submission, and where MSER-5 would cut.

use crate::observe::{BINS, Bin, Bins};
use crate::stats;
use crate::units::{MICROS, Span};

/// Bins are joined by so many until they hold enough.
const JOINED: [usize; 4] = [1, 2, 5, 10];
/// Completed jobs that a bin should hold on average, so that single ones do not make the series (assumption).
const LEAST_JOBS: u64 = 10;
/// Failed jobs, and others, that a batch of MSER-5 should hold on average: the usual condition for the normal
/// approximation of a share (assumption). With fewer, the cut would follow the last failure.
const LEAST_FAILURES: u64 = 5;
/// Of the series, the part that the moving average reaches to either side: at most a quarter is sensible (Law, section
/// 9.5.1), and a twenty-fifth shows transients of some per cent (assumption).
const WINDOW: usize = 25;

/// How one workload warms up at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct WarmUp {
    /// Index of the workload.
    pub workload: usize,
    /// The time in which jobs arrive, in equal parts.
    pub bins: Vec<TimeBin>,
    /// What the durations of completed jobs say.
    pub durations: Settling,
    /// What the failures say.
    pub failures: Settling,
}

/// Jobs that were submitted in one part of the time, over all replications.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeBin {
    /// When it begins.
    pub from: Span,
    /// When it ends.
    pub until: Span,
    /// The jobs.
    pub jobs: Bin,
    /// Mean duration of those that completed, in seconds.
    pub duration: Option<f64>,
    /// Welch's moving average of it.
    pub duration_average: Option<f64>,
    /// Failed / finished.
    pub failure_rate: Option<f64>,
    /// Welch's moving average of it.
    pub failure_rate_average: Option<f64>,
}

/// When a series becomes steady.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// From then on, says MSER-5; zero if there is no transient.
    At(Span),
    /// The cut would lie there, in the second half of the run, and cannot be trusted.
    TooLate(Span),
    /// There are too few jobs, or too few that failed, to tell.
    Unknown,
}

impl WarmUp {
    /// The later of what durations and failures say; an untrustworthy cut is later than any other.
    pub fn settling(&self) -> Settling {
        later(self.durations, self.failures)
    }
}

/// The later of two; what cannot be told is not late.
pub fn later(one: Settling, other: Settling) -> Settling {
    let rank = |settling: Settling| match settling {
        Settling::Unknown => (0, Span::ZERO),
        Settling::At(cut) => (1, cut),
        Settling::TooLate(cut) => (2, cut),
    };
    if rank(other) > rank(one) { other } else { one }
}

/// How the workloads of a point warm up, from their bins over all replications.
pub fn warm_up(bins: &[Bins]) -> Vec<WarmUp> {
    bins.iter().enumerate().map(|(workload, bins)| of_workload(workload, bins)).collect()
}

fn of_workload(workload: usize, bins: &Bins) -> WarmUp {
    let completed: u64 = bins.list().iter().map(|bin| bin.completed).sum();
    let failed: u64 = bins.list().iter().map(|bin| bin.failed).sum();
    let holds_enough = |joined: &usize| completed >= LEAST_JOBS * (BINS / joined) as u64;
    let joined = JOINED.into_iter().find(holds_enough);
    let has_durations = joined.is_some();
    let joined = joined.unwrap_or(JOINED[JOINED.len() - 1]);
    let batches = (BINS / joined / stats::BATCH) as u64;
    let has_failures = failed.min(completed) >= LEAST_FAILURES * batches;

    let edge = |index: usize| {
        let micros = i128::from(bins.duration().micros()) * index as i128 / BINS as i128;
        Span::from_micros(micros as i64)
    };
    let join = |(index, part): (usize, &[Bin])| {
        let mut jobs = Bin::default();
        part.iter().for_each(|bin| jobs.add(bin));
        let mean = |sum: f64, count: u64| (count > 0).then(|| sum / count as f64);
        TimeBin {
            from: edge(index * joined),
            until: edge((index + 1) * joined),
            jobs,
            duration: mean(jobs.duration_sum_micros as f64 / MICROS as f64, jobs.completed),
            duration_average: None,
            failure_rate: mean(jobs.failed as f64, jobs.finished()),
            failure_rate_average: None,
        }
    };
    let mut list: Vec<TimeBin> = bins.list().chunks(joined).enumerate().map(join).collect();
    let durations = Series::of(&list, |bin| bin.duration);
    let failures = Series::of(&list, |bin| bin.failure_rate);
    for (place, average) in durations.averages() {
        list[place].duration_average = Some(average);
    }
    for (place, average) in failures.averages() {
        list[place].failure_rate_average = Some(average);
    }
    WarmUp {
        workload,
        durations: if has_durations { durations.settling(&list) } else { Settling::Unknown },
        failures: if has_failures { failures.settling(&list) } else { Settling::Unknown },
        bins: list,
    }
}

/// The values of the bins that have one, with the places of these bins.
struct Series {
    places: Vec<usize>,
    values: Vec<f64>,
}

impl Series {
    fn of(bins: &[TimeBin], value: impl Fn(&TimeBin) -> Option<f64>) -> Series {
        let known = bins.iter().enumerate().filter_map(|(place, bin)| Some((place, value(bin)?)));
        let (places, values) = known.unzip();
        Series { places, values }
    }

    fn averages(&self) -> impl Iterator<Item = (usize, f64)> {
        let averages = stats::moving_average(&self.values, (self.values.len() / WINDOW).max(1));
        self.places.iter().copied().zip(averages)
    }

    fn settling(&self, bins: &[TimeBin]) -> Settling {
        let Some(found) = stats::mser5(&self.values) else { return Settling::Unknown };
        // What comes before the first job is no transient.
        let cut = if found.cut == 0 { Span::ZERO } else { bins[self.places[found.cut]].from };
        if found.is_trustworthy { Settling::At(cut) } else { Settling::TooLate(cut) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepId;
    use crate::model::vocabulary::Reason;
    use crate::observe::{Cause, Failure, Outcome};
    use crate::units::Instant;

    const HOUR: i64 = 3_600;

    /// Jobs that arrive so many a bin for 500 hours, a bin each hour, with a duration by the hour.
    fn bins(per_bin: i64, duration: impl Fn(i64) -> i64, fails: impl Fn(i64, i64) -> bool) -> Bins {
        let mut bins = Bins::new(Span::from_seconds(500 * HOUR));
        let at = Instant::from_seconds;
        let (step, reason) = (StepId(0), Reason::UserTokenExpired);
        let first_cause = Cause { at: at(0), step, reason, http_status: 401 };
        let failure = Outcome::Failed(Failure { step, reason, http_status: 401, first_cause });
        for hour in 0..500 {
            for job in 0..per_bin {
                let submitted = hour * HOUR + job;
                let outcome = if fails(hour, job) { failure } else { Outcome::Completed };
                bins.count(at(submitted), Some(at(submitted + duration(hour))), outcome);
            }
        }
        bins
    }

    #[test]
    fn a_transient_is_found_where_it_ends() {
        let hours = |hours: i64| Span::from_seconds(hours * HOUR);
        let never = |_, _| false;
        let growing = |hour: i64| if hour < 50 { 100 + hour } else { 150 + hour % 2 };
        let one = &warm_up(&[bins(10, growing, never)])[0];
        assert_eq!((one.bins.len(), one.workload), (500, 0));
        let Settling::At(cut) = one.durations else { panic!("{:?}", one.durations) };
        assert!(cut > hours(40) && cut <= hours(50), "{cut}");
        assert_eq!((one.failures, one.settling()), (Settling::Unknown, one.durations), "nothing fails");
        assert_eq!((one.bins[3].from, one.bins[3].until, one.bins[3].duration), (hours(3), hours(4), Some(103.0)));
        assert_eq!(one.bins[1].duration_average, Some(101.0), "one to each side");
        assert_eq!(one.bins[499].duration_average, None, "the window does not reach beyond the end");
        // Steady from the start.
        assert_eq!(warm_up(&[bins(10, |hour| 100 + hour % 2, never)])[0].settling(), Settling::At(Span::ZERO));
        // Growing to the end.
        assert!(matches!(warm_up(&[bins(10, |hour| hour, never)])[0].settling(), Settling::TooLate(_)));
    }

    #[test]
    fn few_jobs_are_joined_or_not_judged() {
        let never = |_, _| false;
        let steady = |_| 100;
        for (per_bin, expected) in [(5, 250), (2, 100), (1, 50), (0, 50)] {
            let found = &warm_up(&[bins(per_bin, steady, never)])[0];
            assert_eq!(found.bins.len(), expected, "{per_bin} a bin");
            let settling = if per_bin == 0 { Settling::Unknown } else { Settling::At(Span::ZERO) };
            assert_eq!(found.durations, settling, "{per_bin} a bin");
        }
        // One job of twenty fails in the first hundred hours, and one of ten from then on.
        let fails = |hour: i64, job: i64| job == 0 || hour >= 100 && job == 1;
        let found = &warm_up(&[bins(20, steady, fails)])[0];
        assert_eq!(found.failures, Settling::At(Span::from_seconds(100 * HOUR)));
        // A handful of failures would be cut off with the last of them.
        let early = |hour: i64, job: i64| hour < 100 && job == 0;
        assert_eq!(warm_up(&[bins(20, steady, early)])[0].failures, Settling::Unknown);
    }

    #[test]
    fn the_later_one_counts() {
        let at = |seconds| Settling::At(Span::from_seconds(seconds));
        let late = Settling::TooLate(Span::from_seconds(1));
        for (one, other, expected) in
            [(at(1), at(2), at(2)), (at(3), Settling::Unknown, at(3)), (at(9), late, late), (late, at(9), late)]
        {
            assert_eq!(later(one, other), expected);
        }
    }
}
