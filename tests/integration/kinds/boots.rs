//! Instances on volumes that Cinder fills from images.

use super::{ALIVE, BOTH_SEND, NOVA_SENDS, Reason, Table, completes, fails};
use Reason::{BackendNoServiceToken, CinderBadRequest, TokenExchangeRefused, UserTokenExpired, VolumeError};

pub(super) const TABLES: &[Table] = &[BOOT_FROM_VOLUME, REBUILD_VOLUME_BACKED];

/// The recorded chain and chains 1: the volume is asked for at 10 s, cinder-volume begins at 30 s, has the image at
/// 60 s and is done at 100 s; Nova polls at 10, 13, …, 100 s, and the volume is attached at 105 s.
const BOOT_FROM_VOLUME: Table = Table {
    job: "boot-from-volume",
    quantities: "build_queue = \"10s\"\ncinder_queue = \"20s\"\ndownload = \"30s\"\nconvert = \"40s\"\nattach = \"5s\"",
    rows: &[
        completes(ALIVE, "", "", 105, "volume in-use"),
        fails(0, "", "", 0, ("nova_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("cinder_create", UserTokenExpired, 401), ""),
        // Nova goes at the next poll, whatever it should delete; Cinder goes on with its own dead token.
        fails(15, "", "", 16, ("poll", UserTokenExpired, 401), "volume error"),
        fails(15, "", "delete_on_termination = true", 16, ("poll", UserTokenExpired, 401), "volume error"),
        // Once the conversion runs, Cinder asks for nothing any more.
        fails(75, "", "", 76, ("poll", UserTokenExpired, 401), "volume available"),
        fails(102, "", "", 105, ("attach_complete", UserTokenExpired, 401), "volume attaching"),
        fails(
            102,
            "",
            "delete_on_termination = true",
            105,
            ("attach_complete", UserTokenExpired, 401),
            "volume attaching",
        )
        .cleanup("refused_401"),
        // With Nova's service tokens it is Cinder's requests to Glance that fail.
        fails(5, NOVA_SENDS, "", 10, ("cinder_create", CinderBadRequest, 400), "").because(
            "cinder_api_get_image",
            UserTokenExpired,
            10,
        ),
        fails(15, NOVA_SENDS, "", 31, ("poll", VolumeError, 200), "volume error").because(
            "cinder_get_image",
            UserTokenExpired,
            30,
        ),
        fails(15, NOVA_SENDS, "delete_on_termination = true", 31, ("poll", VolumeError, 200), "volume deleted")
            .because("cinder_get_image", UserTokenExpired, 30)
            .cleanup("deleted"),
        fails(45, NOVA_SENDS, "", 61, ("poll", VolumeError, 200), "volume error").because(
            "cinder_image_after_download",
            UserTokenExpired,
            60,
        ),
        completes(75, NOVA_SENDS, "", 105, "volume in-use"),
        completes(5, BOTH_SEND, "", 105, "volume in-use"),
        fails(
            15,
            "nova.service_user.send_service_user_token = true
            cinder.service_user.send_service_user_token = true
            glance.glance_store = { default_store = \"swift\", swift_store_multi_tenant = true }",
            "",
            31,
            ("poll", VolumeError, 200),
            "volume error",
        )
        .because("swift_get", BackendNoServiceToken, 30),
    ],
};

/// Chains 2.4 and 2.9: Nova detaches and asks Cinder at 10 s; cinder-volume begins at 30 s, has the image at 60 s and
/// tells Nova at 100 s, for which it exchanges the user's token; the volume is attached again at 105 s.
const REBUILD_VOLUME_BACKED: Table = Table {
    job: "rebuild-volume-backed",
    quantities: "queue = \"10s\"\ncinder_queue = \"20s\"\ndownload = \"30s\"\nconvert = \"40s\"\nattach = \"5s\"",
    rows: &[
        completes(ALIVE, "", "", 105, "volume in-use, attachment deleted"),
        fails(0, "", "", 0, ("nova_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("reserve_attachment_create", UserTokenExpired, 401), ""),
        fails(5, NOVA_SENDS, "", 10, ("cinder_api_get_image", UserTokenExpired, 401), "attachment deleted"),
        fails(20, "", "", 30, ("cinder_get_image", UserTokenExpired, 401), "volume error, attachment deleted"),
        fails(
            45,
            "",
            "",
            60,
            ("cinder_image_after_download", UserTokenExpired, 401),
            "volume error, attachment deleted",
        ),
        fails(
            80,
            "",
            "",
            100,
            ("cinder_exchange_token", TokenExchangeRefused, 404),
            "volume reserved, attachment deleted",
        ),
        fails(102, "", "", 105, ("attach_complete", UserTokenExpired, 401), "volume reserved, attachment deleted"),
        // No service token helps an exchange; a user of Cinder's own for Nova does.
        fails(
            20,
            BOTH_SEND,
            "",
            100,
            ("cinder_exchange_token", TokenExchangeRefused, 404),
            "volume reserved, attachment deleted",
        ),
        completes(
            5,
            "nova.service_user.send_service_user_token = true
            cinder.service_user.send_service_user_token = true
            cinder.nova.auth_type = \"password\"",
            "",
            105,
            "volume in-use, attachment deleted",
        ),
    ],
};
