//! The job kinds that a scenario may name, and the keys that their quantities are in a workload.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::jobs::definition::Definition;
use crate::jobs::{self, Names};
use crate::model::{Derived, Kind as JobKind, PieceSize, Quantity, QuantityUnit};

use super::dist::Unit;
use super::keys;
use super::kind::Kind;
use super::read::Context;
#[cfg(test)]
use crate::document::Place;
use crate::document::{Issue, Table, Value, did_you_mean};

/// The job kinds that a scenario may name: those that are shipped, then its own.
#[derive(Clone, Debug)]
pub struct Kinds {
    definitions: Vec<Arc<Definition>>,
    names: Arc<Names>,
    /// Every key of a scenario that one of them asks for, once.
    asked: Arc<[String]>,
}

impl Default for Kinds {
    fn default() -> Kinds {
        Kinds::with(Vec::new(), Names::well_known())
    }
}

impl Kinds {
    /// Those that are shipped.
    pub fn shipped() -> Kinds {
        Kinds::default()
    }

    /// All of them.
    pub fn definitions(&self) -> &[Arc<Definition>] {
        &self.definitions
    }

    /// Services, processes, pools and links that they use.
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// The kind of this name.
    ///
    /// # Errors
    /// There is none: a message that says which there are.
    pub fn find(&self, name: &str) -> Result<&Arc<Definition>, String> {
        self.definition(name).ok_or_else(|| format!("unknown job kind `{name}`: {}", did_you_mean(name, &self.all())))
    }

    #[cfg(test)]
    pub(super) fn these(kinds: Vec<JobKind>) -> Kinds {
        let definition = |kind: JobKind| Definition {
            kind: Arc::new(kind),
            sources: Vec::new(),
            steps: Vec::new(),
            place: Place::NOWHERE,
            settings: Vec::new(),
        };
        Kinds { definitions: kinds.into_iter().map(|kind| Arc::new(definition(kind))).collect(), ..Kinds::default() }
    }

    /// The kinds that are shipped, and those of a scenario with the names that they use.
    pub(super) fn with(own: Vec<Arc<Definition>>, names: Names) -> Kinds {
        let definitions: Vec<Arc<Definition>> = jobs::builtins().iter().cloned().chain(own).collect();
        let settings = definitions.iter().flat_map(|definition| &definition.settings);
        let asked: BTreeSet<String> = settings.map(|setting| setting.key.clone()).collect();
        Kinds { definitions, names: Arc::new(names), asked: asked.into_iter().collect() }
    }

    /// Every key of a scenario that a kind asks for.
    pub(super) fn asked(&self) -> &Arc<[String]> {
        &self.asked
    }

    /// The definition of the kind of this name.
    pub(super) fn definition(&self, name: &str) -> Option<&Arc<Definition>> {
        self.definitions.iter().find(|definition| definition.kind.name == name)
    }

    /// What the rest of a scenario may know of the kind of this name.
    pub(super) fn kind(&self, name: &str) -> Option<&Arc<JobKind>> {
        self.definition(name).map(|definition| &definition.kind)
    }

    /// The names of all kinds.
    pub(super) fn all(&self) -> Vec<String> {
        self.definitions.iter().map(|definition| definition.kind.name.clone()).collect()
    }

    /// The kind that a workload names, if it is one.
    pub(super) fn of(&self, workload: &Table) -> Option<&Arc<JobKind>> {
        self.kind(workload.get("job").and_then(Value::as_text)?)
    }

    /// The names of the kinds whose jobs draw a quantity of this name.
    pub(super) fn drawing(&self, quantity: &str) -> Vec<&str> {
        let kinds = self.definitions.iter().map(|definition| &*definition.kind);
        kinds.filter(|kind| kind.quantity(quantity).is_some()).map(|kind| kind.name.as_str()).collect()
    }
}

/// Refuses quantities with the name of a key that every workload has.
pub(super) fn check(definition: &Definition, cx: &mut Context) {
    for quantity in &definition.kind.quantities {
        if keys::find(&format!("workload.{}", quantity.name)).is_some() {
            let message = format!("a quantity cannot be named `{}`, which is a key of every workload", quantity.name);
            cx.issue(Issue::at(definition.place, message));
        }
    }
}

/// What the value of a quantity's key may be.
pub(super) const fn value_kind(unit: QuantityUnit) -> Kind {
    Kind::Dist(match unit {
        QuantityUnit::Seconds => Unit::Seconds,
        QuantityUnit::Bytes => Unit::Bytes,
        QuantityUnit::Count => Unit::Count,
    })
}

/// The key of the ceiling of one copy over a link.
pub(super) fn speed(link: &str) -> String {
    format!("cloud.{link}.per_job")
}

/// What holds when nobody writes a quantity, in words.
pub(super) fn default_in_words(kind: &JobKind, quantity: &Quantity, names: &Names) -> String {
    match (&quantity.derived, quantity.unit) {
        (Some(Derived::Copy { size, link }), _) => {
            format!("`{}` over `{}`", kind.quantities[size.index()].name, speed(names.link_name(*link)))
        }
        (Some(Derived::Pieces { size, per, from }), _) => {
            let bytes = |of: &PieceSize| match of {
                PieceSize::Bytes(bytes) => format!("{bytes} B"),
                PieceSize::Key(key) => format!("`{key}`"),
            };
            let from = from.as_ref().map_or_else(String::new, |from| format!(", from {} on", bytes(from)));
            format!("`{}` in pieces of {}{from}", kind.quantities[size.index()].name, bytes(per))
        }
        (None, QuantityUnit::Seconds) => "0s".to_owned(),
        (None, QuantityUnit::Bytes) => "0B".to_owned(),
        (None, QuantityUnit::Count) => "0".to_owned(),
    }
}
