//! What is wrong with a scenario, each problem with its place, rendered as the Rust compiler does.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Renderer, Snippet};

use super::source::{Place, Source};

/// What was found may be a megabyte, and its place is shown anyway.
const LONGEST_MESSAGE: usize = 400;
/// More problems than this are only counted: nobody reads them, and a broken sweep may have thousands.
const MOST_SHOWN: usize = 100;
/// A longer name is not a slip of the finger.
const LONGEST_NAME: usize = 200;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issue {
    /// `None`: it has no place, a file that cannot be opened for instance.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// A second place that takes part, and how.
    pub also: Option<(Place, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Issue {
    /// A problem at a place; a default has none.
    pub fn at(place: Place, message: impl Into<String>) -> Issue {
        let place = (place != Place::NOWHERE).then_some(place);
        let mut message: String = message.into();
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Issue { place, message, also: None, help: None }
    }

    /// A problem without a place.
    pub fn general(message: impl Into<String>) -> Issue {
        Issue::at(Place::NOWHERE, message)
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Issue {
        self.help = Some(help.into());
        self
    }

    /// Adds a second place that takes part, and how.
    pub fn also(mut self, place: Place, label: impl Into<String>) -> Issue {
        if place != Place::NOWHERE && Some(place) != self.place {
            self.also = Some((place, label.into()));
        }
        self
    }
}

/// Problems under collection, each once however many points of a sweep have it.
#[derive(Debug, Default)]
pub struct Collected {
    list: Vec<Issue>,
    seen: HashSet<Issue>,
}

impl Collected {
    /// Adds a problem unless it is there already.
    pub fn push(&mut self, issue: Issue) {
        if self.seen.insert(issue.clone()) {
            self.list.push(issue);
        }
    }

    /// Adds those of another collection.
    pub fn append(&mut self, others: Collected) {
        others.list.into_iter().for_each(|issue| self.push(issue));
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "it is compared with itself from before")]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The problems in the order of the files.
    pub fn finish(mut self, sources: Vec<Source>) -> Issues {
        self.list.sort_by_key(|issue| issue.place.map(|place| (place.source, place.start, place.end)));
        Issues { list: self.list, sources }
    }
}

/// Everything that is wrong with a scenario.
#[derive(Debug)]
pub struct Issues {
    list: Vec<Issue>,
    sources: Vec<Source>,
}

impl Issues {
    /// How many problems there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is always a problem")]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The problems, each with file, line, column, the source line and a caret under the text.
    pub fn render(&self, color: bool) -> String {
        self.render_as(&Level::ERROR, color)
    }

    /// The same of what is only odd.
    pub fn render_warnings(&self, color: bool) -> String {
        self.render_as(&Level::WARNING, color)
    }

    fn render_as(&self, level: &Level<'static>, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let shown = self.list.iter().take(MOST_SHOWN);
        let mut blocks: Vec<String> = shown.map(|issue| self.render_one(issue, level, &renderer)).collect();
        if self.list.len() > MOST_SHOWN {
            blocks.push(format!("… and {} more problems", self.list.len() - MOST_SHOWN));
        }
        blocks.join("\n\n")
    }

    /// The problems as `file:line:column: message`, for tools that read lines.
    pub fn lines(&self) -> Vec<String> {
        self.list.iter().map(|issue| self.line(issue)).collect()
    }

    fn line(&self, issue: &Issue) -> String {
        match issue.place.and_then(|place| Some((place, self.source(place)?))) {
            Some((place, source)) => {
                let (line, column) = source.line_column(place.start as usize);
                format!("{}:{line}:{column}: {}", source.name, issue.message)
            }
            None => issue.message.clone(),
        }
    }

    /// What is wrong without the places, each message once.
    pub fn messages(&self) -> Vec<&str> {
        let mut messages: Vec<&str> = Vec::new();
        for issue in &self.list {
            if !messages.contains(&issue.message.as_str()) {
                messages.push(&issue.message);
            }
        }
        messages
    }

    fn source(&self, place: Place) -> Option<&Source> {
        self.sources.get(place.source as usize)
    }

    fn render_one(&self, issue: &Issue, level: &Level<'static>, renderer: &Renderer) -> String {
        let mut elements: Vec<Element<'_>> = Vec::new();
        let mut title = issue.message.clone();
        let shown = |place: Place| self.source(place).filter(|source| !source.is_hidden);
        let is_hidden = issue.place.and_then(|place| self.source(place)).is_some_and(|source| source.is_hidden);
        if is_hidden {
            title = self.line(issue);
        } else if let Some((place, source)) = issue.place.and_then(|place| Some((place, self.source(place)?))) {
            let also = issue.also.as_ref().and_then(|(place, label)| Some((*place, label, shown(*place)?)));
            let (mut spans, mut elsewhere) = (vec![range(place, source)], None);
            match also {
                Some((other, _, _)) if other.source == place.source => spans.push(range(other, source)),
                Some((other, label, source)) => elsewhere = Some((range(other, source), label, source)),
                None => {}
            }
            let (snippet, before) = snippet(source, &spans);
            let mut snippet = snippet.annotation(AnnotationKind::Primary.span(within(&spans[0], before)));
            if let (Some(span), Some((_, label, _))) = (spans.get(1), also) {
                snippet = snippet.annotation(AnnotationKind::Context.span(within(span, before)).label(label.as_str()));
            }
            elements.push(snippet.into());
            if let Some((span, label, source)) = elsewhere {
                let (snippet, before) = self::snippet(source, std::slice::from_ref(&span));
                let context = AnnotationKind::Context.span(within(&span, before)).label(label.as_str());
                elements.push(snippet.annotation(context).into());
            }
        }
        if let Some(help) = &issue.help {
            elements.push(Level::HELP.message(help.as_str()).into());
        }
        renderer.render(&[level.clone().primary_title(title.as_str()).elements(elements)])
    }
}

/// The bytes of a place, kept inside the text whatever happens.
fn range(place: Place, source: &Source) -> Range<usize> {
    let length = source.text.len();
    let start = (place.start as usize).min(length);
    start..(place.end as usize).clamp(start, length)
}

/// The lines from the first of the spans to the last, and how many bytes stand before them. The renderer looks at every
/// line that it is given, for every problem anew, and a file may have a million.
fn snippet<'s>(source: &'s Source, spans: &[Range<usize>]) -> (Snippet<'s, Annotation<'s>>, usize) {
    let text = &*source.text;
    let first = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let last = spans.iter().map(|span| span.end).max().unwrap_or(0);
    let start = text.get(..first).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(last..).and_then(|behind| behind.find('\n')).map_or(text.len(), |at| last + at + 1);
    // A span behind the last line end has no line of its own.
    let (start, end) = if start < end { (start, end) } else { (0, text.len()) };
    let lines = text[..start].matches('\n').count();
    (Snippet::source(&text[start..end]).line_start(lines + 1).path(source.name.as_str()), start)
}

fn within(span: &Range<usize>, before: usize) -> Range<usize> {
    span.start - before..span.end - before
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Issues {}

/// The name nearest to what was written, if it is near enough to be meant.
pub fn nearest<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if written.len() > LONGEST_NAME {
        return None;
    }
    let limit = (written.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, name)| *distance <= limit && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `a`, `b` and `c`, in backquotes.
pub fn listing<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Help after an unknown name: the nearest if any, else all that is allowed.
pub fn did_you_mean<S: AsRef<str>>(written: &str, known: &[S]) -> String {
    match nearest(written, known.iter().map(AsRef::as_ref)) {
        Some(name) => format!("did you mean `{name}`? known here: {}", listing(known)),
        None => format!("known here: {}", listing(known)),
    }
}
