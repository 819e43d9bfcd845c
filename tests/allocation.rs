//! The event loop allocates nothing per event: more jobs in flight take memory, more jobs over time do not.
//!
//! A target of its own, because it counts what the whole process asks of its allocator; one test, because others would
//! run beside it.

// A global allocator is an unsafe trait, and nothing else can count.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use outlast::cloud::{Records, simulate};
use outlast::scenario::{Overrides, load_text};
use outlast::units::Span;

/// The system's allocator, counted.
struct Counted;

/// Calls that returned memory, grown blocks included.
static CALLS: AtomicU64 = AtomicU64::new(0);
/// Bytes that are held, and the most that ever were since it was last set.
static HELD: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

fn took(bytes: usize) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let held = HELD.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

fn gave(bytes: usize) {
    HELD.fetch_sub(bytes as u64, Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it is; the counters are atomic and allocate nothing.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promises are the ones that this call asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: the caller's promises are the ones that this call asks for.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        took(size);
        gave(layout.size());
        // SAFETY: the caller's promises are the ones that this call asks for.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

/// What one replication came to.
#[derive(Debug)]
struct Cost {
    jobs: u64,
    events: u64,
    calls: u64,
    peak_bytes: u64,
}

/// Simulates so many hours. Everything takes part: shared service tokens that are renewed and refused, caches,
/// rotations, revocations, clean-up, random times of everything; two workloads, one of which does not fail.
fn cost(hours: i64) -> Cost {
    let text = r#"
name = "long"
run.duration = "1h"
keystone.token = { expiration = "50m", allow_expired_window = "20m" }
cloud.fernet_rotation.every = "70m"
cloud.requests.time = { exponential = { mean = "1s" } }
nova.service_user.send_service_user_token = true
cinder.service_user.send_service_user_token = true
nova.DEFAULT = { block_device_allocate_retries = 600, block_device_allocate_retries_interval = 10 }
glance.glance_store = { default_store = "swift", swift_store_multi_tenant = true }

[[workload]]
name = "boots"
job = "boot-from-volume"
arrivals = { poisson = "600/h" }
token_age = { of_expiration = { uniform = [0, 1] } }
download = { lognormal = { median = "10m", sigma = 0.8 }, max = "2h" }
convert = { gamma = { mean = "4m", cv = 0.7 }, max = "1h" }
build_queue = { mix = [[1, { exponential = { mean = "30s" } }], [1, "5s"]] }
revoke_after = { uniform = ["-5m", "3h"] }
delete_on_termination = true

[[workload]]
name = "steady"
job = "boot-from-volume"
arrivals = { every = "11s" }
token_age = "0s"
download = { triangular = ["1m", "2m", "5m"] }
"#;
    let study =
        load_text("long.toml", text, Path::new("."), &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}"));
    let mut model = study.points[0].model.clone();
    model.run.duration = Span::from_seconds(hours * 3_600);
    let before = (CALLS.load(Ordering::Relaxed), HELD.load(Ordering::Relaxed));
    PEAK.store(before.1, Ordering::Relaxed);
    let facts = simulate(&model, 0, Records::None);
    let cost = Cost {
        jobs: facts.workloads.iter().map(|workload| workload.counts.jobs).sum(),
        events: facts.events,
        calls: CALLS.load(Ordering::Relaxed) - before.0,
        peak_bytes: PEAK.load(Ordering::Relaxed) - before.1,
    };
    println!("{hours} h: {cost:?}");
    for (workload, fails) in facts.workloads.iter().zip([true, false]) {
        assert!(workload.counts.completed > 100 && (workload.counts.failed > 100) == fails, "{:?}", workload.counts);
    }
    cost
}

#[test]
fn twice_the_jobs_take_no_more_allocations() {
    let shorter = cost(40);
    let longer = cost(80);
    assert!(longer.jobs > 2 * shorter.jobs * 9 / 10 && longer.events > 2 * shorter.events * 9 / 10);
    assert!(longer.events > 1_000_000, "{longer:?}");
    // What may grow grows by doubling: the heap of events and the slots of jobs with the most that were ever in
    // flight, a sketch with the largest time, and there is an entry for each way of failing.
    assert!(longer.calls <= shorter.calls + 20, "{shorter:?}\n{longer:?}");
    assert!(longer.calls < 500, "{longer:?}");
    assert!(longer.peak_bytes <= shorter.peak_bytes * 5 / 4, "{shorter:?}\n{longer:?}");
}
