//! `$name`, `${name}` and `$group.name` within values, as `ConfigOpts._substitute` of oslo.config 10.7.0 replaces them.

/// What a reference stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Referred {
    /// This text.
    Text(String),
    /// An option that is not to be read here.
    Unknown,
    /// Nothing that could be read, and it has been said why.
    Refused,
}

/// A value in which references are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Substituted {
    /// All of them.
    Text(String),
    /// Some are to options that are not to be read here.
    Unknown,
    /// It has been said what is wrong.
    Refused,
}

/// The length of the name that a text begins with: `[_a-z][._a-z0-9]*`, whatever the case.
fn name_length(text: &str) -> usize {
    let is_first = |byte: u8| byte == b'_' || byte.is_ascii_alphabetic();
    let is_rest = |byte: u8| is_first(byte) || byte == b'.' || byte.is_ascii_digit();
    match text.bytes().next() {
        Some(first) if is_first(first) => text.bytes().take_while(|byte| is_rest(*byte)).count(),
        Some(_) | None => 0,
    }
}

/// Replaces every reference by what `resolve` knows of its name.
pub(super) fn substitute(text: &str, mut resolve: impl FnMut(&str) -> Referred) -> Substituted {
    let text = text.replace("\\$", "$$");
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut has_unknown = false;
    while let Some(at) = rest.find('$') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        replaced.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            replaced.push('$');
            rest = after;
            continue;
        }
        let braced = after.strip_prefix('{').and_then(|inner| {
            let name = &inner[..name_length(inner)];
            let rest = inner[name.len()..].strip_prefix('}')?;
            (!name.is_empty()).then_some((name, rest))
        });
        let (name, behind) = braced.unwrap_or_else(|| after.split_at(name_length(after)));
        if name.is_empty() {
            // `$1` is no reference, and stays.
            replaced.push('$');
            rest = after;
            continue;
        }
        match resolve(name) {
            Referred::Text(text) => replaced.push_str(&text),
            Referred::Unknown => has_unknown = true,
            Referred::Refused => return Substituted::Refused,
        }
        rest = behind;
    }
    replaced.push_str(rest);
    if has_unknown { Substituted::Unknown } else { Substituted::Text(replaced) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_what_the_template_of_python_takes_for_them() {
        let resolve = |name: &str| match name {
            "a" | "A" => Referred::Text("<a>".to_owned()),
            "g.a" => Referred::Text("<g.a>".to_owned()),
            "no" => Referred::Refused,
            _ => Referred::Unknown,
        };
        let is = |text: &str| Substituted::Text(text.to_owned());
        let cases = [
            ("plain", is("plain")),
            ("$a-${a}x", is("<a>-<a>x")),
            ("${g.a}$g.a", is("<g.a><g.a>")),
            ("$A", is("<a>")),
            ("$$a \\$a $$$a", is("$a $a $<a>")),
            ("$ $1 ${ ${} ${a", is("$ $1 ${ ${} ${a")),
            ("100$", is("100$")),
            ("$b", Substituted::Unknown),
            ("$a.", Substituted::Unknown),
            ("$b $no", Substituted::Refused),
        ];
        for (text, expected) in cases {
            assert_eq!(substitute(text, resolve), expected, "{text}");
        }
    }
}
