//! Bad scenarios: every problem of each with its line and column, how they look, and that nothing panics.

use std::fs;

use proptest::prelude::*;

use super::*;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scenario/tests/bad.txt");

/// Each block of the table is what stands between a name and a plain workload, and after `=>` the problems.
/// `OUTLAST_RENEW=1 cargo test --lib scenario` rewrites the problems; read the difference before you keep it.
#[test]
fn every_problem_at_its_place() {
    let table = fs::read_to_string(TABLE).unwrap();
    let mut renewed = Vec::new();
    for block in table.trim_end().split("\n----\n") {
        let (text, _) = block.split_once("\n=>").expect("a block has problems");
        let issues = read(&around(text)).expect_err(text);
        assert!(!issues.render(true).is_empty());
        renewed.push(format!("{text}\n=>\n{}", issues.lines().join("\n")));
    }
    let renewed = renewed.join("\n----\n") + "\n";
    if std::env::var_os("OUTLAST_RENEW").is_some() {
        fs::write(TABLE, &renewed).unwrap();
    }
    let table = fs::read_to_string(TABLE).unwrap();
    for (stored, found) in table.split("\n----\n").zip(renewed.split("\n----\n")) {
        assert_eq!(stored.trim_end(), found.trim_end());
    }
}

#[test]
fn problems_look_like_those_of_the_compiler() {
    let text = "[run]\nduration = \"1h\"\nwarm_up = \"2h\"\n[keystone.token]\nexpiratoin = 3\n";
    let issues = read(&around(text)).expect_err("two problems");
    assert_eq!(issues.len(), 2);
    let expected = "\
error: `run.warm_up` (2h) must be less than `run.duration` (1h)
 --> t.toml:4:11
  |
3 | duration = \"1h\"
  |            ---- against this
4 | warm_up = \"2h\"
  |           ^^^^

error: unknown key `keystone.token.expiratoin`
 --> t.toml:6:1
  |
6 | expiratoin = 3
  | ^^^^^^^^^^
  |
  = help: did you mean `keystone.token.expiration`?";
    assert_eq!(issues.to_string(), expected);
}

#[test]
fn what_is_missing_is_said() {
    for (text, lines) in [
        (
            "",
            [
                "t.toml:1:1: there is no `[[workload]]`, and without one there are no jobs",
                "t.toml:1:1: `name` is missing",
            ],
        ),
        (
            "\u{feff}# é\n",
            [
                "t.toml:1:1: there is no `[[workload]]`, and without one there are no jobs",
                "t.toml:1:1: `name` is missing",
            ],
        ),
    ] {
        let issues = read(text).expect_err("nothing in it");
        let mut found = issues.lines();
        found.sort();
        let mut lines = lines.to_vec();
        lines.sort_unstable();
        assert_eq!(found, lines);
        assert!(!issues.render(false).is_empty());
    }
}

#[test]
fn names_are_safe_as_folders() {
    let long = "x".repeat(101);
    for (name, message) in [
        ("", "must not be empty"),
        ("..", "must not begin with `.`, because it names a folder"),
        ("a b", "must not contain ' ', because it names a folder"),
        ("a/b", "must not contain '/', because it names a folder"),
        ("é", "must not contain 'é', because it names a folder"),
        (long.as_str(), "is longer than 100 characters"),
    ] {
        let issues = read(&format!("name = \"{name}\"{WORKLOAD}")).expect_err(name);
        assert_eq!(issues.lines(), [format!("t.toml:1:8: `name`: {message}")]);
    }
}

#[test]
fn columns_count_characters() {
    let issues = read(&around("description = \"é漢\" # é\nrun = { sed = 1, \"é\" = 2, drain = 3 }")).expect_err("bad");
    assert_eq!(
        issues.lines(),
        [
            "t.toml:3:9: unknown key `run.sed`",
            "t.toml:3:18: unknown key `run.é`",
            "t.toml:3:35: `run.drain`: write a unit, e.g. \"40s\"",
        ]
    );
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("latin.toml"), b"name = \"caf\xe9\"\n").unwrap();
    fs::write(path("loop.toml"), "include = [\"other.toml\"]\n").unwrap();
    fs::write(path("other.toml"), "include = [\"./loop.toml\"]\n").unwrap();
    fs::write(path("broken.toml"), "include = [\"syntax.toml\", \"none.toml\"]\n").unwrap();
    fs::write(path("syntax.toml"), "a = \nb = \n").unwrap();
    let large = fs::File::create(path("large.toml")).unwrap();
    large.set_len((16 << 20) + 1).unwrap();
    let shown = |name: &str| path(name).display().to_string();
    let lines = |name: &str| load(&path(name), &Overrides::default()).expect_err(name).lines();
    assert_eq!(lines("none.toml"), [format!("no such file: `{}`", shown("none.toml"))]);
    assert_eq!(lines(""), [format!("`{}` is a folder, expected a file", shown(""))]);
    assert_eq!(
        lines("latin.toml"),
        [format!("`{}` is not UTF-8 text: the byte at offset 11 is wrong", shown("latin.toml"))]
    );
    assert_eq!(lines("large.toml"), [format!("`{}` is larger than 16 MiB, the limit", shown("large.toml"))]);
    assert_eq!(
        lines("loop.toml"),
        [format!("{}:1:12: `include`: `./loop.toml` includes itself, directly or through others", shown("other.toml"))]
    );
    let found = lines("broken.toml");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].ends_with(&format!("broken.toml:1:27: `include`: no such file: `{}`", shown("none.toml"))));
    assert!(found[1].contains("syntax.toml:1:5: not TOML: "), "{found:?}");
}

/// Every key of the table, and those of the built-in job kinds.
fn paths() -> Vec<String> {
    let quantities = crate::jobs::builtins().iter().flat_map(|definition| &definition.kind.quantities);
    let quantities = quantities.map(|quantity| format!("workload.{}", quantity.name));
    keys::KEYS.iter().map(|key| key.path.to_owned()).chain(quantities).collect()
}

/// A key that is in the table and read nowhere would be accepted and mean nothing.
#[test]
fn every_key_is_read() {
    for path in paths() {
        let path = path.as_str();
        let text = match path.split_once('.') {
            Some(("service", "name")) => format!("[[service]]\nname = 1979-05-27\n{WORKLOAD}"),
            Some(("service", key)) => format!("[[service]]\nname = \"trove\"\n{key} = 1979-05-27\n{WORKLOAD}"),
            Some(("workload", "job")) => "[[workload]]\njob = 1979-05-27\n".to_owned(),
            Some(("workload", name)) => {
                let mut kinds = crate::jobs::builtins().iter().map(|definition| &definition.kind);
                let drawing = kinds.find(|kind| kind.quantity(name).is_some());
                let kind = drawing.map_or("boot-from-volume", |kind| &kind.name);
                format!("[[workload]]\njob = \"{kind}\"\n{name} = 1979-05-27\n")
            }
            Some(("change", name)) => format!("[[change]]\n{name} = 1979-05-27\n{WORKLOAD}"),
            Some(("link", name)) => format!("[[link]]\n{name} = 1979-05-27\n{WORKLOAD}"),
            Some(("expect", name)) => format!("[[expect]]\nmetric = \"failed\"\n{name} = 1979-05-27\n"),
            Some(("run", "precision.half_width")) => {
                format!("run.precision = {{ metric = \"failure_rate\", half_width = 1979-05-27 }}\n{WORKLOAD}")
            }
            Some(_) | None => format!("{path} = 1979-05-27\n{WORKLOAD}"),
        };
        let text = text.replace("metric = \"failed\"\nmetric", "metric");
        let issues = read(&text).expect_err(path);
        let last = path.rsplit('.').next().unwrap_or(path);
        let named =
            |line: &String| line.contains(&format!("{last}`")) && !line.contains("unknown") && !line.contains("needs");
        assert!(issues.lines().iter().any(named), "{path}: {:?}", issues.lines());
    }
}

#[test]
fn overrides_are_checked() {
    for (count, message) in
        [(0, "`--replications` must be at least 1"), (1_000_001, "`--replications` must not exceed 1000000")]
    {
        let overrides = Overrides { seed: None, replications: Some(count) };
        let issues = load_text("t.toml", &around(""), Path::new(""), &overrides).expect_err(message);
        assert_eq!(issues.lines(), [message]);
    }
}

#[test]
fn a_thousand_problems_are_counted() {
    let values: Vec<String> = (0..1000).map(|n| format!("\"{n}x\"")).collect();
    let issues = read(&around(&format!("[sweep]\n\"run.drain\" = [{}]", values.join(",")))).expect_err("all bad");
    assert_eq!(issues.len(), 1000);
    assert!(issues.render(false).ends_with("… and 900 more problems"));
}

/// Pieces that a file may be made of, so that random texts get past the parser.
fn piece() -> impl Strategy<Value = String> {
    let keys = paths().iter().map(|path| path.replace("workload.", "workload.boot-from-volume.")).collect::<Vec<_>>();
    let values = vec![
        "1",
        "-1",
        "0",
        "1e400",
        "nan",
        "inf",
        "true",
        "\"1h\"",
        "\"-1h\"",
        "\"8GiB\"",
        "\"\"",
        "[]",
        "[[]]",
        "{}",
        "[1, \"x\"]",
        "{ exponential = { mean = \"1s\" } }",
        "{ renewing = \"1s\" }",
        "{ mix = [[1, {}]] }",
        "{ poisson = \"1/h\" }",
        "{ daily = [\"1/h\", 2, []] }",
        "{ burst = { at = \"1h\", jobs = 3, over = \"0s\" } }",
        "{ trace = \"Cargo.toml\" }",
        "{ empirical = \"Cargo.toml\" }",
        "1979-05-27",
        "\"kolla-ansible\"",
        "99999999999999999999",
        "[\"1h\", 3600]",
        "{ \"keystone.token.expiration\" = [1, 2] }",
        "\"é\u{202e}\u{7}\"",
    ];
    prop_oneof![
        (prop::sample::select(keys), prop::sample::select(values))
            .prop_map(|(key, value)| format!("{key} = {value}\n")),
        "[a-z\\[\\]=\"'#{}é ,.0-9\n]{0,12}".prop_map(|text| format!("{text}\n")),
        Just("[sweep]\n".to_owned()),
        Just("[[expect]]\nmetric = \"failed\"\n".to_owned()),
        Just("[[workload]]\n".to_owned()),
    ]
}

proptest! {
    /// Whatever is written: an answer, never a panic, and every problem can be shown.
    #[test]
    fn nothing_panics(pieces in prop::collection::vec(piece(), 0..6)) {
        let text = around(&pieces.concat());
        if let Err(issues) = read(&text) {
            prop_assert!(issues.len() > 0);
            prop_assert!(!issues.render(true).is_empty());
            prop_assert_eq!(issues.lines().len(), issues.len());
        }
    }
}
