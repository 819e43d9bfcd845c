//! Whole jobs of six more kinds, one a row, each written as a scenario file and run by the `simulate` that users run.
//!
//! A column that a kind does not use is empty in its rows, and then the scenario does not mention what it sets.

use std::fmt::Write as _;
use std::path::Path;

use outlast::cloud::{Records, simulate};
use outlast::model::{Kind, StepId};
use outlast::observe::{JobRecord, Outcome};
use outlast::scenario::{Overrides, load_text};
use outlast::units::{ExactSeconds, Instant};

use super::{Compare, Row, table};

const COLUMNS: &[&str] = &[
    "case",
    "job",
    "expiration",
    "window",
    "max_active_keys",
    "rotations",
    "token_age",
    "svc_token_age",
    "queue",
    "phase1",
    "phase2",
    "objects",
    "nova_sends",
    "nova_role",
    "cinder_sends",
    "cinder_role",
    "nova_api_role",
    "glance_roles_required",
    "cinder_roles_required",
    "neutron_roles_required",
    "swift_roles_required",
    "glance_cache",
    "cinder_cache",
    "neutron_cache",
    "swift_cache",
    "glance_store",
    "use_trusts",
    "backup_swift_service_auth",
    "revoked_at",
    "outcome",
    "ended_at",
    "failed_step",
    "reason",
    "http_status",
    "caught",
    "cleanup",
    "left_behind",
    "keystone_validations",
];

/// Services whose middleware has columns. What they leave empty is off, as Nova's is throughout.
const RECEIVERS: [&str; 4] = ["glance", "cinder", "neutron", "swift"];

/// What a column sets if it is not empty.
fn option(row: &Row<'_>, column: &str, set: impl FnOnce(&str) -> String) -> String {
    if row.text(column).is_empty() { String::new() } else { set(column) }
}

/// The middleware in front of a receiver.
fn receiver(row: &Row<'_>, service: &str) -> String {
    let required = option(row, &format!("{service}_roles_required"), |column| {
        format!("{service}.keystone_authtoken.service_token_roles_required = {}\n", row.flag(column))
    });
    let kept = row.opt_int(&format!("{service}_cache")).unwrap_or(-1);
    format!("{required}{service}.keystone_authtoken.token_cache_time = {kept}\n")
}

/// Where Glance keeps its data.
fn store(row: &Row<'_>) -> String {
    let trusts = option(row, "use_trusts", |column| {
        format!("glance.glance_store.swift_store_use_trusts = {}\n", row.flag(column))
    });
    let store = match row.text("glance_store") {
        "" => "",
        "file" => "glance.glance_store.default_store = \"file\"\n",
        "swift_multi_tenant" => {
            "glance.glance_store.default_store = \"swift\"\nglance.glance_store.swift_store_multi_tenant = true\n"
        }
        _ => row.unexpected("glance_store", "file or swift_multi_tenant"),
    };
    format!("{store}{trusts}")
}

/// Who sends service tokens, and what roles their users have.
fn senders(row: &Row<'_>) -> String {
    let mut text = String::new();
    for service in ["nova", "cinder"] {
        text += &option(row, &format!("{service}_sends"), |column| {
            format!("{service}.service_user.send_service_user_token = {}\n", row.flag(column))
        });
    }
    for (user, column, without) in [
        ("nova", "nova_role", "member"),
        ("cinder", "cinder_role", "member"),
        ("nova_authtoken", "nova_api_role", "admin"),
    ] {
        text += &option(row, column, |column| {
            let role = if row.flag(column) { "service" } else { without };
            format!("cloud.service_users.{user} = {{ roles = [\"{role}\"] }}\n")
        });
    }
    text
}

/// What the job draws, and its token.
fn workload(row: &Row<'_>) -> String {
    let mut text = format!("job = \"{}\"\narrivals = {{ every = \"1s\" }}\n", row.text("job"));
    for (key, column) in [
        ("token_age", "token_age"),
        ("service_token_age", "svc_token_age"),
        ("revoke_after", "revoked_at"),
        ("queue", "queue"),
        ("phase1", "phase1"),
        ("phase2", "phase2"),
    ] {
        text += &option(row, column, |column| format!("{key} = \"{}s\"\n", row.int(column)));
    }
    text += &option(row, "objects", |column| format!("objects = {}\n", row.count(column)));
    if row.text("job") == "image-upload" {
        let uploader = if row.flag("nova_sends") { "nova" } else { "client" };
        let _ = writeln!(text, "uploader = \"{uploader}\"");
    }
    text
}

/// The row as a scenario file with one job.
fn scenario(row: &Row<'_>) -> String {
    let rotations: Vec<String> =
        row.text("rotations").split(';').filter(|at| !at.is_empty()).map(|at| format!("\"{at}s\"")).collect();
    let service_auth = option(row, "backup_swift_service_auth", |column| {
        format!("cinder.DEFAULT.backup_swift_service_auth = {}\n", row.flag(column))
    });
    format!(
        r#"
name = "{case}"
run.replications = 1
run.duration = "1s"
keystone.token.expiration = {expiration}
keystone.token.allow_expired_window = {window}
keystone.fernet_tokens.max_active_keys = {keys}
cloud.fernet_rotation.at = [{rotations}]
nova.keystone_authtoken.token_cache_time = -1
{receivers}{senders}{store}{service_auth}
[[workload]]
{workload}"#,
        case = row.text("case"),
        expiration = row.int("expiration"),
        window = row.int("window"),
        keys = row.count("max_active_keys"),
        rotations = rotations.join(", "),
        receivers = RECEIVERS.map(|service| receiver(row, service)).concat(),
        senders = senders(row),
        store = store(row),
        workload = workload(row),
    )
}

/// The word of the table for what a job has left, `None` for what is no loss: the result of a job that completed.
fn word<'a>(resource: &'a str, state: &str, completed: bool) -> Option<&'a str> {
    match (resource, state) {
        ("image" | "backup" | "pieces", _) if completed => None,
        ("image", "queued") => Some("image"),
        ("image", "active") => Some("active_image"),
        ("pieces", _) => Some("objects"),
        (resource, _) => Some(resource),
    }
}

/// What exists at the end, in the words and in the order of the table.
fn left_behind(kind: &Kind, job: &JobRecord) -> String {
    let completed = job.outcome == Outcome::Completed;
    let existing = kind.resources.iter().zip(&job.resources).filter(|(resource, state)| resource.exists(**state));
    let mut words: Vec<&str> = existing
        .filter_map(|(resource, &state)| word(&resource.name, &resource.states[usize::from(state)], completed))
        .collect();
    words.sort_unstable();
    words.join(";")
}

fn compare_outcome(compare: &mut Compare, row: &Row<'_>, kind: &Kind, job: &JobRecord) {
    let name = |step: StepId| kind.step_name(step);
    let seconds = |instant: Instant| ExactSeconds::from(instant);
    let (outcome, failure) = match job.outcome {
        Outcome::Completed => ("completed", None),
        Outcome::Failed(failure) => ("failed", Some(failure)),
        Outcome::Unfinished => ("unfinished", None),
    };
    let caught =
        job.caught.map(|caught| format!("{}:{}:{}", name(caught.step), caught.reason.code(), caught.http_status));
    compare.column(row, "outcome", outcome);
    compare.optional(row, "ended_at", job.ended.map(seconds));
    compare.optional(row, "failed_step", failure.map(|failure| name(failure.step)));
    compare.optional(row, "reason", failure.map(|failure| failure.reason.code()));
    compare.optional(row, "http_status", failure.map(|failure| failure.http_status));
    compare.optional(row, "caught", caught);
    compare.optional(row, "cleanup", job.cleanup.map(|cleanup| cleanup.code()));
    compare.column(row, "left_behind", left_behind(kind, job));
    compare.column(row, "keystone_validations", job.keystone_validations);
}

#[test]
fn jobs() {
    let Some(table) = table("jobs") else { return };
    table.expect_columns(COLUMNS);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let text = scenario(&row);
        let study = load_text("jobs.toml", &text, Path::new("."), &Overrides::default())
            .unwrap_or_else(|issues| panic!("{}: {issues}\n{text}", row.name()));
        let model = &study.points[0].model;
        let facts = simulate(model, 0, Records::Jobs);
        assert_eq!(facts.records.len(), 1, "{}: one job", row.name());
        compare_outcome(&mut compare, &row, &model.workloads[0].kind, &facts.records[0]);
    }
    compare.finish();
}
