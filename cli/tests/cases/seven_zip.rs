//! 7z files, as 7-Zip makes them and as nothing makes them. `data/7z/README.md` says how the files were made.

use crate::archive::{gzip, seven_zip_of, with_directory, zip_of, zstandard};
use crate::support::{bundle, json, pml};
use pml_analyzer::bundle::{BundleError, find};
use pml_analyzer::logs::Signatures;
use pml_parser::NoProgress;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/7z").join(name)
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn inputs(report: &Value) -> Vec<&str> {
    report["inputs"].as_array().unwrap().iter().map(|input| input["path"].as_str().unwrap()).collect()
}

#[test]
fn logs_are_read_from_7z_files_of_every_usual_method() {
    for name in ["lzma.7z", "copy.7z", "delta.7z", "bcj.7z", "deflate.7z", "plain-directory.7z"] {
        let report = json(&data(name), &[]);
        assert_eq!(report["code"]["code"], "0x800F0921", "{name}");
        assert_eq!(inputs(&report), ["CBS.log", "poqexec.log"], "{name}");
    }
    let report = json(&data("packed.7z"), &[]);
    assert_eq!(inputs(&report), ["CBS.log.gz", "poqexec.log"]);
    // One block with all members, in a folder and not; the boot log lies in the middle of it.
    let report = json(&data("solid.7z"), &[]);
    assert_eq!(inputs(&report).len(), 6);
    assert_eq!(inputs(&report).last(), Some(&"logs/Bootlog.pml"));
}

#[test]
fn commands_take_a_log_inside_a_7z_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let solid = data("solid.7z").to_str().unwrap().to_owned();
    let plain = pml(&["info", bundle("case5/Bootlog.pml").to_str().unwrap(), "--format", "json"]).stdout;
    for argument in [solid.clone(), format!("{solid}:logs/Bootlog.pml"), format!(r"{solid}:logs\Bootlog.pml")]
    {
        let output = pml(&["info", &argument, "--format", "json"]);
        assert_eq!(output.stdout, plain, "{argument}: {}", said(&output));
    }
    let converted = pml(&["convert", &format!("{solid}:logs/Bootlog.pml"), "-o", &path("out.csv"), "-q"]);
    assert!(converted.status.success() && fs::metadata(path("out.csv")).unwrap().len() > 0);
    let sliced = pml(&["slice", &solid, "-o", &path("out.pml"), "--where", "pid = 4", "-q"]);
    assert!(sliced.status.success(), "{}", said(&sliced));
    let dataset = pml(&["convert", &solid, "-o", &path("out"), "-q"]);
    assert!(dataset.status.success(), "{}", said(&dataset));
    let lines = fs::read_dir(path("out")).unwrap().count();
    assert!(lines > 5, "the tables of the boot log and of the text logs: {lines}");
    let output = pml(&["info", &format!("{solid}:x.pml")]);
    assert!(said(&output).contains("no log x.pml is in it"), "{}", said(&output));
}

#[test]
fn what_cannot_be_unpacked_from_a_7z_file_is_said() {
    for (name, expect) in [
        ("encrypted.7z", "2 files are encrypted and left out: CBS.log"),
        ("encrypted-names.7z", "is encrypted, with the names of the files in it"),
        ("ppmd.7z", "CBS.log: is packed with PPMd, which pml does not read"),
        ("bcj2.7z", "CBS.log: is packed with BCJ2, which pml does not read"),
    ] {
        let output = pml(&["triage", data(name).to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(said(&output).contains(expect), "{name}: {}", said(&output));
    }
}

#[test]
fn archives_and_packed_files_may_lie_in_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (cbs, log) =
        (fs::read(bundle("case5/CBS.log")).unwrap(), fs::read(bundle("case5/Bootlog.pml")).unwrap());
    let solid = fs::read(data("solid.7z")).unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let packed = [("CBS.log.gz", gzip(&cbs)), ("a/Bootlog.pml.zst", zstandard(&log))];
    let in_zip = write("in_zip.zip", zip_of(&[("x/inner.7z", solid.clone())], false));
    assert!(inputs(&json(&in_zip, &[])).contains(&"x/inner.7z:CBS.log"));
    let in_7z = write("in_7z.7z", seven_zip_of(&[("inner.zip", zip_of(&packed, false))]));
    assert_eq!(inputs(&json(&in_7z, &[])), ["inner.zip:CBS.log.gz", "inner.zip:a/Bootlog.pml.zst"]);
    for (name, bytes) in [("p.zip", zip_of(&packed, false)), ("p.7z", seven_zip_of(&packed))] {
        let path = write(name, bytes);
        let report = json(&path, &[]);
        assert_eq!(report["code"]["code"], "0x800F0921", "{name}");
        assert_eq!(inputs(&report), ["CBS.log.gz", "a/Bootlog.pml.zst"], "{name}");
        let argument = format!("{}:a/Bootlog.pml.zst", path.display());
        let output = pml(&["info", &argument, "--format", "json"]);
        let info: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(info["events"], 782, "{}", said(&output));
    }
    // A packed text log in a folder, and alone.
    let place = folder.path().join("folder");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("CBS.log.gz"), gzip(&cbs)).unwrap();
    for input in [place.clone(), place.join("CBS.log.gz")] {
        assert_eq!(json(&input, &[])["code"]["code"], "0x800F0921", "{}", input.display());
    }
    // Deeper than anybody packs.
    let mut deep = solid;
    for depth in 0..8 {
        deep =
            if depth % 2 == 0 { zip_of(&[("a.7z", deep)], false) } else { seven_zip_of(&[("a.zip", deep)]) };
    }
    let output = pml(&["triage", write("deep.7z", deep).to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("archives inside each other"), "{}", said(&output));
}

#[test]
fn members_that_grow_beyond_measure_are_refused() {
    // A text log and a log of zeros, which shrink to a 7,000th.
    let output = pml(&["triage", data("bomb.7z").to_str().unwrap(), "--format", "json"]);
    assert!(said(&output).contains("Bootlog.pml: is packed too tightly for a log"), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["code"]["code"], "0x800F0921", "what comes before the zeros is read");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gz.7z");
    let mut zeros = b"PML_".to_vec();
    zeros.resize(64 << 20, 0);
    fs::write(&path, seven_zip_of(&[("Bootlog.pml.zst", zstandard(&zeros))])).unwrap();
    let output = pml(&["triage", path.to_str().unwrap()]);
    assert!(said(&output).contains("is packed too tightly for a log"), "{}", said(&output));
}

/// Finds and reads everything in a file; nothing may panic, and no allocation may have a size that the file claims.
fn read_all(path: &Path, signatures: &Signatures) -> usize {
    let found = find(&[path.to_owned()], false, &NoProgress).unwrap();
    let mut read = 0;
    for case in &found.cases {
        read += case.logs.iter().filter_map(|log| log.read(signatures).ok()).flatten().count();
        for capture in &case.captures {
            read += usize::from(capture.files(&NoProgress).is_ok());
        }
    }
    read
}

#[test]
fn no_byte_of_a_7z_file_does_harm() {
    let signatures = Signatures::embedded().unwrap_or_else(|errors| panic!("{}", errors[0]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.7z");
    for name in ["plain-directory.7z", "bcj2.7z", "lzma.7z"] {
        let file = fs::read(data(name)).unwrap();
        let at = 32 + u64::from_le_bytes(file[12..20].try_into().unwrap()) as usize;
        let (packed, directory) = (&file[32..at], &file[at..]);
        // Every byte of the directory, with right checksums.
        for place in 0..directory.len() {
            for value in [0, 1, 0x80, 0xFF] {
                let mut changed = directory.to_vec();
                changed[place] = value;
                fs::write(&path, with_directory(packed, &changed)).unwrap();
                read_all(&path, &signatures);
            }
        }
        // Cut and damaged data, and a cut directory.
        for length in (0..file.len()).step_by(61) {
            fs::write(&path, &file[..length]).unwrap();
            read_all(&path, &signatures);
            let mut changed = packed.to_vec();
            if let Some(byte) = changed.get_mut(length) {
                *byte ^= 0x55;
            }
            fs::write(&path, with_directory(&changed, directory)).unwrap();
            read_all(&path, &signatures);
        }
        for length in 0..directory.len() {
            fs::write(&path, with_directory(packed, &directory[..length])).unwrap();
            read_all(&path, &signatures);
        }
    }
    // The file itself is whole.
    assert_eq!(read_all(&data("plain-directory.7z"), &signatures), 2);
    // Counts and sizes beyond all measure.
    for directory in [
        &b"\x01\x05\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x00"[..],
        b"\x01\x04\x06\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x09",
        b"\x17\x06\x00\x01\x09\x05\x00\x07\x0B\x01\x00\x01\x21\x21\x01\x28\x0C\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x00\x00",
        b"\x01\x04\x06\x00\x01\x09\x05\x00\x07\x0B\x01\x00\x01\x00\x0C\x05\x00\x08\x0D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x00",
    ] {
        fs::write(&path, with_directory(b"12345", directory)).unwrap();
        let found = find(std::slice::from_ref(&path), false, &NoProgress).unwrap();
        assert!(matches!(found.cases[0].error, Some(BundleError::Zip { .. })), "{directory:?}");
    }
}
