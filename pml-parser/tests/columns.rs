//! Columns that are asked for alone hold what they hold among all others.

use arrow::record_batch::RecordBatch;
use pml_parser::arrow::schema::{EVENTS, EventColumnSet};
use pml_parser::export::batches::read_batches;
use pml_parser::export::parquet::{Compression, Options, write_dataset};
use pml_parser::export::{CaptureFacts, Monitor, TableExport, Work, ipc, jsonl};
use pml_parser::{Log, LogSet};
use pml_samples::boot::{self, Amount, generate_in_memory};

struct Silent;

impl Monitor for Silent {
    fn advance(&self, _: u64, _: u64) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}

fn set() -> LogSet<Vec<u8>> {
    let options =
        boot::Options { amount: Amount::Events(3_000), seed: 3, parts: 2, ..boot::Options::default() };
    let parts = generate_in_memory(&options).unwrap();
    LogSet::new(parts.into_iter().map(|bytes| Log::parse(bytes).unwrap()).collect())
}

fn export(columns: EventColumnSet) -> TableExport {
    TableExport { work: Work { threads: 2, filter: None }, columns }
}

fn table(set: &LogSet<Vec<u8>>, columns: &EventColumnSet) -> RecordBatch {
    let mut batches = Vec::new();
    let export = export(columns.clone());
    read_batches(set, &export, &Silent, |batch| {
        batches.push(batch);
        Ok(())
    })
    .unwrap();
    arrow::compute::concat_batches(&columns.schema(), &batches).unwrap()
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
}

#[test]
fn outputs_hold_the_columns_that_were_asked_for() {
    let set = set();
    for (names, files) in [(&["path", "result"][..], 4), (&["path", "stack_id"], 6), (&["stack_id"], 6)] {
        let export = export(EventColumnSet::named(names.iter().copied()).unwrap());

        let mut lines = Vec::new();
        jsonl::write_jsonl(&set, &mut lines, &export, &Silent).unwrap();
        let mut count = 0;
        for line in String::from_utf8(lines).unwrap().lines() {
            let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            assert_eq!(object.keys().collect::<Vec<_>>(), names);
            count += 1;
        }
        assert_eq!(count, set.event_count());

        let mut arrow = Vec::new();
        ipc::write_ipc(&set, &mut arrow, &export, &CaptureFacts::default(), &Silent).unwrap();
        let reader = arrow::ipc::reader::FileReader::try_new(std::io::Cursor::new(arrow), None).unwrap();
        assert_eq!(reader.schema().fields(), export.columns.schema().fields());
        let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows as u64, set.event_count());

        let folder = tempfile::tempdir().unwrap();
        let options = Options { export, compression: Compression::Zstd, facts: CaptureFacts::default() };
        write_dataset(&set, |name| std::fs::File::create(folder.path().join(name)), &options, &Silent)
            .unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files, "{names:?}");
    }
}
