//! Records of text logs: lines split at headers, continuation lines folded, nothing copied where the
//! encoding allows.

use super::codes;
use super::encoding::Encoding;
use super::needles::Needles;
use super::time::LogTime;
use encoding_rs::Decoder;
use serde::Serialize;
use std::borrow::Cow;
use std::io::Read;

/// How grave a record says that it is. Levels say little: thousands of lines at the lowest one speak
/// of failures that matter to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Anything that is neither of the others.
    #[default]
    Info,
    /// A warning.
    Warning,
    /// An error, or something fatal.
    Error,
}

/// Fields of an event of a Windows event log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFields {
    /// Identifier of the event; its meaning depends on the provider.
    pub id: u32,
    /// Version of the event's layout.
    pub version: u32,
    /// Channel, such as `System`.
    pub channel: String,
    /// Name of the computer.
    pub computer: String,
    /// Name and value of each datum in order; the name is empty where the event gives none.
    pub data: Vec<(String, String)>,
}

impl EventFields {
    /// The value of a datum.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.data.iter().find(|datum| datum.0 == name).map(|datum| datum.1.as_str())
    }
}

/// One record of a log of any kind.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its first line, from 1; of an event log, the number of the record.
    pub line: u32,
    /// Its time, where it has one.
    pub time: Option<LogTime>,
    /// How grave it says that it is.
    pub level: Level,
    /// The part of Windows that wrote it (`CBS`, `Agent`, a provider), or nothing.
    pub component: &'a str,
    /// Process id, where it is given.
    pub process: Option<u32>,
    /// Thread id, where it is given.
    pub thread: Option<u32>,
    /// The fields of an event of an event log.
    pub event: Option<&'a EventFields>,
    pub(crate) body: &'a [u8],
    pub(crate) encoding: Encoding,
}

impl<'a> Record<'a> {
    /// Message and continuation lines, decoded. A byte that cannot be decoded is replaced.
    pub fn text(&self) -> Cow<'a, str> {
        self.encoding.decode(self.body).0
    }

    /// The deepest HRESULT, NTSTATUS or Win32 error that the text gives, as a HRESULT or NTSTATUS.
    pub fn code(&self) -> Option<u32> {
        codes::deepest(&self.text())
    }
}

/// What is wrong with a file, by kind: how often, and on which lines at first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Lines that belong to no record: before the first header, or of a form that is not known.
    pub stray: Spots,
    /// Records with bytes that are no text in the encoding of the file.
    pub undecodable: Spots,
    /// Records with NUL bytes, which a file has where the machine stopped while it was written.
    pub zeroed: Spots,
    /// Records that are longer than what is kept of one.
    pub cut: Spots,
    /// Parts that cannot be read at all: chunks of an event log, the rest of a compressed file.
    pub unreadable: Spots,
}

impl Damage {
    /// Whether nothing is wrong.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How many spots there are.
    pub fn count(&self) -> u64 {
        [&self.stray, &self.undecodable, &self.zeroed, &self.cut, &self.unreadable]
            .map(|s| s.count)
            .iter()
            .sum()
    }
}

/// How often something was met, and the lines of the first few times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spots {
    /// How often.
    pub count: u64,
    /// The first lines, at most 16.
    pub lines: Vec<u32>,
}

impl Spots {
    /// Counts a place.
    pub(crate) fn push(&mut self, line: u32) {
        self.count += 1;
        if self.lines.len() < 16 {
            self.lines.push(line);
        }
    }
}

/// What was read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Lines.
    pub lines: u32,
    /// Records, those included that no visitor saw.
    pub records: u64,
    /// Earliest and latest time of the records, on the clock of the file.
    pub span: Option<(LogTime, LogTime)>,
    /// What is wrong with the file.
    pub damage: Damage,
}

impl Reading {
    pub(crate) fn note_time(&mut self, time: LogTime) {
        self.span = Some(match self.span {
            None => (time, time),
            Some((first, last)) => (
                if time.ticks < first.ticks { time } else { first },
                if time.ticks > last.ticks { time } else { last },
            ),
        });
    }
}

/// What the head of a record says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Header {
    pub time: Option<LogTime>,
    pub level: Level,
    /// Where the name of the component begins and ends in the line.
    pub component: (u16, u16),
    pub process: Option<u32>,
    pub thread: Option<u32>,
    /// Where the message begins in the line.
    pub message: u16,
}

impl Header {
    /// The same header in a line with blanks before it.
    pub(crate) fn indented(self, by: usize) -> Self {
        let by = u16::try_from(by).unwrap_or(u16::MAX);
        let (begin, end) = self.component;
        let component =
            if begin == end { (0, 0) } else { (begin.saturating_add(by), end.saturating_add(by)) };
        Self { component, message: self.message.saturating_add(by), ..self }
    }
}

/// How the lines of one kind of log are read.
pub(crate) trait Grammar {
    /// The header of a line that begins a record; a line without continues the record before it.
    fn header(&mut self, line: &[u8]) -> Option<Header>;

    /// Whether a record is worth visiting though none of the needles is in it.
    fn is_wanted(&self, header: &Header, record: &[u8]) -> bool;

    /// The time of a record whose header has none.
    fn late_time(&self, _record: &[u8]) -> Option<LogTime> {
        None
    }

    /// Whether a line belongs to what such a file begins with, before its first record.
    fn is_preamble(&self, _line: &[u8]) -> bool {
        false
    }
}

/// A record ends here at the latest: what follows is left out.
const MOST_OF_A_RECORD: usize = 1 << 20;

/// Bytes that are read from a stream, or decoded, at a time.
const BLOCK: usize = 256 << 10;

#[derive(Clone, Copy)]
struct Pending {
    start: usize,
    line: u32,
    header: Header,
}

/// Splits a text into records, chunk by chunk.
pub(crate) struct Splitter<'n, G> {
    grammar: G,
    encoding: Encoding,
    needles: Option<&'n Needles>,
    pending: Option<Pending>,
    /// Bytes of the chunk whose lines have been seen.
    seen: usize,
    /// The next place of a needle in the chunk.
    hit: Option<usize>,
    pub reading: Reading,
}

impl<'n, G: Grammar> Splitter<'n, G> {
    pub(crate) fn new(grammar: G, encoding: Encoding, needles: Option<&'n Needles>) -> Self {
        Self { grammar, encoding, needles, pending: None, seen: 0, hit: None, reading: Reading::default() }
    }

    /// Reads a file that is in memory. Where ASCII bytes are ASCII, records are parts of it.
    pub(crate) fn read_slice(mut self, bytes: &[u8], mut visit: impl FnMut(&Record<'_>)) -> Reading {
        let text = bytes.get(self.encoding.mark(bytes)..).unwrap_or_default();
        match self.encoding.decoder() {
            None => {
                self.feed(text, true, &mut visit);
                self.reading
            }
            Some(decoder) => self.read_blocks(text, Some(decoder), visit),
        }
    }

    /// Reads a stream, holding a block and a record of it at a time.
    pub(crate) fn read_stream(self, stream: impl Read, visit: impl FnMut(&Record<'_>)) -> Reading {
        let decoder = self.encoding.decoder();
        self.read_blocks(stream, decoder, visit)
    }

    fn read_blocks(
        mut self,
        stream: impl Read,
        decoder: Option<Decoder>,
        mut visit: impl FnMut(&Record<'_>),
    ) -> Reading {
        let failed = pump(stream, decoder, |chunk, last| {
            let done = self.feed(chunk, last, &mut visit);
            self.seen -= done.min(self.seen);
            self.hit = None;
            if let Some(pending) = &mut self.pending {
                pending.start -= done;
            }
            done
        });
        if failed {
            self.reading.damage.unreadable.push(self.reading.lines + 1);
        }
        self.reading
    }

    /// Splits what has been read so far, and says how many bytes of it are done with.
    fn feed(&mut self, chunk: &[u8], last: bool, visit: &mut impl FnMut(&Record<'_>)) -> usize {
        // Text that is sound as a whole need not be looked at record by record.
        let fresh = chunk.get(self.seen..).unwrap_or_default();
        let sound = std::str::from_utf8(fresh).is_ok() && memchr::memchr(0, fresh).is_none();
        let mut start = self.seen;
        for end in memchr::memchr_iter(b'\n', fresh) {
            let end = self.seen + end;
            self.line(chunk, start, end, sound, visit);
            start = end + 1;
        }
        self.seen = start;
        if last {
            if start < chunk.len() {
                self.line(chunk, start, chunk.len(), sound, visit);
            }
            if let Some(pending) = self.pending.take() {
                self.finish(chunk, pending, chunk.len(), sound, visit);
            }
            return chunk.len();
        }
        // An endless record, or an endless line, is cut.
        if chunk.len() - self.pending.map_or(start, |p| p.start) > 2 * MOST_OF_A_RECORD {
            if let Some(pending) = self.pending.take() {
                self.finish(chunk, pending, start, sound, visit);
            }
            if chunk.len() - start > 2 * MOST_OF_A_RECORD {
                self.line(chunk, start, chunk.len(), sound, visit);
                self.seen = chunk.len();
                return if let Some(pending) = self.pending { pending.start } else { chunk.len() };
            }
        }
        self.pending.map_or(start, |pending| pending.start)
    }

    #[inline]
    fn line(
        &mut self,
        chunk: &[u8],
        start: usize,
        end: usize,
        sound: bool,
        visit: &mut impl FnMut(&Record<'_>),
    ) {
        self.reading.lines = self.reading.lines.saturating_add(1);
        let line = chunk.get(start..end).unwrap_or_default();
        match self.grammar.header(line) {
            Some(header) => {
                let number = self.reading.lines;
                if let Some(pending) = self.pending.replace(Pending { start, line: number, header }) {
                    self.finish(chunk, pending, start, sound, visit);
                }
            }
            None if self.pending.is_none()
                && !line.trim_ascii().is_empty()
                && !self.grammar.is_preamble(line) =>
            {
                self.reading.damage.stray.push(self.reading.lines);
            }
            None => {}
        }
    }

    #[inline]
    fn finish(
        &mut self,
        chunk: &[u8],
        pending: Pending,
        end: usize,
        sound: bool,
        visit: &mut impl FnMut(&Record<'_>),
    ) {
        let Pending { start, line, mut header } = pending;
        self.reading.records += 1;
        let all = chunk.get(start..end).unwrap_or_default();
        header.time = header.time.or_else(|| self.grammar.late_time(all));
        if let Some(time) = header.time {
            self.reading.note_time(time);
        }
        if !sound {
            self.note_damage(all, line);
        }
        let wanted = match self.needles {
            None => true,
            Some(needles) => {
                if self.hit.is_none_or(|hit| hit < start) {
                    self.hit = Some(needles.find_from(chunk, start).unwrap_or(usize::MAX));
                }
                self.hit.is_some_and(|hit| hit < end) || self.grammar.is_wanted(&header, all)
            }
        };
        if !wanted {
            return;
        }
        let kept = match all.get(..MOST_OF_A_RECORD) {
            Some(kept) if kept.len() < all.len() => {
                self.reading.damage.cut.push(line);
                kept
            }
            _ => all,
        };
        let (from, to) = header.component;
        let component = all.get(usize::from(from)..usize::from(to)).unwrap_or_default();
        visit(&Record {
            line,
            time: header.time,
            level: header.level,
            component: std::str::from_utf8(component).unwrap_or_default(),
            process: header.process,
            thread: header.thread,
            event: None,
            body: kept.get(usize::from(header.message)..).unwrap_or_default().trim_ascii_end(),
            encoding: self.encoding,
        });
    }

    #[cold]
    fn note_damage(&mut self, record: &[u8], line: u32) {
        if memchr::memchr(0, record).is_some() {
            self.reading.damage.zeroed.push(line);
        }
        if self.encoding.decode(record).1 {
            self.reading.damage.undecodable.push(line);
        }
    }
}

/// Hands over a stream, decoded to UTF-8, in chunks. A chunk begins where the one before it was said to
/// be done with; the last one is marked. Returns whether the stream could not be read to its end.
pub(crate) fn pump(
    mut stream: impl Read,
    mut decoder: Option<Decoder>,
    mut feed: impl FnMut(&[u8], bool) -> usize,
) -> bool {
    let mut text = Vec::new();
    let mut block = vec![0; BLOCK];
    let mut begun = false;
    loop {
        let (length, last, failed) = match fill(&mut stream, &mut block) {
            Ok(length) => (length, length < block.len(), false),
            Err(length) => (length, true, true),
        };
        let read = block.get(..length).unwrap_or_default();
        match &mut decoder {
            Some(decoder) => append_decoded(decoder, read, &mut text, last),
            None => text.extend_from_slice(read),
        }
        if !begun && decoder.is_none() && text.starts_with(b"\xEF\xBB\xBF") {
            text.drain(..3);
        }
        begun = true;
        let done = feed(&text, last);
        if last {
            return failed;
        }
        text.drain(..done.min(text.len()));
    }
}

/// Fills a block as far as the stream goes; an error gives what came before it.
fn fill(stream: &mut impl Read, block: &mut [u8]) -> Result<usize, usize> {
    let mut length = 0;
    while let Some(rest) = block.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match stream.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return Err(length),
        }
    }
    Ok(length)
}

fn append_decoded(decoder: &mut Decoder, mut bytes: &[u8], text: &mut Vec<u8>, last: bool) {
    let most = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(3 * bytes.len() + 16);
    let mut at = text.len();
    text.resize(at + most, 0);
    loop {
        let (result, read, written, _) =
            decoder.decode_to_utf8(bytes, text.get_mut(at..).unwrap_or_default(), last);
        at += written;
        bytes = bytes.get(read..).unwrap_or_default();
        if result == encoding_rs::CoderResult::InputEmpty {
            break;
        }
        text.resize(text.len() + most, 0);
    }
    text.truncate(at);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records begin at lines with `#`.
    struct Hash;

    impl Grammar for Hash {
        fn header(&mut self, line: &[u8]) -> Option<Header> {
            line.starts_with(b"#").then(|| Header { message: 1, ..Header::default() })
        }

        fn is_wanted(&self, _: &Header, record: &[u8]) -> bool {
            record.starts_with(b"#!")
        }
    }

    fn records(
        reading: impl FnOnce(&mut dyn FnMut(&Record<'_>)) -> Reading,
    ) -> (Vec<(u32, String)>, Reading) {
        let mut found = Vec::new();
        let reading = reading(&mut |record| found.push((record.line, record.text().into_owned())));
        (found, reading)
    }

    fn expected(found: &[(u32, &str)]) -> Vec<(u32, String)> {
        found.iter().map(|&(line, text)| (line, text.to_owned())).collect()
    }

    const TEXT: &str = "stray\r\n#one\r\n#two\nmore of 二\r\n\r\n#three";

    #[test]
    fn lines_without_a_header_continue_a_record() {
        let wanted = expected(&[(2, "one"), (3, "two\nmore of 二"), (6, "three")]);
        let read = |encoding: Encoding, bytes: &[u8]| {
            records(|visit| Splitter::new(Hash, encoding, None).read_slice(bytes, visit))
        };
        let (found, reading) = read(Encoding::Utf8, TEXT.as_bytes());
        assert_eq!((&found, reading.lines, reading.records), (&wanted, 6, 3));
        assert_eq!(reading.damage.stray, Spots { count: 1, lines: vec![1] });
        let wide: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(Encoding::Utf16Le, &wide), (wanted.clone(), reading.clone()));
        let streamed =
            records(|visit| Splitter::new(Hash, Encoding::Utf8, None).read_stream(TEXT.as_bytes(), visit));
        assert_eq!(streamed, (wanted, reading));
    }

    #[test]
    fn streams_of_many_blocks_give_what_the_whole_gives() {
        let text: String = (0..60_000)
            .map(|n| format!("#record {n}\r\n{}", if n % 7 == 0 { "more\n" } else { "" }))
            .collect();
        assert!(text.len() > 2 * BLOCK);
        let needles = Needles::new(["record 5", "999"]);
        let whole = records(|visit| {
            Splitter::new(Hash, Encoding::Utf8, Some(&needles)).read_slice(text.as_bytes(), visit)
        });
        let streamed = records(|visit| {
            Splitter::new(Hash, Encoding::Utf8, Some(&needles)).read_stream(text.as_bytes(), visit)
        });
        assert_eq!(whole, streamed);
        let count = (0..60_000)
            .filter(|n| format!("record {n}").contains("record 5") || n.to_string().contains("999"));
        assert_eq!(whole.0.len(), count.count());
    }

    #[test]
    fn endless_records_and_lines_are_cut() {
        for filler in ["x", "line\n"] {
            let text = format!("#first\n#{}\n#last", filler.repeat((8 << 20) / filler.len()));
            for streamed in [false, true] {
                let (found, reading) = records(|visit| {
                    let splitter = Splitter::new(Hash, Encoding::Utf8, None);
                    if streamed {
                        splitter.read_stream(text.as_bytes(), visit)
                    } else {
                        splitter.read_slice(text.as_bytes(), visit)
                    }
                });
                assert_eq!(found.first().map(|r| r.1.as_str()), Some("first"));
                assert_eq!(found.last().map(|r| r.1.as_str()), Some("last"));
                assert!(found.iter().all(|r| r.1.len() <= MOST_OF_A_RECORD));
                assert!(!reading.damage.is_none());
            }
        }
    }

    #[test]
    fn needles_and_the_grammar_choose_records() {
        let needles = Needles::new(["two"]);
        let (found, reading) = records(|visit| {
            Splitter::new(Hash, Encoding::Utf8, Some(&needles))
                .read_slice(b"#one\n#two\n#!three\n#four\nwo", visit)
        });
        assert_eq!(found, expected(&[(2, "two"), (3, "!three")]));
        assert_eq!(reading.records, 4);
    }

    #[test]
    fn damage_has_its_lines() {
        let (found, reading) = records(|visit| {
            Splitter::new(Hash, Encoding::Utf8, None).read_slice(b"#a\n#b\xFF\n#c\0\0\n#d", visit)
        });
        assert_eq!(found.len(), 4);
        assert_eq!((reading.damage.undecodable.lines, reading.damage.zeroed.lines), (vec![2], vec![3]));
    }
}
