//! The job kinds that a scenario may name, and the keys that their quantities are in a workload.

use std::sync::Arc;

use crate::jobs;
use crate::model::{Kind as JobKind, Quantity, QuantityId, QuantityUnit};

use super::dist::Unit;
use super::kind::Kind;
use crate::document::{Table, Value};

/// The job kinds that are known.
#[derive(Clone, Debug)]
pub(super) struct Kinds(Vec<Arc<JobKind>>);

impl Default for Kinds {
    fn default() -> Kinds {
        Kinds(jobs::builtins().to_vec())
    }
}

impl Kinds {
    #[cfg(test)]
    pub(super) fn these(kinds: Vec<JobKind>) -> Kinds {
        Kinds(kinds.into_iter().map(Arc::new).collect())
    }

    /// The kind of this name.
    pub(super) fn find(&self, name: &str) -> Option<&Arc<JobKind>> {
        self.0.iter().find(|kind| kind.name == name)
    }

    /// The kind that a workload names, if it is one.
    pub(super) fn of(&self, workload: &Table) -> Option<&Arc<JobKind>> {
        self.find(workload.get("job").and_then(Value::as_text)?)
    }

    /// The names of the kinds whose jobs draw a quantity of this name.
    pub(super) fn drawing(&self, quantity: &str) -> Vec<&str> {
        self.0.iter().filter(|kind| kind.quantity(quantity).is_some()).map(|kind| kind.name.as_str()).collect()
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

/// Quantities that follow from a size and a speed where nobody writes them: their names, and the keys of the speeds.
const TRANSFERS: [(&str, &str); 2] =
    [("download", "cloud.image_transfer.per_job"), ("convert", "cloud.image_conversion.per_job")];
/// The size.
const TRANSFERRED: &str = "image_size";

/// The keys of the speeds that quantities may follow from.
pub(super) fn speeds() -> impl Iterator<Item = &'static str> {
    TRANSFERS.into_iter().map(|(_, speed)| speed)
}

/// The size and the key of the speed that a quantity of a kind follows from where nobody writes it.
pub(super) fn transfer(kind: &JobKind, quantity: &Quantity) -> Option<(QuantityId, &'static str)> {
    let (_, speed) = TRANSFERS.into_iter().find(|(name, _)| *name == quantity.name)?;
    let size = kind.quantity(TRANSFERRED)?;
    let is_time_of_size =
        quantity.unit == QuantityUnit::Seconds && kind.quantities[size.index()].unit == QuantityUnit::Bytes;
    is_time_of_size.then_some((size, speed))
}

/// What holds when nobody writes a quantity, in words.
pub(super) fn default_in_words(kind: &JobKind, quantity: &Quantity) -> String {
    match (transfer(kind, quantity), quantity.unit) {
        (Some((_, speed)), _) => format!("size over `{speed}`"),
        (None, QuantityUnit::Seconds) => "0s".to_owned(),
        (None, QuantityUnit::Bytes) => "0B".to_owned(),
        (None, QuantityUnit::Count) => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_needs_its_size() {
        let kinds = Kinds::default();
        let boot = kinds.find("boot-from-volume").unwrap();
        let mut without = JobKind::clone(boot);
        without.quantities.retain(|quantity| quantity.name != "image_size");
        for (name, speed) in [
            ("download", Some("cloud.image_transfer.per_job")),
            ("convert", Some("cloud.image_conversion.per_job")),
            ("attach", None),
        ] {
            let quantity = &boot.quantities[boot.quantity(name).unwrap().index()];
            assert_eq!(transfer(boot, quantity), speed.map(|speed| (QuantityId(0), speed)), "{name}");
            assert_eq!(transfer(&without, quantity), None, "{name}");
        }
        assert_eq!(kinds.drawing("attach"), ["boot-from-volume"]);
        assert!(kinds.drawing("arrivals").is_empty());
    }
}
