//! Whatever stands in a scenario: an answer, in time, without a panic, and every problem at a place that exists.
//!
//! `OUTLAST_FUZZ_CASES` says how many cases are tried, `OUTLAST_FUZZ_SECONDS` for how long; both hold for the fuzzing
//! of the importer too.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use outlast::cloud::{Records, simulate_unless};
use outlast::lint::lint;
use outlast::scenario::{Issues, Overrides, load_text, schema, text_to_lint};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{TestError, TestRunner};
use serde_json::Value;

/// Cases where nobody says how many.
const CASES: u32 = 400;
/// The longest that one case may take, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a simulation is let run; it then has to stop when it is told to.
const SIMULATED: Duration = Duration::from_millis(150);

/// Tries cases, as many or for as long as the environment says.
pub(crate) fn fuzz<S: Strategy>(name: &str, strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>)
where
    S::Value: Debug,
{
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    let seconds = number("OUTLAST_FUZZ_SECONDS");
    let cases = number("OUTLAST_FUZZ_CASES").unwrap_or(CASES);
    let (began, mut tried) = (Instant::now(), 0);
    loop {
        // Each runner draws its own cases.
        let config =
            ProptestConfig { cases, failure_persistence: None, max_shrink_time: 60_000, ..ProptestConfig::default() };
        match TestRunner::new(config).run(strategy, &test) {
            Ok(()) => tried += cases,
            Err(TestError::Fail(reason, case)) => panic!("{name}, after {tried} cases: {reason}\n{case:#?}"),
            Err(TestError::Abort(reason)) => panic!("{name}: {reason}"),
        }
        if seconds.is_none_or(|seconds| began.elapsed().as_secs() >= u64::from(seconds)) {
            break;
        }
    }
    println!("{name}: {tried} cases in {} s", began.elapsed().as_secs());
}

/// The answer, if there is one in time.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, TestCaseError> {
    let (sender, receiver) = channel();
    let worker = thread::spawn(move || sender.send(work()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(done) => Ok(done),
        Err(RecvTimeoutError::Timeout) => Err(TestCaseError::fail(format!("no answer within {PATIENCE:?}"))),
        Err(RecvTimeoutError::Disconnected) => {
            let panicked = worker.join().err();
            let told = panicked.as_ref().and_then(|panicked| {
                panicked
                    .downcast_ref::<String>()
                    .cloned()
                    .or(panicked.downcast_ref::<&str>().map(|text| (*text).into()))
            });
            Err(TestCaseError::fail(format!("a panic: {}", told.unwrap_or_default())))
        }
    }
}

/// A key of the table: the header below which it stands, its name, and values of its own type.
#[derive(Clone, Debug)]
struct Key {
    header: String,
    name: String,
    values: Vec<String>,
}

/// Every key of the schema, which is that of the key table.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    below(&schema(), "", false, &mut keys);
    keys
});

fn below(node: &Value, path: &str, is_list: bool, keys: &mut Vec<Key>) {
    for (name, inner) in node["properties"].as_object().into_iter().flatten() {
        let full = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if inner["items"]["properties"].is_object() {
            below(&inner["items"], &full, true, keys);
        } else if inner["properties"].is_object() {
            // Keys of an entry of a list stand in it, dotted.
            let start = keys.len();
            below(inner, if is_list { "" } else { &full }, is_list, keys);
            if is_list {
                for key in &mut keys[start..] {
                    let dotted = [name.as_str(), key.header.as_str(), key.name.as_str()];
                    key.name = dotted.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
                    path.clone_into(&mut key.header);
                }
            }
        } else {
            let header = if is_list { format!("[{path}]") } else { path.to_owned() };
            keys.push(Key {
                header: if path.is_empty() { String::new() } else { header },
                name: name.clone(),
                values: own(inner),
            });
        }
    }
}

/// Values of the type that the schema gives a key, its bounds and what lies beyond them.
fn own(node: &Value) -> Vec<String> {
    let words = node["enum"].as_array().into_iter().flatten().map(Value::to_string);
    let bounds = ["minimum", "maximum"].into_iter().filter_map(|bound| node[bound].as_i64());
    let near = bounds.flat_map(|bound| [-1, 0, 1].map(|by| bound.saturating_add(by).to_string()));
    let flags = (node["type"] == "boolean").then_some(["true", "false"]).into_iter().flatten().map(str::to_owned);
    words.chain(near).chain(flags).collect()
}

/// Values of any type, most of them at the edge of what can be meant.
const VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "7",
    "1000000",
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "170141183460469231731687303715884105727",
    "99999999999999999999999999999999999999999999",
    "1e400",
    "-0.0",
    "1e-320",
    "nan",
    "-inf",
    "0.5",
    "1.0000000001",
    "true",
    "\"\"",
    "\"0s\"",
    "\"1us\"",
    "\"1ms\"",
    "\"1s\"",
    "\"90m\"",
    "\"1h\"",
    "\"30d\"",
    "\"-1h\"",
    "\"100000d\"",
    "\"9223372036854775807us\"",
    "\"99999999999999999999h\"",
    "\"1h30m\"",
    "\"0B\"",
    "\"1B\"",
    "\"8GiB\"",
    "\"8388607TiB\"",
    "\"1B/s\"",
    "\"999999TiB/s\"",
    "\"0/h\"",
    "\"1/d\"",
    "\"1e300/s\"",
    "\"0%\"",
    "\"100%\"",
    "\"1e-300%\"",
    "\"random\"",
    "\"é\\u202e\\u0007\"",
    "\"\\U0010FFFF\"",
    "'\\'",
    "1979-05-27T07:32:00Z",
    "[]",
    "[[]]",
    "{}",
    "[{}]",
    "[1, \"x\", []]",
    "[\"1h\", \"1h\"]",
    "[\"1h\", \"2h\"]",
    "[[\"1h\", \"2h\"]]",
    "[[\"2h\", \"1h\"]]",
    "[[\"0s\", \"100000d\"]]",
    "{ exponential = { mean = \"1us\" } }",
    "{ exponential = { mean = \"100000d\" } }",
    "{ lognormal = { median = \"1s\", sigma = 700 } }",
    "{ lognormal = { median = \"8GiB\", sigma = 0 } }",
    "{ pareto = { scale = \"1GiB\", shape = 0.001 } }",
    "{ weibull = { scale = \"1s\", shape = 1e-3 } }",
    "{ gamma = { mean = \"1s\", cv = 1e6 } }",
    "{ uniform = [0, 1] }",
    "{ uniform = [\"-1h\", \"1h\"] }",
    "{ triangular = [\"1s\", \"1s\", \"1s\"] }",
    "{ renewing = \"1us\" }",
    "{ renewing = \"59m\" }",
    "{ of_expiration = { uniform = [0, 1] } }",
    "{ of_expiration = 1e300 }",
    "{ mix = [[1, \"1s\"], [1e300, \"2s\"]] }",
    "{ mix = [[0, {}]] }",
    "{ poisson = \"1/h\" }",
    "{ poisson = \"1e9/s\" }",
    "{ poisson = \"1e-9/d\" }",
    "{ every = \"1us\" }",
    "{ every = \"100000d\" }",
    "{ daily = [\"1/h\", 2, []] }",
    "{ burst = { at = \"1h\", jobs = 3, over = \"0s\" } }",
    "{ burst = { at = \"0s\", jobs = 1000000000, over = \"1us\" } }",
    "{ trace = \"loop_a.toml\" }",
    "{ empirical = \"loop_a.toml\" }",
    "{ trace = \"/dev/zero\" }",
    "{ trace = \".\" }",
    "[{ node = 0, from = \"0s\", until = \"1h\" }]",
    "[{ node = 1, from = \"1h\", until = \"0s\" }]",
    "{ \"keystone.token.expiration\" = [1, 2] }",
];

const NUMBERS: &[&str] =
    &["0", "1", "-1", "1e9", "1e308", "9223372036854775807", "9223372036854775808", "00", "0.0000001", "1_0"];

/// Lines that stand for themselves.
const LINES: &[&str] = &[
    "[[expect]]\nmetric = \"failed\"\nmax = 0",
    "[[change]]\nat = \"1h\"\n\"keystone.token.expiration\" = \"1s\"",
    "[[change]]\nat = \"1us\"",
    "[[service]]\nname = \"trove\"\npools = { api = 1 }",
    "[[link]]\nname = \"wan\"\nbandwidth = \"1MiB/s\"",
    "[sweep]\n\"keystone.token.expiration\" = [\"1s\", \"1h\", \"100000d\"]",
    "[sweep]\n\"run.seed\" = [1, 2]",
    "[[sweep.zip]]\n\"keystone.token.expiration\" = [60, 3600]\n\"keystone.token.allow_expired_window\" = [0, 1]",
    "[presets.mine]\npreset = \"mine\"",
    "[presets.mine]\npreset = \"kolla-ansible\"\nkeystone.token.expiration = 1",
    "preset = \"mine\"",
    "preset = \"kolla-ansible\"",
    "[[workload]]\njob = \"snapshot\"\narrivals = { every = \"10m\" }",
    "[[job]]\nname = \"own\"\ndescription = \"\"\nsteps = [{ name = \"a\", request = \"glance\" }]",
    "[[procedure]]\nname = \"p\"\nsteps = []",
    "include = [\"loop_a.toml\"]",
    "include = [\"deep_0.toml\", \"deep_0.toml\"]",
    "include = [\"itself.toml\", \".\", \"none.toml\", \"bytes.toml\"]",
    "[[[",
    "]",
    "a.b.c.d = 1",
    "= 1",
    "\"\" = 1",
    "'''",
    "\"\"\"",
    "# \u{0}",
    "\u{feff}",
    "\r",
    "a = {",
    "[a]\n[a]",
    "[a.b]\na = 1\n[a]\nb = 2",
];

/// A change of a text, by what it is made of.
#[derive(Clone, Debug)]
enum Edit {
    Delete(Index),
    Repeat(Index, Index),
    Swap(Index, Index),
    /// Another value in a line that gives one.
    Value(Index, String),
    /// A key with a value, in its section.
    Set(Key, String, Index),
    Insert(Index, String),
    /// Ends in the middle of whatever stands there.
    Cut(Index),
    /// Another number in the place of one.
    Number(Index, String),
    Character(Index, char),
    /// A value inside so many brackets.
    Nest(Index, usize, bool),
    /// A line of two hundred thousand characters.
    Long(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = || any::<Index>();
    let value = || select(VALUES).prop_map(str::to_owned).boxed();
    let of_key = select(KEYS.clone()).prop_flat_map(move |key| {
        let own = key.values.clone();
        let value = if own.is_empty() { value() } else { prop_oneof![3 => select(own), 1 => value()].boxed() };
        (Just(key), value, any::<Index>()).prop_map(|(key, value, index)| Edit::Set(key, value, index))
    });
    let value = || select(VALUES).prop_map(str::to_owned);
    prop_oneof![
        3 => index().prop_map(Edit::Delete),
        2 => (index(), index()).prop_map(|(from, to)| Edit::Repeat(from, to)),
        2 => (index(), index()).prop_map(|(one, other)| Edit::Swap(one, other)),
        8 => (index(), value()).prop_map(|(at, value)| Edit::Value(at, value)),
        24 => of_key,
        3 => (index(), select(LINES)).prop_map(|(at, line)| Edit::Insert(at, line.to_owned())),
        1 => index().prop_map(Edit::Cut),
        6 => (index(), select(NUMBERS)).prop_map(|(at, number)| Edit::Number(at, number.to_owned())),
        1 => (index(), any::<char>()).prop_map(|(at, character)| Edit::Character(at, character)),
        1 => (index(), 1..3_000_usize, any::<bool>()).prop_map(|(at, depth, list)| Edit::Nest(at, depth, list)),
        1 => index().prop_map(Edit::Long),
    ]
}

impl Edit {
    fn apply(&self, lines: &mut Vec<String>) {
        if lines.is_empty() {
            lines.push(String::new());
        }
        let with = |part: &str, lines: &[String]| -> Vec<usize> {
            (0..lines.len()).filter(|at| lines[*at].contains(part)).collect()
        };
        match self {
            Edit::Delete(at) => drop(lines.remove(at.index(lines.len()))),
            Edit::Repeat(from, to) => {
                let line = lines[from.index(lines.len())].clone();
                lines.insert(to.index(lines.len()), line);
            }
            Edit::Swap(one, other) => {
                let (one, other) = (one.index(lines.len()), other.index(lines.len()));
                lines.swap(one, other);
            }
            Edit::Value(at, value) => {
                let giving = with(" = ", lines);
                if !giving.is_empty() {
                    let line = &mut lines[*at.get(&giving)];
                    let key = line.split(" = ").next().unwrap_or_default();
                    *line = format!("{key} = {value}");
                }
            }
            Edit::Set(key, value, at) => set(key, value, |found| *at.get(found), lines),
            Edit::Insert(at, line) => lines.insert(at.index(lines.len()), line.clone()),
            Edit::Cut(at) => {
                let text = lines.join("\n");
                let end = at.index(text.chars().count().max(1));
                *lines = text.chars().take(end).collect::<String>().lines().map(str::to_owned).collect();
            }
            Edit::Number(at, number) => {
                let digits = |line: &String| line.find(|c: char| c.is_ascii_digit());
                let numbered: Vec<usize> = (0..lines.len()).filter(|at| digits(&lines[*at]).is_some()).collect();
                if !numbered.is_empty() {
                    let line = &mut lines[*at.get(&numbered)];
                    let start = digits(line).unwrap_or_default();
                    let rest = line[start..].trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
                    *line = format!("{}{number}{rest}", &line[..start]);
                }
            }
            Edit::Character(at, character) => {
                let mut text: Vec<char> = lines.join("\n").chars().collect();
                text.insert(at.index(text.len() + 1), *character);
                *lines = text.into_iter().collect::<String>().lines().map(str::to_owned).collect();
            }
            Edit::Nest(at, depth, list) => {
                let giving = with(" = ", lines);
                if !giving.is_empty() {
                    let line = &mut lines[*at.get(&giving)];
                    let (open, close) = if *list { ("[", "]") } else { ("{ a = ", " }") };
                    let (key, value) = line.split_once(" = ").expect("it gives a value");
                    *line = format!("{key} = {}{value}{}", open.repeat(*depth), close.repeat(*depth));
                }
            }
            Edit::Long(at) => {
                let at = at.index(lines.len());
                lines[at].push_str(&" x".repeat(100_000));
            }
        }
    }
}

/// Gives a key a value in its section, in the place of the one that it has there.
fn set(key: &Key, value: &str, choose: impl Fn(&[usize]) -> usize, lines: &mut Vec<String>) {
    let line = format!("{} = {value}", key.name);
    let is_header = |line: &String| line.starts_with('[');
    let start = if key.header.is_empty() {
        0
    } else {
        let header = format!("[{}]", key.header);
        let headers: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].trim() == header).collect();
        match headers.as_slice() {
            [] => {
                lines.push(header);
                lines.len()
            }
            found => choose(found) + 1,
        }
    };
    let end = (start..lines.len()).find(|at| is_header(&lines[*at])).unwrap_or(lines.len());
    let is_same = |line: &String| line.split_once('=').is_some_and(|(name, _)| name.trim() == key.name);
    match (start..end).find(|at| is_same(&lines[*at])) {
        Some(same) => lines[same] = line,
        None => lines.insert(start, line),
    }
}

/// A text and the folder in which it stands.
#[derive(Clone)]
struct Case {
    folder: PathBuf,
    text: String,
}

impl Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "in {}:\n{}", self.folder.display(), self.text.chars().take(20_000).collect::<String>())
    }
}

/// The shipped scenarios, and a small one.
fn texts() -> Vec<Case> {
    fn walk(folder: &Path, cases: &mut Vec<Case>) {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                walk(&path, cases);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                cases.push(Case { folder: folder.to_owned(), text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    let mut cases = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), &mut cases);
    assert!(cases.len() > 30);
    let small = "name = \"small\"\n[run]\nreplications = 2\n[[workload]]\njob = \"boot-from-volume\"\n\
                 arrivals = { poisson = \"30/h\" }\nimage_size = \"8GiB\"";
    for _ in 0..cases.len() {
        cases.push(Case { folder: odd_files().to_owned(), text: small.to_owned() });
    }
    cases
}

/// A folder of files that nobody should include.
fn odd_files() -> &'static Path {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("loop_a.toml", b"include = [\"loop_b.toml\"]\nkeystone.token.expiration = 60\n");
        write("loop_b.toml", b"include = [\"./loop_a.toml\"]\n");
        write("itself.toml", b"include = \"itself.toml\"\n");
        write("bytes.toml", &[0xff, 0xfe, 0, b'a']);
        for depth in 0..20 {
            let next = depth + 1;
            let text = format!("include = [\"deep_{next}.toml\", \"deep_{next}.toml\"]\n");
            write(&format!("deep_{depth}.toml"), text.as_bytes());
        }
        write("deep_20.toml", b"");
        folder
    });
    FOLDER.path()
}

fn case() -> impl Strategy<Value = Case> {
    (select(texts()), proptest::collection::vec(edit(), 0..6), select(vec!["\n", "\r\n"])).prop_map(
        |(case, edits, end)| {
            let mut lines: Vec<String> = case.text.lines().map(str::to_owned).collect();
            edits.iter().for_each(|edit| edit.apply(&mut lines));
            Case { text: lines.join(end), ..case }
        },
    )
}

/// Every problem of the text is told with a line and a column that it has.
fn are_placed(issues: &Issues, text: &str) -> Result<(), String> {
    let (rendered, lines) = (issues.render(true), issues.lines());
    if rendered.is_empty() || lines.is_empty() || lines.len() != issues.len() {
        return Err(format!("{} problems, {} lines", issues.len(), lines.len()));
    }
    let ends: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    for told in &lines {
        let Some((line, rest)) = told.strip_prefix("t.toml:").and_then(|rest| rest.split_once(':')) else { continue };
        let place = (line.parse::<usize>(), rest.split(':').next().unwrap_or_default().parse::<usize>());
        let (Ok(line @ 1..), Ok(column @ 1..)) = place else { return Err(told.clone()) };
        // A mark before the first character is none.
        if ends.get(line - 1).is_none_or(|end| column > end + 2) {
            return Err(format!("there is no such place: {told}"));
        }
    }
    Ok(())
}

/// How many texts were good, and how many simulations came to their end.
#[derive(Default)]
struct Seen {
    good: usize,
    simulated: usize,
}

/// What is wrong with how a case is taken, if anything is.
fn wrong(case: &Case, seen: &Mutex<Seen>) -> Option<String> {
    let study = match load_text("t.toml", &case.text, &case.folder, &Overrides::default()) {
        Err(issues) => return are_placed(&issues, &case.text).err(),
        Ok(study) => study,
    };
    let mut simulated = 0;
    for point in [0, study.points.len() / 2, study.points.len() - 1] {
        let began = Instant::now();
        let observed = simulate_unless(&study.points[point].model, 0, Records::None, || began.elapsed() > SIMULATED);
        simulated += usize::from(observed.is_some());
    }
    {
        let mut seen = seen.lock().unwrap();
        (seen.good, seen.simulated) = (seen.good + 1, seen.simulated + simulated);
    }
    match text_to_lint("t.toml", &case.text, &case.folder) {
        Ok(to_lint) => drop(lint(&to_lint.study, &to_lint.places)),
        Err(issues) => return Some(format!("it loads, and cannot be linted: {issues}")),
    }
    None
}

#[test]
fn any_scenario_is_read_or_refused() {
    let seen = Arc::new(Mutex::new(Seen::default()));
    fuzz("scenarios", &case(), |case| {
        let shared = Arc::clone(&seen);
        match in_time(move || wrong(&case, &shared))? {
            None => Ok(()),
            Some(wrong) => Err(TestCaseError::fail(wrong)),
        }
    });
    let seen = seen.lock().unwrap();
    println!("{} were good, and {} of their simulations came to the end", seen.good, seen.simulated);
    // A grammar of which nothing gets past the reader would test nothing else.
    assert!(seen.good > 0);
}

#[test]
fn edits_do_what_they_say() {
    let key = KEYS.iter().find(|key| key.header == "keystone.token" && key.name == "expiration").expect("a key");
    let mut lines: Vec<String> = "name = \"x\"\n[keystone.token]\nexpiration = 5".lines().map(str::to_owned).collect();
    set(key, "7", |found| found[0], &mut lines);
    assert_eq!(lines, ["name = \"x\"", "[keystone.token]", "expiration = 7"]);
}
