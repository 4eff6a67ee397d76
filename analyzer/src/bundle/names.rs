//! Names of logs: which of them are parts of one set, and what a member of a zip file may be called.

use pml_parser::parts::{capture_name, folder_of};
use std::path::{Path, PathBuf};

/// Whether a file has the name of a log.
pub(super) fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pml"))
}

/// The set that a file is a part of: its folder, and the name of the set in it.
pub(super) fn set_of(path: &Path) -> PathBuf {
    folder_of(path).join(capture_name(path))
}

/// The last component of a member's name.
pub(super) fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
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
