//! The event queue and the run loop, and two things that worlds are made of: servers with a queue ([`Pool`]) and a
//! shared link ([`Link`]). Generic, statically dispatched.
//!
//! Knows nothing of OpenStack, random numbers or records.
//!
//! # Order
//! 1. Events are handled in the order of (time, class, serial): time is an integer number of microseconds, the class
//!    orders what happens at one instant, the serial is the order of scheduling.
//!    What recurs may keep the serial that it was given first.
//! 2. Nothing can be scheduled in the past; an event scheduled for the present is handled in the present.
//! 3. An event exactly at the horizon is handled, one after it is not.

mod link;
mod pool;
mod queue;

pub use link::{Link, LinkTimes, Started};
pub use pool::{Pool, PoolTimes};
pub use queue::{Packed, Place, Queue};

use crate::units::Instant;

/// What is simulated.
pub trait World {
    /// Everything that can happen.
    type Event: Packed;

    /// Handles one event; may schedule others.
    fn handle(&mut self, now: Instant, event: Self::Event, queue: &mut Queue<Self::Event>);

    /// The instant after which nothing is handled any more; may become known while the world runs.
    fn horizon(&self) -> Instant;
}

/// Handles events until none is left, the next one lies behind the horizon, or `most` have been handled; returns how
/// many were.
pub fn run<W: World>(world: &mut W, queue: &mut Queue<W::Event>, most: u64) -> u64 {
    let mut handled = 0;
    while handled < most {
        let Some((now, event)) = queue.pop() else { break };
        if now > world.horizon() {
            break;
        }
        handled += 1;
        world.handle(now, event, queue);
    }
    handled
}
