//! Finds the files of one capture by their names: `X.pml`, `X-1.pml`, `X-2.pml` …, and names that copies, archives
//! and people make of these. Names only propose: the logs' contents decide.

use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

pub use super::members::{Candidate, captures, captures_of, group, search_without_maps};

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
    part_number(&stem_of(path)).0.to_owned()
}

/// Name of the set to which a file belongs as Process Monitor names parts, in lower case. The file may also be the first
/// part of a set whose own name ends in a number: a date, a case.
pub fn set_name(path: &Path) -> String {
    let stem = stem_of(path);
    if is_likely_part(&stem) { part_number(&stem).0.to_owned() } else { stem }
}

/// Number of the part, from the name of its file.
pub fn part_number_of(path: &Path) -> u64 {
    part_number(&stem_of(path)).1
}

/// The file name without its extension, in lower case.
pub(super) fn stem_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// What the names of two files in one folder say about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proposal {
    /// Process Monitor gives such names to parts of one capture.
    Parts,
    /// The names differ in a number, which may be a date or the number of a case or of a computer.
    Numbers,
    /// The names have the same words.
    Words,
    /// Nothing.
    Nothing,
}

/// What the names of two files say about them.
pub fn proposal(a: &Path, b: &Path) -> Proposal {
    if set_name(a) == set_name(b) {
        return Proposal::Parts;
    }
    let (a, b) = (stem_of(a), stem_of(b));
    let (base_a, base_b) = (part_number(&a).0, part_number(&b).0);
    if base_a == base_b || a == base_b || b == base_a {
        Proposal::Numbers
    } else if words(&a) == words(&b) {
        Proposal::Words
    } else {
        Proposal::Nothing
    }
}

/// Whether Process Monitor gives names such as this one to parts after the first: the number has no leading zero
/// and is small, and it is neither the day nor the month of a date.
fn is_likely_part(stem: &str) -> bool {
    /// Captures have fewer parts.
    const LIKELY: u64 = 100;
    let (base, number) = part_number(stem);
    let digits = stem.get(base.len()..).unwrap_or_default().trim_start_matches('-');
    (1..LIKELY).contains(&number)
        && !digits.starts_with('0')
        && !(digits.len() == 2 && ends_like_a_date(base))
}

/// The number of a part after the first, as Process Monitor gives it; 0 for other names.
pub(super) fn likely_number(path: &Path) -> u64 {
    let stem = stem_of(path);
    if is_likely_part(&stem) { part_number(&stem).1 } else { 0 }
}

/// Whether a name ends in a year, or in a year and a month.
fn ends_like_a_date(base: &str) -> bool {
    let is_year = |text: &str| {
        let digits = text.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"))
    };
    let before_month = base.rsplit_once('-').filter(|(_, month)| month.len() <= 2).map(|(year, _)| year);
    is_year(base) || before_month.is_some_and(is_year)
}

/// The words of a name, without numbers, signs, and the words that copies have.
fn words(stem: &str) -> Vec<&str> {
    const OF_COPIES: [&str; 12] =
        ["copy", "of", "kopie", "von", "copie", "de", "copia", "part", "teil", "副本", "复制", "部分"];
    let words = stem.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.filter(|word| !OF_COPIES.contains(word)).collect()
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
    let name = capture_name(path);
    let mut parts = logs_beside(path)?;
    parts.retain(|file| capture_name(file) == name);
    parts.sort_by_key(|part| part_number_of(part));
    Ok(parts)
}

/// The files in the folder of a log that have the same extension, including the log, in the order of their names. The
/// list is empty for a log without an extension.
pub(super) fn logs_beside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(extension) = path.extension() else { return Ok(Vec::new()) };
    let is_log = |file: &Path| file.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension));
    let mut logs: Vec<PathBuf> = fs::read_dir(folder_of(path))?
        .flatten()
        .filter(|entry| is_log(Path::new(&entry.file_name())) && entry.path().is_file())
        // The folder as the caller wrote it: `Bootlog.pml`, not `./Bootlog.pml`.
        .map(|entry| path.with_file_name(entry.file_name()))
        .collect();
    logs.sort();
    Ok(logs)
}

/// How the names of some files number the parts of one capture.
#[derive(Debug)]
pub(super) struct Numbering {
    /// Name of the capture, as the files spell it.
    base: String,
    extension: String,
    /// The number of each file.
    pub numbers: Vec<u64>,
    /// Whether they are numbers that Process Monitor gives, so that their order is that of the parts.
    pub is_likely: bool,
}

impl Numbering {
    /// The numbering of all these files, if their names have one.
    pub(super) fn of<'p>(files: impl Iterator<Item = &'p Path> + Clone) -> Option<Self> {
        let first = files.clone().next()?;
        let whole = first.file_stem().unwrap_or_default().to_string_lossy();
        let part_of = part_number(&whole).0;
        // The number of a single file is that of a part only if it looks like one.
        let is_single = files.clone().nth(1).is_none();
        let bases = if is_single && !is_likely_part(&whole.to_lowercase()) {
            [&*whole, part_of]
        } else {
            [part_of, &*whole]
        };
        bases.into_iter().find_map(|base| {
            let lower = base.to_lowercase();
            let stems = files.clone().map(stem_of);
            let number = |stem: &String| match part_number(stem) {
                _ if *stem == lower => Some(0),
                (base, number) => (base == lower).then_some(number),
            };
            let numbers: Option<Vec<u64>> = stems.clone().map(|stem| number(&stem)).collect();
            Some(Self {
                base: base.to_owned(),
                extension: first.extension().unwrap_or_default().to_string_lossy().into_owned(),
                numbers: numbers?,
                is_likely: stems.clone().all(|stem| stem == lower || is_likely_part(&stem)),
            })
        })
    }

    /// File names of missing parts: the first and the last name of each gap in the numbers, which must ascend.
    /// `is_begin` says that no part lies before the first one.
    pub(super) fn missing(&self, is_begin: bool) -> Vec<(String, String)> {
        if !self.is_likely {
            return Vec::new();
        }
        let name = |number| self.name(number);
        let gaps = gaps(&self.numbers).into_iter().filter(|gap| !is_begin || *gap.start() > 0);
        gaps.map(|gap| (name(*gap.start()), name(*gap.end()))).collect()
    }

    /// The file name of part `number`.
    fn name(&self, number: u64) -> String {
        let Self { base, extension, .. } = self;
        match number {
            0 => format!("{base}.{extension}"),
            number => format!("{base}-{number}.{extension}"),
        }
    }
}

/// The numbers of missing parts: the first and the last number of each gap.
fn gaps(numbers: &[u64]) -> Vec<RangeInclusive<u64>> {
    let before = numbers.first().copied().filter(|&first| first > 0).map(|first| 0..=first - 1);
    let between = numbers.windows(2).filter_map(|pair| match *pair {
        [before, after] if after.saturating_sub(before) > 1 => Some(before + 1..=after - 1),
        _ => None,
    });
    before.into_iter().chain(between).collect()
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
        assert_eq!(gaps(&[]), []);
    }

    #[test]
    fn names_propose_parts() {
        use Proposal::{Nothing, Numbers, Parts, Words};
        for (a, b, expect) in [
            ("Bootlog.pml", "BOOTLOG-1.PML", Parts),
            ("Bootlog-2.pml", "Bootlog-10.pml", Parts),
            ("Bootlog-20241114.pml", "Bootlog-20241114-1.pml", Parts),
            ("case-4711-2.pml", "case-4711.pml", Parts),
            ("PC-01.pml", "PC-01-1.pml", Parts),
            ("2024-11-14.pml", "2024-11-14-1.pml", Parts),
            ("PC-01.pml", "PC-02.pml", Numbers),
            ("PC-1.pml", "PC-1-1.pml", Numbers),
            ("2024-11-14.pml", "2024-11-15.pml", Numbers),
            ("Bootlog.pml", "Bootlog-20241114.pml", Numbers),
            ("Bootlog (1).pml", "Bootlog.pml", Words),
            ("Bootlog - Copy.pml", "Bootlog-1.pml", Words),
            ("part1.pml", "part2.pml", Words),
            ("Bootlog-x.pml", "Bootlog.pml", Nothing),
            ("a.pml", "b.pml", Nothing),
        ] {
            assert_eq!(proposal(Path::new(a), Path::new(b)), expect, "{a} {b}");
            assert_eq!(proposal(Path::new(b), Path::new(a)), expect, "{b} {a}");
        }
    }

    #[test]
    fn no_part_is_missing_before_a_date_or_the_number_of_a_computer() {
        let missing = |names: &[&str]| {
            let numbering = Numbering::of(names.iter().map(Path::new)).unwrap();
            numbering.missing(false)
        };
        let pair = |a: &str, b: &str| vec![(a.to_owned(), b.to_owned())];
        for names in [
            &["PC-01.pml"][..],
            &["case-4711.pml"],
            &["2024-11-14.pml"],
            &["2024-11-14.pml", "2024-11-14-1.pml"],
            &["Bootlog-20241114.pml", "Bootlog-20241116.pml"],
            &["PC-01.pml", "PC-03.pml"],
        ] {
            assert_eq!(missing(names), [], "{names:?}");
        }
        assert_eq!(missing(&["B-2.pml"]), pair("B.pml", "B-1.pml"));
        assert_eq!(missing(&["A-20241114-1.pml"]), pair("A-20241114.pml", "A-20241114.pml"));
        assert_eq!(missing(&["PC-01.pml", "PC-01-2.pml"]), pair("PC-01-1.pml", "PC-01-1.pml"));
    }
}
