//! Finds event records where no array leads to them, by carving the file from one record to the next.
//!
//! The next record begins where the details of the last one end, unless an extra blob lies there: its own,
//! or one that an earlier record's extra offset leads to. Where no record follows, the search goes on for
//! the next place from which several records follow one another (see [`Region::resume`]). Every byte is
//! considered once as the beginning of a record, and each costs at most a few record headers: the work
//! grows with the file and with nothing else.

use super::extra_blobs::PendingExtras;
use super::region::{Candidate, Place, Region, follows};
use crate::raw::event::HEADER_SIZE;
use std::ops::Range;

/// Takes what carving finds.
pub(super) trait RecordSink<'a> {
    /// Takes a record.
    fn found(&mut self, candidate: &Candidate<'a>, is_doubtful: bool);
    /// Makes a record doubtful that was found before, and was not doubtful then.
    fn doubt(&mut self, at: u64);
    /// Takes a stretch that holds no record, though one or more should be there.
    fn lost(&mut self, from: u64, to: u64);
    /// Takes a stretch that holds only data of records that are lost or doubtful.
    fn lost_data(&mut self, from: u64, to: u64);
    /// Notes that the work has come to `at`, and returns whether it may go on.
    fn goes_on(&mut self, at: u64) -> bool;
}

/// Where carving ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct CarvedEnd {
    /// Whether the end of the records was met: the header's, or an event offset array.
    pub is_met: bool,
    /// Where the last record that was found ends, or the extra blobs after it.
    pub at: u64,
}

impl<'a> Region<'a> {
    /// Carves all records from `from` on.
    pub(super) fn carve(&self, from: u64, sink: &mut impl RecordSink<'a>) -> CarvedEnd {
        let mut carver = Carver {
            region: self,
            sink,
            pending: PendingExtras::default(),
            before: None,
            second: None,
            records: 0,
            has_lost: false,
            end: from,
        };
        let mut current = carver.first(from);
        loop {
            match current {
                Ok(candidate) if carver.sink.goes_on(candidate.at) => current = carver.step(&candidate),
                Ok(_) => return CarvedEnd { is_met: false, at: carver.end },
                Err(is_met) => return CarvedEnd { is_met, at: carver.end },
            }
        }
    }
}

/// The state of carving between two records.
struct Carver<'c, 'a, S> {
    region: &'c Region<'a>,
    sink: &'c mut S,
    pending: PendingExtras,
    /// The time of the last record whose time is plausible.
    before: Option<u64>,
    /// Offset of the second record, by which an event offset array is recognized.
    second: Option<u64>,
    /// Records so far.
    records: u64,
    /// Whether records are lost, so that their extra blobs may lie anywhere.
    has_lost: bool,
    /// Where the last record ends, or the extra blobs after it.
    end: u64,
}

impl<'a, S: RecordSink<'a>> Carver<'_, 'a, S> {
    /// The first record; without one, whether the end of the records was met.
    fn first(&mut self, from: u64) -> Result<Candidate<'a>, bool> {
        if let Some(candidate) = self.region.candidate(from, None) {
            return Ok(candidate);
        }
        if self.region.is_end(from, from, None) {
            return Err(true);
        }
        if from >= self.file_end() || !self.sink.goes_on(from) {
            return Err(false);
        }
        let resumed = self.resume(from..self.file_end());
        let to = resumed.map_or(self.region.search_end(from), |candidate| candidate.at);
        self.lose(from, to);
        resumed.ok_or(to < self.file_end())
    }

    /// Takes one record, and returns the next; without one, whether the end of the records was met.
    fn step(&mut self, candidate: &Candidate<'a>) -> Result<Candidate<'a>, bool> {
        let region = self.region;
        let chain = std::slice::from_ref(candidate);
        let place = region.place_after(chain, &self.pending, usize::MAX).unwrap_or(candidate.own_place());
        let next = region.next(candidate, place, self.before).filter(|next| {
            let is_credible = || !place.is_after_displaced || self.leads_to_sound(candidate, next);
            next.is_sound() || candidate.is_sound() && is_credible()
        });
        let is_last = next.is_none() && region.is_end(place.at, candidate.at, self.second);
        if next.is_some() || is_last {
            self.take_followed(candidate, next);
            let to = next.map_or(place.at, |next| next.at);
            self.pending.pass(to);
            self.end = place.at;
            return next.ok_or_else(|| self.finish(to, true));
        }
        // Nothing whole follows. If the following bytes begin as a record does, that record was cut or its
        // size is too large; otherwise this record's size is wrong, or the next record is gone.
        let after_extras = region.after_lost_extras(candidate, place).filter(|_| self.has_lost);
        let until = after_extras.map_or(self.file_end(), |next| next.at);
        let resumed = self.resume(candidate.at + HEADER_SIZE as u64..until).or(after_extras);
        let to = resumed.map_or(region.search_end(candidate.own_end()), |resumed| resumed.at);
        if !candidate.is_sound() || !candidate.is_whole || to < candidate.own_end() {
            self.lose(candidate.at, to);
            self.pending.pass(to);
        } else {
            self.take_unfollowed(candidate, place, resumed, to);
            self.end = to.min(place.at);
        }
        resumed.ok_or_else(|| self.finish(to, to < self.file_end()))
    }

    /// Whether a sound record follows `next`, the anomalous record after `candidate`.
    fn leads_to_sound(&self, candidate: &Candidate<'a>, next: &Candidate<'a>) -> bool {
        let place = self.region.place_after(&[*candidate, *next], &self.pending, usize::MAX);
        let third = place.and_then(|place| self.region.next(next, place, Some(candidate.time())));
        third.is_some_and(|third| third.is_sound())
    }

    /// Takes a record that another record or the end of the records follows.
    fn take_followed(&mut self, candidate: &Candidate<'a>, next: Option<Candidate<'a>>) {
        // If the next record's time does not continue from this one, only this record's time is suspect.
        let time_goes_on =
            next.is_some_and(|next| candidate.is_sound() || follows(next.time(), Some(candidate.time())));
        let only_time = candidate.only_time_is_anomalous(self.region.pointer, self.before);
        let is_sure = candidate.is_sound() || only_time && time_goes_on;
        self.take(candidate, is_sure, candidate.is_sound() || time_goes_on);
    }

    /// Takes a sound record that nothing whole follows, and what lies between it and the next record that
    /// was found at `to`.
    fn take_unfollowed(
        &mut self,
        candidate: &Candidate<'a>,
        place: Place,
        resumed: Option<Candidate<'a>>,
        to: u64,
    ) {
        let region = self.region;
        // The size of an extra blob that reaches beyond the next record is wrong.
        let end = if place.at <= to { place.at } else { candidate.own_end() };
        let has_gap = end < to && (resumed.is_some() || !region.is_blank(end));
        // An extra blob whose record is lost may follow a record that is whole.
        let are_extras = has_gap && to < self.file_end() && region.are_extras(end, to);
        let is_sure = region.is_cut(candidate, place) || are_extras && self.has_lost;
        self.take(candidate, is_sure, true);
        // An extra blob that ends where the next record begins shows that nothing lies between.
        let is_spanned = candidate.displaced_extra().is_some_and(|extra| extra.leads_to(to));
        self.pending.pass(to);
        if has_gap && (are_extras || is_spanned) {
            self.sink.lost_data(end, to);
        } else if has_gap {
            self.lose(end, to);
        }
    }

    /// Takes a record, or loses it if its extra blob lies beyond the end of the file.
    fn take(&mut self, candidate: &Candidate<'a>, is_sure: bool, is_in_time: bool) {
        if candidate.is_whole {
            self.sink.found(candidate, !is_sure);
        } else {
            self.lose(candidate.at, candidate.own_end());
        }
        // An extra blob that begins inside of another record is none: the extra offset is wrong.
        self.doubt_owners(candidate.own_end());
        let owner = Some(candidate.at).filter(|_| is_sure && candidate.is_whole);
        let file_end = self.file_end();
        if let Some(extra) = candidate.displaced_extra().filter(|extra| extra.from < file_end) {
            self.pending.add(extra, owner);
        }
        if is_in_time {
            self.before = Some(candidate.time());
        }
        self.records += 1;
        if self.records == 2 {
            self.second = Some(candidate.at);
        }
    }

    /// Doubts the records whose extra blobs are pending and begin before `end`.
    fn doubt_owners(&mut self, end: u64) {
        while let Some(extra) = self.pending.pop_before(end) {
            extra.owner.into_iter().for_each(|at| self.sink.doubt(at));
        }
    }

    fn lose(&mut self, from: u64, to: u64) {
        self.sink.lost(from, to);
        self.has_lost = true;
    }

    fn resume(&mut self, range: Range<u64>) -> Option<Candidate<'a>> {
        self.region.resume(range, self.before, &self.pending, |at| self.sink.goes_on(at))
    }

    /// Ends carving at `to`: no extra blob can lie after that.
    fn finish(&mut self, to: u64, is_met: bool) -> bool {
        self.pending.pass(to);
        self.doubt_owners(u64::MAX);
        is_met
    }

    fn file_end(&self) -> u64 {
        self.region.file.len() as u64
    }
}
