//! Job kinds as data: what the jobs of a kind draw, what they create, what their steps are called.
//!
//! Everything inside a kind is known by its place (an index of one byte); names are looked up when something is read
//! or written.

use super::services::LinkId;

/// Place of a step in [`Kind::steps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u8);

/// Place of a quantity in [`Kind::quantities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuantityId(pub u8);

/// Place of a resource in [`Kind::resources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u8);

impl StepId {
    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl QuantityId {
    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl ResourceId {
    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A job kind. Names are unique within each of its lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// As scenarios and outputs call it.
    pub name: String,
    /// What its jobs do, in a sentence.
    pub description: String,
    /// Names of the steps, in the order in which reports list them.
    pub steps: Vec<String>,
    /// What a job draws at submission, in the order of its columns.
    pub quantities: Vec<Quantity>,
    /// What a job may create.
    pub resources: Vec<Resource>,
}

impl Kind {
    /// The name of a step.
    pub fn step_name(&self, step: StepId) -> &str {
        &self.steps[step.index()]
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<StepId> {
        self.steps.iter().position(|step| step == name).map(|at| StepId(place(at)))
    }

    /// The quantity of this name.
    pub fn quantity(&self, name: &str) -> Option<QuantityId> {
        self.quantities.iter().position(|quantity| quantity.name == name).map(|at| QuantityId(place(at)))
    }

    /// The resource of this name.
    pub fn resource(&self, name: &str) -> Option<ResourceId> {
        self.resources.iter().position(|resource| resource.name == name).map(|at| ResourceId(place(at)))
    }

    /// How many of a job's resources take up space in the cloud; `states` in the order of [`Kind::resources`].
    pub fn existing(&self, states: &[u8]) -> u32 {
        self.resources.iter().zip(states).map(|(resource, &state)| u32::from(resource.exists(state))).sum()
    }
}

fn place(at: usize) -> u8 {
    u8::try_from(at).expect("the lists of a kind have at most 256 entries")
}

/// Something that a job draws at submission, or that a trace gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Its key in a workload; its column is named after it.
    pub name: String,
    /// What its numbers count.
    pub unit: QuantityUnit,
    /// What it is, in a sentence.
    pub meaning: String,
    /// What it follows from where a workload does not give it; `None`: it is zero there.
    pub derived: Option<Derived>,
}

/// What a quantity follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Derived {
    /// The time of a copy.
    Copy {
        /// How much; itself not derived.
        size: QuantityId,
        /// Over what.
        link: LinkId,
    },
    /// A number of pieces, the last of which may be smaller.
    Pieces {
        /// Of what; itself not derived.
        size: QuantityId,
        /// The size of one.
        per: PieceSize,
        /// Below this there are none.
        from: Option<PieceSize>,
    },
}

/// The size of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PieceSize {
    /// So many bytes, above zero.
    Bytes(u64),
    /// What this key of the scenario holds.
    Key(String),
}

impl Quantity {
    /// Its column in `jobs.csv` and in traces.
    pub fn column(&self) -> String {
        format!("{}{}", self.name, self.unit.suffix())
    }
}

/// What the numbers of a quantity count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityUnit {
    /// Time; drawn in seconds, held in microseconds.
    Seconds,
    /// A size in bytes.
    Bytes,
    /// A number of things.
    Count,
}

impl QuantityUnit {
    /// What columns of this unit end in.
    pub const fn suffix(self) -> &'static str {
        match self {
            QuantityUnit::Seconds => "_s",
            QuantityUnit::Bytes => "_bytes",
            QuantityUnit::Count => "",
        }
    }
}

/// Something that a job creates and may leave behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is called.
    pub name: String,
    /// Names of its states. The first is always `none`: never created.
    pub states: Vec<String>,
}

impl Resource {
    /// The state of a resource that was never created.
    pub const NONE: u8 = 0;
    /// The name of the state of a resource that is gone again.
    pub const DELETED: &'static str = "deleted";

    /// Whether it takes up space in the cloud: it was created, and not deleted again.
    pub fn exists(&self, state: u8) -> bool {
        state != Resource::NONE && self.states[usize::from(state)] != Resource::DELETED
    }

    /// The state of this name.
    pub fn state(&self, name: &str) -> Option<u8> {
        self.states.iter().position(|state| state == name).map(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> Kind {
        let quantity =
            |name: &str, unit| Quantity { name: name.to_owned(), unit, meaning: String::new(), derived: None };
        let states = ["none", "creating", "deleted", "error"].map(str::to_owned).to_vec();
        Kind {
            name: "snapshot".to_owned(),
            description: String::new(),
            steps: vec!["post".to_owned(), "poll".to_owned()],
            quantities: vec![
                quantity("wait", QuantityUnit::Seconds),
                quantity("size", QuantityUnit::Bytes),
                quantity("chunks", QuantityUnit::Count),
            ],
            resources: vec![
                Resource { name: "image".to_owned(), states: states.clone() },
                Resource { name: "volume".to_owned(), states },
            ],
        }
    }

    #[test]
    fn names_and_places_are_inverse() {
        let kind = kind();
        assert_eq!(kind.step("poll"), Some(StepId(1)));
        assert_eq!(kind.step_name(StepId(1)), "poll");
        assert_eq!(kind.quantity("chunks"), Some(QuantityId(2)));
        assert_eq!(kind.resource("volume"), Some(ResourceId(1)));
        assert_eq!((kind.step("size"), kind.quantity("poll"), kind.resource("wait")), (None, None, None));
        let columns: Vec<String> = kind.quantities.iter().map(Quantity::column).collect();
        assert_eq!(columns, ["wait_s", "size_bytes", "chunks"]);
    }

    #[test]
    fn what_was_created_and_not_deleted_exists() {
        let kind = kind();
        for (states, existing) in [([0, 0], 0), ([1, 0], 1), ([2, 2], 0), ([3, 1], 2), ([0, 2], 0)] {
            assert_eq!(kind.existing(&states), existing, "{states:?}");
        }
        assert_eq!(kind.resources[0].state("deleted"), Some(2));
        assert_eq!(kind.resources[0].state("in-use"), None);
    }
}
