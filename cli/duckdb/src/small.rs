//! The small tables of captures: processes, modules, stacks, frames, and the captures themselves.

use crate::captures::{Capture, FILTER, OPENING, Opening, WhileReadable, captures, checked, cores, filter};
use crate::host::{Arguments, Bound, Function, Parameter, Query, Scan, Started};
use arrow::array::RecordBatch;
use pml_analyzer::bundle::OpenCapture;
use pml_parser::Filter;
use pml_parser::arrow::events::EventCounts;
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::arrow::types::Types;
use pml_parser::columns::{CAPTURE, FRAMES, MODULES, PROCESSES, STACKS, Table};
use pml_parser::export::batches::read_batches;
use pml_parser::export::{Provenance, ScanOptions, TableOptions, WriteError, small_tables};
use std::sync::{Arc, Mutex, PoisonError};

/// How a table is made; the last argument says whether the columns are wanted that need all events.
type Make = fn(&OpenCapture, &TableOptions, bool) -> Result<Vec<RecordBatch>, WriteError>;

/// A table function.
pub(crate) struct Small {
    name: String,
    table: &'static Table,
    make: Make,
    parameters: Vec<Parameter>,
}

/// All of them.
pub(crate) fn all() -> [Small; 5] {
    [
        small(&PROCESSES, |capture, export, _| small_tables::processes(&capture.set, export), false),
        small(&MODULES, |capture, export, _| small_tables::modules(&capture.set, export), false),
        small(
            &STACKS,
            |capture, export, _| stacks_and_frames(capture, export).map(|found| found.stacks),
            true,
        ),
        small(
            &FRAMES,
            |capture, export, _| stacks_and_frames(capture, export).map(|found| found.frames),
            true,
        ),
        small(&CAPTURE, capture_table, false),
    ]
}

fn small(table: &'static Table, make: Make, has_filter: bool) -> Small {
    let filter = has_filter.then_some(FILTER);
    let parameters = OPENING.into_iter().chain(filter).collect();
    Small { name: format!("pml_{}", table.name), table, make, parameters }
}

fn stacks_and_frames(
    capture: &OpenCapture,
    export: &TableOptions,
) -> Result<small_tables::StacksAndFrames, WriteError> {
    small_tables::stacks_and_frames(&capture.set, export, &WhileReadable(capture))
}

/// The columns that only a reading of all events gives.
const OF_EVENTS: [&str; 3] = ["damaged_events", "undecoded_events", "damage"];

fn capture_table(
    capture: &OpenCapture,
    export: &TableOptions,
    counts_events: bool,
) -> Result<Vec<RecordBatch>, WriteError> {
    let counts = match counts_events {
        true => {
            let columns = EventColumnSet::named(["detail"]).unwrap_or_default();
            let scan = ScanOptions { threads: cores(), ..ScanOptions::default() };
            let export = TableOptions { scan, columns, ..export.clone() };
            read_batches(&capture.set, &export, &WhileReadable(capture), |_| Ok(()))?
        }
        false => EventCounts::default(),
    };
    let tool_version = concat!("pml-duckdb ", env!("CARGO_PKG_VERSION")).to_owned();
    let facts = Provenance { tool_version, part_names: capture.names() };
    Ok(vec![small_tables::capture(&capture.set, export, &facts, &counts)?])
}

impl Function for Small {
    fn name(&self) -> &str {
        &self.name
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn bind(&self, arguments: &Arguments) -> Result<Bound, String> {
        let (opening, filter) = (Opening::new(arguments)?, filter(arguments)?);
        let captures = captures(arguments, &opening)?;
        let query = Wanted { captures, opening, filter, table: self.table, make: self.make };
        let schema = self.table.schema(Types::Exact);
        Ok(Bound { schema, rows: None, query: Box::new(Arc::new(query)) })
    }
}

struct Wanted {
    captures: Vec<Capture>,
    opening: Opening,
    filter: Option<Filter>,
    table: &'static Table,
    make: Make,
}

impl Query for Arc<Wanted> {
    fn start(&self, columns: &[usize]) -> Result<Started, String> {
        let name = |at: &usize| self.table.columns.get(*at).map(|column| column.name);
        let counts_events = columns.iter().filter_map(name).any(|name| OF_EVENTS.contains(&name));
        let reading = Reading {
            wanted: Arc::clone(self),
            columns: columns.to_vec(),
            counts_events,
            next: Mutex::new(0),
        };
        Ok(Started { scan: Box::new(reading), threads: cores().min(self.captures.len()) })
    }
}

/// A reading, capture by capture.
struct Reading {
    wanted: Arc<Wanted>,
    columns: Vec<usize>,
    counts_events: bool,
    /// The number of the next capture.
    next: Mutex<usize>,
}

impl Scan for Reading {
    fn next(&self) -> Result<Option<Vec<RecordBatch>>, String> {
        let Wanted { captures, opening, filter, make, .. } = &*self.wanted;
        loop {
            let at = {
                let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
                *next += 1;
                *next - 1
            };
            let Some(capture) = captures.get(at) else { return Ok(None) };
            let Some(opened) = capture.open(opening)? else { continue };
            // Several captures are read at a time; one gets all cores.
            let threads = if captures.len() == 1 { cores() } else { 1 };
            let scan = ScanOptions { threads, filter: filter.clone(), ..ScanOptions::default() };
            let export = TableOptions { scan, capture: capture.id.clone(), ..TableOptions::default() };
            let batches = checked(&opened, make(&opened, &export, self.counts_events))?;
            return projected(batches, &self.columns).map(Some);
        }
    }
}

/// Batches with these columns alone.
pub(crate) fn projected(batches: Vec<RecordBatch>, columns: &[usize]) -> Result<Vec<RecordBatch>, String> {
    let projected = batches.into_iter().map(|batch| batch.project(columns));
    projected.collect::<Result<_, _>>().map_err(|error| error.to_string())
}
