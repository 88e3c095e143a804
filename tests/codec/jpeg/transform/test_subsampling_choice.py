import numpy as np
import pytest
from numpy.typing import NDArray

from codec.jpeg.encode import encode
from codec.jpeg.transform.chroma_resampling import subsample_plane, upsample
from codec.jpeg.transform.color import convert_rgb
from codec.jpeg.transform.subsampling_choice import is_subsampled, measure_loss
from codec.settings import EncodeSettings
from tests.codec.pictures import noise, sky, text
from tests.codec.plain_jpeg import decode
from tests.photos import photo

RED, BLUE = (230, 20, 20), (20, 20, 200)


def plain_loss(image: NDArray[np.uint8]) -> float:
    """Return the squared error of each block beyond that of grain with the same mean magnitude."""
    planes = convert_rgb(image, *image.shape[:2])[1:]
    square = sum((plane - upsample(subsample_plane(plane))) ** 2 for plane in planes)
    total = 0.0
    for top in range(0, image.shape[0], 16):
        for left in range(0, image.shape[1], 16):
            block = np.asarray(square)[top : top + 16, left : left + 16]
            total += 256 * max(block.mean() - 1.6 * np.sqrt(block).mean() ** 2, 0)
    return total / (image.shape[0] * image.shape[1])


@pytest.mark.parametrize("image", [text(32, 128, RED), text(32, 48, RED, BLUE), photo(64, 32)])
def test_loss_is_that_of_a_plain_implementation(image: NDArray[np.uint8]) -> None:
    assert measure_loss(image) == pytest.approx(plain_loss(image), rel=1e-3, abs=1e-6)


def test_a_large_image_is_measured_on_some_of_its_rows() -> None:
    image = np.tile(text(160, 160, RED), (6, 1, 1))
    assert measure_loss(image) == pytest.approx(plain_loss(image), rel=0.1)


@pytest.mark.parametrize(
    "image",
    [text(90, 200, RED), text(90, 200, RED, BLUE), text(90, 200, (255, 255, 0), (0, 90, 0))],
    ids=["on white", "on blue", "on green"],
)
def test_images_with_coloured_edges_are_not_subsampled(image: NDArray[np.uint8]) -> None:
    assert not is_subsampled(image, "auto")


@pytest.mark.parametrize(
    "image",
    [photo(200, 150), noise(64, 64), sky(80, 90), text(90, 200), photo(160, 120)[..., 0]],
    ids=["photo with grain", "noise", "gradient", "black on white", "grey"],
)
def test_photos_grain_and_grey_are_subsampled(image: NDArray[np.uint8]) -> None:
    assert is_subsampled(image, "auto")


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (17, 33), (33, 17)])
def test_images_of_any_size_are_measured(size: tuple[int, int]) -> None:
    assert measure_loss(np.full((*size, 3), 90, np.uint8)) == 0
    assert 0 <= measure_loss(noise(*size)) < 255**2


def test_420_and_444_do_not_depend_on_the_image() -> None:
    assert is_subsampled(text(40, 40, RED, BLUE), "420")
    assert not is_subsampled(sky(40, 40), "444")


@pytest.mark.parametrize(("image", "factor"), [(text(64, 90, RED), 1), (photo(90, 64), 2)])
def test_files_have_the_sampling_that_auto_chooses(image: NDArray[np.uint8], factor: int) -> None:
    luma, *chroma = decode(encode(image, None, EncodeSettings(quality=60)).jpeg).components
    assert (luma.horizontal, luma.vertical) == (factor, factor)
    assert [(c.horizontal, c.vertical) for c in chroma] == [(1, 1)] * 2
