//! What an event says: its path, its details, its category, and the numbers inside.
//!
//! One decoder serves all outputs. Where Process Monitor is known to show something wrong, the
//! [`Fidelity`] chooses between what it shows and what the log holds
//! (docs/procmon-differences.md lists every such place).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod field;
mod file;
mod file_layout;
mod network;
mod number;
mod process;
mod profiling;
mod registry;
mod sid;
pub(crate) mod value;

pub use network::Endpoint;
pub use number::{Number, Numbers};

use crate::event::Event;
use crate::names::category::{Category, Rule};
use crate::names::control;
use crate::names::operation::EventClass;
use crate::text::WinStr;
use crate::zone::Zone;

/// Whose truth a text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Fidelity {
    /// What Process Monitor 3.93 shows, bug for bug, cells cut at 4,095 characters.
    Procmon,
    /// What the log holds.
    #[default]
    Corrected,
}

/// How texts are written.
#[derive(Clone, Debug, Default)]
pub struct TextOptions {
    /// Whose truth is told.
    pub fidelity: Fidelity,
    /// The zone of dates inside details.
    pub zone: Zone,
    /// Whether network addresses and ports are shown as numbers even where the log has names.
    pub numeric_addresses: bool,
    /// Whether operations of the file system class are shown by their raw names, with the
    /// friendly name of a sub-operation as a first property.
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
    /// The text says all there is to say.
    Yes,
    /// There are details that nobody knows how to read: an operation, or a class of information,
    /// without a known layout, or one whose fixed part is cut off.
    No,
}

/// Longest cell Process Monitor shows, in UTF-16 code units.
pub(crate) const CELL_LIMIT: usize = 4095;

impl<'a> Event<'a> {
    /// Appends the path, as the Path column shows it. Many operations have none.
    pub fn push_path(&self, options: &TextOptions, out: &mut String) {
        let start = out.len();
        match self.class() {
            EventClass::Process => process::path(self).push_to(out),
            EventClass::Registry => registry::path(self).push_to(out),
            EventClass::FileSystem => file::push_path(self, out),
            EventClass::Profiling => profiling::push_path(self, out),
            EventClass::Network => network::push_path(self, options, out),
            EventClass::Other(_) => {}
        }
        if options.is_procmon() {
            cut(out, start);
        }
    }

    /// Appends the details, as the Detail column shows them: `Key: Value, Key: Value`.
    pub fn push_detail(&self, options: &TextOptions, out: &mut String) -> Decoded {
        let start = out.len();
        let mut properties = Properties { out, start, options };
        let decoded = match self.class() {
            EventClass::Process => process::detail(self, &mut properties),
            EventClass::Registry => registry::detail(self, &mut properties),
            EventClass::FileSystem => file::detail(self, &mut properties),
            EventClass::Profiling => profiling::detail(self, &mut properties),
            EventClass::Network => network::detail(self, &mut properties),
            EventClass::Other(_) => Decoded::No,
        };
        if options.is_procmon() {
            cut(out, start);
        }
        decoded
    }

    /// The path alone, for operations whose path stands in the log as one string: processes,
    /// images, registry, files (without a search pattern).
    pub fn path(&self) -> WinStr<'a> {
        match self.class() {
            EventClass::Process => process::path(self),
            EventClass::Registry => registry::path(self),
            EventClass::FileSystem => file::path(self),
            _ => WinStr::EMPTY,
        }
    }

    /// The second path of an operation that has one: where a file is renamed or linked to, the
    /// new name of a key, the file a hive is loaded from or saved to.
    pub fn target_path(&self) -> Option<WinStr<'a>> {
        match self.class() {
            EventClass::Registry => registry::target_path(self),
            EventClass::FileSystem => file::target_path(self),
            _ => None,
        }
    }

    /// The category.
    pub fn category(&self) -> Category {
        match self.operation().category_rule() {
            Rule::Fixed(category) => category,
            Rule::ByKeyDisposition => registry::category(self),
            Rule::ByOpenResult => file::create_category(self),
            Rule::ByControlCode => file::control_code(self).map_or(Category::Empty, control::category),
            Rule::ByDeleteBit => file::delete_category(self, 1),
            Rule::ByDeleteByte => file::delete_category(self, 0xFF),
        }
    }

    /// The numbers inside the details, untranslated.
    pub fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::default();
        match self.class() {
            EventClass::Process => process::numbers(self, &mut numbers),
            EventClass::Registry => registry::numbers(self, &mut numbers),
            EventClass::FileSystem => file::numbers(self, &mut numbers),
            EventClass::Network => network::numbers(self, &mut numbers),
            EventClass::Profiling | EventClass::Other(_) => {}
        }
        numbers
    }

    /// The local and the remote end of a network event.
    pub fn endpoints(&self) -> Option<[Endpoint; 2]> {
        (self.class() == EventClass::Network).then(|| network::endpoints(self)).flatten()
    }

    /// Appends the data of a registry value as text, where the event carries any: strings as they
    /// are, several strings joined by `, `, numbers in decimal, bytes in hexadecimal.
    pub fn push_registry_data(&self, out: &mut String) -> bool {
        self.class() == EventClass::Registry && registry::push_data(self, out)
    }
}

/// Writes properties one behind the other.
pub(crate) struct Properties<'o> {
    pub out: &'o mut String,
    start: usize,
    pub options: &'o TextOptions,
}

impl Properties<'_> {
    /// Begins a property; its value is appended to what this returns.
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

    /// Whether what stands here already fills a cell, so that more would only be cut again.
    pub(crate) fn is_full(&self) -> bool {
        // At most three UTF-8 bytes to a UTF-16 unit.
        self.out.len() - self.start > CELL_LIMIT * 3
    }
}

/// Cuts what stands behind `start` to the length of a cell, in the middle of a name if need be.
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
        // The first half of a character outside the BMP still fitted.
        if kept < CELL_LIMIT {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}
