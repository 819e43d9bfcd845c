//! Sweeps and presets: which points there are, and which layer wins at each.

use std::fs;

use super::*;
use crate::model::program::{Op, Poll};
use crate::model::{Keys, Model, Rotations, ServiceId};
use crate::random::Dist;
use crate::random::dist::Shape;
use crate::units::Span;

/// Release < presets from the innermost < include < file < sweep.
#[test]
fn presets_nest() {
    let folder = tempfile::tempdir().unwrap();
    let base = "[presets.today]\npreset = \"kolla-ansible\"\nkeystone.token.expiration = \"8h\"\n\
        cloud.requests.time = { exponential = { mean = \"40ms\" } }\nkeystone.fernet_tokens.max_active_keys = 5\n\
        cloud.fernet_rotation.every = \"6h\"\nnova.DEFAULT.block_device_allocate_retries = 90\n\
        [presets.other]\ncloud.release = \"2025.1\"\n\
        [nova.DEFAULT]\nblock_device_allocate_retries = 8\n";
    fs::write(folder.path().join("base.toml"), base).unwrap();
    let text = "include = [\"base.toml\"]\n[presets.today]\ncloud.requests.time = { uniform = [\"1s\", \"2s\"] }\n\
        cloud.fernet_rotation.at = [\"1h\"]\n\
        [presets.proposal]\npreset = \"today\"\nkeystone.token.expiration = \"9h\"\n\
        [sweep]\npreset = [\"kolla-ansible\", \"today\", \"proposal\", \"other\"]\n\
        \"keystone.token.allow_expired_window\" = [60]\n";
    let study = load_text("t.toml", &around(text), folder.path(), &Overrides::default());
    let study = study.unwrap_or_else(|issues| panic!("{issues}"));
    let models: Vec<&Model> = study.points.iter().map(|point| &point.model).collect();
    let hours = |model: &&Model| model.keystone.expiration.seconds() / 3600.0;
    assert_eq!(models.iter().map(hours).collect::<Vec<f64>>(), [24.0, 8.0, 9.0, 1.0]);
    let keys = |model: &&Model| match model.keystone.keys {
        Keys::Fernet { max_active_keys, .. } => max_active_keys,
        Keys::Jws => 0,
    };
    assert_eq!(models.iter().map(keys).collect::<Vec<u32>>(), [3, 5, 5, 3]);
    // One value of one name is replaced whole, and `at` replaces `every`.
    let uniform = Dist::new(Shape::Uniform { low: 1.0, high: 2.0 }, None, None).unwrap();
    assert_eq!(
        models.iter().map(|model| model.request_time == uniform).collect::<Vec<bool>>(),
        [false, true, true, false]
    );
    let once = |model: &&Model| matches!(model.keystone.keys, Keys::Fernet { rotations: Rotations::At(_), .. });
    assert_eq!(models.iter().map(once).collect::<Vec<bool>>(), [false, true, true, false]);
    // The file that is included lies over every preset, and the sweep over all.
    assert_eq!(models.iter().map(|model| polls(model)).collect::<Vec<u32>>(), [9; 4]);
    assert!(models.iter().all(|model| model.keystone.allow_expired_window == Span::from_seconds(60)));
    // A release is a default below them.
    let requires = |model: &&Model| {
        let auth_token = model.service(ServiceId::GLANCE).keystone_authtoken.as_ref();
        auth_token.is_some_and(|auth_token| auth_token.service_token_roles_required)
    };
    assert_eq!(models.iter().map(requires).collect::<Vec<bool>>(), [true, true, true, false]);
    let single =
        read(&around("preset = \"a\"\n[presets.a]\npreset = \"b\"\n[presets.b]\nkeystone.token.expiration = 7200\n"));
    assert_eq!(single.unwrap().points[0].model.keystone.expiration, Span::from_seconds(7_200));
}

/// How often Nova asks for a volume.
fn polls(model: &Model) -> u32 {
    let ops = &model.workloads[0].program.ops;
    ops.iter().find_map(|op| if let Op::Poll(Poll { attempts, .. }) = op { Some(*attempts) } else { None }).unwrap_or(0)
}

/// Grid keys come first, then the zips; the last varies fastest.
#[test]
fn zipped_keys_are_one_axis() {
    let text = "[sweep]\n\"cinder.service_user.send_service_user_token\" = [false, true]\n\
        zip = [{ \"keystone.token.expiration\" = [\"1h\", \"2h\", 7200], \"keystone.fernet_tokens.max_active_keys\" = [3, 3, 5] },\n\
        { nova.DEFAULT.block_device_allocate_retries = [7, 8] }]\n\
        \"keystone.token.allow_expired_window\" = [0]\n\
        [[expect]]\nmetric = \"failed\"\nmax = 0\nwhere = { \"keystone.token.expiration\" = \"2h\" }\n\
        [[expect]]\nmetric = \"failed\"\nmax = 0\n\
        where = { keystone.fernet_tokens.max_active_keys = 3, nova.DEFAULT.block_device_allocate_retries = 8 }\n";
    let study = read(&around(text)).unwrap_or_else(|issues| panic!("{issues}"));
    let axes: Vec<(&str, Option<usize>, usize)> = study
        .axes
        .iter()
        .map(|axis| (axis.key.rsplit('.').next().unwrap_or_default(), axis.zip, axis.values.len()))
        .collect();
    let expected = [
        ("send_service_user_token", None, 2),
        ("allow_expired_window", None, 1),
        ("expiration", Some(0), 3),
        ("max_active_keys", Some(0), 3),
        ("block_device_allocate_retries", Some(1), 2),
    ];
    assert_eq!(axes, expected);
    assert_eq!(study.dimensions().collect::<Vec<_>>(), [0..1, 1..2, 2..4, 4..5]);
    let points: Vec<&[usize]> = study.points.iter().map(|point| point.values.as_slice()).collect();
    assert_eq!(points.len(), 12);
    assert_eq!(points[..4], [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 1, 1, 0], [0, 0, 1, 1, 1]]);
    assert_eq!(points[11], [1, 0, 2, 2, 1]);
    let Keys::Fernet { max_active_keys, .. } = study.points[4].model.keystone.keys else { panic!("Fernet keys") };
    assert_eq!((study.points[4].model.keystone.expiration, max_active_keys), (Span::from_seconds(7_200), 5));
    assert_eq!(study.expectations[0].points, [2, 3, 4, 5, 8, 9, 10, 11], "a value that a zip has twice");
    assert_eq!(study.expectations[1].points, [1, 3, 7, 9]);
}

/// A sweep of ten thousand points is read in a fraction of a second, because files are parsed and merged once, programs
/// are compiled once, and lists are not compared each with each.
#[test]
fn large_sweeps_expand() {
    let values: Vec<String> = (200..300).map(|value| value.to_string()).collect();
    let values = values.join(", ");
    let text = format!(
        "[sweep]\n\"keystone.token.expiration\" = [{values}]\n\"keystone.token.allow_expired_window\" = [{values}]"
    );
    let study = read(&around(&text)).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!(study.points.len(), 10_000);
    assert_eq!(study.points[9_999].model.keystone.allow_expired_window, Span::from_seconds(299));
    let (first, last) = (&study.points[0].model, &study.points[9_999].model);
    assert!(std::sync::Arc::ptr_eq(&first.services, &last.services), "points share what the sweep does not change");
    assert!(std::sync::Arc::ptr_eq(&first.workloads, &last.workloads));
}
