//! A hierarchical wheel: keys by the highest digit in which their time differs from the present, in buckets that need
//! no order.
//!
//! A radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990) whose digits have several bits, which makes it the hierarchical
//! timing wheel of Varghese and Lauck (1987). It has no parameter that follows the load: a key is moved at most once
//! per digit, however its time is distributed.
//!
//! Buckets are chains of chunks that all buckets share, so that memory follows the number of keys.

use super::{Key, TIME_BITS, time_of};

/// Bits of a digit.
const DIGIT_BITS: u32 = 5;
/// Buckets of a level: one for each digit. Their occupation is a mask of 32 bits.
const SLOTS: usize = 1 << DIGIT_BITS;
const _: () = assert!(SLOTS == u32::BITS as usize);
/// Digits of a time, rounded up to a power of two, so that a place among all buckets needs no look at their number.
const LEVELS: usize = 16;
const _: () = assert!(LEVELS as u32 * DIGIT_BITS >= TIME_BITS);
const BUCKETS: usize = LEVELS * SLOTS;

/// Keys of a chunk: 512 bytes.
const CHUNK: usize = 32;

/// Keys whose times lie at or behind a start, which moves on as they are taken out bucket by bucket in the order of
/// time.
#[derive(Debug)]
pub(super) struct Wheel {
    /// By level, then slot. What lies on level n has the digits above n in common with the start, and a greater digit
    /// n; but for level 0, where the digit may be the same.
    buckets: Box<[Bucket; BUCKETS]>,
    /// Which buckets of each level hold anything.
    occupied: [u32; LEVELS],
    /// Which levels do.
    levels: u32,
    start: u64,
    len: usize,
    chunks: Vec<[Key; CHUNK]>,
    /// By chunk, the one before it in its bucket; meaningless for the first of a bucket.
    before: Vec<u32>,
    free: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    /// The last of its chunks; all before it are full. Meaningless if there are no keys.
    chunk: u32,
    len: u32,
}

impl Wheel {
    pub(super) fn new() -> Wheel {
        Wheel {
            buckets: Box::new([Bucket::default(); BUCKETS]),
            occupied: [0; LEVELS],
            levels: 0,
            start: 0,
            len: 0,
            chunks: Vec::new(),
            before: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Makes an empty wheel take times from this one on.
    pub(super) fn start_at(&mut self, time: u64) {
        debug_assert!(self.len == 0);
        self.start = time;
    }

    /// Adds a key whose time does not lie before the start.
    #[inline]
    pub(super) fn push(&mut self, key: Key) {
        self.len += 1;
        self.place(key);
    }

    /// Moves the soonest keys to `out`, in no order: about `most` of them, more if they are of one instant. Answers the
    /// instant that they lie before and all others do not.
    ///
    /// # Panics
    /// If there are none.
    pub(super) fn take_soonest(&mut self, most: usize, out: &mut Vec<Key>) -> u64 {
        loop {
            let level = self.levels.trailing_zeros();
            let slots = &mut self.occupied[level as usize];
            let slot = slots.trailing_zeros();
            *slots &= *slots - 1;
            if *slots == 0 {
                self.levels &= self.levels - 1;
            }
            let shift = level * DIGIT_BITS;
            let above = self.start >> shift >> DIGIT_BITS << DIGIT_BITS;
            self.start = (above | u64::from(slot)) << shift;
            let bucket = std::mem::take(&mut self.buckets[place(level, slot)]);
            if level == 0 || bucket.len as usize <= most {
                self.len -= bucket.len as usize;
                self.empty(bucket, |wheel, chunk, len| out.extend_from_slice(&wheel.chunks[chunk][..len]));
                return self.start + (1 << shift);
            }
            // Nothing lies on the levels below, where all of it goes.
            self.empty(bucket, |wheel, chunk, len| {
                let keys = wheel.chunks[chunk];
                keys[..len].iter().for_each(|key| wheel.place(*key));
            });
        }
    }

    /// Moves all keys to `out`, in no order.
    pub(super) fn take_all(&mut self, out: &mut Vec<Key>) {
        while self.len > 0 {
            self.take_soonest(usize::MAX, out);
        }
    }

    #[inline]
    fn place(&mut self, key: Key) {
        let time = time_of(key);
        debug_assert!(time >= self.start);
        let level = ((time ^ self.start) | 1).ilog2() / DIGIT_BITS;
        let slot = (time >> (level * DIGIT_BITS)) as u32 % SLOTS as u32;
        let bucket = &mut self.buckets[place(level, slot)];
        let at = bucket.len as usize % CHUNK;
        if at == 0 {
            self.occupied[level as usize] |= 1 << slot;
            self.levels |= 1 << level;
            let chunk = self.free.pop().unwrap_or_else(|| {
                self.chunks.push([0; CHUNK]);
                self.before.push(0);
                (self.chunks.len() - 1) as u32
            });
            self.before[chunk as usize] = bucket.chunk;
            bucket.chunk = chunk;
        }
        self.chunks[bucket.chunk as usize][at] = key;
        bucket.len += 1;
    }

    /// Hands over the chunks of a bucket, each with how many keys it has, and frees them.
    fn empty(&mut self, bucket: Bucket, mut hand_over: impl FnMut(&mut Wheel, usize, usize)) {
        let Bucket { mut chunk, mut len } = bucket;
        while len > 0 {
            let in_chunk = (len as usize - 1) % CHUNK + 1;
            let before = self.before[chunk as usize];
            self.free.push(chunk);
            hand_over(self, chunk as usize, in_chunk);
            chunk = before;
            len -= in_chunk as u32;
        }
    }
}

/// Where a bucket lies among all.
#[inline]
fn place(level: u32, slot: u32) -> usize {
    (level as usize * SLOTS + slot as usize) % BUCKETS
}
