//! How large a study is and how long it will take, told before it begins.

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::HumanDuration;

use super::output::Output;
use super::simulate::stop;
use crate::experiment::{self, Part};
use crate::model::study::Study;

/// Points of which a replication is timed: the first, the last and one between them, because a sweep often makes jobs
/// more from one end to the other.
const TIMED: usize = 3;
/// The longest that timing may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// A study with fewer points that takes less than a second is over before anybody has read how long it takes.
const WORTH_TELLING: usize = 100;

/// Says how many points and replications there are, and about how long they will take.
pub(super) fn tell(study: &Study, part: Part, threads: NonZeroUsize, output: &Output) {
    let points: Vec<usize> = (0..study.points.len()).filter(|point| part.len_at(study, *point) > 0).collect();
    let replications = part.len(study);
    if output.quiet || points.len() < 2 || replications == 0 {
        return;
    }
    let at_least = if study.precision.is_some() { "at least " } else { "" };
    let size = format!("{} points, {at_least}{replications} replications", points.len());
    let time = match time_of_one(study, &points) {
        Some(one) => {
            let all = one.mul_f64(replications as f64 / threads.get().min(replications as usize) as f64);
            if all < PATIENCE && points.len() < WORTH_TELLING {
                return;
            }
            let threads = if threads.get() == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
            format!("{at_least}about {} on {threads}", HumanDuration(all.max(Duration::from_secs(1))))
        }
        None => format!("more than {} each", HumanDuration(PATIENCE)),
    };
    output.note(format_args!("{}: {size}, {time}", study.name));
}

/// The mean time of a replication; `None`: there was no patience for one.
fn time_of_one(study: &Study, points: &[usize]) -> Option<Duration> {
    let began = Instant::now();
    let is_enough = || began.elapsed() > PATIENCE || stop().load(Ordering::Relaxed);
    let last = points.len() - 1;
    let timed: Vec<usize> = (0..TIMED.min(points.len())).map(|at| points[at * last / (TIMED - 1)]).collect();
    let done = timed.iter().take_while(|point| experiment::try_one(study, **point, is_enough)).count();
    // Those that were given up took their time too, but are no replications.
    (done > 0).then(|| began.elapsed().div_f64(done as f64))
}
