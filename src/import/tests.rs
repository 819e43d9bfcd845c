use super::*;
use crate::units::{Span, parse};

fn conf(service: Service, name: &str, text: &str) -> ConfFile {
    ConfFile { service, file: oslo::File { name: name.to_owned(), text: Arc::from(text) } }
}

fn good(files: Vec<ConfFile>) -> Configurations {
    read(files, "2026.1").configurations.unwrap_or_else(|issues| panic!("{issues}"))
}

/// File and line at which the files say a key.
fn line(found: &Configurations, path: &str) -> Option<String> {
    found.place(path).map(|at| format!("{}:{}", at.file, at.line))
}

#[test]
fn places_are_those_of_the_files() {
    let found = good(vec![
        conf(Service::Nova, "b.conf", "[service_user]\nsend_service_user_token = on\n"),
        conf(Service::Keystone, "a.conf", "[token]\n\nexpiration = 5\ncache_time =\n"),
        conf(Service::Nova, "c.conf", "[service_user]\nsend_service_user_token = $flag\n"),
    ]);
    let cases = [
        ("keystone.token.expiration", Some("a.conf:3")),
        ("keystone.token.cache_time", Some("a.conf:4")),
        ("keystone.token.provider", None),
        ("nova.service_user.send_service_user_token", Some("c.conf:2")),
        ("no.such.key", None),
    ];
    for (path, place) in cases {
        assert_eq!(line(&found, path).as_deref(), place, "{path}");
    }
}

#[test]
fn stores_of_glance_and_the_login_of_cinder_may_stand_elsewhere() {
    let store = |text: &str| {
        let found = good(vec![conf(Service::Glance, "g.conf", text)]);
        let choices = Choices { name: "x".to_owned(), schedule: Schedule::Unsaid, roles: Vec::new() };
        let text = scenario_text(&found, &choices);
        let line = text.lines().find(|line| line.starts_with("default_store")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{text}"))
    };
    let cases = [
        ("[glance_store]\ndefault_store = swift+https\n", "default_store = \"swift\"", "g.conf:2"),
        ("[glance_store]\ndefault_store = s3\n", "default_store = \"file\"", "g.conf:2: another store"),
        (
            "[DEFAULT]\nenabled_backends = A:rbd\n[glance_store]\ndefault_backend = A\n",
            "default_store = \"rbd\"",
            "g.conf:4",
        ),
        ("", "default_store = \"file\"", "default of 2026.1"),
    ];
    for (text, value, comment) in cases {
        let line = store(text);
        assert!(line.starts_with(value) && line.contains(comment), "{text}: {line}");
    }
    let wrong = [
        ("[DEFAULT]\nenabled_backends = a:rbd\n", "does not say which is the default"),
        ("[DEFAULT]\nenabled_backends = a:rbd\n[glance_store]\ndefault_backend = b\n", "there is no store `b`"),
        ("[glance_store]\ndefault_store = tape\n", "is none of the valid values"),
    ];
    for (text, part) in wrong {
        let issues = read(vec![conf(Service::Glance, "g.conf", text)], "2026.1").configurations.expect_err(text);
        assert!(issues.to_string().contains(part), "{issues}");
    }
    let login = "[nova]\nauth_section = Shared\nauth_type = wrong\n[shared]\nauth_type = password\n";
    let found = good(vec![conf(Service::Cinder, "c.conf", login)]);
    assert_eq!(line(&found, "cinder.nova.auth_type").as_deref(), Some("c.conf:5"));
}

/// A file may have any name, and its comment ends with the line all the same.
#[test]
fn names_of_files_and_texts_do_not_leave_their_place() {
    let text = "[cache]\nbackend = dogpile.cache.dbm\n[token]\nexpiration = 500\n";
    let nova = "[keystone_authtoken]\nservice_token_roles = a\"b\\c\td, é\n";
    let found = good(vec![conf(Service::Keystone, "a\nb = 1\u{7}.conf", text), conf(Service::Nova, "n.conf", nova)]);
    let choices = Choices { name: "x".to_owned(), schedule: Schedule::Every(Span::from_seconds(1)), roles: Vec::new() };
    let scenario = scenario_text(&found, &choices);
    assert!(scenario.contains("# a?b = 1?.conf:4"), "{scenario}");
    assert!(scenario.contains(r#"["a\"b\\c\u0009d", "é"]"#), "{scenario}");
    let loaded = scenario::load_text("x.toml", &scenario, Path::new(""), &scenario::Overrides::default());
    assert!(loaded.is_ok(), "{scenario}");
}

/// However short the lifetime, the scenario can be run: the guess at the age of tokens follows it.
#[test]
fn any_lifetime_makes_a_scenario() {
    for (lifetime, age) in [(1, "of_expiration"), (120, "of_expiration"), (121, "renewing"), (86_400, "renewing")] {
        let found = good(vec![conf(Service::Keystone, "k.conf", &format!("[token]\nexpiration = {lifetime}\n"))]);
        let scenario =
            scenario_text(&found, &Choices { name: "x".to_owned(), schedule: Schedule::Unsaid, roles: Vec::new() });
        assert!(scenario.contains(&format!("token_age = {{ {age} = ")), "{lifetime}: {scenario}");
        let loaded = scenario::load_text("x.toml", &scenario, Path::new(""), &scenario::Overrides::default());
        assert!(loaded.is_ok(), "{lifetime}: {}", loaded.expect_err("it is no scenario"));
    }
}

#[test]
fn spans_are_written_exactly() {
    for micros in [0, 1, 1_500_000, 60_000_000, 90_061_000_000, 31 * 86_400_000_000 + 60_000_000] {
        let span = Span::from_micros(micros);
        assert_eq!(parse::span(&text::span(span)), Ok(span));
        let before = Span::from_micros(-micros);
        assert_eq!(parse::signed_span(&text::span(before)), Ok(before), "{}", text::span(before));
    }
}

#[test]
fn every_service_has_signs_of_its_own() {
    for service in Service::ALL {
        assert!(!service.own_sections().is_empty());
        for other in Service::ALL.into_iter().filter(|other| *other != service) {
            assert!(service.own_sections().iter().all(|section| !other.own_sections().contains(section)));
            assert!(service.own_options().iter().all(|option| !other.own_options().contains(option)));
        }
    }
}
