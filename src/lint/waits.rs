//! Windows, lifetimes, waits and clocks: what is too short for what has to happen meanwhile.

use super::course::{Carried, Walk, walk};
use super::finding::{Draft, Safe};
use super::keys::Keys;
use super::matrix::{Row, Sent};
use super::table::{Lint, Severity};
use super::transfers;
use super::words::{Exact, as_option, bytes, percent};
use crate::identity::session::MIN_TOKEN_LIFE;
use crate::model::program::{Op, Poll};
use crate::model::{Model, ProcessId, QuantityId, ServiceId, Source, Workload};
use crate::random::Dist;
use crate::units::Span;

pub(super) const EXPIRATION: &str = "keystone.token.expiration";
pub(super) const WINDOW: &str = "keystone.token.allow_expired_window";
const RETRIES: &str = "nova.DEFAULT.block_device_allocate_retries";
const INTERVAL: &str = "nova.DEFAULT.block_device_allocate_retries_interval";
/// A share of jobs that is not worth a word: fewer than one in a million.
pub(super) const NEVER: f64 = 1e-6;
/// For a size without an upper end, what all but one job in a thousand need is advised.
pub(super) const ADVISED: f64 = 0.999;

/// Everything of the kind.
pub(super) fn findings(model: &Model, keys: &Keys, rows: &[Row]) -> Vec<Draft> {
    let mut found: Vec<Draft> = window_zero(keys, rows).into_iter().chain(short_expiration(keys)).collect();
    for workload in model.workloads.iter() {
        found.extend(polls(model, workload, keys));
        found.extend(transfers::findings(model, workload, keys));
    }
    found.extend(clocks(model));
    found
}

fn window_zero(keys: &Keys, rows: &[Row]) -> Option<Draft> {
    (keys.window == Span::ZERO).then_some(())?;
    let is_used = rows.iter().any(|row| row.sends == Sent::ServiceUser);
    let life = Exact(keys.expiration);
    let draft =
        Draft::new(Lint::WindowZero, "", format!("there is no window: only `expiration` ({life}) covers a job"));
    let draft = if !is_used {
        draft.severity(Severity::Note).why("no service sends service tokens, which alone would use it")
    } else {
        draft.why("services send service tokens, which help nothing without it")
    };
    let words = "set the window to the longest time that jobs may take (172800 s by default)";
    Some(draft.safe(Safe::set(WINDOW, "", words)).key(WINDOW))
}

fn short_expiration(keys: &Keys) -> Option<Draft> {
    (keys.expiration <= MIN_TOKEN_LIFE).then_some(())?;
    let longer = MIN_TOKEN_LIFE * 5;
    let safe = Safe::set(EXPIRATION, format!("\"{}\"", as_option(longer)), "a lifetime of some multiple of 120 s");
    let draft = |what: String| Draft::new(Lint::ShortExpiration, "", what).safe(safe).key(EXPIRATION);
    if keys.expiration <= Span::ZERO {
        let what = "tokens live 0 s: they have expired when they are issued, and every request is refused";
        return Some(draft(what.to_owned()).severity(Severity::Error));
    }
    Some(draft(format!(
        "tokens live {}, and keystoneauth reuses none that has less than {} left: every request fetches one",
        Exact(keys.expiration),
        Exact(MIN_TOKEN_LIFE)
    )))
}

/// Times that a workload's jobs spend in a row, as far as they can be known before.
struct Timing<'m> {
    /// What they take at least, sizes apart.
    fixed: Span,
    /// Seconds for a byte, and bytes, where copies take time.
    sized: Option<(f64, &'m Dist)>,
}

impl<'m> Timing<'m> {
    fn of(model: &'m Model, workload: &'m Workload, waits: &[QuantityId]) -> Timing<'m> {
        let mut timing = Timing { fixed: Span::ZERO, sized: None };
        let mut of_size: Option<QuantityId> = None;
        for quantity in waits {
            match workload.source(*quantity) {
                Source::Drawn(dist) => {
                    let least = dist.as_constant().unwrap_or_else(|| dist.lowest()).max(0.0);
                    timing.fixed = timing.fixed + Span::from_seconds_f64(least);
                }
                // A copy that waits for others takes longer, never less.
                Source::Copy { size, link } => {
                    let link = &model.links[link.index()];
                    let rate = [link.per_job, link.bandwidth].into_iter().flatten().map(|rate| rate.bytes_per_second());
                    let (Some(rate), Source::Drawn(dist)) = (rate.min(), workload.source(*size)) else { continue };
                    if of_size.get_or_insert(*size) == size {
                        let (per_byte, _) = timing.sized.get_or_insert((0.0, dist));
                        *per_byte += 1.0 / rate as f64;
                    }
                }
                Source::Pieces { .. } => {}
            }
        }
        timing
    }

    /// The size at which everything takes this long, and the share of jobs above it; without sizes all or none are.
    fn beyond(&self, limit: Span) -> (Option<f64>, f64) {
        let left = (limit - self.fixed).seconds();
        match self.sized {
            Some((per_byte, size)) => {
                let most = left.max(0.0) / per_byte;
                let share = match size.as_constant() {
                    Some(size) => f64::from(size > most || left < 0.0),
                    None => 1.0 - size.cdf(most),
                };
                (Some(most), share)
            }
            None => (None, f64::from(left < 0.0)),
        }
    }

    /// How long nearly all jobs take; `None`: nobody can say.
    fn nearly_all(&self) -> Option<Span> {
        let Some((per_byte, size)) = self.sized else { return Some(self.fixed) };
        let size = size.as_constant().unwrap_or_else(|| {
            let highest = size.highest();
            if highest.is_finite() { highest } else { quantile(size, ADVISED) }
        });
        size.is_finite().then(|| self.fixed + Span::from_seconds_f64(size * per_byte))
    }
}

/// By halving; sizes are bytes, so a byte is near enough.
pub(super) fn quantile(dist: &Dist, share: f64) -> f64 {
    let mut high = dist.lowest().max(1.0);
    while dist.cdf(high) < share && high < 1e18 {
        high *= 2.0;
    }
    let mut low = 0.0;
    while high - low > 1.0 {
        let middle = low + (high - low) / 2.0;
        if dist.cdf(middle) < share { low = middle } else { high = middle }
    }
    high
}

/// The waits that end by themselves.
fn polls(model: &Model, workload: &Workload, keys: &Keys) -> Vec<Draft> {
    let mut found = Vec::new();
    let ops = &workload.program.ops;
    let limited = ops.iter().filter_map(|op| match op {
        Op::Poll(poll) if poll.attempts != u32::MAX => Some(poll),
        _ => None,
    });
    for poll in limited {
        // A branch beside the polls brings about what is waited for.
        let resources = workload.kind.resources.len();
        let waits: Vec<QuantityId> = ops
            .iter()
            .filter_map(|op| match op {
                Op::Fork { branch } => Some(walk(model, &workload.program, *branch, resources, Walk::Smooth).waits),
                _ => None,
            })
            .flatten()
            .collect();
        found.extend(wait_too_short(workload, poll, &Timing::of(model, workload, &waits)));
        found.extend(wait_outlives_token(model, workload, poll, keys));
    }
    found
}

/// From the first poll to the last.
fn patience(poll: &Poll) -> Span {
    poll.interval * i64::from(poll.attempts)
}

fn is_novas(poll: &Poll) -> bool {
    (poll.request.from, poll.request.to) == (ProcessId::NOVA_COMPUTE, ServiceId::CINDER)
}

fn wait_too_short(workload: &Workload, poll: &Poll, timing: &Timing<'_>) -> Option<Draft> {
    // Seen by the last poll it is in time.
    let last = poll.interval * i64::from(poll.attempts - 1);
    let (size, share) = timing.beyond(last);
    (share > NEVER).then_some(())?;
    let (waits, polls) = (Exact(patience(poll)), poll.attempts);
    let step = format!("`{}` of {}", workload.kind.step_name(poll.request.step), workload.name);
    let what = match size {
        Some(_) if last < timing.fixed => {
            format!("{step} gives up after {waits} ({polls} polls), before any job can be done")
        }
        Some(size) => format!(
            "{step} gives up after {waits} ({polls} polls), too soon for {} of the jobs: those with more than {}",
            percent(share),
            bytes(size)
        ),
        None => format!(
            "{step} gives up after {waits} ({polls} polls), and what it waits for takes at least {}",
            Exact(timing.fixed)
        ),
    };
    let draft = Draft::new(Lint::WaitTooShort, &*workload.name, what);
    let draft = if share < 1.0 { draft } else { draft.severity(Severity::Error) };
    let draft = if is_novas(poll) { draft.key(RETRIES).key(INTERVAL) } else { draft };
    let Some(needed) = timing.nearly_all().filter(|_| is_novas(poll) && poll.interval > Span::ZERO) else {
        return Some(draft);
    };
    let retries = needed.micros().div_euclid(poll.interval.micros()) + 1;
    if retries >= i64::from(u32::MAX) {
        // More than the option takes.
        return Some(draft);
    }
    let words = format!("poll at least {retries} times, that is for {}", Exact(poll.interval * retries));
    Some(draft.safe(Safe::set(RETRIES, retries.to_string(), words)))
}

fn wait_outlives_token(model: &Model, workload: &Workload, poll: &Poll, keys: &Keys) -> Option<Draft> {
    let patience = patience(poll);
    let carried = if poll.request.with_service_token {
        super::course::carried(model, poll.request.from, poll.request.to)
    } else {
        Carried::Nothing
    };
    let good = if carried == Carried::Accepted { keys.expiration + keys.effective_window() } else { keys.expiration };
    (patience > good).then_some(())?;
    let step = format!("`{}` of {}", workload.kind.step_name(poll.request.step), workload.name);
    let what = format!("{step} waits up to {}, and a token is good for {} at most", Exact(patience), Exact(good));
    let draft = Draft::new(Lint::WaitOutlivesToken, &*workload.name, what);
    let draft = match carried {
        Carried::Accepted => {
            draft.why("the service token carries it no further than the window that is left").key(WINDOW).safe(
                Safe::set(WINDOW, "", format!("a window of {} or more, with keys that last as long", Exact(patience))),
            )
        }
        Carried::RoleIgnored | Carried::RoleRefused | Carried::Nothing => {
            draft.why("no service token that counts goes with the polls (OUT-S004, OUT-S002)")
        }
    };
    let longer = Safe::set(
        EXPIRATION,
        format!("\"{}\"", as_option(super::words::ceil(patience))),
        format!("or a lifetime of at least {}", Exact(patience)),
    );
    Some(draft.safe(longer).key(RETRIES).key(EXPIRATION))
}

fn clocks(model: &Model) -> Vec<Draft> {
    let ahead = model.services.iter().filter(|service| service.clock_ahead > Span::ZERO);
    ahead
        .map(|service| {
            let (name, by) = (&service.name, Exact(service.clock_ahead));
            let what = format!("the clock of {name} is {by} ahead: it refuses tokens that much before their end");
            let key = format!("cloud.clocks.{name}");
            let left = super::words::floor(model.keystone.expiration - service.clock_ahead);
            let draft = if left <= Span::ZERO {
                let draft = Draft::new(Lint::ClockAhead, &**name, what).severity(Severity::Error);
                draft.why("that is as long as tokens live: it refuses every one")
            } else {
                Draft::new(Lint::ClockAhead, &**name, what).why(format!("there a token lives {}", Exact(left)))
            };
            draft.safe(Safe::set(&*key, "\"0s\"", "set the clock right")).key(key)
        })
        .collect()
}
