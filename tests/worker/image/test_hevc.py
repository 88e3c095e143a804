"""The size of HEVC pictures is found as libx265 codes it, in records and in bitstreams."""

import pytest

from contract.image_headers.steps import Steps, TooManyStepsError
from tests.heic_files import code
from tests.photos import photo
from worker.image.hevc import find_coded_px, find_configured_px, read_picture_px


@pytest.mark.parametrize("chroma", ["420", "444"])
@pytest.mark.parametrize("size_px", [(64, 48), (136, 72), (98, 62), (1024, 16)])
def test_a_record_has_the_size(size_px: tuple[int, int], chroma: str) -> None:
    record = code(photo(*size_px), chroma=chroma).properties[0][8:]
    assert find_configured_px(record, Steps()) == size_px[0] * size_px[1]
    for length in range(len(record)):
        find_configured_px(record[:length], Steps())


def test_parameters_in_a_bitstream_count() -> None:
    item = code(photo(64, 48))
    assert find_coded_px(item.content, Steps()) == 0
    record = item.properties[0][8:]
    # Type 33 and layer 0.
    start = record.index(b"\x42\x01\x01")
    unit = record[start : start + int.from_bytes(record[start - 2 : start], "big")]
    assert read_picture_px(unit) == 64 * 48
    stream = item.content + len(unit).to_bytes(4, "big") + unit
    assert find_coded_px(stream, Steps()) == 64 * 48
    assert find_coded_px(stream[:-8], Steps()) == 64 * 48


def test_other_units_have_no_size() -> None:
    assert read_picture_px(b"\x40\x01" + b"\xff" * 40) == 0
    assert read_picture_px(b"") == 0
    assert read_picture_px(b"\x42\x01" + bytes(100)) == 0


def test_units_are_limited() -> None:
    with pytest.raises(TooManyStepsError):
        find_coded_px(bytes(4000), Steps(500))
