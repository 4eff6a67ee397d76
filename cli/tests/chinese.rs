//! `pml triage` in Chinese: warnings and errors follow the language of the report.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn pml(folder: &Path, locale: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pml"));
    command.env_remove("LC_MESSAGES").env("LC_ALL", locale).args(args).current_dir(folder).output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Files whose texts reach a user of `pml triage` as warnings, errors and hints.
const SOURCES: &[&str] = &[
    "cli/src/failure.rs",
    "cli/src/outcome.rs",
    "cli/src/input.rs",
    "cli/src/knowledge.rs",
    "cli/src/zone.rs",
    "cli/src/output.rs",
    "cli/src/place.rs",
    "cli/src/slice.rs",
    "cli/src/wildcard.rs",
    "cli/src/fleet/folder.rs",
    "cli/src/fleet/inputs.rs",
    "cli/src/triage/case.rs",
    "cli/src/triage/evidence.rs",
    "cli/src/triage/fleet.rs",
    "cli/src/triage/mod.rs",
    "cli/src/recover/words.rs",
    "cli/src/symbols/mod.rs",
    "cli/src/symbols/store.rs",
    "analyzer/src/bundle/advice.rs",
    "analyzer/src/bundle/archive.rs",
    "analyzer/src/bundle/error.rs",
    "analyzer/src/bundle/foreign.rs",
    "analyzer/src/bundle/packed.rs",
    "analyzer/src/bundle/seven_zip/directory.rs",
    "analyzer/src/bundle/seven_zip/mod.rs",
    "pml-parser/src/error.rs",
    "pml-parser/src/open/error.rs",
    "pml-parser/src/log/kinship.rs",
    "pml-parser/src/budget.rs",
];

/// Texts of these files that no message has.
const OTHER: &[&str] = &[
    // Beginnings of files.
    "version https://git-lfs",
    "?xml version=",
    "encoding=",
    "Time of Day",
    // What a run keeps of its options.
    "report={}",
    // `pml symbols` and `pml slice`.
    "symbols of {}",
    "in {} parts",
    "{} of {} events kept in {} s, {} written to {}{}",
    // Parts of messages that the program joins.
    "{}{}",
    "left out: {}",
    "the first: {}",
    "{} at {}",
    // Why an attribute is there.
    "used where files are opened",
];

/// The texts in double quotes of a source file, without its tests and comments, each with `{}` for its placeholders.
fn texts(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    // In raw strings, a backslash before a quote is no escape; no message is one.
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//") && !line.contains("r\""));
    let source: String = lines.map(|line| format!("{line}\n")).collect();
    let (mut texts, mut rest) = (Vec::new(), source.as_str());
    while let Some((_, after)) = rest.split_once('"') {
        let mut end = 0;
        let bytes = after.as_bytes();
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let text = after.get(..end).unwrap_or_default();
        rest = after.get(end + 1..).unwrap_or_default();
        texts.push(plain(text));
    }
    texts
}

/// A text with `{}` for what is in braces.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        plain += before;
        let Some((_, after)) = after.split_once('}') else { break };
        plain += "{}";
        rest = after;
    }
    plain + rest
}

#[test]
fn every_message_that_triage_prints_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let table = fs::read_to_string(root.join("cli/src/chinese.tsv")).unwrap();
    let known: BTreeSet<String> =
        table.lines().filter_map(|line| Some(plain(line.split_once('\t')?.0))).collect();
    let mut missing = Vec::new();
    let mut seen = 0;
    for file in SOURCES {
        for text in texts(&fs::read_to_string(root.join(file)).unwrap()) {
            for line in text.split("\\n") {
                // Separators and the name in front belong to the message that holds this one.
                let line = line.trim().trim_matches(|c| ",;:()".contains(c)).trim();
                let is_message = line.contains(' ')
                    && line.split(' ').any(|word| word.len() > 1 && word.chars().all(char::is_alphabetic));
                if !is_message || OTHER.iter().any(|other| line.contains(other)) {
                    continue;
                }
                seen += 1;
                let bare = line.strip_prefix("hint: ").unwrap_or(line);
                // What comes after a colon is looked up in turn.
                let bare = bare.strip_suffix(": {}").unwrap_or(bare);
                if !known.iter().any(|message| message.contains(bare) || is_one(message, bare)) {
                    missing.push(format!("{file}: {line}"));
                }
            }
        }
    }
    assert!(seen > 150, "{seen}");
    assert!(missing.is_empty(), "add to cli/src/chinese.tsv:\n{}", missing.join("\n"));
}

/// Whether a message of the table with one gap at its end or inside is the text with something in that gap.
fn is_one(message: &str, text: &str) -> bool {
    let Some((before, after)) = message.split_once("{}") else { return false };
    let own = before.len() + after.len();
    own > 8 && !after.contains("{}") && text.starts_with(before) && text.ends_with(after) && text.len() > own
}

#[test]
fn errors_hints_and_warnings_follow_the_language_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pml"), b"").unwrap();
    fs::write(folder.path().join("b.pml"), b"PK but no zip file, and long enough to be looked at").unwrap();
    fs::write(folder.path().join("c.pml"), b"Rar!\x1A\x07\x00 and so on, long enough to be looked at")
        .unwrap();
    let empty = err(&pml(folder.path(), "C", &["triage", "a.pml", "--lang", "zh"]));
    assert_eq!(empty, "pml：a.pml: 是空文件\n  提示：捕获或复制失败；请重新复制该文件\n");
    let rar = err(&pml(folder.path(), "C", &["triage", "c.pml", "--lang", "zh"]));
    assert!(rar.contains("这是 RAR 压缩包"), "{rar}");
    let missing = err(&pml(folder.path(), "zh_CN.UTF-8", &["triage", "no such.pml"]));
    assert!(missing.starts_with("pml：no such.pml: "), "{missing}");
    let fleet = err(&pml(folder.path(), "zh_CN.UTF-8", &["triage", "a.pml", "c.pml"]));
    assert!(
        fleet.contains("pml：警告：") && fleet.contains("是空文件") && !fleet.contains("warning"),
        "{fleet}"
    );
    let options = err(&pml(folder.path(), "zh_CN.UTF-8", &["triage", "a.pml", "--types", "portable"]));
    assert!(options.contains("需与 --parquet 一起使用"), "{options}");
    // The language that is given decides, and other commands are English.
    let english = err(&pml(folder.path(), "zh_CN.UTF-8", &["triage", "a.pml", "--lang", "en"]));
    assert!(english.starts_with("pml: a.pml: is empty\n  hint: "), "{english}");
    let info = err(&pml(folder.path(), "zh_CN.UTF-8", &["info", "a.pml"]));
    assert!(info.contains("is empty"), "{info}");
}
