//! Reads Process Monitor logs (PML, version 9) in place, and turns them into columns.
//!
//! Data flows one way: bytes → events → columns → outputs.
//!
//! * [`Log`] is one file, [`LogSet`] the parts of a capture. Both own their bytes (a map, a
//!   vector, a slice) and a small index, and hand out `Copy` views.
//! * [`Event`], [`Process`], [`Module`] and [`Stack`] are such views; reading a field reads the
//!   bytes. Nothing is allocated per event.
//! * [`Event::push_path`] and [`Event::push_detail`] write texts into a caller's buffer, as
//!   Process Monitor shows them or as the log holds them ([`Fidelity`]).
//! * With the feature `export`, the module of that name turns a capture into files; with `filter`,
//!   events can be chosen by an expression; with `parallel`, ranges of events are worked on by
//!   several threads; with `write`, logs can be made; with `recover`, what is left of a broken log can
//!   be read; with `mmap`, files can be mapped.
//!
//! ```
//! # fn read(bytes: &[u8]) -> Result<(), pml_parser::Error> {
//! let log = pml_parser::Log::parse(bytes)?;
//! for position in 0..log.view().event_count() {
//!     let event = log.view().event(position)?;
//!     if event.status().is_error() {
//!         println!("{} {} {}", event.time(), event.operation().name(), event.status());
//!     }
//! }
//! # Ok(())
//! # }
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
mod recover;
mod resolve;
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
pub use log::process::{Module, Modules, Process, Virtualized};
pub use log::recovery::Recovery;
pub use log::set::{EventRange, LogSet, Mismatch, mismatch};
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
pub use resolve::Location;
pub use text::WinStr;
pub use time::zone::Zone;
pub use time::{Civil, FileTime, TICKS_PER_SECOND, Ticks};
