//! The options of OpenStack within the key table, for those who read them elsewhere than in a scenario.

use super::keys::{self, Default, KEYS, Key, RELEASES};
use super::kind::Kind;
use super::read::Context;
use crate::document::{self, Collected, Place, Value};
use crate::jobs::Names;

/// The releases of OpenStack whose defaults are known, oldest first.
pub fn releases() -> &'static [&'static str] {
    &RELEASES
}

/// An option of OpenStack that a scenario has a key for.
#[derive(Clone, Copy, Debug)]
pub struct ServiceOption {
    key: &'static Key,
    /// The service whose configuration file has it.
    pub service: &'static str,
    /// Its section in that file.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// What the value of an option is to OpenStack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Integer(i128, i128),
    /// Any text.
    Text,
    /// One of these.
    Choice(Vec<&'static str>),
    /// A list of texts.
    Words,
}

/// Every key that is an option of OpenStack, in the order of the table.
pub fn options() -> impl Iterator<Item = ServiceOption> {
    let names = Names::well_known();
    KEYS.iter().filter_map(move |key| {
        let (service, rest) = key.path.split_once('.')?;
        let (section, name) = rest.split_once('.')?;
        (names.service(service).is_some() && !name.contains('.')).then_some(ServiceOption {
            key,
            service,
            section,
            name,
        })
    })
}

impl ServiceOption {
    /// The key of a scenario.
    pub fn path(self) -> &'static str {
        self.key.path
    }

    /// What its value is; bounds are those of a scenario.
    pub fn shape(self) -> Shape {
        match self.key.kind {
            Kind::Flag => Shape::Flag,
            Kind::Integer { min, max } => Shape::Integer(i128::from(min), i128::from(max)),
            Kind::Size { max } => Shape::Integer(1, i128::from(max)),
            // That they are not negative, and which of them turns something off, is said by the key itself.
            Kind::Seconds { .. } => Shape::Integer(i128::MIN, i128::MAX),
            Kind::Choice(words) => Shape::Choice(words()),
            Kind::Words => Shape::Words,
            Kind::Text
            | Kind::Level
            | Kind::Share
            | Kind::Name
            | Kind::Preset
            | Kind::Paths
            | Kind::Time { .. }
            | Kind::SignedTime
            | Kind::ByNode
            | Kind::Instant
            | Kind::Instants
            | Kind::Schedules
            | Kind::Periods
            | Kind::MissedSyncs
            | Kind::Offset
            | Kind::Throughput
            | Kind::Dist(_)
            | Kind::Arrivals
            | Kind::TokenAge
            | Kind::Bound
            | Kind::Free
            | Kind::Job
            | Kind::Tables => Shape::Text,
        }
    }

    /// Its default in a release, as TOML; `None`: nothing holds, and [`ServiceOption::when_unset`] says what that
    /// means.
    pub fn default(self, release: &str) -> Option<&'static str> {
        keys::default_text(self.key, release)
    }

    /// The same as a value.
    pub fn default_value(self, release: &str) -> Option<Value> {
        let text = format!("value = {}", self.default(release)?);
        let table = document::parse(&text, Place::NOWHERE.source, &mut Collected::default())?;
        table.get("value").map(|value| value.at_place(Place::NOWHERE))
    }

    /// What holds where it has neither value nor default.
    pub fn when_unset(self) -> &'static str {
        match self.key.default {
            Default::Unset(meaning) => meaning,
            Default::Required | Default::Is(_) | Default::Since20262(..) => "",
        }
    }

    /// Whether a scenario takes this value; if not, the issues say why.
    pub fn accepts(self, value: &Value, issues: &mut Collected) -> bool {
        let mut cx = Context::default();
        let is_good = self.key.kind.parse(self.key.path, value, &mut cx).is_some();
        issues.append(cx.issues);
        is_good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_services_are_in_the_table() {
        let of = |service: &str| options().filter(|option| option.service == service).count();
        for service in ["keystone", "nova", "cinder", "glance", "swift", "neutron"] {
            assert!(of(service) > 0, "{service}");
        }
        let paths: Vec<&str> = options().map(ServiceOption::path).collect();
        assert!(paths.contains(&"nova.DEFAULT.max_concurrent_builds"), "{paths:?}");
        assert!(!paths.iter().any(|path| path.starts_with("cloud.") || path.starts_with("workload.")), "{paths:?}");
    }

    /// An option of another kind would be read as any text, which would be wrong without a word.
    #[test]
    fn every_option_has_a_shape_of_its_own() {
        for option in options() {
            let is_text = matches!(option.key.kind, Kind::Text);
            assert_eq!(option.shape() == Shape::Text, is_text, "{}", option.path());
        }
    }
}
