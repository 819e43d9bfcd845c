//! What options outside the key table decide about those in it: where a service looks for them (Glance's stores,
//! Cinder's log-in to Nova), and whether they are of any effect (credentials for service tokens, a backup driver
//! other than Swift's).

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
    /// The option without which the service has no credentials for service tokens, if nobody has written it.
    lacking: Option<&'static str>,
    /// Where a backup driver is named that is not Swift's.
    other_backups: Option<Place>,
    /// What Glance's Cinder store has to log in with.
    store_login: StoreLogin,
}

/// The credentials of a Cinder store, of which only is known which options are set.
#[derive(Clone, Debug, Default)]
enum StoreLogin {
    /// A user's, complete, or none at all.
    #[default]
    AsRead,
    /// An application credential, set here.
    ApplicationCredential(Place),
    /// Some of a user's, the first of which is set here, without these.
    Incomplete { at: Place, lacking: Vec<&'static str> },
}

/// What a Cinder store needs to log in as a user of its own, all four:
/// glance_store/_drivers/cinder/store.py:is_user_overriden.
const STORE_USER: [&str; 4] = [
    "glance.glance_store.cinder_store_user_name",
    "glance.glance_store.cinder_store_password",
    "glance.glance_store.cinder_store_project_name",
    "glance.glance_store.cinder_store_auth_address",
];
/// What newer ones take instead, all three.
const STORE_APPLICATION: [&str; 3] = [
    "glance.glance_store.cinder_store_application_credential_id",
    "glance.glance_store.cinder_store_application_credential_secret",
    "glance.glance_store.cinder_store_auth_address",
];

/// The name of an option behind its section.
fn name_of(path: &'static str) -> &'static str {
    path.rsplit('.').next().unwrap_or(path)
}

impl StoreLogin {
    /// Of the store in a section.
    fn of(section: &str, namespace: &Namespace<'_>) -> StoreLogin {
        let is_filled = |path: &&'static str| namespace.is_filled(section, name_of(path));
        let place = |path: &'static str| namespace.mentions(section, name_of(path)).pop();
        let (set, lacking): (Vec<&'static str>, Vec<&'static str>) = STORE_USER.into_iter().partition(is_filled);
        if lacking.is_empty() {
            return StoreLogin::AsRead;
        }
        if let (true, Some(at)) = (STORE_APPLICATION.iter().all(is_filled), place(STORE_APPLICATION[0])) {
            return StoreLogin::ApplicationCredential(at);
        }
        set.first().and_then(|path| place(path)).map_or(StoreLogin::AsRead, |at| StoreLogin::Incomplete { at, lacking })
    }
}

const SERVICE_USER: &str = "service_user";
const SWITCH: &str = "send_service_user_token";

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
            Service::Keystone => Layout::default(),
            Service::Nova => {
                let has_credentials = has_credentials(namespace, problems);
                Layout { lacking: (!has_credentials).then_some("nova.service_user.auth_type"), ..Layout::default() }
            }
            Service::Cinder => {
                let has_credentials = has_credentials(namespace, problems);
                namespace.declare([
                    text_option("nova", "auth_section", Type::Text),
                    text_option(DEFAULT, "backup_driver", Type::Text),
                ]);
                let section = read_text(namespace, "nova", "auth_section", problems).map(|(name, _)| lower(&name));
                let driver = read_text(namespace, DEFAULT, "backup_driver", problems);
                let other = driver.filter(|(driver, _)| !driver.to_lowercase().contains("swift"));
                Layout {
                    login_section: section,
                    lacking: (!has_credentials).then_some("cinder.service_user.auth_type"),
                    other_backups: other.map(|(_, place)| place),
                    ..Layout::default()
                }
            }
            Service::Glance => {
                let layout = Layout::of_glance(namespace, problems);
                let section = layout.store_section.as_deref().unwrap_or(GLANCE_STORE);
                Layout { store_login: StoreLogin::of(section, namespace), ..layout }
            }
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
        Layout { store: Some((kind, named_at)), store_section: Some(lower(&name)), ..Layout::default() }
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

    /// What the credentials of a Cinder store lack, and where the first of them stands.
    pub(super) fn store_lacks(&self) -> impl Iterator<Item = (&'static str, Place)> {
        let (at, lacking) = match &self.store_login {
            StoreLogin::Incomplete { at, lacking } => (Some(*at), lacking.as_slice()),
            StoreLogin::AsRead | StoreLogin::ApplicationCredential(_) => (None, &[][..]),
        };
        lacking.iter().filter_map(move |path| Some((*path, at?)))
    }

    /// Options that are not read, and whose names may be shown.
    pub(super) fn harmless(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let section = self.store_section.as_deref().unwrap_or(GLANCE_STORE);
        STORE_USER.iter().chain(&STORE_APPLICATION).map(move |path| (section, name_of(path)))
    }

    /// What is lacking for the option to be of effect, and where the option stands.
    pub(super) fn lacking(&self, option: ServiceOption, reading: &Reading) -> Option<(&'static str, Place)> {
        match reading {
            Reading::Found(Value::Flag(true), place) if is_switch(option) => Some((self.lacking?, *place)),
            _ => None,
        }
    }

    /// What a scenario has for what the files say of an option, and what is to be said of that.
    pub(super) fn simulated(&self, option: ServiceOption, reading: Reading) -> (Reading, String) {
        if option.path() == STORE_USER[0] {
            return self.store_user(reading);
        }
        if let Some(place) = self.other_backups.filter(|_| option.path() == "cinder.DEFAULT.backup_swift_auth") {
            let note =
                "this `backup_driver` is not Swift's; backups are simulated as such to Swift without the user's token";
            return (Reading::Found(Value::Text("single_user".to_owned()), place), note.to_owned());
        }
        match (reading, self.lacking) {
            (Reading::Found(Value::Flag(true), place), Some(_)) if is_switch(option) => {
                let note = if option.service == Service::Nova.code() {
                    "it is on, and no `auth_type` is set for `[service_user]`: Nova sends the user's token alone"
                } else {
                    "please set: it is on, and no `auth_type` is set for `[service_user]`, so that every call of Cinder to Glance and \
                     Nova fails, which is not simulated"
                };
                (Reading::Found(Value::Flag(false), place), note.to_owned())
            }
            (Reading::Found(Value::Text(kind), place), _) if option.path() == DEFAULT_STORE => {
                let (store, note) = simulated(&kind);
                (Reading::Found(Value::Text(store.to_owned()), place), note.to_owned())
            }
            (other, _) => (other, String::new()),
        }
    }

    /// The same for the user of a Cinder store, for which a scenario has one key.
    fn store_user(&self, reading: Reading) -> (Reading, String) {
        let found = |text: &str, place: Place| Reading::Found(Value::Text(text.to_owned()), place);
        match (&self.store_login, reading) {
            (_, reading @ (Reading::Refused | Reading::Elsewhere(_))) => (reading, String::new()),
            (StoreLogin::AsRead, reading) => (reading, String::new()),
            (StoreLogin::ApplicationCredential(at), _) => {
                (found("glance", *at), "the store logs in with an application credential".to_owned())
            }
            (StoreLogin::Incomplete { at, lacking }, _) => {
                let names: Vec<String> = lacking.iter().map(|path| format!("`{}`", name_of(path))).collect();
                let note = format!("without {} the store has no credentials of its own", names.join(", "));
                (found("", *at), note)
            }
        }
    }

    /// The kind of the default store, if `enabled_backends` decides it.
    pub(super) fn default_store(&self, option: ServiceOption) -> Option<(String, Place)> {
        if option.path() == DEFAULT_STORE { self.store.clone() } else { None }
    }
}

fn is_switch(option: ServiceOption) -> bool {
    (option.section, option.name) == (SERVICE_USER, SWITCH)
}

/// Whether `[service_user]` has something to log in with, by keystoneauth1/loading/conf.py:load_from_conf_options: an
/// `auth_type`, in the section that `auth_section` names if it does. Which plugin it is does not matter.
fn has_credentials(namespace: &mut Namespace<'_>, problems: &mut Problems) -> bool {
    namespace.declare([text_option(SERVICE_USER, "auth_section", Type::Text)]);
    let section = match namespace.read(SERVICE_USER, "auth_section", problems) {
        Reading::Found(Value::Text(name), _) if !name.is_empty() => lower(&name),
        Reading::Elsewhere(_) => return true,
        _ => SERVICE_USER.to_owned(),
    };
    if section != SERVICE_USER {
        namespace.choose(section.as_str());
    }
    let older = vec![(section.clone(), "auth_plugin".to_owned())];
    namespace.declare([Opt { deprecated: older, ..text_option(&section, "auth_type", Type::Text) }]);
    match namespace.read(&section, "auth_type", problems) {
        Reading::Found(Value::Text(name), _) => !name.is_empty(),
        Reading::Elsewhere(_) => true,
        _ => false,
    }
}

fn lower(section: &str) -> String {
    if section == DEFAULT { section.to_owned() } else { section.to_lowercase() }
}

/// The store of a scenario that stands for one of Glance's, and what is to be said of it.
fn simulated(kind: &str) -> (&str, &'static str) {
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
