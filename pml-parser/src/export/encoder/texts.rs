//! Columns of texts: each distinct text once in a dictionary, and further ones plain where the dictionary is full.

use super::chunk::{Bounds, DictionaryPage, EncodedChunk, PageFacts, Pages, Target};
use super::codec::Codec;
use super::{Numbered, Seeds, push_numbers};
use crate::arrow::column::{Rows, Texts, cut};
use crate::export::WriteError;
use crate::text::WinStr;
use hashbrown::HashTable;
use parquet::basic::Encoding;

/// Bytes of the length before each text.
const LENGTH: usize = 4;

/// Texts of a column, of which each distinct one is kept once.
pub(crate) struct DistinctTexts {
    target: Target,
    seeds: Seeds,
    known: HashTable<Known>,
    /// The dictionary: its texts one after the other, and where each ends.
    texts: String,
    ends: Vec<usize>,
    /// The number of the text of each row that has one, as long as the dictionary has room.
    numbers: Vec<u32>,
    rows: usize,
    /// The rows with a text. A column that may not be NULL leaves it empty.
    present: Rows,
    /// The rows after those, where the dictionary is full.
    plain: Option<Box<PlainTexts>>,
}

/// A text or a stored string whose number is known.
struct Known {
    /// 128 bits of it, keyed. Comparing them costs less than comparing texts.
    key: [u64; 2],
    number: u32,
}

impl DistinctTexts {
    /// An empty column with room for this number of rows.
    pub(super) fn new(target: Target, seeds: Seeds, rows: usize) -> Self {
        // Bytes of distinct text that a row adds: more than in most logs, and memory that is not written costs nothing.
        const NEW_TEXT: usize = 24;
        let texts = rows.saturating_mul(NEW_TEXT).min(target.dictionary_bytes);
        Self {
            target,
            seeds,
            known: HashTable::new(),
            texts: String::with_capacity(texts),
            ends: Vec::new(),
            numbers: Vec::with_capacity(rows),
            rows: 0,
            present: Rows::default(),
            plain: None,
        }
    }

    fn find(&self, key: [u64; 2]) -> Option<u32> {
        self.known.find(key[0], |known| known.key == key).map(|known| known.number)
    }

    fn know(&mut self, key: [u64; 2], number: u32) {
        self.known.insert_unique(key[0], Known { key, number }, |known| known.key[0]);
    }

    fn start(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Appends a row with the text of this number; gives its bytes.
    #[inline]
    fn push_number(&mut self, number: u32) -> usize {
        if self.target.is_nullable() {
            self.present.insert(self.rows as u32);
        }
        self.rows += 1;
        self.numbers.push(number);
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or(0));
        self.ends.get(number).map_or(0, |end| end - start)
    }

    fn null(&mut self) {
        match &mut self.plain {
            Some(plain) => plain.push(None),
            None => self.rows += 1,
        }
    }

    /// Appends a row with the text that `texts` has after the last entry of the dictionary. Gives the number of the
    /// text where the dictionary has it.
    fn push_written(&mut self) -> (usize, Option<u32>) {
        let start = self.start();
        cut(&mut self.texts, start);
        let text = self.texts.get(start..).unwrap_or_default();
        let bytes = text.len();
        if let Some(plain) = &mut self.plain {
            plain.push(Some(text));
            self.texts.truncate(start);
            return (bytes, None);
        }
        let key = self.seeds.texts.key(text);
        if let Some(number) = self.find(key) {
            self.texts.truncate(start);
            return (self.push_number(number), Some(number));
        }
        let size = self.texts.len() + LENGTH * (self.ends.len() + 1);
        if size > self.target.dictionary_bytes && !self.ends.is_empty() {
            let mut plain = PlainTexts::new(self.target.clone());
            plain.push(Some(text));
            self.plain = Some(Box::new(plain));
            self.known = HashTable::new();
            self.texts.truncate(start);
            return (bytes, None);
        }
        let number = self.ends.len() as u32;
        self.ends.push(self.texts.len());
        self.know(key, number);
        (self.push_number(number), Some(number))
    }

    /// The texts of the dictionary.
    fn entries(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| self.texts.get(start..end).unwrap_or_default())
    }

    /// The chunk of all rows.
    pub(super) fn finish(&mut self, codec: &mut Codec) -> Result<EncodedChunk, WriteError> {
        let lengths: Vec<usize> = self.entries().map(str::len).collect();
        let mut pages = Pages::default();
        let present = self.target.is_nullable().then_some(&self.present);
        let numbered = Numbered { numbers: &self.numbers, present, rows: self.rows };
        push_numbers(&mut pages, &self.target, codec, numbered, |numbers| {
            (None, Some(numbers.iter().filter_map(|&number| lengths.get(number as usize)).sum()))
        })?;
        let mut plain = self.plain.take();
        if let Some(plain) = &mut plain {
            pages.append(plain.finish()?);
        }
        let entries = self.entries().chain(plain.iter().flat_map(|plain| plain.bounds()));
        let bounds = Bounds::Texts(if self.target.has_bounds() { bounds(entries) } else { None });
        pages.finish(&self.target, codec, Some(dictionary_page(self.entries())), bounds)
    }
}

impl Texts for DistinctTexts {
    #[inline]
    fn push(&mut self, write: impl FnOnce(&mut String) -> bool) -> usize {
        if write(&mut self.texts) {
            self.push_written().0
        } else {
            self.texts.truncate(self.start());
            self.null();
            0
        }
    }

    #[inline]
    fn push_stored(&mut self, stored: Option<WinStr<'_>>) -> usize {
        let Some(stored) = stored else {
            self.null();
            return 0;
        };
        if self.plain.is_some() {
            stored.push_to(&mut self.texts);
            return self.push_written().0;
        }
        let key = self.seeds.stored.key(stored);
        if let Some(number) = self.find(key) {
            return self.push_number(number);
        }
        stored.push_to(&mut self.texts);
        let (bytes, number) = self.push_written();
        if let Some(number) = number {
            self.know(key, number);
        }
        bytes
    }

    fn size(&self) -> usize {
        self.texts.len()
    }
}

/// The least and the greatest text.
pub(super) fn bounds<'t>(texts: impl Iterator<Item = &'t str>) -> Option<(&'t str, &'t str)> {
    texts.fold(None, |bounds, text| {
        let (least, greatest) = bounds.unwrap_or((text, text));
        Some((least.min(text), greatest.max(text)))
    })
}

/// A dictionary of texts.
pub(super) fn dictionary_page<'t>(texts: impl Iterator<Item = &'t str>) -> DictionaryPage {
    let (mut bytes, mut entries) = (Vec::new(), 0);
    for text in texts {
        push_plain(text, &mut bytes);
        entries += 1;
    }
    DictionaryPage { bytes, entries }
}

fn push_plain(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Texts in each row, without a dictionary. A page is compressed as soon as it is full.
pub(super) struct PlainTexts {
    target: Target,
    codec: Option<Codec>,
    pages: Pages,
    /// The page that is filled, and the first row after the last one.
    page: Vec<u8>,
    text: usize,
    from: usize,
    rows: usize,
    present: Rows,
    bounds: Option<(String, String)>,
    failed: Option<WriteError>,
}

impl PlainTexts {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            codec: None,
            pages: Pages::default(),
            page: Vec::new(),
            text: 0,
            from: 0,
            rows: 0,
            present: Rows::default(),
            bounds: None,
            failed: None,
        }
    }

    /// Appends a row. An error is kept for [`PlainTexts::finish`].
    pub(super) fn push(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.present.insert(self.rows as u32);
            push_plain(text, &mut self.page);
            self.text += text.len();
            if self.target.has_bounds() {
                self.widen(text);
            }
        }
        self.rows += 1;
        let is_full =
            self.page.len() >= self.target.page_bytes || self.rows - self.from >= self.target.page_rows;
        if is_full
            && self.failed.is_none()
            && let Err(error) = self.end_page()
        {
            self.failed = Some(error);
        }
    }

    fn widen(&mut self, text: &str) {
        match &mut self.bounds {
            None => self.bounds = Some((text.to_owned(), text.to_owned())),
            Some((least, _)) if text < least.as_str() => text.clone_into(least),
            Some((_, greatest)) if text > greatest.as_str() => text.clone_into(greatest),
            Some(_) => {}
        }
    }

    fn end_page(&mut self) -> Result<(), WriteError> {
        let codec = match &mut self.codec {
            Some(codec) => codec,
            none => none.insert(Codec::new(self.target.compression)?),
        };
        let facts = PageFacts { encoding: Encoding::PLAIN, bounds: None, text: Some(self.text) };
        let rows = (self.from, self.rows);
        self.pages.push(&self.target, codec, Some(&self.present), rows, facts, |out| {
            out.extend_from_slice(&self.page);
        })?;
        self.page.clear();
        (self.from, self.text) = (self.rows, 0);
        Ok(())
    }

    /// The pages of all rows.
    pub(super) fn finish(&mut self) -> Result<Pages, WriteError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.rows > self.from {
            self.end_page()?;
        }
        Ok(std::mem::take(&mut self.pages))
    }

    /// The least and the greatest text, if the footer has them.
    pub(super) fn bounds(&self) -> impl Iterator<Item = &str> {
        self.bounds.iter().flat_map(|(least, greatest)| [least.as_str(), greatest.as_str()])
    }
}
