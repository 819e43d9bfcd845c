//! The command line: arguments, one file per command, exit codes. No arithmetic, no knowledge of services.

mod check;
mod conf;
mod exit;
mod import;
mod jobs;
mod load;
mod output;
mod progress;
mod run;
mod schema;
mod simulate;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

use crate::scenario::Overrides;
use exit::Exit;
use output::Output;

/// Will our long OpenStack jobs outlast their tokens?
///
/// Simulates long-running jobs that pass tokens from service to service, under the lifetimes, windows, key rotations
/// and service-token settings of a scenario file, and reports which fail, where and why.
#[derive(Debug, Parser)]
#[command(name = "outlast", version, max_term_width = 100, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    manners: Manners,
}

const AFTER_HELP: &str = "Exit codes: 0 done and every expectation holds; 1 could not run; 2 an expectation failed; \
                          130 interrupted.";

/// How a command speaks.
#[derive(Clone, Copy, Debug, Args)]
struct Manners {
    /// Print nothing but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print more: notes on the scenario, events, time
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulate scenarios and write their results
    Run(RunArgs),
    /// Run every scenario of the files and folders named, and only judge
    Check(CheckArgs),
    /// List the kinds of jobs, or print what the jobs of one do
    Jobs(JobsArgs),
    /// Print the JSON Schema of scenario files
    Schema(SchemaArgs),
    /// Write a scenario from the configuration files of a cloud
    Import(ImportArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    simulation: SimulationArgs,
    /// Folder for the results: DIR/<scenario name>/
    #[arg(long, value_name = "DIR", default_value = "output")]
    out: PathBuf,
    /// Also write a row per job (jobs.csv)
    #[arg(long)]
    jobs: bool,
    /// Simulate one point of the sweep only
    #[arg(long, value_name = "NUMBER")]
    point: Option<usize>,
    /// What to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Draw no plots
    #[arg(long)]
    no_plots: bool,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Scenario files, or folders of them (files whose name begins with `_` are only there to be included)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    simulation: SimulationArgs,
    /// Write the verdicts as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct JobsArgs {
    /// A kind, whose course is printed
    #[arg(value_name = "KIND")]
    kind: Option<String>,
    /// Also the kinds that a scenario defines
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct SchemaArgs {
    /// List the presets instead
    #[arg(long)]
    presets: bool,
}

#[derive(Debug, Args)]
struct ImportArgs {
    #[command(flatten)]
    conf: conf::ConfArgs,
    /// Name of the scenario
    #[arg(long, value_name = "NAME", default_value = "imported")]
    name: String,
    /// New file to write the scenario to [default: print it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What can be changed about a simulation from outside its file.
#[derive(Clone, Copy, Debug, Args)]
struct SimulationArgs {
    /// Seed of the random numbers, instead of the scenario's
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Replications, instead of the scenario's
    #[arg(long, value_name = "COUNT")]
    replications: Option<u32>,
    /// Threads [default: one per processor]; results do not depend on it
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
}

impl SimulationArgs {
    fn overrides(self) -> Overrides {
        Overrides { seed: self.seed, replications: self.replications }
    }

    fn threads(self) -> NonZeroUsize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }
}

/// What `run` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For pull requests
    Markdown,
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Help and version are no errors, but clap prints all three.
            let exit = if message.use_stderr() { Exit::CouldNotRun } else { Exit::Done };
            let _ = message.print();
            return exit.into();
        }
    };
    let output = Output::new(cli.manners);
    let exit = match cli.command {
        Command::Run(args) => run::run(&args, &output),
        Command::Check(args) => check::check(&args, &output),
        Command::Jobs(args) => jobs::jobs(&args, &output),
        Command::Schema(args) => schema::schema(&args, &output),
        Command::Import(args) => import::import(&args, &output),
    };
    if output.has_lost() { exit.max(Exit::CouldNotRun).into() } else { exit.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
