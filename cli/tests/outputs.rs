//! Outputs appear whole or not at all.

use pml_samples::boot::{Amount, Options};
use pml_samples::scenario::generate_in_memory;
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
fn an_output_never_replaces_the_log_itself() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    fs::rename(folder.path().join("Bootlog.pml"), folder.path().join("log.parquet")).unwrap();
    let refused = pml(folder.path(), &["convert", "log.parquet", "-o", "./log.parquet", "--force"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("is a part of the log itself"), "{said}");
}

#[test]
fn impossible_output_paths_are_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    for (out, why) in [(".", "names no file"), ("..", "names no file"), ("Bootlog.pml/x", "is not a folder")]
    {
        let refused = pml(folder.path(), &["convert", "Bootlog.pml", "-o", out, "--force"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
    #[cfg(target_os = "linux")]
    {
        let refused = pml(folder.path(), &["convert", "Bootlog.pml", "-fo", "/dev/null", "--to", "csv"]);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("is not a regular file"));
    }
    // The longest name that the file system allows.
    let name = format!("{}.parquet", "n".repeat(247));
    assert_eq!(pml(folder.path(), &["convert", "Bootlog.pml", "-o", &name]).status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn an_output_that_is_a_link_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let (link, target) = (folder.path().join("link.csv"), folder.path().join("target.csv"));
    std::os::unix::fs::symlink("target.csv", &link).unwrap();
    let dangling = pml(folder.path(), &["convert", "Bootlog.pml", "-o", "link.csv"]);
    assert!(String::from_utf8_lossy(&dangling.stderr).contains("a link that leads nowhere"));
    fs::write(&target, "old").unwrap();
    assert_eq!(pml(folder.path(), &["convert", "Bootlog.pml", "-o", "link.csv"]).status.code(), Some(2));
    assert_eq!(
        pml(folder.path(), &["convert", "Bootlog.pml", "-o", "link.csv", "-f"]).status.code(),
        Some(0)
    );
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::metadata(&target).unwrap().len() > 1000);
}

#[test]
fn standard_output_takes_every_format_but_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    for format in ["csv", "xml", "jsonl", "arrow", "parquet"] {
        let file = format!("out.{format}");
        assert_eq!(pml(folder.path(), &["convert", "Bootlog.pml", "-o", &file]).status.code(), Some(0));
        let piped = pml(folder.path(), &["convert", "Bootlog.pml", "-o", "-", "--to", format]);
        assert_eq!(piped.status.code(), Some(0), "{}", String::from_utf8_lossy(&piped.stderr));
        assert!(piped.stdout == fs::read(folder.path().join(file)).unwrap(), "{format}");
    }
    let refused = pml(folder.path(), &["convert", "Bootlog.pml", "-o", "-"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("which format"));
}

#[test]
fn columns_and_zones_of_csv() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let rows = |extra: &[&str]| {
        let args = [&["convert", "Bootlog.pml", "-qo", "-", "--to", "csv"], extra].concat();
        let done = pml(folder.path(), &args);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let text = String::from_utf8(done.stdout).unwrap();
        text.lines().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let default =
        "\u{feff}\"Time of Day\",\"Process Name\",\"PID\",\"Operation\",\"Path\",\"Result\",\"Detail\"";
    assert_eq!(rows(&[])[0], default);
    assert_eq!(rows(&["--columns", "all"])[0].matches("\",\"").count(), 26);
    let utc = rows(&["--columns", "date & time, TID"]);
    assert_eq!(utc[0], "\u{feff}\"Date & Time\",\"TID\"");
    assert!(utc[1].starts_with("\"11/14/2024 12:21:33 AM\","), "{}", utc[1]);
    let china = rows(&["--columns", "date & time, TID", "--time-zone", "Asia/Shanghai"]);
    assert!(china[1].starts_with("\"11/14/2024 8:21:33 AM\","), "{}", china[1]);
}

#[test]
fn columns_of_tables() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let said = |args: &[&str]| {
        let done = pml(folder.path(), args);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stderr).unwrap()
    };
    // Details that were not requested are not counted.
    let all = said(&["convert", "Bootlog.pml", "-o", "all"]);
    assert!(all.contains("details not decoded 0"), "{all}");
    let some = said(&["convert", "Bootlog.pml", "-o", "all", "--force", "--columns", "TIME, path"]);
    assert!(some.ends_with("damaged 0\n"), "{some}");
    let tables = ["capture", "events", "modules", "processes"];
    assert_eq!(names(&folder.path().join("all")), tables.map(|table| format!("{table}.parquet")));
}

/// A reader that goes away early, and a standard error that cannot be written, are no failures.
#[cfg(target_os = "linux")]
#[test]
fn closed_pipes_are_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    let shell = |script: &str| {
        let done = Command::new("bash")
            .args(["-c", script, env!("CARGO_BIN_EXE_pml")])
            .current_dir(folder.path())
            .output()
            .unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    let script = "\"$0\" convert Bootlog.pml --to csv -o - -q | head -1 > /dev/null; exit ${PIPESTATUS[0]}";
    assert_eq!(shell(script), (Some(0), String::new()));
    assert_eq!(shell("\"$0\" convert Bootlog.pml -o out 2> /dev/full").0, Some(0));
    let (code, said) = shell("\"$0\" convert Bootlog.pml --to csv -o - > /dev/full");
    assert_eq!(code, Some(2));
    assert!(said.contains("standard output: No space left"), "{said}");
}

#[test]
fn the_output_does_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { amount: Amount::Events(150_000), parts: 2, ..Options::default() };
    for (part, bytes) in generate_in_memory(&options).unwrap().iter().enumerate() {
        let name = if part == 0 { "B.pml".to_owned() } else { format!("B-{part}.pml") };
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    for threads in ["1", "2", "5"] {
        let done = pml(folder.path(), &["convert", "B.pml", "-o", threads, "-j", threads]);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    }
    for format in ["csv", "xml", "jsonl", "arrow"] {
        let bytes = ["1", "4"].map(|threads| {
            pml(folder.path(), &["convert", "B.pml", "-qo", "-", "--to", format, "-j", threads]).stdout
        });
        assert!(bytes[0].len() > 1_000_000 && bytes[0] == bytes[1], "{format} differs");
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
    assert!(said.contains("damaged and left out: 1 event\n"), "{said}");
    assert!(said.contains(&format!("Bootlog.pml: event record at {third:#x}: needs")), "{said}");
    assert!(said.contains("1,999 events"), "{said}");
}

/// A device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path());
    // Writes beyond 4 KiB of a file fail, as on a full disk.
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
    let mut child = Command::new(env!("CARGO_BIN_EXE_pml"))
        .args(["convert", "Bootlog.pml", "-o", "out", "-j", "1"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The command is stopped once it has begun to write, which its temporary folder shows.
    while names(folder.path()).len() < 2 {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it could be stopped");
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
