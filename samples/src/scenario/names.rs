//! Names in braces: `{winsxs}`, `{new:directshow-other}`, and the names that a scenario defines.

use crate::boot::paths::{CBS_KEY, CBS_LOG, Paths, SYSTEM32, WINDOWS, WINSXS};
use std::collections::BTreeMap;

/// Names that always have the same text. samples/README.md lists them.
pub(super) const TEXTS: &[(&str, &str)] = &[
    ("windows", WINDOWS),
    ("system32", SYSTEM32),
    ("winsxs", WINSXS),
    ("pending", r"C:\Windows\WinSxS\pending.xml"),
    ("sessions", r"C:\Windows\servicing\Sessions\Sessions.xml"),
    ("cbs-log", CBS_LOG),
    ("poqexec-log", r"C:\Windows\WinSxS\poqexec.log"),
    ("session-manager", r"HKLM\System\CurrentControlSet\Control\Session Manager"),
    ("installer", r"HKLM\System\CurrentControlSet\Services\TrustedInstaller"),
    ("components", r"HKLM\COMPONENTS"),
    ("queue-command", r"C:\Windows\System32\poqexec.exe /display_progress \SystemRoot\WinSxS\pending.xml"),
    ("cbs", CBS_KEY),
];

/// The names that are defined in a step.
pub(crate) struct Names<'a> {
    pub(crate) paths: &'a Paths,
    /// The names of the step, then those of the scenario.
    pub(crate) own: Vec<&'a BTreeMap<String, String>>,
    /// Beginnings of paths, and their replacements.
    pub(crate) spell: &'a BTreeMap<String, String>,
}

impl Names<'_> {
    /// The text with every name replaced, or the reason why that fails.
    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        self.expand_within(text, 0)
    }

    /// A path with its names replaced, in the spelling of the variant.
    pub(crate) fn path(&self, text: &str) -> Result<String, String> {
        let path = self.expand(text)?;
        // The longest beginning is the most specific one.
        let begins = self.spell.iter().filter(|entry| path.starts_with(entry.0.as_str()));
        Ok(match begins.max_by_key(|entry| entry.0.len()) {
            Some((from, to)) => format!("{to}{}", &path[from.len()..]),
            None => path,
        })
    }

    fn expand_within(&self, text: &str, depth: u32) -> Result<String, String> {
        let mut out = String::with_capacity(text.len() + 64);
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let Some(length) = closing(&rest[open..]) else { break };
            let name = &rest[open + 1..open + length];
            out.push_str(&rest[..open]);
            // A class identifier is not a name.
            if name.len() == 36 && name.contains('-') && name.is_ascii() {
                out.push_str(&rest[open..=open + length]);
            } else {
                if depth > 5 {
                    return Err(format!("{{{name}}} is defined by itself"));
                }
                let name = &self.expand_within(name, depth + 1)?;
                let found = self.look_up(name).ok_or_else(|| format!("unknown name {{{name}}}"))?;
                out.push_str(&self.expand_within(&found, depth + 1)?);
            }
            rest = &rest[open + length + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn look_up(&self, name: &str) -> Option<String> {
        if let Some(own) = self.own.iter().find_map(|names| names.get(name)) {
            return Some(own.clone());
        }
        let native = self.paths.architecture();
        // 32-bit components have another architecture in their names on a 64-bit Windows.
        let (other, folder) = if native == "amd64" { ("wow64", "SysWOW64") } else { ("x86", "System32") };
        if let Some((kind, component)) = name.split_once(':') {
            let (newer, older) = (self.paths.newer(), self.paths.older());
            let (architecture, revision) = match kind {
                "new" => (other, newer),
                "old" => (other, older),
                "new-native" => (native, newer),
                "old-native" => (native, older),
                _ => return None,
            };
            return Some(self.paths.component(component, architecture, revision));
        }
        if let Some((_, text)) = TEXTS.iter().find(|entry| entry.0 == name) {
            return Some((*text).to_owned());
        }
        Some(match name {
            "arch" => native.to_owned(),
            "folder" => folder.to_owned(),
            "folder-lower" => folder.to_lowercase(),
            "package" => self.paths.package(0),
            "package-key" => format!(r"{CBS_KEY}\Packages\{}", self.paths.package(0)),
            _ => return None,
        })
    }
}

/// Position of the brace that closes the one at the beginning of the text. Names may be nested.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}
