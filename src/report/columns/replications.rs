//! The columns of `replications.csv`.

use super::{Cell, Column, Slot, Table};
use crate::analysis::ReplicationRow;

/// `replications.csv`.
pub(crate) const REPLICATIONS: Table<ReplicationRow> = Table {
    file: "replications.csv",
    about: "The same by replication: a row per point, workload (and `all`) and replication, from which two results are \
            compared pair by pair. Quantiles are those of the replication's own jobs.",
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
        fixed!("replication", "Number of the replication, from 0.", |place, _| Cell::Count(u64::from(
            place.replications
        ))),
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
        fixed!("token_failures", "Failed jobs whose first cause is a token's or key's.", |_, row| Cell::Count(
            row.counts.token_failures
        )),
        fixed!("orphans", "Resources that failed jobs left behind.", |_, row| Cell::Count(row.counts.orphans)),
        fixed!("duration_mean_s", "Mean duration of completed jobs, in seconds.", |_, row| row
            .duration_mean
            .map_or(Cell::Missing, Cell::Seconds)),
        fixed!("duration_p50_s", "Median duration of completed jobs, in seconds.", |_, row| Cell::seconds(
            row.quantiles.duration_p50
        )),
        fixed!("duration_p95_s", "95th percentile of the same.", |_, row| Cell::seconds(row.quantiles.duration_p95)),
        fixed!("duration_p99_s", "99th percentile of the same.", |_, row| Cell::seconds(row.quantiles.duration_p99)),
        fixed!("margin_p01_s", "1st percentile of the smallest margins, as in summary.csv, in seconds.", |_, row| {
            Cell::seconds(row.quantiles.margin_p01)
        }),
    ],
};
