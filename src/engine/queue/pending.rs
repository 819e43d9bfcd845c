//! Keys, the least first: a sorted list of the soonest, and a wheel for all others.
//!
//! Which of both a key is in depends on how many there are and on their times; the order in which they come out depends
//! on the keys alone. docs/PERFORMANCE.md has the measurements that the sizes below come from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::wheel::Wheel;
use super::{Key, time_of};

/// So many keys are kept in one list, without the wheel.
const FEW: usize = 32;
/// A list of so many keys is gone through as a whole.
const BRIEF: usize = 8;
/// So many keys are taken from the wheel at once.
const BATCH: usize = 64;
/// Into a list that is longer nothing is inserted: it would move too much.
const LONG: usize = 96;
/// Later than every time of a key.
const NO_END: u64 = u64::MAX;

/// Keys that come out in ascending order, as long as none is pushed that is less than one that came out.
#[derive(Debug)]
pub(super) struct Pending {
    /// Keys before `near_until`, descending.
    near: Vec<Key>,
    /// Keys before `near_until` that came when the list was long, as when very many things happen at one instant.
    crowd: BinaryHeap<Reverse<Key>>,
    /// Keys from `near_until` on.
    far: Wheel,
    /// [`NO_END`] while there are few keys.
    near_until: u64,
}

impl Pending {
    pub(super) fn new() -> Pending {
        Pending { near: Vec::new(), crowd: BinaryHeap::new(), far: Wheel::new(), near_until: NO_END }
    }

    pub(super) fn len(&self) -> usize {
        self.near.len() + self.crowd.len() + self.far.len()
    }

    #[inline]
    pub(super) fn push(&mut self, key: Key) {
        if time_of(key) >= self.near_until {
            self.far.push(key);
        } else if self.near.len() < LONG {
            insert(&mut self.near, key);
            if self.near_until == NO_END && self.near.len() > FEW {
                self.set_up_wheel();
            }
        } else {
            self.crowd.push(Reverse(key));
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Key> {
        if self.near.is_empty() {
            self.fetch();
        }
        if self.crowd.is_empty() { self.near.pop() } else { self.pop_beside_crowd() }
    }

    #[cold]
    fn pop_beside_crowd(&mut self) -> Option<Key> {
        match self.crowd.peek() {
            Some(Reverse(crowded)) if self.near.last().is_none_or(|near| crowded < near) => {
                self.crowd.pop().map(|Reverse(key)| key)
            }
            _ => self.near.pop(),
        }
    }

    /// Takes out all keys, in no order.
    pub(super) fn take_all(&mut self) -> Vec<Key> {
        let mut all = std::mem::take(&mut self.near);
        all.extend(self.crowd.drain().map(|Reverse(key)| key));
        self.far.take_all(&mut all);
        self.near_until = NO_END;
        all
    }

    /// Forgets all keys; the next may be less than those that came out.
    pub(super) fn clear(&mut self) {
        let mut all = self.take_all();
        all.clear();
        self.near = all;
    }

    /// Fills the list from the wheel, unless the crowd comes first.
    fn fetch(&mut self) {
        if self.far.len() == 0 || !self.crowd.is_empty() {
            return;
        }
        if self.far.len() <= FEW / 2 {
            self.far.take_all(&mut self.near);
            self.near_until = NO_END;
        } else {
            self.near_until = self.far.take_soonest(BATCH, &mut self.near);
        }
        self.near.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// Moves the later half of the list to the wheel.
    #[cold]
    fn set_up_wheel(&mut self) {
        self.near_until = time_of(self.near[FEW / 2]);
        self.far.start_at(self.near_until);
        // Keys of one instant stay together.
        let far = self.near.partition_point(|key| time_of(*key) >= self.near_until);
        self.near.drain(..far).for_each(|key| self.far.push(key));
    }
}

/// Inserts a key into a descending list; it is likely to belong near the end.
#[inline]
fn insert(keys: &mut Vec<Key>, key: Key) {
    let len = keys.len();
    keys.push(key);
    if len <= BRIEF {
        // Looks at every place, so that a processor has nothing to guess.
        let keys = &mut keys[..=len];
        let mut carried = key;
        for at in (0..len).rev() {
            let here = keys[at];
            keys[at + 1] = here.min(carried);
            carried = here.max(carried);
        }
        keys[0] = carried;
        return;
    }
    let mut at = len;
    while at > 0 && keys[at - 1] < key {
        keys[at] = keys[at - 1];
        at -= 1;
    }
    keys[at] = key;
}
