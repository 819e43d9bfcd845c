//! Records in a file: each whole, or not there.

use std::io::{self, ErrorKind, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::observe::PointFacts;

/// Bytes of the length before a record, little-endian.
const LENGTH: usize = 4;
/// Bytes of the checksum behind the length: the first of its SHA-256. By chance a torn record passes once in 2^64.
const CHECK: usize = 8;

/// What is appended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Record {
    /// Replications of a point have ended.
    Ended(Box<Batch>),
    /// A point has all the replications that fall to this journal.
    Complete(usize),
    /// Nothing is left to do.
    Whole,
}

/// Replications of one point.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) facts: PointFacts,
    /// Where the rows of their jobs lie, by replication; empty where there are no rows.
    pub(super) rows: Vec<(u32, Stretch)>,
}

/// A stretch of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stretch {
    pub(super) at: u64,
    pub(super) length: u64,
}

impl Stretch {
    pub(super) const fn end(self) -> u64 {
        self.at + self.length
    }
}

/// A record as bytes that can be appended.
pub(super) fn encode(record: &Record) -> Vec<u8> {
    let body = postcard::to_stdvec(record).expect("plain data can be written to memory");
    let length = u32::try_from(body.len()).expect("the facts of a few replications have less than 4 GiB");
    let mut bytes = Vec::with_capacity(LENGTH + CHECK + body.len());
    bytes.extend(length.to_le_bytes());
    bytes.extend(check(&body));
    bytes.extend(body);
    bytes
}

/// The next record with the number of its bytes; `None`: what follows, if anything, is no whole record.
pub(super) fn next(from: &mut impl Read) -> io::Result<Option<(Record, u64)>> {
    let mut length = [0; LENGTH];
    let mut expected = [0; CHECK];
    let mut body = Vec::new();
    if !fill(from, &mut length)? || !fill(from, &mut expected)? {
        return Ok(None);
    }
    let length = u64::from(u32::from_le_bytes(length));
    // Not filled in advance: the length may be garbage.
    if from.take(length).read_to_end(&mut body)? as u64 != length || check(&body) != expected {
        return Ok(None);
    }
    Ok(postcard::from_bytes(&body).ok().map(|record| (record, length + (LENGTH + CHECK) as u64)))
}

fn check(body: &[u8]) -> [u8; CHECK] {
    let sum = Sha256::digest(body);
    std::array::from_fn(|index| sum[index])
}

/// Whether there was as much as that.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_there_only_as_a_whole() {
        let bytes = [encode(&Record::Complete(7)), encode(&Record::Whole)].concat();
        let first = encode(&Record::Complete(7)).len();
        for cut in 0..bytes.len() {
            let mut from = &bytes[..cut];
            let mut read = 0;
            while let Some((_, length)) = next(&mut from).unwrap() {
                read += length as usize;
            }
            assert_eq!(read, if cut < first { 0 } else { first }, "cut at {cut}");
        }
        for damaged in 0..first {
            let mut bytes = bytes.clone();
            bytes[damaged] ^= 0x10;
            assert!(next(&mut bytes.as_slice()).unwrap().is_none(), "byte {damaged} is another");
        }
        assert!(next(&mut [0_u8; 64].as_slice()).unwrap().is_none(), "a disk may leave zeros");
    }
}
