//! Job kinds: the names of their steps and the flat programs that the driver walks.

use crate::model::vocabulary::{JobKind, StepId};

/// The steps of boot from volume, in the order of the chain.
const BOOT_FROM_VOLUME: &[&str] = &[
    "nova_api_post",
    "nova_get_image",
    "cinder_create",
    "cinder_api_get_image",
    "cinder_get_image",
    "glance_download",
    "swift_get",
    "cinder_store_get",
    "cinder_image_after_download",
    "cinder_image_signature",
    "cinder_image_before_convert",
    "poll",
    "attach_create",
    "attach_get_volume",
    "attach_update",
    "attach_complete",
    "attachment_delete",
    "detach_get_volume",
    "detach_attachment_delete",
    "volume_delete",
];

/// The names of a kind's steps, indexed by [`StepId`].
pub const fn step_names(kind: JobKind) -> &'static [&'static str] {
    match kind {
        JobKind::BootFromVolume => BOOT_FROM_VOLUME,
    }
}

/// The name of one step.
pub fn step_name(kind: JobKind, step: StepId) -> &'static str {
    step_names(kind)[usize::from(step.0)]
}
