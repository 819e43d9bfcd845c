//! What to know before believing the numbers of a study: one sentence each, the scenario's own first.

use crate::analysis::{FailureRow, IntervalMethod, LinkRow, PointResult, PoolRow, Rate, Reached, Summary};
use crate::model::program::{Op, Poll};
use crate::model::study::{Point, Study};
use crate::model::vocabulary::Reason;
use crate::model::{Keys, Model, Offset, ProcessId, Rotations, ServiceId};

use super::{remedies, words};

/// As many saturated points are named; the rest are counted.
const NAMED: usize = 3;

/// Everything of the kind.
pub(super) fn all(study: &Study, results: &[PointResult]) -> Vec<String> {
    let mut notes = study.notes.clone();
    let total = |count: fn(&Summary) -> u64| results.iter().map(|result| count(result.all())).sum::<u64>();
    notes.extend(saturation(study, results));
    notes.extend(unfinished(results));
    let refused = total(|row| row.counts.refused_at_submission);
    if refused > 0 {
        notes.push(format!(
            "{} failed at the very first request, with a token that was already dead",
            words::counted(refused, "job")
        ));
    }
    notes.extend(waits_too_short(study, results));
    let clustered = results.iter().filter(|result| shares_a_phase(study, result)).count();
    if clustered > 0 {
        notes.push(format!(
            "at {} no job or every job failed, and the keys cover less than expiration + window: the interval takes \
             jobs as independent, but those of a replication share one rotation phase; more replications make it surer",
            words::counted(clustered as u64, "point")
        ));
    }
    notes.extend(imprecise(study, results));
    notes.extend(remedies::cautions(study, results));
    if results.iter().any(|result| result.replications < 2) {
        notes.push("one replication gives no interval; raise replications".to_string());
    }
    notes
}

/// Points that are less sure than was asked for.
pub(super) fn imprecise(study: &Study, results: &[PointResult]) -> Option<String> {
    let precision = study.precision.as_ref()?;
    let short: Vec<(&PointResult, Reached)> = results
        .iter()
        .filter_map(|result| Some((result, result.precision?)))
        .filter(|(_, reached)| !reached.holds)
        .collect();
    if short.is_empty() {
        return None;
    }
    let figure = |half_width: f64| words::metric_value(precision.metric, half_width);
    let named = short.iter().take(NAMED).map(|(result, reached)| match reached.half_width {
        Some(half_width) => format!("point {}: ±{}", result.point, figure(half_width)),
        None => format!("point {}: no interval", result.point),
    });
    let more = short.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    Some(format!(
        "the precision asked for (`{}` to ±{}) is not reached with {} at {}; {}{rest}",
        precision.metric.code(),
        figure(precision.half_width),
        words::counted(u64::from(precision.max_replications), "replication"),
        words::counted(short.len() as u64, "point"),
        named.collect::<Vec<String>>().join(", "),
    ))
}

fn is_saturated(result: &PointResult) -> bool {
    result.pools.iter().any(PoolRow::is_saturated) || result.links.iter().any(LinkRow::is_saturated)
}

/// Where more is asked for than there is: a sentence per point.
fn saturation(study: &Study, results: &[PointResult]) -> Vec<String> {
    let saturated: Vec<&PointResult> = results.iter().filter(|result| is_saturated(result)).collect();
    let mut notes: Vec<String> = saturated
        .iter()
        .take(NAMED)
        .filter_map(|result| Some(saturated_point(super::point(study, result.point)?, result, results.len() > 1)))
        .collect();
    if saturated.len() > NAMED {
        let more = words::counted((saturated.len() - NAMED) as u64, "more point");
        notes.push(format!("at {more} something is saturated too"));
    }
    notes
}

fn saturated_point(point: &Point, result: &PointResult, is_one_of_many: bool) -> String {
    let pools = result.pools.iter().filter(|row| row.is_saturated()).map(|row| pool(&point.model, row));
    let links = result.links.iter().filter(|row| row.is_saturated()).map(|row| link(&point.model, row));
    let full = pools.chain(links).collect::<Vec<String>>().join("; ");
    let at = if is_one_of_many { format!("point {}: ", point.number) } else { String::new() };
    match result.all().counts.unfinished {
        0 => format!("{at}{full}; the longer jobs arrive, the longer they wait"),
        1 => format!("{at}1 job is unfinished; {full}"),
        unfinished => format!("{at}{} jobs are unfinished; {full}", words::count(unfinished)),
    }
}

fn pool(model: &Model, row: &PoolRow) -> String {
    let name = words::pool_name(model, row.pool);
    match (row.offered_load, row.slots, row.utilisation) {
        (Some(load), Some(slots), _) if load >= 1.0 => {
            let slots = words::slots(slots);
            let whose = if slots == "1" { "its one slot".to_string() } else { format!("its {slots} slots") };
            format!("`{name}` is saturated: offered load {load:.2} of {whose}")
        }
        (_, _, used) => format!("`{name}` is saturated: {} in use", words::percent(used.unwrap_or(1.0))),
    }
}

fn link(model: &Model, row: &LinkRow) -> String {
    let name = &model.links[row.link.index()].name;
    format!("`{name}` is saturated: {} of its bandwidth in use", words::percent(row.utilisation.unwrap_or(1.0)))
}

/// What is unfinished although nothing is saturated.
fn unfinished(results: &[PointResult]) -> Option<String> {
    let calm = results.iter().filter(|result| !is_saturated(result));
    let unfinished: u64 = calm.map(|result| result.all().counts.unfinished).sum();
    let did = words::counted(unfinished, "job");
    (unfinished > 0)
        .then(|| format!("{did} did not end before the drain was over and count neither way; a longer drain helps"))
}

/// What helps most where most failures are impatience, which hides everything else.
fn waits_too_short(study: &Study, results: &[PointResult]) -> Option<String> {
    let finished: u64 = results.iter().map(|result| result.all().counts.finished()).sum();
    let ways = results.iter().flat_map(|result| result.failures.iter().map(move |way| (result.point, way)));
    let timeouts: Vec<(usize, &FailureRow)> =
        ways.filter(|(_, way)| way.first_cause_reason == Reason::VolumeWaitTimeout).collect();
    let timed_out: u64 = timeouts.iter().map(|(_, way)| way.jobs).sum();
    if timed_out * 2 <= finished {
        return None;
    }
    // The first of equals.
    let (point, way) = timeouts.into_iter().rev().max_by_key(|(_, way)| way.jobs)?;
    let workload = super::point(study, point)?.model.workloads.get(way.workload)?;
    let poll = workload.program.ops.iter().find_map(|op| match op {
        Op::Poll(poll) if poll.request.step == way.first_cause_step => Some(poll),
        _ => None,
    })?;
    let wait = words::duration(poll.interval * i64::from(poll.attempts));
    Some(if is_novas_wait(poll) {
        format!(
            "most jobs fail because Nova stops waiting for the volume (after {wait}, unless swept); to see what tokens \
             do, raise `nova.DEFAULT.block_device_allocate_retries`"
        )
    } else {
        let step = workload.kind.step_name(way.first_cause_step);
        format!(
            "most jobs fail because `{step}` of {} gives up (after {wait}, unless swept); to see what tokens do, let it \
             ask for longer",
            workload.kind.name
        )
    })
}

/// Whether this is the one wait of the shipped kinds that ends, which nova-compute does for a volume.
fn is_novas_wait(poll: &Poll) -> bool {
    poll.request.from == ProcessId::NOVA_COMPUTE && poll.request.to == ServiceId::CINDER
}

/// Whether the exact interval of a point leans on an independence that its key schedule denies.
fn shares_a_phase(study: &Study, result: &PointResult) -> bool {
    let exact = |rate: &Rate| rate.interval.is_some_and(|interval| interval.method == IntervalMethod::ClopperPearson);
    let Some(point) = super::point(study, result.point) else { return false };
    let keystone = &point.model.keystone;
    let uncovered = match &keystone.keys {
        Keys::Fernet { max_active_keys, rotations: Rotations::Every { period, offset: Offset::Random }, .. } => {
            *period * i64::from(max_active_keys.saturating_sub(2)) < keystone.expiration + keystone.allow_expired_window
        }
        Keys::Fernet { rotations: Rotations::Every { .. } | Rotations::At(_) | Rotations::Never, .. } | Keys::Jws => {
            false
        }
    };
    uncovered && exact(&result.all().token_failure_rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn saturated_pools_and_links_are_named() {
        let mut case = fixture::busy();
        let notes = |case: &fixture::Case| all(&case.study, &case.results);
        let both = "`nova.builds` is saturated: offered load 1.37 of its 40 slots; `image_transfer` is saturated: 99.8 % of \
                    its bandwidth in use";
        assert_eq!(notes(&case), [format!("point 0: 312 jobs are unfinished; {both}")]);

        case.results.truncate(1);
        assert_eq!(notes(&case), [format!("312 jobs are unfinished; {both}")]);
        case.results[0].links.clear();
        let [builds] = &mut case.results[0].pools[1..] else { panic!("two pools") };
        builds.slots = Some(1.0);
        let one = "`nova.builds` is saturated: offered load 1.37 of its one slot";
        assert_eq!(notes(&case), [format!("312 jobs are unfinished; {one}")]);
        case.results[0].rows.iter_mut().for_each(|row| row.counts.unfinished = 0);
        assert_eq!(notes(&case), [format!("{one}; the longer jobs arrive, the longer they wait")]);

        case.results[0].pools.clear();
        case.results[0].rows.iter_mut().for_each(|row| row.counts.unfinished = 1);
        assert_eq!(
            notes(&case),
            ["1 job did not end before the drain was over and count neither way; a longer drain helps"]
        );
    }

    #[test]
    fn many_saturated_points_are_counted() {
        let mut case = fixture::cube();
        let busy = fixture::busy().results.remove(0);
        let model = fixture::busy().study.points.remove(0).model;
        for (point, result) in case.study.points.iter_mut().zip(&mut case.results) {
            (point.model.pools, result.pools) = (model.pools.clone(), busy.pools.clone());
        }
        let notes = all(&case.study, &case.results);
        assert_eq!(notes.iter().filter(|note| note.contains("`nova.builds` is saturated")).count(), NAMED);
        assert!(notes.contains(&"at 61 more points something is saturated too".to_string()), "{notes:?}");
    }

    /// Jobs of two kinds whose polls give up, one of them the scenario's own.
    #[test]
    fn impatience_is_told_from_the_poll_that_gave_up() {
        let text = r#"
            name = "impatient"
            nova.DEFAULT = { block_device_allocate_retries = 99, block_device_allocate_retries_interval = 6 }
            [[workload]]
            name = "jobs"
            job = "boot-from-volume"
            arrivals = { every = "1m" }
            token_age = "0s"
            [[workload]]
            name = "copies"
            job = "copy"
            arrivals = { every = "1m" }
            token_age = "0s"
            [[job]]
            name = "copy"
            description = "Waits for what never comes."
            resources = { volume = ["available"] }
            steps = [
                { beside = [{ wait = "1h" }, { set = { volume = "available" } }] },
                { poll = "wait_for_copy", from = "client", to = "cinder", until = { volume = "available" },
                       retries = 9, interval = "2s" },
            ]
        "#;
        let overrides = crate::scenario::Overrides::default();
        let folder = std::path::Path::new(".");
        let study = crate::scenario::load_text("test.toml", text, folder, &overrides)
            .unwrap_or_else(|issues| panic!("{issues}"));
        let boots = "most jobs fail because Nova stops waiting for the volume (after 10 min, unless swept); to see what \
                     tokens do, raise `nova.DEFAULT.block_device_allocate_retries`";
        let copies = "most jobs fail because `wait_for_copy` of copy gives up (after 20 s, unless swept); to see what \
                      tokens do, let it ask for longer";
        for (workload, step, told) in [(0, "poll", boots), (1, "wait_for_copy", copies)] {
            let mut case = fixture::single();
            let finished = case.results[0].all().counts.finished();
            let step = study.points[0].model.workloads[workload].kind.step(step).unwrap();
            let way = case.results[0].failures[0].clone();
            case.results[0].failures = [finished / 2, finished / 2 + 1]
                .map(|jobs| FailureRow {
                    workload,
                    step,
                    first_cause_step: step,
                    first_cause_reason: Reason::VolumeWaitTimeout,
                    jobs,
                    ..way.clone()
                })
                .into();
            assert_eq!(waits_too_short(&study, &case.results).as_deref(), Some(told));
            case.results[0].failures.pop();
            assert_eq!(waits_too_short(&study, &case.results), None, "half of them is not most");
        }
    }
}
