//! Where an output goes: the final path that the user's path means on this system, or why there can be no output.

use crate::failure::Failure;
use pml_parser::parts::folder_of;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The place of an output.
#[derive(Debug)]
pub(crate) struct Place {
    /// The path as the user wrote it, for messages.
    shown: PathBuf,
    path: PathBuf,
}

impl Place {
    /// The final path of an output: without a slash at its end, and with a link replaced by the link's target.
    ///
    /// # Errors
    /// When no file can have the path, or its folder does not exist.
    pub(crate) fn of(shown: &Path) -> Result<Self, Failure> {
        let tidy: PathBuf = shown.components().collect();
        if tidy.file_name().is_none() {
            return Err(Failure::new(format!("{}: names no file or directory to make", shown.display()))
                .hint("add a name"));
        }
        #[cfg(windows)]
        let tidy = windows::full(&tidy, shown)?;
        let beside = folder_of(&tidy);
        if !beside.is_dir() {
            let what = if beside.exists() { "is not a folder" } else { "does not exist" };
            let beside = folder_of(shown).display();
            return Err(Failure::new(format!("{}: {beside} {what}", shown.display()))
                .hint("make it first, or choose another place with -o"));
        }
        let path = match fs::symlink_metadata(&tidy) {
            Ok(metadata) if metadata.is_symlink() => fs::canonicalize(&tidy).map_err(|e| {
                Failure::of_io(shown, &e).hint("it is a link that leads nowhere; remove it first")
            })?,
            _ => tidy,
        };
        Ok(Self { shown: shown.to_owned(), path })
    }

    /// The final path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path as the user wrote it.
    pub(crate) fn shown(&self) -> std::path::Display<'_> {
        self.shown.display()
    }

    /// A call of the operating system for this output failed.
    pub(crate) fn failure(&self, error: &io::Error) -> Failure {
        Failure::of_io(&self.shown, error)
    }

    /// A finished output cannot be moved to its place: most likely another run has made one there since this one
    /// began.
    pub(crate) fn failure_of_move(&self, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
                Failure::new(format!("{}: another run has made it in the meantime", self.shown()))
                    .hint("look at that one, choose another name, or replace it with --force")
            }
            _ => self.failure(error),
        }
    }

    /// Refuses a path that exists, unless it may be replaced.
    pub(crate) fn refuse_existing(&self, force: bool) -> Result<(), Failure> {
        match fs::symlink_metadata(&self.path) {
            Ok(_) if !force => Err(Failure::new(format!("{}: exists already", self.shown()))
                .hint("choose another name, or replace it with --force")),
            Ok(_) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(self.failure(&e)),
        }
    }
}

/// What Windows makes of a path: it resolves drives and their current folders, removes dots and blanks at the end
/// of a name, and takes some names for devices.
#[cfg(windows)]
mod windows {
    use super::*;
    use std::ffi::OsStr;
    use std::os::windows::ffi::OsStrExt;
    use std::path::{Component, Prefix};

    /// Characters that no name may have.
    const FORBIDDEN: &str = "<>:\"|?*";

    /// UTF-16 units of a path, above which a path needs the prefix `\\?\`: 260, less those of the names of temporary
    /// files and of the files of a dataset below it.
    const LONGEST: usize = 180;

    /// The absolute path, as the system resolves it.
    pub(super) fn full(tidy: &Path, shown: &Path) -> Result<PathBuf, Failure> {
        let full = std::path::absolute(tidy).map_err(|e| Failure::of_io(shown, &e))?;
        let prefix = match full.components().next() {
            Some(Component::Prefix(prefix)) => prefix.kind(),
            _ => return Ok(full),
        };
        if let Prefix::DeviceNS(name) = prefix {
            let name = name.to_string_lossy();
            return Err(Failure::new(format!("{}: is the name of a device, {name}", shown.display()))
                .hint("choose another name"));
        }
        let name = tidy.file_name().unwrap_or_default().to_string_lossy();
        if let Some(character) = name.chars().find(|c| FORBIDDEN.contains(*c) || c.is_control()) {
            return Err(Failure::new(format!(
                "{}: Windows allows no {character:?} in a name",
                shown.display()
            ))
            .hint("choose another name"));
        }
        // The program's own calls take longer paths, but those that move temporary files do not.
        if full.as_os_str().encode_wide().count() <= LONGEST {
            return Ok(full);
        }
        let rest = |skipped: usize| full.components().skip(skipped).collect::<PathBuf>();
        let long = |prefix: &OsStr, rest: PathBuf| {
            let mut long = prefix.to_owned();
            long.push(rest);
            PathBuf::from(long)
        };
        Ok(match prefix {
            // `\\?\` begins a path that the system takes as it is.
            Prefix::Disk(_) => long(OsStr::new(r"\\?\"), full.clone()),
            Prefix::UNC(server, share) => {
                let mut prefix = OsStr::new(r"\\?\UNC\").to_owned();
                prefix.push(server);
                prefix.push(r"\");
                prefix.push(share);
                long(&prefix, rest(1))
            }
            _ => full,
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn full_of(path: &str) -> Result<PathBuf, String> {
            full(Path::new(path), Path::new(path)).map_err(|failure| failure.to_string())
        }

        #[test]
        fn long_paths_get_the_prefix_that_lifts_the_limit() {
            let long = "n".repeat(100);
            let disk = format!(r"C:\{long}\{long}\boot");
            assert_eq!(full_of(&disk).unwrap(), Path::new(&format!(r"\\?\{disk}")));
            let share = format!(r"server\share\{long}\{long}\boot");
            let expected = format!(r"\\?\UNC\{share}");
            assert_eq!(full_of(&format!(r"\\{share}")).unwrap(), Path::new(&expected));
            assert_eq!(full_of(&expected).unwrap(), Path::new(&expected));
            assert_eq!(full_of(r"C:\x\..\boot").unwrap(), Path::new(r"C:\boot"));
        }

        #[test]
        fn names_that_windows_cannot_have_are_refused() {
            assert!(full_of("NUL").unwrap_err().contains("is the name of a device, NUL"));
            assert!(full_of("boot*.csv").unwrap_err().contains("allows no '*' in a name"));
            assert!(full_of("boot:x.csv").unwrap_err().contains("allows no ':' in a name"));
            assert!(full_of("boot. .").unwrap().ends_with("boot"));
        }
    }
}
