"""Delta and Iceberg tables of what `convert` has written."""

from __future__ import annotations

import glob
import os
from typing import Any


def files(output: str, table: str = "events") -> dict[str, str]:
    """The files of a table, by capture."""
    found = sorted(glob.glob(os.path.join(glob.escape(output), "*", f"{table}.parquet")))
    return {os.path.basename(os.path.dirname(path)): path for path in found}


def write_delta(output: str, delta: str, table: str = "events", captures: list[str] | None = None) -> None:
    """Writes the rows of captures to a Delta table, a partition each, instead of those that it has of them.

    A second call changes nothing in what the table holds. On clusters with Delta, Spark does the same:
    ``df.write.format("delta").option("replaceWhere", "capture = '…'")``.
    """
    import deltalake
    import pyarrow.parquet as pq

    for capture, path in files(output, table).items():
        if captures is not None and capture not in captures:
            continue
        rows = pq.ParquetFile(path).read()
        if deltalake.DeltaTable.is_deltatable(delta):
            quoted = capture.replace("'", "''")
            deltalake.write_deltalake(delta, rows, mode="overwrite", predicate=f"capture = '{quoted}'")
        else:
            deltalake.write_deltalake(delta, rows, partition_by=["capture"])


def add_to_iceberg(output: str, catalog: Any, name: str, table: str = "events") -> int:
    """Adds the files of a table, where they are, to an Iceberg table; makes it if there is none. Gives how many are new."""
    import pyarrow.parquet as pq

    paths = [os.path.abspath(path) for path in files(output, table).values()]
    if not paths:
        raise FileNotFoundError(f"{output}: no capture has the table {table}")
    if catalog.table_exists(name):
        target = catalog.load_table(name)
    else:
        target = catalog.create_table(name, schema=pq.read_schema(paths[0]).remove_metadata())
        with target.update_spec() as spec:
            spec.add_identity("capture")
    known = {path.removeprefix("file://") for path in target.inspect.files()["file_path"].to_pylist()}
    new = [path for path in paths if path not in known]
    if new:
        target.add_files(new)
    return len(new)
