//! What the behaviour tests share: scenario texts in, facts out, and the arithmetic of their intervals.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use outlast::cloud::{Records, simulate};
use outlast::experiment::{Observer, Part, Plan, run};
use outlast::model::study::Study;
use outlast::model::vocabulary::Reason;
use outlast::model::{Kind, Model, StepId};
use outlast::observe::{Failure, JobRecord, Outcome, PointFacts};
use outlast::scenario::{Overrides, load_text};

/// No receiver keeps tokens, so that every request is Keystone's own answer.
pub(crate) const NO_CACHES: &str = "nova.keystone_authtoken.token_cache_time = -1
cinder.keystone_authtoken.token_cache_time = -1
glance.keystone_authtoken.token_cache_time = -1
";

/// Nova and Cinder send service tokens.
pub(crate) const ALL_SEND: &str = "nova.service_user.send_service_user_token = true
cinder.service_user.send_service_user_token = true
";

/// Something of everything: jobs that share service tokens, keys that rotate at a random phase, caches, revocations
/// and random times. Two workloads; other tests put settings before it and tables behind it.
pub(crate) const BUSY: &str = r#"
name = "busy"
keystone.token.allow_expired_window = "20m"
keystone.fernet_tokens.max_active_keys = 3
glance.keystone_authtoken.service_token_roles_required = false
glance.glance_store.default_store = "swift"
glance.glance_store.swift_store_multi_tenant = true
cloud.image_transfer.per_job = "5MiB/s"
nova.DEFAULT.block_device_allocate_retries = 600
cloud.requests.time = { exponential = { mean = "2s" } }

[[workload]]
name = "boots"
job = "boot-from-volume"
arrivals = { poisson = "90/h" }
token_age = { of_expiration = { uniform = [0, 1] } }
download = { lognormal = { median = "10m", sigma = 0.8 } }
convert = { gamma = { mean = "4m", cv = 0.7 } }
build_queue = { exponential = { mean = "30s" } }
revoke_after = { mix = [[4, "90d"], [1, { uniform = ["-5m", "40m"] }]] }
delete_on_termination = true

[[workload]]
name = "images"
job = "boot-from-volume"
arrivals = { every = "97s" }
token_age = { uniform = ["0s", "55m"] }
image_size = { pareto = { scale = "2GiB", shape = 1.5 } }
cinder_queue = { weibull = { scale = "1m", shape = 1.3 } }
attach = { triangular = ["1s", "5s", "20s"] }
"#;

/// The study that a text describes, with files taken from `folder`.
pub(crate) fn study_in(folder: &Path, text: &str) -> Study {
    load_text("test.toml", text, folder, &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}\n{text}"))
}

/// The study that a text describes.
pub(crate) fn study(text: &str) -> Study {
    study_in(Path::new("."), text)
}

/// The only point of the scenario with these settings (dotted keys) and one workload of these keys, named `jobs`.
pub(crate) fn model(settings: &str, workload: &str) -> Model {
    let text =
        format!("name = \"test\"\n{settings}\n[[workload]]\nname = \"jobs\"\njob = \"boot-from-volume\"\n{workload}\n");
    study(&text).points.remove(0).model
}

/// The records of a replication, in the order of workloads and submission.
pub(crate) fn records(model: &Model, replication: u32) -> Vec<JobRecord> {
    let mut records = simulate(model, replication, Records::Jobs).records;
    records.sort_by_key(|record| (record.workload, record.submitted, record.ordinal));
    records
}

/// How a job failed, if it did.
pub(crate) fn failure(record: &JobRecord) -> Option<Failure> {
    match record.outcome {
        Outcome::Failed(failure) => Some(failure),
        Outcome::Completed | Outcome::Unfinished => None,
    }
}

/// The kind of the jobs of these tests.
pub(crate) fn boot_from_volume() -> &'static Kind {
    &outlast::jobs::builtins()[0].kind
}

/// What a job that boots from a volume drew of a quantity, in microseconds or bytes.
pub(crate) fn drawn(record: &JobRecord, quantity: &str) -> i64 {
    record.quantities[boot_from_volume().quantity(quantity).expect("such jobs draw it").index()]
}

/// The name of the state of its volume.
pub(crate) fn volume(record: &JobRecord) -> &'static str {
    &boot_from_volume().resources[0].states[usize::from(record.resources[0])]
}

/// Step and reason as a job's own process saw them, then of the first cause.
pub(crate) fn story(failure: &Failure) -> (&'static str, Reason, &'static str, Reason) {
    let name = |step: StepId| boot_from_volume().step_name(step);
    let cause = failure.first_cause;
    (name(failure.step), failure.reason, name(cause.step), cause.reason)
}

/// Keeps every replication that an experiment hands over, in the order of points and replications.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) BTreeMap<(usize, u32), (PointFacts, Vec<JobRecord>)>, Vec<PointFacts>);

impl Observer for Kept {
    type Error = Infallible;

    fn replication(&mut self, facts: &PointFacts, records: &[JobRecord]) -> Result<(), Infallible> {
        let earlier = self.0.insert((facts.point, facts.replications[0]), (facts.clone(), records.to_vec()));
        assert_eq!(earlier, None, "a replication is simulated once");
        Ok(())
    }

    fn point(&mut self, facts: PointFacts) -> Result<(), Infallible> {
        self.1.push(facts);
        Ok(())
    }
}

/// Runs the whole study; also every replication if records are asked for.
pub(crate) fn run_study(study: &Study, threads: usize, records: Records) -> (Vec<PointFacts>, Kept) {
    let threads = NonZeroUsize::new(threads).expect("some thread");
    let plan = Plan { threads, records, part: Part::default(), alternatives: None, stop: &AtomicBool::new(false) };
    let mut kept = Kept::default();
    let Ok(ran) = run(study, &plan, &mut kept);
    assert!(!ran.interrupted, "nobody stops it");
    kept.1.sort_by_key(|facts| facts.point);
    (std::mem::take(&mut kept.1), kept)
}

/// Mean and variance (n − 1) of a sample.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, squares / (n - 1.0))
}

/// How many standard errors a simulated figure may lie from its closed form: under the normal law a correct one is
/// farther off for one seed in 1.7 million, and the seeds are fixed.
pub(crate) const SIGMAS: f64 = 5.0;

/// Fails unless `hits` of so many independent trials agree with the probability `p`.
pub(crate) fn assert_share(what: &str, hits: usize, trials: usize, p: f64) {
    let share = hits as f64 / trials as f64;
    let error = (p * (1.0 - p) / trials as f64).sqrt();
    told(what, share, p, error);
}

/// Fails unless the mean of independent values agrees with `expected`, by their own spread.
pub(crate) fn assert_mean(what: &str, values: &[f64], expected: f64) {
    let (mean, variance) = moments(values);
    told(what, mean, expected, (variance / values.len() as f64).sqrt());
}

/// Fails unless a figure lies within so many standard errors of what is expected.
pub(crate) fn told(what: &str, found: f64, expected: f64, error: f64) {
    let off = if found == expected { 0.0 } else { (found - expected) / error };
    println!(
        "{what}: simulated {found:.6}, closed form {expected:.6}, standard error {error:.6}, {off:+.2} of them off"
    );
    assert!(off.abs() <= SIGMAS, "{what}: {found} is {off:.2} standard errors from {expected}");
}

/// The distribution function of the log-normal law.
pub(crate) fn lognormal_cdf(median: f64, sigma: f64, x: f64) -> f64 {
    if x <= 0.0 { 0.0 } else { 0.5 * libm::erfc(-libm::log(x / median) / (sigma * std::f64::consts::SQRT_2)) }
}
