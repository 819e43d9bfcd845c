//! Job kinds: the step language in which they are defined, the kinds that outlast ships, and the compiler to the flat
//! programs that are walked. No service internals.

mod assemble;
mod builtin;
mod check;
mod compile;
pub mod definition;
mod flow;
mod names;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::document::{Collected, Issue, Table};
use definition::Definition;

pub use compile::Settings;
pub use names::{API, Names};
pub use read::{Form, FormKeys, KIND_KEYS, PROCEDURE_KEYS};

/// The job kinds that outlast ships, in the order in which documents list them.
pub fn builtins() -> &'static [Arc<Definition>] {
    &builtin::shipped().definitions
}

/// The shipped job kind of this name.
pub fn builtin(name: &str) -> Option<&'static Arc<Definition>> {
    builtins().iter().find(|definition| definition.kind.name == name)
}

/// Reads the `[[job]]` and `[[procedure]]` of a scenario. Those with a problem are left out.
pub fn read(written: &Table, names: &Names, issues: &mut Collected) -> Vec<Arc<Definition>> {
    let shipped = builtin::shipped();
    let mut procedures = shipped.procedures.clone();
    if let Some(list) = written.get("procedure") {
        let own = read::procedures(list, &procedures, issues);
        procedures.extend(own);
    }
    let Some(list) = written.get("job") else {
        return builtin::checked(read::kinds(&[], &procedures, names, issues), issues);
    };
    let tables = read::tables(list, "job", issues);
    for (table, _) in &tables {
        read::unknown_keys(table, "job", &KIND_KEYS, issues);
    }
    let read = builtin::checked(read::kinds(&tables, &procedures, names, issues), issues);
    let mut unique: Vec<Arc<Definition>> = Vec::with_capacity(read.len());
    for definition in read {
        let (name, place) = (&definition.kind.name, definition.place);
        if builtin(name).is_some() {
            let issue = Issue::at(place, format!("the job kind `{name}` is built in"));
            issues.push(issue.help("outlast ships a kind of this name; take another"));
        } else if let Some(first) = unique.iter().find(|first| first.kind.name == *name) {
            issues
                .push(Issue::at(place, format!("a second job kind is named `{name}`")).also(first.place, "the first"));
        } else {
            unique.push(definition);
        }
    }
    unique
}
