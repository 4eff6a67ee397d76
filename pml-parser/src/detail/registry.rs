//! Details of the registry class (docs/format.md, "Registry details").

use super::number::NumberSink;
use super::{CELL_LIMIT, Decoded, Fidelity, Properties, TextOptions, value};
use crate::columns::Number;
use crate::log::event::Event;
use crate::names::category::Category;
use crate::names::operation::Operation;
use crate::names::{flags, registry as names};
use crate::raw::bytes::Blob;
use crate::raw::strings::Info;
use crate::text::WinStr;
use crate::time::FileTime;

/// The details of a registry event, with the positions of their parts.
#[derive(Clone, Copy)]
pub(super) struct RegistryDetails<'e, 'a> {
    event: &'e Event<'a>,
    details: &'a [u8],
    extra: Option<&'a [u8]>,
    operation: Operation,
    path: Info,
    path_at: usize,
}

impl<'e, 'a> RegistryDetails<'e, 'a> {
    /// `None` where the layout of the operation is unknown, or the fixed part is cut off.
    #[inline(always)]
    pub(super) fn new(event: &'e Event<'a>, operation: Operation) -> Option<Self> {
        let (details, extra) = (event.details(), event.extra());
        let path_at = operation.registry()?.fixed;
        let path = Info(details.u16_at(0)?);
        (details.len() >= path_at).then_some(())?;
        Some(Self { event, details, extra, operation, path, path_at })
    }

    /// The path: the key, and for a value `\` and the name of the value.
    #[inline(always)]
    pub(super) fn path(&self) -> WinStr<'a> {
        let path = self.path.string(self.details, self.path_at);
        self.event.kernel_names().map_or(path, |names| names.key(path))
    }

    /// Where the path, and the file of the hive that is loaded, lie in the details: the length word, the beginning,
    /// the bytes.
    pub(super) fn name_places(&self) -> [Option<(usize, usize, usize)>; 2] {
        let hive = Info(self.details.u16_at(2).unwrap_or(0));
        let loads = self.operation == Operation::REG_LOAD_KEY;
        [Some((0, self.path_at, self.path.size())), loads.then(|| (2, self.behind_path(), hive.size()))]
    }

    /// The file of the hive that is loaded.
    pub(super) fn hive(&self) -> WinStr<'a> {
        let hive = self.string(1);
        self.event.kernel_names().map_or(hive, |names| names.file(hive))
    }

    fn behind_path(&self) -> usize {
        self.path_at + self.path.size()
    }

    fn word(&self, at: usize) -> u32 {
        self.details.u32_at(at).unwrap_or(0)
    }

    /// String `nth` after the path, from 1. The length words of these strings follow that of the path.
    fn string(&self, nth: usize) -> WinStr<'a> {
        let info = |i: usize| Info(self.details.u16_at(2 * i).unwrap_or(0));
        let at = (1..nth).fold(self.behind_path(), |at, i| at + info(i).size());
        info(nth).string(self.details, at)
    }
}

/// The data of a value, as far as the data was captured.
struct ValueData<'a> {
    kind: u32,
    /// Length of the value in bytes.
    length: u32,
    /// The captured bytes, from the extra blob or the details.
    data: &'a [u8],
    /// The data and the rest of the file, into which Process Monitor reads on.
    beyond: &'a [u8],
    /// Number of these bytes that Process Monitor shows of a binary value.
    shown: usize,
    name: Option<WinStr<'a>>,
}

/// Category of opening or creating a key: Write when the key was created, else Read.
pub(super) fn category(event: &Event<'_>) -> Category {
    match event.extra().and_then(|extra| extra.u32_at(4)) {
        Some(1) => Category::Write,
        _ => Category::Read,
    }
}

/// The file of a hive operation, or the new name of a key.
pub(super) fn target_path<'a>(call: &RegistryDetails<'_, 'a>) -> Option<WinStr<'a>> {
    match call.operation {
        Operation::REG_LOAD_KEY => Some(call.hive()),
        Operation::REG_RENAME_KEY | Operation::REG_RESTORE_KEY | Operation::REG_SAVE_KEY => {
            Some(call.string(1))
        }
        Operation::REG_REPLACE_KEY => Some(call.string(2)),
        _ => None,
    }
}

/// Writes all properties.
pub(super) fn detail(call: &RegistryDetails<'_, '_>, to: &mut Properties<'_>) -> Decoded {
    match call.operation {
        Operation::REG_OPEN_KEY | Operation::REG_CREATE_KEY => open_key(call, to),
        Operation::REG_QUERY_KEY | Operation::REG_ENUM_KEY => query_key(call, to),
        Operation::REG_SET_VALUE => {
            if let Some(data) = set_value_data(call) {
                write_value(&data, to, call.details.u16_at(12) != Some(0));
            }
        }
        Operation::REG_QUERY_VALUE | Operation::REG_ENUM_VALUE => return query_value(call, to),
        Operation::REG_SET_INFO_KEY => set_info_key(call, to),
        Operation::REG_LOAD_KEY => call.hive().push_to(to.key("Hive Path")),
        Operation::REG_RENAME_KEY => call.string(1).push_to(to.key("New Name")),
        Operation::REG_RESTORE_KEY => {
            call.string(1).push_to(to.key("File Name"));
            let shown = call.word(4) & flags::RESTORE_KEY_SHOWN;
            value::flags(to.key("Flags"), &flags::RESTORE_KEY, shown);
        }
        Operation::REG_SAVE_KEY => {
            call.string(1).push_to(to.key("File Name"));
            let format = call.word(4);
            named_or_unknown(to.key("Format"), names::save_format(format), format, "");
        }
        Operation::REG_REPLACE_KEY => {
            call.string(1).push_to(to.key("Old File Name"));
            call.string(2).push_to(to.key("New File Name"));
        }
        _ => {}
    }
    Decoded::Yes
}

/// Passes all numbers to `numbers`.
pub(super) fn numbers(call: &RegistryDetails<'_, '_>, numbers: &mut impl NumberSink) {
    match call.operation {
        Operation::REG_OPEN_KEY | Operation::REG_CREATE_KEY => {
            numbers.set(Number::DesiredAccess, call.word(4).into());
            if let Some(extra) = call.extra {
                numbers.set_if(Number::GrantedAccess, extra.u32_at(0));
                numbers.set_if(Number::OpenResult, extra.u32_at(4));
            }
        }
        Operation::REG_QUERY_KEY | Operation::REG_QUERY_VALUE => {
            numbers.set(Number::Length, call.word(4).into());
            numbers.set(Number::InformationClass, call.word(8).into());
        }
        Operation::REG_ENUM_KEY | Operation::REG_ENUM_VALUE => {
            numbers.set(Number::Length, call.word(4).into());
            numbers.set(Number::Index, call.word(8).into());
            numbers.set(Number::InformationClass, call.word(12).into());
        }
        Operation::REG_SET_INFO_KEY => numbers.set(Number::InformationClass, call.word(4).into()),
        _ => {}
    }
    let Some(data) = value_data(call) else { return };
    numbers.set(Number::RegistryType, data.kind.into());
    numbers.set(Number::RegistryDataSize, data.length.into());
    numbers.set_if(Number::RegistryNumber, data.number());
}

/// Appends the data of a value as text. `false` where the event has no data of a value.
pub(super) fn push_data(call: &RegistryDetails<'_, '_>, out: &mut String) -> bool {
    match value_data(call) {
        Some(data) if data.length > 0 && !data.data.is_empty() => {
            write_data(&data, out, Fidelity::Corrected);
            true
        }
        _ => false,
    }
}

/// The data that an operation sets or returned.
fn value_data<'a>(call: &RegistryDetails<'_, 'a>) -> Option<ValueData<'a>> {
    match call.operation {
        Operation::REG_SET_VALUE => set_value_data(call),
        Operation::REG_QUERY_VALUE => queried_data(call, call.word(8)),
        Operation::REG_ENUM_VALUE => queried_data(call, call.word(12)),
        _ => None,
    }
}

fn set_value_data<'a>(call: &RegistryDetails<'_, 'a>) -> Option<ValueData<'a>> {
    let at = call.behind_path();
    let captured = usize::from(call.details.u16_at(12)?);
    Some(ValueData {
        kind: call.word(4),
        length: call.word(8),
        data: call.details.clip(at, captured),
        beyond: call.event.file_from(call.details, at),
        shown: captured.min(call.word(8) as usize),
        name: None,
    })
}

/// The data that a query returned, by information class: 1 is full, 2 is partial information.
fn queried_data<'a>(call: &RegistryDetails<'_, 'a>, class: u32) -> Option<ValueData<'a>> {
    let extra = call.extra?;
    // `front` is the number of bytes before the data that Process Monitor assumes for binary values: the size
    // of the C structure, without the name.
    let (length, at, name, front) = match class {
        1 => {
            let name = WinStr::utf16(extra.clip(20, extra.u32_at(16)? as usize));
            (extra.u32_at(12)?, extra.u32_at(8)? as usize, Some(name), 24)
        }
        2 => (extra.u32_at(8)?, 12, None, 12),
        _ => return None,
    };
    Some(ValueData {
        kind: extra.u32_at(4)?,
        length,
        data: extra.clip(at, length as usize),
        beyond: call.event.file_from(extra, at),
        shown: (length as usize).min(extra.len().saturating_sub(front)),
        name,
    })
}

fn open_key(call: &RegistryDetails<'_, '_>, to: &mut Properties<'_>) {
    let desired = call.word(4);
    if desired == 0 {
        return;
    }
    let out = to.key("Desired Access");
    let start = out.len();
    value::flags(out, &flags::KEY_ACCESS, desired);
    let is_maximum = out.get(start..) == Some("Maximum Allowed");
    let Some(extra) = call.extra else { return };
    if is_maximum && let Some(granted) = extra.u32_at(0) {
        value::flags(to.key("Granted Access"), &flags::KEY_ACCESS, granted);
    }
    match extra.u32_at(4) {
        None => {}
        Some(0) if call.operation == Operation::REG_OPEN_KEY => {}
        Some(0) => _ = to.key("Disposition"),
        Some(number) => {
            named_or_unknown(to.key("Disposition"), names::disposition(number), number, "");
        }
    }
}

/// Appends a name, or `<Unknown: N>` with `before_end` before the closing bracket.
fn named_or_unknown(out: &mut String, name: Option<&str>, number: u32, before_end: &str) {
    match name {
        Some(name) => out.push_str(name),
        None => {
            out.push_str("<Unknown: ");
            value::decimal(out, number.into());
            out.push_str(before_end);
            out.push('>');
        }
    }
}

fn query_key(call: &RegistryDetails<'_, '_>, to: &mut Properties<'_>) {
    let class = if call.operation == Operation::REG_ENUM_KEY {
        value::grouped(to.key("Index"), call.word(8).into());
        call.word(12)
    } else {
        let class = call.word(8);
        named_or_unknown(to.key("Query"), names::key_query(class), class, " ");
        class
    };
    let Some(extra) = call.extra else {
        return value::grouped(to.key("Length"), call.word(4).into());
    };
    let mut counted = |size_at: usize, at: usize| {
        let size = extra.u32_at(size_at).unwrap_or(0) as usize;
        WinStr::utf16(extra.clip(at, size)).push_to(to.key("Name"));
    };
    match class {
        0 => counted(12, 16),
        1 => counted(20, 24),
        2 | 4 => {
            let (sub_keys, values) = if class == 2 { (20, 32) } else { (12, 20) };
            for (key, at) in [("SubKeys", sub_keys), ("Values", values)] {
                value::grouped(to.key(key), extra.u32_at(at).unwrap_or(0).into());
            }
        }
        5 => value::hex(to.key("UserFlags"), extra.u32_at(0).unwrap_or(0).into()),
        7 => value::hex(to.key("HandleTags"), extra.u32_at(0).unwrap_or(0).into()),
        _ => {}
    }
}

fn query_value(call: &RegistryDetails<'_, '_>, to: &mut Properties<'_>) -> Decoded {
    let class = if call.operation == Operation::REG_ENUM_VALUE {
        value::grouped(to.key("Index"), call.word(8).into());
        call.word(12)
    } else {
        call.word(8)
    };
    let Some(extra) = call.extra else {
        value::grouped(to.key("Length"), call.word(4).into());
        return Decoded::Yes;
    };
    if class == 0 {
        write_type(extra.u32_at(4).unwrap_or(0), to);
        return Decoded::Yes;
    }
    let Some(data) = queried_data(call, class) else { return Decoded::No };
    if let (Operation::REG_ENUM_VALUE, Some(name)) = (call.operation, data.name) {
        name.push_to(to.key("Name"));
    }
    write_value(&data, to, data.length > 0);
    Decoded::Yes
}

fn write_type(kind: u32, to: &mut Properties<'_>) {
    named_or_unknown(to.key("Type"), names::value_type(kind), kind, "");
}

/// Writes the type, the length, and the data if `has_data`.
fn write_value(data: &ValueData<'_>, to: &mut Properties<'_>, has_data: bool) {
    write_type(data.kind, to);
    value::grouped(to.key("Length"), data.length.into());
    if has_data {
        let fidelity = to.options.fidelity;
        write_data(data, to.key("Data"), fidelity);
    }
}

impl ValueData<'_> {
    /// The number of a value with a number type, or `None` where bytes of the number are missing.
    fn number(&self) -> Option<u64> {
        match self.kind {
            names::DWORD => self.data.u32_at(0).map(u64::from),
            names::DWORD_BIG_ENDIAN => self.data.u32_at(0).map(|v| u64::from(v.swap_bytes())),
            names::QWORD => self.data.u64_at(0),
            _ => None,
        }
    }
}

/// Appends the data as text.
fn write_data(data: &ValueData<'_>, out: &mut String, fidelity: Fidelity) {
    match fidelity {
        Fidelity::Procmon => write_data_as_procmon(data, out),
        Fidelity::Corrected => match (data.kind, data.number()) {
            (_, Some(number)) => value::decimal(out, number),
            (names::SZ | names::EXPAND_SZ | names::LINK, _) => WinStr::utf16(data.data).push_to(out),
            (names::MULTI_SZ, _) => strings(data.data, out),
            _ => hex_bytes(out, data.data),
        },
    }
}

/// The most bytes of a text that a cell can show. Process Monitor reads more, but shows no more.
const CELL_BYTES: usize = 2 * CELL_LIMIT + 2;

/// Appends the data as Process Monitor shows it. Process Monitor shows no numbers but `REG_DWORD`, and reads
/// on after the end of the event.
fn write_data_as_procmon(data: &ValueData<'_>, out: &mut String) {
    let length = data.length as usize;
    match data.kind {
        names::DWORD if length > 0 => data.number().into_iter().for_each(|v| value::decimal(out, v)),
        // Process Monitor takes the length in bytes for a length in characters.
        names::SZ | names::EXPAND_SZ => {
            let bytes = length.saturating_mul(2).min(CELL_BYTES);
            WinStr::utf16(data.beyond.clip(0, bytes)).push_to(out);
        }
        names::MULTI_SZ => {
            let (start, mut at) = (out.len(), 0);
            // While more than one character is left, Process Monitor reads another text up to its NUL. A
            // forged length could lead through a whole file of NULs, which show nothing, so the data is
            // limited.
            while length.saturating_sub(at) > 2
                && at < data.beyond.len().min(4 * CELL_BYTES)
                && out.len() - start <= 3 * CELL_LIMIT
            {
                let text = WinStr::utf16(data.beyond.clip(at, CELL_BYTES));
                if out.len() > start {
                    out.push_str(", ");
                }
                text.push_to(out);
                at += text.raw().len() + 2;
            }
        }
        names::BINARY | names::NONE => hex_bytes(out, data.beyond.clip(0, data.shown.min(CELL_BYTES))),
        _ => {}
    }
}

/// Appends upper-case hexadecimal bytes, separated by blanks.
fn hex_bytes(out: &mut String, bytes: &[u8]) {
    for (i, &byte) in bytes.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        value::hex_byte(out, byte);
    }
}

/// Appends several strings. A NUL ends each string, and two NULs end the last one.
fn strings(data: &[u8], out: &mut String) {
    let mut rest = data;
    while rest.len() >= 2 {
        let text = WinStr::utf16(rest);
        if text.is_empty() {
            break;
        }
        if rest.len() < data.len() {
            out.push_str(", ");
        }
        text.push_to(out);
        rest = rest.get(text.raw().len() + 2..).unwrap_or_default();
    }
}

fn set_info_key(call: &RegistryDetails<'_, '_>, to: &mut Properties<'_>) {
    let class = call.word(4);
    let captured = call.details.u16_at(12).unwrap_or(0);
    let out = to.key("KeySetInformationClass");
    named_or_unknown(out, names::key_set_information(class), class, " ");
    value::grouped(to.key("Length"), captured.into());
    if captured == 0 {
        return;
    }
    let at = call.behind_path();
    let options: &TextOptions = to.options;
    match class {
        0 => {
            let time = FileTime(call.details.u64_at(at).unwrap_or(0));
            value::date(to.key("LastWriteTime"), time, options);
        }
        1 => value::hex(to.key("Wow64Flags"), call.word(at).into()),
        5 => value::hex(to.key("HandleTags"), call.word(at).into()),
        _ => {}
    }
}
