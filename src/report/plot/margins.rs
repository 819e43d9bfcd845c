//! How close completed jobs came: the share of them whose token had no more than so long to live, at the request at
//! which it had least. Both axes give the near misses room: time about zero, and shares far below one.

use super::curves::{Curves, Ecdf, NAMES};
use super::rate::{Frame, widest_of};
use super::scale::{Scale, Tick};
use super::theme::{self, Dash, EDGE, Header, INK, LINE, SERIES, Type, WIDTH};
use super::{Plot, Scene, names};
use crate::report::words;
use crate::units::Span;

/// The least share that is shown, and the greatest with which the axis may begin.
const LEAST: f64 = 1e-7;
const MOST: f64 = 1e-2;
/// Times that are marked on either side of zero, in seconds.
const MARKED: [f64; 11] =
    [1.0, 10.0, 60.0, 600.0, 3_600.0, 36_000.0, 86_400.0, 432_000.0, 2_592_000.0, 31_536_000.0, 315_360_000.0];
/// What lies left of zero.
const CACHED: &str = "passed by a cache";
const HEIGHT: f64 = 340.0;
/// The part of its time that the range goes on behind the longest margin.
const BEYOND: f64 = 1.05;

/// The chart; none if no job completed whose token was looked at.
pub(super) fn draw(scene: &Scene<'_>) -> Option<Plot> {
    let chosen = Curves::choose(scene, |row| &row.margins, |curve| curve.quantile(0.01))?;
    let curves = &chosen.shown;
    let subtitle = names::basis(scene.study, scene.results) + &chosen.left_out(scene);
    let header = Header::new("How much life completed jobs had left in their tokens", &subtitle);

    let shares = shares(curves);
    let left = EDGE + 26.0 + widest_of(&shares) + 10.0;
    let right = WIDTH - EDGE - NAMES;
    let top = header.bottom() + 8.0 + LINE;
    let frame = Frame { left, right, top, bottom: top + HEIGHT };
    let range = range(curves);
    let across = Scale::both_ways(range, (left, right));
    let least = shares.first().map_or(MOST, |(share, _)| *share);
    let up = Scale::log((least, 1.0), (frame.bottom, frame.top));

    let svg = theme::draw(&header, frame.bottom + 62.0, |canvas| {
        frame.grid(canvas, &shares, &up);
        frame.axes(canvas, &times(range), &across);
        frame.titles(
            canvas,
            "Smallest margin before the end of token or window (log scale)",
            "Completed jobs with no more (log scale)",
        );
        let x = across.at(0.0);
        let y = frame.top - LINE / 2.0 - 2.0;
        canvas.dashes(&[(x, y - LINE / 2.0), (x, frame.bottom)], Dash::LIMIT, INK, 1.0);
        canvas.text(x + 5.0, y, "token or window ends", Type::LABEL.colour(INK));
        // On this side only what a cache still knew.
        if x - frame.left > Type::LABEL.width(CACHED) + 10.0 {
            canvas.text(x - 5.0, y, CACHED, Type::LABEL.muted().end());
        }
        for (index, curve) in curves.iter().enumerate() {
            canvas.path(&staircase(curve, range, least, &across, &up), SERIES[index % SERIES.len()], 2.25);
        }
        chosen.legend(canvas, scene, &frame, &|curve| {
            let (closest, hundredth) = (signed(curve.quantile(0.0)), signed(curve.quantile(0.01)));
            vec![format!("closest {closest}"), format!("1 % within {hundredth}")]
        });
    })?;
    Some(Plot { file_stem: "margins".to_string(), svg })
}

/// From the closest margin, or zero, to the longest.
fn range(curves: &[Ecdf<'_>]) -> (f64, f64) {
    let fold = |share: f64| curves.iter().map(move |curve| curve.quantile(share));
    let low = fold(0.0).fold(0.0, f64::min);
    let high = fold(1.0).fold(1.0, f64::max);
    (low * BEYOND, high * BEYOND)
}

/// Powers of ten from the share of a single job, as far as that is of use.
fn shares(curves: &[Ecdf<'_>]) -> Vec<Tick> {
    let first = |curve: &Ecdf<'_>| curve.steps.first().map_or(1.0, |(_, share)| *share);
    let single = curves.iter().map(first).fold(1.0, f64::min).clamp(LEAST, MOST);
    let mut ticks = vec![(1.0, words::percent(1.0))];
    let mut parts = 1.0_f64;
    while 1.0 / parts > single * 1.000_001 {
        parts *= 10.0;
        ticks.push((1.0 / parts, words::percent(1.0 / parts)));
    }
    ticks.reverse();
    ticks
}

/// Clock times on both sides of zero.
fn times((low, high): (f64, f64)) -> Vec<Tick> {
    let sides = MARKED.iter().rev().map(|time| -time).chain([0.0]).chain(MARKED);
    sides.filter(|time| *time >= low && *time <= high).map(|time| (time, signed(time))).collect()
}

fn signed(seconds: f64) -> String {
    let time = words::duration(Span::from_seconds_f64(seconds.abs()));
    if seconds < 0.0 { format!("\u{2212}{time}") } else { time }
}

/// The steps of a curve, each at its own place: those of the near misses are few.
fn staircase(curve: &Ecdf<'_>, range: (f64, f64), least: f64, across: &Scale, up: &Scale) -> Vec<(f64, f64)> {
    /// Steps closer than this cannot be told apart.
    const PIXEL: f64 = 0.75;
    let mut points = Vec::new();
    let mut last = (across.at(curve.steps.first().map_or(range.0, |(time, _)| *time)), up.at(least));
    points.push(last);
    let steps = curve.steps.len();
    for (index, (time, share)) in curve.steps.iter().enumerate() {
        let (x, y) = (across.at(*time), up.at(share.max(least)));
        let is_apart = (x - last.0).abs() >= PIXEL || (y - last.1).abs() >= PIXEL;
        if is_apart || index + 1 == steps {
            points.extend([(x, last.1), (x, y)]);
            last = (x, y);
        }
    }
    points.push((across.at(range.1), last.1));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_marked_on_both_sides_of_zero() {
        let texts = |range| times(range).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(", ");
        assert_eq!(texts((0.0, 4_000.0)), "0 s, 1 s, 10 s, 1 min, 10 min, 1 h");
        assert_eq!(texts((-70.0, 12.0)), "\u{2212}1 min, \u{2212}10 s, \u{2212}1 s, 0 s, 1 s, 10 s");
    }
}
