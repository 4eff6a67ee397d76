//! Writes logs that Process Monitor opens.
//!
//! [`LogWriter`] streams events and adds the tables at the end. [`details`] builds the details of the
//! operations that are common in boot logs. The writer shares the layouts of header, records and tables with
//! the reader (`raw`); [`details`] has separate code for the layouts of details.
//!
//! ```
//! use pml_parser::write::{LogWriter, Machine, NewEvent, NewProcess, details};
//! use pml_parser::{EventClass, FileTime, Log};
//! use std::io::Cursor;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let machine = Machine::windows_10("PC-1");
//! let mut log = LogWriter::new(Cursor::new(Vec::new()), &machine)?;
//! log.add_process(&NewProcess { index: 1, pid: 4, name: "System", ..NewProcess::default() });
//! log.add_event(&NewEvent {
//!     process_index: 1,
//!     class: EventClass::FileSystem,
//!     operation: 38,
//!     time: FileTime(133_485_408_450_000_000),
//!     details: &details::close_file(machine.pointer(), r"C:\Windows"),
//!     ..NewEvent::default()
//! })?;
//! let bytes = log.finish()?.into_inner();
//!
//! let log = Log::parse(bytes)?;
//! assert_eq!(log.view().event(0)?.operation().name(), "CloseFile");
//! # Ok(())
//! # }
//! ```

pub mod details;
mod log_writer;
mod tables;

pub use log_writer::{LogWriter, Machine, NewEvent};
pub(crate) use tables::Tables;
pub use tables::{NewModule, NewProcess};
