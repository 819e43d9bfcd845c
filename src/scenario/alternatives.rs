//! What could be set otherwise at a point: models made of the same text with one or two keys set above everything that
//! is written, read and checked as if a person had written them so.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::ground::Ground;
use super::layers::BEGINNING;
use super::read::Context;
use crate::document::{Node, Value};
use crate::model::remedy::{Candidate, Remedy, RoleHolder, Sender, Setting};
use crate::model::{Keys, Model, Process, ProcessId, Rotations, Sends, Spread};
use crate::units::Span;

/// Windows that are tried, in hours: steps that people write.
const WINDOWS: [i64; 9] = [1, 2, 4, 8, 12, 24, 48, 96, 168];
/// Lifetimes of tokens, in hours.
const EXPIRATIONS: [i64; 8] = [1, 2, 4, 8, 12, 24, 48, 168];
/// Times between two rotations, in hours.
const PERIODS: [i64; 6] = [6, 12, 24, 48, 168, 720];
/// How long Nova waits for a volume, in minutes.
const WAITS: [i64; 7] = [10, 15, 30, 60, 120, 240, 480];
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
    single: Option<Arc<[Candidate]>>,
    pairs: Option<Arc<[Candidate]>>,
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

    /// A single thing set otherwise at a point (its number). Those that are alike stand together, the greatest first.
    pub fn single(&self, point: usize) -> Arc<[Candidate]> {
        self.with(|room| room.single(point))
    }

    /// Two things at once: of two amounts the greatest of each, of one amount all.
    pub fn pairs(&self, point: usize) -> Arc<[Candidate]> {
        self.with(|room| room.pairs(point))
    }

    /// The keys with their values, as TOML, that make a remedy at a point; empty where it is the client's.
    pub fn lines(&self, point: usize, remedy: Remedy) -> Vec<String> {
        self.with(|room| {
            let Some(model) = room.ground.model(point, &[], &mut room.cx) else { return Vec::new() };
            let line = |(key, value): (&str, Value)| format!("{key} = {value}");
            remedy.settings().filter_map(|setting| value(setting, &model)).map(line).collect()
        })
    }

    fn with<R>(&self, ask: impl FnOnce(&mut Room) -> R) -> R {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Room {
    fn single(&mut self, point: usize) -> Arc<[Candidate]> {
        if let Some(made) = self.made(point).single.clone() {
            return made;
        }
        let candidates: Arc<[Candidate]> = match self.ground.model(point, &[], &mut self.cx) {
            Some(base) => {
                let settings = self.settings(point, &base);
                let remedies = settings.into_iter().map(Remedy::single);
                remedies.filter_map(|remedy| self.candidate(point, remedy, &base)).collect()
            }
            None => Arc::from([]),
        };
        self.made(point).single = Some(Arc::clone(&candidates));
        candidates
    }

    fn pairs(&mut self, point: usize) -> Arc<[Candidate]> {
        if let Some(made) = self.made(point).pairs.clone() {
            return made;
        }
        let single = self.single(point);
        let base = self.ground.model(point, &[], &mut self.cx);
        let mut candidates = Vec::new();
        for (index, one) in single.iter().enumerate() {
            let before = &single[..index];
            let is_top = |of: usize| of == 0 || !single[of].remedy.is_like(single[of - 1].remedy);
            for (number, other) in before.iter().enumerate() {
                let (one, other) = (one.remedy.one, other.remedy.one);
                let is_wanted = match (one.is_graded(), other.is_graded()) {
                    (true, true) => is_top(index) && is_top(number),
                    (true, false) | (false, true) | (false, false) => true,
                };
                if let Some(base) = base.as_ref().filter(|_| is_wanted && !one.is_like(other)) {
                    candidates.extend(self.candidate(point, Remedy::pair(one, other), base));
                }
            }
        }
        // Amounts of one kind beside one another, the greatest first, as they are among single ones.
        let place = |setting: Setting| single.iter().position(|candidate| candidate.remedy.one == setting);
        let kind = |setting: Setting| single.iter().position(|candidate| candidate.remedy.one.is_like(setting));
        candidates.sort_by_key(|candidate| {
            let Remedy { one, other } = candidate.remedy;
            let other = other.unwrap_or(one);
            (kind(one), kind(other), place(one), place(other))
        });
        let candidates: Arc<[Candidate]> = candidates.into();
        self.made(point).pairs = Some(Arc::clone(&candidates));
        candidates
    }

    /// What was made for a point, which is now that of the last use.
    fn made(&mut self, point: usize) -> &mut Made {
        let known = self.kept.iter().position(|(number, _)| *number == point);
        let entry = known.and_then(|at| self.kept.remove(at)).unwrap_or_else(|| (point, Made::default()));
        self.kept.truncate(KEPT - 1);
        self.kept.push_front(entry);
        &mut self.kept[0].1
    }

    /// A point under a remedy; `None`: it changes nothing there, or the scenario would be refused with it.
    fn candidate(&mut self, point: usize, remedy: Remedy, base: &Model) -> Option<Candidate> {
        let values: Vec<(&str, Value)> = remedy.settings().filter_map(|setting| value(setting, base)).collect();
        if values.is_empty() {
            return Some(Candidate { remedy, model: None });
        }
        let above: Vec<(&str, &Value)> = values.iter().map(|(key, value)| (*key, value)).collect();
        let model = self.ground.model(point, &above, &mut self.cx)?;
        (model != *base).then_some(Candidate { remedy, model: Some(model) })
    }

    /// What may help at a point, the greatest amount of each kind first.
    fn settings(&mut self, point: usize, base: &Model) -> Vec<Setting> {
        let mut settings = vec![
            Setting::ServiceToken(Sender::Nova),
            Setting::ServiceToken(Sender::Cinder),
            Setting::ServiceRole(RoleHolder::Nova),
            Setting::ServiceRole(RoleHolder::Cinder),
            Setting::ServiceRole(RoleHolder::NovaAuthtoken),
            Setting::BackupServiceToken,
            Setting::SingleTenantStore,
        ];
        let (retries, interval) = self
            .ground
            .at(point, &[], &mut self.cx, |view, cx| (view.integer(RETRIES, cx), view.seconds(INTERVAL, cx).flatten()));
        if let (Some(retries), Some(interval)) = (retries, interval.filter(|interval| *interval > Span::ZERO)) {
            let waits = WAITS.into_iter().rev().map(|minutes| minutes * 60_000_000 / interval.micros());
            let longer = waits.filter(|wait| *wait > retries).filter_map(|wait| u32::try_from(wait).ok());
            settings.extend(longer.map(Setting::VolumeWait));
        }
        settings.push(Setting::FreshToken);
        settings.extend(more_keys(base).into_iter().rev().map(Setting::ActiveKeys));
        if let Keys::Fernet { rotations: Rotations::Every { period, .. }, .. } = &base.keystone.keys {
            let longer = hours(&PERIODS).filter(|longer| longer > period);
            settings.extend(longer.map(Setting::RotationPeriod));
        }
        settings.extend(beyond(base, &WINDOWS, |model| model.keystone.allow_expired_window).map(Setting::Window));
        settings.extend(beyond(base, &EXPIRATIONS, |model| model.keystone.expiration).map(Setting::Expiration));
        settings
    }
}

/// The settings from the start and those of every change.
fn epochs(base: &Model) -> impl Iterator<Item = &Model> {
    std::iter::once(base).chain(base.changes.iter().map(|change| &change.model))
}

/// So many hours, the most first.
fn hours(ladder: &'static [i64]) -> impl Iterator<Item = Span> {
    ladder.iter().rev().map(|hours| Span::from_seconds(hours * 3_600))
}

/// The steps that are at no time less than what holds, the greatest first.
fn beyond<'m>(
    base: &'m Model,
    ladder: &'static [i64],
    now: impl Fn(&Model) -> Span + 'm,
) -> impl Iterator<Item = Span> + 'm {
    let most = epochs(base).map(&now).max().unwrap_or(Span::ZERO);
    let least = epochs(base).map(&now).min().unwrap_or(most);
    // Where it grows on the way, it may as well be so from the start.
    let greatest = (least < most).then_some(most);
    hours(ladder).filter(move |step| *step > most).chain(greatest)
}

/// Numbers of keys above the present one, up to the number that certainly suffices.
fn more_keys(base: &Model) -> Vec<u32> {
    let Keys::Fernet { max_active_keys, rotations, extra } = &base.keystone.keys else { return Vec::new() };
    let now = epochs(base).fold(*max_active_keys, |most, model| match &model.keystone.keys {
        Keys::Fernet { max_active_keys, .. } => most.max(*max_active_keys),
        Keys::Jws => most,
    });
    let keystone = &base.keystone;
    let life = keystone.expiration + keystone.allow_expired_window;
    let regular = match rotations {
        Rotations::Never => 0,
        Rotations::Every { period, .. } => life.micros() / period.micros() + 1,
        Rotations::At(instants) => instants.len() as i64,
    };
    let apart = match &keystone.spread {
        Spread::Synced { .. } => 0,
        Spread::Apart(nodes) => nodes.iter().map(|rotations| rotations.len()).max().unwrap_or(0) as i64,
    };
    // One key is staged and one signs; each rotation in the life of a token takes one of the others.
    let enough = u32::try_from(2 + regular + extra.len() as i64 + apart).unwrap_or(u32::MAX).min(MOST_KEYS);
    let steps = std::iter::successors(Some(1_u32), |step| step.checked_mul(2));
    let steps = steps.map(|step| now.saturating_add(step)).take_while(|keys| *keys < enough);
    steps.chain((enough > now).then_some(enough)).collect()
}

/// The key that a setting sets, and to what; `None`: there is none, or it would be as it is.
fn value(setting: Setting, base: &Model) -> Option<(&'static str, Value)> {
    let node = match setting {
        Setting::ServiceToken(_) | Setting::BackupServiceToken => Node::Flag(true),
        Setting::SingleTenantStore => Node::Flag(false),
        Setting::ServiceRole(holder) => {
            let roles = roles(holder, base)?;
            let text = |role| Value { place: BEGINNING, node: Node::Text(role) };
            Node::Array(roles.into_iter().map(text).collect())
        }
        Setting::VolumeWait(amount) | Setting::ActiveKeys(amount) => Node::Integer(amount.into()),
        Setting::RotationPeriod(span) => Node::Text(format!("{}s", span.micros() / 1_000_000)),
        Setting::Window(span) | Setting::Expiration(span) => Node::Integer((span.micros() / 1_000_000).into()),
        Setting::FreshToken => return None,
    };
    Some((setting.key(), Value { place: BEGINNING, node }))
}

/// The roles that a service user needs to be accepted everywhere; `None`: nothing is missing, or it sends nothing.
fn roles(holder: RoleHolder, base: &Model) -> Option<Vec<String>> {
    let of = |model: &Model| -> Vec<String> {
        let process: &Process = match holder {
            RoleHolder::Nova => model.process(ProcessId::NOVA_COMPUTE),
            RoleHolder::Cinder => model.process(ProcessId::CINDER_VOLUME),
            RoleHolder::NovaAuthtoken => model.process(ProcessId::NOVA_API),
        };
        let is_it = holder != RoleHolder::NovaAuthtoken || process.sends == Sends::AuthToken;
        process.user.as_ref().filter(|_| is_it).map(|user| user.roles.clone()).unwrap_or_default()
    };
    let is_known = holder != RoleHolder::NovaAuthtoken
        || epochs(base).any(|model| model.process(ProcessId::NOVA_API).sends == Sends::AuthToken);
    let mut is_missing = false;
    let mut roles: Vec<String> = Vec::new();
    for model in epochs(base) {
        let held = of(model);
        for receiver in model.services.iter().filter_map(|service| service.keystone_authtoken.as_ref()) {
            let accepted = &receiver.service_token_roles;
            if accepted.iter().any(|role| held.contains(role)) {
                continue;
            }
            is_missing = true;
            roles.extend(accepted.first().cloned());
        }
        roles.extend(held);
    }
    roles.sort();
    roles.dedup();
    (is_known && is_missing && !roles.is_empty()).then_some(roles)
}
