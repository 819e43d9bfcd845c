//! Load, from the scenario file to the facts: slots and API workers queue, links are shared, and what waits grows old.
//!
//! `queueing` holds the blocks against theory; here the whole simulator is, with jobs of the scenarios' own that visit
//! what theory knows. Every figure is a mean over independent replications, so a correct simulator is farther off than
//! `support::SIGMAS` with a chance of about 3·10⁻⁶ for each; the seeds are fixed.

use outlast::cloud::{Records, simulate};
use outlast::model::Model;
use outlast::observe::{Observations, Outcome, PoolFacts};
use outlast::units::Span;

use crate::support::{assert_mean, failure, records, study};

const REPLICATIONS: u32 = 60;

/// A shop whose customers visit its counters in a row; no tokens trouble anybody.
fn shop(pools: &str, steps: &str, quantities: &str, workload: &str) -> Model {
    let text = format!(
        "name = \"shop\"
        run = {{ seed = 3, duration = \"3h\", warm_up = \"1h\" }}
        keystone.token.expiration = \"90d\"
        [[service]]
        name = \"shop\"
        pools = {{ {pools} }}
        [[job]]
        name = \"visit\"
        description = \"A visit.\"
        steps = [{steps}]
        quantities = {{ {quantities} }}
        [[workload]]
        job = \"visit\"
        token_age = \"0s\"
        {workload}"
    );
    study(&text).points.remove(0).model
}

fn facts(model: &Model) -> Vec<Observations> {
    (0..REPLICATIONS).map(|replication| simulate(model, replication, Records::Jobs)).collect()
}

fn pool<'f>(model: &Model, facts: &'f Observations, service: &str, name: &str) -> &'f PoolFacts {
    let service = model.services.iter().position(|known| known.name == service).expect("there is one");
    let is_it = |pool: &outlast::model::Pool| pool.service.index() == service && pool.name == name;
    &facts.pools[model.pools.iter().position(is_it).expect("there is one")]
}

fn mean_wait(facts: &PoolFacts) -> f64 {
    facts.wait_sum_micros as f64 / 1e6 / facts.waits.distribution().len() as f64
}

/// The probability to wait before `servers` servers under `load` Erlang (Erlang C, by the recursion of Erlang B).
fn erlang_c(servers: u32, load: f64) -> f64 {
    let b = (1..=servers).fold(1.0, |b, n| load * b / (f64::from(n) + load * b));
    b / (1.0 - load / f64::from(servers) * (1.0 - b))
}

#[test]
fn jobs_wait_for_slots_as_erlang_says() {
    let model = shop(
        "till = 3",
        "{ slot = \"shop.till\", steps = [{ wait = \"pay\" }] }",
        "pay = { meaning = \"Paying.\" }",
        "arrivals = { poisson = \"2.4/s\" }\npay = { exponential = { mean = \"1s\" } }",
    );
    let facts = facts(&model);
    let till: Vec<&PoolFacts> = facts.iter().map(|facts| pool(&model, facts, "shop", "till")).collect();
    let waits: Vec<f64> = till.iter().map(|till| mean_wait(till)).collect();
    assert_mean("slots: mean wait", &waits, erlang_c(3, 2.4) / (3.0 - 2.4));
    let busy: Vec<f64> = till.iter().map(|till| till.busy_micros as f64 / till.slots_micros as f64).collect();
    assert_mean("slots: utilisation", &busy, 2.4 / 3.0);
    let stays: Vec<f64> = facts.iter().map(mean_duration).collect();
    assert_mean("slots: mean duration", &stays, 1.0 + erlang_c(3, 2.4) / (3.0 - 2.4));
}

/// By Pollaczek and Khinchine, for a service that does not vary: half of the wait of an exponential one.
#[test]
fn requests_wait_for_api_workers() {
    let text = |time: &str| {
        format!(
            "name = \"api\"
            run = {{ seed = 5, duration = \"3h\", warm_up = \"1h\" }}
            keystone.token.expiration = \"90d\"
            cloud.requests.time = {time}
            [[service]]
            name = \"shop\"
            pools = {{ api = 1 }}
            [[job]]
            name = \"visit\"
            description = \"A visit.\"
            steps = [{{ request = \"ask\", from = \"client\", to = \"shop\" }}]
            [[workload]]
            job = \"visit\"
            arrivals = {{ poisson = \"0.7/s\" }}"
        )
    };
    for (time, cv2) in [
        ("\"1s\"", 0.0),
        ("{ exponential = { mean = \"1s\" } }", 1.0),
        ("{ gamma = { mean = \"1s\", cv = 2.0 } }", 4.0),
    ] {
        let model = study(&text(time)).points.remove(0).model;
        let waits: Vec<f64> = facts(&model).iter().map(|facts| mean_wait(pool(&model, facts, "shop", "api"))).collect();
        assert_mean(&format!("API worker, cv² {cv2}: mean wait"), &waits, 0.7 * (1.0 + cv2) / (2.0 * (1.0 - 0.7)));
    }
}

/// Two counters in a row: each as if it were alone (Jackson), whoever releases the first.
#[test]
fn a_tandem_is_a_product() {
    let model = shop(
        "till = 1, gate = 2",
        "{ slot = \"shop.till\", steps = [{ wait = \"pay\" }] }, { slot = \"shop.gate\", steps = [{ wait = \"leave\" }] }",
        "pay = { meaning = \"Paying.\" }, leave = { meaning = \"Leaving.\" }",
        "arrivals = { poisson = \"0.6/s\" }\npay = { exponential = { mean = \"1s\" } }\nleave = { exponential = { mean = \"2s\" } }",
    );
    let facts = facts(&model);
    let waits =
        |name: &str| facts.iter().map(|facts| mean_wait(pool(&model, facts, "shop", name))).collect::<Vec<f64>>();
    assert_mean("tandem, first: mean wait", &waits("till"), 0.6 / (1.0 - 0.6));
    assert_mean("tandem, second: mean wait", &waits("gate"), 2.0 * erlang_c(2, 1.2) / (2.0 - 1.2));
    let stays: Vec<f64> = facts.iter().map(mean_duration).collect();
    assert_mean("tandem: mean duration", &stays, 1.0 / (1.0 - 0.6) + 2.0 + 2.0 * erlang_c(2, 1.2) / (2.0 - 1.2));
}

/// A job of x seconds of a link's capacity stays x / (1 − ρ), however sizes are distributed (processor sharing).
#[test]
fn copies_share_a_link() {
    for (size, cv) in [("\"1GB\"", 0), ("{ exponential = { mean = \"1GB\" } }", 1)] {
        let text = format!(
            "name = \"link\"
            run = {{ seed = 7, duration = \"3h\", warm_up = \"1h\" }}
            keystone.token.expiration = \"90d\"
            cloud.image_transfer.bandwidth = \"1GB/s\"
            [[job]]
            name = \"visit\"
            description = \"A visit.\"
            steps = [{{ wait = \"copy\" }}]
            quantities = {{ size = {{ unit = \"bytes\", meaning = \"Its size.\" }}, copy = {{ size = \"size\", over = \"image_transfer\", meaning = \"A copy.\" }} }}
            [[workload]]
            job = \"visit\"
            arrivals = {{ poisson = \"0.7/s\" }}
            size = {size}"
        );
        let model = study(&text).points.remove(0).model;
        let facts = facts(&model);
        let stays: Vec<f64> = facts.iter().map(mean_duration).collect();
        assert_mean(&format!("link, sizes of cv {cv}: mean duration"), &stays, 1.0 / (1.0 - 0.7));
        let busy: Vec<f64> =
            facts.iter().map(|facts| facts.links[0].carried as f64 / facts.links[0].capacity as f64).collect();
        assert_mean(&format!("link, sizes of cv {cv}: utilisation"), &busy, 0.7);
    }
}

fn mean_duration(facts: &Observations) -> f64 {
    let counts = facts.workloads[0].counts;
    counts.duration_sum_micros as f64 / 1e6 / counts.completed as f64
}

/// The request arrives while the token lives, and is taken up when it does not.
#[test]
fn a_token_grows_old_in_a_queue() {
    for (workers, expected) in [(1, "ask"), (2, "")] {
        let text = format!(
            "name = \"old\"
            run = {{ duration = \"2s\" }}
            keystone.token.expiration = 60
            cloud.requests.time = \"100s\"
            [[service]]
            name = \"shop\"
            pools = {{ api = {workers} }}
            [[job]]
            name = \"visit\"
            description = \"A visit.\"
            steps = [{{ request = \"ask\", from = \"client\", to = \"shop\" }}]
            [[workload]]
            job = \"visit\"
            arrivals = {{ every = \"1s\" }}
            token_age = \"0s\""
        );
        let model = study(&text).points.remove(0).model;
        let records = records(&model, 0);
        assert_eq!(records[0].outcome, Outcome::Completed);
        match failure(&records[1]) {
            None => assert_eq!(expected, "", "{workers} workers"),
            Some(failure) => {
                assert_eq!(model.workloads[0].kind.step_name(failure.step), expected, "{workers} workers");
                assert_eq!(records[1].ended.map(|ended| ended.micros()), Some(100_000_000), "when it is taken up");
            }
        }
    }
}

/// What waits is what was waited: over a run that drains, the integral of the queue is the sum of the waits, exactly.
#[test]
fn littles_law_holds_in_every_pool() {
    let model = shop(
        "api = 2, till = 3, gate = 1",
        "{ request = \"come\", from = \"client\", to = \"shop\", inside = [{ slot = \"shop.till\", steps = [{ wait = \"pay\" }] }] }, \
         { slot = \"shop.gate\", steps = [{ wait = \"leave\" }] }",
        "pay = { meaning = \"Paying.\" }, leave = { meaning = \"Leaving.\" }",
        "arrivals = { poisson = \"1/s\" }\npay = { exponential = { mean = \"1s\" } }\nleave = { uniform = [\"0s\", \"1500ms\"] }",
    );
    let mut model = model;
    model.run.warm_up = Span::ZERO;
    for replication in 0..5 {
        let facts = simulate(&model, replication, Records::Jobs);
        assert_eq!(facts.workloads[0].counts.unfinished, 0);
        for name in ["api", "till", "gate"] {
            let pool = pool(&model, &facts, "shop", name);
            assert_eq!(pool.waiting_micros, pool.wait_sum_micros, "{name}");
            assert_eq!((pool.arrived, pool.served), (facts.workloads[0].counts.jobs, pool.arrived), "{name}");
            assert!(pool.waiting_micros > 0 || name == "till", "somebody waited at {name}");
        }
    }
}
