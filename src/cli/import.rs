//! `outlast import`: from the configuration files of a cloud to a scenario.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::ImportArgs;
use super::exit::Exit;
use super::output::Output;
use crate::import::scenario_text;
use crate::scenario::{self, Overrides};

pub(super) fn import(args: &ImportArgs, output: &Output) -> Exit {
    if args.conf.is_empty() {
        output.error(
            "no configuration file is named: give `--keystone FILE`, `--nova FILE`, `--cinder FILE` or `--glance FILE`",
        );
        return Exit::CouldNotRun;
    }
    let Some((configurations, choices)) = args.conf.read(&args.name, output) else {
        return Exit::CouldNotRun;
    };
    let text = scenario_text(&configurations, &choices);
    // Each value is good by itself; what they are together is only known now.
    if let Err(issues) = scenario::load_text("the scenario", &text, Path::new(""), &Overrides::default()) {
        output.issues(issues.render(output.stderr_colour()));
        return Exit::CouldNotRun;
    }
    let Some(path) = &args.out else {
        output.result_always(text.trim_end());
        return Exit::Done;
    };
    match write_new(path, &text) {
        Ok(()) => {
            output.note(format_args!(
                "Wrote {0}. Set what is marked `please set`, then: outlast run {0}",
                path.display()
            ));
            Exit::Done
        }
        Err(error) => {
            let why = if error.kind() == ErrorKind::AlreadyExists {
                "it exists, and import never overwrites a file: choose another name or remove it".to_owned()
            } else {
                error.to_string()
            };
            output.error(format_args!("{}: cannot write: {why}", path.display()));
            Exit::CouldNotRun
        }
    }
}

/// Writes a file that does not exist, whole or not at all: whoever has set what no file says does not want to lose it.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = Path::new(&partial);
    let written = File::create_new(partial).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    // A link refuses a name that somebody has taken meanwhile; not every file system has links.
    let placed = written.and_then(|()| match std::fs::hard_link(partial, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => std::fs::rename(partial, path),
        linked => linked,
    });
    let _ = std::fs::remove_file(partial);
    placed
}
