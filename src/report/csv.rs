//! The CSV files: rows of facts and numbers into any writer. Where they lie is the folder's business.

use std::io::Write;

use crate::analysis::{PointResult, WarmUp};
use crate::model::study::{Point, Study};
use crate::observe::JobRecord;

use super::columns::{Columns, FAILURES, JOBS, MARGINS, Margin, Place, REPLICATIONS, SERVICES, SUMMARY, Server, Table};
use super::warm_up::{Row, WARM_UP};

/// Writes rows of one table.
struct Rows<W: Write, R: 'static> {
    columns: Columns<R>,
    writer: ::csv::Writer<W>,
    /// Reused for every cell: a run may write millions.
    cell: String,
}

impl<W: Write, R> Rows<W, R> {
    fn new(table: &Table<R>, study: &Study, writer: W) -> Result<Self, ::csv::Error> {
        let mut rows = Rows::continued(table, study, writer);
        rows.writer.write_record(rows.columns.names())?;
        Ok(rows)
    }

    /// Rows behind others, whose header was written.
    fn continued(table: &Table<R>, study: &Study, writer: W) -> Self {
        Rows { columns: table.columns(study), writer: ::csv::Writer::from_writer(writer), cell: String::new() }
    }

    fn write(&mut self, place: Place<'_>, row: &R) -> Result<(), ::csv::Error> {
        for cell in self.columns.cells(place, row) {
            self.cell.clear();
            cell.write(&mut self.cell);
            self.writer.write_field(&self.cell)?;
        }
        self.writer.write_record(None::<&[u8]>)
    }

    fn finish(mut self) -> Result<(), ::csv::Error> {
        Ok(self.writer.flush()?)
    }
}

impl<R> Rows<Vec<u8>, R> {
    fn into_inner(self) -> Vec<u8> {
        self.writer.into_inner().expect("memory takes everything")
    }
}

/// Where the rows of a result stand; a result of a point that the study does not have stands nowhere.
pub(crate) fn places<'a>(
    study: &'a Study,
    results: &'a [PointResult],
) -> impl Iterator<Item = (Place<'a>, &'a PointResult)> {
    results.iter().filter_map(move |result| {
        let point = super::point(study, result.point)?;
        Some((Place { study, point, replications: result.replications }, result))
    })
}

/// Writes `warm_up.csv`, point by point.
pub struct WarmUpWriter<'s, W: Write> {
    study: &'s Study,
    rows: Rows<W, Row>,
}

impl<'s, W: Write> WarmUpWriter<'s, W> {
    /// Starts with the heading.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn new(writer: W, study: &'s Study) -> Result<Self, ::csv::Error> {
        Ok(WarmUpWriter { study, rows: Rows::new(&WARM_UP, study, writer)? })
    }

    /// Writes the rows of a point.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn write(&mut self, point: &Point, replications: u32, workloads: &[WarmUp]) -> Result<(), ::csv::Error> {
        let place = Place { study: self.study, point, replications };
        for of_workload in workloads {
            for bin in &of_workload.bins {
                self.rows.write(place, &Row { workload: of_workload.workload, bin: bin.clone() })?;
            }
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the writer fails.
    pub fn finish(self) -> Result<(), ::csv::Error> {
        self.rows.finish()
    }
}

/// Writes `summary.csv`.
///
/// # Errors
/// When the writer fails.
pub fn summary(writer: impl Write, study: &Study, results: &[PointResult]) -> Result<(), ::csv::Error> {
    let mut rows = Rows::new(&SUMMARY, study, writer)?;
    for (place, result) in places(study, results) {
        for row in &result.rows {
            rows.write(place, row)?;
        }
    }
    rows.finish()
}

/// Writes `replications.csv`.
///
/// # Errors
/// When the writer fails.
pub fn replications(writer: impl Write, study: &Study, results: &[PointResult]) -> Result<(), ::csv::Error> {
    let mut rows = Rows::new(&REPLICATIONS, study, writer)?;
    for (place, result) in places(study, results) {
        for summary in &result.rows {
            for (number, row) in (result.first_replication..).zip(summary.replications()) {
                rows.write(Place { replications: number, ..place }, &row)?;
            }
        }
    }
    rows.finish()
}

/// Writes `failures.csv`.
///
/// # Errors
/// When the writer fails.
pub fn failures(writer: impl Write, study: &Study, results: &[PointResult]) -> Result<(), ::csv::Error> {
    let mut rows = Rows::new(&FAILURES, study, writer)?;
    for (place, result) in places(study, results) {
        for row in &result.failures {
            rows.write(place, row)?;
        }
    }
    rows.finish()
}

/// Writes `services.csv`.
///
/// # Errors
/// When the writer fails.
pub fn services(writer: impl Write, study: &Study, results: &[PointResult]) -> Result<(), ::csv::Error> {
    let mut rows = Rows::new(&SERVICES, study, writer)?;
    for (place, result) in places(study, results) {
        for row in Server::all(&place.point.model, result) {
            rows.write(place, &row)?;
        }
    }
    rows.finish()
}

/// Writes `margins.csv`.
///
/// # Errors
/// When the writer fails.
pub fn margins(writer: impl Write, study: &Study, results: &[PointResult]) -> Result<(), ::csv::Error> {
    let mut rows = Rows::new(&MARGINS, study, writer)?;
    for (place, result) in places(study, results) {
        for row in Margin::all(result) {
            rows.write(place, &row)?;
        }
    }
    rows.finish()
}

/// The first line of `jobs.csv`.
///
/// # Panics
/// Never: memory takes everything.
pub fn jobs_header(study: &Study) -> Vec<u8> {
    Rows::new(&JOBS, study, Vec::new()).map(Rows::into_inner).expect("memory takes everything")
}

/// The lines of `jobs.csv` of one replication of a point (its number).
///
/// # Panics
/// If the study has no such point.
pub fn jobs(study: &Study, point: usize, replication: u32, records: &[JobRecord]) -> Vec<u8> {
    let place =
        Place { study, point: super::point(study, point).expect("a point of the study"), replications: replication };
    let mut rows = Rows::continued(&JOBS, study, Vec::new());
    for record in records {
        rows.write(place, record).expect("memory takes everything");
    }
    rows.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepId;
    use crate::model::vocabulary::{Cleanup, Reason};
    use crate::observe::{Cause, Failure, Outcome};
    use crate::report::fixture;
    use crate::units::{Instant, Span};

    fn text(write: impl FnOnce(&mut Vec<u8>) -> Result<(), ::csv::Error>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_row_has_every_column_and_nothing_is_invented() {
        let case = fixture::grid();
        let text = text(|bytes| summary(bytes, &case.study, &case.results));
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().unwrap().clone();
        let at = |name: &str| names.iter().position(|other| other == name).unwrap();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), case.study.points.len() * 2);
        assert_eq!(&rows[0][at("keystone.token.expiration_s")], "900");
        assert_eq!(&rows[1][at("workload")], "all");
        assert_eq!(&rows[1][at("job")], "");
        assert!(!text.contains("NaN"));
    }

    #[test]
    fn a_point_without_finished_jobs_has_empty_cells() {
        let mut case = fixture::single();
        fixture::empty(&mut case.results[0]);
        let text = text(|bytes| summary(bytes, &case.study, &case.results));
        let last = text.lines().last().unwrap();
        assert_eq!(last, "one-hour-tokens,0,all,,32,0,0,0,0,0,,,,0,,,,0.95,,0,,,,,");
    }

    #[test]
    fn jobs_are_exact_enough_to_replay() {
        let case = fixture::single();
        // Image size, queues, download, conversion, attaching.
        let quantities = vec![42_949_672_961, 0, 0, 531_904_221, 0, 0];
        let record = JobRecord {
            caught: None,
            workload: 0,
            ordinal: 7,
            submitted: Instant::from_micros(21_600_000_001),
            token_age: Span::from_micros(1_500_000),
            quantities,
            ended: Some(Instant::from_seconds(30_000)),
            outcome: Outcome::Failed(Failure {
                step: StepId(11),
                reason: Reason::VolumeError,
                http_status: 200,
                first_cause: Cause {
                    at: Instant::from_seconds(29_990),
                    step: StepId(4),
                    reason: Reason::UserTokenExpired,
                    http_status: 401,
                },
            }),
            cleanup: Some(Cleanup::Refused(401)),
            resources: vec![3],
            orphans: 1,
            polls: 3,
            attempts: 1,
            keystone_validations: 9,
            service_tokens_issued: 1,
        };
        let unfinished = JobRecord { ended: None, outcome: Outcome::Unfinished, cleanup: None, ..record.clone() };
        let rows = jobs(&case.study, 0, 3, &[record, unfinished]);
        let text = String::from_utf8([jobs_header(&case.study), rows].concat()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[1],
            "one-hour-tokens,0,boots,boot-from-volume,3,7,21600.000001,1.5,42949672961,0,0,531.904221,0,0,30000,failed,\
             poll,volume_error,200,cinder_get_image,user_token_expired,29990,refused_401,1,3,1,9,1"
        );
        assert_eq!(
            lines[2],
            "one-hour-tokens,0,boots,boot-from-volume,3,7,21600.000001,1.5,42949672961,0,0,531.904221,0,0,,unfinished,\
             ,,,,,,,1,3,1,9,1"
        );
    }

    #[test]
    fn failures_and_services_name_their_places() {
        let case = fixture::single();
        let failures = text(|bytes| failures(bytes, &case.study, &case.results));
        assert!(
            failures.contains("boots,boot-from-volume,poll,user_token_expired,poll,user_token_expired,"),
            "{failures}"
        );
        let services = text(|bytes| services(bytes, &case.study, &case.results));
        assert!(services.contains("one-hour-tokens,0,keystone,,"), "{services}");
        assert!(services.lines().nth(1).unwrap().ends_with(",,,"), "{services}");
    }

    #[test]
    fn pools_stand_behind_their_service_and_links_last() {
        let case = fixture::busy();
        let services = text(|bytes| services(bytes, &case.study, &case.results));
        let rows: Vec<&str> = services.lines().filter_map(|line| line.strip_prefix("busy,0,3600,")).collect();
        assert_eq!(
            rows,
            [
                "keystone,,4096,1024,3072,7,,,",
                "keystone,api,100,,,,0.021,0,",
                "nova,,4096,1024,3072,7,,,",
                "nova,builds,100,,,,1,49.5,98.016",
                "cinder,,4096,1024,3072,7,,,",
                "glance,,4096,1024,3072,7,,,",
                "swift,,4096,1024,3072,7,,,",
                "cloud,image_transfer,,,,,0.998,,",
                "cloud,volume_copy,,,,,,,",
            ]
        );
    }
}
