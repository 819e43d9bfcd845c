//! Which rows of two results belong together.

use std::collections::{BTreeMap, BTreeSet};

use super::{Replicated, ReplicatedRow, Replication};

/// The name of the row that sums the workloads.
const ALL: &str = "all";

/// Why two results cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Their seeds differ, so that their replications saw other jobs.
    Seeds,
    /// Only one of them (0 or 1) sweeps over this column, with several values.
    SweptByOne {
        /// Which.
        side: usize,
        /// Name of the column.
        axis: String,
        /// How many values.
        values: usize,
    },
    /// They sweep over the same columns and have no point in common.
    NoCommonPoint,
    /// There are common points, but no replication that both have.
    NoCommonReplication,
}

/// Something that only one result (0 or 1) has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alone {
    /// A point.
    Point {
        /// Which result has it.
        side: usize,
        /// Its number there.
        point: usize,
        /// Its values on the common axes.
        values: Vec<String>,
    },
    /// A workload.
    Workload {
        /// Which result has it.
        side: usize,
        /// Its name.
        workload: String,
        /// At how many common points it is alone.
        points: usize,
    },
}

/// Rows that belong together.
pub(super) struct Pair<'a> {
    pub(super) rows: [&'a ReplicatedRow; 2],
    /// On the common axes.
    pub(super) values: Vec<&'a str>,
    /// Replications that both have, in order.
    pub(super) replications: Vec<[&'a Replication; 2]>,
    /// Whether it holds all jobs of its point.
    pub(super) is_whole: bool,
}

/// Two results, side by side.
pub(super) struct Joined<'a> {
    pub(super) axes: Vec<&'a str>,
    pub(super) pairs: Vec<Pair<'a>>,
    pub(super) alone: Vec<Alone>,
}

/// The rows of a point, in the order of the file.
type Rows<'a> = Vec<&'a ReplicatedRow>;

/// Matches points by their values on common axes, workloads by name, replications by number.
pub(super) fn join<'a>(results: [&'a Replicated; 2]) -> Result<Joined<'a>, Mismatch> {
    if results[0].seed != results[1].seed {
        return Err(Mismatch::Seeds);
    }
    let axes = common_axes(results)?;
    let [first, second] = results.map(|result| points(result, &axes));
    let known: BTreeMap<&[&str], &Rows<'_>> = second.iter().map(|(values, rows)| (values.as_slice(), rows)).collect();
    let (mut pairs, mut lone_points, mut lone_workloads) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut met = BTreeSet::new();
    for (values, ours) in &first {
        let Some(theirs) = known.get(values.as_slice()) else {
            lone_points.push(alone(0, values, ours));
            continue;
        };
        met.insert(values.as_slice());
        join_point(values, [ours, theirs], &mut pairs, &mut lone_workloads);
    }
    if met.is_empty() {
        return Err(Mismatch::NoCommonPoint);
    }
    if pairs.iter().all(|pair: &Pair<'_>| pair.replications.is_empty()) {
        return Err(Mismatch::NoCommonReplication);
    }
    let unmet = second.iter().filter(|(values, _)| !met.contains(values.as_slice()));
    lone_points.extend(unmet.map(|(values, rows)| alone(1, values, rows)));
    let workloads = lone_workloads.into_iter().map(|((side, workload), points): ((usize, &str), usize)| {
        Alone::Workload { side, workload: workload.to_owned(), points }
    });
    Ok(Joined { axes, pairs, alone: lone_points.into_iter().chain(workloads).collect() })
}

/// The columns over which both sweep. One that only one result has may stay if it has one value there.
fn common_axes(results: [&Replicated; 2]) -> Result<Vec<&str>, Mismatch> {
    for (side, (ours, theirs)) in [(results[0], results[1]), (results[1], results[0])].into_iter().enumerate() {
        for (index, axis) in ours.axes.iter().enumerate().filter(|(_, axis)| !theirs.axes.contains(axis)) {
            let values: BTreeSet<&str> = ours.rows.iter().map(|row| row.values[index].as_str()).collect();
            if values.len() > 1 {
                return Err(Mismatch::SweptByOne { side, axis: axis.clone(), values: values.len() });
            }
        }
    }
    Ok(results[0].axes.iter().filter(|axis| results[1].axes.contains(axis)).map(String::as_str).collect())
}

/// The points of a result with their values on these axes, in the order of the file.
fn points<'a>(result: &'a Replicated, axes: &[&str]) -> Vec<(Vec<&'a str>, Rows<'a>)> {
    let places: Vec<usize> = axes.iter().filter_map(|axis| result.axes.iter().position(|ours| ours == axis)).collect();
    let mut points: Vec<(Vec<&str>, Rows<'_>)> = Vec::new();
    for row in &result.rows {
        match points.last_mut() {
            Some((_, rows)) if rows[0].point == row.point => rows.push(row),
            Some(_) | None => {
                let values = places.iter().map(|&place| row.values[place].as_str()).collect();
                points.push((values, vec![row]));
            }
        }
    }
    points
}

fn alone(side: usize, values: &[&str], rows: &Rows<'_>) -> Alone {
    Alone::Point { side, point: rows[0].point, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

/// The rows of one point that belong together, and at how many points a workload is alone.
fn join_point<'a>(
    values: &[&'a str],
    sides: [&Rows<'a>; 2],
    pairs: &mut Vec<Pair<'a>>,
    alone: &mut BTreeMap<(usize, &'a str), usize>,
) {
    let is_only = sides.iter().all(|rows| rows.len() <= 2);
    let same = |row: &ReplicatedRow, other: &ReplicatedRow| row.workload == other.workload;
    let mut joined = 0;
    for &row in sides[0] {
        let Some(&other) = sides[1].iter().find(|other| same(row, other)) else {
            *alone.entry((0, row.workload.as_str())).or_default() += 1;
            continue;
        };
        // Of a single workload, the row of all says the same again.
        if row.workload == ALL && is_only && joined > 0 {
            continue;
        }
        joined += 1;
        let is_whole = row.workload == ALL || is_only;
        let replications = common(&row.replications, &other.replications);
        pairs.push(Pair { rows: [row, other], values: values.to_vec(), replications, is_whole });
    }
    for row in sides[1].iter().filter(|row| !sides[0].iter().any(|other| same(row, other))) {
        *alone.entry((1, row.workload.as_str())).or_default() += 1;
    }
}

/// Replications of the same number; both lists are in ascending order.
fn common<'a>(ours: &'a [Replication], theirs: &'a [Replication]) -> Vec<[&'a Replication; 2]> {
    let mut theirs = theirs.iter().peekable();
    let pair = |ours: &'a Replication| {
        while theirs.next_if(|other| other.number < ours.number).is_some() {}
        Some([ours, theirs.next_if(|other| other.number == ours.number)?])
    };
    ours.iter().filter_map(pair).collect()
}
