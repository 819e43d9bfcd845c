//! The one list of everything random, each purpose with a frozen code; nothing else names a stream.

use crate::model::program::Request;
use crate::model::{PoolId, ProcessId};
use crate::random::{Dist, Purpose, Streams, name_key};
use crate::units::{Instant, Span};

/// When the jobs of a workload arrive: one stream, drawn in order.
pub(super) const ARRIVALS: Purpose = Purpose(1);
/// Age of the user's token, by job.
pub(super) const TOKEN_AGE: Purpose = Purpose(2);
/// When the user's token is revoked, by job.
pub(super) const REVOCATION: Purpose = Purpose(3);
/// Where a periodic rotation schedule lies, by replication.
pub(super) const ROTATION_OFFSET: Purpose = Purpose(4);
/// What the requests of a job draw, by job; [`Draw`] tells them apart.
pub(super) const REQUESTS: Purpose = Purpose(5);
/// When a node of Keystone gets a copy of the keys, by node and rotation.
pub(super) const SYNC: Purpose = Purpose(6);

/// At which of the ages that change its course a job is looked at, by job.
pub(super) const BEYOND: Purpose = Purpose(7);

/// What is drawn for a request; the codes are frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draw {
    /// How long its receiver works on it.
    Work = 0,
    /// Which worker process takes it.
    Worker = 1,
    /// Which of Keystone's nodes issues a service token, and how long that takes.
    LogInNode = 2,
    LogInTime = 3,
    /// Which of them looks at the service token, and how long that takes.
    ServiceNode = 4,
    ServiceTime = 5,
    /// Which of them looks at the user's token, and how long that takes.
    UserNode = 6,
    UserTime = 7,
}

/// Names what a request draws: by the request and how often it was repeated, so that it is the same whatever else the
/// settings make the job do.
#[inline]
pub(super) fn of_request(what: Draw, request: &Request, repetition: u32) -> u64 {
    (what as u64) << 56 | u64::from(repetition) << 16 | u64::from(request.step.0) << 8 | u64::from(request.nth)
}

/// How much the name of what a request draws grows from its first sending to that of the next repetition (see
/// `Cloud::sending`).
pub(super) const NEXT_SENDING: u64 = 4 << 16;

/// How long the receiver of a job's request works on it; `streams` are the job's.
#[inline]
pub(super) fn work(time: &Dist, streams: Streams, request: &Request, repetition: u32) -> Span {
    Span::from_seconds_f64(time.sample_named(streams, of_request(Draw::Work, request, repetition)))
}

/// The same of several repetitions, in seconds.
pub(super) fn works(
    time: &Dist,
    streams: Streams,
    request: &Request,
    repetition: impl Fn(usize) -> u32,
    seconds: &mut [f64],
) {
    time.sample_all_named(streams, |index| of_request(Draw::Work, request, repetition(index)), seconds);
}

/// Names the node of Keystone that issues the user's token.
pub(super) const ISSUER: u64 = 9 << 56;

/// Names the nodes of Keystone that a process asks for a token that stands for the user's.
pub(super) fn delegate(from: ProcessId, now: Instant) -> u64 {
    10 << 56 ^ u64::from(from.0) << 48 ^ now.micros().unsigned_abs()
}

/// Names the host whose slots of a pool a job holds.
pub(super) fn host(pool: PoolId) -> u64 {
    8 << 56 | u64::from(pool.0)
}

/// A quantity without a code of its own, by job; its name is mixed into the owner.
const QUANTITY: Purpose = Purpose(106);

/// The streams of a drawn quantity of an owner, by job. The first quantities there were have codes of their own.
pub(super) fn quantity(streams: Streams, owner: u64, name: &str) -> Streams {
    let code = match name {
        "image_size" => 100,
        "build_queue" => 101,
        "cinder_queue" => 102,
        "download" => 103,
        "convert" => 104,
        "attach" => 105,
        // A workload and a quantity of one name must not cancel out, as they would without the turn.
        _ => return streams.of(QUANTITY, owner.rotate_left(32) ^ name_key(name)),
    };
    streams.of(Purpose(code), owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frozen: whoever changes them changes every result.
    #[test]
    fn streams_follow_from_names() {
        let streams = Streams::new(1, 0);
        let first = |streams: Streams| streams.stream(0).uniform();
        let owner = name_key("boots");
        assert_eq!(first(quantity(streams, owner, "download")), first(streams.of(Purpose(103), owner)));
        let names =
            [("boots", "chunks"), ("chunks", "chunks"), ("boots", "boots"), ("boots", "size"), ("chunks", "boots")];
        let mut values: Vec<f64> =
            names.iter().map(|(owner, name)| first(quantity(streams, name_key(owner), name))).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        assert_eq!(values.len(), names.len());
    }
}
