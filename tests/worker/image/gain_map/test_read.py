"""A gain map that is damaged, too large or of another kind counts as none, and its photo is read."""

import time

import numpy as np
import pytest
from PIL import Image

from tests.photos import file_of, photo
from tests.worker.image.colour_profiles import linear_profile
from tests.worker.image.tagged_uploads import compress
from tests.worker.image.ultra_hdr import ISO, ISO_NAME, UltraHdr, app, make_map
from worker.image.gain_map.read import read_gain_map


def test_a_gain_map_is_read_as_it_is_stored() -> None:
    upload = UltraHdr(orientation=6, map_options={"quality": 95, "icc_profile": linear_profile()})
    found = read_gain_map(upload.write(), (160, 120))
    assert found is not None
    assert (found.image.mode, found.image.size) == ("L", (80, 60))
    assert found.profile == linear_profile()
    assert found.jpeg == upload.write_map()


def test_it_may_be_as_large_as_the_photo_but_no_larger() -> None:
    data = UltraHdr(gain_map=make_map(160, 120)).write()
    assert read_gain_map(data, (160, 120)) is not None
    assert read_gain_map(data, (160, 119)) is None


def with_map(gain_map: bytes) -> bytes:
    """Return an upload whose gain map is ``gain_map``, a JPEG."""
    described = gain_map[:2] + app(2, ISO_NAME + ISO) + gain_map[2:]
    return file_of(photo(), "JPEG") + described


def change_frame(jpeg: bytes, at: int, value: bytes) -> bytes:
    """Return a baseline JPEG with other bytes in its frame header."""
    at += jpeg.index(b"\xff\xc0")
    return jpeg[:at] + value + jpeg[at + len(value) :]


GREY = file_of(make_map(), "JPEG", quality=95)


@pytest.mark.parametrize(
    "gain_map",
    [
        pytest.param(change_frame(GREY, 5, b"\xea\x60\xea\x60"), id="60,000 x 60,000"),
        pytest.param(change_frame(GREY, 5, b"\0\0\0\0"), id="no size"),
        pytest.param(change_frame(GREY, 4, b"\x0c"), id="12 bits"),
        pytest.param(file_of(Image.new("CMYK", (80, 60)), "JPEG"), id="CMYK"),
        pytest.param(
            file_of(make_map(), "JPEG", icc_profile=linear_profile() + bytes(70_000)),
            id="long profile",
        ),
        pytest.param(GREY[:2] + b"\xff\xda\0\0" * 300 + b"\xff\xd9", id="scans"),
    ],
)
def test_a_gain_map_that_can_not_be_used_is_none(gain_map: bytes) -> None:
    data = with_map(gain_map)
    started_s = time.perf_counter()
    assert read_gain_map(data, (160, 120)) is None
    assert time.perf_counter() - started_s < 1
    assert compress(data, hdr="keep") == compress(data)


@pytest.mark.filterwarnings("ignore::UserWarning")  # as in the worker
@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_costs_the_gain_map_at_most(seed: int) -> None:
    rng = np.random.default_rng(seed)
    upload = UltraHdr(photo=photo(48, 40), gain_map=make_map(24, 20))
    data = bytearray(upload.write())
    index = data.index(b"MPF\0")
    places = [*range(index, index + 90), *range(len(data) - len(upload.write_map()), len(data))]
    for at in rng.choice(places, 1 + seed % 8, replace=False):
        data[at] = rng.integers(0, 256)
    assert compress(bytes(data), hdr="keep")[:2] == b"\xff\xd8"
