//! Writes single values: numbers, dates, flags (docs/format.md, "Values").
//!
//! Values are appended to a `String` that the caller reuses. Nothing else is allocated.

use super::TextOptions;
use crate::names::flags::Flags;
use crate::time::{Civil, FileTime, TICKS_PER_SECOND};
use std::fmt::Write;

/// Decimal digits.
pub(crate) fn decimal(out: &mut String, value: u64) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Decimal digits with a sign.
pub(crate) fn signed(out: &mut String, value: i64) {
    out.push_str(itoa::Buffer::new().format(value));
}

/// Decimal digits in groups of three, or `-1` where all bits are set.
pub(crate) fn thousands(out: &mut String, value: u64) {
    if value == u64::MAX {
        return out.push_str("-1");
    }
    grouped(out, value);
}

/// Decimal digits in groups of three, for 32-bit values, which have no `-1`.
pub(crate) fn grouped(out: &mut String, value: u64) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value);
    let head = (digits.len() - 1) % 3 + 1;
    let (first, rest) = digits.split_at(head);
    out.push_str(first);
    let mut rest = rest;
    while let Some((group, tail)) = rest.split_at_checked(3) {
        out.push(',');
        out.push_str(group);
        rest = tail;
    }
}

/// `0x` and lower-case hexadecimal digits.
pub(crate) fn hex(out: &mut String, value: u64) {
    out.push_str("0x");
    hex_digits(out, value);
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex_digits(out: &mut String, value: u64) {
    let digits = (64 - value.leading_zeros()).div_ceil(4).max(1);
    let mut text = [0; 16];
    for (digit, byte) in (0..digits).rev().zip(&mut text) {
        *byte = nibble(value >> (digit * 4), b'a');
    }
    push_ascii(out, text.get(..digits as usize).unwrap_or_default());
}

/// Appends bytes that are ASCII.
fn push_ascii(out: &mut String, bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        out.push_str(text);
    }
}

/// `0x` and upper-case hexadecimal digits.
pub(crate) fn upper_hex(out: &mut String, value: u64) {
    let start = out.len() + 2;
    hex(out, value);
    if let Some(digits) = out.get_mut(start..) {
        digits.make_ascii_uppercase();
    }
}

/// A LUID, high part first: `00000000:000003e7`.
pub(crate) fn luid(out: &mut String, value: u64) {
    for digit in (0..16).rev() {
        out.push(char::from(nibble(value >> (digit * 4), b'a')));
        if digit == 8 {
            out.push(':');
        }
    }
}

/// Two upper-case hexadecimal digits.
pub(crate) fn hex_byte(out: &mut String, byte: u8) {
    out.push(char::from(nibble(u64::from(byte >> 4), b'A')));
    out.push(char::from(nibble(u64::from(byte), b'A')));
}

fn nibble(value: u64, ten: u8) -> u8 {
    let low = (value & 0xF) as u8;
    if low < 10 { b'0' + low } else { ten + low - 10 }
}

/// `True` or `False`.
pub(crate) fn boolean(out: &mut String, value: bool) {
    out.push_str(if value { "True" } else { "False" });
}

/// Ticks as seconds with seven decimals. Process Monitor calculates with doubles. The loss of precision shows
/// only in values that no real duration has.
pub(crate) fn seconds(out: &mut String, ticks: u64) {
    if ticks >> 52 != 0 {
        // Writing to a `String` cannot fail.
        let _ = write!(out, "{:.7}", ticks as f64 / TICKS_PER_SECOND as f64);
        return;
    }
    decimal(out, ticks / TICKS_PER_SECOND);
    out.push('.');
    padded(out, ticks % TICKS_PER_SECOND, 7);
}

/// Decimal digits with leading zeros.
pub(crate) fn padded(out: &mut String, value: u64, width: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value);
    for _ in digits.len()..width {
        out.push('0');
    }
    out.push_str(digits);
}

/// `M/D/YYYY h:mm:ss AM`, or the signed number where bit 63 is set.
pub(crate) fn date(out: &mut String, time: FileTime, options: &TextOptions) {
    match options.zone.local(time).civil() {
        Some(c) => {
            decimal(out, u64::from(c.month));
            out.push('/');
            decimal(out, u64::from(c.day));
            out.push('/');
            decimal(out, u64::from(c.year));
            out.push(' ');
            clock(out, &c, false);
        }
        None => signed(out, time.0 as i64),
    }
}

/// `h:mm:ss AM`, with seven decimals of the second if `decimals`.
pub(crate) fn clock(out: &mut String, c: &Civil, decimals: bool) {
    decimal(out, u64::from((c.hour + 11) % 12 + 1));
    out.push(':');
    padded(out, u64::from(c.minute), 2);
    out.push(':');
    padded(out, u64::from(c.second), 2);
    if decimals {
        out.push('.');
        padded(out, u64::from(c.ticks), 7);
    }
    out.push_str(if c.hour < 12 { " AM" } else { " PM" });
}

/// The names of the bits of a mask.
pub(crate) fn flags(out: &mut String, table: &Flags, value: u32) {
    let start = out.len();
    let mut left = value;
    for &(generic, specific) in table.generic {
        if value & generic != 0 {
            left = left & !generic | specific;
        }
    }
    for &(mask, name) in table.names {
        if left == 0 {
            break;
        }
        if left & mask == mask {
            if out.len() > start {
                out.push_str(table.separator);
            }
            out.push_str(name);
            left &= !mask;
        }
    }
    if left != 0 && table.rest {
        if out.len() > start {
            out.push_str(table.before_rest);
        }
        hex(out, u64::from(left));
    }
    if out.len() == start {
        out.push_str(table.empty);
    }
}

/// The name of a number, or `None` where the table has no name or an empty one.
pub(crate) fn named(table: &[&'static str], value: u32) -> Option<&'static str> {
    usize::try_from(value).ok().and_then(|at| table.get(at)).copied().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn numbers() {
        assert_eq!(text(|o| thousands(o, 0)), "0");
        assert_eq!(text(|o| thousands(o, 999)), "999");
        assert_eq!(text(|o| thousands(o, 1_000)), "1,000");
        assert_eq!(text(|o| thousands(o, 1_234_567)), "1,234,567");
        assert_eq!(text(|o| thousands(o, u64::MAX)), "-1");
        assert_eq!(text(|o| thousands(o, u64::MAX - 1)), "18,446,744,073,709,551,614");
        assert_eq!(text(|o| grouped(o, 0xFFFF_FFFF)), "4,294,967,295");
        assert_eq!(text(|o| hex(o, 0)), "0x0");
        assert_eq!(text(|o| hex(o, 0xFFFF_A90F)), "0xffffa90f");
        assert_eq!(text(|o| hex(o, u64::MAX)), "0xffffffffffffffff");
        assert_eq!(text(|o| seconds(o, 156_001)), "0.0156001");
    }

    #[test]
    fn dates() {
        let options = TextOptions::default();
        let date = |t| text(|o| date(o, FileTime(t), &options));
        assert_eq!(date(0), "1/1/1601 12:00:00 AM");
        assert_eq!(date(i64::MAX as u64), "9/14/30828 2:48:05 AM");
        assert_eq!(date(u64::MAX), "-1");
    }

    #[test]
    fn masks() {
        use crate::names::flags::{ATTRIBUTES, CREATE_OPTIONS, FILE_ACCESS, NOTIFY, SHARE_MODE};
        let flags = |table, value| text(|o| flags(o, table, value));
        assert_eq!(flags(&FILE_ACCESS, 0), "None 0x0");
        assert_eq!(flags(&FILE_ACCESS, 0x8000_0000), "Generic Read");
        assert_eq!(flags(&FILE_ACCESS, 0x10_0080), "Read Attributes, Synchronize");
        assert_eq!(flags(&ATTRIBUTES, 0x18_0020), "A 0x180000");
        assert_eq!(flags(&ATTRIBUTES, 0x8_0000), "0x80000");
        assert_eq!(flags(&ATTRIBUTES, 0), "n/a");
        assert_eq!(flags(&SHARE_MODE, 0), "None");
        assert_eq!(flags(&SHARE_MODE, 0xB), "Read, Write, 0x8");
        assert_eq!(flags(&NOTIFY, 0x8000), "*");
        assert_eq!(flags(&CREATE_OPTIONS, 0x1_0001), "Directory, Open Requiring Oplock");
    }
}
