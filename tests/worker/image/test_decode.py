"""Uploads of every format become upright pixels on white, in RGB or greyscale."""

import numpy as np
import pytest
from PIL import Image

from contract.images import IMAGE_FORMATS
from contract.messages import Options
from tests.photos import file_of, photo, psnr
from worker.image.decode import decode

LIMIT_PX = 1_000_000
LOSSLESS = {"PNG", "BMP", "TIFF"}


@pytest.mark.parametrize("name", IMAGE_FORMATS)
def test_every_accepted_format_is_decoded(name: str) -> None:
    pixels = photo(61, 47)
    decoded = decode(file_of(pixels, name), LIMIT_PX, Options()).image
    assert decoded.mode == "RGB"
    assert decoded.size == (61, 47)
    assert psnr(np.asarray(decoded), pixels) > (99 if name in LOSSLESS else 20)


def test_alpha_is_flattened_on_white() -> None:
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[..., 0] = 200
    picture[:2, :, 3] = 255
    picture[2, :, 3] = 128
    decoded = np.asarray(decode(file_of(picture), LIMIT_PX, Options()).image)
    assert decoded[0, 0].tolist() == [200, 0, 0]
    assert np.allclose(decoded[2, 0], [227, 127, 127], atol=1)
    assert decoded[3, 0].tolist() == [255, 255, 255]


def test_a_transparent_palette_colour_becomes_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putdata([0, 1])
    for name in ("PNG", "GIF"):
        decoded = decode(file_of(picture, name, transparency=1), LIMIT_PX, Options()).image
        assert [decoded.getpixel((x, 0)) for x in (0, 1)] == [(10, 20, 30), (255, 255, 255)]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "I", "F"])
def test_greyscale_of_any_depth_stays_greyscale(mode: str) -> None:
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (8, 1))
    if mode == "I;16":
        data = file_of(Image.fromarray(ramp.astype(np.uint16) * 257))
    elif mode in {"I", "F"}:
        scale = 257 if mode == "I" else 1
        data = file_of(Image.fromarray(ramp).convert(mode).point(lambda v: v * scale), "TIFF")
    else:
        data = file_of(Image.fromarray(ramp).convert(mode))
    decoded = decode(data, LIMIT_PX, Options()).image
    assert decoded.mode == "L"
    if mode != "1":
        assert np.abs(np.asarray(decoded).astype(int) - ramp).max() <= 1


def test_a_transparent_level_of_a_deep_greyscale_becomes_white() -> None:
    ramp = (np.arange(5, dtype=np.uint16) * 16_000)[None]
    decoded = decode(file_of(Image.fromarray(ramp), transparency=16_000), LIMIT_PX, Options()).image
    assert decoded.mode == "L"
    assert np.abs(np.asarray(decoded)[0].astype(int) - [0, 255, 125, 187, 249]).max() <= 1


def test_only_the_first_frame_of_an_animation_is_decoded() -> None:
    frames = [Image.fromarray(photo(24, 16, seed)) for seed in (1, 2)]
    data = file_of(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert psnr(np.asarray(decode(data, LIMIT_PX, Options()).image), photo(24, 16, 1)) > 45
