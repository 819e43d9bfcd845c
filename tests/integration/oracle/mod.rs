//! What the real packages answered, row by row, and the comparison of a prediction with it.
//!
//! The tables are read from the folder that `OUTLAST_ORACLE_DIR` names, else from `tests/data/oracle`. Every column
//! of a row is either read or compared, and a value that nobody expects fails the test with its name. A table that no
//! test reads fails too, unless it stands in a list: nothing of a record is passed over in silence.

use std::collections::BTreeSet;
use std::env;
use std::fmt::{Display, Write as _};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

mod cache;
mod chain;
mod clocks;
mod combined;
mod defaults;
mod fernet;
mod jobs;
mod keystone;
mod lifetime;
mod load_balanced;
mod middleware;
mod revocation;
mod session;

/// The folder of the tables.
pub(crate) fn folder() -> PathBuf {
    match env::var_os("OUTLAST_ORACLE_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/oracle"),
    }
}

/// A line that the test harness does not capture, so that it shows for tests that pass.
fn tell(line: &str) {
    // A closed stderr is no reason to fail a comparison.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// A table by its name, `None` (told on stderr) if the folder has none of this name.
///
/// # Panics
///
/// If the file is there but cannot be read, or a row has not as many fields as the header.
pub(crate) fn table(name: &str) -> Option<Table> {
    let path = folder().join(format!("{name}.csv"));
    if !path.exists() {
        tell(&format!("oracle: {name}: skipped, not in the folder"));
        return None;
    }
    let mut reader = csv::Reader::from_path(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let header = reader.headers().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let columns: Vec<String> = header.iter().map(str::to_owned).collect();
    let rows = reader
        .records()
        .map(|record| record.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect();
    Some(Table { name: name.to_owned(), columns, rows })
}

/// A table of the record.
pub(crate) struct Table {
    name: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// The name of the file without its ending.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Fails unless the table has exactly these columns, in any order: a new column may decide about the others.
    pub(crate) fn expect_columns(&self, expected: &[&str]) {
        for column in &self.columns {
            assert!(expected.contains(&column.as_str()), "{}: unknown column `{column}`", self.name);
        }
        for column in expected {
            assert!(self.columns.iter().any(|known| known == column), "{}: no column `{column}`", self.name);
        }
    }

    /// The rows, in the order of the file.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().enumerate().map(|(index, fields)| Row { table: self, line: index + 2, fields })
    }
}

/// A row of a table; every reader fails with the names of table, row and column if it meets something unexpected.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    table: &'a Table,
    line: usize,
    fields: &'a [String],
}

impl Row<'_> {
    /// Table, line of the file, and the case if the table has such a column.
    pub(crate) fn name(&self) -> String {
        let mut name = format!("{} line {}", self.table.name, self.line);
        if self.table.columns.iter().any(|column| column == "case") {
            let _ = write!(name, " (case {})", self.text("case"));
        }
        name
    }

    /// The field as it stands there.
    pub(crate) fn text(&self, column: &str) -> &str {
        match self.table.columns.iter().position(|known| known == column) {
            Some(index) => &self.fields[index],
            None => panic!("{}: no column `{column}`", self.table.name),
        }
    }

    /// Fails, naming what stands there and what was expected.
    pub(crate) fn unexpected(&self, column: &str, expected: &str) -> ! {
        panic!("{}: {column}: `{}` where {expected} is expected", self.name(), self.text(column))
    }

    fn parsed<T: FromStr>(&self, column: &str, expected: &str) -> T {
        self.text(column).parse().unwrap_or_else(|_| self.unexpected(column, expected))
    }

    /// A whole number.
    pub(crate) fn int(&self, column: &str) -> i64 {
        self.parsed(column, "a whole number")
    }

    /// A whole number that cannot be negative.
    pub(crate) fn count(&self, column: &str) -> u32 {
        self.parsed(column, "a count")
    }

    /// A whole number, `None` for an empty field.
    pub(crate) fn opt_int(&self, column: &str) -> Option<i64> {
        if self.text(column).is_empty() { None } else { Some(self.int(column)) }
    }

    /// `1` or `0`.
    pub(crate) fn flag(&self, column: &str) -> bool {
        match self.text(column) {
            "1" => true,
            "0" => false,
            _ => self.unexpected(column, "0 or 1"),
        }
    }

    /// `1` or `0`, or `default` for an option that was not set.
    pub(crate) fn flag_or(&self, column: &str, default: bool) -> bool {
        if self.text(column) == "default" { default } else { self.flag(column) }
    }

    /// Fails unless the field is empty, as it must be where it has no meaning.
    pub(crate) fn expect_empty(&self, column: &str) {
        if !self.text(column).is_empty() {
            self.unexpected(column, "nothing");
        }
    }
}

/// Collects what differs in all rows of a table and fails once, at the end.
pub(crate) struct Compare {
    table: String,
    rows: usize,
    values: usize,
    differing_rows: usize,
    last_differing: Option<usize>,
    differences: Vec<String>,
}

impl Compare {
    /// How many differences are printed.
    const SHOWN: usize = 20;

    /// Nothing compared yet.
    pub(crate) fn new(table: &Table) -> Compare {
        Compare {
            table: table.name().to_owned(),
            rows: 0,
            values: 0,
            differing_rows: 0,
            last_differing: None,
            differences: Vec::new(),
        }
    }

    /// Counts a row; call it once per row, before its values.
    pub(crate) fn row(&mut self) {
        self.rows += 1;
    }

    /// Compares a prediction with a column.
    pub(crate) fn column(&mut self, row: &Row<'_>, column: &str, predicted: impl Display) {
        self.value(row, column, row.text(column), predicted);
    }

    /// Compares a prediction that may be none, which is an empty field, with a column.
    pub(crate) fn optional(&mut self, row: &Row<'_>, column: &str, predicted: Option<impl Display>) {
        self.value(row, column, row.text(column), predicted.map_or(String::new(), |value| value.to_string()));
    }

    /// Compares a flag with a column.
    pub(crate) fn flag(&mut self, row: &Row<'_>, column: &str, predicted: bool) {
        self.column(row, column, u8::from(predicted));
    }

    /// Compares two values that belong to a row, under a name of their own.
    pub(crate) fn value(&mut self, row: &Row<'_>, what: &str, recorded: impl Display, predicted: impl Display) {
        self.values += 1;
        let (recorded, predicted) = (recorded.to_string(), predicted.to_string());
        if recorded != predicted {
            if self.last_differing.replace(row.line) != Some(row.line) {
                self.differing_rows += 1;
            }
            self.differences.push(format!("{}: {what}: recorded `{recorded}`, predicted `{predicted}`", row.name()));
        }
    }

    /// Tells how much agrees.
    ///
    /// # Panics
    ///
    /// If anything differs, or there was no row to compare.
    pub(crate) fn finish(self) {
        let verdict = self.verdict();
        let (Ok(summary) | Err(summary)) = &verdict;
        let summary = summary.lines().next().unwrap_or_default();
        println!("{summary}");
        tell(summary);
        if let Err(differences) = verdict {
            panic!("{differences}");
        }
    }

    /// How much agrees, in a line; if not all does, with the first differences below.
    fn verdict(&self) -> Result<String, String> {
        let Compare { table, rows, values, differing_rows, last_differing: _, differences } = self;
        let mut text = format!("oracle: {table}: {} of {rows} rows agree, {values} values", rows - differing_rows);
        if *rows == 0 {
            return Err(format!("oracle: {table}: no row to compare"));
        }
        if differences.is_empty() {
            return Ok(text);
        }
        let _ = write!(text, ", {} of them differ", differences.len());
        for difference in differences.iter().take(Compare::SHOWN) {
            let _ = write!(text, "\n  {difference}");
        }
        if differences.len() > Compare::SHOWN {
            let _ = write!(text, "\n  and {} more", differences.len() - Compare::SHOWN);
        }
        Err(text)
    }
}

/// Tables that no test reads yet.
const NOT_YET: [&str; 0] = [];

/// The files of a folder with this ending, without it.
fn stems(folder: &Path, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect()
}

/// The tables that the tests beside this file read: what stands in `table("…")` there.
fn tables_with_a_reader() -> BTreeSet<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/oracle");
    let mut names = BTreeSet::new();
    for module in stems(&sources, "rs").iter().filter(|module| *module != "mod") {
        let text = fs::read_to_string(sources.join(format!("{module}.rs"))).expect("a source of these tests");
        let calls = text.split("table(\"").skip(1);
        names.extend(calls.filter_map(|call| call.split_once('"')).map(|(name, _)| name.to_owned()));
    }
    names
}

/// A folder without any table would let every comparison pass by being skipped, and so would one with new tables.
#[test]
fn every_table_of_the_folder_is_read() {
    let (folder, read) = (folder(), tables_with_a_reader());
    let tables = stems(&folder, "csv");
    assert!(!tables.is_empty(), "{}: no table", folder.display());
    assert!(read.contains("chain"), "the tests that read tables are not where they were: {read:?}");
    let stale: Vec<&str> = NOT_YET.into_iter().filter(|name| read.contains(*name)).collect();
    assert!(stale.is_empty(), "listed as not read, and a test reads it: {stale:?}");
    let unread: Vec<&String> = tables.difference(&read).collect();
    for name in &unread {
        tell(&format!("oracle: {name}: no test reads it"));
    }
    let unknown: Vec<&&String> = unread.iter().filter(|name| !NOT_YET.contains(&name.as_str())).collect();
    assert!(unknown.is_empty(), "{}: no test reads {unknown:?}", folder.display());
    // Another folder may hold a part of the record only; the one that is kept here may not.
    if std::env::var_os("OUTLAST_ORACLE_DIR").is_none() {
        let missing: Vec<&String> = read.difference(&tables).collect();
        assert!(missing.is_empty(), "{}: {missing:?} are gone", folder.display());
    }
}

mod the_comparison_itself {
    use super::*;

    fn table() -> Table {
        let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Table {
            name: "sample".to_owned(),
            columns: text(&["case", "age", "role"]),
            rows: vec![text(&["a", "-1", "1"]), text(&["b", "", "2"])],
        }
    }

    #[test]
    fn fields_are_read_by_name() {
        let table = table();
        table.expect_columns(&["role", "age", "case"]);
        let rows: Vec<Row<'_>> = table.rows().collect();
        assert_eq!((rows[0].int("age"), rows[0].opt_int("age"), rows[0].flag("role")), (-1, Some(-1), true));
        assert_eq!((rows[1].opt_int("age"), rows[1].count("role")), (None, 2));
    }

    #[test]
    #[should_panic(expected = "sample line 3 (case b): role: `2` where 0 or 1 is expected")]
    fn an_unexpected_value_is_named() {
        table().rows().nth(1).unwrap().flag("role");
    }

    #[test]
    #[should_panic(expected = "sample: unknown column `role`")]
    fn an_unexpected_column_is_named() {
        table().expect_columns(&["case", "age"]);
    }

    #[test]
    fn differences_of_all_rows_are_collected() {
        let table = table();
        let mut compare = Compare::new(&table);
        assert!(compare.verdict().is_err(), "nothing compared");
        for row in table.rows() {
            compare.row();
            compare.column(&row, "age", -1);
            compare.optional(&row, "age", None::<i64>);
            compare.flag(&row, "role", true);
        }
        let expected = "oracle: sample: 0 of 2 rows agree, 6 values, 3 of them differ\n  \
            sample line 2 (case a): age: recorded `-1`, predicted ``\n  \
            sample line 3 (case b): age: recorded ``, predicted `-1`\n  \
            sample line 3 (case b): role: recorded `2`, predicted `1`";
        assert_eq!(compare.verdict(), Err(expected.to_owned()));
    }
}
