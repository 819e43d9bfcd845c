//! What a journal belongs to.

use serde::{Deserialize, Serialize};

/// What was asked for: facts of two journals may be put together only where this is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of outlast.
    pub outlast: String,
    /// Name of the scenario.
    pub scenario: String,
    /// The scenario file, as it was named.
    pub file: String,
    /// SHA-256 over everything that was read.
    pub inputs_sha256: String,
    /// Seed of every random stream.
    pub seed: u64,
    /// The seed that the command gave instead of the scenario's.
    pub given_seed: Option<u64>,
    /// Replications of each point to begin with.
    pub replications: u32,
    /// Those that the command gave instead of the scenario's.
    pub given_replications: Option<u32>,
    /// Where replications are added for the sake of precision, the most that a point can have.
    pub max_replications: Option<u32>,
    /// How many points there are.
    pub points: usize,
    /// Whether there is a row per job.
    pub jobs: bool,
    /// Whether failed jobs are asked what would have saved them.
    pub remedies: bool,
    /// The only point, if one was asked for.
    pub point: Option<usize>,
    /// The only replication.
    pub replication: Option<u32>,
    /// The shard, such as `2/3`.
    pub shard: Option<String>,
    /// The command that gives the result, of which a shard is a part.
    pub command: String,
}

impl Header {
    /// What differs from what is asked for now, in words; empty if nothing does. Which shard it is, and what the file
    /// is called, is not looked at; what the command gave is part of the hash.
    pub fn differences(&self, now: &Header) -> Vec<String> {
        // All fields, so that a new one is not forgotten.
        let Header {
            outlast,
            scenario,
            file: _,
            inputs_sha256,
            seed,
            given_seed: _,
            replications,
            given_replications: _,
            max_replications,
            points,
            jobs,
            remedies,
            point,
            replication,
            shard: _,
            command: _,
        } = self;
        let mut differences = Vec::new();
        let mut compare = |what: &str, then: String, now: String| {
            if then != now {
                differences.push(format!("{what}: {then} then, {now} now"));
            }
        };
        let optional = |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
        let index = |number: Option<usize>| optional(number.map(|number| number as u64));
        let rows = |jobs: bool| if jobs { "written" } else { "not written" }.to_owned();
        compare("version of outlast", outlast.clone(), now.outlast.clone());
        compare("scenario", scenario.clone(), now.scenario.clone());
        compare("inputs (SHA-256)", short(inputs_sha256), short(&now.inputs_sha256));
        compare("seed", seed.to_string(), now.seed.to_string());
        compare("replications", replications.to_string(), now.replications.to_string());
        let most = |most: Option<u32>| optional(most.map(u64::from));
        compare("max_replications", most(*max_replications), most(now.max_replications));
        compare("points", points.to_string(), now.points.to_string());
        compare("rows of jobs", rows(*jobs), rows(now.jobs));
        let sought = |sought: bool| if sought { "sought" } else { "not sought" }.to_owned();
        compare("remedies", sought(*remedies), sought(now.remedies));
        compare("--point", index(*point), index(now.point));
        compare("--replication", optional(replication.map(u64::from)), optional(now.replication.map(u64::from)));
        differences
    }
}

/// Enough of a hash to tell two apart; all of it where it is short.
fn short(sha256: &str) -> String {
    sha256.get(..12).unwrap_or(sha256).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            outlast: "0.1.0".to_owned(),
            scenario: "peak".to_owned(),
            file: "peak.toml".to_owned(),
            inputs_sha256: "0123456789abcdef".to_owned(),
            seed: 1,
            given_seed: None,
            replications: 16,
            given_replications: None,
            max_replications: None,
            points: 3,
            jobs: false,
            remedies: true,
            point: None,
            replication: None,
            shard: Some("1/2".to_owned()),
            command: "outlast run peak.toml".to_owned(),
        }
    }

    #[test]
    fn every_difference_is_told() {
        assert!(header().differences(&header()).is_empty());
        let other_share = Header { shard: None, file: "copy.toml".to_owned(), ..header() };
        assert!(header().differences(&other_share).is_empty(), "not what is computed");
        let now = Header {
            inputs_sha256: "fedcba987654321".to_owned(),
            seed: 2,
            jobs: true,
            remedies: false,
            point: Some(7),
            max_replications: Some(99),
            ..header()
        };
        assert_eq!(
            header().differences(&now),
            [
                "inputs (SHA-256): 0123456789ab then, fedcba987654 now",
                "seed: 1 then, 2 now",
                "max_replications: none then, 99 now",
                "rows of jobs: not written then, written now",
                "remedies: sought then, not sought now",
                "--point: none then, 7 now",
            ]
        );
    }
}
