//! DuckDB, through its C interface. All unsafe code of the extension is here; the other files know [`Function`]s, which hand
//! over record batches.
//!
//! Every call of DuckDB into the extension goes through [`guarded`]: an error or a panic fails the query, never the process.
//! Only functions of version 1.2.0 of the interface are used, whose places in its table no later version moves.
#![allow(unsafe_code, reason = "the interface of DuckDB is one of C")]

use arrow::array::{Array, ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, SchemaRef, TimeUnit,
    TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use libduckdb_sys as ffi;
use std::any::Any;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// A table function.
pub(crate) trait Function: Send + Sync {
    /// What SQL calls it.
    fn name(&self) -> &str;

    /// Its named arguments. The first argument, without a name, is a path or a list of paths.
    fn parameters(&self) -> &[Parameter];

    /// Reads the arguments of a query.
    fn bind(&self, arguments: &Arguments) -> Result<Bound, String>;
}

/// A named argument, and what it takes.
pub(crate) type Parameter = (&'static str, Kind);

/// What a named argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// True or false.
    Flag,
}

/// The arguments of a query. One that is NULL is as if it were not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    /// The paths.
    pub files: Vec<String>,
    texts: HashMap<&'static str, Vec<String>>,
    flags: HashMap<&'static str, bool>,
}

impl Arguments {
    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name)?.first().map(String::as_str)
    }

    /// A list of texts.
    pub(crate) fn texts(&self, name: &str) -> &[String] {
        self.texts.get(name).map_or(&[], Vec::as_slice)
    }

    /// A flag.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.flags.get(name).copied()
    }
}

/// What is known of a table before it is read.
pub(crate) struct Bound {
    /// Its columns.
    pub schema: SchemaRef,
    /// The number of its rows, and whether that is exact.
    pub rows: Option<(u64, bool)>,
    pub query: Box<dyn Query>,
}

/// A table that can be read.
pub(crate) trait Query: Send + Sync {
    /// Begins to read these columns, which are in the order of the schema. There may be none, where a query only counts rows.
    fn start(&self, columns: &[usize]) -> Result<Started, String>;
}

/// A reading.
pub(crate) struct Started {
    pub scan: Box<dyn Scan>,
    /// The most threads that read at a time.
    pub threads: usize,
}

/// A reading under way, on several threads.
pub(crate) trait Scan: Send + Sync {
    /// The next batches, with the columns that were wanted, and perhaps others after them; `None` at the end.
    fn next(&self) -> Result<Option<Vec<RecordBatch>>, String>;
}

/// The functions of DuckDB. Those after version 1.2.0 are none, whatever the host has there.
static API: OnceLock<ffi::duckdb_ext_api_v1> = OnceLock::new();

/// The version of the interface.
const API_VERSION: &CStr = c"v1.2.0";

/// Bytes of the table of functions that this version has and the extension needs.
const API_SIZE: usize = offset_of!(ffi::duckdb_ext_api_v1, duckdb_profiling_info_get_metrics);

/// Calls a function of DuckDB.
macro_rules! call {
    ($name:ident($($argument:expr),* $(,)?)) => {
        (API.get().and_then(|api| api.$name).expect("DuckDB has given its functions"))($($argument),*)
    };
}

/// The name of the function that a path in FROM is read by.
pub(crate) const READ: &CStr = c"read_pml";

/// The entry point of the extension.
///
/// # Safety
/// DuckDB calls it with the pointers that its interface prescribes.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pml_init_c_api(
    info: ffi::duckdb_extension_info,
    access: *const ffi::duckdb_extension_access,
) -> bool {
    // SAFETY: DuckDB passes a valid table, which lives as long as the call.
    let access = unsafe { &*access };
    let fail = |text: &CStr| {
        if let Some(set_error) = access.set_error {
            // SAFETY: `info` is that of this call, and the text ends with NUL.
            unsafe { set_error(info, text.as_ptr()) }
        }
    };
    keep_panics();
    // SAFETY: the pointers are those of DuckDB.
    guarded(fail, || unsafe { load(info, access) }).unwrap_or(false)
}

/// # Safety
/// `info` and `access` are those of a call of the entry point.
unsafe fn load(
    info: ffi::duckdb_extension_info,
    access: &ffi::duckdb_extension_access,
) -> Result<bool, String> {
    let incomplete = || "DuckDB has given no access to itself".to_owned();
    let get_api = access.get_api.ok_or_else(incomplete)?;
    let get_database = access.get_database.ok_or_else(incomplete)?;
    // SAFETY: as the interface prescribes. The table has at least the functions of the version that is requested, and is
    // valid during this call, so that they are copied; all zeros are no function, too.
    unsafe {
        let table = get_api(info, API_VERSION.as_ptr()).cast::<u8>();
        if table.is_null() {
            // DuckDB has said why.
            return Ok(false);
        }
        let mut api = MaybeUninit::<ffi::duckdb_ext_api_v1>::zeroed();
        api.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(table, API_SIZE);
        let api = api.assume_init();
        let known = API.get_or_init(|| api);
        if known.duckdb_connect.map(|f| f as usize) != api.duckdb_connect.map(|f| f as usize) {
            return Err("another DuckDB in this process has loaded the extension".to_owned());
        }
        let database = get_database(info);
        if database.is_null() {
            return Ok(false);
        }
        let mut connection = std::ptr::null_mut();
        if call!(duckdb_connect(*database, &mut connection)) != ffi::duckdb_state_DuckDBSuccess {
            return Err("DuckDB gives no connection".to_owned());
        }
        let registered =
            crate::functions().into_iter().try_for_each(|function| register(connection, function));
        call!(duckdb_disconnect(&mut connection));
        registered?;
        call!(duckdb_add_replacement_scan(*database, Some(replace), std::ptr::null_mut(), None));
    }
    Ok(true)
}

/// # Safety
/// The connection is open.
unsafe fn register(connection: ffi::duckdb_connection, function: Box<dyn Function>) -> Result<(), String> {
    let name = c_text(function.name());
    // SAFETY: all handles are made and destroyed here, and the texts end with NUL. DuckDB owns the extra info and drops it
    // with the function that is given for that.
    unsafe {
        let mut made = call!(duckdb_create_table_function());
        call!(duckdb_table_function_set_name(made, name.as_ptr()));
        with_type(ffi::DUCKDB_TYPE_DUCKDB_TYPE_ANY, |any| {
            call!(duckdb_table_function_add_parameter(made, any));
        });
        for (name, kind) in function.parameters() {
            let name = c_text(name);
            with_type(kind.of_duckdb(), |item| {
                let mut list = match kind {
                    Kind::Texts => call!(duckdb_create_list_type(item)),
                    Kind::Text | Kind::Flag => std::ptr::null_mut(),
                };
                let kind = if list.is_null() { item } else { list };
                call!(duckdb_table_function_add_named_parameter(made, name.as_ptr(), kind));
                call!(duckdb_destroy_logical_type(&mut list));
            });
        }
        let extra = Box::into_raw(Box::new(function)).cast();
        call!(duckdb_table_function_set_extra_info(made, extra, Some(drop_box::<Box<dyn Function>>)));
        call!(duckdb_table_function_set_bind(made, Some(bind)));
        call!(duckdb_table_function_set_init(made, Some(init)));
        call!(duckdb_table_function_set_local_init(made, Some(init_thread)));
        call!(duckdb_table_function_set_function(made, Some(fill)));
        call!(duckdb_table_function_supports_projection_pushdown(made, true));
        let registered = call!(duckdb_register_table_function(connection, made));
        call!(duckdb_destroy_table_function(&mut made));
        match registered {
            ffi::duckdb_state_DuckDBSuccess => Ok(()),
            _ => Err(format!("{} cannot be registered", name.to_string_lossy())),
        }
    }
}

impl Kind {
    fn of_duckdb(self) -> ffi::duckdb_type {
        match self {
            Self::Text | Self::Texts => ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR,
            Self::Flag => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN,
        }
    }
}

/// # Safety
/// The functions of DuckDB are known.
unsafe fn with_type(kind: ffi::duckdb_type, work: impl FnOnce(ffi::duckdb_logical_type)) {
    // SAFETY: the type is made and destroyed here.
    unsafe {
        let mut made = call!(duckdb_create_logical_type(kind));
        work(made);
        call!(duckdb_destroy_logical_type(&mut made));
    }
}

/// A path in FROM that is the name of a log is one of `read_pml`.
unsafe extern "C" fn replace(info: ffi::duckdb_replacement_scan_info, name: *const c_char, _: *mut c_void) {
    // SAFETY: DuckDB passes its handle, and a text that ends with NUL.
    unsafe {
        let fail = |text: &CStr| call!(duckdb_replacement_scan_set_error(info, text.as_ptr()));
        guarded(fail, || {
            let text = CStr::from_ptr(name);
            if text.to_str().is_ok_and(pml_analyzer::bundle::is_log_name) {
                call!(duckdb_replacement_scan_set_function_name(info, READ.as_ptr()));
                let mut value = call!(duckdb_create_varchar(name));
                call!(duckdb_replacement_scan_add_parameter(info, value));
                call!(duckdb_destroy_value(&mut value));
            }
            Ok(())
        });
    }
}

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    // SAFETY: the handle is that of this call, and the extra info is what `register` has set.
    unsafe {
        let fail = |text: &CStr| call!(duckdb_bind_set_error(info, text.as_ptr()));
        guarded(fail, || {
            let function = &*call!(duckdb_bind_get_extra_info(info)).cast::<Box<dyn Function>>();
            let arguments = arguments(info, function.parameters())?;
            let bound = function.bind(&arguments)?;
            for field in bound.schema.fields() {
                let name = c_text(field.name());
                let mut kind = logical_type(field.data_type())?;
                call!(duckdb_bind_add_result_column(info, name.as_ptr(), kind));
                call!(duckdb_destroy_logical_type(&mut kind));
            }
            if let Some((rows, is_exact)) = bound.rows {
                call!(duckdb_bind_set_cardinality(info, rows, is_exact));
            }
            let data = Box::into_raw(Box::new(bound)).cast();
            call!(duckdb_bind_set_bind_data(info, data, Some(drop_box::<Bound>)));
            Ok(())
        });
    }
}

/// What all threads of a reading share.
struct Shared {
    scan: Box<dyn Scan>,
    /// For each column that DuckDB wants, where it is in the batches; `None` where it only counts rows.
    places: Vec<Option<usize>>,
}

/// What a thread of a reading has not handed over yet.
#[derive(Default)]
struct Own {
    batches: VecDeque<RecordBatch>,
    /// Rows of the first batch that are handed over.
    done: usize,
    scratch: Vec<u32>,
}

unsafe extern "C" fn init(info: ffi::duckdb_init_info) {
    // SAFETY: the handle is that of this call, and the data of `bind` are those that it has set.
    unsafe {
        let fail = |text: &CStr| call!(duckdb_init_set_error(info, text.as_ptr()));
        guarded(fail, || {
            let bound = &*call!(duckdb_init_get_bind_data(info)).cast::<Bound>();
            let count = call!(duckdb_init_get_column_count(info));
            let wanted: Vec<usize> = (0..count)
                .map(|at| call!(duckdb_init_get_column_index(info, at)))
                // Where a query only counts rows, DuckDB requests a column that no table has.
                .map(|column| usize::try_from(column).unwrap_or(usize::MAX))
                .collect();
            let mut columns: Vec<usize> =
                wanted.iter().copied().filter(|&at| at < bound.schema.fields().len()).collect();
            columns.sort_unstable();
            columns.dedup();
            let Started { scan, threads } = bound.query.start(&columns)?;
            call!(duckdb_init_set_max_threads(info, threads.max(1) as u64));
            let places = wanted.iter().map(|column| columns.binary_search(column).ok()).collect();
            let data = Box::into_raw(Box::new(Shared { scan, places })).cast();
            call!(duckdb_init_set_init_data(info, data, Some(drop_box::<Shared>)));
            Ok(())
        });
    }
}

unsafe extern "C" fn init_thread(info: ffi::duckdb_init_info) {
    // SAFETY: the handle is that of this call.
    unsafe {
        let fail = |text: &CStr| call!(duckdb_init_set_error(info, text.as_ptr()));
        guarded(fail, || {
            let data = Box::into_raw(Box::new(Own::default())).cast();
            call!(duckdb_init_set_init_data(info, data, Some(drop_box::<Own>)));
            Ok(())
        });
    }
}

/// Fills a chunk with the next rows.
unsafe extern "C" fn fill(info: ffi::duckdb_function_info, chunk: ffi::duckdb_data_chunk) {
    // SAFETY: the handles are those of this call. The shared data are those of `init`, and are only read; the own data are
    // those of `init_thread`, which no other thread has. The vectors have the types that `bind` has declared for the columns
    // of the schema, and room for `duckdb_vector_size` rows.
    unsafe {
        let fail = |text: &CStr| call!(duckdb_function_set_error(info, text.as_ptr()));
        guarded(fail, || {
            let shared = &*call!(duckdb_function_get_init_data(info)).cast::<Shared>();
            let own = &mut *call!(duckdb_function_get_local_init_data(info)).cast::<Own>();
            let most = call!(duckdb_vector_size()) as usize;
            let rows = loop {
                if let Some(batch) = own.batches.front() {
                    let rows = most.min(batch.num_rows() - own.done);
                    if rows > 0 {
                        for (at, place) in shared.places.iter().enumerate() {
                            let Some(place) = *place else { continue };
                            let array = batch.column(place).slice(own.done, rows);
                            let vector = call!(duckdb_data_chunk_get_vector(chunk, at as u64));
                            copy(vector, &array, &mut own.scratch)?;
                        }
                        own.done += rows;
                        break rows;
                    }
                    own.batches.pop_front();
                    own.done = 0;
                    continue;
                }
                match shared.scan.next()? {
                    Some(batches) => own.batches.extend(batches),
                    None => break 0,
                }
            };
            call!(duckdb_data_chunk_set_size(chunk, rows as u64));
            Ok(())
        });
    }
}

/// Whether DuckDB has a type: older versions do not know the newer ones.
///
/// # Safety
/// The functions of DuckDB are known.
unsafe fn has_type(kind: ffi::duckdb_type) -> bool {
    let mut is_known = false;
    // SAFETY: the type is valid during the call.
    unsafe { with_type(kind, |made| is_known = call!(duckdb_get_type_id(made)) == kind) }
    is_known
}

/// The type of a column in DuckDB, to be destroyed.
///
/// # Safety
/// The functions of DuckDB are known.
unsafe fn logical_type(kind: &DataType) -> Result<ffi::duckdb_logical_type, String> {
    // SAFETY: the types are made here.
    unsafe {
        let kind = match kind {
            DataType::Boolean => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN,
            DataType::UInt8 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_UTINYINT,
            DataType::UInt16 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_USMALLINT,
            DataType::UInt32 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_UINTEGER,
            DataType::UInt64 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT,
            DataType::Int32 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_INTEGER,
            DataType::Int64 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT,
            DataType::Float64 => ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE,
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                // Before DuckDB 2.0, no type has both nanoseconds and a zone.
                let exact = ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_TZ_NS;
                if has_type(exact) { exact } else { ffi::DUCKDB_TYPE_DUCKDB_TYPE_TIMESTAMP_NS }
            }
            DataType::Utf8 | DataType::Dictionary(..) => ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR,
            DataType::Decimal128(width @ ..=18, scale @ 0..) => {
                return Ok(call!(duckdb_create_decimal_type(*width, *scale as u8)));
            }
            DataType::List(item) => {
                let mut item = logical_type(item.data_type())?;
                let list = call!(duckdb_create_list_type(item));
                call!(duckdb_destroy_logical_type(&mut item));
                return Ok(list);
            }
            other => return Err(format!("there is no type of DuckDB for {other}")),
        };
        Ok(call!(duckdb_create_logical_type(kind)))
    }
}

/// Copies an array into a vector.
///
/// # Safety
/// The vector has the type that [`logical_type`] gives for the array, and room for its rows.
unsafe fn copy(vector: ffi::duckdb_vector, array: &dyn Array, scratch: &mut Vec<u32>) -> Result<(), String> {
    // SAFETY: the vector has room for the rows of the array, and its values have the size of those of the array.
    unsafe {
        match array.data_type() {
            DataType::UInt8 => copy_numbers::<UInt8Type>(vector, array),
            DataType::UInt16 => copy_numbers::<UInt16Type>(vector, array),
            DataType::UInt32 => copy_numbers::<UInt32Type>(vector, array),
            DataType::UInt64 => copy_numbers::<UInt64Type>(vector, array),
            DataType::Int32 => copy_numbers::<Int32Type>(vector, array),
            DataType::Int64 => copy_numbers::<Int64Type>(vector, array),
            DataType::Float64 => copy_numbers::<Float64Type>(vector, array),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                copy_numbers::<TimestampNanosecondType>(vector, array);
            }
            DataType::Decimal128(..) => {
                let to = call!(duckdb_vector_get_data(vector)).cast::<i64>();
                for (row, value) in array.as_primitive::<Decimal128Type>().values().iter().enumerate() {
                    // At most 18 digits; the value of a NULL does not matter.
                    to.add(row).write(i64::try_from(*value).unwrap_or_default());
                }
            }
            DataType::Boolean => {
                let to = call!(duckdb_vector_get_data(vector)).cast::<bool>();
                for (row, value) in array.as_boolean().values().iter().enumerate() {
                    to.add(row).write(value);
                }
            }
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                for row in (0..texts.len()).filter(|&row| texts.is_valid(row)) {
                    set_text(vector, row, texts.value(row));
                }
            }
            DataType::Dictionary(..) => copy_dictionary(vector, array, scratch),
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let offsets: &[i32] = list.offsets();
                let first = offsets.first().copied().unwrap_or_default() as usize;
                let count = offsets.last().copied().unwrap_or_default() as usize - first;
                let entries = call!(duckdb_vector_get_data(vector)).cast::<ffi::duckdb_list_entry>();
                for (row, pair) in offsets.windows(2).enumerate() {
                    let (start, end) = (pair[0] as usize - first, pair[1] as usize - first);
                    entries
                        .add(row)
                        .write(ffi::duckdb_list_entry { offset: start as u64, length: (end - start) as u64 });
                }
                if call!(duckdb_list_vector_reserve(vector, count as u64)) != ffi::duckdb_state_DuckDBSuccess
                    || call!(duckdb_list_vector_set_size(vector, count as u64))
                        != ffi::duckdb_state_DuckDBSuccess
                {
                    return Err("DuckDB has no memory for a list".to_owned());
                }
                let child = call!(duckdb_list_vector_get_child(vector));
                copy(child, &list.values().slice(first, count), scratch)?;
            }
            other => return Err(format!("there is no type of DuckDB for {other}")),
        }
        copy_nulls(vector, array);
    }
    Ok(())
}

/// # Safety
/// The vector has values of this type, and room for the rows of the array.
unsafe fn copy_numbers<T: ArrowPrimitiveType>(vector: ffi::duckdb_vector, array: &dyn Array) {
    let values = array.as_primitive::<T>().values();
    // SAFETY: as above; the memory of a vector of DuckDB is not that of an array.
    unsafe {
        let to = call!(duckdb_vector_get_data(vector)).cast::<T::Native>();
        to.copy_from_nonoverlapping(values.as_ptr(), values.len());
    }
}

/// # Safety
/// The vector has texts, and room for this row.
unsafe fn set_text(vector: ffi::duckdb_vector, row: usize, text: &str) {
    let (bytes, length) = (text.as_ptr().cast(), text.len() as u64);
    // SAFETY: DuckDB copies the text.
    unsafe { call!(duckdb_vector_assign_string_element_len(vector, row as u64, bytes, length)) }
}

/// Copies texts of which many are the same: each once, and then what DuckDB has made of it. `rows` is scratch space.
///
/// # Safety
/// The vector has texts, and room for the rows of the array.
unsafe fn copy_dictionary(vector: ffi::duckdb_vector, array: &dyn Array, rows: &mut Vec<u32>) {
    /// A text in a vector: its length, and its bytes or where they are.
    type Text = [u64; 2];
    const NOT_YET: u32 = u32::MAX;
    let dictionary = array.as_dictionary::<Int32Type>();
    let texts = dictionary.values().as_string::<i32>();
    rows.clear();
    rows.resize(texts.len(), NOT_YET);
    // SAFETY: a row that is copied is one of the vector that has been written. Both rows then refer to bytes that the vector
    // owns, as DuckDB's own copies within a vector do.
    unsafe {
        let data = call!(duckdb_vector_get_data(vector)).cast::<Text>();
        for (row, key) in dictionary.keys().iter().enumerate() {
            let Some(key) = key.map(|key| key as usize) else { continue };
            match rows[key] {
                NOT_YET => {
                    set_text(vector, row, texts.value(key));
                    rows[key] = row as u32;
                }
                first => data.add(row).copy_from_nonoverlapping(data.add(first as usize), 1),
            }
        }
    }
}

/// # Safety
/// The vector has room for the rows of the array.
unsafe fn copy_nulls(vector: ffi::duckdb_vector, array: &dyn Array) {
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else { return };
    // SAFETY: the mask has a bit for each row of the vector.
    unsafe {
        call!(duckdb_vector_ensure_validity_writable(vector));
        let mask = call!(duckdb_vector_get_validity(vector));
        for row in (0..nulls.len()).filter(|&row| nulls.is_null(row)) {
            *mask.add(row / 64) &= !(1 << (row % 64));
        }
    }
}

/// Reads the arguments of a query.
///
/// # Safety
/// The handle is that of a call of `bind`.
unsafe fn arguments(info: ffi::duckdb_bind_info, parameters: &[Parameter]) -> Result<Arguments, String> {
    // SAFETY: the values are taken and destroyed here.
    unsafe {
        let mut arguments = Arguments {
            files: with_value(call!(duckdb_bind_get_parameter(info, 0)), |value| texts(value))
                .filter(|files| !files.is_empty())
                .ok_or("the first argument is a path, or a list of paths")?,
            ..Arguments::default()
        };
        for &(name, kind) in parameters {
            let c_name = c_text(name);
            let value = call!(duckdb_bind_get_named_parameter(info, c_name.as_ptr()));
            match kind {
                Kind::Text | Kind::Texts => {
                    let texts = with_value(value, |value| texts(value));
                    arguments.texts.extend(texts.map(|texts| (name, texts)));
                }
                Kind::Flag => {
                    let flag = with_value(value, |value| Some(call!(duckdb_get_bool(value))));
                    arguments.flags.extend(flag.map(|flag| (name, flag)));
                }
            }
        }
        Ok(arguments)
    }
}

/// Reads a value and destroys it; nothing where it is not given or NULL.
///
/// # Safety
/// The value is one of DuckDB, or null.
unsafe fn with_value<T>(
    mut value: ffi::duckdb_value,
    read: impl FnOnce(ffi::duckdb_value) -> Option<T>,
) -> Option<T> {
    if value.is_null() {
        return None;
    }
    // SAFETY: the value is valid until it is destroyed.
    unsafe {
        let is_null = call!(duckdb_is_null_value(value));
        let read = if is_null { None } else { read(value) };
        call!(duckdb_destroy_value(&mut value));
        read
    }
}

/// A text, or the texts of a list; nothing where it is anything else.
///
/// # Safety
/// The value is one of DuckDB.
unsafe fn texts(value: ffi::duckdb_value) -> Option<Vec<String>> {
    // SAFETY: the type of a value lives as long as the value; DuckDB allocates the text, which is freed here.
    unsafe {
        match call!(duckdb_get_type_id(call!(duckdb_get_value_type(value)))) {
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR => {
                let text = call!(duckdb_get_varchar(value));
                if text.is_null() {
                    return None;
                }
                let owned = CStr::from_ptr(text).to_string_lossy().into_owned();
                call!(duckdb_free(text.cast()));
                Some(vec![owned])
            }
            ffi::DUCKDB_TYPE_DUCKDB_TYPE_LIST => {
                let count = call!(duckdb_get_list_size(value));
                let mut all = Vec::new();
                for at in 0..count {
                    let item = call!(duckdb_get_list_child(value, at));
                    all.extend(with_value(item, |item| texts(item))?);
                }
                Some(all)
            }
            _ => None,
        }
    }
}

fn c_text(text: &str) -> CString {
    // A name or a message of a log may have a NUL.
    CString::new(text.replace('\0', "\\0")).unwrap_or_default()
}

/// Drops what DuckDB has owned.
unsafe extern "C" fn drop_box<T>(data: *mut c_void) {
    // SAFETY: DuckDB passes what it was given with this function, once.
    let data = unsafe { Box::from_raw(data.cast::<T>()) };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(data))) {
        // Dropping what a panic has left could panic again.
        std::mem::forget(panic);
    }
}

thread_local! {
    /// Where the last panic of this thread was.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Remembers where a panic was, for the error of the query, instead of printing it between the results of DuckDB. Panics of
/// other libraries are not concerned: the extension has a copy of the standard library of its own.
fn keep_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        PANIC.with(|last| last.replace(place));
    }));
}

/// Runs work, and passes on why it fails.
fn guarded<T>(fail: impl Fn(&CStr), work: impl FnOnce() -> Result<T, String>) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            fail(&c_text(&error));
            None
        }
        Err(panic) => {
            fail(&c_text(&panic_text(&*panic)));
            std::mem::forget(panic);
            None
        }
    }
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    let place = PANIC.with(RefCell::take).unwrap_or_default();
    format!("the extension failed at this query; please report it: {text} ({place})")
}
