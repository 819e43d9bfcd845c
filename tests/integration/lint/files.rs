use serde_json::Value;

use super::{codes, json};
use crate::command::{Desk, Did};

const KEYSTONE: &str =
    "[token]\nexpiration = 3600\nallow_expired_window = 7200\n[fernet_tokens]\nmax_active_keys = 5\n";
const SENDS: &str = "[service_user]\nsend_service_user_token = true\nauth_type = password\n";

/// A desk with keystone.conf and these files beside it.
fn desk(files: &[(&str, &str)]) -> Desk {
    let desk = Desk::new();
    desk.write("keystone.conf", KEYSTONE);
    files.iter().for_each(|(name, text)| drop(desk.write(name, text)));
    desk
}

fn finding<'d>(document: &'d Value, code: &str) -> &'d Value {
    let all = document["findings"].as_array().unwrap();
    all.iter().find(|finding| finding["code"] == code).unwrap_or_else(|| panic!("no {code}: {:?}", codes(document)))
}

/// The arguments for these files, with a rotation every two hours.
fn of<'a>(files: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["--rotate-every", "2h"];
    for file in files {
        all.extend([if file.starts_with("glance") { "--glance" } else { flag(file) }, file]);
    }
    all
}

fn flag(file: &str) -> &'static str {
    match file.split('.').next().unwrap_or_default() {
        "keystone" => "--keystone",
        "nova" => "--nova",
        "cinder" => "--cinder",
        other => panic!("{other}"),
    }
}

/// keystone.conf alone answers whether its keys last: what rests on files that were not given is no more than a note.
#[test]
fn files_that_were_not_given_make_no_errors() {
    let desk = desk(&[]);
    let document = json(&desk, &of(&["keystone.conf"]));
    let conflict = finding(&document, "OUT-S008");
    assert_eq!(conflict["severity"], "note");
    assert_eq!(conflict["assumed"], serde_json::json!(["nova.conf not given, default assumed"]));
    assert_eq!((&document["errors"], &document["warnings"]), (&Value::from(0), &Value::from(0)), "{document}");
    desk.run(&[&["lint"], &of(&["keystone.conf"])[..]].concat()).exits(0);
    desk.run(&["lint", "--keystone", "keystone.conf", "--rotate-every", "30m"]).exits(2);
    // The schedule is a guess, and so is what follows from it.
    desk.write("keystone.conf", "[fernet_tokens]\nmax_active_keys = 3\n");
    let did = desk.run(&["lint", "--format", "json", "--keystone", "keystone.conf"]);
    let document: Value = serde_json::from_str(&did.stdout).unwrap();
    assert!(document["keys_assumed"][0].as_str().unwrap().contains("every 24 h assumed"), "{document}");
    let keys = finding(&document, "OUT-K002");
    assert_eq!(keys["severity"], "warning");
    assert!(keys["assumed"][0].as_str().unwrap().contains("every 24 h assumed"), "{keys}");
}

/// What hides the loss of keys is a guess where the loss is, and each guess is told once.
#[test]
fn a_guess_at_keys_makes_no_warning() {
    let desk = Desk::new();
    desk.write("nova.conf", "[keystone_authtoken]\ntoken_cache_time = 300\n");
    desk.write("keystone.conf", KEYSTONE);
    let guessed = ["lint", "--nova", "nova.conf", "--only", "OUT-K,OUT-C001"];
    let text = desk.run(&guessed).exits(0).stdout.clone();
    assert_eq!(text.matches("(keystone.conf not given, default assumed)").count(), 1, "{text}");
    assert!(text.contains("note[OUT-C001]") && !text.contains("warning["), "{text}");
    let known = json(&desk, &["--nova", "nova.conf", "--keystone", "keystone.conf", "--rotate-every", "30m"]);
    assert_eq!(finding(&known, "OUT-C001")["severity"], "warning");
}

/// Roles stand in no file: guessed, they are marked and make no error; said, they are facts.
#[test]
fn roles_are_guessed_or_said() {
    let desk = desk(&[
        ("nova.conf", SENDS),
        ("cinder.conf", "[keystone_authtoken]\nservice_token_roles = svc\nservice_token_roles_required = true\n"),
    ]);
    let files = of(&["keystone.conf", "nova.conf", "cinder.conf"]);
    let hops = |document: &Value| document["service_tokens"][0]["hops"].clone();
    let assumed = json(&desk, &files);
    let missing = finding(&assumed, "OUT-S001");
    assert_eq!(missing["severity"], "warning");
    assert!(missing["assumed"][0].as_str().unwrap().contains("--service-roles nova=ROLE"), "{missing}");
    let of_nova = |document: &Value| {
        let hops = hops(document);
        let hop =
            hops.as_array().unwrap().iter().find(|hop| hop["sender"] == "nova-compute" && hop["receiver"] == "cinder");
        hop.unwrap()["assumed"].clone()
    };
    assert_eq!(of_nova(&assumed), serde_json::json!(["role held"]));
    let text = desk.run(&[&["lint"], &files[..]].concat()).exits(0).stdout.clone();
    assert!(text.contains("Service tokens (*: assumed)") && text.contains(" service* "), "{text}");
    for format in ["sarif", "markdown"] {
        let text = desk.run(&[&["lint", "--format", format], &files[..]].concat()).stdout;
        assert!(text.contains("no file says which roles the user nova holds"), "{format}: {text}");
    }

    let said = [&files[..], &["--service-roles", "nova=service"]].concat();
    let document = json(&desk, &said);
    assert_eq!(finding(&document, "OUT-S001")["severity"], "error");
    assert_eq!(of_nova(&document), serde_json::json!([]));
    desk.run(&[&["lint"], &said[..]].concat()).exits(2);
    let granted = [&files[..], &["--service-roles", "nova=service,svc"]].concat();
    assert!(!codes(&json(&desk, &granted)).contains(&"OUT-S001"));
    desk.run(&[&["lint"], &files[..], &["--service-roles", "nowa=svc"]].concat())
        .exits(1)
        .complains("did you mean `nova`?");
    let imported = desk.run(&["import", "--nova", "nova.conf", "--service-roles", "nova=svc,admin"]);
    imported.exits(0);
    assert!(imported.stdout.contains("roles = [\"svc\", \"admin\"] # --service-roles"), "{}", imported.stdout);
}

/// `service` before other roles, and no role of people without a caution.
#[test]
fn advice_on_roles_prefers_service() {
    let cases: [(&str, &str, &[&str]); 6] = [
        ("service", "admin", &["grant the role `service`", "`admin`, although everybody who holds it then counts"]),
        ("svc,service", "member", &["grant the role `service`", "`member`, although every user then counts"]),
        ("admin,svc", "reader,nova", &["grant the role `svc`", "accept the role `nova`"]),
        ("svc", "admin,service", &["grant the role `svc`", "accept the role `service`"]),
        ("servce", "service,admin", &["accepts the role `servce`: did you mean `service`?"]),
        ("Service,x", "admin", &["accepts the role `Service`: did you mean `service`?", "grant the role `service`"]),
    ];
    for (accepted, held, advice) in cases {
        let text =
            format!("[keystone_authtoken]\nservice_token_roles = {accepted}\nservice_token_roles_required = true\n");
        let desk = desk(&[("nova.conf", SENDS), ("cinder.conf", &text)]);
        let roles = format!("nova={held}");
        let files = of(&["keystone.conf", "nova.conf", "cinder.conf"]);
        let document = json(&desk, &[&files[..], &["--service-roles", &roles]].concat());
        let safe = finding(&document, "OUT-S001")["safe"].as_array().unwrap();
        let words: Vec<&str> = safe.iter().map(|safe| safe["words"].as_str().unwrap()).collect();
        assert_eq!(words.len(), advice.len(), "{accepted}, {held}: {words:?}");
        assert!(words.iter().zip(advice).all(|(words, part)| words.contains(part)), "{accepted}, {held}: {words:?}");
    }
}

/// A switch without credentials: Nova sends nothing, Cinder fails.
#[test]
fn a_switch_needs_credentials() {
    let on = "[service_user]\nsend_service_user_token = true\n";
    let cases = [
        ("", false),
        ("auth_type =\n", false),
        ("auth_plugin = password\n", true),
        ("auth_section = login\n[login]\nauth_type = v3password\n", true),
        ("auth_section = login\nauth_type = password\n", false),
    ];
    for (file, severity) in [("nova.conf", "warning"), ("cinder.conf", "error")] {
        for (more, has_credentials) in cases {
            let text = format!("{on}{more}");
            let desk = desk(&[(file, &text)]);
            // An old name is taken, with a warning.
            let did = desk.run(&[&["lint", "--format", "json"], &of(&["keystone.conf", file])[..]].concat());
            let document: Value = serde_json::from_str(&did.stdout).unwrap();
            assert_eq!(codes(&document).contains(&"OUT-S009"), !has_credentials, "{file}: {text}");
            let hops = document["service_tokens"][0]["hops"].as_array().unwrap();
            let imported = desk.run(&["import", flag(file), file]).exits(0).stdout.clone();
            let line = imported.lines().find(|line| line.contains(&format!("# {file}:2"))).unwrap();
            if !has_credentials {
                let found = finding(&document, "OUT-S009");
                assert_eq!((&found["severity"], &found["place"]["line"]), (&severity.into(), &2.into()), "{found}");
                let of_cinder: Vec<&Value> = hops.iter().filter(|hop| hop["sender"] == "cinder-volume").collect();
                let is_failing = |hop: &Value| hop["sends"] == "no credentials" && hop["passes_until"] == "never";
                assert_eq!(of_cinder.iter().any(|hop| is_failing(hop)), severity == "error", "{of_cinder:?}");
                let text = desk.run(&[&["lint"], &of(&["keystone.conf", file])[..]].concat()).stdout;
                assert_eq!(text.contains(": no credentials)"), severity == "error", "{text}");
                assert!(
                    line.starts_with("send_service_user_token = false") && line.contains("no `auth_type`"),
                    "{line}"
                );
            } else {
                assert!(line.starts_with("send_service_user_token = true"), "{line}");
            }
        }
    }
}

/// Glance takes the credentials of its Cinder store only if they are complete, and of which only that is looked at.
#[test]
fn the_user_of_a_cinder_store_needs_all_of_its_credentials() {
    const USER: &str = "cinder_store_user_name = glance\n";
    const PASSWORD: &str = "cinder_store_password = hunter2\n";
    const REST: &str = "cinder_store_project_name = service\ncinder_store_auth_address = http://k:5000/v3\n";
    const APPLICATION: &str = "cinder_store_application_credential_id = 7\n\
                               cinder_store_application_credential_secret = hunter2\n";
    let one = |options: &[&str]| format!("[glance_store]\ndefault_store = cinder\n{}", options.concat());
    let named = |options: &[&str]| {
        let head = "[DEFAULT]\nenabled_backends = Vol:cinder\n[glance_store]\ndefault_backend = Vol\n";
        format!("{head}{USER}{PASSWORD}{REST}[vol]\n{}", options.concat())
    };
    let all = "`cinder_store_password`, `cinder_store_project_name` and `cinder_store_auth_address`";
    let cases = [
        (one(&[USER, PASSWORD, REST]), None),
        (named(&[USER, PASSWORD, REST]), None),
        (one(&[APPLICATION, "cinder_store_auth_address = http://k:5000/v3\n"]), None),
        (one(&[USER]), Some(all)),
        (named(&[USER]), Some(all)),
        (one(&[USER, "cinder_store_password =\n", REST]), Some("`cinder_store_password`")),
        (one(&[PASSWORD, REST]), Some("`cinder_store_user_name`")),
        (one(&[APPLICATION]), Some("")),
        (one(&[]), Some("")),
    ];
    for (text, lacking) in cases {
        let desk = desk(&[("glance-api.conf", &text)]);
        let document = json(&desk, &of(&["keystone.conf", "glance-api.conf"]));
        assert_eq!(codes(&document).contains(&"OUT-S005"), lacking.is_some(), "{text}");
        let imported = desk.run(&["import", "--glance", "glance-api.conf"]).exits(0).stdout.clone();
        let line = imported.lines().find(|line| line.contains("cinder_store_user_name")).unwrap();
        assert_eq!(line.starts_with("cinder_store_user_name = \"glance\""), lacking.is_none(), "{line}");
        if let Some(lacking) = lacking {
            let found = finding(&document, "OUT-S005");
            let why = format!("but not {lacking}:");
            assert_eq!(found["why"].to_string().contains(&why), !lacking.is_empty(), "{found}");
            let safe = found["safe"].to_string();
            assert!(safe.contains("cinder_store_auth_address") || safe.contains(lacking), "{safe}");
            assert_eq!(line.contains("has no credentials of its own"), !lacking.is_empty(), "{line}");
        }
        for secret in ["hunter2", "http://k"] {
            assert!(!format!("{document}{imported}").contains(secret), "{text}: {document}{imported}");
        }
    }
}

/// Backups that do not go to Swift need no token there.
#[test]
fn only_backups_to_swift_have_its_gap() {
    let cases = [
        ("", true),
        ("[DEFAULT]\nbackup_driver = cinder.backup.drivers.swift.SwiftBackupDriver\n", true),
        ("[DEFAULT]\nbackup_driver = cinder.backup.drivers.ceph.CephBackupDriver\n", false),
        ("[DEFAULT]\nbackup_driver = cinder.backup.drivers.nfs.NFSBackupDriver\n", false),
    ];
    for (driver, has_gap) in cases {
        let text = format!("{driver}{SENDS}");
        let desk = desk(&[("cinder.conf", &text)]);
        let document = json(&desk, &of(&["keystone.conf", "cinder.conf"]));
        assert_eq!(codes(&document).contains(&"OUT-S006"), has_gap, "{driver}");
        let imported = desk.run(&["import", "--cinder", "cinder.conf"]).exits(0).stdout.clone();
        let auth = imported.lines().find(|line| line.starts_with("backup_swift_auth")).unwrap();
        assert_eq!(auth.contains("single_user") && auth.contains("is not Swift's"), !has_gap, "{auth}");
    }
}

/// Advice is given as the file of the service takes it, and findings point into the files, for code scanners too.
#[test]
fn advice_and_places_are_those_of_the_files() {
    let desk = desk(&[]);
    let arguments = ["lint", "--keystone", "keystone.conf", "--rotate-every", "50m"];
    let text = desk.run(&arguments).exits(2).stdout.clone();
    for help in [
        "= help: keep at least 6 keys: `keystone.conf: [fernet_tokens] max_active_keys = 6`\n",
        "= help: rotate no more often than every 1 h\n",
        "= help: a window of at most 1 h 30 min: `keystone.conf: [token] allow_expired_window = 5400`\n",
    ] {
        assert!(text.contains(help), "{help}:\n{text}");
    }
    let sarif = desk.run(&[&arguments[..], &["--format", "sarif"]].concat()).stdout;
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "keystone.conf", "{result}");
        if result["ruleId"] == "OUT-K002" {
            assert_eq!(place["region"]["startLine"], 5, "{result}");
        }
    }
    desk.write("keystone.conf", "[token]\nexpiration = 0\n");
    let dead = desk.run(&["lint", "--keystone", "keystone.conf", "--rotate-every", "7d"]);
    dead.exits(2);
    assert!(dead.stdout.starts_with("error[OUT-W002]: tokens live 0 s"), "{}", dead.stdout);
}

/// Codes and families, and what is no code.
#[test]
fn lints_are_chosen_by_code() {
    let desk = desk(&[]);
    let with = |more: &[&str]| json(&desk, &[&of(&["keystone.conf"])[..], more].concat());
    let all = with(&[]);
    assert!(codes(&all).len() > 3, "{:?}", codes(&all));
    assert_eq!(codes(&with(&["--only", "OUT-X"])), ["OUT-X001"]);
    assert_eq!(codes(&with(&["--only", "OUT-X001,out-s008"])), ["OUT-S008", "OUT-X001"]);
    let some = with(&["--ignore", "OUT-S,OUT-X001"]);
    assert!(codes(&some).iter().all(|code| !code.starts_with("OUT-S") && *code != "OUT-X001"), "{:?}", codes(&some));
    let failing = ["lint", "--keystone", "keystone.conf", "--rotate-every", "30m"];
    desk.run(&[&failing[..], &["--only", "OUT-S"]].concat()).exits(0);
    desk.run(&[&failing[..], &["--only", "OUT-K"]].concat()).exits(2);
    desk.run(&[&failing[..], &["--only", "OUT-K01"]].concat()).exits(1).complains("did you mean `OUT-K001`?");
}

/// Nothing to read is an error, and a misspelt name is told with the nearest one.
#[test]
fn what_is_not_read_is_told() {
    let desk = desk(&[("empty/notes.txt", "x")]);
    let lint = |arguments: &[&str]| -> Did { desk.run(&[&["lint", "--rotate-every", "7d"], arguments].concat()) };
    lint(&["--keystone", "empty"]).exits(1).complains("empty: no file in this folder is named *.conf");
    let cases = [
        ("[token]\nexpiratoin = 7200\n", "did you mean `expiration`?", "typo.conf:2:1"),
        ("[token]\nallowed_expired_window = 1\n", "did you mean `allow_expired_window`?", "typo.conf:2:1"),
        ("[fernet_token]\nmax_active_keys = 7\n", "did you mean `[fernet_tokens]`?", "typo.conf:1:1"),
        ("[fernet_token]\nmax_activ_keys = 7\n", "did you mean `max_active_keys`?", "typo.conf:2:1"),
    ];
    for (text, message, place) in cases {
        desk.write("typo.conf", text);
        let did = lint(&["--keystone", "typo.conf"]);
        did.complains(message).complains(place);
        assert!(did.stderr.ends_with("\n\n"), "{}", did.stderr);
    }
    let silent = "[token]\ncaching = true\ncache_on_issue = true\nallow_rescope_scoped_token = true\n[fernet_receipts]\n\
                  max_active_keys = 3\n[receipt]\nexpiration = 300\n[trust]\nallow_redelegation = true\n[cache]\n\
                  backend_argument = x\n";
    desk.write("other.conf", silent);
    assert_eq!(lint(&["--keystone", "other.conf"]).stderr, "");
    let stores = "[DEFAULT]\nenabled_backends = swift1:swift, swift2:swift\n[glance_store]\ndefault_backend = swift1\n\
                  [swift1]\nswift_store_multi_tenant = false\n[swift2]\nswift_store_multi_tenant = false\n";
    desk.write("glance.conf", stores);
    assert_eq!(lint(&["--glance", "glance.conf"]).stderr, "");
    desk.write("bom.conf", "\u{feff}[token]\nexpiration = 3600\n");
    let bom = lint(&["--keystone", "bom.conf"]);
    bom.exits(1).complains("a byte order mark (BOM)");
    assert_eq!(bom.stderr.matches("error").count(), 1, "{}", bom.stderr);
}

/// What a preset's source does not say is a guess, and what a tool does not let anybody do is no advice.
#[test]
fn presets_say_what_is_not_known_and_what_cannot_be_done() {
    let desk = Desk::new();
    for preset in ["mirantis-mcp", "contrail", "ardana"] {
        let document = json(&desk, &["--preset", preset]);
        let conflict = finding(&document, "OUT-S008");
        let why = format!("what {preset} sets here is not known, default assumed");
        assert_eq!((&conflict["severity"], &conflict["assumed"][0]), (&"note".into(), &Value::from(why)));
    }
    let charm = json(&desk, &["--preset", "charm-keystone"]);
    let safe = finding(&charm, "OUT-K002")["safe"].as_array().unwrap();
    assert!(!safe.is_empty() && safe.iter().all(|safe| safe["key"].is_null()), "{safe:?}");
    assert!(safe[0]["words"].as_str().unwrap().contains("the charm"), "{safe:?}");
}

/// An import that cannot be written leaves nothing behind, and never takes the place of another file.
#[test]
fn an_import_is_written_whole_or_not_at_all() {
    let desk = desk(&[("there.toml", "mine")]);
    let import = |out: &str| desk.run(&["import", "--keystone", "keystone.conf", "--out", out]);
    import("there.toml").exits(1).complains("never overwrites a file");
    assert_eq!(desk.read("there.toml"), "mine");
    import("no/such/folder.toml").exits(1).complains("cannot write");
    import("new.toml").exits(0);
    let files: Vec<String> = desk.files("").into_iter().map(|(name, _)| name).collect();
    assert_eq!(files, ["keystone.conf", "new.toml", "there.toml"]);
}
