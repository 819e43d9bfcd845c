//! No line of a configuration file is shown where a scenario was expected.

use crate::command::{Desk, SMALL};

const KEYSTONE: &str = "[DEFAULT]
admin_token = SECRETtoken
debug = true

[database]
connection = mysql+pymysql://keystone:SECRETpassword@db.example/keystone

[token]
expiration = 3600
";

const COMMANDS: [&[&str]; 17] = [
    &["lint", "FILE"],
    &["lint", "-q", "FILE"],
    &["lint", "--format", "json", "FILE"],
    &["lint", "--format", "sarif", "FILE"],
    &["lint", "--format", "markdown", "FILE"],
    &["lint", "-v", "--color", "always", "FILE"],
    &["run", "FILE"],
    &["run", "--format", "json", "FILE"],
    &["run", "--show-warm-up", "FILE"],
    &["check", "--junit", "junit.xml", "FILE"],
    &["explain", "FILE"],
    &["explain", "--format", "json", "FILE"],
    &["solve", "FILE", "--target", "failure_rate <= 1%", "--vary", "keystone.token.expiration"],
    &["solve", "FILE", "--format", "json", "--target", "failure_rate <= 1%", "--vary", "keystone.token.expiration"],
    &["compare", "FILE", "small.toml"],
    &["compare", "--format", "json", "small.toml", "FILE"],
    &["jobs", "--file", "FILE"],
];

/// What every command says, and in the JUnit file too.
fn said(name: &str, text: &str) -> Vec<String> {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    desk.write(name, text);
    let one = |arguments: &&[&str]| {
        let arguments: Vec<&str> = arguments.iter().map(|word| if *word == "FILE" { name } else { word }).collect();
        let did = desk.run(&arguments);
        // `jobs` looks at nothing of a scenario but its kinds.
        assert!(
            did.code == Some(1) || (arguments[0] == "jobs" && did.code == Some(0)),
            "{arguments:?}: {:?}",
            did.code
        );
        let junit = if arguments[0] == "check" { desk.read("junit.xml") } else { String::new() };
        let all = format!("{}{}{junit}", did.stdout, did.stderr);
        assert!(!all.contains("SECRET"), "{arguments:?}: {all}");
        all
    };
    COMMANDS.iter().map(one).collect()
}

#[test]
fn a_configuration_file_is_no_scenario_and_none_of_it_is_shown() {
    for (name, help) in [
        ("etc/keystone.conf", "`outlast lint --keystone etc/keystone.conf`"),
        ("nova.conf", "`outlast import --nova nova.conf`"),
        ("cinder.conf", "`outlast lint --cinder cinder.conf`"),
        ("glance-api.conf", "`outlast lint --glance glance-api.conf`"),
        ("50-tokens.conf", "--glance (glance-api.conf)"),
        ("keystone.conf.bak", "--keystone (keystone.conf)"),
        ("keystone.toml", "--keystone (keystone.conf)"),
    ] {
        for all in said(name, KEYSTONE) {
            assert!(all.contains("looks like a configuration file of a service"), "{name}: {all}");
            assert!(all.contains(help), "{name}: {all}");
            assert!(!all.contains("not TOML") && !all.contains("admin_token"), "{name}: {all}");
        }
    }
}

#[test]
fn only_what_is_named_as_toml_is_shown_where_its_syntax_is_wrong() {
    for (name, text) in [
        ("tokens", "admin_token = SECRET\n"),
        ("tokens.txt", "[token]\nname = 'SECRET\n"),
        ("tokens.ini", "password: SECRET\nSECRET = = SECRET\nSECRET\n"),
        // TOML, but of a service.
        ("keystone.conf", "[DEFAULT]\nadmin_token = \"SECRET\"\n"),
    ] {
        for all in said(name, text) {
            assert!(all.contains(&format!("{name}:")) || name == "keystone.conf", "{all}");
        }
    }
    let desk = Desk::new();
    desk.write("slip.toml", "preset = kolla\n");
    desk.run(&["lint", "slip.toml"]).exits(1).complains("preset = kolla");
    desk.write("above.toml", "include = [\"keystone.conf\"]\n");
    desk.write("keystone.conf", KEYSTONE);
    let did = desk.run(&["run", "above.toml"]);
    did.exits(1).complains("`outlast lint --keystone keystone.conf`");
    assert!(!did.stderr.contains("SECRET"), "{}", did.stderr);
}
