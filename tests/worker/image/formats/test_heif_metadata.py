"""EXIF loses its name, and code points that are left open are sRGB's."""

import pytest

from worker.image.formats.heif_metadata import complete_cicp, strip_exif
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
