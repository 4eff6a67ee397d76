#!/usr/bin/env python3
"""Opens datasets in DuckDB, pyarrow and polars, and checks that these agree.

usage: consumers.py PML SAMPLE_LOG README [CORPUS]

PML is the built program. SAMPLE_LOG is converted and opened in all three: counts, a join with processes and
exact times must be the same; Arrow IPC and JSON Lines must hold the same rows as Parquet. The SQL in README
(blocks marked sql) must give the result in the block after it. The report of triage on the sample must agree with
its tables and the events. XML of a hostile log must be well-formed. Tables of two captures, in
exact and portable types, must give one answer to one query, in this DuckDB and in those that PML_OLDER_DUCKDB names
(folders for PYTHONPATH); Delta and Iceberg must take the portable ones. With CORPUS, every real log is converted; time,
class, operation, pid, tid, path and result of every event must equal Process Monitor's CSV, and triage must find no
rollback.

The last line of output is `N passed, N failed, N skipped`.
"""

import csv
import datetime
import html
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import deltalake
import duckdb
import polars
import pyarrow
import pyarrow.ipc
import pyarrow.parquet as pq
import pyiceberg.catalog.sql

csv.field_size_limit(1 << 30)
TABLES = ["events", "processes", "modules", "stacks", "frames", "capture"]
results = {"passed": 0, "failed": 0, "skipped": 0}


def check(name, condition, detail=""):
    results["passed" if condition else "failed"] += 1
    print(("ok      " if condition else "FAILED  ") + name + ("" if condition else f": {detail}"))


def convert(pml, log, out, *extra):
    return subprocess.run([pml, "convert", log, "-o", out, *extra], capture_output=True, text=True)


def agree(dataset):
    """DuckDB, pyarrow and polars see the same rows and the same instants."""
    db = duckdb.connect()
    for table in TABLES:
        db.execute(f"CREATE VIEW {table} AS FROM '{dataset}/{table}.parquet'")
        counts = {
            "duckdb": db.execute(f"SELECT count(*) FROM {table}").fetchone()[0],
            "pyarrow": pq.read_table(f"{dataset}/{table}.parquet").num_rows,
            "polars": polars.read_parquet(f"{dataset}/{table}.parquet").height,
        }
        check(f"{table}: the same count in all three", len(set(counts.values())) == 1, counts)

    events, processes = pq.read_table(f"{dataset}/events.parquet"), pq.read_table(f"{dataset}/processes.parquet")
    join = "SELECT p.name, count(*) AS n FROM events e JOIN processes p USING (part, process_index) GROUP BY 1 ORDER BY 1"
    in_duckdb = db.execute(join).fetchall()
    keys = ["part", "process_index"]
    joined = events.select(keys).join(processes.select([*keys, "name"]), keys, join_type="inner")
    grouped = joined.group_by("name").aggregate([([], "count_all")]).sort_by("name")
    in_pyarrow = list(zip(grouped["name"].to_pylist(), grouped["count_all"].to_pylist()))
    in_polars = (
        polars.read_parquet(f"{dataset}/events.parquet")
        .join(polars.read_parquet(f"{dataset}/processes.parquet"), on=keys)
        .group_by("name").len().sort("name").rows()
    )
    check("join with processes: DuckDB and pyarrow", in_duckdb == in_pyarrow, (in_duckdb[:3], in_pyarrow[:3]))
    check("join with processes: DuckDB and polars", in_duckdb == in_polars, (in_duckdb[:3], in_polars[:3]))
    check("join with processes finds rows", len(in_duckdb) > 1)

    nanos = [row[0] for row in db.execute("SELECT epoch_ns(time) FROM events ORDER BY event_id").fetchall()]
    check("times: DuckDB and pyarrow", nanos == events["time"].cast("int64").to_pylist())
    check("times: DuckDB and polars", nanos == polars.read_parquet(f"{dataset}/events.parquet")["time"].to_physical().to_list())
    check("times keep the 100 ns", any(n % 1000 for n in nanos) and not any(n % 100 for n in nanos))

    missing = db.execute(
        "SELECT count(*) FROM (SELECT unnest(frames) AS id FROM stacks) s LEFT JOIN frames f ON f.frame_id = s.id WHERE f.frame_id IS NULL"
    ).fetchone()[0]
    check("every frame of every stack is there", missing == 0, missing)
    lost = db.execute("SELECT count(*) FROM events e ANTI JOIN stacks s USING (stack_id) WHERE e.stack_id IS NOT NULL").fetchone()[0]
    check("every stack of every event is there", lost == 0, lost)
    twice = db.execute("SELECT count(*) - count(DISTINCT frames) FROM stacks").fetchone()[0]
    check("stacks are stored once each", twice == 0, twice)
    metadata = pq.read_metadata(f"{dataset}/events.parquet").metadata
    check("the metadata holds the facts of the capture", b"pml.computer" in metadata and b"pml.events" in metadata)


def plain(table):
    """A pyarrow table as lists: dictionaries as texts, times as nanoseconds."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pyarrow.types.is_dictionary(column.type):
            column = column.cast(pyarrow.string())
        if pyarrow.types.is_timestamp(column.type):
            column = column.cast("int64")
        columns[name] = column.to_pylist()
        if pyarrow.types.is_decimal(column.type):
            # As JSON gives them; the cast of pyarrow rounds otherwise.
            columns[name] = [None if value is None else float(value) for value in columns[name]]
    return columns


def same_rows(pml, log, folder):
    """The other formats of the events table hold the same rows as the Parquet file."""
    for name in ["events.arrow", "events.jsonl", "events.parquet"]:
        convert(pml, log, f"{folder}/{name}")
    parquet = pq.read_table(f"{folder}/events.parquet")
    rows = plain(parquet)
    ipc = pyarrow.ipc.open_file(f"{folder}/events.arrow").read_all()
    check("Arrow IPC has the schema of Parquet", ipc.schema.equals(parquet.schema))
    check("Arrow IPC has the rows of Parquet", plain(ipc) == rows)
    in_polars = polars.read_ipc(f"{folder}/events.arrow")
    check("polars opens Arrow IPC", in_polars["path"].to_list() == rows["path"])
    with open(f"{folder}/events.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    check("JSON Lines has the columns of Parquet", all(list(line) == parquet.column_names for line in lines))
    different = [name for name in rows if name != "time" and [line[name] for line in lines] != rows[name]]
    check("JSON Lines has the rows of Parquet", len(lines) == parquet.num_rows and not different, different)
    instants = duckdb.connect().execute(
        f"SELECT list(epoch_ns(time::TIMESTAMP_NS) ORDER BY event_id) FROM read_json('{folder}/events.jsonl', columns = {{event_id: 'UBIGINT', time: 'VARCHAR'}})"
    ).fetchone()[0]
    check("JSON Lines keeps exact times in DuckDB", instants == rows["time"])


def same_choice(pml, log, dataset, folder):
    """--where selects the rows that SQL selects, in a conversion and in a slice of the log."""
    pairs = [
        ("result = error", "status >> 30 = 3"),
        ("process_name = tiworker.exe and path contains winsxs", "process_name ILIKE 'tiworker.exe' AND path ILIKE '%winsxs%'"),
        ("operation in (ReadFile, WriteFile) and byte_offset > 0", "operation IN ('ReadFile', 'WriteFile') AND byte_offset > 0"),
        ("time between 20s and 40s", "epoch_ns(time) - (SELECT min(epoch_ns(time)) FROM events) BETWEEN 20e9 AND 40e9"),
        ("not target_path = null or duration > 1ms", "target_path IS NOT NULL OR duration_ns > 1e6"),
    ]
    db = duckdb.connect()
    db.execute(f"CREATE VIEW events AS FROM '{dataset}/events.parquet'")
    for number, (where, sql) in enumerate(pairs):
        expect = db.execute(f"SELECT list(event_id ORDER BY event_id) FROM events WHERE {sql}").fetchone()[0] or []
        done = convert(pml, log, f"{folder}/where-{number}.parquet", "--where", where)
        ours = pq.read_table(f"{folder}/where-{number}.parquet")["event_id"].to_pylist() if done.returncode == 0 else done.stderr
        check(f"--where {where!r} takes the rows of SQL", expect and ours == expect, (ours[:9], expect[:9]))
        slice_log = f"{folder}/slice{number}.pml"
        subprocess.run([pml, "slice", log, "-o", slice_log, "--where", where], capture_output=True, check=True)
        convert(pml, slice_log, f"{folder}/slice-{number}.parquet", "--no-set")
        texts = "SELECT epoch_ns(time), operation, path, detail, status FROM {} ORDER BY event_id"
        in_slice = db.execute(texts.format(f"'{folder}/slice-{number}.parquet'")).fetchall()
        check(f"a slice by {where!r} has them too", in_slice == db.execute(texts.format(f"'{folder}/where-{number}.parquet'")).fetchall())


# One query over many captures, for every version of DuckDB and every layout of the files.
OVER_MANY = """
    SELECT e.capture, e.computer, count(*), sum(e.seconds)::VARCHAR, count(*) FILTER (WHERE e.seconds BETWEEN 20 AND 40), count(DISTINCT p.name)
    FROM '{folder}/*/events.parquet' e JOIN '{folder}/*/processes.parquet' p USING (capture, part, process_index)
    WHERE e.capture >= 'PC-1' GROUP BY ALL ORDER BY 1"""


# Macros of `pml sql-init` and a query over each, which gives one number that plain SQL gives as well.
MACROS = {
    "file_summary()": ("sum(total_events)", "SELECT count(*) FROM events WHERE class = 'File System' AND path <> ''"),
    "registry_summary()": ("sum(total_events)", "SELECT count(*) FROM events WHERE class = 'Registry' AND path <> ''"),
    "network_summary()": ("coalesce(sum(total_events), 0)", "SELECT count(*) FROM events WHERE class = 'Network'"),
    "process_summary()": ("sum(total_events)", "SELECT count(*) FROM events"),
    "cross_reference()": ("count(*) > 0", "SELECT true"),
    "count_occurrences('operation')": ("sum(events)", "SELECT count(*) FROM events"),
    "stack_summary()": ("max(stacks) <= count(*) * 1000000", "SELECT true"),
    "failed_servicing()": ("count(*) > 0", "SELECT true"),
    "process_tree()": ("count(*)", "SELECT count(DISTINCT (capture, pid, start_time)) FROM processes"),
    "who_held('%winsxs%')": ("sum(opens)", "SELECT count(*) FROM events WHERE operation = 'CreateFile' AND status = 0 AND path ILIKE '%winsxs%'"),
    "boot_timeline()": ("sum(events)", "SELECT count(*) FROM events"),
    "slow_operations(0.001)": ("count(*)", "SELECT count(*) FROM events WHERE duration_ns >= 1000000"),
    "cbs_registry()": ("count(*) > 0", "SELECT true"),
    "stack_of('PC-1', 1876)": ("count(*)", "SELECT depth FROM stacks JOIN events USING (capture, stack_id) WHERE event_id = 1876 AND capture = 'PC-1'"),
}


def macros(script, older):
    """Every macro of `pml sql-init` runs in old and new versions of DuckDB, and agrees with plain SQL."""
    code = """
import duckdb, json, sys
script, macros = json.load(sys.stdin)
db = duckdb.connect()
db.execute(script)
found = {name: [db.execute(f"SELECT {value} FROM {name}").fetchall()[0][0], db.execute(sql).fetchall()[0][0]] for name, (value, sql) in macros.items()}
print(json.dumps({name: [str(value) for value in values] for name, values in found.items()}))
"""
    for site in ["", *older]:
        done = subprocess.run([sys.executable, "-c", code], input=json.dumps([script, MACROS]), capture_output=True, text=True, env={**os.environ, "PYTHONPATH": site})
        check(f"macros run in DuckDB {os.path.basename(site) or duckdb.__version__}", done.returncode == 0, done.stderr)
        found = json.loads(done.stdout or "{}")
        wrong = {name: values for name, values in found.items() if values[0].lower() != values[1].lower()}
        check("macros agree with plain SQL", len(found) == len(MACROS) and not wrong, wrong)


def many(pml, log, folder, older):
    """Tables of several captures are one table, in exact and portable types, for old and new readers, and in lakes."""
    answers = {}
    for types in ["exact", "portable"]:
        for layout in ["capture=", ""]:
            place = f"{folder}/{types}-{layout.strip('=') or 'plain'}"
            os.mkdir(place)
            for capture in ["PC-1", "PC-2"]:
                done = convert(pml, log, f"{place}/{layout}{capture}", "--to", "dataset", "--types", types, "--capture-id", capture)
                check(f"{capture} converts to {types} types", done.returncode == 0, done.stderr)
            query = OVER_MANY.format(folder=place)
            answers[types, layout, duckdb.__version__] = json.loads(json.dumps(duckdb.connect().execute(query).fetchall()))
            for site in older:
                script = "import duckdb, json, sys; print(json.dumps([duckdb.__version__, duckdb.connect().execute(sys.argv[1]).fetchall()]))"
                done = subprocess.run([sys.executable, "-c", script, query], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": site})
                check(f"a DuckDB in {site} answers", done.returncode == 0, done.stderr)
                version, rows = json.loads(done.stdout)
                answers[types, layout, version] = rows
    script = subprocess.run([pml, "sql-init", f"{folder}/exact-capture"], capture_output=True, text=True)
    check("sql-init prints views and macros", script.returncode == 0, script.stderr)
    macros(script.stdout, older)
    first, *others = answers.values()
    check(f"one query over two captures, {len(answers)} times the same answer", len(first) == 2 and all(o == first for o in others), answers)

    exact, portable = pq.read_table(f"{folder}/exact-plain/PC-1/events.parquet"), pq.read_table(f"{folder}/portable-plain/PC-1/events.parquet")
    check("portable times keep their nanoseconds", exact["time"].cast("int64").to_pylist() == portable["time_ns"].to_pylist())
    check("portable numbers are the exact ones", exact["status"].to_pylist() == portable["status"].to_pylist())
    for table in TABLES:
        lake, files = f"{folder}/delta/{table}", [f"{folder}/portable-plain/PC-{n}/{table}.parquet" for n in [1, 2]]
        rows = sum(pq.read_metadata(file).num_rows for file in files)
        for file in files:
            deltalake.write_deltalake(lake, pq.read_table(file), mode="append", partition_by=["capture"])
        deltalake.write_deltalake(lake, pq.read_table(files[0]), mode="overwrite", predicate="capture = 'PC-1'")
        check(f"Delta: {table}, one capture replaced", deltalake.DeltaTable(lake).to_pyarrow_table().num_rows == rows)

    os.mkdir(f"{folder}/iceberg")
    catalog = pyiceberg.catalog.sql.SqlCatalog("ci", uri=f"sqlite:///{folder}/iceberg/catalog.db", warehouse=f"file://{folder}/iceberg")
    catalog.create_namespace("pml")
    for table in TABLES:
        files = [f"{folder}/portable-plain/PC-{n}/{table}.parquet" for n in [1, 2]]
        added = catalog.create_table(f"pml.{table}", schema=pq.read_schema(files[0]).remove_metadata())
        with added.update_spec() as spec:
            spec.add_identity("capture")
        added.add_files(files)
        one = added.scan(row_filter="capture = 'PC-2'").to_arrow().num_rows
        check(f"Iceberg: {table}, files added where they are", one == pq.read_metadata(files[1]).num_rows and added.scan().to_arrow().num_rows == 2 * one)


def ticks(date, time_of_day):
    """Nanoseconds since 1970 of Procmon's US date and its time of day with seven decimals."""
    day = datetime.datetime.strptime(date.split(" ")[0], "%m/%d/%Y")
    clock, half = time_of_day.split(" ")
    hours, minutes, seconds = clock.split(":")
    whole, decimals = seconds.split(".")
    hour = int(hours) % 12 + (12 if half == "PM" else 0)
    epoch = (day - datetime.datetime(1970, 1, 1)).days * 86400 + hour * 3600 + int(minutes) * 60 + int(whole)
    return epoch * 10**9 + int(decimals) * 100


def equals_export(dataset, export):
    """The plain columns of every event equal those of Process Monitor's CSV."""
    rows = duckdb.connect().execute(
        f"SELECT epoch_ns(time), class, operation, pid, tid, path, result FROM '{dataset}/events.parquet' ORDER BY event_id"
    ).fetchall()
    different, count = [], 0
    with open(export, encoding="utf-8-sig", newline="") as file:
        for ours, real in zip(rows, csv.DictReader(file)):
            count += 1
            theirs = (
                ticks(real["Date & Time"], real["Time of Day"]), real["Event Class"], real["Operation"],
                int(real["PID"]), int(real["TID"]), real["Path"], real["Result"],
            )
            # A CSV cell has a semicolon for each line feed.
            ours = (*ours[:5], ours[5].replace("\n", ";"), ours[6])
            if ours != theirs:
                different.append((ours, theirs))
        more = file.read(1)
    name = os.path.basename(dataset)
    check(f"{name}: {count} events equal the export", not different and count == len(rows) and not more, different[:2])


def triage(pml, log, *extra):
    return subprocess.run([pml, "triage", log, *extra], capture_output=True, text=True)


def triage_agrees(pml, log, folder):
    """The report, its tables and the cited events agree."""
    dataset = f"{folder}/triage"
    done = triage(pml, log, "--format", "json", "--parquet", dataset, "--quiet", "--exit-code")
    check("triage: a rollback ends with status 3", done.returncode == 3, done.stderr)
    report = json.loads(done.stdout)
    check("triage: the sample is a confirmed rollback", report["rollback"]["class"] == "confirmed", report["rollback"])
    first = report["findings"][0]
    joined = duckdb.sql(f"""
        SELECT f.rule, e.process_name, e.operation, e.path, e.status, f.attempts
        FROM '{dataset}/findings.parquet' f JOIN '{dataset}/events.parquet' e USING (event_id) WHERE f.rank = 1""").fetchall()
    wanted = [(first[k] for k in ["rule", "process", "operation", "path", "status_number", "attempts"])]
    check("triage: findings join the events they are about", joined == [tuple(row) for row in wanted], joined)
    tries = duckdb.sql(f"""
        SELECT x.attempts, count(*) FROM '{dataset}/failures.parquet' x JOIN '{dataset}/events.parquet' e
        ON e.process_name = x.process_name AND e.pid = x.pid AND e.operation = x.operation AND e.path = x.path AND e.status = x.status
        WHERE x.finding = 1 GROUP BY ALL""").fetchall()
    check("triage: each failure counts its events", tries and all(a == b for a, b in tries), tries)
    for name in ["report.html", "report.md"]:
        kind = name.split(".")[1]
        check(f"triage: writes {name}", triage(pml, log, "--format", kind, "-o", f"{folder}/{name}").returncode == 0)
    page = html.unescape(pathlib.Path(f"{folder}/report.html").read_text(encoding="utf-8"))
    loads = re.findall(r"(?:src|href|action)\s*=\s*[\"'](?!#|https://learn\.microsoft\.com/)[^\"']", page)
    check("triage: the page loads nothing from elsewhere", not loads and "url(" not in page, loads)


def no_rollback(pml, log, name):
    report = json.loads(triage(pml, log, "--no-set", "--format", "json").stdout)
    check(f"{name}: no rollback, no finding", report["rollback"]["class"] == "none" and not report["findings"], report["findings"])


def well_formed(pml, log, folder):
    """An XML parser reads the XML of texts with characters that XML does not allow."""
    evil_bytes = b"W\x01\x0b<&>\x85"
    evil_units = b"W\0\x01\0\xff\xff\0\xd8<\0&\0\0\xdc"
    data = pathlib.Path(log).read_bytes()
    found = data.count(b"Windows") and data.count("Windows".encode("utf-16-le"))
    data = data.replace(b"Windows", evil_bytes).replace("Windows".encode("utf-16-le"), evil_units)
    hostile, out = pathlib.Path(folder, "hostile.pml"), f"{folder}/hostile.xml"
    hostile.write_bytes(data)
    done = convert(pml, str(hostile), out, "--stacks", "--no-set")
    check("a hostile log converts to XML", found and done.returncode == 0, done.stderr)
    events = sum(1 for _, node in xml.etree.ElementTree.iterparse(out) if node.tag == "event")
    count = subprocess.run([pml, "info", str(hostile), "--format", "json"], capture_output=True, text=True)
    check("an XML parser reads all its events", events == json.loads(count.stdout)["events"], events)


def readme_queries(readme, folder):
    """The SQL of the README gives the results that the README shows."""
    text = pathlib.Path(readme).read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```\n+```text\n(.*?)```", text, re.S)
    check("the README has queries with output", len(blocks) >= 3, len(blocks))
    cwd = os.getcwd()
    os.chdir(folder)
    for query, shown in blocks:
        table = duckdb.connect().sql(query)
        # The block has headings, then one row a line, with blanks between columns.
        lines = ["  ".join(table.columns)] + ["  ".join(map(str, row)) for row in table.fetchall()]
        squeeze = lambda s: [re.sub(r"\s+", " ", line).strip() for line in s if line.strip()]
        ours, theirs = squeeze(lines), squeeze(shown.splitlines())
        check("README: " + query.strip().splitlines()[0], ours == theirs, "\n" + "\n".join(lines))
    os.chdir(cwd)


def main():
    pml, sample, readme = (os.path.abspath(arg) for arg in sys.argv[1:4])
    corpus = pathlib.Path(sys.argv[4]) if len(sys.argv) > 4 else None
    with tempfile.TemporaryDirectory() as folder:
        dataset = f"{folder}/boot"
        done = convert(pml, sample, dataset)
        check("the sample converts", done.returncode == 0, done.stderr)
        agree(dataset)
        same_rows(pml, sample, folder)
        same_choice(pml, sample, dataset, folder)
        readme_queries(readme, folder)
        triage_agrees(pml, sample, folder)
        well_formed(pml, sample, folder)
        many(pml, sample, folder, os.environ.get("PML_OLDER_DUCKDB", "").split())
        for name in ["1", "2", "3"]:
            convert(pml, sample, f"{folder}/threads-{name}", "--threads", name)
        same = {
            tuple(pathlib.Path(f"{folder}/threads-{n}/{t}.parquet").read_bytes() for t in TABLES) for n in "123"
        }
        check("the same bytes for 1, 2 and 3 threads", len(same) == 1)
        if corpus is None or not corpus.is_dir():
            print("skipped the real logs: no corpus")
            results["skipped"] += 1
        else:
            logs = {path.name.split(".pml")[0] for path in [*corpus.glob("*.pml.zst"), *corpus.glob("*.pml")]}
            check("the corpus has logs", len(logs) >= 5, logs)
            for name in sorted(logs):
                for kind in ["pml", "csv"]:
                    plain_file, out = corpus / f"{name}.{kind}", pathlib.Path(f"{folder}/{name}.{kind}")
                    if plain_file.exists():
                        out.write_bytes(plain_file.read_bytes())
                        continue
                    with pyarrow.input_stream(f"{plain_file}.zst", compression="zstd") as packed_file:
                        out.write_bytes(packed_file.read())
                done = convert(pml, f"{folder}/{name}.pml", f"{folder}/{name}", "--no-set")
                check(f"{name}: converts without damage", done.returncode == 0, done.stderr)
                equals_export(f"{folder}/{name}", f"{folder}/{name}.csv")
                no_rollback(pml, f"{folder}/{name}.pml", name)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**results))
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
