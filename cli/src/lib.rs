//! The program `pml`: Process Monitor logs, away from Windows.
//!
//! It is a library so that the Python package brings the program along without a second copy of all code.

mod args;
mod chinese;
mod convert;
mod failure;
mod filter;
mod fleet;
mod info;
mod input;
mod knowledge;
mod outcome;
mod output;
mod place;
mod recover;
mod reference;
mod rules;
mod slice;
mod sql;
mod status;
mod symbols;
mod tables;
mod triage;
mod wildcard;
mod zone;

use args::{Args, Command};
use clap::Parser;
use std::ffi::OsString;

/// Runs the program with its arguments, the first of which is its name. Returns the exit status: 0 whole, 1 with losses, 2
/// failed, 3 a rollback that `--exit-code` asked for.
///
/// It watches for Ctrl-C and for reads that fail, as a process of its own does.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let args = match Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // An error of that write is ignored, because there is no other place to report it.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    status::watch_for_signals();
    chinese::choose(false);
    let outcome = match args.command {
        Command::Triage(args) => triage::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Slice(args) => slice::run(&args),
        Command::Recover(args) => recover::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Symbols(args) => symbols::run(&args),
        Command::Schema => reference::schema(),
        Command::SqlInit(args) => sql::init(&args),
        Command::Completions { shell } => reference::completions(shell),
        Command::Man => reference::man(),
    };
    status::finish(outcome)
}
