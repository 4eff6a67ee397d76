//! One action of a script: what one thread of one process does at one point of the log.

use super::call::Call;
use super::file_call as file;
use super::process_call as process;
use super::progress::Ppm;
use super::registry_call::{self as registry, READ, Value};
use pml_parser::write::details::Create;
use pml_parser::{FileTime, NtStatus, Ticks};

/// One action of a script.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) at: Ppm,
    /// Name of the role whose process acts.
    pub(crate) role: String,
    /// Which of its threads.
    pub(crate) thread: usize,
    pub(crate) kind: ActionKind,
    pub(crate) path: String,
    pub(crate) status: NtStatus,
    /// Duration, where the script fixes it.
    pub(crate) duration: Option<Ticks>,
    /// Number of times that the action is done.
    pub(crate) repeat: u32,
    /// How long the thread waits after each time.
    pub(crate) pause: Ticks,
    /// Lines that the text logs get when the action is done.
    pub(crate) log_texts: Vec<LogText>,
}

/// The text of a line of a text log, without its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogText {
    /// Level, source and message of a line of `CBS.log`.
    Cbs(String, String, String),
    /// What follows the time in a line of `poqexec.log`.
    Queue(String),
}

/// What an action does, with its parameters.
#[derive(Clone, Debug)]
pub(crate) enum ActionKind {
    Open(Create),
    Close,
    /// Reads a file to its end, in this number of blocks of 64 KiB.
    ReadAll(u64),
    Read {
        /// Position in the file.
        at: u64,
        length: u32,
    },
    Write(u32),
    QueryAttributes,
    QueryStandard(u64),
    /// Asks for the free units of the volume.
    QueryVolumeSize(u64),
    SetEndOfFile(u64),
    Delete,
    Rename(String),
    Link(String),
    List(Vec<String>),
    Flush,
    Shutdown,
    LoadImage,
    OpenKey,
    CreateKey,
    CloseKey,
    DeleteKey,
    FlushKey,
    LoadHive(String),
    UnloadHive,
    QueryValue(Value),
    QueryMissingValue,
    SetValue(Value),
    SetKeyInformation,
    DeleteValue,
}

impl ActionKind {
    /// The second path of a rename or a link, or the file of a hive.
    pub(crate) fn target(&self) -> Option<&str> {
        match self {
            Self::Rename(target) | Self::Link(target) | Self::LoadHive(target) => Some(target),
            _ => None,
        }
    }
}

impl Action {
    /// The operations of the action, done once.
    pub(crate) fn calls(&self, pointer: usize, now: FileTime) -> Vec<Call> {
        let path = self.path.as_str();
        let call = match &self.kind {
            ActionKind::Open(how) => file::open(pointer, path, how),
            ActionKind::Close => file::close(pointer, path),
            ActionKind::ReadAll(blocks) => {
                let block = |at| file::read(pointer, path, at * 0x1_0000, 0x1_0000, 0);
                let mut calls: Vec<Call> = (0..*blocks).map(block).collect();
                calls.push(file::read_at_end(pointer, path, blocks * 0x1_0000));
                return calls;
            }
            ActionKind::Read { at, length } => file::read(pointer, path, *at, *length, 0),
            ActionKind::Write(length) => file::write(pointer, path, 0, *length, 0),
            ActionKind::QueryAttributes => file::query_basic(pointer, path, now),
            ActionKind::QueryStandard(size) => file::query_standard(pointer, path, *size),
            ActionKind::QueryVolumeSize(free) => file::query_volume_size(pointer, path, *free),
            ActionKind::SetEndOfFile(size) => file::set_end_of_file(pointer, path, *size),
            ActionKind::Delete => file::delete(pointer, path),
            ActionKind::Rename(target) => file::rename(pointer, path, target),
            ActionKind::Link(target) => file::link(pointer, path, target),
            ActionKind::List(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                file::query_directory(pointer, path, "*", &names)
            }
            ActionKind::Flush => file::flush(pointer, path),
            ActionKind::Shutdown => file::shutdown(pointer, path),
            ActionKind::LoadImage => {
                // Above all addresses that the generator allocates.
                let base = if pointer == 8 { 0xFFFF_F80F_1000_0000 } else { 0x9F00_0000 };
                process::load_image(pointer, path, base, 0x2_4000)
            }
            ActionKind::OpenKey => registry::open(path, READ),
            ActionKind::CreateKey => registry::create(path, 1),
            ActionKind::CloseKey => registry::close(path),
            ActionKind::DeleteKey => registry::delete_key(path),
            ActionKind::FlushKey => registry::flush(path),
            ActionKind::LoadHive(hive) => registry::load(path, hive),
            ActionKind::UnloadHive => registry::unload(path),
            ActionKind::QueryValue(value) => registry::query_value(path, value),
            ActionKind::QueryMissingValue => registry::query_missing_value(path),
            ActionKind::SetValue(value) => registry::set_value(path, value),
            ActionKind::SetKeyInformation => registry::set_tags(path),
            ActionKind::DeleteValue => registry::delete_value(path),
        };
        // The call's own status holds, unless the script gives a status.
        let call = if self.status == NtStatus::SUCCESS { call } else { call.ending(self.status) };
        vec![match self.duration {
            Some(ticks) => call.lasting(ticks),
            None => call,
        }]
    }
}
