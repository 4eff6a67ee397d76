//! Events as the log's own event offset array lists them, each of its entries looked at.

use super::walk::{Finder, Ground, PADDING, Step};
use crate::offsets::Offsets;
use crate::prefetch::{AHEAD, Ahead};
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

/// Whether a record that ends at `end` leads to what begins at `at`: a stray byte or the padding of a table
/// may lie between.
fn leads_to(end: u64, at: Option<u64>) -> bool {
    at.is_some_and(|at| (end..=end + PADDING).contains(&at))
}

/// Whether more than half of the entries lead to records.
pub(super) fn is_credible(ground: &Ground<'_>, offsets: &Offsets) -> bool {
    // A sample spread over the array is as good as all of it.
    const SAMPLE: u32 = 4_096;
    let count = offsets.count();
    let stride = count.div_ceil(SAMPLE).max(1);
    let (mut good, mut bad) = (0, 0);
    for position in (0..count).step_by(stride as usize) {
        let step = entry(ground, offsets, position).flatten();
        let next = offsets.get(ground.file, position + 1);
        match step.is_some_and(|step| step.is_sound() || leads_to(step.end(), next)) {
            true => good += 1,
            false => bad += 1,
        }
    }
    good > bad
}

/// Takes the events of the array. Where entries lead to no record, the bytes between the records before
/// and behind are searched for them. Gives the number of entries that led nowhere.
pub(super) fn take<'a, F: Finder<'a>>(ground: &Ground<'a>, offsets: &Offsets, finder: &mut F) -> u64 {
    let mut bad = 0;
    // Up to where records have been taken, and the time of the last one.
    let (mut end, mut before) = (header::SIZE as u64, None);
    let mut run_is_bad = false;
    let mut ahead = Ahead::default();
    let mut position: u32 = 0;
    let mut next = entry(ground, offsets, 0);
    while let Some(this) = next.filter(|_| finder.goes_on()) {
        position += 1;
        if let Some(end) = offsets.get(ground.file, position.saturating_add(AHEAD)) {
            ahead.ask(ground.file, end);
        }
        next = entry(ground, offsets, position);
        // What looks odd is a record if it lies where the next one has to begin, and if it ends where the one
        // behind it begins, whatever else it says; otherwise it is none.
        let behind = offsets.get(ground.file, position).or(Some(offsets.at()));
        let is_record = |step: &Step<'_>| {
            let fits = || step.oddities == 1 || leads_to(step.end(), behind);
            step.is_sound() || leads_to(end, Some(step.at)) && fits()
        };
        let Some(step) = this.filter(is_record) else {
            bad += 1;
            run_is_bad = true;
            continue;
        };
        if run_is_bad {
            search(ground, end, step.at, before, finder);
            run_is_bad = false;
        }
        // A record that says to reach into the next one says something wrong.
        let follower = next.flatten().filter(|next| next.is_sound() && next.at > step.at);
        let overlaps = follower.is_some_and(|next| step.end() > next.at);
        let is_far = |other: Option<u64>| other.is_none_or(|time| time.abs_diff(step.time()) > FAR);
        let after = next.flatten().map(|next| next.time());
        let is_alone = (before.is_some() || after.is_some()) && is_far(before) && is_far(after);
        let is_doubtful = !step.is_sound() || is_alone || overlaps;
        finder.found(&step, is_doubtful);
        if !is_doubtful {
            before = Some(step.time());
        }
        end = end.max(follower.map_or(step.end(), |next| step.end().min(next.at)));
    }
    // The array lies behind the records: what it does not list lies between them.
    let array = offsets.at();
    if run_is_bad || array.saturating_sub(end) > PADDING {
        search(ground, end, array, before, finder);
    }
    bad
}

/// Looks for records in a stretch that no entry leads into. The end of records taken so far only ever
/// grows, so no byte is searched twice.
fn search<'a, F: Finder<'a>>(ground: &Ground<'a>, from: u64, to: u64, before: Option<u64>, finder: &mut F) {
    let file = usize::try_from(to).ok().and_then(|to| ground.file.get(..to));
    if let Some(file) = file.filter(|_| from < to) {
        Ground { file, end: Some(to), ..*ground }.walk(from, before, finder);
    }
}
