//! JSON Lines: one object per event, with the columns of the events table.

use super::range_size::JSON_LINES;
use super::stack_tables::StackTables;
use super::{RangeDecoder, TableOptions, WriteError, position_after};
use crate::arrow::events::{EventCounts, EventRows};
use crate::arrow::labels::{Labels, seconds_text};
use crate::arrow::schema::EventColumnSet;
use crate::arrow::types::Types;
use crate::budget::{Budget, Meter};
use crate::columns::{Source, Type};
use crate::log::set::{EventRange, LogSet};
use crate::parallel::in_order;
use crate::progress::Progress;
use crate::time::FileTime;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    Decimal128Type, Int32Type, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use std::fmt::Display;
use std::io::{self, Write};

/// Writes the events table as JSON Lines. Every object has every column, NULL as `null`. Times are ISO 8601
/// in UTC with seven decimals. [`TableOptions::types`] makes no difference.
///
/// # Errors
/// When writing fails, the caller cancels, or the capture exceeds its limits.
pub fn write_jsonl<B, W>(
    set: &LogSet<B>,
    out: &mut W,
    export: &TableOptions,
    progress: &dyn Progress,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write,
{
    let mut counts = EventCounts::new(export.columns.has(Source::Detail));
    let budget = Budget::new(set, export.scan.limits);
    // JSON has one kind of number.
    let labels = Labels::new(set, Types::Exact, export.capture.as_deref());
    let mut stacks = StackTables::new((), &budget, &labels);
    let decoder = RangeDecoder::new(set, export, &labels, &budget, progress);
    let wants_stacks = export.columns.has(Source::StackId);
    let render = |range: EventRange| {
        let mut lines = Lines::default();
        let (counts, stacks) =
            decoder.decode(&range, |rows, meter| lines.push(&export.columns, &rows, meter))?;
        Ok::<_, WriteError>((range, lines, counts, stacks))
    };
    let ranges = JSON_LINES.of(set);
    in_order(export.scan.threads, ranges, render, |(range, lines, found, found_stacks)| {
        counts.merge(&found);
        let ids = match wants_stacks {
            true => Some(stacks.column(set, &found_stacks, &lines.stack_ids)?),
            false => None,
        };
        lines.write(ids.as_ref(), out)?;
        let (events, bytes) = position_after(set, &range);
        progress.advance(events, bytes);
        Ok(())
    })?;
    out.flush()?;
    Ok(counts)
}

/// Lines without their ends: the stack id, which is the last member of each object, and the closing bracket.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    ends: Vec<usize>,
    stack_ids: Vec<Option<u32>>,
}

impl Lines {
    fn push(
        &mut self,
        columns: &EventColumnSet,
        rows: &EventRows,
        meter: &mut Meter<'_>,
    ) -> Result<(), WriteError> {
        for row in 0..rows.rows {
            let start = self.text.len();
            let mut before = "{";
            for (column, array) in columns.iter().zip(&rows.batch) {
                write!(self.text, "{before}\"{}\":", column.name)?;
                write_value(&mut self.text, column.kind, array, row)?;
                before = ",";
            }
            self.text.extend_from_slice(if rows.stack_ids.is_empty() { b"" } else { before.as_bytes() });
            self.ends.push(self.text.len());
            meter.text(self.text.len() - start)?;
        }
        self.stack_ids.extend(&rows.stack_ids);
        Ok(())
    }

    fn write(&self, stack_ids: Option<&ArrayRef>, out: &mut impl Write) -> io::Result<()> {
        let mut start = 0;
        for (row, &end) in self.ends.iter().enumerate() {
            out.write_all(self.text.get(start..end).unwrap_or_default())?;
            if let Some(stack_ids) = stack_ids {
                out.write_all(b"\"stack_id\":")?;
                write_value(out, Type::U32, stack_ids, row)?;
            }
            out.write_all(b"}\n")?;
            start = end;
        }
        Ok(())
    }
}

/// The value of a row.
fn write_value(out: &mut impl Write, kind: Type, array: &ArrayRef, row: usize) -> io::Result<()> {
    fn number(out: &mut impl Write, value: impl Display) -> io::Result<()> {
        write!(out, "{value}")
    }
    if array.is_null(row) {
        return out.write_all(b"null");
    }
    match kind {
        Type::U8 => number(out, array.as_primitive::<UInt8Type>().value(row)),
        Type::U16 => number(out, array.as_primitive::<UInt16Type>().value(row)),
        Type::U32 => number(out, array.as_primitive::<UInt32Type>().value(row)),
        Type::U64 => number(out, array.as_primitive::<UInt64Type>().value(row)),
        Type::I32 => number(out, array.as_primitive::<Int32Type>().value(row)),
        Type::I64 => number(out, array.as_primitive::<Int64Type>().value(row)),
        Type::Bool => number(out, array.as_boolean().value(row)),
        Type::Timestamp => {
            let nanos = array.as_primitive::<TimestampNanosecondType>().value(row);
            let time = FileTime::from_unix_nanos(nanos).unwrap_or_default();
            write!(out, "\"{time}\"")
        }
        Type::Seconds => {
            out.write_all(seconds_text(array.as_primitive::<Decimal128Type>().value(row)).as_bytes())
        }
        Type::Utf8 => text(out, array.as_string::<i32>().value(row)),
        Type::Dictionary => {
            let words = array.as_dictionary::<Int32Type>();
            let word = words.keys().value(row) as usize;
            text(out, words.values().as_string::<i32>().value(word))
        }
        // The events table has no lists.
        Type::U32List | Type::Utf8List => out.write_all(b"null"),
    }
}

fn text(out: &mut impl Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}
