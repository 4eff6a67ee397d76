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
