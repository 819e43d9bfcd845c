//! Queueing theory: pools and links, driven by the event queue alone, come to what is known in closed form.
//!
//! Customers come as a Poisson process and visit stations in a row. Rates are per second, and a mean service takes a
//! second unless stated. Every figure is a mean over independent replications, each begun empty, with its first
//! customers left out until the start is forgotten; its standard error is the replications' own. Means of thousands of
//! customers are nearly normal, so a correct simulator is farther off than `support::SIGMAS` with the probability of
//! Student's law with 99 degrees of freedom: 3·10⁻⁶ for each figure. The seeds are fixed.

use outlast::engine::{Link, LinkTimes, Packed, Pool, PoolTimes, Queue, Started, World, run};
use outlast::random::dist::Shape;
use outlast::random::{Dist, Purpose, Streams};
use outlast::units::{Bytes, Instant, MICROS, Span, Throughput};

use crate::support::assert_mean;

const REPLICATIONS: u32 = 100;

const GAPS: Purpose = Purpose(1);
const SERVICES: Purpose = Purpose(2);

/// What a link carries in a second where its capacity is 1: fine enough that whole bytes do not show.
const LINE: f64 = 1e9;

/// Who serves at a station.
enum Service {
    Pool(Pool<u32>),
    Link(Link<u32>),
}

/// A place that customers visit.
struct Station {
    service: Service,
    /// Seconds of a server, or of the whole capacity of a link.
    demand: Dist,
    /// Of customers by their number: when they came here, how long they waited, when they left.
    came: Vec<Instant>,
    waited: Vec<Span>,
    left: Vec<Instant>,
}

impl Station {
    fn new(service: Service, demand: &Dist) -> Station {
        Station { service, demand: demand.clone(), came: Vec::new(), waited: Vec::new(), left: Vec::new() }
    }

    fn pool(servers: u32, demand: &Dist) -> Station {
        Station::new(Service::Pool(Pool::new(servers)), demand)
    }

    /// A link on which a transfer takes at most this share of the capacity.
    fn link(share: f64, demand: &Dist) -> Station {
        let rate = |share: f64| Throughput::from_bytes_per_second((share * LINE) as u64);
        Station::new(Service::Link(Link::new(rate(1.0), rate(share))), demand)
    }

    fn is_idle(&self) -> bool {
        match &self.service {
            Service::Pool(pool) => pool.busy() == 0,
            Service::Link(link) => link.in_progress() == 0,
        }
    }

    fn pool_times(&self, now: Instant) -> PoolTimes {
        let Service::Pool(pool) = &self.service else { panic!("a pool") };
        pool.times(now)
    }

    fn link_times(&self, now: Instant) -> LinkTimes {
        let Service::Link(link) = &self.service else { panic!("a link") };
        link.times(now)
    }

    /// Seconds from coming to leaving of the customers behind the first so many.
    fn sojourns(&self, behind: usize) -> impl Iterator<Item = f64> + '_ {
        self.came.iter().zip(&self.left).skip(behind).map(|(came, left)| left.since(*came).seconds())
    }
}

#[derive(Clone, Copy)]
enum Event {
    Arrival,
    Served {
        station: u8,
        customer: u32,
    },
    LinkEnds {
        station: u8,
    },
    /// The sums over time begin.
    Warm,
}

/// Two bits for what happens, two for the station, the rest for the customer.
impl Packed for Event {
    fn pack(self) -> u32 {
        match self {
            Event::Arrival => 0,
            Event::Served { station, customer } => 1 | u32::from(station) << 2 | customer << 4,
            Event::LinkEnds { station } => 2 | u32::from(station) << 2,
            Event::Warm => 3,
        }
    }

    fn unpack(bits: u32) -> Event {
        let station = (bits >> 2 & 3) as u8;
        match bits & 3 {
            0 => Event::Arrival,
            1 => Event::Served { station, customer: bits >> 4 },
            2 => Event::LinkEnds { station },
            _ => Event::Warm,
        }
    }
}

/// Stations in a row, and how often customers come to the first.
struct Row {
    gap: Dist,
    streams: Streams,
    customers: u32,
    horizon: Instant,
    stations: Vec<Station>,
    /// How long all stations were idle at once since the sums began.
    all_idle: Span,
    seen: Instant,
}

impl Row {
    /// Runs until so many customers have left, or to the end of a time that is summed from `warm` on.
    fn run(seed: u64, replication: u32, rate: f64, stations: Vec<Station>, until: Until) -> Row {
        let (customers, warm, horizon) = match until {
            Until::Drained(customers) => (customers, Instant::NEVER, Instant::NEVER),
            Until::Time { warm, end } => (u32::MAX, Instant::from_seconds(warm), Instant::from_seconds(end)),
        };
        let streams = Streams::new(seed, replication);
        let gap = exponential(1.0 / rate);
        let mut row = Row { gap, streams, customers, horizon, stations, all_idle: Span::ZERO, seen: Instant::START };
        let mut queue = Queue::new();
        queue.schedule(row.gap(0), 1, Event::Arrival);
        if warm < Instant::NEVER {
            queue.schedule(warm, 0, Event::Warm);
        }
        run(&mut row, &mut queue, u64::MAX);
        row
    }

    fn gap(&self, customer: u32) -> Instant {
        let last = self.stations[0].came.last().copied().unwrap_or(Instant::START);
        last + seconds(&self.gap, self.streams.of(GAPS, 0), customer)
    }

    /// A customer who comes to a station behind the last leaves the row.
    fn come(&mut self, now: Instant, at: u8, customer: u32, queue: &mut Queue<Event>) {
        let Some(station) = self.stations.get_mut(usize::from(at)) else { return };
        place(&mut station.came, customer, now);
        match &mut station.service {
            Service::Pool(pool) => {
                if pool.acquire(now, customer) {
                    self.serve(now, at, customer, Span::ZERO, queue);
                }
            }
            Service::Link(link) => {
                let mut stream = self.streams.of(SERVICES, u64::from(at)).stream(u64::from(customer));
                let bytes = Bytes((station.demand.sample(&mut stream) * LINE) as u64 + 1);
                assert_eq!(link.start(now, bytes, customer), Started::Shares);
                let end = link.next_end().expect("one has just started");
                queue.schedule(end, 0, Event::LinkEnds { station: at });
            }
        }
    }

    fn serve(&mut self, now: Instant, at: u8, customer: u32, waited: Span, queue: &mut Queue<Event>) {
        let station = &mut self.stations[usize::from(at)];
        place(&mut station.waited, customer, waited);
        let takes = seconds(&station.demand, self.streams.of(SERVICES, u64::from(at)), customer);
        queue.schedule(now + takes, 0, Event::Served { station: at, customer });
    }

    fn leave(&mut self, now: Instant, at: u8, customer: u32, queue: &mut Queue<Event>) {
        place(&mut self.stations[usize::from(at)].left, customer, now);
        self.come(now, at + 1, customer, queue);
    }
}

impl World for Row {
    type Event = Event;

    fn handle(&mut self, now: Instant, event: Event, queue: &mut Queue<Event>) {
        if self.stations.iter().all(Station::is_idle) {
            self.all_idle = self.all_idle + now.since(self.seen);
        }
        self.seen = now;
        match event {
            Event::Arrival => {
                let customer = self.stations[0].came.len() as u32;
                self.come(now, 0, customer, queue);
                if customer + 1 < self.customers {
                    queue.schedule(self.gap(customer + 1), 1, Event::Arrival);
                }
            }
            Event::Served { station, customer } => {
                let Service::Pool(pool) = &mut self.stations[usize::from(station)].service else { panic!("a pool") };
                if let Some((next, waited)) = pool.release(now) {
                    self.serve(now, station, next, waited, queue);
                }
                self.leave(now, station, customer, queue);
            }
            Event::LinkEnds { station } => {
                loop {
                    let Service::Link(link) = &mut self.stations[usize::from(station)].service else {
                        panic!("a link")
                    };
                    // A stale event finds nobody, and that of the next end is pending already.
                    let Some(customer) = link.finish_due(now) else { break };
                    if let Some(end) = link.next_end() {
                        queue.schedule(end, 0, Event::LinkEnds { station });
                    }
                    self.leave(now, station, customer, queue);
                }
            }
            Event::Warm => {
                self.all_idle = Span::ZERO;
                for station in &mut self.stations {
                    match &mut station.service {
                        Service::Pool(pool) => pool.reset_statistics(now),
                        Service::Link(link) => link.reset_statistics(now),
                    }
                }
            }
        }
    }

    fn horizon(&self) -> Instant {
        self.horizon
    }
}

/// When a run ends.
#[derive(Clone, Copy)]
enum Until {
    /// When so many customers have come and gone.
    Drained(u32),
    /// In seconds; sums over time begin at `warm`.
    Time { warm: i64, end: i64 },
}

fn place<V: Copy + Default>(values: &mut Vec<V>, customer: u32, value: V) {
    let index = customer as usize;
    if values.len() <= index {
        values.resize(index + 1, V::default());
    }
    values[index] = value;
}

fn seconds(dist: &Dist, streams: Streams, customer: u32) -> Span {
    Span::from_seconds_f64(dist.sample(&mut streams.stream(u64::from(customer))))
}

fn exponential(mean: f64) -> Dist {
    Dist::new(Shape::Exponential { mean }, None, None).expect("a mean above zero")
}

/// A mean of one second and this coefficient of variation.
fn demand(cv: f64) -> Dist {
    match cv {
        0.0 => Dist::constant(1.0),
        1.0 => exponential(1.0),
        _ => Dist::new(Shape::Gamma { mean: 1.0, cv }, None, None).expect("a variation above zero"),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    sum / n
}

/// The figures of each replication, side by side.
fn replicate<const N: usize>(figures: impl Fn(u32) -> [f64; N]) -> [Vec<f64>; N] {
    let all: Vec<[f64; N]> = (0..REPLICATIONS).map(figures).collect();
    std::array::from_fn(|index| all.iter().map(|figures| figures[index]).collect())
}

/// The probability that all of `servers` are busy in M/M/c (Erlang 1917), by the recursion of his loss formula.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let loss = (1..=servers).fold(1.0, |loss, k| load * loss / (f64::from(k) + load * loss));
    loss / (1.0 - load / f64::from(servers) * (1.0 - loss))
}

#[test]
fn erlangs_formula_has_its_known_values() {
    for (servers, load, expected) in [(1, 0.7, 0.7), (2, 1.0, 1.0 / 3.0), (3, 2.0, 4.0 / 9.0)] {
        assert!((erlang_c(servers, load) - expected).abs() < 1e-12, "{servers} servers, {load} Erlang");
    }
}

/// M/M/c: the share that waits is C(c, a), and the mean wait C(c, a)/(c − a) services. Utilisation is the offered load
/// per server; it is summed over time, in runs of their own.
#[test]
fn waits_before_servers_follow_erlang() {
    for (servers, load) in [(1, 0.7), (3, 2.4), (10, 8.5)] {
        let stations = || vec![Station::pool(servers, &demand(1.0))];
        let name = format!("M/M/{servers}, {load} Erlang");
        let [share, wait] = replicate(|replication| {
            let row = Row::run(1, replication, load, stations(), Until::Drained(6_000));
            let waits = &row.stations[0].waited[1_000..];
            let share = mean(waits.iter().map(|wait| f64::from(u8::from(*wait > Span::ZERO))));
            [share, mean(waits.iter().map(|wait| wait.seconds()))]
        });
        let waits = erlang_c(servers, load);
        assert_mean(&format!("{name}: share that waits"), &share, waits);
        assert_mean(&format!("{name}: mean wait"), &wait, waits / (f64::from(servers) - load));

        let [busy, waiting] = replicate(|replication| {
            let row = Row::run(2, replication, load, stations(), Until::Time { warm: 500, end: 2_500 });
            let times = row.stations[0].pool_times(row.horizon);
            assert_eq!(times.servers, i128::from(servers) * 2_000 * i128::from(MICROS));
            [times.busy, times.waiting].map(|level| level as f64 / (2_000.0 * MICROS as f64))
        });
        assert_mean(&format!("{name}: servers busy"), &busy, load);
        assert_mean(&format!("{name}: number waiting"), &waiting, load * waits / (f64::from(servers) - load));
    }
}

/// M/G/1: the mean wait is λE[S²]/(2(1 − ρ)) = ρ(1 + cv²)/(2(1 − ρ)) services (Pollaczek 1930, Khinchine 1932).
#[test]
fn waits_before_one_server_follow_pollaczek_and_khinchine() {
    let load = 0.6;
    for cv in [0.0, 2.0] {
        let [wait] = replicate(|replication| {
            let stations = vec![Station::pool(1, &demand(cv))];
            let row = Row::run(3, replication, load, stations, Until::Drained(8_000));
            [mean(row.stations[0].waited[1_000..].iter().map(|wait| wait.seconds()))]
        });
        let expected = load * (1.0 + cv * cv) / (2.0 * (1.0 - load));
        assert_mean(&format!("M/G/1, service of cv {cv}: mean wait"), &wait, expected);
    }
}

/// M/G/1 with processor sharing: the mean sojourn is E[S]/(1 − ρ), whatever the distribution (Sakata, Noguchi and
/// Oizumi 1969), and who needs x stays x/(1 − ρ) in the mean (Kleinrock 1967). Utilisation is the load.
#[test]
fn transfers_that_share_a_link_care_for_the_mean_alone() {
    let load = 0.6;
    for cv in [0.0, 1.0, 2.0] {
        let [sojourn] = replicate(|replication| {
            let stations = vec![Station::link(1.0, &demand(cv))];
            let row = Row::run(4, replication, load, stations, Until::Drained(5_000));
            [mean(row.stations[0].sojourns(1_000))]
        });
        assert_mean(&format!("M/G/1-PS, transfers of cv {cv}: mean sojourn"), &sojourn, 1.0 / (1.0 - load));
    }

    // Small and large ones, of equal work in sum.
    let (small, large) = (0.25, 4.0);
    let sizes = Shape::Mix(vec![(0.8, Dist::constant(small)), (0.2, Dist::constant(large))]);
    let sizes = Dist::new(sizes, None, None).expect("two sizes");
    let [small_ones, large_ones, used, in_progress] = replicate(|replication| {
        let stations = vec![Station::link(1.0, &sizes)];
        let row = Row::run(5, replication, load, stations, Until::Drained(5_000));
        let streams = row.streams.of(SERVICES, 0);
        let of = |size: f64| {
            let all = row.stations[0].sojourns(1_000).zip(1_000..);
            mean(all.filter(|(_, customer)| sizes.sample(&mut streams.stream(*customer)) == size).map(|(s, _)| s))
        };
        let stations = vec![Station::link(1.0, &sizes)];
        let over_time = Row::run(6, replication, load, stations, Until::Time { warm: 1_000, end: 5_000 });
        let times = over_time.stations[0].link_times(over_time.horizon);
        let number = times.in_progress as f64 / (4_000.0 * MICROS as f64);
        [of(small), of(large), times.carried as f64 / times.capacity as f64, number]
    });
    assert_mean("M/G/1-PS, transfers of a quarter: mean sojourn", &small_ones, small / (1.0 - load));
    assert_mean("M/G/1-PS, transfers of four: mean sojourn", &large_ones, large / (1.0 - load));
    assert_mean("M/G/1-PS: utilisation", &used, load);
    assert_mean("M/G/1-PS: number in progress", &in_progress, load / (1.0 - load));
}

/// A ceiling of a c-th of the capacity makes the number in progress that of M/M/c, whatever the distribution of the
/// sizes (Cohen 1979): the mean sojourn is 1 + C(c, a)/(c − a) services at the ceiling.
#[test]
fn transfers_below_a_ceiling_stay_as_long_as_customers_of_erlang() {
    let (servers, load) = (4, 3.2);
    for cv in [0.0, 1.0, 2.0] {
        let [sojourn] = replicate(|replication| {
            // A mean transfer takes a second of the whole capacity, so four at the ceiling.
            let stations = vec![Station::link(1.0 / f64::from(servers), &demand(cv))];
            let row = Row::run(7, replication, load / f64::from(servers), stations, Until::Drained(5_000));
            [mean(row.stations[0].sojourns(1_000)) / f64::from(servers)]
        });
        let expected = 1.0 + erlang_c(servers, load) / (f64::from(servers) - load);
        assert_mean(&format!("ceiling of a quarter, transfers of cv {cv}: mean sojourn"), &sojourn, expected);
    }
}

/// Two M/M/1 in a row (Jackson 1957): each is as if it were alone, with mean sojourns 1/(μ − λ), and they are idle at
/// once with the product of the probabilities. What leaves the first is a Poisson process again (Burke 1956): gaps have
/// the second moment 2/λ², and neighbours are uncorrelated, the mean of their product being 1/λ².
#[test]
fn queues_in_a_row_are_as_if_each_were_alone() {
    let (rate, services) = (0.6, [1.0, 1.25]);
    let stations = || services.map(|mean| Station::pool(1, &exponential(mean))).into();
    let [first, second, both, squares, products] = replicate(|replication| {
        let row = Row::run(8, replication, rate, stations(), Until::Drained(8_000));
        let [first, second] = [0, 1].map(|at| row.stations[at].sojourns(1_000).collect::<Vec<f64>>());
        let both = first.iter().zip(&second).map(|(first, second)| first * second);
        let left = &row.stations[0].left[1_000..];
        let gaps: Vec<f64> = left.windows(2).map(|pair| pair[1].since(pair[0]).seconds()).collect();
        let squares = mean(gaps.iter().map(|gap| gap * gap));
        let products = mean(gaps.windows(2).map(|pair| pair[0] * pair[1]));
        let both = mean(both);
        [mean(first.into_iter()), mean(second.into_iter()), both, squares, products]
    });
    let expected = services.map(|mean| 1.0 / (1.0 / mean - rate));
    assert_mean("tandem: mean sojourn at the first", &first, expected[0]);
    assert_mean("tandem: mean sojourn at the second", &second, expected[1]);
    // A customer's two sojourns are independent too (Reich 1963).
    assert_mean("tandem: product of a customer's sojourns", &both, expected[0] * expected[1]);
    assert_mean("tandem: squares of the gaps between departures", &squares, 2.0 / (rate * rate));
    assert_mean("tandem: products of neighbouring gaps", &products, 1.0 / (rate * rate));

    let [idle] = replicate(|replication| {
        let row = Row::run(9, replication, rate, stations(), Until::Time { warm: 1_000, end: 8_000 });
        [row.all_idle.seconds() / row.seen.since(Instant::from_seconds(1_000)).seconds()]
    });
    let expected: f64 = services.iter().map(|mean| 1.0 - rate * mean).product();
    assert_mean("tandem: share of time with both idle", &idle, expected);
}

/// In a run that drains, the number summed over time is the sum of the times, to the microsecond (Little 1961), and the
/// work done is the work brought.
#[test]
fn littles_law_is_exact_where_all_have_left() {
    for replication in 0..5 {
        let stations = vec![Station::pool(2, &demand(1.0)), Station::link(0.5, &demand(2.0))];
        let row = Row::run(10, replication, 0.7, stations, Until::Drained(3_000));
        let end = row.seen;
        let [pool, link] = row.stations.as_slice() else { panic!("two stations") };
        let micros = |spans: &mut dyn Iterator<Item = Span>| spans.map(|span| i128::from(span.micros())).sum::<i128>();

        let times = pool.pool_times(end);
        assert_eq!(times.waiting, micros(&mut pool.waited.iter().copied()), "waits");
        let streams = row.streams.of(SERVICES, 0);
        let demands = &mut (0..3_000).map(|customer| seconds(&pool.demand, streams, customer));
        assert_eq!(times.busy, micros(demands), "services");

        let times = link.link_times(end);
        let sojourns = &mut link.came.iter().zip(&link.left).map(|(came, left)| left.since(*came));
        assert_eq!(times.in_progress, micros(sojourns), "transfers");
        let streams = row.streams.of(SERVICES, 1);
        let bytes = (0..3_000).map(|customer| (link.demand.sample(&mut streams.stream(customer)) * LINE) as i128 + 1);
        let over = times.carried - bytes.sum::<i128>() * i128::from(MICROS);
        // Each ends within the microsecond in which it has all its bytes, and takes half of the link at most.
        assert!(
            (0..=3_000 * (LINE as i128) / 2).contains(&over),
            "{over} millionths of bytes carried beyond those sent"
        );
    }
}
