//! What lint says is what is simulated.

use outlast::cloud::{Records, simulate};
use outlast::lint::{Lint, Report, lint};
use outlast::model::Model;
use outlast::model::vocabulary::Reason;
use outlast::scenario::text_to_lint;
use proptest::prelude::*;

use crate::support::{failure, records};

/// What lint says of a text, and its only point.
fn linted(text: &str) -> (Report, Model) {
    let mut read = text_to_lint("test.toml", text, std::path::Path::new("")).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let report = lint(&read.study, &read.places);
    (report, read.study.points.remove(0).model)
}

/// How many jobs failed first for each reason.
fn causes(model: &Model) -> impl Fn(Reason) -> usize {
    let records = simulate(model, 0, Records::Jobs).records;
    let causes: Vec<Reason> = records.iter().filter_map(failure).map(|failure| failure.first_cause.reason).collect();
    move |reason| causes.iter().filter(|cause| **cause == reason).count()
}

/// A cloud whose rotations all lie a microsecond after whole seconds. Jobs come every second with a new token, so
/// some of them have theirs from just before any of them, and ask for something in the last microsecond of the window.
#[derive(Clone, Debug)]
struct Keys {
    expiration: i64,
    window: i64,
    keys: u32,
    rotation: String,
    duration: i64,
}

impl Keys {
    fn text(&self) -> String {
        let Keys { expiration, window, keys, rotation, duration } = self;
        let wait = (expiration + window) * 1_000_000 - 1;
        format!(
            r#"
name = "keys"
run.duration = "{duration}s"
keystone.token = {{ expiration = {expiration}, allow_expired_window = {window} }}
keystone.fernet_tokens.max_active_keys = {keys}
{rotation}
nova.service_user.send_service_user_token = true
nova.keystone_authtoken.token_cache_time = -1
glance.keystone_authtoken.token_cache_time = -1

[[workload]]
name = "jobs"
job = "ask"
arrivals = {{ every = "1s" }}
token_age = "0s"
queue = "{wait}us"

[[job]]
name = "ask"
description = "Asks once, late."
quantities = {{ queue = {{ meaning = "How late." }} }}
steps = [
    {{ request = "post", from = "client", to = "nova" }},
    {{ wait = "queue" }},
    {{ request = "ask", from = "nova-compute", to = "glance" }},
]
"#
        )
    }
}

/// Periods on one to three nodes whose copies come a fixed time later.
fn periods() -> impl Strategy<Value = Keys> {
    (1_i64..90, 0_i64..60, 1_u32..7, 4_i64..40, 1_u32..4, 0_i64..40).prop_map(
        |(expiration, window, keys, period, nodes, lag)| Keys {
            expiration,
            window,
            keys,
            rotation: format!(
                "cloud.fernet_rotation = {{ every = \"{period}s\", offset = \"1us\" }}\n\
                 cloud.keystone = {{ nodes = {nodes}, sync_lag = \"{}s\" }}",
                lag % period
            ),
            // With several nodes one job in four at least is issued on the right one and read on the right one: that
            // none in 80 periods is has a chance of 1e-10.
            duration: 80 * period,
        },
    )
}

/// The same on one node, with rotations besides.
fn extras() -> impl Strategy<Value = Keys> {
    (1_i64..90, 0_i64..60, 3_u32..7, 5_i64..30, proptest::collection::vec(0_i64..60, 1..4)).prop_map(
        |(expiration, window, keys, period, extra)| {
            let first = period * i64::from(keys + 1);
            let extra: Vec<String> = extra.iter().map(|at| format!("\"{}s 1us\"", first + at)).collect();
            Keys {
                expiration,
                window,
                keys,
                rotation: format!(
                    "cloud.fernet_rotation = {{ every = \"{period}s\", offset = \"1us\", extra = [{}] }}",
                    extra.join(", ")
                ),
                duration: first + 60 + period * i64::from(keys + 2),
            }
        },
    )
}

/// Lists with any gaps.
fn lists() -> impl Strategy<Value = Keys> {
    (1_i64..90, 0_i64..60, 1_u32..6, proptest::collection::vec(1_i64..60, 1..9)).prop_map(
        |(expiration, window, keys, gaps)| {
            let mut last = 0;
            let instants: Vec<i64> = gaps
                .iter()
                .map(|gap| {
                    last += gap;
                    last
                })
                .collect();
            let at: Vec<String> = instants.iter().map(|at| format!("\"{at}s 1us\"")).collect();
            let rotation = format!("cloud.fernet_rotation.at = [{}]", at.join(", "));
            Keys { expiration, window, keys, rotation, duration: last + 1 }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// A token of the worst age fails where keys do not outlive lifetime and window, and nowhere else.
    #[test]
    fn keys_that_are_called_too_short_lose_tokens_and_no_others_do(
        case in prop_oneof![periods(), extras(), lists()],
    ) {
        let (report, model) = linted(&case.text());
        let keys = &report.keys[0].0;
        let causes = causes(&model);
        let gone = causes(Reason::FernetKeyGone);
        // With several nodes the service token of the sender may be the first to be lost.
        let lost = gone + causes(Reason::ServiceTokenInvalid);
        prop_assert_eq!(lost > 0, !keys.window_ok(), "{} of {:?}", lost, keys);
        if keys.unreadable.is_none() {
            prop_assert_eq!(causes(Reason::FernetKeyNotSynced), 0, "{:?}", keys);
        }
    }
}

/// Settings of service tokens, one after the other over those in which everything sends.
const SETTINGS: [&str; 13] = [
    "",
    "nova.service_user.send_service_user_token = false",
    "cinder.service_user.send_service_user_token = false",
    "nova.service_user.send_service_user_token = false\ncinder.service_user.send_service_user_token = false",
    "cinder.DEFAULT.backup_swift_service_auth = false",
    "cinder.nova.auth_type = \"\"",
    "cloud.service_users.nova.roles = [\"member\"]",
    "cloud.service_users.cinder.roles = [\"member\"]",
    "cloud.release = \"2026.1\"\ncloud.service_users.nova.roles = [\"member\"]",
    "cloud.release = \"2026.1\"\ncloud.service_users.cinder.roles = [\"member\"]",
    "glance.keystone_authtoken.service_token_roles = [\"admin\"]",
    "glance.glance_store.default_store = \"swift\"\nglance.glance_store.swift_store_multi_tenant = true",
    "glance.glance_store.default_store = \"cinder\"",
];

const ALL_SEND: &str = "nova.service_user.send_service_user_token = true
cinder.service_user.send_service_user_token = true
cinder.DEFAULT.backup_swift_service_auth = true
cinder.nova.auth_type = \"password\"";

/// What the job does about a refusal is to log it, so that it is the cause of nothing.
const ONLY_LOGGED: [(&str, &str); 2] = [("unshelve", "delete_image"), ("live-migration", "post_attachment_delete")];

/// The settings of a case over those in which everything sends, and no receiver keeps an answer.
fn over_all_send(settings: &str) -> String {
    let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    let set: Vec<String> = settings.lines().map(key).collect();
    let over: Vec<&str> = ALL_SEND.lines().filter(|line| !set.contains(&key(line))).collect();
    let caches: String = ["nova", "cinder", "glance", "neutron"]
        .map(|service| format!("{service}.keystone_authtoken.token_cache_time = -1\n"))
        .concat();
    format!("name = \"x\"\n{}\n{settings}\n{caches}", over.join("\n"))
}

/// A job of every kind, with a new token and with one that expires behind the first request: it stops where lint says.
#[test]
fn jobs_stop_at_the_hop_that_is_named() {
    let mut stopped = 0;
    for definition in outlast::jobs::builtins() {
        let kind = &definition.kind.name;
        // Their clients send more than one request, and the second would be too late.
        if matches!(kind.as_str(), "image-upload" | "image-import") {
            continue;
        }
        for settings in SETTINGS {
            for (is_expired, age) in [(false, "0s"), (true, "3599s")] {
                let text = format!(
                    "{}run.duration = \"1s\"\ncloud.requests.time = \"2s\"\n[[workload]]\nname = \"jobs\"\n\
                     job = \"{kind}\"\narrivals = {{ every = \"1h\" }}\ntoken_age = \"{age}\"\n",
                    over_all_send(settings)
                );
                let (report, model) = linted(&text);
                let course = &report.matrices[0].0.courses[0];
                let named = if is_expired { &course.after_expiration } else { &course.at_once };
                let [record] = &records(&model, 0)[..] else { panic!("one job") };
                let cause = failure(record).map(|failure| definition.kind.step_name(failure.first_cause.step));
                let named = named.as_ref().map(|stop| stop.step.as_str());
                let is_logged = named.is_some_and(|step| ONLY_LOGGED.contains(&(kind.as_str(), step)));
                let told = format!("{kind}, expired: {is_expired}, {settings:?}: {course:?}, {cause:?}");
                if is_logged {
                    assert_ne!(cause, named, "{told}");
                } else {
                    assert_eq!(cause, named, "{told}");
                    stopped += usize::from(cause.is_some());
                }
            }
        }
    }
    assert!(stopped > 100, "{stopped} jobs stopped where they should");
}

/// Sizes of jobs from such as nothing outlasts to such as everything does, the speeds being 10 MiB/s.
const SIZES: [&str; 6] = ["20GiB", "36GiB", "60GiB", "75GiB", "110GiB", "250GiB"];

/// A job of every kind and of many sizes, with a new token: the request that comes too late first is the one that lint
/// names, and where lint names none the job fails for nothing of the kind.
#[test]
fn jobs_outlast_their_tokens_where_lint_says() {
    let patience = "nova.DEFAULT.block_device_allocate_retries = 100000\n";
    let speeds: String = ["image_transfer", "image_conversion", "volume_copy", "memory_copy"]
        .map(|link| format!("cloud.{link}.per_job = \"10MiB/s\"\n"))
        .concat();
    let (mut late, mut well) = (0, 0);
    for definition in outlast::jobs::builtins() {
        let kind = &definition.kind;
        let Some(size) = kind.quantities.iter().find(|quantity| quantity.column().ends_with("_bytes")) else {
            continue;
        };
        for settings in SETTINGS {
            let text = |size_of: &str| {
                format!(
                    "{}{patience}{speeds}keystone.token.allow_expired_window = \"90m\"\nrun.duration = \"1s\"\n\
                     [[workload]]\nname = \"jobs\"\njob = \"{}\"\narrivals = {{ every = \"1h\" }}\n\
                     token_age = \"0s\"\n{} = \"{size_of}\"\n",
                    over_all_send(settings),
                    kind.name,
                    size.name,
                )
            };
            let failed_at = |model: &Model| {
                let [record] = &records(model, 0)[..] else { panic!("one job") };
                failure(record).map(|failure| kind.step_name(failure.first_cause.step).to_owned())
            };
            // What a job without any size fails at has nothing to do with time.
            let at_once = failed_at(&linted(&text("1B")).1);
            for size_of in SIZES {
                let (report, model) = linted(&text(size_of));
                let expected = failed_at(&model).filter(|step| at_once.as_ref() != Some(step));
                let found = report.findings.iter().find(|finding| finding.lint == Lint::TransferOutlivesToken);
                let told = format!("{}, {size_of}, {settings:?}: {expected:?}\n{found:#?}", kind.name);
                match (&expected, found) {
                    (Some(step), Some(found)) => {
                        assert!(found.what.ends_with(&format!("refused, at `{step}`")), "{told}");
                        assert!(found.what.starts_with("100 % of jobs"), "{told}");
                        late += 1;
                    }
                    (None, None) => well += 1,
                    (None, Some(_)) | (Some(_), None) => panic!("{told}"),
                }
            }
        }
    }
    assert!(late > 200 && well > 200, "{late} late, {well} well");
}

/// Of jobs with sizes that vary, the share that is refused and where.
#[test]
fn the_share_of_jobs_that_is_named_is_refused() {
    let text = format!(
        "{}cloud.image_transfer.per_job = \"30MiB/s\"\ncloud.image_conversion.per_job = \"100MiB/s\"\n\
         nova.DEFAULT.block_device_allocate_retries = 100000\nrun.duration = \"50d\"\n[[workload]]\nname = \"boots\"\n\
         job = \"boot-from-volume\"\narrivals = {{ every = \"10m\" }}\ntoken_age = \"0s\"\n\
         image_size = {{ lognormal = {{ median = \"50GiB\", sigma = 0.8 }}, max = \"600GiB\" }}\n",
        over_all_send("cinder.service_user.send_service_user_token = false")
    );
    let (report, model) = linted(&text);
    let found = report.findings.iter().find(|finding| finding.lint == Lint::TransferOutlivesToken).unwrap();
    let share: f64 = found.what.split(" %").next().unwrap().parse().unwrap();
    let jobs = records(&model, 0);
    let refused = jobs.iter().filter(|job| failure(job).is_some()).count();
    let percent = 100.0 * refused as f64 / jobs.len() as f64;
    // Four standard errors, and what the words are rounded by.
    let error = 4.0 * (share * (100.0 - share) / jobs.len() as f64).sqrt() + 0.5;
    assert!((percent - share).abs() < error, "{percent} % of {} jobs, and lint says {}", jobs.len(), found.what);
    assert!(found.what.ends_with("`cinder_image_after_download`"), "{}", found.what);
}
