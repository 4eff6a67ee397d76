//! Logs beside the boot log: CBS.log, WindowsUpdate.log, dism.log, setup logs, event logs, and the
//! small files of servicing. Bytes become records; no file is opened here.
//!
//! ```
//! let text = b"2024-08-01 11:02:50, Info                  CBS    Session: 1_2 initialized by client X";
//! let (kind, encoding) = pml_analyzer::logs::detect(text).expect("a log");
//! assert_eq!(kind, pml_analyzer::logs::Kind::Cbs);
//! let reading = pml_analyzer::logs::read(text, kind, encoding, None, |record| {
//!     assert_eq!((record.line, record.component), (1, "CBS"));
//! });
//! assert_eq!(reading.records, 1);
//! ```

pub mod case;

mod cabinet;
mod cbs;
mod clock;
mod codes;
mod detect;
mod encoding;
mod event;
mod event_facts;
mod event_log;
mod fields;
mod file;
mod headers;
mod machine;
mod needles;
mod pending;
mod record;
mod signatures;
mod time;
mod tools;
mod windows_update;
mod xml;

pub use clock::{Offset, Offsets};
pub use codes::{failures, is_failure};
pub use detect::{Kind, detect};
pub use encoding::{Encoding, repair_double_encoding};
pub use event::{AnchorKind, Item, Machine, Stage, StoreItem, StoreScan, Verdict};
pub use file::{LogFile, literals, needles};
pub use needles::Needles;
pub use record::{Damage, EventFields, Level, Reading, Record, Spots};
pub use signatures::{Remedy, SignatureKind, Signatures};
pub use time::{Clock, LogTime};

use headers::{Device, OldUpdate, Plain, Poqexec, Reporting, Servicing, Update};
use record::Splitter;
use std::io::Read;

/// Calls a method of the splitter that fits a kind of text.
macro_rules! with_splitter {
    ($kind:expr, $encoding:expr, $needles:expr, $method:ident($($argument:expr),*)) => {
        match $kind {
            Kind::Cbs | Kind::Dism | Kind::Setup => {
                Splitter::new(Servicing::default(), $encoding, $needles).$method($($argument),*)
            }
            Kind::WindowsUpdate => Splitter::new(Update, $encoding, $needles).$method($($argument),*),
            Kind::WindowsUpdateOld => Splitter::new(OldUpdate, $encoding, $needles).$method($($argument),*),
            Kind::ReportingEvents => Splitter::new(Reporting, $encoding, $needles).$method($($argument),*),
            Kind::Poqexec => Splitter::new(Poqexec, $encoding, $needles).$method($($argument),*),
            Kind::SetupApi => Splitter::new(Device, $encoding, $needles).$method($($argument),*),
            _ => Splitter::new(Plain, $encoding, $needles).$method($($argument),*),
        }
    };
}

/// Reads a log of a known kind and hands its records to a visitor, in order. With needles, only those
/// records are handed over that hold one of them, and those that are worth a look anyway: errors, and
/// stamps in UTC; all are counted. Nothing is copied where ASCII bytes are ASCII in the encoding.
/// A cabinet has no records: its members have ([`LogFile::read_stream`]).
pub fn read(
    bytes: &[u8],
    kind: Kind,
    encoding: Encoding,
    needles: Option<&Needles>,
    visit: impl FnMut(&Record<'_>),
) -> Reading {
    match kind {
        Kind::Cabinet => Reading::default(),
        Kind::Evtx => event_log::read_evtx(bytes, visit),
        Kind::EventXml => event_log::read_xml(bytes, encoding, visit),
        _ => with_splitter!(kind, encoding, needles, read_slice(bytes, visit)),
    }
}

/// The same for a stream, such as a member of a cabinet, of which a block and a record are held at a
/// time. An `.evtx` cannot be read so: it is not read in order.
pub fn read_stream(
    stream: impl Read,
    kind: Kind,
    encoding: Encoding,
    needles: Option<&Needles>,
    visit: impl FnMut(&Record<'_>),
) -> Reading {
    match kind {
        Kind::Cabinet | Kind::Evtx => Reading::default(),
        Kind::EventXml => event_log::read_xml(stream, encoding, visit),
        _ => with_splitter!(kind, encoding, needles, read_stream(stream, visit)),
    }
}
