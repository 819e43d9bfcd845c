//! A whole replication of the shipped scenario, with polls counted as users run it, and with every poll as an event.
//!
//! `cargo bench --bench simulate`; a replication has about 720 jobs and, with every poll, 166,000 events.

use std::path::Path;

use divan::{Bencher, black_box};
use outlast::cloud::{Polls, Records, simulate_polls};
use outlast::scenario::{Overrides, load};

fn main() {
    divan::main();
}

/// By point of the sweep: short tokens fail early, long ones are polled to the end.
#[divan::bench(args = [0, 1, 5], sample_count = 20)]
fn polls_counted(bencher: Bencher<'_, '_>, point: usize) {
    boot_from_volume(bencher, point, Polls::Skipped);
}

/// The same, so that the cost of an event can be told.
#[divan::bench(args = [0, 1, 5], sample_count = 20)]
fn polls_as_events(bencher: Bencher<'_, '_>, point: usize) {
    boot_from_volume(bencher, point, Polls::Events);
}

fn boot_from_volume(bencher: Bencher<'_, '_>, point: usize, polls: Polls) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/boot_from_volume.toml");
    let study = load(&path, &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}"));
    let model = &study.points[point].model;
    bencher.bench_local(|| simulate_polls(black_box(model), 0, Records::None, polls));
}

/// Reading, checking and expanding the file.
#[divan::bench]
fn load_scenario() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/boot_from_volume.toml");
    black_box(load(&path, &Overrides::default()).is_ok());
}
