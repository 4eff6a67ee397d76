//! Cases of several logs: the analysis reports what happened, and nothing that did not happen.

use pml_analyzer::Language;
use pml_analyzer::logs::case::{Case, CaseOutcome, Outcome, Phase, PlacedBy};
use pml_analyzer::logs::{Item, LogFile, Signatures};

/// 2024-08-01 00:00 UTC as a FILETIME.
const DAY: u64 = 133_669_440_000_000_000;

/// Lines of CBS.log of 2024-08-01, of a machine eight hours ahead of UTC.
#[derive(Clone, Default)]
struct Cbs(String);

impl Cbs {
    /// A line: `time message`, of the package layer.
    fn line(mut self, time: &str, message: &str) -> Self {
        self.0.push_str(&format!("2024-08-01 {time}, Info                  CBS    {message}\r\n"));
        self
    }

    /// An error of a source.
    fn error(mut self, time: &str, source: &str, message: &str) -> Self {
        self.0.push_str(&format!("2024-08-01 {time}, Error                 {source:<7}{message}\r\n"));
        self
    }

    /// A run of the servicing stack in a boot.
    fn run(self, time: &str, boot: &str) -> Self {
        let (hour, rest) = time.split_at(2);
        let utc = format!("{:02}{rest}", hour.parse::<u32>().unwrap() - 8);
        self.line(time, "TI: --- Initializing Trusted Installer ---")
            .line(time, &format!("TI: Last boot time: 2024-08-01 {boot}.500"))
            .line(time, "Starting TiWorker initialization.")
            .line(time, &format!("Universal Time is: 2024-08-01 {utc}.412"))
            .line(
                time,
                "Loaded Servicing Stack v10.0.19041.4600 with Core: C:\\Windows\\winsxs\\x\\cbscore.dll",
            )
    }

    /// A session that installs a cumulative update and closes with a code.
    fn session(
        self,
        begin: &str,
        end: &str,
        revision: u32,
        kb: &str,
        code: &str,
        inside: impl FnOnce(Self) -> Self,
    ) -> Self {
        let id = session_id(begin);
        let package = package(revision);
        let log = self
            .line(begin, &format!("Session: {id} initialized by client WindowsUpdateAgent, external staging directory: (null)"))
            .line(begin, &format!("Exec: Processing started.  Client: WindowsUpdateAgent, Session: {id}, Package: {package}, Identifier: {kb}"));
        inside(log)
            .line(end, &format!("Exec: Processing complete.  Session: {id}, Package: {package}, Identifier: {kb} [HRESULT = {code}]"))
            .line(end, &format!("Session: {id} finalized. Reboot required: no [HRESULT = {code}]"))
    }

    fn file(&self) -> (&'static str, Vec<u8>) {
        ("CBS.log", format!("\u{FEFF}{}", self.0).into_bytes())
    }
}

fn package(revision: u32) -> String {
    format!("Package_for_RollupFix~31bf3856ad364e35~amd64~~19041.{revision}.1.7")
}

/// The identifier of a session that begins at a local time.
fn session_id(time: &str) -> String {
    let part = |at: usize| time.get(at..at + 2).unwrap().parse::<u64>().unwrap();
    let seconds = (part(0) - 8) * 3600 + part(3) * 60 + part(6);
    let ticks = DAY + seconds * 10_000_000 + 1234;
    format!("{}_{}", ticks >> 32, ticks & 0xFFFF_FFFF)
}

const SUCCESS: &str = "0x00000000 - S_OK";
const RESTART: &str = "0x80070bc2 - ERROR_SUCCESS_REBOOT_REQUIRED";

fn case(files: &[(&str, Vec<u8>)]) -> Case {
    let signatures = Signatures::embedded().unwrap_or_else(|errors| panic!("{}", errors[0]));
    Case::new(
        files.iter().flat_map(|(name, bytes)| LogFile::read(name, bytes, &signatures)).collect(),
        &signatures,
    )
}

fn of(log: Cbs) -> Case {
    case(&[log.file()])
}

fn ids(case: &Case) -> Vec<&str> {
    case.findings.iter().map(|finding| finding.id.as_str()).collect()
}

fn items(case: &Case, id: &str) -> Vec<Item> {
    case.findings
        .iter()
        .find(|finding| finding.id == id)
        .unwrap_or_else(|| panic!("no {id}: {:?}", ids(case)))
        .items
        .clone()
}

fn wu(lines: &[(&str, &str, &str)]) -> (&'static str, Vec<u8>) {
    let lines: Vec<String> = lines
        .iter()
        .map(|(time, component, text)| {
            format!("2024/08/01 {time}.0000000 1000  2000  {component:<15} {text}\r\n")
        })
        .collect();
    ("WindowsUpdate.log", lines.concat().into_bytes())
}

fn event(provider: &str, id: u32, time: &str, data: &[(&str, &str)]) -> String {
    let data: Vec<String> = data
        .iter()
        .map(|(name, value)| {
            if name.is_empty() {
                format!("<Data>{value}</Data>")
            } else {
                format!("<Data Name='{name}'>{value}</Data>")
            }
        })
        .collect();
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{provider}'/><EventID>{id}</EventID>\
         <TimeCreated SystemTime='2024-08-01T{time}.0000000Z'/><EventRecordID>{id}</EventRecordID><Channel>System</Channel>\
         <Computer>PC</Computer></System><EventData>{}</EventData></Event>",
        data.concat()
    )
}

fn events(all: &[String]) -> (&'static str, Vec<u8>) {
    ("events.xml", format!("<Events>{}</Events>", all.concat()).into_bytes())
}

#[test]
fn a_healthy_restart_is_no_failure() {
    let log = Cbs::default()
        .run("09:00:00", "08:00:00")
        .session("09:01:00", "09:09:00", 4651, "KB5040427", RESTART, |log| log)
        .line("09:10:00", "Trusted Installer is shutting down because: SHUTDOWN_REASON_NOTIFICATION:PRESHUTDOWN")
        .run("09:12:00", "09:11:30")
        .line("09:12:01", "Retrieved original failure status: 0x00000000, last forward execute state: CbsExecuteStateStageDrivers")
        .line("09:12:01", "Startup: Waiting for SC autostart event")
        .line("09:12:05", "Setting ExecuteState key to: CbsExecuteStatePrimitives")
        .error("09:12:06", "CSI", "00000002 (F) STATUS_OBJECT_NAME_NOT_FOUND #1# from Windows::Rtl::SysOpen(oa = {on:[l:9]'\\SystemRoot\\WinSxS\\probe'})[gle=0xd0000034]")
        .line("09:12:09", "Startup: Processing complete. [HRESULT = 0x00000000 - S_OK]");
    let case = of(log);
    assert_eq!((case.outcome, case.code), (CaseOutcome::Installed, None));
    assert_eq!(case.updates[0].outcome, Outcome::Installed);
    assert_eq!(case.boots.len(), 2);
    assert!(case.findings.is_empty(), "{:?}", ids(&case));
}

#[test]
fn an_installer_that_fails_in_the_restart_is_named() {
    let failing = Cbs::default()
        .run("09:00:00", "08:00:00")
        .session("09:01:00", "09:09:00", 4651, "KB5040427", RESTART, |log| log)
        .run("09:12:00", "09:11:30")
        .line("09:12:01", "Startup: Waiting for SC autostart event")
        .error("09:17:02", "CSI", "00000c71 (F) Failed execution of queue item Installer: Events Installer ({3bb9fd2b-351e-4b9c-b1fc-ed0758805998}) with HRESULT HRESULT_FROM_WIN32(1753). Failure will not be ignored: A rollback will be initiated after all the operations in the installer queue are completed; installer is reliable[gle=0x80004005]")
        .error("09:17:03", "CBS", "Startup: Failed to process advanced operation queue, startupPhase: 0.  A rollback transaction will be created. [HRESULT = 0x800f0922 - CBS_E_INSTALLERS_FAILED]")
        .line("09:17:03", "Setting original failure status: 0x800f0922, last forward execute state: CbsExecuteStateResolvePending")
        .line("09:17:04", "Startup: Processing complete. [HRESULT = 0x80070bc2 - ERROR_SUCCESS_REBOOT_REQUIRED]");
    let undoing = failing
        .clone()
        .run("09:20:00", "09:19:30")
        .line("09:20:01", "Retrieved original failure status: 0x800f0922, last forward execute state: CbsExecuteStateResolvePending")
        .line("09:20:01", "Startup: current ExecuteState is CbsExecuteStateInitiateRollback | CbsExecuteStateFlagRollback | CbsExecuteStateFlagAdvancedInstallersFailed")
        .line("09:22:01", "Startup: Processing complete. [HRESULT = 0x800f0922 - CBS_E_INSTALLERS_FAILED]");
    for (log, phase) in [(failing.clone(), Phase::Boot), (undoing.clone(), Phase::RolledBack)] {
        let case = of(log);
        assert_eq!(
            (case.outcome, case.phase, case.code),
            (CaseOutcome::Failed, Some(phase), Some(0x800F_0922))
        );
        assert_eq!(case.findings[0].id, "TX-CBS-AI", "{:?}", ids(&case));
        assert_eq!(case.findings[0].items, [Item::Installer("Events Installer".to_owned())]);
        assert_eq!(case.findings[0].deep, Some(0x8007_06D9));
        assert!(case.findings[0].text(Language::En).contains("0x800706D9"));
        // The lines name the update as well.
        assert_eq!(case.updates[0].identity.kb.as_deref(), Some("KB5040427"));
    }
    // A rotated log: the restart is in another file than the session.
    let cut = undoing.0.find("2024-08-01 09:12:00").unwrap();
    let (old, new) = undoing.0.split_at(cut);
    let case = case(&[("CBS.log", new.into()), ("CbsPersist_20240801.log", old.into())]);
    assert_eq!((case.updates.len(), case.phase), (1, Some(Phase::RolledBack)));
    assert_eq!(case.updates[0].identity.kb.as_deref(), Some("KB5040427"));
}

#[test]
fn an_installer_whose_failure_is_ignored_is_no_cause() {
    let log = Cbs::default()
        .run("09:00:00", "08:00:00")
        .session("09:01:00", "09:09:00", 4651, "KB5040427", "0x800f0831 - CBS_E_STORE_CORRUPTION", |log| {
            log.error("09:02:00", "CSI", "00000c71 (F) Failed execution of queue item Installer: Perf ({x}) with HRESULT 80070002. Failure will be ignored[gle=0x80004005]")
                .line("09:03:00", "Store corruption, manifest missing for package: Package_1_for_KB5001~31bf3856ad364e35~amd64~~1.0.0.1 [HRESULT = 0x800f0831 - CBS_E_STORE_CORRUPTION]")
        });
    let case = of(log);
    assert_eq!(ids(&case), ["TX-CBS-MANIFEST"]);
    assert_eq!(
        items(&case, "TX-CBS-MANIFEST"),
        [Item::Package("Package_1_for_KB5001~31bf3856ad364e35~amd64~~1.0.0.1".to_owned())]
    );
}

#[test]
fn a_driver_is_named_by_its_inf() {
    let log = Cbs::default()
        .run("09:12:00", "09:11:30")
        .line("09:12:01", "Doqe: Recording result: 0x00000000, for Inf: good.inf")
        .line("09:12:02", "Doqe: Recording result: 0x8007000d, for Inf: mshdc.inf")
        .line("09:12:03", "Setting original failure status: 0x8007000d, last forward execute state: CbsExecuteStateStageDrivers")
        .line("09:12:03", "Rolling back KTM, because drivers failed.")
        .line("09:12:04", "Setting ExecuteState key to: CbsExecuteStateInitiateRollback | CbsExecuteStateFlagRollback | CbsExecuteStateFlagDriversFailed");
    let case = of(log);
    assert_eq!((case.phase, case.findings[0].id.as_str()), (Some(Phase::RolledBack), "TX-CBS-DRIVER"));
    assert_eq!(case.findings[0].items, [Item::Driver("mshdc.inf".to_owned())]);
}

#[test]
fn what_was_installed_later_is_cured() {
    let failed = |log: Cbs| {
        log.session("09:01:00", "09:09:00", 4651, "KB5040427", "0x80070490 - ERROR_NOT_FOUND", |log| {
        log.line("09:02:00", "Failed to find package: Package_2_for_KB5040427~31bf3856ad364e35~amd64~~10.0.1.11 in the extracted content [HRESULT = 0x80070490 - ERROR_NOT_FOUND]")
    })
    };
    let case = of(failed(Cbs::default().run("09:00:00", "08:00:00")));
    assert_eq!(ids(&case), ["TX-CBS-NOTFOUND"]);
    // The same update, and a later one that contains it.
    for (revision, kb) in [(4651, "KB5040427"), (4780, "KB5041580")] {
        let case = of(failed(Cbs::default().run("09:00:00", "08:00:00")).session(
            "10:01:00",
            "10:09:00",
            revision,
            kb,
            SUCCESS,
            |log| log,
        ));
        assert_eq!((case.outcome, ids(&case)), (CaseOutcome::Installed, vec![]), "{kb}");
        assert!(case.updates.iter().any(|update| update.cured_by.is_some()));
    }
    // An earlier update cures nothing, nor does one that is only staged.
    let earlier = of(failed(Cbs::default().run("09:00:00", "08:00:00")).session(
        "10:01:00",
        "10:09:00",
        4529,
        "KB5039211",
        SUCCESS,
        |log| log,
    ));
    assert_eq!(earlier.outcome, CaseOutcome::Failed);
    let staged = failed(Cbs::default().run("09:00:00", "08:00:00")).session("10:01:00", "10:09:00", 4651, "KB5040427", SUCCESS, |log| {
        log.line("10:02:00", &format!("Plan: Package: {}, current: Absent, pending: Default, start: Absent, applicable: Staged, targeted: Staged, limit: Installed", package(4651)))
    });
    assert_eq!(of(staged).outcome, CaseOutcome::Failed);
}

#[test]
fn noise_before_a_failure_is_not_its_cause() {
    let log = Cbs::default().run("09:00:00", "08:00:00").session("09:01:00", "09:09:00", 4651, "KB5040427", "0x800f0986 - PSFX_E_APPLY_FORWARD_DELTA_FAILED", |log| {
        let mut log = log;
        for _ in 0..200 {
            log = log
                .line("09:02:00", "InternalOpenPackage failed for Package_for_KB3025096~31bf3856ad364e35~amd64~~6.4.1.0 [HRESULT = 0x800f0805 - CBS_E_INVALID_PACKAGE]")
                .line("09:02:00", "Not able to add pending.xml to Windows Error Report. [HRESULT = 0x80070002 - ERROR_FILE_NOT_FOUND]")
                .line("09:02:00", "Failed to read AutoRepairNeeded. [HRESULT = 0x80070490 - ERROR_NOT_FOUND]");
        }
        log.error("09:03:00", "CSI", "00000003 (F) Hydration failed for component Microsoft-Windows-Foo-Bar, version 10.0.19041.3636, arch amd64, nonSxS, pkt {l:8 b:31bf3856ad364e35} on file foo.dll with NTSTATUS -1073283059. Matching Component = x[gle=0x80004005]")
    });
    let case = of(log);
    assert_eq!(ids(&case), ["TX-CBS-PSFX"]);
    let names: Vec<_> = case.findings[0].items.iter().map(|item| item.name().to_owned()).collect();
    assert_eq!(names, ["Microsoft-Windows-Foo-Bar, version 10.0.19041.3636, arch amd64\\foo.dll"]);
}

fn scan(log: Cbs, time: &str, result: &str, detected: u32, files: &[&str]) -> Cbs {
    let component =
        |n: usize| format!("amd64_part{n}_31bf3856ad364e35_10.0.19041.1_none_00000000000000{n:02x}");
    let mut log = log
        .line(time, "=================================")
        .line(time, "Checking System Update Readiness.")
        .line(time, "");
    for (n, file) in files.iter().enumerate() {
        log = log.line(time, &format!("(p)\tCSI Payload Corrupt\t(n)\t\t\t{}\\{file}", component(n)));
    }
    log.line(time, "Summary:")
        .line(time, "Operation: Detect only ")
        .line(time, &format!("Operation result: {result}"))
        .line(time, &format!("Total Detected Corruption:\t{detected}"))
        .line(time, "Total Operation Time: 200 seconds.")
}

#[test]
fn a_count_of_nothing_in_a_failed_check_is_not_health() {
    let log =
        scan(Cbs::default().run("09:00:00", "08:00:00"), "09:05:00", "0x80070bc9", 0, &["a.dll", "b.exe"]);
    let found = of(log);
    assert_eq!(ids(&found), ["TX-CBS-STORE", "TX-CBS-STORE-UNKNOWN"]);
    assert_eq!(items(&found, "TX-CBS-STORE").len(), 2);
    // The same count in a check that ended well.
    let healthy = of(scan(Cbs::default().run("09:00:00", "08:00:00"), "09:05:00", "0x0", 0, &[]));
    assert!(healthy.findings.is_empty());
}

#[test]
fn damage_that_shifts_is_the_memory_not_the_store() {
    let first = ["a.dll", "b.dll", "c.exe", "d.sys"];
    let second = ["e.dll", "f.dll", "g.exe", "h.sys", "i.dll"];
    let begin = || scan(Cbs::default().run("09:00:00", "08:00:00"), "09:05:00", "0x0", 4, &first);
    let shifting = of(scan(begin(), "09:30:00", "0x0", 5, &second));
    assert_eq!(ids(&shifting), ["TX-SHIFTING-DAMAGE"]);
    assert_eq!(shifting.findings[0].remedies[0], "test-memory");
    // The same files twice are a damaged store; so are other files after an installation.
    let same = of(scan(begin(), "09:30:00", "0x0", 4, &first));
    assert_eq!(ids(&same), ["TX-CBS-STORE"]);
    let serviced = of(scan(
        begin().session("09:10:00", "09:20:00", 4651, "KB5040427", SUCCESS, |log| log),
        "09:30:00",
        "0x0",
        5,
        &second,
    ));
    assert_eq!(ids(&serviced), ["TX-CBS-STORE"]);
}

#[test]
fn the_last_word_on_each_system_file_counts() {
    let cannot = |log: Cbs, file: &str| {
        log.line("09:05:00", "x").0
            + &format!(
                "2024-08-01 09:05:00, Info                  CSI    00000010 [SR] Cannot repair member file [l:9]'{file}' of Some-Component, version 10.0.19041.1, arch amd64, nonSxS, pkt {{l:8 b:31bf3856ad364e35}} in the store, hash mismatch\r\n"
            )
    };
    let done = "2024-08-01 09:06:00, Info                  CSI    00000020 [SR] Verify and Repair Transaction completed. All files and registry keys listed in this transaction have been successfully repaired\r\n";
    let log = Cbs(cannot(Cbs(cannot(Cbs::default().run("09:00:00", "08:00:00"), "a.dll")), "b.dll") + done);
    let left = of(log.clone());
    assert_eq!(ids(&left), ["TX-CBS-STORE"]);
    assert_eq!(items(&left, "TX-CBS-STORE").len(), 2);
    let repaired = log.0
        + "2024-08-01 09:07:00, Info                  CSI    00000030 [SR] Repaired file \\SystemRoot\\WinSxS\\Manifests\\\\[l:5]'a.dll' by copying from backup\r\n";
    assert_eq!(items(&of(Cbs(repaired)), "TX-CBS-STORE").len(), 1);
}

#[test]
fn power_that_goes_during_a_session_is_seen_in_the_event_log() {
    let open = Cbs::default()
        .run("09:00:00", "08:00:00")
        .line(
            "09:01:00",
            &format!(
                "Exec: Processing started.  Client: x, Session: {}, Package: {}, Identifier: KB5040427",
                session_id("09:01:00"),
                package(4651)
            ),
        )
        .run("09:40:00", "09:39:00")
        .session(
            "09:41:00",
            "09:45:00",
            4651,
            "KB5040427",
            "0x800f0841 - CBS_E_SESSION_INTERRUPTED",
            |log| log,
        );
    let lost = events(&[event("Microsoft-Windows-Kernel-Power", 41, "01:39:10", &[("BugcheckCode", "0")])]);
    let with = case(&[open.file(), lost.clone()]);
    assert!(ids(&with).contains(&"TX-POWER"), "{:?}", ids(&with));
    // The same event on a machine where the session had ended.
    let closed = Cbs::default().run("09:00:00", "08:00:00").session(
        "09:01:00",
        "09:09:00",
        4651,
        "KB5040427",
        "0x800f0841",
        |log| log,
    );
    assert!(!ids(&case(&[closed.file(), lost])).contains(&"TX-POWER"));
}

#[test]
fn events_are_known_by_their_provider() {
    let failing = || {
        Cbs::default().run("09:00:00", "08:00:00").session(
            "09:01:00",
            "09:09:00",
            4651,
            "KB5040427",
            "0x800f0922",
            |log| log,
        )
    };
    let disk = |all: &[String]| ids(&case(&[failing().file(), events(all)])).contains(&"TX-DISK-EVENTS");
    let disk_0 = |id| event("disk", id, "01:00:00", &[("", r"\Device\Harddisk0\DR0")]);
    assert!(disk(&[disk_0(7)]));
    // A retry happens on sound disks too; several do not.
    assert!(!disk(&[disk_0(153)]));
    assert!(disk(&[disk_0(153), disk_0(153), disk_0(153)]));
    assert!(disk(&[event(
        "Microsoft-Windows-Ntfs",
        98,
        "01:00:00",
        &[("DriveName", "C:"), ("CorruptionActionState", "3")]
    )]));
    // An all-clear, another provider's event, another disk.
    assert!(!disk(&[event(
        "Microsoft-Windows-Ntfs",
        98,
        "01:00:00",
        &[("DriveName", "C:"), ("CorruptionActionState", "0")]
    )]));
    assert!(!disk(&[event("Microsoft-Windows-Kernel-Boot", 153, "01:00:00", &[("", "x")])]));
    assert!(!disk(&[event("disk", 7, "01:00:00", &[("", r"\Device\Harddisk3\DR7")])]));
    assert!(!disk(&[event(
        "Microsoft-Windows-Ntfs",
        98,
        "01:00:00",
        &[("DriveName", "E:"), ("CorruptionActionState", "3")]
    )]));
    // Disk errors of a machine on which nothing failed explain nothing.
    let healthy = case(&[events(&[event("disk", 7, "01:00:00", &[("", r"\Device\Harddisk0\DR0")])])]);
    assert!(healthy.findings.is_empty());
}

#[test]
fn a_search_that_fails_and_then_succeeds_is_no_failure() {
    let fails = (
        "09:00:00",
        "Agent",
        "* END * Finding updates CallerId = UpdateOrchestrator, Id = 1, Exit code = 0x8024402C (cV = x)",
    );
    let succeeds = (
        "09:10:00",
        "Agent",
        "* END * Finding updates CallerId = UpdateOrchestrator, Id = 2, Exit code = 0x00000000 (cV = x)",
    );
    let failed = case(&[wu(&[fails])]);
    assert_eq!((failed.outcome, ids(&failed)), (CaseOutcome::Failed, vec!["TX-WU-NAME"]));
    assert_eq!(case(&[wu(&[fails, succeeds])]).outcome, CaseOutcome::Nothing);
    // One that fails after that is a failure again.
    assert_eq!(case(&[wu(&[succeeds, ("09:20:00", fails.1, fails.2)])]).outcome, CaseOutcome::Failed);
}

#[test]
fn definitions_that_fail_are_no_patients() {
    let lines = [
        ("09:00:00", "Agent", "* START * Installing updates CallerId = Windows Defender"),
        (
            "09:00:00",
            "Agent",
            "  Title = Security Intelligence Update for Microsoft Defender Antivirus - KB2267602 (Version 1.1)",
        ),
        ("09:00:00", "Agent", "  UpdateId = AABBCCDD-0000-4000-8000-112233445566.200"),
        (
            "09:00:09",
            "Agent",
            "LogHistory called. idUpdate={AABBCCDD-0000-4000-8000-112233445566}.200, resultMapped=80070643, resultUnMapped=80070643",
        ),
    ];
    let case = case(&[wu(&lines)]);
    assert_eq!((case.outcome, ids(&case)), (CaseOutcome::Nothing, vec![]));
    assert!(case.updates.iter().all(|update| update.background));
}

#[test]
fn titles_belong_to_their_identifiers() {
    let lines = [
        ("09:00:00", "Agent", "* START * Installing updates CallerId = UpdateOrchestrator"),
        ("09:00:00", "Agent", "  Title = First (KB5040427)"),
        ("09:00:00", "Agent", "  UpdateId = AAAAAAAA-0000-4000-8000-000000000001.1"),
        ("09:00:00", "Agent", "  Title = Second (KB5039895)"),
        ("09:00:00", "Agent", "  UpdateId = AAAAAAAA-0000-4000-8000-000000000002.1"),
        ("09:01:00", "Handler", "CBS called Progress with state=2, ticks=110, total=1000"),
        (
            "09:02:00",
            "Agent",
            "LogHistory called. idUpdate={AAAAAAAA-0000-4000-8000-000000000002}.1, resultMapped=800F0922, resultUnMapped=800F0922",
        ),
        (
            "09:02:01",
            "Agent",
            "LogHistory called. idUpdate={AAAAAAAA-0000-4000-8000-000000000001}.1, resultMapped=0, resultUnMapped=0",
        ),
    ];
    let case = case(&[wu(&lines)]);
    let outcomes: Vec<_> = case
        .updates
        .iter()
        .map(|update| (update.identity.kb.as_deref().unwrap_or_default(), update.outcome))
        .collect();
    assert_eq!(outcomes, [("KB5039895", Outcome::Failed), ("KB5040427", Outcome::Installed)]);
    assert_eq!(case.updates[case.main.unwrap()].identity.kb.as_deref(), Some("KB5039895"));
}

#[test]
fn logs_without_a_proof_of_their_zone_are_not_placed() {
    let lines = [(
        "09:02:00",
        "Agent",
        "LogHistory called. idUpdate={AAAAAAAA-0000-4000-8000-000000000002}.1, resultMapped=800F0922, resultUnMapped=800F0922",
    )];
    let alone = case(&[wu(&lines)]);
    assert_eq!(alone.placings[0].by, PlacedBy::Nothing);
    assert!(!alone.attempts[0].first.unwrap().is_utc);
    let registry = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation]\r\n\"ActiveTimeBias\"=dword:000001a4\r\n";
    let with = case(&[wu(&lines), ("zone.reg", registry.into())]);
    assert_eq!((with.placings[0].by, with.placings[0].offset), (PlacedBy::Registry, Some(-420)));
    assert_eq!(with.attempts[0].first.unwrap().to_time().to_string(), "2024-08-01 16:02:00Z");
}

#[test]
fn two_updates_keep_their_own_causes() {
    let log = Cbs::default()
        .run("09:00:00", "08:00:00")
        .session("09:01:00", "09:09:00", 4651, "KB5040427", "0x800f0922 - CBS_E_INSTALLERS_FAILED", |log| {
            log.error("09:05:00", "CSI", "00000c71 (F) Failed execution of queue item Installer: HTTP Installer ({x}) with HRESULT 80070005. Failure will not be ignored[gle=0x80004005]")
        })
        .line("10:01:00", &format!("Exec: Processing started.  Client: x, Session: {}, Package: Package_for_DotNetRollup~31bf3856ad364e35~amd64~~10.0.1.1, Identifier: KB5039895", session_id("10:01:00")))
        .line("10:01:30", "Failed to find package: Package_7_for_KB5039895~31bf3856ad364e35~amd64~~10.0.1.1 in the extracted content [HRESULT = 0x80070490 - ERROR_NOT_FOUND]")
        .line("10:02:00", &format!("Exec: Processing complete.  Session: {}, Package: Package_for_DotNetRollup~31bf3856ad364e35~amd64~~10.0.1.1, Identifier: KB5039895 [HRESULT = 0x80070490 - ERROR_NOT_FOUND]", session_id("10:01:00")));
    let case = of(log);
    assert_eq!(case.updates.len(), 2);
    let of_finding = |id: &str| {
        case.findings.iter().find(|finding| finding.id == id).map(|finding| finding.attempts.clone())
    };
    assert_eq!((of_finding("TX-CBS-AI"), of_finding("TX-CBS-NOTFOUND")), (Some(vec![0]), Some(vec![1])));
    assert_eq!(items(&case, "TX-CBS-AI"), [Item::Installer("HTTP Installer".to_owned())]);
}

#[test]
fn a_source_that_does_not_fit_is_said_so() {
    let dism = "2024-08-01 09:00:00, Info                  DISM   DISM.EXE: Executing command line: dism  /online /cleanup-image /restorehealth /source:D:\\sources\r\n\
        2024-08-01 09:09:00, Error                 DISM   DISM Package Manager: PID=1 TID=2 The source files could not be found. (hr:0x800f081f)\r\n\
        2024-08-01 09:09:01, Error                 DISM   DISM.EXE: DISM Package Manager processed the command line but failed. HRESULT=800F081F\r\n";
    assert!(ids(&case(&[("dism.log", dism.into())])).contains(&"TX-SOURCE"));
    let without = dism.replace(" /source:D:\\sources", "");
    assert!(!ids(&case(&[("dism.log", without.into())])).contains(&"TX-SOURCE"));
}

#[test]
fn an_upgrade_ends_with_its_first_error() {
    let line = |time: &str, level: &str, source: &str, text: &str| {
        format!("2024-08-01 {time}, {level:<22}{source:<7}{text}\r\n")
    };
    let log = line("09:00:00", "Info", "MOUPG", "SetupHost: started")
        + &line("09:10:00", "Error", "SP", "Operation failed: Apply image. Error: 0x80070570")
        + &line("09:10:01", "Error", "MOUPG", "Finalize: Reporting result value: [0x80070570]")
        + &line("09:10:02", "Info", "MOUPG", "Setup phase change, error 0x80070570-0x2000C");
    let case = case(&[("setupact.log", log.into())]);
    assert_eq!((case.outcome, case.code), (CaseOutcome::Failed, Some(0x8007_0570)));
    assert_eq!(case.findings[0].id, "TX-SETUP", "{:?}", ids(&case));
    assert!(case.findings[0].text(Language::En).contains("Apply image"));
}

#[test]
fn a_file_that_is_there_twice_counts_once() {
    let log = Cbs::default().run("09:00:00", "08:00:00").session(
        "09:01:00",
        "09:09:00",
        4651,
        "KB5040427",
        "0x80070490",
        |log| log,
    );
    let case = case(&[log.file(), ("copy/CBS.log", log.file().1)]);
    assert_eq!((case.files.len(), case.attempts.len()), (1, 1));
}

#[test]
fn old_failures_of_the_queue_are_no_news() {
    // Years ago.
    let queue = ("poqexec.log", b"1d5ae3bf2ff9a70: 832, c0000034, 1f, 0, HardLinkFile ;\\SystemRoot\\WinSxS\\x\\a.dll, \\??\\C:\\a.dll\r\n".to_vec());
    let healthy = Cbs::default().run("09:00:00", "08:00:00").session(
        "09:01:00",
        "09:09:00",
        4651,
        "KB5040427",
        SUCCESS,
        |log| log,
    );
    let case = case(&[healthy.file(), queue]);
    assert_eq!((case.outcome, ids(&case)), (CaseOutcome::Installed, vec![]));
}

/// An installation that waits for a restart, which fails.
fn rolled_back() -> Cbs {
    Cbs::default()
        .run("09:00:00", "08:00:00")
        .session("09:01:00", "09:09:00", 4651, "KB5040427", RESTART, |log| log)
        .run("09:12:00", "09:11:30")
        .line("09:12:03", "Setting original failure status: 0x800f0922, last forward execute state: CbsExecuteStateResolvePending")
        .line("09:12:04", "Startup: Processing complete. [HRESULT = 0x80070bc2 - ERROR_SUCCESS_REBOOT_REQUIRED]")
        .run("09:20:00", "09:19:30")
        .line("09:20:01", "Retrieved original failure status: 0x800f0922, last forward execute state: CbsExecuteStateResolvePending")
        .line("09:22:01", "Startup: Processing complete. [HRESULT = 0x800f0922 - CBS_E_INSTALLERS_FAILED]")
}

fn servicing_event(id: u32, time: &str, state: &str, code: &str) -> String {
    event(
        "Microsoft-Windows-Servicing",
        id,
        time,
        &[("PackageIdentifier", "KB5040427"), ("IntendedPackageState", state), ("ErrorCode", code)],
    )
}

#[test]
fn a_success_that_waited_does_not_outlive_the_rollback() {
    let waits = servicing_event(4, "01:09:00", "5112", "0x0");
    let guid = "idUpdate={AAAAAAAA-0000-4000-8000-000000000001}.1";
    let client = wu(&[
        ("09:00:58", "Agent", "* START * Installing updates CallerId = UpdateOrchestrator"),
        ("09:00:58", "Agent", "  Title = 2024-07 Cumulative Update (KB5040427)"),
        ("09:00:58", "Agent", "  UpdateId = AAAAAAAA-0000-4000-8000-000000000001.1"),
        ("09:09:01", "Agent", &format!("LogHistory called. {guid}, resultMapped=80242014, resultUnMapped=0")),
        // After the rollback, when the client looks again.
        (
            "11:30:00",
            "Agent",
            &format!("LogHistory called. {guid}, resultMapped=80242016, resultUnMapped=800F0922"),
        ),
    ]);
    let case = case(&[rolled_back().file(), client, events(&[waits])]);
    assert_eq!(
        (case.outcome, case.phase, case.code),
        (CaseOutcome::Failed, Some(Phase::RolledBack), Some(0x800F_0922))
    );
    let [update] = &case.updates[..] else { panic!("{:?}", case.updates) };
    assert!(update.rolled_back);
    let failures = update.attempts.iter().filter(|&&at| case.attempts[at].outcome.is_failure()).count();
    assert_eq!(failures, 1, "{:?}", case.attempts);
}

#[test]
fn a_package_that_is_unpacked_or_removed_is_not_installed() {
    for (state, outcome) in
        [("5064", CaseOutcome::Failed), ("5000", CaseOutcome::Failed), ("5112", CaseOutcome::Installed)]
    {
        let done = servicing_event(2, "03:00:00", state, "0x0");
        assert_eq!(case(&[rolled_back().file(), events(&[done])]).outcome, outcome, "{state}");
    }
}

#[test]
fn searches_that_succeed_in_another_file_count() {
    let failed = wu(&[(
        "09:00:00",
        "Agent",
        "* END * Finding updates CallerId = x, Id = 1, Exit code = 0x8024402C (cV = x)",
    )]);
    let (_, succeeded) = wu(&[(
        "10:00:00",
        "Agent",
        "* END * Finding updates CallerId = x, Id = 2, Exit code = 0x00000000 (cV = x)",
    )]);
    assert_eq!(case(&[failed.clone(), ("later.log", succeeded)]).outcome, CaseOutcome::Nothing);
    let (_, stopped) = wu(&[(
        "10:00:00",
        "Agent",
        "* END * Finding updates CallerId = x, Id = 2, Exit code = 0x8024001E (cV = x)",
    )]);
    assert_eq!(case(&[("later.log", stopped)]).outcome, CaseOutcome::Nothing);
    assert_eq!(case(&[failed]).outcome, CaseOutcome::Failed);
}

#[test]
fn a_search_does_not_take_what_belongs_to_an_installation() {
    let lines = [
        ("09:00:00", "Agent", "* START * Installing updates CallerId = UpdateOrchestrator"),
        ("09:00:01", "Handler", "CBS called Progress with state=2, ticks=110, total=1000"),
        (
            "09:00:02",
            "Agent",
            "* END * Finding updates CallerId = x, Id = 2, Exit code = 0x00000000 (cV = x)",
        ),
        (
            "09:00:03",
            "Agent",
            "LogHistory called. idUpdate={AAAAAAAA-0000-4000-8000-000000000001}.1, resultMapped=80070002, resultUnMapped=80070002",
        ),
    ];
    assert_eq!(case(&[wu(&lines)]).phase, Some(Phase::Install));
}

#[test]
fn logs_of_another_machine_tell_nothing() {
    let registry = "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\ComputerName\\ComputerName]\r\n\"ComputerName\"=\"OTHER\"\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion]\r\n\"CurrentBuild\"=\"17763\"\r\n";
    let disk = events(&[
        event("disk", 7, "01:00:00", &[("", r"\Device\Harddisk0\DR0")]),
        servicing_event(3, "01:05:00", "5112", "0x800f0922"),
    ]);
    let mixed = case(&[("a.reg", registry.into()), rolled_back().file(), disk.clone()]);
    assert_eq!((mixed.foreign.clone(), mixed.outcome), (vec![1, 2], CaseOutcome::Nothing));
    let own = registry.replace("OTHER", "pc").replace("17763", "19045");
    let same = case(&[("a.reg", own.into()), rolled_back().file(), disk]);
    assert_eq!((same.foreign.clone(), same.outcome), (vec![], CaseOutcome::Failed));
}

#[test]
fn windows_7_repeats_its_reports() {
    let line = "2014-08-01\t09:00:00:123\t 988\t1a4c\tReport\tREPORT EVENT: {11111111-0000-4000-8000-000000000001}\t2014-08-01 08:59:55:120+0200\t1\t182\t101\t{22222222-0000-4000-8000-000000000002}\t501\t800736b3\tAutomaticUpdates\tFailure\tContent Install\tInstallation Failure: Windows failed to install the following update with error 0x800736b3: Security Update for Windows 7 (KB2506212).\r\n";
    let case = case(&[("WindowsUpdate.log", line.into())]);
    assert_eq!((case.outcome, case.code), (CaseOutcome::Failed, Some(0x8007_36B3)));
    assert_eq!(case.updates[0].identity.kb.as_deref(), Some("KB2506212"));
}

#[test]
fn apps_of_the_store_are_no_patients() {
    let failed = event(
        "Microsoft-Windows-WindowsUpdateClient",
        20,
        "01:00:00",
        &[
            ("errorCode", "0x80073d02"),
            ("updateTitle", "9NMPJ99VJBWV-Microsoft.YourPhone"),
            ("updateGuid", "{AAAAAAAA-0000-4000-8000-000000000001}"),
        ],
    );
    assert_eq!(case(&[events(&[failed])]).outcome, CaseOutcome::Nothing);
}
