//! Between the third stage and the fourth: finds the records of a table again whose count or offsets are lost.
//!
//! Records of a table follow one another, and the last one ends where the next table begins (docs/format.md, "File
//! layout"). So they are found from the end. A process record has its index; strings are numbered from the last one,
//! to which some process refers.

use crate::log::index::{Index, Places};
use crate::log::soundness::{process_error, text_error};
use crate::raw::bytes::{Blob, parse_at};
use crate::raw::process::{self, ProcessRecord, RawModules};
use crate::raw::strings::{self, Strings};
use crate::text::WinStr;
use std::collections::{BTreeMap, HashMap};

/// Adds records that the damaged tables of the index no longer list, as far as they are found.
pub(super) fn repair_tables(file: &[u8], index: &mut Index, places: &Places) {
    let after = |at: Option<u64>, next: Option<u64>| {
        at.zip(next).filter(|(at, next)| at < next && *next <= file.len() as u64)
    };
    let Some((strings_at, strings_end)) = after(places.strings, places.icons) else { return };
    let most_strings = u32::try_from((strings_end - strings_at) / 4).unwrap_or(u32::MAX);
    let listed = index.process_entries().to_vec();
    let mut processes = listed.clone();
    if let Some((from, to)) = after(places.processes, places.strings) {
        let known: HashMap<u32, u64> = processes.iter().copied().collect();
        let found = processes_before(file, from, to, index.pointer(), most_strings);
        processes.extend(found.into_iter().filter(|(index, _)| !known.contains_key(index)));
        processes.sort_unstable();
        processes.dedup_by_key(|entry| entry.0);
    }
    let records: Vec<(u32, ProcessRecord<'_>)> = processes
        .iter()
        .filter_map(|&(number, at)| Some((number, process::read(file, at, index.pointer()).ok()?)))
        .collect();
    let table = StringTable { file, at: strings_at, end: strings_end, strings: index.strings() };
    let strings = table.find(&records, most_strings);
    if strings.is_none() && processes.len() == listed.len() {
        return;
    }
    let mut bytes = process_table(file, &records, &processes);
    let strings_place = bytes.len() as u64;
    match strings {
        Some(strings) => bytes.extend(string_table(&strings)),
        // Offsets count from the beginning of their table.
        None => bytes.extend(file.clip(strings_at as usize, (strings_end - strings_at) as usize)),
    }
    let icons_place = bytes.len() as u64;
    let icons = places.icons.map(|at| {
        let end = places.hosts.filter(|&hosts| hosts > at).unwrap_or(file.len() as u64);
        file.clip(at as usize, (end - at) as usize)
    });
    bytes.extend(icons.unwrap_or_default());
    let places = Places {
        processes: Some(0),
        strings: Some(strings_place),
        icons: icons.is_some().then_some(icons_place),
        hosts: None,
    };
    index.replace_tables(bytes, &places);
}

/// The longest chain of records that ends at `to`: the places where records begin, ascending. `end_of` says where a
/// record ends that may begin at a place; records begin at multiples of `step` before `to`.
fn chain_before(from: u64, to: u64, step: u64, end_of: impl Fn(u64) -> Option<u64>) -> Vec<u64> {
    // Where the next record begins, and how many follow, for each place from which records lead to the end.
    let mut chains: HashMap<u64, (u64, u32)> = HashMap::from([(to, (to, 0))]);
    let mut best = (to, 0);
    let mut at = to;
    while let Some(place) = at.checked_sub(step).filter(|&place| place >= from) {
        at = place;
        let Some(next) = end_of(at) else { continue };
        let Some(&(_, following)) = chains.get(&next) else { continue };
        chains.insert(at, (next, following + 1));
        if following + 1 > best.1 {
            best = (at, following + 1);
        }
    }
    let mut places = Vec::new();
    let mut at = best.0;
    while at < to {
        places.push(at);
        at = chains.get(&at).map_or(to, |chain| chain.0);
    }
    places
}

/// The process records before `to`: index and place of each.
fn processes_before(file: &[u8], from: u64, to: u64, pointer: usize, most_strings: u32) -> Vec<(u32, u64)> {
    const ALIGNED: u64 = 4;
    let read = |at| process::read(file, at, pointer).ok();
    let end_of = |at| {
        let record = read(at)?;
        let index = record.fixed.index.get();
        process_error(&record, index, at, most_strings).is_none().then_some(at + record.size())
    };
    let chain = chain_before(from, to, ALIGNED, end_of);
    chain.into_iter().filter_map(|at| Some((read(at)?.fixed.index.get(), at))).collect()
}

/// A string table that may be damaged.
struct StringTable<'a> {
    file: &'a [u8],
    at: u64,
    /// Where the next table begins.
    end: u64,
    /// The strings that the table still lists.
    strings: Strings,
}

impl<'a> StringTable<'a> {
    fn text_at(&self, at: u64) -> Option<&'a [u8]> {
        let bytes: &[u8] = parse_at(self.file, at, "string", strings::sized).ok()?;
        (!bytes.is_empty() && text_error(bytes, false).is_none()).then_some(bytes)
    }

    /// Every string that can be found: the bytes of each by its index. `None` where the table lists them all, or where
    /// nothing shows which index the strings have.
    fn find(&self, records: &[(u32, ProcessRecord<'_>)], most: u32) -> Option<Vec<Option<&'a [u8]>>> {
        const ALIGNED: u64 = 2;
        let mut known: BTreeMap<u32, u64> = BTreeMap::new();
        for index in 0..self.strings.count().min(most) {
            if let Some(Ok((at, _))) = self.strings.record(self.file, index)
                && self.text_at(at).is_some()
            {
                known.insert(index, at);
            }
        }
        let highest = records.iter().map(|(_, record)| highest_text(record)).max()?;
        // The first string is empty.
        let is_whole =
            known.len() as u64 + 1 >= u64::from(self.strings.count()) && highest < self.strings.count();
        if is_whole || highest >= most {
            return None;
        }
        let chain = chain_before(self.at, self.end, ALIGNED, |at| {
            self.text_at(at).map(|bytes| at + 4 + bytes.len() as u64)
        });
        // An entry that is left of the table numbers the chain. Otherwise the last string is the highest one that a
        // process refers to.
        let numbered = known.iter().find_map(|(&index, at)| {
            let position = chain.binary_search(at).ok()?;
            Some(u64::from(index) + (chain.len() - 1 - position) as u64)
        });
        let last = u32::try_from(numbered.unwrap_or(u64::from(highest))).ok().filter(|&last| last < most)?;
        let listed = known.len();
        for (before_last, &at) in chain.iter().rev().enumerate() {
            if let Some(index) = u32::try_from(before_last).ok().and_then(|before| last.checked_sub(before)) {
                known.insert(index, at);
            }
        }
        if known.len() == listed {
            return None;
        }
        let count = last.max(highest).max(known.keys().next_back().copied().unwrap_or(0)) + 1;
        // The readable part of a damaged string counts.
        let readable = |index| self.strings.record(self.file, index)?.ok().map(|(_, bytes)| bytes);
        let mut strings: Vec<Option<&'a [u8]>> = (0..count).map(readable).collect();
        for (index, at) in known {
            if let Some(slot) = strings.get_mut(index as usize) {
                *slot = self.text_at(at);
            }
        }
        (numbered.is_some() || is_plausible(records, &strings)).then_some(strings)
    }
}

/// Whether the names of processes are the file names of their programs, as far as both are known: strings with wrong
/// numbers would not be.
fn is_plausible(records: &[(u32, ProcessRecord<'_>)], strings: &[Option<&[u8]>]) -> bool {
    let text = |index: u32| {
        let bytes = strings.get(index as usize).copied().flatten()?;
        Some(WinStr::utf16(bytes).to_str().to_lowercase())
    };
    let (mut compared, mut agree) = (0u64, 0u64);
    for (_, record) in records {
        let (name, path) = (text(record.fixed.name.get()), text(record.fixed.image_path.get()));
        if let Some((name, path)) = name.zip(path) {
            compared += 1;
            agree += u64::from(path.ends_with(&*name));
        }
    }
    compared > 0 && 10 * agree >= 9 * compared
}

/// The highest index of a string that a process record refers to.
fn highest_text(record: &ProcessRecord<'_>) -> u32 {
    let own = record.fixed.texts().into_iter().max().unwrap_or(0);
    let modules = match record.modules {
        RawModules::Bits32(modules) => modules.iter().flat_map(|module| module.info.texts()).max(),
        RawModules::Bits64(modules) => modules.iter().flat_map(|module| module.info.texts()).max(),
    };
    own.max(modules.unwrap_or(0))
}

/// A process table of these records.
fn process_table(file: &[u8], records: &[(u32, ProcessRecord<'_>)], places: &[(u32, u64)]) -> Vec<u8> {
    let places: HashMap<u32, u64> = places.iter().copied().collect();
    let mut bytes = (records.len() as u32).to_le_bytes().to_vec();
    records.iter().for_each(|(index, _)| bytes.extend(index.to_le_bytes()));
    let mut next = process::first_record(0, records.len());
    for (_, record) in records {
        bytes.extend((next as u32).to_le_bytes());
        next += record.size();
    }
    for (index, record) in records {
        let at = places.get(index).copied().unwrap_or(0);
        bytes.extend(file.clip(at as usize, record.size() as usize));
    }
    bytes
}

/// A string table of these strings; those that are lost are empty.
fn string_table(strings: &[Option<&[u8]>]) -> Vec<u8> {
    const LOST: &[u8] = &[0, 0];
    let texts = || {
        strings.iter().enumerate().map(|(index, text)| match index {
            // The first string is empty.
            0 => &[][..],
            _ => text.unwrap_or(LOST),
        })
    };
    let mut bytes = (strings.len() as u32).to_le_bytes().to_vec();
    let mut next = 4 + 4 * strings.len() as u64;
    for text in texts() {
        bytes.extend((next as u32).to_le_bytes());
        next += 4 + text.len() as u64;
    }
    for text in texts() {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text);
    }
    bytes
}
