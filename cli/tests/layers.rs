//! Layers: a file imports only from its own entry of the list or from an earlier one, in every package
//! that has a list here.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A package, and its files and folders from the bottom up. Files of one entry may import each other.
struct Layers {
    package: &'static str,
    entries: &'static [&'static str],
}

/// ARCHITECTURE.md says what each entry is for.
const LAYERS: [Layers; 4] = [
    Layers {
        package: "pml-parser",
        entries: &[
            "error",
            "text",
            "time",
            "names",
            "raw",
            "module_map",
            "progress",
            "parallel",
            "columns",
            "log",
            "detail",
            "resolve",
            "procmon",
            "write",
            "recover",
            "raw_boot",
            "budget",
            "open",
            "symbols",
            "filter",
            "arrow",
            "export",
        ],
    },
    Layers {
        package: "analyzer",
        entries: &[
            "language",
            "error",
            "canonical",
            "component",
            "evidence",
            "knowledge",
            "logs",
            "boot",
            "facts",
            "judge",
            "triage",
            "bundle",
            "report",
            "survey",
        ],
    },
    Layers {
        package: "cli",
        entries: &[
            "chinese",
            "failure",
            "status",
            "args",
            "zone",
            "filter",
            "knowledge",
            "wildcard",
            "input",
            "place",
            "output",
            "recover/words",
            "outcome",
            "symbols",
            "tables",
            "fleet",
            "slice",
            "convert",
            "recover",
            "info",
            "rules",
            "triage",
            "sql",
            "reference",
        ],
    },
    Layers {
        package: "samples",
        entries: &[
            "random",
            "corpus",
            "minimal",
            "raw_boot",
            "boot/progress",
            "boot/machine",
            "boot/options",
            "boot/paths",
            "boot/images",
            "boot/stacks",
            "boot/call",
            "boot/process_call",
            "boot/file_call",
            "boot/registry_call",
            "boot/clock",
            "boot/action",
            "boot/thread_queue",
            "boot/activity",
            "boot/roles",
            "boot/script",
            "boot/process",
            "boot/state",
            "boot/lifecycle",
            "boot/simulation",
            "boot/output",
            "boot/mod",
            "story",
            "scenario",
        ],
    },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of a package below `src`, without `lib.rs` and `main.rs`, and their code: no comments, no tests.
fn files(package: &str) -> BTreeMap<String, String> {
    let source = root().join(package).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&source).unwrap().to_string_lossy().replace('\\', "/");
            let is_test = name.ends_with("/tests.rs");
            if name.ends_with(".rs") && !is_test && name != "lib.rs" && name != "main.rs" {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
                let text = text.split("\n#[cfg(all(test").next().unwrap_or_default();
                let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
                found.insert(name, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    found
}

/// Every path in a text that begins with `crate::` or `super::`; a group in braces gives one for each member.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':') {
                members("", &text[at..], &mut found);
            }
        }
    }
    found
}

/// Reads one path after `prefix`, and the members of its group if it ends in a group. Gives the rest of the text.
fn members<'t>(prefix: &str, text: &'t str, found: &mut Vec<String>) -> &'t str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    let (path, mut rest) = text.split_at(end);
    let path = format!("{prefix}{path}");
    if !(path.ends_with("::") && rest.starts_with('{')) {
        found.push(path);
        return rest;
    }
    rest = &rest[1..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() || rest.starts_with('}') {
            return rest.get(1..).unwrap_or_default();
        }
        let after = members(&path, rest, found);
        // A glob, or a name that is renamed with `as`.
        rest = if after.len() == rest.len() { &rest[1..] } else { after };
        rest = rest.find([',', '}', '{']).map_or("", |at| &rest[at..]);
    }
}

/// The file of a package that a path leads to: the deepest module of it that is a file. `None` where the
/// path names something of `lib.rs` itself.
fn target<'f>(files: &'f BTreeMap<String, String>, from: &str, path: &str) -> Option<&'f String> {
    let module = from.trim_end_matches(".rs").trim_end_matches("/mod");
    let mut segments: Vec<&str> = match path.starts_with("super::") {
        true => module.split('/').collect(),
        false => Vec::new(),
    };
    for segment in path.split("::").filter(|segment| !segment.is_empty()) {
        match segment {
            "crate" => {}
            "super" => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let mut deepest = None;
    for length in 1..=segments.len() {
        let place = segments[..length].join("/");
        let file = files.get_key_value(&format!("{place}.rs"));
        match file.or_else(|| files.get_key_value(&format!("{place}/mod.rs"))) {
            Some((name, _)) => deepest = Some(name),
            None => break,
        }
    }
    deepest
}

/// Position of the entry that a file belongs to: the longest entry that is the file or a folder around it.
fn entry_of(entries: &[&str], file: &str) -> Option<usize> {
    let fits = |entry: &str| file == format!("{entry}.rs") || file.starts_with(&format!("{entry}/"));
    (0..entries.len()).filter(|&at| fits(entries[at])).max_by_key(|&at| entries[at].len())
}

/// The mistakes of a list, as sentences.
fn mistakes(package: &str, entries: &[&str]) -> BTreeSet<String> {
    let files = files(package);
    let mut wrong = BTreeSet::new();
    for (at, entry) in entries.iter().enumerate() {
        if !files.keys().any(|file| entry_of(entries, file) == Some(at)) {
            wrong.insert(format!("{package}: no file belongs to the entry {entry}"));
        }
    }
    for (file, text) in &files {
        let Some(own) = entry_of(entries, file) else {
            wrong.insert(format!("{package}: {file} belongs to no entry"));
            continue;
        };
        for path in paths(text) {
            let Some(other) = target(&files, file, &path) else {
                if path.starts_with("crate::") {
                    wrong.insert(format!("{package}: {file} imports {path} through the root of the crate"));
                }
                continue;
            };
            if entry_of(entries, other).is_some_and(|other| other > own) {
                wrong.insert(format!("{package}: {file} imports {other}, which is of a later entry"));
            }
        }
    }
    wrong
}

#[test]
fn files_import_only_from_their_own_entry_or_an_earlier_one() {
    for layers in LAYERS {
        let wrong = mistakes(layers.package, layers.entries);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn every_line_of_the_list_is_needed() {
    for layers in LAYERS {
        for left_out in 0..layers.entries.len() {
            let mut entries = layers.entries.to_vec();
            let entry = entries.remove(left_out);
            assert!(!mistakes(layers.package, &entries).is_empty(), "{}: {entry}", layers.package);
        }
    }
}

#[test]
fn the_order_of_the_list_is_checked() {
    let turned: Vec<&str> = LAYERS[0].entries.iter().rev().copied().collect();
    let wrong = mistakes(LAYERS[0].package, &turned);
    assert!(wrong.iter().any(|sentence| sentence.contains("later entry")), "{wrong:?}");
    assert!(wrong.len() > 20);
}

#[test]
fn paths_are_found_in_groups_and_expressions() {
    let text = "use crate::log::{LogView, event::{Event, EventId}, set as s};\nlet x = super::value::hex(0); supercrate::no";
    let found = paths(text);
    let expected =
        ["crate::log::LogView", "crate::log::event::Event", "crate::log::event::EventId", "crate::log::set"];
    assert_eq!(found, [&expected[..], &["super::value::hex"]].concat());
}

#[test]
fn libraries_open_files_in_one_place_each() {
    let doors = [("pml-parser", "open/"), ("analyzer", "bundle")];
    for (package, door) in doors {
        for (file, text) in files(package) {
            let opens =
                ["std::fs", "fs::read", "File::open", "File::create"].iter().any(|word| text.contains(word));
            assert!(!opens || file.starts_with(door), "{package}: {file} opens files outside {door}");
        }
    }
}
