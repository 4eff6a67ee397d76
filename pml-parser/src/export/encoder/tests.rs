//! Columns of any values, NULLs and dictionaries, encoded here and by the `parquet` crate.

use super::*;
use crate::arrow::column::{DictionaryColumn, SparseColumn, Texts};
use crate::columns::EVENTS;
use crate::export::parquet::{Compression, properties, table_file};
use crate::log::Log;
use crate::log::set::LogSet;
use crate::text::WinStr;
use crate::time::FileTime;
use arrow::array::{
    Array, ArrayRef, Int64Array, StringArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use proptest::prelude::*;
use std::sync::Arc;

/// How a file is written.
#[derive(Clone, Copy, Debug)]
struct Setting {
    types: Types,
    compression: Compression,
    page_rows: usize,
    page_bytes: usize,
    dictionary_bytes: usize,
}

impl Setting {
    fn properties(self, column: &'static Column) -> WriterProperties {
        properties(self.compression, self.types, [column])
            .into_builder()
            .set_data_page_row_count_limit(self.page_rows)
            .set_data_page_size_limit(self.page_bytes)
            .set_dictionary_page_size_limit(self.dictionary_bytes)
            .set_write_batch_size(1)
            .build()
    }
}

fn settings() -> impl Strategy<Value = Setting> {
    let types = prop_oneof![Just(Types::Exact), Just(Types::Portable)];
    let compression = prop_oneof![
        Just(Compression::Zstd),
        Just(Compression::Snappy),
        Just(Compression::Lz4),
        Just(Compression::None)
    ];
    let page_rows = prop_oneof![1..40usize, Just(100), Just(20_000)];
    let page_bytes = prop_oneof![Just(64usize), Just(1 << 20)];
    let dictionary_bytes = prop_oneof![1..300usize, Just(8 << 20)];
    (types, compression, page_rows, page_bytes, dictionary_bytes).prop_map(
        |(types, compression, page_rows, page_bytes, dictionary_bytes)| Setting {
            types,
            compression,
            page_rows,
            page_bytes,
            dictionary_bytes,
        },
    )
}

/// Runs of numbers, of few or many different ones, small or large, and of NULL.
fn numbers() -> impl Strategy<Value = Vec<Option<u64>>> {
    let number = prop_oneof![
        4 => (0..3u64).boxed(),
        4 => (0..300u64).boxed(),
        2 => any::<u32>().prop_map(u64::from).boxed(),
        2 => any::<u64>().boxed(),
        1 => Just(u64::MAX).boxed(),
        1 => Just(1u64 << 63).boxed(),
        1 => Just((1u64 << 63) - 1).boxed(),
    ];
    let run = (
        prop::option::weighted(0.7, number),
        prop_oneof![6 => 1..4usize, 2 => 4..40usize, 1 => 60..200usize],
    );
    prop::collection::vec(run, 0..60).prop_map(|runs| {
        runs.into_iter().flat_map(|(number, length)| std::iter::repeat_n(number, length)).collect()
    })
}

fn texts() -> impl Strategy<Value = Vec<Option<String>>> {
    let text = prop_oneof![
        3 => "[a-c]{0,2}".boxed(),
        2 => "[a-z]{1,12}".boxed(),
        1 => "\\PC{0,40}".boxed(),
        1 => "[\u{10FFFE}\u{10FFFF}\u{7F}é]{60,70}".boxed(),
    ];
    let run = (prop::option::weighted(0.8, text), prop_oneof![6 => 1..4usize, 2 => 4..40usize]);
    prop::collection::vec(run, 0..50).prop_map(|runs| {
        runs.into_iter().flat_map(|(text, length)| std::iter::repeat_n(text, length)).collect()
    })
}

fn column(name: &str) -> &'static Column {
    EVENTS.columns.iter().find(|column| column.name == name).unwrap()
}

fn labels(types: Types) -> Labels {
    let set = LogSet::new(vec![Log::parse(pml_samples::minimal::log(true).unwrap()).unwrap()]);
    Labels::new(&set, types, None)
}

/// The file that the `parquet` crate makes of an array.
fn reference(column: &'static Column, setting: Setting, array: ArrayRef) -> Vec<u8> {
    let mut arrays = Vec::new();
    setting.types.push(array, &mut arrays);
    let schema = EventColumnSet::named([column.name]).unwrap().schema(setting.types);
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut out = Vec::new();
    let mut writer = table_file(&mut out, schema, setting.types, setting.properties(column)).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    out
}

/// The file that this encoder makes of a column, whose chunks `encode` gives.
fn direct(
    column: &'static Column,
    setting: Setting,
    rows: usize,
    encode: impl FnOnce(&EventEncoder, &mut ColumnWork<'_>) -> Vec<EncodedChunk>,
) -> Vec<u8> {
    let set = EventColumnSet::named([column.name]).unwrap();
    let properties = setting.properties(column);
    let mut out = Vec::new();
    let writer = table_file(&mut out, set.schema(setting.types), setting.types, properties.clone()).unwrap();
    let mut writer = writer.into_serialized_writer().unwrap().0;
    let encoder = EventEncoder::new(&set, setting.types, writer.schema_descr(), &properties).unwrap();
    let targets = encoder.targets(column).unwrap();
    let mut codec = Codec::new(targets[0].compression).unwrap();
    let mut work = ColumnWork { targets, seeds: &encoder.seeds, codec: &mut codec, rows };
    if rows > 0 {
        let mut group = writer.next_row_group().unwrap();
        for chunk in encode(&encoder, &mut work) {
            group.append_column(&chunk.bytes, chunk.close).unwrap();
        }
        group.close().unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    out
}

fn read(file: &[u8]) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file)).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn metadata(file: &[u8]) -> ParquetMetaData {
    let options = ReadOptionsBuilder::new().with_page_index().build();
    let reader = SerializedFileReader::new_with_options(Bytes::copy_from_slice(file), options).unwrap();
    reader.metadata().clone()
}

/// Both files have the same rows, and say the same of them.
fn assert_same(column: &'static Column, rows: usize, direct: &[u8], reference: &[u8]) {
    assert_eq!(read(direct), read(reference), "{}", column.name);
    if rows == 0 {
        return;
    }
    let (direct, reference) = (metadata(direct), metadata(reference));
    assert_eq!(direct.file_metadata().schema_descr(), reference.file_metadata().schema_descr());
    let (ours, theirs) = (direct.row_group(0), reference.row_group(0));
    assert_eq!(ours.num_rows(), theirs.num_rows());
    for (at, (ours, theirs)) in ours.columns().iter().zip(theirs.columns()).enumerate() {
        assert_eq!(ours.statistics(), theirs.statistics(), "{}", column.name);
        assert_eq!(ours.num_values(), theirs.num_values());
        assert_eq!(ours.compression(), theirs.compression());
        assert_eq!(ours.definition_level_histogram(), theirs.definition_level_histogram());
        assert_eq!(ours.unencoded_byte_array_data_bytes(), theirs.unencoded_byte_array_data_bytes());
        assert_eq!(ours.dictionary_page_offset().is_some(), theirs.dictionary_page_offset().is_some());
        let (our_index, their_index) =
            (direct.page_index_for_row_group(0), reference.page_index_for_row_group(0));
        let (ours, theirs) = (our_index.offset_index(at), their_index.offset_index(at));
        let firsts = |index: Option<&parquet::file::page_index::offset_index::OffsetIndexMetaData>| {
            let pages = index.unwrap().page_locations();
            pages.iter().map(|page| page.first_row_index).collect::<Vec<_>>()
        };
        if firsts(ours) == firsts(theirs) {
            assert_eq!(our_index.column_index(at), their_index.column_index(at), "{}", column.name);
        }
    }
}

/// The names of the columns of numbers, one for each type and way of filling it.
const NUMBERS: [&str; 7] = [
    "disposition",
    "share_mode",
    "desired_access",
    "length",
    "byte_offset",
    "exit_status",
    "registry_number",
];

fn tested() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(tested())]

    #[test]
    fn sparse_numbers_are_those_of_the_parquet_crate(
        setting in settings(), values in numbers(), name in prop::sample::select(&NUMBERS[..]),
    ) {
        let column = column(name);
        let filled = || {
            let mut numbers = SparseColumn::default();
            for (row, value) in values.iter().enumerate() {
                if let Some(value) = value {
                    numbers.set(row as u32, *value);
                }
            }
            numbers
        };
        let rows = values.len();
        let ours = direct(column, setting, rows, |_, work| {
            let mut chunks = Vec::new();
            let filled = &mut filled();
            work.push(column, Filled::Sparse(filled, column.kind), &labels(setting.types), &mut chunks).unwrap();
            chunks
        });
        let theirs = reference(column, setting, filled().finish(rows, column.kind));
        assert_same(column, rows, &ours, &theirs);
    }

    #[test]
    fn dense_numbers_are_those_of_the_parquet_crate(
        setting in settings(), values in numbers(), which in 0..6usize,
    ) {
        let name = ["tid", "sequence", "event_id", "pid", "duration_ns", "stack_id"][which];
        let column = column(name);
        let rows = values.len();
        let mut narrow: Vec<u32> = values.iter().map(|value| value.unwrap_or(7) as u32).collect();
        let mut wide: Vec<u64> = values.iter().map(|value| value.unwrap_or(7)).collect();
        let mut maybe_narrow: Vec<Option<u32>> = values.iter().map(|value| value.map(|value| value as u32)).collect();
        let mut maybe_wide: Vec<Option<i64>> = values.iter().map(|value| value.map(u64::cast_signed)).collect();
        let array: ArrayRef = match which {
            0 | 1 => Arc::new(UInt32Array::from(narrow.clone())),
            2 => Arc::new(UInt64Array::from(wide.clone())),
            3 | 5 => Arc::new(UInt32Array::from(maybe_narrow.clone())),
            _ => Arc::new(Int64Array::from(maybe_wide.clone())),
        };
        let ours = direct(column, setting, rows, |_, work| {
            let mut chunks = Vec::new();
            let filled = match which {
                0 | 1 => Filled::U32(&mut narrow),
                2 => Filled::U64(&mut wide),
                3 => Filled::MaybeU32(&mut maybe_narrow),
                4 => Filled::MaybeI64(&mut maybe_wide),
                _ => {
                    // Stacks have local ids in the order in which they first come.
                    let mut ids: Vec<u32> = Vec::new();
                    let mut local = |id: u32| match ids.iter().position(|&known| known == id) {
                        Some(at) => at as u32,
                        None => {
                            ids.push(id);
                            ids.len() as u32 - 1
                        }
                    };
                    let rows: Vec<_> = maybe_narrow.iter().map(|id| id.map(&mut local)).collect();
                    return vec![work.stacks(&rows).unwrap().finish(&ids).unwrap()];
                }
            };
            work.push(column, filled, &labels(setting.types), &mut chunks).unwrap();
            chunks
        });
        assert_same(column, rows, &ours, &reference(column, setting, array));
    }

    #[test]
    fn times_are_those_of_the_parquet_crate(
        setting in settings(), values in numbers(), name in prop::sample::select(&["time", "seconds"][..]), rises: bool,
    ) {
        let column = column(name);
        let mut last = 133_485_408_450_000_000;
        let times: Vec<FileTime> = values
            .iter()
            .map(|value| {
                last += value.unwrap_or(1) % 1_000_000;
                FileTime(if rises { last } else { value.unwrap_or(last) })
            })
            .collect();
        let array: ArrayRef = match name {
            "time" => {
                let nanos = times.iter().map(|time| time.unix_nanos());
                Arc::new(TimestampNanosecondArray::from_iter(nanos).with_timezone("UTC"))
            }
            _ => labels(setting.types).seconds(&times),
        };
        let ours = direct(column, setting, times.len(), |_, work| {
            let mut chunks = Vec::new();
            work.push(column, Filled::Times(&times), &labels(setting.types), &mut chunks).unwrap();
            chunks
        });
        assert_same(column, times.len(), &ours, &reference(column, setting, array));
    }

    #[test]
    fn words_are_those_of_the_parquet_crate(setting in settings(), values in texts()) {
        let column = column("process_name");
        let filled = || {
            let mut words = DictionaryColumn::default();
            for (row, text) in values.iter().enumerate() {
                match text {
                    // Two keys for each text.
                    Some(text) => words.push((text.clone().leak() as &str, row % 2), |out| out.push_str(text)),
                    None => words.null(),
                }
            }
            words
        };
        let rows = values.len();
        let ours = direct(column, setting, rows, |_, work| {
            let mut chunks = Vec::new();
            work.push(column, Filled::Words(&mut filled()), &labels(setting.types), &mut chunks).unwrap();
            chunks
        });
        let ours = read(&ours);
        let found: Vec<Option<String>> = strings(ours.column(0));
        prop_assert_eq!(&found, &values);
    }

    #[test]
    fn texts_are_those_of_the_parquet_crate(
        setting in settings(),
        values in texts(),
        name in prop::sample::select(&["path", "target_path", "detail", "registry_data"][..]),
        stored: bool,
    ) {
        let column = column(name);
        let values: Vec<Option<String>> = match column.nullable {
            true => values,
            false => values.into_iter().map(|text| Some(text.unwrap_or_default())).collect(),
        };
        let rows = values.len();
        let ours = direct(column, setting, rows, |encoder, work| {
            let mut filled = encoder.texts(column, rows).unwrap();
            for (row, text) in values.iter().enumerate() {
                let utf16: Option<Vec<u8>> =
                    text.as_ref().map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
                let bytes = match stored && row % 3 > 0 {
                    true => filled.push_stored(utf16.as_deref().map(WinStr::Utf16)),
                    false => filled.push(|out| {
                        out.push_str(text.as_deref().unwrap_or("taken back"));
                        text.is_some()
                    }),
                };
                assert_eq!(bytes, text.as_deref().unwrap_or_default().len());
            }
            vec![filled.finish(work.codec).unwrap()]
        });
        let theirs = reference(column, setting, Arc::new(StringArray::from(values)));
        assert_same(column, rows, &ours, &theirs);
    }
}

fn strings(array: &ArrayRef) -> Vec<Option<String>> {
    let texts = arrow::compute::cast(array, &arrow::datatypes::DataType::Utf8).unwrap();
    let texts = texts.as_any().downcast_ref::<StringArray>().unwrap();
    texts.iter().map(|text| text.map(str::to_owned)).collect()
}

/// What does not fit the dictionary is written plain, page by page, and a column keeps only its dictionary in memory.
#[test]
fn texts_beyond_the_dictionary_are_written_plain() {
    let column = column("registry_data");
    let setting = Setting {
        types: Types::Exact,
        compression: Compression::Zstd,
        page_rows: 20_000,
        page_bytes: 1 << 20,
        dictionary_bytes: 1 << 16,
    };
    let text = |row: usize| format!("{row:0>900}");
    let rows = 5_000;
    let ours = direct(column, setting, rows, |encoder, work| {
        let mut filled = encoder.texts(column, rows).unwrap();
        for row in 0..rows {
            filled.push(|out| {
                out.push_str(&text(row));
                true
            });
            assert!(filled.size() <= setting.dictionary_bytes);
        }
        vec![filled.finish(work.codec).unwrap()]
    });
    let found = strings(read(&ours).column(0));
    assert_eq!(found.len(), rows);
    assert!(found.iter().enumerate().all(|(row, found)| found.as_deref() == Some(&*text(row))));
    let metadata = metadata(&ours);
    let encodings: Vec<_> = metadata.row_group(0).column(0).encodings().collect();
    assert!(encodings.contains(&Encoding::PLAIN) && encodings.contains(&Encoding::RLE_DICTIONARY));
    let index = metadata.page_index_for_row_group(0);
    assert!(index.offset_index(0).unwrap().page_locations().len() >= 4);
}
