//! Counts the failures of each process with an iterator over Arrow record batches:
//! `cargo run --example record_batches --features mmap,export -- LOG`.

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::export::batches::EventBatches;
use pml_parser::export::{ScanOptions, TableOptions};
use pml_parser::{Filter, LogSet};
use std::collections::BTreeMap;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name a log: Bootlog.pml")?;
    let opened = LogSet::open(path)?;
    let columns = EventColumnSet::named(["process_name"]).map_err(str::to_owned)?;
    let scan =
        ScanOptions { threads: 2, filter: Some(Filter::parse("result = error")?), ..ScanOptions::default() };
    let mut failures: BTreeMap<String, u64> = BTreeMap::new();
    for batch in
        EventBatches::new(Arc::new(opened.set), TableOptions { scan, columns, ..TableOptions::default() })?
    {
        let batch = batch?;
        let names = batch.column(0).as_dictionary::<Int32Type>();
        let texts = names.values().as_string::<i32>();
        for key in names.keys().iter().flatten() {
            *failures.entry(texts.value(key as usize).to_owned()).or_default() += 1;
        }
    }
    for (name, count) in failures {
        println!("{count:>8} {name}");
    }
    Ok(())
}
