//! `outlast status`: what is done and what is missing of shards and unfinished runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::StatusArgs;
use super::exit::Exit;
use super::output::Output;
use crate::experiment::Shard;
use crate::journal::{Header, Journal};

/// As many points with something missing are named; the rest are counted.
const NAMED: usize = 10;

pub(super) fn status(args: &StatusArgs, output: &Output) -> Exit {
    let mut exit = Exit::Done;
    let mut shards: BTreeMap<(String, u32), Vec<u32>> = BTreeMap::new();
    for folder in &args.folders {
        let found = journals(folder);
        if found.is_empty() {
            output.error(format_args!("{}: there is no unfinished work and no shard", folder.display()));
            exit = Exit::CouldNotRun;
        }
        for folder in found {
            match Journal::read(&folder) {
                Ok((journal, in_use)) => {
                    output.result_always(describe(&journal, in_use));
                    if let Some(shard) = shard(journal.header()) {
                        let scenario = journal.header().scenario.clone();
                        shards.entry((scenario, shard.of())).or_default().push(shard.number());
                    }
                }
                Err(trouble) => {
                    output.error(trouble);
                    exit = Exit::CouldNotRun;
                }
            }
        }
    }
    for ((scenario, of), numbers) in shards {
        let missing: Vec<String> =
            (1..=of).filter(|number| !numbers.contains(number)).map(|number| format!("{number}/{of}")).collect();
        if !missing.is_empty() {
            output.result_always(format_args!("{scenario}: not begun or not named: shard {}", missing.join(", ")));
        }
    }
    exit
}

/// The journals that a path names: itself, the work of an unfinished run, or those in a folder of results.
fn journals(folder: &Path) -> Vec<PathBuf> {
    let own = |folder: &Path| [folder.to_owned(), folder.join("work")].into_iter().find(|path| Journal::is_in(path));
    if let Some(found) = own(folder) {
        return vec![found];
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| own(&entry.path())).collect();
    found.sort();
    found
}

fn shard(header: &Header) -> Option<Shard> {
    header.shard.as_ref()?.parse().ok()
}

fn describe(journal: &Journal, in_use: bool) -> String {
    let header = journal.header();
    let name = match &header.shard {
        Some(shard) => format!("{}, shard {shard}", header.scenario),
        None => header.scenario.clone(),
    };
    let mut text = format!("{}: {name}: {} replications are done", journal.folder().display(), journal.len());
    if journal.is_whole() {
        text.push_str(", complete");
        return text;
    }
    text.push_str(if in_use { ", under way" } else { ", unfinished (--resume goes on with it)" });
    let missing: Vec<(usize, String)> =
        (0..header.points).filter_map(|point| Some((point, missing(journal, point)?))).collect();
    for (point, missing) in missing.iter().take(NAMED) {
        let _ = write!(text, "\n  point {point}: {missing}");
    }
    if missing.len() > NAMED {
        let _ = write!(text, "\n  and {} more points", missing.len() - NAMED);
    }
    text
}

/// What a journal does not hold of a point though it should; `None`: nothing.
fn missing(journal: &Journal, point: usize) -> Option<String> {
    let header = journal.header();
    if journal.is_complete(point) || header.point.is_some_and(|only| only != point) {
        return None;
    }
    let shard = shard(header);
    let has = |replication: u32| {
        header.replication.is_none_or(|only| only == replication)
            && shard.is_none_or(|shard| {
                shard.has(point, replication, header.replications, header.max_replications.is_some())
            })
    };
    let known = journal.replications(point);
    let first = header.replication.map_or(header.replications, |only| only + 1);
    let missing: Vec<u32> =
        (0..first).filter(|replication| has(*replication) && known.binary_search(replication).is_err()).collect();
    match (missing.as_slice(), header.max_replications) {
        ([], Some(_)) if (0..first).any(has) => Some("may need more replications for its precision".to_owned()),
        ([], _) => None,
        ([one], _) => Some(format!("replication {one} is missing")),
        (many, _) => Some(format!("{} replications are missing: {}", many.len(), ranges(many))),
    }
}

/// Ascending numbers, as people write them: `0-3, 7`.
fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            Some(_) | None => ranges.push((*number, *number)),
        }
    }
    let shown = ranges
        .iter()
        .take(NAMED)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    let text = shown.collect::<Vec<String>>().join(", ");
    if ranges.len() > NAMED { format!("{text}, …") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_one_another_are_one() {
        for (numbers, text) in [(&[0, 1, 2, 3, 7][..], "0-3, 7"), (&[5], "5"), (&[1, 3, 5, 6], "1, 3, 5-6")] {
            assert_eq!(ranges(numbers), text);
        }
    }
}
