//! XML as Process Monitor exports it (docs/format.md, "XML export").

use super::WriteError;
use super::current_modules::current;
use super::text::{Markup, Row, write_rows};
use crate::arrow::events::EventCounts;
use crate::budget::Budget;
use crate::detail::value;
use crate::log::event::Event;
use crate::log::process::{Process, Virtualized};
use crate::log::set::LogSet;
use crate::module_map::Resolution;
use crate::progress::Progress;
use crate::resolve::Resolver;
use crate::symbols::{SharedSymbols, Symbols};
use crate::text::{WinStr, with_placeholder};
use crate::time::FileTime;
use std::io::Write;

pub use super::text::TextExport;

/// Writes a capture as XML: its processes, its events, and with `stacks` the call stacks of events.
///
/// # Errors
/// When writing fails, the caller cancels, or the capture exceeds its limits.
pub fn write_xml<B, W>(
    set: &LogSet<B>,
    out: &mut W,
    export: &TextExport,
    stacks: bool,
    progress: &dyn Progress,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write,
{
    out.write_all("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<procmon><processlist>".as_bytes())?;
    let budget = Budget::new(set, export.scan.limits);
    let most = budget.meter().most_text();
    let mut text = String::new();
    let write = |text: &mut String, out: &mut W| {
        budget.written(text.len())?;
        out.write_all(text.as_bytes())?;
        text.clear();
        Ok::<_, WriteError>(())
    };
    for (position, process) in set.parts().flat_map(|log| log.processes()).enumerate() {
        text.push_str(if position == 0 { "" } else { "\r\n" });
        with_placeholder(UNPAIRED, || push_process(process, &mut text, |text| write(text, out)))?;
        write(&mut text, out)?;
    }
    let is_empty = set.parts().all(|log| log.processes().next().is_none());
    out.write_all(if is_empty { b"" } else { b"\r\n" })?;
    out.write_all(b"</processlist><eventlist>")?;
    let elements: Vec<String> = export
        .columns
        .iter()
        .map(|column| column.title().replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
        .collect();
    let markup = Elements { names: elements };
    let first = set.time_span().map_or(FileTime(0), |span| span.0);
    let (fidelity, symbols) = (export.text.fidelity, export.scan.symbols.as_ref());
    let counts = write_rows(set, out, export, progress, &budget, || {
        let mut row = Row::new(export, &markup, first);
        move |event: &Event<'_>, out: &mut String| {
            out.push_str("\r\n<event>\r\n<ProcessIndex>");
            let index = event.process_position().map_or(0, |_| event.process_index());
            value::decimal(out, index.into());
            out.push_str("</ProcessIndex>\r\n");
            let decoded = with_placeholder(UNPAIRED, || {
                let decoded = row.push(event, out);
                if stacks {
                    push_stack(event, (fidelity.into(), symbols), most, out);
                }
                decoded
            });
            out.push_str("</event>\r\n");
            decoded
        }
    })?;
    out.write_all(b"</eventlist></procmon>")?;
    out.flush()?;
    Ok(counts)
}

/// What takes the place of an unpaired surrogate until texts are escaped: a noncharacter, which XML cannot hold.
const UNPAIRED: char = '\u{ffff}';

/// One element per cell, each on a line.
struct Elements {
    names: Vec<String>,
}

impl Markup for Elements {
    fn open(&self, position: usize, out: &mut String) {
        out.push('<');
        out.push_str(self.names.get(position).map_or("", String::as_str));
        out.push('>');
    }

    fn escape(&self, text: &str, out: &mut String) {
        push_escaped(text, out);
    }

    fn close(&self, position: usize, out: &mut String) {
        out.push_str("</");
        out.push_str(self.names.get(position).map_or("", String::as_str));
        out.push_str(">\r\n");
    }
}

/// Appends text between tags. Characters that Process Monitor's writer cannot express become `_`: most
/// control characters, noncharacters (one of which replaces an unpaired surrogate here), and each surrogate of a
/// character outside the Basic Multilingual Plane. A U+FFFD of the log stays.
fn push_escaped(text: &str, out: &mut String) {
    let plain = |b: u8| matches!(b, 0x20..0x7F) && !matches!(b, b'&' | b'<' | b'>' | b'"' | b'\'');
    if text.bytes().all(plain) {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("\r\n"),
            '\t' | '\r' => out.push(c),
            '\0'..=' ' if c != ' ' => out.push('_'),
            '\u{fffe}'..=UNPAIRED => out.push('_'),
            '\u{10000}'.. => out.push_str("__"),
            _ => out.push(c),
        }
    }
}

fn push_element(name: &str, out: &mut String, write: impl FnOnce(&mut String)) {
    for part in ["<", name, ">"] {
        out.push_str(part);
    }
    write(out);
    for part in ["</", name, ">\r\n"] {
        out.push_str(part);
    }
}

/// Bytes of a process's text after which it is written before its end: modules may share huge texts.
const PROCESS_TEXT: usize = 1 << 20;

/// A process and its modules.
fn push_process(
    process: Process<'_>,
    out: &mut String,
    mut write: impl FnMut(&mut String) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    out.push_str("<process>\r\n");
    let text = |name, text: WinStr<'_>, out: &mut String| {
        push_element(name, out, |out| push_escaped(&text.to_str(), out));
    };
    let number = |name, number: u64, out: &mut String| {
        push_element(name, out, |out| value::decimal(out, number));
    };
    number("ProcessIndex", process.index().into(), out);
    number("ProcessId", process.pid().into(), out);
    number("ParentProcessId", process.parent_pid().into(), out);
    number("ParentProcessIndex", process.parent_index().into(), out);
    push_element("AuthenticationId", out, |out| value::luid(out, process.authentication_id()));
    number("CreateTime", process.start().0, out);
    number("FinishTime", process.end().map_or(0, |end| end.0), out);
    let virtualized = match process.virtualized() {
        Virtualized::No => 0,
        Virtualized::Yes => 1,
        Virtualized::NotAvailable(value) => value,
    };
    number("IsVirtualized", virtualized.into(), out);
    number("Is64bit", process.is_64_bit().into(), out);
    text("Integrity", process.integrity(), out);
    text("Owner", process.user(), out);
    text("ProcessName", process.name(), out);
    text("ImagePath", process.image_path(), out);
    text("CommandLine", process.command_line(), out);
    text("CompanyName", process.company(), out);
    text("Version", process.version(), out);
    text("Description", process.description(), out);
    out.push_str("<modulelist>\r\n");
    let modules = process.modules();
    for module in current(modules).into_iter().filter_map(|position| modules.at(position)) {
        out.push_str("<module>\r\n");
        number("Timestamp", module.load_time.0, out);
        push_element("BaseAddress", out, |out| value::hex(out, module.base));
        number("Size", module.size.into(), out);
        text("Path", module.path(), out);
        text("Version", module.version(), out);
        text("Company", module.company(), out);
        text("Description", module.description(), out);
        out.push_str("</module>\r\n");
        if out.len() >= PROCESS_TEXT {
            write(out)?;
        }
    }
    out.push_str("</modulelist>\r\n</process>");
    Ok(())
}

/// Appends the frames of an event, each with the module that contains it. Frames may share huge paths, so the
/// stack ends once its text is longer than `most` bytes, which every export refuses.
fn push_stack(
    event: &Event<'_>,
    (resolution, symbols): (Resolution, Option<&SharedSymbols>),
    most: usize,
    out: &mut String,
) {
    let start = out.len();
    out.push_str("<stack>");
    let resolver = Resolver::new(event.log(), event.process_position(), resolution);
    for (depth, address) in event.stack().addresses().enumerate() {
        out.push_str("\r\n<frame>\r\n");
        push_element("depth", out, |out| value::decimal(out, depth as u64));
        push_element("address", out, |out| value::hex(out, address));
        if let Some(place) = resolver.locate(address, event.time()) {
            let location = place.location();
            let path = location.module.path().to_str();
            if !path.is_empty() {
                push_element("path", out, |out| push_escaped(&path, out));
                let function = symbols.and_then(|symbols| symbols.function(location.module, location.offset));
                push_element("location", out, |out| {
                    push_escaped(path.rsplit('\\').next().unwrap_or(&path), out);
                    match function {
                        Some(function) => {
                            out.push('!');
                            push_escaped(&function.name, out);
                            out.push('+');
                            value::hex(out, function.offset);
                        }
                        None => {
                            out.push_str(" + ");
                            value::hex(out, location.offset);
                        }
                    }
                });
            }
        }
        out.push_str("</frame>\r\n");
        if out.len() - start > most {
            break;
        }
    }
    out.push_str("</stack>\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_cannot_hold_become_underscores() {
        let mut out = String::new();
        push_escaped("a<b>&'\"\u{1}\t\r\n中😀\u{fffe}\u{feff}\u{7f}", &mut out);
        assert_eq!(out, "a&lt;b&gt;&amp;&apos;&quot;_\t\r\r\n中___\u{feff}\u{7f}");
    }
}
