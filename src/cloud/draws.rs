//! The one list of everything random, each purpose with a frozen code; nothing else names a stream.

use crate::model::vocabulary::Quantity;
use crate::random::Purpose;

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

/// A drawn quantity, by job.
pub(super) const fn quantity(quantity: Quantity) -> Purpose {
    Purpose(match quantity {
        Quantity::ImageSize => 100,
        Quantity::BuildQueue => 101,
        Quantity::CinderQueue => 102,
        Quantity::Download => 103,
        Quantity::Convert => 104,
        Quantity::Attach => 105,
    })
}
