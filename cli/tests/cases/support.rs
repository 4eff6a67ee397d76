//! Runs `pml` on bundles, and reads its reports.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) fn bundle(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../analyzer/tests/data/bundles").join(name)
}

pub(crate) fn pml(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).output().unwrap()
}

pub(crate) fn triage(input: &Path, args: &[&str]) -> String {
    let output = pml(&[&["triage", input.to_str().unwrap()], args].concat());
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || output.status.code() == Some(1), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn json(input: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&triage(input, &[&["--format", "json"], args].concat())).unwrap()
}

pub(crate) fn finding<'v>(report: &'v Value, id: &str) -> &'v Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["rule"] == id).unwrap_or_else(|| panic!("no {id} in {findings:?}"))
}

/// Copies the files of a bundle to a folder, without one of them.
pub(crate) fn without(name: &str, left_out: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(bundle(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != left_out {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

pub(crate) fn files_of(name: &str) -> Vec<String> {
    let names = fs::read_dir(bundle(name)).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn rules(report: &Value) -> Vec<&str> {
    let found = report["findings"].as_array().unwrap().iter().chain(report["notes"].as_array().unwrap());
    found.map(|finding| finding["rule"].as_str().unwrap()).collect()
}

pub(crate) fn steps(report: &Value) -> Vec<&str> {
    report["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap()).collect()
}

/// Whether words occur in this order.
pub(crate) fn in_order(list: &[&str], wanted: &[&str]) -> bool {
    let mut rest = list.iter();
    wanted.iter().all(|wanted| rest.any(|word| word == wanted))
}
