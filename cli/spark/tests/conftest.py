import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
LOGS = ROOT / "samples" / "logs"
# Workers run in this interpreter, which has the wheel.
os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable


@pytest.fixture(scope="session")
def spark():
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("tests of pyspark_pml")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.python.filterPushdown.enabled": "true",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def pml():
    """The program, which the job is compared with."""
    path = os.environ.get("PML_PROGRAM", str(ROOT / "target" / "release" / "pml"))
    assert os.access(path, os.X_OK), f"{path}: build the program first, or name it in PML_PROGRAM"
    return path


@pytest.fixture(scope="session")
def fleet(tmp_path_factory):
    """Four captures: two sound ones, one of them of two parts; one that is cut off; and one that is no log."""
    folder = tmp_path_factory.mktemp("captures")
    shutil.copytree(LOGS / "missing-payload", folder / "PC-1")
    (folder / "PC-2").mkdir()
    shutil.copy(LOGS / "disk-and-missing" / "Bootlog.pml", folder / "PC-2")
    (folder / "PC-3").mkdir()
    (folder / "PC-3" / "Bootlog.pml").write_bytes((LOGS / "missing-payload" / "Bootlog.pml").read_bytes()[:200_000])
    (folder / "PC-4").mkdir()
    (folder / "PC-4" / "Bootlog.pml").write_bytes(b"no log at all")
    return folder


SOUND = ["PC-1_Bootlog", "PC-2_Bootlog"]
BROKEN = ["PC-3_Bootlog", "PC-4_Bootlog"]


@pytest.fixture(scope="session")
def parquet(pml, fleet, tmp_path_factory):
    """What the program writes of the same captures."""
    out = tmp_path_factory.mktemp("program") / "lake"
    done = subprocess.run([pml, "convert", fleet, "-o", out, "--types", "portable", "--quiet"], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    return out
