"""Filters of Spark in the language of ``--where``.

What is pushed may select more than Spark wants, never less: Spark looks again at every row. Texts are compared without
case in the language of ``--where``, and with it in Spark, so that no negation of a text is pushed.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable
from typing import Any

import procmon_pml
import pyarrow
from pyspark.sql import datasource as spark

_TICK = datetime.timedelta(microseconds=1)
"""Portable times are rounded down to it."""


@functools.cache
def _kind(column: str) -> Any:
    schema = pyarrow.table(procmon_pml.empty("events")).schema
    at = schema.get_field_index(column)
    if at < 0:
        return None
    kind = schema.field(at).type
    return kind.value_type if pyarrow.types.is_dictionary(kind) else kind


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _time(value: datetime.datetime) -> str:
    utc = value.astimezone(datetime.timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond:06d}Z"


def _number(kind: Any, value: int) -> str:
    # 64 bits are signed in portable types.
    return str(value + (1 << 64) if value < 0 and pyarrow.types.is_uint64(kind) else value)


def _equal(column: str, value: Any) -> str | None:
    kind = _kind(column)
    if isinstance(value, bool) or kind is None:
        return None
    if isinstance(value, str) and pyarrow.types.is_string(kind):
        return f"{column} = {_text(value)}"
    if isinstance(value, int) and pyarrow.types.is_integer(kind):
        return f"{column} = {_number(kind, value)}"
    if isinstance(value, datetime.datetime) and pyarrow.types.is_timestamp(kind):
        return f"{column} >= {_time(value)} and {column} < {_time(value + _TICK)}"
    return None


def _ordered(column: str, operator: str, value: Any) -> str | None:
    kind = _kind(column)
    if isinstance(value, bool) or kind is None:
        return None
    if isinstance(value, int) and pyarrow.types.is_integer(kind):
        # Unsigned 64 bits from 2^63 on are negative for Spark: they are below every number there.
        if pyarrow.types.is_uint64(kind) and (value < 0 or operator in ("<", "<=")):
            return None
        return f"{column} {operator} {value}" if value >= 0 or pyarrow.types.is_signed_integer(kind) else None
    if isinstance(value, datetime.datetime) and pyarrow.types.is_timestamp(kind):
        if operator in ("<=", ">"):
            # Up to the next microsecond, a time is rounded down to this one.
            return f"{column} < {_time(value + _TICK)}" if operator == "<=" else f"{column} >= {_time(value)}"
        return f"{column} {operator} {_time(value)}"
    return None


def _among(column: str, values: Iterable[Any]) -> str | None:
    known = [_equal(column, value) for value in values if value is not None]
    if not known or any(one is None for one in known):
        return None
    return "(" + " or ".join(f"({one})" for one in known) + ")"


def _like(column: str, operator: str, value: Any) -> str | None:
    kind = _kind(column)
    is_text = isinstance(value, str) and kind is not None and pyarrow.types.is_string(kind)
    return f"{column} {operator} {_text(value)}" if is_text and value else None


def _negated(child: spark.Filter) -> str | None:
    if not isinstance(child, (spark.EqualTo, spark.In)) or len(child.attribute) != 1:
        return None
    values = child.value if isinstance(child, spark.In) else [child.value]
    kind = _kind(child.attribute[0])
    if kind is None or not pyarrow.types.is_integer(kind) or not all(type(value) is int for value in values):
        return None
    listed = ", ".join(_number(kind, value) for value in values)
    return f"{child.attribute[0]} not in ({listed})"


def _expression(given: spark.Filter) -> str | None:
    if isinstance(given, spark.Not):
        return _negated(given.child)
    attribute: tuple[str, ...] = getattr(given, "attribute", ())
    if len(attribute) != 1:
        return None
    column = attribute[0]
    match given:
        case spark.EqualTo(value=value):
            return _equal(column, value)
        case spark.EqualNullSafe(value=value):
            return _equal(column, value) if value is not None else None
        case spark.In(value=values):
            return _among(column, values)
        case spark.GreaterThan(value=value):
            return _ordered(column, ">", value)
        case spark.GreaterThanOrEqual(value=value):
            return _ordered(column, ">=", value)
        case spark.LessThan(value=value):
            return _ordered(column, "<", value)
        case spark.LessThanOrEqual(value=value):
            return _ordered(column, "<=", value)
        case spark.StringStartsWith(value=value):
            return _like(column, "starts_with", value)
        case spark.StringEndsWith(value=value):
            return _like(column, "ends_with", value)
        case spark.StringContains(value=value):
            return _like(column, "contains", value)
        case spark.IsNull():
            return f"{column} is null" if _kind(column) is not None else None
        case spark.IsNotNull():
            return f"{column} is not null" if _kind(column) is not None else None
    return None


def expression(given: spark.Filter) -> str | None:
    """A filter in the language of ``--where``, if there is one that selects no less."""
    found = _expression(given)
    if found is None:
        return None
    try:
        procmon_pml.check(found)
    except procmon_pml.PmlError:
        # A column without a filter, a test of null of a column that every event has, a text that no event has.
        return None
    return found


def captures(given: spark.Filter) -> set[str] | None:
    """The ids that a filter wants, if it is one of captures."""
    if getattr(given, "attribute", ()) != ("capture",):
        return None
    match given:
        case spark.EqualTo(value=str(value)):
            return {value}
        case spark.In(value=values):
            return {value for value in values if isinstance(value, str)}
    return None


def joined(expressions: list[str]) -> str | None:
    """An expression that holds where all of these do."""
    return " and ".join(f"({one})" for one in expressions) or None
