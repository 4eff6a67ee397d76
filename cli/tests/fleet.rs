//! Many captures: each gets its tables, a broken one is a row, a run that was interrupted can go on, and neither the
//! order of the inputs nor the number of threads changes a byte.

#![forbid(unsafe_code)]

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pml_samples::boot::{Amount, Options};
use pml_samples::scenario::generate_in_memory;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn pml(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Five captures in folders and a zip file, one of them in two parts; one that is cut short, and one that is no log.
fn captures(folder: &Path) {
    for (seed, name) in [(1, "PC-1"), (2, "PC-2"), (3, "PC 3"), (4, "deep/PC-4")] {
        let options = Options { amount: Amount::Events(700), seed, parts: 2, ..Options::default() };
        let place = folder.join("in").join(name);
        fs::create_dir_all(&place).unwrap();
        for (part, bytes) in generate_in_memory(&options).unwrap().into_iter().enumerate() {
            let name = if part == 0 { "Bootlog.pml".to_owned() } else { format!("Bootlog-{part}.pml") };
            fs::write(place.join(name), bytes).unwrap();
        }
    }
    let options = Options { amount: Amount::Events(500), seed: 5, ..Options::default() };
    let log = generate_in_memory(&options).unwrap().remove(0);
    let mut zip = zip::ZipWriter::new(File::create(folder.join("in/PC-5.zip")).unwrap());
    zip.start_file("collected/Bootlog.pml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(&log).unwrap();
    zip.finish().unwrap();
    fs::create_dir_all(folder.join("in/broken")).unwrap();
    fs::write(folder.join("in/broken/Bootlog.pml"), &log[..log.len() / 2]).unwrap();
    fs::write(folder.join("in/none.pml"), b"this is no log, whatever it is called").unwrap();
}

/// Every file below a folder, by its path.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

fn read(path: &Path) -> RecordBatch {
    let mut reader =
        ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    reader.next().unwrap().unwrap()
}

/// The values of a column, as texts.
fn column(table: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let texts = cast(table.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

/// Bytes are compared by name, because a difference of two trees of bytes cannot be read.
fn assert_same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>, what: &str) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{what}");
    let different: Vec<_> =
        a.iter().filter(|(name, bytes)| b[*name] != **bytes).map(|entry| entry.0).collect();
    assert!(different.is_empty(), "{what}: {different:?}");
}

#[test]
fn every_capture_has_tables_or_a_row_that_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    captures(folder);
    let output = pml(folder, &["convert", "in", "-o", "out"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let status = read(&folder.join("out/status.parquet"));
    let ids: Vec<_> = column(&status, "capture").into_iter().flatten().collect();
    let expected =
        ["PC-1_Bootlog", "PC-2_Bootlog", "PC-5.zip_collected_Bootlog", "PC_3_Bootlog", "broken_Bootlog"];
    assert_eq!(ids, [&expected[..], &["deep_PC-4_Bootlog", "none"]].concat());
    let ends = column(&status, "status");
    let errors = column(&status, "error");
    for (at, id) in ids.iter().enumerate() {
        let is_broken = id == "broken_Bootlog" || id == "none";
        assert_eq!(ends[at].as_deref(), Some(if is_broken { "2" } else { "0" }), "{id}");
        assert_eq!(errors[at].is_some(), is_broken, "{id}: {:?}", errors[at]);
        assert_eq!(folder.join(format!("out/capture={id}/events.parquet")).exists(), !is_broken, "{id}");
        assert_eq!(said(&output).contains(&format!("{id}: ")), is_broken, "{}", said(&output));
    }
    let rows: u64 = column(&status, "rows").iter().flatten().map(|rows| rows.parse::<u64>().unwrap()).sum();
    assert_eq!(rows, 4 * 700 + 500);
    // The tables of a capture are those of a conversion of it alone.
    let log = "in/deep/PC-4/Bootlog.pml";
    let alone = pml(folder, &["convert", "-q", log, "-o", "alone", "--capture-id", "deep_PC-4_Bootlog"]);
    assert!(alone.status.success(), "{}", said(&alone));
    let mut of_many = tree(&folder.join("out/capture=deep_PC-4_Bootlog"));
    assert!(of_many.remove("status.parquet").is_some());
    assert_same(&of_many, &tree(&folder.join("alone")), "alone");
}

#[test]
fn neither_order_nor_threads_nor_repetition_changes_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    captures(folder);
    let names = ["in/PC-1", "in/PC-2", "in/PC 3", "in/deep", "in/PC-5.zip", "in/broken", "in/none.pml"];
    pml(
        folder,
        &[
            "convert", "-q", "-o", "out", "-j", "1", names[0], names[1], names[2], names[3], names[4],
            names[5], names[6],
        ],
    );
    let expected = tree(&folder.join("out"));
    assert!(expected.len() > 5 * 6, "{:?}", expected.keys());
    let again = pml(folder, &["convert", "-q", "in", "-o", "out", "--force"]);
    assert_eq!(again.status.code(), Some(1));
    // Other inputs give other names; the same inputs in another order do not.
    let mut list = tempfile::NamedTempFile::new_in(folder).unwrap();
    for name in names.iter().rev() {
        writeln!(list, "{name}").unwrap();
    }
    let listed = format!("@{}", list.path().display());
    let output = pml(folder, &["convert", "-q", &listed, "-o", "reversed", "-j", "3"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_same(&expected, &tree(&folder.join("reversed")), "from a list, in reverse");
    // The same list from standard input, with NUL after each name.
    let mut child = Command::new(env!("CARGO_BIN_EXE_pml"))
        .args(["convert", "-q", "@-", "-o", "piped"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all((names.join("\0") + "\0").as_bytes()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_same(&expected, &tree(&folder.join("piped")), "from standard input");
}

#[test]
fn a_run_that_was_killed_goes_on_and_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    captures(folder);
    let whole = pml(folder, &["convert", "-q", "in", "-o", "whole"]);
    assert_eq!(whole.status.code(), Some(1), "{}", said(&whole));
    let expected = tree(&folder.join("whole"));
    let mut interrupted = 0;
    for moment in 0..20u64 {
        let out = format!("killed-{moment}");
        let mut child = Command::new(env!("CARGO_BIN_EXE_pml"))
            .args(["convert", "-q", "in", "-o", &out])
            .current_dir(folder)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Moments that lie closer to each other at the beginning.
        std::thread::sleep(Duration::from_millis(moment * moment + 3 * moment));
        let _ = child.kill();
        interrupted += usize::from(child.wait().unwrap().code().is_none());
        let resumed = pml(folder, &["convert", "-q", "in", "-o", &out, "--resume"]);
        assert_eq!(resumed.status.code(), Some(1), "{}", said(&resumed));
        assert_same(&expected, &tree(&folder.join(&out)), &format!("killed at moment {moment}"));
        fs::remove_dir_all(folder.join(&out)).unwrap();
    }
    assert!(interrupted > 0 || cfg!(windows), "no run was killed");
}

#[test]
fn what_is_complete_stays_and_what_has_changed_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    captures(folder);
    pml(folder, &["convert", "-q", "in", "-o", "out"]);
    let refused = pml(folder, &["convert", "in", "-o", "out"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("--resume"), "{}", said(&refused));
    let time = |capture: &str| {
        fs::metadata(folder.join(format!("out/capture={capture}/events.parquet")))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = ["PC-1_Bootlog", "PC-2_Bootlog"].map(time);
    // A part goes on: the first file of the capture has other bytes now.
    let options = Options { amount: Amount::Events(400), seed: 9, ..Options::default() };
    fs::write(folder.join("in/PC-2/Bootlog.pml"), generate_in_memory(&options).unwrap().remove(0)).unwrap();
    fs::remove_file(folder.join("in/PC-2/Bootlog-1.pml")).unwrap();
    fs::write(folder.join("in/broken/Bootlog.pml"), generate_in_memory(&options).unwrap().remove(0)).unwrap();
    let resumed = pml(folder, &["convert", "in", "-o", "out", "--resume"]);
    assert!(said(&resumed).contains("4 there before"), "{}", said(&resumed));
    let after = ["PC-1_Bootlog", "PC-2_Bootlog"].map(time);
    assert_eq!(before[0], after[0], "what is complete stays");
    assert!(before[1] < after[1], "another log is read");
    assert!(folder.join("out/capture=broken_Bootlog/events.parquet").exists());
    // A log that cannot be read any more takes its tables along.
    fs::write(folder.join("in/broken/Bootlog.pml"), b"PML_ and nothing else").unwrap();
    let resumed = pml(folder, &["convert", "in", "-o", "out", "--resume"]);
    assert_eq!(resumed.status.code(), Some(1), "{}", said(&resumed));
    assert!(!folder.join("out/capture=broken_Bootlog").exists());
    // Other options make all of them again.
    let other = pml(folder, &["convert", "in", "-o", "out", "--resume", "--columns", "time,path"]);
    assert!(said(&other).contains("; 0 there before"), "{}", said(&other));
    let table = read(&folder.join("out/capture=PC-1_Bootlog/events.parquet"));
    assert_eq!(table.num_columns(), 2);
}

#[test]
fn portable_tables_lie_in_plain_folders_and_one_capture_can_be_treated_as_many() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    captures(folder);
    let output = pml(folder, &["convert", "-q", "in/PC-1", "-o", "out", "--many", "--types", "portable"]);
    assert!(output.status.success(), "{}", said(&output));
    let status = read(&folder.join("out/status.parquet"));
    assert_eq!(column(&status, "capture"), [Some("Bootlog".to_owned())]);
    assert_eq!(status.column_by_name("events").unwrap().data_type(), &DataType::Int64);
    assert!(status.column_by_name("first_time_ns").unwrap().is_valid(0));
    assert!(folder.join("out/Bootlog/events.parquet").exists());
    let resumed = pml(folder, &["convert", "in/PC-1", "-o", "out", "--resume", "--types", "portable"]);
    assert!(said(&resumed).contains("1 there before"), "{}", said(&resumed));
    // What several captures cannot have is refused before the work.
    for args in [&["--capture-id", "PC"][..], &["--columns", "nothing"], &["--where", "path ="]] {
        let refused = pml(folder, &[&["convert", "in", "-o", "refused"], args].concat());
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        assert!(!folder.join("refused").exists(), "{args:?}");
    }
}

/// A rollback, a boot log with nothing in it, a case of text logs, and one that cannot be read.
fn cases(folder: &Path) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/logs");
    for (log, name) in [("missing-payload", "A"), ("disk-and-missing", "B"), ("missing-payload", "C")] {
        fs::create_dir_all(folder.join("in").join(name)).unwrap();
        for entry in fs::read_dir(samples.join(log)).unwrap().flatten() {
            if entry.path().extension().is_some_and(|ending| ending == "pml") {
                fs::copy(entry.path(), folder.join("in").join(name).join(entry.file_name())).unwrap();
            }
        }
    }
    fs::create_dir_all(folder.join("in/D")).unwrap();
    fs::write(folder.join("in/D/Bootlog.pml"), b"PML_ and nothing else").unwrap();
}

#[test]
fn triage_over_many_writes_tables_and_a_page_over_all() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    cases(folder);
    fs::create_dir(folder.join("reports")).unwrap();
    let args = ["triage", "in", "--format", "html", "-o", "reports", "--parquet", "tables", "--lang", "en"];
    let output = pml(folder, &args);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let verdicts = read(&folder.join("tables/verdicts.parquet"));
    let texts =
        |name: &str| column(&verdicts, name).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
    assert_eq!(texts("capture"), ["A_Bootlog", "B_Bootlog", "C_Bootlog", "D_Bootlog"]);
    assert_eq!(texts("status"), ["0", "0", "0", "2"]);
    assert_eq!(texts("rollback"), ["confirmed", "confirmed", "confirmed", ""]);
    assert!(texts("error")[3].contains("D/Bootlog.pml"), "{:?}", texts("error"));
    // The first finding of each capture is the rule of its verdict.
    let findings = read(&folder.join("tables/findings.parquet"));
    let of_findings = ["capture", "rank", "rule"].map(|name| column(&findings, name));
    for (capture, rule) in texts("capture").iter().zip(texts("rule")).take(3) {
        let at = (0..findings.num_rows()).find(|&at| {
            of_findings[0][at].as_ref() == Some(capture) && of_findings[1][at].as_deref() == Some("1")
        });
        assert_eq!(of_findings[2][at.unwrap()].as_ref(), Some(&rule));
    }
    for table in ["failures", "signals", "phases", "updates", "sessions"] {
        let path = folder.join(format!("tables/{table}.parquet"));
        assert!(ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).is_ok(), "{table}");
    }
    let phases = read(&folder.join("tables/phases.parquet"));
    assert!(column(&phases, "capture").contains(&Some("B_Bootlog".to_owned())));

    let page = fs::read_to_string(folder.join("reports/index.html")).unwrap();
    for file in texts("report").iter().filter(|file| !file.is_empty()) {
        assert!(page.contains(&format!("href=\"{file}\"")), "{file}");
        assert!(folder.join("reports").join(file).exists(), "{file}");
    }
    // Two captures share their first cause.
    assert!(page.contains(&texts("rule")[0]) && page.contains("NO REPORT"));
    assert!(!page.contains("src=") && !page.contains("://"), "the page loads nothing");

    // The order of the inputs changes nothing, and the tables can be portable.
    let args =
        ["triage", "in/D", "in/C", "in/B", "in/A", "--format", "jsonl", "-o", "all.jsonl", "--parquet"];
    let again = pml(folder, &[&args[..], &["again", "--types", "portable", "--lang", "en"]].concat());
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    let other = read(&folder.join("again/verdicts.parquet"));
    assert_eq!(column(&other, "rule"), column(&verdicts, "rule"));
    assert_eq!(other.column_by_name("events").unwrap().data_type(), &DataType::Int64);
    assert_eq!(fs::read_to_string(folder.join("all.jsonl")).unwrap().lines().count(), 4);

    let redacted =
        pml(folder, &["triage", "in", "--format", "html", "-o", "reports", "--redact", "-f", "-q"]);
    assert_eq!(redacted.status.code(), Some(1), "{}", said(&redacted));
    let page = fs::read_to_string(folder.join("reports/index.html")).unwrap();
    assert!(!page.contains("ZHANGWEI"), "the page is redacted too");
}

/// Triage of `in`, with everything that a run over many writes; `-o` is `reports`, the tables are `tables`, below `out`.
fn triage_to(folder: &Path, out: &str, more: &[&str]) -> Output {
    let (reports, tables) = (format!("{out}/reports"), format!("{out}/tables"));
    fs::create_dir_all(folder.join(&reports)).unwrap();
    let args =
        ["triage", "in", "-q", "--lang", "en", "--format", "html", "-o", &reports, "--parquet", &tables];
    pml(folder, &[&args[..], more].concat())
}

#[test]
fn a_triage_that_was_killed_goes_on_and_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    cases(folder);
    let whole = triage_to(folder, "whole", &[]);
    assert_eq!(whole.status.code(), Some(1), "{}", said(&whole));
    let expected = tree(&folder.join("whole"));
    assert!(expected.keys().any(|name| name.ends_with("index.html")));
    let mut interrupted = 0;
    for moment in 0..20u64 {
        let out = format!("killed-{moment}");
        let (reports, tables) = (format!("{out}/reports"), format!("{out}/tables"));
        fs::create_dir_all(folder.join(&reports)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_pml"))
            .args([
                "triage",
                "in",
                "-q",
                "--lang",
                "en",
                "--format",
                "html",
                "-o",
                &reports,
                "--parquet",
                &tables,
            ])
            .current_dir(folder)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(2 * moment * moment + 3 * moment));
        let _ = child.kill();
        interrupted += usize::from(child.wait().unwrap().code().is_none());
        let resumed = triage_to(folder, &out, &["--resume"]);
        assert_eq!(resumed.status.code(), Some(1), "{}", said(&resumed));
        let mut found = tree(&folder.join(&out));
        // A report that was being written when the run was killed.
        found.retain(|name, _| !name.contains(".pml-") || name.contains(".pml-kept"));
        let named = |text: &str| text.replace(&out, "whole");
        let found = found.into_iter().map(|(name, bytes)| (named(&name), bytes)).collect();
        assert_same(&expected, &found, &format!("killed at moment {moment}"));
        fs::remove_dir_all(folder.join(&out)).unwrap();
    }
    assert!(interrupted > 0 || cfg!(windows), "no run was killed");
}

#[test]
fn a_case_and_a_capture_of_one_id_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    cases(folder);
    // The capture A/Bootlog.pml has the id that this case has, too.
    fs::create_dir(folder.join("in/A_Bootlog")).unwrap();
    let log =
        "2024-11-14 09:12:07, Info                  CBS    Starting TrustedInstaller initialization.\r\n";
    fs::write(folder.join("in/A_Bootlog/CBS.log"), log).unwrap();
    let args = ["triage", "in/A", "in/A_Bootlog", "in/B", "-q", "--parquet", "out"];
    pml(folder, &args);
    let first = tree(&folder.join("out"));
    let kept: Vec<_> = first.keys().filter(|name| name.contains(".pml-kept/A_Bootlog")).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    pml(folder, &[&args[..], &["--resume"]].concat());
    assert_same(&first, &tree(&folder.join("out")), "a second run");
}

#[test]
fn triage_goes_on_with_what_is_new_or_has_changed_and_prints_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    cases(folder);
    let alone = pml(folder, &["triage", "in", "--resume"]);
    assert_eq!(alone.status.code(), Some(2));
    assert!(said(&alone).contains("--parquet"), "{}", said(&alone));

    assert_eq!(triage_to(folder, "out", &[]).status.code(), Some(1));
    let refused = triage_to(folder, "out", &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("--resume"), "{}", said(&refused));
    let kept = |id: &str| {
        let path = folder.join(format!("out/tables/.pml-kept/{id}.kept"));
        fs::metadata(path).unwrap().modified().unwrap()
    };
    let before = ["A_Bootlog", "B_Bootlog", "C_Bootlog"].map(kept);
    let (first, report) = (tree(&folder.join("out")), folder.join("out/reports"));
    assert_eq!(triage_to(folder, "out", &["--resume"]).status.code(), Some(1));
    assert_eq!(["A_Bootlog", "B_Bootlog", "C_Bootlog"].map(kept), before, "nothing is analyzed again");
    assert_same(&first, &tree(&folder.join("out")), "a second run");
    // A report that is gone, a record that is damaged, and a log that is whole now are made again.
    let of_a = fs::read_dir(&report).unwrap().flatten().map(|entry| entry.path());
    let of_a = of_a.into_iter().find(|path| path.to_string_lossy().contains("A_Bootlog")).unwrap();
    fs::remove_file(&of_a).unwrap();
    let record = folder.join("out/tables/.pml-kept/B_Bootlog.kept");
    let bytes = fs::read(&record).unwrap();
    fs::write(&record, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(triage_to(folder, "out", &["--resume"]).status.code(), Some(1));
    assert_same(&first, &tree(&folder.join("out")), "what was lost");
    assert_eq!(kept("C_Bootlog"), before[2]);
    fs::copy(folder.join("in/A/Bootlog.pml"), folder.join("in/D/Bootlog.pml")).unwrap();
    let all = triage_to(folder, "out", &["--resume"]);
    let verdicts = read(&folder.join("out/tables/verdicts.parquet"));
    assert!(!column(&verdicts, "status").contains(&Some("2".to_owned())), "{}", said(&all));
    // Other options are another run.
    triage_to(folder, "out", &["--resume", "--types", "portable"]);
    assert!(kept("C_Bootlog") > before[2]);

    // Reports that have no file are printed again.
    let args = ["triage", "in", "-q", "--lang", "en", "--parquet", "text"];
    let printed = pml(folder, &args);
    let again = pml(folder, &[&args[..], &["--resume"]].concat());
    assert!(!printed.stdout.is_empty());
    assert_eq!(String::from_utf8_lossy(&printed.stdout), String::from_utf8_lossy(&again.stdout));
}
