//! `pml`: Process Monitor logs, away from Windows.

mod args;
mod convert;
mod failure;
mod filter;
mod generate;
mod info;
mod input;
mod knowledge;
mod output;
mod recover;
mod recovery;
mod rules;
mod slice;
mod status;
mod triage;
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
        Command::Schema => generate::schema(),
        Command::Completions { shell } => generate::completions(shell),
        Command::Man => generate::man(),
    };
    status::finish(outcome)
}
