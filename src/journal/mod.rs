//! Work on disk: facts of replications that have ended, so that nothing is lost when the machine dies, and so that
//! several machines can each do a part.
//!
//! A journal is a folder. `journal.json` says what it belongs to; `facts` is a sequence of records, each with its
//! length and checksum, that is only ever appended to; `rows` holds the rows of jobs, if they are wanted, to which
//! records refer. A record counts only if it and all before it are whole: whatever was being written when the machine
//! stopped is cut off when the journal is opened again.

mod header;
mod records;
#[cfg(test)]
mod tests;

pub use header::Header;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::observe::PointFacts;
use records::{Batch, Record, Stretch};

const HEADER: &str = "journal.json";
const FACTS: &str = "facts";
const ROWS: &str = "rows";

/// Why a journal cannot be used.
#[derive(Debug)]
pub enum Trouble {
    /// A file of it cannot be read or written.
    File(PathBuf, io::Error),
    /// There is none in this folder.
    Missing(PathBuf),
    /// Another process is writing it.
    InUse(PathBuf),
    /// It belongs to something else; what differs.
    Foreign(PathBuf, Vec<String>),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::File(path, cause) => write!(f, "{}: {cause}", path.display()),
            Trouble::Missing(folder) => write!(f, "{}: there is no unfinished work and no shard", folder.display()),
            Trouble::InUse(folder) => write!(f, "{}: another outlast is at work there", folder.display()),
            Trouble::Foreign(folder, differences) => {
                write!(f, "{}: it belongs to another run ({})", folder.display(), differences.join("; "))
            }
        }
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Trouble::File(_, cause) => Some(cause),
            Trouble::Missing(_) | Trouble::InUse(_) | Trouble::Foreign(_, _) => None,
        }
    }
}

/// A journal that was opened.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    header: Header,
    facts: File,
    rows: File,
    held: Held,
    pending: Pending,
}

/// What is on disk.
#[derive(Debug, Default)]
struct Held {
    /// By point: where facts of its replications lie, and which these are.
    facts: BTreeMap<usize, (Vec<Stretch>, Vec<u32>)>,
    /// By point and replication.
    rows: BTreeMap<(usize, u32), Stretch>,
    complete: Vec<usize>,
    is_whole: bool,
    /// Where the next record and the next row begin.
    facts_end: u64,
    rows_end: u64,
}

/// What is not on disk yet.
#[derive(Debug, Default)]
struct Pending {
    batches: BTreeMap<usize, Batch>,
    rows: Vec<u8>,
    complete: Vec<usize>,
}

impl Journal {
    /// Whether there is one in a folder, and not only the rest of one that was being removed when the machine stopped.
    pub fn is_in(folder: &Path) -> bool {
        [HEADER, FACTS, ROWS].into_iter().all(|name| folder.join(name).is_file())
    }

    /// Whether another process is writing the one in a folder, if there is any.
    pub fn is_in_use(folder: &Path) -> bool {
        File::open(folder.join(FACTS)).is_ok_and(|facts| is_locked(&facts))
    }

    /// Begins one in a folder that holds none.
    ///
    /// # Errors
    /// When its files cannot be made.
    pub fn create(folder: &Path, header: &Header) -> Result<Journal, Trouble> {
        let trouble = |path: &Path| {
            let path = path.to_owned();
            |cause| Trouble::File(path, cause)
        };
        fs::create_dir_all(folder).map_err(trouble(folder))?;
        // Locked before anything is thrown away: somebody else may be beginning here too.
        let (facts, rows) = locked(folder, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
        for (name, file) in [(FACTS, &facts), (ROWS, &rows)] {
            file.set_len(0).map_err(trouble(&folder.join(name)))?;
        }
        let mut text = serde_json::to_string_pretty(header).expect("names and numbers are JSON");
        text.push('\n');
        // The header makes the folder a journal, so it comes last, and whole.
        let (path, begun) = (folder.join(HEADER), folder.join("journal.json.new"));
        File::create(&begun)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&begun, &path))
            .and_then(|()| sync_folder(folder))
            .map_err(trouble(&path))?;
        Journal::load(folder, header.clone(), facts, rows)
    }

    /// Removes one. Its header goes first, because without that it is none.
    ///
    /// # Errors
    /// When something of it cannot be removed.
    pub fn remove(self) -> Result<(), Trouble> {
        let path = self.folder.join(HEADER);
        fs::remove_file(&path).and_then(|()| sync_folder(&self.folder)).map_err(|cause| Trouble::File(path, cause))?;
        fs::remove_dir_all(&self.folder).map_err(|cause| Trouble::File(self.folder.clone(), cause))
    }

    /// Opens one to go on with it; until it is dropped, nobody else can.
    ///
    /// # Errors
    /// When there is none, it is in use, or cannot be read or written.
    pub fn open(folder: &Path) -> Result<Journal, Trouble> {
        let header = read_header(folder)?;
        let (facts, rows) = locked(folder, OpenOptions::new().read(true).write(true))?;
        let mut journal = Journal::load(folder, header, facts, rows)?;
        let Held { facts_end, rows_end, .. } = journal.held;
        for (name, file, end) in [(FACTS, &mut journal.facts, facts_end), (ROWS, &mut journal.rows, rows_end)] {
            file.set_len(end)
                .and_then(|()| file.seek(SeekFrom::Start(end)))
                .map_err(|cause| Trouble::File(folder.join(name), cause))?;
        }
        Ok(journal)
    }

    /// Opens one to read what it holds; also tells whether another process is writing it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn read(folder: &Path) -> Result<(Journal, bool), Trouble> {
        let file = |name: &str| {
            let path = folder.join(name);
            File::open(&path).map_err(|cause| Trouble::File(path, cause))
        };
        let header = read_header(folder)?;
        let (facts, rows) = (file(FACTS)?, file(ROWS)?);
        let in_use = is_locked(&facts);
        Ok((Journal::load(folder, header, facts, rows)?, in_use))
    }

    fn load(folder: &Path, header: Header, facts: File, rows: File) -> Result<Journal, Trouble> {
        let held = held(&facts, &rows).map_err(|cause| Trouble::File(folder.join(FACTS), cause))?;
        Ok(Journal { folder: folder.to_owned(), header, facts, rows, held, pending: Pending::default() })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it belongs to.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether nothing is left to do.
    pub fn is_whole(&self) -> bool {
        self.held.is_whole
    }

    /// How many replications it holds.
    pub fn len(&self) -> u64 {
        self.held.facts.values().map(|(_, replications)| replications.len() as u64).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.held.facts.is_empty()
    }

    /// The replications of a point that it holds, ascending.
    pub fn replications(&self, point: usize) -> &[u32] {
        self.held.facts.get(&point).map_or(&[], |(_, replications)| replications)
    }

    /// Whether a point has all the replications that fall to this journal.
    pub fn is_complete(&self, point: usize) -> bool {
        self.held.is_whole || self.held.complete.contains(&point)
    }

    /// What it holds of a point.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn known(&self, point: usize) -> Result<Option<PointFacts>, Trouble> {
        let trouble = |cause| Trouble::File(self.folder.join(FACTS), cause);
        let mut known: Option<PointFacts> = None;
        let stretches = self.held.facts.get(&point).map_or(&[][..], |(stretches, _)| stretches);
        for stretch in stretches {
            let bytes = read_stretch(&self.facts, *stretch).map_err(trouble)?;
            match records::next(&mut bytes.as_slice()).map_err(trouble)? {
                Some((Record::Ended(batch), _)) => match &mut known {
                    Some(known) => known.merge(&batch.facts),
                    None => known = Some(batch.facts),
                },
                Some((Record::Complete(_) | Record::Whole, _)) | None => {
                    return Err(trouble(io::Error::new(ErrorKind::InvalidData, "it has changed while it was read")));
                }
            }
        }
        Ok(known)
    }

    /// Takes in a replication with the rows of its jobs; it is on disk after the next [`Journal::commit`].
    pub fn add(&mut self, facts: &PointFacts, rows: &[u8]) {
        let stretch = Stretch { at: self.held.rows_end + self.pending.rows.len() as u64, length: rows.len() as u64 };
        self.pending.rows.extend_from_slice(rows);
        let rows = facts.replications.iter().map(|replication| (*replication, stretch)).filter(|_| self.header.jobs);
        match self.pending.batches.entry(facts.point) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Batch { facts: facts.clone(), rows: rows.collect() });
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                entry.get_mut().rows.extend(rows);
                entry.get_mut().facts.merge(facts);
            }
        }
    }

    /// Notes that a point is complete.
    pub fn complete(&mut self, point: usize) {
        self.pending.complete.push(point);
    }

    /// Puts everything on disk that is not there yet.
    ///
    /// # Errors
    /// When it cannot be written; the journal still holds what was there before.
    pub fn commit(&mut self) -> Result<(), Trouble> {
        let pending = std::mem::take(&mut self.pending);
        let records: Vec<Record> = pending
            .batches
            .into_values()
            .map(|batch| Record::Ended(Box::new(batch)))
            .chain(pending.complete.into_iter().map(Record::Complete))
            .collect();
        self.append(&pending.rows, records)
    }

    /// Notes that nothing is left to do, once everything else is on disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(&mut self) -> Result<(), Trouble> {
        self.commit()?;
        if self.held.is_whole { Ok(()) } else { self.append(&[], vec![Record::Whole]) }
    }

    fn append(&mut self, rows: &[u8], records: Vec<Record>) -> Result<(), Trouble> {
        if records.is_empty() {
            return Ok(());
        }
        let written = |name: &str, file: &mut File, bytes: &[u8]| {
            file.write_all(bytes)
                .and_then(|()| file.sync_data())
                .map_err(|cause| Trouble::File(self.folder.join(name), cause))
        };
        // Rows before the records that refer to them.
        if !rows.is_empty() {
            written(ROWS, &mut self.rows, rows)?;
        }
        let encoded: Vec<Vec<u8>> = records.iter().map(records::encode).collect();
        written(FACTS, &mut self.facts, &encoded.concat())?;
        for (record, bytes) in records.into_iter().zip(&encoded) {
            self.held.take(record, bytes.len() as u64);
        }
        Ok(())
    }
}

impl Held {
    /// Takes in the next record, which has so many bytes.
    fn take(&mut self, record: Record, bytes: u64) {
        match record {
            Record::Ended(batch) => {
                let Batch { facts, rows } = *batch;
                let (stretches, replications) = self.facts.entry(facts.point).or_default();
                stretches.push(Stretch { at: self.facts_end, length: bytes });
                replications.extend(facts.replications);
                replications.sort_unstable();
                for (replication, stretch) in rows {
                    self.rows.insert((facts.point, replication), stretch);
                    self.rows_end = self.rows_end.max(stretch.end());
                }
            }
            Record::Complete(point) => self.complete.push(point),
            Record::Whole => self.is_whole = true,
        }
        self.facts_end += bytes;
    }
}

/// Writes the rows of several journals in the order of points and replications; of the points that are wanted.
///
/// # Errors
/// When they cannot be read, or not written.
pub fn copy_rows(journals: &[Journal], wanted: impl Fn(usize) -> bool, to: &mut impl Write) -> io::Result<()> {
    let mut places: Vec<(usize, u32, &File, Stretch)> = Vec::new();
    for journal in journals {
        let rows = journal.held.rows.iter().filter(|((point, _), _)| wanted(*point));
        places.extend(rows.map(|((point, replication), stretch)| (*point, *replication, &journal.rows, *stretch)));
    }
    places.sort_unstable_by_key(|(point, replication, _, _)| (*point, *replication));
    for (_, _, mut file, stretch) in places {
        file.seek(SeekFrom::Start(stretch.at))?;
        if io::copy(&mut file.take(stretch.length), to)? != stretch.length {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "rows of the journal are missing"));
        }
    }
    Ok(())
}

/// Makes what was renamed, made or removed in a folder last, where the system can.
///
/// # Errors
/// When the disk refuses.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Only Unix opens folders.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The files of facts and rows, which nobody else may write until they are closed.
fn locked(folder: &Path, how: &OpenOptions) -> Result<(File, File), Trouble> {
    let file = |name: &str| {
        let path = folder.join(name);
        how.open(&path).map_err(|cause| Trouble::File(path, cause))
    };
    let facts = file(FACTS)?;
    match facts.try_lock() {
        Ok(()) => Ok((facts, file(ROWS)?)),
        Err(TryLockError::WouldBlock) => Err(Trouble::InUse(folder.to_owned())),
        Err(TryLockError::Error(cause)) => Err(Trouble::File(folder.join(FACTS), cause)),
    }
}

/// Whether another process holds the lock; whoever only asks keeps nobody out.
fn is_locked(facts: &File) -> bool {
    let is_locked = matches!(facts.try_lock_shared(), Err(TryLockError::WouldBlock));
    // An error leaves the lock to the end of the handle, which is soon.
    let _ = facts.unlock();
    is_locked
}

fn read_header(folder: &Path) -> Result<Header, Trouble> {
    let path = folder.join(HEADER);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|cause| Trouble::File(path, io::Error::other(cause))),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Err(Trouble::Missing(folder.to_owned())),
        Err(cause) => Err(Trouble::File(path, cause)),
    }
}

/// Everything up to the first record that is not whole, or whose rows are not there.
fn held(facts: &File, rows: &File) -> io::Result<Held> {
    let rows_length = rows.metadata()?.len();
    let mut from = BufReader::new(facts);
    let mut held = Held::default();
    while let Some((record, bytes)) = records::next(&mut from)? {
        if let Record::Ended(batch) = &record
            && batch.rows.iter().any(|(_, stretch)| stretch.end() > rows_length)
        {
            break;
        }
        held.take(record, bytes);
    }
    Ok(held)
}

fn read_stretch(mut file: &File, stretch: Stretch) -> io::Result<Vec<u8>> {
    let back = file.stream_position()?;
    file.seek(SeekFrom::Start(stretch.at))?;
    let mut bytes = Vec::new();
    file.take(stretch.length).read_to_end(&mut bytes)?;
    file.seek(SeekFrom::Start(back))?;
    Ok(bytes)
}
