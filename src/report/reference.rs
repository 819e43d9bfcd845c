//! `docs/OUTPUT.md`: every column with its meaning, generated from the tables.

use super::columns::{FAILURES, JOBS, MARGINS, REPLICATIONS, SERVICES, SUMMARY, Slot, Table};
use super::warm_up::WARM_UP;
use crate::model::vocabulary::{Cleanup, Reason};

const HEAD: &str = include_str!("reference/head.md");

/// The reference of every output file, as Markdown.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    table(&mut text, &SUMMARY);
    table(&mut text, &REPLICATIONS);
    table(&mut text, &FAILURES);
    table(&mut text, &MARGINS);
    table(&mut text, &JOBS);
    table(&mut text, &SERVICES);
    table(&mut text, &WARM_UP);
    text.push_str(
        "\n## outlast compare\n\nA row per point and workload that both results have, and metric: what \
         `--format csv` prints. [COMPARE.md](COMPARE.md) says how to read it.\n\n| column | meaning |\n| --- | --- |\n",
    );
    for (name, meaning) in super::compare::reference() {
        // What stands for columns of a scenario is no name.
        let name = if name.starts_with('*') { name.to_owned() } else { format!("`{name}`") };
        text.push_str(&format!("| {name} | {meaning} |\n"));
    }
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
    text.push_str("\nKinds of a scenario's own may answer with other statuses: `refused_` and the status.\n");
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
                "| *a column per quantity that a job kind of the scenario draws* | what the job drew or its trace gave; named as the quantity, with `_s` or `_bytes` where it is a time or a size; empty for jobs of a kind that does not draw it, and where it was not known in advance: the time of a copy over a link that copies share |\n",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::jobs::definition::{Node, Step};

    /// Every status that a service of a shipped kind answers with.
    fn answers(steps: &[Node], found: &mut BTreeSet<u16>) {
        for node in steps {
            if let Step::Answer { status, .. } = node.step {
                found.insert(status);
            }
            node.step.lists().into_iter().for_each(|steps| answers(steps, found));
        }
    }

    /// What the middleware answers for tokens and for a Keystone that is away, and what the kinds' services answer.
    #[test]
    fn every_status_of_a_refused_clean_up_is_listed() {
        let mut expected = BTreeSet::from([401, 503]);
        crate::jobs::builtins().iter().for_each(|definition| answers(&definition.steps, &mut expected));
        let listed = Cleanup::CODES.iter().filter_map(|(code, _)| code.strip_prefix("refused_")?.parse().ok());
        assert_eq!(listed.collect::<BTreeSet<u16>>(), expected);
    }

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
