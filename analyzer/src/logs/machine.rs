//! What the registry export, systeminfo and the small files of servicing say.

use super::codes::{self, code_prefix, is_failure};
use super::event::{Sink, StoreItem, StoreScan, What};
use super::fields::{after, kbs, until};
use super::record::Record;
use super::time::LogTime;

/// Most KB numbers that are kept.
const MOST_INSTALLED: usize = 5_000;

/// Reads an export of the registry line by line. `"name"=dword:0000030a`, `"name"="text"`.
#[derive(Default)]
pub(crate) struct Registry {
    key: String,
}

impl Registry {
    /// Takes one line.
    pub(crate) fn record(&mut self, record: &Record<'_>, sink: &mut Sink) {
        let text = record.text();
        let text = text.trim();
        if let Some(key) = text.strip_prefix('[') {
            self.key = key.trim_end_matches(']').to_ascii_lowercase();
            return;
        }
        let Some((name, value)) = text.strip_prefix('"').and_then(|text| text.split_once("\"=")) else {
            return;
        };
        let number = value.strip_prefix("dword:").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let string = || value.trim_matches('"').to_owned();
        let is_version = self.key.ends_with(r"\windows nt\currentversion");
        let is_zone = self.key.ends_with(r"\control\timezoneinformation");
        let machine = &mut sink.machine;
        match name {
            "UBR" if is_version => {
                machine.revision = number.or(machine.revision);
                if let (Some(build), Some(revision)) = (machine.build, number) {
                    sink.push(record.line, None, text, What::Image { build, revision });
                }
            }
            "CurrentBuild" | "CurrentBuildNumber" if is_version => {
                machine.build = string().parse().ok().or(machine.build)
            }
            // Minutes that UTC is ahead of the local clock, signed.
            "ActiveTimeBias" if is_zone => {
                machine.offset = number.map(|n| -n.cast_signed()).filter(|m| m.abs() <= 1_000)
            }
            "ComputerName" => machine.computer = Some(string()),
            "WUServer" if !string().is_empty() => machine.server = Some(string()),
            _ => {}
        }
    }
}

/// Reads the output of systeminfo line by line, in English or Chinese.
pub(crate) fn system_info(record: &Record<'_>, sink: &mut Sink) {
    let text = record.text();
    let machine = &mut sink.machine;
    let room = MOST_INSTALLED.saturating_sub(machine.installed.len());
    if text.trim_start().starts_with('[') {
        machine.installed.extend(kbs(&text).take(room));
        return;
    }
    let Some((name, value)) = text.split_once([':', '：']) else { return };
    let value = value.trim();
    match name.trim() {
        "Host Name" | "主机名" => machine.computer = Some(value.to_owned()),
        "OS Version" | "OS 版本" => {
            let number = value.split('.').nth(2).map(|part| until(part, &[' ']));
            machine.build = number.and_then(|number| number.parse().ok()).or(machine.build);
        }
        "Time Zone" | "时区" => machine.offset = zone(value).or(machine.offset),
        _ => {}
    }
}

/// `(UTC+08:00) …`, in minutes. The name of a zone does not say whether summer time is on: whole zones
/// without it are the ones this is right for, which is why every other proof is preferred.
fn zone(text: &str) -> Option<i32> {
    let rest = after(text, "(UTC").or_else(|| after(text, "(GMT"))?;
    let (rest, sign) = match rest.split_at_checked(1)? {
        ("+", rest) => (rest, 1),
        ("-", rest) => (rest, -1),
        _ => return rest.starts_with(')').then_some(0),
    };
    let (hours, minutes) = until(rest, &[')']).split_once(':')?;
    Some(sign * (hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?))
}

/// Reads poqexec.log line by line: fields in hexadecimal, the operation, its operands.
pub(crate) fn poqexec(record: &Record<'_>, sink: &mut Sink) {
    let text = record.text();
    let (numbers, operands) = text.split_once(';').unwrap_or((&text, ""));
    let status =
        numbers.split(',').filter_map(|field| code_prefix(field.trim())).find(|&code| is_failure(code));
    let Some(status) = status else { return };
    // Operands are paths, separated by a comma and a blank; the first is the one that was opened.
    let path = operands.split(", ").next().unwrap_or_default().trim();
    if !path.is_empty() {
        sink.push(record.line, record.time, &text, What::Operation { status, path: path.to_owned() });
    }
}

/// Reads CheckSUR.log of Windows 7, line by line.
#[derive(Default)]
pub(crate) struct CheckSur {
    begun: Option<u32>,
    scan: StoreScan,
}

impl CheckSur {
    /// Takes one line. `(f)<TAB>kind<TAB>0x00000000<TAB>item`.
    pub(crate) fn record(&mut self, record: &Record<'_>) {
        let text = record.text();
        let text = text.trim();
        self.begun.get_or_insert(record.line);
        if let Some(rest) = text.strip_prefix("(f)\t").or_else(|| text.strip_prefix("(fix)\t")) {
            let mut parts = rest.split('\t').map(str::trim).filter(|part| !part.is_empty());
            let kind = parts.next().unwrap_or_default().to_owned();
            let name = parts.find(|part| !part.starts_with("0x")).unwrap_or_default().to_owned();
            if text.starts_with("(fix)") {
                // `CSI File Replaced`, then `File: b.dll From: …`: the item is somewhere in the rest.
                for item in self.scan.items.iter_mut().filter(|item| rest.contains(&item.name)) {
                    item.repaired = true;
                }
            } else if self.scan.items.len() < MOST_INSTALLED {
                self.scan.items.push(StoreItem { kind, name, repaired: false });
            }
        }
        let count = |marker: &str| {
            let rest = after(text, marker)?;
            until(rest, &[' ']).parse::<u32>().ok()
        };
        self.scan.detected = count("Found ").filter(|_| text.ends_with("errors")).or(self.scan.detected);
        self.scan.repaired = count("Fixed ").filter(|_| text.ends_with("errors")).or(self.scan.repaired);
    }

    /// Hands over what was read.
    pub(crate) fn finish(&mut self, time: Option<LogTime>, sink: &mut Sink) {
        if let Some(line) = self.begun.take() {
            let mut scan = std::mem::take(&mut self.scan);
            scan.operation = "CheckSUR".to_owned();
            sink.push(line, time, "Checking System Update Readiness.", What::Scan(Box::new(scan)));
        }
    }
}

/// Reads a section of setupapi.dev.log that failed.
pub(crate) fn device(record: &Record<'_>, sink: &mut Sink) {
    let text = record.text();
    let title = text.lines().next().unwrap_or_default().trim_start_matches(">>>").trim();
    let code = after(&text, "[Exit status: FAILURE(").and_then(code_prefix).unwrap_or_default();
    let error = text.lines().find(|line| line.starts_with("!!!")).unwrap_or_default();
    let inf = text.split([' ', '\'', '"', '\\', '\r', '\n']).find(|word| {
        word.len() > 4 && word.get(word.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(".inf"))
    });
    let inf = inf.or_else(|| device_id(&text)).unwrap_or_else(|| title.trim_matches(['[', ']'])).to_owned();
    let quote = format!("{title} {error}");
    sink.push(record.line, record.time, &quote, What::Driver { inf, code });
}

/// The identifier of a device in a text: `ROOT\MPIO\0001`, `PCI\VEN_8086&DEV_…`.
fn device_id(text: &str) -> Option<&str> {
    let is_enumerator = |word: &str| {
        word.len() >= 2 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let words = text.split([' ', '\'', '"', '}', '{', '(', ')', ',', '\r', '\n']);
    words.map(|word| word.trim_end_matches(['.', ':'])).find(|word| {
        word.split_once('\\').is_some_and(|(enumerator, rest)| is_enumerator(enumerator) && !rest.is_empty())
    })
}

/// Reads the logs of an upgrade of Windows.
pub(crate) fn setup(record: &Record<'_>, is_noise: bool, sink: &mut Sink) {
    let text = record.text();
    let mut push = |what| sink.push(record.line, record.time, &text, what);
    let result = after(&text, "Reporting result value: [")
        .or_else(|| after(&text, "]: Result = "))
        .or_else(|| after(&text, "CSetupHost::Execute").and_then(|rest| after(rest, "Result = ")));
    if let Some(code) = result.and_then(code_prefix) {
        push(What::SetupResult { code, extended: extended(&text) });
        return;
    }
    if let Some(code) = extended_code(&text) {
        push(What::SetupResult { code, extended: extended(&text) });
        return;
    }
    if is_noise {
        return;
    }
    let operation = text.contains("Operation failed: ");
    if operation || record.level == super::record::Level::Error {
        push(What::Failure { code: codes::deepest(&text), is_error: true });
    }
}

/// The first half of `0x8007000D-0x2000C`.
fn extended_code(text: &str) -> Option<u32> {
    let at = text.find("-0x").filter(|&at| at >= 10)?;
    let code = text.get(at - 10..at).and_then(|code| code.strip_prefix("0x")).and_then(codes::hex_prefix)?;
    is_failure(code).then_some(code)
}

/// The second half of `0x8007000D-0x2000C`: phase and operation.
fn extended(text: &str) -> Option<u32> {
    extended_code(text)?;
    after(text, "-0x").and_then(codes::hex_prefix)
}

/// Literals of records of setup logs that are worth a look.
pub(crate) const SETUP_NEEDLES: &[&str] =
    &["Reporting result value", "Result = 0x", "Operation failed: ", "-0x2", "-0x3", "-0x4", "-0x5"];

/// Reads what SetupDiag found.
pub(crate) fn diagnosis(record: &Record<'_>, sink: &mut Sink) {
    let text = record.text();
    if let Some(code) = extended_code(&text).or_else(|| codes::deepest(&text)) {
        sink.push(record.line, record.time, &text, What::SetupResult { code, extended: extended(&text) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{Encoding, Kind, read};

    fn collect(text: &str, kind: Kind, mut take: impl FnMut(&Record<'_>, &mut Sink)) -> Sink {
        let mut sink = Sink::default();
        read(text.as_bytes(), kind, Encoding::Utf8, None, |record| take(record, &mut sink));
        sink
    }

    #[test]
    fn the_registry_says_build_revision_and_zone() {
        let mut registry = Registry::default();
        let text = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion]\r\n\"CurrentBuild\"=\"17763\"\r\n\"UBR\"=dword:00000306\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation]\r\n\"ActiveTimeBias\"=dword:fffffe20\r\n[HKEY_LOCAL_MACHINE\\OTHER]\r\n\"UBR\"=dword:00000001\r\n";
        let machine = collect(text, Kind::Registry, |record, sink| registry.record(record, sink)).machine;
        assert_eq!((machine.build, machine.revision, machine.offset), (Some(17763), Some(774), Some(480)));
    }

    #[test]
    fn systeminfo_in_both_languages() {
        for text in [
            "主机名:           PC\r\nOS 版本:          10.0.17763 暂缺 Build 17763\r\n时区:             (UTC+08:00) 北京\r\n修补程序:         安装了 1 个修补程序。\r\n                  [01]: KB4465065\r\n",
            "Host Name:                 PC\r\nOS Version:                10.0.17763 N/A Build 17763\r\nTime Zone:                 (UTC+08:00) Beijing\r\nHotfix(s):                 1 Hotfix(s) Installed.\r\n                           [01]: KB4465065\r\n",
        ] {
            let machine = collect(text, Kind::SystemInfo, system_info).machine;
            assert_eq!(
                (machine.computer.as_deref(), machine.build, machine.offset),
                (Some("PC"), Some(17763), Some(480))
            );
            assert_eq!(machine.installed, ["KB4465065"]);
        }
        assert_eq!((zone("(UTC-03:30) x"), zone("(UTC) x"), zone("x")), (Some(-210), Some(0), None));
    }

    #[test]
    fn failed_operations_of_the_queue() {
        let text =
            "1dae3bf2ff9a700: 832, c0000034, 1f, 0, HardLinkFile ;\\SystemRoot\\a b\\x.dll, \\??\\C:\\y.dll";
        let sink = collect(text, Kind::Poqexec, poqexec);
        assert_eq!(
            sink.events.first().map(|e| &e.what),
            Some(&What::Operation { status: 0xC000_0034, path: "\\SystemRoot\\a b\\x.dll".to_owned() })
        );
    }

    #[test]
    fn the_check_of_windows_7() {
        let mut check = CheckSur::default();
        let text = "Checking System Update Readiness.\r\n(f)\tCSI Manifest All Zeros\t0x00000000\twinsxs\\Manifests\\a.manifest\r\n(f)\tCSI Payload Corrupt\t0x00000000\tb.dll\r\n(fix)\tCSI Payload Corrupt\tCSI File Replaced\tb.dll\r\nSummary:\r\n Found 2 errors\r\n Fixed 1 errors\r\n";
        let mut sink = collect(text, Kind::CheckSur, |record, _| check.record(record));
        check.finish(None, &mut sink);
        let Some(What::Scan(scan)) = sink.events.first().map(|e| &e.what) else { panic!("a scan") };
        assert_eq!((scan.detected, scan.repaired, scan.items.len()), (Some(2), Some(1), 2));
        assert_eq!(
            scan.left().map(|item| item.name.as_str()).collect::<Vec<_>>(),
            ["winsxs\\Manifests\\a.manifest"]
        );
    }

    #[test]
    fn drivers_and_upgrades() {
        let text = ">>>  [Device Install - PCI\\X]\r\n>>>  Section start 2023/05/06 14:05:21.123\r\n!!!  sto: Failed to copy 'C:\\a\\oem1.inf'\r\n<<<  [Exit status: FAILURE(0xe0000219)]";
        let sink = collect(text, Kind::SetupApi, device);
        assert_eq!(
            sink.events.first().map(|e| &e.what),
            Some(&What::Driver { inf: "oem1.inf".to_owned(), code: 0xE000_0219 })
        );
        let text = "2023-05-29 14:05:16, Error                 MOUPG  Finalize: Reporting result value: [0xC1900108]\r\n2023-05-29 14:05:16, Info                  MOUPG  Setup failed: 0x8007000D-0x2000C";
        let sink = collect(text, Kind::Setup, |record, sink| setup(record, false, sink));
        let whats: Vec<&What> = sink.events.iter().map(|e| &e.what).collect();
        assert_eq!(
            whats,
            [
                &What::SetupResult { code: 0xC190_0108, extended: None },
                &What::SetupResult { code: 0x8007_000D, extended: Some(0x2000C) }
            ]
        );
    }
}
