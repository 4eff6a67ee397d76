//! Hostile logs and bundles at the level of the program: what it prints, writes and refuses.
//! `pml-parser/tests/hostile.rs` tests the contents of hostile logs.

use pml_parser::write::{LogWriter, Machine, NewEvent, NewModule, NewProcess, details};
use pml_parser::{EventClass, FileTime, Log, NtStatus};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Output};

fn pml(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pml")).args(args).current_dir(folder).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn refused(folder: &Path, args: &[&str]) -> String {
    let output = pml(folder, args);
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    err(&output)
}

/// Characters that control a terminal or mislead a reader, one of each kind.
const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;x\u{7}\r\u{8}\u{9b}31m\u{202E}\u{2066}\u{200F}\u{61C}\u{2028}\u{2029}\u{7f}";

/// A log with `evil` in the names of the machine and a process, and in the paths of events that fail.
fn log(is_64_bit: bool, evil: &str) -> Vec<u8> {
    let machine = Machine { is_64_bit, ..Machine::windows_10(&evil.chars().take(15).collect::<String>()) };
    let mut log = LogWriter::new(Cursor::new(Vec::new()), &machine).unwrap();
    let path = format!(r"C:\Windows\{evil}");
    let modules = vec![NewModule { base: 0x1000, size: 0x1000, path: &path, ..NewModule::default() }];
    let process = NewProcess {
        name: "TiWorker.exe",
        image_path: r"C:\Windows\WinSxS\TiWorker.exe",
        command_line: evil,
        company: evil,
        description: evil,
        version: evil,
        user: evil,
        ..NewProcess::default()
    };
    log.add_process(&NewProcess { index: 1, pid: 4, name: "System", ..NewProcess::default() });
    log.add_process(&NewProcess { index: 2, pid: 8, parent_index: 3, modules, ..process.clone() });
    // Parents in a circle.
    log.add_process(&NewProcess { index: 3, pid: 12, parent_index: 2, name: evil, ..process });
    for (number, status) in [0, 0xC000_003E, 0xC000_0185, 0xC000_0034].into_iter().enumerate() {
        log.add_event(&NewEvent {
            process_index: 2 + number as u32 % 2,
            tid: 8,
            class: EventClass::FileSystem,
            operation: 20,
            time: FileTime(133_485_408_450_000_000 + number as u64 * 10_000),
            status: NtStatus(status),
            stack: &[0x1010],
            details: &details::create_file(machine.pointer(), &path, &details::Create::READ),
            ..NewEvent::default()
        })
        .unwrap();
    }
    log.finish().unwrap().into_inner()
}

/// Asserts that the text has no characters of the kinds in [`EVIL`].
#[track_caller]
fn assert_plain(text: &str) {
    let obeyed = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let found: Vec<String> = text.chars().filter(obeyed).map(|c| c.escape_unicode().to_string()).collect();
    assert!(found.is_empty(), "{found:?} in {text}");
}

#[test]
fn terminal_control_characters_are_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    for is_64_bit in [true, false] {
        fs::write(folder.path().join("evil.pml"), log(is_64_bit, EVIL)).unwrap();
        for args in [
            &["info", "evil.pml"][..],
            &["triage", "evil.pml"],
            &["triage", "evil.pml", "--lang", "zh"],
            &["triage", "evil.pml", "--format", "md"],
            &["triage", "evil.pml", "--format", "html"],
            &["convert", "evil.pml", "-o", "evil.parquet", "--force"],
            &["convert", "evil.pml", "-o", "out", "--force"],
            &["slice", "evil.pml", "-o", "part.pml", "--where", "pid = 8", "--force"],
        ] {
            let output = pml(folder.path(), args);
            assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
            assert_plain(&err(&output));
            // The program's own text has no control characters except line feeds, either.
            assert_plain(&out(&output));
        }
    }
}

/// File names are untrusted text, too.
#[cfg(unix)]
#[test]
fn file_names_are_sanitized_in_messages() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("{}.pml", EVIL.replace('\n', ""));
    fs::write(folder.path().join(&name), "no log").unwrap();
    let directory = format!("d{EVIL}");
    fs::create_dir(folder.path().join(&directory)).unwrap();
    for args in [
        &["info", &name][..],
        &["convert", &name, "-o", "x.csv"],
        &["triage", &name],
        &["triage", &directory],
        &["slice", &name, "-o", "y.pml", "--where", "pid = 1"],
        &["rules", &name],
        &["rules", "--knowledge", &name],
        &["convert", "x.pml", "--where", &format!("path = {EVIL}")],
    ] {
        assert_plain(&refused(folder.path(), args));
    }
}

#[test]
fn untrusted_knowledge_is_sanitized() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("own/rules")).unwrap();
    let rule = Path::new(env!("CARGO_MANIFEST_DIR")).join("../analyzer/knowledge/rules/RB-DISK-ERROR.toml");
    let evil = r"\u001b[2J\u009b\u202e";
    let text = fs::read_to_string(rule).unwrap();
    let text = text.replace("The disk reports read or write errors", &format!("Evil {evil}"));
    fs::write(folder.path().join("own/rules/disk.toml"), text).unwrap();
    for args in [
        &["rules", "--knowledge", "own"][..],
        &["rules", "RB-DISK-ERROR", "--knowledge", "own"],
        &["rules", "--format", "md", "--knowledge", "own"],
    ] {
        let output = pml(folder.path(), args);
        assert!(out(&output).contains("Evil \u{FFFD}[2J"), "{}{}", out(&output), err(&output));
        assert_plain(&out(&output));
    }
}

/// Nesting in a knowledge file cannot cause deep recursion.
#[test]
fn deep_nesting_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("own")).unwrap();
    for text in [
        format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("[{}x]", "a.".repeat(100_000)),
        format!("{}x = 1", "a.".repeat(100_000)),
    ] {
        fs::write(folder.path().join("own/markers.toml"), text).unwrap();
        let said = refused(folder.path(), &["rules", "--knowledge", "own"]);
        assert!(said.contains("markers.toml:1: "), "{said}");
    }
    // A filter has a limit, too; nobody writes a hundred levels by hand.
    fs::write(folder.path().join("a.pml"), log(true, "a")).unwrap();
    let convert =
        |filter: &str| pml(folder.path(), &["convert", "a.pml", "-o", "a.csv", "--force", "--where", filter]);
    for filter in [
        format!("{}pid = 8{}", "(".repeat(60_000), ")".repeat(60_000)),
        format!("{}pid = 8", "not ".repeat(30_000)),
    ] {
        let output = convert(&filter);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            err(&output).contains("nest deeper than 100"),
            "{}",
            err(&output).get(..300).unwrap_or_default()
        );
    }
    let pattern = format!("path matches '{}a{}'", "(".repeat(60_000), ")".repeat(60_000));
    assert_eq!(convert(&pattern).status.code(), Some(2), "a regular expression has a depth too");
    let deep = format!("{}pid = 8{}", "(".repeat(100), ")".repeat(100));
    assert_eq!(convert(&deep).status.code(), Some(0));
}

/// Knowledge files have a largest size, and folders a greatest depth.
#[test]
fn files_and_folders_have_limits() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("own")).unwrap();
    fs::write(folder.path().join("own/markers.toml"), vec![b'#'; (4 << 20) + 1]).unwrap();
    let said = refused(folder.path(), &["rules", "--knowledge", "own"]);
    assert!(said.contains("too large for a file of knowledge"), "{said}");

    for (depth, is_found) in [(16, true), (17, false)] {
        let deep = folder.path().join(format!("tree{depth}")).join(vec!["a"; depth].join("/"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("a.pml"), log(true, "a")).unwrap();
        let found = pml(folder.path(), &["triage", &format!("tree{depth}")]);
        assert_eq!(found.status.code(), Some(if is_found { 0 } else { 2 }), "{}", err(&found));
    }
}

/// A value of a log in HTML, where it would be markup, an attribute or an address.
#[test]
fn html_from_a_log_is_text() {
    let folder = tempfile::tempdir().unwrap();
    let evil = r#"<script>alert(1)</script>" onload='x' <a href="javascript:x">{{ 7191*7 }}"#;
    fs::write(folder.path().join("a.pml"), log(true, evil)).unwrap();
    let html = out(&pml(folder.path(), &["triage", "a.pml", "--format", "html"]));
    assert!(html.contains("&lt;script&gt;alert(1)"), "the path is in the report");
    for markup in ["<script>alert", "onload='", "<a href=\"javascript", "href=\"javascript", "\" onload"] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert!(!html.contains("50337"), "text of a log is not evaluated as a template");
}

#[test]
fn markdown_from_a_log_is_text() {
    let folder = tempfile::tempdir().unwrap();
    let evil = "`x` | a | **b** [c](http://d) <img src=x> ![e](f)\n# g";
    fs::write(folder.path().join("a.pml"), log(true, evil)).unwrap();
    let text = out(&pml(folder.path(), &["triage", "a.pml", "--format", "md"]));
    assert!(text.contains(r"\| a \| \*\*b\*\* \[c\](http:\//d) &lt;img"), "{text}");
    for markup in ["<img", "](http://", "![e]"] {
        assert!(!text.contains(markup), "{markup} in {text}");
    }
    assert!(!text.lines().any(|line| line.starts_with("# g")), "{text}");
}

#[test]
fn json_from_a_log_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let evil = format!("{EVIL}\"\\\n\u{0}\u{FFFE}");
    fs::write(folder.path().join("a.pml"), log(true, &evil)).unwrap();
    for args in [&["info", "a.pml", "--format", "json"][..], &["triage", "a.pml", "--format", "json"]] {
        let _: Value = serde_json::from_slice(&pml(folder.path(), args).stdout).unwrap();
    }
    assert_eq!(pml(folder.path(), &["convert", "a.pml", "-o", "a.jsonl"]).status.code(), Some(0));
    for line in fs::read_to_string(folder.path().join("a.jsonl")).unwrap().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            event["path"].as_str().unwrap(),
            format!(r"C:\Windows\{}", evil.split('\0').next().unwrap())
        );
    }
}

/// Every character that XML does not allow, and every half of a surrogate pair.
#[test]
fn xml_from_a_log_is_well_formed() {
    let folder = tempfile::tempdir().unwrap();
    let controls: String = (1..0x20).chain([0x7F, 0x85, 0xFFFE, 0xFFFF]).filter_map(char::from_u32).collect();
    let evil = format!("]]><!--&amp;'\"{controls}<event>");
    let mut bytes = log(true, &evil);
    // A string of Rust cannot hold half of a surrogate pair, so a placeholder in the log is overwritten.
    let units: Vec<u8> = "]]><!--".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for at in 0..bytes.len() - units.len() {
        if bytes[at..].starts_with(&units) {
            bytes[at..at + 2].copy_from_slice(&0xD800u16.to_le_bytes());
            bytes[at + 2..at + 4].copy_from_slice(&0xDC00u16.to_be_bytes());
        }
    }
    fs::write(folder.path().join("a.pml"), bytes).unwrap();
    let columns = "Process Name,Path,Detail,Command Line,Company,User";
    let done = pml(folder.path(), &["convert", "a.pml", "-o", "a.xml", "--stacks", "--columns", columns]);
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    let text = fs::read_to_string(folder.path().join("a.xml")).unwrap();
    assert_eq!(text.matches("<event>").count(), 4, "nothing of the log is an element");
    well_formed(text.trim_start_matches('\u{FEFF}'));
}

/// Checks what makes XML well-formed as far as this program writes it: the declaration, elements that are
/// closed in order, references by name, and characters that XML has.
#[track_caller]
fn well_formed(text: &str) {
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    assert!(text.chars().all(is_allowed), "a character that XML does not have");
    let mut rest = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
    let mut open: Vec<&str> = Vec::new();
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        for reference in before.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;", "apos;"].iter().any(|name| reference.starts_with(name)));
        }
        assert!(!before.contains("]]>") && (!open.is_empty() || before.trim().is_empty()));
        let end = tag.find('>').unwrap();
        let name = &tag[1..end];
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => {
                assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{name}");
                open.push(name);
            }
        }
        rest = &tag[end + 1..];
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?}");
}

#[test]
fn csv_formulas() {
    let folder = tempfile::tempdir().unwrap();
    for begin in ["=", "+", "-", "@", "\t=", "\r="] {
        let formula = format!("{begin}cmd|' /C calc'!A0");
        fs::write(folder.path().join("a.pml"), log(true, &formula)).unwrap();
        let columns = "Command Line,Company,User";
        for (option, mark) in [(None, ""), (Some("--safe-csv"), "'")] {
            let mut args = vec!["convert", "a.pml", "-o", "a.csv", "--force", "--columns", columns];
            args.extend(option);
            assert_eq!(pml(folder.path(), &args).status.code(), Some(0));
            let text = fs::read_to_string(folder.path().join("a.csv")).unwrap();
            // Without the option, as Process Monitor writes it.
            let cells = format!("\"{mark}{formula}\",\"{mark}{formula}\",\"{mark}{formula}\"\r\n");
            assert_eq!(text.matches(&cells).count(), 4, "{text}");
        }
    }
}

/// Parents in a circle, and processes that are their own parents, cause no endless loop.
#[test]
fn processes_that_are_their_own_parents() {
    let folder = tempfile::tempdir().unwrap();
    for is_64_bit in [true, false] {
        let mut bytes = log(is_64_bit, "a");
        let word =
            |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let table = word(&bytes, 0x250);
        let second = table + word(&bytes, table + 4 + 4 * 3 + 4);
        for own in [3u32, 2] {
            bytes[second + 0xC..second + 0x10].copy_from_slice(&own.to_le_bytes());
            fs::write(folder.path().join("a.pml"), &bytes).unwrap();
            assert_eq!(pml(folder.path(), &["triage", "a.pml"]).status.code(), Some(0));
            let slice = ["slice", "a.pml", "-o", "b.pml", "--force", "--where", "pid = 8"];
            assert_eq!(pml(folder.path(), &slice).status.code(), Some(0));
            let part = Log::parse(fs::read(folder.path().join("b.pml")).unwrap()).unwrap();
            assert_eq!(part.view().process(2).unwrap().parent_index(), own);
        }
    }
}

/// Every command that reads events refuses thousands of entries for one huge record, and leaves nothing behind.
#[test]
fn overlapping_records_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let huge = "y".repeat(500_000);
    let mut writer = LogWriter::new(Cursor::new(Vec::new()), &Machine::windows_10("HUGE")).unwrap();
    let start = details::process_start(4, "a", "b", &[&huge]);
    let class = EventClass::Process;
    writer.add_event(&NewEvent { class, operation: 7, details: &start, ..NewEvent::default() }).unwrap();
    let mut bytes = writer.finish().unwrap().into_inner();
    let at = u64::from_le_bytes(bytes[0x248..0x250].try_into().unwrap()) as usize;
    let (entry, array) = (bytes[at..at + 5].to_vec(), bytes.len() as u64);
    bytes[0x234..0x238].copy_from_slice(&1_000u32.to_le_bytes());
    bytes[0x248..0x250].copy_from_slice(&array.to_le_bytes());
    bytes.extend(entry.repeat(1_000));
    fs::write(folder.path().join("a.pml"), bytes).unwrap();
    // Events are not looked at, but the array lies after the tables.
    assert_eq!(pml(folder.path(), &["info", "a.pml"]).status.code(), Some(1));
    for args in [
        &["triage", "a.pml"][..],
        &["convert", "a.pml", "-o", "out"],
        &["convert", "a.pml", "-o", "a.csv"],
        &["convert", "a.pml", "-o", "a.jsonl"],
        &["slice", "a.pml", "-o", "b.pml", "--where", "pid is null"],
    ] {
        let said = refused(folder.path(), args);
        assert!(said.contains("records overlap: together they are many times larger than the log"), "{said}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["a.pml"]);
}

// Zip files, made byte by byte, because no library makes such files.

/// A member of a zip file, with the values that its headers claim.
#[derive(Clone)]
struct Member {
    name: Vec<u8>,
    data: Vec<u8>,
    flags: u16,
    unpacked: u32,
    crc: u32,
    /// External file attributes; the upper 16 bits hold the Unix mode.
    attributes: u32,
    /// Whether the member has its own data, or shares those of the first member.
    shares: bool,
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn member(name: &str, data: &[u8]) -> Member {
    Member {
        name: name.as_bytes().to_vec(),
        data: data.to_vec(),
        flags: 0x800,
        unpacked: data.len() as u32,
        crc: crc32(data),
        attributes: 0o100_644 << 16,
        shares: false,
    }
}

fn zip(members: &[Member]) -> Vec<u8> {
    let (mut file, mut directory, mut first) = (Vec::new(), Vec::new(), 0);
    for (number, member) in members.iter().enumerate() {
        let at = if member.shares { first } else { file.len() as u32 };
        first = if number == 0 { at } else { first };
        let mut common = Vec::new();
        for half in [20, member.flags, 0, 0, 0x21] {
            common.extend(half.to_le_bytes());
        }
        for word in [member.crc, member.data.len() as u32, member.unpacked] {
            common.extend(word.to_le_bytes());
        }
        common.extend((member.name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        if !member.shares {
            file.extend(b"PK\x03\x04");
            file.extend(&common);
            file.extend(&member.name);
            file.extend(&member.data);
        }
        directory.extend(b"PK\x01\x02");
        directory.extend([20, 3]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend(member.attributes.to_le_bytes());
        directory.extend(at.to_le_bytes());
        directory.extend(&member.name);
    }
    let start = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend((members.len() as u16).to_le_bytes().repeat(2));
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(start.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// Runs triage of a zip file, and asserts that it leaves no unpacked file.
fn triage_zip(members: &[Member]) -> (Output, Vec<Value>) {
    // The program uses a temporary folder of this test.
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("b.zip"), zip(members)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pml"))
        .args(["triage", "b.zip", "--format", "jsonl"])
        .current_dir(folder.path())
        .env("TMPDIR", temporary.path())
        .env("TMP", temporary.path())
        .output()
        .unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "the unpacked files are gone");
    assert_plain(&err(&output));
    let lines = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output, lines)
}

#[test]
fn zip_members_that_lead_elsewhere() {
    let log = log(true, "a");
    for name in [
        "../../x.pml",
        "/etc/x.pml",
        r"C:\x.pml",
        r"..\..\x.pml",
        "a/../../x.pml",
        "//server/share/x.pml",
        "a\nb/\u{1b}[2Jx.pml",
        "x\u{1b}[2J\r\n.pml",
        "x:y.pml",
        "$(touch z).pml",
        &format!("{}.pml", "x".repeat(4_000)),
    ] {
        let (output, lines) = triage_zip(&[member(name, &log)]);
        assert_eq!((output.status.code(), lines.len()), (Some(0), 1), "{name:?}: {}", err(&output));
        let file = lines[0]["input"]["parts"][0]["file"].as_str().unwrap();
        assert!(!file.contains(['/', '\\', '\n', '\u{1b}', ':', '$']) && file.ends_with(".pml"), "{file:?}");
        assert_eq!(lines[0]["capture"]["events"], 4);
        let commands = lines[0]["findings"].to_string();
        assert!(!commands.contains("$(touch"), "{commands}");
    }
    // Some programs end a name at a NUL, others do not.
    let (output, lines) = triage_zip(&[member("x\0.pml", &log)]);
    assert!(output.status.code() == Some(0) && lines.len() == 1, "{}", err(&output));
}

#[test]
fn zip_members_of_one_name() {
    let (good, other) = (log(true, "a"), log(false, "b"));
    // In different folders, two captures.
    let (_, lines) = triage_zip(&[member("a/x.pml", &good), member("b/x.pml", &other)]);
    let names: Vec<_> = lines.iter().map(|line| line["input"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["b.zip:a/x.pml", "b.zip:b/x.pml"]);
    // In one folder, a warning says which member is used.
    let (output, lines) = triage_zip(&[member("x.pml", &good), member("x.pml", &other)]);
    assert!(err(&output).contains("several files in it have the same name; the last of them is used"));
    assert_eq!((lines.len(), &lines[0]["machine"]["bits"]), (1, &Value::from(32)));
    // Two spellings of one path: neither member overwrites the other.
    let (output, lines) = triage_zip(&[member("a/x.pml", &good), member(r"a\x.pml", &other)]);
    assert_eq!((output.status.code(), lines.len()), (Some(0), 2), "{}", err(&output));
}

#[test]
fn zip_members_that_are_no_files() {
    let log = log(true, "a");
    let link = Member { attributes: 0o120_777 << 16, ..member("x.pml", b"/etc/passwd") };
    let (output, _) = triage_zip(std::slice::from_ref(&link));
    assert!(err(&output).contains("no log (*.pml) is in it"), "{}", err(&output));
    let (output, lines) = triage_zip(&[link, member("x.pml/", b""), member("y.pml", &log)]);
    assert_eq!((output.status.code(), lines.len()), (Some(0), 1), "{}", err(&output));
}

#[test]
fn zip_members_that_are_encrypted() {
    let encrypted = Member { flags: 1, ..member("x.pml", &log(true, "a")) };
    let (output, _) = triage_zip(&[encrypted]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("assword") && err(&output).contains("unpack it yourself"),
        "{}",
        err(&output)
    );
}

#[test]
fn zip_members_that_lie_about_themselves() {
    let log = log(true, "a");
    for unpacked in [0, 1] {
        let (output, _) = triage_zip(&[Member { unpacked, ..member("x.pml", &log) }]);
        assert_eq!(output.status.code(), Some(2));
        assert!(err(&output).contains("larger than its declared uncompressed size"), "{}", err(&output));
    }
    // No allocation has the size that a header claims.
    let (output, lines) = triage_zip(&[Member { unpacked: u32::MAX - 1, ..member("x.pml", &log) }]);
    assert_eq!((output.status.code(), lines.len()), (Some(0), 1), "{}", err(&output));
    assert_eq!(lines[0]["capture"]["events"], 4);
    let (output, _) = triage_zip(&[Member { crc: 1, ..member("x.pml", &log) }]);
    assert!(output.status.code() == Some(2) && err(&output).contains("hecksum"), "{}", err(&output));
    // Members that are no logs are not unpacked.
    let (output, _) = triage_zip(&[member("x.pml", b"MZ and so on")]);
    assert!(err(&output).contains("is not a Process Monitor log"), "{}", err(&output));
}

#[test]
fn zip_bombs() {
    // The signature of a log, then zeros, which shrink to a 1,030th of their size: no log shrinks that much.
    let folder = tempfile::tempdir().unwrap();
    let mut zip = zip::ZipWriter::new(File::create(folder.path().join("b.zip")).unwrap());
    zip.start_file("x.pml", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"PML_").unwrap();
    zip.write_all(&vec![0; 16 << 20]).unwrap();
    zip.finish().unwrap();
    let size = fs::metadata(folder.path().join("b.zip")).unwrap().len();
    assert!(size < (16 << 20) / 1_000, "{size}");
    let said = refused(folder.path(), &["triage", "b.zip"]);
    assert!(said.contains("is packed too tightly for a log"), "{said}");
}

#[test]
fn zip_members_that_share_their_data() {
    let log = log(true, "a");
    let mut members = vec![member("x.pml", &log)];
    for number in 0..1_000 {
        members.push(Member { shares: true, ..member(&format!("{number}/x.pml"), &log) });
    }
    let (output, lines) = triage_zip(&members);
    assert_eq!((output.status.code(), lines.len()), (Some(2), 0));
    assert!(err(&output).contains("the files in it lie over one another"), "{}", err(&output));
}
