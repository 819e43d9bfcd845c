//! Model B, PHOLD (Fujimoto 1990): every event sends its message on to a random process after an exponential time.

use outlast::engine::{Packed, Queue, World, run};
use outlast::random::dist::Shape;
use outlast::random::{Dist, Purpose, Series, Stream, Streams};
use outlast::units::Instant;

use crate::meter::{Measured, timed};

const PROCESSES: u32 = 1_024;

/// A message is due at a process.
#[derive(Clone, Copy)]
struct Message(u32);

impl Packed for Message {
    fn pack(self) -> u32 {
        self.0
    }
    fn unpack(bits: u32) -> Message {
        Message(bits)
    }
}

struct Processes {
    received: Vec<u64>,
    delays: Series,
    targets: Stream,
}

impl Processes {
    fn send(&mut self, now: Instant, queue: &mut Queue<Message>) {
        let delay = self.delays.next_time();
        let target = (self.targets.uniform() * f64::from(PROCESSES)) as u32;
        queue.schedule(now + delay, 0, Message(target));
    }
}

impl World for Processes {
    type Event = Message;

    fn handle(&mut self, now: Instant, Message(process): Message, queue: &mut Queue<Message>) {
        self.received[process as usize] += 1;
        self.send(now, queue);
    }

    fn horizon(&self) -> Instant {
        Instant::NEVER
    }
}

/// Handles so many events with so many pending at all times, after twice as many as are pending have come.
pub(crate) fn measure(pending: u64, events: u64, seed: u64) -> Measured {
    let streams = Streams::new(seed, 0);
    let exponential = Dist::new(Shape::Exponential { mean: 1.0 }, None, None).expect("the mean is above zero");
    let mut processes = Processes {
        received: vec![0; PROCESSES as usize],
        delays: Series::new(exponential, streams.of(Purpose(1), 0).stream(0)),
        targets: streams.of(Purpose(2), 0).stream(0),
    };
    let mut queue = Queue::new();
    for _ in 0..pending {
        processes.send(Instant::START, &mut queue);
    }
    run(&mut processes, &mut queue, 2 * pending);
    processes.received.fill(0);
    let (handled, cpu) = timed(|| run(&mut processes, &mut queue, events));
    assert_eq!(handled, events);
    assert_eq!(processes.received.iter().sum::<u64>(), events, "every event is received once");
    assert_eq!(queue.len() as u64, pending, "no message is lost");
    Measured { model: "phold", events, cpu, notes: format!("pending={pending}") }
}
