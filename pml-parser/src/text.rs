//! Strings of a log, as stored: UTF-16LE, or one byte per character.

use encoding_rs::mem::{convert_latin1_to_str, convert_utf16_to_str};
use std::borrow::Cow;
use std::cell::Cell;

thread_local! {
    /// What takes the place of an unpaired surrogate in texts that this thread makes.
    static PLACEHOLDER: Cell<char> = const { Cell::new(char::REPLACEMENT_CHARACTER) };
}

/// What takes the place of an unpaired surrogate.
pub(crate) fn placeholder() -> char {
    PLACEHOLDER.get()
}

/// Runs `make` with another character in place of unpaired surrogates, so that they differ from a U+FFFD that the
/// log itself holds.
#[cfg_attr(not(feature = "export"), allow(dead_code, reason = "used by exports"))]
pub(crate) fn with_placeholder<T>(placeholder: char, make: impl FnOnce() -> T) -> T {
    let before = PLACEHOLDER.replace(placeholder);
    let made = make();
    PLACEHOLDER.set(before);
    made
}

/// A borrowed string of a log.
///
/// The string ends at its first NUL, even where its stored length is greater. Process Monitor reads strings
/// the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WinStr<'a> {
    /// One byte per character (Latin-1; in practice ASCII).
    Latin1(&'a [u8]),
    /// UTF-16LE code units; surrogates may be unpaired.
    Utf16(&'a [u8]),
    /// A name that the kernel wrote, with a beginning that Process Monitor replaces: `C:` for
    /// `\Device\HarddiskVolume3`.
    Translated {
        /// ASCII text in place of the beginning.
        prefix: &'a str,
        /// The bytes after the beginning, as stored.
        rest: &'a [u8],
        /// Whether these are UTF-16LE code units, rather than one byte per character.
        is_wide: bool,
    },
}

/// Whether one of four 16-bit units is 0. (Of the units whose top bit is clear, only 0 gets a top bit by the
/// subtraction. The borrow that it causes in the units above does not change the answer.)
fn has_zero16(units: u64) -> bool {
    units.wrapping_sub(0x0001_0001_0001_0001) & !units & 0x8000_8000_8000_8000 != 0
}

impl Default for WinStr<'_> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<'a> WinStr<'a> {
    /// The empty string.
    pub const EMPTY: Self = Self::Latin1(&[]);

    /// A UTF-16LE string up to its first NUL or the end of `bytes`; an odd last byte is ignored.
    pub(crate) fn utf16(bytes: &'a [u8]) -> Self {
        let whole = bytes.get(..bytes.len() & !1).unwrap_or(bytes);
        // Four units at a time while none of them is NUL.
        let mut end = 0;
        while let Some(four) = whole.get(end..).and_then(|rest| rest.first_chunk::<8>())
            && !has_zero16(u64::from_le_bytes(*four))
        {
            end += 8;
        }
        let rest = whole.get(end..).unwrap_or_default();
        let end = end + rest.chunks_exact(2).position(|u| u == [0, 0]).map_or(rest.len(), |units| units * 2);
        Self::Utf16(whole.get(..end).unwrap_or(whole))
    }

    /// A one-byte string up to its first NUL or the end of `bytes`.
    pub(crate) fn latin1(bytes: &'a [u8]) -> Self {
        let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
        Self::Latin1(bytes.get(..end).unwrap_or(bytes))
    }

    /// Whether the string has no characters.
    pub fn is_empty(self) -> bool {
        self.raw().is_empty() && !matches!(self, Self::Translated { prefix, .. } if !prefix.is_empty())
    }

    /// The stored bytes, without the NUL, and without a beginning that is replaced.
    pub fn raw(self) -> &'a [u8] {
        match self {
            Self::Latin1(b) | Self::Utf16(b) | Self::Translated { rest: b, .. } => b,
        }
    }

    /// The text that replaces the beginning of the stored string, or an empty one, and the rest of the string.
    pub fn parts(self) -> (&'a str, Self) {
        match self {
            Self::Translated { prefix, rest, is_wide: true } => (prefix, Self::Utf16(rest)),
            Self::Translated { prefix, rest, is_wide: false } => (prefix, Self::Latin1(rest)),
            stored => ("", stored),
        }
    }

    /// Whether every character is ASCII.
    pub(crate) fn is_ascii(self) -> bool {
        match self.parts().1 {
            Self::Utf16(b) => b.chunks_exact(2).all(|unit| matches!(unit, [low, 0] if low.is_ascii())),
            stored => stored.raw().is_ascii(),
        }
    }

    /// Other bytes in the encoding of this string.
    pub(crate) fn with_rest(self, rest: &'a [u8]) -> Self {
        if self.unit() == 1 { Self::Latin1(rest) } else { Self::Utf16(rest) }
    }

    /// Bytes of one stored character.
    pub(crate) fn unit(self) -> usize {
        if matches!(self, Self::Latin1(_) | Self::Translated { is_wide: false, .. }) { 1 } else { 2 }
    }

    /// The stored string with `prefix` in place of what comes before `rest`, the last bytes of the string.
    pub(crate) fn with_beginning(self, prefix: &'a str, rest: &'a [u8]) -> Self {
        Self::Translated { prefix, rest, is_wide: self.unit() == 2 }
    }

    /// The bytes after an ASCII beginning, without regard to the case of ASCII letters. `None` where the stored
    /// string begins otherwise.
    pub(crate) fn after(self, beginning: &str) -> Option<&'a [u8]> {
        match self {
            Self::Utf16(units) => after_ascii(units, beginning),
            Self::Latin1(bytes) => {
                let (front, rest) = bytes.split_at_checked(beginning.len())?;
                front.eq_ignore_ascii_case(beginning.as_bytes()).then_some(rest)
            }
            Self::Translated { .. } => None,
        }
    }

    /// Appends the string as UTF-8; each unpaired surrogate becomes U+FFFD.
    pub fn push_to(self, out: &mut String) {
        match self {
            Self::Latin1(bytes) => push_latin1(bytes, out),
            Self::Utf16(bytes) => push_utf16(bytes, out),
            Self::Translated { prefix, .. } => {
                out.push_str(prefix);
                self.parts().1.push_to(out);
            }
        }
    }

    /// The string as UTF-8; each unpaired surrogate becomes U+FFFD. ASCII of one byte per character is
    /// borrowed from the log.
    pub fn to_str(self) -> Cow<'a, str> {
        if let Self::Latin1(bytes) = self
            && bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Cow::Borrowed(text);
        }
        let mut text = String::new();
        self.push_to(&mut text);
        Cow::Owned(text)
    }

    /// Whether the last character is this ASCII character.
    pub(crate) fn ends_with(self, ascii: u8) -> bool {
        match self {
            Self::Latin1(b) => b.last() == Some(&ascii),
            Self::Utf16(b) => b.ends_with(&[ascii, 0]),
            Self::Translated { prefix, rest: [], .. } => prefix.as_bytes().last() == Some(&ascii),
            Self::Translated { .. } => self.parts().1.ends_with(ascii),
        }
    }

    /// Whether the string equals an ASCII text, without regard to the case of ASCII letters.
    pub fn eq_ignore_ascii_case(self, ascii: &str) -> bool {
        match self {
            Self::Latin1(b) => b.eq_ignore_ascii_case(ascii.as_bytes()),
            Self::Utf16(b) => b.len() == ascii.len() * 2 && after_ascii(b, ascii).is_some(),
            Self::Translated { prefix, .. } => {
                let halves = ascii.split_at_checked(prefix.len());
                halves.is_some_and(|(front, back)| {
                    prefix.eq_ignore_ascii_case(front) && self.parts().1.eq_ignore_ascii_case(back)
                })
            }
        }
    }
}

/// The UTF-16LE units after an ASCII beginning, without regard to the case of ASCII letters. `None` where the text
/// begins otherwise.
pub(crate) fn after_ascii<'a>(utf16: &'a [u8], beginning: &str) -> Option<&'a [u8]> {
    let (front, rest) = utf16.split_at_checked(beginning.len() * 2)?;
    let is_same = |(unit, ascii): (&[u8], u8)| matches!(unit, [low, 0] if low.eq_ignore_ascii_case(&ascii));
    front.chunks_exact(2).zip(beginning.bytes()).all(is_same).then_some(rest)
}

impl std::fmt::Display for WinStr<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_str())
    }
}

/// Text that the converters overwrite: they take a `str` of full length, not spare capacity.
const BLANK: &str = match std::str::from_utf8(&[0; 1024]) {
    Ok(text) => text,
    Err(_) => "",
};

/// Appends `most` bytes to the text for `convert` to overwrite. Keeps as many bytes as `convert` returns.
fn append(out: &mut String, most: usize, convert: impl FnOnce(&mut str) -> usize) {
    let start = out.len();
    out.reserve(most);
    let mut missing = most;
    while let Some(blank) = BLANK.get(..missing.min(BLANK.len())).filter(|blank| !blank.is_empty()) {
        out.push_str(blank);
        missing -= blank.len();
    }
    let written = out.get_mut(start..).map_or(0, convert);
    out.truncate(start + written);
}

/// Appends bytes of Latin-1 as UTF-8.
fn push_latin1(bytes: &[u8], out: &mut String) {
    if bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        out.push_str(text);
        return;
    }
    append(out, bytes.len() * 2, |to| convert_latin1_to_str(bytes, to));
}

/// UTF-16 units that are converted at a time.
const RUN: usize = 64;

/// Appends UTF-16LE bytes as UTF-8, in runs.
fn push_utf16(bytes: &[u8], out: &mut String) {
    let (mut rest, start) = (bytes, out.len());
    while rest.len() >= 2 {
        let mut units = [0u16; RUN];
        let mut len = 0;
        for (unit, bytes) in units.iter_mut().zip(rest.chunks_exact(2)) {
            *unit = u16::from_le_bytes([bytes[0], bytes[1]]);
            len += 1;
        }
        // A pair of surrogates stays together.
        if len == RUN && rest.len() > 2 * RUN && (0xD800..0xDC00).contains(&units[RUN - 1]) {
            len -= 1;
        }
        append(out, len * 3, |to| convert_utf16_to_str(&units[..len], to));
        rest = &rest[2 * len..];
    }
    let placeholder = placeholder();
    if placeholder != char::REPLACEMENT_CHARACTER
        && out.get(start..).is_some_and(|text| text.contains(char::REPLACEMENT_CHARACTER))
    {
        out.truncate(start);
        let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        out.extend(char::decode_utf16(units).map(|decoded| decoded.unwrap_or(placeholder)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn le(units: &[u16]) -> Vec<u8> {
        units.iter().flat_map(|u| u.to_le_bytes()).collect()
    }

    proptest! {
        #[test]
        fn utf16_equals_the_standard_decoder(units: Vec<u16>) {
            let bytes = le(&units);
            let mut ours = String::new();
            push_utf16(&bytes, &mut ours);
            prop_assert_eq!(ours, String::from_utf16_lossy(&units));
        }

        #[test]
        fn mostly_ascii_text_is_decoded(text in "[ -~]{0,40}[一-龥]{0,3}[ -~]{0,9}") {
            let units: Vec<u16> = text.encode_utf16().collect();
            let bytes = le(&units);
            prop_assert_eq!(WinStr::utf16(&bytes).to_str(), text);
        }
    }

    proptest! {
        #[test]
        fn the_first_nul_is_found_at_any_position(units in proptest::collection::vec(0u16..=3, 0..40), high: bool) {
            // Units that are not NUL although one of their bytes is 0, and NULs at any position.
            let units: Vec<u16> = units.into_iter().map(|u| if high && u > 1 { u << 8 } else { u }).collect();
            let bytes = le(&units);
            let end = units.iter().position(|&u| u == 0).unwrap_or(units.len());
            prop_assert_eq!(WinStr::utf16(&bytes).raw().len(), end * 2);
            let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
            prop_assert_eq!(WinStr::latin1(&bytes).raw().len(), end);
        }
    }

    #[test]
    fn surrogate_pairs_stay_together_at_any_position() {
        for before in 0..=3 * RUN {
            let start = vec![0x61; before];
            for end in [&[0xD83D, 0xDE00][..], &[0xD83D], &[0xDE00], &[0xD83D, 0xD83D, 0xDE00, 0x62]] {
                let units = [&start, end].concat();
                let mut text = String::new();
                push_utf16(&[le(&units), vec![0x63]].concat(), &mut text);
                assert_eq!(text, String::from_utf16_lossy(&units), "after {before} units");
            }
        }
    }

    #[test]
    fn a_placeholder_differs_from_a_stored_replacement_character() {
        let bytes = le(&[0x61, 0xFFFD, 0xD800, 0x62]);
        let text = || WinStr::utf16(&bytes).to_str().into_owned();
        assert_eq!(with_placeholder('\u{ffff}', text), "a\u{fffd}\u{ffff}b");
        assert_eq!(text(), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_string_ends_at_its_first_nul() {
        assert_eq!(WinStr::utf16(&le(&[97, 0, 98])).to_str(), "a");
        assert_eq!(WinStr::utf16(&[97, 0, 98]).to_str(), "a", "an odd byte is ignored");
        assert_eq!(WinStr::latin1(b"a\0b").to_str(), "a");
        assert_eq!(WinStr::latin1(&[0xE9]).to_str(), "\u{e9}");
    }

    #[test]
    fn a_translated_name_is_its_prefix_and_its_rest() {
        let rest = le(&r"\Windows".encode_utf16().collect::<Vec<_>>());
        let name = WinStr::Utf16(&rest).with_beginning("C:", &rest);
        assert_eq!(name.to_str(), r"C:\Windows");
        assert!(name.eq_ignore_ascii_case(r"c:\WINDOWS") && !name.eq_ignore_ascii_case(r"\WINDOWS"));
        assert!(name.is_ascii() && !name.is_empty() && name.ends_with(b's'));
        let packed = WinStr::Latin1(br"\Windows").with_beginning("C:", br"\Windows");
        assert_eq!(packed.to_str(), r"C:\Windows");
        let volume = WinStr::Latin1(b"x").with_beginning("C:", &[]);
        assert!(volume.ends_with(b':') && !volume.is_empty());
        assert!(WinStr::Latin1(b"x").with_beginning("", &[]).is_empty());
        assert_eq!(after_ascii(&rest, r"\WIN"), Some(&rest[8..]));
        assert_eq!(after_ascii(&rest, r"\Windows\"), None);
    }

    #[test]
    fn comparison_ignores_ascii_case() {
        let units: Vec<u16> = "TiWorker.exe".encode_utf16().collect();
        let bytes = le(&units);
        assert!(WinStr::utf16(&bytes).eq_ignore_ascii_case("tiworker.EXE"));
        assert!(!WinStr::utf16(&bytes).eq_ignore_ascii_case("tiworker.ex"));
        assert!(!WinStr::utf16(&le(&[0x174])).eq_ignore_ascii_case("t"));
    }
}
