import io

import numpy as np
import pytest
from PIL import Image

from bench.encoders import (
    FORMATS,
    RIVALS,
    blend_levels,
    encode_standard,
    find_missing,
    prepare_mozjpeg,
    prepare_rival,
)
from tests.codec.pictures import scene, spot


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_writes_a_420_jpeg_that_grows_with_its_quality(name: str) -> None:
    if name in find_missing([name]):
        pytest.skip(find_missing([name])[name])
    write = prepare_rival(name, scene(64, 72), spot(8, 8), 50)
    small, large = write(40), write(90)
    assert len(small) < len(large)
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.format == "JPEG"
        assert opened.size == (72, 64)
        assert [layer[1:3] for layer in opened.layer] == [(2, 2), (1, 1), (1, 1)]  # type: ignore[attr-defined]
        assert bool(opened.info.get("progressive")) is (name != "paper")


@pytest.mark.parametrize("name", FORMATS)
def test_every_other_format_grows_with_its_quality(name: str) -> None:
    write = prepare_rival(name, scene(128, 144), spot(8, 8), 50)
    small, large = write(30), write(70)
    assert len(small) < len(large)
    for file in (small, large):
        with Image.open(io.BytesIO(file)) as opened:
            assert opened.format == ("AVIF" if name.startswith("avif") else "JPEG2000")
            assert np.asarray(opened).shape == (128, 144, 3)


@pytest.mark.parametrize("progressive", [False, True])
def test_mozjpeg_writes_progressive_scans_on_request(progressive: bool) -> None:
    if missing := find_missing(["mozjpeg"]):
        pytest.skip(missing["mozjpeg"])
    written = prepare_mozjpeg(scene(64, 72), 3, progressive=progressive)(50)
    with Image.open(io.BytesIO(written)) as opened:
        assert bool(opened.info.get("progressive")) is progressive


def test_the_paper_s_recipe_encodes_the_hottest_blocks_at_the_highest_quality() -> None:
    image = scene(64, 64)
    saliency = np.zeros((8, 8), np.float32)
    saliency[:, 4:] = 1
    blended = blend_levels(image, saliency, 50)
    for columns, quality in ((slice(0, 16), 30), (slice(48, 64), 70)):
        with Image.open(io.BytesIO(encode_standard(image, quality))) as opened:
            assert np.array_equal(blended[:, columns], np.asarray(opened)[:, columns])


def test_the_paper_s_recipe_uses_one_quality_for_a_uniform_map() -> None:
    image = scene(32, 32)
    blended = blend_levels(image, np.full((4, 4), 0.5, np.float32), 50)
    with Image.open(io.BytesIO(encode_standard(image, 30))) as opened:
        assert np.array_equal(blended, np.asarray(opened))
