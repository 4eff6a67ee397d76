//! Names of logs: which of them are parts of one set, and what a member of a zip file may be called.

use std::path::Path;

/// Whether a file has the name of a log: one of Process Monitor, or a raw boot log.
pub(super) fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pml")) || is_raw_boot_log(path)
}

/// Whether a file has the name of a raw boot log, which has no parts.
pub(super) fn is_raw_boot_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pmb"))
}

/// Endings of archives that are searched.
const OF_ARCHIVES: [&str; 2] = ["zip", "7z"];

/// Whether a file has the name of an archive that is searched.
pub(super) fn is_archive_name(path: &Path) -> bool {
    let is_ending = |known: &str| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(known));
    OF_ARCHIVES.iter().any(|known| is_ending(known))
}

/// Endings that logs have; copies get other names, but seldom another ending.
const OF_LOGS: [&str; 9] = ["log", "txt", "xml", "evtx", "cab", "reg", "old", "bak", "lo_"];

/// Endings of files that are no logs, however often the phrases of logs occur in them: programs, pictures, dumps,
/// traces, archives, documents.
const OF_OTHERS: [&str; 61] = [
    "pml", "pmb", "zip", "7z", "rar", "gz", "exe", "dll", "sys", "mui", "cat", "mum", "manifest", "msi",
    "msu", "msp", "iso", "wim", "esd", "vhd", "vhdx", "dmp", "mdmp", "hdmp", "etl", "edb", "db", "dat",
    "hve", "hiv", "png", "jpg", "jpeg", "gif", "bmp", "ico", "svg", "mp4", "avi", "pdf", "doc", "docx",
    "xls", "xlsx", "ppt", "pptx", "md", "html", "htm", "json", "csv", "toml", "ps1", "bat", "cmd", "vbs",
    "eml", "msg", "zst", "tar", "tgz",
];

/// Whether a file may be a text log, an event log or a cabinet, as far as its name without the ending of a packed file
/// says: the content decides.
pub(super) fn may_be_text_log(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    ending.is_none_or(|ending| OF_OTHERS.iter().all(|other| ending != *other))
}

/// Whether the name of a file does not say that it is a log.
pub(super) fn unlikely(name: &str) -> bool {
    let ending = Path::new(name).extension().map(|ending| ending.to_ascii_lowercase());
    ending.is_none_or(|ending| OF_LOGS.iter().all(|known| ending != *known))
}

/// The name of a log that a computer has once, in lower case and without its ending.
pub(super) fn once_on_a_computer(name: &str) -> Option<String> {
    const ONCE: [&str; 5] = ["cbs", "windowsupdate", "systeminfo", "system", "poqexec"];
    let name = file_name(name).to_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    ONCE.contains(&stem).then(|| stem.to_owned())
}

/// Splits the name of an archive from that of a member in it: `case.zip:folder/Bootlog.pml`. The first colon after
/// the ending of an archive separates them.
pub(super) fn split_member(argument: &str) -> Option<(&str, &str)> {
    let lower = argument.to_ascii_lowercase();
    let end = |ending: &&str| Some(lower.find(&format!(".{ending}:"))? + 1 + ending.len());
    let at = OF_ARCHIVES.iter().filter_map(end).min()?;
    Some((argument.get(..at)?, argument.get(at + 1..)?))
}

/// The name of a file in a folder, without that of the folder. Slashes separate its parts on every system, as they do
/// in a zip file: a report names the logs of a case in the same way wherever it is made.
pub(super) fn name_in(folder: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(folder).unwrap_or(path).components();
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The path of a file in a folder that is an input, with the separators that the user wrote.
pub(super) fn path_in(folder: &Path, path: &Path) -> String {
    let written = folder.display().to_string();
    let is_separator = |c: char| c.is_ascii() && std::path::is_separator(c);
    // Where the input has no separator, the system's own one is used.
    let separator = written.chars().find(|&c| is_separator(c)).unwrap_or(std::path::MAIN_SEPARATOR);
    let name = name_in(folder, path).replace('/', separator.encode_utf8(&mut [0; 4]));
    let between =
        if written.is_empty() || written.ends_with(is_separator) { "" } else { &separator.to_string() };
    format!("{written}{between}{name}")
}

/// The last component of a member's name.
pub(super) fn file_name(name: &str) -> &str {
    name.rsplit(['/', '\\', ':']).next().unwrap_or(name)
}

/// The name of a member as any file system takes it, so that it names a file and nothing else.
pub(super) fn safe_name(name: &str) -> String {
    /// Bytes that file systems allow, less some.
    const LONGEST: usize = 180;
    /// Names of devices on Windows, whatever follows the first dot.
    const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_. ()".contains(c) { c } else { '_' }).collect();
    // The end says which part it is.
    let cut = (0..plain.len()).find(|&at| plain.is_char_boundary(at) && plain.len() - at <= LONGEST);
    let plain = plain.get(cut.unwrap_or(0)..).unwrap_or_default();
    let stem = plain.split('.').next().unwrap_or_default().trim_end();
    let is_port = |port: &str| {
        let stem = stem.to_ascii_uppercase();
        stem.strip_prefix(port).is_some_and(|digit| digit.chars().count() == 1)
    };
    let is_device = DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device));
    let mark = if is_device || is_port("COM") || is_port("LPT") { "_" } else { "" };
    format!("{mark}{plain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_named_after_a_colon() {
        assert_eq!(split_member("case.zip:a/b.pml"), Some(("case.zip", "a/b.pml")));
        assert_eq!(split_member(r"C:\x\case.ZIP:b.pml"), Some((r"C:\x\case.ZIP", "b.pml")));
        assert_eq!(split_member("a.zip:b.zip:c.pml"), Some(("a.zip", "b.zip:c.pml")));
        assert_eq!(split_member("a.7z:b.zip:c.pml"), Some(("a.7z", "b.zip:c.pml")));
        assert_eq!(split_member(r"C:\x\Bootlog.pml"), None);
    }

    #[test]
    fn logs_may_have_any_name_but_those_of_other_files() {
        for name in ["CBS.log", "cbs (2).log", "CBS", "CBS.log.1", "System.EVTX", "CbsPersist_20240801.cab"] {
            assert!(may_be_text_log(Path::new(name)), "{name}");
        }
        for name in ["expected.md", "setup.exe", "memory.DMP", "trace.etl"] {
            assert!(!may_be_text_log(Path::new(name)), "{name}");
        }
        assert!(unlikely("CBS.log.1") && !unlikely("a/CBS.log"));
    }

    #[test]
    fn files_in_a_folder_are_named_as_the_folder_is() {
        let path = |folder: &str| path_in(Path::new(folder), &Path::new(folder).join("b").join("c.pml"));
        assert_eq!(path("x/a"), "x/a/b/c.pml");
        assert_eq!(path("a/"), "a/b/c.pml");
        assert_eq!(path("a"), ["a", "b", "c.pml"].join(std::path::MAIN_SEPARATOR_STR));
        assert_eq!(name_in(Path::new("a"), &Path::new("a").join("b").join("c.pml")), "b/c.pml");
        #[cfg(windows)]
        assert_eq!(path(r"C:\a"), r"C:\a\b\c.pml");
    }

    #[test]
    fn names_of_members_are_names_of_files() {
        for (name, safe) in [
            ("Bootlog-1.pml", "Bootlog-1.pml"),
            ("..pml", "..pml"),
            ("a\0b\n\u{1b}[2J.pml", "a_b___2J.pml"),
            ("x:y.pml", "x_y.pml"),
            ("con.pml", "_con.pml"),
            ("COM1.pml", "_COM1.pml"),
            ("Console.pml", "Console.pml"),
            ("日志.pml", "日志.pml"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        let long = safe_name(&format!("{}-2.pml", "日".repeat(200)));
        assert!(long.len() <= 180 && long.ends_with("日-2.pml"));
    }
}
