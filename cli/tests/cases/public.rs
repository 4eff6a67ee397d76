//! Bundles made from facts of public reports.

use crate::support::{bundle, json};

/// What a bundle must come to.
struct Verdict {
    bundle: &'static str,
    outcome: &'static str,
    phase: Option<&'static str>,
    code: Option<&'static str>,
    /// The first finding; nothing where there must be none.
    rule: Option<&'static str>,
    /// What the findings must name.
    named: &'static str,
}

const fn verdict(
    bundle: &'static str,
    outcome: &'static str,
    phase: Option<&'static str>,
    code: Option<&'static str>,
    rule: Option<&'static str>,
    named: &'static str,
) -> Verdict {
    Verdict { bundle, outcome, phase, code, rule, named }
}

/// Bundles made from public reports (analyzer/tests/data/bundles/README.md).
const PUBLIC: [Verdict; 38] = [
    verdict(
        "service-start",
        "failed",
        Some("rolled-back"),
        Some("0x800F0922"),
        Some("TX-CBS-AI-SERVICE"),
        "clr_optimization_v4.0.30319_32",
    ),
    verdict(
        "driver-registry-gone",
        "failed",
        Some("rolled-back"),
        Some("0x80070002"),
        Some("TX-CBS-DRIVER"),
        "flpydisk.inf",
    ),
    verdict(
        "task-unloadable",
        "failed",
        Some("rolled-back"),
        Some("0x800F0922"),
        Some("TX-CBS-AI-TASK"),
        "SecureBootEncodeUEFI",
    ),
    verdict(
        "driver-operation-unnamed",
        "failed",
        Some("staging"),
        Some("0x80070490"),
        Some("TX-CBS-DRIVER-QUEUE"),
        "",
    ),
    verdict(
        "shutdown-by-agent",
        "failed",
        Some("rolled-back"),
        Some("0x800F0920"),
        Some("TX-CBS-HANG"),
        "mgmtagnt.exe",
    ),
    verdict(
        "corrupt-0570",
        "failed",
        Some("staging"),
        Some("0x80070570"),
        Some("TX-CBS-UNREADABLE"),
        "\"Package_for_KB5053603",
    ),
    verdict(
        "critical-driver",
        "failed",
        Some("rolled-back"),
        Some("0x8007000D"),
        Some("TX-CBS-DRIVER"),
        "mshdc.inf",
    ),
    verdict("hang-at-boot", "failed", Some("rolled-back"), Some("0x800F0920"), Some("TX-CBS-HANG"), ""),
    verdict(
        "http-installer",
        "failed",
        Some("staging"),
        Some("0x80070422"),
        Some("TX-CBS-AI"),
        "HTTP Installer",
    ),
    verdict(
        "mailed-driver",
        "failed",
        Some("rolled-back"),
        Some("0x80070003"),
        Some("TX-CBS-DRIVER"),
        "ntprint4.inf",
    ),
    verdict(
        "manifest-0831",
        "failed",
        Some("staging"),
        Some("0x800F0831"),
        Some("TX-CBS-MANIFEST"),
        "KB4480116",
    ),
    verdict(
        "store-3712",
        "failed",
        Some("staging"),
        Some("0x80073712"),
        Some("TX-CBS-STORE-MARKED"),
        "CorruptComponentValue",
    ),
    verdict("win7-36b3", "failed", Some("staging"), Some("0x800736B3"), Some("TX-CBS-MANIFEST"), ""),
    verdict(
        "adv-installer-81",
        "failed",
        Some("rolled-back"),
        Some("0x800F0922"),
        Some("TX-CBS-AI"),
        "Firewall Installer",
    ),
    verdict("adv-installer-81-cured", "installed", Some("boot"), None, None, ""),
    verdict("disk-full", "failed", Some("staging"), Some("0x80070070"), Some("TX-CBS-SPACE"), ""),
    verdict("dism-source", "nothing", None, None, Some("TX-SOURCE"), ""),
    verdict(
        "driver-shutdown",
        "failed",
        Some("boot"),
        Some("0x80070005"),
        Some("TX-CBS-DRIVER"),
        "usbprint.inf",
    ),
    verdict("healthy-month", "installed", Some("boot"), None, None, ""),
    verdict(
        "pending-forever",
        "failed",
        Some("staging"),
        Some("0x80070BC9"),
        Some("TX-CBS-PENDING-REPAIR"),
        "",
    ),
    verdict(
        "server2022-dhcp",
        "failed",
        Some("staging"),
        Some("0x800F0831"),
        Some("TX-CBS-MANIFEST"),
        "DhcpServerRole",
    ),
    verdict("two-machines", "installed", Some("install"), None, None, ""),
    verdict("unknown-code", "failed", Some("staging"), Some("0x80070302"), Some("TX-CBS-OTHER"), ""),
    verdict("win11-0991-events", "failed", Some("staging"), Some("0x800F0991"), Some("TX-CBS-PSFX"), ""),
    verdict(
        "win7-checksur",
        "failed",
        Some("install"),
        Some("0x800F0900"),
        Some("TX-CBS-STORE"),
        "KB2079403",
    ),
    verdict(
        "win7-sp1-pin",
        "failed",
        Some("staging"),
        Some("0x80073701"),
        Some("TX-CBS-MANIFEST"),
        "KB2447568",
    ),
    verdict("win7-wsus-timeout", "failed", Some("scan"), Some("0x80072EE2"), Some("TX-WU-NAME"), ""),
    verdict("winre-0643", "failed", Some("install"), Some("0x80070643"), Some("TX-WINRE-SPACE"), ""),
    verdict(
        "ghost-devices",
        "failed",
        Some("rolled-back"),
        Some("0x800719E4"),
        Some("TX-CBS-TRANSACTIONS"),
        "remove-gone-devices",
    ),
    verdict(
        "mpio-device",
        "failed",
        Some("staging"),
        Some("0x800F0922"),
        Some("TX-CBS-AI"),
        r"ROOT\\MPIO\\0001",
    ),
    verdict("zh-wsus-busy", "failed", Some("scan"), Some("0x8024401C"), Some("TX-WU-SCAN"), ""),
    verdict(
        "zh-printer-driver",
        "failed",
        Some("rolled-back"),
        Some("0x800F0247"),
        Some("TX-CBS-DRIVER"),
        "prnms009.inf",
    ),
    verdict("panther-driver", "failed", Some("shutdown"), Some("0xC1900101"), Some("TX-SETUP"), "oem12.inf"),
    verdict("zh-no-source", "nothing", None, None, Some("TX-SOURCE"), ""),
    verdict("disk-other-machine", "failed", Some("install"), Some("0x80070570"), Some("TX-DISK-EVENTS"), ""),
    verdict("power-cut", "failed", Some("boot"), Some("0x800F0845"), Some("TX-POWER"), "System.xml"),
    verdict(
        "patched-kernel",
        "failed",
        Some("staging"),
        Some("0x80070302"),
        Some("TX-CBS-PSFX"),
        "ntoskrnl.exe",
    ),
    verdict(
        "win7-not-licensed",
        "failed",
        Some("rolled-back"),
        Some("0x800F0922"),
        Some("TX-CBS-AI"),
        "Extended Security Updates",
    ),
];

#[test]
fn bundles_of_public_reports_come_to_their_verdicts() {
    for wanted in &PUBLIC {
        for language in ["en", "zh"] {
            let report = json(&bundle(wanted.bundle), &["--lang", language]);
            let what = format!("{}: {}", wanted.bundle, report["headline"]);
            assert_eq!(report["outcome"], wanted.outcome, "{what}");
            assert_eq!(report["phase"]["id"].as_str(), wanted.phase, "{what}");
            assert_eq!(report["code"]["code"].as_str(), wanted.code, "{what}");
            assert_eq!(report["findings"][0]["rule"].as_str(), wanted.rule, "{what}");
            assert!(report["findings"].to_string().contains(wanted.named), "{what}");
        }
    }
    let mixed = json(&bundle("two-machines"), &[]);
    assert!(mixed["limits"].to_string().contains("CBS.log"), "{}", mixed["limits"]);
    let managed = json(&bundle("zh-wsus-busy"), &[]);
    assert!(managed["notes"].to_string().contains("3DA21691-E39D-4DA6-8A4B-B43877BCB1B7"));
    // Two event logs of one export report one attempt.
    let twice = json(&bundle("win11-0991-events"), &[]);
    assert_eq!(twice["updates"][0]["attempts"].as_array().unwrap().len(), 1);
    let cured = json(&bundle("adv-installer-81-cured"), &[]);
    assert!(cured["updates"][0]["cured_by"].is_string());
}
