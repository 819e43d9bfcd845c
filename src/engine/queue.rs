//! The event queue: keys of (time, class, serial) with the event packed beside them, compared as one integer.

mod pending;
mod wheel;

use std::marker::PhantomData;

use crate::units::Instant;
use pending::Pending;

/// Bits of each part of a key, from the most significant: 2,283 years, 16 classes, 10^12 events, 2^28 payloads.
const TIME_BITS: u32 = 56;
const CLASS_BITS: u32 = 4;
const SERIAL_BITS: u32 = 40;
const PAYLOAD_BITS: u32 = 28;
const _: () = assert!(TIME_BITS + CLASS_BITS + SERIAL_BITS + PAYLOAD_BITS == u128::BITS);

/// A time, class and serial, and the event's payload.
type Key = u128;

#[inline]
fn time_of(key: Key) -> u64 {
    (key >> (u128::BITS - TIME_BITS)) as u64
}

/// A key without a payload.
#[inline]
fn key(at: Instant, class: u8, place: Place) -> Key {
    let time = at.micros().clamp(0, (1 << TIME_BITS) - 1) as u128;
    ((time << CLASS_BITS | u128::from(class)) << SERIAL_BITS | u128::from(place.0)) << PAYLOAD_BITS
}

/// An event that fits beside its key.
pub trait Packed: Copy {
    /// At most 28 bits.
    fn pack(self) -> u32;
    /// The inverse of [`Packed::pack`].
    fn unpack(bits: u32) -> Self;
}

/// Where an event stands among those of its instant and class: in the order of scheduling. Places are forgotten after
/// 10^12 events: those given before count as last then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

/// Pending events, the next one first.
#[derive(Debug)]
pub struct Queue<E> {
    keys: Pending,
    serial: u64,
    /// The key that was taken last; before the first, less than all.
    last: Key,
    event: PhantomData<E>,
}

impl<E: Packed> Queue<E> {
    /// An empty queue.
    pub fn new() -> Queue<E> {
        Queue { keys: Pending::new(), serial: 0, last: 0, event: PhantomData }
    }

    /// Schedules an event; at one instant lower classes come first, and within a class what was scheduled first.
    /// Times beyond the range of a key (the year 2283 of a simulation) are all as late as can be.
    pub fn schedule(&mut self, at: Instant, class: u8, event: E) -> Place {
        if self.serial >> SERIAL_BITS != 0 {
            self.renumber();
        }
        let place = Place(self.serial);
        self.serial += 1;
        self.schedule_in(place, at, class, event);
        place
    }

    /// Schedules an event in the place of an earlier one, which need not be pending any more. For what recurs: where it
    /// stands among others does not depend on how often it was scheduled.
    pub fn schedule_in(&mut self, place: Place, at: Instant, class: u8, event: E) {
        debug_assert!(at.micros() >= time_of(self.last) as i64, "nothing is scheduled in the past");
        debug_assert!(u32::from(class) < 1 << CLASS_BITS && event.pack() < 1 << PAYLOAD_BITS);
        self.keys.push(key(at, class, place) | u128::from(event.pack()));
    }

    /// Whether an event of that place would have come before the one that was taken last.
    pub fn is_over(&self, place: Place, at: Instant, class: u8) -> bool {
        key(at, class, place) >> PAYLOAD_BITS < self.last >> PAYLOAD_BITS
    }

    /// Takes the next event and its time.
    pub fn pop(&mut self) -> Option<(Instant, E)> {
        let key = self.keys.pop()?;
        self.last = key;
        let payload = key as u32 & ((1 << PAYLOAD_BITS) - 1);
        Some((Instant::from_micros(time_of(key) as i64), E::unpack(payload)))
    }

    /// Gives what is pending the lowest serials in its order: serials run out after 10^12 events.
    #[cold]
    fn renumber(&mut self) {
        const SERIALS: u128 = ((1 << SERIAL_BITS) - 1) << PAYLOAD_BITS;
        let mut keys = self.keys.take_all();
        keys.sort_unstable();
        self.serial = keys.len() as u64;
        for (key, serial) in keys.iter().zip(0_u128..) {
            self.keys.push(key & !SERIALS | serial << PAYLOAD_BITS);
        }
    }

    /// Forgets everything that is pending, and the time: the next event may lie anywhere.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.serial = 0;
        self.last = 0;
    }

    /// How many events are pending.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E: Packed> Default for Queue<E> {
    fn default() -> Self {
        Queue::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::units::Span;
    use proptest::prelude::*;

    /// All later times are as late as this.
    const LAST: i64 = (1 << TIME_BITS) - 1;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Number(u32);

    impl Packed for Number {
        fn pack(self) -> u32 {
            self.0
        }
        fn unpack(bits: u32) -> Self {
            Number(bits)
        }
    }

    /// Pauses of very different lengths, in microseconds; many are ties.
    fn pause() -> impl Strategy<Value = i64> {
        prop_oneof![Just(0), 0_i64..4, 0_i64..2_000, 0_i64..5_000_000, 0_i64..1 << 50, Just(i64::MAX)]
    }

    /// What is done at one instant: so many events are scheduled so much later, in steps of class, then so many are
    /// taken.
    fn script() -> impl Strategy<Value = Vec<(usize, i64, u8, usize)>> {
        proptest::collection::vec((0_usize..150, pause(), 0_u8..3, 0_usize..120), 0..60)
    }

    proptest! {
        /// Against a sorted set, whatever is pending when: with few events and with thousands, with crowds at one
        /// instant, and with events of a lower class that come late to it.
        #[test]
        fn events_come_in_the_order_of_time_class_and_scheduling(script in script()) {
            let mut queue = Queue::new();
            let mut expected = BTreeSet::new();
            let mut now = Instant::START;
            let mut number = 0;
            for (scheduled, pause, class, taken) in script {
                for nth in 0..scheduled {
                    // Some at once and some spread out.
                    let spread = Span::from_micros(if pause % 2 == 0 { nth as i64 } else { 0 });
                    let (at, class) = (now + Span::from_micros(pause) + spread, (class + nth as u8 / 64) % 16);
                    queue.schedule(at, class, Number(number));
                    expected.insert((at.micros().min(LAST), class, number));
                    number += 1;
                }
                for _ in 0..taken {
                    let found = queue.pop();
                    let next = expected.pop_first();
                    prop_assert_eq!(found, next.map(|(at, _, number)| (Instant::from_micros(at), Number(number))));
                    now = found.map_or(now, |(at, _)| at);
                }
                prop_assert_eq!(queue.len(), expected.len());
            }
            while let Some((at, _, number)) = expected.pop_first() {
                prop_assert_eq!(queue.pop(), Some((Instant::from_micros(at), Number(number))));
            }
            prop_assert_eq!(queue.pop(), None);
        }
    }

    /// A hundred thousand at one instant, each of which schedules another at it: nothing takes the square of that.
    #[test]
    fn a_crowd_at_one_instant_keeps_its_order() {
        const CROWD: u32 = 100_000;
        let mut queue = Queue::new();
        let at = Instant::from_seconds(7);
        for number in 0..CROWD {
            queue.schedule(at, 7, Number(number));
        }
        for number in 0..CROWD {
            assert_eq!(queue.pop(), Some((at, Number(number))));
            queue.schedule(at, 7, Number(CROWD + number));
            queue.schedule(at, 6, Number(number));
            assert_eq!(queue.pop(), Some((at, Number(number))), "the lower class comes first");
        }
        for number in 0..CROWD {
            assert_eq!(queue.pop(), Some((at, Number(CROWD + number))));
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn running_out_of_serials_changes_no_order() {
        let mut queue = Queue::new();
        queue.serial = (1 << SERIAL_BITS) - 200;
        for number in 0..500 {
            queue.schedule(Instant::from_seconds(i64::from(number / 3)), 0, Number(number));
        }
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, event)| event.0).collect();
        assert_eq!(popped, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn what_recurs_keeps_its_place() {
        let mut queue = Queue::new();
        let at = |seconds| Instant::from_seconds(seconds);
        let first = queue.schedule(at(1), 7, Number(1));
        queue.schedule(at(2), 7, Number(2));
        assert_eq!(queue.pop(), Some((at(1), Number(1))));
        queue.schedule_in(first, at(2), 7, Number(3));
        assert_eq!(queue.pop(), Some((at(2), Number(3))), "it was there first");
        assert!(!queue.is_over(first, at(2), 7), "it is now");
        assert_eq!(queue.pop(), Some((at(2), Number(2))));
        let cases = [(at(1), 9, true), (at(2), 6, true), (at(2), 7, true), (at(2), 8, false), (at(3), 0, false)];
        for (at, class, is_over) in cases {
            assert_eq!(queue.is_over(first, at, class), is_over, "{at:?}, class {class}");
        }
    }

    #[test]
    fn a_queue_that_is_cleared_begins_anew() {
        let mut queue = Queue::new();
        queue.schedule(Instant::from_seconds(2), 0, Number(1));
        queue.schedule(Instant::from_seconds(3), 0, Number(2));
        queue.pop();
        queue.clear();
        assert!(queue.is_empty());
        queue.schedule(Instant::from_seconds(1), 0, Number(3));
        assert_eq!(queue.pop(), Some((Instant::from_seconds(1), Number(3))));
    }

    #[test]
    fn extremes_fit() {
        let mut queue = Queue::new();
        let last = Number((1 << PAYLOAD_BITS) - 1);
        queue.schedule(Instant::NEVER, 15, last);
        queue.schedule(Instant::START, 0, Number(0));
        assert_eq!(queue.pop(), Some((Instant::START, Number(0))));
        assert_eq!(queue.pop(), Some((Instant::from_micros(LAST), last)));
        assert_eq!(queue.pop(), None);
    }
}
