//! What is told in a log besides the background: one thing that one actor does.

use super::call::Call;
use super::cast::Ppm;
use super::file_call as file;
use super::registry_call::{self as registry, READ, Value};
use pml_parser::write::details::{self, Create};
use pml_parser::{EventClass, FileTime, NtStatus, Ticks};

/// One thing that one actor does.
#[derive(Clone, Debug)]
pub(crate) struct Beat {
    pub(crate) at: Ppm,
    /// Name of its role.
    pub(crate) actor: String,
    /// Which of its threads.
    pub(crate) thread: usize,
    pub(crate) action: Action,
    pub(crate) path: String,
    pub(crate) status: NtStatus,
    /// How long it takes, if that is told.
    pub(crate) takes: Option<Ticks>,
    pub(crate) repeat: u32,
    /// How long the thread waits after each of several times.
    pub(crate) every: Ticks,
    pub(crate) notes: Vec<Note>,
}

/// A line of a text log that is written when a beat is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Level, source and message of a line of `CBS.log`.
    Cbs(String, String, String),
    /// What follows the time in a line of `poqexec.log`.
    Queue(String),
}

/// What can be done in a story.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Open(Create),
    Close,
    /// From the start to the end, so many blocks of 64 KiB.
    ReadAll(u64),
    Read(u32),
    Write(u32),
    QueryAttributes,
    QueryStandard(u64),
    /// Free units of the volume.
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
    QueryValueProbe,
    SetValue(Value),
    SetKeyInformation,
    DeleteValue,
}

impl Action {
    /// The operation as Process Monitor names it.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Open(_) => "CreateFile",
            Self::Close => "CloseFile",
            Self::ReadAll(_) | Self::Read(_) => "ReadFile",
            Self::Write(_) => "WriteFile",
            Self::QueryAttributes => "QueryBasicInformationFile",
            Self::QueryStandard(_) => "QueryStandardInformationFile",
            Self::QueryVolumeSize(_) => "QueryFullSizeInformationVolume",
            Self::SetEndOfFile(_) => "SetEndOfFileInformationFile",
            Self::Delete => "SetDispositionInformationFile",
            Self::Rename(_) => "SetRenameInformationFile",
            Self::Link(_) => "SetLinkInformationFile",
            Self::List(_) => "QueryDirectory",
            Self::Flush => "FlushBuffersFile",
            Self::Shutdown => "Shutdown",
            Self::LoadImage => "Load Image",
            Self::OpenKey => "RegOpenKey",
            Self::CreateKey => "RegCreateKey",
            Self::CloseKey => "RegCloseKey",
            Self::DeleteKey => "RegDeleteKey",
            Self::FlushKey => "RegFlushKey",
            Self::LoadHive(_) => "RegLoadKey",
            Self::UnloadHive => "RegUnloadKey",
            Self::QueryValue(_) | Self::QueryValueProbe => "RegQueryValue",
            Self::SetValue(_) => "RegSetValue",
            Self::SetKeyInformation => "RegSetInfoKey",
            Self::DeleteValue => "RegDeleteValue",
        }
    }

    /// The second path of a rename or a link, and the file of a hive.
    pub(crate) fn target(&self) -> Option<&str> {
        match self {
            Self::Rename(target) | Self::Link(target) | Self::LoadHive(target) => Some(target),
            _ => None,
        }
    }
}

impl Beat {
    /// The operations it comes to.
    pub(crate) fn calls(&self, pointer: usize, now: FileTime) -> Vec<Call> {
        let path = self.path.as_str();
        let call = match &self.action {
            Action::Open(how) => file::open(pointer, path, how),
            Action::Close => file::close(pointer, path),
            Action::ReadAll(blocks) => {
                let block = |at| file::read(pointer, path, at * 0x1_0000, 0x1_0000, 0);
                let mut calls: Vec<Call> = (0..*blocks).map(block).collect();
                calls.push(file::read_at_end(pointer, path, blocks * 0x1_0000));
                return calls;
            }
            Action::Read(length) => file::read(pointer, path, 0, *length, 0),
            Action::Write(length) => file::write(pointer, path, 0, *length, 0),
            Action::QueryAttributes => file::query_basic(pointer, path, now),
            Action::QueryStandard(size) => file::query_standard(pointer, path, *size),
            Action::QueryVolumeSize(free) => file::query_volume_size(pointer, path, *free),
            Action::SetEndOfFile(size) => file::set_end_of_file(pointer, path, *size),
            Action::Delete => file::delete(pointer, path),
            Action::Rename(target) => file::rename(pointer, path, target),
            Action::Link(target) => file::link(pointer, path, target),
            Action::List(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                file::query_directory(pointer, path, "*", &names)
            }
            Action::Flush => file::flush(pointer, path),
            Action::Shutdown => file::shutdown(pointer, path),
            Action::LoadImage => {
                // Above everything that the generator places itself.
                let base = if pointer == 8 { 0xFFFF_F80F_1000_0000 } else { 0x9F00_0000 };
                Call::new(EventClass::Process, 5, details::load_image(pointer, path, base, 0x2_4000))
            }
            Action::OpenKey => registry::open(path, READ),
            Action::CreateKey => registry::create(path, 1),
            Action::CloseKey => registry::close(path),
            Action::DeleteKey => registry::delete_key(path),
            Action::FlushKey => registry::flush(path),
            Action::LoadHive(hive) => registry::load(path, hive),
            Action::UnloadHive => registry::unload(path),
            Action::QueryValue(value) => registry::query_value(path, value),
            Action::QueryValueProbe => registry::query_value_probe(path),
            Action::SetValue(value) => registry::set_value(path, value),
            Action::SetKeyInformation => registry::set_tags(path),
            Action::DeleteValue => registry::delete_value(path),
        };
        // What a call ends with by itself stays, unless the story says otherwise.
        let call = if self.status == NtStatus::SUCCESS { call } else { call.ending(self.status) };
        vec![match self.takes {
            Some(ticks) => call.lasting(ticks),
            None => call,
        }]
    }
}
