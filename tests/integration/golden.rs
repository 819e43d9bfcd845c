//! The bytes of a small run, and that they depend on nothing but the scenario and the seed.

use std::path::Path;

use crate::command::{Desk, SMALL};

/// Compares with the committed file; `OUTLAST_RENEW=1 cargo test --test integration golden` rewrites it.
pub(crate) fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("OUTLAST_RENEW").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "tests/golden/{name} differs; if that is meant: OUTLAST_RENEW=1 cargo test --test integration golden\n{text}"
    );
}

/// What the run wrote, without the one value that may differ.
fn written(desk: &Desk) -> Vec<(String, Vec<u8>)> {
    let mut files = desk.files("output");
    for (name, bytes) in &mut files {
        if name.ends_with("run.json") {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let kept: Vec<&str> = text.lines().filter(|line| !line.contains("\"wall_time_s\"")).collect();
            *bytes = kept.join("\n").into_bytes();
        }
    }
    files
}

#[test]
fn a_small_run_gives_these_bytes() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    let did = desk.run(&["run", "small.toml", "--jobs", "--no-plots"]);
    did.exits(0);
    golden("console.txt", &did.stdout);
    for name in ["summary.csv", "replications.csv", "failures.csv", "services.csv", "margins.csv"] {
        golden(name, &desk.read(&format!("output/small/{name}")));
    }
    // The first jobs say as much as all of them.
    let jobs: Vec<String> = desk.read("output/small/jobs.csv").lines().take(20).map(str::to_owned).collect();
    golden("jobs.csv", &(jobs.join("\n") + "\n"));
}

#[test]
fn a_small_comparison_gives_these_bytes() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.write("longer.toml", SMALL.replace("\"20m\"", "\"24m\""));
    let did = desk.run(&["compare", "small.toml", "longer.toml", "--out", "compare.csv"]);
    did.exits(0);
    golden("compare.txt", &did.stdout);
    golden("compare.csv", &desk.read("compare.csv"));
}

/// The whole output, plots and job records included: with any number of threads, and on a processor without AVX and
/// fused multiply-add, which make the C library compute other last digits. Such a processor can be feigned only to the
/// GNU C library on x86-64; elsewhere that case would compare two equal runs, so there is none.
#[test]
fn bytes_depend_on_the_scenario_and_the_seed_alone() {
    let run = |threads: &str, tunables: Option<&str>| {
        let desk = Desk::new();
        desk.write("small.toml", SMALL);
        let mut command = desk.command(&["run", "small.toml", "--jobs", "--threads", threads]);
        if let Some(tunables) = tunables {
            command.env("GLIBC_TUNABLES", tunables);
        }
        assert!(command.output().unwrap().status.success());
        written(&desk)
    };
    let expected = run("1", None);
    let masked = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-FMA,-FMA4,-AVX_Fast_Unaligned_Load";
    let mut runs = vec![("2 threads", run("2", None)), ("7 threads", run("7", None))];
    if cfg!(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")) {
        runs.push(("masked", run("2", Some(masked))));
    }
    for (name, found) in runs {
        assert_eq!(expected.len(), found.len(), "{name}");
        for ((file, bytes), (other, others)) in expected.iter().zip(&found) {
            assert_eq!(file, other, "{name}");
            assert!(bytes == others, "{name}: {file} differs");
        }
    }
}
