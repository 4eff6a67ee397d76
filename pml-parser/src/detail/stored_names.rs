//! The names in details that a PML stores in another form than a raw boot log.

use super::file::{FileDetails, rename_target_place};
use super::process::Loaded;
use super::registry::RegistryDetails;
use super::{Call, EventDetails, process};
use crate::log::event::Event;
use crate::names::operation::Operation;
use crate::raw::bytes::Blob;
use crate::raw::strings::Info;
use crate::text::WinStr;

/// A name in the details: where it lies, and how a PML stores it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredName<'a> {
    /// Offset of the length word.
    pub info_at: usize,
    /// Offset and bytes of the name.
    pub at: usize,
    pub size: usize,
    /// The name in a PML.
    pub name: WinStr<'a>,
    /// Whether a PML packs the name to one byte per character if it is ASCII.
    pub is_packed: bool,
}

impl<'a> StoredName<'a> {
    fn new((info_at, at, size): (usize, usize, usize), name: WinStr<'a>) -> Self {
        Self { info_at, at, size, name, is_packed: true }
    }

    /// The length word and the bytes of the name in a PML. A name of more characters than the word can count is cut.
    pub(crate) fn in_pml(&self) -> ([u8; 2], Vec<u8>) {
        const LONGEST: usize = 0x7FFF;
        let text = self.name.to_str();
        if self.is_packed && self.name.is_ascii() {
            let bytes = text.as_bytes().iter().take(LONGEST).copied().collect::<Vec<_>>();
            return ((bytes.len() as u16 | 0x8000).to_le_bytes(), bytes);
        }
        // Unpaired surrogates stay as they are.
        let (prefix, rest) = self.name.parts();
        let bytes: Vec<u8> = match rest {
            WinStr::Utf16(rest) => {
                prefix.encode_utf16().flat_map(u16::to_le_bytes).chain(rest.iter().copied()).collect()
            }
            _ => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        };
        let bytes: Vec<u8> = bytes.into_iter().take(2 * LONGEST).collect();
        ((bytes.len() as u16 / 2).to_le_bytes(), bytes)
    }
}

impl<'a> Event<'a> {
    /// The names in the details of an event of a raw boot log, in the order in which they lie there.
    pub(crate) fn stored_names(&self) -> [Option<StoredName<'a>>; 2] {
        let details = EventDetails::new(self);
        match details.call {
            Call::File(call) => of_file(&call),
            Call::Registry(call) => of_key(&call),
            Call::Process => [of_process(self, details.operation), None],
            _ => [None, None],
        }
    }
}

fn of_file<'a>(call: &FileDetails<'a>) -> [Option<StoredName<'a>>; 2] {
    let path = StoredName::new(call.path_place(), call.path());
    let (target, place) = rename_target_place(call);
    [Some(path), place.map(|place| StoredName::new(place, target))]
}

fn of_key<'a>(call: &RegistryDetails<'_, 'a>) -> [Option<StoredName<'a>>; 2] {
    let [path, hive] = call.name_places();
    [path.map(|path| StoredName::new(path, call.path())), hive.map(|hive| StoredName::new(hive, call.hive()))]
}

fn of_process<'a>(event: &Event<'a>, operation: Operation) -> Option<StoredName<'a>> {
    let details = event.details();
    match operation {
        Operation::PROCESS_DEFINED | Operation::PROCESS_CREATE => {
            let identifiers = usize::from(details.u8_at(0x2C)?) + usize::from(details.u8_at(0x2D)?);
            let info = Info(details.u16_at(0x2E)?);
            let place = (0x2E, 0x34 + identifiers, info.size());
            Some(StoredName { is_packed: false, ..StoredName::new(place, process::path(event)) })
        }
        Operation::LOAD_IMAGE => {
            let pointer = event.log().index.pointer();
            let info = Info(details.u16_at(pointer + 4)?);
            let path = Loaded::read(details, pointer)?.path;
            // Process Monitor adds a missing drive only where it shows the path.
            let name = event.kernel_names().map_or(path, |names| names.file(path));
            Some(StoredName::new((pointer + 4, pointer + 8, info.size()), name))
        }
        _ => None,
    }
}
