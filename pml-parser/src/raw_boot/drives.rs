//! The drive letters of the machine that was captured, from its own events.
//!
//! A new process has its program as the caller named it, mostly with a letter; the image that the process then loads
//! names the same file by its volume. A rename has both names of its target.

use crate::detail::process::{Created, Loaded};
use crate::names::kernel::{DEVICE, DOS_DEVICES, LANMAN, MUP};
use crate::text::WinStr;
use std::collections::BTreeMap;

/// The folder from which the volume of Windows is known.
const SYSTEM_FOLDER: &str = r"\Windows\System32\";
/// The most pairs of letters and volumes that are counted.
const MOST: usize = 1024;

/// Counts what events say about drive letters.
#[derive(Debug, Default)]
pub(super) struct DriveEvidence {
    /// How often a volume is seen with a letter.
    letters: BTreeMap<(char, String), u64>,
    /// How often images are loaded from the folder of Windows on a volume.
    windows: BTreeMap<String, u64>,
}

/// The name of a volume below `\Device\`, and the path on it, of a name in UTF-16.
fn on_volume(name: WinStr<'_>) -> Option<(String, WinStr<'_>)> {
    let below = name.with_rest(name.after(DEVICE)?);
    if [MUP, LANMAN].iter().any(|redirector| below.after(redirector).is_some()) {
        return None;
    }
    let units = below.raw();
    let end = units.chunks_exact(2).position(|unit| unit == [b'\\', 0])? * 2;
    let (volume, path) = units.split_at_checked(end)?;
    Some((WinStr::Utf16(volume).to_string(), WinStr::Utf16(path)))
}

/// The letter of a name such as `\??\C:\Windows`, in upper case, and the path on the drive.
fn on_drive(name: WinStr<'_>) -> Option<(char, WinStr<'_>)> {
    let name = name.after(DOS_DEVICES).map_or(name, |rest| name.with_rest(rest));
    let [letter, 0, b':', 0, path @ ..] = name.raw() else { return None };
    let is_rooted = path.starts_with(&[b'\\', 0]);
    (letter.is_ascii_alphabetic() && is_rooted)
        .then_some((char::from(letter.to_ascii_uppercase()), WinStr::Utf16(path)))
}

impl DriveEvidence {
    /// Adds an image that a process loads.
    pub(super) fn add(&mut self, loaded: &Loaded<'_>, process: Option<&Created<'_>>) {
        let Some((volume, path)) = on_volume(loaded.path) else { return };
        if self.letters.len() + self.windows.len() >= MOST {
            return;
        }
        if let Some((letter, program)) = process.and_then(|process| on_drive(process.path))
            && program.eq_ignore_ascii_case(&path.to_str())
        {
            *self.letters.entry((letter, volume.clone())).or_default() += 1;
        }
        if path.after(SYSTEM_FOLDER).is_some() {
            *self.windows.entry(volume).or_default() += 1;
        }
    }

    /// Adds a rename: the target as the caller named it, and the file that it is.
    pub(super) fn add_rename(&mut self, (named, resolved): (WinStr<'_>, WinStr<'_>)) {
        let (Some((letter, path)), Some((volume, file))) = (on_drive(named), on_volume(resolved)) else {
            return;
        };
        let is_same = path.eq_ignore_ascii_case(&file.to_str());
        if is_same && self.letters.len() + self.windows.len() < MOST {
            *self.letters.entry((letter, volume)).or_default() += 1;
        }
    }

    /// The letters and the names of their volumes. `given` ones count before all others; the volume of Windows has
    /// the letter `of_windows` where nothing says another one.
    pub(super) fn conclude(&self, given: &[(char, String)], of_windows: char) -> Vec<(char, String)> {
        let mut drives = given.to_vec();
        let is_free = |drives: &[(char, String)], letter: char, volume: &str| {
            drives.iter().all(|(known, name)| *known != letter && !name.eq_ignore_ascii_case(volume))
        };
        let mut seen: Vec<_> = self.letters.iter().collect();
        seen.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for ((letter, volume), _) in seen {
            if is_free(&drives, *letter, volume) {
                drives.push((*letter, volume.clone()));
            }
        }
        let windows = self.windows.iter().max_by_key(|(_, count)| **count);
        if let Some((volume, _)) = windows
            && is_free(&drives, of_windows, volume)
        {
            drives.push((of_windows, volume.clone()));
        }
        drives.sort();
        drives
    }
}
