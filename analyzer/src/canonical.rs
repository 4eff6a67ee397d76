//! Paths made comparable: one file is named in many ways (`C:\Windows\…`, `\??\C:\Windows\…`,
//! `\SystemRoot\…`, `\Device\HarddiskVolume3\Windows\…`, in any case), and all of them get one key.

use foldhash::fast::{FixedState, FoldHasher};
use pml_parser::WinStr;
use std::hash::{BuildHasher, Hasher};

/// Identifies a path in all of its spellings; the volume is left out.
///
/// A hash of 64 bits: two different paths of one log practically never share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct PathKey(pub u64);

impl PathKey {
    /// The key of no path.
    pub(crate) const NONE: Self = Self(0);
}

/// Code units of a string.
#[derive(Clone, Copy)]
struct Units<'a> {
    /// ASCII text before the bytes. Only names of raw boot logs have one.
    prefix: &'a [u8],
    bytes: &'a [u8],
    wide: bool,
}

impl<'a> Units<'a> {
    fn new(text: WinStr<'a>) -> Self {
        let (prefix, rest) = text.parts();
        Self { prefix: prefix.as_bytes(), bytes: rest.raw(), wide: matches!(rest, WinStr::Utf16(_)) }
    }

    fn len(self) -> usize {
        self.prefix.len() + if self.wide { self.bytes.len() / 2 } else { self.bytes.len() }
    }

    /// Unit `at`, ASCII letters in lower case.
    fn lower(self, at: usize) -> Option<u16> {
        if let Some(ascii) = self.prefix.get(at) {
            return Some(u16::from(ascii.to_ascii_lowercase()));
        }
        let at = at - self.prefix.len();
        let unit = if self.wide {
            let bytes: &[u8; 2] = self.bytes.get(at * 2..)?.first_chunk()?;
            u16::from_le_bytes(*bytes)
        } else {
            u16::from(*self.bytes.get(at)?)
        };
        Some(match u8::try_from(unit) {
            Ok(ascii) => u16::from(ascii.to_ascii_lowercase()),
            Err(_) => unit,
        })
    }

    /// The units from `at` on.
    fn from(self, at: usize) -> Self {
        let (of_prefix, at) = (at.min(self.prefix.len()), at.saturating_sub(self.prefix.len()));
        let at = if self.wide { at * 2 } else { at };
        let prefix = self.prefix.get(of_prefix..).unwrap_or_default();
        Self { prefix, bytes: self.bytes.get(at..).unwrap_or_default(), ..self }
    }

    fn starts_with(self, lower: &str) -> bool {
        lower.bytes().enumerate().all(|(at, b)| self.lower(at) == Some(u16::from(b)))
    }

    /// Position of the first backslash at or after `at`.
    fn backslash(self, at: usize) -> Option<usize> {
        if self.prefix.is_empty() && !self.wide {
            return Some(at + memchr::memchr(b'\\', self.bytes.get(at..)?)?);
        }
        (at..self.len()).find(|&at| self.lower(at) == Some(u16::from(b'\\')))
    }

    /// Units before the path below the volume, and what replaces them.
    fn volume(self) -> (usize, &'static str) {
        let drive = |at: usize| {
            self.lower(at + 1) == Some(u16::from(b':')) && self.lower(at + 2) == Some(u16::from(b'\\'))
        };
        if drive(0) {
            return (2, "");
        }
        const SET: &str = r"hklm\system\controlset0";
        // Most paths are decided by their first unit.
        match self.lower(0).and_then(|unit| u8::try_from(unit).ok()) {
            Some(b'\\') => {
                if self.starts_with(r"\systemroot\") {
                    (11, r"\windows")
                } else if (self.starts_with(r"\??\") || self.starts_with(r"\\?\")) && drive(4) {
                    (6, "")
                } else if self.starts_with(r"\device\harddiskvolume") {
                    (self.backslash(22).unwrap_or(self.len()), "")
                } else {
                    (0, "")
                }
            }
            Some(b'h') if self.starts_with(SET) => (SET.len() + 2, r"hklm\system\currentcontrolset"),
            _ => (0, ""),
        }
    }
}

/// Units that are hashed together.
const BLOCK: usize = 8;

/// The high bits of bytes side by side, which ASCII text leaves 0.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Lower case of eight bytes of ASCII text, side by side.
fn lower8(ascii: u64) -> u64 {
    let from_a = ascii + 0x3F3F_3F3F_3F3F_3F3F;
    let after_z = ascii + 0x2525_2525_2525_2525;
    let upper = from_a & !after_z & HIGH_BITS;
    ascii | upper >> 2
}

/// Eight units of UTF-16 as bytes side by side, where all of them are ASCII text.
fn narrow(utf16: &[u8; 16]) -> Option<u64> {
    const NOT_ASCII: u64 = 0xFF80_FF80_FF80_FF80;
    let half = |bytes: &[u8]| bytes.first_chunk().copied().map(u64::from_le_bytes);
    let (low, high) = (half(utf16)?, half(&utf16[8..])?);
    if (low | high) & NOT_ASCII != 0 {
        return None;
    }
    let pack = |units: u64| {
        let pairs = (units | units >> 8) & 0x0000_FFFF_0000_FFFF;
        (pairs | pairs >> 16) & 0xFFFF_FFFF
    };
    Some(pack(low) | pack(high) << 32)
}

/// Writes up to eight units in lower case; what is missing is 0.
fn write_block(hasher: &mut FoldHasher<'static>, units: [u16; BLOCK]) {
    if units.iter().all(|&unit| unit < 0x80) {
        hasher.write_u64(u64::from_le_bytes(units.map(|unit| unit as u8)));
        return;
    }
    // No ASCII text is written like this.
    hasher.write_u64(u64::MAX);
    for half in units.as_chunks::<4>().0 {
        hasher.write_u64(half.iter().rev().fold(0, |word, &unit| word << 16 | u64::from(unit)));
    }
}

/// Hashes units in lower case, with others before them: alike for all spellings of one text.
fn hash(before: &str, units: Units<'_>) -> u64 {
    // Fixed, so that keys of different ranges can be compared.
    let mut hasher = FixedState::default().build_hasher();
    let length = before.len() + units.len();
    let mut at = 0;
    if before.is_empty() && units.prefix.is_empty() {
        loop {
            let ascii = if units.wide {
                let bytes = units.bytes.get(at * 2..).and_then(|bytes| bytes.first_chunk());
                bytes.and_then(narrow)
            } else {
                let bytes = units.bytes.get(at..).and_then(|bytes| bytes.first_chunk());
                bytes.map(|bytes| u64::from_le_bytes(*bytes)).filter(|word| word & HIGH_BITS == 0)
            };
            let Some(ascii) = ascii else { break };
            hasher.write_u64(lower8(ascii));
            at += BLOCK;
        }
    }
    while at < length {
        let mut block = [0; BLOCK];
        for (unit, at) in block.iter_mut().zip(at..length) {
            *unit = match before.as_bytes().get(at) {
                Some(&ascii) => u16::from(ascii),
                None => units.lower(at - before.len()).unwrap_or(0),
            };
        }
        write_block(&mut hasher, block);
        at += BLOCK;
    }
    hasher.write_u64(length as u64);
    // 0 is the key of no path.
    hasher.finish().max(1)
}

/// A path below its volume.
#[derive(Clone, Copy)]
pub(crate) struct Canonical<'a> {
    /// What replaces units that were left out.
    before: &'static str,
    units: Units<'a>,
    is_none: bool,
}

impl<'a> Canonical<'a> {
    pub(crate) fn new(path: WinStr<'a>) -> Self {
        let units = Units::new(path);
        let (skipped, before) = units.volume();
        Self { before, units: units.from(skipped), is_none: path.is_empty() }
    }

    /// The key of the path; that of no path for an empty one.
    pub(crate) fn key(self) -> PathKey {
        if self.is_none { PathKey::NONE } else { PathKey(hash(self.before, self.units)) }
    }

    /// The name, as written, of the component's folder that a path of the component store leads into.
    pub(crate) fn component_folder(self) -> Option<WinStr<'a>> {
        const STORE: &str = r"\winsxs\";
        let below = self.units;
        // The Windows folder may have any name: what counts is that it is one folder deep.
        let store = if self.before.is_empty() { below.backslash(1)? } else { 0 };
        if !below.from(store).starts_with(STORE) {
            return None;
        }
        let start = store + STORE.len();
        let end = below.backslash(start).unwrap_or(below.len());
        // The folder of Windows may be a part of the prefix; the store in it never is.
        let start = start.checked_sub(below.prefix.len())?;
        let end = end.checked_sub(below.prefix.len())?;
        let unit = if below.wide { 2 } else { 1 };
        let name = below.bytes.get(start * unit..end * unit)?;
        Some(if below.wide { WinStr::Utf16(name) } else { WinStr::Latin1(name) })
    }
}

/// The key of a path; that of no path for an empty one.
pub(crate) fn key(path: WinStr<'_>) -> PathKey {
    Canonical::new(path).key()
}

/// The name, as written, of the component's folder that a path of the component store leads into.
pub(crate) fn component_folder(path: WinStr<'_>) -> Option<WinStr<'_>> {
    Canonical::new(path).component_folder()
}

/// The last two code units of a path, in any case, as a number below [`TAILS`]: different tails may
/// share one.
pub(crate) fn tail(path: WinStr<'_>) -> usize {
    let units = Units::new(path);
    let unit = |back: usize| units.len().checked_sub(back).and_then(|at| units.lower(at)).unwrap_or(0);
    tail_of(unit(2), unit(1))
}

/// The same of a text in lower case; `None` where it is too short to have one.
pub(crate) fn tail_of_text(text: &str) -> Option<usize> {
    let mut units = [0; 2];
    let mut back = text.chars().rev();
    // What is beyond the first plane, or has another lower case, is not compared by its tail.
    for unit in units.iter_mut().rev() {
        *unit = back.next().filter(char::is_ascii)? as u16;
    }
    let [first, second] = units;
    Some(tail_of(first, second))
}

/// The number of different tails.
pub(crate) const TAILS: usize = 1024;

fn tail_of(first: u16, second: u16) -> usize {
    (usize::from(first & 31) << 5 | usize::from(second & 31)) % TAILS
}

/// A hash of a name, in any case.
pub(crate) fn name_key(name: WinStr<'_>) -> u64 {
    hash("", Units::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn one_file_has_one_key_however_it_is_written() {
        let file = r"C:\Windows\WinSxS\amd64_a_31bf_1.0_none_5\x.dll";
        let spellings = [
            r"c:\WINDOWS\winsxs\AMD64_a_31bf_1.0_none_5\X.DLL",
            r"D:\Windows\WinSxS\amd64_a_31bf_1.0_none_5\x.dll",
            r"\??\C:\Windows\WinSxS\amd64_a_31bf_1.0_none_5\x.dll",
            r"\\?\C:\Windows\WinSxS\amd64_a_31bf_1.0_none_5\x.dll",
            r"\SystemRoot\WinSxS\amd64_a_31bf_1.0_none_5\x.dll",
            r"\Device\HarddiskVolume12\Windows\WinSxS\amd64_a_31bf_1.0_none_5\x.dll",
        ];
        let expected = key(WinStr::Latin1(file.as_bytes()));
        for spelling in spellings {
            assert_eq!(key(WinStr::Latin1(spelling.as_bytes())), expected, "{spelling}");
            let bytes = wide(spelling);
            assert_eq!(key(WinStr::Utf16(&bytes)), expected, "{spelling}");
            let folder = component_folder(WinStr::Utf16(&bytes)).map(|name| name.to_string().to_lowercase());
            assert_eq!(folder.as_deref(), Some("amd64_a_31bf_1.0_none_5"), "{spelling}");
        }
        assert_ne!(key(WinStr::Latin1(br"C:\Windows\WinSxS\y.dll")), expected);
        assert_eq!(key(WinStr::EMPTY), PathKey::NONE);
    }

    #[test]
    fn control_sets_are_one() {
        let key = |text: &str| key(WinStr::Latin1(text.as_bytes()));
        let current = key(r"HKLM\System\CurrentControlSet\Control\Session Manager");
        assert_eq!(key(r"HKLM\SYSTEM\ControlSet001\Control\Session Manager"), current);
        assert_ne!(key(r"HKLM\SYSTEM\Setup"), current);
    }

    #[test]
    fn other_letters_and_lengths_count() {
        let texts = [
            "a",
            "ab",
            "abc",
            "abcd",
            "abcde",
            "abcdé",
            "abcdè",
            "ä",
            "[",
            "{",
            "@",
            "`",
            "",
            "a\0",
            "abcdefgh",
            "abcdefg{",
            "abcdefg[",
            "abcdefgé",
            "ébcdefgh",
            "abcdefghi",
            "abcdefghé",
            "文件",
            "文件.dll",
            "慢慢慢慢",
            "abcdefgh\0",
            "\0\0\0\0\0\0\0\0",
        ];
        for a in texts {
            for b in texts {
                let (wide_a, wide_b) = (wide(a), wide(b));
                let same = key(WinStr::Utf16(&wide_a)) == key(WinStr::Utf16(&wide_b));
                assert_eq!(same, a == b, "{a:?} {b:?}");
            }
        }
        for text in [&b"caf\xE9"[..], b"a long name caf\xE9 and more of it"] {
            let upper: String = text.iter().map(|&b| char::from(b.to_ascii_uppercase())).collect();
            assert_eq!(key(WinStr::Latin1(text)), key(WinStr::Utf16(&wide(&upper))));
        }
    }

    #[test]
    fn tails_do_not_depend_on_case() {
        let of = |text: &str| tail(WinStr::Latin1(text.as_bytes()));
        assert_eq!(Some(of(r"C:\Windows\WinSxS\PENDING.XML")), tail_of_text(r"\pending.xml"));
        assert_eq!(tail(WinStr::Utf16(&wide("xyZ"))), of("xyz"));
        assert_eq!((tail_of_text("x"), tail_of_text("é")), (None, None));
        assert!(of("") < TAILS);
    }

    #[test]
    fn folders_of_components() {
        let folder = |text: &str| component_folder(WinStr::Latin1(text.as_bytes())).map(|n| n.to_string());
        assert_eq!(folder(r"C:\Windows\WinSxS\abc"), Some("abc".to_owned()));
        assert_eq!(folder(r"C:\Windows\WinSxS"), None);
        assert_eq!(folder(r"C:\Windows\System32\x.dll"), None);
        assert_eq!(folder(r"\WinSxS\a"), None);
    }
}
