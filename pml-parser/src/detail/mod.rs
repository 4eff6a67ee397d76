//! Decodes the details of an event: its path, its properties, its category and its numbers.
//!
//! One decoder serves all outputs. Where Process Monitor shows a wrong value, [`Fidelity`] chooses between
//! that value and the value in the log. docs/procmon-differences.md lists all these differences.
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod file;
mod machine;
mod network;
mod number;
pub(crate) mod process;
mod profiling;
mod registry;
pub(crate) mod sid;
pub(crate) mod stored_names;
pub(crate) mod value;

pub(crate) use file::stored_names_of_rename;
pub use network::Endpoint;
pub(crate) use number::NumberSink;
pub use number::Numbers;

use file::FileDetails;
use registry::RegistryDetails;

use crate::log::event::Event;
use crate::names::category::{Category, Rule};
use crate::names::control;
use crate::names::operation::{EventClass, Operation};
use crate::text::{WinStr, placeholder};
use crate::time::zone::Zone;

/// Whether text matches Process Monitor or the log (docs/procmon-differences.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Fidelity {
    /// The text that Process Monitor 3.93 shows, including its errors. Cells are cut at 4,095 UTF-16 units.
    Procmon,
    /// The values that the log holds, in full.
    #[default]
    Corrected,
}

/// How texts are written.
#[derive(Clone, Debug, Default)]
pub struct TextOptions {
    /// Whether text matches Process Monitor or the log.
    pub fidelity: Fidelity,
    /// The time zone of dates and times of day.
    pub zone: Zone,
    /// Whether network addresses and ports are written as numbers even where the log has their names.
    pub numeric_addresses: bool,
    /// Whether operations of the file system class have their raw names. Where such an operation has a
    /// sub-operation, the first property is the friendly name.
    pub advanced: bool,
}

impl TextOptions {
    pub(crate) fn is_procmon(&self) -> bool {
        self.fidelity == Fidelity::Procmon
    }
}

/// Whether the details of an event were understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// All details with a known meaning are in the text.
    Yes,
    /// Details could not be decoded: the layout of the operation or of the information class is unknown, or a
    /// fixed part is cut off.
    No,
}

/// The longest cell that Process Monitor shows, in UTF-16 code units.
pub(crate) const CELL_LIMIT: usize = 4095;

/// The decoder of one event. The operation and the positions in the details are found once, for callers that
/// need several values.
pub(crate) struct EventDetails<'e, 'a> {
    event: &'e Event<'a>,
    pub operation: Operation,
    call: Call<'e, 'a>,
}

/// The details of an event, by class. `Unknown` where the layout is unknown or the details are cut off.
enum Call<'e, 'a> {
    Process,
    Registry(RegistryDetails<'e, 'a>),
    File(FileDetails<'a>),
    Profiling,
    Network,
    Unknown,
}

impl<'e, 'a> EventDetails<'e, 'a> {
    #[inline]
    pub(crate) fn new(event: &'e Event<'a>) -> Self {
        let operation = event.operation();
        let call = match operation.class {
            EventClass::Process => Call::Process,
            EventClass::Registry => {
                RegistryDetails::new(event, operation).map_or(Call::Unknown, Call::Registry)
            }
            EventClass::FileSystem => FileDetails::new(event, operation).map_or(Call::Unknown, Call::File),
            EventClass::Profiling => Call::Profiling,
            EventClass::Network => Call::Network,
            EventClass::Other(_) => Call::Unknown,
        };
        Self { event, operation, call }
    }

    pub(crate) fn push_path(&self, options: &TextOptions, out: &mut String) {
        let start = out.len();
        match &self.call {
            Call::Process => process::path(self.event).push_to(out),
            Call::Registry(call) => call.path().push_to(out),
            Call::File(call) => file::push_path(call, out),
            Call::Profiling => profiling::push_path(self.event, out),
            Call::Network => network::push_path(self.event, options, out),
            Call::Unknown => {}
        }
        if options.is_procmon() {
            cut(out, start);
        }
    }

    /// The path, where the log holds it as it is shown, in one string.
    #[cfg(feature = "export")]
    pub(crate) fn stored_path(&self) -> Option<WinStr<'a>> {
        if !is_path_stored(self.operation) {
            return None;
        }
        Some(match &self.call {
            Call::Process => process::path(self.event),
            Call::Registry(call) => call.path(),
            Call::File(call) => call.path(),
            Call::Profiling | Call::Network | Call::Unknown => WinStr::EMPTY,
        })
    }

    pub(crate) fn push_detail(&self, options: &TextOptions, out: &mut String) -> Decoded {
        let start = out.len();
        let mut properties = Properties { out, start, options };
        let decoded = match &self.call {
            Call::Process => process::detail(self.event, &mut properties),
            Call::Registry(call) => registry::detail(call, &mut properties),
            Call::File(call) => file::detail(call, &mut properties),
            Call::Profiling => profiling::detail(self.event, &mut properties),
            Call::Network => network::detail(self.event, &mut properties),
            Call::Unknown => Decoded::No,
        };
        if options.is_procmon() {
            cut(out, start);
        }
        decoded
    }

    pub(crate) fn target_path(&self) -> Option<WinStr<'a>> {
        match &self.call {
            Call::Registry(call) => registry::target_path(call),
            Call::File(call) => file::target_path(call),
            _ => None,
        }
    }

    pub(crate) fn category(&self) -> Category {
        let rule = self.operation.category_rule();
        match (rule, &self.call) {
            (Rule::Fixed(category), _) => category,
            (Rule::ByKeyDisposition, _) => registry::category(self.event),
            (Rule::ByOpenResult, Call::File(call)) => file::create_category(call),
            (Rule::ByControlCode, Call::File(call)) => {
                file::control_code(call).map_or(Category::Empty, control::category)
            }
            (Rule::ByDeleteBit, Call::File(call)) => file::delete_category(call, 1),
            (Rule::ByDeleteByte, Call::File(call)) => file::delete_category(call, 0xFF),
            _ => Category::Empty,
        }
    }

    pub(crate) fn numbers(&self, numbers: &mut impl NumberSink) {
        match &self.call {
            Call::Process => process::numbers(self.event, numbers),
            Call::Registry(call) => registry::numbers(call, numbers),
            Call::File(call) => file::numbers(call, numbers),
            Call::Network => network::numbers(self.event, numbers),
            Call::Profiling | Call::Unknown => {}
        }
    }

    pub(crate) fn push_registry_data(&self, out: &mut String) -> bool {
        match &self.call {
            Call::Registry(call) => registry::push_data(call, out),
            _ => false,
        }
    }
}

/// Whether the log holds the path of an operation as it is shown, in one string.
fn is_path_stored(operation: Operation) -> bool {
    match operation.class {
        EventClass::Process | EventClass::Registry => true,
        // The search pattern of a directory query is shown with the path.
        EventClass::FileSystem => operation != Operation::QUERY_DIRECTORY,
        _ => false,
    }
}

impl<'a> Event<'a> {
    /// Appends the text of the Path column. Many operations have no path.
    pub fn push_path(&self, options: &TextOptions, out: &mut String) {
        if !is_path_stored(self.operation()) {
            return EventDetails::new(self).push_path(options, out);
        }
        let start = out.len();
        self.path().push_to(out);
        if options.is_procmon() {
            cut(out, start);
        }
    }

    /// Appends the text of the Detail column: `Key: Value, Key: Value`.
    pub fn push_detail(&self, options: &TextOptions, out: &mut String) -> Decoded {
        EventDetails::new(self).push_detail(options, out)
    }

    /// The bytes of a path that is all ASCII text, stored as it is shown.
    #[cfg(feature = "filter")]
    #[inline]
    pub(crate) fn ascii_path(&self) -> Option<&'a [u8]> {
        match self.path() {
            WinStr::Latin1(bytes) if bytes.is_ascii() && is_path_stored(self.operation()) => Some(bytes),
            _ => None,
        }
    }

    /// The path, for operations whose path is stored as one string: processes, images, registry keys and
    /// values, files (without a search pattern). Empty for other operations.
    pub fn path(&self) -> WinStr<'a> {
        // Nothing else of the details is looked at: filters and the analyzer ask for the path of every event.
        let operation = self.operation();
        let path = match operation.class {
            EventClass::Process => return process::path(self),
            EventClass::Registry => RegistryDetails::new(self, operation).map(|call| call.path()),
            EventClass::FileSystem => FileDetails::new(self, operation).map(|call| call.path()),
            _ => None,
        };
        path.unwrap_or_default()
    }

    /// The second path of an operation that has one: the new path of a renamed file, the path of a hard link,
    /// the new name of a key, the file of a hive that is loaded, saved, restored or replaced.
    pub fn target_path(&self) -> Option<WinStr<'a>> {
        EventDetails::new(self).target_path()
    }

    /// The category of the operation, as Process Monitor's Category column shows it.
    pub fn category(&self) -> Category {
        EventDetails::new(self).category()
    }

    /// The numbers in the details, as stored.
    pub fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::default();
        EventDetails::new(self).numbers(&mut numbers);
        numbers
    }

    /// The source and the destination of a network event, in this order, or `None` for other classes and
    /// where the details are cut off.
    pub fn endpoints(&self) -> Option<[Endpoint; 2]> {
        (self.class() == EventClass::Network).then(|| network::endpoints(self)).flatten()
    }

    /// Appends the data of a registry value as text: strings unchanged, several strings joined by `, `,
    /// numbers in decimal, other bytes in hexadecimal. Returns `false` where the event has no data of a
    /// value.
    pub fn push_registry_data(&self, out: &mut String) -> bool {
        EventDetails::new(self).push_registry_data(out)
    }
}

/// Writes properties, one after the other.
pub(crate) struct Properties<'o> {
    pub out: &'o mut String,
    start: usize,
    pub options: &'o TextOptions,
}

impl Properties<'_> {
    /// Begins a property. The caller appends the value to the returned string.
    pub(crate) fn key(&mut self, key: &str) -> &mut String {
        self.separate();
        self.out.push_str(key);
        self.out.push_str(": ");
        self.out
    }

    /// Begins a property whose key the caller writes.
    pub(crate) fn separate(&mut self) {
        if self.out.len() > self.start {
            self.out.push_str(", ");
        }
    }

    pub(crate) fn is_procmon(&self) -> bool {
        self.options.is_procmon()
    }

    /// Whether no property has been written.
    pub(crate) fn is_empty(&self) -> bool {
        self.out.len() == self.start
    }

    /// Whether the properties already fill a cell of Process Monitor, so that further text would be cut.
    pub(crate) fn is_full(&self) -> bool {
        // At most three UTF-8 bytes to a UTF-16 unit.
        self.out.len() - self.start > CELL_LIMIT * 3
    }
}

/// Cuts the text after `start` to the length of a cell of Process Monitor.
pub(crate) fn cut(out: &mut String, start: usize) {
    // No character takes fewer UTF-8 bytes than UTF-16 units.
    if out.len() - start <= CELL_LIMIT {
        return;
    }
    let mut units = 0;
    let text = out.get(start..).unwrap_or_default();
    let end = text.char_indices().find_map(|(at, c)| {
        units += c.len_utf16();
        (units > CELL_LIMIT).then_some((at, units - c.len_utf16()))
    });
    if let Some((at, kept)) = end {
        out.truncate(start + at);
        // The first surrogate of a character outside the Basic Multilingual Plane still fits.
        if kept < CELL_LIMIT {
            out.push(placeholder());
        }
    }
}
