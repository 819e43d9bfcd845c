//! What is to be simulated next, and which points are complete.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use crate::model::study::{Point, Study};
use crate::observe::PointFacts;

use super::Observer;
use super::part::{Part, replications};

/// The replications still to be simulated, and the facts of the points that they belong to.
///
/// Points are opened in their order, one when there is nothing else to do, so that few are open at a time. Replications
/// that are added to a point for the sake of precision queue behind those of others that wait.
pub(super) struct Agenda<'s> {
    study: &'s Study,
    part: Part,
    /// Indices of the points that were not looked at yet.
    fresh: Range<usize>,
    ready: VecDeque<(usize, u32)>,
    open: BTreeMap<usize, Open>,
}

/// A point that is not complete.
struct Open {
    facts: PointFacts,
    /// How many replications it was decided to have.
    upto: u32,
    /// How many of them have not ended.
    missing: usize,
}

impl<'s> Agenda<'s> {
    pub(super) fn new(study: &'s Study, part: Part) -> Agenda<'s> {
        Agenda { study, part, fresh: 0..study.points.len(), ready: VecDeque::new(), open: BTreeMap::new() }
    }

    /// The next replication; `None`: there is none before others have ended.
    pub(super) fn next<O: Observer>(&mut self, observer: &mut O) -> Result<Option<(&'s Point, u32)>, O::Error> {
        loop {
            if let Some((point, replication)) = self.ready.pop_front() {
                return Ok(Some((&self.study.points[point], replication)));
            }
            let Some(point) = self.fresh.next() else { return Ok(None) };
            self.open(point, observer)?;
        }
    }

    /// Adds what has ended.
    pub(super) fn merge<O: Observer>(&mut self, facts: &PointFacts, observer: &mut O) -> Result<(), O::Error> {
        let point = facts.point;
        if let Some(open) = self.open.get_mut(&point) {
            open.missing -= facts.replications.len();
            open.facts.merge(facts);
        }
        self.settle(point, observer)
    }

    /// Whether every point is complete.
    pub(super) fn is_done(&self) -> bool {
        self.fresh.is_empty() && self.open.is_empty()
    }

    fn open<O: Observer>(&mut self, point: usize, observer: &mut O) -> Result<(), O::Error> {
        // A single replication can be any of those that precision may ask for.
        let first = match self.part.replication {
            Some(only) => only + 1,
            None => replications(self.study),
        };
        if self.part.len_at(self.study, point) == 0 {
            return Ok(());
        }
        let facts = observer.known(point)?.unwrap_or_else(|| PointFacts::new(point, &self.study.points[point].model));
        // Where replications were added, it was decided that those before do not suffice.
        let begun = facts.replications.last().map_or(0, |last| last + 1);
        let mut open = Open { facts, upto: 0, missing: 0 };
        let mut upto = first;
        while upto < begun {
            upto = self.further(upto);
        }
        self.extend(point, &mut open, upto);
        self.open.insert(point, open);
        self.settle(point, observer)
    }

    /// The number of replications behind the next ones that are added together.
    fn further(&self, upto: u32) -> u32 {
        let most = self.study.precision.as_ref().map_or(u32::MAX, |precision| precision.max_replications);
        upto.saturating_add(replications(self.study).max(1)).min(most)
    }

    fn extend(&mut self, point: usize, open: &mut Open, upto: u32) {
        for replication in open.upto..upto {
            let is_known = open.facts.replications.binary_search(&replication).is_ok();
            if !is_known && self.part.has(self.study, point, replication) {
                self.ready.push_back((point, replication));
                open.missing += 1;
            }
        }
        open.upto = upto;
    }

    /// Adds replications to a point of which all have ended, or closes it.
    fn settle<O: Observer>(&mut self, point: usize, observer: &mut O) -> Result<(), O::Error> {
        while let Some(mut open) = self.open.remove(&point) {
            if open.missing > 0 {
                self.open.insert(point, open);
                return Ok(());
            }
            let may_grow = self.part.replication.is_none()
                && self.study.precision.as_ref().is_some_and(|precision| open.upto < precision.max_replications);
            if !may_grow || observer.suffices(&open.facts) {
                return observer.point(open.facts);
            }
            let upto = self.further(open.upto);
            self.extend(point, &mut open, upto);
            self.open.insert(point, open);
        }
        Ok(())
    }
}
