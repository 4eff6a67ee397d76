"""The job that converts captures to tables, where they lie.

Spark spreads the captures and collects a row for each; events do not pass through it. A capture is converted by a process of
its own, with limits on time and memory. What is written depends on the log and the options alone, so that a second or a
speculative attempt writes the same bytes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import procmon_pml
import pyarrow
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from . import child, place, tables
from .captures import Capture, at_hand, find

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

STATUS = "status.parquet"


@dataclass(frozen=True)
class Limits:
    """What the conversion of one capture may take."""

    memory: int | None = 4 << 30
    """Bytes that the process allocates; the mapped log is not among them."""
    seconds: float | None = 3600
    """How long it runs."""
    threads: int = 1
    """Its threads: as many as ``spark.task.cpus``."""


@dataclass(frozen=True)
class _Request:
    """What all captures of a job have in common."""

    output: str
    columns: list[str] | None
    where: str | None
    recover: bool
    all_parts: bool
    resume: bool
    temp: str | None
    limits: Limits

    def words(self) -> str:
        """The options that change the tables."""
        chosen = {"columns": self.columns, "where": self.where, "recover": self.recover, "all_parts": self.all_parts}
        return json.dumps({"types": tables.TYPES, **{name: value for name, value in chosen.items() if value}}, sort_keys=True)


def _status_schema() -> Any:
    """How a capture ended, and what its table `capture` says of it."""
    own = [("source", pyarrow.string()), ("source_bytes", pyarrow.int64()), ("status", pyarrow.int64())]
    own += [(tables.ERROR, pyarrow.string()), ("options", pyarrow.string())]
    of_capture = tables.target(tables.schema("capture"))
    known = {name for name, _ in own}
    first = [(of_capture[0].name, of_capture[0].type)]
    return pyarrow.schema(first + own + [(f.name, f.type) for f in list(of_capture)[1:] if f.name not in known])


def _row(schema: Any, own: dict[str, Any], of_capture: Any | None) -> Any:
    """One row of the status table."""
    values = {}
    if of_capture is not None:
        found = of_capture.combine_chunks().to_batches()[0]
        values = tables.fitted(found, schema).to_pylist()[0]
    return pyarrow.RecordBatch.from_pylist([{**values, **own}], schema=schema)


def _losses(of_capture: Any) -> list[str]:
    """What a capture says that it has lost."""
    row = of_capture.to_pylist()[0]
    words = {"damaged_events": "events", "table_damage": "entries of the tables of the log"}
    return [f"{row[name]} {what} could not be read" for name, what in words.items() if row.get(name)]


def _ended_by(done: subprocess.CompletedProcess[str], limits: Limits) -> str:
    """Why a process gave no answer."""
    last = (done.stderr.strip().splitlines() or [""])[-1]
    limit = f"; its memory is limited to {limits.memory >> 20} MiB" if limits.memory else ""
    cause = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
    return f"the process that converts it ended with {cause}{': ' + last if last else ''}{limit}"


def _run(capture: Capture, path: str, folder: str, request: _Request) -> dict[str, Any]:
    """The answer of a process that converts a capture."""
    order = {
        "path": path,
        "output": folder,
        "id": capture.id,
        "columns": request.columns,
        "where": request.where,
        "types": tables.TYPES,
        "recover": request.recover,
        "all_parts": request.all_parts,
        "threads": request.limits.threads,
        "memory": request.limits.memory,
    }
    # By its file, because it needs nothing of this package, which imports much.
    command = [sys.executable, child.__file__]
    # It finds the wheel where the worker has found it. Without memory, a trace of calls would end in a deadlock.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "RUST_BACKTRACE": "0"}
    try:
        done = subprocess.run(
            command,
            input=json.dumps(order) + "\n",
            capture_output=True,
            text=True,
            timeout=request.limits.seconds,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"the conversion took longer than {request.limits.seconds:g} s"}
    if done.returncode != 0:
        return {"error": _ended_by(done, request.limits)}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _same_as_before(where: place.Place, own: dict[str, Any]) -> Any | None:
    """The row of an earlier run, if it was of this log, with these options, by this version."""
    row = where.read(own["capture"], STATUS)
    if row is None or row.num_rows != 1:
        return None
    known = row.to_pylist()[0]
    tool = f"procmon-pml {procmon_pml.__version__}"
    is_same = all(known.get(name) == own[name] for name in ("source", "source_bytes", "options"))
    return row if is_same and known.get("tool_version") == tool else None


def convert_one(capture: Capture, request: _Request) -> Any:
    """Converts a capture, unless an earlier run has; gives its row. Only an output that cannot be written is an error."""
    schema = _status_schema()
    where = place.of(request.output, request.temp)
    own = {
        "capture": capture.id,
        "source": capture.source,
        "source_bytes": capture.size,
        "status": 0,
        "options": request.words(),
    }
    if request.resume and capture.error is None:
        before = _same_as_before(where, own)
        if before is not None:
            return tables.fitted(before.combine_chunks().to_batches()[0], schema)
    folder = where.begin()
    try:
        try:
            with at_hand(capture, request.temp) as path:
                # The folder itself must not be there yet.
                answer = _run(capture, path, os.path.join(folder, "tables"), request)
        except (procmon_pml.PmlError, OSError) as failed:
            answer = {"error": str(failed)}
        if "output" in answer:
            raise OSError(answer["output"])
        if "error" in answer:
            # Tables of an earlier run are of another log or of other options.
            where.remove(capture.id)
            return _row(schema, {**own, "status": 2, tables.ERROR: answer["error"]}, None)
        import pyarrow.parquet as pq

        written = os.path.join(folder, "tables")
        of_capture = pq.ParquetFile(os.path.join(written, place.MARK)).read()
        lost = answer["lost"] + _losses(of_capture)
        row = _row(schema, {**own, "status": int(bool(lost)), tables.ERROR: "; ".join(lost) or None}, of_capture)
        pq.write_table(pyarrow.Table.from_batches([row]), os.path.join(written, STATUS), compression="zstd")
        where.finish(written, capture.id)
        return row
    finally:
        where.abandon(folder)


@dataclass
class _Unit(InputPartition):
    capture: Capture

    def __post_init__(self) -> None:
        super().__init__(self.capture.id)


class ConvertSource(DataSource):
    """Reading it converts: one task a capture, one row a task. A data source spreads work without RDDs, which services with
    Spark Connect do not have."""

    @classmethod
    def name(cls) -> str:
        return "pml_convert"

    def schema(self) -> StructType:
        return from_arrow_schema(_status_schema())

    def reader(self, schema: StructType) -> DataSourceReader:
        given = json.loads(self.options["request"])
        request = _Request(**{**given, "limits": Limits(**given["limits"])})
        return _Converter([Capture(**{**one, "files": tuple(one["files"])}) for one in json.loads(self.options["captures"])], request, schema)


class _Converter(DataSourceReader):
    def __init__(self, captures: list[Capture], request: _Request, schema: StructType) -> None:
        self.captures, self.request, self.wanted = captures, request, schema

    def partitions(self) -> Sequence[InputPartition]:
        return [_Unit(capture) for capture in self.captures]

    def read(self, partition: InputPartition) -> Iterator[Any]:
        assert isinstance(partition, _Unit)
        yield tables.fitted(convert_one(partition.capture, self.request), tables.target(self.wanted))


def convert(
    spark: SparkSession,
    inputs: Sequence[str],
    output: str,
    *,
    columns: list[str] | None = None,
    where: str | None = None,
    recover: bool = False,
    all_parts: bool = True,
    resume: bool = True,
    temp: str | None = None,
    limits: Limits = Limits(),
) -> DataFrame:
    """Writes the tables of every capture below ``inputs`` to ``output/ID``, and how each ended to ``output/status.parquet``.

    Gives the rows of that table. ``resume`` keeps what is complete and was made from the same log with the same options by the
    same version. ``temp`` is a folder of each worker's disk, for copies of captures that lie in an object store.
    """
    if where is not None:
        procmon_pml.check(where)
    found = find(inputs, all_parts=all_parts)
    if not found:
        raise FileNotFoundError(f"there is no capture in {', '.join(inputs)}")
    where_to = place.of(output, temp)
    where_to.prepare()
    request = _Request(output, columns, where, recover, all_parts, resume, temp, limits)
    spark.dataSource.register(ConvertSource)
    reading = spark.read.format(ConvertSource.name())
    reading = reading.option("request", json.dumps(asdict(request)))
    reading = reading.option("captures", json.dumps([asdict(capture) for capture in found]))
    ended = reading.load().toArrow().sort_by("capture")
    ended = pyarrow.Table.from_batches([tables.fitted(batch, _status_schema()) for batch in ended.combine_chunks().to_batches()])
    where_to.write(STATUS, ended)
    return spark.createDataFrame(ended)
