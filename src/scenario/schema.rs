//! The JSON Schema of scenario files, from the key table, for editors. The real check is that of the parent module.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::cluster::{FOLLOWER, MISSED, PERIOD};
use super::dist::{KINDS, Unit};
use super::keys::{self, Default, KEYS, Key, LISTS};
use super::kind::Kind;
use super::kinds;
use super::own_presets::PRESETS;
use super::presets;
use super::process::{BURST, BURST_JOBS};
use super::reference::newest_default;
use super::sweep::ZIP;
use crate::document::{Node, Value};
use crate::jobs;
use crate::random::daily::HOURS;

/// The schema; it accepts every good file, and refuses unknown keys and wrong types.
pub fn schema() -> Json {
    let (mut root, mut preset) = (object(), object());
    for key in KEYS {
        let segments: Vec<&str> = key.path.split('.').collect();
        match segments.as_slice() {
            [list, rest @ ..] if LISTS.contains(list) => insert(items(&mut root, list), rest, key),
            path => insert(&mut root, path, key),
        }
        if keys::list_of(key.path).is_some() {
            continue;
        }
        // What holds before a change, or below a preset, is no default of it.
        let key = &Key { default: Default::Unset(""), ..*key };
        if key.steady.is_none() {
            insert(items(&mut root, "change"), &segments, key);
        }
        if key.fixed.is_none() {
            insert(&mut preset, &segments, key);
        }
    }
    root["properties"][PRESETS]["additionalProperties"] = preset;
    let workload = &mut root["properties"]["workload"]["items"];
    for name in quantities() {
        property(workload, name, || of_quantity(name));
    }
    // A scenario's own kinds draw quantities that no list here can know.
    let drawn = [Unit::Seconds, Unit::Bytes, Unit::Count].map(|unit| of_kind(Kind::Dist(unit)));
    root["properties"]["workload"]["items"]["additionalProperties"] = json!({ "anyOf": drawn });
    root["properties"]["job"]["items"] = of_jobs(&jobs::KIND_KEYS, &["name", "description", "steps"]);
    root["properties"]["procedure"]["items"] = of_jobs(&jobs::PROCEDURE_KEYS, &jobs::PROCEDURE_KEYS);
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("outlast scenario");
    root["$defs"] = definitions();
    // Dotted keys in quotes have their list at once, those without stand in tables of tables.
    let swept = json!({ "anyOf": [{ "type": "array", "minItems": 1 }, { "type": "object" }] });
    let together = json!({ "type": "object", "minProperties": 1, "additionalProperties": swept });
    root["properties"]["sweep"]["properties"] = json!({ ZIP: {
        "type": "array",
        "description": "Keys whose lists have one length and vary together.",
        "items": together,
    } });
    root["properties"]["sweep"]["additionalProperties"] = swept;
    root["properties"]["expect"]["items"]["anyOf"] = json!([{ "required": ["min"] }, { "required": ["max"] }]);
    root
}

/// The names of what jobs of the shipped kinds draw, each once.
fn quantities() -> BTreeSet<&'static str> {
    let all = jobs::builtins().iter().flat_map(|definition| &definition.kind.quantities);
    all.map(|quantity| quantity.name.as_str()).collect()
}

/// The key of a quantity, which kinds may share and mean otherwise.
fn of_quantity(name: &str) -> Json {
    let kinds = jobs::builtins().iter().map(|definition| &*definition.kind);
    let drawn = kinds.flat_map(|kind| kind.quantities.iter().map(move |quantity| (&kind.name, quantity)));
    let (mut types, mut meanings): (Vec<Json>, Vec<String>) = (Vec::new(), Vec::new());
    for (kind, quantity) in drawn.filter(|(_, quantity)| quantity.name == name) {
        let of_unit = of_kind(kinds::value_kind(quantity.unit));
        if !types.contains(&of_unit) {
            types.push(of_unit);
        }
        meanings.push(format!("{kind}: {}", quantity.meaning));
    }
    json!({ "anyOf": types, "description": meanings.join("\n") })
}

/// A table of the step language.
fn of_jobs(keys: &[&str], required: &[&str]) -> Json {
    let property = |key: &&str| {
        let schema = match *key {
            "name" => json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]*$", "maxLength": 100 }),
            "description" => json!({ "type": "string" }),
            "sources" => json!({ "type": "array", "items": { "type": "string" } }),
            "steps" => json!({ "$ref": "#/$defs/steps" }),
            _ => json!({ "type": "object" }),
        };
        ((*key).to_owned(), schema)
    };
    let properties: Map<String, Json> = keys.iter().map(property).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

/// A list of steps: each has one of the forms. What names mean is beyond a schema.
fn steps() -> Json {
    let forms = jobs::Form::ALL.map(|form| {
        let keys = form.keys();
        let known = [keys.name].into_iter().chain(keys.required.iter().copied()).chain(keys.optional.iter().copied());
        let mut properties: Map<String, Json> = known
            .map(|key| {
                let schema = match key {
                    "inside" | "each" | "steps" | "gave_up" | "refused" | "then" | "else" | "try" | "attempt"
                    | "beside" => json!({ "$ref": "#/$defs/steps" }),
                    "if" | "set" | "until" | "error" => json!({ "type": "object" }),
                    "from" | "to" | "slot" | "rpc" | "call" | "wait" | "interval" | "reason" | "parts" | "token"
                    | "client" | "request" | "poll" | "exchange" | "trust" | "login" => json!({ "type": "string" }),
                    _ => json!({}),
                };
                (key.to_owned(), schema)
            })
            .collect();
        properties.insert("when".to_owned(), json!({ "type": "object" }));
        let required: Vec<&str> = [keys.name].into_iter().chain(keys.required.iter().copied()).collect();
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
    });
    json!({ "type": "array", "items": { "anyOf": forms } })
}

fn object() -> Json {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

/// The tables of a list at the top.
fn items<'j>(root: &'j mut Json, list: &str) -> &'j mut Json {
    let list = property(root, list, || json!({ "type": "array", "items": object() }));
    list.get_mut("items").expect("a list of the schema has items")
}

/// The property of an object, made if it is not there.
fn property<'j>(object: &'j mut Json, name: &str, make: impl FnOnce() -> Json) -> &'j mut Json {
    let properties = object["properties"].as_object_mut().expect("objects of the schema have properties");
    properties.entry(name).or_insert_with(make)
}

fn insert(parent: &mut Json, path: &[&str], key: &Key) {
    match path {
        [] => {}
        [name] => {
            let mut schema = of_kind(key.kind);
            schema["description"] = json!(key.meaning);
            if let Some(default) = newest_default(key) {
                schema["default"] = plain(&default);
            }
            // What a scenario needs may also come from an include, but a list's table stands alone.
            if matches!(key.default, Default::Required) && key.path.contains('.') {
                let required = parent.as_object_mut().expect("a schema is an object").entry("required");
                if let Some(list) = required.or_insert_with(|| json!([])).as_array_mut() {
                    list.push(json!(name));
                }
            }
            property(parent, name, || schema);
        }
        [first, rest @ ..] => insert(property(parent, first, object), rest, key),
    }
}

fn of_kind(kind: Kind) -> Json {
    match kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Integer { min: i64::MIN, max } => json!({ "type": "integer", "maximum": max }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Size { max } => of_kind(Kind::Integer { min: 1, max }),
        Kind::Share => json!({ "$ref": "#/$defs/share" }),
        Kind::Level => json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words() }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Name => json!({ "type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]*$", "maxLength": 100 }),
        Kind::Words => json!({ "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string" }] }),
        Kind::Paths => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Seconds { off } => {
            json!({ "anyOf": [{ "type": "integer", "minimum": if off { -1 } else { 0 } }, { "$ref": "#/$defs/duration" }] })
        }
        Kind::Time { .. } => json!({ "$ref": "#/$defs/duration" }),
        Kind::SignedTime | Kind::Instant => json!({ "$ref": "#/$defs/signed_duration" }),
        Kind::ByNode => json!({ "anyOf": [of_kind(Kind::SignedTime), of_kind(Kind::Instants)] }),
        Kind::Schedules => json!({ "type": "array", "items": of_kind(Kind::Instants) }),
        Kind::Periods => records(&PERIOD),
        Kind::MissedSyncs => records(&MISSED),
        Kind::Instants => json!({ "type": "array", "items": { "$ref": "#/$defs/signed_duration" } }),
        Kind::Offset => json!({ "anyOf": [{ "const": "random" }, { "$ref": "#/$defs/signed_duration" }] }),
        Kind::Throughput => json!({ "type": "string", "pattern": "^[0-9. ]+(B|[kKMGTP]B|[KMGTP]iB|[kMGT]?bit) ?/s$" }),
        Kind::Dist(unit) => json!({ "$ref": format!("#/$defs/{}", definition(unit)) }),
        Kind::Arrivals => json!({ "anyOf": [
            single("poisson", rate()),
            single("every", json!({ "$ref": "#/$defs/duration" })),
            single("daily", json!({ "type": "array", "items": rate(), "minItems": HOURS, "maxItems": HOURS })),
            single("burst", json!({
                "type": "object",
                "additionalProperties": false,
                "required": BURST,
                "properties": {
                    "at": { "$ref": "#/$defs/duration" },
                    "jobs": of_kind(BURST_JOBS),
                    "over": { "$ref": "#/$defs/duration" },
                },
            })),
            single("trace", json!({ "type": "string" })),
        ] }),
        Kind::TokenAge => json!({ "anyOf": [
            { "$ref": "#/$defs/distribution_of_time" },
            single("of_expiration", json!({ "$ref": "#/$defs/distribution_of_share" })),
            single("renewing", json!({ "$ref": "#/$defs/duration" })),
        ] }),
        Kind::Bound => json!({ "type": ["string", "number"] }),
        Kind::Free => json!({ "type": "object" }),
        // Shipped kinds and a scenario's own, which no list here can know.
        Kind::Job => json!({ "type": "string" }),
        Kind::Preset => json!({ "anyOf": [{ "enum": presets::names() }, { "type": "string" }] }),
        Kind::Tables => json!({ "type": "array", "items": { "type": "object" } }),
    }
}

/// A list of tables with exactly these fields: a node's number, or an instant.
fn records(fields: &[&str]) -> Json {
    let property = |&field: &&str| (field.to_owned(), of_kind(if field == "node" { FOLLOWER } else { Kind::Instant }));
    let properties: Map<String, Json> = fields.iter().map(property).collect();
    let item = json!({
        "type": "object",
        "additionalProperties": false,
        "required": fields,
        "properties": properties,
    });
    json!({ "type": "array", "items": item })
}

fn rate() -> Json {
    json!({ "type": "string", "pattern": "^[0-9. ]+/ ?[a-z]+$" })
}

/// A table with exactly this key.
fn single(name: &str, value: Json) -> Json {
    let mut properties = Map::new();
    properties.insert(name.to_owned(), value);
    json!({ "type": "object", "additionalProperties": false, "required": [name], "properties": properties })
}

const UNITS: [Unit; 5] = [Unit::Seconds, Unit::SignedSeconds, Unit::Bytes, Unit::Share, Unit::Count];

const fn definition(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "distribution_of_time",
        Unit::SignedSeconds => "distribution_of_signed_time",
        Unit::Bytes => "distribution_of_size",
        Unit::Share => "distribution_of_share",
        Unit::Count => "distribution_of_count",
    }
}

fn definitions() -> Json {
    let mut definitions = Map::new();
    let duration = "([0-9]+(\\.[0-9]+)? *[a-zµμ]+ *)+$";
    definitions.insert("duration".to_owned(), json!({ "type": "string", "pattern": format!("^ *{duration}") }));
    definitions
        .insert("signed_duration".to_owned(), json!({ "type": "string", "pattern": format!("^ *-? *{duration}") }));
    definitions.insert("share".to_owned(), share());
    for unit in UNITS {
        definitions.insert(definition(unit).to_owned(), distribution(unit));
    }
    definitions.insert("steps".to_owned(), steps());
    Json::Object(definitions)
}

fn percentage() -> Json {
    json!({ "type": "string", "pattern": "^[0-9. ]+% *$" })
}

fn share() -> Json {
    json!({ "anyOf": [{ "type": "number", "minimum": 0, "maximum": 1 }, percentage()] })
}

fn distribution(unit: Unit) -> Json {
    let value = match unit {
        Unit::Seconds => json!({ "$ref": "#/$defs/duration" }),
        Unit::SignedSeconds => json!({ "$ref": "#/$defs/signed_duration" }),
        Unit::Bytes => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": "^[0-9. ]+(B|[kKMGTP]B|[KMGTP]iB) *$" },
        ] }),
        Unit::Share => json!({ "anyOf": [{ "type": "number", "minimum": 0 }, percentage()] }),
        Unit::Count => json!({ "type": "number", "minimum": 0 }),
    };
    let this = json!({ "$ref": format!("#/$defs/{}", definition(unit)) });
    let above_zero = json!({ "type": "number", "exclusiveMinimum": 0 });
    let table = |fields: &[(&str, &Json)]| {
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let properties: Map<String, Json> =
            fields.iter().map(|(name, schema)| ((*name).to_owned(), (*schema).clone())).collect();
        json!({ "type": "object", "additionalProperties": false, "required": names, "properties": properties })
    };
    let list = |count: usize| json!({ "type": "array", "items": value, "minItems": count, "maxItems": count });
    let pair = json!({ "type": "array", "prefixItems": [above_zero, this], "minItems": 2, "maxItems": 2 });
    let kinds: Vec<Json> = KINDS.iter().map(|kind| json!({ "required": [kind] })).collect();
    json!({ "anyOf": [value, {
        "type": "object",
        "additionalProperties": false,
        "oneOf": kinds,
        "properties": {
            "exponential": table(&[("mean", &value)]),
            "uniform": list(2),
            "lognormal": table(&[("median", &value), ("sigma", &above_zero)]),
            "gamma": table(&[("mean", &value), ("cv", &above_zero)]),
            "weibull": table(&[("scale", &value), ("shape", &above_zero)]),
            "pareto": table(&[("scale", &value), ("shape", &above_zero)]),
            "triangular": list(3),
            "empirical": { "type": "string" },
            "mix": { "type": "array", "items": pair, "minItems": 1 },
            "min": value,
            "max": value,
        },
    }] })
}

/// A value of TOML as one of JSON.
fn plain(value: &Value) -> Json {
    match &value.node {
        Node::Flag(flag) => json!(flag),
        Node::Integer(integer) => i64::try_from(*integer).map_or(Json::Null, |integer| json!(integer)),
        Node::Real(real) => json!(real),
        Node::Text(text) | Node::Moment(text) => json!(text),
        Node::Array(items) => items.iter().map(plain).collect(),
        Node::Table(table) => {
            Json::Object(table.entries.iter().map(|entry| (entry.key.to_string(), plain(&entry.value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_it() {
        let schema = schema();
        for key in KEYS {
            let mut at = &schema;
            for segment in key.path.split('.') {
                at = if at["type"] == "array" { &at["items"] } else { at };
                at = &at["properties"][segment];
            }
            assert_eq!(at["description"], key.meaning, "{}", key.path);
        }
        let workload = &schema["properties"]["workload"]["items"]["properties"];
        for kind in jobs::builtins().iter().map(|definition| &definition.kind) {
            for quantity in &kind.quantities {
                let schema = &workload[&quantity.name];
                let meaning = format!("{}: {}", kind.name, quantity.meaning);
                assert!(schema["description"].as_str().unwrap().lines().any(|line| line == meaning), "{meaning}");
                let of_unit = of_kind(kinds::value_kind(quantity.unit));
                assert!(schema["anyOf"].as_array().unwrap().contains(&of_unit), "{meaning}");
            }
        }
    }

    #[test]
    fn a_change_sets_what_can_change() {
        let change = &schema()["properties"]["change"]["items"];
        assert_eq!(change["required"], json!(["at"]));
        let sends = "/properties/nova/properties/service_user/properties/send_service_user_token";
        assert_eq!(change.pointer(sends).map(|key| &key["type"]), Some(&json!("boolean")));
        assert_eq!(change.pointer(sends).and_then(|key| key.get("default")), None);
        for path in
            ["/properties/run", "/properties/workload", "/properties/cloud/properties/hosts", "/properties/sweep"]
        {
            assert_eq!(change.pointer(path), None, "{path}");
        }
    }

    #[test]
    fn a_preset_has_what_can_be_swept() {
        let preset = &schema()["properties"]["presets"]["additionalProperties"];
        assert_eq!(preset["additionalProperties"], json!(false));
        for path in
            ["/properties/preset", "/properties/run/properties/duration", "/properties/cloud/properties/release"]
        {
            assert!(preset.pointer(path).is_some(), "{path}");
        }
        for path in
            ["/properties/name", "/properties/run/properties/seed", "/properties/workload", "/properties/presets"]
        {
            assert_eq!(preset.pointer(path), None, "{path}");
        }
    }

    #[test]
    fn every_distribution_is_in_it() {
        for unit in UNITS {
            let distribution = distribution(unit);
            let known = distribution["anyOf"][1]["properties"].as_object().unwrap();
            for kind in KINDS {
                assert!(known.contains_key(*kind), "{kind}");
            }
            assert_eq!(known.len(), KINDS.len() + 2);
        }
    }

    #[test]
    fn unknown_keys_are_refused_on_every_level() {
        let schema = schema();
        for path in [
            "",
            "/properties/keystone",
            "/properties/keystone/properties/token",
            "/properties/expect/items",
            "/properties/job/items",
            "/properties/service/items",
        ] {
            assert_eq!(schema.pointer(&format!("{path}/additionalProperties")), Some(&json!(false)), "{path}");
        }
    }
}
