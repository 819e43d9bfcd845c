//! The event queue alone: one hold (take the next event, schedule another) at several numbers of pending events.
//!
//! `cargo bench --bench queue`

use divan::{Bencher, black_box};
use outlast::engine::{Packed, Queue};
use outlast::random::{Purpose, Streams};
use outlast::units::Span;

fn main() {
    divan::main();
}

#[derive(Clone, Copy)]
struct Nothing;

impl Packed for Nothing {
    fn pack(self) -> u32 {
        0
    }
    fn unpack(_: u32) -> Self {
        Nothing
    }
}

/// Increments are exponential, as in the hold model of the literature (Jones 1986); drawn beforehand.
#[divan::bench(args = [16, 1_024, 16_384, 1_048_576])]
fn hold(bencher: Bencher<'_, '_>, pending: usize) {
    let mut stream = Streams::new(1, 0).of(Purpose(1), 0).stream(0);
    let gaps: Vec<Span> = (0..4_096).map(|_| Span::from_seconds_f64(-libm::log(stream.uniform()))).collect();
    let mut queue = Queue::new();
    for index in 0..pending {
        queue.schedule(outlast::units::Instant::START + gaps[index % gaps.len()], 0, Nothing);
    }
    let mut turn = 0;
    bencher.bench_local(|| {
        if let Some((now, event)) = queue.pop() {
            turn = (turn + 1) % gaps.len();
            queue.schedule(now + gaps[turn], 0, black_box(event));
        }
    });
}
