//! What deployment tools ship, as fragments of scenarios. The values and their sources stand in the fragments.

use crate::model::Places;

/// A named fragment of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// As `preset = "…"` names it.
    pub name: &'static str,
    /// What it is, in one line.
    pub description: &'static str,
    /// The fragment.
    pub text: &'static str,
    /// Keys whose values in this tool are not known, so that their defaults in the fragment are guesses.
    pub(super) unknown: &'static [&'static str],
    /// Keys that this tool does not let anybody set by themselves, and why.
    pub(super) tied: &'static [(&'static str, &'static str)],
}

macro_rules! preset {
    ($name:literal, $description:literal $(, $field:ident: $value:expr)*) => {
        Preset {
            $($field: $value,)*
            ..Preset {
                name: $name,
                description: $description,
                text: include_str!(concat!("presets/", $name, ".toml")),
                unknown: &[],
                tied: &[],
            }
        }
    };
}

/// Of some tools only lifetimes and rotations were looked up.
const SENDERS: &[&str] = &["nova.service_user.send_service_user_token", "cinder.service_user.send_service_user_token"];
/// Its check every 5 min bounds the period from 15 keys on.
const PERIOD_OF_CHARM: &str = "the charm rotates every expiration / (max_active_keys - 2), so up to 14 keys last as long as \
                               `expiration` whatever their number, and nothing is left for a window";
// openstack/charm-keystone@de9baff:config.yaml:107-165, hooks/keystone_utils.py:2975
const CHARM: &[(&str, &str)] = &[
    ("keystone.fernet_tokens.max_active_keys", PERIOD_OF_CHARM),
    ("cloud.fernet_rotation.every", PERIOD_OF_CHARM),
    (
        "keystone.token.allow_expired_window",
        "the charm has no option for the window; with it only a `token-expiration` as long as the longest job helps",
    ),
];

static PRESETS: &[Preset] = &[
    preset!("kolla-ansible", "kolla-ansible: a day of lifetime, three keys, one rotation in three days"),
    preset!("kolla-ansible-2018", "kolla-ansible before May 2019 on three controllers, each rotating daily"),
    preset!("openstack-ansible", "openstack-ansible: twelve hours of lifetime, seven keys, a rotation a day"),
    preset!(
        "openstack-helm",
        "openstack-helm since January 2025: twelve hours of lifetime and of rotation, seven keys"
    ),
    preset!("openstack-helm-2024", "openstack-helm from June 2018 to January 2025: the same with three keys"),
    preset!("charm-keystone", "the Juju charms: keys that rotate every hour and last one", tied: CHARM),
    preset!("puppet-keystone", "puppet-keystone with its cron class: a rotation a day and three keys"),
    preset!("rhoso", "Red Hat OpenStack Services on OpenShift: a rotation a day and five keys"),
    preset!("starlingx", "the StarlingX platform: no window for expired tokens"),
    preset!("devstack", "DevStack: upstream defaults, and service tokens"),
    preset!("mirantis-mcp", "Mirantis MCP: a rotation an hour and 51 keys", unknown: SENDERS),
    preset!("crowbar", "SUSE OpenStack Cloud Crowbar on one node: a rotation an hour and six keys"),
    preset!("crowbar-ha", "SUSE OpenStack Cloud Crowbar on three nodes: a rotation an hour and nine keys"),
    preset!(
        "contrail",
        "contrail-operator: a day of lifetime, three keys, one rotation in three days",
        unknown: SENDERS
    ),
    preset!(
        "ardana",
        "Ardana, HPE Helion and SUSE OpenStack Cloud CLM: a rotation a day and three keys",
        unknown: SENDERS
    ),
];

/// All presets.
pub fn presets() -> &'static [Preset] {
    PRESETS
}

/// Notes what is known of a preset beside its values.
pub(super) fn note(name: &str, places: &mut Places) {
    let Some(preset) = PRESETS.iter().find(|preset| preset.name == name) else { return };
    for key in preset.unknown {
        if places.get(key).is_none() {
            places.assume(*key, format!("what {name} sets here is not known, default assumed"));
        }
    }
    for (key, why) in preset.tied {
        places.tie(*key, *why);
    }
}

/// Their names.
pub(super) fn names() -> Vec<&'static str> {
    PRESETS.iter().map(|preset| preset.name).collect()
}
