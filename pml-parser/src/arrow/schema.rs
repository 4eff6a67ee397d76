//! The tables of a dataset and their columns: names, types, sources.
//!
//! Everything that names a column derives from here: record batches, Parquet files, and
//! docs/schema.md.

use crate::detail::Number;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// Version of the schema; it rises when a column is renamed, retyped or removed.
pub const SCHEMA_VERSION: u32 = 1;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// Nanoseconds since 1970, UTC.
    Time,
    /// UTF-8.
    Text,
    /// UTF-8 with few distinct values.
    Word,
    /// List of unsigned 32-bit numbers.
    U32List,
    /// List of texts.
    TextList,
}

impl Type {
    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new("item", item, false)));
        match self {
            Self::Bool => DataType::Boolean,
            Self::U8 => DataType::UInt8,
            Self::U16 => DataType::UInt16,
            Self::U32 => DataType::UInt32,
            Self::U64 => DataType::UInt64,
            Self::I32 => DataType::Int32,
            Self::I64 => DataType::Int64,
            Self::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::Text => DataType::Utf8,
            Self::Word => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Self::U32List => list(DataType::UInt32),
            Self::TextList => list(DataType::Utf8),
        }
    }

    /// The type in words, as docs/schema.md and DuckDB name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOLEAN",
            Self::U8 => "UTINYINT",
            Self::U16 => "USMALLINT",
            Self::U32 => "UINTEGER",
            Self::U64 => "UBIGINT",
            Self::I32 => "INTEGER",
            Self::I64 => "BIGINT",
            Self::Time => "TIMESTAMPTZ_NS",
            Self::Text => "VARCHAR",
            Self::Word => "VARCHAR (dictionary)",
            Self::U32List => "UINTEGER[]",
            Self::TextList => "VARCHAR[]",
        }
    }
}

/// Where a column of the events table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    EventId,
    Part,
    Sequence,
    Time,
    Duration,
    Class,
    Operation,
    Category,
    ProcessIndex,
    ProcessName,
    Pid,
    ParentPid,
    Tid,
    Path,
    TargetPath,
    Result,
    Status,
    Detail,
    Number(Number),
    RegistryData,
    StackId,
    /// Not of the events table.
    Elsewhere,
    /// Not of the events table: the number of a row, rising from 0.
    RowNumber,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name, in snake case.
    pub name: &'static str,
    /// Type.
    pub kind: Type,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// What it is: meaning, unit, when it is NULL, where it comes from.
    pub doc: &'static str,
    pub(crate) source: Source,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Name; the file is `<name>.parquet`.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Columns in order.
    pub columns: &'static [Column],
}

impl Table {
    /// The Arrow schema.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>()))
    }
}

/// Columns of the events table that are asked for: at least one, in the order of the table. Texts,
/// numbers and stacks that are not asked for are not decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventColumnSet {
    /// By position in [`EVENTS`].
    wanted: u64,
}

const _: () = assert!(EVENTS.columns.len() < 64);

impl Default for EventColumnSet {
    /// All columns.
    fn default() -> Self {
        Self { wanted: (1 << EVENTS.columns.len()) - 1 }
    }
}

impl EventColumnSet {
    /// The columns of these names, in any case.
    ///
    /// # Errors
    /// The first name that no column has; an empty one where there are no names at all.
    pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, &'n str> {
        let mut wanted = 0;
        for name in names {
            let at = EVENTS
                .columns
                .iter()
                .position(|column| column.name.eq_ignore_ascii_case(name))
                .ok_or(name)?;
            wanted |= 1 << at;
        }
        if wanted == 0 { Err("") } else { Ok(Self { wanted }) }
    }

    /// The columns, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &'static Column> {
        let wanted = self.wanted;
        let columns: &'static [Column] = EVENTS.columns;
        columns.iter().enumerate().filter(move |(at, _)| wanted >> at & 1 == 1).map(|(_, column)| column)
    }

    /// The Arrow schema of the events table with these columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.iter().map(Column::field).collect::<Vec<_>>()))
    }

    /// Whether a column with this source is asked for.
    pub(crate) fn has(&self, source: Source) -> bool {
        self.iter().any(|column| column.source == source)
    }
}

/// All tables of a dataset.
pub static TABLES: [Table; 6] = [EVENTS, PROCESSES, MODULES, STACKS, FRAMES, CAPTURE];

const fn column(name: &'static str, kind: Type, doc: &'static str) -> Column {
    Column { name, kind, nullable: false, doc, source: Source::Elsewhere }
}

const fn optional(name: &'static str, kind: Type, doc: &'static str) -> Column {
    Column { nullable: true, ..column(name, kind, doc) }
}

impl Column {
    fn field(&self) -> Field {
        Field::new(self.name, self.kind.arrow(), self.nullable)
    }

    const fn from(self, source: Source) -> Self {
        Self { source, ..self }
    }
}

/// A number of the details: NULL where the operation has none.
const fn number(name: &'static str, kind: Type, number: Number, doc: &'static str) -> Column {
    optional(name, kind, doc).from(Source::Number(number))
}

/// One row an event.
pub const EVENTS: Table = Table {
    name: "events",
    doc: "One row for every event that could be read, in the order of the log. Texts are never NULL unless said so, so that `NOT LIKE` does not lose rows: what Process Monitor shows as an empty cell is an empty text.",
    columns: &[
        column("event_id", Type::U64, "Position in the whole capture, from 0 through all parts. Damaged events leave gaps. Event offset array.").from(Source::EventId),
        column("part", Type::U16, "Position of the part in the capture, from 0; names are in `capture.part_names`.").from(Source::Part),
        column("sequence", Type::U32, "The capture driver's running number. Event header +0x10.").from(Source::Sequence),
        optional("time", Type::Time, "When the operation began, exact to the 100 ns the log holds; NULL where the log holds no time between 1677 and 2262. Event header +0x1C.").from(Source::Time),
        optional("duration_ns", Type::I64, "Nanoseconds until it completed; NULL while pending. Event header +0x14.").from(Source::Duration),
        column("class", Type::Word, "Event class: `Process`, `Registry`, `File System`, `Profiling`, `Network`; `Completion`, `IPC` or `<Unknown>` for others. Event header +0x08.").from(Source::Class),
        column("operation", Type::Word, "Operation, as Process Monitor names it; `<Unknown>` where it has no name, empty for events of other classes. Event header +0x0C, details byte 0.").from(Source::Operation),
        column("category", Type::Word, "`Read`, `Write`, `Read Metadata`, `Write Metadata`, or empty.").from(Source::Category),
        column("process_index", Type::U32, "Key of the process within its part; join `processes` on (part, process_index). Event header +0x00.").from(Source::ProcessIndex),
        optional("process_name", Type::Word, "Name of the process; NULL where the log has no record of it. Process table.").from(Source::ProcessName),
        optional("pid", Type::U32, "Process id; NULL where the log has no record of the process. Process table.").from(Source::Pid),
        optional("parent_pid", Type::U32, "Process id of the parent; NULL where the log has no record of the process. Process table.").from(Source::ParentPid),
        column("tid", Type::U32, "Thread id; 0 for network events. Event header +0x04.").from(Source::Tid),
        column("path", Type::Text, "Path, key, or addresses; empty where the operation has none. A directory query includes its pattern. Not cut. Details.").from(Source::Path),
        optional("target_path", Type::Text, "Second path: rename and link target (a link's as the caller wrote it, with `\\??\\`), file of a hive, new name of a key; NULL for other operations. Details.").from(Source::TargetPath),
        column("result", Type::Word, "Result, as Process Monitor names it; hexadecimal where it has no name, empty while pending.").from(Source::Result),
        column("status", Type::U32, "NTSTATUS; 259 (0x103) while pending. Event header +0x24.").from(Source::Status),
        optional("detail", Type::Text, "Details as text, corrected where Process Monitor shows something wrong (docs/procmon-differences.md), times in UTC; empty where there are none, NULL where they could not be decoded.").from(Source::Detail),
        number("desired_access", Type::U32, Number::DesiredAccess, "CreateFile, RegOpenKey, RegCreateKey: access mask asked for."),
        number("granted_access", Type::U32, Number::GrantedAccess, "RegOpenKey, RegCreateKey: access mask given."),
        number("disposition", Type::U8, Number::Disposition, "CreateFile: 0 Supersede, 1 Open, 2 Create, 3 OpenIf, 4 Overwrite, 5 OverwriteIf."),
        number("create_options", Type::U32, Number::CreateOptions, "CreateFile: options (FILE_DIRECTORY_FILE 0x1, FILE_DELETE_ON_CLOSE 0x1000, …), 24 bits."),
        number("share_mode", Type::U16, Number::ShareMode, "CreateFile: 1 read, 2 write, 4 delete; 0 none."),
        number("file_attributes", Type::U32, Number::FileAttributes, "CreateFile (asked for), queries and sets of attributes: FILE_ATTRIBUTE_… bits."),
        number("open_result", Type::U32, Number::OpenResult, "CreateFile that completed: 0 Superseded, 1 Opened, 2 Created, 3 Overwritten, 4 Exists, 5 DoesNotExist. Registry: 1 created, 2 opened."),
        number("byte_offset", Type::I64, Number::ByteOffset, "ReadFile, WriteFile, LockFile, unlock: offset in the file in bytes; -1 is the end of file or the current position. Position queries and sets."),
        number("length", Type::U64, Number::Length, "Bytes asked for: ReadFile, WriteFile, LockFile; buffer of a registry query; bytes of a network event."),
        number("bytes_returned", Type::U32, Number::BytesReturned, "ReadFile that completed: bytes read."),
        number("io_flags", Type::U32, Number::IoFlags, "ReadFile, WriteFile: IRP flags, OR-ed with stack location flags shifted left by 20."),
        number("information_class", Type::U32, Number::InformationClass, "Information class of queries and sets of files, directories, volumes and keys."),
        number("control_code", Type::U32, Number::ControlCode, "FileSystemControl, DeviceIoControl: control code."),
        number("allocation_size", Type::I64, Number::AllocationSize, "CreateFile (asked for), queries and sets: allocation in bytes."),
        number("end_of_file", Type::I64, Number::EndOfFile, "Queries and sets: size of the file in bytes."),
        number("delete_flags", Type::U32, Number::DeleteFlags, "SetDispositionInformationFile: 1 delete, 0 keep. SetDispositionInformationEx: FILE_DISPOSITION_… bits."),
        number("rename_flags", Type::U32, Number::RenameFlags, "Rename and link: 1 replaces an existing target, 0 does not; the Ex forms FILE_RENAME_… bits."),
        number("page_protection", Type::U32, Number::PageProtection, "CreateFileMapping: PAGE_… bits, the right ones on 64-bit logs too."),
        number("exit_status", Type::I32, Number::ExitStatus, "Process Exit; Thread Exit where it is known."),
        number("target_pid", Type::U32, Number::TargetPid, "Process Create: process id of the new process."),
        number("target_tid", Type::U32, Number::TargetTid, "Thread Create, Thread Exit: thread id."),
        number("image_base", Type::U64, Number::ImageBase, "Load Image: base address."),
        number("image_size", Type::U32, Number::ImageSize, "Load Image: bytes."),
        number("registry_type", Type::U32, Number::RegistryType, "Value type: 1 REG_SZ, 2 REG_EXPAND_SZ, 3 REG_BINARY, 4 REG_DWORD, 7 REG_MULTI_SZ, 11 REG_QWORD, …"),
        number("registry_size", Type::U32, Number::RegistryDataSize, "Bytes of the value's data; the log keeps at most 2,048 of a text and 16 of a binary value."),
        number("registry_number", Type::U64, Number::RegistryNumber, "Data of REG_DWORD, REG_DWORD_BIG_ENDIAN and REG_QWORD."),
        optional("registry_data", Type::Text, "Data of a value that was set or returned, as text: texts as they are, several joined by `, `, numbers in decimal, bytes in hexadecimal; NULL where there is none.").from(Source::RegistryData),
        number("enum_index", Type::U32, Number::Index, "RegEnumKey, RegEnumValue: index asked for."),
        optional("stack_id", Type::U32, "Key of the call stack in `stacks`; NULL where none was captured.").from(Source::StackId),
    ],
};

/// One row a process of a part.
pub const PROCESSES: Table = Table {
    name: "processes",
    doc: "One row for every process record of every part. The same process may stand in several parts, under other indexes: match them by (pid, start_time).",
    columns: &[
        column("part", Type::U16, "Part of the capture, from 0."),
        column("process_index", Type::U32, "Key within the part."),
        column("pid", Type::U32, "Process id."),
        column("parent_pid", Type::U32, "Process id of the parent."),
        column("parent_process_index", Type::U32, "Process index of the parent, which often has no row."),
        column("name", Type::Text, "File name of the program."),
        column("image_path", Type::Text, "Full path of the program."),
        column("command_line", Type::Text, "Command line."),
        column("user_name", Type::Text, "Account, `DOMAIN\\name`."),
        column("integrity", Type::Text, "Integrity level."),
        column("session", Type::I32, "Terminal session, -1 for none."),
        column("authentication_id", Type::U64, "Logon session (LUID)."),
        optional("start_time", Type::Time, "When it started."),
        optional("end_time", Type::Time, "When it ended; NULL while it runs."),
        optional(
            "virtualized",
            Type::Bool,
            "Whether file system and registry are virtualized; NULL for n/a.",
        ),
        column("is_64_bit", Type::Bool, "Whether it is a 64-bit process."),
        column("company", Type::Text, "Company, from the version resource."),
        column("version", Type::Text, "Version, from the version resource."),
        column("description", Type::Text, "Description, from the version resource."),
        column("module_count", Type::U32, "Rows it has in `modules`."),
    ],
};

/// One row a module of a process.
pub const MODULES: Table = Table {
    name: "modules",
    doc: "One row for every module of every process record, in the order in which Process Monitor searches them. The modules of PID 4 are the kernel and its drivers.",
    columns: &[
        column("part", Type::U16, "Part of the capture, from 0."),
        column("process_index", Type::U32, "Process, key within the part."),
        column("position", Type::U32, "Position in the process's list."),
        column("base", Type::U64, "Lowest address."),
        column("size", Type::U32, "Bytes of the image."),
        column("path", Type::Text, "Full path."),
        column("version", Type::Text, "Version, from the version resource."),
        column("company", Type::Text, "Company, from the version resource."),
        column("description", Type::Text, "Description, from the version resource."),
        optional(
            "load_time",
            Type::Time,
            "When it was loaded; for modules that were there before the capture, when Process Monitor first looked at the process.",
        ),
        column("image_timestamp", Type::U32, "TimeDateStamp of the image."),
    ],
};

/// One row a distinct stack.
pub const STACKS: Table = Table {
    name: "stacks",
    doc: "One row for every distinct call stack. `UNNEST(frames)` and join `frames` to read it.",
    columns: &[
        column("stack_id", Type::U32, "Key that `events.stack_id` refers to, from 0.")
            .from(Source::RowNumber),
        column("depth", Type::U32, "Number of frames."),
        column("frames", Type::U32List, "`frames.frame_id` of each frame, innermost (kernel side) first."),
    ],
};

/// One row a distinct frame.
pub const FRAMES: Table = Table {
    name: "frames",
    doc: "One row for every distinct frame: an address, and the module it lies in.",
    columns: &[
        column("frame_id", Type::U32, "Key that `stacks.frames` refers to, from 0.").from(Source::RowNumber),
        column("address", Type::U64, "Return address."),
        column("kernel", Type::Bool, "Whether it is an address of the kernel."),
        column("location", Type::Text, "`module + 0xoffset`, or the address where it lies in no module."),
        optional("module", Type::Text, "File name of the module; NULL where it lies in none."),
        optional("module_path", Type::Text, "Full path of the module."),
        optional("module_offset", Type::U64, "Bytes from the module's base."),
    ],
};

/// One row: the capture.
pub const CAPTURE: Table = Table {
    name: "capture",
    doc: "One row of facts about the capture and the conversion. The same facts stand as key-value metadata (`pml.…`) in every file of the dataset.",
    columns: &[
        column("schema_version", Type::U32, "Version of this schema."),
        column("tool_version", Type::Text, "Program that made the dataset."),
        column("computer", Type::Text, "Machine."),
        column("system_root", Type::Text, "Windows folder."),
        column("os_major", Type::U32, "Major version of Windows."),
        column("os_minor", Type::U32, "Minor version of Windows."),
        column("build", Type::U32, "Build of Windows."),
        column("service_pack", Type::Text, "Service pack, often empty."),
        column("product_type", Type::U8, "1 workstation, 2 domain controller, 3 server."),
        column("bits", Type::U8, "64 or 32: bitness of Windows."),
        column("processors", Type::U32, "Logical processors."),
        column("memory_bytes", Type::U64, "Physical memory."),
        column("parts", Type::U16, "Number of parts."),
        column("part_names", Type::TextList, "File names of the parts, in order."),
        column("log_bytes", Type::U64, "Bytes of all parts."),
        column("events", Type::U64, "Events in the log, damaged ones included."),
        optional("first_time", Type::Time, "Time of the first event."),
        optional("last_time", Type::Time, "Time of the last event."),
        column("damaged_events", Type::U64, "Events that could not be read and have no row."),
        optional(
            "undecoded_events",
            Type::U64,
            "Events whose details could not be decoded; their `detail` is NULL. NULL itself where `detail` was not asked for.",
        ),
        column("table_damage", Type::U64, "Entries of the log's tables that could not be read."),
        column("damage", Type::TextList, "Where the first damage is: part, structure, offset."),
    ],
};

/// docs/schema.md.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Tables and columns\n\nGenerated by `pml schema`; do not edit.\n\n\
         `pml convert LOG -o DIR` writes one Parquet file for each of these tables; `--columns` chooses \
         columns of `events`, and without `stack_id` there are no `stacks` and `frames`. Types are DuckDB's \
         names; times are nanoseconds in UTC and keep the log's 100 ns exactly.\n",
    );
    for table in &TABLES {
        out.push_str(&format!("\n## {}\n\n{}\n\n", table.name, table.doc));
        out.push_str("| column | type | null | what it is |\n|---|---|---|---|\n");
        for column in table.columns {
            let null = if column.nullable { "yes" } else { "no" };
            let doc = column.doc.replace('|', "\\|");
            out.push_str(&format!("| `{}` | {} | {null} | {doc} |\n", column.name, column.kind.name()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_every_event_column_has_a_source() {
        for table in &TABLES {
            let names: HashSet<_> = table.columns.iter().map(|c| c.name).collect();
            assert_eq!(names.len(), table.columns.len(), "{}", table.name);
        }
        assert!(EVENTS.columns.iter().all(|c| !matches!(c.source, Source::Elsewhere | Source::RowNumber)));
    }
}
