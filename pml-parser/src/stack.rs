//! Stack frames, and the modules their addresses fall into.

use crate::detail::Fidelity;
use crate::event::Event;
use crate::log::LogView;
use crate::process::{Module, Modules};
use crate::time::FileTime;

/// The raw call stack of an event: return addresses, innermost (kernel side) first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack<'a> {
    frames: &'a [u8],
    pointer: usize,
}

impl<'a> Stack<'a> {
    pub(crate) fn new(frames: &'a [u8], pointer: usize) -> Self {
        Self { frames, pointer }
    }

    /// Number of frames.
    pub fn len(self) -> usize {
        self.frames.len() / self.pointer
    }

    /// Whether no frame was captured.
    pub fn is_empty(self) -> bool {
        self.frames.is_empty()
    }

    /// The innermost frames, at most so many.
    #[must_use]
    pub fn first(self, frames: usize) -> Self {
        let bytes = frames.saturating_mul(self.pointer).min(self.frames.len());
        Self { frames: self.frames.get(..bytes).unwrap_or(self.frames), ..self }
    }

    /// The addresses as they stand in the file.
    pub fn raw(self) -> &'a [u8] {
        self.frames
    }

    /// The addresses, innermost first.
    pub fn addresses(self) -> impl ExactSizeIterator<Item = u64> + Clone + use<'a> {
        let wide = self.pointer == 8;
        self.frames.chunks_exact(self.pointer).map(move |frame| {
            let mut bytes = [0; 8];
            if wide {
                bytes.copy_from_slice(frame);
            } else if let Some(low) = bytes.first_chunk_mut::<4>() {
                low.copy_from_slice(frame);
            }
            u64::from_le_bytes(bytes)
        })
    }
}

/// Where an address lies: the module, and how far into it.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// The module.
    pub module: Module<'a>,
    /// Bytes from the module's base.
    pub offset: u64,
}

/// How to choose among modules that share an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Resolution {
    /// As Process Monitor does: only modules loaded before the event. Frames of events that came
    /// before it first looked at the process stay without a module.
    Procmon,
    /// The same, but modules that were there when Process Monitor first looked at the process
    /// count as loaded before; their stored load time is that of the look.
    #[default]
    Corrected,
}

impl From<Fidelity> for Resolution {
    fn from(fidelity: Fidelity) -> Self {
        match fidelity {
            Fidelity::Procmon => Self::Procmon,
            Fidelity::Corrected => Self::Corrected,
        }
    }
}

impl<'a> Event<'a> {
    /// The module that `address` belongs to at the time of this event: one of its own process,
    /// else one of the kernel (PID 4).
    pub fn locate(&self, address: u64, resolution: Resolution) -> Option<Location<'a>> {
        Resolver::new(self.log(), self.process_position(), resolution)
            .locate(address, self.time())
            .map(|place| place.location())
    }
}

/// Resolves addresses of one process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver<'a> {
    log: LogView<'a>,
    /// The process's own modules, then the kernel's.
    owners: [Option<u32>; 2],
    resolution: Resolution,
}

/// A module found for an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    found: Module<'a>,
    /// Position in the process table of the process whose module it is.
    #[cfg_attr(not(feature = "export"), allow(dead_code, reason = "used by the columnar stage"))]
    pub owner: u32,
    /// Position in that process's module table.
    #[cfg_attr(not(feature = "export"), allow(dead_code, reason = "used by the columnar stage"))]
    pub module: u32,
    address: u64,
}

impl<'a> Place<'a> {
    pub(crate) fn location(self) -> Location<'a> {
        Location { module: self.found, offset: self.address.wrapping_sub(self.found.base) }
    }
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(log: LogView<'a>, process: Option<u32>, resolution: Resolution) -> Self {
        let system = log.system_position();
        let owners = if process == system { [system, None] } else { [process, system] };
        Self { log, owners, resolution }
    }

    pub(crate) fn locate(&self, address: u64, time: FileTime) -> Option<Place<'a>> {
        self.locate_within(address, time, &mut Validity::ALWAYS.clone())
    }

    /// Locates an address and narrows `validity` to the times at which the answer is the same.
    pub(crate) fn locate_within(
        &self,
        address: u64,
        time: FileTime,
        validity: &mut Validity,
    ) -> Option<Place<'a>> {
        self.owners.into_iter().flatten().find_map(|owner| {
            let map = self.log.module_map(owner)?;
            let module = map.find(address, time, self.resolution, validity)?;
            // It was there when the map was made; that the file still holds it is another matter.
            let found = self.log.process_at(owner)?.modules().at(module as usize)?;
            Some(Place { found, owner, module, address })
        })
    }
}

/// The times for which a resolved stack holds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    from: FileTime,
    to: FileTime,
}

impl Validity {
    pub(crate) const ALWAYS: Self = Self { from: FileTime(0), to: FileTime(u64::MAX) };

    #[cfg_attr(not(feature = "export"), allow(dead_code, reason = "used by the columnar stage"))]
    pub(crate) fn contains(self, time: FileTime) -> bool {
        self.from <= time && time <= self.to
    }

    /// Takes out the times at which a module is loaded but was not at `time`, or the reverse.
    fn narrow(&mut self, load: FileTime, time: FileTime) {
        if load <= time {
            self.from = self.from.max(load);
        } else {
            self.to = self.to.min(FileTime(load.0 - 1));
        }
    }
}

/// The modules of one process, cut at every base and end into pieces that do not overlap.
#[derive(Debug, Default)]
pub(crate) struct ModuleMap {
    /// First address of each piece, ascending; a piece ends where the next one begins.
    starts: Vec<u64>,
    /// For each piece, where its candidates begin in `candidates`.
    first: Vec<u32>,
    /// Positions in the module table, last in table order first, with their load times.
    candidates: Vec<Candidate>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    module: u32,
    load: FileTime,
    /// Whether other modules of the process share the load time: they were there when Process
    /// Monitor first looked at the process.
    snapshot: bool,
}

/// Modules that one address is looked for in: those last in table order. Overlapping modules
/// multiply pieces by candidates; no real process has more than a few, a forged one is cut off.
const MAX_OVERLAP: usize = 32;
/// Candidates of all pieces together, for each module.
const MAX_CANDIDATES: usize = 16;

impl ModuleMap {
    pub(crate) fn new(modules: Modules<'_>) -> Self {
        let loads: Vec<FileTime> = modules.map(|m| m.load_time).collect();
        let mut sorted = loads.clone();
        sorted.sort_unstable();
        let shared: Vec<bool> = loads
            .iter()
            .map(|load| sorted.partition_point(|l| l <= load) - sorted.partition_point(|l| l < load) > 1)
            .collect();
        let most = loads.len() * MAX_CANDIDATES + MAX_OVERLAP;
        // (address, begins or ends, module)
        let mut edges: Vec<(u64, bool, u32)> = Vec::with_capacity(loads.len() * 2);
        for (position, module) in modules.enumerate() {
            if module.size > 0 {
                edges.push((module.base, true, position as u32));
                edges.push((module.base.saturating_add(u64::from(module.size)), false, position as u32));
            }
        }
        edges.sort_unstable();
        let mut map = Self::default();
        let mut open = std::collections::BTreeSet::new();
        let mut edges = edges.into_iter().peekable();
        while let Some((address, begins, module)) = edges.next() {
            if begins {
                open.insert(module);
            } else {
                open.remove(&module);
            }
            if edges.peek().is_some_and(|next| next.0 == address) {
                continue;
            }
            map.starts.push(address);
            map.first.push(map.candidates.len() as u32);
            if map.candidates.len() + open.len().min(MAX_OVERLAP) > most {
                break;
            }
            map.candidates.extend(open.iter().rev().take(MAX_OVERLAP).filter_map(|&module| {
                let (load, snapshot) = (*loads.get(module as usize)?, *shared.get(module as usize)?);
                Some(Candidate { module, load, snapshot })
            }));
        }
        map
    }

    /// Position in the module table of the module at `address`.
    fn find(
        &self,
        address: u64,
        time: FileTime,
        resolution: Resolution,
        validity: &mut Validity,
    ) -> Option<u32> {
        let piece = self.starts.partition_point(|&start| start <= address).checked_sub(1)?;
        let from = *self.first.get(piece)? as usize;
        let to = self.first.get(piece + 1).map_or(self.candidates.len(), |&next| next as usize);
        let candidates = self.candidates.get(from..to)?;
        for candidate in candidates {
            validity.narrow(candidate.load, time);
        }
        let loaded = candidates.iter().find(|c| c.load <= time);
        let found = match resolution {
            Resolution::Procmon => loaded,
            Resolution::Corrected => loaded.or_else(|| candidates.iter().find(|c| c.snapshot)),
        };
        found.map(|candidate| candidate.module)
    }
}
