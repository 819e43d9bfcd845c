//! Polls whose answers are known are not simulated: where the polled service neither queues nor asks anybody who
//! might change his mind, all polls up to a certain instant go alike, and only the first one from there on is an event.
//!
//! That instant is the first at which a token, a cache entry or a limit could make a poll go otherwise. Whatever else
//! changes the answer (the resource is ready, the sender fetches a new service token, a setting changes) wakes the
//! poll up. Both ways, with this and with every poll as an event, give the same jobs and the same counts.

use std::ops::Range;

use super::flight::Stage;
use super::job::Strand;
use super::{Cloud, Event, draws};
use crate::engine::Queue;
use crate::identity::middleware::in_time_until;
use crate::model::program::{Client, Credentials, Op, Poll, Request};
use crate::model::{ProcessId, Sends, StepId};
use crate::units::{Instant, Span};

/// So many polls at most are looked through at a time where each takes a time of its own.
const MOST_AT_A_TIME: u32 = 4_096;

/// So many times are drawn at once.
const BLOCK: usize = 16;

/// Polls that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    /// How many.
    polls: u32,
    /// The last of them; meaningless if there is none.
    last: Instant,
    /// The one behind it.
    next: Instant,
}

/// When the polls of one job are due. Their times are named by the poll and its number, so that in every course of
/// the job they are the same from the same instant on: whoever simulates it under many settings draws them once.
#[derive(Debug, Default)]
pub(super) struct PollTimes(Vec<Chain>);

/// Polls of one kind that follow each other.
#[derive(Debug)]
struct Chain {
    step: StepId,
    nth: u8,
    interval: Span,
    /// The number of the first of them.
    begins: u32,
    /// When they are due, at least one.
    due: Vec<Instant>,
}

impl PollTimes {
    /// As [`Cloud::stretch`]. `number` is that of the poll at `first`, and `work` draws for some numbers in how many
    /// seconds they are answered.
    // A plain simulation never comes here.
    #[inline(never)]
    fn stretch(
        &mut self,
        poll: &Poll,
        number: u32,
        first: Instant,
        until: Instant,
        most: u32,
        mut work: impl FnMut(Range<u32>, &mut [f64]),
    ) -> Stretch {
        let Poll { request: Request { step, nth, .. }, interval, .. } = *poll;
        let is_same = |chain: &Chain| (chain.step, chain.nth, chain.interval) == (step, nth, interval);
        let mut known = None;
        for (place, chain) in self.0.iter_mut().enumerate().filter(|(_, chain)| is_same(chain)) {
            let Some(index) = number.checked_sub(chain.begins).map(|index| index as usize) else { continue };
            // The poll behind a simulated one is the next of the same chain.
            if index == chain.due.len() {
                chain.extend(&mut work);
            }
            if chain.due.get(index) == Some(&first) {
                known = Some((place, index));
                break;
            }
        }
        let (place, index) = known.unwrap_or_else(|| {
            self.0.push(Chain { step, nth, interval, begins: number, due: vec![first] });
            (self.0.len() - 1, 0)
        });
        let chain = &mut self.0[place];
        let enough = index + most as usize;
        while chain.due.len() <= enough && chain.due.last().is_some_and(|last| *last < until) {
            chain.extend(&mut work);
        }
        let due = &chain.due[index..];
        let polls = due.partition_point(|due| *due < until).min(most as usize);
        Stretch { polls: polls as u32, last: due[polls - 1], next: due[polls] }
    }
}

impl Chain {
    /// Draws when some more of them are due.
    fn extend(&mut self, work: &mut impl FnMut(Range<u32>, &mut [f64])) {
        let from = self.begins + (self.due.len() - 1) as u32;
        let mut works = [0.0; BLOCK];
        work(from..from + BLOCK as u32, &mut works);
        let mut last = self.due[self.due.len() - 1];
        for work in works {
            last = last + Span::from_seconds_f64(work) + self.interval;
            self.due.push(last);
        }
    }
}

/// Polls that are only counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skipped {
    first: Instant,
    /// As far as was foreseen when the last one was simulated.
    foreseen: Stretch,
}

impl Cloud<'_> {
    /// When the next poll has to be simulated, if the one at `now` was fine and the next one is due at `again`.
    pub(super) fn skip_polls(
        &mut self,
        now: Instant,
        again: Instant,
        slot: u32,
        strand: Strand,
        poll: &Poll,
    ) -> Instant {
        if !self.elides || self.traces(slot) {
            return again;
        }
        let mut until = self.known_until(now, slot, strand, poll);
        if self.constant_request_time.is_none() {
            // Polls that have to be looked through one by one, though the other strand is going to wake them up sooner.
            let other = self.jobs.get(slot).course(strand.other());
            until = if other.running { until.min(other.due) } else { until };
        }
        if until <= again {
            return again;
        }
        let most = poll.attempts.saturating_sub(self.jobs.get(slot).course(strand).polls + 1);
        let stretch = self.stretch(slot, strand, poll, again, until, most);
        if stretch.polls > 0 {
            let is_shared = self.senders[poll.request.from.index()].sends != Sends::Never;
            let course = self.jobs.get(slot).course(strand);
            course.skipped = Some(Skipped { first: again, foreseen: stretch });
            if (is_shared || self.epochs.len() > 1) && !course.is_listed {
                course.is_listed = true;
                self.list(slot, strand);
            }
        }
        stretch.next
    }

    /// Up to which instant polls go like the one at `now`.
    fn known_until(&mut self, now: Instant, slot: u32, strand: Strand, poll: &Poll) -> Instant {
        let request = &poll.request;
        let receiver = &self.receivers[request.to.index()];
        let rules = receiver.rules;
        let has_cache = rules.cache_time.is_some();
        let is_simple = receiver.caches <= 1
            && request.credentials == Credentials::User
            && request.client == Client::Keystoneauth
            && receiver.is_immediate
            // Who keeps nothing still reads what others put into the cache that they share.
            && (has_cache || (self.keystone.is_plain() && !receiver.shares_cache));
        if !is_simple {
            return now;
        }
        // What a change has left in the cache is of use until it is gone.
        let is_left_over = |cached_until: Instant| !has_cache && cached_until > now;
        let cache = receiver.cache(0);
        let sender = &self.senders[request.from.index()];
        let sends = if request.with_service_token { sender.sends } else { Sends::Never };
        let mut until = Instant::NEVER;
        if sends != Sends::Never {
            let Some(held) = sender.held(now) else { return now };
            let token = held.token.token;
            until = sender.held_until(&held).min(in_time_until(&rules, &token, false));
            let cached_until = *self.known.cached_until(cache, request.from, &held);
            if is_left_over(cached_until) {
                return now;
            }
            until = until.min(if has_cache { cached_until } else { token.accepted_until(Span::ZERO) });
        }
        let job = self.jobs.get(slot);
        let allow_expired = job.course(strand).with_service_token;
        let token = job.token.token;
        until = until.min(in_time_until(&rules, &token, allow_expired));
        let cached_until = self.jobs.caches(slot)[cache];
        if is_left_over(cached_until) {
            return now;
        }
        until.min(if has_cache {
            cached_until
        } else {
            token.accepted_until(if allow_expired { self.keystone.window } else { Span::ZERO })
        })
    }

    /// The polls from `first` on that come before `until`, at most so many.
    fn stretch(
        &mut self,
        slot: u32,
        strand: Strand,
        poll: &Poll,
        first: Instant,
        until: Instant,
        most: u32,
    ) -> Stretch {
        let none = Stretch { polls: 0, last: first, next: first };
        if until <= first || most == 0 {
            return none;
        }
        if let Some(work) = self.constant_request_time {
            let step = (work + poll.interval).micros();
            if step == 0 {
                return none;
            }
            let missing = i128::from(until.since(first).micros());
            let polls = (missing + i128::from(step) - 1) / i128::from(step);
            let polls = polls.min(i128::from(most)) as u32;
            let at = |polls: u32| {
                let micros = i128::from(first.micros()) + i128::from(step) * i128::from(polls);
                Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
            };
            return Stretch { polls, last: at(polls - 1), next: at(polls) };
        }
        let job = self.jobs.get(slot);
        let (streams, made) = (job.streams, job.course(strand).polls);
        let most = most.min(MOST_AT_A_TIME);
        if let Some(times) = self.alone.as_mut().and_then(|alone| alone.poll_times.as_mut()) {
            let work = |numbers: Range<u32>, works: &mut [f64]| {
                let repetition = |nth| numbers.start + nth as u32;
                draws::works(&self.model.request_time, streams, &poll.request, repetition, works);
            };
            return times.stretch(poll, made + 1, first, until, most, work);
        }
        let mut stretch = none;
        let mut works = [0.0; BLOCK];
        while stretch.next < until && stretch.polls < most {
            // No more than there are if requests take no time, and none that are looked through in vain.
            let left = until.since(stretch.next).micros() / poll.interval.micros().max(1);
            let works = &mut works[..left.clamp(1, BLOCK as i64) as usize];
            let repetition = |nth| made + stretch.polls + 1 + nth as u32;
            draws::works(&self.model.request_time, streams, &poll.request, repetition, works);
            for work in works {
                if stretch.next >= until || stretch.polls >= most {
                    break;
                }
                stretch.polls += 1;
                stretch.last = stretch.next;
                stretch.next = stretch.last + Span::from_seconds_f64(*work) + poll.interval;
            }
        }
        stretch
    }

    /// Counts the polls before `until` that were not simulated.
    pub(super) fn count_skipped(&mut self, until: Instant, slot: u32, strand: Strand, poll: &Poll) {
        let course = self.jobs.get(slot).course(strand);
        let Some(Skipped { first, foreseen }) = course.skipped.take().filter(|skipped| skipped.first < until) else {
            return;
        };
        let with_service_token = course.with_service_token;
        let is_as_foreseen = until == foreseen.next;
        let stretch = if is_as_foreseen { foreseen } else { self.stretch(slot, strand, poll, first, until, u32::MAX) };
        let uncounted = if first >= self.counted_from {
            0
        } else {
            self.stretch(slot, strand, poll, first, self.counted_from.min(until), u32::MAX).polls
        };
        let request = &poll.request;
        let sender = &self.senders[request.from.index()];
        let sends = if request.with_service_token { sender.sends } else { Sends::Never };
        let tokens = if sends == Sends::Never { 1 } else { 2 };
        let counted = u64::from(stretch.polls - uncounted);
        let receiver = &mut self.receivers[request.to.index()];
        receiver.facts.requests += counted;
        let window = if with_service_token { self.keystone.window } else { Span::ZERO };
        let job = self.jobs.get(slot);
        job.polls += stretch.polls;
        job.accepted += stretch.polls;
        job.course(strand).polls += stretch.polls;
        job.note_margin((job.token.token.expires + window).since(stretch.last));
        if receiver.rules.cache_time.is_some() {
            receiver.facts.cache_hits += counted * tokens;
        } else {
            job.keystone_validations += stretch.polls * tokens as u32;
            receiver.facts.keystone_validations += counted * tokens;
            self.keystone.facts.requests += counted * tokens;
            self.note_answer(stretch.last, slot, request.step, true);
            if with_service_token {
                let expires = self.jobs.get(slot).token.token.expires;
                self.note_window(stretch.last, expires);
            }
        }
    }

    /// The answer of a strand's polls may change from now on: the next one is simulated.
    pub(super) fn wake_poll(&mut self, now: Instant, slot: u32, strand: Strand, queue: &mut Queue<Event>) {
        let job = self.jobs.get(slot);
        let course = job.course(strand);
        let (due, at) = (course.due, course.at);
        let Some(Skipped { first, foreseen }) = course.skipped.filter(|_| course.running) else { return };
        // Of others at this instant some come before what has changed the answer.
        let class = Event::Resume(slot, strand).class();
        let is_over = course.place.is_some_and(|place| queue.is_over(place, now, class));
        let from = if is_over { now + Span::from_micros(1) } else { now };
        if foreseen.last < from {
            // The next poll is the one that is simulated anyhow.
            return;
        }
        let Op::Poll(poll) = job.under.program.op(at) else { return };
        let next = self.stretch(slot, strand, poll, first, from, u32::MAX).next;
        if next < due {
            self.schedule(next, slot, strand, queue);
        }
    }

    /// Wakes all polls up that are sent by a process, or all there are.
    pub(super) fn wake_pollers(&mut self, now: Instant, from: Option<ProcessId>, queue: &mut Queue<Event>) {
        let mut listed = std::mem::take(&mut self.pollers);
        listed.retain(|&waiter| {
            let (slot, strand) = Event::waiting(waiter);
            let Some(job) = self.jobs.find(slot) else { return false };
            let course = job.course(strand);
            if course.skipped.is_none() {
                course.is_listed = false;
                return false;
            }
            let (under, at) = (job.under, job.course(strand).at);
            if let Op::Poll(poll) = under.program.op(at)
                && from.is_none_or(|from| from == poll.request.from)
            {
                self.wake_poll(now, slot, strand, queue);
                if from.is_none() {
                    // How many there were, too, is a matter of the settings up to now.
                    self.count_skipped(now, slot, strand, poll);
                }
            }
            true
        });
        self.pollers = listed;
    }

    /// Takes a poller into the list; entries of jobs that are gone are dropped when there are many.
    fn list(&mut self, slot: u32, strand: Strand) {
        if self.pollers.len() > 64 + 2 * self.jobs.in_flight() {
            let jobs = &mut self.jobs;
            self.pollers.retain(|&waiter| {
                let (slot, strand) = Event::waiting(waiter);
                jobs.find(slot).is_some_and(|job| job.course(strand).is_listed)
            });
            self.pollers.sort_unstable();
            self.pollers.dedup();
        }
        self.pollers.push(Event::waiter(slot, strand));
    }

    /// Counts the polls that a job left at the end has made since its last event.
    pub(super) fn count_all_skipped(&mut self, end: Instant, slot: u32) {
        for strand in [Strand::Main, Strand::Branch] {
            let job = self.jobs.get(slot);
            let (under, course) = (job.under, job.course(strand));
            if course.skipped.is_none() || !matches!(course.stage, Stage::Fresh) {
                continue;
            }
            let at = course.at;
            if let Op::Poll(poll) = under.program.op(at) {
                self.count_skipped(end, slot, strand, poll);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cloud::{Polls, Records};
    use crate::engine;
    use crate::scenario::{Overrides, load_text};

    type Foreseen = (u32, f64, f64);

    /// What is foreseen after the first poll of a job that is submitted at 0 s with a new token: how many polls, when
    /// the last of them is due and when the one behind, in seconds; none if the next poll is simulated.
    fn foreseen(settings: &str) -> Option<Foreseen> {
        let text = format!(
            "name = \"polls\"\n{settings}
            [[workload]]\njob = \"boot-from-volume\"\narrivals = {{ every = \"9h\" }}\ntoken_age = \"0s\"
            download = \"8h\""
        );
        let study = load_text("test.toml", &text, Path::new("."), &Overrides::default());
        let study = study.unwrap_or_else(|issues| panic!("{issues}"));
        let mut cloud = Cloud::new(&study.points[0].model, 0, Records::None, Polls::Skipped);
        let mut queue = Queue::new();
        cloud.begin(&mut queue);
        while cloud.jobs.in_flight() == 0 || cloud.jobs.get(0).main.polls == 0 {
            assert_eq!(engine::run(&mut cloud, &mut queue, 1), 1, "the first job polls");
        }
        let seconds = |at: Instant| at.since(Instant::START).seconds();
        let Skipped { first, foreseen } = cloud.jobs.get(0).main.skipped?;
        assert!(first > Instant::START);
        Some((foreseen.polls, seconds(foreseen.last), seconds(foreseen.next)))
    }

    #[test]
    fn polls_are_skipped_up_to_what_may_go_otherwise() {
        let off = "cinder.keystone_authtoken.token_cache_time = -1\nglance.keystone_authtoken.token_cache_time = -1\n";
        let sends = "nova.service_user.send_service_user_token = true\n";
        let cases: [(&str, String, Option<Foreseen>); 9] = [
            ("Keystone refuses from the end of the token on", off.to_owned(), Some((1_199, 3_597.0, 3_600.0))),
            (
                "every 7 s",
                format!("{off}nova.DEFAULT.block_device_allocate_retries_interval = 7"),
                Some((514, 3_598.0, 3_605.0)),
            ),
            (
                // Six of them before the first poll.
                "requests take half a second",
                format!("{off}cloud.requests.time = \"500ms\""),
                Some((1_027, 3_597.5, 3_601.0)),
            ),
            (
                "the last retry is simulated",
                format!("{off}nova.DEFAULT.block_device_allocate_retries = 9"),
                Some((8, 24.0, 27.0)),
            ),
            ("there is only one retry", format!("{off}nova.DEFAULT.block_device_allocate_retries = 1"), None),
            ("the cache answers for 300 s", String::new(), Some((99, 297.0, 300.0))),
            // Nova's token is replaced when less than 120 s are left: at 3,480 s it is still sent.
            ("the sender renews", format!("{off}{sends}"), Some((1_160, 3_480.0, 3_483.0))),
            ("workers queue", format!("{off}cloud.workers.cinder = 1"), None),
            (
                "Keystone may be away",
                format!("{off}cloud.keystone.outages = [{{ from = \"1h\", until = \"2h\" }}]"),
                None,
            ),
        ];
        for (what, mut settings, expected) in cases {
            if !settings.contains("retries =") {
                settings.push_str("\nnova.DEFAULT.block_device_allocate_retries = 99999");
            }
            assert_eq!(foreseen(&settings), expected, "{what}");
        }
    }
}
