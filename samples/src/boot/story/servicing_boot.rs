//! The boot in which an update is completed, and the one in which it is rolled back.

use super::{Action, Script};
use crate::boot::call::status::NAME_NOT_FOUND;
use crate::boot::noise::{CBS, CBS_LOG, package};
use crate::boot::paths::{NEW_BUILD, OLD_BUILD, Paths, WINSXS};
use crate::boot::registry_call::Value;
use pml_parser::write::details::Create;

const SESSION_MANAGER: &str = r"HKLM\System\CurrentControlSet\Control\Session Manager";
const INSTALLER: &str = r"HKLM\System\CurrentControlSet\Services\TrustedInstaller";
const COMPONENTS: &str = r"HKLM\COMPONENTS";
const PENDING: &str = r"C:\Windows\WinSxS\pending.xml";
const SESSIONS: &str = r"C:\Windows\servicing\Sessions\Sessions.xml";
const QUEUE_COMMAND: &str =
    r"C:\Windows\System32\poqexec.exe /display_progress \SystemRoot\WinSxS\pending.xml";
/// States of a package: staged, and installed.
const STAGED: u32 = 0x40;
const INSTALLED: u32 = 0x70;

/// Files that are replaced first and then brought back, with their components.
const REPLACED: [(&str, &str); 6] = [
    ("directshow-other", "devenum.dll"),
    ("directshow-other", "quartz.dll"),
    ("directshow-core", "qedit.dll"),
    ("wintrust-dll", "wintrust.dll"),
    ("crypt32-dll", "crypt32.dll"),
    ("security-schannel", "schannel.dll"),
];

/// Architecture of these components, and the folder that their files are installed in.
fn replaced(paths: &Paths) -> (&'static str, &'static str) {
    if paths.architecture() == "amd64" { ("wow64", "SysWOW64") } else { ("x86", "System32") }
}

fn packages(paths: &Paths) -> String {
    format!(r"{CBS}\Packages\{}", package(paths.architecture(), 0))
}

fn queue_command() -> Value {
    Value::Texts(vec![QUEUE_COMMAND.to_owned()])
}

/// Up to the point where the worker begins: the same for all stories.
pub(super) fn first_half(script: &mut Script, paths: &Paths) {
    script
        .scene(40_000, "smss.exe")
        .get(SESSION_MANAGER, "BootExecute", Value::Texts(vec!["autocheck autochk *".to_owned()]))
        .act(Action::OpenKey, SESSION_MANAGER)
        .fail(
            Action::QueryValueProbe,
            &format!(r"{SESSION_MANAGER}\PendingFileRenameOperations"),
            NAME_NOT_FOUND,
        )
        .act(Action::CloseKey, SESSION_MANAGER)
        .scene(62_000, "smss.exe")
        .get(SESSION_MANAGER, "SetupExecute", queue_command());
    let identifier = Value::Bytes((1..=32).map(|i| i * 7).collect());
    script
        .scene(66_000, "poqexec.exe")
        .read_file(PENDING, 24)
        .act(Action::LoadHive(r"\SystemRoot\System32\config\COMPONENTS".to_owned()), COMPONENTS)
        .get(COMPONENTS, "PendingXmlIdentifier", identifier)
        .set(COMPONENTS, "ExecutionState", Value::Number(2))
        .scene(230_000, "poqexec.exe")
        .with_file(PENDING, Create::WRITE, &[Action::Flush])
        .set(COMPONENTS, "ExecutionState", Value::Number(4))
        .act(Action::FlushKey, COMPONENTS)
        .act(Action::UnloadHive, COMPONENTS);
    script
        .scene(340_000, "TrustedInstaller.exe")
        .set(&format!(r"{CBS}\Interface"), "TiAttemptedInitialization", Value::Number(1))
        .read_file(SESSIONS, 2)
        .get(INSTALLER, "Start", Value::Number(2))
        .scene(350_000, "TiWorker.exe")
        .act(Action::CreateKey, &format!(r"{CBS}\RebootInProgress"))
        .act(Action::LoadHive(r"\SystemRoot\System32\config\COMPONENTS".to_owned()), COMPONENTS)
        .read_file(PENDING, 24)
        .get(&packages(paths), "CurrentState", Value::Number(STAGED))
        .act(Action::Open(Create::WRITE), CBS_LOG)
        .act(Action::Write(412), CBS_LOG);
}

/// The update is completed.
pub(super) fn success(script: &mut Script, paths: &Paths) {
    script
        .scene(930_000, "TiWorker.exe")
        .set(&packages(paths), "CurrentState", Value::Number(INSTALLED))
        .act(Action::Write(633), CBS_LOG)
        .delete_file(PENDING)
        .act(Action::DeleteKey, &format!(r"{CBS}\RebootInProgress"))
        .act(Action::UnloadHive, COMPONENTS)
        .scene(940_000, "TrustedInstaller.exe")
        .set(SESSION_MANAGER, "SetupExecute", Value::Texts(Vec::new()))
        .set(INSTALLER, "Start", Value::Number(3));
    finish(script);
}

/// A file of the update is not where it must be: the worker looks for it again and again, gives
/// up, and takes back what was done.
pub(super) fn missing_payload(script: &mut Script, paths: &Paths) {
    let (architecture, folder) = replaced(paths);
    script.scene(150_000, "poqexec.exe");
    for (component, name) in REPLACED {
        let component = paths.component(component, architecture, NEW_BUILD);
        script.link_file(&format!(r"{WINSXS}\{component}\{name}"), &format!(r"C:\Windows\{folder}\{name}"));
    }
    let newer = format!(r"{WINSXS}\{}", paths.component("directshow-other", architecture, NEW_BUILD));
    let older = format!(r"{WINSXS}\{}", paths.component("directshow-other", architecture, OLD_BUILD));
    let missing = format!(r"{newer}\amstream.dll");
    script
        .scene(600_000, "TiWorker.exe")
        // The component is there, its other files too, and so is the older version of the file.
        .list(&newer, &[".", "..", "devenum.dll", "qdv.dll", "quartz.dll"])
        .read_file(&format!(r"{newer}\devenum.dll"), 1)
        .read_file(&format!(r"{newer}\quartz.dll"), 2)
        .look_at(&format!(r"{older}\amstream.dll"))
        .fail(Action::Open(Create::READ), &missing, NAME_NOT_FOUND)
        .fail(Action::Open(Create::READ), &missing, NAME_NOT_FOUND)
        .act(Action::Write(286), CBS_LOG)
        .fail(Action::Open(Create::READ), &missing, NAME_NOT_FOUND)
        .with_file(&format!(r"{WINSXS}\poqexec.log"), Create::WRITE, &[Action::Write(190)])
        .scene(620_000, "TiWorker.exe")
        .fail(Action::Open(Create::READ), &missing, NAME_NOT_FOUND)
        .act(Action::Write(1_204), CBS_LOG);
    failure_report(script);
    roll_back(script, paths);
    script
        .scene(905_000, "TiWorker.exe")
        .set(&packages(paths), "CurrentState", Value::Number(STAGED))
        .set(CBS, "ExecuteState", Value::Number(0x11))
        .act(Action::UnloadHive, COMPONENTS)
        .act(Action::Write(958), CBS_LOG)
        .scene(925_000, "TrustedInstaller.exe")
        .set(SESSION_MANAGER, "SetupExecute", queue_command())
        .act(Action::CreateKey, &format!(r"{CBS}\RebootPending"))
        .set(INSTALLER, "Start", Value::Number(2));
    finish(script);
}

/// What is collected when servicing has failed.
fn failure_report(script: &mut Script) {
    script
        .scene(660_000, "TiWorker.exe")
        .set(CBS, "ExecuteState", Value::Number(0x13))
        .set(COMPONENTS, "AIFailureInformation", Value::Bytes(vec![0x34, 0, 0, 0xC0, 1, 0, 0, 0]))
        .read_file(r"C:\Windows\System32\LogFiles\Scm\SCM.EVM", 2)
        .read_file(r"C:\Windows\WinSxS\Temp\LogFiles\NtfsLog.etl", 3)
        .read_file(PENDING, 4)
        .read_file(SESSIONS, 2)
        .write_file(
            r"C:\ProgramData\Microsoft\Windows\WER\ReportQueue\Critical_CbsPackageServicingFailure2\Report.wer",
            9_216,
        )
        .act(Action::Write(377), CBS_LOG);
}

/// The pending operations are dropped, and the older files come back.
fn roll_back(script: &mut Script, paths: &Paths) {
    let (architecture, folder) = replaced(paths);
    let map = format!("$$_{}_21ffbdd2a2dd92e0.cdf-ms", folder.to_lowercase());
    let renames = format!(r"{WINSXS}\Temp\PendingRenames");
    for (number, (component, name)) in (0u32..).zip(REPLACED) {
        let stamp = 0x01DB_3610_5C00_0000 + u64::from(number) * 0x31_0A5E;
        let moved = format!(r"{WINSXS}\Temp\PendingDeletes\$$DeleteMe.{name}.{stamp:016x}.{number:04x}");
        let target = format!(r"C:\Windows\{folder}\{name}");
        let component = paths.component(component, architecture, OLD_BUILD);
        script
            .scene(700_000 + number * 22_000, "TiWorker.exe")
            .rename_file(&target, &moved)
            .link_file(&format!(r"{WINSXS}\{component}\{name}"), &target)
            .rename_file(
                &format!(r"{renames}\{stamp:016x}{number:04x}.{map}"),
                &format!(r"{WINSXS}\FileMaps\{map}"),
            )
            .delete_file(&moved)
            .scene(708_000 + number * 22_000, "TiWorker.exe")
            .list(&renames, &[".", ".."])
            .delete_file(&format!(r"{renames}\{:016x}.cdf-ms", stamp ^ 0xFF_FFFF));
    }
    script
        .scene(840_000, "TiWorker.exe")
        .rename_file(PENDING, &format!("{PENDING}.bad"))
        .write_file(&format!(r"{renames}\pending.xml.new"), 0x4_0000)
        .rename_file(&format!(r"{renames}\pending.xml.new"), PENDING)
        .look_at(PENDING)
        .act(Action::DeleteValue, &format!(r"{COMPONENTS}\NextQueueEntryIndex"));
}

/// The service has done its part, whichever way.
fn finish(script: &mut Script) {
    script.scene(945_000, "TrustedInstaller.exe").write_file(SESSIONS, 0x1_8000).set(
        &format!(r"{CBS}\Interface"),
        "LastTrustedInstallerBoot",
        Value::Long(0x01DB_3610_8B2C_4D00),
    );
}

/// The file systems are told last.
pub(super) fn shutdown(script: &mut Script) {
    script.scene(992_000, "System").act(Action::Flush, r"C:\$LogFile");
    for device in [r"C:", r"\Device\Mup", r"\Device\HarddiskVolume1"] {
        script.act(Action::Shutdown, device);
    }
}
