"""The paper's tables: figures, and what `tune=psnr` promises."""

from itertools import pairwise

import pytest

from bench.charts import PAPER_COLUMNS, find_gains, scale_gain
from tests.figures.tables import (
    QUALITIES,
    format_difference,
    format_row,
    read_document,
    read_result,
)

LABELS = {
    "foveate_uniform": "strength 0, the control",
    "foveate": "0.6, the default",
    "foveate_full": "1",
    "mozjpeg": "mozjpeg",
    "jpegli": "jpegli",
    "paper": "the paper's recipe",
}
SETS = {"osie": "OSIE", "crowd": "CROWD", "sun": "SUN", "lossless": "lossless"}
STRENGTHS = ("foveate_uniform", "foveate@0.2", "foveate@0.4", "foveate", "foveate@0.8", "foveate_full")  # fmt: skip


def format_gains(summary: dict[str, dict[str, float]], encoder: str) -> list[str]:
    """Return the cells of an encoder; a dash where photos are too small for a measure."""
    gains = find_gains(summary, encoder)
    return [format_difference(gains[key]) if key in gains else "–" for key in PAPER_COLUMNS]


def test_the_first_table_beside_the_claims() -> None:
    result, text = read_result("paper.json"), read_document("codec.md")
    claims = [format_difference(scale_gain(key, result["claims"][key])) for key in PAPER_COLUMNS]
    assert format_row("the paper claims", *claims) in text
    summary = result["kodak"]["by_quality"]["50"]["summary"]
    for name, label in LABELS.items():
        assert format_row(label, *format_gains(summary, name)) in text


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_second_table_by_set(quality: str) -> None:
    groups = read_result("paper.json")["sets"]["by_quality"][quality]["groups"]
    for name, label in SETS.items():
        for encoder in ("foveate", "foveate_full"):
            summary = groups[name]["summary"]
            gains = format_gains(summary, encoder)
            row = (f"{label}, {quality}", LABELS[encoder], *gains)
            assert format_row(*row) in read_document("codec.md")


@pytest.mark.parametrize("quality", QUALITIES)
def test_no_column_of_the_default_is_below_the_standard_jpeg(quality: str) -> None:
    result = read_result("paper.json")
    assert result["meta"]["tune"] == "psnr"
    summary = result["kodak"]["by_quality"][quality]["summary"]
    lossless = result["sets"]["by_quality"][quality]["groups"]["lossless"]["summary"]
    for own in (find_gains(summary, "foveate"), find_gains(lossless, "foveate")):
        assert own.keys() == PAPER_COLUMNS.keys()
        assert min(own.values()) >= 0
        assert own["psnr_s"] >= 2.5
    full = find_gains(summary, "foveate_full")
    assert full["psnr_s"] >= 5.25
    assert full["psnr"] >= 0.12


@pytest.mark.parametrize("quality", QUALITIES)
def test_more_strength_is_better_where_people_look_on_nine_photos_of_ten(quality: str) -> None:
    photos = [rows[quality] for rows in read_result("paper.json")["kodak"]["images"].values()]
    for less, more in pairwise(STRENGTHS):
        better = sum(rows[more]["psnr_s"] > rows[less]["psnr_s"] for rows in photos)
        assert better >= 0.9 * len(photos), (less, more)
