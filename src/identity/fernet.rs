//! Fernet keys: how long a token stays decryptable while the keys rotate.

use std::sync::Arc;

use crate::units::{Instant, Span};

/// When the keys rotate, with every random choice made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Never.
    Never,
    /// At `offset` plus every multiple of `period`, before and after the start.
    Every {
        /// Above zero.
        period: Span,
        /// One of the instants.
        offset: Instant,
    },
    /// At these instants, ascending, and at no others.
    At(Arc<[Instant]>),
}

impl Schedule {
    /// The instant of the `n`th rotation (from 1) after `instant`; one at that very instant does not count.
    pub fn nth_after(&self, instant: Instant, n: u32) -> Instant {
        match self {
            Schedule::Never => Instant::NEVER,
            Schedule::Every { period, offset } => {
                let passed = instant.since(*offset).micros().div_euclid(period.micros());
                *offset + *period * (passed + i64::from(n))
            }
            Schedule::At(instants) => {
                let passed = instants.partition_point(|rotation| *rotation <= instant);
                instants.get(passed + n as usize - 1).copied().unwrap_or(Instant::NEVER)
            }
        }
    }
}

/// How many rotations after its issue a token is lost: it survives `max(max_active_keys - 2, 0)` of them
/// (`keystone.common.fernet_utils:FernetUtils.rotate_keys`; 1 key behaves like 2).
pub const fn fatal_rotation(max_active_keys: u32) -> u32 {
    max_active_keys.saturating_sub(2) + 1
}

/// From when on a token issued at `issued` cannot be decrypted, the repository being in its steady state.
pub fn key_gone_at(schedule: &Schedule, issued: Instant, max_active_keys: u32) -> Instant {
    schedule.nth_after(issued, fatal_rotation(max_active_keys))
}
