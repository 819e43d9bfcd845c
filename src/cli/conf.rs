//! The configuration files of a cloud, as the command line names them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::output::Output;
use crate::document::{Issues, read_text};
use crate::import::{self, Choices, ConfFile, Configurations, CronFile, FILE_LIMIT, Schedule, Service, ServiceRoles};
use crate::oslo::File;
use crate::scenario;
use crate::units::{Span, parse};

/// Which files of which service, and what no file says.
#[derive(Debug, Args)]
pub(super) struct ConfArgs {
    /// Files of Keystone (keystone.conf), or folders with *.conf; in the order in which it reads them, later ones win;
    /// `-` is the standard input
    #[arg(long, value_name = "PATH")]
    keystone: Vec<PathBuf>,
    /// Files or folders of Nova (nova.conf)
    #[arg(long, value_name = "PATH")]
    nova: Vec<PathBuf>,
    /// Files or folders of Cinder (cinder.conf)
    #[arg(long, value_name = "PATH")]
    cinder: Vec<PathBuf>,
    /// Files or folders of Glance (glance-api.conf)
    #[arg(long, value_name = "PATH")]
    glance: Vec<PathBuf>,
    /// Release of OpenStack, which decides the defaults
    #[arg(long, value_name = "RELEASE", value_parser = release, default_value = newest())]
    release: String,
    /// Time between two rotations of the Fernet keys, such as 12h
    #[arg(long, value_name = "DURATION", value_parser = period, conflicts_with = "crontab")]
    rotate_every: Option<Span>,
    /// Crontabs, of which the lines for `keystone-manage fernet_rotate` are read
    #[arg(long, value_name = "FILE")]
    crontab: Vec<PathBuf>,
    /// Roles that a service user holds in Keystone, such as nova=service,admin; users are nova, cinder and
    /// nova_authtoken (of nova.conf [keystone_authtoken]); may be given for each
    #[arg(long, value_name = "USER=ROLE,…", value_parser = ServiceRoles::parse)]
    service_roles: Vec<ServiceRoles>,
}

fn newest() -> &'static str {
    scenario::releases().last().copied().unwrap_or_default()
}

fn release(text: &str) -> Result<String, String> {
    let known = scenario::releases();
    if known.contains(&text) { Ok(text.to_owned()) } else { Err(format!("known are {}", known.join(", "))) }
}

fn period(text: &str) -> Result<Span, String> {
    match parse::span(text)? {
        Span::ZERO => Err("must be above zero".to_owned()),
        span => Ok(span),
    }
}

impl ConfArgs {
    /// Whether any file of a service is named.
    pub(super) fn is_empty(&self) -> bool {
        Service::ALL.into_iter().all(|service| self.paths(service).is_empty())
    }

    fn paths(&self, service: Service) -> &[PathBuf] {
        match service {
            Service::Keystone => &self.keystone,
            Service::Nova => &self.nova,
            Service::Cinder => &self.cinder,
            Service::Glance => &self.glance,
        }
    }

    /// Reads all of them for a scenario of this name; `None`: all that is wrong has been told.
    pub(super) fn read(&self, name: &str, output: &Output) -> Option<(Configurations, Choices)> {
        let mut is_good = true;
        let mut tell = |message: String| {
            output.error(message);
            is_good = false;
        };
        let mut files = Vec::new();
        for service in Service::ALL {
            let mut paths = Vec::new();
            self.paths(service).iter().for_each(|path| paths.extend(of_folder(path, &mut tell)));
            for path in paths {
                match text(&path) {
                    Ok(file) => files.push(ConfFile { service, file }),
                    Err(message) => tell(message),
                }
            }
        }
        let mut crontabs = Vec::new();
        for path in &self.crontab {
            match text(path) {
                Ok(File { name, text }) => crontabs.push(CronFile { name, text }),
                Err(message) => tell(message),
            }
        }
        let schedule = match (self.rotate_every, crontabs.as_slice()) {
            (Some(period), _) => Some(Schedule::Every(period)),
            (None, []) => Some(Schedule::Unsaid),
            (None, crontabs) => {
                let read = import::crontabs(crontabs);
                warn(read.warnings, output);
                match read.rotations {
                    Ok(rotations) => Some(Schedule::Cron(rotations)),
                    Err(issues) => {
                        output.issues(issues.render(output.stderr_colour()));
                        None
                    }
                }
            }
        };
        let read = import::read(files, &self.release);
        warn(read.warnings, output);
        match read.configurations {
            Ok(configurations) if is_good => {
                let roles = self.service_roles.clone();
                Some((configurations, Choices { name: name.to_owned(), schedule: schedule?, roles }))
            }
            Ok(_) => None,
            Err(issues) => {
                output.issues(issues.render(output.stderr_colour()));
                None
            }
        }
    }
}

/// Tells warnings, with a blank line behind them: what comes next has a heading of its own.
fn warn(warnings: Option<Issues>, output: &Output) {
    if let Some(warnings) = warnings.filter(|_| !output.quiet) {
        output.issues(format_args!("{}\n", warnings.render_warnings(output.stderr_colour())));
    }
}

/// A file as it is, a folder with what `--config-dir` of a service takes of it: `*.conf` in the order of names.
fn of_folder(path: &Path, tell: &mut impl FnMut(String)) -> Vec<PathBuf> {
    if path == Path::new("-") {
        return vec![PathBuf::from("/dev/stdin")];
    }
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut files = Vec::new();
    match std::fs::read_dir(path) {
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) => files.push(entry.path()),
                    Err(error) => tell(format!("{}: cannot read the folder: {error}", path.display())),
                }
            }
        }
        Err(error) => tell(format!("{}: cannot read the folder: {error}", path.display())),
    }
    let is_conf = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".conf") && !name.starts_with('.')
    };
    files.retain(is_conf);
    if files.is_empty() {
        tell(format!("{}: no file in this folder is named *.conf, so there is nothing to read", path.display()));
    }
    files.sort();
    files
}

fn text(path: &Path) -> Result<File, String> {
    let text = read_text(path, FILE_LIMIT)?;
    if text.contains('\0') {
        return Err(format!("`{}` is no text file: it has a byte 0", path.display()));
    }
    Ok(File { name: path.display().to_string(), text: Arc::from(text) })
}
