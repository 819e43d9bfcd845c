//! Conservation: over random scenarios, no job and no request is lost or counted twice.

use std::fmt::Write as _;

use outlast::cloud::{Records, simulate};
use outlast::model::Model;
use outlast::model::ServiceId;
use outlast::model::program::Op;
use outlast::model::vocabulary::Cleanup;
use outlast::observe::{FailureKey, JobRecord, Observations, Outcome, ServiceFacts};
use outlast::units::Span;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{ALL_SEND, NO_CACHES, failure, records, study, volume};

/// A scenario with every setting drawn.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    keystone: (i64, i64, u32),
    rotation: String,
    sends: (bool, bool),
    roles: (bool, bool, bool),
    required: (bool, bool),
    caches: [i64; 3],
    store: &'static str,
    requests: &'static str,
    wait: (i64, i64),
    cinder: (u32, bool, bool),
    disabled: (Option<i64>, Option<i64>),
    held: Option<i64>,
    drain: &'static str,
    workloads: [Jobs; 2],
}

/// One of its workloads.
#[derive(Clone, Debug)]
struct Jobs {
    arrivals: &'static str,
    token_age: String,
    quantities: [String; 5],
    delete: bool,
    revoke_after: Option<String>,
}

/// A time or a distribution of it, of the given order of magnitude.
fn time(seconds: i64) -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\"0s\"".to_owned()),
        (0..=seconds).prop_map(|at| format!("\"{at}s\"")),
        Just(format!("{{ exponential = {{ mean = \"{seconds}s\" }} }}")),
        Just(format!("{{ lognormal = {{ median = \"{seconds}s\", sigma = 1.0 }} }}")),
        Just(format!("{{ gamma = {{ mean = \"{seconds}s\", cv = 0.5 }}, max = \"{}s\" }}", 3 * seconds)),
        Just(format!("{{ uniform = [\"0s\", \"{}s\"] }}", 2 * seconds)),
        Just(format!(
            "{{ mix = [[3, \"{seconds}s\"], [1, {{ pareto = {{ scale = \"{seconds}s\", shape = 1.5 }} }}]] }}"
        )),
    ]
}

fn jobs() -> impl Strategy<Value = Jobs> {
    let token_age = prop_oneof![
        (0_i64..4_000).prop_map(|age| format!("\"{age}s\"")),
        Just("{ of_expiration = { uniform = [0, 1.1] } }".to_owned()),
        Just("{ renewing = \"50s\" }".to_owned()),
        Just("{ uniform = [\"0s\", \"1h\"] }".to_owned()),
    ];
    let revoke_after = prop_oneof![
        2 => Just(None),
        1 => (-600_i64..3_600).prop_map(|after| Some(format!("\"{after}s\""))),
        1 => Just(Some("{ uniform = [\"-10m\", \"1h\"] }".to_owned())),
    ];
    let arrivals = select(vec!["{ poisson = \"60/h\" }", "{ every = \"71s\" }", "{ every = \"900ms\" }"]);
    (arrivals, token_age, [time(40), time(60), time(900), time(300), time(5)], any::<bool>(), revoke_after).prop_map(
        |(arrivals, token_age, quantities, delete, revoke_after)| Jobs {
            arrivals,
            token_age,
            quantities,
            delete,
            revoke_after,
        },
    )
}

pub(crate) fn drawn() -> impl Strategy<Value = Drawn> {
    let keystone = (60_i64..5_000, prop_oneof![Just(0), 0_i64..4_000], 1_u32..6);
    let rotation = prop_oneof![
        Just(String::new()),
        (300_i64..20_000).prop_map(|every| format!("every = \"{every}s\"")),
        (300_i64..9_000, 0_i64..300).prop_map(|(every, at)| format!("every = \"{every}s\", offset = \"{at}s\"")),
        Just("at = [\"-40m\", \"-1m\", \"1s\", \"20m\", \"21m\", \"2h\"]".to_owned()),
    ];
    let cache = || prop_oneof![Just(-1), 1_i64..900];
    let store = select(vec![
        "{ default_store = \"file\" }",
        "{ default_store = \"swift\", swift_store_multi_tenant = true }",
        "{ default_store = \"cinder\" }",
    ]);
    let requests = select(vec!["\"0s\"", "\"700ms\"", "{ exponential = { mean = \"2s\" } }"]);
    let disabled = || prop_oneof![4 => Just(None), 1 => (-100_i64..4_000).prop_map(Some)];
    let first = (keystone, rotation, any::<(bool, bool)>(), select(MOSTLY), any::<(bool, bool)>());
    let second = ([cache(), cache(), cache()], store, requests, (-1_i64..150, 1_i64..60));
    let third = (
        (1_u32..5, any::<bool>(), prop::bool::weighted(0.2)),
        (disabled(), disabled()),
        prop_oneof![2 => Just(None), 1 => (0_i64..4_000).prop_map(Some)],
        select(vec!["30d", "10m"]),
        [jobs(), jobs()],
    );
    (first, second, third).prop_map(
        |(
            (keystone, rotation, sends, roles, required),
            (caches, store, requests, wait),
            (cinder, disabled, held, drain, workloads),
        )| Drawn {
            keystone,
            rotation,
            sends,
            roles,
            required,
            caches,
            store,
            requests,
            wait,
            cinder,
            disabled,
            held,
            drain,
            workloads,
        },
    )
}

/// Who holds the role `service`: the users of Nova, of Cinder, and of nova-api's middleware.
const MOSTLY: &[(bool, bool, bool)] = &[
    (true, true, true),
    (true, true, true),
    (true, true, true),
    (false, true, true),
    (true, false, true),
    (true, true, false),
];

impl Drawn {
    fn text(&self) -> String {
        let Drawn {
            keystone, rotation, sends, roles, required, caches, store, requests, wait, cinder, disabled, ..
        } = self;
        let role = |has: bool| if has { "service" } else { "member" };
        let disabled_at = |at: Option<i64>| at.map_or(String::new(), |at| format!(", disabled_at = \"{at}s\""));
        let mut text = format!(
            "name = \"drawn\"
            run = {{ seed = 1, duration = \"40m\", drain = \"{}\" }}
            keystone.token = {{ expiration = {}, allow_expired_window = {} }}
            keystone.fernet_tokens.max_active_keys = {}
            cloud.fernet_rotation = {{ {rotation} }}
            cloud.requests.time = {requests}
            cloud.image_path = \"{}\"
            nova.service_user.send_service_user_token = {}
            cinder.service_user.send_service_user_token = {}
            nova.keystone_authtoken.token_cache_time = {}
            cinder.keystone_authtoken = {{ token_cache_time = {}, service_token_roles_required = {} }}
            glance.keystone_authtoken = {{ token_cache_time = {}, service_token_roles_required = {} }}
            glance.glance_store = {store}
            nova.DEFAULT.block_device_allocate_retries = {}
            nova.DEFAULT.block_device_allocate_retries_interval = {}
            cinder.DEFAULT.scheduler_max_attempts = {}
            cinder.DEFAULT.verify_glance_signatures = \"{}\"
            cloud.service_users.nova = {{ roles = [\"{}\"]{} }}
            cloud.service_users.cinder = {{ roles = [\"{}\"]{} }}
            cloud.service_users.nova_authtoken = {{ roles = [\"{}\"] }}\n",
            self.drain,
            keystone.0,
            keystone.1,
            keystone.2,
            if cinder.2 { "clone" } else { "copy" },
            sends.0,
            sends.1,
            caches[0],
            caches[1],
            required.0,
            caches[2],
            required.1,
            wait.0,
            wait.1,
            cinder.0,
            if cinder.1 { "enabled" } else { "disabled" },
            role(roles.0),
            disabled_at(disabled.0),
            role(roles.1),
            disabled_at(disabled.1),
            role(roles.2),
        );
        for (name, jobs) in ["first", "second"].iter().zip(&self.workloads) {
            let _ = write!(
                text,
                "[[workload]]
                name = \"{name}\"
                job = \"boot-from-volume\"
                arrivals = {}
                token_age = {}
                build_queue = {}
                cinder_queue = {}
                download = {}
                convert = {}
                attach = {}
                delete_on_termination = {}\n",
                jobs.arrivals,
                jobs.token_age,
                jobs.quantities[0],
                jobs.quantities[1],
                jobs.quantities[2],
                jobs.quantities[3],
                jobs.quantities[4],
                jobs.delete,
            );
            if let Some(after) = &jobs.revoke_after {
                let _ = writeln!(text, "revoke_after = {after}");
            }
            if let Some(age) = self.held {
                let _ = writeln!(text, "service_token_age = \"{age}s\"");
            }
        }
        text
    }

    /// The same with arrivals at instants that no other job shares: who comes first at one instant is nobody's rule.
    pub(crate) fn apart(mut self) -> Drawn {
        self.workloads[0].arrivals = "{ poisson = \"90/h\" }";
        self.workloads[1].arrivals = "{ burst = { at = \"3m\", jobs = 20, over = \"20m\" } }";
        self
    }

    pub(crate) fn model(&self) -> Model {
        study(&self.text()).points.remove(0).model
    }

    /// One of the two at a time, for the reason that `a_disabled_user_lives_on_in_caches` shows.
    fn without_caches_or_disabling(&self, caches: bool) -> Drawn {
        if caches {
            Drawn { disabled: (None, None), ..self.clone() }
        } else {
            Drawn { caches: [-1; 3], ..self.clone() }
        }
    }
}

/// What the counts of a workload say, from its records.
pub(crate) fn counts_are_the_records(model: &Model, facts: &Observations) -> Result<(), TestCaseError> {
    for (index, workload) in facts.workloads.iter().enumerate() {
        let of_outcome = |is: fn(&Outcome) -> bool| {
            let ours = facts.records.iter().filter(|record| record.workload == index);
            ours.filter(|record| is(&record.outcome)).count() as u64
        };
        let counts = &workload.counts;
        prop_assert_eq!(counts.jobs, counts.completed + counts.failed + counts.unfinished);
        prop_assert_eq!(counts.completed, of_outcome(|outcome| matches!(outcome, Outcome::Completed)));
        prop_assert_eq!(counts.failed, of_outcome(|outcome| matches!(outcome, Outcome::Failed(_))));
        prop_assert_eq!(counts.unfinished, of_outcome(|outcome| matches!(outcome, Outcome::Unfinished)));
        prop_assert_eq!(counts.completed, workload.durations.distribution().len());
        prop_assert_eq!(counts.completed, workload.margins.distribution().len());
        prop_assert!(counts.refused_at_submission <= counts.failed && counts.token_failures <= counts.failed);

        let ours: Vec<&JobRecord> = facts.records.iter().filter(|record| record.workload == index).collect();
        let sum: i128 = ours
            .iter()
            .filter(|record| record.outcome == Outcome::Completed)
            .map(|record| i128::from(record.ended.expect("it has ended").since(record.submitted).micros()))
            .sum();
        prop_assert_eq!(counts.duration_sum_micros, sum);
        prop_assert_eq!(counts.orphans, ours.iter().map(|record| u64::from(record.orphans)).sum::<u64>());
        prop_assert_eq!(counts.failed, workload.failures.values().map(|way| way.jobs).sum::<u64>());
        prop_assert_eq!(counts.orphans, workload.failures.values().map(|way| way.orphans).sum::<u64>());
        for (way, number) in &workload.failures {
            let found = ours.iter().filter_map(|record| failure(record)).filter(|failure| {
                let cause = failure.first_cause;
                *way == FailureKey {
                    step: failure.step,
                    reason: failure.reason,
                    first_cause_step: cause.step,
                    first_cause_reason: cause.reason,
                }
            });
            prop_assert_eq!(number.jobs, found.count() as u64);
        }
        let token_failures =
            ours.iter().filter_map(|record| failure(record)).filter(|f| f.first_cause.reason.is_token_failure());
        prop_assert_eq!(counts.token_failures, token_failures.count() as u64);
    }
    // Everybody who is submitted is counted, once.
    let mut names: Vec<_> = facts.records.iter().map(|record| (record.workload, record.ordinal)).collect();
    names.sort_unstable();
    for (index, _) in model.workloads.iter().enumerate() {
        let ordinals: Vec<u64> = names.iter().filter(|name| name.0 == index).map(|name| name.1).collect();
        prop_assert_eq!(&ordinals, &(0..ordinals.len() as u64).collect::<Vec<_>>());
    }
    Ok(())
}

fn a_record_is_sound(model: &Model, record: &JobRecord) -> Result<(), TestCaseError> {
    prop_assert!(record.ended.is_none_or(|ended| ended >= record.submitted));
    prop_assert!(record.token_age >= Span::ZERO && record.quantities.iter().all(|quantity| *quantity >= 0));
    let ops = &model.workloads[record.workload].program.ops;
    let allowed = |of: fn(&Op) -> Option<u32>| ops.iter().filter_map(of).max().unwrap_or(0);
    let polls = allowed(|op| if let Op::Poll(poll) = op { Some(poll.attempts) } else { None });
    let attempts = allowed(|op| if let Op::Again { tries, .. } = op { Some(*tries) } else { None });
    prop_assert!(record.polls <= polls, "polls of {:?}", record);
    prop_assert!(record.attempts <= attempts, "attempts of {:?}", record);
    prop_assert_eq!(record.cleanup.is_some(), failure(record).is_some());
    match record.outcome {
        Outcome::Completed => {
            prop_assert!(record.ended.is_some() && record.polls > 0 && record.attempts > 0);
            prop_assert_eq!((volume(record), record.orphans), ("in-use", 0));
        }
        Outcome::Failed(failure) => {
            let ended = record.ended.expect("a failure has its instant");
            let cause = failure.first_cause;
            prop_assert!(record.submitted <= cause.at && cause.at <= ended, "{:?}", record);
            prop_assert_ne!(volume(record), "in-use");
            prop_assert_eq!(record.orphans, u32::from(!["none", "deleted"].contains(&volume(record))));
            prop_assert_eq!(volume(record) == "deleted", record.cleanup == Some(Cleanup::Deleted));
            let deletes = ops.contains(&Op::Cleanup(Cleanup::Deleted));
            prop_assert!(deletes || record.cleanup == Some(Cleanup::None), "{:?}", record);
        }
        Outcome::Unfinished => {
            prop_assert_eq!((record.ended, record.orphans), (None, 0));
        }
    }
    Ok(())
}

/// Requests and validations, by service and by job.
fn requests_add_up(facts: &Observations) -> Result<(), TestCaseError> {
    let services = |count: fn(&ServiceFacts) -> u64| -> u64 { facts.services.iter().map(count).sum() };
    let keystone = &facts.services[ServiceId::KEYSTONE.index()];
    let asked: u64 = facts.records.iter().map(|record| u64::from(record.keystone_validations)).sum();
    prop_assert_eq!(asked, services(|facts| facts.keystone_validations));
    prop_assert_eq!(asked, keystone.requests);
    prop_assert_eq!(keystone.keystone_validations + keystone.cache_hits, 0);
    prop_assert!(keystone.refused <= keystone.requests);
    let polls: u64 = facts.records.iter().map(|record| u64::from(record.polls)).sum();
    prop_assert!(facts.services[ServiceId::CINDER.index()].requests >= polls);
    for service in &facts.services {
        prop_assert!(service.refused <= service.requests);
        // One or two tokens come with a request.
        let tokens = service.keystone_validations + service.cache_hits;
        let requests = if std::ptr::eq(service, keystone) { 0 } else { service.requests };
        prop_assert!(requests <= tokens && tokens <= 2 * requests);
    }
    let issued: u64 = facts.records.iter().map(|record| u64::from(record.service_tokens_issued)).sum();
    // Those that are held at the start belong to no job.
    prop_assert!(issued <= facts.service_tokens_issued && facts.service_tokens_issued <= issued + 4);
    Ok(())
}

/// Every job that completes under the first model completes under the second, at the same instant.
fn nobody_is_worse_off(narrow: &Model, wide: &Model) -> Result<(), TestCaseError> {
    let (narrow, wide) = (records(narrow, 0), records(wide, 0));
    prop_assert_eq!(narrow.len(), wide.len());
    for (narrow, wide) in narrow.iter().zip(&wide) {
        prop_assert_eq!((narrow.workload, narrow.submitted), (wide.workload, wide.submitted));
        if narrow.outcome == Outcome::Completed {
            prop_assert_eq!(wide.outcome, Outcome::Completed, "before: {:?}\nafter: {:?}", narrow, wide);
            prop_assert_eq!(wide.ended, narrow.ended);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost(drawn in drawn(), replication in 0_u32..100) {
        let model = drawn.model();
        let facts = simulate(&model, replication, Records::Jobs);
        counts_are_the_records(&model, &facts)?;
        for record in &facts.records {
            a_record_is_sound(&model, record)?;
        }
        requests_add_up(&facts)?;
    }

    #[test]
    fn a_wider_window_fails_nobody(drawn in drawn(), caches: bool, more in 1_i64..4_000) {
        let narrow = drawn.without_caches_or_disabling(caches);
        let mut wide = narrow.clone();
        wide.keystone.1 += more;
        nobody_is_worse_off(&narrow.model(), &wide.model())?;
    }

    #[test]
    fn another_key_fails_nobody(drawn in drawn(), caches: bool) {
        let narrow = drawn.without_caches_or_disabling(caches);
        let mut wide = narrow.clone();
        wide.keystone.2 += 1;
        nobody_is_worse_off(&narrow.model(), &wide.model())?;
    }

    /// With an age that does not grow with the lifetime, and without revocations, for the reason that
    /// `an_expired_token_escapes_its_revocation` shows.
    #[test]
    fn a_longer_life_fails_nobody(
        drawn in drawn(),
        caches: bool,
        ages in [0_i64..4_000, 0_i64..4_000],
        more in 1_i64..4_000,
    ) {
        let mut narrow = drawn.without_caches_or_disabling(caches);
        for (jobs, age) in narrow.workloads.iter_mut().zip(ages) {
            jobs.token_age = format!("\"{age}s\"");
            jobs.revoke_after = None;
        }
        let mut wide = narrow.clone();
        wide.keystone.0 += more;
        nobody_is_worse_off(&narrow.model(), &wide.model())?;
    }
}

/// Whether the jobs of a scenario complete, in the order of workloads.
fn completes(settings: &str, workloads: &[&str]) -> Vec<bool> {
    let mut text = format!(
        "name = \"exception\"
        run.duration = \"1s\"
        nova.DEFAULT.block_device_allocate_retries = 1000
        {settings}\n"
    );
    for (number, workload) in workloads.iter().enumerate() {
        let _ = writeln!(
            text,
            "[[workload]]\nname = \"jobs-{number}\"\njob = \"boot-from-volume\"\narrivals = {{ every = \"1s\" }}\n{workload}"
        );
    }
    let records = records(&study(&text).points[0].model, 0);
    records.iter().map(|record| record.outcome == Outcome::Completed).collect()
}

/// Why a longer life is only compared without revocations: Keystone answers 404 to the revocation of an expired token,
/// which service tokens then carry on through the window. The longer life ends at the revocation.
#[test]
fn an_expired_token_escapes_its_revocation() {
    for (expiration, completed) in [(600, true), (900, false)] {
        let settings = format!(
            "{NO_CACHES}{ALL_SEND}keystone.token = {{ expiration = {expiration}, allow_expired_window = \"1h\" }}"
        );
        let job = "token_age = \"0s\"\ndownload = \"20m\"\nrevoke_after = \"700s\"";
        assert_eq!(completes(&settings, &[job]), [completed], "lifetime {expiration} s");
    }
}

/// Why caches and disabled service users are only compared one at a time: a cache vouches for a service token beyond
/// the end of its user, for as long as it does since it was last asked for. A job that is refused makes Cinder fetch
/// another token, which the cache then keeps for longer, and another job lives on it. With a wider window the first
/// job passes, and the second comes upon an entry that has died.
#[test]
fn a_disabled_user_lives_on_in_caches() {
    for (window, completed) in [(0, [false, true]), (3_600, [false, false])] {
        let settings = format!(
            "keystone.token = {{ expiration = 600, allow_expired_window = {window} }}
            cinder.service_user.send_service_user_token = true
            cloud.service_users.cinder.disabled_at = \"440s\"
            glance.keystone_authtoken.token_cache_time = 300"
        );
        // At 320 s, when Glance has forgotten its token but not yet cinder-volume's, from 50 s.
        let refused_or_not = "token_age = \"500s\"\ncinder_queue = \"50s\"\ndownload = \"270s\"";
        // At 450 s.
        let other = "token_age = \"0s\"\ncinder_queue = \"50s\"\ndownload = \"400s\"";
        assert_eq!(completes(&settings, &[refused_or_not, other]), completed, "window {window} s");
    }
}
