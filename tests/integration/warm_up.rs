//! `--show-warm-up`: what is proposed for a queue that starts empty and for one that nobody notices, and what is
//! written.

use outlast::analysis::{Settling, warm_up};
use outlast::cloud::{Records, simulate};
use outlast::observe::{Bins, WorkloadFacts};
use outlast::units::Span;

use crate::command::{Desk, SMALL};
use crate::support::study;

/// Customers of one till, who pay ten seconds on average; 60 replications of 20 hours.
fn till(name: &str, steps: &str) -> String {
    format!(
        "name = \"{name}\"
        run = {{ seed = 3, duration = \"20h\", warm_up = \"90m\", replications = 60 }}
        keystone.token.expiration = \"90d\"
        [[service]]
        name = \"shop\"
        pools = {{ till = 1 }}
        [[job]]
        name = \"visit\"
        description = \"A visit.\"
        steps = [{steps}]
        quantities = {{ pay = {{ meaning = \"Paying.\" }} }}
        [[workload]]
        job = \"visit\"
        token_age = \"0s\"
        arrivals = {{ poisson = \"0.09/s\" }}
        pay = {{ exponential = {{ mean = \"10s\" }} }}"
    )
}

const QUEUE: &str = "{ slot = \"shop.till\", steps = [{ wait = \"pay\" }] }";
const ALONE: &str = "{ wait = \"pay\" }";

fn bins(text: &str) -> Bins {
    let mut study = study(text);
    study.count_from_the_start();
    let model = &study.points[0].model;
    let mut all = Bins::new(model.run.duration);
    for replication in 0..model.run.replications {
        all.merge(&simulate(model, replication, Records::Bins).bins[0]);
    }
    all
}

/// Mean duration of the jobs in the bins from a time on, in seconds.
fn mean_from(bins: &Bins, cut: Span) -> f64 {
    let first = bins.list().len() as i64 * cut.micros() / bins.duration().micros();
    let kept = &bins.list()[first as usize..];
    let sum: i128 = kept.iter().map(|bin| bin.duration_sum_micros).sum();
    sum as f64 / 1e6 / kept.iter().map(|bin| bin.completed).sum::<u64>() as f64
}

/// An M/M/1 queue at 90 % of its capacity starts empty, and comes near its mean of 10 s / (1 - 0.9) = 100 s within a
/// few of its relaxation times 10 s / (1 - √0.9)² = 63 min (Cohen, The Single Server Queue, section III.2).
#[test]
fn a_queue_that_starts_empty_has_a_warm_up() {
    let bins = bins(&till("queue", QUEUE));
    let found = &warm_up(std::slice::from_ref(&bins))[0];
    let Settling::At(cut) = found.durations else { panic!("{:?}", found.durations) };
    assert!(cut >= Span::from_seconds(10 * 60) && cut <= Span::from_seconds(5 * 3_600), "{cut}");
    let (all, kept) = (mean_from(&bins, Span::ZERO), mean_from(&bins, cut));
    assert!(kept > all, "the cut takes away short durations: {kept} s after it, {all} s of all");
    assert_eq!(found.failures, Settling::Unknown, "nothing fails");
}

/// Jobs that never meet are alike from the first on. A cut is then pure chance, and mostly of nothing.
#[test]
fn jobs_that_never_meet_have_none() {
    let found = &warm_up(&[bins(&till("alone", ALONE))])[0];
    let Settling::At(cut) = found.durations else { panic!("{:?}", found.durations) };
    assert!(cut <= Span::from_seconds(3_600), "{cut}: more than a twentieth of the run");
}

/// The same jobs are counted in bins and in all, and nothing is kept unless it is asked for.
#[test]
fn bins_hold_the_jobs_of_the_run() {
    let mut study = study(SMALL);
    study.count_from_the_start();
    let model = &study.points[0].model;
    let (with, without) = (simulate(model, 0, Records::Bins), simulate(model, 0, Records::None));
    assert!(without.bins.is_empty());
    let facts: &WorkloadFacts = &with.workloads[0];
    assert_eq!(facts, &without.workloads[0]);
    let list = with.bins[0].list();
    assert_eq!(list.iter().map(|bin| bin.completed).sum::<u64>(), facts.counts.completed);
    assert_eq!(list.iter().map(|bin| bin.failed).sum::<u64>(), facts.counts.failed);
    assert!(facts.counts.failed > 0);
    let sum: i128 = list.iter().map(|bin| bin.duration_sum_micros).sum();
    assert_eq!(sum, facts.counts.duration_sum_micros);
}

#[test]
fn the_command_writes_beside_the_results_and_changes_nothing() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.run(&["run", "small.toml", "--no-plots"]).exits(0);
    let before = desk.files("output/small");
    let did = desk.run(&["run", "small.toml", "--show-warm-up"]);
    did.exits(0);
    assert!(did.stdout.contains("(the file says 30m)"), "{}", did.stdout);
    assert!(did.stdout.contains("Results: output/small.warm-up"), "{}", did.stdout);
    assert_eq!(desk.files("output/small"), before, "an earlier result stays");
    let names: Vec<String> = desk.files("output/small.warm-up").into_iter().map(|(name, _)| name).collect();
    let expected = ["warm_up.csv", "warm_up.png", "warm_up.svg"].map(|name| format!("output/small.warm-up/{name}"));
    assert_eq!(names, expected);
    let table = desk.read("output/small.warm-up/warm_up.csv");
    let heading = "scenario,point,cinder.service_user.send_service_user_token,workload,replications,from_s,until_s,completed,\
        failed,duration_mean_s,duration_average_s,failure_rate,failure_rate_average";
    assert_eq!(table.lines().next(), Some(heading));
    assert!(table.lines().nth(1).is_some_and(|row| row.starts_with("small,0,false,boots,3,0,")), "{table}");
    // Again, over its own folder; any number of threads gives the same.
    let first = desk.files("output/small.warm-up");
    desk.run(&["run", "small.toml", "--show-warm-up", "--threads", "3"]).exits(0);
    assert_eq!(desk.files("output/small.warm-up"), first);
    desk.run(&["run", "small.toml", "--show-warm-up", "--no-plots", "--point", "1"]).exits(0);
    let names: Vec<String> = desk.files("output/small.warm-up").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, expected[..1]);
    desk.run(&["run", "small.toml", "--show-warm-up", "--jobs"]).exits(1).complains("cannot be used with");
}
