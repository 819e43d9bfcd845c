//! The output folder: written beside its final place and put there whole, or not at all.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// The file that is written last and marks a folder as a result.
pub const MANIFEST: &str = "run.json";

/// What could not be written, and why.
#[derive(Debug)]
pub struct WriteError {
    path: PathBuf,
    cause: io::Error,
}

impl WriteError {
    /// An error about a path.
    pub fn new(path: impl Into<PathBuf>, cause: impl Into<io::Error>) -> WriteError {
        WriteError { path: path.into(), cause: cause.into() }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: cannot write: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// A result on its way into `<out>/<name>/`; until it is finished it lies in `<out>/<name>.partial/`.
#[derive(Debug)]
pub struct Folder {
    partial: PathBuf,
    place: PathBuf,
    earlier: PathBuf,
    keep_partial: bool,
}

impl Folder {
    /// Starts a result; what an earlier run left unfinished is thrown away.
    ///
    /// # Errors
    /// When the folder cannot be made, or when its place is taken by something that is no earlier result: a careless
    /// `--out .` must not cost anybody a folder of theirs.
    pub fn create(out: &Path, name: &str) -> Result<Folder, WriteError> {
        Folder::create_for(out, name, MANIFEST)
    }

    /// The same of results that another file marks.
    ///
    /// # Errors
    /// As [`Folder::create`].
    pub fn create_for(out: &Path, name: &str, mark: &str) -> Result<Folder, WriteError> {
        let place = out.join(name);
        let is_result = |folder: &Path| folder.join(mark).is_file();
        let is_empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        if fs::symlink_metadata(&place).is_ok() && !is_result(&place) && !is_empty(&place) {
            let cause = format!("it is there already and holds no earlier result (no {mark}); choose another --out");
            return Err(WriteError::new(place, io::Error::other(cause)));
        }
        let folder = Folder {
            partial: out.join(format!("{name}.partial")),
            place: out.join(name),
            earlier: out.join(format!("{name}.replaced.partial")),
            keep_partial: false,
        };
        remove(&folder.partial)?;
        fs::create_dir_all(&folder.partial).map_err(|cause| WriteError::new(&folder.partial, cause))?;
        Ok(folder)
    }

    /// Where the unfinished result lies.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// A new file of the result.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn file(&self, name: &str) -> Result<BufWriter<File>, WriteError> {
        let path = self.partial.join(name);
        File::create(&path).map(BufWriter::new).map_err(|cause| WriteError::new(path, cause))
    }

    /// A whole file of the result.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), WriteError> {
        let path = self.partial.join(name);
        fs::write(&path, bytes).map_err(|cause| WriteError::new(path, cause))
    }

    /// An error about one of the files.
    pub fn error(&self, name: &str, cause: impl Into<io::Error>) -> WriteError {
        WriteError::new(self.partial.join(name), cause)
    }

    /// Puts the result into its place, replacing an earlier one whole; answers where that is.
    ///
    /// # Errors
    /// When it cannot be moved; the earlier result is then back in its place.
    pub fn finish(mut self) -> Result<PathBuf, WriteError> {
        remove(&self.earlier)?;
        let replaces = self.place.exists();
        if replaces {
            fs::rename(&self.place, &self.earlier).map_err(|cause| WriteError::new(&self.place, cause))?;
        }
        if let Err(cause) = fs::rename(&self.partial, &self.place) {
            if replaces {
                // The error that counts is the first.
                let _ = fs::rename(&self.earlier, &self.place);
            }
            return Err(WriteError::new(&self.place, cause));
        }
        self.keep_partial = true;
        remove(&self.earlier)?;
        Ok(self.place.clone())
    }

    /// Leaves the unfinished result where it is; answers where that is.
    pub fn leave(mut self) -> PathBuf {
        self.keep_partial = true;
        self.partial.clone()
    }
}

/// A result that fails on the way takes its files with it, so that a full disk is not filled further.
impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep_partial {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Removes a folder, or a file in its place, if there is one.
fn remove(path: &Path) -> Result<(), WriteError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(WriteError::new(path, cause)),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_result_is_replaced_whole() {
        let out = tempfile::tempdir().unwrap();
        for file in ["first", "second"] {
            let folder = Folder::create(out.path(), "peak").unwrap();
            folder.write(file, "text").unwrap();
            folder.write(MANIFEST, "{}").unwrap();
            folder.finish().unwrap();
        }
        assert_eq!(names(out.path()), ["peak"]);
        assert_eq!(names(&out.path().join("peak")), [MANIFEST, "second"]);
    }

    #[test]
    fn a_failed_result_leaves_the_earlier_one() {
        let out = tempfile::tempdir().unwrap();
        let folder = Folder::create(out.path(), "peak").unwrap();
        folder.write(MANIFEST, "{}").unwrap();
        folder.finish().unwrap();
        let folder = Folder::create(out.path(), "peak").unwrap();
        folder.write("second", "text").unwrap();
        drop(folder);
        assert_eq!(names(out.path()), ["peak"]);
        assert_eq!(names(&out.path().join("peak")), [MANIFEST]);
    }

    #[test]
    fn what_is_no_result_is_not_replaced() {
        let out = tempfile::tempdir().unwrap();
        fs::create_dir(out.path().join("src")).unwrap();
        fs::write(out.path().join("src/main.rs"), "").unwrap();
        let error = Folder::create(out.path(), "src").unwrap_err().to_string();
        assert!(error.contains("holds no earlier result"), "{error}");
        assert_eq!(names(&out.path().join("src")), ["main.rs"]);
    }

    #[test]
    fn a_file_where_the_folder_should_be_is_named() {
        let out = tempfile::tempdir().unwrap();
        let file = out.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Folder::create(&file, "peak").unwrap_err().to_string();
        assert!(error.contains("peak.partial: cannot write: "), "{error}");
    }
}
