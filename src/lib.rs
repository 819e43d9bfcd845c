//! **outlast** answers one question for people who run OpenStack: *will our long jobs outlast their tokens?*
//!
//! It is a discrete-event simulator of long-running jobs that travel through several services carrying a user's
//! token. This library is what the `outlast` command is made of; the command is its only promised surface.
//!
//! # How data flows
//!
//! ```text
//! scenario file ─► scenario ─► model ─► experiment ─► observe ─► analysis ─► report ─► console, CSV, SVG/PNG, JUnit
//!   (text)        parse,check  (valid)  N × simulate  (facts)    (numbers)   (renderers)
//!                      │                    │
//!                     jobs                cloud ─► engine, random, identity
//!                  (compile)
//! ```
//!
//! [`cli`] drives the arrows; nothing flows back, and a test over the imports holds it.
//!
//! # A guided tour
//!
//! 1. [`scenario`] reads a file into a [`model::study::Study`]: one validated [`model::Model`] per point of the sweep,
//!    or every problem of the file at once.
//! 2. What jobs do is written in the step language of [`jobs`], by outlast or by the scenario, and compiled under the
//!    settings of each point to a flat [`model::program::Program`].
//! 3. [`experiment`] runs [`cloud::simulate`] for every replication of every point, on any number of threads; what has
//!    ended goes into a [`journal`], so that nothing is lost and machines can share the work.
//! 4. [`cloud`] walks jobs through their programs. Each request queues for workers and meets the rules of
//!    [`identity`], on the event queue, pools and links of [`engine`], with numbers from the named streams of [`random`].
//! 5. [`lint`] needs none of this: it says of a model's settings what is going to be refused, by the rules alone.
//! 6. [`observe`] keeps what happened, [`analysis`] turns it into metrics with intervals (by [`stats`]), and
//!    [`report`] writes them down.
//!
//! # What is guaranteed
//!
//! - **Truth.** The rules agree with every recorded answer of the real Keystone, middleware and client library that
//!   the tests read (docs/VALIDATION.md counts them).
//! - **Order.** Time is an integer number of microseconds; events are ordered by (time, class, serial).
//! - **Determinism.** Same input and seed, same bytes: with any number of threads, on any processor.
//! - **Common random numbers.** What a job draws depends on seed, replication, purpose, workload and job, never on
//!   the settings under comparison.
//! - **The core cannot fail.** A model is valid by construction; `simulate` is a pure function of values.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod cli;
pub mod cloud;
pub mod document;
pub mod engine;
pub mod experiment;
pub mod identity;
pub mod import;
pub mod jobs;
pub mod journal;
pub mod lint;
pub mod model;
pub mod observe;
pub mod oslo;
pub mod random;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod units;
