//! Where a service looks for an option that another option moves: Glance's stores, and Cinder's log-in to Nova.

use crate::document::{Issue, Place};
use crate::oslo::{DEFAULT, Namespace, Opt, Problems, Reading, Type, Value};
use crate::scenario::ServiceOption;

use super::services::Service;

/// The key of a scenario that says where image data lies.
pub(super) const DEFAULT_STORE: &str = "glance.glance_store.default_store";
const GLANCE_STORE: &str = "glance_store";

/// What decides where the other options stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// The kind of the default store, where several are configured, and its place.
    store: Option<(String, Place)>,
    /// The section of that store.
    store_section: Option<String>,
    /// The section that Cinder's `[nova]` points to.
    login_section: Option<String>,
}

fn text_option(section: &str, name: &str, kind: Type) -> Opt {
    Opt { section: section.to_owned(), name: name.to_owned(), deprecated: Vec::new(), kind, default: None }
}

fn read_text(namespace: &Namespace<'_>, section: &str, name: &str, problems: &mut Problems) -> Option<(String, Place)> {
    match namespace.read(section, name, problems) {
        Reading::Found(Value::Text(text), place) if !text.is_empty() => Some((text, place)),
        _ => None,
    }
}

impl Layout {
    /// Finds it in the files of a service.
    pub(super) fn of(service: Service, namespace: &mut Namespace<'_>, problems: &mut Problems) -> Layout {
        match service {
            Service::Keystone | Service::Nova => Layout::default(),
            Service::Cinder => {
                namespace.declare([text_option("nova", "auth_section", Type::Text)]);
                let section = read_text(namespace, "nova", "auth_section", problems).map(|(name, _)| lower(&name));
                Layout { login_section: section, ..Layout::default() }
            }
            Service::Glance => Layout::of_glance(namespace, problems),
        }
    }

    fn of_glance(namespace: &mut Namespace<'_>, problems: &mut Problems) -> Layout {
        namespace.declare([
            text_option(DEFAULT, "enabled_backends", Type::Pairs),
            text_option(GLANCE_STORE, "default_backend", Type::Text),
        ]);
        let (stores, place) = match namespace.read(DEFAULT, "enabled_backends", problems) {
            Reading::Found(Value::Pairs(stores), place) if !stores.is_empty() => (stores, place),
            _ => return Layout::default(),
        };
        let Some((name, named_at)) = read_text(namespace, GLANCE_STORE, "default_backend", problems) else {
            let message = "`enabled_backends` names stores, and `[glance_store] default_backend` does not say which is the default";
            problems.errors.push(Issue::at(place, message).help("glance-api does not start without it"));
            return Layout::default();
        };
        let Some((_, kind)) = stores.into_iter().find(|(store, _)| *store == name) else {
            let message = format!("`default_backend`: there is no store `{name}` in `enabled_backends`");
            problems.errors.push(Issue::at(named_at, message));
            return Layout::default();
        };
        Layout { store: Some((kind, named_at)), store_section: Some(lower(&name)), login_section: None }
    }

    /// The section in which a service looks for this option.
    pub(super) fn section(&self, option: ServiceOption) -> String {
        let moved = match (option.section, option.name) {
            (GLANCE_STORE, _) => &self.store_section,
            ("nova", "auth_type") => &self.login_section,
            _ => &None,
        };
        moved.clone().unwrap_or_else(|| option.section.to_owned())
    }

    /// The kind of the default store, if `enabled_backends` decides it.
    pub(super) fn default_store(&self, option: ServiceOption) -> Option<(String, Place)> {
        if option.path() == DEFAULT_STORE { self.store.clone() } else { None }
    }
}

fn lower(section: &str) -> String {
    if section == DEFAULT { section.to_owned() } else { section.to_lowercase() }
}

/// The store of a scenario that stands for one of Glance's, and what is to be said of it.
pub(super) fn simulated(kind: &str) -> (&str, &'static str) {
    match kind {
        "file" | "filesystem" => ("file", ""),
        "swift" | "swift+http" | "swift+https" | "swift+config" => ("swift", ""),
        "rbd" | "cinder" => (kind, ""),
        // No token of the user goes to them either.
        "http" | "https" | "s3" | "vsphere" | "vmware" => {
            ("file", "another store that is asked without the user's token")
        }
        other => (other, ""),
    }
}
