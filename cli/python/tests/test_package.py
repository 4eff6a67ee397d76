"""The package against a log of the project: every consumer sees the same rows, and errors are Python's own."""

import errno
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import zipfile

import duckdb
import pandas
import polars
import procmon_pml
import pyarrow
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def log(sample):
    return procmon_pml.open(sample)


def test_a_capture_is_opened_with_all_its_parts(log, sample):
    assert (log.event_count, len(log)) == (3000, 3000)
    assert log.parts == ["Bootlog.pml", "Bootlog-1.pml"]
    assert (log.missing, log.left_out) == ([], [])
    assert log.computer == "PC-ZHANGWEI"
    assert log.capture_id == "PC-ZHANGWEI-20241114T002133Z"
    assert log.size == sum(path.stat().st_size for path in sample.parent.glob("*.pml"))
    alone = procmon_pml.open(os.fspath(sample), all_parts=False)
    assert alone.event_count == 1500
    assert alone.log_hash != log.log_hash


def test_every_library_reads_the_same_events(log):
    events = log.events(columns=["event_id", "process_name", "seconds", "status", "stack_id"])
    arrow = pyarrow.table(events)
    assert arrow.num_rows == 3000
    assert arrow.column_names == events.column_names == ["event_id", "seconds", "process_name", "status", "stack_id"]
    eager = polars.DataFrame(events)
    assert eager["event_id"].to_list() == arrow["event_id"].to_pylist()
    by_name = "SELECT process_name, count(*), sum(seconds)::VARCHAR FROM {} GROUP BY ALL ORDER BY 1"
    in_duckdb = duckdb.sql(by_name.format("events")).fetchall()
    assert in_duckdb == duckdb.sql(by_name.format("arrow")).fetchall()
    assert sum(row[1] for row in in_duckdb) == 3000
    frame = arrow.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["status"].sum() == duckdb.sql("SELECT sum(status) FROM events").fetchall()[0][0]
    # A stream can be taken batch by batch, and more than once.
    assert sum(len(batch) for batch in events) == sum(len(batch) for batch in events) == 3000
    reader = pyarrow.RecordBatchReader.from_stream(events)
    assert reader.schema.equals(arrow.schema)
    assert events.count() == 3000
    assert pyarrow.table(events.empty()).schema.equals(arrow.schema)


def test_a_lazy_frame_reads_what_a_query_needs(sample):
    lazy = procmon_pml.scan(sample, where="result = error")
    found = lazy.filter(polars.col("process_name") == "TiWorker.exe").select("operation", "path").collect()
    log = procmon_pml.open(sample)
    events = log.events(["operation", "path"], "result = error and process_name = TiWorker.exe")
    assert found.rows() == polars.DataFrame(events).rows()
    assert lazy.head(5).collect().height == 5


def test_filters_and_their_mistakes(log):
    chosen = log.events(["path"], where="operation = CreateFile and path contains winsxs")
    assert 0 < chosen.count() < 3000
    with pytest.raises(procmon_pml.PmlError) as raised:
        log.events(where="operation = CreateFile and pth contains x")
    text = str(raised.value)
    assert "^" in text and "pth" in text
    with pytest.raises(ValueError, match="no column 'pth'|no column \"pth\""):
        log.events(columns=["pth"])
    with pytest.raises(procmon_pml.PmlError, match="portable"):
        log.events(types="none")


def test_small_tables_are_those_of_a_dataset(log, tmp_path):
    assert log.convert(tmp_path / "dataset") == 3000
    stacks, frames = log.stacks()
    tables = {
        "events": log.events(),
        "processes": log.processes(),
        "modules": log.modules(),
        "stacks": stacks,
        "frames": frames,
    }
    for name, table in tables.items():
        written = pq.read_table(tmp_path / "dataset" / f"{name}.parquet")
        ours = pyarrow.table(table)
        assert ours.column_names == written.column_names, name
        for column in written.column_names:
            a, b = (t[column].combine_chunks() for t in (ours, written))
            if pyarrow.types.is_dictionary(a.type):
                a, b = a.cast(pyarrow.string()), b.cast(pyarrow.string())
            assert a.to_pylist() == b.to_pylist(), f"{name}.{column}"
    portable = pyarrow.table(log.events(types="portable", capture_id="PC-1"))
    assert portable["time_ns"].to_pylist() == pyarrow.table(log.events(["time"]))["time"].cast("int64").to_pylist()
    assert set(portable["capture"].cast(pyarrow.string()).to_pylist()) == {"PC-1"}
    capture = pyarrow.table(log.capture()).to_pylist()[0]
    assert (capture["computer"], capture["events"]) == ("PC-ZHANGWEI", 3000)


def test_a_verdict_is_a_dictionary_and_tables(log, sample):
    report = log.triage()
    found = report.to_dict()
    assert found["rollback"]["class"] == "confirmed"
    assert found == procmon_pml.triage(sample)
    findings = pyarrow.table(report.findings).to_pylist()
    assert [row["rule"] for row in findings] == [finding["rule"] for finding in found["findings"]]
    events = log.events(["event_id", "path"])
    failures = report.failures
    joined = duckdb.sql("SELECT f.path = e.path FROM failures f JOIN events e USING (event_id)").fetchall()
    assert joined and all(row[0] for row in joined)
    assert len(report.phases) > 1 and len(report.signals) > 0
    assert report.headline in report.text()
    assert report.html().startswith("<!DOCTYPE html>")
    assert "已回滚" in log.triage(lang="zh").text()
    with pytest.raises(ValueError):
        log.triage(lang="de")


def test_cases_of_text_logs_are_read_with_or_without_a_boot_log(sample, tmp_path):
    case = sample.parents[1] / "disk-and-missing"
    with_capture = procmon_pml.report(case)
    text_only = tmp_path / "bundle"
    text_only.mkdir()
    for name in ["CBS.log", "poqexec.log"]:
        (text_only / name).write_bytes((case / name).read_bytes())
    alone = procmon_pml.report(text_only)
    for report in [with_capture, alone]:
        assert report.to_dict()["updates"] and "NOT INSTALLED" in report.text()
        assert len(report.table("updates")) > 0 and len(report.table("verdicts")) == 1
    assert procmon_pml.triage(text_only) == alone.to_dict()
    assert len(with_capture.table("failures")) > 0 and len(alone.table("failures")) == 0
    [verdict] = pyarrow.table(with_capture.table("verdicts", types="portable", capture_id="PC-1")).to_pylist()
    assert (verdict["capture"], verdict["computer"], verdict["headline"]) == ("PC-1", "PC-ZHANGWEI", with_capture.headline)
    # One log, or all of an archive.
    assert procmon_pml.report(text_only / "CBS.log").to_dict()["updates"]
    with zipfile.ZipFile(tmp_path / "case.zip", "w") as archive:
        for file in sorted(case.iterdir()):
            archive.write(file, file.name)
    packed = procmon_pml.report(tmp_path / "case.zip")
    assert packed.headline == with_capture.headline
    assert procmon_pml.open(tmp_path / "case.zip").event_count == procmon_pml.open(case / "Bootlog.pml").event_count
    assert procmon_pml.open(f"{tmp_path}/case.zip:Bootlog.pml").event_count > 0
    with pytest.raises(procmon_pml.PmlError, match="no table 'evnts'|no table \"evnts\""):
        with_capture.table("evnts")
    (tmp_path / "empty").mkdir()
    with pytest.raises(procmon_pml.PmlError, match="empty"):
        procmon_pml.report(tmp_path / "empty")
    for name in ["PC-1", "PC-2"]:
        shutil.copytree(sample.parent, tmp_path / "captures" / name)
    with pytest.raises(procmon_pml.PmlError, match="several .*PC-1.*PC-2"):
        procmon_pml.report(tmp_path / "captures")
    with pytest.raises(FileNotFoundError):
        procmon_pml.report(tmp_path / "nothing")


def test_captures_are_found_without_opening_them(sample, tmp_path):
    folder = sample.parents[1]
    found = procmon_pml.captures([folder])
    assert [(capture.id, capture.error) for capture in found] == [("disk-and-missing_Bootlog", None), ("missing-payload_Bootlog", None)]
    assert [procmon_pml.open(capture.name).size for capture in found] == [capture.size for capture in found]
    [nothing] = procmon_pml.captures([tmp_path / "nothing"])
    assert "nothing" in nothing.error
    names = ["s/PC-1/Bootlog.pml", "s/PC-1/Bootlog-1.pml", "s/PC-2/Bootlog.pml"]
    parts = [[str(part).replace(os.sep, "/") for part in capture] for capture in procmon_pml.parts(names)]
    assert parts == [names[:2], names[2:]]
    assert procmon_pml.ids([names[0], names[2]]) == ["PC-1_Bootlog", "PC-2_Bootlog"]
    procmon_pml.check("path contains x")
    with pytest.raises(procmon_pml.PmlError, match=r"\^"):
        procmon_pml.check("pth contains x")


def test_shares_have_every_event_once(log):
    whole = pyarrow.table(log.events(["event_id", "path"]))
    for of in [1, 2, 5]:
        shares = [pyarrow.table(log.events(["event_id", "path"], share=(number, of))) for number in range(of)]
        assert pyarrow.concat_tables(shares).combine_chunks().to_pylist() == whole.to_pylist()
        assert sum(log.events(["path"], share=(number, of)).count() for number in range(of)) == 3000
    for share in [(2, 2), (0, 0)]:
        with pytest.raises(procmon_pml.PmlError, match="share"):
            log.events(share=share)
    with pytest.raises(procmon_pml.PmlError, match="stack_id"):
        log.events(share=(0, 2))


def test_schemas_are_known_without_a_log(log):
    report = log.triage()
    for types in ["exact", "portable"]:
        stacks, frames = log.stacks(types=types)
        tables = {"events": log.events(types=types), "stacks": stacks, "frames": frames}
        tables |= {name: getattr(log, name)(types=types) for name in ["processes", "modules", "capture"]}
        tables |= {name: report.table(name, types=types) for name in procmon_pml.tables() if name not in tables}
        assert list(tables) and set(tables) == set(procmon_pml.tables())
        for name, table in tables.items():
            assert pyarrow.table(procmon_pml.empty(name, types=types)).schema.equals(pyarrow.table(table).schema), name
    with pytest.raises(procmon_pml.PmlError, match="the tables are events"):
        procmon_pml.empty("evnts")
    for table in [log.events(), report.findings]:
        assert isinstance(table, procmon_pml.Stream)


def test_formats_slices_and_recovery(log, sample, tmp_path):
    for ending in ["parquet", "arrow", "jsonl", "csv", "xml"]:
        out = tmp_path / f"events.{ending}"
        assert log.convert(out, to=ending) == 3000
        assert out.stat().st_size > 0
    lines = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3000 and json.loads(lines[0])["event_id"] == 0
    with pytest.raises(FileExistsError):
        log.convert(tmp_path / "events.csv", to="csv")
    with pytest.raises(procmon_pml.PmlError, match="dataset, parquet"):
        log.convert(tmp_path / "events.xlsx", to="xlsx")

    small = tmp_path / "small.pml"
    kept = procmon_pml.slice(sample, small, "process_name = TiWorker.exe")
    assert 0 < kept < 3000 and procmon_pml.open(small).event_count == kept

    broken = tmp_path / "broken.pml"
    broken.write_bytes(sample.read_bytes()[:200_000])
    with pytest.raises(procmon_pml.PmlError):
        procmon_pml.open(broken)
    rest = procmon_pml.recover(broken, tmp_path / "fixed.pml")
    assert 0 < rest < 1500 and procmon_pml.open(tmp_path / "fixed.pml").event_count == rest
    assert procmon_pml.open(broken, recover=True).event_count == rest
    # No incomplete output remains.
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".pml-")]


def test_errors_are_those_of_python(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        procmon_pml.open(tmp_path / "nothing.pml")
    assert raised.value.errno == errno.ENOENT and raised.value.filename.endswith("nothing.pml")
    (tmp_path / "text.pml").write_text("no log")
    with pytest.raises(procmon_pml.PmlError, match="text.pml"):
        procmon_pml.open(tmp_path / "text.pml")


def test_threads_share_a_log(log):
    counts = []
    workers = [threading.Thread(target=lambda: counts.append(log.events(["path"]).count())) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert counts == [3000] * 4


def run(script, *arguments):
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="signals are listed by Linux")
def test_a_handler_of_sigbus_is_installed_only_with_mmap(sample):
    script = """
import os, procmon_pml, signal, sys
def handled():
    line = next(line for line in open("/proc/self/status") if line.startswith("SigCgt"))
    return int(line.split()[1], 16) >> (signal.SIGBUS - 1) & 1
before = handled()
procmon_pml.open(sys.argv[1])
procmon_pml.open(sys.argv[1]).events().count()
folder = os.path.dirname(sys.argv[1])
assert [capture.name for capture in procmon_pml.captures([folder])] == [sys.argv[1]]
procmon_pml.report(folder)
procmon_pml.parts([sys.argv[1], sys.argv[1].replace(".pml", "-1.pml")])
print(before, handled())
procmon_pml.open(sys.argv[1], mmap=True)
print(handled())
"""
    done = run(script, str(sample))
    assert done.stdout.split() == ["0", "0", "1"], done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep mapped files whole")
def test_a_log_that_is_cut_while_it_is_mapped_is_an_error(sample, tmp_path):
    copy = tmp_path / "copy.pml"
    copy.write_bytes(sample.read_bytes())
    script = """
import os, procmon_pml, pyarrow, sys
log = procmon_pml.open(sys.argv[1], mmap=True)
os.truncate(sys.argv[1], 100_000)
for work in [lambda: log.events().count(), lambda: pyarrow.table(log.events()), log.triage, lambda: list(log.events())]:
    try:
        work()
        print("read")
    except OSError as error:
        print("error")
"""
    done = run(script, str(copy))
    assert done.stdout.split() == ["error"] * 4, done.stdout + done.stderr
    # In memory, the log stays as it was.
    script = script.replace(", mmap=True", "").replace("100_000", "10_000")
    copy.write_bytes(sample.read_bytes())
    assert run(script, str(copy)).stdout.split() == ["read"] * 4


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise")
def test_an_interrupt_ends_the_work(sample, tmp_path):
    script = """
import procmon_pml, signal, sys, threading
log = procmon_pml.open(sys.argv[1])
print("ready", flush=True)
try:
    while True:
        log.triage()
except KeyboardInterrupt:
    print("interrupted")
"""
    child = subprocess.Popen([sys.executable, "-c", script, str(sample)], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=60)[0] == "interrupted\n"


def test_the_program_comes_with_the_package(sample, tmp_path):
    def pml(*arguments):
        command = [sys.executable, "-m", "procmon_pml", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)

    assert pml("--version").stdout == f"pml {procmon_pml.__version__}\n"
    done = pml("convert", str(sample), "-o", "boot", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "boot").glob("*.parquet"))) == 6
    missing = pml("info", "none.pml")
    assert missing.returncode == 2 and missing.stderr.startswith("pml: none.pml: ")
    mistake = pml("convert", "--no-such-option")
    assert mistake.returncode == 2 and "--no-such-option" in mistake.stderr
    script = next(pathlib.Path(sysconfig.get_path("scripts")).glob("pml*"))
    assert subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60).stdout.startswith("pml ")
