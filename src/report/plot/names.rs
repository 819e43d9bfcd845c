//! What axes, values and points are called in plots: as short as a label must be, in words where there are any.

use std::ops::Range;

use super::theme::Type;
use crate::analysis::PointResult;
use crate::model::study::{Axis, AxisUnit, AxisValue, Point, Study};
use crate::report::words;
use crate::units::Span;

/// Where a point stands: axes, each with the index of its value.
pub(super) type Place = Vec<(usize, usize)>;

/// A swept key in few words, for labels beside lines: `lifetime`, `Cinder sends`.
pub(super) fn short(axis: &Axis) -> String {
    match axis.key.as_str() {
        "keystone.token.expiration" => "lifetime".to_string(),
        "keystone.token.allow_expired_window" => "window".to_string(),
        "keystone.fernet_tokens.max_active_keys" => "Fernet keys".to_string(),
        "cloud.fernet_rotation.every" => "rotation".to_string(),
        "nova.service_user.send_service_user_token" => "Nova sends".to_string(),
        "cinder.service_user.send_service_user_token" => "Cinder sends".to_string(),
        "nova.keystone_authtoken.token_cache_time" => "Nova's cache".to_string(),
        "cinder.keystone_authtoken.token_cache_time" => "Cinder's cache".to_string(),
        "glance.keystone_authtoken.token_cache_time" => "Glance's cache".to_string(),
        "swift.keystone_authtoken.token_cache_time" => "Swift's cache".to_string(),
        "neutron.keystone_authtoken.token_cache_time" => "Neutron's cache".to_string(),
        "nova.keystone_authtoken.service_token_roles_required" => "Nova requires role".to_string(),
        "cinder.keystone_authtoken.service_token_roles_required" => "Cinder requires role".to_string(),
        "glance.keystone_authtoken.service_token_roles_required" => "Glance requires role".to_string(),
        "swift.keystone_authtoken.service_token_roles_required" => "Swift requires role".to_string(),
        "neutron.keystone_authtoken.service_token_roles_required" => "Neutron requires role".to_string(),
        "nova.keystone_authtoken.service_token_roles" => "Nova takes roles".to_string(),
        "cinder.keystone_authtoken.service_token_roles" => "Cinder takes roles".to_string(),
        "glance.keystone_authtoken.service_token_roles" => "Glance takes roles".to_string(),
        "swift.keystone_authtoken.service_token_roles" => "Swift takes roles".to_string(),
        "neutron.keystone_authtoken.service_token_roles" => "Neutron takes roles".to_string(),
        _ => words::key_words(axis),
    }
}

/// The same for every axis of a study; whole keys where the short names collide.
pub(super) fn shorts(axes: &[Axis]) -> Vec<String> {
    let names: Vec<String> = axes.iter().map(short).collect();
    let unique = |name: &String| names.iter().filter(|other| *other == name).count() == 1;
    let long = words::short_keys(axes);
    names.iter().zip(long).map(|(name, long)| if unique(name) { name.clone() } else { long }).collect()
}

/// A value as a label, in our own words for times and sizes: `15 min`, `20 GiB`.
pub(super) fn value(axis: &Axis, index: usize) -> String {
    let Some(value) = axis.values.get(index) else { return String::new() };
    let spoken = |value: &AxisValue| match (axis.unit, value.number) {
        // The only negative times of options in seconds.
        (AxisUnit::Seconds, Some(-1.0)) if value.label == "-1" => "off".to_string(),
        (AxisUnit::Seconds, Some(number)) => words::duration(Span::from_seconds_f64(number)),
        (AxisUnit::Bytes, Some(number)) => bytes(number),
        (AxisUnit::PerSecond | AxisUnit::None, _) | (_, None) => value.label.clone(),
    };
    let text = spoken(value);
    // Rounding must not make two values look the same; in a zip they may be the same.
    let is_rounded_alike = |other: &AxisValue| other.label != value.label && spoken(other) == text;
    if axis.values.iter().any(is_rounded_alike) { value.label.clone() } else { text }
}

/// The axes that vary together, of which this is one: those of a zip, or itself.
pub(super) fn together(study: &Study, axis: usize) -> Range<usize> {
    study.dimensions().find(|axes| axes.contains(&axis)).unwrap_or(axis..axis + 1)
}

/// The values of all that varies together with an axis: `1 h, 5`.
pub(super) fn row(study: &Study, axis: usize, index: usize) -> String {
    let values: Vec<String> = study.axes[together(study, axis)].iter().map(|axis| value(axis, index)).collect();
    values.join(", ")
}

/// What varies together with an axis, in the words of a title: `token lifetime with number of Fernet keys`.
pub(super) fn words(study: &Study, axis: usize) -> String {
    let keys: Vec<String> = study.axes[together(study, axis)].iter().map(words::key_words).collect();
    match keys.as_slice() {
        [first, middle @ .., last] if !middle.is_empty() => format!("{first} with {} and {last}", middle.join(", ")),
        [first, last] => format!("{first} with {last}"),
        keys => keys.concat(),
    }
}

/// The same in few words: `lifetime, Fernet keys`.
pub(super) fn short_words(study: &Study, axis: usize) -> String {
    study.axes[together(study, axis)].iter().map(short).collect::<Vec<_>>().join(", ")
}

/// A number between the values of an axis, for ticks.
pub(super) fn number(unit: AxisUnit, number: f64) -> String {
    match unit {
        AxisUnit::Seconds => words::duration(Span::from_seconds_f64(number)),
        AxisUnit::Bytes => bytes(number),
        AxisUnit::PerSecond | AxisUnit::None => words::six_digits(number),
    }
}

/// A size in the largest unit that keeps it short; binary where it is round there.
fn bytes(number: f64) -> String {
    const BINARY: [(&str, f64); 4] =
        [("TiB", 1_099_511_627_776.0), ("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1_024.0)];
    const DECIMAL: [(&str, f64); 4] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    if number <= 0.0 {
        return "0 B".to_string();
    }
    let whole = |unit: f64| number >= unit && number < 4_096.0 * unit && (number * 2.0) % unit == 0.0;
    if let Some((unit, size)) = BINARY.into_iter().find(|(_, size)| whole(*size)) {
        return format!("{} {unit}", words::six_digits(number / size));
    }
    match DECIMAL.into_iter().find(|(_, size)| number >= *size) {
        Some((unit, size)) => format!("{} {unit}", words::millis(number / size)),
        None => format!("{} B", words::millis(number)),
    }
}

/// Values of some axes and of what varies together with them, each with its name: `window` and ` 2 d`, `Cinder sends`
/// and `: true`.
fn named(study: &Study, values: &[(usize, usize)]) -> Vec<(String, String)> {
    let shorts = shorts(&study.axes);
    let part = |(axis, index): (usize, usize)| {
        let value = value(&study.axes[axis], index);
        let between = if study.axes[axis].unit == AxisUnit::Seconds { " " } else { ": " };
        (shorts[axis].clone(), format!("{between}{}", words::cut(&value, 28)))
    };
    let keys = values.iter().flat_map(|&(axis, index)| together(study, axis).map(move |axis| (axis, index)));
    keys.map(part).collect()
}

/// The same as texts, each of at most this width: `window 2 d`.
pub(super) fn each_value(study: &Study, values: &[(usize, usize)], look: Type, width: f64) -> Vec<String> {
    named(study, values).iter().map(|(key, value)| look.cut_name(key, value, width)).collect()
}

/// The same in one line.
pub(super) fn values(study: &Study, values: &[(usize, usize)]) -> String {
    // Long names would push the values of the keys after them out of sight.
    let each: Vec<String> =
        named(study, values).iter().map(|(key, value)| format!("{}{value}", words::cut(key, 34))).collect();
    each.join(", ")
}

/// The axes that have more than one value; of those that vary together the first, which stands for all.
pub(super) fn varying(study: &Study) -> Vec<usize> {
    study.dimensions().map(|axes| axes.start).filter(|&axis| study.axes[axis].values.len() > 1).collect()
}

/// Where a point stands on these axes.
pub(super) fn place(point: &Point, axes: &[usize]) -> Place {
    axes.iter().filter_map(|&axis| Some((axis, *point.values.get(axis)?))).collect()
}

/// `one-hour-tokens, 32 replications`.
pub(super) fn basis(study: &Study, results: &[PointResult]) -> String {
    let name = words::cut(&study.name, 60).into_owned();
    let most = results.iter().map(|result| result.replications).max().unwrap_or(0);
    format!("{name}, {}", words::counted(u64::from(most), "replication"))
}

/// The same for what is told of all workloads together.
pub(super) fn basis_of_all(study: &Study, results: &[PointResult]) -> String {
    let workloads = study.points.iter().map(|point| point.model.workloads.len()).max().unwrap_or(0);
    let together = if workloads > 1 { format!("; {workloads} workloads together") } else { String::new() };
    basis(study, results) + &together
}

/// The confidence level of the intervals: `95 %`.
pub(super) fn confidence(results: &[PointResult]) -> String {
    words::percent(results.first().map_or(0.95, |result| result.all().confidence))
}

/// A sentence begins with a capital.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A piece of a file's name from a key.
pub(super) fn stem(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).take(48).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_unit_they_are_round_in() {
        let cases = [
            (21_474_836_480.0, "20 GiB"),
            (20e9, "20 GB"),
            (1.5 * 1_073_741_824.0, "1.5 GiB"),
            (512.0, "512 B"),
            (0.0, "0 B"),
            (2_500_000.0, "2.5 MB"),
        ];
        for (number, text) in cases {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn names_are_cut_before_values() {
        let cases = [
            ("window", " 2 d", "window", "2 d"),
            ("block device allocate retries", ": 2400", "block device", "…retries: 2400"),
            ("cinder.DEFAULT.backup_swift_service_auth", ": false", "cinder.", "auth: false"),
            ("key", ": a value that is too long for any name beside it", "a value that", "…"),
        ];
        for (name, value, front, back) in cases {
            let look = Type::LABEL.bold();
            let text = look.cut_name(name, value, 190.0);
            assert!(text.starts_with(front) && text.ends_with(back) && look.width(&text) <= 190.0, "{text}");
        }
    }

    #[test]
    fn a_stem_is_safe_in_any_file_system() {
        assert_eq!(stem("workload.A b/c.image_size"), "workload_a_b_c_image_size");
    }
}
