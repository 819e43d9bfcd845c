//! Table `fernet`: which tokens key repositories decrypt, on one node and on several.

use outlast::identity::Schedule;
use outlast::identity::cluster::{Answer, Cluster, Syncs};
use outlast::identity::fernet::{KeyRepository, fatal_rotation};
use outlast::identity::lineage::Lineage;
use outlast::units::Instant;

use super::{Compare, Row, table};

/// What happened to the repositories between the issue of a token and its validation.
enum Kind {
    /// One node, so many rotations after the issue.
    OneNode { rotations: u32 },
    /// The validating node has a copy of the issuer's repository from so many generations ago (negative: to come).
    SyncedCopy { lag: i64 },
    /// Two nodes with equal repositories rotated on their own, and the first then issued the token.
    Independent { issuer: u32, validator: u32 },
    /// One node whose limit was changed before the rotations after the issue.
    MaxChanged { before: u32, rotations: u32 },
}

fn kind(row: &Row<'_>) -> Kind {
    let text = row.text("kind");
    let two = |prefix: &str, between: &str| -> Option<(u32, u32)> {
        let (first, second) = text.strip_prefix(prefix)?.split_once(between)?;
        Some((first.parse().ok()?, second.parse().ok()?))
    };
    if text != "synced_copy" {
        row.expect_empty("validator_lag");
    }
    match text {
        "one_node" => Kind::OneNode { rotations: row.count("rotations_since_issue") },
        "synced_copy" => {
            row.expect_empty("rotations_since_issue");
            Kind::SyncedCopy { lag: row.int("validator_lag") }
        }
        _ => {
            if let Some((issuer, validator)) = two("independent_a", "_b") {
                row.expect_empty("rotations_since_issue");
                return Kind::Independent { issuer, validator };
            }
            match two("max_changed_", "_to_") {
                Some((before, after)) if after == row.count("max_active_keys") => {
                    Kind::MaxChanged { before, rotations: row.count("rotations_since_issue") }
                }
                Some(_) | None => row.unexpected("kind", "a known kind with the row's max_active_keys"),
            }
        }
    }
}

fn repository(row: &Row<'_>, max_active_keys: u32) -> KeyRepository {
    match row.text("setup") {
        "fresh_setup" => KeyRepository::set_up(max_active_keys),
        "steady" => KeyRepository::steady(max_active_keys),
        _ => row.unexpected("setup", "fresh_setup or steady"),
    }
}

fn rotated(mut repository: KeyRepository, rotations: u32, max_active_keys: u32) -> KeyRepository {
    for _ in 0..rotations {
        repository.rotate(max_active_keys);
    }
    repository
}

/// The issuing node at the issue and the validating node at the validation.
fn replay(row: &Row<'_>, kind: &Kind) -> (KeyRepository, KeyRepository) {
    let max = row.count("max_active_keys");
    match *kind {
        Kind::OneNode { rotations } => {
            let at_issue = repository(row, max);
            (at_issue.clone(), rotated(at_issue, rotations, max))
        }
        Kind::SyncedCopy { lag } => {
            let older = repository(row, max);
            let newer = rotated(older.clone(), u32::try_from(lag.unsigned_abs()).unwrap(), max);
            if lag < 0 { (older, newer) } else { (newer, older) }
        }
        Kind::Independent { issuer, validator } => {
            let common = repository(row, max);
            (rotated(common.copied_to(1), issuer, max), rotated(common.copied_to(2), validator, max))
        }
        Kind::MaxChanged { before, rotations } => {
            let at_issue = repository(row, before);
            (at_issue.clone(), rotated(at_issue, rotations, max))
        }
    }
}

/// The same in closed form, where there is one.
fn closed_form(row: &Row<'_>, kind: &Kind) -> Option<bool> {
    let max = i64::from(row.count("max_active_keys"));
    match *kind {
        Kind::OneNode { rotations } => Some(rotations < fatal_rotation(row.count("max_active_keys"))),
        Kind::SyncedCopy { lag } if max == 1 => Some(lag == 0),
        Kind::SyncedCopy { lag } => Some(-(max - 2) <= lag && lag <= 1),
        // With a limit of 1 there is no such formula.
        Kind::Independent { .. } if max == 1 => None,
        Kind::Independent { issuer, validator } => {
            Some(issuer <= 1 && i64::from(validator) - i64::from(issuer) <= max - 2)
        }
        Kind::MaxChanged { .. } => None,
    }
}

/// The same as a cluster tells it: rotations a second apart, the issue before them or behind them.
fn by_cluster(row: &Row<'_>, kind: &Kind) -> Answer {
    let max = row.count("max_active_keys");
    let now = Instant::from_seconds(1_000);
    let rotated = |times: u32| Schedule::At((1..=i64::from(times)).map(Instant::from_seconds).collect());
    let alone = |times, max, changes: &[(Instant, u32)]| {
        let cluster = Cluster::synced(Lineage::new(rotated(times), max, changes), []);
        cluster.decrypts(0, cluster.issue(0, Instant::START), now)
    };
    match *kind {
        Kind::OneNode { rotations } => alone(rotations, max, &[]),
        Kind::MaxChanged { before, rotations } => alone(rotations, before, &[(Instant::START, max)]),
        Kind::SyncedCopy { lag } => {
            let primary = Lineage::new(rotated(u32::try_from(lag.unsigned_abs()).unwrap()), max, &[]);
            let stuck = Syncs::drawn(&primary, Instant::START, now, |_, _| None);
            let cluster = Cluster::synced(primary, [stuck]);
            let (issuer, validator) = if lag < 0 { (1, 0) } else { (0, 1) };
            cluster.decrypts(validator, cluster.issue(issuer, now), now)
        }
        Kind::Independent { issuer, validator } => {
            let cluster = Cluster::apart([issuer, validator].map(|times| Lineage::new(rotated(times), max, &[])));
            cluster.decrypts(1, cluster.issue(0, now), now)
        }
    }
}

#[test]
fn fernet() {
    let Some(table) = table("fernet") else { return };
    let columns = [
        "kind",
        "max_active_keys",
        "setup",
        "rotations_since_issue",
        "validator_lag",
        "keys_on_disk",
        "decryptable",
        "http_status",
    ];
    table.expect_columns(&columns);
    let mut compare = Compare::new(&table);
    for row in table.rows() {
        compare.row();
        let kind = kind(&row);
        let (issuer, validator) = replay(&row, &kind);
        let decryptable = validator.decrypts(issuer.encrypts_with());
        compare.column(&row, "keys_on_disk", validator.keys_on_disk());
        compare.flag(&row, "decryptable", decryptable);
        compare.column(&row, "http_status", if decryptable { 200 } else { 404 });
        let by_cluster = by_cluster(&row, &kind) == Answer::Yes;
        compare.value(&row, "by the cluster", row.flag("decryptable"), by_cluster);
        if let Some(closed_form) = closed_form(&row, &kind) {
            compare.value(&row, "closed form", row.flag("decryptable"), closed_form);
        }
    }
    compare.finish();
}
