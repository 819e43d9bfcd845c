//! What a service takes in silence, and whoever wrote it did not mean.

use crate::document::Issue;

use super::lex::{Assignment, is_blank};
use super::{DEFAULT, Opt, Parsed, Problems, normalised};

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

/// Warns of an old name, and of a right one that has no effect because a later file has the old one.
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
pub(super) fn at_file(file: &Parsed<'_>, options: &[Opt], problems: &mut Problems) {
    let is_section = |name: &str| options.iter().flat_map(Opt::names).any(|(section, _)| section == name);
    for header in &file.lexed.headers {
        let (written, meant) = (normalised(header.name), plain(header.name));
        let issue = |message: String| Issue::at(file.place(&header.span), message);
        if meant == "default" && written != DEFAULT {
            let help = "write `[DEFAULT]`, in capitals; it is the only section whose name has them";
            problems.warnings.push(issue("this is not `[DEFAULT]`, and no service reads it".to_owned()).help(help));
        } else if written != meant && is_section(&meant) {
            let help = format!("write `[{meant}]`, without blanks and with underscores");
            problems.warnings.push(issue(format!("this is not `[{meant}]`, and no service reads it")).help(help));
        }
    }
    for assignment in &file.lexed.assignments {
        let Some(section) = file.section(assignment) else { continue };
        let is_of = |section: &str, name: &str| {
            options.iter().flat_map(Opt::names).any(|(own, known)| own == section && known == name)
        };
        if is_of(&section, assignment.key) {
            continue;
        }
        let meant = plain(assignment.key);
        let issue = |message: String| Issue::at(file.place(&assignment.key_span), message);
        if is_of(&section, &meant) {
            let message = format!("this is not the option `{meant}`, and the service ignores it");
            let help = format!("write `{meant}`: in files, names of options have small letters and underscores");
            problems.warnings.push(issue(message).help(help));
        } else if section == DEFAULT
            && let Some(option) = options.iter().find(|option| option.name == meant && option.section != DEFAULT)
        {
            let message = format!("`{meant}` is an option of `[{}]`, and the service ignores it here", option.section);
            let help = "the values of `[DEFAULT]` hold for no other section";
            problems.warnings.push(issue(message).help(help));
        }
    }
}
