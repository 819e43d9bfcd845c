//! Every lint: where it is found, where it is not, and just at the limit.

use std::path::Path;

use super::*;
use crate::scenario::text_to_lint;

/// Settings under which only the exposure is told: everything sends, nothing is short.
const CALM: &str = r#"
nova.service_user.send_service_user_token = true
cinder.service_user.send_service_user_token = true
cinder.DEFAULT.backup_swift_service_auth = true
cinder.nova.auth_type = "password"
keystone.token.allow_expired_window = "30m"
"#;

/// One workload of a kind, or of each where none is named.
fn linted(settings: &str, workload: &str) -> Report {
    let workload = if workload.is_empty() {
        String::new()
    } else {
        format!("[[workload]]\nname = \"jobs\"\narrivals = {{ every = \"1h\" }}\ntoken_age = \"0s\"\n{workload}\n")
    };
    let text = format!("name = \"x\"\n{settings}\n{workload}");
    let read = text_to_lint("x.toml", &text, Path::new("")).unwrap_or_else(|issues| panic!("{issues}\n{text}"));
    lint(&read.study, &read.places)
}

/// The codes that were found, without the exposure, which always is.
fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<&str> = report.findings.iter().map(|finding| finding.lint.code()).collect();
    codes.dedup();
    codes.retain(|code| *code != Lint::Exposure.code());
    codes
}

#[test]
fn nothing_is_wrong_with_what_is_calm() {
    let report = linted(CALM, "");
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings);
    assert_eq!(report.worst(), Some(Severity::Note));
    assert!(report.matrices[0].0.courses.iter().all(|course| course.after_expiration.is_none()));
}

/// What is added to the calm settings, for which workload, and which codes are found then.
#[test]
fn every_lint_is_found_where_it_holds_and_only_there() {
    const BOOT: &str = "job = \"boot-from-volume\"";
    const BACKUP: &str = "job = \"volume-backup\"";
    let sized = |size: &str| format!("{BOOT}\nimage_size = {size}");
    // 60 polls of 3 s after the first take 180 s; at 10 MiB/s that is 1800 MiB.
    let speed = "cloud.image_transfer.per_job = \"10MiB/s\"";
    let patient = "cloud.image_transfer.per_job = \"10MiB/s\"\nnova.DEFAULT.block_device_allocate_retries = 4000";
    let hour = "keystone.token.allow_expired_window = \"1h\"";
    let cases: Vec<(&str, String, String, &[&str])> = vec![
        // Keys.
        ("keys of an hour", "cloud.fernet_rotation.every = \"59m\"".into(), BOOT.into(), &["OUT-K001", "OUT-C001"]),
        ("no window left", "cloud.fernet_rotation.every = \"60m\"".into(), BOOT.into(), &["OUT-K002", "OUT-C001"]),
        ("a second short", "cloud.fernet_rotation.every = \"5399s\"".into(), BOOT.into(), &["OUT-K002", "OUT-C001"]),
        ("exactly", "cloud.fernet_rotation.every = \"5400s\"".into(), BOOT.into(), &["OUT-K003"]),
        ("a second more", "cloud.fernet_rotation.every = \"5401s\"".into(), BOOT.into(), &["OUT-K005"]),
        (
            "a key to spare",
            "cloud.fernet_rotation.every = \"5400s\"\nkeystone.fernet_tokens.max_active_keys = 4".into(),
            BOOT.into(),
            &[],
        ),
        (
            "lags without a bound",
            "cloud.fernet_rotation.every = \"2h\"\nkeystone.fernet_tokens.max_active_keys = 4\ncloud.keystone.nodes = 2\n\
             cloud.keystone.sync_lag = { exponential = { mean = \"1h\" } }"
                .into(),
            BOOT.into(),
            &["OUT-K004"],
        ),
        (
            "copies that get lost",
            "cloud.fernet_rotation.every = \"2h\"\ncloud.keystone.nodes = 2\ncloud.keystone.sync_missed = 0.1".into(),
            BOOT.into(),
            &["OUT-K004", "OUT-K005"],
        ),
        (
            "nodes apart",
            "cloud.keystone.nodes = 2\ncloud.keystone.rotations = [[\"1h\", \"9h\"], [\"2h\", \"9h\"]]".into(),
            BOOT.into(),
            &["OUT-K006"],
        ),
        (
            "Keystone's cache",
            "cloud.fernet_rotation.every = \"59m\"\nkeystone.cache.backend = \"dogpile.cache.memcached\"".into(),
            BOOT.into(),
            &["OUT-K001", "OUT-C001", "OUT-C002"],
        ),
        // Service tokens.
        ("a role missing", "cloud.service_users.nova.roles = [\"member\"]".into(), BOOT.into(), &["OUT-S001"]),
        ("implied", "cloud.service_users.nova.roles = [\"admin\"]\ncinder.keystone_authtoken.service_token_roles = \
          [\"member\"]\nglance.keystone_authtoken.service_token_roles = [\"member\", \"service\"]".into(), BOOT.into(), &[]),
        ("no role accepted", "cinder.keystone_authtoken.service_token_roles = []".into(), BOOT.into(), &["OUT-S001"]),
        (
            "a role missing before the upgrade",
            "cloud.release = \"2026.1\"\ncloud.service_users.nova.roles = [\"member\"]".into(),
            BOOT.into(),
            &["OUT-S002", "OUT-S003"],
        ),
        (
            "and not required on purpose",
            "cloud.service_users.nova.roles = [\"member\"]\ncinder.keystone_authtoken.service_token_roles_required = \
             false\nglance.keystone_authtoken.service_token_roles_required = false"
                .into(),
            BOOT.into(),
            &["OUT-S002"],
        ),
        ("Cinder sends none", "cinder.service_user.send_service_user_token = false".into(), BOOT.into(), &["OUT-S004"]),
        (
            "multi-tenant Swift",
            "glance.glance_store = { default_store = \"swift\", swift_store_multi_tenant = true }".into(),
            BOOT.into(),
            &["OUT-S005"],
        ),
        ("one tenant", "glance.glance_store.default_store = \"swift\"".into(), BOOT.into(), &[]),
        ("a Cinder store", "glance.glance_store.default_store = \"cinder\"".into(), BOOT.into(), &["OUT-S005"]),
        ("backups", "cinder.DEFAULT.backup_swift_service_auth = false".into(), BACKUP.into(), &["OUT-S006"]),
        ("no service token", "cinder.service_user.send_service_user_token = false".into(), BACKUP.into(), &["OUT-S006"]),
        (
            "backups of Cinder's own",
            "cinder.DEFAULT.backup_swift_service_auth = false\ncinder.DEFAULT.backup_swift_auth = \"single_user\"".into(),
            BACKUP.into(),
            &[],
        ),
        ("an exchange", "cinder.nova.auth_type = \"\"".into(), "job = \"volume-retype\"".into(), &["OUT-S007"]),
        ("retyped unattached", "cinder.nova.auth_type = \"\"".into(), "job = \"volume-retype\"\nattached = false".into(), &[]),
        (
            "CVE-2023-2088",
            "nova.service_user.send_service_user_token = false".into(),
            "job = \"volume-detach\"".into(),
            &["OUT-S008", "OUT-S004", "OUT-S007"],
        ),
        // Waits and windows.
        ("no window", "keystone.token.allow_expired_window = 0".into(), BOOT.into(), &["OUT-W001"]),
        ("no lifetime", "keystone.token.expiration = 0".into(), "job = \"snapshot\"".into(), &["OUT-W002"]),
        ("two minutes", "keystone.token.expiration = 120".into(), "job = \"snapshot\"".into(), &["OUT-W002"]),
        ("a second more", "keystone.token.expiration = 121".into(), "job = \"snapshot\"".into(), &[]),
        ("1800 MiB in 180 s", speed.into(), sized("\"1800MiB\""), &[]),
        ("and a MiB more", speed.into(), sized("\"1801MiB\""), &["OUT-W003"]),
        ("some are larger", speed.into(), sized("{ uniform = [\"1MiB\", \"2GiB\"] }"), &["OUT-W003"]),
        ("a longer wait", patient.into(), sized("\"2GiB\""), &["OUT-W004"]),
        ("a window as long", format!("{patient}\n{hour}").replace("4000", "2399"), sized("\"2GiB\""), &["OUT-R001"]),
        ("a poll more", format!("{patient}\n{hour}").replace("4000", "2400"), sized("\"2GiB\""), &["OUT-W004", "OUT-R001"]),
        // A token is good for less than its life: at its very end it is refused.
        ("a job of 90 min", speed.into(), "job = \"snapshot\"\nqueue = \"5399s\"".into(), &[]),
        ("a second more", speed.into(), "job = \"snapshot\"\nqueue = \"5400s\"".into(), &["OUT-W005"]),
        ("a clock", "cloud.clocks.glance = \"5s\"".into(), BOOT.into(), &["OUT-W006"]),
        ("one that is behind", "cloud.clocks.glance = \"-5s\"".into(), BOOT.into(), &[]),
        // Caches and revocation.
        ("a longer cache", "glance.keystone_authtoken.token_cache_time = 301".into(), BOOT.into(), &["OUT-C003"]),
        ("a longer window", "keystone.token.allow_expired_window = 1801".into(), BOOT.into(), &["OUT-R001"]),
    ];
    // No scenario says that credentials are lacking.
    let mut seen: std::collections::BTreeSet<&str> = [Lint::Exposure.code(), Lint::NoCredentials.code()].into();
    for (case, settings, workload, expected) in cases {
        // What the case sets replaces the calm setting.
        let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
        let set: Vec<String> = settings.lines().map(key).collect();
        let calm: Vec<&str> = CALM.lines().filter(|line| !set.contains(&key(line))).collect();
        let report = linted(&format!("{}\n{settings}", calm.join("\n")), &workload);
        assert_eq!(codes(&report), expected, "{case}: {:#?}", report.findings);
        for finding in &report.findings {
            assert!(!finding.keys.is_empty() || !finding.why.is_empty(), "{case}: {finding:#?}");
        }
        seen.extend(expected);
    }
    let all: std::collections::BTreeSet<&str> = Lint::ALL.iter().map(|lint| lint.code()).collect();
    assert_eq!(seen, all, "every lint has a case");
}

/// Every value that is called safe is: set, the finding is gone.
#[test]
fn what_is_called_safe_is() {
    let boot = "job = \"boot-from-volume\"\nimage_size = \"20GiB\"";
    let cases = [
        (Lint::KeysDieBeforeTokens, "cloud.fernet_rotation.every = \"7m\"", boot),
        (Lint::KeysDieInWindow, "cloud.fernet_rotation.every = \"61m\"", boot),
        (Lint::NoMargin, "cloud.fernet_rotation.every = \"90m\"", boot),
        (Lint::NoSpareRotation, "cloud.fernet_rotation.every = \"91m\"", boot),
        (Lint::RoleMissing, "cloud.service_users.nova.roles = [\"member\"]", boot),
        (Lint::NoServiceToken, "cinder.service_user.send_service_user_token = false", boot),
        (Lint::WaitTooShort, "cloud.image_transfer.per_job = \"10MiB/s\"", boot),
        (Lint::ShortExpiration, "keystone.token.expiration = 90", boot),
        (Lint::DetachConflict, "nova.service_user.send_service_user_token = false", "job = \"volume-detach\""),
        (Lint::TokenExchange, "cinder.nova.auth_type = \"\"", "job = \"volume-retype\""),
        (Lint::BackupToSwift, "cinder.DEFAULT.backup_swift_service_auth = false", "job = \"volume-backup\""),
        (Lint::ClockAhead, "cloud.clocks.glance = \"5s\"", boot),
        (Lint::CacheLengthensLife, "nova.keystone_authtoken.token_cache_time = 3600", boot),
        (
            Lint::GlanceBackend,
            "glance.glance_store.default_store = \"swift\"\nglance.glance_store.swift_store_multi_tenant = true",
            boot,
        ),
        (
            Lint::TransferOutlivesToken,
            "cloud.image_conversion.per_job = \"2MiB/s\"\nnova.DEFAULT.block_device_allocate_retries = 9000",
            boot,
        ),
    ];
    let mut tried = 0;
    for (lint, settings, workload) in cases {
        let with = |lines: &[String]| {
            let mut by_key: Vec<(String, String)> = Vec::new();
            for line in CALM.lines().map(str::to_owned).chain(settings.lines().map(str::to_owned)).chain(lines.to_vec())
            {
                let Some((key, value)) = line.split_once(" = ") else { continue };
                by_key.retain(|(known, _)| known != key);
                by_key.push((key.to_owned(), value.to_owned()));
            }
            let text: Vec<String> = by_key.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
            linted(&text.join("\n"), workload)
        };
        let of = |report: Report| -> Vec<Finding> {
            report.findings.into_iter().filter(|finding| finding.lint == lint).collect()
        };
        let found = of(with(&[]));
        assert!(!found.is_empty(), "{lint:?}");
        for (finding, safe) in found.iter().flat_map(|finding| finding.safe.iter().map(move |safe| (finding, safe))) {
            let Some(key) = safe.key.as_ref().filter(|_| !safe.value.is_empty()) else { continue };
            let left = of(with(&[format!("{key} = {}", safe.value)]));
            let is_gone = left.iter().all(|left| left.subject != finding.subject);
            assert!(is_gone, "{lint:?} is still there with {key} = {}: {left:#?}", safe.value);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn a_sweep_says_once_what_holds_everywhere() {
    let sweep = "[sweep]\n\"cloud.fernet_rotation.every\" = [\"30m\", \"61m\", \"90m\", \"40m\"]\n\
                 \"cinder.service_user.send_service_user_token\" = [false, true]\n";
    let settings = format!("{CALM}\ncloud.fernet_rotation.every = \"1h\"\n{sweep}");
    let report = linted(&settings, "job = \"boot-from-volume\"");
    let scopes = |lint: Lint| -> Vec<&str> {
        report.findings.iter().filter(|finding| finding.lint == lint).map(|finding| &*finding.at.words).collect()
    };
    let every = |value: &str| format!("where `cloud.fernet_rotation.every` is {value}");
    assert_eq!(scopes(Lint::KeysDieBeforeTokens), [every("30m"), every("40m")], "the numbers differ");
    assert_eq!(scopes(Lint::KeysDieInWindow), [every("61m")]);
    assert_eq!(scopes(Lint::NoServiceToken), ["where `cinder.service_user.send_service_user_token` is false"]);
    assert_eq!(scopes(Lint::CacheHidesKeyLoss), [every("30m or 61m or 40m")]);
    assert_eq!((report.keys.len(), report.matrices.len()), (4, 2));
    let mut points = report.findings[0].at.points.clone();
    points.sort_unstable();
    assert_eq!(points, report.findings[0].at.points);

    let alike = linted(&format!("{CALM}\n[sweep]\n\"run.duration\" = [\"1d\", \"2d\"]\n"), "job = \"snapshot\"");
    assert!(alike.findings.iter().all(|finding| finding.at.is_everywhere()));
}

#[test]
fn what_holds_between_changes_says_so() {
    let sends = |at: &str, value: bool| {
        format!("[[change]]\nat = \"{at}\"\ncinder.service_user.send_service_user_token = {value}\n")
    };
    let cases = [
        (true, sends("2h", false), &["from the change at 2 h on"][..], 2),
        (false, sends("2h", true), &["until the change at 2 h"], 2),
        (true, [sends("2h", false), sends("3h", true)].concat(), &["from the change at 2 h until that at 3 h"], 2),
        (
            false,
            [sends("2h", true), sends("3h", false)].concat(),
            &["until the change at 2 h and from the change at 3 h on"],
            2,
        ),
        (false, "[[change]]\nat = \"2h\"\nkeystone.token.expiration = \"2h\"\n".to_owned(), &[""], 1),
    ];
    for (at_start, changes, expected, matrices) in cases {
        let calm = CALM.replace("cinder.service_user.send_service_user_token = true\n", "");
        let settings = format!("{calm}\ncinder.service_user.send_service_user_token = {at_start}\n{changes}");
        let report = linted(&settings, "job = \"boot-from-volume\"");
        let found = report.findings.iter().filter(|finding| finding.lint == Lint::NoServiceToken);
        assert_eq!(found.map(|finding| finding.at.when.as_str()).collect::<Vec<_>>(), expected, "{changes}");
        assert_eq!(report.matrices.len(), matrices, "{changes}");
        let about_time = report.findings.iter().filter(|finding| finding.lint == Lint::Exposure).count();
        assert_eq!(about_time, if matrices == 1 { 2 } else { 1 }, "{changes}");
    }
}

/// What rests on guesses is no error, and what rests on nothing else no warning; advice that a tool does not take is
/// replaced by the reason.
#[test]
fn guesses_make_no_errors() {
    let text = "name = \"x\"\nnova.service_user.send_service_user_token = true\n\
                cloud.service_users.nova.roles = [\"member\"]\n[[workload]]\nname = \"jobs\"\n\
                job = \"volume-detach\"\narrivals = { every = \"1h\" }\n";
    let roles = ["cloud.service_users.nova.roles"];
    let all = [
        "cloud.service_users.nova.roles",
        "cinder.keystone_authtoken.service_token_roles",
        "cinder.keystone_authtoken.service_token_roles_required",
    ];
    let cases = [(&[][..], Severity::Error, 0), (&roles[..], Severity::Warning, 1), (&all[..], Severity::Note, 1)];
    for (keys, severity, assumed) in cases {
        let mut read = text_to_lint("x.toml", text, Path::new("")).unwrap_or_else(|issues| panic!("{issues}"));
        keys.iter().for_each(|key| read.places.assume(*key, "a guess"));
        read.places.tie("cinder.keystone_authtoken.service_token_roles", "it is fixed");
        let report = lint(&read.study, &read.places);
        let found = report.findings.iter().find(|finding| finding.lint == Lint::RoleMissing).unwrap();
        assert_eq!((found.severity, found.assumed.len()), (severity, assumed), "{keys:?}");
        let safe: Vec<&str> = found.safe.iter().map(|safe| safe.words.as_str()).collect();
        assert_eq!(safe, ["grant the role `service` to that user on its project", "it is fixed"]);
        let marked = report.matrices[0].0.rows.iter().filter(|row| row.assumed.contains(&"role held")).count();
        assert_eq!(marked > 0, !keys.is_empty(), "{keys:?}");
        // Refused at the door, Cinder neither exchanges the token nor answers 409.
        let codes = codes(&report);
        assert!(!codes.contains(&"OUT-S007") && !codes.contains(&"OUT-S008"), "{codes:?}");
    }
}

/// A service token that Cinder ignores needs a role, and not the switch that is on already.
#[test]
fn what_is_on_already_is_no_advice() {
    let settings = "cloud.release = \"2026.1\"\nnova.service_user.send_service_user_token = true\n\
                    cloud.service_users.nova.roles = [\"member\"]";
    let report = linted(settings, "job = \"volume-detach\"");
    for lint in [Lint::TokenExchange, Lint::DetachConflict] {
        let found: Vec<&Finding> = report.findings.iter().filter(|finding| finding.lint == lint).collect();
        assert_eq!(found.len(), 1, "{found:#?}");
        let keys: Vec<&str> = found[0].safe.iter().filter_map(|safe| safe.key.as_deref()).collect();
        assert_eq!(keys, ["cloud.service_users.nova.roles", "cinder.keystone_authtoken.service_token_roles"]);
    }
}

/// A switch without credentials is found where it stands, and its advice is not to switch it on.
#[test]
fn a_switch_without_credentials_is_told() {
    for (service, severity) in [("nova", Severity::Warning), ("cinder", Severity::Error)] {
        let text = format!("name = \"x\"\n{service}.service_user.send_service_user_token = false\n");
        let mut read = text_to_lint("x.toml", &text, Path::new("")).unwrap_or_else(|issues| panic!("{issues}"));
        let key = format!("{service}.service_user.send_service_user_token");
        let at = read.places.get(&key).unwrap().clone();
        read.places.lack(format!("{service}.service_user.auth_type"), at);
        let report = lint(&read.study, &read.places);
        let found = report.findings.iter().find(|finding| finding.lint == Lint::NoCredentials).unwrap();
        assert_eq!((found.severity, found.place.as_ref().unwrap().line), (severity, 2), "{service}");
        let told = report.findings.iter().flat_map(|finding| &finding.safe);
        let on = told.filter(|safe| safe.key.as_ref() == Some(&key)).count();
        assert_eq!(on, 0, "{service}");
    }
}

#[test]
fn findings_stand_where_their_keys_are_written() {
    let report = linted(
        &format!("{CALM}\ncloud.fernet_rotation.every = \"1h\"\nkeystone.fernet_tokens.max_active_keys = 3"),
        "job = \"boot-from-volume\"",
    );
    let place = report.findings[0].place.as_ref().unwrap();
    assert_eq!((&*place.file, &*place.text), ("x.toml", "keystone.fernet_tokens.max_active_keys = 3"));
    assert_eq!((place.column, place.width), (42, 1));
}
