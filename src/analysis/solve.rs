//! The cheapest setting that meets a target: bisection, checked for being allowed to bisect. What a setting is, and how a
//! target is judged, is the caller's affair: settings are places in a list, the cheapest first.

use std::collections::BTreeMap;

/// What came of trying a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tried {
    /// It meets the target.
    Meets,
    /// It does not, and by how much.
    Misses(f64),
    /// It is no setting at all.
    Refused,
}

/// Up to so many settings are all tried: each may be unlike its neighbours.
const FEW: usize = 9;
/// How often the neighbourhood of the best is looked at where nothing meets the target.
const MOST_ROUNDS: usize = 12;
/// Settings of the first key for which a frontier is worked out where it has many.
const COLUMNS: usize = 6;

/// What was found along one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Everything that was tried.
    pub tried: BTreeMap<usize, Tried>,
}

impl Line {
    /// The cheapest setting that meets the target.
    pub fn answer(&self) -> Option<usize> {
        self.tried.iter().find(|(_, tried)| **tried == Tried::Meets).map(|(at, _)| *at)
    }

    /// The dearer settings that do not meet the target although the answer does: where there are some, the response is
    /// not monotone.
    pub fn breaks(&self) -> Vec<usize> {
        let Some(answer) = self.answer() else { return Vec::new() };
        let dearer = self.tried.range(answer + 1..);
        dearer.filter(|(_, tried)| matches!(tried, Tried::Misses(_))).map(|(at, _)| *at).collect()
    }

    /// What came nearest to the target where nothing meets it.
    pub fn nearest(&self) -> Option<usize> {
        nearest(&self.tried)
    }
}

fn nearest<K: Copy>(tried: &BTreeMap<K, Tried>) -> Option<K> {
    let missed = tried.iter().filter_map(|(at, tried)| match tried {
        Tried::Misses(by) => Some((*at, *by)),
        Tried::Meets | Tried::Refused => None,
    });
    missed.min_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(at, _)| at)
}

/// Finds the cheapest of `len` settings; `try_all` tries several at once, each only once.
///
/// Both ends and settings between them, each about as many times the one before, are tried first: they show whether the
/// response is monotone. Then the step from the last that misses the target to the first that meets it is bisected.
/// Where none of them meets it, the neighbourhood of the nearest is searched, as far as there is one.
///
/// # Errors
/// Those of `try_all`.
pub fn cheapest<E>(len: usize, mut try_all: impl FnMut(&[usize]) -> Result<Vec<Tried>, E>) -> Result<Line, E> {
    let mut line = Line::default();
    let mut try_new = |line: &mut Line, places: Vec<usize>| -> Result<bool, E> {
        let mut new: Vec<usize> = places.into_iter().filter(|at| !line.tried.contains_key(at)).collect();
        new.dedup();
        if new.is_empty() {
            return Ok(false);
        }
        let tried = try_all(&new)?;
        line.tried.extend(new.into_iter().zip(tried));
        Ok(true)
    };
    try_new(&mut line, probes(len))?;
    for _ in 0..MOST_ROUNDS {
        let (None, Some(nearest)) = (line.answer(), line.nearest()) else { break };
        let below = line.tried.range(..nearest).next_back().map(|(at, _)| at + (nearest - at) / 2);
        let above = line.tried.range(nearest + 1..).next().map(|(at, _)| nearest + (at - nearest) / 2);
        if !try_new(&mut line, below.into_iter().chain(above).collect())? {
            break;
        }
    }
    while let Some(meets) = line.answer() {
        let Some(misses) = line.tried.range(..meets).next_back().map(|(at, _)| *at) else { break };
        if !try_new(&mut line, vec![misses + (meets - misses) / 2])? {
            break;
        }
    }
    Ok(line)
}

/// All of few settings; of many both ends, and between them about as many times as far from the first each.
fn probes(len: usize) -> Vec<usize> {
    if len <= FEW {
        return (0..len).collect();
    }
    let ratio = libm::pow(len as f64, 1.0 / (FEW - 1) as f64);
    let mut probes: Vec<usize> =
        (0..FEW).map(|step| (libm::pow(ratio, step as f64).round() as usize).clamp(1, len) - 1).collect();
    probes[FEW - 1] = len - 1;
    probes.dedup();
    probes
}

/// What was found for two keys together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frontier {
    /// Pairs that meet the target, of which none is cheaper than another in both keys; the cheapest of the first key first.
    pub pairs: Vec<[usize; 2]>,
    /// Everything that was tried.
    pub tried: BTreeMap<[usize; 2], Tried>,
    /// Pairs that miss the target although one that is cheaper in both keys meets it.
    pub breaks: Vec<[usize; 2]>,
}

impl Frontier {
    /// What came nearest to the target where nothing meets it.
    pub fn nearest(&self) -> Option<[usize; 2]> {
        nearest(&self.tried)
    }
}

/// Finds the frontier of two keys: for some settings of the first key, the cheapest of the second, and with it the cheapest
/// of the first.
///
/// # Errors
/// Those of `try_all`.
pub fn frontier<E>(
    lens: [usize; 2],
    mut try_all: impl FnMut(&[[usize; 2]]) -> Result<Vec<Tried>, E>,
) -> Result<Frontier, E> {
    let mut frontier = Frontier::default();
    let mut along = |frontier: &mut Frontier, len: usize, pair: &dyn Fn(usize) -> [usize; 2]| {
        cheapest(len, |places| {
            let pairs: Vec<[usize; 2]> = places.iter().map(|at| pair(*at)).collect();
            let new: Vec<[usize; 2]> =
                pairs.iter().filter(|pair| !frontier.tried.contains_key(*pair)).copied().collect();
            if !new.is_empty() {
                let tried = try_all(&new)?;
                frontier.tried.extend(new.into_iter().zip(tried));
            }
            Ok(pairs.iter().map(|pair| frontier.tried[pair]).collect())
        })
    };
    let mut columns: Vec<usize> = (0..lens[0]).collect();
    if lens[0] > FEW {
        // Between what the first key needs if the second is dearest, and what it needs if that is cheapest.
        let least = along(&mut frontier, lens[0], &|at| [at, lens[1] - 1])?.answer();
        let most = along(&mut frontier, lens[0], &|at| [at, 0])?.answer();
        let (least, most) = (least.unwrap_or(0), most.unwrap_or(lens[0] - 1));
        let (low, high) = (least.min(most), least.max(most));
        columns = (0..=COLUMNS).map(|step| low + (high - low) * step / COLUMNS).collect();
        columns.dedup();
    }
    for column in columns {
        let Some(second) = along(&mut frontier, lens[1], &|at| [column, at])?.answer() else { continue };
        if lens[0] > FEW {
            along(&mut frontier, column + 1, &|at| [at, second])?;
        }
    }
    let meets = |(pair, tried): (&[usize; 2], &Tried)| (*tried == Tried::Meets).then_some(*pair);
    for pair in frontier.tried.iter().filter_map(meets) {
        // In the order of the first key, so that only the second has to fall.
        if frontier.pairs.last().is_none_or(|last| pair[1] < last[1]) {
            frontier.pairs.push(pair);
        }
    }
    let is_dearer = |pair: &[usize; 2]| frontier.pairs.iter().any(|good| good[0] <= pair[0] && good[1] <= pair[1]);
    let missed = frontier.tried.iter().filter(|(_, tried)| matches!(tried, Tried::Misses(_)));
    frontier.breaks = missed.map(|(pair, _)| *pair).filter(is_dearer).collect();
    Ok(frontier)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// The line of a response, and how many settings it took.
    fn line(len: usize, response: impl Fn(usize) -> Tried) -> (Line, usize) {
        let mut count = 0;
        let Ok(line) = cheapest(len, |places| {
            count += places.len();
            Ok::<_, Infallible>(places.iter().map(|at| response(*at)).collect())
        });
        assert_eq!(count, line.tried.len(), "each is tried once");
        (line, count)
    }

    fn from(threshold: usize) -> impl Fn(usize) -> Tried {
        move |at| if at >= threshold { Tried::Meets } else { Tried::Misses((threshold - at) as f64) }
    }

    #[test]
    fn a_step_is_found_exactly() {
        for len in [1, 2, 9, 10, 11, 100, 43_200, 2_592_000] {
            for threshold in [0, 1, 2, 7, len / 3, len / 2, len - 1] {
                let (line, count) = line(len, from(threshold));
                assert_eq!(line.answer(), (threshold < len).then_some(threshold), "{threshold} of {len}");
                assert!(line.breaks().is_empty());
                assert!(count <= 32, "{count} tries for {threshold} of {len}");
            }
        }
    }

    #[test]
    fn what_cannot_be_met_ends_at_the_nearest() {
        let (line, _) = line(1_000, from(1_500));
        assert_eq!((line.answer(), line.nearest()), (None, Some(999)));
        let (line, _) = self::line(1_000, |at| Tried::Misses(at.abs_diff(321) as f64));
        assert_eq!((line.answer(), line.nearest()), (None, Some(321)), "a valley is walked down to its ground");
    }

    #[test]
    fn a_valley_that_meets_the_target_is_found_and_called_one() {
        let within =
            |at: usize| if (300..=340).contains(&at) { Tried::Meets } else { Tried::Misses(at.abs_diff(320) as f64) };
        let (line, _) = line(1_000, within);
        assert_eq!(line.answer(), Some(300));
        assert!(line.breaks().contains(&999), "{:?}", line.breaks());
    }

    #[test]
    fn refused_settings_are_neither_found_nor_called_a_break() {
        let (line, _) = line(100, |at| if (10..=90).contains(&at) { from(40)(at) } else { Tried::Refused });
        assert_eq!((line.answer(), line.breaks()), (Some(40), Vec::new()));
        let (line, _) = self::line(100, |_| Tried::Refused);
        assert_eq!((line.answer(), line.nearest()), (None, None));
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(line(0, |_| Tried::Meets).0, Line::default());
    }

    fn pairs(lens: [usize; 2], response: impl Fn([usize; 2]) -> Tried) -> Frontier {
        let Ok(found) = frontier(lens, |pairs| Ok::<_, Infallible>(pairs.iter().map(|pair| response(*pair)).collect()));
        found
    }

    #[test]
    fn every_pair_of_the_frontier_is_a_corner() {
        // What both together must be: a hyperbola.
        let meets = |[a, b]: [usize; 2]| (a + 1) * (b + 1) >= 1_000;
        let miss = |pair: [usize; 2]| if meets(pair) { Tried::Meets } else { Tried::Misses(1.0) };
        let found = pairs([200, 300], miss);
        assert!(found.pairs.len() >= 4, "{:?}", found.pairs);
        for &[a, b] in &found.pairs {
            assert!(meets([a, b]) && !meets([a, b - 1]) && !meets([a - 1, b]), "{a} {b}: {:?}", found.pairs);
        }
        assert!(found.breaks.is_empty());
        assert!(found.tried.len() < 250, "{}", found.tried.len());
    }

    #[test]
    fn few_settings_are_all_tried() {
        let found =
            pairs([2, 2], |pair| if pair == [0, 1] || pair == [1, 0] { Tried::Meets } else { Tried::Misses(1.0) });
        assert_eq!((found.pairs, found.breaks), (vec![[0, 1], [1, 0]], vec![[1, 1]]));
        let none = pairs([2, 20], |[a, b]| Tried::Misses(30.0 - a as f64 - b as f64));
        assert_eq!((none.pairs.len(), none.nearest()), (0, Some([1, 19])));
    }
}
