//! The command line. Its help, completions and manual are made from these definitions.

use clap::{Parser, Subcommand, ValueEnum};
use pml_parser::parquet::Compression;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Read Process Monitor logs (PML) fast, completely, and away from Windows.
///
/// A log is given by one of its files: the other parts of the capture (X.pml, X-1.pml, X-2.pml …)
/// are found beside it. Data goes to files or standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(
    name = "pml",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Exit status: 0 done; 1 done, but events were lost to damage in the log; 2 not done.",
    after_long_help = "\
Examples:
  pml info Bootlog.pml                    what is in a capture, at once
  pml convert Bootlog.pml -o boot         all tables as Parquet, in the directory boot
  duckdb -c \"SELECT operation, result, count(*) FROM 'boot/events.parquet' GROUP BY ALL\"
  pml convert Bootlog.pml -o boot.parquet the events alone
  pml schema                              every table and column

Exit status: 0 done; 1 done, but events were lost to damage in the log; 2 not done."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Convert(ConvertArgs),
    Info(InfoArgs),
    /// Print every table and column of a dataset, as Markdown.
    Schema,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// Which log to read.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// The log: any one of its parts, or all of them.
    #[arg(value_name = "LOG", required = true)]
    pub logs: Vec<PathBuf>,

    /// Read the named files only, without looking for other parts beside them.
    #[arg(long)]
    pub no_set: bool,
}

/// Convert a log to Parquet, for DuckDB, pyarrow, polars and whatever else reads it.
///
/// OUT is a directory, in which every table becomes a file (events, processes, modules, stacks,
/// frames, capture), or a file ending in .parquet for the events alone. The output appears under
/// its name only when it is complete. `pml schema` lists all tables and columns.
#[derive(Debug, clap::Args)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub log: LogArgs,

    /// Where to write: a directory, or a file ending in .parquet.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,

    /// Replace OUT if it exists.
    #[arg(short, long)]
    pub force: bool,

    /// Threads to use; the output does not depend on it [default: all cores, 4 at most]
    #[arg(short = 'j', long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// How to compress.
    #[arg(long, value_enum, default_value_t = CompressionArg::Zstd, value_name = "NAME")]
    pub compression: CompressionArg,

    /// Print no progress and no summary.
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CompressionArg {
    /// Zstandard, level 1.
    Zstd,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Not at all.
    None,
}

impl From<CompressionArg> for Compression {
    fn from(name: CompressionArg) -> Self {
        match name {
            CompressionArg::Zstd => Self::Zstd,
            CompressionArg::Snappy => Self::Snappy,
            CompressionArg::Lz4 => Self::Lz4,
            CompressionArg::None => Self::None,
        }
    }
}

/// Show what is in a log, at once.
///
/// Machine, Windows build, parts, events, time span, processes of the servicing stack, sizes of
/// the tables, and what is wrong with them. Events are not read, so it takes as long for any size.
#[derive(Debug, clap::Args)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pub log: LogArgs,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = InfoFormat::Text, value_name = "FORMAT")]
    pub format: InfoFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum InfoFormat {
    /// For people.
    Text,
    /// For programs: one JSON object.
    Json,
}
