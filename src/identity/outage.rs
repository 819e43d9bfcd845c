//! Keystone not reachable: when auth_token's request gets through all the same, and when it gives up.
//!
//! Source: `keystoneauth1.session.Session._send_request`, which sleeps and sends once more after a connection that
//! failed, and `keystonemiddleware.auth_token:AuthProtocol._create_identity_server`, which says how often. Giving up
//! is the 503 of `AuthProtocol.fetch_token`, whatever the token; with `delay_auth_decision` the token counts as
//! invalid instead.
//!
//! Assumed: a connection fails at once, as when nothing listens. Without `http_connect_timeout`, as by default, nothing
//! bounds one that hangs.

use crate::units::{Instant, Span};

/// Before the first retry: `keystoneauth1.session._EXPONENTIAL_DELAY_START`. Each delay is twice the one before.
const FIRST_DELAY: Span = Span::from_micros(500_000);

/// No delay is longer: `keystoneauth1.session._MAX_RETRY_INTERVAL`.
const LONGEST_DELAY: Span = Span::from_seconds(60);

/// When a request that is sent at `asked`, and again `retries` times, reaches a Keystone that is away during `outages`:
/// each from its first instant to just before its second, in order and apart.
///
/// `retries` is `http_request_max_retries` ([`super::defaults::HTTP_REQUEST_MAX_RETRIES`]) for a validation, and 0 for a
/// log-in of auth_token or of any other session, which asks for no retries
/// (`keystoneauth1.identity.v3.base.Auth.get_auth_ref`).
///
/// # Errors
///
/// The instant of the last try, if none gets through.
pub fn reached(outages: &[(Instant, Instant)], asked: Instant, retries: u32) -> Result<Instant, Instant> {
    let mut tried = asked;
    let mut delay = FIRST_DELAY;
    for _ in 0..retries {
        if !is_away(outages, tried) {
            return Ok(tried);
        }
        tried = tried + delay;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
    if is_away(outages, tried) { Err(tried) } else { Ok(tried) }
}

fn is_away(outages: &[(Instant, Instant)], now: Instant) -> bool {
    let begun = outages.partition_point(|(from, _)| *from <= now);
    outages[..begun].last().is_some_and(|(_, until)| now < *until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::defaults::HTTP_REQUEST_MAX_RETRIES;

    fn at(millis: i64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    #[test]
    fn tries_come_after_delays_that_double() {
        let tick = Span::from_micros(1);
        // With three retries the tries are 0 s, 0.5 s, 1.5 s and 3.5 s after the first.
        let cases = [
            ("long before", at(5_000), 3, Ok(at(5_000))),
            ("a tick before", at(10_000) - tick, 3, Ok(at(10_000) - tick)),
            ("at the beginning", at(10_000), 3, Err(at(13_500))),
            ("the last try a tick too early", at(16_500) - tick, 3, Err(at(20_000) - tick)),
            ("the last try at the end", at(16_500), 3, Ok(at(20_000))),
            ("the third try at the end", at(18_500), 3, Ok(at(20_000))),
            ("the second try after the end", at(19_600), 3, Ok(at(20_100))),
            ("at the end", at(20_000), 3, Ok(at(20_000))),
            ("between two outages", at(25_000), 3, Ok(at(25_000))),
            ("from one outage into the other", at(19_900), 0, Err(at(19_900))),
            ("from the gap's brink, the second try in the gap", at(19_900), 1, Ok(at(20_400))),
            ("the first delay leads over a short outage", at(30_000), 1, Ok(at(30_500))),
            ("no delay is above a minute", at(100_000), 9, Ok(at(100_000 + 63_500 + 2 * 60_000))),
        ];
        let outages = [(at(10_000), at(20_000)), (at(30_000), at(30_400)), (at(90_000), at(280_000))];
        for (case, asked, retries, expected) in cases {
            assert_eq!(reached(&outages, asked, retries), expected, "{case}");
        }
        assert_eq!(reached(&[], at(0), 3), Ok(at(0)), "no outage");
        assert_eq!(reached(&outages, at(10_000), HTTP_REQUEST_MAX_RETRIES), Err(at(13_500)), "by default");
    }
}
