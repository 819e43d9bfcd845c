use super::*;
use crate::observe::Observations;

fn header(jobs: bool) -> Header {
    Header {
        outlast: "0.1.0".to_owned(),
        scenario: "peak".to_owned(),
        file: "peak.toml".to_owned(),
        inputs_sha256: String::new(),
        seed: 1,
        given_seed: None,
        replications: 4,
        given_replications: None,
        max_replications: None,
        points: 3,
        jobs,
        remedies: true,
        point: None,
        replication: None,
        shard: None,
        command: String::new(),
    }
}

/// A replication that can be told from others by its events.
fn facts(point: usize, replication: u32) -> PointFacts {
    let facts = Observations {
        workloads: Vec::new(),
        services: Vec::new(),
        pools: Vec::new(),
        links: Vec::new(),
        bins: Vec::new(),
        chances: Vec::new(),
        failed: Vec::new(),
        completed: Vec::new(),
        remedies: Vec::new(),
        service_tokens_issued: 0,
        records: Vec::new(),
        events: 1 << (4 * point + replication as usize),
    };
    PointFacts::of(point, replication, facts)
}

fn rows(journal: Journal) -> String {
    let mut text = Vec::new();
    copy_rows(&[journal], |_| true, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn what_is_committed_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(folder.path(), &header(true)).unwrap();
    journal.add(&facts(1, 2), b"c\n");
    journal.add(&facts(0, 1), b"b\n");
    journal.add(&facts(1, 0), b"");
    journal.commit().unwrap();
    journal.add(&facts(0, 0), b"a\n");
    journal.complete(0);
    journal.commit().unwrap();
    journal.add(&facts(2, 0), b"never on disk\n");
    drop(journal);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.header(), &header(true));
    assert_eq!((journal.len(), journal.is_whole()), (4, false));
    assert_eq!(
        (journal.replications(0), journal.replications(1), journal.replications(2)),
        (&[0, 1][..], &[0, 2][..], &[][..])
    );
    assert_eq!((journal.is_complete(0), journal.is_complete(1)), (true, false));
    let mut both = facts(0, 0);
    both.merge(&facts(0, 1));
    assert_eq!(journal.known(0).unwrap(), Some(both));
    assert_eq!(journal.known(2).unwrap(), None);
    assert_eq!(rows(journal), "a\nb\nc\n", "in the order of points and replications");
}

/// Cut anywhere, it holds what was committed before, and can be gone on with.
#[test]
fn a_torn_journal_holds_what_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(folder.path(), &header(true)).unwrap();
    let mut ends = vec![(0, 0)];
    for replication in 0..3 {
        journal.add(&facts(0, replication), format!("row of {replication}\n").as_bytes());
        journal.commit().unwrap();
        ends.push((journal.held.facts_end, journal.held.rows_end));
    }
    drop(journal);
    let (facts_path, rows_path) = (folder.path().join(FACTS), folder.path().join(ROWS));
    let (all_facts, all_rows) = (fs::read(&facts_path).unwrap(), fs::read(&rows_path).unwrap());
    for facts_cut in 0..=all_facts.len() {
        for rows_cut in [0, 5, 9, 10, all_rows.len()] {
            fs::write(&facts_path, &all_facts[..facts_cut]).unwrap();
            fs::write(&rows_path, &all_rows[..rows_cut]).unwrap();
            let mut journal = Journal::open(folder.path()).unwrap();
            let whole = ends.iter().filter(|(facts, rows)| *facts <= facts_cut as u64 && *rows <= rows_cut as u64);
            let expected = whole.count() as u64 - 1;
            assert_eq!(journal.len(), expected, "{facts_cut} bytes of facts, {rows_cut} of rows");
            journal.add(&facts(0, 3), b"row of 3\n");
            journal.finish().unwrap();
            drop(journal);
            let journal = Journal::open(folder.path()).unwrap();
            assert!(journal.is_whole());
            assert_eq!(journal.len(), expected + 1);
            let text: String = (0..expected).chain([3]).map(|number| format!("row of {number}\n")).collect();
            assert_eq!(rows(journal), text);
        }
    }
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::create(folder.path(), &header(false)).unwrap();
    assert!(matches!(Journal::open(folder.path()), Err(Trouble::InUse(_))));
    assert!(Journal::read(folder.path()).unwrap().1, "it is seen to be in use");
    drop(journal);
    assert!(!Journal::read(folder.path()).unwrap().1);
    Journal::open(folder.path()).unwrap();
}

#[test]
fn what_is_no_journal_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let message = Journal::open(folder.path()).unwrap_err().to_string();
    assert!(message.ends_with(": there is no unfinished work and no shard"), "{message}");
    fs::write(folder.path().join(HEADER), "{}").unwrap();
    let message = Journal::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("journal.json: missing field"), "{message}");
}
