//! The closed form against case tables, and against a replay of every rotation and every sync.

use proptest::prelude::*;

use super::*;
use crate::identity::Schedule;
use crate::identity::fernet::{Key, KeyRepository, key_gone_at};

fn at(seconds: i64) -> Instant {
    Instant::from_seconds(seconds)
}

fn span(seconds: i64) -> Span {
    Span::from_seconds(seconds)
}

/// Every 10 s from 0 on, for all time.
fn every_ten(max_active_keys: u32) -> Lineage {
    Lineage::new(Schedule::Every { period: span(10), offset: at(0) }, max_active_keys, &[])
}

#[test]
fn a_follower_gets_keys_late_and_keeps_them_longer() {
    use Answer::{Gone, NotSynced, Yes};
    // The key of 0 s is staged at -10 s and, with 3 keys, purged at 20 s; that of 12 s is staged at 10 s.
    let cases = [
        ("a generation before it is needed", 3, 3, 0, 0, Yes),
        ("a tick before its purge comes over", 3, 3, 0, 22, Yes),
        ("when its purge comes over", 3, 3, 0, 23, Gone),
        ("as late as the next rotation", 3, 10, 0, 0, Yes),
        ("longer than a period, the syncs bring more than they were for", 3, 15, 0, 24, Yes),
        ("longer than a period, the purge comes with an older sync", 3, 15, 0, 25, Gone),
        ("1 key, before the sync", 1, 3, 0, 2, NotSynced),
        ("1 key, from the sync on", 1, 3, 0, 3, Yes),
        ("1 key, at the next sync", 1, 3, 0, 13, Gone),
        ("two rotations within the lag, before the sync", 3, 3, 12, 12, NotSynced),
        ("two rotations within the lag, at the sync", 3, 3, 12, 13, Yes),
    ];
    for (case, max_active_keys, lag, issued, asked, expected) in cases {
        let schedule = every_ten(max_active_keys).schedule().clone();
        let schedule = if issued == 12 { schedule.and_at(&[at(12)]) } else { schedule };
        let primary = Lineage::new(schedule, max_active_keys, &[]);
        let cluster = Cluster::synced(primary, [Syncs::after(span(lag))]);
        let key = cluster.issue(0, at(issued));
        assert_eq!(cluster.decrypts(1, key, at(asked)), expected, "{case}");
    }
}

#[test]
fn a_missed_sync_is_made_good_by_the_next() {
    use Answer::{Gone, NotSynced, Yes};
    let primary = every_ten(2);
    // The syncs of 20, 30 and 40 s do not come.
    let syncs = Syncs::drawn(&primary, at(-100), at(200), |_, rotation| {
        let is_missed = (at(20)..=at(40)).contains(&rotation);
        (!is_missed).then_some(span(3))
    });
    let cluster = Cluster::synced(primary, [syncs]);
    let cases = [
        ("before the gap", 10, 13, Yes, at(53)),
        ("before the gap, purged after it", 10, 53, Gone, Instant::NEVER),
        ("the key staged before the gap", 20, 30, Yes, at(53)),
        ("made and purged in the gap", 30, 45, NotSynced, Instant::NEVER),
        ("made and purged in the gap, after it", 30, 53, NotSynced, Instant::NEVER),
        ("made in the gap and still there after it", 50, 52, NotSynced, at(53)),
        ("made in the gap, after it", 50, 53, Yes, at(63)),
    ];
    for (case, issued, asked, expected, changes) in cases {
        let key = cluster.issue(0, at(issued));
        assert_eq!(cluster.decrypts(1, key, at(asked)), expected, "{case}");
        assert_eq!(cluster.next_change(1, key, at(asked)), changes, "{case}: next change");
    }
    assert_eq!(cluster.issue(1, at(45)), cluster.issue(0, at(10)), "it goes on issuing with the key that it has");
}

#[test]
fn nodes_that_rotate_by_themselves_part_at_the_second_rotation() {
    use Answer::{Gone, NotSynced, Yes};
    let listed = |seconds: [i64; 3]| Lineage::new(Schedule::At(seconds.map(at).into()), 3, &[]);
    let cluster = Cluster::apart([listed([10, 20, 30]), listed([12, 22, 32])]);
    let cases = [
        ("the common primary", 0, 5, 5, Yes),
        ("the common primary, gone by rotations of its own", 0, 5, 22, Gone),
        ("the common staged key", 0, 10, 12, Yes),
        ("a key of its own", 0, 20, 25, NotSynced),
        ("a key of its own, for ever", 0, 20, 9_999, NotSynced),
        ("of the other, at itself", 1, 22, 31, Yes),
    ];
    for (case, issuer, issued, asked, expected) in cases {
        let key = cluster.issue(issuer, at(issued));
        assert_eq!(cluster.decrypts(1, key, at(asked)), expected, "{case}");
    }
    let always = Cluster::apart([every_ten(3), every_ten(3)]);
    let key = always.issue(0, at(0));
    assert_eq!(always.decrypts(1, key, at(0)), NotSynced, "a period has no common start");
    assert_eq!(always.next_change_anywhere(key, at(0)), at(20), "only at the issuer");
}

/// The repositories of all nodes at one instant.
type Snapshot = Vec<KeyRepository>;

/// What happens to the repositories; in this order at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// This node rotates.
    Rotation(u32),
    /// This node gets the primary's repository.
    Sync(u32),
}

const FIRST: i64 = -400;
const LAST: i64 = 130;

/// The repositories at each second from [`FIRST`] to [`LAST`].
fn replay(mut now: Snapshot, mut happenings: Vec<(i64, Happening)>, limit: impl Fn(i64) -> u32) -> Vec<Snapshot> {
    happenings.sort_unstable();
    let mut history = Vec::new();
    for second in FIRST..=LAST {
        for (_, happening) in happenings.iter().filter(|(when, _)| *when == second) {
            match *happening {
                Happening::Rotation(node) => now[node as usize].rotate(limit(second)),
                Happening::Sync(node) => now[node as usize] = now[0].clone(),
            }
        }
        history.push(now.clone());
    }
    history
}

/// The cluster says of every key issued anywhere what the history says, at every node and second from 0 on.
fn expect_same(cluster: &Cluster, history: &[Snapshot]) -> Result<(), TestCaseError> {
    let index = |second: i64| usize::try_from(second - FIRST).unwrap();
    let mut issued: Vec<(KeyRef, Key)> = Vec::new();
    for second in -40..=LAST {
        for node in 0..cluster.nodes() {
            let both = (cluster.issue(node, at(second)), history[index(second)][node as usize].encrypts_with());
            let known = issued.iter().find(|(key, replayed)| *key == both.0 || *replayed == both.1);
            match known {
                Some(known) => prop_assert_eq!(*known, both, "issued by {} at {} s", node, second),
                None => issued.push(both),
            }
        }
    }
    for (key, replayed) in issued {
        let mut changes = Vec::new();
        for node in 0..cluster.nodes() {
            let mut had = false;
            let mut before = None;
            for second in FIRST..=LAST {
                let has = history[index(second)][node as usize].decrypts(replayed);
                had |= has;
                let expected = match (has, had) {
                    (true, _) => Answer::Yes,
                    (false, true) => Answer::Gone,
                    (false, false) => Answer::NotSynced,
                };
                if before.replace(expected).is_some_and(|before| before != expected) {
                    changes.push((node, second));
                }
                let found = cluster.decrypts(node, key, at(second));
                // What a list or a horizon leaves out has happened before it begins.
                if second >= -40 {
                    prop_assert_eq!(found, expected, "{:?} at node {} at {} s", key, node, second);
                }
            }
        }
        for second in -40..LAST {
            let mut anywhere = Instant::NEVER;
            for node in 0..cluster.nodes() {
                let later = changes.iter().find(|(changed, when)| *changed == node && *when > second);
                let next = cluster.next_change(node, key, at(second));
                // What comes after the history cannot be seen in it.
                let seen = if next > at(LAST) { None } else { Some(next) };
                prop_assert_eq!(
                    seen,
                    later.map(|(_, when)| at(*when)),
                    "{:?} at node {} after {} s",
                    key,
                    node,
                    second
                );
                anywhere = anywhere.min(next);
            }
            prop_assert_eq!(cluster.next_change_anywhere(key, at(second)), anywhere);
        }
    }
    Ok(())
}

/// `max_active_keys` at a second, under one change.
fn limit_at(first: u32, change: Option<(i64, u32)>) -> impl Fn(i64) -> u32 {
    move |second| match change {
        Some((when, keys)) if second >= when => keys,
        _ => first,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A period for all time, extra rotations, a changed limit, and followers with fixed lags, shorter and longer than
    /// the period.
    #[test]
    fn fixed_lags_are_the_replay(
        first in 1_u32..=8,
        change in proptest::option::of((0_i64..80, 1_u32..=8)),
        (period, offset) in (6_i64..20, -20_i64..20),
        extra in proptest::collection::vec(-60_i64..100, 0..4),
        lags in proptest::collection::vec(0_i64..45, 0..4),
    ) {
        let extra_at: Vec<Instant> = extra.iter().map(|second| at(*second)).collect();
        let schedule = Schedule::Every { period: span(period), offset: at(offset) }.and_at(&extra_at);
        let changes: Vec<_> = change.iter().map(|(when, keys)| (at(*when), *keys)).collect();
        let lineage = Lineage::new(schedule, first, &changes);
        let rotations: Vec<i64> = (FIRST..=LAST)
            .filter(|second| (second - offset).rem_euclid(period) == 0)
            .chain(extra)
            .collect();
        let mut happenings: Vec<_> = rotations.iter().map(|when| (*when, Happening::Rotation(0))).collect();
        for (node, lag) in (1..).zip(&lags) {
            happenings.extend(rotations.iter().map(|when| (when + lag, Happening::Sync(node))));
        }
        let start = vec![KeyRepository::steady(first); lags.len() + 1];
        let history = replay(start, happenings, limit_at(first, change));
        let cluster = Cluster::synced(lineage, lags.iter().map(|lag| Syncs::after(span(*lag))));
        expect_same(&cluster, &history)?;
    }

    /// Rotations listed or by a period, each sync with a lag of its own or missed.
    #[test]
    fn drawn_lags_are_the_replay(
        first in 1_u32..=8,
        change in proptest::option::of((0_i64..80, 1_u32..=8)),
        listed in proptest::option::of(proptest::collection::vec(-39_i64..110, 0..16)),
        period in 6_i64..20,
        lags in proptest::collection::vec(proptest::collection::vec(proptest::option::of(0_i64..45), 60), 1..4),
    ) {
        let rotations: Vec<i64> = match &listed {
            Some(listed) => { let mut all = listed.clone(); all.sort_unstable(); all }
            None => (FIRST..=LAST).filter(|second| second.rem_euclid(period) == 0).collect(),
        };
        let schedule = match &listed {
            Some(_) => Schedule::At(rotations.iter().map(|when| at(*when)).collect()),
            None => Schedule::Every { period: span(period), offset: at(0) },
        };
        let changes: Vec<_> = change.iter().map(|(when, keys)| (at(*when), *keys)).collect();
        let lineage = Lineage::new(schedule, first, &changes);
        // Up to -200 s every sync comes at once.
        let from = -200;
        let recent: Vec<i64> = rotations.iter().copied().filter(|when| *when > from).collect();
        let mut happenings: Vec<_> = rotations.iter().map(|when| (*when, Happening::Rotation(0))).collect();
        let mut followers = Vec::new();
        for (node, lags) in (1..).zip(&lags) {
            let old = rotations.iter().filter(|when| **when <= from);
            happenings.extend(old.map(|when| (*when, Happening::Sync(node))));
            let drawn = recent.iter().zip(lags).filter_map(|(when, lag)| Some(when + (*lag)?));
            happenings.extend(drawn.map(|when| (when, Happening::Sync(node))));
            let mut lags = lags.iter();
            let lag = |_: i64, _: Instant| lags.next().copied().flatten().map(span);
            followers.push(Syncs::drawn(&lineage, at(from), at(LAST), lag));
        }
        let start = vec![KeyRepository::steady(first); lags.len() + 1];
        let history = replay(start, happenings, limit_at(first, change));
        expect_same(&Cluster::synced(lineage, followers), &history)?;
    }

    /// Every node rotates by itself, from copies of one repository on.
    #[test]
    fn apart_is_the_replay(
        max_active_keys in 1_u32..=8,
        listed in proptest::collection::vec(proptest::collection::vec(-39_i64..110, 0..12), 1..4),
    ) {
        let mut happenings = Vec::new();
        let mut lineages = Vec::new();
        for (node, listed) in (0..).zip(&listed) {
            happenings.extend(listed.iter().map(|when| (*when, Happening::Rotation(node))));
            let schedule = Schedule::Never.and_at(&listed.iter().map(|when| at(*when)).collect::<Vec<_>>());
            lineages.push(Lineage::new(schedule, max_active_keys, &[]));
        }
        let common = KeyRepository::steady(max_active_keys);
        // Node 0 of the replay is where the common keys come from, which no node here is.
        let start = (1..).map(|node| common.copied_to(node)).take(listed.len()).collect();
        let history = replay(start, happenings, |_| max_active_keys);
        expect_same(&Cluster::apart(lineages), &history)?;
    }

    /// A node alone is what everything else is built on.
    #[test]
    fn one_node_is_the_closed_form(
        max_active_keys in 1_u32..=8,
        gaps in proptest::collection::vec(1_i64..40, 0..20),
        period in 1_i64..50,
        issued in -100_i64..400,
    ) {
        let mut last = 0;
        let listed = gaps.iter().map(|gap| { last += gap; at(last) }).collect();
        for schedule in [
            Schedule::Never,
            Schedule::Every { period: span(period), offset: at(7) },
            Schedule::Every { period: span(period), offset: at(7) }.and_at(&[at(60), at(61)]),
            Schedule::At(listed),
        ] {
            let cluster = Cluster::synced(Lineage::new(schedule.clone(), max_active_keys, &[]), []);
            let held = cluster.held(0, cluster.issue(0, at(issued)));
            prop_assert_eq!(held.until, key_gone_at(&schedule, at(issued), max_active_keys));
            prop_assert!(held.from <= at(issued));
        }
    }
}
