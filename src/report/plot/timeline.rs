//! One job over time: the life of its token, the Fernet keys that were alive, what each process did, and where it was
//! refused.

use super::Plot;
use super::palette;
use super::scale::{Scale, Tick, times};
use super::theme::{self, Canvas, Dash, EDGE, GRID, Header, INK, LABEL, MUTED, SERIES, Type, WHITE, WIDTH, luminance};
use crate::model::ProcessId;
use crate::model::vocabulary::Reason;
use crate::observe::Outcome;
use crate::observe::course::Key;
use crate::report::explain::{Line, Sort, Told};
use crate::report::words::{self, duration};
use crate::units::{Instant, Span};
use plotters::style::RGBColor;

/// Height of a lane of processes, of the token and of a key.
const LANE: f64 = 34.0;
const KEY: f64 = 15.0;
/// Height of a bar.
const BAR: f64 = 18.0;
/// The most room that names may take at the left.
const NAMES: f64 = 170.0;
/// Rows of names above the plot, and their height.
const ROWS: usize = 3;
const ROW: f64 = 16.0;
/// A bar that is shorter is a dot.
const SHORT: f64 = 4.0;
/// Keys that are drawn at most.
const MOST_KEYS: usize = 8;
/// The part of the job's time that the life of its token may add on either side.
const BESIDE: f64 = 1.0;

const SHADES: &str = "pale while staged, full while they encrypt new tokens, half while they only decrypt";
const OWN_KEY: &str = "its Fernet key";

const LIFE: RGBColor = SERIES[0];
/// How opaque the window is, and the colour that it has so.
const WINDOW: f64 = 0.22;
const PALE_LIFE: RGBColor = over_white(LIFE, WINDOW);
const KEYS: RGBColor = SERIES[2];
const WORK: RGBColor = SERIES[5];

/// The timeline; none if anything of it has no place on a page.
pub fn draw(told: Told<'_>) -> Option<Plot> {
    let story = told.story();
    let actors = Actors::of(&story.lines);
    let range = Range::of(&told, &story.lines);
    let keys = keys(&told, &range);
    let names: Vec<String> = actors.order.iter().map(|actor| told.model().process(*actor).name.clone()).collect();
    let widest = names.iter().map(|name| Type::LABEL.width(name)).fold(Type::LABEL.width(OWN_KEY), f64::max);
    let left = EDGE + widest.min(NAMES) + 14.0;
    let right = WIDTH - EDGE - 10.0;
    let header = Header::new(&title(&told), &subtitle(&told));
    let top = header.bottom() + 28.0 + ROW * (ROWS - 1) as f64;
    let across = Scale::linear((range.low, range.high), (left, right));
    let keys_top = top + LANE;
    let lanes_top = keys_top + if keys.is_empty() { 0.0 } else { KEY * keys.len() as f64 + 12.0 };
    let bottom = lanes_top + LANE * actors.order.len() as f64;
    let axis = Axis { across: &across, top, bottom, left, right };

    let svg = theme::draw(&header, bottom + if keys.is_empty() { 46.0 } else { 66.0 }, |canvas| {
        axis.grid(canvas, &range);
        let mut words = axis.token(canvas, &told, &range);
        words.extend(axis.keys(canvas, &told, &keys, keys_top));
        for (row, name) in names.iter().enumerate() {
            let y = lanes_top + LANE * (row as f64 + 0.5);
            canvas.line((left, y - LANE / 2.0), (right, y - LANE / 2.0), GRID, 1.0);
            canvas.text(EDGE, y, &Type::LABEL.cut(name, NAMES), Type::LABEL);
        }
        axis.marks(canvas, &told);
        // Above the lines that go through everything.
        words.iter().for_each(|word| word.draw(canvas));
        for (row, actor) in actors.order.iter().enumerate() {
            let y = lanes_top + LANE * (row as f64 + 0.5);
            let lines: Vec<&Line> = story
                .lines
                .iter()
                .zip(&actors.of_line)
                .filter(|(_, of)| **of == Some(*actor))
                .map(|(l, _)| l)
                .collect();
            axis.lane(canvas, &told, &lines, y);
        }
        canvas.text(
            (left + right) / 2.0,
            bottom + 26.0,
            "Time since submission",
            Type::LABEL.size(theme::AXIS).middle(),
        );
        if !keys.is_empty() {
            let look = Type::LABEL.size(LABEL - 1.0).muted().middle();
            let whose = issuer(&told).map_or_else(String::new, |node| format!(" of {node}"));
            canvas.text((left + right) / 2.0, bottom + 46.0, &format!("Fernet keys{whose}: {SHADES}"), look);
        }
    })?;
    Some(Plot { file_stem: "timeline".to_owned(), svg })
}

/// The node of Keystone that issued the token, where there are several.
fn issuer(told: &Told<'_>) -> Option<String> {
    (told.model().keystone.clocks.len() > 1).then(|| format!("node {}", told.course.issuer))
}

fn title(told: &Told<'_>) -> String {
    let record = &told.course.record;
    let workload = &told.model().workloads[record.workload];
    let what = format!("{} job {} ({})", workload.name, record.ordinal, workload.kind.name);
    let after = record.ended.map(|ended| duration(ended.since(record.submitted))).unwrap_or_default();
    match record.outcome {
        Outcome::Completed => format!("{what} completed after {after}"),
        Outcome::Unfinished => format!("{what} did not end"),
        Outcome::Failed(failure) => format!("{what} failed after {after}: {}", failure.first_cause.reason.words()),
    }
}

fn subtitle(told: &Told<'_>) -> String {
    let mut text = format!("{}, point {}", told.study.name, told.point.number);
    if !told.study.axes.is_empty() {
        text.push_str(&format!(" ({})", words::point_values(told.study, told.point)));
    }
    text.push_str(&format!(", replication {}", told.replication));
    if let Outcome::Failed(failure) = told.course.record.outcome {
        let kind = &told.model().workloads[told.course.record.workload].kind;
        let (seen, cause) = (kind.step_name(failure.step), kind.step_name(failure.first_cause.step));
        text.push_str(&format!("; refused at {cause}"));
        if seen != cause {
            text.push_str(&format!(", failed at {seen}: {}", failure.reason.words()));
        }
    }
    text
}

/// Who did what: the processes in the order in which they come in, and of each line its process.
struct Actors {
    order: Vec<ProcessId>,
    of_line: Vec<Option<ProcessId>>,
}

impl Actors {
    /// A wait is of the process that asks next on its timeline, or else of the one that asked last.
    fn of(lines: &[Line]) -> Actors {
        let asker = |line: &Line| matches!(line.sort, Sort::Request | Sort::Polls | Sort::Token);
        let of = |(index, line): (usize, &Line)| {
            if line.actor.is_some() {
                return line.actor;
            }
            let same = |other: &&Line| other.timeline == line.timeline && asker(other) && other.actor.is_some();
            let next = lines[index + 1..].iter().find(same);
            // What follows an error is the clean-up of whoever met it.
            next.or_else(|| lines[..index].iter().rev().find(same)).and_then(|other| other.actor)
        };
        let of_line: Vec<Option<ProcessId>> = lines.iter().enumerate().map(of).collect();
        let mut order = Vec::new();
        for (line, actor) in lines.iter().zip(&of_line) {
            if let Some(actor) = actor
                && matches!(line.sort, Sort::Request | Sort::Polls | Sort::Token | Sort::Wait | Sort::Error)
                && !order.contains(actor)
            {
                order.push(*actor);
            }
        }
        Actors { order, of_line }
    }
}

/// The seconds since submission that are shown.
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    fn of(told: &Told<'_>, lines: &[Line]) -> Range {
        let seconds = |at: Instant| told.since(at).seconds();
        let record = &told.course.record;
        let ended = record.ended.map_or(0.0, seconds);
        let end = lines.iter().map(|line| seconds(line.until)).fold(ended, f64::max).max(1.0);
        let age = record.token_age.seconds();
        let low = if age <= end * (1.0 + BESIDE) { -age } else { -0.25 * end };
        // Ends of lives just behind the job say how close it was.
        let token = &told.course.token;
        let near = [token.expires, token.expires + told.course.window, token.key_gone]
            .into_iter()
            .filter(|at| *at != Instant::NEVER)
            .map(seconds)
            .filter(|at| *at <= end * (1.0 + BESIDE / 2.0));
        let high = near.fold(end, f64::max);
        let room = 0.035 * (high - low);
        Range { low: low - room, high: high + room }
    }
}

/// The keys that are drawn.
fn keys<'a>(told: &Told<'a>, range: &Range) -> Vec<&'a Key> {
    let seconds = |at: Instant| told.since(at).seconds();
    let is_shown = |key: &&Key| {
        key.is_of_token
            || ((key.staged == Instant::ALWAYS || seconds(key.staged) < range.high)
                && (key.purged == Instant::NEVER || seconds(key.purged) > range.low))
    };
    let mut keys: Vec<&Key> = told.course.keys.iter().filter(is_shown).collect();
    let own = keys.iter().position(|key| key.is_of_token).unwrap_or(0);
    let first = own.min(keys.len().saturating_sub(MOST_KEYS));
    keys.drain(..first);
    keys.truncate(MOST_KEYS);
    keys
}

struct Axis<'a> {
    across: &'a Scale,
    top: f64,
    bottom: f64,
    left: f64,
    right: f64,
}

impl Axis<'_> {
    /// The pixel of an instant, within the plot.
    fn at(&self, told: &Told<'_>, at: Instant) -> f64 {
        match at {
            Instant::ALWAYS => self.left,
            Instant::NEVER => self.right,
            at => self.across.at(told.since(at).seconds()).clamp(self.left, self.right),
        }
    }

    fn grid(&self, canvas: &mut Canvas<'_>, range: &Range) {
        let ticks: Vec<Tick> = times(range.low, range.high, false).into_iter().map(|at| (at, signed(at))).collect();
        let mut free = f64::NEG_INFINITY;
        for (at, text) in ticks {
            let x = self.across.at(at);
            canvas.line((x, self.top), (x, self.bottom), GRID, 1.0);
            let look = Type::LABEL.middle().muted();
            let half = look.width(&text) / 2.0;
            if x - half > free && x + half < WIDTH {
                canvas.text(x, self.bottom + 9.0, &text, look);
                free = x + half + 6.0;
            }
        }
        canvas.line((self.left, self.bottom), (self.right, self.bottom), MUTED, 1.0);
    }

    /// How long the token lives, and the window behind it; answers what is to be written there.
    fn token(&self, canvas: &mut Canvas<'_>, told: &Told<'_>, range: &Range) -> Vec<Word> {
        let y = self.top + LANE / 2.0;
        let token = &told.course.token;
        canvas.text(EDGE, y, "user's token", Type::LABEL);
        let (issued, expires) = (self.at(told, token.issued), self.at(told, token.expires));
        let window = self.at(told, token.expires + told.course.window);
        canvas.rectangle(issued, y - BAR / 2.0, expires - issued, BAR, LIFE);
        if window > expires {
            canvas.area(
                &[(expires, y - BAR / 2.0), (window, y - BAR / 2.0), (window, y + BAR / 2.0), (expires, y + BAR / 2.0)],
                LIFE,
                WINDOW,
            );
        }
        let beyond = |at: Instant| told.since(at).seconds() > range.high;
        let before = told.since(token.issued).seconds() < range.low;
        let age = duration(told.course.record.token_age);
        let lived = if before {
            format!("\u{25c2} issued {age} before submission")
        } else if beyond(token.expires) {
            format!("expires {} later \u{25b8}", signed(told.since(token.expires).seconds()))
        } else {
            "alive".to_owned()
        };
        let mut words: Vec<Word> = Word::inside(lived, (issued, expires), y, LIFE).into_iter().collect();
        let length = duration(told.course.window);
        let ends = told.since(token.expires + told.course.window).seconds();
        let texts = if beyond(token.expires + told.course.window) {
            let later = format!("window of {length}, ends {} after submission \u{25b8}", signed(ends));
            [later, format!("window of {length} \u{25b8}"), "window \u{25b8}".to_owned()]
        } else {
            [format!("window of {length}"), "window".to_owned(), String::new()]
        };
        if window > expires {
            let fits = texts.iter().find_map(|text| Word::inside(text.clone(), (expires, window), y, PALE_LIFE));
            let beside = || {
                let text = format!("\u{25c2} window of {length}");
                let word = Word { text, x: window + 6.0, y, ground: WHITE };
                (word.end() <= WIDTH - EDGE).then_some(word)
            };
            let before = || {
                let free = words.last().map_or(issued, Word::end) + 8.0;
                let word = Word { text: format!("window of {length} \u{25b8}"), x: 0.0, y, ground: LIFE };
                let x = expires - 6.0 - word.end();
                (x >= free).then_some(Word { x, ..word })
            };
            let word = fits.or_else(beside).or_else(before);
            words.extend(word);
        }
        words
    }

    /// A row for each key: pale while it is staged, full while it encrypts, half while it only decrypts; answers what
    /// is to be written there.
    fn keys(&self, canvas: &mut Canvas<'_>, told: &Told<'_>, keys: &[&Key], top: f64) -> Option<Word> {
        let mut gone = None;
        let others = keys.iter().position(|key| !key.is_of_token);
        for (row, key) in keys.iter().enumerate() {
            let y = top + KEY * (row as f64 + 0.5);
            if key.is_of_token {
                canvas.text(EDGE, y, OWN_KEY, Type::LABEL);
            } else if others == Some(row) {
                canvas.text(EDGE, y, "other keys", Type::LABEL.muted());
            }
            let mut part = |from: Instant, until: Instant, opacity: f64| {
                let (from, until) = (self.at(told, from), self.at(told, until));
                if until > from {
                    let (up, down) = (y - 4.5, y + 4.5);
                    canvas.area(&[(from, up), (until, up), (until, down), (from, down)], KEYS, opacity);
                }
            };
            part(key.staged, key.primary.min(key.purged), 0.18);
            part(key.primary, key.secondary.min(key.purged), 1.0);
            part(key.secondary, key.purged, 0.48);
            if key.is_of_token {
                let (from, until) = (self.at(told, key.staged), self.at(told, key.purged));
                if until > self.left {
                    canvas.outline(from, y - 5.5, until - from, 11.0, INK, 1.25);
                } else {
                    let before = duration(Span::ZERO - told.since(key.purged));
                    let text = format!("\u{25c2} gone {before} before submission");
                    gone = Some(Word { text, x: self.left + 6.0, y, ground: WHITE });
                }
            }
        }
        gone
    }

    /// Submission, expiry, the loss of the key and the first cause, as lines through everything.
    fn marks(&self, canvas: &mut Canvas<'_>, told: &Told<'_>) {
        let token = &told.course.token;
        let mut marks: Vec<(f64, String, RGBColor)> = vec![(self.across.at(0.0), "submitted".to_owned(), MUTED)];
        let mut add = |at: Instant, text: &str, colour: RGBColor| {
            let x = if at == Instant::NEVER { f64::INFINITY } else { self.across.at(told.since(at).seconds()) };
            if x > self.left && x < self.right {
                marks.push((x, text.to_owned(), colour));
            }
        };
        add(token.expires, "expires", LIFE);
        if token.revoked < token.expires + told.course.window {
            add(token.revoked, "revoked", palette::reason(Reason::Revoked));
        }
        let gone = issuer(told).map_or_else(|| "key gone".to_owned(), |node| format!("key gone on {node}"));
        add(token.key_gone, &gone, KEYS);
        match told.course.record.outcome {
            Outcome::Failed(failure) => {
                let cause = failure.first_cause;
                add(cause.at, &format!("\u{2717} {}", cause.reason.words()), theme::text_colour(RED));
            }
            Outcome::Completed => {
                if let Some(ended) = told.course.record.ended {
                    add(ended, "completed", INK);
                }
            }
            Outcome::Unfinished => {}
        }
        // Rows above the plot, so that neighbours do not run into each other.
        marks.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut free = [f64::NEG_INFINITY; ROWS];
        let mut texts = Vec::new();
        for (x, text, colour) in marks {
            let look = Type::LABEL.size(LABEL - 0.5).colour(theme::text_colour(colour)).middle();
            let half = look.width(&text) / 2.0;
            let middle = x.clamp(EDGE + half, WIDTH - EDGE - half);
            let row = free.iter().position(|free| middle - half > *free).unwrap_or(ROWS - 1);
            free[row] = middle + half + 8.0;
            let y = self.top - 10.0 - ROW * row as f64;
            canvas.dashes(&[(x, y + 8.0), (x, self.bottom)], Dash::LIMIT, colour, 1.25);
            texts.push((middle, half, y, text, look));
        }
        for (middle, half, y, text, look) in texts {
            canvas.rectangle(middle - half - 2.0, y - 7.0, 2.0 * half + 4.0, 14.0, WHITE);
            canvas.text(middle, y, &text, look);
        }
    }

    /// What a process did.
    fn lane(&self, canvas: &mut Canvas<'_>, told: &Told<'_>, lines: &[&Line], y: f64) {
        let place = |line: &Line| (self.at(told, line.at), self.at(told, line.until));
        for line in lines.iter().filter(|line| line.sort == Sort::Wait) {
            let (from, until) = place(line);
            canvas.rectangle(from, y - BAR / 2.0, (until - from).max(1.0), BAR, WORK);
        }
        for line in lines.iter().filter(|line| line.sort == Sort::Polls) {
            let (from, until) = place(line);
            if until - from < SHORT {
                continue;
            }
            canvas.line((from, y), (until, y), LIFE, 3.0);
            for x in [from, until] {
                canvas.line((x, y - 5.0), (x, y + 5.0), LIFE, 1.5);
            }
        }
        let is_short = |line: &Line| place(line).1 - place(line).0 < SHORT;
        let mut drawn: Vec<f64> = Vec::new();
        let shown = |line: &&&Line| matches!(line.sort, Sort::Request | Sort::Token | Sort::Error | Sort::Polls);
        let mark = |line: &Line| self.at(told, if line.sort == Sort::Polls { line.until } else { line.at });
        for line in lines.iter().filter(shown).filter(|line| line.refused.is_none()) {
            let x = mark(line);
            if (line.sort != Sort::Polls || is_short(line)) && !drawn.iter().any(|other| (other - x).abs() < 2.0) {
                canvas.dot(x, y, 3.25, INK);
                drawn.push(x);
            }
        }
        for line in lines.iter().filter(shown).filter(|line| line.refused.is_some()) {
            cross(canvas, mark(line), y);
        }
        self.names(canvas, told, lines, y);
    }

    /// Names, where there is room for them.
    fn names(&self, canvas: &mut Canvas<'_>, told: &Told<'_>, lines: &[&Line], y: f64) {
        let look = Type::LABEL.size(LABEL - 1.0);
        let is_named = |line: &&&Line| !matches!(line.sort, Sort::State | Sort::Outcome);
        let lines: Vec<&Line> = lines.iter().filter(is_named).copied().collect();
        let starts: Vec<f64> = lines.iter().map(|line| self.at(told, line.at)).collect();
        let mut free = f64::NEG_INFINITY;
        for (index, line) in lines.iter().enumerate() {
            let (from, until) = (starts[index], self.at(told, line.until));
            let width = look.width(&line.short);
            match line.sort {
                Sort::Wait => {
                    // What is done again and again meanwhile says more.
                    let is_crossed = lines.iter().any(|other| {
                        let (begins, ends) = (self.at(told, other.at), self.at(told, other.until));
                        other.sort == Sort::Polls && ends - begins >= SHORT && begins < until && ends > from
                    });
                    if until - from > width + 8.0 && !is_crossed {
                        canvas.rectangle((from + until - width) / 2.0 - 2.0, y - 7.0, width + 4.0, 14.0, WORK);
                        canvas.text((from + until) / 2.0, y, &line.short, look.middle());
                    }
                    free = free.max(until);
                }
                Sort::Polls if until - from >= SHORT => {
                    if until - from > width + 16.0 {
                        canvas.rectangle((from + until - width) / 2.0 - 5.0, y - 7.0, width + 10.0, 14.0, WHITE);
                        canvas.text((from + until) / 2.0, y, &line.short, look.middle());
                    }
                    free = free.max(until);
                }
                Sort::Request | Sort::Token | Sort::Error | Sort::Polls => {
                    // Of several at one place the last one is told, or the one that was refused.
                    let next = starts[index + 1..].iter().copied().find(|next| *next > from + 2.0);
                    let is_last = starts.get(index + 1).is_none_or(|next| *next > from + 2.0);
                    let room = next.unwrap_or(self.right + EDGE);
                    let is_free = from + 7.0 >= free;
                    if is_last && is_free && from + 8.0 + width < room {
                        canvas.rectangle(from + 7.0, y - 7.0, width + 2.0, 14.0, WHITE);
                        canvas.text(from + 8.0, y, &line.short, look);
                        free = from + 8.0 + width;
                    }
                }
                Sort::State | Sort::Outcome => {}
            }
        }
    }
}

const RED: RGBColor = RGBColor(0xc6, 0x28, 0x28);

/// A refusal.
fn cross(canvas: &mut Canvas<'_>, x: f64, y: f64) {
    canvas.dot(x, y, 7.5, WHITE);
    for side in [-1.0, 1.0] {
        canvas.line((x - 4.5, y - 4.5 * side), (x + 4.5, y + 4.5 * side), RED, 2.5);
    }
}

/// A text that is written over a ground of this colour.
struct Word {
    text: String,
    x: f64,
    y: f64,
    ground: RGBColor,
}

impl Word {
    /// A text within a bar, if it fits.
    fn inside(text: String, (from, until): (f64, f64), y: f64, ground: RGBColor) -> Option<Word> {
        let word = Word { text, x: from + 6.0, y, ground };
        let fits = !word.text.is_empty() && until - from > word.look().width(&word.text) + 12.0;
        fits.then_some(word)
    }

    fn look(&self) -> Type {
        let colour = if luminance(self.ground) < 140.0 { WHITE } else { INK };
        Type::LABEL.size(LABEL - 1.0).colour(colour)
    }

    fn end(&self) -> f64 {
        self.x + self.look().width(&self.text)
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let look = self.look();
        canvas.rectangle(self.x - 2.0, self.y - 7.0, look.width(&self.text) + 4.0, 14.0, self.ground);
        canvas.text(self.x, self.y, &self.text, look);
    }
}

/// A colour that is as opaque as this, over white.
const fn over_white(colour: RGBColor, opacity: f64) -> RGBColor {
    const fn part(part: u8, opacity: f64) -> u8 {
        (255.0 - (255.0 - part as f64) * opacity) as u8
    }
    RGBColor(part(colour.0, opacity), part(colour.1, opacity), part(colour.2, opacity))
}

fn signed(seconds: f64) -> String {
    let time = duration(Span::from_seconds_f64(seconds.abs()));
    if seconds < 0.0 { format!("\u{2212}{time}") } else { time }
}
