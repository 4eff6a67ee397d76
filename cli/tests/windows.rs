//! What only Windows does: files that another program has open, names of devices, wildcards that the shell leaves to
//! the program, long paths, and processes that end without a signal. `cli/tests/faults.rs` has the same promises for
//! Unix.

#![cfg(windows)]

use pml_samples::boot::{Amount, Options};
use pml_samples::scenario::generate_in_memory;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with a log, `Bootlog.pml`.
fn fixture(events: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { amount: Amount::Events(events), ..Options::default() };
    fs::write(folder.path().join("Bootlog.pml"), &generate_in_memory(&options).unwrap()[0]).unwrap();
    folder
}

fn pml(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pml"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs a command; gives its exit status and what it said.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = pml(folder, args).output().unwrap();
    (output.status.code(), said(&output))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn closed_pipes_are_no_failure() {
    let folder = fixture(2_000);
    for args in [
        &["convert", "Bootlog.pml", "-qo", "-", "--to", "csv"][..],
        &["triage", "Bootlog.pml"],
        &["info", "Bootlog.pml"],
        &["rules"],
        &["man"],
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = pml(folder.path(), args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()), "{args:?}");
    }
}

#[test]
fn a_log_that_another_program_writes_is_refused_with_a_hint() {
    let folder = fixture(2_000);
    // As Process Monitor has it open during a capture.
    let log = folder.path().join("Bootlog.pml");
    let open = OpenOptions::new().read(true).write(true).share_mode(0).open(log).unwrap();
    let (status, said) = run(folder.path(), &["convert", "Bootlog.pml", "-o", "out"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("another program has the file open"), "{said}");
    drop(open);
    assert_eq!(run(folder.path(), &["convert", "Bootlog.pml", "-qo", "out"]).0, Some(0));
}

#[test]
fn a_dataset_that_is_in_use_is_not_lost() {
    let folder = fixture(2_000);
    assert_eq!(run(folder.path(), &["convert", "Bootlog.pml", "-qo", "out"]).0, Some(0));
    let table = folder.path().join("out/events.parquet");
    let before = fs::read(&table).unwrap();
    let open = OpenOptions::new().read(true).share_mode(1).open(&table).unwrap();
    let (status, said) = run(folder.path(), &["convert", "Bootlog.pml", "-qfo", "out", "--columns", "path"]);
    if status == Some(2) {
        // Windows refuses to rename the folder.
        assert!(said.contains("close the programs that have a file of the old dataset open"), "{said}");
        assert_eq!(names(folder.path()), ["Bootlog.pml", "out"]);
        assert_eq!(fs::read(&table).unwrap(), before);
    } else {
        // Wine renames it, and refuses to remove the file.
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("the old dataset could not be removed and remains as"), "{said}");
        assert_ne!(fs::read(&table).unwrap(), before);
        let old = names(folder.path()).into_iter().find(|name| name.ends_with(".old")).unwrap();
        assert_eq!(fs::read(folder.path().join(old).join("events.parquet")).unwrap(), before);
    }
    drop(open);
    assert_eq!(run(folder.path(), &["convert", "Bootlog.pml", "-qfo", "out"]).0, Some(0));
}

#[test]
fn a_file_that_is_mapped_cannot_be_cut_short() {
    let folder = fixture(2_000);
    let path = folder.path().join("Bootlog.pml");
    let map = pml_parser::map(&path).unwrap();
    assert!(OpenOptions::new().write(true).open(&path).unwrap().set_len(4096).is_err());
    assert_eq!(map.len() as u64, fs::metadata(&path).unwrap().len());
}

#[test]
fn names_that_windows_treats_in_a_special_way_are_refused() {
    let folder = fixture(2_000);
    for (name, reason) in [
        ("NUL", "is the name of a device"),
        ("CON", "is the name of a device"),
        ("a?b.csv", "allows no '?'"),
        ("ab:c.csv", "allows no ':'"),
    ] {
        let (status, said) = run(folder.path(), &["convert", "Bootlog.pml", "--to", "csv", "-o", name]);
        assert_eq!(status, Some(2), "{name}: {said}");
        assert!(said.contains(reason), "{name}: {said}");
    }
    assert_eq!(names(folder.path()), ["Bootlog.pml"]);
}

#[test]
fn wildcards_name_files() {
    let folder = fixture(2_000);
    fs::copy(folder.path().join("Bootlog.pml"), folder.path().join("other.pml")).unwrap();
    let count = |pattern: &str| {
        let output =
            pml(folder.path(), &["triage", "--no-set", "--format", "jsonl", pattern]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).lines().count()
    };
    assert_eq!((count("*.PML"), count("o*.pml"), count("?ootlog.pml")), (2, 1, 1));
    let (status, said) = run(folder.path(), &["info", "x*.pml"]);
    assert!(status == Some(2) && said.contains("no file has such a name"), "{said}");
}

#[test]
fn paths_of_more_than_260_characters_are_read_and_written() {
    let folder = fixture(2_000);
    // `\\?\` lets this test make the folders; the program gets the path without it.
    let deep = folder.path().join("n".repeat(100)).join("n".repeat(100)).join("n".repeat(100));
    let verbatim = Path::new(r"\\?\").join(std::path::absolute(&deep).unwrap());
    fs::create_dir_all(&verbatim).unwrap();
    fs::copy(folder.path().join("Bootlog.pml"), verbatim.join("Bootlog.pml")).unwrap();
    let path = |name: &str| deep.join(name).to_str().unwrap().to_owned();
    for out in ["out", "out.csv", "out.parquet"] {
        for force in ["-qo", "-qfo"] {
            let (status, said) = run(folder.path(), &["convert", &path("Bootlog.pml"), force, &path(out)]);
            assert_eq!(status, Some(0), "{out}: {said}");
        }
    }
    assert_eq!(run(folder.path(), &["slice", &path("Bootlog.pml"), "-qo", &path("out.pml")]).0, Some(0));
    let expected = ["Bootlog.pml", "out", "out.csv", "out.parquet", "out.pml"];
    assert_eq!(names(&verbatim), expected);
}

#[test]
fn processes_that_are_ended_at_any_moment_leave_no_half_output() {
    let folder = fixture(40_000);
    let begin = Instant::now();
    assert_eq!(run(folder.path(), &["convert", "Bootlog.pml", "-qo", "whole"]).0, Some(0));
    let took = begin.elapsed();
    let read = |output: &str| -> Vec<Vec<u8>> {
        let folder = folder.path().join(output);
        names(&folder).iter().map(|table| fs::read(folder.join(table)).unwrap()).collect()
    };
    let whole = read("whole");
    for moment in 0..20 {
        let mut child = pml(folder.path(), &["convert", "Bootlog.pml", "-qo", "out"]).spawn().unwrap();
        std::thread::sleep(took * moment / 20);
        // The process may have ended already.
        let _ = child.kill();
        child.wait().unwrap();
        if folder.path().join("out").exists() {
            assert!(read("out") == whole, "moment {moment}: half an output has its final name");
            remove_dir(&folder.path().join("out"));
        }
    }
}

/// Removes a folder, for which an indexer may need a moment.
fn remove_dir(path: &Path) {
    for _ in 0..50 {
        if fs::remove_dir_all(path).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{} cannot be removed", path.display());
}

#[test]
fn a_read_only_output_is_not_replaced_in_silence() {
    let folder = fixture(2_000);
    let out = folder.path().join("out.csv");
    File::create(&out).unwrap();
    let mut permissions = fs::metadata(&out).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&out, permissions.clone()).unwrap();
    let (status, said) = run(folder.path(), &["convert", "Bootlog.pml", "-qfo", "out.csv"]);
    let length = fs::metadata(&out).unwrap().len();
    // Systems differ in whether the attribute keeps a file from being replaced; the status says what happened.
    assert_eq!(status == Some(0), length > 0, "{said}");
    assert!(status == Some(0) || said.contains("check the rights"), "{said}");
    #[expect(clippy::permissions_set_readonly_false, reason = "Windows has no other permissions")]
    permissions.set_readonly(false);
    fs::set_permissions(&out, permissions).unwrap();
}
