"""ThumbHashes are those of the reference, for whole photos and parts of them."""

import base64
import re

import numpy as np
import pytest
import thash
from numpy.typing import NDArray
from PIL import Image

from contract.messages import THUMBHASH, Box
from tests.photos import photo
from worker.image.thumbnail import LONG_SIDE_PX, hash_thumbnail

# Of these pictures by `rgbaToThumbHash` of npm's thumbhash 0.1.1, the reference.
REFERENCE = {
    (100, 67, 0): "YugFZYoBnmZTlniEa1eXhlCEB8Au",
    (60, 100, 1): "4OYFRAoaqgrmNlV0FnZQZBnC+A==",
    (100, 100, 2): "4fgFPw4dknmAVZiYeZZYR5Z0ByrHsDgM",
    (100, 33, 6): "XQcGQow4mHWAl4mGcIIK+pY=",
}


def draw(thumbhash: str) -> NDArray[np.int64]:
    """Return the picture that a hash stands for, (h, w, 4)."""
    width, height, pixels = thash.thumb_hash_to_rgba(list(base64.b64decode(thumbhash)))
    return np.frombuffer(bytes(pixels), np.uint8).reshape(height, width, 4).astype(np.int64)


@pytest.mark.parametrize("picture", REFERENCE)
def test_the_hash_is_that_of_the_reference(picture: tuple[int, int, int]) -> None:
    width, height, seed = picture
    pixels = photo(max(width, 16), max(height, 16), seed)[:height, :width]
    assert hash_thumbnail(pixels, (width, height)) == REFERENCE[picture]


def test_the_hash_is_that_of_the_whole_photo_in_its_own_shape() -> None:
    whole = photo(600, 300, 3)
    squeezed = np.asarray(Image.fromarray(whole).resize((320, 480)))
    found = draw(hash_thumbnail(squeezed, (600, 300)))
    expected = draw(hash_thumbnail(whole, (600, 300)))
    assert found.shape == expected.shape
    assert found.shape[1] > 1.5 * found.shape[0]
    assert np.abs(found - expected).mean() < 4
    assert (found[..., 3] == 255).all()


def test_the_hash_of_a_part_is_that_of_its_pixels() -> None:
    whole = photo(400, 200, 4)
    part = Box(x=0.25, y=0.5, width=0.4, height=0.5)
    expected = draw(hash_thumbnail(np.ascontiguousarray(whole[100:, 100:260]), (160, 100)))
    assert np.abs(draw(hash_thumbnail(whole, (160, 100), part)) - expected).mean() < 4
    # Shares may be beyond the edge by rounding.
    edge = Box(x=0.333334, y=0.0, width=0.666667, height=1.0)
    assert hash_thumbnail(whole, (267, 200), edge)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 60_000), (60_000, 1), (LONG_SIDE_PX, 1), (4000, 3000)]
)
@pytest.mark.parametrize("level", [0, 255])
def test_a_photo_of_any_size_has_a_hash_that_a_reply_may_have(
    size: tuple[int, int], level: int
) -> None:
    pixels = np.full((96, 480, 3), level, np.uint8)  # what the network gets of a strip
    found = hash_thumbnail(pixels, size)
    assert re.fullmatch(THUMBHASH, found)
    shown = draw(found)[..., :3]
    assert np.abs(shown - level).max() < 12
