//! Outputs appear whole or not at all.

use pml_samples::boot::{Amount, Options, generate_in_memory};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn sample(folder: &Path) -> PathBuf {
    let log = generate_in_memory(&Options { amount: Amount::Events(2_000), ..Options::default() }).unwrap();
    let path = folder.join("Bootlog.pml");
    fs::write(&path, &log[0]).unwrap();
    path
}

fn pml(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).current_dir(folder).output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_existing_output_is_refused_and_replaced_by_force() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    for out in ["boot", "boot.parquet"] {
        assert_eq!(pml(folder.path(), &["convert", "Bootlog.pml", "-o", out]).status.code(), Some(0));
        let refused = pml(folder.path(), &["convert", "Bootlog.pml", "-o", out]);
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("exists already") && said.contains("--force"), "{said}");
        assert_eq!(
            pml(folder.path(), &["convert", "Bootlog.pml", "-o", out, "--force"]).status.code(),
            Some(0)
        );
    }
    assert_eq!(names(folder.path()), ["Bootlog.pml", "boot", "boot.parquet"], "nothing else is left");
    let tables = ["capture", "events", "frames", "modules", "processes", "stacks"];
    assert_eq!(names(&folder.path().join("boot")), tables.map(|table| format!("{table}.parquet")));
}

#[test]
fn force_does_not_replace_a_directory_of_other_things() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    fs::create_dir(folder.path().join("Documents")).unwrap();
    fs::write(folder.path().join("Documents/thesis.txt"), "years of work").unwrap();
    let refused = pml(folder.path(), &["convert", "Bootlog.pml", "-o", "Documents", "--force"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("holds thesis.txt"));
    assert_eq!(names(&folder.path().join("Documents")), ["thesis.txt"]);
}

#[test]
fn the_output_does_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { amount: Amount::Events(300_000), parts: 2, ..Options::default() };
    for (part, bytes) in generate_in_memory(&options).unwrap().iter().enumerate() {
        let name = if part == 0 { "B.pml".to_owned() } else { format!("B-{part}.pml") };
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    for threads in ["1", "2", "5"] {
        let done = pml(folder.path(), &["convert", "B.pml", "-o", threads, "-j", threads]);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    }
    for table in names(&folder.path().join("1")) {
        let read = |threads: &str| fs::read(folder.path().join(threads).join(&table)).unwrap();
        assert!(read("1") == read("2") && read("1") == read("5"), "{table} differs");
    }
}

#[test]
fn damaged_events_are_counted_located_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = sample(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    // Details of event 3 that would reach far beyond the file.
    let offsets = u64::from_le_bytes(bytes[0x248..0x250].try_into().unwrap()) as usize;
    let third = u32::from_le_bytes(bytes[offsets + 15..offsets + 19].try_into().unwrap()) as usize;
    bytes[third + 0x2C..third + 0x30].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let done = pml(folder.path(), &["convert", "Bootlog.pml", "-o", "out"]);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("1 events are damaged"), "{said}");
    assert!(said.contains(&format!("Bootlog.pml: event record at {third:#x}: needs")), "{said}");
    assert!(said.contains("1,999 events"), "{said}");
}

/// A device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    // Everything a process writes beyond 4 KiB a file fails, as on a full disk.
    let script = "ulimit -f 4; trap '' XFSZ; exec \"$0\" convert Bootlog.pml -o out";
    let done = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_pml")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("File too large"), "{said}");
    assert_eq!(names(folder.path()), ["Bootlog.pml"], "neither the output nor a temporary is left");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { amount: Amount::Events(400_000), ..Options::default() };
    fs::write(folder.path().join("Bootlog.pml"), &generate_in_memory(&options).unwrap()[0]).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_pml"))
        .args(["convert", "Bootlog.pml", "-o", "out", "-j", "1"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Stop it once it has begun to write: its temporary folder is there.
    while names(folder.path()).len() < 2 {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("stopped"), "{said}");
    assert_eq!(names(folder.path()), ["Bootlog.pml"]);
}
