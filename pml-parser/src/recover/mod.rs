//! Reading what is left of a log that was never closed, was cut short, or is damaged.
//!
//! The file's own event offset array is used where it leads to records; what it does not lead to is found
//! by walking from record to record. Tables are used where they can be read; what they lack is made out of
//! the events of the process class. Nothing is copied: events stay where they are in the file, and only
//! their offsets and the tables made anew are kept in memory.

mod layout;
mod listed;
mod walk;
mod witnesses;

use crate::error::{Damage, Error, ErrorKind, Result};
use crate::log::index::{Index, Places};
use crate::log::offsets::Offsets;
use crate::log::process::{Module, Process};
use crate::log::recovery::Recovery;
use crate::log::{Log, LogView};
use crate::progress::{NoProgress, Progress};
use crate::raw::event::HEADER_SIZE;
use crate::raw::header::{self, RawHeader};
use crate::raw::offsets::RawOffset;
use crate::write::Tables;
use walk::{Finder, Ground, Step};
use witnesses::Witnesses;

impl<B: AsRef<[u8]>> Log<B> {
    /// Reads what there is of a log, whatever is wrong with it. A sound log opens as with
    /// [`Log::parse`], though every event header is looked at; [`LogView::recovery`] says what was found.
    ///
    /// Where the event offset array cannot be used, records are found by walking through the file, and
    /// looked for again behind damage; memory grows by five bytes an event. The work is at most a small
    /// multiple of that of reading the file once.
    ///
    /// # Errors
    /// When the file is shorter than a header, or of another version; or when it does not begin as a log
    /// does and no event is in it.
    pub fn recover(bytes: B) -> Result<Self> {
        Self::recover_watched(bytes, &NoProgress)
    }

    /// The same, with progress reports; the caller may cancel.
    ///
    /// # Errors
    /// As [`Log::recover`], and [`ErrorKind::Cancelled`] when `progress` cancels.
    pub fn recover_watched(bytes: B, progress: &dyn Progress) -> Result<Self> {
        let index = read(bytes.as_ref(), progress)?;
        Ok(Self::from_parts(bytes, index))
    }
}

/// Records that are enough to tell the bitness of a log by.
const TELLING: usize = 16;
/// Bytes in which the first record is looked for where nothing else says that a file is a log, or which
/// bitness it has.
const NEAR: usize = 16 << 20;
/// Versions of the format that there may be, besides the one that is known.
const OTHER_VERSIONS: std::ops::RangeInclusive<u32> = 1..=32;
/// Where the records begin.
const FIRST: u64 = header::SIZE as u64;

fn read(file: &[u8], progress: &dyn Progress) -> Result<Index> {
    // What is shorter than a header may be something else altogether.
    let header = match header::overlay(file) {
        Ok(header) => header,
        Err(short) => return Err(header::read(file).err().unwrap_or(short)),
    };
    let header_error = header::check(header).err();
    let header_kind = header_error.map(|error| error.kind());
    let is_other = match header_kind {
        Some(ErrorKind::UnsupportedVersion(version)) => OTHER_VERSIONS.contains(&version),
        Some(ErrorKind::NotPml) => !has_record_near(file),
        _ => false,
    };
    if let Some(error) = header_error.filter(|_| is_other) {
        return Err(error);
    }
    // Otherwise nothing that the header says is to be believed.
    let has_header = matches!(header_kind, None | Some(ErrorKind::NotClosed));
    let is64 = is_64_bit(file, header, has_header);
    let pointer = if is64 { 8 } else { 4 };
    // A pointer that leads nowhere is never met.
    let ground = Ground { file, pointer, end: Some(header.offsets.get()).filter(|&at| at != 0) };
    let listed = Offsets::in_file(file, header).ok().filter(|offsets| offsets.at() != 0);

    let mut recovery = Recovery::default();
    let mut gathered = Gathered::new(pointer, progress);
    let believed = listed.filter(|listed| listed::take(&ground, listed, &mut gathered));
    gathered.check_cancelled()?;
    let mut index = match believed {
        Some(listed) => {
            recovery.lost_is_exact = true;
            Index::new(is64, listed)
        }
        None => {
            gathered = Gathered::new(pointer, gathered.progress);
            let has_end = ground.walk(FIRST, &mut gathered);
            let (kept, counted) = (gathered.offsets.len() as u64, u64::from(header.event_count.get()));
            // A count that is more than there is room for says nothing.
            let room = header.offsets.get().max(file.len() as u64) / HEADER_SIZE as u64;
            let is_whole = has_end && gathered.gaps == 0;
            recovery.lost_is_exact = is_whole || has_header && (kept.max(1)..=room).contains(&counted);
            recovery.lost = match recovery.lost_is_exact {
                _ if is_whole => 0,
                true => counted - kept,
                false => gathered.gaps,
            };
            Index::new(is64, Offsets::Found(std::mem::take(&mut gathered.offsets)))
        }
    };
    gathered.check_cancelled()?;
    if let Some(error) = header_error.filter(|error| error.kind() == ErrorKind::NotPml)
        && index.event_count() == 0
    {
        return Err(error);
    }
    let places = layout::places(file, header, pointer, &index, gathered.end);
    index.read_found_tables(file, &places);
    recovery.cause = Index::read(file).err();
    recovery.is_cut = header_error.is_none() && layout::is_cut(file, header);
    if header_error.is_none() {
        for error in layout::contradictions(header, &places) {
            recovery.cause = recovery.cause.or(Some(error));
            index.push_damage(error);
        }
        if index.listed().is_none() {
            let array = header.offsets.get();
            let counted = u64::from(header.event_count.get());
            let error = if u64::from(index.event_count()) > counted {
                Some(Error::new(ErrorKind::OutOfBounds(counted), "number of events", 0x234))
            } else if recovery.lost == 0 && gathered.gaps == 0 {
                Some(Error::new(ErrorKind::Misleading, "event offset array", array))
            } else {
                // It is events that are damaged.
                None
            };
            recovery.cause = recovery.cause.or(error);
        }
    }
    recovery.kept = u64::from(index.event_count());
    recovery.doubtful = gathered.doubtful;
    recovery.lost_bytes = gathered.lost_bytes;
    // Processes that sound tables do not have are none that are missing.
    if recovery.cause.is_some() || !index.has_sound_tables() {
        rebuild_tables(file, &mut index, &gathered.witnesses, &mut recovery);
    }
    index.add_recovery(recovery, &gathered.damage);
    Ok(index)
}

/// Whether a record begins close to where the first one would.
fn has_record_near(file: &[u8]) -> bool {
    let near = file.get(..NEAR).unwrap_or(file);
    [4, 8].into_iter().any(|pointer| {
        let ground = Ground { file: near, pointer, end: None };
        ground.chain_length(FIRST, 2) > 1 || ground.resume(FIRST, None, |_| true).is_some()
    })
}

/// The bitness of a log: what the header says, unless the first records that are found say otherwise.
fn is_64_bit(file: &[u8], header: &RawHeader, is_header_sound: bool) -> bool {
    let stated = if is_header_sound { header.is64.get() != 0 } else { true };
    let chain = |pointer| Ground { file, pointer, end: None }.chain_length(FIRST, TELLING);
    let (narrow, wide) = (chain(4), chain(8));
    if narrow.max(wide) > 1 && narrow != wide {
        return wide > narrow;
    }
    if narrow.max(wide) > 1 || is_header_sound {
        return stated;
    }
    let near = file.get(..NEAR).unwrap_or(file);
    let first = |pointer| {
        let found = Ground { file: near, pointer, end: None }.resume(FIRST, None, |_| true);
        found.map_or(u64::MAX, |step| step.at)
    };
    first(8) <= first(4)
}

/// What the events of a log come to.
struct Gathered<'a, 'w> {
    offsets: Vec<RawOffset>,
    /// Where the last record ends.
    end: u64,
    doubtful: u64,
    lost_bytes: u64,
    /// Stretches without a record that one could be in.
    gaps: u64,
    /// The first of them, and of doubtful events.
    damage: Damage,
    witnesses: Witnesses<'a>,
    progress: &'w dyn Progress,
    /// Where the watch is asked again.
    next_look: u64,
    is_cancelled: bool,
}

/// Bytes after which progress is reported.
const LOOK: u64 = 1 << 20;

impl<'a, 'w> Gathered<'a, 'w> {
    fn new(pointer: usize, progress: &'w dyn Progress) -> Self {
        Self {
            offsets: Vec::new(),
            end: FIRST,
            doubtful: 0,
            lost_bytes: 0,
            gaps: 0,
            damage: Damage::default(),
            witnesses: Witnesses::new(pointer),
            progress,
            next_look: LOOK,
            is_cancelled: false,
        }
    }

    /// An error, once the caller has cancelled.
    fn check_cancelled(&self) -> Result<()> {
        if self.is_cancelled { Err(Error::new(ErrorKind::Cancelled, "events", self.end)) } else { Ok(()) }
    }
}

impl<'a> Finder<'a> for Gathered<'a, '_> {
    fn found(&mut self, step: &Step<'a>, is_doubtful: bool) {
        // As many as the format can tell apart.
        if self.offsets.len() >= u32::MAX as usize || step.at > RawOffset::MAX {
            return self.lost(step.at, step.end());
        }
        self.offsets.push(RawOffset::new(step.at));
        self.end = self.end.max(step.end());
        self.witnesses.see(&step.record);
        if is_doubtful {
            self.doubtful += 1;
            self.damage.push(Error::new(ErrorKind::Doubtful, "event", step.at));
        }
    }

    fn lost(&mut self, from: u64, to: u64) {
        let size = to.saturating_sub(from);
        self.lost_bytes += size;
        self.gaps += 1;
        self.damage.push(Error::new(ErrorKind::NoEvents(size), "events", from));
    }

    #[inline]
    fn goes_on(&mut self, at: u64) -> bool {
        if at >= self.next_look {
            self.next_look = at.saturating_add(LOOK);
            self.progress.advance(self.offsets.len() as u64, at);
            self.is_cancelled |= self.progress.is_cancelled();
        }
        !self.is_cancelled
    }
}

/// Adds what only events tell of processes to what the tables hold.
fn rebuild_tables(file: &[u8], index: &mut Index, witnesses: &Witnesses<'_>, recovery: &mut Recovery) {
    let log = LogView { file, index };
    // A record without a name, or that contradicts the events, is what damage left of it.
    let is_doubtful = |process: Process<'_>| {
        let index = process.index();
        witnesses.contradict(index, process) || process.name().is_empty() && witnesses.tell_of(index)
    };
    let missing: Vec<u32> =
        witnesses.named().filter(|&index| log.process_position(index).is_none()).collect();
    let (told, unknown): (Vec<u32>, Vec<u32>) =
        missing.into_iter().partition(|&index| witnesses.tell_of(index));
    recovery.processes_unknown = unknown.len() as u32;
    let doubtful = log.processes().filter(|process| is_doubtful(*process)).count();
    recovery.processes_rebuilt = (told.len() + doubtful) as u32;
    if recovery.processes_rebuilt == 0 {
        return;
    }
    let mut tables = Tables::for_copies_of(log);
    for process in log.processes() {
        if is_doubtful(process) {
            let record = Some(process).filter(|process| !witnesses.contradict(process.index(), *process));
            witnesses.add(process.index(), record, &mut tables);
        } else {
            let modules: Vec<Module<'_>> = process.modules().collect();
            tables.copy_process(process.index(), process.parent_index(), process, &modules, index.pointer());
        }
    }
    told.into_iter().for_each(|index| witnesses.add(index, None, &mut tables));
    let mut bytes = tables.process_table();
    let strings_at = bytes.len() as u64;
    bytes.extend(tables.string_table());
    let icons_at = bytes.len() as u64;
    bytes.extend(tables.icon_table());
    let places = Places { processes: Some(0), strings: Some(strings_at), icons: Some(icons_at), hosts: None };
    index.replace_tables(bytes, &places);
}
