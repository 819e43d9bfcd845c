//! What a service takes in silence, and whoever wrote it did not mean.

use crate::document::Issue;

use super::lex::{Assignment, Header, is_blank};
use super::{DEFAULT, Opt, Parsed, Problems, normalised};

/// Warnings of each kind for a file: nobody reads more.
const MOST: usize = 50;

/// A name as it would be written by those who know the rules: small letters and underscores.
pub(super) fn plain(name: &str) -> String {
    name.trim_matches(is_blank).to_lowercase().replace('-', "_")
}

/// Warns of an option that a file sets more than once.
pub(super) fn at_repetition(file: &Parsed<'_>, option: &Opt, settings: &[&Assignment<'_>], problems: &mut Problems) {
    if let [.., before, last] = settings
        && before.value != last.value
    {
        let message = format!("`{}` is set {} times in this file, and the last one wins", option.name, settings.len());
        let issue = Issue::at(file.place(&last.span), message);
        problems.warnings.push(issue.also(file.place(&before.span), "this one has no effect"));
    }
}

/// Warns of an old name that still counts.
pub(super) fn at_name(
    file: &Parsed<'_>,
    option: &Opt,
    last: &Assignment<'_>,
    section: &str,
    name: &str,
    problems: &mut Problems,
) {
    if (section, name) != (&option.section, &option.name) {
        let message = format!("`[{section}] {name}` is an old name of `[{}] {}`", option.section, option.name);
        let help = "services still take it, with a warning in their log; a later release will not";
        problems.warnings.push(Issue::at(file.place(&last.key_span), message).help(help));
    }
}

/// Warns of sections and options of a file that differ from declared ones only in how they are written, and of options
/// that stand in `[DEFAULT]` instead of their section.
pub(super) fn at_file(file: &Parsed<'_>, options: &[Opt], chosen: &[String], problems: &mut Problems) {
    let headers = file.lexed.headers.iter().filter_map(|header| at_header(file, header, options, chosen)).take(MOST);
    let assignments =
        file.lexed.assignments.iter().filter_map(|assignment| at_key(file, assignment, options, chosen)).take(MOST);
    headers.chain(assignments).for_each(|issue| problems.warnings.push(issue));
}

fn at_header(file: &Parsed<'_>, header: &Header<'_>, options: &[Opt], chosen: &[String]) -> Option<Issue> {
    let (written, meant) = (normalised(header.name), plain(header.name));
    let is_section = || options.iter().flat_map(Opt::names).any(|(section, _)| section == meant);
    let issue = |message: String| Issue::at(file.place(&header.span), message);
    if meant == "default" && written != DEFAULT {
        let help = "write `[DEFAULT]`, in capitals; it is the only section whose name has them";
        Some(issue("this is not `[DEFAULT]`, and no service reads it".to_owned()).help(help))
    } else if written != meant && is_section() {
        let help = format!("write `[{meant}]`, without blanks and with underscores");
        Some(issue(format!("this is not `[{meant}]`, and no service reads it")).help(help))
    } else if !is_known(&written, options) {
        let near = near_section(&written, options, chosen)?;
        Some(
            issue(format!("`[{written}]` is none of the sections that outlast knows: did you mean `[{near}]`?"))
                .help(UNKNOWN),
        )
    } else {
        None
    }
}

const UNKNOWN: &str = "services take names in silence that they do not know";

/// Whether a section has an option that is read.
fn is_known(section: &str, options: &[Opt]) -> bool {
    options.iter().flat_map(Opt::names).any(|(known, _)| known == section)
}

/// The name that was meant, if one is so close that it must have been: a letter or two more, less, other or exchanged.
/// Services have hundreds of names that are not known here, so what is only similar says nothing.
fn near<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let length = written.chars().count();
    let most = match length {
        0..5 => return None,
        5..8 => 1,
        _ => 2,
    };
    let close = known.map(|name| (strsim::damerau_levenshtein(written, name), name));
    close.filter(|(distance, _)| (1..=most).contains(distance)).min().map(|(_, name)| name)
}

/// The section that was meant by one that is none; those whose names the files choose may have others like them.
pub(super) fn near_section<'o>(written: &str, options: &'o [Opt], chosen: &[String]) -> Option<&'o str> {
    let known = options.iter().flat_map(Opt::names).map(|(section, _)| section);
    near(written, known.filter(|section| !chosen.iter().any(|chosen| chosen == section)))
}

/// The option that was meant by a key that is none, in the section that was meant.
pub(super) fn near_option<'o>(
    section: &str,
    key: &str,
    options: &'o [Opt],
    chosen: &[String],
) -> Option<(&'o str, &'o str)> {
    let names = || options.iter().flat_map(Opt::names);
    let section = if is_known(section, options) { section } else { near_section(section, options, chosen)? };
    let own = || names().filter(|(own, _)| *own == section);
    if own().any(|(_, name)| name == key) {
        return None;
    }
    let name = near(key, own().map(|(_, name)| name))?;
    own().find(|(_, own)| *own == name)
}

fn at_key(file: &Parsed<'_>, assignment: &Assignment<'_>, options: &[Opt], chosen: &[String]) -> Option<Issue> {
    let section = file.section(assignment)?;
    let is_own = |name: &str| options.iter().flat_map(Opt::names).any(|(own, known)| own == section && known == name);
    if is_own(assignment.key) {
        return None;
    }
    let meant = plain(assignment.key);
    let issue = |message: String| Issue::at(file.place(&assignment.key_span), message);
    if is_own(&meant) {
        let help = format!("write `{meant}`: in files, names of options have small letters and underscores");
        return Some(issue(format!("this is not the option `{meant}`, and the service ignores it")).help(help));
    }
    if let Some((section, name)) = near_option(&section, &meant, options, chosen) {
        let message = format!(
            "`{}` is none of the options of `[{section}]` that outlast knows: did you mean `{name}`?",
            assignment.key
        );
        return Some(issue(message).help(UNKNOWN));
    }
    let elsewhere = || options.iter().find(|option| option.name == meant && option.section != DEFAULT);
    let option = if section == DEFAULT { elsewhere()? } else { return None };
    let message = format!("`{meant}` is an option of `[{}]`, and the service ignores it here", option.section);
    Some(issue(message).help("the values of `[DEFAULT]` hold for no other section"))
}
