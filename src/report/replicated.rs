//! `replications.csv` and `run.json`, read back for a comparison.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use ::csv::StringRecord;
use serde::Deserialize;

use super::columns::REPLICATIONS;
use super::csv;
use super::folder::MANIFEST;
use crate::analysis::PointResult;
use crate::analysis::compare::{Replicated, ReplicatedRow, Replication};
use crate::model::Estimator;
use crate::model::study::Study;

/// What of `run.json` a comparison needs.
#[derive(Deserialize)]
struct Manifest {
    outlast: String,
    scenario: String,
    #[serde(default)]
    inputs_sha256: String,
    seed: Option<u64>,
    confidence: Option<f64>,
    complete: bool,
    estimator: Option<String>,
}

/// Why a result whose rates are estimated cannot be compared.
pub fn only_counts(name: &str) -> String {
    format!(
        "{name}: its failure rates are estimated from what each job had to expect (`run.estimator = \"conditional\"`), and \
         comparisons count jobs; compare the intervals in the summaries, or set `run.estimator = \"counting\"`"
    )
}

/// Reads a folder that `outlast run` wrote.
///
/// # Errors
/// What is missing or damaged, where, and what to do.
pub fn read(folder: &Path) -> Result<Replicated, String> {
    let name = folder.display();
    let path = folder.join(MANIFEST);
    if !path.is_file() {
        return Err(no_result(folder));
    }
    let damaged = |path: &Path, why: String| format!("{}: {why}; run the scenario again", path.display());
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: cannot read: {error}", path.display()))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| damaged(&path, format!("it is no manifest of a run: {error}")))?;
    let (Some(seed), Some(confidence)) = (manifest.seed, manifest.confidence) else {
        return Err(damaged(&path, "it names no seed or no confidence".to_owned()));
    };
    if manifest.estimator.as_deref() == Some(Estimator::Conditional.code()) {
        return Err(only_counts(&name.to_string()));
    }
    let path = folder.join(REPLICATIONS.file);
    if !path.is_file() {
        return Err(format!(
            "{name}: there is no {}: outlast {} wrote this result; run the scenario again",
            REPLICATIONS.file, manifest.outlast
        ));
    }
    let file = File::open(&path).map_err(|error| format!("{}: cannot read: {error}", path.display()))?;
    let (axes, rows) = parse(BufReader::new(file)).map_err(|why| damaged(&path, why))?;
    Ok(Replicated {
        name: name.to_string(),
        scenario: manifest.scenario,
        version: manifest.outlast,
        inputs: manifest.inputs_sha256,
        seed,
        confidence,
        complete: manifest.complete,
        axes,
        rows,
    })
}

/// What a folder would hold that these results were written to.
///
/// They go through the text of the file, so that a result compares equally wherever it comes from.
///
/// # Panics
/// If the study has no points, which no study is without.
pub fn of(name: String, study: &Study, results: &[PointResult]) -> Replicated {
    let mut text = Vec::new();
    csv::replications(&mut text, study, results).expect("a vector takes everything");
    let (axes, rows) = parse(text.as_slice()).expect("what was written can be read");
    let run = &study.points.first().expect("a study has points").model.run;
    Replicated {
        name,
        scenario: study.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        inputs: study.inputs_sha256.clone(),
        seed: run.seed,
        confidence: run.confidence,
        complete: true,
        axes,
        rows,
    }
}

/// Why a folder is no result; names the results in it, if it holds some.
fn no_result(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut inside: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join(MANIFEST).is_file())
        .map(|path| path.display().to_string())
        .collect();
    inside.sort();
    let name = folder.display();
    match inside.as_slice() {
        [] => format!("{name}: no result of `outlast run` (there is no {MANIFEST} in it)"),
        [only] => format!("{name}: no result of `outlast run`; did you mean {only}?"),
        several => format!("{name}: no result of `outlast run`; name one of {}", several.join(", ")),
    }
}

/// Places of the columns.
struct Places {
    point: usize,
    /// Behind the point, before the workload.
    axes: std::ops::Range<usize>,
    workload: usize,
    job: usize,
    replication: usize,
    /// Completed, failed, unfinished, token failures, orphans.
    counts: [usize; 5],
    /// Mean, 50th, 95th and 99th percentile of durations, 1st of margins.
    times: [usize; 5],
}

impl Places {
    fn of(names: &StringRecord) -> Result<Places, String> {
        let place = |name: &str| {
            let found = names.iter().position(|known| known == name);
            found.ok_or_else(|| format!("there is no column `{name}`"))
        };
        let (point, workload) = (place("point")?, place("workload")?);
        if workload <= point {
            return Err("the column `workload` stands before `point`".to_owned());
        }
        let [completed, failed, unfinished, token_failures, orphans] =
            ["completed", "failed", "unfinished", "token_failures", "orphans"].map(place);
        let [mean, p50, p95, p99, margin] =
            ["duration_mean_s", "duration_p50_s", "duration_p95_s", "duration_p99_s", "margin_p01_s"].map(place);
        Ok(Places {
            point,
            axes: point + 1..workload,
            workload,
            job: place("job")?,
            replication: place("replication")?,
            counts: [completed?, failed?, unfinished?, token_failures?, orphans?],
            times: [mean?, p50?, p95?, p99?, margin?],
        })
    }
}

/// Axes and rows of a `replications.csv`.
fn parse(reader: impl Read) -> Result<(Vec<String>, Vec<ReplicatedRow>), String> {
    let mut reader = ::csv::Reader::from_reader(reader);
    let names = reader.headers().map_err(|error| error.to_string())?.clone();
    let places = Places::of(&names)?;
    let axes = places.axes.clone().map(|place| names[place].to_owned()).collect();
    let mut rows: Vec<ReplicatedRow> = Vec::new();
    let mut begun: BTreeSet<(usize, String)> = BTreeSet::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| error.to_string())? {
        let line = record.position().map_or(0, ::csv::Position::line);
        add(&mut rows, &mut begun, &record, &names, &places).map_err(|why| format!("line {line}: {why}"))?;
    }
    if rows.is_empty() {
        return Err("it holds no replication".to_owned());
    }
    Ok((axes, rows))
}

fn add(
    rows: &mut Vec<ReplicatedRow>,
    begun: &mut BTreeSet<(usize, String)>,
    record: &StringRecord,
    names: &StringRecord,
    places: &Places,
) -> Result<(), String> {
    let cell = |place: usize| record.get(place).unwrap_or_default();
    let count = |place: usize| -> Result<u64, String> {
        cell(place).parse().map_err(|_| format!("`{}` is `{}`, and no count", &names[place], cell(place)))
    };
    let time = |place: usize| -> Result<Option<f64>, String> {
        if cell(place).is_empty() {
            return Ok(None);
        }
        let seconds: Option<f64> = cell(place).parse().ok().filter(|seconds: &f64| seconds.is_finite());
        let wrong = || format!("`{}` is `{}`, and no number of seconds", &names[place], cell(place));
        seconds.map(Some).ok_or_else(wrong)
    };
    let number = u32::try_from(count(places.replication)?).map_err(|error| format!("`replication`: {error}"))?;
    let [completed, failed, unfinished, token_failures, orphans] = places.counts.map(count);
    let [mean, p50, p95, p99, margin] = places.times.map(time);
    let replication = Replication {
        number,
        completed: completed?,
        failed: failed?,
        unfinished: unfinished?,
        token_failures: token_failures?,
        orphans: orphans?,
        duration_mean: mean?,
        duration_p50: p50?,
        duration_p95: p95?,
        duration_p99: p99?,
        margin_p01: margin?,
    };
    let point = count(places.point)? as usize;
    let workload = cell(places.workload);
    if let Some(row) = rows.last_mut().filter(|row| row.point == point && row.workload == workload) {
        let last = row.replications.last().map_or(0, |replication| replication.number);
        if number <= last {
            return Err(format!("replication {number} stands behind replication {last}"));
        }
        row.replications.push(replication);
        return Ok(());
    }
    if !begun.insert((point, workload.to_owned())) {
        return Err(format!("the rows of point {point} and workload `{workload}` do not stand together"));
    }
    rows.push(ReplicatedRow {
        point,
        values: places.axes.clone().map(|place| cell(place).to_owned()).collect(),
        workload: workload.to_owned(),
        job: cell(places.job).to_owned(),
        replications: vec![replication],
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "scenario,point,keystone.token.expiration_s,workload,job,replication,jobs,completed,failed,\
                        unfinished,refused_at_submission,token_failures,orphans,duration_mean_s,duration_p50_s,\
                        duration_p95_s,duration_p99_s,margin_p01_s";

    fn text(lines: &[&str]) -> String {
        format!("{HEAD}\n{}\n", lines.join("\n"))
    }

    #[test]
    fn rows_are_grouped_by_point_and_workload() {
        let text = text(&[
            "x,3,900,boots,boot-from-volume,0,10,7,2,1,0,1,2,60.5,50,90,100,-3.25",
            "x,3,900,boots,boot-from-volume,4,2,0,2,0,0,1,2,,,,,",
            "x,3,900,all,,0,10,7,2,1,0,1,2,60.5,50,90,100,-3.25",
        ]);
        let (axes, rows) = parse(text.as_bytes()).unwrap();
        assert_eq!(axes, ["keystone.token.expiration_s"]);
        let of = |row: &ReplicatedRow| (row.point, row.values.join(","), row.workload.clone(), row.replications.len());
        assert_eq!(of(&rows[0]), (3, "900".to_owned(), "boots".to_owned(), 2));
        assert_eq!(of(&rows[1]), (3, "900".to_owned(), "all".to_owned(), 1));
        let expected = Replication {
            number: 0,
            completed: 7,
            failed: 2,
            unfinished: 1,
            token_failures: 1,
            orphans: 2,
            duration_mean: Some(60.5),
            duration_p50: Some(50.0),
            duration_p95: Some(90.0),
            duration_p99: Some(100.0),
            margin_p01: Some(-3.25),
        };
        assert_eq!(rows[0].replications[0], expected);
        assert_eq!((rows[0].replications[1].number, rows[0].replications[1].duration_mean), (4, None));
    }

    #[test]
    fn damage_is_named_with_its_line() {
        const GOOD: &str = "x,0,900,boots,boot-from-volume,0,10,7,2,1,0,1,2,60.5,50,90,100,-3.25";
        let with = |from: &str, to: &str| text(&[GOOD, &GOOD.replacen(from, to, 1)]);
        let cases = [
            ("no file", String::new(), "there is no column `point`"),
            ("no rows", text(&[]), "it holds no replication"),
            ("no column", text(&[GOOD]).replace("orphans", "orphan"), "there is no column `orphans`"),
            ("a torn line", text(&[GOOD, "x,0,900,boots,boot"]), "line: 3"),
            ("no count", with(",7,", ",seven,"), "line 3: `completed` is `seven`, and no count"),
            ("a negative count", with(",7,", ",-7,"), "line 3: `completed` is `-7`"),
            ("no time", with("60.5", "1 min"), "line 3: `duration_mean_s` is `1 min`, and no number of seconds"),
            ("no finite time", with("60.5", "inf"), "line 3: `duration_mean_s` is `inf`"),
            ("the same again", text(&[GOOD, GOOD]), "line 3: replication 0 stands behind replication 0"),
            ("apart", text(&[GOOD, &GOOD.replace("boots", "all"), GOOD]), "line 4: the rows of point 0 and workload"),
        ];
        for (name, text, expected) in cases {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}
