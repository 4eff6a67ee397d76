"""The format ``pml``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import procmon_pml
import pyarrow
from pyspark.sql.datasource import DataSource, DataSourceReader, Filter, InputPartition
from pyspark.sql.types import StructType

from . import pushdown, tables
from .captures import Capture, at_hand, find

EVENTS = "events"
STACK_ID = "stack_id"
SHARE_BYTES = 512 << 20
"""Bytes of a log that one task reads of a large capture."""


def _is_true(name: str, value: str) -> bool:
    known = {"true": True, "false": False}
    if value.lower() not in known:
        raise ValueError(f"option {name!r} is true or false, not {value!r}")
    return known[value.lower()]


def _bytes(name: str, value: str) -> int:
    units = {"k": 10, "m": 20, "g": 30}
    digits, unit = (value[:-1], units[value[-1].lower()]) if value[-1:].lower() in units else (value, 0)
    if not digits.isdigit() or int(digits) == 0:
        raise ValueError(f"option {name!r} is a number of bytes, such as 512m, not {value!r}")
    return int(digits) << unit


@dataclass(frozen=True)
class Options:
    """What a reading is to do."""

    paths: tuple[str, ...]
    table: str = EVENTS
    where: str | None = None
    on_error: str = "fail"
    pushdown: bool = False
    recover: bool = False
    all_parts: bool = True
    share_bytes: int = SHARE_BYTES
    lang: str = "en"
    temp: str | None = None
    mmap: bool = True

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Options:
        """The options of ``spark.read.option(…).load(…)``."""
        options = {name.lower(): value for name, value in given.items()}
        paths = json.loads(options.pop("paths", "[]"))
        paths += [options.pop("path")] if "path" in options else []
        if not paths:
            raise ValueError("there is no path: name captures, folders or archives with .load(…)")
        table = options.pop("table", EVENTS)
        if table not in procmon_pml.tables():
            raise ValueError(f"there is no table {table!r}: the tables are {', '.join(procmon_pml.tables())}")
        has_errors = tables.ERROR in tables.schema(table).fieldNames()
        where = options.pop("filter", None)
        if where is not None:
            procmon_pml.check(where)
        on_error = options.pop("on_error", "rows" if has_errors else "fail")
        if on_error not in ("fail", "skip", "rows"):
            raise ValueError(f"option 'on_error' is fail, skip or rows, not {on_error!r}")
        lang = options.pop("lang", "en")
        flags = {
            name: _is_true(name, options.pop(name, default))
            for name, default in [("pushdown", "false"), ("recover", "false"), ("all_parts", "true"), ("mmap", "true")]
        }
        share_bytes = _bytes("share_bytes", options.pop("share_bytes", str(SHARE_BYTES)))
        temp = options.pop("temp", None)
        if options:
            known = "table, filter, on_error, pushdown, recover, all_parts, share_bytes, lang, temp, mmap"
            raise ValueError(f"there is no option {min(options)!r}: the options are {known}")
        return cls(tuple(paths), table, where, on_error, share_bytes=share_bytes, lang=lang, temp=temp, **flags)

    def schema(self) -> StructType:
        """The columns of the table."""
        return tables.schema(self.table, with_errors=self.on_error == "rows")


@dataclass
class Share(InputPartition):
    """A capture, or a share of its events."""

    capture: Capture
    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        super().__init__(self.capture.id)


class DefaultSource(DataSource):
    """``spark.read.format("pml")``: one row an event, or the rows of another table."""

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(dict(options))
        self._given = dict(options)

    @classmethod
    def name(cls) -> str:
        return "pml"

    def schema(self) -> StructType:
        return Options.of(self._given).schema()

    def reader(self, schema: StructType) -> DataSourceReader:
        options = Options.of(self._given)
        # Spark refuses a reader with `pushFilters` unless spark.sql.python.filterPushdown.enabled is true.
        return (PushingReader if options.pushdown else Reader)(options, schema)


class Reader(DataSourceReader):
    """Reads a table of captures."""

    def __init__(self, options: Options, schema: StructType) -> None:
        self.options = options
        self.wanted = schema
        self.ids: set[str] | None = None
        columns = schema.fieldNames()
        known = options.schema().fieldNames()
        unknown = [name for name in columns if name not in known]
        if unknown:
            raise ValueError(f"the table {options.table!r} has no column {unknown[0]!r}; its columns are: {', '.join(known)}")

    @property
    def _is_split(self) -> bool:
        # The numbers of stacks count from the first event of a capture.
        return self.options.table == EVENTS and STACK_ID not in self.wanted.fieldNames()

    def partitions(self) -> Sequence[InputPartition]:
        found = find(self.options.paths, all_parts=self.options.all_parts)
        shares: list[InputPartition] = []
        for capture in found:
            if self.ids is not None and capture.id not in self.ids:
                continue
            # Archives are unpacked and files of stores copied as a whole, which is not done more than once.
            is_file = capture.source.lower().endswith((".pml", ".pmb")) and ":" not in capture.source[2:]
            is_split = self._is_split and is_file and not capture.files
            count = -(-capture.size // self.options.share_bytes) if is_split else 1
            shares += [Share(capture, number, max(count, 1)) for number in range(max(count, 1))]
        return shares

    def read(self, partition: InputPartition) -> Iterator[Any]:
        assert isinstance(partition, Share)
        wanted = tables.target(self.wanted)
        capture = partition.capture
        try:
            with at_hand(capture, self.options.temp) as path:
                for batch in self._batches(path, partition):
                    if batch.num_rows:
                        yield tables.fitted(batch, wanted)
        except (procmon_pml.PmlError, OSError) as failed:
            if self.options.on_error == "fail":
                raise RuntimeError(f"{capture.id}: {failed}") from failed
            if self.options.on_error == "rows" and partition.number == 0:
                yield tables.row(wanted, capture=capture.id, source=capture.source, status=2, error=str(failed))

    def _batches(self, path: str, share: Share) -> Iterator[Any]:
        """The batches of a table."""
        options = self.options
        id = share.capture.id
        labels = {"types": tables.TYPES, "capture_id": id}
        log = procmon_pml.open(path, all_parts=options.all_parts, recover=options.recover, mmap=options.mmap)
        match options.table:
            case "events":
                names = [name for name in self.wanted.fieldNames() if name != tables.ERROR]
                columns = tables.sources(names) or ["event_id"]
                part = (share.number, share.of) if share.of > 1 else None
                events = log.events(columns, options.where, threads=1, share=part, **labels)
                yield from pyarrow.RecordBatchReader.from_stream(events)
                return
            case "processes":
                found = log.processes(**labels)
            case "modules":
                found = log.modules(**labels)
            case "capture":
                found = log.capture(**labels)
            case "stacks":
                found = log.stacks(options.where, threads=1, **labels)[0]
            case "frames":
                found = log.stacks(options.where, threads=1, **labels)[1]
            case name:
                found = log.triage(lang=options.lang, threads=1).table(name, **labels)
        yield from pyarrow.table(found).to_batches()


class PushingReader(Reader):
    """The same, which takes filters of a query to decide before events are decoded."""

    def pushFilters(self, filters: list[Filter]) -> Iterable[Filter]:
        pushed = []
        for given in filters:
            ids = pushdown.captures(given)
            if ids is not None:
                self.ids = ids if self.ids is None else self.ids & ids
            elif self._is_split and (found := pushdown.expression(given)):
                pushed.append(found)
        if pushed:
            given_where = [self.options.where] if self.options.where else []
            where = pushdown.joined(given_where + pushed)
            self.options = replace(self.options, where=where)
        # Spark looks again: what was pushed may select more.
        return filters
