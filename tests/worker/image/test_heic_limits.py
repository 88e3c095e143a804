"""A HEIC's pictures are no larger than the limit, however little its file declares."""

import time
from dataclasses import replace

import pytest

from contract.errors import CorruptImageError, TooManyPixelsError
from contract.image_headers.steps import TooManyStepsError
from tests.contract.image_headers.heif_files import HeifItem, box, full_box, heif_file, make_grid
from tests.heic_files import ALPHA_TYPE, code
from tests.photos import photo
from tests.worker.image.formats.test_heic import heic, refer
from worker.image.heic_limits import MAX_PICTURES, check_heic
from worker.image.limits import check_limits

TILE = code(photo(64, 48))
LARGE = code(photo(256, 192))
TILE_PX = 64 * 48


def test_a_picture_of_the_limit_is_accepted() -> None:
    data = heif_file([TILE], b"heic")
    check_heic(data, TILE_PX)
    with pytest.raises(TooManyPixelsError, match="part"):
        check_heic(data, TILE_PX - 1)


@pytest.mark.parametrize("data", [heif_file([replace(LARGE, size_px=(64, 48))], b"heic")])
def test_the_bitstream_counts_whatever_is_declared(data: bytes) -> None:
    with pytest.raises(TooManyPixelsError):
        check_limits(data, TILE_PX)


def test_parameters_within_the_bitstream_count() -> None:
    record = LARGE.properties[0][8:]
    start = record.index(b"\x42\x01\x01")
    size = record[start - 2 : start]
    unit = b"\0\0" + size + record[start : start + int.from_bytes(size, "big")]
    with pytest.raises(TooManyPixelsError):
        check_limits(heif_file([replace(TILE, content=unit + TILE.content)], b"heic"), TILE_PX)


def test_tiles_together_are_limited() -> None:
    assert MAX_PICTURES == 5  # as the documents state
    count = MAX_PICTURES + 1
    data = heif_file(make_grid(1, count, (64, 48), TILE), b"heic")
    with pytest.raises(CorruptImageError, match="tiles"):
        check_limits(data, TILE_PX)
    check_limits(data, 2 * TILE_PX)


def test_auxiliary_pictures_count_and_others_do_not() -> None:
    alpha = replace(LARGE, properties=[*LARGE.properties, full_box(b"auxC", ALPHA_TYPE)])
    with pytest.raises(TooManyPixelsError):
        check_limits(heic(TILE, alpha, references=refer(b"auxl", 2, 1)), TILE_PX)
    check_limits(heic(TILE, *[LARGE] * 20), TILE_PX)


def test_references_may_be_a_loop() -> None:
    check_limits(heic(TILE, TILE, references=refer(b"dimg", 1, 2) + refer(b"dimg", 2, 1)), TILE_PX)


def test_references_may_be_missing_at_the_end_of_the_file() -> None:
    data = heif_file([TILE], b"heic")
    at = data.index(b"meta") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    meta = box(b"meta", data[at + 8 : at + size] + box(b"iref"))
    with pytest.raises(CorruptImageError, match="damaged"):
        check_limits(data[:at] + data[at + size :] + meta, TILE_PX)


def test_a_phone_s_photo_is_checked_at_once() -> None:
    data = heif_file(make_grid(12, 16, (1024, 576), TILE), b"heic")
    started_s = time.monotonic()
    check_limits(data, 1_000_000)
    assert time.monotonic() - started_s < 0.5


def test_items_are_limited() -> None:
    items = [HeifItem(b"hvc1", b"", (8, 8))] * 12_000
    with pytest.raises((CorruptImageError, TooManyStepsError)):
        check_limits(heif_file(items, b"heic"), TILE_PX)
