use std::path::Path;

use super::*;
use crate::lint::{Lint, lint};
use crate::scenario::{ToLint, preset_to_lint, presets, text_to_lint};

fn with<T>(read: &ToLint, keys_table: bool, render: impl Fn(Linted<'_>) -> T) -> T {
    let report = lint(&read.study, &read.places);
    render(Linted { origin: Origin::Preset, study: &read.study, report: &report, keys_table })
}

#[test]
fn tables_fit_on_a_terminal_and_every_finding_is_told() {
    for preset in presets() {
        let read = preset_to_lint(preset.name).unwrap();
        let text = with(&read, true, |linted| text::render(linted, false));
        let is_free = |line: &&str| {
            ["error", "warning", "note"].iter().any(|word| line.starts_with(word)) || line.contains("= help: ")
        };
        for line in text.lines().filter(|line| !is_free(line)) {
            assert!(line.chars().count() <= 110, "{}: {line}", preset.name);
        }
        for line in text.lines().filter(|line| line.starts_with("  ") && line.contains("  nova")) {
            assert!(line.chars().count() <= 100, "{}: {line}", preset.name);
        }
        let told = with(&read, true, |linted| {
            let found = &linted.report.findings;
            found.iter().all(|finding| text.contains(&finding.what) && text.contains(finding.lint.code()))
        });
        assert!(told, "{}:\n{text}", preset.name);
        assert!(!text.contains('\u{1b}') && with(&read, true, |linted| text::render(linted, true)).contains('\u{1b}'));
    }
}

#[test]
fn a_rule_is_told_once_and_variants_in_a_line_each() {
    let sweep = "name = \"x\"\ncloud.fernet_rotation.every = \"1h\"\n[sweep]\n\
                 \"keystone.token.expiration\" = [\"2h\", \"3h\", \"4h\", \"5h\", \"6h\", \"7h\", \"8h\"]\n";
    let read = text_to_lint("x.toml", sweep, Path::new("")).unwrap_or_else(|issues| panic!("{issues}"));
    let text = with(&read, false, |linted| text::render(linted, false));
    let count = |part: &str| text.matches(part).count();
    assert_eq!((count("error[OUT-K001]"), count("= note: also: keys live 1 h, but")), (1, 4), "{text}");
    assert_eq!(count("= note: and 2 more like it: see `--format json`"), 2, "of keys and exposure: {text}");
    assert_eq!(count("max(max_active_keys - 2, 0) + 1"), 1, "{text}");
    assert!(text.contains("--> x.toml:4:31\n"), "the sweep decides: {text}");
}

#[test]
fn a_place_that_is_long_or_odd_is_shown() {
    let long =
        format!("name = \"x\"\nkeystone.token = {{ provider = \"fernet\", expiration = 60 }} # {}\n", "é".repeat(400));
    let read = text_to_lint("x.toml", &long, Path::new("")).unwrap_or_else(|issues| panic!("{issues}"));
    let text = with(&read, false, |linted| text::render(linted, false));
    assert!(text.contains("warning[OUT-W002]") && text.contains("x.toml:2:54"), "{text}");
}

#[test]
fn markdown_escapes_what_would_be_markup() {
    let read = preset_to_lint("puppet-keystone").unwrap();
    let text = with(&read, false, markdown::render);
    assert!(text.contains("max\\_active\\_keys - 2"), "{text}");
    assert!(text.contains("`keystone.fernet_tokens.max_active_keys = 5`"), "{text}");
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        match (line.starts_with('|'), blocks.last_mut()) {
            (true, Some(block)) => block.push(line),
            (true, None) => blocks.push(vec![line]),
            (false, _) => blocks.push(Vec::new()),
        }
    }
    for block in blocks {
        assert!(block.windows(2).all(|pair| cells(pair[0]) == cells(pair[1])), "{block:#?}");
    }
    assert!(text.contains(Lint::KeysDieInWindow.code()));
}
