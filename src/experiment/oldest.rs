//! The oldest token with which a job would have completed, found by simulating the job by itself.

use crate::cloud::lone::{Replay, WhatIf};
use crate::model::Model;
use crate::model::independence::of_ages;
use crate::observe::Outcome;
use crate::units::Span;

/// What the age of its token would have changed for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldestToken {
    /// It completes with a token of up to this age, in whole seconds, and not with one that is a second older.
    Age(Span),
    /// It does not complete with a new token.
    NotEvenNew,
}

const SECOND: Span = Span::from_seconds(1);

/// The oldest token with which a job would have completed, everything else being as it was; `None` where jobs depend on
/// each other, or where it would complete with one of any age that a client can still submit with.
pub fn oldest_token(model: &Model, replication: u32, workload: usize, ordinal: u64) -> Option<OldestToken> {
    if !of_ages(model).is_empty() {
        return None;
    }
    let mut replay = Replay::new(model, replication);
    let job = replay.find(workload, ordinal)?;
    let mut completes = |seconds: i64| {
        let age = Some(SECOND * seconds);
        let ending = replay.run(job, &WhatIf { token_age: age, ..WhatIf::default() });
        ending.outcome == Outcome::Completed
    };
    if !completes(0) {
        return Some(OldestToken::NotEvenNew);
    }
    let expiration = model.expiration_at(job.at);
    let (mut good, mut bad) = (0, expiration.micros() / SECOND.micros() + 1);
    if completes(bad) {
        return None;
    }
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        *if completes(middle) { &mut good } else { &mut bad } = middle;
    }
    Some(OldestToken::Age(SECOND * good))
}
