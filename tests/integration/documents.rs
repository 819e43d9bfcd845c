//! The documents: their links lead somewhere, and the scenario that the README shows is one.

use std::fs;
use std::path::{Path, PathBuf};

use outlast::scenario::{Overrides, load_text};

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// README, CHANGELOG and everything in `docs/`.
fn documents() -> Vec<PathBuf> {
    let folder = package().join("docs");
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut documents: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    documents.sort();
    documents.splice(0..0, ["README.md", "CHANGELOG.md"].map(|name| package().join(name)));
    documents
}

/// A text taken apart at its fences: the prose, and every block of code with the word behind its fence.
fn parts(text: &str) -> (String, Vec<(String, String)>) {
    let (mut prose, mut blocks) = (String::new(), Vec::new());
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language.trim().to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, block))) => *block += &format!("{line}\n"),
            (None, None) => prose += &format!("{line}\n"),
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    (prose, blocks)
}

/// What the links and images of a text lead to: `[text](target)`, `[name]: target`, `src="target"`, `href="target"`.
fn targets(prose: &str) -> Vec<&str> {
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '\n']).next());
    let defined = prose.lines().filter(|line| line.starts_with('[')).filter_map(|line| line.split_once("]: "));
    let html = ["src=\"", "href=\""].into_iter().flat_map(|before| prose.split(before).skip(1));
    inline
        .chain(defined.filter_map(|(_, target)| target.split_whitespace().next()))
        .chain(html.filter_map(|rest| rest.split('"').next()))
        .collect()
}

/// The path of a target that is a file of ours, without the place in it; `None` for other sites and for places in the
/// same document.
fn file(target: &str) -> Option<&str> {
    let path = target.split('#').next().unwrap_or_default();
    let is_elsewhere = path.contains("://") || path.starts_with("mailto:");
    (!path.is_empty() && !is_elsewhere).then_some(path)
}

#[test]
fn links_lead_to_files() {
    let root = package().canonicalize().expect("the repository");
    let (mut broken, mut followed) = (Vec::new(), 0);
    for document in documents() {
        let (prose, _) = parts(&read(&document));
        for path in targets(&prose).into_iter().filter_map(file) {
            followed += 1;
            let found = document.parent().expect("it lies in a folder").join(path).canonicalize();
            if !found.is_ok_and(|found| found.starts_with(&root) && found.is_file()) {
                broken.push(format!("{}: {path}", document.strip_prefix(package()).unwrap_or(&document).display()));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead to no file of the repository:\n{}", broken.join("\n"));
    assert!(followed > 0, "no link was found, and the README has some");
}

#[test]
fn the_scenario_of_the_readme_loads() {
    let (_, blocks) = parts(&read(&package().join("README.md")));
    let scenarios: Vec<&String> = blocks.iter().filter(|(word, _)| word == "toml").map(|(_, text)| text).collect();
    assert!(!scenarios.is_empty(), "the README shows a scenario");
    for text in scenarios {
        let study = load_text("README.md", text, package(), &Overrides::default())
            .unwrap_or_else(|issues| panic!("{issues}\n{text}"));
        assert!(!study.points.is_empty());
    }
}

#[test]
fn every_way_of_writing_a_link_is_found() {
    let text = "See [one](a.md) and ![two](b.png \"title\"), [over\nlines](c.md#place).\n\n[four]: d.md\n\
        <img src=\"e.png\"> [here](#place) [there](https://example.org/f.md)\n```toml\n[[x]](g.md)\n```\n";
    let (prose, blocks) = parts(text);
    let found: Vec<&str> = targets(&prose).into_iter().filter_map(file).collect();
    assert_eq!(found, ["a.md", "b.png", "c.md", "d.md", "e.png"]);
    assert_eq!(blocks, [("toml".to_owned(), "[[x]](g.md)\n".to_owned())]);
}
