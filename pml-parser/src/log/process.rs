//! Processes and their modules.

#[cfg(feature = "filter")]
use crate::columns::ProcessField;
use crate::log::LogView;
use crate::module_map::Extent;
use crate::raw::process::{ProcessRecord, RawModuleInfo, RawModules};
use crate::text::WinStr;
use crate::time::FileTime;

/// PID of the System process: the kernel and its drivers. Only one process has this PID while Windows runs.
pub(crate) const SYSTEM_PID: u32 = 4;

/// A process of one log: a `Copy` view of its record (docs/format.md, "Process table"). Accessors look texts
/// up in the string table.
#[derive(Clone, Copy, Debug)]
pub struct Process<'a> {
    pub(crate) log: LogView<'a>,
    pub(crate) position: u32,
    /// The process index of the table. The record repeats the index, but a damaged record may differ.
    pub(crate) index: u32,
    pub(crate) record: ProcessRecord<'a>,
}

/// Whether a process runs with a virtualized file system and registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Virtualized {
    /// The process is not virtualized.
    No,
    /// The process is virtualized.
    Yes,
    /// The capture does not say; the field is the stored number.
    NotAvailable(u32),
}

impl Virtualized {
    /// The number that a log stores.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::No => 0,
            Self::Yes => 1,
            Self::NotAvailable(code) => code,
        }
    }
}

impl<'a> Process<'a> {
    /// The key by which events refer to the process. It is unique in one log, but not across the parts of a
    /// set.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Position in the process table, ascending by [`Process::index`].
    pub fn position(self) -> u32 {
        self.position
    }

    /// Process id.
    pub fn pid(self) -> u32 {
        self.record.fixed.pid.get()
    }

    /// Process id of the parent.
    pub fn parent_pid(self) -> u32 {
        self.record.fixed.parent_pid.get()
    }

    /// Process index of the parent. The process table often has no record of the parent.
    pub fn parent_index(self) -> u32 {
        self.record.fixed.parent_index.get()
    }

    /// Logon session (LUID).
    pub fn authentication_id(self) -> u64 {
        self.record.fixed.authentication_id.get()
    }

    /// Terminal session; -1 where there is none.
    pub fn session(self) -> i32 {
        self.record.fixed.session.get() as i32
    }

    /// When the process started.
    pub fn start(self) -> FileTime {
        FileTime(self.record.fixed.start.get())
    }

    /// When the process ended, or `None` if it was still running when the capture ended.
    pub fn end(self) -> Option<FileTime> {
        let end = self.record.fixed.end.get();
        (end != 0).then_some(FileTime(end))
    }

    /// Whether the process runs with a virtualized file system and registry.
    pub fn virtualized(self) -> Virtualized {
        match self.record.fixed.virtualized.get() {
            0 => Virtualized::No,
            1 => Virtualized::Yes,
            other => Virtualized::NotAvailable(other),
        }
    }

    /// Whether the process is a 64-bit process.
    pub fn is_64_bit(self) -> bool {
        self.record.fixed.is64.get() != 0
    }

    /// Integrity level, as text ("System", "High", …).
    pub fn integrity(self) -> WinStr<'a> {
        self.log.string(self.record.fixed.integrity.get())
    }

    /// Account, `DOMAIN\name`.
    pub fn user(self) -> WinStr<'a> {
        self.log.string(self.record.fixed.user.get())
    }

    /// File name of the program.
    pub fn name(self) -> WinStr<'a> {
        self.log.string(self.record.fixed.name.get())
    }

    /// Full path of the program.
    pub fn image_path(self) -> WinStr<'a> {
        self.log.string(self.record.fixed.image_path.get())
    }

    /// Command line, trailing blanks included.
    pub fn command_line(self) -> WinStr<'a> {
        self.log.string(self.record.fixed.command_line.get())
    }

    /// Company, from the program's version resource.
    pub fn company(self) -> WinStr<'a> {
        self.log.string(self.record.fixed.company.get())
    }

    /// Version, from the program's version resource.
    pub fn version(self) -> WinStr<'a> {
        self.log.string(self.record.fixed.version.get())
    }

    /// Description, from the program's version resource.
    pub fn description(self) -> WinStr<'a> {
        self.log.string(self.record.fixed.description.get())
    }

    /// The text of a field; `None` where the field holds no text.
    #[cfg(feature = "filter")]
    pub(crate) fn text(self, field: ProcessField) -> Option<WinStr<'a>> {
        Some(match field {
            ProcessField::Name => self.name(),
            ProcessField::ImagePath => self.image_path(),
            ProcessField::CommandLine => self.command_line(),
            ProcessField::User => self.user(),
            ProcessField::Integrity => self.integrity(),
            ProcessField::Company => self.company(),
            ProcessField::Version => self.version(),
            ProcessField::Description => self.description(),
            _ => return None,
        })
    }

    /// Index of the 16-pixel icon in the icon table; 0 for none.
    pub fn small_icon(self) -> u32 {
        self.record.fixed.small_icon.get()
    }

    /// Index of the 32-pixel icon in the icon table; 0 for none.
    pub fn big_icon(self) -> u32 {
        self.record.fixed.big_icon.get()
    }

    /// The modules of the process, in table order.
    pub fn modules(self) -> Modules<'a> {
        Modules { log: self.log, raw: self.record.modules, next: 0 }
    }
}

/// The modules of a process, in table order.
#[derive(Clone, Copy, Debug)]
pub struct Modules<'a> {
    log: LogView<'a>,
    raw: RawModules<'a>,
    next: usize,
}

impl<'a> Modules<'a> {
    /// The module at `position` of the table.
    pub fn at(self, position: usize) -> Option<Module<'a>> {
        let (base, load_low, load_high, info) = match self.raw {
            RawModules::Bits32(modules) => {
                let m = modules.get(position)?;
                (u64::from(m.base.get()), m.load_time_low.get(), m.load_time_high.get(), &m.info)
            }
            RawModules::Bits64(modules) => {
                let m = modules.get(position)?;
                (m.base.get(), m.load_time_low.get(), m.load_time_high.get(), &m.info)
            }
        };
        Some(Module {
            base,
            size: info.size.get(),
            load_time: FileTime(u64::from(load_low) | u64::from(load_high) << 32),
            timestamp: info.timestamp.get(),
            log: self.log,
            info,
        })
    }
}

impl<'a> Iterator for Modules<'a> {
    type Item = Module<'a>;

    fn next(&mut self) -> Option<Module<'a>> {
        let module = self.at(self.next)?;
        self.next += 1;
        Some(module)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match self.raw {
            RawModules::Bits32(modules) => modules.len(),
            RawModules::Bits64(modules) => modules.len(),
        };
        let left = len.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Modules<'_> {}

/// An image mapped into a process, or a driver of the kernel (PID 4).
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    /// Lowest address.
    pub base: u64,
    /// Size of the image in bytes.
    pub size: u32,
    /// When the image was loaded. For an image that was already loaded when Process Monitor first listed the
    /// modules of the process, the time of that listing.
    pub load_time: FileTime,
    /// `TimeDateStamp` of the image: seconds since 1970, or a hash if the build of the image was
    /// reproducible.
    pub timestamp: u32,
    pub(crate) log: LogView<'a>,
    pub(crate) info: &'a RawModuleInfo,
}

impl<'a> Module<'a> {
    pub(crate) fn extent(self) -> Extent {
        Extent { base: self.base, size: self.size, load: self.load_time }
    }

    /// Full path of the image.
    pub fn path(self) -> WinStr<'a> {
        self.log.string(self.info.path.get())
    }

    /// Version, from the version resource.
    pub fn version(self) -> WinStr<'a> {
        self.log.string(self.info.version.get())
    }

    /// Company, from the version resource.
    pub fn company(self) -> WinStr<'a> {
        self.log.string(self.info.company.get())
    }

    /// Description, from the version resource.
    pub fn description(self) -> WinStr<'a> {
        self.log.string(self.info.description.get())
    }

    /// Index of the path in the string table of the log.
    pub fn path_index(self) -> u32 {
        self.info.path.get()
    }
}
