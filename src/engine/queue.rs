//! The event queue: keys of (time, class, serial) with the event packed beside them, compared as one integer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::marker::PhantomData;

use crate::units::Instant;

/// Bits of each part of a key, from the most significant: 2,283 years, 16 classes, 10^12 events, 2^28 payloads.
const TIME_BITS: u32 = 56;
const CLASS_BITS: u32 = 4;
const SERIAL_BITS: u32 = 40;
const PAYLOAD_BITS: u32 = 28;
const _: () = assert!(TIME_BITS + CLASS_BITS + SERIAL_BITS + PAYLOAD_BITS == u128::BITS);

/// An event that fits beside its key.
pub trait Packed: Copy {
    /// At most 28 bits.
    fn pack(self) -> u32;
    /// The inverse of [`Packed::pack`].
    fn unpack(bits: u32) -> Self;
}

/// Pending events, the next one first.
#[derive(Debug)]
pub struct Queue<E> {
    heap: BinaryHeap<Reverse<u128>>,
    serial: u64,
    now: Instant,
    event: PhantomData<E>,
}

impl<E: Packed> Queue<E> {
    /// An empty queue.
    pub fn new() -> Queue<E> {
        Queue { heap: BinaryHeap::new(), serial: 0, now: Instant::START, event: PhantomData }
    }

    /// Schedules an event; at one instant lower classes come first, and within a class what was scheduled first.
    /// Times beyond the range of a key (the year 2283 of a simulation) are all as late as can be.
    pub fn schedule(&mut self, at: Instant, class: u8, event: E) {
        debug_assert!(at >= self.now, "nothing is scheduled in the past");
        debug_assert!(u32::from(class) < 1 << CLASS_BITS && event.pack() < 1 << PAYLOAD_BITS);
        if self.serial >> SERIAL_BITS != 0 {
            self.renumber();
        }
        let time = at.micros().clamp(0, (1 << TIME_BITS) - 1) as u128;
        let key = (time << CLASS_BITS | u128::from(class)) << SERIAL_BITS | u128::from(self.serial);
        self.serial += 1;
        self.heap.push(Reverse(key << PAYLOAD_BITS | u128::from(event.pack())));
    }

    /// Takes the next event and its time.
    pub fn pop(&mut self) -> Option<(Instant, E)> {
        let Reverse(key) = self.heap.pop()?;
        let payload = key as u32 & ((1 << PAYLOAD_BITS) - 1);
        self.now = Instant::from_micros((key >> (u128::BITS - TIME_BITS)) as i64);
        Some((self.now, E::unpack(payload)))
    }

    /// Gives what is pending the lowest serials in its order: serials run out after 10^12 events.
    #[cold]
    fn renumber(&mut self) {
        const SERIALS: u128 = ((1 << SERIAL_BITS) - 1) << PAYLOAD_BITS;
        let mut keys: Vec<u128> = self.heap.drain().map(|Reverse(key)| key).collect();
        keys.sort_unstable();
        self.serial = keys.len() as u64;
        let numbered = keys.iter().zip(0_u128..).map(|(key, serial)| Reverse(key & !SERIALS | serial << PAYLOAD_BITS));
        self.heap = numbered.collect();
    }

    /// Forgets everything that is pending, and the time: the next event may lie anywhere.
    pub fn clear(&mut self) {
        self.heap.clear();
        self.serial = 0;
        self.now = Instant::START;
    }

    /// How many events are pending.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is pending.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<E: Packed> Default for Queue<E> {
    fn default() -> Self {
        Queue::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        /// Against a stable sort, with ties in time and class.
        #[test]
        fn events_come_in_the_order_of_time_class_and_scheduling(
            events in proptest::collection::vec((0_i64..20, 0_u8..3), 0..200)
        ) {
            let mut queue = Queue::new();
            for (number, (time, class)) in events.iter().enumerate() {
                queue.schedule(Instant::from_micros(*time), *class, Number(number as u32));
            }
            let mut expected: Vec<_> = events.iter().copied().enumerate().collect();
            expected.sort_by_key(|(_, key)| *key);
            let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, event)| event.0 as usize).collect();
            prop_assert_eq!(popped, expected.iter().map(|(number, _)| *number).collect::<Vec<_>>());
        }
    }

    #[test]
    fn running_out_of_serials_changes_no_order() {
        let mut queue = Queue::new();
        queue.serial = (1 << SERIAL_BITS) - 2;
        for number in 0..5 {
            queue.schedule(Instant::from_seconds(1), 0, Number(number));
        }
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, event)| event.0).collect();
        assert_eq!(popped, [0, 1, 2, 3, 4]);
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
        assert_eq!(queue.pop(), Some((Instant::from_micros((1 << TIME_BITS) - 1), last)));
        assert_eq!(queue.pop(), None);
    }
}
