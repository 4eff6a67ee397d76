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
use crate::log::{Index, Log, LogView, Places};
use crate::offsets::Offsets;
use crate::process::{Module, Process};
use crate::raw::header::{self, RawHeader};
use crate::raw::offsets::RawOffset;
use crate::recovery::Recovery;
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
        Self::recover_watched(bytes, |_, _| true)
    }

    /// The same, watched: `goes_on` is told now and then how many events and bytes have been read, and answers
    /// whether to go on.
    ///
    /// # Errors
    /// As [`Log::recover`], and when `goes_on` says no.
    pub fn recover_watched(bytes: B, mut goes_on: impl FnMut(u64, u64) -> bool) -> Result<Self> {
        let index = read(bytes.as_ref(), &mut goes_on)?;
        Ok(Self::from_parts(bytes, index))
    }
}

/// Records that are enough to tell the bitness of a log by.
const TELLING: usize = 16;

fn read(file: &[u8], watch: &mut dyn FnMut(u64, u64) -> bool) -> Result<Index> {
    // What is shorter than a header may be something else altogether.
    let header = match header::overlay(file) {
        Ok(header) => header,
        Err(short) => return Err(header::read(file).err().unwrap_or(short)),
    };
    let header_error = header::check(header).err();
    if let Some(error) = header_error
        && matches!(error.kind(), ErrorKind::UnsupportedVersion(_))
    {
        return Err(error);
    }
    let is64 = is_64_bit(file, header);
    let pointer = if is64 { 8 } else { 4 };
    let listed = Offsets::in_file(file, header).ok().filter(|_| header.offsets.get() != 0);
    // A pointer that leads nowhere is never met.
    let ground = Ground { file, pointer, end: Some(header.offsets.get()).filter(|&at| at != 0) };

    let mut gathered = Gathered {
        offsets: Vec::new(),
        end: header::SIZE as u64,
        doubtful: 0,
        lost_bytes: 0,
        gaps: 0,
        damage: Damage::default(),
        witnesses: Witnesses::new(pointer),
        watch,
        is_stopped: false,
    };
    let mut recovery = Recovery::default();
    let mut index;
    match listed.filter(|listed| listed::is_credible(&ground, listed)) {
        Some(listed) => {
            let bad = listed::take(&ground, &listed, &mut gathered);
            let found = gathered.offsets.len() as u64;
            recovery.lost = u64::from(listed.count()).saturating_sub(found);
            recovery.lost_is_exact = true;
            let is_as_listed = bad == 0 && found == u64::from(listed.count());
            let offsets =
                if is_as_listed { listed } else { Offsets::Found(std::mem::take(&mut gathered.offsets)) };
            index = Index::new(is64, offsets);
        }
        None => {
            ground.walk(header::SIZE as u64, None, &mut gathered);
            let kept = gathered.offsets.len() as u64;
            let counted = u64::from(header.event_count.get());
            recovery.lost_is_exact = counted != 0 && counted >= kept;
            recovery.lost = if recovery.lost_is_exact { counted - kept } else { gathered.gaps };
            index = Index::new(is64, Offsets::Found(std::mem::take(&mut gathered.offsets)));
        }
    }
    if gathered.is_stopped {
        return Err(Error::new(ErrorKind::Stopped, "events", gathered.end));
    }
    if let Some(error) = header_error.filter(|error| error.kind() == ErrorKind::NotPml)
        && index.event_count() == 0
    {
        return Err(error);
    }
    let places = layout::places(file, header, pointer, &index, gathered.end);
    index.read_found_tables(file, &places);
    recovery.cause = Index::read(file).err();
    recovery.is_cut = header_error.is_none() && layout::is_cut(file, header);
    recovery.kept = u64::from(index.event_count());
    recovery.doubtful = gathered.doubtful;
    recovery.lost_bytes = gathered.lost_bytes;
    rebuild_tables(file, &mut index, &gathered.witnesses, &mut recovery);
    index.add_recovery(recovery, &gathered.damage);
    Ok(index)
}

/// The bitness of a log: what the header says, unless the first records say otherwise.
fn is_64_bit(file: &[u8], header: &RawHeader) -> bool {
    let chain = |pointer| Ground { file, pointer, end: None }.chain_length(header::SIZE as u64, TELLING);
    let (narrow, wide) = (chain(4), chain(8));
    match header.is64.get() {
        0 => wide > narrow,
        _ => wide >= narrow,
    }
}

/// What the events of a log come to.
struct Gathered<'a, 'w> {
    offsets: Vec<RawOffset>,
    /// Where the last record ends.
    end: u64,
    doubtful: u64,
    lost_bytes: u64,
    /// Stretches without a record.
    gaps: u64,
    /// The first of them, and of doubtful events.
    damage: Damage,
    witnesses: Witnesses<'a>,
    watch: &'w mut dyn FnMut(u64, u64) -> bool,
    is_stopped: bool,
}

/// Events after which the watch is asked.
const WATCH: usize = 4_096;

impl<'a> Finder<'a> for Gathered<'a, '_> {
    fn found(&mut self, step: &Step<'a>, is_doubtful: bool) {
        // As many as the format can tell apart.
        if self.offsets.len() >= u32::MAX as usize || step.at > RawOffset::MAX {
            return self.lost(step.at, step.end());
        }
        self.offsets.push(RawOffset::new(step.at));
        self.end = self.end.max(step.end());
        if self.offsets.len().is_multiple_of(WATCH) {
            self.is_stopped |= !(self.watch)(self.offsets.len() as u64, self.end);
        }
        self.witnesses.see(&step.record);
        if is_doubtful {
            self.doubtful += 1;
            self.damage.push(Error::new(ErrorKind::Doubtful, "event", step.at));
        }
    }

    fn goes_on(&self) -> bool {
        !self.is_stopped
    }

    fn lost(&mut self, from: u64, to: u64) {
        self.lost_bytes += to.saturating_sub(from);
        self.gaps += 1;
        self.damage.push(Error::new(ErrorKind::NoEvents(to.saturating_sub(from)), "events", from));
    }
}

/// Adds what only events tell of processes to what the tables hold.
fn rebuild_tables(file: &[u8], index: &mut Index, witnesses: &Witnesses<'_>, recovery: &mut Recovery) {
    let log = LogView { file, index };
    let is_nameless = |process: Process<'_>| process.name().is_empty() && witnesses.tell_of(process.index());
    let missing: Vec<u32> =
        witnesses.named().filter(|&index| log.process_position(index).is_none()).collect();
    let (told, unknown): (Vec<u32>, Vec<u32>) =
        missing.into_iter().partition(|&index| witnesses.tell_of(index));
    recovery.processes_unknown = unknown.len() as u32;
    let nameless = log.processes().filter(|process| is_nameless(*process)).count();
    recovery.processes_rebuilt = (told.len() + nameless) as u32;
    if recovery.processes_rebuilt == 0 {
        return;
    }
    let mut tables = Tables::default();
    for process in log.processes() {
        if is_nameless(process) {
            witnesses.add(process.index(), Some(process), &mut tables);
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
