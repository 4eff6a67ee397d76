//! Details of the process class (docs/format.md, "Process details").

use super::number::{Number, NumberSink};
use super::{Decoded, Properties, value};
use crate::event::Event;
use crate::raw::bytes::Blob;
use crate::raw::strings::Info;
use crate::text::WinStr;

const DEFINED: u16 = 0;
const CREATE: u16 = 1;
const EXIT: u16 = 2;
const THREAD_CREATE: u16 = 3;
const THREAD_EXIT: u16 = 4;
const LOAD_IMAGE: u16 = 5;
const THREAD_PROFILE: u16 = 6;
const START: u16 = 7;
const STATISTICS: u16 = 8;
const SYSTEM_STATISTICS: u16 = 9;

/// Exit status of a thread that has none yet; never shown.
const STILL_ACTIVE: u32 = 0x103;

/// Where path and command line of a new process begin: behind two security identifiers.
fn create_strings<'a>(details: &'a [u8]) -> Option<(WinStr<'a>, WinStr<'a>)> {
    let path = Info(details.u16_at(0x2E)?);
    let command_line = Info(details.u16_at(0x30)?);
    let sids = usize::from(details.u8_at(0x2C)?) + usize::from(details.u8_at(0x2D)?);
    let at = 0x34 + sids;
    Some((path.string(details, at), command_line.string(details, at + path.size())))
}

/// The image path, of the operations that have one.
pub(super) fn path<'a>(event: &Event<'a>) -> WinStr<'a> {
    let details = event.details();
    match event.operation().code {
        DEFINED | CREATE => create_strings(details).map(|strings| strings.0).unwrap_or_default(),
        LOAD_IMAGE => {
            let pointer = event.log().index.pointer();
            Info(details.u16_at(pointer + 4).unwrap_or(0)).string(details, pointer + 8)
        }
        _ => WinStr::EMPTY,
    }
}

/// All properties.
pub(super) fn detail(event: &Event<'_>, to: &mut Properties<'_>) -> Decoded {
    let details = event.details();
    let written = match event.operation().code {
        DEFINED | CREATE => create(details, to),
        EXIT | STATISTICS => exit(details, to),
        THREAD_CREATE => details.u32_at(0).map(|tid| value::decimal(to.key("Thread ID"), tid.into())),
        THREAD_EXIT => thread_exit(event, to),
        LOAD_IMAGE => load_image(event, to),
        THREAD_PROFILE => Some(()),
        START => start(details, to),
        SYSTEM_STATISTICS => system_statistics(details, to),
        _ => None,
    };
    if written.is_some() { Decoded::Yes } else { Decoded::No }
}

/// All numbers.
pub(super) fn numbers(event: &Event<'_>, numbers: &mut impl NumberSink) {
    let details = event.details();
    let pointer = event.log().index.pointer();
    let status = |d: &[u8]| d.u32_at(0).map(|v| v as i32 as i64 as u64);
    match event.operation().code {
        DEFINED | CREATE => numbers.set_if(Number::TargetPid, details.u32_at(4)),
        EXIT => numbers.set_if(Number::ExitStatus, status(details)),
        THREAD_CREATE => numbers.set_if(Number::TargetTid, details.u32_at(0)),
        THREAD_EXIT => {
            numbers.set(Number::TargetTid, u64::from(event.tid()));
            if details.u32_at(0) != Some(STILL_ACTIVE) {
                numbers.set_if(Number::ExitStatus, status(details));
            }
        }
        LOAD_IMAGE => {
            let base = if pointer == 8 { details.u64_at(0) } else { details.u32_at(0).map(u64::from) };
            numbers.set_if(Number::ImageBase, base);
            numbers.set_if(Number::ImageSize, details.u32_at(pointer));
        }
        _ => {}
    }
}

fn create(details: &[u8], to: &mut Properties<'_>) -> Option<()> {
    let (_, command_line) = create_strings(details)?;
    value::decimal(to.key("PID"), details.u32_at(4)?.into());
    command_line.push_to(to.key("Command line"));
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
    let (details, pointer) = (event.details(), event.log().index.pointer());
    let base = if pointer == 8 { details.u64_at(0)? } else { details.u32_at(0)?.into() };
    value::hex(to.key("Image Base"), base);
    value::hex(to.key("Image Size"), details.u32_at(pointer)?.into());
    Some(())
}

fn start(details: &[u8], to: &mut Properties<'_>) -> Option<()> {
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
    // Each entry, the empty one that ends the block included, stands on a line of its own.
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
