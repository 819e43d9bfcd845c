//! Every column of every CSV file, once: its name, what it means, and where its value comes from.
//!
//! The CSV writers, the JSON output and `docs/OUTPUT.md` follow from these tables. No column is computed here.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::analysis::{LinkRow, PointResult, PoolRow, Summary};
use crate::model::study::{Point, Study};
use crate::model::{Model, Quantity, QuantityUnit, ServiceId, Workload};
use crate::observe::{Failure, JobRecord, Outcome, ServiceFacts};
use crate::units::{ExactSeconds, Span};

use super::words;

/// A value on its way into a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Nothing is known, or nothing applies: empty in CSV, null in JSON.
    Missing,
    /// A name or code.
    Text(Cow<'a, str>),
    /// A number of things.
    Count(u64),
    /// A real number, written with six significant digits.
    Number(f64),
    /// Seconds, written to a millisecond.
    Seconds(f64),
    /// Microseconds, written as seconds that lose nothing.
    Exact(i64),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: &'a str) -> Cell<'a> {
        Cell::Text(Cow::Borrowed(text))
    }

    pub(super) fn number(value: Option<f64>) -> Cell<'a> {
        value.map_or(Cell::Missing, Cell::Number)
    }

    fn seconds(value: Option<Span>) -> Cell<'a> {
        value.map_or(Cell::Missing, |span| Cell::Seconds(span.seconds()))
    }

    /// Appends the value as CSV has it, without quotes.
    pub(crate) fn write(&self, buffer: &mut String) {
        // Writing into a string cannot fail.
        let _ = match self {
            Cell::Missing => Ok(()),
            Cell::Text(text) => buffer.write_str(text),
            Cell::Count(count) => write!(buffer, "{count}"),
            Cell::Number(value) => buffer.write_str(&words::six_digits(*value)),
            Cell::Seconds(value) => buffer.write_str(&words::millis(*value)),
            Cell::Exact(micros) => write!(buffer, "{}", ExactSeconds(*micros)),
        };
    }
}

/// Where a row stands.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) study: &'a Study,
    pub(crate) point: &'a Point,
    /// How many replications the row speaks of; for a row of one replication, its number.
    pub(crate) replications: u32,
}

impl<'a> Place<'a> {
    pub(super) fn workload(&self, index: usize) -> &'a Workload {
        &self.point.model.workloads[index]
    }
}

/// One column.
pub(crate) struct Column<R: 'static> {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) cell: for<'a> fn(Place<'a>, &'a R) -> Cell<'a>,
}

/// Where the value of a drawn quantity comes from.
type OfQuantity<R> = for<'a> fn(Place<'a>, &'a R, &Quantity) -> Cell<'a>;

/// What stands at a place of a table.
pub(crate) enum Slot<R: 'static> {
    /// One column, whatever the scenario.
    Fixed(Column<R>),
    /// A column per swept key.
    Sweep,
    /// A column per quantity that the job kinds of the study draw.
    Quantities(OfQuantity<R>),
}

/// One file.
pub(crate) struct Table<R: 'static> {
    pub(crate) file: &'static str,
    pub(crate) about: &'static str,
    pub(crate) slots: &'static [Slot<R>],
}

/// A column of a table for one study.
enum Bound<R: 'static> {
    Fixed(&'static Column<R>),
    Axis(usize),
    Quantity(Quantity, OfQuantity<R>),
}

/// The columns of a table for one study, in order.
pub(crate) struct Columns<R: 'static> {
    names: Vec<String>,
    bound: Vec<Bound<R>>,
}

impl<R> Table<R> {
    /// The table's columns for this study.
    pub(crate) fn columns(&self, study: &Study) -> Columns<R> {
        let mut columns = Columns { names: Vec::new(), bound: Vec::new() };
        for slot in self.slots {
            match slot {
                Slot::Fixed(column) => columns.push(column.name.to_string(), Bound::Fixed(column)),
                Slot::Sweep => {
                    for (index, axis) in study.axes.iter().enumerate() {
                        columns.push(axis.column.clone(), Bound::Axis(index));
                    }
                }
                Slot::Quantities(cell) => {
                    for quantity in quantities(study) {
                        columns.push(quantity.column(), Bound::Quantity(quantity.clone(), *cell));
                    }
                }
            }
        }
        columns
    }
}

impl<R> Columns<R> {
    fn push(&mut self, name: String, bound: Bound<R>) {
        self.names.push(name);
        self.bound.push(bound);
    }

    /// Their names.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The values of one row.
    pub(crate) fn cells<'a>(&'a self, place: Place<'a>, row: &'a R) -> impl Iterator<Item = Cell<'a>> {
        self.bound.iter().map(move |bound| match bound {
            Bound::Fixed(column) => (column.cell)(place, row),
            Bound::Axis(index) => Cell::text(&place.study.axes[*index].values[place.point.values[*index]].cell),
            Bound::Quantity(quantity, cell) => cell(place, row, quantity),
        })
    }
}

/// What the jobs of a study draw, in the order of first appearance: a column for each name and unit.
fn quantities(study: &Study) -> Vec<&Quantity> {
    let mut quantities: Vec<&Quantity> = Vec::new();
    for workload in study.points.iter().flat_map(|point| point.model.workloads.iter()) {
        for quantity in &workload.kind.quantities {
            if !quantities.iter().any(|known| share_a_column(known, quantity)) {
                quantities.push(quantity);
            }
        }
    }
    quantities
}

fn share_a_column(one: &Quantity, other: &Quantity) -> bool {
    one.name == other.name && one.unit == other.unit
}

fn drawn<'a>(place: Place<'a>, record: &'a JobRecord, quantity: &Quantity) -> Cell<'a> {
    let quantities = &place.workload(record.workload).kind.quantities;
    let Some(index) = quantities.iter().position(|known| share_a_column(known, quantity)) else {
        return Cell::Missing;
    };
    // What was not known when the job was submitted, such as the time of a copy over a shared link, is negative.
    let Ok(value) = u64::try_from(record.quantities[index]) else { return Cell::Missing };
    match quantity.unit {
        QuantityUnit::Seconds => Cell::Exact(record.quantities[index]),
        QuantityUnit::Bytes | QuantityUnit::Count => Cell::Count(value),
    }
}

fn failure(record: &JobRecord) -> Option<&Failure> {
    match &record.outcome {
        Outcome::Failed(failure) => Some(failure),
        Outcome::Completed | Outcome::Unfinished => None,
    }
}

/// A cell that only failed jobs have.
fn of_failure<'a>(record: &'a JobRecord, cell: impl FnOnce(&'a Failure) -> Cell<'a>) -> Cell<'a> {
    failure(record).map_or(Cell::Missing, cell)
}

macro_rules! fixed {
    ($name:literal, $meaning:literal, $cell:expr) => {
        Slot::Fixed(Column { name: $name, meaning: $meaning, cell: $cell })
    };
}

// Behind the macro, which they use.
mod failures;
mod margins;
mod replications;

pub(crate) use failures::FAILURES;
pub(crate) use margins::{MARGINS, Margin};
pub(crate) use replications::REPLICATIONS;

/// `summary.csv`.
pub(crate) const SUMMARY: Table<Summary> = Table {
    file: "summary.csv",
    about: "A row per point and workload, and one per point that sums the workloads, named `all`.",
    slots: &[
        fixed!("scenario", "Name of the scenario.", |place, _| Cell::text(&place.study.name)),
        fixed!("point", "Number of the point in the sweep, from 0.", |place, _| Cell::Count(place.point.number as u64)),
        Slot::Sweep,
        fixed!("workload", "Name of the workload, or `all`.", |place, row| Cell::text(
            row.workload.map_or("all", |index| &place.workload(index).name)
        )),
        fixed!("job", "Kind of its jobs; empty for `all`.", |place, row| row
            .workload
            .map_or(Cell::Missing, |index| Cell::text(&place.workload(index).kind.name))),
        fixed!("replications", "Independent repetitions.", |place, _| Cell::Count(u64::from(place.replications))),
        fixed!("jobs", "Jobs submitted after the warm-up; `completed` + `failed` + `unfinished`.", |_, row| {
            Cell::Count(row.counts.jobs)
        }),
        fixed!("completed", "Jobs that ended well.", |_, row| Cell::Count(row.counts.completed)),
        fixed!("failed", "Jobs that ended badly.", |_, row| Cell::Count(row.counts.failed)),
        fixed!("unfinished", "Jobs that had not ended when the drain was over.", |_, row| Cell::Count(
            row.counts.unfinished
        )),
        fixed!("refused_at_submission", "Failed at the very first request; contained in `failed`.", |_, row| {
            Cell::Count(row.counts.refused_at_submission)
        }),
        fixed!(
            "failure_rate",
            "`failed` / (`completed` + `failed`), or its expectation (see `interval`).",
            |_, row| Cell::number(row.failure_rate.estimate)
        ),
        fixed!("failure_rate_low", "Lower end of its interval.", |_, row| Cell::number(
            row.failure_rate.interval.map(|interval| interval.low)
        )),
        fixed!("failure_rate_high", "Upper end of its interval.", |_, row| Cell::number(
            row.failure_rate.interval.map(|interval| interval.high)
        )),
        fixed!("token_failures", "Failed jobs whose first cause is a token's or key's.", |_, row| Cell::Count(
            row.counts.token_failures
        )),
        fixed!("token_failure_rate", "`token_failures` / (`completed` + `failed`), or its expectation.", |_, row| {
            Cell::number(row.token_failure_rate.estimate)
        }),
        fixed!("token_failure_rate_low", "Lower end of its interval.", |_, row| Cell::number(
            row.token_failure_rate.interval.map(|interval| interval.low)
        )),
        fixed!("token_failure_rate_high", "Upper end of its interval.", |_, row| Cell::number(
            row.token_failure_rate.interval.map(|interval| interval.high)
        )),
        fixed!("confidence", "Confidence level of the two-sided intervals.", |_, row| Cell::Number(row.confidence)),
        fixed!(
            "interval",
            "How the interval of `failure_rate` was found: `t` (ratio estimator over replications, Student's t), \
             `t_conditional` (the same, of what each job had to expect given its times: `run.estimator` is \
             `conditional`; the counts beside it stay counts) or `clopper_pearson` (exact binomial over jobs, where no \
             or every job failed; assumes independent jobs).",
            |_, row| row.failure_rate.interval.map_or(Cell::Missing, |interval| Cell::text(interval.method.code()))
        ),
        fixed!("orphans", "Resources that failed jobs left behind.", |_, row| Cell::Count(row.counts.orphans)),
        fixed!("duration_mean_s", "Mean duration of completed jobs, in seconds.", |_, row| row
            .duration_mean
            .map_or(Cell::Missing, Cell::Seconds)),
        fixed!("duration_p50_s", "Median duration of completed jobs, in seconds.", |_, row| Cell::seconds(
            row.durations.quantile(0.5)
        )),
        fixed!("duration_p95_s", "95th percentile of the same.", |_, row| Cell::seconds(row.durations.quantile(0.95))),
        fixed!("duration_p99_s", "99th percentile of the same.", |_, row| Cell::seconds(row.durations.quantile(0.99))),
        fixed!(
            "margin_p01_s",
            "1st percentile, over completed jobs, of the smallest time that was left until the applicable expiry or \
             window at any check, in seconds; negative where a cache let a token pass beyond it. Fernet keys do not \
             count.",
            |_, row| Cell::seconds(row.margins.quantile(0.01))
        ),
    ],
};

/// `jobs.csv`.
pub(crate) const JOBS: Table<JobRecord> = Table {
    file: "jobs.csv",
    about: "With `--jobs`: a row per counted job. Times and sizes are exact, so that the file can be replayed as a \
            trace.",
    slots: &[
        fixed!("scenario", "Name of the scenario.", |place, _| Cell::text(&place.study.name)),
        fixed!("point", "Number of the point in the sweep, from 0.", |place, _| Cell::Count(place.point.number as u64)),
        Slot::Sweep,
        fixed!("workload", "Name of the workload.", |place, job| Cell::text(&place.workload(job.workload).name)),
        fixed!("job", "Kind of job.", |place, job| Cell::text(&place.workload(job.workload).kind.name)),
        fixed!("replication", "Number of the replication, from 0.", |place, _| Cell::Count(u64::from(
            place.replications
        ))),
        fixed!("job_id", "Number of the job in its workload; names its random streams.", |_, job| Cell::Count(
            job.ordinal
        )),
        fixed!("submitted_s", "When it was submitted, in seconds since the start.", |_, job| Cell::Exact(
            job.submitted.micros()
        )),
        fixed!("token_age_s", "Age of the user's token at submission, in seconds.", |_, job| Cell::Exact(
            job.token_age.micros()
        )),
        Slot::Quantities(drawn),
        fixed!(
            "ended_s",
            "When its outcome was decided, in seconds since the start; empty if unfinished.",
            |_, job| { job.ended.map_or(Cell::Missing, |ended| Cell::Exact(ended.micros())) }
        ),
        fixed!("outcome", "`completed`, `failed` or `unfinished`.", |_, job| Cell::text(match job.outcome {
            Outcome::Completed => "completed",
            Outcome::Failed(_) => "failed",
            Outcome::Unfinished => "unfinished",
        })),
        fixed!("step", "Where the job's own process saw the failure.", |place, job| of_failure(job, |failure| {
            Cell::text(place.workload(job.workload).kind.step_name(failure.step))
        })),
        fixed!("reason", "What it saw.", |_, job| of_failure(job, |failure| Cell::text(failure.reason.code()))),
        fixed!("http_status", "What the step's caller got.", |_, job| of_failure(job, |failure| Cell::Count(
            u64::from(failure.http_status)
        ))),
        fixed!("first_cause_step", "Where the failure began.", |place, job| of_failure(job, |failure| {
            Cell::text(place.workload(job.workload).kind.step_name(failure.first_cause.step))
        })),
        fixed!("first_cause_reason", "What began it.", |_, job| of_failure(job, |failure| Cell::text(
            failure.first_cause.reason.code()
        ))),
        fixed!("first_cause_s", "When it began, in seconds since the start.", |_, job| of_failure(job, |failure| {
            Cell::Exact(failure.first_cause.at.micros())
        })),
        fixed!("cleanup", "What the clean-up after the failure came to.", |_, job| job
            .cleanup
            .map_or(Cell::Missing, |cleanup| Cell::Text(cleanup.code()))),
        fixed!("orphans", "Resources that the job left behind.", |_, job| Cell::Count(u64::from(job.orphans))),
        fixed!("polls", "Polls sent; one repeated after a 401 counts once.", |_, job| Cell::Count(u64::from(
            job.polls
        ))),
        fixed!("attempts", "Times that cinder-volume started on the volume.", |_, job| Cell::Count(u64::from(
            job.attempts
        ))),
        fixed!("keystone_validations", "Validations that its requests made services ask of Keystone.", |_, job| {
            Cell::Count(u64::from(job.keystone_validations))
        }),
        fixed!("service_tokens_issued", "Service tokens issued for its requests.", |_, job| Cell::Count(u64::from(
            job.service_tokens_issued
        ))),
    ],
};

/// Who served: a row of `services.csv`.
pub(crate) enum Server {
    Service(ServiceId, ServiceFacts),
    Pool(PoolRow),
    Link(LinkRow),
}

impl Server {
    /// Whose the links are, as scenarios have it.
    const CLOUD: &'static str = "cloud";

    /// Every row of a point: each service before its pools, and last the links.
    pub(crate) fn all(model: &Model, result: &PointResult) -> Vec<Server> {
        let mut rows = Vec::new();
        for service in (0..=u8::MAX).map(ServiceId).take(model.services.len()) {
            let itself = result.services.iter().find(|(of, _)| *of == service);
            rows.extend(itself.map(|(_, facts)| Server::Service(service, *facts)));
            let pools = result.pools.iter().filter(|row| model.pool(row.pool).service == service);
            rows.extend(pools.cloned().map(Server::Pool));
        }
        rows.extend(result.links.iter().copied().map(Server::Link));
        rows
    }

    fn service<'a>(&self, model: &'a Model) -> &'a str {
        match self {
            Server::Service(service, _) => &model.service(*service).name,
            Server::Pool(row) => &model.service(model.pool(row.pool).service).name,
            Server::Link(_) => Self::CLOUD,
        }
    }

    fn pool<'a>(&self, model: &'a Model) -> Cell<'a> {
        match self {
            Server::Service(..) => Cell::Missing,
            Server::Pool(row) => Cell::text(&model.pool(row.pool).name),
            Server::Link(row) => Cell::text(&model.links[row.link.index()].name),
        }
    }

    /// A cell that only services have.
    fn of_service<'a>(&self, count: fn(&ServiceFacts) -> u64) -> Cell<'a> {
        match self {
            Server::Service(_, facts) => Cell::Count(count(facts)),
            Server::Pool(_) | Server::Link(_) => Cell::Missing,
        }
    }

    /// A cell that only pools have.
    fn of_pool<'a>(&self, cell: impl FnOnce(&PoolRow) -> Cell<'a>) -> Cell<'a> {
        match self {
            Server::Pool(row) => cell(row),
            Server::Service(..) | Server::Link(_) => Cell::Missing,
        }
    }
}

/// `services.csv`.
pub(crate) const SERVICES: Table<Server> = Table {
    file: "services.csv",
    about: "A row per point and service, over requests that arrived after the warm-up; services that only some jobs need \
            (Neutron) have a row where they were asked for something. Behind it a row per pool of the service that has a \
            limit, and last, as those of `cloud`, a row per link whose bandwidth copies share.",
    slots: &[
        fixed!("scenario", "Name of the scenario.", |place, _| Cell::text(&place.study.name)),
        fixed!("point", "Number of the point in the sweep, from 0.", |place, _| Cell::Count(place.point.number as u64)),
        Slot::Sweep,
        fixed!("service", "Name of the service; `cloud` for links.", |place, row| Cell::text(
            row.service(&place.point.model)
        )),
        fixed!(
            "pool",
            "Name of the pool (`api`: the service's API workers) or link; empty for the service as a whole.",
            |place, row| row.pool(&place.point.model)
        ),
        fixed!(
            "requests",
            "Requests taken up, refused ones included; for Keystone, validations; for a pool, who asked for a slot.",
            |_, row| match row {
                Server::Service(_, facts) => Cell::Count(facts.requests),
                Server::Pool(row) => Cell::Count(row.arrived),
                Server::Link(_) => Cell::Missing,
            }
        ),
        fixed!("keystone_validations", "Validations that it asked of Keystone.", |_, row| row
            .of_service(|facts| facts.keystone_validations)),
        fixed!("cache_hits", "Tokens that its cache answered for.", |_, row| row.of_service(|facts| facts.cache_hits)),
        fixed!("refused", "Requests refused with 401; for Keystone, validations answered 404.", |_, row| row
            .of_service(|facts| facts.refused)),
        fixed!(
            "utilisation",
            "Share of its slots that were held, or of its bandwidth that was used, from the end of the warm-up to the end \
             of arrivals; empty for services, and where for some of the time there was no limit.",
            |_, row| match row {
                Server::Service(..) => Cell::Missing,
                Server::Pool(row) => Cell::number(row.utilisation),
                Server::Link(row) => Cell::number(row.utilisation),
            }
        ),
        fixed!("wait_mean_s", "Mean wait of those who got a slot, in seconds.", |_, row| row
            .of_pool(|row| row.wait_mean.map_or(Cell::Missing, Cell::Seconds))),
        fixed!("wait_p99_s", "99th percentile of the same.", |_, row| row
            .of_pool(|row| Cell::seconds(row.waits.quantile(0.99)))),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::study::Metric;
    use crate::report::fixture;

    #[test]
    fn the_columns_stand_in_the_order_of_the_contract() {
        let study = fixture::single().study;
        assert_eq!(
            SUMMARY.columns(&study).names().join(","),
            "scenario,point,workload,job,replications,jobs,completed,failed,unfinished,refused_at_submission,\
             failure_rate,failure_rate_low,failure_rate_high,token_failures,token_failure_rate,token_failure_rate_low,\
             token_failure_rate_high,confidence,interval,orphans,duration_mean_s,duration_p50_s,duration_p95_s,\
             duration_p99_s,margin_p01_s"
        );
        assert_eq!(
            REPLICATIONS.columns(&study).names().join(","),
            "scenario,point,workload,job,replication,jobs,completed,failed,unfinished,refused_at_submission,\
             token_failures,orphans,duration_mean_s,duration_p50_s,duration_p95_s,duration_p99_s,margin_p01_s"
        );
        assert_eq!(
            FAILURES.columns(&study).names().join(","),
            "scenario,point,workload,job,step,reason,first_cause_step,first_cause_reason,jobs,share_of_finished,orphans,\
             remedy,remedy_saves_jobs"
        );
        assert_eq!(
            JOBS.columns(&study).names().join(","),
            "scenario,point,workload,job,replication,job_id,submitted_s,token_age_s,image_size_bytes,build_queue_s,\
             cinder_queue_s,download_s,convert_s,attach_s,ended_s,outcome,step,reason,http_status,first_cause_step,\
             first_cause_reason,first_cause_s,cleanup,orphans,polls,attempts,keystone_validations,\
             service_tokens_issued"
        );
        assert_eq!(
            SERVICES.columns(&study).names().join(","),
            "scenario,point,service,pool,requests,keystone_validations,cache_hits,refused,utilisation,wait_mean_s,\
             wait_p99_s"
        );
    }

    #[test]
    fn every_metric_is_a_column() {
        let study = fixture::single().study;
        let columns = SUMMARY.columns(&study);
        for metric in Metric::ALL {
            assert!(columns.names().iter().any(|name| name == metric.code()), "{}", metric.code());
        }
    }

    #[test]
    fn swept_keys_stand_after_the_point() {
        let study = fixture::grid().study;
        for names in [SUMMARY.columns(&study).names(), SERVICES.columns(&study).names()] {
            assert_eq!(names[1], "point");
            assert_eq!(names[2], "keystone.token.expiration_s");
            assert_eq!(names[3], "keystone.token.allow_expired_window_s");
        }
    }

    #[test]
    fn drawn_quantities_are_those_of_all_kinds() {
        let mut study = fixture::single().study;
        let workloads = &mut study.points[0].model.workloads;
        let quantity = |name: &str, unit| Quantity { name: name.into(), unit, meaning: String::new(), derived: None };
        let mut kind = crate::model::Kind::clone(&workloads[0].kind);
        kind.quantities = vec![
            quantity("chunks", QuantityUnit::Count),
            quantity("convert", QuantityUnit::Seconds),
            quantity("attach", QuantityUnit::Bytes),
        ];
        *workloads = [workloads[0].clone(), Workload { kind: kind.into(), ..workloads[0].clone() }].into();
        let columns = JOBS.columns(&study);
        let at = columns.names().iter().position(|name| name == "image_size_bytes").unwrap();
        assert_eq!(
            columns.names()[at..at + 9].join(","),
            "image_size_bytes,build_queue_s,cinder_queue_s,download_s,convert_s,attach_s,chunks,attach_bytes,ended_s"
        );
        let place = Place { study: &study, point: &study.points[0], replications: 0 };
        let job = JobRecord {
            caught: None,
            workload: 1,
            ordinal: 0,
            submitted: crate::units::Instant::START,
            token_age: Span::ZERO,
            quantities: vec![3, 2_500_000, 7],
            ended: None,
            outcome: Outcome::Unfinished,
            cleanup: None,
            resources: vec![0],
            orphans: 0,
            polls: 0,
            attempts: 0,
            keystone_validations: 0,
            service_tokens_issued: 0,
        };
        let cells: Vec<Cell<'_>> = columns.cells(place, &job).skip(at).take(8).collect();
        let missing = Cell::Missing;
        assert_eq!(cells[..4], [missing.clone(), missing.clone(), missing.clone(), missing.clone()]);
        assert_eq!(cells[4..], [Cell::Exact(2_500_000), missing.clone(), Cell::Count(3), Cell::Count(7)]);
        let unknown = JobRecord { quantities: vec![3, -1, -1], ..job };
        let cells: Vec<Cell<'_>> = columns.cells(place, &unknown).skip(at).take(8).collect();
        assert_eq!(cells[4..], [missing.clone(), missing.clone(), Cell::Count(3), missing], "what was not known");
    }
}
