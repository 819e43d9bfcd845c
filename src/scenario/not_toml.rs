//! Files that are no scenarios: a configuration file of a service, given by mistake, is full of passwords. What may be
//! shown of a file is decided here.

use super::keys::KEYS;
use crate::document::{Collected, Issue};

/// What the configuration files of services are named, and the option that reads them.
const SERVICE_FILES: [(&str, &str); 4] = [
    ("keystone.conf", "--keystone"),
    ("nova.conf", "--nova"),
    ("cinder.conf", "--cinder"),
    ("glance-api.conf", "--glance"),
];

/// Whether lines of a file of this name must not be shown, whatever is wrong with it.
pub(super) fn is_secret(name: &str) -> bool {
    has_ending(name, "conf")
}

/// What to say of a text that is not TOML, in place of the syntax errors if it is no scenario at all, and whether its
/// lines may be shown.
pub(super) fn judged(name: &str, text: &str, errors: Collected) -> (Collected, bool) {
    if !is_secret(name) && !is_configuration(text) {
        return (errors, has_ending(name, "toml"));
    }
    let mut issues = Collected::default();
    issues.push(
        Issue::general(format!(
            "`{name}` looks like a configuration file of a service, and a scenario (TOML) is expected here"
        ))
        .help(advice(name)),
    );
    (issues, false)
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(ending))
}

/// Whether a text that is not TOML is written for oslo.config: it has a section that services have and no scenario, and
/// values without quotes.
fn is_configuration(text: &str) -> bool {
    let lines = || text.lines().map(str::trim);
    let is_section = |line: &str| {
        let name = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).unwrap_or_default();
        is_section_of_service(name)
    };
    let is_bare = |line: &str| {
        let value = line.split_once('=').map_or("", |(_, value)| value.trim());
        let is_word = value.starts_with(|c: char| c.is_alphabetic() || "/$%<*".contains(c));
        !line.starts_with(['#', ';']) && is_word && value != "true" && value != "false"
    };
    lines().any(is_section) && lines().any(is_bare)
}

/// Whether services have a section of this name: one that the key table knows below a service, or `[database]`.
fn is_section_of_service(name: &str) -> bool {
    let below = |path: &str| path.split('.').nth(1).is_some_and(|section| section == name);
    let is_of_scenario = || KEYS.iter().any(|key| key.path.split('.').next() == Some(name));
    name == "database"
        || (KEYS.iter().any(|key| key.path.split('.').count() == 3 && below(key.path)) && !is_of_scenario())
}

fn advice(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match SERVICE_FILES.iter().find(|(file, _)| *file == base) {
        Some((_, option)) => format!(
            "`outlast lint {option} {name}` says what is wrong with it, and `outlast import {option} {name}` writes a \
             scenario from it"
        ),
        None => {
            let options: Vec<String> =
                SERVICE_FILES.iter().map(|(file, option)| format!("{option} ({file})")).collect();
            format!(
                "`outlast lint` and `outlast import` read such files behind the option of their service: {}",
                options.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_file_is_told_from_a_scenario_with_a_slip() {
        for (name, text, is_one, is_shown) in [
            ("etc/keystone.conf", "a = b", true, false),
            ("KEYSTONE.CONF", "a = b", true, false),
            ("keystone.conf.bak", "[DEFAULT]\nadmin_token = SECRET\n", true, false),
            ("keystone.toml", "[database]\nconnection = mysql://keystone:SECRET@db/keystone\n", true, false),
            ("nova.txt", "[DEFAULT]\nkey = 12 34\n", false, false),
            ("/dev/stdin", "admin_token = SECRET\n", false, false),
            ("noext", "preset = kolla\n", false, false),
            ("t.toml", "preset = kolla\n[run]\nseed = 1\n", false, true),
            ("t.toml", "[keystone]\nname = roles\n", false, true),
            ("t.toml", "[[workload]]\njob = snapshot\n", false, true),
            ("t.toml", "[clout]\npreset = kolla\n", false, true),
            ("t.toml", "[DEFAULT]\nflag = true\n# a = b\nlist = [1", false, true),
        ] {
            let mut errors = Collected::default();
            errors.push(Issue::general("not TOML"));
            let (issues, may_be_shown) = judged(name, text, errors);
            let issues = issues.finish(Vec::new());
            let said = issues.messages().concat();
            assert_eq!(
                (said.contains("looks like a configuration file"), may_be_shown),
                (is_one, is_shown),
                "{name}: {text}"
            );
            assert!(!issues.to_string().contains("SECRET"), "{issues}");
        }
    }
}
