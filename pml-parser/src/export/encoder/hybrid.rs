//! Parquet's hybrid of runs and bit-packed groups: numbers of dictionary entries, and levels.

use crate::arrow::column::Rows;

/// Groups of eight numbers that one header announces: the header is one byte.
const MOST_GROUPS: usize = 63;

/// Bits of the greatest of these numbers.
pub(super) fn width(numbers: &[u32]) -> u32 {
    u32::BITS - numbers.iter().fold(0, |bits, number| bits | number).leading_zeros()
}

/// Appends numbers of at most `width` bits.
pub(super) fn push(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut at = 0;
    // Where the groups begin that wait to be packed.
    let mut packed = 0;
    while let Some((&first, rest)) = numbers.get(at..).and_then(<[u32]>::split_first) {
        let group = rest.get(..7.min(rest.len())).unwrap_or_default();
        let differs = group.iter().fold(0, |bits, number| bits | (number ^ first)) != 0;
        if differs || (group.len() < 7 && packed < at) {
            at = (at + 8).min(numbers.len());
            continue;
        }
        push_packed(numbers.get(packed..at).unwrap_or_default(), width, out);
        let more = rest.iter().skip(group.len()).take_while(|&&number| number == first).count();
        let length = 1 + group.len() + more;
        push_run(length, first, width, out);
        at += length;
        packed = at;
    }
    push_packed(numbers.get(packed..).unwrap_or_default(), width, out);
}

/// Appends one number that comes `length` times.
pub(super) fn push_run(length: usize, number: u32, width: u32, out: &mut Vec<u8>) {
    push_varint((length as u64) << 1, out);
    out.extend_from_slice(number.to_le_bytes().get(..width.div_ceil(8) as usize).unwrap_or_default());
}

/// Appends numbers in groups of eight, the last one filled up with zeros.
fn push_packed(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    for groups in numbers.chunks(8 * MOST_GROUPS) {
        push_varint((groups.len().div_ceil(8) as u64) << 1 | 1, out);
        for group in groups.chunks(8) {
            match group.first_chunk::<8>() {
                Some(group) => push_eight(group, width, out),
                None => {
                    let mut filled = [0; 8];
                    filled.iter_mut().zip(group).for_each(|(slot, &number)| *slot = number);
                    push_eight(&filled, width, out);
                }
            }
        }
    }
}

/// Appends eight numbers: `width` bytes.
#[inline]
fn push_eight(group: &[u32; 8], width: u32, out: &mut Vec<u8>) {
    // Not with `map`, which is no inlined loop.
    let [a, b, c, d, e, f, g, h] = *group;
    let (a, b, c, d) = (u64::from(a), u64::from(b), u64::from(c), u64::from(d));
    let (e, f, g, h) = (u64::from(e), u64::from(f), u64::from(g), u64::from(h));
    if width <= 8 {
        let low = a | b << width | c << (2 * width) | d << (3 * width);
        let high = e | f << width | g << (2 * width) | h << (3 * width);
        push_bytes(low | high << (4 * width), width, out);
    } else if width <= 16 {
        let low = a | b << width | c << (2 * width) | d << (3 * width);
        let high = e | f << width | g << (2 * width) | h << (3 * width);
        let all = u128::from(low) | u128::from(high) << (4 * width);
        let end = out.len() + width as usize;
        out.extend_from_slice(&all.to_le_bytes());
        out.truncate(end);
    } else {
        let (mut bits, mut count) = (0u64, 0);
        for number in [a, b, c, d, e, f, g, h] {
            bits |= number << count;
            count += width;
            while count >= 8 {
                out.push(bits as u8);
                bits >>= 8;
                count -= 8;
            }
        }
    }
}

/// Appends the lowest `count` bytes, at most 8.
#[inline]
fn push_bytes(bits: u64, count: u32, out: &mut Vec<u8>) {
    let end = out.len() + count as usize;
    out.extend_from_slice(&bits.to_le_bytes());
    out.truncate(end);
}

/// Appends the levels of the rows `from..to`, of which those in `rows` have a value, after their length in bytes.
/// Without `rows` all have one.
pub(super) fn push_levels(rows: Option<&Rows>, from: usize, to: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    match rows {
        None => push_run(to - from, 1, 1, out),
        Some(rows) => push_bits(rows, from, to, out),
    }
    let length = (out.len() - start - 4) as u32;
    if let Some(slot) = out.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
}

fn push_bits(rows: &Rows, from: usize, to: usize, out: &mut Vec<u8>) {
    let mut packed: Vec<u8> = Vec::new();
    let flush = |packed: &mut Vec<u8>, out: &mut Vec<u8>| {
        for groups in packed.chunks(MOST_GROUPS) {
            push_varint((groups.len() as u64) << 1 | 1, out);
            out.extend_from_slice(groups);
        }
        packed.clear();
    };
    let mut at = from;
    while at < to {
        let byte = rows.eight(at);
        // A run that is shorter costs as much as it saves.
        const SHORTEST: usize = 32;
        let same = match byte {
            0 | 0xFF => {
                let mut end = at;
                while end < to && rows.eight(end) == byte {
                    end += 8;
                }
                end.min(to) - at
            }
            _ => 0,
        };
        if same >= SHORTEST {
            flush(&mut packed, out);
            push_run(same, u32::from(byte & 1), 1, out);
            at += same;
        } else {
            let kept = (to - at).min(8);
            packed.push(if kept < 8 { byte & !(u8::MAX << kept) } else { byte });
            at += 8;
        }
    }
    flush(&mut packed, out);
}

/// Appends a number in groups of seven bits.
pub(super) fn push_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
