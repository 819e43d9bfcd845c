//! Every reason is produced by a small scenario, with the step that Nova saw and the cause that came first.

use std::collections::BTreeSet;

use outlast::model::vocabulary::Reason;
use outlast::observe::Outcome;
use outlast::units::Instant;

use crate::support::{NO_CACHES, failure, model, records, story, study};

/// What one job comes to.
struct Case {
    name: &'static str,
    settings: &'static str,
    workload: &'static str,
    /// Step and reason as Nova saw them, then of the first cause.
    story: (&'static str, Reason, &'static str, Reason),
    http_status: u16,
    /// Of the first cause and of the end, in seconds from submission.
    at: (i64, i64),
}

use Reason::{
    BackendNoServiceToken, BeyondWindow, CinderBadRequest, DetachConflict, FernetKeyGone, FernetKeyNotSynced,
    KeystoneUnavailable, Revoked, ServiceTokenInvalid, ServiceTokenRoleMissing, TokenExchangeRefused, UserTokenExpired,
    VolumeError, VolumeWaitTimeout,
};

const CASES: &[Case] = &[
    Case {
        name: "dead on arrival",
        settings: "",
        workload: "token_age = \"1h\"",
        story: ("nova_api_post", UserTokenExpired, "nova_api_post", UserTokenExpired),
        http_status: 401,
        at: (0, 0),
    },
    Case {
        name: "expired while Nova waits for a build slot",
        settings: "",
        workload: "token_age = \"50m\"\nbuild_queue = \"10m\"",
        story: ("cinder_create", UserTokenExpired, "cinder_create", UserTokenExpired),
        http_status: 401,
        at: (600, 600),
    },
    Case {
        name: "expired while Nova polls",
        settings: "nova.DEFAULT.block_device_allocate_retries = 600",
        workload: "token_age = \"50m\"\ndownload = \"20m\"",
        story: ("poll", UserTokenExpired, "poll", UserTokenExpired),
        http_status: 401,
        at: (600, 600),
    },
    Case {
        name: "expired while the hypervisor attaches",
        settings: "",
        workload: "token_age = \"50m\"\nattach = \"11m\"",
        story: ("attach_complete", UserTokenExpired, "attach_complete", UserTokenExpired),
        http_status: 401,
        at: (660, 660),
    },
    Case {
        name: "expired for Cinder, while Nova polls with service tokens and sees the next poll",
        settings: "nova.service_user.send_service_user_token = true
            nova.DEFAULT = { block_device_allocate_retries = 600, block_device_allocate_retries_interval = 7 }",
        workload: "token_age = \"50m\"\ndownload = \"20m\"",
        story: ("poll", VolumeError, "cinder_image_after_download", UserTokenExpired),
        http_status: 200,
        // Polls at 0, 7, 14, …: the first after 1,200 s.
        at: (1_200, 1_204),
    },
    Case {
        name: "expired behind Glance, where no setting makes anybody send a service token",
        settings: "nova.service_user.send_service_user_token = true
            cinder.service_user.send_service_user_token = true
            glance.glance_store = { default_store = \"swift\", swift_store_multi_tenant = true }",
        workload: "token_age = \"50m\"\ncinder_queue = \"11m\"",
        story: ("poll", VolumeWaitTimeout, "poll", VolumeWaitTimeout),
        http_status: 200,
        at: (183, 183),
    },
    Case {
        name: "the same, and Nova waits long enough to see it",
        settings: "nova.service_user.send_service_user_token = true
            cinder.service_user.send_service_user_token = true
            nova.DEFAULT.block_device_allocate_retries = 600
            glance.glance_store = { default_store = \"swift\", swift_store_multi_tenant = true }",
        workload: "token_age = \"50m\"\ncinder_queue = \"11m\"",
        story: ("poll", VolumeError, "swift_get", BackendNoServiceToken),
        http_status: 200,
        at: (660, 660),
    },
    Case {
        name: "the same with Cinder as Glance's store",
        settings: "nova.service_user.send_service_user_token = true
            cinder.service_user.send_service_user_token = true
            nova.DEFAULT.block_device_allocate_retries = 600
            glance.glance_store.default_store = \"cinder\"",
        workload: "token_age = \"50m\"\ncinder_queue = \"11m\"",
        story: ("poll", VolumeError, "cinder_store_get", BackendNoServiceToken),
        http_status: 200,
        at: (660, 660),
    },
    Case {
        name: "beyond the window",
        settings: "nova.service_user.send_service_user_token = true
            keystone.token.allow_expired_window = 300",
        workload: "token_age = \"50m\"\nbuild_queue = \"15m\"",
        story: ("cinder_create", BeyondWindow, "cinder_create", BeyondWindow),
        http_status: 401,
        at: (900, 900),
    },
    Case {
        name: "cinder-api sends nothing to Glance, and takes the refusal for a bad request",
        settings: "nova.service_user.send_service_user_token = true",
        workload: "token_age = \"50m\"\nbuild_queue = \"10m\"",
        story: ("cinder_create", CinderBadRequest, "cinder_api_get_image", UserTokenExpired),
        http_status: 400,
        at: (600, 600),
    },
    Case {
        name: "the default wait is over",
        settings: "",
        workload: "token_age = \"0s\"\ndownload = \"10m\"",
        story: ("poll", VolumeWaitTimeout, "poll", VolumeWaitTimeout),
        http_status: 200,
        at: (183, 183),
    },
    Case {
        name: "two rotations over three keys",
        settings: "cloud.fernet_rotation.at = [\"-10m\", \"5m\"]",
        workload: "token_age = \"20m\"\nbuild_queue = \"5m\"",
        story: ("cinder_create", FernetKeyGone, "cinder_create", FernetKeyGone),
        http_status: 401,
        at: (300, 300),
    },
    Case {
        name: "revoked while Nova polls",
        settings: "",
        workload: "token_age = \"0s\"\ndownload = \"10m\"\nrevoke_after = \"100s\"",
        story: ("poll", Revoked, "poll", Revoked),
        http_status: 401,
        at: (102, 102),
    },
    Case {
        name: "Nova's service user lacks the role",
        settings: "nova.service_user.send_service_user_token = true
            cloud.service_users.nova.roles = [\"member\"]",
        workload: "token_age = \"0s\"",
        story: ("nova_get_image", ServiceTokenRoleMissing, "nova_get_image", ServiceTokenRoleMissing),
        http_status: 401,
        at: (0, 0),
    },
    Case {
        name: "Cinder's service user lacks the role",
        settings: "cinder.service_user.send_service_user_token = true
            cloud.service_users.cinder.roles = [\"member\"]",
        workload: "token_age = \"0s\"\nbuild_queue = \"10s\"",
        story: ("cinder_create", CinderBadRequest, "cinder_api_get_image", ServiceTokenRoleMissing),
        http_status: 400,
        at: (10, 10),
    },
    Case {
        name: "Nova's service user is disabled",
        settings: "nova.service_user.send_service_user_token = true
            cloud.service_users.nova.disabled_at = \"31s\"",
        workload: "token_age = \"0s\"\ndownload = \"2m\"",
        story: ("poll", ServiceTokenInvalid, "poll", ServiceTokenInvalid),
        http_status: 401,
        at: (33, 33),
    },
];

#[test]
fn every_reason_comes_about() {
    let mut seen = BTreeSet::new();
    for case in CASES {
        let settings = format!("run.duration = \"1s\"\n{NO_CACHES}{}", case.settings);
        let records = records(&model(&settings, &format!("arrivals = {{ every = \"1s\" }}\n{}", case.workload)), 0);
        let [record] = records.as_slice() else { panic!("{}: one job", case.name) };
        let failure = failure(record).unwrap_or_else(|| panic!("{}: {record:?}", case.name));
        assert_eq!(story(&failure), case.story, "{}", case.name);
        assert_eq!(failure.http_status, case.http_status, "{}", case.name);
        let (cause, ended) = (Instant::from_seconds(case.at.0), Instant::from_seconds(case.at.1));
        assert_eq!((failure.first_cause.at, record.ended), (cause, Some(ended)), "{}", case.name);
        seen.extend([failure.reason, failure.first_cause.reason]);
    }
    seen.extend(OTHERS.iter().map(|other| other.story.1));
    let missing: Vec<&Reason> = Reason::ALL.iter().filter(|reason| !seen.contains(reason)).collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}

/// What jobs that boot from volume cannot show, or only by chance.
struct Other {
    name: &'static str,
    job: &'static str,
    settings: &'static str,
    workload: &'static str,
    /// Step and reason as Nova saw them, then of the first cause.
    story: (&'static str, Reason, &'static str, Reason),
    http_status: u16,
    /// Of the end, in seconds from submission.
    at: f64,
}

const OTHERS: &[Other] = &[
    Other {
        name: "Cinder takes Nova for a user (CVE-2023-2088)",
        job: "volume-detach",
        settings: "",
        workload: "phase1 = \"20s\"",
        story: ("attachment_delete", DetachConflict, "attachment_delete", DetachConflict),
        http_status: 409,
        at: 20.0,
    },
    Other {
        name: "cached in Cinder, revoked in Keystone",
        job: "volume-detach",
        settings: "",
        workload: "phase1 = \"20s\"\nrevoke_after = \"10s\"",
        story: ("attachment_delete", TokenExchangeRefused, "cinder_exchange_token", TokenExchangeRefused),
        http_status: 500,
        at: 20.0,
    },
    Other {
        name: "nobody answers at Keystone: tries after 0.5, 1 and 2 s more",
        job: "volume-detach",
        settings: "cloud.keystone.outages = [{ from = \"0s\", until = \"1m\" }]",
        workload: "",
        story: ("nova_api_post", KeystoneUnavailable, "nova_api_post", KeystoneUnavailable),
        http_status: 503,
        at: 3.5,
    },
    Other {
        name: "a node that rotates by itself reads nothing of the other's",
        job: "snapshot",
        settings: "cloud.keystone = { nodes = 2, rotations = [[\"-3h\", \"-2h\"], [\"-5h\", \"-4h\"]] }",
        workload: "",
        story: ("nova_api_post", FernetKeyNotSynced, "nova_api_post", FernetKeyNotSynced),
        http_status: 401,
        at: 0.0,
    },
];

#[test]
fn other_kinds_show_the_rest() {
    for other in OTHERS {
        let Other { name, job, settings, workload, story, http_status, at } = other;
        let text = format!(
            "name = \"other\"\nrun.duration = \"1s\"\n{settings}\n[[workload]]\njob = \"{job}\"
            arrivals = {{ every = \"1s\" }}\ntoken_age = \"60s\"\n{workload}"
        );
        let model = study(&text).points.remove(0).model;
        // Which node is asked is drawn.
        let failed: Vec<_> = (0..20)
            .flat_map(|replication| records(&model, replication))
            .filter_map(|record| Some((failure(&record)?, record)))
            .collect();
        let kind = &model.workloads[0].kind;
        let name_of = |step| kind.step_name(step);
        let found: Vec<_> = failed
            .iter()
            .map(|(failure, record)| {
                let cause = failure.first_cause;
                let story = (name_of(failure.step), failure.reason, name_of(cause.step), cause.reason);
                (story, failure.http_status, record.ended.map(|ended| ended.since(Instant::START).seconds()))
            })
            .collect();
        assert!(found.contains(&(*story, *http_status, Some(*at))), "{name}: {found:?}");
    }
}

/// The other two outcomes.
#[test]
fn completed_and_unfinished() {
    let settings = format!("run.duration = \"1s\"\nrun.drain = \"1m\"\n{NO_CACHES}");
    for (download, expected) in [("1m", Outcome::Completed), ("61s", Outcome::Unfinished)] {
        let workload = format!("arrivals = {{ every = \"1s\" }}\ntoken_age = \"0s\"\ndownload = \"{download}\"");
        let records = records(&model(&settings, &workload), 0);
        assert_eq!(records[0].outcome, expected, "{download}");
    }
}

/// An outage that a retry has overcome is not why the job fails two hours later.
#[test]
fn what_was_overcome_is_no_cause() {
    let text = "name = \"overcome\"
        run.duration = \"1s\"
        cloud.keystone.outages = [{ from = \"0s\", until = \"5s\" }]
        [[job]]
        name = \"ask-twice\"
        description = \"Asks, and asks again two hours later.\"
        steps = [
          { retry = 3, steps = [{ request = \"ask\", from = \"client\", to = \"nova\" }] },
          { wait = \"2h\" },
          { request = \"ask_again\", from = \"client\", to = \"nova\" },
        ]
        [[workload]]
        job = \"ask-twice\"
        arrivals = { every = \"1s\" }
        token_age = \"0s\"";
    let model = study(text).points.remove(0).model;
    let failed = failure(&records(&model, 0)[0]).expect("the token lives for an hour");
    let kind = &model.workloads[0].kind;
    let story = (kind.step_name(failed.step), kind.step_name(failed.first_cause.step), failed.first_cause.reason);
    assert_eq!(story, ("ask_again", "ask_again", UserTokenExpired));
}

/// What a service's own answer begins in a branch is the first cause of the poll that sees `error`.
#[test]
fn an_answer_may_come_first() {
    let text = "name = \"answer\"
        run.duration = \"1s\"
        [[job]]
        name = \"j\"
        description = \"A branch is told no.\"
        resources = { v = [\"creating\", \"ok\", \"error\"] }
        steps = [
          { set = { v = \"creating\" } },
          { beside = [
              { try = [
                  { wait = \"10s\" },
                  { request = \"in_branch\", from = \"cinder-volume\", to = \"glance\", inside = [{ answer = 409, reason = \"detach_conflict\" }] },
                ],
                refused = [{ set = { v = \"error\" } }] },
              { set = { v = \"ok\" } },
            ] },
          { poll = \"p\", from = \"nova-compute\", to = \"cinder\", until = { v = \"ok\" }, error = { v = \"error\" }, retries = 9, interval = \"3s\" },
        ]
        [[workload]]
        job = \"j\"
        arrivals = { every = \"1s\" }
        token_age = \"0s\"";
    let model = study(text).points.remove(0).model;
    let failed = failure(&records(&model, 0)[0]).expect("the branch fails");
    let kind = &model.workloads[0].kind;
    let cause = failed.first_cause;
    assert_eq!((kind.step_name(failed.step), failed.reason), ("p", VolumeError));
    assert_eq!(
        (kind.step_name(cause.step), cause.reason, cause.at),
        ("in_branch", DetachConflict, Instant::from_seconds(10))
    );
}

/// A request within the one for which a token was got does not end the life of that token.
#[test]
fn what_is_got_for_a_request_lasts_until_it_is_answered() {
    let text = "name = \"login\"
        run.duration = \"1s\"
        [[job]]
        name = \"j\"
        description = \"A long request on a token of the service's own.\"
        steps = [{ request = \"outer\", from = \"client\", to = \"nova\", inside = [
          { login = \"l\", from = \"cinder-api\" },
          { request = \"mid\", from = \"cinder-api\", to = \"glance\", inside = [{ wait = \"10s\" }] },
          { wait = \"30m\" },
          { request = \"late\", from = \"cinder-api\", to = \"glance\", token = \"delegated\" },
        ] }]
        [[workload]]
        job = \"j\"
        arrivals = { every = \"1s\" }
        token_age = \"50m\"";
    let model = study(text).points.remove(0).model;
    assert_eq!(records(&model, 0)[0].outcome, Outcome::Completed);
}
