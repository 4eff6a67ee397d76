//! Details of the process class (docs/format.md, "Process details").

use super::number::NumberSink;
use super::{Decoded, Properties, value};
use crate::columns::Number;
use crate::log::event::Event;
use crate::names::operation::Operation;
use crate::raw::bytes::Blob;
use crate::raw::header;
use crate::raw::strings::Info;
use crate::text::WinStr;
use crate::time::FileTime;

/// Exit status of a thread that is still running. It is never shown.
const STILL_ACTIVE: u32 = 0x103;

/// The process in the details of `Process Defined` and `Process Create`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Created<'a> {
    /// Key of the process.
    pub index: u32,
    pub pid: u32,
    /// Key of the parent.
    pub parent_index: u32,
    pub parent_pid: u32,
    pub session: u32,
    pub is_64_bit: bool,
    pub time: FileTime,
    pub authentication_id: u64,
    pub virtualized: u32,
    /// Security identifiers, as bytes.
    pub user: &'a [u8],
    pub integrity: &'a [u8],
    pub path: WinStr<'a>,
    pub command_line: WinStr<'a>,
}

impl<'a> Created<'a> {
    /// Reads the details. The texts follow two security identifiers.
    pub(crate) fn read(details: &'a [u8]) -> Option<Self> {
        let path = Info(details.u16_at(0x2E)?);
        let command_line = Info(details.u16_at(0x30)?);
        let user = usize::from(details.u8_at(0x2C)?);
        let integrity = usize::from(details.u8_at(0x2D)?);
        let at = 0x34 + user + integrity;
        Some(Self {
            index: details.u32_at(0)?,
            pid: details.u32_at(4)?,
            parent_index: details.u32_at(8)?,
            parent_pid: details.u32_at(12)?,
            session: details.u32_at(0x10)?,
            is_64_bit: details.u32_at(0x14)? != 0,
            time: FileTime(details.u64_at(0x18)?),
            authentication_id: details.u64_at(0x20)?,
            virtualized: details.u32_at(0x28)?,
            user: details.clip(0x34, user),
            integrity: details.clip(0x34 + user, integrity),
            path: path.string(details, at),
            command_line: command_line.string(details, at + path.size()),
        })
    }
}

/// The module in the details of `Load Image`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded<'a> {
    pub base: u64,
    pub size: u32,
    pub path: WinStr<'a>,
}

impl<'a> Loaded<'a> {
    /// Reads the details. A missing path is empty.
    pub(crate) fn read(details: &'a [u8], pointer: usize) -> Option<Self> {
        Some(Self {
            base: if pointer == 8 { details.u64_at(0)? } else { details.u32_at(0)?.into() },
            size: details.u32_at(pointer)?,
            path: Info(details.u16_at(pointer + 4).unwrap_or(0)).string(details, pointer + 8),
        })
    }
}

/// The parent's PID and the command line, from the details of `Process Start`. Older versions of the format have
/// the PID alone.
pub(crate) fn started(details: &[u8], version: u32) -> Option<(u32, WinStr<'_>)> {
    let parent = details.u32_at(0)?;
    if !header::has_start_texts(version) {
        return Some((parent, WinStr::EMPTY));
    }
    let command_line = Info(details.u16_at(4)?);
    Some((parent, command_line.string(details, 12)))
}

/// The entries of the environment, from the details of `Process Start`. Each reads `NAME=value`.
pub(crate) fn environment(details: &[u8]) -> impl Iterator<Item = WinStr<'_>> {
    let size = |at| details.u16_at(at).map_or(0, |info| Info(info).size());
    let units = details.u32_at(8).unwrap_or(0) as usize;
    let mut block = details.clip(12 + size(4) + size(6), units.saturating_mul(2));
    std::iter::from_fn(move || {
        let entry = WinStr::utf16(block);
        block = block.get(entry.raw().len() + 2..).unwrap_or_default();
        Some(entry).filter(|entry| !entry.is_empty())
    })
}

/// The image path. Empty for operations that have none.
pub(super) fn path<'a>(event: &Event<'a>) -> WinStr<'a> {
    let details = event.details();
    match event.operation() {
        Operation::PROCESS_DEFINED | Operation::PROCESS_CREATE => {
            let path = Created::read(details).map(|created| created.path).unwrap_or_default();
            event.kernel_names().map_or(path, |names| names.program(path))
        }
        Operation::LOAD_IMAGE => {
            let loaded = Loaded::read(details, event.log().index.pointer());
            event.image_path(loaded.map(|loaded| loaded.path).unwrap_or_default())
        }
        _ => WinStr::EMPTY,
    }
}

/// Writes all properties.
pub(super) fn detail(event: &Event<'_>, to: &mut Properties<'_>) -> Decoded {
    let details = event.details();
    let written = match event.operation() {
        Operation::PROCESS_DEFINED | Operation::PROCESS_CREATE => create(details, to),
        Operation::PROCESS_EXIT | Operation::PROCESS_STATISTICS => exit(details, to),
        Operation::THREAD_CREATE => {
            details.u32_at(0).map(|tid| value::decimal(to.key("Thread ID"), tid.into()))
        }
        Operation::THREAD_EXIT => thread_exit(event, to),
        Operation::LOAD_IMAGE => load_image(event, to),
        Operation::THREAD_PROFILE => Some(()),
        Operation::PROCESS_START => start(details, event.log().version(), to),
        Operation::SYSTEM_STATISTICS => system_statistics(details, to),
        _ => None,
    };
    if written.is_some() { Decoded::Yes } else { Decoded::No }
}

/// Passes all numbers to `numbers`.
pub(super) fn numbers(event: &Event<'_>, numbers: &mut impl NumberSink) {
    let details = event.details();
    let pointer = event.log().index.pointer();
    let status = |d: &[u8]| d.u32_at(0).map(|v| v as i32 as i64 as u64);
    match event.operation() {
        Operation::PROCESS_DEFINED | Operation::PROCESS_CREATE => {
            numbers.set_if(Number::TargetPid, details.u32_at(4))
        }
        Operation::PROCESS_EXIT => numbers.set_if(Number::ExitStatus, status(details)),
        Operation::THREAD_CREATE => numbers.set_if(Number::TargetTid, details.u32_at(0)),
        Operation::THREAD_EXIT => {
            numbers.set(Number::TargetTid, u64::from(event.tid()));
            if details.u32_at(0) != Some(STILL_ACTIVE) {
                numbers.set_if(Number::ExitStatus, status(details));
            }
        }
        Operation::LOAD_IMAGE => {
            let base = if pointer == 8 { details.u64_at(0) } else { details.u32_at(0).map(u64::from) };
            numbers.set_if(Number::ImageBase, base);
            numbers.set_if(Number::ImageSize, details.u32_at(pointer));
        }
        _ => {}
    }
}

fn create(details: &[u8], to: &mut Properties<'_>) -> Option<()> {
    let created = Created::read(details)?;
    value::decimal(to.key("PID"), created.pid.into());
    created.command_line.push_to(to.key("Command line"));
    Some(())
}

fn exit(details: &[u8], to: &mut Properties<'_>) -> Option<()> {
    value::signed(to.key("Exit Status"), i64::from(details.u32_at(0)? as i32));
    for (key, at) in [("User Time", 12), ("Kernel Time", 4)] {
        let out = to.key(key);
        value::seconds(out, details.u64_at(at)?);
        out.push_str(" seconds");
    }
    for (key, at) in
        [("Private Bytes", 36), ("Peak Private Bytes", 44), ("Working Set", 20), ("Peak Working Set", 28)]
    {
        value::thousands(to.key(key), details.u64_at(at)?);
    }
    Some(())
}

fn thread_exit(event: &Event<'_>, to: &mut Properties<'_>) -> Option<()> {
    let details = event.details();
    let status = details.u32_at(0)?;
    if status != STILL_ACTIVE {
        value::signed(to.key("Exit Status"), i64::from(status as i32));
    }
    value::decimal(to.key("Thread ID"), u64::from(event.tid()));
    value::seconds(to.key("User Time"), details.u64_at(12)?);
    value::seconds(to.key("Kernel Time"), details.u64_at(4)?);
    Some(())
}

fn load_image(event: &Event<'_>, to: &mut Properties<'_>) -> Option<()> {
    let loaded = Loaded::read(event.details(), event.log().index.pointer())?;
    value::hex(to.key("Image Base"), loaded.base);
    value::hex(to.key("Image Size"), loaded.size.into());
    Some(())
}

fn start(details: &[u8], version: u32, to: &mut Properties<'_>) -> Option<()> {
    if !header::has_start_texts(version) {
        value::decimal(to.key("Parent PID"), details.u32_at(0)?.into());
        return Some(());
    }
    let command_line = Info(details.u16_at(4)?);
    let directory = Info(details.u16_at(6)?);
    let environment = details.u32_at(8)? as usize;
    let at = 12;
    value::decimal(to.key("Parent PID"), details.u32_at(0)?.into());
    command_line.string(details, at).push_to(to.key("Command line"));
    let at = at + command_line.size();
    directory.string(details, at).push_to(to.key("Current directory"));
    let at = at + directory.size();
    let mut block = details.clip(at, environment.saturating_mul(2));
    let out = to.key("Environment");
    // Each entry is on a separate line, including the empty entry that ends the block.
    while block.len() >= 2 {
        let entry = WinStr::utf16(block);
        out.push_str("\r\n\t");
        entry.push_to(out);
        block = block.get(entry.raw().len() + 2..).unwrap_or_default();
        if entry.is_empty() {
            break;
        }
    }
    Some(())
}

fn system_statistics(details: &[u8], to: &mut Properties<'_>) -> Option<()> {
    let page = u64::from(details.u32_at(0)?);
    value::thousands(to.key("Commit Peak"), page * u64::from(details.u32_at(60)?));
    value::grouped(to.key("System Calls"), details.u32_at(312)?.into());
    value::grouped(to.key("Context Switches"), details.u32_at(300)?.into());
    Some(())
}
