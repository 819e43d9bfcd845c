//! Tables `middleware` and `middleware_odd`: auth_token's answer to one request, its cache off.
//!
//! These two record only validations in `keystone_calls`, not auth_token's own log-ins.

use outlast::identity::request::{Call, Finding, Request, Response, answer, calls};
use outlast::identity::roles::has_one_of;
use outlast::identity::session::OwnLogin;
use outlast::identity::token::Refusal;
use outlast::identity::{Presented, Receiver, ServicePresented, Token, defaults};
use outlast::model::vocabulary::Reason;
use outlast::units::{Instant, Span};

use super::{Compare, Row, table};

/// Compares everything that the client and the service saw, and the reason, with a row.
pub(super) fn compare_response(compare: &mut Compare, row: &Row<'_>, response: &Response) {
    compare.column(row, "http_status", response.http_status());
    // Rejected before it, the service saw no header.
    let user_status = response.reaches_service.then(|| response.user_status.code());
    let service_status =
        if response.reaches_service { response.service_status.map(|status| status.code()) } else { None };
    compare.optional(row, "user_status", user_status);
    compare.optional(row, "svc_status", service_status);
    compare.column(row, "reason", response.finding.code());
    let coarse = reason_of(response.finding, response.service_status.is_some(), response.allow_expired);
    compare.value(row, "the reason in the words of jobs", format!("{coarse:?}"), format!("{:?}", response.refused));
}

/// The reason of a job that goes with a recorded one.
fn reason_of(finding: Finding, with_service_token: bool, allow_expired: bool) -> Option<Reason> {
    match finding {
        Finding::Good | Finding::NoUserToken => None,
        Finding::Service(_) => Some(Reason::ServiceTokenInvalid),
        Finding::User(Refusal::KeyNotFound) => Some(Reason::FernetKeyGone),
        Finding::User(Refusal::Revoked) => Some(Reason::Revoked),
        Finding::User(Refusal::BeyondWindow) => Some(Reason::BeyondWindow),
        Finding::User(Refusal::Expired) if with_service_token && !allow_expired => {
            Some(Reason::ServiceTokenRoleMissing)
        }
        Finding::User(Refusal::Expired) => Some(Reason::UserTokenExpired),
        Finding::ServiceRoleMissing => Some(Reason::ServiceTokenRoleMissing),
        // Cannot be: one clock and no cache.
        Finding::LocalExpiry => panic!("a token expired by a clock that the table does not have"),
    }
}

/// The validations of a response, with no log-in between.
pub(super) fn validations(response: &Response) -> String {
    let held = Token::new(Instant::START, Span::LONGEST, Instant::NEVER);
    words(&calls(response, || OwnLogin { before: 0, refused: false, held }))
}

/// Calls as a record has them.
pub(super) fn words(calls: &[Call]) -> String {
    calls.iter().map(Call::to_string).collect::<Vec<_>>().join(" ")
}

fn receiver(row: &Row<'_>) -> Receiver {
    let roles_required = row.flag_or("roles_required", defaults::SERVICE_TOKEN_ROLES_REQUIRED);
    Receiver { roles_required, cache_time: None, clock_ahead: Span::ZERO }
}

fn delay_auth_decision(row: &Row<'_>) -> bool {
    row.flag_or("delay_auth_decision", defaults::DELAY_AUTH_DECISION)
}

fn aged(row: &Row<'_>, age: &str) -> Presented {
    let issued = Instant::from_seconds(-row.int(age));
    let token = Token::new(issued, Span::from_seconds(row.int("expiration")), Instant::NEVER);
    Presented { token, cached_until: Instant::ALWAYS }
}

/// A list of roles that Keystone has after its bootstrap, or that an operator made up.
fn roles<'a>(row: &'a Row<'_>, column: &str) -> Vec<&'a str> {
    let known = ["service", "admin", "manager", "member", "reader", "other"];
    let roles: Vec<&str> = row.text(column).split('|').filter(|role| !role.is_empty()).collect();
    if roles.iter().any(|role| !known.contains(role)) {
        row.unexpected(column, "a list of known roles");
    }
    roles
}

#[test]
fn middleware() {
    let Some(table) = table("middleware") else { return };
    let columns = [
        "expiration",
        "window",
        "user_age",
        "svc_token",
        "svc_age",
        "svc_user_roles",
        "service_token_roles",
        "roles_required",
        "delay_auth_decision",
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
        let accepted = match row.text("service_token_roles") {
            "default" => defaults::SERVICE_TOKEN_ROLES.to_vec(),
            _ => roles(&row, "service_token_roles"),
        };
        let service = if row.flag("svc_token") {
            let has_role = has_one_of(&roles(&row, "svc_user_roles"), &accepted);
            Some(ServicePresented { presented: aged(&row, "svc_age"), has_role })
        } else {
            row.expect_empty("svc_age");
            row.expect_empty("svc_user_roles");
            None
        };
        let request = Request { user: Some(aged(&row, "user_age")), service };
        let window = Span::from_seconds(row.int("window"));
        let response = answer(Instant::START, window, &receiver(&row), delay_auth_decision(&row), &request);
        compare_response(&mut compare, &row, &response);
        compare.column(&row, "keystone_calls", validations(&response));
    }
    compare.finish();
}

#[test]
fn middleware_odd() {
    let Some(table) = table("middleware_odd") else { return };
    let columns = [
        "case",
        "expiration",
        "window",
        "user_age",
        "svc_age",
        "roles_required",
        "delay_auth_decision",
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
        // A token that was sent has an age, and that decides about it; `case` is a name and nothing else. The header
        // decides what a token is used as, so a service's token may be the user token; its role does not matter there.
        let sent = |age| row.opt_int(age).map(|_| aged(&row, age));
        let request = Request {
            user: sent("user_age"),
            // Whose roles they are is not recorded: every service token of this table is a service's.
            service: sent("svc_age").map(|presented| ServicePresented { presented, has_role: true }),
        };
        let window = Span::from_seconds(row.int("window"));
        let response = answer(Instant::START, window, &receiver(&row), delay_auth_decision(&row), &request);
        compare_response(&mut compare, &row, &response);
        compare.column(&row, "keystone_calls", validations(&response));
    }
    compare.finish();
}
