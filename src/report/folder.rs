//! The output folder: written beside its final place and put there whole, or not at all.

use std::fmt;
use std::fs::{self, File, OpenOptions};
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

/// A result on its way into `<out>/<name>/`; until it is finished it lies in `<out>/<name>.partial/`, and the work
/// that it is made of in `<out>/<name>.partial/work/`.
#[derive(Debug)]
pub struct Folder {
    partial: PathBuf,
    work: PathBuf,
    place: PathBuf,
    /// Where the work lies while the result is put into its place.
    aside: PathBuf,
    earlier: PathBuf,
    /// Whether its files stay though it is not finished.
    stays: bool,
}

/// Where the work of a result lies while it is made, and while the result is put into its place.
pub fn work_places(out: &Path, name: &str) -> [PathBuf; 2] {
    [out.join(format!("{name}.partial")).join("work"), out.join(format!("{name}.work.partial"))]
}

impl Folder {
    /// Starts a result, beside the work that an earlier run may have left.
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
        let [work, aside] = work_places(out, name);
        let folder = Folder {
            work,
            partial: out.join(format!("{name}.partial")),
            place: out.join(name),
            aside,
            earlier: out.join(format!("{name}.replaced.partial")),
            stays: false,
        };
        let Folder { partial, work, place, aside, earlier, .. } = &folder;
        let is_result = |folder: &Path| folder.join(mark).is_file();
        let is_empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        if fs::symlink_metadata(place).is_ok() && !is_result(place) && !is_empty(place) {
            let cause = format!("it is there already and holds no earlier result (no {mark}); choose another --out");
            return Err(WriteError::new(place, io::Error::other(cause)));
        }
        // A run that was killed while it put its result into place: everything goes back to where it was.
        if is_result(earlier) && fs::symlink_metadata(place).is_err() {
            fs::rename(earlier, place).map_err(|cause| WriteError::new(place, cause))?;
        }
        fs::create_dir_all(partial).map_err(|cause| WriteError::new(partial, cause))?;
        if aside.is_dir() {
            remove(work)?;
            fs::rename(aside, work).map_err(|cause| WriteError::new(work, cause))?;
        }
        for entry in fs::read_dir(partial).map_err(|cause| WriteError::new(partial, cause))? {
            let path = entry.map_err(|cause| WriteError::new(partial, cause))?.path();
            if path != *work {
                remove(&path)?;
            }
        }
        Ok(folder)
    }

    /// Where work in progress lies, if there is any.
    pub fn work(&self) -> &Path {
        &self.work
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

    /// Puts the result into its place, replacing an earlier one whole, and removes the work; answers where that is.
    ///
    /// Killed at any instant, or without power, it leaves either the result or the work that it can be made of again.
    ///
    /// # Errors
    /// When it cannot be moved; the earlier result is then back in its place.
    pub fn finish(mut self) -> Result<PathBuf, WriteError> {
        let out = self.place.parent().unwrap_or(Path::new(""));
        sync_files(&self.partial).map_err(|cause| WriteError::new(&self.partial, cause))?;
        remove(&self.earlier)?;
        if self.work.exists() {
            fs::rename(&self.work, &self.aside).map_err(|cause| WriteError::new(&self.aside, cause))?;
        }
        let replaces = self.place.exists();
        if replaces {
            fs::rename(&self.place, &self.earlier).map_err(|cause| WriteError::new(&self.place, cause))?;
        }
        if let Err(cause) = fs::rename(&self.partial, &self.place) {
            if replaces {
                // The error that counts is the first.
                let _ = fs::rename(&self.earlier, &self.place);
            }
            let _ = fs::rename(&self.aside, &self.work);
            return Err(WriteError::new(&self.place, cause));
        }
        self.stays = true;
        sync(out).map_err(|cause| WriteError::new(out, cause))?;
        remove(&self.earlier)?;
        remove(&self.aside)?;
        Ok(self.place.clone())
    }

    /// Leaves the unfinished result where it is; answers where that is.
    pub fn leave(mut self) -> PathBuf {
        self.stays = true;
        self.partial.clone()
    }
}

/// A result that fails on the way takes its files with it, so that a full disk is not filled further; the work stays.
impl Drop for Folder {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        for entry in fs::read_dir(&self.partial).into_iter().flatten().flatten() {
            if entry.path() != self.work {
                let _ = remove(&entry.path());
            }
        }
        // Fails if there is work, which is what is wanted.
        let _ = fs::remove_dir(&self.partial);
    }
}

/// Makes the files of a folder last, where the system can.
fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            OpenOptions::new().append(true).open(entry.path())?.sync_all()?;
        }
    }
    sync(folder)
}

/// Makes the names in a folder last; only Unix opens folders.
fn sync(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
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

    fn with_work(out: &Path) -> Folder {
        let folder = Folder::create(out, "peak").unwrap();
        fs::create_dir_all(folder.work()).unwrap();
        fs::write(folder.work().join("facts"), "").unwrap();
        folder
    }

    #[test]
    fn work_stays_until_there_is_a_result() {
        let out = tempfile::tempdir().unwrap();
        let folder = with_work(out.path());
        folder.write("summary", "text").unwrap();
        drop(folder);
        assert_eq!(names(&out.path().join("peak.partial")), ["work"]);
        let folder = Folder::create(out.path(), "peak").unwrap();
        assert_eq!(names(folder.work()), ["facts"]);
        folder.write(MANIFEST, "{}").unwrap();
        folder.finish().unwrap();
        assert_eq!(names(out.path()), ["peak"]);
        assert_eq!(names(&out.path().join("peak")), [MANIFEST]);
    }

    /// Between any two of the steps in which a result is put into its place.
    #[test]
    fn killed_while_it_finished_it_has_its_work_again() {
        for steps in 0..=3 {
            let out = tempfile::tempdir().unwrap();
            let at = |name: &str| out.path().join(name);
            let folder = Folder::create(out.path(), "peak").unwrap();
            folder.write(MANIFEST, "earlier").unwrap();
            folder.finish().unwrap();
            let folder = with_work(out.path());
            folder.write(MANIFEST, "later").unwrap();
            folder.leave();
            let moves = [
                ("peak.partial/work", "peak.work.partial"),
                ("peak", "peak.replaced.partial"),
                ("peak.partial", "peak"),
            ];
            for (from, to) in &moves[..steps] {
                fs::rename(at(from), at(to)).unwrap();
            }
            let folder = Folder::create(out.path(), "peak").unwrap();
            assert_eq!(names(folder.work()), ["facts"], "after {steps} steps");
            let expected = if steps == 3 { "later" } else { "earlier" };
            assert_eq!(fs::read_to_string(at("peak").join(MANIFEST)).unwrap(), expected, "after {steps} steps");
        }
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
