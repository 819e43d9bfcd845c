//! `outlast explain`: the course of a job is its own among all others, the story says what happened and why, and what
//! cannot be told is said plainly.

use std::path::Path;

use outlast::cloud::lone::{WhatIf, replay};
use outlast::cloud::trace;
use outlast::experiment::{Because, Choice, OldestToken, oldest_token, single};
use outlast::model::Model;
use outlast::model::vocabulary::Reason;
use outlast::observe::Outcome;
use outlast::observe::course::{Course, Raise, Verdict, What};
use outlast::scenario::{Overrides, load};
use outlast::units::{Instant, Span};

use crate::command::{Desk, SMALL};
use crate::golden::golden;
use crate::support::{ALL_SEND, BUSY, NO_CACHES, model, records, study};

/// One job each hour whose token has five minutes left and whose download takes ten.
const DYING: &str = "arrivals = { every = \"1h\" }\ntoken_age = \"55m\"\ndownload = \"10m\"\nconvert = \"1m\"";
const PATIENT: &str = "nova.DEFAULT.block_device_allocate_retries = 600\n";

fn shipped(file: &str) -> Model {
    let study = load(Path::new(file), &Overrides::default()).unwrap_or_else(|issues| panic!("{issues}"));
    study.points.into_iter().next().expect("a study has a point").model
}

fn verdicts(course: &Course) -> Vec<(Instant, Verdict)> {
    let verdict = |entry: &outlast::observe::course::Entry| match entry.what {
        What::Judged(verdict) => Some((entry.at, verdict)),
        _ => None,
    };
    course.entries.iter().filter_map(verdict).collect()
}

/// With queues, shared links, several nodes and random request times: the traced job has the row of `jobs.csv`.
#[test]
fn the_course_is_that_of_the_job_among_all_others() {
    let busy = study(BUSY).points.remove(0).model;
    let cases = [
        ("busy", busy, 40),
        ("queueing", shipped("scenarios/load/few_keystone_workers.toml"), 100),
        ("links and pools", shipped("scenarios/load/mixed_week.toml"), 100),
    ];
    for (what, model, step) in cases {
        let records = records(&model, 0);
        assert!(records.len() > step, "{what}: {} jobs", records.len());
        for record in records.iter().step_by(step).take(12) {
            let course = trace(&model, 0, record.workload, record.ordinal).expect("the job is there");
            assert_eq!(course.record, *record, "{what}");
            assert!(course.counts);
            assert!(course.entries.is_sorted_by_key(|entry| entry.at), "{what}");
            let decided = course.entries.iter().find(|entry| matches!(entry.what, What::Completes | What::Fails));
            assert_eq!(decided.map(|entry| entry.at), record.ended, "{what}");
            let polls = verdicts(&course).iter().filter_map(|(_, verdict)| verdict.poll).count();
            assert!(polls >= record.polls as usize, "{what}: {polls} of {}", record.polls);
        }
    }
}

#[test]
fn a_token_expires_on_the_way() {
    let model = model(&format!("{PATIENT}{NO_CACHES}run.duration = \"3h\""), DYING);
    let (course, because) = single(&model, 0, None, Choice::Telling).expect("jobs fail");
    assert_eq!((course.record.ordinal, because), (0, Because::FirstFailed(3)));
    let refused: Vec<_> = verdicts(&course).into_iter().filter(|(_, verdict)| verdict.refused.is_some()).collect();
    let (at, verdict) = refused[0];
    assert_eq!(at, course.token.expires, "strict: at its very end it is refused");
    assert_eq!((verdict.poll, verdict.refused), (Some(101), Some(Reason::UserTokenExpired)));
    assert_eq!((verdict.user.keystone, verdict.service), (Some(false), None));
    assert_eq!(course.smallest_margin, Some(Span::from_seconds(3)), "the poll before");
    assert_eq!(course.token.expires.since(course.token.issued), Span::from_seconds(3_600));
    assert!(matches!(course.record.outcome, Outcome::Failed(failure) if failure.first_cause.at == at));
}

#[test]
fn a_key_is_lost_on_the_way() {
    let settings = "keystone.fernet_tokens.max_active_keys = 3\n\
                    cloud.fernet_rotation = { every = \"30m\", offset = \"1m\" }\nrun.duration = \"1h\"";
    let model = model(
        &format!("{PATIENT}{NO_CACHES}{settings}"),
        "arrivals = { every = \"1h\" }\ntoken_age = \"40m\"\ndownload = \"25m\"",
    );
    let (course, _) = single(&model, 0, None, Choice::FailedFor(Reason::FernetKeyGone)).expect("it fails");
    let (at, verdict) = verdicts(&course).into_iter().find(|(_, verdict)| verdict.refused.is_some()).unwrap();
    // Issued 40 min before the start, after the rotation at -59 min; those at -29 min and 1 min leave it, and with
    // three keys the second of them takes its key.
    let own = course.keys.iter().find(|key| key.is_of_token).expect("the token has a key");
    let minute = |minutes: i64| Instant::START + Span::from_seconds(60 * minutes);
    assert_eq!((own.staged, own.primary), (minute(-89), minute(-59)));
    assert_eq!((own.secondary, own.purged), (minute(-29), minute(1)));
    assert_eq!((course.token.key_gone, at), (own.purged, minute(1)));
    assert_eq!(verdict.refused, Some(Reason::FernetKeyGone));
    assert!(at < course.token.expires, "a live token is lost");
    assert!(course.keys.iter().filter(|key| key.is_of_token).count() == 1 && course.keys.len() >= 4);
}

/// Cinder meets the refusal; Nova sees a volume in error.
#[test]
fn an_error_is_translated_on_its_way_up() {
    let model = model(
        &format!("{PATIENT}{NO_CACHES}nova.service_user.send_service_user_token = true\nrun.duration = \"1h\""),
        DYING,
    );
    let course = trace(&model, 0, 0, 0).expect("the job is there");
    let raised: Vec<_> = course
        .entries
        .iter()
        .filter_map(|entry| match entry.what {
            What::Raised { failure, by, .. } => Some((by, failure.reason, failure.first_cause.reason)),
            _ => None,
        })
        .collect();
    assert_eq!(raised.first(), Some(&(Raise::Refused, Reason::UserTokenExpired, Reason::UserTokenExpired)));
    assert_eq!(raised.last(), Some(&(Raise::GaveUp, Reason::VolumeError, Reason::UserTokenExpired)));
    assert!(verdicts(&course).iter().any(|(at, verdict)| *at > verdict.expires && verdict.allows_expired()));
}

#[test]
fn a_completed_job_is_told_where_none_failed() {
    let model =
        model("run.duration = \"3h\"", "arrivals = { every = \"1h\" }\ntoken_age = { uniform = [\"0s\", \"50m\"] }");
    let (course, because) = single(&model, 0, None, Choice::Telling).expect("there are jobs");
    assert_eq!((course.record.outcome, because), (Outcome::Completed, Because::Closest));
    let others = (0..3).filter_map(|job| trace(&model, 0, 0, job)).filter_map(|course| course.smallest_margin);
    assert_eq!(course.smallest_margin, others.min());
    assert!(single(&model, 0, None, Choice::Numbered(3)).is_none());
    assert!(single(&model, 0, None, Choice::FailedFor(Reason::Revoked)).is_none());
}

#[test]
fn the_oldest_token_is_the_last_that_passes() {
    let model = model(&format!("{PATIENT}{NO_CACHES}run.duration = \"1h\""), DYING);
    let Some(OldestToken::Age(age)) = oldest_token(&model, 0, 0, 0) else { panic!("there is an age") };
    let outcome = |age| {
        let what_if = WhatIf { token_age: Some(age), ..WhatIf::default() };
        replay(&model, 0, 0, 0, &what_if).expect("the job is there").0.outcome
    };
    assert_eq!(outcome(age), Outcome::Completed);
    assert!(matches!(outcome(age + Span::from_seconds(1)), Outcome::Failed(_)));
    let long = self::model(&format!("{PATIENT}{NO_CACHES}run.duration = \"1h\""), &DYING.replace("10m", "2h"));
    let patient = oldest_token(&long, 0, 0, 0);
    assert_eq!(patient, Some(OldestToken::NotEvenNew));
}

#[test]
fn the_story_is_told() {
    let desk = Desk::new();
    let text = format!(
        "name = \"dying\"\nrun.duration = \"2h\"\n{PATIENT}{NO_CACHES}[[workload]]\nname = \"boots\"\n\
         job = \"boot-from-volume\"\n{DYING}\n"
    );
    desk.write("dying.toml", text);
    let told = desk.run(&["explain", "dying.toml", "--color", "never"]);
    golden("explain.txt", &told.exits(0).stdout);
    let drawn = desk.read("output/dying.explain/timeline.svg");
    assert!(drawn.contains("user token expired") && drawn.contains("nova-compute"), "{drawn}");
    assert!(desk.path().join("output/dying.explain/timeline.png").is_file());
    let json = desk.run(&["explain", "dying.toml", "--format", "json", "--no-plots", "--job", "1"]);
    let json: serde_json::Value = serde_json::from_str(&json.exits(0).stdout).unwrap();
    assert_eq!((&json["job_id"], &json["chosen"]), (&1.into(), &"asked for by its number".into()));
    assert_eq!(json["failure"]["first_cause_s"], 300.0);
    assert_eq!(json["token"]["expires_s"], 300.0);
    let refused = |line: &&serde_json::Value| !line["refused"].is_null();
    let first = json["course"].as_array().unwrap().iter().find(refused).unwrap();
    assert_eq!((&first["from_s"], &first["process"]), (&300.0.into(), &"nova-compute".into()));
    let markdown = desk.run(&["explain", "dying.toml", "--format", "markdown", "--out", "told"]);
    assert!(markdown.exits(0).stdout.contains("## dying: boots job 0 of boot-from-volume"));
    assert!(desk.path().join("told/timeline.svg").is_file(), "--out names the folder itself");
}

/// The lines of the course in JSON, of the first job of a scenario in this folder.
fn course(desk: &Desk, file: &str, more: &[&str]) -> Vec<serde_json::Value> {
    let told = desk.run(&[&["explain", file, "--format", "json", "--no-plots"], more].concat());
    let json: serde_json::Value = serde_json::from_str(&told.exits(0).stdout).unwrap();
    json["course"].as_array().unwrap().clone()
}

/// At the very end of its life Keystone refuses a token, and only the window lets it pass; a cache still has it in
/// time.
#[test]
fn the_instant_of_expiry_is_told_as_it_is() {
    let desk = Desk::new();
    let text = |caches: &str| {
        format!(
            "name = \"bound\"\nrun.duration = \"1h\"\n{PATIENT}{ALL_SEND}{caches}[[workload]]\njob = \"boot-from-volume\"\n{DYING}\n"
        )
    };
    // Polls come every three seconds, so that one of them is sent at 300 s.
    let cached = "cinder.keystone_authtoken.token_cache_time = 600\n";
    for (caches, begins) in [(NO_CACHES, 300.0), (cached, 303.0)] {
        desk.write("bound.toml", text(caches));
        let lines = course(&desk, "bound.toml", &["--job", "0"]);
        let rule = "auth_token, 3: allow_expired";
        let late = |line: &&serde_json::Value| line["rule"].as_str().is_some_and(|told| told.starts_with(rule));
        let polls = |line: &&serde_json::Value| line["what"].as_str().is_some_and(|what| what.starts_with("poll"));
        let first = lines.iter().filter(polls).find(late).expect("polls go on behind the expiry");
        assert_eq!(first["from_s"], begins, "{caches}");
    }
}

/// Where several nodes hold different keys, a request that one of them refuses is accepted by another: both are told.
#[test]
fn a_request_that_is_sent_once_more_has_both_answers() {
    let desk = Desk::new();
    desk.write(
        "nodes.toml",
        format!(
            "name = \"nodes\"\nrun.duration = \"6h\"\nnova.DEFAULT.block_device_allocate_retries = 2400\n{ALL_SEND}\
             keystone.token.allow_expired_window = 600\ncloud.keystone.nodes = 3\ncloud.keystone.sync_lag = \"40m\"\n\
             cloud.fernet_rotation.every = \"30m\"\n[[workload]]\njob = \"boot-from-volume\"\n\
             arrivals = {{ every = \"5m\" }}\ntoken_age = {{ of_expiration = {{ uniform = [0,1] }} }}\ndownload = \"70m\"\n"
        ),
    );
    let lines = course(&desk, "nodes.toml", &["--job", "0"]);
    let notes = |line: &serde_json::Value| line["notes"].to_string();
    let again: Vec<_> = lines.iter().filter(|line| notes(line).contains("sent once more after the 401")).collect();
    assert!(!again.is_empty(), "{lines:#?}");
    for line in again {
        let told: Vec<&str> = line["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
        let at = told.iter().position(|note| note.starts_with("sent once more")).unwrap();
        assert!(told[at - 1].starts_with("refused"), "{told:?}");
        let is_refused = told[at + 1].starts_with("refused");
        assert_eq!(!line["refused"].is_null(), is_refused, "{told:?}");
        assert!(is_refused || told[at + 1].starts_with("accepted"), "{told:?}");
    }
    for line in lines.iter().filter(|line| line["refused"].is_null()) {
        assert!(!notes(line).contains("refused") || notes(line).contains("accepted"), "{line}");
    }
}

/// What was refused inside a request is answered by the service that the request went to.
#[test]
fn an_answer_is_of_the_service_that_was_asked() {
    let desk = Desk::new();
    desk.write(
        "store.toml",
        format!(
            "name = \"store\"\nrun.duration = \"1h\"\n{ALL_SEND}glance.glance_store.default_store = \"cinder\"\n\
             [[workload]]\njob = \"shelve\"\narrivals = {{ every = \"1h\" }}\ntoken_age = \"30m\"\nphase1 = \"2h\"\n"
        ),
    );
    let lines = course(&desk, "store.toml", &[]);
    let answers: Vec<&str> =
        lines.iter().filter_map(|line| line["what"].as_str()).filter(|what| what.contains(" answers ")).collect();
    assert_eq!(answers, ["put_file: glance answers 500"]);
    let told = desk.run(&["explain", "store.toml", "--format", "json", "--no-plots"]);
    let json: serde_json::Value = serde_json::from_str(&told.exits(0).stdout).unwrap();
    let saved_by: Vec<&str> = json["saved_by"].as_array().unwrap().iter().filter_map(|text| text.as_str()).collect();
    assert!(saved_by.contains(&"glance.glance_store.cinder_store_user_name = \"glance\""), "{saved_by:?}");
}

#[test]
fn what_is_not_there_is_said() {
    let desk = Desk::new();
    desk.write("small.toml", SMALL);
    let cases: [(&[&str], &str); 6] = [
        (&["--job", "99999"], "there is no job 99999 in replication 0 of point 0"),
        (&["--workload", "nobody"], "there is no workload `nobody`; it has "),
        (&["--reason", "bad_luck"], "there is no reason `bad_luck`; reasons are service_token_invalid, "),
        (&["--reason", "revoked"], "no job failed for `revoked` in replication 0 of point 0, nor in 2 others"),
        (&["--point", "9"], "there is no point 9; the sweep has points 0 to 1"),
        (&["--replication", "3"], "there is no replication 3; they are numbered from 0 to 2"),
    ];
    for (arguments, complaint) in cases {
        let all = [&["explain", "small.toml", "--no-plots"], arguments].concat();
        desk.run(&all).exits(1).complains(complaint).complains("small.toml");
    }
}
