//! Events as record batches of the events table.

use super::column::{SparseColumn, TextColumn, WordColumn};
use super::schema::{Column, EventColumnSet, Source};
use super::stacks::StackFinder;
use crate::detail::{Decoded, EventDetails, Number, NumberSink, TextOptions};
use crate::error::Damage;
use crate::log::LogView;
use crate::log::event::Event;
use crate::names::category::Category;
use crate::names::operation::{EventClass, Operation};
use arrow::array::{ArrayRef, Int64Array, TimestampNanosecondArray, UInt16Array, UInt32Array, UInt64Array};
use hashbrown::HashMap;
use std::sync::Arc;

/// What was found while events were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Events that were read, by class number 1 to 5; all others are counted at 0.
    pub by_class: [u64; 6],
    /// Events that a filter left out.
    pub filtered: u64,
    /// Events whose details could not be decoded; `None` where details are not asked for.
    pub undecoded: Option<u64>,
    /// Events that could not be read.
    pub damage: Damage,
}

impl EventCounts {
    /// Nothing yet, of an export that asks for details or does not.
    pub(crate) fn new(details: bool) -> Self {
        Self { undecoded: details.then_some(0), ..Self::default() }
    }

    /// Adds what a later range counted.
    pub fn merge(&mut self, later: &EventCounts) {
        for (sum, count) in self.by_class.iter_mut().zip(later.by_class) {
            *sum += count;
        }
        self.filtered += later.filtered;
        self.undecoded = self.undecoded.zip(later.undecoded).map(|(sum, more)| sum + more);
        self.damage.merge(&later.damage);
    }

    /// Events that were read.
    pub fn events(&self) -> u64 {
        self.by_class.iter().sum()
    }

    /// Name of a class and number of its events that were read; those without any are left out.
    pub fn classes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = self.by_class.iter().enumerate().map(|(code, &count)| {
            let name = if code == 0 { "Other" } else { EventClass::from_code(code as u16).name() };
            (name, count)
        });
        names.filter(|entry| entry.1 > 0)
    }

    /// Counts an event that was read.
    pub(crate) fn add(&mut self, class: EventClass, decoded: Decoded) {
        let code = usize::from(class.code());
        let slot = if code < self.by_class.len() { code } else { 0 };
        self.by_class[slot] += 1;
        if let Some(undecoded) = &mut self.undecoded {
            *undecoded += u64::from(decoded == Decoded::No);
        }
    }
}

/// Rows of a batch, and the bytes of text at which one is handed over before that.
const BATCH_ROWS: usize = 8_192;
const BATCH_TEXT: usize = 8 << 20;

/// A part of the events table, without the stack ids of its rows (see [`EventRows::stack_ids`]).
pub(crate) struct EventRows {
    pub rows: usize,
    /// Bytes of text in them.
    pub text: usize,
    pub batch: Vec<ArrayRef>,
    /// Local ids; empty where stacks are not asked for.
    pub stack_ids: Vec<Option<u32>>,
}

/// Turns the events of one range into columns.
pub(crate) struct EventColumns<'a, 'c> {
    log: LogView<'a>,
    columns: &'c EventColumnSet,
    wanted: Wanted,
    options: TextOptions,
    stacks: StackFinder<'a>,
    counts: EventCounts,
    /// The words of each operation, looked up once.
    operations: HashMap<Operation, OperationWords>,
    /// The attributes of each process, looked up once.
    processes: HashMap<u32, Owner>,
    last_owner: Option<(u32, Owner)>,
    rows: usize,
    event_id: Vec<u64>,
    sequence: Vec<u32>,
    time: Vec<Option<i64>>,
    duration: Vec<Option<i64>>,
    class: WordColumn<u16>,
    operation: WordColumn<Operation>,
    category: WordColumn<Category>,
    process_index: Vec<u32>,
    process_name: WordColumn<u32>,
    pid: Vec<Option<u32>>,
    parent_pid: Vec<Option<u32>>,
    tid: Vec<u32>,
    path: TextColumn,
    target_path: TextColumn,
    result: WordColumn<u32>,
    status: Vec<u32>,
    detail: TextColumn,
    numbers: [SparseColumn; Number::COUNT],
    registry_data: TextColumn,
    stack_ids: Vec<Option<u32>>,
}

/// Which of the columns that cost something are asked for.
#[derive(Clone, Copy)]
struct Wanted {
    words: bool,
    result: bool,
    process_name: bool,
    category: bool,
    path: bool,
    target_path: bool,
    detail: bool,
    numbers: bool,
    registry_data: bool,
    stacks: bool,
}

impl Wanted {
    fn new(columns: &EventColumnSet) -> Self {
        Self {
            words: columns.has(Source::Class) || columns.has(Source::Operation),
            result: columns.has(Source::Result),
            process_name: columns.has(Source::ProcessName),
            category: columns.has(Source::Category),
            path: columns.has(Source::Path),
            target_path: columns.has(Source::TargetPath),
            detail: columns.has(Source::Detail),
            numbers: columns.iter().any(|column| matches!(column.source, Source::Number(_))),
            registry_data: columns.has(Source::RegistryData),
            stacks: columns.has(Source::StackId),
        }
    }
}

/// Class and operation as words.
#[derive(Clone, Copy)]
struct OperationWords {
    class: i32,
    operation: i32,
}

/// What a row takes from its process.
#[derive(Clone, Copy)]
struct Owner {
    position: Option<u32>,
    name: Option<i32>,
    pid: Option<u32>,
    parent_pid: Option<u32>,
}

/// Notes the numbers of one row.
struct RowNumbers<'c> {
    columns: &'c mut [SparseColumn; Number::COUNT],
    row: u32,
}

impl NumberSink for RowNumbers<'_> {
    #[inline]
    fn set(&mut self, number: Number, value: u64) {
        self.columns[number as usize].set(self.row, value);
    }
}

impl<'a, 'c> EventColumns<'a, 'c> {
    pub(crate) fn new(log: LogView<'a>, columns: &'c EventColumnSet, stacks: StackFinder<'a>) -> Self {
        Self {
            log,
            columns,
            wanted: Wanted::new(columns),
            options: TextOptions::default(),
            stacks,
            counts: EventCounts::new(columns.has(Source::Detail)),
            operations: HashMap::new(),
            processes: HashMap::new(),
            last_owner: None,
            rows: 0,
            event_id: Vec::new(),
            sequence: Vec::new(),
            time: Vec::new(),
            duration: Vec::new(),
            class: WordColumn::default(),
            operation: WordColumn::default(),
            category: WordColumn::default(),
            process_index: Vec::new(),
            process_name: WordColumn::default(),
            pid: Vec::new(),
            parent_pid: Vec::new(),
            tid: Vec::new(),
            path: TextColumn::default(),
            target_path: TextColumn::default(),
            result: WordColumn::default(),
            status: Vec::new(),
            detail: TextColumn::default(),
            numbers: Default::default(),
            registry_data: TextColumn::default(),
            stack_ids: Vec::new(),
        }
    }

    /// What has been counted so far.
    pub(crate) fn counts(&mut self) -> &mut EventCounts {
        &mut self.counts
    }

    /// Appends an event of this log.
    pub(crate) fn push(&mut self, event: &Event<'a>) {
        let row = self.rows as u32;
        self.rows += 1;
        let content = EventDetails::new(event);
        let wanted = self.wanted;

        // The header costs less than asking whether it is wanted.
        self.event_id.push(event.id());
        self.sequence.push(event.sequence());
        self.time.push(event.time().unix_nanos());
        self.duration.push(event.duration().and_then(|d| d.nanos()));
        self.process_index.push(event.process_index());
        self.tid.push(event.tid());
        let owner = self.owner(event.process_index());
        if wanted.process_name {
            self.process_name.push(owner.name);
        }
        self.pid.push(owner.pid);
        self.parent_pid.push(owner.parent_pid);
        let status = event.status();
        self.status.push(status.0);
        if wanted.result {
            let word = self.result.word(status.0, |out| out.push_str(&status.to_string()));
            self.result.push(Some(word));
        }
        if wanted.words {
            let words = self.words(content.operation);
            self.class.push(Some(words.class));
            self.operation.push(Some(words.operation));
        }
        if wanted.category {
            let category = content.category();
            let word = self.category.word(category, |out| out.push_str(category.name()));
            self.category.push(Some(word));
        }
        if wanted.path {
            content.push_path(&self.options, self.path.buffer());
            self.path.end();
        }
        if wanted.target_path {
            match content.target_path() {
                Some(target) => {
                    target.push_to(self.target_path.buffer());
                    self.target_path.end();
                }
                None => self.target_path.null(),
            }
        }
        let mut decoded = Decoded::Yes;
        if wanted.detail {
            decoded = content.push_detail(&self.options, self.detail.buffer());
            match decoded {
                Decoded::Yes => self.detail.end(),
                Decoded::No => self.detail.null(),
            }
        }
        self.counts.add(content.operation.class, decoded);
        if wanted.numbers {
            content.numbers(&mut RowNumbers { columns: &mut self.numbers, row });
        }
        if wanted.registry_data {
            if content.push_registry_data(self.registry_data.buffer()) {
                self.registry_data.end();
            } else {
                self.registry_data.null();
            }
        }
        if wanted.stacks {
            self.stack_ids.push(self.stacks.id(event, owner.position));
        }
    }

    fn words(&mut self, operation: Operation) -> OperationWords {
        *self.operations.entry(operation).or_insert_with(|| {
            let class = operation.class;
            OperationWords {
                class: self.class.word(class.code(), |out| out.push_str(class.name())),
                operation: self.operation.word(operation, |out| out.push_str(operation.name())),
            }
        })
    }

    fn owner(&mut self, process_index: u32) -> Owner {
        match self.last_owner {
            Some((last, owner)) if last == process_index => owner,
            _ => {
                let owner = self.find_owner(process_index);
                self.last_owner = Some((process_index, owner));
                owner
            }
        }
    }

    fn find_owner(&mut self, process_index: u32) -> Owner {
        if let Some(owner) = self.processes.get(&process_index) {
            return *owner;
        }
        let process = self.log.process(process_index);
        let owner = Owner {
            position: process.map(|p| p.position()),
            name: process
                .filter(|_| self.wanted.process_name)
                .map(|p| self.process_name.word(process_index, |out| p.name().push_to(out))),
            pid: process.map(|p| p.pid()),
            parent_pid: process.map(|p| p.parent_pid()),
        };
        self.processes.insert(process_index, owner);
        owner
    }

    /// Bytes of text that stand here.
    fn text(&self) -> usize {
        let texts = [&self.path, &self.target_path, &self.detail, &self.registry_data];
        texts.iter().map(|text| text.size()).sum()
    }

    /// Whether what stands here is enough for a batch.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.text() + self.process_name.size() >= BATCH_TEXT
    }

    /// The rows so far, one array a column but for the stack ids; begins new ones.
    pub(crate) fn finish_rows(&mut self) -> EventRows {
        // A batch carries the names that it is the first to have.
        let text = self.text() + self.process_name.fresh();
        let columns = self.columns;
        let columns = columns.iter().filter(|column| column.source != Source::StackId);
        let batch = columns.map(|column| self.finish_column(column)).collect();
        self.forget_rows();
        let rows = std::mem::take(&mut self.rows);
        if self.process_name.size() >= BATCH_TEXT {
            // Names are kept from batch to batch, but not without bound.
            self.process_name.forget();
            self.processes.clear();
            self.last_owner = None;
        }
        EventRows { rows, text, batch, stack_ids: begin_anew(&mut self.stack_ids) }
    }

    /// Empties what is noted for every row whether it is asked for or not.
    fn forget_rows(&mut self) {
        self.event_id.clear();
        self.sequence.clear();
        self.time.clear();
        self.duration.clear();
        self.process_index.clear();
        self.tid.clear();
        self.pid.clear();
        self.parent_pid.clear();
        self.status.clear();
        // Class and operation come together.
        self.class.clear();
        self.operation.clear();
        for number in &mut self.numbers {
            number.clear();
        }
    }

    fn finish_column(&mut self, column: &Column) -> ArrayRef {
        match column.source {
            Source::EventId => Arc::new(UInt64Array::from(begin_anew(&mut self.event_id))),
            Source::Part => Arc::new(UInt16Array::from_value(self.log.part(), self.rows)),
            Source::Sequence => Arc::new(UInt32Array::from(begin_anew(&mut self.sequence))),
            Source::Time => {
                Arc::new(TimestampNanosecondArray::from(begin_anew(&mut self.time)).with_timezone("UTC"))
            }
            Source::Duration => Arc::new(Int64Array::from(begin_anew(&mut self.duration))),
            Source::Class => self.class.finish(),
            Source::Operation => self.operation.finish(),
            Source::Category => self.category.finish(),
            Source::ProcessIndex => Arc::new(UInt32Array::from(begin_anew(&mut self.process_index))),
            Source::ProcessName => self.process_name.finish(),
            Source::Pid => Arc::new(UInt32Array::from(begin_anew(&mut self.pid))),
            Source::ParentPid => Arc::new(UInt32Array::from(begin_anew(&mut self.parent_pid))),
            Source::Tid => Arc::new(UInt32Array::from(begin_anew(&mut self.tid))),
            Source::Path => self.path.finish(),
            Source::TargetPath => self.target_path.finish(),
            Source::Result => self.result.finish(),
            Source::Status => Arc::new(UInt32Array::from(begin_anew(&mut self.status))),
            Source::Detail => self.detail.finish(),
            Source::Number(number) => self.numbers[number as usize].finish(self.rows, column.kind),
            Source::RegistryData => self.registry_data.finish(),
            Source::StackId | Source::Elsewhere | Source::RowNumber => {
                Arc::new(UInt32Array::from(begin_anew(&mut self.stack_ids)))
            }
        }
    }

    /// What was counted, and who found the stacks.
    pub(crate) fn into_parts(self) -> (EventCounts, StackFinder<'a>) {
        (self.counts, self.stacks)
    }
}

/// What a list holds; a new one with room for as much takes its place.
fn begin_anew<T>(list: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(list.len());
    std::mem::replace(list, next)
}
