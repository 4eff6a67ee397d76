//! An index of one process's modules by address, and the times for which a result holds.

use crate::time::FileTime;

/// How to choose among the modules that contain an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Resolution {
    /// As Process Monitor does: only modules that were loaded at or before the time of the event. Process
    /// Monitor lists the modules of a process some time after it started. Frames of earlier events have no
    /// module.
    Procmon,
    /// As [`Resolution::Procmon`], but where that finds no module, a module counts that was already loaded
    /// when Process Monitor first listed the modules of the process. The stored load time of such a module is
    /// the time of that listing, which several modules share.
    #[default]
    Corrected,
}

/// The times for which a resolved stack is valid, both ends included.
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

    /// Keeps the times that are in `other` too.
    #[cfg_attr(not(feature = "export"), allow(dead_code, reason = "used by the columnar stage"))]
    pub(crate) fn intersect(&mut self, other: Self) {
        self.from = self.from.max(other.from);
        self.to = self.to.min(other.to);
    }

    /// Excludes the times at which a module is loaded if it is not loaded at `time`, and the reverse.
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

/// The addresses of a module, and its load time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Lowest address.
    pub base: u64,
    /// Bytes.
    pub size: u32,
    pub load: FileTime,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    module: u32,
    load: FileTime,
    /// Whether other modules of the process have the same load time. Such modules were already loaded when
    /// Process Monitor first listed the modules of the process.
    snapshot: bool,
}

/// The most candidates of one piece: the last modules in table order. Overlapping modules multiply pieces by
/// candidates. A real process has few overlaps; a forged process gets no more than these.
const MAX_OVERLAP: usize = 32;
/// The most candidates of all pieces together, per module.
const MAX_CANDIDATES: usize = 16;

impl ModuleMap {
    /// The map of these modules, in table order.
    pub(crate) fn new(modules: impl Iterator<Item = Extent> + Clone) -> Self {
        let loads: Vec<FileTime> = modules.clone().map(|m| m.load).collect();
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

    /// Position in the module table of the module that contains `address` at `time`.
    pub(crate) fn find(
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
