//! The link against cases computed by hand, against a simulation of every single microsecond, and against its promise
//! of how much rounding may take.

use proptest::prelude::*;

use super::*;

/// The least common multiple of 1, …, 40: shares of a byte among so many are whole.
const WHOLE: u128 = 5_342_931_457_063_200;

fn at(micros: i64) -> Instant {
    Instant::from_micros(micros)
}

fn rate(bytes_per_second: u64) -> Option<Throughput> {
    Throughput::from_bytes_per_second(bytes_per_second)
}

/// What happens to a link from outside; zero stands for no limit.
#[derive(Clone, Copy, Debug)]
enum Act {
    Start(u64),
    Resize(u64, u64),
}

/// Lets the acts happen at their instants, those that end at an instant first; returns who ended when, in order. A
/// transfer is named by its place among the starts.
fn drive(link: &mut Link<u32>, acts: &[(i64, Act)]) -> Vec<(u32, i64)> {
    let (mut ended, mut alone, mut serial) = (Vec::new(), Vec::new(), 0);
    let mut finish_until = |link: &mut Link<u32>, until: Instant| {
        while let Some(end) = link.next_end().filter(|end| *end <= until) {
            assert_eq!(link.finish_due(end - Span::from_micros(1)), None, "not before its end");
            while let Some(who) = link.finish_due(end) {
                ended.push((who, end.micros()));
            }
        }
    };
    for (time, act) in acts {
        finish_until(link, at(*time));
        match *act {
            Act::Start(bytes) => {
                if let Started::Ends(end) = link.start(at(*time), Bytes(bytes), serial) {
                    alone.push((serial, end.micros()));
                }
                serial += 1;
            }
            Act::Resize(capacity, ceiling) => link.resize(at(*time), rate(capacity), rate(ceiling)),
        }
    }
    finish_until(link, Instant::NEVER);
    ended.extend(alone);
    ended
}

fn starts(of: &[(i64, u64)]) -> Vec<(i64, Act)> {
    of.iter().map(|(time, bytes)| (*time, Act::Start(*bytes))).collect()
}

const S: i64 = MICROS;

#[test]
fn ends_are_those_computed_by_hand() {
    type Case = (&'static str, (u64, u64), &'static [(i64, u64)], &'static [(u32, i64)]);
    let cases: &[Case] = &[
        ("alone", (10, 0), &[(3 * S, 10)], &[(0, 4 * S)]),
        ("two together, in the order of their starts", (10, 0), &[(0, 10), (0, 10)], &[(0, 2 * S), (1, 2 * S)]),
        ("one joins when half is done", (10, 0), &[(0, 10), (S / 2, 10)], &[(0, 3 * S / 2), (1, 2 * S)]),
        ("the short one overtakes", (10, 0), &[(0, 100), (S, 10)], &[(1, 3 * S), (0, 11 * S)]),
        ("one that starts as another ends", (10, 0), &[(0, 10), (S, 10)], &[(0, S), (1, 2 * S)]),
        ("a ceiling below the capacity", (10, 5), &[(0, 10), (0, 10)], &[(0, 2 * S), (1, 2 * S)]),
        (
            "three against a ceiling of half",
            (10, 5),
            &[(0, 10), (0, 10), (0, 10)],
            &[(0, 3 * S), (1, 3 * S), (2, 3 * S)],
        ),
        // Thirds of 10 B/s until 1.5 s, when the short one ends; 5 bytes each are left at the ceiling.
        (
            "the ceiling binds again when one has ended",
            (10, 5),
            &[(0, 10), (0, 10), (0, 5)],
            &[(2, 3 * S / 2), (0, 5 * S / 2), (1, 5 * S / 2)],
        ),
        ("a ceiling above the capacity does nothing", (10, 50), &[(0, 10), (0, 10)], &[(0, 2 * S), (1, 2 * S)]),
        ("a third of a second, rounded up", (3, 0), &[(0, 1)], &[(0, 333_334)]),
        ("thirds that are whole together", (3, 0), &[(0, 1), (0, 1), (0, 1)], &[(0, S), (1, S), (2, S)]),
        // At 2.5 bytes per microsecond the later start has its byte first.
        ("two ends in one microsecond", (5_000_000, 0), &[(0, 2), (0, 1)], &[(1, 1), (0, 1)]),
        ("no bytes", (10, 0), &[(7, 0)], &[(0, 7)]),
        ("no capacity: the ceiling alone, for any number", (0, 10), &[(0, 10), (0, 20)], &[(0, S), (1, 2 * S)]),
        ("no limit at all", (0, 0), &[(5, u64::MAX)], &[(0, 5)]),
    ];
    for (case, (capacity, ceiling), transfers, expected) in cases {
        let mut link = Link::new(rate(*capacity), rate(*ceiling));
        assert_eq!(drive(&mut link, &starts(transfers)), *expected, "{case}");
        assert_eq!((link.in_progress(), link.next_end()), (0, None), "{case}");
    }
}

#[test]
fn new_limits_hold_from_then_on() {
    let with = |capacity, ceiling| {
        let acts = [(0, Act::Start(10)), (0, Act::Start(20)), (S, Act::Resize(capacity, ceiling)), (S, Act::Start(5))];
        drive(&mut Link::new(rate(10), None), &acts)
    };
    // At 1 s, 5 and 15 bytes are left; at 1.5 s, 10 bytes that take a third of a second.
    assert_eq!(with(30, 0), [(0, 3 * S / 2), (2, 3 * S / 2), (1, 1_833_334)]);
    assert_eq!(with(30, 5), [(0, 2 * S), (2, 2 * S), (1, 4 * S)]);
    // Without a capacity, what is in progress is no longer slowed down by others, and what starts is told its end.
    assert_eq!(with(0, 5), [(0, 2 * S), (1, 4 * S), (2, 2 * S)]);
    assert_eq!(with(0, 0), [(0, S), (1, S), (2, S)]);
}

/// 17 bytes at one per microsecond end after 17 of them. Counted in two parts, a seventeenth that is no whole number of
/// units is cut twice, and the unit that is lacking takes the next microsecond: rounding is late, never early.
#[test]
fn what_rounding_takes_is_never_given() {
    for (resizes, end) in [(0, 17), (1, 18)] {
        let mut acts = starts(&[(0, 1); 17]);
        acts.extend((0..resizes).map(|_| (1, Act::Resize(1_000_000, 0))));
        let ended = drive(&mut Link::new(rate(1_000_000), None), &acts);
        assert_eq!(ended, (0..17).map(|who| (who, end)).collect::<Vec<_>>(), "{resizes} changes");
    }
}

#[test]
fn sums_over_time_are_exact_and_begin_again() {
    let mut link = Link::new(rate(10), rate(6));
    assert_eq!(link.start(at(0), Bytes(12), 0), Started::Shares);
    assert_eq!(link.start(at(S), Bytes(5), 1), Started::Shares);
    // 6 B/s for a second, then 5 B/s each: the second ends at 2 s, and 1 byte is left for a sixth of a second.
    assert_eq!((link.next_end(), link.finish_due(at(2 * S))), (Some(at(2 * S)), Some(1)));
    let (busy, in_progress, carried) = (i128::from(2 * S), i128::from(3 * S), i128::from(16 * S));
    let expected = LinkTimes { busy, in_progress, carried, capacity: i128::from(20 * S) };
    assert_eq!(link.times(at(2 * S)), expected);
    link.reset_statistics(at(2 * S));
    assert_eq!(link.times(at(2 * S)), LinkTimes::default());
    assert_eq!(link.next_end(), Some(at(2 * S + 166_667)), "the transfer goes on");
    assert_eq!(link.finish_due(at(2 * S + 166_667)), Some(0));
    let (busy, carried) = (166_667, 6 * 166_667);
    let expected = LinkTimes { busy, in_progress: busy, carried, capacity: i128::from(10 * S) };
    assert_eq!(link.times(at(3 * S)), expected, "{} of a byte is the microsecond that was begun", carried - 1_000_000);
}

#[test]
fn the_largest_transfers_and_the_longest_times_fit() {
    let largest = u64::MAX;
    let all_at_once = |capacity, n: usize| drive(&mut Link::new(rate(capacity), None), &starts(&vec![(0, largest); n]));
    assert_eq!(all_at_once(largest, 1), [(0, S)]);
    assert!(all_at_once(largest, 4_000).iter().all(|(_, end)| *end == 4_000 * S));
    // An exabyte over most of 1,000 years.
    let (bytes, slow) = (1_000_000_000_000_000_000, 40_000_000);
    assert_eq!(drive(&mut Link::new(rate(slow), None), &starts(&[(0, bytes)])), [(0, 25_000_000_000 * S)]);

    let mut link = Link::new(rate(1), None);
    assert_eq!(link.start(at(0), Bytes(largest), 0), Started::Shares);
    assert_eq!(link.next_end(), Some(Instant::NEVER));
    let end = Instant::START + Span::LONGEST;
    assert_eq!(link.finish_due(end), None);
    assert_eq!(link.start(end, Bytes(largest), 1), Started::Shares);
    link.resize(end, rate(largest), None);
    let seconds = i128::from(Span::LONGEST.micros());
    assert_eq!(link.times(end).carried, seconds, "1,000 years at a byte per second");
    let later = end + Span::LONGEST;
    assert_eq!(link.times(later).carried, seconds + seconds * i128::from(largest));
}

/// Late by a thousand years: nothing that was due is lost, and the order is that of the exact ends.
#[test]
fn who_is_looked_for_late_is_found_in_order() {
    let mut link = Link::new(rate(u64::MAX), None);
    for (who, bytes) in [(0, 30), (1, 10), (2, 20)] {
        assert_eq!(link.start(at(0), Bytes(bytes), who), Started::Shares);
    }
    let end = Instant::START + Span::LONGEST;
    let found: Vec<u32> = std::iter::from_fn(|| link.finish_due(end)).collect();
    assert_eq!((found, link.in_progress()), (vec![1, 2, 0], 0));
}

#[test]
fn counting_again_changes_no_end() {
    let ends = |received: u128| {
        let mut link = Link::new(rate(10), None);
        for (who, bytes) in [(0, 10), (1, 7), (2, 7)] {
            assert_eq!(link.start(at(0), Bytes(bytes), who), Started::Shares);
        }
        link.received += received;
        let transfers = std::mem::take(&mut link.transfers).into_iter();
        link.transfers = transfers.map(|Reverse((end, serial, who))| Reverse((end + received, serial, who))).collect();
        assert_eq!(link.start(at(S), Bytes(1), 3), Started::Shares);
        (drive(&mut link, &[]), link.received)
    };
    let (expected, _) = ends(0);
    // 10/3 bytes each at 1 s; the last comes, and its byte takes 0.4 s.
    assert_eq!(expected[..3], [(3, 1_400_000), (1, 2_200_000), (2, 2_200_000)]);
    let (found, received) = ends(MOST_RECEIVED);
    assert_eq!(found, expected);
    assert!(received < MOST_RECEIVED);
}

/// Transfers that may overlap, within a few dozen microseconds so that ties and rounding are everywhere.
fn transfers(most: usize) -> impl Strategy<Value = Vec<(i64, Act)>> {
    proptest::collection::vec((0_i64..60, 1_u64..40), 1..most).prop_map(|mut transfers| {
        transfers.sort_by_key(|(time, _)| *time);
        starts(&transfers)
    })
}

/// What each of `n` receives in a microsecond, in millionths of `1/WHOLE` of a byte.
fn share((capacity, ceiling): (u64, u64), n: usize) -> u128 {
    let whole = |bytes_per_second: u64| u128::from(bytes_per_second) * WHOLE;
    match (capacity, ceiling) {
        (0, ceiling) => whole(ceiling),
        (capacity, 0) => whole(capacity) / n as u128,
        (capacity, ceiling) => whole(ceiling).min(whole(capacity) / n as u128),
    }
}

/// The same acts, one microsecond after another: everybody receives a share, and who then has everything leaves.
fn step_by_step((mut capacity, mut ceiling): (u64, u64), acts: &[(i64, Act)]) -> Vec<(u32, i64)> {
    let (mut acts, mut serial, mut now) = (acts.iter().peekable(), 0, 0);
    let mut in_progress: Vec<(u32, u128)> = Vec::new();
    let mut ended = Vec::new();
    loop {
        while let Some((_, act)) = acts.next_if(|(time, _)| *time == now) {
            match *act {
                Act::Start(bytes) => {
                    in_progress.push((serial, u128::from(bytes) * WHOLE * MICROS as u128));
                    serial += 1;
                }
                Act::Resize(to, at_most) => (capacity, ceiling) = (to, at_most),
            }
        }
        if in_progress.is_empty() && acts.peek().is_none() {
            return ended;
        }
        now += 1;
        let share = share((capacity, ceiling), in_progress.len().max(1));
        in_progress.retain_mut(|(who, missing)| {
            *missing = missing.saturating_sub(share);
            if *missing == 0 {
                ended.push((*who, now));
            }
            *missing > 0
        });
    }
}

proptest! {
    /// With up to 16 in progress nothing is rounded but the ends: every end, to the microsecond.
    #[test]
    fn few_transfers_end_as_in_a_simulation_of_every_microsecond(
        limits in (300_000_u64..5_000_000, prop_oneof![Just(0_u64), 300_000_u64..3_000_000]),
        transfers in transfers(17),
        resizes in proptest::collection::vec((0_i64..80, 300_000_u64..5_000_000, 300_000_u64..5_000_000), 0..3)
    ) {
        let mut acts = transfers;
        acts.extend(resizes.into_iter().map(|(time, capacity, ceiling)| (time, Act::Resize(capacity, ceiling))));
        acts.sort_by_key(|(time, _)| *time);
        let mut link = Link::new(rate(limits.0), rate(limits.1));
        let mut found = drive(&mut link, &acts);
        let mut expected = step_by_step(limits, &acts);
        found.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    /// With up to 40 in progress: given when all others start and end, nobody ends before it has all its bytes, nor a
    /// whole microsecond after it has them and a unit more for each start or end that it has lived through. The sums
    /// over time are those of the same history, and no capacity is left unused.
    #[test]
    fn many_transfers_end_as_promised(
        capacity in 300_000_u64..9_000_000,
        ceiling in prop_oneof![Just(0_u64), 20_000_u64..900_000],
        acts in transfers(41)
    ) {
        let mut link = Link::new(rate(capacity), rate(ceiling));
        let ended = drive(&mut link, &acts);
        let lives: Vec<(i64, i64, u64)> = ended.iter().map(|(who, end)| {
            let (start, Act::Start(bytes)) = acts[*who as usize] else { panic!("only starts") };
            (start, *end, bytes)
        }).collect();
        prop_assert_eq!(lives.len(), acts.len());
        let mut instants: Vec<i64> = lives.iter().flat_map(|(start, end, _)| [*start, *end]).collect();
        instants.sort_unstable();
        instants.dedup();
        let pieces: Vec<(i64, i64, usize)> = instants.windows(2).map(|pair| {
            let n = lives.iter().filter(|(start, end, _)| *start <= pair[0] && pair[0] < *end).count();
            (pair[0], pair[1], n)
        }).collect();

        for (start, end, bytes) in &lives {
            let received = |until: i64| {
                let lived = pieces.iter().filter(|(from, ..)| start <= from && *from < until);
                let units = lived.clone().map(|(from, to, n)| {
                    (*to.min(&until) - from) as u128 * share((capacity, ceiling), *n)
                });
                (units.sum::<u128>(), lived.count() as u128)
            };
            let all = u128::from(*bytes) * WHOLE * MICROS as u128;
            let (before, changes) = received(end - 1);
            prop_assert!(received(*end).0 >= all, "early");
            prop_assert!(before < all + changes * WHOLE / SHARES, "late");
        }

        let mut expected = LinkTimes::default();
        for (from, to, n) in pieces {
            let (micros, n) = (i128::from(to - from), n as i128);
            expected.busy += micros * n.min(1);
            expected.in_progress += micros * n;
            let most = i128::from(if ceiling == 0 { capacity } else { ceiling });
            expected.carried += micros * i128::from(capacity).min(n * most);
        }
        let last = at(instants[instants.len() - 1]);
        expected.capacity = i128::from(last.micros()) * i128::from(capacity);
        prop_assert_eq!(link.times(last), expected);
        let bytes: i128 = lives.iter().map(|(_, _, bytes)| i128::from(*bytes) * i128::from(MICROS)).sum();
        prop_assert!(expected.carried >= bytes, "less was carried than has arrived");
    }
}
