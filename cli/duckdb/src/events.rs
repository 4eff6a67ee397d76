//! `read_pml`: the events of captures.

use crate::captures::{
    Capture, FILTER, OPENING, Opening, Place, WhileReadable, captures, checked, cores, filter,
};
use crate::host::{Arguments, Bound, Function, Parameter, Query, READ, Scan, Started};
use arrow::array::RecordBatch;
use pml_analyzer::bundle::OpenCapture;
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::arrow::types::Types;
use pml_parser::columns::EVENTS;
use pml_parser::export::batches::{EventBatches, EventRanges};
use pml_parser::export::{ScanOptions, TableOptions};
use pml_parser::{EventRange, Filter};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The function.
pub(crate) struct Events {
    parameters: Vec<Parameter>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { parameters: OPENING.into_iter().chain([FILTER]).collect() }
    }
}

/// The captures of a query, and the events that it wants.
struct Wanted {
    captures: Vec<Capture>,
    opening: Opening,
    filter: Option<Filter>,
}

impl Function for Events {
    fn name(&self) -> &str {
        READ.to_str().unwrap_or_default()
    }

    fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn bind(&self, arguments: &Arguments) -> Result<Bound, String> {
        let (opening, filter) = (Opening::new(arguments)?, filter(arguments)?);
        let captures = captures(arguments, &opening)?;
        // Bytes of an event with its stack, about, for captures that are not open yet.
        const EVENT: u64 = 400;
        let rows = captures.iter().map(|capture| match &capture.place {
            Place::Open(opened) => opened.set.event_count(),
            Place::Later(location) => location.first_file().1 / EVENT,
        });
        let is_exact =
            filter.is_none() && captures.iter().all(|capture| matches!(capture.place, Place::Open(_)));
        let rows = Some((rows.sum(), is_exact));
        let query = Wanted { captures, opening, filter };
        Ok(Bound { schema: EVENTS.schema(Types::Exact), rows, query: Box::new(Arc::new(query)) })
    }
}

/// The column that is read where a query only counts rows: it costs least.
const CHEAPEST: &str = "event_id";

/// The column that needs the order of the log.
const ORDERED: &str = "stack_id";

impl Query for Arc<Wanted> {
    fn start(&self, columns: &[usize]) -> Result<Started, String> {
        let names: Vec<&str> = columns.iter().filter_map(|&at| Some(EVENTS.columns.get(at)?.name)).collect();
        let names = if names.is_empty() { vec![CHEAPEST] } else { names };
        let columns = EventColumnSet::named(names.iter().copied())?;
        let is_ordered = names.contains(&ORDERED);
        // With an order, one thread of DuckDB takes what threads of the export decode.
        let threads = if is_ordered { cores() } else { 1 };
        let scan = ScanOptions { threads, filter: self.filter.clone(), ..ScanOptions::default() };
        let export = TableOptions { scan, columns, ..TableOptions::default() };
        let wanted = Arc::clone(self);
        Ok(match is_ordered {
            true => Started { scan: Box::new(Ordered::new(wanted, export)), threads: 1 },
            false => Started { scan: Box::new(Parallel::new(wanted, export)), threads: cores() },
        })
    }
}

/// The export of one capture.
fn export_of(export: &TableOptions, capture: &Capture) -> TableOptions {
    TableOptions { capture: capture.id.clone(), ..export.clone() }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic has failed the query; its other threads end.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reading in the order of the log, capture by capture.
struct Ordered {
    wanted: Arc<Wanted>,
    export: TableOptions,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    /// The number of the next capture.
    next: usize,
    batches: Option<(Arc<OpenCapture>, EventBatches)>,
}

impl Ordered {
    fn new(wanted: Arc<Wanted>, export: TableOptions) -> Self {
        Self { wanted, export, under_way: Mutex::default() }
    }
}

impl Scan for Ordered {
    fn next(&self) -> Result<Option<Vec<RecordBatch>>, String> {
        let mut under_way = locked(&self.under_way);
        loop {
            if let Some((capture, batches)) = &mut under_way.batches {
                let batch = batches.next().transpose();
                if let Some(batch) = checked(capture, batch.map_err(Into::into))? {
                    return Ok(Some(vec![batch]));
                }
                under_way.batches = None;
            }
            let Some(capture) = self.wanted.captures.get(under_way.next) else { return Ok(None) };
            under_way.next += 1;
            let Some(opened) = capture.open(&self.wanted.opening)? else { continue };
            let export = export_of(&self.export, capture);
            let batches = EventBatches::of(Arc::clone(&opened), |opened| &opened.set, export);
            under_way.batches = Some((opened, batches.map_err(|error| error.to_string())?));
        }
    }
}

/// A reading in any order, range by range.
struct Parallel {
    wanted: Arc<Wanted>,
    export: TableOptions,
    state: Mutex<State>,
    /// Ranges have been added, or will not be.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the next capture to be opened.
    next: usize,
    /// Threads that open captures.
    opening: usize,
    jobs: VecDeque<Queued>,
}

/// A capture, and its ranges that no thread has taken.
type Queued = (Arc<Job>, VecDeque<EventRange>);

/// A capture that is being read.
struct Job {
    capture: Arc<OpenCapture>,
    ranges: EventRanges,
}

/// While a thread opens a capture, others wait for its ranges.
struct Opens<'a>(&'a Parallel);

impl Drop for Opens<'_> {
    fn drop(&mut self) {
        locked(&self.0.state).opening -= 1;
        self.0.changed.notify_all();
    }
}

impl Parallel {
    fn new(wanted: Arc<Wanted>, export: TableOptions) -> Self {
        Self { wanted, export, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The next range; opens the next capture where those that are open have none.
    fn take(&self) -> Result<Option<(Arc<Job>, EventRange)>, String> {
        let mut state = locked(&self.state);
        loop {
            if let Some((job, ranges)) = state.jobs.front_mut() {
                if let Some(range) = ranges.pop_front() {
                    return Ok(Some((Arc::clone(job), range)));
                }
                state.jobs.pop_front();
            } else if let Some(capture) = self.wanted.captures.get(state.next) {
                state.next += 1;
                state.opening += 1;
                drop(state);
                let opens = Opens(self);
                let job = self.job(capture)?;
                state = locked(&self.state);
                state.jobs.extend(job);
                drop(state);
                drop(opens);
                state = locked(&self.state);
            } else if state.opening > 0 {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                return Ok(None);
            }
        }
    }

    /// Opens a capture, and divides it; nothing where it is left out.
    fn job(&self, capture: &Capture) -> Result<Option<Queued>, String> {
        let Some(opened) = capture.open(&self.wanted.opening)? else { return Ok(None) };
        let all = EventRanges::ranges(&opened.set).collect();
        let ranges = EventRanges::new(&opened.set, export_of(&self.export, capture));
        let ranges = ranges.ok_or("stacks have no numbers without an order")?;
        Ok(Some((Arc::new(Job { capture: opened, ranges }), all)))
    }
}

impl Scan for Parallel {
    fn next(&self) -> Result<Option<Vec<RecordBatch>>, String> {
        let Some((job, range)) = self.take()? else { return Ok(None) };
        let capture = &job.capture;
        let batches = job.ranges.decode(&capture.set, &range, &WhileReadable(capture));
        checked(capture, batches).map(Some)
    }
}
