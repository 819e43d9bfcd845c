//! The command line: arguments, one file per command, exit codes. No arithmetic, no knowledge of services.

mod check;
mod compare;
mod conf;
mod estimate;
mod exit;
mod explain;
mod import;
mod jobs;
mod lint;
mod load;
mod merge;
mod output;
mod progress;
mod recorder;
mod results;
mod run;
mod schema;
mod simulate;
mod solve;
mod status;
mod warm_up;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

use crate::analysis::compare::Measure;
use crate::experiment::{Part, Shard};
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

const AFTER_HELP: &str = "Exit codes: 0 done and every expectation holds; 1 could not run; 2 an expectation failed, \
                          a comparison found a regression, a lint \
                          an error, or solve no value; 130 interrupted.";

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
    /// Join the shards of a scenario into its results
    Merge(MergeArgs),
    /// Say what is done and what is missing of shards and unfinished runs
    Status(StatusArgs),
    /// Run every scenario of the files and folders named, and only judge
    Check(CheckArgs),
    /// Compare two results, or what two scenarios would give, pair by pair of replications
    Compare(CompareArgs),
    /// Say what is wrong with the settings of scenarios or configuration files, without simulating anything
    Lint(LintArgs),
    /// Tell the story of one job: its token, its steps, who refused what by which rule
    Explain(ExplainArgs),
    /// Find the smallest or largest value of a key that meets a target
    Solve(solve::SolveArgs),
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
    #[command(flatten)]
    part: PartArgs,
    /// Go on with what an interrupted or killed run left; begin if there is nothing
    #[arg(long)]
    resume: bool,
    /// What to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Draw no plots
    #[arg(long)]
    no_plots: bool,
    /// Do not ask of failed jobs what would have saved them
    #[arg(long)]
    no_remedies: bool,
    /// Show when the simulation has warmed up, and propose a `warm_up` (MSER-5); writes DIR/<scenario name>.warm-up/
    /// only
    #[arg(long, conflicts_with_all = ["jobs", "format", "shard", "replication", "resume"])]
    show_warm_up: bool,
}

/// Which part of a scenario is simulated.
#[derive(Clone, Copy, Debug, Args)]
struct PartArgs {
    /// Simulate one point of the sweep only
    #[arg(long, value_name = "NUMBER")]
    point: Option<usize>,
    /// Simulate one replication of each point only, numbered from 0
    #[arg(long, value_name = "NUMBER")]
    replication: Option<u32>,
    /// Simulate one of several shares, such as 2/3; `outlast merge` puts them together
    #[arg(long, value_name = "I/N", conflicts_with_all = ["point", "replication"])]
    shard: Option<Shard>,
}

#[derive(Debug, Args)]
struct MergeArgs {
    /// The folders of all shards of a scenario
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The scenario file, if it is not where the shards found it
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Folder for the results: DIR/<scenario name>/
    #[arg(long, value_name = "DIR", default_value = "output")]
    out: PathBuf,
    /// Threads that draw [default: one per processor]
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
    /// What to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Draw no plots
    #[arg(long)]
    no_plots: bool,
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// Folders of shards, of unfinished runs, or folders that hold such
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
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
struct CompareArgs {
    /// The first result: a folder that `run` wrote, or a scenario file, which is simulated
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The second: differences are B - A
    #[arg(value_name = "B")]
    b: PathBuf,
    #[command(flatten)]
    simulation: SimulationArgs,
    /// What to compare, several with commas [default: failure_rate, token_failure_rate, duration_mean_s,
    /// duration_p95_s]
    #[arg(long, value_name = "METRICS", value_delimiter = ',', value_parser = compare::measure())]
    metric: Vec<Measure>,
    /// The least difference that is called worse or better: of rates in percentage points ("0.1%"), of times "2s";
    /// may be given for each
    #[arg(long, value_name = "DIFFERENCE", value_parser = compare::threshold)]
    threshold: Vec<compare::Threshold>,
    /// Let all intervals together hold with the confidence, and not each by itself (Bonferroni)
    #[arg(long)]
    family_wise: bool,
    /// Exit with 2 when anything that is compared is worse, or has nothing left to be taken from
    #[arg(long)]
    fail_on_regression: bool,
    /// Also show what did not change, however much it is (CSV and JSON always hold everything)
    #[arg(long)]
    all: bool,
    /// What to print, or to write to --out [default: text; with --out, as FILE ends: .md, .csv, .json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<compare::Format>,
    /// Write to this file; the text for people is printed all the same
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct LintArgs {
    /// Scenario files, or folders of them; without `[[workload]]`, every shipped job kind is looked at
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    conf: conf::ConfArgs,
    /// Look for these lints only: codes such as OUT-K001, or families such as OUT-K
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = lint::codes)]
    only: Vec<String>,
    /// Leave these lints out
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = lint::codes)]
    ignore: Vec<String>,
    /// Also what a deployment tool ships (`outlast schema --presets` lists them)
    #[arg(long, value_name = "NAME")]
    preset: Vec<String>,
    /// What to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LintFormat::Text)]
    format: LintFormat,
    /// Print how many keys other rotation periods need, even if nothing is wrong
    #[arg(long)]
    keys_table: bool,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// Scenario file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Point of the sweep
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    point: usize,
    /// Replication of the point, numbered from 0
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    replication: u32,
    /// Look at the jobs of this workload only
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// The job of this number (job_id in jobs.csv) [default: the first that failed, else the one with the smallest
    /// margin]
    #[arg(long, value_name = "ID", conflicts_with = "reason")]
    job: Option<u64>,
    /// The first job that failed for this reason
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// Seed of the random numbers, instead of the scenario's
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// What to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    format: Format,
    /// Folder for timeline.svg and timeline.png [default: output/<scenario name>.explain]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Draw no timeline
    #[arg(long, conflicts_with = "out")]
    no_plots: bool,
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
        threads(self.threads)
    }
}

/// As many as asked for, or one per processor.
fn threads(asked: Option<NonZeroUsize>) -> NonZeroUsize {
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

impl RunArgs {
    fn part(&self) -> Part {
        let PartArgs { point, replication, shard } = self.part;
        Part { point, replication, shard }
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

/// What `lint` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LintFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For pull requests
    Markdown,
    /// For code scanners
    Sarif,
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
        Command::Merge(args) => merge::merge(&args, &output),
        Command::Status(args) => status::status(&args, &output),
        Command::Check(args) => check::check(&args, &output),
        Command::Compare(args) => compare::compare(&args, &output),
        Command::Lint(args) => lint::lint(&args, &output),
        Command::Explain(args) => explain::explain(&args, &output),
        Command::Solve(args) => solve::solve(&args, &output),
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
