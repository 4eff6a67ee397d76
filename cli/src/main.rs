//! `pml`: Process Monitor logs, away from Windows.

mod args;
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
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    status::watch_for_signals();
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
