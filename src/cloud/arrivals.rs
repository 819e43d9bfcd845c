//! Arrivals: when the jobs of a workload are submitted, and what each of them draws.

use super::draws;
use crate::model::{Arrivals, Model, QuantityUnit, Source, TokenAge, TraceRow, Workload};
use crate::random::daily::Level;
use crate::random::{Ascending, DailyRate, Stream, Streams, name_key};
use crate::units::{Bytes, Instant, Span, Throughput};

/// No wait has more parts: they are counted in 32 bits.
const MOST_PIECES: i64 = u32::MAX as i64 - 1;

/// Stands for the time of a copy that depends on what else is copied.
pub(super) const SHARED: i64 = -1;

/// The jobs of one workload, one ahead.
#[derive(Debug)]
pub(super) struct Submissions<'m> {
    /// The settings from the start, which know all changes, and those that hold now.
    start: &'m Model,
    model: &'m Model,
    workload: &'m Workload,
    streams: Streams,
    owner: u64,
    course: Course<'m>,
    gaps: Stream,
    /// The streams of each quantity.
    quantities: Vec<Streams>,
    next: u64,
    last: Instant,
}

/// What the next arrival follows from, besides the last one.
#[derive(Debug)]
enum Course<'m> {
    Poisson { per_second: f64 },
    Every(Span),
    Daily { rate: &'m DailyRate, level: Level },
    Burst { at: Instant, over: Span, shares: Ascending },
    Trace(&'m [TraceRow]),
}

impl<'m> Course<'m> {
    fn new(arrivals: &'m Arrivals) -> Course<'m> {
        match arrivals {
            Arrivals::Poisson { per_second } => Course::Poisson { per_second: *per_second },
            Arrivals::Every(gap) => Course::Every(*gap),
            Arrivals::Daily(rate) => Course::Daily { rate, level: Level::default() },
            Arrivals::Burst { at, jobs, over } => Course::Burst { at: *at, over: *over, shares: Ascending::new(*jobs) },
            Arrivals::Trace(rows) => Course::Trace(rows),
        }
    }
}

/// A job at its submission.
#[derive(Debug)]
pub(super) struct Submission {
    pub(super) ordinal: u64,
    pub(super) token_age: Span,
    /// When an administrator revokes the user's token.
    pub(super) revoked_at: Instant,
    /// The streams of what its requests draw.
    pub(super) streams: Streams,
}

impl<'m> Submissions<'m> {
    pub(super) fn new(model: &'m Model, workload: &'m Workload, streams: Streams) -> Submissions<'m> {
        let owner = name_key(&workload.name);
        let gaps = streams.of(draws::ARRIVALS, owner).stream(0);
        let course = Course::new(&workload.arrivals);
        let quantities = workload.kind.quantities.iter();
        let quantities = quantities.map(|quantity| draws::quantity(streams, owner, &quantity.name)).collect();
        Submissions {
            start: model,
            model,
            workload,
            streams,
            owner,
            course,
            gaps,
            quantities,
            next: 0,
            last: Instant::START,
        }
    }

    /// Takes over the settings of another model, which has the same workloads: the jobs to come follow from them.
    pub(super) fn reconfigure(&mut self, model: &'m Model, workload: &'m Workload) {
        self.model = model;
        self.workload = workload;
    }

    /// When the next job arrives; `None` if there is none, or if that would be at or after the end of `duration`.
    pub(super) fn next_at(&mut self) -> Option<Instant> {
        let at = match &mut self.course {
            Course::Poisson { per_second } => {
                self.last + Span::from_seconds_f64(-libm::log(self.gaps.uniform()) / *per_second)
            }
            Course::Every(_) if self.next == 0 => Instant::START,
            Course::Every(gap) => self.last + *gap,
            Course::Daily { rate, level } => {
                *level = rate.advance(*level, -libm::log(self.gaps.uniform()));
                rate.instant(*level)
            }
            Course::Burst { at, over, shares } => *at + share_of(*over, shares.next(&mut self.gaps)?),
            Course::Trace(rows) => rows.get(usize::try_from(self.next).ok()?)?.submitted,
        };
        self.last = at;
        (at.since(Instant::START) < self.model.run.duration).then_some(at)
    }

    /// The job that arrives at `at`, which is what `next_at` has just answered; what it draws goes into `drawn`, in the
    /// order of its kind's quantities.
    pub(super) fn submit(&mut self, at: Instant, drawn: &mut [i64]) -> Submission {
        let number = self.next;
        self.next += 1;
        self.submission(number, at, None, drawn)
    }

    /// The place and the instant of the next job, of which nothing is drawn.
    pub(super) fn pass(&mut self) -> Option<(u64, Instant)> {
        let at = self.next_at()?;
        let number = self.next;
        self.next += 1;
        Some((number, at))
    }

    /// The number by which the streams of the job at a place are named.
    pub(super) fn ordinal(&self, number: u64) -> u64 {
        self.row(number).map_or(number, |row| row.ordinal)
    }

    /// The age that was recorded of the token of the job at a place.
    pub(super) fn recorded_age(&self, number: u64) -> Option<Span> {
        self.row(number).and_then(|row| row.token_age)
    }

    /// The place of the job of this number, which is submitted at `at`.
    pub(super) fn place(&self, ordinal: u64, at: Instant) -> Option<u64> {
        let Course::Trace(rows) = &self.course else { return Some(ordinal) };
        let first = rows.partition_point(|row| row.submitted < at);
        let place = rows[first..].iter().position(|row| row.ordinal == ordinal)?;
        Some((first + place) as u64)
    }

    fn row(&self, number: u64) -> Option<&'m TraceRow> {
        match &self.course {
            Course::Trace(rows) => Some(&rows[number as usize]),
            Course::Poisson { .. } | Course::Every(_) | Course::Daily { .. } | Course::Burst { .. } => None,
        }
    }

    /// The job at a place, which arrives at `at`; its token is as old as it draws, or as is said.
    pub(super) fn submission(&self, number: u64, at: Instant, age: Option<Span>, drawn: &mut [i64]) -> Submission {
        let row = self.row(number);
        let ordinal = row.map_or(number, |row| row.ordinal);
        let stream = |purpose| self.streams.of(purpose, self.owner).stream(ordinal);
        let token_age = age
            .or_else(|| row.and_then(|row| row.token_age))
            .unwrap_or_else(|| self.token_age(at, &mut stream(draws::TOKEN_AGE)));
        self.draw(row, ordinal, drawn);
        let revoked_at = match &self.workload.revoke_after {
            None => Instant::NEVER,
            Some(after) => at + Span::from_seconds_f64(after.sample(&mut stream(draws::REVOCATION))),
        };
        let streams = self.streams.of(draws::REQUESTS, self.owner).member(ordinal);
        Submission { ordinal, token_age, revoked_at, streams }
    }

    fn draw(&self, row: Option<&TraceRow>, ordinal: u64, drawn: &mut [i64]) {
        let sources = &self.workload.quantities;
        let recorded = |index: usize| row.and_then(|row| row.quantities[index]);
        for (index, (source, quantity)) in sources.iter().zip(&self.workload.kind.quantities).enumerate() {
            match (recorded(index), source) {
                (Some(value), _) => drawn[index] = value,
                (None, Source::Drawn(dist)) => {
                    drawn[index] = held(dist.sample_named(self.quantities[index], ordinal), quantity.unit);
                }
                (None, Source::Copy { .. } | Source::Pieces { .. }) => {}
            }
        }
        // What is derived may stand before the size that it divides.
        for (index, source) in sources.iter().enumerate() {
            match (recorded(index), source) {
                (None, Source::Copy { size, link }) => {
                    let link = &self.model.links[link.index()];
                    drawn[index] = match (link.bandwidth, link.per_job) {
                        // Known when it ends.
                        (Some(_), _) => SHARED,
                        (None, Some(speed)) => transfer(drawn[size.index()], speed),
                        (None, None) => 0,
                    };
                }
                (None, Source::Pieces { size, per, from }) => {
                    let bytes = drawn[size.index()].unsigned_abs();
                    let pieces = if bytes < *from { 0 } else { bytes.div_ceil(*per) };
                    drawn[index] = i64::try_from(pieces).unwrap_or(i64::MAX).min(MOST_PIECES);
                }
                (None, Source::Drawn(_)) | (Some(_), _) => {}
            }
        }
    }

    fn token_age(&self, at: Instant, stream: &mut Stream) -> Span {
        let expiration = self.model.keystone.expiration.seconds();
        Span::from_seconds_f64(match &self.workload.token_age {
            TokenAge::Drawn(age) => age.sample(stream),
            TokenAge::OfExpiration(share) => share.sample(stream) * expiration,
            TokenAge::Renewing { margin } => {
                let margin = margin.seconds();
                let age = stream.uniform() * (expiration - margin);
                // Issued before tokens began to live longer, it has been renewed as they did then.
                let issued = at - Span::from_seconds_f64(age);
                let before = self.start.expiration_at(issued).seconds() - margin;
                if before > 0.0 && age > before { age % before } else { age }
            }
        })
    }
}

/// A share of a time in whole microseconds, less than all of it unless it is zero.
fn share_of(span: Span, share: f64) -> Span {
    let micros = (span.micros() as f64 * share) as i64;
    Span::from_micros(micros.min(span.micros() - 1).max(0))
}

/// A drawn value as it is held.
fn held(value: f64, unit: QuantityUnit) -> i64 {
    match unit {
        QuantityUnit::Seconds => Span::from_seconds_f64(value).micros(),
        QuantityUnit::Bytes => value.round_ties_even() as i64,
        QuantityUnit::Count => (value.round_ties_even() as i64).min(MOST_PIECES),
    }
}

fn transfer(bytes: i64, speed: Throughput) -> i64 {
    speed.time_for(Bytes(bytes.unsigned_abs())).micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_stay_below_the_whole() {
        for (micros, share, expected) in
            [(0, 0.0, 0), (0, 1.0, 0), (1, 0.999, 0), (10, 0.0, 0), (10, 0.35, 3), (10, 0.999, 9), (10, 1.0, 9)]
        {
            let found = share_of(Span::from_micros(micros), share);
            assert_eq!(found, Span::from_micros(expected), "{share} of {micros} us");
        }
    }
}
