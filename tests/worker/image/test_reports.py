"""Inputs of public bug reports, which are in FOVEATE_DATA or ../shared/data: pixels and metadata."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from contract.errors import TooManyPixelsError
from contract.image_headers.read import check_size, read_header
from contract.images import DEFAULT_MAX_PIXELS
from tests.worker.image.tagged_uploads import compress, read_tags

DATA = Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[4] / "shared" / "data")
REPORTS = DATA / "reports"
ENDING = ".expected.png"
UPLOADS = sorted(path.name.removesuffix(ENDING) for path in REPORTS.glob(f"*{ENDING}"))
LARGEST_ERROR_PERCENT = 1.2

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not UPLOADS, reason="no inputs of bug reports under FOVEATE_DATA"),
]
# Read by a reader of their format that is not there yet, or with a fault that is not mended yet.
NOT_YET = {
    "bmp-32-bit-alpha-all-zero.bmp",
    "bmp-alpha-1555-ignored.bmp",
}


def read_expected(name: str) -> NDArray[np.int16]:
    with Image.open(REPORTS / f"{name}{ENDING}") as image:
        return np.asarray(image.convert("RGB"), dtype=np.int16)


@pytest.mark.parametrize("name", UPLOADS)
def test_the_photo_looks_as_independent_decoders_show_it(
    name: str, request: pytest.FixtureRequest
) -> None:
    if name in NOT_YET:
        request.applymarker(pytest.mark.xfail(reason="its format has no reader of its own yet"))
    jpeg = compress((REPORTS / name).read_bytes())
    expected = read_expected(name)
    with Image.open(io.BytesIO(jpeg)) as image:
        shown = np.asarray(image.convert("RGB"), dtype=np.int16)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).mean() / 255 <= LARGEST_ERROR_PERCENT / 100


def test_a_screen_of_too_many_pixels_is_refused_by_its_header() -> None:
    header = read_header((REPORTS / "gif-disposal-43-bytes.gif").read_bytes())
    with pytest.raises(TooManyPixelsError):
        check_size(header, DEFAULT_MAX_PIXELS)


@pytest.mark.parametrize("metadata", ["copyright", "all"])
def test_text_tags_stay_byte_for_byte(metadata: str, tmp_path: Path) -> None:
    upload = (REPORTS / "exif-non-ascii.jpg").read_bytes()
    tags = read_tags(compress(upload, metadata=metadata), tmp_path)
    before = read_tags(upload, tmp_path)
    assert tags["EXIF:Copyright"] == before["EXIF:Copyright"] == "© 2024 José Müller"
    kept = {name: value for name, value in before.items() if name in tags}
    if metadata == "all":
        assert len([name for name in kept if name.startswith("EXIF:")]) >= len(
            [name for name in before if name.startswith("EXIF:")]
        )
    assert {name: tags[name] for name in kept} == kept


def test_density_is_kept(tmp_path: Path) -> None:
    tags = read_tags(
        compress((REPORTS / "jfif-300-dpi.jpg").read_bytes(), metadata="all"), tmp_path
    )
    assert (tags["JFIF:XResolution"], tags["JFIF:YResolution"]) == (300, 300)
    assert tags["JFIF:ResolutionUnit"] == 1


@pytest.mark.parametrize("metadata", ["none", "copyright", "all"])
def test_nothing_is_claimed_that_is_gone(metadata: str, tmp_path: Path) -> None:
    upload = (REPORTS / "ultrahdr-motion-photo.jpg").read_bytes()
    jpeg = compress(upload, metadata=metadata)
    for claim in (b"GainMap", b"MotionPhoto", b"MicroVideo", b"hdrgm", b"MPF\0", b"iso:ts:21496"):
        assert claim not in jpeg, claim
    assert not [name for name in read_tags(jpeg, tmp_path) if name.startswith("MPF")]
