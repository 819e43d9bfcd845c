//! Who the job was, in labels and values: what stands above its course in every format.

use super::story::{cleanup, left, outcome};
use super::{Oldest, Told, clock};
use crate::model::remedy::Remedy;
use crate::model::{Quantity, QuantityUnit};
use crate::report::remedies::in_short;
use crate::report::words::{count, duration, point_values};
use crate::units::{Instant, Span};

/// More ways out than these are not told.
const MOST_REMEDIES: usize = 6;

/// The name of the story.
pub(super) fn title(told: &Told<'_>) -> String {
    let record = &told.course.record;
    let workload = &told.model().workloads[record.workload];
    format!("{}: {} job {} of {}", told.study.name, workload.name, record.ordinal, workload.kind.name)
}

/// What is known of the job, in the order in which it is told.
pub(super) fn facts(told: &Told<'_>) -> Vec<(&'static str, String)> {
    let course = told.course;
    let record = &course.record;
    let mut facts = Vec::new();
    let mut place = format!("point {}", told.point.number);
    if !told.study.axes.is_empty() {
        place.push_str(&format!(" ({})", point_values(told.study, told.point)));
    }
    place.push_str(&format!(", replication {}", told.replication));
    facts.push(("where", place));
    facts.push(("chosen", told.why.to_owned()));
    let mut submitted =
        format!("by its owner's client, {} into the run", duration(record.submitted.since(Instant::START)));
    if !course.counts {
        submitted.push_str("; in the warm-up, so that it does not count");
    }
    facts.push(("submitted", submitted));
    let kind = &told.model().workloads[record.workload].kind;
    let drawn: Vec<String> = kind
        .quantities
        .iter()
        .zip(&record.quantities)
        .filter(|(_, value)| **value != 0)
        .map(|(quantity, value)| format!("{} {}", quantity.name, amount(quantity, *value)))
        .collect();
    if !drawn.is_empty() {
        facts.push(("drew", drawn.join(", ")));
    }
    facts.push(("token", token(told)));
    facts.push(("outcome", outcome(told)));
    if let Some(left) = left(told) {
        facts.push(("left behind", left));
    }
    if let Some(cleaned) = record.cleanup {
        facts.push(("clean-up", cleanup(cleaned)));
    }
    let margin = match course.smallest_margin {
        Some(margin) if margin < Span::ZERO => {
            format!("{} past the end: a cache let it pass", duration(Span::from_micros(-margin.micros())))
        }
        Some(margin) => format!("{} before the end of its token or of the window", duration(margin)),
        None => "none of its requests with the user's token was accepted".to_owned(),
    };
    facts.push(("smallest margin", margin));
    match told.oldest {
        Some(Oldest::Age(age)) => facts.push((
            "oldest token",
            format!("with a token up to {} old at submission it would have completed", duration(age)),
        )),
        Some(Oldest::NotEvenNew) => {
            facts.push(("oldest token", "a new token would not have helped".to_owned()));
        }
        None => {}
    }
    if let Some(remedies) = told.remedies {
        facts.push(("saved by", saved_by(remedies, told)));
    }
    facts
}

/// What would have saved the job: any of these.
fn saved_by(remedies: &[Remedy], told: &Told<'_>) -> String {
    let mut shown: Vec<Remedy> = Vec::new();
    for remedy in remedies {
        // Of what has steps the least one is told.
        if !shown.iter().any(|known| known.is_like(*remedy)) {
            shown.push(*remedy);
        }
    }
    let texts: Vec<String> = shown.iter().take(MOST_REMEDIES).map(|remedy| in_short(*remedy, told.model())).collect();
    if texts.is_empty() {
        "none of the settings that were tried, nor two at once".to_owned()
    } else {
        texts.join("; or ")
    }
}

/// The life of the user's token, from its issue on.
fn token(told: &Told<'_>) -> String {
    let (course, token) = (told.course, &told.course.token);
    let at = |instant: Instant| clock(told.since(instant));
    let is_cluster = told.model().keystone.clocks.len() > 1;
    let node = if is_cluster { format!(" by node {}", course.issuer) } else { String::new() };
    let there = if is_cluster { " on that node" } else { "" };
    let mut text = format!(
        "issued{node} {} before submission, expires at {}, allow_expired_window ends at {}",
        duration(course.record.token_age),
        at(token.expires),
        at(token.expires + course.window),
    );
    let is_far = |instant: Instant| instant == Instant::NEVER;
    if course.keys.is_empty() {
        text.push_str("; its key stays");
    } else if is_far(token.key_gone) {
        text.push_str(&format!("; its Fernet key stays{there}"));
    } else {
        text.push_str(&format!("; its Fernet key is gone{there} at {}", at(token.key_gone)));
    }
    if !is_far(token.revoked) {
        text.push_str(&format!("; revoked, or its user disabled, at {}", at(token.revoked)));
    }
    text
}

fn amount(quantity: &Quantity, value: i64) -> String {
    match quantity.unit {
        // What a shared link decides is held as a negative number.
        QuantityUnit::Seconds if value < 0 => "as long as the link needs".to_owned(),
        QuantityUnit::Seconds => duration(Span::from_micros(value)),
        QuantityUnit::Bytes => size(value.unsigned_abs()),
        QuantityUnit::Count => count(value.unsigned_abs()),
    }
}

/// Bytes in the largest unit that they fill: `16.2 GiB`.
fn size(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => format!("{:.1} {unit}", bytes as f64 / (1_u64 << shift) as f64),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_they_fill() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (16 << 30, "16.0 GiB"),
            ((16 << 30) + (1 << 29), "16.5 GiB"),
            (3 << 40, "3.0 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
