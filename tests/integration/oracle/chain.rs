//! Whole boot-from-volume jobs, one a row, each written as a scenario file and run by the `simulate` that users run.

use std::path::Path;

use outlast::cloud::{Polls, Records, simulate, simulate_polls};
use outlast::model::StepId;
use outlast::observe::{JobRecord, Outcome};
use outlast::scenario::{Overrides, load_text};
use outlast::units::{ExactSeconds, Instant};

use super::{Compare, Row, table};
use crate::support::{boot_from_volume, volume};

const COLUMNS: &[&str] = &[
    "case",
    "expiration",
    "window",
    "max_active_keys",
    "rotations",
    "token_age",
    "svc_token_age",
    "build_queue",
    "cinder_queue",
    "download",
    "convert",
    "attach",
    "poll_interval",
    "poll_attempts",
    "delete_on_termination",
    "nova_sends",
    "nova_role",
    "cinder_sends",
    "cinder_role",
    "nova_api_role",
    "cinder_roles_required",
    "glance_roles_required",
    "cinder_cache",
    "glance_cache",
    "glance_store",
    "revoked_at",
    "nova_svc_disabled_at",
    "cinder_svc_disabled_at",
    "outcome",
    "ended_at",
    "failed_step",
    "reason",
    "http_status",
    "first_cause_at",
    "first_cause_step",
    "first_cause_reason",
    "first_cause_status",
    "cleanup",
    "volume_final",
    "volume_orphaned",
    "polls",
    "cinder_attempts",
    "keystone_validations",
    "service_tokens_issued",
];

/// The row as a scenario file with one job.
fn scenario(row: &Row<'_>) -> String {
    let roles = |column: &str, without: &str| format!(r#"["{}"]"#, if row.flag(column) { "service" } else { without });
    let key = |name: &str, column: &str| {
        row.opt_int(column).map_or(String::new(), |seconds| format!("{name} = \"{seconds}s\"\n"))
    };
    let disabled = |column: &str| row.opt_int(column).map_or(String::new(), |at| format!(", disabled_at = \"{at}s\""));
    let rotations: Vec<String> =
        row.text("rotations").split(';').filter(|at| !at.is_empty()).map(|at| format!("\"{at}s\"")).collect();
    let store = match row.text("glance_store") {
        "file" => "default_store = \"file\"",
        "swift_multi_tenant" => "default_store = \"swift\"\nswift_store_multi_tenant = true",
        _ => row.unexpected("glance_store", "file or swift_multi_tenant"),
    };
    format!(
        r#"
name = "case-{case}"
[run]
replications = 1
duration = "1s"
[keystone.token]
expiration = {expiration}
allow_expired_window = {window}
[keystone.fernet_tokens]
max_active_keys = {keys}
[cloud.fernet_rotation]
at = [{rotations}]
[nova.DEFAULT]
block_device_allocate_retries = {retries}
block_device_allocate_retries_interval = {interval}
[nova.service_user]
send_service_user_token = {nova_sends}
[cinder.service_user]
send_service_user_token = {cinder_sends}
[nova.keystone_authtoken]
token_cache_time = -1
[cinder.keystone_authtoken]
service_token_roles_required = {cinder_required}
token_cache_time = {cinder_cache}
[glance.keystone_authtoken]
service_token_roles_required = {glance_required}
token_cache_time = {glance_cache}
[glance.glance_store]
{store}
[cloud.service_users]
nova = {{ roles = {nova_roles}{nova_disabled} }}
cinder = {{ roles = {cinder_roles}{cinder_disabled} }}
nova_authtoken = {{ roles = {nova_api_roles} }}
[[workload]]
job = "boot-from-volume"
arrivals = {{ every = "1s" }}
token_age = "{token_age}s"
build_queue = "{build_queue}s"
cinder_queue = "{cinder_queue}s"
download = "{download}s"
convert = "{convert}s"
attach = "{attach}s"
delete_on_termination = {delete}
{held}{revoked}"#,
        case = row.text("case"),
        expiration = row.int("expiration"),
        window = row.int("window"),
        keys = row.count("max_active_keys"),
        rotations = rotations.join(", "),
        retries = row.int("poll_attempts") - 1,
        interval = row.int("poll_interval"),
        nova_sends = row.flag("nova_sends"),
        cinder_sends = row.flag("cinder_sends"),
        cinder_required = row.flag("cinder_roles_required"),
        cinder_cache = row.int("cinder_cache"),
        glance_required = row.flag("glance_roles_required"),
        glance_cache = row.int("glance_cache"),
        nova_roles = roles("nova_role", "member"),
        nova_disabled = disabled("nova_svc_disabled_at"),
        cinder_roles = roles("cinder_role", "member"),
        cinder_disabled = disabled("cinder_svc_disabled_at"),
        nova_api_roles = roles("nova_api_role", "admin"),
        token_age = row.int("token_age"),
        build_queue = row.int("build_queue"),
        cinder_queue = row.int("cinder_queue"),
        download = row.int("download"),
        convert = row.int("convert"),
        attach = row.int("attach"),
        delete = row.flag("delete_on_termination"),
        held = key("service_token_age", "svc_token_age"),
        revoked = key("revoke_after", "revoked_at"),
    )
}

fn compare_outcome(compare: &mut Compare, row: &Row<'_>, job: &JobRecord) {
    let name = |step: StepId| boot_from_volume().step_name(step);
    let (outcome, failure) = match job.outcome {
        Outcome::Completed => ("completed", None),
        Outcome::Failed(failure) => ("failed", Some(failure)),
        Outcome::Unfinished => ("unfinished", None),
    };
    let cause = failure.map(|failure| failure.first_cause);
    let seconds = |instant: Instant| ExactSeconds::from(instant);
    compare.column(row, "outcome", outcome);
    compare.optional(row, "ended_at", job.ended.map(seconds));
    compare.optional(row, "failed_step", failure.map(|failure| name(failure.step)));
    compare.optional(row, "reason", failure.map(|failure| failure.reason.code()));
    compare.optional(row, "http_status", failure.map(|failure| failure.http_status));
    compare.optional(row, "first_cause_at", cause.map(|cause| seconds(cause.at)));
    compare.optional(row, "first_cause_step", cause.map(|cause| name(cause.step)));
    compare.optional(row, "first_cause_reason", cause.map(|cause| cause.reason.code()));
    compare.optional(row, "first_cause_status", cause.map(|cause| cause.http_status));
    compare.optional(row, "cleanup", job.cleanup.map(|cleanup| cleanup.code()));
    compare.column(row, "volume_final", volume(job));
    compare.flag(row, "volume_orphaned", job.orphans > 0);
    compare.column(row, "polls", job.polls);
    compare.column(row, "cinder_attempts", job.attempts);
    compare.column(row, "keystone_validations", job.keystone_validations);
}

#[test]
fn chain() {
    let Some(table) = table("chain") else { return };
    table.expect_columns(COLUMNS);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let text = scenario(&row);
        let study = load_text("chain.toml", &text, Path::new("."), &Overrides::default())
            .unwrap_or_else(|issues| panic!("{}: {issues}\n{text}", row.name()));
        let facts = simulate(&study.points[0].model, 0, Records::Jobs);
        assert_eq!(facts.records.len(), 1, "{}: one job", row.name());
        let with_every_poll = simulate_polls(&study.points[0].model, 0, Records::Jobs, Polls::Events);
        assert_eq!(facts.records, with_every_poll.records, "{}: with every poll as an event", row.name());
        compare_outcome(&mut compare, &row, &facts.records[0]);
        compare.column(&row, "service_tokens_issued", facts.service_tokens_issued);
    }
    compare.finish();
}
