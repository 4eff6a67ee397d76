//! The iterator over record batches gives the same rows as the function that passes them, for any number of
//! threads.

#![forbid(unsafe_code)]

use arrow::compute::concat_batches;
use arrow::record_batch::{RecordBatch, RecordBatchReader};
use pml_parser::arrow::schema::EventColumnSet;
use pml_parser::export::batches::{EventBatches, EventRanges, Share, read_batches, read_share};
use pml_parser::export::{ScanOptions, TableOptions, WriteError};
use pml_parser::{Filter, LogSet, Map, NoProgress};
use std::path::Path;
use std::sync::Arc;

fn sample() -> Arc<LogSet<Map>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/logs/missing-payload/Bootlog.pml");
    Arc::new(LogSet::open(path).unwrap().set)
}

fn export(threads: usize, columns: &[&str], filter: Option<&str>) -> TableOptions {
    let filter = filter.map(|text| Filter::parse(text).unwrap());
    let columns = match columns {
        [] => EventColumnSet::default(),
        names => EventColumnSet::named(names.iter().copied()).unwrap(),
    };
    TableOptions {
        scan: ScanOptions { threads, filter, ..ScanOptions::default() },
        columns,
        ..TableOptions::default()
    }
}

fn handed_over(set: &LogSet<Map>, export: &TableOptions) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    read_batches(set, export, &NoProgress, |batch| {
        batches.push(batch);
        Ok(())
    })
    .unwrap();
    batches
}

#[test]
fn pulled_batches_equal_passed_batches() {
    let set = sample();
    let cases: [(&[&str], Option<&str>); 3] = [
        (&[], None),
        (&["event_id", "path", "stack_id"], Some("result = error")),
        (&["time"], Some("pid = 1")),
    ];
    for (columns, filter) in cases {
        let expected = handed_over(&set, &export(1, columns, filter));
        for threads in [0, 1, 2, 5] {
            let mut reader = EventBatches::new(Arc::clone(&set), export(threads, columns, filter)).unwrap();
            let schema = reader.schema();
            let batches: Vec<RecordBatch> = reader.by_ref().collect::<Result<_, _>>().unwrap();
            assert!(batches.iter().all(|batch| batch.schema() == schema));
            assert_eq!(batches, expected, "{columns:?} {filter:?} {threads}");
            let counts = reader.counts().unwrap();
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(counts.events(), rows as u64);
            assert_eq!(counts.events() + counts.filtered, set.event_count());
            assert!(reader.next().is_none(), "the end stays the end");
        }
    }
}

#[test]
fn a_reader_can_go_to_another_thread_and_be_dropped_early() {
    let set = sample();
    let mut reader = EventBatches::new(Arc::clone(&set), export(2, &[], None)).unwrap();
    let first = std::thread::spawn(move || reader.next().unwrap().unwrap().num_rows()).join().unwrap();
    assert!(first > 0);
    // The reader was dropped, and its thread, which held the capture, has ended.
    assert_eq!(Arc::strong_count(&set), 1);
}

#[test]
fn an_error_is_the_last_item() {
    let set = sample();
    let mut export = export(2, &[], None);
    export.scan.limits.text_bytes_factor = 0;
    let items: Vec<_> = EventBatches::new(set, export).unwrap().collect();
    let error = items.last().unwrap().as_ref().unwrap_err();
    assert!(error.to_string().contains("texts are shared"), "{error}");
    assert!(items.iter().filter(|item| item.is_err()).count() == 1);
    assert!(matches!(WriteError::from(arrow::error::ArrowError::DivideByZero), WriteError::Arrow(_)));
}

#[test]
fn shares_have_every_event_once_and_in_order() {
    let set = sample();
    let export = export(2, &["event_id", "path", "time"], Some("operation = CreateFile"));
    let whole = handed_over(&set, &export);
    for of in [0, 1, 2, 3, 7] {
        let mut rows = Vec::new();
        for number in 0..of.max(1) {
            let share = Share { number, of };
            let mut passed = Vec::new();
            read_share(&set, &export, share, &NoProgress, |batch| {
                passed.push(batch);
                Ok(())
            })
            .unwrap();
            let pulled = EventBatches::share_of(Arc::clone(&set), |set| set, export.clone(), share).unwrap();
            assert_eq!(pulled.collect::<Result<Vec<_>, _>>().unwrap(), passed, "{share:?}");
            rows.extend(passed);
        }
        assert_eq!(rows, whole, "{of}");
    }
    // Shares beyond the last one are empty.
    for share in [Share { number: 3, of: 3 }, Share { number: u32::MAX, of: u32::MAX }] {
        read_share(&set, &export, share, &NoProgress, |_| panic!("{share:?} has rows")).unwrap();
    }
}

#[test]
fn ranges_give_the_same_rows_in_any_order() {
    let set = sample();
    let cases: [(&[&str], Option<&str>); 2] = [
        (&["capture", "event_id", "path", "detail"], None),
        (&["event_id", "seconds"], Some("result = error")),
    ];
    for (columns, filter) in cases {
        let options = export(1, columns, filter);
        let expected = concat_batches(&options.schema(), &handed_over(&set, &options)).unwrap();
        let ranges = EventRanges::new(&set, options.clone()).unwrap();
        let mut all: Vec<_> = EventRanges::ranges(&set).collect();
        assert!(all.len() > 1, "a part has a range of its own");
        all.reverse();
        let mut batches: Vec<_> =
            all.iter().map(|range| ranges.decode(&set, range, &NoProgress).unwrap()).collect();
        batches.reverse();
        let rows = concat_batches(&options.schema(), batches.iter().flatten()).unwrap();
        assert_eq!(rows, expected, "{columns:?}");
    }
    assert!(EventRanges::new(&set, export(1, &["event_id", "stack_id"], None)).is_none());
}
