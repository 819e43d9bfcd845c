//! From the text of a value to what it means, as `oslo_config.types` of oslo.config 10.7.0 converts it.

use std::collections::HashSet;

use super::lex::is_blank;
use super::mask::COMMENTS;

/// The type of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `BoolOpt`.
    Flag,
    /// `IntOpt`, and its bounds.
    Integer {
        /// The least value.
        min: i128,
        /// The greatest value.
        max: i128,
    },
    /// `StrOpt`.
    Text,
    /// `StrOpt` with choices.
    Choice(Vec<&'static str>),
    /// `ListOpt`.
    List,
    /// `DictOpt`: `key:value`, separated by commas.
    Pairs,
    /// `MultiStrOpt`: one text for every time that the option is written.
    Multi,
}

/// A value of some [`Type`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of [`Type::Flag`].
    Flag(bool),
    /// Of [`Type::Integer`].
    Integer(i128),
    /// Of [`Type::Text`] and [`Type::Choice`].
    Text(String),
    /// Of [`Type::List`] and [`Type::Multi`].
    List(Vec<String>),
    /// Of [`Type::Pairs`].
    Pairs(Vec<(String, String)>),
    /// An integer that is empty: `None`, and not the default.
    Nothing,
}

impl Value {
    /// Without what may be a user's name with a password: `user:password@host:11211`.
    pub(super) fn without_userinfo(self) -> Value {
        match self {
            Value::Text(text) => Value::Text(without_userinfo(text)),
            Value::List(items) => Value::List(items.into_iter().map(without_userinfo).collect()),
            Value::Pairs(pairs) => {
                let pair = |(key, value)| (without_userinfo(key), without_userinfo(value));
                Value::Pairs(pairs.into_iter().map(pair).collect())
            }
            Value::Flag(_) | Value::Integer(_) | Value::Nothing => self,
        }
    }

    /// As Python prints it, which is what a `$reference` to it stands for.
    pub(super) fn in_python(&self) -> String {
        match self {
            Value::Flag(true) => "True".to_owned(),
            Value::Flag(false) => "False".to_owned(),
            Value::Integer(integer) => integer.to_string(),
            Value::Text(text) => text.clone(),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| format!("'{item}'")).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Pairs(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("'{key}': '{value}'")).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Value::Nothing => String::new(),
        }
    }
}

impl Type {
    /// Converts a text.
    ///
    /// # Errors
    /// What is wrong with it, to be read behind the name of the option.
    pub(super) fn convert(&self, text: &str) -> Result<Value, String> {
        match self {
            Type::Flag => flag(text).map(Value::Flag),
            Type::Integer { min, max } => integer(text, *min, *max),
            Type::Text => Ok(Value::Text(text.to_owned())),
            Type::Choice(choices) if choices.contains(&text) => Ok(Value::Text(text.to_owned())),
            Type::Choice(choices) => {
                let text = if self.may_be_shown(text) { format!("`{text}`") } else { shown(text) };
                Err(format!("{text} is none of the valid values {}", crate::document::listing(choices)))
            }
            Type::List => Ok(Value::List(list(text))),
            Type::Pairs => pairs(text).map(Value::Pairs),
            Type::Multi => Ok(Value::List(vec![text.to_owned()])),
        }
    }

    /// Whether a line of a value may be shown: it is what the option takes, or nearly so, and no address with a
    /// password.
    pub(super) fn may_be_shown(&self, line: &str) -> bool {
        match self {
            Type::Flag | Type::Integer { .. } => is_plain(line),
            Type::Choice(choices) => {
                is_plain(line) || crate::document::nearest(line, choices.iter().copied()).is_some()
            }
            Type::Text | Type::List | Type::Pairs | Type::Multi => !line.contains('@') && !line.contains("://"),
        }
    }
}

/// A value within a message, if it is of a form that no secret has; any other may be a password that strayed.
fn shown(text: &str) -> String {
    if is_plain(text) { format!("`{}`", text.trim_matches(is_blank)) } else { "the value".to_owned() }
}

/// Whether a value is a number, perhaps with a unit, or a word that is written for `true`, `false` or nothing.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 16] = [
        "", "y", "n", "yes", "no", "t", "f", "true", "false", "on", "off", "none", "null", "enabled", "disabled",
        "default",
    ];
    const UNITS: [&str; 14] =
        ["", "s", "sec", "seconds", "m", "min", "minutes", "h", "hours", "d", "days", "w", "ms", "us"];
    const LONGEST: usize = 24;
    let text = COMMENTS.iter().find_map(|comment| text.strip_suffix(comment)).unwrap_or(text);
    let text = text.trim_matches(is_blank).to_lowercase();
    if WORDS.contains(&text.as_str()) {
        return true;
    }
    let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_');
    // `1h30m` has two numbers, each followed by its unit.
    let mut rest = text.trim_start_matches(['+', '-']);
    let has_number = rest.starts_with(is_digit);
    while !rest.is_empty() {
        let behind = rest.trim_start_matches(is_digit);
        let unit = &behind[..behind.find(is_digit).unwrap_or(behind.len())];
        if behind.len() == rest.len() || !UNITS.contains(&unit.trim_matches(is_blank)) {
            return false;
        }
        rest = &behind[unit.len()..];
    }
    has_number && text.len() <= LONGEST
}

/// A text without what stands before an `@`: that may be a user's name with a password.
fn without_userinfo(text: String) -> String {
    match text.rfind('@') {
        Some(at) => text[at + 1..].to_owned(),
        None => text,
    }
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "on" | "yes" => Ok(true),
        "false" | "0" | "off" | "no" => Ok(false),
        _ => Err(format!("{} is no boolean: `true`, `1`, `on`, `yes`, `false`, `0`, `off` and `no` are", shown(text))),
    }
}

/// Python's `int()`, but for the digits of other scripts.
fn integer(text: &str, min: i128, max: i128) -> Result<Value, String> {
    let text = text.trim_matches(is_blank);
    if text.is_empty() {
        return Ok(Value::Nothing);
    }
    let wrong = || format!("{} is no integer", shown(text));
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    if !is_number {
        return Err(wrong());
    }
    // What does not fit is beyond every bound, and so either of the two messages below speaks.
    let beyond = if text.starts_with('-') { i128::MIN } else { i128::MAX };
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    match plain.parse().unwrap_or(beyond) {
        value if value < min => Err(format!("{} should be greater than or equal to {min}", shown(text))),
        value if value > max => Err(format!("{} should be less than or equal to {max}", shown(text))),
        value => Ok(Value::Integer(value)),
    }
}

fn list(text: &str) -> Vec<String> {
    let text = text.trim_matches(is_blank).trim_end_matches(',');
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim_matches(is_blank).to_owned()).collect()
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let text = text.trim_matches(is_blank);
    if text.is_empty() {
        return Ok(pairs);
    }
    // What has no colon goes on with what stands behind its comma.
    let mut begun = String::new();
    let mut keys = HashSet::new();
    for item in text.split(',') {
        begun.push_str(item);
        let Some((key, value)) = begun.split_once(':') else {
            begun.push(',');
            continue;
        };
        let (key, value) = (key.trim_matches(is_blank).to_owned(), value.trim_matches(is_blank).to_owned());
        if key.is_empty() || !keys.insert(key.clone()) {
            return Err(format!("{} has a key that is empty or there twice", shown(text)));
        }
        pairs.push((key, value));
        begun.clear();
    }
    if begun.is_empty() { Ok(pairs) } else { Err(format!("{} is no list of `key:value`", shown(text))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_harmless_is_shown() {
        for text in ["7", "-1", "3600.0", "1_000", " 1h ", "1h30m", "10 min", "TRUE", "y", "", "7200 # …"] {
            assert_eq!(shown(text), format!("`{}`", text.trim()), "{text}");
        }
        for text in ["hunter2", "2hunter", "1hunter2", "5 hunter2", "true hunter2", "-", "é", &"9".repeat(60)] {
            assert_eq!(shown(text), "the value", "{text}");
        }
        let choice = Type::Choice(vec!["fernet", "jws"]);
        assert!(choice.convert("fernett").is_err_and(|told| told.contains("`fernett`")));
        assert!(choice.convert("hunter2").is_err_and(|told| !told.contains("hunter2")));
    }

    #[test]
    fn what_stands_before_an_at_is_not_kept() {
        for (text, kept) in [
            ("a:11211", "a:11211"),
            ("nova:hunter2@a:11211", "a:11211"),
            ("rabbit://nova:hunt@er2@mq:5672//", "mq:5672//"),
        ] {
            let list = |text: &str| Value::List(vec![text.to_owned(), "b:1".to_owned()]);
            assert_eq!(list(text).without_userinfo(), list(kept));
            assert_eq!(Value::Text(text.to_owned()).without_userinfo(), Value::Text(kept.to_owned()));
        }
    }

    #[test]
    fn texts_become_values_or_are_refused() {
        let any = Type::Integer { min: i128::MIN, max: i128::MAX };
        let natural = Type::Integer { min: 0, max: 10 };
        let words = |words: &[&str]| Ok(Value::List(words.iter().map(|word| (*word).to_owned()).collect()));
        let cases = [
            (Type::Flag, "TRUE", Ok(Value::Flag(true))),
            (Type::Flag, "oFf", Ok(Value::Flag(false))),
            (Type::Flag, "y", Err("no boolean")),
            (Type::Flag, " true", Err("no boolean")),
            (Type::Flag, "", Err("no boolean")),
            (any.clone(), " 3_600\n", Ok(Value::Integer(3_600))),
            (any.clone(), "-1", Ok(Value::Integer(-1))),
            (any.clone(), "+007", Ok(Value::Integer(7))),
            (any.clone(), " ", Ok(Value::Nothing)),
            (any.clone(), "3600.0", Err("no integer")),
            (any.clone(), "1__0", Err("no integer")),
            (any.clone(), "--1", Err("no integer")),
            (any.clone(), "1h", Err("no integer")),
            (any, "None", Err("no integer")),
            (natural.clone(), "-1", Err("greater than or equal to 0")),
            (natural.clone(), "11", Err("less than or equal to 10")),
            (natural, &"9".repeat(60), Err("less than or equal to 10")),
            (Type::Choice(vec!["a", "b"]), "b", Ok(Value::Text("b".to_owned()))),
            (Type::Choice(vec!["a", "b"]), "B", Err("none of the valid values `a` and `b`")),
            (Type::List, " a, b ,", words(&["a", "b"])),
            (Type::List, "a,,b", words(&["a", "", "b"])),
            (Type::List, " , ", words(&[])),
            (Type::List, "[a,b]", words(&["[a", "b]"])),
            (Type::List, "", words(&[])),
            (Type::Pairs, "a:b, c : d:e", Ok(Value::Pairs(vec![("a".into(), "b".into()), ("c".into(), "d:e".into())]))),
            (Type::Pairs, "a", Err("no list of `key:value`")),
            (Type::Pairs, "a, b:c", Ok(Value::Pairs(vec![("a, b".into(), "c".into())]))),
            (Type::Pairs, "a:b,a:c", Err("there twice")),
            (Type::Pairs, ":b", Err("a key that is empty")),
        ];
        for (kind, text, expected) in cases {
            match (kind.convert(text), expected) {
                (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{kind:?} {text:?}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{kind:?} {text:?}: {message}"),
                (found, expected) => panic!("{kind:?} {text:?}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
