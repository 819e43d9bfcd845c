//! CPU time and memory of this process, and the line that a run prints.

use std::fmt;
use std::time::Instant;

/// What a run came to.
pub(crate) struct Measured {
    pub(crate) model: &'static str,
    pub(crate) events: u64,
    /// CPU seconds of the run alone.
    pub(crate) cpu: f64,
    /// What else there is to know of it: its size and its result.
    pub(crate) notes: String,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measured { model, events, cpu, notes } = self;
        let (ns, peak) = (cpu * 1e9 / *events as f64, peak_mib());
        write!(
            f,
            "engine=outlast model={model} cpu={cpu:.4} events={events} ns_per_event={ns:.2} rss_mb={peak:.1} {notes}"
        )
    }
}

/// Runs something and says how many CPU seconds that took.
pub(crate) fn timed<T>(run: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let cpu = cpu_seconds();
    let answer = run();
    let spent = match (cpu, cpu_seconds()) {
        (Some(before), Some(after)) => after - before,
        // Where the system does not tell.
        _ => begun.elapsed().as_secs_f64(),
    };
    (answer, spent)
}

/// On Linux, to the nanosecond: the first number of `schedstat` is the time on a processor.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).map_or(f64::NAN, |kib| kib / 1024.0)
}
