//! Boot from volume: Nova has Cinder make a volume from an image, polls until it is ready, and attaches it.
//!
//! Sources, hop by hop: `nova:nova/compute/manager.py`, `nova/virt/block_device.py`, `nova/volume/cinder.py`;
//! `cinder:cinder/volume/flows/manager/create_volume.py`, `cinder/image/image_utils.py`;
//! `glance_store:_drivers/swift/store.py`. docs/MODEL.md has them all.

use super::program::{Assembler, Ending, Label, Op, Program, Request, ServiceToken};
use crate::model::vocabulary::{Process, Quantity, Reason, Service, StepId, Volume};
use crate::model::{GlanceStore, ImagePath, Model, Workload};

/// Names of the steps, in the order of the chain; [`Step`] gives their places.
pub(super) const STEPS: &[&str] = &[
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
    fn request(&self, step: Step, from: Process, to: Service) -> Request {
        let service_token = match from {
            Process::Client | Process::GlanceApi => ServiceToken::None,
            // nova-api always adds one: its context carries auth_token's own plugin.
            Process::NovaApi if !self.model.nova.send_service_user_token => ServiceToken::AuthToken,
            Process::NovaApi => ServiceToken::ServiceUser,
            Process::NovaCompute => of_service_user(self.model.nova.send_service_user_token),
            Process::CinderApi | Process::CinderVolume => of_service_user(self.model.cinder.send_service_user_token),
        };
        let nth = self.asm.requests_of(step.id()) as u8;
        Request { step: step.id(), nth, from, to, service_token }
    }

    fn call(&mut self, step: Step, from: Process, to: Service, refused: Label) {
        let request = self.request(step, from, to);
        self.asm.push(Op::Call { request, refused });
    }

    fn try_call(&mut self, step: Step, from: Process, to: Service, done: Option<Volume>) {
        let request = self.request(step, from, to);
        self.asm.push(Op::Try { request, done });
    }

    /// Nova's part, from the user's request to the attached volume.
    fn nova(&mut self, branch: Label, delete_on_termination: bool) {
        use Process::{CinderApi, Client, NovaApi, NovaCompute};
        use Service::{Cinder, Glance, Nova};
        let refused = self.asm.label();
        let bad_request = self.asm.label();
        let volume_error = self.asm.label();
        let timed_out = self.asm.label();
        let attach_refused = self.asm.label();
        let complete_refused = self.asm.label();

        self.call(Step::NovaApiPost, Client, Nova, refused);
        self.call(Step::NovaGetImage, NovaApi, Glance, refused);
        self.asm.push(Op::Wait(Quantity::BuildQueue));
        self.call(Step::CinderCreate, NovaCompute, Cinder, refused);
        for _ in 0..CINDER_API_IMAGE_REQUESTS {
            self.call(Step::CinderApiGetImage, CinderApi, Glance, bad_request);
        }
        self.asm.push(Op::Volume(Volume::Creating));
        self.asm.push(Op::Fork { branch });
        let request = self.request(Step::Poll, NovaCompute, Cinder);
        self.asm.push(Op::Poll {
            request,
            attempts: self.model.nova.volume_poll_attempts,
            interval: self.model.nova.volume_poll_interval,
            refused,
            error: volume_error,
            timed_out,
        });
        self.call(Step::AttachCreate, NovaCompute, Cinder, refused);
        self.asm.push(Op::Volume(Volume::Attaching));
        self.call(Step::AttachGetVolume, NovaCompute, Cinder, attach_refused);
        self.call(Step::AttachUpdate, NovaCompute, Cinder, attach_refused);
        self.asm.push(Op::Wait(Quantity::Attach));
        self.call(Step::AttachComplete, NovaCompute, Cinder, complete_refused);
        self.asm.push(Op::Volume(Volume::InUse));
        self.asm.push(Op::Complete);
        self.asm.push(Op::Stop);

        // Nova knows no volume yet, so it deletes none: also when a poll is refused, and at attach_create.
        self.asm.place(refused);
        self.asm.push(Op::Fail(Ending::Refused));
        self.asm.push(Op::Stop);

        // cinder-api takes the refusal for a missing image, looks the image up by name, and answers 400.
        self.asm.place(bad_request);
        self.try_call(Step::CinderApiGetImage, CinderApi, Glance, None);
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
        self.try_call(Step::AttachmentDelete, NovaCompute, Cinder, Some(Volume::Available));
        self.detach(delete_on_termination);

        self.asm.place(attach_refused);
        self.asm.push(Op::Fail(Ending::Refused));
        self.detach(delete_on_termination);
    }

    /// What Nova does with a volume that it had begun to attach.
    fn detach(&mut self, delete_on_termination: bool) {
        let not_detached = self.asm.label();
        self.call(Step::DetachGetVolume, Process::NovaCompute, Service::Cinder, not_detached);
        let done = Some(Volume::Available);
        self.try_call(Step::DetachAttachmentDelete, Process::NovaCompute, Service::Cinder, done);
        self.asm.place(not_detached);
        self.delete_volume(delete_on_termination);
    }

    fn delete_volume(&mut self, delete_on_termination: bool) {
        if delete_on_termination {
            let request = self.request(Step::VolumeDelete, Process::NovaCompute, Service::Cinder);
            self.asm.push(Op::DeleteVolume { request });
        }
        self.asm.push(Op::Stop);
    }

    /// cinder-volume's part, from the scheduled volume to `available` or `error`.
    fn cinder_volume(&mut self) {
        use Process::{CinderVolume, GlanceApi};
        use Service::{Cinder, Glance, Swift};
        let attempt = self.asm.label();
        let reschedule = self.asm.label();
        let error = self.asm.label();

        self.asm.push(Op::Wait(Quantity::CinderQueue));
        self.asm.place(attempt);
        self.asm.push(Op::Attempt);
        self.call(Step::CinderGetImage, CinderVolume, Glance, reschedule);
        match self.model.image_path {
            // The backend clones: no data passes, so no request follows.
            ImagePath::Clone => {}
            ImagePath::Copy => {
                self.call(Step::GlanceDownload, CinderVolume, Glance, reschedule);
                match self.model.glance.store {
                    GlanceStore::OwnCredentials => {}
                    GlanceStore::SwiftMultiTenant => self.call(Step::SwiftGet, GlanceApi, Swift, reschedule),
                    GlanceStore::CinderUserToken => self.call(Step::CinderStoreGet, GlanceApi, Cinder, reschedule),
                }
                self.asm.push(Op::Wait(Quantity::Download));
                self.call(Step::CinderImageAfterDownload, CinderVolume, Glance, reschedule);
                if self.model.cinder.verify_glance_signatures {
                    self.call(Step::CinderImageSignature, CinderVolume, Glance, reschedule);
                }
                // Refused here it is an ImageCopyFailure, for which Cinder does not schedule again.
                self.call(Step::CinderImageBeforeConvert, CinderVolume, Glance, error);
                self.asm.push(Op::Wait(Quantity::Convert));
            }
        }
        self.asm.push(Op::Volume(Volume::Available));
        self.asm.push(Op::Stop);

        self.asm.place(reschedule);
        self.asm.push(Op::Retry { attempts: self.model.cinder.scheduler_max_attempts, again: attempt });
        self.asm.place(error);
        self.asm.push(Op::Volume(Volume::Error));
        self.asm.push(Op::Stop);
    }
}

fn of_service_user(sends: bool) -> ServiceToken {
    if sends { ServiceToken::ServiceUser } else { ServiceToken::None }
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
}
