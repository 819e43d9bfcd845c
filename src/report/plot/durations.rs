//! How long completed jobs take: the share that took at most so long, with the token's lifetime and window drawn in; of
//! each workload by itself, because a mixture of kinds is the duration of none.

use super::curves::{Curves, Ecdf, NAMES};
use super::rate::{Frame, widest_of};
use super::scale::{self, Scale, Tick};
use super::theme::{self, Canvas, Dash, EDGE, Header, INK, LINE, MUTED, SERIES, Type, WIDTH};
use super::{Plot, Scene, names};
use crate::model::study::Point;
use crate::report::words;
use crate::units::Span;

/// As many steps as a curve needs at this size.
const STEPS: usize = 400;
/// The share of jobs at which the longest curve is cut.
const CUT: f64 = 0.995;
/// A limit so far beyond the curves is still drawn.
const REACH: f64 = 1.3;
/// Times over which a linear axis shows nothing of the short ones.
const WIDE: f64 = 50.0;
const HEIGHT: f64 = 340.0;

/// The chart; none if no job completed.
pub(super) fn draw(scene: &Scene<'_>) -> Option<Plot> {
    let chosen = Curves::choose(scene, |row| &row.durations, |curve| curve.quantile(0.5))?;
    let curves = &chosen.shown;

    let limits = Limits::new(&chosen.points);
    let range = Range::new(curves, &limits);
    let mut subtitle = names::basis(scene.study, scene.results);
    subtitle += &chosen.left_out(scene);
    if let Some(off) = limits.off(&range) {
        subtitle += &format!("; {off}");
    }
    let header = Header::new("How long completed jobs take, against the lifetime of tokens", &subtitle);

    let shares = scale::shares(1.0);
    let left = EDGE + 26.0 + widest_of(&shares) + 10.0;
    let right = WIDTH - EDGE - NAMES;
    let across = range.scale((left, right));
    let marks = limits.marks(&range, &across);
    let rows = marks.iter().map(|mark| mark.row + 1).max().unwrap_or(0);
    let top = header.bottom() + 8.0 + LINE * rows as f64;
    let frame = Frame { left, right, top, bottom: top + HEIGHT };
    let up = Scale::linear((0.0, 1.0), (frame.bottom, frame.top));
    let ticks: Vec<Tick> = scale::times(range.low, range.high, range.log)
        .into_iter()
        .map(|time| (time, words::duration(Span::from_seconds_f64(time))))
        .collect();

    let svg = theme::draw(&header, frame.bottom + 62.0, |canvas| {
        frame.grid(canvas, &shares, &up);
        frame.axes(canvas, &ticks, &across);
        let title = if range.log { "Duration (log scale)" } else { "Duration" };
        frame.titles(canvas, title, "Completed jobs that took no longer");
        for mark in &marks {
            mark.draw(canvas, &frame);
        }
        for (index, curve) in curves.iter().enumerate() {
            let points = staircase(curve, &range, &across, &up);
            canvas.path(&points, SERIES[index % SERIES.len()], 2.25);
        }
        chosen.legend(canvas, scene, &frame, &|curve| {
            let time = |share: f64| words::duration(Span::from_seconds_f64(curve.quantile(share)));
            vec![format!("median {}", time(0.5)), format!("99 % in {}", time(0.99))]
        });
    })?;
    Some(Plot { file_stem: "durations".to_string(), svg })
}

/// The times that are shown.
struct Range {
    low: f64,
    high: f64,
    log: bool,
}

impl Range {
    fn new(curves: &[Ecdf<'_>], limits: &Limits) -> Range {
        let fold = |share: f64| scale::ends(curves.iter().map(|curve| curve.quantile(share)));
        let (first, longest) = (fold(0.01).0, fold(1.0).1);
        let log = first > 0.0 && longest / first > WIDE;
        let data = fold(CUT).1.max(1e-3);
        let near = limits.all().filter(|time| *time <= data * REACH);
        let high = data.max(scale::ends(near).1 * 1.02);
        if !log {
            return Range { low: 0.0, high, log };
        }
        let low = fold(0.005).0.clamp(1e-3, high / 2.0);
        let near = limits.all().filter(|time| *time >= low / REACH && *time > 0.0);
        Range { low: low.min(scale::ends(near).0 / 1.05).max(low / 2.0), high, log }
    }

    fn scale(&self, pixels: (f64, f64)) -> Scale {
        if self.log { Scale::log((self.low, self.high), pixels) } else { Scale::linear((self.low, self.high), pixels) }
    }

    fn holds(&self, time: f64) -> bool {
        time >= self.low && time <= self.high
    }
}

/// The steps of a curve within the range, as many as can be seen.
fn staircase(curve: &Ecdf<'_>, range: &Range, across: &Scale, up: &Scale) -> Vec<(f64, f64)> {
    let visible = curve.steps.iter().filter(|(time, _)| *time <= range.high).count();
    let every = visible.div_ceil(STEPS).max(1);
    let mut points = vec![(across.at(range.low), up.at(curve.at(range.low)))];
    for (index, (time, share)) in curve.steps[..visible].iter().enumerate() {
        if *time > range.low && (index % every == 0 || index + 1 == visible) {
            let x = across.at(*time);
            let before = points.last().map_or(0.0, |(_, y)| *y);
            points.extend([(x, before), (x, up.at(*share))]);
        }
    }
    let last = points.last().map_or(0.0, |(_, y)| *y);
    points.push((across.at(range.high), last));
    points
}

/// Lifetimes and ends of windows, each once and ascending.
struct Limits {
    lifetimes: Vec<f64>,
    windows: Vec<f64>,
}

/// A limit, placed.
struct Mark {
    x: f64,
    text: String,
    colour: plotters::style::RGBColor,
    /// The row of its label, from the bottom.
    row: usize,
}

impl Limits {
    fn new(points: &[(Option<usize>, &Point)]) -> Limits {
        let mut limits = Limits { lifetimes: Vec::new(), windows: Vec::new() };
        for (_, point) in points {
            let keystone = &point.model.keystone;
            limits.lifetimes.push(keystone.expiration.seconds());
            // Without a window a token ends with its lifetime.
            if keystone.allow_expired_window > Span::ZERO {
                limits.windows.push((keystone.expiration + keystone.allow_expired_window).seconds());
            }
        }
        for times in [&mut limits.lifetimes, &mut limits.windows] {
            times.sort_by(f64::total_cmp);
            times.dedup();
        }
        limits
    }

    fn all(&self) -> impl Iterator<Item = f64> {
        self.lifetimes.iter().chain(&self.windows).copied()
    }

    /// What is not drawn, in words.
    fn off(&self, range: &Range) -> Option<String> {
        let time = |time: &f64| words::duration(Span::from_seconds_f64(*time));
        let off = |times: &[f64]| times.iter().copied().filter(|time| !range.holds(*time)).collect::<Vec<f64>>();
        let (lifetimes, windows) = (off(&self.lifetimes), off(&self.windows));
        let from = |all: &[f64], off: &[f64], one: &str, many: &str| match off {
            [] => None,
            [only] if all.len() == 1 => Some(format!("the {one} ({})", time(only))),
            [only] => Some(format!("one {one} ({})", time(only))),
            [first, .., last] => Some(format!("{} {many} ({} to {})", off.len(), time(first), time(last))),
        };
        let parts = [
            from(&self.lifetimes, &lifetimes, "lifetime", "lifetimes"),
            from(&self.windows, &windows, "end of the window", "ends of windows"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let verb = if lifetimes.len() + windows.len() == 1 { "lies" } else { "lie" };
        (!parts.is_empty()).then(|| format!("{} {verb} off the chart", parts.join(" and ")))
    }

    /// The lines with their labels, in rows so that no line runs through a label.
    fn marks(&self, range: &Range, across: &Scale) -> Vec<Mark> {
        let shown = |times: &[f64], most: usize| -> Vec<f64> {
            let within: Vec<f64> = times.iter().copied().filter(|time| range.holds(*time)).collect();
            match within.as_slice() {
                // Many lines would be a fence; the outermost two say what is swept.
                [first, .., last] if within.len() > most => vec![*first, *last],
                few => few.to_vec(),
            }
        };
        let mark = |time: f64, what: &str, colour| {
            let text = format!("{what} {}", words::duration(Span::from_seconds_f64(time)));
            Mark { x: across.at(time), text, colour, row: 0 }
        };
        let lifetimes = shown(&self.lifetimes, 4).into_iter().map(|time| mark(time, "lifetime", INK));
        let windows = shown(&self.windows, 2).into_iter().map(|time| mark(time, "window ends", MUTED));
        let mut marks: Vec<Mark> = lifetimes.chain(windows).collect();
        marks.sort_by(|one, other| one.x.total_cmp(&other.x));
        // From the right: a label that reaches over a line further right stands above that line's own label.
        for index in (0..marks.len()).rev() {
            let end = marks[index].x + Type::LABEL.width(&marks[index].text) + 10.0;
            let under = marks[index + 1..].iter().filter(|other| other.x - 2.0 < end).map(|other| other.row + 1);
            marks[index].row = under.max().unwrap_or(0);
        }
        marks
    }
}

impl Mark {
    fn draw(&self, canvas: &mut Canvas<'_>, frame: &Frame) {
        let y = frame.top - LINE * self.row as f64 - LINE / 2.0 - 2.0;
        canvas.dashes(&[(self.x, y - LINE / 2.0), (self.x, frame.bottom)], Dash::LIMIT, self.colour, 1.0);
        canvas.text(self.x + 5.0, y, &self.text, Type::LABEL.colour(self.colour));
    }
}
