import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import codec
from tests.codec.jpegs import shown_pixels, unmarked
from tests.codec.pictures import noise, scene, spot
from tests.photos import psnr, standard_jpeg

PHOTO = scene(200, 264)
SPOT = spot(50, 66)


def luma(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(Image.fromarray(image).convert("L"), np.float64)


def luma_psnr(
    jpeg: bytes, original: NDArray[np.uint8], region: NDArray[np.bool_] | None = None
) -> float:
    where = ... if region is None else region
    return psnr(luma(shown_pixels(jpeg))[where], luma(original)[where])


def hottest_quarter(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    saliency = spot(*shape[:2])
    return saliency >= np.quantile(saliency, 0.75)


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 92])
@pytest.mark.parametrize("strength", [0.0, 0.6, 1.0])
def test_bytes_are_those_of_the_reference_and_psnr_is_not_below_its(
    quality: int, strength: float
) -> None:
    result = codec.encode(PHOTO, SPOT, codec.EncodeSettings(quality, strength, "420"))
    reference = standard_jpeg(PHOTO, quality)
    assert result.reference_bytes == len(reference)
    assert 0.99 <= len(result.jpeg) / len(reference) <= 1.01
    assert luma_psnr(result.jpeg, PHOTO) > luma_psnr(reference, PHOTO) - (
        2.5 if strength == 1 else 0.6
    )


@pytest.mark.parametrize("seed", range(4))
def test_bytes_are_those_of_the_reference_for_other_images(seed: int) -> None:
    image = scene(120 + 31 * seed, 300 - 17 * seed, seed)
    for subsampling in ("420", "444"):
        options = codec.EncodeSettings(quality=50, subsampling=subsampling)  # type: ignore[arg-type]
        result = codec.encode(image, spot(9, 9), options)
        assert 0.99 <= len(result.jpeg) / result.reference_bytes <= 1.01


def test_saliency_raises_the_quality_of_its_region_with_strength() -> None:
    region = hottest_quarter(PHOTO.shape)
    inside, outside = [], []
    for strength in (0.0, 0.3, 0.6, 1.0):
        options = codec.EncodeSettings(quality=50, strength=strength)
        jpeg = codec.encode(PHOTO, SPOT, options).jpeg
        inside.append(luma_psnr(jpeg, PHOTO, region))
        outside.append(luma_psnr(jpeg, PHOTO, ~region))
    assert inside == sorted(inside)
    # Above the default strength the table's shape changes too, which may improve PSNR everywhere.
    assert outside[:3] == pytest.approx(sorted(outside[:3], reverse=True), abs=0.1)
    assert outside[0] > outside[2]
    assert inside[2] > inside[0] + 0.5


def test_no_map_gives_the_file_of_strength_zero() -> None:
    plain = codec.encode(PHOTO, None, codec.EncodeSettings())
    found = codec.encode(PHOTO, SPOT, codec.EncodeSettings(strength=0))
    assert unmarked(found.jpeg) == unmarked(plain.jpeg)


@pytest.mark.parametrize("target", ["size", "quality"])
def test_a_constant_map_is_strength_zero(target: codec.settings.Target) -> None:
    plain = codec.encode(PHOTO, None, codec.EncodeSettings(strength=0, target=target))
    settings = codec.EncodeSettings(strength=1.0, target=target)
    found = codec.encode(PHOTO, np.full((4, 4), 0.7, np.float32), settings)
    assert unmarked(found.jpeg) == unmarked(plain.jpeg)


def test_a_grey_image_gives_a_grey_file() -> None:
    grey = np.ascontiguousarray(PHOTO[..., 1])
    result = codec.encode(grey, SPOT, codec.EncodeSettings(quality=60))
    assert 0.99 <= len(result.jpeg) / result.reference_bytes <= 1.01
    assert Image.open(io.BytesIO(result.jpeg)).mode == "L"


@pytest.mark.parametrize(
    "image",
    [
        noise(90, 70),
        np.zeros((64, 64, 3), np.uint8),
        np.full((300, 300, 3), 255, np.uint8),
        scene(1, 1),
        scene(7, 9),
        scene(257, 17),
        np.repeat(scene(8, 1000), 8, axis=1),
        np.indices((80, 80)).sum(axis=0).astype(np.uint8) % 2 * 255,
    ],
    ids=["noise", "black", "white", "1x1", "7x9", "257x17", "strip", "checkerboard"],
)
@pytest.mark.parametrize("quality", [1, 50, 100])
def test_searches_of_difficult_images_end_soon_and_not_above_the_reference(
    image: NDArray[np.uint8], quality: int
) -> None:
    result = codec.encode(image, SPOT, codec.EncodeSettings(quality=quality))
    assert len(result.jpeg) <= result.reference_bytes * 1.01
    assert result.passes <= 40
    with Image.open(io.BytesIO(result.jpeg)) as decoded:
        decoded.load()


def test_the_longest_strip_is_encoded() -> None:
    strip = np.repeat(scene(8, 1024), 64, axis=1)[:, :65500]
    result = codec.encode(strip, SPOT, codec.EncodeSettings(quality=50))
    assert len(result.jpeg) <= result.reference_bytes * 1.01
    assert Image.open(io.BytesIO(result.jpeg)).size == (65500, 8)


def test_views_and_read_only_arrays_give_the_same_bytes() -> None:
    frozen = PHOTO.copy()
    frozen.flags.writeable = False
    expected = codec.encode(PHOTO, SPOT, codec.EncodeSettings())
    assert codec.encode(frozen, SPOT, codec.EncodeSettings()) == expected
    assert codec.encode(PHOTO[::-1][::-1], SPOT, codec.EncodeSettings()) == expected
    assert codec.encode(np.asfortranarray(PHOTO), SPOT, codec.EncodeSettings()) == expected


def test_threads_give_the_same_bytes() -> None:
    images = [scene(70 + i, 90, i) for i in range(6)]
    expected = [codec.encode(image, SPOT, codec.EncodeSettings()) for image in images]
    with ThreadPoolExecutor(4) as pool:
        threaded = pool.map(lambda image: codec.encode(image, SPOT, codec.EncodeSettings()), images)
        assert list(threaded) == expected


@pytest.mark.parametrize(("image", "saliency"), [(PHOTO[None], SPOT), (PHOTO, SPOT * 2)])
def test_wrong_arrays_are_refused(image: Any, saliency: Any) -> None:
    with pytest.raises(ValueError, match=r"shape|\[0, 1\]"):
        codec.encode(image, saliency, codec.EncodeSettings())


def test_warming_up_twice_is_harmless() -> None:
    codec.warm_up()
    codec.warm_up()
