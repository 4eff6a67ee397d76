//! The command line program that generates logs.
#![forbid(unsafe_code)]

use clap::{Args, Parser, Subcommand};
use pml_parser::{Log, LogSet};
use pml_samples::boot::{Amount, Bits, Options, Repetition};
use pml_samples::scenario::Companions;
use pml_samples::{raw_boot, scenario};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Generates Process Monitor logs of Windows updates.
#[derive(Parser, Debug)]
#[command(name = "pml-samples", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Generates a boot log of the default scenario, without text logs.
    Boot(Common),
    /// Generates the boot log of a scenario, with its text logs.
    Scenario(ScenarioArgs),
    /// Writes a log as the raw boot log (Procmon.pmb) that it would have been.
    RawBoot(RawBootArgs),
}

#[derive(Args, Debug)]
struct RawBootArgs {
    /// The parts of the log, in order.
    #[arg(required = true)]
    logs: Vec<PathBuf>,
    /// Where to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Write the log this many times, one after the other.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
}

#[derive(Args, Debug)]
struct ScenarioArgs {
    /// Scenario file.
    scenario: PathBuf,
    /// Variant of the scenario.
    #[arg(long)]
    variant: Option<String>,
    /// Write text logs of all kinds, which tell the same story, not only those that the boot itself writes.
    #[arg(long)]
    companions: bool,
    /// Fill the text logs with quiet lines up to about this size each: 150MB, 1GiB.
    #[arg(long, value_name = "SIZE", value_parser = size, requires = "companions", default_value = "0")]
    companion_size: u64,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Common {
    /// Directory for Bootlog.pml, Bootlog-1.pml, …
    #[arg(short, long, value_name = "DIRECTORY")]
    output: PathBuf,
    /// Number of events, all parts together; K and M are thousands and millions.
    #[arg(long, default_value = "100K", value_parser = count, conflicts_with = "target_size")]
    events: u64,
    /// Stop at this size instead, all parts together: 500MB, 2GiB.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    target_size: Option<u64>,
    /// Number of files.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    parts: u32,
    /// Seed of the random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Bitness of the captured Windows, 32 or 64 [default: that of the scenario, or 64].
    #[arg(long, value_parser = bits)]
    bits: Option<Bits>,
    /// Mean number of stack frames of an event.
    #[arg(long, default_value_t = 34, value_parser = clap::value_parser!(u16).range(1..=200))]
    frames: u16,
    /// Repeat stacks less often and texts more often than usual, as real logs do.
    #[arg(long)]
    like_real: bool,
    /// Overwrite existing files.
    #[arg(long)]
    force: bool,
}

impl Common {
    /// The options; `bits` holds where none are given.
    fn options(&self, bits: Bits) -> Options {
        Options {
            amount: self.target_size.map_or(Amount::Events(self.events), Amount::Bytes),
            parts: self.parts,
            seed: self.seed,
            bits: self.bits.unwrap_or(bits),
            frames: self.frames,
            repetition: if self.like_real { Repetition::Real } else { Repetition::Usual },
            overwrite: self.force,
        }
    }
}

/// Parses a number with one of these suffixes.
fn scaled(text: &str, suffixes: &[(&str, u64)]) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    let scale = suffixes.iter().find(|entry| entry.0.eq_ignore_ascii_case(suffix)).map(|entry| entry.1);
    let scale = scale.ok_or_else(|| format!("unknown suffix {suffix:?}"))?;
    let number: u64 = digits.parse().map_err(|error| format!("{digits:?}: {error}"))?;
    number.checked_mul(scale).ok_or_else(|| "too large".to_owned())
}

fn count(text: &str) -> Result<u64, String> {
    scaled(text, &[("", 1), ("K", 1_000), ("M", 1_000_000)])
}

fn size(text: &str) -> Result<u64, String> {
    let decimal = [("", 1), ("B", 1), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    let binary = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    scaled(text, &[&decimal[..], &binary[..]].concat())
}

fn bits(text: &str) -> Result<Bits, String> {
    match text {
        "32" => Ok(Bits::B32),
        "64" => Ok(Bits::B64),
        _ => Err("32 or 64".to_owned()),
    }
}

fn generate_scenario(args: &ScenarioArgs) -> io::Result<Vec<PathBuf>> {
    let mut scenario = scenario::load(&args.scenario)?;
    if let Some(name) = &args.variant {
        scenario = scenario.variant(name)?;
    }
    let common = &args.common;
    let companions = match args.companions {
        true => Companions::OfAllKinds(args.companion_size),
        false => Companions::OfBoot,
    };
    scenario.generate(&common.options(scenario.options().bits), companions, &common.output)
}

fn write_raw_boot(args: &RawBootArgs) -> io::Result<Vec<PathBuf>> {
    let open = |path: &PathBuf| Log::parse(std::fs::read(path)?).map_err(io::Error::other);
    let set = LogSet::new(args.logs.iter().map(open).collect::<io::Result<_>>()?);
    let mut out = io::BufWriter::with_capacity(1 << 20, std::fs::File::create_new(&args.output)?);
    raw_boot::write(&set, args.times, &mut out)?;
    io::Write::flush(&mut out)?;
    Ok(vec![args.output.clone()])
}

fn main() -> ExitCode {
    let generated = match Cli::parse().command {
        Command::Boot(common) => scenario::generate(&common.options(Bits::B64), &common.output),
        Command::Scenario(args) => generate_scenario(&args),
        Command::RawBoot(args) => write_raw_boot(&args),
    };
    match generated {
        Ok(paths) => {
            paths.iter().for_each(|path| println!("{}", path.display()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("pml-samples: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_scale_numbers() {
        assert_eq!(count("30M"), Ok(30_000_000));
        assert_eq!(count("3k"), Ok(3_000));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert!(count("3G").is_err());
        assert!(count("M").is_err());
        assert!(size("99999999999GB").is_err());
    }
}
