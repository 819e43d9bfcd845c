//! `docs/OUTPUT.md`: every column with its meaning, generated from the tables.

use super::columns::{FAILURES, JOBS, SERVICES, SUMMARY, Slot, Table};
use crate::model::vocabulary::{Cleanup, Reason};

const HEAD: &str = include_str!("reference/head.md");

/// The reference of every output file, as Markdown.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    table(&mut text, &SUMMARY);
    table(&mut text, &FAILURES);
    table(&mut text, &JOBS);
    table(&mut text, &SERVICES);
    text.push_str("\n## Reasons\n\nIn the order in which they are tried when several hold.\n\n");
    text.push_str("| code | in words | counts as a token failure when it comes first |\n| --- | --- | --- |\n");
    for reason in Reason::ALL {
        let token = if reason.is_token_failure() { "yes" } else { "no" };
        text.push_str(&format!("| `{}` | {} | {token} |\n", reason.code(), reason.words()));
    }
    text.push_str("\n## Clean-up\n\nWhat deleting after a failure came to: `cleanup` in jobs.csv.\n\n");
    text.push_str("| code | what it means |\n| --- | --- |\n");
    for (code, meaning) in Cleanup::CODES {
        text.push_str(&format!("| `{code}` | {meaning} |\n"));
    }
    text
}

fn table<R>(text: &mut String, table: &Table<R>) {
    text.push_str(&format!("\n## {}\n\n{}\n\n| column | meaning |\n| --- | --- |\n", table.file, table.about));
    for slot in table.slots {
        match slot {
            Slot::Fixed(column) => text.push_str(&format!("| `{}` | {} |\n", column.name, column.meaning)),
            Slot::Sweep => text.push_str(
                "| *a column per swept key* | its value at this point; named as the key, with `_s`, `_bytes` or `_per_s` where it has a unit |\n",
            ),
            Slot::Quantities(_) => text.push_str(
                "| *a column per quantity that a job kind of the scenario draws* | what the job drew or its trace gave; named as the quantity, with `_s` or `_bytes` where it is a time or a size; empty for jobs of a kind that does not draw it |\n",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OUTLAST_RENEW=1 cargo test --lib report` rewrites the file.
    #[test]
    fn the_committed_reference_is_the_generated_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OUTPUT.md");
        if std::env::var_os("OUTLAST_RENEW").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == reference(), "docs/OUTPUT.md is out of date: OUTLAST_RENEW=1 cargo test --lib report");
    }
}
