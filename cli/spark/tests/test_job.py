"""The job that converts captures where they lie: tables as the program writes them, rows for what is broken, and the same bytes
however often it runs."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import tomllib

import procmon_pml
import pyarrow
import pyarrow.parquet as pq
import pyspark_pml
import pytest
from conftest import BROKEN, SOUND
from pyspark_pml import captures, child, job, place
from pyspark_pml.__main__ import main

TABLES = ["events", "processes", "modules", "stacks", "frames"]


def bytes_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def lake(spark, fleet, tmp_path_factory):
    out = tmp_path_factory.mktemp("job") / "lake"
    ended = pyspark_pml.convert(spark, [str(fleet)], str(out)).orderBy("capture").collect()
    return out, ended


def test_tables_are_those_of_the_program(lake, parquet):
    out, _ = lake
    for capture in SOUND:
        for table in TABLES:
            ours, program = (pq.ParquetFile(folder / capture / f"{table}.parquet").read() for folder in (out, parquet))
            assert ours.equals(program), f"{capture}/{table}"
    assert not any((out / capture).exists() for capture in BROKEN)


def test_every_capture_has_a_row(lake, fleet):
    out, ended = lake
    assert [(row.capture, row.status) for row in ended] == [*((id, 0) for id in SOUND), *((id, 2) for id in BROKEN)]
    assert [row.events for row in ended[:2]] == [3000, procmon_pml.open(fleet / "PC-2" / "Bootlog.pml").event_count]
    assert all("Bootlog.pml" in row.error for row in ended[2:]) and all(row.error is None for row in ended[:2])
    written = pq.read_table(out / "status.parquet")
    for name in ["capture", "status", "error", "events", "log_hash", "options"]:
        assert written.column(name).to_pylist() == [row[name] for row in ended], name
    # The columns are the wheel's, beside those of the job.
    of_capture = pyarrow.table(procmon_pml.empty("capture", types="portable")).column_names
    assert set(of_capture) <= set(written.column_names)
    assert not [path for path in out.iterdir() if path.name.startswith(".pml-")]


def test_another_run_changes_no_byte(spark, fleet, lake, tmp_path):
    out, _ = lake
    before = bytes_below(out)
    times = {path: os.stat(path).st_mtime_ns for path in out.glob("PC-*/*")}
    pyspark_pml.convert(spark, [str(fleet)], str(out))
    assert bytes_below(out) == before
    assert {path: os.stat(path).st_mtime_ns for path in out.glob("PC-*/*")} == times, "what is complete stays"
    pyspark_pml.convert(spark, [str(fleet)], str(out), resume=False)
    assert bytes_below(out) == before
    pyspark_pml.convert(spark, [str(fleet)], str(tmp_path / "again"), limits=pyspark_pml.Limits(threads=2))
    assert bytes_below(tmp_path / "again") == before


def unit(fleet, name="PC-1"):
    [found] = captures.find([str(fleet / name)])
    return found


def request(output, **changes):
    given = job._Request(str(output), None, None, False, True, True, None, pyspark_pml.Limits())
    return dataclasses.replace(given, **changes)


def test_what_a_killed_attempt_leaves_is_done_again(fleet, tmp_path):
    capture = unit(fleet)
    where = place.of(str(tmp_path))
    job.convert_one(capture, request(tmp_path))
    whole = bytes_below(tmp_path)
    # Incomplete outputs have another name, or no mark.
    (tmp_path / ".pml-x.tmp").mkdir()
    (tmp_path / ".pml-x.tmp" / "events.parquet").write_bytes(b"half")
    (tmp_path / capture.id / "capture.parquet").unlink()
    job.convert_one(capture, request(tmp_path))
    where.prepare()
    assert bytes_below(tmp_path) == whole
    # Other options, another log: everything again.
    assert job.convert_one(capture, request(tmp_path, where="pid = 4")).to_pylist()[0]["events"] == 3000
    assert pq.read_metadata(tmp_path / capture.id / "events.parquet").num_rows < 3000
    smaller = dataclasses.replace(capture, size=capture.size - 1)
    job.convert_one(smaller, request(tmp_path))
    assert pq.read_metadata(tmp_path / capture.id / "events.parquet").num_rows == 3000


def test_two_attempts_at_once_write_one_result(fleet, tmp_path):
    capture = unit(fleet)
    for name in ["alone", "both"]:
        (tmp_path / name).mkdir()
    job.convert_one(capture, request(tmp_path / "alone"))
    failures = []

    def attempt():
        try:
            job.convert_one(capture, request(tmp_path / "both", resume=False))
        except Exception as failed:  # noqa: BLE001
            failures.append(failed)

    attempts = [threading.Thread(target=attempt) for _ in range(2)]
    for one in attempts:
        one.start()
    for one in attempts:
        one.join()
    assert not failures
    assert bytes_below(tmp_path / "both") == bytes_below(tmp_path / "alone")


def test_limits_end_the_process_and_not_the_job(fleet, tmp_path, monkeypatch):
    capture = unit(fleet)
    row = job.convert_one(capture, request(tmp_path, limits=pyspark_pml.Limits(memory=16 << 20))).to_pylist()[0]
    assert row["status"] == 2 and "ended with" in row["error"] and "limited to 16 MiB" in row["error"]
    row = job.convert_one(capture, request(tmp_path, limits=pyspark_pml.Limits(seconds=0.01))).to_pylist()[0]
    assert (row["status"], row["error"]) == (2, "the conversion took longer than 0.01 s")
    # A crash is a row.
    crash = tmp_path / "crash"
    (crash / "procmon_pml").mkdir(parents=True)
    (crash / "procmon_pml" / "__init__.py").write_text("import os\nos.abort()\n")
    monkeypatch.setattr(sys, "path", [str(crash), *sys.path])
    row = job.convert_one(capture, request(tmp_path)).to_pylist()[0]
    assert row["status"] == 2 and "signal 6" in row["error"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".pml-")]


def test_a_capture_that_is_broken_now_loses_its_old_tables(fleet, tmp_path):
    copy = tmp_path / "in"
    shutil.copytree(fleet / "PC-2", copy)
    (tmp_path / "out").mkdir()
    assert job.convert_one(unit(tmp_path, "in"), request(tmp_path / "out")).to_pylist()[0]["status"] == 0
    (copy / "Bootlog.pml").write_bytes(b"PML_ and nothing else")
    broken = unit(tmp_path, "in")
    assert job.convert_one(broken, request(tmp_path / "out")).to_pylist()[0]["status"] == 2
    assert not (tmp_path / "out" / broken.id).exists()
    # Without a part, the others are converted, and the row says so.
    shutil.copytree(fleet / "PC-1", tmp_path / "part")
    (tmp_path / "part" / "Bootlog-1.pml").rename(tmp_path / "part" / "Bootlog-2.pml")
    row = job.convert_one(unit(tmp_path, "part"), request(tmp_path / "out")).to_pylist()[0]
    assert row["status"] == 1 and "Bootlog-1.pml is missing" in row["error"]


def test_an_output_that_cannot_be_written_fails_the_task(fleet, tmp_path):
    capture = unit(fleet)
    assert "output" in child.convert(
        {
            "path": capture.source, "output": str(tmp_path / "no" / "folder"), "id": capture.id, "columns": None,
            "where": None, "types": "portable", "recover": False, "all_parts": True, "threads": 1, "memory": None,
        }
    )
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        job.convert_one(capture, request(tmp_path / "file"))


def test_object_stores_get_the_mark_last(fleet, tmp_path, monkeypatch):
    from pyarrow import fs

    # A folder as a store: the same interface, and no renaming in it.
    root = tmp_path / "bucket"
    root.mkdir()
    order = []

    class Watched(fs.FileSystemHandler):
        def __init__(self):
            self.inner = fs.SubTreeFileSystem(str(root), fs.LocalFileSystem())

        def get_type_name(self):
            return "watched"

        def normalize_path(self, path):
            return path

        def get_file_info(self, paths):
            return [self.inner.get_file_info(path) for path in paths]

        def get_file_info_selector(self, selector):
            return self.inner.get_file_info(selector)

        def create_dir(self, path, recursive):
            self.inner.create_dir(path, recursive=recursive)

        def delete_dir(self, path):
            self.inner.delete_dir(path)

        def delete_file(self, path):
            order.append(f"delete {path}")
            self.inner.delete_file(path)

        def open_input_stream(self, path):
            return self.inner.open_input_stream(path)

        def open_input_file(self, path):
            return self.inner.open_input_file(path)

        def open_output_stream(self, path, metadata):
            order.append(path)
            return self.inner.open_output_stream(path)

        def move(self, source, target):
            raise AssertionError("a store moves nothing")

        def _refused(self, *_):
            raise NotImplementedError

        delete_dir_contents = delete_root_dir_contents = copy_file = open_append_stream = _refused

    store = fs.PyFileSystem(Watched())
    monkeypatch.setattr(captures, "file_system", lambda address: (store, address.partition("://")[2]))
    monkeypatch.setattr(place, "file_system", captures.file_system)
    shutil.copytree(fleet, root / "in")
    found = captures.find(["s3://in"])
    assert sorted(capture.id for capture in found) == SOUND + BROKEN
    [two_parts] = [capture for capture in found if capture.id == SOUND[0]]
    assert two_parts.files == ("s3://in/PC-1/Bootlog.pml", "s3://in/PC-1/Bootlog-1.pml")
    temp = tmp_path / "temp"
    temp.mkdir()
    to_store = request("s3://out", temp=str(temp))
    place.of("s3://out").prepare()
    row = job.convert_one(two_parts, to_store)
    assert row.to_pylist()[0]["status"] == 0 and row.to_pylist()[0]["source"] == "s3://in/PC-1/Bootlog.pml"
    assert order[-1] == f"out/{SOUND[0]}/capture.parquet" and len(order) == 7
    assert not list(temp.iterdir()), "copies are removed"
    job.convert_one(dataclasses.replace(unit(fleet), id=SOUND[0]), request(tmp_path))
    for table in TABLES:
        here, there = (pq.ParquetFile(folder / SOUND[0] / f"{table}.parquet").read() for folder in (tmp_path, root / "out"))
        assert here.equals(there), table
    # Complete: nothing is uploaded. Replaced: the mark goes first.
    order.clear()
    assert job.convert_one(two_parts, to_store).to_pylist() == row.to_pylist() and order == []
    job.convert_one(two_parts, dataclasses.replace(to_store, resume=False))
    assert order[0] == f"delete out/{SOUND[0]}/capture.parquet" and order[-1] == f"out/{SOUND[0]}/capture.parquet"


def test_the_command_ends_with_the_status_of_the_captures(spark, fleet, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["convert", str(fleet / "PC-1"), str(fleet / "PC-2"), out, "--columns", "event_id,path", "--where", "pid != 4"]) == 0
    assert capsys.readouterr().out == f"2 whole, 0 with losses, 0 not converted; {out}\n"
    assert "path" in pq.read_schema(f"{out}/{SOUND[0]}/events.parquet").names
    assert main(["convert", str(fleet), str(tmp_path / "all")]) == 1
    assert "2 whole, 0 with losses, 2 not converted" in capsys.readouterr().out
    with pytest.raises(procmon_pml.PmlError):
        main(["convert", str(fleet), str(tmp_path / "x"), "--where", "pth = 1"])


def test_the_child_is_a_program(fleet, tmp_path):
    order = {"path": str(fleet / "PC-4" / "Bootlog.pml"), "output": str(tmp_path / "x"), "id": "PC-4", "columns": None, "where": None,
             "types": "portable", "recover": False, "all_parts": True, "threads": 1, "memory": 1 << 30}
    done = subprocess.run([sys.executable, child.__file__], input=json.dumps(order), capture_output=True, text=True)
    assert "Bootlog.pml" in json.loads(done.stdout)["error"]


def test_versions_agree():
    root = pathlib.Path(__file__).resolve().parents[3]
    workspace = tomllib.loads((root / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]
    project = tomllib.loads((root / "cli/spark/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert pyspark_pml.__version__ == procmon_pml.__version__ == workspace
    assert f"procmon-pml == {workspace}" in project["dependencies"]
