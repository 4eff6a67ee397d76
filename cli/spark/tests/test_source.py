"""The format `pml` against the Parquet that the program writes of the same captures."""

import datetime
import zipfile

import procmon_pml
import pyspark_pml
import pytest
from conftest import BROKEN, SOUND
from pyspark.sql import functions as F
from pyspark_pml import captures, pushdown, source, tables


def read(spark, path, **options):
    return spark.read.format("pml").options(**options).load(str(path))


def rows_of(frame):
    """All columns of all rows, in one order."""
    return sorted(zip(*(map(str, column.to_pylist()) for column in frame.toArrow().columns)))


def sums(frame):
    rows = frame.groupBy("capture", "operation").agg(
        F.count("*"), F.sum("status"), F.sum("seconds").cast("string"), F.sum(F.col("time_ns") % 1_000_000_007), F.sum("length")
    )
    return sorted(map(tuple, rows.collect()))


def test_spark_finds_the_format_and_reads_what_the_program_writes(spark, fleet, parquet):
    events = read(spark, fleet, on_error="skip")
    written = spark.read.parquet(str(parquet / "*" / "events.parquet"))
    assert events.columns == written.columns
    assert [field.dataType for field in events.schema] == [field.dataType for field in written.schema]
    assert events.count() == written.count() > 3000
    assert sums(events) == sums(written)
    # Exact times, in both columns.
    times = ["capture", "event_id", "time", "time_ns"]
    ours = events.select(*times).orderBy("capture", "event_id").toArrow()
    assert ours.equals(written.select(*times).orderBy("capture", "event_id").toArrow())
    assert any(nanos % 1000 for nanos in ours["time_ns"].to_pylist())
    assert rows_of(events) == rows_of(written)


def test_small_tables_and_a_join(spark, fleet, parquet):
    for table in ["processes", "modules", "stacks", "frames"]:
        ours = read(spark, fleet, table=table, on_error="skip")
        written = spark.read.parquet(str(parquet / "*" / f"{table}.parquet"))
        assert ours.columns == written.columns, table
        assert rows_of(ours) == rows_of(written), table
    keys = ["capture", "part", "process_index"]
    by_name = lambda events, processes: sorted(
        map(tuple, events.join(processes, keys).groupBy("capture", "name").count().collect())
    )
    found = by_name(read(spark, fleet, on_error="skip"), read(spark, fleet, table="processes", on_error="skip"))
    written = [spark.read.parquet(str(parquet / "*" / f"{table}.parquet")) for table in ["events", "processes"]]
    assert len(found) > 10 and found == by_name(*written)
    [row] = read(spark, fleet / "PC-1", table="capture").collect()
    assert (row.computer, row.events, row.types) == ("PC-ZHANGWEI", 3000, "portable")


def test_a_schema_chooses_columns(spark, fleet):
    chosen = spark.read.format("pml").schema("path string, capture string, time_ns bigint").option("on_error", "skip")
    frame = chosen.load(str(fleet))
    assert frame.columns == ["path", "capture", "time_ns"]
    assert frame.groupBy("capture").count().orderBy("capture").collect() == [(SOUND[0], 3000), (SOUND[1], frame.where(f"capture = '{SOUND[1]}'").count())]
    reader = source.Reader(source.Options.of({"path": str(fleet)}), frame.schema)
    assert tables.sources(reader.wanted.fieldNames()) == ["capture", "time", "path"]
    with pytest.raises(Exception, match="no column 'pth'"):
        spark.read.format("pml").schema("pth string").load(str(fleet / "PC-1")).collect()


def test_broken_captures_fail_are_left_out_or_are_rows(spark, fleet):
    with pytest.raises(Exception, match="PC-[34]_Bootlog: .*Bootlog.pml"):
        read(spark, fleet).count()
    errors = read(spark, fleet, on_error="rows").where("error is not null").select("capture", "error", "event_id").collect()
    assert sorted(row.capture for row in errors) == BROKEN
    assert all("Bootlog.pml" in row.error and row.event_id is None for row in errors)
    assert read(spark, fleet, on_error="rows").where("error is null").count() == read(spark, fleet, on_error="skip").count()
    # What is left of the one that is cut off.
    left = read(spark, fleet / "PC-3", recover="true").count()
    assert left == procmon_pml.open(fleet / "PC-3" / "Bootlog.pml", recover=True).event_count > 0


def test_verdicts_have_a_row_for_every_capture(spark, fleet):
    verdicts = read(spark, fleet, table="verdicts").orderBy("capture").collect()
    assert [row.capture for row in verdicts] == SOUND + BROKEN
    assert [row.status for row in verdicts] == [0, 0, 2, 2]
    assert [row.rollback for row in verdicts[:2]] == ["confirmed", "confirmed"]
    assert all(row.error and row.headline is None for row in verdicts[2:])
    findings = read(spark, fleet, table="findings", on_error="skip")
    events = read(spark, fleet, on_error="skip")
    joined = findings.alias("f").join(events.alias("e"), ["capture", "event_id"]).selectExpr("f.path = e.path as same").collect()
    assert joined and all(row.same for row in joined)
    first = findings.where("rank = 1").orderBy("capture").collect()
    assert [row.rule for row in first] == [row.rule for row in verdicts[:2]]
    report = procmon_pml.triage(fleet / "PC-1" / "Bootlog.pml", lang="zh")
    chinese = read(spark, fleet / "PC-1", table="verdicts", lang="zh").collect()
    assert chinese[0].headline == report["headline"]


QUESTIONS = [
    "process_name = 'TiWorker.exe' and status >= 3221225472",
    "operation in ('ReadFile', 'WriteFile') and byte_offset > 0",
    "path like '%winsxs%' or path like 'C:%'",
    "path like '%.dll' and path like 'C:\\\\\\\\Windows%'",
    "contains(path, 'WinSxS') and startswith(path, 'C:') and endswith(path, '.dll')",
    "time >= timestamp'2024-11-14 00:21:50' and time <= timestamp'2024-11-14 00:22:05.1234'",
    "time_ns > 1731543700000000000 and duration_ns is not null",
    "target_path is null and pid not in (4, 8) and pid <> 12",
    "process_name <> 'tiworker.exe' and operation = 'createfile'",
    "image_base < 0 or image_base > 100",
    "image_base < 5 and image_base is not null",
    "target_path is not null or length <=> 4096",
    "event_id < 1500 and capture = 'PC-1_Bootlog'",
    "capture in ('PC-2_Bootlog', 'PC-1_Bootlog') and seconds < 20",
    "detail like 'Desired%' and tid % 2 = 0",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_pushed_filters_change_no_answer(spark, fleet, question):
    columns = [field for field in tables.schema("events").fieldNames() if field != "stack_id"]
    plain, pushed = (
        read(spark, fleet, on_error="skip", pushdown=pushdown).select(*columns).where(question) for pushdown in ["false", "true"]
    )
    key = lambda frame: sorted(map(tuple, frame.select("capture", "event_id").collect()))
    assert key(plain) == key(pushed)


def test_what_is_pushed(fleet):
    from pyspark.sql import datasource as D

    def pushed(*filters):
        schema = tables.schema("events")
        schema = type(schema)([field for field in schema if field.name != "stack_id"])
        reader = source.PushingReader(source.Options.of({"path": str(fleet), "pushdown": "true", "filter": "pid = 4"}), schema)
        assert list(reader.pushFilters(list(filters))) == list(filters), "Spark looks again"
        return reader

    reader = pushed(D.EqualTo(("process_name",), "Ti'Worker.exe"), D.In(("capture",), ("PC-1_Bootlog", "PC-9")))
    assert reader.options.where == "(pid = 4) and (process_name = 'Ti''Worker.exe')"
    assert [share.capture.id for share in reader.partitions()] == ["PC-1_Bootlog"]
    at = datetime.datetime(2024, 11, 14, 0, 21, 50, 7, tzinfo=datetime.timezone.utc)
    texts = {
        D.EqualTo(("time",), at): "time >= 2024-11-14T00:21:50.000007Z and time < 2024-11-14T00:21:50.000008Z",
        D.LessThanOrEqual(("time",), at): "time < 2024-11-14T00:21:50.000008Z",
        D.EqualTo(("image_base",), -4096): "image_base = 18446744073709547520",
        D.GreaterThan(("image_base",), 5): "image_base > 5",
        D.LessThan(("image_base",), 5): None,
        D.Not(D.EqualTo(("path",), "a")): None,
        D.Not(D.In(("pid",), (4, 8))): "pid not in (4, 8)",
        D.IsNotNull(("pid",)): "pid is not null",
        D.IsNotNull(("target_path",)): "target_path is not null",
        D.EqualTo(("operation",), "NoSuchOperation"): None,
        D.EqualTo(("seconds",), 5): None,
        D.StringContains(("path",), ""): None,
    }
    assert {given: pushdown.expression(given) for given in texts} == texts
    # The numbers of stacks are those of all events that the filter of the reading takes.
    with_stacks = source.PushingReader(source.Options.of({"path": str(fleet), "pushdown": "true"}), tables.schema("events"))
    with_stacks.pushFilters([D.EqualTo(("pid",), 4)])
    assert with_stacks.options.where is None


def test_a_filter_of_the_program_chooses_events(spark, fleet):
    chosen = read(spark, fleet / "PC-1", filter="process_name = tiworker.exe and result = error")
    assert 0 < chosen.count() == procmon_pml.open(fleet / "PC-1" / "Bootlog.pml").events(where="process_name = tiworker.exe and result = error").count()
    with pytest.raises(Exception, match=r"\^"):
        read(spark, fleet, filter="pth contains x").count()


def test_large_captures_are_shared(spark, fleet):
    wanted = tables.schema("events")
    without_stacks = type(wanted)([field for field in wanted if field.name != "stack_id"])
    options = source.Options.of({"path": str(fleet / "PC-1"), "share_bytes": "300k"})
    shares = source.Reader(options, without_stacks).partitions()
    assert [(share.number, share.of) for share in shares] == [(n, len(shares)) for n in range(len(shares))] and len(shares) > 2
    assert len(source.Reader(options, wanted).partitions()) == 1, "stacks have the numbers of the whole"
    names = ["event_id", "path", "time_ns"]
    frame = read(spark, fleet / "PC-1", share_bytes="300k").select(*names)
    schema = type(wanted)([wanted[name] for name in names])
    shared = spark.read.format("pml").schema(schema).option("share_bytes", "300k").load(str(fleet / "PC-1"))
    assert shared.rdd.getNumPartitions() == len(shares)
    assert sorted(map(tuple, shared.collect())) == sorted(map(tuple, frame.collect()))


def test_archives_lists_and_globs(spark, fleet, tmp_path):
    with zipfile.ZipFile(tmp_path / "case.zip", "w") as archive:
        for part in sorted((fleet / "PC-1").iterdir()):
            archive.write(part, f"PC-1/{part.name}")
    counts = lambda *paths: dict(
        map(tuple, spark.read.format("pml").schema("capture string").load([str(path) for path in paths]).groupBy("capture").count().collect())
    )
    assert list(counts(tmp_path / "case.zip").values()) == [3000]
    assert set(counts(fleet / "PC-1", fleet / "PC-2")) == set(SOUND)
    assert set(counts(fleet / "PC-[12]")) == set(SOUND)
    # An address of a local file is its path.
    [capture] = captures.find([f"file://{fleet}/PC-1"])
    assert (capture.size, capture.files) == (sum(part.stat().st_size for part in (fleet / "PC-1").iterdir()), ())


def test_options_are_checked(spark, fleet):
    for name, value, said in [
        ("table", "evnts", "no table 'evnts'"),
        ("on_error", "ignore", "fail, skip or rows"),
        ("pushdown", "yes", "true or false"),
        ("share_bytes", "many", "number of bytes"),
        ("colour", "red", "no option 'colour'"),
    ]:
        with pytest.raises(Exception, match=said):
            read(spark, fleet, **{name: value}).columns
    with pytest.raises(Exception, match="no path"):
        spark.read.format("pml").load().columns
    assert pyspark_pml.DefaultSource.name() == "pml"
