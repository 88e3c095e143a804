"""The bytes of a source's reference are within 1 % of those of the standard JPEG of its pixels."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import codec.jpeg.transcode.reference
from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg.transcode.reference import list_tiles, measure_source_reference
from codec.jpeg.transcode.rendering import render
from tests.codec.jpegs import pillow_jpeg, shown_pixels
from tests.codec.pictures import noise, scene, sky, text

DATA = Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[5] / "shared" / "data")
PHOTOS = sorted((DATA / "kodak").glob("*.png"))
UPLOADS = [(40, "4:2:0"), (75, "4:2:0"), (85, "4:2:2"), (92, "4:2:0"), (97, "4:4:4")]
QUALITIES = [10, 25, 50, 75, 90, 95]
SCENE = scene(512, 768)


def find_errors(upload: bytes, qualities: list[int]) -> list[float]:
    """Return by how much the bytes at each quality differ from the reference's, as a share."""
    source, pixels = read_source(upload), shown_pixels(upload)
    return [
        measure_source_reference(source, quality) / measure_reference(pixels, quality) - 1
        for quality in qualities
    ]


@pytest.mark.parametrize(("quality", "subsampling"), UPLOADS)
def test_a_photos_reference_is_found_to_one_percent(quality: int, subsampling: str) -> None:
    upload = pillow_jpeg(SCENE, quality=quality, subsampling=subsampling)
    assert np.abs(find_errors(upload, QUALITIES)).max() < 0.01


@pytest.mark.parametrize(
    "image",
    [
        SCENE[..., 0],
        SCENE[:509, :761],
        SCENE.swapaxes(0, 1),
        np.tile(scene(64, 64), (2, 40, 1)),
        text(400, 700),
        text(400, 700, (200, 0, 0), (255, 255, 0)),
        sky(512, 768),
        noise(512, 768),
        np.full((512, 768, 3), 255, np.uint8),
        scene(120, 150),
        scene(33, 17),
        scene(1, 1),
    ],
    ids=[
        *("grey", "odd sides", "upright", "strip", "text", "coloured text", "sky", "noise"),
        *("flat", "small", "tiny", "one pixel"),
    ],
)
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_any_picture_s_reference_is_found_to_one_percent(
    image: NDArray[np.uint8], subsampling: str
) -> None:
    upload = pillow_jpeg(np.ascontiguousarray(image), quality=80, subsampling=subsampling)
    assert np.abs(find_errors(upload, [20, 75, 95])).max() < 0.01


def test_steps_that_divide_those_of_the_reference_are_no_exception() -> None:
    # Half of all values lie on the border between two of the reference's.
    upload = pillow_jpeg(SCENE, quality=75, subsampling="4:2:0")
    assert np.abs(find_errors(upload, [50, 51, 49])).max() < 0.01


def test_a_photo_is_decoded_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = []

    def note_share(source: codec.Source, tile_px: int = 0) -> NDArray[np.uint8]:
        shares.append(source.width * source.height / (512 * 768))
        return render(source, tile_px)

    monkeypatch.setattr(codec.jpeg.transcode.reference, "render", note_share)
    measure_source_reference(read_source(pillow_jpeg(SCENE, quality=92)), 75)
    assert 0.2 < sum(shares) < 0.3


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4", None])
def test_a_large_image_is_decoded_in_bands(
    monkeypatch: pytest.MonkeyPatch, subsampling: str | None
) -> None:
    heights = []

    def note_height(source: codec.Source, tile_px: int = 0) -> NDArray[np.uint8]:
        heights.append(source.height)
        return render(source, tile_px)

    monkeypatch.setattr(codec.jpeg.transcode.reference, "render", note_height)
    monkeypatch.setattr(codec.jpeg.transcode.reference, "BAND_PIXELS", 150 * 80)
    image = scene(200, 150) if subsampling else np.ascontiguousarray(scene(200, 150)[..., 0])
    options = {"subsampling": subsampling} if subsampling else {}
    upload = pillow_jpeg(image, quality=80, **options)
    assert np.abs(find_errors(upload, [75])).max() < 0.005
    assert heights == [80, 80, 40]


@pytest.mark.parametrize("sides", [(512, 768), (768, 512), (4000, 6000), (48, 30000), (30000, 200)])
def test_tiles_lie_inside_of_the_image(sides: tuple[int, int]) -> None:
    upload = pillow_jpeg(np.zeros((*sides, 3), np.uint8), quality=30)
    tiles = list_tiles(read_source(upload))
    assert len(tiles) == len(set(tiles)) > 20
    assert all(top * 16 + 16 <= sides[0] and left * 16 + 192 <= sides[1] for top, left in tiles)


@pytest.mark.data
@pytest.mark.skipif(not PHOTOS, reason="no Kodak photos under FOVEATE_DATA")
@pytest.mark.parametrize(("quality", "subsampling"), UPLOADS)
def test_every_kodak_photo_s_reference_is_found_to_one_percent(
    quality: int, subsampling: str
) -> None:
    # A third of the photos, so that each is found among some of the uploads.
    for path in PHOTOS[quality % 3 :: 3]:
        with Image.open(path) as opened:
            image = np.asarray(opened.convert("RGB"))
        upload = pillow_jpeg(image, quality=quality, subsampling=subsampling)
        assert np.abs(find_errors(upload, QUALITIES)).max() < 0.01, path.name
