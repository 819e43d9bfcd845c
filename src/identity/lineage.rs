//! A lineage of keys: what one repository that rotates by a schedule holds in each generation, in closed form.
//!
//! The key of generation `g` encrypts while the repository is in generation `g`. It was made one rotation before, when
//! it was staged. So generation `g` holds the keys from some lowest one up to `g + 1` without a gap, and two numbers
//! say everything about it. [`super::fernet::KeyRepository`] replays the same file by file and is held against it.

use super::fernet::Schedule;
use crate::units::{Instant, Span};

/// The keys of a repository that was rotated often enough before anything is asked: it is full from the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    schedule: Schedule,
    /// In order of their first generations; the first one has none before it.
    limits: Box<[Limit]>,
}

/// `max_active_keys` as the rotations from one generation on see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    from: i64,
    max_active_keys: i64,
    /// The lowest key that the generation before `from` held: a raised limit brings none below it back.
    lowest_before: i64,
}

impl Lineage {
    /// Rotates by `schedule` with at most `max_active_keys` keys, and from each instant of `changes`, ascending, on
    /// with another limit. A limit acts when a rotation runs; one that runs at the instant of the change obeys the
    /// new limit. A limit of 0 is one of 1.
    pub fn new(schedule: Schedule, max_active_keys: u32, changes: &[(Instant, u32)]) -> Lineage {
        let limit = |from, keys: u32, lowest_before| {
            let max_active_keys = i64::from(keys.max(1));
            Limit { from, max_active_keys, lowest_before }
        };
        let mut limits = vec![limit(i64::MIN, max_active_keys, i64::MIN)];
        for (at, keys) in changes {
            let from = schedule.generation(*at - TICK).saturating_add(1);
            // No rotation ran under a limit that was changed again before the next one.
            limits.pop_if(|last| last.from == from);
            let last = limits.last().expect("the first limit is older than every change");
            limits.push(limit(from, *keys, last.lowest_in(from - 1)));
        }
        Lineage { schedule, limits: limits.into() }
    }

    /// When it rotates.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The key that a token is encrypted with in this generation: its own, or the staged one where a limit of 1 keeps
    /// no other.
    pub fn encrypts_with(&self, generation: i64) -> i64 {
        let next = self.limits.partition_point(|limit| limit.from <= generation);
        let lowest = self.limits[next - 1].lowest_in(generation);
        lowest.max(generation)
    }

    /// The first generation that holds the key.
    pub const fn staged_in(key: i64) -> i64 {
        key.saturating_sub(1)
    }

    /// The first generation after those that hold the key.
    pub fn purged_in(&self, key: i64) -> i64 {
        let survived = self.limits[1..].partition_point(|next| next.lowest_before <= key);
        let limit = self.limits[survived];
        limit.from.max(key.saturating_add(limit.max_active_keys - 1))
    }
}

impl Limit {
    /// The lowest key in a generation under this limit: the staged one counts, and is never purged.
    fn lowest_in(self, generation: i64) -> i64 {
        self.lowest_before.max(generation.saturating_add(2 - self.max_active_keys))
    }
}

/// The step of time.
const TICK: Span = Span::from_micros(1);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::fernet::{KeyRepository, fatal_rotation, key_gone_at};

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    /// Every 10 s from 0 on, for all time.
    fn every_ten(max_active_keys: u32, changes: &[(Instant, u32)]) -> Lineage {
        let schedule = Schedule::Every { period: Span::from_seconds(10), offset: at(0) };
        Lineage::new(schedule, max_active_keys, changes)
    }

    #[test]
    fn a_key_outlives_as_many_rotations_as_the_limit_says() {
        for max_active_keys in 1..=8 {
            let lineage = every_ten(max_active_keys, &[]);
            for generation in [-3, 0, 5] {
                let key = lineage.encrypts_with(generation);
                let survived = lineage.purged_in(key) - generation;
                assert_eq!(survived, i64::from(fatal_rotation(max_active_keys)), "{max_active_keys} keys");
            }
        }
    }

    #[test]
    fn a_changed_limit_acts_at_the_next_rotation() {
        let tick = TICK;
        let cases = [
            ("lowered: older keys go at the next rotation", 6, vec![(at(25), 3)], 0, 3),
            ("lowered at a rotation", 6, vec![(at(30), 3)], 0, 3),
            ("lowered just after it", 6, vec![(at(30) + tick, 3)], 0, 4),
            ("lowered, the key of the day", 6, vec![(at(25), 3)], 2, 4),
            ("raised: kept longer", 3, vec![(at(15), 6)], 1, 6),
            ("raised too late", 3, vec![(at(20) + tick, 6)], 0, 2),
            ("raised in time", 3, vec![(at(20), 6)], 0, 5),
            ("lowered and raised before a rotation", 6, vec![(at(21), 2), (at(22), 6)], 0, 5),
            ("lowered and raised after one", 6, vec![(at(21), 2), (at(32), 6)], 0, 3),
            ("raised in the meantime, nothing comes back", 6, vec![(at(21), 2), (at(32), 6)], 3, 8),
        ];
        for (case, max_active_keys, changes, key, purged) in cases {
            assert_eq!(every_ten(max_active_keys, &changes).purged_in(key), purged, "{case}");
        }
    }

    #[test]
    fn a_limit_of_one_encrypts_with_the_staged_key() {
        let lineage = every_ten(1, &[(at(25), 3), (at(45), 1)]);
        for (generation, key) in [(0, 1), (2, 3), (3, 3), (4, 4), (5, 6), (6, 7)] {
            assert_eq!(lineage.encrypts_with(generation), key, "generation {generation}");
        }
    }

    proptest! {
        /// Generation by generation, with limits that change: what is held is what the replay holds.
        #[test]
        fn a_lineage_is_the_replay(limits in proptest::collection::vec(1_u32..=8, 1..24)) {
            let rotations: Vec<Instant> = (1..limits.len()).map(|n| at(10 * n as i64)).collect();
            let changes: Vec<_> = (1..limits.len()).map(|n| (rotations[n - 1], limits[n])).collect();
            let lineage = Lineage::new(Schedule::At(rotations.into()), limits[0], &changes);
            let mut repository = KeyRepository::steady(limits[0]);
            let mut history = vec![repository.clone()];
            for limit in &limits[1..] {
                repository.rotate(*limit);
                history.push(repository.clone());
            }
            for (issued, issuer) in history.iter().enumerate() {
                let key = lineage.encrypts_with(issued as i64);
                for (generation, holder) in history.iter().enumerate() {
                    let held = (Lineage::staged_in(key)..lineage.purged_in(key)).contains(&(generation as i64));
                    prop_assert_eq!(held, holder.decrypts(issuer.encrypts_with()), "{} in {}", issued, generation);
                }
            }
        }

        /// For one limit the end is the closed form of a single node.
        #[test]
        fn the_end_is_key_gone_at(max_active_keys in 1_u32..=8, issued in -500_i64..500) {
            let lineage = every_ten(max_active_keys, &[]);
            let key = lineage.encrypts_with(lineage.schedule().generation(at(issued)));
            let end = lineage.schedule().rotation(lineage.purged_in(key));
            prop_assert_eq!(end, key_gone_at(lineage.schedule(), at(issued), max_active_keys));
        }
    }
}
