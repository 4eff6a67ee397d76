//! Formats, languages, tables, exit statuses, personal data, inputs that cannot be read.

use crate::support::{bundle, json, pml, triage};
use serde_json::Value;
use std::fs;

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
fn a_case_is_converted_with_its_text_logs() {
    let folder = tempfile::tempdir().unwrap();
    let tables = |input: &str, name: &str| -> Vec<String> {
        let place = folder.path().join(name);
        let output = pml(&["convert", input, "-o", place.to_str().unwrap(), "-q"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut names: Vec<String> =
            fs::read_dir(place).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let of_text =
        ["phases", "records", "sessions", "signals", "updates"].map(|name| format!("{name}.parquet"));
    let case4 = bundle("case4");
    assert_eq!(tables(case4.to_str().unwrap(), "text"), of_text);
    assert_eq!(tables(case4.join("CBS.log").to_str().unwrap(), "one"), of_text);
    let both = tables(bundle("case5").to_str().unwrap(), "both");
    assert!(of_text.iter().chain([&"events.parquet".to_owned()]).all(|name| both.contains(name)), "{both:?}");
    // A text format has events alone.
    let csv = folder.path().join("x.csv");
    let refused = pml(&["convert", case4.to_str().unwrap(), "-o", csv.to_str().unwrap(), "-q"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn the_locale_decides_the_language_unless_one_is_given() {
    let input = bundle("case4");
    let report = |locale: &str, args: &[&str]| -> String {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_pml"))
            .args([&["triage", input.to_str().unwrap()], args].concat())
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env("LANG", locale)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(report("zh_CN.UTF-8", &[]).contains("未安装成功"));
    assert!(report("en_US.UTF-8", &[]).contains("NOT INSTALLED"));
    assert!(report("zh_CN.UTF-8", &["--lang", "en"]).contains("NOT INSTALLED"));
}

#[test]
fn the_folder_of_a_component_is_filled_in() {
    let report = json(&bundle("case4"), &[]);
    let commands = report["findings"][0]["remedies"].to_string();
    assert!(commands.contains("netapi_31bf3856ad364e35_10.0.17763.2803_none_c2d208398729f542"), "{commands}");
    assert!(!commands.contains("COMPONENT"), "{commands}");
}
