//! Checks whether the log's own event offset array leads to its events, all of them, each once.

use super::array_bounds::PADDING;
use super::carve::RecordSink;
use super::region::{Candidate, Region};
use crate::log::offsets::Offsets;
use crate::log::prefetch::{AHEAD, Ahead};
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

/// Whether a record that ends at `end` leads to what begins at `at`.
fn leads_to(end: u64, at: Option<u64>) -> bool {
    at.is_some_and(|at| (end..=end + PADDING).contains(&at))
}

/// Takes the events of the array, and returns whether the array is consistent: each entry leads to a
/// record, no two records share bytes, and the records reach up to the array. If it is not, the caller
/// drops what `sink` took, and finds the records without the array.
///
/// The order of the array is the order of display, and need not be that of the file.
pub(super) fn take<'a>(region: &Region<'a>, offsets: &Offsets, sink: &mut impl RecordSink<'a>) -> bool {
    let mut ahead = Ahead::default();
    // The furthest end of a record, and the end and the time of the last one.
    let (mut furthest, mut end, mut before) = (header::SIZE as u64, header::SIZE as u64, None);
    let mut ascends = true;
    let mut position: u32 = 0;
    let mut next = entry(region, offsets, 0);
    while let Some(this) = next.filter(|_| sink.goes_on(furthest)) {
        position += 1;
        if let Some(end) = offsets.get(region.file, position.saturating_add(AHEAD)) {
            ahead.ask(region.file, end);
        }
        next = entry(region, offsets, position);
        let following = offsets.get(region.file, position).or(Some(offsets.at()));
        // An anomalous record is one all the same if it fills the room between its neighbours.
        let is_record = |candidate: &Candidate<'_>| {
            candidate.is_sound() || leads_to(end, Some(candidate.at)) && leads_to(candidate.end(), following)
        };
        let Some(candidate) = this.filter(is_record) else { return false };
        // The size of a record that reaches into the next one is wrong.
        if following.is_some_and(|following| following > candidate.at && following < candidate.end()) {
            return false;
        }
        ascends &= candidate.at >= end;
        let is_far = |other: Option<u64>| other.is_none_or(|time| time.abs_diff(candidate.time()) > FAR);
        let after = next.flatten().map(|next| next.time());
        let is_alone = (before.is_some() || after.is_some()) && is_far(before) && is_far(after);
        let is_doubtful = !candidate.is_sound() || is_alone;
        sink.found(&candidate, is_doubtful);
        if !is_doubtful {
            before = Some(candidate.time());
        }
        end = candidate.end();
        furthest = furthest.max(end);
    }
    // The array lies after the records; an event that it does not list lies before it.
    leads_to(furthest, Some(offsets.at())) && (ascends || are_apart(region, offsets))
}

/// Whether no two records share bytes, in whatever order they are listed.
fn are_apart(region: &Region<'_>, offsets: &Offsets) -> bool {
    let mut sorted: Vec<u64> =
        (0..offsets.count()).filter_map(|position| offsets.get(region.file, position)).collect();
    sorted.sort_unstable();
    let end = |at| region.any_candidate(at).map(|candidate| candidate.end());
    sorted.windows(2).all(|pair| end(pair[0]).is_some_and(|end| end <= pair[1]))
}
