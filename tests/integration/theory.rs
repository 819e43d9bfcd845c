//! Closed forms: where probability theory knows the answer, the simulation comes to the same.
//!
//! Each statistical test states the chance that a correct simulator fails it; the seeds are fixed, so that it either
//! always passes or never. Wherever the outcome also follows from what a job drew, it is compared job by job, exactly.

use outlast::cloud::{Records, simulate};
use outlast::model::vocabulary::Reason;
use outlast::observe::{JobRecord, Outcome};
use outlast::units::{Instant, MICROS, Span};

use crate::support::{
    ALL_SEND, NO_CACHES, assert_mean, assert_share, drawn, failure, lognormal_cdf, model, moments, records, story, told,
};

/// The download of every job of this module that waits for one.
const MEDIAN: f64 = 2_400.0;
const SIGMA: f64 = 0.5;

/// Whole-second arrivals, so that cutting the issue of a token to whole seconds has a closed form too.
fn waiting(
    seed: u64,
    sends: &str,
    expiration: i64,
    window: i64,
    interval: i64,
    jobs: i64,
    token_age: &str,
) -> Vec<JobRecord> {
    let settings = format!(
        "{NO_CACHES}{sends}
        run.seed = {seed}
        run.duration = \"{}s\"
        keystone.token.expiration = {expiration}
        keystone.token.allow_expired_window = {window}
        nova.DEFAULT.block_device_allocate_retries = 1000000
        nova.DEFAULT.block_device_allocate_retries_interval = {interval}",
        10 * jobs
    );
    let workload = format!(
        "arrivals = {{ every = \"10s\" }}
        token_age = {token_age}
        download = {{ lognormal = {{ median = \"{MEDIAN}s\", sigma = {SIGMA} }} }}"
    );
    let records = records(&model(&settings, &workload), 0);
    assert_eq!(records.len() as i64, jobs);
    records
}

/// When Nova sees the volume, from submission: polls are sent at 0, i, 2i, …, and one at the very instant at which the
/// volume becomes available sees it. The attachment follows at the same instant, so this is the last check of all.
fn last_check(record: &JobRecord, interval: i64) -> Span {
    let download = drawn(record, "download");
    let interval = interval * MICROS;
    Span::from_micros((download + interval - 1) / interval * interval)
}

/// What is left of the token's life at submission, its issue being cut to whole seconds.
fn left(record: &JobRecord, expiration: i64) -> Span {
    let issued = record.submitted - record.token_age;
    (issued.floor_to_second() + Span::from_seconds(expiration)).since(record.submitted)
}

/// Every job fails iff `dies` says so of its own draws, and one that does not has its last check as its end.
fn follow_their_draws(records: &[JobRecord], interval: i64, dies: impl Fn(&JobRecord, Span) -> bool) -> usize {
    for record in records {
        let last = last_check(record, interval);
        match record.outcome {
            Outcome::Completed => {
                assert!(!dies(record, last), "{record:?}");
                assert_eq!(record.ended, Some(record.submitted + last), "{record:?}");
            }
            Outcome::Failed(_) => assert!(dies(record, last), "{record:?}"),
            Outcome::Unfinished => panic!("{record:?}"),
        }
    }
    records.iter().filter(|record| failure(record).is_some()).count()
}

/// Σ P(last check = k·i) · `dies`(k·i) over the grid of polls, for a log-normal download. All of what lies beyond
/// `sure`, from where on `dies` is 1, is added at once.
fn over_the_grid(interval: i64, sure: i64, dies: impl Fn(i64) -> f64) -> f64 {
    let cdf = |x: i64| lognormal_cdf(MEDIAN, SIGMA, x as f64);
    let mut sum = 0.0;
    let mut check = interval;
    while check < sure {
        sum += (cdf(check) - cdf(check - interval)) * dies(check);
        check += interval;
    }
    sum + 1.0 - cdf(check - interval)
}

/// A token is refused at its expiry already. The last check is the first multiple of the interval at or after the end
/// of the download, so a job survives iff its download ends by the last multiple that lies strictly before E:
/// P(fail) = 1 − F(i·(⌈E/i⌉ − 1)). Jobs share nothing, so failures are binomial; false alarm: 6·10⁻⁷ each.
#[test]
fn a_fresh_token_fails_with_the_tail_of_the_download() {
    for (interval, jobs) in [(60, 60_000), (7, 20_000)] {
        let expiration = 3_600;
        let records = waiting(1001, "", expiration, 0, interval, jobs, "\"0s\"");
        let life = Span::from_seconds(expiration);
        let failed = follow_their_draws(&records, interval, |_, last| last >= life);
        let last_good = interval * ((expiration + interval - 1) / interval - 1);
        let p = 1.0 - lognormal_cdf(MEDIAN, SIGMA, last_good as f64);
        assert_share(&format!("fresh token, poll every {interval} s"), failed, records.len(), p);
        let expected = ("poll", Reason::UserTokenExpired, "poll", Reason::UserTokenExpired);
        assert!(records.iter().filter_map(failure).all(|failure| story(&failure) == expected));
    }
}

/// Age uniform over (0, E), submission at a whole second: what is left is E − ⌈age⌉, uniform over {0, …, E − 1}. A job
/// whose last check comes at L fails iff L ≥ what is left, which has probability min(L + 1, E)/E; averaged over L this
/// is E[min(D, E)]/E up to the grid. Jobs share nothing; false alarm: 6·10⁻⁷.
#[test]
fn a_token_of_any_age_fails_with_the_mean_of_what_it_must_cover() {
    let (expiration, interval) = (3_600, 60);
    let records = waiting(1002, "", expiration, 0, interval, 60_000, "{ of_expiration = { uniform = [0, 1] } }");
    let failed = follow_their_draws(&records, interval, |record, last| last >= left(record, expiration));
    let life = expiration as f64;
    let p = over_the_grid(interval, expiration, |last| (last + 1) as f64 / life);
    assert_share("age uniform over the lifetime", failed, records.len(), p);
}

/// Age uniform over (0, E − 120): what is left is uniform over {120, …, E − 1}, so that the last check at L kills
/// max(L − 119, 0) of the E − 120 cases. Jobs share nothing; false alarm: 6·10⁻⁷.
#[test]
fn a_renewing_client_has_the_margin_at_least() {
    let (expiration, interval) = (3_600, 60);
    let records = waiting(1003, "", expiration, 0, interval, 60_000, "{ renewing = \"120s\" }");
    let failed = follow_their_draws(&records, interval, |record, last| last >= left(record, expiration));
    assert!(records.iter().all(|record| left(record, expiration) >= Span::from_seconds(120)));
    let cases = (expiration - 120) as f64;
    let p = over_the_grid(interval, expiration, |last| (last - 119).max(0) as f64 / cases);
    assert_share("age of a client that renews 120 s before", failed, records.len(), p);
}

/// With service tokens everywhere a check holds until E + W from the issue. A fresh token fails as above with E + W for
/// E. One of any age fails iff L ≥ what is left + W, or if nothing is left at submission: nobody sends a service token
/// with the user's own request. Service tokens are shared but always good, so failures are binomial; false alarm:
/// 6·10⁻⁷ each.
#[test]
fn the_window_moves_the_end() {
    let (expiration, window, interval) = (2_400, 900, 60);
    let allowed = Span::from_seconds(window);

    let fresh = waiting(1004, ALL_SEND, expiration, window, interval, 60_000, "\"0s\"");
    let end = Span::from_seconds(expiration + window);
    let failed = follow_their_draws(&fresh, interval, |_, last| last >= end);
    let p = 1.0 - lognormal_cdf(MEDIAN, SIGMA, (expiration + window - interval) as f64);
    assert_share("fresh token and a window", failed, fresh.len(), p);

    let aged =
        waiting(1005, ALL_SEND, expiration, window, interval, 60_000, "{ of_expiration = { uniform = [0, 1] } }");
    let failed = follow_their_draws(&aged, interval, |record, last| {
        let left = left(record, expiration);
        left == Span::ZERO || last >= left + allowed
    });
    let p = over_the_grid(interval, expiration + window, |last| {
        (last - window + 1).clamp(1, expiration) as f64 / expiration as f64
    });
    assert_share("any age and a window", failed, aged.len(), p);
    for failure in fresh.iter().chain(&aged).filter_map(failure) {
        let expected = match story(&failure).0 {
            "nova_api_post" => ("nova_api_post", Reason::UserTokenExpired, "nova_api_post", Reason::UserTokenExpired),
            _ => ("poll", Reason::BeyondWindow, "poll", Reason::BeyondWindow),
        };
        assert_eq!(story(&failure), expected);
    }
}

/// A token is lost at the (M − 1)th rotation after its issue. Over a uniform phase, an age of A has seen ⌊A/P⌋
/// rotations and one more with probability A/P − ⌊A/P⌋, so P(lost) = clamp((A − (M − 2)·P)/P, 0, 1). The phase is
/// drawn for each replication, so the replication is the unit; false alarm: 6·10⁻⁷ for each age, and none where the
/// form is 0 or 1.
#[test]
fn keys_are_lost_as_the_phase_has_it() {
    const REPLICATIONS: u32 = 10_000;
    let period = 12.0;
    for (keys, age) in [
        (3, 6.0),
        (3, 12.0),
        (3, 12.5),
        (3, 18.0),
        (3, 23.5),
        (3, 24.0),
        (3, 30.0),
        (2, 3.0),
        (1, 3.0),
        (5, 40.0),
        (5, 47.0),
    ] {
        // Jobs of no time: all checks are at submission. Four of them, at unlike phases.
        let settings = format!(
            "{NO_CACHES}
            run.seed = 7
            run.duration = \"20h\"
            keystone.token.expiration = \"30d\"
            keystone.fernet_tokens.max_active_keys = {keys}
            cloud.fernet_rotation.every = \"{period}h\""
        );
        let model = model(&settings, &format!("arrivals = {{ every = \"5h\" }}\ntoken_age = \"{age}h\""));
        let shares: Vec<f64> = (0..REPLICATIONS)
            .map(|replication| {
                let facts = simulate(&model, replication, Records::None);
                let workload = &facts.workloads[0];
                assert_eq!(workload.counts.jobs, 4);
                assert!(workload.failures.keys().all(|way| way.first_cause_reason == Reason::FernetKeyGone));
                workload.counts.failed as f64 / 4.0
            })
            .collect();
        let expected = ((age - f64::from((keys - 2).max(0)) * period) / period).clamp(0.0, 1.0);
        assert_mean(&format!("{keys} keys, every {period} h, {age} h old"), &shares, expected);
    }
}

/// A job's duration is the first poll at or after its exponential download: i·⌈D/i⌉ with the mean i/(1 − e^(−i/m)).
/// The mean number in flight, counted from the records over the last six of eight hours, is the arrival rate times
/// that (Little 1961). Nothing queues (M/G/∞), so at one instant the number is Poisson: its variance is its mean too.
/// Jobs that take longer than the two hours left out add less than 10⁻⁵ of the mean. False alarm: 6·10⁻⁷ for the mean,
/// below 10⁻⁵ for the variance.
#[test]
fn jobs_in_flight_follow_littles_law() {
    const REPLICATIONS: u32 = 600;
    let (mean, interval, per_hour) = (600.0, 60.0, 120.0);
    let settings = format!(
        "{NO_CACHES}
        run.seed = 11
        run.duration = \"8h\"
        keystone.token.expiration = \"30d\"
        nova.DEFAULT.block_device_allocate_retries = 1000000
        nova.DEFAULT.block_device_allocate_retries_interval = {interval}"
    );
    let workload = format!(
        "arrivals = {{ poisson = \"{per_hour}/h\" }}
        token_age = \"0s\"
        download = {{ exponential = {{ mean = \"{mean}s\" }} }}"
    );
    let model = model(&settings, &workload);
    let (from, to) = (Instant::from_seconds(2 * 3_600), Instant::from_seconds(8 * 3_600));
    let mut averages = Vec::new();
    let mut at_the_middle = Vec::new();
    let mut arrivals = Vec::new();
    let middle = Instant::from_seconds(5 * 3_600);
    for replication in 0..REPLICATIONS {
        let mut in_flight = Span::ZERO;
        let mut now = 0;
        let records = records(&model, replication);
        for record in &records {
            let ended = record.ended.expect("every job ends");
            in_flight = in_flight + ended.min(to).since(record.submitted.max(from)).max(Span::ZERO);
            now += u32::from(record.submitted <= middle && middle < ended);
        }
        averages.push(in_flight.seconds() / to.since(from).seconds());
        at_the_middle.push(f64::from(now));
        arrivals.push(records.len() as f64);
    }
    let duration = interval / -libm::expm1(-interval / mean);
    let expected = per_hour / 3_600.0 * duration;
    assert_mean("arrivals in eight hours", &arrivals, 8.0 * per_hour);
    assert_mean("jobs in flight, over time", &averages, expected);
    assert_mean("jobs in flight, at an instant", &at_the_middle, expected);
    let (_, variance) = moments(&at_the_middle);
    told("variance of the number at an instant", variance, expected, error_of_variance(expected, REPLICATIONS));
}

/// The standard error of the sample variance of so many Poisson numbers, whose fourth central moment is μ + 3μ².
fn error_of_variance(mean: f64, n: u32) -> f64 {
    ((mean + 2.0 * mean * mean) / f64::from(n)).sqrt()
}

/// The number of arrivals in a replication is Poisson: mean and variance are rate times duration. Jobs are dead on
/// arrival, which costs nothing. False alarm: 6·10⁻⁷ for the mean; 10⁻⁶ for the variance, which is nearly normal with
/// 20,000 replications.
#[test]
fn arrivals_are_counted_by_poissons_law() {
    const REPLICATIONS: u32 = 20_000;
    let settings = format!("{NO_CACHES}run.seed = 3\nrun.duration = \"10h\"");
    let model = model(&settings, "arrivals = { poisson = \"10/h\" }\ntoken_age = \"2h\"");
    let counts: Vec<f64> = (0..REPLICATIONS)
        .map(|replication| {
            let counts = simulate(&model, replication, Records::None).workloads[0].counts;
            assert_eq!(counts.refused_at_submission, counts.jobs);
            counts.jobs as f64
        })
        .collect();
    let (mean, variance) = moments(&counts);
    told("mean of the arrivals", mean, 100.0, (100.0 / f64::from(REPLICATIONS)).sqrt());
    told("variance of the arrivals", variance, 100.0, error_of_variance(100.0, REPLICATIONS));
}

/// The first 10,000 gaps of a Poisson process are exponential: the largest distance between the two distribution
/// functions exceeds 2.75/√n with probability 2·e^(−2·2.75²) = 5·10⁻⁷ (Kolmogorov).
#[test]
fn gaps_between_arrivals_are_exponential() {
    const GAPS: usize = 10_000;
    let settings = format!("{NO_CACHES}run.seed = 5\nrun.duration = \"120h\"");
    let model = model(&settings, "arrivals = { poisson = \"100/h\" }\ntoken_age = \"2h\"");
    let mut last = Instant::START;
    let mut gaps = Vec::new();
    for record in records(&model, 0) {
        gaps.push(record.submitted.since(last).seconds());
        last = record.submitted;
    }
    assert!(gaps.len() >= GAPS, "{} arrivals where 12,000 are expected", gaps.len());
    gaps.truncate(GAPS);
    gaps.sort_by(f64::total_cmp);
    let scaled = kolmogorov(gaps.iter().map(|gap| -libm::expm1(-gap * 100.0 / 3_600.0)));
    println!("gaps: √n times the Kolmogorov distance is {scaled:.3}, at most 2.75");
    assert!(scaled <= 2.75, "{scaled}");
}

/// Kolmogorov's √n·D of ascending shares against the uniform law on [0, 1].
fn kolmogorov(shares: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = shares.len() as f64;
    let distance = shares.enumerate().map(|(index, share)| {
        let index = index as f64;
        (share - index / n).max((index + 1.0) / n - share)
    });
    distance.fold(0.0, f64::max) * n.sqrt()
}

/// A working day with a lunch break: jobs per hour from 00:00 on.
const OFFICE: [u32; 24] = [0, 0, 0, 0, 0, 3, 6, 20, 45, 60, 60, 40, 0, 50, 60, 55, 30, 12, 8, 4, 2, 1, 0, 0];

fn daily(rates: [u32; 24]) -> String {
    let rates: Vec<String> = rates.iter().map(|rate| format!("\"{rate}/h\"")).collect();
    format!("arrivals = {{ daily = [{}] }}\ntoken_age = \"2h\"", rates.join(", "))
}

/// Under a daily profile the counts of all hours are independent Poisson numbers with the means that are written. An
/// hour of the day counts Poisson(days · mean), so Σ (found − expected)²/expected over the 16 hours with a rate is
/// nearly chi-square with as many degrees of freedom, and above 60 with probability 5·10⁻⁷; hours of zero stay
/// empty. Over single hours the same sum has the mean 1 and the variance 2 + 1/mean for each: that is dispersion, false
/// alarm 10⁻⁶.
#[test]
fn a_daily_profile_is_counted_by_poissons_law() {
    const REPLICATIONS: u32 = 200;
    const DAYS: usize = 10;
    let settings = format!("{NO_CACHES}run.seed = 17\nrun.duration = \"{DAYS}d\"");
    let model = model(&settings, &daily(OFFICE));
    let (mut by_hour, mut dispersion, mut variance, mut cells) = ([0.0; 24], 0.0, 0.0, 0.0);
    for replication in 0..REPLICATIONS {
        let mut counts = [[0.0; 24]; DAYS];
        for record in records(&model, replication) {
            let hour = (record.submitted.micros() / (3_600 * MICROS)) as usize;
            counts[hour / 24][hour % 24] += 1.0;
        }
        for (hour, rate) in OFFICE.into_iter().map(f64::from).enumerate() {
            for day in &counts {
                by_hour[hour] += day[hour];
                if rate > 0.0 {
                    dispersion += (day[hour] - rate) * (day[hour] - rate) / rate;
                    variance += 2.0 + 1.0 / rate;
                    cells += 1.0;
                }
            }
        }
    }
    let mut chi_square = 0.0;
    for (hour, rate) in OFFICE.into_iter().map(f64::from).enumerate() {
        let (found, expected) = (by_hour[hour], rate * f64::from(REPLICATIONS) * DAYS as f64);
        if expected == 0.0 {
            assert_eq!(found, 0.0, "hour {hour}");
        } else {
            chi_square += (found - expected) * (found - expected) / expected;
        }
    }
    println!("hours of the day: chi-square {chi_square:.1} with 16 degrees of freedom, at most 60");
    assert!(chi_square <= 60.0, "{chi_square}");
    told("dispersion of single hours", dispersion / cells, 1.0, variance.sqrt() / cells);
}

/// A profile of one rate is the Poisson process of that rate: the same gaps, summed in another order of rounding. Each
/// gap of the one is cut to a microsecond and only the sum of the other, so they part by half of one for each job at
/// most.
#[test]
fn a_flat_day_is_a_poisson_process_job_by_job() {
    let settings = format!("{NO_CACHES}run.seed = 18\nrun.duration = \"20d\"");
    let flat = records(&model(&settings, &daily([30; 24])), 0);
    let poisson = records(&model(&settings, "arrivals = { poisson = \"30/h\" }\ntoken_age = \"2h\""), 0);
    assert!(flat.len() > 10_000, "{} jobs", flat.len());
    assert_eq!(flat.len(), poisson.len());
    for (number, (one, other)) in flat.iter().zip(&poisson).enumerate() {
        let apart = one.submitted.since(other.submitted).micros().abs();
        assert!(apart <= 2 + number as i64 / 2, "job {number}: {apart} us apart");
    }
}

/// The jobs of a burst are as many as are written and uniform over its time: √n times the largest distance between
/// the two distribution functions exceeds 2.75 with probability 2·e^(−2·2.75²) = 5·10⁻⁷ (Kolmogorov), for each of
/// three.
#[test]
fn a_burst_is_exact_in_number_and_uniform_in_time() {
    let settings = format!("{NO_CACHES}run.seed = 19\nrun.duration = \"8h\"");
    for (at, jobs, over) in [(7_200, 20_000, 21_600), (0, 5_000, 60), (28_790, 100, 10)] {
        let burst = format!(
            "arrivals = {{ burst = {{ at = \"{at}s\", jobs = {jobs}, over = \"{over}s\" }} }}\ntoken_age = \"2h\""
        );
        let (from, over) = (Instant::from_seconds(at), Span::from_seconds(over));
        let records = records(&model(&settings, &burst), 0);
        assert_eq!(records.len(), jobs);
        assert!(records.iter().all(|record| (from..from + over).contains(&record.submitted)));
        assert!(records.iter().map(|record| record.ordinal).eq(0..jobs as u64), "in the order of their numbers");
        let shares = records.iter().map(|record| record.submitted.since(from).seconds() / over.seconds());
        let scaled = kolmogorov(shares);
        println!("burst of {jobs}: √n times the Kolmogorov distance is {scaled:.3}, at most 2.75");
        assert!(scaled <= 2.75, "{jobs} jobs: {scaled}");
    }
}

#[test]
fn a_burst_over_no_time_is_at_one_instant() {
    let burst = "arrivals = { burst = { at = \"90m\", jobs = 300, over = \"0s\" } }\ntoken_age = \"2h\"";
    let records = records(&model(&format!("{NO_CACHES}run.duration = \"2h\""), burst), 0);
    assert_eq!(records.len(), 300);
    assert!(records.iter().all(|record| record.submitted == Instant::from_seconds(5_400)));
}

/// Without a setting Nova polls 61 times, 3 s apart, the last time at 180 s, and sleeps once more: it gives up at
/// 183 s sharp. A volume that is ready at 180 s is still seen; one a microsecond later is not.
#[test]
fn the_default_wait_ends_at_183_seconds() {
    for (download, polls, ended, seen) in [
        ("0s", 1, 0, true),
        ("1us", 2, 3, true),
        ("179s", 61, 180, true),
        ("180s", 61, 180, true),
        ("180000001us", 61, 183, false),
        ("1d", 61, 183, false),
    ] {
        let workload = format!("arrivals = {{ every = \"1s\" }}\ntoken_age = \"0s\"\ndownload = \"{download}\"");
        let records = records(&model("run.duration = \"1s\"", &workload), 0);
        let [record] = records.as_slice() else { panic!("{download}: one job") };
        assert_eq!((record.polls, record.ended), (polls, Some(Instant::from_seconds(ended))), "{download}");
        let timeout = ("poll", Reason::VolumeWaitTimeout, "poll", Reason::VolumeWaitTimeout);
        let story = failure(record).map(|failure| story(&failure));
        assert_eq!(story, if seen { None } else { Some(timeout) }, "{download}");
        assert_eq!(record.orphans, u32::from(!seen), "{download}: Cinder finishes what Nova has given up");
    }
}

/// Raw-token users on one-hour tokens, downloads that outlast the default wait: a job dies of expiry before 183 s iff a
/// check, the last being the poll at 180 s, finds the token expired. What is left is uniform over {0, …, 3599} s, so
/// this has probability 181/3600 = 5.03 %, of which 1/3600 at submission, and all others time out. Without the whole
/// seconds and the grid it would be 183/3600 = 5.08 %. Jobs share nothing; false alarm: 6·10⁻⁷.
#[test]
fn five_in_a_hundred_raw_tokens_do_not_outlast_the_default_wait() {
    let settings = format!("{NO_CACHES}run.seed = 13\nrun.duration = \"1000000s\"");
    let workload = "arrivals = { every = \"10s\" }\ntoken_age = { uniform = [\"0s\", \"3600s\"] }\ndownload = \"10m\"";
    let records = records(&model(&settings, workload), 0);
    let mut expired = 0;
    for record in &records {
        let failure = failure(record).expect("nobody gets through");
        let reason = if left(record, 3_600) <= Span::from_seconds(180) {
            expired += 1;
            Reason::UserTokenExpired
        } else {
            assert_eq!(record.ended, Some(record.submitted + Span::from_seconds(183)), "{record:?}");
            Reason::VolumeWaitTimeout
        };
        assert_eq!(failure.first_cause.reason, reason, "{record:?}");
    }
    assert_share("expired before the default wait is over", expired, records.len(), 181.0 / 3_600.0);
}
