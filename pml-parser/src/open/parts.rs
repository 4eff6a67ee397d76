//! Finds the files of one capture by their names: `X.pml`, `X-1.pml`, `X-2.pml` …

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The name of the capture and the number of the part, from a file name without extension. `Bootlog-12` is
/// part 12 of `Bootlog`, and `Bootlog` is part 0. The digits after the last hyphen are the number: `a-1-1` is
/// part 1 of `a-1`, and `log-2021` is part 2021 of `log`.
pub fn part_number(stem: &str) -> (&str, u64) {
    if let Some((base, digits)) = stem.rsplit_once('-')
        && !base.is_empty()
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && let Ok(number) = digits.parse()
    {
        return (base, number);
    }
    (stem, 0)
}

/// Name of the capture, from the name of one of its files. The name is in lower case, because Windows ignores
/// case.
pub fn capture_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    part_number(&stem).0.to_lowercase()
}

/// Number of the part, from the name of its file.
pub fn part_number_of(path: &Path) -> u64 {
    path.file_stem().map_or(0, |stem| part_number(&stem.to_string_lossy()).1)
}

/// The folder that contains a file; `.` where the path names none.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Whether two paths lead to the same existing file, through links too.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// The files in the folder of a log whose names are names of parts of the same capture, including the log,
/// ascending by number. The list is empty for a log without an extension.
///
/// # Errors
/// When the folder cannot be listed.
pub fn parts_beside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(extension) = path.extension() else { return Ok(Vec::new()) };
    let name = capture_name(path);
    let mut parts: Vec<PathBuf> = fs::read_dir(folder_of(path))?
        .flatten()
        .filter(|entry| {
            let file = PathBuf::from(entry.file_name());
            let is_log = file.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension));
            is_log && capture_name(&file) == name && entry.path().is_file()
        })
        // The folder as the caller wrote it: `Bootlog.pml`, not `./Bootlog.pml`.
        .map(|entry| path.with_file_name(entry.file_name()))
        .collect();
    parts.sort_by_key(|part| part_number_of(part));
    Ok(parts)
}

/// The numbers of missing parts: the first and the last number of each gap.
pub(super) fn gaps(numbers: &[u64]) -> Vec<RangeInclusive<u64>> {
    // A name such as log-2021 has a number too, but is not a part. A first number of 100 or more therefore
    // gives no gap before it.
    const LIKELY: u64 = 100;
    let before =
        numbers.first().copied().filter(|&first| (1..LIKELY).contains(&first)).map(|first| 0..=first - 1);
    let between = numbers.windows(2).filter_map(|pair| match *pair {
        [before, after] if after.saturating_sub(before) > 1 => Some(before + 1..=after - 1),
        _ => None,
    });
    before.into_iter().chain(between).collect()
}

/// The file name of part `number` of the capture to which the file `first` belongs.
pub(super) fn part_name(first: &Path, number: u64) -> String {
    let stem = first.file_stem().unwrap_or_default().to_string_lossy();
    let base = part_number(&stem).0;
    let extension = first.extension().unwrap_or_default().to_string_lossy();
    match number {
        0 => format!("{base}.{extension}"),
        number => format!("{base}-{number}.{extension}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_come_from_file_names() {
        assert_eq!(part_number("Bootlog"), ("Bootlog", 0));
        assert_eq!(part_number("Bootlog-10"), ("Bootlog", 10));
        assert_eq!(part_number("log-012"), ("log", 12));
        assert_eq!(part_number("log-x1"), ("log-x1", 0));
        assert_eq!(part_number("log-1-2"), ("log-1", 2));
        assert_eq!(part_number("-1"), ("-1", 0));
        assert_eq!(part_number("a-99999999999999999999999"), ("a-99999999999999999999999", 0));
    }

    #[test]
    fn gaps_are_found_between_likely_parts() {
        assert_eq!(gaps(&[0, 1, 2, 9, 10]), [3..=8]);
        assert_eq!(gaps(&[1]), [0..=0]);
        assert_eq!(gaps(&[3, 4, 6]), [0..=2, 5..=5]);
        assert_eq!(gaps(&[2021]), []);
        assert_eq!(gaps(&[]), []);
    }
}
