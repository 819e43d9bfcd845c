//! outlast: will our long OpenStack jobs outlast their tokens?

pub mod analysis;
pub mod jobs;
pub mod model;
pub mod observe;
pub mod random;
pub mod scenario;
pub mod units;
