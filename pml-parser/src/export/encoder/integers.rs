//! Distinct numbers, numbered in the order in which they first come.

use super::Seeds;

/// A dictionary of numbers: a table with open addressing, whose hash is one keyed multiplication.
pub(super) struct IntegerDictionary {
    seeds: Seeds,
    /// Number of the entry and 1, or 0. A power of two.
    slots: Vec<u32>,
    pub entries: Vec<i64>,
}

/// Slots at the beginning.
const SLOTS: usize = 256;

impl IntegerDictionary {
    pub(super) fn new(seeds: Seeds) -> Self {
        Self { seeds, slots: vec![0; SLOTS], entries: Vec::new() }
    }

    /// Appends the numbers of the entries of these values.
    pub(super) fn number(&mut self, values: &[i64], numbers: &mut Vec<u32>) {
        numbers.reserve(values.len());
        let Some(&first) = values.first() else { return };
        let mut last = (first, self.find(first));
        for &value in values {
            if value != last.0 {
                last = (value, self.find(value));
            }
            numbers.push(last.1);
        }
    }

    fn place(&self, value: i64) -> usize {
        let product = (value as u64 ^ self.seeds.add).wrapping_mul(self.seeds.multiply);
        (product >> (u64::BITS - self.slots.len().trailing_zeros())) as usize
    }

    fn find(&mut self, value: i64) -> u32 {
        let mut place = self.place(value);
        while let Some(&slot) = self.slots.get(place) {
            let Some(number) = slot.checked_sub(1) else { break };
            if self.entries.get(number as usize) == Some(&value) {
                return number;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
        let number = self.entries.len() as u32;
        self.entries.push(value);
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = number + 1;
        }
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    #[cold]
    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 4];
        for number in 0..self.entries.len() {
            let mut place = self.entries.get(number).map_or(0, |&value| self.place(value));
            while self.slots.get(place).is_some_and(|&slot| slot != 0) {
                place = (place + 1) & (self.slots.len() - 1);
            }
            if let Some(slot) = self.slots.get_mut(place) {
                *slot = number as u32 + 1;
            }
        }
    }
}
