//! The command line: exit codes, what is said where, and that nothing is written when something is wrong.

use std::fs;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::command::{Desk, SMALL};

/// The small scenario with an expectation added.
fn expecting(expectation: &str) -> String {
    format!("{SMALL}\n[[expect]]\n{expectation}\n")
}

#[test]
fn a_run_writes_its_results_and_says_where() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    let did = desk.run(&["run", "small.toml"]);
    did.exits(0);
    assert_eq!(did.stderr, "");
    assert!(did.stdout.contains("Results: output/small"), "{}", did.stdout);
    assert!(did.stdout.contains("Seed 7, 3 replications of 4 h."), "{}", did.stdout);
    assert!(did.stdout.lines().all(|line| line.chars().count() <= 100), "{}", did.stdout);
    let names: Vec<String> = desk.files("output").into_iter().map(|(name, _)| name).collect();
    for name in ["summary.csv", "replications.csv", "failures.csv", "services.csv", "margins.csv", "run.json"] {
        assert!(names.contains(&format!("output/small/{name}")), "{names:?}");
    }
    assert!(
        names.iter().any(|name| name.ends_with(".svg")) && names.iter().any(|name| name.ends_with(".png")),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name.contains("partial") || name.contains("jobs.csv")), "{names:?}");
}

#[test]
fn expectations_decide_the_exit_code() {
    let desk = Desk::new();
    let sends = r#"where = { "cinder.service_user.send_service_user_token" = true }"#;
    desk.write("holds.toml", expecting(&format!("metric = \"token_failure_rate\"\nmax = \"2%\"\n{sends}")));
    desk.write(
        "fails.toml",
        expecting("metric = \"token_failure_rate\"\nmax = \"2%\"").replace("\"small\"", "\"fails\""),
    );
    desk.run(&["run", "holds.toml", "--no-plots"]).exits(0);
    let did = desk.run(&["run", "fails.toml", "--no-plots"]);
    did.exits(2);
    assert!(did.stdout.starts_with("FAIL  fails: the expectation does not hold"), "{}", did.stdout);
    assert!(did.stdout.contains("fails.toml:"), "the place of the expectation: {}", did.stdout);
    desk.run(&["check", "holds.toml", "fails.toml"]).exits(2);
    // Silent, and still telling.
    let quiet = desk.run(&["check", "-q", "fails.toml"]);
    quiet.exits(2);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn check_writes_nothing_but_junit() {
    let desk = Desk::new();
    desk.write("scenarios/small.toml", SMALL);
    desk.write(
        "scenarios/deeper/other.toml",
        expecting("metric = \"jobs\"\nmin = 1000000").replace("\"small\"", "\"other\""),
    );
    desk.write("scenarios/_fragment.toml", "this is [no scenario");
    let did = desk.run(&["check", "scenarios", "--junit", "verdicts.xml"]);
    did.exits(2);
    assert!(did.stdout.ends_with("1 passed, 1 failed\n"), "{}", did.stdout);
    let junit = desk.read("verdicts.xml");
    assert!(junit.contains("<testsuite name=\"small\" tests=\"1\"") && junit.contains("<failure message="), "{junit}");
    let names: Vec<String> = desk.files(".").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 4, "three scenario files and the verdicts: {names:?}");
}

#[test]
fn an_unreadable_scenario_outweighs_a_failed_one() {
    let desk = Desk::new();
    desk.write("bad.toml", SMALL.replace("replications = 3", "replicatons = 3"));
    desk.write("good.toml", SMALL);
    let did = desk.run(&["check", "good.toml", "bad.toml", "--junit", "verdicts.xml"]);
    did.exits(1).complains("replicatons").complains("replications");
    assert!(did.stdout.ends_with("1 passed, 0 failed, 1 could not be run\n"), "{}", did.stdout);
    assert!(desk.read("verdicts.xml").contains("<error message="));
}

/// Each: what is wrong, the file's text, what stderr must contain. All exit with 1 and write nothing.
#[test]
fn bad_files_are_refused_before_anything_is_written() {
    let line = |from: &str, to: &str| SMALL.replace(from, to);
    let cases = [
        ("wrong TOML", line("[run]", "[run"), "small.toml:4:"),
        ("unknown key", line("seed = 7", "sed = 7"), "did you mean `run.seed`"),
        ("wrong type", line("expiration = \"20m\"", "expiration = true"), "keystone.token.expiration"),
        ("wrong unit", line("\"4h\"", "\"4 fortnights\""), "run.duration"),
        ("negative", line("expiration = \"20m\"", "expiration = -5"), "keystone.token.expiration"),
        ("not a number", line("median = \"20GiB\"", "median = nan"), "median"),
        ("overflow", line("expiration = \"20m\"", "expiration = 9223372036854775807"), "keystone.token.expiration"),
        ("zero rate", line("\"60/h\"", "\"0/h\""), "zero"),
        ("warm-up too long", line("warm_up = \"30m\"", "warm_up = \"4h\""), "run.warm_up"),
        (
            "no key",
            line("[cloud.fernet_rotation]", "[keystone.fernet_tokens]\nmax_active_keys = 0\n[cloud.fernet_rotation]"),
            "max_active_keys",
        ),
        ("empty sweep", line("[false, true]", "[]"), "the list of values is empty"),
        (
            "no such key to sweep",
            line("\"cinder.service_user.send_", "\"cinder.service_user.snd_"),
            "snd_service_user_token",
        ),
        (
            "key that a section has not got",
            line("[cloud.image_transfer]", "[cloud.image_transfer]\nlatency = \"1ms\""),
            "unknown key `cloud.image_transfer.latency`",
        ),
    ];
    for (name, text, message) in cases {
        let desk = Desk::new();
        desk.write("small.toml", text);
        let did = desk.run(&["run", "small.toml"]);
        did.exits(1);
        assert!(did.stderr.contains(message), "{name}: `{message}` is not in\n{}", did.stderr);
        assert_eq!(did.stdout, "", "{name}");
        assert_eq!(desk.files(".").len(), 1, "{name}: something was written");
    }
}

#[test]
fn paths_that_are_no_scenario_files_are_named() {
    let desk = Desk::new();
    desk.write("folder/inside.txt", "");
    desk.write("latin.toml", b"name = \"caf\xe9\"");
    let long = "x".repeat(300);
    let cases =
        [("missing.toml", "missing.toml"), ("folder", "folder"), ("latin.toml", "UTF-8"), (long.as_str(), "xxx")];
    for (path, message) in cases {
        desk.run(&["run", path]).exits(1).complains(message);
    }
    desk.run(&["check", "folder"]).exits(1).complains("folder: no scenario files");
    desk.run(&["check", "missing"]).exits(1).complains("missing");
}

#[test]
fn a_bad_row_of_a_trace_is_numbered() {
    let desk = Desk::new();
    desk.write("jobs.csv", "submitted_s,download_s\n0,10\n5,ten\n");
    desk.write("small.toml", SMALL.replace("{ poisson = \"60/h\" }", "{ trace = \"jobs.csv\" }"));
    let did = desk.run(&["run", "small.toml"]);
    did.exits(1).complains("jobs.csv").complains("download_s");
    did.complains("row 3");
}

#[test]
fn every_problem_of_every_file_is_told_at_once() {
    let desk = Desk::new();
    desk.write("one.toml", SMALL.replace("seed = 7", "sed = 7").replace("\"60/h\"", "\"0/h\""));
    desk.write("two.toml", SMALL.replace("\"small\"", "\"two\"").replace("[run]", "[runn]"));
    let did = desk.run(&["run", "one.toml", "two.toml"]);
    did.exits(1).complains("`run.sed`").complains("above zero").complains("`runn`");
}

#[test]
fn an_output_folder_that_cannot_be_written_is_known_before_the_run() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.write("file", "");
    desk.run(&["run", "small.toml", "--out", "file"]).exits(1).complains("file/small.partial: cannot write: ");
    assert_eq!(desk.files(".").len(), 2);
}

/// Results that cannot be printed are lost, unless the reader has gone away of its own will.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_stdout_is_an_error() {
    let desk = Desk::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = desk.command(&["schema"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot print the results: "));
    let mut child = desk.command(&["schema"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn bad_arguments_exit_with_1() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.write("again.toml", SMALL);
    desk.run(&["run"]).exits(1).complains("FILE");
    desk.run(&["fly"]).exits(1).complains("fly");
    desk.run(&["run", "small.toml", "--threads", "0"]).exits(1).complains("--threads");
    desk.run(&["run", "small.toml", "--point", "2"])
        .exits(1)
        .complains("there is no point 2; the sweep has points 0 to 1");
    desk.run(&["run", "small.toml", "again.toml"]).exits(1).complains("its scenario is named `small`");
    desk.run(&["--version"]).exits(0);
    desk.run(&["run", "--help"]).exits(0);
    assert_eq!(desk.files(".").len(), 2);
}

#[test]
fn one_point_gives_the_rows_that_the_sweep_gives() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.run(&["run", "small.toml", "--no-plots", "--out", "all"]).exits(0);
    desk.run(&["run", "small.toml", "--no-plots", "--out", "one", "--point", "1"]).exits(0);
    let all = desk.read("all/small/summary.csv");
    let wanted: Vec<&str> = all.lines().filter(|line| !line.starts_with("small,0,")).collect();
    assert_eq!(desk.read("one/small/summary.csv").lines().collect::<Vec<_>>(), wanted);
}

#[test]
fn formats_for_programs_and_pull_requests() {
    let desk = Desk::new();
    desk.write("small.toml", expecting("metric = \"failure_rate\"\nmax = \"100%\""));
    let json = desk.run(&["run", "small.toml", "--no-plots", "--format", "json"]);
    json.exits(0);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["holds"], true);
    assert_eq!(document["seed"], 7);
    let markdown = desk.run(&["run", "small.toml", "--no-plots", "--format", "markdown"]);
    assert!(markdown.stdout.starts_with("### "), "{}", markdown.stdout);
    let kinds = desk.run(&["jobs"]);
    kinds.exits(0);
    assert!(kinds.stdout.contains("boot-from-volume\n  Boot an instance"), "{}", kinds.stdout);
    let course = desk.run(&["jobs", "boot-from-volume"]);
    course.exits(0);
    assert!(course.stdout.contains("nova_api_post: client → nova"), "{}", course.stdout);
    let unknown = desk.run(&["jobs", "boot-from-volum"]);
    unknown.exits(1);
    assert!(unknown.stderr.contains("did you mean `boot-from-volume`?"), "{}", unknown.stderr);
    let schema = desk.run(&["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.stdout).unwrap();
    assert!(schema["properties"]["workload"].is_object());
    assert!(desk.run(&["schema", "--presets"]).stdout.contains("kolla-ansible"));
}

/// A command under way, which does not outlive the test.
#[cfg(unix)]
struct Running(Child);

#[cfg(unix)]
impl Running {
    fn ends_within(&mut self, limit: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < limit, "a replication in progress must not hold it up");
            sleep(Duration::from_millis(50));
        }
    }
}

#[cfg(unix)]
impl Drop for Running {
    fn drop(&mut self) {
        // Fails if it has ended, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ctrl-C in a long run: what is complete is kept beside an earlier result, which stays.
#[test]
#[cfg(unix)]
fn an_interrupted_run_keeps_what_is_complete() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.run(&["run", "small.toml", "--no-plots"]).exits(0);
    let earlier = desk.read("output/small/summary.csv");
    // The first point is a replication of 2,400 jobs, more than buffers hold; the second would take hours.
    let long = SMALL.replace("replications = 3", "replications = 1").replace(
        "\"cinder.service_user.send_service_user_token\" = [false, true]",
        "\"run.duration\" = [\"40h\", \"300000d\"]",
    );
    desk.write("small.toml", long);
    let command = &["run", "small.toml", "--no-plots", "--jobs", "--threads", "1"];
    let said = fs::File::create(desk.path().join("said.txt")).unwrap();
    let mut running = Running(desk.command(command).stderr(said).spawn().unwrap());
    // Jobs are written once their replication is complete, so the first bytes say that the first point is; and once
    // there are no more of them, the second is under way.
    let started = Instant::now();
    let (mut size, mut grown) = (0, started);
    while size == 0 || grown.elapsed() < Duration::from_millis(500) {
        assert!(started.elapsed() < Duration::from_secs(120), "the first point takes too long: {size} bytes");
        assert_eq!(running.0.try_wait().unwrap(), None, "it ended of its own");
        sleep(Duration::from_millis(50));
        let now = fs::metadata(desk.path().join("output/small.partial/work/rows")).map_or(0, |file| file.len());
        if now != size {
            (size, grown) = (now, Instant::now());
        }
    }
    let id = running.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let status = running.ends_within(Duration::from_secs(60));
    assert_eq!(status.code(), Some(130));
    assert_eq!(desk.read("output/small/summary.csv"), earlier);
    assert!(desk.read("said.txt").contains("interrupted: 1 of 2 points are complete and kept in output/small.partial"));
    let kept = desk.read("output/small.partial/summary.csv");
    assert_eq!(kept.lines().count(), 3, "the header and the rows of point 0: {kept}");
    assert!(fs::metadata(desk.path().join("output/small.partial/run.json")).is_ok());
}
