//! Finds event records where no array leads to them, by carving the file from one record to the next.
//!
//! Records lie one after another, so the end of one is the beginning of the next. Where that does not
//! lead to another record, the search goes on for the next place from which several records follow one
//! another (see [`Region::resume`]). Every byte is considered once as the beginning of a record, and
//! each costs at most a few record headers: the work grows with the file and with nothing else.

use super::region::{Candidate, Region, follows};
use crate::raw::event::HEADER_SIZE;

/// Takes what carving finds.
pub(super) trait RecordSink<'a> {
    /// Takes a record.
    fn found(&mut self, candidate: &Candidate<'a>, is_doubtful: bool);
    /// Takes a stretch that holds no record, though one or more should be there.
    fn lost(&mut self, from: u64, to: u64);
    /// Notes that the work has come to `at`, and returns whether it may go on.
    fn goes_on(&mut self, at: u64) -> bool;
}

impl<'a> Region<'a> {
    /// Carves all records from `from` on. Returns whether their end was met: the header's end of the
    /// records, or an event offset array.
    pub(super) fn carve(&self, from: u64, sink: &mut impl RecordSink<'a>) -> bool {
        let mut before = None;
        // An event offset array is recognized by the offset of the second record.
        let (mut second, mut found) = (None, 0u64);
        let mut at = from;
        let mut current = self.candidate(at, before);
        while sink.goes_on(at) {
            let Some(candidate) = current else {
                if self.is_end(at, at, second) {
                    return true;
                }
                if at >= self.file.len() as u64 {
                    return false;
                }
                current = self.resume(at, before, |at| sink.goes_on(at));
                let to = current.map_or(self.search_end(at), |candidate| candidate.at);
                sink.lost(at, to);
                let Some(candidate) = current else { return to < self.file.len() as u64 };
                at = candidate.at;
                continue;
            };
            let end = candidate.end();
            let next = self.next(&candidate, before).filter(|next| candidate.is_sound() || next.is_sound());
            // If the next record's time does not continue from this one, only this record's time is suspect.
            let time_goes_on =
                next.is_some_and(|next| candidate.is_sound() || follows(next.time(), Some(candidate.time())));
            let is_last = next.is_none() && self.is_end(end, candidate.at, second);
            let is_followed = next.is_some() || is_last;
            // Nothing whole follows. If the following bytes begin as a record does, that record was cut or
            // its size is too large; otherwise this record's size is wrong, or the next record is gone.
            let is_cut = !is_followed && candidate.is_sound() && self.is_cut(&candidate);
            let resumed = if is_followed {
                next
            } else {
                self.resume(candidate.at + HEADER_SIZE as u64, before, |at| sink.goes_on(at))
            };
            let to = match resumed {
                Some(resumed) => resumed.at,
                None if is_last => end,
                None => self.search_end(end),
            };
            if !is_followed && (!candidate.is_sound() || to < end) {
                sink.lost(candidate.at, to);
            } else {
                let only_time = candidate.only_time_is_anomalous(self.pointer, before);
                let is_sure =
                    if is_followed { candidate.is_sound() || only_time && time_goes_on } else { is_cut };
                sink.found(&candidate, !is_sure);
                if candidate.is_sound() || time_goes_on {
                    before = Some(candidate.time());
                }
                found += 1;
                if found == 2 {
                    second = Some(candidate.at);
                }
                if !is_followed && end < to && (resumed.is_some() || !self.is_blank(end)) {
                    sink.lost(end, to);
                }
            }
            if resumed.is_none() {
                return is_last || to < self.file.len() as u64;
            }
            at = to;
            current = resumed;
        }
        false
    }
}
