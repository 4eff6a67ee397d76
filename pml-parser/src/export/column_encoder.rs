//! Encodes the columns of a Parquet row group, one after the other.

use super::WriteError;
use arrow::array::ArrayRef;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io;
use std::sync::Arc;

/// Encodes single columns of a flat table, on any thread.
///
/// The encoder of a column exists only while the column is written. The dictionary, the compressor and the
/// page of one column fit the processor's cache; those of all columns of a row group do not.
pub struct ColumnEncoders {
    columns: Vec<(FieldRef, ArrowRowGroupWriterFactory)>,
}

impl ColumnEncoders {
    /// Encoders for the columns of a table.
    ///
    /// # Errors
    /// When Parquet cannot express the type of a column.
    pub fn new(schema: &SchemaRef, properties: &WriterProperties) -> Result<Self, WriteError> {
        let columns = schema.fields().iter().map(|field| {
            let alone = Arc::new(Schema::new(vec![Arc::clone(field)]));
            let writer = ArrowWriter::try_new(io::sink(), alone, Some(properties.clone()))?;
            Ok((Arc::clone(field), writer.into_serialized_writer()?.1))
        });
        Ok(Self { columns: columns.collect::<Result<_, ParquetError>>()? })
    }

    fn open(&self, column: usize) -> Result<ArrowColumnWriter, WriteError> {
        let factory = self.columns.get(column).map(|column| &column.1);
        let writer = factory.map(|factory| factory.create_column_writers(0)).transpose()?;
        let writer = writer.and_then(|mut writers| writers.pop());
        Ok(writer.ok_or_else(|| ParquetError::General(format!("there is no column {column}")))?)
    }

    fn write<'b>(
        &self,
        column: usize,
        writer: &mut ArrowColumnWriter,
        arrays: impl Iterator<Item = &'b ArrayRef>,
    ) -> Result<(), WriteError> {
        let Some((field, _)) = self.columns.get(column) else { return Ok(()) };
        for array in arrays {
            for leaf in compute_leaves(field, array)? {
                writer.write(&leaf)?;
            }
        }
        Ok(())
    }

    /// Encodes a whole column of a row group.
    ///
    /// # Errors
    /// When there is no such column, or encoding fails.
    pub fn encode(&self, column: usize, array: &ArrayRef) -> Result<ArrowColumnChunk, WriteError> {
        let mut writer = self.open(column)?;
        self.write(column, &mut writer, std::iter::once(array))?;
        Ok(writer.close()?)
    }
}

/// The most bytes of text that wait to be encoded: more than a row group of real events has.
const WAITING_TEXT: usize = 16 << 20;

/// A row group that is filled batch by batch and encoded column by column.
pub struct RowGroup<'e> {
    encoders: &'e ColumnEncoders,
    /// Arrays of the columns from the first one on, batch by batch.
    waiting: Vec<Vec<ArrayRef>>,
    text: usize,
    /// Columns that were begun because too much text was waiting.
    begun: Vec<ArrowColumnWriter>,
}

impl<'e> RowGroup<'e> {
    /// An empty row group.
    pub fn new(encoders: &'e ColumnEncoders) -> Self {
        Self { encoders, waiting: Vec::new(), text: 0, begun: Vec::new() }
    }

    /// Appends a batch that has `text` bytes of text. All batches of a row group may lack the same columns at
    /// the end.
    ///
    /// # Errors
    /// When encoding fails.
    pub fn push(&mut self, batch: Vec<ArrayRef>, text: usize) -> Result<(), WriteError> {
        self.waiting.push(batch);
        self.text += text;
        if self.text >= WAITING_TEXT {
            self.text = 0;
            let mut begun = std::mem::take(&mut self.begun).into_iter();
            for column in 0..self.columns() {
                let mut writer = begun.next().map_or_else(|| self.encoders.open(column), Ok)?;
                self.encoders.write(column, &mut writer, self.column(column))?;
                self.begun.push(writer);
            }
            self.waiting.clear();
        }
        Ok(())
    }

    fn columns(&self) -> usize {
        self.waiting.first().map_or(self.begun.len(), Vec::len)
    }

    fn column(&self, column: usize) -> impl Iterator<Item = &ArrayRef> {
        self.waiting.iter().filter_map(move |batch| batch.get(column))
    }

    /// Encodes the rest, and returns the columns of the row group.
    ///
    /// # Errors
    /// When encoding fails.
    pub fn finish(mut self) -> Result<Vec<ArrowColumnChunk>, WriteError> {
        let mut begun = std::mem::take(&mut self.begun).into_iter();
        let columns = self.columns().max(begun.len());
        let encode = |column| {
            let mut writer = begun.next().map_or_else(|| self.encoders.open(column), Ok)?;
            self.encoders.write(column, &mut writer, self.column(column))?;
            Ok(writer.close()?)
        };
        (0..columns).map(encode).collect()
    }
}
