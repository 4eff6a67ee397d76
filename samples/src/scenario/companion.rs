//! Text logs that belong to a capture: those that its boot writes, and those of all kinds that tell its story.

use super::Scenario;
use super::model::Base;
use crate::boot::script::{LogLine, Script};
use crate::boot::{BOOT, Options, output};
use crate::story::{CBS_NAME, KINDS, Kind, Outcome, QUEUE_NAME, Story, Zone, of_boot};
use pml_parser::FileTime;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// A text log beside the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// File name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// Which text logs are written beside a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Companions {
    /// `CBS.log` and `poqexec.log`, with what the boot writes.
    #[default]
    OfBoot,
    /// Logs of all kinds, which tell the same story from the month before to the result. Each that grows on a real
    /// machine has quiet lines up to about this size in bytes.
    OfAllKinds(u64),
}

/// What an update that is undone fails with where the scenario does not say.
const UNDONE: u32 = 0x800F_0922;

/// The text logs that the boot writes. A log without lines is left out.
pub(super) fn of_lines(lines: &[LogLine], zone: Zone) -> impl Iterator<Item = Companion> {
    let written = of_boot(lines, zone).into_iter().filter(|log| !log.1.is_empty());
    written.map(|(name, text)| Companion { name, text })
}

impl Scenario {
    /// Refuses to write where a text log exists already.
    pub(super) fn check_companions(&self, companions: Companions, directory: &Path) -> io::Result<()> {
        let of_kinds = KINDS.iter().map(|kind| kind.name);
        let of_kinds = of_kinds.filter(|_| companions != Companions::OfBoot);
        let exists = [CBS_NAME, QUEUE_NAME].into_iter().chain(of_kinds).map(|name| directory.join(name));
        match exists.into_iter().find(|path| path.exists()) {
            Some(path) => {
                let text = format!("{} exists already; --force overwrites it", path.display());
                Err(io::Error::new(io::ErrorKind::AlreadyExists, text))
            }
            None => Ok(()),
        }
    }

    /// Writes the text logs of a generated capture, and returns their paths.
    pub(super) fn write_companions(
        &self,
        companions: Companions,
        options: &Options,
        script: &Script,
        lines: Vec<LogLine>,
        directory: &Path,
    ) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        let mut of_boot: Vec<Companion> = of_lines(&lines, self.zone()).collect();
        if let Companions::OfAllKinds(size) = companions {
            let story = self.story(options, script, lines);
            // The whole log has the lines of the boot, too.
            of_boot.retain(|log| KINDS.iter().all(|kind| kind.name != log.name));
            for kind in KINDS.iter().filter(|kind| (kind.is_told_by)(&story)) {
                let path = directory.join(kind.name);
                write_kind(kind, &story, size, &path, options.overwrite)?;
                paths.push(path);
            }
        }
        for companion in of_boot {
            let path = directory.join(companion.name);
            output::write_text(&path, &companion.text, options.overwrite)?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// Whether no update fails in the story: none is pending, or the one that is gets installed.
    pub fn ends_well(&self) -> bool {
        matches!(self.document.base, Base::Healthy | Base::Servicing | Base::Staging)
    }

    /// What all logs of the machine tell.
    fn story(&self, options: &Options, script: &Script, lines: Vec<LogLine>) -> Story {
        let is_64_bit = options.bits == crate::boot::Bits::B64;
        let outcome = match self.document.base {
            Base::Healthy | Base::Staging => None,
            Base::Servicing => Some(Outcome::Installed),
            Base::Rollback => Some(Outcome::RolledBack(self.code().unwrap_or(UNDONE))),
            Base::Unfinished => Some(Outcome::Pending),
        };
        let boot = FileTime(BOOT.0 + script.machine.later.0);
        let package = crate::boot::paths::Paths::new(is_64_bit, 0, &script.machine).package(0);
        Story::new(script.machine.clone(), is_64_bit, self.zone(), boot, package, outcome, lines)
    }

    /// The HRESULT that the scenario calls `code`.
    fn code(&self) -> Option<u32> {
        let own = self.variant.as_ref().and_then(|variant| variant.names.get("code"));
        let text = own.or_else(|| self.document.names.get("code"))?;
        u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    }
}

fn write_kind(kind: &Kind, story: &Story, size: u64, path: &Path, overwrite: bool) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, output::create(path, overwrite)?);
    kind.write(story, size, &mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error).map(drop)
}
