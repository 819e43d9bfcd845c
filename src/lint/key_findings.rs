//! What is wrong with Fernet keys, in words, with the values that would be safe.

use super::finding::{Draft, Safe};
use super::keys::{Keys, Rotating, Unreadable};
use super::table::{Lint, Severity};
use super::words::{Exact, as_option, percent};
use crate::model::{Keystone, Places, Spread};
use crate::units::Span;

const MAX_ACTIVE_KEYS: &str = "keystone.fernet_tokens.max_active_keys";
const EXPIRATION: &str = "keystone.token.expiration";
const WINDOW: &str = "keystone.token.allow_expired_window";
const EVERY: &str = "cloud.fernet_rotation.every";
const AT: &str = "cloud.fernet_rotation.at";
const EXTRA: &str = "cloud.fernet_rotation.extra";
const LAG: &str = "cloud.keystone.sync_lag";
const MISSED: &str = "cloud.keystone.sync_missed";
const MISSED_BETWEEN: &str = "cloud.keystone.missed_syncs";
const APART: &str = "cloud.keystone.rotations";

/// What of the settings that decide how long keys last is a guess.
pub(super) fn assumed(places: &Places) -> Vec<String> {
    let decisive = [MAX_ACTIVE_KEYS, EVERY, EXPIRATION, WINDOW];
    let mut guesses: Vec<String> = Vec::new();
    for guess in decisive.into_iter().filter_map(|key| places.assumed(key)) {
        if !guesses.iter().any(|known| known == guess) {
            guesses.push(guess.to_owned());
        }
    }
    guesses
}

/// Everything of the kind.
pub(super) fn findings(keys: &Keys, keystone: &Keystone) -> Vec<Draft> {
    let mut found = Vec::new();
    found.extend(too_short(keys, keystone));
    found.extend(no_margin(keys));
    found.extend(late(keys));
    found.extend(no_spare(keys));
    found.extend(not_shared(keys, keystone));
    found
}

/// The verdict in one line.
pub fn verdict(keys: &Keys) -> String {
    let need = Exact(keys.need());
    let Some(reach) = keys.reach else {
        return match keys.rotating {
            Rotating::Jws => "nothing purges JWS keys: tokens last as long as they may".to_owned(),
            Rotating::Never => format!("keys never rotate: tokens last as long as they may, {need} with the window"),
            Rotating::Every(_) | Rotating::EveryAnd(_) | Rotating::Listed | Rotating::Apart => {
                format!(
                    "no key is purged before the schedule ends: tokens last as long as they may, {need} with the window"
                )
            }
        };
    };
    let live = Exact(reach);
    match keys.margin() {
        Some(margin) if margin > Span::ZERO => {
            let room = match keys.spare_rotations() {
                None | Some(0) => String::new(),
                Some(1) => ", room for 1 rotation beside the schedule".to_owned(),
                Some(more) => format!(", room for {more} rotations beside the schedule"),
            };
            format!("keys live {live}, tokens need {need}: margin {}{room}", Exact(margin))
        }
        Some(Span::ZERO) => {
            format!("keys live {live}, tokens need {need}: margin 0, unsafe by any {}", further_lag(keys))
        }
        _ if keys.live_ok() && keys.effective_window() == Span::ZERO => {
            format!("keys live {live}, tokens need {need}: nothing is left of the window of {}", Exact(keys.window))
        }
        _ if keys.live_ok() => {
            let left = Exact(keys.effective_window());
            format!(
                "keys live {live}, tokens need {need}: only {left} are left of the window of {}",
                Exact(keys.window)
            )
        }
        _ => {
            let early = Exact(keys.expiration + keys.skew - reach);
            let life = Exact(keys.expiration);
            format!("keys live {live}, less than the {life} of a token: tokens die up to {early} early")
        }
    }
}

/// The keys of the scenario that decide.
pub(super) fn decided_by(draft: Draft, keys: &Keys) -> Draft {
    let draft = draft.key(MAX_ACTIVE_KEYS);
    let draft = match keys.rotating {
        Rotating::Every(_) => draft.key(EVERY),
        Rotating::EveryAnd(_) => draft.key(EVERY).key(EXTRA),
        Rotating::Listed => draft.key(AT).key(EXTRA),
        Rotating::Apart => draft.key(APART),
        Rotating::Jws | Rotating::Never => draft,
    };
    draft.key(EXPIRATION).key(WINDOW)
}

fn too_short(keys: &Keys, keystone: &Keystone) -> Option<Draft> {
    if keys.window_ok() {
        return None;
    }
    let reach = keys.reach?;
    let draft = if keys.live_ok() {
        let left = match keys.effective_window() {
            Span::ZERO => "nothing is".to_owned(),
            left => format!("only {} are", Exact(left)),
        };
        let (live, need) = (Exact(reach), Exact(keys.need()));
        let what =
            format!("keys live {live}, but tokens need {need}: of the window of {} {left} of use", Exact(keys.window));
        Draft::new(Lint::KeysDieInWindow, "", what)
    } else {
        let what = format!(
            "keys live {}, but tokens live {}: they die up to {} early, and the window is of no use",
            Exact(reach),
            Exact(keys.expiration),
            Exact(keys.expiration + keys.skew - reach),
        );
        Draft::new(Lint::KeysDieBeforeTokens, "", what)
    };
    let draft = decided_by(draft.why(how_long(keys, reach)), keys);
    let draft = if keys.skew > Span::ZERO {
        draft.why(format!("the clocks of Keystone's nodes differ by {}, which lengthens lives", Exact(keys.skew)))
    } else {
        draft
    };
    let draft = match &keystone.spread {
        Spread::Synced { missed_between, .. } if !missed_between.is_empty() => draft
            .why("copies are missed on the way: the node without them goes on with an older key")
            .key(MISSED_BETWEEN),
        Spread::Synced { .. } | Spread::Apart(_) => draft,
    };
    Some(remedies(draft, keys))
}

/// How the number comes about.
fn how_long(keys: &Keys, reach: Span) -> String {
    let count = keys.max_active_keys.unwrap_or_default();
    let cover = keys.cover.unwrap_or(reach);
    let lost = if cover > reach {
        format!(", less {} for copies that come late", Exact(cover - reach))
    } else {
        String::new()
    };
    let few = if count < 3 { " (with fewer than 3 keys the first rotation kills every token)" } else { "" };
    match keys.rotating {
        Rotating::Every(period) => {
            let periods = count.saturating_sub(2);
            format!("(max_active_keys - 2) x period = {periods} x {}{lost}{few}", Exact(period))
        }
        Rotating::EveryAnd(_) | Rotating::Listed | Rotating::Apart => format!(
            "the {} rotations after a token's issue lie as little as {} apart from it{lost}{few}",
            ordinal(count.saturating_sub(2) + 1),
            Exact(cover)
        ),
        Rotating::Jws | Rotating::Never => String::new(),
    }
}

fn ordinal(count: u32) -> String {
    if count == 1 { "first".to_owned() } else { format!("first {count}") }
}

fn remedies(mut draft: Draft, keys: &Keys) -> Draft {
    let need = keys.need();
    if let Some(count) = keys.fewest_keys {
        let words = format!("keep at least {count} keys");
        draft = draft.safe(Safe::set(MAX_ACTIVE_KEYS, count.to_string(), words));
    }
    if let Some(period) = keys.shortest_period {
        let words = format!("rotate no more often than every {}", Exact(period));
        draft = draft.safe(Safe::set(EVERY, format!("\"{}\"", as_option(period)), words));
    }
    if let Some(window) = keys.longest_window()
        && window < keys.window
    {
        let words = match window {
            Span::ZERO => "a window of 0: these keys cover none".to_owned(),
            window => format!("a window of at most {}", Exact(window)),
        };
        draft = draft.safe(Safe::set(WINDOW, format!("\"{}\"", as_option(window)), words));
    }
    if let Some(expiration) = keys.longest_expiration()
        && expiration < keys.expiration
    {
        let words = format!("a lifetime of at most {}", Exact(expiration));
        draft = draft.safe(Safe::set(EXPIRATION, format!("\"{}\"", as_option(expiration)), words));
    }
    if draft.safe.is_empty() {
        let words = format!("rotate so that no key is purged within {} of its last use", Exact(need));
        draft = draft.safe(Safe::other(words));
    }
    draft
}

fn no_margin(keys: &Keys) -> Option<Draft> {
    (keys.margin() == Some(Span::ZERO)).then_some(())?;
    let (need, lag) = (Exact(keys.need()), further_lag(keys));
    let what = format!("keys live exactly the {need} that tokens need: any {lag} breaks the window");
    let count = keys.max_active_keys?.saturating_add(1);
    let draft = Draft::new(Lint::NoMargin, "", what)
        .why("a node that gets its copy later goes on with the old key, and its tokens lose as much")
        .why(no_spare_words(keys))
        .safe(Safe::set(MAX_ACTIVE_KEYS, count.to_string(), format!("keep {count} keys")));
    Some(decided_by(draft, keys))
}

/// What a margin of nothing does not bear: a lag, or more than the one that is counted.
fn further_lag(keys: &Keys) -> &'static str {
    if keys.lag > Span::ZERO { "further lag" } else { "sync lag" }
}

fn no_spare_words(keys: &Keys) -> String {
    format!("nor may a rotation happen beside the schedule within {} (a playbook, a failover)", Exact(keys.need()))
}

fn late(keys: &Keys) -> Option<Draft> {
    let late = keys.late.filter(|_| keys.window_ok())?;
    let margin = Exact(keys.margin()?);
    let mut draft = Draft::new(Lint::LateCopies, "", "copies of the keys may be later than the margin allows");
    let mut is_found = false;
    if let Some(share) = late.beyond_margin.filter(|share| *share > 0.0) {
        let sentence = format!("{} of the copies come later than the margin of {margin}", percent(share));
        draft = draft.why(sentence).key(LAG);
        is_found = true;
    }
    if let Some((share, borne)) = late.missed {
        let sentence = match borne {
            0 => format!(
                "{} of the copies never arrive, and the margin of {margin} bears none that is missed",
                percent(share)
            ),
            borne => format!(
                "{} of the copies never arrive; the margin of {margin} bears {borne} in a row, and no more",
                percent(share)
            ),
        };
        draft = draft.why(sentence).key(MISSED);
        if borne > 0 {
            draft = draft.severity(Severity::Note);
        }
        is_found = true;
    }
    let count = keys.max_active_keys?.saturating_add(1);
    let words = format!("keep {count} keys or more: each bears one more copy that is missed");
    is_found.then(|| draft.safe(Safe::set(MAX_ACTIVE_KEYS, count.to_string(), words)).key(MAX_ACTIVE_KEYS))
}

fn no_spare(keys: &Keys) -> Option<Draft> {
    let is_exact = keys.margin() == Some(Span::ZERO);
    (keys.spare_rotations() == Some(0) && !is_exact).then_some(())?;
    let count = keys.max_active_keys?.saturating_add(1);
    let what = format!("one rotation beside the schedule within {} breaks the window", Exact(keys.need()));
    let draft = Draft::new(Lint::NoSpareRotation, "", what)
        .why(format!("the margin of {} is less than a period", Exact(keys.margin()?)))
        .safe(Safe::set(
            MAX_ACTIVE_KEYS,
            count.to_string(),
            format!("keep {count} keys: that bears one rotation more"),
        ));
    Some(decided_by(draft, keys))
}

fn not_shared(keys: &Keys, keystone: &Keystone) -> Option<Draft> {
    let draft = |what: String| Draft::new(Lint::KeysNotShared, "", what);
    Some(match (keys.unreadable?, &keystone.spread) {
        (Unreadable::Forever, Spread::Apart(_)) => draft(
            "each node rotates keys of its own: from the second rotation on no other node reads its tokens".to_owned(),
        )
        .safe(Safe::other("rotate on one node and copy its repository to the others (`cloud.fernet_rotation`)"))
        .key(APART),
        (Unreadable::Forever, Spread::Synced { .. }) => {
            draft("a node misses so many copies that it never gets keys with which others encrypt".to_owned())
                .safe(Safe::other("copy the repository again after a copy that failed, before the next rotation"))
                .key(MISSED_BETWEEN)
        }
        (Unreadable::For(span), _) => {
            let what = format!("for up to {} after a rotation some node cannot read new tokens", Exact(span));
            let draft = draft(what).key(MAX_ACTIVE_KEYS).key(MISSED_BETWEEN).key(LAG);
            if keys.max_active_keys.is_some_and(|count| count < 2) {
                let words = "keep 3 keys: from 2 on the next one is staged everywhere before it is used";
                draft.safe(Safe::set(MAX_ACTIVE_KEYS, "3", words))
            } else {
                draft.safe(Safe::other("copy the repository to every node before the next rotation"))
            }
        }
    })
}
