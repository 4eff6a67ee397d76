//! Names with `*` and `?` among the arguments. Shells of Unix replace them by names of files before a program starts;
//! those of Windows leave that to each program.

use crate::failure::Failure;
use pml_parser::parts::folder_of;
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

/// The files and folders that the arguments name. On Windows, the last name of a path may have `*` (any characters)
/// and `?` (one character), and stands for all names that match it, in order; on other systems, these are characters
/// of names.
///
/// # Errors
/// When no name matches, or the folder cannot be listed.
pub(crate) fn expand(arguments: &[PathBuf]) -> Result<Cow<'_, [PathBuf]>, Failure> {
    if !cfg!(windows) || !arguments.iter().any(|argument| has_wildcard(argument)) {
        return Ok(Cow::Borrowed(arguments));
    }
    let mut expanded = Vec::new();
    for argument in arguments {
        if has_wildcard(argument) {
            expanded.extend(matches_of(argument)?);
        } else {
            expanded.push(argument.clone());
        }
    }
    Ok(Cow::Owned(expanded))
}

/// The last name of a path.
fn pattern_of(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

fn has_wildcard(path: &Path) -> bool {
    pattern_of(path).contains(['*', '?'])
}

/// The paths whose last name matches that of the argument, in order.
fn matches_of(argument: &Path) -> Result<Vec<PathBuf>, Failure> {
    let pattern = lower(&pattern_of(argument));
    let folder = folder_of(argument);
    let entries = fs::read_dir(folder).map_err(|error| Failure::of_io(folder, &error))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| is_match(&pattern, &lower(&name.to_string_lossy())));
    names.sort();
    if names.is_empty() {
        return Err(Failure::new(format!("{}: no file has such a name", argument.display()))
            .hint("`dir` lists the names in a folder"));
    }
    Ok(names.into_iter().map(|name| argument.with_file_name(name)).collect())
}

/// Windows ignores case.
fn lower(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a name matches a pattern. The work is bounded by the product of the lengths: only the last `*` is tried at
/// several places, because an earlier one has done its part once the text between both was found.
fn is_match(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where the last `*` is, and the place in the name up to which it has taken characters.
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&c) if c == '?' || c == name[read] => {
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
    pattern[at..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_as_in_every_shell() {
        for (pattern, name, expected) in [
            ("*.pml", "Bootlog-1.PML", true),
            ("*.pml", "Bootlog.pmlx", false),
            ("boot*-?.pml", "Bootlog-1.pml", true),
            ("boot*-?.pml", "Bootlog-12.pml", false),
            ("*a*b*", "xxaxxaxxbx", true),
            ("*a*b*c", "xxaxxbx", false),
            ("*", "", true),
            ("?", "", false),
            ("日*.pml", "日志.pml", true),
            ("**", "x", true),
        ] {
            assert_eq!(is_match(&lower(pattern), &lower(name)), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn names_are_found_in_order_and_keep_the_folder_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.pml", "a.pml", "c.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = matches_of(&folder.path().join("*.pml")).unwrap();
        assert_eq!(found, ["a.pml", "b.pml"].map(|name| folder.path().join(name)));
        let failure = matches_of(&folder.path().join("x*")).unwrap_err();
        assert!(failure.to_string().contains("no file has such a name"), "{failure}");
    }
}
