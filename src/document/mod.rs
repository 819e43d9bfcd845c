//! TOML documents whose values remember where they were written, and problems that point there. No meaning of keys.

mod issue;
mod source;
mod tree;

pub use issue::{Collected, Issue, Issues, did_you_mean, listing, nearest};
pub use source::{CSV_LIMIT, Place, SCENARIO_LIMIT, Source, Sources, read_text};
pub use tree::{Entry, Node, Table, Value, parse};
