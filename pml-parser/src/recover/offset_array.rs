//! Checks whether the log's own event offset array leads to its events, all of them, each once.

use super::array_bounds::leads_to;
use super::carve::RecordSink;
use super::extra_blobs::{PendingExtra, PendingExtras};
use super::region::{Candidate, Region};
use crate::log::offsets::Offsets;
use crate::log::prefetch::{AHEAD, Prefetcher};
use crate::raw::event::is_blank_room;
use crate::raw::header;
use crate::time::TICKS_PER_SECOND;

/// A time that lies further than this from those of the events before and after it is not of their capture.
const FAR: u64 = 30 * 86_400 * TICKS_PER_SECOND;

/// The record that an entry of the array leads to, if it leads to one; `None` after the last entry.
fn entry<'a>(region: &Region<'a>, offsets: &Offsets, position: u32) -> Option<Option<Candidate<'a>>> {
    let at = offsets.get(region.file, position)?;
    // The array may list events in any order: only times of neighbours are compared.
    Some(if at < header::SIZE as u64 { None } else { region.any_candidate(at) })
}

/// Takes the events of the array, and returns whether the array is consistent: each entry leads to a
/// record, no two records or extra blobs share bytes, no other record lies between them, and they reach up
/// to the array. If it is not, the caller drops what `sink` took, and finds the records without the array.
///
/// The order of the array is the order of display, and need not be that of the file.
pub(super) fn take<'a>(region: &Region<'a>, offsets: &Offsets, sink: &mut impl RecordSink<'a>) -> bool {
    let mut ahead = Prefetcher::default();
    let mut before = None;
    // The room between records is checked at once, as long as the array is in the order of the file.
    let (mut spans, mut in_order, mut last) = (SpanCheck::new(region), true, 0);
    let mut position: u32 = 0;
    let mut next = entry(region, offsets, 0);
    while let Some(this) = next.filter(|_| sink.goes_on(last)) {
        position += 1;
        if let Some(end) = offsets.get(region.file, position.saturating_add(AHEAD)) {
            ahead.ask(region.file, end);
        }
        next = entry(region, offsets, position);
        let Some(candidate) = this else { return false };
        // The size of a record that reaches into the next one is wrong, and so is one that leaves zeros.
        let following = offsets.get(region.file, position).unwrap_or(offsets.at());
        if following > candidate.at
            && (following < candidate.own_end()
                || candidate.returned_nothing() && is_blank_room(region.file, candidate.own_end(), following))
        {
            return false;
        }
        in_order = in_order && spans.add(&candidate);
        last = last.max(candidate.at);
        let is_far = |other: Option<u64>| other.is_none_or(|time| time.abs_diff(candidate.time()) > FAR);
        let after = next.flatten().map(|next| next.time());
        let is_alone = (before.is_some() || after.is_some()) && is_far(before) && is_far(after);
        let is_doubtful = !candidate.is_sound() || is_alone;
        sink.found(&candidate, is_doubtful);
        if !is_doubtful {
            before = Some(candidate.time());
        }
    }
    if !in_order && sink.goes_on(last) {
        match check_sorted(region, offsets) {
            Some(sorted) => spans = sorted,
            None => return false,
        }
    }
    // The array lies after the records; an event that it does not list lies before it.
    spans.is_complete(offsets.at())
}

/// The check of all records in the order of the file; `None` where it fails.
fn check_sorted<'r, 'a>(region: &'r Region<'a>, offsets: &Offsets) -> Option<SpanCheck<'r, 'a>> {
    let mut sorted: Vec<u64> =
        (0..offsets.count()).filter_map(|position| offsets.get(region.file, position)).collect();
    sorted.sort_unstable();
    let mut spans = SpanCheck::new(region);
    sorted
        .iter()
        .all(|&at| region.any_candidate(at).is_some_and(|record| spans.add(&record)))
        .then_some(spans)
}

/// Checks that an event offset array lists all records, and that these and their extra blobs share no bytes.
#[derive(Debug)]
struct SpanCheck<'r, 'a> {
    region: &'r Region<'a>,
    pending: PendingExtras,
    /// Where the last record or blob ends.
    end: u64,
    /// Whether the last record is anomalous: it must reach up to what follows.
    must_touch: bool,
}

impl<'r, 'a> SpanCheck<'r, 'a> {
    fn new(region: &'r Region<'a>) -> Self {
        Self { region, pending: PendingExtras::default(), end: header::SIZE as u64, must_touch: false }
    }

    /// Adds the next record in the order of the file. Returns whether it lies after the records and blobs
    /// before it, and no other record lies between. An anomalous record must fill the room between its
    /// neighbours.
    fn add(&mut self, candidate: &Candidate<'_>) -> bool {
        self.pass_extras(candidate.at) && self.pass_to(candidate.at, candidate.is_sound()) && {
            self.must_touch = !candidate.is_sound();
            self.end = candidate.own_end();
            candidate.displaced_extra().is_none_or(|extra| self.pending.add(extra, None))
        }
    }

    /// Whether records and blobs reach up to `at`, where the event offset array begins, and no further.
    fn is_complete(&mut self, at: u64) -> bool {
        self.pass_extras(at) && leads_to(self.end, at) && self.pending.is_empty()
    }

    /// Passes the blobs before `at`.
    fn pass_extras(&mut self, at: u64) -> bool {
        while let Some(PendingExtra { span, .. }) = self.pending.pop_before(at) {
            if !self.pass_to(span.from, true) {
                return false;
            }
            (self.end, self.must_touch) = (span.to, false);
        }
        true
    }

    /// Whether a record or blob may begin at `at`, after all those so far.
    fn pass_to(&self, at: u64, may_lie_apart: bool) -> bool {
        let touches = leads_to(self.end, at);
        let is_apart = || self.end <= at && self.region.sound_candidate(self.end, None).is_none();
        touches || may_lie_apart && !self.must_touch && is_apart()
    }
}
