//! Volumes: filled from images, backed up, restored, moved to other backends, detached.

use super::{ALIVE, BOTH_SEND, CINDER_SENDS, NOVA_SENDS, Reason, Table, completes, fails};
use Reason::{
    BackendNoServiceToken, CinderBadRequest, DetachConflict, ServiceTokenRoleMissing, TokenExchangeRefused,
    UserTokenExpired,
};

pub(super) const TABLES: &[Table] = &[VOLUME_FROM_IMAGE, VOLUME_BACKUP, VOLUME_RESTORE, VOLUME_RETYPE, VOLUME_DETACH];

const CINDER_LOGS_IN: &str = "cinder.nova.auth_type = \"password\"\n";

/// Chains 1 (9a to 16) and 2.5: cinder-volume begins at 10 s, has the image at 30 s and is done at 70 s. A refusal
/// makes it begin again at once, three times in all, from the first request to Glance.
const VOLUME_FROM_IMAGE: Table = Table {
    job: "volume-from-image",
    quantities: "cinder_queue = \"10s\"\ndownload = \"20s\"\nconvert = \"40s\"",
    rows: &[
        completes(ALIVE, "", "", 70, "volume available"),
        fails(0, "", "", 0, ("cinder_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("cinder_get_image", UserTokenExpired, 401), "volume error"),
        fails(15, "", "", 30, ("cinder_get_image", UserTokenExpired, 401), "volume error").because(
            "cinder_image_after_download",
            UserTokenExpired,
            30,
        ),
        fails(
            15,
            "cinder.DEFAULT.scheduler_max_attempts = 1",
            "",
            30,
            ("cinder_image_after_download", UserTokenExpired, 401),
            "volume error",
        ),
        // Nothing is asked for after the conversion.
        completes(50, "", "", 70, "volume available"),
        completes(5, CINDER_SENDS, "", 70, "volume available"),
        // A clone is done as soon as it is begun.
        completes(15, "cloud.image_path = \"clone\"", "", 10, "volume available"),
        fails(
            5,
            "cinder.service_user.send_service_user_token = true
            glance.glance_store = { default_store = \"swift\", swift_store_multi_tenant = true }",
            "",
            10,
            ("swift_get", BackendNoServiceToken, 500),
            "volume error",
        ),
        fails(
            5,
            "cinder.service_user.send_service_user_token = true
            glance.glance_store.default_store = \"cinder\"",
            "",
            10,
            ("cinder_store_get", BackendNoServiceToken, 500),
            "volume error",
        ),
        fails(
            ALIVE,
            "cinder.service_user.send_service_user_token = true
            cloud.service_users.cinder.roles = [\"member\"]",
            "",
            0,
            ("cinder_api_post", CinderBadRequest, 400),
            "",
        )
        .because("cinder_api_get_image", ServiceTokenRoleMissing, 0),
    ],
};

/// The record of jobs, "volume-backup", and chains 2.6: pieces at 30, 40, 50 and 60 s, the rest at 70 s.
const VOLUME_BACKUP: Table = Table {
    job: "volume-backup",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"\nphase2 = \"40s\"\nobjects = 4",
    rows: &[
        completes(ALIVE, "", "", 70, "backup available, pieces written"),
        fails(0, "", "", 0, ("cinder_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 30, ("swift_head_container", BackendNoServiceToken, 401), "backup error"),
        fails(35, "", "", 40, ("swift_put_object", BackendNoServiceToken, 401), "backup error, pieces written"),
        fails(65, "", "", 70, ("swift_put_sha256", BackendNoServiceToken, 401), "backup error, pieces written"),
        // Both options are needed.
        fails(
            35,
            CINDER_SENDS,
            "",
            40,
            ("swift_put_object", BackendNoServiceToken, 401),
            "backup error, pieces written",
        ),
        fails(
            35,
            "cinder.DEFAULT.backup_swift_service_auth = true",
            "",
            40,
            ("swift_put_object", BackendNoServiceToken, 401),
            "backup error, pieces written",
        ),
        completes(
            5,
            "cinder.service_user.send_service_user_token = true\ncinder.DEFAULT.backup_swift_service_auth = true",
            "",
            70,
            "backup available, pieces written",
        ),
        completes(5, "cinder.DEFAULT.backup_swift_auth = \"single_user\"", "", 70, "backup available, pieces written"),
    ],
};

/// Chains 2.6, "Restore": a GET for each piece at 10, 20, 30 and 40 s, under the same tokens; nothing follows the last.
const VOLUME_RESTORE: Table = Table {
    job: "volume-restore",
    quantities: "queue = \"10s\"\nphase2 = \"40s\"\nobjects = 4",
    rows: &[
        completes(ALIVE, "", "", 50, "volume available"),
        fails(0, "", "", 0, ("cinder_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("swift_get_metadata", BackendNoServiceToken, 401), "volume error_restoring"),
        fails(25, "", "", 30, ("swift_get_object", BackendNoServiceToken, 401), "volume error_restoring"),
        completes(45, "", "", 50, "volume available"),
        fails(5, CINDER_SENDS, "", 10, ("swift_get_metadata", BackendNoServiceToken, 401), "volume error_restoring"),
        completes(
            5,
            "cinder.service_user.send_service_user_token = true\ncinder.DEFAULT.backup_swift_service_auth = true",
            "",
            50,
            "volume available",
        ),
        completes(5, "cinder.DEFAULT.backup_swift_auth = \"single_user\"", "", 50, "volume available"),
    ],
};

/// Chains 2.8, 2.9 and 2.12: at 10 s Cinder exchanges the user's token, or logs in, and calls Nova, which goes on
/// with what it got: it swaps the volume until 30 s and then deletes the old attachment.
const VOLUME_RETYPE: Table = Table {
    job: "volume-retype",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"",
    rows: &[
        completes(ALIVE, NOVA_SENDS, "", 30, "attachment deleted"),
        completes(ALIVE, "", "attached = false", 30, ""),
        fails(0, "", "", 0, ("cinder_api_post", UserTokenExpired, 401), ""),
        // From backend to backend nobody checks a token.
        completes(5, "", "attached = false", 30, ""),
        fails(5, "", "", 10, ("cinder_exchange_token", TokenExchangeRefused, 404), "new_volume deleted"),
        // What was got in exchange dies with the user's own; nothing that Nova tries then is accepted.
        fails(15, "", "", 30, ("attachment_complete", UserTokenExpired, 401), "new_volume available")
            .cleanup("refused_401"),
        fails(
            ALIVE,
            "",
            "",
            30,
            ("attachment_delete", DetachConflict, 409),
            "new_volume available, attachment reported",
        ),
        completes(15, NOVA_SENDS, "", 30, "attachment deleted"),
        // Keystone exchanges no expired token, whoever sends service tokens.
        fails(5, BOTH_SEND, "", 10, ("cinder_exchange_token", TokenExchangeRefused, 404), "new_volume deleted"),
        completes(
            5,
            "nova.service_user.send_service_user_token = true\ncinder.nova.auth_type = \"password\"",
            "",
            30,
            "attachment deleted",
        ),
        // A token of Cinder's own is a user's token to Cinder.
        fails(
            5,
            CINDER_LOGS_IN,
            "",
            30,
            ("attachment_delete", DetachConflict, 409),
            "new_volume available, attachment reported",
        ),
    ],
};

/// The record of jobs, "volume-detach" and "cinder's check": detach_get_volume at 10 s, attachment_delete at 30 s.
const VOLUME_DETACH: Table = Table {
    job: "volume-detach",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"",
    rows: &[
        completes(ALIVE, NOVA_SENDS, "", 30, "attachment deleted"),
        fails(0, "", "", 0, ("nova_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("detach_get_volume", UserTokenExpired, 401), "attachment reported"),
        fails(15, "", "", 30, ("attachment_delete", UserTokenExpired, 401), "attachment reported"),
        fails(ALIVE, "", "", 30, ("attachment_delete", DetachConflict, 409), "attachment reported"),
        // Cinder's cache knows the token, and Keystone exchanges a revoked one for nothing.
        fails(
            ALIVE,
            "cinder.keystone_authtoken.token_cache_time = 300",
            "revoke_after = \"15s\"",
            30,
            ("attachment_delete", TokenExchangeRefused, 500),
            "attachment reported",
        )
        .because("cinder_exchange_token", TokenExchangeRefused, 30),
        completes(5, NOVA_SENDS, "", 30, "attachment deleted"),
    ],
};
