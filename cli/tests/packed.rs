//! Packed logs, standard input, and files that are no logs.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/logs/missing-payload").join(name))
        .unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn pml(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).current_dir(folder).output().unwrap()
}

/// Runs a command with a file as standard input.
fn piped(folder: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut file = tempfile::NamedTempFile::new_in(folder).unwrap();
    file.write_all(input).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pml"));
    command.args(args).current_dir(folder).stdin(Stdio::from(File::open(file.path()).unwrap()));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Number of events that `pml info` says.
fn events(output: &Output) -> u64 {
    let info: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    info["events"].as_u64().unwrap_or_else(|| panic!("{output:?}"))
}

#[test]
fn packed_parts_are_one_capture() {
    for (ending, pack) in [("gz", gzip as fn(&[u8]) -> Vec<u8>), ("zst", zstandard)] {
        let folder = tempfile::tempdir().unwrap();
        for name in ["Bootlog.pml", "Bootlog-1.pml"] {
            fs::write(folder.path().join(format!("{name}.{ending}")), pack(&sample(name))).unwrap();
        }
        let first = format!("Bootlog.pml.{ending}");
        assert_eq!(events(&pml(folder.path(), &["info", "--format", "json", &first])), 3_000);
        assert_eq!(events(&pml(folder.path(), &["info", "--format", "json", "--no-set", &first])), 1_500);
        for input in [".", &first] {
            let output = pml(folder.path(), &["triage", "--format", "jsonl", input]);
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["rollback"]["class"], "confirmed", "{input}: {}", text(&output.stderr));
        }
        let whole = pml(folder.path(), &["convert", &first, "-o", "out.csv"]);
        assert!(whole.status.success(), "{}", text(&whole.stderr));
        assert_eq!(fs::read_to_string(folder.path().join("out.csv")).unwrap().lines().count(), 3_001);
    }
}

#[test]
fn standard_input_is_a_log_packed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let log = sample("Bootlog.pml");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["Bootlog.pml", "Bootlog-1.pml"] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&sample(name)).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    for (input, expect) in [(log.clone(), 1_500), (gzip(&log), 1_500), (zstandard(&log), 1_500), (zip, 3_000)]
    {
        assert_eq!(events(&piped(folder.path(), &["info", "--format", "json", "-"], &input)), expect);
        let output = piped(folder.path(), &["convert", "-", "-o", "-", "--to", "csv"], &input);
        assert_eq!(text(&output.stdout).lines().count() as u64, expect + 1, "{}", text(&output.stderr));
        let output = piped(folder.path(), &["slice", "-", "-o", "s.pml", "-f"], &input);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let output = piped(folder.path(), &["recover", "-", "-o", "r.pml", "-f"], &input);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let output = piped(folder.path(), &["triage", "-", "--format", "jsonl"], &input);
        assert!(text(&output.stdout).contains("standard input"), "{}", text(&output.stderr));
    }
    let output = piped(folder.path(), &["info", "-"], b"something else");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("standard input: file header"), "{}", text(&output.stderr));
    let output = piped(folder.path(), &["info", "-", "-"], &log);
    assert!(text(&output.stderr).contains("named twice"), "{}", text(&output.stderr));
}

#[test]
fn hints_say_what_a_file_is() {
    let folder = tempfile::tempdir().unwrap();
    let tar: Vec<u8> = [&[b'x'; 257][..], b"ustar", &[0; 300]].concat();
    for (bytes, hint) in [
        (&b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n"[..], "git lfs pull"),
        (b"Rar!\x1A\x07\x01\0", "RAR archive"),
        (b"7z\xBC\xAF\x27\x1C\0\x04", "unpack it yourself"),
        (b"MSCF\0\0\0\0", "cabinet"),
        (b"\xFD7zXZ\0\0", "xz"),
        (&tar, "tar archive"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xEF\xBB\xBF\"Time of Day\",\"Process Name\"", "CSV export"),
        (&[0; 4_096], "nothing but zeros"),
    ] {
        let path = folder.path().join("Bootlog.pml");
        fs::write(&path, bytes).unwrap();
        // Triage looks into cabinets: old logs of the servicing stack are packed in them.
        let commands = if hint == "cabinet" { &["info"][..] } else { &["info", "triage"] };
        for command in commands {
            let output = pml(folder.path(), &[command, "Bootlog.pml"]);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(hint) && !said.contains("pmb"), "{command}: {hint}: {said}");
        }
    }
}

#[test]
fn packed_logs_that_grow_beyond_measure_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("bomb.pml.zst");
    let mut encoder = zstd::stream::write::Encoder::new(File::create(path).unwrap(), 1).unwrap();
    encoder.write_all(b"PML_").unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap();
    fs::write(folder.path().join("cut.pml.gz"), &gzip(&sample("Bootlog.pml"))[..20_000]).unwrap();
    for (name, said) in [("bomb.pml.zst", "packed too tightly"), ("cut.pml.gz", "cannot be unpacked")] {
        for command in ["info", "triage"] {
            let output = pml(folder.path(), &[command, name]);
            assert_eq!(output.status.code(), Some(2));
            assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        }
    }
}
