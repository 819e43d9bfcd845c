//! Distribution functions of times, as curves: which of them are shown, and what they are called beside the frame.

use super::rate::Frame;
use super::series;
use super::theme::{self, Canvas, EDGE, LINE, SERIES, Type, WIDTH};
use super::{Scene, names};
use crate::analysis::Summary;
use crate::model::study::Point;
use crate::observe::Distribution;
use crate::report::words;
use crate::units::Span;

/// As many curves as a reader follows.
const MOST: usize = 6;
/// As many points as are compared with each other; of more, every so many.
const COMPARED: usize = 100;
/// Curves that nowhere differ by more are one: less than two pixels.
const SAME: f64 = 0.005;
/// The names of curves, beside the frame.
pub(super) const NAMES: f64 = 176.0;

/// An empirical distribution function.
pub(super) struct Ecdf<'a> {
    times: &'a Distribution,
    /// Seconds, and the share of jobs that did not exceed them.
    pub(super) steps: Vec<(f64, f64)>,
    /// Whose jobs; `None` where there is one workload only.
    workload: Option<usize>,
    /// The points that show it.
    points: Vec<&'a Point>,
}

impl<'a> Ecdf<'a> {
    fn new(point: &'a Point, row: &'a Summary, times: &'a Distribution) -> Ecdf<'a> {
        let workload = row.workload;
        let len = times.len().max(1) as f64;
        let steps = times.steps().map(|(time, count)| (time.seconds(), count as f64 / len)).collect();
        Ecdf { times, steps, workload, points: vec![point] }
    }

    /// The share of jobs that took no longer.
    pub(super) fn at(&self, seconds: f64) -> f64 {
        let after = self.steps.partition_point(|(time, _)| *time <= seconds);
        after.checked_sub(1).map_or(0.0, |last| self.steps[last].1)
    }

    /// The time that so large a share did not exceed.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        self.times.quantile(share).map_or(0.0, Span::seconds)
    }

    /// The largest vertical distance to another, at times that matter to either.
    fn distance(&self, other: &Ecdf<'_>) -> f64 {
        let probes = |of: &Ecdf<'_>| -> Vec<f64> {
            let last = of.steps.len().saturating_sub(1);
            (0..=48).filter_map(|part| of.steps.get(last * part / 48).map(|(time, _)| *time)).collect()
        };
        let times = probes(self).into_iter().chain(probes(other));
        times.map(|time| (self.at(time) - other.at(time)).abs()).fold(0.0, f64::max)
    }
}

/// The curves of a chart.
pub(super) struct Curves<'a> {
    /// In the order in which they rise.
    pub(super) shown: Vec<Ecdf<'a>>,
    /// Every point that was looked at, with the workload of its row.
    pub(super) points: Vec<(Option<usize>, &'a Point)>,
    /// How many different curves there are, and how many rows.
    all: usize,
    rows: usize,
}

impl<'a> Curves<'a> {
    /// The most different ones, of the times that `times` finds in a row, ordered by `place`; none without any.
    pub(super) fn choose(
        scene: &Scene<'a>,
        times: impl Fn(&'a Summary) -> &'a Distribution,
        place: impl Fn(&Ecdf<'a>) -> f64,
    ) -> Option<Curves<'a>> {
        let filled = scene.rows().filter(|(_, _, row)| !times(row).is_empty());
        let mut known: Vec<(&Point, &Summary)> = filled.map(|(point, _, row)| (point, row)).collect();
        // Every so many of each workload, not always of the same.
        known.sort_by_key(|(_, row)| row.workload);
        let every = known.len().div_ceil(COMPARED).max(1);
        let mut curves: Vec<Ecdf<'_>> = Vec::new();
        for (point, row) in known.iter().step_by(every) {
            let curve = Ecdf::new(point, row, times(row));
            let same = |other: &&mut Ecdf<'_>| {
                other.workload == curve.workload && (other.times == curve.times || other.distance(&curve) < SAME)
            };
            match curves.iter_mut().find(same) {
                Some(same) => same.points.push(point),
                None => curves.push(curve),
            }
        }
        let points: Vec<(Option<usize>, &Point)> =
            curves.iter().flat_map(|curve| curve.points.iter().map(|point| (curve.workload, *point))).collect();
        let chosen = series::spread(
            curves.len(),
            MOST,
            |one, other| curves[one].distance(&curves[other]),
            |index| place(&curves[index]),
        );
        let all = curves.len();
        let mut index = 0;
        curves.retain(|_| {
            index += 1;
            chosen.contains(&(index - 1))
        });
        // The names stand in the order in which the curves rise.
        curves.sort_by(|one, other| place(one).total_cmp(&place(other)));
        (!curves.is_empty()).then_some(Curves { shown: curves, points, all, rows: known.len() })
    }

    /// What is not shown, in words.
    pub(super) fn left_out(&self, scene: &Scene<'_>) -> String {
        if self.all == self.shown.len() {
            return String::new();
        }
        let what = if scene.has_workloads() { "curves" } else { "points" };
        format!("; the {} most different of {} {what}", self.shown.len(), self.rows)
    }

    /// Names of the curves and what `figures` tells of each, beside the frame.
    pub(super) fn legend(
        &self,
        canvas: &mut Canvas<'_>,
        scene: &Scene<'_>,
        frame: &Frame,
        figures: &dyn Fn(&Ecdf<'_>) -> Vec<String>,
    ) {
        let x = frame.right + 18.0;
        let width = WIDTH - EDGE - x + 6.0;
        // Six curves fill the height with three rows each.
        let crowded = self.shown.len() > 4;
        let (most, told) = if crowded { (2, 1) } else { (3, 2) };
        let mut y = frame.top + LINE / 2.0 + 8.0;
        for (index, curve) in self.shown.iter().enumerate() {
            let colour = SERIES[index % SERIES.len()];
            let look = Type::LABEL.bold().colour(theme::text_colour(colour));
            let start = y;
            let alike = self.points.iter().filter(|(workload, _)| *workload == curve.workload);
            let alike: Vec<&Point> = alike.map(|(_, point)| *point).collect();
            let workload = curve.workload.map(|index| curve.points[0].model.workloads[index].name.clone());
            for row in workload.iter().chain(&name(scene, curve, &alike, (look, width))).take(most) {
                canvas.text(x, y, &look.cut(row, width), look);
                y += LINE;
            }
            for figure in figures(curve).iter().take(told) {
                canvas.text(x, y, &Type::LABEL.cut(figure, width), Type::LABEL.muted());
                y += LINE;
            }
            canvas.line((x - 8.0, start - LINE / 2.0), (x - 8.0, y - LINE / 2.0), colour, 3.0);
            y += if crowded { 8.0 } else { 10.0 };
        }
    }
}

/// What the points of a curve have in common, and others have not.
fn name(scene: &Scene<'_>, curve: &Ecdf<'_>, points: &[&Point], (look, width): (Type, f64)) -> Vec<String> {
    if points.len() == 1 {
        return Vec::new();
    }
    if curve.points.len() == points.len() && curve.workload.is_some() {
        return Vec::new();
    }
    if curve.points.len() == points.len() {
        return vec![format!("all {} points", points.len())];
    }
    if let [axis] = names::varying(scene.study)[..] {
        let values = |points: &[&Point]| -> Vec<usize> { points.iter().map(|point| point.values[axis]).collect() };
        let own = values(&curve.points);
        let (first, last) = own.iter().fold((usize::MAX, 0), |(low, high), &value| (low.min(value), high.max(value)));
        let between = values(points).into_iter().filter(|value| (first..=last).contains(value)).count();
        // Neighbours read as a range.
        if first < last && between == own.len() {
            let value = |index: usize| names::row(scene.study, axis, index);
            return vec![names::short_words(scene.study, axis), format!("{} to {}", value(first), value(last))];
        }
    }
    let common = |axis: &usize| {
        let first = curve.points[0].values[*axis];
        let shared = |points: &[&Point]| points.iter().all(|point| point.values[*axis] == first);
        shared(&curve.points) && !shared(points)
    };
    let axes: Vec<usize> = names::varying(scene.study).into_iter().filter(common).collect();
    let parts = names::place(curve.points[0], &axes);
    let alike = points.iter().filter(|point| names::place(point, &axes) == parts).count();
    let whole = names::values(scene.study, &parts);
    let mut rows: Vec<String> = if whole.chars().count() <= 22 {
        vec![whole]
    } else if let ([_], Some((key, value))) = (parts.as_slice(), whole.split_once(": ")) {
        // What tells the curves apart is the value, which must not be cut.
        vec![key.to_string(), value.to_string()]
    } else {
        names::each_value(scene.study, &parts, look, width)
    };
    rows.retain(|row| !row.is_empty());
    if alike != curve.points.len() {
        rows.insert(0, words::counted(curve.points.len() as u64, "point"));
    }
    rows
}
