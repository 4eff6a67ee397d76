//! Bundles of logs: what was to be installed, how far it got, and why it failed.

use pml_analyzer::Language;
use pml_analyzer::logs::case::{At, Case, CaseOutcome, Finding, Outcome, Phase, PlacedBy};
use pml_analyzer::logs::{Item, LogFile, SignatureKind, Signatures};
use std::fmt::Write;
use std::path::Path;

fn signatures() -> Signatures {
    Signatures::embedded().unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// Name and bytes of the files of a bundle.
fn bundle(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bundles").join(name);
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn case(files: &[(String, Vec<u8>)], signatures: &Signatures) -> Case {
    let read = files.iter().flat_map(|(name, bytes)| LogFile::read(name, bytes, signatures));
    Case::new(read.collect(), signatures)
}

/// A case as a text, for reading when a test fails.
fn text(case: &Case) -> String {
    let mut text = String::new();
    let code = |code: Option<u32>| code.map_or("-".to_owned(), |code| format!("{code:08X}"));
    writeln!(
        text,
        "{:?} {:?} {} inconclusive={}",
        case.outcome,
        case.phase,
        code(case.code),
        case.inconclusive
    )
    .unwrap();
    for (file, placing) in case.files.iter().zip(&case.placings) {
        let span = file.reading.span.map(|(a, b)| format!("{a} .. {b}"));
        writeln!(
            text,
            "  file {} {:?} {:?} {} records {span:?} {placing:?}",
            file.name, file.kind, file.encoding, file.reading.records
        )
        .unwrap();
    }
    writeln!(text, "  {:?}", case.machine).unwrap();
    for boot in &case.boots {
        writeln!(
            text,
            "  boot {} undoes={} failed={}",
            boot.at.map(|at| at.to_time().to_string()).unwrap_or_default(),
            boot.undoes,
            code(boot.failed)
        )
        .unwrap();
    }
    for update in &case.updates {
        writeln!(text, "  update {:?} brings {:?} {:?} rolled_back={} {} {:?} cured={:?} attempts={:?} assumed={:?} bg={}", update.identity, update.brings, update.outcome, update.rolled_back, code(update.code), update.phase, update.cured_by, update.attempts, update.assumed, update.background).unwrap();
    }
    for (at, attempt) in case.attempts.iter().enumerate() {
        let time = |at: Option<At>| at.map(|at| at.to_time().to_string()).unwrap_or_default();
        writeln!(
            text,
            "  attempt {at} {} .. {} {:?} {:?} {} {:X?} {:?}",
            time(attempt.first),
            time(attempt.last),
            attempt.phase,
            attempt.outcome,
            code(attempt.code),
            attempt.codes,
            attempt.joined.iter().map(|j| (j.by, case.name(j.file), j.line)).collect::<Vec<_>>()
        )
        .unwrap();
        for proof in &attempt.proofs {
            writeln!(
                text,
                "      {}:{} {}",
                case.name(proof.file),
                proof.line,
                proof.quote.chars().take(110).collect::<String>()
            )
            .unwrap();
        }
    }
    for finding in &case.findings {
        writeln!(
            text,
            "  finding {} {:?} {} {} items {:?} attempts {:?}",
            finding.id,
            finding.kind,
            finding.confidence,
            finding.title(Language::Zh),
            finding.items,
            finding.attempts
        )
        .unwrap();
        writeln!(text, "      {}", finding.text(Language::En)).unwrap();
        for proof in &finding.proofs {
            writeln!(
                text,
                "      {}:{} {}",
                case.name(proof.file),
                proof.line,
                proof.quote.chars().take(110).collect::<String>()
            )
            .unwrap();
        }
    }
    writeln!(text, "  collect {:?}", case.collect.iter().map(|c| &c.id).collect::<Vec<_>>()).unwrap();
    text
}

fn whole(name: &str) -> Case {
    case(&bundle(name), &signatures())
}

fn finding<'c>(case: &'c Case, id: &str) -> &'c Finding {
    case.findings.iter().find(|finding| finding.id == id).unwrap_or_else(|| panic!("no {id}\n{}", text(case)))
}

fn ids(case: &Case) -> Vec<&str> {
    case.findings.iter().map(|finding| finding.id.as_str()).collect()
}

/// Whether a finding cites a line.
fn cites(case: &Case, finding: &Finding, file: &str, line: u32) -> bool {
    finding.proofs.iter().any(|proof| case.name(proof.file) == file && proof.line == line)
}

fn names(finding: &Finding) -> Vec<&str> {
    finding.items.iter().map(Item::name).collect()
}

/// Files whose removal leaves a case, with the name of each.
fn with_one_file_less(name: &str) -> Vec<(String, Case)> {
    let (files, signatures) = (bundle(name), signatures());
    (0..files.len())
        .map(|at| {
            let mut rest = files.clone();
            (rest.remove(at).0, case(&rest, &signatures))
        })
        .collect()
}

#[test]
fn an_old_client_fails_before_servicing_begins() {
    let case = whole("case1");
    assert_eq!(
        (case.outcome, case.phase, case.code),
        (CaseOutcome::Failed, Some(Phase::Client), Some(0x8024_0FFF)),
        "{}",
        text(&case)
    );
    let [update] = &case.updates[..] else { panic!("one update\n{}", text(&case)) };
    assert_eq!(update.identity.kb, None);
    assert_eq!(update.identity.title.as_deref(), Some("CKB2022010401 此更新为CMGE功能更新"));
    let first = &case.findings[0];
    assert_eq!(first.id, "TX-WU-AGENT-OLD");
    assert!((0.5..=0.6).contains(&first.confidence));
    assert!(
        cites(&case, first, "WindowsUpdate.log", 1) && cites(&case, first, "WindowsUpdate.log", 8),
        "{}",
        text(&case)
    );
    assert!(!case.phase.unwrap().is_in_a_boot_log());
    assert_eq!(first.remedies, ["reset-download-cache", "update-client", "collect-again"]);
    assert_eq!((case.placings[0].by, case.placings[0].offset), (PlacedBy::Proved, Some(480)));
    for (without, case) in with_one_file_less("case1") {
        // The client's age is in its own log; the rest does not matter to it.
        let expected =
            if without == "WindowsUpdate.log" { CaseOutcome::Nothing } else { CaseOutcome::Failed };
        assert_eq!(case.outcome, expected, "without {without}\n{}", text(&case));
        for never in ["TX-CBS-STORE", "TX-DISK-EVENTS", "TX-CBS-OTHER", "TX-CBS-NOTFOUND", "TX-POWER"] {
            assert!(!ids(&case).contains(&never), "without {without}: {never}");
        }
    }
}

#[test]
fn a_search_that_fails_is_one_finding() {
    let case = whole("case2");
    assert_eq!(
        (case.outcome, case.phase, case.code),
        (CaseOutcome::Failed, Some(Phase::Scan), Some(0x8024_0439)),
        "{}",
        text(&case)
    );
    assert!(case.updates.is_empty());
    let causes: Vec<&str> =
        case.findings.iter().filter(|f| f.kind == SignatureKind::Cause).map(|f| f.id.as_str()).collect();
    assert_eq!(causes, ["TX-WU-SCAN-COOKIE", "TX-SSU-OLD"]);
    let cookie = finding(&case, "TX-WU-SCAN-COOKIE");
    for line in [1, 4, 5, 7, 8, 9, 10, 12, 13, 14, 15] {
        assert!(cites(&case, cookie, "WindowsUpdate.log", line), "line {line}");
    }
    assert!(cookie.text(Language::En).contains("does not say that downloaded files are damaged"));
    let ssu = finding(&case, "TX-SSU-OLD");
    assert!(ssu.title(Language::Zh).contains("KB5005112"));
    finding(&case, "TX-UBR-GAP");
    assert_eq!(case.attempts[0].client.as_deref(), Some("<<PROCESS>>: wscript.exe"));
    for (without, case) in with_one_file_less("case2") {
        assert!(
            !ids(&case).iter().any(|id| id.starts_with("TX-CBS") || id.starts_with("TX-DISK")),
            "without {without}"
        );
        let expected =
            if without == "WindowsUpdate.log" { CaseOutcome::Nothing } else { CaseOutcome::Failed };
        assert_eq!(case.outcome, expected, "without {without}");
    }
}

#[test]
fn three_failures_on_line_give_no_verdict() {
    let case = whole("case3");
    assert_eq!(
        (case.outcome, case.phase, case.inconclusive),
        (CaseOutcome::Failed, Some(Phase::Install), true),
        "{}",
        text(&case)
    );
    let [update] = &case.updates[..] else { panic!("one update\n{}", text(&case)) };
    assert_eq!(update.identity.guid.as_deref(), Some("240B3AB9-552D-431B-9370-D41432D47682"));
    let attempts: Vec<_> =
        update.attempts.iter().map(|&at| (case.attempts[at].code, case.attempts[at].outcome)).collect();
    assert_eq!(
        attempts,
        [
            (Some(0x8007_06BE), Outcome::Failed),
            (Some(0x800F_0988), Outcome::Failed),
            (Some(0x8024_001E), Outcome::Cancelled)
        ]
    );
    assert_eq!(update.assumed, [2]);
    for id in ["TX-CBS-PSFX", "TX-WU-STOPPED", "TX-WU-INSTALL-RPC", "TX-WU-ONLY"] {
        finding(&case, id);
    }
    assert!(!ids(&case).contains(&"TX-WU-DOWNLOAD"));
    assert_eq!(case.machine.server.as_deref(), Some("http://192.0.2.22:8530"));
    assert!(case.collect.iter().any(|collect| collect.id == "install-offline"));
    for (without, case) in with_one_file_less("case3") {
        assert_eq!((case.outcome, case.updates.len()), (CaseOutcome::Failed, 1), "without {without}");
        assert!(!ids(&case).contains(&"TX-WU-DOWNLOAD"), "without {without}");
    }
}

#[test]
fn a_store_with_holes_has_all_of_them_listed() {
    let case = whole("case4");
    assert_eq!(
        (case.outcome, case.phase, case.code),
        (CaseOutcome::Failed, Some(Phase::Staging), Some(0x800F_0986)),
        "{}",
        text(&case)
    );
    let [update] = &case.updates[..] else { panic!("one update\n{}", text(&case)) };
    assert_eq!((update.identity.kb.as_deref(), update.brings), (Some("KB5032196"), Some((17763, 5122))));
    let attempts: Vec<_> =
        update.attempts.iter().map(|&at| (case.attempts[at].phase, case.attempts[at].code)).collect();
    assert_eq!(
        attempts,
        [
            (Phase::Download, Some(0x8024_8007)),
            (Phase::Staging, Some(0x8007_0490)),
            (Phase::Staging, Some(0x8007_0490)),
            (Phase::Staging, Some(0x800F_0986))
        ]
    );
    let not_found = finding(&case, "TX-CBS-NOTFOUND");
    assert_eq!(
        names(not_found),
        [
            "Package_2_for_KB5032196~31bf3856ad364e35~amd64~~10.0.1.11",
            "amd64_hyperv-vmsynthnic_31bf3856ad364e35_10.0.17763.1879_none_fc948d4afe9ac7bb"
        ]
    );
    // The download that failed the day before is part of it.
    assert!(cites(&case, not_found, "WindowsUpdate.log", 4));
    assert_eq!(
        names(finding(&case, "TX-CBS-PSFX")),
        [
            r"amd64_microsoft-windows-w..ationservice-netapi_31bf3856ad364e35_10.0.17763.2803_none_c2d208398729f542\wkscli.dll"
        ]
    );
    let store = finding(&case, "TX-CBS-STORE");
    assert!(names(store)[0].ends_with(r"\r\efisys_noprompt.bin"));
    assert!(
        cites(&case, store, "checkhealth.txt", 7)
            && !store.proofs.iter().any(|p| p.quote.contains("操作成功完成"))
    );
    finding(&case, "TX-UBR-GAP");
    assert_eq!(names(finding(&case, "TX-SSU-NOT-APPLIED")), ["KB5032306"]);
    // Event 20 and the update client report the session of the 29th, Servicing 3 that of the 23rd.
    let joined = |at: usize| -> Vec<&str> {
        case.attempts[at].joined.iter().map(|joined| case.name(joined.file)).collect()
    };
    assert_eq!((joined(1), joined(3)), (vec!["WindowsUpdate.log", "events.xml"], vec!["events.xml"]));
    let cbs = case.files.iter().position(|file| file.name == "CBS.log").unwrap();
    assert_eq!((case.placings[cbs].by, case.placings[cbs].offset), (PlacedBy::Proved, Some(480)));
    for (without, case) in with_one_file_less("case4") {
        assert_eq!(case.outcome, CaseOutcome::Failed, "without {without}");
        assert_eq!(case.updates.len(), 1, "without {without}\n{}", text(&case));
        assert_eq!(case.updates[0].identity.kb.as_deref(), Some("KB5032196"), "without {without}");
        for never in ["TX-DISK-EVENTS", "TX-CBS-PRIMITIVE", "TX-CBS-AI", "TX-CBS-DRIVER", "TX-POWER"] {
            assert!(!ids(&case).contains(&never), "without {without}: {never}");
        }
        assert!(case.phase < Some(Phase::Shutdown), "without {without}");
    }
}

#[test]
fn a_rollback_has_two_causes_that_stay_apart() {
    let case = whole("case5");
    assert_eq!(
        (case.outcome, case.phase, case.code),
        (CaseOutcome::Failed, Some(Phase::RolledBack), Some(0x800F_0921)),
        "{}",
        text(&case)
    );
    let [update] = &case.updates[..] else { panic!("one update\n{}", text(&case)) };
    assert_eq!(
        (update.identity.kb.as_deref(), update.brings, update.rolled_back),
        (Some("KB5040427"), Some((19041, 4651)), true)
    );
    let boots: Vec<_> = case
        .boots
        .iter()
        .map(|boot| (boot.at.unwrap().to_time().to_string(), boot.undoes, boot.failed))
        .collect();
    assert_eq!(
        boots,
        [
            ("2024-08-01 00:52:14.500Z".to_owned(), false, None),
            ("2024-08-01 03:02:00.500Z".to_owned(), false, Some(0x800F_0921)),
            ("2024-08-01 03:05:20.500Z".to_owned(), true, None)
        ]
    );
    assert_eq!(ids(&case)[..2], ["TX-DISK-EVENTS", "TX-CBS-PRIMITIVE"]);
    let disk = &case.findings[0];
    assert!(disk.confidence >= 0.97);
    for record in [41021, 41028, 41035] {
        assert!(cites(&case, disk, "events.xml", record));
    }
    let missing = &case.findings[1];
    assert_eq!(
        names(missing),
        [
            r"wow64_microsoft-windows-directshow-other_31bf3856ad364e35_10.0.19041.3636_none_8c3dc90fca6fc644\amstream.dll"
        ]
    );
    assert!(cites(&case, missing, "CBS.log", 38) && cites(&case, missing, "poqexec.log", 1));
    assert_eq!(missing.deep, Some(0xC000_0034));
    assert_eq!(disk.remedies[..2], ["set-auto-reset", "chkdsk"]);
    for (without, case) in with_one_file_less("case5") {
        let lost = without == "CBS.log";
        assert_eq!(case.outcome, CaseOutcome::Failed, "without {without}\n{}", text(&case));
        assert_eq!(
            case.phase,
            Some(if lost { Phase::Boot } else { Phase::RolledBack }),
            "without {without}\n{}",
            text(&case)
        );
        assert_eq!(case.updates[0].identity.kb.as_deref(), Some("KB5040427"), "without {without}");
        assert!(!ids(&case).contains(&"TX-CBS-STORE"), "without {without}");
    }
}

#[test]
fn a_healthy_machine_that_says_failed_is_healthy() {
    let case = whole("trap-noise");
    assert_eq!((case.outcome, case.code), (CaseOutcome::WaitsForRestart, None), "{}", text(&case));
    let update = &case.updates[case.main.unwrap()];
    assert_eq!((update.identity.kb.as_deref(), update.brings), (Some("KB5039211"), Some((19041, 4474))));
    assert!(case.findings.is_empty(), "{}", text(&case));
    for (without, case) in with_one_file_less("trap-noise") {
        assert_eq!(case.outcome, CaseOutcome::WaitsForRestart, "without {without}");
        assert!(case.findings.is_empty(), "without {without}\n{}", text(&case));
    }
}
