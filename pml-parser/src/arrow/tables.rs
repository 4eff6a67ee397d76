//! The small tables: processes, modules, stacks, frames, and the capture itself.

use super::events::EventCounts;
use super::labels::{Labels, log_hash, seconds_array, seconds_between, seconds_text};
use super::schema::SCHEMA_VERSION;
use crate::columns::{CAPTURE, Column, FRAMES, MODULES, PROCESSES, ProcessField, STACKS, Source, Table};
use crate::detail::value;
use crate::log::process::{Module, Process, Virtualized};
use crate::log::set::LogSet;
use crate::symbols::Function;
use crate::text::WinStr;
use crate::time::FileTime;
use arrow::array::{
    ArrayRef, BooleanArray, BooleanBuilder, Int32Array, ListBuilder, StringArray, StringBuilder,
    TimestampNanosecondArray, TimestampNanosecondBuilder, UInt8Array, UInt16Array, UInt16Builder,
    UInt32Array, UInt32Builder, UInt64Array, UInt64Builder,
};
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// What a conversion adds to the facts of the log itself.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// Program and version that makes the dataset.
    pub tool_version: String,
    /// File names of the parts, in order.
    pub part_names: Vec<String>,
}

/// A batch of a table: the labels, and these columns in the order of all others.
fn batch(table: &Table, labels: &Labels, columns: Vec<ArrayRef>) -> Result<RecordBatch, ArrowError> {
    let rows = columns.first().map_or(0, |column| column.len());
    let (mut columns, mut arrays) = (columns.into_iter(), Vec::with_capacity(table.columns.len()));
    for column in table.columns {
        if let Some(array) = labels.column(column.source, rows).or_else(|| columns.next()) {
            labels.types.push(array, &mut arrays);
        }
    }
    RecordBatch::try_new(table.schema(labels.types), arrays)
}

fn push_text(builder: &mut StringBuilder, buffer: &mut String, text: WinStr<'_>) {
    buffer.clear();
    text.push_to(buffer);
    builder.append_value(&*buffer);
}

fn times(capacity: usize) -> TimestampNanosecondBuilder {
    TimestampNanosecondBuilder::with_capacity(capacity).with_timezone("UTC")
}

/// Rows of a batch of a small table. Stacks and frames make a row group of each, so that no more
/// of them is held.
const ROWS: usize = 16_384;
/// Bytes of their texts, for the sake of forged logs whose rows share huge ones.
const TEXT: usize = 8 << 20;

/// Cuts rows into runs of at most [`ROWS`] rows and about [`TEXT`] bytes.
fn runs<T>(mut rows: impl Iterator<Item = T>, size: impl Fn(&T) -> usize) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || {
        let (mut run, mut bytes) = (Vec::new(), 0);
        while run.len() < ROWS && bytes < TEXT {
            let Some(row) = rows.next() else { break };
            bytes += size(&row);
            run.push(row);
        }
        (!run.is_empty()).then_some(run)
    })
}

/// The processes of all parts, as batches.
pub(crate) fn processes<'s, B: AsRef<[u8]>>(
    set: &'s LogSet<B>,
    labels: &'s Labels,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + 's {
    let rows = set.parts().flat_map(|log| log.processes().map(move |p| (log.part(), p)));
    let size = |(_, p): &(u16, Process<'_>)| {
        let texts = [p.name(), p.image_path(), p.command_line(), p.user(), p.integrity(), p.company()];
        let more = [p.version(), p.description()];
        texts.iter().chain(&more).map(|text| text.raw().len()).sum()
    };
    runs(rows, size).map(|rows| process_batch(&rows, labels))
}

fn process_batch(rows: &[(u16, Process<'_>)], labels: &Labels) -> Result<RecordBatch, ArrowError> {
    let columns = PROCESSES.columns.iter().filter_map(|column| match column.source {
        Source::Process(field) => Some(process_column(rows, field)),
        _ => None,
    });
    batch(&PROCESSES, labels, columns.collect())
}

fn process_column<'a>(rows: &[(u16, Process<'a>)], field: ProcessField) -> ArrayRef {
    let processes = rows.iter().map(|row| row.1);
    let numbers = |of: fn(Process<'a>) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(processes.clone().map(of)))
    };
    let times = |of: fn(Process<'a>) -> Option<FileTime>| -> ArrayRef {
        let values = processes.clone().map(|process| of(process).and_then(FileTime::unix_nanos));
        Arc::new(TimestampNanosecondArray::from_iter(values).with_timezone("UTC"))
    };
    match field {
        ProcessField::Part => Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.0))),
        ProcessField::Index => numbers(Process::index),
        ProcessField::Pid => numbers(Process::pid),
        ProcessField::ParentPid => numbers(Process::parent_pid),
        ProcessField::ParentIndex => numbers(Process::parent_index),
        ProcessField::ModuleCount => numbers(|process| process.modules().len() as u32),
        ProcessField::Session => Arc::new(Int32Array::from_iter_values(processes.map(Process::session))),
        ProcessField::AuthenticationId => {
            Arc::new(UInt64Array::from_iter_values(processes.map(Process::authentication_id)))
        }
        ProcessField::Start => times(|process| Some(process.start())),
        ProcessField::End => times(Process::end),
        ProcessField::Virtualized => {
            Arc::new(BooleanArray::from_iter(processes.map(|process| match process.virtualized() {
                Virtualized::No => Some(false),
                Virtualized::Yes => Some(true),
                Virtualized::NotAvailable(_) => None,
            })))
        }
        ProcessField::Is64Bit => {
            Arc::new(BooleanArray::from_iter(processes.map(|process| Some(process.is_64_bit()))))
        }
        ProcessField::Name
        | ProcessField::ImagePath
        | ProcessField::CommandLine
        | ProcessField::User
        | ProcessField::Integrity
        | ProcessField::Company
        | ProcessField::Version
        | ProcessField::Description => {
            let (mut builder, mut buffer) = (StringBuilder::new(), String::new());
            for process in processes {
                push_text(&mut builder, &mut buffer, process.text(field).unwrap_or_default());
            }
            Arc::new(builder.finish())
        }
    }
}

/// The modules of all processes of all parts, as batches.
pub(crate) fn modules<'s, B: AsRef<[u8]>>(
    set: &'s LogSet<B>,
    labels: &'s Labels,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + 's {
    let rows = set.parts().flat_map(|log| {
        log.processes().flat_map(move |process| {
            let of = (log.part(), process.index());
            process.modules().enumerate().map(move |(position, module)| (of, position as u32, module))
        })
    });
    let size = |(_, _, m): &((u16, u32), u32, Module<'_>)| {
        let texts = [m.path(), m.version(), m.company(), m.description()];
        texts.iter().map(|text| text.raw().len()).sum()
    };
    runs(rows, size).map(|rows| module_batch(&rows, labels))
}

fn module_batch<'a>(
    rows: &[((u16, u32), u32, Module<'a>)],
    labels: &Labels,
) -> Result<RecordBatch, ArrowError> {
    let mut buffer = String::new();
    let mut texts = |of: fn(Module<'a>) -> WinStr<'a>| -> ArrayRef {
        let mut builder = StringBuilder::new();
        rows.iter().for_each(|row| push_text(&mut builder, &mut buffer, of(row.2)));
        Arc::new(builder.finish())
    };
    let loads = rows.iter().map(|row| row.2.load_time.unix_nanos());
    let columns = vec![
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(|row| row.0.0))) as ArrayRef,
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.0.1))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.2.base))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.2.size))),
        texts(|m| m.path()),
        texts(|m| m.version()),
        texts(|m| m.company()),
        texts(|m| m.description()),
        Arc::new(TimestampNanosecondArray::from_iter(loads).with_timezone("UTC")),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.2.timestamp))),
    ];
    batch(&MODULES, labels, columns)
}

/// Collects rows of the stacks table.
pub(crate) struct StackRows {
    id: UInt32Builder,
    depth: UInt32Builder,
    frames: ListBuilder<UInt32Builder>,
    rows: usize,
}

impl Default for StackRows {
    fn default() -> Self {
        let item = Field::new("item", arrow::datatypes::DataType::UInt32, false);
        Self {
            id: UInt32Builder::new(),
            depth: UInt32Builder::new(),
            frames: ListBuilder::new(UInt32Builder::new()).with_field(item),
            rows: 0,
        }
    }
}

impl StackRows {
    pub(crate) fn push(&mut self, id: u32, frame_ids: &[u32]) {
        self.id.append_value(id);
        self.depth.append_value(frame_ids.len() as u32);
        self.frames.values().append_slice(frame_ids);
        self.frames.append(true);
        self.rows += 1;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= ROWS
    }

    pub(crate) fn finish(&mut self, labels: &Labels) -> Result<RecordBatch, ArrowError> {
        self.rows = 0;
        batch(
            &STACKS,
            labels,
            vec![Arc::new(self.id.finish()), Arc::new(self.depth.finish()), Arc::new(self.frames.finish())],
        )
    }
}

/// A module as the frames table shows it.
pub(crate) struct ModuleText {
    base: u64,
    path: String,
    /// Where the file name begins in the path.
    name: usize,
}

impl ModuleText {
    pub(crate) fn new(base: u64, path: String) -> Self {
        let name = path.rfind('\\').map_or(0, |at| at + 1);
        Self { base, path, name }
    }

    /// Bytes of text of a row of the frames table.
    pub(crate) fn size(&self) -> usize {
        self.path.len() + 2 * self.name().len()
    }

    fn name(&self) -> &str {
        self.path.get(self.name..).unwrap_or_default()
    }
}

/// Collects rows of the frames table.
#[derive(Default)]
pub(crate) struct FrameRows {
    id: UInt32Builder,
    address: UInt64Builder,
    kernel: BooleanBuilder,
    location: StringBuilder,
    module: StringBuilder,
    module_path: StringBuilder,
    offset: UInt64Builder,
    function: StringBuilder,
    function_offset: UInt64Builder,
    source: StringBuilder,
    /// The location that is written.
    shown: String,
    rows: usize,
    /// Bytes of their paths.
    text: usize,
}

impl FrameRows {
    pub(crate) fn push(
        &mut self,
        id: u32,
        address: u64,
        kernel: bool,
        module: Option<&ModuleText>,
        function: Option<&Function>,
    ) {
        self.id.append_value(id);
        self.address.append_value(address);
        self.kernel.append_value(kernel);
        let path = module.map(|module| module.path.as_str());
        let name = module.map(ModuleText::name);
        let offset = module.map(|module| address.wrapping_sub(module.base));
        self.shown.clear();
        if let Some(name) = name {
            self.shown.push_str(name);
            self.shown.push_str(" + ");
        }
        value::hex(&mut self.shown, offset.unwrap_or(address));
        self.location.append_value(&self.shown);
        self.module.append_option(name);
        self.module_path.append_option(path);
        self.offset.append_option(offset);
        self.function.append_option(function.map(|function| function.name.as_str()));
        self.function_offset.append_option(function.map(|function| function.offset));
        self.source.append_option(function.and_then(|function| function.source.as_deref()));
        self.rows += 1;
        self.text += module.map_or(0, ModuleText::size) + function.map_or(0, |function| function.name.len());
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows >= ROWS || self.text >= TEXT
    }

    pub(crate) fn finish(&mut self, labels: &Labels) -> Result<RecordBatch, ArrowError> {
        (self.rows, self.text) = (0, 0);
        batch(
            &FRAMES,
            labels,
            vec![
                Arc::new(self.id.finish()),
                Arc::new(self.address.finish()),
                Arc::new(self.kernel.finish()),
                Arc::new(self.location.finish()),
                Arc::new(self.module.finish()),
                Arc::new(self.module_path.finish()),
                Arc::new(self.offset.finish()),
                Arc::new(self.function.finish()),
                Arc::new(self.function_offset.finish()),
                Arc::new(self.source.finish()),
            ],
        )
    }
}

/// A value of the capture table's one row.
enum Fact {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    MaybeU64(Option<u64>),
    Time(Option<FileTime>),
    /// Ticks.
    Seconds(Option<i64>),
    Text(String),
    Texts(Vec<String>),
}

impl Fact {
    fn array(self) -> ArrayRef {
        match self {
            Self::U8(v) => Arc::new(UInt8Array::from(vec![v])),
            Self::U16(v) => {
                let mut builder = UInt16Builder::new();
                builder.append_value(v);
                Arc::new(builder.finish())
            }
            Self::U32(v) => Arc::new(UInt32Array::from(vec![v])),
            Self::U64(v) => Arc::new(UInt64Array::from(vec![v])),
            Self::MaybeU64(v) => Arc::new(UInt64Array::from(vec![v])),
            Self::Time(v) => {
                let mut builder = times(1);
                builder.append_option(v.and_then(FileTime::unix_nanos));
                Arc::new(builder.finish())
            }
            Self::Seconds(v) => seconds_array(std::iter::once(v)),
            Self::Text(v) => Arc::new(StringArray::from(vec![v])),
            Self::Texts(v) => {
                let item = Field::new("item", arrow::datatypes::DataType::Utf8, false);
                let mut builder = ListBuilder::new(StringBuilder::new()).with_field(item);
                v.iter().for_each(|text| builder.values().append_value(text));
                builder.append(true);
                Arc::new(builder.finish())
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::U8(v) => v.to_string(),
            Self::U16(v) => v.to_string(),
            Self::U32(v) => v.to_string(),
            Self::U64(v) => v.to_string(),
            Self::MaybeU64(v) => v.map(|v| v.to_string()).unwrap_or_default(),
            Self::Time(v) => v.map(|t| t.to_string()).unwrap_or_default(),
            Self::Seconds(v) => v.map(i128::from).map(seconds_text).unwrap_or_default(),
            Self::Text(v) => v.clone(),
            Self::Texts(v) => v.join("\n"),
        }
    }
}

/// The facts of a capture, in the order of the capture table's columns.
fn facts<B: AsRef<[u8]>>(
    set: &LogSet<B>,
    labels: &Labels,
    facts: &Provenance,
    counts: &EventCounts,
) -> Vec<Fact> {
    let log = set.part(0);
    let version = log.map_or((0, 0, 0), |log| log.os_version());
    let text = |of: fn(crate::log::LogView<'_>) -> WinStr<'_>| {
        Fact::Text(log.map(|log| of(log).to_str().into_owned()).unwrap_or_default())
    };
    let span = set.time_span();
    let tables = set.table_damage();
    let mut damage = tables.clone();
    damage.merge(&counts.damage);
    let name = |part: u16| facts.part_names.get(usize::from(part)).map_or("log", String::as_str);
    vec![
        Fact::Text(labels.capture.clone()),
        Fact::U32(SCHEMA_VERSION),
        Fact::Text(labels.types.name().to_owned()),
        Fact::Text(facts.tool_version.clone()),
        Fact::Text(labels.computer.clone()),
        text(|log| log.system_root()),
        Fact::U32(version.0),
        Fact::U32(version.1),
        Fact::U32(version.2),
        text(|log| log.service_pack()),
        Fact::U8(log.map_or(0, |log| log.product_type())),
        Fact::U8(if log.is_some_and(|log| log.is_64_bit()) { 64 } else { 32 }),
        Fact::U32(log.map_or(0, |log| log.processors())),
        Fact::U64(log.map_or(0, |log| log.memory())),
        Fact::U16(set.parts().len() as u16),
        Fact::Texts(facts.part_names.clone()),
        Fact::U64(set.size()),
        Fact::U64(set.event_count()),
        Fact::Time(span.map(|span| span.0)),
        Fact::Time(span.map(|span| span.1)),
        Fact::Seconds(span.and_then(|span| seconds_between(span.0, span.1))),
        Fact::Text(log_hash(set)),
        Fact::U64(counts.damage.count),
        Fact::MaybeU64(counts.undecoded),
        Fact::U64(tables.count),
        Fact::Texts(damage.first.iter().map(|error| format!("{}: {error}", name(error.part()))).collect()),
    ]
}

/// The capture table.
pub(crate) fn capture<B: AsRef<[u8]>>(
    set: &LogSet<B>,
    labels: &Labels,
    about: &Provenance,
    counts: &EventCounts,
) -> Result<RecordBatch, ArrowError> {
    batch(&CAPTURE, labels, facts(set, labels, about, counts).into_iter().map(Fact::array).collect())
}

/// The same facts as pairs of key and text.
pub(crate) fn capture_metadata<B: AsRef<[u8]>>(
    set: &LogSet<B>,
    labels: &Labels,
    about: &Provenance,
    counts: &EventCounts,
) -> Vec<(String, String)> {
    let names = CAPTURE.columns.iter().map(|column: &Column| format!("pml.{}", column.name));
    names.zip(facts(set, labels, about, counts).iter().map(Fact::text)).collect()
}
