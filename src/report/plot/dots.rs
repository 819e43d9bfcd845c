//! Failure rate against a key that is no number: a row per value, a dot with its interval in each.

use super::rate::{header, highest, limit_text};
use super::rows::{self, Labels};
use super::scale::{self, Scale};
use super::series::{self, Series};
use super::theme::{self, Dash, EDGE, GRID, INK, SERIES, Type, WHITE, WIDTH};
use super::{Scene, names};
use crate::analysis::PointResult;
use crate::report::words;

const ROW: f64 = 24.0;
/// Between groups of rows of one value.
const GROUP: f64 = 10.0;
/// As many rows as fit a page.
const MOST: usize = 40;

/// The chart of a key.
pub(super) fn draw(scene: &Scene<'_>, axis: usize, series: Vec<Series<'_>>) -> Option<String> {
    let all = series.len();
    let values = scene.study.axes[axis].values.len();
    let series = series::most_different(series, (MOST / values).clamp(1, series::MOST));
    let header = header(scene, axis, series.len(), all, "whisker");

    // The key first, so that rows of one value stand together.
    let others: Vec<usize> = names::varying(scene.study).into_iter().filter(|&other| other != axis).collect();
    let axes: Vec<usize> = [axis].into_iter().chain(others).collect();
    let mut rows: Vec<(Vec<usize>, usize, &PointResult)> = Vec::new();
    for (index, one) in series.iter().enumerate() {
        for (value, result) in &one.points {
            let cells = [*value].into_iter().chain(one.fixed.iter().map(|(_, value)| *value)).collect();
            rows.push((cells, index, result));
        }
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows.truncate(MOST.max(series::MOST));
    let cells: Vec<Vec<usize>> = rows.iter().map(|(cells, _, _)| cells.clone()).collect();
    let labels = Labels::new(scene, &axes, &cells);

    let ticks = scale::shares(highest(scene, &series));
    let top_share = ticks.last().map_or(1.0, |(share, _)| *share);
    let (left, right) = (labels.right + 12.0, WIDTH - EDGE - 84.0);
    let across = Scale::linear((0.0, top_share), (left, right));
    let top = header.bottom() + 26.0;
    let mut middles = Vec::new();
    let mut y = top + 8.0 + ROW / 2.0;
    for row in 0..rows.len() {
        if labels.starts_group(row) {
            y += GROUP;
        }
        middles.push(y);
        y += ROW;
    }
    let bottom = y - ROW / 2.0 + 8.0;
    let limits: Vec<&super::Limit> = scene.lines().filter(|limit| (0.0..=top_share).contains(&limit.share)).collect();
    let height = bottom + 22.0 + 17.0 * limits.len() as f64 + 8.0;

    theme::draw(&header, height, |canvas| {
        labels.heads(canvas, top - 10.0);
        rows::grid(canvas, &ticks, &across, top, bottom);
        for (index, limit) in limits.iter().enumerate() {
            let x = across.at(limit.share);
            let y = bottom + 17.0 * (index + 1) as f64;
            canvas.dashes(&[(x, top), (x, y - 8.0)], Dash::LIMIT, INK, 1.0);
            let text = limit_text(limit);
            let half = Type::LABEL.width(&text) / 2.0;
            canvas.text(x.clamp(EDGE + half, WIDTH - EDGE - half), y, &text, Type::LABEL.middle());
        }
        for (row, ((_, index, result), y)) in rows.iter().zip(middles).enumerate() {
            if labels.starts_group(row) {
                let above = y - ROW / 2.0 - GROUP / 2.0;
                canvas.line((EDGE, above), (right, above), GRID, 1.0);
            }
            labels.row(canvas, row, y);
            let colour = SERIES[index % SERIES.len()];
            let rate = result.all().failure_rate;
            let mut end = across.at(series::rate(result));
            if let Some(interval) = rate.interval {
                let (low, high) = (across.at(interval.low), across.at(interval.high));
                canvas.line((low, y), (high, y), colour, 2.0);
                for x in [low, high] {
                    canvas.line((x, y - 4.0), (x, y + 4.0), colour, 2.0);
                }
                end = end.max(high);
            }
            let x = across.at(series::rate(result));
            canvas.dot(x, y, 6.0, WHITE);
            canvas.dot(x, y, 4.75, colour);
            rows::value(canvas, end, y, &words::percent(series::rate(result)));
        }
    })
}
