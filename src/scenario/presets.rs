//! What deployment tools ship, as fragments of scenarios. The values and their sources stand in the fragments.

/// A named fragment of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// As `preset = "…"` names it.
    pub name: &'static str,
    /// What it is, in one line.
    pub description: &'static str,
    /// The fragment.
    pub text: &'static str,
}

macro_rules! preset {
    ($name:literal, $description:literal) => {
        Preset { name: $name, description: $description, text: include_str!(concat!("presets/", $name, ".toml")) }
    };
}

static PRESETS: &[Preset] = &[
    preset!("kolla-ansible", "kolla-ansible: a day of lifetime, three keys, one rotation in three days"),
    preset!("kolla-ansible-2018", "kolla-ansible before May 2019 on three controllers, each rotating daily"),
    preset!("openstack-ansible", "openstack-ansible: twelve hours of lifetime, seven keys, a rotation a day"),
    preset!(
        "openstack-helm",
        "openstack-helm since January 2025: twelve hours of lifetime and of rotation, seven keys"
    ),
    preset!("openstack-helm-2024", "openstack-helm from June 2018 to January 2025: the same with three keys"),
    preset!("charm-keystone", "the Juju charms: keys that rotate every hour and last one"),
    preset!("puppet-keystone", "puppet-keystone with its cron class: a rotation a day and three keys"),
    preset!("rhoso", "Red Hat OpenStack Services on OpenShift: a rotation a day and five keys"),
    preset!("starlingx", "the StarlingX platform: no window for expired tokens"),
    preset!("devstack", "DevStack: upstream defaults, and service tokens"),
    preset!("mirantis-mcp", "Mirantis MCP: a rotation an hour and 51 keys"),
    preset!("crowbar", "SUSE OpenStack Cloud Crowbar on one node: a rotation an hour and six keys"),
    preset!("crowbar-ha", "SUSE OpenStack Cloud Crowbar on three nodes: a rotation an hour and nine keys"),
    preset!("contrail", "contrail-operator: a day of lifetime, three keys, one rotation in three days"),
    preset!("ardana", "Ardana, HPE Helion and SUSE OpenStack Cloud CLM: a rotation a day and three keys"),
];

/// All presets.
pub fn presets() -> &'static [Preset] {
    PRESETS
}

/// Their names.
pub(super) fn names() -> Vec<&'static str> {
    PRESETS.iter().map(|preset| preset.name).collect()
}
