//! NTSTATUS and HRESULT codes: their names in the headers of Windows, gravity and meaning (`ntstatus.tsv`,
//! `hresults.tsv`). What Process Monitor prints for an NTSTATUS is the parser's.

use super::error::Inspection;
use super::model::Ref;
use super::sources::embedded;
use crate::language::{Language, Text};
use pml_parser::NtStatus;
use std::sync::OnceLock;

/// What is known of an NTSTATUS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusEntry {
    code: u32,
    /// Its name in the headers of Windows.
    pub symbol: String,
    /// The Win32 error it becomes.
    pub win32: Option<u32>,
    /// 0 harmless to 5 fatal.
    pub gravity: u8,
    /// What kind of failure it is.
    pub kind: String,
}

/// The upper half of an NTSTATUS that holds a Win32 error (`NTSTATUS_FROM_WIN32`).
const STATUS_OF_WIN32: u32 = 0xC007;
/// The bit by which `HRESULT_FROM_NT` marks an NTSTATUS.
const HRESULT_OF_STATUS: u32 = 0x1000_0000;

/// The Win32 error of a status: that of the table, or the one that the status holds.
fn win32(code: u32, entry: &StatusEntry) -> Option<u32> {
    entry.win32.or((code >> 16 == STATUS_OF_WIN32).then_some(code & 0xFFFF))
}

/// What is known of an HRESULT.
#[derive(Clone, Debug)]
pub(crate) struct HresultEntry {
    code: u32,
    /// Its name.
    pub symbol: String,
    /// The layer of Windows that gives it.
    pub layer: String,
    text: Text,
}

impl HresultEntry {
    pub(crate) fn text(&self, language: Language) -> &str {
        self.text.get(language)
    }
}

/// Both tables.
#[derive(Clone, Debug)]
pub(crate) struct Codes {
    /// Statuses that were judged, ascending.
    statuses: Vec<StatusEntry>,
    /// All other published ones, ascending: their names are known, what they mean is not.
    named: OnceLock<Vec<StatusEntry>>,
    hresults: Vec<HresultEntry>,
    unknown: StatusEntry,
}

impl Default for Codes {
    fn default() -> Self {
        let unknown =
            StatusEntry { code: 0, symbol: String::new(), win32: None, gravity: 2, kind: "other".to_owned() };
        Self { statuses: Vec::new(), named: OnceLock::new(), hresults: Vec::new(), unknown }
    }
}

/// The rows of a table, with the place of each; comments and the first row are left out.
fn rows(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.trim_end()))
    });
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).skip(1)
}

/// The cells of a row, where it has this many.
fn cells<const COUNT: usize>(row: &str) -> Option<[&str; COUNT]> {
    let mut rest = row.split('\t');
    let mut cells = [""; COUNT];
    for cell in &mut cells {
        *cell = rest.next()?;
    }
    rest.next().is_none().then_some(cells)
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The rows of `ntstatus-names.tsv`, ascending. The places of wrong ones are passed on.
fn named(text: &str, unknown: &StatusEntry, wrong: &mut dyn FnMut(usize)) -> Vec<StatusEntry> {
    let mut entries = Vec::new();
    for (at, row) in rows(text) {
        let entry = cells(row).and_then(|[code, symbol, win32]| {
            let (code, symbol) = (hex(code)?, symbol.to_owned());
            Some(StatusEntry { code, symbol, win32: win32.parse().ok(), ..unknown.clone() })
        });
        match entry {
            Some(entry) => entries.push(entry),
            None => wrong(at),
        }
    }
    entries.sort_by_key(|entry| entry.code);
    entries
}

impl Codes {
    pub(super) fn read_statuses(&mut self, inspection: &mut Inspection<'_>) {
        for (at, row) in rows(inspection.text) {
            let entry = cells(row).and_then(|[code, symbol, win32, gravity, kind]| {
                let (code, gravity) = hex(code).zip(gravity.parse().ok())?;
                let (symbol, kind) = (symbol.to_owned(), kind.to_owned());
                Some(StatusEntry { code, symbol, win32: win32.parse().ok(), gravity, kind })
            });
            match entry {
                Some(entry) => self.statuses.push(entry),
                None => {
                    inspection.push(at..at, "want code, symbol, win32 or -, gravity, kind, with tabs between")
                }
            }
        }
        self.statuses.sort_by_key(|entry| entry.code);
    }

    pub(super) fn read_status_names(&mut self, inspection: &mut Inspection<'_>) {
        // Those of the program are read when a log has a status that was not judged.
        if !inspection.is_embedded {
            let text = inspection.text;
            let mut wrong = |at| inspection.push(at..at, "want code, symbol, win32 or -, with tabs between");
            self.named = OnceLock::from(named(text, &self.unknown, &mut wrong));
        }
    }

    pub(super) fn read_hresults(&mut self, inspection: &mut Inspection<'_>) {
        for (at, row) in rows(inspection.text) {
            let entry = cells(row).and_then(|[code, symbol, layer, en, zh]| {
                let (code, symbol, layer) = (hex(code)?, symbol.to_owned(), layer.to_owned());
                Some(HresultEntry {
                    code,
                    symbol,
                    layer,
                    text: Text { en: en.to_owned(), zh: zh.to_owned() },
                })
            });
            match entry {
                Some(entry) => self.hresults.push(entry),
                None => {
                    inspection.push(at..at, "want code, symbol, layer, English, Chinese, with tabs between")
                }
            }
        }
        self.hresults.sort_by_key(|entry| entry.code);
    }

    /// What is known of a status: what it means, or its name alone, or nothing.
    pub(crate) fn status(&self, status: NtStatus) -> &StatusEntry {
        let find =
            |table: &'_ Vec<StatusEntry>| table.binary_search_by_key(&status.0, |entry| entry.code).ok();
        let judged = find(&self.statuses).and_then(|at| self.statuses.get(at));
        let all_named = || named(embedded("ntstatus-names.tsv"), &self.unknown, &mut |_| {});
        let of_name = || {
            let named = self.named.get_or_init(all_named);
            find(named).and_then(|at| named.get(at))
        };
        judged.or_else(of_name).unwrap_or(&self.unknown)
    }

    /// The Win32 error of a status.
    pub(crate) fn win32(&self, status: NtStatus) -> Option<u32> {
        win32(status.0, self.status(status))
    }

    /// The HRESULT that programs show for a status: that of its Win32 error, or the status marked as one.
    pub(crate) fn hresult_of(&self, status: NtStatus) -> u32 {
        match self.win32(status) {
            Some(win32) => 0x8007_0000 | win32 & 0xFFFF,
            None => status.0 | HRESULT_OF_STATUS,
        }
    }

    /// What is known of an HRESULT.
    pub(crate) fn hresult(&self, code: u32) -> Option<&HresultEntry> {
        let at = self.hresults.binary_search_by_key(&code, |entry| entry.code).ok()?;
        self.hresults.get(at)
    }

    /// The code of the status with this name.
    pub(super) fn code_of(&self, symbol: &str) -> Option<u32> {
        self.statuses.iter().find(|entry| entry.symbol == symbol).map(|entry| entry.code)
    }

    /// Notes a kind that no status is of.
    pub(super) fn check_kind(&self, kind: &Ref, inspection: &mut Inspection<'_>) {
        let name = kind.get_ref();
        let is_known = &self.unknown.kind == name || self.statuses.iter().any(|entry| &entry.kind == name);
        if !is_known {
            inspection.push(kind.span(), format!("no kind of status {name:?}"));
        }
    }

    /// Whether an operation with this status failed: the severity of the status says so, or the status is a warning
    /// that has weight.
    pub(crate) fn is_failure(&self, status: NtStatus) -> bool {
        status.is_error()
            || self
                .statuses
                .binary_search_by_key(&status.0, |entry| entry.code)
                .is_ok_and(|at| self.statuses.get(at).is_some_and(is_weighty_warning))
    }

    /// Whether an exit status is a status of an operation, as it is or as the codes that Windows makes of it.
    pub(crate) fn are_one(&self, exit: u32, status: NtStatus) -> bool {
        /// Programs end with small numbers for reasons of their own.
        const LEAST_WIN32: u32 = 20;
        self.are_alike(exit, status) && exit >= LEAST_WIN32
    }

    /// The same, where small numbers count, too.
    pub(crate) fn are_alike(&self, exit: u32, status: NtStatus) -> bool {
        const HRESULT_OF_WIN32: u32 = 0x8007_0000;
        let win32 = win32(status.0, self.status(status));
        exit == status.0
            || exit == status.0 | HRESULT_OF_STATUS
            || win32.is_some_and(|win32| exit == win32 | HRESULT_OF_WIN32 || exit == win32)
    }

    /// Codes of the warnings that have weight, ascending.
    pub(crate) fn warnings(&self) -> Vec<u32> {
        self.statuses.iter().filter(|entry| is_weighty_warning(entry)).map(|entry| entry.code).collect()
    }

    /// Codes of the statuses that never matter, ascending.
    pub(crate) fn harmless(&self) -> Vec<u32> {
        self.statuses.iter().filter(|entry| entry.gravity == 0).map(|entry| entry.code).collect()
    }

    /// Codes of the statuses of some kinds, ascending.
    pub(crate) fn of_kinds(&self, kinds: &[String]) -> Vec<u32> {
        self.statuses.iter().filter(|entry| kinds.contains(&entry.kind)).map(|entry| entry.code).collect()
    }
}

/// Whether the severity of a status is a warning (`0x8…`) and the table gives the status weight.
fn is_weighty_warning(entry: &StatusEntry) -> bool {
    entry.code >> 30 == 2 && entry.gravity > 0
}
