"""A rewritten file shows the same pixels, in fewer bytes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.decode.orientation import apply_orientation
from codec.jpeg.transcode.lossless import rewrite
from tests.codec.jpegs import pillow_jpeg, shown_pixels
from tests.codec.pictures import noise, scene


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 33), (120, 161)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "grey"])
@pytest.mark.parametrize("progressive", [False, True])
def test_pixels_are_identical(
    size: tuple[int, int], subsampling: str, *, progressive: bool
) -> None:
    options = {"subsampling": subsampling} if subsampling != "grey" else {}
    for image in (scene(*size), noise(*size)):
        shown = image if options else image[..., 0]
        data = pillow_jpeg(shown, quality=88, **options)
        written = rewrite(read_source(data), progressive=progressive)
        assert np.array_equal(shown_pixels(written), shown_pixels(data))
        assert read_source(written).is_progressive == progressive
        again = rewrite(read_source(written), progressive=not progressive)
        assert np.array_equal(shown_pixels(again), shown_pixels(data))


def test_optimal_codes_make_a_file_shorter() -> None:
    data = pillow_jpeg(scene(200, 264), quality=80)
    assert len(rewrite(read_source(data), progressive=False)) < 0.99 * len(data)
    assert len(rewrite(read_source(data), progressive=True)) < 0.99 * len(data)


@pytest.mark.parametrize("progressive", [False, True])
def test_4_4_0_is_written(*, progressive: bool) -> None:
    data = pillow_jpeg(scene(33, 47), quality=88, subsampling="4:2:2")
    tall = apply_orientation(read_source(data), 5)
    assert (tall.horizontal, tall.vertical) == (1, 2)
    written = read_source(rewrite(tall, progressive=progressive))
    assert (written.horizontal, written.vertical) == (1, 2)
    real = np.s_[: -(-47 // 8), : -(-33 // 8)]
    assert np.array_equal(written.qcoefs[0][real], tall.qcoefs[0][real])


@pytest.mark.data
def test_photos_of_cameras_keep_their_pixels(data_dir: Path) -> None:
    for path in sorted((data_dir / "fixations" / "osie").glob("*.jpg"))[::50]:
        data = path.read_bytes()
        written = rewrite(read_source(data), progressive=True)
        with Image.open(path) as opened:
            assert np.array_equal(shown_pixels(written), np.asarray(opened)), path.name
        assert len(written) < len(data)


@pytest.mark.parametrize("progressive", [False, True])
def test_blocks_that_only_complete_mcus_keep_no_ac(*, progressive: bool) -> None:
    source = read_source(pillow_jpeg(scene(24, 24), quality=88, subsampling="4:2:0"))
    luma = source.qcoefs[0].copy()
    assert luma.shape[:2] == (4, 4)
    luma[3, :, 1:] = luma[:, 3, 1:] = 1
    padded = replace(source, qcoefs=(luma, *source.qcoefs[1:]))
    assert rewrite(padded, progressive=progressive) == rewrite(source, progressive=progressive)
