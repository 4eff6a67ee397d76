import pathlib

import pytest

SAMPLES = pathlib.Path(__file__).resolve().parents[3] / "samples" / "logs"


@pytest.fixture
def sample():
    return SAMPLES / "missing-payload" / "Bootlog.pml"
