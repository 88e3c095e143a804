"""A part that is cut out of a source has the samples of the whole."""

import io

import numpy as np
import pytest
from PIL import Image

import codec
from codec.jpeg.decode.crop import crop_source
from tests.photos import file_of, photo

SAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")


def decode(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)))


@pytest.mark.parametrize("subsampling", [*SAMPLINGS, "grey"])
@pytest.mark.parametrize(
    "part", [(16, 16, 48, 40), (32, 16, 71, 47), (96, 48, 1, 1), (0, 0, 103, 63), (80, 16, 23, 47)]
)
def test_its_pixels_are_those_of_the_whole(
    subsampling: str, part: tuple[int, int, int, int]
) -> None:
    left, top, width, height = part
    pixels = photo(103, 63)
    options = {} if subsampling == "grey" else {"subsampling": subsampling}
    upload = file_of(pixels[..., 0] if subsampling == "grey" else pixels, "JPEG", **options)
    source = codec.read_source(upload)
    cut = crop_source(source, left, top, width, height)
    assert (cut.width, cut.height) == (width, height)
    shown = codec.render(cut)
    expected = codec.render(source)[top : top + height, left : left + width]
    # Chroma of the outermost columns and rows is upsampled without its neighbours.
    inner = np.s_[:] if subsampling in {"grey", "4:4:4"} else np.s_[1:-1, 1:-1]
    assert np.array_equal(shown[inner], expected[inner])


def test_a_file_of_it_shows_the_same_and_is_no_pass_through() -> None:
    upload = file_of(photo(160, 120), "JPEG", quality=40, subsampling="4:4:4")
    cut = crop_source(codec.read_source(upload), 48, 8, 64, 96)
    assert not cut.stripped
    for progressive in (False, True):
        settings = codec.EncodeSettings(quality=95, target="size", progressive=progressive)
        encoded = codec.transcode(cut, None, None, settings)
        assert np.array_equal(decode(encoded.jpeg), decode(upload)[8:104, 48:112]), progressive


def test_the_whole_is_a_part() -> None:
    source = codec.read_source(file_of(photo(40, 24), "JPEG"))
    cut = crop_source(source, 0, 0, 40, 24)
    assert all(np.array_equal(*pair) for pair in zip(cut.qcoefs, source.qcoefs, strict=True))


@pytest.mark.parametrize(
    "part",
    [
        *((8, 0, 16, 16), (0, 8, 16, 16), (1, 0, 1, 1)),  # not at a corner of MCUs
        *((0, 0, 41, 24), (0, 0, 40, 25), (48, 0, 1, 1), (-16, 0, 16, 16), (0, 0, 0, 24)),
    ],
)
def test_another_part_is_refused(part: tuple[int, int, int, int]) -> None:
    source = codec.read_source(file_of(photo(40, 24), "JPEG", subsampling="4:2:0"))
    with pytest.raises(ValueError, match="the part"):
        crop_source(source, *part)
