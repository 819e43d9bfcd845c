//! Recorded workloads: a CSV file with a row per job, our own `jobs.csv` included.

use std::sync::Arc;

use csv::StringRecord;

use crate::model::{Kind, Quantity, QuantityId, QuantityUnit, TraceRow};
use crate::units::{Instant, Span, parse};

use crate::document::did_you_mean;

/// A trace, read.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// Ascending by submission, those of one instant by `ordinal`.
    pub(super) rows: Arc<[TraceRow]>,
    /// The row of the file that is submitted last, as people count.
    pub(super) last_row: usize,
}

/// Columns of `jobs.csv` that say what came of a job, or which job it was.
const IGNORED: [&str; 18] = [
    // The one key without a dot that can be swept.
    "preset",
    "scenario",
    "job",
    "ended_s",
    "outcome",
    "step",
    "reason",
    "http_status",
    "first_cause_step",
    "first_cause_reason",
    "first_cause_s",
    "cleanup",
    "orphans",
    "polls",
    "attempts",
    "keystone_validations",
    "service_tokens_issued",
    "duration_s",
];

/// What a column means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Submitted,
    TokenAge,
    JobId,
    Workload,
    /// All rows must agree on it.
    Single(&'static str),
    Quantity(QuantityId),
    Ignored,
}

/// Reads the rows of one workload. Errors name the row (the heading is row 1) and the column.
pub(super) fn parse(text: &str, kind: &Kind, workload: &str) -> Result<Trace, String> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let heading = reader.headers().map_err(|error| format!("row 1: {error}"))?.clone();
    let columns = columns(&heading, kind)?;
    let mut rows: Vec<(TraceRow, usize)> = Vec::new();
    let mut singles: Vec<Option<String>> = vec![None; columns.len()];
    let mut record = StringRecord::new();
    let mut number = 1;
    while reader.read_record(&mut record).map_err(|error| format!("row {}: {error}", number + 1))? {
        number += 1;
        let is_ours = |(column, field): (&Column, &str)| *column != Column::Workload || field.trim() == workload;
        if !columns.iter().zip(record.iter()).all(is_ours) {
            continue;
        }
        let row = read_row(&record, &columns, kind, &mut singles, rows.len() as u64)
            .map_err(|(index, message)| format!("row {number}, column `{}`: {message}", &heading[index]))?;
        rows.push((row, number));
    }
    if rows.is_empty() {
        return Err(format!("there is no row of workload `{workload}`"));
    }
    // `jobs.csv` is in the order of ending, so the order of the file cannot decide about jobs of one instant.
    rows.sort_by_key(|(row, _)| (row.submitted, row.ordinal));
    let last_row = rows.last().map_or(0, |(_, number)| *number);
    let rows: Arc<[TraceRow]> = rows.into_iter().map(|(row, _)| row).collect();
    let mut ordinals: Vec<u64> = rows.iter().map(|row| row.ordinal).collect();
    ordinals.sort_unstable();
    if let Some(pair) = ordinals.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("column `job_id`: {} stands in two rows, and it names the job", pair[0]));
    }
    Ok(Trace { rows, last_row })
}

fn columns(heading: &StringRecord, kind: &Kind) -> Result<Vec<Column>, String> {
    let mut columns = Vec::new();
    for name in heading {
        let name = name.trim_start_matches('\u{feff}').trim();
        let column = meaning(name, kind)?;
        if column != Column::Ignored && columns.contains(&column) {
            return Err(format!("row 1: column `{name}` stands there twice"));
        }
        columns.push(column);
    }
    if !columns.contains(&Column::Submitted) {
        return Err("row 1: column `submitted_s` is missing".to_owned());
    }
    Ok(columns)
}

fn meaning(name: &str, kind: &Kind) -> Result<Column, String> {
    match name {
        "submitted_s" => return Ok(Column::Submitted),
        "token_age_s" => return Ok(Column::TokenAge),
        "job_id" => return Ok(Column::JobId),
        "workload" => return Ok(Column::Workload),
        "point" => return Ok(Column::Single("point")),
        "replication" => return Ok(Column::Single("replication")),
        _ => {}
    }
    let drawn = kind.quantities.iter().find(|quantity| quantity.column() == name);
    if let Some(quantity) = drawn.and_then(|quantity| kind.quantity(&quantity.name)) {
        return Ok(Column::Quantity(quantity));
    }
    // A swept key is dotted, and no column of a job is.
    if name.contains('.') || IGNORED.contains(&name) {
        return Ok(Column::Ignored);
    }
    let mut known: Vec<String> = ["submitted_s", "token_age_s", "job_id", "workload"].map(str::to_owned).to_vec();
    known.extend(kind.quantities.iter().map(Quantity::column));
    Err(format!("row 1: unknown column `{name}`; {}", did_you_mean(name, &known)))
}

fn read_row(
    record: &StringRecord,
    columns: &[Column],
    kind: &Kind,
    singles: &mut [Option<String>],
    ordinal: u64,
) -> Result<TraceRow, (usize, String)> {
    let mut row =
        TraceRow { submitted: Instant::START, ordinal, token_age: None, quantities: vec![None; kind.quantities.len()] };
    for (index, (column, field)) in columns.iter().zip(record).enumerate() {
        let field = field.trim();
        let wrong = |message: String| (index, format!("`{field}` {message}"));
        match column {
            Column::Submitted => {
                let span = parse::decimal_seconds(field).map_err(wrong)?;
                if span < Span::ZERO {
                    return Err(wrong("is negative".to_owned()));
                }
                row.submitted = Instant::START + span;
            }
            Column::TokenAge => row.token_age = optional(field).map_err(wrong)?,
            Column::JobId if field.is_empty() => return Err(wrong("is not a whole number".to_owned())),
            Column::JobId => row.ordinal = field.parse().map_err(|_| wrong("is not a whole number".to_owned()))?,
            Column::Single(name) => match &singles[index] {
                Some(first) if first != field => {
                    return Err((index, format!("`{first}` and `{field}`: keep the rows of one {name} only")));
                }
                Some(_) => {}
                None => singles[index] = Some(field.to_owned()),
            },
            Column::Quantity(quantity) => {
                row.quantities[quantity.index()] =
                    value(field, kind.quantities[quantity.index()].unit).map_err(wrong)?;
            }
            Column::Workload | Column::Ignored => {}
        }
    }
    Ok(row)
}

/// The value of a quantity, which may be left out.
fn value(field: &str, unit: QuantityUnit) -> Result<Option<i64>, String> {
    let whole = |what: &str| match field.parse::<i64>() {
        _ if field.is_empty() => Ok(None),
        Ok(number) if number >= 0 => Ok(Some(number)),
        _ => Err(format!("is not a whole number of {what}")),
    };
    match unit {
        QuantityUnit::Seconds => Ok(optional(field)?.map(Span::micros)),
        QuantityUnit::Bytes => whole("bytes"),
        QuantityUnit::Count => whole("things"),
    }
}

/// A time that may be left out, never negative.
fn optional(field: &str) -> Result<Option<Span>, String> {
    if field.is_empty() {
        return Ok(None);
    }
    let span = parse::decimal_seconds(field)?;
    if span < Span::ZERO { Err("is negative".to_owned()) } else { Ok(Some(span)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot_from_volume() -> Arc<Kind> {
        Arc::clone(&crate::jobs::builtin("boot-from-volume").unwrap().kind)
    }

    fn read(text: &str) -> Result<Trace, String> {
        parse(text, &boot_from_volume(), "boots")
    }

    #[test]
    fn rows_are_sorted_and_keep_their_names() {
        let trace = read(
            "workload,job_id,submitted_s,token_age_s,image_size_bytes,download_s,keystone.token.expiration_s,outcome\n\
             boots,7,20.5,,1024,3.000001,3600,failed\n\
             other,9,1,5,,,3600,failed\n\
             boots,3,10,60,,,3600,completed\n",
        )
        .unwrap();
        let rows: Vec<_> = trace
            .rows
            .iter()
            .map(|row| (row.submitted.micros(), row.ordinal, row.token_age.map(Span::micros)))
            .collect();
        assert_eq!(rows, [(10_000_000, 3, Some(60_000_000)), (20_500_000, 7, None)]);
        let kind = boot_from_volume();
        for (name, value) in [("image_size", Some(1024)), ("download", Some(3_000_001)), ("convert", None)] {
            assert_eq!(trace.rows[1].quantities[kind.quantity(name).unwrap().index()], value, "{name}");
        }
        assert_eq!(trace.last_row, 2);
    }

    #[test]
    fn counts_are_whole() {
        let cases = [("12", Ok(Some(12))), ("", Ok(None)), ("1.5", Err(())), ("-1", Err(()))];
        for (field, expected) in cases {
            assert_eq!(value(field, QuantityUnit::Count).map_err(drop), expected, "{field}");
        }
    }

    #[test]
    fn bad_traces() {
        let cases = [
            ("token_age_s\n1\n", "row 1: column `submitted_s` is missing"),
            ("submited_s\n1\n", "row 1: unknown column `submited_s`; did you mean `submitted_s`?"),
            ("submitted_s,submitted_s\n1,1\n", "row 1: column `submitted_s` stands there twice"),
            ("submitted_s\n1\nx\n", "row 3, column `submitted_s`: `x` is not a number of seconds"),
            ("submitted_s\n-1\n", "row 2, column `submitted_s`: `-1` is negative"),
            ("submitted_s,token_age_s\n1,-2\n", "row 2, column `token_age_s`: `-2` is negative"),
            ("submitted_s,image_size_bytes\n1,2.5\n", "row 2, column `image_size_bytes`: `2.5` is not a whole number"),
            ("submitted_s,job_id\n1,x\n", "row 2, column `job_id`: `x` is not a whole number"),
            ("submitted_s,job_id\n1,5\n2,5\n", "column `job_id`: 5 stands in two rows"),
            ("submitted_s,replication\n1,0\n2,1\n", "row 3, column `replication`: `0` and `1`: keep the rows of one"),
            ("submitted_s,point\n1,0\n2,1\n", "row 3, column `point`: `0` and `1`: keep the rows of one point only"),
            ("submitted_s,workload\n1,other\n", "there is no row of workload `boots`"),
            ("submitted_s\n1,2\n", "row 2: CSV error"),
            ("submitted_s\n0.0000001\n", "row 2, column `submitted_s`: `0.0000001` is finer than a microsecond"),
        ];
        for (text, start) in cases {
            let error = read(text).expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }
}
