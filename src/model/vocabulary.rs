//! The words of the field, each list once: services, processes, job kinds, reasons, outcomes.
//!
//! Codes are what CSV files, legends and documentation use; nobody types them twice. No behaviour lives here.

/// Index of a step in the list of its job kind; the names are in `jobs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u8);

/// Declares a closed list: the enum, all of it in order, and the code of each member.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every member, in the order in which reports list them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// How many there are.
            pub const COUNT: usize = $name::ALL.len();

            /// The code in files and outputs.
            pub const fn code(self) -> &'static str {
                match self { $($name::$variant => $code),+ }
            }

            /// The member with this code.
            pub fn from_code(code: &str) -> Option<$name> {
                match code { $($code => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

vocabulary! {
    /// A service that answers requests.
    Service {
        /// Identity: issues and validates tokens.
        Keystone => "keystone",
        /// Compute: `nova-api` receives.
        Nova => "nova",
        /// Block storage: `cinder-api` receives.
        Cinder => "cinder",
        /// Images: `glance-api` receives.
        Glance => "glance",
        /// Object storage: the proxy receives.
        Swift => "swift",
    }
}

vocabulary! {
    /// A process that sends requests, each with a keystoneauth session and service token of its own.
    Process {
        /// The user's own client; it never sends a service token.
        Client => "client",
        /// `nova-api`, which always sends a service token.
        NovaApi => "nova-api",
        /// `nova-compute`.
        NovaCompute => "nova-compute",
        /// `cinder-api`.
        CinderApi => "cinder-api",
        /// `cinder-volume`.
        CinderVolume => "cinder-volume",
        /// `glance-api`, which never sends a service token.
        GlanceApi => "glance-api",
    }
}

vocabulary! {
    /// A kind of job.
    JobKind {
        /// Boot an instance from a new volume that Cinder fills from an image.
        BootFromVolume => "boot-from-volume",
    }
}

vocabulary! {
    /// Something that a job draws at submission, or that a trace gives.
    Quantity {
        /// Size of the image, in bytes.
        ImageSize => "image_size",
        /// Wait for a build slot of nova-compute.
        BuildQueue => "build_queue",
        /// Wait for cinder-volume, a backend being chosen already.
        CinderQueue => "cinder_queue",
        /// Copy of the image from Glance into Cinder's temporary file.
        Download => "download",
        /// Conversion of the image into the volume.
        Convert => "convert",
        /// Attaching the volume on the hypervisor.
        Attach => "attach",
    }
}

impl Quantity {
    /// Whether it is counted in bytes; all others are times.
    pub const fn is_size(self) -> bool {
        matches!(self, Quantity::ImageSize)
    }
}

impl JobKind {
    /// What a job of this kind draws, in the order of its columns.
    pub const fn quantities(self) -> &'static [Quantity] {
        match self {
            JobKind::BootFromVolume => Quantity::ALL,
        }
    }
}

vocabulary! {
    /// Why a request, or a whole job, failed; in the order in which they are tried when several hold.
    Reason {
        /// Keystone refused the service token, or refused the sender a new one.
        ServiceTokenInvalid => "service_token_invalid",
        /// The Fernet key of the user's token is gone.
        FernetKeyGone => "fernet_key_gone",
        /// The user's token was revoked.
        Revoked => "revoked",
        /// The service token's user has none of the receiver's `service_token_roles`.
        ServiceTokenRoleMissing => "service_token_role_missing",
        /// The service token was good, but the user's token is past `allow_expired_window`.
        BeyondWindow => "beyond_window",
        /// The user's token had expired and no service token came with it.
        UserTokenExpired => "user_token_expired",
        /// The same behind Glance, which never sends a service token to its backend.
        BackendNoServiceToken => "backend_no_service_token",
        /// Nova stopped waiting for the volume.
        VolumeWaitTimeout => "volume_wait_timeout",
        /// Nova saw the volume in `error`; the first cause says why.
        VolumeError => "volume_error",
        /// Cinder answered 400 because Glance had refused the token.
        CinderBadRequest => "cinder_bad_request",
    }
}

impl Reason {
    /// The reason in words, for legends and tables.
    pub const fn words(self) -> &'static str {
        match self {
            Reason::ServiceTokenInvalid => "service token invalid",
            Reason::FernetKeyGone => "Fernet key gone",
            Reason::Revoked => "token revoked",
            Reason::ServiceTokenRoleMissing => "service token lacks the role",
            Reason::BeyondWindow => "beyond allow_expired_window",
            Reason::UserTokenExpired => "user token expired",
            Reason::BackendNoServiceToken => "no service token behind Glance",
            Reason::VolumeWaitTimeout => "volume wait timed out",
            Reason::VolumeError => "volume went to error",
            Reason::CinderBadRequest => "Cinder answered 400",
        }
    }

    /// Whether a job with this first cause counts as a token failure.
    pub const fn is_token_failure(self) -> bool {
        !matches!(self, Reason::VolumeWaitTimeout)
    }
}

vocabulary! {
    /// What Nova's `DELETE volume` after a failure came to.
    Cleanup {
        /// Not tried.
        None => "none",
        /// The volume was deleted.
        Deleted => "deleted",
        /// The tokens were refused.
        Refused401 => "refused_401",
        /// The volume was busy.
        Refused400 => "refused_400",
    }
}

vocabulary! {
    /// What became of a job's volume.
    Volume {
        /// Never created.
        None => "none",
        /// Cinder works on it.
        Creating => "creating",
        /// Ready, and attached to nothing.
        Available => "available",
        /// Cinder gave up on it.
        Error => "error",
        /// Deleted again.
        Deleted => "deleted",
        /// Reserved by an attachment that was never completed.
        Attaching => "attaching",
        /// Attached.
        InUse => "in-use",
    }
}

impl Volume {
    /// Whether it takes up space in the cloud.
    pub const fn exists(self) -> bool {
        !matches!(self, Volume::None | Volume::Deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_back() {
        for &reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Service::from_code("neutron"), None);
    }
}
