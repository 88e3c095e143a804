"""The work of a photo is that of the committed measurement."""

import json
from pathlib import Path

import pytest

from contract.work import PHOTO_PX, count_work_px

SIZING = Path(__file__).parents[2] / "bench" / "results" / "sizing.json"


def test_a_photo_costs_as_much_beside_its_pixels_as_was_measured() -> None:
    summary = json.loads(SIZING.read_text())["summary"]
    megapixels = summary["fixed_cpu_ms"]["worker"] / summary["cpu_ms_per_megapixel"]["worker"]
    assert pytest.approx(1e6 * megapixels, rel=0.01) == PHOTO_PX
    assert count_work_px(5) == PHOTO_PX + 5
