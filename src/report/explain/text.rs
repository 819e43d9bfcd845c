//! For people: who the job was, its token, the course line by line, what an operator would have seen.

use anstyle::{AnsiColor, Style};

use super::lines::{Line, Seen, Sort};
use super::{Told, clock, facts};
use crate::report::words::{duration, wrap};
use crate::units::Span;

/// Text is broken at this width.
const WIDTH: usize = 100;
/// Where the words of a line begin, behind its time.
const INDENT: usize = 17;

/// The text of `--format text`.
pub fn render(told: Told<'_>, colour: bool) -> String {
    let style = |style: Style| if colour { style } else { Style::new() };
    let strong = style(Style::new().bold());
    let bad = style(AnsiColor::Red.on_default().bold());
    let mut text = format!("{strong}{}{strong:#}\n", facts::title(&told));
    for (label, value) in facts::facts(&told) {
        push(&mut text, &format!("  {label:<INDENT$}"), &value, INDENT + 2);
    }
    let story = told.story();
    text.push_str(&format!("\n{strong}Course{strong:#}, by the time since submission\n"));
    for line in &story.lines {
        let mark = if line.refused.is_some() { bad } else { Style::new() };
        let time = format!("  {:>14} ", clock(told.since(line.at)));
        let head = format!("{}{}", headline(line), if line.refused.is_some() { "  \u{2717}" } else { "" });
        let mut wrapped = wrap(&head, WIDTH - INDENT).into_iter();
        text.push_str(&format!("{time}{mark}{}{mark:#}\n", wrapped.next().unwrap_or_default()));
        for rest in wrapped {
            text.push_str(&format!("{:INDENT$}{mark}{rest}{mark:#}\n", ""));
        }
        for note in &line.notes {
            push(&mut text, &format!("{:1$}", "", INDENT + 2), note, INDENT + 2);
        }
        if let Some(rule) = line.rule
            && (line.refused.is_some() || line.sort == Sort::Polls)
        {
            push(&mut text, &format!("{:1$}", "", INDENT + 2), &format!("rule: {rule}"), INDENT + 2);
        }
    }
    if !story.sights.is_empty() {
        text.push_str(&format!("\n{strong}What the operator would have seen{strong:#}\n"));
        for seen in &story.sights {
            push(&mut text, "  ", &format!("{} ({}): {}", seen.place, seen.steps.join(", "), seen.told), 4);
            for (log, line) in &seen.logs {
                push(&mut text, "    ", &format!("log of {log}: {line}"), 6);
            }
            push(&mut text, "    ", &source(seen), 6);
        }
    }
    text.trim_end().to_owned()
}

/// What happened, with how long it took.
pub(super) fn headline(line: &Line) -> String {
    let took = line.until.since(line.at);
    let beside = match line.timeline {
        crate::observe::course::Timeline::Main => "",
        crate::observe::course::Timeline::Beside => "beside: ",
    };
    if took <= Span::ZERO {
        return format!("{beside}{}", line.what);
    }
    match line.sort {
        Sort::Wait => format!("{beside}{}, {}", line.what, duration(took)),
        Sort::Polls => format!("{beside}{}, for {}", line.what, duration(took)),
        Sort::Request | Sort::Token | Sort::State | Sort::Error | Sort::Outcome => {
            format!("{beside}{}, {}", line.what, duration(took))
        }
    }
}

/// Whose code says so.
pub(super) fn source(seen: &Seen) -> String {
    match seen.source {
        Some(source) => format!("[{source}]"),
        None => "[the status alone is known]".to_owned(),
    }
}

/// A text behind a head, broken, with what follows below its beginning.
fn push(text: &mut String, head: &str, words: &str, indent: usize) {
    for (index, line) in wrap(words, WIDTH - indent).into_iter().enumerate() {
        if index == 0 {
            text.push_str(&format!("{head}{line}\n"));
        } else {
            text.push_str(&format!("{:indent$}{line}\n", ""));
        }
    }
}
