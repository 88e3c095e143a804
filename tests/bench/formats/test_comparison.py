from collections.abc import Iterable

import numpy as np
import pytest

from bench.formats import comparison
from bench.formats.comparison import Comparison, judge, measure_error, summarize
from bench.formats.decoders import Pixels

BLACK: Pixels = np.zeros((300, 4, 3), np.uint8)
GREY: Pixels = np.full((300, 4, 3), 51, np.uint8)
NEARLY_BLACK: Pixels = np.full((300, 4, 3), 3, np.uint8)


def test_the_error_is_in_percent_of_full_scale() -> None:
    assert measure_error(BLACK, GREY) == pytest.approx(20)
    assert measure_error(GREY, BLACK) == pytest.approx(20)


@pytest.mark.parametrize(
    ("ours", "others", "verdict"),
    [
        (BLACK, [BLACK, NEARLY_BLACK], "agrees"),
        (BLACK, [NEARLY_BLACK, GREY, "no"], "agrees with one"),
        (BLACK, [NEARLY_BLACK, GREY, GREY], "outvoted"),
        (BLACK, [GREY, "no"], "differs"),
        (BLACK, [BLACK[:5]], "differs"),
        (BLACK, ["no", "no"], "read by ours only"),
        ("422 damaged", ["no", GREY], "refused"),
        ("422 damaged", ["no"], "unreadable"),
    ],
)
def test_ours_is_judged_by_the_others(
    ours: Pixels | str, others: Iterable[Pixels | str], verdict: str
) -> None:
    names = ("libvips", "ImageMagick", "FFmpeg")
    assert judge(ours, dict(zip(names, others, strict=False))) == verdict


def test_the_word_of_a_browser_is_enough() -> None:
    others: dict[str, Pixels | str] = {"libvips": GREY, "FFmpeg": GREY, "Chromium": NEARLY_BLACK}
    assert judge(BLACK, others) == "agrees"
    assert judge(BLACK, {**others, "Chromium": GREY}) == "differs"


def test_a_comparison_is_the_same_after_json() -> None:
    found = Comparison("a.png", "8×8", {"libvips": 0.1, "ImageMagick": "no"}, "differs", None, 0.3)
    assert Comparison.from_json(found.to_json()) == found


def test_the_reason_is_looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Comparison("a-1.png", "415 No.", {"libvips": "8×8"}, "refused").to_json()
    monkeypatch.setattr(comparison, "DELIBERATE", (("a-*", "415 *", "is not supported"),))
    assert Comparison.from_json(listed).reason == "is not supported"


def test_what_is_no_client_error_is_a_fault() -> None:
    assert not Comparison("a.png", "422 The image is damaged.").is_fault
    assert Comparison("a.png", "hangs").is_fault
    assert Comparison("a.png", "fails: ValueError: no").is_fault


def test_a_deliberate_difference_is_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (("a-*.png", "415 *", "is not supported"),)
    monkeypatch.setattr(comparison, "DELIBERATE", listed)
    assert comparison.find_reason("a-1.png", "415 No.") == "is not supported"
    assert comparison.find_reason("a-1.png", "8×8") is None
    found = [
        Comparison("a-1.png", "415 No.", {"libvips": "8×8"}, "refused", "is not supported"),
        Comparison("a-2.png", "415 No.", {"libvips": "8×8"}, "refused"),
        Comparison("a-3.png", "8×8", {"libvips": 0.1, "ImageMagick": 0.0}, "agrees"),
    ]
    assert summarize(found) == {"files": 3, "agrees": 1, "refused": 2, "deliberate": 1, "open": 1}
