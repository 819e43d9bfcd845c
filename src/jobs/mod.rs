//! The job kinds that outlast brings along, and the flat programs that the driver walks. No service internals.

mod boot_from_volume;
mod program;

use std::sync::{Arc, LazyLock};

use crate::model::{Kind, Model, Workload};

pub use program::{Ending, Label, Op, Program, Request, Watched};

/// The job kinds that need no definition, in the order in which documents list them.
pub fn builtins() -> &'static [Arc<Kind>] {
    static KINDS: LazyLock<[Arc<Kind>; 1]> = LazyLock::new(|| [Arc::new(boot_from_volume::kind())]);
    &*KINDS
}

/// The built-in job kind of this name.
pub fn builtin(name: &str) -> Option<Arc<Kind>> {
    builtins().iter().find(|kind| kind.name == name).cloned()
}

/// The program of a workload's jobs under the settings of a model.
///
/// # Panics
/// If the workload is of no built-in kind.
pub fn compile(model: &Model, workload: &Workload) -> Program {
    match workload.kind.name.as_str() {
        boot_from_volume::NAME => boot_from_volume::compile(model, workload),
        unknown => panic!("a workload is of a built-in kind, not of `{unknown}`"),
    }
}
