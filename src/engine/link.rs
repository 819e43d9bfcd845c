//! A link that transfers share equally, with a ceiling for each: processor sharing by virtual time, in integers.
//!
//! Of `n` transfers in progress each moves at min(ceiling, capacity / n). As that is the same for all of them, one
//! number describes them: what a transfer that was there from the beginning would have received. A transfer ends when
//! that has grown by its own bytes; so those in progress lie in a heap, and a start or an end moves no other transfer.
//!
//! # Exactness
//! - What was received is counted in units of 1 / (720,720 · 10⁶) of a byte. 720,720 is divided by every number up to
//!   16: with up to 16 transfers in progress nothing is rounded. With more, each start, end or change of rate takes
//!   less than one unit from each transfer in progress, and never gives one. Who has lived through a million of them
//!   lacks less than 1.4 · 10⁻⁶ bytes.
//! - A transfer ends, and takes its share until then, at the first whole microsecond at which it has received all its
//!   bytes: never early, and less than a microsecond late but for the units it lacks.
//! - Transfers that end together end in the order of (the exact end, start).
//! - Nothing overflows. Ends that no instant can name are [`Instant::NEVER`]; a backlog beyond 2⁸⁸ bytes in all may be
//!   served late.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::units::{Bytes, Instant, MICROS, Span, Throughput};

/// The least common multiple of 1, …, 16: shares of a byte among so many are whole.
const SHARES: u128 = 720_720;

/// Units of service in a byte. A byte per second is `SHARES` units per microsecond.
const UNITS: u128 = SHARES * MICROS as u128;

/// Beyond this the count of what was received begins again; far enough from overflow that a largest transfer fits.
const MOST_RECEIVED: u128 = 1 << 126;

/// Transfers that share a capacity, each named by a `T`.
///
/// Whenever a transfer has started, ended, or the link was resized, [`Link::next_end`] may be another instant: schedule
/// an event for it, and ignore one that comes at any other time. Calls come in the order of time.
#[derive(Debug)]
pub struct Link<T> {
    capacity: Option<Throughput>,
    ceiling: Option<Throughput>,
    /// The count of units at which each transfer ends, the serial of its start, and its name.
    transfers: BinaryHeap<Reverse<(u128, u64, T)>>,
    serial: u64,
    /// Units that a transfer would have received by `received_to` had it always been in progress.
    received: u128,
    received_to: Instant,
    next_end: Option<Instant>,
    times: LinkTimes,
    counted_to: Instant,
}

/// When a transfer that has just started ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// At this instant, whatever else starts: it shares nothing, and the link has forgotten it already.
    Ends(Instant),
    /// When [`Link::finish_due`] says so.
    Shares,
}

/// What a shared link did, summed over time, exact. Transfers that shared nothing are not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkTimes {
    /// Microseconds with a transfer in progress.
    pub busy: i128,
    /// Microseconds times transfers in progress. Over a time that begins and ends with an idle link this is the sum of
    /// all their durations.
    pub in_progress: i128,
    /// Millionths of bytes carried while there was a capacity; up to a microsecond's share more than the bytes of each
    /// transfer.
    pub carried: i128,
    /// Millionths of bytes that the capacity allowed while there was one. What `carried` is of this is the utilisation.
    pub capacity: i128,
}

/// How fast each transfer in progress moves.
#[derive(Clone, Copy)]
enum Rate {
    /// Everything ends at once.
    Unlimited,
    /// So many bytes per second among so many transfers.
    Shared(Throughput, u128),
}

impl<T: Copy + Ord> Link<T> {
    /// An idle link. Without a capacity nothing is shared; without a ceiling a transfer may take all of the capacity;
    /// without both a transfer takes no time.
    pub fn new(capacity: Option<Throughput>, ceiling: Option<Throughput>) -> Link<T> {
        Link {
            capacity,
            ceiling,
            transfers: BinaryHeap::new(),
            serial: 0,
            received: 0,
            received_to: Instant::START,
            next_end: None,
            times: LinkTimes::default(),
            counted_to: Instant::START,
        }
    }

    /// Starts a transfer.
    #[must_use = "who shares nothing is told its end here and nowhere else"]
    pub fn start(&mut self, now: Instant, bytes: Bytes, who: T) -> Started {
        if bytes == Bytes(0) {
            return Started::Ends(now);
        }
        if self.capacity.is_none() {
            return Started::Ends(now + self.ceiling.map_or(Span::ZERO, |ceiling| ceiling.time_for(bytes)));
        }
        self.advance(now);
        self.transfers.push(Reverse((self.received + u128::from(bytes.0) * UNITS, self.serial, who)));
        self.serial += 1;
        self.foresee();
        Started::Shares
    }

    /// When the next transfer ends if none starts before; `None` if none is in progress.
    pub fn next_end(&self) -> Option<Instant> {
        self.next_end
    }

    /// Takes out a transfer that has ended by now, if there is one: call it until there is none. Before the next end it
    /// changes nothing.
    pub fn finish_due(&mut self, now: Instant) -> Option<T> {
        if self.next_end? > now {
            return None;
        }
        self.advance(now);
        let Reverse((end, _, who)) = *self.transfers.peek()?;
        let has_ended = match self.rate() {
            Rate::Unlimited => true,
            Rate::Shared(..) => end <= self.received,
        };
        if has_ended {
            self.transfers.pop();
        }
        self.foresee();
        has_ended.then_some(who)
    }

    /// Changes the limits from now on. What is in progress goes on under the new ones; a transfer that was told its end
    /// keeps it.
    pub fn resize(&mut self, now: Instant, capacity: Option<Throughput>, ceiling: Option<Throughput>) {
        self.advance(now);
        self.capacity = capacity;
        self.ceiling = ceiling;
        self.foresee();
    }

    /// How many transfers share the link.
    pub fn in_progress(&self) -> usize {
        self.transfers.len()
    }

    /// What the link did from the last reset, or the start, up to now.
    pub fn times(&self, now: Instant) -> LinkTimes {
        let micros = i128::from(now.since(self.counted_to).micros());
        debug_assert!(micros >= 0, "calls come in the order of time");
        let n = self.transfers.len() as i128;
        let capacity = self.capacity.map_or(0, per_second);
        let carried = self.ceiling.map_or(capacity * n.min(1), |ceiling| capacity.min(n * per_second(ceiling)));
        LinkTimes {
            busy: self.times.busy + micros * n.min(1),
            in_progress: self.times.in_progress + micros * n,
            carried: self.times.carried + micros * carried,
            capacity: self.times.capacity + micros * capacity,
        }
    }

    /// Sums from now on only (the end of a warm-up). Transfers go on.
    pub fn reset_statistics(&mut self, now: Instant) {
        self.times = LinkTimes::default();
        self.counted_to = now;
    }

    fn rate(&self) -> Rate {
        let n = self.transfers.len();
        match (self.capacity, self.ceiling) {
            (None, None) => Rate::Unlimited,
            (None, Some(ceiling)) => Rate::Shared(ceiling, 1),
            (Some(capacity), Some(ceiling)) if per_second(ceiling) * n as i128 <= per_second(capacity) => {
                Rate::Shared(ceiling, 1)
            }
            (Some(capacity), _) => Rate::Shared(capacity, n as u128),
        }
    }

    /// Counts up to now, before what is in progress changes.
    fn advance(&mut self, now: Instant) {
        self.times = self.times(now);
        self.counted_to = now;
        let micros = now.since(self.received_to).micros().max(0) as u128;
        self.received_to = now;
        if self.transfers.is_empty() {
            self.received = 0;
        } else if micros > 0 {
            if let Rate::Shared(throughput, among) = self.rate() {
                // Saturates only where more than the largest backlog could be served, or nobody has come in time.
                let units = micros.saturating_mul(u128::from(throughput.bytes_per_second()) * SHARES) / among;
                self.received = self.received.saturating_add(units);
            }
            if self.received > MOST_RECEIVED {
                self.count_again();
            }
        }
    }

    /// Looks when the next transfer ends, after what is in progress has changed.
    fn foresee(&mut self) {
        self.next_end = self.transfers.peek().map(|Reverse((end, ..))| {
            let Rate::Shared(throughput, among) = self.rate() else { return self.received_to };
            let missing = end.saturating_sub(self.received).saturating_mul(among);
            let micros = missing.div_ceil(u128::from(throughput.bytes_per_second()) * SHARES);
            self.received_to + Span::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
        });
    }

    /// Counts what is received from zero again: a link that is never idle would exceed the range, after 1,000 years of
    /// 2^51 bytes per second to each transfer.
    #[cold]
    fn count_again(&mut self) {
        let mut transfers = std::mem::take(&mut self.transfers).into_vec();
        // One that is due already may lie below what was received, and keeps its place.
        let past = transfers.iter().map(|Reverse((end, ..))| *end).min().unwrap_or(0).min(self.received);
        for Reverse((end, ..)) in &mut transfers {
            *end -= past;
        }
        self.received -= past;
        self.transfers = BinaryHeap::from(transfers);
    }
}

fn per_second(throughput: Throughput) -> i128 {
    i128::from(throughput.bytes_per_second())
}

#[cfg(test)]
mod tests;
