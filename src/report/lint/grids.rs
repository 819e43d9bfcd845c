//! The tables of a lint, before any format.

use super::Linted;
use crate::lint::{COLUMNS, Exact, Keys, Lint, Matrix, NO_CREDENTIALS, Row, Stop, verdict};

/// A table of texts.
pub(super) struct Grid {
    pub(super) title: String,
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// As many settings of a sweep have tables of their own; `--format json` has all.
pub(super) const MOST_SETTINGS: usize = 3;
/// As many have a line of their own.
const MOST_LINES: usize = 12;

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn scoped(title: &str, scope: &str) -> String {
    if scope.is_empty() { title.to_owned() } else { format!("{title}, {scope}") }
}

/// One line for the keys of every setting.
pub(super) fn verdicts(linted: &Linted<'_>) -> Vec<String> {
    let all = &linted.report.keys;
    let mut lines: Vec<String> =
        all.iter().take(MOST_LINES).map(|(keys, scope)| scoped(&verdict(keys), &scope.told())).collect();
    if all.len() > MOST_LINES {
        lines.push(format!("… and {} more settings of the sweep", all.len() - MOST_LINES));
    }
    lines.extend(linted.report.keys_assumed.iter().map(|guess| format!("({guess})")));
    lines
}

/// All tables that are shown.
pub(super) fn all(linted: &Linted<'_>) -> Vec<Grid> {
    let mut grids: Vec<Grid> = Vec::new();
    for (matrix, scope) in linted.report.matrices.iter().take(MOST_SETTINGS) {
        grids.extend([service_tokens(matrix, &scope.told()), courses(matrix, &scope.told())]);
    }
    let about_keys = |lint: Lint| matches!(lint, Lint::KeysDieBeforeTokens | Lint::KeysDieInWindow | Lint::NoMargin);
    if linted.keys_table || linted.report.findings.iter().any(|finding| about_keys(finding.lint)) {
        let with_keys = linted.report.keys.iter().filter(|(keys, _)| keys.max_active_keys.is_some());
        let meant = with_keys.filter(|(keys, _)| linted.keys_table || keys.margin().is_some_and(|m| m.micros() <= 0));
        grids.extend(meant.take(MOST_SETTINGS).map(|(keys, scope)| keys_by_period(keys, &scope.told())));
    }
    grids.retain(|grid| !grid.rows.is_empty());
    grids
}

fn roles(roles: &[String]) -> String {
    if roles.is_empty() { super::super::words::NOTHING.to_owned() } else { roles.join(", ") }
}

fn service_tokens(matrix: &Matrix, scope: &str) -> Grid {
    let flips = |row: &Row| row.passes() != row.passes_after_upgrade();
    let has_flips = matrix.rows.iter().any(flips);
    let has_guesses = matrix.rows.iter().any(|row| !row.assumed.is_empty());
    let title = if has_guesses { "Service tokens (*: assumed)" } else { "Service tokens" };
    // A trust's token, or that of a log-in, has a life of its own; most jobs never get one.
    let has_delegated = matrix.rows.iter().any(|row| row.token() != matrix.rows[0].token());
    let mut heads = owned(&["sender", "receiver"]);
    heads.extend(has_delegated.then(|| "token".to_owned()));
    heads.extend(owned(&COLUMNS));
    heads.push("passes until".to_owned());
    heads.extend(has_flips.then(|| "from 2026.2".to_owned()));
    let row = |row: &Row| {
        let mut cells = vec![row.sender.clone(), row.receiver.clone()];
        cells.extend(has_delegated.then(|| row.token().to_owned()));
        let required = if row.required { "yes" } else { "no" };
        let own = [row.sends.words().to_owned(), roles(&row.held), roles(&row.accepted), required.to_owned()];
        let mark = |column: &str| if row.assumed.contains(&column) { "*" } else { "" };
        cells.extend(COLUMNS.iter().zip(own).map(|(column, cell)| format!("{cell}{}", mark(column))));
        cells.push(row.passes().to_owned());
        cells.extend(has_flips.then(|| row.passes_after_upgrade().to_owned()));
        cells
    };
    // Hops that differ only in what carries them look alike.
    let mut rows: Vec<Vec<String>> = matrix.rows.iter().map(row).collect();
    rows.dedup();
    Grid { title: scoped(title, scope), heads, rows }
}

fn courses(matrix: &Matrix, scope: &str) -> Grid {
    let stop = |stop: &Option<Stop>| match stop {
        Some(stop) if stop.why == NO_CREDENTIALS => {
            format!("{} → {} ({}: {})", stop.sender, stop.receiver, stop.step, stop.why)
        }
        Some(stop) => format!("{} → {} ({})", stop.sender, stop.receiver, stop.step),
        None => super::super::words::NOTHING.to_owned(),
    };
    let row = |course: &crate::lint::Course| {
        vec![course.workload.clone(), stop(&course.at_once), stop(&course.after_expiration)]
    };
    Grid {
        title: scoped("First hop that refuses", scope),
        heads: owned(&["workload", "a new token", "an expired token in the window"]),
        rows: matrix.courses.iter().map(row).collect(),
    }
}

fn keys_by_period(keys: &Keys, scope: &str) -> Grid {
    let lag = Exact(keys.table_lag());
    let mut heads = owned(&["rotate every", "keys needed"]);
    heads.push(format!("with a lag of {lag}"));
    if let Some(count) = keys.max_active_keys {
        heads.push(format!("window left with {count} keys"));
    }
    let row = |row: &crate::lint::KeysRow| {
        let mut cells = vec![Exact(row.period).to_string(), row.fewest_keys.to_string(), row.with_lag.to_string()];
        if keys.max_active_keys.is_some() {
            cells.push(Exact(row.effective_window).to_string());
        }
        cells
    };
    let title = format!("Keys for expiration {} and a window of {}", Exact(keys.expiration), Exact(keys.window));
    Grid { title: scoped(&title, scope), heads, rows: keys.table().iter().map(row).collect() }
}
