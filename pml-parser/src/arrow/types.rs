//! The types that columns are written with: exact ones, or portable ones that every lake takes.
//!
//! The tables have exact types. The portable ones follow from them by one rule for each Arrow type, so no table has a
//! second list of columns.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, ListArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{
    DataType, Field, FieldRef, Fields, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use std::sync::Arc;

/// The types that the columns of a dataset have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Types {
    /// Those of docs/schema.md: unsigned integers, and times in nanoseconds.
    #[default]
    Exact,
    /// Those that Spark, Iceberg (version 2) and Delta take as well: signed integers, and times in microseconds
    /// with the nanoseconds in a column beside each.
    Portable,
}

/// The end of the name of the column that has the nanoseconds of a time.
const NANOSECONDS: &str = "_ns";

/// Portable types for docs/schema.md: the exact types, and what they become.
pub(super) const RULES: [(&str, &str); 6] = [
    ("UTINYINT, USMALLINT", "INTEGER"),
    ("UINTEGER", "BIGINT"),
    (
        "UBIGINT",
        "BIGINT with the same bits: addresses of the kernel become negative, and `frames.location` shows them",
    ),
    (
        "TIMESTAMPTZ_NS",
        "TIMESTAMPTZ in microseconds, rounded down, and after it a BIGINT column whose name ends in `_ns`: nanoseconds since 1970",
    ),
    ("UINTEGER[]", "BIGINT[]"),
    ("every other type", "the same"),
];

impl Types {
    /// The name of the choice, as `--types` and the column `capture.types` have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Portable => "portable",
        }
    }

    /// The fields that a field of an exact type is written as.
    pub fn fields(self, exact: &FieldRef) -> impl Iterator<Item = FieldRef> + use<> {
        let (own, nanoseconds) = match self {
            Self::Exact => (Arc::clone(exact), None),
            Self::Portable => {
                let field = |name: String, kind| Arc::new(Field::new(name, kind, exact.is_nullable()));
                let beside = matches!(exact.data_type(), DataType::Timestamp(TimeUnit::Nanosecond, _))
                    .then(|| field(format!("{}{NANOSECONDS}", exact.name()), DataType::Int64));
                (field(exact.name().clone(), portable_type(exact.data_type())), beside)
            }
        };
        std::iter::once(own).chain(nanoseconds)
    }

    /// The schema that an exact schema is written as.
    pub fn schema(self, exact: &Schema) -> SchemaRef {
        let fields: Fields = exact.fields().iter().flat_map(|field| self.fields(field)).collect();
        Arc::new(Schema::new_with_metadata(fields, exact.metadata().clone()))
    }

    /// The microseconds of a time in nanoseconds, rounded down.
    pub(crate) fn micros(nanos: i64) -> i64 {
        nanos.div_euclid(1_000)
    }

    /// The array that an array of an exact type is written as, which is no time.
    pub(crate) fn array(self, exact: ArrayRef) -> ArrayRef {
        match self {
            Self::Exact => exact,
            Self::Portable => portable_array(exact),
        }
    }

    /// Appends the arrays that an array of an exact type is written as.
    pub(crate) fn push(self, exact: ArrayRef, arrays: &mut Vec<ArrayRef>) {
        match (self, exact.data_type()) {
            (Self::Portable, DataType::Timestamp(TimeUnit::Nanosecond, zone)) => {
                let times = exact.as_primitive::<TimestampNanosecondType>();
                let micros: PrimitiveArray<TimestampMicrosecondType> = times.unary(Self::micros);
                arrays.push(Arc::new(micros.with_timezone_opt(zone.clone())));
                arrays.push(Arc::new(times.reinterpret_cast::<Int64Type>()));
            }
            _ => arrays.push(self.array(exact)),
        }
    }

    /// The batch that a batch of exact types is written as.
    ///
    /// # Errors
    /// Never, unless Arrow refuses a column.
    pub fn batch(self, exact: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self == Self::Exact {
            return Ok(exact);
        }
        let mut arrays = Vec::with_capacity(exact.num_columns());
        exact.columns().iter().for_each(|array| self.push(Arc::clone(array), &mut arrays));
        RecordBatch::try_new(self.schema(&exact.schema()), arrays)
    }
}

/// The type that a column itself gets.
fn portable_type(exact: &DataType) -> DataType {
    match exact {
        DataType::UInt8 | DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        DataType::List(item) => DataType::List(element(item)),
        same => same.clone(),
    }
}

/// The items of a list. Iceberg finds them by the name that Parquet prescribes.
fn element(item: &Field) -> FieldRef {
    Arc::new(Field::new("element", portable_type(item.data_type()), item.is_nullable()))
}

/// The values of a column that is no time, in its portable type.
fn portable_array(exact: ArrayRef) -> ArrayRef {
    fn widen<From: ArrowPrimitiveType, To: ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef
    where
        To::Native: std::convert::From<From::Native>,
    {
        Arc::new(array.as_primitive::<From>().unary::<_, To>(Into::into))
    }
    match exact.data_type() {
        DataType::UInt8 => widen::<UInt8Type, Int32Type>(&exact),
        DataType::UInt16 => widen::<UInt16Type, Int32Type>(&exact),
        DataType::UInt32 => widen::<UInt32Type, Int64Type>(&exact),
        DataType::UInt64 => {
            Arc::new(exact.as_primitive::<UInt64Type>().unary::<_, Int64Type>(u64::cast_signed))
        }
        DataType::List(item) => {
            let list = exact.as_list::<i32>();
            let values = portable_array(Arc::clone(list.values()));
            Arc::new(ListArray::new(element(item), list.offsets().clone(), values, list.nulls().cloned()))
        }
        _ => exact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{TimestampNanosecondArray, UInt8Array, UInt64Array};

    #[test]
    fn portable_types_keep_bits_and_nanoseconds() {
        let time = TimestampNanosecondArray::from(vec![Some(1_700), None, Some(-1)]).with_timezone("UTC");
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("small", Arc::new(UInt8Array::from(vec![None, Some(255), Some(0)])) as ArrayRef, true),
            ("address", Arc::new(UInt64Array::from(vec![u64::MAX, 1, 1 << 63])), false),
            ("time", Arc::new(time), true),
        ])
        .unwrap();
        let portable = Types::Portable.batch(batch.clone()).unwrap();
        let schema = portable.schema();
        let names: Vec<_> = schema.fields().iter().map(|f| (f.name().as_str(), f.is_nullable())).collect();
        assert_eq!(names, [("small", true), ("address", false), ("time", true), ("time_ns", true)]);
        let small: Vec<_> = portable.column(0).as_primitive::<Int32Type>().iter().collect();
        assert_eq!(small, [None, Some(255), Some(0)]);
        assert_eq!(portable.column(1).as_primitive::<Int64Type>().values(), &[-1, 1, i64::MIN]);
        let micros: Vec<_> = portable.column(2).as_primitive::<TimestampMicrosecondType>().iter().collect();
        assert_eq!(micros, [Some(1), None, Some(-1)]);
        let nanos: Vec<_> = portable.column(3).as_primitive::<Int64Type>().iter().collect();
        assert_eq!(nanos, [Some(1_700), None, Some(-1)]);
        assert_eq!(portable.column(2).data_type(), schema.field(2).data_type());
        assert_eq!(Types::Exact.batch(batch.clone()).unwrap(), batch);
    }
}
