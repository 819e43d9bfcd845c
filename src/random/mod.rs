//! Named random streams and distributions; knows nothing of what is sampled.

pub mod dist;
pub mod stream;

pub use dist::Dist;
pub use stream::{Purpose, Stream, Streams, name_key};
