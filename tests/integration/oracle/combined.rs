//! Table `combined`: lifetimes, keys, roles and auth_token's own log-ins together, its cache off.
//!
//! Time runs from the issue of the user token. auth_token got its own token at that instant too, from the same
//! Keystone: it lives as long, and the same rotations end it.

use outlast::identity::fernet::{KeyRepository, key_gone_at};
use outlast::identity::request::{Request, answer, calls};
use outlast::identity::session::OwnLogin;
use outlast::identity::{Presented, Receiver, Schedule, ServicePresented, Token};
use outlast::units::{Instant, Span};

use super::middleware::{compare_response, words};
use super::{Compare, Row, table};

/// Whether a repository in its steady state still decrypts after so many rotations.
fn replayed(max_active_keys: u32, rotations: u32) -> bool {
    let mut repository = KeyRepository::steady(max_active_keys);
    let key = repository.encrypts_with();
    for _ in 0..rotations {
        repository.rotate(max_active_keys);
    }
    repository.decrypts(key)
}

fn compare_row(compare: &mut Compare, row: &Row<'_>) {
    let max_active_keys = row.count("max_active_keys");
    let schedule = Schedule::Every {
        period: Span::from_seconds(row.int("rotation_period")),
        offset: Instant::from_seconds(row.int("rotation_phase")),
    };
    let now = Instant::from_seconds(row.int("user_age"));
    let issue = |at: Instant| {
        let expiration = Span::from_seconds(row.int("expiration"));
        Token::new(at, expiration, key_gone_at(&schedule, at, max_active_keys))
    };
    let presented = |token| Presented { token, cached_until: Instant::ALWAYS };

    let user = issue(Instant::START);
    let service = if row.flag("svc_token") {
        let issued = now - Span::from_seconds(row.int("svc_age"));
        let rotations = schedule.count_since(issued, now);
        compare.column(row, "rotations_since_svc_issue", rotations);
        let token = issue(issued);
        compare.value(row, "service key", replayed(max_active_keys, rotations), now < token.key_gone_at);
        Some(ServicePresented { presented: presented(token), has_role: row.flag("svc_has_role") })
    } else {
        for column in ["svc_age", "svc_has_role", "rotations_since_svc_issue"] {
            row.expect_empty(column);
        }
        None
    };
    let rotations = schedule.count_since(Instant::START, now);
    compare.column(row, "rotations_since_user_issue", rotations);
    compare.value(row, "user key", replayed(max_active_keys, rotations), now < user.key_gone_at);

    let receiver = Receiver { roles_required: row.flag("roles_required"), cache_time: None, clock_ahead: Span::ZERO };
    let request = Request { user: Some(presented(user)), service };
    let window = Span::from_seconds(row.int("window"));
    let response = answer(now, window, &receiver, row.flag("delay_auth_decision"), &request);
    compare_response(compare, row, &response);

    let mut held = issue(Instant::START);
    let calls = calls(&response, || {
        let login = OwnLogin::during(now, receiver.clock_ahead, Some(held), issue(now));
        held = login.held;
        login
    });
    compare.column(row, "keystone_calls", words(&calls));
}

#[test]
fn combined() {
    let Some(table) = table("combined") else { return };
    let columns = [
        "case",
        "expiration",
        "window",
        "max_active_keys",
        "rotation_period",
        "rotation_phase",
        "user_age",
        "svc_token",
        "svc_age",
        "svc_has_role",
        "roles_required",
        "delay_auth_decision",
        "rotations_since_user_issue",
        "rotations_since_svc_issue",
        "http_status",
        "user_status",
        "svc_status",
        "reason",
        "keystone_calls",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        compare_row(&mut compare, &row);
    }
    compare.finish();
}
