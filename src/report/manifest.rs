//! `run.json`: what was run, from what, and what came of it; `wall_time_s` alone may differ between equal runs.

use serde::Serialize;
use serde_json::Value;

use super::{Findings, cautions, json};

/// What the caller knows about a run and the findings do not say.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The command that gives the same results, without what cannot change them.
    pub command: String,
    /// Whether every point that was asked for is in the results; not so after an interruption.
    pub complete: bool,
    /// Events that the engine handled.
    pub events: u64,
    /// Seconds from start to end.
    pub wall_time_s: f64,
}

#[derive(Serialize)]
struct File<'a> {
    outlast: &'static str,
    scenario: &'a str,
    description: &'a str,
    command: &'a str,
    inputs_sha256: &'a str,
    seed: Option<u64>,
    replications: Vec<u32>,
    confidence: Option<f64>,
    estimator: Option<&'static str>,
    sweep: Vec<SweptKey<'a>>,
    complete: bool,
    points: Vec<usize>,
    jobs: u64,
    events: u64,
    expectations: Value,
    notes: Vec<String>,
    wall_time_s: f64,
}

#[derive(Serialize)]
struct SweptKey<'a> {
    key: &'a str,
    column: &'a str,
    values: Vec<&'a str>,
    /// Keys with the same number go together.
    #[serde(skip_serializing_if = "Option::is_none")]
    zip: Option<usize>,
}

/// The text of `run.json`.
pub fn render(findings: Findings<'_>, manifest: &Manifest) -> String {
    let Findings { study, results, .. } = findings;
    let run = study.points.first().map(|point| &point.model.run);
    let swept = study.axes.iter().map(|axis| SweptKey {
        key: &axis.key,
        column: &axis.column,
        values: axis.values.iter().map(|value| value.cell.as_str()).collect(),
        zip: axis.zip,
    });
    let file = File {
        outlast: env!("CARGO_PKG_VERSION"),
        scenario: &study.name,
        description: &study.description,
        command: &manifest.command,
        inputs_sha256: &study.inputs_sha256,
        seed: run.map(|run| run.seed),
        replications: results.iter().map(|result| result.replications).collect(),
        confidence: run.map(|run| run.confidence),
        estimator: run.map(|run| run.estimator.code()),
        sweep: swept.collect(),
        complete: manifest.complete,
        points: results.iter().map(|result| result.point).collect(),
        jobs: results.iter().map(|result| result.all().counts.jobs).sum(),
        events: manifest.events,
        expectations: json::verdicts(findings),
        notes: cautions::all(study, results),
        wall_time_s: manifest.wall_time_s,
    };
    let mut text = serde_json::to_string_pretty(&file).expect("names and finite numbers are JSON");
    text.push('\n');
    text
}
