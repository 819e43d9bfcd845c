//! Boot from volume: Nova has Cinder make a volume from an image, polls until it is ready, and attaches it.
//!
//! Sources, hop by hop: `nova:nova/compute/manager.py`, `nova/virt/block_device.py`, `nova/volume/cinder.py`;
//! `cinder:cinder/volume/flows/manager/create_volume.py`, `cinder/image/image_utils.py`;
//! `glance_store:_drivers/swift/store.py`. docs/MODEL.md has them all.

use super::program::{Assembler, Ending, Label, Op, Program, Request, Watched};
use crate::model::vocabulary::Reason;
use crate::model::{
    GlanceStore, ImagePath, Kind, Model, ProcessId, Quantity, QuantityId, QuantityUnit, Resource, ResourceId,
    ServiceId, StepId, Workload,
};

/// The kind's name.
pub(super) const NAME: &str = "boot-from-volume";

/// Names of the steps, in the order of the chain; [`Step`] gives their places.
const STEPS: &[&str] = &[
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

/// Places in [`STEPS`].
#[derive(Clone, Copy)]
enum Step {
    NovaApiPost,
    NovaGetImage,
    CinderCreate,
    CinderApiGetImage,
    CinderGetImage,
    GlanceDownload,
    SwiftGet,
    CinderStoreGet,
    CinderImageAfterDownload,
    CinderImageSignature,
    CinderImageBeforeConvert,
    Poll,
    AttachCreate,
    AttachGetVolume,
    AttachUpdate,
    AttachComplete,
    AttachmentDelete,
    DetachGetVolume,
    DetachAttachmentDelete,
    VolumeDelete,
}

impl Step {
    const fn id(self) -> StepId {
        StepId(self as u8)
    }
}

/// What a job draws.
const QUANTITIES: &[(&str, QuantityUnit, &str)] = &[
    ("image_size", QuantityUnit::Bytes, "Size of the image."),
    ("build_queue", QuantityUnit::Seconds, "Wait for a build slot of nova-compute."),
    ("cinder_queue", QuantityUnit::Seconds, "Wait for cinder-volume once a backend is chosen."),
    ("download", QuantityUnit::Seconds, "Copy of the image from Glance; replaces what size and speed would give."),
    (
        "convert",
        QuantityUnit::Seconds,
        "Conversion of the image into the volume; replaces what size and speed would give.",
    ),
    ("attach", QuantityUnit::Seconds, "Attaching the volume on the hypervisor."),
];

const BUILD_QUEUE: QuantityId = QuantityId(1);
const CINDER_QUEUE: QuantityId = QuantityId(2);
const DOWNLOAD: QuantityId = QuantityId(3);
const CONVERT: QuantityId = QuantityId(4);
const ATTACH: QuantityId = QuantityId(5);

/// Names of the volume's states; [`State`] gives their places.
const STATES: &[&str] = &["none", "creating", "available", "error", "deleted", "attaching", "in-use"];

/// Places in [`STATES`].
#[derive(Clone, Copy)]
enum State {
    /// Cinder works on it.
    Creating = 1,
    /// Ready, and attached to nothing.
    Available,
    /// Cinder gave up on it.
    Error,
    Deleted,
    /// Reserved by an attachment that was never completed.
    Attaching,
    /// Attached.
    InUse,
}

const VOLUME: ResourceId = ResourceId(0);
const WATCHED: Watched = Watched {
    resource: VOLUME,
    available: State::Available as u8,
    error: State::Error as u8,
    deleted: State::Deleted as u8,
};

/// The kind.
pub(super) fn kind() -> Kind {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let quantity = |&(name, unit, meaning): &(&str, QuantityUnit, &str)| Quantity {
        name: name.to_owned(),
        unit,
        meaning: meaning.to_owned(),
    };
    Kind {
        name: NAME.to_owned(),
        description: "Boot an instance from a new volume that Cinder fills from an image.".to_owned(),
        steps: owned(STEPS),
        quantities: QUANTITIES.iter().map(quantity).collect(),
        resources: vec![Resource { name: "volume".to_owned(), states: owned(STATES) }],
    }
}

/// GET image requests of cinder-api inside `POST /volumes`.
const CINDER_API_IMAGE_REQUESTS: usize = 3;

/// The program for the jobs of `workload`.
pub(super) fn compile(model: &Model, workload: &Workload) -> Program {
    let mut chain = Chain { model, asm: Assembler::default() };
    let branch = chain.asm.label();
    chain.nova(branch, workload.delete_on_termination);
    chain.asm.place(branch);
    chain.cinder_volume();
    chain.asm.finish()
}

struct Chain<'m> {
    model: &'m Model,
    asm: Assembler,
}

impl Chain<'_> {
    fn call(&mut self, step: Step, from: ProcessId, to: ServiceId, refused: Label) {
        self.asm.push(Op::Call { request: request(step, from, to), refused });
    }

    fn try_call(&mut self, step: Step, from: ProcessId, to: ServiceId, done: Option<State>) {
        let done = done.map(|state| (VOLUME, state as u8));
        self.asm.push(Op::Try { request: request(step, from, to), done });
    }

    fn set(&mut self, state: State) {
        self.asm.push(Op::Set { resource: VOLUME, state: state as u8 });
    }

    /// Nova's part, from the user's request to the attached volume.
    fn nova(&mut self, branch: Label, delete_on_termination: bool) {
        let refused = self.asm.label();
        let bad_request = self.asm.label();
        let volume_error = self.asm.label();
        let timed_out = self.asm.label();
        let attach_refused = self.asm.label();
        let complete_refused = self.asm.label();

        self.call(Step::NovaApiPost, ProcessId::CLIENT, ServiceId::NOVA, refused);
        self.call(Step::NovaGetImage, ProcessId::NOVA_API, ServiceId::GLANCE, refused);
        self.asm.push(Op::Wait(BUILD_QUEUE));
        self.call(Step::CinderCreate, ProcessId::NOVA_COMPUTE, ServiceId::CINDER, refused);
        for _ in 0..CINDER_API_IMAGE_REQUESTS {
            self.call(Step::CinderApiGetImage, ProcessId::CINDER_API, ServiceId::GLANCE, bad_request);
        }
        self.set(State::Creating);
        self.asm.push(Op::Fork { branch });
        let request = request(Step::Poll, ProcessId::NOVA_COMPUTE, ServiceId::CINDER);
        self.asm.push(Op::Poll {
            request,
            watched: WATCHED,
            attempts: self.model.nova.volume_poll_attempts,
            interval: self.model.nova.volume_poll_interval,
            refused,
            error: volume_error,
            timed_out,
        });
        self.call(Step::AttachCreate, ProcessId::NOVA_COMPUTE, ServiceId::CINDER, refused);
        self.set(State::Attaching);
        self.call(Step::AttachGetVolume, ProcessId::NOVA_COMPUTE, ServiceId::CINDER, attach_refused);
        self.call(Step::AttachUpdate, ProcessId::NOVA_COMPUTE, ServiceId::CINDER, attach_refused);
        self.asm.push(Op::Wait(ATTACH));
        self.call(Step::AttachComplete, ProcessId::NOVA_COMPUTE, ServiceId::CINDER, complete_refused);
        self.set(State::InUse);
        self.asm.push(Op::Complete);
        self.asm.push(Op::Stop);

        // Nova knows no volume yet, so it deletes none: also when a poll is refused, and at attach_create.
        self.asm.place(refused);
        self.asm.push(Op::Fail(Ending::Refused));
        self.asm.push(Op::Stop);

        // cinder-api takes the refusal for a missing image, looks the image up by name, and answers 400.
        self.asm.place(bad_request);
        self.try_call(Step::CinderApiGetImage, ProcessId::CINDER_API, ServiceId::GLANCE, None);
        self.asm.push(Op::Fail(Ending::Translated {
            step: Step::CinderCreate.id(),
            reason: Reason::CinderBadRequest,
            http_status: 400,
        }));
        self.asm.push(Op::Stop);

        self.asm.place(timed_out);
        self.asm.push(Op::Fail(Ending::TimedOut { step: Step::Poll.id() }));
        self.delete_volume(delete_on_termination);

        self.asm.place(volume_error);
        self.asm.push(Op::Fail(Ending::VolumeError { step: Step::Poll.id() }));
        self.delete_volume(delete_on_termination);

        self.asm.place(complete_refused);
        self.asm.push(Op::Fail(Ending::Refused));
        self.try_call(Step::AttachmentDelete, ProcessId::NOVA_COMPUTE, ServiceId::CINDER, Some(State::Available));
        self.detach(delete_on_termination);

        self.asm.place(attach_refused);
        self.asm.push(Op::Fail(Ending::Refused));
        self.detach(delete_on_termination);
    }

    /// What Nova does with a volume that it had begun to attach.
    fn detach(&mut self, delete_on_termination: bool) {
        let not_detached = self.asm.label();
        self.call(Step::DetachGetVolume, ProcessId::NOVA_COMPUTE, ServiceId::CINDER, not_detached);
        let done = Some(State::Available);
        self.try_call(Step::DetachAttachmentDelete, ProcessId::NOVA_COMPUTE, ServiceId::CINDER, done);
        self.asm.place(not_detached);
        self.delete_volume(delete_on_termination);
    }

    fn delete_volume(&mut self, delete_on_termination: bool) {
        if delete_on_termination {
            let request = request(Step::VolumeDelete, ProcessId::NOVA_COMPUTE, ServiceId::CINDER);
            self.asm.push(Op::Delete { request, watched: WATCHED });
        }
        self.asm.push(Op::Stop);
    }

    /// cinder-volume's part, from the scheduled volume to `available` or `error`.
    fn cinder_volume(&mut self) {
        let attempt = self.asm.label();
        let reschedule = self.asm.label();
        let error = self.asm.label();

        self.asm.push(Op::Wait(CINDER_QUEUE));
        self.asm.place(attempt);
        self.asm.push(Op::Attempt);
        self.call(Step::CinderGetImage, ProcessId::CINDER_VOLUME, ServiceId::GLANCE, reschedule);
        match self.model.image_path {
            // The backend clones: no data passes, so no request follows.
            ImagePath::Clone => {}
            ImagePath::Copy => {
                self.call(Step::GlanceDownload, ProcessId::CINDER_VOLUME, ServiceId::GLANCE, reschedule);
                match self.model.glance.store {
                    GlanceStore::OwnCredentials => {}
                    GlanceStore::SwiftMultiTenant => {
                        self.call(Step::SwiftGet, ProcessId::GLANCE_API, ServiceId::SWIFT, reschedule)
                    }
                    GlanceStore::CinderUserToken => {
                        self.call(Step::CinderStoreGet, ProcessId::GLANCE_API, ServiceId::CINDER, reschedule)
                    }
                }
                self.asm.push(Op::Wait(DOWNLOAD));
                self.call(Step::CinderImageAfterDownload, ProcessId::CINDER_VOLUME, ServiceId::GLANCE, reschedule);
                if self.model.cinder.verify_glance_signatures {
                    self.call(Step::CinderImageSignature, ProcessId::CINDER_VOLUME, ServiceId::GLANCE, reschedule);
                }
                // Refused here it is an ImageCopyFailure, for which Cinder does not schedule again.
                self.call(Step::CinderImageBeforeConvert, ProcessId::CINDER_VOLUME, ServiceId::GLANCE, error);
                self.asm.push(Op::Wait(CONVERT));
            }
        }
        self.set(State::Available);
        self.asm.push(Op::Stop);

        self.asm.place(reschedule);
        self.asm.push(Op::Retry { attempts: self.model.cinder.scheduler_max_attempts, again: attempt });
        self.asm.place(error);
        self.set(State::Error);
        self.asm.push(Op::Stop);
    }
}

fn request(step: Step, from: ProcessId, to: ServiceId) -> Request {
    Request { step: step.id(), from, to, nth: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_name() {
        assert_eq!(STEPS.len(), Step::VolumeDelete as usize + 1);
        assert_eq!(STEPS[Step::Poll as usize], "poll");
        assert_eq!(STEPS[Step::CinderStoreGet as usize], "cinder_store_get");
        assert_eq!(STEPS[Step::AttachmentDelete as usize], "attachment_delete");
    }

    #[test]
    fn every_quantity_and_state_has_its_name() {
        let kind = kind();
        for (name, at) in [
            ("build_queue", BUILD_QUEUE),
            ("cinder_queue", CINDER_QUEUE),
            ("download", DOWNLOAD),
            ("convert", CONVERT),
            ("attach", ATTACH),
        ] {
            assert_eq!(kind.quantity(name), Some(at));
        }
        let volume = &kind.resources[VOLUME.index()];
        for (name, state) in [
            ("creating", State::Creating),
            ("available", State::Available),
            ("error", State::Error),
            ("deleted", State::Deleted),
            ("attaching", State::Attaching),
            ("in-use", State::InUse),
        ] {
            assert_eq!(volume.state(name), Some(state as u8));
        }
        assert_eq!(volume.state("none"), Some(Resource::NONE));
    }
}
