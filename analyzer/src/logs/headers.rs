//! Headers of records, read at fixed columns.

use super::record::{Grammar, Header, Level};
use super::time::{self, LogTime};

fn level(word: &[u8]) -> Level {
    match word.first().map(u8::to_ascii_lowercase) {
        Some(b'e') => Level::Error,
        Some(b'w') => Level::Warning,
        _ => Level::Info,
    }
}

/// The number at the beginning of a text, after blanks, and what follows it.
fn number(text: &[u8], radix: u32) -> Option<(u32, &[u8])> {
    let text = text.trim_ascii_start();
    let length = text.iter().take(9).take_while(|b| char::from(**b).is_digit(radix)).count();
    let digits = std::str::from_utf8(text.get(..length)?).ok()?;
    Some((u32::from_str_radix(digits, radix).ok()?, text.get(length..)?))
}

fn column(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

fn is_blank(b: &u8) -> bool {
    matches!(b, b' ' | b'\t')
}

/// Blanks before a quoted record, at most.
const MOST_INDENTED: usize = 16;

/// CBS.log, dism.log and the logs of setup: `2024-08-01 11:02:50, Info                  CBS    text`.
/// The level takes 22 columns with a code in brackets (`[0x01806a]`) at byte 32; the source takes 7
/// at byte 43 and is often blank; the message begins at byte 50.
#[derive(Default)]
pub(crate) struct Servicing {
    /// The second of the record before, which the next one is likely to share.
    cached: [u8; 19],
    ticks: i64,
}

impl Servicing {
    fn time(&mut self, line: &[u8]) -> Option<i64> {
        let text: &[u8; 19] = line.first_chunk()?;
        if *text != self.cached {
            let fits = text.get(10) == Some(&b' ');
            let day = time::date(text).filter(|_| fits)?;
            self.ticks = time::ticks(day, time::time_of_day(text.get(11..)?)?, 0)?;
            self.cached = *text;
        }
        Some(self.ticks)
    }

    /// Headers that went through an editor: columns have moved, the level is any word.
    fn moved(line: &[u8]) -> Option<(Level, (u16, u16), u16)> {
        let mut at = 20;
        let word = |at: &mut usize| {
            *at += line.get(*at..)?.iter().take_while(|b| is_blank(b)).count();
            let start = *at;
            *at += line.get(start..)?.iter().take_while(|b| !is_blank(b)).count();
            line.get(start..*at).map(|word| (start, word))
        };
        let (_, name) = word(&mut at)?;
        if !name.iter().all(u8::is_ascii_alphabetic) || name.is_empty() {
            return None;
        }
        let after_level = at;
        let (mut start, mut source) = word(&mut at)?;
        if source.starts_with(b"[0x") {
            (start, source) = word(&mut at)?;
        }
        let is_source = (2..=7).contains(&source.len()) && source.iter().all(u8::is_ascii_uppercase);
        let message = if is_source { at } else { after_level };
        let blanks = line.get(message..)?.iter().take_while(|b| is_blank(b)).count();
        let component = if is_source { (column(start), column(start + source.len())) } else { (0, 0) };
        Some((level(name), component, column(message + blanks)))
    }
}

impl Grammar for Servicing {
    #[inline]
    fn header(&mut self, line: &[u8]) -> Option<Header> {
        if line.get(19) != Some(&b',') {
            // What was quoted in a mail or on a page is indented.
            let indent = line.iter().take(MOST_INDENTED).take_while(|b| is_blank(b)).count();
            let quoted = line.get(indent..).filter(|line| indent > 0 && line.get(19) == Some(&b','))?;
            return Some(self.header(quoted)?.indented(indent));
        }
        let time = Some(LogTime::local(self.time(line)?));
        let fixed = line.get(20) == Some(&b' ') && line.get(42) == Some(&b' ') && line.get(49) == Some(&b' ');
        let source = line.get(43..50).filter(|_| fixed);
        let plain = source.filter(|source| {
            source.iter().all(|&b| b == b' ' || b.is_ascii_uppercase())
                && line.get(21).is_some_and(u8::is_ascii_alphabetic)
        });
        let (level, component, message) = match plain {
            Some(source) => {
                let length = source.iter().take_while(|&&b| b != b' ').count();
                (level(line.get(21..)?), (43, column(43 + length)), 50)
            }
            None => Self::moved(line)?,
        };
        Some(Header { time, level, component, process: None, thread: None, message })
    }

    /// Errors, and messages of CSI that carry a stamp in UTC.
    #[inline]
    fn is_wanted(&self, header: &Header, record: &[u8]) -> bool {
        header.level != Level::Info || (record.get(58) == Some(&b'@') && record.get(43..46) == Some(b"CSI"))
    }
}

/// WindowsUpdate.log as `Get-WindowsUpdateLog` decodes it, Windows 10 and later:
/// `2024/06/03 09:00:00.1000000 4320  9104  Agent           text`, component at byte 40, message at 56.
#[derive(Default)]
pub(crate) struct Update;

impl Grammar for Update {
    #[inline]
    fn header(&mut self, line: &[u8]) -> Option<Header> {
        if line.get(10) != Some(&b' ') || line.get(19) != Some(&b'.') || line.get(27) != Some(&b' ') {
            return None;
        }
        let (part, length) = time::fraction(line.get(20..27)?);
        let day = time::date(line).filter(|_| length == 7)?;
        let ticks = time::ticks(day, time::time_of_day(line.get(11..)?)?, part)?;
        let (process, rest) = number(line.get(27..)?, 10)?;
        let (thread, rest) = number(rest, 10)?;
        let blanks = rest.iter().take_while(|&&b| b == b' ').count();
        let start = line.len() - rest.len() + blanks;
        let length = line.get(start..)?.iter().take_while(|&&b| !matches!(b, b' ' | b'\r')).count();
        // The message keeps its indentation where the columns are the usual ones.
        let end = start + length;
        let usual = start == 40 && end < 56;
        let gap = line.get(end..)?.iter().take_while(|&&b| b == b' ').count();
        let message = if usual { 56 } else { end + gap };
        let text = line.get(message..).unwrap_or_default();
        let level = if text.trim_ascii_start().starts_with(b"*FAILED*") { Level::Error } else { Level::Info };
        Some(Header {
            time: Some(LogTime::local(ticks)),
            level,
            component: (column(start), column(end)),
            process: Some(process),
            thread: Some(thread),
            message: column(message),
        })
    }

    fn is_wanted(&self, _: &Header, _: &[u8]) -> bool {
        false
    }
}

/// WindowsUpdate.log of Windows 7 and 8:
/// `2012-01-02<TAB>10:11:12:123<TAB> 988<TAB>1a4c<TAB>Agent<TAB>text`.
#[derive(Default)]
pub(crate) struct OldUpdate;

/// Where each field of a line begins and ends that is separated by tabs.
fn tabs<const N: usize>(line: &[u8]) -> Option<[(usize, usize); N]> {
    let mut fields = [(0, 0); N];
    let mut start = 0;
    for field in &mut fields {
        let rest = line.get(start..)?;
        let end = start + memchr::memchr(b'\t', rest).unwrap_or(rest.len());
        *field = (start, end);
        start = end + 1;
    }
    Some(fields)
}

impl Grammar for OldUpdate {
    fn header(&mut self, line: &[u8]) -> Option<Header> {
        if line.get(10) != Some(&b'\t') || line.get(19) != Some(&b':') {
            return None;
        }
        let [_, _, process, thread, component, message] = tabs::<6>(line)?;
        let (part, _) = time::fraction(line.get(20..23)?);
        let ticks = time::ticks(time::date(line)?, time::time_of_day(line.get(11..)?)?, part)?;
        let text = line.get(message.0..)?;
        let level = match text.trim_ascii_start() {
            text if text.starts_with(b"FATAL") => Level::Error,
            text if text.starts_with(b"WARNING") => Level::Warning,
            _ => Level::Info,
        };
        Some(Header {
            time: Some(LogTime::local(ticks)),
            level,
            component: (column(component.0), column(component.1)),
            process: number(line.get(process.0..process.1)?, 10).map(|n| n.0),
            thread: number(line.get(thread.0..thread.1)?, 16).map(|n| n.0),
            message: column(message.0),
        })
    }

    fn is_wanted(&self, _: &Header, _: &[u8]) -> bool {
        false
    }
}

/// ReportingEvents.log: `{GUID}<TAB>2021-01-02 10:11:12:200-0600<TAB>1<TAB>…`, the one text log whose
/// times carry their distance from UTC.
#[derive(Default)]
pub(crate) struct Reporting;

impl Grammar for Reporting {
    fn header(&mut self, line: &[u8]) -> Option<Header> {
        let [_, stamp, _] = tabs::<3>(line).filter(|_| line.first() == Some(&b'{'))?;
        let stamp = line.get(stamp.0..stamp.1)?;
        let (part, length) = time::fraction(stamp.get(20..)?);
        let ticks = time::ticks(time::date(stamp)?, time::time_of_day(stamp.get(11..)?)?, part)?;
        let zone = stamp.get(20 + length..)?;
        let (sign, digits) = (zone.first()?, number(zone.get(1..)?, 10)?.0);
        let minutes = i64::from(digits / 100 * 60 + digits % 100);
        let offset = if *sign == b'-' { -minutes } else { minutes };
        Some(Header { time: Some(LogTime::utc(ticks - offset * time::MINUTE)), ..Header::default() })
    }

    fn is_wanted(&self, _: &Header, _: &[u8]) -> bool {
        true
    }
}

/// poqexec.log: `<hex FILETIME>: 832, c0000034, 1f, 0, HardLinkFile ;operands`, one line for each failure.
#[derive(Default)]
pub(crate) struct Poqexec;

impl Grammar for Poqexec {
    fn header(&mut self, line: &[u8]) -> Option<Header> {
        let colon = line.iter().take(17).position(|&b| b == b':').filter(|at| (14..=16).contains(at))?;
        let digits = std::str::from_utf8(line.get(..colon)?).ok()?;
        let ticks = i64::from_str_radix(digits, 16).ok()?;
        // Years 1980 to 2200: other numbers are no times.
        let fits = (119_600_064_000_000_000..189_000_000_000_000_000).contains(&ticks);
        fits.then(|| Header {
            time: Some(LogTime::utc(ticks)),
            level: Level::Error,
            message: column(colon + 1),
            ..Header::default()
        })
    }

    fn is_wanted(&self, _: &Header, _: &[u8]) -> bool {
        true
    }
}

/// setupapi.dev.log: a record is a section, from `>>>  [Device Install …]` to its exit status.
#[derive(Default)]
pub(crate) struct Device;

impl Grammar for Device {
    fn header(&mut self, line: &[u8]) -> Option<Header> {
        line.starts_with(b">>>  [").then(Header::default)
    }

    /// Sections that failed.
    fn is_wanted(&self, _: &Header, record: &[u8]) -> bool {
        memchr::memmem::find(record, b"[Exit status: FAILURE").is_some()
    }

    fn late_time(&self, record: &[u8]) -> Option<LogTime> {
        let marker = b"Section start ";
        let at = memchr::memmem::find(record, marker)? + marker.len();
        let stamp = record.get(at..)?.trim_ascii_start().get(..23)?;
        let (part, _) = time::fraction(stamp.get(20..)?);
        let ticks = time::ticks(time::date(stamp)?, time::time_of_day(stamp.get(11..)?)?, part)?;
        Some(LogTime::local(ticks))
    }

    /// `[Device Install Log]`, `     OS Version = 10.0.19045`, `[Boot Session: …]`.
    fn is_preamble(&self, line: &[u8]) -> bool {
        line.starts_with(b"[") || memchr::memmem::find(line, b" = ").is_some()
    }
}

/// Texts without headers: every line that is not blank is a record.
#[derive(Default)]
pub(crate) struct Plain;

impl Grammar for Plain {
    fn header(&mut self, line: &[u8]) -> Option<Header> {
        (!line.trim_ascii().is_empty()).then(Header::default)
    }

    fn is_wanted(&self, _: &Header, _: &[u8]) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_of_devices_begins_with_is_no_damage() {
        let is_preamble = |line: &str| Device.is_preamble(line.as_bytes());
        for line in
            ["[Device Install Log]", "     OS Version = 10.0.19045", "[BeginLog]", "[Boot Session: x]"]
        {
            assert!(is_preamble(line), "{line}");
        }
        assert!(!is_preamble("     dvi: {Select Best Driver} 08:03:05.120"));
    }

    fn parts<G: Grammar + Default>(line: &str) -> Option<(String, Level, String, String)> {
        let header = G::default().header(line.as_bytes())?;
        let (from, to) = header.component;
        let component = line.get(usize::from(from)..usize::from(to)).unwrap_or_default().to_owned();
        let message = line.get(usize::from(header.message)..).unwrap_or_default().to_owned();
        Some((header.time.map(|t| t.to_string()).unwrap_or_default(), header.level, component, message))
    }

    fn some(
        time: &str,
        level: Level,
        component: &str,
        message: &str,
    ) -> Option<(String, Level, String, String)> {
        Some((time.to_owned(), level, component.to_owned(), message.to_owned()))
    }

    #[test]
    fn servicing_headers_with_and_without_a_code() {
        let parts = parts::<Servicing>;
        let time = "2024-08-01 11:02:50";
        assert_eq!(
            parts("2024-08-01 11:02:50, Info                  CBS    Startup: x"),
            some(time, Level::Info, "CBS", "Startup: x")
        );
        assert_eq!(
            parts("2024-08-01 11:02:50, Error      [0x01806a] CSI    00000c71 (F) Failed"),
            some(time, Level::Error, "CSI", "00000c71 (F) Failed")
        );
        assert_eq!(
            parts("2024-08-01 11:02:50, Info                         arbiter: x"),
            some(time, Level::Info, "", "arbiter: x")
        );
        assert_eq!(
            parts("2024-08-01 11:02:50, Info                  CBS      indented"),
            some(time, Level::Info, "CBS", "  indented")
        );
        // What editors and mails make of them.
        assert_eq!(
            parts("2024-08-01 11:02:50, ERROR CBS Failed [HRESULT = 0x80070490]"),
            some(time, Level::Error, "CBS", "Failed [HRESULT = 0x80070490]")
        );
        assert_eq!(
            parts("2024-08-01 11:02:50, Error [0x018009] CSI 0000 (F) x"),
            some(time, Level::Error, "CSI", "0000 (F) x")
        );
        assert_eq!(
            parts("2024-08-01 11:02:50, Info                  CBS    "),
            some(time, Level::Info, "CBS", "")
        );
        assert_eq!(
            parts("2024-08-01 11:02:50, Info                  CBS"),
            some(time, Level::Info, "CBS", "")
        );
        for other in [
            "",
            "[gle=0xd0000034]",
            "2024-08-01 11:02:50",
            "2024-18-01 11:02:50, Info x",
            "2024-08-01T11:02:50, Info x",
        ] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[test]
    fn update_headers_of_both_generations() {
        let time = "2023-05-06 14:05:21.665";
        for sign in ['/', '-'] {
            let line = "2023/05/06 14:05:21.6651960 4952  21156 WebServices     *FAILED* [80240439] call"
                .replace('/', &sign.to_string());
            assert_eq!(
                parts::<Update>(&line),
                some(time, Level::Error, "WebServices", "*FAILED* [80240439] call")
            );
        }
        let indented = "2023/05/06 14:05:21.6651960 4952  21156 Agent             Title = x";
        assert_eq!(parts::<Update>(indented), some(time, Level::Info, "Agent", "  Title = x"));
        let moved = "2023/05/06 14:05:21.6651960 123456 21156 Agent x";
        assert_eq!(parts::<Update>(moved), some(time, Level::Info, "Agent", "x"));
        let empty = "2023/05/06 14:05:21.6651960 4952  21156 Agent";
        assert_eq!(parts::<Update>(empty), some(time, Level::Info, "Agent", ""));
        assert_eq!(parts::<Update>("2023/05/06 14:05:21.665 4952  21156 Agent x"), None);

        let old = "2012-01-02\t10:11:12:123\t 988\t1a4c\tHandler\tFATAL: CBS called Error with 0x800736b3, ";
        assert_eq!(
            parts::<OldUpdate>(old),
            some(
                "2012-01-02 10:11:12.123",
                Level::Error,
                "Handler",
                "FATAL: CBS called Error with 0x800736b3, "
            )
        );
        let header = OldUpdate.header(old.as_bytes()).unwrap_or_default();
        assert_eq!((header.process, header.thread), (Some(988), Some(0x1a4c)));
    }

    #[test]
    fn times_that_are_utc() {
        let line = "{A}\t2021-01-02 10:11:12:200-0600\t1\t147\t101\t{B}\t0\t0\tx\tSuccess\tSync\ttext";
        assert_eq!(parts::<Reporting>(line).map(|p| p.0).as_deref(), Some("2021-01-02 16:11:12.200Z"));
        let east = line.replace("-0600", "+0530");
        assert_eq!(parts::<Reporting>(&east).map(|p| p.0).as_deref(), Some("2021-01-02 04:41:12.200Z"));
        let poq = "1dae3bf2ff9a700: 832, c0000034, 1f, 0, HardLinkFile ;\\SystemRoot\\a, \\??\\C:\\b";
        assert_eq!(
            parts::<Poqexec>(poq).map(|p| (p.0, p.3)),
            Some(("2024-08-01 03:02:04.400Z".to_owned(), poq.get(16..).unwrap_or_default().to_owned()))
        );
        assert_eq!(parts::<Poqexec>("ffffffffffffffff: x"), None);
    }

    #[test]
    fn sections_of_devices_take_their_time_from_the_second_line() {
        let section = b">>>  [Device Install (Hardware initiated) - PCI\\X]\r\n>>>  Section start 2023/05/06 14:05:21.123\r\n!!!  dvi: failed\r\n<<<  Section end 2023/05/06 14:05:22.000\r\n<<<  [Exit status: FAILURE(0xe0000219)]";
        assert_eq!(
            Device.late_time(section).map(|t| t.to_string()).as_deref(),
            Some("2023-05-06 14:05:21.123")
        );
        assert!(Device.is_wanted(&Header::default(), section));
    }
}
