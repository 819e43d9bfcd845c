//! What could be set otherwise at a point: models made of the same text with one or two keys set above everything that
//! is written, read and checked as if a person had written them so.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::ground::Ground;
use super::layers::BEGINNING;
use super::read::Context;
use crate::document::{Node, Value};
use crate::model::remedy::{Candidate, Remedy, Setting, epochs, roles_needed, roles_to_accept};
use crate::model::{Keys, Model, Rotations, Spread};
use crate::units::Span;

/// The longest window that is tried, in hours.
const LONGEST_WINDOW: i64 = 168;
/// Lifetimes of tokens that are tried, in hours: steps that people write.
const EXPIRATIONS: [i64; 8] = [1, 2, 4, 8, 12, 24, 48, 168];
/// Times between two rotations, in hours.
const PERIODS: [i64; 6] = [6, 12, 24, 48, 168, 720];
/// The longest that Nova waits for a volume.
const LONGEST_WAIT: Span = Span::from_seconds(8 * 3_600);
/// More keys than anybody keeps.
const MOST_KEYS: u32 = 100_000;
/// Points whose models are kept: replications of one point run side by side and one after the other.
const KEPT: usize = 4;

const RETRIES: &str = "nova.DEFAULT.block_device_allocate_retries";
const INTERVAL: &str = "nova.DEFAULT.block_device_allocate_retries_interval";

/// The models of a study's points under each remedy, made when they are asked for.
pub struct Alternatives(Box<Mutex<Room>>);

struct Room {
    ground: Ground,
    cx: Context,
    kept: VecDeque<(usize, Made)>,
}

/// What was made for a point.
#[derive(Clone, Default)]
struct Made {
    /// As it is; the inner `None`: it would be refused.
    base: Option<Option<Arc<Model>>>,
    settings: Option<Arc<[Setting]>>,
    candidates: BTreeMap<Remedy, Option<Arc<Candidate>>>,
}

impl fmt::Debug for Alternatives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alternatives").finish_non_exhaustive()
    }
}

impl Alternatives {
    pub(super) fn new(ground: Ground, cx: Context) -> Alternatives {
        Alternatives(Box::new(Mutex::new(Room { ground, cx, kept: VecDeque::new() })))
    }

    /// What can be set otherwise at a point (its number), ascending; with the greatest amount that is tried where
    /// there is a least that is enough, and every step of other amounts.
    pub fn settings(&self, point: usize) -> Arc<[Setting]> {
        self.with(|room| room.settings(point))
    }

    /// A point under a remedy of any amount; `None`: it is no other than with fewer settings, or would be refused.
    pub fn candidate(&self, point: usize, remedy: Remedy) -> Option<Arc<Candidate>> {
        self.with(|room| room.candidate(point, remedy))
    }

    /// The keys with their values, as TOML, that make a remedy at a point; empty where it is the client's.
    pub fn lines(&self, point: usize, remedy: Remedy) -> Vec<String> {
        self.with(|room| {
            let Some(model) = room.base(point) else { return Vec::new() };
            let line = |setting| match value(setting, &model) {
                Meant::Set(key, value) => Some(format!("{key} = {value}")),
                Meant::OfClient | Meant::Nothing => None,
            };
            remedy.settings().filter_map(line).collect()
        })
    }

    fn with<R>(&self, ask: impl FnOnce(&mut Room) -> R) -> R {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Room {
    /// What was made for a point, which is now that of the last use.
    fn made(&mut self, point: usize) -> &mut Made {
        let known = self.kept.iter().position(|(number, _)| *number == point);
        let entry = known.and_then(|at| self.kept.remove(at)).unwrap_or_else(|| (point, Made::default()));
        self.kept.truncate(KEPT - 1);
        self.kept.push_front(entry);
        &mut self.kept[0].1
    }

    /// A point as it is.
    fn base(&mut self, point: usize) -> Option<Arc<Model>> {
        if let Some(base) = &self.made(point).base {
            return base.clone();
        }
        let base = self.ground.model(point, &[], &mut self.cx).map(Arc::new);
        self.made(point).base = Some(base.clone());
        base
    }

    fn candidate(&mut self, point: usize, remedy: Remedy) -> Option<Arc<Candidate>> {
        if let Some(known) = self.made(point).candidates.get(&remedy) {
            return known.clone();
        }
        let made = self.make(point, remedy).map(|model| Arc::new(Candidate { remedy, model }));
        self.made(point).candidates.insert(remedy, made.clone());
        made
    }

    /// The model of a candidate; the inner `None`: the point as it is, because the remedy is the client's.
    fn make(&mut self, point: usize, remedy: Remedy) -> Option<Option<Model>> {
        let base = self.base(point)?;
        let mut values = Vec::new();
        for setting in remedy.settings() {
            match value(setting, &base) {
                Meant::Set(key, value) => values.push((key, value)),
                Meant::Nothing => return None,
                Meant::OfClient => {}
            }
        }
        if values.is_empty() {
            return Some(None);
        }
        let above: Vec<(&str, &Value)> = values.iter().map(|(key, value)| (*key, value)).collect();
        let model = self.ground.model(point, &above, &mut self.cx).filter(|model| *model != *base)?;
        let mut repeats = |setting: Setting| {
            let single = self.candidate(point, Remedy::single(setting));
            single.is_some_and(|single| single.model.as_ref() == Some(&model))
        };
        let is_repetition = remedy.other.is_some() && values.len() == 2 && remedy.settings().any(&mut repeats);
        (!is_repetition).then_some(Some(model))
    }

    fn settings(&mut self, point: usize) -> Arc<[Setting]> {
        if let Some(settings) = &self.made(point).settings {
            return Arc::clone(settings);
        }
        let settings: Arc<[Setting]> = match self.base(point) {
            Some(base) => self.look_for_settings(point, &base).into(),
            None => Arc::from([]),
        };
        self.made(point).settings = Some(Arc::clone(&settings));
        settings
    }

    fn look_for_settings(&mut self, point: usize, base: &Model) -> Vec<Setting> {
        let mut settings: Vec<Setting> = Setting::SWITCHES.into();
        let (retries, interval) = self
            .ground
            .at(point, &[], &mut self.cx, |view, cx| (view.integer(RETRIES, cx), view.seconds(INTERVAL, cx).flatten()));
        if let (Some(retries), Some(interval)) = (retries, interval.filter(|interval| *interval > Span::ZERO)) {
            let longest = u32::try_from(LONGEST_WAIT.micros() / interval.micros()).ok();
            settings.extend(longest.filter(|longest| i64::from(*longest) > retries).map(Setting::VolumeWait));
        }
        settings.extend(enough_keys(base).map(Setting::ActiveKeys));
        if let Keys::Fernet { rotations: Rotations::Every { period, .. }, .. } = &base.keystone.keys {
            settings.extend(hours(&PERIODS).filter(|longer| longer > period).map(Setting::RotationPeriod));
        }
        let window = beyond(base, &[LONGEST_WINDOW], |model| model.keystone.allow_expired_window);
        settings.extend(window.map(Setting::Window));
        settings.extend(beyond(base, &EXPIRATIONS, |model| model.keystone.expiration).map(Setting::Expiration));
        settings.sort();
        settings
    }
}

/// So many hours.
fn hours(steps: &[i64]) -> impl Iterator<Item = Span> {
    steps.iter().map(|hours| Span::from_seconds(hours * 3_600))
}

/// The steps that are at no time less than what holds.
fn beyond<'m>(base: &'m Model, steps: &'m [i64], now: impl Fn(&Model) -> Span + 'm) -> impl Iterator<Item = Span> + 'm {
    let most = epochs(base).map(&now).max().unwrap_or(Span::ZERO);
    let least = epochs(base).map(&now).min().unwrap_or(most);
    // Where it grows on the way, it may as well be so from the start.
    let greatest = (least < most).then_some(most);
    hours(steps).filter(move |step| *step > most).chain(greatest)
}

/// The number of keys that certainly suffices for every lifetime and window that is tried; `None`: it is kept already.
fn enough_keys(base: &Model) -> Option<u32> {
    let Keys::Fernet { max_active_keys, rotations, extra } = &base.keystone.keys else { return None };
    let now = epochs(base).fold(*max_active_keys, |most, model| match &model.keystone.keys {
        Keys::Fernet { max_active_keys, .. } => most.max(*max_active_keys),
        Keys::Jws => most,
    });
    let longest = |steps: &[i64], now: Span| hours(steps).max().unwrap_or(now).max(now);
    let expiration = epochs(base).map(|model| model.keystone.expiration).max().unwrap_or(Span::ZERO);
    let window = epochs(base).map(|model| model.keystone.allow_expired_window).max().unwrap_or(Span::ZERO);
    let life = longest(&EXPIRATIONS, expiration) + longest(&[LONGEST_WINDOW], window);
    let regular = match rotations {
        Rotations::Never => 0,
        Rotations::Every { period, .. } => life.micros() / period.micros() + 1,
        Rotations::At(instants) => instants.len() as i64,
    };
    let apart = match &base.keystone.spread {
        Spread::Synced { .. } => 0,
        Spread::Apart(nodes) => nodes.iter().map(|rotations| rotations.len()).max().unwrap_or(0) as i64,
    };
    // One key is staged and one signs; each rotation in the life of a token takes one of the others.
    let enough = u32::try_from(2 + regular + extra.len() as i64 + apart).unwrap_or(u32::MAX).min(MOST_KEYS);
    (enough > now).then_some(enough)
}

/// What a setting means at a point.
enum Meant {
    /// This key has this value.
    Set(&'static str, Value),
    /// The client does something.
    OfClient,
    /// There is nothing to set.
    Nothing,
}

fn value(setting: Setting, base: &Model) -> Meant {
    let text = |text: &str| Node::Text(text.to_owned());
    let words = |words: Option<Vec<String>>| {
        let word = |word| Value { place: BEGINNING, node: Node::Text(word) };
        words.map(|words| Node::Array(words.into_iter().map(word).collect()))
    };
    let node = match setting {
        Setting::FreshToken => return Meant::OfClient,
        Setting::ServiceToken(_) | Setting::BackupServiceToken => Some(Node::Flag(true)),
        Setting::SingleTenantStore => Some(Node::Flag(false)),
        Setting::StoreUser => Some(text("glance")),
        Setting::NovaCredentials => Some(text("password")),
        Setting::ServiceRole(holder) => words(roles_needed(holder, base)),
        Setting::AcceptedRoles(receiver) => words(roles_to_accept(receiver, base)),
        Setting::VolumeWait(amount) | Setting::ActiveKeys(amount) => Some(Node::Integer(amount.into())),
        Setting::RotationPeriod(span) => Some(Node::Text(format!("{}s", span.micros() / 1_000_000))),
        Setting::Window(span) | Setting::Expiration(span) => Some(Node::Integer((span.micros() / 1_000_000).into())),
    };
    match node {
        Some(node) => Meant::Set(setting.key(), Value { place: BEGINNING, node }),
        None => Meant::Nothing,
    }
}
