"""The components of a source: exact where its sampling stays, and near the encoder's where it changes."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import codec
from codec.jpeg.components import split_components
from codec.jpeg.decode.coefficients import Source, read_source
from codec.jpeg.decode.orientation import apply_orientation
from codec.jpeg.quantize.tuning import PSNR
from codec.jpeg.syntax.component import CHROMA, LUMA
from codec.jpeg.transcode.components import split_source
from codec.jpeg.transcode.lossless import rewrite
from codec.jpeg.transcode.transcode import transcode
from codec.settings import Subsampling, Target
from tests.codec.jpegs import pillow_jpeg, shown_pixels
from tests.codec.pictures import noise, scene, spot

PHOTO = scene(104, 136)
SPOT = spot(50, 66)
FACTORS = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2)}


@pytest.mark.parametrize("upload", FACTORS)
def test_coefs_are_the_dequantized_ones(upload: str) -> None:
    source = read_source(pillow_jpeg(scene(41, 75), quality=90, subsampling=upload))
    components = split_source(source, SPOT, PSNR.default, subsample=False)
    assert [component.kind for component in components] == [LUMA, CHROMA, CHROMA]
    assert (components[0].horizontal, components[0].vertical) == FACTORS[upload]
    for component, qcoefs, steps in zip(
        components, source.qcoefs, source.quant_tables, strict=True
    ):
        assert np.array_equal(component.coefs, qcoefs * steps.astype(np.float32))
        assert component.steps is steps


@pytest.mark.parametrize("upload", ["4:4:4", "4:2:2"])
def test_subsampled_chroma_is_near_that_of_the_decoded_image(upload: str) -> None:
    data = pillow_jpeg(PHOTO, quality=97, subsampling=upload)
    source = read_source(data)
    luma, *chroma = split_source(source, None, PSNR.default, subsample=True)
    assert (luma.horizontal, luma.vertical) == (2, 2)
    assert np.array_equal(luma.coefs[:13, :17], source.qcoefs[0][:13, :17] * source.quant_tables[0])
    assert not luma.coefs[13:].any()
    expected = split_components(shown_pixels(data), None, subsample=True, tuning=PSNR.default)
    for component, other in zip(chroma, expected[1:], strict=True):
        assert component.steps is None
        real = np.s_[: component.real_rows - 1, : component.real_columns - 1]
        error = np.square(component.coefs[real] - other.coefs[real]).mean()
        assert error < 0.1 * np.square(other.coefs[real]).mean()


@pytest.mark.parametrize("upload", FACTORS)
def test_blocks_have_the_weights_of_the_decoded_image(upload: str) -> None:
    # Dark on the left; grain in luma and chroma.
    image = (scene(96, 128) * np.linspace(0.05, 1, 128)[None, :, None]).astype(np.uint8)
    data = pillow_jpeg(image, quality=97, subsampling=upload)
    found = split_source(read_source(data), None, PSNR.default, subsample=True)
    expected = split_components(shown_pixels(data), None, subsample=True, tuning=PSNR.default)
    for own, other in zip(found, expected, strict=True):
        real = np.s_[: other.real_rows, : other.real_columns]
        assert np.median(np.abs(own.visibility[real] / other.visibility[real] - 1)) < 0.02


def recompress(data: bytes, **options: Any) -> codec.Encoded:
    """Return the result of transcoding a file."""
    chosen = codec.EncodeSettings(**{"target": "quality", "progressive": True, **options})
    return transcode(read_source(data), shown_pixels(data), SPOT, chosen)


def squared_error(jpeg: bytes, original: NDArray[np.uint8]) -> float:
    return float(((shown_pixels(jpeg).astype(float) - original) ** 2).mean())


def sampling(jpeg: bytes) -> tuple[int, int]:
    source = read_source(jpeg)
    return source.horizontal, source.vertical


@pytest.mark.parametrize(("upload", "factors"), FACTORS.items())
@pytest.mark.parametrize("quality", [50, 90])
@pytest.mark.parametrize("target", ["size", "quality"])
def test_sampling_follows_the_option_and_the_target(
    upload: str, factors: tuple[int, int], quality: int, target: Target
) -> None:
    data = pillow_jpeg(PHOTO, quality=97, subsampling=upload)

    def made(subsampling: Subsampling) -> bytes:
        return recompress(data, quality=quality, target=target, subsampling=subsampling).jpeg

    assert sampling(made("444")) == factors
    assert sampling(made("420")) == (2, 2)
    stays = target == "size" and quality >= 80
    assert sampling(made("auto")) == (factors if stays else (2, 2))
    # An odd number of blocks, so that halved chroma needs one that luma lacks.
    odd = pillow_jpeg(scene(41, 75), quality=97, subsampling=upload)
    options = {"quality": quality, "target": target, "subsampling": "420"}
    small = recompress(odd, **options).jpeg
    assert sampling(small) == (2, 2)
    pixels = codec.encode(shown_pixels(odd), SPOT, codec.EncodeSettings(**options)).jpeg
    assert squared_error(small, shown_pixels(odd)) < 1.15 * squared_error(pixels, shown_pixels(odd))


def test_chroma_of_4_4_0_is_subsampled_across() -> None:
    data = rewrite(
        apply_orientation(read_source(pillow_jpeg(PHOTO, quality=97, subsampling="4:2:2")), 5),
        progressive=True,
    )
    for subsampling, factors in (("444", (1, 2)), ("420", (2, 2))):
        made = recompress(data, quality=75, subsampling=subsampling).jpeg
        assert sampling(made) == factors
        assert squared_error(made, shown_pixels(data)) < 150


def make_extreme(source: Source) -> Source:
    """Return a source of the largest coefficients that are read."""
    planes = [np.sign(plane) * np.int16(1000) for plane in source.qcoefs]
    tables = [np.full(64, 4, np.uint16) for _ in source.quant_tables]
    return replace(source, qcoefs=planes, quant_tables=tables)


@pytest.mark.parametrize("subsampling", ["auto", "420", "444"])
def test_the_largest_coefficients_are_transcoded(subsampling: Subsampling) -> None:
    data = pillow_jpeg(noise(40, 40), quality=50, subsampling="4:4:4")
    source = read_source(rewrite(make_extreme(read_source(data)), progressive=True))
    for quality in (1, 50, 100):
        options = codec.EncodeSettings(quality=quality, subsampling=subsampling, target="quality")
        made = transcode(source, noise(40, 40), SPOT, options)
        with Image.open(io.BytesIO(made.jpeg)) as opened:
            opened.load()
