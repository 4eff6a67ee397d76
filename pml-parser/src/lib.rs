//! Reads Process Monitor logs (PML, versions 4 to 9) in place, and exports them as Arrow columns and files.
//!
//! Data flows one way: bytes → events → columns → outputs. Start at the level that you need:
//!
//! * **A capture from a path**: `LogSet::open` (feature `mmap`) finds and maps the parts.
//! * **Bytes that you have**: [`Log::parse`] reads one file, [`Log::recover`] reads what is left of a broken
//!   one, and [`LogSet::new`] makes a capture of several logs. A log owns its bytes (a map, a vector, a
//!   slice) and a small index.
//! * **Events**: [`Event`], [`Process`], [`Module`] and [`Stack`] are `Copy` views; reading a field reads the
//!   bytes. Nothing is allocated per event. [`Operation`] has a constant for every operation.
//! * **Texts**: [`Event::push_path`] and [`Event::push_detail`] append to your buffer. [`Fidelity`] chooses
//!   between the text that Process Monitor shows and the text that the log holds. [`Event::push_cell`] writes
//!   any of Process Monitor's 27 columns.
//! * **Choosing events** (feature `filter`): `Filter` parses an expression, `Matcher` decides.
//! * **Columns and files** (feature `export`): `export::batches::EventBatches` iterates over Arrow record
//!   batches; the module `export` writes Parquet, Arrow IPC, JSON Lines, CSV, XML, and smaller logs.
//! * **Writing logs**: [`mod@write`].
//!
//! ```no_run
//! # #[cfg(feature = "mmap")] {
//! let opened = pml_parser::LogSet::open("Bootlog.pml")?;
//! for event in opened.set.events().flatten().filter(|event| event.status().is_error()) {
//!     println!("{} {} {}", event.operation().name(), event.path(), event.status());
//! }
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "export")]
pub mod arrow;
mod budget;
pub mod columns;
mod detail;
mod error;
#[cfg(feature = "export")]
pub mod export;
#[cfg(feature = "filter")]
mod filter;
mod log;
mod module_map;
mod names;
#[cfg(feature = "mmap")]
mod open;
#[cfg(feature = "parallel")]
pub mod parallel;
mod procmon;
mod progress;
mod raw;
mod raw_boot;
mod recover;
mod resolve;
pub mod symbols;
mod text;
mod time;
pub mod write;

pub use budget::{Budget, Exceeded, Limits, Meter};
pub use columns::Number;
pub use detail::{Decoded, Endpoint, Fidelity, Numbers, TextOptions};
pub use error::{Damage, Error, ErrorKind, Result};
#[cfg(feature = "filter")]
pub use filter::{Filter, FilterError, Matcher, PmcError, PmcRule};
pub use log::event::{Event, EventId};
pub use log::index::MachineFacts;
pub use log::kinship::{Mismatch, mismatch};
pub use log::process::{Module, Modules, Process, Virtualized};
pub use log::recovery::Recovery;
pub use log::set::{EventRange, LogSet};
pub use log::stack::Stack;
pub use log::{Events, Log, LogView, TableSizes};
pub use module_map::Resolution;
pub use names::category::Category;
pub use names::ntstatus::NtStatus;
pub use names::operation::{EventClass, Operation};
#[cfg(feature = "mmap")]
pub use open::{
    Fault, LeftOut, LeftOutReason, Map, OpenError, OpenOptions, Opened, RecoverMode, any_fault, map, parts,
};
pub use procmon::ProcmonColumn;
pub use progress::{Cancelled, NoProgress, Progress};
pub use raw::icon::Icon;
pub use raw_boot::{Drives, is_raw_boot};
pub use resolve::Location;
pub use text::WinStr;
pub use time::zone::Zone;
pub use time::{Civil, FileTime, TICKS_PER_SECOND, Ticks};

/// The README, whose example is compiled.
#[cfg(all(doctest, feature = "mmap"))]
#[doc = include_str!("../README.md")]
struct Readme;
