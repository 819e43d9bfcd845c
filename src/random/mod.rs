//! Named random streams, distributions and what arrivals follow; knows nothing of what is sampled.

pub mod ascending;
pub mod daily;
pub mod dist;
mod ln;
pub mod series;
pub mod stream;

pub use ascending::Ascending;
pub use daily::DailyRate;
pub use dist::Dist;
pub use series::Series;
pub use stream::{Purpose, Stream, Streams, name_key};
