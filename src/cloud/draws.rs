//! The one list of everything random, each purpose with a frozen code; nothing else names a stream.

use crate::random::{Purpose, Streams, name_key};

/// When the jobs of a workload arrive: one stream, drawn in order.
pub(super) const ARRIVALS: Purpose = Purpose(1);
/// Age of the user's token, by job.
pub(super) const TOKEN_AGE: Purpose = Purpose(2);
/// When the user's token is revoked, by job.
pub(super) const REVOCATION: Purpose = Purpose(3);
/// Where a periodic rotation schedule lies, by replication.
pub(super) const ROTATION_OFFSET: Purpose = Purpose(4);
/// Work of a request at its receiver, by job, operation and repetition.
pub(super) const REQUEST_TIME: Purpose = Purpose(5);

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
