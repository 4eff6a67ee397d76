//! Rows of Process Monitor's cells as text, for CSV and XML exports.

use super::range_size::TEXT;
use super::{ScanOptions, WriteError, position_after, stop_if_cancelled};
use crate::arrow::events::EventCounts;
use crate::budget::Budget;
use crate::detail::{Decoded, TextOptions};
use crate::log::event::Event;
use crate::log::set::LogSet;
use crate::parallel::in_order;
use crate::procmon::ProcmonColumn;
use crate::progress::Progress;
use crate::time::FileTime;
use hashbrown::HashMap;
use std::io::Write;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// The options of a CSV or XML export.
#[derive(Clone, Debug)]
pub struct TextExport {
    /// The events to export, and the threads and limits of the work.
    pub scan: ScanOptions,
    /// The columns to export, in order.
    pub columns: Vec<ProcmonColumn>,
    /// How the texts of cells are written.
    pub text: TextOptions,
}

impl Default for TextExport {
    /// The default export of Process Monitor: all events, its seven default columns, its texts.
    fn default() -> Self {
        let text = TextOptions { fidelity: crate::detail::Fidelity::Procmon, ..TextOptions::default() };
        Self { scan: ScanOptions::default(), columns: ProcmonColumn::defaults().collect(), text }
    }
}

/// The markup around cells, and the escaping of their text.
pub(super) trait Markup: Sync {
    /// Appends the markup before the cell of the column at `position`.
    fn open(&self, position: usize, out: &mut String);
    /// Appends the text of a cell, escaped.
    fn escape(&self, text: &str, out: &mut String);
    /// Appends the markup after the cell of the column at `position`.
    fn close(&self, position: usize, out: &mut String);
}

/// Renders the cells of events. Cells that depend only on the process are rendered once per process.
pub(super) struct Row<'e, M> {
    export: &'e TextExport,
    markup: &'e M,
    first: FileTime,
    /// The text of a cell before it is escaped.
    cell: String,
    /// Finished cells of processes.
    cells: String,
    processes: HashMap<u32, Vec<Range<usize>>>,
}

impl<'e, M: Markup> Row<'e, M> {
    /// `first` is the time from which relative times count.
    pub(super) fn new(export: &'e TextExport, markup: &'e M, first: FileTime) -> Self {
        Self { export, markup, first, cell: String::new(), cells: String::new(), processes: HashMap::new() }
    }

    /// Appends all cells of an event.
    pub(super) fn push(&mut self, event: &Event<'_>, out: &mut String) -> Decoded {
        let process = event.process_index();
        if !self.processes.contains_key(&process) {
            self.add_process(event);
        }
        let mut decoded = Decoded::Yes;
        let mut known = self.processes.get(&process).into_iter().flatten();
        for (position, &column) in self.export.columns.iter().enumerate() {
            if column.is_of_process() {
                let span = known.next().cloned().unwrap_or_default();
                out.push_str(self.cells.get(span).unwrap_or_default());
                continue;
            }
            self.markup.open(position, out);
            self.cell.clear();
            if event.push_cell(column, self.first, &self.export.text, &mut self.cell) == Decoded::No {
                decoded = Decoded::No;
            }
            self.markup.escape(&self.cell, out);
            self.markup.close(position, out);
        }
        decoded
    }

    /// Renders the cells that all events of this event's process share.
    fn add_process(&mut self, event: &Event<'_>) {
        let mut spans = Vec::new();
        for (position, &column) in self.export.columns.iter().enumerate() {
            if column.is_of_process() {
                let start = self.cells.len();
                self.markup.open(position, &mut self.cells);
                self.cell.clear();
                event.push_cell(column, self.first, &self.export.text, &mut self.cell);
                self.markup.escape(&self.cell, &mut self.cells);
                self.markup.close(position, &mut self.cells);
                spans.push(start..self.cells.len());
            }
        }
        self.processes.insert(event.process_index(), spans);
    }
}

/// Renders all events in parallel and writes them in order. `renderer` makes the function that renders the
/// events of one range.
pub(super) fn write_rows<B, W, R>(
    set: &LogSet<B>,
    out: &mut W,
    export: &TextExport,
    progress: &dyn Progress,
    budget: &Budget,
    renderer: impl Fn() -> R + Sync,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write,
    R: FnMut(&Event<'_>, &mut String) -> Decoded,
{
    let (scan, details) = (&export.scan, export.columns.contains(&ProcmonColumn::Detail));
    let mut counts = EventCounts::new(details);
    // Buffers are reused after their text has been written, because their memory is already allocated.
    let spare: Mutex<Vec<String>> = Mutex::default();
    let render = |range| {
        let text = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut text = text.unwrap_or_default();
        let (mut counts, mut render, mut matcher) =
            (EventCounts::new(details), renderer(), scan.matcher(set));
        let mut meter = budget.meter();
        for (number, event) in set.events_in(&range).enumerate() {
            stop_if_cancelled(progress, number as u32)?;
            match event {
                Ok(event) => {
                    meter.event(&event)?;
                    if matcher.as_mut().is_none_or(|matcher| matcher.matches(&event)) {
                        let start = text.len();
                        counts.add(event.class(), render(&event, &mut text));
                        meter.text(text.len() - start)?;
                    } else {
                        counts.filtered += 1;
                    }
                }
                Err(error) => counts.damage.push(error),
            }
        }
        meter.finish()?;
        Ok::<_, WriteError>((range, text, counts))
    };
    in_order(scan.threads, TEXT.of(set), render, |(range, mut text, found)| {
        counts.merge(&found);
        out.write_all(text.as_bytes())?;
        text.clear();
        spare.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        let (events, bytes) = position_after(set, &range);
        progress.advance(events, bytes);
        Ok(())
    })?;
    Ok(counts)
}
