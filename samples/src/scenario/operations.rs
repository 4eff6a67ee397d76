//! Turns the words of an action into what the simulation does: operations, runs, results.

use super::model::{Access, Action, Data, Run};
use crate::boot::action::ActionKind;
use crate::boot::file_call::{ATTRIBUTES, DELETE, DIRECTORY, EXECUTE, LINK, REPLACE};
use crate::boot::registry_call::Value;
use pml_parser::write::details::Create;
use pml_parser::{NtStatus, Operation};

/// A result as Process Monitor prints it, or as a number.
pub(crate) fn status(text: &str) -> Result<NtStatus, String> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).map(NtStatus).map_err(|error| format!("{text}: {error}"));
    }
    NtStatus::from_text(text)
        .ok_or_else(|| format!("Process Monitor prints no result {text:?}; write it as 0x and eight digits"))
}

fn create(access: Access) -> Create {
    match access {
        Access::Read => Create::READ,
        Access::Write => Create::WRITE,
        Access::Attributes => ATTRIBUTES,
        Access::Directory => DIRECTORY,
        Access::Execute => EXECUTE,
        Access::Delete => DELETE,
        Access::Link => LINK,
        Access::Replace => REPLACE,
        Access::Exclusive => Create { share_mode: 1, ..Create::READ },
    }
}

fn value(data: &Data) -> Value {
    match data.clone() {
        Data::Text(text) => Value::Text(text),
        Data::Texts(texts) => Value::Texts(texts),
        Data::Number(number) => Value::Number(number),
        Data::Long(number) => Value::Long(number),
        Data::Bytes(bytes) => Value::Bytes(bytes),
    }
}

/// What is wrong with an action: key and reason.
pub(crate) type Invalid = (&'static str, String);

fn missing(key: &'static str) -> Invalid {
    (key, "missing, but this action needs it".to_owned())
}

/// The target of an action, which must have one.
fn target(to: Option<&str>) -> Result<String, Invalid> {
    to.map(str::to_owned).ok_or_else(|| missing("to"))
}

/// The data of an action, which must have some.
fn data(action: &Action) -> Result<Value, Invalid> {
    action.data.as_ref().map(value).ok_or_else(|| missing("data"))
}

/// The length of an action, which must fit the format.
fn length(action: &Action, usual: u32) -> Result<u32, Invalid> {
    match action.length {
        Some(length) => u32::try_from(length).map_err(|error| ("length", error.to_string())),
        None => Ok(usual),
    }
}

/// What an action does, in order, each with its path. `to` and `data` are expanded already.
pub(crate) fn kinds(
    action: &Action,
    path: &str,
    to: Option<&str>,
) -> Result<Vec<(ActionKind, String)>, Invalid> {
    match (&action.op, action.run) {
        (Some(op), None) => Ok(vec![(operation(action, op, to)?, path.to_owned())]),
        (None, Some(run)) => self::run(action, run, path, to),
        _ => Err(("op", "an action has either op or run".to_owned())),
    }
}

/// What an operation is in the simulation, for an action and its `to`.
pub(super) type Kind = fn(&Action, Option<&str>) -> Result<ActionKind, Invalid>;

/// The operations that an action can name, as Process Monitor does.
#[rustfmt::skip]
pub(super) const OPERATIONS: &[(Operation, Kind)] = &[
    (Operation::CREATE_FILE, |action, _| Ok(ActionKind::Open(create(action.access.unwrap_or(Access::Read))))),
    (Operation::CLOSE_FILE, |_, _| Ok(ActionKind::Close)),
    (Operation::READ_FILE, |action, _| Ok(ActionKind::Read { at: action.offset.unwrap_or(0), length: length(action, 0x1000)? })),
    (Operation::WRITE_FILE, |action, _| Ok(ActionKind::Write(length(action, 0x200)?))),
    (Operation::QUERY_BASIC_INFORMATION_FILE, |_, _| Ok(ActionKind::QueryAttributes)),
    (Operation::QUERY_STANDARD_INFORMATION_FILE, |action, _| Ok(ActionKind::QueryStandard(action.length.unwrap_or(0)))),
    (Operation::QUERY_FULL_SIZE_INFORMATION_VOLUME, |action, _| Ok(ActionKind::QueryVolumeSize(action.length.unwrap_or(0)))),
    (Operation::SET_END_OF_FILE_INFORMATION_FILE, |action, _| Ok(ActionKind::SetEndOfFile(action.length.unwrap_or(0)))),
    (Operation::SET_DISPOSITION_INFORMATION_FILE, |_, _| Ok(ActionKind::Delete)),
    (Operation::SET_RENAME_INFORMATION_FILE, |_, to| Ok(ActionKind::Rename(target(to)?))),
    (Operation::SET_LINK_INFORMATION_FILE, |_, to| Ok(ActionKind::Link(target(to)?))),
    (Operation::QUERY_DIRECTORY, |action, _| Ok(ActionKind::List(action.names.clone()))),
    (Operation::FLUSH_BUFFERS_FILE, |_, _| Ok(ActionKind::Flush)),
    (Operation::SHUTDOWN, |_, _| Ok(ActionKind::Shutdown)),
    (Operation::LOAD_IMAGE, |_, _| Ok(ActionKind::LoadImage)),
    (Operation::REG_OPEN_KEY, |_, _| Ok(ActionKind::OpenKey)),
    (Operation::REG_CREATE_KEY, |_, _| Ok(ActionKind::CreateKey)),
    (Operation::REG_CLOSE_KEY, |_, _| Ok(ActionKind::CloseKey)),
    (Operation::REG_DELETE_KEY, |_, _| Ok(ActionKind::DeleteKey)),
    (Operation::REG_FLUSH_KEY, |_, _| Ok(ActionKind::FlushKey)),
    (Operation::REG_LOAD_KEY, |_, to| Ok(ActionKind::LoadHive(target(to)?))),
    (Operation::REG_UNLOAD_KEY, |_, _| Ok(ActionKind::UnloadHive)),
    (Operation::REG_QUERY_VALUE, |action, _| match &action.data {
        Some(data) => Ok(ActionKind::QueryValue(value(data))),
        None => Ok(ActionKind::QueryMissingValue),
    }),
    (Operation::REG_SET_VALUE, |action, _| Ok(ActionKind::SetValue(data(action)?))),
    (Operation::REG_SET_INFO_KEY, |_, _| Ok(ActionKind::SetKeyInformation)),
    (Operation::REG_DELETE_VALUE, |_, _| Ok(ActionKind::DeleteValue)),
];

fn operation(action: &Action, op: &str, to: Option<&str>) -> Result<ActionKind, Invalid> {
    match OPERATIONS.iter().find(|entry| entry.0.name() == op) {
        Some((_, kind)) => kind(action, to),
        None => Err(("op", format!("unknown operation {op:?}"))),
    }
}

fn run(
    action: &Action,
    run: Run,
    path: &str,
    to: Option<&str>,
) -> Result<Vec<(ActionKind, String)>, Invalid> {
    if action.result.is_some() {
        return Err(("result", "a run always succeeds; write a failure as an op".to_owned()));
    }
    let (how, inner) = match run {
        Run::Read => {
            let blocks = action.length.unwrap_or(0x1_0000).div_ceil(0x1_0000);
            (Create::READ, vec![ActionKind::QueryAttributes, ActionKind::ReadAll(blocks)])
        }
        Run::Write => (REPLACE, vec![ActionKind::Write(length(action, 0x200)?), ActionKind::Flush]),
        Run::Append => (Create::WRITE, vec![ActionKind::Write(length(action, 0x200)?)]),
        Run::Rename => (DELETE, vec![ActionKind::QueryAttributes, ActionKind::Rename(target(to)?)]),
        Run::Link => (LINK, vec![ActionKind::QueryAttributes, ActionKind::Link(target(to)?)]),
        Run::Delete => (DELETE, vec![ActionKind::QueryAttributes, ActionKind::Delete]),
        Run::List => (DIRECTORY, vec![ActionKind::List(action.names.clone())]),
        Run::Look => (ATTRIBUTES, vec![ActionKind::QueryAttributes]),
        Run::Set | Run::Get => {
            let name = action.value.as_deref().ok_or_else(|| missing("value"))?;
            let data = data(action)?;
            let (open, act) = if run == Run::Set {
                (ActionKind::CreateKey, ActionKind::SetValue(data))
            } else {
                (ActionKind::OpenKey, ActionKind::QueryValue(data))
            };
            let key = || path.to_owned();
            return Ok(vec![(open, key()), (act, format!(r"{path}\{name}")), (ActionKind::CloseKey, key())]);
        }
    };
    let mut kinds = vec![ActionKind::Open(how)];
    kinds.extend(inner);
    kinds.push(ActionKind::Close);
    Ok(kinds.into_iter().map(|kind| (kind, path.to_owned())).collect())
}
