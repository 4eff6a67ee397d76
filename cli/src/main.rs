//! `pml`: Process Monitor logs, away from Windows.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pml_cli::run(std::env::args_os()))
}
