//! What kind of log a file is, from its content.

use super::encoding::{Encoding, decode_head};
use super::headers::{OldUpdate, Poqexec, Reporting, Servicing, Update};
use super::record::{Grammar, Header};
use serde::{Deserialize, Serialize};

/// The kinds of logs that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// CBS.log and CbsPersist logs: what the servicing stack did.
    Cbs,
    /// WindowsUpdate.log as decoded on Windows 10 and later.
    WindowsUpdate,
    /// WindowsUpdate.log of Windows 7 and 8.
    WindowsUpdateOld,
    /// dism.log.
    Dism,
    /// setupact.log or setuperr.log of an upgrade of Windows (Panther).
    Setup,
    /// ReportingEvents.log of the update client.
    ReportingEvents,
    /// poqexec.log: operations that failed while the queue of pending operations was carried out.
    Poqexec,
    /// pending.xml: the queue of pending operations.
    Pending,
    /// CheckSUR.log of Windows 7: the check of the component store.
    CheckSur,
    /// What DISM printed.
    DismConsole,
    /// What the System File Checker printed.
    SfcConsole,
    /// setupapi.dev.log: installations of devices and drivers.
    SetupApi,
    /// The result of SetupDiag.
    SetupDiag,
    /// A Windows event log.
    Evtx,
    /// Events as XML.
    EventXml,
    /// A cabinet, such as a packed CbsPersist log.
    Cabinet,
    /// An export of the registry.
    Registry,
    /// What systeminfo printed.
    SystemInfo,
}

/// Bytes that are looked at.
const HEAD: usize = 256 << 10;

/// Lines with headers that are looked at.
const LINES: usize = 400;

/// Sources that only the logs of setup have.
const SETUP_SOURCES: [&str; 8] = ["MOUPG", "SP", "IBS", "MIG", "CONX", "SYSPRP", "IBSLIB", "MOSETUP"];

/// Phrases that DISM prints to a console, and nobody else.
const DISM_PHRASES: [&str; 4] = [
    "Deployment Image Servicing and Management tool",
    "部署映像服务和管理工具",
    "Image Version: 10.",
    "映像版本: 10.",
];

/// Phrases that the System File Checker prints to a console.
const SFC_PHRASES: [&str; 5] = [
    "Windows Resource Protection",
    "Windows 资源保护",
    "Beginning verification phase of system scan",
    "Beginning system scan",
    "开始系统扫描的验证阶段",
];

/// Lines of systeminfo.
const SYSTEM_INFO: [(&str, &str); 2] = [("Host Name:", "OS Version:"), ("主机名:", "OS 版本:")];

/// Recognises the kind and encoding of a file by its content; the name, which anybody may change,
/// decides nothing that the content says. Nothing for a file that is none of the known kinds.
pub fn detect(bytes: &[u8]) -> Option<(Kind, Encoding)> {
    if bytes.starts_with(b"ElfFile\0") {
        return Some((Kind::Evtx, Encoding::Binary));
    }
    if bytes.starts_with(b"MSCF\0\0\0\0") {
        return Some((Kind::Cabinet, Encoding::Binary));
    }
    let encoding = Encoding::detect(bytes);
    if encoding == Encoding::Binary {
        return None;
    }
    let head = decode_head(bytes, encoding, HEAD);
    let head = head.trim_start_matches(['\u{FEFF}', '\r', '\n', ' ', '\t']);
    let kind = of_markup(head).or_else(|| of_headers(head)).or_else(|| of_phrases(head))?;
    Some((kind, encoding))
}

fn of_markup(head: &str) -> Option<Kind> {
    if head.starts_with("Windows Registry Editor Version") || head.starts_with("REGEDIT4") {
        return Some(Kind::Registry);
    }
    if !head.starts_with('<') {
        return None;
    }
    let head = super::fields::prefix(head, 8 << 10);
    let has = |text: &str| head.contains(text);
    if has("schemas.microsoft.com/win/2004/08/events") {
        return Some(Kind::EventXml);
    }
    if has("<PendingTransaction") || has("<POQ") {
        return Some(Kind::Pending);
    }
    has("<SetupDiag").then_some(Kind::SetupDiag)
}

fn of_headers(head: &str) -> Option<Kind> {
    let mut counts = [0usize; 8];
    let (mut servicing, mut update) = (Servicing::default(), Update);
    let mut setup = false;
    for line in head.lines().take(4 * LINES) {
        let bytes = line.as_bytes();
        let at = if let Some(header) = servicing.header(bytes) {
            let source = component(line, &header);
            setup |= SETUP_SOURCES.contains(&source);
            match source {
                "CBS" | "CSI" | "DPX" => 0,
                "DISM" => 1,
                // A source that is blank or used by several logs decides nothing while another does.
                _ => 2,
            }
        } else if update.header(bytes).is_some() {
            3
        } else if OldUpdate.header(bytes).is_some() {
            4
        } else if Reporting.header(bytes).is_some() {
            5
        } else if Poqexec.header(bytes).is_some() {
            6
        } else if line.starts_with(">>>  [") || line.starts_with("[Device Install Log]") {
            7
        } else {
            continue;
        };
        if let Some(count) = counts.get_mut(at) {
            *count += 1;
        }
        if counts.iter().sum::<usize>() >= LINES {
            break;
        }
    }
    let [cbs, dism, other, update, old, reporting, poqexec, device] = counts;
    if setup {
        return Some(Kind::Setup);
    }
    let best = [
        (cbs + if dism > cbs { 0 } else { other }, Kind::Cbs),
        (dism, Kind::Dism),
        (update, Kind::WindowsUpdate),
        (old, Kind::WindowsUpdateOld),
        (reporting, Kind::ReportingEvents),
        (poqexec, Kind::Poqexec),
        (device, Kind::SetupApi),
    ];
    best.into_iter().filter(|best| best.0 > 0).max_by_key(|best| best.0).map(|best| best.1)
}

fn component<'t>(line: &'t str, header: &Header) -> &'t str {
    let (from, to) = header.component;
    line.get(usize::from(from)..usize::from(to)).unwrap_or_default()
}

fn of_phrases(head: &str) -> Option<Kind> {
    let has = |phrase: &&str| head.contains(*phrase);
    if SYSTEM_INFO.iter().any(|(host, version)| has(host) && has(version)) {
        return Some(Kind::SystemInfo);
    }
    if head.contains("Checking System Update Readiness.")
        || head.contains("Checking Windows Servicing Packages")
    {
        return Some(Kind::CheckSur);
    }
    if head.contains("SetupDiag")
        && (head.contains("Matching Profile found")
            || head.contains("SetupDiag version")
            || head.contains("Error: "))
    {
        return Some(Kind::SetupDiag);
    }
    if DISM_PHRASES.iter().any(has) {
        return Some(Kind::DismConsole);
    }
    SFC_PHRASES.iter().any(has).then_some(Kind::SfcConsole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<Kind> {
        detect(text.as_bytes()).map(|found| found.0)
    }

    #[test]
    fn kinds_are_recognised_from_content() {
        let servicing =
            |source: &str| format!("2024-08-01 11:02:50, Info                  {source:<7}text\r\n");
        let kinds = [
            (servicing("CBS"), Kind::Cbs),
            (servicing("CSI"), Kind::Cbs),
            (servicing("").repeat(3) + &servicing("CBS"), Kind::Cbs),
            (servicing("DISM").repeat(3) + &servicing("CBS"), Kind::Dism),
            (servicing("CBS").repeat(9) + &servicing("MOUPG"), Kind::Setup),
            (servicing("SP"), Kind::Setup),
            ("2023/05/06 14:05:21.6651960 4952  21156 Agent           x".into(), Kind::WindowsUpdate),
            ("2012-01-02\t10:11:12:123\t 988\t1a4c\tAgent\tx".into(), Kind::WindowsUpdateOld),
            ("{A}\t2021-01-02 10:11:12:200-0600\t1\t147\t101\tx".into(), Kind::ReportingEvents),
            ("1dae3bf2ff9a700: 832, c0000034, 1f, 0, HardLinkFile ;x".into(), Kind::Poqexec),
            ("<?xml version='1.0'?>\r\n<PendingTransaction Version='1'>".into(), Kind::Pending),
            ("=====\r\nChecking System Update Readiness.\r\nBinary Version 6.1".into(), Kind::CheckSur),
            ("\r\n部署映像服务和管理工具\r\n版本: 10.0.17763.771".into(), Kind::DismConsole),
            ("\r\nDeployment Image Servicing and Management tool\r\n".into(), Kind::DismConsole),
            ("Windows 资源保护未找到任何完整性冲突。".into(), Kind::SfcConsole),
            ("\r\nBeginning system scan.  This process will take some time.\r\n".into(), Kind::SfcConsole),
            (
                "[Device Install Log]\r\n     OS Version = 10.0\r\n>>>  [Device Install - x]".into(),
                Kind::SetupApi,
            ),
            ("SetupDiag version: 1.6\r\nMatching Profile found: X".into(), Kind::SetupDiag),
            (
                "<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>".into(),
                Kind::EventXml,
            ),
            ("Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE]".into(), Kind::Registry),
            (
                "\r\n主机名:           PC\r\nOS 版本:          10.0.17763 暂缺 Build 17763".into(),
                Kind::SystemInfo,
            ),
            ("MSCF\0\0\0\0".into(), Kind::Cabinet),
            ("ElfFile\0".into(), Kind::Evtx),
        ];
        for (text, expected) in kinds {
            assert_eq!(kind(&text), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_files_are_none_of_them() {
        // The other setupact.log, of driver class installers, has no headers.
        for text in [
            "",
            "hello",
            "Preparing for setup\r\nsetupact.log",
            "<html></html>",
            "\0\0\0\0\0\0\0\0",
            "2024-08-01 11:02:50 x",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }
}
