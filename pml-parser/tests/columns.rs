//! Columns that are asked for alone hold what they hold among all others.
#![forbid(unsafe_code)]

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pml_parser::NoProgress;
use pml_parser::arrow::schema::{EVENTS, EventColumnSet};
use pml_parser::export::batches::read_batches;
use pml_parser::export::parquet::{Compression, ParquetOptions, write_dataset};
use pml_parser::export::{Provenance, ScanOptions, TableOptions, ipc, jsonl};
use pml_parser::{Decoded, Log, LogSet, Number, TextOptions};
use pml_samples::boot::{self, Amount};
use pml_samples::scenario::generate_in_memory;
use std::fs::File;

fn set() -> LogSet<Vec<u8>> {
    let options =
        boot::Options { amount: Amount::Events(3_000), seed: 3, parts: 2, ..boot::Options::default() };
    let parts = generate_in_memory(&options).unwrap();
    LogSet::new(parts.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect())
}

fn export(columns: EventColumnSet) -> TableOptions {
    TableOptions { scan: ScanOptions { threads: 2, ..ScanOptions::default() }, columns }
}

fn table(set: &LogSet<Vec<u8>>, columns: &EventColumnSet) -> RecordBatch {
    let mut batches = Vec::new();
    let export = export(columns.clone());
    read_batches(set, &export, &NoProgress, |batch| {
        batches.push(batch);
        Ok(())
    })
    .unwrap();
    arrow::compute::concat_batches(&columns.schema(), &batches).unwrap()
}

/// What the batches hold is what the events say, row by row, over the borders of batches and parts.
#[test]
fn rows_hold_what_events_say() {
    let set = set();
    let names = [
        "event_id",
        "process_name",
        "path",
        "target_path",
        "result",
        "detail",
        "byte_offset",
        "registry_data",
    ];
    let columns = EventColumnSet::named(names).unwrap();
    let table = table(&set, &columns);
    let text =
        |name: &str| arrow::compute::cast(table.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
    let [process_name, path, target_path, result, detail, registry_data] =
        ["process_name", "path", "target_path", "result", "detail", "registry_data"].map(text);
    let offset = table.column_by_name("byte_offset").unwrap().as_primitive::<Int64Type>().clone();
    let at = |column: &ArrayRef, row| {
        let column = column.as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let options = TextOptions::default();
    for (row, event) in set.events().enumerate() {
        let event = event.unwrap();
        let mut text = String::new();
        event.push_path(&options, &mut text);
        assert_eq!(at(&path, row), Some(text.split_off(0)));
        let decoded = event.push_detail(&options, &mut text);
        assert_eq!(at(&detail, row), (decoded == Decoded::Yes).then(|| text.split_off(0)));
        let has_data = event.push_registry_data(&mut text);
        assert_eq!(at(&registry_data, row), has_data.then(|| text.split_off(0)));
        assert_eq!(at(&target_path, row), event.target_path().map(|path| path.to_string()));
        assert_eq!(at(&result, row), Some(event.status().to_string()));
        assert_eq!(at(&process_name, row), event.process().map(|process| process.name().to_string()));
        let number = event.numbers().get(Number::ByteOffset).map(|offset| offset as i64);
        assert_eq!(offset.is_valid(row).then(|| offset.value(row)), number);
    }
}

/// Whether details could be decoded is not said where they were not asked for.
#[test]
fn what_was_not_looked_at_is_not_counted() {
    let set = set();
    for (names, counted) in [(["path", "detail"], Some(0)), (["path", "time"], None)] {
        let export = export(EventColumnSet::named(names).unwrap());
        let counts = read_batches(&set, &export, &NoProgress, |_| Ok(())).unwrap();
        assert_eq!((counts.events(), counts.undecoded), (set.event_count(), counted));
        let folder = tempfile::tempdir().unwrap();
        let options = ParquetOptions { export, compression: Compression::Zstd, facts: Provenance::default() };
        write_dataset(&set, |name| File::create(folder.path().join(name)), &options, &NoProgress).unwrap();
        let capture = File::open(folder.path().join("capture.parquet")).unwrap();
        let mut reader = ParquetRecordBatchReaderBuilder::try_new(capture).unwrap().build().unwrap();
        let capture = reader.next().unwrap().unwrap();
        let column = capture.column_by_name("undecoded_events").unwrap().as_primitive::<UInt64Type>();
        assert_eq!(column.is_valid(0).then(|| column.value(0)), counted);
    }
}

#[test]
fn each_column_alone_holds_what_it_holds_among_all() {
    let set = set();
    let whole = table(&set, &EventColumnSet::default());
    assert_eq!(whole.num_rows() as u64, set.event_count());
    for (at, column) in EVENTS.columns.iter().enumerate() {
        let alone = table(&set, &EventColumnSet::named([column.name]).unwrap());
        assert_eq!((alone.num_columns(), alone.num_rows()), (1, whole.num_rows()));
        assert_eq!(alone.column(0), whole.column(at), "{}", column.name);
    }
}

#[test]
fn columns_keep_the_order_of_the_table() {
    let columns = EventColumnSet::named(["result", "path", "Time", "path"]).unwrap();
    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
    assert_eq!(names, ["time", "path", "result"]);
    assert_eq!(EventColumnSet::named(["path", "pat"]), Err("pat"));
    assert_eq!(EventColumnSet::named([]), Err(""));
    let all = EventColumnSet::named(EVENTS.columns.iter().map(|column| column.name));
    assert_eq!(all, Ok(EventColumnSet::default()));
}

#[test]
fn outputs_hold_the_columns_that_were_asked_for() {
    let set = set();
    for (names, files) in [(&["path", "result"][..], 4), (&["path", "stack_id"], 6), (&["stack_id"], 6)] {
        let export = export(EventColumnSet::named(names.iter().copied()).unwrap());

        let mut lines = Vec::new();
        jsonl::write_jsonl(&set, &mut lines, &export, &NoProgress).unwrap();
        let mut count = 0;
        for line in String::from_utf8(lines).unwrap().lines() {
            let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            assert_eq!(object.keys().collect::<Vec<_>>(), names);
            count += 1;
        }
        assert_eq!(count, set.event_count());

        let mut arrow = Vec::new();
        ipc::write_ipc(&set, &mut arrow, &export, &Provenance::default(), &NoProgress).unwrap();
        let reader = arrow::ipc::reader::FileReader::try_new(std::io::Cursor::new(arrow), None).unwrap();
        assert_eq!(reader.schema().fields(), export.columns.schema().fields());
        let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows as u64, set.event_count());

        let folder = tempfile::tempdir().unwrap();
        let options = ParquetOptions { export, compression: Compression::Zstd, facts: Provenance::default() };
        write_dataset(&set, |name| File::create(folder.path().join(name)), &options, &NoProgress).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files, "{names:?}");
    }
}
