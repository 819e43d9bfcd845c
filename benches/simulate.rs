//! A whole replication of the shipped scenario, with polls as events.
//!
//! `cargo bench --bench simulate`; a replication has about 720 jobs and 166,000 events.

use std::path::Path;

use divan::{Bencher, black_box};
use outlast::cloud::{Records, simulate};
use outlast::scenario::{Overrides, load};

fn main() {
    divan::main();
}

/// By point of the sweep: short tokens fail early, long ones are polled to the end.
#[divan::bench(args = [0, 1, 5], sample_count = 20)]
fn boot_from_volume(bencher: Bencher<'_, '_>, point: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/boot_from_volume.toml");
    let study = load(&path, &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}"));
    let model = &study.points[point].model;
    bencher.bench_local(|| simulate(black_box(model), 0, Records::None));
}

/// Reading, checking and expanding the file.
#[divan::bench]
fn load_scenario() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/boot_from_volume.toml");
    black_box(load(&path, &Overrides::default()).is_ok());
}
