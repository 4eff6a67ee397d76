//! Windows event logs: `.evtx`, and events as XML, in an export with one root or one after the other.

use super::encoding::Encoding;
use super::record::{EventFields, Level, Reading, Record, pump};
use super::time::{self, LogTime};
use super::xml::{Token, Tokens, attribute, unescape};
use std::io::Read;

/// Bytes of one event at most.
const MOST_OF_AN_EVENT: usize = 1 << 20;

/// Data of one event at most.
const MOST_DATA: usize = 256;

/// An event taken apart.
struct Parsed {
    number: u32,
    time: Option<LogTime>,
    level: Level,
    provider: String,
    process: Option<u32>,
    thread: Option<u32>,
    fields: EventFields,
}

/// Takes an event apart, of which `text` is the XML.
fn parse(text: &str) -> Option<Parsed> {
    let mut event = Parsed {
        number: 0,
        time: None,
        level: Level::Info,
        provider: String::new(),
        process: None,
        thread: None,
        fields: EventFields::default(),
    };
    let mut section = "";
    let mut element = "";
    let mut datum: Option<(String, String)> = None;
    let mut depth = 0usize;
    let mut has_id = false;
    for token in Tokens::new(text) {
        match token {
            Token::Open(name, attributes, closes) => {
                if depth == 1 {
                    section = name;
                }
                if depth >= 2 {
                    element = name;
                    let value = |key: &str| attribute(attributes, key).map(|v| v.into_owned());
                    match (section, name) {
                        ("System", "Provider") => event.provider = value("Name").unwrap_or_default(),
                        ("System", "TimeCreated") => {
                            let ticks = value("SystemTime").as_deref().and_then(time::date_time);
                            event.time = ticks.map(LogTime::utc);
                        }
                        ("System", "Execution") => {
                            event.process = value("ProcessID").and_then(|v| v.parse().ok());
                            event.thread = value("ThreadID").and_then(|v| v.parse().ok());
                        }
                        ("System", _) => {}
                        // An element that has others inside is no datum itself.
                        _ => {
                            let name = value("Name").unwrap_or_else(|| match name {
                                "Data" => String::new(),
                                name => name.to_owned(),
                            });
                            datum = Some((name, String::new()));
                            if closes {
                                event.fields.data.extend(datum.take());
                            }
                        }
                    }
                }
                if !closes {
                    depth += 1;
                }
            }
            Token::Text(text) => {
                if let Some(datum) = &mut datum {
                    datum.1.push_str(&unescape(text));
                } else if section == "System" && depth == 3 {
                    let text = text.trim();
                    match element {
                        "EventID" => {
                            event.fields.id = text.parse().ok()?;
                            has_id = true;
                        }
                        "Version" => event.fields.version = text.parse().unwrap_or_default(),
                        "Level" => {
                            event.level = match text {
                                "1" | "2" => Level::Error,
                                "3" => Level::Warning,
                                _ => Level::Info,
                            }
                        }
                        "EventRecordID" => event.number = text.parse().unwrap_or_default(),
                        "Channel" => event.fields.channel = unescape(text).into_owned(),
                        "Computer" => event.fields.computer = unescape(text).into_owned(),
                        _ => {}
                    }
                }
            }
            Token::Close(_) => {
                if event.fields.data.len() < MOST_DATA {
                    event.fields.data.extend(datum.take());
                }
                datum = None;
                depth = depth.saturating_sub(1);
            }
        }
    }
    (has_id && !event.provider.is_empty()).then_some(event)
}

/// Hands over one event. Its text is its data, one `name=value` after the other.
fn visit_event(text: &str, reading: &mut Reading, visit: &mut impl FnMut(&Record<'_>)) {
    let ordinal = u32::try_from(reading.records + 1).unwrap_or(u32::MAX);
    let Some(event) = parse(text) else {
        reading.damage.stray.push(ordinal);
        return;
    };
    reading.records += 1;
    if let Some(time) = event.time {
        reading.note_time(time);
    }
    let mut body = String::new();
    for (name, value) in &event.fields.data {
        if !body.is_empty() {
            body.push_str("; ");
        }
        if !name.is_empty() {
            body.push_str(name);
            body.push('=');
        }
        body.push_str(value);
    }
    visit(&Record {
        line: if event.number == 0 { ordinal } else { event.number },
        time: event.time,
        level: event.level,
        component: &event.provider,
        process: event.process,
        thread: event.thread,
        event: Some(&event.fields),
        body: body.as_bytes(),
        encoding: Encoding::Utf8,
    });
}

/// Reads events that are XML.
pub(crate) fn read_xml(stream: impl Read, encoding: Encoding, mut visit: impl FnMut(&Record<'_>)) -> Reading {
    let mut reading = Reading::default();
    let mut skipping = false;
    let failed = pump(stream, encoding.decoder(), |chunk, last| {
        let mut at = 0;
        loop {
            let rest = chunk.get(at..).unwrap_or_default();
            if skipping {
                match memchr::memmem::find(rest, b"</Event>") {
                    Some(end) => (at, skipping) = (at + end + 8, false),
                    None => return if last { chunk.len() } else { at + rest.len().saturating_sub(7) },
                }
                continue;
            }
            let begin = memchr::memmem::find_iter(rest, b"<Event")
                .find(|&start| matches!(rest.get(start + 6), Some(b' ' | b'>' | b'\r' | b'\n' | b'\t')));
            let Some(begin) = begin else {
                return if last { chunk.len() } else { at + rest.len().saturating_sub(7) };
            };
            let event = rest.get(begin..).unwrap_or_default();
            match memchr::memmem::find(event, b"</Event>") {
                Some(end) if end < MOST_OF_AN_EVENT => {
                    let (text, lossy) = encoding.decode(event.get(..end + 8).unwrap_or_default());
                    if lossy {
                        reading
                            .damage
                            .undecodable
                            .push(u32::try_from(reading.records + 1).unwrap_or(u32::MAX));
                    }
                    visit_event(&text, &mut reading, &mut visit);
                    at += begin + end + 8;
                }
                Some(end) => {
                    reading.damage.cut.push(u32::try_from(reading.records + 1).unwrap_or(u32::MAX));
                    at += begin + end + 8;
                }
                None if last || event.len() > MOST_OF_AN_EVENT => {
                    reading.damage.cut.push(u32::try_from(reading.records + 1).unwrap_or(u32::MAX));
                    skipping = true;
                    at = chunk.len();
                }
                None => return at + begin,
            }
        }
    });
    if failed {
        reading.damage.unreadable.push(u32::try_from(reading.records + 1).unwrap_or(u32::MAX));
    }
    reading
}

/// Reads an `.evtx` file, chunk by chunk. Chunks that are missing, cut or damaged are normal: they are
/// left out and counted.
#[cfg(feature = "evtx")]
pub(crate) fn read_evtx(bytes: &[u8], mut visit: impl FnMut(&Record<'_>)) -> Reading {
    let mut reading = Reading::default();
    let settings = evtx::ParserSettings::new().num_threads(1).indent(false);
    let parser = evtx::EvtxParser::from_read_seek(std::io::Cursor::new(bytes));
    let Ok(mut parser) = parser.map(|parser| parser.with_configuration(settings)) else {
        reading.damage.unreadable.push(0);
        return reading;
    };
    for record in parser.records_bytes() {
        match record {
            Ok(record) => visit_event(&String::from_utf8_lossy(&record.data), &mut reading, &mut visit),
            Err(_) => {
                let ordinal = u32::try_from(reading.records + 1).unwrap_or(u32::MAX);
                reading.damage.unreadable.push(ordinal);
            }
        }
    }
    reading
}

/// Says that `.evtx` files cannot be read: the program was built without the reader.
#[cfg(not(feature = "evtx"))]
pub(crate) fn read_evtx(_: &[u8], _: impl FnMut(&Record<'_>)) -> Reading {
    let mut reading = Reading::default();
    reading.damage.unreadable.push(0);
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
        <Provider Name='Microsoft-Windows-WindowsUpdateClient'/><EventID Qualifiers='1'>20</EventID><Version>1</Version>\
        <Level>2</Level><TimeCreated SystemTime='2023-12-29T02:03:02.1234567Z'/><EventRecordID>41007</EventRecordID>\
        <Execution ProcessID='4' ThreadID='8'/><Channel>System</Channel><Computer>PC</Computer></System>\
        <EventData><Data Name='errorCode'>0x80070490</Data><Data>un&amp;named</Data><Data Name='empty'/></EventData></Event>";

    fn read(bytes: &[u8], encoding: Encoding) -> (Vec<(u32, String, u32, String)>, Reading) {
        let mut found = Vec::new();
        let reading = read_xml(bytes, encoding, |record| {
            let id = record.event.map_or(0, |event| event.id);
            found.push((record.line, record.component.to_owned(), id, record.text().into_owned()));
        });
        (found, reading)
    }

    #[test]
    fn events_are_taken_apart_with_and_without_a_root() {
        let wanted = (
            41007,
            "Microsoft-Windows-WindowsUpdateClient".to_owned(),
            20,
            "errorCode=0x80070490; un&named; empty=".to_owned(),
        );
        for text in [format!("<Events>{EVENT}{EVENT}</Events>"), format!("\u{FEFF}{EVENT}\r\n{EVENT}")] {
            let (found, reading) = read(text.as_bytes(), Encoding::Utf8Bom);
            assert_eq!(found, [wanted.clone(), wanted.clone()]);
            assert!(reading.damage.is_none());
        }
        let wide: Vec<u8> = EVENT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&wide, Encoding::Utf16Le).0, [wanted]);
    }

    #[test]
    fn user_data_gives_its_leaves() {
        let text = "<Event><System><Provider Name='Microsoft-Windows-Servicing'/><EventID>3</EventID></System><UserData>\
            <CbsPackageChangeState xmlns='x'><PackageIdentifier>KB1</PackageIdentifier><ErrorCode>0x800f0986</ErrorCode>\
            </CbsPackageChangeState></UserData></Event>";
        let event = parse(text).map(|event| event.fields);
        let get = |name| event.as_ref().and_then(|fields| fields.get(name));
        assert_eq!((get("PackageIdentifier"), get("ErrorCode")), (Some("KB1"), Some("0x800f0986")));
    }

    #[test]
    fn damaged_events_are_counted() {
        let (found, reading) =
            read(format!("<Event><x/></Event>{EVENT}<Event ><System>").as_bytes(), Encoding::Utf8);
        assert_eq!(found.len(), 1);
        assert_eq!((reading.damage.stray.count, reading.damage.cut.count), (1, 1));
        let long = format!("<Event>{}</Event>{EVENT}", "x".repeat(3 << 20));
        let (found, reading) = read(long.as_bytes(), Encoding::Utf8);
        assert_eq!((found.len(), reading.damage.cut.count), (1, 1));
    }

    #[cfg(feature = "evtx")]
    #[test]
    fn what_is_no_event_log_is_said_so() {
        for bytes in [&b"ElfFile\0"[..], b"", &[0; 70_000]] {
            let reading = read_evtx(bytes, |_| panic!("no record"));
            assert_eq!(reading.damage.unreadable.count, 1);
        }
    }
}
