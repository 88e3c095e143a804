"""Uploads that ask for far more than they show cost little memory and time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FEW_BYTES = 4_000_000
SHORT_S = 0.2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak of a process")
def test_uploads_that_ask_for_more_than_they_show_cost_little() -> None:
    command = [sys.executable, "-m", "tests.worker.image.measure_decode"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    for name, (outcome, taken_bytes, taken_s) in json.loads(shown.stdout).items():
        assert outcome in {"too-many-pixels", "corrupt-image", "8x8"}, name
        assert taken_bytes < FEW_BYTES, name
        assert taken_s < SHORT_S, name
