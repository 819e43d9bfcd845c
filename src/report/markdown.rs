//! The findings for pull requests: what the console says, as GitHub-flavoured Markdown.

use super::Findings;
use super::console::how;
use super::digest::{Digest, Grid, HeadKind};

/// The text of `--format markdown`.
pub fn render(findings: Findings<'_>) -> String {
    let digest = Digest::of(findings);
    let mut text = String::new();
    let mark = match digest.holds {
        Some(true) => "✅ ",
        Some(false) => "❌ ",
        None => "",
    };
    text.push_str(&format!("### {mark}{}\n", escaped(&digest.headline)));
    if !digest.verdicts.is_empty() {
        text.push('\n');
    }
    for said in &digest.verdicts {
        let mark = if said.holds { "✅" } else { "❌" };
        text.push_str(&format!("- {mark} `{}`", said.text));
        if !said.holds {
            text.push_str(&format!(": {} ({})", escaped(&said.why), said.place));
        }
        text.push('\n');
    }
    for sentence in &digest.sentences {
        text.push_str(&format!("\n{}\n", escaped(sentence)));
    }
    for grid in digest.grids() {
        if !grid.rows.is_empty() {
            text.push_str(&table(grid));
        }
    }
    for note in &digest.notes {
        text.push_str(&format!("\n> **Note:** {}\n", escaped(note)));
    }
    text.push_str(&format!("\n{}", escaped(&how(findings))));
    text
}

/// A table behind an empty line, with its title and its remark.
pub(super) fn table(grid: &Grid) -> String {
    let mut text = String::from("\n");
    if !grid.title.is_empty() {
        text.push_str(&format!("**{}**\n\n", escaped(grid.title.trim())));
    }
    let row = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    text.push_str(&row(&mut grid.heads.iter().map(|head| escaped(&head.text))));
    text.push_str(&row(&mut grid.heads.iter().map(|head| {
        match head.kind {
            HeadKind::Label => "---",
            HeadKind::Number | HeadKind::Optional(_) => "---:",
        }
        .to_owned()
    })));
    for cells in &grid.rows {
        text.push_str(&row(&mut cells.iter().map(|cell| escaped(cell))));
    }
    if !grid.remark.is_empty() {
        text.push_str(&format!("\n{}\n", escaped(&grid.remark)));
    }
    text
}

/// What would be markup inside a table or a sentence is not; what stands between backticks is code, as it is.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let behind = &rest[character.len_utf8()..];
        let code = if character == '`' { behind.find('`') } else { None };
        if let Some(end) = code {
            // The bar would end the cell even there.
            escaped.push_str(&format!("`{}`", behind[..end].replace('|', "\\|").replace('\n', " ")));
            rest = &behind[end + 1..];
            continue;
        }
        let begins_tag = || behind.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        match character {
            '|' | '*' | '`' | '\\' => escaped.extend(['\\', character]),
            '<' if begins_tag() => escaped.extend(['\\', character]),
            '\n' => escaped.push(' '),
            _ => escaped.push(character),
        }
        rest = behind;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn every_row_of_a_table_has_as_many_cells() {
        let case = fixture::grid();
        let text = render(case.findings());
        assert!(text.starts_with("### "));
        let widths: Vec<usize> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.replace("\\|", "").matches('|').count())
            .collect();
        assert!(widths.len() > case.study.points.len());
        assert!(widths.iter().all(|width| *width >= 3), "{text}");
    }

    #[test]
    fn markup_is_escaped() {
        for (text, expected) in [
            ("a|b <c> *d*", "a\\|b \\<c> \\*d\\*"),
            ("failure_rate <= 1% needs `a.b` = <5", "failure_rate <= 1% needs `a.b` = <5"),
            ("`a|b*c` and a lone `", "`a\\|b*c` and a lone \\`"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
