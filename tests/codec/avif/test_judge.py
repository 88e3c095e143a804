"""Errors of an AVIF, beside those of a JPEG."""

import math
from itertools import pairwise

import numpy as np

from codec.avif.judge import Judge
from codec.avif.libaom import read_avif, write_avif
from codec.jpeg.components import split_components
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import choose_tuning
from codec.settings import EncodeSettings
from tests.codec.pictures import scene, spot

PHOTO = scene(192, 256)
SPOT = spot(24, 32)
SETTINGS = EncodeSettings(target="quality")


def write(level: int, image: np.ndarray = PHOTO) -> bytes:
    return write_avif(image, level, None, metric="psnr", subsampled=True)


def test_errors_grow_with_the_level() -> None:
    judge = Judge(PHOTO, SPOT, SETTINGS)
    errors = [judge.measure(write(level)) for level in (5, 20, 40, 60)]
    for finer, coarser in pairwise(errors):
        assert all(a < b for a, b in zip(finer, coarser, strict=True))


def test_errors_are_those_of_the_decoded_picture() -> None:
    """Luma's part of the plain errors is the squared error of its samples."""
    grey = PHOTO[..., 1].copy()
    data = write(40, grey)
    errors = Judge(grey, SPOT, SETTINGS).measure(data)
    expected = np.square(read_avif(data)[..., 0].astype(float) - grey).sum()
    assert math.isclose(errors.plain_salient + errors.plain_rest, expected, rel_tol=1e-3)


def test_the_goal_is_the_reference_s_errors_with_lenience() -> None:
    goals = {
        q: Judge(PHOTO, SPOT, SETTINGS).set_goal(EncodeSettings(q, target="quality"), 9000)
        for q in (30, 75)
    }
    components = split_components(
        PHOTO, SPOT, subsample=True, tuning=choose_tuning("perceptual", 0.6)
    )
    for quality, factor in ((30, math.exp(-0.16)), (75, math.exp(0.1))):
        allowed = goals[quality].allowed
        assert allowed is not None
        reference = Blocks(components).measure_reference(quality, max(quality - 35, 10))
        assert math.isclose(allowed.salient, factor * reference.salient, rel_tol=1e-6)
        assert goals[quality].limit_bytes == 9000
