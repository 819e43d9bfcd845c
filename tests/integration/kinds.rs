//! What becomes of one job of every kind, by the second at which the user's token dies: a table for each kind.
//!
//! The rows are read off the records and sources that each table names, never off the simulator. Requests take no time
//! in them, so that a step which follows another of its kind at the same instant is never the first to be refused; the
//! last test makes sure that no other step is missing.

use std::collections::BTreeSet;

use outlast::jobs::builtins;
use outlast::model::vocabulary::Reason;
use outlast::model::{Kind, Model, StepId};
use outlast::observe::{JobRecord, Outcome};
use outlast::units::Instant;

use crate::support::{NO_CACHES, records, study};

mod boots;
mod images;
mod moves;
mod volumes;

/// Lives for the whole of every job.
const ALIVE: i64 = 3_600;

const NOVA_SENDS: &str = "nova.service_user.send_service_user_token = true\n";
const CINDER_SENDS: &str = "cinder.service_user.send_service_user_token = true\n";
const BOTH_SEND: &str = "nova.service_user.send_service_user_token = true
cinder.service_user.send_service_user_token = true\n";

/// A kind, and jobs of it.
pub(super) struct Table {
    job: &'static str,
    /// Of every row: how long its phases take.
    quantities: &'static str,
    rows: &'static [Row],
}

/// One job in a cloud of its own.
pub(super) struct Row {
    /// The second, from its submission, at which the user's token dies.
    dies: i64,
    settings: &'static str,
    workload: &'static str,
    /// The second at which it ends.
    ended: i64,
    end: End,
    /// The states of its resources at the end but for `none`, in the order of the kind.
    left: &'static str,
    /// The refusal that was only logged.
    caught: Option<&'static str>,
}

/// How a job ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Completed,
    Failed {
        step: &'static str,
        reason: Reason,
        http_status: u16,
        cause: (&'static str, Reason, i64),
        cleanup: &'static str,
    },
}

/// A job that completes.
const fn completes(dies: i64, settings: &'static str, workload: &'static str, ended: i64, left: &'static str) -> Row {
    Row { dies, settings, workload, ended, end: End::Completed, left, caught: None }
}

/// A job that fails at a step, for a reason, with a status.
const fn fails(
    dies: i64,
    settings: &'static str,
    workload: &'static str,
    ended: i64,
    (step, reason, http_status): (&'static str, Reason, u16),
    left: &'static str,
) -> Row {
    let end = End::Failed { step, reason, http_status, cause: (step, reason, ended), cleanup: "none" };
    Row { dies, settings, workload, ended, end, left, caught: None }
}

impl Row {
    /// What was refused first, and when, if it is not what failed the job.
    const fn because(self, first_step: &'static str, first_reason: Reason, at: i64) -> Row {
        match self.end {
            End::Completed => self,
            End::Failed { step, reason, http_status, cleanup, .. } => {
                let cause = (first_step, first_reason, at);
                Row { end: End::Failed { step, reason, http_status, cause, cleanup }, ..self }
            }
        }
    }

    /// What became of the clean-up.
    const fn cleanup(self, cleanup: &'static str) -> Row {
        match self.end {
            End::Completed => self,
            End::Failed { step, reason, http_status, cause, .. } => {
                Row { end: End::Failed { step, reason, http_status, cause, cleanup }, ..self }
            }
        }
    }

    const fn caught(self, step: &'static str) -> Row {
        Row { caught: Some(step), ..self }
    }

    /// Whether the user's token dies while the job runs, which completes all the same.
    fn is_saved(&self) -> bool {
        self.end == End::Completed && self.dies < self.ended
    }
}

/// One job of the kind.
fn model(table: &Table, dies: i64, settings: &str, workload: &str) -> Model {
    let caches = if settings.contains("token_cache_time") { "" } else { NO_CACHES };
    let text = format!(
        "name = \"row\"\nrun.duration = \"1s\"\n{caches}neutron.keystone_authtoken.token_cache_time = -1\n{settings}
        [[workload]]\njob = \"{}\"\narrivals = {{ every = \"1s\" }}\ntoken_age = \"{}s\"\n{}\n{workload}",
        table.job,
        3_600 - dies,
        table.quantities,
    );
    study(&text).points.remove(0).model
}

fn only_record(model: &Model) -> JobRecord {
    records(model, 0).pop().expect("one job")
}

fn end(kind: &Kind, record: &JobRecord) -> String {
    let name = |step: StepId| kind.step_name(step).to_owned();
    let seconds = |at: Instant| at.since(Instant::START).seconds();
    match record.outcome {
        Outcome::Completed => "completed".to_owned(),
        Outcome::Unfinished => "unfinished".to_owned(),
        Outcome::Failed(failure) => {
            let cause = failure.first_cause;
            format!(
                "{} {} {}, first {} {} at {} s, cleanup {}",
                name(failure.step),
                failure.reason.code(),
                failure.http_status,
                name(cause.step),
                cause.reason.code(),
                seconds(cause.at),
                record.cleanup.expect("a failed job has one").code(),
            )
        }
    }
}

fn expected_end(end: End) -> String {
    match end {
        End::Completed => "completed".to_owned(),
        End::Failed { step, reason, http_status, cause: (first, why, at), cleanup } => {
            let (reason, why) = (reason.code(), why.code());
            format!("{step} {reason} {http_status}, first {first} {why} at {at} s, cleanup {cleanup}")
        }
    }
}

fn left(kind: &Kind, record: &JobRecord) -> String {
    let states = kind.resources.iter().zip(&record.resources).filter(|(_, state)| **state != 0);
    let words: Vec<String> =
        states.map(|(resource, &state)| format!("{} {}", resource.name, resource.states[usize::from(state)])).collect();
    words.join(", ")
}

/// What is not as a row says.
fn differences(table: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for Row { dies, settings, workload, ended, end: expected, left: expected_left, caught: expected_caught } in
        table.rows
    {
        let model = model(table, *dies, settings, workload);
        let (kind, record) = (&model.workloads[0].kind, only_record(&model));
        let caught = record.caught.map(|caught| kind.step_name(caught.step));
        let at = record.ended.map(|ended| ended.since(Instant::START).seconds());
        let is = format!("{} at {at:?} s, left: {}, caught: {caught:?}", end(kind, &record), left(kind, &record));
        let ought = format!(
            "{} at {:?} s, left: {expected_left}, caught: {expected_caught:?}",
            expected_end(*expected),
            Some(*ended as f64)
        );
        if is != ought {
            found.push(format!("{}, token dies at {dies} s, {settings} {workload}\n  {ought}\n  {is}", table.job));
        }
    }
    found
}

fn tables() -> impl Iterator<Item = &'static Table> {
    [boots::TABLES, images::TABLES, moves::TABLES, volumes::TABLES].into_iter().flatten()
}

#[test]
fn every_kind_ends_as_its_table_says() {
    let found: Vec<String> = tables().flat_map(differences).collect();
    assert!(found.is_empty(), "the row, then what came of it:\n{}", found.join("\n"));
}

#[test]
fn every_kind_has_a_table_with_a_good_end_a_bad_one_and_a_remedy() {
    let written: Vec<&str> = tables().map(|table| table.job).collect();
    for definition in builtins() {
        let name = definition.kind.name.as_str();
        assert_eq!(written.iter().filter(|job| **job == name).count(), 1, "{name}");
    }
    assert_eq!(written.len(), builtins().len());
    for table in tables() {
        let has = |is: fn(&Row) -> bool| table.rows.iter().any(is);
        assert!(has(|row| row.dies == ALIVE && row.end == End::Completed), "{}: it completes", table.job);
        assert!(has(|row| row.dies < ALIVE && row.end != End::Completed), "{}: it fails", table.job);
        assert!(has(Row::is_saved), "{}: something helps", table.job);
    }
}

/// Under the settings of each row, a token that dies at any other second fails the job at no step without a row.
#[test]
fn no_step_is_left_out() {
    for table in tables() {
        let step = |row: &Row| match row.end {
            End::Failed { step, .. } => Some(step),
            End::Completed => None,
        };
        let known: BTreeSet<&str> = table.rows.iter().filter_map(step).collect();
        let clouds: BTreeSet<(&str, &str)> = table.rows.iter().map(|row| (row.settings, row.workload)).collect();
        for (settings, workload) in clouds {
            let longest = table.rows.iter().map(|row| row.ended).max().unwrap_or(0);
            for dies in 0..=longest {
                let model = model(table, dies, settings, workload);
                if let Outcome::Failed(failure) = only_record(&model).outcome {
                    let step = model.workloads[0].kind.step_name(failure.step);
                    assert!(known.contains(step), "{}: {step}, dies at {dies} s: {settings}", table.job);
                }
            }
        }
    }
}
