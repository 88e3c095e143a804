"""EXIF loses its name, code points that are left open are sRGB's, and repeated parts are found."""

from dataclasses import replace

import pytest

from tests.contract.image_headers.heif_files import heif_file, make_grid, make_tile
from worker.image.formats.heif_metadata import complete_cicp, has_part_twice, strip_exif
from worker.image.limits import LONGEST_EXIF_BYTES
from worker.image.samples import Cicp

TIFF = b"II*\0\x08\0\0\0\0\0"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((9, 16), Cicp(9, 16)),
        ((2, 2), None),
        ((2, 8), Cicp(1, 8)),
        ((12, 2), Cicp(12, 13)),
    ],
)
def test_code_points_are_completed(given: tuple[int, int], expected: Cicp | None) -> None:
    assert complete_cicp(*given) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (TIFF, TIFF),
        (b"Exif\0\0" + TIFF, TIFF),
        (None, None),
        (b"", None),
        (b"Exif\0\0", None),
        (b"garbage", None),
        (TIFF + bytes(LONGEST_EXIF_BYTES), None),
    ],
)
def test_exif_begins_with_its_byte_order(data: bytes | None, expected: bytes | None) -> None:
    assert strip_exif(data) == expected


def test_a_picture_that_is_a_part_twice_is_found() -> None:
    grid, *tiles = make_grid(1, 2, (128, 48), make_tile(64, 48))
    assert not has_part_twice(heif_file([grid, *tiles]))
    assert has_part_twice(heif_file([replace(grid, parts=(2, 2)), *tiles]))
    assert has_part_twice(heif_file([grid, *tiles, replace(grid, parts=(3,))]))
    assert not has_part_twice(heif_file(tiles))
    damaged = heif_file([replace(grid, parts=(2, 2)), *tiles])
    at = damaged.index(b"dimg") + 6
    assert not has_part_twice(damaged[:at] + b"\xff\xff" + damaged[at + 2 :])
    assert not has_part_twice(b"")
