//! Presets of a scenario's own, from the file to the results.

use crate::command::{Desk, SMALL};

#[test]
fn proposals_are_compared_by_name() {
    let desk = Desk::new();
    let presets = "[presets.today]\npreset = \"devstack\"\n[presets.shorter]\npreset = \"today\"\n\
        cloud.keystone.clock_offset = \"1s\"\n[presets.shorter.keystone.cache]\nenabled = false\n";
    let sweep = "[sweep]\npreset = [\"devstack\", \"today\", \"shorter\"]";
    let text = SMALL.replace("[sweep]", sweep).replacen("[run]", &format!("{presets}[run]"), 1);
    desk.write("small.toml", &text);
    desk.run(&["run", "small.toml", "--no-plots"]).exits(0);
    let table = desk.read("output/small/summary.csv");
    let rows = |point: &str, preset: &str| -> Vec<String> {
        let start = format!("small,{point},{preset},");
        table.lines().filter_map(|row| row.strip_prefix(&start)).map(str::to_owned).collect()
    };
    let (shipped, today) = ([rows("0", "devstack"), rows("1", "devstack")], [rows("2", "today"), rows("3", "today")]);
    assert!(shipped.iter().all(|rows| rows.len() == 2), "{table}");
    assert_eq!(shipped, today, "a preset that adds nothing is the one below it");
    assert_eq!(rows("5", "shorter").len(), 2, "{table}");
}

#[test]
fn a_preset_that_is_not_there_is_refused_with_the_nearest() {
    let desk = Desk::new();
    desk.write("small.toml", format!("preset = \"tody\"\n{SMALL}\n[presets.today]\npreset = \"devstack\"\n"));
    desk.run(&["run", "small.toml"]).exits(1).complains("unknown value `tody`").complains("did you mean `today`?");
    desk.write("small.toml", format!("{SMALL}\n[presets.a]\npreset = \"b\"\n[presets.b]\npreset = \"a\"\n"));
    desk.run(&["run", "small.toml"]).exits(1).complains("`presets.a` lies below itself: a over b over a");
}
