//! Columns: what each holds, alone and among others, and that a number needs nothing but its row.
#![forbid(unsafe_code)]

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, UInt64Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pml_parser::NoProgress;
use pml_parser::arrow::labels::capture_id;
use pml_parser::arrow::schema::{EventColumnSet, SCHEMA_VERSION};
use pml_parser::arrow::types::Types;
use pml_parser::columns::{EVENTS, PROCESSES, TABLES};
use pml_parser::export::batches::read_batches;
use pml_parser::export::parquet::{ParquetOptions, write_dataset};
use pml_parser::export::small_tables;
use pml_parser::export::{Provenance, ScanOptions, TableOptions, ipc, jsonl};
use pml_parser::{Decoded, FileTime, Filter, Log, LogSet, Number, TextOptions};
use pml_samples::boot::{self, Amount};
use pml_samples::scenario::generate_in_memory;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

fn set() -> LogSet<Vec<u8>> {
    let options =
        boot::Options { amount: Amount::Events(3_000), seed: 3, parts: 2, ..boot::Options::default() };
    let parts = generate_in_memory(&options).unwrap();
    LogSet::new(parts.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect())
}

fn export(columns: EventColumnSet) -> TableOptions {
    TableOptions {
        scan: ScanOptions { threads: 2, ..ScanOptions::default() },
        columns,
        ..TableOptions::default()
    }
}

fn table(set: &LogSet<Vec<u8>>, columns: &EventColumnSet) -> RecordBatch {
    let mut batches = Vec::new();
    let export = export(columns.clone());
    read_batches(set, &export, &NoProgress, |batch| {
        batches.push(batch);
        Ok(())
    })
    .unwrap();
    arrow::compute::concat_batches(&export.schema(), &batches).unwrap()
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

/// Without the column of details nobody looks whether details can be decoded.
#[test]
fn undecoded_details_are_counted_only_with_the_column_of_details() {
    let set = set();
    for (names, counted) in [(["path", "detail"], Some(0)), (["path", "time"], None)] {
        let export = export(EventColumnSet::named(names).unwrap());
        let counts = read_batches(&set, &export, &NoProgress, |_| Ok(())).unwrap();
        assert_eq!((counts.events(), counts.undecoded), (set.event_count(), counted));
        let folder = tempfile::tempdir().unwrap();
        let options = ParquetOptions { export, ..ParquetOptions::default() };
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

/// Whatever number has a row among the columns is exported and filtered, and its values are those of
/// the details: nothing but the row and the field of a layout is to be written.
#[test]
fn every_number_is_exported_and_filtered() {
    let set = set();
    let first = set.time_span().map_or(FileTime(0), |span| span.0);
    let selected = |text: String| -> Vec<bool> {
        let filter = Filter::parse(&text).unwrap();
        let mut matcher = filter.matcher(first);
        set.events().map(|event| matcher.matches(&event.unwrap())).collect()
    };
    let mut with_values = 0;
    for &number in Number::ALL {
        let column = EVENTS.columns.iter().find(|column| column.number() == Some(number)).unwrap();
        let name = column.name;
        let array = table(&set, &EventColumnSet::named([name]).unwrap()).column(0).clone();
        let array = arrow::compute::cast(&array, &DataType::Decimal128(38, 0)).unwrap();
        let array = array.as_primitive::<Decimal128Type>();
        let exported: Vec<_> = array.iter().collect();
        let decoded = set.events().map(|event| event.unwrap().numbers().get(number));
        let decoded = decoded.map(|value| match number.kind().signed_bits() {
            Some(32) => value.map(|value| i128::from(value as i32)),
            Some(_) => value.map(|value| i128::from(value as i64)),
            None => value.map(i128::from),
        });
        assert!(decoded.eq(exported.iter().copied()), "{name}");
        let is_null: Vec<_> = exported.iter().map(Option::is_none).collect();
        assert_eq!(selected(format!("{name} is null")), is_null, "{name}");
        let values: BTreeSet<i128> = exported.iter().copied().flatten().collect();
        with_values += usize::from(!values.is_empty());
        for value in values.first().into_iter().chain(values.last()) {
            let is_value: Vec<_> = exported.iter().map(|other| *other == Some(*value)).collect();
            assert_eq!(selected(format!("{name} = {value}")), is_value, "{name}");
            let is_above: Vec<_> = exported.iter().map(|other| other.is_some_and(|v| v > *value)).collect();
            assert_eq!(selected(format!("{name} > {value}")), is_above, "{name}");
        }
    }
    assert!(with_values > 15, "{with_values} numbers occur");
}

/// The columns of docs/filters.md, generated; `UPDATE=1` writes them.
#[test]
fn the_page_of_filters_lists_its_columns() {
    let names = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        let names = Filter::columns().map(|column| column.name).filter(|name| is_wanted(name));
        names.map(|name| format!("`{name}`")).collect()
    };
    let has = |table: &pml_parser::columns::Table, name: &str| table.columns.iter().any(|c| c.name == name);
    let of_events = names(&|name| has(&EVENTS, name));
    let left_out = ["capture", "computer", "seconds", "stack_id"];
    assert_eq!(of_events.len(), EVENTS.columns.len() - left_out.len(), "{left_out:?} are left out");
    let of_processes = names(&|name| !has(&EVENTS, name) && has(&PROCESSES, name));
    let mut list = String::new();
    let mut width = 0;
    for (at, name) in of_events.iter().enumerate() {
        let end = if at + 1 == of_events.len() { "." } else { "," };
        let is_too_long = width + 1 + name.len() + end.len() > 120;
        list += if at == 0 {
            ""
        } else if is_too_long {
            "\n"
        } else {
            " "
        };
        width = if is_too_long { 0 } else { width + usize::from(at > 0) } + name.len() + end.len();
        list += &format!("{name}{end}");
    }
    list += "\n\n| more | what it is |\n|---|---|\n";
    for column in Filter::columns() {
        if !has(&EVENTS, column.name) && !has(&PROCESSES, column.name) {
            list += &format!("| `{}` | {} |\n", column.name, column.doc);
        }
    }
    list += &format!(
        "| {} | of the process; see the table `processes`. Missing where the log has no record of the process |\n",
        of_processes.join(", ")
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/filters.md");
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- generated: the list of columns -->\n").unwrap();
    let (listed, after) = rest.split_once("<!-- end -->\n").unwrap();
    if std::env::var_os("UPDATE").is_some() {
        let page = format!("{before}<!-- generated: the list of columns -->\n{list}<!-- end -->\n{after}");
        fs::write(path, page).unwrap();
    } else {
        let update = "UPDATE=1 cargo test -p pml-parser --features export --test columns";
        assert!(listed == list, "docs/filters.md is stale: run {update}");
    }
}

/// The columns of `SCHEMA_VERSION` are those of `tests/data/schema.txt`; `UPDATE=1` adds new ones to that file.
#[test]
fn columns_change_only_with_the_version_of_the_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/schema.txt");
    let mut fresh = format!("version {SCHEMA_VERSION}\n");
    for table in &TABLES {
        for column in table.columns {
            let null = if column.nullable { " NULL" } else { "" };
            fresh += &format!("{}.{} {}{null}\n", table.name, column.name, column.kind.name());
        }
    }
    let known = fs::read_to_string(path).unwrap();
    let version = known.lines().next().unwrap_or_default();
    let lines: BTreeSet<&str> = fresh.lines().collect();
    if let Some(gone) = known.lines().find(|line| !lines.contains(line) && lines.contains(version)) {
        panic!(
            "{gone:?} of pml-parser/tests/data/schema.txt was removed, renamed or retyped: raise SCHEMA_VERSION in \
             pml-parser/src/arrow/schema.rs (or delete the line, if no release has the column)"
        );
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, fresh).unwrap();
    } else {
        assert!(
            known == fresh,
            "pml-parser/tests/data/schema.txt lacks a new column: run UPDATE=1 cargo test -p pml-parser --features \
             export --test columns. A new column does not raise SCHEMA_VERSION"
        );
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

/// Reads a table of a dataset.
fn read(folder: &Path, table: &str) -> RecordBatch {
    let file = File::open(folder.join(format!("{table}.parquet"))).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

/// The portable dataset is the exact one, column by column, in types that signed integers and microseconds hold.
#[test]
fn a_portable_dataset_holds_the_rows_of_the_exact_one() {
    let set = set();
    let write = |types| {
        let folder = tempfile::tempdir().unwrap();
        let export = TableOptions { types, capture: Some("PC-1".to_owned()), ..TableOptions::default() };
        let options = ParquetOptions { export, ..ParquetOptions::default() };
        write_dataset(&set, |name| File::create(folder.path().join(name)), &options, &NoProgress).unwrap();
        folder
    };
    let (exact, portable) = (write(Types::Exact), write(Types::Portable));
    for table in &TABLES {
        let mut expected = Types::Portable.batch(read(exact.path(), table.name)).unwrap();
        let found = read(portable.path(), table.name);
        let types =
            found.schema().fields().iter().map(|field| field.data_type().to_string()).collect::<Vec<_>>();
        assert!(types.iter().all(|kind| !kind.contains("UInt") && !kind.contains("ns")), "{types:?}");
        assert!(found.num_rows() > 0);
        if table.name == "capture" {
            // It says which types it has.
            let at = expected.schema().index_of("types").unwrap();
            assert_eq!(found.column(at).as_string::<i32>().value(0), "portable");
            let mut columns = expected.columns().to_vec();
            columns[at] = found.column(at).clone();
            expected = RecordBatch::try_new(expected.schema(), columns).unwrap();
        }
        let columns = found.columns().iter().zip(expected.columns()).zip(found.schema_ref().fields());
        for ((found, expected), field) in columns {
            // The dictionaries of two files may differ, the texts not.
            let text = |array: &ArrayRef| match array.data_type() {
                DataType::Dictionary(..) => arrow::compute::cast(array, &DataType::Utf8).unwrap(),
                _ => array.clone(),
            };
            assert_eq!(&text(found), &text(expected), "{}.{}", table.name, field.name());
        }
        let captures = arrow::compute::cast(found.column(0), &DataType::Utf8).unwrap();
        assert!(captures.as_string::<i32>().iter().all(|capture| capture == Some("PC-1")));
    }
}

/// Tables in memory are those of a dataset.
#[test]
fn small_tables_in_memory_are_those_of_a_dataset() {
    let set = set();
    let folder = tempfile::tempdir().unwrap();
    let export = TableOptions::default();
    let options = ParquetOptions { export: export.clone(), ..ParquetOptions::default() };
    let counts =
        write_dataset(&set, |name| File::create(folder.path().join(name)), &options, &NoProgress).unwrap();
    let found = small_tables::stacks_and_frames(&set, &export, &NoProgress).unwrap();
    let capture = small_tables::capture(&set, &export, &options.facts, &counts).unwrap();
    let tables = [
        ("processes", small_tables::processes(&set, &export).unwrap()),
        ("modules", small_tables::modules(&set, &export).unwrap()),
        ("stacks", found.stacks),
        ("frames", found.frames),
        ("capture", vec![capture]),
    ];
    for (name, batches) in tables {
        let expected = read(folder.path(), name);
        let ours = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
        assert_eq!(ours.schema().fields(), expected.schema().fields(), "{name}");
        assert!(ours.num_rows() > 0 && ours.columns() == expected.columns(), "{name}");
    }
}

/// Every event has the seconds since the first one, in its exact decimal.
#[test]
fn seconds_count_from_the_first_event() {
    let set = set();
    let first = set.time_span().unwrap().0;
    let table = table(&set, &EventColumnSet::named(["seconds", "computer", "capture"]).unwrap());
    let seconds = table.column_by_name("seconds").unwrap().as_primitive::<Decimal128Type>();
    assert_eq!(seconds.scale(), 7);
    let expected = set.events().map(|event| Some(i128::from(event.unwrap().time().0) - i128::from(first.0)));
    assert!(seconds.iter().eq(expected));
    let id = capture_id(&set);
    assert!(id.starts_with(&set.part(0).unwrap().computer().to_string()) && id.ends_with('Z'), "{id}");
    let captures = arrow::compute::cast(table.column_by_name("capture").unwrap(), &DataType::Utf8).unwrap();
    assert!(captures.as_string::<i32>().iter().all(|capture| capture == Some(&*id)));
}

#[test]
fn outputs_hold_the_chosen_columns() {
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
        assert_eq!(reader.schema().fields(), export.schema().fields());
        let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows as u64, set.event_count());

        let folder = tempfile::tempdir().unwrap();
        let options = ParquetOptions { export, ..ParquetOptions::default() };
        write_dataset(&set, |name| File::create(folder.path().join(name)), &options, &NoProgress).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), files, "{names:?}");
    }
}
