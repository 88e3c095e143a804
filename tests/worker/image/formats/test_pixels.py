"""Samples become a picture where nothing is lost."""

import numpy as np
import pytest
from PIL import Image

from worker.image.formats.pixels import make_pixels
from worker.image.samples import Cicp, Samples


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_8_bits_without_alpha_are_a_picture(channels: int, mode: str) -> None:
    picture = make_pixels(np.full((2, 3, channels), 7, np.uint8), b"profile")
    assert isinstance(picture, Image.Image)
    assert (picture.mode, picture.size, picture.info) == (mode, (3, 2), {"icc_profile": b"profile"})
    assert make_pixels(np.full((2, 3, channels), 7, np.uint8), None).info == {}


@pytest.mark.parametrize(
    ("channels", "model", "alpha"),
    [(1, "grey", "none"), (2, "grey", "straight"), (3, "rgb", "none"), (4, "rgb", "straight")],
)
def test_deeper_samples_and_alpha_stay_samples(channels: int, model: str, alpha: str) -> None:
    for dtype in (np.uint16, np.uint8):
        cicp = Cicp(9, 16)
        samples = make_pixels(np.zeros((2, 3, channels), dtype), b"profile", cicp)
        assert isinstance(samples, Samples)
        assert (samples.model, samples.alpha) == (model, alpha)
        assert (samples.profile, samples.cicp) == (b"profile", cicp)
