//! Properties of file system operations that no list of fields can describe, each as a function.

use super::call::{FileDetails, PARAMS};
use crate::detail::{Properties, sid, value};
use crate::names::operation::Operation;
use crate::names::{control, file_information, flags};
use crate::raw::bytes::Blob;
use crate::raw::strings::Info;
use crate::text::WinStr;

/// The search pattern of a directory query.
pub(super) fn pattern<'a>(call: &FileDetails<'a>) -> WinStr<'a> {
    let at = call.trailer_at();
    Info(call.details.u16_at(at).unwrap_or(0)).string(call.details, at + 2)
}

/// `Minor ID` of the generic form.
pub(super) fn write_minor(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    value::hex(to.key("Minor ID"), call.details.u8_at(0).unwrap_or(0).into());
}

/// `FASTIO_CHECK_IF_POSSIBLE`: the operation that is checked.
pub(super) fn write_checked_operation(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let read = call.details.u8_at(PARAMS + 8 + 2 * call.pointer).unwrap_or(0) != 0;
    to.key("Operation").push_str(if read { "Read" } else { "Write" });
}

/// `CreateFileMapping`: the kind of synchronization, and the protection of a new section.
///
/// On 64-bit logs, Process Monitor reads the protection from a wrong word.
pub(super) fn write_section(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let kind = call.param(0, 0).unwrap_or(0);
    let at = if to.is_procmon() { PARAMS + call.pointer } else { PARAMS + 4 };
    let protection = call.details.u32_at(at).unwrap_or(0);
    let out = to.key("SyncType");
    match kind {
        0 => out.push_str("SyncTypeOther"),
        1 => out.push_str("SyncTypeCreateSection"),
        other => {
            out.push_str("Unknown: ");
            value::decimal(out, u64::from(other));
        }
    }
    if kind == 1 {
        let out = to.key("PageProtection");
        if let Some((_, name)) = flags::PAGE_PROTECTION.iter().find(|(bit, _)| protection & bit != 0) {
            out.push_str(name);
        }
        if protection & 0x200 != 0 {
            out.push_str("|PAGE_NOCACHE");
        }
    }
}

/// `CreateFile`: the allocation size, where the disposition may create a file. Process Monitor shows only 32
/// of its 64 bits: the low half on 64-bit logs, the high half on 32-bit logs.
pub(super) fn write_allocation(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let disposition = call.param(0, 1).map(|options| options >> 24);
    let low = call.param(0, 5).unwrap_or(0);
    let high = call.param(4, 5).unwrap_or(0);
    let procmon = to.is_procmon();
    let out = to.key("AllocationSize");
    if !matches!(disposition, Some(0 | 2 | 3 | 5)) {
        out.push_str("n/a");
    } else if procmon {
        value::grouped(out, u64::from(if call.pointer == 8 { low } else { high }));
    } else {
        value::thousands(out, u64::from(high) << 32 | u64::from(low));
    }
}

/// `CreateFile`: the client on whose behalf the file is opened.
pub(super) fn write_impersonation(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let size = usize::from(call.trailer().u8_at(4).unwrap_or(0));
    if size > 0 {
        sid::push(to.key("Impersonating"), call.trailer().clip(8, size));
    }
}

/// `ReadFile`: the number of bytes returned if known, else the number of bytes requested.
pub(super) fn write_read_length(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let returned = call.extra.and_then(|extra| extra.u32_at(0));
    let length = returned.or(call.param(0, 0)).unwrap_or(0);
    value::grouped(to.key("Length"), u64::from(length));
}

/// The flags and the priority of reads and writes. Neither is shown if it is 0.
pub(super) fn write_io_flags(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let word = call.details.u32_at(8).unwrap_or(0);
    let shown = word & flags::IO_FLAGS_SHOWN;
    if shown != 0 {
        value::flags(to.key("I/O Flags"), &flags::IO_FLAGS, shown);
    }
    let priority = word >> 17 & 7;
    if priority != 0 {
        let out = to.key("Priority");
        match value::named(flags::PRIORITY, priority) {
            Some(name) => out.push_str(name),
            None => value::decimal(out, u64::from(priority)),
        }
    }
}

/// The names of a file's streams. Process Monitor shows at most one name per 72 bytes of the buffer.
pub(super) fn write_streams(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let extra = call.extra.unwrap_or_default();
    let most = if to.is_procmon() { extra.len() / 72 } else { usize::MAX };
    for (number, entry) in entries(extra, 24).take(most).enumerate() {
        to.separate();
        value::decimal(to.out, number as u64);
        to.out.push_str(": ");
        let size = entry.u32_at(4).unwrap_or(0) as usize;
        WinStr::utf16(entry.clip(24, size)).push_to(to.out);
    }
}

/// The entries of a list that is linked by offsets. Each entry must be at least `fixed` bytes after the one
/// before it, so the list ends.
fn entries(list: &[u8], fixed: usize) -> impl Iterator<Item = &[u8]> {
    let mut next = Some(list);
    std::iter::from_fn(move || {
        let entry = next.take().filter(|entry| entry.len() >= fixed)?;
        let step = entry.u32_at(0).unwrap_or(0) as usize;
        next = if step >= fixed { entry.get(step..) } else { None };
        Some(entry)
    })
}

/// The resolved new path of a rename, which the capture stores after the caller's buffer.
pub(super) fn rename_target<'a>(call: &FileDetails<'a>) -> WinStr<'a> {
    let (info_at, at, _) = rename_target_place(call);
    call.shown(Info(call.details.u16_at(info_at).unwrap_or(0)).string(call.details, at))
}

/// Where that path lies in the details: its length word, its beginning, its bytes.
pub(super) fn rename_target_place(call: &FileDetails<'_>) -> (usize, usize, usize) {
    let at = call.trailer_at().saturating_add(call.length());
    (at, at.saturating_add(2), Info(call.details.u16_at(at).unwrap_or(0)).size())
}

/// The name that the caller passed to a rename or link. The buffer holds the replace flag, the root handle, a
/// byte count and the name.
pub(super) fn raw_target<'a>(call: &FileDetails<'a>) -> WinStr<'a> {
    let buffer = call.trailer().clip(0, call.length());
    let size = buffer.u32_at(2 * call.pointer).unwrap_or(0) as usize;
    WinStr::utf16(buffer.clip(2 * call.pointer + 4, size))
}

/// The names of a rename, as they are stored: that which the caller passed, and that to which the file system resolved it.
pub(crate) fn stored_names_of_rename<'a>(
    details: &'a [u8],
    pointer: usize,
    operation: Operation,
) -> Option<(WinStr<'a>, WinStr<'a>)> {
    let call = FileDetails::stored(details, pointer, operation).filter(|_| operation.is_rename())?;
    Some((raw_target(&call), rename_target(&call)))
}

/// `FileName` of a rename. Process Monitor shows only the resolved path.
pub(super) fn write_rename_target(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let mut target = rename_target(call);
    if target.is_empty() && !to.is_procmon() {
        target = raw_target(call);
    }
    target.push_to(to.key("FileName"));
}

/// `FileName` of a link: the name that the caller passed.
pub(super) fn write_link_target(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    raw_target(call).push_to(to.key("FileName"));
}

/// Directory entries: the information class, the offsets of the length and of the start of a name, and
/// whether Process Monitor lists the names.
static DIRECTORY_ENTRIES: &[(u32, usize, usize, bool)] = &[
    (1, 60, 64, true),
    (2, 60, 68, true),
    (3, 60, 94, true),
    (12, 8, 12, true),
    (37, 60, 104, true),
    (38, 60, 80, true),
    (60, 60, 88, false),
    (63, 60, 114, false),
];

/// `QueryDirectory`: information class, pattern, and the names found, numbered by property.
pub(super) fn write_directory(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let class = call.param(0, 2).unwrap_or(0);
    // Names are numbered by their position among the properties.
    let mut number = if to.is_empty() { 1 } else { 2 };
    to.key("FileInformationClass").push_str(file_information::name(class));
    let pattern = pattern(call);
    if !pattern.is_empty() {
        pattern.push_to(to.key("Filter"));
        number += 1;
    }
    let layout = DIRECTORY_ENTRIES.iter().find(|entry| entry.0 == class);
    let Some(&(_, size_at, name_at, listed)) = layout else { return };
    if to.is_procmon() && !listed {
        return;
    }
    for entry in entries(call.extra.unwrap_or_default(), name_at) {
        let size = entry.u32_at(size_at).unwrap_or(0) as usize;
        // The buffer may have been cut in the middle of an entry.
        let Some(name) = entry.get(name_at..).and_then(|rest| rest.get(..size)) else { return };
        to.separate();
        value::decimal(to.out, number);
        to.out.push_str(": ");
        WinStr::utf16(name).push_to(to.out);
        number += 1;
        if to.is_procmon() && to.is_full() {
            return;
        }
    }
}

/// The name of the control code, or its parts where it has no name.
pub(super) fn write_control(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let code = call.param(0, 2).unwrap_or(0);
    let out = to.key("Control");
    if let Some(name) = control::name(code) {
        return out.push_str(name);
    }
    value::hex(out, u64::from(code));
    out.push_str(" (Device:");
    value::hex(out, u64::from(code >> 16));
    out.push_str(" Function:");
    value::decimal(out, u64::from(code >> 2 & 0xFFF));
    out.push_str(" Method: ");
    value::decimal(out, u64::from(code & 3));
    out.push(')');
}

/// The position of an argument of a file system control.
enum Argument {
    /// 64 bits of the trailer, at this offset.
    Trailer(usize),
    /// A 32-bit parameter, at an offset of this many pointers.
    Param(usize),
}

/// Control codes whose arguments are shown.
static CONTROL_ARGUMENTS: &[(u32, &[(&str, Argument)])] = &[
    (0x9_4264, &[("Offset", Argument::Trailer(16)), ("Length", Argument::Trailer(24))]),
    (0x9_8268, &[("Offset", Argument::Trailer(8)), ("Length", Argument::Trailer(16))]),
    (0x11_9FF8, &[("Length", Argument::Param(0))]),
    (0x11_6000, &[("Length", Argument::Param(1))]),
    (0x11_C017, &[("WriteLength", Argument::Param(0)), ("ReadLength", Argument::Param(1))]),
    (0x11_DFFF, &[("WriteLength", Argument::Param(0)), ("ReadLength", Argument::Param(1))]),
];

/// The arguments of a file system control.
pub(super) fn write_control_arguments(call: &FileDetails<'_>, to: &mut Properties<'_>) {
    let code = call.param(0, 2).unwrap_or(0);
    let found = CONTROL_ARGUMENTS.iter().find(|entry| entry.0 == code);
    for (key, argument) in found.map_or(&[][..], |entry| entry.1) {
        match *argument {
            Argument::Trailer(at) => {
                if let Some(v) = call.trailer().u64_at(at) {
                    value::thousands(to.key(key), v);
                }
            }
            Argument::Param(pointers) => {
                value::grouped(to.key(key), u64::from(call.param(0, pointers).unwrap_or(0)));
            }
        }
    }
}
