//! `docs/LINTS.md`: every lint, generated from their table.

use crate::lint::Lint;

const HEAD: &str = include_str!("head.md");

/// The reference of all lints, as Markdown.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| code | name | severity | found when |\n| --- | --- | --- | --- |\n");
    for lint in Lint::ALL {
        let about = lint.about();
        let anchor = format!("{}-{}", about.code.to_lowercase(), about.name);
        text.push_str(&format!(
            "| [{}](#{anchor}) | {} | {} | {} |\n",
            about.code,
            about.name,
            about.severity.code(),
            about.when
        ));
    }
    for lint in Lint::ALL {
        let about = lint.about();
        text.push_str(&format!("\n### {} {}\n\n", about.code, about.name));
        text.push_str(&format!("Severity: {}. {}\n\n", about.severity.code(), about.when));
        text.push_str(&format!("- Why: {}\n", about.rule));
        text.push_str(&format!("- Source: {}\n", about.source));
        text.push_str(&format!("- What helps: {}.\n", about.remedy));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OUTLAST_RENEW=1 cargo test --lib report` rewrites the file.
    #[test]
    fn the_committed_reference_of_lints_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/LINTS.md");
        if std::env::var_os("OUTLAST_RENEW").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == reference(), "docs/LINTS.md is out of date: OUTLAST_RENEW=1 cargo test --lib report");
    }
}
