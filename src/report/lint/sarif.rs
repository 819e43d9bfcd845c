//! For code scanners: SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use serde_json::{Value, json};

use super::{Linted, Origin, advice, title};
use crate::lint::{Finding, Lint, Severity};
use crate::model::Written;

/// The schema that scanners look for.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The text of `--format sarif`: one run for all that was linted.
pub fn render(linted: &[Linted<'_>]) -> String {
    let rules: Vec<Value> = Lint::ALL.iter().map(|lint| rule(*lint)).collect();
    let results: Vec<Value> = linted
        .iter()
        .flat_map(|linted| linted.report.findings.iter().map(move |finding| result(linted, finding)))
        .collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "outlast",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document:#}")
}

const fn level(severity: Severity) -> &'static str {
    severity.code()
}

fn rule(lint: Lint) -> Value {
    let about = lint.about();
    json!({
        "id": about.code,
        "name": about.name,
        "shortDescription": { "text": about.when },
        "fullDescription": { "text": about.rule },
        "help": { "text": format!("What helps: {}.\nSource: {}.", about.remedy, about.source) },
        "defaultConfiguration": { "level": level(about.severity) },
    })
}

fn result(linted: &Linted<'_>, finding: &Finding) -> Value {
    let index = Lint::ALL.iter().position(|lint| *lint == finding.lint);
    let mut message = format!("{}.", title(finding));
    for why in &finding.why {
        message.push_str(&format!(" {why}."));
    }
    for guess in &finding.assumed {
        message.push_str(&format!(" {guess}."));
    }
    if let Some((words, written)) = finding.safe.first().map(|safe| advice(linted, safe)) {
        let written = written.map_or_else(String::new, |written| format!(" (`{written}`)"));
        message.push_str(&format!(" What would be safe: {words}{written}."));
    }
    let mut result = json!({
        "ruleId": finding.lint.code(),
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": message },
        "locations": [location(linted, finding)],
        "partialFingerprints": {
            "outlast/v1": format!("{}:{}:{}", finding.lint.code(), linted.study.name, finding.subject),
        },
        "properties": {
            "scenario": linted.study.name,
            "keys": finding.keys,
            "assumed": finding.assumed,
            "safe": super::json::safe(&finding.safe),
            "points": finding.at.points,
        },
    });
    if !finding.at.is_everywhere() {
        result["properties"]["where"] = finding.at.words.clone().into();
    }
    if !finding.at.when.is_empty() {
        result["properties"]["when"] = finding.at.when.clone().into();
    }
    result
}

/// The line that somebody has written; else the scenario as a whole, or the first of the configuration files. What is
/// part of outlast lies in no file.
fn location(linted: &Linted<'_>, finding: &Finding) -> Value {
    let key = finding.keys.first().map_or(linted.study.name.as_str(), String::as_str);
    let logical = json!([{ "fullyQualifiedName": key, "kind": "property" }]);
    let whole = match linted.origin {
        Origin::Scenario(file) => Some(file),
        Origin::Preset => None,
        Origin::Files(files) => files.first().map(String::as_str),
    };
    match (&finding.place, whole) {
        (Some(place), Some(_)) if !is_preset(place) => json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&place.file) },
                "region": {
                    "startLine": place.line,
                    "startColumn": place.column,
                    "endColumn": place.column + place.width,
                },
            },
            "logicalLocations": logical,
        }),
        (_, Some(file)) => json!({
            "physicalLocation": { "artifactLocation": { "uri": uri(file) } },
            "logicalLocations": logical,
        }),
        (_, None) => json!({ "logicalLocations": logical }),
    }
}

fn is_preset(place: &Written) -> bool {
    place.file.starts_with("preset ")
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("a b/ü#1.toml"), "a%20b/%C3%BC%231.toml");
        assert_eq!(uri(r"etc\x.toml"), "etc/x.toml");
    }
}
