//! `outlast import`: what it prints is a scenario, every value of it says where it comes from, and no secret is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlast::import::{Choices, ConfFile, CronFile, Schedule, Service, crontabs, read, scenario_text};
use outlast::oslo::File;
use outlast::scenario::{Overrides, ServiceOption, Shape, load_text, options, releases};
use proptest::prelude::*;

use crate::command::{Desk, Did};
use crate::fuzz::fuzz;

/// What no output may hold.
const SECRET: &str = "hunter2";

const KEYSTONE: &str = "[DEFAULT]\nadmin_token = hunter2\n\n[database]\nconnection = mysql+pymysql://keystone:hunter2@db/keystone\n\n\
    [token]\nprovider = fernet\nexpiration = 7200\n\n[fernet_tokens]\nmax_active_keys: '7'\n";
const NOVA: &str = "[DEFAULT]\ntransport_url = rabbit://nova:hunter2@mq:5672//\nblock_device_allocate_retries = 1_200\n\
    [keystone_authtoken]\npassword = hunter2\nservice_token_roles = service, admin\nmemcached_servers = a:11211,\n    b:11211\n\
    [service_user]\npassword = hunter2\nsend_service_user_token = Yes\nauth_type = password\n[cinder]\npassword = hunter2\n";
const CINDER: &str = "[DEFAULT]\nenabled_backends = ceph\nrpc_thread_pool_size = 100\n[nova]\nauth_section = login\n\
    [login]\nauth_type = password\npassword = hunter2\n[ceph]\nrbd_secret_uuid = hunter2\n";
const GLANCE: &str = "[DEFAULT]\nenabled_backends = fast:rbd, objects:swift\n[glance_store]\ndefault_backend = objects\n\
    [objects]\nswift_store_key = hunter2\nswift_store_multi_tenant = true\n[wsgi]\ntask_pool_threads =\n";

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/oslo")
}

fn no_secret(did: &Did) {
    assert!(!did.stdout.contains(SECRET) && !did.stderr.contains(SECRET), "{}\n{}", did.stdout, did.stderr);
}

/// Every line that gives a value, or an item of one, and no comment.
fn without_comment(scenario: &str) -> Vec<&str> {
    let gives = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[', ' ']) && !line.contains(" # ");
    scenario.lines().filter(gives).collect()
}

#[test]
fn a_cloud_becomes_a_scenario_that_runs() {
    let desk = Desk::new();
    desk.write("keystone.conf", KEYSTONE);
    desk.write("nova.conf", NOVA);
    desk.write("cinder.conf", CINDER);
    desk.write("glance-api.conf", GLANCE.replace("task_pool_threads =\n", ""));
    desk.write("nova.conf.d/20-late.conf", "[DEFAULT]\nmax_concurrent_builds = 4\n");
    desk.write("nova.conf.d/10-early.conf", "[DEFAULT]\nmax_concurrent_builds = 3\nmax_concurrent_snapshots = 2\n");
    desk.write("nova.conf.d/30-not.txt", "[DEFAULT]\nmax_concurrent_builds = 5\n");
    desk.write("nova.conf.d/.30-hidden.conf", "[DEFAULT]\nmax_concurrent_builds = 6\n");
    desk.write("crontab", "PASSWORD = hunter2\n0 0 * * 0,3 keystone-manage fernet_rotate\n");
    let did = desk.run(&[
        "import",
        "--keystone",
        "keystone.conf",
        "--nova",
        "nova.conf",
        "--nova",
        "nova.conf.d",
        "--cinder",
        "cinder.conf",
        "--glance",
        "glance-api.conf",
        "--crontab",
        "crontab",
        "--release",
        "2026.1",
        "--name",
        "mine",
    ]);
    did.exits(0).complains("`[DEFAULT] rpc_thread_pool_size` is an old name of `[DEFAULT] executor_thread_pool_size`");
    no_secret(&did);
    assert!(did.stdout.contains("name = \"mine\" # --name"), "{}", did.stdout);
    let lines: Vec<(String, String)> = did
        .stdout
        .lines()
        .filter_map(|line| line.split_once(" # "))
        .map(|(value, comment)| (value.trim().to_owned(), comment.to_owned()))
        .collect();
    let said = [
        ("provider = \"fernet\"", "keystone.conf:8"),
        ("expiration = 7200", "keystone.conf:9"),
        ("allow_expired_window = 172800", "default of 2026.1"),
        ("max_active_keys = 7", "keystone.conf:12"),
        ("send_service_user_token = true", "nova.conf:11"),
        ("send_service_user_token = false", "default of 2026.1"),
        ("service_token_roles = [\"service\", \"admin\"]", "nova.conf:6"),
        ("service_token_roles_required = false", "default of 2026.1"),
        ("memcached_servers = [\"a:11211\", \"b:11211\"]", "nova.conf:7"),
        ("block_device_allocate_retries = 1200", "nova.conf:3"),
        ("max_concurrent_builds = 4", "nova.conf.d/20-late.conf:2"),
        ("max_concurrent_snapshots = 2", "nova.conf.d/10-early.conf:3"),
        ("executor_thread_pool_size = 100", "cinder.conf:3"),
        ("auth_type = \"password\"", "cinder.conf:7"),
        ("default_store = \"swift\"", "glance-api.conf:4"),
        ("swift_store_multi_tenant = true", "glance-api.conf:7"),
        ("release = \"2026.1\"", "--release"),
    ];
    for (value, comment) in said {
        assert!(lines.contains(&(value.to_owned(), comment.to_owned())), "{value} # {comment}:\n{}", did.stdout);
    }
    assert_eq!(without_comment(&did.stdout), Vec::<&str>::new());
    desk.write("mine.toml", did.stdout.replace("replications = 16", "replications = 1"));
    let check = desk.run(&["check", "mine.toml"]);
    check.exits(0);
    assert_eq!(check.stderr, "");
}

#[test]
fn what_no_file_says_is_to_be_set() {
    let desk = Desk::new();
    desk.write("nova.conf", "");
    let plain = desk.run(&["import", "--nova", "nova.conf", "--out", "new.toml"]);
    plain.exits(0).complains("Set what is marked `please set`");
    assert_eq!(plain.stdout, "");
    let text = desk.read("new.toml");
    assert!(text.contains("every = \"24h\" # please set: how often"), "{text}");
    assert!(text.contains("expiration = 3600 "), "{text}");
    assert!(text.contains("# default of 2026.2, keystone.conf not given"), "{text}");
    desk.run(&["check", "new.toml", "--replications", "1"]).exits(0);
    // What was set by hand is not lost.
    desk.run(&["import", "--nova", "nova.conf", "--out", "new.toml"]).exits(1).complains("cannot write");
    let every = desk.run(&["import", "-q", "--nova", "nova.conf", "--rotate-every", "36h"]);
    assert!(every.stdout.contains("every = \"1d 12h\" # --rotate-every"), "{}", every.stdout);
    desk.write("crontab", "17 */6 * * * root keystone-manage fernet_rotate\n");
    let cron = desk.run(&["import", "--nova", "nova.conf", "--crontab", "crontab"]);
    assert!(cron.stdout.contains("every = \"6h\"   # crontab:1\noffset = \"17m\" # crontab:1"), "{}", cron.stdout);
}

/// Each: what is wrong, the files, and what stderr must contain. All exit with 1, print no scenario and tell no secret.
#[test]
fn bad_files_are_refused_with_all_that_is_wrong() {
    let mut cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "lines",
            b"x = hunter2\n[token\n[token]\n\n  hunter2\nhunter2\n= hunter2\n".to_vec(),
            &["keystone.conf:1:1", "keystone.conf:2:1", "keystone.conf:5:1", "keystone.conf:6:1", "keystone.conf:7:1"],
        ),
        (
            "comment",
            b"[token]\nexpiration = 7200 # hunter2\n".to_vec(),
            &["`7200 # …` is no integer", "a line of its own"],
        ),
        ("type", b"[token]\nexpiration = 1h\ncaching = y\n".to_vec(), &["`1h` is no integer", "`y` is no boolean"]),
        ("range", b"[fernet_tokens]\nmax_active_keys = 0\n".to_vec(), &["greater than or equal to 1"]),
        ("empty", b"[token]\nexpiration =\n".to_vec(), &["`expiration` is empty"]),
        (
            "choice",
            b"[token]\nprovider = uuid\n".to_vec(),
            &["`provider`: the value is none of the valid values `fernet` and `jws`"],
        ),
        ("swallowed", b"[token]\nexpiration = 1\n  password = hunter2\n".to_vec(), &["goes on in the next line"]),
        ("circle", b"[token]\nexpiration = $cache_time\ncache_time = $expiration\n".to_vec(), &["leads to itself"]),
        ("binary", b"\x7fELF\x02\x01\xff\xfehunter2".to_vec(), &["is not UTF-8 text"]),
        ("zeros", b"[token]\nexpiration = 1\n\0hunter2".to_vec(), &["is no text file"]),
        ("large", vec![b'#'; 100 << 20], &["is larger than 4 MiB, the limit"]),
        ("no configuration", b"hunter2\n".repeat(400_000), &["so many lines are wrong"]),
        (
            "byte order mark",
            "\u{feff}[token]\nexpiration = 1\n".as_bytes().to_vec(),
            &["keystone.conf:1:1", "a byte order mark (BOM)"],
        ),
    ];
    // Each option ten times within another: without a limit this would not end.
    let names = ["expiration", "allow_expired_window", "cache_time", "cache.expiration_time"];
    let chain: Vec<String> =
        names.windows(2).map(|pair| format!("{} = {}\n", pair[0], format!("${}", pair[1]).repeat(10))).collect();
    cases.push((
        "explosion",
        format!("[token]\n{}[cache]\nexpiration_time = 5\n", chain.concat()).into_bytes(),
        &["more than 64 references"],
    ));
    for (name, bytes, messages) in cases {
        let desk = Desk::new();
        desk.write("keystone.conf", bytes);
        let did = desk.run(&["import", "--keystone", "keystone.conf", "--out", "new.toml"]);
        did.exits(1);
        messages.iter().for_each(|message| assert!(did.stderr.contains(message), "{name}: {message}\n{}", did.stderr));
        no_secret(&did);
        assert_eq!(did.stdout, "", "{name}");
        assert_eq!(desk.files(".").len(), 1, "{name}: something was written");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let desk = Desk::new();
    desk.write("nova.conf", "");
    desk.write("folder.conf/inside", "");
    desk.run(&["import", "--nova", "missing.conf", "--cinder", "gone.conf"])
        .exits(1)
        .complains("no such file: `missing.conf`")
        .complains("no such file: `gone.conf`");
    desk.run(&["import", "--nova", "."]).exits(1).complains("folder.conf` is a folder, expected a file");
    desk.run(&["import"]).exits(1).complains("no configuration file is named");
    desk.run(&["import", "--nova", "nova.conf", "--release", "2024.2"]).exits(1).complains("2026.2");
    desk.run(&["import", "--nova", "nova.conf", "--rotate-every", "0s"]).exits(1).complains("above zero");
    desk.run(&["import", "--nova", "nova.conf", "--crontab", "nova.conf"]).exits(1).complains("no line runs");
    desk.run(&["import", "--nova", "nova.conf", "--name", "../x"]).exits(1).complains("must not");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        symlink("loop.conf", desk.path().join("loop.conf")).unwrap();
        desk.run(&["import", "--nova", "loop.conf"]).exits(1).complains("cannot read `loop.conf`");
        let locked = desk.write("locked.conf", "[DEFAULT]\nx = hunter2\n");
        std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
        // The superuser may read it all the same.
        if std::fs::read(&locked).is_err() {
            desk.run(&["import", "--nova", "locked.conf"]).exits(1).complains("no permission to read `locked.conf`");
        }
    }
}

/// Each: the files' text, the service, the release, and what the warning says.
#[test]
fn what_a_service_would_ignore_is_told() {
    let cases = [
        ("[default]\nmax_concurrent_builds = 3", "nova", "2026.2", "this is not `[DEFAULT]`"),
        ("[DEFAULT]\nmax-concurrent-builds = 3", "nova", "2026.2", "this is not the option `max_concurrent_builds`"),
        ("[DEFAULT]\nsend_service_user_token = true", "nova", "2026.2", "is an option of `[service_user]`"),
        ("[service-user]\nsend_service_user_token = true", "nova", "2026.2", "this is not `[service_user]`"),
        ("[DEFAULT]\nosapi_compute_workers = 3", "nova", "2025.2", "is gone since 2025.2, and 2025.2 ignores it"),
        ("[DEFAULT]\nworkers = 3", "glance", "2026.2", "is gone since 2026.2"),
        ("[keystone_authtoken]\nsigning_dir = /x", "nova", "2025.1", "was gone long before 2025.1"),
        ("[keystone_authtoken]\nadmin_password = hunter2", "cinder", "2026.2", "`admin_password` is gone"),
        (
            "[keystone_authtoken]\nservice_token_roles = a # hunter2",
            "nova",
            "2026.2",
            "the comment is a part of the value",
        ),
        (
            "[service_user]\nsend_service_user_token = $flag",
            "nova",
            "2026.2",
            "refers to an option that outlast does not read",
        ),
        (
            "[libvirt]\npassword = hunter2",
            "cinder",
            "2026.2",
            "is read as a file of cinder, and looks like one of nova",
        ),
        ("[fernet_tokens]\nx = hunter2", "nova", "2026.2", "looks like one of keystone"),
    ];
    for (text, service, release, part) in cases {
        let desk = Desk::new();
        desk.write("a.conf", text);
        let did = desk.run(&["import", &format!("--{service}"), "a.conf", "--release", release]);
        did.exits(0);
        assert!(did.stderr.contains(part), "{text}: {part}\n{}", did.stderr);
        no_secret(&did);
        let quiet = desk.run(&["import", "-q", &format!("--{service}"), "a.conf", "--release", release]);
        assert_eq!((quiet.stderr.as_str(), &quiet.stdout), ("", &did.stdout), "{text}");
    }
    let desk = Desk::new();
    for (text, release) in [("osapi_compute_workers = 3", "2025.1"), ("max_concurrent_builds = 3", "2026.2")] {
        desk.write("a.conf", format!("[DEFAULT]\n{text}\n"));
        assert_eq!(desk.run(&["import", "--nova", "a.conf", "--release", release]).stderr, "", "{text}");
    }
    desk.write("nova.conf", "");
    desk.run(&["import", "--cinder", "nova.conf"]).complains("looks like one of nova");
}

fn conf(service: Service, name: &str, text: &str) -> ConfFile {
    ConfFile { service, file: File { name: name.to_owned(), text: Arc::from(text) } }
}

/// The sample configurations of the packages, whole ones too if `OUTLAST_OSLO_SAMPLES` names their folder, as they
/// are and with every default written out: both give the packages' defaults, which are those of the newest release.
#[test]
fn samples_of_the_packages_give_their_defaults() {
    let newest = releases().last().expect("there are releases");
    let mut folders = vec![data()];
    folders.extend(std::env::var_os("OUTLAST_OSLO_SAMPLES").map(PathBuf::from));
    for folder in folders {
        let sample = |service: Service| {
            let path = folder.join(service.file_name());
            let path = if path.exists() { path } else { path.with_extension("ini") };
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        // Without `<None>` a line of the sample is what somebody would write who wants the default.
        let written_out = |text: &str| -> String {
            let line = |line: &str| match line.strip_prefix('#') {
                Some(rest) if !rest.starts_with(' ') && !rest.contains("<None>") && rest.contains(" = ") => {
                    rest.to_owned()
                }
                _ => line.to_owned(),
            };
            text.lines().map(|text| line(text) + "\n").collect()
        };
        let mut written = 0;
        for is_written_out in [false, true] {
            let files = Service::ALL.into_iter().map(|service| {
                let text = sample(service);
                conf(service, service.file_name(), &if is_written_out { written_out(&text) } else { text })
            });
            let read = read(files.collect(), newest);
            if let Some(warnings) = read.warnings.filter(|_| !is_written_out) {
                panic!("{warnings}");
            }
            let found = read.configurations.unwrap_or_else(|issues| panic!("{issues}"));
            written = options().filter(|option| found.place(option.path()).is_some()).count();
            assert_eq!(written > 0, is_written_out, "{}", folder.display());
            let choices = Choices { name: "sample".to_owned(), schedule: Schedule::Unsaid, roles: Vec::new() };
            let text = scenario_text(&found, &choices);
            for option in options().filter(|option| Service::ALL.iter().any(|service| service.code() == option.service))
            {
                let Some(default) = option.default(newest) else { continue };
                let line = format!("{} = {default} ", option.name);
                assert!(text.contains(&line), "{line}:\n{text}");
            }
            load_text("sample.toml", &text, Path::new(""), &Overrides::default())
                .unwrap_or_else(|issues| panic!("{issues}"));
        }
        println!("{}: {written} defaults written out", folder.display());
        assert!(written >= 30, "{written}");
    }
}

/// What the option lists of the packages say of each option: default, bounds, choices and old names.
#[test]
fn options_are_those_of_the_packages() {
    let mut reader = csv::Reader::from_path(data().join("options.csv")).expect("the record");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let newest = releases().last().expect("there are releases");
    let ours: Vec<ServiceOption> =
        options().filter(|option| Service::ALL.iter().any(|service| service.code() == option.service)).collect();
    assert_eq!(rows.len(), ours.len(), "tests/data/oslo/generate.sh renews the record");
    for (row, option) in rows.iter().zip(&ours) {
        let [service, section, name, kind, default, min, max, choices, older] =
            [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|at| &row[at]);
        let path = option.path();
        assert_eq!(path, format!("{service}.{section}.{name}"));
        assert_eq!(option.default(newest).unwrap_or_default(), default, "{path}");
        let service = Service::ALL.into_iter().find(|known| known.code() == service).expect("a known service");
        let said = |name: &str, value: &str| {
            let read = read(vec![conf(service, "a.conf", &format!("[{section}]\n{name} = {value}\n"))], newest);
            match (&read.configurations, read.warnings) {
                (Ok(found), warnings) => (found.place(path).is_some(), warnings.is_some()),
                (Err(_), _) => (false, true),
            }
        };
        match kind {
            "integer value" => {
                if let Ok(min) = min.parse::<i128>() {
                    assert_eq!(said(name, &(min - 1).to_string()), (false, true), "{path}: below {min}");
                    // Zero seconds of validity are fine to Keystone, and so to a scenario.
                    assert_eq!(said(name, &min.to_string()), (true, false), "{path}: {min}");
                }
                if let Ok(max) = max.parse::<i128>() {
                    assert_eq!(said(name, &(max + 1).to_string()), (false, true), "{path}: above {max}");
                }
                assert_eq!(said(name, "1.5"), (false, true), "{path}");
            }
            "boolean value" => {
                assert_eq!(said(name, "On"), (true, false), "{path}");
                assert_eq!(said(name, "maybe"), (false, true), "{path}");
            }
            "list value" => assert_eq!(said(name, "a, b"), (true, false), "{path}"),
            "string value" if !choices.is_empty() => {
                for choice in choices.split(' ') {
                    assert_eq!(said(name, choice), (true, false), "{path}: {choice}");
                }
                assert_eq!(said(name, "nonsense"), (false, true), "{path}");
            }
            "string value" => {}
            other => panic!("{path}: an option of type {other}"),
        }
        for older in older.split(' ').filter(|older| !older.is_empty()) {
            assert_eq!(said(older, if kind == "integer value" { "5" } else { "a" }), (true, true), "{path}: {older}");
        }
    }
}

/// Secrets in the values of options that outlast reads: as a whole where a word is no value, and within an address
/// where any word is one.
fn strayed() -> impl Strategy<Value = String> {
    let is_free = |option: &ServiceOption| matches!(option.shape(), Shape::Text | Shape::Words);
    let names = |is_meant: &dyn Fn(&ServiceOption) -> bool| -> Vec<&'static str> {
        options().filter(is_meant).map(|option| option.name).collect()
    };
    let (free, strict) = (names(&is_free), names(&|option| !is_free(option)));
    let word = ["hunter2", "'hunter2'", " hunter2 ", "7 hunter2", "7hunter2", "true hunter2", "$hunter2", "hunter2,"];
    let address = [
        "nova:hunter2@mc:11211",
        "mc:11211, nova:hunter2@mc:11211",
        "a,\n  nova:hunter2@mc:11211",
        "rabbit://nova:hunter2@mq:5672//",
        "x:hunter2@",
    ];
    let line = |(name, value): (&str, &str)| format!("{name} = {value}");
    prop_oneof![
        (proptest::sample::select(strict), proptest::sample::select(word.to_vec())).prop_map(line),
        (proptest::sample::select(free), proptest::sample::select(address.to_vec())).prop_map(line),
    ]
}

/// Lines of files as they are, as they go wrong, and with secrets wherever one may stray to.
fn lines() -> impl Strategy<Value = String> {
    let known = options().map(|option| (option.section, option.name)).collect::<Vec<_>>();
    let names: Vec<&'static str> = known.iter().map(|(_, name)| *name).collect();
    let sections: Vec<&'static str> = known.iter().map(|(section, _)| *section).collect();
    let value = prop_oneof![
        Just(String::new()),
        "[0-9]{1,20}",
        "(true|no|1|y|'7'|\"|a, b|a:1,|fernet|swift|file|\\$expiration|\\$\\{token\\.expiration\\}|\\$x|a:rbd,b:file|login)",
        "\\PC{0,12}".prop_map(|text| text.replace(['$', '\\'], "")),
    ];
    let tail = prop_oneof![4 => Just(""), 1 => Just(" # hunter2"), 1 => Just("\t; hunter2, hunter2")];
    let blank = prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\t")];
    let separator = prop_oneof![Just(" = "), Just("="), Just(": "), Just(":")];
    let secret = prop_oneof![
        Just("password = hunter2"),
        Just("  password = hunter2"),
        Just("\tpassword: hunter2"),
        Just("  rabbit://nova:hunter2@mq:5672//"),
        Just("# hunter2"),
        Just("  # hunter2"),
        Just("hunter2"),
        Just("[hunter2]"),
        Just("[hunter2"),
        Just("  [hunter2]"),
        Just("hunter2 = 5"),
        Just("= hunter2"),
        Just("transport_url = rabbit://nova:hunter2@mq"),
        Just("password = 'hunter2"),
        Just("password = $expiration hunter2"),
        Just("cache-time = hunter2"),
        Just("[default]"),
        Just("admin_password = hunter2"),
        Just("auth_section = login"),
        Just("default_backend = login"),
    ];
    prop_oneof![
        3 => (blank, proptest::sample::select(names), separator, value, tail)
            .prop_map(|(blank, name, separator, value, tail)| format!("{blank}{name}{separator}{value}{tail}")),
        2 => proptest::sample::select(sections).prop_map(|section| format!("[{section}]")),
        2 => secret.prop_map(str::to_owned),
        2 => strayed(),
        1 => Just(String::new()),
        1 => "[ \t]{0,2}[\\PC\u{0}-\u{1f}]{0,20}",
    ]
}

/// Options of which a scenario takes less than the service.
const LIMITED: [&str; 2] = ["nova.DEFAULT.block_device_allocate_retries", "cinder.DEFAULT.scheduler_max_attempts"];

/// Nothing panics, nothing hangs, and no secret is told, whatever the files hold; what is read becomes a scenario.
#[test]
fn any_file_is_read_or_refused() {
    let file = (0..4_usize, proptest::collection::vec(lines(), 0..12));
    let ends = proptest::sample::select(vec!["\n", "\r\n", "\r"]);
    let cases = (proptest::collection::vec(file, 1..4), ends, proptest::sample::select(releases().to_vec()));
    fuzz("configuration files", &cases, |(files, end, release)| {
        let files: Vec<ConfFile> =
            files.iter().map(|(service, lines)| conf(Service::ALL[*service], "a.conf", &lines.join(end))).collect();
        let read = read(files, release);
        let warnings = read.warnings.map(|warnings| warnings.render_warnings(false) + &warnings.lines().join("\n"));
        prop_assert!(!warnings.as_deref().unwrap_or_default().contains(SECRET), "{}", warnings.unwrap_or_default());
        match read.configurations {
            Err(issues) => {
                let told = issues.render(true) + &issues.lines().join("\n");
                prop_assert!(!told.contains(SECRET), "{told}");
                prop_assert!(!told.is_empty());
            }
            Ok(found) => {
                prop_assert!(!format!("{found:?}").contains(SECRET), "{found:?}");
                let text = scenario_text(
                    &found,
                    &Choices { name: "any".to_owned(), schedule: Schedule::Unsaid, roles: Vec::new() },
                );
                prop_assert!(!text.contains(SECRET), "{text}");
                prop_assert!(without_comment(&text).is_empty(), "{text}");
                if let Err(issues) = load_text("any.toml", &text, Path::new(""), &Overrides::default()) {
                    // What no job of a scenario does so often is only known once its jobs are compiled.
                    let told = issues.to_string();
                    let is_limit = |option: &str| told.contains(option);
                    prop_assert!(LIMITED.into_iter().any(is_limit), "{told}\n{text}");
                }
            }
        }
        Ok(())
    });
}

/// The same of crontabs.
#[test]
fn any_crontab_is_read_or_refused() {
    let fields = "([*0-9,/-]{1,6}|[a-z]{3}|@[a-z]{4,8}| )( [*0-9,/-]{1,5}){0,5}";
    let cases = (proptest::collection::vec(fields, 1..4), 0..10_usize);
    fuzz("crontabs", &cases, |(fields, keys)| {
        let lines: Vec<String> = fields
            .iter()
            .map(|fields| format!("{fields} hunter2; keystone-manage fernet_rotate\nX=hunter2\n"))
            .collect();
        let text = Arc::from(lines.concat());
        match crontabs(&[CronFile { name: "crontab".to_owned(), text }]).rotations {
            Err(issues) => prop_assert!(!issues.to_string().contains(SECRET), "{issues}"),
            Ok(rotations) => {
                let keystone = format!("[fernet_tokens]\nmax_active_keys = {}\n", keys + 1);
                let read = read(vec![conf(Service::Keystone, "keystone.conf", &keystone)], "2026.1");
                let found = read.configurations.expect("a good file");
                let choices =
                    Choices { name: "any".to_owned(), schedule: Schedule::Cron(rotations), roles: Vec::new() };
                let text = scenario_text(&found, &choices);
                prop_assert!(!text.contains(SECRET), "{text}");
                let loaded = load_text("any.toml", &text, Path::new(""), &Overrides::default());
                prop_assert!(loaded.is_ok(), "{}\n{text}", loaded.expect_err("it is no scenario"));
            }
        }
        Ok(())
    });
}
