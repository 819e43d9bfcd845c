//! The findings for programs: the rows of the CSV files as objects, and the verdicts.

use serde_json::{Map, Value, json};

use super::Findings;
use super::cautions;
use super::columns::{Cell, Columns, FAILURES, Place, SERVICES, SUMMARY, Server};
use super::csv::places;
use super::words;
use crate::analysis::Problem;

/// The text of `--format json`.
pub fn render(findings: Findings<'_>) -> String {
    let Findings { study, results, verdicts } = findings;
    let (summary, failures, services) = (SUMMARY.columns(study), FAILURES.columns(study), SERVICES.columns(study));
    let (mut summary_rows, mut failure_rows, mut service_rows) = (Vec::new(), Vec::new(), Vec::new());
    for (place, result) in places(study, results) {
        summary_rows.extend(result.rows.iter().map(|row| object(&summary, place, row)));
        failure_rows.extend(result.failures.iter().map(|row| object(&failures, place, row)));
        let servers = Server::all(&place.point.model, result);
        service_rows.extend(servers.iter().map(|row| object(&services, place, row)));
    }
    let holds = (!verdicts.is_empty()).then(|| verdicts.iter().all(|verdict| verdict.holds()));
    let document = json!({
        "scenario": study.name,
        "description": study.description,
        "seed": study.points.first().map(|point| point.model.run.seed),
        "holds": holds,
        "expectations": self::verdicts(findings),
        "summary": summary_rows,
        "failures": failure_rows,
        "services": service_rows,
        "notes": cautions::all(study, results),
    });
    format!("{document:#}")
}

/// One object per expectation, with its checks.
pub(super) fn verdicts(findings: Findings<'_>) -> Value {
    let entries = findings.verdicts.iter().map(|verdict| {
        let expectation = &findings.study.expectations[verdict.expectation];
        let checks = verdict.checks.iter().map(|check| {
            json!({
                "point": check.point,
                "holds": check.holds(),
                "value": check.value.map(number),
                "low": check.low.map(number),
                "high": check.high.map(number),
                "problem": check.problem.map(problem_code),
            })
        });
        json!({
            "text": expectation.text,
            "place": expectation.place,
            "holds": verdict.holds(),
            "checks": checks.collect::<Vec<_>>(),
        })
    });
    Value::Array(entries.collect())
}

const fn problem_code(problem: Problem) -> &'static str {
    match problem {
        Problem::TooHigh => "too_high",
        Problem::TooLow => "too_low",
        Problem::NoBound => "no_bound",
        Problem::TooFewJobs => "too_few_jobs",
        Problem::UnfinishedJobs => "unfinished_jobs",
        Problem::NoSuchWorkload => "no_such_workload",
    }
}

fn object<R>(columns: &Columns<R>, place: Place<'_>, row: &R) -> Value {
    let entries = columns.names().iter().cloned().zip(columns.cells(place, row).map(value));
    Value::Object(entries.collect::<Map<String, Value>>())
}

/// A value of a table.
pub(super) fn value(cell: Cell<'_>) -> Value {
    match cell {
        Cell::Missing => Value::Null,
        Cell::Text(text) => Value::String(text.into_owned()),
        Cell::Count(count) => Value::from(count),
        number @ (Cell::Number(_) | Cell::Seconds(_) | Cell::Exact(_)) => {
            // As in the CSV files, digit for digit.
            let mut text = String::new();
            number.write(&mut text);
            serde_json::from_str(&text).unwrap_or(Value::Null)
        }
    }
}

/// A number with the digits that the CSV files give.
fn number(value: f64) -> Value {
    serde_json::from_str(&words::six_digits(value)).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn rows_are_those_of_the_files() {
        let case = fixture::grid();
        let document: Value = serde_json::from_str(&render(case.findings())).unwrap();
        let rows = document["summary"].as_array().unwrap();
        assert_eq!(rows.len(), case.study.points.len() * 2);
        assert_eq!(rows[0]["keystone.token.expiration_s"], "900");
        assert!(rows[0]["failure_rate"].is_number());
        assert_eq!(rows[1]["job"], Value::Null);
    }

    #[test]
    fn pools_and_cautions_are_in_it() {
        let case = fixture::busy();
        let document: Value = serde_json::from_str(&render(case.findings())).unwrap();
        let rows = document["services"].as_array().unwrap();
        let builds = rows.iter().find(|row| row["pool"] == "builds").unwrap();
        assert_eq!((&builds["service"], &builds["utilisation"]), (&Value::from("nova"), &Value::from(1)));
        assert_eq!(builds["cache_hits"], Value::Null);
        let notes = document["notes"].as_array().unwrap();
        assert!(notes.iter().any(|note| note.as_str().unwrap().contains("`nova.builds` is saturated")), "{notes:?}");
    }
}
