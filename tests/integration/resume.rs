//! Killed at any instant, cut into shards, on any number of threads: a sweep ends with the same bytes.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::command::{Desk, Did, SMALL};

/// A sweep of 200 points, 400 replications of a few hundred milliseconds in all.
fn sweep() -> String {
    let values = |from: u32, by: u32, count: u32| -> String {
        (0..count).map(|index| format!("\"{}m\"", from + by * index)).collect::<Vec<_>>().join(", ")
    };
    let grid = format!(
        "\"keystone.token.expiration\" = [{}]\n\"keystone.token.allow_expired_window\" = [{}]",
        values(10, 3, 20),
        values(1, 20, 10)
    );
    SMALL
        .replace("replications = 3", "replications = 2")
        .replace("\"cinder.service_user.send_service_user_token\" = [false, true]", &grid)
}

/// A desk with the sweep on it.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("sweep.toml", sweep());
    desk
}

/// The files of a result; in the manifest without the time that it took.
fn result(desk: &Desk, out: &str) -> Vec<(String, String)> {
    let files = desk.files(&format!("{out}/small"));
    assert!(files.len() >= 4, "{out} holds a result: {:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let text = |(name, bytes): (String, Vec<u8>)| {
        let text = String::from_utf8(bytes).unwrap();
        let lines = text.lines().filter(|line| !line.contains("wall_time_s"));
        (name.replacen(out, "", 1), lines.collect::<Vec<_>>().join("\n"))
    };
    files.into_iter().map(text).collect()
}

fn assert_same(desk: &Desk, out: &str, expected: &[(String, String)]) {
    let found = result(desk, out);
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&found), names(expected), "{out}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.1 == expected.1, "{out}: {} differs", found.0);
    }
}

fn run(desk: &Desk, out: &str, more: &[&str]) -> Did {
    desk.run(&[&["run", "sweep.toml", "--jobs", "--no-plots", "--out", out], more].concat())
}

#[test]
fn threads_and_shards_change_no_byte() {
    let desk = desk();
    run(&desk, "one", &["--threads", "1"]).exits(0);
    let expected = result(&desk, "one");
    assert_eq!(desk.read("one/small/summary.csv").lines().count(), 1 + 200 * 2);
    for threads in ["2", "7"] {
        run(&desk, threads, &["--threads", threads]).exits(0);
        assert_same(&desk, threads, &expected);
    }
    for shard in ["1/3", "2/3", "3/3"] {
        let did = run(&desk, "shards", &["--shard", shard]);
        did.exits(0);
        assert!(did.stdout.contains(&format!("small: shard {shard} is complete")), "{}", did.stdout);
    }
    let shards = ["shards/small.shard-3-of-3", "shards/small.shard-1-of-3", "shards/small.shard-2-of-3"];
    desk.run(&[&["merge", "--no-plots", "--out", "merged"], &shards[..]].concat()).exits(0);
    assert_same(&desk, "merged", &expected);
    // The number of shards is no more than a way to cut.
    for shard in 1..=7 {
        run(&desk, "seven", &["--shard", &format!("{shard}/7"), "--threads", "3", "-q"]).exits(0);
    }
    let seven: Vec<String> = (1..=7).map(|shard| format!("seven/small.shard-{shard}-of-7")).collect();
    let seven: Vec<&str> = seven.iter().map(String::as_str).collect();
    desk.run(&[&["merge", "--no-plots", "--out", "merged-7"], &seven[..]].concat()).exits(0);
    assert_same(&desk, "merged-7", &expected);
}

/// Killed again and again, each time a little later, until it comes to its end.
#[test]
#[cfg(unix)]
fn killed_at_any_instant_it_goes_on() {
    let desk = desk();
    run(&desk, "whole", &[]).exits(0);
    let expected = result(&desk, "whole");
    let mut killed = 0;
    for attempt in 0.. {
        assert!(attempt < 1_000, "it never ends");
        let command = ["run", "sweep.toml", "--jobs", "--no-plots", "--out", "killed", "--resume", "-q"];
        let mut child = desk.command(&command).spawn().unwrap();
        // Instants that fall between the writes and renames of whatever the machine makes of it.
        sleep(Duration::from_micros(3_000 + 7_919 * (attempt % 97)));
        let ended = child.try_wait().unwrap();
        if ended.is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        assert_eq!(status.code(), None, "it was killed, and did not fail");
    }
    assert!(killed > 1, "it was over before it could be killed");
    assert_same(&desk, "killed", &expected);
    assert!(!desk.path().join("killed/small.partial").exists(), "nothing is left behind");
    assert!(!desk.path().join("killed/small.work.partial").exists(), "nothing is left behind");
}

/// Whatever is torn off the end of its files, a journal gives the same result in the end.
#[test]
fn a_torn_journal_is_completed() {
    let desk = desk();
    run(&desk, "whole", &[]).exits(0);
    let expected = result(&desk, "whole");
    run(&desk, "shards", &["--shard", "1/1"]).exits(0);
    let folder = desk.path().join("shards/small.shard-1-of-1");
    let (facts, rows) = (fs::read(folder.join("facts")).unwrap(), fs::read(folder.join("rows")).unwrap());
    for (facts_kept, rows_kept) in [(1.0, 0.5), (0.5, 1.0), (0.999, 1.0), (0.0, 0.0), (0.7, 0.3)] {
        let cut = |bytes: &[u8], kept: f64| bytes[..(bytes.len() as f64 * kept) as usize].to_vec();
        fs::write(folder.join("facts"), cut(&facts, facts_kept)).unwrap();
        fs::write(folder.join("rows"), cut(&rows, rows_kept)).unwrap();
        let merge = ["merge", "shards/small.shard-1-of-1", "--no-plots", "--out", "merged"];
        desk.run(&merge).exits(1).complains("shard 1/1 is not complete");
        assert!(desk.run(&["status", "shards"]).exits(0).stdout.contains("unfinished"), "{facts_kept} {rows_kept}");
        run(&desk, "shards", &["--shard", "1/1", "--resume"]).exits(0);
        desk.run(&merge).exits(0);
        assert_same(&desk, "merged", &expected);
    }
}

#[test]
fn one_replication_gives_the_rows_that_all_give() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.run(&["run", "small.toml", "--jobs", "--no-plots", "--out", "all"]).exits(0);
    desk.run(&["run", "small.toml", "--jobs", "--no-plots", "--out", "one", "--point", "1", "--replication", "2"])
        .exits(0);
    let all = desk.read("all/small/jobs.csv");
    let mut rows = all.lines();
    let header = rows.next().unwrap();
    let at = |name: &str| header.split(',').position(|column| column == name).unwrap();
    let (point, replication) = (at("point"), at("replication"));
    let wanted = |row: &&str| {
        let cells: Vec<&str> = row.split(',').collect();
        cells[point] == "1" && cells[replication] == "2"
    };
    let expected: Vec<&str> = [header].into_iter().chain(rows.filter(wanted)).collect();
    assert!(expected.len() > 100);
    assert_eq!(desk.read("one/small/jobs.csv").lines().collect::<Vec<_>>(), expected);
    desk.run(&["run", "small.toml", "--replication", "3"]).exits(1).complains("there is no replication 3");
}

#[test]
fn what_was_changed_is_not_gone_on_with() {
    let desk = desk();
    // A file that is in its way stops the run when it is complete.
    let stop = |out: &str| {
        desk.write(&format!("{out}/small/no-result"), "");
    };
    stop("changed");
    run(&desk, "changed", &[]).exits(1).complains("holds no earlier result");
    run(&desk, "shards", &["--shard", "1/2"]).exits(0);
    desk.write("sweep.toml", sweep().replace("seed = 7", "seed = 8"));
    let did = run(&desk, "shards", &["--shard", "1/2", "--resume"]);
    did.exits(1).complains("small.shard-1-of-2: it belongs to another run (inputs (SHA-256): ");
    did.complains("seed: 7 then, 8 now");
    desk.run(&["merge", "shards/small.shard-1-of-2"]).exits(1).complains("1 shard is missing: 2/2");
    run(&desk, "shards", &["--shard", "2/2"]).exits(0);
    let merge = ["merge", "shards/small.shard-1-of-2", "shards/small.shard-2-of-2"];
    desk.run(&merge).exits(1).complains("it is no shard of the same run as shards/small.shard-1-of-2 (inputs");
    // Without --resume it begins afresh, and says so.
    run(&desk, "shards", &["--shard", "1/2"])
        .exits(0)
        .complains("200 replications of an unfinished run are thrown away");
    desk.run(&merge).exits(0);
    desk.write("sweep.toml", sweep().replace("seed = 7", "seed = 9"));
    desk.run(&merge).exits(1).complains("sweep.toml: the scenario, or a file that it names, has changed");
}

#[test]
fn wrong_shards_are_named() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    for (shard, why) in
        [("5/4", "there is no shard 5 of 4"), ("0/2", "there is no shard 0 of 2"), ("x", "expected a shard")]
    {
        desk.run(&["run", "small.toml", "--shard", shard]).exits(1).complains(why);
    }
    desk.run(&["run", "small.toml", "--shard", "1/2", "--point", "0"]).exits(1).complains("cannot be used with");
    let shard = |shard: &str, out: &str, more: &[&str]| {
        desk.run(&[&["run", "small.toml", "--shard", shard, "--out", out], more].concat()).exits(0);
    };
    shard("1/2", "a", &[]);
    shard("2/2", "a", &[]);
    shard("2/2", "b", &["--seed", "8"]);
    shard("1/3", "c", &[]);
    let merge = |folders: &[&str], why: &str| {
        desk.run(&[&["merge", "--out", "merged"], folders].concat()).exits(1).complains(why);
        assert!(!desk.path().join("merged").exists(), "nothing is written");
    };
    let (one, two) = ("a/small.shard-1-of-2", "a/small.shard-2-of-2");
    merge(&[one], "1 shard is missing: 2/2");
    merge(&[one, one, two], "shard 1/2 is given twice, also as a/small.shard-1-of-2");
    merge(&[one, "b/small.shard-2-of-2"], "seed: 7 there, 8 here");
    merge(&[one, two, "c/small.shard-1-of-3"], "c/small.shard-1-of-3: shard 1/3 does not belong to 2 shards");
    merge(&[one, "a"], "a: there is no unfinished work and no shard");
    let status = desk.run(&["status", "a", "c"]);
    status.exits(0);
    assert!(status.stdout.contains("small, shard 1/2: 3 replications are done, complete"), "{}", status.stdout);
    assert!(status.stdout.contains("small: not begun or not named: shard 2/3, 3/3"), "{}", status.stdout);
    // Another version's shards are another program's.
    let header = desk.read("a/small.shard-1-of-2/journal.json");
    desk.write("a/small.shard-1-of-2/journal.json", header.replace("\"outlast\": \"", "\"outlast\": \"9."));
    merge(&[one, two], "version of outlast: 9.");
}

/// Whoever comes second leaves what the first is making as it is.
#[test]
fn a_second_start_touches_nothing() {
    let desk = desk();
    run(&desk, "shards", &["--shard", "1/1"]).exits(0);
    let work = desk.path().join("out/small.partial/work");
    fs::create_dir_all(work.parent().unwrap()).unwrap();
    fs::rename(desk.path().join("shards/small.shard-1-of-1"), &work).unwrap();
    desk.write("out/small.partial/summary.csv", "being written");
    let first = outlast::journal::Journal::open(&work).unwrap();
    let before = desk.files("out");
    for more in [&[][..], &["--resume"]] {
        run(&desk, "out", more).exits(1).complains("another outlast is at work there");
        assert!(desk.files("out") == before, "nothing is removed: {more:?}");
    }
    drop(first);
    // What was begun and is not finished is no place for another result either.
    run(&desk, "shards", &["--shard", "1/1"]).exits(0);
    let merge = ["merge", "shards/small.shard-1-of-1", "--out", "out"];
    desk.run(&merge).exits(1).complains("the work of an unfinished run");
    assert!(desk.files("out") == before);
}

/// What is left of a journal that was being removed when the machine stopped is in nobody's way.
#[test]
fn the_rest_of_a_journal_is_none() {
    let desk = desk();
    for missing in ["facts", "rows", "journal.json"] {
        run(&desk, "shards", &["--shard", "1/200"]).exits(0);
        fs::remove_file(desk.path().join("shards/small.shard-1-of-200").join(missing)).unwrap();
        run(&desk, "shards", &["--shard", "1/200", "--resume"]).exits(0);
        run(&desk, "shards", &["--shard", "1/200"]).exits(0);
    }
}
