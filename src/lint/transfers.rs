//! Jobs that outlast even a new token: which of them, and at which request.

use super::course::Carried;
use super::finding::{Draft, Safe};
use super::keys::Keys;
use super::table::Lint;
use super::timed::{End, Lives, TooLate, end, size_of};
use super::waits::{ADVISED, EXPIRATION, NEVER, WINDOW, quantile};
use super::words::{Exact, as_option, bytes, percent};
use crate::model::{Model, ProcessId, QuantityId, TokenAge, Workload};
use crate::random::Dist;
use crate::units::Span;

/// Sizes are looked at so many apart, and exactly wherever the end of a job changes between two of them.
const CELLS: u32 = 48;
/// No lifetime is looked for beyond this.
const LONGEST: i64 = 100 * 365 * 86_400;

/// Jobs of some sizes that meet their first refusal at the same request.
#[derive(Debug, PartialEq)]
struct Refused {
    at: TooLate,
    share: f64,
    /// The smallest of them; `None`: size plays no part.
    from: Option<u64>,
}

/// Everything of the kind about a workload.
pub(super) fn findings(model: &Model, workload: &Workload, keys: &Keys) -> Option<Draft> {
    if keys.expiration <= Span::ZERO {
        return None;
    }
    let lives = Lives { expiration: keys.expiration, window: keys.effective_window() };
    let refused = refused(model, workload, lives);
    let share: f64 = refused.iter().map(|refused| refused.share).sum();
    let first = refused.first().filter(|_| share > NEVER)?;
    let (name, step) = (&workload.name, workload.kind.step_name(first.at.step));
    let what = match first.from {
        Some(size) => format!(
            "{} of {name} outlast even new tokens: those with more than {} are refused, at `{step}`",
            percent(share),
            bytes(size.saturating_sub(1) as f64)
        ),
        None => format!("{name} outlast even new tokens, and are refused at `{step}`"),
    };
    let draft = Draft::new(Lint::TransferOutlivesToken, &**name, what).why(reason(model, workload, first.at, lives));
    let draft =
        refused[1..].iter().filter_map(|other| Some((other, other.from?))).fold(draft, |draft, (other, size)| {
            let step = workload.kind.step_name(other.at.step);
            draft.why(format!("with more than {} it is `{step}` that refuses", bytes(size.saturating_sub(1) as f64)))
        });
    let draft = draft.key(EXPIRATION);
    let draft = if first.at.carried == Carried::Accepted { draft.key(WINDOW) } else { draft };
    let Some(needed) = lifetime(model, workload, lives) else { return Some(draft) };
    let (age, note) = age(workload);
    let needed = needed + age;
    let otherwise = match (first.at.is_exchange, first.at.from) {
        (true, _) => "what helps against OUT-S007",
        (false, ProcessId::GLANCE_API) => "what helps against OUT-S005",
        (false, _) if first.at.carried == Carried::Accepted => "a longer window, with keys that last as long",
        (false, _) => "service tokens along the whole way",
    };
    let words = format!("a lifetime of at least {}{note}; or {otherwise}", Exact(needed));
    Some(draft.safe(Safe::set(EXPIRATION, format!("\"{}\"", as_option(needed)), words)))
}

/// Why a request is refused that comes too late.
fn reason(model: &Model, workload: &Workload, at: TooLate, lives: Lives) -> String {
    let step = workload.kind.step_name(at.step);
    let hop = format!("{} → {}", model.process(at.from).name, model.service(at.to).name);
    let whose = if at.is_delegated { "after the token was got that it goes on with" } else { "after submission" };
    let life = Exact(lives.expiration);
    let why = match (at.is_exchange, at.carried) {
        (true, _) => "an expired token cannot be exchanged",
        (false, Carried::Accepted) => {
            let whole = Exact(lives.expiration + lives.window);
            return format!("`{step}` ({hop}) comes {whole} {whose} or later, when the window has ended, too");
        }
        (false, Carried::RoleIgnored | Carried::RoleRefused) => "the service token lacks the role and is ignored",
        (false, Carried::Nothing) => "no service token goes with it",
    };
    format!("`{step}` ({hop}) comes {life} {whose} or later, when it has expired: {why}")
}

/// The jobs of a workload that are refused something with a new token, by where.
fn refused(model: &Model, workload: &Workload, lives: Lives) -> Vec<Refused> {
    let end = |size: Option<(QuantityId, u64)>| end(model, workload, lives, Span::ZERO, size);
    let Some((quantity, dist)) = size_of(workload) else {
        let End::TooLate(at) = end(None) else { return Vec::new() };
        return vec![Refused { at, share: 1.0, from: None }];
    };
    let end_of = |size: u64| end(Some((quantity, size)));
    if let Some(size) = dist.as_constant() {
        let size = size.max(0.0).round() as u64;
        let End::TooLate(at) = end_of(size) else { return Vec::new() };
        let from = smallest(size, end_of);
        return vec![Refused { at, share: 1.0, from: Some(from) }];
    }
    let lowest = dist.lowest().max(0.0) as u64;
    let highest = most(dist, 1.0 - NEVER).ceil() as u64;
    let mut found = Vec::new();
    let (mut from, mut known) = (lowest, end_of(lowest));
    let mut until = |known: End, from: u64, until: Option<u64>| {
        let End::TooLate(at) = known else { return };
        let share = until.map_or(1.0, |until| below(dist, until)) - below(dist, from);
        found.push(Refused { at, share, from: Some(from) });
    };
    let cell = ((highest - lowest) / u64::from(CELLS)).max(1);
    let mut at = lowest;
    while at < highest {
        let next = at.saturating_add(cell).min(highest);
        // Within a cell there may be more than one change.
        while end_of(next) != known {
            let changed = first_other(at, next, |size| end_of(size) == known);
            until(known, from, Some(changed));
            (from, known, at) = (changed, end_of(changed), changed);
        }
        at = next;
    }
    until(known, from, None);
    found
}

/// The smallest size at which a job ends as one of this size does.
fn smallest(size: u64, end_of: impl Fn(u64) -> End) -> u64 {
    let meant = end_of(size);
    if end_of(0) == meant { 0 } else { first_other(0, size, |size| end_of(size) != meant) }
}

/// By halving: the first of two sizes and what lies between for which something no longer holds, which holds for the
/// lower.
fn first_other(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle } else { high = middle }
    }
    high
}

/// The share of sizes below one.
fn below(dist: &Dist, size: u64) -> f64 {
    dist.cdf(size as f64 - 0.5)
}

/// The largest size, or what so many do not exceed if there is none.
fn most(dist: &Dist, share: f64) -> f64 {
    let highest = dist.highest();
    if highest.is_finite() { highest } else { quantile(dist, share) }
}

/// With which lifetime nearly all jobs end well if their tokens are new; `None`: with none.
fn lifetime(model: &Model, workload: &Workload, lives: Lives) -> Option<Span> {
    let size = size_of(workload).map(|(quantity, dist)| {
        let size = dist.as_constant().unwrap_or_else(|| most(dist, ADVISED));
        (quantity, size.max(0.0).ceil() as u64)
    });
    let is_enough = |seconds: i64| {
        let lives = Lives { expiration: Span::from_seconds(seconds), ..lives };
        !matches!(end(model, workload, lives, Span::ZERO, size), End::TooLate(_))
    };
    let (mut low, mut high) = (0, LONGEST);
    if !is_enough(high) {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_enough(middle) { high = middle } else { low = middle }
    }
    Some(Span::from_seconds(high))
}

/// How old tokens are at submission, as far as a longer lifetime makes up for it, and what is to be said of them.
fn age(workload: &Workload) -> (Span, String) {
    let only_new = |left: String| {
        let note = format!(" if its tokens are new: {left}, and no lifetime makes up for that");
        (Span::ZERO, note)
    };
    match &workload.token_age {
        TokenAge::Drawn(dist) => {
            let oldest = dist.as_constant().unwrap_or_else(|| dist.highest());
            if !oldest.is_finite() {
                return (Span::ZERO, " if its tokens are new: they may be of any age".to_owned());
            }
            let oldest = super::words::ceil(Span::from_seconds_f64(oldest.max(0.0)));
            let note = if oldest == Span::ZERO {
                String::new()
            } else {
                format!(", its tokens being up to {} old at submission", Exact(oldest))
            };
            (oldest, note)
        }
        TokenAge::OfExpiration(_) => only_new("their age grows with the lifetime".to_owned()),
        TokenAge::Renewing { margin } => only_new(format!("they may have only {} left at submission", Exact(*margin))),
    }
}
