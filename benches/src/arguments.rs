//! The command line of the programs of the benches.

use std::path::PathBuf;

/// Logs and options: `LOG… [--threads N] [--runs N] [--only WAY]`.
#[derive(Debug)]
pub struct Arguments {
    /// The parts of one set.
    pub logs: Vec<PathBuf>,
    /// The number of threads, 2 by default.
    pub threads: usize,
    /// The number of measured runs, 5 by default.
    pub runs: usize,
    /// The only way of reading to measure; all ways if there is none.
    pub only: Option<String>,
}

impl Arguments {
    /// Reads the arguments of the program.
    ///
    /// # Errors
    /// When a value is missing or no number, or no log is named.
    pub fn read() -> Result<Self, Box<dyn std::error::Error>> {
        let mut found = Self { logs: Vec::new(), threads: 2, runs: 5, only: None };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--threads" => found.threads = value()?.parse()?,
                "--runs" => found.runs = value()?.parse::<usize>()?.max(1),
                "--only" => found.only = Some(value()?),
                _ => found.logs.push(PathBuf::from(arg)),
            }
        }
        if found.logs.is_empty() { Err("which log?".into()) } else { Ok(found) }
    }
}
