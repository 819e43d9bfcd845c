//! Failure rate over the first two swept keys, as a map: where it is safe, at one look.

use std::collections::{BTreeMap, BTreeSet};

use plotters::style::RGBColor;

use super::scale::{self, Scale, Tick};
use super::theme::{self, AXIS, Canvas, EDGE, EMPTY, Header, INK, MUTED, Type, WHITE, WIDTH};
use super::{Plot, Scene, names, series};
use crate::analysis::{self, PointResult};
use crate::report::words;

/// As many maps as a reader compares.
const MOST: usize = 6;
/// The widest label of a row.
const WIDEST: f64 = 170.0;
/// The colour bar with its labels.
const BAR: f64 = 96.0;
/// Between two cells.
const SEAM: f64 = 2.0;
/// Colours brighter than this take dark labels.
const BRIGHT: f64 = 140.0;

/// The results of a map, by column and row.
type Cells<'a> = BTreeMap<(usize, usize), &'a PointResult>;

/// What a map shows of the whole study.
struct Map<'a> {
    scene: &'a Scene<'a>,
    /// The axes across and up.
    axes: (usize, usize),
    shares: Vec<Tick>,
    /// Points at which every limit holds that is set there.
    good: BTreeSet<usize>,
}

/// A map per combination of the values of the other keys; none with fewer than two keys.
pub(super) fn draw(scene: &Scene<'_>) -> Vec<Plot> {
    let varying = names::varying(scene.study);
    let [across, up, others @ ..] = varying.as_slice() else { return Vec::new() };
    let mut maps: BTreeMap<names::Place, Cells<'_>> = BTreeMap::new();
    for &(point, result) in &scene.points {
        let cell = (point.values[*across], point.values[*up]);
        maps.entry(names::place(point, others)).or_default().insert(cell, result);
    }
    let known = scene.points.iter().filter_map(|(_, result)| result.all().failure_rate.estimate);
    let map = Map { scene, axes: (*across, *up), shares: scale::shares(scale::ends(known).1), good: good(scene) };
    let maps: Vec<_> = maps.into_iter().filter(|(_, cells)| cells.values().any(|result| has_rate(result))).collect();
    let chosen = differing(&maps);
    let keys = words::short_keys(&scene.study.axes);
    let stem = format!("heatmap_{}_by_{}", names::stem(&keys[*across]), names::stem(&keys[*up]));
    let plot = |(index, (fixed, cells)): (usize, &(names::Place, Cells<'_>))| {
        if !chosen.contains(&index) {
            return None;
        }
        let svg = map.draw(fixed, cells, (chosen.len(), maps.len()))?;
        Some(Plot { file_stem: stem.clone(), svg })
    };
    maps.iter().enumerate().filter_map(plot).collect()
}

fn has_rate(result: &PointResult) -> bool {
    result.all().failure_rate.estimate.is_some_and(f64::is_finite)
}

/// The maps that differ most, if there are too many.
fn differing(maps: &[(names::Place, Cells<'_>)]) -> Vec<usize> {
    let distance = |one: usize, other: usize| {
        let both = maps[one].1.iter().filter_map(|(cell, result)| Some((result, maps[other].1.get(cell)?)));
        both.map(|(a, b)| (series::rate(a) - series::rate(b)).abs()).fold(0.0, f64::max)
    };
    let mean = |index: usize| maps[index].1.values().map(|result| series::rate(result)).sum::<f64>();
    if maps.len() <= MOST { (0..maps.len()).collect() } else { series::spread(maps.len(), MOST, distance, mean) }
}

/// The points at which limits are set, and all of them hold.
fn good(scene: &Scene<'_>) -> BTreeSet<usize> {
    if scene.limits.is_empty() {
        return BTreeSet::new();
    }
    let mut good = BTreeSet::new();
    let mut bad = BTreeSet::new();
    for verdict in analysis::judge(scene.study, scene.results) {
        if scene.limits.iter().any(|limit| limit.expectation == verdict.expectation) {
            for check in &verdict.checks {
                if check.holds() { &mut good } else { &mut bad }.insert(check.point);
            }
        }
    }
    &good - &bad
}

impl Map<'_> {
    fn draw(&self, fixed: &[(usize, usize)], cells: &Cells<'_>, (shown, all): (usize, usize)) -> Option<String> {
        let study = self.scene.study;
        let (across, up) = (&study.axes[self.axes.0], &study.axes[self.axes.1]);
        let title = |axis: usize| names::words(study, axis);
        // Keys that go together have an "and" of their own.
        let and = if names::together(study, self.axes.0).len() > 1 { ", and " } else { " and " };
        let title = format!("Failure rate by {}{and}{}", title(self.axes.0), title(self.axes.1));
        let header = Header::new(&title, &self.subtitle(fixed, cells, (shown, all)));

        let (columns, rows) = (across.values.len() as f64, up.values.len() as f64);
        let names: Vec<String> =
            (0..up.values.len()).map(|index| Type::LABEL.cut(&names::row(study, self.axes.1, index), WIDEST)).collect();
        let widest = names.iter().map(|name| Type::LABEL.width(name)).fold(0.0, f64::max);
        let left = EDGE + 26.0 + widest + 12.0;
        let right = WIDTH - EDGE - BAR - 20.0;
        let top = header.bottom() + 8.0;
        let tall = (340.0 / rows).clamp(8.0, 64.0);
        let bottom = top + (tall * rows).min(1_600.0);
        // Cells that begin on pixels of the picture touch without hairlines between them.
        let snap = |size: f64| if size >= 1.0 { (size * 2.0).floor() / 2.0 } else { size };
        let cell = (snap((right - left) / columns), snap((bottom - top) / rows));
        let (left, right) = (left.round(), left.round() + cell.0 * columns);
        let (top, bottom) = (bottom.round() - cell.1 * rows, bottom.round());

        theme::draw(&header, bottom + 62.0, |canvas| {
            // The first value at the bottom, as on any axis.
            let corner =
                |column: usize, row: usize| (left + cell.0 * column as f64, bottom - cell.1 * (row + 1) as f64);
            for column in 0..across.values.len() {
                for row in 0..up.values.len() {
                    self.cell(canvas, corner(column, row), cell, cells.get(&(column, row)).copied());
                }
            }
            let mut next = f64::NEG_INFINITY;
            for (row, name) in names.iter().enumerate().rev() {
                let y = corner(0, row).1 + cell.1 / 2.0;
                if y >= next {
                    canvas.text(left - 12.0, y, name, Type::LABEL.end());
                    next = y + 14.0;
                }
            }
            let columns: Vec<String> =
                (0..across.values.len()).map(|index| names::row(study, self.axes.0, index)).collect();
            below(canvas, &columns, (left, bottom), cell.0);
            let look = Type::LABEL.size(AXIS).middle();
            let words = look.cut(&names::capital(&names::words(study, self.axes.0)), right - left);
            canvas.text((left + right) / 2.0, bottom + 43.0, &words, look);
            // Few rows leave little room; the title of the plot has the long name.
            let long = names::capital(&names::words(study, self.axes.1));
            let short = || names::capital(&names::short_words(study, self.axes.1));
            let words = if look.width(&long) <= bottom - top { long } else { short() };
            let words = look.cut(&words, bottom - top + 16.0);
            canvas.upright(EDGE + 8.0, (top + bottom) / 2.0, &words, look);
            self.bar(canvas, right + 28.0, top, bottom);
        })
    }

    fn subtitle(&self, fixed: &[(usize, usize)], cells: &Cells<'_>, (shown, all): (usize, usize)) -> String {
        let mut subtitle = String::new();
        if !fixed.is_empty() {
            subtitle = names::capital(&names::values(self.scene.study, fixed)) + "; ";
        }
        subtitle += &names::basis_of_all(self.scene.study, self.scene.results);
        if shown < all {
            subtitle += &format!("; one of the {shown} most different of {all} maps");
        }
        if cells.values().any(|result| self.good.contains(&result.point)) {
            let text = match self.scene.limits.as_slice() {
                [only] => self.scene.study.expectations[only.expectation].text.clone(),
                _ => "every expected limit of a rate".to_string(),
            };
            subtitle += &format!("; outlined: {} holds", words::cut(&text, 90));
        } else if !self.scene.limits.is_empty() {
            subtitle += "; no cell meets the expected limit";
        }
        subtitle
    }

    fn cell(&self, canvas: &mut Canvas<'_>, corner: (f64, f64), size: (f64, f64), result: Option<&PointResult>) {
        let seam = if size.0.min(size.1) > 16.0 { SEAM } else { 0.0 };
        let (x, y) = (corner.0 + seam / 2.0, corner.1 + seam / 2.0);
        let (width, height) = (size.0 - seam, size.1 - seam);
        let middle = (corner.0 + size.0 / 2.0, corner.1 + size.1 / 2.0);
        let Some(result) = result.filter(|result| has_rate(result)) else {
            canvas.rectangle(x, y, width, height, EMPTY);
            if size.0 > 16.0 && size.1 > 14.0 {
                canvas.text(middle.0, middle.1, words::NOTHING, Type::LABEL.middle().muted());
            }
            return;
        };
        let share = series::rate(result);
        let colour = self.colour(share);
        let ink = if luminance_is_low(colour) { WHITE } else { INK };
        canvas.rectangle(x, y, width, height, colour);
        let good = self.good.contains(&result.point);
        if good && size.0.min(size.1) > 10.0 {
            canvas.outline(x + 2.5, y + 2.5, width - 5.0, height - 5.0, ink, 2.0);
        }
        let look = Type { bold: good, ..Type::LABEL.middle().colour(ink) };
        let text = words::percent(share);
        // A label that does not fit would be read as its neighbour's.
        let fits = |text: &str| look.width(text) + 8.0 <= width && height >= 15.0;
        let number = words::percent_number(share);
        if let Some(text) = [text, number].into_iter().find(|text| fits(text)) {
            canvas.text(middle.0, middle.1, &text, look);
        }
    }

    fn top(&self) -> f64 {
        self.shares.last().map_or(1.0, |(share, _)| *share)
    }

    fn colour(&self, share: f64) -> RGBColor {
        let colour = colorous::VIRIDIS.eval_continuous((share / self.top()).clamp(0.0, 1.0));
        RGBColor(colour.r, colour.g, colour.b)
    }

    /// The colours with what they mean.
    fn bar(&self, canvas: &mut Canvas<'_>, x: f64, top: f64, bottom: f64) {
        let (width, steps) = (18.0, 64);
        let top = top + 22.0;
        let bottom = bottom.max(top + 90.0);
        canvas.text(x, top - 15.0, "Failed", Type::LABEL.muted());
        let up = Scale::linear((0.0, self.top()), (bottom, top));
        // Each strip reaches to the bottom, because strips side by side would show hairlines between them.
        for step in (0..steps).rev() {
            let y = bottom - (bottom - top) * f64::from(step + 1) / f64::from(steps);
            let share = self.top() * (f64::from(step) + 0.5) / f64::from(steps);
            canvas.rectangle(x, y, width, bottom - y, self.colour(share));
        }
        for (share, text) in &self.shares {
            let y = up.at(*share);
            canvas.line((x + width, y), (x + width + 4.0, y), MUTED, 1.0);
            canvas.text(x + width + 8.0, y, text, Type::LABEL);
        }
    }
}

fn luminance_is_low(colour: RGBColor) -> bool {
    theme::luminance(colour) < BRIGHT
}

/// The values below their columns: whole, on two lines, or only some of them.
fn below(canvas: &mut Canvas<'_>, names: &[String], (left, bottom): (f64, f64), width: f64) {
    let widest = names.iter().map(|name| Type::LABEL.width(name)).fold(0.0, f64::max);
    // Names are cut only where columns are wide enough to leave something of them.
    let every = if width >= 56.0 { 1 } else { ((widest.min(120.0) + 10.0) / width).ceil().max(1.0) as usize };
    let room = width * every as f64 - 8.0;
    for (index, name) in names.iter().enumerate().step_by(every) {
        let x = left + width * (index as f64 + 0.5);
        canvas.text(x, bottom + 15.0, &Type::LABEL.cut(name, room), Type::LABEL.middle());
    }
}
