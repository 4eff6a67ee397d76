//! Writes a part of a capture as a smaller capture: the chosen events byte for byte, and tables with the
//! entries to which the events refer.

use super::range_size::SLICE;
use super::{ScanOptions, WriteError, position_after, stop_if_cancelled};
use crate::budget::{Budget, Exceeded};
use crate::error::Damage;
use crate::log::LogView;
use crate::log::event::Event;
use crate::log::process::{Module, Process, SYSTEM_PID};
use crate::log::set::{EventRange, LogSet};
use crate::parallel::in_order;
use crate::progress::Progress;
use crate::time::FileTime;
use crate::write::LogWriter;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Seek, Write};

/// How a capture is sliced.
#[derive(Clone, Debug)]
pub struct SliceOptions {
    /// The events to keep, and the threads and limits of the work.
    pub scan: ScanOptions,
    /// Bytes of events and their offsets after which a new part of the output begins.
    pub part_bytes: u64,
}

impl SliceOptions {
    /// The usual value of [`SliceOptions::part_bytes`]. Process Monitor begins a new file before offsets need
    /// more than 32 bits; 256 MiB remain for the tables.
    pub const PART_BYTES: u64 = (4 << 30) - (256 << 20);
}

/// The numbers of events and parts of a slice, and the damage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SliceCounts {
    /// Number of events of the capture, including damaged events.
    pub looked_at: u64,
    /// Number of events that were kept.
    pub kept: u64,
    /// The events that could not be read.
    pub damage: Damage,
    /// Number of parts that were written.
    pub parts: u32,
}

/// Writes the chosen events as a new capture. `create` opens a part of the output by its number, from 0.
///
/// Event records are copied unchanged, except for process indexes. A process index is rewritten where two
/// parts of the capture number their processes differently. The tables of each part of the output hold the
/// processes of its events, the System process (PID 4), their strings and icons, and the hosts and ports that
/// its events name. Without a filter, all processes are kept. Events of a raw boot log become events of a PML. Memory grows with the tables, and by five bytes per event of one part of the output.
///
/// # Errors
/// When writing fails, the caller cancels, or records overlap so that the events would be many
/// times larger than the capture.
pub fn slice<B, W>(
    set: &LogSet<B>,
    options: &SliceOptions,
    mut create: impl FnMut(u32) -> io::Result<W>,
    progress: &dyn Progress,
) -> Result<SliceCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write + Seek,
{
    let mut counts = SliceCounts::default();
    let budget = Budget::new(set, options.scan.limits);
    let choose = |range: EventRange| {
        let mut matcher = options.scan.matcher(set);
        let (mut chosen, mut damage) = (Vec::new(), Damage::default());
        let mut meter = budget.meter();
        for (position, event) in range.events().zip(set.events_in(&range)) {
            stop_if_cancelled(progress, position)?;
            match event {
                Ok(event) => {
                    meter.event(&event)?;
                    if matcher.as_mut().is_none_or(|matcher| matcher.matches(&event)) {
                        chosen.push(position);
                    }
                }
                Err(error) => damage.push(error),
            }
        }
        meter.finish()?;
        Ok::<_, WriteError>((range, chosen, damage))
    };
    let keeps_all = options.scan.filter.is_none();
    let mut indexes = OutputIndexes::default();
    let mut part: Option<Part<W>> = None;
    let mut copied = 0;
    in_order(options.scan.threads, SLICE.of(set), choose, |(range, chosen, damage)| {
        counts.looked_at += range.events().len() as u64;
        counts.damage.merge(&damage);
        let Some(log) = set.part(range.part()) else { return Ok(()) };
        for position in chosen {
            // The event was read before, so this fails only if the file has changed.
            let Ok(event) = log.event(position) else { continue };
            let full = part.as_ref().is_some_and(|part| part.size() >= options.part_bytes);
            if full && let Some(part) = part.take() {
                part.finish(set, &mut indexes, keeps_all)?;
            }
            let part = match &mut part {
                Some(part) => part,
                None => {
                    counts.parts += 1;
                    part.insert(Part::new(create(counts.parts - 1)?, log)?)
                }
            };
            let before = part.size();
            part.add(&event, &mut indexes)?;
            copied += part.size() - before;
            // Whole records are copied, although a meter counts at most 1 MiB of each record as read.
            if copied > options.scan.limits.record_bytes_factor.saturating_mul(set.size()) {
                return Err(Exceeded::Records.into());
            }
            counts.kept += 1;
        }
        let (events, bytes) = position_after(set, &range);
        progress.advance(events, bytes);
        Ok(())
    })?;
    // A slice without events is still a log of the same machine.
    if part.is_none()
        && counts.parts == 0
        && let Some(log) = set.part(0)
    {
        counts.parts = 1;
        part = Some(Part::new(create(0)?, log)?);
    }
    if let Some(part) = part {
        part.finish(set, &mut indexes, keeps_all)?;
    }
    Ok(counts)
}

/// The process indexes of the output. The parts of a capture number their processes independently. A process
/// keeps its index unless another process already has it.
#[derive(Debug, Default)]
struct OutputIndexes {
    /// Index in the output, by part of the capture and index in that part.
    known: HashMap<(u16, u32), u32>,
    /// For each process, the last part that has it, and the index in the output.
    processes: HashMap<Identity, (u16, u32)>,
    taken: HashSet<u32>,
    /// All indexes below this one are taken.
    free: u32,
}

/// The fields that identify a process in several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Identity {
    pid: u32,
    start: FileTime,
}

impl OutputIndexes {
    /// The index in the output of a process of a part.
    fn of(&mut self, log: LogView<'_>, index: u32) -> u32 {
        let source = (log.part(), index);
        if let Some(&known) = self.known.get(&source) {
            return known;
        }
        // A process without a record, or whose start recovery could not find, is never identified with a
        // process of another part.
        let identity = log.process(index).and_then(|process| match (process.pid(), process.start()) {
            (SYSTEM_PID, _) => Some(Identity { pid: SYSTEM_PID, start: FileTime(0) }),
            (_, FileTime(0)) => None,
            (pid, start) => Some(Identity { pid, start }),
        });
        // Two records of one part are two processes, even where PID and start are equal.
        let same = identity.and_then(|identity| self.processes.get(&identity));
        let new = match same {
            Some(&(part, new)) if part != log.part() => new,
            _ if self.taken.insert(index) => index,
            _ => self.next_free(),
        };
        if let Some(identity) = identity {
            self.processes.insert(identity, (log.part(), new));
        }
        self.known.insert(source, new);
        new
    }

    fn next_free(&mut self) -> u32 {
        // 0 is the parent index of a process without a parent.
        self.free = self.free.max(1);
        while !self.taken.insert(self.free) {
            self.free += 1;
        }
        self.free
    }
}

/// A part of the output.
struct Part<W: Write + Seek> {
    writer: LogWriter<W>,
    /// Part of the capture whose header is copied.
    origin: u16,
    /// The processes of events: part of the capture, and index in that part.
    processes: BTreeSet<(u16, u32)>,
    hosts: HashSet<[u8; 16]>,
    ports: HashSet<(bool, u16)>,
}

impl<W: Write + Seek> Part<W> {
    fn new(out: W, log: LogView<'_>) -> Result<Self, WriteError> {
        Ok(Self {
            writer: LogWriter::like(out, log)?,
            origin: log.part(),
            processes: BTreeSet::new(),
            hosts: HashSet::new(),
            ports: HashSet::new(),
        })
    }

    /// Bytes of the header, the events and their offsets.
    fn size(&self) -> u64 {
        self.writer.position() + 5 * u64::from(self.writer.event_count())
    }

    fn add(&mut self, event: &Event<'_>, indexes: &mut OutputIndexes) -> Result<(), WriteError> {
        let log = event.log();
        self.writer.copy_event(event, |index| indexes.of(log, index))?;
        self.processes.insert((log.part(), event.process_index()));
        // Only addresses and ports with names are kept, so the sets stay as small as the tables.
        for end in event.endpoints().into_iter().flatten() {
            if log.host(&end.address).is_some() {
                self.hosts.insert(end.address);
            }
            if log.port(end.is_tcp, end.port).is_some() {
                self.ports.insert((end.is_tcp, end.port));
            }
        }
        Ok(())
    }

    /// Writes the tables.
    fn finish<B: AsRef<[u8]>>(
        mut self,
        set: &LogSet<B>,
        indexes: &mut OutputIndexes,
        keeps_all: bool,
    ) -> Result<(), WriteError> {
        let mut parts: BTreeSet<u16> = self.processes.iter().map(|(part, _)| *part).collect();
        parts.insert(self.origin);
        let logs = parts.iter().filter_map(|&part| set.part(part));
        // The kernel's modules resolve frames of every process, so the System process of every part is kept.
        let systems = logs.clone().filter_map(|log| Some((log.part(), log.system_process()?.index())));
        self.processes.extend(systems);
        if keeps_all {
            let of =
                |log: LogView<'_>| log.processes().map(|p| (p.log.part(), p.index())).collect::<Vec<_>>();
            self.processes.extend(logs.clone().flat_map(of));
        }
        let mut records: BTreeMap<u32, Vec<(LogView<'_>, Process<'_>)>> = BTreeMap::new();
        for &(part, index) in &self.processes {
            if let Some(log) = set.part(part)
                && let Some(process) = log.process(index)
            {
                records.entry(indexes.of(log, index)).or_default().push((log, process));
            }
        }
        for (index, records) in &records {
            // The last record has the end of the process. Other records may have other modules.
            let Some(&(log, last)) = records.last() else { continue };
            let parent = indexes.of(log, last.parent_index());
            self.writer.copy_process(*index, parent, last, &modules_of(records));
        }
        for log in logs {
            for (ip, name) in log.hosts() {
                if self.hosts.contains(&ip) {
                    self.writer.add_host(ip, &name.to_str());
                }
            }
            for ((is_tcp, port), name) in log.ports() {
                if self.ports.contains(&(is_tcp, port)) {
                    self.writer.add_port(is_tcp, port, &name.to_str());
                }
            }
        }
        self.writer.finish()?.flush()?;
        Ok(())
    }
}

/// The modules of all records of a process, each once, in table order.
fn modules_of<'a>(records: &[(LogView<'a>, Process<'a>)]) -> Vec<Module<'a>> {
    let mut known = HashSet::new();
    let all = records.iter().flat_map(|(_, record)| record.modules());
    match records {
        // The modules of a single record are copied unchanged, including repetitions.
        [_] => all.collect(),
        _ => all.filter(|m| known.insert((m.base, m.size, m.load_time, m.path().raw()))).collect(),
    }
}
