//! Whole scenarios, good and bad.

mod bad;
mod faults;
mod good;
mod own;
mod sweeps;

use std::path::Path;

use super::*;

const WORKLOAD: &str = "\n[[workload]]\njob = \"boot-from-volume\"\narrivals = { poisson = \"30/h\" }\n";

fn read(text: &str) -> Result<Study, Issues> {
    load_text("t.toml", text, Path::new(""), &Overrides::default())
}

/// A scenario with a name, a plain workload at the end, and this between them.
fn around(text: &str) -> String {
    format!("name = \"x\"\n{text}{WORKLOAD}")
}

/// The only point of a good scenario.
fn model(text: &str) -> crate::model::Model {
    let study = read(&around(text)).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!(study.points.len(), 1);
    study.points[0].model.clone()
}
