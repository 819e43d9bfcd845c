//! Which remedies save most of the jobs that failed, less those that they break.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::remedy::{Remedy, Setting};
use crate::observe::{FailureKey, PointFacts, Remedies, Saved};

/// A remedy, and how many of some failed jobs it saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saves {
    /// What is set otherwise, with the least amounts that save all of them.
    pub remedy: Remedy,
    /// Jobs that it saves.
    pub jobs: u64,
    /// Of all jobs of the point that completed, about how many would not any more.
    pub breaks: u64,
}

impl Saves {
    /// Jobs that complete more than now, or less.
    fn net(&self) -> i128 {
        i128::from(self.jobs) - i128::from(self.breaks)
    }
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
    /// Each kind of remedy that saves more than it breaks, those with which most jobs complete first; of equals those
    /// that leave the token's life as it is.
    pub saves: Vec<Saves>,
}

impl Ranking {
    /// Whether a remedy is worth naming: of two things, whether neither alone is as good.
    pub fn is_worth(&self, saves: &Saves) -> bool {
        let is_half = |other: &&Saves| {
            other.remedy.other.is_none() && saves.remedy.settings().any(|setting| setting.is_like(other.remedy.one))
        };
        let best = self.saves.iter().filter(is_half).map(Saves::net).max();
        saves.remedy.other.is_none() || best.is_none_or(|best| best * 100 < saves.net() * i128::from(AS_GOOD))
    }
}

/// Percent of the most jobs that any remedy saves, from which on another one is as good. An assumption: of remedies
/// that differ by less, the one is named that exposes tokens less.
const AS_GOOD: u64 = 95;

/// The remedies of a point; `None`: nobody asked for them.
pub(super) fn rank(facts: &PointFacts) -> Option<Ranking> {
    if facts.remedies.is_empty() {
        return None;
    }
    let mut ranking = Ranking::default();
    let mut saved: BTreeMap<Remedy, Saved> = BTreeMap::new();
    for (workload, of_workload) in facts.workloads.iter().enumerate() {
        for (way, counts) in &of_workload.failures {
            ranking.failed += counts.jobs;
            let Some(remedies) = of_way(facts, workload, way).filter(|remedies| remedies.asked > 0) else {
                ranking.unknown += counts.jobs;
                continue;
            };
            ranking.simulated += remedies.simulated;
            ranking.beyond_one += scale(remedies.beyond_one, counts.jobs, remedies.asked);
            for Saved { least, jobs } in totals(remedies, pairs(facts)) {
                let jobs = scale(jobs, counts.jobs, remedies.asked);
                saved.entry(least.kind()).or_insert(Saved { least, jobs: 0 }).add(least, jobs);
            }
        }
    }
    let saves = saved.into_values().map(|Saved { least, jobs }| Saves {
        remedy: least,
        jobs,
        breaks: broken(facts, least.kind()),
    });
    for saves in saves.filter(|saves| saves.net() > 0) {
        match ranking.saves.iter_mut().find(|known| known.remedy.is_like(saves.remedy)) {
            Some(known) if (saves.net(), Reverse(saves.remedy)) > (known.net(), Reverse(known.remedy)) => {
                *known = saves
            }
            Some(_) => {}
            None => ranking.saves.push(saves),
        }
    }
    let is_of_token = |saves: &Saves| saves.remedy.settings().any(Setting::is_of_token);
    ranking.saves.sort_by_key(|saves| (Reverse(saves.net()), is_of_token(saves), saves.remedy));
    Some(ranking)
}

/// The best remedy of one way of failing, among those that are good for the point; `None`: nothing is known, or nothing
/// saves a job.
pub(super) fn best(failed: u64, remedies: &Remedies, ranking: &Ranking) -> Option<Saves> {
    let of_point = |remedy: Remedy| ranking.saves.iter().find(|saves| saves.remedy.kind() == remedy.kind());
    let pairs = ranking.saves.iter().map(|saves| saves.remedy).filter(|remedy| remedy.other.is_some());
    let good: Vec<Saves> = totals(remedies, pairs)
        .into_iter()
        .filter_map(|Saved { least, jobs }| {
            let breaks = of_point(least)?.breaks;
            Some(Saves { remedy: least, jobs: scale(jobs, failed, remedies.asked), breaks })
        })
        .filter(|saves| saves.jobs > 0)
        .collect();
    let most = good.iter().map(|saves| saves.jobs).max()?;
    let good = good.into_iter().filter(|saves| saves.jobs * 100 >= most * AS_GOOD);
    good.min_by_key(|saves| (saves.remedy.settings().filter(|setting| setting.is_of_token()).max(), saves.remedy))
}

/// The pairs that save jobs in some way of failing which neither half saves alone.
fn pairs(facts: &PointFacts) -> impl Iterator<Item = Remedy> {
    let ways = facts.remedies.iter().flat_map(|workload| workload.ways.values());
    let mut pairs: Vec<Remedy> = ways.flat_map(|remedies| remedies.together.keys().copied()).collect();
    pairs.sort();
    pairs.dedup();
    pairs.into_iter()
}

/// How many of the asked jobs each remedy saves, of pairs these.
fn totals(remedies: &Remedies, pairs: impl Iterator<Item = Remedy>) -> Vec<Saved> {
    let alone = |setting| remedies.alone.get(&Remedy::single(setting).kind()).copied();
    let mut totals: Vec<Saved> = remedies.alone.values().copied().collect();
    for pair in pairs.map(Remedy::kind) {
        let Remedy { one, other: Some(other) } = pair else { continue };
        let known = remedies.together.get(&pair);
        let (mut saved, by_one, by_other) = known.map_or((Saved { least: pair, jobs: 0 }, 0, 0), |together| {
            (together.saved, together.by_one, together.by_other)
        });
        // Where it was not tried because each job is saved by one thing, it saves what the better half does.
        let rest = |single: Option<Saved>, counted: u64| single.map_or(0, |single| single.jobs.saturating_sub(counted));
        let (by_one, by_other) = (rest(alone(one), by_one), rest(alone(other), by_other));
        let least = |setting, is_used: bool| {
            alone(setting).filter(|_| is_used).map_or(Remedy::single(setting), |single| single.least).one
        };
        let uses_one = by_one > 0 && by_one >= by_other;
        let uses_other = by_other > by_one;
        saved.add(Remedy { one: least(one, uses_one), other: Some(least(other, uses_other)) }, by_one.max(by_other));
        if saved.jobs > 0 {
            totals.push(saved);
        }
    }
    totals
}

/// About how many jobs of a point that completed would not under a remedy.
fn broken(facts: &PointFacts, kind: Remedy) -> u64 {
    let workloads = facts.workloads.iter().zip(&facts.remedies);
    let of_each = workloads.filter_map(|(facts, remedies)| {
        let harm = remedies.harm.get(&kind)?;
        Some(scale(harm.broken, facts.counts.completed, harm.asked))
    });
    of_each.sum()
}

/// What would have saved the jobs of a workload that failed in one way.
pub(super) fn of_way<'f>(facts: &'f PointFacts, workload: usize, way: &FailureKey) -> Option<&'f Remedies> {
    facts.remedies.get(workload)?.ways.get(way)
}

/// So many of those that were asked, as a number of all that there are.
fn scale(jobs: u64, all: u64, asked: u64) -> u64 {
    let asked = u128::from(asked.max(1));
    let scaled = (u128::from(jobs) * u128::from(all) + asked / 2) / asked;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepId;
    use crate::model::remedy::Sender;
    use crate::model::vocabulary::Reason;
    use crate::observe::{FailureCounts, Harm, Together, WorkloadFacts, WorkloadRemedies};
    use crate::units::Span;

    const NOVA: Remedy = Remedy::single(Setting::ServiceToken(Sender::Nova));
    const CINDER: Setting = Setting::ServiceToken(Sender::Cinder);
    const WAY: FailureKey = FailureKey {
        step: StepId(0),
        reason: Reason::UserTokenExpired,
        first_cause_step: StepId(0),
        first_cause_reason: Reason::UserTokenExpired,
    };

    fn window(hours: i64) -> Remedy {
        Remedy::single(Setting::Window(Span::from_seconds(hours * 3_600)))
    }

    fn lifetime(hours: i64) -> Remedy {
        Remedy::single(Setting::Expiration(Span::from_seconds(hours * 3_600)))
    }

    /// A point at which so many jobs failed in one way, of which some were asked, and 1,000 completed.
    fn facts(failed: u64, asked: u64, saved: &[(Remedy, u64)], broken: &[(Remedy, u64)]) -> PointFacts {
        let mut remedies = Remedies { asked, simulated: asked, ..Remedies::default() };
        for (remedy, jobs) in saved {
            match remedy.other {
                None => remedies.save(*remedy, *jobs),
                Some(_) => remedies.save_together(Together {
                    saved: Saved { least: *remedy, jobs: *jobs },
                    by_one: 0,
                    by_other: 0,
                }),
            }
        }
        let harm =
            broken.iter().map(|(remedy, broken)| (remedy.kind(), Harm { asked: 100, broken: *broken })).collect();
        let model = crate::report::fixture::single().study.points.remove(0).model;
        let mut facts = PointFacts::new(0, &model);
        let mut workload = WorkloadFacts::default();
        workload.counts.completed = 1_000;
        workload.failures.insert(WAY, FailureCounts { jobs: failed, orphans: 0 });
        facts.workloads = vec![workload];
        facts.remedies = vec![WorkloadRemedies { ways: BTreeMap::from([(WAY, remedies)]), harm }];
        facts
    }

    #[test]
    fn the_best_saves_most_and_breaks_little() {
        let both = Remedy::pair(NOVA.one, CINDER);
        let (half_day, day) = (lifetime(12), lifetime(24));
        let saves = |remedy, jobs, breaks| Some(Saves { remedy, jobs, breaks });
        type Counts<'a> = &'a [(Remedy, u64)];
        type Case<'a> = (&'a str, u64, u64, Counts<'a>, Counts<'a>, Option<Saves>);
        let cases: [Case<'_>; 12] = [
            ("nothing helps", 9, 9, &[], &[], None),
            ("enough for all", 9, 9, &[(window(1), 2), (window(4), 7)], &[], saves(window(4), 9, 0)),
            ("a switch before an amount", 9, 9, &[(window(1), 9), (NOVA, 9)], &[], saves(NOVA, 9, 0)),
            ("more before less", 9, 9, &[(window(1), 9), (NOVA, 8)], &[], saves(window(1), 9, 0)),
            ("of those that were asked", 100, 3, &[(NOVA, 2)], &[], saves(NOVA, 67, 0)),
            ("two together", 100, 100, &[(NOVA, 20), (both, 79)], &[], saves(both, 99, 0)),
            ("no longer lifetime", 100, 100, &[(NOVA, 20), (both, 76), (day, 100)], &[], saves(both, 96, 0)),
            ("unless it saves more", 100, 100, &[(NOVA, 20), (both, 70), (day, 100)], &[], saves(day, 100, 0)),
            ("the step that breaks less", 100, 100, &[(half_day, 90), (day, 100)], &[(day, 2)], saves(half_day, 90, 0)),
            ("some harm", 100, 100, &[(day, 100)], &[(day, 2)], saves(day, 100, 20)),
            ("more harm than good", 100, 100, &[(day, 100), (NOVA, 1)], &[(day, 10)], saves(NOVA, 1, 0)),
            ("nothing but harm", 100, 100, &[(day, 100)], &[(day, 50)], None),
        ];
        for (what, failed, asked, saved, broken, expected) in cases {
            let facts = facts(failed, asked, saved, broken);
            let ranking = rank(&facts).expect("somebody asked");
            assert_eq!(best(failed, of_way(&facts, 0, &WAY).unwrap(), &ranking), expected, "{what}");
        }
    }

    #[test]
    fn a_pair_counts_what_one_half_saves_where_it_was_not_tried() {
        let both = Remedy::pair(NOVA.one, CINDER);
        // Of 50 jobs that Nova's tokens save, 10 are in replications in which both save 30.
        let mut facts = facts(100, 100, &[(NOVA, 50)], &[]);
        let remedies = facts.remedies[0].ways.get_mut(&WAY).unwrap();
        remedies.save_together(Together { saved: Saved { least: both, jobs: 30 }, by_one: 10, by_other: 0 });
        let ranking = rank(&facts).expect("somebody asked");
        assert_eq!(ranking.saves.first(), Some(&Saves { remedy: both, jobs: 70, breaks: 0 }));
    }
}
