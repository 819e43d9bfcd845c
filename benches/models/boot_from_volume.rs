//! Model C, boot from volume: a chain of requests, each with a validation, and a poll every 3 s while a volume is made.

use outlast::engine::{Packed, Pool, Queue, World, run};
use outlast::random::dist::Shape;
use outlast::random::{Dist, Purpose, Series, Streams};
use outlast::units::{Instant, Span};

use crate::meter::{Measured, timed};

const TOKEN_LIFE: Span = Span::from_seconds(3_600);
/// With a service token, which every second job carries.
const TOKEN_LIFE_AND_WINDOW: Span = Span::from_seconds(5_400);
const POLL_INTERVAL: Span = Span::from_seconds(3);
const ATTACH: Span = Span::from_seconds(1);
/// Without volume queueing so many jobs fail: the lognormal tail beyond what their tokens allow.
const FAILURE_RATE: f64 = 0.0078;

/// What jobs queue for.
#[derive(Clone, Copy, PartialEq)]
enum Station {
    Keystone,
    NovaApi,
    Scheduler,
    CinderApi,
    CinderVolume,
}

impl Station {
    const ALL: [Station; 5] =
        [Station::Keystone, Station::NovaApi, Station::Scheduler, Station::CinderApi, Station::CinderVolume];

    fn workers(self, volume_workers: u32) -> u32 {
        match self {
            Station::Keystone => 16,
            Station::NovaApi | Station::CinderApi => 8,
            Station::Scheduler => 4,
            Station::CinderVolume => volume_workers,
        }
    }

    /// In seconds.
    fn service(self) -> Shape {
        match self {
            Station::Keystone => Shape::Exponential { mean: 0.005 },
            Station::NovaApi | Station::CinderApi => Shape::Exponential { mean: 0.2 },
            Station::Scheduler => Shape::Exponential { mean: 0.5 },
            Station::CinderVolume => Shape::LogNormal { median: 600.0, sigma: 0.8 },
        }
    }
}

#[derive(Clone, Copy)]
enum Event {
    Arrival,
    Served(Station, u32),
    Poll(u32),
    Attached(u32),
}

const JOB_BITS: u32 = 24;

impl Packed for Event {
    fn pack(self) -> u32 {
        match self {
            Event::Served(station, job) => (station as u32) << JOB_BITS | job,
            Event::Poll(job) => 5 << JOB_BITS | job,
            Event::Attached(job) => 6 << JOB_BITS | job,
            Event::Arrival => 7 << JOB_BITS,
        }
    }
    fn unpack(bits: u32) -> Event {
        let job = bits & ((1 << JOB_BITS) - 1);
        match bits >> JOB_BITS {
            5 => Event::Poll(job),
            6 => Event::Attached(job),
            7 => Event::Arrival,
            station => Event::Served(Station::ALL[station as usize], job),
        }
    }
}

/// What comes after a validation.
#[derive(Clone, Copy)]
enum Phase {
    Nova,
    Cinder,
    Polling,
    Attaching,
}

struct Job {
    submitted: Instant,
    phase: Phase,
    volume_is_ready: bool,
}

/// Workers, and how long they work.
struct Service {
    workers: Pool<u32>,
    times: Series,
}

struct Cloud {
    services: [Service; 5],
    to_come: u64,
    gaps: Series,
    jobs: Vec<Job>,
    attached: u64,
    failed: u64,
    polls: u64,
}

impl Cloud {
    fn next_arrival(&mut self, now: Instant, queue: &mut Queue<Event>) {
        if self.to_come > 0 {
            self.to_come -= 1;
            queue.schedule(now + self.gaps.next_time(), 0, Event::Arrival);
        }
    }

    fn ask(&mut self, now: Instant, station: Station, job: u32, queue: &mut Queue<Event>) {
        if self.services[station as usize].workers.acquire(now, job) {
            self.serve(now, station, job, queue);
        }
    }

    fn serve(&mut self, now: Instant, station: Station, job: u32, queue: &mut Queue<Event>) {
        let service = &mut self.services[station as usize];
        let time = service.times.next_time();
        queue.schedule(now + time, 0, Event::Served(station, job));
        if station == Station::CinderVolume {
            // Nova polls from the start of the download.
            self.jobs[job as usize].phase = Phase::Polling;
            queue.schedule(now + POLL_INTERVAL, 0, Event::Poll(job));
        }
    }

    fn served(&mut self, now: Instant, station: Station, job: u32, queue: &mut Queue<Event>) {
        if let Some((next, _)) = self.services[station as usize].workers.release(now) {
            self.serve(now, station, next, queue);
        }
        match station {
            Station::Keystone => self.validated(now, job, queue),
            Station::NovaApi => self.ask(now, Station::Scheduler, job, queue),
            Station::Scheduler => {
                self.jobs[job as usize].phase = Phase::Cinder;
                self.ask(now, Station::Keystone, job, queue);
            }
            Station::CinderApi => self.ask(now, Station::CinderVolume, job, queue),
            Station::CinderVolume => self.jobs[job as usize].volume_is_ready = true,
        }
    }

    fn validated(&mut self, now: Instant, number: u32, queue: &mut Queue<Event>) {
        let job = &mut self.jobs[number as usize];
        let life = if number % 2 == 1 { TOKEN_LIFE_AND_WINDOW } else { TOKEN_LIFE };
        if now.since(job.submitted) >= life {
            self.failed += 1;
            return;
        }
        match job.phase {
            Phase::Nova => self.ask(now, Station::NovaApi, number, queue),
            Phase::Cinder => self.ask(now, Station::CinderApi, number, queue),
            Phase::Polling => {
                self.polls += 1;
                if job.volume_is_ready {
                    job.phase = Phase::Attaching;
                    self.ask(now, Station::Keystone, number, queue);
                } else {
                    queue.schedule(now + POLL_INTERVAL, 0, Event::Poll(number));
                }
            }
            Phase::Attaching => {
                queue.schedule(now + ATTACH, 0, Event::Attached(number));
            }
        }
    }
}

impl World for Cloud {
    type Event = Event;

    fn handle(&mut self, now: Instant, event: Event, queue: &mut Queue<Event>) {
        match event {
            Event::Arrival => {
                let job = self.jobs.len() as u32;
                self.jobs.push(Job { submitted: now, phase: Phase::Nova, volume_is_ready: false });
                self.next_arrival(now, queue);
                self.ask(now, Station::Keystone, job, queue);
            }
            Event::Served(station, job) => self.served(now, station, job, queue),
            Event::Poll(job) => self.ask(now, Station::Keystone, job, queue),
            Event::Attached(_) => self.attached += 1,
        }
    }

    fn horizon(&self) -> Instant {
        Instant::NEVER
    }
}

/// Runs so many jobs; about 560 events each.
pub(crate) fn measure(jobs: u64, seed: u64, volume_workers: u64) -> Measured {
    let streams = Streams::new(seed, 0);
    let series = |shape, purpose, owner| {
        let dist = Dist::new(shape, None, None).expect("its parameters are above zero");
        Series::new(dist, streams.of(purpose, owner).stream(0))
    };
    let service = |station: Station| Service {
        workers: Pool::new(station.workers(u32::try_from(volume_workers).unwrap_or(u32::MAX))),
        times: series(station.service(), Purpose(1), station as u64),
    };
    let mut cloud = Cloud {
        services: Station::ALL.map(service),
        to_come: jobs,
        gaps: series(Shape::Exponential { mean: 2.0 }, Purpose(2), 0),
        jobs: Vec::new(),
        attached: 0,
        failed: 0,
        polls: 0,
    };
    let mut queue = Queue::new();
    let (events, cpu) = timed(|| {
        cloud.next_arrival(Instant::START, &mut queue);
        run(&mut cloud, &mut queue, u64::MAX)
    });
    assert_eq!(cloud.attached + cloud.failed, jobs, "every job ends in one way");
    let failure_rate = cloud.failed as f64 / jobs as f64;
    if volume_workers >= jobs {
        // Five standard deviations: 1 false alarm in 10^6.
        let tolerance = 5.0 * (FAILURE_RATE / jobs as f64).sqrt();
        assert!((failure_rate - FAILURE_RATE).abs() < tolerance, "{failure_rate} of the jobs fail, not {FAILURE_RATE}");
    }
    let polls = cloud.polls as f64 / jobs as f64;
    let notes = format!("jobs={jobs} failed={} fail_rate={failure_rate:.5} polls_per_job={polls:.2}", cloud.failed);
    Measured { model: "bfv", events, cpu, notes }
}
