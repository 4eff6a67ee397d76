//! CSV as Process Monitor exports it: UTF-8 with a byte order mark, every cell quoted, CR LF.

use super::WriteError;
use super::text::{Markup, Row, write_rows};
use crate::arrow::events::EventCounts;
use crate::budget::Budget;
use crate::log::set::LogSet;
use crate::progress::Progress;
use crate::time::FileTime;
use memchr::memchr2;
use std::io::Write;

pub use super::text::TextExport;

/// Writes a capture as CSV. With `safe`, an apostrophe precedes a cell that a spreadsheet would run as a
/// formula; Process Monitor writes no apostrophe.
///
/// # Errors
/// When writing fails, the caller cancels, or the capture exceeds its limits.
pub fn write_csv<B, W>(
    set: &LogSet<B>,
    out: &mut W,
    export: &TextExport,
    safe: bool,
    progress: &dyn Progress,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write,
{
    let markup = Quotes { safe, last: export.columns.len().saturating_sub(1) };
    let mut titles = String::from("\u{feff}");
    for (position, column) in export.columns.iter().enumerate() {
        markup.open(position, &mut titles);
        markup.escape(column.title(), &mut titles);
        markup.close(position, &mut titles);
    }
    out.write_all(titles.as_bytes())?;
    let first = set.time_span().map_or(FileTime(0), |span| span.0);
    let budget = Budget::new(set, export.scan.limits);
    let counts = write_rows(set, out, export, progress, &budget, || {
        let mut row = Row::new(export, &markup, first);
        move |event: &_, out: &mut String| row.push(event, out)
    })?;
    out.flush()?;
    Ok(counts)
}

/// Quotes around cells, commas between cells, and CR LF after the last cell.
struct Quotes {
    safe: bool,
    last: usize,
}

impl Markup for Quotes {
    fn open(&self, _: usize, out: &mut String) {
        out.push('"');
    }

    fn escape(&self, text: &str, out: &mut String) {
        if self.safe && text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            out.push('\'');
        }
        let mut rest = text;
        while let Some(at) = memchr2(b'"', b'\n', rest.as_bytes()) {
            let (before, after) = rest.split_at(at);
            out.push_str(before);
            // Process Monitor writes a semicolon for a line feed.
            out.push_str(if after.starts_with('"') { "\"\"" } else { ";" });
            rest = after.get(1..).unwrap_or_default();
        }
        out.push_str(rest);
    }

    fn close(&self, position: usize, out: &mut String) {
        out.push_str(if position == self.last { "\"\r\n" } else { "\"," });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_may_be_made_harmless() {
        let text = |safe, text: &str| {
            let mut out = String::new();
            Quotes { safe, last: 1 }.escape(text, &mut out);
            out
        };
        assert_eq!(text(false, "a\"b\nc"), "a\"\"b;c");
        assert_eq!(text(false, "=cmd()"), "=cmd()");
        assert_eq!(text(true, "=cmd()"), "'=cmd()");
        assert_eq!(text(true, "C:\\=1"), "C:\\=1");
    }
}
