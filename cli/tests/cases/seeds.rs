//! The five cases that come with the project.

use crate::support::{bundle, finding, in_order, json, rules, steps, triage};
use serde_json::Value;
use std::fs;

#[test]
fn the_first_screen_names_update_phase_code_cause_and_step() {
    let screen = |name: &str, args: &[&str]| -> String {
        triage(&bundle(name), args).lines().take(30).map(|line| format!("{line}\n")).collect()
    };
    let wanted = [
        (
            "case1",
            vec![
                "NOT INSTALLED",
                "update client: servicing never began",
                "0x80240FFF WU_E_UNEXPECTED",
                "SoftwareDistribution",
                "a boot log will not help",
            ],
        ),
        (
            "case2",
            vec![
                "search for updates",
                "0x80240439 WU_E_PT_INVALID_FORMAT",
                "does not keep to the contract",
                "a boot log will not help",
            ],
        ),
        ("case3", vec!["0x8024001E", "installation by the update client", "failed in different ways"]),
        (
            "case4",
            vec!["KB5032196", "17763.5122", "0x800F0986 PSFX_E_APPLY_FORWARD_DELTA_FAILED", "wkscli.dll"],
        ),
        (
            "case5",
            vec![
                "KB5040427",
                "rolled back during the restart",
                "0x800F0921",
                "Disk or file system damage",
                "fsutil resource setautoreset true C:\\",
            ],
        ),
        ("trap-noise", vec!["WAITS FOR A RESTART", "KB5039211"]),
    ];
    for (name, parts) in wanted {
        let screen = screen(name, &[]);
        for part in parts {
            assert!(
                screen.replace('\n', " ").split_whitespace().collect::<Vec<_>>().join(" ").contains(part),
                "{name}: {part:?} is not on the first screen:\n{screen}"
            );
        }
    }
    let chinese = screen("case2", &["--lang", "zh"]);
    assert!(chinese.contains("未安装成功") && chinese.contains("扫描更新"), "{chinese}");
}

#[test]
fn each_finding_cites_its_lines() {
    for name in ["case1", "case2", "case3", "case4", "case5"] {
        let report = json(&bundle(name), &[]);
        assert_eq!(
            (&report["schema_version"], &report["outcome"]),
            (&Value::from(2), &Value::from("failed")),
            "{name}"
        );
        let findings = report["findings"].as_array().unwrap();
        assert!(!findings.is_empty(), "{name}");
        for finding in findings {
            let lines = finding["lines"].as_array().unwrap();
            let cites_line = |line: &Value| line["file"].is_string() && line["line"].is_u64();
            let is_cited = match finding["source"].as_str() {
                Some("pml") => finding["event_id"].is_u64(),
                _ => !lines.is_empty() && finding["line"].is_u64(),
            };
            assert!(is_cited && finding["file"].is_string(), "{name}: {finding}");
            assert!(lines.iter().all(cites_line), "{name}: {finding}");
            assert!(!finding["remedies"].as_array().unwrap().is_empty(), "{name}: {finding}");
        }
    }
}

#[test]
fn a_boot_log_and_the_logs_beside_it_prove_the_same() {
    let report = json(&bundle("case5"), &[]);
    assert_eq!(report["captures"].as_array().unwrap().len(), 1);
    let captured: Vec<bool> =
        report["boots"].as_array().unwrap().iter().map(|boot| boot["captured"] == true).collect();
    assert_eq!(captured, [false, true, false], "{}", report["boots"]);
    let disk = finding(&report, "TX-DISK-EVENTS");
    assert!(disk["rank"] == 1 && disk["confidence"].as_f64().unwrap() >= 0.99, "{disk}");
    assert_eq!(disk["joined"][0]["by"], "disk");
    let missing = finding(&report, "TX-CBS-PRIMITIVE");
    assert_eq!((&missing["joined"][0]["by"], missing["rank"].as_u64()), (&Value::from("path"), Some(2)));
    assert!(missing["joined"][0]["event_id"].is_u64() && missing["confidence"].as_f64().unwrap() >= 0.97);
    assert!(missing["items"][0]["name"].as_str().unwrap().ends_with("amstream.dll"));
    // The zip holds the same files under other names.
    let zipped = json(&bundle("case5/CMGE_Log.zip"), &[]);
    for key in ["outcome", "phase", "code"] {
        assert_eq!(zipped[key], report[key], "{key}");
    }
    let ids = |report: &Value| {
        report["findings"].as_array().unwrap().iter().map(|f| f["rule"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&zipped), ids(&report));
    let names: Vec<&str> =
        zipped["inputs"].as_array().unwrap().iter().map(|input| input["path"].as_str().unwrap()).collect();
    assert!(
        names.iter().any(|name| name.starts_with("事件日志/"))
            && names.iter().any(|name| name.starts_with("系统信息/")),
        "{names:?}"
    );
}

#[test]
fn the_boot_log_alone_and_the_text_logs_alone_have_reports_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(bundle("case5")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let target = match name {
            "Bootlog.pml" => "boot/Bootlog.pml".to_owned(),
            "CMGE_Log.zip" => continue,
            name => format!("text/{name}"),
        };
        let target = folder.path().join(target);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
    assert_eq!(json(&folder.path().join("boot"), &[])["schema_version"], 1);
    let text = json(&folder.path().join("text"), &[]);
    assert_eq!(
        (&text["schema_version"], &text["phase"]["id"]),
        (&Value::from(2), &Value::from("rolled-back"))
    );
    assert!(text["captures"].as_array().unwrap().is_empty());
    // A single log can be named too.
    let single = json(&folder.path().join("text/CBS.log"), &[]);
    assert_eq!(
        (&single["phase"]["id"], &single["code"]["code"]),
        (&Value::from("rolled-back"), &Value::from("0x800F0921"))
    );
}

#[test]
fn the_first_case_is_an_old_client() {
    let report = json(&bundle("case1"), &["--lang", "zh"]);
    assert_eq!((&report["phase"]["id"], &report["rollback"]["class"]), (&"client".into(), &"none".into()));
    assert_eq!(
        (&report["code"]["code"], &report["code"]["symbol"]),
        (&"0x80240FFF".into(), &"WU_E_UNEXPECTED".into())
    );
    let [update] = &report["updates"].as_array().unwrap()[..] else { panic!("{}", report["updates"]) };
    assert_eq!((&update["kb"], &update["outcome"]), (&Value::Null, &"failed".into()));
    assert_eq!(update["title"], "CKB2022010401 此更新为CMGE功能更新");
    let first = &report["findings"][0];
    assert_eq!(first["rule"], "TX-WU-AGENT-OLD");
    assert!((0.5..=0.6).contains(&first["confidence"].as_f64().unwrap()));
    let cited: Vec<u64> =
        first["lines"].as_array().unwrap().iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert!(cited.contains(&1) && cited.contains(&8), "{cited:?}");
    assert!(
        in_order(&steps(&report), &["reset-download-cache", "update-client", "collect-again"]),
        "{:?}",
        steps(&report)
    );
    assert_eq!(report["clock"]["offset_minutes"], serde_json::json!([480]));
    assert_eq!(report["clock"]["from"], "CBS.log");
    assert!(report["mail"].as_str().unwrap().contains("启动日志不会有帮助"));
}

#[test]
fn the_second_case_is_a_search_and_an_old_servicing_stack() {
    let report = json(&bundle("case2"), &[]);
    assert_eq!((&report["phase"]["id"], &report["rollback"]["class"]), (&"scan".into(), &"none".into()));
    assert!(report["updates"].as_array().unwrap().is_empty());
    let first = &report["findings"][0];
    assert_eq!((&first["rule"], &first["code"]["code"]), (&"TX-WU-SCAN-COOKIE".into(), &"0x80240439".into()));
    let shown = first["lines"].to_string();
    for part in ["InitializeSimpleTargetingCookie", "wscript.exe", "2023-05-06 06:05:21"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let second = &report["findings"][1];
    assert_eq!(second["rule"], "TX-SSU-OLD");
    let said = format!("{} {}", second["title"], second["text"]);
    for part in ["KB5005112", "17763.2090", "KB5025229"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(rules(&report).contains(&"TX-UBR-GAP"));
    assert!(
        in_order(&steps(&report), &["install-stack", "check-update-server", "reset-update-client"]),
        "{:?}",
        steps(&report)
    );
}

#[test]
fn the_third_case_has_three_causes_and_no_verdict() {
    let report = json(&bundle("case3"), &[]);
    assert_eq!((&report["phase"]["id"], &report["inconclusive"]), (&"install".into(), &true.into()));
    let [update] = &report["updates"].as_array().unwrap()[..] else { panic!("{}", report["updates"]) };
    let codes: Vec<&str> = update["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["code"]["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["0x800706BE", "0x800F0988", "0x8024001E"]);
    assert!(
        report["headline"].as_str().unwrap().contains("no log shows a common root cause"),
        "{}",
        report["headline"]
    );
    let wanted = ["reset-download-cache", "install-offline", "check-orchestrator", "startcomponentcleanup"];
    assert!(in_order(&steps(&report), &wanted), "{:?}", steps(&report));
    assert!(report["steps"].to_string().contains("http://192.0.2.22:8530"));
    assert!(report["next"].as_array().unwrap().iter().any(|next| next["id"] == "install-offline"));
    for finding in report["findings"].as_array().unwrap() {
        assert!(!finding["text"].as_str().unwrap().contains('?'), "{finding}");
    }
}

#[test]
fn the_fourth_case_lists_all_that_is_missing() {
    let report = json(&bundle("case4"), &[]);
    assert_eq!((&report["phase"]["id"], &report["store"]["verdict"]), (&"staging".into(), &"damaged".into()));
    let all = report["findings"].to_string();
    for item in [
        "Package_2_for_KB5032196~31bf3856ad364e35~amd64~~10.0.1.11",
        "amd64_hyperv-vmsynthnic_31bf3856ad364e35_10.0.17763.1879_none_fc948d4afe9ac7bb",
        r"amd64_microsoft-windows-w..ationservice-netapi_31bf3856ad364e35_10.0.17763.2803_none_c2d208398729f542\\wkscli.dll",
        r"10.0.17763.4974_none_aff3b818b4d7548d\\r\\efisys_noprompt.bin",
    ] {
        assert!(all.contains(item), "{item}");
    }
    let wanted = [
        "reset-download-cache",
        "reapply-prerequisite",
        "restore-health",
        "copy-component-directory",
        "install-in-steps-from",
    ];
    assert!(in_order(&steps(&report), &wanted), "{:?}", steps(&report));
    let said = report["steps"].to_string();
    assert!(said.contains("KB5032306") && said.contains("KB5001342"), "{said}");
    let joined: Vec<&str> = report["updates"][0]["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|attempt| attempt["joined"].as_array().unwrap())
        .map(|join| join["source"].as_str().unwrap())
        .collect();
    assert_eq!(joined, ["wu", "evtx", "evtx"]);
    assert_eq!(report["clock"]["agreement"], serde_json::json!(["session", "stamp", "universal"]));
}

#[test]
fn the_fifth_case_is_one_story_of_text_logs_and_boot_log() {
    let report = json(&bundle("case5"), &[]);
    assert_eq!(
        (&report["phase"]["id"], &report["rollback"]["class"]),
        (&"rolled-back".into(), &"confirmed".into())
    );
    let ids: Vec<&str> = report["rollback"]["signals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signal| signal["id"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"rolled-back") && ids.len() > 1, "{ids:?}");
    let joins: Vec<(&str, &str)> = report["joins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|join| (join["by"].as_str().unwrap(), join["file"].as_str().unwrap()))
        .collect();
    assert_eq!(joins, [("boot-time", "CBS.log"), ("queue-start", "poqexec.log")]);
    // What both show is one finding: none of the boot log is left beside those of the text logs.
    let found: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["TX-DISK-EVENTS", "TX-CBS-PRIMITIVE"]);
    let wanted = [
        "set-auto-reset",
        "chkdsk",
        "restart",
        "check-file",
        "restore-health",
        "reinstall-update",
        "replace-disk",
    ];
    assert!(in_order(&steps(&report), &wanted), "{:?}", steps(&report));
    assert!(
        report["boots"].as_array().unwrap().len() == 3
            && report["next"].as_array().unwrap().iter().all(|n| n["id"] != "boot-log")
    );
    let sources: Vec<&str> = report["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["source"].as_str().unwrap())
        .collect();
    for source in ["pml", "cbs", "evtx", "poqexec"] {
        assert!(sources.contains(&source), "{source}");
    }
    let times: Vec<&str> = report["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["time"].as_str().unwrap().trim_end_matches('Z'))
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}
