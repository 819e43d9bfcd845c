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
    /// Whether only one job at a time comes: then nobody waits where nobody ever may, and nothing is counted there.
    for_one: bool,
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
    /// Who did not wait at all, which in most pools is nearly everybody; not yet among the waits of the facts.
    unwaited: u64,
    /// Used again by every change of size.
    admitted: Vec<(Waiter, Span)>,
}

impl Group {
    /// Somebody who has waited so long gets a slot.
    fn admit(&mut self, now: Instant, waited: Span, period: Period) {
        self.facts.half_holds += u64::from(self.is_limited && period.is_loaded(now));
        if period.counts(now - waited) {
            if waited == Span::ZERO {
                self.unwaited += 1;
            } else {
                self.facts.wait_sum_micros += i128::from(waited.micros());
                self.facts.waits.record(waited);
            }
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
            unwaited: 0,
            admitted: Vec::new(),
        };
        let from = Instant::START + model.run.warm_up;
        Pools {
            groups: model.pools.iter().enumerate().map(group).collect(),
            period: Period { from, loaded_until: Instant::START + model.run.duration },
            under_load: true,
            for_one: false,
        }
    }

    /// From here on for one job at a time, as they are at the start.
    pub(super) fn restart_for_one(&mut self, model: &Model) {
        self.for_one = true;
        for (group, pool) in self.groups.iter_mut().zip(model.pools.iter()).filter(|(group, _)| group.queues) {
            group.is_limited = pool.slots.is_some();
            group.facts = PoolFacts::default();
            let slots = pool.slots.unwrap_or(u32::MAX);
            group.hosts.iter_mut().for_each(|host| *host = Pool::new(slots));
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
        if self.for_one && !group.queues {
            return true;
        }
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
        if self.for_one && !group.queues {
            return None;
        }
        group.facts.served += u64::from(period.counts(now));
        group.facts.half_holds += u64::from(group.is_limited && period.is_loaded(now));
        let (who, waited) = group.hosts[host as usize].release(now)?;
        group.admit(now, waited, period);
        Some(who)
    }

    /// Takes over the sizes of another model; tells `told` who has a slot from now on.
    pub(super) fn resize(&mut self, now: Instant, model: &Model, mut told: impl FnMut(Waiter)) {
        for (group, pool) in self.groups.iter_mut().zip(model.pools.iter()) {
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
            group.unwaited = 0;
        }
    }

    /// The last job may have arrived.
    pub(super) fn read_statistics(&mut self, now: Instant) {
        self.groups.iter_mut().for_each(|group| group.take_down(now, self.under_load));
        self.under_load = false;
    }

    /// What they did up to the end.
    pub(super) fn into_facts(mut self, end: Instant) -> Vec<PoolFacts> {
        // A run may end before jobs cease to arrive, if they do so early; nothing moves then.
        if self.under_load {
            self.read_statistics(end.max(self.period.loaded_until));
        }
        self.read_statistics(end.max(self.period.loaded_until));
        let facts = |mut group: Group| {
            group.facts.waits.record_many(Span::ZERO, group.unwaited);
            group.facts
        };
        self.groups.into_iter().map(facts).collect()
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

    /// As they are at the start.
    pub(super) fn restart(&mut self, model: &Model) {
        for (link, to) in self.links.iter_mut().zip(model.links.iter()) {
            *link = Link::new(to.bandwidth, to.per_job);
        }
        self.looked_at.fill(Instant::NEVER);
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
        for (link, to) in self.links.iter_mut().zip(model.links.iter()) {
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

    /// What they did up to the end; `loaded_until` is when the last job may have arrived.
    pub(super) fn into_facts(mut self, end: Instant, loaded_until: Instant) -> Vec<LinkFacts> {
        if end <= loaded_until {
            self.read_statistics(loaded_until);
        }
        self.facts
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::ServiceId;
    use crate::scenario::{Overrides, load_text};

    /// A cloud whose nova-api has these workers, and others from 10 s on.
    fn model(settings: &str, change: &str) -> Model {
        let text = format!(
            "name = \"pools\"\n{settings}\n[[workload]]\njob = \"snapshot\"\narrivals = {{ every = \"1h\" }}
            [[change]]\nat = \"10s\"\n{change}"
        );
        let study = load_text("test.toml", &text, Path::new("."), &Overrides::default());
        study.unwrap_or_else(|issues| panic!("{issues}")).points.remove(0).model
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    fn nova_api(model: &Model) -> PoolId {
        model.services[ServiceId::NOVA.index()].api
    }

    /// Arrived, served, and in seconds: slots, busy, waiting, and the sum of the waits.
    fn facts(mut pools: Pools, pool: PoolId, end: i64) -> (u64, u64, [i128; 4]) {
        pools.period.loaded_until = at(end);
        let facts = pools.into_facts(at(end)).swap_remove(pool.index());
        let sums = [facts.slots_micros, facts.busy_micros, facts.waiting_micros, facts.wait_sum_micros];
        (facts.arrived, facts.served, sums.map(|micros| micros / 1_000_000))
    }

    #[test]
    fn who_came_before_anybody_counted_workers_holds_one() {
        let model = model("", "cloud.workers.nova = 1");
        let (pool, mut pools) = (nova_api(&model), Pools::new(&model));
        assert!(pools.queues(pool), "sooner or later");
        assert!((1..=3).all(|who| pools.acquire(at(0), pool, 0, who)));
        pools.resize(at(10), &model.changes[0].model, |who| panic!("{who} did not wait"));
        assert!(!pools.acquire(at(11), pool, 0, 4), "three work for one");
        let given: Vec<Option<Waiter>> = (12..15).map(|now| pools.release(at(now), pool, 0)).collect();
        assert_eq!(given, [None, None, Some(4)]);
        // From 10 s on: one worker for 10 s; 3 busy for 2 s, 2 for 1 s, 1 for 7 s; one waits for 3 s.
        assert_eq!(facts(pools, pool, 20), (4, 3, [10, 15, 3, 3]));
    }

    #[test]
    fn a_limit_that_is_lifted_was_one() {
        let hosts = "cloud.hosts.cinder_backup = 1\ncinder.DEFAULT.backup_max_operations = 1";
        let model = model(hosts, "cinder.DEFAULT.backup_max_operations = 0");
        let is_it = |pool: &model::Pool| pool.name == "backups";
        let pool = PoolId(model.pools.iter().position(is_it).unwrap() as u16);
        let mut pools = Pools::new(&model);
        assert!(pools.acquire(at(0), pool, 0, 1) && !pools.acquire(at(4), pool, 0, 2));
        let mut admitted = Vec::new();
        pools.resize(at(10), &model.changes[0].model, |who| admitted.push(who));
        assert_eq!(admitted, [2]);
        assert!(pools.acquire(at(12), pool, 0, 3));
        assert_eq!((0..3).filter_map(|_| pools.release(at(15), pool, 0)).count(), 0);
        assert_eq!(facts(pools, pool, 20), (3, 3, [10, 10, 6, 6]));
    }

    #[test]
    fn what_was_before_the_end_of_the_warm_up_does_not_count() {
        let model = model("run.warm_up = \"5s\"\ncloud.workers.nova = 1", "cloud.workers.nova = 2");
        let (pool, mut pools) = (nova_api(&model), Pools::new(&model));
        assert!(pools.acquire(at(0), pool, 0, 1) && !pools.acquire(at(3), pool, 0, 2));
        pools.reset_statistics(at(5));
        assert!(!pools.acquire(at(6), pool, 0, 3));
        assert_eq!([7, 8].map(|now| pools.release(at(now), pool, 0)), [Some(2), Some(3)]);
        pools.read_statistics(at(9));
        assert_eq!(pools.release(at(19), pool, 0), None);
        // Since 5 s the first waiter waited for 2 s more, which nobody counts as its wait, and the second for 2 s.
        // Load is looked at until 9 s.
        assert_eq!(facts(pools, pool, 20), (1, 3, [4, 4, 4, 2]));
    }
}
