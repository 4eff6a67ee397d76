//! The numbers inside event details that queries want as numbers.

use crate::columns::Number;

/// The numbers of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// By the number's value, which of them the event has.
    present: u64,
    values: [u64; Number::COUNT],
}

const _: () = assert!(Number::COUNT <= u64::BITS as usize, "`Numbers::present` has one bit for each number");

impl Default for Numbers {
    fn default() -> Self {
        Self { present: 0, values: [0; Number::COUNT] }
    }
}

impl Numbers {
    /// The raw value, zero- or sign-extended to 64 bits.
    pub fn get(&self, number: Number) -> Option<u64> {
        let at = number as usize;
        (self.present >> at & 1 == 1).then(|| self.values.get(at).copied()).flatten()
    }
}

/// Takes the numbers of an event. Of a number that is set twice the last value counts.
pub(crate) trait NumberSink {
    fn set(&mut self, number: Number, value: u64);

    fn set_if(&mut self, number: Number, value: Option<impl Into<u64>>) {
        if let Some(value) = value {
            self.set(number, value.into());
        }
    }
}

impl NumberSink for Numbers {
    #[expect(clippy::indexing_slicing, reason = "there is a place for every number; none is dropped")]
    fn set(&mut self, number: Number, value: u64) {
        debug_assert!(fits(number, value), "{number:?} is {value:#X}: its column has too few bits");
        let at = number as usize;
        self.values[at] = value;
        self.present |= 1 << at;
    }
}

/// Whether the column of a number holds a value: without loss, with or without a sign.
fn fits(number: Number, value: u64) -> bool {
    match number.kind().bits() {
        Some(bits @ 1..=63) => value >> bits == 0 || (value as i64) >> (bits - 1) == -1,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_more_bits_than_its_column_does_not_fit() {
        let eight = Number::Disposition;
        assert_eq!(eight.kind(), crate::columns::Type::U8);
        assert!(fits(eight, 0xFF) && !fits(eight, 0x100));
        let signed = Number::ExitStatus;
        assert!(fits(signed, -1_i64 as u64) && fits(signed, 0xFFFF_FFFF) && !fits(signed, 1 << 32));
        assert!(fits(Number::ImageBase, u64::MAX));
    }

    #[test]
    fn every_number_is_kept_apart() {
        let mut numbers = Numbers::default();
        for (at, &number) in Number::ALL.iter().enumerate() {
            assert_eq!(numbers.get(number), None);
            numbers.set(number, 7);
            numbers.set(number, at as u64);
            assert!(
                Number::ALL.iter().take(at + 1).enumerate().all(|(v, &n)| numbers.get(n) == Some(v as u64))
            );
        }
    }
}
