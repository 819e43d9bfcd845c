//! Tables `validate_window`, `subsecond` and `config_change`: how long Keystone itself accepts a token.

use outlast::identity::Token;
use outlast::identity::token::Refusal;
use outlast::units::{Instant, Span};

use super::{Compare, Row, table};

/// The window of a row, if it asks for expired tokens.
fn window(row: &Row<'_>, column: &str) -> Option<Span> {
    row.flag("allow_expired").then(|| Span::from_seconds(row.int(column)))
}

/// Keystone's status, and that the two ways to ask the rule say the same.
fn compare_status(compare: &mut Compare, row: &Row<'_>, token: Token, now: Instant, window: Option<Span>) {
    let accepted = token.is_accepted(now, window.unwrap_or(Span::ZERO));
    compare.column(row, "http_status", if accepted { 200 } else { 404 });
    compare.value(row, "refusal", token.refusal(now, window).is_none(), accepted);
}

#[test]
fn validate_window() {
    let Some(table) = table("validate_window") else { return };
    table.expect_columns(&["expiration", "window", "age", "allow_expired", "http_status", "reason"]);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let token = Token::new(Instant::START, Span::from_seconds(row.int("expiration")), Instant::NEVER);
        let now = Instant::from_seconds(row.int("age"));
        let window = window(&row, "window");
        compare_status(&mut compare, &row, token, now, window);
        let reason = match token.refusal(now, window) {
            None => "ok",
            Some(Refusal::Expired) => "expired",
            Some(Refusal::BeyondWindow) => "beyond_window",
            Some(Refusal::KeyNotFound) => "key_not_found",
            Some(Refusal::Revoked) => "revoked",
        };
        compare.column(&row, "reason", reason);
    }
    compare.finish();
}

#[test]
fn subsecond() {
    let Some(table) = table("subsecond") else { return };
    let columns =
        ["expiration", "window", "issue_ms", "validate_ms", "age_ms", "lifetime_ms", "allow_expired", "http_status"];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let millis = |column| Instant::from_micros(row.int(column) * 1_000);
        let (issued, now) = (millis("issue_ms"), millis("validate_ms"));
        let token = Token::new(issued, Span::from_seconds(row.int("expiration")), Instant::NEVER);
        compare_status(&mut compare, &row, token, now, window(&row, "window"));
        compare.column(&row, "age_ms", now.since(issued).micros() / 1_000);
        compare.column(&row, "lifetime_ms", token.expires.since(issued).micros() / 1_000);
    }
    compare.finish();
}

/// The expiration is fixed in the token at issue, the window is read at each validation; the other two values must
/// not matter, so they are only checked to be numbers.
#[test]
fn config_change() {
    let Some(table) = table("config_change") else { return };
    let columns = [
        "expiration_at_issue",
        "expiration_at_validation",
        "window_at_issue",
        "window_at_validation",
        "age",
        "allow_expired",
        "http_status",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let (_, _) = (row.count("expiration_at_validation"), row.count("window_at_issue"));
        let token = Token::new(Instant::START, Span::from_seconds(row.int("expiration_at_issue")), Instant::NEVER);
        let now = Instant::from_seconds(row.int("age"));
        compare_status(&mut compare, &row, token, now, window(&row, "window_at_validation"));
    }
    compare.finish();
}
