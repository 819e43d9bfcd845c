//! `outlast import`: from the configuration files of a cloud to a scenario.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use super::ImportArgs;
use super::exit::Exit;
use super::output::Output;
use crate::import::{Choices, scenario_text};
use crate::scenario::{self, Overrides};

pub(super) fn import(args: &ImportArgs, output: &Output) -> Exit {
    if args.conf.is_empty() {
        output.error(
            "no configuration file is named: give `--keystone FILE`, `--nova FILE`, `--cinder FILE` or `--glance FILE`",
        );
        return Exit::CouldNotRun;
    }
    let Some((configurations, schedule)) = args.conf.read(output) else {
        return Exit::CouldNotRun;
    };
    let text = scenario_text(&configurations, &Choices { name: args.name.clone(), schedule });
    // Each value is good by itself; what they are together is only known now.
    if let Err(issues) = scenario::load_text("the scenario", &text, Path::new(""), &Overrides::default()) {
        output.issues(issues.render(output.stderr_colour()));
        return Exit::CouldNotRun;
    }
    let Some(path) = &args.out else {
        output.result_always(text.trim_end());
        return Exit::Done;
    };
    // Whoever has set what no file says does not want to lose it.
    match File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            output.note(format_args!(
                "Wrote {0}. Set what is marked `please set`, then: outlast run {0}",
                path.display()
            ));
            Exit::Done
        }
        Err(error) => {
            output.error(format_args!("{}: cannot write: {error}", path.display()));
            Exit::CouldNotRun
        }
    }
}
