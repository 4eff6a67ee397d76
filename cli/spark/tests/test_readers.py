"""What `pml convert --types portable` and the job write is read by every reader that people use, with one answer: counts, sums, a
join, and exact times."""

import json
import os
import pathlib
import subprocess
import sys

import deltalake
import duckdb
import pandas
import polars
import pyarrow
import pyarrow.parquet as pq
import pyiceberg.catalog.sql
import pyspark_pml
import pytest
from conftest import SOUND
from pyspark_pml import lakes

KEYS = ["capture", "part", "process_index"]
TABLES = ["events", "processes", "modules", "stacks", "frames", "capture"]

QUESTION = """
    SELECT e.capture, p.name, count(*), sum(e.status), sum(e.length), CAST(sum(e.seconds) AS STRING),
        min(e.time_ns), max(e.time_ns), sum(e.time_ns % 1000000007), {micros}(max(e.time)), count(DISTINCT e.stack_id)
    FROM {events} e JOIN {processes} p ON e.capture = p.capture AND e.part = p.part AND e.process_index = p.process_index
    GROUP BY e.capture, p.name ORDER BY e.capture, p.name"""


def plain(rows):
    """Rows of any library as lists of texts and whole numbers."""
    return [[value if value is None or isinstance(value, str) else int(value) for value in row] for row in rows]


def with_duckdb(lake, _spark, _tmp):
    places = {table: f"'{lake}/*/{table}.parquet'" for table in ["events", "processes"]}
    return duckdb.connect().execute(QUESTION.format(micros="epoch_us", **places)).fetchall()


def with_older_duckdb(lake, _spark, _tmp, prepare="", places=None):
    """The versions that PML_OLDER_DUCKDB names, in processes of their own."""
    sites = os.environ.get("PML_OLDER_DUCKDB", "").split()
    if not sites:
        pytest.skip("PML_OLDER_DUCKDB names no older DuckDB")
    places = places or {table: f"'{lake}/*/{table}.parquet'" for table in ["events", "processes"]}
    script = "import duckdb, json, sys; db = duckdb.connect(); prepare, question = json.load(sys.stdin); db.execute(prepare or 'SELECT 1'); print(json.dumps(db.execute(question).fetchall(), default=str))"
    answers = []
    for site in sites:
        ready = prepare(site) if callable(prepare) else prepare
        if ready is None:
            continue
        order = json.dumps([ready, QUESTION.format(micros="epoch_us", **places)])
        done = subprocess.run([sys.executable, "-c", script], input=order, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": site})
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    if not answers:
        pytest.skip("no older DuckDB has the extension")
    assert all(plain(answer) == plain(answers[0]) for answer in answers)
    return answers[0]


def with_ducklake(lake, spark, tmp):
    """The files added where they are. Its extension comes from PyPI, for one version of DuckDB."""

    def prepare(site):
        found = list(pathlib.Path(site).glob("duckdb_ext/extensions/*/*/ducklake.duckdb_extension"))
        if not found:
            return None
        lines = [f"LOAD '{found[0]}'", f"ATTACH 'ducklake:{tmp}/lake.ducklake' AS lake (DATA_PATH '{tmp}/data')"]
        for table in TABLES:
            files = lakes.files(lake, table).values()
            lines.append(f"CREATE TABLE lake.{table} AS FROM '{next(iter(files))}' LIMIT 0")
            lines += [f"CALL ducklake_add_data_files('lake', '{table}', '{file}')" for file in files]
        return ";\n".join(lines)

    return with_older_duckdb(lake, spark, tmp, prepare, {"events": "lake.events", "processes": "lake.processes"})


def with_spark(lake, spark, _tmp):
    places = {table: f"parquet.`{lake}/*/{table}.parquet`" for table in ["events", "processes"]}
    return spark.sql(QUESTION.format(micros="unix_micros", **places)).collect()


def with_delta(lake, _spark, tmp):
    for table in TABLES:
        for _ in range(2):
            # The second time replaces each capture.
            lakes.write_delta(str(lake), f"{tmp}/{table}", table)
        rows = sum(pq.read_metadata(file).num_rows for file in lakes.files(lake, table).values())
        assert deltalake.DeltaTable(f"{tmp}/{table}").to_pyarrow_table().num_rows == rows, table
    events, processes = (deltalake.DeltaTable(f"{tmp}/{table}").to_pyarrow_table() for table in ["events", "processes"])
    return arrow_answer(events, processes)


def with_iceberg(lake, _spark, tmp):
    catalog = pyiceberg.catalog.sql.SqlCatalog("test", uri=f"sqlite:///{tmp}/catalog.db", warehouse=f"file://{tmp}")
    catalog.create_namespace("pml")
    for table in TABLES:
        assert lakes.add_to_iceberg(str(lake), catalog, f"pml.{table}", table) == len(SOUND)
        assert lakes.add_to_iceberg(str(lake), catalog, f"pml.{table}", table) == 0
        loaded = catalog.load_table(f"pml.{table}")
        assert loaded.format_version == 2
        one = loaded.scan(row_filter=f"capture = '{SOUND[0]}'").to_arrow().num_rows
        assert one == pq.read_metadata(lakes.files(lake, table)[SOUND[0]]).num_rows, table
    events, processes = (catalog.load_table(f"pml.{table}").scan().to_arrow() for table in ["events", "processes"])
    return arrow_answer(events, processes)


def arrow_answer(events, processes):
    """The question, in pyarrow."""
    events = events.select([*KEYS, "status", "length", "seconds", "time", "time_ns", "stack_id"])
    decoded = lambda table: table.cast(
        pyarrow.schema([(f.name, f.type.value_type if pyarrow.types.is_dictionary(f.type) else f.type) for f in table.schema])
    )
    events, processes = decoded(events), decoded(processes.select([*KEYS, "name"]))
    remainders = [nanos % 1_000_000_007 for nanos in events["time_ns"].to_pylist()]
    events = events.append_column("rest", pyarrow.array(remainders, pyarrow.int64()))
    joined = events.join(processes, KEYS, join_type="inner")
    measures = [("status", "sum"), ("length", "sum"), ("seconds", "sum"), ("time_ns", "min"), ("time_ns", "max"), ("rest", "sum"), ("time", "max")]
    grouped = joined.group_by(["capture", "name"]).aggregate([([], "count_all"), *measures, ("stack_id", "count_distinct")])
    grouped = grouped.sort_by([("capture", "ascending"), ("name", "ascending")])
    names = ["capture", "name", "count_all", *(f"{column}_{what}" for column, what in measures), "stack_id_count_distinct"]
    columns = [grouped[name].cast("int64") if name == "time_max" else grouped[name] for name in names]
    rows = zip(*(column.to_pylist() for column in columns))
    return [[str(value) if name == "seconds_sum" else value for name, value in zip(names, row)] for row in rows]


def with_pyarrow(lake, _spark, _tmp):
    return arrow_answer(*(pyarrow.concat_tables(pq.ParquetFile(file).read() for file in lakes.files(lake, table).values()) for table in ["events", "processes"]))


def with_polars(lake, _spark, _tmp):
    events, processes = (polars.read_parquet(f"{lake}/*/{table}.parquet") for table in ["events", "processes"])
    c = polars.col
    text = lambda name: c(name).cast(polars.String)
    events, processes = events.with_columns(text("capture")), processes.with_columns(text("capture"), text("name"))
    grouped = events.join(processes.select(*KEYS, "name"), on=KEYS).group_by("capture", "name")
    sums = [c("status").sum(), c("length").sum().replace(0, None), c("seconds").sum().cast(polars.String)]
    times = [c("time_ns").min(), c("time_ns").max().alias("last"), (c("time_ns") % 1_000_000_007).sum().alias("rest"), c("time").max().dt.epoch("us")]
    return grouped.agg(polars.len(), *sums, *times, c("stack_id").drop_nulls().n_unique()).sort("capture", "name").rows()


def with_pandas(lake, _spark, _tmp):
    events, processes = (
        pandas.concat([pandas.read_parquet(file, dtype_backend="pyarrow") for file in lakes.files(lake, table).values()])
        for table in ["events", "processes"]
    )
    columns = [*KEYS, "status", "length", "seconds", "time", "time_ns", "stack_id"]
    events, processes = events[columns].astype({"capture": str}), processes[[*KEYS, "name"]].astype({"capture": str, "name": str})
    events["rest"] = events["time_ns"].astype("int64") % 1_000_000_007
    grouped = events.merge(processes, on=KEYS).groupby(["capture", "name"], sort=True)
    rows = []
    for (capture, name), group in grouped:
        micros = int(pandas.Timestamp(group["time"].max()).value) // 1000
        length = int(group["length"].sum()) if group["length"].notna().any() else None
        seconds = str(sum(group["seconds"]))
        rows.append([capture, name, len(group), group["status"].sum(), length, seconds, group["time_ns"].min(), group["time_ns"].max(), group["rest"].sum(), micros, group["stack_id"].nunique()])
    return rows


READERS = [with_spark, with_older_duckdb, with_ducklake, with_delta, with_iceberg, with_pyarrow, with_polars, with_pandas]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__.removeprefix("with_"))
def test_every_reader_gives_one_answer(spark, parquet, tmp_path, reader):
    expected = plain(with_duckdb(parquet, spark, tmp_path))
    assert len(expected) > 20 and {row[0] for row in expected} == set(SOUND)
    normal = lambda rows: [[0 if at == 4 and value is None else value for at, value in enumerate(row)] for row in rows]
    assert normal(plain(reader(parquet, spark, tmp_path))) == normal(expected)


def test_the_job_writes_what_the_program_writes(spark, fleet, parquet, tmp_path):
    pyspark_pml.convert(spark, [str(fleet)], str(tmp_path / "lake"))
    assert plain(with_spark(tmp_path / "lake", spark, tmp_path)) == plain(with_duckdb(parquet, spark, tmp_path))
