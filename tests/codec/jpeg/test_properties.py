"""Properties of the encoder for any image, map and options."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import codec
from codec.settings import EncodeSettings
from tests.codec.jpegs import unmarked
from tests.codec.pictures import noise, scene, sky, spot, text

MAKERS = {
    "photo": scene,
    "noise": noise,
    "flat": lambda height, width: np.full((height, width, 3), (9, 90, 190), np.uint8),
    "text": text,
    "coloured": lambda height, width: text(height, width, (230, 20, 20)),
    "gradient": sky,
}


@st.composite
def pictures(draw: st.DrawFn, least_px: int = 1, most_px: int = 48) -> NDArray[np.uint8]:
    sides = st.integers(least_px, most_px)
    image = MAKERS[draw(st.sampled_from(sorted(MAKERS)))](draw(sides), draw(sides))
    return np.ascontiguousarray(image[..., 0]) if draw(st.booleans()) else image


@st.composite
def maps(draw: st.DrawFn) -> NDArray[np.float32] | None:
    shape = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    kind = draw(st.sampled_from(["none", "constant", "random", "spot", "two values"]))
    if kind == "none":
        return None
    if kind == "constant":
        return np.full(shape, draw(st.floats(0, 1, width=32)), np.float32)
    if kind == "spot":
        return spot(*shape)
    scattered = np.random.default_rng(draw(st.integers(0, 99))).random(shape, np.float32)
    return scattered if kind == "random" else (scattered > 0.7).astype(np.float32)


options = st.fixed_dictionaries(
    {
        "quality": st.integers(1, 100),
        "strength": st.floats(0, 1),
        "subsampling": st.sampled_from(["auto", "420", "444"]),
        "progressive": st.booleans(),
        "target": st.sampled_from(["size", "quality"]),
        "floor": st.none() | st.integers(1, 100),
        "max_bytes": st.none() | st.integers(700, 5000),
    }
)


def attempt(
    image: NDArray[np.uint8], saliency: NDArray[np.float32] | None, chosen: dict[str, Any]
) -> codec.Encoded | codec.OutOfReachError:
    try:
        return codec.encode(image, saliency, EncodeSettings(**chosen))
    except codec.OutOfReachError as error:
        return error


@settings(max_examples=120, deadline=None)
@given(image=pictures(), saliency=maps(), chosen=options)
def test_any_input_gives_a_file_that_opens_and_has_at_most_its_bytes(
    image: NDArray[np.uint8], saliency: NDArray[np.float32] | None, chosen: dict[str, Any]
) -> None:
    found = attempt(image, saliency, chosen)
    if isinstance(found, codec.OutOfReachError):
        assert found.smallest_bytes > chosen["max_bytes"] == found.max_bytes
        return
    share = 1.01 if chosen["target"] == "size" else 1.0
    assert len(found.jpeg) <= found.reference_bytes * share
    assert chosen["max_bytes"] is None or len(found.jpeg) <= chosen["max_bytes"]
    with Image.open(io.BytesIO(found.jpeg)) as opened:
        opened.load()
        assert opened.size == image.shape[1::-1]
        assert opened.mode == ("L" if image.ndim == 2 else "RGB")
        assert ("progressive" in opened.info) == chosen["progressive"]
    assert attempt(image, saliency, chosen) == found


@settings(max_examples=40, deadline=None)
@given(image=pictures(), saliency=maps(), chosen=options)
def test_strength_zero_gives_the_file_without_a_map(
    image: NDArray[np.uint8], saliency: NDArray[np.float32] | None, chosen: dict[str, Any]
) -> None:
    # With a map, target=quality measures two regions at every strength.
    plain = {**chosen, "target": "size", "max_bytes": None}
    found = codec.encode(image, saliency, EncodeSettings(**{**plain, "strength": 0.0}))
    without = codec.encode(image, None, EncodeSettings(**plain))
    assert unmarked(without.jpeg) == unmarked(found.jpeg)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(96, 200),
    width=st.integers(96, 200),
    seed=st.integers(0, 99),
    quality=st.integers(10, 95),
    strength=st.floats(0, 1),
    progressive=st.booleans(),
)
def test_photos_have_the_bytes_of_the_reference(
    *, height: int, width: int, seed: int, quality: int, strength: float, progressive: bool
) -> None:
    chosen = EncodeSettings(quality, strength, progressive=progressive)
    found = codec.encode(scene(height, width, seed), spot(20, 20), chosen)
    # The steps of the search are coarse in a file of about 1,000 bytes, most of them headers.
    assert 0.99 * found.reference_bytes - 16 <= len(found.jpeg) <= 1.01 * found.reference_bytes


def squared_error(jpeg: bytes, image: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    with Image.open(io.BytesIO(jpeg)) as opened:
        difference = np.asarray(opened.convert("L"), np.float64) - Image.fromarray(image).convert(
            "L"
        )
    return float((difference[where] ** 2).mean())


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 99),
    centre=st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8)),
    quality=st.integers(30, 85),
    subsampling=st.sampled_from(["420", "444"]),
)
def test_strength_moves_errors_from_the_region_to_the_rest(
    seed: int, centre: tuple[float, float], quality: int, subsampling: codec.settings.Subsampling
) -> None:
    image = scene(192, 256, seed)
    saliency = spot(192, 256, *centre)
    region = saliency >= np.quantile(saliency, 0.75)
    inside, outside = [], []
    for strength in (0.0, 0.3, 0.6, 1.0):
        # Its constants are fitted on squared errors, which are measured here.
        chosen = EncodeSettings(quality, strength, subsampling, tune="psnr")
        jpeg = codec.encode(image, saliency, chosen).jpeg
        inside.append(squared_error(jpeg, image, region))
        outside.append(squared_error(jpeg, image, ~region))
    assert inside == pytest.approx(sorted(inside, reverse=True), rel=0.05)
    # Above the default strength the table's shape changes too, which may reduce all errors.
    assert outside[:3] == pytest.approx(sorted(outside[:3]), rel=0.05)
    ratios = [rest / salient for rest, salient in zip(outside, inside, strict=True)]
    assert ratios[:3] == pytest.approx(sorted(ratios[:3]), rel=0.05)
    assert inside[-1] < 0.97 * inside[0]
