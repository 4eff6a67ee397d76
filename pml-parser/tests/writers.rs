//! Both encoders of the events table write the same rows and statistics, of small logs, of generated ones and, where
//! the corpus is available, of real ones; and the bytes do not depend on the number of threads.
#![forbid(unsafe_code)]

use arrow::record_batch::RecordBatch;
use libtest_mimic::{Arguments, Failed, Trial};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use pml_parser::NoProgress;
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::arrow::types::Types;
use pml_parser::export::parquet::{EventsWriter, ParquetOptions, write_dataset};
use pml_parser::export::{ScanOptions, TableOptions};
use pml_parser::{Filter, Log, LogSet};
use pml_samples::corpus;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// The files of a dataset.
type Files = BTreeMap<String, Arc<Mutex<Vec<u8>>>>;

struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn dataset(
    set: &LogSet<Vec<u8>>,
    export: &TableOptions,
    writer: EventsWriter,
    threads: usize,
) -> Result<BTreeMap<String, Vec<u8>>, Failed> {
    let mut files = Files::new();
    let export = TableOptions { scan: ScanOptions { threads, ..export.scan.clone() }, ..export.clone() };
    let options = ParquetOptions { export, writer, ..ParquetOptions::default() };
    let create = |name: &str| Ok(Shared(Arc::clone(files.entry(name.to_owned()).or_default())));
    write_dataset(set, create, &options, &NoProgress).map_err(|e| e.to_string())?;
    let bytes = |file: Arc<Mutex<Vec<u8>>>| file.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(files.into_iter().map(|(name, file)| (name, bytes(file))).collect())
}

fn read(file: &[u8]) -> Result<(Vec<RecordBatch>, ParquetMetaData), Failed> {
    let file = bytes::Bytes::copy_from_slice(file);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(4_096);
    let metadata = ParquetMetaData::clone(builder.metadata());
    Ok((builder.build()?.collect::<Result<_, _>>()?, metadata))
}

fn differs(what: &str) -> Result<(), Failed> {
    Err(format!("the writers differ in {what}").into())
}

/// Both writers give the same tables of a capture.
fn both_writers_give_the_same_rows_and_statistics(logs: Vec<Vec<u8>>, all: bool) -> Result<(), Failed> {
    let logs = logs.into_iter().map(Log::parse).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let set = LogSet::new(logs);
    let five = EventColumnSet::named(["time", "process_name", "path", "detail", "registry_data"])?;
    let errors = Filter::parse("result is not SUCCESS and path contains a").map_err(|e| e.to_string())?;
    let mut exports =
        vec![TableOptions::default(), TableOptions { types: Types::Portable, ..TableOptions::default() }];
    if all {
        let scan = ScanOptions { filter: Some(errors), ..ScanOptions::default() };
        exports.push(TableOptions { columns: five, ..TableOptions::default() });
        exports.push(TableOptions { scan, ..TableOptions::default() });
    }
    for export in exports {
        let direct = dataset(&set, &export, EventsWriter::Direct, 1)?;
        if dataset(&set, &export, EventsWriter::Direct, 3)? != direct {
            return Err("the bytes depend on the number of threads".into());
        }
        let arrow = dataset(&set, &export, EventsWriter::Arrow, 2)?;
        for (name, theirs) in &arrow {
            let Some(ours) = direct.get(name) else { return differs(&format!("the file {name}")) };
            if name != "events.parquet" {
                if ours != theirs {
                    return differs(name);
                }
                continue;
            }
            let ((ours, our_facts), (theirs, their_facts)) = (read(ours)?, read(theirs)?);
            if ours != theirs {
                return differs("rows");
            }
            compare(&our_facts, &their_facts)?;
        }
    }
    Ok(())
}

/// The footers say the same, but for sizes and places.
fn compare(ours: &ParquetMetaData, theirs: &ParquetMetaData) -> Result<(), Failed> {
    if ours.file_metadata().schema_descr() != theirs.file_metadata().schema_descr()
        || ours.file_metadata().key_value_metadata() != theirs.file_metadata().key_value_metadata()
        || ours.num_row_groups() != theirs.num_row_groups()
    {
        return differs("schema or metadata");
    }
    for (ours, theirs) in ours.row_groups().iter().zip(theirs.row_groups()) {
        for (ours, theirs) in ours.columns().iter().zip(theirs.columns()) {
            let name = ours.column_path().string();
            let encodings = |chunk: &parquet::file::metadata::ColumnChunkMetaData| {
                chunk.encodings().map(|encoding| encoding.to_string()).collect::<Vec<_>>()
            };
            if ours.statistics() != theirs.statistics() {
                return differs(&format!("statistics of {name}"));
            }
            if ours.num_values() != theirs.num_values()
                || ours.compression() != theirs.compression()
                || encodings(ours) != encodings(theirs)
                || ours.column_index_offset().is_some() != theirs.column_index_offset().is_some()
                || ours.offset_index_offset().is_some() != theirs.offset_index_offset().is_some()
                || ours.definition_level_histogram() != theirs.definition_level_histogram()
            {
                return differs(&format!("facts of {name}"));
            }
        }
    }
    Ok(())
}

/// A file of the test data.
fn packed(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}.zst", env!("CARGO_MANIFEST_DIR"));
    let packed = std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    zstd::decode_all(packed.as_slice()).expect("whole test data")
}

const SMALL: [&[&str]; 10] = [
    &["synthetic/all_ops_64.pml"],
    &["synthetic/escapes.pml"],
    &["synthetic/set.pml", "synthetic/set-1.pml", "synthetic/set-2.pml"],
    &["minimal/fffd.pml"],
    &["minimal/no_events.pml"],
    &["minimal/no_process.pml"],
    &["minimal/version5.pml"],
    &["minimal/version7.pml"],
    &["minimal/modules_overlap.pml"],
    &["minimal/zeros_in_events.pml"],
];

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = SMALL
        .into_iter()
        .map(|names| {
            Trial::test(names[0], move || {
                let logs = names.iter().map(|name| packed(name)).collect();
                both_writers_give_the_same_rows_and_statistics(logs, true)
            })
        })
        .collect();
    let missing = corpus::directory().is_none();
    if missing {
        eprintln!("no corpus found (set {}): real logs are ignored", corpus::VARIABLE);
    }
    for name in corpus::LOGS {
        let trial = Trial::test(name, move || {
            both_writers_give_the_same_rows_and_statistics(vec![corpus::read(&format!("{name}.pml"))?], false)
        });
        trials.push(trial.with_ignored_flag(missing));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
