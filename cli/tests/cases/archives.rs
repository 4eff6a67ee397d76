//! Zip files: inside each other, hostile, encrypted, and as inputs of all commands.

use crate::archive::zip_of;
use crate::support::{bundle, files_of, json, pml, triage};
use serde_json::Value;
use std::fs;

fn members(name: &str) -> Vec<(String, Vec<u8>)> {
    let names = files_of(name).into_iter().filter(|file| !file.ends_with(".md"));
    names.map(|file| (file.clone(), fs::read(bundle(name).join(file)).unwrap())).collect()
}

fn borrowed(members: &[(String, Vec<u8>)]) -> Vec<(&str, Vec<u8>)> {
    members.iter().map(|(name, data)| (name.as_str(), data.clone())).collect()
}

#[test]
fn logs_are_found_in_zip_files_inside_each_other_and_in_zip64() {
    let folder = tempfile::tempdir().unwrap();
    let inner = zip_of(&borrowed(&members("case4")), true);
    let outer = zip_of(&[(r"logs\inner.zip", inner.clone()), ("readme.md", b"CBS".to_vec())], false);
    fs::write(folder.path().join("case.zip"), &outer).unwrap();
    let report = json(&folder.path().join("case.zip"), &[]);
    assert_eq!(report["code"]["code"], "0x800F0986");
    let paths: Vec<&str> =
        report["inputs"].as_array().unwrap().iter().map(|i| i["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"logs/inner.zip:CBS.log"), "{paths:?}");
    // A folder of zip files: each with its own CBS.log is a case of its own.
    let second = zip_of(&borrowed(&members("case1")), false);
    let fleet = folder.path().join("fleet");
    fs::create_dir(&fleet).unwrap();
    fs::write(fleet.join("a.zip"), inner).unwrap();
    fs::write(fleet.join("b.zip"), second).unwrap();
    let lines = triage(&fleet, &["--format", "jsonl"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let codes: Vec<&str> = lines.iter().map(|line| line["code"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["0x800F0986", "0x80240FFF"]);
    // Parts of one bundle in several zip files are one case.
    let parts = folder.path().join("parts");
    fs::create_dir(&parts).unwrap();
    for (at, member) in members("case4").into_iter().enumerate() {
        fs::write(parts.join(format!("{at}.zip")), zip_of(&[(&member.0, member.1)], false)).unwrap();
    }
    assert_eq!(json(&parts, &[])["code"]["code"], "0x800F0986");
}

#[test]
fn hostile_zip_files_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    // Zip files inside each other, deeper than anybody packs them.
    let mut data = zip_of(&[("CBS.log", fs::read(bundle("case4/CBS.log")).unwrap())], false);
    for _ in 0..8 {
        data = zip_of(&[("a.zip", data)], false);
    }
    fs::write(&path, &data).unwrap();
    let output = pml(&["triage", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("archives inside each other"));
    // A text that grows a thousandfold is cut, and said so; the rest is read.
    let header = b"2024-08-01 11:02:50, Info                  CBS    x\r\n".to_vec();
    let bomb = [header, vec![0; 64 << 20]].concat();
    let windows_update = fs::read(bundle("case2/WindowsUpdate.log")).unwrap();
    fs::write(&path, zip_of(&[("CBS.log", bomb), ("WindowsUpdate.log", windows_update)], false)).unwrap();
    let report = json(&path, &[]);
    assert_eq!(report["phase"]["id"], "scan");
}

#[test]
fn commands_take_a_log_inside_a_zip_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = fs::read(bundle("case5/Bootlog.pml")).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(
        path("one.zip"),
        zip_of(&[(r"logs\Bootlog.pml", log.clone()), ("CBS.log", b"x".to_vec())], false),
    )
    .unwrap();
    let inner = zip_of(&[("b.pml", log.clone())], false);
    fs::write(path("two.zip"), zip_of(&[("a/a.pml", log.clone()), ("inner.zip", inner)], false)).unwrap();
    let info = |argument: &str| pml(&["info", &path(argument), "--format", "json"]);
    let plain = pml(&["info", bundle("case5/Bootlog.pml").to_str().unwrap(), "--format", "json"]).stdout;
    for argument in ["one.zip", "one.zip:logs/Bootlog.pml", r"one.zip:logs\Bootlog.pml"] {
        let output = info(argument);
        assert_eq!(output.stdout, plain, "{argument}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let events =
        |argument: &str| serde_json::from_slice::<Value>(&info(argument).stdout).unwrap()["events"].clone();
    assert_eq!(events("two.zip:inner.zip:b.pml"), events("two.zip:a/a.pml"));
    // Several captures, and one that is not there.
    for (argument, said) in [("two.zip", "2 captures are in it"), ("one.zip:x.pml", "no log x.pml is in it")]
    {
        let output = info(argument);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(said),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let converted = pml(&["convert", &path("one.zip"), "-o", &path("out.csv"), "-q"]);
    assert!(converted.status.success() && fs::metadata(path("out.csv")).unwrap().len() > 0);
    let sliced = pml(&[
        "slice",
        &path("one.zip:logs/Bootlog.pml"),
        "-o",
        &path("out.pml"),
        "--where",
        "pid = 4",
        "-q",
    ]);
    assert!(sliced.status.success(), "{}", String::from_utf8_lossy(&sliced.stderr));
}

#[test]
fn encrypted_files_are_named_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut zip = zip_of(
        &[
            ("secret.log", b"x".to_vec()),
            ("WindowsUpdate.log", fs::read(bundle("case2/WindowsUpdate.log")).unwrap()),
        ],
        false,
    );
    // The flag of encryption, in the header and in the directory of the first member.
    let places: Vec<usize> = [&b"PK\x03\x04"[..], b"PK\x01\x02"]
        .iter()
        .map(|signature| {
            zip.windows(4).position(|bytes| bytes == *signature).unwrap()
                + if signature[2] == 3 { 6 } else { 8 }
        })
        .collect();
    for place in places {
        zip[place] |= 1;
    }
    let path = folder.path().join("a.zip");
    fs::write(&path, zip).unwrap();
    let output = pml(&["triage", path.to_str().unwrap(), "--format", "json"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("1 file is encrypted and left out: secret.log"), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["phase"]["id"], "scan");
}
