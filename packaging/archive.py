#!/usr/bin/env python3
"""Packs a folder so that the same files give the same bytes: names in order, one date, no owner.

usage: archive.py FOLDER ARCHIVE        ARCHIVE ends in .zip or .tar.gz; the date is SOURCE_DATE_EPOCH
"""

import gzip
import io
import os
import pathlib
import sys
import tarfile
import time
import zipfile


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def mode_of(path):
    return 0o755 if path.name in ("pml", "pml.exe") else 0o644


def write_zip(folder, archive, date):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for path in files_of(folder):
            entry = zipfile.ZipInfo(str(path.relative_to(folder.parent)), time.gmtime(date)[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode_of(path)) << 16
            out.writestr(entry, path.read_bytes())


def write_tar(folder, archive, date):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for path in files_of(folder):
            entry = tarfile.TarInfo(str(path.relative_to(folder.parent)))
            entry.size, entry.mtime, entry.mode = path.stat().st_size, date, mode_of(path)
            with path.open("rb") as file:
                out.addfile(entry, file)
    with open(archive, "wb") as file, gzip.GzipFile("", "wb", 9, file, date) as out:
        out.write(packed.getvalue())


def main():
    folder, archive = pathlib.Path(sys.argv[1]), sys.argv[2]
    date = int(os.environ["SOURCE_DATE_EPOCH"])
    (write_zip if archive.endswith(".zip") else write_tar)(folder, archive, date)


if __name__ == "__main__":
    main()
