//! Keystone: issues tokens, and answers for them on one of its nodes. The rules are in `identity`.

use std::collections::BTreeMap;

use super::draws;
use crate::identity::cluster::{Answer, Cluster, Held, KeyLife, KeyRef, Syncs};
use crate::identity::keystone_cache::{Entry, KeystoneCache};
use crate::identity::keystone_node::KeystoneNode;
use crate::identity::lineage::Lineage;
use crate::identity::token::Refusal;
use crate::identity::{Schedule, Token};
use crate::model::{Keys, Model, Offset, Rotations, Spread};
use crate::observe::ServiceFacts;
use crate::random::{Dist, Stream, Streams};
use crate::units::{Instant, Span};

/// A token, and what only Keystone knows of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Issued {
    /// Its `key_gone_at` is that of the node that issued it.
    pub(super) token: Token,
    key: KeyRef,
    entry: Entry,
}

/// Keystone's answer about a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Consulted {
    pub(super) accepted: bool,
    /// The node.
    pub(super) node: u32,
    key: Key,
    /// The clock of the node that was asked, less the right time.
    clock_ahead: Span,
}

/// How a node stands to the key of a token that it was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// As the token says itself.
    AsIssued,
    /// It had no use for the key, or has it.
    Held,
    /// It has the key no more.
    Gone,
    /// It has not got the key yet; whether that was the refusal.
    NotSynced { refused: bool },
}

impl Consulted {
    /// The token that it was asked about as the node saw it, for the reason of a refusal.
    pub(super) fn view(self, token: Token) -> Token {
        let key_gone_at = match self.key {
            Key::AsIssued => token.key_gone_at,
            Key::Gone | Key::NotSynced { refused: true } => Instant::ALWAYS,
            Key::Held | Key::NotSynced { refused: false } => Instant::NEVER,
        };
        Token { key_gone_at, expires: token.expires - self.clock_ahead, ..token }
    }

    /// Whether the node has not got the token's key yet.
    pub(super) fn not_synced(self) -> bool {
        matches!(self.key, Key::NotSynced { .. })
    }
}

/// Keystone during one replication.
#[derive(Debug)]
pub(super) struct Keystone<'m> {
    /// The model from the start, which knows all changes.
    model: &'m Model,
    /// `allow_expired_window`.
    pub(super) window: Span,
    cluster: Cluster,
    /// The `max_active_keys` under which these keys are laid out, if not the model's; others that were are kept.
    max_active_keys: Option<u32>,
    laid_out: BTreeMap<Option<u32>, Cluster>,
    nodes: Vec<KeystoneNode>,
    /// One node without a cache, whose clock is right: a token alone says what Keystone answers.
    is_plain: bool,
    /// Its answers take no time, and it is never down.
    is_instant: bool,
    validation_time: Dist,
    issue_time: Dist,
    pub(super) facts: ServiceFacts,
}

impl<'m> Keystone<'m> {
    pub(super) fn new(model: &'m Model, streams: Streams) -> Keystone<'m> {
        let settings = &model.keystone;
        let mut keystone = Keystone {
            model,
            window: settings.allow_expired_window,
            cluster: cluster(model, None, drawn_phase(streams), streams),
            max_active_keys: None,
            laid_out: BTreeMap::new(),
            nodes: Vec::new(),
            is_plain: false,
            is_instant: false,
            validation_time: settings.validation_time.clone(),
            issue_time: settings.issue_time.clone(),
            facts: ServiceFacts::default(),
        };
        keystone.reconfigure(model);
        keystone
    }

    /// Takes over the settings of another model; its keys are known for all time from the beginning.
    pub(super) fn reconfigure(&mut self, model: &Model) {
        let settings = &model.keystone;
        let cache = KeystoneCache { time: settings.cache_time };
        self.window = settings.allow_expired_window;
        self.nodes = settings.clocks.iter().map(|&clock_ahead| KeystoneNode { clock_ahead, cache }).collect();
        self.is_plain = self.nodes == [KeystoneNode { clock_ahead: Span::ZERO, cache: KeystoneCache::OFF }];
        self.validation_time = settings.validation_time.clone();
        self.issue_time = settings.issue_time.clone();
        let nothing = |dist: &Dist| dist.as_constant() == Some(0.0);
        self.is_instant = nothing(&self.validation_time) && nothing(&self.issue_time) && settings.outages.is_empty();
    }

    /// Lays the keys out anew, as if the replication had drawn this share of the period for the offset of a random
    /// schedule; `None`: as it has drawn.
    pub(super) fn set_phase(&mut self, phase: Option<f64>, streams: Streams) {
        self.cluster = cluster(self.model, None, phase.unwrap_or_else(|| drawn_phase(streams)), streams);
        self.max_active_keys = None;
        self.laid_out.clear();
    }

    /// Lays the keys out as if this many were kept, at all times; `None`: as the model says.
    pub(super) fn set_max_active_keys(&mut self, keys: Option<u32>, streams: Streams) {
        if keys == self.max_active_keys {
            return;
        }
        let known = self.laid_out.remove(&keys);
        let cluster = known.unwrap_or_else(|| cluster(self.model, keys, drawn_phase(streams), streams));
        let before = std::mem::replace(&mut self.cluster, cluster);
        self.laid_out.insert(std::mem::replace(&mut self.max_active_keys, keys), before);
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// Whether it answers alike whichever node is asked, and forgets nothing: then what it will answer is known.
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether its answers take no time, and it is never down.
    pub(super) fn is_instant(&self) -> bool {
        self.is_instant
    }

    /// The Fernet keys that a node holds at some time between two instants, at most so many.
    pub(super) fn keys_between(&self, node: u32, from: Instant, until: Instant, most: usize) -> Vec<KeyLife> {
        match self.model.keystone.keys {
            Keys::Fernet { .. } => self.cluster.keys_between(node, from, until, most),
            Keys::Jws => Vec::new(),
        }
    }

    /// How long a token lives that is issued at an instant.
    pub(super) fn expiration(&self, issued: Instant) -> Span {
        self.model.expiration_at(issued)
    }

    /// The node that a load balancer picks: any of them alike.
    #[inline]
    pub(super) fn pick(&self, stream: impl FnOnce() -> Stream) -> u32 {
        if self.nodes() == 1 { 0 } else { (stream().uniform() * f64::from(self.nodes())) as u32 }
    }

    /// A token issued by a node at `issued`, to a user who is disabled from `disabled_at` on.
    pub(super) fn issue(&self, node: u32, issued: Instant, disabled_at: Instant) -> Issued {
        let key = self.cluster.issue(node, issued);
        let settings = &self.nodes[node as usize];
        let token = Token {
            expires: settings.expires_at(issued, self.model.expiration_at(issued)),
            key_gone_at: self.cluster.held(node, key).until,
            revoked_at: disabled_at,
        };
        Issued { token, key, entry: settings.at_issue(issued) }
    }

    /// The user's token, issued at `issued` and revoked at `revoked_at` by `DELETE /v3/auth/tokens`: that has no effect
    /// on a token that does not exist yet, has expired, or cannot be decrypted any more (Keystone answers 404).
    pub(super) fn issue_revoked(
        &self,
        node: u32,
        issued: Instant,
        disabled_at: Instant,
        revoked_at: Instant,
    ) -> Issued {
        let mut issue = self.issue(node, issued, disabled_at);
        if revoked_at > issued && issue.token.is_accepted(revoked_at, Span::ZERO) {
            issue.token.revoked_at = issue.token.revoked_at.min(revoked_at);
        }
        issue
    }

    /// A token in exchange for another: it expires with that one (`keystone.auth.plugins.token`), but is encrypted and
    /// revoked by itself.
    pub(super) fn exchange(&self, node: u32, now: Instant, old: &Issued, disabled_at: Instant) -> Issued {
        let new = self.issue(node, now, disabled_at);
        Issued { token: Token { expires: old.token.expires, ..new.token }, ..new }
    }

    /// What a node answers about a token; `window` is the allowance where the request allows expired tokens.
    #[inline]
    pub(super) fn validate(&mut self, now: Instant, node: u32, issued: &mut Issued, window: Option<Span>) -> Consulted {
        if self.is_plain {
            let accepted = issued.token.is_accepted(now, window.unwrap_or(Span::ZERO));
            return Consulted { accepted, node, key: Key::AsIssued, clock_ahead: Span::ZERO };
        }
        self.validate_on(now, node, issued, window)
    }

    fn validate_on(&mut self, now: Instant, node: u32, issued: &mut Issued, window: Option<Span>) -> Consulted {
        let settings = &self.nodes[node as usize];
        let key = self.cluster.decrypts(node, issued.key, now);
        let validation = settings.validate(now, &issued.token, key, window, issued.entry);
        issued.entry = validation.entry;
        let refused = validation.refusal == Some(Refusal::KeyNotFound);
        Consulted {
            accepted: validation.refusal.is_none(),
            node,
            key: match key {
                Answer::NotSynced => Key::NotSynced { refused },
                Answer::Yes | Answer::Gone if refused => Key::Gone,
                Answer::Yes | Answer::Gone => Key::Held,
            },
            clock_ahead: settings.clock_ahead,
        }
    }

    /// When a node holds the key of a token.
    pub(super) fn held(&self, node: u32, issued: &Issued) -> Held {
        self.cluster.held(node, issued.key)
    }

    /// Whether a node can read what auth_token authenticates with itself.
    pub(super) fn reads(&self, now: Instant, node: u32, issued: &Issued) -> bool {
        self.is_plain || self.cluster.decrypts(node, issued.key, now) == Answer::Yes
    }

    /// How long a validation takes.
    #[inline]
    pub(super) fn validation_time(&self, streams: Streams, name: u64) -> Span {
        Span::from_seconds_f64(self.validation_time.sample_named(streams, name))
    }

    /// How long some take, in seconds.
    pub(super) fn validation_times(&self, streams: Streams, name: impl Fn(usize) -> u64, seconds: &mut [f64]) {
        self.validation_time.sample_all_named(streams, name, seconds);
    }

    /// How long issuing a token takes.
    pub(super) fn issue_time(&self, streams: Streams, name: u64) -> Span {
        Span::from_seconds_f64(self.issue_time.sample_named(streams, name))
    }

    /// How long issuing a token takes to whoever is going to have another validated: drawn behind the time of that,
    /// from the same stream.
    pub(super) fn issue_time_before_validation(&self, streams: Streams, name: u64) -> Span {
        let mut stream = streams.stream(name);
        self.validation_time.sample(&mut stream);
        Span::from_seconds_f64(self.issue_time.sample(&mut stream))
    }
}

/// No token that is older at the start is told from this one: every node has everything by then.
const OLDEST: Span = Span::from_seconds(365 * 86_400);

/// Where a random schedule lies in a replication, as a share of its period.
pub(super) fn drawn_phase(streams: Streams) -> f64 {
    streams.of(draws::ROTATION_OFFSET, 0).stream(0).uniform()
}

/// The keys of all nodes, for all time; `kept` are so many, if not what the model says, and `phase` is where a random
/// schedule lies.
fn cluster(model: &Model, kept: Option<u32>, phase: f64, streams: Streams) -> Cluster {
    let settings = &model.keystone;
    let (max_active_keys, (rotations, extra)) = match &settings.keys {
        // Nothing purges a JWS key, and every node has all of them.
        Keys::Jws => {
            let followers = settings.clocks.iter().skip(1).map(|_| Syncs::after(Span::ZERO));
            return Cluster::synced(Lineage::new(Schedule::Never, 1, &[]), followers);
        }
        Keys::Fernet { max_active_keys, rotations, extra } => (kept.unwrap_or(*max_active_keys), (rotations, extra)),
    };
    let changes: Vec<(Instant, u32)> = model
        .changes
        .iter()
        .filter(|_| kept.is_none())
        .filter_map(|change| match change.model.keystone.keys {
            Keys::Fernet { max_active_keys, .. } => Some((change.at, max_active_keys)),
            Keys::Jws => None,
        })
        .collect();
    let lineage = |schedule: Schedule| Lineage::new(schedule, max_active_keys, &changes);
    match &settings.spread {
        Spread::Apart(nodes) => Cluster::apart(nodes.iter().map(|at| lineage(Schedule::At(at.clone())))),
        Spread::Synced { lag, missed, missed_between } => {
            let primary = lineage(schedule(rotations, phase).and_at(extra));
            let until = Instant::START + model.run.duration + model.run.drain;
            let followers: Vec<Syncs> = (1..settings.clocks.len() as u32)
                .map(|node| {
                    let is_always_missed = missed_between.iter().any(|m| m.node == node);
                    match lag.as_constant() {
                        Some(seconds) if *missed == 0.0 && !is_always_missed => {
                            Syncs::after(Span::from_seconds_f64(seconds))
                        }
                        _ => Syncs::drawn(&primary, Instant::START - OLDEST, until, |_, at| {
                            let stream = &mut streams.of(draws::SYNC, u64::from(node)).stream(at.micros() as u64);
                            let is_missed = stream.uniform() < *missed
                                || missed_between.iter().any(|m| m.node == node && m.from <= at && at < m.until);
                            (!is_missed).then(|| Span::from_seconds_f64(lag.sample(stream)))
                        }),
                    }
                })
                .collect();
            Cluster::synced(primary, followers)
        }
    }
}

/// When the keys rotate on the first node, with every random choice made.
fn schedule(rotations: &Rotations, phase: f64) -> Schedule {
    match rotations {
        Rotations::Never => Schedule::Never,
        Rotations::At(instants) => Schedule::At(instants.clone()),
        Rotations::Every { period, offset } => {
            let offset = match offset {
                Offset::Fixed(offset) => *offset,
                Offset::Random => Span::from_seconds_f64(phase * period.seconds()),
            };
            Schedule::Every { period: *period, offset: Instant::START + offset }
        }
    }
}
