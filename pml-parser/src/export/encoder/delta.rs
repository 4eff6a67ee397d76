//! Parquet's DELTA_BINARY_PACKED: numbers as differences to the one before.

use super::hybrid::push_varint;

/// Differences of a block, and of each of its parts.
const BLOCK: usize = 128;
const PART: usize = 32;

/// Appends all numbers of a page. `narrow` numbers have 32 bits, and their differences wrap around there.
pub(super) fn push(numbers: &[i64], narrow: bool, out: &mut Vec<u8>) {
    push_varint(BLOCK as u64, out);
    push_varint((BLOCK / PART) as u64, out);
    push_varint(numbers.len() as u64, out);
    let Some((&first, rest)) = numbers.split_first() else {
        push_varint(0, out);
        return;
    };
    push_zigzag(if narrow { i64::from(first as i32) } else { first }, out);
    let mut last = first;
    let mut deltas = [0u64; BLOCK];
    for block in rest.chunks(BLOCK) {
        let mut least = i64::MAX;
        for (delta, &number) in deltas.iter_mut().zip(block) {
            let difference = number.wrapping_sub(last);
            let difference = if narrow { i64::from(difference as i32) } else { difference };
            last = number;
            least = least.min(difference);
            *delta = difference as u64;
        }
        push_zigzag(least, out);
        let used = deltas.get_mut(..block.len()).unwrap_or_default();
        used.iter_mut().for_each(|delta| *delta = delta.wrapping_sub(least as u64));
        let widths = out.len();
        out.extend_from_slice(&[0; BLOCK / PART]);
        for (part, differences) in used.chunks(PART).enumerate() {
            let bits = differences.iter().fold(0, |bits, delta| bits | delta);
            let width = u64::BITS - bits.leading_zeros();
            if let Some(slot) = out.get_mut(widths + part) {
                *slot = width as u8;
            }
            push_packed(differences, width, out);
        }
    }
}

fn push_zigzag(number: i64, out: &mut Vec<u8>) {
    push_varint(((number << 1) ^ (number >> 63)) as u64, out);
}

/// Appends numbers of `width` bits, filled up with zeros to a whole part.
fn push_packed(numbers: &[u64], width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let end = out.len() + PART / 8 * width as usize;
    let (mut bits, mut count) = (0u64, 0);
    for &number in numbers {
        bits |= number << count;
        count += width;
        if count >= u64::BITS {
            out.extend_from_slice(&bits.to_le_bytes());
            count -= u64::BITS;
            bits = if count == 0 { 0 } else { number >> (width - count) };
        }
    }
    if count > 0 {
        out.extend_from_slice(&bits.to_le_bytes());
    }
    out.resize(end, 0);
}
