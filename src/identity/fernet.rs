//! Fernet keys: the repository as Keystone keeps it, and how long a token stays decryptable while its keys rotate.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::units::{Instant, Span};

/// When the keys rotate, with every random choice made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Never.
    Never,
    /// At `offset` plus every multiple of `period`, before and after the start.
    Every {
        /// Above zero.
        period: Span,
        /// One of the instants.
        offset: Instant,
    },
    /// As [`Schedule::Every`], and at other instants besides: a playbook that rotates whenever it is run again.
    EveryAnd {
        /// Above zero.
        period: Span,
        /// One of the regular instants.
        offset: Instant,
        /// The others, ascending. One that is a regular instant too is a second rotation at that instant.
        extra: Arc<[Instant]>,
    },
    /// At these instants, ascending, and at no others.
    At(Arc<[Instant]>),
}

impl Schedule {
    /// The same, and at these instants besides, in any order.
    pub fn and_at(self, more: &[Instant]) -> Schedule {
        let merged = |listed: &[Instant]| -> Arc<[Instant]> {
            let mut all = [listed, more].concat();
            all.sort_unstable();
            all.into()
        };
        match self {
            schedule if more.is_empty() => schedule,
            Schedule::Never => Schedule::At(merged(&[])),
            Schedule::Every { period, offset } => Schedule::EveryAnd { period, offset, extra: merged(&[]) },
            Schedule::EveryAnd { period, offset, extra } => {
                Schedule::EveryAnd { period, offset, extra: merged(&extra) }
            }
            Schedule::At(instants) => Schedule::At(merged(&instants)),
        }
    }

    /// The generation of the keys at `instant`: the number of the last rotation until then, itself included.
    ///
    /// The `n`th rotation of a list leads into generation `n`, and what was before into 0; the one at the offset of a
    /// period leads into 0, or later by as many as the extra ones that came before.
    pub fn generation(&self, instant: Instant) -> i64 {
        let among = |instants: &[Instant]| instants.partition_point(|rotation| *rotation <= instant) as i64;
        match self {
            Schedule::Never => 0,
            Schedule::Every { period, offset } => regular_generation(*period, *offset, instant),
            Schedule::EveryAnd { period, offset, extra } => {
                regular_generation(*period, *offset, instant).saturating_add(among(extra))
            }
            Schedule::At(instants) => among(instants),
        }
    }

    /// The instant of the rotation that leads into `generation`: [`Instant::ALWAYS`] if that is how a list finds the
    /// keys, [`Instant::NEVER`] if it ends before.
    pub fn rotation(&self, generation: i64) -> Instant {
        match self {
            Schedule::Never if generation <= 0 => Instant::ALWAYS,
            Schedule::Never => Instant::NEVER,
            Schedule::Every { period, offset } => *offset + *period * generation,
            Schedule::EveryAnd { period, offset, extra } => {
                // An extra rotation comes after the regular one of its instant.
                let led_into =
                    |index: usize| regular_generation(*period, *offset, extra[index]).saturating_add(index as i64 + 1);
                let (mut earlier, mut end) = (0, extra.len());
                while earlier < end {
                    let middle = usize::midpoint(earlier, end);
                    if led_into(middle) < generation { earlier = middle + 1 } else { end = middle }
                }
                match extra.get(earlier) {
                    Some(instant) if led_into(earlier) == generation => *instant,
                    _ => *offset + *period * generation.saturating_sub(earlier as i64),
                }
            }
            Schedule::At(_) if generation <= 0 => Instant::ALWAYS,
            Schedule::At(instants) => {
                let index = usize::try_from(generation - 1).unwrap_or(usize::MAX);
                instants.get(index).copied().unwrap_or(Instant::NEVER)
            }
        }
    }

    /// Whether there is a first rotation, and keys before it.
    pub const fn has_a_start(&self) -> bool {
        match self {
            Schedule::Never | Schedule::At(_) => true,
            Schedule::Every { .. } | Schedule::EveryAnd { .. } => false,
        }
    }

    /// The instant of the `n`th rotation (from 1) after `instant`; one at that very instant does not count.
    pub fn nth_after(&self, instant: Instant, n: u32) -> Instant {
        self.rotation(self.generation(instant).saturating_add(i64::from(n)))
    }

    /// How many rotations happen after `issued` and until `now`: one at the instant of issue has happened before it
    /// and does not count, one at `now` does.
    pub fn count_since(&self, issued: Instant, now: Instant) -> u32 {
        let count = self.generation(now).saturating_sub(self.generation(issued));
        u32::try_from(count.max(0)).unwrap_or(u32::MAX)
    }
}

fn regular_generation(period: Span, offset: Instant, instant: Instant) -> i64 {
    instant.since(offset).micros().div_euclid(period.micros())
}

/// How many rotations after its issue a token is lost: it survives `max(max_active_keys - 2, 0)` of them
/// (`keystone.common.fernet_utils:FernetUtils.rotate_keys`; 1 key behaves like 2).
pub const fn fatal_rotation(max_active_keys: u32) -> u32 {
    max_active_keys.saturating_sub(2) + 1
}

/// From when on a token issued at `issued` cannot be decrypted, the repository being in its steady state.
pub fn key_gone_at(schedule: &Schedule, issued: Instant, max_active_keys: u32) -> Instant {
    schedule.nth_after(issued, fatal_rotation(max_active_keys))
}

/// A key, told apart by the node that made it and by its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    node: u32,
    serial: u32,
}

/// One node's key repository: the files that Keystone keeps, by their numbers.
///
/// File 0 is the staged key, the next to encrypt; the highest number is the primary, which encrypts; all of them
/// decrypt. Keystone reads them on every request, so what is on disk is what counts. This replays every step and is
/// the reference for the closed form [`fatal_rotation`]; the simulation itself uses the closed form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRepository {
    node: u32,
    made: u32,
    files: BTreeMap<u32, Key>,
}

impl KeyRepository {
    /// As `keystone-manage fernet_setup` leaves it: one key made and rotated at once, so 2 keys whatever the limit,
    /// or 1 if that is the limit (`keystone.common.fernet_utils:FernetUtils.initialize_key_repository`).
    pub fn set_up(max_active_keys: u32) -> KeyRepository {
        let mut repository = KeyRepository { node: 0, made: 0, files: BTreeMap::new() };
        let staged = repository.make_key();
        repository.files.insert(0, staged);
        repository.rotate(max_active_keys);
        repository
    }

    /// Rotated often enough since its set-up that every file was replaced.
    pub fn steady(max_active_keys: u32) -> KeyRepository {
        let mut repository = KeyRepository::set_up(max_active_keys);
        for _ in 0..=max_active_keys {
            repository.rotate(max_active_keys);
        }
        repository
    }

    /// The same files on another node, which makes keys of its own from here on.
    pub fn copied_to(&self, node: u32) -> KeyRepository {
        KeyRepository { node, ..self.clone() }
    }

    /// `keystone-manage fernet_rotate` (`keystone.common.fernet_utils:FernetUtils.rotate_keys`): the staged key
    /// becomes the primary, a new one is staged, and the lowest numbers beyond the limit are purged. A changed limit
    /// acts here and nowhere else.
    pub fn rotate(&mut self, max_active_keys: u32) {
        let primary = self.files.keys().next_back().expect("a repository is never empty") + 1;
        let promoted = self.files.remove(&0).expect("a repository always has a staged key");
        self.files.insert(primary, promoted);
        // The new staged key counts against the limit but is never purged; with a limit of 1 the primary is.
        while self.files.len() > max_active_keys.saturating_sub(1) as usize {
            self.files.pop_first();
        }
        let staged = self.make_key();
        self.files.insert(0, staged);
    }

    /// The key that a token issued now is encrypted with: the highest number, which is the staged one if it is alone.
    pub fn encrypts_with(&self) -> Key {
        *self.files.values().next_back().expect("a repository is never empty")
    }

    /// Whether a token encrypted with `key` can be decrypted here
    /// (`keystone.token.token_formatters:TokenFormatter.unpack`). No age limit applies.
    pub fn decrypts(&self, key: Key) -> bool {
        self.files.values().any(|held| *held == key)
    }

    /// Keys on disk, the staged one included.
    pub fn keys_on_disk(&self) -> usize {
        self.files.len()
    }

    fn make_key(&mut self) -> Key {
        self.made += 1;
        Key { node: self.node, serial: self.made }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    #[test]
    fn rotation_at_the_issue_does_not_count_and_at_the_check_does() {
        let every = Schedule::Every { period: Span::from_seconds(10), offset: at(3) };
        let listed = Schedule::At([at(-7), at(3), at(13)].into());
        let cases = [
            ("from one rotation to the next", 3, 13, 1),
            ("just before the first to the second", 2, 13, 2),
            ("just before the next", 3, 12, 0),
            ("over the start", -8, 3, 2),
            ("no time", 3, 3, 0),
        ];
        for (case, issued, now, count) in cases {
            assert_eq!(every.count_since(at(issued), at(now)), count, "every 10 s: {case}");
            assert_eq!(listed.count_since(at(issued), at(now)), count, "listed: {case}");
            assert_eq!(Schedule::Never.count_since(at(issued), at(now)), 0, "never: {case}");
        }
    }

    #[test]
    fn a_list_begins_and_ends_and_a_period_does_not() {
        let listed = Schedule::At([at(3)].into());
        let every = Schedule::Every { period: Span::from_seconds(10), offset: at(3) };
        let twice = every.clone().and_at(&[at(3)]);
        let cases = [
            ("before a list", &listed, 0, Instant::ALWAYS),
            ("in a list", &listed, 1, at(3)),
            ("after a list", &listed, 2, Instant::NEVER),
            ("never, before", &Schedule::Never, 0, Instant::ALWAYS),
            ("never, after", &Schedule::Never, 1, Instant::NEVER),
            ("a period", &every, -1, at(-7)),
            ("twice at one instant, the first", &twice, 0, at(3)),
            ("twice at one instant, the second", &twice, 1, at(3)),
            ("the one after", &twice, 2, at(13)),
        ];
        for (case, schedule, generation, expected) in cases {
            assert_eq!(schedule.rotation(generation), expected, "{case}");
        }
        assert_eq!(Schedule::Never.and_at(&[at(9), at(3)]), Schedule::At([at(3), at(9)].into()));
        assert_eq!(every.clone().and_at(&[]), every);
    }

    #[test]
    fn files_after_set_up_and_rotation() {
        for (max_active_keys, rotations, keys) in
            [(1, 0, 1), (1, 3, 1), (2, 0, 2), (2, 1, 2), (3, 0, 2), (3, 1, 3), (6, 0, 2), (6, 4, 6), (6, 9, 6)]
        {
            let mut repository = KeyRepository::set_up(max_active_keys);
            for _ in 0..rotations {
                repository.rotate(max_active_keys);
            }
            assert_eq!(repository.keys_on_disk(), keys, "{rotations} rotations with {max_active_keys} keys");
        }
    }

    #[test]
    fn a_copy_one_generation_behind_knows_the_staged_key() {
        for (max_active_keys, behind, decrypted) in [(1, 1, false), (2, 1, true), (3, 1, true), (3, 2, false)] {
            let copy = KeyRepository::steady(max_active_keys);
            let mut issuer = copy.clone();
            for _ in 0..behind {
                issuer.rotate(max_active_keys);
            }
            let case = format!("{behind} behind with {max_active_keys} keys");
            assert_eq!(copy.decrypts(issuer.encrypts_with()), decrypted, "{case}");
        }
    }

    #[test]
    fn private_rotations_part_for_good_at_the_second() {
        let common = KeyRepository::steady(3);
        let (mut one, mut other) = (common.copied_to(1), common.copied_to(2));
        for agrees in [true, false, false] {
            one.rotate(3);
            other.rotate(3);
            assert_eq!(other.decrypts(one.encrypts_with()), agrees);
        }
    }

    #[test]
    fn closed_form_is_the_replay_for_every_limit() {
        for max_active_keys in 1..=12 {
            for (state, mut repository) in
                [("fresh", KeyRepository::set_up(max_active_keys)), ("steady", KeyRepository::steady(max_active_keys))]
            {
                let key = repository.encrypts_with();
                for rotations in 0..=2 * max_active_keys + 3 {
                    assert_eq!(
                        repository.decrypts(key),
                        rotations < fatal_rotation(max_active_keys),
                        "{state}, {max_active_keys} keys, {rotations} rotations"
                    );
                    repository.rotate(max_active_keys);
                }
            }
        }
    }

    proptest! {
        /// Rotations, an issue and a check at any seconds: the instant in closed form says what the replay says.
        #[test]
        fn key_gone_at_is_the_replay(
            max_active_keys in 1_u32..=12,
            gaps in proptest::collection::vec(1_i64..40, 0..40),
            issued in -5_i64..400,
            waited in 0_i64..800,
        ) {
            let mut last = 0;
            let instants: Vec<Instant> = gaps.iter().map(|gap| { last += gap; at(last) }).collect();
            let (issue, now) = (at(issued), at(issued + waited));
            let mut repository = KeyRepository::steady(max_active_keys);
            let before = instants.iter().filter(|rotation| **rotation <= issue).count();
            for _ in 0..before {
                repository.rotate(max_active_keys);
            }
            let key = repository.encrypts_with();
            let since = instants.iter().filter(|rotation| **rotation > issue && **rotation <= now).count();
            for _ in 0..since {
                repository.rotate(max_active_keys);
            }
            let schedule = Schedule::At(instants.into());
            prop_assert_eq!(schedule.count_since(issue, now) as usize, since);
            prop_assert_eq!(now < key_gone_at(&schedule, issue, max_active_keys), repository.decrypts(key));
        }

        /// Rotations besides are merged into a period as into the list of its instants.
        #[test]
        fn extra_rotations_are_merged(
            period in 1_i64..30,
            offset in -30_i64..30,
            extra in proptest::collection::vec(-100_i64..200, 0..8),
            from in -90_i64..150,
            n in 1_u32..9,
        ) {
            let extra: Vec<Instant> = extra.into_iter().map(at).collect();
            let regular: Vec<Instant> =
                (-400..400).map(|k| at(offset + k * period)).filter(|i| (at(-300)..at(900)).contains(i)).collect();
            let every = Schedule::Every { period: Span::from_seconds(period), offset: at(offset) }.and_at(&extra);
            let (some, others) = extra.split_at(extra.len() / 2);
            let listed = Schedule::At(regular.into()).and_at(some).and_at(others);
            prop_assert_eq!(every.nth_after(at(from), n), listed.nth_after(at(from), n));
            prop_assert_eq!(every.count_since(at(from), at(from + 70)), listed.count_since(at(from), at(from + 70)));
            let generation = every.generation(at(from));
            prop_assert!(every.rotation(generation) <= at(from) && at(from) < every.rotation(generation + 1));
        }

        /// A period is the list of its instants.
        #[test]
        fn a_period_is_its_list(period in 1_i64..50, offset in -60_i64..60, from in -200_i64..200, n in 1_u32..12) {
            let every = Schedule::Every { period: Span::from_seconds(period), offset: at(offset) };
            let listed: Vec<Instant> =
                (-1_000..1_000).map(|k| at(offset + k * period)).filter(|i| (at(-300)..at(900)).contains(i)).collect();
            let listed = Schedule::At(listed.into());
            prop_assert_eq!(every.count_since(at(from), at(from + 150)), listed.count_since(at(from), at(from + 150)));
            prop_assert_eq!(every.nth_after(at(from), n), listed.nth_after(at(from), n));
        }
    }
}
