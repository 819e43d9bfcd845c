//! A comparison of two results as people and programs read it.

mod columns;
mod said;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(super) use columns::reference;
pub use said::{refusal, seeds_differ};

use super::columns::Cell;
use super::console::{self, Palette, WIDTH, paint};
use super::{json, markdown, words};
use crate::analysis::compare::{Alone, Comparison, Outcome, Replicated};
use columns::{Line, columns};
use said::Said;

/// A comparison, and what is shown of it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The two results.
    pub results: [&'a Replicated; 2],
    /// What came of comparing them.
    pub comparison: &'a Comparison,
    /// Whether people see every row, and not only the changed ones of many.
    pub all: bool,
    /// Whether a regression fails.
    pub is_gate: bool,
}

/// For a terminal; no line is longer than [`WIDTH`], names of folders excepted.
pub fn text(told: Told<'_>, colour: bool) -> String {
    let palette = Palette::new(colour);
    let said = Said::of(told);
    let mut text = String::new();
    let mut line = |content: &str| {
        text.push_str(content.trim_end());
        text.push('\n');
    };
    console::headline(said.holds, &said.headline, &palette, &mut line);
    for side in &said.sides {
        line(&format!("  {side}"));
    }
    if !said.grid.rows.is_empty() {
        console::show(&said.grid, &palette, &mut line);
    } else if !said.grid.remark.is_empty() {
        line("");
        line(&said.grid.remark);
    }
    console::notes(&said.notes, &mut line);
    line("");
    for part in words::wrap(&said.how, WIDTH) {
        line(&paint(palette.faint, &part));
    }
    text
}

/// For a pull request.
pub fn markdown(told: Told<'_>) -> String {
    let said = Said::of(told);
    let escaped = markdown::escaped;
    let mark = match said.holds {
        Some(true) => "✅ ",
        Some(false) => "❌ ",
        None => "",
    };
    let mut text = format!("### {mark}{}\n\n", escaped(&said.headline));
    for side in &said.sides {
        text.push_str(&format!("- {}\n", escaped(side)));
    }
    if said.grid.rows.is_empty() {
        if !said.grid.remark.is_empty() {
            text.push_str(&format!("\n{}\n", escaped(&said.grid.remark)));
        }
    } else {
        text.push_str(&markdown::table(&said.grid));
    }
    for note in &said.notes {
        text.push_str(&format!("\n> **Note:** {}\n", escaped(note)));
    }
    text.push_str(&format!("\n{}\n", escaped(&said.how)));
    text
}

/// Every row, for programs.
///
/// # Panics
/// Never: a vector takes everything.
pub fn csv(told: Told<'_>) -> String {
    let columns = columns(told.comparison);
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let written = "a vector takes everything";
    writer.write_record(columns.iter().map(columns::Bound::name)).expect(written);
    let mut text = String::new();
    for line in lines(told.comparison) {
        for column in &columns {
            text.clear();
            column.cell(line).write(&mut text);
            writer.write_field(&text).expect(written);
        }
        writer.write_record(None::<&[u8]>).expect(written);
    }
    String::from_utf8(writer.into_inner().expect(written)).expect("names and numbers are text")
}

/// Every row and what is said about them, for programs.
pub fn json(told: Told<'_>) -> String {
    let Told { results, comparison, .. } = told;
    let said = Said::of(told);
    let side = |result: &Replicated| {
        serde_json::json!({
            "name": result.name,
            "scenario": result.scenario,
            "outlast": result.version,
            "inputs_sha256": result.inputs,
            "complete": result.complete,
        })
    };
    let columns = columns(comparison);
    let row = |line: Line<'_>| -> Value {
        Value::Object(columns.iter().map(|column| (column.name().to_owned(), json::value(column.cell(line)))).collect())
    };
    let counts = Outcome::ALL.map(|outcome| (outcome.code().to_owned(), Value::from(comparison.count(outcome))));
    let document = serde_json::json!({
        "a": side(results[0]),
        "b": side(results[1]),
        "seed": results[0].seed,
        "confidence": comparison.confidence,
        "confidence_of_each": json::value(Cell::Number(comparison.each)),
        "regression": comparison.has_regression(),
        "verdicts": counts.into_iter().collect::<Map<String, Value>>(),
        "rows": lines(comparison).map(row).collect::<Vec<Value>>(),
        "alone": comparison.alone.iter().map(|alone| self::alone(alone, &comparison.axes)).collect::<Vec<Value>>(),
        "notes": said.notes,
    });
    format!("{document:#}\n")
}

/// Something that only one result has.
fn alone(alone: &Alone, axes: &[String]) -> Value {
    match alone {
        Alone::Point { side, point, values } => {
            let values = axes.iter().cloned().zip(values.iter().map(|value| Value::from(value.as_str())));
            serde_json::json!({ "only_in": said::SIDES[*side], "point": point, "values": values.collect::<Map<String, Value>>() })
        }
        Alone::Workload { side, workload, points } => {
            serde_json::json!({ "only_in": said::SIDES[*side], "workload": workload, "points": points })
        }
    }
}

/// Every comparison with its place.
fn lines(comparison: &Comparison) -> impl Iterator<Item = Line<'_>> {
    let rows = comparison.rows.iter();
    rows.flat_map(move |row| row.measures.iter().map(move |compared| Line { comparison, row, compared }))
}
