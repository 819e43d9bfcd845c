//! Images: made of disks and volumes, uploaded, imported.

use super::{ALIVE, CINDER_SENDS, NOVA_SENDS, Reason, Table, completes, fails};
use Reason::{BackendNoServiceToken, BeyondWindow, UserTokenExpired};

pub(super) const TABLES: &[Table] = &[SNAPSHOT, SHELVE, UNSHELVE, VOLUME_TO_IMAGE, IMAGE_UPLOAD, IMAGE_IMPORT];

macro_rules! multi_tenant {
    ($others:expr) => {
        concat!(
            $others,
            "glance.glance_store.default_store = \"swift\"\nglance.glance_store.swift_store_multi_tenant = true\n"
        )
    };
}

macro_rules! untrusted {
    ($others:expr) => {
        concat!(multi_tenant!($others), "glance.glance_store.swift_store_use_trusts = false\n")
    };
}

macro_rules! nova_sends {
    () => {
        "nova.service_user.send_service_user_token = true\n"
    };
}

macro_rules! cinder_sends {
    () => {
        "cinder.service_user.send_service_user_token = true\n"
    };
}

const SINGLE_TENANT: &str = "glance.glance_store.default_store = \"swift\"\n";
const IN_CINDER: &str = "glance.glance_store.default_store = \"cinder\"\n";
const IN_CINDER_WITH_A_USER: &str =
    "glance.glance_store = { default_store = \"cinder\", cinder_store_user_name = \"glance\" }\n";

/// The record of jobs, "snapshot" and "upload", and of the chains 2.1 and 2.7: get_image at 10 s, get_image_again and
/// put_file at 30 s, segments at 30, 40, 50 and 60 s, manifest, ACL and get_image_final at 70 s.
const SNAPSHOT: Table = Table {
    job: "snapshot",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"\nphase2 = \"40s\"\nobjects = 4",
    rows: &[
        completes(ALIVE, "", "", 70, "image active"),
        completes(ALIVE, multi_tenant!(nova_sends!()), "", 70, "image active"),
        completes(ALIVE, IN_CINDER, "", 70, "image active"),
        fails(0, "", "", 0, ("nova_api_post", UserTokenExpired, 401), ""),
        // The DELETE carries the same dead token.
        fails(5, "", "", 10, ("get_image", UserTokenExpired, 401), "image queued").cleanup("refused_401"),
        fails(15, "", "", 30, ("get_image_again", UserTokenExpired, 401), "image queued").cleanup("refused_401"),
        fails(50, "", "", 70, ("get_image_final", UserTokenExpired, 401), "image active").cleanup("refused_401"),
        completes(5, NOVA_SENDS, "", 70, "image active"),
        fails(
            5,
            concat!(nova_sends!(), "keystone.token.allow_expired_window = 60"),
            "",
            70,
            ("get_image_final", BeyondWindow, 401),
            "image active",
        )
        .cleanup("refused_401"),
        // No trust with an expired token, and none sends a service token to Swift. What is queued has no data there.
        fails(
            20,
            multi_tenant!(nova_sends!()),
            "",
            30,
            ("swift_head_container", BackendNoServiceToken, 500),
            "image deleted",
        )
        .cleanup("deleted"),
        // The trust carries the data; the ACL needs the user's token again, and so does the removal of the data.
        fails(50, multi_tenant!(nova_sends!()), "", 70, ("swift_post_acl", BackendNoServiceToken, 500), "image active")
            .cleanup("refused_500"),
        fails(
            45,
            untrusted!(nova_sends!()),
            "",
            50,
            ("swift_put_segment", BackendNoServiceToken, 500),
            "image deleted, container created, segments written",
        )
        .cleanup("deleted"),
        fails(
            65,
            untrusted!(nova_sends!()),
            "",
            70,
            ("swift_put_manifest", BackendNoServiceToken, 500),
            "image deleted, container created, segments written",
        )
        .cleanup("deleted"),
        fails(
            45,
            untrusted!(""),
            "",
            50,
            ("swift_put_segment", BackendNoServiceToken, 500),
            "image queued, container created, segments written",
        )
        .cleanup("refused_401"),
        completes(20, concat!(nova_sends!(), "glance.glance_store.default_store = \"swift\""), "", 70, "image active"),
        fails(
            20,
            concat!(nova_sends!(), "glance.glance_store.default_store = \"cinder\""),
            "",
            30,
            ("cinder_store_create_volume", BackendNoServiceToken, 500),
            "image deleted",
        )
        .cleanup("deleted"),
        fails(
            50,
            concat!(nova_sends!(), "glance.glance_store.default_store = \"cinder\""),
            "",
            70,
            ("cinder_store_attachment_delete", BackendNoServiceToken, 500),
            "image deleted, store_volume created",
        )
        .cleanup("deleted"),
        completes(
            20,
            concat!(
                nova_sends!(),
                "glance.glance_store = { default_store = \"cinder\", cinder_store_user_name = \"glance\" }"
            ),
            "",
            70,
            "image active",
        ),
    ],
};

/// Chains 2.1 and 2.12: as a snapshot, but nobody deletes an image; then the volume leaves the host at 70 s, which
/// Cinder lets nobody but Nova do.
const SHELVE: Table = Table {
    job: "shelve",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"\nphase2 = \"40s\"\nobjects = 4",
    rows: &[
        completes(ALIVE, NOVA_SENDS, "", 70, "attachment deleted"),
        completes(ALIVE, "", "attached = false", 70, ""),
        fails(ALIVE, "", "", 70, ("attachment_delete", Reason::DetachConflict, 409), "attachment reported"),
        fails(0, "", "", 0, ("nova_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("get_image", UserTokenExpired, 401), "image queued"),
        fails(15, "", "", 30, ("get_image_again", UserTokenExpired, 401), "image queued"),
        fails(50, "", "", 70, ("get_image_final", UserTokenExpired, 401), "image active"),
        completes(5, NOVA_SENDS, "", 70, "attachment deleted"),
        fails(
            20,
            multi_tenant!(nova_sends!()),
            "",
            30,
            ("swift_head_container", BackendNoServiceToken, 500),
            "image queued",
        ),
        fails(50, multi_tenant!(nova_sends!()), "", 70, ("swift_post_acl", BackendNoServiceToken, 500), "image active"),
    ],
};

/// Chains 2.3: the volume at 10 s, connected at 15 s; the image is fetched at 15 s, is there at 35 s and converted at
/// 75 s. A refused DELETE of the image is a warning.
const UNSHELVE: Table = Table {
    job: "unshelve",
    quantities: "queue = \"10s\"\nattach = \"5s\"\nphase1 = \"20s\"\nphase2 = \"40s\"",
    rows: &[
        completes(ALIVE, "", "", 75, "image deleted"),
        completes(30, "", "", 75, "image active").caught("delete_image"),
        fails(0, "", "", 0, ("nova_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("attach_get_volume", UserTokenExpired, 401), ""),
        fails(12, "", "", 15, ("attach_complete", UserTokenExpired, 401), ""),
        // Without a volume the guest waits for nothing, and the image is asked for at 10 s.
        fails(5, "", "attached = false", 10, ("get_file", UserTokenExpired, 401), ""),
        completes(5, NOVA_SENDS, "", 75, "image deleted"),
        // Nova takes the volume off the host again, which its service token lets it do.
        fails(5, multi_tenant!(nova_sends!()), "", 15, ("swift_get", BackendNoServiceToken, 500), "attachment deleted"),
        completes(5, concat!(nova_sends!(), "glance.glance_store.default_store = \"swift\""), "", 75, "image deleted"),
    ],
};

/// The record of jobs, "volume-to-image", and chains 2.5: put_file at 30 s, get_image_final at 70 s. What is deleted
/// is an image that Cinder finds queued.
const VOLUME_TO_IMAGE: Table = Table {
    job: "volume-to-image",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"\nphase2 = \"40s\"\nobjects = 4",
    rows: &[
        completes(ALIVE, "", "", 70, "image active"),
        fails(0, "", "", 0, ("cinder_api_post", UserTokenExpired, 401), ""),
        fails(5, "", "", 30, ("put_file", UserTokenExpired, 401), "image queued").cleanup("refused_401"),
        fails(50, "", "", 70, ("get_image_final", UserTokenExpired, 401), "image active").cleanup("refused_401"),
        completes(5, CINDER_SENDS, "", 70, "image active"),
        fails(
            5,
            multi_tenant!(cinder_sends!()),
            "",
            30,
            ("swift_head_container", BackendNoServiceToken, 500),
            "image deleted",
        )
        .cleanup("deleted"),
        fails(
            50,
            multi_tenant!(cinder_sends!()),
            "",
            70,
            ("swift_post_acl", BackendNoServiceToken, 500),
            "image active",
        )
        .cleanup("kept"),
    ],
};

/// The record of jobs, "upload" and "image-upload": put_file at 10 s, segments at 10, 20, 30 and 40 s, the rest at 50
/// s. Nobody deletes anything.
const IMAGE_UPLOAD: Table = Table {
    job: "image-upload",
    quantities: "queue = \"10s\"\nphase2 = \"40s\"",
    rows: &[
        completes(ALIVE, "", "", 50, "image active"),
        completes(ALIVE, untrusted!(""), "objects = 4", 50, "image active"),
        fails(0, "", "", 0, ("create_image", UserTokenExpired, 401), ""),
        fails(5, "", "", 10, ("put_file", UserTokenExpired, 401), "image queued"),
        completes(30, "", "", 50, "image active"),
        completes(5, NOVA_SENDS, "uploader = \"nova\"", 50, "image active"),
        // One plain object; no trust is made for it.
        fails(30, multi_tenant!(""), "objects = 0", 50, ("swift_post_acl", BackendNoServiceToken, 500), "image active"),
        fails(30, multi_tenant!(""), "objects = 4", 50, ("swift_post_acl", BackendNoServiceToken, 500), "image active"),
        fails(
            25,
            untrusted!(""),
            "objects = 4",
            30,
            ("swift_put_segment", BackendNoServiceToken, 500),
            "image queued, container created, segments written",
        ),
        fails(
            45,
            untrusted!(""),
            "objects = 4",
            50,
            ("swift_put_manifest", BackendNoServiceToken, 500),
            "image queued, container created, segments written",
        ),
        fails(
            5,
            multi_tenant!(nova_sends!()),
            "uploader = \"nova\"\nobjects = 4",
            10,
            ("swift_head_container", BackendNoServiceToken, 500),
            "image queued",
        ),
        completes(30, SINGLE_TENANT, "objects = 4", 50, "image active"),
        fails(
            30,
            IN_CINDER,
            "",
            50,
            ("cinder_store_attachment_delete", BackendNoServiceToken, 500),
            "image queued, store_volume created",
        ),
        completes(30, IN_CINDER_WITH_A_USER, "", 50, "image active"),
    ],
};

/// Chains 2.7: the token is checked at the request only, and the trust is made when the data have come, at 30 s. Glance
/// itself works here, so that nobody turns Swift's 401 into a 500.
const IMAGE_IMPORT: Table = Table {
    job: "image-import",
    quantities: "queue = \"10s\"\nphase1 = \"20s\"\nphase2 = \"40s\"\nobjects = 4",
    rows: &[
        completes(ALIVE, "", "", 70, "image active"),
        completes(ALIVE, multi_tenant!(""), "method = \"copy-image\"", 70, "image active"),
        fails(0, "", "", 0, ("create_image", UserTokenExpired, 401), ""),
        fails(0, "", "method = \"copy-image\"", 0, ("import_post", UserTokenExpired, 401), ""),
        completes(5, "", "", 70, "image active"),
        // The client stages the data itself, until 20 s.
        fails(5, "", "method = \"glance-direct\"", 20, ("import_post", UserTokenExpired, 401), "image queued"),
        fails(5, multi_tenant!(""), "", 30, ("swift_head_container", BackendNoServiceToken, 401), "image queued"),
        fails(
            5,
            multi_tenant!(""),
            "method = \"copy-image\"",
            30,
            ("swift_head_container", BackendNoServiceToken, 401),
            "",
        ),
        fails(50, multi_tenant!(""), "", 70, ("swift_post_acl", BackendNoServiceToken, 401), "image queued"),
        completes(5, SINGLE_TENANT, "", 70, "image active"),
    ],
};
