"""A PNG's colour space is that of cICP, else iCCP, else sRGB, else gAMA with cHRM."""

import struct
import zlib

import pytest

from worker.image.colour.profiles import profile_of_chromaticities, profile_of_grey_gamma
from worker.image.formats.png.colour import read_colour
from worker.image.samples import Cicp

PROFILE = bytes(range(200))
ICCP = b"name\0\0" + zlib.compress(PROFILE)
LINEAR = struct.pack(">I", 100_000)
# Display P3.
WIDE = (0.3127, 0.3290), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)
CHRM = struct.pack(">8I", *(round(value * 100_000) for point in WIDE for value in point))


def read(is_grey: bool = False, **chunks: bytes) -> tuple[bytes | None, Cicp | None]:
    return read_colour(
        {kind.encode(): content for kind, content in chunks.items()}, is_grey=is_grey
    )


def test_nothing_means_srgb() -> None:
    assert read() == (None, None)


def test_code_points_are_read() -> None:
    assert read(cICP=b"\x0c\x0d\0\1", iCCP=ICCP) == (PROFILE, Cicp(12, 13))


@pytest.mark.parametrize(
    "content", [b"", b"\x0c\x0d\0", b"\x0c\x0d\1\1", b"\x0c\x0d\0\0", b"\2\2\0\1"]
)
def test_code_points_of_another_kind_are_ignored(content: bytes) -> None:
    assert read(cICP=content) == (None, None)


def test_a_profile_comes_before_gamma() -> None:
    assert read(iCCP=ICCP, gAMA=LINEAR) == (PROFILE, None)


def test_srgb_comes_before_gamma() -> None:
    assert read(sRGB=b"\0", gAMA=LINEAR, cHRM=CHRM) == (None, None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name",
        b"name\0",
        b"name\0\1" + ICCP[6:],
        ICCP[:-5],
        b"n" * 90 + ICCP,
        b"name\0\0garbage",
    ],
)
def test_a_damaged_profile_counts_as_none(content: bytes) -> None:
    assert read(iCCP=content) == (None, None)
    assert read(iCCP=content, gAMA=LINEAR)[0] is not None


def test_a_profile_that_unpacks_to_megabytes_is_ignored() -> None:
    assert read(iCCP=b"name\0\0" + zlib.compress(bytes(5_000_000))) == (None, None)


def test_gamma_has_the_primaries_of_srgb_without_others() -> None:
    assert read(gAMA=LINEAR)[0] == profile_of_chromaticities(
        (0.3127, 0.3290), (0.64, 0.33), (0.30, 0.60), (0.15, 0.06), 1.0
    )
    assert read(gAMA=struct.pack(">I", 45_455))[0] is None


def test_gamma_and_chromaticities_make_a_profile() -> None:
    expected = profile_of_chromaticities(*WIDE, 100_000 / 45_455)
    assert expected is not None
    assert read(gAMA=struct.pack(">I", 45_455), cHRM=CHRM)[0] == expected
    assert read(cHRM=CHRM)[0] is None


def test_grey_has_a_grey_profile() -> None:
    assert read(is_grey=True, gAMA=LINEAR, cHRM=CHRM)[0] == profile_of_grey_gamma(1.0)


@pytest.mark.parametrize("gamma", [b"", bytes(4), b"\xff" * 4, b"\0\0\0\1", b"123"])
@pytest.mark.parametrize("chromaticities", [b"", bytes(32), b"\xff" * 32, bytes(31)])
def test_numbers_that_cannot_be_meant_are_ignored(gamma: bytes, chromaticities: bytes) -> None:
    assert read(gAMA=gamma, cHRM=chromaticities) == (None, None)
