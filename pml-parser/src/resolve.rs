//! Finds the module that contains an address of a call stack.

use crate::detail::Fidelity;
use crate::log::LogView;
use crate::log::event::Event;
use crate::log::process::Module;
use crate::module_map::{Resolution, Validity};
use crate::time::FileTime;

/// The module that contains an address, and the offset of the address in the module.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// The module.
    pub module: Module<'a>,
    /// Bytes from the module's base.
    pub offset: u64,
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
    /// The module that contains `address` at the time of this event, or `None` where no module does. The
    /// modules of the event's process come first, then the kernel's (PID 4).
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
pub(crate) struct LocatedModule<'a> {
    found: Module<'a>,
    /// Position in the process table of the process that has the module.
    #[cfg_attr(not(feature = "export"), allow(dead_code, reason = "used by the columnar stage"))]
    pub owner: u32,
    /// Position in that process's module table.
    #[cfg_attr(not(feature = "export"), allow(dead_code, reason = "used by the columnar stage"))]
    pub module: u32,
    address: u64,
}

impl<'a> LocatedModule<'a> {
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

    pub(crate) fn locate(&self, address: u64, time: FileTime) -> Option<LocatedModule<'a>> {
        self.locate_within(address, time, &mut Validity::ALWAYS.clone())
    }

    /// Locates an address and narrows `validity` to the times at which the answer is the same.
    pub(crate) fn locate_within(
        &self,
        address: u64,
        time: FileTime,
        validity: &mut Validity,
    ) -> Option<LocatedModule<'a>> {
        self.owners.into_iter().flatten().find_map(|owner| {
            let map = self.log.module_map(owner)?;
            let module = map.find(address, time, self.resolution, validity)?;
            // The module was in the file when the map was made. The file may have changed since.
            let found = self.log.process_at(owner)?.modules().at(module as usize)?;
            Some(LocatedModule { found, owner, module, address })
        })
    }
}
