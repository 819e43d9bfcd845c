//! The file rules of oslo.config against what oslo.config 10.7.0 answered: `tests/data/oslo/cases.json`, which
//! `record.py` beside it describes and renews. `OUTLAST_OSLO_CASES` names another file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use outlast::document::Sources;
use outlast::oslo::{DEFAULT, File, Namespace, Opt, Problems, Reading, Type, Value};
use serde_json::Value as Json;

fn cases() -> Vec<Json> {
    let kept = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/oslo/cases.json");
    let path = std::env::var_os("OUTLAST_OSLO_CASES").map_or_else(kept, PathBuf::from);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("a list of cases")
}

/// The options of `record.py`.
fn options() -> Vec<Opt> {
    let opt = |section: &str, name: &str, kind, default| Opt {
        section: section.to_owned(),
        name: name.to_owned(),
        deprecated: Vec::new(),
        kind,
        default,
    };
    let from = |min| Type::Integer { min, max: i128::from(i64::MAX) };
    let any = Type::Integer { min: i128::MIN, max: i128::MAX };
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    let old = |section: &str, name: &str| (section.to_owned(), name.to_owned());
    vec![
        opt(DEFAULT, "retries", Type::Integer { min: 0, max: i128::MAX }, Some(Value::Integer(60))),
        opt(DEFAULT, "driver", Type::Multi, None),
        opt(DEFAULT, "stores", Type::Pairs, None),
        opt(DEFAULT, "level", Type::Choice(vec!["low", "high"]), text("low")),
        opt("token", "expiration", from(0), Some(Value::Integer(3_600))),
        opt("token", "cache_time", any, None),
        opt("token", "provider", Type::Text, text("fernet")),
        opt("token", "caching", Type::Flag, Some(Value::Flag(true))),
        opt("auth", "roles", Type::List, Some(Value::List(vec!["service".to_owned()]))),
        Opt {
            // A name of its own argument comes behind those of the list.
            deprecated: vec![old(DEFAULT, "servers"), old("auth", "old_servers")],
            ..opt("auth", "servers", Type::List, None)
        },
    ]
}

/// A text of the record as outlast keeps it: without the words of comments, which may be secrets.
fn without_comments(text: &str) -> String {
    let line = |line: &str| {
        let begins = |at: &usize| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
        match line.match_indices(['#', ';']).map(|(at, _)| at).find(begins) {
            Some(at) => format!("{}# …", &line[..at]),
            None => line.to_owned(),
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn json(value: &Value) -> Json {
    match value {
        Value::Flag(flag) => (*flag).into(),
        Value::Integer(integer) => i64::try_from(*integer).expect("the record has none that large").into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.clone().into(),
        Value::Pairs(pairs) => pairs.iter().map(|(key, value)| (key.clone(), Json::from(value.as_str()))).collect(),
        Value::Nothing => Json::Null,
    }
}

fn expected(value: &Json) -> Json {
    match value {
        Json::String(text) => without_comments(text).into(),
        Json::Array(items) => items.iter().map(expected).collect(),
        other => other.clone(),
    }
}

/// Whether a file has lines that go on with a value: outlast refuses those that may be another option with a secret.
fn has_lines(case: &Json) -> bool {
    let is_indented = |text: &Json| text.as_str().is_some_and(|text| text.contains("\n ") || text.contains("\n\t"));
    case["files"].as_array().is_some_and(|files| files.iter().any(is_indented))
}

#[test]
fn files_mean_what_oslo_config_takes_them_for() {
    let (mut values, mut errors, mut not_read) = (0, 0, 0);
    for case in cases() {
        let texts = case["files"].as_array().expect("files").iter().map(|text| text.as_str().expect("a text"));
        let files: Vec<File> = texts
            .enumerate()
            .map(|(index, text)| File { name: format!("{index}.conf"), text: Arc::from(text) })
            .collect();
        let mut problems = Problems::default();
        let mut namespace = Namespace::parse(&files, 0, &mut problems);
        namespace.declare(options());
        let mut sources = Sources::default();
        for (file, masked) in files.iter().zip(namespace.masked(&[])) {
            sources.add(&file.name, Arc::from(masked), Path::new(""));
        }
        if let Some(error) = case.get("error") {
            let lines = problems.errors.finish(sources.into_list()).lines();
            let first = lines.first().unwrap_or_else(|| panic!("no error in {case}"));
            let what = error["what"].as_str().expect("a text").to_lowercase();
            assert!(first.starts_with(&format!("{}.conf:", error["file"])), "{first}: {case}");
            assert!(first.ends_with(&what), "{first}: {case}");
            let line: u64 = first.split(':').nth(1).and_then(|line| line.parse().ok()).expect("a line");
            // oslo.config notices an assignment without a section only in the line after its value.
            let is_late = what.starts_with("section must be started") && Some(line) <= error["line"].as_u64();
            assert!(is_late || Some(line) == error["line"].as_u64(), "{first}: {case}");
            errors += 1;
            continue;
        }
        assert_eq!(problems.errors.len(), 0, "{case}");
        for option in options() {
            let key = format!("{}.{}", option.section, option.name);
            let found = namespace.read(&option.section, &option.name, &mut problems);
            let default = option.default.as_ref().map_or(Json::Null, json);
            let recorded = case["values"].get(&key);
            match (&found, recorded) {
                (Reading::Absent, None) => {}
                (Reading::Absent, Some(value)) => panic!("`{key}` is not found, and is {value} in {case}"),
                (Reading::Found(value, _), None) => assert_eq!(json(value), default, "{key}: {case}"),
                (Reading::Found(value, _), Some(value_there)) => {
                    assert_eq!(json(value), expected(value_there), "{key}: {case}");
                }
                (Reading::Refused, Some(value)) if value["error"] == "ConfigFileValueError" => {}
                (Reading::Refused, Some(value)) if value["error"] == "RecursionError" => {}
                (Reading::Elsewhere(_), Some(value))
                    if value["error"].as_str().is_some_and(|e| e.starts_with("NoSuch")) => {}
                (Reading::Refused, Some(_)) if has_lines(&case) => not_read += 1,
                (found, recorded) => panic!("{key}: {found:?}, recorded {recorded:?}: {case}"),
            }
            values += 1;
        }
    }
    println!("oslo: {values} values and {errors} errors compared; {not_read} not read, because of lines that go on");
    assert!(values > 1_000 && errors > 100 && not_read * 20 < values, "{values} {errors} {not_read}");
}
