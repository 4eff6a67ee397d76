//! The tables of a dataset and their columns, each once: name, type, whether it may be NULL, what it
//! means, how it is read, and how a filter compares it.
//!
//! Everything that names a column derives from this list: record batches and Parquet files
//! (`arrow::schema`), the language of filters, [`Number`], docs/schema.md, and the columns of
//! docs/filters.md.

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
    Timestamp,
    /// Seconds in decimal, exact to the 100 ns of a log.
    Seconds,
    /// UTF-8.
    Utf8,
    /// UTF-8 with few distinct values.
    Dictionary,
    /// List of unsigned 32-bit numbers.
    U32List,
    /// List of texts.
    Utf8List,
}

impl Type {
    /// The type in words, as docs/schema.md and DuckDB name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOLEAN",
            Self::U8 => "UTINYINT",
            Self::U16 => "USMALLINT",
            Self::U32 => "UINTEGER",
            Self::U64 => "UBIGINT",
            Self::I32 => "INTEGER",
            Self::I64 => "BIGINT",
            Self::Timestamp => "TIMESTAMPTZ_NS",
            Self::Seconds => "DECIMAL(18,7)",
            Self::Utf8 => "VARCHAR",
            Self::Dictionary => "VARCHAR (dictionary)",
            Self::U32List => "UINTEGER[]",
            Self::Utf8List => "VARCHAR[]",
        }
    }

    /// Bits of an integer with a sign; `None` for every other type.
    pub const fn signed_bits(self) -> Option<u32> {
        match self {
            Self::I32 => Some(32),
            Self::I64 => Some(64),
            _ => None,
        }
    }

    /// Bits of an integer; `None` for every other type.
    pub const fn bits(self) -> Option<u32> {
        match self {
            Self::U8 => Some(8),
            Self::U16 => Some(16),
            Self::U32 | Self::I32 => Some(32),
            Self::U64 | Self::I64 => Some(64),
            _ => None,
        }
    }

    /// Whether it is an integer.
    pub const fn is_integer(self) -> bool {
        self.bits().is_some()
    }
}

/// How the value of a column is read: from an event, from its process, or from neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The id of the capture.
    Capture,
    /// The computer of the capture.
    Computer,
    /// The seconds since the capture began.
    Seconds,
    EventId,
    Part,
    Sequence,
    Time,
    Duration,
    Class,
    Operation,
    Category,
    ProcessIndex,
    Tid,
    Path,
    TargetPath,
    Result,
    Status,
    Detail,
    RegistryData,
    /// The time since the first event.
    RelativeTime,
    /// When the operation ended.
    CompletionTime,
    /// The time of day, as Process Monitor shows it.
    TimeOfDay,
    /// The modules of the call stack.
    Stack,
    /// A number of the details.
    Number(Number),
    /// A field of a process record; of an event, the record of its process.
    Process(ProcessField),
    /// The number of a stack in the whole capture, known only when a capture is converted in order.
    StackId,
    /// The number of a row, rising from 0.
    RowNumber,
    /// Whatever fills the other tables (`arrow::tables`).
    Elsewhere,
}

/// A field of a process record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessField {
    Part,
    Index,
    Pid,
    ParentPid,
    ParentIndex,
    Name,
    ImagePath,
    CommandLine,
    User,
    Integrity,
    Session,
    AuthenticationId,
    Start,
    End,
    Virtualized,
    Is64Bit,
    Company,
    Version,
    Description,
    ModuleCount,
}

/// How a filter compares a column with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// As the type says.
    AsType,
    /// A length of time; a number needs a unit.
    Length,
    /// A length of time; a number without a unit counts nanoseconds.
    Nanoseconds,
    /// A result: its text, its number, or its severity.
    Status,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// How filters compare it; `None` where they do not know it.
    pub(crate) comparison: Option<Comparison>,
    /// Whether filters alone have it, and its table does not.
    pub(crate) only_for_filters: bool,
}

impl Column {
    /// The number of the details that the column holds, if it holds one.
    pub const fn number(&self) -> Option<Number> {
        match self.source {
            Source::Number(number) => Some(number),
            _ => None,
        }
    }

    const fn from(self, source: Source) -> Self {
        Self { source, ..self }
    }

    const fn compared(self, comparison: Comparison) -> Self {
        Self { comparison: Some(comparison), ..self }
    }

    const fn for_filters(self) -> Self {
        self.compared(Comparison::AsType)
    }

    const fn only_for_filters(self) -> Self {
        Self { only_for_filters: true, ..self }
    }

    const fn not_for_filters(self) -> Self {
        Self { comparison: None, ..self }
    }
}

const fn column(name: &'static str, kind: Type, doc: &'static str) -> Column {
    let source = Source::Elsewhere;
    Column { name, kind, nullable: false, doc, source, comparison: None, only_for_filters: false }
}

const fn nullable(name: &'static str, kind: Type, doc: &'static str) -> Column {
    Column { nullable: true, ..column(name, kind, doc) }
}

/// A number of the details: NULL where the operation has none.
const fn number(name: &'static str, kind: Type, number: Number, doc: &'static str) -> Column {
    assert!(kind.is_integer(), "the column of a number has an integer type");
    nullable(name, kind, doc).from(Source::Number(number))
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

/// All tables of a dataset.
pub static TABLES: [Table; 6] = [EVENTS, PROCESSES, MODULES, STACKS, FRAMES, CAPTURE];

/// Makes the columns of events, `EVENT_COLUMNS`, and [`Number`] out of one list. A row `number(name,
/// type, Variant, doc)` is all that a numeric column needs: it makes the variant too.
macro_rules! event_columns {
    ($vis:vis enum Number; $(
        $make:ident($name:literal, $kind:ident, $($number:ident,)? $doc:literal)
            $(.$set:ident($($value:expr)?))*
    ),* $(,)?) => {
        /// A number that some operations carry. The raw value is kept.
        ///
        /// Each variant is a row `number(…)` of `event_columns!` in `pml-parser/src/columns.rs`; a variant that
        /// the compiler does not find is a row that is missing there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        $vis enum Number { // a missing variant is a missing row of event_columns!
            $($(
                #[doc = concat!("`", $name, "`: ", $doc)]
                $number,
            )?)*
        }

        impl Number {
            /// Every number, in the order of the columns.
            $vis const ALL: &'static [Self] = &[$($(Self::$number,)?)*];
            /// How many there are.
            $vis const COUNT: usize = Self::ALL.len();

            /// The type of its column.
            $vis const fn kind(self) -> Type {
                match self {
                    $($(Self::$number => Type::$kind,)?)*
                }
            }
        }

        /// The columns of the events table, in order, and among them those that only filters have.
        const EVENT_COLUMNS: &[Column] = &[$(
            $make($name, Type::$kind, $(Number::$number,)? $doc).for_filters()$(.$set($($value)?))*
        ),*];
    };
}

event_columns! {
    pub enum Number;

    column("capture", Dictionary, "Id of the capture: in a table over many captures, the first key of every join.").from(Source::Capture).not_for_filters(),
    column("computer", Dictionary, "Machine that was captured.").from(Source::Computer).not_for_filters(),
    column("event_id", U64, "Position in the whole capture, from 0 through all parts. Damaged events leave gaps. Event offset array.").from(Source::EventId),
    column("part", U16, "Position of the part in the capture, from 0; names are in `capture.part_names`.").from(Source::Part),
    column("sequence", U32, "The capture driver's running number. Event header +0x10.").from(Source::Sequence),
    nullable("time", Timestamp, "When the operation began, exact to the 100 ns the log holds; NULL where the log holds no time between 1677 and 2262. Event header +0x1C.").from(Source::Time),
    nullable("seconds", Seconds, "Seconds from the first event of the capture, `capture.first_time`, to `time`, exact to the 100 ns; negative before it. It compares captures with each other, and needs no arithmetic with times.").from(Source::Seconds).not_for_filters(),
    nullable("duration", I64, "`duration_ns`, whose values need a unit.").from(Source::Duration).compared(Comparison::Length).only_for_filters(),
    nullable("duration_ns", I64, "Nanoseconds until it completed; NULL while pending. Event header +0x14.").from(Source::Duration).compared(Comparison::Nanoseconds),
    column("class", Dictionary, "Event class: `Process`, `Registry`, `File System`, `Profiling`, `Network`; `Completion`, `IPC` or `<Unknown>` for others. Event header +0x08.").from(Source::Class),
    column("operation", Dictionary, "Operation, as Process Monitor names it; `<Unknown>` where it has no name, empty for events of other classes. Event header +0x0C, details byte 0.").from(Source::Operation),
    column("category", Dictionary, "`Read`, `Write`, `Read Metadata`, `Write Metadata`, or empty.").from(Source::Category),
    column("process_index", U32, "Key of the process within its part; join `processes` on (part, process_index). Event header +0x00.").from(Source::ProcessIndex),
    nullable("process_name", Dictionary, "Name of the process; NULL where the log has no record of it. Process table.").from(Source::Process(ProcessField::Name)),
    nullable("pid", U32, "Process id; NULL where the log has no record of the process. Process table.").from(Source::Process(ProcessField::Pid)),
    nullable("parent_pid", U32, "Process id of the parent; NULL where the log has no record of the process. Process table.").from(Source::Process(ProcessField::ParentPid)),
    column("tid", U32, "Thread id; 0 for network events. Event header +0x04.").from(Source::Tid),
    column("path", Utf8, "Path, key, or addresses; empty where the operation has none. A directory query includes its pattern. Not cut. Details.").from(Source::Path),
    nullable("target_path", Utf8, "Second path: rename and link target (a link's as the caller wrote it, with `\\??\\`), file of a hive, new name of a key; NULL for other operations. Details.").from(Source::TargetPath),
    column("result", Dictionary, "Result, as Process Monitor names it; hexadecimal where it has no name, empty while pending.").from(Source::Result).compared(Comparison::Status),
    column("status", U32, "NTSTATUS; 259 (0x103) while pending. Event header +0x24.").from(Source::Status).compared(Comparison::Status),
    nullable("detail", Utf8, "Details as text, corrected where Process Monitor shows something wrong (docs/procmon-differences.md), times in UTC; empty where there are none, NULL where they could not be decoded.").from(Source::Detail),
    number("desired_access", U32, DesiredAccess, "CreateFile, RegOpenKey, RegCreateKey: requested access mask."),
    number("granted_access", U32, GrantedAccess, "RegOpenKey, RegCreateKey: granted access mask."),
    number("disposition", U8, Disposition, "CreateFile: 0 Supersede, 1 Open, 2 Create, 3 OpenIf, 4 Overwrite, 5 OverwriteIf."),
    number("create_options", U32, CreateOptions, "CreateFile: options (FILE_DIRECTORY_FILE 0x1, FILE_DELETE_ON_CLOSE 0x1000, …), 24 bits."),
    number("share_mode", U16, ShareMode, "CreateFile: 1 read, 2 write, 4 delete; 0 none."),
    number("file_attributes", U32, FileAttributes, "CreateFile (requested), queries and sets of attributes: FILE_ATTRIBUTE_… bits."),
    number("open_result", U32, OpenResult, "CreateFile that completed: 0 Superseded, 1 Opened, 2 Created, 3 Overwritten, 4 Exists, 5 DoesNotExist. Registry: 1 created, 2 opened."),
    number("byte_offset", I64, ByteOffset, "ReadFile, WriteFile, LockFile, unlock: offset in the file in bytes; -1 is the end of file or the current position. Position queries and sets."),
    number("length", U64, Length, "Requested bytes: ReadFile, WriteFile, LockFile; buffer of a registry query; bytes of a network event."),
    number("bytes_returned", U32, BytesReturned, "ReadFile that completed: bytes read."),
    number("io_flags", U32, IoFlags, "ReadFile, WriteFile: IRP flags, OR-ed with stack location flags shifted left by 20."),
    number("information_class", U32, InformationClass, "Information class of queries and sets of files, directories, volumes and keys."),
    number("control_code", U32, ControlCode, "FileSystemControl, DeviceIoControl: control code."),
    number("allocation_size", I64, AllocationSize, "CreateFile (requested), queries and sets: allocation in bytes."),
    number("end_of_file", I64, EndOfFile, "Queries and sets: size of the file in bytes."),
    number("delete_flags", U32, DeleteFlags, "SetDispositionInformationFile: 1 delete, 0 keep. SetDispositionInformationEx: FILE_DISPOSITION_… bits."),
    number("rename_flags", U32, RenameFlags, "Rename and link: 1 replaces an existing target, 0 does not; the Ex forms FILE_RENAME_… bits."),
    number("page_protection", U32, PageProtection, "CreateFileMapping: PAGE_… bits, the right ones on 64-bit logs too."),
    number("exit_status", I32, ExitStatus, "Process Exit; Thread Exit where it is known."),
    number("target_pid", U32, TargetPid, "Process Create: process id of the new process."),
    number("target_tid", U32, TargetTid, "Thread Create, Thread Exit: thread id."),
    number("image_base", U64, ImageBase, "Load Image: base address."),
    number("image_size", U32, ImageSize, "Load Image: bytes."),
    number("registry_type", U32, RegistryType, "Value type: 1 REG_SZ, 2 REG_EXPAND_SZ, 3 REG_BINARY, 4 REG_DWORD, 7 REG_MULTI_SZ, 11 REG_QWORD, …"),
    number("registry_size", U32, RegistryDataSize, "Bytes of the value's data; the log keeps at most 2,048 of a text and 16 of a binary value."),
    number("registry_number", U64, RegistryNumber, "Data of REG_DWORD, REG_DWORD_BIG_ENDIAN and REG_QWORD."),
    nullable("registry_data", Utf8, "Data of a value that was set or returned, as text: texts as they are, several joined by `, `, numbers in decimal, bytes in hexadecimal; NULL where there is none.").from(Source::RegistryData),
    number("enum_index", U32, Index, "RegEnumKey, RegEnumValue: requested index."),
    column("relative_time", I64, "Time since the first event; values need a unit.").from(Source::RelativeTime).compared(Comparison::Length).only_for_filters(),
    nullable("completion_time", Timestamp, "When the operation completed; missing while pending.").from(Source::CompletionTime).only_for_filters(),
    column("time_of_day", Utf8, "Time of day in UTC, as Process Monitor shows it: `12:00:45.0000000 AM`.").from(Source::TimeOfDay).only_for_filters(),
    nullable("architecture", Dictionary, "`64-bit` or `32-bit`, of the process.").from(Source::Process(ProcessField::Is64Bit)).only_for_filters(),
    nullable("virtualized", Dictionary, "`True`, `False` or `n/a`, of the process.").from(Source::Process(ProcessField::Virtualized)).only_for_filters(),
    nullable("stack", Utf8, "The frames of the call stack, innermost first, each a line `path + 0xoffset`, or the address where it lies in no module: `stack contains fltmgr.sys`. Missing where no stack was captured.").from(Source::Stack).only_for_filters(),
    nullable("stack_id", U32, "Key of the call stack in `stacks`; NULL where none was captured.").from(Source::StackId).not_for_filters(),
}

/// Columns of events that their table has.
const fn in_table<const COUNT: usize>(columns: &[Column]) -> [Column; COUNT] {
    let mut found = [columns[0]; COUNT];
    let (mut from, mut to) = (0, 0);
    while from < columns.len() {
        if !columns[from].only_for_filters {
            found[to] = columns[from];
            to += 1;
        }
        from += 1;
    }
    found
}

const fn count_in_table(columns: &[Column]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < columns.len() {
        count += !columns[at].only_for_filters as usize;
        at += 1;
    }
    count
}

/// One row an event.
pub const EVENTS: Table = Table {
    name: "events",
    doc: "One row for every event that could be read, in the order of the log. Texts are never NULL unless said so, so that `NOT LIKE` does not lose rows: what Process Monitor shows as an empty cell is an empty text.",
    columns: &in_table::<{ count_in_table(EVENT_COLUMNS) }>(EVENT_COLUMNS),
};

// Stacks are numbered in order when everything else of a range is encoded.
const _: () = assert!(
    matches!(EVENTS.columns[EVENTS.columns.len() - 1].source, Source::StackId),
    "stack_id is the last column: add others before it"
);

/// The first column of a table: what its rows are joined by in a table over many captures.
const CAPTURE_ID: Column = column("capture", Type::Dictionary, "Id of the capture.").from(Source::Capture);

/// One row a process of a part.
pub const PROCESSES: Table = Table {
    name: "processes",
    doc: "One row for every process record of every part. The same process may be in several parts, under other indexes: match them by (pid, start_time).",
    columns: &[
        CAPTURE_ID,
        column("computer", Type::Dictionary, "Machine that was captured.").from(Source::Computer),
        column("part", Type::U16, "Part of the capture, from 0.").from(Source::Process(ProcessField::Part)),
        column("process_index", Type::U32, "Key within the part.").from(Source::Process(ProcessField::Index)),
        column("pid", Type::U32, "Process id.").from(Source::Process(ProcessField::Pid)),
        column("parent_pid", Type::U32, "Process id of the parent.")
            .from(Source::Process(ProcessField::ParentPid)),
        column("parent_process_index", Type::U32, "Process index of the parent, which often has no row.")
            .from(Source::Process(ProcessField::ParentIndex)),
        column("name", Type::Utf8, "File name of the program.").from(Source::Process(ProcessField::Name)),
        column("image_path", Type::Utf8, "Full path of the program.")
            .from(Source::Process(ProcessField::ImagePath))
            .for_filters(),
        column("command_line", Type::Utf8, "Command line.")
            .from(Source::Process(ProcessField::CommandLine))
            .for_filters(),
        column("user_name", Type::Utf8, "Account, `DOMAIN\\name`.")
            .from(Source::Process(ProcessField::User))
            .for_filters(),
        column("integrity", Type::Utf8, "Integrity level.")
            .from(Source::Process(ProcessField::Integrity))
            .for_filters(),
        column("session", Type::I32, "Terminal session, -1 for none.")
            .from(Source::Process(ProcessField::Session))
            .for_filters(),
        column("authentication_id", Type::U64, "Logon session (LUID).")
            .from(Source::Process(ProcessField::AuthenticationId))
            .for_filters(),
        nullable("start_time", Type::Timestamp, "When it started.")
            .from(Source::Process(ProcessField::Start))
            .for_filters(),
        nullable("end_time", Type::Timestamp, "When it ended; NULL while it runs.")
            .from(Source::Process(ProcessField::End))
            .for_filters(),
        nullable(
            "virtualized",
            Type::Bool,
            "Whether file system and registry are virtualized; NULL for n/a.",
        )
        .from(Source::Process(ProcessField::Virtualized)),
        column("is_64_bit", Type::Bool, "Whether it is a 64-bit process.")
            .from(Source::Process(ProcessField::Is64Bit)),
        column("company", Type::Utf8, "Company, from the version resource.")
            .from(Source::Process(ProcessField::Company))
            .for_filters(),
        column("version", Type::Utf8, "Version, from the version resource.")
            .from(Source::Process(ProcessField::Version))
            .for_filters(),
        column("description", Type::Utf8, "Description, from the version resource.")
            .from(Source::Process(ProcessField::Description))
            .for_filters(),
        column("module_count", Type::U32, "Rows it has in `modules`.")
            .from(Source::Process(ProcessField::ModuleCount)),
    ],
};

/// One row a module of a process.
pub const MODULES: Table = Table {
    name: "modules",
    doc: "One row for every module of every process record, in the order in which Process Monitor searches them. The modules of PID 4 are the kernel and its drivers.",
    columns: &[
        CAPTURE_ID,
        column("part", Type::U16, "Part of the capture, from 0."),
        column("process_index", Type::U32, "Process, key within the part."),
        column("position", Type::U32, "Position in the process's list."),
        column("base", Type::U64, "Lowest address."),
        column("size", Type::U32, "Bytes of the image."),
        column("path", Type::Utf8, "Full path."),
        column("version", Type::Utf8, "Version, from the version resource."),
        column("company", Type::Utf8, "Company, from the version resource."),
        column("description", Type::Utf8, "Description, from the version resource."),
        nullable(
            "load_time",
            Type::Timestamp,
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
        CAPTURE_ID,
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
        CAPTURE_ID,
        column("frame_id", Type::U32, "Key that `stacks.frames` refers to, from 0.").from(Source::RowNumber),
        column("address", Type::U64, "Return address."),
        column("kernel", Type::Bool, "Whether it is an address of the kernel."),
        column("location", Type::Utf8, "`module + 0xoffset`, or the address where it lies in no module."),
        nullable("module", Type::Utf8, "File name of the module; NULL where it lies in none."),
        nullable("module_path", Type::Utf8, "Full path of the module."),
        nullable("module_offset", Type::U64, "Bytes from the module's base."),
        nullable(
            "function",
            Type::Utf8,
            "With `--symbols`: the function, where the store has symbols of exactly this image.",
        ),
        nullable("function_offset", Type::U64, "Bytes from the function's beginning."),
        nullable(
            "source",
            Type::Utf8,
            "File and line of the source, `file.c:12`, where the symbols have lines.",
        ),
    ],
};

/// One row: the capture.
pub const CAPTURE: Table = Table {
    name: "capture",
    doc: "One row of facts about the capture and the conversion. The same facts are key-value metadata (`pml.…`) in every file of the dataset.",
    columns: &[
        column(
            "capture",
            Type::Utf8,
            "Id of the capture: the one that `--capture-id` gives, in a conversion of many captures the name of its folder or file, else its computer and the second in which it began.",
        ),
        column("schema_version", Type::U32, "Version of this schema."),
        column("types", Type::Utf8, "Types of the columns: `exact` or `portable`."),
        column("tool_version", Type::Utf8, "Program that made the dataset."),
        column("computer", Type::Utf8, "Machine."),
        column("system_root", Type::Utf8, "Windows folder."),
        column("os_major", Type::U32, "Major version of Windows."),
        column("os_minor", Type::U32, "Minor version of Windows."),
        column("build", Type::U32, "Build of Windows."),
        column("service_pack", Type::Utf8, "Service pack, often empty."),
        column("product_type", Type::U8, "1 workstation, 2 domain controller, 3 server."),
        column("bits", Type::U8, "64 or 32: bitness of Windows."),
        column("processors", Type::U32, "Logical processors."),
        column("memory_bytes", Type::U64, "Physical memory."),
        column("parts", Type::U16, "Number of parts."),
        column("part_names", Type::Utf8List, "File names of the parts, in order."),
        column("log_bytes", Type::U64, "Bytes of all parts."),
        column("events", Type::U64, "Events in the log, damaged ones included."),
        nullable("first_time", Type::Timestamp, "Time of the first event."),
        nullable("last_time", Type::Timestamp, "Time of the last event."),
        nullable("seconds", Type::Seconds, "Seconds from the first event to the last."),
        column(
            "log_hash",
            Type::Utf8,
            "Tells logs apart whatever they are called: FNV-1a over size, first and last 4 KiB of each part.",
        ),
        column("damaged_events", Type::U64, "Events that could not be read and have no row."),
        nullable(
            "undecoded_events",
            Type::U64,
            "Events whose details could not be decoded; their `detail` is NULL. NULL itself where `detail` was not among the columns.",
        ),
        column("table_damage", Type::U64, "Entries of the log's tables that could not be read."),
        column("damage", Type::Utf8List, "Where the first damage is: part, structure, offset."),
    ],
};

/// The columns that filters know, and how they compare them: those of the events, and of the process
/// of an event what only the table of processes has.
#[cfg(feature = "filter")]
pub(crate) fn for_filters() -> impl Iterator<Item = (&'static Column, Comparison)> {
    let columns = EVENT_COLUMNS.iter().chain(PROCESSES.columns);
    columns.filter_map(|column| Some((column, column.comparison?)))
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

    #[test]
    fn every_number_has_the_place_that_its_value_says_and_one_column() {
        for (at, &number) in Number::ALL.iter().enumerate() {
            assert_eq!(number as usize, at);
            let columns: Vec<_> = EVENTS.columns.iter().filter(|c| c.number() == Some(number)).collect();
            assert_eq!(columns.len(), 1, "{number:?}");
            assert_eq!(columns[0].kind, number.kind());
        }
    }

    /// A list of its own, as if rows had been added to the real one.
    #[allow(unreachable_pub, reason = "the macro makes public items")]
    mod added {
        use super::super::{Column, Comparison, Source, Type, column, nullable};

        const fn number(name: &'static str, kind: Type, number: Number, doc: &'static str) -> Column {
            assert!(number as usize <= Number::COUNT);
            nullable(name, kind, doc)
        }

        event_columns! {
            enum Number;

            column("first", U64, "First.").from(Source::EventId),
            number("link_count", U32, LinkCount, "Links."),
            nullable("text", Utf8, "Text.").from(Source::Path).compared(Comparison::Status),
            number("last", I64, Last, "Last.").only_for_filters(),
        }

        #[test]
        fn a_row_is_all_that_a_number_needs() {
            assert_eq!(Number::ALL, [Number::LinkCount, Number::Last]);
            assert_eq!((Number::COUNT, Number::Last as usize), (2, 1));
            assert_eq!((Number::LinkCount.kind(), Number::Last.kind()), (Type::U32, Type::I64));
            let names: Vec<_> = EVENT_COLUMNS.iter().map(|column| column.name).collect();
            assert_eq!(names, ["first", "link_count", "text", "last"]);
            assert!(EVENT_COLUMNS.iter().all(|column| column.comparison.is_some()));
        }
    }
}
