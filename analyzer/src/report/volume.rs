//! Which volume a finding is about, where it is another one than that of Windows: by the letter of its drive, or by what
//! is opened on it.

use super::build::{Builder, text_of};
use crate::knowledge::VolumeRole;
use pml_parser::{Event, EventId, TextOptions};

/// Events on either side of a finding in which a volume is looked at, at most.
const MOST_AROUND: u64 = 20_000;

/// The role of the volume of Windows.
const WINDOWS: &str = "windows";

/// How paths on volumes without a letter begin.
const DEVICE: &str = r"\device\harddiskvolume";

/// A volume that is not the one of Windows.
pub(super) enum Volume<'k> {
    /// It has a letter.
    Drive(String),
    /// It has none, by its device and by what it is for.
    Device(String, Option<&'k VolumeRole>),
}

impl<'a, B: AsRef<[u8]>> Builder<'a, B> {
    /// The volume of the path of an event, where it is known to be another one than that of Windows.
    pub(super) fn other_volume(&self, event: &Event<'_>) -> Option<Volume<'a>> {
        let path = text_of(|out| event.push_path(&TextOptions::default(), out));
        if let Some(letter) = drive_in(&path) {
            return (!letter.eq_ignore_ascii_case(self.drive())).then_some(Volume::Drive(letter));
        }
        let device = device_in(&path)?;
        let roles = self.seen_on(event, device);
        if roles.first().is_some_and(|role| role.id == WINDOWS) {
            return None;
        }
        // Where every path is one of a device, the letters are not known, and any volume may be that of Windows.
        let is_told = !roles.is_empty() || self.has_letters(event.id());
        is_told.then(|| Volume::Device(device.to_owned(), roles.first().copied()))
    }

    /// A sentence about it.
    pub(super) fn volume_sentence(&self, event: Option<&Event<'_>>) -> String {
        let Some(volume) = event.and_then(|event| self.other_volume(event)) else { return String::new() };
        let texts = self.texts();
        let (text, name, role) = match &volume {
            Volume::Drive(letter) => (&texts.on_drive, letter, None),
            Volume::Device(device, Some(role)) => (&texts.on_volume, device, Some(*role)),
            Volume::Device(device, None) => (&texts.on_unknown_volume, device, None),
        };
        let text = self.word(text).replace("{name}", name).replace("{drive}", self.drive());
        let role = role.map_or("", |role| self.word(&role.name));
        format!(" {}", text.replace("{volume}", role))
    }

    /// What a volume is for, as far as events around another one show, in the order of the table.
    fn seen_on(&self, event: &Event<'_>, device: &str) -> Vec<&'a VolumeRole> {
        let first = self.set.time_span().map_or(self.first, |span| span.0);
        let mut open: Vec<_> =
            self.knowledge.volumes.iter().map(|role| (role, role.filter.matcher(first), false)).collect();
        // The volume of Windows has boot files too where there is no partition for them; a file of Windows is elsewhere
        // nowhere.
        if let Some((role, matcher, _)) = open.first_mut()
            && role.id == WINDOWS
            && matcher.matches(event)
        {
            return vec![*role];
        }
        for id in self.around(event.id()) {
            let Some(event) = self.event(id) else { continue };
            let mut is_on_it = None;
            for (_, matcher, seen) in open.iter_mut().filter(|entry| !entry.2) {
                if !matcher.matches(&event) {
                    continue;
                }
                let path = || text_of(|out| event.push_path(&TextOptions::default(), out));
                let own = *is_on_it.get_or_insert_with(|| {
                    device_in(&path()).is_some_and(|other| other.eq_ignore_ascii_case(device))
                });
                *seen = own;
            }
        }
        open.into_iter().filter(|entry| entry.2).map(|entry| entry.0).collect()
    }

    /// Whether paths around an event have drive letters.
    fn has_letters(&self, event: EventId) -> bool {
        let paths = self.around(event).filter_map(|id| self.event(id));
        paths
            .map(|event| text_of(|out| event.push_path(&TextOptions::default(), out)))
            .any(|path| drive_in(&path).is_some())
    }

    fn around(&self, event: EventId) -> std::ops::Range<EventId> {
        let last = event.saturating_add(MOST_AROUND).min(self.set.event_count());
        event.saturating_sub(MOST_AROUND)..last
    }
}

/// The drive that a path begins with, as `D:`.
fn drive_in(path: &str) -> Option<String> {
    let below = path.strip_prefix(r"\??\").or(path.strip_prefix(r"\\?\")).unwrap_or(path);
    let mut characters = below.chars();
    let letter = characters.next().filter(char::is_ascii_alphabetic)?;
    (characters.next() == Some(':')).then(|| format!("{}:", letter.to_ascii_uppercase()))
}

/// The device that a path begins with, without what follows.
fn device_in(path: &str) -> Option<&str> {
    let start = path.get(..DEVICE.len())?;
    if !start.eq_ignore_ascii_case(DEVICE) {
        return None;
    }
    let rest = &path[DEVICE.len()..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (digits > 0).then(|| &path[..DEVICE.len() + digits])
}

#[cfg(test)]
mod tests {
    use super::{device_in, drive_in};

    #[test]
    fn volumes_are_the_beginning_of_paths() {
        assert_eq!(drive_in(r"\??\d:\a").as_deref(), Some("D:"));
        assert_eq!(drive_in(r"\Device\HarddiskVolume1\a"), None);
        assert_eq!(drive_in(r"HKLM\SOFTWARE"), None);
        assert_eq!(device_in(r"\DEVICE\HarddiskVolume12\EFI"), Some(r"\DEVICE\HarddiskVolume12"));
        assert_eq!(device_in(r"\Device\HarddiskVolumeShadowCopy1\a"), None);
        assert_eq!(device_in(r"\Device\Mup\a"), None);
    }
}
