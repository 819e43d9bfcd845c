//! For programs: everything that was found and worked out, at every setting.

use serde_json::{Map, Value, json};

use super::{Linted, Origin};
use crate::lint::{Course, Finding, Keys, Rotating, Row, Safe, Scope, Severity, Stop, Unreadable, verdict};
use crate::model::Written;
use crate::units::Span;

/// The text of `--format json`.
pub fn render(linted: Linted<'_>) -> String {
    format!("{:#}", document(linted))
}

/// The document of one study.
pub(super) fn document(linted: Linted<'_>) -> Value {
    let Linted { origin, study, report, .. } = linted;
    let (file, files) = match origin {
        Origin::Scenario(file) => (Some(file), None),
        Origin::Preset => (None, None),
        Origin::Files(files) => (None, Some(files)),
    };
    json!({
        "scenario": study.name,
        "file": file,
        "files": files,
        "points": study.points.len(),
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "notes": report.count(Severity::Note),
        "keys": report.keys.iter().map(|(keys, scope)| at(self::keys(keys), scope)).collect::<Vec<_>>(),
        "keys_assumed": report.keys_assumed,
        "service_tokens": report
            .matrices
            .iter()
            .map(|(matrix, scope)| {
                let hops: Vec<Value> = matrix.rows.iter().map(hop).collect();
                let courses: Vec<Value> = matrix.courses.iter().map(course).collect();
                at(json!({ "hops": hops, "workloads": courses }), scope)
            })
            .collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// What holds at some points.
fn at(value: Value, scope: &Scope) -> Value {
    let Value::Object(mut entries) = value else { return value };
    entries.extend(place_in_sweep(scope));
    Value::Object(entries)
}

fn place_in_sweep(scope: &Scope) -> Map<String, Value> {
    let words = (!scope.is_everywhere()).then(|| scope.words.clone());
    let mut entries = Map::new();
    entries.insert("where".to_owned(), words.into());
    let when = (!scope.when.is_empty()).then(|| scope.when.clone());
    entries.insert("when".to_owned(), when.into());
    entries.insert("at_points".to_owned(), scope.points.clone().into());
    entries
}

/// Whole seconds where they are whole.
fn seconds(span: Span) -> Value {
    let text = crate::units::ExactSeconds::from(span).to_string();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

fn keys(keys: &Keys) -> Value {
    let optional = |span: Option<Span>| span.map_or(Value::Null, seconds);
    let (rotating, period) = match keys.rotating {
        Rotating::Jws => ("jws", None),
        Rotating::Never => ("never", None),
        Rotating::Every(period) => ("every", Some(period)),
        Rotating::EveryAnd(period) => ("every_and_at", Some(period)),
        Rotating::Listed => ("at", None),
        Rotating::Apart => ("apart", None),
    };
    let table: Vec<Value> = keys
        .table()
        .iter()
        .map(|row| {
            json!({
                "every_s": seconds(row.period),
                "max_active_keys": row.fewest_keys,
                "max_active_keys_with_lag": row.with_lag,
                "effective_window_s": seconds(row.effective_window),
            })
        })
        .collect();
    json!({
        "verdict": verdict(keys),
        "expiration_s": seconds(keys.expiration),
        "allow_expired_window_s": seconds(keys.window),
        "rotating": rotating,
        "every_s": optional(period),
        "max_active_keys": keys.max_active_keys,
        "cover_s": optional(keys.cover),
        "reach_s": optional(keys.reach),
        "sync_lag_s": seconds(keys.lag),
        "need_s": seconds(keys.need()),
        "margin_s": optional(keys.margin()),
        "effective_window_s": seconds(keys.effective_window()),
        "live_ok": keys.live_ok(),
        "window_ok": keys.window_ok(),
        "spare_rotations": keys.spare_rotations(),
        "unreadable_s": match keys.unreadable {
            Some(Unreadable::For(span)) => seconds(span),
            Some(Unreadable::Forever) => json!("forever"),
            None => Value::Null,
        },
        "table_lag_s": seconds(keys.table_lag()),
        "table": table,
    })
}

fn hop(row: &Row) -> Value {
    json!({
        "sender": row.sender,
        "receiver": row.receiver,
        "sends": row.sends.words(),
        "roles_held": row.held,
        "roles_accepted": row.accepted,
        "role_required": row.required,
        "assumed": row.assumed,
        "token": row.token(),
        "passes_until": row.passes(),
        "passes_until_from_2026_2": row.passes_after_upgrade(),
        "workloads": row.workloads,
    })
}

fn course(course: &Course) -> Value {
    let stop = |stop: &Option<Stop>| match stop {
        Some(stop) => json!({ "step": stop.step, "sender": stop.sender, "receiver": stop.receiver, "why": stop.why }),
        None => Value::Null,
    };
    json!({
        "workload": course.workload,
        "job": course.job,
        "refused_at_once": stop(&course.at_once),
        "refused_after_expiration": stop(&course.after_expiration),
    })
}

fn finding(finding: &Finding) -> Value {
    let about = finding.lint.about();
    let value = json!({
        "code": about.code,
        "name": about.name,
        "severity": finding.severity.code(),
        "subject": if finding.subject.is_empty() { None } else { Some(&finding.subject) },
        "what": finding.what,
        "why": finding.why,
        "assumed": finding.assumed,
        "rule": about.rule,
        "source": about.source,
        "safe": safe(&finding.safe),
        "keys": finding.keys,
        "place": finding.place.as_ref().map(place),
    });
    at(value, &finding.at)
}

/// What would be safe, as objects.
pub(super) fn safe(all: &[Safe]) -> Vec<Value> {
    let one = |safe: &Safe| {
        let value = (!safe.value.is_empty()).then_some(&safe.value);
        json!({ "key": safe.key, "value": value, "words": safe.words, "in_file": safe.line })
    };
    all.iter().map(one).collect()
}

fn place(place: &Written) -> Value {
    json!({ "file": place.file, "line": place.line, "column": place.column })
}
