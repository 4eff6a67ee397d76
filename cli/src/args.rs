//! The command line. Its help, completions and manual are made from these definitions.

use clap::{Parser, Subcommand, ValueEnum};
use pml_analyzer::Letter;
use pml_parser::Drives;
use pml_parser::arrow::types::Types;
use pml_parser::export::parquet::{Compression, EventsWriter};
use std::path::{Path, PathBuf};

/// Read Process Monitor logs (PML) and raw boot logs (PMB) fast, completely, and away from Windows.
///
/// A log is given by one of its files: the other parts of the capture (X.pml, X-1.pml, X-2.pml …)
/// are found beside it. Data goes to files or standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(
    name = "pml",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Exit status: 0 done; 1 done, but events were lost to damage in the log; 2 not done;\n\
3 with triage --exit-code, when a rollback is probable or confirmed.",
    after_long_help = "\
Examples:
  pml info Bootlog.pml                    what is in a capture, at once
  pml triage Bootlog.pml                  was an update rolled back, why, and what to do
  pml convert Bootlog.pml -o boot         all tables as Parquet, in the directory boot
  duckdb -c \"SELECT operation, result, count(*) FROM 'boot/events.parquet' GROUP BY ALL\"
  pml convert Bootlog.pml -o boot.csv     what Process Monitor would export
  pml convert Procmon.pmb -o Bootlog.pml  a raw boot log as a log that Process Monitor opens
  pml recover broken.pml -o fixed.pml     what is left of a log that was cut short
  pml schema                              every table and column

Exit status: 0 done; 1 done, but events were lost to damage in the log; 2 not done;
3 with triage --exit-code, when a rollback is probable or confirmed."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Triage(TriageArgs),
    Convert(ConvertArgs),
    Slice(SliceArgs),
    Recover(RecoverArgs),
    Info(InfoArgs),
    Rules(RulesArgs),
    Symbols(SymbolsArgs),
    /// Print every table and column of a dataset, as Markdown.
    Schema,
    SqlInit(SqlInitArgs),
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
    /// The log: any one of its parts, or all of them; a raw boot log, Procmon.pmb; or one in a zip or 7z
    /// file, case.zip:folder/Bootlog.pml, or case.zip where it is the only one; packed as .gz or .zst; or - for
    /// standard input. It must not change while it is read.
    #[arg(value_name = "LOG", required = true)]
    pub logs: Vec<PathBuf>,

    /// Read the named files only, without looking for other parts beside them.
    #[arg(long)]
    pub no_set: bool,

    #[command(flatten)]
    pub drives: DriveArgs,
}

impl LogArgs {
    /// A log, with all its parts.
    pub(crate) fn of(log: &Path) -> Self {
        Self { logs: vec![log.to_owned()], no_set: false, drives: DriveArgs::default() }
    }
}

/// The drive letters of a raw boot log.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DriveArgs {
    /// Show names on this volume of a raw boot log (Procmon.pmb) with this drive letter, for example
    /// C=\Device\HarddiskVolume3. Letters that are not given are learned from the log.
    #[arg(long = "drive", value_name = "LETTER=DEVICE", value_parser = drive)]
    given: Vec<(char, String)>,
}

impl DriveArgs {
    /// Whether none is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// The drives that are given.
    pub(crate) fn all(&self) -> Drives {
        let mut drives = Drives::default();
        for (letter, device) in &self.given {
            drives.add(*letter, device);
        }
        drives
    }
}

/// Reads a drive: `C=\Device\HarddiskVolume3`.
fn drive(text: &str) -> Result<(char, String), String> {
    let drive = Drives::split(text).map(|(letter, device)| (letter, device.to_owned()));
    drive.ok_or_else(|| r"expected a letter and a device, such as C=\Device\HarddiskVolume3".to_owned())
}

/// What to do about a log that does not open.
#[derive(Debug, clap::Args)]
pub(crate) struct RecoveryArgs {
    /// Read what is left of a log that was cut short, damaged or never closed, and say how much that is.
    #[arg(long)]
    pub recover: bool,
}

/// Which events of the log to take.
#[derive(Debug, clap::Args)]
pub(crate) struct FilterArgs {
    /// Take only events for which this holds, for example
    /// "process_name = TiWorker.exe and result = error and time between 12s and 52s".
    #[arg(long = "where", value_name = "FILTER")]
    pub filter: Option<String>,

    /// Take only events that Process Monitor would show with this configuration (.PMC) or saved filter (.PMF).
    #[arg(long, value_name = "FILE")]
    pub procmon_filter: Option<PathBuf>,
}

/// Where symbols are.
#[derive(Debug, clap::Args)]
pub(crate) struct SymbolArgs {
    /// Name the functions on stacks from this local symbol store; several may be given, and the folders of
    /// _NT_SYMBOL_PATH come after them. The store needs the images and their symbols; nothing is downloaded.
    #[arg(long, value_name = "DIR")]
    pub symbols: Vec<PathBuf>,
}

/// List the images and symbols that a symbol store lacks for the stacks of a log.
///
/// Each line is the path of a file below a symbol store, the number of distinct frames that need it, and what it is, separated
/// by tabs. A computer with a connection fetches the files under these paths from a symbol server. The symbols of an
/// image are known only once the image is there.
#[derive(Debug, clap::Args)]
pub(crate) struct SymbolsArgs {
    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub recovery: RecoveryArgs,

    #[command(flatten)]
    pub symbols: SymbolArgs,

    /// Print no progress.
    #[arg(short, long)]
    pub quiet: bool,
}

/// What the tables of a dataset say of their capture, and in which types.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TableArgs {
    /// The types of columns in Parquet and Arrow: `portable` ones are those that Spark, Iceberg and Delta take as well,
    /// without unsigned integers, with times in microseconds and their nanoseconds in a column beside them.
    #[arg(long, value_enum, default_value_t = TypesArg::Exact, value_name = "TYPES")]
    pub types: TypesArg,

    /// The id of the capture, in the column `capture` of every table, which tells captures apart where tables of many
    /// are read together [default: the computer and the second in which the capture began]
    #[arg(long, value_name = "ID", value_parser = capture_id)]
    pub capture_id: Option<String>,
}

/// Reads an id of a capture, which may become the name of a folder.
fn capture_id(text: &str) -> Result<String, String> {
    /// Letters that file systems allow in a name, less an ending.
    const LONGEST: usize = 180;
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    let is_name = text.starts_with(|c: char| c.is_alphanumeric() || c == '_') && text.len() <= LONGEST;
    match is_plain && is_name {
        true => Ok(text.to_owned()),
        false => {
            Err("expected letters, digits, - _ and ., at most 180, the first a letter or digit".to_owned())
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypesArg {
    /// Every value in the type that holds it exactly.
    Exact,
    /// Types that every lake takes.
    Portable,
}

impl From<TypesArg> for Types {
    fn from(name: TypesArg) -> Self {
        match name {
            TypesArg::Exact => Self::Exact,
            TypesArg::Portable => Self::Portable,
        }
    }
}

/// How to run a command.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Replace OUT if it exists.
    #[arg(short, long)]
    pub force: bool,

    /// Threads to use; the output does not depend on it [default: all cores, 4 at most]
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,

    /// Print no progress and no summary.
    #[arg(short, long)]
    pub quiet: bool,
}

impl RunArgs {
    /// The number of threads to use.
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(default_threads, Into::into)
    }
}

/// The most threads by default: each takes up to 50 MiB, and memory must stay near 256 MiB for a log of any
/// size.
const MOST_THREADS: usize = 4;

/// The default number of threads.
pub(crate) fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into).min(MOST_THREADS)
}

/// Cut a part out of a log: a smaller log that opens in Process Monitor.
///
/// Events are copied byte for byte, with their stacks, and with the processes, modules, icons and
/// names that they refer to. The parts of a capture become one file, or several if one file would
/// exceed 4 GiB: OUT.pml, OUT-1.pml, … Relative times and event_id of a slice count from its own
/// first event.
#[derive(Debug, clap::Args)]
pub(crate) struct SliceArgs {
    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub recovery: RecoveryArgs,

    #[command(flatten)]
    pub filter: FilterArgs,

    /// Where to write: a file ending in .pml.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,

    #[command(flatten)]
    pub run: RunArgs,
}

/// Save what is left of a broken log as a sound one.
///
/// A broken log is one that was cut short, damaged or never closed. The command searches the file for
/// events, rebuilds missing processes and modules from the events, and writes the result as a log
/// with all its tables. It says how many events were kept, how many of them are doubtful, and how
/// many are lost; `pml info` says the same without writing a log. The broken log itself is not changed.
#[derive(Debug, clap::Args)]
pub(crate) struct RecoverArgs {
    #[command(flatten)]
    pub log: LogArgs,

    /// Where to write: a file ending in .pml.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,

    #[command(flatten)]
    pub run: RunArgs,
}

/// Say whether an update was rolled back in a captured boot, what failed, why, and what to do.
///
/// Reads a boot log once, finds the failed operations of the servicing stack (TrustedInstaller, TiWorker,
/// poqexec and what they start), weighs what speaks for a rollback, and ranks causes with evidence and
/// remedies. The other logs of a case (CBS.log, WindowsUpdate.log, event logs) are read too, with or without a
/// boot log: what was to be installed, how far it got, why it failed. "No rollback in this log" is an answer too. The rules are data files: see `pml rules`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 done; 1 done, but events or captures were lost to damage; 2 not done; \
with --exit-code, 3 when a rollback is probable or confirmed."
)]
pub(crate) struct TriageArgs {
    /// Boot logs (any part of a capture), text logs and event logs, or directories, zip and 7z files to search
    /// for them; - for standard input. Logs of one directory or archive are one case.
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<PathBuf>,

    /// Read the named logs only, without looking for other parts beside them.
    #[arg(long)]
    pub no_set: bool,

    #[command(flatten)]
    pub drives: DriveArgs,

    #[command(flatten)]
    pub recovery: RecoveryArgs,

    /// How to print the report [default: by the ending of OUT, else text].
    #[arg(long = "format", value_enum, value_name = "FORMAT")]
    pub given_format: Option<ReportFormat>,

    /// Say times in this zone, an IANA name such as Europe/Berlin, or `local` [default: the zone of the
    /// captured computer where the log shows it, else UTC].
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,

    /// The language of the report, of warnings and of errors [default: that of the locale, LC_ALL, LC_MESSAGES or LANG].
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE")]
    pub given_lang: Option<LanguageArg>,

    /// Put this number of the case before the text for a mail.
    #[arg(long, value_name = "NUMBER")]
    pub case_number: Option<String>,

    /// Begin the text for a mail with these words, for example "Dear Ms Li,".
    #[arg(long, value_name = "TEXT")]
    pub greeting: Option<String>,

    /// Print the whole report to a terminal, not only its first screen.
    #[arg(long)]
    pub full: bool,

    /// Write the report to this file; of several captures, one file each to this directory
    /// [default: standard output]
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,

    /// Write the events that the verdict rests on, and the events around them, as a small log.
    #[arg(long, value_name = "FILE.pml")]
    pub evidence: Option<PathBuf>,

    /// Also write the dataset of the capture to this directory, with the tables failures and
    /// findings beside those of `pml convert`.
    #[arg(long, value_name = "DIR")]
    pub parquet: Option<PathBuf>,

    /// Go on with a run over many captures that was interrupted: what the directory of --parquet has of the same logs with
    /// the same options is not analyzed again.
    #[arg(long, requires = "parquet", conflicts_with = "force")]
    pub resume: bool,

    #[command(flatten)]
    pub table: TableArgs,

    /// Use the tables and rules of this directory: a table replaces the program's table of the same
    /// name, a rule replaces the rule with its id or is added (docs/triage.md).
    #[arg(long, value_name = "DIR")]
    pub knowledge: Option<PathBuf>,

    #[command(flatten)]
    pub symbols: SymbolArgs,

    /// Replace names of computers and users, addresses and SIDs in the report, the same name by the same.
    #[arg(long)]
    pub redact: bool,

    /// End with status 3 when a rollback is probable or confirmed.
    #[arg(long)]
    pub exit_code: bool,

    /// When to use colours.
    #[arg(long, value_enum, default_value_t = ColorArg::Auto, value_name = "WHEN")]
    pub color: ColorArg,

    #[command(flatten)]
    pub run: RunArgs,
}

impl TriageArgs {
    /// Whether outputs that are there may be replaced.
    pub(crate) fn replaces(&self) -> bool {
        self.run.force || self.resume
    }

    /// What the text for a mail begins with.
    pub(crate) fn letter(&self) -> Letter<'_> {
        Letter { greeting: self.greeting.as_deref(), case_number: self.case_number.as_deref() }
    }

    /// The language of the report, and of what is printed beside it: the one that is given, or that of the locale.
    pub(crate) fn lang(&self) -> LanguageArg {
        self.given_lang.unwrap_or_else(|| {
            let mut locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(std::env::var_os);
            // The first of them that says anything decides, as it does for other programs.
            let locale = locale.find(|value| !value.is_empty());
            match locale {
                Some(locale) if locale.to_string_lossy().to_ascii_lowercase().starts_with("zh") => {
                    LanguageArg::Zh
                }
                _ => LanguageArg::En,
            }
        })
    }

    /// The format of the report: the one that is given, or that of the ending of the output.
    pub(crate) fn format(&self) -> ReportFormat {
        let ending = self.output.as_ref().and_then(|path| path.extension()?.to_str());
        let known = |ending: &str| ReportFormat::from_str(ending, true).ok();
        let of_ending = ending.and_then(|ending| match ending.to_ascii_lowercase().as_str() {
            "htm" => Some(ReportFormat::Html),
            "markdown" => Some(ReportFormat::Md),
            other => known(other),
        });
        self.given_format.or(of_ending).unwrap_or(ReportFormat::Text)
    }
}

/// A format of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a terminal.
    Text,
    /// One JSON object (docs/triage.md).
    Json,
    /// One JSON object on one line for each capture.
    Jsonl,
    /// Markdown.
    Md,
    /// One HTML file that needs nothing else.
    Html,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LanguageArg {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// List the rules of `pml triage`, explain one of them, check custom rules, or begin a new one.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub command: Option<RulesCommand>,

    /// Explain this rule.
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t = RulesFormat::Text, value_name = "FORMAT")]
    pub format: RulesFormat,

    /// The language.
    #[arg(long, value_enum, default_value_t = LanguageArg::En, value_name = "LANGUAGE")]
    pub lang: LanguageArg,

    /// Use the tables and rules of this directory: a table replaces the program's table of the same
    /// name, a rule replaces the rule with its id or is added (docs/triage.md). Every mistake in these
    /// files is shown with its file and line.
    #[arg(long, value_name = "DIR")]
    pub knowledge: Option<PathBuf>,

    /// Say why RULE does not fire in this log: the failures that come nearest to it, and the conditions that do not
    /// hold for each of them.
    #[arg(long, value_name = "LOG", requires = "rule", conflicts_with = "format")]
    pub why: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Write a new rule to be filled in.
    ///
    /// In a checkout of this program, the command also writes a scenario in which the rule fires, and a twin
    /// scenario in which the rule must not fire. At its end the command prints the next steps.
    New(NewRuleArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct NewRuleArgs {
    /// The id: RB- for a cause, or INFO- for a note, and words in capitals, such as RB-MY-AGENT.
    #[arg(value_name = "ID")]
    pub id: String,

    /// The knowledge directory that gets the rule; without it, analyzer/knowledge below the current directory.
    #[arg(long, value_name = "DIR")]
    pub knowledge: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RulesFormat {
    /// For people.
    Text,
    /// The whole page, as Markdown.
    Md,
    /// For programs.
    Json,
}

/// Convert a log to Parquet, CSV, XML, JSON Lines, Arrow or PML.
///
/// A directory gets all tables as Parquet files (events, processes, modules, stacks, frames,
/// capture; `pml schema` lists their columns). A file gets the events, in the format its ending
/// names: .parquet, .arrow and .jsonl hold the events table, .csv and .xml what Process Monitor
/// itself would export, and .pml a log that Process Monitor opens. An output appears under its name only when it is complete.
/// Of several captures, each gets its own tables below OUT, and OUT/status.parquet says how each ended.
#[derive(Debug, clap::Args)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub recovery: RecoveryArgs,

    #[command(flatten)]
    pub filter: FilterArgs,

    /// Where to write: a directory, a file, or - for standard output.
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,

    /// Write this format, whatever the name of OUT says.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub to: Option<Format>,

    #[command(flatten)]
    pub table: TableArgs,

    #[command(flatten)]
    pub run: RunArgs,

    /// Convert every capture of the inputs to its own tables below OUT, even if there is only one: directories and zip
    /// files are searched, @FILE names a list of inputs, @- one on standard input. Several captures are always
    /// converted so. OUT/status.parquet says how each ended; one that cannot be read is a row there.
    #[arg(long)]
    pub many: bool,

    /// Go on with a run over many captures that was interrupted: captures that are complete in OUT, of the same log with
    /// the same options, stay as they are.
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,

    /// How the folders of many captures are called [default: hive, and plain with --types portable]
    #[arg(long, value_enum, value_name = "LAYOUT")]
    pub layout: Option<LayoutArg>,

    /// How to compress Parquet.
    #[arg(long, value_enum, default_value_t = CompressionArg::Zstd, value_name = "NAME")]
    pub compression: CompressionArg,

    /// What encodes the events table as Parquet: `direct`, or `arrow`, which was the only one before and takes longer.
    /// The rows are the same.
    #[arg(long, value_enum, default_value_t = ParquetWriterArg::Direct, value_name = "NAME", hide = true)]
    pub parquet_writer: ParquetWriterArg,

    /// Columns, separated by commas, or `all`; other columns are not decoded. CSV and XML take titles
    /// ("Time of Day,PID,Path"), by default those that Process Monitor shows; other formats take
    /// names of the events table ("time,path,result"), by default all of them. Without stack_id a
    /// dataset has no stacks and frames.
    #[arg(long, value_name = "NAMES")]
    pub columns: Option<String>,

    /// Write the call stack of each event (XML).
    #[arg(long)]
    pub stacks: bool,

    #[command(flatten)]
    pub symbols: SymbolArgs,

    /// Show raw operation names, as Process Monitor's advanced output does (CSV, XML).
    #[arg(long)]
    pub advanced: bool,

    /// Show network addresses and ports as numbers, even where the log has names (CSV, XML).
    #[arg(long)]
    pub numeric_addresses: bool,

    /// Show times in this zone, an IANA name such as Europe/Berlin, or `local` (CSV, XML)
    /// [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,

    /// Put an apostrophe before cells that a spreadsheet would run as a formula (CSV).
    #[arg(long)]
    pub safe_csv: bool,
}

/// How the folders of many captures are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// OUT/capture=ID: engines that know Hive's partitions open only the folders that a query needs.
    Hive,
    /// OUT/ID: for Delta, which refuses a column that is in the file and in the path.
    Plain,
}

/// A format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// All tables as Parquet files, in a directory.
    Dataset,
    /// The events table as Parquet.
    Parquet,
    /// The events table as Arrow IPC.
    Arrow,
    /// The events table as JSON Lines.
    Jsonl,
    /// CSV, as Process Monitor exports it.
    Csv,
    /// XML, as Process Monitor exports it.
    Xml,
    /// A log of Process Monitor; several files if one file would exceed 4 GiB.
    Pml,
}

impl Format {
    /// Whether the format holds cells as Process Monitor shows them, rather than the events table.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Xml)
    }
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

/// What encodes the events table.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ParquetWriterArg {
    /// The encoder of `pml`.
    Direct,
    /// The encoder of the `parquet` crate.
    Arrow,
}

impl From<ParquetWriterArg> for EventsWriter {
    fn from(name: ParquetWriterArg) -> Self {
        match name {
            ParquetWriterArg::Direct => Self::Direct,
            ParquetWriterArg::Arrow => Self::Arrow,
        }
    }
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

/// Print views and macros for DuckDB over converted tables: Process Monitor's summaries, failed servicing, and more.
///
/// `pml sql-init boot > boot.sql`, then `duckdb -init boot.sql`, and `FROM file_summary();`. The views are the tables of
/// one capture, or of all captures below the directory (docs/fleets.md lists the macros). With --logs, the views read the
/// logs themselves (docs/duckdb.md).
#[derive(Debug, clap::Args)]
pub(crate) struct SqlInitArgs {
    /// The directory that `pml convert` has written; with --logs a log, a folder or an archive of logs, or a pattern.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// Print views that read logs through the DuckDB extension, so that nothing needs to be converted.
    #[arg(long)]
    pub logs: bool,
}

/// Show what is in a log, at once.
///
/// Shows machine, Windows build, parts, events, time span, processes of the servicing stack, sizes of
/// the tables, and damage in the tables. Events are not read, so the time does not depend on the size
/// of the log. Only of a log that does not open, and of a raw boot log, which has no tables, all event
/// headers are read.
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
