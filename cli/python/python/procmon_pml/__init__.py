"""Process Monitor logs (PML) as Arrow tables, and why a Windows update was rolled back.

    import procmon_pml, duckdb
    log = procmon_pml.open("Bootlog.pml")
    events = log.events(columns=["process_name", "path", "result"], where="result = error")
    duckdb.sql("SELECT process_name, count(*) FROM events GROUP BY ALL")
    log.triage().to_dict()["headline"]
"""

from __future__ import annotations

import os as _os
import typing as _typing

from ._native import (
    Capture,
    Events,
    Log,
    PmlError,
    Report,
    Stream,
    Table,
    __version__,
    captures,
    check,
    columns,
    empty,
    ids,
    open,
    parts,
    report,
    tables,
)

__all__ = [
    "Capture",
    "Events",
    "Log",
    "PmlError",
    "Report",
    "Stream",
    "Table",
    "__version__",
    "captures",
    "check",
    "columns",
    "convert",
    "empty",
    "ids",
    "open",
    "parts",
    "recover",
    "report",
    "scan",
    "slice",
    "tables",
    "triage",
]


def triage(path: str | _os.PathLike[str], *, recover: bool = False, lang: str = "en") -> dict[str, _typing.Any]:
    """The verdict on a boot log, or on the logs of a folder or archive, as the JSON of ``pml triage`` has it."""
    return report(path, recover=recover, lang=lang).to_dict()


def convert(
    path: str | _os.PathLike[str],
    output: str | _os.PathLike[str],
    *,
    to: str = "dataset",
    columns: list[str] | None = None,
    where: str | None = None,
    types: str = "exact",
    capture_id: str | None = None,
    recover: bool = False,
) -> int:
    """Converts a log; gives the number of events that were written."""
    log = open(path, recover=recover)
    return log.convert(output, to=to, columns=columns, where=where, types=types, capture_id=capture_id)


def slice(path: str | _os.PathLike[str], output: str | _os.PathLike[str], where: str | None = None) -> int:
    """Writes the events for which ``where`` holds as a smaller log; gives their number."""
    return open(path).slice(output, where)


def recover(path: str | _os.PathLike[str], output: str | _os.PathLike[str]) -> int:
    """Writes what is left of a broken log as a sound one; gives the number of events that were kept."""
    return open(path, recover=True).slice(output)


def scan(path: str | _os.PathLike[str], *, where: str | None = None, recover: bool = False) -> _typing.Any:
    """The events as a lazy frame of polars, which reads only the columns that a query needs."""
    import polars
    from polars.io.plugins import register_io_source

    log = open(path, recover=recover)
    schema = polars.DataFrame(log.events(where=where).empty()).schema

    def source(
        with_columns: list[str] | None,
        predicate: polars.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> _typing.Iterator[polars.DataFrame]:
        left = n_rows
        for batch in log.events(columns=with_columns, where=where):
            frame = polars.DataFrame(batch)
            if with_columns is not None:
                frame = frame.select(with_columns)
            if left is not None:
                frame = frame.head(left)
                left -= frame.height
            yield frame if predicate is None else frame.filter(predicate)
            if left == 0:
                return

    return register_io_source(source, schema=schema)
