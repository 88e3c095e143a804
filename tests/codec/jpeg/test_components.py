from dataclasses import replace

import numpy as np
import pytest

from codec.jpeg.components import split_components
from codec.jpeg.quantize.tuning import PSNR
from codec.jpeg.syntax.component import CHROMA, LUMA
from codec.jpeg.transform.chroma_resampling import subsample_plane
from codec.jpeg.transform.color import convert_rgb
from codec.jpeg.transform.dct import transform
from tests.codec.pictures import scene, spot, text

SPOT = spot(9, 12)


@pytest.mark.parametrize("subsample", [True, False])
def test_coefs_are_those_of_the_planes(*, subsample: bool) -> None:
    image = scene(37, 50)
    luma, cb, cr = split_components(image, SPOT, subsample, PSNR.default)
    padded = (48, 64) if subsample else (40, 56)
    planes = convert_rgb(image, *padded)
    assert (luma.kind, cb.kind, cr.kind) == (LUMA, CHROMA, CHROMA)
    assert (luma.horizontal, luma.vertical) == ((2, 2) if subsample else (1, 1))
    assert np.allclose(luma.coefs, transform(planes[0]), atol=1e-3)
    for component, plane in ((cb, planes[1]), (cr, planes[2])):
        shown = subsample_plane(plane) if subsample else plane
        assert np.allclose(component.coefs, transform(shown), atol=1e-3)


def test_a_grey_image_has_one_component() -> None:
    (luma,) = split_components(scene(20, 30)[..., 0], None, subsample=True, tuning=PSNR.default)
    assert luma.coefs.shape == (3, 4, 64)


@pytest.mark.parametrize("subsample", [True, False])
def test_stripes_leave_no_trace(*, subsample: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.hstack([scene(100, 40), text(100, 30)])
    whole = split_components(image, SPOT, subsample, PSNR.default, 16.0)
    monkeypatch.setattr("codec.jpeg.components._STRIPE_SAMPLES", 1)
    striped = split_components(image, SPOT, subsample, PSNR.default, 16.0)
    for one, other in zip(whole, striped, strict=True):
        assert np.array_equal(one.coefs, other.coefs)
        assert np.array_equal(one.block_weights, other.block_weights)
        assert np.array_equal(one.visibility, other.visibility)


def test_clipped_samples_are_extended_where_a_step_is_given() -> None:
    image = text(40, 60)
    plain = split_components(image, None, subsample=True, tuning=PSNR.default)
    extended = split_components(image, None, subsample=True, tuning=PSNR.default, step=16.0)
    assert not np.array_equal(plain[0].coefs, extended[0].coefs)
    for one, other in zip(plain[1:], extended[1:], strict=True):
        assert np.array_equal(one.coefs, other.coefs)


@pytest.mark.parametrize("subsample", [True, False])
def test_activity_hides_errors_in_luma_only(*, subsample: bool) -> None:
    image = scene(48, 64)
    weak, strong = (
        [
            component.visibility
            for component in split_components(
                image, None, subsample, replace(PSNR.default, masking=masking)
            )
        ]
        for masking in (0.2, 0.6)
    )
    assert np.allclose(strong[0], weak[0] ** 3, rtol=1e-3)
    assert weak[0].min() < 0.95
    for chroma in (*weak[1:], *strong[1:]):
        assert (chroma == 1).all()
