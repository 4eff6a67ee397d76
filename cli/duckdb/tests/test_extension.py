"""The extension against `pml convert` and `pml triage --parquet`: every function gives the rows that the program writes."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile

import duckdb
import pyarrow
import pyarrow.parquet as pq
import pytest
from conftest import COMMAND_LINE, CORPUS, EXTENSION, ROOT, connected

SMALL = ["processes", "modules", "stacks", "frames", "capture"]
# The program that made the tables, which differs.
OWN = {"tool_version"}


def described(db, source):
    return [(name, kind) for name, kind, *_ in db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]


def actual(db, source, names=None, order=""):
    """Rows of the extension; times as nanoseconds, whatever type they have in this version of DuckDB."""
    kinds = dict(described(db, source))
    names = names or [name for name in kinds if name not in OWN]
    columns = [f'epoch_ns("{name}")' if kinds[name].startswith("TIMESTAMP") else f'"{name}"' for name in names]
    return db.execute(f"SELECT {', '.join(columns)} FROM {source} {order}").fetchall()


def expected(path, names=None):
    """Rows of a Parquet file, in its order."""
    table = pq.read_table(path, partitioning=None)
    names = names or [name for name in table.column_names if name not in OWN]
    columns = []
    for name in names:
        column = table[name]
        if pyarrow.types.is_timestamp(column.type):
            column = column.cast("int64")
        columns.append(column.to_pylist())
    return list(zip(*columns))


def failing(db, query):
    with pytest.raises(duckdb.Error) as raised:
        db.execute(query).fetchall()
    return str(raised.value)


def identity(event):
    """The capture and the id of an event."""
    return event[0], event[2]


def by_id(rows):
    return sorted(rows, key=repr)


def test_events_are_those_that_convert_writes(db, sample, converted):
    events = f"read_pml('{sample}')"
    rows = actual(db, events, order="ORDER BY event_id")
    assert len(rows) == 3000
    assert rows == expected(converted / "events.parquet")
    kinds = dict(described(db, events))
    is_newer = int(duckdb.__version__.split(".")[0]) >= 2
    assert kinds["time"] == ("TIMESTAMPTZ_NS" if is_newer else "TIMESTAMP_NS")
    assert (kinds["seconds"], kinds["event_id"], kinds["path"]) == ("DECIMAL(18,7)", "UBIGINT", "VARCHAR")
    # The sample has values that are NULL, in columns of texts and of numbers.
    values = list(zip(*rows))
    assert sum(None in column and any(value is not None for value in column) for column in values) > 5


@pytest.mark.parametrize("table", SMALL)
def test_small_tables_are_those_that_convert_writes(db, sample, converted, table):
    rows = actual(db, f"pml_{table}('{sample}')")
    assert by_id(rows) == by_id(expected(converted / f"{table}.parquet"))
    assert rows
    assert db.execute(f"SELECT count(*) FROM pml_{table}('{sample}')").fetchone() == (len(rows),)


def test_each_column_alone_and_in_any_order(db, sample, converted):
    events, kinds = f"read_pml('{sample}')", described(db, f"read_pml('{sample}')")
    rows = expected(converted / "events.parquet")
    for at, (name, _) in enumerate(kinds):
        assert sorted(map(repr, actual(db, events, [name]))) == sorted(repr((row[at],)) for row in rows), name
    names = [name for name, _ in reversed(kinds)]
    assert actual(db, events, names, "ORDER BY event_id") == [tuple(reversed(row)) for row in rows]
    assert db.execute(f"SELECT count(*), count(path), count(DISTINCT pid) FROM {events}").fetchone()[0] == 3000
    assert db.execute(f"SELECT pid, pid, tid FROM {events} WHERE event_id = 7").fetchone()[0] == rows[7][[k[0] for k in kinds].index("pid")]


def test_a_path_in_from_is_read(db, sample, tmp_path):
    assert db.execute(f"SELECT count(*) FROM '{sample}'").fetchone() == (3000,)
    shutil.copy(sample, tmp_path / "Alone.PML")
    assert db.execute(f"SELECT count(*) FROM '{tmp_path}/Alone.PML'").fetchone() == (1500,)
    assert db.execute(f"SELECT count(*) FROM '{tmp_path}/*.PML'").fetchone() == (1500,)
    with zipfile.ZipFile(tmp_path / "case.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(sample, "PC-1/Bootlog.pml")
        archive.write(sample.with_name("Bootlog-1.pml"), "PC-1/Bootlog-1.pml")
    assert db.execute(f"SELECT count(*) FROM '{tmp_path}/case.zip:PC-1/Bootlog.pml'").fetchone() == (3000,)
    # Names of other files are none of the extension's.
    assert "pml" not in failing(db, "FROM 'nothing.xyz'").lower().replace("nothing", "")
    missing = failing(db, "FROM 'not/there.pml'")
    assert "not/there.pml: No such file" in missing, missing


def test_a_filter_chooses_events_as_the_program_does(db, sample, pml, tmp_path):
    for number, text in enumerate(["result = error", "process_name = TiWorker.exe and path contains winsxs", "pid = 99999"]):
        out = tmp_path / f"{number}.parquet"
        pml("convert", sample, "-o", out, "--where", text)
        quoted = text.replace("'", "''")
        rows = actual(db, f"read_pml('{sample}', filter := '{quoted}')", order="ORDER BY event_id")
        assert rows == expected(out), text
    error = failing(db, f"FROM read_pml('{sample}', filter := 'pth = 1')")
    printed = pml("convert", sample, "-o", tmp_path / "x", "--where", "pth = 1", status=(2,)).stderr
    said = printed.split("--where: ")[1].strip()
    assert said in error and "^" in error, (said, error)


def test_stacks_have_the_numbers_of_the_events(db, sample, converted):
    join = """SELECT count(*), count(DISTINCT e.stack_id), sum(s.depth), sum(len(s.frames))
        FROM {} e JOIN {} s USING (capture, stack_id)"""
    from_log = db.execute(join.format(f"'{sample}'", f"pml_stacks('{sample}')")).fetchone()
    from_tables = db.execute(join.format(f"'{converted}/events.parquet'", f"'{converted}/stacks.parquet'")).fetchone()
    assert from_log == from_tables and from_log[0] > 0
    chosen = f"'{sample}', filter := 'result = error'"
    lost = f"SELECT count(*) FROM read_pml({chosen}) e ANTI JOIN pml_stacks({chosen}) s USING (stack_id) WHERE stack_id IS NOT NULL"
    assert db.execute(lost).fetchone() == (0,)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, sample):
    """Captures in folders, a zip file and a packed file."""
    folder = tmp_path_factory.mktemp("fleet")
    parts = [sample, sample.with_name("Bootlog-1.pml")]
    for name in ["PC-1", "PC-2"]:
        (folder / name).mkdir()
        for part in parts:
            shutil.copy(part, folder / name)
    with zipfile.ZipFile(folder / "more.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts[:1]:
            archive.write(part, "PC-3/Other.pml")
        for part in parts:
            archive.write(part, f"PC-4/{part.name}")
    return folder


def test_many_captures_are_those_of_convert(db, fleet, pml, tmp_path):
    pml("convert", fleet, "-o", tmp_path / "lake", "--many")
    captures = {path.parent.name.split("=")[1]: expected(path) for path in (tmp_path / "lake").glob("*/events.parquet")}
    everything = sorted((row for rows in captures.values() for row in rows), key=identity)
    assert sorted(actual(db, f"read_pml('{fleet}')"), key=identity) == everything
    count = "SELECT capture, count(*) FROM read_pml({}) GROUP BY ALL ORDER BY ALL"
    counts = sorted((name, len(rows)) for name, rows in captures.items())
    assert len(counts) == 4
    assert db.execute(count.format(f"'{fleet}'")).fetchall() == counts
    files = f"['{fleet}/PC-1/Bootlog.pml', '{fleet}/PC-2', '{fleet}/more.zip']"
    assert db.execute(count.format(files)).fetchall() == counts
    assert db.execute(count.format(f"['{fleet}/PC-*', '{fleet}/*.zip']")).fetchall() == counts
    only = db.execute(count.format(f"'{fleet}/**/Bootlog.pml'")).fetchall()
    assert [name for name, _ in only] == ["PC-1_Bootlog", "PC-2_Bootlog"], only
    for table in SMALL:
        of_convert = [row for path in (tmp_path / "lake").glob(f"*/{table}.parquet") for row in expected(path)]
        assert by_id(actual(db, f"pml_{table}('{fleet}')")) == by_id(of_convert), table


def test_a_broken_capture_fails_the_query_or_is_skipped(db, fleet, pml, tmp_path):
    shutil.copytree(fleet, tmp_path / "f")
    whole = (tmp_path / "f/PC-1/Bootlog.pml").read_bytes()
    (tmp_path / "f/broken").mkdir()
    (tmp_path / "f/broken/Cut.pml").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "f/broken/Not.pml").write_bytes(b"GIF89a" + bytes(1000))
    everything, cut = f"read_pml('{tmp_path}/f'", tmp_path / "f/broken/Cut.pml"
    error = failing(db, f"SELECT count(*) FROM {everything})")
    assert "broken" in error and "hint:" in error, error
    assert db.execute(f"SELECT count(DISTINCT capture), count(*) FROM {everything}, on_error := 'skip')").fetchone() == (4, 10500)
    error = failing(db, f"FROM '{cut}'")
    printed = pml("convert", cut, "-o", tmp_path / "x", status=(2,)).stderr
    said = printed.split("pml: ")[1].split("\n")[0].strip()
    assert said in error and "recover := true" in error, (said, error)
    assert db.execute(f"SELECT count(*) FROM read_pml('{cut}', on_error := 'skip')").fetchone() == (0,)
    pml("convert", cut, "-o", tmp_path / "recovered", "--recover")
    rows = actual(db, f"read_pml('{cut}', recover := true)", order="ORDER BY event_id")
    assert rows == expected(tmp_path / "recovered/events.parquet") and len(rows) > 100
    assert "on_error is 'fail' or 'skip'" in failing(db, f"FROM read_pml('{cut}', on_error := 'x')")
    assert "No such file" in failing(db, "FROM read_pml(['a.pml', 'b.pml'])")
    assert "list of paths" in failing(db, "FROM read_pml(NULL)")
    assert "list of paths" in failing(db, "FROM read_pml(7)")


def test_damaged_events_are_left_out_and_counted(db, sample, pml, tmp_path):
    damaged = bytearray(sample.read_bytes())
    for at in range(len(damaged) // 4, len(damaged) // 2, 5000):
        damaged[at : at + 16] = b"\xff" * 16
    log = tmp_path / "Damaged.pml"
    log.write_bytes(damaged)
    done = pml("convert", log, "-o", tmp_path / "out", status=(0, 1, 2))
    if done.returncode == 2:
        assert done.stderr.split("pml: ")[1].split("\n")[0] in failing(db, f"FROM '{log}'")
        return
    assert actual(db, f"read_pml('{log}')", order="ORDER BY event_id") == expected(tmp_path / "out/events.parquet")
    assert actual(db, f"pml_capture('{log}')") == expected(tmp_path / "out/capture.parquet")
    assert db.execute(f"SELECT damaged_events > 0 OR table_damage > 0 FROM pml_capture('{log}')").fetchone() == (True,)


def test_a_log_cut_at_any_place_is_an_error_or_rows(db, sample, tmp_path):
    whole = sample.read_bytes()
    log = tmp_path / "Cut.pml"
    for parts in range(1, 40):
        log.write_bytes(whole[: len(whole) * parts // 40])
        try:
            db.execute(f"SELECT count(COLUMNS(*)) FROM '{log}'").fetchall()
        except duckdb.Error as error:
            assert "please report" not in str(error), error
        assert db.execute(f"SELECT count(*) >= 0 FROM read_pml('{log}', recover := true, on_error := 'skip')").fetchone() == (True,)


def test_results_do_not_depend_on_threads(fleet, sample):
    everything = f"read_pml('{fleet}')"
    one, two, many = (actual(connected(threads=n), everything, order="ORDER BY capture, event_id") for n in [1, 2, 8])
    assert one == two == many and len(one) == 10500
    grouped = f"SELECT stack_id, count(*) FROM '{sample}' GROUP BY ALL ORDER BY ALL"
    assert connected(threads=1).execute(grouped).fetchall() == connected(threads=4).execute(grouped).fetchall()


def test_a_query_that_ends_early_leaves_no_thread(db, sample):
    def threads():
        return len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0

    columns = ["path", "stack_id", "* EXCLUDE time"]
    for column in columns:
        db.execute(f"SELECT {column} FROM '{sample}' LIMIT 10").fetchall()
    before = threads()
    for column in columns * 5:
        assert len(db.execute(f"SELECT {column} FROM '{sample}' LIMIT 10").fetchall()) == 10
    db.execute(f"SELECT stack_id FROM '{sample}'").fetchmany(3)
    db.execute("SELECT 1").fetchall()
    # Those of the pool end by themselves a moment later.
    for _ in range(600):
        if threads() <= before:
            break
        time.sleep(0.1)
    assert threads() <= before
    assert db.execute(f"SELECT event_id FROM '{sample}' ORDER BY event_id LIMIT 2").fetchall() == [(0,), (1,)]


def test_views_joins_and_prepared_statements_read_again(db, sample):
    db.execute(f"CREATE VIEW e AS FROM '{sample}'")
    twice = "SELECT count(*) FROM e a JOIN e b USING (event_id)"
    assert db.execute(twice).fetchone() == db.execute(twice).fetchone() == (3000,)
    statement = "SELECT count(*) FROM read_pml(?, filter := ?)"
    assert db.execute(statement, [str(sample), "event_id < 5"]).fetchone() == (5,)
    assert db.execute(statement, [str(sample), None]).fetchone() == (3000,)
    assert db.execute(f"SELECT count(*) FROM read_pml('{sample}', all_parts := false)").fetchone() == (1500,)
    assert db.execute(f"SELECT count(*) FROM read_pml('{sample}', mmap := false)").fetchone() == (3000,)
    db.execute(f"CREATE TABLE kept AS FROM '{sample}'")
    assert db.execute("SELECT count(*) FROM kept").fetchone() == (3000,)


def test_drive_letters_are_read(db, sample):
    drives = r"['C=\Device\HarddiskVolume3']"
    assert db.execute(f"SELECT count(*) FROM read_pml('{sample}', drives := {drives})").fetchone() == (3000,)
    assert "expected a letter and a device" in failing(db, f"FROM read_pml('{sample}', drives := ['C:'])")


@pytest.mark.skipif(sys.platform == "darwin", reason="the system ends the process")
@pytest.mark.parametrize("column", ["path", "stack_id"])
def test_a_log_that_is_cut_after_it_was_opened_is_an_error(db, sample, tmp_path, column):
    log = tmp_path / "Bootlog.pml"
    shutil.copy(sample, log)
    db.execute(f"PREPARE counted AS SELECT count(DISTINCT {column}) FROM '{log}'")
    assert db.execute("EXECUTE counted").fetchone()[0] > 1
    os.truncate(log, log.stat().st_size // 4)
    error = failing(db, "EXECUTE counted")
    assert "Bootlog.pml" in error and "please report" not in error, error
    assert db.execute("SELECT 42").fetchone() == (42,)


@pytest.mark.parametrize("step", ["bind", "start", "next", "drop"])
def test_a_panic_is_an_error_of_the_query(step, capfd):
    db = connected()
    if not db.execute("SELECT count(*) FROM duckdb_functions() WHERE function_name = 'pml_panic'").fetchone()[0]:
        pytest.skip("a release has no function that panics")
    if step == "drop":
        db.execute("FROM pml_panic('drop')").fetchall()
    else:
        error = failing(db, f"FROM pml_panic('{step}')")
        assert "please report it" in error and "lib.rs" in error, error
    assert db.execute("SELECT 42").fetchone() == (42,)
    assert capfd.readouterr() == ("", "")


VERDICTS = ["findings", "failures", "signals", "phases", "updates", "sessions"]


def test_triage_of_many_is_that_of_the_program(db, fleet, case, pml, tmp_path):
    folder = tmp_path / "f"
    shutil.copytree(fleet, folder)
    shutil.copytree(case, folder / "PC-5")
    (folder / "PC-6").mkdir()
    (folder / "PC-6/Broken.pml").write_bytes(b"PML_" + bytes(10))
    (tmp_path / "reports").mkdir()
    inputs = sorted(folder.iterdir())
    pml("triage", *inputs, "--format", "html", "-o", tmp_path / "reports", "--parquet", tmp_path / "verdicts", "--lang", "en")
    inputs = [str(path) for path in inputs]
    for function, table in [("triage", "verdicts"), *zip(VERDICTS, VERDICTS)]:
        path = tmp_path / "verdicts" / f"{table}.parquet"
        names = [name for name in pq.read_schema(path).names if name not in {"report", "error"}]
        rows = actual(db, f"pml_{function}({inputs}, on_error := 'skip')", names)
        assert sorted(map(repr, rows)) == sorted(map(repr, expected(path, names))), table
    errors = db.execute(f"SELECT source, status, error IS NULL FROM pml_triage({inputs}) WHERE status = 2").fetchall()
    assert len(errors) == 1 and "Broken.pml" in errors[0][0] and not errors[0][2], errors
    assert "Broken" in failing(db, f"FROM pml_findings({inputs})")


def test_triage_of_one_capture_joins_its_events(db, sample, pml, tmp_path):
    pml("triage", sample, "--parquet", tmp_path / "out", "-o", tmp_path / "report.txt", "--lang", "zh")
    for table in ["findings", "failures"]:
        rows = actual(db, f"pml_{table}('{sample}', lang := 'zh')")
        assert rows == expected(tmp_path / "out" / f"{table}.parquet") and rows
    join = f"SELECT f.rule, e.path FROM pml_findings('{sample}') f JOIN '{sample}' e USING (capture, event_id)"
    assert db.execute(join).fetchall()
    assert db.execute(f"SELECT rollback, status FROM pml_triage('{sample}')").fetchall() == [("confirmed", 0)]
    assert "lang is 'en' or 'zh'" in failing(db, f"FROM pml_triage('{sample}', lang := 'de')")


def test_records_are_those_of_the_text_logs(db, case, pml, tmp_path):
    pml("triage", case, "--parquet", tmp_path / "out", "-o", tmp_path / "report.txt")
    for table in ["records", "findings", "signals"]:
        rows = actual(db, f"pml_{table}('{case}')")
        assert rows == expected(tmp_path / "out" / f"{table}.parquet") and rows, table
    assert len(db.execute(f"FROM pml_records('{case}') LIMIT 1").fetchall()) == 1


MACROS = ["file_summary()", "registry_summary()", "network_summary()", "process_summary()", "cross_reference()", "count_occurrences('result')"]
MACROS += ["stack_summary()", "failed_servicing()", "process_tree()", "who_held('%')", "slow_operations(0.001)", "cbs_registry()"]


def test_ready_questions_are_answered_from_logs(sample, converted, pml):
    answers = []
    # Times of Parquet are in microseconds before DuckDB 2.0.
    names = {"process_tree()": ["capture", "depth", "pid", "name", "chain", "command_line"]}
    for arguments in [[converted], [sample, "--logs"]]:
        db = connected()
        db.execute(pml("sql-init", *arguments).stdout)
        answers.append([sorted(map(repr, actual(db, macro, names.get(macro)))) for macro in MACROS])
    for macro, tables, logs in zip(MACROS, *answers):
        assert tables == logs, macro


REAL = sorted(CORPUS.glob("*.pml.zst"))


@pytest.mark.skipif(not REAL, reason="the corpus of real logs is not here")
@pytest.mark.parametrize("packed", REAL, ids=lambda path: path.name)
def test_real_logs_are_those_of_convert(db, packed, pml, tmp_path):
    pml("convert", packed, "-o", tmp_path / "out")
    for table in ["events", *SMALL]:
        source = f"read_pml('{packed}')" if table == "events" else f"pml_{table}('{packed}')"
        order = "ORDER BY event_id" if table == "events" else ""
        ours, theirs = actual(db, source, order=order), expected(tmp_path / "out" / f"{table}.parquet")
        if table != "events":
            ours, theirs = by_id(ours), by_id(theirs)
        assert ours == theirs, table


def test_the_file_is_for_this_platform():
    footer = EXTENSION.read_bytes()[-512:]
    fields = [footer[at : at + 32].rstrip(b"\0").decode() for at in range(0, 256, 32)]
    assert fields[:4] == ["", "", "", "C_STRUCT"]
    assert fields[5:] == ["v1.2.0", fields[6], "4"]
    assert re.fullmatch(r"(linux|windows|osx)_(amd64|arm64)", fields[6])
    assert not any(footer[256:])


def blocks(page, kind):
    return re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)


def test_the_code_of_the_page_runs(fleet, case, sample, pml, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "duckdb.md").read_text(encoding="utf-8")
    captures = tmp_path / "captures"
    shutil.copytree(fleet, captures)
    shutil.copytree(case, tmp_path / "case")
    for part in [sample, sample.with_name("Bootlog-1.pml")]:
        shutil.copy(part, tmp_path)
    shutil.copy(EXTENSION, tmp_path)
    monkeypatch.chdir(tmp_path)
    db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    statements = 0
    for block in blocks(page, "sh"):
        for line in block.strip().splitlines():
            program, *arguments = shlex.split(line)
            if program == "duckdb":
                if COMMAND_LINE:
                    subprocess.run([COMMAND_LINE, *arguments], check=True, stdout=subprocess.DEVNULL)
                continue
            assert (program, arguments[-2]) == ("pml", ">"), line
            pathlib.Path(arguments[-1]).write_text(pml(*arguments[:-2]).stdout, encoding="utf-8")
    for block in blocks(page, "sql"):
        if "failed_servicing()" in block:
            db.execute(pathlib.Path("boot.sql").read_text(encoding="utf-8"))
        for statement in db.extract_statements(block):
            db.execute(statement).fetchall()
            statements += 1
    assert statements >= 10
    for block in blocks(page, "python"):
        subprocess.run([sys.executable, "-c", block], check=True, stdout=subprocess.DEVNULL)
