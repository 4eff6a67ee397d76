//! Building blocks of record batches: texts, dictionaries, sparse numbers.

use super::schema::Type;
use arrow::array::{
    Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, NullArray, PrimitiveArray, StringArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array, make_array, new_null_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type};
use hashbrown::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Bytes of a text. The capture driver's buffers have 64 KiB; a forged record may claim 4 GiB.
const LONGEST_TEXT: usize = 1 << 20;

/// Texts, one behind the other; the caller appends to [`TextColumn::buffer`] and ends each one.
#[derive(Default)]
pub(crate) struct TextColumn {
    buffer: String,
    offsets: Vec<i32>,
    /// Rows that are NULL; empty while there are none.
    nulls: Vec<u32>,
}

impl TextColumn {
    /// Where the next text is appended.
    pub(crate) fn buffer(&mut self) -> &mut String {
        &mut self.buffer
    }

    /// Ends the text that was appended. What no real event can hold is cut.
    pub(crate) fn end(&mut self) {
        let start = self.offsets.last().map_or(0, |&offset| offset as usize);
        if self.buffer.len() - start > LONGEST_TEXT {
            let mut end = start + LONGEST_TEXT;
            while !self.buffer.is_char_boundary(end) {
                end -= 1;
            }
            self.buffer.truncate(end);
        }
        self.offsets.push(self.buffer.len() as i32);
    }

    /// Makes the next row NULL, whatever was appended for it.
    pub(crate) fn null(&mut self) {
        let start = self.offsets.last().map_or(0, |&offset| offset as usize);
        self.buffer.truncate(start);
        self.nulls.push(self.offsets.len() as u32);
        self.end();
    }

    /// Bytes held.
    pub(crate) fn size(&self) -> usize {
        self.buffer.len()
    }

    /// The column so far; begins a new one.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        let rows = self.offsets.len();
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        offsets.append(&mut self.offsets);
        let nulls = nulls(rows, &std::mem::take(&mut self.nulls));
        let values = Buffer::from(self.buffer.as_bytes());
        self.buffer.clear();
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Arc::new(StringArray::new(offsets, values, nulls))
    }
}

/// A null buffer for so many rows, of which these are NULL.
fn nulls(rows: usize, null_rows: &[u32]) -> Option<NullBuffer> {
    if null_rows.is_empty() {
        return None;
    }
    let mut valid = vec![true; rows];
    for &row in null_rows {
        if let Some(slot) = valid.get_mut(row as usize) {
            *slot = false;
        }
    }
    Some(NullBuffer::from(valid))
}

/// Words that repeat: rows hold the number of a word. Words are kept from batch to batch.
pub(crate) struct WordColumn<K> {
    known: HashMap<K, i32>,
    words: TextColumn,
    /// The words as an array, made again when one has come.
    array: Option<ArrayRef>,
    keys: Vec<i32>,
    nulls: Vec<u32>,
}

impl<K> Default for WordColumn<K> {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            words: TextColumn::default(),
            array: None,
            keys: Vec::new(),
            nulls: Vec::new(),
        }
    }
}

impl<K: Eq + Hash> WordColumn<K> {
    /// The number of the word that `key` stands for; `write` appends it if it is new.
    pub(crate) fn word(&mut self, key: K, write: impl FnOnce(&mut String)) -> i32 {
        let next = self.words.offsets.len() as i32;
        *self.known.entry(key).or_insert_with(|| {
            write(self.words.buffer());
            self.words.end();
            self.array = None;
            next
        })
    }

    /// Bytes of all words.
    pub(crate) fn size(&self) -> usize {
        self.words.size()
    }

    /// Forgets all words; their numbers no longer hold.
    pub(crate) fn forget(&mut self) {
        debug_assert!(self.keys.is_empty());
        *self = Self::default();
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, word: Option<i32>) {
        if word.is_none() {
            self.nulls.push(self.keys.len() as u32);
        }
        self.keys.push(word.unwrap_or(0));
    }

    /// The column so far; begins a new one with the same words.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        let words = self.array.get_or_insert_with(|| {
            let offsets = [0].into_iter().chain(self.words.offsets.iter().copied()).collect::<Vec<_>>();
            let values = Buffer::from(self.words.buffer.as_bytes());
            Arc::new(StringArray::new(OffsetBuffer::new(ScalarBuffer::from(offsets)), values, None))
        });
        let keys = std::mem::take(&mut self.keys);
        let nulls = nulls(keys.len(), &std::mem::take(&mut self.nulls));
        let keys = Int32Array::new(keys.into(), nulls);
        Arc::new(DictionaryArray::<Int32Type>::new(keys, words.clone()))
    }
}

/// Numbers of which most rows have none.
#[derive(Default)]
pub(crate) struct SparseColumn {
    rows: Vec<u32>,
    values: Vec<u64>,
}

impl SparseColumn {
    /// Sets the number of a row; rows come in ascending order.
    pub(crate) fn set(&mut self, row: u32, value: u64) {
        self.rows.push(row);
        self.values.push(value);
    }

    /// A column of `len` rows; begins a new one.
    pub(crate) fn finish(&mut self, len: usize, kind: Type) -> ArrayRef {
        let array = if self.rows.is_empty() {
            new_null_array(&kind.arrow(), len)
        } else {
            match kind {
                Type::U8 => self.spread(len, |v| v as u8, UInt8Array::new),
                Type::U16 => self.spread(len, |v| v as u16, UInt16Array::new),
                Type::U32 => self.spread(len, |v| v as u32, UInt32Array::new),
                Type::U64 => self.spread(len, |v| v, UInt64Array::new),
                Type::I32 => self.spread(len, |v| v as i32, Int32Array::new),
                Type::I64 => self.spread(len, |v| v as i64, Int64Array::new),
                // No number has another type; the schema's test says so.
                _ => make_array(NullArray::new(len).to_data()),
            }
        };
        self.rows.clear();
        self.values.clear();
        array
    }

    fn spread<T: ArrowPrimitiveType>(
        &self,
        len: usize,
        cast: impl Fn(u64) -> T::Native,
        array: impl Fn(ScalarBuffer<T::Native>, Option<NullBuffer>) -> PrimitiveArray<T>,
    ) -> ArrayRef {
        let mut values = vec![T::Native::default(); len];
        let mut bits = vec![0u8; len.div_ceil(8)];
        for (&row, &value) in self.rows.iter().zip(&self.values) {
            let row = row as usize;
            values[row] = cast(value);
            bits[row / 8] |= 1 << (row % 8);
        }
        let bits = arrow::buffer::BooleanBuffer::new(Buffer::from_vec(bits), 0, len);
        Arc::new(array(ScalarBuffer::from(values), Some(NullBuffer::new(bits))))
    }
}
