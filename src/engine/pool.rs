//! Identical servers and one queue before them, first come, first served; says who waits, never for how long work
//! takes.

use std::collections::VecDeque;

use crate::units::{Instant, Span};

/// Servers, what is served, and what waits for a server.
///
/// Whoever got a server holds it until [`Pool::release`]; the pool does not know whom it serves. A server is never
/// free while somebody waits. Calls come in the order of time.
#[derive(Debug)]
pub struct Pool<T> {
    servers: u32,
    /// More than `servers` only after the pool has shrunk, until enough of them are released.
    busy: u32,
    /// Who waits, and since when.
    waiting: VecDeque<(Instant, T)>,
    /// The instants at which each level fell less those at which it rose: with the level times the present, that is the
    /// level summed over time, and a step costs one addition.
    steps: PoolTimes,
}

/// Levels of a pool summed over time, exact: microseconds times servers or waiting ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolTimes {
    /// Of all servers, busy or not. What `busy` is of this is the utilisation.
    pub servers: i128,
    /// Of the servers that are taken; exceeds `servers` while a pool that has shrunk still works for more.
    pub busy: i128,
    /// Of those who wait. Over a time that begins and ends with an empty queue this is the sum of all waits.
    pub waiting: i128,
}

impl<T: Copy> Pool<T> {
    /// A pool of so many free servers. With none, everybody waits until it grows.
    pub fn new(servers: u32) -> Pool<T> {
        Pool { servers, busy: 0, waiting: VecDeque::new(), steps: PoolTimes::default() }
    }

    /// Takes a server and returns true, or puts `who` at the end of the queue and returns false.
    #[must_use = "who gets no server waits"]
    pub fn acquire(&mut self, now: Instant, who: T) -> bool {
        let is_free = self.busy < self.servers;
        if is_free {
            self.busy += 1;
            self.steps.busy -= micros(now);
        } else {
            self.waiting.push_back((now, who));
            self.steps.waiting -= micros(now);
        }
        is_free
    }

    /// Gives a server back; returns who has it from now on, and how long it waited.
    ///
    /// # Panics
    /// If no server is taken.
    #[must_use = "who gets the server has to be told"]
    pub fn release(&mut self, now: Instant) -> Option<(T, Span)> {
        assert!(self.busy > 0, "only a server that is taken is released");
        if self.busy <= self.servers
            && let Some((since, who)) = self.waiting.pop_front()
        {
            self.steps.waiting += micros(now);
            return Some((who, now.since(since)));
        }
        self.busy -= 1;
        self.steps.busy += micros(now);
        None
    }

    /// Changes the number of servers; returns who gets one of those that are new, and how long each waited. Servers
    /// that are taken stay so until they are released, even if there are too many now.
    #[must_use = "who gets a server has to be told"]
    pub fn resize(&mut self, now: Instant, servers: u32) -> impl ExactSizeIterator<Item = (T, Span)> + '_ {
        self.steps.servers += micros(now) * (i128::from(self.servers) - i128::from(servers));
        self.servers = servers;
        let free = servers.saturating_sub(self.busy);
        let admitted = free.min(u32::try_from(self.waiting.len()).unwrap_or(u32::MAX));
        self.busy += admitted;
        self.steps.busy -= micros(now) * i128::from(admitted);
        self.steps.waiting += micros(now) * i128::from(admitted);
        self.waiting.drain(..admitted as usize).map(move |(since, who)| (who, now.since(since)))
    }

    /// Empties the queue without serving it: who waited, first come first, and how long until now.
    pub fn take_waiting(&mut self, now: Instant) -> impl ExactSizeIterator<Item = (T, Span)> + '_ {
        self.steps.waiting += micros(now) * self.waiting.len() as i128;
        self.waiting.drain(..).map(move |(since, who)| (who, now.since(since)))
    }

    /// How many servers there are.
    pub fn servers(&self) -> u32 {
        self.servers
    }

    /// How many servers are taken.
    pub fn busy(&self) -> u32 {
        self.busy
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The levels summed from the last reset, or the start, up to now.
    pub fn times(&self, now: Instant) -> PoolTimes {
        PoolTimes {
            servers: micros(now) * i128::from(self.servers) + self.steps.servers,
            busy: micros(now) * i128::from(self.busy) + self.steps.busy,
            waiting: micros(now) * self.waiting.len() as i128 + self.steps.waiting,
        }
    }

    /// Sums from now on only (the end of a warm-up). Who is served or waits goes on.
    pub fn reset_statistics(&mut self, now: Instant) {
        let PoolTimes { servers, busy, waiting } = self.times(now);
        self.steps.servers -= servers;
        self.steps.busy -= busy;
        self.steps.waiting -= waiting;
    }
}

fn micros(instant: Instant) -> i128 {
    instant.micros().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(micros: i64) -> Instant {
        Instant::from_micros(micros)
    }

    fn waits(admitted: impl Iterator<Item = (u32, Span)>) -> Vec<(u32, i64)> {
        admitted.map(|(who, waited)| (who, waited.micros())).collect()
    }

    #[test]
    fn the_first_to_come_is_the_first_served() {
        let mut pool = Pool::new(2);
        assert!(pool.acquire(at(0), 1) && pool.acquire(at(1), 2));
        assert!(!pool.acquire(at(3), 3) && !pool.acquire(at(4), 4));
        assert_eq!((pool.busy(), pool.waiting()), (2, 2));
        assert_eq!(pool.release(at(10)), Some((3, Span::from_micros(7))));
        assert_eq!(pool.release(at(10)), Some((4, Span::from_micros(6))));
        assert_eq!(pool.release(at(15)), None);
        assert_eq!(pool.release(at(20)), None);
        // Busy: [0, 20) and [1, 15); waiting: 7 + 6.
        assert_eq!(pool.times(at(30)), PoolTimes { servers: 60, busy: 34, waiting: 13 });
    }

    #[test]
    fn growing_admits_in_order_and_shrinking_waits_for_releases() {
        let mut pool = Pool::new(0);
        for who in 1..=4 {
            assert!(!pool.acquire(at(i64::from(who)), who), "{who} finds no server");
        }
        assert_eq!(waits(pool.resize(at(10), 3)), [(1, 9), (2, 8), (3, 7)]);
        assert_eq!(waits(pool.resize(at(20), 1)), []);
        assert_eq!((pool.servers(), pool.busy(), pool.waiting()), (1, 3, 1));
        assert_eq!(pool.release(at(21)), None, "two are left for one server");
        assert_eq!(pool.release(at(22)), None, "the one that is left is busy");
        assert_eq!(pool.release(at(23)), Some((4, Span::from_micros(19))));
        assert_eq!(waits(pool.resize(at(24), 9)), []);
        assert!(pool.acquire(at(24), 5));
    }

    #[test]
    fn whom_growing_admits_has_a_server_even_if_nobody_looks() {
        let mut pool = Pool::new(0);
        assert!(!pool.acquire(at(0), 1));
        drop(pool.resize(at(1), 2));
        assert_eq!((pool.busy(), pool.waiting()), (1, 0));
    }

    #[test]
    fn statistics_begin_again_and_service_goes_on() {
        let mut pool = Pool::new(1);
        assert!(pool.acquire(at(0), 1) && !pool.acquire(at(0), 2));
        pool.reset_statistics(at(100));
        assert_eq!(pool.times(at(100)), PoolTimes::default());
        assert_eq!(pool.release(at(103)), Some((2, Span::from_micros(103))), "the wait is whole");
        assert_eq!(pool.times(at(105)), PoolTimes { servers: 5, busy: 5, waiting: 3 });
    }

    #[test]
    fn a_thousand_years_of_every_server_fit() {
        let mut pool = Pool::<u32>::new(u32::MAX);
        let end = Instant::START + Span::LONGEST;
        let all = i128::from(Span::LONGEST.micros()) * i128::from(u32::MAX);
        assert_eq!(pool.times(end), PoolTimes { servers: all, ..PoolTimes::default() });
        assert!(pool.acquire(end, 1));
    }

    #[test]
    #[should_panic(expected = "only a server that is taken is released")]
    fn what_is_not_taken_cannot_be_released() {
        let _ = Pool::<u32>::new(1).release(at(0));
    }

    proptest! {
        /// Whatever happens: who came first is served first, nobody is lost, no server idles while somebody waits, and
        /// the sums are what counting microsecond by microsecond gives.
        #[test]
        fn nobody_is_lost_and_no_server_idles(
            servers in 0_u32..4,
            steps in proptest::collection::vec((0_i64..4, 0_u32..10, 0_u32..5), 0..200)
        ) {
            let mut pool = Pool::new(servers);
            let (mut now, mut arrived, mut served, mut released) = (0, 0, Vec::new(), 0);
            let (mut sums, mut waited, mut came) = (PoolTimes::default(), 0, Vec::new());
            for (pause, action, size) in steps {
                for _ in 0..pause {
                    sums.servers += i128::from(pool.servers());
                    sums.busy += i128::from(pool.busy());
                    sums.waiting += pool.waiting() as i128;
                }
                now += pause;
                let mut admitted = Vec::new();
                match action {
                    0..5 => {
                        came.push(now);
                        if pool.acquire(at(now), arrived) {
                            admitted.push((arrived, 0));
                        }
                        arrived += 1;
                    }
                    5..9 if pool.busy() > 0 => {
                        admitted = waits(pool.release(at(now)).into_iter());
                        released += 1;
                    }
                    5..9 => {}
                    _ => admitted = waits(pool.resize(at(now), size)),
                }
                for (who, wait) in admitted {
                    prop_assert_eq!(wait, now - came[who as usize]);
                    waited += i128::from(wait);
                    served.push(who);
                }
                prop_assert_eq!(pool.busy() as usize, served.len() - released);
                prop_assert!(pool.waiting() == 0 || pool.busy() >= pool.servers());
                prop_assert_eq!(pool.times(at(now)), sums);
            }
            let left = waits(pool.take_waiting(at(now)));
            waited += left.iter().map(|(_, wait)| i128::from(*wait)).sum::<i128>();
            served.extend(left.into_iter().map(|(who, _)| who));
            prop_assert_eq!(served, (0..arrived).collect::<Vec<_>>());
            prop_assert_eq!(waited, sums.waiting, "number waiting over time is the sum of waits");
            prop_assert_eq!(pool.waiting(), 0);
        }
    }
}
