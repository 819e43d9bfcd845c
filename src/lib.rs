//! outlast: will our long OpenStack jobs outlast their tokens?

pub mod analysis;
pub mod cloud;
pub mod engine;
pub mod experiment;
pub mod identity;
pub mod jobs;
pub mod model;
pub mod observe;
pub mod random;
pub mod stats;
pub mod units;
