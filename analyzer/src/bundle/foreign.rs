//! Files that are no logs, by their first bytes: what each is, and what to do about it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Where the bytes are, the bytes, and what to do.
type Entry = (usize, &'static [u8], &'static str);

/// Kinds of files that people give instead of a log.
const KINDS: [Entry; 26] = [
    (
        0,
        b"version https://git-lfs",
        "this is a pointer of Git LFS, not the log: fetch the log with git lfs pull",
    ),
    (0, b"Rar!\x1A\x07", "this is a RAR archive: unpack it, and name the log or the folder"),
    (0, b"MSCF", "this is a cabinet: unpack it (expand -F:* FILE FOLDER), and name the folder"),
    (0, b"\xFD7zXZ\0", "this is packed with xz: unpack it, and name the log"),
    (0, b"BZh", "this is packed with bzip2: unpack it, and name the log"),
    (0, b"\x04\x22\x4D\x18", "this is packed with lz4: unpack it, and name the log"),
    (0, b"PK\x07\x08", "this is a part of a split zip file: join the parts first"),
    (257, b"ustar", "this is a tar archive: unpack it, and name the log or the folder"),
    (0, b"ElfFile\0", "this is an event log: pml triage reads it"),
    (0, b"regf", "this is a hive of the registry, not a log"),
    (0, b"MDMP", "this is a memory dump, not a log"),
    (0, b"PAGEDU", "this is a memory dump, not a log"),
    (0, b"MZ", "this is a program, not a log"),
    (0, b"MSWIM", "this is a Windows image, not a log"),
    (0, b"%PDF", "this is a PDF document, not a log"),
    (0, b"\xD0\xCF\x11\xE0", "this is an Office document or an installer, not a log"),
    (
        0,
        b"PAR1",
        "this is a Parquet file, perhaps an output of pml convert: name the log that it was made of",
    ),
    (
        0,
        b"ARROW1",
        "this is an Arrow file, perhaps an output of pml convert: name the log that it was made of",
    ),
    (0, b"\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<procmon>", XML),
    (
        0,
        b"<?xml",
        "this is XML, not a log: a log is saved in Process Monitor as Native Process Monitor Format (PML)",
    ),
    (0, b"\xEF\xBB\xBF\"Time of Day\"", CSV),
    (0, b"\xEF\xBB\xBF\"", CSV),
    (0, b"<!DOCTYPE", WEB),
    (0, b"<!doctype", WEB),
    (0, b"<html", WEB),
    (4, b"\x10\0\0\0", "this may be a configuration of Process Monitor: give it to --procmon-filter"),
];

const XML: &str =
    "this is an XML export: pml reads the log itself, saved as Native Process Monitor Format (PML)";
const CSV: &str =
    "this is a CSV export: pml reads the log itself, saved as Native Process Monitor Format (PML)";
const WEB: &str = "this is a web page: the download failed, or needs a login";

/// What a file is that is no log, and what to do about it, as far as its first bytes show it.
pub fn kind_of(path: &Path) -> Option<&'static str> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(512).read_to_end(&mut head).ok()?;
    if head.len() == 512 && head.iter().all(|byte| *byte == 0) {
        return Some(
            "this begins with nothing but zeros: the copy failed, or the disk lost the file; copy it again",
        );
    }
    let is = |entry: &&Entry| head.get(entry.0..).is_some_and(|bytes| bytes.starts_with(entry.1));
    KINDS.iter().find(is).map(|entry| entry.2)
}
