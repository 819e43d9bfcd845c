//! Instances that move from host to host.

use super::{ALIVE, NOVA_SENDS, Reason, Table, completes, fails};
use Reason::{BeyondWindow, DetachConflict, ServiceTokenRoleMissing, UserTokenExpired};

pub(super) const TABLES: &[Table] = &[LIVE_MIGRATION, COLD_MIGRATION];

/// The record of jobs, "live-migration", and chains 2.10: the destination prepares at 10 s; the guest has moved at 30
/// s.
const LIVE_MIGRATION: Table = Table {
    job: "live-migration",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"",
    rows: &[
        completes(ALIVE, NOVA_SENDS, "", 30, "attachment deleted"),
        // Cinder asks Nova, which reports the new attachment and no longer the old one.
        completes(ALIVE, "", "", 30, "attachment deleted"),
        fails(0, "", "", 0, ("nova_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("pre_attachment_create", UserTokenExpired, 401), "port_binding inactive"),
        // Cinder takes the service token without the role, Neutron does not; then Cinder takes Nova for a user.
        fails(
            ALIVE,
            "nova.service_user.send_service_user_token = true
            cloud.service_users.nova.roles = [\"member\"]
            cinder.keystone_authtoken.service_token_roles_required = false",
            "",
            10,
            ("pre_list_ports", ServiceTokenRoleMissing, 401),
            "port_binding inactive, attachment reported",
        )
        .cleanup("refused_409"),
        // The guest runs on its new host, and Nova shows an error.
        fails(15, "", "", 30, ("post_list_ports", UserTokenExpired, 401), "attachment replaced")
            .caught("post_attachment_delete"),
        completes(5, NOVA_SENDS, "", 30, "attachment deleted"),
        fails(
            15,
            "nova.service_user.send_service_user_token = true\nkeystone.token.allow_expired_window = 10",
            "",
            30,
            ("post_list_ports", BeyondWindow, 401),
            "attachment replaced",
        )
        .caught("post_attachment_delete"),
    ],
};

/// Chains 2.11 and 2.12: the disk is copied until 30 s, then the volume leaves the source and comes to the destination,
/// where it is connected at 35 s.
const COLD_MIGRATION: Table = Table {
    job: "cold-migration",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"\nattach = \"5s\"",
    rows: &[
        completes(ALIVE, NOVA_SENDS, "", 35, "attachment deleted"),
        completes(ALIVE, "", "attached = false", 35, ""),
        fails(0, "", "", 0, ("nova_api_post", UserTokenExpired, 401), ""),
        // Its ports follow under credentials of Nova's own.
        completes(5, "", "attached = false", 35, ""),
        fails(15, "", "", 30, ("reserve_attachment_create", UserTokenExpired, 401), ""),
        fails(ALIVE, "", "", 30, ("attachment_delete", DetachConflict, 409), "attachment reported"),
        fails(
            32,
            "nova.service_user.send_service_user_token = true\nkeystone.token.allow_expired_window = 0",
            "",
            35,
            ("attach_complete", BeyondWindow, 401),
            "attachment deleted",
        ),
        completes(5, NOVA_SENDS, "", 35, "attachment deleted"),
    ],
};
