//! From a text to its assignments, line by line, as `oslo_config.iniparser` of oslo.config 10.7.0 does it.
//!
//! The one difference: that parser gives up at the first line that is wrong, and this one goes on to find the others.

use std::ops::Range;

/// What some editors put before the first character; Python's `utf-8` keeps it.
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Wrong lines of a file, after which it is none.
const MOST_WRONG: usize = 50;

/// Everything that a text says. What is written stays borrowed: this is not the place to decide what may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lexed<'t> {
    pub(super) headers: Vec<Header<'t>>,
    pub(super) assignments: Vec<Assignment<'t>>,
    pub(super) wrong: Vec<Wrong>,
}

/// A line `[name]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header<'t> {
    /// As it is written, inner blanks included: they are part of it.
    pub(super) name: &'t str,
    pub(super) span: Range<usize>,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment<'t> {
    /// The place of its section in the list of headers; `None`: the header above it is wrong, or there is none.
    pub(super) header: Option<usize>,
    pub(super) key: &'t str,
    pub(super) key_span: Range<usize>,
    /// The line, without blanks at its end.
    pub(super) span: Range<usize>,
    /// The value in that line, without blanks around it and without one pair of quotes.
    pub(super) value: &'t str,
    /// Where that value begins.
    pub(super) value_start: usize,
    /// The lines that go on with it, without blanks around them.
    pub(super) more: Vec<Continuation<'t>>,
}

/// A line that begins with a blank, and so belongs to the value above it whatever it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Continuation<'t> {
    pub(super) text: &'t str,
    pub(super) span: Range<usize>,
}

/// A line that makes a service refuse to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) span: Range<usize>,
    pub(super) what: Malformed,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Continuation,
    NoClosingBracket,
    NoSectionName,
    NoSeparator,
    EmptyKey,
    NoSection,
    /// Whether the first line has a `:` or `=`, so that all of it up to there is a key.
    ByteOrderMark {
        has_key: bool,
    },
    TooMany,
}

impl Malformed {
    /// In the words of oslo.config.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Malformed::Continuation => "unexpected continuation line",
            Malformed::NoClosingBracket => "invalid section (must end with ])",
            Malformed::NoSectionName => "empty section name",
            Malformed::NoSeparator => "no ':' or '=' found in assignment",
            Malformed::EmptyKey => "key cannot be empty",
            Malformed::NoSection => "section must be started before assignment",
            Malformed::ByteOrderMark { has_key: false } => {
                "a byte order mark (BOM) begins the file, to oslo.config a part of the line: no ':' or '=' found in assignment"
            }
            Malformed::ByteOrderMark { has_key: true } => {
                "a byte order mark (BOM) begins the file, to oslo.config a part of the line: section must be started before assignment"
            }
            Malformed::TooMany => "so many lines are wrong that the rest of the file is not read",
        }
    }

    /// What to do.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Malformed::Continuation => {
                "a line that begins with a blank goes on with the value above it, and here none is open: remove the blank"
            }
            Malformed::NoClosingBracket => "nothing may stand behind the bracket, a comment neither",
            Malformed::NoSectionName => "write a name between the brackets",
            Malformed::NoSeparator => "write `option = value`, or a `#` at the beginning of a comment",
            Malformed::EmptyKey => "write `option = value`",
            Malformed::NoSection => "write `[DEFAULT]` above it",
            Malformed::ByteOrderMark { .. } => "save the file as UTF-8 without a byte order mark",
            Malformed::TooMany => "is this a configuration file?",
        }
    }
}

/// What Python's `str.strip` takes away: beside white space the four separators of ASCII.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// Lines without their ends, as Python reads them from a file: `\n`, `\r\n` and `\r` end one.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= text.len() {
            return None;
        }
        let rest = &text[at..];
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let end = if rest[length..].starts_with("\r\n") { 2 } else { 1 };
        let line = at..at + length;
        at = line.end + end;
        Some(line)
    })
}

/// Reads a text.
pub(super) fn lex(text: &str) -> Lexed<'_> {
    let mut lexed = Lexed::default();
    let mut header = None;
    // Whether a line may go on with the last assignment, and whether the line above went on with nothing.
    let (mut is_open, mut strayed, mut begun) = (false, false, false);
    for mut line in lines(text) {
        if line.start == 0 && text.starts_with(BYTE_ORDER_MARK) {
            // What else would be wrong with the first line follows from this.
            let has_key = text[line.clone()].contains([':', '=']);
            lexed.wrong.push(Wrong { span: line.clone(), what: Malformed::ByteOrderMark { has_key } });
            line.start = BYTE_ORDER_MARK.len_utf8();
        }
        let content = text[line.clone()].trim_end_matches(is_blank);
        let span = line.start..line.start + content.len();
        let wrong = |what| Wrong { span: span.clone(), what };
        if lexed.wrong.len() >= MOST_WRONG {
            lexed.wrong.push(wrong(Malformed::TooMany));
            break;
        }
        if content.is_empty() {
            (is_open, strayed) = (false, false);
            continue;
        }
        if content.starts_with([' ', '\t']) {
            let text = content.trim_start_matches(is_blank);
            let start = span.end - text.len();
            match lexed.assignments.last_mut() {
                Some(assignment) if is_open => assignment.more.push(Continuation { text, span: start..span.end }),
                // Lines that stray together are one mistake.
                _ if !strayed => lexed.wrong.push(wrong(Malformed::Continuation)),
                _ => {}
            }
            strayed = !is_open;
            continue;
        }
        (is_open, strayed) = (false, false);
        if content.starts_with('[') {
            begun = true;
            header = None;
            if !content.ends_with(']') {
                lexed.wrong.push(wrong(Malformed::NoClosingBracket));
            } else if content.len() <= 2 {
                lexed.wrong.push(wrong(Malformed::NoSectionName));
            } else {
                header = Some(lexed.headers.len());
                lexed.headers.push(Header { name: &content[1..content.len() - 1], span });
            }
        } else if !content.starts_with(['#', ';']) {
            let Some(at) = content.find([':', '=']) else {
                lexed.wrong.push(wrong(Malformed::NoSeparator));
                continue;
            };
            let key = content[..at].trim_matches(is_blank);
            if key.is_empty() {
                lexed.wrong.push(wrong(Malformed::EmptyKey));
                continue;
            }
            if !begun {
                lexed.wrong.push(wrong(Malformed::NoSection));
            }
            let key_start = span.start + (content[..at].len() - content[..at].trim_start_matches(is_blank).len());
            let key_span = key_start..key_start + key.len();
            let behind = content[at + 1..].trim_matches(is_blank);
            let value = unquoted(behind);
            let value_start = span.end - behind.len() + usize::from(value.len() < behind.len());
            let more = Vec::new();
            lexed.assignments.push(Assignment { header, key, key_span, span, value, value_start, more });
            is_open = true;
        }
    }
    lexed
}

/// Without one pair of equal quotes; a single quote is its own pair.
fn unquoted(value: &str) -> &str {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) if value.ends_with(quote) => value.get(1..value.len() - 1).unwrap_or(""),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `section|key|value`, where lines of a value are joined by `/`; `!line message` of what is wrong.
    fn told(text: &str) -> Vec<String> {
        let lexed = lex(text);
        let line = |at: usize| lines(text).take_while(|line| line.start <= at).count();
        let one = |assignment: &Assignment<'_>| {
            let section = assignment.header.map_or("-", |header| lexed.headers[header].name);
            let more: String = assignment.more.iter().map(|more| format!("/{}", more.text)).collect();
            format!("{section}|{}|{}{more}", assignment.key, assignment.value)
        };
        let wrong = lexed.wrong.iter().map(|wrong| format!("!{} {}", line(wrong.span.start), wrong.what.message()));
        lexed.assignments.iter().map(one).chain(wrong).collect()
    }

    #[test]
    fn lines_mean_what_oslo_config_takes_them_for() {
        let cases: &[(&str, &[&str])] = &[
            ("[a]\nk = v", &["a|k|v"]),
            ("[a]\nk: v=w\nl=v:w", &["a|k|v=w", "a|l|v:w"]),
            ("[a]\r\nk = v  \r\n", &["a|k|v"]),
            ("[a]\rk = v\rl = w", &["a|k|v", "a|l|w"]),
            ("[ a ]\nk=v", &[" a |k|v"]),
            ("[a]\nk = v\n  # c\n\t[b]\n  l = w", &["a|k|v/# c/[b]/l = w"]),
            ("[a]\nk = 'v'\nl = \"w\nm = '\nn = ''x''", &["a|k|v", "a|l|\"w", "a|m|", "a|n|'x'"]),
            ("[a]\nk = v # c\n; c\n# c", &["a|k|v # c"]),
            ("[a]\nk =\nl:", &["a|k|", "a|l|"]),
            ("[a]\n\u{a0}k\u{a0}= v\u{3000}\n", &["a|k|v"]),
            ("[a]\nk = v\n\n  w", &["a|k|v", "!4 unexpected continuation line"]),
            ("[a]\nk = v\n# c\n  w\n  x\nl = y\n  z", &["a|k|v", "a|l|y/z", "!4 unexpected continuation line"]),
            (
                "[a] # c\nk = v\n[]\n[b]\nk = w",
                &["-|k|v", "b|k|w", "!1 invalid section (must end with ])", "!3 empty section name"],
            ),
            (
                "k = v\nl = w",
                &[
                    "-|k|v",
                    "-|l|w",
                    "!1 section must be started before assignment",
                    "!2 section must be started before assignment",
                ],
            ),
            ("[a]\nwords\n= v\n", &["!2 no ':' or '=' found in assignment", "!3 key cannot be empty"]),
            (
                "\u{feff}[a]\nk = v",
                &[
                    "a|k|v",
                    "!1 a byte order mark (BOM) begins the file, to oslo.config a part of the line: no ':' or '=' found in \
                     assignment",
                ],
            ),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn a_file_that_is_none_is_given_up() {
        let text = "x\n".repeat(1_000);
        let lexed = lex(&text);
        assert_eq!(lexed.wrong.len(), MOST_WRONG + 1);
        assert_eq!(lexed.wrong.last().map(|wrong| wrong.what), Some(Malformed::TooMany));
    }

    #[test]
    fn spans_cover_what_they_name() {
        let text = "# ü\n[tokén]\n  \nkey  =  value \n   more \n";
        let lexed = lex(text);
        let assignment = &lexed.assignments[0];
        assert_eq!(&text[lexed.headers[0].span.clone()], "[tokén]");
        assert_eq!(&text[assignment.key_span.clone()], "key");
        assert_eq!(&text[assignment.span.clone()], "key  =  value");
        assert_eq!(&text[assignment.value_start..][..assignment.value.len()], "value");
        assert_eq!(&text[assignment.more[0].span.clone()], "more");
        let quoted = "[a]\nk = \"v\"";
        assert_eq!(quoted[lex(quoted).assignments[0].value_start..].chars().next(), Some('v'));
    }
}
