//! Failure rate against each swept key: lines with bands for numbers, dots with intervals for everything else.

use plotters::style::RGBColor;

use super::scale::{self, Scale, Tick};
use super::series::{self, Series};
use super::theme::{self, AXIS, Canvas, Dash, EDGE, GRID, Header, INK, LABEL, LINE, MUTED, SERIES, Type, WHITE, WIDTH};
use super::{Plot, Scene, dots, names};
use crate::report::words;

const HEIGHT: f64 = 340.0;
/// Room for the ticks and the title of the horizontal axis.
const BELOW: f64 = 62.0;
/// The widest label beside a line.
const WIDEST: f64 = 190.0;
/// As many rows of values that go together as are read at one look.
const ROWS: usize = 12;

/// A plot for every key with more than one value.
pub(super) fn draw(scene: &Scene<'_>) -> Vec<Plot> {
    let keys = words::short_keys(&scene.study.axes);
    let plot = |axis: usize| {
        let series = series::along(scene, axis);
        if series.is_empty() {
            return None;
        }
        let svg = match number(scene, axis) {
            Some(across) => lines(scene, (axis, across), series),
            None => dots::draw(scene, axis, series),
        }?;
        Some(Plot { file_stem: format!("rate_by_{}", names::stem(&keys[axis])), svg })
    };
    names::varying(scene.study).into_iter().filter_map(plot).collect()
}

/// The axis whose numbers a line can run along. Keys that vary together are told in rows, each with all of them, unless
/// there are too many.
fn number(scene: &Scene<'_>, axis: usize) -> Option<usize> {
    let mut together = names::together(scene.study, axis);
    if together.len() > 1 && scene.study.axes[axis].values.len() <= ROWS {
        return None;
    }
    together.find(|&axis| {
        let mut numbers: Vec<Option<f64>> = scene.study.axes[axis].values.iter().map(|value| value.number).collect();
        let is_numeric = numbers.iter().all(|number| number.is_some_and(f64::is_finite));
        numbers.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
        is_numeric && numbers.windows(2).all(|pair| pair[0] != pair[1])
    })
}

/// Title and subtitle of a plot of rates.
pub(super) fn header(scene: &Scene<'_>, axis: usize, shown: usize, all: usize, mark: &str) -> Header {
    let title = format!("Failure rate by {}", names::words(scene.study, axis));
    let mut subtitle = names::basis_of_all(scene.study, scene.results);
    if scene.points.iter().any(|(_, result)| result.all().failure_rate.interval.is_some()) {
        subtitle += &format!("; {mark} = {} confidence interval", names::confidence(scene.results));
    }
    if shown < all {
        subtitle += &format!("; the {shown} most different of {all} combinations of the other keys");
    }
    Header::new(&title, &subtitle)
}

/// The highest number that the axis of rates must show.
pub(super) fn highest(scene: &Scene<'_>, series: &[Series<'_>]) -> f64 {
    let results = || series.iter().flat_map(|one| &one.points).map(|(_, result)| result.all().failure_rate);
    let rates = scale::ends(results().filter_map(|rate| rate.estimate)).1;
    let bounds = scale::ends(results().filter_map(|rate| rate.interval).map(|interval| interval.high)).1;
    let data = rates.max(bounds);
    // A limit a little above the data is worth seeing; one far above would squeeze them.
    let limits = scene.lines().map(|limit| limit.share).filter(|share| *share <= 2.0 * data);
    data.max(scale::ends(limits).1)
}

/// The text at the dashed line of a limit.
pub(super) fn limit_text(limit: &super::Limit) -> String {
    let what = if limit.of_tokens { "token failures expected" } else { "expected" };
    format!("{what}: at most {}", words::percent(limit.share))
}

/// A series, placed.
struct Line<'a> {
    series: Series<'a>,
    colour: RGBColor,
    label: Vec<String>,
    points: Vec<(f64, f64)>,
    /// How many lines before it run along the same points.
    twins: usize,
}

fn lines(scene: &Scene<'_>, (axis, across): (usize, usize), series: Vec<Series<'_>>) -> Option<String> {
    let all = series.len();
    let series = series::most_different(series, series::MOST);
    let header = header(scene, axis, series.len(), all, "band");
    let shares = scale::shares(highest(scene, &series));
    let top = shares.last().map_or(1.0, |(share, _)| *share);
    let key = &scene.study.axes[across];

    let look = Type::LABEL.bold();
    let labels = labels(scene, &series, look);
    let widest = labels.iter().flatten().map(|line| look.width(line)).fold(0.0, f64::max);
    let frame = Frame {
        left: EDGE + 26.0 + widest_of(&shares) + 10.0,
        right: WIDTH - EDGE - if widest > 0.0 { widest + 16.0 } else { 24.0 },
        top: header.bottom() + 8.0,
        bottom: header.bottom() + 8.0 + HEIGHT,
    };
    let numbers: Vec<f64> = key.values.iter().filter_map(|value| value.number).collect();
    let across = Scale::of(&numbers, (frame.left + 14.0, frame.right - 14.0));
    let up = Scale::linear((0.0, top), (frame.bottom, frame.top));

    let mut placed: Vec<Line<'_>> = Vec::new();
    for ((index, series), label) in series.into_iter().enumerate().zip(labels) {
        let number = |value: usize| key.values[value].number.unwrap_or(0.0);
        let mut points: Vec<(f64, f64)> = series
            .points
            .iter()
            .map(|(value, result)| (across.at(number(*value)), up.at(series::rate(result))))
            .collect();
        // A file may list its values in any order.
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        let twins = placed.iter().filter(|other| coincide(&other.points, &points)).count();
        placed.push(Line { series, colour: SERIES[index % SERIES.len()], label, points, twins });
    }

    theme::draw(&header, frame.bottom + BELOW, |canvas| {
        frame.grid(canvas, &shares, &up);
        // The bands of lines that coincide would only darken each other.
        for line in placed.iter().filter(|line| line.twins == 0) {
            band(canvas, line, key, &across, &up);
        }
        frame.axes(canvas, &across.ticks(key), &across);
        let title = names::capital(&words::key_words(key)) + across.remark();
        frame.titles(canvas, &title, "Failed, of finished jobs");
        for line in &placed {
            curve(canvas, line);
        }
        end_labels(canvas, &placed, &frame);
        limits(canvas, scene, &frame, top, &up, &placed);
    })
}

/// The names of lines, in one row each or, where that is too long, in one row per key: the telling ones first.
fn labels(scene: &Scene<'_>, series: &[Series<'_>], look: Type) -> Vec<Vec<String>> {
    let tells = |part: &(usize, usize)| series.iter().any(|other| !other.fixed.contains(part));
    let label = |one: &Series<'_>| {
        let (telling, common): (Vec<_>, Vec<_>) = one.fixed.iter().copied().partition(tells);
        let parts: Vec<(usize, usize)> = telling.into_iter().chain(common).collect();
        let whole = names::values(scene.study, &parts);
        if whole.is_empty() {
            return Vec::new();
        }
        if look.width(&whole) <= WIDEST {
            return vec![whole];
        }
        names::each_value(scene.study, &parts, look, WIDEST).into_iter().take(3).collect()
    };
    series.iter().map(label).collect()
}

/// The rectangle that data are drawn in.
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// The width of the widest label.
pub(super) fn widest_of(ticks: &[Tick]) -> f64 {
    ticks.iter().map(|(_, text)| Type::LABEL.width(text)).fold(0.0, f64::max)
}

impl Frame {
    /// Horizontal lines with their labels.
    pub(super) fn grid(&self, canvas: &mut Canvas<'_>, ticks: &[Tick], up: &Scale) {
        for (number, text) in ticks {
            let y = up.at(*number);
            canvas.line((self.left, y), (self.right, y), GRID, 1.0);
            canvas.text(self.left - 10.0, y, text, Type::LABEL.end());
        }
    }

    /// The axis below, with as many of the ticks as find room.
    pub(super) fn axes(&self, canvas: &mut Canvas<'_>, ticks: &[Tick], across: &Scale) {
        canvas.line((self.left, self.bottom), (self.right, self.bottom), MUTED, 1.0);
        let mut places: Vec<(f64, f64, &str)> =
            ticks.iter().map(|(number, text)| (across.at(*number), Type::LABEL.width(text), text.as_str())).collect();
        places.sort_by(|one, other| one.0.total_cmp(&other.0));
        for &(x, _, _) in &places {
            canvas.line((x, self.bottom), (x, self.bottom + 5.0), MUTED, 1.0);
        }
        for index in thin(&places) {
            let (x, _, text) = places[index];
            canvas.text(x, self.bottom + 17.0, text, Type::LABEL.middle());
        }
    }

    /// What the axes show.
    pub(super) fn titles(&self, canvas: &mut Canvas<'_>, across: &str, up: &str) {
        let look = Type::LABEL.size(AXIS).middle();
        let across = look.cut(across, WIDTH - 2.0 * EDGE);
        let half = look.width(&across) / 2.0;
        let middle = ((self.left + self.right) / 2.0).clamp(EDGE + half, (WIDTH - EDGE - half).max(EDGE + half));
        canvas.text(middle, self.bottom + 43.0, &across, look);
        canvas.upright(EDGE + 8.0, (self.top + self.bottom) / 2.0, up, look);
    }
}

/// The labels that can stand without touching: the last always, as it ends the range.
fn thin(places: &[(f64, f64, &str)]) -> Vec<usize> {
    let Some(last) = places.len().checked_sub(1) else { return Vec::new() };
    let clear = |one: usize, other: usize| {
        let ((x0, width0, _), (x1, width1, _)) = (places[one], places[other]);
        x0 + width0 / 2.0 + 8.0 <= x1 - width1 / 2.0
    };
    let mut kept: Vec<usize> = Vec::new();
    for index in 0..last {
        if kept.last().is_none_or(|&before| clear(before, index)) && clear(index, last) {
            kept.push(index);
        }
    }
    kept.push(last);
    kept
}

fn coincide(one: &[(f64, f64)], other: &[(f64, f64)]) -> bool {
    let near = |((x0, y0), (x1, y1)): (&(f64, f64), &(f64, f64))| (x0 - x1).abs() < 0.5 && (y0 - y1).abs() < 1.5;
    one.len() == other.len() && one.iter().zip(other).all(near)
}

/// The interval along a line, where there is one.
fn band(canvas: &mut Canvas<'_>, line: &Line<'_>, key: &crate::model::study::Axis, across: &Scale, up: &Scale) {
    let ends = |(value, result): &(usize, &crate::analysis::PointResult)| {
        let interval = result.all().failure_rate.interval?;
        let x = across.at(key.values[*value].number.unwrap_or(0.0));
        Some((x, up.at(interval.low), up.at(interval.high)))
    };
    let mut ends: Vec<(f64, f64, f64)> = line.series.points.iter().filter_map(ends).collect();
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    match ends.as_slice() {
        [] => {}
        [(x, low, high)] => canvas.line((*x, *low), (*x, *high), line.colour, 1.5),
        _ => {
            let upper = ends.iter().map(|(x, _, high)| (*x, *high));
            let lower = ends.iter().rev().map(|(x, low, _)| (*x, *low));
            let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
            canvas.area(&outline, line.colour, 0.16);
        }
    }
}

/// A line with its markers; where it runs along another, both show in turns.
fn curve(canvas: &mut Canvas<'_>, line: &Line<'_>) {
    const TURN: f64 = 9.0;
    if line.twins == 0 {
        canvas.path(&line.points, line.colour, 2.25);
    } else {
        let turns = line.twins as f64 + 1.0;
        let dash = Dash { on: TURN, period: TURN * turns, offset: TURN * line.twins as f64 };
        canvas.dashes(&line.points, dash, line.colour, 2.25);
    }
    let markers = line.points.len() <= 24;
    for &(x, y) in line.points.iter().filter(|_| markers) {
        if line.twins == 0 {
            canvas.dot(x, y, 5.0, WHITE);
            canvas.dot(x, y, 3.75, line.colour);
        } else if line.twins == 1 {
            canvas.dot(x, y, 2.0, line.colour);
        }
    }
}

/// The names of the lines at their ends.
fn end_labels(canvas: &mut Canvas<'_>, lines: &[Line<'_>], frame: &Frame) {
    let mut labelled: Vec<(&Line<'_>, (f64, f64))> = lines
        .iter()
        .filter(|line| !line.label.is_empty())
        .filter_map(|line| Some((line, *line.points.last()?)))
        .collect();
    labelled.sort_by(|one, other| one.1.1.total_cmp(&other.1.1));
    let wanted: Vec<f64> = labelled.iter().map(|(_, (_, y))| *y).collect();
    let heights: Vec<f64> = labelled.iter().map(|(line, _)| LINE * line.label.len() as f64 + 2.0).collect();
    // Labels may stand a little beyond the frame: there is free space above and below.
    let middles = series::apart(&wanted, &heights, frame.top - 14.0, frame.bottom + 30.0);
    for ((line, (x, y)), middle) in labelled.into_iter().zip(middles) {
        if (middle - y).abs() > 4.0 || frame.right - x > 20.0 {
            canvas.path(&[(x + 6.0, y), (frame.right + 4.0, middle)], line.colour, 0.75);
        }
        let mut row = middle - LINE * (line.label.len() - 1) as f64 / 2.0;
        for text in &line.label {
            canvas.text(frame.right + 8.0, row, text, Type::LABEL.bold().colour(theme::text_colour(line.colour)));
            row += LINE;
        }
    }
}

/// Dashed lines where expectations set a limit.
fn limits(canvas: &mut Canvas<'_>, scene: &Scene<'_>, frame: &Frame, top: f64, up: &Scale, lines: &[Line<'_>]) {
    let mut taken: Vec<(f64, f64, f64, f64)> = Vec::new();
    for limit in scene.lines().filter(|limit| limit.share <= top && limit.share >= 0.0) {
        let y = up.at(limit.share);
        canvas.dashes(&[(frame.left, y), (frame.right, y)], Dash::LIMIT, INK, 1.0);
        let text = limit_text(limit);
        let width = Type::LABEL.width(&text);
        let spot = |x: f64, y: f64| (x, y - LABEL / 2.0 - 2.0, x + width, y + LABEL / 2.0 + 2.0);
        let xs = [frame.left + 8.0, frame.right - 8.0 - width, (frame.left + frame.right - width) / 2.0];
        // Further away where lines run close to the limit; a hairline then leads to it.
        let rows = [-10.0, 11.0, -28.0, 29.0, -46.0, 47.0, -64.0];
        let spots = rows.into_iter().flat_map(|row| xs.map(|x| spot(x, y + row)));
        // Below the axis there are ticks, and above the frame a subtitle.
        let spots = spots.filter(|spot| spot.1 > frame.top - 14.0 && spot.3 < frame.bottom);
        let crowd = |spot: &(f64, f64, f64, f64)| {
            let lines: usize = lines.iter().map(|line| inside(&line.points, spot)).sum();
            let labels = taken.iter().filter(|other| overlap(other, spot)).count();
            lines + 1_000 * labels
        };
        if let Some(best) = spots.min_by_key(crowd) {
            let middle = (best.1 + best.3) / 2.0;
            if (middle - y).abs() > 12.0 {
                let x = best.0 + width / 2.0;
                let from = if middle < y { best.3 } else { best.1 };
                canvas.line((x, from), (x, y), MUTED, 0.75);
            }
            canvas.text(best.0, middle, &text, Type::LABEL);
            taken.push(best);
        }
    }
}

fn overlap(one: &(f64, f64, f64, f64), other: &(f64, f64, f64, f64)) -> bool {
    one.0 < other.2 && other.0 < one.2 && one.1 < other.3 && other.1 < one.3
}

/// How much of a line runs through a rectangle.
fn inside(points: &[(f64, f64)], spot: &(f64, f64, f64, f64)) -> usize {
    let within = |x: f64, y: f64| x > spot.0 - 4.0 && x < spot.2 + 4.0 && y > spot.1 && y < spot.3;
    let along = |pair: &[(f64, f64)]| {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        (0..=40)
            .filter(|part| {
                let share = f64::from(*part) / 40.0;
                within(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
            })
            .count()
    };
    points.windows(2).map(along).sum()
}
