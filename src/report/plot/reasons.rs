//! Why jobs fail: per point, and workload where there are several, a bar of its failures, stacked by what began them.

use std::collections::BTreeMap;

use super::rows::{self, Labels};
use super::scale::{self, Scale};
use super::theme::{self, Canvas, EDGE, Header, LINE, Type, WIDTH};
use super::{Plot, Scene, names, palette};
use crate::analysis::{PointResult, Summary};
use crate::model::study::Point;
use crate::model::vocabulary::Reason;
use crate::report::words;

/// As many bars as a reader compares.
const MOST: usize = 30;
const ROW: f64 = 24.0;
const BAR: f64 = 14.0;
/// Between groups of bars of one value.
const GROUP: f64 = 8.0;

/// The chart; none if nothing failed.
pub(super) fn draw(scene: &Scene<'_>) -> Option<Plot> {
    let mut bars = Bar::all(scene);
    if bars.iter().all(|bar| bar.causes.is_empty()) {
        return None;
    }
    let all = bars.len();
    if all > MOST {
        bars.sort_by(|one, other| other.total().total_cmp(&one.total()));
        bars.truncate(MOST);
    }

    let axes = names::varying(scene.study);
    let cells: Vec<Vec<usize>> =
        bars.iter().map(|bar| axes.iter().map(|&axis| bar.point.values[axis]).collect()).collect();
    let workloads = bars.iter().filter_map(|bar| Some(bar.point.model.workloads[bar.workload?].name.clone()));
    let workloads: Vec<String> = workloads.collect();
    let of_workloads = scene.has_workloads();
    let labels = Labels::with(scene, &axes, &cells, of_workloads.then_some(("Workload", workloads)));
    let ticks = scale::shares(bars.iter().map(Bar::total).fold(0.0, f64::max));
    let occurs = |reason: &Reason| bars.iter().flat_map(|bar| &bar.causes).any(|(other, _)| other == reason);
    let reasons: Vec<Reason> = Reason::ALL.iter().copied().filter(occurs).collect();

    let mut subtitle = format!("{}; share of finished jobs, by first cause", names::basis(scene.study, scene.results));
    if all > MOST {
        let what = if of_workloads { "bars" } else { "points" };
        subtitle += &format!("; the {MOST} worst of {all} {what}");
    }
    let header = Header::new(&title(&reasons), &subtitle);
    let legend = Legend::new(&reasons);
    let left = if axes.is_empty() && !of_workloads { EDGE + 14.0 } else { labels.right + 12.0 };
    let across = Scale::linear((0.0, ticks.last().map_or(1.0, |(share, _)| *share)), (left, WIDTH - EDGE - 84.0));
    let legend_top = header.bottom() + 2.0;
    let top = legend_top + LINE * legend.rows as f64 + 34.0;
    // Sorted bars jump between values, so only bars in the order of the study stand in groups.
    let grouped = all <= MOST;
    let mut y = top + 8.0 + ROW / 2.0;
    let mut middles = Vec::new();
    for row in 0..bars.len() {
        if grouped && labels.starts_group(row) {
            y += GROUP;
        }
        middles.push(y);
        y += ROW;
    }
    let bottom = y - ROW / 2.0 + 6.0;

    let svg = theme::draw(&header, bottom + EDGE, |canvas| {
        legend.draw(canvas, legend_top);
        labels.heads(canvas, top - 10.0);
        rows::grid(canvas, &ticks, &across, top, bottom);
        for (row, (bar, y)) in bars.iter().zip(middles).enumerate() {
            if grouped {
                labels.row(canvas, row, y);
            } else {
                labels.whole_row(canvas, row, y);
            }
            let mut sum = 0.0;
            for (reason, share) in &bar.causes {
                let (from, to) = (across.at(sum), across.at(sum + share));
                // What occurs must be seen, however rare it is.
                canvas.rectangle(from, y - BAR / 2.0, (to - from).max(0.5), BAR, palette::reason(*reason));
                sum += share;
            }
            rows::value(canvas, across.at(sum), y, &words::percent(sum));
        }
    })?;
    Some(Plot { file_stem: "reasons".to_string(), svg })
}

/// The finding, if there is one for all.
fn title(reasons: &[Reason]) -> String {
    match reasons {
        [only] => format!("Why jobs fail: {}", only.words()),
        _ => "Why jobs fail".to_string(),
    }
}

/// The failures of a point, or of one of its workloads.
struct Bar<'a> {
    point: &'a Point,
    /// `None` where there is one only.
    workload: Option<usize>,
    /// First causes as shares of the finished jobs, in the order of the reasons.
    causes: Vec<(Reason, f64)>,
}

impl<'a> Bar<'a> {
    /// Those of which jobs finished, in the order of the study.
    fn all(scene: &Scene<'a>) -> Vec<Bar<'a>> {
        let finished = scene.rows().filter(|(_, _, row)| row.counts.finished() > 0);
        let bar = |(point, result, row): (&'a Point, &PointResult, &Summary)| Bar {
            point,
            workload: row.workload,
            causes: causes(result, row),
        };
        finished.map(bar).collect()
    }

    fn total(&self) -> f64 {
        self.causes.iter().map(|(_, share)| share).sum()
    }
}

fn causes(result: &PointResult, row: &Summary) -> Vec<(Reason, f64)> {
    let finished = row.counts.finished() as f64;
    let mut jobs: BTreeMap<Reason, u64> = BTreeMap::new();
    for failure in result.failures.iter().filter(|way| row.workload.is_none_or(|workload| way.workload == workload)) {
        *jobs.entry(failure.first_cause_reason).or_default() += failure.jobs;
    }
    jobs.into_iter().filter(|(_, jobs)| *jobs > 0).map(|(reason, jobs)| (reason, jobs as f64 / finished)).collect()
}

/// The reasons with their colours, in as many rows as they take.
struct Legend {
    entries: Vec<(Reason, f64, usize)>,
    rows: usize,
}

impl Legend {
    const SWATCH: f64 = 12.0;

    fn new(reasons: &[Reason]) -> Legend {
        let (mut x, mut row) = (EDGE, 0);
        let mut entries = Vec::new();
        for &reason in reasons {
            let width = Self::SWATCH + 6.0 + Type::LABEL.width(reason.words());
            if x > EDGE && x + width > WIDTH - EDGE {
                (x, row) = (EDGE, row + 1);
            }
            entries.push((reason, x, row));
            x += width + 22.0;
        }
        Legend { entries, rows: row + 1 }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, top: f64) {
        for (reason, x, row) in &self.entries {
            let y = top + (LINE + 2.0) * *row as f64 + LINE / 2.0;
            canvas.rectangle(*x, y - Self::SWATCH / 2.0, Self::SWATCH, Self::SWATCH, palette::reason(*reason));
            canvas.text(x + Self::SWATCH + 6.0, y, reason.words(), Type::LABEL);
        }
    }
}
