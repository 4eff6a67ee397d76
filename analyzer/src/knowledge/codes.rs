//! NTSTATUS and HRESULT codes: their names in the headers of Windows, gravity and meaning (`ntstatus.tsv`,
//! `hresults.tsv`). What Process Monitor prints for an NTSTATUS is the parser's.

use super::error::Inspection;
use super::model::Ref;
use crate::language::{Language, Text};
use pml_parser::NtStatus;

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

impl StatusEntry {
    /// The HRESULT that programs show for it.
    pub(crate) fn hresult(&self) -> Option<u32> {
        self.win32.map(|win32| 0x8007_0000 | win32 & 0xFFFF)
    }
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
    statuses: Vec<StatusEntry>,
    hresults: Vec<HresultEntry>,
    unknown: StatusEntry,
}

impl Default for Codes {
    fn default() -> Self {
        let unknown =
            StatusEntry { code: 0, symbol: String::new(), win32: None, gravity: 2, kind: "other".to_owned() };
        Self { statuses: Vec::new(), hresults: Vec::new(), unknown }
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

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

impl Codes {
    pub(super) fn read_statuses(&mut self, inspection: &mut Inspection<'_>) {
        for (at, row) in rows(inspection.text) {
            let cells: Vec<&str> = row.split('\t').collect();
            let entry = match cells[..] {
                [code, symbol, win32, gravity, kind] => {
                    hex(code).zip(gravity.parse().ok()).map(|(code, gravity)| {
                        let win32 = win32.parse().ok();
                        StatusEntry { code, symbol: symbol.to_owned(), win32, gravity, kind: kind.to_owned() }
                    })
                }
                _ => None,
            };
            match entry {
                Some(entry) => self.statuses.push(entry),
                None => {
                    inspection.push(at..at, "want code, symbol, win32 or -, gravity, kind, with tabs between")
                }
            }
        }
        self.statuses.sort_by_key(|entry| entry.code);
    }

    pub(super) fn read_hresults(&mut self, inspection: &mut Inspection<'_>) {
        for (at, row) in rows(inspection.text) {
            let cells: Vec<&str> = row.split('\t').collect();
            let entry = match cells[..] {
                [code, symbol, layer, en, zh] => hex(code).map(|code| HresultEntry {
                    code,
                    symbol: symbol.to_owned(),
                    layer: layer.to_owned(),
                    text: Text { en: en.to_owned(), zh: zh.to_owned() },
                }),
                _ => None,
            };
            match entry {
                Some(entry) => self.hresults.push(entry),
                None => {
                    inspection.push(at..at, "want code, symbol, layer, English, Chinese, with tabs between")
                }
            }
        }
        self.hresults.sort_by_key(|entry| entry.code);
    }

    /// What is known of a status; of an unlisted one, that nothing is.
    pub(crate) fn status(&self, status: NtStatus) -> &StatusEntry {
        let at = self.statuses.binary_search_by_key(&status.0, |entry| entry.code);
        at.ok().and_then(|at| self.statuses.get(at)).unwrap_or(&self.unknown)
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

    /// Codes of the statuses that never matter, ascending.
    pub(crate) fn harmless(&self) -> Vec<u32> {
        self.statuses.iter().filter(|entry| entry.gravity == 0).map(|entry| entry.code).collect()
    }

    /// Codes of the statuses of some kinds, ascending.
    pub(crate) fn of_kinds(&self, kinds: &[String]) -> Vec<u32> {
        self.statuses.iter().filter(|entry| kinds.contains(&entry.kind)).map(|entry| entry.code).collect()
    }
}
