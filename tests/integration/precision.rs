//! Replications are added until the answer is as sure as asked for, and no more; or it is said that it is not.

use crate::command::{Desk, SMALL};

fn asking(precision: &str) -> String {
    SMALL.replace("replications = 3", &format!("replications = 3\nprecision = {{ {precision} }}"))
}

/// The cells of a column of summary.csv, in the rows `all`.
fn column(text: &str, name: &str) -> Vec<f64> {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (workload, cell) = (at("workload"), at(name));
    lines.filter(|row| row[workload] == "all").map(|row| row[cell].parse().unwrap()).collect()
}

#[test]
fn replications_are_added_until_it_is_sure() {
    let desk = Desk::new();
    desk.write("small.toml", asking("metric = \"failure_rate\", half_width = \"1%\", max_replications = 300"));
    desk.run(&["run", "small.toml", "--jobs", "--no-plots", "--threads", "1"]).exits(0);
    let text = desk.read("output/small/summary.csv");
    let used = column(&text, "replications");
    let (low, high) = (column(&text, "failure_rate_low"), column(&text, "failure_rate_high"));
    for point in 0..used.len() {
        assert!(high[point] - low[point] <= 0.02, "point {point}: {} to {}", low[point], high[point]);
        assert!(used[point] % 3.0 == 0.0, "in blocks of three: {used:?}");
    }
    assert!(used.iter().any(|used| *used > 3.0), "more than at first: {used:?}");
    assert_ne!(used[0], used[1], "each as many as it needs");
    // As many as that give what they give when they are asked for outright.
    let count = (used[0] as u32).to_string();
    desk.write("plain.toml", SMALL);
    desk.run(&["run", "plain.toml", "--no-plots", "--point", "0", "--replications", &count, "--out", "plain"]).exits(0);
    let row = |text: &str| text.lines().nth(1).map(str::to_owned);
    assert_eq!(row(&desk.read("plain/small/summary.csv")), row(&text));
    // Neither threads nor shards nor a second start move it.
    desk.run(&["run", "small.toml", "--jobs", "--no-plots", "--threads", "7", "--out", "seven"]).exits(0);
    assert_eq!(desk.read("seven/small/summary.csv"), text);
    assert!(desk.read("seven/small/jobs.csv") == desk.read("output/small/jobs.csv"));
    for shard in ["1/2", "2/2"] {
        desk.run(&["run", "small.toml", "--jobs", "--shard", shard, "--out", "shards"]).exits(0);
    }
    let folder = desk.path().join("shards/small.shard-1-of-2");
    let [facts, rows] = ["facts", "rows"].map(|name| std::fs::read(folder.join(name)).unwrap());
    for kept in [facts.len() / 3, facts.len() / 2, facts.len() * 9 / 10] {
        std::fs::write(folder.join("facts"), &facts[..kept]).unwrap();
        std::fs::write(folder.join("rows"), &rows).unwrap();
        desk.run(&["run", "small.toml", "--jobs", "--shard", "1/2", "--out", "shards", "--resume"]).exits(0);
        desk.run(&["merge", "shards/small.shard-1-of-2", "shards/small.shard-2-of-2", "--no-plots", "--out", "merged"])
            .exits(0);
        assert_eq!(desk.read("merged/small/summary.csv"), text);
        assert!(desk.read("merged/small/jobs.csv") == desk.read("output/small/jobs.csv"), "{kept} bytes kept");
    }
}

#[test]
fn what_cannot_be_reached_is_told() {
    let desk = Desk::new();
    desk.write("small.toml", asking("metric = \"duration_mean_s\", half_width = \"1s\", max_replications = 7"));
    let did = desk.run(&["run", "small.toml", "--no-plots"]);
    did.exits(0);
    let told = "the precision asked for (`duration_mean_s` to ±1 s) is not reached";
    assert!(did.stdout.contains(told), "{}", did.stdout);
    assert_eq!(column(&desk.read("output/small/summary.csv"), "replications"), [7.0, 7.0]);
    let check = desk.run(&["check", "small.toml", "--junit", "junit.xml"]);
    check.exits(2);
    assert!(check.stdout.contains("FAIL") && check.stdout.contains(told), "{}", check.stdout);
    assert!(desk.read("junit.xml").contains("precision of duration_mean_s"));
    desk.write("small.toml", asking("metric = \"failure_rate\", half_width = \"20%\""));
    desk.run(&["check", "small.toml"]).exits(0);
}

#[test]
fn a_precision_that_means_nothing_is_refused() {
    let desk = Desk::new();
    for (precision, why) in [
        ("metric = \"failure_rate\"", "`run.precision` needs `half_width`"),
        ("half_width = \"1%\"", "`run.precision` needs `metric`"),
        ("metric = \"duration_p99_s\", half_width = \"1s\"", "`run.precision.metric`: unknown value `duration_p99_s`"),
        ("metric = \"failure_rate\", half_width = 0", "`run.precision.half_width` must be greater than 0"),
        ("metric = \"failure_rate\", half_width = \"1s\"", "`run.precision.half_width` of `failure_rate`"),
        ("metric = \"failure_rate\", half_width = 0.1, workload = \"boot\"", "there is no workload `boot`"),
        (
            "metric = \"failure_rate\", half_width = 0.1, max_replications = 2",
            "`run.precision.max_replications` (2) is less than the 3 replications to begin with",
        ),
    ] {
        desk.write("small.toml", asking(precision));
        desk.run(&["run", "small.toml"]).exits(1).complains(why);
    }
    desk.write("small.toml", asking("metric = \"failure_rate\", half_width = 0.1"));
    desk.run(&["run", "small.toml", "--replications", "1"]).exits(1).complains("needs at least 2 replications");
}
