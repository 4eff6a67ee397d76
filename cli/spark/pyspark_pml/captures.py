"""The captures of a job: where they are, and how a worker gets their files.

Local paths must be visible to the driver and to all workers, under the same name. Files of object stores and of HDFS are
copied to the worker's disk: a map needs a file, and every byte of the events is read anyway.
"""

from __future__ import annotations

import glob
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import procmon_pml

_COPIED = 8 << 20
"""Bytes that are copied at a time."""


@dataclass(frozen=True)
class Capture:
    """A capture, or an input that cannot be searched."""

    id: str
    source: str
    """What ``procmon_pml.open`` takes, or the address of the first file."""
    size: int
    files: tuple[str, ...] = ()
    """Addresses of the files that a worker copies first."""
    error: str | None = None


def is_address(path: str) -> bool:
    """Whether a path names another file system, as ``s3://bucket/folder`` does. ``C:\\`` does not."""
    scheme, colon, rest = path.partition("://")
    return bool(colon) and len(scheme) > 1 and rest != ""


def file_system(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it."""
    from pyarrow import fs

    return fs.FileSystem.from_uri(address)  # type: ignore[no-any-return]


def find(paths: Sequence[str], *, all_parts: bool = True) -> list[Capture]:
    """The captures of some paths, the largest first. No event is read."""
    local: list[str] = []
    remote: list[str] = []
    for path in paths:
        if path.startswith("file:"):
            path = _local(path)
        if is_address(path):
            remote.append(path)
        elif glob.has_magic(path) and not os.path.exists(path):
            local.extend(sorted(glob.glob(path, recursive=True)) or [path])
        else:
            local.append(path)
    found = _find_local(local, all_parts) if local else []
    found += _find_remote(remote, all_parts) if remote else []
    uses: dict[str, int] = {}
    for capture in found:
        uses[capture.id] = uses.get(capture.id, 0) + 1
    twice = sorted(id for id, count in uses.items() if count > 1)
    if twice:
        raise ValueError(f"several inputs have captures of one name: {', '.join(twice)}\n  hint: read these inputs one by one")
    # The largest first, so that no task waits for one at the end.
    return sorted(found, key=lambda capture: (-capture.size, capture.id))


def _local(uri: str) -> str:
    from urllib.parse import unquote, urlparse

    return unquote(urlparse(uri).path)


def _find_local(paths: list[str], all_parts: bool) -> list[Capture]:
    found = procmon_pml.captures(paths, all_parts=all_parts)
    return [Capture(one.id, one.name, one.size, error=one.error) for one in found]


def _find_remote(addresses: list[str], all_parts: bool) -> list[Capture]:
    from pyarrow import fs

    sizes: dict[str, int] = {}
    where: dict[str, str] = {}
    for address in addresses:
        store, path = file_system(address)
        scheme = address.partition("://")[0]
        info = store.get_file_info(path)
        if info.type == fs.FileType.NotFound:
            raise FileNotFoundError(address)
        inside = [info] if info.type == fs.FileType.File else store.get_file_info(fs.FileSelector(path, recursive=True))
        for file in inside:
            if file.type == fs.FileType.File and file.path.lower().endswith((".pml", ".pmb", ".zip", ".7z")):
                sizes[file.path] = file.size
                # Hosts of addresses (HDFS) are not in the path.
                root = address[: len(address) - len(path)] if address.endswith(path) else f"{scheme}://"
                where[file.path] = root + file.path
    names = sorted(sizes)
    groups = [[str(name) for name in group] for group in procmon_pml.parts(names)] if all_parts else [[name] for name in names]
    return [
        Capture(
            id,
            where[group[0]],
            sum(sizes[name] for name in group),
            tuple(where[name] for name in group),
        )
        for id, group in zip(procmon_pml.ids([group[0] for group in groups]), groups)
    ]


@contextmanager
def at_hand(capture: Capture, temp: str | None = None) -> Iterator[str]:
    """What ``procmon_pml.open`` takes, once the files of a capture are on this machine. Copies are removed at the end."""
    if capture.error is not None:
        raise procmon_pml.PmlError(capture.error)
    if not capture.files:
        yield capture.source
        return
    folder = tempfile.mkdtemp(prefix="pml-", dir=temp)
    try:
        for address in capture.files:
            store, path = file_system(address)
            place = os.path.join(folder, posixpath.basename(path))
            with store.open_input_stream(path) as source, open(place, "wb") as out:
                shutil.copyfileobj(source, out, _COPIED)
        yield os.path.join(folder, posixpath.basename(capture.files[0]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
