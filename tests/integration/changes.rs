//! `[[change]]`: what acts at once, and what stays as it was with those who began before.

use outlast::model::Model;
use outlast::units::{MICROS, Span};

use crate::support::{NO_CACHES, failure, records, study};

/// One boot at a time, an hour of download each, under a setting that changes after two hours.
fn model(settings: &str, change: &str, workload: &str) -> Model {
    let text = format!(
        "name = \"change\"
        {NO_CACHES}
        nova.DEFAULT.block_device_allocate_retries = 100000
        {settings}
        [[change]]
        at = \"2h\"
        {change}
        [[workload]]
        job = \"boot-from-volume\"
        download = \"1h\"
        {workload}"
    );
    study(&text).points.remove(0).model
}

fn ends(model: &Model) -> Vec<(f64, Option<f64>)> {
    let hours = |span: Span| span.micros() as f64 / MICROS as f64 / 3_600.0;
    let told = |record: &outlast::observe::JobRecord| {
        let failed = failure(record).and(record.ended).map(|ended| hours(ended.since(record.submitted)));
        (hours(record.submitted.since(outlast::units::Instant::START)), failed)
    };
    records(model, 0).iter().map(told).collect()
}

#[test]
fn a_token_keeps_the_life_that_it_was_issued_with() {
    // Tokens are half an hour old at submission; those of the first five jobs were issued before the change.
    let model = model(
        "run.duration = \"3h\"\nkeystone.token.expiration = \"1h\"",
        "keystone.token.expiration = \"4h\"",
        "arrivals = { every = \"30m\" }\ntoken_age = \"30m\"",
    );
    let failed = Some(0.5);
    let expected = [(0.0, failed), (0.5, failed), (1.0, failed), (1.5, failed), (2.0, failed), (2.5, None)];
    assert_eq!(ends(&model), expected);
}

#[test]
fn a_client_that_renews_holds_no_token_that_died_before_the_change() {
    let model = model(
        "run = { duration = \"150m\", seed = 4 }\nkeystone.token.expiration = \"10m\"",
        "keystone.token.expiration = \"4h\"",
        "arrivals = { poisson = \"40/h\" }\ntoken_age = { renewing = \"2m\" }",
    );
    let after: Vec<_> = ends(&model).into_iter().filter(|(submitted, _)| *submitted > 2.0).collect();
    assert!(after.len() > 10, "some come after the change");
    assert!(after.iter().all(|(_, failed)| *failed != Some(0.0)), "dead on arrival: {after:?}");
}

#[test]
fn service_tokens_go_along_from_the_change_on() {
    // The token of a job that is in flight has ended before the change, and Nova has asked in vain.
    let model = model(
        "run.duration = \"150m\"\nkeystone.token.expiration = \"1h\"",
        "nova.service_user.send_service_user_token = true\ncinder.service_user.send_service_user_token = true",
        "arrivals = { every = \"75m\" }\ntoken_age = \"10m\"",
    );
    // Of the second, submitted after 75 minutes, the token ends after 125: by then Nova sends its own along.
    assert_eq!(ends(&model), [(0.0, Some(50.0 / 60.0)), (1.25, None)]);
}
