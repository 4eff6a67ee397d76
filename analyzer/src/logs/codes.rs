//! Finds codes in texts: HRESULT, NTSTATUS and Win32 errors in the forms in which Windows prints them. What a code
//! means is in `knowledge/codes.rs`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Codes that only say that something inside failed: never shown while another code is at hand. The
/// later in the list, the less a code says.
const WRAPPERS: [u32; 6] = [
    0x8000_FFFF, // E_UNEXPECTED
    0x8000_4005, // E_FAIL
    0x8024_0FFF, // WU_E_UNEXPECTED
    0x8024_200B, // WU_E_UH_INSTALLERFAILURE
    0x8024_402F, // WU_E_PT_ECP_SUCCEEDED_WITH_ERRORS
    0x8024_0022, // WU_E_ALL_UPDATES_FAILED
];

/// Codes with the bit of a failure that are none.
const SUCCESSES: [u32; 4] = [
    RESTART_NEEDED,
    0x8007_0BC3, // ERROR_SUCCESS_RESTART_REQUIRED
    0x8024_2014, // WU_E_UH_POSTREBOOTSTILLPENDING: installed but for the restart
    0x800F_0816, // CBS_E_DPX_JOB_STATE_SAVED: a pause
];

/// ERROR_SUCCESS_REBOOT_REQUIRED as an HRESULT.
pub(crate) const RESTART_NEEDED: u32 = 0x8007_0BC2;

/// Most codes that are taken from one text.
const MOST: usize = 32;

/// Whether a code says that something failed. Some codes with the bit of a failure are successes that
/// wait for a restart.
pub fn is_failure(code: u32) -> bool {
    code & 0x8000_0000 != 0 && !SUCCESSES.contains(&code)
}

/// How little a code says: 0 for one that names a failure, more for one that wraps another.
pub(crate) fn wrapping(code: u32) -> usize {
    WRAPPERS.iter().position(|&wrapper| wrapper == code).map_or(0, |at| at + 1)
}

/// The code that says most: the first that wraps the least.
pub(crate) fn best(codes: impl IntoIterator<Item = u32>) -> Option<u32> {
    codes.into_iter().filter(|&code| is_failure(code)).min_by_key(|&code| wrapping(code))
}

/// An NTSTATUS that was made an HRESULT, as an NTSTATUS again: `0xD0000034` is `0xC0000034`.
pub(crate) fn plain(code: u32) -> u32 {
    if code >> 28 == 0xD { code & !0x1000_0000 } else { code }
}

/// A Win32 error as an HRESULT.
pub(crate) fn from_win32(error: u32) -> u32 {
    if error == 0 || error & 0x8000_0000 != 0 { error } else { 0x8007_0000 | error & 0xFFFF }
}

/// Hexadecimal digits at the beginning of a text, at most eight, that end there.
pub(crate) fn hex_prefix(text: &str) -> Option<u32> {
    let length = text.bytes().take(9).take_while(u8::is_ascii_hexdigit).count();
    (1..=8).contains(&length).then(|| u32::from_str_radix(text.get(..length)?, 16).ok())?
}

/// A code at the beginning of a text: `0x80070490`, `80070490`, `-2147023143`.
pub(crate) fn code_prefix(text: &str) -> Option<u32> {
    let text = text.trim_start();
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return hex_prefix(digits);
    }
    if text.starts_with('-') {
        let length = 1 + text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        return text.get(..length)?.parse::<i32>().ok().map(i32::cast_unsigned);
    }
    hex_prefix(text)
}

/// The code that follows a marker, such as `HRESULT = `.
pub(crate) fn code_after(text: &str, marker: &str) -> Option<u32> {
    code_prefix(super::fields::after(text, marker)?)
}

/// All failures in a text in order, each once.
pub fn failures(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut push = |code: u32| {
        let code = plain(code);
        if is_failure(code) && !found.contains(&code) && found.len() < MOST {
            found.push(code);
        }
    };
    for at in memchr::memchr3_iter(b'x', b'[', b'=', bytes) {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let Some(rest) = text.get(at + 1..) else { continue };
        let eight = || {
            hex_prefix(rest)
                .filter(|_| rest.bytes().take(8).all(|b| b.is_ascii_hexdigit()) && rest.len() >= 8)
        };
        match bytes.get(at) {
            // `0x80070490`
            Some(b'x') if before == Some(&b'0') => eight().into_iter().for_each(&mut push),
            // `*FAILED* [80240439]`
            Some(b'[') if rest.as_bytes().get(8) == Some(&b']') => eight().into_iter().for_each(&mut push),
            // `resultMapped=80070490`
            Some(b'=') => eight().into_iter().for_each(&mut push),
            _ => {}
        }
    }
    for marker in ["NTSTATUS -", "HRESULT -", "ErrorCode: ", "hr: ", "status: "] {
        for (at, _) in text.match_indices(marker) {
            let start = at + marker.len() - usize::from(marker.ends_with('-'));
            text.get(start..).and_then(code_prefix).into_iter().for_each(&mut push);
        }
    }
    for (at, marker) in text.match_indices("HRESULT_FROM_WIN32(") {
        text.get(at + marker.len()..).and_then(win32_argument).into_iter().for_each(&mut push);
    }
    found
}

/// The code of an error by its name in the headers of Windows, as `HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND)` gives it.
fn named(symbol: &str) -> Option<u32> {
    static NAMES: LazyLock<BTreeMap<&str, u32>> = LazyLock::new(|| {
        let rows = include_str!("../../knowledge/hresults.tsv").lines().map(|row| row.split('\t'));
        let named = rows.filter_map(|mut cells| Some((code_prefix(cells.next()?)?, cells.next()?)));
        named.map(|(code, symbol)| (symbol, code)).collect()
    });
    NAMES.get(symbol).copied()
}

/// A Win32 error in the form in which `HRESULT_FROM_WIN32(` is followed by it: a number, or a name.
pub(crate) fn win32_argument(text: &str) -> Option<u32> {
    let length = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
    match length {
        0 => named(text.get(..text.find(')')?)?),
        _ => text.get(..length)?.parse().ok().map(from_win32),
    }
}

/// The failure in a text that says most; where several say as much, the last, which the text explains
/// the others by (`resultMapped=…, resultUnMapped=…`).
pub(crate) fn deepest(text: &str) -> Option<u32> {
    failures(text).into_iter().rev().min_by_key(|&code| wrapping(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_every_form() {
        let texts = [
            ("[HRESULT = 0x80070490 - ERROR_NOT_FOUND]", Some(0x8007_0490)),
            ("*FAILED* [80240439] Web service call", Some(0x8024_0439)),
            ("resultMapped=800706BE, resultUnMapped=0", Some(0x8007_06BE)),
            ("resultMapped=8024200B, resultUnMapped=800F0988", Some(0x800F_0988)),
            ("Exit code = 0x80240FFF; Call error code = 0x8024001E", Some(0x8024_001E)),
            ("with NTSTATUS -1073283059. Matching", Some(0xC007_000D)),
            ("returned HRESULT -2147023143", Some(0x8007_06D9)),
            ("Completion status: HRESULT_FROM_WIN32(1753)", Some(0x8007_06D9)),
            (
                "HRESULT HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND).  Failure [gle=0x80004005]",
                Some(0x8007_0002),
            ),
            ("HRESULT_FROM_WIN32(ERROR_OF_NO_TABLE)", None),
            ("x'[gle=0xd0000034]", Some(0xC000_0034)),
            ("ErrorCode: 800706d9\tPhase: 39", Some(0x8007_06D9)),
            ("DISM (hr:0x800f081f)", Some(0x800F_081F)),
            ("[HRESULT = 0x80070bc2 - ERROR_SUCCESS_REBOOT_REQUIRED]", None),
            ("resultMapped=80242014, resultUnMapped=0", None),
            ("resultMapped=240006, resultUnMapped=0", None),
            ("oa = @0x9c1e7f2d0->OBJECT_ATTRIBUTES", None),
            ("[HRESULT = 0x00000000 - S_OK] 0x", None),
            ("", None),
        ];
        for (text, code) in texts {
            assert_eq!(deepest(text), code, "{text}");
        }
    }

    #[test]
    fn wrappers_give_way() {
        assert_eq!(best([0x8024_0022, 0x8024_200B, 0x800F_0988]), Some(0x800F_0988));
        assert_eq!(best([0x8024_0022, 0x8024_0FFF]), Some(0x8024_0FFF));
        assert_eq!(best([RESTART_NEEDED, 0]), None);
    }
}
