//! Job kinds: the names of their steps and the flat programs that the driver walks. No service internals.

mod boot_from_volume;
mod program;

pub use program::{Ending, Label, Op, Program, Request, ServiceToken};

use crate::model::vocabulary::{JobKind, StepId};
use crate::model::{Model, Workload};

/// The names of a kind's steps, indexed by [`StepId`].
pub const fn step_names(kind: JobKind) -> &'static [&'static str] {
    match kind {
        JobKind::BootFromVolume => boot_from_volume::STEPS,
    }
}

/// The name of one step.
pub fn step_name(kind: JobKind, step: StepId) -> &'static str {
    step_names(kind)[usize::from(step.0)]
}

/// The program of a workload's jobs under the settings of a model.
pub fn compile(model: &Model, workload: &Workload) -> Program {
    match workload.job {
        JobKind::BootFromVolume => boot_from_volume::compile(model, workload),
    }
}
