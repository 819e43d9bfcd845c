//! `margins.csv`: how close completed jobs came.

use super::{Cell, Column, Slot, Table};
use crate::analysis::{PointResult, Summary};
use crate::units::Span;

/// The shares of jobs of which a row tells.
const SHARES: [f64; 17] =
    [0.0, 1e-6, 1e-5, 1e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0];

/// A row: so large a share of the completed jobs of a workload had no more.
pub(crate) struct Margin {
    workload: Option<usize>,
    completed: u64,
    share: f64,
    margin: Span,
}

impl Margin {
    /// Every row of a point. Of shares below that of a single job, only the smallest margin is told.
    pub(crate) fn all(result: &PointResult) -> impl Iterator<Item = Margin> {
        result.rows.iter().flat_map(Margin::of)
    }

    fn of(row: &Summary) -> impl Iterator<Item = Margin> {
        let jobs = row.margins.len();
        SHARES.into_iter().filter(move |share| *share <= 0.0 || share * jobs as f64 >= 1.0).filter_map(move |share| {
            let margin = row.margins.quantile(share)?;
            Some(Margin { workload: row.workload, completed: row.counts.completed, share, margin })
        })
    }
}

/// `margins.csv`.
pub(crate) const MARGINS: Table<Margin> = Table {
    file: "margins.csv",
    about: "How close completed jobs came to a failure for the sake of their token's age: quantiles of the smallest margin \
            of each, by point and workload, and for all workloads together. Quantiles finer than one job are left out, but \
            for the smallest margin of all (`quantile` 0).",
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
        fixed!("completed", "Jobs that ended well.", |_, row| Cell::Count(row.completed)),
        fixed!("quantile", "Share of them that had no more than this.", |_, row| Cell::Number(row.share)),
        fixed!(
            "margin_s",
            "The smallest time that was left until the applicable expiry or window at any check, in seconds; negative where \
             a cache let a token pass beyond it. Fernet keys do not count.",
            |_, row| Cell::Seconds(row.margin.seconds())
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_columns_stand_in_the_order_of_the_contract() {
        assert_eq!(
            MARGINS.columns(&fixture::single().study).names().join(","),
            "scenario,point,workload,job,completed,quantile,margin_s"
        );
        assert_eq!(MARGINS.columns(&fixture::grid().study).names()[2], "keystone.token.expiration_s");
    }

    #[test]
    fn no_quantile_is_finer_than_a_job() {
        let case = fixture::single();
        let row = case.results[0].all();
        let jobs = row.margins.len() as f64;
        let shares: Vec<f64> = Margin::of(row).map(|margin| margin.share).collect();
        assert_eq!((shares[0], shares.last().copied()), (0.0, Some(1.0)));
        assert!(shares[1] * jobs >= 1.0 && shares.is_sorted(), "{shares:?} of {jobs}");
        let mut empty = case.results[0].clone();
        fixture::empty(&mut empty);
        assert_eq!(Margin::all(&empty).count(), 0);
    }
}
