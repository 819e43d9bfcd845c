//! From paths to studies: every file is read before any is run, and every problem of all of them is told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::output::Output;
use crate::experiment;
use crate::model::remedy::{Candidate, Remedy, Setting};
use crate::model::study::Study;
use crate::scenario::{self, Alternatives, Overrides};

/// A scenario file and what it holds.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) path: PathBuf,
    pub(super) study: Study,
    pub(super) alternatives: Alternatives,
}

/// What could be set otherwise, as the experiment asks for it.
impl experiment::Alternatives for Alternatives {
    fn settings(&self, point: usize) -> Arc<[Setting]> {
        Alternatives::settings(self, point)
    }

    fn candidate(&self, point: usize, remedy: Remedy) -> Option<Arc<Candidate>> {
        Alternatives::candidate(self, point, remedy)
    }
}

/// Reads one file.
///
/// # Errors
/// Its problems, as one text without colours; they have been told by then.
pub(super) fn load(path: &Path, overrides: &Overrides, output: &Output) -> Result<Loaded, String> {
    match scenario::load_with_alternatives(path, overrides) {
        Ok((study, alternatives)) => Ok(Loaded { path: path.to_owned(), study, alternatives }),
        Err(issues) => {
            output.issues(issues.render(output.stderr_colour()));
            Err(issues.to_string())
        }
    }
}

/// The first pair of files whose scenarios would share a folder; some systems do not tell capitals apart.
pub(super) fn same_name(loaded: &[Loaded]) -> Option<(&Loaded, &Loaded)> {
    loaded.iter().enumerate().find_map(|(index, later)| {
        let earlier =
            loaded[..index].iter().find(|earlier| earlier.study.name.eq_ignore_ascii_case(&later.study.name))?;
        Some((earlier, later))
    })
}

/// The scenario files that the paths name: files as they are, folders with all below them, in the order of names.
///
/// # Errors
/// A path that does not exist or cannot be read, as a message; a folder without scenarios too.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            below(path, &mut files)?;
            if files.len() == before {
                return Err(format!("{}: no scenario files (*.toml) in this folder", path.display()));
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("{}: cannot read the folder: {error}", folder.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(['_', '.']) {
            continue;
        }
        if entry.is_dir() {
            below(&entry, files)?;
        } else if entry.extension().is_some_and(|extension| extension == "toml") {
            files.push(entry);
        }
    }
    Ok(())
}
