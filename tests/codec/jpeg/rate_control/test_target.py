import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import codec
from codec.jpeg.components import split_components
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.distortion import Errors
from codec.jpeg.quantize.tuning import DEFAULT
from codec.jpeg.rate_control.target import Goal, set_goal
from codec.settings import EncodeSettings
from tests.codec.pictures import scene
from tests.photos import standard_jpeg

IMAGE = scene(160, 224)
ROWS, COLUMNS = np.mgrid[:20, :28]
SALIENCY = np.exp(-((ROWS - 8) ** 2 + (COLUMNS - 9) ** 2) / 30).astype(np.float32)
HOT = np.kron(SALIENCY, np.ones((8, 8))) > np.quantile(SALIENCY, 0.8)
COLD = np.kron(SALIENCY, np.ones((8, 8))) < np.quantile(SALIENCY, 0.5)


def encode(image: NDArray[np.uint8] = IMAGE, **options: object) -> codec.Encoded:
    # The hard edges of the image would make `auto` choose 4:4:4, and the reference is 4:2:0.
    settings = EncodeSettings(**{"subsampling": "420", **options})  # type: ignore[arg-type]
    return codec.encode(image, SALIENCY, settings)


def squared_error(jpeg: bytes, where: NDArray[np.bool_], image: NDArray[np.uint8] = IMAGE) -> float:
    """Return the mean squared error of luma, by another decoder."""
    luma = np.array([0.299, 0.587, 0.114])
    with Image.open(io.BytesIO(jpeg)) as opened:
        difference = (np.asarray(opened, float) - image) @ luma
    return float((difference[where] ** 2).mean())


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [30, 75, 92])
def test_target_quality_is_as_good_as_the_reference_in_the_salient_region_in_fewer_bytes(
    quality: int, progressive: bool
) -> None:
    found = encode(quality=quality, target="quality", progressive=progressive)
    reference = standard_jpeg(IMAGE, quality)
    assert found.reference_bytes == len(reference)
    assert len(found.jpeg) < 0.95 * len(reference)
    # The goal's errors are weighted, these are not, so that they may differ a little.
    assert squared_error(found.jpeg, HOT) < squared_error(reference, HOT) * 1.1
    assert squared_error(found.jpeg, COLD) > squared_error(reference, COLD)


@pytest.mark.parametrize("quality", [30, 75, 90])
def test_a_search_for_quality_starts_near_its_end(quality: int) -> None:
    found = [
        codec.encode(
            scene(256, 384, seed),
            SALIENCY,
            EncodeSettings(quality, strength, "420", target="quality"),
        ).passes
        for seed in range(3)
        for strength in (0.0, 0.6)
    ]
    assert np.mean(found) < 5


def test_the_rest_is_never_worse_than_the_reference_at_the_floor() -> None:
    low, high = (
        encode(quality=80, target="quality", strength=1.0, floor=floor) for floor in (5, 78)
    )
    assert len(low.jpeg) < len(high.jpeg) <= high.reference_bytes
    assert squared_error(high.jpeg, COLD) < squared_error(standard_jpeg(IMAGE, 78), COLD) * 1.15
    assert squared_error(high.jpeg, COLD) < squared_error(low.jpeg, COLD)


def test_a_floor_above_the_quality_gives_the_file_of_a_floor_at_the_quality() -> None:
    assert encode(quality=50, target="quality", floor=100).jpeg == (
        encode(quality=50, target="quality", floor=50).jpeg
    )


@pytest.mark.parametrize("image", [
    IMAGE[..., 0], IMAGE[:1, :1], IMAGE[:9, :17], np.full((40, 60, 3), 77, np.uint8),
    np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8),
])  # fmt: skip
@pytest.mark.parametrize("quality", [1, 60, 100])
def test_target_quality_never_takes_more_than_the_reference(
    image: NDArray[np.uint8], quality: int
) -> None:
    found = encode(image, quality=quality, target="quality")
    assert len(found.jpeg) <= found.reference_bytes
    with Image.open(io.BytesIO(found.jpeg)) as opened:
        assert opened.size == image.shape[1::-1]


def test_without_a_map_the_whole_image_is_as_good_as_the_reference() -> None:
    settings = EncodeSettings(quality=75, target="quality", subsampling="420")
    found = codec.encode(IMAGE, None, settings)
    assert len(found.jpeg) < found.reference_bytes
    for where in (HOT, COLD):
        assert (
            squared_error(found.jpeg, where) < squared_error(standard_jpeg(IMAGE, 75), where) * 1.25
        )


def test_the_error_of_a_pass_is_that_of_its_bytes_or_of_the_worse_region() -> None:
    components = split_components(IMAGE, SALIENCY, subsample=True, tuning=DEFAULT)
    goal = set_goal(EncodeSettings(target="quality"), Blocks(components), 10000)
    assert goal.allowed is not None
    spare = goal.allowed._replace(salient=goal.allowed.salient / 2, rest=goal.allowed.rest / 3)
    worse = goal.allowed._replace(rest=goal.allowed.rest * 2)
    assert goal.find_error(100, spare) == pytest.approx(np.log(2) / 2)
    assert goal.find_error(100, worse) == pytest.approx(-np.log(2) / 2)
    assert goal.find_error(goal.target_bytes * 3, worse) == pytest.approx(np.log(3))
    assert Goal(100.0, 101.0).find_error(50, None) == pytest.approx(np.log(0.5))


def test_noise_is_added_on_both_sides() -> None:
    goal = Goal(1000.0, 1000.0, allowed=Errors(10.0, 40.0))
    beside = goal.allow_noise(Errors(90.0, 60.0), 0.0)
    assert beside.allowed == Errors(100.0, 100.0)
    made = Errors(10.0 + 90.0, 40.0 + 60.0)
    assert beside.find_error(10.0, made) == pytest.approx(0.0)
    assert goal.allow_noise(Errors(90.0, 60.0), 0.5).allowed == Errors(145.0, 130.0)
    bytes_only = Goal(1000.0, 1000.0)
    assert bytes_only.allow_noise(Errors(90.0, 60.0), 0.1) is bytes_only


def test_a_goal_is_loosened_once_by_the_missing_share() -> None:
    goal = Goal(1000.0, 1010.0, 992.0).loosen(980)
    assert goal.target_bytes == pytest.approx(1000.0 * 1000 / 980)
    assert goal.least_bytes == 0.0
    assert goal.limit_bytes == 1010.0
