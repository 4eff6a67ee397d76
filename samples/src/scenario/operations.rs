//! What a beat of a scenario is in the generator: operations by their names, runs, results.

use super::model::{Access, Beat, Data, Run};
use crate::boot::beat::Action;
use crate::boot::file_call::{ATTRIBUTES, DELETE, DIRECTORY, EXECUTE, LINK, REPLACE};
use crate::boot::registry_call::Value;
use pml_parser::NtStatus;
use pml_parser::write::details::Create;

/// Codes that have a text, as results are written with it.
#[rustfmt::skip]
const TEXTS: &[u32] = &[
    0, 0x103, 0x104, 0x12A, 0x8000_0005, 0x8000_0006, 0x8000_001A, 0xC000_000D, 0xC000_000F, 0xC000_0011, 0xC000_0022,
    0xC000_0023, 0xC000_0032, 0xC000_0033, 0xC000_0034, 0xC000_0035, 0xC000_003A, 0xC000_003F, 0xC000_0043,
    0xC000_0056, 0xC000_007F, 0xC000_009A, 0xC000_009C, 0xC000_00A2, 0xC000_0102, 0xC000_0101, 0xC000_0121,
    0xC000_014C, 0xC000_014D, 0xC000_0185, 0xC000_0225, 0xC000_0243, 0xC019_0001, 0xC019_0002, 0xC019_0003,
];

/// A result as Process Monitor prints it, or as a number.
pub(crate) fn status(text: &str) -> Result<NtStatus, String> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).map(NtStatus).map_err(|error| format!("{text}: {error}"));
    }
    let codes = TEXTS.iter().map(|&code| NtStatus(code));
    codes
        .into_iter()
        .find(|status| status.text() == Some(text))
        .ok_or_else(|| format!("unknown result {text:?}; write it as 0x and eight digits"))
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

/// Key and reason of what is wrong with a beat.
pub(crate) type Wrong = (&'static str, String);

fn missing(key: &'static str, what: &str) -> Wrong {
    (key, format!("missing; {what} needs it"))
}

/// A length that fits the format.
fn length(beat: &Beat, usual: u32) -> Result<u32, Wrong> {
    match beat.length {
        Some(length) => u32::try_from(length).map_err(|error| ("length", error.to_string())),
        None => Ok(usual),
    }
}

/// The operations of a beat, each with its path. `to` and `data` are expanded already.
pub(crate) fn actions(beat: &Beat, path: &str, to: Option<&str>) -> Result<Vec<(Action, String)>, Wrong> {
    match (&beat.op, beat.run) {
        (Some(op), None) => Ok(vec![(operation(beat, op, to)?, path.to_owned())]),
        (None, Some(run)) => self::run(beat, run, path, to),
        _ => Err(("op", "a beat has either op or run".to_owned())),
    }
}

fn operation(beat: &Beat, op: &str, to: Option<&str>) -> Result<Action, Wrong> {
    let target = || to.map(str::to_owned).ok_or_else(|| missing("to", op));
    let data = || beat.data.as_ref().map(value).ok_or_else(|| missing("data", op));
    Ok(match op {
        "CreateFile" => Action::Open(create(beat.access.unwrap_or(Access::Read))),
        "CloseFile" => Action::Close,
        "ReadFile" => Action::Read(length(beat, 0x1000)?),
        "WriteFile" => Action::Write(length(beat, 0x200)?),
        "QueryBasicInformationFile" => Action::QueryAttributes,
        "QueryStandardInformationFile" => Action::QueryStandard(beat.length.unwrap_or(0)),
        "QueryFullSizeInformationVolume" => Action::QueryVolumeSize(beat.length.unwrap_or(0)),
        "SetEndOfFileInformationFile" => Action::SetEndOfFile(beat.length.unwrap_or(0)),
        "SetDispositionInformationFile" => Action::Delete,
        "SetRenameInformationFile" => Action::Rename(target()?),
        "SetLinkInformationFile" => Action::Link(target()?),
        "QueryDirectory" => Action::List(beat.names.clone()),
        "FlushBuffersFile" => Action::Flush,
        "Shutdown" => Action::Shutdown,
        "Load Image" => Action::LoadImage,
        "RegOpenKey" => Action::OpenKey,
        "RegCreateKey" => Action::CreateKey,
        "RegCloseKey" => Action::CloseKey,
        "RegDeleteKey" => Action::DeleteKey,
        "RegFlushKey" => Action::FlushKey,
        "RegLoadKey" => Action::LoadHive(target()?),
        "RegUnloadKey" => Action::UnloadHive,
        "RegQueryValue" if beat.data.is_none() => Action::QueryValueProbe,
        "RegQueryValue" => Action::QueryValue(data()?),
        "RegSetValue" => Action::SetValue(data()?),
        "RegSetInfoKey" => Action::SetKeyInformation,
        "RegDeleteValue" => Action::DeleteValue,
        _ => return Err(("op", format!("unknown operation {op:?}"))),
    })
}

fn run(beat: &Beat, run: Run, path: &str, to: Option<&str>) -> Result<Vec<(Action, String)>, Wrong> {
    if beat.result.is_some() {
        return Err(("result", "a run succeeds; tell what fails as an op".to_owned()));
    }
    let target = || to.map(str::to_owned).ok_or_else(|| missing("to", "this run"));
    let (how, inner) = match run {
        Run::Read => {
            let blocks = beat.length.unwrap_or(0x1_0000).div_ceil(0x1_0000);
            (Create::READ, vec![Action::QueryAttributes, Action::ReadAll(blocks)])
        }
        Run::Write => (REPLACE, vec![Action::Write(length(beat, 0x200)?), Action::Flush]),
        Run::Append => (Create::WRITE, vec![Action::Write(length(beat, 0x200)?)]),
        Run::Rename => (DELETE, vec![Action::QueryAttributes, Action::Rename(target()?)]),
        Run::Link => (LINK, vec![Action::QueryAttributes, Action::Link(target()?)]),
        Run::Delete => (DELETE, vec![Action::QueryAttributes, Action::Delete]),
        Run::List => (DIRECTORY, vec![Action::List(beat.names.clone())]),
        Run::Look => (ATTRIBUTES, vec![Action::QueryAttributes]),
        Run::Set | Run::Get => {
            let name = beat.value.as_deref().ok_or_else(|| missing("value", "this run"))?;
            let data = beat.data.as_ref().map(value).ok_or_else(|| missing("data", "this run"))?;
            let (open, act) = if run == Run::Set {
                (Action::CreateKey, Action::SetValue(data))
            } else {
                (Action::OpenKey, Action::QueryValue(data))
            };
            let key = || path.to_owned();
            return Ok(vec![(open, key()), (act, format!(r"{path}\{name}")), (Action::CloseKey, key())]);
        }
    };
    let mut actions = vec![Action::Open(how)];
    actions.extend(inner);
    actions.push(Action::Close);
    Ok(actions.into_iter().map(|action| (action, path.to_owned())).collect())
}
