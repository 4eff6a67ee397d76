//! Boot logs whose header is that of another machine: the one on which Process Monitor converted them.

use pml_parser::write::{LogWriter, Machine, NewEvent, NewProcess, details};
use pml_parser::{EventClass, FileTime};
use serde_json::Value;
use std::io::Cursor;
use std::process::Command;

const BEGIN: u64 = 133_485_408_450_000_000;

/// A log that begins a boot, with the header of Windows 10 22H2 on the computer `HELPDESK`; programs read these values of
/// the registry.
fn log(values: &[(&str, u32, Vec<u8>)]) -> Vec<u8> {
    let mut writer = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("HELPDESK")).unwrap();
    let start = FileTime(BEGIN - 10_000_000);
    writer.add_process(&NewProcess { index: 1, pid: 4, name: "System", start, ..NewProcess::default() });
    for (number, (path, kind, data)) in (0u64..).zip(values) {
        let (details, extra) = (details::query(path, 256, 2), details::partial_value(*kind, data));
        writer
            .add_event(&NewEvent {
                process_index: 1,
                class: EventClass::Registry,
                operation: 5,
                time: FileTime(BEGIN + number),
                details: &details,
                extra: Some(&extra),
                ..NewEvent::default()
            })
            .unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn text(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn values(computer: &str, build: &str) -> Vec<(&'static str, u32, Vec<u8>)> {
    vec![
        (
            r"HKLM\System\CurrentControlSet\Control\ComputerName\ActiveComputerName\ComputerName",
            1,
            text(computer),
        ),
        (r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\CurrentBuild", 1, text(build)),
        (
            r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\CurrentMajorVersionNumber",
            4,
            10u32.to_le_bytes().to_vec(),
        ),
    ]
}

/// The machine of a report, and the report as a text.
fn machine(log: &[u8]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Bootlog.pml"), log).unwrap();
    let run = |format: &str| {
        let args = ["triage", "Bootlog.pml", "--lang", "en", "--format", format];
        let output = Command::new(env!("CARGO_BIN_EXE_pml")).args(args).current_dir(folder.path()).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let report: Value = serde_json::from_str(&run("json")).unwrap();
    (report["machine"].clone(), run("md"))
}

#[test]
fn events_that_contradict_the_header_are_believed() {
    // Server 2016, converted on a Windows 10 22H2.
    let (found, shown) = machine(&log(&values("BRANCH-17", "14393")));
    assert_eq!(found["computer"], "BRANCH-17");
    assert_eq!(found["windows"], "10.0 build 14393");
    assert_eq!(found["converter"]["computer"], "HELPDESK");
    assert!(found["converter"]["windows"].as_str().unwrap().ends_with("build 19045"), "{found}");
    assert!(shown.contains("Converted on") && shown.contains("HELPDESK"), "{shown}");
    // The foreign build says nothing about what the captured Windows is.
    let (own, _) = machine(&log(&values("HELPDESK", "19045")));
    assert_ne!(found["product"], own["product"]);
    // The name alone, and the build alone, show it too.
    let (by_name, _) = machine(&log(&values("BRANCH-17", "19045")));
    assert_eq!(
        (&by_name["computer"], &by_name["converter"]["computer"]),
        (&"BRANCH-17".into(), &"HELPDESK".into())
    );
    let (by_build, _) = machine(&log(&values("helpdesk", "14393")));
    assert_eq!(
        (&by_build["windows"], &by_build["converter"]["computer"]),
        (&"10.0 build 14393".into(), &"HELPDESK".into())
    );
}

#[test]
fn a_header_that_no_event_contradicts_is_believed() {
    for values in [values("HELPDESK", "19045"), values("helpdesk", "19045"), Vec::new()] {
        let (found, shown) = machine(&log(&values));
        assert_eq!(found["converter"], Value::Null, "{found}");
        assert!(found["windows"].as_str().unwrap().ends_with("build 19045"), "{found}");
        assert!(!shown.contains("Converted on"), "{shown}");
    }
    // A value that could not be read says nothing, and neither does one of another kind.
    let mut broken = values("BRANCH-17", "14393");
    broken.iter_mut().for_each(|value| value.1 = 3);
    let (found, _) = machine(&log(&broken));
    assert_eq!((&found["computer"], &found["converter"]), (&"HELPDESK".into(), &Value::Null));
}
