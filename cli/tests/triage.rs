//! `pml triage` and `pml rules`: their inputs, their outputs, and their exit status.

use pml_parser::{Log, LogSet};
use pml_samples::boot::{Amount, Options};
use pml_samples::scenario;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn pml(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).current_dir(folder).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes the parts of a scenario's log into a folder; gives their paths.
fn write(folder: &Path, file: &str, variant: Option<&str>, parts: u32) -> Vec<PathBuf> {
    let mut scenario = scenario::load(&scenario::directory().join(file)).unwrap();
    if let Some(variant) = variant {
        scenario = scenario.variant(variant).unwrap();
    }
    let options = Options { amount: Amount::Events(5_000), parts, ..scenario.options() };
    fs::create_dir_all(folder).unwrap();
    let name = |part: usize| if part == 0 { "Bootlog.pml".to_owned() } else { format!("Bootlog-{part}.pml") };
    let capture = scenario.generate_in_memory(&options).unwrap();
    let write = |(part, bytes): (usize, Vec<u8>)| {
        let path = folder.join(name(part));
        fs::write(&path, bytes).unwrap();
        path
    };
    capture.parts.into_iter().enumerate().map(write).collect()
}

const DOUBLE: &str = "S04-disk-and-missing.toml";
const HEALTHY: &str = "S01-healthy.toml";

fn json(folder: &Path, args: &[&str]) -> Value {
    let output = pml(folder, args);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", err(&output)))
}

#[test]
fn the_first_screen_answers_the_urgent_questions() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), DOUBLE, None, 1);
    let text = out(&pml(folder.path(), &["triage", "Bootlog.pml"]));
    let screen: String = text.lines().take(40).map(|line| format!("{line}\n")).collect();
    let wanted = [
        "ROLLED BACK",
        "The disk reports read or write errors",
        "amstream.dll",
        "microsoft-windows-directshow-other, wow64, 10.0.19041.3636",
        "DEVICE DATA ERROR",
        "The disk?",
        "see finding #1",
        "fsutil resource setautoreset true C:\\",
        "chkdsk C: /r",
    ];
    for part in wanted {
        assert!(screen.contains(part), "{part:?} is not on the first screen:\n{screen}");
    }
    assert!(!text.contains('\u{1b}'), "no colours without a terminal");
    assert!(
        out(&pml(folder.path(), &["triage", "Bootlog.pml", "--color", "always"])).contains("\u{1b}[1;31m")
    );
    // Prose is wrapped; paths and commands stay whole, to be copied.
    let wide = text.lines().filter(|l| {
        l.chars().count() > 100 && !l.contains('\\') && !l.contains("pml ") && !l.contains("http")
    });
    let wide: Vec<_> =
        wide.filter(|line| !line.starts_with("     ") && !line.starts_with("Directory")).collect();
    assert!(wide.is_empty(), "{wide:?}");
    let chinese = out(&pml(folder.path(), &["triage", "Bootlog.pml", "--lang", "zh"]));
    assert!(chinese.contains("已回滚") && chinese.contains("amstream.dll"));
}

#[test]
fn exit_status_3_reports_a_rollback() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("bad"), DOUBLE, None, 1);
    write(&folder.path().join("good"), HEALTHY, None, 1);
    let status = |args: &[&str]| pml(folder.path(), args).status.code();
    assert_eq!(status(&["triage", "bad/Bootlog.pml"]), Some(0));
    assert_eq!(status(&["triage", "bad/Bootlog.pml", "--exit-code"]), Some(3));
    assert_eq!(status(&["triage", "good/Bootlog.pml", "--exit-code"]), Some(0));
    assert_eq!(status(&["triage", "bad", "good", "--format", "jsonl", "--exit-code"]), Some(3));
    assert_eq!(status(&["triage", "missing.pml", "--exit-code"]), Some(2));
}

#[test]
fn the_json_report_has_the_documented_keys() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), DOUBLE, None, 2);
    let report = json(folder.path(), &["triage", "Bootlog.pml", "--format", "json"]);
    assert_eq!((&report["schema_version"], &report["boot"]), (&Value::from(1), &Value::from("forward")));
    assert_eq!(report["rollback"]["class"], "confirmed");
    let finding = &report["findings"][1];
    let keys = [
        "rule",
        "bucket",
        "confidence",
        "score",
        "reasons",
        "path",
        "component",
        "status",
        "process",
        "pid",
        "tid",
        "phase",
        "time",
        "events",
        "interfering",
        "remedies",
        "title",
        "text",
    ];
    assert!(keys.iter().all(|key| !finding[*key].is_null()), "{finding}");
    assert_eq!(
        (&finding["phase"], &finding["status"]),
        (&Value::from("PENDING_OPERATIONS"), &Value::from("0xC0000034"))
    );
    assert_eq!(finding["component"]["arch"], "wow64");
    let sum: f64 = finding["reasons"].as_array().unwrap().iter().map(|r| r["points"].as_f64().unwrap()).sum();
    assert_eq!(finding["score"].as_f64().unwrap(), sum, "the score is the sum of its reasons");
    assert_eq!(report["disk"]["answer"], "damaged");
    // The page documents every key that is printed.
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/triage.md")).unwrap();
    let mut places =
        vec![&report, &report["rollback"], finding, &report["failures"][0], &report["phases"][0]];
    places.extend([
        &report["processes"][0],
        &finding["events"][0],
        &finding["remedies"][0],
        &finding["component"],
    ]);
    for key in places.iter().flat_map(|place| place.as_object().unwrap().keys()) {
        assert!(page.contains(&format!("`{key}`")), "docs/triage.md does not name {key}");
    }
    // A cited event is the event with that id in the log.
    let logs = ["Bootlog.pml", "Bootlog-1.pml"]
        .map(|name| Log::parse(fs::read(folder.path().join(name)).unwrap()).unwrap());
    let set = LogSet::new(logs.into_iter().collect());
    for cited in finding["events"].as_array().unwrap() {
        let event = set.event(cited["event_id"].as_u64().unwrap()).unwrap();
        assert_eq!(event.time().to_string(), cited["time"].as_str().unwrap());
        assert_eq!(event.process().unwrap().name().to_string(), cited["process"].as_str().unwrap());
    }
}

#[test]
fn directories_zips_and_broken_logs_of_a_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(&path.join("fleet/a"), DOUBLE, None, 3);
    write(&path.join("fleet/b/deep"), HEALTHY, None, 1);
    fs::create_dir_all(path.join("fleet/c")).unwrap();
    fs::write(path.join("fleet/c/Bootlog.pml"), "PML_ but not really").unwrap();
    let output = pml(path, &["triage", "fleet", "--format", "jsonl"]);
    let lines: Vec<Value> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), output.status.code()), (3, Some(1)), "{}", err(&output));
    assert_eq!(lines[0]["rollback"]["class"], "confirmed");
    assert_eq!(lines[0]["input"]["parts"].as_array().unwrap().len(), 3, "parts are one capture");
    assert_eq!(lines[1]["rollback"]["class"], "none");
    assert!(lines[2]["error"].as_str().unwrap().contains("Bootlog.pml"), "{}", lines[2]);

    // The same logs in a collector's bundle.
    let mut zip = zip::ZipWriter::new(File::create(path.join("bundle.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for part in ["Bootlog.pml", "Bootlog-1.pml", "Bootlog-2.pml"] {
        zip.start_file(format!("logs/../logs\\{part}"), options).unwrap();
        zip.write_all(&fs::read(path.join("fleet/a").join(part)).unwrap()).unwrap();
    }
    zip.start_file("CBS.log", options).unwrap();
    zip.write_all(b"text").unwrap();
    zip.finish().unwrap();
    let report = json(path, &["triage", "bundle.zip", "--format", "json"]);
    assert_eq!(report["findings"], strip_commands(&lines[0], &report)["findings"]);
    assert_eq!(report["input"]["parts"].as_array().unwrap().len(), 3);

    let several = pml(path, &["triage", "fleet", "--format", "html"]);
    assert!(
        several.status.code() == Some(2) && err(&several).contains("--format jsonl"),
        "{}",
        err(&several)
    );
    fs::create_dir(path.join("reports")).unwrap();
    pml(path, &["triage", "fleet", "--format", "html", "-o", "reports"]);
    let mut names: Vec<_> = fs::read_dir(path.join("reports"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["fleet_a_Bootlog.html", "fleet_b_deep_Bootlog.html", "index.html"]);
    let empty = pml(path, &["triage", "reports"]);
    assert!(empty.status.code() == Some(2) && err(&empty).contains("no log (*.pml)"));
}

/// A report with the commands of another report, because only the commands depend on how the log is named.
fn strip_commands(report: &Value, other: &Value) -> Value {
    let mut report = report.clone();
    for (at, finding) in report["findings"].as_array_mut().unwrap().iter_mut().enumerate() {
        finding["commands"] = other["findings"][at]["commands"].clone();
    }
    report
}

#[test]
fn reports_of_a_fleet_have_distinct_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let deep = "很深的目录名".repeat(12);
    let log = fs::read(write(path, HEALTHY, None, 1).remove(0)).unwrap();
    for place in ["fleet/a/b_c.pml".to_owned(), "fleet/a_b/c.pml".to_owned(), format!("fleet/{deep}/x.pml")] {
        fs::create_dir_all(path.join(&place).parent().unwrap()).unwrap();
        fs::write(path.join(&place), &log).unwrap();
    }
    fs::create_dir(path.join("out")).unwrap();
    let output = pml(path, &["triage", "fleet", "--format", "json", "-o", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let mut names: Vec<_> = fs::read_dir(path.join("out"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!((names.len(), &names[0][..], &names[1][..]), (3, "fleet_a_b_c-2.json", "fleet_a_b_c.json"));
}

/// The directory of a zip file may have many entries.
#[test]
fn many_zip_members_are_searched_quickly() {
    let folder = tempfile::tempdir().unwrap();
    let mut zip = zip::ZipWriter::new(File::create(folder.path().join("many.zip")).unwrap());
    for number in 0..20_000 {
        zip.start_file(format!("{number}/notes.txt"), zip::write::SimpleFileOptions::default()).unwrap();
    }
    zip.start_file("Bootlog.pml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"PK or whatever").unwrap();
    zip.finish().unwrap();
    let refused = pml(folder.path(), &["triage", "many.zip"]);
    assert!(
        refused.status.code() == Some(2) && err(&refused).contains("is not a Process Monitor log"),
        "{}",
        err(&refused)
    );
}

#[test]
fn the_evidence_proves_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), DOUBLE, None, 2);
    let whole =
        json(folder.path(), &["triage", "Bootlog.pml", "--format", "json", "--evidence", "small.pml", "-q"]);
    let small = json(folder.path(), &["triage", "small.pml", "--format", "json"]);
    let names = |report: &Value| -> Vec<(String, String)> {
        let finding = |f: &Value| (f["rule"].to_string(), f["path"].to_string());
        report["findings"].as_array().unwrap().iter().map(finding).collect()
    };
    assert_eq!(names(&small), names(&whole));
    assert_eq!(small["rollback"]["class"], whole["rollback"]["class"]);
    assert!(small["capture"]["events"].as_u64() < whole["capture"]["events"].as_u64());
    let itself = pml(folder.path(), &["triage", "Bootlog.pml", "--evidence", "Bootlog.pml", "--force"]);
    assert_eq!(itself.status.code(), Some(2));
}

#[test]
fn the_dataset_has_failures_and_findings() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), DOUBLE, None, 1);
    let output = pml(folder.path(), &["triage", "Bootlog.pml", "--parquet", "boot", "-q"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let mut names: Vec<_> = fs::read_dir(folder.path().join("boot"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let tables = ["capture", "events", "failures", "findings", "frames", "modules", "processes", "stacks"];
    assert_eq!(names, tables.map(|name| format!("{name}.parquet")));
    let again = pml(folder.path(), &["triage", "Bootlog.pml", "--parquet", "boot", "--force", "-q"]);
    assert_eq!(again.status.code(), Some(0), "{}", err(&again));
}

#[test]
fn text_from_the_log_is_only_text() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(scenario::directory().join("S05-missing-payload.toml")).unwrap();
    let hostile = r#"'{winsxs}\{component}\a<script>alert(1)</script>`|b.dll'"#;
    let text = text.replace(r"'{winsxs}\{component}\msmpeg2vdec.dll'", hostile);
    let story = scenario::Scenario::parse("hostile.toml", &text).unwrap();
    let options = Options { amount: Amount::Events(5_000), ..story.options() };
    fs::write(folder.path().join("Bootlog.pml"), &story.generate_in_memory(&options).unwrap().parts[0])
        .unwrap();
    let html = out(&pml(folder.path(), &["triage", "Bootlog.pml", "--format", "html"]));
    assert!(html.contains("&lt;script&gt;alert(1)") && !html.contains("<script>alert(1)"));
    assert!(!html.contains("http://") && !html.contains("src=\"http"), "nothing is loaded from elsewhere");
    let md = out(&pml(folder.path(), &["triage", "Bootlog.pml", "--format", "md"]));
    assert!(!md.replace("``", "").lines().any(|line| line.starts_with('<')), "{md}");
}

#[test]
fn custom_knowledge_replaces_rules_and_its_mistakes_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, DOUBLE, None, 1);
    fs::create_dir_all(path.join("own/rules")).unwrap();
    let rule = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../analyzer/knowledge/rules/RB-DISK-ERROR.toml"),
    );
    let rule = rule.unwrap().replace("The disk reports read or write errors", "Our own words");
    fs::write(path.join("own/rules/disk.toml"), &rule).unwrap();
    let report = json(path, &["triage", "Bootlog.pml", "--format", "json", "--knowledge", "own"]);
    assert_eq!(report["findings"][0]["title"], "Our own words");
    assert_eq!(report["tool"]["own_rules"][0], "RB-DISK-ERROR");
    assert!(out(&pml(path, &["rules", "--knowledge", "own"])).contains("Our own words (custom)"));

    let broken = rule
        .replace("kinds = [\"disk\"]", "kinds = [\"dsik\"]")
        .replace("chkdsk\", \"restart", "chkdks\", \"restart");
    fs::write(path.join("own/rules/disk.toml"), broken).unwrap();
    fs::write(path.join("own/markers.toml"), "[[marker]]\nid = \"x\"\noperations = [\"CraeteFile\"]\n")
        .unwrap();
    fs::write(path.join("own/rules/more.toml"), "id = \"RB-X\"\nbukcet = 1\n").unwrap();
    let refused = pml(path, &["rules", "--knowledge", "own"]);
    let said = err(&refused);
    assert_eq!(refused.status.code(), Some(2));
    for mistake in ["markers.toml:3: no operation \"CraeteFile\"", "rules/more.toml:2:"] {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
    fs::remove_file(path.join("own/markers.toml")).unwrap();
    let said = err(&pml(path, &["rules", "--knowledge", "own"]));
    for mistake in ["no remedy \"chkdks\"", "no kind of status \"dsik\"", "rules/disk.toml:"] {
        assert!(said.contains(mistake), "{mistake}: {said}");
    }
    fs::write(path.join("own/rulse.toml"), "").unwrap();
    assert!(err(&pml(path, &["rules", "--knowledge", "own"])).contains("rulse.toml:1: no such file"));
}

#[test]
fn custom_limits_may_be_any_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write(path, DOUBLE, None, 1);
    fs::create_dir_all(path.join("own/rules")).unwrap();
    let knowledge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../analyzer/knowledge");
    let read = |name: &str| fs::read_to_string(knowledge.join(name)).unwrap();
    let rule = read("rules/RB-DISK-ERROR.toml").replace("base = 70", "base = nan\nat_most = -5");
    fs::write(path.join("own/rules/disk.toml"), rule).unwrap();
    fs::write(
        path.join("own/signals.toml"),
        read("signals.toml").replace("at_most = 0.99", "at_most = -1.0"),
    )
    .unwrap();
    let output = pml(path, &["triage", "Bootlog.pml", "--format", "json", "--knowledge", "own"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn rules_explain_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let one = out(&pml(folder.path(), &["rules", "rb-queue-file-missing"]));
    assert!(
        one.contains("ROLLBACK_QUEUE_FILE_MISSING") && one.contains("Because:") && one.contains("S05"),
        "{one}"
    );
    let unknown = pml(folder.path(), &["rules", "RB-NONE"]);
    assert!(unknown.status.code() == Some(2) && err(&unknown).contains("RB-HANG"));
    let all: Value = json(folder.path(), &["rules", "--format", "json", "--lang", "zh"]);
    assert!(all.as_array().unwrap().len() >= 26);
}

#[test]
fn old_ids_are_accepted_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let old = pml(folder.path(), &["rules", "rb-poq-missing-payload"]);
    let new = pml(folder.path(), &["rules", "RB-QUEUE-FILE-MISSING"]);
    assert_eq!((old.status.code(), &old.stdout), (Some(0), &new.stdout));
    let warning = "rb-poq-missing-payload is now RB-QUEUE-FILE-MISSING; version 0.2.0 drops the old id";
    assert!(err(&old).contains(warning) && err(&new).is_empty(), "{}", err(&old));

    write(folder.path(), DOUBLE, None, 1);
    fs::create_dir_all(folder.path().join("own/rules")).unwrap();
    let knowledge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../analyzer/knowledge");
    let rule = fs::read_to_string(knowledge.join("rules/RB-DISK-ERROR.toml")).unwrap();
    let rule = rule.replace("RB-DISK-ERROR", "RB-DISK-IOERR").replace("RB-HANG", "RB-POQ-SHARING");
    fs::write(folder.path().join("own/rules/disk.toml"), rule).unwrap();
    let output = pml(folder.path(), &["triage", "Bootlog.pml", "--format", "json", "--knowledge", "own"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["findings"][0]["rule"], "RB-DISK-ERROR");
    assert!(
        err(&output).contains("rules/disk.toml:2: RB-DISK-IOERR is now RB-DISK-ERROR"),
        "{}",
        err(&output)
    );
}

/// A skeleton is complete: its rule loads, and fires in its scenario but not in the twin.
#[test]
fn a_new_rule_fires_in_its_scenario_and_not_in_the_twin() {
    for (id, words) in [("RB-MY-AGENT", "my-agent"), ("INFO-MY-AGENT", "my-agent")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("analyzer/knowledge")).unwrap();
        fs::create_dir_all(path.join("samples/scenarios")).unwrap();
        fs::write(path.join("samples/scenarios/S41n-other.expect.toml"), "").unwrap();
        let said = out(&pml(path, &["rules", "new", id]));
        for (name, fires) in [(format!("S42-{words}"), true), (format!("S42n-{words}-twin"), false)] {
            let file = path.join(format!("samples/scenarios/{name}.toml"));
            assert!(said.contains(&format!("pml-samples scenario samples/scenarios/{name}.toml")), "{said}");
            let scenario = scenario::load(&file).unwrap();
            let verdict = &scenario::expectations(&file.with_extension("expect.toml")).unwrap()[0];
            let options = Options { amount: Amount::Events(6_000), ..scenario.options() };
            let parts = scenario.generate_in_memory(&options).unwrap().parts;
            fs::write(path.join("Bootlog.pml"), &parts[0]).unwrap();
            let knowledge = ["--knowledge", "analyzer/knowledge"];
            let args = ["triage", "Bootlog.pml", "--format", "json", knowledge[0], knowledge[1]];
            let report: Value = json(path, &args);
            let rules: Vec<&Value> = ["findings", "notes"]
                .iter()
                .flat_map(|list| report[list].as_array().unwrap())
                .map(|found| &found["rule"])
                .collect();
            assert_eq!(rules.iter().any(|rule| *rule == id), fires, "{name}: {rules:?}");
            assert_eq!(report["rollback"]["class"], format!("{:?}", verdict.rollback).to_lowercase());
            let expected = verdict.finding.first().and_then(|finding| finding.id.as_deref());
            assert!(expected.is_none_or(|expected| report["findings"][0]["rule"] == expected), "{rules:?}");
        }
        let rule = fs::read_to_string(path.join(format!("analyzer/knowledge/rules/{id}.toml"))).unwrap();
        assert!(rule.contains("fires_in = [\"S42\"]") && rule.contains("silent_in = [\"S01\", \"S42n\"]"));
        assert!(said.contains("If the id is not the right one, delete these 5 files"), "{said}");
        let shown = pml(path, &["rules", id, "--knowledge", "analyzer/knowledge"]);
        let file = format!("rules/{id}.toml");
        for said in [
            format!("{file}:1: a TODO is left\n"),
            format!("{file}:6: a TODO is left in title\n"),
            "silent_in names S01, and samples/scenarios has no such scenario".to_owned(),
        ] {
            assert!(err(&shown).contains(&said), "{said}: {}", err(&shown));
        }
        // The log is that of the twin.
        let why =
            out(&pml(path, &["rules", id, "--knowledge", "analyzer/knowledge", "--why", "Bootlog.pml"]));
        let reason = match id {
            "RB-MY-AGENT" => "even_if_later_successful: ",
            _ => "facts: hang-noted does not hold",
        };
        assert!(why.starts_with(&format!("{id} does not fire\n")) && why.contains(reason), "{why}");
        let again = pml(path, &["rules", "new", id]);
        assert!(err(&again).contains(&format!("there is a rule {id} already")), "{}", err(&again));
    }
}

#[test]
fn a_new_rule_needs_a_new_id_of_the_right_form() {
    let folder = tempfile::tempdir().unwrap();
    let refusals = [
        ("RB-HANG", "there is a rule RB-HANG already"),
        ("RB-POQ-ACCESS", "is the old id of RB-QUEUE-ACCESS-DENIED"),
        ("rb-mine", "is not a rule id"),
        ("RB-", "is not a rule id"),
        ("RB-A--B", "is not a rule id"),
        ("MY-RULE", "is not a rule id"),
    ];
    for (id, reason) in refusals {
        let refused = pml(folder.path(), &["rules", "new", id, "--knowledge", "own"]);
        assert!(
            refused.status.code() == Some(2) && err(&refused).contains(reason),
            "{id}: {}",
            err(&refused)
        );
    }
    let nowhere = pml(folder.path(), &["rules", "new", "RB-MINE"]);
    assert!(err(&nowhere).contains("--knowledge DIR"), "{}", err(&nowhere));
    let said = out(&pml(folder.path(), &["rules", "new", "RB-MINE", "--knowledge", "own"]));
    assert!(said.contains("wrote own/rules/RB-MINE.toml") && !said.contains("scenario"), "{said}");
    let listed = out(&pml(folder.path(), &["rules", "--knowledge", "own"]));
    assert!(listed.contains("RB-MINE") && listed.ends_with("(custom)\n"), "{listed}");
}

#[test]
fn a_capture_that_was_never_closed_is_refused_with_a_hint_and_recovered_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "S21-truncated.toml", Some("unclosed"), 1);
    let refused = pml(folder.path(), &["triage", "Bootlog.pml"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("hint") && err(&refused).contains("--recover"), "{}", err(&refused));

    let recovered = pml(folder.path(), &["triage", "Bootlog.pml", "--recover"]);
    assert_eq!(recovered.status.code(), Some(1), "{}", err(&recovered));
    assert!(err(&recovered).contains("never closed"), "{}", err(&recovered));
    assert!(out(&recovered).contains("Recovered "), "{}", out(&recovered));
    let report: Value = json(folder.path(), &["triage", "Bootlog.pml", "--recover", "--format", "json"]);
    assert_eq!(report["rollback"]["class"], "confirmed");
    assert_eq!(report["damage"]["recovered"]["lost"], 0);
}

#[test]
fn an_output_appears_whole_and_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), HEALTHY, None, 1);
    let args = ["triage", "Bootlog.pml", "--format", "html", "-o", "report.html"];
    assert_eq!(pml(folder.path(), &args).status.code(), Some(0));
    assert!(fs::read_to_string(folder.path().join("report.html")).unwrap().trim_end().ends_with("</html>"));
    assert!(err(&pml(folder.path(), &args)).contains("exists already"));
}
