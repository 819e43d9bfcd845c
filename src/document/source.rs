//! The texts that were read: where they came from, their hash, and what could not be read. Nothing is parsed here.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// The largest scenario file.
pub const SCENARIO_LIMIT: u64 = 16 << 20;
/// The largest CSV file.
pub const CSV_LIMIT: u64 = 1 << 30;

/// A stretch of a text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index of the text.
    pub source: u32,
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Place {
    /// Of values that stand in no file: the defaults.
    pub const NOWHERE: Place = Place { source: u32::MAX, start: 0, end: 0 };
}

/// A text with a name.
#[derive(Clone, Debug)]
pub struct Source {
    /// As people know it.
    pub name: String,
    /// All of it.
    pub text: Arc<str>,
    /// Where the paths that it writes begin.
    pub folder: PathBuf,
    /// Whether its text may hold secrets: no message shows a line of it.
    pub is_hidden: bool,
}

impl Source {
    /// Line and column of a byte, both from 1; columns count characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        // A byte order mark takes no column.
        (line, before[start..].trim_start_matches('\u{feff}').chars().count() + 1)
    }
}

/// Everything that was read so far.
#[derive(Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
    data: HashMap<PathBuf, Arc<str>>,
    hash: Sha256,
}

impl Sources {
    /// Takes a text under a name; it enters the hash where it is read, and a preset, which is part of outlast, never.
    pub fn add(&mut self, name: &str, text: Arc<str>, folder: &Path) -> u32 {
        self.list.push(Source { name: name.to_owned(), text, folder: folder.to_owned(), is_hidden: false });
        self.list.len() as u32 - 1
    }

    /// Keeps the lines of a text out of every message.
    pub fn hide(&mut self, source: u32) {
        if let Some(source) = self.list.get_mut(source as usize) {
            source.is_hidden = true;
        }
    }

    /// The source of a place; `None` for a default.
    pub fn get(&self, place: Place) -> Option<&Source> {
        self.list.get(place.source as usize)
    }

    /// A path that is written at `place`, seen from here.
    pub fn resolve(&self, place: Place, path: &str) -> PathBuf {
        self.get(place).map_or_else(|| PathBuf::from(path), |source| source.folder.join(path))
    }

    /// Reads a file, once; `shown` names it in the hash and does not depend on the machine.
    pub fn read(&mut self, path: &Path, shown: &str, limit: u64) -> Result<Arc<str>, String> {
        if let Some(text) = self.data.get(path) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = read_text(path, limit)?.into();
        self.digest(shown, text.as_bytes());
        self.data.insert(path.to_owned(), Arc::clone(&text));
        Ok(text)
    }

    /// Adds to the hash; names and lengths keep two lists of inputs apart that concatenate to the same bytes.
    pub fn digest(&mut self, name: &str, bytes: &[u8]) {
        for part in [name.as_bytes(), bytes] {
            self.hash.update((part.len() as u64).to_le_bytes());
            self.hash.update(part);
        }
    }

    /// The hash over everything, in hexadecimal.
    pub fn sha256(&self) -> String {
        self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The texts, in the order of their indices.
    pub fn list(&self) -> &[Source] {
        &self.list
    }

    /// The texts, in the order of their indices.
    pub fn into_list(self) -> Vec<Source> {
        self.list
    }
}

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// Why it cannot be read, with its path and nothing of what it holds.
pub fn read_text(path: &Path, limit: u64) -> Result<String, String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => format!("no such file: `{shown}`"),
        ErrorKind::PermissionDenied => format!("no permission to read `{shown}`"),
        _ => format!("cannot read `{shown}`: {error}"),
    };
    let file = File::open(path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    if about.is_dir() {
        return Err(format!("`{shown}` is a folder, expected a file"));
    }
    let too_large = || format!("`{shown}` is larger than {} MiB, the limit", limit >> 20);
    if about.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // A pipe or device has no length of its own, so the limit also holds while reading.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("`{shown}` is not UTF-8 text: the byte at offset {} is wrong", error.utf8_error().valid_up_to())
    })
}
