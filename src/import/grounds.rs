//! What is known of the settings that files stand for: where they are written, what is a guess, and what is lacking;
//! and how a service's own file writes a value.

use super::roles::USERS;
use super::services::Service;
use super::text::{Choices, Schedule};
use super::{Configurations, Said};
use crate::model::Places;
use crate::scenario::{self, ServiceOption, Shape};
use crate::units::parse;

impl Configurations {
    /// Where the keys are written, and which of them are guesses.
    pub fn grounds(&self, choices: &Choices) -> Places {
        let mut places = Places::default();
        self.places().for_each(|(key, at)| places.insert(key, at.clone()));
        for option in scenario::options() {
            match Service::ALL.into_iter().find(|service| service.code() == option.service) {
                Some(service) if self.files_of(service).is_empty() => {
                    places.assume(option.path(), format!("{} not given, default assumed", service.file_name()));
                }
                Some(_) => {}
                None => places.assume(option.path(), format!("no file of {} is read, default assumed", option.service)),
            }
        }
        for setting in self.settings.iter().filter(|setting| matches!(setting.said, Said::Elsewhere { .. })) {
            let why =
                format!("`{}` refers to an option that outlast does not read, default assumed", setting.option.name);
            places.assume(setting.option.path(), why);
        }
        for user in USERS.iter().filter(|user| choices.roles_of(user.name).is_none()) {
            let why = format!(
                "no file says which roles the user {} holds, {} assumed: say it with --service-roles {}=ROLE,…",
                user.name,
                user.guess.join(" and "),
                user.name
            );
            places.assume(format!("cloud.service_users.{}.roles", user.name), why);
        }
        if matches!(choices.schedule, Schedule::Unsaid) {
            let why =
                "no rotation schedule given, one rotation every 24 h assumed: say it with --rotate-every or --crontab";
            places.assume("cloud.fernet_rotation.every", why);
        }
        for (option, at) in &self.lacking {
            places.lack(*option, at.clone());
        }
        places
    }
}

/// `FILE: [SECTION] OPTION = VALUE` for a key of a scenario and its value as TOML, which may be empty; `None`: it is no
/// option of a service.
pub fn line_in_file(key: &str, toml: &str) -> Option<String> {
    let option = scenario::options().find(|option| option.path() == key)?;
    let (file, section) = file_and_section(option.service, option.section);
    let value = if toml.is_empty() { String::new() } else { format!(" = {}", in_oslo(option, toml)) };
    Some(format!("{file}: [{section}] {}{value}", option.name))
}

/// Where an operator writes an option of a scenario's service and section.
pub fn file_and_section<'a>(service: &str, section: &'a str) -> (String, &'a str) {
    match Service::ALL.into_iter().find(|known| known.code() == service) {
        Some(known) => (known.file_name().to_owned(), section),
        None if service == "swift" => ("proxy-server.conf".to_owned(), "filter:authtoken"),
        None => (format!("{service}.conf"), section),
    }
}

fn in_oslo(option: ServiceOption, toml: &str) -> String {
    let text = |item: &str| item.trim().trim_matches('"').to_owned();
    match option.shape() {
        Shape::Words => {
            let items = toml.trim_matches(['[', ']']).split(',').map(text);
            items.filter(|item| !item.is_empty()).collect::<Vec<String>>().join(",")
        }
        // Options hold whole seconds.
        Shape::Integer(..) if toml.starts_with('"') => parse::span(&text(toml))
            .map_or_else(|_| text(toml), |span| (span.micros() / crate::units::MICROS).to_string()),
        Shape::Integer(..) | Shape::Flag | Shape::Text | Shape::Choice(_) => text(toml),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_services_read_them() {
        let cases = [
            (
                "keystone.token.allow_expired_window",
                "\"23h\"",
                Some("keystone.conf: [token] allow_expired_window = 82800"),
            ),
            ("keystone.token.expiration", "\"3h 41m 52s\"", Some("keystone.conf: [token] expiration = 13312")),
            ("keystone.token.allow_expired_window", "", Some("keystone.conf: [token] allow_expired_window")),
            ("keystone.fernet_tokens.max_active_keys", "5", Some("keystone.conf: [fernet_tokens] max_active_keys = 5")),
            (
                "glance.keystone_authtoken.service_token_roles",
                "[\"service\", \"svc\"]",
                Some("glance-api.conf: [keystone_authtoken] service_token_roles = service,svc"),
            ),
            ("cinder.nova.auth_type", "\"password\"", Some("cinder.conf: [nova] auth_type = password")),
            (
                "neutron.keystone_authtoken.token_cache_time",
                "300",
                Some("neutron.conf: [keystone_authtoken] token_cache_time = 300"),
            ),
            (
                "swift.keystone_authtoken.token_cache_time",
                "300",
                Some("proxy-server.conf: [filter:authtoken] token_cache_time = 300"),
            ),
            ("cloud.fernet_rotation.every", "\"12h\"", None),
        ];
        for (key, toml, expected) in cases {
            assert_eq!(line_in_file(key, toml).as_deref(), expected, "{key}");
        }
    }
}
