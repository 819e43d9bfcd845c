//! The course of one job among all others: the whole replication is simulated, and what happens to that job is noted.
//!
//! Nothing of it changes what happens. All polls of the job are simulated, because each may be told of; those of the
//! others are skipped as ever. While no job is traced, each place that would note something costs one look at an empty
//! field.

use super::job::{Job, Strand};
use super::request::{Found, Tokens};
use super::{Cloud, Next, Polls, Records};
use crate::engine::{self, Queue};
use crate::identity::middleware::{Answer, ServiceVerdict};
use crate::model::program::{Credentials, Op, Refused, Request};
use crate::model::vocabulary::Reason;
use crate::model::{Model, StepId};
use crate::observe::course::{
    Asked, Course, Entry, Key, Lifetime, Raise, Seen, ServiceSeen, Timeline, Verdict, Wait, What,
};
use crate::observe::{Failure, Outcome};
use crate::units::{Instant, Span};

/// Events between two looks at whether the job has ended.
const BREATH: u64 = 1 << 10;
/// So many keys of a node are told of at most.
const MOST_KEYS: usize = 12;

/// What is noted of one job.
#[derive(Debug)]
pub(super) struct Tracer {
    workload: usize,
    ordinal: u64,
    /// Where it stands while it is in flight.
    slot: Option<u32>,
    issuer: u32,
    window: Span,
    now: Instant,
    strand: Strand,
    doing: Doing,
    /// Whether a strand waits for somebody else.
    parked: [bool; 2],
    entries: Vec<Entry>,
    course: Option<Course>,
    /// How all jobs ended, if that is asked for instead.
    survey: Option<Vec<Ended>>,
}

/// How one of the counted jobs of a replication ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// Index of its workload.
    pub workload: usize,
    /// Its number in the workload.
    pub ordinal: u64,
    /// When it was submitted.
    pub submitted: Instant,
    /// How it ended.
    pub outcome: Outcome,
    /// The smallest margin of its accepted requests.
    pub smallest_margin: Option<Span>,
}

/// What the strand at work does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Request,
    Poll,
    Answer(StepId),
    Obtain,
    Else,
}

/// The course of the job of this number in a workload; `None` if the replication has no such job.
pub fn trace(model: &Model, replication: u32, workload: usize, ordinal: u64) -> Option<Course> {
    let mut cloud = Cloud::new(model, replication, Records::None, Polls::Skipped);
    cloud.tracer = Some(Box::new(Tracer { workload, ordinal, ..Tracer::new() }));
    let mut queue = Queue::new();
    cloud.begin(&mut queue);
    let has_ended = |cloud: &Cloud<'_>| cloud.tracer.as_ref().is_none_or(|tracer| tracer.course.is_some());
    while engine::run(&mut cloud, &mut queue, BREATH) == BREATH && !has_ended(&cloud) {}
    if let Some(slot) = cloud.tracer.as_ref().and_then(|tracer| tracer.slot) {
        let job = cloud.jobs.remove(slot);
        let end = cloud.last_arrival + model.run.drain;
        cloud.trace_end(end, slot, &job);
    }
    cloud.tracer?.course
}

/// How each counted job of a replication ended, in the order of their submission.
pub fn survey(model: &Model, replication: u32) -> Vec<Ended> {
    let mut cloud = Cloud::new(model, replication, Records::None, Polls::Skipped);
    cloud.tracer = Some(Box::new(Tracer { survey: Some(Vec::new()), ..Tracer::new() }));
    let mut queue = Queue::new();
    cloud.begin(&mut queue);
    while engine::run(&mut cloud, &mut queue, u64::MAX) == u64::MAX {}
    let left: Vec<(u32, Job)> = cloud.jobs.drain().collect();
    for (slot, job) in &left {
        cloud.trace_end(job.submitted, *slot, job);
    }
    let mut ended = cloud.tracer.and_then(|tracer| tracer.survey).unwrap_or_default();
    ended.sort_unstable_by_key(|job| (job.submitted, job.workload, job.ordinal));
    ended
}

impl Cloud<'_> {
    /// Whether the job in a slot is the one that is traced.
    #[inline]
    pub(super) fn traces(&self, slot: u32) -> bool {
        self.tracer.as_ref().is_some_and(|tracer| tracer.slot == Some(slot))
    }

    fn tracer_of(&mut self, slot: u32) -> Option<&mut Tracer> {
        self.tracer.as_deref_mut().filter(|tracer| tracer.slot == Some(slot))
    }

    /// A job is submitted.
    pub(super) fn trace_admission(&mut self, now: Instant, slot: u32, workload: usize, ordinal: u64, node: u32) {
        let window = self.keystone.window;
        if let Some(tracer) = self.tracer.as_deref_mut()
            && (tracer.workload, tracer.ordinal) == (workload, ordinal)
            && tracer.course.is_none()
        {
            tracer.slot = Some(slot);
            tracer.now = now;
            tracer.issuer = node;
            tracer.window = window;
        }
    }

    /// A strand goes on.
    pub(super) fn trace_resumption(&mut self, now: Instant, slot: u32, strand: Strand) {
        if let Some(tracer) = self.tracer_of(slot) {
            (tracer.now, tracer.strand) = (now, strand);
            if std::mem::take(&mut tracer.parked[strand as usize]) {
                tracer.note(What::Resumes);
            }
        }
    }

    /// An operation is about to be done, or to be gone on with.
    pub(super) fn trace_before(&mut self, now: Instant, slot: u32, strand: Strand, op: &Op) {
        if let Some(tracer) = self.tracer_of(slot) {
            (tracer.now, tracer.strand) = (now, strand);
            tracer.doing = match op {
                Op::Request { .. } => Doing::Request,
                Op::Poll(_) => Doing::Poll,
                Op::Answer { step, .. } => Doing::Answer(*step),
                Op::Obtain { .. } => Doing::Obtain,
                _ => Doing::Else,
            };
        }
    }

    /// It was done, or waits.
    pub(super) fn trace_after(&mut self, now: Instant, slot: u32, strand: Strand, op: &Op, next: &Next) {
        if !self.traces(slot) {
            return;
        }
        let job = self.jobs.get(slot);
        let is_decided = matches!(job.outcome, Outcome::Failed(_)) && job.ended == Some(now);
        let cleanup = job.cleanup;
        let tries = job.course(strand).tries;
        let carried = job.delegated.carried().map(|(issued, _)| issued.token.expires);
        let Some(tracer) = self.tracer_of(slot) else { return };
        let wait = |make: &dyn Fn(Option<Instant>) -> Wait| match next {
            Next::Wait(until, _) if *until > now => Some(make(Some(*until))),
            Next::Park(_) => Some(make(None)),
            Next::Wait(..) | Next::Go(_) | Next::Stop => None,
        };
        let is_parked = matches!(next, Next::Park(Some(_)));
        let noted = match op {
            Op::Wait(quantity) | Op::WaitPart { quantity, .. } => {
                wait(&|until| Wait::Quantity { quantity: *quantity, until }).map(What::Waits)
            }
            Op::Pause(_) => match next {
                Next::Wait(until, _) => Some(What::Waits(Wait::Pause { until: *until })),
                Next::Go(_) | Next::Park(_) | Next::Stop => None,
            },
            Op::Acquire(pool) => is_parked.then_some(What::Waits(Wait::Slot(*pool))),
            Op::Release(pool) => Some(What::Releases(*pool)),
            Op::Fork { .. } => Some(What::Forks),
            Op::Set { resource, state } => Some(What::Set { resource: *resource, state: *state }),
            // Refused, it has been noted as a failure.
            Op::Obtain { how, step, from, .. } => {
                let is_raised = tracer.doing == Doing::Else;
                let got = What::Obtained { how: *how, step: *step, from: *from, expires: carried };
                (!is_raised).then_some(got)
            }
            Op::Again { level, tries: most, again, .. } => {
                let made = tries[usize::from(*level)];
                matches!(next, Next::Go(label) if label == again).then_some(What::TriesAgain { made, most: *most })
            }
            Op::Fail { .. } => {
                let is_new = !tracer.entries.iter().any(|entry| entry.what == What::Fails);
                (is_decided && is_new).then_some(What::Fails)
            }
            Op::Caught { depth } => Some(What::Caught { depth: *depth }),
            Op::Cleanup(_) | Op::CleanupRefused { .. } => Some(What::CleansUp(cleanup)),
            Op::Complete => Some(What::Completes),
            Op::Request { .. }
            | Op::Poll(_)
            | Op::Answer { .. }
            | Op::Leave { .. }
            | Op::BeginParts
            | Op::NextPart { .. }
            | Op::BeginRepeat
            | Op::NextRepeat { .. }
            | Op::IfState { .. }
            | Op::IfZero { .. }
            | Op::IfServiceToken { .. }
            | Op::Jump(_)
            | Op::BeginRetry { .. }
            | Op::EndRetry { .. }
            | Op::CountAttempt
            | Op::Stop => None,
        };
        tracer.parked[strand as usize] = is_parked && matches!(noted, Some(What::Waits(_)));
        if let Some(what) = noted {
            tracer.note(what);
        }
    }

    /// A request sets out to a service at which things take time.
    pub(super) fn trace_start(&mut self, now: Instant, slot: u32, request: &Request) {
        if let Some(tracer) = self.tracer_of(slot) {
            tracer.now = now;
            tracer.note(What::Begun { request: *request });
        }
    }

    /// A receiver has looked at the tokens of a request.
    #[expect(clippy::too_many_arguments, reason = "everything that the verdict follows from")]
    pub(super) fn trace_verdict(
        &mut self,
        now: Instant,
        slot: u32,
        request: &Request,
        tokens: &Tokens,
        found: Found,
        service: Option<&ServiceVerdict>,
        refused: Option<Reason>,
    ) {
        if !self.traces(slot) {
            return;
        }
        let mut tokens = *tokens;
        let issued = super::request::user_token(&mut self.jobs, slot, request, &mut tokens.own);
        let token = issued.token;
        let asked = found.consulted.filter(|_| self.keystone.nodes() > 1).map(|consulted| {
            let held = self.keystone.held(consulted.node, issued);
            Asked { node: consulted.node, key_from: held.from, key_gone: held.until }
        });
        let window = self.keystone.window;
        let job = self.jobs.get(slot);
        let (main, branch) = (job.main.polls, job.branch.polls);
        let stands_for = match request.credentials {
            Credentials::User => false,
            Credentials::Delegated => job.delegated.carried().is_some(),
            Credentials::Own => true,
        };
        let Some(tracer) = self.tracer_of(slot) else { return };
        let polls = match tracer.strand {
            Strand::Main => main,
            Strand::Branch => branch,
        };
        let seen = |answer: Answer| Seen { confirmed: answer.confirmed, keystone: answer.keystone };
        tracer.now = now;
        tracer.note(What::Judged(Verdict {
            request: *request,
            poll: (tracer.doing == Doing::Poll).then_some(polls),
            expires: token.expires,
            key_gone: token.key_gone_at,
            stands_for,
            user: seen(found.answer),
            asked,
            service: tokens.service.zip(service).map(|(held, service)| ServiceSeen {
                expires: held.token.token.expires,
                seen: seen(service.answer),
                live: service.live,
                has_role: service.has_role,
            }),
            refused,
            window,
        }));
    }

    /// A receiver works on a request.
    pub(super) fn trace_work(&mut self, now: Instant, slot: u32, request: &Request, until: Instant) {
        if until > now
            && let Some(tracer) = self.tracer_of(slot)
        {
            tracer.note(What::Works { step: request.step, until });
        }
    }

    /// Something has failed, and the strand goes on elsewhere.
    pub(super) fn trace_failure(&mut self, slot: u32, failure: Failure, refused: Refused) {
        let Some(tracer) = self.tracer_of(slot) else { return };
        let by = match tracer.doing {
            Doing::Poll if matches!(failure.reason, Reason::VolumeError | Reason::VolumeWaitTimeout) => Raise::GaveUp,
            Doing::Poll | Doing::Request | Doing::Else => Raise::Refused,
            Doing::Answer(step) => Raise::Answered(step),
            Doing::Obtain => Raise::NotObtained,
        };
        tracer.doing = Doing::Else;
        tracer.note(What::Raised { failure, by, depth: refused.depth });
    }

    /// The job's timelines have all ended, or the replication has.
    pub(super) fn trace_end(&mut self, now: Instant, slot: u32, job: &Job) {
        let counts = job.submitted >= self.counted_from;
        if let Some(survey) = self.tracer.as_deref_mut().and_then(|tracer| tracer.survey.as_mut())
            && counts
        {
            survey.push(job.survey());
        }
        if !self.traces(slot) {
            return;
        }
        let kind = &self.model.workloads[usize::from(job.workload)].kind;
        let (quantities, resources) = self.jobs.details(slot, kind);
        let record = job.record(kind, quantities, resources);
        let issued = job.submitted - job.token_age;
        let Some(tracer) = self.tracer.as_deref_mut() else { return };
        let keys = self.keystone.keys_between(tracer.issuer, issued, now, MOST_KEYS);
        tracer.slot = None;
        tracer.course = Some(Course {
            record,
            counts,
            token: Lifetime {
                issued,
                expires: job.token.token.expires,
                key_gone: job.token.token.key_gone_at,
                revoked: job.token.token.revoked_at,
            },
            issuer: tracer.issuer,
            window: tracer.window,
            smallest_margin: job.smallest_margin,
            keys: keys
                .into_iter()
                .map(|key| Key {
                    staged: key.held.from,
                    primary: key.primary,
                    secondary: key.secondary,
                    purged: key.held.until,
                    is_of_token: key.encrypts_first,
                })
                .collect(),
            entries: std::mem::take(&mut tracer.entries),
        });
    }
}

impl Job<'_> {
    fn survey(&self) -> Ended {
        Ended {
            workload: usize::from(self.workload),
            ordinal: self.ordinal(),
            submitted: self.submitted,
            outcome: self.outcome,
            smallest_margin: self.smallest_margin,
        }
    }
}

impl Tracer {
    /// Of no job.
    fn new() -> Tracer {
        Tracer {
            workload: usize::MAX,
            ordinal: 0,
            slot: None,
            issuer: 0,
            window: Span::ZERO,
            now: Instant::START,
            strand: Strand::Main,
            doing: Doing::Else,
            parked: [false; 2],
            entries: Vec::new(),
            course: None,
            survey: None,
        }
    }

    fn note(&mut self, what: What) {
        let timeline = match self.strand {
            Strand::Main => Timeline::Main,
            Strand::Branch => Timeline::Beside,
        };
        self.entries.push(Entry { at: self.now, timeline, what });
    }
}
