//! The story of one job: what `outlast explain` tells, laid out for people, programs and pull requests.
//!
//! `story` puts the course into `lines`, `rules` says why each verdict is what it is, `sights` what an operator would
//! have seen. The drawing is `plot::timeline`.

pub mod json;
pub mod markdown;
pub mod text;

mod facts;
mod lines;
mod rules;
mod sights;
mod story;

pub use lines::{Line, Seen, Sort, Story};

use crate::model::Model;
use crate::model::remedy::Remedy;
use crate::model::study::{Point, Study};
use crate::observe::course::Course;
use crate::units::{Instant, Span};

/// A job and where it stands: all that any renderer needs.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The scenario.
    pub study: &'a Study,
    /// The point of its sweep.
    pub point: &'a Point,
    /// The replication.
    pub replication: u32,
    /// The job.
    pub course: &'a Course,
    /// Why this job, in a sentence without a full stop.
    pub why: &'a str,
    /// Up to which age of its token the job would have completed, where that can be said.
    pub oldest: Option<Oldest>,
    /// What would have saved it, the best first; `None`: it did not fail, or nothing is known.
    pub remedies: Option<&'a [Remedy]>,
}

/// The oldest token with which a job would have completed, everything else being as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oldest {
    /// This age, in whole seconds.
    Age(Span),
    /// Not even a new one would have helped.
    NotEvenNew,
}

impl<'a> Told<'a> {
    /// The model of the point.
    pub fn model(&self) -> &'a Model {
        &self.point.model
    }

    /// Time since submission.
    pub(in crate::report) fn since(&self, at: Instant) -> Span {
        at.since(self.course.record.submitted)
    }

    /// What is told, in lines.
    pub fn story(&self) -> Story {
        story::tell(self)
    }
}

/// A time since submission as a clock shows it: `+1:40:03.200`.
pub(in crate::report) fn clock(span: Span) -> String {
    let sign = if span < Span::ZERO { "\u{2212}" } else { "+" };
    let millis = (span.micros().unsigned_abs() + 500) / 1_000;
    let seconds = millis / 1_000;
    format!("{sign}{}:{:02}:{:02}.{:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_like_a_clock() {
        for (micros, text) in [
            (0, "+0:00:00.000"),
            (499, "+0:00:00.000"),
            (500, "+0:00:00.001"),
            (6_003_200_000, "+1:40:03.200"),
            (-3_599_999_600, "\u{2212}1:00:00.000"),
            (176_400_000_000, "+49:00:00.000"),
        ] {
            assert_eq!(clock(Span::from_micros(micros)), text);
        }
    }
}
