//! Studies and results made by hand, for the tests of this room. Nothing here is simulated.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::analysis::{
    Check, FailureRow, Interval, IntervalMethod, LinkRow, PointResult, PoolRow, Problem, Rate, Summary, Verdict,
};
use crate::model::program::{Op, Program};
use crate::model::study::{Axis, AxisUnit, AxisValue, Expectation, Metric, Point, Study};
use crate::model::vocabulary::Reason;
use crate::model::{
    Arrivals, Estimator, Keys, Keystone, Link, LinkId, Model, Pool, PoolId, Process, ProcessId, Rotations, Run, Sends,
    Service, ServiceId, Source, Spread, StepId, TokenAge, Workload,
};
use crate::observe::{JobCounts, ServiceFacts, Sketch};
use crate::random::Dist;
use crate::units::{Span, Throughput};

use super::{Findings, words};

/// A study with what came of it.
pub(crate) struct Case {
    pub(crate) study: Study,
    pub(crate) results: Vec<PointResult>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl Case {
    pub(crate) fn findings(&self) -> Findings<'_> {
        Findings { study: &self.study, results: &self.results, verdicts: &self.verdicts }
    }
}

fn model() -> Model {
    Model {
        run: Run {
            seed: 2026,
            replications: 32,
            confidence: 0.95,
            duration: Span::from_seconds(172_800),
            warm_up: Span::ZERO,
            drain: Span::from_seconds(30 * 86_400),
            estimator: Estimator::Counting,
        },
        keystone: Keystone {
            expiration: Span::from_seconds(3_600),
            allow_expired_window: Span::from_seconds(172_800),
            keys: Keys::Fernet { max_active_keys: 3, rotations: Rotations::Never, extra: [].into() },
            clocks: vec![Span::ZERO],
            spread: Spread::Synced { lag: Dist::constant(0.0), missed: 0.0, missed_between: Vec::new() },
            cache_time: None,
            validation_time: Dist::constant(0.0),
            issue_time: Dist::constant(0.0),
            outages: [].into(),
        },
        services: (0..).zip(SERVICES).map(|(place, name)| service(place, name)).collect(),
        processes: (0..8).map(|_| Process { name: String::new(), sends: Sends::Never, user: None }).collect(),
        pools: (0..).zip(SERVICES).map(|(place, _)| api(place)).collect(),
        links: [].into(),
        caches: SERVICES.len(),
        request_time: Dist::constant(0.04),
        workloads: [workload("boots")].into(),
        changes: Vec::new(),
    }
}

const SERVICES: [&str; 6] = ["keystone", "nova", "cinder", "glance", "swift", "neutron"];

fn service(place: u8, name: &str) -> Service {
    Service {
        name: name.into(),
        keystone_authtoken: None,
        api: PoolId(place.into()),
        first_cache: place.into(),
        caches: 1,
        clock_ahead: Span::ZERO,
    }
}

fn api(place: u8) -> Pool {
    Pool { service: ServiceId(place), name: "api".into(), slots: None, hosts: 1 }
}

fn workload(name: &str) -> Workload {
    let kind = Arc::clone(&crate::jobs::builtin("boot-from-volume").expect("it is built in").kind);
    Workload {
        name: name.into(),
        quantities: vec![Source::Drawn(Dist::constant(0.0)); kind.quantities.len()],
        kind,
        // No job runs in what reports are tested with.
        program: Arc::new(Program { ops: vec![Op::Complete, Op::Stop] }),
        arrivals: Arrivals::Every(Span::from_seconds(60)),
        token_age: TokenAge::Renewing { margin: Span::from_seconds(120) },
        revoke_after: None,
        user_disabled_at: None,
        service_token_age: None,
    }
}

/// An axis of seconds.
pub(crate) fn seconds_axis(key: &str, values: &[i64]) -> Axis {
    let value = |&seconds: &i64| AxisValue {
        cell: seconds.to_string(),
        label: words::duration(Span::from_seconds(seconds)),
        number: Some(seconds as f64),
    };
    Axis {
        key: key.into(),
        column: format!("{key}_s"),
        unit: AxisUnit::Seconds,
        values: values.iter().map(value).collect(),
        zip: None,
    }
}

/// An axis of words.
pub(crate) fn word_axis(key: &str, values: &[&str]) -> Axis {
    let value = |text: &&str| AxisValue { cell: text.to_string(), label: text.to_string(), number: None };
    let values = values.iter().map(value).collect();
    Axis { key: key.into(), column: key.into(), unit: AxisUnit::None, values, zip: None }
}

/// These axes as one zip.
fn zip(number: usize, axes: Vec<Axis>) -> Vec<Axis> {
    axes.into_iter().map(|axis| Axis { zip: Some(number), ..axis }).collect()
}

fn set(model: &mut Model, axis: &Axis, value: &AxisValue) {
    let span = || Span::from_seconds_f64(value.number.unwrap_or(0.0));
    match axis.key.as_str() {
        "keystone.token.expiration" => model.keystone.expiration = span(),
        "keystone.token.allow_expired_window" => model.keystone.allow_expired_window = span(),
        "cinder.service_user.send_service_user_token" => {
            let sends = if value.cell == "true" { Sends::ServiceUser } else { Sends::Never };
            Arc::make_mut(&mut model.processes)[ProcessId::CINDER_VOLUME.index()].sends = sends;
        }
        _ => {}
    }
}

/// Uniform numbers that are the same everywhere and at every point.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64 + 0.5) / (1u64 << 31) as f64
    }

    fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.next()));
        let angle = libm::cos(std::f64::consts::TAU * self.next());
        median * libm::exp(sigma * radius * angle)
    }
}

fn rate(count: u64, finished: u64) -> Rate {
    if finished == 0 {
        return Rate { estimate: None, interval: None };
    }
    let n = finished as f64;
    let p = count as f64 / n;
    let half = 2.2 * libm::sqrt(p * (1.0 - p) / n);
    let interval = if count == 0 {
        Interval { low: 0.0, high: 3.7 / n, method: IntervalMethod::ClopperPearson }
    } else if count == finished {
        Interval { low: 1.0 - 3.7 / n, high: 1.0, method: IntervalMethod::ClopperPearson }
    } else {
        Interval { low: (p - half).max(0.0), high: (p + half).min(1.0), method: IntervalMethod::StudentT }
    };
    Rate { estimate: Some(p), interval: Some(interval) }
}

/// What a point could have shown: jobs fail when they outlast lifetime and window.
fn result(study: &Study, point: &Point, jobs: u64, median: f64) -> PointResult {
    let model = &point.model;
    let lifetime = model.keystone.expiration.seconds();
    let window = model.keystone.allow_expired_window.seconds();
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    let mut everything = (JobCounts::default(), Sketch::default(), Sketch::default());
    for index in 0..model.workloads.len() {
        let mut numbers = Numbers(index as u64 + 1);
        let mut counts = JobCounts::default();
        let (mut durations, mut margins) = (Sketch::default(), Sketch::default());
        let mut ways: BTreeMap<(StepId, Reason, StepId, Reason), u64> = BTreeMap::new();
        for _ in 0..jobs {
            let length = numbers.lognormal(median, 0.9);
            let age = numbers.next() * (lifetime - 120.0).max(0.0);
            let luck = numbers.next();
            let limit = lifetime
                + if model.process(ProcessId::CINDER_VOLUME).sends == Sends::ServiceUser {
                    window
                } else {
                    window / 48.0
                };
            counts.jobs += 1;
            let late = age + length > limit;
            let way = if late && luck < 0.25 {
                Some((StepId(11), Reason::VolumeError, StepId(4), Reason::BeyondWindow))
            } else if late {
                Some((StepId(11), Reason::UserTokenExpired, StepId(11), Reason::UserTokenExpired))
            } else if luck > 0.995 && median > 100.0 {
                Some((StepId(11), Reason::VolumeWaitTimeout, StepId(11), Reason::VolumeWaitTimeout))
            } else if luck < 0.01 && lifetime > 40_000.0 {
                Some((StepId(13), Reason::FernetKeyGone, StepId(13), Reason::FernetKeyGone))
            } else {
                None
            };
            match way {
                Some(way) => {
                    counts.failed += 1;
                    counts.token_failures += u64::from(way.3.is_token_failure());
                    counts.orphans += 1;
                    *ways.entry(way).or_default() += 1;
                }
                None => {
                    counts.completed += 1;
                    let span = Span::from_seconds_f64(length);
                    counts.duration_sum_micros += i128::from(span.micros());
                    durations.record(span);
                    margins.record(Span::from_seconds_f64(limit - age - length));
                }
            }
        }
        for ((step, reason, first_cause_step, first_cause_reason), jobs) in ways {
            failures.push(FailureRow {
                workload: index,
                step,
                reason,
                first_cause_step,
                first_cause_reason,
                jobs,
                share_of_finished: jobs as f64 / counts.finished() as f64,
                orphans: jobs,
                by_replication: vec![jobs],
                remedy: None,
            });
        }
        everything.0.add(&counts);
        everything.1.merge(&durations);
        everything.2.merge(&margins);
        rows.push(summary(Some(index), counts, &durations, &margins));
    }
    rows.push(summary(None, everything.0, &everything.1, &everything.2));
    let facts = ServiceFacts { requests: 4_096, keystone_validations: 1_024, cache_hits: 3_072, refused: 7 };
    PointResult {
        point: point.number,
        replications: study.points[0].model.run.replications,
        first_replication: 0,
        precision: None,
        rows,
        failures,
        services: (0..=ServiceId::SWIFT.0).map(|service| (ServiceId(service), facts)).collect(),
        pools: Vec::new(),
        links: Vec::new(),
        remedies: None,
    }
}

fn summary(workload: Option<usize>, counts: JobCounts, durations: &Sketch, margins: &Sketch) -> Summary {
    let mean = counts.duration_sum_micros as f64 / counts.completed.max(1) as f64 / 1e6;
    Summary {
        workload,
        counts,
        failure_rate: rate(counts.failed, counts.finished()),
        token_failure_rate: rate(counts.token_failures, counts.finished()),
        confidence: 0.95,
        duration_mean: (counts.completed > 0).then_some(mean),
        durations: durations.distribution(),
        margins: margins.distribution(),
        by_replication: Vec::new(),
        quantiles: Arc::default(),
        chances: Vec::new(),
    }
}

/// Takes every job out of a result.
pub(crate) fn empty(result: &mut PointResult) {
    for row in &mut result.rows {
        *row = summary(row.workload, JobCounts::default(), &Sketch::default(), &Sketch::default());
    }
    result.failures.clear();
}

/// The grid of these axes.
pub(crate) fn case(name: &str, axes: Vec<Axis>, workloads: &[&str], median: f64) -> Case {
    let mut points = vec![Vec::new()];
    for together in axes.chunk_by(|one, next| one.zip.is_some() && one.zip == next.zip) {
        let row = |index| std::iter::repeat_n(index, together.len());
        points = points
            .iter()
            .flat_map(|values: &Vec<usize>| {
                (0..together[0].values.len()).map(move |index| values.iter().copied().chain(row(index)).collect())
            })
            .collect();
    }
    let points = points.into_iter().enumerate().map(|(number, values)| {
        let mut model = model();
        model.workloads = workloads.iter().map(|name| workload(name)).collect();
        for (axis, &value) in axes.iter().zip(&values) {
            set(&mut model, axis, &axis.values[value]);
        }
        Point { number, values, model }
    });
    let study = Study {
        name: name.into(),
        description: "Boot from volume on short tokens.".into(),
        points: points.collect(),
        axes,
        expectations: Vec::new(),
        precision: None,
        notes: Vec::new(),
        inputs_sha256: "00".repeat(32),
    };
    let results = study.points.iter().map(|point| result(&study, point, 2_000, median)).collect();
    Case { study, results, verdicts: Vec::new() }
}

/// Adds an expectation on the token failure rate, with its verdict.
pub(crate) fn expect(mut case: Case, max: f64, place: &str) -> Case {
    let checks = case.results.iter().map(|result| {
        let rate = result.all().token_failure_rate;
        let high = rate.interval.map(|interval| interval.high);
        let problem = match high {
            None => Some(Problem::NoBound),
            Some(high) if high > max => Some(Problem::TooHigh),
            Some(_) => None,
        };
        Check { point: result.point, value: rate.estimate, low: None, high, problem }
    });
    case.verdicts.push(Verdict { expectation: case.study.expectations.len(), checks: checks.collect() });
    case.study.expectations.push(Expectation {
        metric: Metric::TokenFailureRate,
        min: None,
        max: Some(max),
        points: case.study.points.iter().map(|point| point.number).collect(),
        workload: None,
        step: None,
        reason: None,
        confidence: 0.95,
        place: place.into(),
        text: format!("token_failure_rate <= {}", words::percent(max)),
    });
    case
}

const EXPIRATION: &str = "keystone.token.expiration";
const WINDOW: &str = "keystone.token.allow_expired_window";
const CINDER_SENDS: &str = "cinder.service_user.send_service_user_token";

/// One point.
pub(crate) fn single() -> Case {
    case("one-hour-tokens", Vec::new(), &["boots"], 1_500.0)
}

/// One point at which nothing fails.
pub(crate) fn calm() -> Case {
    case("calm", Vec::new(), &["boots"], 30.0)
}

/// One swept lifetime.
pub(crate) fn line() -> Case {
    let lifetimes = [900, 1_800, 3_600, 7_200, 14_400, 43_200];
    expect(case("how-long", vec![seconds_axis(EXPIRATION, &lifetimes)], &["boots"], 1_500.0), 0.05, "how-long.toml:41")
}

/// Lifetime by window.
pub(crate) fn grid() -> Case {
    let axes = vec![
        seconds_axis(EXPIRATION, &[900, 1_800, 3_600, 14_400, 43_200]),
        seconds_axis(WINDOW, &[0, 86_400, 172_800, 345_600]),
    ];
    expect(case("lifetime-by-window", axes, &["boots"], 1_500.0), 0.02, "scenarios/lifetime-by-window.toml:37")
}

/// A swept switch.
pub(crate) fn switch() -> Case {
    expect(
        case("does-it-help", vec![word_axis(CINDER_SENDS, &["false", "true"])], &["boots"], 1_500.0),
        0.1,
        "does-it-help.toml:9",
    )
}

/// Lifetime by switch, the most usual sweep.
pub(crate) fn lifetime_by_switch() -> Case {
    let axes = vec![seconds_axis(EXPIRATION, &[900, 3_600, 14_400]), word_axis(CINDER_SENDS, &["false", "true"])];
    expect(case("one-hour-tokens", axes, &["boots"], 1_500.0), 0.001, "scenarios/one-hour-tokens.toml:52")
}

/// Three axes.
pub(crate) fn cube() -> Case {
    let axes = vec![
        seconds_axis(EXPIRATION, &[900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400]),
        seconds_axis(WINDOW, &[0, 3_600, 86_400, 172_800]),
        word_axis(CINDER_SENDS, &["false", "true"]),
    ];
    case("three-ways", axes, &["boots", "snapshots"], 2_500.0)
}

/// Jobs of three kinds that fail in every way, pools that queue and links that are shared; two points.
pub(crate) fn busy() -> Case {
    let mut case =
        case("busy", vec![seconds_axis(EXPIRATION, &[3_600, 14_400])], &["boots", "backups", "moves"], 1_500.0);
    for (point, result) in case.study.points.iter_mut().zip(&mut case.results) {
        let model = &mut point.model;
        let kinds = ["boot-from-volume", "volume-backup", "live-migration"];
        for (workload, kind) in Arc::make_mut(&mut model.workloads).iter_mut().zip(kinds) {
            workload.kind = Arc::clone(&crate::jobs::builtin(kind).expect("it is built in").kind);
        }
        Arc::make_mut(&mut model.pools)[ServiceId::KEYSTONE.index()].slots = Some(8);
        let builds = Pool { service: ServiceId::NOVA, name: "builds".into(), slots: Some(10), hosts: 4 };
        model.pools = model.pools.iter().cloned().chain([builds]).collect();
        let link = |name: &str, bandwidth| Link { name: name.into(), per_job: None, bandwidth };
        let shared = Throughput::from_bytes_per_second(1 << 30);
        model.links =
            [link("image_transfer", shared), link("image_conversion", None), link("volume_copy", shared)].into();
        every_failure(model, result);
        let is_full = point.number == 0;
        let mut waits = Sketch::default();
        (0..100).for_each(|second| waits.record(Span::from_seconds(if is_full { second } else { 0 })));
        let row = |pool, slots, utilisation, offered_load, waits: &Sketch| PoolRow {
            pool,
            arrived: 100,
            slots: Some(slots),
            utilisation: Some(utilisation),
            offered_load: Some(offered_load),
            wait_mean: Some(if waits.distribution().is_empty() || !is_full { 0.0 } else { 49.5 }),
            waits: waits.distribution(),
        };
        let (used, load) = if is_full { (1.0, 1.372) } else { (0.8, 0.8) };
        result.pools = vec![
            row(PoolId(0), 8.0, 0.021, 0.021, &Sketch::default()),
            row(PoolId(SERVICES.len() as u16), 40.0, used, load, &waits),
        ];
        result.links = vec![
            LinkRow { link: LinkId(0), utilisation: Some(if is_full { 0.998 } else { 0.4 }) },
            LinkRow { link: LinkId(2), utilisation: None },
        ];
        if is_full {
            result.rows.iter_mut().for_each(|row| row.counts.unfinished = 312);
        }
    }
    case
}

/// Takes as many failures as there were, and spreads them over all reasons and the steps of the kinds.
fn every_failure(model: &Model, result: &mut PointResult) {
    result.failures.clear();
    for (index, workload) in model.workloads.iter().enumerate() {
        let counts = result.rows[index].counts;
        let ways = Reason::ALL.iter().enumerate().filter(|(number, _)| number % model.workloads.len() == index);
        let ways: Vec<(usize, &Reason)> = ways.collect();
        for &(number, reason) in &ways {
            let step = StepId((number % workload.kind.steps.len()) as u8);
            let jobs = counts.failed / ways.len() as u64;
            result.failures.push(FailureRow {
                workload: index,
                step,
                reason: *reason,
                first_cause_step: step,
                first_cause_reason: *reason,
                jobs,
                share_of_finished: jobs as f64 / counts.finished() as f64,
                orphans: jobs,
                by_replication: vec![jobs],
                remedy: None,
            });
        }
    }
}

/// A switch, and lifetimes each with a window and a number of keys, of which some occur twice.
pub(crate) fn zipped() -> Case {
    let mut axes = vec![word_axis(CINDER_SENDS, &["false", "true"])];
    axes.extend(zip(
        0,
        vec![
            seconds_axis(EXPIRATION, &[900, 3_600, 14_400, 43_200]),
            seconds_axis(WINDOW, &[0, 86_400, 86_400, 172_800]),
            word_axis("keystone.fernet_tokens.max_active_keys", &["3", "3", "4", "6"]),
        ],
    ));
    expect(case("keys-follow-lifetimes", axes, &["boots"], 1_500.0), 0.02, "keys-follow-lifetimes.toml:30")
}

/// More rows of a zip than a table shows, and a second zip.
pub(crate) fn long_zip() -> Case {
    let lifetimes: Vec<i64> = (1..=20).map(|hour| hour * 1_800).collect();
    let mut axes = zip(0, vec![word_axis("preset", &["devstack"; 20]), seconds_axis(EXPIRATION, &lifetimes)]);
    let second = vec![seconds_axis(WINDOW, &[0, 0, 172_800]), word_axis(CINDER_SENDS, &["false", "true", "true"])];
    axes.extend(zip(1, second));
    case("long", axes, &["boots"], 1_500.0)
}

/// Names that fit nowhere.
pub(crate) fn nasty() -> Case {
    let long = "a-very-long-name-that-nobody-should-give-to-anything-but-somebody-will-one-day-and-then-it-must-fit";
    let axes = vec![
        seconds_axis(EXPIRATION, &[900, 3_600]),
        seconds_axis(WINDOW, &[0, 172_800]),
        word_axis(&format!("workload.{long}.image_size"), &[long, "1 <B> & \"quoted\""]),
        word_axis(&format!("workload.{long}-2.image_size"), &["x", long]),
        word_axis("preset", &["kolla-ansible-2018", "openstack-helm-2024"]),
        word_axis("cloud.some.deeply.nested.and.rather.long.key", &["1", "2"]),
    ];
    let mut case = case(long, axes, &[long, &format!("{long}-2")], 2_500.0);
    case.study.notes = vec![format!("without speeds, sizes of {long}{long} do not matter")];
    expect(case, 0.01, &format!("somewhere/{long}.toml:99"))
}

/// Every case, by name.
pub(crate) fn cases() -> Vec<(&'static str, Case)> {
    vec![
        ("single", single()),
        ("calm", calm()),
        ("line", line()),
        ("grid", grid()),
        ("switch", switch()),
        ("lifetime_by_switch", lifetime_by_switch()),
        ("cube", cube()),
        ("busy", busy()),
        ("zipped", zipped()),
        ("long_zip", long_zip()),
        ("nasty", nasty()),
    ]
}
