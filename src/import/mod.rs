//! From the configuration files of a cloud to a scenario. No file is opened here, and no rule of oslo.config stated.
//!
//! [`read`] takes texts and gives [`Configurations`]: every option of OpenStack that a scenario has a key for, with its
//! value and where it was written. [`scenario_text`] writes them down as a scenario, in which every value says where it
//! comes from. What is no option of that table is not read, kept or shown: it may be a password.

mod cron;
mod grounds;
mod roles;
mod services;
mod stores;
mod text;

use std::path::Path;
use std::sync::Arc;

use crate::document::{Issue, Issues, Node, Place, Source, Sources, Value, listing};
use crate::model::Written;
use crate::oslo::{self, Namespace, Problems, Reading};
use crate::scenario::{self, ServiceOption};
use services::Gone;
use stores::Layout;

pub use cron::{CronFile, CronRead, Rotations, crontabs};
pub use grounds::{file_and_section, line_in_file};
pub use roles::ServiceRoles;
pub use services::Service;
pub use text::{Choices, Schedule, scenario_text, settings_text};

/// The largest configuration file: ten times the complete sample of nova.conf with all its comments.
pub const FILE_LIMIT: u64 = 4 << 20;

/// A configuration file of a service.
#[derive(Clone, Debug)]
pub struct ConfFile {
    /// Whose it is.
    pub service: Service,
    /// Its name and text.
    pub file: oslo::File,
}

/// What the files of a cloud say of the options that scenarios have keys for.
#[derive(Debug)]
pub struct Configurations {
    release: String,
    /// The files of each service, in the order in which it reads them.
    files: Vec<(Service, Vec<String>)>,
    settings: Vec<Setting>,
    /// Options that nobody has written, with what is of no effect without them.
    lacking: Vec<(&'static str, Written)>,
}

/// An option and what is said of it.
#[derive(Clone, Debug)]
struct Setting {
    option: ServiceOption,
    said: Said,
}

/// What the files say.
#[derive(Clone, Debug)]
enum Said {
    /// Nothing: the default of the release holds.
    Nothing,
    /// This, and where; the text says what else is to be known.
    Value { value: Value, at: Written, note: String },
    /// That it has no value, and where.
    Unset { at: Written, note: String },
    /// Something that stands in an option which is not read.
    Elsewhere { at: Written },
}

/// What came of reading.
#[derive(Debug)]
pub struct Read {
    /// What the files say, or all that is wrong with them.
    pub configurations: Result<Configurations, Issues>,
    /// What a service takes in silence, and whoever wrote it did not mean.
    pub warnings: Option<Issues>,
}

impl Configurations {
    /// The keys of a scenario that the files say, and where; of each line only what [may be shown](oslo).
    pub fn places(&self) -> impl Iterator<Item = (&'static str, &Written)> {
        self.settings.iter().filter_map(|setting| match &setting.said {
            Said::Nothing => None,
            Said::Value { at, .. } | Said::Unset { at, .. } | Said::Elsewhere { at } => {
                Some((setting.option.path(), at))
            }
        })
    }

    /// Where the files say a key of a scenario; `None`: nowhere.
    pub fn place(&self, path: &str) -> Option<&Written> {
        self.places().find(|(known, _)| *known == path).map(|(_, at)| at)
    }

    /// Names of all files, those of a service in the order in which it reads them.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|(_, files)| files).map(String::as_str)
    }

    fn files_of(&self, service: Service) -> &[String] {
        self.files.iter().find(|(known, _)| *known == service).map_or(&[], |(_, files)| files)
    }
}

/// Reads the files of all services under the defaults of a release; those of one service in the order given, in which
/// later ones win.
pub fn read(files: Vec<ConfFile>, release: &str) -> Read {
    let mut problems = Problems::default();
    let mut sources = Sources::default();
    let mut found = Found::default();
    let mut names = Vec::new();
    if !scenario::releases().contains(&release) {
        let message = format!("unknown release `{release}`; known are {}", listing(scenario::releases()));
        problems.errors.push(Issue::general(message));
    }
    let mut first_source = 0;
    for service in Service::ALL {
        let own: Vec<oslo::File> =
            files.iter().filter(|file| file.service == service).map(|file| file.file.clone()).collect();
        of_service(service, release, &own, first_source, &mut found, &mut sources, &mut problems);
        first_source += own.len() as u32;
        names.push((service, own.into_iter().map(|file| file.name).collect()));
    }
    drop(files);
    let sources = sources.into_list();
    let settings: Vec<Setting> =
        found.settings.into_iter().map(|(option, reading, note)| setting(option, reading, note, &sources)).collect();
    let lacking = found.lacking.into_iter().map(|(option, place)| (option, written(place, &sources))).collect();
    let warnings = problems.warnings;
    let warnings = (warnings.len() > 0).then(|| warnings.finish(sources.clone()));
    let configurations = if problems.errors.len() > 0 {
        Err(problems.errors.finish(sources))
    } else {
        Ok(Configurations { release: release.to_owned(), files: names, settings, lacking })
    };
    Read { configurations, warnings }
}

/// What files say, before places are looked up.
#[derive(Default)]
struct Found {
    /// With what else is to be known of each.
    settings: Vec<(ServiceOption, Reading, String)>,
    lacking: Vec<(&'static str, Place)>,
}

/// Reads the files of one service, and adds what of them may be shown to the sources.
fn of_service(
    service: Service,
    release: &str,
    files: &[oslo::File],
    first_source: u32,
    found: &mut Found,
    sources: &mut Sources,
    problems: &mut Problems,
) {
    let mut namespace = Namespace::parse(files, first_source, problems);
    let options = || scenario::options().filter(|option| option.service == service.code());
    namespace.declare(options().map(|option| services::declared(option, release)));
    let layout = Layout::of(service, &mut namespace, problems);
    found.lacking.extend(layout.store_lacks());
    for option in options() {
        let section = layout.section(option);
        if section != option.section {
            namespace.choose(section.as_str());
            namespace.declare([oslo::Opt { section: section.clone(), ..services::declared(option, release) }]);
        }
        let (reading, note) = match layout.default_store(option) {
            Some((kind, place)) => layout.simulated(option, Reading::Found(oslo::Value::Text(kind), place)),
            None => {
                let reading = namespace.read(&section, option.name, problems);
                found.lacking.extend(layout.lacking(option, &reading));
                layout.simulated(option, reading)
            }
        };
        check(option, &reading, problems);
        found.settings.push((option, reading, note));
    }
    namespace.look_alikes(problems);
    let gone = services::gone();
    let mentioned = || gone.iter().filter(|gone| gone.service == service && is_gone(gone, release));
    for gone in mentioned() {
        warn_of_gone(gone, release, &namespace, problems);
    }
    warn_of_strangers(service, files, first_source, &namespace, problems);
    let foreign = || Service::ALL.into_iter().filter(|other| *other != service);
    let signs = foreign().flat_map(|other| other.own_sections()).map(|section| (*section, ""));
    let signs = signs.chain(foreign().flat_map(|other| other.own_options()).map(|option| (oslo::DEFAULT, *option)));
    let known = mentioned().map(|gone| (gone.section, gone.name)).chain(layout.harmless());
    let harmless: Vec<(&str, &str)> = known.chain(signs).collect();
    for (file, masked) in files.iter().zip(namespace.masked(&harmless)) {
        sources.add(&file.name, Arc::from(masked), Path::new(""));
    }
}

/// Whether the value is one that a scenario takes.
fn check(option: ServiceOption, reading: &Reading, problems: &mut Problems) {
    let (value, place) = match reading {
        Reading::Found(value, place) => (value, place),
        Reading::Elsewhere(place) => {
            let message = format!("`{}` refers to an option that outlast does not read", option.name);
            let help = "outlast takes its default instead";
            problems.warnings.push(Issue::at(*place, message).help(help));
            return;
        }
        Reading::Absent | Reading::Refused => return,
    };
    let has_default = option.default(scenario::releases().last().copied().unwrap_or_default()).is_some();
    match as_toml(value, *place) {
        None if has_default => {
            let message = format!("`{}` is empty, which is no value and not the default either", option.name);
            problems.errors.push(Issue::at(*place, message).help("remove the line, or write a value"));
        }
        None => {}
        Some(value) => {
            option.accepts(&value, &mut problems.errors);
        }
    }
}

/// A value as scenarios have it; `None`: there is none.
fn as_toml(value: &oslo::Value, place: Place) -> Option<Value> {
    let node = match value {
        oslo::Value::Flag(flag) => Node::Flag(*flag),
        oslo::Value::Integer(integer) => Node::Integer(*integer),
        oslo::Value::Text(text) if text.is_empty() => return None,
        oslo::Value::Text(text) => Node::Text(text.clone()),
        oslo::Value::List(items) => {
            // An empty item is a role that nobody has, or a server that is none.
            let items = items.iter().filter(|item| !item.is_empty());
            Node::Array(items.map(|item| Value { place, node: Node::Text(item.clone()) }).collect())
        }
        oslo::Value::Pairs(_) | oslo::Value::Nothing => return None,
    };
    Some(Value { place, node })
}

fn setting(option: ServiceOption, reading: Reading, note: String, sources: &[Source]) -> Setting {
    let at = |place: Place| written(place, sources);
    let said = match reading {
        Reading::Absent | Reading::Refused => Said::Nothing,
        Reading::Elsewhere(place) => Said::Elsewhere { at: at(place) },
        Reading::Found(value, place) => match as_toml(&value, place) {
            Some(value) => Said::Value { value, at: at(place), note },
            None => Said::Unset { at: at(place), note },
        },
    };
    Setting { option, said }
}

/// Where a value stands, in the lines as far as they may be shown.
fn written(place: Place, sources: &[Source]) -> Written {
    let Some(source) = sources.get(place.source as usize) else {
        return Written { file: String::new(), line: 1, column: 1, width: 1, text: String::new() };
    };
    let (line, column) = source.line_column(place.start as usize);
    let text = source.text.lines().nth(line - 1).unwrap_or_default().trim_start_matches('\u{feff}');
    let value = source.text.get(place.start as usize..place.end as usize).unwrap_or_default();
    let width = value.lines().next().unwrap_or_default().chars().count().max(1);
    Written { file: source.name.clone(), line, column, width, text: text.to_owned() }
}

fn is_gone(gone: &Gone, release: &str) -> bool {
    gone.since.is_none_or(|since| release >= since)
}

fn warn_of_gone(gone: &Gone, release: &str, namespace: &Namespace<'_>, problems: &mut Problems) {
    for place in namespace.mentions(gone.section, gone.name) {
        let message = match gone.since {
            Some(since) => format!("`{}` is gone since {since}, and {release} ignores it", gone.name),
            None => format!("`{}` was gone long before {release}, which ignores it", gone.name),
        };
        problems.warnings.push(Issue::at(place, message).help(gone.instead));
    }
}

/// Warns of files that belong to another service.
fn warn_of_strangers(
    service: Service,
    files: &[oslo::File],
    first_source: u32,
    namespace: &Namespace<'_>,
    problems: &mut Problems,
) {
    let signs = |service: Service| -> Vec<Place> {
        let sections = service.own_sections().iter().flat_map(|section| namespace.sections(section));
        let options = service.own_options().iter().flat_map(|option| namespace.mentions(oslo::DEFAULT, option));
        sections.chain(options).collect()
    };
    let own = signs(service);
    for other in Service::ALL.into_iter().filter(|other| *other != service) {
        let theirs = signs(other);
        for (file, source) in files.iter().zip(first_source..) {
            let base = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
            let sign = theirs.iter().find(|place| place.source == source);
            let is_known = own.iter().any(|place| place.source == source);
            if base != other.file_name() && (sign.is_none() || is_known) {
                continue;
            }
            let message = format!(
                "`{}` is read as a file of {}, and looks like one of {}",
                file.name,
                service.code(),
                other.code()
            );
            let issue =
                sign.map_or_else(|| Issue::general(message.clone()), |place| Issue::at(*place, message.clone()));
            problems.warnings.push(issue.help(format!("if it is, give it as `--{}`", other.code())));
        }
    }
}

#[cfg(test)]
mod tests;
