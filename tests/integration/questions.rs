//! `docs/QUESTIONS.md`: its commands run, end as they say, and give the answers that stand below them.

use std::fs;
use std::path::Path;

use crate::command::Desk;

const DOCUMENT: &str = include_str!("../../docs/QUESTIONS.md");

/// A command of the document.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    question: usize,
    command: String,
    code: i32,
    /// Lines of its answer; `…` stands for what is left out.
    answer: Vec<String>,
}

/// The commands of ```` ```console ```` blocks. A line `$ …` is a command, `[exit N]` its code if that is not 0, and
/// all others are lines of the answer.
fn asked(document: &str) -> Vec<Asked> {
    let (mut all, mut question, mut inside): (Vec<Asked>, usize, bool) = (Vec::new(), 0, false);
    let mut continued = false;
    for line in document.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let (false, Some(heading)) = (inside, line.strip_prefix("## ")) {
            let number = heading.split('.').next().and_then(|number| number.parse().ok());
            question = number.unwrap_or(question);
        } else if inside {
            let text = line.trim();
            if let Some(command) = text.strip_prefix("$ ") {
                all.push(Asked { question, command: command.to_owned(), code: 0, answer: Vec::new() });
            } else if let Some(asked) = all.last_mut() {
                match text.strip_prefix("[exit ").and_then(|rest| rest.strip_suffix(']')) {
                    _ if continued => asked.command.push_str(text),
                    Some(code) => asked.code = code.parse().expect("an exit code"),
                    None if !text.is_empty() && text != "…" => asked.answer.push(text.to_owned()),
                    None => {}
                }
            }
            let command = all.last_mut().filter(|_| inside);
            continued = command.is_some_and(|asked| {
                let more = asked.command.strip_suffix('\\').map(str::to_owned);
                more.map(|more| asked.command = more).is_some()
            });
        }
    }
    all
}

/// The words of a command, of which some are quoted.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('\'').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// Single spaces only.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line has all parts between the ellipses, in their order and in whole words; what has no ellipsis before
/// it is the beginning of the line, and what has none behind it the end.
fn agrees(line: &str, answer: &str) -> bool {
    let line: Vec<&str> = line.split_whitespace().collect();
    let parts: Vec<Vec<&str>> = answer.split('…').map(|part| part.split_whitespace().collect()).collect();
    let last = parts.len() - 1;
    let mut from = 0;
    for (index, part) in parts.iter().enumerate() {
        let mut starts = (from..=line.len()).filter(|at| line[*at..].starts_with(part));
        let found = match (index == 0, index == last) {
            (true, true) => (line == *part).then_some(0),
            (true, false) => line.starts_with(part).then_some(0),
            (false, true) => starts.rfind(|at| part.is_empty() || at + part.len() == line.len()),
            (false, false) => starts.min(),
        };
        let Some(at) = found else { return false };
        from = at + part.len();
    }
    true
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn every_question_is_answered_as_it_stands_there() {
    let desk = Desk::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), &desk.path().join("scenarios"));
    let asked = asked(DOCUMENT);
    let mut wrong = Vec::new();
    for Asked { question, command, code, answer } in &asked {
        let words = words(command);
        assert_eq!(words[0], "outlast", "question {question}");
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let did = desk.run(&arguments);
        if did.code != Some(*code) {
            wrong.push(format!("{question}: `{command}` ends with {:?}, not {code}:\n{}", did.code, did.stderr));
        }
        let lines: Vec<String> = did.stdout.lines().map(plain).collect();
        for line in answer.iter().filter(|line| !lines.iter().any(|found| agrees(found, line))) {
            wrong.push(format!("{question}: `{line}` is no answer of `{command}`:\n{}", did.stdout));
        }
        assert!(!answer.is_empty(), "question {question}: `{command}` has no answer");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let mut questions: Vec<usize> = asked.iter().map(|asked| asked.question).collect();
    questions.dedup();
    assert_eq!(questions, (1..=15).collect::<Vec<_>>());
}

#[test]
fn commands_are_read_off_the_document() {
    let text =
        "## 3. What?\n\n```console\n$ outlast one 'a b' \\\n    c\n[exit 2]\n…\nx  …  y\n```\n\n```toml\n$ not\n```\n";
    let found = asked(text);
    let expected =
        Asked { question: 3, command: "outlast one 'a b' c".to_owned(), code: 2, answer: vec!["x  …  y".to_owned()] };
    assert_eq!(found, [expected]);
    assert_eq!(words(&found[0].command), ["outlast", "one", "a b", "c"]);
}

/// A number that is wrong is no answer, whatever its digits have in common with the right one.
#[test]
fn answers_are_whole_words() {
    for (line, answer, expected) in [
        ("x is y", "x  …  y", true),
        ("y is x", "x … y", false),
        ("so x is y", "x … y", false),
        ("so x is y", "… x … y", true),
        ("x is y now", "x … y", false),
        ("x is y now", "x … y …", true),
        ("1 true 120 0 % 9", "1 true … 0 % …", true),
        ("1 true 120 100 % 9", "1 true … 0 % …", false),
        ("1 true 120 40 % 9", "1 true … 0 % …", false),
        ("11 true 120 0 % 9", "1 true … 0 % …", false),
        ("meets 5 h 48 min 0.049 %", "meets 5 h 48 min 0.049 %", true),
        ("meets 5 h 48 min 0.0491 %", "meets 5 h 48 min 0.049 %", false),
        ("0 a 0 %", "… 0 %", true),
        ("0 % a 10 %", "… 0 %", false),
    ] {
        assert_eq!(agrees(line, answer), expected, "{line:?}, {answer:?}");
    }
}
