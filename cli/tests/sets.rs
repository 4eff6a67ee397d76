//! Parts of a capture: found, ordered, left out, missing.

#[path = "archive/mod.rs"]
mod archive;

use pml_parser::write::{LogWriter, Machine, NewEvent, NewProcess, details};
use pml_parser::{FileTime, Ticks};
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Output};

const SECOND: u64 = 10_000_000;

/// A log of ten events, one a second from `start`. It does not say when Windows started.
fn log(machine: &Machine, start: u64) -> Vec<u8> {
    part(machine, FileTime(0), start)
}

/// The same of a Windows that started at `boot`.
fn part(machine: &Machine, boot: FileTime, start: u64) -> Vec<u8> {
    let mut writer = LogWriter::new(Cursor::new(Vec::new()), machine).unwrap();
    writer.add_process(&NewProcess {
        index: 7,
        pid: 4,
        name: "System",
        start: boot,
        ..NewProcess::default()
    });
    for i in 0..10 {
        let details = details::close_file(machine.pointer(), &format!(r"C:\{start}\{i}"));
        let event = NewEvent {
            process_index: 7,
            operation: 38,
            time: FileTime(133_000_000_000_000_000 + (start + i) * SECOND),
            duration: Ticks(5),
            details: &details,
            ..NewEvent::default()
        };
        writer.add_event(&event).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn pml(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).current_dir(folder).output().unwrap()
}

/// The output of `pml info --format json` for a file, and the text on standard error.
fn info(folder: &Path, args: &[&str]) -> (serde_json::Value, String) {
    let output = pml(folder, &[&["info", "--format", "json"], args].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), said)
}

fn files(info: &serde_json::Value) -> Vec<&str> {
    let parts = info["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    parts.iter().filter_map(|part| part["file"].as_str()).collect()
}

#[test]
fn all_parts_are_found_from_any_one_in_numeric_order() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::windows_10("PC");
    for (i, number) in ["", "-1", "-2", "-9", "-10"].iter().enumerate() {
        let bytes = log(&machine, 100 * i as u64);
        fs::write(folder.path().join(format!("Bootlog{number}.pml")), bytes).unwrap();
    }
    // Neither of these files is a part.
    fs::write(folder.path().join("Bootlog-x.pml"), b"other").unwrap();
    fs::write(folder.path().join("Bootlog-1-1.pml"), b"other").unwrap();
    for named in ["Bootlog.pml", "Bootlog-2.pml", "Bootlog-10.pml"] {
        let (info, said) = info(folder.path(), &[named]);
        let expect = ["Bootlog.pml", "Bootlog-1.pml", "Bootlog-2.pml", "Bootlog-9.pml", "Bootlog-10.pml"];
        assert_eq!(files(&info), expect, "{named}");
        assert_eq!(info["events"], 50);
        assert!(said.contains("Bootlog-3.pml to Bootlog-8.pml are missing"), "{said}");
    }
}

#[test]
fn all_parts_may_be_named_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::windows_10("PC");
    for (i, name) in ["B.pml", "B-1.pml", "B-2.pml"].iter().enumerate() {
        fs::write(folder.path().join(name), log(&machine, 100 * i as u64)).unwrap();
    }
    let (info, said) = info(folder.path(), &["B-2.pml", "B.pml", "./B-1.pml", "B.pml"]);
    assert_eq!(info["events"], 30);
    assert_eq!(files(&info), ["B.pml", "B-1.pml", "B-2.pml"]);
    assert_eq!(said, "");
}

#[test]
fn foreign_parts_are_left_out_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (Machine::windows_10("HERE"), Machine::windows_10("THERE"));
    let narrow = Machine { is_64_bit: false, ..here.clone() };
    fs::write(folder.path().join("log-2021.pml"), log(&here, 500)).unwrap();
    fs::write(folder.path().join("log-2020.pml"), log(&there, 0)).unwrap();
    fs::write(folder.path().join("log-2022.pml"), log(&here, 505)).unwrap();
    fs::write(folder.path().join("log-2023.pml"), log(&narrow, 900)).unwrap();
    fs::write(folder.path().join("log-2024.pml"), log(&here, 0)).unwrap();
    let (found, said) = info(folder.path(), &["log-2021.pml"]);
    assert_eq!(files(&found), ["log-2021.pml"]);
    assert!(said.contains("log-2020.pml is left out: it is of another machine"), "{said}");
    assert!(said.contains("log-2022.pml is left out: its time overlaps"), "{said}");
    assert!(said.contains("log-2023.pml is left out: it is of another bitness"), "{said}");
    assert!(said.contains("log-2024.pml is left out: nothing shows that it continues the capture"), "{said}");

    let (alone, said) = info(folder.path(), &["--no-set", "log-2021.pml"]);
    assert_eq!((files(&alone), said.as_str()), (vec!["log-2021.pml"], ""));
}

#[test]
fn naming_two_captures_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pml"), log(&Machine::windows_10("A"), 0)).unwrap();
    fs::write(folder.path().join("b.pml"), log(&Machine::windows_10("B"), 0)).unwrap();
    let output = pml(folder.path(), &["info", "a.pml", "b.pml"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("b.pml is not a part of the same capture as a.pml: it is of another machine"),
        "{said}"
    );
}

#[test]
fn one_wrong_time_does_not_lose_a_part() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::windows_10("PC");
    let mut longer = LogWriter::new(Cursor::new(Vec::new()), &machine).unwrap();
    for i in 0..40 {
        // The last event claims to come from the far future.
        let seconds = if i == 39 { 1 << 30 } else { i };
        let time = FileTime(133_000_000_000_000_000 + seconds * SECOND);
        let details = details::close_file(8, r"C:\x");
        let event = NewEvent { operation: 38, time, details: &details, ..NewEvent::default() };
        longer.add_event(&event).unwrap();
    }
    fs::write(folder.path().join("B.pml"), longer.finish().unwrap().into_inner()).unwrap();
    fs::write(folder.path().join("B-1.pml"), log(&machine, 100)).unwrap();
    let (info, said) = info(folder.path(), &["B.pml"]);
    assert_eq!((files(&info), said.as_str()), (vec!["B.pml", "B-1.pml"], ""));
}

#[test]
fn missing_first_parts_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::windows_10("PC");
    fs::write(folder.path().join("B-2.pml"), log(&machine, 0)).unwrap();
    fs::write(folder.path().join("B-3.pml"), log(&machine, 100)).unwrap();
    let (_, said) = info(folder.path(), &["B-2.pml"]);
    assert!(said.contains("B.pml to B-1.pml are missing"), "{said}");
}

#[test]
fn an_unreadable_part_is_reported_and_sets_the_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::windows_10("PC");
    fs::write(folder.path().join("B.pml"), log(&machine, 0)).unwrap();
    fs::write(folder.path().join("B-1.pml"), &log(&machine, 100)[..2000]).unwrap();
    fs::write(folder.path().join("B-2.pml"), log(&machine, 200)).unwrap();
    let output = pml(folder.path(), &["convert", "B.pml", "-o", "out"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("a part of the capture cannot be read and is left out: B-1.pml: event offset array"),
        "{said}"
    );
    assert!(said.contains("B-1.pml is missing"), "{said}");
    assert!(folder.path().join("out/events.parquet").exists());
}

#[test]
fn event_ids_run_through_the_parts() {
    let machine = Machine::windows_10("PC");
    let logs = [0, 100, 200].map(|start| pml_parser::Log::parse(log(&machine, start)).unwrap());
    let set = pml_parser::LogSet::new(logs.into());
    let ids: Vec<u64> = set.events().map(|event| event.unwrap().id()).collect();
    assert_eq!(ids, (0..30).collect::<Vec<_>>());
    assert_eq!(set.event(17).unwrap().path().to_str(), r"C:\100\7");
    assert!(set.event(30).is_err());
    assert_eq!(set.event(17).unwrap().process().unwrap().name().to_str(), "System");
}

#[test]
fn renamed_parts_are_ordered_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::windows_10("PC");
    fs::write(folder.path().join("z.pml"), log(&machine, 0)).unwrap();
    fs::write(folder.path().join("a.pml"), log(&machine, 100)).unwrap();
    for named in [["z.pml", "a.pml"], ["a.pml", "z.pml"]] {
        let (info, said) = info(folder.path(), &named);
        assert_eq!(files(&info), ["z.pml", "a.pml"], "{said}");
    }
}

const BEGIN: u64 = 133_000_000_000_000_000;

/// When two starts of Windows were.
const BOOTS: [FileTime; 2] = [FileTime(BEGIN), FileTime(BEGIN - 86_400 * SECOND)];

/// Names that people, copies and archives give to the two parts of a capture, and the parts that are read from each
/// when the first part is named.
const NAMES: [[&str; 2]; 12] = [
    ["Bootlog.pml", "Bootlog-1.pml"],
    ["Bootlog-20241114.pml", "Bootlog-20241114-1.pml"],
    ["case-4711.pml", "case-4711-1.pml"],
    ["PC-01.pml", "PC-01-1.pml"],
    ["2024-11-14.pml", "2024-11-14-1.pml"],
    ["Bootlog (2).pml", "Bootlog-1 (2).pml"],
    ["BOOTLOG.PML", "bootlog-1.pml"],
    ["part1.pml", "part2.pml"],
    ["PC-1.pml", "PC-1-1.pml"],
    ["2024-11-14.pml", "2024-11-15.pml"],
    ["启动日志.pml", "启动日志 - 副本 (1).pml"],
    ["log_a_0.pml", "log_a_1.pml"],
];

#[test]
fn parts_are_found_by_any_name_and_decoys_are_not() {
    let (here, there) = (Machine::windows_10("HERE"), Machine::windows_10("THERE"));
    for names in NAMES {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
        write(names[0], part(&here, BOOTS[0], 0));
        write(names[1], part(&here, BOOTS[0], 12));
        // Another machine, another start of Windows, a copy, a capture of the same start hours later, another word.
        let base = names[0].rsplit_once('.').unwrap().0;
        write(&format!("{base}-3.pml"), part(&there, BOOTS[0], 30));
        write(&format!("{base}-4.pml"), part(&here, BOOTS[1], 40));
        write(&format!("{base} - Copy.pml"), part(&here, BOOTS[0], 0));
        write(&format!("{base}_77.pml"), part(&here, BOOTS[0], 9_000));
        write("other.pml", part(&here, BOOTS[0], 24));
        for named in names {
            let (info, said) = info(folder.path(), &[named]);
            assert_eq!(files(&info), names, "{named}: {said}");
            assert!(!said.contains("missing"), "{named}: {said}");
        }
        holds_one_capture_and_five_others(folder.path(), ".", names);
        // So do archives of these files, and a folder and an archive where each is packed by itself.
        let files: Vec<(String, Vec<u8>)> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                (format!("a/{}", path.file_name().unwrap().to_str().unwrap()), fs::read(path).unwrap())
            })
            .collect();
        let packed: Vec<(String, Vec<u8>)> =
            files.iter().map(|(name, bytes)| (format!("{name}.gz"), archive::gzip(bytes))).collect();
        let archives = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: Vec<u8>| fs::write(archives.path().join(name), bytes).unwrap();
        let members: Vec<(&str, Vec<u8>)> =
            files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
        write("plain.zip", archive::zip_of(&members, false));
        write("plain.7z", archive::seven_zip_of(&members));
        let members: Vec<(&str, Vec<u8>)> =
            packed.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
        write("packed.zip", archive::zip_of(&members, false));
        fs::create_dir(archives.path().join("a")).unwrap();
        for (name, bytes) in &packed {
            write(name, bytes.clone());
        }
        for input in ["plain.zip", "plain.7z", "packed.zip", "a"] {
            holds_one_capture_and_five_others(archives.path(), input, names);
        }
    }
}

/// Whether triage of an input finds one capture of two parts, and five others of one part each.
fn holds_one_capture_and_five_others(folder: &Path, input: &str, names: [&str; 2]) {
    let output = pml(folder, &["triage", input, "--format", "jsonl"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let reports: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let parts = |report: &serde_json::Value| report["input"]["parts"].as_array().map_or(0, Vec::len);
    let of_capture = |report: &&serde_json::Value| {
        let named = report["input"]["parts"].as_array().into_iter().flatten();
        names.iter().all(|name| named.clone().any(|part| part == *name || part["file"] == *name))
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(reports.iter().filter(of_capture).count(), 1, "{input} {names:?}: {said} {text}");
    assert_eq!(reports.iter().map(parts).sum::<usize>(), 7, "{input} {names:?}: {said} {text}");
}

#[test]
fn named_parts_are_one_capture_of_triage() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::windows_10("PC");
    for (name, start) in [("z.pml", 0), ("a.pml", 12), ("later.pml", 5_000)] {
        fs::write(folder.path().join(name), part(&machine, BOOTS[0], start)).unwrap();
    }
    let lines = |args: &[&str]| {
        let output = pml(folder.path(), &[&["triage", "--format", "jsonl"], args].concat());
        String::from_utf8_lossy(&output.stdout).lines().count()
    };
    assert_eq!(lines(&["a.pml", "z.pml"]), 1);
    assert_eq!(lines(&["a.pml", "z.pml", "later.pml"]), 2);
    assert_eq!(lines(&["a.pml", "z.pml", "--no-set"]), 2);
    // One of them alone is not joined by the other: the names have nothing in common.
    let (alone, said) = info(folder.path(), &["a.pml"]);
    assert_eq!((files(&alone), said.as_str()), (vec!["a.pml"], ""));
}

#[test]
fn a_part_that_its_contents_join_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::windows_10("PC");
    for (name, start) in [("part1.pml", 0), ("part2.pml", 12)] {
        fs::write(folder.path().join(name), part(&machine, BOOTS[0], start)).unwrap();
    }
    let (found, said) = info(folder.path(), &["part1.pml"]);
    assert_eq!(files(&found), ["part1.pml", "part2.pml"]);
    assert!(said.contains("part2.pml continues the capture and is read with it"), "{said}");
}

#[test]
fn unknown_processes_are_named_by_their_threads() {
    let folder = tempfile::tempdir().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/logs/missing-payload");
    let sound = fs::read(samples.join("Bootlog-1.pml")).unwrap();
    fs::copy(samples.join("Bootlog.pml"), folder.path().join("Bootlog.pml")).unwrap();
    // A part that was never closed: no table, and no offset of one.
    let array = u64::from_le_bytes(sound[0x248..0x250].try_into().unwrap()) as usize;
    let mut broken = sound[..array].to_vec();
    broken[0x248..0x268].fill(0);
    broken[0x3A0..0x3A8].fill(0);
    fs::write(folder.path().join("Bootlog-1.pml"), broken).unwrap();
    let recover = pml_parser::RecoverMode::Always;
    let options = pml_parser::OpenOptions { recover, ..pml_parser::OpenOptions::default() };
    let path = folder.path().join("Bootlog.pml");
    let both = pml_parser::LogSet::open_files(&[&path], options, &pml_parser::NoProgress).unwrap();
    let sound = pml_parser::Log::parse(sound).unwrap();
    let recovered = both.set.part(1).unwrap();
    let name = |log: pml_parser::LogView<'_>, at| {
        let event = log.event(at).unwrap();
        let process = event.process();
        process.map(|process| process.name().to_string()).unwrap_or_default()
    };
    let count = recovered.event_count();
    assert_eq!(count, sound.view().event_count());
    let named = (0..count).filter(|&at| !name(recovered, at).is_empty()).count();
    for at in 0..count {
        let (ours, theirs) = (name(recovered, at), name(sound.view(), at));
        assert!(ours.is_empty() || ours == theirs, "event {at}: {ours} is {theirs}");
    }
    let recovery = recovered.recovery().unwrap();
    assert!(recovery.processes_matched > 0, "{recovery:?}");
    assert!(10 * named >= 6 * count as usize, "{named} of {count}: {recovery:?}");
    println!("{named} of {count} events are named: {recovery:?}");
}
