//! For pull requests: the verdict, the findings as a list, the tables.

use super::grids::{self, Grid};
use super::{Linted, advice, title};
use crate::lint::{Finding, Severity};

/// The text of `--format markdown`.
pub fn render(linted: Linted<'_>) -> String {
    let mark = match linted.report.worst() {
        Some(Severity::Error) => "❌",
        Some(Severity::Warning) => "⚠️",
        Some(Severity::Note) | None => "✅",
    };
    let mut text = format!("### {mark} {}: {}\n\n", escaped(&linted.study.name), linted.tally());
    for line in grids::verdicts(&linted) {
        text.push_str(&format!("- {}\n", escaped(&line)));
    }
    if !linted.report.findings.is_empty() {
        text.push_str("\n| | finding | what would be safe | where |\n| --- | --- | --- | --- |\n");
    }
    for finding in &linted.report.findings {
        text.push_str(&row(&linted, finding));
    }
    for grid in grids::all(&linted) {
        text.push_str(&table(&grid));
    }
    text.trim_end().to_owned()
}

fn row(linted: &Linted<'_>, finding: &Finding) -> String {
    let why: String = finding.why.iter().chain(&finding.assumed).map(|why| format!("<br>{}", escaped(why))).collect();
    let safe: Vec<String> = finding
        .safe
        .iter()
        .map(|safe| match advice(linted, safe) {
            (_, Some(written)) if !safe.value.is_empty() => format!("`{}`", code(&written)),
            (words, Some(written)) => format!("{}: `{}`", escaped(words), code(&written)),
            (words, None) => escaped(words),
        })
        .collect();
    let place = finding.place.as_ref().map_or_else(String::new, |place| format!("{}:{}", place.file, place.line));
    format!(
        "| {} `{}` | {}{why} | {} | {} |\n",
        finding.severity.code(),
        finding.lint.code(),
        escaped(&title(finding)),
        safe.join("<br>"),
        escaped(&place),
    )
}

fn table(grid: &Grid) -> String {
    let line = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let mut text = format!("\n**{}**\n\n", escaped(&grid.title));
    text.push_str(&line(&mut grid.heads.iter().map(|head| escaped(head))));
    text.push_str(&line(&mut grid.heads.iter().map(|_| "---".to_owned())));
    for row in &grid.rows {
        text.push_str(&line(&mut row.iter().map(|cell| escaped(cell))));
    }
    text
}

/// Inside backquotes nothing is markup but the border of a cell.
fn code(text: &str) -> String {
    text.replace('|', "\\|").replace('`', "'")
}

/// What would be markup is not, but for names in backquotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '<' | '>' | '*' | '\\' | '[' | ']' | '_' => escaped.extend(['\\', character]),
            '\n' => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}
