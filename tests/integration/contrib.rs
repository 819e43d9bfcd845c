//! The scripts for Slurm, run as its tasks are: with the variables that Slurm sets, and without Slurm.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::command::{Desk, Did, SMALL};

const SHARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/slurm/outlast.sbatch");
const MERGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/slurm/outlast-merge.sbatch");

/// A script on a desk, with our outlast.
fn script(desk: &Desk, script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("bash");
    command.current_dir(desk.path()).arg(script).args(arguments).env("OUTLAST", env!("CARGO_BIN_EXE_outlast"));
    command
}

/// A task of an array from 1 to so many.
fn task(desk: &Desk, task: u32, of: u32, arguments: &[&str]) -> Command {
    let mut command = script(desk, SHARD, arguments);
    let variables = [("ARRAY_TASK_ID", task), ("ARRAY_TASK_COUNT", of), ("ARRAY_TASK_MIN", 1), ("ARRAY_TASK_MAX", of)];
    for (name, value) in variables {
        command.env(format!("SLURM_{name}"), value.to_string());
    }
    command.env("SLURM_ARRAY_JOB_ID", "77");
    command
}

fn did(mut command: Command) -> Did {
    Did::of(command.output().unwrap())
}

/// A program of a few lines of shell.
fn program(desk: &Desk, name: &str, text: &str) -> String {
    let path = desk.write(name, format!("#!/usr/bin/env bash\n{text}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// The files of a result, without the time that it took.
fn result(desk: &Desk, out: &str) -> Vec<(String, String)> {
    let text = |(name, bytes): (String, Vec<u8>)| {
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("wall_time_s")).collect();
        (name.replacen(out, "", 1), lines.join("\n"))
    };
    desk.files(&format!("{out}/small")).into_iter().map(text).collect()
}

#[test]
fn an_array_and_its_merge_give_what_one_run_gives() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.run(&["run", "small.toml", "--jobs", "--no-plots", "--seed", "8", "--out", "one"]).exits(0);
    let asked = ["small.toml", "many", "--jobs", "--seed", "8"];
    did(task(&desk, 2, 3, &asked)).exits(0);
    did(script(&desk, MERGE, &["many", "--no-plots"])).exits(1).complains("2 shards are missing: 1/3, 3/3");
    // Once more, as when its node has failed after all.
    did(task(&desk, 2, 3, &asked)).exits(0).complains("goes on; 2 of its replications are there already");
    // Only some of an array, which is told how many there are.
    for number in [1, 3] {
        let mut some = task(&desk, number, 2, &asked);
        some.env("SLURM_ARRAY_TASK_MAX", "3").env("OUTLAST_SHARDS", "3");
        did(some).exits(0);
    }
    did(script(&desk, MERGE, &["many", "--no-plots"])).exits(0);
    assert!(result(&desk, "one").len() >= 4);
    assert_eq!(result(&desk, "many"), result(&desk, "one"));
}

#[test]
fn what_is_no_array_is_refused() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    let asked = ["small.toml", "out"];
    let mut no_task = script(&desk, SHARD, &asked);
    no_task.env_remove("SLURM_ARRAY_TASK_ID");
    did(no_task).exits(1).complains("it is a task of an array");
    let mut gaps = task(&desk, 3, 2, &asked);
    gaps.env("SLURM_ARRAY_TASK_MAX", "7");
    did(gaps).exits(1).complains("tasks are numbered from 1 without gaps");
    let mut beyond = task(&desk, 4, 4, &asked);
    beyond.env("OUTLAST_SHARDS", "3");
    did(beyond).exits(1).complains("there is no shard 4 of 3");
    did(task(&desk, 1, 1, &["small.toml"])).exits(1).complains("usage: sbatch --array=1-SHARDS");
    did(task(&desk, 1, 1, &["missing.toml", "out"])).exits(1).complains("missing.toml");
    did(script(&desk, MERGE, &[])).exits(1).complains("usage: sbatch --dependency");
    did(script(&desk, MERGE, &["out"])).exits(1).complains("out: there are no shards");
}

/// Slurm's signal comes a minute before the time is over.
#[test]
fn a_task_whose_time_is_nearly_over_goes_on_later() {
    let desk = Desk::new();
    // Many seconds of work, which the signal interrupts as soon as something of it is on disk.
    desk.write("small.toml", SMALL.replace("replications = 3", "replications = 20000"));
    program(&desk, "bin/scontrol", "echo \"$@\" > requeued");
    let path = format!("{}:{}", desk.path().join("bin").display(), std::env::var("PATH").unwrap());
    let mut command = task(&desk, 1, 1, &["small.toml", "out"]);
    let mut child = command.env("PATH", path).spawn().unwrap();
    let facts = desk.path().join("out/small.shard-1-of-1/facts");
    for attempt in 0.. {
        if fs::metadata(&facts).is_ok_and(|facts| facts.len() > 0) {
            break;
        }
        assert!(attempt < 6_000 && child.try_wait().unwrap().is_none(), "nothing comes to disk");
        sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-USR1", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    assert_eq!(desk.read("requeued"), "requeue 77_1\n");
    let status = desk.run(&["status", "out"]);
    assert!(status.stdout.contains("unfinished (--resume goes on with it)"), "nobody holds it: {}", status.stdout);
}

/// The lock of a node that died is held until the file system has seen it.
#[test]
fn a_shard_that_is_held_is_waited_for() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    let real = env!("CARGO_BIN_EXE_outlast");
    let text = format!(
        "if [ -e tried ]; then exec {real} \"$@\"; fi\n\
         touch tried\n\
         echo 'error: out/small.shard-1-of-1: another outlast is at work there' >&2\n\
         exit 1"
    );
    let mut held = task(&desk, 1, 1, &["small.toml", "out"]);
    held.env("OUTLAST", program(&desk, "held", &text)).env("OUTLAST_PAUSE", "0.01");
    let held = did(held);
    held.exits(0).complains("another outlast is at work there");
    assert!(held.stdout.contains("shard 1/1 is complete"), "{}", held.stdout);
}
