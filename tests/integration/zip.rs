//! Keys that go together, from the file to the results.

use crate::command::{Desk, SMALL};

/// The small scenario with its grid, and a zip behind it.
fn zipped(zip: &str) -> String {
    format!("{SMALL}\n[[sweep.zip]]\n{zip}\n")
}

#[test]
fn a_zip_is_one_axis_with_a_column_for_each_key() {
    let desk = Desk::new();
    let zip =
        "keystone.token.expiration = [\"20m\", \"20m\", \"2h\"]\nkeystone.fernet_tokens.max_active_keys = [3, 4, 3]";
    let expect = "[[expect]]\nmetric = \"jobs\"\nmin = 1\n\
        where = { keystone.token.expiration = \"20m\", keystone.fernet_tokens.max_active_keys = [3, 4] }";
    desk.write("small.toml", format!("{}\n{expect}\n", zipped(zip)));
    let did = desk.run(&["run", "small.toml", "--replications", "2"]);
    did.exits(0);
    let table = desk.read("output/small/summary.csv");
    let cells: Vec<String> =
        table.lines().step_by(2).map(|row| row.split(',').skip(1).take(4).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "point cinder.service_user.send_service_user_token keystone.token.expiration_s keystone.fernet_tokens.max_active_keys",
        "0 false 1200 3",
        "1 false 1200 4",
        "2 false 7200 3",
        "3 true 1200 3",
        "4 true 1200 4",
        "5 true 7200 3",
    ];
    assert_eq!(cells, expected.map(str::to_owned));
    let manifest = desk.read("output/small/run.json");
    assert_eq!(manifest.matches("\"zip\": 0").count(), 2, "{manifest}");
    let names: Vec<String> = desk.files("output/small").into_iter().map(|(name, _)| name).collect();
    for name in ["rate_by_expiration.svg", "heatmap_send_service_user_token_by_expiration.png"] {
        assert!(names.contains(&format!("output/small/{name}")), "{names:?}");
    }
    // Point 4 by itself gives the same row.
    let all: Vec<String> = table.lines().filter(|row| row.starts_with("small,4,")).map(str::to_owned).collect();
    desk.run(&["run", "small.toml", "--replications", "2", "--no-plots", "--point", "4"]).exits(0);
    let alone = desk.read("output/small/summary.csv");
    assert_eq!(alone.lines().skip(1).collect::<Vec<_>>(), all);
}

#[test]
fn lists_of_unequal_length_are_shown_both() {
    let desk = Desk::new();
    desk.write(
        "small.toml",
        zipped("\"keystone.token.expiration\" = [\"20m\", \"1h\"]\n\"keystone.fernet_tokens.max_active_keys\" = [3]"),
    );
    let did = desk.run(&["run", "small.toml"]);
    did.exits(1).complains("has 1 value and `keystone.token.expiration` of the same zip 2 values");
    did.complains("lists that go together have one length").complains("^^^").complains("--- 2 values");
    assert!(desk.files("output").is_empty());
}
