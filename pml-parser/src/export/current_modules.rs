//! The modules of a process that Process Monitor lists in its XML export.
//!
//! Process Monitor sorts the modules by load time and goes from the last to the first. It omits a module as
//! unloaded when the range of a listed module overlaps that of the module, or begins at the address just after
//! it. The list ascends by base. The order of modules with one load time depends on the sort. That sort is
//! Microsoft's `std::sort`, an introsort that is not stable, so this file follows its steps. The rule was
//! confirmed on the module lists of real logs, and on synthetic ones (docs/format.md, "XML export").

use crate::log::process::Modules;
use std::collections::BTreeMap;

/// Positions in the module table of the modules that are listed, ascending by base.
pub(super) fn current(modules: Modules<'_>) -> Vec<usize> {
    let all: Vec<_> = modules.collect();
    let mut order: Vec<Entry> = all.iter().enumerate().map(|(i, module)| (module.load_time.0, i)).collect();
    sort(&mut order);
    // Listed modules do not overlap, so that they end in the order in which they begin.
    let mut listed: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    for &(_, position) in order.iter().rev() {
        let Some(module) = all.get(position) else { continue };
        let (base, end) = (module.base, module.base.saturating_add(u64::from(module.size)));
        let before = listed.range(..=(end, u64::MAX)).next_back();
        if before.is_none_or(|(listed, _)| listed.1 <= base) {
            listed.insert((base, end), position);
        }
    }
    listed.into_values().collect()
}

/// Load time, which is the sort key, and position.
type Entry = (u64, usize);

/// The most entries that insertion sort handles.
const INSERTION: usize = 32;

/// Sorts by load time. Entries with one load time get the order of Microsoft's introsort.
fn sort(entries: &mut [Entry]) {
    sort_within(entries, entries.len());
}

/// The same; `depth` bounds the partitions that lie in each other.
fn sort_within(entries: &mut [Entry], mut depth: usize) {
    let mut rest = entries;
    while rest.len() > INSERTION {
        if depth == 0 {
            return heap_sort(rest);
        }
        depth = depth / 2 + depth / 4;
        let (from, to) = partition(rest);
        let (left, right) = rest.split_at_mut(to);
        let left = &mut left[..from];
        // The shorter side recurses, which bounds the depth. The order of the sides does not change the
        // result.
        if left.len() < right.len() {
            sort_within(left, depth);
            rest = right;
        } else {
            sort_within(right, depth);
            rest = left;
        }
    }
    // An insertion sort is stable.
    rest.sort_by_key(|entry| entry.0);
}

/// The sort of lists that would be partitioned too often.
fn heap_sort(entries: &mut [Entry]) {
    for hole in (0..entries.len() / 2).rev() {
        let entry = entries[hole];
        sift(entries, hole, entry);
    }
    for last in (1..entries.len()).rev() {
        let entry = entries[last];
        entries[last] = entries[0];
        sift(&mut entries[..last], 0, entry);
    }
}

/// Moves a hole of a heap to a leaf, along the larger children, and the entry from there up to its place.
fn sift(entries: &mut [Entry], top: usize, entry: Entry) {
    let (mut hole, mut child, bottom) = (top, top, entries.len());
    let last_parent = (bottom - 1) / 2;
    while child < last_parent {
        child = 2 * child + 2;
        if entries[child].0 < entries[child - 1].0 {
            child -= 1;
        }
        entries[hole] = entries[child];
        hole = child;
    }
    if child == last_parent && bottom.is_multiple_of(2) {
        entries[hole] = entries[bottom - 1];
        hole = bottom - 1;
    }
    while hole > top && entries[(hole - 1) / 2].0 < entry.0 {
        entries[hole] = entries[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    entries[hole] = entry;
}

/// Moves the median of three entries to the middle position.
fn median_of_three(entries: &mut [Entry], first: usize, middle: usize, last: usize) {
    if entries[middle].0 < entries[first].0 {
        entries.swap(middle, first);
    }
    if entries[last].0 < entries[middle].0 {
        entries.swap(last, middle);
        if entries[middle].0 < entries[first].0 {
            entries.swap(middle, first);
        }
    }
}

/// Moves a probable median to the middle position: the median of three entries, or of three medians of three.
fn guess_median(entries: &mut [Entry], middle: usize) {
    let last = entries.len() - 1;
    if last > 40 {
        let step = (last + 1) >> 3;
        median_of_three(entries, 0, step, 2 * step);
        median_of_three(entries, middle - step, middle, middle + step);
        median_of_three(entries, last - 2 * step, last - step, last);
        median_of_three(entries, step, middle, last - step);
    } else {
        median_of_three(entries, 0, middle, last);
    }
}

/// Partitions into entries earlier than, equal to and later than a pivot. Returns the range of the equal
/// entries.
fn partition(entries: &mut [Entry]) -> (usize, usize) {
    let middle = entries.len() / 2;
    guess_median(entries, middle);
    // Entries equal to the pivot are at [equal, equal_end).
    let (mut equal, mut equal_end) = (middle, middle + 1);
    while equal > 0 && entries[equal - 1].0 == entries[equal].0 {
        equal -= 1;
    }
    while equal_end < entries.len() && entries[equal_end].0 == entries[equal].0 {
        equal_end += 1;
    }
    // Entries in [low, high) have been compared with the pivot.
    let (mut high, mut low) = (equal_end, equal);
    loop {
        while high < entries.len() {
            match entries[high].0.cmp(&entries[equal].0) {
                std::cmp::Ordering::Greater => {}
                std::cmp::Ordering::Less => break,
                std::cmp::Ordering::Equal => {
                    entries.swap(equal_end, high);
                    equal_end += 1;
                }
            }
            high += 1;
        }
        while low > 0 {
            match entries[low - 1].0.cmp(&entries[equal].0) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Greater => break,
                std::cmp::Ordering::Equal => {
                    equal -= 1;
                    entries.swap(equal, low - 1);
                }
            }
            low -= 1;
        }
        match (low == 0, high == entries.len()) {
            (true, true) => return (equal, equal_end),
            (true, false) => {
                // An earlier entry is on the right: the equal entries move to make room on their left.
                if equal_end != high {
                    entries.swap(equal, equal_end);
                }
                equal_end += 1;
                entries.swap(equal, high);
                equal += 1;
                high += 1;
            }
            (false, true) => {
                low -= 1;
                equal -= 1;
                entries.swap(low, equal);
                equal_end -= 1;
                entries.swap(equal, equal_end);
            }
            (false, false) => {
                low -= 1;
                entries.swap(high, low);
                high += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whatever is sorted is still there.
    fn check_sorted(entries: &[Entry]) {
        assert!(entries.is_sorted_by_key(|entry| entry.0));
        let mut positions: Vec<usize> = entries.iter().map(|entry| entry.1).collect();
        positions.sort_unstable();
        assert_eq!(positions, (0..entries.len()).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn a_heap_sort_sorts(times in proptest::collection::vec(0..9u64, 0..99)) {
            let mut entries: Vec<Entry> = times.iter().copied().enumerate().map(|(i, t)| (t, i)).collect();
            heap_sort(&mut entries);
            check_sorted(&entries);
        }

        #[test]
        fn entries_are_sorted_by_load_time(times in proptest::collection::vec(0..9u64, 0..300)) {
            let mut entries: Vec<Entry> = times.iter().copied().enumerate().map(|(i, t)| (t, i)).collect();
            sort(&mut entries);
            check_sorted(&entries);
        }
    }
}
