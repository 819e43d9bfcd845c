//! How busy pools and links were, and how long jobs waited there.

use super::{LinkRow, PoolRow};
use crate::model::{LinkId, Model, PoolId};
use crate::observe::{LinkFacts, PointFacts, PoolFacts};
use crate::units::MICROS;

/// The settings from the start, and those of every change.
fn epochs(model: &Model) -> impl Iterator<Item = &Model> {
    std::iter::once(model).chain(model.changes.iter().map(|change| &change.model))
}

/// A row for every pool that queues at any time.
pub(super) fn pools(model: &Model, facts: &PointFacts) -> Vec<PoolRow> {
    let counted = i128::from((model.run.duration - model.run.warm_up).micros());
    let replications = facts.by_replication.len() as f64;
    let row = |(pool, facts): (PoolId, &PoolFacts)| {
        let limited = epochs(model).filter(|model| model.pool(pool).slots.is_some()).count();
        let is_always_limited = limited == epochs(model).count();
        (limited > 0).then(|| pool_row(pool, facts, replications, is_always_limited.then_some(counted)))
    };
    (0..).map(PoolId).zip(&facts.pools).filter_map(row).collect()
}

/// `counted_micros`: how long slots were counted in each replication; `None` if for some of it there was no limit.
fn pool_row(pool: PoolId, facts: &PoolFacts, replications: f64, counted_micros: Option<i128>) -> PoolRow {
    let PoolFacts { arrived, waits, wait_sum_micros, slots_micros, busy_micros, half_holds, .. } = facts;
    let waits = waits.distribution();
    let counted_micros = counted_micros.filter(|_| *slots_micros > 0);
    let slots = counted_micros.map(|micros| *slots_micros as f64 / micros as f64 / replications);
    let utilisation = counted_micros.map(|_| *busy_micros as f64 / *slots_micros as f64);
    // How often slots were held: a hold of which only the beginning or the end was seen counts for half, and each
    // slot of a full pool once at least.
    let load = |(utilisation, slots): (f64, f64)| {
        let held = *half_holds as f64 / 2.0;
        utilisation * *arrived as f64 / held.max(slots * replications)
    };
    PoolRow {
        pool,
        arrived: *arrived,
        slots,
        utilisation,
        offered_load: utilisation.zip(slots).filter(|_| *arrived > 0).map(load),
        wait_mean: (!waits.is_empty()).then(|| *wait_sum_micros as f64 / waits.len() as f64 / MICROS as f64),
        waits,
    }
}

/// A row for every link with a bandwidth at any time.
pub(super) fn links(model: &Model, facts: &PointFacts) -> Vec<LinkRow> {
    let is_shared = |link: LinkId| epochs(model).any(|model| model.links[link.index()].bandwidth.is_some());
    let row = |(link, facts): (LinkId, &LinkFacts)| {
        let utilisation = (facts.capacity > 0).then(|| facts.carried as f64 / facts.capacity as f64);
        is_shared(link).then_some(LinkRow { link, utilisation })
    };
    (0..).map(LinkId).zip(&facts.links).filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Change, Link};
    use crate::observe::Sketch;
    use crate::units::{Instant, Span, Throughput};

    /// Two days without a warm-up, once.
    fn model(slots: Option<u32>) -> Model {
        let mut model = crate::report::fixture::single().study.points.remove(0).model;
        Arc::make_mut(&mut model.pools)[1].slots = slots;
        model
    }

    fn facts(model: &Model, replications: usize, pool: PoolFacts) -> PointFacts {
        let mut facts = PointFacts::new(0, model);
        facts.by_replication = vec![Vec::new(); replications];
        facts.pools[1] = pool;
        facts
    }

    /// A pool of 40 slots in which everything is told in holds of an hour: so many came, got a slot and gave it back.
    fn forty(arrived: u64, got: u64, served: u64, busy_hours: i128) -> PoolFacts {
        let hour = 3_600 * i128::from(MICROS);
        let mut waits = Sketch::default();
        (0..got).for_each(|number| waits.record(Span::from_seconds(if number % 2 == 0 { 0 } else { 90 })));
        PoolFacts {
            arrived,
            served,
            waits,
            wait_sum_micros: i128::from(got / 2 * 90) * i128::from(MICROS),
            slots_micros: 40 * 48 * hour,
            busy_micros: busy_hours * hour,
            half_holds: got + served,
            waiting_micros: 0,
        }
    }

    #[test]
    fn load_is_rate_times_holding_time_over_slots() {
        let cases = [
            ("half", forty(960, 960, 960, 960), 0.5, Some(0.5), false),
            ("more than it can do", forty(2_640, 1_940, 1_900, 1_920), 1.0, Some(1.375), true),
            ("nothing was given back", forty(400, 40, 0, 1_920), 1.0, Some(10.0), true),
            ("held by those who came before", forty(400, 0, 0, 1_920), 1.0, Some(10.0), true),
            ("full, and nobody else came", forty(0, 0, 0, 1_920), 1.0, None, true),
            ("idle", forty(0, 0, 0, 0), 0.0, None, false),
        ];
        for (name, pool, utilisation, load, is_saturated) in cases {
            let model = model(Some(40));
            let rows = pools(&model, &facts(&model, 1, pool.clone()));
            let [row] = rows.as_slice() else { panic!("{name}: {} rows", rows.len()) };
            assert_eq!((row.pool, row.arrived, row.slots), (PoolId(1), pool.arrived, Some(40.0)), "{name}");
            assert_eq!((row.utilisation, row.offered_load), (Some(utilisation), load), "{name}");
            assert_eq!(row.is_saturated(), is_saturated, "{name}");
            assert_eq!(row.wait_mean, (pool.waits != Sketch::default()).then_some(45.0), "{name}");
        }
    }

    #[test]
    fn replications_do_not_make_slots() {
        let model = model(Some(20));
        let row = &pools(&model, &facts(&model, 2, forty(960, 960, 960, 960)))[0];
        assert_eq!((row.slots, row.utilisation), (Some(20.0), Some(0.5)));
    }

    #[test]
    fn what_never_queues_has_no_row_and_what_sometimes_queues_no_utilisation() {
        let mut sometimes = model(None);
        assert_eq!(pools(&sometimes, &facts(&sometimes, 1, PoolFacts::default())), []);
        sometimes.changes.push(Change { at: Instant::from_seconds(60), model: model(Some(40)) });
        let row = &pools(&sometimes, &facts(&sometimes, 1, forty(960, 960, 960, 960)))[0];
        assert_eq!((row.slots, row.utilisation, row.offered_load), (None, None, None));
        assert_eq!((row.arrived, row.wait_mean), (960, Some(45.0)));
    }

    #[test]
    fn links_are_shared_if_they_have_a_bandwidth() {
        let link = |name: &str, bandwidth| Link { name: name.into(), per_job: None, bandwidth };
        let mut model = model(None);
        let shared = Throughput::from_bytes_per_second(7);
        model.links = [link("image_transfer", None), link("volume_copy", shared)].into();
        let mut point = facts(&model, 1, PoolFacts::default());
        assert_eq!(links(&model, &point), [LinkRow { link: LinkId(1), utilisation: None }]);
        for (carried, is_saturated) in [(996, true), (500, false)] {
            point.links[1] = LinkFacts { carried, capacity: 1_000 };
            let row = links(&model, &point)[0];
            assert_eq!((row.utilisation, row.is_saturated()), (Some(carried as f64 / 1_000.0), is_saturated));
        }
    }
}
