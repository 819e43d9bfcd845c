//! Keystone as a cluster: nodes with Fernet key repositories of their own, which rotate on one node and are copied to
//! the others, or rotate on every node by themselves.
//!
//! A sync copies what is in the primary's repository at the instant at which it runs, and deletes the rest (as
//! OpenStack-Ansible does, `openstack/openstack-ansible-os_keystone:templates/keystone-fernet-rotate.sh.j2`; that the
//! files change all at once is an assumption). So a sync that comes late brings the keys of that day and never older
//! ones than a sync before it, and a node that missed one catches up with the next. At one instant rotations come
//! first, then syncs, then whatever else happens.
//!
//! Not here: a node that rotates by itself and is overwritten by syncs as well. Clocks are in [`super::keystone_node`].

use super::lineage::Lineage;
use crate::units::{Instant, Span};

/// When a node's repository is overwritten with a copy of the primary's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syncs(Copies);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Copies {
    /// So long after each rotation, for all time.
    After(Span),
    /// These and no others, ascending in both; before them the node holds `before`.
    Listed { before: i64, copies: Box<[Copied]> },
}

/// From this instant on a node holds this generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Copied {
    at: Instant,
    generation: i64,
}

impl Syncs {
    /// `lag`, of zero or more, after each rotation, for all time.
    ///
    /// Where the time between two rotations is shorter, a sync brings what the second one made. So with a period a lag
    /// acts like its remainder, and with two keys or more a key that a node staged is always there when it is needed: a
    /// node falls behind by extra rotations or by syncs that do not come.
    pub const fn after(lag: Span) -> Syncs {
        Syncs(Copies::After(lag))
    }

    /// One for each rotation of `primary` after `from` and until `until`: `lag` is given the generation that the
    /// rotation leads into and its instant, and says how long the sync takes to come, `None` if it does not.
    ///
    /// At `from` the node is up to date, and all older syncs are over. So `from` should lie before the issue of every
    /// token that is asked about, and `until` behind every question.
    pub fn drawn(
        primary: &Lineage,
        from: Instant,
        until: Instant,
        mut lag: impl FnMut(i64, Instant) -> Option<Span>,
    ) -> Syncs {
        let schedule = primary.schedule();
        let before = schedule.generation(from);
        let mut copies: Vec<Copied> = (before + 1..=schedule.generation(until))
            .filter_map(|generation| {
                let rotation = schedule.rotation(generation);
                let at = rotation + lag(generation, rotation)?;
                Some(Copied { at, generation: schedule.generation(at) })
            })
            .collect();
        copies.sort_unstable_by_key(|copied| copied.at);
        // A copy of what is there already changes nothing.
        copies.dedup_by_key(|copied| copied.generation);
        Syncs(Copies::Listed { before, copies: copies.into() })
    }

    /// The generation that a node holds at `now`.
    fn generation(&self, primary: &Lineage, now: Instant) -> i64 {
        let schedule = primary.schedule();
        match &self.0 {
            Copies::After(lag) => {
                let synced = schedule.generation(now - *lag);
                schedule.generation(schedule.rotation(synced) + *lag)
            }
            Copies::Listed { before, copies } => {
                let run = copies.partition_point(|copied| copied.at <= now);
                copies[..run].last().map_or(*before, |copied| copied.generation)
            }
        }
    }

    /// From when on a node holds `generation` or a later one.
    fn reach(&self, primary: &Lineage, generation: i64) -> Instant {
        let schedule = primary.schedule();
        match &self.0 {
            Copies::After(lag) => {
                let rotation = schedule.rotation(generation);
                if rotation == Instant::ALWAYS {
                    return Instant::ALWAYS;
                }
                // The first sync that does not run before that rotation.
                let first = schedule.generation(rotation - *lag - TICK).saturating_add(1);
                schedule.rotation(first) + *lag
            }
            Copies::Listed { before, .. } if *before >= generation => Instant::ALWAYS,
            Copies::Listed { copies, .. } => {
                let short = copies.partition_point(|copied| copied.generation < generation);
                copies.get(short).map_or(Instant::NEVER, |copied| copied.at)
            }
        }
    }
}

/// A Fernet key, told apart from all others of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef {
    maker: Maker,
    number: i64,
}

/// Which lineage a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Maker {
    /// The repository that all nodes started from.
    Common,
    /// The one of this index.
    Own(u32),
}

/// Whether a node can decrypt what a key encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds the key.
    Yes,
    /// It held the key and has purged it.
    Gone,
    /// It has never held the key so far.
    NotSynced,
}

/// When a node holds a key: once at most, for a purged key never comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// From here on; [`Instant::NEVER`] if the node is not going to hold it at all.
    pub from: Instant,
    /// Up to here, this instant not included.
    pub until: Instant,
}

/// The life of a key on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLife {
    /// When it is there: staged first.
    pub held: Held,
    /// It encrypts from here on.
    pub primary: Instant,
    /// It only decrypts from here on.
    pub secondary: Instant,
    /// Whether it is the one with which the node encrypts at the first instant that was asked about.
    pub encrypts_first: bool,
}

impl Held {
    /// Not at all.
    pub const NEVER: Held = Held { from: Instant::NEVER, until: Instant::NEVER };

    /// The node's answer at `now`.
    #[inline]
    pub fn answer(self, now: Instant) -> Answer {
        if now < self.from {
            Answer::NotSynced
        } else if now < self.until {
            Answer::Yes
        } else {
            Answer::Gone
        }
    }

    /// The first instant after `now` at which the answer is another one; [`Instant::NEVER`] if it stays.
    #[inline]
    pub fn next_change(self, now: Instant) -> Instant {
        if now < self.from {
            self.from
        } else if now < self.until {
            self.until
        } else {
            Instant::NEVER
        }
    }
}

/// The nodes and their keys, for all time. No question allocates; each costs a few binary searches in the lists of
/// rotations, syncs and changed limits, and none of them for a period and a fixed lag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    lineages: Box<[Lineage]>,
    nodes: Box<[Node]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    lineage: u32,
    syncs: Syncs,
}

impl Cluster {
    /// Rotates on node 0, the primary; the others follow, node 1 by the first of `followers`.
    pub fn synced(primary: Lineage, followers: impl IntoIterator<Item = Syncs>) -> Cluster {
        let nodes = std::iter::once(Syncs::after(Span::ZERO)).chain(followers);
        let nodes = nodes.map(|syncs| Node { lineage: 0, syncs }).collect();
        Cluster { lineages: [primary].into(), nodes }
    }

    /// Rotates on every node by itself, which makes keys that no other node ever sees.
    ///
    /// Nodes whose rotations begin somewhere ([`super::Schedule::has_a_start`]) start from copies of one repository.
    /// Those that have always been rotating have had no key in common for ever.
    ///
    /// # Panics
    ///
    /// Without a node.
    pub fn apart(nodes: impl IntoIterator<Item = Lineage>) -> Cluster {
        let lineages: Box<[Lineage]> = nodes.into_iter().collect();
        assert!(!lineages.is_empty(), "a cluster has a node");
        let node = |lineage| Node { lineage, syncs: Syncs::after(Span::ZERO) };
        let nodes = (0..lineages.len() as u32).map(node).collect();
        Cluster { lineages, nodes }
    }

    /// How many nodes there are; they are numbered from 0.
    pub const fn nodes(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// The key that a token is encrypted with that `node` issues at `now`.
    pub fn issue(&self, node: u32, now: Instant) -> KeyRef {
        let Node { lineage, syncs } = &self.nodes[node as usize];
        let keys = &self.lineages[*lineage as usize];
        let number = keys.encrypts_with(syncs.generation(keys, now));
        // The staged key, too, was made before the first rotation.
        let is_common = keys.schedule().has_a_start() && number <= 1;
        KeyRef { maker: if is_common { Maker::Common } else { Maker::Own(*lineage) }, number }
    }

    /// The keys that a node holds at some time from `from` to `until`, oldest first, at most so many: the first of
    /// them, and the one that it encrypts with at `from` in any case.
    pub fn keys_between(&self, node: u32, from: Instant, until: Instant, most: usize) -> Vec<KeyLife> {
        let Node { lineage, syncs } = &self.nodes[node as usize];
        let keys = &self.lineages[*lineage as usize];
        let schedule = keys.schedule();
        let (first, last) = (syncs.generation(keys, from), syncs.generation(keys, until));
        let of_token = keys.encrypts_with(first);
        let life = |number: i64| {
            let is_common = schedule.has_a_start() && number <= 1;
            let key = KeyRef { maker: if is_common { Maker::Common } else { Maker::Own(*lineage) }, number };
            let held = self.held(node, key);
            KeyLife {
                held,
                primary: syncs.reach(keys, number).max(held.from),
                secondary: syncs.reach(keys, number.saturating_add(1)).max(held.from).min(held.until),
                encrypts_first: number == of_token,
            }
        };
        // No repository is asked about more of its past than it can be shown of.
        let oldest = of_token.saturating_sub(most as i64);
        let mut lives: Vec<KeyLife> = (oldest..=last.saturating_add(1).min(of_token.saturating_add(most as i64)))
            .map(life)
            .filter(|key| key.held.from <= until && key.held.until > from)
            .collect();
        let at = lives.iter().position(|key| key.encrypts_first).unwrap_or(0);
        // Those behind the key of interest tell more: they say when it has to go.
        lives.drain(..lives.len().saturating_sub(most).min(at));
        lives.truncate(most);
        lives
    }

    /// When `node` holds `key`. Alone, a node holds what it issued with until
    /// [`key_gone_at`](super::fernet::key_gone_at).
    pub fn held(&self, node: u32, key: KeyRef) -> Held {
        let Node { lineage, syncs } = &self.nodes[node as usize];
        let keys = &self.lineages[*lineage as usize];
        let knows = match key.maker {
            Maker::Common => keys.schedule().has_a_start(),
            Maker::Own(maker) => maker == *lineage,
        };
        if !knows {
            return Held::NEVER;
        }
        let from = syncs.reach(keys, Lineage::staged_in(key.number));
        let until = syncs.reach(keys, keys.purged_in(key.number));
        // A sync may bring a generation in which the key is gone to a node that never had it.
        if from == until && from > Instant::ALWAYS { Held::NEVER } else { Held { from, until } }
    }

    /// Whether `node` can decrypt at `now` what `key` encrypted.
    pub fn decrypts(&self, node: u32, key: KeyRef, now: Instant) -> Answer {
        self.held(node, key).answer(now)
    }

    /// The first instant after `now` at which [`Cluster::decrypts`] answers something else, [`Instant::NEVER`] if it
    /// does not.
    pub fn next_change(&self, node: u32, key: KeyRef, now: Instant) -> Instant {
        self.held(node, key).next_change(now)
    }

    /// The first instant after `now` at which any node answers something else.
    pub fn next_change_anywhere(&self, key: KeyRef, now: Instant) -> Instant {
        (0..self.nodes()).map(|node| self.next_change(node, key, now)).min().unwrap_or(Instant::NEVER)
    }
}

/// The step of time.
const TICK: Span = Span::from_micros(1);

#[cfg(test)]
mod tests;
