//! For pull requests and tickets.

use super::text::{headline, source};
use super::{Told, clock, facts};

/// The text of `--format markdown`.
pub fn render(told: Told<'_>) -> String {
    let mut text = format!("## {}\n\n| | |\n| --- | --- |\n", escaped(&facts::title(&told)));
    for (label, value) in facts::facts(&told) {
        text.push_str(&format!("| {label} | {} |\n", escaped(&value)));
    }
    let story = told.story();
    text.push_str("\n### Course\n\n| since submission | what | more |\n| ---: | --- | --- |\n");
    for line in &story.lines {
        let head = escaped(&headline(line));
        let head = if line.refused.is_some() { format!("**{head}**") } else { head };
        let rule = line.rule.filter(|_| line.refused.is_some()).map(|rule| format!("rule: {rule}"));
        let notes: Vec<String> = line.notes.iter().cloned().chain(rule).map(|note| escaped(&note)).collect();
        text.push_str(&format!("| {} | {head} | {} |\n", clock(told.since(line.at)), notes.join("<br>")));
    }
    if !story.sights.is_empty() {
        text.push_str("\n### What the operator would have seen\n\n");
        for seen in &story.sights {
            text.push_str(&format!(
                "- {} (`{}`): {}\n",
                escaped(&seen.place),
                seen.steps.join("`, `"),
                escaped(&seen.told)
            ));
            for (log, line) in &seen.logs {
                text.push_str(&format!("  - log of {log}: `{line}`\n"));
            }
            text.push_str(&format!("  - {}\n", escaped(&source(seen))));
        }
    }
    text.trim_end().to_owned()
}

/// Without what would be read as a part of a table or of markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '<' | '>' | '*' | '_' | '`' | '[' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_names_is_taken_as_it_stands() {
        assert_eq!(escaped("a|b <uuid> cinder_create"), "a\\|b \\<uuid\\> cinder\\_create");
    }
}
