//! What programs do all the time: short runs of operations, the background of every story.

mod files;
mod registry;
mod servicing;
mod system;

use super::lane::Step;
use super::paths::Paths;
use crate::random::Random;
use pml_parser::FileTime;

/// A kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Opens a key and reads values.
    RegistryRead,
    /// Looks for keys and values that are not there.
    RegistryProbe,
    /// Lists keys or values to the end.
    RegistryEnumerate,
    /// Sets values.
    RegistryWrite,
    /// Searches a library along the path.
    FileProbe,
    /// Reads a file to its end.
    FileRead,
    /// Writes a file.
    FileWrite,
    /// Asks for attributes, times, security.
    FileInformation,
    /// Lists a directory.
    DirectoryList,
    /// Touches files of a user.
    UserFile,
    /// Loads one more library.
    LoadLibrary,
    /// Starts and ends a thread.
    Threads,
    /// Waits at a pipe or for a directory to change.
    Pipe,
    /// Asks for volume information.
    Volume,
    /// Reads and writes pages.
    Paging,
    /// Writes a hive and its logs.
    HiveFlush,
    /// Loads a driver.
    DriverLoad,
    /// Writes the logs of transactions.
    TransactionLog,
    /// Scans a file for viruses.
    Scan,
    /// Links a file of a component to its place.
    LinkComponent,
    /// Sets registry values from the queue of pending operations.
    QueueRegistry,
    /// Moves a pending file map.
    MoveRename,
    /// Compares and stages a file of a component.
    StageComponent,
    /// Reads the registry of a component.
    ComponentRegistry,
    /// Reads a manifest.
    Manifest,
    /// Reads the state of packages.
    PackageRegistry,
    /// Writes to the servicing log.
    LogWrite,
    /// Works in the driver store.
    DriverPackage,
}

/// What a run is made from.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) paths: &'a Paths,
    /// Pointer size of the log.
    pub(crate) pointer: usize,
    pub(crate) now: FileTime,
    /// The next thread id that nobody has.
    pub(crate) next_id: &'a mut u32,
    /// Where what is being written to a log file ends.
    pub(crate) log_end: &'a mut u64,
}

impl Scene<'_> {
    /// A point in time well before the boot.
    fn earlier(&mut self) -> FileTime {
        FileTime(self.now.0 - self.random.between(1, 9_000) * 36_000_000_000)
    }

    fn take_id(&mut self) -> u32 {
        *self.next_id += 4;
        *self.next_id
    }

    /// The steps of one run.
    pub(crate) fn run(&mut self, habit: Habit) -> Vec<Step> {
        let calls = match habit {
            Habit::RegistryRead => registry::read(self),
            Habit::RegistryProbe => registry::probe(self),
            Habit::RegistryEnumerate => registry::enumerate(self),
            Habit::RegistryWrite => registry::write(self),
            Habit::FileProbe => files::probe(self),
            Habit::FileRead => files::read(self),
            Habit::FileWrite => files::write(self),
            Habit::FileInformation => files::information(self),
            Habit::DirectoryList => files::list(self),
            Habit::UserFile => files::user_file(self),
            Habit::Scan => files::scan(self),
            Habit::Volume => files::volume(self),
            Habit::LoadLibrary => return vec![Step::LoadLibrary],
            Habit::DriverLoad => return vec![Step::LoadLibrary],
            Habit::Threads => return system::threads(self),
            Habit::Pipe => system::pipe(self),
            Habit::Paging => system::paging(self),
            Habit::HiveFlush => system::flush_hive(self),
            Habit::TransactionLog => system::transaction_log(self),
            Habit::LinkComponent => servicing::link_component(self),
            Habit::QueueRegistry => servicing::queue_registry(self),
            Habit::MoveRename => servicing::move_rename(self),
            Habit::StageComponent => servicing::stage_component(self),
            Habit::ComponentRegistry => servicing::component_registry(self),
            Habit::Manifest => servicing::manifest(self),
            Habit::PackageRegistry => servicing::package_registry(self),
            Habit::LogWrite => servicing::log_write(self),
            Habit::DriverPackage => servicing::driver_package(self),
        };
        calls.into_iter().map(Step::Call).collect()
    }
}
