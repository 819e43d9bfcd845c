//! Which remedies save most of the jobs that failed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::remedy::Remedy;
use crate::observe::{FailureKey, PointFacts, Remedies};

/// A remedy, and how many of some failed jobs it saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saves {
    /// What is set otherwise; of amounts that save as many, the least.
    pub remedy: Remedy,
    /// Jobs; of two things at once at least so many: those that neither saves alone, and the more of those that one
    /// does.
    pub jobs: u64,
}

/// What would have saved the failed jobs of a point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// Jobs that failed.
    pub failed: u64,
    /// Of them, those in whose way of failing no job fails by itself: nothing is known of them.
    pub unknown: u64,
    /// Jobs that were simulated by themselves; the others count as these do.
    pub simulated: u64,
    /// Jobs that no single remedy saves, but perhaps one of the token itself.
    pub beyond_one: u64,
    /// Each kind of remedy that saves any, those that save most first; of pairs those that save what neither does alone.
    pub saves: Vec<Saves>,
}

/// Percent of the most jobs that any remedy saves, from which on another one is as good. An assumption: of remedies that
/// differ by less, the one is named that exposes tokens less.
const AS_GOOD: u64 = 95;

/// The best remedy of one way of failing; `None`: nothing is known, or nothing saves a job.
pub(super) fn best(failed: u64, remedies: &Remedies) -> Option<Saves> {
    let saved = remedies.saved.iter().map(|(remedy, jobs)| (*remedy, scale(*jobs, failed, remedies)));
    let kinds = kinds(&saved.collect());
    let most = kinds.iter().map(|saves| saves.jobs).max()?;
    let good = kinds.into_iter().filter(|saves| saves.jobs * 100 >= most * AS_GOOD);
    good.min_by_key(|saves| (saves.remedy.settings().filter(|setting| setting.is_of_token()).max(), saves.remedy))
}

/// The least amount of each kind of remedy that saves most.
fn kinds(saved: &BTreeMap<Remedy, u64>) -> Vec<Saves> {
    let mut kinds: Vec<Saves> = Vec::new();
    for (remedy, jobs) in saved {
        let alone = |setting| saved.get(&Remedy::single(setting)).copied().unwrap_or(0);
        let by_parts = remedy.other.and_then(|_| remedy.settings().map(alone).max()).unwrap_or(0);
        let saves = Saves { remedy: *remedy, jobs: jobs + by_parts };
        match kinds.iter_mut().find(|known| known.remedy.is_like(*remedy)) {
            Some(known) if saves.jobs > known.jobs => *known = saves,
            Some(_) => {}
            None => kinds.push(saves),
        }
    }
    kinds
}

/// The remedies of a point; `None`: nobody asked for them.
pub(super) fn rank(facts: &PointFacts) -> Option<Ranking> {
    if facts.remedies.is_empty() {
        return None;
    }
    let mut ranking = Ranking::default();
    let mut saved: BTreeMap<Remedy, u64> = BTreeMap::new();
    for (workload, of_workload) in facts.workloads.iter().enumerate() {
        for (way, counts) in &of_workload.failures {
            ranking.failed += counts.jobs;
            let Some(remedies) = of_way(facts, workload, way).filter(|remedies| remedies.asked > 0) else {
                ranking.unknown += counts.jobs;
                continue;
            };
            ranking.simulated += remedies.simulated;
            ranking.beyond_one += scale(remedies.beyond_one, counts.jobs, remedies);
            for (remedy, jobs) in &remedies.saved {
                *saved.entry(*remedy).or_default() += scale(*jobs, counts.jobs, remedies);
            }
        }
    }
    ranking.saves = kinds(&saved);
    ranking.saves.sort_by_key(|saves| (Reverse(saves.jobs), saves.remedy));
    Some(ranking)
}

/// What would have saved the jobs of a workload that failed in one way.
pub(super) fn of_way<'f>(facts: &'f PointFacts, workload: usize, way: &FailureKey) -> Option<&'f Remedies> {
    facts.remedies.get(workload)?.get(way)
}

/// So many of those that were asked, as a number of all that failed in this way.
fn scale(jobs: u64, failed: u64, remedies: &Remedies) -> u64 {
    let asked = u128::from(remedies.asked.max(1));
    let scaled = (u128::from(jobs) * u128::from(failed) + asked / 2) / asked;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::remedy::{Sender, Setting};
    use crate::units::Span;

    const NOVA: Remedy = Remedy::single(Setting::ServiceToken(Sender::Nova));

    fn window(hours: i64) -> Remedy {
        Remedy::single(Setting::Window(Span::from_seconds(hours * 3_600)))
    }

    fn remedies(asked: u64, saved: &[(Remedy, u64)]) -> Remedies {
        Remedies { asked, simulated: asked, beyond_one: 0, saved: saved.iter().copied().collect() }
    }

    #[test]
    fn the_best_saves_most_and_least_of_it() {
        let cinder = Setting::ServiceToken(Sender::Cinder);
        let both = Remedy::pair(NOVA.one, cinder);
        let day = Remedy::single(Setting::Expiration(Span::from_seconds(86_400)));
        let saves = |remedy, jobs| Some(Saves { remedy, jobs });
        let cases = [
            ("nothing helps", 9, remedies(9, &[]), None),
            (
                "the least amount that saves most",
                9,
                remedies(9, &[(window(1), 2), (window(2), 9), (window(4), 9)]),
                saves(window(2), 9),
            ),
            ("a switch before an amount", 9, remedies(9, &[(window(1), 9), (NOVA, 9)]), saves(NOVA, 9)),
            ("more before less", 9, remedies(9, &[(window(1), 9), (NOVA, 8)]), saves(window(1), 9)),
            ("of those that were asked", 100, remedies(3, &[(NOVA, 2)]), saves(NOVA, 67)),
            ("what one of two saves", 100, remedies(100, &[(NOVA, 20), (both, 79)]), saves(both, 99)),
            ("no longer lifetime", 100, remedies(100, &[(NOVA, 20), (both, 76), (day, 100)]), saves(both, 96)),
            ("unless it saves more", 100, remedies(100, &[(NOVA, 20), (both, 70), (day, 100)]), saves(day, 100)),
        ];
        for (what, failed, remedies, expected) in cases {
            assert_eq!(best(failed, &remedies), expected, "{what}");
        }
    }
}
