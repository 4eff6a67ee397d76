//! Events as the log's own event offset array lists them, each of its entries looked at.

use super::walk::{Finder, Ground, PADDING, Step};
use crate::offsets::Offsets;
use crate::raw::header;
use crate::time::TICKS_PER_SECOND;

/// Times further apart than this, from the event before and the one behind, are not of one capture.
const FAR: u64 = 30 * 86_400 * TICKS_PER_SECOND;

/// What is known of an entry of the array.
#[derive(Clone, Copy)]
enum Entry<'a> {
    /// It leads to a record.
    Good(Step<'a>),
    /// It leads nowhere, or to something that is no record.
    Bad,
}

fn entry<'a>(ground: &Ground<'a>, offsets: &Offsets, position: u32) -> Option<Entry<'a>> {
    let at = offsets.get(ground.file, position)?;
    if at < header::SIZE as u64 {
        return Some(Entry::Bad);
    }
    // Events may be listed in any order: their times are compared with their neighbours' alone.
    let step = ground.step_at_any_time(at);
    Some(step.map_or(Entry::Bad, Entry::Good))
}

/// Whether more than half of the entries lead to records.
pub(super) fn is_credible(ground: &Ground<'_>, offsets: &Offsets) -> bool {
    // A sample spread over the array is as good as all of it.
    const SAMPLE: u32 = 4_096;
    let count = offsets.count();
    let stride = count.div_ceil(SAMPLE).max(1);
    let (mut good, mut bad) = (0, 0);
    for position in (0..count).step_by(stride as usize) {
        match entry(ground, offsets, position) {
            Some(Entry::Good(_)) => good += 1,
            _ => bad += 1,
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
    let mut position = 0;
    let mut next = entry(ground, offsets, 0);
    while let Some(this) = next.filter(|_| finder.goes_on()) {
        position += 1;
        next = entry(ground, offsets, position);
        let good = match this {
            Entry::Good(step) => Some(step),
            Entry::Bad => None,
        };
        // What looks odd is a damaged record if it lies where the next one has to begin, and no record at all
        // if it does not.
        let Some(step) = good.filter(|step| step.is_sound || (end..=end + 1).contains(&step.at)) else {
            bad += 1;
            run_is_bad = true;
            continue;
        };
        if run_is_bad {
            search(ground, end, step.at, before, finder);
            run_is_bad = false;
        }
        let is_far = |other: Option<u64>| other.is_none_or(|time| time.abs_diff(step.time()) > FAR);
        let behind = match next {
            Some(Entry::Good(next)) => Some(next.time()),
            _ => None,
        };
        let is_alone = (before.is_some() || behind.is_some()) && is_far(before) && is_far(behind);
        finder.found(&step, !step.is_sound || is_alone);
        before = Some(step.time());
        end = end.max(step.end());
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
