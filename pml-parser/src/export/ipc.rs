//! Arrow IPC (file format) of the events table, with the schema of the Parquet file.

use super::pipeline::in_order;
use super::stack_tables::StackTables;
use super::{CaptureFacts, Monitor, WriteError, progress};
use crate::arrow::events::{EventColumns, EventCounts, EventRows};
use crate::arrow::schema::{EVENTS, Type};
use crate::arrow::tables;
use crate::log_set::LogSet;
use crate::names::operation::{EventClass, Operation};
use arrow::array::{ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray};
use arrow::datatypes::{Int32Type, Schema};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow::record_batch::RecordBatch;
use hashbrown::{HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

/// Events and bytes of records of a batch.
const RANGE_EVENTS: u32 = 65_536;
const RANGE_BYTES: u64 = 64 << 20;

/// Writes the events table.
///
/// The file format wants each dictionary whole and once, so the few words that can occur are
/// gathered first: names from the tables, and results by a look at the event headers.
///
/// # Errors
/// When writing fails, or the monitor stops it.
pub fn write_ipc<B, W>(
    set: &LogSet<B>,
    out: W,
    threads: usize,
    facts: &CaptureFacts,
    monitor: &dyn Monitor,
) -> Result<EventCounts, WriteError>
where
    B: AsRef<[u8]> + Sync,
    W: Write,
{
    let words = Words::gather(set, threads)?;
    let metadata = tables::capture_metadata(set, facts, &EventCounts::default());
    // What only the conversion itself finds out cannot stand in front of its result.
    let known = |key: &str| !["damage", "undecoded"].iter().any(|word| key.contains(word));
    let metadata: std::collections::HashMap<String, String> =
        metadata.into_iter().filter(|(key, _)| known(key)).collect();
    let schema = Arc::new(Schema::clone(&EVENTS.schema()).with_metadata(metadata));
    let mut writer = FileWriter::try_new_with_options(out, &schema, IpcWriteOptions::default())?;
    let mut counts = EventCounts::default();
    let mut stacks = StackTables::new(());
    let decode = |range: crate::log_set::EventRange| {
        let log = set.part(range.part()).ok_or_else(|| io::Error::other("no such part"))?;
        let mut columns = EventColumns::new(log);
        let mut batches = Vec::new();
        for position in range.events() {
            columns.push(position);
            if columns.is_full() {
                batches.push(columns.finish_rows());
            }
        }
        batches.push(columns.finish_rows());
        if monitor.is_cancelled() {
            return Err(WriteError::Cancelled);
        }
        let (counts, stacks) = columns.into_parts();
        Ok((range, batches, counts, stacks.finish()))
    };
    let ranges = set.ranges(RANGE_EVENTS, RANGE_BYTES);
    in_order(threads, ranges, decode, |(range, batches, found, found_stacks)| {
        counts.merge(&found);
        let ids = stacks.number(set, &found_stacks)?;
        for EventRows { mut batch, stack_ids } in batches {
            if stack_ids.is_empty() {
                continue;
            }
            for (column, array) in EVENTS.columns.iter().zip(&mut batch) {
                if column.kind == Type::Word {
                    *array = words.translate(array);
                }
            }
            batch.push(StackTables::<()>::rows(&ids, &stack_ids));
            writer.write(&RecordBatch::try_new(Arc::clone(&schema), batch)?)?;
        }
        let (events, bytes) = progress(set, &range);
        monitor.advance(events, bytes);
        Ok(())
    })?;
    writer.finish()?;
    writer.get_mut().flush()?;
    Ok(counts)
}

/// Every word that a column of words can hold, as one dictionary for all of them.
struct Words {
    index: HashMap<String, i32>,
    array: ArrayRef,
}

impl Words {
    fn gather<B: AsRef<[u8]> + Sync>(set: &LogSet<B>, threads: usize) -> Result<Self, WriteError> {
        let mut words: Vec<String> = Vec::new();
        let mut index = HashMap::new();
        let mut add = |word: &str| {
            if !index.contains_key(word) {
                index.insert(word.to_owned(), words.len() as i32);
                words.push(word.to_owned());
            }
        };
        add("");
        let names = set.parts().flat_map(|log| log.processes()).map(|process| process.name().to_string());
        names.for_each(|name| add(&name));
        // Operations, classes, categories and results as they occur.
        let look = |range: crate::log_set::EventRange| {
            let mut found: HashSet<(Operation, u32)> = HashSet::new();
            let mut categories = HashSet::new();
            for event in set.events_in(&range).flatten() {
                if found.insert((event.operation(), event.status().0)) {
                    categories.insert(event.category());
                }
                categories.insert(event.category());
            }
            Ok::<_, WriteError>((found, categories))
        };
        in_order(threads, set.ranges(RANGE_EVENTS, RANGE_BYTES), look, |(found, categories)| {
            // Sets have no order; the dictionary must not depend on theirs.
            let mut occurring: Vec<(u16, u16, u8, u32)> =
                found.iter().map(|(o, status)| (o.class.code(), o.code, o.sub, *status)).collect();
            occurring.sort_unstable();
            for (class, code, sub, status) in occurring {
                let class = EventClass::from_code(class);
                add(class.name());
                add(Operation { class, code, sub }.name());
                add(&crate::names::ntstatus::NtStatus(status).to_string());
            }
            let mut categories: Vec<_> = categories.into_iter().map(|category| category.name()).collect();
            categories.sort_unstable();
            categories.into_iter().for_each(&mut add);
            Ok(())
        })?;
        let array = Arc::new(StringArray::from(words));
        Ok(Self { index, array })
    }

    /// The same column with this dictionary.
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
