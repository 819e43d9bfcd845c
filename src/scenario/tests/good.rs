//! Good scenarios: what each key comes to, which layer wins, and how a sweep expands.

use std::fs;

use super::*;
use crate::model::program::{Op, Poll};
use crate::model::study::{AxisUnit, Metric};
use crate::model::vocabulary::Reason;
use crate::model::{
    Arrivals, AuthToken, Keys, Model, Offset, ProcessId, Rotations, Sends, ServiceId, Source, TokenAge, Workload,
};
use crate::random::dist::Shape;
use crate::random::{DailyRate, Dist};
use crate::units::{Instant, Span};

/// The example of the reference, with all that it leaves out.
const EXAMPLE: &str = r#"
name = "one-hour-tokens"
description = "Boot from volume on one-hour tokens"

[run]
seed = 2026
replications = 32
confidence = 0.9
duration = "2d"
warm_up = "6h"
drain = "20d"

[keystone.token]
provider = "fernet"
expiration = "1h"
allow_expired_window = "2d"

[keystone.fernet_tokens]
max_active_keys = 7

[nova.service_user]
send_service_user_token = true

[glance.keystone_authtoken]
service_token_roles = "service, admin"
service_token_roles_required = false
token_cache_time = -1

[nova.DEFAULT]
block_device_allocate_retries = 2400
block_device_allocate_retries_interval = 5

[cinder.DEFAULT]
scheduler_max_attempts = 1
verify_glance_signatures = "disabled"

[glance.glance_store]
default_store = "swift"
swift_store_multi_tenant = true

[cloud]
release = "2026.1"
image_path = "clone"

[cloud.fernet_rotation]
every = "12h"
offset = "-1h"

[swift.keystone_authtoken]
service_token_roles = ["reader"]
service_token_roles_required = true
token_cache_time = "1m"
[cloud.service_users]
nova = { roles = [] }
cinder = { roles = ["service"], disabled_at = "-2h" }

[cloud.image_transfer]
per_job = "77MiB/s"
[cloud.requests]
time = { exponential = { mean = "40ms" }, max = "1s" }

[[workload]]
name = "boots"
job = "boot-from-volume"
arrivals = { poisson = "30/h" }
token_age = { of_expiration = { uniform = [0, "50%"] } }
image_size = { lognormal = { median = "40GiB", sigma = 1.0 }, max = "400GiB" }
convert = "90s"
delete_on_termination = true
revoke_after = "-1m"
service_token_age = "10m"

[[workload]]
name = "nightly"
job = "boot-from-volume"
arrivals = { every = "90s" }
token_age = { mix = [[3, "1m"], [1, { triangular = ["1m", "2m", "3m"] }]] }
"#;

fn auth_token(model: &Model, service: ServiceId) -> &AuthToken {
    model.service(service).keystone_authtoken.as_ref().expect("it has the middleware")
}

fn sends(model: &Model) -> (Sends, Sends, Sends) {
    let of = |process| model.process(process).sends;
    (of(ProcessId::NOVA_API), of(ProcessId::NOVA_COMPUTE), of(ProcessId::CINDER_VOLUME))
}

fn source<'w>(workload: &'w Workload, quantity: &str) -> &'w Source {
    workload.source(workload.kind.quantity(quantity).expect("its jobs draw it"))
}

/// The only poll of a workload's jobs.
fn poll(workload: &Workload) -> &Poll {
    let mut polls = workload.program.ops.iter().filter_map(|op| match op {
        Op::Poll(poll) => Some(poll),
        _ => None,
    });
    let poll = polls.next().expect("its jobs poll");
    assert!(polls.next().is_none());
    poll
}

/// How often a workload's jobs try what they try again.
fn tries(workload: &Workload) -> Vec<u32> {
    let tries = workload.program.ops.iter().filter_map(|op| match op {
        Op::Again { tries, .. } => Some(*tries),
        _ => None,
    });
    tries.collect()
}

fn waits_for(workload: &Workload, quantity: &str) -> bool {
    let quantity = workload.kind.quantity(quantity).expect("its jobs draw it");
    workload.program.ops.contains(&Op::Wait(quantity))
}

fn is_asked(workload: &Workload, step: &str) -> bool {
    let step = workload.kind.step(step).expect("its jobs may send it");
    workload.program.ops.iter().any(|op| matches!(op, Op::Request { request, .. } if request.step == step))
}

#[test]
fn every_key_reaches_the_model() {
    let study = read(EXAMPLE).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!((study.name.as_str(), study.axes.len(), study.points.len()), ("one-hour-tokens", 0, 1));
    let model = &study.points[0].model;
    let run = &model.run;
    assert_eq!((run.seed, run.replications, run.confidence), (2026, 32, 0.9));
    let hours = |hours: i64| Span::from_seconds(hours * 3600);
    assert_eq!((run.duration, run.warm_up, run.drain), (hours(48), hours(6), hours(480)));
    assert_eq!((model.keystone.expiration, model.keystone.allow_expired_window), (hours(1), hours(48)));
    let rotations = Rotations::Every { period: hours(12), offset: Offset::Fixed(hours(11)) };
    assert_eq!(model.keystone.keys, Keys::Fernet { max_active_keys: 7, rotations, extra: [].into() });
    assert_eq!(sends(model), (Sends::ServiceUser, Sends::ServiceUser, Sends::Never));
    let glance = auth_token(model, ServiceId::GLANCE);
    assert_eq!(glance.service_token_roles, ["service", "admin"]);
    assert_eq!((glance.service_token_roles_required, glance.token_cache_time), (false, None));
    for service in [ServiceId::CINDER, ServiceId::NEUTRON] {
        assert_eq!(auth_token(model, service).token_cache_time, Some(Span::from_seconds(300)));
        assert!(!auth_token(model, service).service_token_roles_required, "2026.1 does not require roles");
    }
    let swift = auth_token(model, ServiceId::SWIFT);
    assert_eq!(swift.service_token_roles, ["reader"]);
    assert_eq!((swift.service_token_roles_required, swift.token_cache_time), (true, Some(Span::from_seconds(60))));
    let user = |process| model.process(process).user.as_ref().expect("it has a user of its own");
    for process in [ProcessId::NOVA_API, ProcessId::NOVA_COMPUTE, ProcessId::NOVA_COMPUTE_DESTINATION] {
        assert!(user(process).roles.is_empty());
    }
    for process in [ProcessId::CINDER_API, ProcessId::CINDER_VOLUME, ProcessId::CINDER_BACKUP] {
        assert_eq!(user(process).disabled_at, Some(Instant::from_seconds(-7200)));
    }
    for process in [ProcessId::CLIENT, ProcessId::GLANCE_API] {
        assert_eq!((model.process(process).sends, &model.process(process).user), (Sends::Never, &None));
    }
    assert_eq!(model.request_time, Dist::new(Shape::Exponential { mean: 0.04 }, None, Some(1.0)).unwrap());
    let [boots, nightly] = &*model.workloads else { panic!("two workloads") };
    assert_eq!(boots.arrivals, Arrivals::Poisson { per_second: 30.0 / 3600.0 });
    assert_eq!(
        boots.token_age,
        TokenAge::OfExpiration(Dist::new(Shape::Uniform { low: 0.0, high: 0.5 }, None, None).unwrap())
    );
    let size_of = boots.kind.quantity("image_size").unwrap();
    assert!(matches!(source(boots, "download"), Source::Copy { size, .. } if *size == size_of));
    assert_eq!(source(boots, "convert"), &Source::Drawn(Dist::constant(90.0)));
    assert_eq!(source(boots, "attach"), &Source::Drawn(Dist::constant(0.0)));
    let poll = poll(boots);
    assert_eq!((poll.attempts, poll.interval), (2401, Span::from_seconds(5)));
    assert_eq!(tries(boots), [1]);
    assert!(!waits_for(boots, "download") && !is_asked(boots, "swift_get"), "the backend clones");
    assert_eq!([boots, nightly].map(|workload| is_asked(workload, "volume_delete")), [true, false]);
    assert_eq!(boots.revoke_after, Some(Dist::constant(-60.0)));
    assert_eq!((boots.service_token_age, nightly.service_token_age), (Some(Span::from_seconds(600)), None));
    assert_eq!(nightly.arrivals, Arrivals::Every(Span::from_seconds(90)));
}

#[test]
fn defaults_are_those_of_openstack() {
    let model = model("");
    assert_eq!(model.keystone.expiration, Span::from_seconds(3600));
    assert_eq!(model.keystone.allow_expired_window, Span::from_seconds(172_800));
    assert_eq!(model.keystone.keys, Keys::Fernet { max_active_keys: 3, rotations: Rotations::Never, extra: [].into() });
    assert_eq!(sends(&model), (Sends::AuthToken, Sends::Never, Sends::Never));
    assert_eq!(model.process(ProcessId::NOVA_API).user.as_ref().unwrap().roles, ["admin", "service"]);
    for service in [ServiceId::NOVA, ServiceId::CINDER, ServiceId::GLANCE, ServiceId::NEUTRON] {
        assert!(auth_token(&model, service).service_token_roles_required);
    }
    let swift = auth_token(&model, ServiceId::SWIFT);
    assert_eq!((swift.service_token_roles_required, swift.token_cache_time), (false, None));
    assert_eq!((model.run.seed, model.run.replications), (1, 16));
    let workload = &model.workloads[0];
    assert_eq!(workload.name, "boot-from-volume");
    let poll = poll(workload);
    assert_eq!((poll.attempts, poll.interval), (61, Span::from_seconds(3)));
    assert_eq!(tries(workload), [3]);
    assert!(waits_for(workload, "download") && is_asked(workload, "cinder_image_signature"));
    assert_eq!(workload.token_age, TokenAge::Renewing { margin: Span::from_seconds(120) });
}

#[test]
fn single_keys() {
    type Check = fn(&Model) -> bool;
    let cases: [(&str, Check); 10] = [
        ("keystone.token.provider = \"jws\"", |model| model.keystone.keys == Keys::Jws),
        ("nova.DEFAULT.block_device_allocate_retries = -5", |model| poll(&model.workloads[0]).attempts == 1),
        ("nova.DEFAULT.block_device_allocate_retries = 0", |model| poll(&model.workloads[0]).attempts == 1),
        ("nova.DEFAULT.block_device_allocate_retries_interval = 0", |model| {
            poll(&model.workloads[0]).interval == Span::ZERO
        }),
        ("glance.glance_store.swift_store_multi_tenant = true", |model| !is_asked(&model.workloads[0], "swift_get")),
        ("glance.glance_store = { default_store = \"swift\", swift_store_multi_tenant = true }", |model| {
            is_asked(&model.workloads[0], "swift_get")
        }),
        ("glance.glance_store.default_store = \"cinder\"", |model| is_asked(&model.workloads[0], "cinder_store_get")),
        ("glance.glance_store = { default_store = \"cinder\", cinder_store_user_name = \"glance\" }", |model| {
            !is_asked(&model.workloads[0], "cinder_store_get")
        }),
        ("cloud.fernet_rotation.at = [\"9h\", \"-3h\"]", |model| match &model.keystone.keys {
            Keys::Fernet { rotations: Rotations::At(at), .. } => {
                **at == [Instant::from_seconds(-10_800), Instant::from_seconds(32_400)]
            }
            Keys::Fernet { .. } | Keys::Jws => false,
        }),
        ("cloud.fernet_rotation.every = \"1h\"", |model| match &model.keystone.keys {
            Keys::Fernet { rotations, .. } => {
                *rotations == Rotations::Every { period: Span::from_seconds(3600), offset: Offset::Random }
            }
            Keys::Jws => false,
        }),
    ];
    for (text, check) in cases {
        assert!(check(&model(text)), "{text}");
    }
}

#[test]
fn every_preset_is_a_good_scenario() {
    for preset in presets() {
        let study = read(&around(&format!("preset = \"{}\"", preset.name))).unwrap_or_else(|issues| panic!("{issues}"));
        // Alone, so that its keys are checked too.
        let alone = read(&around(preset.text)).unwrap_or_else(|issues| panic!("{}: {issues}", preset.name));
        assert_eq!(study.points[0].model, alone.points[0].model, "{}", preset.name);
    }
}

#[test]
fn the_example_of_the_reference_is_good() {
    let reference = reference();
    let example = reference.split("```").nth(1).and_then(|block| block.strip_prefix("toml")).expect("an example");
    let study = read(example).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!((study.points.len(), study.expectations[0].points.as_slice()), (2, [1].as_slice()));
}

#[test]
fn higher_layers_win() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    write(
        "sub/low.toml",
        "include = [\"lower.toml\"]\n[keystone.token]\nexpiration = 1000\nallow_expired_window = 1000\n",
    );
    write("sub/lower.toml", "[keystone.token]\nexpiration = 500\n[run]\ndrain = \"5d\"\n");
    write(
        "high.toml",
        "[keystone.token]\nallow_expired_window = 2000\n[cloud.requests]\ntime = { uniform = [\"1s\", \"2s\"] }\n",
    );
    let text = "name = \"x\"\npreset = \"openstack-ansible\"\ninclude = [\"sub/low.toml\", \"high.toml\"]\n\
        cloud.requests.time = { exponential = { mean = \"1s\" } }\n[run]\nwarm_up = \"1h\"\n\
        [sweep]\n\"keystone.token.expiration\" = [4000, 5000]\n";
    write("main.toml", &format!("{text}{WORKLOAD}"));
    let path = folder.path().join("main.toml");
    let study = load(&path, &Overrides { seed: Some(u64::MAX), replications: Some(3) })
        .unwrap_or_else(|issues| panic!("{issues}"));
    let model = &study.points[1].model;
    // Sweep over file, file over include, later include over earlier, include over preset, preset over default.
    assert_eq!(model.keystone.expiration, Span::from_seconds(5000));
    assert_eq!(model.request_time, Dist::new(Shape::Exponential { mean: 1.0 }, None, None).unwrap());
    assert_eq!(model.keystone.allow_expired_window, Span::from_seconds(2000));
    assert_eq!((model.run.drain, model.run.warm_up), (Span::from_seconds(432_000), Span::from_seconds(3600)));
    assert_eq!(sends(model).0, Sends::ServiceUser);
    assert_eq!((model.run.seed, model.run.replications), (u64::MAX, 3));

    let hash = |overrides: &Overrides| load(&path, overrides).unwrap().inputs_sha256;
    let plain = hash(&Overrides::default());
    assert_eq!(plain.len(), 64);
    assert_eq!(plain, hash(&Overrides::default()));
    assert_ne!(plain, hash(&Overrides { seed: Some(1), replications: None }));
    write("sub/lower.toml", "[run]\ndrain = \"6d\"\n");
    assert_ne!(plain, hash(&Overrides::default()), "an include is an input");
}

#[test]
fn the_hash_does_not_know_where_the_files_lie() {
    let hash = || {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("t.toml"), around("include = [\"i.toml\"]")).unwrap();
        fs::write(folder.path().join("i.toml"), "run.seed = 3\n").unwrap();
        load(&folder.path().join("t.toml"), &Overrides::default()).unwrap().inputs_sha256
    };
    assert_eq!(hash(), hash());
}

#[test]
fn a_sweep_is_a_grid() {
    let text = "[sweep]\n\"keystone.token.expiration\" = [\"15m\", 3600]\n\
        \"preset\" = [\"kolla-ansible\", \"rhoso\"]\n\
        \"workload.boot-from-volume.image_size\" = [\"1GiB\", 1024, \"0.5KiB\"]\n";
    let study = read(&around(text)).unwrap_or_else(|issues| panic!("{issues}"));
    let columns: Vec<&str> = study.axes.iter().map(|axis| axis.column.as_str()).collect();
    assert_eq!(columns, ["keystone.token.expiration_s", "preset", "workload.boot-from-volume.image_size_bytes"]);
    assert_eq!(study.points.len(), 12);
    assert_eq!((study.points[5].number, &study.points[5].values), (5, &vec![0, 1, 2]));
    let cells = |axis: usize| -> Vec<(&str, &str, Option<f64>)> {
        study.axes[axis].values.iter().map(|v| (v.cell.as_str(), v.label.as_str(), v.number)).collect()
    };
    assert_eq!(cells(0), [("900", "15m", Some(900.0)), ("3600", "3600", Some(3600.0))]);
    assert_eq!(cells(1), [("kolla-ansible", "kolla-ansible", None), ("rhoso", "rhoso", None)]);
    assert_eq!(
        cells(2),
        [("1073741824", "1GiB", Some(1_073_741_824.0)), ("1024", "1024", Some(1024.0)), ("512", "0.5KiB", Some(512.0))]
    );
    let keys = |point: usize| match study.points[point].model.keystone.keys {
        Keys::Fernet { max_active_keys, .. } => max_active_keys,
        Keys::Jws => 0,
    };
    assert_eq!((keys(0), keys(3)), (3, 5));
}

#[test]
fn columns_name_their_unit() {
    let cases = [
        ("run.duration = [\"2d\", \"300ms\"]", "run.duration_s", AxisUnit::Seconds, ["172800", "0.3"]),
        (
            "cloud.image_transfer.per_job = [\"1kB/s\", \"8bit/s\"]",
            "cloud.image_transfer.per_job_per_s",
            AxisUnit::PerSecond,
            ["1000", "1"],
        ),
        (
            "cinder.keystone_authtoken.token_cache_time = [-1, \"5m\"]",
            "cinder.keystone_authtoken.token_cache_time_s",
            AxisUnit::Seconds,
            ["-1", "300"],
        ),
        (
            "nova.service_user.send_service_user_token = [true, false]",
            "nova.service_user.send_service_user_token",
            AxisUnit::None,
            ["true", "false"],
        ),
        (
            "keystone.fernet_tokens.max_active_keys = [3, 7]",
            "keystone.fernet_tokens.max_active_keys",
            AxisUnit::None,
            ["3", "7"],
        ),
        (
            "cloud.requests.time = [\"1s\", { exponential = { mean = \"1s\" } }]",
            "cloud.requests.time",
            AxisUnit::None,
            ["1s", "{ exponential = { mean = \"1s\" } }"],
        ),
        (
            "cloud.service_users.nova.roles = [[\"service\"], []]",
            "cloud.service_users.nova.roles",
            AxisUnit::None,
            ["[\"service\"]", "[]"],
        ),
        (
            "workload.boot-from-volume.token_age = [\"1m\", \"1.5s\"]",
            "workload.boot-from-volume.token_age_s",
            AxisUnit::Seconds,
            ["60", "1.5"],
        ),
        (
            "workload.boot-from-volume.arrivals = [{ poisson = \"1/h\" }, { every = \"1h\" }]",
            "workload.boot-from-volume.arrivals",
            AxisUnit::None,
            ["{ poisson = \"1/h\" }", "{ every = \"1h\" }"],
        ),
    ];
    for (text, column, unit, cells) in cases {
        let study = read(&around(&format!("[sweep]\n{text}"))).unwrap_or_else(|issues| panic!("{text}: {issues}"));
        let axis = &study.axes[0];
        assert_eq!((axis.column.as_str(), axis.unit), (column, unit), "{text}");
        let found: Vec<&str> = axis.values.iter().map(|value| value.cell.as_str()).collect();
        assert_eq!(found, cells, "{text}");
    }
}

#[test]
fn the_release_can_be_swept() {
    let study = read(&around("[sweep]\n\"cloud.release\" = [\"2026.1\", \"2026.2\"]")).unwrap();
    let required = |point: &Point| auth_token(&point.model, ServiceId::CINDER).service_token_roles_required;
    let required: Vec<bool> = study.points.iter().map(required).collect();
    assert_eq!(required, [false, true]);
}

#[test]
fn expectations_find_their_points() {
    let text = "[sweep]\n\"keystone.token.expiration\" = [\"15m\", 3600, \"4h\"]\n\
        \"cinder.service_user.send_service_user_token\" = [false, true]\n\
        [[expect]]\nmetric = \"token_failure_rate\"\nmax = \"0.1%\"\n\
        where = { \"cinder.service_user.send_service_user_token\" = true }\n\
        [[expect]]\nmetric = \"failed\"\nmin = 3\nmax = 5\nworkload = \"boot-from-volume\"\nstep = \"poll\"\n\
        reason = \"beyond_window\"\nconfidence = 0.99\n\
        where = { keystone.token.expiration = [\"1h\", 14400] }\n\
        [[expect]]\nmetric = \"margin_p01_s\"\nmin = \"-5m\"\n";
    let study = read(&around(text)).unwrap_or_else(|issues| panic!("{issues}"));
    let [first, second, third] = study.expectations.as_slice() else { panic!("three entries") };
    assert_eq!(first.text, "token_failure_rate <= 0.1% where cinder.service_user.send_service_user_token = true");
    assert_eq!((first.metric, first.min, first.max), (Metric::TokenFailureRate, None, Some(0.001)));
    assert_eq!(
        (first.points.as_slice(), first.confidence, first.place.as_str()),
        ([1, 3, 5].as_slice(), 0.95, "t.toml:5")
    );
    assert_eq!(
        second.text,
        "3 <= failed <= 5 of boot-from-volume at poll for beyond_window with confidence 0.99 \
         where keystone.token.expiration = 3600 or 4h"
    );
    assert_eq!(second.points, [2, 3, 4, 5]);
    assert_eq!((second.reason, second.confidence), (Some(Reason::BeyondWindow), 0.99));
    assert_eq!(second.step.as_deref(), Some("poll"));
    assert_eq!((third.text.as_str(), third.min, third.points.len()), ("margin_p01_s >= -5m", Some(-300.0), 6));
}

#[test]
fn daily_profiles_and_bursts() {
    let profile = |hour: fn(usize) -> &'static str| {
        format!("{{ daily = [{}] }}", (0..24).map(hour).map(|rate| format!("{rate:?}")).collect::<Vec<_>>().join(", "))
    };
    let office = profile(|hour| if (8..18).contains(&hour) { "2/min" } else { "0/h" });
    let flat = profile(|_| "1/s");
    let text = format!(
        "name = \"x\"{WORKLOAD}[sweep]\n\"workload.boot-from-volume.arrivals\" = [\n{office}, {flat},\n\
         {{ burst = {{ at = \"23h\", jobs = 10000000000, over = \"1h\" }} }},\n\
         {{ burst = {{ over = \"0s\", at = \"0s\", jobs = 1 }} }},\n{{ poisson = \"1/s\" }}]\n"
    );
    let study = read(&text).unwrap_or_else(|issues| panic!("{issues}"));
    let found: Vec<&Arrivals> = study.points.iter().map(|point| &point.model.workloads[0].arrivals).collect();
    let rates = std::array::from_fn(|hour| if (8..18).contains(&hour) { 1.0 / 30.0 } else { 0.0 });
    let burst =
        |at, jobs, over| Arrivals::Burst { at: Instant::from_seconds(at), jobs, over: Span::from_seconds(over) };
    assert_eq!(
        found,
        [
            &Arrivals::Daily(DailyRate::new(rates).unwrap()),
            &Arrivals::Daily(DailyRate::new([1.0; 24]).unwrap()),
            &burst(82_800, 10_000_000_000, 3_600),
            &burst(0, 1, 0),
            &Arrivals::Poisson { per_second: 1.0 },
        ]
    );
    let labels: Vec<&str> = study.axes[0].values.iter().map(|value| value.label.as_str()).collect();
    assert_eq!(labels[..2], [office, flat]);
    assert_eq!(labels[3], "{ burst = { over = \"0s\", at = \"0s\", jobs = 1 } }");
}

#[test]
fn traces_and_recorded_values() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("jobs.csv", "submitted_s,download_s\n7200,60\n10,\n");
    write("times.csv", "seconds\n3\n1.5\n2\n");
    let text = "name = \"x\"\nrun.duration = \"3h\"\ncloud.requests.time = { empirical = \"times.csv\" }\n\
        [[workload]]\njob = \"boot-from-volume\"\narrivals = { trace = \"jobs.csv\" }\n";
    let study =
        load_text("t.toml", text, folder.path(), &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}"));
    let model = &study.points[0].model;
    assert_eq!(model.request_time.shape(), &Shape::Empirical([1.5, 2.0, 3.0].into()));
    let Arrivals::Trace(rows) = &model.workloads[0].arrivals else { panic!("a trace") };
    let found: Vec<_> = rows.iter().map(|row| (row.submitted.seconds(), row.ordinal)).collect();
    assert_eq!(found, [(10.0, 1), (7200.0, 0)]);

    let refused = |text: &str| load_text("t.toml", text, folder.path(), &Overrides::default()).expect_err(text).lines();
    assert_eq!(
        refused(&text.replace("3h", "2h")),
        [
            "t.toml:6:22: `workload.boot-from-volume.arrivals`: row 2 of `jobs.csv` is submitted at 2h, but jobs arrive in [0, 2h)"
        ]
    );
    write("jobs.csv", "submitted_s,downlod_s\n1,2\n");
    write("times.csv", "1\nx\n");
    assert_eq!(
        refused(text),
        [
            "t.toml:3:37: `cloud.requests.time`: row 2: `x` is not a number of seconds, e.g. 40 or 12.5",
            "t.toml:6:22: `workload.boot-from-volume.arrivals`: `jobs.csv`: row 1: unknown column `downlod_s`; did you mean \
             `download_s`? known here: `submitted_s`, `token_age_s`, `job_id`, `workload`, `image_size_bytes`, `build_queue_s`, \
             `cinder_queue_s`, `download_s`, `convert_s` and `attach_s`",
        ]
    );
}

#[test]
fn what_matters_is_noted() {
    let size = "[[workload]]\nname = \"b\"\njob = \"boot-from-volume\"\narrivals = { every = \"1h\" }\nimage_size = \"1GiB\"\n";
    let notes = |text: &str| read(&format!("name = \"x\"\n{text}")).unwrap_or_else(|issues| panic!("{issues}")).notes;
    let start = |text: &str, beginning: &str| {
        let notes = notes(text);
        assert_eq!(notes.len(), 1, "{text}: {notes:?}");
        assert!(notes[0].starts_with(beginning), "{text}: {notes:?}");
    };
    start(
        size,
        "workload `b`: `download` and `convert` take no time, because neither their durations nor `cloud.image_transfer.per_job` and `cloud.image_conversion.per_job` are given",
    );
    start(
        &format!("cloud.image_transfer.per_job = \"1B/s\"\n{size}"),
        "workload `b`: `convert` takes no time, because neither its duration nor `cloud.image_conversion.per_job` is given",
    );
    start(&format!("{size}convert = \"1s\"\n"), "workload `b`: `download` takes no time");
    start(
        WORKLOAD,
        "workload `boot-from-volume`: `download` and `convert` take no time, because neither their durations nor `image_size`, `cloud.image_transfer.per_job` and",
    );
    start(
        &format!("cloud.image_transfer.per_job = \"1B/s\"\n{WORKLOAD}"),
        "workload `boot-from-volume`: `download` and `convert` take no time, because neither their durations nor `image_size` and `cloud.image_conversion.per_job` are",
    );
    assert!(notes(&format!("cloud.image_path = \"clone\"\n{size}")).is_empty());
    assert!(notes(&format!("{size}convert = \"1s\"\ndownload = \"1s\"\n")).is_empty());
}
