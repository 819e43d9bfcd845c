//! `outlast merge`: shards into the results that one run would have given.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::exit::Exit;
use super::load::{Loaded, load};
use super::output::Output;
use super::results::{Manner, Results};
use super::simulate::{Simulated, result};
use super::{MergeArgs, threads};
use crate::experiment::Shard;
use crate::journal::{Header, Journal, Trouble};
use crate::observe::PointFacts;
use crate::report::folder::{Folder, work_places};
use crate::scenario::Overrides;

pub(super) fn merge(args: &MergeArgs, output: &Output) -> Exit {
    let started = Instant::now();
    let merged = shards(args).and_then(|shards| {
        let loaded = scenario(args, shards[0].header(), output)?;
        write(args, &loaded, &shards, started, output)
    });
    match merged {
        Ok((exit, text)) => {
            match args.format {
                super::Format::Text => output.result(text),
                super::Format::Json | super::Format::Markdown => output.result_always(text),
            }
            exit
        }
        Err(problems) => {
            problems.iter().for_each(|problem| output.error(problem));
            Exit::CouldNotRun
        }
    }
}

/// All shards of one study in their order, each whole.
fn shards(args: &MergeArgs) -> Result<Vec<Journal>, Vec<String>> {
    let mut problems = Vec::new();
    let mut shards: BTreeMap<Shard, Journal> = BTreeMap::new();
    for folder in &args.folders {
        let (shard, journal) = match shard(folder) {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        if let Some(first) = shards.values().next() {
            let differences = first.header().differences(journal.header());
            if !differences.is_empty() {
                let told: Vec<String> =
                    differences.iter().map(|what| what.replace(" then,", " there,").replace(" now", " here")).collect();
                problems.push(format!(
                    "{}: it is no shard of the same run as {} ({})",
                    folder.display(),
                    first.folder().display(),
                    told.join("; "),
                ));
                continue;
            }
            let of = shards.keys().next().map_or(0, |shard| shard.of());
            if of != shard.of() {
                problems.push(format!("{}: shard {shard} does not belong to {of} shards", folder.display()));
                continue;
            }
        }
        if let Some(first) = shards.get(&shard) {
            problems.push(format!(
                "{}: shard {shard} is given twice, also as {}",
                folder.display(),
                first.folder().display()
            ));
            continue;
        }
        shards.insert(shard, journal);
    }
    if let Some(of) = shards.keys().next().map(|shard| shard.of()) {
        let is_given = |number: u32| shards.keys().any(|shard| shard.number() == number);
        let missing: Vec<String> =
            (1..=of).filter(|number| !is_given(*number)).map(|number| format!("{number}/{of}")).collect();
        // A folder that was refused may be one of them.
        if !missing.is_empty() && problems.is_empty() {
            let word = if missing.len() == 1 { "shard is" } else { "shards are" };
            problems.push(format!("{} {word} missing: {}", missing.len(), missing.join(", ")));
        }
    }
    if problems.is_empty() { Ok(shards.into_values().collect()) } else { Err(problems) }
}

fn shard(folder: &Path) -> Result<(Shard, Journal), String> {
    let (journal, in_use) = Journal::read(folder).map_err(|trouble| trouble.to_string())?;
    if in_use {
        return Err(Trouble::InUse(folder.to_owned()).to_string());
    }
    let Some(shard) = journal.header().shard.as_ref().and_then(|shard| shard.parse::<Shard>().ok()) else {
        return Err(format!(
            "{}: it is an unfinished run and no shard; `outlast run --resume` finishes it",
            folder.display()
        ));
    };
    if !journal.is_whole() {
        return Err(format!(
            "{}: shard {shard} is not complete ({} replications are done); `outlast run --shard {shard} --resume` finishes it",
            folder.display(),
            journal.len(),
        ));
    }
    Ok((shard, journal))
}

/// The scenario that the shards were made of.
fn scenario(args: &MergeArgs, header: &Header, output: &Output) -> Result<Loaded, Vec<String>> {
    let path = args.scenario.as_deref().unwrap_or(Path::new(&header.file));
    let overrides = Overrides { seed: header.given_seed, replications: header.given_replications };
    // Its problems have been told by then.
    let loaded = load(path, &overrides, output).map_err(|_| {
        vec![format!("cannot merge without the scenario that the shards were made of; --scenario FILE names it")]
    })?;
    let differs = |what: &str| vec![format!("{}: {what}", path.display())];
    if header.outlast != env!("CARGO_PKG_VERSION") {
        let ours = env!("CARGO_PKG_VERSION");
        return Err(differs(&format!("its shards were made by outlast {}, and this is {ours}", header.outlast)));
    }
    if loaded.study.inputs_sha256 != header.inputs_sha256 {
        return Err(differs("the scenario, or a file that it names, has changed since its shards were made"));
    }
    Ok(loaded)
}

fn write(
    args: &MergeArgs,
    loaded: &Loaded,
    shards: &[Journal],
    started: Instant,
    output: &Output,
) -> Result<(Exit, String), Vec<String>> {
    let study = &loaded.study;
    let manner = Manner { format: args.format, plots: !args.no_plots, threads: threads(args.threads) };
    let told = |error: String| vec![error];
    if let Some(work) = work_places(&args.out, &study.name).into_iter().find(|work| Journal::is_in(work)) {
        return Err(told(format!(
            "{}: there is the work of an unfinished run; finish it with `outlast run --resume`, remove it, or choose \
             another --out",
            work.display()
        )));
    }
    let folder = Folder::create(&args.out, &study.name).map_err(|error| told(error.to_string()))?;
    let mut simulated = Simulated { results: Vec::new(), interrupted: false, events: 0 };
    for point in &study.points {
        let mut facts = PointFacts::new(point.number, &point.model);
        for shard in shards {
            if let Some(known) = shard.known(point.number).map_err(|trouble| told(trouble.to_string()))? {
                facts.merge(&known);
            }
        }
        simulated.events += facts.events;
        simulated.results.push(result(study, &facts));
    }
    let results = Results { study, simulated: &simulated, rows: shards, command: &shards[0].header().command, started };
    results
        .write(&folder, manner)
        .and_then(|verdicts| results.finish(folder, &verdicts, manner, output))
        .map_err(|error| told(error.to_string()))
}
