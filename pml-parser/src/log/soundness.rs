//! What a sound log cannot hold: its tables are compared with themselves, with each other and with the end of
//! the file.
//!
//! Process Monitor writes the tables one after another and leaves no room: event offset array, processes,
//! strings, icons, hosts, ports. Each record begins where the record before it ends, the first one directly
//! after the arrays of its table, and the last table ends with the file (docs/format.md, "File layout"). Sectors
//! that were lost and came back as zeros, or as other bytes, break that order.

use crate::error::{Damage, Error, ErrorKind};
use crate::log::offsets::Offsets;
use crate::raw::bytes::Blob;
use crate::raw::hosts::Hosts;
use crate::raw::icon::Icons;
use crate::raw::process::{ProcessRecord, RawModules};
use crate::raw::strings::Strings;
use crate::time;
use zerocopy::IntoBytes;

/// Bytes of the largest icon edge that Process Monitor stores.
const LARGEST_ICON: u32 = 256;

/// Follows the records of a table: where the next one is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// `None` after a record whose end is unknown.
    due: Option<u64>,
}

impl Chain {
    /// A chain whose first record is due at `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { due: Some(first) }
    }

    /// Adds the record from `from` to `to`. Returns whether it begins where it is due.
    pub(super) fn add(&mut self, from: u64, to: u64) -> bool {
        let is_due = self.is_due(from);
        self.due = Some(to);
        is_due
    }

    /// Adds a record of which only the existence is known.
    pub(super) fn skip(&mut self) {
        self.due = None;
    }

    /// Whether a record may begin, or the chain may end, at `at`.
    pub(super) fn is_due(self, at: u64) -> bool {
        self.due.is_none_or(|due| due == at)
    }

    /// Counts the table at `at` as damaged, unless its records reach up to `next`, where the next one begins. A
    /// table that begins outside the file, or at 0, is counted by itself.
    pub(super) fn end(
        self,
        file: &[u8],
        what: &'static str,
        at: u64,
        next: Option<u64>,
        damage: &mut Damage,
    ) {
        let next = next.filter(|next| (1..=file.len() as u64).contains(next));
        if next.is_some_and(|next| !self.is_due(next)) {
            damage.push(Error::new(ErrorKind::Contradiction, what, at));
        }
    }
}

/// Checks that the event offset array ends where the process table begins.
pub(super) fn check_offsets(file: &[u8], offsets: &Offsets, processes: u64, damage: &mut Damage) {
    if let Offsets::InFile { at, count } = offsets {
        let end = Chain::new(at + 5 * u64::from(*count));
        end.end(file, "event offset array", *at, Some(processes), damage);
    }
}

/// Checks all strings; `next` is where the table after them begins.
pub(super) fn check_strings(file: &[u8], strings: Strings, next: Option<u64>, damage: &mut Damage) {
    let mut chain = Chain::new(strings.first());
    for index in 0..strings.count() {
        let error = match strings.record(file, index) {
            Some(Ok((at, bytes))) => match text_error(bytes, index == 0) {
                None => {
                    if !chain.add(at, at + 4 + bytes.len() as u64) {
                        damage.push(Error::new(ErrorKind::Contradiction, "string", at));
                    }
                    continue;
                }
                Some(kind) => Error::new(kind, "string", at),
            },
            Some(Err(error)) => error,
            None => continue,
        };
        damage.push(error);
        chain.skip();
    }
    chain.end(file, "string table", strings.at(), next, damage);
}

/// What is wrong with the bytes of a string. Only the first string of a table is empty; the others end with a
/// NUL, and no string begins with one.
pub(crate) fn text_error(bytes: &[u8], may_be_empty: bool) -> Option<ErrorKind> {
    let is_sound = match bytes {
        [] => may_be_empty,
        [0, 0] => true,
        [0, 0, ..] => false,
        _ => bytes.len().is_multiple_of(2) && bytes.ends_with(&[0, 0]),
    };
    if is_sound {
        return None;
    }
    Some(if bytes.iter().all(|byte| *byte == 0) { ErrorKind::Blank } else { ErrorKind::Implausible })
}

/// Checks all icons; `next` is where the table after them begins.
pub(super) fn check_icons(file: &[u8], icons: Icons, next: Option<u64>, damage: &mut Damage) {
    let mut chain = Chain::new(icons.first());
    for index in 0..icons.count() {
        match icons.record(file, index) {
            Ok((at, icon)) if icon.dimension > LARGEST_ICON || index > 0 && icon.data.is_empty() => {
                damage.push(Error::new(ErrorKind::Implausible, "icon", at));
                chain.skip();
            }
            Ok((at, icon)) => {
                if !chain.add(at, at + 8 + icon.data.len() as u64) {
                    damage.push(Error::new(ErrorKind::Contradiction, "icon", at));
                }
            }
            Err(error) => {
                damage.push(error);
                chain.skip();
            }
        }
    }
    chain.end(file, "icon table", icons.at(), next, damage);
}

/// Checks the names of hosts and ports, whose table begins at `at` and must end with the file.
pub(super) fn check_hosts(file: &[u8], hosts: &Hosts, at: u64, damage: &mut Damage) {
    for span in hosts.names() {
        let from = span.start as u64;
        if let Some(kind) = text_error(file.get(span).unwrap_or_default(), true) {
            damage.push(Error::new(kind, "name of a host or port", from));
        }
    }
    if let Some(end) = hosts.end() {
        Chain::new(end).end(file, "host and port tables", at, Some(file.len() as u64), damage);
    }
}

/// What is wrong with the process record at `at`, which the table lists under `index`.
pub(crate) fn process_error(record: &ProcessRecord<'_>, index: u32, at: u64, strings: u32) -> Option<Error> {
    let fixed = record.fixed;
    let is_time = |ticks: u64| ticks == 0 || time::OF_CAPTURES.contains(&ticks);
    let kind = if is_blank(record) {
        ErrorKind::Blank
    } else if fixed.index.get() != index {
        ErrorKind::BadReference(index)
    } else if let Some(text) = fixed.texts().into_iter().find(|text| *text >= strings) {
        ErrorKind::BadReference(text)
    } else if fixed.is64.get() > 1 || !is_time(fixed.start.get()) || !is_time(fixed.end.get()) {
        ErrorKind::Implausible
    } else {
        return None;
    };
    Some(Error::new(kind, "process record", at))
}

/// Whether nothing is left of a process record.
pub(super) fn is_blank(record: &ProcessRecord<'_>) -> bool {
    record.fixed.as_bytes().iter().all(|byte| *byte == 0)
}

/// Counts the modules of the process record at `at` that no sound log has.
pub(super) fn check_modules(record: &ProcessRecord<'_>, at: u64, strings: u32, damage: &mut Damage) {
    let end = at + record.size();
    let mut check = |position: usize, count: usize, bytes: &[u8], texts: [u32; 4], load: u64| {
        let kind = if bytes.iter().all(|byte| *byte == 0) {
            ErrorKind::Blank
        } else if let Some(text) = texts.into_iter().find(|text| *text >= strings) {
            ErrorKind::BadReference(text)
        } else if load != 0 && !time::OF_CAPTURES.contains(&load) {
            ErrorKind::Implausible
        } else {
            return;
        };
        let at = end - ((count - position) * bytes.len()) as u64;
        damage.push(Error::new(kind, "module of a process", at));
    };
    let load = |bytes: &[u8], high: u32| u64::from(high) << 32 | u64::from(bytes.u32_at(0).unwrap_or(0));
    match record.modules {
        RawModules::Bits32(modules) => modules.iter().enumerate().for_each(|(position, module)| {
            let bytes = module.as_bytes();
            let load = load(bytes, module.load_time_high.get());
            check(position, modules.len(), bytes, module.info.texts(), load);
        }),
        RawModules::Bits64(modules) => modules.iter().enumerate().for_each(|(position, module)| {
            let bytes = module.as_bytes();
            let load = load(bytes, module.load_time_high.get());
            check(position, modules.len(), bytes, module.info.texts(), load);
        }),
    }
}
