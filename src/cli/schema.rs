//! `outlast schema`: the JSON Schema of scenario files, or the list of presets.

use super::SchemaArgs;
use super::exit::Exit;
use super::output::Output;
use crate::scenario;

pub(super) fn schema(args: &SchemaArgs, output: &Output) -> Exit {
    if args.presets {
        let width = scenario::presets().iter().map(|preset| preset.name.len()).max().unwrap_or(0);
        for preset in scenario::presets() {
            output.result_always(format_args!("{:width$}  {}", preset.name, preset.description));
        }
    } else {
        output.result_always(format_args!("{:#}", scenario::schema()));
    }
    Exit::Done
}
