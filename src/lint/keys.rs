//! How long a token can be decrypted at worst: the schedule of rotations, copies and limits is replayed with the rules
//! by which Keystone's nodes are simulated, for tokens that are issued just before something happens to the keys.

use std::collections::BTreeSet;

use crate::identity::Schedule;
use crate::identity::cluster::{Cluster, Held, Syncs};
use crate::identity::fernet::fatal_rotation;
use crate::identity::lineage::Lineage;
use crate::model::{Keys as Provider, Keystone, Model, Offset, Rotations, Spread};
use crate::random::Dist;
use crate::units::{Instant, Span};

/// The step of time.
const TICK: Span = Span::from_micros(1);
/// How far around something special generations are looked at.
const NEIGHBOURS: std::ops::RangeInclusive<i64> = -2..=2;
/// Beyond this many keys, missed copies are replayed with this many: the cover is then understated, and long anyway.
const MOST_KEYS_WITH_MISSED_COPIES: u32 = 100_000;
/// More keys than this are no advice.
const MOST_KEYS_ADVISED: u32 = 1 << 20;
/// What a lag is taken for where a scenario gives none: charm-keystone copies keys with a job that runs every 5 min
/// (`openstack/charm-keystone@c7e3455`).
pub const TABLE_LAG: Span = Span::from_seconds(300);

/// When the keys rotate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotating {
    /// Nothing purges them: JWS.
    Jws,
    /// Nobody rotates them.
    Never,
    /// Every period, and nothing besides.
    Every(Span),
    /// Every period, and at other instants too.
    EveryAnd(Span),
    /// At listed instants.
    Listed,
    /// On every node by itself.
    Apart,
}

/// How long a new token is unreadable on some node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unreadable {
    /// Until a copy arrives.
    For(Span),
    /// For good.
    Forever,
}

/// Copies that chance delays or loses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LateCopies {
    /// Share of the copies whose lag exceeds the margin, if lags have no bound.
    pub beyond_margin: Option<f64>,
    /// Share of the copies that never arrive, and how many in a row the margin bears.
    pub missed: Option<(f64, u32)>,
}

/// What can be said of the keys under one set of lifetimes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keys {
    /// `[token] expiration`.
    pub expiration: Span,
    /// `[token] allow_expired_window`.
    pub window: Span,
    /// When they rotate.
    pub rotating: Rotating,
    /// `[fernet_tokens] max_active_keys`; `None`: JWS.
    pub max_active_keys: Option<u32>,
    /// How much longer than it should a token lives because clocks of Keystone's nodes differ.
    pub skew: Span,
    /// For how long a token is decryptable at worst where the keys rotate; `None`: for good.
    pub cover: Option<Span>,
    /// The same at the worst pair of nodes, copies being as late as they may be.
    pub reach: Option<Span>,
    /// The longest that a copy takes; a lag without a bound is not in here.
    pub lag: Span,
    /// Whether a new token is unreadable somewhere.
    pub unreadable: Option<Unreadable>,
    /// What chance may do besides.
    pub late: Option<LateCopies>,
    /// The fewest keys that outlive lifetime and window.
    pub fewest_keys: Option<u32>,
    /// The shortest period with as many keys as there are, in whole seconds.
    pub shortest_period: Option<Span>,
}

impl Keys {
    /// What keys must outlive: lifetime, window, and what clocks add.
    pub fn need(&self) -> Span {
        self.expiration + self.window + self.skew
    }

    /// How much longer than that they last; negative: how much they lack. `None`: they last for good.
    pub fn margin(&self) -> Option<Span> {
        self.reach.map(|reach| reach - self.need())
    }

    /// Whether keys outlive tokens.
    pub fn live_ok(&self) -> bool {
        self.reach.is_none_or(|reach| reach >= self.expiration + self.skew)
    }

    /// Whether they outlive the window too.
    pub fn window_ok(&self) -> bool {
        self.reach.is_none_or(|reach| reach >= self.need())
    }

    /// How much of the window is there whenever a token was issued.
    pub fn effective_window(&self) -> Span {
        let left = self.reach.map_or(self.window, |reach| reach - self.expiration - self.skew);
        left.clamp(Span::ZERO, self.window)
    }

    /// How long a token may be of use beside a service token at most: one that is issued just after a rotation has a
    /// period more than the cover.
    pub fn longest_life(&self) -> Span {
        let allowed = self.expiration + self.window;
        match (self.rotating, self.max_active_keys) {
            (Rotating::Every(period), Some(keys)) => allowed.min(period * i64::from(fatal_rotation(keys))),
            _ => allowed,
        }
    }

    /// How many rotations beside the schedule lifetime and window bear; `None`: any number, or there is no period.
    pub fn spare_rotations(&self) -> Option<u32> {
        let (Rotating::Every(period), Some(keys)) = (self.rotating, self.max_active_keys) else { return None };
        if !self.window_ok() {
            return None;
        }
        let within = keys_less_two(self.need() + self.lag, period);
        Some(keys.saturating_sub(2).saturating_sub(within))
    }

    /// The longest window that the keys outlive, in whole seconds; `None`: none, or any.
    pub fn longest_window(&self) -> Option<Span> {
        self.reach
            .map(|reach| super::words::floor(reach - self.expiration - self.skew))
            .filter(|left| *left >= Span::ZERO)
    }

    /// The longest lifetime that the keys outlive together with the window; `None`: none, or any.
    pub fn longest_expiration(&self) -> Option<Span> {
        self.reach.map(|reach| super::words::floor(reach - self.window - self.skew)).filter(|left| *left > Span::ZERO)
    }

    /// The keys that are needed for usual periods and for the one that is set.
    pub fn table(&self) -> Vec<KeysRow> {
        let hours = |hours: i64| Span::from_seconds(hours * 3_600);
        let mut periods: Vec<Span> = [1, 6, 12, 24, 72, 168].map(hours).to_vec();
        if let Rotating::Every(period) | Rotating::EveryAnd(period) = self.rotating {
            periods.push(period);
        }
        periods.sort_unstable();
        periods.dedup();
        let need = self.need();
        let row = |period: Span| KeysRow {
            period,
            fewest_keys: keys_less_two(need, period).saturating_add(2),
            with_lag: keys_less_two(need + self.table_lag(), period).saturating_add(2),
            effective_window: self.max_active_keys.map_or(self.window, |keys| {
                let cover = period * i64::from(keys.saturating_sub(2));
                (cover - self.expiration - self.skew).clamp(Span::ZERO, self.window)
            }),
        };
        periods.into_iter().map(row).collect()
    }

    /// The lag of the table's second column.
    pub fn table_lag(&self) -> Span {
        if self.lag > Span::ZERO { self.lag } else { TABLE_LAG }
    }
}

/// A row of the table of keys by period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeysRow {
    /// Time between two rotations.
    pub period: Span,
    /// The fewest keys.
    pub fewest_keys: u32,
    /// The fewest if copies are late.
    pub with_lag: u32,
    /// What would be left of the window with as many keys as are set.
    pub effective_window: Span,
}

/// `need / period`, rounded up.
fn keys_less_two(need: Span, period: Span) -> u32 {
    let count = need.micros().div_euclid(period.micros()) + i64::from(need.micros().rem_euclid(period.micros()) > 0);
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What can be said of the keys of a model while `lifetimes` hold: those of the model itself or of one of its changes,
/// and the longest expiration with which tokens in use then may have been issued.
pub(super) fn keys(model: &Model, lifetimes: &Keystone, longest_expiration: Span) -> Keys {
    let settings = &model.keystone;
    let (most, least) = (settings.clocks.iter().max(), settings.clocks.iter().min());
    let skew = most.copied().unwrap_or_default() - least.copied().unwrap_or_default();
    let mut keys = Keys {
        expiration: longest_expiration,
        window: lifetimes.allow_expired_window,
        rotating: Rotating::Jws,
        max_active_keys: None,
        skew,
        cover: None,
        reach: None,
        lag: Span::ZERO,
        unreadable: None,
        late: None,
        fewest_keys: None,
        shortest_period: None,
    };
    let Provider::Fernet { rotations, extra, .. } = &settings.keys else { return keys };
    let Provider::Fernet { max_active_keys, .. } = lifetimes.keys else { return keys };
    keys.max_active_keys = Some(max_active_keys);
    keys.rotating = match (&settings.spread, rotations) {
        (Spread::Apart(_), _) => Rotating::Apart,
        (Spread::Synced { .. }, Rotations::Never) if extra.is_empty() => Rotating::Never,
        (Spread::Synced { .. }, Rotations::Never | Rotations::At(_)) => Rotating::Listed,
        (Spread::Synced { .. }, Rotations::Every { period, .. }) if extra.is_empty() => Rotating::Every(*period),
        (Spread::Synced { .. }, Rotations::Every { period, .. }) => Rotating::EveryAnd(*period),
    };
    let has_followers = settings.clocks.len() > 1 && keys.rotating != Rotating::Never;
    if let (Spread::Synced { lag, .. }, true) = (&settings.spread, has_followers) {
        keys.lag = bounded(lag).unwrap_or_default();
    }
    let worst = Worst::of(model, None);
    (keys.cover, keys.reach, keys.unreadable) = (worst.cover, worst.reach, worst.unreadable);
    if !keys.window_ok() || keys.margin() == Some(Span::ZERO) {
        keys.fewest_keys = fewest_keys(model, keys.need());
        keys.shortest_period = shortest_period(&keys, model);
    }
    if let (Spread::Synced { lag, missed, .. }, Some(margin), true) = (&settings.spread, keys.margin(), has_followers) {
        keys.late = late(lag, *missed, margin, rotations);
    }
    keys
}

fn late(lag: &Dist, missed: f64, margin: Span, rotations: &Rotations) -> Option<LateCopies> {
    let margin = margin.clamp(Span::ZERO, Span::LONGEST);
    let beyond_margin = bounded(lag).is_none().then(|| 1.0 - lag.cdf(margin.seconds()));
    let borne = match rotations {
        Rotations::Every { period, .. } => u32::try_from(margin.micros() / period.micros()).unwrap_or(u32::MAX),
        Rotations::Never | Rotations::At(_) => 0,
    };
    let missed = (missed > 0.0).then_some((missed, borne));
    (beyond_margin.is_some() || missed.is_some()).then_some(LateCopies { beyond_margin, missed })
}

/// The longest lag, if there is one.
fn bounded(lag: &Dist) -> Option<Span> {
    let highest = lag.as_constant().unwrap_or_else(|| lag.highest());
    highest.is_finite().then(|| Span::from_seconds_f64(highest))
}

fn fewest_keys(model: &Model, need: Span) -> Option<u32> {
    let suffices = |keys: u32| Worst::of(model, Some(keys)).reach.is_none_or(|reach| reach >= need);
    let mut high = 4;
    while !suffices(high) {
        if high >= MOST_KEYS_ADVISED {
            return None;
        }
        high *= 2;
    }
    let mut low = 0;
    while low + 1 < high {
        let middle = u32::midpoint(low, high);
        if suffices(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// Only where one period says everything.
fn shortest_period(keys: &Keys, model: &Model) -> Option<Span> {
    let (Rotating::Every(_), Some(count)) = (keys.rotating, keys.max_active_keys) else { return None };
    let missed = matches!(&model.keystone.spread, Spread::Synced { missed_between, .. } if !missed_between.is_empty());
    if count < 3 || missed || !changes(model).is_empty() {
        return None;
    }
    let need = (keys.need() + keys.lag).micros();
    let count = i64::from(count - 2);
    let period = need.div_euclid(count) + i64::from(need.rem_euclid(count) > 0);
    Some(super::words::ceil(Span::from_micros(period)))
}

/// From when on there is another number of keys.
fn changes(model: &Model) -> Vec<(Instant, u32)> {
    let mut before = count(&model.keystone);
    let mut changes = Vec::new();
    for change in &model.changes {
        let after = count(&change.model.keystone);
        if after != before {
            changes.extend(after.map(|after| (change.at, after)));
            before = after;
        }
    }
    changes
}

fn count(keystone: &Keystone) -> Option<u32> {
    match keystone.keys {
        Provider::Fernet { max_active_keys, .. } => Some(max_active_keys),
        Provider::Jws => None,
    }
}

/// The worst that was found in a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Worst {
    cover: Option<Span>,
    reach: Option<Span>,
    unreadable: Option<Unreadable>,
}

impl Worst {
    /// With as many keys as are set, or with so many all the time.
    fn of(model: &Model, keys: Option<u32>) -> Worst {
        let settings = &model.keystone;
        let Provider::Fernet { max_active_keys, rotations, extra } = &settings.keys else { return Worst::default() };
        let limits = if keys.is_some() { Vec::new() } else { changes(model) };
        let keys = keys.unwrap_or(*max_active_keys);
        let mut worst = Worst::default();
        match &settings.spread {
            Spread::Apart(nodes) => {
                let lineages = nodes.iter().map(|at| Lineage::new(Schedule::At(at.clone()), keys, &limits));
                let cluster = Cluster::apart(lineages);
                for (node, instants) in (0..).zip(nodes) {
                    instants.iter().for_each(|at| worst.look(&cluster, node, *at));
                }
                worst.cover = worst.reach;
            }
            Spread::Synced { lag, missed_between, .. } => {
                let mut special: Vec<Instant> = extra.to_vec();
                special.extend(limits.iter().map(|(at, _)| *at));
                special.extend(missed_between.iter().flat_map(|missed| [missed.from, missed.until]));
                special.sort_unstable();
                special.dedup();
                let keys = if missed_between.is_empty() { keys } else { keys.min(MOST_KEYS_WITH_MISSED_COPIES) };
                for schedule in phases(rotations, &special) {
                    let schedule = schedule.and_at(extra);
                    worst.replay(settings, &Lineage::new(schedule, keys, &limits), &special, &limits, keys);
                }
                // Lags that differ may all be at their longest just where it hurts; a constant one beyond the period
                // acts like its remainder.
                if lag.as_constant().is_none()
                    && settings.clocks.len() > 1
                    && let (Some(lag), Some(cover)) = (bounded(lag), worst.cover)
                {
                    worst.reach = worst.reach.map(|reach| reach.min(cover - lag));
                }
            }
        }
        worst
    }

    /// All that differs happens around what is special; elsewhere one generation is like the other.
    fn replay(
        &mut self,
        settings: &Keystone,
        primary: &Lineage,
        special: &[Instant],
        limits: &[(Instant, u32)],
        keys: u32,
    ) {
        let Spread::Synced { lag, missed_between, .. } = &settings.spread else { return };
        let schedule = primary.schedule();
        let counts: BTreeSet<i64> =
            limits.iter().map(|(_, keys)| *keys).chain([keys]).map(|keys| i64::from(keys.max(2)) - 2).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let mut looked: BTreeSet<i64> = match schedule {
            Schedule::At(instants) => (1..=instants.len() as i64).collect(),
            Schedule::Never => BTreeSet::new(),
            Schedule::Every { .. } | Schedule::EveryAnd { .. } => {
                let first = special.first().map_or(0, |at| schedule.generation(*at));
                let last = special.last().map_or(0, |at| schedule.generation(*at));
                [first - 2 * most - 10, last + 2 * most + 10].into()
            }
        };
        for at in special {
            let near = schedule.generation(*at);
            for count in counts.iter().chain([&0]) {
                looked.extend(NEIGHBOURS.map(|offset| near - count + offset));
            }
        }
        let (Some(&first), Some(&last)) = (looked.first(), looked.last()) else { return };
        let lag = bounded(lag).unwrap_or_default();
        let from = schedule.rotation(first - 2) - lag - TICK;
        let until = schedule.rotation(last + most + 4) + lag;
        let follower = |node: u32| {
            if missed_between.iter().all(|missed| missed.node != node) {
                return Syncs::after(lag);
            }
            let is_missed = |at: Instant| missed_between.iter().any(|m| m.node == node && m.from <= at && at < m.until);
            Syncs::drawn(primary, from, until, |_, at| (!is_missed(at)).then_some(lag))
        };
        // Nodes that miss nothing are all alike.
        let nodes = 1..settings.clocks.len() as u32;
        let missing: BTreeSet<u32> = missed_between.iter().map(|missed| missed.node).collect();
        let like_all = nodes.clone().find(|node| !missing.contains(node));
        let cluster = Cluster::synced(primary.clone(), missing.iter().copied().chain(like_all).map(follower));
        for rotation in looked.into_iter().map(|generation| schedule.rotation(generation)) {
            for node in 0..cluster.nodes() {
                let delay = if node == 0 { Span::ZERO } else { lag };
                self.look(&cluster, node, rotation + delay);
            }
        }
    }

    /// At tokens that a node issues just before and at an instant.
    fn look(&mut self, cluster: &Cluster, node: u32, at: Instant) {
        if at == Instant::ALWAYS || at == Instant::NEVER {
            return;
        }
        for issued in [at - TICK, at] {
            let key = cluster.issue(node, issued);
            for other in 0..cluster.nodes() {
                let held = cluster.held(other, key);
                self.hold(issued, held);
                if issued < at && held != Held::NEVER && held.until != Instant::NEVER {
                    // What is issued just before the instant comes as near to it as one likes.
                    let lasts = held.until.since(at).max(Span::ZERO);
                    let least = |known: Option<Span>| Some(known.map_or(lasts, |known| known.min(lasts)));
                    self.reach = least(self.reach);
                    if other == node && node == 0 {
                        self.cover = least(self.cover);
                    }
                }
            }
        }
    }

    fn hold(&mut self, issued: Instant, held: Held) {
        let unreadable = match held.from {
            Instant::NEVER => Some(Unreadable::Forever),
            from if from > issued => Some(Unreadable::For(from.since(issued))),
            _ => None,
        };
        self.unreadable = self.unreadable.max(unreadable);
    }
}

/// The schedule; where its phase is random, every phase at which something special meets a rotation.
fn phases(rotations: &Rotations, special: &[Instant]) -> Vec<Schedule> {
    match rotations {
        Rotations::Never => vec![Schedule::Never],
        Rotations::At(instants) => vec![Schedule::At(instants.clone())],
        Rotations::Every { period, offset } => {
            let at = |micros: i64| {
                let offset = Instant::from_micros(micros.rem_euclid(period.micros()));
                Schedule::Every { period: *period, offset }
            };
            match offset {
                Offset::Fixed(offset) => vec![at(offset.micros())],
                Offset::Random if special.is_empty() => vec![at(0)],
                Offset::Random => {
                    let offsets: BTreeSet<i64> = special
                        .iter()
                        .flat_map(|instant| [-1, 0, 1].map(|tick| instant.micros() + tick))
                        .map(|micros| micros.rem_euclid(period.micros()))
                        .collect();
                    offsets.into_iter().map(at).collect()
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
