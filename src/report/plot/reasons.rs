//! Why jobs fail: per point a bar of its failures, stacked by what began them.

use std::collections::BTreeMap;

use super::rows::{self, Labels};
use super::scale::{self, Scale};
use super::theme::{self, Canvas, EDGE, Header, LINE, Type, WIDTH};
use super::{Plot, Scene, names, palette, series};
use crate::analysis::PointResult;
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
    let finished = |(_, result): &&(&Point, &PointResult)| result.all().counts.finished() > 0;
    let mut points: Vec<(&Point, &PointResult)> = scene.points.iter().filter(finished).copied().collect();
    if points.iter().all(|(_, result)| causes(result).is_empty()) {
        return None;
    }
    let all = points.len();
    if all > MOST {
        points.sort_by(|one, other| series::rate(other.1).total_cmp(&series::rate(one.1)));
        points.truncate(MOST);
    }

    let axes = names::varying(scene.study);
    let values = |(point, _): &(&Point, &PointResult)| axes.iter().map(|&axis| point.values[axis]).collect();
    let cells: Vec<Vec<usize>> = points.iter().map(values).collect();
    let labels = Labels::new(scene, &axes, &cells);
    let bars: Vec<Vec<(Reason, f64)>> = points.iter().map(|(_, result)| causes(result)).collect();
    let total = |bar: &[(Reason, f64)]| bar.iter().map(|(_, share)| share).sum::<f64>();
    let ticks = scale::shares(bars.iter().map(|bar| total(bar)).fold(0.0, f64::max));
    let occurs = |reason: &Reason| bars.iter().flatten().any(|(other, _)| other == reason);
    let reasons: Vec<Reason> = Reason::ALL.iter().copied().filter(occurs).collect();

    let mut subtitle = format!("{}; share of finished jobs, by first cause", names::basis(scene.study, scene.results));
    if all > MOST {
        subtitle += &format!("; the {MOST} worst of {all} points");
    }
    let header = Header::new(&title(&reasons), &subtitle);
    let legend = Legend::new(&reasons);
    let left = if axes.is_empty() { EDGE + 14.0 } else { labels.right + 12.0 };
    let across = Scale::linear((0.0, ticks.last().map_or(1.0, |(share, _)| *share)), (left, WIDTH - EDGE - 84.0));
    let legend_top = header.bottom() + 2.0;
    let top = legend_top + LINE * legend.rows as f64 + 34.0;
    // Sorted bars jump between values, so only bars in the order of the study stand in groups.
    let grouped = all <= MOST;
    let mut y = top + 8.0 + ROW / 2.0;
    let mut middles = Vec::new();
    for row in 0..points.len() {
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
            for (reason, share) in bar {
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

/// First causes of a point's failures as shares of its finished jobs, in the order of the reasons.
fn causes(result: &PointResult) -> Vec<(Reason, f64)> {
    let finished = result.all().counts.finished().max(1) as f64;
    let mut jobs: BTreeMap<Reason, u64> = BTreeMap::new();
    for failure in &result.failures {
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
