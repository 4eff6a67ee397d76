//! The second stage: locates the events, by the log's own event offset array or by carving.

use super::FIRST;
use super::carve::RecordSink;
use super::classify::ClassifiedHeader;
use super::offset_array;
use super::process_evidence::ProcessEvidence;
use super::region::{Candidate, Region};
use crate::error::{Damage, Error, ErrorKind, Result};
use crate::log::offsets::Offsets;
use crate::progress::Progress;
use crate::raw::event::HEADER_SIZE;
use crate::raw::offsets::RawOffset;

/// Bytes between two reports of progress.
const REPORTED: u64 = 1 << 20;

/// The events of a log.
#[derive(Debug)]
pub(super) struct LocatedEvents<'a> {
    /// Where the events are; the file's own array only if it is consistent.
    pub offsets: Offsets,
    /// Where the last record ends, or the extra blobs after it.
    pub end: u64,
    /// What was lost of the events.
    pub loss: Loss,
    /// What the events say about processes.
    pub evidence: ProcessEvidence<'a>,
}

/// What was lost of the events of a log.
#[derive(Debug)]
pub(super) struct Loss {
    /// Events of which something cannot be right.
    pub doubtful: u64,
    /// Lost events, or the least number of them.
    pub lost: u64,
    /// Whether `lost` is the number rather than the least one.
    pub lost_is_exact: bool,
    /// Bytes in gaps.
    pub lost_bytes: u64,
    /// Whether there are gaps: stretches between records that belong to no record.
    pub has_gaps: bool,
    /// The first gaps and doubtful events.
    pub damage: Damage,
}

impl LocatedEvents<'_> {
    /// Whether the file's own event offset array leads to the events.
    pub(super) fn has_array(&self) -> bool {
        matches!(self.offsets, Offsets::InFile { .. })
    }
}

/// Locates the events of a log.
///
/// # Errors
/// [`ErrorKind::Cancelled`] when `progress` cancels.
pub(super) fn locate_events<'a>(
    file: &'a [u8],
    header: &ClassifiedHeader<'_>,
    progress: &dyn Progress,
) -> Result<LocatedEvents<'a>> {
    // No record ends where the header's pointer is 0.
    let end = Some(header.raw.offsets.get()).filter(|&at| at != 0);
    let region = Region { file, pointer: header.pointer(), end };
    if let Some(array) = Offsets::in_file(file, header.raw).ok().filter(|array| array.at() != 0) {
        let mut salvage = Salvage::new(header, progress);
        let is_consistent = offset_array::take(&region, &array, &mut salvage);
        salvage.check_cancelled()?;
        if is_consistent {
            return Ok(salvage.conclude(array, 0, true));
        }
    }
    let mut salvage = Salvage::new(header, progress);
    let end = region.carve(FIRST, &mut salvage);
    salvage.check_cancelled()?;
    salvage.end = end.at;
    if let Some(array) = Offsets::in_file(file, header.raw).ok().filter(|array| array.at() != 0) {
        add_listed(&region, &array, &mut salvage);
    }
    let (lost, is_exact) = count_lost(file, header, &salvage, end.is_met);
    let offsets = Offsets::Found(std::mem::take(&mut salvage.offsets));
    Ok(salvage.conclude(offsets, lost, is_exact))
}

/// Adds the records that the event offset array lists and that carving did not find: bytes of another log in a
/// hole look like records, and reach into the record after the hole. Such a record, which the array does not
/// list, gives way. An array of which less than half leads to records that were found says nothing.
fn add_listed<'a>(region: &Region<'a>, array: &Offsets, salvage: &mut Salvage<'a, '_>) {
    let listed = || (0..array.count()).filter_map(|position| array.get(region.file, position));
    let found = std::mem::take(&mut salvage.offsets);
    let is_found = |at: u64| found.binary_search_by_key(&at, |offset| offset.get()).is_ok();
    let is_new = |at: &u64| (FIRST..array.at()).contains(at) && !is_found(*at);
    let mut added: Vec<(u64, u64)> = Vec::new();
    if 2 * listed().filter(|&at| is_found(at)).count() >= found.len() {
        let candidates = listed().filter(is_new).filter_map(|at| region.sound_candidate(at, None));
        let whole = candidates.filter(|candidate| candidate.is_whole);
        added.extend(whole.map(|candidate| (candidate.at, candidate.own_end())));
    }
    if added.is_empty() {
        salvage.offsets = found;
        return;
    }
    added.sort_unstable();
    added.dedup();
    let mut sorted: Vec<RawOffset> = listed().map(RawOffset::new).collect();
    sorted.sort_unstable_by_key(|offset| offset.get());
    let is_listed = |at: u64| sorted.binary_search_by_key(&at, |offset| offset.get()).is_ok();
    // Of records that share bytes, those that are listed count. Where the size of a record is wrong, it ends where
    // the next one begins.
    let next_listed = |at: u64| {
        let after = sorted.partition_point(|offset| offset.get() <= at);
        sorted.get(after).map_or(u64::MAX, |next| next.get())
    };
    let end_of = |at: u64| region.any_candidate(at).map_or(at, |candidate| candidate.own_end());
    let mut added = added.into_iter().peekable();
    let mut end = 0;
    for &offset in &found {
        let at = offset.get();
        while let Some((from, to)) = added.next_if(|(from, _)| *from < at) {
            salvage.add(region, from);
            end = to.min(next_listed(from));
        }
        let mut is_crossed = || at < end || added.peek().is_some_and(|(from, _)| *from < end_of(at));
        if is_listed(at) || !is_crossed() {
            salvage.offsets.push(offset);
        }
    }
    added.for_each(|(from, _)| salvage.add(region, from));
}

/// How many events carving did not find, and whether that is the number rather than the least one;
/// `has_end` says whether carving met the end of the records.
fn count_lost(
    file: &[u8],
    header: &ClassifiedHeader<'_>,
    salvage: &Salvage<'_, '_>,
    has_end: bool,
) -> (u64, bool) {
    if has_end && salvage.gaps == 0 && salvage.lost_bytes == 0 {
        return (0, true);
    }
    let (kept, counted) = (salvage.offsets.len() as u64, u64::from(header.raw.event_count.get()));
    // A count of more events than the file has room for is worthless.
    let room = header.raw.offsets.get().max(file.len() as u64) / HEADER_SIZE as u64;
    if header.is_trusted() && (kept.max(1)..=room).contains(&counted) {
        (counted - kept, true)
    } else {
        (salvage.gaps, false)
    }
}

/// Collects the events of a log and what is lost of them.
pub(super) struct Salvage<'a, 'p> {
    /// Where the records begin.
    pub offsets: Vec<RawOffset>,
    /// Where the last record ends.
    end: u64,
    doubtful: u64,
    lost_bytes: u64,
    /// Gaps that a record could be in.
    gaps: u64,
    /// The first gaps, and the first doubtful events.
    damage: Damage,
    evidence: ProcessEvidence<'a>,
    progress: &'p dyn Progress,
    /// Offset of the next report of progress.
    next_report: u64,
    is_cancelled: bool,
}

impl<'a, 'p> Salvage<'a, 'p> {
    fn new(header: &ClassifiedHeader<'_>, progress: &'p dyn Progress) -> Self {
        Self {
            offsets: Vec::new(),
            end: FIRST,
            doubtful: 0,
            lost_bytes: 0,
            gaps: 0,
            damage: Damage::default(),
            evidence: ProcessEvidence::new(header.pointer(), header.version()),
            progress,
            next_report: REPORTED,
            is_cancelled: false,
        }
    }

    /// Adds the record at `at`, which lies after those so far, and what it says about processes.
    fn add(&mut self, region: &Region<'a>, at: u64) {
        self.offsets.push(RawOffset::new(at));
        if let Some(candidate) = region.sound_candidate(at, None) {
            self.evidence.add_event(&candidate.record);
        }
    }

    /// An error, once the caller has cancelled.
    fn check_cancelled(&self) -> Result<()> {
        if self.is_cancelled { Err(Error::new(ErrorKind::Cancelled, "events", self.end)) } else { Ok(()) }
    }

    fn conclude(self, offsets: Offsets, lost: u64, lost_is_exact: bool) -> LocatedEvents<'a> {
        let loss = Loss {
            doubtful: self.doubtful,
            lost,
            lost_is_exact,
            lost_bytes: self.lost_bytes,
            has_gaps: self.gaps > 0 || self.lost_bytes > 0,
            damage: self.damage,
        };
        LocatedEvents { offsets, end: self.end, loss, evidence: self.evidence }
    }
}

impl<'a> RecordSink<'a> for Salvage<'a, '_> {
    fn found(&mut self, candidate: &Candidate<'a>, is_doubtful: bool) {
        // The format numbers events with 32 bits and places them with 40.
        if self.offsets.len() >= u32::MAX as usize || candidate.at > RawOffset::MAX {
            return self.lost(candidate.at, candidate.own_end());
        }
        self.offsets.push(RawOffset::new(candidate.at));
        self.end = self.end.max(candidate.own_end());
        self.evidence.add_event(&candidate.record);
        if is_doubtful {
            self.doubt(candidate.at);
        }
    }

    fn doubt(&mut self, at: u64) {
        self.doubtful += 1;
        self.damage.push(Error::new(ErrorKind::Doubtful, "event", at));
    }

    fn lost(&mut self, from: u64, to: u64) {
        self.lost_data(from, to);
        self.gaps += 1;
    }

    fn lost_data(&mut self, from: u64, to: u64) {
        let size = to.saturating_sub(from);
        self.lost_bytes += size;
        self.damage.push(Error::new(ErrorKind::NoEvents(size), "events", from));
    }

    #[inline]
    fn goes_on(&mut self, at: u64) -> bool {
        if at >= self.next_report {
            self.next_report = at.saturating_add(REPORTED);
            self.progress.advance(self.offsets.len() as u64, at);
            self.is_cancelled |= self.progress.is_cancelled();
        }
        !self.is_cancelled
    }
}
