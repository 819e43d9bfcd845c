//! For people, in the manner of the Rust compiler: what was found, where, why, what to do; then the tables; the verdict
//! on keys last.

use std::collections::BTreeSet;

use annotate_snippets::{AnnotationKind, Element, Level, Renderer, Snippet};
use anstyle::Style;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, TableStyle, Width};

use super::grids::{self, Grid};
use super::{Linted, advice, title};
use crate::lint::{Finding, Lint, Severity};
use crate::model::Written;
use crate::report::words::wrap;

/// Notes are broken at this width.
const WIDTH: usize = 100;
/// Blanks between columns.
const GAP: u16 = 2;
/// As many settings of a sweep are named below the first.
const MOST_VARIANTS: usize = 4;
/// A longer line of a scenario is cut, so that no snippet fills the screen.
const LONGEST_LINE: usize = 200;

/// The text of `--format text`.
pub fn render(linted: Linted<'_>, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let strong = if colour { Style::new().bold() } else { Style::new() };
    let mut told = BTreeSet::new();
    let mut blocks: Vec<String> = Vec::new();
    for variants in linted.variants() {
        let is_new = told.insert(variants[0].lint);
        blocks.push(block(&renderer, &linted, variants, is_new));
    }
    for grid in grids::all(&linted) {
        blocks.push(format!("{strong}{}{strong:#}\n{}", grid.title, table(&grid)));
    }
    let shown = linted.report.matrices.len().min(grids::MOST_SETTINGS);
    if linted.report.matrices.len() > shown {
        let more = linted.report.matrices.len() - shown;
        blocks.push(format!("… and tables for {more} more settings of the sweep: see `--format json`"));
    }
    blocks.push(format!(
        "{}\n{strong}{}: {}{strong:#}",
        grids::verdicts(&linted).join("\n"),
        linted.study.name,
        linted.tally()
    ));
    blocks.join("\n\n")
}

/// The first of them in full, the others in a line each.
fn block(renderer: &Renderer, linted: &Linted<'_>, variants: &[Finding], is_new: bool) -> String {
    let (first, others) = (&variants[0], &variants[1..]);
    let about = first.lint.about();
    let level = match first.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut notes = first.why.clone();
    // Those that differ in what they concern only say that.
    let (alike, others): (Vec<&Finding>, Vec<&Finding>) = others.iter().partition(|other| title(other) == title(first));
    for why in alike.iter().flat_map(|other| &other.why) {
        if !notes.contains(why) {
            notes.push(why.clone());
        }
    }
    notes.extend(first.assumed.iter().cloned());
    notes.extend(others.iter().take(MOST_VARIANTS).map(|other| format!("also: {}", title(other))));
    if others.len() > MOST_VARIANTS {
        notes.push(format!("and {} more like it: see `--format json`", others.len() - MOST_VARIANTS));
    }
    if is_new && !matches!(first.lint, Lint::Exposure) {
        notes.push(format!("{} [{}]", about.rule, about.source));
    }
    let helps: Vec<String> = first
        .safe
        .iter()
        .map(|safe| match advice(linted, safe) {
            (words, Some(written)) => format!("{words}: `{written}`"),
            (words, None) => words.to_owned(),
        })
        .collect();
    let folded = |text: &String| wrap(text, WIDTH - 10).join("\n");
    // A help is to be copied, and stays on its line.
    let notes: Vec<String> = notes.iter().map(folded).collect();
    let mut elements: Vec<Element<'_>> = Vec::new();
    let line = first.place.as_ref().map(|place| cut(&place.text));
    if let (Some(place), Some(line)) = (&first.place, &line) {
        elements.push(snippet(place, line).into());
    }
    elements.extend(notes.iter().map(|note| Level::NOTE.message(note.as_str()).into()));
    elements.extend(helps.iter().map(|help| Level::HELP.message(help.as_str()).into()));
    let headline = title(first);
    renderer.render(&[level.primary_title(headline.as_str()).id(about.code).elements(elements)])
}

fn cut(line: &str) -> String {
    line.chars().take(LONGEST_LINE).collect()
}

fn snippet<'a>(place: &'a Written, line: &'a str) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let byte = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let start = place.column - 1;
    let range = byte(start)..byte(start + place.width);
    let annotation = AnnotationKind::Primary.span(range);
    Snippet::source(line).line_start(place.line).path(place.file.as_str()).annotation(annotation)
}

fn table(grid: &Grid) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Dynamic).force_no_tty();
    table.set_width(WIDTH as u16 - 2);
    table.set_header(&grid.heads);
    // A name is to be found as it is written, so no column is narrower than its longest word.
    table.set_constraints((0..grid.heads.len()).map(|column| {
        let cells = std::iter::once(&grid.heads[column]).chain(grid.rows.iter().map(|row| &row[column]));
        let words = cells.flat_map(|cell| cell.split_whitespace()).map(|word| word.chars().count());
        let longest = u16::try_from(words.max().unwrap_or(0)).unwrap_or(u16::MAX);
        ColumnConstraint::LowerBoundary(Width::Fixed(longest.saturating_add(GAP)))
    }));
    table.add_rows(&grid.rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    let lines: Vec<String> = table.lines().map(|line| format!("  {}", line.trim_end())).collect();
    lines.join("\n")
}
