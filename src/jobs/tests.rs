//! Definitions, good and bad: every problem at its place, and the programs that come out, as tables of texts.
//!
//! `OUTLAST_RENEW=1 cargo test --lib jobs` rewrites what stands behind `=>`; read the difference before you keep it.

mod listing;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::assemble::successors;
use super::definition::Definition;
use super::*;
use crate::document::{self, Place, Sources, Value};
use crate::model::program::{Op, Program, Refused};
use crate::units::{Span, parse};
use listing::listing;

/// Settings written as TOML values; what is not there holds nothing.
#[derive(Default)]
struct Written(BTreeMap<&'static str, &'static str>);

impl Settings for Written {
    fn holds(&self, key: &str, value: &Value) -> bool {
        self.0.get(key).is_some_and(|held| value.to_string() == *held)
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.parse().ok()
    }

    fn span(&self, key: &str) -> Option<Span> {
        parse::span(self.0.get(key)?).ok()
    }

    fn place(&self, _: &str) -> Option<Place> {
        None
    }
}

/// The kinds of a text, read beside one service of its own, or the lines of its problems.
fn read_text(text: &str) -> Result<Vec<Arc<Definition>>, Vec<String>> {
    let mut sources = Sources::default();
    let mut issues = Collected::default();
    let source = sources.add("t.toml", Arc::from(text), Path::new(""));
    let mut names = Names::well_known();
    names.add_service("trove", &["restores"]);
    let table = document::parse(text, source, &mut issues);
    let found = table.map(|table| read(&table, &names, &mut issues)).unwrap_or_default();
    if issues.len() > 0 { Err(lines(issues, sources)) } else { Ok(found) }
}

fn lines(issues: Collected, sources: Sources) -> Vec<String> {
    let rendered = issues.finish(sources.into_list());
    assert!(!rendered.render(false).is_empty());
    rendered.lines().into_iter().zip(helps(&rendered)).map(|(line, help)| line + &help).collect()
}

/// What is advised, as far as it names what could be meant.
fn helps(issues: &document::Issues) -> Vec<String> {
    let blocks: Vec<String> = issues.render(false).split("\n\n").map(str::to_owned).collect();
    let help = |block: &String| {
        let at = block.find("did you mean ")?;
        let rest = &block[at..];
        Some(format!(" ({})", &rest[..=rest.find('?')?]))
    };
    blocks.iter().map(|block| help(block).unwrap_or_default()).collect()
}

/// A kind with a few quantities and a resource around these steps.
fn around(steps: &str) -> String {
    format!(
        "[[job]]
name = \"k\"
description = \"\"
quantities = {{ long = {{ meaning = \"\" }}, size = {{ unit = \"bytes\", meaning = \"\" }}, n = {{ size = \"size\", per = \"1MB\", meaning = \"\" }} }}
resources = {{ volume = [\"creating\", \"available\", \"error\", \"deleted\"] }}
steps = [
{steps}
]
[[procedure]]
name = \"fill\"
steps = [{{ request = \"get\", from = \"trove\", to = \"glance\" }}, {{ set = {{ volume = \"available\" }} }}]
"
    )
}

/// Every block of a table against what it gives.
fn table(name: &str, result: impl Fn(&str) -> String) {
    let path = format!("{}/src/jobs/tests/{name}", env!("CARGO_MANIFEST_DIR"));
    let stored = fs::read_to_string(&path).unwrap();
    let block = |block: &str| {
        let (text, _) = block.split_once("\n=>").expect("a block has a result");
        format!("{text}\n=>\n{}", result(text))
    };
    let renewed = stored.trim_end().split("\n----\n").map(block).collect::<Vec<_>>().join("\n----\n") + "\n";
    if std::env::var_os("OUTLAST_RENEW").is_some() {
        fs::write(&path, &renewed).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap();
    for (stored, found) in stored.split("\n----\n").zip(renewed.split("\n----\n")) {
        assert_eq!(stored.trim_end(), found.trim_end(), "{name}");
    }
}

fn compiled(definition: &Definition, settings: &Written) -> Result<String, Vec<String>> {
    let mut issues = Collected::default();
    let program = definition.compile(settings, Place::NOWHERE, &mut issues);
    if issues.len() > 0 {
        assert!(program.is_none());
        return Err(issues.finish(Vec::new()).lines());
    }
    let mut names = Names::well_known();
    names.add_service("trove", &["restores"]);
    Ok(listing(&program.expect("without problems there is a program"), &definition.kind, &names))
}

#[test]
fn whole_kinds_with_problems() {
    table("kinds.txt", |text| read_text(text).expect_err(text).join("\n"));
}

#[test]
fn steps_with_problems() {
    table("steps.txt", |text| read_text(&around(text)).expect_err(text).join("\n"));
}

#[test]
fn programs_of_small_kinds() {
    let settings = Written(BTreeMap::from([("on", "true"), ("off", "false"), ("three", "3"), ("pause", "3s")]));
    table("programs.txt", |text| {
        let kinds = read_text(&around(text)).unwrap_or_else(|lines| panic!("{text}\n{lines:#?}"));
        compiled(&kinds[0], &settings).unwrap_or_else(|lines| lines.join("\n"))
    });
}

/// What a volume boots by, under the defaults of the key table and under other settings.
#[test]
fn programs_of_boot_from_volume() {
    const KEYS: [(&str, &str); 7] = [
        ("cloud.image_path", "\"copy\""),
        ("cinder.DEFAULT.scheduler_max_attempts", "3"),
        ("cinder.DEFAULT.verify_glance_signatures", "\"enabled\""),
        ("nova.DEFAULT.block_device_allocate_retries", "60"),
        ("nova.DEFAULT.block_device_allocate_retries_interval", "3s"),
        ("glance.glance_store.default_store", "\"file\""),
        ("workload.delete_on_termination", "true"),
    ];
    table("boot_from_volume.txt", |changes| {
        let mut settings = Written(BTreeMap::from(KEYS));
        for change in changes.lines().filter(|line| !line.starts_with('#')) {
            let (key, value) = change.split_once(" = ").expect("a change is `key = value`");
            settings.0.insert(key.to_owned().leak(), value.to_owned().leak());
        }
        compiled(builtin("boot-from-volume").unwrap(), &settings).unwrap_or_else(|lines| lines.join("\n"))
    });
}

#[test]
fn shipped_kinds_and_those_of_a_scenario_share_procedures() {
    let text = around("{ call = \"fill\" }, { call = \"glance-reads-image\" }, { beside = [{ call = \"nothing\" }] }");
    let lines = read_text(&text).expect_err("two of three are good, one outside a request and one unknown");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("unknown procedure `nothing`"), "{lines:?}");
    let text =
        around("{ request = \"a\", from = \"client\", to = \"glance\", inside = [{ call = \"glance-reads-image\" }] }");
    let text = text.replace("name = \"fill\"", "name = \"glance-reads-image\"");
    let lines = read_text(&text).expect_err("the name is taken");
    assert!(lines[0].contains("the procedure `glance-reads-image` is built in"), "{lines:?}");
}

/// Steps, good and bad, that may stand anywhere.
fn any_step() -> impl Strategy<Value = String> {
    let leaves = vec![
        "{ request = \"a\", from = \"client\", to = \"nova\", times = 2 }",
        "{ request = \"b\", from = \"trove\", to = \"glance\", cleanup = true, when = { on = true } }",
        "{ poll = \"p\", from = \"client\", to = \"cinder\", until = { volume = \"available\" }, error = { volume = \"error\" }, interval = \"pause\", gave_up = [{ answer = 400 }] }",
        "{ poll = \"p\", from = \"client\", to = \"cinder\", until = { volume = \"available\" }, interval = \"1s\", retries = \"three\" }",
        "{ set = { volume = \"error\" } }",
        "{ wait = \"long\" }",
        "{ wait = \"1s\", when = { off = true } }",
        "{ answer = 409 }",
        "{ exchange = \"e\", from = \"trove\" }",
        "{ cleanup = \"kept\" }",
        "{ call = \"fill\" }",
        "{ rpc = \"trove\" }",
    ];
    prop::sample::select(leaves).prop_map(str::to_owned).prop_recursive(6, 40, 4, |inner| {
        let list = || prop::collection::vec(inner.clone(), 0..4).prop_map(|steps| format!("[{}]", steps.join(", ")));
        prop_oneof![
            list().prop_map(|steps| format!("{{ slot = \"trove.restores\", steps = {steps} }}")),
            list().prop_map(|steps| format!("{{ slot = \"nova.builds\", steps = {steps}, when = {{ on = true }} }}")),
            list().prop_map(|steps| format!(
                "{{ request = \"c\", from = \"client\", to = \"cinder\", inside = {steps} }}"
            )),
            list().prop_map(|steps| format!("{{ attempt = {steps} }}")),
            list().prop_map(|steps| format!("{{ beside = {steps} }}")),
            list().prop_map(|steps| format!("{{ retry = 2, steps = {steps} }}")),
            list().prop_map(|steps| format!("{{ wait = \"long\", parts = \"n\", each = {steps} }}")),
            (list(), list()).prop_map(|(steps, refused)| format!("{{ try = {steps}, refused = {refused} }}")),
            (list(), list()).prop_map(|(then, other)| format!(
                "{{ if = {{ volume = \"error\" }}, then = {then}, else = {other} }}"
            )),
            (list(), list()).prop_map(|(then, other)| format!(
                "{{ if = {{ service_token = true }}, then = {then}, else = {other} }}"
            )),
        ]
    })
}

/// What the driver relies on without looking.
fn assert_walkable(program: &Program) {
    let is_inside = |refused: Refused| usize::from(refused.depth) < Program::MOST_REFUSALS;
    for (at, op) in program.ops.iter().enumerate() {
        assert!(successors(op, at).into_iter().all(|next| next < program.ops.len()), "{at}: {op:?}");
        match *op {
            Op::Fork { branch } => assert!(usize::from(branch.0) < program.ops.len()),
            Op::Request { refused, .. } | Op::Obtain { refused, .. } | Op::Answer { refused, .. } => {
                assert!(is_inside(refused), "{op:?}");
            }
            Op::Poll(poll) => assert!(is_inside(poll.refused) && is_inside(poll.gave_up), "{op:?}"),
            Op::BeginRetry { level } | Op::EndRetry { level } | Op::Again { level, .. } => {
                assert!(usize::from(level) < Program::MOST_RETRIES, "{op:?}");
            }
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_what_compiles_can_be_walked(steps in prop::collection::vec(any_step(), 1..4)) {
        let settings = Written(BTreeMap::from([("on", "true"), ("three", "3"), ("pause", "3s")]));
        for definition in read_text(&around(&steps.join(",\n"))).unwrap_or_default() {
            let mut issues = Collected::default();
            match definition.compile(&settings, Place::NOWHERE, &mut issues) {
                Some(program) => assert_walkable(&program),
                None => assert!(issues.len() > 0, "no program needs a reason"),
            }
        }
    }
}

/// Calls that multiply, repetitions that multiply, and lists within lists.
#[test]
fn what_grows_without_end_is_refused() {
    let mut procedures = String::from("[[procedure]]\nname = \"p0\"\nsteps = [{ wait = \"1s\" }]\n");
    for n in 1..20 {
        let call = format!("{{ call = \"p{}\" }}", n - 1);
        procedures.push_str(&format!("[[procedure]]\nname = \"p{n}\"\nsteps = [{call}, {call}, {call}]\n"));
    }
    let lines = read_text(&format!("{}{procedures}", around("{ call = \"p19\" }"))).expect_err("3^19 steps");
    assert!(lines.iter().any(|line| line.contains("more than 2000 steps")), "{lines:?}");

    let mut steps = "{ wait = \"1s\" }".to_owned();
    for name in ["a", "b", "c"] {
        steps =
            format!("{{ request = \"{name}\", from = \"client\", to = \"nova\", times = 200, inside = [{steps}] }}");
    }
    let kinds = read_text(&around(&steps)).unwrap();
    let lines = compiled(&kinds[0], &Written::default()).expect_err("200^3 requests");
    assert!(lines[0].contains("more than 8000 operations"), "{lines:?}");
    let attempts = vec!["{ attempt = [{ wait = \"1s\" }] }"; 900].join(", ");
    let steps = format!("{{ request = \"a\", from = \"client\", to = \"nova\", times = 255, inside = [{attempts}] }}");
    let lines = compiled(&read_text(&around(&steps)).unwrap()[0], &Written::default()).expect_err("255 times 900");
    assert!(lines[0].contains("more than 8000 operations"), "{lines:?}");
}
