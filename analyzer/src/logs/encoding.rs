//! Encodings of text logs: recognised from their first bytes, decoded without ever failing.

use encoding_rs::{Decoder, GBK, UTF_16BE, UTF_16LE};
use serde::Serialize;
use std::borrow::Cow;

/// How the text of a file is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8 that begins with a byte order mark.
    Utf8Bom,
    /// UTF-8, or ASCII, without a mark.
    Utf8,
    /// UTF-16, low byte first, with a mark or without.
    Utf16Le,
    /// UTF-16, high byte first, with a mark or without.
    Utf16Be,
    /// GBK, the code page of Chinese systems (read as GB18030, which contains it).
    Gbk,
    /// Bytes that are none of the others; each is taken for the Latin-1 character of its number.
    Latin1,
    /// No text.
    Binary,
}

/// How many bytes decide on the encoding.
const HEAD: usize = 64 << 10;

impl Encoding {
    /// Recognises the encoding from the first bytes of a file: a mark, then NUL bytes at odd or even
    /// places, then whether the bytes are UTF-8, then whether they are GBK.
    pub fn detect(bytes: &[u8]) -> Self {
        let head = bytes.get(..HEAD).unwrap_or(bytes);
        match head {
            [0xEF, 0xBB, 0xBF, ..] => return Self::Utf8Bom,
            [0xFF, 0xFE, ..] => return Self::Utf16Le,
            [0xFE, 0xFF, ..] => return Self::Utf16Be,
            _ => {}
        }
        let zeros = |odd: usize| head.iter().skip(odd).step_by(2).take(2_000).filter(|&&b| b == 0).count();
        let pairs = (head.len() / 2).min(2_000);
        let (even, odd) = (zeros(0), zeros(1));
        // Chinese text has few zeros, but its blanks, digits and line ends have.
        if odd > pairs / 16 && odd > 8 * even {
            return Self::Utf16Le;
        }
        if even > pairs / 16 && even > 8 * odd {
            return Self::Utf16Be;
        }
        // A few NUL bytes are what a crash leaves in a text; many are no text.
        if pairs > 0 && even + odd > pairs / 2 {
            return Self::Binary;
        }
        match std::str::from_utf8(head) {
            Ok(_) => Self::Utf8,
            // A character that the end of the head cuts.
            Err(error) if error.error_len().is_none() && head.len() == HEAD => Self::Utf8,
            Err(error) => Self::ansi(head, error.valid_up_to()),
        }
    }

    fn ansi(head: &[u8], valid: usize) -> Self {
        // The mark of a binary file: control characters that no log writes.
        let controls =
            head.iter().filter(|&&b| b < 0x20 && !matches!(b, 0 | 9 | 10 | 12 | 13 | 26 | 27)).count();
        if controls > head.len() / 64 {
            return Self::Binary;
        }
        // The end may cut a character; the last line goes without.
        let end = memchr::memrchr(b'\n', head).filter(|&end| end > valid).unwrap_or(head.len());
        let text = head.get(..end).unwrap_or(head);
        if GBK.decode_without_bom_handling_and_without_replacement(text).is_some() {
            return Self::Gbk;
        }
        // UTF-8 with a few foreign bytes stays UTF-8: each record is decoded for itself.
        let (mut good, mut bad) = (0usize, 0usize);
        for chunk in text.utf8_chunks() {
            good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
            bad += usize::from(!chunk.invalid().is_empty());
        }
        if good > bad { Self::Utf8 } else { Self::Latin1 }
    }

    /// How many bytes the mark at the beginning takes.
    pub(crate) fn mark(self, bytes: &[u8]) -> usize {
        match (self, bytes) {
            (Self::Utf8Bom, _) => 3,
            (Self::Utf16Le, [0xFF, 0xFE, ..]) | (Self::Utf16Be, [0xFE, 0xFF, ..]) => 2,
            _ => 0,
        }
    }

    /// What turns UTF-16 into UTF-8; nothing for encodings in which ASCII bytes are ASCII.
    pub(crate) fn decoder(self) -> Option<Decoder> {
        match self {
            Self::Utf16Le => Some(UTF_16LE.new_decoder_with_bom_removal()),
            Self::Utf16Be => Some(UTF_16BE.new_decoder_with_bom_removal()),
            _ => None,
        }
    }

    /// Decodes a piece of text in an encoding in which ASCII bytes are ASCII, as the two of UTF-16 are
    /// after [`Encoding::decoder`]. Files mix encodings: a piece that is no UTF-8 is tried as GBK,
    /// then taken as Latin-1. The second value is whether bytes were lost or guessed.
    pub(crate) fn decode(self, bytes: &[u8]) -> (Cow<'_, str>, bool) {
        match std::str::from_utf8(bytes) {
            Ok(text) => return (Cow::Borrowed(text), false),
            Err(_) if self == Self::Latin1 => {}
            Err(_) => {
                if let Some(text) = GBK.decode_without_bom_handling_and_without_replacement(bytes) {
                    return (text, self != Self::Gbk);
                }
                let (good, bad) = bytes.utf8_chunks().fold((0, 0), |(good, bad), chunk| {
                    let foreign = chunk.valid().chars().filter(|c| !c.is_ascii()).count();
                    (good + foreign, bad + usize::from(!chunk.invalid().is_empty()))
                });
                if good >= bad {
                    return (String::from_utf8_lossy(bytes), true);
                }
                if self == Self::Gbk {
                    return (GBK.decode_without_bom_handling(bytes).0, true);
                }
            }
        }
        (Cow::Owned(bytes.iter().map(|&b| char::from(b)).collect()), self != Self::Latin1)
    }
}

/// Decodes the beginning of a file, at most `limit` bytes of it.
pub(crate) fn decode_head(bytes: &[u8], encoding: Encoding, limit: usize) -> Cow<'_, str> {
    let head = bytes.get(encoding.mark(bytes)..).unwrap_or_default();
    let head = head.get(..limit).unwrap_or(head);
    match encoding {
        Encoding::Utf16Le => UTF_16LE.decode_without_bom_handling(head).0,
        Encoding::Utf16Be => UTF_16BE.decode_without_bom_handling(head).0,
        _ => encoding.decode(head).0,
    }
}

/// The text that was meant, where UTF-8 was read as GBK, as the titles of updates are on Chinese
/// systems (`鏇存柊` for `更新`). Lost bytes, which show as `?`, are tolerated. Nothing where the text
/// does not look like that.
pub fn repair_double_encoding(text: &str) -> Option<String> {
    let is_foreign = |c: &char| !c.is_ascii();
    let foreign = text.chars().filter(is_foreign).count();
    if foreign < 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        let (encoded, _, failed) = GBK.encode(c.encode_utf8(&mut buffer));
        if failed {
            return None;
        }
        bytes.extend_from_slice(&encoded);
    }
    let mut repaired = String::with_capacity(bytes.len());
    let (mut good, mut lost) = (0usize, 0usize);
    let mut pending_loss = false;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            // The `?` replaces the lost byte and the byte before it.
            if !(pending_loss && c == '?') {
                repaired.push(c);
            }
            pending_loss = false;
            good += usize::from(is_foreign(&c));
        }
        if !chunk.invalid().is_empty() {
            if !repaired.ends_with('\u{FFFD}') {
                repaired.push('\u{FFFD}');
            }
            lost += 1;
            pending_loss = true;
        }
    }
    // By chance, GBK text is next to never UTF-8 as a whole.
    (good >= 2 && good > 2 * lost).then_some(repaired)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() }).collect()
    }

    #[test]
    fn encodings_are_recognised_from_bytes() {
        assert_eq!(Encoding::detect(b"\xEF\xBB\xBF2024"), Encoding::Utf8Bom);
        assert_eq!(Encoding::detect(b"2024-01-01 plain"), Encoding::Utf8);
        assert_eq!(Encoding::detect("日志 error".as_bytes()), Encoding::Utf8);
        assert_eq!(
            Encoding::detect(&GBK.encode("可以修复组件存储。\r\n操作成功完成。\r\n").0),
            Encoding::Gbk
        );
        for little in [true, false] {
            let expected = if little { Encoding::Utf16Le } else { Encoding::Utf16Be };
            assert_eq!(Encoding::detect(&utf16("Beginning system scan.\r\n", little)), expected);
            assert_eq!(Encoding::detect(&utf16("\u{FEFF}开始系统扫描", little)), expected);
            let chinese = "Windows 资源保护找到了损坏文件但无法修复其中某些文件。\r\n".repeat(3);
            assert_eq!(Encoding::detect(&utf16(&chinese, little)), expected);
        }
        assert_eq!(Encoding::detect(&[0; 4096]), Encoding::Binary);
        assert_eq!(Encoding::detect(b""), Encoding::Utf8);
    }

    #[test]
    fn a_byte_never_fails_a_text() {
        for byte in 0..=255u8 {
            let bytes = [b'a', byte, b'b'];
            for encoding in [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Gbk, Encoding::Latin1] {
                let (text, _) = encoding.decode(&bytes);
                assert!(text.starts_with('a'), "{byte:#x} {encoding:?}: {text}");
            }
        }
        assert_eq!(Encoding::Utf8Bom.decode(&GBK.encode("更新失败").0), (Cow::Borrowed("更新失败"), true));
    }

    #[test]
    fn titles_encoded_twice_are_repaired() {
        let garbled = |text: &str| GBK.decode(text.as_bytes()).0.into_owned();
        assert_eq!(repair_double_encoding(&garbled("更新")).as_deref(), Some("更新"));
        assert_eq!(
            repair_double_encoding("CKB1 姝ゆ洿鏂颁负CMGE鍔熻兘鏇存柊").as_deref(),
            Some("CKB1 此更新为CMGE功能更新")
        );
        // A lost byte costs its character alone.
        let lossy = "2023-11 閫傜敤浜? Windows 10 Version 1809 鐨勭疮绉?鏇存柊锛岄?傚悎鍩轰簬 x64 鐨勭郴缁? (KB5032196)";
        let repaired = repair_double_encoding(lossy).unwrap_or_default();
        assert!(repaired.starts_with("2023-11 适用"), "{repaired}");
        assert!(
            repaired.contains("的累") && repaired.contains("更新，") && repaired.ends_with("(KB5032196)"),
            "{repaired}"
        );
        for sound in ["更新失败", "适用于 Windows 10 的累积更新", "Mise à jour", "plain", "ж"] {
            assert_eq!(repair_double_encoding(sound), None, "{sound}");
        }
    }
}
