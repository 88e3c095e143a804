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
from contract.messages import Options
from tests.worker.image.tagged_uploads import compress, read_tags
from worker.image.decode import decode

DATA = Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[4] / "shared" / "data")
REPORTS = DATA / "reports"
ENDING = ".expected.png"
UPLOADS = sorted(path.name.removesuffix(ENDING) for path in REPORTS.glob(f"*{ENDING}"))
LARGEST_ERROR_PERCENT = 1.2
# A JPEG of a small picture with noise loses more: as much as the standard JPEG of the same quality.
SHARE_OF_STANDARD = 1.1

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not UPLOADS, reason="no inputs of bug reports under FOVEATE_DATA"),
]


def read_expected(name: str) -> NDArray[np.uint8]:
    with Image.open(REPORTS / f"{name}{ENDING}") as image:
        return np.asarray(image.convert("RGB"))


def read_jpeg(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def measure_error_percent(shown: NDArray[np.uint8], expected: NDArray[np.uint8]) -> float:
    assert shown.shape == expected.shape
    return float(np.abs(shown.astype(np.int16) - expected).mean()) / 2.55


@pytest.mark.parametrize("name", UPLOADS)
def test_the_photo_looks_as_independent_decoders_show_it(name: str) -> None:
    photo = decode((REPORTS / name).read_bytes(), DEFAULT_MAX_PIXELS, Options())
    shown = np.asarray(photo.image.convert("RGB"))
    assert measure_error_percent(shown, read_expected(name)) <= LARGEST_ERROR_PERCENT


@pytest.mark.parametrize("name", UPLOADS)
def test_the_result_looks_as_independent_decoders_show_the_photo(name: str) -> None:
    expected = read_expected(name)
    standard = io.BytesIO()
    Image.fromarray(expected).save(standard, "JPEG", quality=75)
    allowed = SHARE_OF_STANDARD * measure_error_percent(read_jpeg(standard.getvalue()), expected)
    result = read_jpeg(compress((REPORTS / name).read_bytes()))
    error = measure_error_percent(result, expected)
    assert error <= max(LARGEST_ERROR_PERCENT, allowed)


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
    texts = {name: value for name, value in before.items() if name.startswith("EXIF:")}
    kept = texts if metadata == "all" else {name: texts[name] for name in texts if name in tags}
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
