//! The cheapest setting that meets a target: bisection, checked for being allowed to bisect. What a setting is, is the
//! caller's affair: settings are places in a list, the cheapest first.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Check, Problem};
use crate::model::study::Expectation;

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

impl Tried {
    /// What a check says: whether the target is met, and how far it is away.
    pub fn of(expectation: &Expectation, check: &Check) -> Tried {
        let beyond = |bound: Option<f64>, end: Option<f64>| Some(bound? - end.or(check.value)?);
        match check.problem {
            None => Tried::Meets,
            Some(Problem::TooHigh | Problem::TooLow | Problem::NoBound | Problem::TooFewJobs) => {
                let high = beyond(expectation.max, check.high).map(|left| -left);
                let low = beyond(expectation.min, check.low);
                Tried::Misses(high.or(low).unwrap_or(f64::MAX))
            }
            // However good the number is, it is not that of all jobs.
            Some(Problem::UnfinishedJobs | Problem::NoSuchWorkload) => Tried::Misses(f64::MAX),
        }
    }
}

/// Whether the estimate misses the target too, and not only its bound.
pub fn is_missed(expectation: &Expectation, check: &Check) -> bool {
    let estimate = check.value.is_none_or(|value| {
        expectation.max.is_some_and(|max| value > max) || expectation.min.is_some_and(|min| value < min)
    });
    estimate || check.problem == Some(Problem::UnfinishedJobs)
}

/// The settings of a key.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many there are; their values are evenly spaced.
    pub len: usize,
    /// So many, the cheapest, are looked at; those beyond only if none of these meets the target.
    pub first: usize,
    /// The first of them is the greatest value, not the least.
    pub descending: bool,
    /// The least value, in steps from one to the next; at least 1, since places are spaced by ratios.
    pub offset: f64,
    /// Where the setting of today stands.
    pub now: Option<usize>,
    /// A cheaper setting takes longer to try than the last, as more load does.
    pub laborious: bool,
}

/// Up to so many settings are all tried: each may be unlike its neighbours.
const FEW: usize = 9;
/// How often the neighbourhood of the best is looked at where nothing meets the target.
const MOST_ROUNDS: usize = 12;

impl Settings {
    /// The magnitude of the value at a place.
    fn magnitude(&self, place: usize) -> f64 {
        let from_least = if self.descending { self.len - 1 - place } else { place };
        from_least as f64 + self.offset
    }

    /// The place whose value has about this magnitude.
    fn place(&self, magnitude: f64) -> usize {
        let from_least = ((magnitude - self.offset).round().max(0.0) as usize).min(self.len - 1);
        if self.descending { self.len - 1 - from_least } else { from_least }
    }

    /// How far a place is from today's, as a ratio of values; 0 where nobody knows today's.
    pub fn distance(&self, place: usize) -> f64 {
        let from_today = |now: usize| libm::fabs(libm::log(self.magnitude(place) / self.magnitude(now)));
        self.now.map_or(0.0, from_today)
    }

    /// All of few places; of many both ends, and between them places whose values are about as many times the last
    /// each; and that of today.
    fn spread(&self, places: RangeInclusive<usize>) -> Vec<usize> {
        let (start, end) = (*places.start(), *places.end());
        if end < start + FEW {
            return places.collect();
        }
        let (from, to) = (self.magnitude(start), self.magnitude(end));
        let between =
            |step: usize| self.place(from * libm::pow(to / from, step as f64 / (FEW - 1) as f64)).clamp(start, end);
        let mut spread: Vec<usize> = (1..FEW - 1).map(between).chain([start, end]).collect();
        spread.extend(self.now.filter(|now| places.contains(now)));
        spread.sort_unstable();
        spread.dedup();
        spread
    }

    /// From a place on to the cheapest, each value about twice the last, or half of it.
    fn cheaper(&self, from: usize) -> Vec<usize> {
        self.by_doubling(from, 0)
    }

    /// From the last of the first settings on to the dearest.
    fn dearer(&self) -> Vec<usize> {
        if self.first == 0 { Vec::new() } else { self.by_doubling(self.first - 1, self.len - 1) }
    }

    /// The places behind `from` up to `to`, both ways.
    fn by_doubling(&self, from: usize, to: usize) -> Vec<usize> {
        let (mut places, mut at) = (Vec::new(), from);
        while at != to {
            let magnitude = self.magnitude(at);
            let is_growing = self.magnitude(to) > magnitude;
            let next = self.place(if is_growing { magnitude * 2.0 } else { magnitude / 2.0 });
            // Near the least value half of it may be the same place.
            at = if to > at { next.clamp(at + 1, to) } else { next.clamp(to, at - 1) };
            places.push(at);
        }
        places
    }

    /// The same up to a place.
    fn up_to(&self, last: usize) -> Settings {
        Settings { first: last + 1, ..self.clone() }
    }
}

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

    /// The nearest cheaper setting that was seen to miss the target: what shows that there is none cheaper.
    pub fn next_cheaper(&self) -> Option<usize> {
        let mut cheaper = self.tried.range(..self.answer()?);
        cheaper.rfind(|(_, tried)| matches!(tried, Tried::Misses(_))).map(|(at, _)| *at)
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

/// Finds the cheapest setting; `try_all` tries several at once, each only once.
///
/// First some between both ends are tried, which show whether the response is monotone; of laborious ones only
/// today's and dearer ones, and from there on cheaper ones one after the other until one misses the target. Then the
/// step from the last that misses it to the first that meets it is bisected. Where none meets it, dearer ones than
/// the first are tried, and then the neighbourhood of the nearest is searched, as far as there is one.
///
/// # Errors
/// Those of `try_all`.
pub fn cheapest<E>(settings: &Settings, try_all: impl FnMut(&[usize]) -> Result<Vec<Tried>, E>) -> Result<Line, E> {
    along(settings, true, try_all)
}

/// The same; beyond the first settings only if this is wanted.
fn along<E>(
    settings: &Settings,
    beyond: bool,
    mut try_all: impl FnMut(&[usize]) -> Result<Vec<Tried>, E>,
) -> Result<Line, E> {
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
    let Some(last) = settings.first.checked_sub(1) else { return Ok(line) };
    let mut probes = settings.spread(0..=last);
    if settings.laborious && last >= FEW {
        let from = settings.now.filter(|now| *now <= last).unwrap_or(last);
        probes.retain(|at| *at >= from);
        try_new(&mut line, probes)?;
        for at in settings.cheaper(from) {
            if line.tried.values().next() != Some(&Tried::Meets) {
                break;
            }
            try_new(&mut line, vec![at])?;
        }
    } else {
        try_new(&mut line, probes)?;
    }
    for at in settings.dearer().into_iter().take_while(|_| beyond) {
        if line.answer().is_some() || line.tried.values().next_back() == Some(&Tried::Refused) {
            break;
        }
        try_new(&mut line, vec![at])?;
    }
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

/// What was found for two keys together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frontier {
    /// Pairs that meet the target, of which none is cheaper than another in both keys; the cheapest of the first key
    /// first.
    pub pairs: Vec<[usize; 2]>,
    /// Everything that was tried.
    pub tried: BTreeMap<[usize; 2], Tried>,
    /// Pairs that miss the target although one that is cheaper in both keys meets it.
    pub breaks: Vec<[usize; 2]>,
    /// For how many settings of the first key the second was worked out, and of how many that was a selection.
    pub columns: (usize, usize),
}

impl Frontier {
    /// What came nearest to the target where nothing meets it.
    pub fn nearest(&self) -> Option<[usize; 2]> {
        nearest(&self.tried)
    }
}

/// Finds the frontier of two keys: for some settings of the first key, today's among them, the cheapest of the
/// second, and with it the cheapest of the first. Where no pair of the first settings meets the target, dearer ones
/// are looked at too.
///
/// # Errors
/// Those of `try_all`.
pub fn frontier<E>(
    settings: &[Settings; 2],
    mut try_all: impl FnMut(&[[usize; 2]]) -> Result<Vec<Tried>, E>,
) -> Result<Frontier, E> {
    let mut frontier = Frontier::default();
    within(settings, &mut frontier, &mut try_all)?;
    let (mut one, mut other) = (settings[0].dearer().into_iter(), settings[1].dearer().into_iter());
    let mut last = settings.each_ref().map(|settings| settings.first.saturating_sub(1));
    while !frontier.tried.values().any(|tried| *tried == Tried::Meets) {
        let next = [one.next(), other.next()];
        if next == [None, None] {
            break;
        }
        last = [next[0].unwrap_or(last[0]), next[1].unwrap_or(last[1])];
        let tried = try_all(&[last])?[0];
        frontier.tried.insert(last, tried);
        match tried {
            Tried::Meets => {
                let settings = [settings[0].up_to(last[0]), settings[1].up_to(last[1])];
                within(&settings, &mut frontier, &mut try_all)?;
            }
            Tried::Misses(_) => {}
            Tried::Refused => break,
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

/// The frontier of the first settings of both keys.
fn within<E>(
    settings: &[Settings; 2],
    frontier: &mut Frontier,
    try_all: &mut impl FnMut(&[[usize; 2]]) -> Result<Vec<Tried>, E>,
) -> Result<(), E> {
    let [first, second] = settings;
    if first.first == 0 || second.first == 0 {
        return Ok(());
    }
    let mut along = |frontier: &mut Frontier, settings: &Settings, pair: &dyn Fn(usize) -> [usize; 2]| {
        along(settings, false, |places| {
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
    let columns = if first.first <= FEW {
        frontier.columns = (first.first, first.first);
        (0..first.first).collect()
    } else {
        // Between what the first key needs if the second is dearest, and what it needs if that is cheapest.
        let least = along(frontier, first, &|at| [at, second.first - 1])?.answer();
        let most = along(frontier, first, &|at| [at, 0])?.answer();
        let (least, most) = (least.unwrap_or(0), most.unwrap_or(first.first - 1));
        let (low, high) = (least.min(most), least.max(most));
        let columns: Vec<usize> = first.spread(low..=high);
        frontier.columns = (columns.len(), high - low + 1);
        columns
    };
    for column in columns {
        let Some(cheapest) = along(frontier, second, &|at| [column, at])?.answer() else { continue };
        if first.first > FEW {
            along(frontier, &first.up_to(column), &|at| [at, cheapest])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// So many settings, all of which are looked at.
    fn settings(len: usize) -> Settings {
        Settings { len, first: len, descending: false, offset: 1.0, now: None, laborious: false }
    }

    /// The line of a response, and what was tried in which order.
    fn walked(settings: &Settings, response: impl Fn(usize) -> Tried) -> (Line, Vec<usize>) {
        let mut order = Vec::new();
        let Ok(line) = cheapest(settings, |places| {
            order.extend(places);
            Ok::<_, Infallible>(places.iter().map(|at| response(*at)).collect())
        });
        assert_eq!(order.len(), line.tried.len(), "each is tried once");
        (line, order)
    }

    fn line(len: usize, response: impl Fn(usize) -> Tried) -> Line {
        walked(&settings(len), response).0
    }

    fn from(threshold: usize) -> impl Fn(usize) -> Tried {
        move |at| if at >= threshold { Tried::Meets } else { Tried::Misses((threshold - at) as f64) }
    }

    #[test]
    fn a_step_is_found_exactly() {
        for len in [1, 2, 9, 10, 11, 100, 43_200, 2_592_000] {
            for threshold in [0, 1, 2, 7, len / 3, len / 2, len - 1] {
                for (descending, laborious) in [(false, false), (true, false), (true, true)] {
                    for now in [None, Some(len / 2), Some(0), Some(len - 1)] {
                        let settings = Settings { descending, laborious, now, ..settings(len) };
                        let (line, order) = walked(&settings, from(threshold));
                        let case = format!("{threshold} of {len}, {descending}, {laborious}, {now:?}");
                        assert_eq!(line.answer(), (threshold < len).then_some(threshold), "{case}");
                        assert!(line.breaks().is_empty(), "{case}");
                        assert!(order.len() <= 60, "{case}: {} tries", order.len());
                    }
                }
            }
        }
    }

    /// The load of today is 30, and 70 is the most: nothing far above it is tried.
    #[test]
    fn what_is_laborious_grows_from_today_on() {
        let at = |value: usize| 10_000 - value;
        let loads = Settings { descending: true, laborious: true, now: Some(at(30)), ..settings(10_000) };
        let (line, order) = walked(&loads, from(at(70)));
        assert_eq!(line.answer(), Some(at(70)));
        assert_eq!(order.iter().map(|place| 10_000 - place).max(), Some(120), "{order:?}");
        // What is met at the end of the list is met at its end.
        assert_eq!(walked(&loads, from(0)).0.answer(), Some(0));
        let unknown = Settings { now: None, ..loads };
        assert_eq!(walked(&unknown, from(at(70))).1.iter().map(|place| 10_000 - place).max(), Some(128));
    }

    #[test]
    fn beyond_the_first_settings_is_looked_at_if_none_of_them_will_do() {
        let more = Settings { first: 1_000, now: Some(60), ..settings(64_000) };
        assert_eq!(walked(&more, from(2_642)).0.answer(), Some(2_642));
        assert!(walked(&more, from(500)).1.iter().all(|at| *at < 1_000));
        assert!(walked(&more, |_| Tried::Misses(1.0)).1.contains(&63_999));
        let refused = |at| if at > 3_000 { Tried::Refused } else { Tried::Misses(1.0) };
        assert!(!walked(&more, refused).1.contains(&63_999));
    }

    #[test]
    fn today_is_among_what_is_tried() {
        let now = Settings { now: Some(321), ..settings(1_000) };
        assert!(walked(&now, from(7)).1.contains(&321));
    }

    #[test]
    fn what_cannot_be_met_ends_at_the_nearest() {
        let found = line(1_000, from(1_500));
        assert_eq!((found.answer(), found.nearest()), (None, Some(999)));
        let found = line(1_000, |at| Tried::Misses(at.abs_diff(321) as f64));
        assert_eq!((found.answer(), found.nearest()), (None, Some(321)), "a valley is walked down to its ground");
    }

    #[test]
    fn a_valley_that_meets_the_target_is_found_and_called_one() {
        let within =
            |at: usize| if (300..=340).contains(&at) { Tried::Meets } else { Tried::Misses(at.abs_diff(320) as f64) };
        let found = line(1_000, within);
        assert_eq!((found.answer(), found.next_cheaper()), (Some(300), Some(299)));
        assert!(found.breaks().contains(&999), "{:?}", found.breaks());
    }

    #[test]
    fn refused_settings_are_neither_found_nor_called_a_break() {
        let found = line(100, |at| if (10..=90).contains(&at) { from(40)(at) } else { Tried::Refused });
        assert_eq!((found.answer(), found.breaks()), (Some(40), Vec::new()));
        let found = line(100, |_| Tried::Refused);
        assert_eq!((found.answer(), found.nearest()), (None, None));
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(line(0, |_| Tried::Meets), Line::default());
    }

    fn pairs(settings: [Settings; 2], response: impl Fn([usize; 2]) -> Tried) -> Frontier {
        let Ok(found) =
            frontier(&settings, |pairs| Ok::<_, Infallible>(pairs.iter().map(|pair| response(*pair)).collect()));
        found
    }

    /// What both together must be: a hyperbola.
    fn hyperbola([a, b]: [usize; 2]) -> Tried {
        if (a + 1) * (b + 1) >= 1_000 { Tried::Meets } else { Tried::Misses(1.0) }
    }

    #[test]
    fn every_pair_of_the_frontier_is_a_corner() {
        let today = Settings { now: Some(19), ..settings(200) };
        let found = pairs([today, settings(300)], hyperbola);
        let meets = |pair: [usize; 2]| hyperbola(pair) == Tried::Meets;
        for &[a, b] in &found.pairs {
            assert!(meets([a, b]) && !meets([a, b - 1]) && !meets([a - 1, b]), "{a} {b}: {:?}", found.pairs);
        }
        // Among them those that people run: the small ones, and that of today.
        let small = found.pairs.iter().filter(|[a, _]| *a < 20).count();
        assert!(small >= 5 && found.pairs.contains(&[19, 49]), "{:?}", found.pairs);
        assert!(found.breaks.is_empty());
        assert!(found.columns.0 < found.columns.1, "it is a selection: {:?}", found.columns);
        assert!(found.tried.len() < 300, "{}", found.tried.len());
    }

    #[test]
    fn a_frontier_beyond_the_first_settings_is_found() {
        let short = |len| Settings { first: 15, ..settings(len) };
        let found = pairs([short(200), short(300)], hyperbola);
        assert!(!found.pairs.is_empty() && found.pairs.iter().all(|[a, b]| (a + 1) * (b + 1) >= 1_000), "{found:?}");
        assert!(pairs([short(20), short(20)], hyperbola).pairs.is_empty());
    }

    #[test]
    fn few_settings_are_all_tried() {
        let found = pairs([settings(2), settings(2)], |pair| {
            if pair == [0, 1] || pair == [1, 0] { Tried::Meets } else { Tried::Misses(1.0) }
        });
        assert_eq!((found.pairs, found.breaks), (vec![[0, 1], [1, 0]], vec![[1, 1]]));
        assert_eq!(found.columns, (2, 2));
        let none = pairs([settings(2), settings(20)], |[a, b]| Tried::Misses(30.0 - a as f64 - b as f64));
        assert_eq!((none.pairs.len(), none.nearest()), (0, Some([1, 19])));
    }
}
