//! Stories: what certain processes do at certain points of the boot, as data.

mod servicing_boot;

use super::call::Call;
use super::cast::Ppm;
use super::file_call::{self as file, ATTRIBUTES, DELETE, DIRECTORY, LINK, REPLACE};
use super::paths::Paths;
use super::registry_call::{self as registry, READ, Value};
use pml_parser::write::details::Create;
use pml_parser::{FileTime, NtStatus};

/// What a log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// An update is completed, and nothing goes wrong.
    None,
    /// One file that the update needs is missing in the component store: it is rolled back.
    MissingPayload,
}

/// Names of the stories, as the command line takes them.
const NAMES: [(Story, &str); 2] = [(Story::None, "none"), (Story::MissingPayload, "missing-payload")];

impl std::str::FromStr for Story {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = NAMES.iter().find(|entry| entry.1 == name);
        found.map(|entry| entry.0).ok_or_else(|| "the stories are none and missing-payload".to_owned())
    }
}

impl std::fmt::Display for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let found = NAMES.iter().find(|entry| entry.0 == *self);
        f.write_str(found.map_or("", |entry| entry.1))
    }
}

impl Story {
    /// Everything that is told, in the order of time.
    pub(crate) fn beats(self, paths: &Paths) -> Vec<Beat> {
        let mut script = Script::default();
        servicing_boot::first_half(&mut script, paths);
        match self {
            Self::None => servicing_boot::success(&mut script, paths),
            Self::MissingPayload => servicing_boot::missing_payload(&mut script, paths),
        }
        servicing_boot::shutdown(&mut script);
        let mut beats = script.beats;
        beats.sort_by_key(|beat| beat.at);
        beats
    }
}

/// One thing that one actor does.
#[derive(Clone, Debug)]
pub(crate) struct Beat {
    pub(crate) at: Ppm,
    /// Name of its role.
    pub(crate) actor: &'static str,
    pub(crate) action: Action,
    pub(crate) path: String,
    pub(crate) status: NtStatus,
}

/// What can be done in a story.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Open(Create),
    Close,
    /// From the start to the end, so many blocks of 64 KiB.
    ReadAll(u64),
    Write(u32),
    QueryAttributes,
    Delete,
    Rename(String),
    Link(String),
    List(&'static [&'static str]),
    Flush,
    Shutdown,
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
    DeleteValue,
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
            Action::Write(length) => file::write(pointer, path, 0, *length, 0),
            Action::QueryAttributes => file::query_basic(pointer, path, now),
            Action::Delete => file::delete(pointer, path),
            Action::Rename(target) => file::rename(pointer, path, target),
            Action::Link(target) => file::link(pointer, path, target),
            Action::List(names) => file::query_directory(pointer, path, "*", names),
            Action::Flush => file::flush(pointer, path),
            Action::Shutdown => file::shutdown(pointer, path),
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
            Action::DeleteValue => registry::delete_value(path),
        };
        // What a call ends with by itself stays, unless the story says otherwise.
        let call = if self.status == NtStatus::SUCCESS { call } else { call.ending(self.status) };
        vec![call]
    }
}

/// Writes beats: a time and an actor hold until they are changed.
#[derive(Debug, Default)]
struct Script {
    beats: Vec<Beat>,
    at: Ppm,
    actor: &'static str,
}

impl Script {
    fn scene(&mut self, at: Ppm, actor: &'static str) -> &mut Self {
        self.at = at;
        self.actor = actor;
        self
    }

    fn act(&mut self, action: Action, path: &str) -> &mut Self {
        self.fail(action, path, NtStatus::SUCCESS)
    }

    fn fail(&mut self, action: Action, path: &str, status: NtStatus) -> &mut Self {
        let path = path.to_owned();
        self.beats.push(Beat { at: self.at, actor: self.actor, action, path, status });
        self
    }

    /// Opens, does something, closes.
    fn with_file(&mut self, path: &str, how: Create, actions: &[Action]) -> &mut Self {
        self.act(Action::Open(how), path);
        for action in actions {
            self.act(action.clone(), path);
        }
        self.act(Action::Close, path)
    }

    fn read_file(&mut self, path: &str, blocks: u64) -> &mut Self {
        self.with_file(path, Create::READ, &[Action::QueryAttributes, Action::ReadAll(blocks)])
    }

    fn rename_file(&mut self, path: &str, target: &str) -> &mut Self {
        self.with_file(path, DELETE, &[Action::QueryAttributes, Action::Rename(target.to_owned())])
    }

    fn link_file(&mut self, path: &str, target: &str) -> &mut Self {
        self.with_file(path, LINK, &[Action::QueryAttributes, Action::Link(target.to_owned())])
    }

    fn delete_file(&mut self, path: &str) -> &mut Self {
        self.with_file(path, DELETE, &[Action::QueryAttributes, Action::Delete])
    }

    fn write_file(&mut self, path: &str, length: u32) -> &mut Self {
        self.with_file(path, REPLACE, &[Action::Write(length), Action::Flush])
    }

    fn list(&mut self, path: &str, names: &'static [&'static str]) -> &mut Self {
        self.with_file(path, DIRECTORY, &[Action::List(names)])
    }

    /// Asks whether something is there that is.
    fn look_at(&mut self, path: &str) -> &mut Self {
        self.with_file(path, ATTRIBUTES, &[Action::QueryAttributes])
    }

    /// Sets one value of a key.
    fn set(&mut self, key: &str, name: &str, value: Value) -> &mut Self {
        self.act(Action::CreateKey, key);
        self.act(Action::SetValue(value), &format!(r"{key}\{name}"));
        self.act(Action::CloseKey, key)
    }

    /// Reads one value of a key.
    fn get(&mut self, key: &str, name: &str, value: Value) -> &mut Self {
        self.act(Action::OpenKey, key);
        self.act(Action::QueryValue(value), &format!(r"{key}\{name}"));
        self.act(Action::CloseKey, key)
    }
}
