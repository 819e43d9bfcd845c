//! Which replications of a study one call simulates: all, a point's, a single one, or a shard's.

use std::fmt;
use std::str::FromStr;

use crate::model::study::Study;

/// A part of a study.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Only this point.
    pub point: Option<usize>,
    /// Only this replication.
    pub replication: Option<u32>,
    /// Only what falls to this shard.
    pub shard: Option<Shard>,
}

impl Part {
    /// Whether a replication of a point belongs to it.
    pub fn has(&self, study: &Study, point: usize, replication: u32) -> bool {
        self.point.is_none_or(|only| only == point)
            && self.replication.is_none_or(|only| only == replication)
            && self
                .shard
                .is_none_or(|shard| shard.has(point, replication, replications(study), study.precision.is_some()))
    }

    /// How many replications a point has at least, as far as they belong to the part.
    pub fn len_at(&self, study: &Study, point: usize) -> u64 {
        let all = u64::from(replications(study));
        match (self.replication, self.shard) {
            _ if self.point.is_some_and(|only| only != point) => 0,
            (Some(only), _) => u64::from(self.has(study, point, only)),
            (None, Some(shard)) if study.precision.is_none() => shard.share_of(point as u64 * all, all),
            (None, _) => {
                if self.has(study, point, 0) {
                    all
                } else {
                    0
                }
            }
        }
    }

    /// How many replications there are at least.
    pub fn len(&self, study: &Study) -> u64 {
        (0..study.points.len()).map(|point| self.len_at(study, point)).sum()
    }

    /// Whether nothing belongs to it.
    pub fn is_empty(&self, study: &Study) -> bool {
        self.len(study) == 0
    }
}

/// `[run] replications`, which no sweep can set.
pub(super) fn replications(study: &Study) -> u32 {
    study.points.first().map_or(0, |point| point.model.run.replications)
}

/// One of several shares of a study, as `2/3` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// The most shards that a study is cut into.
    pub const MOST: u32 = 1_000_000;

    /// Its number, from 1.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many there are.
    pub const fn of(self) -> u32 {
        self.of
    }

    /// How many of `count` units from `first` on fall to it.
    const fn share_of(self, first: u64, count: u64) -> u64 {
        let (number, of) = (self.number as u64 - 1, self.of as u64);
        // Units below an end that fall to it.
        let below = (first + count + of - 1 - number) / of;
        below - (first + of - 1 - number) / of
    }

    /// Whether a replication of a point falls to it, in a study that begins with so many of each point. Where their
    /// number is found out on the way, it is seen from all of them, so that a point stays in one place.
    pub const fn has(self, point: usize, replication: u32, replications: u32, is_open: bool) -> bool {
        let unit = if is_open { point as u64 } else { point as u64 * replications as u64 + replication as u64 };
        unit % self.of as u64 == self.number as u64 - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').map(|(number, of)| (number.parse::<u32>(), of.parse::<u32>()));
        let Some((Ok(number), Ok(of))) = parts else {
            return Err("expected a shard and how many there are, such as 2/3".to_owned());
        };
        if of == 0 || of > Shard::MOST {
            return Err(format!("a study is cut into 1 to {} shards", Shard::MOST));
        }
        if number == 0 || number > of {
            return Err(format!("there is no shard {number} of {of}: they are numbered from 1 to {of}"));
        }
        Ok(Shard { number, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_as_they_fall() {
        for text in ["1/1", "1/3", "2/3", "3/3", "7/7", "5/1000"] {
            let shard: Shard = text.parse().unwrap();
            for (first, count) in [(0, 0), (0, 1), (0, 10), (4, 3), (30, 1), (999, 2), (5, 2_000)] {
                let one_by_one = (first..first + count).filter(|unit| shard.has(*unit as usize, 0, 1, true)).count();
                assert_eq!(shard.share_of(first, count), one_by_one as u64, "{text}: {count} from {first}");
            }
        }
    }

    #[test]
    fn shards_are_read_as_they_are_written() {
        for good in ["1/1", "2/3", "3/3", "1000000/1000000"] {
            assert_eq!(good.parse::<Shard>().unwrap().to_string(), good);
        }
        for (bad, why) in [
            ("5/4", "there is no shard 5 of 4: they are numbered from 1 to 4"),
            ("0/4", "there is no shard 0 of 4: they are numbered from 1 to 4"),
            ("1/0", "a study is cut into 1 to 1000000 shards"),
            ("1/1000001", "a study is cut into 1 to 1000000 shards"),
            ("2", "expected a shard and how many there are, such as 2/3"),
            ("a/b", "expected a shard and how many there are, such as 2/3"),
            ("-1/4", "expected a shard and how many there are, such as 2/3"),
            ("1/2/3", "expected a shard and how many there are, such as 2/3"),
        ] {
            assert_eq!(bad.parse::<Shard>().unwrap_err(), why, "{bad}");
        }
    }
}
