//! A field of the details: its position, its format, and its number.
//!
//! The layouts of most file system operations are lists of such fields (`layout`). A property that no list
//! can describe is a function in `custom`.

use super::call::{Base, FileDetails};
use crate::columns::Number;
use crate::detail::number::NumberSink;
use crate::detail::{Properties, value};
use crate::names::flags::{self, Flags};
use crate::raw::bytes::Blob;
use crate::text::WinStr;
use crate::time::FileTime;

/// The position of a field: an offset of `bytes` bytes and `pointers` pointers from a base.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub base: Base,
    pub bytes: u16,
    pub pointers: u16,
}

/// A field of the details.
pub(crate) const fn details(bytes: u16) -> At {
    At { base: Base::Details, bytes, pointers: 0 }
}

/// A field of the parameters, at an offset of `bytes` bytes and `pointers` pointers.
pub(crate) const fn params(bytes: u16, pointers: u16) -> At {
    At { base: Base::Params, bytes, pointers }
}

/// A field of the trailer.
pub(crate) const fn trailer(bytes: u16) -> At {
    At { base: Base::Trailer, bytes, pointers: 0 }
}

/// A field of the extra blob.
pub(crate) const fn extra(bytes: u16) -> At {
    At { base: Base::Extra, bytes, pointers: 0 }
}

/// How a field is written.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// 64 bits, grouped digits.
    Thousands64,
    /// 32 bits, grouped digits.
    Thousands32,
    /// 64 bits, grouped digits. Process Monitor shows the low 32 bits.
    ThousandsLow32,
    /// 64 bits, grouped digits. Process Monitor shows them as a date.
    ThousandsAsDate,
    /// 32 bits in hexadecimal.
    Hex32,
    /// 64 bits in hexadecimal.
    Hex64,
    /// A pointer in hexadecimal.
    HexPointer,
    /// A `FILETIME`.
    Date,
    /// One byte, `True` unless it is 0.
    Bool8,
    /// The names of the bits of 16, 24 or 32 bits.
    Flags16(&'static Flags),
    Flags24(&'static Flags),
    Flags32(&'static Flags),
    /// The name of a number of 8 or 32 bits, or the text where it has no name.
    Named8(&'static [&'static str], &'static str),
    Named32(&'static [&'static str], &'static str),
    /// The name of a number, or the number in hexadecimal where it has no name.
    NamedOrHex32(&'static [&'static str]),
    /// A buffer alignment.
    Alignment,
    /// A volume serial number, `XXXX-XXXX`.
    Serial,
    /// 16 bytes as hexadecimal digits.
    Bytes16,
    /// A count of bytes at this position, and UTF-16 text at the given offset from the base.
    Counted(u16),
    /// Written by a function, including the key.
    Custom(fn(&FileDetails<'_>, &mut Properties<'_>)),
    /// Not written: only a number of the given bytes.
    Silent(usize),
}

/// One field.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub key: &'static str,
    pub at: At,
    pub kind: Kind,
    pub number: Option<Number>,
}

/// A field that is written.
pub(crate) const fn field(key: &'static str, at: At, kind: Kind) -> Field {
    Field { key, at, kind, number: None }
}

/// A property that a function writes.
pub(crate) const fn written(write: fn(&FileDetails<'_>, &mut Properties<'_>)) -> Field {
    Field { key: "", at: details(0), kind: Kind::Custom(write), number: None }
}

/// A field that has a number, but is not written.
pub(crate) const fn silent(at: At, size: usize, number: Number) -> Field {
    Field { key: "", at, kind: Kind::Silent(size), number: None }.is(number)
}

/// Bits of the column of a number.
pub(crate) const fn column_bits(number: Number) -> u32 {
    match number.kind().bits() {
        Some(bits) => bits,
        None => 0,
    }
}

impl Field {
    /// The same field, with this number. Does not compile where the number's column is narrower than the field.
    pub(crate) const fn is(mut self, number: Number) -> Self {
        assert!(
            !matches!(self.kind, Kind::Custom(_) | Kind::Bytes16),
            "this field is no number: write silent(position, bytes, Number::…) beside it"
        );
        assert!(
            self.bits() <= column_bits(number),
            "the column of this number has fewer bits than the field: correct its type in event_columns!"
        );
        self.number = Some(number);
        self
    }

    /// Bits of the field, as the type of a column has them.
    pub(crate) const fn bits(&self) -> u32 {
        8 * self.size(8).next_power_of_two() as u32
    }

    /// Size of the field in bytes.
    const fn size(&self, pointer: usize) -> usize {
        match self.kind {
            Kind::Bool8 | Kind::Named8(..) => 1,
            Kind::Flags16(_) => 2,
            Kind::Flags24(_) => 3,
            Kind::Thousands64 | Kind::ThousandsLow32 | Kind::ThousandsAsDate | Kind::Hex64 | Kind::Date => 8,
            Kind::HexPointer => pointer,
            Kind::Silent(size) => size,
            Kind::Bytes16 => 16,
            _ => 4,
        }
    }

    /// The raw number, or `None` where the blob ends before the end of the field.
    pub(crate) fn read(&self, call: &FileDetails<'_>) -> Option<u64> {
        let (blob, base) = call.base(self.at.base);
        let at = base + usize::from(self.at.bytes) + usize::from(self.at.pointers) * call.pointer;
        match self.size(call.pointer) {
            1 => blob.u8_at(at).map(u64::from),
            2 => blob.u16_at(at).map(u64::from),
            3 => blob.u32_at(at).map(|v| u64::from(v & 0xFF_FFFF)),
            4 => blob.u32_at(at).map(u64::from),
            8 => blob.u64_at(at),
            _ => blob.get(at..)?.first_chunk::<16>().map(|_| 0),
        }
    }

    /// Passes the number of this field to `numbers`, where the field has one.
    pub(crate) fn note(&self, call: &FileDetails<'_>, numbers: &mut impl NumberSink) {
        if let (Some(number), Some(value)) = (self.number, self.read(call)) {
            numbers.set(number, value);
        }
    }

    /// Writes the field as a property. `false` where the blob ends before the end of the field.
    pub(crate) fn write(&self, call: &FileDetails<'_>, to: &mut Properties<'_>) -> bool {
        match self.kind {
            Kind::Silent(_) => return true,
            Kind::Custom(write) => {
                write(call, to);
                return true;
            }
            _ => {}
        }
        let Some(raw) = self.read(call) else { return false };
        let (options, procmon) = (to.options, to.is_procmon());
        let out = to.key(self.key);
        let low = raw as u32;
        match self.kind {
            Kind::Thousands64 => value::thousands(out, raw),
            Kind::Thousands32 => value::grouped(out, raw),
            Kind::ThousandsLow32 if procmon => value::grouped(out, u64::from(low)),
            Kind::ThousandsLow32 => value::thousands(out, raw),
            Kind::ThousandsAsDate if procmon => value::date(out, FileTime(raw), options),
            Kind::ThousandsAsDate => value::thousands(out, raw),
            Kind::Hex32 | Kind::Hex64 | Kind::HexPointer => value::hex(out, raw),
            Kind::Date => value::date(out, FileTime(raw), options),
            Kind::Bool8 => value::boolean(out, raw != 0),
            Kind::Flags16(table) | Kind::Flags24(table) | Kind::Flags32(table) => {
                value::flags(out, table, low);
            }
            Kind::Named8(table, other) | Kind::Named32(table, other) => {
                out.push_str(value::named(table, low).unwrap_or(other));
            }
            Kind::NamedOrHex32(table) => match value::named(table, low) {
                Some(name) => out.push_str(name),
                None => value::hex(out, raw),
            },
            Kind::Alignment => match flags::ALIGNMENT.iter().find(|entry| entry.0 == low) {
                Some((_, name)) => out.push_str(name),
                None => {
                    value::decimal(out, raw + 1);
                    out.push_str(" Byte");
                }
            },
            Kind::Serial => {
                for (i, byte) in low.to_be_bytes().into_iter().enumerate() {
                    if i == 2 {
                        out.push('-');
                    }
                    value::hex_byte(out, byte);
                }
            }
            Kind::Bytes16 => {
                let (blob, base) = call.base(self.at.base);
                for &byte in blob.clip(base + usize::from(self.at.bytes), 16) {
                    value::hex_byte(out, byte);
                }
            }
            Kind::Counted(start) => {
                let (blob, base) = call.base(self.at.base);
                WinStr::utf16(blob.clip(base + usize::from(start), low as usize)).push_to(out);
            }
            Kind::Custom(_) | Kind::Silent(_) => {}
        }
        true
    }
}
