//! Column chunks: pages one after the other, and what the footer says of them.

use super::codec::Codec;
use super::hybrid;
use crate::arrow::column::Rows;
use crate::export::WriteError;
use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, PageType, SortOrder, Type as Physical};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// How the properties of a file have a column.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    descr: ColumnDescPtr,
    pub compression: Compression,
    /// Whether values that repeat get a dictionary.
    pub has_dictionary: bool,
    /// Whether values are written as differences.
    pub is_delta: bool,
    statistics: EnabledStatistics,
    encodings: DictionaryEncodings,
    /// The most rows and bytes of a page, and the most bytes of a dictionary.
    pub page_rows: usize,
    pub page_bytes: usize,
    pub dictionary_bytes: usize,
    /// Bytes of a text in statistics.
    most_of_text: Option<usize>,
}

/// How Parquet calls the two halves of a column with a dictionary.
#[derive(Clone, Copy, Debug)]
struct DictionaryEncodings {
    page: Encoding,
    numbers: Encoding,
}

impl Target {
    pub(super) fn new(descr: ColumnDescPtr, properties: &WriterProperties) -> Self {
        let path = descr.path();
        Self {
            compression: properties.compression(path),
            has_dictionary: properties.dictionary_enabled(path),
            is_delta: properties.encoding(path) == Some(Encoding::DELTA_BINARY_PACKED),
            statistics: properties.statistics_enabled(path),
            encodings: DictionaryEncodings {
                page: properties.dictionary_page_encoding(),
                numbers: properties.dictionary_data_page_encoding(),
            },
            page_rows: properties.column_data_page_row_count_limit(path).max(1),
            page_bytes: properties.column_data_page_size_limit(path),
            dictionary_bytes: properties.column_dictionary_page_size_limit(path),
            most_of_text: properties.statistics_truncate_length(),
            descr,
        }
    }

    /// Whether rows may be NULL.
    pub(super) fn is_nullable(&self) -> bool {
        self.descr.max_def_level() > 0
    }

    /// Whether numbers have 32 bits in the file, and not 64.
    pub(super) fn is_narrow(&self) -> bool {
        self.descr.physical_type() == Physical::INT32
    }

    /// Whether the footer has the least and the greatest value of the chunk.
    pub(super) fn has_bounds(&self) -> bool {
        self.statistics != EnabledStatistics::None
    }

    /// Whether an index has the least and the greatest value of each page.
    pub(super) fn has_page_bounds(&self) -> bool {
        self.statistics == EnabledStatistics::Page
    }

    /// What numbers are compared by: their order in the file, as that of signed numbers.
    pub(super) fn order(&self) -> Order {
        Order { flip: if self.descr.sort_order() == SortOrder::UNSIGNED { i64::MIN } else { 0 } }
    }

    /// The encoding of numbers of dictionary entries.
    pub(super) fn numbers_encoding(&self) -> Encoding {
        self.encodings.numbers
    }

    /// Appends a number as PLAIN has it.
    pub(super) fn push_plain(&self, number: i64, out: &mut Vec<u8>) {
        if self.is_narrow() {
            out.extend_from_slice(&(number as i32).to_le_bytes());
        } else {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// The order of a column's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    flip: i64,
}

impl Order {
    /// The least and the greatest number.
    pub(super) fn bounds(self, numbers: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
        let (mut least, mut greatest, mut is_empty) = (i64::MAX, i64::MIN, true);
        for number in numbers {
            let key = number ^ self.flip;
            (least, greatest, is_empty) = (least.min(key), greatest.max(key), false);
        }
        (!is_empty).then_some((least ^ self.flip, greatest ^ self.flip))
    }

    /// Whether a number is at most another.
    fn is_at_most(self, number: i64, other: i64) -> bool {
        number ^ self.flip <= other ^ self.flip
    }
}

/// The least and the greatest value of a chunk.
pub(super) enum Bounds<'b> {
    Integers(Option<(i64, i64)>),
    Texts(Option<(&'b str, &'b str)>),
}

/// The entries of a dictionary, as PLAIN has them.
pub(super) struct DictionaryPage {
    pub bytes: Vec<u8>,
    pub entries: usize,
}

/// A page whose place in the file is not yet known.
struct DataPage {
    page: CompressedPage,
    rows: usize,
    nulls: usize,
    bounds: Option<(i64, i64)>,
    text: Option<i64>,
}

/// What is known of a page before it is encoded.
pub(super) struct PageFacts {
    pub encoding: Encoding,
    pub bounds: Option<(i64, i64)>,
    /// Bytes of its texts, of rows and not of dictionary entries; `None` for numbers.
    pub text: Option<usize>,
}

/// The data pages of a chunk.
#[derive(Default)]
pub(super) struct Pages {
    pages: Vec<DataPage>,
    scratch: Vec<u8>,
}

/// A chunk that can be appended to a row group.
pub(crate) struct EncodedChunk {
    pub bytes: Bytes,
    pub close: ColumnCloseResult,
}

impl Pages {
    /// Appends the page of the rows `from..to`, whose values `write` appends. `rows` has those that are not NULL;
    /// without it none is.
    pub(super) fn push(
        &mut self,
        target: &Target,
        codec: &mut Codec,
        rows: Option<&Rows>,
        (from, to): (usize, usize),
        facts: PageFacts,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), WriteError> {
        self.scratch.clear();
        let count = to - from;
        let present = rows.map_or(count, |rows| rows.count(from, to));
        if target.is_nullable() {
            // A run, where all rows of the page are alike.
            hybrid::push_levels(rows.filter(|_| present < count), from, to, &mut self.scratch);
        }
        write(&mut self.scratch);
        let page = Page::DataPage {
            buf: codec.compress(&self.scratch)?.into(),
            num_values: count as u32,
            encoding: facts.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.pages.push(DataPage {
            page: CompressedPage::new(page, self.scratch.len()),
            rows: count,
            nulls: count - present,
            bounds: facts.bounds,
            text: facts.text.map(|bytes| bytes as i64),
        });
        Ok(())
    }

    /// Appends the pages of another chunk of the same column.
    pub(super) fn append(&mut self, later: Self) {
        self.pages.extend(later.pages);
    }

    /// The chunk of these pages.
    pub(super) fn finish(
        self,
        target: &Target,
        codec: &mut Codec,
        dictionary: Option<DictionaryPage>,
        bounds: Bounds<'_>,
    ) -> Result<EncodedChunk, WriteError> {
        let room = self.pages.iter().map(|page| page.page.compressed_size() + 64).sum();
        let mut sink = TrackedWrite::new(Vec::with_capacity(room));
        let mut writer = SerializedPageWriter::new(&mut sink);
        let mut totals = Totals::default();
        let mut encodings = vec![Encoding::RLE];
        let mut pages_by_encoding: Vec<PageEncodingStats> = Vec::new();
        let mut dictionary_offset = None;
        if let Some(DictionaryPage { bytes, entries }) = dictionary {
            let page = Page::DictionaryPage {
                buf: codec.compress(&bytes)?.into(),
                num_values: entries as u32,
                encoding: target.encodings.page,
                is_sorted: false,
            };
            let spec = writer.write_page(CompressedPage::new(page, bytes.len()))?;
            dictionary_offset = Some(spec.offset as i64);
            totals.add(spec.compressed_size, spec.uncompressed_size);
            encodings.push(target.encodings.page);
            pages_by_encoding.push(PageEncodingStats {
                page_type: PageType::DICTIONARY_PAGE,
                encoding: target.encodings.page,
                count: 1,
            });
        }
        let mut index = PageIndex::new(target);
        let mut data_offset = None;
        let (mut rows, mut nulls, mut text) = (0, 0, None::<i64>);
        for data in self.pages {
            let encoding = data.page.encoding();
            index.describe(&data)?;
            rows += data.rows;
            nulls += data.nulls;
            text = data.text.map(|bytes| text.unwrap_or(0) + bytes).or(text);
            if !encodings.contains(&encoding) {
                encodings.push(encoding);
            }
            match pages_by_encoding.last_mut() {
                Some(last) if last.page_type == PageType::DATA_PAGE && last.encoding == encoding => {
                    last.count += 1;
                }
                _ => pages_by_encoding.push(PageEncodingStats {
                    page_type: PageType::DATA_PAGE,
                    encoding,
                    count: 1,
                }),
            }
            let spec = writer.write_page(data.page)?;
            index.place(spec.offset as i64, spec.compressed_size as i32);
            data_offset.get_or_insert(spec.offset as i64);
            totals.add(spec.compressed_size, spec.uncompressed_size);
        }
        writer.close()?;
        let mut metadata = ColumnChunkMetaData::builder(target.descr.clone())
            .set_compression(target.compression)
            .set_encodings(encodings)
            .set_page_encoding_stats(pages_by_encoding)
            .set_total_compressed_size(totals.compressed)
            .set_total_uncompressed_size(totals.uncompressed)
            .set_num_values(rows as i64)
            .set_data_page_offset(data_offset.unwrap_or(0))
            .set_dictionary_page_offset(dictionary_offset);
        if target.has_bounds() {
            metadata = metadata
                .set_statistics(statistics(target, bounds, nulls as u64))
                .set_unencoded_byte_array_data_bytes(text)
                .set_definition_level_histogram(histogram(target, rows, nulls));
        }
        let (column_index, offset_index) = index.finish()?;
        let close = ColumnCloseResult {
            bytes_written: totals.compressed as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index,
            offset_index: Some(offset_index),
        };
        Ok(EncodedChunk { bytes: sink.into_inner()?.into(), close })
    }
}

/// Sizes of a chunk in bytes.
#[derive(Default)]
struct Totals {
    compressed: i64,
    uncompressed: i64,
}

impl Totals {
    fn add(&mut self, compressed: usize, uncompressed: usize) {
        self.compressed += compressed as i64;
        self.uncompressed += uncompressed as i64;
    }
}

/// How many rows have which level: NULL, a value.
fn histogram(target: &Target, rows: usize, nulls: usize) -> Option<LevelHistogram> {
    let mut levels = LevelHistogram::try_new(target.descr.max_def_level())?;
    levels.increment_by(0, nulls as i64);
    levels.increment_by(1, (rows - nulls) as i64);
    Some(levels)
}

fn statistics(target: &Target, bounds: Bounds<'_>, nulls: u64) -> Statistics {
    let is_signed = target.descr.sort_order().is_signed();
    match bounds {
        Bounds::Texts(bounds) => {
            let (least, greatest) = bounds.map(|(a, b)| (shorten(target, a), lift(target, b))).unzip();
            let is_exact = |bound: &Option<(ByteArray, bool)>| bound.as_ref().is_none_or(|bound| bound.1);
            let (least_is_exact, greatest_is_exact) = (is_exact(&least), is_exact(&greatest));
            let text = |bound: Option<(ByteArray, bool)>| bound.map(|bound| bound.0);
            ValueStatistics::new(text(least), text(greatest), None, Some(nulls), false)
                .with_min_is_exact(least_is_exact)
                .with_max_is_exact(greatest_is_exact)
                .with_backwards_compatible_min_max(is_signed)
                .into()
        }
        Bounds::Integers(bounds) => integer_statistics(target, bounds, nulls),
    }
}

fn integer_statistics(target: &Target, bounds: Option<(i64, i64)>, nulls: u64) -> Statistics {
    let is_signed = target.descr.sort_order().is_signed();
    let (least, greatest) = bounds.unzip();
    if target.is_narrow() {
        let narrow = |bound: Option<i64>| bound.map(|bound| bound as i32);
        ValueStatistics::new(narrow(least), narrow(greatest), None, Some(nulls), false)
            .with_backwards_compatible_min_max(is_signed)
            .into()
    } else {
        ValueStatistics::new(least, greatest, None, Some(nulls), false)
            .with_backwards_compatible_min_max(is_signed)
            .into()
    }
}

/// A text that is at most as great, short enough for statistics, and whether it is the same.
fn shorten(target: &Target, text: &str) -> (ByteArray, bool) {
    let most = target.most_of_text.unwrap_or(usize::MAX);
    match text.floor_char_boundary_at(most) {
        Some(short) if !short.is_empty() => (short.into(), false),
        _ => (text.into(), true),
    }
}

/// A text that is at least as great, short enough for statistics where there is one, and whether it is the same.
fn lift(target: &Target, text: &str) -> (ByteArray, bool) {
    let most = target.most_of_text.unwrap_or(usize::MAX);
    let lifted = text.floor_char_boundary_at(most).and_then(|short| {
        short.char_indices().rev().find_map(|(at, last)| {
            let next = char::from_u32(u32::from(last) + 1)?;
            (next.len_utf8() == last.len_utf8()).then(|| {
                let mut lifted = short.get(..at).unwrap_or_default().to_owned();
                lifted.push(next);
                lifted
            })
        })
    });
    match lifted {
        Some(lifted) => (lifted.as_str().into(), false),
        None => (text.into(), true),
    }
}

/// The beginning of a text.
trait Beginning {
    /// At most this many bytes, whole characters; `None` where that is the whole text.
    fn floor_char_boundary_at(&self, most: usize) -> Option<&str>;
}

impl Beginning for str {
    fn floor_char_boundary_at(&self, most: usize) -> Option<&str> {
        if self.len() <= most {
            return None;
        }
        let mut end = most;
        while !self.is_char_boundary(end) {
            end -= 1;
        }
        self.get(..end)
    }
}

/// The indexes of the pages of a chunk.
struct PageIndex<'t> {
    target: &'t Target,
    columns: ColumnIndexBuilder,
    offsets: OffsetIndexBuilder,
    last: Option<(i64, i64)>,
    ascends: bool,
    descends: bool,
}

impl<'t> PageIndex<'t> {
    fn new(target: &'t Target) -> Self {
        Self {
            target,
            columns: ColumnIndexBuilder::new(target.descr.physical_type()),
            offsets: OffsetIndexBuilder::new(),
            last: None,
            ascends: true,
            descends: true,
        }
    }

    fn describe(&mut self, page: &DataPage) -> Result<(), WriteError> {
        self.offsets.append_row_count(page.rows as i64);
        self.offsets.append_unencoded_byte_array_data_bytes(page.text);
        if !self.target.has_page_bounds() {
            return Ok(());
        }
        let nulls = page.nulls as i64;
        match page.bounds {
            None => self.columns.append(true, Vec::new(), Vec::new(), nulls, None),
            Some((least, greatest)) => {
                let order = self.target.order();
                if let Some((last_least, last_greatest)) = self.last {
                    self.ascends &=
                        order.is_at_most(last_least, least) && order.is_at_most(last_greatest, greatest);
                    self.descends &=
                        order.is_at_most(least, last_least) && order.is_at_most(greatest, last_greatest);
                }
                self.last = page.bounds;
                let bytes = |number| {
                    let mut out = Vec::new();
                    self.target.push_plain(number, &mut out);
                    out
                };
                self.columns.append(false, bytes(least), bytes(greatest), nulls, None);
            }
        }
        self.columns.append_histograms(&None, &histogram(self.target, page.rows, page.nulls));
        Ok(())
    }

    fn place(&mut self, offset: i64, bytes: i32) {
        self.offsets.append_offset_and_size(offset, bytes);
    }

    fn finish(mut self) -> Result<Indexes, WriteError> {
        self.columns.set_boundary_order(match (self.ascends, self.descends) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        });
        let columns = self.target.has_page_bounds().then(|| self.columns.build()).transpose()?;
        Ok((columns, self.offsets.build()))
    }
}

type Indexes = (
    Option<parquet::file::page_index::column_index::ColumnIndexMetaData>,
    parquet::file::page_index::offset_index::OffsetIndexMetaData,
);
