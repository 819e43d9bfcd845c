//! The models of other engines' comparisons, on outlast's own engine; `benches/README.md` says what they are.
//!
//! `cargo bench --bench models -- mmc 2000000 1`

mod boot_from_volume;
mod meter;
mod mmc;
mod phold;
mod scenario;

use meter::Measured;

const USAGE: &str = "\
usage: models mmc CUSTOMERS SEED
       models phold PENDING EVENTS SEED
       models bfv JOBS SEED VOLUME_WORKERS
       models SCENARIO.toml REPLICATIONS [events|elided] [POINT]";

fn main() {
    // `cargo bench` adds a flag of its own.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let number = |index: usize, default: u64| match args.get(index) {
        None => default,
        Some(text) => text.parse().unwrap_or_else(|_| panic!("`{text}` is no number\n{USAGE}")),
    };
    let measured: Measured = match args.first().map(String::as_str) {
        Some("mmc") => mmc::measure(number(1, 2_000_000), number(2, 1)),
        Some("phold") => phold::measure(number(1, 16_384), number(2, 5_000_000), number(3, 1)),
        Some("bfv") => boot_from_volume::measure(number(1, 20_000), number(2, 1), number(3, 400)),
        Some(path) if path.ends_with(".toml") => {
            let polls = args.get(2).map_or("elided", String::as_str);
            scenario::measure(path, number(1, 1), polls, args.get(3).map(|_| number(3, 0)))
        }
        _ => panic!("{USAGE}"),
    };
    println!("{measured}");
}
