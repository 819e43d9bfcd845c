//! What jobs queue for and share: pools of slots and workers, and links.

use crate::engine::{Link, LinkTimes, Pool, PoolTimes, Started};
use crate::model::{self, LinkId, Model, PoolId};
use crate::observe::{LinkFacts, PoolFacts};
use crate::units::{Bytes, Instant, Span};

/// Somebody who waits: a strand, packed as in its events.
pub(super) type Waiter = u32;

/// All pools of the model.
#[derive(Debug)]
pub(super) struct Pools {
    groups: Vec<Group>,
    period: Period,
    /// Whether jobs may still arrive: what follows says nothing of the load.
    under_load: bool,
}

/// What is counted when.
#[derive(Clone, Copy, Debug)]
struct Period {
    /// The end of the warm-up.
    from: Instant,
    /// When the last job may have arrived.
    loaded_until: Instant,
}

impl Period {
    fn counts(self, now: Instant) -> bool {
        now >= self.from
    }

    fn is_loaded(self, now: Instant) -> bool {
        self.counts(now) && now < self.loaded_until
    }
}

/// The pools of one name, one on each host.
#[derive(Debug)]
struct Group {
    /// Whether anybody may have to wait, sooner or later: the model or one of its changes gives a size. Who came before
    /// that holds a slot like everybody else, and gives it back.
    queues: bool,
    /// Whether there is a size now.
    is_limited: bool,
    hosts: Vec<Pool<Waiter>>,
    facts: PoolFacts,
    /// Used again by every change of size.
    admitted: Vec<(Waiter, Span)>,
}

impl Group {
    /// Somebody who has waited so long gets a slot.
    fn admit(&mut self, now: Instant, waited: Span, period: Period) {
        self.facts.half_holds += u64::from(self.is_limited && period.is_loaded(now));
        if period.counts(now - waited) {
            self.facts.wait_sum_micros += i128::from(waited.micros());
            self.facts.waits.record(waited);
        }
    }

    /// Takes down what the levels came to since they were last taken down. Slots count while there is a number of them,
    /// and `under_load`.
    fn take_down(&mut self, now: Instant, under_load: bool) {
        for host in &mut self.hosts {
            let PoolTimes { servers, busy, waiting } = host.times(now);
            host.reset_statistics(now);
            self.facts.waiting_micros += waiting;
            if self.is_limited && under_load {
                self.facts.slots_micros += servers;
                self.facts.busy_micros += busy;
            }
        }
    }
}

impl Pools {
    pub(super) fn new(model: &Model) -> Pools {
        let sizes = |index: usize| {
            let changed = model.changes.iter().map(move |change| change.model.pools[index].slots);
            std::iter::once(model.pools[index].slots).chain(changed)
        };
        let group = |(index, pool): (usize, &model::Pool)| Group {
            queues: sizes(index).any(|slots| slots.is_some()),
            is_limited: pool.slots.is_some(),
            hosts: (0..pool.hosts).map(|_| Pool::new(pool.slots.unwrap_or(u32::MAX))).collect(),
            facts: PoolFacts::default(),
            admitted: Vec::new(),
        };
        let from = Instant::START + model.run.warm_up;
        Pools {
            groups: model.pools.iter().enumerate().map(group).collect(),
            period: Period { from, loaded_until: Instant::START + model.run.duration },
            under_load: true,
        }
    }

    /// Whether anybody may have to wait there.
    #[inline]
    pub(super) fn queues(&self, pool: PoolId) -> bool {
        self.groups[pool.index()].queues
    }

    /// How many hosts have one.
    pub(super) fn hosts(&self, pool: PoolId) -> u32 {
        self.groups[pool.index()].hosts.len() as u32
    }

    /// Takes a slot, or queues; then whoever is given one is told by [`Pools::release`] or [`Pools::resize`].
    #[must_use = "who gets no slot waits"]
    pub(super) fn acquire(&mut self, now: Instant, pool: PoolId, host: u32, who: Waiter) -> bool {
        let period = self.period;
        let group = &mut self.groups[pool.index()];
        group.facts.arrived += u64::from(period.counts(now));
        let is_free = group.hosts[host as usize].acquire(now, who);
        if is_free {
            group.admit(now, Span::ZERO, period);
        }
        is_free
    }

    /// Gives a slot back; who has it from now on.
    #[must_use = "who gets the slot has to be told"]
    pub(super) fn release(&mut self, now: Instant, pool: PoolId, host: u32) -> Option<Waiter> {
        let period = self.period;
        let group = &mut self.groups[pool.index()];
        group.facts.served += u64::from(period.counts(now));
        group.facts.half_holds += u64::from(group.is_limited && period.is_loaded(now));
        let (who, waited) = group.hosts[host as usize].release(now)?;
        group.admit(now, waited, period);
        Some(who)
    }

    /// Takes over the sizes of another model; tells `told` who has a slot from now on.
    pub(super) fn resize(&mut self, now: Instant, model: &Model, mut told: impl FnMut(Waiter)) {
        for (group, pool) in self.groups.iter_mut().zip(&model.pools) {
            group.take_down(now, self.under_load);
            group.is_limited = pool.slots.is_some();
            let slots = pool.slots.unwrap_or(u32::MAX);
            for host in 0..group.hosts.len() {
                let mut admitted = std::mem::take(&mut group.admitted);
                admitted.extend(group.hosts[host].resize(now, slots));
                for (who, waited) in admitted.drain(..) {
                    group.admit(now, waited, self.period);
                    told(who);
                }
                group.admitted = admitted;
            }
        }
    }

    /// The warm-up is over.
    pub(super) fn reset_statistics(&mut self, now: Instant) {
        for group in &mut self.groups {
            group.take_down(now, false);
            group.facts = PoolFacts::default();
        }
    }

    /// The last job may have arrived.
    pub(super) fn read_statistics(&mut self, now: Instant) {
        self.groups.iter_mut().for_each(|group| group.take_down(now, self.under_load));
        self.under_load = false;
    }

    /// What they did up to the end.
    pub(super) fn into_facts(mut self, end: Instant) -> Vec<PoolFacts> {
        self.read_statistics(end);
        self.groups.into_iter().map(|group| group.facts).collect()
    }
}

/// All links of the model.
#[derive(Debug)]
pub(super) struct Links {
    links: Vec<Link<Waiter>>,
    /// The next instant at which somebody looks at each of them; `NEVER` if nobody is going to.
    looked_at: Vec<Instant>,
    facts: Vec<LinkFacts>,
}

impl Links {
    pub(super) fn new(model: &Model) -> Links {
        Links {
            links: model.links.iter().map(|link| Link::new(link.bandwidth, link.per_job)).collect(),
            looked_at: vec![Instant::NEVER; model.links.len()],
            facts: vec![LinkFacts::default(); model.links.len()],
        }
    }

    /// Starts a copy.
    #[must_use = "a copy that shares nothing is told its end here and nowhere else"]
    pub(super) fn start(&mut self, now: Instant, link: LinkId, bytes: Bytes, who: Waiter) -> Started {
        self.links[link.index()].start(now, bytes, who)
    }

    /// When somebody has to look at this link lest the end of a copy is missed; `None` if somebody is going to.
    #[must_use = "nobody else looks"]
    pub(super) fn look_at(&mut self, link: LinkId) -> Option<Instant> {
        let next = self.links[link.index()].next_end()?;
        let looked_at = &mut self.looked_at[link.index()];
        // Whoever comes too early looks again then.
        let is_sooner = next < *looked_at;
        *looked_at = next.min(*looked_at);
        is_sooner.then_some(next)
    }

    /// Somebody looks at it now, as was foreseen or later than somebody else.
    pub(super) fn looks(&mut self, now: Instant, link: LinkId) {
        if self.looked_at[link.index()] <= now {
            self.looked_at[link.index()] = Instant::NEVER;
        }
    }

    /// One of those whose copy has ended by now.
    pub(super) fn finish_due(&mut self, now: Instant, link: LinkId) -> Option<Waiter> {
        self.links[link.index()].finish_due(now)
    }

    /// Takes over the speeds of another model.
    pub(super) fn resize(&mut self, now: Instant, model: &Model) {
        for (link, to) in self.links.iter_mut().zip(&model.links) {
            link.resize(now, to.bandwidth, to.per_job);
        }
    }

    /// The warm-up is over.
    pub(super) fn reset_statistics(&mut self, now: Instant) {
        self.links.iter_mut().for_each(|link| link.reset_statistics(now));
    }

    /// The last job may have arrived.
    pub(super) fn read_statistics(&mut self, now: Instant) {
        for (link, facts) in self.links.iter().zip(&mut self.facts) {
            let LinkTimes { carried, capacity, .. } = link.times(now);
            facts.carried += carried;
            facts.capacity += capacity;
        }
    }

    pub(super) fn into_facts(self) -> Vec<LinkFacts> {
        self.facts
    }
}
