//! Ways of failing, with what would have saved most of the jobs.

use super::{Cell, Column, Slot, Table};
use crate::analysis::FailureRow;
use crate::report::remedies;

/// `failures.csv`.
pub(crate) const FAILURES: Table<FailureRow> = Table {
    file: "failures.csv",
    about: "A row per point, workload and way of failing.",
    slots: &[
        fixed!("scenario", "Name of the scenario.", |place, _| Cell::text(&place.study.name)),
        fixed!("point", "Number of the point in the sweep, from 0.", |place, _| Cell::Count(place.point.number as u64)),
        Slot::Sweep,
        fixed!("workload", "Name of the workload.", |place, row| Cell::text(&place.workload(row.workload).name)),
        fixed!("job", "Kind of its jobs.", |place, row| Cell::text(&place.workload(row.workload).kind.name)),
        fixed!("step", "Where the job's own process saw the failure.", |place, row| Cell::text(
            place.workload(row.workload).kind.step_name(row.step)
        )),
        fixed!("reason", "What it saw.", |_, row| Cell::text(row.reason.code())),
        fixed!("first_cause_step", "Where it began.", |place, row| Cell::text(
            place.workload(row.workload).kind.step_name(row.first_cause_step)
        )),
        fixed!("first_cause_reason", "What began it.", |_, row| Cell::text(row.first_cause_reason.code())),
        fixed!("jobs", "Jobs that failed so.", |_, row| Cell::Count(row.jobs)),
        fixed!("share_of_finished", "`jobs` / (`completed` + `failed`) of the workload.", |_, row| Cell::Number(
            row.share_of_finished
        )),
        fixed!("orphans", "Resources that these jobs left behind.", |_, row| Cell::Count(row.orphans)),
        fixed!(
            "remedy",
            "What, set otherwise, would have let most of these jobs pass: keys of the scenario file with \
             values as they are written there (`>=`: this much or more); two of them only where one does not help as \
             many. Empty: nothing that was tried and breaks no more than it saves, or nothing is known.",
            |place, row| row.remedy.map_or(Cell::Missing, |saves| Cell::Text(
                remedies::in_full(saves.remedy, &place.point.model, &place.workload(row.workload).name).into()
            ))
        ),
        fixed!("remedy_saves_jobs", "How many of `jobs` it saves.", |_, row| row
            .remedy
            .map_or(Cell::Missing, |saves| Cell::Count(saves.jobs))),
    ],
};
