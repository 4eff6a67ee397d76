//! Joins the beginnings of operations with their ends, and puts them in the order of time.

use crate::log::offsets::{Joined, Pair};
use crate::raw::bytes::Blob;
use crate::time::TICKS_PER_SECOND;
use hashbrown::HashMap;

/// The most operations that are open at the same time. Of more, the oldest ones get no end.
const MOST_OPEN: usize = 1 << 20;
/// A later time than the last one by this much may be damaged: it counts once several records confirm it.
const JUMP: u64 = 3600 * TICKS_PER_SECOND;
/// Records that confirm a jump of the time.
const CONFIRMED: usize = 16;

/// Joins the records of one log.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    joined: Joined,
    /// The last open operation with each sequence number, as a position.
    open: HashMap<u32, u32>,
    /// Operations that were open when another began with the same number.
    older: HashMap<u32, Vec<u32>>,
    /// The time of the last operation that is in order.
    last: Option<u64>,
    /// Operations out of order: positions, ascending, and times.
    late: Vec<(u32, u64)>,
    /// How many of the last operations came much later than `last`.
    ahead: usize,
}

impl Joiner {
    /// Number of operations.
    pub(super) fn len(&self) -> usize {
        self.joined.pairs.len()
    }

    /// Adds an event, which a record at `at` begins; `is_open` says whether an end will follow.
    pub(super) fn begin(&mut self, at: u64, sequence: u32, time: u64, is_open: bool) {
        let position = self.len() as u32;
        self.joined.pairs.push(Pair::new(at));
        self.order(position, time);
        if is_open {
            if let Some(before) = self.open.insert(sequence, position) {
                self.older.entry(sequence).or_default().push(before);
            }
            if self.open.len() > MOST_OPEN {
                self.forget();
            }
        }
    }

    /// Gives the last open operation with this number its end at `at`. Returns where the operation begins; `None`
    /// where none is open.
    pub(super) fn end(&mut self, at: u64, sequence: u32) -> Option<u64> {
        let position = self.open.remove(&sequence)? as usize;
        if !self.older.is_empty()
            && let Some(older) = self.older.get_mut(&sequence)
        {
            match older.pop() {
                Some(before) => _ = self.open.insert(sequence, before),
                None => _ = self.older.remove(&sequence),
            }
        }
        self.joined.set_end(position, at);
        self.joined.pairs.get(position).map(|pair| pair.begin())
    }

    /// Keeps the younger half of the open operations.
    #[cold]
    fn forget(&mut self) {
        let from = (self.len() - MOST_OPEN / 2) as u32;
        self.open.retain(|_, position| *position >= from);
        self.older.retain(|_, positions| {
            positions.retain(|position| *position >= from);
            !positions.is_empty()
        });
    }

    /// Notes whether an operation comes in the order of time.
    fn order(&mut self, position: u32, time: u64) {
        match self.last {
            Some(last) if time < last => {
                self.ahead = 0;
                self.late.push((position, time));
            }
            Some(last) if time - last > JUMP && self.ahead < CONFIRMED => {
                self.ahead += 1;
                self.late.push((position, time));
            }
            _ => {
                self.ahead = 0;
                self.last = Some(time);
            }
        }
    }

    /// The operations, in the order of their times, and of the file where times are equal.
    pub(super) fn finish(mut self, file: &[u8]) -> Joined {
        let pairs = &mut self.joined.pairs;
        let count = pairs.len();
        // The operations in order move to the front, and the others go where their times belong.
        let mut late: Vec<(u64, Pair)> = Vec::with_capacity(self.late.len());
        let mut next_late = self.late.iter().peekable();
        let mut kept = 0;
        for position in 0..count {
            let Some(&pair) = pairs.get(position) else { break };
            match next_late.next_if(|(late, _)| *late as usize == position) {
                Some((_, time)) => late.push((*time, pair)),
                None => {
                    if let Some(slot) = pairs.get_mut(kept) {
                        *slot = pair;
                    }
                    kept += 1;
                }
            }
        }
        drop(std::mem::take(&mut self.late));
        late.sort_by_key(|(time, pair)| (*time, pair.begin()));
        let key = |pair: Pair| {
            let time = usize::try_from(pair.begin()).ok().and_then(|at| file.u64_at(at.checked_add(0x1C)?));
            (time.unwrap_or(0), pair.begin())
        };
        let mut end = count;
        for (time, pair) in late.into_iter().rev() {
            let from = place_from_back(pairs.get(..kept).unwrap_or_default(), |other| {
                key(other) < (time, pair.begin())
            });
            let moved = kept - from;
            pairs.copy_within(from..kept, end - moved);
            end -= moved + 1;
            kept = from;
            if let Some(slot) = pairs.get_mut(end) {
                *slot = pair;
            }
        }
        self.joined
    }
}

/// How many of the pairs, which `is_before` divides, are before: searched from the back, near which it mostly is.
fn place_from_back(pairs: &[Pair], is_before: impl Fn(Pair) -> bool) -> usize {
    let mut step = 1;
    let mut high = pairs.len();
    while let Some(low) = high.checked_sub(step)
        && let Some(&pair) = pairs.get(low)
    {
        if is_before(pair) {
            let between = pairs.get(low + 1..high).unwrap_or_default();
            return low + 1 + between.partition_point(|&pair| is_before(pair));
        }
        high = low;
        step *= 2;
    }
    pairs.get(..high).unwrap_or_default().partition_point(|&pair| is_before(pair))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file whose records are times alone, 64 bytes apart.
    fn order(times: &[u64]) -> Vec<u64> {
        let mut file = vec![0; times.len() * 64];
        let mut joiner = Joiner::default();
        for (number, &time) in times.iter().enumerate() {
            file[number * 64 + 0x1C..][..8].copy_from_slice(&time.to_le_bytes());
            joiner.begin(number as u64 * 64, number as u32, time, false);
        }
        joiner.finish(&file).pairs.iter().map(|pair| pair.begin() / 64).collect()
    }

    proptest! {
        #[test]
        fn operations_are_sorted_by_time(times in proptest::collection::vec(0u64..40, 0..200), jump: bool) {
            let times: Vec<u64> = times.iter().map(|time| time * if jump { JUMP / 4 } else { 1 }).collect();
            let mut expected: Vec<u64> = (0..times.len() as u64).collect();
            expected.sort_by_key(|&number| times[number as usize]);
            prop_assert_eq!(order(&times), expected);
        }
    }

    #[test]
    fn one_time_in_the_far_future_moves_one_operation() {
        let mut joiner = Joiner::default();
        for number in 0..1_000 {
            let time = if number == 10 { JUMP * 100 } else { number };
            joiner.begin(number * 64, number as u32, time, false);
        }
        assert_eq!(joiner.late, [(10, JUMP * 100)]);
    }

    #[test]
    fn an_end_belongs_to_the_last_open_beginning_with_its_number() {
        let mut joiner = Joiner::default();
        joiner.begin(100, 7, 1, true);
        joiner.begin(200, 7, 2, true);
        assert_eq!([300, 400, 500].map(|at| joiner.end(at, 7)), [Some(200), Some(100), None]);
        joiner.begin(600, 7, 3, false);
        assert_eq!(joiner.end(700, 7), None);
        joiner.begin(800, 7, 4, true);
        assert_eq!(joiner.end(900, 7), Some(800));
    }

    #[test]
    fn open_operations_are_bounded() {
        let mut joiner = Joiner::default();
        let most = MOST_OPEN as u64 * 2;
        (0..most).for_each(|number| joiner.begin(number * 64, number as u32, number, true));
        assert!(joiner.open.len() <= MOST_OPEN);
        assert_eq!(joiner.end(most * 64, most as u32 - 1), Some((most - 1) * 64));
        assert_eq!(joiner.end(most * 64, 0), None);
    }
}
