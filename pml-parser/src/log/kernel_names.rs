//! Names as the kernel writes them in a raw boot log, and how Process Monitor shows them.
//!
//! A translation replaces the beginning of a name, so a translated name is a prefix and the rest of the bytes in the
//! file. Nothing is allocated. The functions that events call are not inlined: code for a PML would carry them too.

use crate::names::kernel::{
    CLASSES, CONTROL_SET, DEVICE, DOS_DEVICES, HKLM, LANMAN, MACHINE, MUP, SHARE, SYSTEM_ROOT, USER, WINDOWS,
    WINDOWS_FOLDER,
};
use crate::text::WinStr;

/// How the names of one raw boot log are translated.
#[derive(Clone, Debug)]
pub(crate) struct KernelNames {
    /// Volumes with a drive letter: the name below `\Device\`, and the letter with its colon.
    volumes: Vec<(String, String)>,
    windows: WindowsFolder,
    /// The number of the current control set, as three digits.
    control_set: String,
}

/// The folder of Windows of a log, in ASCII. A folder with another name counts as the usual one.
#[derive(Clone, Debug)]
pub(crate) struct WindowsFolder(String);

impl Default for WindowsFolder {
    fn default() -> Self {
        Self(WINDOWS.to_owned())
    }
}

impl WindowsFolder {
    /// The folder with this name, if the name begins with a drive.
    pub(crate) fn new(name: &str) -> Self {
        let name = name.trim_end_matches('\\');
        if name.is_ascii() && name.get(1..3) == Some(r":\") { Self(name.to_owned()) } else { Self::default() }
    }

    /// The folder with its drive.
    pub(crate) fn folder(&self) -> &str {
        &self.0
    }

    /// The drive: a letter and a colon.
    pub(crate) fn drive(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    /// The path of an image that the loader of Windows named before there were drives. Other paths are unchanged.
    pub(crate) fn image<'a>(&'a self, path: WinStr<'a>) -> WinStr<'a> {
        if path.after(WINDOWS_FOLDER).is_some() {
            return path.with_beginning(self.drive(), path.raw());
        }
        let rest = path.after(SYSTEM_ROOT).filter(|rest| ends_component(path.with_rest(rest)));
        rest.map_or(path, |rest| path.with_beginning(&self.0, rest))
    }
}

/// Whether a component of a path ends before this rest of the path.
fn ends_component(rest: WinStr<'_>) -> bool {
    rest.is_empty() || rest.after(r"\").is_some()
}

impl KernelNames {
    /// Names with these volumes, each with its name below `\Device\`, its letter and a colon.
    pub(crate) fn new(volumes: Vec<(String, String)>, windows: WindowsFolder, control_set: u32) -> Self {
        Self { volumes, windows, control_set: format!("{control_set:03}") }
    }

    /// The folder of Windows.
    pub(crate) fn windows(&self) -> &WindowsFolder {
        &self.windows
    }

    /// The name of a file or folder.
    #[inline(never)]
    pub(crate) fn file<'a>(&'a self, name: WinStr<'a>) -> WinStr<'a> {
        if let Some(below) = name.after(DEVICE) {
            let below = name.with_rest(below);
            return self.on_volume(below).or_else(|| on_share(below)).unwrap_or(name);
        }
        if let Some(rest) = name.after(DOS_DEVICES) {
            return name.with_rest(rest);
        }
        let rest = name.after(SYSTEM_ROOT).filter(|rest| name.with_rest(rest).after(r"\").is_some());
        rest.map_or(name, |rest| name.with_beginning(self.windows.folder(), rest))
    }

    /// The name of a file on a volume with a letter.
    fn on_volume<'a>(&'a self, below: WinStr<'a>) -> Option<WinStr<'a>> {
        self.volumes.iter().find_map(|(volume, letter)| {
            let rest = below.after(volume).filter(|rest| ends_component(below.with_rest(rest)))?;
            Some(below.with_beginning(letter, rest))
        })
    }

    /// The program of a process.
    #[inline(never)]
    pub(crate) fn program<'a>(&'a self, name: WinStr<'a>) -> WinStr<'a> {
        self.windows.image(self.file(name))
    }

    /// The name of a key, with or without a value.
    #[inline(never)]
    pub(crate) fn key<'a>(&'a self, name: WinStr<'a>) -> WinStr<'a> {
        let Some(below) = name.after(MACHINE) else {
            return name.after(USER.0).map_or(name, |rest| name.with_beginning(USER.1, rest));
        };
        if let Some(rest) = name.with_rest(below).after(CLASSES.0) {
            return name.with_beginning(CLASSES.1, rest);
        }
        let set = name.with_rest(below).after(CONTROL_SET.0);
        match set.and_then(|set| name.with_rest(set).after(&self.control_set)) {
            Some(rest) => name.with_beginning(CONTROL_SET.1, rest),
            None => name.with_beginning(HKLM, below),
        }
    }
}

/// The name of a file on a share.
fn on_share(below: WinStr<'_>) -> Option<WinStr<'_>> {
    let rest = match below.after(MUP) {
        Some(rest) => rest,
        None => {
            let rest = below.after(LANMAN)?;
            // A connection with a drive letter: `;Z:0000003e7\server\share`.
            if below.with_rest(rest).after(";").is_some() {
                let mut folders = (0..rest.len()).step_by(below.unit()).filter_map(|at| rest.get(at..));
                folders.find_map(|folder| below.with_rest(folder).after(r"\"))?
            } else {
                rest
            }
        }
    };
    Some(below.with_beginning(SHARE, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn names() -> KernelNames {
        let volumes = vec![("HarddiskVolume3".to_owned(), "C:".to_owned())];
        KernelNames::new(volumes, WindowsFolder::new(r"C:\WINNT\"), 2)
    }

    #[test]
    fn names_of_files_are_translated() {
        let names = names();
        for (kernel, shown) in [
            (r"\Device\HarddiskVolume3\x", r"C:\x"),
            (r"\device\harddiskvolume3", "C:"),
            (r"\Device\HarddiskVolume30\x", r"\Device\HarddiskVolume30\x"),
            (r"\Device\HarddiskVolume3:s", r"\Device\HarddiskVolume3:s"),
            (r"\SystemRoot\x", r"C:\WINNT\x"),
            (r"\SystemRoot", r"\SystemRoot"),
            (r"\SystemRootX\x", r"\SystemRootX\x"),
            (r"\??\C:\x", r"C:\x"),
            (r"\Device\Mup\srv\share", r"\\srv\share"),
            (r"\Device\Mup", r"\Device\Mup"),
            (r"\Device\LanmanRedirector\;Z:03e7\srv\share", r"\\srv\share"),
            (r"\Device\LanmanRedirector\;Z:03e7", r"\Device\LanmanRedirector\;Z:03e7"),
            (r"\Windows\x", r"\Windows\x"),
            ("", ""),
        ] {
            let kernel = wide(kernel);
            assert_eq!(names.file(WinStr::utf16(&kernel)).to_str(), shown);
        }
    }

    #[test]
    fn names_of_programs_are_translated() {
        let names = names();
        for (kernel, shown) in
            [(r"\Windows\x.exe", r"C:\Windows\x.exe"), (r"\SystemRoot", r"C:\WINNT"), ("CI.dll", "CI.dll")]
        {
            let kernel = wide(kernel);
            assert_eq!(names.program(WinStr::utf16(&kernel)).to_str(), shown);
        }
        let windows = WindowsFolder::new("nonsense");
        assert_eq!(windows.image(WinStr::Latin1(br"\SystemRoot")).to_str(), r"C:\Windows");
        assert_eq!(windows.image(WinStr::Latin1(br"\WINDOWS\x.sys")).to_str(), r"C:\WINDOWS\x.sys");
        assert_eq!(windows.image(WinStr::Latin1(br"D:\x.sys")).to_str(), r"D:\x.sys");
    }

    #[test]
    fn names_of_keys_are_translated() {
        let names = names();
        for (kernel, shown) in [
            (r"\REGISTRY\MACHINE\SOFTWARE\X", r"HKLM\SOFTWARE\X"),
            (r"\Registry\MachineX\y", r"HKLMX\y"),
            (r"\REGISTRY\MACHINE\software\classes\.txt", r"HKCR\.txt"),
            (r"\REGISTRY\MACHINE\SYSTEM\ControlSet002\Y", r"HKLM\System\CurrentControlSet\Y"),
            (r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Y", r"HKLM\SYSTEM\ControlSet001\Y"),
            (r"\REGISTRY\USER\S-1-5-18", r"HKU\S-1-5-18"),
            (r"\REGISTRY\A\x", r"\REGISTRY\A\x"),
        ] {
            let kernel = wide(kernel);
            assert_eq!(names.key(WinStr::utf16(&kernel)).to_str(), shown);
        }
    }
}
