//! Extra blobs that do not follow their own record.
//!
//! Process Monitor writes an extra blob when the operation ends. In a log that was written directly, not
//! saved again, other records may have begun by then and lie in between (docs/format.md, "Extra blob").

use std::collections::BTreeMap;

/// Displaced blobs that are kept at a time; real logs have as many as operations that run at once.
const MOST_PENDING: usize = 1 << 16;
/// Size of an extra blob that one stray byte may follow (docs/format.md, "Extra blob").
const FULL_EXTRA: u64 = 0xFFFF;

/// The bytes of an extra blob, its size included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExtraSpan {
    /// Where the blob begins.
    pub from: u64,
    /// Where it ends; beyond the end of the file if the file is cut.
    pub to: u64,
}

impl ExtraSpan {
    /// Whether a stray byte may follow the blob.
    pub(super) fn is_full(self) -> bool {
        self.to - self.from == 2 + FULL_EXTRA
    }

    /// Whether the blob, or a stray byte after it, ends at `at`.
    pub(super) fn leads_to(self, at: u64) -> bool {
        self.to == at || self.is_full() && self.to + 1 == at
    }
}

/// A displaced blob, and the record that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct PendingExtra {
    /// The blob.
    pub span: ExtraSpan,
    /// Offset of its record; `None` if the record is doubtful anyway.
    pub owner: Option<u64>,
}

/// Displaced blobs of the records so far that lie after them.
#[derive(Debug, Default)]
pub(super) struct PendingExtras {
    by_start: BTreeMap<u64, PendingExtra>,
}

impl PendingExtras {
    /// The blob that begins at `at`.
    #[inline]
    pub(super) fn at(&self, at: u64) -> Option<ExtraSpan> {
        if self.by_start.is_empty() {
            return None;
        }
        self.by_start.get(&at).map(|extra| extra.span)
    }

    /// Adds a displaced blob of the record at `owner`; returns whether there was room for it.
    pub(super) fn add(&mut self, span: ExtraSpan, owner: Option<u64>) -> bool {
        let has_room = self.by_start.len() < MOST_PENDING && !self.by_start.contains_key(&span.from);
        if has_room {
            self.by_start.insert(span.from, PendingExtra { span, owner });
        }
        has_room
    }

    /// Whether no blobs are pending.
    pub(super) fn is_empty(&self) -> bool {
        self.by_start.is_empty()
    }

    /// Drops the blobs that begin before `end`: carving has passed them.
    #[inline]
    pub(super) fn pass(&mut self, end: u64) {
        while self.pop_before(end).is_some() {}
    }

    /// Drops the first blob if it begins before `end`, and returns it with its record.
    #[inline]
    pub(super) fn pop_before(&mut self, end: u64) -> Option<PendingExtra> {
        if self.by_start.is_empty() {
            return None;
        }
        let first = self.by_start.first_entry().filter(|first| *first.key() < end)?;
        Some(first.remove())
    }
}
