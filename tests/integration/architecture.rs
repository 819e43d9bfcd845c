//! Who may import whom: the one table, and the check that reads every source file against it as text.
//!
//! Text is enough because imports between rooms are always written from the root of the crate (`crate::…`, or
//! `outlast::…` in `main.rs`); climbing there with `super` is found too. Test code may import more: what stands behind
//! `#[cfg(test)]` is not looked at. docs/ARCHITECTURE.md gives the reasons for the rows.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Every room and what it may import: a whole room, or only what lies at or below a path.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("stats", &[]),
    ("document", &[]),
    ("engine", &["units"]),
    ("random", &["units"]),
    ("model", &["units", "random"]),
    ("identity", &["units", "model::vocabulary"]),
    ("jobs", &["units", "model", "document"]),
    ("observe", &["units", "model"]),
    ("cloud", &["units", "engine", "random", "model", "identity", "observe"]),
    ("experiment", &["units", "model", "observe", "cloud"]),
    ("journal", &["observe"]),
    ("analysis", &["units", "model", "observe", "stats"]),
    ("lint", &["units", "random::Dist", "model", "identity"]),
    ("report", &["units", "model", "jobs::Names", "jobs::definition", "observe", "analysis", "lint"]),
    ("scenario", &["units", "random", "model", "identity::defaults", "jobs", "document"]),
    ("oslo", &["document"]),
    ("import", &["units", "document", "model::Places", "model::Written", "identity::defaults", "oslo", "scenario"]),
    (
        "cli",
        &[
            "units",
            "document",
            "oslo::File",
            "import",
            "model",
            "scenario",
            "experiment",
            "journal",
            "cloud::Records",
            "observe",
            "analysis",
            "lint",
            "report",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Words that only these rooms may use.
const RESERVED: &[(&str, &[&str])] = &[
    ("std::fs", &["document", "scenario", "journal", "report", "cli"]),
    ("std::io", &["document", "scenario", "journal", "report", "cli"]),
    ("std::env", &["cli"]),
    ("std::time::Instant", &["report", "cli"]),
    ("std::thread", &["cli"]),
    ("rayon", &["experiment"]),
    ("serde", &["scenario", "observe", "journal", "report", "cli"]),
    ("println!", &["cli"]),
];

/// More lines than this are allowed only to the tables listed below.
const MOST_LINES: usize = 600;
const LONG_TABLES: &[&str] = &[];

/// A module path below the root of the crate, and the line that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    line: usize,
    path: String,
}

/// Something that the tables do not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Violation {
    file: String,
    line: usize,
    room: String,
    what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: room `{}` must not {}", self.file, self.line, self.room, self.what)
    }
}

/// The modules that a file below `src` is: `cloud/driver.rs` is [cloud, driver], `cloud/mod.rs` and `units.rs` are one.
fn modules(file: &str) -> Vec<&str> {
    let mut modules: Vec<&str> = file.strip_suffix(".rs").unwrap_or(file).split('/').collect();
    if modules.last() == Some(&"mod") {
        modules.pop();
    }
    modules
}

/// The text with comments and test code blanked out; lines keep their numbers.
///
/// Test code is what a `#[cfg(test)]` stands before: up to the semicolon of `mod tests;` or of a `use`; to the end of
/// the file from a module with a body, for tests stand at the foot; of any other item to the brace that closes it,
/// which the formatter puts under its beginning.
fn production(text: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let code = line.split("//").next().unwrap_or_default();
        if code.trim() != "#[cfg(test)]" {
            kept.push(code);
            continue;
        }
        kept.push("");
        let close = format!("{}}}", &code[..code.len() - code.trim_start().len()]);
        let mut is_open = false;
        let mut is_module = false;
        for line in lines.by_ref() {
            kept.push("");
            if !is_open {
                is_open = line.trim_end().ends_with('{');
                is_module = is_open && line.split_whitespace().any(|word| word == "mod");
                if !is_open && line.trim_end().ends_with(';') {
                    break;
                }
            } else if !is_module && line.trim_end() == close {
                break;
            }
        }
    }
    kept.join("\n")
}

/// The names of the modules in files of their own that only tests have.
fn test_modules(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").map(|pair| pair[1]);
    declared.filter_map(|declaration| Some(declaration.strip_suffix(';')?.rsplit_once("mod ")?.1)).collect()
}

/// The paths of a use tree (`a::{b, c::{self, d}}`), or the one of an expression; ends where the path ends.
fn paths(tree: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '*');
    let end = tree.find(|c| !is_path(c)).unwrap_or(tree.len());
    let (head, rest) = tree.split_at(end);
    let Some(group) = rest.strip_prefix('{') else { return vec![head.trim_end_matches(':').to_owned()] };
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let item = group[start..at].trim();
                if item == "self" {
                    found.push(head.trim_end_matches(':').to_owned());
                } else if !item.is_empty() {
                    found.extend(paths(item).into_iter().map(|path| format!("{head}{path}")));
                }
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

/// Everything that a file names from the root of the crate, by `crate::` or by climbing there.
fn imports(file: &str, text: &str) -> Vec<Import> {
    let depth = modules(file).len();
    let root = if file == "main.rs" { "outlast::" } else { "crate::" };
    let begins_word = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':'));
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    let mut found = Vec::new();
    let mut add = |at: usize, tree: &str| {
        found.extend(paths(tree).into_iter().map(|path| Import { line: line_of(at), path }));
    };
    for (at, _) in text.match_indices(root).filter(|(at, _)| begins_word(*at)) {
        add(at, &text[at + root.len()..]);
    }
    for (at, _) in text.match_indices("super::").filter(|(at, _)| begins_word(*at)) {
        let mut rest = &text[at..];
        let mut climbed = 0;
        while let Some(above) = rest.strip_prefix("super::") {
            rest = above;
            climbed += 1;
        }
        if climbed >= depth {
            add(at, rest);
        }
    }
    found
}

/// What is wrong with the imports of one file, given as its path below `src` and its text.
fn check(file: &str, text: &str) -> Vec<Violation> {
    let room = modules(file)[0];
    let violation = |line, what| Violation { file: format!("src/{file}"), line, room: room.to_owned(), what };
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
        return vec![violation(1, "be without a row in the table of tests/integration/architecture.rs".to_owned())];
    };
    let text = production(text);
    let is_below =
        |path: &str, above: &str| path.strip_prefix(above).is_some_and(|r| r.is_empty() || r.starts_with(':'));
    let mut violations = Vec::new();
    for Import { line, path } in imports(file, &text) {
        let imported = path.split("::").next().unwrap_or_default();
        if imported != room && !allowed.iter().any(|above| is_below(&path, above)) {
            violations.push(violation(line, format!("import room `{imported}` (`{path}`)")));
        }
    }
    for (word, rooms) in RESERVED.iter().filter(|(_, rooms)| !rooms.contains(&room)) {
        for (at, _) in text.match_indices(word) {
            let line = text[..at].matches('\n').count() + 1;
            violations.push(violation(line, format!("use `{word}`, which only {} may", rooms.join(", "))));
        }
    }
    violations
}

/// Every `.rs` file below a folder, as its path from there with `/`, in order.
fn sources(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
        for entry in entries {
            let path = entry.unwrap_or_else(|error| panic!("{}: {error}", next.display())).path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let below = path.strip_prefix(folder).expect("it lies below the folder");
                let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                found.insert(parts.join("/"));
            }
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn fail_with(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn rooms_import_only_what_they_may() {
    let folder = package().join("src");
    let files = sources(&folder);
    assert!(files.contains("cloud/mod.rs") && files.contains("lib.rs"), "the sources are not where they were");
    let texts: Vec<(&String, String)> = files.iter().map(|file| (file, read(&folder.join(file)))).collect();
    let mut of_tests = Vec::new();
    for (file, text) in &texts {
        let above = modules(file).join("/");
        of_tests.extend(test_modules(text).into_iter().map(|name| format!("{above}/{name}")));
    }
    let is_of_tests = |file: &str| {
        let modules = modules(file).join("/");
        of_tests.iter().any(|module| modules == *module || modules.starts_with(&format!("{module}/")))
    };
    let violations: Vec<String> = texts
        .iter()
        .filter(|(file, _)| !is_of_tests(file))
        .flat_map(|(file, text)| check(file, text))
        .map(|violation| violation.to_string())
        .collect();
    fail_with(&violations);
}

#[test]
fn the_table_has_no_circle() {
    // A room is settled once all that it imports is; rooms on a circle never are.
    let mut settled = BTreeSet::new();
    while let Some((room, _)) = MAY_IMPORT.iter().find(|(room, allowed)| {
        let is_settled = |path: &&str| settled.contains(path.split("::").next().unwrap_or_default());
        !settled.contains(room) && allowed.iter().all(is_settled)
    }) {
        settled.insert(*room);
    }
    let left: Vec<&str> = MAY_IMPORT.iter().map(|(room, _)| *room).filter(|room| !settled.contains(room)).collect();
    assert!(left.is_empty(), "these import each other, or what has no row: {left:?}");
}

#[test]
fn no_file_is_too_long() {
    let mut violations = Vec::new();
    for folder in ["src", "tests"] {
        for file in sources(&package().join(folder)) {
            let lines = read(&package().join(folder).join(&file)).lines().count();
            if lines > MOST_LINES && !LONG_TABLES.contains(&format!("{folder}/{file}").as_str()) {
                violations.push(format!("{folder}/{file}: {lines} lines, and at most {MOST_LINES} are allowed"));
            }
        }
    }
    fail_with(&violations);
}

mod the_check_itself {
    use super::*;

    fn found(file: &str, text: &str) -> Vec<String> {
        check(file, text).iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_wrong_import_is_named_with_file_line_and_both_rooms() {
        let text = "//! A sentence.\n\nuse crate::units::Span;\nuse crate::report::csv;\n";
        let expected = ["src/cloud/job.rs:4: room `cloud` must not import room `report` (`report::csv`)"];
        assert_eq!(found("cloud/job.rs", text), expected);
    }

    #[test]
    fn every_way_of_writing_an_import_is_found() {
        let cases = [
            ("a path", "engine/mod.rs", "use crate::cloud::simulate;", "1 cloud::simulate"),
            ("an expression", "engine/mod.rs", "let x = crate::cloud::simulate(1);", "1 cloud::simulate"),
            ("a visible one", "engine/mod.rs", "pub(crate) use crate::cloud;", "1 cloud"),
            (
                "a group",
                "engine/mod.rs",
                "use crate::{units::Span, cloud::{self, job::Job}};",
                "1 cloud, 1 cloud::job::Job",
            ),
            ("over lines", "engine/mod.rs", "use crate::{\n    units,\n    model::Model,\n};", "1 model::Model"),
            ("everything", "engine/mod.rs", "use crate::*;", "1 *"),
            ("climbing", "engine/queue.rs", "\nuse super::super::cloud::Event;", "2 cloud::Event"),
            ("climbing from a file of its own", "experiment.rs", "use super::report;", "1 report"),
            ("climbing in a group", "engine/queue.rs", "use super::super::{units::Span, jobs};", "1 jobs"),
            ("not climbing out", "random/dist.rs", "use super::stream::Stream;", ""),
            ("its own room", "engine/queue.rs", "use crate::engine::World;", ""),
            (
                "part of a room",
                "identity/request.rs",
                "use crate::model::{vocabulary::Reason, Model};",
                "1 model::Model",
            ),
            (
                "a like name",
                "scenario/keys.rs",
                "use crate::identity::{defaults, defaults_of};",
                "1 identity::defaults_of",
            ),
            ("another word", "engine/mod.rs", "use my_crate::cloud;", ""),
            ("a comment", "engine/mod.rs", "/// See [`crate::cloud`].", ""),
            ("the binary", "main.rs", "use outlast::scenario;\nfn main() { outlast::cli::run() }", "1 scenario"),
        ];
        for (case, file, text, expected) in cases {
            let room = modules(file)[0];
            let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == room).unwrap().1;
            let wrong: Vec<String> = check(file, text)
                .iter()
                .map(|wrong| format!("{} {}", wrong.line, wrong.what.split('`').nth(3).unwrap()))
                .collect();
            assert_eq!(wrong.join(", "), expected, "{case}; allowed: {allowed:?}");
        }
    }

    #[test]
    fn test_code_is_not_looked_at_and_what_follows_is() {
        let text = "#[cfg(test)]\nmod tests;\n#[cfg(test)]\npub(crate) mod fixture;\nuse crate::cloud;\n\
            #[cfg(test)]\nfn helper() {\n    crate::jobs::x();\n}\nuse crate::report;\n\
            #[cfg(test)]\nmod inner {\n    use crate::jobs;\n}\nuse crate::scenario;\n";
        let lines: Vec<usize> = check("engine/mod.rs", text).iter().map(|violation| violation.line).collect();
        assert_eq!(lines, [5, 10]);
        assert_eq!(test_modules(text), ["tests", "fixture"]);
    }

    #[test]
    fn reserved_words_and_rooms_without_a_row_are_named() {
        let expected = [
            "src/cloud/mod.rs:2: room `cloud` must not use `std::fs`, which only document, scenario, journal, report, cli may",
        ];
        assert_eq!(found("cloud/mod.rs", "\nuse std::fs::File;"), expected);
        assert_eq!(found("cellar.rs", "").len(), 1, "a room without a row");
    }
}
