//! What `--show-warm-up` tells: the columns of `warm_up.csv`, and the proposal in words.

use super::columns::{Cell, Column, Slot, Table};
use super::words;
use crate::analysis::{Settling, TimeBin, WarmUp, later};
use crate::model::study::{Point, Study};
use crate::model::{Arrivals, Model};
use crate::units::Span;

/// Points whose workloads are told one by one.
const MOST: usize = 12;

/// A row of `warm_up.csv`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) workload: usize,
    pub(crate) bin: TimeBin,
}

macro_rules! fixed {
    ($name:literal, $meaning:literal, $cell:expr) => {
        Slot::Fixed(Column { name: $name, meaning: $meaning, cell: $cell })
    };
}

/// `warm_up.csv`.
pub(crate) const WARM_UP: Table<Row> = Table {
    file: "warm_up.csv",
    about: "Only with `--show-warm-up`, in `output/<name>.warm-up/`: a row per point, workload and part of the time in \
            which jobs arrive, warm-up included. There are 500 equal parts, or fewer where they would hold too few jobs.",
    slots: &[
        fixed!("scenario", "Name of the scenario.", |place, _| Cell::text(&place.study.name)),
        fixed!("point", "Number of the point in the sweep, from 0.", |place, _| Cell::Count(place.point.number as u64)),
        Slot::Sweep,
        fixed!("workload", "Name of the workload.", |place, row| Cell::text(&place.workload(row.workload).name)),
        fixed!("replications", "Independent repetitions, taken together.", |place, _| {
            Cell::Count(u64::from(place.replications))
        }),
        fixed!("from_s", "When the part begins.", |_, row| Cell::Exact(row.bin.from.micros())),
        fixed!("until_s", "When it ends.", |_, row| Cell::Exact(row.bin.until.micros())),
        fixed!("completed", "Jobs submitted in it that ended well.", |_, row| Cell::Count(row.bin.jobs.completed)),
        fixed!("failed", "Jobs submitted in it that ended badly.", |_, row| Cell::Count(row.bin.jobs.failed)),
        fixed!("duration_mean_s", "Mean duration of those that completed.", |_, row| Cell::number(row.bin.duration)),
        fixed!("duration_average_s", "Its moving average (Welch 1983).", |_, row| {
            Cell::number(row.bin.duration_average)
        }),
        fixed!("failure_rate", "`failed` / (`completed` + `failed`).", |_, row| Cell::number(row.bin.failure_rate)),
        fixed!("failure_rate_average", "Its moving average.", |_, row| Cell::number(row.bin.failure_rate_average)),
    ],
};

/// What the points of a study say together.
#[derive(Clone, Debug)]
pub struct Proposal {
    lines: Vec<String>,
    points: usize,
    settling: Settling,
}

impl Default for Proposal {
    fn default() -> Proposal {
        Proposal { lines: Vec::new(), points: 0, settling: Settling::Unknown }
    }
}

impl Proposal {
    /// Adds a point; answers whether it becomes steady later than all before it.
    pub fn add(&mut self, study: &Study, point: &Point, workloads: &[WarmUp]) -> bool {
        let settling = workloads.iter().fold(Settling::Unknown, |all, one| later(all, one.settling()));
        let is_latest = self.points == 0 || later(self.settling, settling) != self.settling;
        self.settling = later(self.settling, settling);
        self.points += 1;
        if self.points <= MOST {
            let name =
                if study.points.len() > 1 { words::point_name(study, point.number) + ", " } else { String::new() };
            for one in workloads {
                let workload = &point.model.workloads[one.workload].name;
                self.lines.push(format!("{name}{workload}: durations {}", of_series(one.durations, "jobs")));
                self.lines.push(format!("{name}{workload}: failures {}", of_series(one.failures, "failed jobs")));
            }
        }
        is_latest
    }

    /// The proposal in words; nothing is changed by it.
    pub fn render(&self, study: &Study, written: Span) -> String {
        let mut lines: Vec<String> = self.lines.iter().map(|line| format!("  {line}")).collect();
        if self.points > MOST {
            lines.push(format!("  … and {} more points", self.points - MOST));
        }
        let duration = study.points.first().map_or(Span::ZERO, |point| point.model.run.duration);
        lines.extend(study.points.iter().find_map(|point| unsteady(&point.model)));
        lines.push(match self.settling {
            Settling::At(cut) => {
                format!("MSER-5 proposes warm_up = \"{}\" (the file says {written})", rounded_up(cut, duration))
            }
            Settling::TooLate(cut) => format!(
                "MSER-5 proposes no warm_up that can be trusted: its cut, at {cut}, lies in the second half of the run of \
                 {duration} (the file says {written}); make `run.duration` longer, or look whether jobs ever become steady",
            ),
            Settling::Unknown => format!(
                "MSER-5 cannot propose a warm_up: too few jobs (the file says {written}); make `run.duration` longer or \
                 `run.replications` more",
            ),
        });
        lines.join("\n")
    }
}

fn of_series(settling: Settling, few: &str) -> String {
    match settling {
        Settling::At(Span::ZERO) => "are steady from the start".to_owned(),
        Settling::At(cut) => format!("are steady from {cut} on"),
        Settling::TooLate(cut) => format!("are not steady before {cut}, which is too late to be trusted"),
        Settling::Unknown => format!("cannot be judged: too few {few}"),
    }
}

/// What varies by itself, which no warm-up ends.
fn unsteady(model: &Model) -> Option<String> {
    let because =
        |what: String| Some(format!("Beware: {what}, and MSER-5 may take that for a warm-up; look at the plot."));
    if !model.changes.is_empty() {
        return because("settings change during the run".to_owned());
    }
    let varies = model.workloads.iter().find(|workload| match workload.arrivals {
        Arrivals::Daily(_) | Arrivals::Burst { .. } | Arrivals::Trace(_) => true,
        Arrivals::Poisson { .. } | Arrivals::Every(_) => false,
    })?;
    because(format!("the rate of `{}` varies with time", varies.name))
}

/// To whole minutes in a run of at least an hour, else to whole seconds.
fn rounded_up(cut: Span, duration: Span) -> Span {
    let minute = Span::from_seconds(60);
    let unit = if duration >= Span::from_seconds(3_600) { minute } else { Span::from_seconds(1) };
    let (cut, unit) = (cut.micros(), unit.micros());
    let rounded = Span::from_micros((cut + unit - 1) / unit * unit);
    if rounded < duration { rounded } else { Span::from_micros(cut) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn warm_up(durations: Settling, failures: Settling) -> WarmUp {
        WarmUp { workload: 0, bins: Vec::new(), durations, failures }
    }

    #[test]
    fn the_latest_point_decides() {
        let study = fixture::line().study;
        let at = |seconds| Settling::At(Span::from_seconds(seconds));
        let mut proposal = Proposal::default();
        assert!(proposal.add(&study, &study.points[0], &[warm_up(at(100), Settling::Unknown)]));
        assert!(!proposal.add(&study, &study.points[1], &[warm_up(at(0), at(100))]));
        assert!(proposal.add(&study, &study.points[2], &[warm_up(at(0), at(19_110))]));
        let text = proposal.render(&study, Span::from_seconds(21_600));
        let last = text.lines().last().unwrap();
        assert_eq!(last, "MSER-5 proposes warm_up = \"5h 19m\" (the file says 6h)");
        assert!(text.contains("point 1 (expiration = 30 min), boots: durations are steady from the start"), "{text}");
        assert!(
            text.contains("point 0 (expiration = 15 min), boots: failures cannot be judged: too few failed jobs"),
            "{text}"
        );
        proposal.add(&study, &study.points[3], &[warm_up(Settling::TooLate(Span::from_seconds(90_000)), at(0))]);
        let text = proposal.render(&study, Span::ZERO);
        assert!(text.contains("no warm_up that can be trusted: its cut, at 1d 1h, lies in the second half"), "{text}");
        let nothing = Proposal::default().render(&study, Span::ZERO);
        assert!(nothing.starts_with("MSER-5 cannot propose a warm_up"), "{nothing}");
    }
}
