//! `docs/SCENARIO.md`: the reference of scenario files, generated from the key table around prose of its own.

use crate::jobs;
use crate::model::study::Metric;
use crate::model::vocabulary::Reason;

use super::keys::{Default, KEYS, Key, LISTS, default_text};
use super::kinds;
use super::presets::{Preset, presets};
use crate::document::{self, Table, Value};
use crate::document::{Collected, listing};

/// The reference of every key, as Markdown.
pub fn reference() -> String {
    let mut text = include_str!("reference/head.md").to_owned();
    let mut section = None;
    for key in KEYS {
        let (of, name) = heading(key);
        if section.as_ref() != Some(&of) {
            if key.path.starts_with("change.") {
                text.push_str(&quantities());
            }
            text.push_str(&format!(
                "\n### {of}\n\n| key | takes | default | meaning | source |\n| --- | --- | --- | --- | --- |\n"
            ));
            section = Some(of);
        }
        let fixed = match (key.fixed, key.steady) {
            (Some(_), _) => " (fixed)",
            (None, Some(_)) => " (stays)",
            (None, None) => "",
        };
        let takes = key.kind.describe();
        let row = format!("| `{name}`{fixed} | {takes} | {} | {} | {} |\n", default(key), key.meaning, origin(key));
        text.push_str(&row);
    }
    text.push_str(include_str!("reference/tail.md"));
    text.push_str(&names());
    text.push_str(&preset_table());
    text
}

/// The keys that workloads have for what their jobs draw.
fn quantities() -> String {
    let mut text = String::new();
    let names = jobs::Names::well_known();
    for kind in jobs::builtins().iter().map(|definition| &definition.kind) {
        text.push_str(&format!(
            "\n### `[[workload]]` with `job = \"{}\"`\n\n{}\n\n| key | takes | default | meaning |\n| --- | --- | --- | --- |\n",
            kind.name, kind.description
        ));
        for quantity in &kind.quantities {
            text.push_str(&format!(
                "| `{}` | {} | {} | {} |\n",
                quantity.name,
                kinds::value_kind(quantity.unit).describe(),
                kinds::default_in_words(kind, quantity, &names),
                quantity.meaning,
            ));
        }
    }
    text
}

/// The section as it is written, and the key inside it.
fn heading(key: &Key) -> (String, &'static str) {
    match (key.path.split_once('.'), key.path.rsplit_once('.')) {
        (Some((list, name)), _) if LISTS.contains(&list) => (format!("`[[{list}]]`"), name),
        (_, Some((section, name))) => (format!("`[{section}]`"), name),
        (_, None) => ("At the top".to_owned(), key.path),
    }
}

/// Where an option stands in OpenStack, which the path says already but for the file.
fn origin(key: &Key) -> String {
    let section = key.path.split('.').nth(1).filter(|_| key.origin.ends_with(".conf"));
    section.map_or_else(|| key.origin.to_owned(), |section| format!("{} `[{section}]`", key.origin))
}

fn default(key: &Key) -> String {
    match key.default {
        Default::Unset("") => "none".to_owned(),
        Default::Unset(meaning) => meaning.to_owned(),
        Default::Required => "required".to_owned(),
        Default::Is(text) => format!("`{text}`"),
        Default::Since20262(before, since) => format!("`{since}`, before 2026.2 `{before}`"),
    }
}

fn names() -> String {
    let metrics: Vec<&str> = Metric::ALL.into_iter().map(Metric::code).collect();
    let counting: Vec<&str> =
        Metric::ALL.into_iter().filter(|metric| metric.counts_failures()).map(Metric::code).collect();
    let mut text =
        format!("- Metrics: {}.\n- Of these, `step` and `reason` narrow {}.\n", listing(&metrics), listing(&counting));
    for kind in jobs::builtins().iter().map(|definition| &definition.kind) {
        text.push_str(&format!("- Steps of `{}`: {}.\n", kind.name, listing(&kind.steps)));
    }
    let reasons: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    text.push_str(&format!("- Reasons: {}.\n", listing(&reasons)));
    text
}

fn preset_table() -> String {
    let mut text =
        "\n## Presets\n\nEach is a fragment of a scenario whose comments name the source of every value.\n\n\
        | preset | what it is | lifetime | window | keys | rotation | Nova sends | Cinder sends | release |\n\
        | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for preset in presets() {
        let table = fragment(preset);
        let cell = |path: &str, unset: &str| table.at(path).map_or_else(|| unset.to_owned(), Value::label);
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            preset.name,
            preset.description,
            cell("keystone.token.expiration", "default"),
            cell("keystone.token.allow_expired_window", "default"),
            cell("keystone.fernet_tokens.max_active_keys", "default"),
            cell("cloud.fernet_rotation.every", "never"),
            cell("nova.service_user.send_service_user_token", "default"),
            cell("cinder.service_user.send_service_user_token", "default"),
            cell("cloud.release", "default"),
        ));
    }
    text
}

/// A preset as a tree; those that are shipped parse, which a test holds.
fn fragment(preset: &Preset) -> Table {
    document::parse(preset.text, 0, &mut Collected::default()).unwrap_or_default()
}

/// The default of a key in the newest release, as a value.
pub(super) fn newest_default(key: &Key) -> Option<Value> {
    let text = format!("value = {}", default_text(key, "2026.2")?);
    document::parse(&text, 0, &mut Collected::default())?.get("value").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OUTLAST_RENEW=1 cargo test --lib scenario` rewrites the file.
    #[test]
    fn the_reference_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SCENARIO.md");
        if std::env::var_os("OUTLAST_RENEW").is_some() {
            std::fs::write(path, reference()).expect("the reference can be written");
        }
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        assert!(stored == reference(), "docs/SCENARIO.md is out of date: OUTLAST_RENEW=1 cargo test --lib scenario");
    }
}
