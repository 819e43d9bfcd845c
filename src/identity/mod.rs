//! The token rules as pure functions of values: lifetimes, Fernet keys, revocation, the middleware's verdict, client
//! sessions.
//!
//! No clock, no queue, no log, no state: given what was presented, the receiver's settings, the keys that exist and
//! the instant, a rule answers. Every rule names its source and is held against what the real packages answered.
//!
//! What no scenario reaches is stated and tested only: [`revocation`] in detail, [`validation`], and of [`request`] and
//! [`stale_node`] what Keystone sees of a whole request. [`check`] and [`exchange::exchange`] are rules in one piece,
//! which the simulator takes apart where time passes in between.

pub mod cluster;
pub mod defaults;
pub mod exchange;
pub mod fernet;
pub mod keystone_cache;
pub mod keystone_node;
pub mod lineage;
pub mod middleware;
pub mod outage;
pub mod request;
pub mod revocation;
pub mod roles;
pub mod session;
pub mod stale_node;
pub mod token;
pub mod validation;

pub use fernet::Schedule;
pub use middleware::{Check, Presented, Receiver, ServicePresented, check};
pub use token::Token;
