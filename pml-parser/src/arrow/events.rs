//! Events as record batches of the events table.

use super::column::{DictionaryColumn, Filled, SparseColumn, Texts, Utf8Column};
use super::labels::Labels;
use super::schema::EventColumnSet;
use super::stacks::StackFinder;
use crate::columns::{Column, Number, ProcessField, Source, Type};
use crate::detail::{Decoded, EventDetails, NumberSink, TextOptions};
use crate::error::Damage;
use crate::log::LogView;
use crate::log::event::Event;
use crate::log::process::Process;
use crate::names::operation::{EventClass, Operation};
use crate::time::{FileTime, Ticks};
use arrow::array::{ArrayRef, Int64Array, TimestampNanosecondArray, UInt16Array, UInt32Array, UInt64Array};
use hashbrown::HashMap;
use std::convert::Infallible;
use std::hash::Hash;
use std::sync::Arc;

/// What was found while events were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Events that were read, by class number 1 to 5; all others are counted at 0.
    pub by_class: [u64; 6],
    /// Events that a filter left out.
    pub filtered: u64,
    /// Events whose details could not be decoded; `None` without the column `detail`.
    pub undecoded: Option<u64>,
    /// Events that could not be read.
    pub damage: Damage,
}

impl EventCounts {
    /// Nothing yet, of an export with or without details.
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
pub(crate) const BATCH_ROWS: usize = 8_192;
const BATCH_TEXT: usize = 8 << 20;

/// A part of the events table, without the stack ids of its rows (see [`EventRows::stack_ids`]).
pub(crate) struct EventRows {
    pub rows: usize,
    /// Bytes of text in them.
    pub text: usize,
    pub batch: Vec<ArrayRef>,
    /// Local ids; empty without a column of stacks.
    pub stack_ids: Vec<Option<u32>>,
}

/// Turns the events of one range into columns, whose texts are kept in a `T`.
pub(crate) struct EventColumns<'a, 'c, T = Utf8Column> {
    log: LogView<'a>,
    columns: &'c EventColumnSet,
    labels: &'c Labels,
    options: TextOptions,
    stacks: StackFinder<'a>,
    counts: EventCounts,
    /// The process of each process index, looked up once.
    owners: HashMap<u32, Owner<'a>>,
    last_owner: Option<(u32, Owner<'a>)>,
    rows: usize,
    /// Bytes of text that the builders were given.
    text: usize,
    header: HeaderColumns,
    /// One for each other column but numbers and stack ids, in the order of the columns.
    builders: Vec<Box<dyn ColumnBuilder<T>>>,
    /// One for each number. The details give all their numbers at once, so all are noted if any is wanted.
    numbers: [SparseColumn; Number::COUNT],
    wants_numbers: bool,
    stack_ids: Vec<Option<u32>>,
    wants_stacks: bool,
}

/// The process of an event.
#[derive(Clone, Copy)]
struct Owner<'a> {
    position: Option<u32>,
    process: Option<Process<'a>>,
    pid: Option<u32>,
    parent_pid: Option<u32>,
}

/// An event, with what several columns need of it.
struct Row<'e, 'a> {
    event: &'e Event<'a>,
    details: EventDetails<'e, 'a>,
    process: Option<Process<'a>>,
    options: &'e TextOptions,
    /// Whether the details could be decoded; the column of details finds out.
    decoded: Decoded,
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

impl<'a, 'c, T: Texts + 'static> EventColumns<'a, 'c, T> {
    /// No rows, and room for a number of them. `texts` begins a column of texts.
    pub(crate) fn new(
        log: LogView<'a>,
        columns: &'c EventColumnSet,
        labels: &'c Labels,
        stacks: StackFinder<'a>,
        room: usize,
        texts: impl Fn(&'static Column) -> Option<T>,
    ) -> Self {
        Self {
            log,
            columns,
            labels,
            options: TextOptions::default(),
            stacks,
            counts: EventCounts::new(columns.has(Source::Detail)),
            owners: HashMap::new(),
            last_owner: None,
            rows: 0,
            text: 0,
            header: HeaderColumns::with_room(room),
            builders: columns.iter().filter_map(|column| builder(column, room, &texts)).collect(),
            numbers: std::array::from_fn(|_| SparseColumn::default()),
            wants_numbers: columns.iter().any(|column| column.number().is_some()),
            stack_ids: Vec::with_capacity(if columns.has(Source::StackId) { room } else { 0 }),
            wants_stacks: columns.has(Source::StackId),
        }
    }

    /// What has been counted so far.
    pub(crate) fn counts(&mut self) -> &mut EventCounts {
        &mut self.counts
    }

    /// Appends an event of this log.
    pub(crate) fn push(&mut self, event: &Event<'a>) {
        let owner = self.owner(event.process_index());
        let mut row = Row {
            event,
            details: EventDetails::new(event),
            process: owner.process,
            options: &self.options,
            decoded: Decoded::Yes,
        };
        self.header.push(event, &owner, row.details.operation);
        for builder in &mut self.builders {
            self.text += builder.push(&mut row);
        }
        if self.wants_numbers {
            row.details.numbers(&mut RowNumbers { columns: &mut self.numbers, row: self.rows as u32 });
        }
        self.counts.add(row.details.operation.class, row.decoded);
        if self.wants_stacks {
            self.stack_ids.push(self.stacks.id(event, owner.position));
        }
        self.rows += 1;
    }

    fn owner(&mut self, process_index: u32) -> Owner<'a> {
        match self.last_owner {
            Some((last, owner)) if last == process_index => owner,
            _ => {
                let owner = *self.owners.entry(process_index).or_insert_with(|| {
                    let process = self.log.process(process_index);
                    Owner {
                        position: process.map(Process::position),
                        process,
                        pid: process.map(Process::pid),
                        parent_pid: process.map(Process::parent_pid),
                    }
                });
                self.last_owner = Some((process_index, owner));
                owner
            }
        }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of text that were added since the last call.
    pub(crate) fn take_text(&mut self) -> usize {
        std::mem::take(&mut self.text)
    }

    /// Passes the rows so far to `take`, column by column in their order.
    pub(crate) fn fill<E>(
        &mut self,
        mut take: impl FnMut(&'static Column, Filled<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut builders = self.builders.iter_mut();
        for column in self.columns.iter() {
            let filled = match column.source {
                Source::Number(number) => {
                    Some(Filled::Sparse(&mut self.numbers[number as usize], column.kind))
                }
                Source::StackId => Some(Filled::Stacks(&mut self.stack_ids)),
                Source::Part => Some(Filled::SameNumber(self.log.part())),
                Source::Capture => Some(Filled::SameText(&self.labels.capture)),
                Source::Computer => Some(Filled::SameText(&self.labels.computer)),
                source => {
                    self.header.filled(source).or_else(|| builders.next().map(|builder| builder.filled()))
                }
            };
            if let Some(filled) = filled {
                take(column, filled)?;
            }
        }
        Ok(())
    }

    /// What was counted, and the finder of stacks.
    pub(crate) fn into_parts(self) -> (EventCounts, StackFinder<'a>) {
        (self.counts, self.stacks)
    }
}

impl<'a> EventColumns<'a, '_> {
    /// Whether the rows so far are enough for a batch.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.text >= BATCH_TEXT
    }

    /// The rows so far, one array for each column but the stack ids; begins new ones.
    pub(crate) fn finish_rows(&mut self) -> EventRows {
        let (rows, labels) = (std::mem::take(&mut self.rows), self.labels);
        let text = self.builders.iter().map(|builder| builder.fresh()).sum();
        let mut batch = Vec::with_capacity(2 * self.columns.iter().count());
        let mut stack_ids = Vec::new();
        let Ok(()) = self.fill(|column, filled| {
            let array: ArrayRef = match filled {
                Filled::SameNumber(number) => Arc::new(UInt16Array::from_value(number, rows)),
                Filled::SameText(_) => match labels.column(column.source, rows) {
                    Some(array) => array,
                    None => return Ok::<_, Infallible>(()),
                },
                Filled::U32(list) => Arc::new(UInt32Array::from(begin_next(list))),
                Filled::U64(list) => Arc::new(UInt64Array::from(begin_next(list))),
                Filled::MaybeU32(list) => Arc::new(UInt32Array::from(begin_next(list))),
                Filled::MaybeI64(list) => Arc::new(Int64Array::from(begin_next(list))),
                Filled::Times(times) if column.kind == Type::Seconds => labels.seconds(times),
                Filled::Times(times) => {
                    let nanos = times.iter().map(|time| time.unix_nanos());
                    Arc::new(TimestampNanosecondArray::from_iter(nanos).with_timezone("UTC"))
                }
                Filled::Sparse(numbers, kind) => numbers.finish(rows, kind),
                Filled::Words(words) => words.array(),
                Filled::Texts(texts) => texts.finish(),
                Filled::Stacks(ids) => {
                    stack_ids = begin_next(ids);
                    return Ok(());
                }
            };
            labels.types.push(array, &mut batch);
            Ok(())
        });
        // Numbers without a column were noted too.
        self.numbers.iter_mut().for_each(SparseColumn::clear);
        self.header.clear();
        self.text = self.builders.iter_mut().map(|builder| builder.end_batch()).sum();
        EventRows { rows, text, batch, stack_ids }
    }
}

/// The columns that come from the header of an event and from its process. They are filled together, wanted
/// or not: a builder for each costs a tenth of a whole conversion more, measured on 591,000 generated events.
#[derive(Default)]
struct HeaderColumns {
    event_id: Vec<u64>,
    sequence: Vec<u32>,
    time: Vec<FileTime>,
    duration: Vec<Option<i64>>,
    process_index: Vec<u32>,
    pid: Vec<Option<u32>>,
    parent_pid: Vec<Option<u32>>,
    tid: Vec<u32>,
    status: Vec<u32>,
    class: DictionaryColumn<u16>,
    operation: DictionaryColumn<Operation>,
    /// Numbers of the texts of class and operation, looked up together.
    names: HashMap<Operation, (i32, i32)>,
    last_name: Option<(Operation, (i32, i32))>,
}

impl HeaderColumns {
    fn with_room(rows: usize) -> Self {
        Self {
            event_id: Vec::with_capacity(rows),
            sequence: Vec::with_capacity(rows),
            time: Vec::with_capacity(rows),
            duration: Vec::with_capacity(rows),
            process_index: Vec::with_capacity(rows),
            pid: Vec::with_capacity(rows),
            parent_pid: Vec::with_capacity(rows),
            tid: Vec::with_capacity(rows),
            status: Vec::with_capacity(rows),
            class: DictionaryColumn::with_room(rows),
            operation: DictionaryColumn::with_room(rows),
            ..Self::default()
        }
    }

    #[inline]
    fn push(&mut self, event: &Event<'_>, owner: &Owner<'_>, operation: Operation) {
        self.event_id.push(event.id());
        self.sequence.push(event.sequence());
        self.time.push(event.time());
        self.duration.push(event.duration().and_then(Ticks::nanos));
        self.process_index.push(event.process_index());
        self.pid.push(owner.pid);
        self.parent_pid.push(owner.parent_pid);
        self.tid.push(event.tid());
        self.status.push(event.status().0);
        let (class, operation) = match self.last_name {
            Some((last, names)) if last == operation => names,
            _ => self.find_names(operation),
        };
        self.class.push_number(class);
        self.operation.push_number(operation);
    }

    fn find_names(&mut self, operation: Operation) -> (i32, i32) {
        let (class_texts, operation_texts) = (&mut self.class, &mut self.operation);
        let names = *self.names.entry(operation).or_insert_with(|| {
            let class = operation.class;
            (
                class_texts.number(class.code(), |out| out.push_str(class.name())),
                operation_texts.number(operation, |out| out.push_str(operation.name())),
            )
        });
        self.last_name = Some((operation, names));
        names
    }

    /// The values of a column so far. `None` where it is not one of these.
    fn filled<T>(&mut self, source: Source) -> Option<Filled<'_, T>> {
        Some(match source {
            Source::EventId => Filled::U64(&mut self.event_id),
            Source::Sequence => Filled::U32(&mut self.sequence),
            Source::Time | Source::Seconds => Filled::Times(&self.time),
            Source::Duration => Filled::MaybeI64(&mut self.duration),
            Source::ProcessIndex => Filled::U32(&mut self.process_index),
            Source::Process(ProcessField::Pid) => Filled::MaybeU32(&mut self.pid),
            Source::Process(ProcessField::ParentPid) => Filled::MaybeU32(&mut self.parent_pid),
            Source::Tid => Filled::U32(&mut self.tid),
            Source::Class => Filled::Words(&mut self.class),
            Source::Operation => Filled::Words(&mut self.operation),
            Source::Status => Filled::U32(&mut self.status),
            _ => return None,
        })
    }

    /// Empties the columns that were not wanted, and the times, which two columns are made of.
    fn clear(&mut self) {
        self.event_id.clear();
        self.sequence.clear();
        self.time.clear();
        self.duration.clear();
        self.process_index.clear();
        self.pid.clear();
        self.parent_pid.clear();
        self.tid.clear();
        self.status.clear();
        self.class.clear();
        self.operation.clear();
    }
}

/// The values of one column.
trait ColumnBuilder<T> {
    /// Appends the value of a row. Returns the bytes of text that it added.
    fn push(&mut self, row: &mut Row<'_, '_>) -> usize;

    /// The values so far.
    fn filled(&mut self) -> Filled<'_, T>;

    /// Bytes of text that the next array will be the first to hold.
    fn fresh(&self) -> usize;

    /// Gets ready for the rows of the next batch. Gives the bytes of text that are still held.
    fn end_batch(&mut self) -> usize;
}

/// What fills a column; `None` for numbers and stack ids, which have a way of their own.
fn builder<T: Texts + 'static>(
    column: &'static Column,
    room: usize,
    texts: &impl Fn(&'static Column) -> Option<T>,
) -> Option<Box<dyn ColumnBuilder<T>>> {
    let text = || texts(column);
    Some(match column.source {
        // A name from the log, kept once for each process, whatever other processes are called.
        Source::Process(ProcessField::Name) => Box::new(Dictionary {
            is_from_log: true,
            ..dictionary(
                room,
                |row| row.process.map(Process::index),
                |row, out| {
                    if let Some(process) = row.process {
                        process.name().push_to(out);
                    }
                },
            )
        }),
        Source::Category => Box::new(dictionary(
            room,
            |row| Some(row.details.category()),
            |row, out| out.push_str(row.details.category().name()),
        )),
        Source::Result => Box::new(dictionary(
            room,
            |row| Some(row.event.status().0),
            |row, out| out.push_str(&row.event.status().to_string()),
        )),
        Source::Path => filled_by(text()?, |row, texts| match row.details.stored_path() {
            Some(stored) => texts.push_stored(Some(stored)),
            None => texts.push(|out| {
                row.details.push_path(row.options, out);
                true
            }),
        }),
        Source::TargetPath => filled_by(text()?, |row, texts| texts.push_stored(row.details.target_path())),
        Source::Detail => filled_by(text()?, |row, texts| {
            texts.push(|out| {
                row.decoded = row.details.push_detail(row.options, out);
                row.decoded == Decoded::Yes
            })
        }),
        Source::RegistryData => {
            filled_by(text()?, |row, texts| texts.push(|out| row.details.push_registry_data(out)))
        }
        // Filled together.
        Source::EventId
        | Source::Capture
        | Source::Computer
        | Source::Seconds
        | Source::RelativeTime
        | Source::CompletionTime
        | Source::TimeOfDay
        | Source::Stack
        | Source::Part
        | Source::Sequence
        | Source::Time
        | Source::Duration
        | Source::ProcessIndex
        | Source::Process(ProcessField::Pid | ProcessField::ParentPid)
        | Source::Tid
        | Source::Status
        | Source::Class
        | Source::Operation => return None,
        Source::Number(_) | Source::StackId => return None,
        // Columns of other tables.
        Source::Process(_) | Source::RowNumber | Source::Elsewhere => return None,
    })
}

/// Texts that repeat.
struct Dictionary<K, F, W> {
    texts: DictionaryColumn<K>,
    /// What the text depends on; `None` is NULL.
    key: F,
    write: W,
    /// Whether the log holds the texts. Such texts count as text of a batch, and are not kept without
    /// bound; names of Process Monitor are few and short.
    is_from_log: bool,
}

fn dictionary<K, F, W>(room: usize, key: F, write: W) -> Dictionary<K, F, W>
where
    F: Fn(&Row<'_, '_>) -> Option<K>,
    W: Fn(&Row<'_, '_>, &mut String),
{
    Dictionary { texts: DictionaryColumn::with_room(room), key, write, is_from_log: false }
}

impl<K, F, W> Dictionary<K, F, W>
where
    K: Copy + Eq + Hash,
{
    /// Bytes of text that are held.
    fn text(&self) -> usize {
        if self.is_from_log { self.texts.size() } else { 0 }
    }
}

impl<T, K, F, W> ColumnBuilder<T> for Dictionary<K, F, W>
where
    K: Copy + Eq + Hash,
    F: Fn(&Row<'_, '_>) -> Option<K>,
    W: Fn(&Row<'_, '_>, &mut String),
{
    fn push(&mut self, row: &mut Row<'_, '_>) -> usize {
        let before = self.text();
        match (self.key)(row) {
            Some(key) => self.texts.push(key, |out| (self.write)(row, out)),
            None => self.texts.null(),
        }
        self.text() - before
    }

    fn filled(&mut self) -> Filled<'_, T> {
        Filled::Words(&mut self.texts)
    }

    fn fresh(&self) -> usize {
        if self.is_from_log { self.texts.fresh() } else { 0 }
    }

    fn end_batch(&mut self) -> usize {
        if self.text() >= BATCH_TEXT {
            self.texts.forget();
        }
        self.text()
    }
}

/// Texts, with what appends that of a row and gives its bytes.
struct FilledTexts<T, F> {
    texts: T,
    append: F,
}

fn filled_by<T: Texts + 'static>(
    texts: T,
    append: impl Fn(&mut Row<'_, '_>, &mut T) -> usize + 'static,
) -> Box<dyn ColumnBuilder<T>> {
    Box::new(FilledTexts { texts, append })
}

impl<T: Texts, F: Fn(&mut Row<'_, '_>, &mut T) -> usize> ColumnBuilder<T> for FilledTexts<T, F> {
    fn push(&mut self, row: &mut Row<'_, '_>) -> usize {
        (self.append)(row, &mut self.texts)
    }

    fn filled(&mut self) -> Filled<'_, T> {
        Filled::Texts(&mut self.texts)
    }

    fn fresh(&self) -> usize {
        self.texts.size()
    }

    fn end_batch(&mut self) -> usize {
        self.texts.size()
    }
}

/// What a list holds; an empty one with room for as much takes its place.
fn begin_next<T>(list: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(list.len());
    std::mem::replace(list, next)
}
