//! Encodes the events table as Parquet, straight from its columns as they were filled.
//!
//! The encoder of the `parquet` crate takes Arrow arrays. It hashes the value of every row for its dictionaries, and
//! writes a level for every row. Here, most rows come with the number of their text or with a bit, and only new texts
//! and numbers are looked at. benches/RESULTS.md has what that saves. Pages, their headers, indexes and the footer
//! are those of the crate (its public interface), and so is what [`properties`](super::parquet::properties) says of a
//! column: both encoders write the same values, encodings and statistics (checked by
//! `both_writers_give_the_same_rows_and_statistics`).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod chunk;
mod codec;
mod delta;
mod hybrid;
mod integers;
#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests;
mod texts;

pub(super) use chunk::EncodedChunk;
pub(super) use texts::DistinctTexts;

use super::WriteError;
use crate::arrow::column::{Filled, Rows};
use crate::arrow::events::EventColumns;
use crate::arrow::labels::Labels;
use crate::arrow::schema::EventColumnSet;
use crate::arrow::types::Types;
use crate::columns::{Column, Type};
use chunk::{Bounds, DictionaryPage, PageFacts, Pages, Target};
use codec::Codec;
use hashbrown::{DefaultHashBuilder, HashMap};
use integers::IntegerDictionary;
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::SchemaDescriptor;
use std::hash::{BuildHasher, Hash};
use texts::PlainTexts;

/// Keys of the hashes of one conversion, so that no log can be made to collide. What is written does not depend on
/// them.
#[derive(Clone, Debug)]
pub(super) struct Seeds {
    texts: TwoHashers,
    stored: TwoHashers,
    add: u64,
    /// Odd.
    multiply: u64,
}

/// Hashers with different keys.
#[derive(Clone, Debug, Default)]
struct TwoHashers {
    first: DefaultHashBuilder,
    second: DefaultHashBuilder,
}

impl TwoHashers {
    #[inline]
    fn key<T: Hash + Copy>(&self, value: T) -> [u64; 2] {
        [self.first.hash_one(value), self.second.hash_one(value)]
    }
}

impl Default for Seeds {
    fn default() -> Self {
        let hasher = DefaultHashBuilder::default();
        Self {
            texts: TwoHashers::default(),
            stored: TwoHashers::default(),
            add: hasher.hash_one(0u8),
            multiply: hasher.hash_one(1u8) | 1,
        }
    }
}

/// Encodes row groups of the events table, on any thread.
pub(super) struct EventEncoder {
    /// The columns of the table, each with those that it becomes in the file.
    columns: Vec<(&'static Column, Vec<Target>)>,
    seeds: Seeds,
}

/// A row group. The column of stack ids waits for the numbers that its stacks have in the capture.
#[derive(Default)]
pub(super) struct EncodedRows {
    pub chunks: Vec<EncodedChunk>,
    pub stacks: Option<StackPages>,
}

impl EventEncoder {
    /// An encoder for these columns, written to a file with this schema.
    ///
    /// # Errors
    /// When the schema has other columns.
    pub(super) fn new(
        columns: &EventColumnSet,
        types: Types,
        schema: &SchemaDescriptor,
        properties: &WriterProperties,
    ) -> Result<Self, WriteError> {
        let mut left = schema.columns().iter();
        let columns = columns.iter().map(|column| {
            let targets: Vec<_> = left
                .by_ref()
                .take(column.names(types).count())
                .map(|descr| Target::new(descr.clone(), properties))
                .collect();
            if targets.is_empty() {
                return Err(ParquetError::General(format!("the schema lacks {}", column.name)).into());
            }
            Ok((column, targets))
        });
        Ok(Self { columns: columns.collect::<Result<_, WriteError>>()?, seeds: Seeds::default() })
    }

    fn targets(&self, column: &'static Column) -> Result<&[Target], WriteError> {
        let found = self.columns.iter().find(|(known, _)| known.name == column.name);
        let targets = found.map(|(_, targets)| targets.as_slice());
        Ok(targets.ok_or_else(|| ParquetError::General(format!("there is no column {}", column.name)))?)
    }

    /// An empty column of texts with room for this number of rows, if the encoder has the column.
    pub(super) fn texts(&self, column: &'static Column, rows: usize) -> Option<DistinctTexts> {
        let target = self.targets(column).ok()?.first()?;
        Some(DistinctTexts::new(target.clone(), self.seeds.clone(), rows))
    }

    /// Encodes all rows.
    pub(super) fn encode(
        &self,
        labels: &Labels,
        columns: &mut EventColumns<'_, '_, DistinctTexts>,
    ) -> Result<EncodedRows, WriteError> {
        let rows = columns.rows();
        let mut encoded = EncodedRows::default();
        if rows == 0 {
            return Ok(encoded);
        }
        let Some(first) = self.columns.first().and_then(|(_, targets)| targets.first()) else {
            return Ok(encoded);
        };
        let mut codec = Codec::new(first.compression)?;
        columns.fill(|column, filled| {
            let targets = self.targets(column)?;
            let mut work = ColumnWork { targets, seeds: &self.seeds, codec: &mut codec, rows };
            match filled {
                Filled::Stacks(ids) => encoded.stacks = Some(work.stacks(ids)?),
                filled => work.push(column, filled, labels, &mut encoded.chunks)?,
            }
            Ok::<_, WriteError>(())
        })?;
        Ok(encoded)
    }
}

/// What the encoding of one column needs.
struct ColumnWork<'e> {
    /// The columns of the file that it becomes.
    targets: &'e [Target],
    seeds: &'e Seeds,
    codec: &'e mut Codec,
    rows: usize,
}

impl ColumnWork<'_> {
    fn push(
        &mut self,
        column: &Column,
        filled: Filled<'_, DistinctTexts>,
        labels: &Labels,
        chunks: &mut Vec<EncodedChunk>,
    ) -> Result<(), WriteError> {
        match filled {
            Filled::SameNumber(number) => {
                chunks.push(self.integers(0, &vec![i64::from(number); self.rows], None)?);
            }
            Filled::SameText(text) => chunks.push(self.words(&[text], &vec![0; self.rows], &[])?),
            Filled::U32(values) => {
                let values: Vec<i64> = values.iter().map(|&value| i64::from(value)).collect();
                chunks.push(self.integers(0, &values, None)?);
            }
            Filled::U64(values) => {
                let values: Vec<i64> = values.iter().map(|&value| value.cast_signed()).collect();
                chunks.push(self.integers(0, &values, None)?);
            }
            Filled::MaybeU32(values) => {
                let (values, present) = present(values.iter().map(|value| value.map(i64::from)));
                chunks.push(self.integers(0, &values, present.as_ref())?);
            }
            Filled::MaybeI64(values) => {
                let (values, present) = present(values.iter().copied());
                chunks.push(self.integers(0, &values, present.as_ref())?);
            }
            Filled::Times(times) if column.kind == Type::Seconds => {
                let (values, present) = present(times.iter().map(|&time| labels.ticks(time)));
                chunks.push(self.integers(0, &values, present.as_ref())?);
            }
            Filled::Times(times) => {
                let (nanos, present) = present(times.iter().map(|time| time.unix_nanos()));
                if self.targets.len() > 1 {
                    let micros: Vec<i64> = nanos.iter().map(|&nanos| Types::micros(nanos)).collect();
                    chunks.push(self.integers(0, &micros, present.as_ref())?);
                }
                chunks.push(self.integers(self.targets.len() - 1, &nanos, present.as_ref())?);
            }
            Filled::Sparse(numbers, kind) => {
                let (present, values) = numbers.entries();
                let values: Vec<i64> = values.iter().map(|&value| number(kind, value)).collect();
                chunks.push(self.integers(0, &values, Some(present))?);
            }
            Filled::Words(words) => {
                chunks.push(self.words(&words.texts(), words.numbers(), words.null_rows())?)
            }
            Filled::Texts(texts) => chunks.push(texts.finish(self.codec)?),
            Filled::Stacks(_) => {}
        }
        Ok(())
    }

    fn target(&self, at: usize) -> Result<&Target, WriteError> {
        Ok(self.targets.get(at).ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?)
    }

    /// Numbers. `values` has those of the rows that are not NULL.
    fn integers(
        &mut self,
        at: usize,
        values: &[i64],
        present: Option<&Rows>,
    ) -> Result<EncodedChunk, WriteError> {
        let target = self.target(at)?.clone();
        let order = target.order();
        let mut pages = Pages::default();
        if !target.has_dictionary {
            let bounds = if target.has_bounds() { order.bounds(values.iter().copied()) } else { None };
            let encoding = if target.is_delta { Encoding::DELTA_BINARY_PACKED } else { Encoding::PLAIN };
            for page in PageRows::of(&target, present, self.rows) {
                let values = values.get(page.values.clone()).unwrap_or_default();
                let bounds =
                    if target.has_page_bounds() { order.bounds(values.iter().copied()) } else { None };
                let facts = PageFacts { encoding, bounds, text: None };
                pages.push(&target, self.codec, present, page.rows, facts, |out| {
                    if target.is_delta {
                        delta::push(values, target.is_narrow(), out);
                    } else {
                        values.iter().for_each(|&value| target.push_plain(value, out));
                    }
                })?;
            }
            return pages.finish(&target, self.codec, None, Bounds::Integers(bounds));
        }
        let mut dictionary = IntegerDictionary::new(self.seeds.clone());
        let mut numbers = Vec::new();
        dictionary.number(values, &mut numbers);
        let entries = dictionary.entries;
        let numbered = Numbered { numbers: &numbers, present, rows: self.rows };
        push_numbers(&mut pages, &target, self.codec, numbered, |numbers| {
            let of_page = numbers.iter().filter_map(|&number| entries.get(number as usize).copied());
            (if target.has_page_bounds() { order.bounds(of_page) } else { None }, None)
        })?;
        finish_integers(pages, &target, self.codec, &entries)
    }

    /// Texts that repeat.
    fn words(
        &mut self,
        texts: &[&str],
        numbers: &[i32],
        null_rows: &[u32],
    ) -> Result<EncodedChunk, WriteError> {
        let target = self.target(0)?.clone();
        // Several numbers may have the same text: two processes with one name.
        let mut by_text: HashMap<&str, u32> = HashMap::new();
        let mut entries: Vec<&str> = Vec::new();
        let mut places = Vec::with_capacity(texts.len());
        for &text in texts {
            places.push(*by_text.entry(text).or_insert_with(|| {
                entries.push(text);
                entries.len() as u32 - 1
            }));
        }
        let place = |number: i32| places.get(number as usize).copied().unwrap_or(0);
        let mut nulls = null_rows.iter().copied().peekable();
        let mut is_null = move |row: usize| nulls.next_if_eq(&(row as u32)).is_some();
        let bounds =
            Bounds::Texts(if target.has_bounds() { texts::bounds(entries.iter().copied()) } else { None });
        let bytes: usize = entries.iter().map(|text| text.len() + size_of::<u32>()).sum();
        if !target.has_dictionary || bytes > target.dictionary_bytes {
            let mut plain = PlainTexts::new(target.clone());
            for (row, &number) in numbers.iter().enumerate() {
                plain.push((!is_null(row)).then(|| entries.get(place(number) as usize).copied()).flatten());
            }
            return plain.finish()?.finish(&target, self.codec, None, bounds);
        }
        let mut present = None;
        let numbers: Vec<u32> = if null_rows.is_empty() {
            numbers.iter().map(|&number| place(number)).collect()
        } else {
            let rows = present.insert(Rows::default());
            let with_text = numbers.iter().enumerate().filter(|&(row, _)| !is_null(row));
            with_text.inspect(|&(row, _)| rows.insert(row as u32)).map(|(_, &number)| place(number)).collect()
        };
        let numbered = Numbered { numbers: &numbers, present: present.as_ref(), rows: self.rows };
        let mut pages = Pages::default();
        push_numbers(&mut pages, &target, self.codec, numbered, |numbers| {
            (
                None,
                Some(
                    numbers.iter().filter_map(|&number| entries.get(number as usize)).map(|t| t.len()).sum(),
                ),
            )
        })?;
        pages.finish(&target, self.codec, Some(texts::dictionary_page(entries.iter().copied())), bounds)
    }

    /// Stack ids, numbered in the order in which they first come, as local ids are.
    fn stacks(&mut self, ids: &[Option<u32>]) -> Result<StackPages, WriteError> {
        let target = self.target(0)?.clone();
        let (ids, present) = present(ids.iter().copied());
        let numbered = Numbered { numbers: &ids, present: present.as_ref(), rows: self.rows };
        let mut pages = Pages::default();
        push_numbers(&mut pages, &target, self.codec, numbered, |_| (None, None))?;
        Ok(StackPages { target, pages })
    }
}

/// The column of stack ids without its dictionary: the stacks in the order in which they first come.
pub(super) struct StackPages {
    target: Target,
    pages: Pages,
}

impl StackPages {
    /// The chunk, given the numbers that the stacks have in the capture.
    pub(super) fn finish(self, ids: &[u32]) -> Result<EncodedChunk, WriteError> {
        let entries: Vec<i64> = ids.iter().map(|&id| i64::from(id)).collect();
        finish_integers(self.pages, &self.target, &mut Codec::new(self.target.compression)?, &entries)
    }
}

/// The chunk of a column whose numbers have these entries.
fn finish_integers(
    pages: Pages,
    target: &Target,
    codec: &mut Codec,
    entries: &[i64],
) -> Result<EncodedChunk, WriteError> {
    let mut bytes = Vec::new();
    entries.iter().for_each(|&entry| target.push_plain(entry, &mut bytes));
    let bounds = if target.has_bounds() { target.order().bounds(entries.iter().copied()) } else { None };
    let dictionary = DictionaryPage { bytes, entries: entries.len() };
    pages.finish(target, codec, Some(dictionary), Bounds::Integers(bounds))
}

/// A number as its type has it, given the lowest bits of a wider one.
fn number(kind: Type, value: u64) -> i64 {
    match kind {
        Type::U8 => i64::from(value as u8),
        Type::U16 => i64::from(value as u16),
        Type::U32 => i64::from(value as u32),
        Type::I32 => i64::from(value as i32),
        _ => value.cast_signed(),
    }
}

/// The values that are there, and the rows that have them; `None` where all have.
fn present<T>(values: impl ExactSizeIterator<Item = Option<T>> + Clone) -> (Vec<T>, Option<Rows>) {
    let mut found = Vec::with_capacity(values.len());
    found.extend(values.clone().flatten());
    if found.len() == values.len() {
        return (found, None);
    }
    let mut rows = Rows::default();
    for (row, value) in values.enumerate() {
        if value.is_some() {
            rows.insert(row as u32);
        }
    }
    (found, Some(rows))
}

/// The rows of a page, and which of all values they have.
struct PageRows {
    rows: (usize, usize),
    values: std::ops::Range<usize>,
}

impl PageRows {
    fn of(target: &Target, present: Option<&Rows>, rows: usize) -> impl Iterator<Item = Self> {
        let mut value = 0;
        let most = target.page_rows;
        (0..rows).step_by(most).map(move |from| {
            let to = (from + most).min(rows);
            let values = value..value + present.map_or(to - from, |present| present.count(from, to));
            value = values.end;
            Self { rows: (from, to), values }
        })
    }
}

/// Rows as numbers of dictionary entries.
struct Numbered<'n> {
    /// Those of the rows that are not NULL.
    numbers: &'n [u32],
    present: Option<&'n Rows>,
    rows: usize,
}

/// Appends the pages of numbers of dictionary entries. `facts` gives the bounds of a page, and the bytes of its texts.
fn push_numbers(
    pages: &mut Pages,
    target: &Target,
    codec: &mut Codec,
    numbered: Numbered<'_>,
    facts: impl Fn(&[u32]) -> (Option<(i64, i64)>, Option<usize>),
) -> Result<(), WriteError> {
    for page in PageRows::of(target, numbered.present, numbered.rows) {
        let numbers = numbered.numbers.get(page.values).unwrap_or_default();
        let (bounds, text) = facts(numbers);
        let facts = PageFacts { encoding: target.numbers_encoding(), bounds, text };
        pages.push(target, codec, numbered.present, page.rows, facts, |out| {
            let width = hybrid::width(numbers);
            out.push(width as u8);
            hybrid::push(numbers, width, out);
        })?;
    }
    Ok(())
}
