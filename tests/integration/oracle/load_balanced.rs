//! Table `load_balanced`: validations that reach a Keystone node whose keys lag behind.
//!
//! Time runs from the issue of the user token. Of the validations that a row is about, the first ones reach the lagging
//! node; all others, and every log-in, reach a node that is up to date. auth_token holds no token at the start, and
//! every token of a row is encrypted with the newest key.

use outlast::identity::cluster::{Answer, Cluster, Syncs};
use outlast::identity::lineage::Lineage;
use outlast::identity::request::Request;
use outlast::identity::stale_node::{MOST_TRIES, OwnToken, answer};
use outlast::identity::{Presented, Receiver, Schedule, ServicePresented, Token, defaults};
use outlast::units::{Instant, Span};

use super::middleware::words;
use super::{Compare, Row, table};

/// Whether the lagging node cannot decrypt a token of the newest key: node 1 of a cluster has missed the syncs of the
/// last rotations.
fn is_refused(row: &Row<'_>, compare: &mut Compare) -> bool {
    let (max, lag) = (row.count("max_active_keys"), row.count("lag"));
    let rotations = (0..i64::from(lag)).map(|ago| Instant::from_seconds(-ago)).rev().collect();
    let primary = Lineage::new(Schedule::At(rotations), max, &[]);
    let missed = Syncs::drawn(&primary, Instant::ALWAYS, Instant::START, |_, _| None);
    let cluster = Cluster::synced(primary, [missed]);
    let newest = cluster.issue(0, Instant::START);
    let refused = cluster.decrypts(1, newest, Instant::START) == Answer::NotSynced;
    let closed_form = lag > u32::from(max > 1);
    compare.value(row, "closed form", refused, closed_form);
    refused
}

/// How auth_token's own token fares, while it asks about the service token and about the user token.
fn own_tokens(row: &Row<'_>, refused: bool, with_service: bool) -> (OwnToken, OwnToken) {
    let stale = if refused { row.count("stale_validations") } else { 0 };
    let (for_service, for_user) = match row.text("stale_subject") {
        "any" if with_service => (stale, stale.saturating_sub(MOST_TRIES)),
        "any" | "user" => (0, stale),
        _ => row.unexpected("stale_subject", "any or user"),
    };
    let before = u32::from(with_service);
    (OwnToken { before, refusals: for_service }, OwnToken { before: 1 - before, refusals: for_user })
}

#[test]
fn load_balanced() {
    let Some(table) = table("load_balanced") else { return };
    let columns = [
        "expiration",
        "window",
        "max_active_keys",
        "lag",
        "stale_subject",
        "stale_validations",
        "user_age",
        "svc_token",
        "http_status",
        "keystone_calls",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    let receiver =
        Receiver { roles_required: defaults::SERVICE_TOKEN_ROLES_REQUIRED, cache_time: None, clock_ahead: Span::ZERO };
    for row in table.rows() {
        compare.row();
        let now = Instant::from_seconds(row.int("user_age"));
        let presented = |issued| {
            let token = Token::new(issued, Span::from_seconds(row.int("expiration")), Instant::NEVER);
            Presented { token, cached_until: Instant::ALWAYS }
        };
        let service = row.flag("svc_token").then(|| ServicePresented { presented: presented(now), has_role: true });
        let refused = is_refused(&row, &mut compare);
        let (for_service, for_user) = own_tokens(&row, refused, service.is_some());
        let request = Request { user: Some(presented(Instant::START)), service };
        let window = Span::from_seconds(row.int("window"));
        let outcome = answer(now, window, &receiver, &request, for_service, for_user);
        compare.column(&row, "http_status", outcome.verdict.http_status());
        compare.column(&row, "keystone_calls", words(&outcome.calls));
    }
    compare.finish();
}
