//! How a simulation warms up: what came of jobs by the time of their submission, smoothed, with the cut that is
//! proposed.

use plotters::style::RGBColor;

use super::Plot;
use super::rate::Frame;
use super::scale::{self, Scale, Tick};
use super::theme::{self, AXIS, Canvas, Dash, EDGE, EMPTY, Header, INK, MUTED, SERIES, Type, WIDTH};
use crate::analysis::{Settling, TimeBin, WarmUp};
use crate::model::study::{Point, Study};
use crate::report::words;
use crate::units::Span;

/// As many workloads as fit a page.
const MOST: usize = 6;
const HEIGHT: f64 = 180.0;
/// Above a panel: its name, and what its lines mean.
const ABOVE: f64 = 56.0;
/// Below it: the ticks.
const BELOW: f64 = 40.0;
/// Ticks at the left of a panel.
const TICKS: f64 = 66.0;
/// Between the panels of a row.
const GAP: f64 = 22.0;
/// What single bins show.
const PALE: RGBColor = RGBColor(0xb4, 0xc7, 0xd9);
/// The share of the bins that the axis must show whole; the few beyond are cut off.
const SHOWN: f64 = 0.99;

/// What stands in a panel.
struct Panel<'a> {
    title: String,
    bins: &'a [TimeBin],
    value: fn(&TimeBin) -> Option<f64>,
    average: fn(&TimeBin) -> Option<f64>,
    settling: Settling,
}

/// The chart of a point, a row of panels for each workload; `written` is the warm-up of the file. None without bins.
pub fn draw(study: &Study, point: &Point, replications: u32, workloads: &[WarmUp], written: Span) -> Option<Plot> {
    let shown = &workloads[..workloads.len().min(MOST)];
    let mut subtitle =
        format!("{}, {}", words::cut(&study.name, 60), words::counted(u64::from(replications), "replication"),);
    if study.points.len() > 1 {
        subtitle += &format!("; {}, the last to become steady", words::point_name(study, point.number));
    }
    if shown.len() < workloads.len() {
        subtitle += &format!("; the first {MOST} of {} workloads", workloads.len());
    }
    subtitle += "; pale: equal parts of the time, dark: their moving average";
    let header = Header::new("Warm-up: jobs by the time of their submission", &subtitle);
    let rows = shown.iter().map(|one| {
        let name = &point.model.workloads[one.workload].name;
        let panel = |what: &str, settling, value, average| Panel {
            title: format!("{}: {what}", words::cut(name, 24)),
            bins: &one.bins,
            value,
            average,
            settling,
        };
        let durations =
            panel("mean duration", one.durations, |bin: &TimeBin| bin.duration, |bin: &TimeBin| bin.duration_average);
        let failures = panel(
            "failed, of finished jobs",
            one.failures,
            |bin: &TimeBin| bin.failure_rate,
            |bin: &TimeBin| bin.failure_rate_average,
        );
        [durations, failures]
    });
    let rows: Vec<[Panel<'_>; 2]> = rows.filter(|[panel, _]| !panel.bins.is_empty()).collect();
    if rows.is_empty() {
        return None;
    }
    let pitch = ABOVE + HEIGHT + BELOW;
    let bottom = header.bottom() + pitch * rows.len() as f64;
    let svg = theme::draw(&header, bottom + 34.0, |canvas| {
        let half = (WIDTH - 2.0 * EDGE - GAP) / 2.0;
        for (row, panels) in rows.iter().enumerate() {
            for (column, panel) in panels.iter().enumerate() {
                let left = EDGE + (half + GAP) * column as f64;
                let top = header.bottom() + pitch * row as f64 + ABOVE;
                let frame = Frame { left: left + TICKS, right: left + half - 8.0, top, bottom: top + HEIGHT };
                panel.draw(canvas, &frame, left, column == 0, written);
            }
        }
        let look = Type::LABEL.size(AXIS).middle();
        canvas.text(WIDTH / 2.0, bottom + 8.0, "Submitted after the start", look);
    })?;
    Some(Plot { file_stem: "warm_up".to_string(), svg })
}

impl Panel<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>, frame: &Frame, left: f64, is_time: bool, written: Span) {
        let end = self.bins.last().map_or(1.0, |bin| bin.until.seconds());
        let across = Scale::linear((0.0, end), (frame.left, frame.right));
        let ticks = self.ticks(is_time);
        let top = ticks.last().map_or(1.0, |(value, _)| *value);
        let up = Scale::linear((0.0, top), (frame.bottom, frame.top));
        // What would be cut lies on another ground, behind everything.
        if let Settling::At(cut) | Settling::TooLate(cut) = self.settling {
            canvas.rectangle(frame.left, frame.top, across.at(cut.seconds()) - frame.left, HEIGHT, EMPTY);
        }
        frame.grid(canvas, &ticks, &up);
        let times: Vec<Tick> = scale::times(0.0, end, false)
            .into_iter()
            .map(|time| (time, words::duration(Span::from_seconds_f64(time))))
            .collect();
        frame.axes(canvas, &times, &across);
        let points = |value: fn(&TimeBin) -> Option<f64>| -> Vec<(f64, f64)> {
            let place = |bin: &TimeBin| {
                let middle = (bin.from.seconds() + bin.until.seconds()) / 2.0;
                Some((across.at(middle), up.at(value(bin)?.min(top))))
            };
            self.bins.iter().filter_map(place).collect()
        };
        canvas.path(&points(self.value), PALE, 1.0);
        canvas.path(&points(self.average), SERIES[0], 2.25);

        canvas.text(left, frame.top - 44.0, &self.title, Type::LABEL.bold());
        self.mark(canvas, frame, across.at(written.seconds().min(end)), 8.0, MUTED, &format!("file {}", said(written)));
        match self.settling {
            Settling::At(cut) => {
                self.mark(canvas, frame, across.at(cut.seconds()), 24.0, INK, &format!("MSER-5 {}", said(cut)));
            }
            Settling::TooLate(cut) => {
                let text = format!("MSER-5 {}: too late to be trusted", said(cut));
                self.mark(canvas, frame, across.at(cut.seconds()), 24.0, INK, &text);
            }
            Settling::Unknown => canvas.text(frame.left, frame.top - 24.0, "too few to judge", Type::LABEL.muted()),
        }
    }

    /// A dashed line from so far above the frame, with what it means beside its upper end.
    fn mark(&self, canvas: &mut Canvas<'_>, frame: &Frame, x: f64, above: f64, colour: RGBColor, text: &str) {
        canvas.dashes(&[(x, frame.top - above + 6.0), (x, frame.bottom)], Dash::LIMIT, colour, 1.25);
        let look = Type::LABEL.colour(colour);
        let middle = (x - 8.0).clamp(frame.left, (frame.right - look.width(text)).max(frame.left));
        canvas.text(middle, frame.top - above, text, look);
    }

    /// From zero to what nearly all bins need.
    fn ticks(&self, is_time: bool) -> Vec<Tick> {
        let mut values: Vec<f64> = self.bins.iter().filter_map(self.value).collect();
        values.sort_by(f64::total_cmp);
        let most = values.get(((values.len() as f64 * SHOWN) as usize).min(values.len().saturating_sub(1)));
        let averages = scale::ends(self.bins.iter().filter_map(self.average)).1;
        let high = most.copied().unwrap_or(0.0).max(averages);
        if !is_time {
            return scale::shares(high);
        }
        let high = if high > 0.0 { high } else { 1.0 };
        let mut ticks = scale::times(0.0, high, false);
        // The last tick is the top of the panel.
        if let [.., before, last] = ticks[..]
            && last < high
        {
            ticks.push(last + (last - before));
        }
        if ticks.len() < 2 {
            ticks = vec![0.0, high];
        }
        ticks.into_iter().map(|time| (time, words::duration(Span::from_seconds_f64(time)))).collect()
    }
}

fn said(span: Span) -> String {
    words::duration(span)
}
