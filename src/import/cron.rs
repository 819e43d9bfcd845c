//! The operator's cron lines for `keystone-manage fernet_rotate`, as cronie and its forebear Vixie cron read them.
//!
//! A line fires at whole minutes of local time; changes of the clock in spring and autumn are left out. The simulated
//! time begins on Monday 1 June 2026 at 00:00, which matters only to lines that ask for a day.

use std::path::Path;
use std::sync::Arc;

use crate::document::{Collected, Issue, Issues, Place, Sources};
use crate::units::Span;

const MINUTES_A_DAY: i64 = 1_440;
const DAYS_A_WEEK: i64 = 7;
/// Days from 1 January 1970 to the Monday on which simulated time begins, 1 June 2026.
const FIRST_DAY: i64 = 20_605;
/// How the names of scripts begin that deployment tools put around `keystone-manage fernet_rotate`.
const SCRIPTS: [&str; 4] = ["fernet_rotate", "fernet_keys_rotate", "rotate_fernet", "rotate_fernet_keys"];
/// What may follow in such a name; anything else may look at the age of keys, or tell of it.
const MORE: [&str; 7] = ["", "keys", "cron", "job", "all", "sync", "and"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Words for five fields; a start of the machine is no time.
const WORDS: [(&str, &str); 8] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    (REBOOT, ""),
];
const REBOOT: &str = "@reboot";
/// Instants that are written out for a schedule without a period.
const MOST_INSTANTS: usize = 50_000;
/// Lines that rotate keys, or are wrong: a crontab has few.
const MOST_LINES: usize = 100;
/// How far back it is worth looking for rotations that made the keys of the start.
const LONGEST_PAST: i64 = 3_660;

/// A crontab, of a user or of `/etc/cron.d`.
#[derive(Clone, Debug)]
pub struct CronFile {
    /// As people know it.
    pub name: String,
    /// All of it.
    pub text: Arc<str>,
}

/// When `fernet_rotate` runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotations {
    lines: Vec<Line>,
}

/// A schedule that can be written in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Regular {
    pub(super) period: Span,
    pub(super) offset: Span,
}

/// A line that rotates.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    at: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// A day must be in both fields, because one of them begins with `*`; else one is enough.
    both_days: bool,
}

impl Line {
    fn is_on(&self, day: i64) -> bool {
        let (month, day_of_month) = civil(FIRST_DAY + day);
        let has = |field: u64, value: i64| field >> value & 1 == 1;
        let in_month = has(self.days, day_of_month);
        let in_week = has(self.weekdays, (day + 1).rem_euclid(DAYS_A_WEEK));
        has(self.months, month) && if self.both_days { in_month && in_week } else { in_month || in_week }
    }

    fn is_weekly(&self) -> bool {
        let is_any_day = self.days == full(1, 31) && self.both_days;
        is_any_day && self.months == full(1, 12)
    }
}

/// All values of a field.
const fn full(low: u32, high: u32) -> u64 {
    (u64::MAX >> (63 - high)) & (u64::MAX << low)
}

/// Month and day of a date, from days since 1 January 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64) {
    let of_era = (days + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    (if month < 10 { month + 3 } else { month - 9 }, of_year - (153 * month + 2) / 5 + 1)
}

impl Rotations {
    /// Minutes since the start of every rotation of some days, in order; two lines at one minute are two rotations.
    fn on_days(&self, days: std::ops::Range<i64>) -> Vec<i64> {
        let mut minutes = Vec::new();
        for day in days {
            for line in self.lines.iter().filter(|line| line.is_on(day)) {
                for hour in (0..24).filter(|hour| line.hours >> hour & 1 == 1) {
                    let of_hour = (0..60).filter(|minute| line.minutes >> minute & 1 == 1);
                    minutes.extend(of_hour.map(|minute| day * MINUTES_A_DAY + hour * 60 + minute));
                }
            }
        }
        minutes.sort_unstable();
        minutes
    }

    /// The period, if there is one.
    pub(super) fn regular(&self) -> Option<Regular> {
        if !self.lines.iter().all(Line::is_weekly) {
            return None;
        }
        let week = self.on_days(0..DAYS_A_WEEK);
        let count = i64::try_from(week.len()).ok()?;
        let (first, all) = (*week.first()?, DAYS_A_WEEK * MINUTES_A_DAY);
        let period = all / count;
        let is_regular = all % count == 0 && (0..).zip(&week).all(|(index, at)| *at == first + index * period);
        is_regular.then_some(Regular { period: of_minutes(period), offset: of_minutes(first) })
    }

    /// After how many days it repeats, or nearly so.
    pub(super) fn cycle_days(&self) -> i64 {
        let is_day = |line: &Line| line.is_weekly() && line.weekdays == full(0, 6);
        if self.lines.iter().all(is_day) {
            1
        } else if self.lines.iter().all(Line::is_weekly) {
            DAYS_A_WEEK
        } else {
            31
        }
    }

    /// All rotations up to a day, and of the past as many as `keys` and five weeks need; minutes since the start.
    pub(super) fn instants(&self, keys: usize, until_day: i64) -> Vec<i64> {
        const STEP: i64 = 35;
        let mut first = -STEP;
        let mut past = self.on_days(first..0);
        while past.len() < keys.min(MOST_INSTANTS / 2) && first > -LONGEST_PAST {
            let mut earlier = self.on_days(first - STEP..first);
            first -= STEP;
            earlier.append(&mut past);
            past = earlier;
        }
        past.extend(self.on_days(0..until_day));
        past
    }

    /// The lines, for a comment.
    pub(super) fn origin(&self) -> String {
        let places: Vec<&str> = self.lines.iter().map(|line| line.at.as_str()).collect();
        places.join(", ")
    }
}

fn of_minutes(minutes: i64) -> Span {
    Span::from_seconds(minutes * 60)
}

/// What came of reading crontabs.
#[derive(Debug)]
pub struct CronRead {
    /// The schedule; or lines that rotate and cannot be read, or that none rotates.
    pub rotations: Result<Rotations, Issues>,
    /// Lines that rotate at no time that could be told.
    pub warnings: Option<Issues>,
}

/// Reads crontabs, each of a node that hands its keys to all others: together they are one schedule.
pub fn crontabs(files: &[CronFile]) -> CronRead {
    let mut issues = Collected::default();
    let mut warnings = Collected::default();
    let mut sources = Sources::default();
    let mut lines = Vec::new();
    for (file, source) in files.iter().zip(0..) {
        let mut shown = String::with_capacity(file.text.len());
        let mut start = 0;
        for (number, raw) in (1..).zip(file.text.split_inclusive('\n')) {
            let line = raw.trim();
            let fields = fields(line).filter(|fields| rotates(&line[fields.len()..]));
            let begin = raw.len() - raw.trim_start().len();
            // Commands and settings of the environment may hold secrets.
            let kept = fields.map_or(0, |fields| harmless(fields).len());
            let hide = |text: &str| text.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect::<String>();
            shown.push_str(&hide(&raw[..begin]));
            shown.push_str(&raw[begin..begin + kept]);
            shown.push_str(&hide(&raw[begin + kept..]));
            if let Some(fields) = fields {
                let from = (start + begin) as u32;
                let place = Place { source, start: from, end: from + kept as u32 };
                match read_line(fields, format!("{}:{number}", file.name)) {
                    _ if fields == REBOOT => {
                        let help = "set `cloud.fernet_rotation.extra` by hand for starts of the machine";
                        let message = "`@reboot` names no time, and the line is left out";
                        warnings.push(Issue::at(place, message).help(help));
                    }
                    _ if issues.len() > MOST_LINES => break,
                    Ok(_) if lines.len() >= MOST_LINES => {
                        issues.push(Issue::at(place, format!("more than {MOST_LINES} lines rotate the keys")));
                    }
                    Ok(line) => lines.push(line),
                    Err(message) => issues.push(Issue::at(place, message)),
                }
            }
            start += raw.len();
        }
        sources.add(&file.name, Arc::from(shown), Path::new(""));
    }
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let rotations = Rotations { lines };
    if issues.len() == 0 && rotations.lines.is_empty() {
        let when = if warnings.len() > 0 { " at a time that it names" } else { "" };
        let names = crate::document::listing(&names);
        let message = format!("no line runs `keystone-manage fernet_rotate`{when} in {names}");
        issues.push(Issue::general(message).help("say `--rotate-every 12h` if something else rotates the keys"));
    } else if issues.len() == 0 && rotations.on_days(0..LONGEST_PAST).is_empty() {
        issues.push(Issue::general("no day of ten years has the dates that the lines ask for"));
    } else if issues.len() == 0
        && rotations.regular().is_none()
        && rotations.on_days(0..DAYS_A_WEEK * 10).len() > MOST_INSTANTS
    {
        let message = format!("the keys rotate without a period and more than {MOST_INSTANTS} times in ten weeks");
        issues.push(Issue::general(message).help("say `--rotate-every` with the shortest time between two rotations"));
    }
    let sources = sources.into_list();
    let warnings = (warnings.len() > 0).then(|| warnings.finish(sources.clone()));
    CronRead { rotations: if issues.len() == 0 { Ok(rotations) } else { Err(issues.finish(sources)) }, warnings }
}

/// Whether a command rotates keys: `fernet_rotate` as an argument of keystone-manage, or a script whose name says so.
fn rotates(command: &str) -> bool {
    let is_end = |c: char| c.is_whitespace() || ";&|()<>'\"`%".contains(c);
    let mut has_manage = false;
    command.split(is_end).filter(|word| !word.is_empty() && !word.starts_with('-')).any(|word| {
        let name = word.rsplit('/').next().unwrap_or_default();
        has_manage |= name.contains("keystone-manage");
        if word == "fernet_rotate" { has_manage } else { is_script(name) }
    })
}

fn is_script(name: &str) -> bool {
    let plain = name.to_lowercase().replace('-', "_");
    let stem = [".sh", ".py"].iter().find_map(|end| plain.strip_suffix(end)).unwrap_or(&plain);
    let stem = stem.strip_prefix("keystone_").unwrap_or(stem);
    SCRIPTS.iter().filter_map(|script| stem.strip_prefix(script)).any(|more| {
        let first = more.strip_prefix('_').unwrap_or(more).split('_').next().unwrap_or_default();
        (more.is_empty() || more.starts_with('_')) && MORE.contains(&first)
    })
}

/// The part of a line that says when; `None`: it is a comment, a setting or empty.
fn fields(line: &str) -> Option<&str> {
    let is_setting = || {
        let name = line.split(['=', ' ', '\t']).next().unwrap_or_default();
        line[name.len()..].trim_start().starts_with('=')
    };
    if line.is_empty() || line.starts_with('#') || is_setting() {
        return None;
    }
    let count = if line.starts_with('@') { 1 } else { 5 };
    let mut end = 0;
    for _ in 0..count {
        let rest = &line[end..];
        let blanks = rest.len() - rest.trim_start().len();
        end += blanks + rest[blanks..].find(char::is_whitespace).unwrap_or(rest.len() - blanks);
    }
    Some(&line[..end])
}

/// Whether a word is made of what fields are made of, so that a part of a command, with a secret perhaps, is not.
fn is_field(word: &str) -> bool {
    let is_name = |part: &str| MONTHS.iter().chain(&WEEKDAYS).any(|name| part.eq_ignore_ascii_case(name));
    let is_number = |part: &str| part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    word.split(['*', ',', '/', '-', '+', '~']).all(|part| is_number(part) || is_name(part))
        || WORDS.iter().any(|(known, _)| *known == word)
}

/// The words at the beginning that are fields.
fn harmless(fields: &str) -> &str {
    let mut end = 0;
    for word in fields.split_inclusive(char::is_whitespace) {
        if !is_field(word.trim_end()) {
            break;
        }
        end += word.len();
    }
    fields[..end].trim_end()
}

fn read_line(fields: &str, at: String) -> Result<Line, String> {
    let spelled = match WORDS.iter().find(|(word, _)| *word == fields) {
        Some((_, "")) => return Err("this names no time".to_owned()),
        Some((_, spelled)) => spelled,
        None if fields.starts_with('@') => return Err("the word behind the `@` is unknown to cron".to_owned()),
        None => fields,
    };
    let parts: Vec<&str> = spelled.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = parts.as_slice() else {
        return Err("expected minute, hour, day of month, month and day of week".to_owned());
    };
    let both_days = days.starts_with('*') || weekdays.starts_with('*');
    let week = field(weekdays, "day of week", 0, 7, &WEEKDAYS)?;
    Ok(Line {
        at,
        minutes: field(minutes, "minute", 0, 59, &[])?,
        hours: field(hours, "hour", 0, 23, &[])?,
        days: field(days, "day of month", 1, 31, &[])?,
        months: field(months, "month", 1, 12, &MONTHS)?,
        // 7 is Sunday too.
        weekdays: (week | week >> 7) & full(0, 6),
        both_days,
    })
}

/// A field as a set of bits: numbers, ranges and steps, separated by commas; names count from `low`.
fn field(text: &str, what: &str, low: u32, high: u32, names: &[&str]) -> Result<u64, String> {
    let wrong = |part: &str| {
        let part = if is_field(part) { format!("`{part}`") } else { "this".to_owned() };
        format!("{part} is no {what}: numbers from {low} to {high}, `*`, `a-b`, `*/n` and `a-b/n` are")
    };
    let number = |part: &str| -> Option<u32> {
        let named = (low..).zip(names).find(|(_, name)| part.eq_ignore_ascii_case(name)).map(|(number, _)| number);
        let written = || part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()));
        named.or_else(written).filter(|number| (low..=high).contains(number))
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((first, last)) => number(first).zip(number(last)).ok_or_else(|| wrong(part))?,
            // A step needs a range.
            None if step.is_some() => return Err(wrong(part)),
            None => number(range).map(|number| (number, number)).ok_or_else(|| wrong(part))?,
        };
        let step: u32 = match step.map(str::parse) {
            None => 1,
            Some(Ok(step @ 1..)) => step,
            Some(_) => return Err(wrong(part)),
        };
        if first > last {
            return Err(wrong(part));
        }
        (first..=last).step_by(step as usize).for_each(|value| bits |= 1 << value);
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Rotations, Issues> {
        crontabs(&[CronFile { name: "crontab".to_owned(), text: Arc::from(text) }]).rotations
    }

    fn line(schedule: &str) -> Rotations {
        one(&format!("{schedule} keystone-manage fernet_rotate\n")).unwrap_or_else(|issues| panic!("{issues}"))
    }

    /// Period and offset in minutes.
    #[test]
    fn regular_lines_have_a_period() {
        let cases = [
            ("0 * * * *", Some((60, 0))),
            ("@hourly", Some((60, 0))),
            ("* * * * *", Some((1, 0))),
            ("17 */6 * * *", Some((360, 17))),
            ("30 3 * * *", Some((1_440, 210))),
            ("@daily", Some((1_440, 0))),
            // Simulated time begins on a Monday: Sunday is six days later.
            ("0 2 * * 7", Some((10_080, 8_760))),
            ("0 2 * * Mon", Some((10_080, 120))),
            ("0 0,12 * * *", Some((720, 0))),
            ("*/20 8-9 * * *", None),
            ("*/7 * * * *", None),
            ("0 0 * * 0,3", None),
            ("0 0 1 * *", None),
            ("0 0 */2 * *", None),
        ];
        for (schedule, expected) in cases {
            let regular = line(schedule).regular();
            let minutes = |span: Span| span.micros() / 60_000_000;
            assert_eq!(regular.map(|found| (minutes(found.period), minutes(found.offset))), expected, "{schedule}");
        }
    }

    #[test]
    fn irregular_ones_become_instants() {
        // kolla-ansible: every third day, gaps of 72 and 96 hours; Sunday, Wednesday.
        let twice = line("0 0 * * 0,3").instants(5, 14);
        assert_eq!(twice.iter().filter(|at| **at >= 0).copied().collect::<Vec<_>>(), [2_880, 8_640, 12_960, 18_720]);
        assert!(twice.iter().filter(|at| **at < 0).count() >= 10 && twice.is_sorted());
        // The first of June, July, August: the start and 30 and 61 days later; before it the first of May, 31 days.
        let monthly = line("0 0 1 * *").instants(3, 62);
        let days: Vec<i64> = monthly.iter().map(|at| at / 1_440).collect();
        assert_eq!(days[days.len() - 4..], [-31, 0, 30, 61]);
        assert!(days.len() >= 6, "{days:?}");
        // Both day fields restricted: one is enough. Mondays, and the 3rd.
        let either = line("0 0 3 * mon").on_days(0..8);
        assert_eq!(either, [0, 2 * 1_440, 7 * 1_440]);
        // One begins with a star: both are asked for. Odd days that are Mondays: 1 and 15 June.
        assert_eq!(line("0 0 */2 * mon").on_days(0..20), [0, 14 * 1_440]);
    }

    #[test]
    fn only_the_lines_that_rotate_are_read() {
        let text = "# keystone-manage fernet_rotate\nSHELL = /bin/sh\nPASSWORD=hunter2\n5 4 * * * backup --password hunter2\n\
            \t0 1 * * * keystone /usr/bin/keystone-manage fernet_rotate --keystone-user keystone\n\
            0 13 * * * root /usr/bin/fernet-rotate.sh\n";
        let rotations = one(text).unwrap_or_else(|issues| panic!("{issues}"));
        assert_eq!(rotations.origin(), "crontab:5, crontab:6");
        assert_eq!(rotations.regular().map(|regular| regular.period), Some(Span::from_seconds(43_200)));
    }

    #[test]
    fn commands_are_known_by_their_words() {
        let cases = [
            (" root keystone-manage fernet_rotate", true),
            (" /usr/bin/keystone-manage --config-file /etc/k.conf fernet_rotate >/dev/null", true),
            (" docker exec keystone sh -c 'keystone-manage fernet_rotate'", true),
            (" docker exec -t keystone_fernet /usr/bin/fernet-rotate.sh", true),
            (" /opt/keystone-fernet-rotate.sh", true),
            (" /usr/local/bin/fernet_rotate_and_sync", true),
            (" /usr/local/bin/check_fernet_rotate_age", false),
            (" /usr/local/bin/fernet_rotate_age", false),
            (" logger fernet_rotate was run", false),
            (" keystone-manage fernet_setup", false),
            (" report --log=/var/log/fernet_rotate", false),
        ];
        for (command, expected) in cases {
            assert_eq!(rotates(command), expected, "{command}");
        }
    }

    #[test]
    fn a_line_without_a_time_is_left_out() {
        let text = "@reboot root hunter2; keystone-manage fernet_rotate\n0 3 * * * keystone-manage fernet_rotate\n";
        let read = crontabs(&[CronFile { name: "crontab".to_owned(), text: Arc::from(text) }]);
        assert_eq!(read.rotations.unwrap_or_else(|issues| panic!("{issues}")).origin(), "crontab:2");
        let warnings = read.warnings.unwrap().to_string();
        assert!(warnings.contains("`@reboot` names no time") && !warnings.contains("hunter2"), "{warnings}");
    }

    #[test]
    fn wrong_lines_are_told_without_their_commands() {
        let cases = [
            ("60 0 * * *", "`60` is no minute"),
            ("0 0 0 * *", "`0` is no day of month"),
            ("0 0 * * 8", "`8` is no day of week"),
            ("5/10 * * * *", "`5/10` is no minute"),
            ("9-5 * * * *", "`9-5` is no minute"),
            ("*/0 * * * *", "`*/0` is no minute"),
            ("+5 * * * *", "`+5` is no minute"),
            ("@reboot", "no line runs `keystone-manage fernet_rotate` at a time that it names"),
            ("@fortnightly", "unknown to cron"),
            ("0 0 30 2 *", "no day of ten years"),
            ("0-58 * * * *", "more than 50000 times"),
        ];
        for (schedule, part) in cases {
            let text = format!("SECRET=hunter2\n{schedule} hunter2; keystone-manage fernet_rotate");
            let issues = one(&text).expect_err(schedule).to_string();
            assert!(issues.contains(part) && !issues.contains("hunter2"), "{schedule}:\n{issues}");
        }
        assert!(one("").is_err_and(|issues| issues.to_string().contains("no line runs")));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        // 1 January 1970, 29 February 2024, 1 June 2026.
        assert_eq!([civil(0), civil(19_782), civil(FIRST_DAY)], [(1, 1), (2, 29), (6, 1)]);
    }
}
