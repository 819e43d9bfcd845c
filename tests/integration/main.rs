//! The integration tests: one binary, a module per behaviour.

/// Who may import whom, and how long a file may be.
mod architecture;
/// What a change of settings acts on at once, and what stays as it was.
mod changes;
/// The command line: exit codes, messages, what is written and what is not.
mod cli;
/// Helper: running the command in a folder of its own.
mod command;
/// Points of a sweep see the same jobs, and what pairing gains.
mod common_numbers;
/// Two results, pair by pair: from folders and files, in every format, and what cannot be compared.
mod compare;
/// Nothing is lost and nothing invented, in random scenarios; what a wider setting cannot break.
mod conservation;
/// The scripts for Slurm, run as its tasks are.
#[cfg(unix)]
mod contrib;
/// The same input gives the same facts, whatever the number of threads.
mod determinism;
/// What the documents point at is there, and what they tell the reader to write works.
mod documents;
/// Polls whose answers are known need not be simulated: both ways give the same jobs.
mod elision;
/// The story of one job: that it is the job's own, what is told of it, and what cannot be.
mod explain;
/// Whatever a scenario holds, there is an answer in time.
mod fuzz;
/// The bytes of a small run, and that nothing but scenario and seed moves them.
mod golden;
/// From configuration files to a scenario that runs; what is wrong with them, and that no secret is told.
mod import;
/// Every kind of job, by the second at which its token dies.
mod kinds;
/// Verdicts without a simulation, and that the simulator agrees with them.
mod lint;
/// Slots, API workers and links in whole scenarios: queueing theory from the file to the facts.
mod load;
/// A job alone does what it does among all others.
mod lone;
/// The rules against what the real Keystone, keystonemiddleware and keystoneauth answered.
mod oracle;
/// The file rules of oslo.config against what that package answered.
mod oslo;
/// Replications are added until the answer is as sure as asked for.
mod precision;
/// Presets of a scenario's own, one over another.
mod presets;
/// What operators ask: every command of that document gives the answer that stands there.
mod questions;
/// Servers with a queue, shared links and networks of them do what queueing theory says.
mod queueing;
/// Every reason is produced by a small scenario, with its step and its first cause.
/// What each job had to expect, against counting and against closed forms.
mod rare;
mod reasons;
/// What is said to save failed jobs saves them.
mod remedies;
/// Killed at any instant, cut into shards, on any number of threads: the same bytes.
mod resume;
/// Pools and links that are asked for more than they have, and what is said of them.
mod saturation;
/// A configuration file given as a scenario: what is said, and that no secret is.
mod secrets;
/// The cheapest settings that meet a target, where arithmetic knows them.
mod solve;
/// What the tests of behaviour share.
mod support;
/// Where probability theory knows the answer, the simulation comes to the same.
mod theory;
/// A run that was written down replays, job by job.
mod trace;
/// Several kinds at once in random clouds: nothing is lost, and everything is given back.
mod traffic;
/// When a simulation has warmed up: the proposal, and what the command writes.
mod warm_up;
/// Keys of a sweep that go together.
mod zip;
