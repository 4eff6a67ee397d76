//! Patterns of names: `*` for any characters, `?` for one, and `**` for folders at any depth.

use super::{BundleError, io_error};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Entries of folders that one pattern looks at, at most.
const MOST_ENTRIES: usize = 1_000_000;

/// Folders inside each other that `**` goes through, at most.
const DEEPEST: usize = 16;

/// The name that stands for folders at any depth.
const ANY_FOLDERS: &str = "**";

/// Whether a path has a name with `*` or `?`.
pub fn is_pattern(path: &Path) -> bool {
    path.components().any(|name| has_wildcard(&name))
}

/// The `?` of `\\?\C:\` is none of a name.
fn has_wildcard(name: &Component<'_>) -> bool {
    matches!(name, Component::Normal(name) if name.to_string_lossy().contains(['*', '?']))
}

/// The files and folders whose paths match a pattern, in order. The folders before the first `*` or `?` are written as the
/// pattern has them; links to folders are not followed by `**`. Case counts, except on Windows.
///
/// # Errors
/// When no path matches, a folder that the pattern names cannot be listed, or there are too many entries.
pub fn matching(pattern: &Path) -> Result<Vec<PathBuf>, BundleError> {
    let names: Vec<Component<'_>> = pattern.components().collect();
    let plain = names.iter().take_while(|name| !has_wildcard(name)).count();
    let (fixed, rest) = names.split_at(plain);
    let mut search = Search { pattern, entries: 0 };
    let mut found = vec![fixed.iter().collect::<PathBuf>()];
    for (at, name) in rest.iter().enumerate() {
        let name = name.as_os_str().to_string_lossy();
        let mut next = Vec::new();
        for path in &found {
            match &*name {
                ANY_FOLDERS => search.folders_below(path, 0, &mut next)?,
                // The first folder is one that the user named: an error there is worth a word.
                name if name.contains(['*', '?']) => search.names_in(path, name, at == 0, &mut next)?,
                name => next.extend(Some(path.join(name)).filter(|path| path.exists())),
            }
        }
        found = next;
        if found.is_empty() {
            break;
        }
    }
    found.sort();
    found.dedup();
    match found.is_empty() {
        true => Err(BundleError::NoMatch { pattern: pattern.to_owned() }),
        false => Ok(found),
    }
}

struct Search<'p> {
    pattern: &'p Path,
    entries: usize,
}

impl Search<'_> {
    fn list(&mut self, folder: &Path) -> Result<std::io::Result<Vec<fs::DirEntry>>, BundleError> {
        let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let listing = match fs::read_dir(shown) {
            Ok(listing) => listing,
            Err(error) => return Ok(Err(error)),
        };
        let mut entries = Vec::new();
        for entry in listing.flatten() {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return Err(BundleError::FolderTooLarge { path: self.pattern.to_owned() });
            }
            entries.push(entry);
        }
        Ok(Ok(entries))
    }

    /// Adds the entries of a folder whose names match.
    fn names_in(
        &mut self,
        folder: &Path,
        name: &str,
        is_named: bool,
        found: &mut Vec<PathBuf>,
    ) -> Result<(), BundleError> {
        let entries = match self.list(folder)? {
            Ok(entries) => entries,
            Err(error) if is_named && folder.is_dir() => return Err(io_error(folder, error)),
            Err(_) => return Ok(()),
        };
        let pattern = folded(name);
        let names = entries.iter().map(fs::DirEntry::file_name);
        let matches = names.filter(|name| is_match(&pattern, &folded(&name.to_string_lossy())));
        found.extend(matches.map(|name| folder.join(name)));
        Ok(())
    }

    /// Adds a folder, and the folders below it.
    fn folders_below(
        &mut self,
        folder: &Path,
        depth: usize,
        found: &mut Vec<PathBuf>,
    ) -> Result<(), BundleError> {
        found.push(folder.to_owned());
        if depth == DEEPEST {
            return Ok(());
        }
        for entry in self.list(folder)?.unwrap_or_default() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.folders_below(&folder.join(entry.file_name()), depth + 1, found)?;
            }
        }
        Ok(())
    }
}

/// The characters of a name; Windows ignores case.
fn folded(name: &str) -> Vec<char> {
    match cfg!(windows) {
        true => name.chars().flat_map(char::to_lowercase).collect(),
        false => name.chars().collect(),
    }
}

/// Whether a name matches a pattern. The work is bounded by the product of the lengths: only the last `*` is tried at
/// several places, because an earlier one has done its part once the text between both was found.
fn is_match(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where the last `*` is, and the place in the name up to which it has taken characters.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&character) = name.get(read) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&c) if c == '?' || c == character => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at = place + 1;
                read = taken + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_in_every_shell() {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        for (pattern, name, expected) in [
            ("*.pml", "Bootlog-1.pml", true),
            ("*.pml", "Bootlog.pmlx", false),
            ("Boot*-?.pml", "Bootlog-1.pml", true),
            ("Boot*-?.pml", "Bootlog-12.pml", false),
            ("*a*b*", "xxaxxaxxbx", true),
            ("*a*b*c", "xxaxxbx", false),
            ("*", "", true),
            ("?", "", false),
            ("日*.pml", "日志.pml", true),
            ("**", "x", true),
        ] {
            assert_eq!(is_match(&chars(pattern), &chars(name)), expected, "{pattern} {name}");
        }
        assert_eq!(is_match(&folded("*.PML"), &folded("a.pml")), cfg!(windows));
    }

    #[test]
    fn patterns_find_files_in_order_and_keep_the_folder_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["PC-2/a/x.pml", "PC-1/x.pml", "PC-1/y.txt", "other/x.pml", "b.pml", "a.pml"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        for (pattern, expected) in [
            ("*.pml", &["a.pml", "b.pml"][..]),
            ("PC-?/*.pml", &["PC-1/x.pml"]),
            ("PC-*/**/*.pml", &["PC-1/x.pml", "PC-2/a/x.pml"]),
            ("**/x.pml", &["PC-1/x.pml", "PC-2/a/x.pml", "other/x.pml"]),
            ("PC-*", &["PC-1", "PC-2"]),
            ("PC-*/x.pml", &["PC-1/x.pml"]),
        ] {
            let found = matching(&folder.path().join(pattern)).unwrap();
            let expected: Vec<_> = expected.iter().map(|name| folder.path().join(name)).collect();
            assert_eq!(found, expected, "{pattern}");
        }
        for pattern in ["x*", "PC-*/z.pml", "none/*.pml"] {
            let failure = matching(&folder.path().join(pattern)).unwrap_err();
            assert!(failure.to_string().contains("no file has such a name"), "{failure}");
        }
    }
}
