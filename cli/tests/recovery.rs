//! Broken logs on the command line: what `pml info` says about them, and what recovery restores.
#![forbid(unsafe_code)]

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../samples/logs/missing-payload/Bootlog.pml");

fn pml(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).current_dir(folder).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The first part of the sample, broken by `damage`, in a new folder.
fn broken(damage: impl Fn(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(SAMPLE).unwrap();
    damage(&mut bytes);
    fs::write(folder.path().join("broken.pml"), bytes).unwrap();
    folder
}

/// The rows of the sample's first part as CSV.
fn rows_of_the_sample(folder: &Path) -> Vec<String> {
    let whole = pml(folder, &["convert", SAMPLE, "--no-set", "-o", "-", "--to", "csv", "-q"]);
    assert_eq!(whole.status.code(), Some(0), "{}", err(&whole));
    out(&whole).lines().map(str::to_owned).collect()
}

#[test]
fn a_file_that_is_cut_short() {
    let folder = broken(|bytes| bytes.truncate(400_000));
    let folder = folder.path();

    // Without --recover the log is refused, with a hint.
    let refused = pml(folder, &["convert", "broken.pml", "-o", "boot.csv"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("--recover") && err(&refused).contains("pml info"), "{}", err(&refused));
    assert!(!folder.join("boot.csv").exists());

    // `pml info` explains the damage in one sentence.
    let info = pml(folder, &["info", "broken.pml"]);
    assert_eq!(info.status.code(), Some(1));
    let state = out(&info).lines().find(|line| line.starts_with("State")).unwrap().to_owned();
    assert!(state.contains("the file is cut short: ") && state.contains(" kept, "), "{state}");
    let info: Value =
        serde_json::from_slice(&pml(folder, &["info", "broken.pml", "--format", "json"]).stdout).unwrap();
    let (kept, lost) = (&info["recovery"]["events_kept"], &info["recovery"]["events_lost"]);
    assert_eq!(kept.as_u64().unwrap() + lost.as_u64().unwrap(), 1_500);
    assert_eq!(info["recovery"]["lost_is_exact"], true);
    assert_eq!(info["recovery"]["events_doubtful"], 0);

    // `pml convert --recover` gives the rows of the whole log, up to the cut. Names that need the tables come from
    // events.
    let csv = pml(folder, &["convert", "broken.pml", "--recover", "-o", "boot.csv"]);
    assert_eq!(csv.status.code(), Some(1), "{}", err(&csv));
    assert!(err(&csv).contains("the file is cut short"), "{}", err(&csv));
    let rows: Vec<String> =
        fs::read_to_string(folder.join("boot.csv")).unwrap().lines().map(str::to_owned).collect();
    let expected = rows_of_the_sample(folder);
    assert_eq!(rows.len() as u64, kept.as_u64().unwrap() + 1);
    assert_eq!(rows, expected[..rows.len()]);

    // `pml recover` saves a sound log with the same rows.
    let saved = pml(folder, &["recover", "broken.pml", "-o", "fixed.pml"]);
    assert_eq!(saved.status.code(), Some(1), "{}", err(&saved));
    let amounts = format!(" events kept, {lost} lost");
    assert!(
        err(&saved).contains(&amounts) && err(&saved).contains("written to fixed.pml"),
        "{}",
        err(&saved)
    );
    let fixed = pml(folder, &["convert", "fixed.pml", "-o", "-", "--to", "csv", "-q"]);
    assert_eq!(fixed.status.code(), Some(0), "{}", err(&fixed));
    assert_eq!(out(&fixed).lines().collect::<Vec<_>>(), rows);
}

#[test]
fn a_capture_that_was_never_closed() {
    let folder =
        broken(|bytes| [0x248, 0x250, 0x258, 0x260, 0x3A0].iter().for_each(|&at| bytes[at..at + 8].fill(0)));
    let folder = folder.path();
    let info = pml(folder, &["info", "broken.pml"]);
    assert!(
        out(&info).contains("State       the capture was never closed: 1,500 events kept, none lost\n"),
        "{}",
        out(&info)
    );
    // The tables of the log still exist.
    let csv = pml(folder, &["convert", "broken.pml", "--recover", "-o", "-", "--to", "csv", "-q"]);
    assert_eq!(csv.status.code(), Some(1));
    assert_eq!(out(&csv).lines().collect::<Vec<_>>(), rows_of_the_sample(folder));
    let slice = pml(folder, &["slice", "broken.pml", "--recover", "-o", "s.pml", "--where", "pid = 4"]);
    assert_eq!(slice.status.code(), Some(1), "{}", err(&slice));
    assert_eq!(pml(folder, &["info", "s.pml"]).status.code(), Some(0));
}

#[test]
fn a_hole_in_the_middle() {
    let folder = broken(|bytes| bytes[200_000..204_096].fill(0));
    let folder = folder.path();
    let saved = pml(folder, &["recover", "broken.pml", "-o", "fixed.pml"]);
    assert_eq!(saved.status.code(), Some(1), "{}", err(&saved));
    assert!(err(&saved).contains("events or processes are damaged"), "{}", err(&saved));
    let fixed = pml(folder, &["convert", "fixed.pml", "-o", "-", "--to", "csv", "-q"]);
    let expected = rows_of_the_sample(folder);
    let (kept, mut rows) = (out(&fixed).lines().count(), expected.iter());
    assert!(kept + 20 > expected.len() && kept < expected.len(), "{kept} of {}", expected.len());
    // The kept events are in order; one event at either end of the hole may have lost details.
    let changed = out(&fixed).lines().filter(|line| !rows.clone().any(|row| row == line)).count();
    assert!(changed <= 2, "{changed}");
    assert!(rows.next().is_some());
}

#[test]
fn a_sound_log_is_read_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let csv = pml(folder, &["convert", SAMPLE, "--no-set", "--recover", "-o", "-", "--to", "csv", "-q"]);
    assert_eq!((csv.status.code(), err(&csv).as_str()), (Some(0), ""));
    assert_eq!(out(&csv).lines().collect::<Vec<_>>(), rows_of_the_sample(folder));
}

#[test]
fn recovery_still_refuses_what_is_not_a_log() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pml"), b"MZ, a program, ".repeat(1_000)).unwrap();
    for args in [&["info", "a.pml"][..], &["recover", "a.pml", "-o", "b.pml"]] {
        let refused = pml(folder.path(), args);
        assert_eq!(refused.status.code(), Some(2));
        assert!(err(&refused).contains("PML_") && !err(&refused).contains("--recover"), "{}", err(&refused));
    }
    assert!(!folder.path().join("b.pml").exists());
}

/// A part whose header is gone still belongs to its set.
#[test]
fn a_part_without_a_header() {
    for fill in [0, b'A'] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let parts = ["Bootlog.pml", "Bootlog-1.pml"];
        let beside = Path::new(SAMPLE).parent().unwrap();
        for part in parts {
            fs::copy(beside.join(part), folder.join(part)).unwrap();
        }
        let whole = pml(folder, &["convert", "Bootlog.pml", "-o", "-", "--to", "csv", "-q"]);
        for part in parts {
            let sound = fs::read(beside.join(part)).unwrap();
            let mut broken = sound.clone();
            broken[..0x3A8].fill(fill);
            fs::write(folder.join(part), broken).unwrap();
            let found = pml(folder, &["convert", "Bootlog.pml", "--recover", "-o", "-", "--to", "csv", "-q"]);
            assert_eq!(found.status.code(), Some(1), "{}", err(&found));
            assert_eq!(out(&found), out(&whole), "{part}: {}", err(&found));
            fs::write(folder.join(part), sound).unwrap();
        }
    }
}
