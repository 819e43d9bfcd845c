//! Model A, an open M/M/4 with a first-come queue: Poisson arrivals at 3.6, services exponential with mean 1.

use outlast::engine::{Packed, Pool, Queue, World, run};
use outlast::random::dist::Shape;
use outlast::random::{Dist, Purpose, Series, Streams};
use outlast::units::{Instant, Span};

use crate::meter::{Measured, timed};

const SERVERS: u32 = 4;
const ARRIVALS_PER_SECOND: f64 = 3.6;
/// By Erlang's second formula.
const MEAN_WAIT: f64 = 1.96938;

#[derive(Clone, Copy)]
enum Event {
    Arrival,
    Departure,
}

impl Packed for Event {
    fn pack(self) -> u32 {
        self as u32
    }
    fn unpack(bits: u32) -> Event {
        if bits == 0 { Event::Arrival } else { Event::Departure }
    }
}

struct Counter {
    to_come: u64,
    served: u64,
    waited: Span,
    servers: Pool<()>,
    gaps: Series,
    services: Series,
}

impl Counter {
    fn next_arrival(&mut self, now: Instant, queue: &mut Queue<Event>) {
        if self.to_come > 0 {
            self.to_come -= 1;
            queue.schedule(now + self.gaps.next_time(), 0, Event::Arrival);
        }
    }

    fn serve(&mut self, now: Instant, queue: &mut Queue<Event>) {
        self.served += 1;
        queue.schedule(now + self.services.next_time(), 0, Event::Departure);
    }
}

impl World for Counter {
    type Event = Event;

    fn handle(&mut self, now: Instant, event: Event, queue: &mut Queue<Event>) {
        match event {
            Event::Arrival => {
                self.next_arrival(now, queue);
                if self.servers.acquire(now, ()) {
                    self.serve(now, queue);
                }
            }
            Event::Departure => {
                if let Some(((), waited)) = self.servers.release(now) {
                    self.waited = self.waited + waited;
                    self.serve(now, queue);
                }
            }
        }
    }

    fn horizon(&self) -> Instant {
        Instant::NEVER
    }
}

/// Serves so many customers; two events each.
pub(crate) fn measure(customers: u64, seed: u64) -> Measured {
    let streams = Streams::new(seed, 0);
    let exponential = |mean, purpose| {
        let dist = Dist::new(Shape::Exponential { mean }, None, None).expect("the mean is above zero");
        Series::new(dist, streams.of(purpose, 0).stream(0))
    };
    let mut counter = Counter {
        to_come: customers,
        served: 0,
        waited: Span::ZERO,
        servers: Pool::new(SERVERS),
        gaps: exponential(1.0 / ARRIVALS_PER_SECOND, Purpose(1)),
        services: exponential(1.0, Purpose(2)),
    };
    let mut queue = Queue::new();
    let (events, cpu) = timed(|| {
        counter.next_arrival(Instant::START, &mut queue);
        run(&mut counter, &mut queue, u64::MAX)
    });
    assert_eq!((counter.served, events), (customers, 2 * customers), "every customer is served");
    let mean_wait = counter.waited.seconds() / customers as f64;
    // At this load the mean of two million is within 3 % of the truth but for 1 run in 3 (standard deviation), and the
    // error falls with the root of their number: five of these are 1 false alarm in 10^6.
    let tolerance = 5.0 * 0.03 * MEAN_WAIT * (2e6 / customers as f64).sqrt();
    assert!((mean_wait - MEAN_WAIT).abs() < tolerance, "the mean wait is {mean_wait}, by Erlang C {MEAN_WAIT}");
    Measured { model: "mmc", events, cpu, notes: format!("n={customers} mean_wait={mean_wait:.4}") }
}
