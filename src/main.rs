//! The `outlast` command: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    outlast::cli::main()
}
