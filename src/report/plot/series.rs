//! Which points make a line together, which lines are shown if there are too many, and where their labels go.

use std::collections::BTreeMap;

use crate::analysis::PointResult;

use super::{Scene, names};

/// As many lines as a reader follows.
pub(super) const MOST: usize = 6;

/// Points that differ in one key only.
pub(super) struct Series<'a> {
    /// What they have in common: axis and value.
    pub(super) fixed: names::Place,
    /// Index of the value on the key, ascending, and what came of it; only points at which jobs finished.
    pub(super) points: Vec<(usize, &'a PointResult)>,
}

/// All series along an axis, in the order of the study.
pub(super) fn along<'a>(scene: &Scene<'a>, axis: usize) -> Vec<Series<'a>> {
    let others: Vec<usize> = names::varying(scene.study).into_iter().filter(|&other| other != axis).collect();
    let mut series: BTreeMap<names::Place, Vec<(usize, &PointResult)>> = BTreeMap::new();
    for &(point, result) in &scene.points {
        if result.all().failure_rate.estimate.is_some_and(f64::is_finite) {
            series.entry(names::place(point, &others)).or_default().push((point.values[axis], result));
        }
    }
    let ordered = |(fixed, mut points): (_, Vec<(usize, &'a PointResult)>)| {
        points.sort_by_key(|(index, _)| *index);
        Series { fixed, points }
    };
    series.into_iter().map(ordered).collect()
}

/// The rate at a point of a series.
pub(super) fn rate(result: &PointResult) -> f64 {
    result.all().failure_rate.estimate.unwrap_or(0.0)
}

/// Keeps the `most` series that differ most from each other, in their order.
pub(super) fn most_different(series: Vec<Series<'_>>, most: usize) -> Vec<Series<'_>> {
    if series.len() <= most {
        return series;
    }
    let curve = |one: &Series<'_>| -> BTreeMap<usize, f64> {
        one.points.iter().map(|(index, result)| (*index, rate(result))).collect()
    };
    let curves: Vec<BTreeMap<usize, f64>> = series.iter().map(curve).collect();
    let chosen = spread(
        curves.len(),
        most,
        |one, other| distance(&curves[one], &curves[other]),
        |index| curves[index].values().sum::<f64>() / curves[index].len().max(1) as f64,
    );
    let mut index = 0;
    let mut series = series;
    series.retain(|_| {
        index += 1;
        chosen.contains(&(index - 1))
    });
    series
}

fn distance(one: &BTreeMap<usize, f64>, other: &BTreeMap<usize, f64>) -> f64 {
    let both = one.iter().filter_map(|(index, rate)| Some((rate - other.get(index)?).abs()));
    both.fold(0.0, f64::max)
}

/// The indices of `most` things far from each other: the one of the highest rank, then always the farthest from all.
pub(super) fn spread(
    count: usize,
    most: usize,
    distance: impl Fn(usize, usize) -> f64,
    rank: impl Fn(usize) -> f64,
) -> Vec<usize> {
    let highest = |value: &dyn Fn(usize) -> f64, taken: &[usize]| {
        let free = (0..count).filter(|index| !taken.contains(index));
        free.map(|index| (index, value(index))).reduce(|best, next| if next.1 > best.1 { next } else { best })
    };
    let mut chosen: Vec<usize> = Vec::new();
    let mut nearest = vec![f64::INFINITY; count];
    while chosen.len() < most.min(count) {
        let next = if chosen.is_empty() { highest(&rank, &chosen) } else { highest(&|index| nearest[index], &chosen) };
        let Some((next, _)) = next else { break };
        chosen.push(next);
        for (index, near) in nearest.iter_mut().enumerate() {
            *near = near.min(distance(index, next));
        }
    }
    chosen
}

/// Middles of labels of these heights, as near as possible to where they should be, none above another.
///
/// `wanted` is ascending.
pub(super) fn apart(wanted: &[f64], heights: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let gap = |index: usize| (heights[index] + heights[index - 1]) / 2.0;
    // Labels that touch form a block, and a block stands where its labels want to be on average.
    struct Block {
        first: usize,
        last: usize,
        /// Middle of its first label.
        start: f64,
    }
    let offsets: Vec<f64> = (0..wanted.len())
        .scan(0.0, |sum, index| {
            if index > 0 {
                *sum += gap(index);
            }
            Some(*sum)
        })
        .collect();
    let start = |first: usize, last: usize| {
        let wish = (first..=last).map(|index| wanted[index] - (offsets[index] - offsets[first])).sum::<f64>();
        let low = top + heights[first] / 2.0;
        let high = bottom - heights[last] / 2.0 - (offsets[last] - offsets[first]);
        (wish / (last - first + 1) as f64).min(high).max(low)
    };
    let mut blocks: Vec<Block> = Vec::new();
    for index in 0..wanted.len() {
        blocks.push(Block { first: index, last: index, start: start(index, index) });
        while let [.., above, below] = blocks.as_slice() {
            if above.start + offsets[below.first] - offsets[above.first] <= below.start + 1e-9 {
                break;
            }
            let (first, last) = (above.first, below.last);
            blocks.truncate(blocks.len() - 2);
            blocks.push(Block { first, last, start: start(first, last) });
        }
    }
    let within = |block: &Block| {
        let (first, start) = (block.first, block.start);
        (first..=block.last).map(|index| start + offsets[index] - offsets[first]).collect::<Vec<_>>()
    };
    blocks.iter().flat_map(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_pushed_apart_and_stay_near() {
        let heights = [16.0; 3];
        assert_eq!(apart(&[50.0, 50.0, 50.0], &heights, 0.0, 100.0), [34.0, 50.0, 66.0]);
        assert_eq!(apart(&[10.0, 50.0, 90.0], &heights, 0.0, 100.0), [10.0, 50.0, 90.0]);
        assert_eq!(apart(&[99.0, 99.0, 99.0], &heights, 0.0, 100.0), [60.0, 76.0, 92.0]);
        assert!(apart(&[], &[], 0.0, 100.0).is_empty());
    }

    #[test]
    fn the_most_different_are_the_extremes_first() {
        let values = [0.0, 0.1, 0.11, 0.5, 1.0];
        let distance = |a: usize, b: usize| f64::abs(values[a] - values[b]);
        assert_eq!(spread(5, 3, distance, |index| values[index]), [4, 0, 3]);
        assert_eq!(spread(0, 3, distance, |index| values[index]), [0; 0]);
    }
}
