//! Job kinds, procedures and services of a scenario's own.

use std::sync::Arc;

use super::*;
use crate::model::program::Op;
use crate::model::{Model, Sends, ServiceId, Source};
use crate::units::Span;

const HOUR: Span = Span::from_seconds(3_600);

/// The blocks of TOML in the document that describes the step language, in its order.
fn examples() -> Vec<&'static str> {
    let text = include_str!("../../../docs/JOBS.md");
    text.split("```toml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

fn models(text: &str) -> Vec<Model> {
    let study = read(&around(text)).unwrap_or_else(|issues| panic!("{text}\n{issues}"));
    study.points.into_iter().map(|point| point.model).collect()
}

fn lines(text: &str) -> Vec<String> {
    read(&around(text)).expect_err(text).lines()
}

fn pool<'m>(model: &'m Model, service: &str, name: &str) -> &'m crate::model::Pool {
    let is_it = |pool: &&crate::model::Pool| model.service(pool.service).name == service && pool.name == name;
    model.pools.iter().find(is_it).unwrap_or_else(|| panic!("{service}.{name}"))
}

#[test]
fn the_scenario_of_the_document_is_good() {
    let [scenario, _] = examples().try_into().expect("a scenario, then a service and a link");
    let study = read(scenario).unwrap_or_else(|issues| panic!("{issues}"));
    let [one, four] = study.points.as_slice() else { panic!("two lifetimes") };
    assert_eq!((one.model.keystone.expiration, four.model.keystone.expiration), (HOUR, HOUR * 4));
    let (first, second) = (&one.model.workloads[0], &four.model.workloads[0]);
    let size = first.kind.quantity("dump_size").unwrap();
    let copy = first.source(first.kind.quantity("copy").unwrap());
    assert!(matches!(copy, Source::Copy { size: of, link } if *of == size
        && one.model.links[link.index()].per_job.is_some_and(|speed| speed.bytes_per_second() == 30 << 20)));
    assert!(Arc::ptr_eq(&first.program, &second.program), "nothing in the sweep changes the course");
    assert_eq!(one.model.processes.last().map(|process| process.sends), Some(Sends::Never));
    assert_eq!((pool(&one.model, "trove", "api").slots, pool(&one.model, "trove", "restores").slots), (None, Some(4)));
}

#[test]
fn the_service_and_the_link_of_the_document_are_good() {
    let [_, own] = examples().try_into().expect("a scenario, then a service and a link");
    let models = models(own);
    let trove = models[0].services.last().unwrap();
    assert_eq!(trove.name, "trove");
    let middleware = trove.keystone_authtoken.as_ref().unwrap();
    assert_eq!(middleware.token_cache_time, Some(Span::from_seconds(300)));
    assert!(middleware.service_token_roles_required);
    let process = models[0].processes.last().unwrap();
    assert_eq!((process.name.as_str(), process.sends), ("trove", Sends::ServiceUser));
    assert_eq!(
        (pool(&models[0], "trove", "api").slots, pool(&models[0], "trove", "restores").slots),
        (Some(8), Some(4))
    );
    assert_eq!(&models[0].pools[trove.api.index()], pool(&models[0], "trove", "api"));
    let link = models[0].links.last().unwrap();
    assert_eq!(link.name, "backup_network");
    let speeds = [link.per_job, link.bandwidth].map(|speed| speed.map(|speed| speed.bytes_per_second()));
    assert_eq!(speeds, [Some(200_000_000), Some(1_250_000_000)]);
}

#[test]
fn every_pool_and_service_stands_at_its_place() {
    let models = models("[[service]]\nname = \"trove\"\n[[service]]\nname = \"heat\"\npools = { stacks = 1 }\n");
    let names: Vec<&str> = models[0].services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["keystone", "nova", "cinder", "glance", "swift", "neutron", "trove", "heat"]);
    for (index, service) in (0..).zip(models[0].services.iter()) {
        let pool = &models[0].pools[service.api.index()];
        assert_eq!((pool.service, pool.name.as_str(), pool.slots), (ServiceId(index), "api", None));
    }
    assert_eq!(models[0].links.len(), 4);
    // Behind the caches of every cloud, one for each.
    let caches: Vec<_> = models[0].services[6..].iter().map(|service| (service.first_cache, service.caches)).collect();
    assert_eq!((caches.as_slice(), models[0].caches), ([(6, 1), (7, 1)].as_slice(), 8));
}

#[test]
fn jobs_copy_over_a_link_of_the_scenario() {
    let text = "name = \"x\"\n[[link]]\nname = \"wan\"\nbandwidth = \"10MB/s\"\n\
        [[service]]\nname = \"trove\"\npools = { api = 3, restores = 2 }\n\
        [[job]]\nname = \"copy\"\ndescription = \"\"\n\
        quantities = { size = { unit = \"bytes\", meaning = \"\" }, copy = { size = \"size\", over = \"wan\", meaning = \"\" } }\n\
        steps = [{ slot = \"trove.restores\", steps = [{ wait = \"copy\" }] }]\n\
        [[workload]]\njob = \"copy\"\narrivals = { every = \"1h\" }\nsize = \"1GB\"\n";
    let study = read(text).unwrap_or_else(|issues| panic!("{issues}"));
    assert!(study.notes.is_empty(), "{:?}", study.notes);
    let model = &study.points[0].model;
    let workload = &model.workloads[0];
    let Source::Copy { link, .. } = workload.source(workload.kind.quantity("copy").unwrap()) else { panic!("a copy") };
    let link = &model.links[link.index()];
    assert_eq!((link.name.as_str(), link.per_job, model.links.len()), ("wan", None, 5));
    assert_eq!(link.bandwidth.map(|speed| speed.bytes_per_second()), Some(10_000_000));
    let Op::Acquire(pool) = workload.program.ops[0] else { panic!("a slot") };
    let pool = &model.pools[pool.index()];
    assert_eq!((pool.name.as_str(), pool.slots, pool.hosts), ("restores", Some(2), 1));
    let slow = read(&text.replace("bandwidth = \"10MB/s\"\n", "")).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!(
        slow.notes,
        ["workload `copy`: `copy` takes no time, because neither its duration nor `link.wan.per_job` is given"]
    );
}

/// Each asks only for keys that there are, and has a course under their defaults.
#[test]
fn every_shipped_kind_compiles_under_the_defaults() {
    let shipped = crate::jobs::builtins();
    let mut cx = Context::default();
    shipped.iter().for_each(|definition| settings::check(definition, &mut cx));
    assert_eq!(cx.issues.len(), 0, "{}", cx.issues.finish(cx.sources.into_list()));
    let workload = |kind: &str| format!("[[workload]]\njob = \"{kind}\"\narrivals = {{ every = \"1h\" }}\n");
    let text: String = shipped.iter().map(|definition| workload(&definition.kind.name)).collect();
    let study = read(&format!("name = \"x\"\n{text}")).unwrap_or_else(|issues| panic!("{issues}"));
    let model = &study.points[0].model;
    assert_eq!(model.workloads.len(), shipped.len());
    for workload in model.workloads.iter() {
        assert!(workload.program.ops.contains(&Op::Complete), "{}", workload.name);
    }
}

#[test]
fn a_change_compiles_the_courses_anew() {
    let text = "[[change]]\nat = \"1h\"\nnova.DEFAULT.block_device_allocate_retries = 7\n\
        [[change]]\nat = \"2h\"\nkeystone.token.expiration = 600\n";
    let models = models(text);
    let programs: Vec<_> = models[0].changes.iter().map(|change| &change.model.workloads[0].program).collect();
    let attempts = |program: &crate::model::program::Program| {
        program.ops.iter().find_map(|op| if let Op::Poll(poll) = op { Some(poll.attempts) } else { None })
    };
    assert_eq!(attempts(&models[0].workloads[0].program), Some(61));
    assert_eq!(attempts(programs[0]), Some(8));
    assert!(Arc::ptr_eq(programs[0], programs[1]), "what changes nothing of the course keeps it");
}

/// A kind whose one request is there only under a condition.
fn when(condition: &str) -> String {
    format!(
        "[[job]]\nname = \"k\"\ndescription = \"\"\nquantities = {{ size = {{ unit = \"bytes\", meaning = \"\" }}, n = {{ size = \"size\", per = \"nova.DEFAULT.block_device_allocate_retries\", meaning = \"\" }} }}\n\
         steps = [{{ request = \"a\", from = \"client\", to = \"nova\", when = {{ {condition} }} }}]\n\
         [[workload]]\njob = \"k\"\narrivals = {{ every = \"1h\" }}\ndelete_on_termination = true\n"
    )
}

#[test]
fn conditions_compare_what_values_mean() {
    for (condition, holds) in [
        ("\"keystone.token.expiration\" = \"1h\"", true),
        ("keystone.token.expiration = 3600", true),
        ("\"keystone.token.expiration\" = [60, \"60m\"]", true),
        ("\"keystone.token.expiration\" = 3601", false),
        ("\"workload.delete_on_termination\" = true", true),
        ("\"glance.glance_store.cinder_store_user_name\" = \"\"", true),
        ("\"glance.glance_store.cinder_store_user_name\" = \"glance\"", false),
        ("\"cloud.release\" = \"2026.2\", \"cloud.image_path\" = \"clone\"", false),
        ("\"cloud.fernet_rotation.every\" = \"1d\"", false),
        ("\"cloud.fernet_rotation.every\" = { not = \"1d\" }", true),
        ("\"cloud.image_path\" = { not = [\"copy\", \"clone\"] }", false),
        ("\"glance.glance_store.cinder_store_user_name\" = { not = \"\" }", false),
    ] {
        let text = when(condition).replace("per = \"nova.DEFAULT.block_device_allocate_retries\"", "per = \"1kB\"");
        let models = models(&text);
        let workload = &models[0].workloads[0];
        let is_there = matches!(workload.program.ops[0], Op::Request { .. });
        assert_eq!(is_there, holds, "{condition}");
        let size = workload.kind.quantity("size").unwrap();
        let pieces = workload.source(workload.kind.quantity("n").unwrap());
        assert_eq!(pieces, &Source::Pieces { size, per: 1000, from: 0 });
    }
}

#[test]
fn what_a_kind_asks_of_the_scenario_is_checked() {
    for (condition, problem) in [
        ("\"keystone.token.expiratoin\" = 3", "unknown key `keystone.token.expiratoin`"),
        ("\"service.name\" = \"x\"", "unknown key `service.name`"),
        ("\"cloud.image_path\" = \"clnoe\"", "`cloud.image_path`: unknown value `clnoe`"),
        ("\"cloud.requests.time\" = \"1s\"", "`cloud.requests.time` has a value that cannot be compared"),
    ] {
        let found = lines(&when(condition));
        let [size, condition] = found.as_slice() else { panic!("{found:?}") };
        assert!(
            size.ends_with("`nova.DEFAULT.block_device_allocate_retries` holds no number of bytes above 0"),
            "{size}"
        );
        assert!(condition.ends_with(problem), "{condition}");
    }
}

#[test]
fn names_that_are_taken_or_unknown() {
    for (text, problem) in [
        ("[[service]]\nname = \"nova\"\n", "t.toml:3:8: there is a service or process `nova` already"),
        ("[[service]]\nname = \"client\"\n", "t.toml:3:8: there is a service or process `client` already"),
        (
            "[[service]]\nname = \"a.b\"\n",
            "t.toml:3:8: `service.name`: `a.b` is not a letter, then letters, digits, `_` and `-`, at most 100",
        ),
        (
            "[[service]]\nname = \"a\"\npools = { api = 0 }\n",
            "t.toml:4:17: `service.pools.api`: takes an integer from 1 to 1000000",
        ),
        (
            "[[service]]\nname = \"a\"\npools = { api = \"8\" }\n",
            "t.toml:4:17: `service.pools.api`: expected an integer above 0, found a string",
        ),
        ("[[service]]\nname = \"a\"\npols = {}\n", "t.toml:4:1: unknown key `service.pols`"),
        (
            "[[job]]\nname = \"k\"\ndescription = \"\"\nsteps = []\nquantities = { arrivals = { meaning = \"\" } }\n",
            "t.toml:3:8: a quantity cannot be named `arrivals`, which is a key of every workload",
        ),
    ] {
        assert_eq!(lines(text), [problem], "{text}");
    }
    let unknown = read(
        "name = \"x\"\n[[job]]\nname = \"mine\"\ndescription = \"\"\nsteps = []\n[[workload]]\njob = \"mien\"\narrivals = { every = \"1h\" }\n",
    );
    let unknown = unknown.expect_err("there is no such kind");
    assert_eq!(unknown.lines(), ["t.toml:7:7: `workload.mien.job`: unknown value `mien`"]);
    assert!(unknown.render(false).contains("did you mean `mine`? known here: `boot-from-volume`"), "{unknown}");
}

#[test]
fn services_are_counted() {
    let text: String = (0..201).map(|n| format!("[[service]]\nname = \"s{n}\"\n")).collect();
    assert_eq!(lines(&text), ["t.toml:402:1: more than 200 services"]);
}

/// A definition with a problem is compiled all the same, for the problems that only show then.
#[test]
fn what_is_wrong_with_a_course_ends_in_an_issue() {
    let text = "[[job]]
name = \"j\"
description = \"d\"
steps = [{ request = \"post\", from = \"client\", to = \"nova\" }, { answer = 404 }, { beside = [{ answer = 500 }] }]
[[workload]]
job = \"j\"
arrivals = { every = \"10m\" }
";
    let found = lines(text);
    assert_eq!(found.iter().filter(|line| line.contains("`answer` stands in no request")).count(), 2, "{found:?}");
}
