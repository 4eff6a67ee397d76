import os
import pathlib
from collections.abc import Sequence
from typing import Any, final

from typing_extensions import disjoint_base

__version__: str
__all__ = [
    "Capture",
    "EventIterator",
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
    "empty",
    "ids",
    "open",
    "parts",
    "program",
    "report",
    "tables",
]

class PmlError(ValueError):
    """A log that cannot be read, or a mistake in an argument. The message of a filter shows the place."""

def columns() -> list[str]:
    """The columns of the events table."""

def tables() -> list[str]:
    """The tables: those of a capture, and those of reports."""

def empty(table: str, *, types: str = "exact") -> Table:
    """A table without rows, for its schema. ``types`` are ``exact`` or ``portable``."""

def captures(inputs: Sequence[str | os.PathLike[str]], *, all_parts: bool = True) -> list[Capture]:
    """The captures of files, folders, zip and 7z files, by names, and where several logs lie together by their contents, too.

    No event is read. The ids are those of ``pml convert``.
    """

def parts(names: Sequence[str | os.PathLike[str]]) -> list[list[pathlib.Path]]:
    """Names of files, those of one capture together. Where the files are not on this machine, the names alone decide."""

def ids(names: Sequence[str]) -> list[str]:
    """The ids that ``pml convert`` gives to captures with these names."""

def program(arguments: Sequence[str]) -> int:
    """Runs the program ``pml`` with its arguments, the first of which is its name. Gives the exit status.

    The program takes over Ctrl-C and reads that fail: use it as ``python -m procmon_pml``, in a process of its own.
    """

def check(where: str) -> None:
    """Raises ``PmlError`` for a filter with a mistake."""

def report(
    path: str | os.PathLike[str],
    *,
    recover: bool = False,
    lang: str = "en",
    mmap: bool = False,
    threads: int | None = None,
) -> Report:
    """The report on a capture, or on the case of the logs in a folder or archive: text logs, and captures if there are any."""

def open(
    path: str | os.PathLike[str], *, all_parts: bool = True, recover: bool = False, mmap: bool = False
) -> Log:
    """Opens the capture to which a log belongs, with its other parts unless ``all_parts`` is false.

    ``case.zip:PC/Bootlog.pml`` is a capture in a zip or 7z file, and ``case.zip`` the only one in it.

    ``recover`` reads what is left of a broken log. Without ``mmap`` the files are read into memory. With ``mmap`` they are
    mapped, which is faster and needs no memory of its own, but installs a handler of SIGBUS in this process, so that a
    file that becomes unreadable is an ``OSError``.
    """

@final
class Capture:
    """A capture that was found, or an input that cannot be searched."""

    @property
    def name(self) -> str:
        """What ``open`` takes."""
    @property
    def id(self) -> str:
        """The id that ``pml convert`` over the same inputs gives it."""
    @property
    def size(self) -> int:
        """Bytes of its files."""
    @property
    def error(self) -> str | None:
        """Why the input cannot be searched."""

@final
class Log:
    """A capture."""

    @property
    def event_count(self) -> int:
        """Number of events, damaged ones included."""
    @property
    def size(self) -> int:
        """Bytes of all parts."""
    @property
    def parts(self) -> list[str]:
        """File names of the parts, in order."""
    @property
    def missing(self) -> list[tuple[str, str]]:
        """First and last name of each run of parts that are missing."""
    @property
    def left_out(self) -> list[str]:
        """Files whose names are those of parts, and which cannot be read or are of another capture."""
    @property
    def computer(self) -> str:
        """The machine."""
    @property
    def capture_id(self) -> str:
        """The id that the column ``capture`` has by default."""
    @property
    def log_hash(self) -> str:
        """Tells logs apart whatever their files are called."""
    def events(
        self,
        columns: list[str] | None = None,
        where: str | None = None,
        *,
        types: str = "exact",
        capture_id: str | None = None,
        threads: int | None = None,
        share: tuple[int, int] | None = None,
    ) -> Events:
        """The events, which are read when another library asks for them. ``types`` are ``exact`` or ``portable``.

        ``share=(k, n)`` is share k, from 0, of n: all shares together have every event once, so that n machines can read one
        capture. The column ``stack_id`` is in the whole only.
        """
    def processes(self, *, types: str = "exact", capture_id: str | None = None) -> Table:
        """The table of processes."""
    def modules(self, *, types: str = "exact", capture_id: str | None = None) -> Table:
        """The table of modules."""
    def capture(self, *, types: str = "exact", capture_id: str | None = None) -> Table:
        """The facts of the capture, in one row. No event is read, so damaged events are not counted."""
    def stacks(
        self,
        where: str | None = None,
        *,
        types: str = "exact",
        capture_id: str | None = None,
        threads: int | None = None,
    ) -> tuple[Table, Table]:
        """The tables of stacks and frames, whose numbers are those of the events with the same ``where``."""
    def triage(self, *, lang: str = "en", threads: int | None = None) -> Report:
        """Whether an update was rolled back, what failed, and why."""
    def convert(
        self,
        output: str | os.PathLike[str],
        *,
        to: str = "dataset",
        columns: list[str] | None = None,
        where: str | None = None,
        types: str = "exact",
        capture_id: str | None = None,
        threads: int | None = None,
    ) -> int:
        """Writes a ``dataset`` (a directory), or a file in ``parquet``, ``arrow``, ``jsonl``, ``csv`` or ``xml``.

        The output appears when it is complete. Gives the number of events.
        """
    def slice(
        self, output: str | os.PathLike[str], where: str | None = None, *, threads: int | None = None
    ) -> int:
        """Writes events as a smaller log, which Process Monitor opens. Gives their number."""
    def __len__(self) -> int: ...

@disjoint_base
class Stream:
    """A stream of Arrow, for pyarrow, polars, DuckDB, pandas and others. Each reading starts again."""

    @property
    def column_names(self) -> list[str]:
        """The columns, in order."""
    def __arrow_c_schema__(self) -> Any: ...
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...

@final
class Events(Stream):
    """Events of a capture."""

    def count(self) -> int:
        """The number of events that the filter takes."""
    def head(self) -> Table:
        """The first batch of events."""
    def empty(self) -> Table:
        """A table without rows, for its schema."""
    def __iter__(self) -> EventIterator:
        """The events, some thousands at a time."""

@final
class EventIterator:
    """An iterator over events."""

    def __iter__(self) -> EventIterator: ...
    def __next__(self) -> Table: ...

@final
class Table(Stream):
    """A table in memory."""

    def __len__(self) -> int: ...

@final
class Report:
    """The verdict on a boot log, or on a case of text logs."""

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
    def table(self, name: str, *, types: str = "exact", capture_id: str | None = None) -> Table:
        """A table of ``pml triage --parquet``: verdicts, findings, failures, updates, sessions, phases or signals."""
    @property
    def findings(self) -> Table:
        """Causes, ranked."""
    @property
    def failures(self) -> Table:
        """Failed operations of the servicing stack, grouped."""
    @property
    def phases(self) -> Table:
        """Phases of the boot."""
    @property
    def signals(self) -> Table:
        """Signs of a rollback."""
    def to_dict(self) -> dict[str, Any]:
        """The report as the JSON of ``pml triage`` has it."""
    def text(self) -> str:
        """The report for a terminal."""
    def markdown(self) -> str:
        """The report for a ticket."""
    def html(self) -> str:
        """The report as one page."""
