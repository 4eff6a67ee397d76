//! Building blocks of record batches: texts, dictionaries, sparse numbers.
//!
//! Texts have builders of this crate, because Arrow's do not fit how a log is decoded. A text is written
//! into the column piece by piece, and may then be cut, or become NULL when its details turn out to be
//! unreadable: a `StringBuilder` cannot take back what was written, so that each text would be written to
//! a buffer first and copied. A `StringDictionaryBuilder` hashes the text of every row; here the text is
//! found by a number of the log (operation, NTSTATUS, process index), and made only once.

use crate::columns::Type;
use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, PrimitiveArray, StringArray, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array, new_null_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type};
use hashbrown::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Most bytes of a text. The capture driver's buffers have 64 KiB; a forged record may claim 4 GiB.
const LONGEST_TEXT: usize = 1 << 20;

/// Texts of a column; the caller appends to [`Utf8Column::buffer`] and ends each text.
pub(crate) struct Utf8Column {
    buffer: String,
    /// Where each text ends, after a 0.
    offsets: Vec<i32>,
    /// Whether each row has a text; empty while all have one.
    valid: Vec<bool>,
}

impl Default for Utf8Column {
    fn default() -> Self {
        Self { buffer: String::new(), offsets: vec![0], valid: Vec::new() }
    }
}

impl Utf8Column {
    /// A column with room for this number of rows.
    fn with_room(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { buffer: String::with_capacity(bytes), offsets, valid: Vec::new() }
    }

    /// Where the next text is appended.
    pub(crate) fn buffer(&mut self) -> &mut String {
        &mut self.buffer
    }

    fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    fn start(&self) -> usize {
        self.offsets.last().map_or(0, |&offset| offset as usize)
    }

    /// Ends the text that was appended. What no real event can hold is cut.
    #[inline]
    pub(crate) fn end(&mut self) {
        if self.buffer.len() - self.start() > LONGEST_TEXT {
            self.cut();
        }
        if !self.valid.is_empty() {
            self.valid.push(true);
        }
        self.offsets.push(self.buffer.len() as i32);
    }

    #[cold]
    fn cut(&mut self) {
        let mut end = self.start() + LONGEST_TEXT;
        while !self.buffer.is_char_boundary(end) {
            end -= 1;
        }
        self.buffer.truncate(end);
    }

    /// Makes the next row NULL, whatever was appended for it.
    #[inline]
    pub(crate) fn null(&mut self) {
        self.buffer.truncate(self.start());
        if self.valid.is_empty() {
            self.valid.reserve(self.offsets.capacity());
            self.valid.resize(self.rows(), true);
        }
        self.valid.push(false);
        self.offsets.push(self.buffer.len() as i32);
    }

    /// Bytes held.
    pub(crate) fn size(&self) -> usize {
        self.buffer.len()
    }

    /// The column so far; begins a new one, with room for as much.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        let next = Self::with_room(self.rows(), self.size() + self.size() / 8);
        let done = std::mem::replace(self, next);
        let nulls = (!done.valid.is_empty()).then(|| NullBuffer::from(done.valid));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(done.offsets));
        Arc::new(StringArray::new(offsets, Buffer::from_vec(done.buffer.into_bytes()), nulls))
    }
}

/// A null buffer of `rows` rows, of which `null_rows` are NULL.
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

/// Texts that repeat: rows hold the number of a text in a dictionary, which is kept from batch to
/// batch.
pub(crate) struct DictionaryColumn<K> {
    numbers: HashMap<K, i32>,
    /// The key that was looked up last; the next one is often the same.
    last: Option<(K, i32)>,
    texts: Utf8Column,
    /// The texts as an array, made again after a text is added.
    array: Option<ArrayRef>,
    keys: Vec<i32>,
    nulls: Vec<u32>,
}

impl<K> Default for DictionaryColumn<K> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            last: None,
            texts: Utf8Column::default(),
            array: None,
            keys: Vec::new(),
            nulls: Vec::new(),
        }
    }
}

impl<K: Copy + Eq + Hash> DictionaryColumn<K> {
    /// The number of the text of a key; `write` appends the text if the key is new.
    #[inline]
    pub(crate) fn number(&mut self, key: K, write: impl FnOnce(&mut String)) -> i32 {
        match self.last {
            Some((last, number)) if last == key => number,
            _ => {
                let number = self.find(key, write);
                self.last = Some((key, number));
                number
            }
        }
    }

    fn find(&mut self, key: K, write: impl FnOnce(&mut String)) -> i32 {
        let next = self.texts.rows() as i32;
        *self.numbers.entry(key).or_insert_with(|| {
            write(self.texts.buffer());
            self.texts.end();
            self.array = None;
            next
        })
    }

    /// Bytes of all texts of the dictionary.
    pub(crate) fn size(&self) -> usize {
        self.texts.size()
    }

    /// Bytes of the dictionary if a text was added after the last array, else 0.
    pub(crate) fn fresh(&self) -> usize {
        if self.array.is_none() { self.size() } else { 0 }
    }

    /// Forgets the dictionary. Only for a column without rows: their numbers would no longer hold.
    pub(crate) fn forget(&mut self) {
        debug_assert!(self.keys.is_empty());
        *self = Self::default();
    }

    /// Appends a row with the text of a key, which `write` appends if the key is new.
    #[inline]
    pub(crate) fn push(&mut self, key: K, write: impl FnOnce(&mut String)) {
        let number = self.number(key, write);
        self.keys.push(number);
    }

    /// Appends a row with the text of a number that [`DictionaryColumn::number`] gave.
    #[inline]
    pub(crate) fn push_number(&mut self, number: i32) {
        self.keys.push(number);
    }

    /// Forgets the rows, but not the dictionary.
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.nulls.clear();
    }

    /// Appends a row without a text.
    pub(crate) fn null(&mut self) {
        self.nulls.push(self.keys.len() as u32);
        self.keys.push(0);
    }

    /// The column so far; begins a new one with the same dictionary.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        let texts = self.array.get_or_insert_with(|| {
            let offsets = self.texts.offsets.clone();
            let values = Buffer::from(self.texts.buffer.as_bytes());
            Arc::new(StringArray::new(OffsetBuffer::new(ScalarBuffer::from(offsets)), values, None))
        });
        let next = Vec::with_capacity(self.keys.len());
        let keys = std::mem::replace(&mut self.keys, next);
        let nulls = nulls(keys.len(), &std::mem::take(&mut self.nulls));
        let keys = Int32Array::new(keys.into(), nulls);
        Arc::new(DictionaryArray::<Int32Type>::new(keys, texts.clone()))
    }
}

/// Numbers of which most rows have none.
#[derive(Default)]
pub(crate) struct SparseColumn {
    /// Rows that have a number, ascending, and the number.
    entries: Vec<(u32, u64)>,
}

impl SparseColumn {
    /// Sets the number of a row. Rows come in ascending order; of one row the last number counts.
    #[inline]
    pub(crate) fn set(&mut self, row: u32, value: u64) {
        self.entries.push((row, value));
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// A column of `len` rows; begins a new one.
    pub(crate) fn finish(&mut self, len: usize, kind: Type) -> ArrayRef {
        let array = if self.entries.is_empty() {
            new_null_array(&kind.arrow(), len)
        } else {
            match kind {
                Type::U8 => self.spread(len, |v| v as u8, UInt8Array::new),
                Type::U16 => self.spread(len, |v| v as u16, UInt16Array::new),
                Type::U32 => self.spread(len, |v| v as u32, UInt32Array::new),
                Type::U64 => self.spread(len, |v| v, UInt64Array::new),
                Type::I32 => self.spread(len, |v| v as i32, Int32Array::new),
                Type::I64 => self.spread(len, |v| v as i64, Int64Array::new),
                _ => unreachable!("`columns` refuses to compile a number of another type"),
            }
        };
        self.entries.clear();
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
        for &(row, value) in &self.entries {
            let row = row as usize;
            values[row] = cast(value);
            bits[row / 8] |= 1 << (row % 8);
        }
        let bits = arrow::buffer::BooleanBuffer::new(Buffer::from_vec(bits), 0, len);
        Arc::new(array(ScalarBuffer::from(values), Some(NullBuffer::new(bits))))
    }
}
