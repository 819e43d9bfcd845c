//! The file rules of oslo.config: what a service makes of its configuration files. Nothing here knows a service.
//!
//! These are the rules of oslo.config 10.7.0 (`iniparser.py`, `cfg.py`, `types.py`), and a table of recorded answers of
//! that package holds them. Only options that somebody declares are ever read, and only their text is kept for
//! messages: see [`Namespace::masked`].

mod lex;
mod look;
mod mask;
mod substitute;
mod value;

use std::sync::Arc;

use crate::document::{Collected, Issue, Place};
use lex::{Assignment, Lexed};
use substitute::{Referred, Substituted};

pub use value::{Type, Value};

/// The section whose name has capitals; its values hold for no other one.
pub const DEFAULT: &str = "DEFAULT";
/// References in a value and in what they lead to. A circle has no end, and Python would run out of stack.
const MOST_REFERENCES: usize = 64;

/// A configuration file.
#[derive(Clone, Debug)]
pub struct File {
    /// As people know it.
    pub name: String,
    /// All of it.
    pub text: Arc<str>,
}

/// An option that may be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opt {
    /// Its section, in small letters unless it is [`DEFAULT`].
    pub section: String,
    /// Its name, with underscores.
    pub name: String,
    /// Where it may stand too: older sections and names.
    pub deprecated: Vec<(String, String)>,
    /// What its value is.
    pub kind: Type,
    /// What a reference to it stands for where no file says it.
    pub default: Option<Value>,
}

impl Opt {
    /// Every section and name under which it is looked for, the right one first.
    fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        let older = self.deprecated.iter().map(|(section, name)| (section.as_str(), name.as_str()));
        std::iter::once((self.section.as_str(), self.name.as_str())).chain(older)
    }
}

/// What the files say of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Nothing.
    Absent,
    /// This, here.
    Found(Value, Place),
    /// Something that depends on an option which was not declared, and is not read.
    Elsewhere(Place),
    /// Nothing that a service would take; the problems say why.
    Refused,
}

/// What is found on the way.
#[derive(Debug, Default)]
pub struct Problems {
    /// A service would not start, or not take the value.
    pub errors: Collected,
    /// It would, but not do what whoever wrote this had in mind.
    pub warnings: Collected,
}

/// The files of a service, in the order in which it reads them.
#[derive(Debug)]
pub struct Namespace<'t> {
    files: Vec<Parsed<'t>>,
    options: Vec<Opt>,
    /// Sections whose names the files choose.
    chosen: Vec<String>,
}

/// A file after parsing.
#[derive(Debug)]
struct Parsed<'t> {
    text: &'t str,
    lexed: Lexed<'t>,
    /// The index that it will have among the sources.
    source: u32,
}

impl<'t> Parsed<'t> {
    fn place(&self, span: &std::ops::Range<usize>) -> Place {
        Place { source: self.source, start: span.start as u32, end: span.end as u32 }
    }

    /// The section of an assignment as it is compared: in small letters, unless it is [`DEFAULT`].
    fn section(&self, assignment: &Assignment<'_>) -> Option<String> {
        assignment.header.map(|header| normalised(self.lexed.headers[header].name))
    }

    /// Every time that an option of this section and name is set.
    fn settings(&self, section: &str, name: &str) -> impl DoubleEndedIterator<Item = &Assignment<'t>> {
        let is_meant = move |assignment: &&Assignment<'t>| {
            assignment.key == name && self.section(assignment).is_some_and(|own| own == section)
        };
        self.lexed.assignments.iter().filter(is_meant)
    }
}

/// The name of a section as oslo.config compares it.
fn normalised(name: &str) -> String {
    if name == DEFAULT { name.to_owned() } else { name.to_lowercase() }
}

/// The file and the lines that decide about an option.
struct Decisive<'n, 't> {
    file: &'n Parsed<'t>,
    section: String,
    name: String,
    /// At least one.
    settings: Vec<&'n Assignment<'t>>,
}

impl<'t> Namespace<'t> {
    /// Parses the files of a service, which will be the sources from `first_source` on; later files win.
    pub fn parse(files: &'t [File], first_source: u32, problems: &mut Problems) -> Namespace<'t> {
        let parsed = files.iter().zip(first_source..).map(|(file, source)| {
            let parsed = Parsed { text: &file.text, lexed: lex::lex(&file.text), source };
            for wrong in &parsed.lexed.wrong {
                let issue = Issue::at(parsed.place(&wrong.span), wrong.what.message());
                problems.errors.push(issue.help(wrong.what.help()));
            }
            parsed
        });
        Namespace { files: parsed.collect(), options: Vec::new(), chosen: Vec::new() }
    }

    /// Declares options that may be read, and referred to, from now on.
    pub fn declare(&mut self, options: impl IntoIterator<Item = Opt>) {
        self.options.extend(options);
    }

    /// Says that a section has the name that the files gave it, so that another one like it is no slip.
    pub fn choose(&mut self, section: impl Into<String>) {
        self.chosen.push(section.into());
    }

    /// What the files say of a declared option; of any other, nothing.
    pub fn read(&self, section: &str, name: &str, problems: &mut Problems) -> Reading {
        self.read_below(section, name, &mut { MOST_REFERENCES }, problems)
    }

    fn read_below(&self, section: &str, name: &str, left: &mut usize, problems: &mut Problems) -> Reading {
        let Some(option) = self.options.iter().find(|option| option.section == section && option.name == name) else {
            return Reading::Absent;
        };
        if option.kind == Type::Multi {
            return self.read_multi(option, left, problems);
        }
        let Some(Decisive { file, section, name, settings }) = self.decisive(option) else {
            return Reading::Absent;
        };
        let Some(last) = settings.last() else { return Reading::Absent };
        look::at_repetition(file, option, &settings, problems);
        look::at_name(file, option, last, &section, &name, problems);
        self.convert(option, file, last, left, problems)
    }

    /// The last file that sets the option under any of its names; within a file the right name wins.
    fn decisive(&self, option: &Opt) -> Option<Decisive<'_, 't>> {
        self.files.iter().rev().find_map(|file| {
            option.names().find_map(|(section, name)| {
                let settings: Vec<&Assignment<'t>> = file.settings(section, name).collect();
                let found = || Decisive {
                    file,
                    section: section.to_owned(),
                    name: name.to_owned(),
                    settings: settings.clone(),
                };
                (!settings.is_empty()).then(found)
            })
        })
    }

    /// Every time that the option is set, the files in their order.
    fn read_multi(&self, option: &Opt, left: &mut usize, problems: &mut Problems) -> Reading {
        let mut items = Vec::new();
        let mut first = None;
        for file in &self.files {
            // As oslo.config does it: of the names in one file, later ones come first.
            let names: Vec<(&str, &str)> = option.names().collect();
            for (section, name) in names.into_iter().rev() {
                for assignment in file.settings(section, name) {
                    match self.convert(option, file, assignment, left, problems) {
                        Reading::Found(Value::List(one), place) => {
                            first.get_or_insert(place);
                            items.extend(one);
                        }
                        Reading::Found(..) | Reading::Absent => {}
                        not @ (Reading::Elsewhere(_) | Reading::Refused) => return not,
                    }
                }
            }
        }
        first.map_or(Reading::Absent, |place| Reading::Found(Value::List(items), place))
    }

    fn convert(
        &self,
        option: &Opt,
        file: &Parsed<'t>,
        assignment: &Assignment<'t>,
        left: &mut usize,
        problems: &mut Problems,
    ) -> Reading {
        let place = file.place(&assignment.span);
        let name = &option.name;
        let Some(text) = mask::readable(assignment, &option.kind) else {
            let message = format!("`{name}`: the value goes on in the next line, which begins with a blank");
            let help = "to oslo.config every such line is a part of the value; remove the blank, or write the value in \
                        one line (outlast does not read the line, which may hold a secret)";
            problems.errors.push(Issue::at(place, message).help(help));
            return Reading::Refused;
        };
        let resolve = |reference: &str| {
            if let Some(less) = left.checked_sub(1) {
                *left = less;
                return self.referred(&option.section, reference, left, problems);
            }
            let message =
                format!("`{name}`: the reference leads to itself, or to more than {MOST_REFERENCES} references");
            problems.errors.push(Issue::at(place, message));
            Referred::Refused
        };
        let text = match substitute::substitute(&text, resolve) {
            Substituted::Text(text) => text,
            Substituted::Unknown => return Reading::Elsewhere(place),
            Substituted::Refused => return Reading::Refused,
        };
        let has_comment = mask::has_comment(assignment);
        let advice = "oslo.config takes a comment behind a value for a part of it; give it a line of its own";
        match option.kind.convert(&text) {
            Ok(value) => {
                if has_comment {
                    let message = format!("`{name}`: the comment is a part of the value");
                    problems.warnings.push(Issue::at(place, message).help(advice));
                }
                Reading::Found(value.without_userinfo(), place)
            }
            Err(message) => {
                let issue = Issue::at(place, format!("`{name}`: {message}"));
                problems.errors.push(if has_comment { issue.help(advice) } else { issue });
                Reading::Refused
            }
        }
    }

    /// What a `$reference` in an option of `section` stands for.
    fn referred(&self, section: &str, reference: &str, left: &mut usize, problems: &mut Problems) -> Referred {
        let (group, name) = match reference.split_once('.') {
            // `DEFAULT` is no group that can be referred to by name.
            Some((DEFAULT, _)) => return Referred::Unknown,
            Some(named) => named,
            None => (section, reference),
        };
        let find = |section: &str, name: &str| {
            self.options.iter().find(|option| option.section == section && option.name == name)
        };
        let Some(option) = find(group, name).or_else(|| find(DEFAULT, reference)) else {
            return Referred::Unknown;
        };
        match self.read_below(&option.section, &option.name, left, problems) {
            Reading::Found(value, _) => Referred::Text(value.in_python()),
            Reading::Absent => {
                Referred::Text(option.default.as_ref().map_or_else(String::new, |value| value.in_python()))
            }
            Reading::Elsewhere(_) => Referred::Unknown,
            Reading::Refused => Referred::Refused,
        }
    }

    /// Warns of what looks like a declared option or its section, and is another one to oslo.config.
    pub fn look_alikes(&self, problems: &mut Problems) {
        self.files.iter().for_each(|file| look::at_file(file, &self.options, &self.chosen, problems));
    }

    /// Where a section begins, in every file that has it.
    pub fn sections(&self, name: &str) -> Vec<Place> {
        let one = |file: &Parsed<'_>| {
            let header = file.lexed.headers.iter().find(|header| normalised(header.name) == name)?;
            Some(file.place(&header.span))
        };
        self.files.iter().filter_map(one).collect()
    }

    /// Where the name of an option stands that is not read, in every file that sets it.
    pub fn mentions(&self, section: &str, name: &str) -> Vec<Place> {
        let one = |file: &Parsed<'_>| {
            let assignment = file.settings(section, name).next_back()?;
            Some(file.place(&assignment.key_span))
        };
        self.files.iter().filter_map(one).collect()
    }

    /// Whether the last line that sets an option, declared or not, gives it anything. Nothing else is learnt of the
    /// value.
    pub fn is_filled(&self, section: &str, name: &str) -> bool {
        let last = self.files.iter().rev().find_map(|file| file.settings(section, name).next_back());
        last.is_some_and(|last| !last.value.is_empty() || last.more.iter().any(|more| !more.text.is_empty()))
    }

    /// The texts of the files, in their order, with every byte hidden that is not known to be harmless: the names of
    /// sections and options that were declared or are in `mentioned`, and the values of declared options.
    pub fn masked(&self, mentioned: &[(&str, &str)]) -> Vec<String> {
        self.files.iter().map(|file| mask::masked(file, &self.options, mentioned)).collect()
    }
}

#[cfg(test)]
mod tests;
