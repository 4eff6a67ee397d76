//! The iterator over the events of one log.

use super::LogView;
use super::event::Event;
use super::prefetch::{AHEAD, Prefetcher};
use crate::error::Result;
use std::ops::Range;

/// Events of one log, in order; made by [`LogView::events`].
#[derive(Clone, Debug)]
pub struct Events<'a> {
    pub(super) log: LogView<'a>,
    pub(super) positions: Range<u32>,
    pub(super) ahead: Prefetcher,
}

impl Events<'_> {
    /// Prefetches the cache lines of the next records.
    #[inline]
    fn warm(&mut self, position: u32) {
        if let Some(end) = self.log.event_offset(position.saturating_add(AHEAD)) {
            self.ahead.ask(self.log.file, end);
        }
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<Event<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Result<Event<'a>>> {
        let position = self.positions.next()?;
        self.warm(position);
        Some(self.log.event(position))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.positions.size_hint()
    }
}

impl ExactSizeIterator for Events<'_> {}
