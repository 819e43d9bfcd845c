//! What of a file may be kept and shown. Everything else may be a secret, and is none of our business.
//!
//! Passwords stand in values of options that nobody declares, but they may also have strayed: into a comment behind a
//! harmless value, or into a line that begins with a blank and so became a part of the value above it.

use std::borrow::Cow;
use std::ops::Range;

use super::lex::{Assignment, Continuation, is_blank};
use super::value::Type;
use super::{Opt, Parsed, look, normalised};

/// A comment, with what stands for its words.
pub(super) const COMMENTS: [&str; 2] = ["# …", "; …"];

/// Where a comment begins within a line of a value, if whoever wrote it meant one. To oslo.config there are none.
fn comment_at(line: &str) -> Option<usize> {
    let begins = |at: usize| line[..at].chars().next_back().is_none_or(is_blank);
    line.match_indices(['#', ';']).map(|(at, _)| at).find(|at| begins(*at))
}

/// Whether a line of the value has something like a comment.
pub(super) fn has_comment(assignment: &Assignment<'_>) -> bool {
    let mut lines = std::iter::once(assignment.value).chain(assignment.more.iter().map(|more| more.text));
    lines.any(|line| comment_at(line).is_some())
}

/// Whether a line that goes on with a list is made of words and `host:port`, and so no option with a value of its own.
fn is_harmless(line: &str) -> bool {
    let line = &line[..comment_at(line).unwrap_or(line.len())];
    line.split(',').map(|item| item.trim_matches(is_blank)).all(|item| {
        let is_port =
            |port: &str| !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        let has_port = || item.rsplit_once(':').is_some_and(|(_, port)| is_port(port));
        !item.contains(['=', ' ', '\t']) && !item.starts_with('[') && (!item.contains(':') || has_port())
    })
}

/// Whether a value is a reference to an option that is known, and nothing else.
fn is_reference(value: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let Some(name) = value.trim_matches(is_blank).strip_prefix('$') else { return false };
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    is_known(name.rsplit_once('.').map_or(name, |(_, name)| name))
}

/// How many of the lines that go on with a value may be read: all of them, or the value is not to be read at all.
fn lines_to_read<'a, 't>(assignment: &'a Assignment<'t>, kind: &Type) -> Option<&'a [Continuation<'t>]> {
    let is_list = matches!(kind, Type::List | Type::Pairs | Type::Multi);
    let is_good = |more: &Continuation<'_>| {
        more.text.is_empty() || comment_at(more.text) == Some(0) || (is_list && is_harmless(more.text))
    };
    assignment.more.iter().all(is_good).then_some(assignment.more.as_slice())
}

/// The value of a declared option, its lines joined, without the words of comments; `None`: it is not to be read.
pub(super) fn readable(assignment: &Assignment<'_>, kind: &Type) -> Option<String> {
    let lines = lines_to_read(assignment, kind)?;
    let all: Vec<Cow<'_, str>> =
        std::iter::once(assignment.value).chain(lines.iter().map(|line| line.text)).map(without_comment).collect();
    Some(all.join("\n"))
}

fn without_comment(line: &str) -> Cow<'_, str> {
    match comment_at(line) {
        // The words of the comment are not shown, and the comma still parts what stands in the next line.
        Some(at) => {
            let (sign, comma) = (&line[at..=at], if line.ends_with(',') { "," } else { "" });
            Cow::Owned(format!("{}{sign} …{comma}", &line[..at]))
        }
        None => Cow::Borrowed(line),
    }
}

/// The text of a file with every byte hidden that is not known to be harmless; lines and places stay as they are.
pub(super) fn masked(file: &Parsed<'_>, options: &[Opt], mentioned: &[(&str, &str)]) -> String {
    let mut shown: Vec<Range<usize>> = Vec::new();
    let names = || options.iter().flat_map(Opt::names).chain(mentioned.iter().copied());
    for header in &file.lexed.headers {
        let name = normalised(header.name.trim_matches(is_blank)).replace('-', "_");
        let is_near = || look::near_section(&name, options, &[]).is_some();
        if name == "default" || names().any(|(section, _)| section == name) || is_near() {
            shown.push(header.span.clone());
        }
    }
    for assignment in &file.lexed.assignments {
        let section = file.section(assignment).unwrap_or_default();
        let is_own = |option: &&Opt| option.names().any(|(own, name)| own == section && name == assignment.key);
        if let Some(option) = options.iter().find(is_own) {
            let is_known = |name: &str| names().any(|(_, known)| known == name);
            let value = &assignment.value[..comment_at(assignment.value).unwrap_or(assignment.value.len())];
            let is_shown = option.kind.may_be_shown(value) || is_reference(value, is_known);
            let end = assignment.value_start + if is_shown { value.len() } else { 0 };
            // A quote behind the value belongs to it.
            let is_whole = is_shown && value.len() == assignment.value.len();
            shown.push(assignment.span.start..if is_whole { assignment.span.end } else { end });
            for more in lines_to_read(assignment, &option.kind).unwrap_or_default() {
                let line = &more.text[..comment_at(more.text).unwrap_or(more.text.len())];
                if option.kind.may_be_shown(line) {
                    shown.push(more.span.start..more.span.start + line.len());
                }
            }
            continue;
        }
        let meant = look::plain(assignment.key);
        if names().any(|(_, name)| name == meant) || look::near_option(&section, &meant, options, &[]).is_some() {
            shown.push(assignment.key_span.clone());
        }
    }
    // Assignments and headers come in the order of the file, but each list by itself.
    shown.sort_by_key(|span| span.start);
    let mut masked = String::with_capacity(file.text.len());
    let mut at = 0;
    for span in shown {
        masked.extend(hidden(&file.text[at..span.start]));
        masked.push_str(&file.text[span.clone()]);
        at = span.end;
    }
    masked.extend(hidden(&file.text[at..]));
    masked
}

/// As many bytes that say nothing, in as many lines.
fn hidden(text: &str) -> impl Iterator<Item = char> {
    text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { '*' })
}
