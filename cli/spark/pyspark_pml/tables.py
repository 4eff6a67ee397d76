"""The tables as Spark has them. Their columns are those of the wheel, which is asked at run time."""

from __future__ import annotations

import functools
from typing import Any

import procmon_pml
import pyarrow
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StringType, StructField, StructType

TYPES = "portable"
"""Spark has no unsigned integers and no nanoseconds."""

ERROR = "error"
"""The column that says why a capture cannot be read."""


def _plain(kind: Any) -> Any:
    return kind.value_type if pyarrow.types.is_dictionary(kind) else kind


@functools.cache
def _arrow(table: str) -> Any:
    schema = pyarrow.table(procmon_pml.empty(table, types=TYPES)).schema
    return pyarrow.schema([(field.name, _plain(field.type)) for field in schema])


def schema(table: str, *, with_errors: bool = False) -> StructType:
    """The columns of a table, and the column of errors where it is wanted and the table has none."""
    found = from_arrow_schema(_arrow(table))
    if with_errors and ERROR not in found.fieldNames():
        found = StructType([*found.fields, StructField(ERROR, StringType())])
    return found


def sources(columns: list[str]) -> list[str]:
    """The columns of the exact events table that portable columns are made of: ``time`` for ``time_ns``."""
    exact = procmon_pml.columns()
    of_portable = {}
    for name in exact:
        of_portable[name] = name
        # Only times have a second column, whose name begins with that of the first one.
        beside = f"{name}_ns"
        if beside in _arrow("events").names and beside not in exact:
            of_portable[beside] = name
    unknown = [name for name in columns if name not in of_portable]
    if unknown:
        raise ValueError(f"the events table has no column {unknown[0]!r}; its columns are: {', '.join(_arrow('events').names)}")
    wanted = {of_portable[name] for name in columns}
    return [name for name in exact if name in wanted]


def target(wanted: StructType) -> Any:
    """The Arrow schema in which Spark takes rows."""
    return to_arrow_schema(wanted, timezone="UTC")


def fitted(batch: Any, wanted: Any) -> Any:
    """A batch with the columns that are wanted, in their types and order; columns that it does not have are null."""
    arrays = []
    for field in wanted:
        at = batch.schema.get_field_index(field.name)
        if at < 0:
            arrays.append(pyarrow.nulls(batch.num_rows, field.type))
            continue
        array = batch.column(at)
        if pyarrow.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        arrays.append(array if array.type.equals(field.type) else array.cast(field.type))
    return pyarrow.RecordBatch.from_arrays(arrays, schema=wanted)


def row(wanted: Any, **values: Any) -> Any:
    """A batch of one row with these values, as far as their columns are wanted."""
    arrays = [pyarrow.array([values.get(field.name)], field.type) for field in wanted]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=wanted)
