//! For programs: times in seconds since submission; those in the run's own time say so.

use serde_json::{Value, json};

use super::lines::{Line, Seen};
use super::{Oldest, Told};
use crate::observe::Outcome;
use crate::observe::course::{Key, Timeline};
use crate::report::remedies::in_full;
use crate::report::words::point_values;
use crate::units::{Instant, Span};

/// The document of `--format json`.
pub fn render(told: Told<'_>) -> String {
    let course = told.course;
    let record = &course.record;
    let workload = &told.model().workloads[record.workload];
    let seconds = |span: Span| json!(span.seconds());
    let since = |at: Instant| {
        if at == Instant::NEVER || at == Instant::ALWAYS { Value::Null } else { seconds(told.since(at)) }
    };
    let story = told.story();
    let step = |step| workload.kind.step_name(step).to_owned();
    let failure = match record.outcome {
        Outcome::Completed | Outcome::Unfinished => Value::Null,
        Outcome::Failed(failure) => json!({
            "step": step(failure.step),
            "reason": failure.reason.code(),
            "http_status": failure.http_status,
            "first_cause_step": step(failure.first_cause.step),
            "first_cause_reason": failure.first_cause.reason.code(),
            "first_cause_s": since(failure.first_cause.at),
        }),
    };
    let outcome = match record.outcome {
        Outcome::Completed => "completed",
        Outcome::Failed(_) => "failed",
        Outcome::Unfinished => "unfinished",
    };
    let key = |key: &Key| {
        json!({
            "staged_s": since(key.staged),
            "primary_s": since(key.primary),
            "secondary_s": since(key.secondary),
            "purged_s": since(key.purged),
            "is_of_token": key.is_of_token,
        })
    };
    let line = |line: &Line| {
        json!({
            "from_s": since(line.at),
            "until_s": since(line.until),
            "timeline": match line.timeline { Timeline::Main => "main", Timeline::Beside => "beside" },
            "sort": line.sort.code(),
            "process": line.actor.map(|actor| told.model().process(actor).name.clone()),
            "what": line.what,
            "notes": line.notes,
            "rule": line.rule,
            "refused": line.refused.map(|reason| reason.code()),
        })
    };
    let seen = |seen: &Seen| {
        let logs: Vec<Value> = seen.logs.iter().map(|(log, line)| json!({ "log": log, "line": line })).collect();
        json!({ "steps": seen.steps, "place": seen.place, "told": seen.told, "logs": logs, "source": seen.source })
    };
    let document = json!({
        "scenario": told.study.name,
        "point": told.point.number,
        "settings": point_values(told.study, told.point),
        "replication": told.replication,
        "workload": workload.name,
        "job": workload.kind.name,
        "job_id": record.ordinal,
        "chosen": told.why,
        "counts": course.counts,
        "submitted_at_s": record.submitted.since(Instant::START).seconds(),
        "token": {
            "age_s": seconds(record.token_age),
            "node": course.issuer,
            "expires_s": since(course.token.expires),
            "window_ends_s": since(course.token.expires + course.window),
            "key_gone_s": since(course.token.key_gone),
            "revoked_s": since(course.token.revoked),
        },
        "keys": course.keys.iter().map(key).collect::<Vec<Value>>(),
        "outcome": outcome,
        "ended_s": record.ended.map(since),
        "failure": failure,
        "cleanup": record.cleanup.map(|cleanup| cleanup.code().into_owned()),
        "orphans": record.orphans,
        "smallest_margin_s": course.smallest_margin.map(seconds),
        "oldest_token_s": match told.oldest {
            Some(Oldest::Age(age)) => seconds(age),
            Some(Oldest::NotEvenNew) | None => Value::Null,
        },
        "saved_by": told.remedies.map(|remedies| {
            remedies.iter().map(|remedy| in_full(*remedy, told.model(), &workload.name)).collect::<Vec<String>>()
        }),
        "course": story.lines.iter().map(line).collect::<Vec<Value>>(),
        "seen": story.sights.iter().map(seen).collect::<Vec<Value>>(),
    });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
