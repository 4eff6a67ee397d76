"""Where the tests find what they need.

PML is the program, PML_EXTENSION the folder of pml.duckdb_extension; both have places in target/ by default. PML_DUCKDB is
the command line of DuckDB, if it is to be tried. PML_CORPUS is a folder of real logs, which are not part of the project.
"""

import os
import pathlib
import subprocess

import duckdb
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "samples" / "logs"
EXTENSION = pathlib.Path(os.environ.get("PML_EXTENSION", ROOT / "target" / "duckdb")) / "pml.duckdb_extension"
PROGRAM = pathlib.Path(os.environ.get("PML", ROOT / "target" / "debug" / "pml"))
# The command line of DuckDB, where it is there.
COMMAND_LINE = os.environ.get("PML_DUCKDB")
CORPUS = pathlib.Path(os.environ.get("PML_CORPUS", ROOT.parent / "shared" / "corpus"))


def connected(**config):
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true", **config})
    connection.execute(f"LOAD '{EXTENSION}'")
    return connection


@pytest.fixture
def db():
    return connected()


@pytest.fixture(scope="session")
def sample():
    return SAMPLES / "missing-payload" / "Bootlog.pml"


@pytest.fixture(scope="session")
def case():
    return SAMPLES / "disk-and-missing"


@pytest.fixture(scope="session")
def pml():
    """Runs the program; gives what it has printed as errors."""

    def run(*arguments, status=(0, 1)):
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8")
        assert done.returncode in status, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def converted(pml, sample, tmp_path_factory):
    """The tables of the sample."""
    out = tmp_path_factory.mktemp("converted") / "boot"
    pml("convert", sample, "-o", out)
    return out
