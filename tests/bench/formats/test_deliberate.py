from pathlib import Path

from bench.formats.deliberate import DELIBERATE

FORMATS = Path(__file__).parents[3] / "docs" / "formats.md"


def test_each_difference_has_a_reason() -> None:
    assert all(reason.endswith(".") for _, _, reason in DELIBERATE)


def test_each_reason_is_in_the_documentation() -> None:
    page = " ".join(FORMATS.read_text().split())
    missing = {reason for _, _, reason in DELIBERATE if reason not in page}
    assert not missing
