//! Building blocks of record batches: texts, dictionaries, sparse numbers.
//!
//! Texts have builders of this crate, because Arrow's do not fit how a log is decoded. A text is written
//! into the column piece by piece, and may then be cut, or become NULL when its details turn out to be
//! unreadable: a `StringBuilder` cannot take back what was written, so that each text would be written to
//! a buffer first and copied. A `StringDictionaryBuilder` hashes the text of every row; here the text is
//! found by a number of the log (operation, NTSTATUS, process index), and made only once.
//!
//! [`Filled`] is a column between filling and writing: record batches make an array of it, and the encoder of
//! Parquet files (`export::encoder`) makes pages of it.

use crate::columns::Type;
use crate::text::WinStr;
use crate::time::FileTime;
use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, PrimitiveArray, StringArray, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array, new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type};
use hashbrown::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// The rows of a column as they were filled. What is behind a `&mut` may be taken.
pub(crate) enum Filled<'f, T> {
    /// One number in all rows.
    SameNumber(u16),
    /// One text in all rows.
    SameText(&'f str),
    /// Numbers of 32 bits.
    U32(&'f mut Vec<u32>),
    /// Numbers of 64 bits.
    U64(&'f mut Vec<u64>),
    /// Numbers of 32 bits or none.
    MaybeU32(&'f mut Vec<Option<u32>>),
    /// Numbers of 64 bits or none.
    MaybeI64(&'f mut Vec<Option<i64>>),
    /// The times of the events, from which the column follows.
    Times(&'f [FileTime]),
    /// Numbers of which most rows have none.
    Sparse(&'f mut SparseColumn, Type),
    /// Texts that repeat.
    Words(&'f mut dyn Words),
    /// Texts.
    Texts(&'f mut T),
    /// Local ids of stacks, in the order in which they first come.
    Stacks(&'f mut Vec<Option<u32>>),
}

/// Texts of a column, which are filled row by row.
pub(crate) trait Texts {
    /// Appends what `write` appends; NULL where that returns `false`. Gives the bytes of the text.
    fn push(&mut self, write: impl FnOnce(&mut String) -> bool) -> usize;

    /// Appends a string of the log, or NULL. Gives the bytes of the text.
    fn push_stored(&mut self, stored: Option<WinStr<'_>>) -> usize;

    /// Bytes of text that are held.
    fn size(&self) -> usize;
}

/// Texts that repeat, whatever they are found by.
pub(crate) trait Words {
    /// For each row the number of its text; of a row without a text, any number.
    fn numbers(&self) -> &[i32];

    /// The rows without a text, ascending.
    fn null_rows(&self) -> &[u32];

    /// The texts by number. Several numbers may have the same text.
    fn texts(&self) -> Vec<&str>;

    /// The column so far as an array; begins a new one with the same dictionary.
    fn array(&mut self) -> ArrayRef;
}

/// Most bytes of a text. The capture driver's buffers have 64 KiB; a forged record may claim 4 GiB.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;

/// Cuts the text from `start` to the end of a buffer to [`LONGEST_TEXT`].
#[inline]
pub(crate) fn cut(buffer: &mut String, start: usize) {
    if buffer.len() - start > LONGEST_TEXT {
        cut_at(buffer, start + LONGEST_TEXT);
    }
}

#[cold]
fn cut_at(buffer: &mut String, mut end: usize) {
    while !buffer.is_char_boundary(end) {
        end -= 1;
    }
    buffer.truncate(end);
}

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
        let start = self.start();
        cut(&mut self.buffer, start);
        if !self.valid.is_empty() {
            self.valid.push(true);
        }
        self.offsets.push(self.buffer.len() as i32);
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

    /// The column so far; begins a new one, with room for as much.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        let next = Self::with_room(self.rows(), self.size() + self.size() / 8);
        let done = std::mem::replace(self, next);
        let nulls = (!done.valid.is_empty()).then(|| NullBuffer::from(done.valid));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(done.offsets));
        Arc::new(StringArray::new(offsets, Buffer::from_vec(done.buffer.into_bytes()), nulls))
    }
}

impl Texts for Utf8Column {
    #[inline]
    fn push(&mut self, write: impl FnOnce(&mut String) -> bool) -> usize {
        let before = self.size();
        if write(&mut self.buffer) {
            self.end();
        } else {
            self.null();
        }
        self.size() - before
    }

    #[inline]
    fn push_stored(&mut self, stored: Option<WinStr<'_>>) -> usize {
        self.push(|out| stored.map(|stored| stored.push_to(out)).is_some())
    }

    fn size(&self) -> usize {
        self.buffer.len()
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

impl<K> DictionaryColumn<K> {
    /// A column with room for this number of rows.
    pub(crate) fn with_room(rows: usize) -> Self {
        Self { keys: Vec::with_capacity(rows), ..Self::default() }
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
}

impl<K: Copy + Eq + Hash> Words for DictionaryColumn<K> {
    fn numbers(&self) -> &[i32] {
        &self.keys
    }

    fn null_rows(&self) -> &[u32] {
        &self.nulls
    }

    fn texts(&self) -> Vec<&str> {
        let ends = self.texts.offsets.iter().zip(self.texts.offsets.iter().skip(1));
        ends.map(|(&from, &to)| self.texts.buffer.get(from as usize..to as usize).unwrap_or_default())
            .collect()
    }

    fn array(&mut self) -> ArrayRef {
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

/// A set of rows, as bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    words: Vec<u64>,
}

impl Rows {
    /// Bits of a word.
    const WORD: usize = u64::BITS as usize;

    /// Adds a row. Rows may come in any order.
    #[inline]
    pub(crate) fn insert(&mut self, row: u32) {
        let word = row as usize / Self::WORD;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (row as usize % Self::WORD);
        }
    }

    fn clear(&mut self) {
        self.words.clear();
    }

    /// The rows, ascending.
    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(word, &bits)| {
            let next = |bits: &u64| Some(bits & bits.wrapping_sub(1)).filter(|&rest| rest != 0);
            std::iter::successors(Some(bits).filter(|&bits| bits != 0), next)
                .map(move |bits| word * Self::WORD + bits.trailing_zeros() as usize)
        })
    }

    /// Which of the eight rows from `row` on are in the set, the first one in the lowest bit.
    #[inline]
    pub(crate) fn eight(&self, row: usize) -> u8 {
        let (word, shift) = (row / Self::WORD, row % Self::WORD);
        let at = |word: usize| self.words.get(word).copied().unwrap_or(0);
        let low = at(word) >> shift;
        if shift <= Self::WORD - 8 { low as u8 } else { (low | at(word + 1) << (Self::WORD - shift)) as u8 }
    }

    /// How many of the rows `from..to` are in the set.
    pub(crate) fn count(&self, from: usize, to: usize) -> usize {
        let mut count = 0;
        for word in from / Self::WORD..to.div_ceil(Self::WORD).min(self.words.len()) {
            let first = word * Self::WORD;
            let mut bits = self.words.get(word).copied().unwrap_or(0);
            if from > first {
                bits &= u64::MAX << (from - first);
            }
            if to < first + Self::WORD {
                bits &= !(u64::MAX << (to - first));
            }
            count += bits.count_ones() as usize;
        }
        count
    }
}

/// Numbers of which most rows have none.
#[derive(Default)]
pub(crate) struct SparseColumn {
    /// Rows that have a number.
    rows: Rows,
    /// Their numbers.
    values: Vec<u64>,
    last: Option<u32>,
}

impl SparseColumn {
    /// Sets the number of a row. Rows come in ascending order; of one row the last number counts.
    #[inline]
    pub(crate) fn set(&mut self, row: u32, value: u64) {
        if self.last == Some(row) {
            self.values.pop();
        }
        self.last = Some(row);
        self.rows.insert(row);
        self.values.push(value);
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.values.clear();
        self.last = None;
    }

    /// The rows that have a number, and their numbers.
    pub(crate) fn entries(&self) -> (&Rows, &[u64]) {
        (&self.rows, &self.values)
    }

    /// A column of `len` rows; begins a new one.
    pub(crate) fn finish(&mut self, len: usize, kind: Type) -> ArrayRef {
        let array = if self.values.is_empty() {
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
        self.clear();
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
        for (row, &value) in self.rows.iter().zip(&self.values) {
            values[row] = cast(value);
            bits[row / 8] |= 1 << (row % 8);
        }
        let bits = BooleanBuffer::new(Buffer::from_vec(bits), 0, len);
        Arc::new(array(ScalarBuffer::from(values), Some(NullBuffer::new(bits))))
    }
}
