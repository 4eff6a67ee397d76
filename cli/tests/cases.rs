//! `pml triage` on bundles that hold text logs and event logs, with and without a boot log.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn bundle(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../analyzer/tests/data/bundles").join(name)
}

fn pml(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).output().unwrap()
}

fn triage(input: &Path, args: &[&str]) -> String {
    let output = pml(&[&["triage", input.to_str().unwrap()], args].concat());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || output.status.code() == Some(1), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(input: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&triage(input, &[&["--format", "json"], args].concat())).unwrap()
}

fn finding<'v>(report: &'v Value, id: &str) -> &'v Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["rule"] == id).unwrap_or_else(|| panic!("no {id} in {findings:?}"))
}

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
fn every_format_and_language_is_rendered() {
    for name in ["case1", "case4", "case5", "trap-noise"] {
        for language in ["en", "zh"] {
            let render = |format: &str| triage(&bundle(name), &["--format", format, "--lang", language]);
            let page = render("html");
            assert!(page.contains("</html>") && page.contains("Content-Security-Policy"), "{name}");
            assert!(!page.contains("<script src"), "{name}");
            let markdown = render("md");
            assert!(markdown.starts_with("# "), "{name}: {markdown}");
            let text = render("text");
            let heading = if language == "zh" { "【问题描述】" } else { "【Problem】" };
            assert!(text.contains(heading), "{name}: {text}");
            assert!(!text.contains('\u{1b}'), "{name}");
        }
    }
}

#[test]
fn the_exit_status_says_whether_an_update_was_rolled_back() {
    let status = |name: &str| pml(&["triage", bundle(name).to_str().unwrap(), "--exit-code"]).status.code();
    assert_eq!((status("case5"), status("case2"), status("trap-noise")), (Some(3), Some(0), Some(0)));
}

#[test]
fn a_folder_without_logs_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "nothing to see").unwrap();
    let output = pml(&["triage", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no log (*.pml) is in it"));
}

/// Copies the files of a bundle to a folder, without one of them.
fn without(name: &str, left_out: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(bundle(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != left_out {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

fn files_of(name: &str) -> Vec<String> {
    let names = fs::read_dir(bundle(name)).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn rules(report: &Value) -> Vec<&str> {
    let found = report["findings"].as_array().unwrap().iter().chain(report["notes"].as_array().unwrap());
    found.map(|finding| finding["rule"].as_str().unwrap()).collect()
}

fn steps(report: &Value) -> Vec<&str> {
    report["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap()).collect()
}

/// Whether words occur in this order.
fn in_order(list: &[&str], wanted: &[&str]) -> bool {
    let mut rest = list.iter();
    wanted.iter().all(|wanted| rest.any(|word| word == wanted))
}

/// What must never be said of a bundle, whichever of its files are there.
struct Never {
    bundle: &'static str,
    /// Beginnings of rules.
    rules: &'static [&'static str],
    /// Codes that are no code of the case, of an update or of an attempt.
    codes: &'static [&'static str],
    /// Rollbacks that are claimed.
    classes: &'static [&'static str],
}

const NEVER: [Never; 6] = [
    Never {
        bundle: "case1",
        rules: &["TX-CBS", "TX-DISK", "TX-POWER", "TX-SHIFTING", "TX-ONE", "TX-SETUP", "RB-"],
        codes: &["0x80240022"],
        classes: &["confirmed", "probable", "possible"],
    },
    Never {
        bundle: "case2",
        rules: &["TX-CBS", "TX-DISK", "TX-WU-DOWNLOAD", "TX-POWER", "TX-SHIFTING", "TX-ONE", "RB-"],
        codes: &[],
        classes: &["confirmed", "probable", "possible"],
    },
    Never {
        bundle: "case3",
        rules: &["TX-WU-DOWNLOAD", "TX-DISK", "TX-POWER", "TX-CBS-STORE", "RB-"],
        codes: &["0x80240022", "0x8024200B", "0x80240FFF"],
        classes: &["confirmed", "probable", "possible"],
    },
    Never {
        bundle: "case4",
        rules: &[
            "TX-DISK",
            "TX-CBS-PRIMITIVE",
            "TX-CBS-AI",
            "TX-CBS-DRIVER",
            "TX-POWER",
            "TX-CBS-STORE-DELTAS",
            "RB-",
        ],
        codes: &[],
        classes: &["confirmed", "probable", "possible"],
    },
    Never {
        bundle: "case5",
        rules: &["TX-CBS-STORE", "TX-POWER", "TX-WU"],
        codes: &["0x80070BC2"],
        classes: &["none"],
    },
    Never {
        bundle: "trap-noise",
        rules: &["TX-", "RB-"],
        codes: &["0x80248007", "0x800F0805", "0x80070002", "0x80070020", "0x80070490"],
        classes: &["confirmed", "probable", "possible"],
    },
];

fn assert_never(never: &Never, report: &Value, what: &str) {
    if report["schema_version"] == 1 {
        return;
    }
    for rule in rules(report) {
        assert!(
            !never.rules.iter().any(|wrong| rule.starts_with(wrong)),
            "{what}: {rule}\n{}",
            report["headline"]
        );
    }
    let mut codes: Vec<&Value> = vec![&report["code"]["code"]];
    for update in report["updates"].as_array().unwrap() {
        codes.push(&update["code"]["code"]);
        codes.extend(update["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["code"]["code"]));
        assert_ne!(update["kb"], "KB2022010401", "{what}");
    }
    for code in codes.into_iter().filter_map(Value::as_str) {
        assert!(!never.codes.contains(&code), "{what}: {code}");
    }
    let class = report["rollback"]["class"].as_str().unwrap();
    let nothing_left = report["outcome"] == "nothing" || report["findings"].as_array().unwrap().is_empty();
    assert!(!never.classes.contains(&class) || nothing_left && class == "none", "{what}: {class}");
}

#[test]
fn nothing_wrong_is_said_whichever_file_is_missing() {
    for never in &NEVER {
        for language in ["en", "zh"] {
            assert_never(never, &json(&bundle(never.bundle), &["--lang", language]), never.bundle);
        }
        for left_out in files_of(never.bundle) {
            let folder = without(never.bundle, &left_out);
            assert_never(never, &json(folder.path(), &[]), &format!("{} without {left_out}", never.bundle));
        }
    }
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

#[test]
fn inputs_that_cannot_be_read_are_lines_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("empty.pml"), "").unwrap();
    fs::write(path("broken.zip"), b"PK\x03\x04 and no more").unwrap();
    fs::create_dir(path("nothing")).unwrap();
    let good = bundle("case2");
    let args = [
        "triage",
        &path("empty.pml"),
        &path("broken.zip"),
        &path("nothing"),
        &path("missing"),
        good.to_str().unwrap(),
        "--format",
        "jsonl",
    ];
    let output = pml(&args);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 5);
    for line in &lines[..4] {
        assert!(line["error"].is_string() && line["input"]["name"].is_string(), "{line}");
    }
    assert_eq!(lines[4]["phase"]["id"], "scan");
    // One input alone is an error.
    assert_eq!(pml(&["triage", &path("broken.zip")]).status.code(), Some(2));
    // An empty log of a bundle is listed, and the others have their story.
    fs::copy(good.join("WindowsUpdate.log"), path("nothing/WindowsUpdate.log")).unwrap();
    fs::write(path("nothing/CBS.log"), "").unwrap();
    let report = json(&folder.path().join("nothing"), &[]);
    let inputs = report["inputs"].as_array().unwrap();
    assert!(
        inputs.iter().any(|input| input["path"] == "CBS.log" && input["error"] == "is empty"),
        "{inputs:?}"
    );
    assert_eq!(report["phase"]["id"], "scan");
}

/// Members of a zip file: names as bytes, and their data.
fn zip_of(members: &[(&str, Vec<u8>)], large: bool) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, data) in members {
        let options = zip::write::SimpleFileOptions::default().large_file(large);
        zip.start_file(*name, options).unwrap();
        std::io::Write::write_all(&mut zip, data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn members(name: &str) -> Vec<(String, Vec<u8>)> {
    let names = files_of(name).into_iter().filter(|file| !file.ends_with(".md"));
    names.map(|file| (file.clone(), fs::read(bundle(name).join(file)).unwrap())).collect()
}

fn borrowed(members: &[(String, Vec<u8>)]) -> Vec<(&str, Vec<u8>)> {
    members.iter().map(|(name, data)| (name.as_str(), data.clone())).collect()
}

#[test]
fn logs_are_found_in_zip_files_inside_each_other_and_in_zip64() {
    let folder = tempfile::tempdir().unwrap();
    let inner = zip_of(&borrowed(&members("case4")), true);
    let outer = zip_of(&[(r"logs\inner.zip", inner.clone()), ("readme.md", b"CBS".to_vec())], false);
    fs::write(folder.path().join("case.zip"), &outer).unwrap();
    let report = json(&folder.path().join("case.zip"), &[]);
    assert_eq!(report["code"]["code"], "0x800F0986");
    let paths: Vec<&str> =
        report["inputs"].as_array().unwrap().iter().map(|i| i["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"logs/inner.zip:CBS.log"), "{paths:?}");
    // A folder of zip files: each with its own CBS.log is a case of its own.
    let second = zip_of(&borrowed(&members("case1")), false);
    let fleet = folder.path().join("fleet");
    fs::create_dir(&fleet).unwrap();
    fs::write(fleet.join("a.zip"), inner).unwrap();
    fs::write(fleet.join("b.zip"), second).unwrap();
    let lines = triage(&fleet, &["--format", "jsonl"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<&str> = lines.iter().map(|line| line["code"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["0x800F0986", "0x80240FFF"]);
    // Parts of one bundle in several zip files are one case.
    let parts = folder.path().join("parts");
    fs::create_dir(&parts).unwrap();
    for (at, member) in members("case4").into_iter().enumerate() {
        fs::write(parts.join(format!("{at}.zip")), zip_of(&[(&member.0, member.1)], false)).unwrap();
    }
    assert_eq!(json(&parts, &[])["code"]["code"], "0x800F0986");
}

#[test]
fn hostile_zip_files_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    // Zip files inside each other, deeper than anybody packs them.
    let mut data = zip_of(&[("CBS.log", fs::read(bundle("case4/CBS.log")).unwrap())], false);
    for _ in 0..8 {
        data = zip_of(&[("a.zip", data)], false);
    }
    fs::write(&path, &data).unwrap();
    let output = pml(&["triage", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("zip files inside each other"));
    // A text that grows a thousandfold is cut, and said so; the rest is read.
    let header = b"2024-08-01 11:02:50, Info                  CBS    x\r\n".to_vec();
    let bomb = [header, vec![0; 64 << 20]].concat();
    let windows_update = fs::read(bundle("case2/WindowsUpdate.log")).unwrap();
    fs::write(&path, zip_of(&[("CBS.log", bomb), ("WindowsUpdate.log", windows_update)], false)).unwrap();
    let report = json(&path, &[]);
    assert_eq!(report["phase"]["id"], "scan");
}

#[test]
fn commands_take_a_log_inside_a_zip_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = fs::read(bundle("case5/Bootlog.pml")).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(
        path("one.zip"),
        zip_of(&[(r"logs\Bootlog.pml", log.clone()), ("CBS.log", b"x".to_vec())], false),
    )
    .unwrap();
    let inner = zip_of(&[("b.pml", log.clone())], false);
    fs::write(path("two.zip"), zip_of(&[("a/a.pml", log.clone()), ("inner.zip", inner)], false)).unwrap();
    let info = |argument: &str| pml(&["info", &path(argument), "--format", "json"]);
    let plain = pml(&["info", bundle("case5/Bootlog.pml").to_str().unwrap(), "--format", "json"]).stdout;
    for argument in ["one.zip", "one.zip:logs/Bootlog.pml", r"one.zip:logs\Bootlog.pml"] {
        let output = info(argument);
        assert_eq!(output.stdout, plain, "{argument}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let events =
        |argument: &str| serde_json::from_slice::<Value>(&info(argument).stdout).unwrap()["events"].clone();
    assert_eq!(events("two.zip:inner.zip:b.pml"), events("two.zip:a/a.pml"));
    // Several captures, and one that is not there.
    for (argument, said) in [("two.zip", "2 captures are in it"), ("one.zip:x.pml", "no log x.pml is in it")]
    {
        let output = info(argument);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(said),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let converted = pml(&["convert", &path("one.zip"), "-o", &path("out.csv"), "-q"]);
    assert!(converted.status.success() && fs::metadata(path("out.csv")).unwrap().len() > 0);
    let sliced = pml(&[
        "slice",
        &path("one.zip:logs/Bootlog.pml"),
        "-o",
        &path("out.pml"),
        "--where",
        "pid = 4",
        "-q",
    ]);
    assert!(sliced.status.success(), "{}", String::from_utf8_lossy(&sliced.stderr));
}

#[test]
fn named_logs_are_one_case() {
    let path = |name: &str| bundle(name).to_str().unwrap().to_owned();
    let args = [
        "triage",
        &path("case5/Bootlog.pml"),
        &path("case5/CBS.log"),
        &path("case5/events.xml"),
        "--format",
        "json",
    ];
    let report: Value = serde_json::from_slice(&pml(&args).stdout).unwrap();
    assert_eq!(
        (&report["schema_version"], report["captures"].as_array().unwrap().len()),
        (&Value::from(2), 1)
    );
    assert_eq!(report["findings"][0]["rule"], "TX-DISK-EVENTS");
}

#[test]
fn personal_data_can_be_left_out() {
    for format in ["json", "text", "md", "html"] {
        for (name, personal) in [("case5", "BRANCH-PC"), ("case3", "192.0.2.22")] {
            let open = triage(&bundle(name), &["--format", format]);
            let redacted = triage(&bundle(name), &["--format", format, "--redact"]);
            assert!(open.contains(personal), "{name} {format}");
            assert!(!redacted.to_lowercase().contains(&personal.to_lowercase()), "{name} {format}");
            assert!(redacted.contains("COMPUTER-1") || redacted.contains("ADDRESS-"), "{name} {format}");
        }
    }
    let refused = pml(&["triage", bundle("case5").to_str().unwrap(), "--redact", "--evidence", "x.pml"]);
    assert_eq!(refused.status.code(), Some(2));
}

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
const PUBLIC: [Verdict; 23] = [
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
    // Two event logs of one export report one attempt.
    let twice = json(&bundle("win11-0991-events"), &[]);
    assert_eq!(twice["updates"][0]["attempts"].as_array().unwrap().len(), 1);
    let cured = json(&bundle("adv-installer-81-cured"), &[]);
    assert!(cured["updates"][0]["cured_by"].is_string());
}

#[test]
fn a_case_has_tables_of_its_logs() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("case");
    let args = ["triage", bundle("case5").to_str().unwrap(), "--parquet", dataset.to_str().unwrap(), "-q"]
        .map(str::to_owned);
    let output = pml(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = |name: &str| {
        let file = fs::File::open(dataset.join(format!("{name}.parquet"))).unwrap();
        SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows()
    };
    let report = json(&bundle("case5"), &[]);
    let inputs = report["inputs"].as_array().unwrap();
    let of_texts =
        inputs.iter().filter(|input| input["kind"] != "pml").map(|input| input["records"].as_i64().unwrap());
    assert_eq!(rows("records"), of_texts.sum::<i64>());
    let events = inputs.iter().find(|input| input["kind"] == "pml").unwrap()["records"].as_i64().unwrap();
    assert_eq!((rows("events"), rows("updates"), rows("sessions")), (events, 1, 1));
    assert!(rows("phases") > 0 && rows("signals") > 3 && rows("findings") > 0 && rows("failures") > 0);
    // Without a boot log, the tables of the text logs are there alone.
    let alone = folder.path().join("alone");
    let output =
        pml(&["triage", bundle("case4").to_str().unwrap(), "--parquet", alone.to_str().unwrap(), "-q"]);
    assert!(
        output.status.success()
            && alone.join("records.parquet").exists()
            && !alone.join("events.parquet").exists()
    );
}

#[test]
fn encrypted_files_are_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut zip = zip_of(
        &[
            ("secret.log", b"x".to_vec()),
            ("WindowsUpdate.log", fs::read(bundle("case2/WindowsUpdate.log")).unwrap()),
        ],
        false,
    );
    // The flag of encryption, in the header and in the directory of the first member.
    let places: Vec<usize> = [&b"PK\x03\x04"[..], b"PK\x01\x02"]
        .iter()
        .map(|signature| {
            zip.windows(4).position(|bytes| bytes == *signature).unwrap()
                + if signature[2] == 3 { 6 } else { 8 }
        })
        .collect();
    for place in places {
        zip[place] |= 1;
    }
    let path = folder.path().join("a.zip");
    fs::write(&path, zip).unwrap();
    let output = pml(&["triage", path.to_str().unwrap(), "--format", "json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("1 file is encrypted and left out: secret.log"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["phase"]["id"], "scan");
}
