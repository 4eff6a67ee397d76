//! Arrow IPC (file format) of the events table, with the schema of the Parquet file.

use super::batches::read_batches;
use super::range_size::BATCHES;
use super::{Provenance, ScanOptions, TableOptions, WriteError};
use crate::arrow::events::EventCounts;
use crate::arrow::labels::Labels;
use crate::arrow::tables;
use crate::budget::Budget;
use crate::columns::Type;
use crate::log::set::{EventRange, LogSet};
use crate::names::category::Category;
use crate::names::ntstatus::NtStatus;
use crate::names::operation::{EventClass, Operation};
use crate::parallel::in_order;
use crate::progress::Progress;
use arrow::array::{ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Int32Type, Schema};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow::record_batch::RecordBatch;
use hashbrown::{HashMap, HashSet};
use std::io::Write;
use std::sync::Arc;

/// Writes the events table.
///
/// The file format needs each dictionary complete and once. The few words that can occur are therefore
/// collected first: process names from the tables, and operations, classes and results from all events.
///
/// # Errors
/// When writing fails, the caller cancels, or the capture exceeds its limits.
pub fn write_ipc<B, W>(
    set: &LogSet<B>,
    out: W,
    export: &TableOptions,
    facts: &Provenance,
    progress: &dyn Progress,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write,
{
    let labels = export.labels(set);
    let words = match export.columns.iter().any(|column| column.kind == Type::Dictionary) {
        true => Words::gather(set, &export.scan, &labels)?,
        false => Words::none(),
    };
    let metadata = tables::capture_metadata(set, &labels, facts, &EventCounts::default());
    // The metadata precede the rows, so they cannot hold counts that only the conversion finds.
    let known = |key: &str| !["damage", "undecoded"].iter().any(|word| key.contains(word));
    let metadata: std::collections::HashMap<String, String> =
        metadata.into_iter().filter(|(key, _)| known(key)).collect();
    let schema = Arc::new(Schema::clone(&export.schema()).with_metadata(metadata));
    let mut writer = FileWriter::try_new_with_options(out, &schema, IpcWriteOptions::default())?;
    let counts = read_batches(set, export, progress, |batch| {
        let mut columns = batch.columns().to_vec();
        for array in &mut columns {
            if matches!(array.data_type(), DataType::Dictionary(..)) {
                *array = words.translate(array);
            }
        }
        Ok(writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?)
    })?;
    writer.finish()?;
    writer.get_mut().flush()?;
    Ok(counts)
}

/// Every word that a column of words can hold, as one dictionary for all such columns.
struct Words {
    index: HashMap<String, i32>,
    array: ArrayRef,
}

impl Words {
    fn none() -> Self {
        Self { index: HashMap::new(), array: Arc::new(StringArray::from(Vec::<String>::new())) }
    }

    fn gather<B: AsRef<[u8]> + Sync>(
        set: &LogSet<B>,
        scan: &ScanOptions,
        labels: &Labels,
    ) -> Result<Self, WriteError> {
        let budget = Budget::new(set, scan.limits);
        let mut held = budget.meter();
        let mut words: Vec<String> = Vec::new();
        let mut index = HashMap::new();
        let mut add = |word: &str| {
            if !index.contains_key(word) {
                held.text(word.len())?;
                index.insert(word.to_owned(), words.len() as i32);
                words.push(word.to_owned());
            }
            Ok::<_, WriteError>(())
        };
        add("")?;
        add(&labels.capture)?;
        add(&labels.computer)?;
        let names = set.parts().flat_map(|log| log.processes()).map(|process| process.name().to_string());
        for name in names {
            add(&name)?;
        }
        // The operations, classes and results that occur.
        let look = |range: EventRange| {
            let mut found: HashSet<(Operation, u8, u32)> = HashSet::new();
            let mut meter = budget.meter();
            for event in set.events_in(&range).flatten() {
                meter.event(&event)?;
                let operation = event.operation();
                // The order of the dictionary is that of all versions of this program: by the minor
                // function too, of operations that do not depend on it.
                let minor = match operation.class {
                    EventClass::FileSystem => event.details().first().copied().unwrap_or(0),
                    _ => operation.sub,
                };
                found.insert((operation, minor, event.status().0));
            }
            meter.finish()?;
            Ok::<_, WriteError>(found)
        };
        for category in Category::ALL {
            add(category.name())?;
        }
        in_order(scan.threads, BATCHES.of(set), look, |found| {
            // Sets have no fixed order, and the dictionary must not depend on an order.
            let mut occurring: Vec<(Operation, u8, u32)> = found.into_iter().collect();
            occurring.sort_unstable_by_key(|&(operation, minor, status)| {
                (operation.class.code(), operation.code, minor, status)
            });
            for (operation, _, status) in occurring {
                add(operation.class.name())?;
                add(operation.name())?;
                add(&NtStatus(status).to_string())?;
            }
            Ok(())
        })?;
        let array = Arc::new(StringArray::from(words));
        Ok(Self { index, array })
    }

    /// The same column, with this dictionary.
    fn translate(&self, column: &ArrayRef) -> ArrayRef {
        let column = column.as_dictionary::<Int32Type>();
        let words = column.values().as_string::<i32>();
        let new: Vec<i32> = words
            .iter()
            .map(|word| word.and_then(|word| self.index.get(word).copied()).unwrap_or(0))
            .collect();
        let keys = column.keys().iter().map(|key| key.map(|key| new.get(key as usize).copied().unwrap_or(0)));
        Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from_iter(keys), Arc::clone(&self.array)))
    }
}
