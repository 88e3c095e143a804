"""Properties of the encoder for any image, map and options."""

import io
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg2000.encode import encode
from codec.settings import EncodeSettings
from tests.codec.pictures import noise, scene, sky, spot, text

MAKERS = {
    "photo": scene,
    "noise": noise,
    "flat": lambda height, width: np.full((height, width, 3), (9, 90, 190), np.uint8),
    "text": text,
    "gradient": sky,
}


@st.composite
def pictures(draw: st.DrawFn) -> NDArray[np.uint8]:
    sides = st.integers(1, 90)
    image = MAKERS[draw(st.sampled_from(sorted(MAKERS)))](draw(sides), draw(sides))
    return image[..., 0] if draw(st.booleans()) else image


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
        "progressive": st.booleans(),
        "target": st.sampled_from(["size", "quality"]),
        "floor": st.none() | st.integers(1, 100),
        "max_bytes": st.none() | st.integers(700, 5000),
    }
)


@settings(deadline=None, max_examples=150)
@given(pictures(), maps(), options)
def test_every_file_opens_and_keeps_its_bytes(
    image: NDArray[np.uint8], saliency: NDArray[np.float32] | None, chosen: dict[str, Any]
) -> None:
    encoded = encode(image, saliency, EncodeSettings(**chosen))
    limit = min(encoded.reference_bytes, chosen["max_bytes"] or encoded.reference_bytes)
    assert len(encoded.data) <= limit
    with Image.open(io.BytesIO(encoded.data)) as opened:
        opened.load()
        assert opened.size == image.shape[1::-1]
        assert opened.mode == ("L" if image.ndim == 2 else "RGB")
