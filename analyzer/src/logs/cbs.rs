//! What CBS.log says: sessions, packages, the work after restarts, failures, checks of the store.

use super::codes::{self, RESTART_NEEDED, code_after, failures, is_failure};
use super::event::{Anchor, AnchorKind, Item, Sink, Stage, StoreItem, StoreScan, What};
use super::fields::{after, field, kb, literal, until};
use super::record::{Level, Record};
use super::time::{self, Clock};
use std::collections::BTreeMap;

/// Literals of records that are worth a look.
pub(crate) const NEEDLES: &[&str] = &[
    "TI: --- Initializing",
    "TI: Last boot time",
    "Starting TiWorker init",
    "Starting TrustedInstaller init",
    "Loaded Servicing Stack",
    "Universal Time is",
    "Session: ",
    "Exec: ",
    "Session(",
    "Entering stage",
    "Perf: Stage chain",
    "Perf: Resolve chain",
    "Perf: InstallUninstallChain",
    ", targeted: Staged",
    "Reporting package change",
    "WER: Generating failure",
    "Trusted Installer is shutting down",
    "Setting ExecuteState",
    "current ExecuteState",
    "original failure status",
    "Startup: ",
    "No startup processing",
    "HRESULT = 0x8",
    "HRESULT = 0xC",
    " (F) ",
    "System Update Readiness",
    "(p)\t",
    "Operation: Detect",
    "Operation result: ",
    "Total Detected Corr",
    "Total Repaired Corr",
    "Total Operation Time",
    "numCorruptions = ",
    "[SR] ",
    "[Pnp] Corrupt file",
    "[Pnp] Repaired file",
    "Failed execution of queue item",
    "Recording result: ",
    "INSTALL index: ",
    " Rollback.",
    "Begin executing advanced",
    "\tErrorCode: ",
];

/// Most items that are kept of one check.
const MOST_ITEMS: usize = 10_000;

/// Reads CBS.log record by record.
#[derive(Default)]
pub(crate) struct Cbs {
    /// The check that is being reported, with its first line.
    scan: Option<(u32, Option<time::LogTime>, StoreScan)>,
    /// Damage that the component layer counted before the report.
    counted: Option<u32>,
    /// The component that an installer works on.
    installing: Option<String>,
    /// The session whose kind is a check of the store.
    checking: Option<String>,
    /// Files that the System File Checker spoke of, with its last word on each.
    files: Files,
}

/// Files of a check by the System File Checker.
#[derive(Default)]
struct Files {
    begun: Option<(u32, Option<time::LogTime>)>,
    /// By name of the file, then by component: whether it was repaired.
    repaired: BTreeMap<String, BTreeMap<String, bool>>,
    count: usize,
}

impl Cbs {
    /// Takes one record.
    pub(crate) fn record(&mut self, record: &Record<'_>, is_noise: bool, sink: &mut Sink) {
        let text = record.text();
        if record.component == "CSI" {
            self.component_layer(record, &text, sink);
        } else {
            self.package_layer(record, &text, is_noise, sink);
        }
    }

    /// Hands over what is still being collected.
    pub(crate) fn finish(&mut self, sink: &mut Sink) {
        self.end_scan(sink);
        self.end_files(sink);
    }

    fn end_scan(&mut self, sink: &mut Sink) {
        if let Some((line, time, mut scan)) = self.scan.take() {
            scan.counted = scan.counted.or(self.counted.take());
            scan.session = self.checking.clone();
            scan.items.sort();
            scan.items.dedup();
            let text = format!("Checking System Update Readiness. {}", scan.operation);
            sink.push(line, time, &text, What::Scan(Box::new(scan)));
        }
    }

    fn end_files(&mut self, sink: &mut Sink) {
        let files = std::mem::take(&mut self.files);
        let Some((line, time)) = files.begun else { return };
        let items: Vec<StoreItem> = files
            .repaired
            .into_iter()
            .flat_map(|(file, owners)| {
                owners.into_iter().map(move |(owner, repaired)| StoreItem {
                    kind: "System File".to_owned(),
                    name: if owner.is_empty() { file.clone() } else { format!(r"{owner}\{file}") },
                    repaired,
                })
            })
            .collect();
        if !items.is_empty() {
            let scan =
                StoreScan { operation: "System File Checker".to_owned(), items, ..StoreScan::default() };
            sink.push(line, time, "[SR]", What::Scan(Box::new(scan)));
        }
    }

    /// Messages of CSI: `00000c71@2024/8/1:03:02:56.604 (F) text`.
    fn component_layer(&mut self, record: &Record<'_>, text: &str, sink: &mut Sink) {
        let bytes = text.as_bytes();
        let mut message = text;
        if let (Some(b'@'), Some(time)) = (bytes.get(8), record.time)
            && let Some((utc, length)) = bytes.get(9..).and_then(time::csi_stamp)
        {
            if time.clock == Clock::Local {
                let anchor = Anchor { kind: AnchorKind::Stamp, line: record.line, local: time.ticks, utc };
                sink.anchor(anchor);
            }
            message = text.get(9 + length..).unwrap_or_default();
        } else if bytes.get(..8).is_some_and(|seq| seq.iter().all(u8::is_ascii_hexdigit)) {
            message = text.get(8..).unwrap_or_default();
        }
        let message = message.trim_start();
        let mut push = |what| sink.push(record.line, record.time, text, what);
        if let Some(count) = after(message, "numCorruptions = ").and_then(number) {
            self.counted = Some(count);
            return;
        }
        if message.contains("Attempting to mark store corrupt") || message.contains("Mark store corruption") {
            push(What::StoreMarked { item: literal(message).map(str::to_owned) });
            return;
        }
        if let Some(rest) = message.strip_prefix("[SR] ") {
            self.system_file(record, rest);
            return;
        }
        if let Some(rest) = after(message, "Hydration failed for component ") {
            let end = &[','];
            push(What::Hydration {
                component: until(rest, end).to_owned(),
                version: after(rest, ", version ").map(|v| until(v, end)).unwrap_or_default().to_owned(),
                arch: after(rest, ", arch ").map(|v| until(v, end)).unwrap_or_default().to_owned(),
                file: after(rest, " on file ")
                    .and_then(|v| v.split(" with NTSTATUS").next())
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
                status: code_after(rest, "with NTSTATUS ").unwrap_or_default(),
            });
            return;
        }
        let fatal = message.starts_with("(F)") || message.contains(" (F) ");
        if message.starts_with("Begin executing advanced installer") {
            let new = after(message, "New component: ").and_then(literal);
            let old = || after(message, "Old component: ").and_then(literal);
            let named = new.filter(|name| !name.is_empty()).or_else(old);
            self.installing =
                named.map(|name| until(name, &[',']).to_owned()).filter(|name| !name.is_empty());
            return;
        }
        if let Some(rest) = after(message, "Failed execution of queue item Installer: ") {
            let name = rest.split([' ', '(']).collect::<Vec<_>>();
            let name = name.first().copied().unwrap_or_default();
            let name = rest.split(" ({").next().filter(|whole| whole.len() < 200).unwrap_or(name);
            push(What::Installer {
                name: until(name, &[]).to_owned(),
                code: after(rest, "with HRESULT ")
                    .and_then(installer_code)
                    .or_else(|| codes::deepest(rest))
                    .unwrap_or_default(),
                ignored: !rest.contains("will not be ignored"),
                component: self.installing.take(),
            });
            return;
        }
        let mut summary = false;
        for line in message.lines().filter(|line| line.contains("ErrorCode: ")) {
            let name = after(line, "Installer: ").map(|name| until(name, &['\t'])).unwrap_or_default();
            if !name.is_empty() {
                summary = true;
                let code = code_after(line, "ErrorCode: ").unwrap_or_default();
                let name = name.to_owned();
                push(What::Installer { name, code, ignored: false, component: None });
            }
        }
        if summary {
            return;
        }
        let code = codes::deepest(message);
        let path = after(message, "on:[l:").and_then(|_| after(message, "on:")).and_then(literal);
        match (path, code) {
            (Some(path), Some(status)) if fatal => push(What::Operation { status, path: path.to_owned() }),
            (_, code) if fatal || record.level == Level::Error => {
                push(What::Failure { code, is_error: record.level == Level::Error });
            }
            _ => {}
        }
    }

    /// Messages of the System File Checker.
    fn system_file(&mut self, record: &Record<'_>, text: &str) {
        let files = &mut self.files;
        let part = |marker: &str| after(text, marker).map(|rest| until(rest, &[','])).unwrap_or_default();
        let damaged = text.starts_with("Cannot repair member file");
        let repaired = text.starts_with("Repaired file");
        if !damaged && !repaired {
            return;
        }
        files.begun.get_or_insert((record.line, record.time));
        let Some(file) = literal(text).filter(|_| files.count < MOST_ITEMS) else { return };
        let owners = files.repaired.entry(file.to_owned()).or_default();
        if repaired && !owners.is_empty() {
            // A repair names the file alone: it is the last word on all that are called so.
            owners.values_mut().for_each(|state| *state = true);
            return;
        }
        let owner = part(" of ");
        let owner = if damaged {
            format!("{owner}, version {}, arch {}", part(", version "), part(", arch "))
        } else {
            String::new()
        };
        if owners.insert(owner, repaired).is_none() {
            files.count += 1;
        }
    }

    /// Messages of CBS and of the others.
    fn package_layer(&mut self, record: &Record<'_>, text: &str, is_noise: bool, sink: &mut Sink) {
        if self.store_report(record, text, sink) {
            return;
        }
        let (line, at) = (record.line, record.time);
        let mut push = |what| sink.push(line, at, text, what);
        let code = || code_after(text, "HRESULT = ").or_else(|| code_after(text, "status: "));
        let owned = |name: &str| field(text, name).unwrap_or_default().to_owned();

        // Windows 7 has the last of these alone.
        let starts = ["TI: --- Initializing", "Starting TiWorker init", "Starting TrustedInstaller init"];
        if starts.iter().any(|start| text.starts_with(start)) {
            push(What::Run);
            self.end_files(sink);
            return;
        }
        if let Some(rest) = text.strip_prefix("TI: Last boot time: ") {
            if let Some(ticks) = time::date_time(rest) {
                push(What::Booted { at: time::LogTime::local(ticks) });
            }
            return;
        }
        if let Some(rest) = text.strip_prefix("Loaded Servicing Stack v") {
            if let Some((build, revision)) = super::fields::build(until(rest, &[' '])) {
                push(What::Stack { build, revision });
            }
            return;
        }
        if let (Some(rest), Some(at)) = (text.strip_prefix("Universal Time is: "), at) {
            if let Some(utc) = time::date_time(rest) {
                sink.anchor(Anchor { kind: AnchorKind::Universal, line, local: at.ticks, utc });
            }
            return;
        }
        if let Some(rest) = text.strip_prefix("Session: ") {
            let id = until(rest, &[' ', ',']).to_owned();
            if rest.contains(" initialized") {
                if let (Some(utc), Some(at)) = (session_time(&id), at) {
                    sink.anchor(Anchor { kind: AnchorKind::Session, line, local: at.ticks, utc });
                }
                let client = after(rest, "by client ").map(|c| until(c, &[',', '.'])).unwrap_or_default();
                sink.push(line, record.time, text, What::SessionBegin { id, client: client.to_owned() });
            } else if rest.contains(" finalized") {
                let restart = rest.contains("Reboot required: yes");
                push(What::SessionEnd { id, restart, code: code().unwrap_or_default() });
            }
            return;
        }
        if text.starts_with("Exec: Processing started") {
            let package = owned("Package");
            let kb = field(text, "Identifier").and_then(kb).or_else(|| kb(&package));
            push(What::PackageBegin { session: owned("Session"), client: owned("Client"), package, kb });
            return;
        }
        if text.starts_with("Exec: Session processing started") {
            if text.contains("Store Corruption") {
                self.checking = after(text, "): ").map(|id| until(id, &[' ', ',']).to_owned());
            }
            return;
        }
        if text.starts_with("Exec: Processing complete") {
            let code = code().unwrap_or_default();
            if text.contains("session(Corruption") || text.contains("Session(Corruption") {
                // The report may have said less than the end does.
                if let Some((_, _, scan)) = &mut self.scan {
                    scan.result = scan.result.filter(|&r| r != 0).or(Some(code));
                }
                self.end_scan(sink);
                return;
            }
            let package = owned("Package");
            let kb = field(text, "Identifier").and_then(kb).or_else(|| kb(&package));
            push(What::PackageEnd { session: owned("Session"), package, kb, code });
            return;
        }
        if let Some(rest) = text.strip_prefix("Plan: Package: ") {
            push(What::StagedOnly { package: until(rest, &[',']).to_owned() });
            return;
        }
        if let Some(rest) = text.strip_prefix("WER: Generating failure report for package: ") {
            push(What::FailureReport {
                package: until(rest, &[',']).to_owned(),
                code: code_after(text, "status: ").unwrap_or_default(),
                source: owned("failure source"),
                start: owned("start state"),
                target: owned("target state"),
            });
            return;
        }
        if text.starts_with("Reporting package change completion") {
            let code = code_after(text, "status: ").unwrap_or_default();
            if is_failure(code) {
                push(What::FailureReport {
                    package: owned("package"),
                    code,
                    source: owned("failure source"),
                    start: owned("current"),
                    target: owned("target"),
                });
            }
            return;
        }
        let stages = [
            (Stage::Planning, "Entering stage: Planning"),
            (Stage::Resolving, "Entering stage: Resolving"),
            (Stage::Resolving, "Perf: Resolve chain started"),
            (Stage::Staging, "Entering stage: Staging"),
            (Stage::Staging, "Perf: Stage chain started"),
            (Stage::Installing, "Entering stage: Install"),
            (Stage::Installing, "Perf: InstallUninstallChain"),
        ];
        if text.starts_with("Perf: ") || text.starts_with("FLOW: ") {
            if let Some((stage, _)) = stages.iter().find(|(_, literal)| text.contains(literal)) {
                push(What::Stage(*stage));
            }
            return;
        }
        if let Some(rest) = text
            .strip_prefix("Setting ExecuteState key to: ")
            .or_else(|| text.strip_prefix("Startup: current ExecuteState is "))
        {
            let name = until(rest, &[',', '[']).to_owned();
            let rollback = name.contains("Rollback");
            push(What::State { name, rollback });
            return;
        }
        // What the screen says while something is undone.
        if text.starts_with("Progress: UI message updated") {
            if text.contains("Rollback") {
                push(What::State { name: "Rollback".to_owned(), rollback: true });
            }
            return;
        }
        let original = ["Setting original failure status: ", "Retrieved original failure status: "];
        if let Some(code) =
            original.iter().find_map(|start| text.strip_prefix(start)).and_then(codes::code_prefix)
        {
            let state = owned("last forward execute state");
            push(What::OriginalFailure { code, set: text.starts_with("Setting"), state });
            return;
        }
        if text.starts_with("Trusted Installer is shutting down because:") {
            if text.contains("PRESHUTDOWN") {
                push(What::Shutdown);
            }
            return;
        }
        if text.starts_with("No startup processing required") {
            push(What::StartupIdle);
            return;
        }
        if let Some(rest) = text.strip_prefix("Startup: ") {
            if rest.starts_with("Processing complete") {
                push(What::StartupEnd { code: code().unwrap_or_default() });
                return;
            }
            if rest.starts_with("BlockTime") || rest.starts_with("Waiting for SC autostart") {
                push(What::StartupBegin);
                return;
            }
        }
        if let Some(rest) = text.strip_prefix("Doqe: ").and_then(|rest| after(rest, "Recording result: ")) {
            if let Some(code) = codes::code_prefix(rest).filter(|&code| is_failure(code)) {
                let inf = after(rest, "Inf: ").map(|inf| until(inf, &[',', ' '])).unwrap_or_default();
                push(What::Driver { inf: inf.to_owned(), code });
            }
            return;
        }
        // `INSTALL index: 55, phase: 2, result 2, inf: flpydisk.inf`
        if let Some(rest) = after(text, "INSTALL index: ") {
            let result = after(rest, " result ").map(|result| until(result, &[','])).unwrap_or_default();
            let code = match result.strip_prefix("0x") {
                Some(_) => codes::code_prefix(result),
                None => result.parse().ok(),
            };
            let inf = after(rest, " inf: ").map(|inf| until(inf, &[',', ' '])).unwrap_or_default();
            if let Some(code) = code.map(codes::from_win32).filter(|&code| is_failure(code)) {
                push(What::Driver { inf: inf.to_owned(), code });
            }
            return;
        }
        if text.contains("Mark store corruption flag because of package: ") {
            let item = after(text, "because of package: ").map(|p| until(p, &[',', ' ', '[']).to_owned());
            push(What::StoreMarked { item });
            return;
        }
        if text.starts_with("Appl:") || text.starts_with("Lock:") || text.starts_with("Delta") {
            return;
        }
        let failure = failures(text).into_iter().next_back();
        if is_noise || (failure.is_none() && record.level != Level::Error) {
            return;
        }
        let item = failure.and_then(|_| named_item(text));
        match (item, failure) {
            (Some(item), Some(code)) => push(What::Missing { item, code }),
            (_, code) => push(What::Failure { code, is_error: record.level == Level::Error }),
        }
    }

    /// The report of a check of the store, line by line: on some systems it is one record.
    fn store_report(&mut self, record: &Record<'_>, text: &str, sink: &mut Sink) -> bool {
        let mut is_report = false;
        for line in text.lines() {
            if line.contains("Checking System Update Readiness") {
                self.end_scan(sink);
                self.scan = Some((record.line, record.time, StoreScan::default()));
                is_report = true;
            }
            let Some((_, _, scan)) = &mut self.scan else { continue };
            let trimmed = line.trim();
            if let Some(rest) = trimmed.strip_prefix("(p)\t") {
                if let Some(item) = store_item(rest)
                    && scan.items.len() < MOST_ITEMS
                {
                    scan.items.push(item);
                }
            } else if let Some(operation) = trimmed.strip_prefix("Operation: ") {
                scan.operation = operation.to_owned();
            } else if let Some(code) = code_after(trimmed, "Operation result: ") {
                scan.result = Some(code);
            } else if let Some(count) = after(trimmed, "Total Detected Corruption:").and_then(number) {
                scan.detected = Some(count);
            } else if let Some(count) = after(trimmed, "Total Repaired Corruption:").and_then(number) {
                scan.repaired = Some(count);
            } else if trimmed.starts_with("Total Operation Time:") {
                // The end of the report; the code of the session may follow.
            } else {
                continue;
            }
            is_report = true;
        }
        is_report
    }
}

/// The number at the beginning of a text, after blanks.
fn number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..end)?.parse().ok()
}

/// `0x800706d9`, `HRESULT_FROM_WIN32(1753)`.
fn installer_code(text: &str) -> Option<u32> {
    match text.strip_prefix("HRESULT_FROM_WIN32(") {
        Some(inner) => codes::win32_argument(inner),
        None => codes::code_prefix(text),
    }
}

/// UTC ticks of the identifier of a session: the halves of a FILETIME in decimal.
pub(crate) fn session_time(id: &str) -> Option<i64> {
    let (high, low) = id.split_once('_')?;
    let (high, low): (u32, u32) = (high.parse().ok()?, low.parse().ok()?);
    let ticks = i64::from(high) << 32 | i64::from(low);
    // Years 1980 to 2200: the identifiers of special sessions are small numbers.
    (119_600_064_000_000_000..189_000_000_000_000_000).contains(&ticks).then_some(ticks)
}

/// `CSI Payload Corrupt<TAB>(n)<TAB>…item`, after `(p)`. `(n)` is not repaired; `(b)` and `(w)` with
/// `(Fixed)` are.
fn store_item(text: &str) -> Option<StoreItem> {
    let mut parts = text.split('\t').filter(|part| !part.trim().is_empty());
    let kind = parts.next()?.trim().to_owned();
    let mut repaired = false;
    let mut name = None;
    for part in parts.map(str::trim) {
        match part {
            "(n)" | "(b)" | "(w)" => {}
            "(Fixed)" => repaired = true,
            part => {
                name.get_or_insert(part);
            }
        }
    }
    Some(StoreItem { kind, name: name?.to_owned(), repaired })
}

/// The package or component that a failure names.
fn named_item(text: &str) -> Option<Item> {
    let words = text.split([' ', '\'', '"', ',', '(', ')', '\t']);
    let mut component = None;
    for word in words {
        let word = word.trim_start_matches('[').trim_end_matches(['.', ':', ']']);
        if word.matches('~').count() == 4 {
            return Some(Item::Package(word.to_owned()));
        }
        let (folder, file) = word.split_once('\\').unwrap_or((word, ""));
        if component.is_none() && crate::component::Component::parse(folder).is_some() {
            let is_file = !file.is_empty();
            component =
                Some(if is_file { Item::File(word.to_owned()) } else { Item::Component(word.to_owned()) });
        }
        if component.is_none() && word.to_ascii_lowercase().contains(r"\winsxs\") {
            component = Some(Item::File(word.to_owned()));
        }
    }
    component
}

/// Whether a closing code says that the work is done but for a restart.
pub(crate) fn waits_for_restart(code: u32) -> bool {
    code == RESTART_NEEDED
}
