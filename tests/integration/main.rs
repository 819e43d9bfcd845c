//! The integration tests: one binary, a module per behaviour.

/// What a job draws depends on no setting under comparison.
mod common_numbers;
/// Over random scenarios, no job and no request is lost or counted twice, and what widens fails nobody.
mod conservation;
/// Same input and seed, same facts: twice, on any number of threads, alone or among others.
mod determinism;
/// The rules against what the real Keystone, keystonemiddleware and keystoneauth answered.
mod oracle;
/// Every reason is produced by a small scenario, with its step and its first cause.
mod reasons;
/// What the tests of behaviour share.
mod support;
/// Where probability theory knows the answer, the simulation comes to the same.
mod theory;
/// A run that was written down replays, job by job.
mod trace;
