//! Running the command as a user does: a folder of its own, exact text and exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with scenario files, in which commands run.
pub(crate) struct Desk {
    folder: TempDir,
}

/// What a command did.
pub(crate) struct Did {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A command that is not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_outlast"));
        command.current_dir(self.path()).args(arguments).env_remove("NO_COLOR").env_remove("OUTLAST_RENEW");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Did {
        Did::of(self.command(arguments).output().unwrap())
    }

    /// Every file below the folder with its bytes, in the order of names.
    pub(crate) fn files(&self, below: &str) -> Vec<(String, Vec<u8>)> {
        fn walk(folder: &Path, root: &Path, files: &mut Vec<(String, Vec<u8>)>) {
            let Ok(entries) = fs::read_dir(folder) else { return };
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, files);
                } else {
                    let name = path.strip_prefix(root).unwrap().display().to_string();
                    files.push((name, fs::read(&path).unwrap()));
                }
            }
        }
        let mut files = Vec::new();
        walk(&self.path().join(below), self.path(), &mut files);
        files.sort();
        files
    }
}

impl Did {
    pub(crate) fn of(output: Output) -> Did {
        Did {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails unless the exit code is this one; shows what was said.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Did {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails unless stderr contains this.
    #[track_caller]
    pub(crate) fn complains(&self, part: &str) -> &Did {
        assert!(self.stderr.contains(part), "`{part}` is not in stderr:\n{}", self.stderr);
        self
    }
}

/// A small scenario: 2 points, 3 replications, about 200 jobs each, some of which fail.
pub(crate) const SMALL: &str = r#"name = "small"
description = "Do Cinder's service tokens help?"

[run]
seed = 7
replications = 3
duration = "4h"
warm_up = "30m"

[keystone.token]
expiration = "20m"

[nova.service_user]
send_service_user_token = true

[nova.DEFAULT]
block_device_allocate_retries = 400
block_device_allocate_retries_interval = 30

[cloud.fernet_rotation]
every = "7h"

[cloud.image_transfer]
per_job = "50MiB/s"

[cloud.requests]
time = { exponential = { mean = "40ms" } }

[[workload]]
name = "boots"
job = "boot-from-volume"
arrivals = { poisson = "60/h" }
image_size = { lognormal = { median = "20GiB", sigma = 0.7 } }

[sweep]
"cinder.service_user.send_service_user_token" = [false, true]
"#;
