"""Where a job writes: a folder of a file system, or of an object store.

A capture's tables appear together. On a file system, they are written beside their place and moved there. An object store
moves nothing: `capture.parquet` is uploaded last, and a reader takes a folder with it as complete.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import tempfile
from typing import Any, Protocol

from .captures import file_system, is_address

MARK = "capture.parquet"
"""The file that says that all others are there."""


class Place(Protocol):
    """A folder of outputs."""

    def prepare(self) -> None:
        """Makes the folder."""

    def read(self, capture: str, file: str) -> Any | None:
        """The rows of a table of a capture that is complete."""

    def begin(self) -> str:
        """A new folder on this machine, in which the tables are to be written."""

    def finish(self, folder: str, capture: str) -> None:
        """Moves the tables to their place, instead of those that are there."""

    def abandon(self, folder: str) -> None:
        """Removes a folder that has not been moved."""

    def remove(self, capture: str) -> None:
        """Removes the tables of a capture, if there are any."""

    def write(self, file: str, table: Any) -> None:
        """Writes a table that is about all captures."""


def of(output: str, temp: str | None = None) -> Place:
    """The place that an output names."""
    return Store(output, temp) if is_address(output) and not output.startswith("file:") else Folder(output)


def _write(table: Any, path: str) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")


class Folder:
    """A folder that this machine sees."""

    def __init__(self, path: str) -> None:
        if path.startswith("file:"):
            from urllib.parse import unquote, urlparse

            path = unquote(urlparse(path).path)
        self.path = path

    def prepare(self) -> None:
        os.makedirs(self.path, exist_ok=True)
        # What attempts have left that were killed. One job at a time writes to a folder.
        for name in os.listdir(self.path):
            if name.startswith(".pml-") and name.endswith((".tmp", ".old")):
                path = os.path.join(self.path, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)

    def read(self, capture: str, file: str) -> Any | None:
        import pyarrow
        import pyarrow.parquet as pq

        folder = os.path.join(self.path, capture)
        if not os.path.exists(os.path.join(folder, MARK)):
            return None
        try:
            return pq.ParquetFile(os.path.join(folder, file)).read()
        except (OSError, pyarrow.ArrowException):
            return None

    def begin(self) -> str:
        # Beside its place, so that moving it is one step. The name is that of an incomplete output of `pml`.
        return tempfile.mkdtemp(prefix=".pml-", suffix=".tmp", dir=self.path)

    def finish(self, folder: str, capture: str) -> None:
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                os.fsync(file.fileno())
        # Temporary folders are private.
        os.chmod(folder, 0o755)
        place = os.path.join(self.path, capture)
        while True:
            try:
                os.rename(folder, place)
                return
            except OSError:
                if not os.path.isdir(place):
                    raise
            # Tables of an earlier run, or of another attempt at the same capture.
            old = tempfile.mkdtemp(prefix=".pml-", suffix=".old", dir=self.path)
            try:
                os.rename(place, os.path.join(old, capture))
            except FileNotFoundError:
                pass
            shutil.rmtree(old, ignore_errors=True)

    def abandon(self, folder: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def remove(self, capture: str) -> None:
        folder = os.path.join(self.path, capture)
        if os.path.exists(os.path.join(folder, MARK)):
            os.remove(os.path.join(folder, MARK))
            shutil.rmtree(folder, ignore_errors=True)

    def write(self, file: str, table: Any) -> None:
        handle, path = tempfile.mkstemp(prefix=".pml-", suffix=".tmp", dir=self.path)
        os.close(handle)
        _write(table, path)
        os.chmod(path, 0o644)
        os.replace(path, os.path.join(self.path, file))


class Store:
    """A folder of an object store or of HDFS."""

    def __init__(self, address: str, temp: str | None) -> None:
        self.address = address
        self.temp = temp

    def _open(self) -> tuple[Any, str]:
        # Not kept: connections are not sent to workers.
        return file_system(self.address)

    def prepare(self) -> None:
        store, path = self._open()
        store.create_dir(path, recursive=True)

    def read(self, capture: str, file: str) -> Any | None:
        import pyarrow
        import pyarrow.parquet as pq
        from pyarrow import fs

        store, path = self._open()
        folder = posixpath.join(path, capture)
        if store.get_file_info(posixpath.join(folder, MARK)).type != fs.FileType.File:
            return None
        try:
            return pq.ParquetFile(store.open_input_file(posixpath.join(folder, file))).read()
        except (OSError, pyarrow.ArrowException):
            return None

    def begin(self) -> str:
        return tempfile.mkdtemp(prefix="pml-", dir=self.temp)

    def finish(self, folder: str, capture: str) -> None:
        self.remove(capture)
        store, path = self._open()
        store.create_dir(posixpath.join(path, capture), recursive=True)
        names = sorted(os.listdir(folder), key=lambda name: (name == MARK, name))
        for name in names:
            with (
                open(os.path.join(folder, name), "rb") as source,
                store.open_output_stream(posixpath.join(path, capture, name)) as out,
            ):
                shutil.copyfileobj(source, out, 8 << 20)
        self.abandon(folder)

    def abandon(self, folder: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def remove(self, capture: str) -> None:
        from pyarrow import fs

        store, path = self._open()
        folder = posixpath.join(path, capture)
        # The mark goes first: what is left then is not complete.
        if store.get_file_info(posixpath.join(folder, MARK)).type == fs.FileType.File:
            store.delete_file(posixpath.join(folder, MARK))
            store.delete_dir(folder)

    def write(self, file: str, table: Any) -> None:
        store, path = self._open()
        folder = tempfile.mkdtemp(prefix="pml-", dir=self.temp)
        try:
            _write(table, os.path.join(folder, file))
            with (
                open(os.path.join(folder, file), "rb") as source,
                store.open_output_stream(posixpath.join(path, file)) as out,
            ):
                shutil.copyfileobj(source, out)
        finally:
            self.abandon(folder)
