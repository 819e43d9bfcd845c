//! Reading job kinds from documents: names are resolved, every problem is found at once.

mod fields;
mod form;
mod quantities;
mod steps;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::document::{Collected, Issue, Place, Table, Value};
use crate::model::{Kind, Quantity, Resource, StepId};

use super::definition::{Definition, Node, Poll, Request, Setting, Step};
use super::names::Names;

pub(super) use fields::{tables, unknown_keys};
pub use form::{Form, FormKeys};

/// Steps of a kind, those of procedures counted wherever they are called.
const MOST_STEPS: usize = 2_000;
/// Steps within steps.
const DEEPEST: usize = 64;

/// The keys of a kind.
pub const KIND_KEYS: [&str; 6] = ["name", "description", "sources", "quantities", "resources", "steps"];
/// The keys of a procedure.
pub const PROCEDURE_KEYS: [&str; 2] = ["name", "steps"];

/// A procedure as it is written: its steps mean something only where it is called.
#[derive(Clone, Debug)]
pub(super) struct Procedure {
    pub(super) name: String,
    /// Where the name is written.
    pub(super) place: Place,
    pub(super) steps: Value,
}

/// Reads procedures; those with a name that is `taken` or used twice are refused.
pub(super) fn procedures(list: &Value, taken: &[Procedure], issues: &mut Collected) -> Vec<Procedure> {
    let mut read: Vec<Procedure> = Vec::new();
    for (table, place) in fields::tables(list, "procedure", issues) {
        fields::unknown_keys(table, "procedure", &PROCEDURE_KEYS, issues);
        let name = fields::required(table, place, "procedure", "name", issues)
            .and_then(|value| fields::name("name", value, issues).map(|name| (name, value.place)));
        let steps = fields::required(table, place, "procedure", "steps", issues);
        let (Some((name, place)), Some(steps)) = (name, steps) else { continue };
        if taken.iter().any(|other| other.name == name) {
            let help = "outlast ships a procedure of this name; take another";
            issues.push(Issue::at(place, format!("the procedure `{name}` is built in")).help(help));
        } else if let Some(first) = read.iter().find(|other| other.name == name) {
            let issue = Issue::at(place, format!("a second procedure is named `{name}`"));
            issues.push(issue.also(first.place, "the first"));
        } else {
            read.push(Procedure { name, place, steps: steps.clone() });
        }
    }
    read
}

/// Reads the kinds, and the procedures that none of them calls.
pub(super) fn kinds(
    kinds: &[(&Table, Place)],
    procedures: &[Procedure],
    names: &Names,
    issues: &mut Collected,
) -> Vec<Definition> {
    let mut called = BTreeSet::new();
    let mut read = Vec::new();
    for (table, place) in kinds {
        let mut scope = Scope::new(names, procedures, issues);
        read.extend(scope.kind(table, *place));
        called.append(&mut scope.called);
    }
    for procedure in procedures {
        if !called.contains(&procedure.name) {
            let mut scope = Scope { is_open: true, ..Scope::new(names, procedures, issues) };
            scope.calls.push((procedure.name.clone(), procedure.place));
            scope.list("steps", &procedure.steps);
            called.append(&mut scope.called);
        }
    }
    read
}

/// A name of steps.
struct Named {
    name: String,
    requests: u16,
    /// It only stands where something has failed before.
    is_late: bool,
}

fn rename(steps: &mut [Node], moved: &[StepId]) {
    for node in steps {
        match &mut node.step {
            Step::Request(Request { step, .. }) | Step::Poll(Poll { request: Request { step, .. }, .. }) => {
                *step = moved[step.index()];
            }
            Step::Obtain { step, .. } => *step = moved[step.index()],
            _ => {}
        }
        node.step.lists_mut().into_iter().for_each(|list| rename(list, moved));
    }
}

/// What is known while a kind is read.
struct Scope<'a> {
    names: &'a Names,
    procedures: &'a [Procedure],
    issues: &'a mut Collected,
    quantities: Vec<Quantity>,
    resources: Vec<Resource>,
    steps: Vec<Named>,
    /// How many `refused` and `gave_up` lists are open.
    handlers: usize,
    settings: Vec<Setting>,
    /// A procedure is read by itself: what its callers draw and create is not known, and anything goes.
    is_open: bool,
    /// Procedures around this, with where they are called.
    calls: Vec<(String, Place)>,
    called: BTreeSet<String>,
    read: usize,
    depth: usize,
}

impl<'a> Scope<'a> {
    fn new(names: &'a Names, procedures: &'a [Procedure], issues: &'a mut Collected) -> Scope<'a> {
        Scope {
            names,
            procedures,
            issues,
            quantities: Vec::new(),
            resources: Vec::new(),
            steps: Vec::new(),
            handlers: 0,
            settings: Vec::new(),
            is_open: false,
            calls: Vec::new(),
            called: BTreeSet::new(),
            read: 0,
            depth: 0,
        }
    }

    /// Reads a kind; `None`: the issues say why.
    fn kind(&mut self, table: &Table, place: Place) -> Option<Definition> {
        let before = self.issues.len();
        let mut need = |key: &str| fields::required(table, place, "job", key, self.issues);
        let (name, description, steps) = (need("name"), need("description"), need("steps"));
        let name_place = name.map_or(place, |value| value.place);
        let name = name.and_then(|value| fields::name("name", value, self.issues));
        let description = description.and_then(|value| fields::text("description", value, self.issues));
        let sources =
            table.get("sources").map_or(Some(Vec::new()), |value| fields::texts("sources", value, self.issues));
        if let Some(value) = table.get("quantities") {
            self.read_quantities(value);
        }
        if let Some(value) = table.get("resources") {
            self.read_resources(value);
        }
        let mut steps = steps.map(|value| self.list("steps", value))?;
        if self.issues.len() > before {
            return None;
        }
        let kind = Kind {
            name: name?,
            description: description?.to_owned(),
            steps: self.name_steps(&mut steps),
            quantities: std::mem::take(&mut self.quantities),
            resources: std::mem::take(&mut self.resources),
        };
        Some(Definition {
            kind: Arc::new(kind),
            sources: sources?,
            steps,
            place: name_place,
            settings: std::mem::take(&mut self.settings),
        })
    }

    /// The names in the order in which reports list them: those of the course, then those that only follow a failure.
    fn name_steps(&mut self, steps: &mut [Node]) -> Vec<String> {
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        order.sort_by_key(|&at| self.steps[at].is_late);
        let mut moved = vec![StepId(0); order.len()];
        for (to, &from) in order.iter().enumerate() {
            moved[from] = StepId(to as u8);
        }
        rename(steps, &moved);
        order.into_iter().map(|at| std::mem::take(&mut self.steps[at].name)).collect()
    }

    fn issue(&mut self, place: Place, message: impl Into<String>) {
        self.issues.push(Issue::at(place, message));
    }
}
