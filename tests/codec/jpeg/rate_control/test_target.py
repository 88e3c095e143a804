import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import codec
from codec.jpeg.components import split_components
from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.distortion import Errors, measure_errors
from codec.jpeg.quantize.tuning import PERCEPTUAL
from codec.jpeg.rate_control.target import PLAIN_SHARE, VISIBLE_SHARE, Goal, set_goal
from codec.settings import EncodeSettings, Tune
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


def measure_file(jpeg: bytes, blocks: Blocks) -> Errors:
    """Return the errors of a file's coefficients."""
    source = read_source(jpeg)
    return measure_errors(blocks.components, source.quant_tables, source.qcoefs)


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
    assert 0.4 < squared_error(found.jpeg, HOT) / squared_error(reference, HOT) < 1.1
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


# The goal counts chroma too. With `perceptual` chroma has the smaller part of the allowed errors, so
# that luma, which is measured here, has a larger one than in the reference.
@pytest.mark.parametrize(("tune", "most"), [("psnr", 1.15), ("perceptual", 1.9)])
def test_the_rest_is_never_worse_than_the_reference_at_the_floor(tune: Tune, most: float) -> None:
    low, high = (
        encode(quality=80, target="quality", strength=1.0, floor=floor, tune=tune)
        for floor in (5, 78)
    )
    assert len(low.jpeg) < len(high.jpeg) <= high.reference_bytes
    assert squared_error(high.jpeg, COLD) < squared_error(standard_jpeg(IMAGE, 78), COLD) * most
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


@pytest.mark.parametrize("saliency", [None, np.full((4, 4), 0.7, np.float32)])
@pytest.mark.parametrize("quality", [50, 75, 90])
def test_without_a_map_the_whole_image_keeps_the_promise_and_is_no_better(
    quality: int, saliency: NDArray[np.float32] | None
) -> None:
    settings = EncodeSettings(quality, target="quality", subsampling="420", progressive=True)
    found = codec.encode(IMAGE, saliency, settings)
    blocks = Blocks(split_components(IMAGE, None, subsample=True, tuning=PERCEPTUAL.default))
    errors = measure_file(found.jpeg, blocks)
    # The search ends within 1.2 % of the allowed errors.
    assert errors.salient == pytest.approx(
        VISIBLE_SHARE * blocks.measure_reference(quality, quality).salient, rel=0.015
    )
    for where in (HOT, COLD):
        ratio = squared_error(found.jpeg, where) / squared_error(
            standard_jpeg(IMAGE, quality), where
        )
        assert 0.4 < ratio < 1.35


def make_errors(salient: float, rest: float) -> Errors:
    return Errors(salient, rest, plain_salient=1.0, plain_rest=1.0)


def test_the_error_of_a_pass_is_that_of_its_bytes_or_of_the_worse_region() -> None:
    components = split_components(IMAGE, SALIENCY, subsample=True, tuning=PERCEPTUAL.default)
    goal = set_goal(EncodeSettings(target="quality"), Blocks(components), 10000)
    assert goal.allowed is not None
    spare = goal.allowed._replace(salient=goal.allowed.salient / 2, rest=goal.allowed.rest / 3)
    spare = spare._replace(plain_salient=0.1, plain_rest=0.1)
    worse = goal.allowed._replace(rest=goal.allowed.rest * 2)
    plainly_worse = spare._replace(plain_rest=goal.allowed.plain_rest * 2)
    assert goal.compare(100, spare).error == pytest.approx(np.log(2) / 2)
    assert goal.compare(100, worse).error == pytest.approx(-np.log(2) / 2)
    assert goal.compare(100, plainly_worse).error == pytest.approx(-np.log(2) / 2)
    assert goal.compare(goal.target_bytes * 3, worse).error == pytest.approx(np.log(3))
    assert Goal(100.0, 101.0).compare(50, None).error == pytest.approx(np.log(0.5))


def test_a_region_may_have_fewer_visible_errors_than_the_reference_and_more_plain_ones() -> None:
    blocks = Blocks(split_components(IMAGE, SALIENCY, subsample=True, tuning=PERCEPTUAL.default))
    allowed = set_goal(EncodeSettings(80, target="quality", floor=40), blocks, 10000).allowed
    own, floor = blocks.measure_reference(80, 80), blocks.measure_reference(40, 40)
    assert allowed == (
        *(own.salient * VISIBLE_SHARE, floor.rest),
        *(own.plain_salient * PLAIN_SHARE, floor.plain_rest * PLAIN_SHARE),
    )


def test_a_region_without_blocks_limits_nothing() -> None:
    blocks = Blocks(split_components(IMAGE, None, subsample=True, tuning=PERCEPTUAL.default))
    goal = set_goal(EncodeSettings(80, target="quality"), blocks, 10000)
    assert goal.allowed is not None
    assert goal.allowed.rest == goal.allowed.plain_rest == np.inf
    twice = Errors(*(error * 2 for error in blocks.measure_reference(80, 80)))
    assert goal.compare(100, twice).error == pytest.approx(-np.log(2 / VISIBLE_SHARE) / 2)


def test_noise_is_added_on_both_sides() -> None:
    goal = Goal(1000.0, 1000.0, allowed=make_errors(10.0, 40.0))
    noise = make_errors(90.0, 60.0)
    beside = goal.allow_noise(noise, 0.0)
    assert beside.allowed == Errors(100.0, 100.0, 2.0, 2.0)
    assert beside.compare(10.0, make_errors(10.0, 40.0)).error == pytest.approx(0.0)
    assert goal.allow_noise(noise, 0.5).allowed == Errors(145.0, 130.0, 2.5, 2.5)
    bytes_only = Goal(1000.0, 1000.0)
    assert bytes_only.allow_noise(noise, 0.1) is bytes_only


def test_a_goal_is_loosened_once_by_the_missing_share() -> None:
    goal = Goal(1000.0, 1010.0, 992.0).loosen(980)
    assert goal.target_bytes == pytest.approx(1000.0 * 1000 / 980)
    assert goal.least_bytes == 0.0
    assert goal.limit_bytes == 1010.0
