//! `outlast lint`: the deployments' table, row by row; formats, places and exit codes; and that the simulator agrees.

/// What lint says of keys and hops is what happens when the same settings are simulated.
mod agreement;
/// Configuration files: what is a guess, what is lacking, what is advised, and what is looked for.
mod files;

use std::collections::BTreeSet;

use outlast::scenario::presets;
use serde_json::Value;

use crate::command::{Desk, SMALL};

const TABLE: &str = include_str!("../data/lint/presets.csv");

/// The document of `--format json` for these arguments.
fn json(desk: &Desk, arguments: &[&str]) -> Value {
    let did = desk.run(&[&["lint", "--format", "json"], arguments].concat());
    assert_eq!(did.stderr, "");
    serde_json::from_str(&did.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", did.stdout))
}

fn codes(document: &Value) -> Vec<&str> {
    document["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// The table of what deployments ship, as it was worked out by hand from their sources.
#[test]
fn every_row_of_the_table_of_deployments_holds() {
    let mut rows = csv::Reader::from_reader(TABLE.as_bytes());
    let heads = rows.headers().unwrap().clone();
    let mut met = BTreeSet::new();
    let desk = Desk::new();
    for row in rows.records() {
        let row = row.unwrap();
        let cell = |name: &str| &row[heads.iter().position(|head| head == name).unwrap()];
        let (name, preset) = (cell("deployment"), cell("preset"));
        let document = if preset.is_empty() {
            let rotation = match cell("rotate_every") {
                "" => String::new(),
                every => format!("cloud.fernet_rotation.every = \"{every}\"\n"),
            };
            let text = format!(
                "name = \"row\"\nkeystone.token.expiration = \"{}\"\nkeystone.token.allow_expired_window = \"{}\"\n\
                 keystone.fernet_tokens.max_active_keys = {}\n{rotation}",
                cell("expiration"),
                cell("window"),
                cell("keys"),
            );
            desk.write("row.toml", text);
            json(&desk, &["row.toml"])
        } else {
            met.insert(preset.to_owned());
            json(&desk, &["--preset", preset])
        };
        let keys = &document["keys"][0];
        let seconds = |text: &str| outlast::units::parse::span(text).unwrap().seconds();
        let hours = |name: &str| keys[name].as_f64().map(|seconds| seconds / 3_600.0);
        for (field, expected) in [("expiration_s", cell("expiration")), ("allow_expired_window_s", cell("window"))] {
            assert_eq!(keys[field].as_f64(), Some(seconds(expected)), "{name}: {field}");
        }
        let every = cell("rotate_every");
        assert_eq!(keys["every_s"].as_f64(), (!every.is_empty()).then(|| seconds(every)), "{name}");
        assert_eq!(keys["max_active_keys"].to_string(), cell("keys"), "{name}");
        for (field, expected) in
            [("cover_s", "cover_h"), ("margin_s", "margin_h"), ("effective_window_s", "effective_window_h")]
        {
            let (found, expected) = (hours(field), cell(expected).parse::<f64>().ok());
            let agree = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-6,
                (None, None) => true,
                _ => false,
            };
            assert!(agree, "{name}: {field} is {found:?} h, expected {expected:?}");
        }
        let (live, window) = (cell("live_ok") == "yes", cell("window_ok") == "yes");
        assert_eq!((&keys["live_ok"], &keys["window_ok"]), (&Value::from(live), &Value::from(window)), "{name}");
        // The verdict is that of the findings, too.
        let codes = codes(&document);
        let has = |code: &str| codes.contains(&code);
        assert_eq!((has("OUT-K001"), has("OUT-K002")), (!live, live && !window), "{name}: {codes:?}");
        assert_eq!(has("OUT-K003"), cell("margin_h") == "0", "{name}: {codes:?}");
    }
    let all: BTreeSet<String> = presets().iter().map(|preset| preset.name.to_owned()).collect();
    assert_eq!(met, all, "every preset has a row");
}

#[test]
fn the_verdict_on_keys_is_one_line() {
    let desk = Desk::new();
    for (preset, line) in [
        ("openstack-helm", "keys live 60 h, tokens need 60 h: margin 0, unsafe by any sync lag"),
        ("puppet-keystone", "keys live 24 h, tokens need 49 h: only 23 h are left of the window of 48 h"),
        ("charm-keystone", "keys live 1 h, tokens need 49 h: nothing is left of the window of 48 h"),
        ("kolla-ansible-2018", "keys live 16 h, less than the 24 h of a token: tokens die up to 8 h early"),
        ("rhoso", "keys live 72 h, tokens need 49 h: margin 23 h"),
        (
            "openstack-ansible",
            "keys live 120 h, tokens need 60 h: margin 60 h, room for 2 rotations beside the schedule",
        ),
        ("devstack", "keys never rotate: tokens last as long as they may, 49 h with the window"),
    ] {
        let did = desk.run(&["lint", "--preset", preset]);
        assert!(did.stdout.lines().any(|found| found == line), "{preset}:\n{}", did.stdout);
    }
}

#[test]
fn errors_decide_the_exit_code() {
    let desk = Desk::new();
    desk.run(&["lint", "--preset", "rhoso", "--preset", "openstack-ansible"]).exits(0);
    desk.run(&["lint", "--preset", "charm-keystone"]).exits(2);
    let quiet = desk.run(&["lint", "-q", "--preset", "charm-keystone"]);
    quiet.exits(2);
    let line = "error: preset charm-keystone:12:19: keys live 1 h, but tokens need 49 h: of the window of 48 h nothing is of \
                use [OUT-K002]\n";
    assert_eq!(quiet.stdout, "");
    assert!(
        quiet.stderr.starts_with("error: preset charm-keystone:") && quiet.stderr.lines().count() == 1,
        "{}",
        quiet.stderr
    );
    assert!(quiet.stderr.ends_with(&line[line.find(": keys").unwrap()..]), "{}", quiet.stderr);
    assert_eq!(desk.run(&["lint", "-q", "--preset", "rhoso"]).stderr, "");
    // What can be read is told all the same.
    desk.write("bad.toml", "name = \"bad\"\nkeystone.token.expiraton = 5\n");
    let did = desk.run(&["lint", "bad.toml", "--preset", "rhoso"]);
    did.exits(1).complains("did you mean `keystone.token.expiration`?");
    assert!(did.stdout.contains("rhoso: "), "{}", did.stdout);
    desk.run(&["lint", "none.toml"]).exits(1).complains("no such file");
    desk.run(&["lint", "--preset", "kola-ansible"]).exits(1).complains("did you mean `kolla-ansible`?");
    desk.run(&["lint"]).exits(1).complains("nothing to look at: name scenario files");
    let files: Vec<String> = desk.files("").into_iter().map(|(name, _)| name).collect();
    assert_eq!(files, ["bad.toml"], "nothing is written");
}

#[test]
fn a_finding_shows_the_line_and_what_to_write() {
    let desk = Desk::new();
    let text = "name = \"mine\"\npreset = \"devstack\"\n\n[cloud.fernet_rotation]\nevery = \"12h\" # cron\n";
    desk.write("mine.toml", text);
    let did = desk.run(&["lint", "mine.toml"]);
    did.exits(2);
    let expected = "error[OUT-K002]: keys live 12 h, but tokens need 49 h: of the window of 48 h only 11 h are of use\n  \
                    --> preset devstack:12:19\n   |\n12 | max_active_keys = 3\n   |                   ^\n   |\n   \
                    = note: (max_active_keys - 2) x period = 1 x 12 h\n";
    assert!(did.stdout.starts_with(expected), "{}", did.stdout);
    for help in [
        "= help: keep at least 7 keys: `keystone.fernet_tokens.max_active_keys = 7`",
        "= help: rotate no more often than every 49 h: `cloud.fernet_rotation.every = \"49h\"`",
        "= help: a window of at most 11 h: `keystone.token.allow_expired_window = \"11h\"`",
    ] {
        assert!(did.stdout.contains(help), "{help}:\n{}", did.stdout);
    }
    let row = did.stdout.lines().find(|line| line.trim_start().starts_with("12 h ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["12", "h", "7", "7", "11", "h"], "the table of keys");
    let safe = format!("{text}[keystone.fernet_tokens]\nmax_active_keys = 7\n");
    desk.write("mine.toml", safe);
    let did = desk.run(&["lint", "mine.toml"]);
    did.exits(0);
    assert!(!did.stdout.contains("rotate every"), "no table where nothing is wrong: {}", did.stdout);
    assert!(desk.run(&["lint", "--keys-table", "mine.toml"]).stdout.contains("rotate every"));
}

#[test]
fn the_matrix_shows_who_sends_what_to_whom() {
    let desk = Desk::new();
    let document = json(&desk, &["--preset", "kolla-ansible"]);
    let hops = document["service_tokens"][0]["hops"].as_array().unwrap();
    let hop = |sender: &str, receiver: &str| {
        hops.iter().find(|hop| hop["sender"] == sender && hop["receiver"] == receiver).unwrap_or(&Value::Null)
    };
    let nova = hop("nova-compute", "cinder");
    assert_eq!((&nova["sends"], &nova["passes_until"]), (&"service_user".into(), &"window's end".into()));
    let cinder = hop("cinder-volume", "glance");
    assert_eq!((&cinder["sends"], &cinder["passes_until"]), (&"no".into(), &"expiration".into()));
    let workloads = document["service_tokens"][0]["workloads"].as_array().unwrap();
    assert_eq!(workloads.len(), outlast::jobs::builtins().len(), "without workloads every kind is looked at");
    let boot = &workloads[0]["refused_after_expiration"];
    assert_eq!((&boot["step"], &boot["sender"]), (&"cinder_api_get_image".into(), &"cinder-api".into()));
}

/// The default of `service_token_roles_required` flips: day one of an upgrade, for a user without the role.
#[test]
fn an_upgrade_is_seen_coming() {
    let desk = Desk::new();
    let at = |release: &str| {
        let text = format!(
            "name = \"upgrade\"\n[cloud]\nrelease = \"{release}\"\nservice_users.cinder.roles = [\"admin\"]\n\
             [cinder]\nservice_user.send_service_user_token = true\n[nova]\n\
             service_user.send_service_user_token = true\n[[workload]]\njob = \"boot-from-volume\"\n\
             arrivals = {{ every = \"1h\" }}\n"
        );
        desk.write("upgrade.toml", text);
        json(&desk, &["upgrade.toml"])
    };
    let (before, after) = (at("2026.1"), at("2026.2"));
    let on = |document: &Value| -> (bool, bool, bool) {
        let codes = codes(document);
        (codes.contains(&"OUT-S001"), codes.contains(&"OUT-S002"), codes.contains(&"OUT-S003"))
    };
    assert_eq!((on(&before), on(&after)), ((false, true, true), (true, false, false)));
    let hop = &before["service_tokens"][0]["hops"][3];
    assert_eq!(
        (&hop["sender"], &hop["passes_until"], &hop["passes_until_from_2026_2"]),
        (&"cinder-volume".into(), &"expiration".into(), &"never".into()),
        "{hop}"
    );
    desk.run(&["lint", "-q", "upgrade.toml"]).exits(2);
}

#[test]
fn formats_tell_the_same() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    let document = json(&desk, &["small.toml"]);
    let found = codes(&document);
    assert!(found.contains(&"OUT-K002") && found.contains(&"OUT-S004"), "{found:?}");
    let sends = document["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "OUT-S004").unwrap();
    assert_eq!(sends["where"], "where `cinder.service_user.send_service_user_token` is false");
    assert_eq!((&sends["at_points"], &sends["place"]["line"]), (&serde_json::json!([0]), &Value::from(36)), "{sends}");

    let text = desk.run(&["lint", "small.toml"]).stdout;
    let markdown = desk.run(&["lint", "--format", "markdown", "small.toml"]).stdout;
    for code in found {
        assert!(text.contains(&format!("[{code}]")), "{code}:\n{text}");
        assert!(markdown.contains(&format!("`{code}`")), "{code}:\n{markdown}");
    }
    assert!(markdown.starts_with("### ❌ small: "), "{markdown}");
    let is_row = |line: &&str| line.starts_with('|');
    assert!(markdown.lines().filter(is_row).all(|line| line.ends_with(" |")), "{markdown}");

    let both = desk.run(&["lint", "--format", "json", "small.toml", "--preset", "rhoso"]);
    let both: Value = serde_json::from_str(&both.stdout).unwrap();
    let names: Vec<&Value> = both.as_array().unwrap().iter().map(|document| &document["scenario"]).collect();
    assert_eq!(names, ["rhoso", "small"]);
}

/// What the schema of SARIF 2.1.0 requires of what is written here: names of properties, closed lists, ranges.
#[test]
fn sarif_is_as_its_schema_says() {
    let desk = Desk::new();
    desk.write("my scenarios/small.toml", SMALL);
    let did = desk.run(&["lint", "--format", "sarif", "my scenarios/small.toml", "--preset", "charm-keystone"]);
    did.exits(2);
    let document: Value = serde_json::from_str(&did.stdout).unwrap();
    let only = |value: &Value, allowed: &[&str]| {
        let keys: Vec<&String> = value.as_object().unwrap_or_else(|| panic!("an object: {value}")).keys().collect();
        assert!(keys.iter().all(|key| allowed.contains(&key.as_str())), "{keys:?}, allowed: {allowed:?}");
    };
    let text = |value: &Value| value["text"].as_str().is_some_and(|text| !text.is_empty());
    only(&document, &["$schema", "version", "runs"]);
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    only(run, &["tool", "results", "columnKind"]);
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let driver = &run["tool"]["driver"];
    only(driver, &["name", "version", "semanticVersion", "rules"]);
    assert_eq!(driver["name"], "outlast");
    let rules = driver["rules"].as_array().unwrap();
    let levels = ["none", "note", "warning", "error"];
    for rule in rules {
        only(rule, &["id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration"]);
        assert!(text(&rule["shortDescription"]) && text(&rule["fullDescription"]) && text(&rule["help"]), "{rule}");
        assert!(levels.contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()), "{rule}");
    }
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        only(result, &["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints", "properties"]);
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(text(&result["message"]) && levels.contains(&result["level"].as_str().unwrap()), "{result}");
        let location = &result["locations"][0];
        only(location, &["physicalLocation", "logicalLocations"]);
        let of_preset = result["properties"]["scenario"] == "charm-keystone";
        let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str();
        assert_eq!(uri, (!of_preset).then_some("my%20scenarios/small.toml"), "{location}");
        if let Some(region) = location["physicalLocation"].get("region") {
            only(region, &["startLine", "startColumn", "endColumn"]);
            let at = |name: &str| region[name].as_u64().unwrap();
            assert!(at("startLine") >= 1 && at("startColumn") >= 1 && at("endColumn") > at("startColumn"), "{region}");
        }
    }
}

/// Lint of every scenario that is shipped; an error where the scenario is there to show one.
#[test]
fn every_shipped_scenario_is_linted() {
    let desk = Desk::new();
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let did = desk.run(&["lint", "--format", "json", scenarios]);
    let documents: Value = serde_json::from_str(&did.stdout).unwrap_or_else(|error| panic!("{error}: {}", did.stderr));
    let documents = documents.as_array().unwrap();
    assert!(documents.len() > 30, "{}", documents.len());
    let of = |name: &str| documents.iter().find(|document| document["scenario"] == name).unwrap();
    for (scenario, code) in [
        ("guide_1_no_service_tokens", "OUT-S004"),
        ("guide_4_swift_gap", "OUT-S005"),
        ("guide_5_role_missing", "OUT-S001"),
        ("guide_7_keys_rotated_too_fast", "OUT-K001"),
        ("guide_9_default_wait", "OUT-W003"),
        ("faults_missed_syncs", "OUT-K006"),
    ] {
        let document = of(scenario);
        assert!(codes(document).contains(&code), "{scenario}: {:?}", codes(document));
    }
}

/// Straight on the files of a cloud: findings point into them, and no secret of theirs is shown.
#[test]
fn configuration_files_are_linted_where_they_lie() {
    let desk = Desk::new();
    let keystone = "[database]\nconnection = mysql://keystone:hunter2@db/keystone\n[token]\nexpiration = 7200\n\
                    [fernet_tokens]\nmax_active_keys = 4\n";
    desk.write("keystone.conf", keystone);
    desk.write(
        "nova.conf",
        "[service_user]\nsend_service_user_token = true\nauth_type = password\npassword = hunter2\n",
    );
    desk.write("crontab", "0 */12 * * * keystone-manage fernet_rotate\n");
    let files = ["--keystone", "keystone.conf", "--nova", "nova.conf", "--release", "2026.1"];
    let crontab = [&["lint"], &files[..], &["--crontab", "crontab"]].concat();
    let did = desk.run(&crontab);
    did.exits(2);
    assert_eq!(did.stderr, "");
    let expected = "error[OUT-K002]: keys live 24 h, but tokens need 50 h: of the window of 48 h only 22 h are of use\n \
                    --> keystone.conf:6:1\n  |\n6 | max_active_keys = 4\n  | ^^^^^^^^^^^^^^^^^^^\n";
    assert!(did.stdout.starts_with(expected), "{}", did.stdout);
    let document = json(&desk, &crontab[1..]);
    let workloads = document["service_tokens"][0]["workloads"].as_array().unwrap();
    assert_eq!(workloads.len(), outlast::jobs::builtins().len(), "files name no jobs, and every kind is looked at");
    let flips = document["findings"].as_array().unwrap();
    assert!(flips.iter().all(|finding| finding["place"]["file"] != "the scenario"), "{document}");
    assert!(!did.stdout.contains("hunter2") && !document.to_string().contains("hunter2"));

    let weekly = [&["lint"], &files[..], &["--rotate-every", "7d"]].concat();
    desk.run(&weekly).exits(0);
    // A guess makes no error.
    let unsaid = desk.run(&[&["lint"], &files[..]].concat());
    unsaid.exits(0).complains("assumed that keys rotate every 24 h");
    assert!(unsaid.stdout.contains("warning[OUT-K002]"), "{}", unsaid.stdout);
    assert!(
        unsaid.stdout.contains("= note: no rotation schedule given, one rotation every 24 h assumed"),
        "{}",
        unsaid.stdout
    );
    // Beside a scenario or a preset they are one of several.
    let both = desk.run(&[&weekly[..], &["--format", "json", "--preset", "rhoso"]].concat());
    let both: Value = serde_json::from_str(&both.stdout).unwrap();
    assert_eq!(both.as_array().unwrap().len(), 2);
    desk.write("keystone.conf", "[token]\nexpiration = soon\n");
    desk.run(&weekly).exits(1).complains("keystone.conf:2");
}
