//! Background activity: the short runs of operations that programs do all the time.

pub(crate) mod context;
mod files;
mod registry;
mod servicing;
mod system;

use super::thread_queue::Task;
use context::ActivityContext;

/// A kind of background activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// Opens a key and reads values.
    RegistryRead,
    /// Looks for missing keys and values.
    RegistryProbe,
    /// Lists keys or values to the end.
    RegistryEnumerate,
    /// Sets values.
    RegistryWrite,
    /// Searches for a library along the path.
    FileProbe,
    /// Reads a file to its end.
    FileRead,
    /// Writes a file.
    FileWrite,
    /// Asks for attributes, times, security of a file.
    FileInformation,
    /// Lists a directory.
    DirectoryList,
    /// Opens or reads files of a user.
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
    /// Reads and writes logs of transactions.
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

impl ActivityContext<'_> {
    /// The tasks of one run of an activity.
    pub(crate) fn run(&mut self, activity: Activity) -> Vec<Task> {
        let calls = match activity {
            Activity::RegistryRead => registry::read(self),
            Activity::RegistryProbe => registry::probe(self),
            Activity::RegistryEnumerate => registry::enumerate(self),
            Activity::RegistryWrite => registry::write(self),
            Activity::FileProbe => files::probe(self),
            Activity::FileRead => files::read(self),
            Activity::FileWrite => files::write(self),
            Activity::FileInformation => files::information(self),
            Activity::DirectoryList => files::list(self),
            Activity::UserFile => files::user_file(self),
            Activity::Scan => files::scan(self),
            Activity::Volume => files::volume(self),
            Activity::LoadLibrary | Activity::DriverLoad => return vec![Task::LoadNextLibrary],
            Activity::Threads => return system::threads(self),
            Activity::Pipe => system::pipe(self),
            Activity::Paging => system::paging(self),
            Activity::HiveFlush => system::flush_hive(self),
            Activity::TransactionLog => system::transaction_log(self),
            Activity::LinkComponent => servicing::link_component(self),
            Activity::QueueRegistry => servicing::queue_registry(self),
            Activity::MoveRename => servicing::move_rename(self),
            Activity::StageComponent => servicing::stage_component(self),
            Activity::ComponentRegistry => servicing::component_registry(self),
            Activity::Manifest => servicing::manifest(self),
            Activity::PackageRegistry => servicing::package_registry(self),
            Activity::LogWrite => servicing::log_write(self),
            Activity::DriverPackage => servicing::driver_package(self),
        };
        calls.into_iter().map(Task::Call).collect()
    }
}
