use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::identity::fernet::key_gone_at;
use crate::scenario::text_to_lint;

fn hours(hours: i64) -> Span {
    Span::from_seconds(hours * 3_600)
}

fn model(settings: &str) -> Model {
    let text = format!("name = \"x\"\n{settings}\n[[workload]]\njob = \"snapshot\"\narrivals = {{ every = \"1h\" }}\n");
    let mut read = text_to_lint("x.toml", &text, Path::new("")).unwrap_or_else(|issues| panic!("{issues}\n{text}"));
    read.study.points.remove(0).model
}

fn keys_of(settings: &str) -> Keys {
    let model = model(settings);
    keys(&model, &model.keystone, model.keystone.expiration)
}

/// Lifetime, window and number of keys; then what rotates.
fn set(expiration: &str, window: &str, keys: u32, rotation: &str) -> String {
    format!(
        "keystone.token.expiration = \"{expiration}\"\nkeystone.token.allow_expired_window = \"{window}\"\n\
         keystone.fernet_tokens.max_active_keys = {keys}\n{rotation}"
    )
}

#[test]
fn a_period_covers_two_keys_less_than_there_are() {
    // Cover, live, window, margin, effective window; in hours.
    let cases = [
        ("the FAQ's example, without a window", "24h", "0s", 6, 6, 24, true, true, 0, 0),
        ("and with the default window", "24h", "48h", 6, 6, 24, true, false, -48, 0),
        ("14 keys are right for that", "24h", "48h", 14, 6, 72, true, true, 0, 48),
        ("a second less than needed", "1h", "48h", 3, 49, 49, true, true, 0, 48),
        ("two keys cover nothing", "1h", "48h", 2, 168, 0, false, false, -49, 0),
        ("nor does one", "1h", "48h", 1, 168, 0, false, false, -49, 0),
        ("live tokens die", "24h", "48h", 4, 8, 16, false, false, -56, 0),
    ];
    for (case, life, window, count, period, cover, live, whole, margin, effective) in cases {
        let keys = keys_of(&set(life, window, count, &format!("cloud.fernet_rotation.every = \"{period}h\"")));
        assert_eq!(keys.cover, Some(hours(cover)), "{case}");
        assert_eq!((keys.live_ok(), keys.window_ok()), (live, whole), "{case}");
        assert_eq!((keys.margin(), keys.effective_window()), (Some(hours(margin)), hours(effective)), "{case}");
        assert_eq!(keys.reach, keys.cover, "{case}: one node");
    }
    for rotation in ["", "keystone.token.provider = \"jws\"\ncloud.fernet_rotation.every = \"1h\""] {
        let keys = keys_of(&set("1h", "48h", 3, rotation));
        assert_eq!((keys.cover, keys.margin(), keys.effective_window()), (None, None, hours(48)), "{rotation}");
        assert!(keys.live_ok() && keys.window_ok());
    }
}

#[test]
fn just_at_the_limit_is_safe_and_a_second_less_is_not() {
    for (period, safe) in [("176400s", true), ("176399s", false)] {
        let keys = keys_of(&set("1h", "48h", 3, &format!("cloud.fernet_rotation.every = \"{period}\"")));
        assert_eq!(keys.window_ok(), safe, "{period}");
        assert_eq!(keys.fewest_keys, Some(if safe { 3 } else { 4 }));
        assert_eq!(keys.shortest_period, Some(hours(49)));
    }
}

#[test]
fn what_would_be_safe_is_the_least_that_is() {
    for (life, window, count, period) in
        [("1h", "48h", 3, 1), ("12h", "48h", 3, 12), ("4h", "47h", 9, 5), ("24h", "48h", 4, 8)]
    {
        let with = |count: u32, seconds: i64| {
            keys_of(&set(life, window, count, &format!("cloud.fernet_rotation.every = \"{seconds}s\"")))
        };
        let keys = with(count, period * 3_600);
        let fewest = keys.fewest_keys.unwrap();
        assert!(with(fewest, period * 3_600).window_ok() && !with(fewest - 1, period * 3_600).window_ok());
        let shortest = keys.shortest_period.unwrap().micros() / 1_000_000;
        assert!(with(count, shortest).window_ok() && !with(count, shortest - 1).window_ok());
        if let Some(longest) = keys.longest_window() {
            let rotation = format!("cloud.fernet_rotation.every = \"{period}h\"");
            let at =
                |window: Span| keys_of(&set(life, &format!("{}s", window.seconds()), count, &rotation)).window_ok();
            assert!(at(longest) && !at(longest + Span::from_seconds(1)));
        }
    }
}

/// With weekly, daily and hourly rotation, for a lifetime of an hour and a window of two days.
#[test]
fn the_table_says_how_many_keys_a_period_needs() {
    let keys = keys_of(&set("1h", "48h", 3, "cloud.fernet_rotation.every = \"24h\""));
    let of = |period: i64| keys.table().into_iter().find(|row| row.period == hours(period)).unwrap();
    assert_eq!([168, 24, 1].map(|period| of(period).fewest_keys), [3, 5, 51]);
    assert_eq!([168, 24, 1].map(|period| of(period).with_lag), [3, 5, 52]);
    assert_eq!([168, 24, 1].map(|period| of(period).effective_window), [hours(48), hours(23), hours(0)]);
}

#[test]
fn a_lag_costs_as_much_cover() {
    let nodes = |lag: &str| {
        format!("cloud.fernet_rotation.every = \"12h\"\ncloud.keystone.nodes = 3\ncloud.keystone.sync_lag = {lag}")
    };
    for (case, lag, reach) in [
        ("none", "\"0s\"".to_owned(), Span::from_seconds(60 * 3_600)),
        ("a minute", "\"60s\"".to_owned(), Span::from_seconds(60 * 3_600 - 60)),
        ("at most a minute", "{ uniform = [\"0s\", \"60s\"] }".to_owned(), Span::from_seconds(60 * 3_600 - 60)),
        ("as long as a period: copies are of the next rotation", "\"12h\"".to_owned(), Span::from_seconds(60 * 3_600)),
    ] {
        let keys = keys_of(&set("12h", "48h", 7, &nodes(&lag)));
        assert_eq!((keys.cover, keys.reach), (Some(hours(60)), Some(reach)), "{case}");
        assert_eq!(keys.unreadable, None, "{case}");
    }
    let endless = keys_of(&set("12h", "48h", 7, &nodes("{ exponential = { mean = \"60s\" } }")));
    assert_eq!(endless.late.and_then(|late| late.beyond_margin), Some(1.0), "the margin is zero");
    let roomy = keys_of(&set("12h", "48h", 8, &nodes("{ exponential = { mean = \"60s\" } }")));
    assert!(roomy.late.and_then(|late| late.beyond_margin).unwrap() < 1e-9);
}

#[test]
fn a_missed_copy_costs_a_period() {
    let settings = "cloud.fernet_rotation = { every = \"12h\", offset = \"0s\" }\ncloud.keystone.nodes = 3\n\
                    cloud.keystone.missed_syncs = [{ node = 2, from = \"24h\", until = \"24h 1s\" }]";
    let keys = keys_of(&set("12h", "48h", 8, &settings.replace("24h 1s", "86401s")));
    assert_eq!((keys.cover, keys.reach), (Some(hours(72)), Some(hours(60))));
    assert_eq!((keys.margin(), keys.unreadable), (Some(Span::ZERO), None));
    let four = settings.replace("24h 1s", "60h");
    assert!(keys_of(&set("12h", "48h", 8, &four)).unreadable.is_some(), "three in a row");
}

#[test]
fn irregular_schedules_are_replayed() {
    let cases = [
        // Two rotations an hour apart: with three keys a token lives through one.
        ("listed", 3, "cloud.fernet_rotation.at = [\"-50h\", \"0s\", \"1h\", \"60h\"]", Some(hours(1))),
        ("four keys bear it", 4, "cloud.fernet_rotation.at = [\"-50h\", \"0s\", \"1h\", \"60h\"]", Some(hours(51))),
        ("too few rotations to lose anything", 6, "cloud.fernet_rotation.at = [\"-50h\", \"0s\", \"1h\"]", None),
        (
            "a playbook",
            7,
            "cloud.fernet_rotation = { every = \"24h\", offset = \"0s\", extra = [\"30h\"] }",
            Some(hours(96)),
        ),
        ("whatever the phase", 7, "cloud.fernet_rotation = { every = \"24h\", extra = [\"30h\"] }", Some(hours(96))),
        (
            "three playbooks break openstack-ansible's window",
            7,
            "cloud.fernet_rotation = { every = \"24h\", extra = [\"30h\", \"31h\", \"32h\"] }",
            Some(hours(48)),
        ),
    ];
    for (case, count, rotation, cover) in cases {
        assert_eq!(keys_of(&set("12h", "48h", count, rotation)).cover, cover, "{case}");
    }
    let spare = keys_of(&set("12h", "48h", 7, "cloud.fernet_rotation.every = \"24h\""));
    assert_eq!(spare.spare_rotations(), Some(2), "openstack-ansible bears two playbooks");
    assert_eq!(keys_of(&set("24h", "48h", 3, "cloud.fernet_rotation.every = \"72h\"")).spare_rotations(), Some(0));
}

#[test]
fn nodes_that_rotate_by_themselves_do_not_read_each_other() {
    let apart = "cloud.keystone.nodes = 2\ncloud.keystone.rotations = [[\"1h\", \"3h\"], [\"2h\", \"4h\"]]";
    assert_eq!(keys_of(&set("1h", "48h", 3, apart)).unreadable, Some(Unreadable::Forever));
    let one = "cloud.keystone.nodes = 2\ncloud.fernet_rotation.every = \"24h\"\ncloud.keystone.sync_lag = \"5m\"";
    assert_eq!(
        keys_of(&set("1h", "1h", 1, one)).unreadable,
        Some(Unreadable::For(Span::from_seconds(300))),
        "nothing is staged"
    );
}

#[test]
fn clocks_that_differ_lengthen_lives() {
    let settings = "cloud.fernet_rotation.every = \"49h\"\ncloud.keystone.nodes = 2\n\
                    cloud.keystone.clock_offset = [\"-3s\", \"4s\"]";
    let keys = keys_of(&set("1h", "48h", 3, settings));
    assert_eq!((keys.skew, keys.margin()), (Span::from_seconds(7), Some(Span::from_seconds(-7))));
}

#[test]
fn a_lowered_limit_is_seen_coming() {
    let text = set("1h", "48h", 51, "cloud.fernet_rotation.every = \"1h\"\nrun.duration = \"4d\"");
    let change = "[[change]]\nat = \"2d\"\nkeystone.fernet_tokens.max_active_keys = 10\n";
    let model = model(&format!("{text}\n{change}"));
    let keys = keys(&model, &model.keystone, model.keystone.expiration);
    assert_eq!(keys.cover, Some(hours(8)), "by the limit that comes");
}

proptest! {
    /// Over a whole period, the worst second is that of the closed form.
    #[test]
    fn the_cover_is_the_worst_issue(count in 1_u32..9, period in 1_i64..50, offset in 0_i64..50) {
        let rotation = format!("cloud.fernet_rotation = {{ every = \"{period}s\", offset = \"{offset}s\" }}");
        let keys = keys_of(&set("1h", "48h", count, &rotation));
        let schedule = Schedule::Every { period: Span::from_seconds(period), offset: Instant::from_seconds(offset) };
        let worst = (0..period)
            .map(|second| Instant::from_seconds(offset + second + 1) - TICK)
            .map(|issued| key_gone_at(&schedule, issued, count).since(issued) - TICK)
            .min();
        prop_assert_eq!(keys.cover, worst);
    }

    /// Every second of a list's time, one after the other.
    #[test]
    fn the_cover_of_a_list_is_the_worst_issue(
        count in 1_u32..6,
        gaps in proptest::collection::vec(1_i64..9, 1..12),
    ) {
        let mut last = 0;
        let instants: Vec<i64> = gaps.iter().map(|gap| { last += gap; last }).collect();
        let list: Vec<String> = instants.iter().map(|at| format!("\"{at}s\"")).collect();
        let rotation = format!("cloud.fernet_rotation.at = [{}]", list.join(", "));
        let keys = keys_of(&set("1h", "48h", count, &rotation));
        let schedule = Schedule::At(instants.into_iter().map(Instant::from_seconds).collect());
        let worst = (0..=last)
            .map(|second| Instant::from_seconds(second) - TICK)
            .map(|issued| (issued, key_gone_at(&schedule, issued, count)))
            .filter(|(_, gone)| *gone != Instant::NEVER)
            .map(|(issued, gone)| gone.since(issued) - TICK)
            .min();
        prop_assert_eq!(keys.cover, worst);
    }
}
