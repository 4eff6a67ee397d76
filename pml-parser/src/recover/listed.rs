//! Whether the log's own event offset array leads to its events, all of them, each once.

use super::Gathered;
use super::walk::{Finder, Ground, PADDING, Step};
use crate::log::offsets::Offsets;
use crate::log::prefetch::{AHEAD, Ahead};
use crate::raw::header;
use crate::time::TICKS_PER_SECOND;

/// Times further apart than this, from the event before and the one behind, are not of one capture.
const FAR: u64 = 30 * 86_400 * TICKS_PER_SECOND;

/// The record that an entry of the array leads to, if it leads to one; `None` behind the last entry.
fn entry<'a>(ground: &Ground<'a>, offsets: &Offsets, position: u32) -> Option<Option<Step<'a>>> {
    let at = offsets.get(ground.file, position)?;
    // Events may be listed in any order: their times are compared with their neighbours' alone.
    Some(if at < header::SIZE as u64 { None } else { ground.any_step(at) })
}

/// Whether a record that ends at `end` leads to what begins at `at`.
fn leads_to(end: u64, at: Option<u64>) -> bool {
    at.is_some_and(|at| (end..=end + PADDING).contains(&at))
}

/// Takes the events of the array, and says whether it can be believed: each entry leads to a record, no
/// two records share bytes, and they reach up to the array. Where it cannot, what has
/// been taken is to be forgotten, and the records are found without it.
///
/// The order of the array is that in which events are shown, and need not be that of the file.
pub(super) fn take<'a>(ground: &Ground<'a>, offsets: &Offsets, gathered: &mut Gathered<'a, '_>) -> bool {
    let mut ahead = Ahead::default();
    // Up to where records reach, and the end and the time of the last one.
    let (mut furthest, mut end, mut before) = (header::SIZE as u64, header::SIZE as u64, None);
    let mut ascends = true;
    let mut position: u32 = 0;
    let mut next = entry(ground, offsets, 0);
    while let Some(this) = next.filter(|_| gathered.goes_on(furthest)) {
        position += 1;
        if let Some(end) = offsets.get(ground.file, position.saturating_add(AHEAD)) {
            ahead.ask(ground.file, end);
        }
        next = entry(ground, offsets, position);
        let behind = offsets.get(ground.file, position).or(Some(offsets.at()));
        // What looks odd is a record all the same if it fills the room between its neighbours.
        let is_record =
            |step: &Step<'_>| step.is_sound() || leads_to(end, Some(step.at)) && leads_to(step.end(), behind);
        let Some(step) = this.filter(is_record) else { return false };
        // A record that reaches into the next one says something wrong of its size.
        if behind.is_some_and(|behind| behind > step.at && behind < step.end()) {
            return false;
        }
        ascends &= step.at >= end;
        let is_far = |other: Option<u64>| other.is_none_or(|time| time.abs_diff(step.time()) > FAR);
        let after = next.flatten().map(|next| next.time());
        let is_alone = (before.is_some() || after.is_some()) && is_far(before) && is_far(after);
        let is_doubtful = !step.is_sound() || is_alone;
        gathered.found(&step, is_doubtful);
        if !is_doubtful {
            before = Some(step.time());
        }
        end = step.end();
        furthest = furthest.max(end);
    }
    // The array lies behind the records; what it does not list lies before it.
    leads_to(furthest, Some(offsets.at())) && (ascends || are_apart(ground, gathered))
}

/// Whether no two records share bytes, in whatever order they are listed.
fn are_apart(ground: &Ground<'_>, gathered: &Gathered<'_, '_>) -> bool {
    let mut offsets: Vec<u64> = gathered.offsets.iter().map(|offset| offset.get()).collect();
    offsets.sort_unstable();
    let end = |at| ground.any_step(at).map(|step| step.end());
    offsets.windows(2).all(|pair| end(pair[0]).is_some_and(|end| end <= pair[1]))
}
