"""JPEG in, JPEG out: when coefficients are kept, and how good and how long files are otherwise."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import codec
from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.syntax.own_mark import compute_checksum
from codec.jpeg.transcode.lossless import rewrite
from codec.jpeg.transcode.transcode import LEAST_SAVING, transcode
from codec.settings import Subsampling, Target
from tests.codec.jpegs import pillow_jpeg, shown_pixels, unmarked
from tests.codec.pictures import noise, scene, spot

PHOTO = scene(200, 264)
SPOT = spot(50, 66)


def recompress(data: bytes, **options: Any) -> codec.Encoded:
    """Return the result of transcoding a file."""
    chosen = codec.EncodeSettings(**{"target": "quality", "progressive": True, **options})
    return transcode(read_source(data), shown_pixels(data), SPOT, chosen)


def squared_error(jpeg: bytes, original: NDArray[np.uint8], where: Any = ...) -> float:
    return float(((shown_pixels(jpeg).astype(float) - original)[where] ** 2).mean())


@pytest.mark.parametrize("target", ["size", "quality"])
@pytest.mark.parametrize("quality", [30, 75])
def test_an_upload_of_higher_quality_meets_the_goal(target: Target, quality: int) -> None:
    data = pillow_jpeg(PHOTO, quality=95, subsampling="4:2:0")
    made = recompress(data, target=target, quality=quality)
    assert made.reference_bytes == len(pillow_jpeg(shown_pixels(data), quality=quality))
    least = 0.99 if target == "size" else 0.3
    assert least <= len(made.jpeg) / made.reference_bytes <= (1.01 if target == "size" else 1.0)


@pytest.mark.parametrize(("upload", "quality"), [(85, 75), (75, 50)])
def test_transcoding_has_a_smaller_error_than_encoding_pixels_in_equal_bytes(
    upload: int, quality: int
) -> None:
    data = pillow_jpeg(PHOTO, quality=upload, subsampling="4:2:0")
    options = codec.EncodeSettings(quality=quality, progressive=True)
    pixels = codec.encode(shown_pixels(data), SPOT, options).jpeg
    coefs = recompress(data, quality=quality, target="size").jpeg
    assert abs(len(coefs) / len(pixels) - 1) < 0.015
    assert squared_error(coefs, shown_pixels(data)) < squared_error(pixels, shown_pixels(data))


@pytest.mark.parametrize("upload", [40, 75, 90])
@pytest.mark.parametrize("quality", [75, 95])
def test_an_upload_of_lower_quality_stays_as_good_in_the_salient_region(
    upload: int, quality: int
) -> None:
    if upload > quality:
        return
    data = pillow_jpeg(PHOTO, quality=upload, subsampling="4:2:0")
    hot = spot(*PHOTO.shape[:2]) > np.quantile(spot(*PHOTO.shape[:2]), 0.85)
    made = recompress(data, quality=quality)
    assert len(made.jpeg) < 0.97 * len(data)
    reference = pillow_jpeg(shown_pixels(data), quality=quality, subsampling="4:2:0")
    assert squared_error(made.jpeg, PHOTO, hot) < 1.02 * squared_error(reference, PHOTO, hot)


@pytest.mark.parametrize("quality", [50, 75, 90, 97])
def test_the_search_ends_soon_although_steps_snap(quality: int) -> None:
    for upload in (60, 85, 95):
        data = pillow_jpeg(PHOTO, quality=upload, subsampling="4:2:0")
        # Above the source's quality, steps of 1 and 2 snap, so that only λ can change.
        assert recompress(data, quality=quality).passes <= 16


def test_an_upload_that_fits_the_bytes_keeps_its_coefficients() -> None:
    data = pillow_jpeg(PHOTO, quality=50, subsampling="4:2:0")
    for progressive in (False, True):
        made = recompress(data, quality=75, target="size", progressive=progressive)
        assert np.array_equal(shown_pixels(made.jpeg), shown_pixels(data))
        assert len(made.jpeg) < len(data)
        assert read_source(made.jpeg).is_progressive == progressive
        assert made.passes == 0


@pytest.mark.parametrize(("upload", "quality"), [(75, 70), (85, 80), (92, 90)])
def test_coefficients_are_quantized_again_where_that_saves_more_than_a_few_percent(
    upload: int, quality: int
) -> None:
    data = pillow_jpeg(PHOTO, quality=upload, subsampling="4:2:0")
    kept = rewrite(read_source(data), progressive=True)
    made = recompress(data, quality=quality)
    assert 0.55 * len(kept) < len(made.jpeg) < 0.9 * len(kept)


@pytest.mark.parametrize(
    ("upload", "quality", "is_kept"),
    [(50, 46, False), (50, 49, True), (75, 71, False), (75, 74, True)],
)
def test_coefficients_are_kept_unless_quantizing_again_saves_3_percent(
    upload: int, quality: int, *, is_kept: bool
) -> None:
    data = pillow_jpeg(PHOTO, quality=upload, subsampling="4:2:0")
    made = recompress(data, quality=quality, floor=quality, strength=0.0, tune="psnr").jpeg
    assert np.array_equal(shown_pixels(made), shown_pixels(data)) == is_kept


def test_kept_coefficients_may_take_all_of_the_allowed_bytes() -> None:
    data = pillow_jpeg(PHOTO, quality=50, subsampling="4:2:0")
    kept = recompress(data, quality=75, target="size").jpeg
    for spare_bytes, is_kept in ((0, True), (-1, False)):
        made = recompress(data, quality=75, target="size", max_bytes=len(kept) + spare_bytes)
        assert (made.jpeg == kept) == is_kept


@pytest.mark.parametrize("target", ["size", "quality"])
def test_a_file_that_cannot_be_made_smaller_is_returned(target: Target) -> None:
    data = pillow_jpeg(scene(16, 16), quality=20)
    best = rewrite(read_source(data), progressive=True)
    shortest = min(data, best, key=len)
    # At quality 100 its reference has far more bytes.
    made = recompress(shortest, quality=100, target=target)
    assert made.jpeg == shortest or (
        target == "quality" and len(made.jpeg) < len(shortest) * (1 - LEAST_SAVING)
    )
    assert recompress(best, quality=100, target="size", progressive=False).jpeg != best


def test_a_baseline_upload_is_returned_if_progressive_is_not_shorter() -> None:
    tiny = rewrite(read_source(pillow_jpeg(scene(8, 8)[..., 0], quality=50)), progressive=False)
    assert len(rewrite(read_source(tiny), progressive=True)) > len(tiny)
    assert recompress(tiny, quality=100, target="size", progressive=True).jpeg == tiny


def test_metadata_is_never_returned() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    data = pillow_jpeg(scene(16, 16), quality=20, exif=exif)
    made = recompress(data, quality=100, target="size").jpeg
    assert b"secret" not in made
    assert np.array_equal(shown_pixels(made), shown_pixels(data))
    assert len(made) < len(data)


def test_what_follows_adobes_transform_is_metadata() -> None:
    plain = pillow_jpeg(scene(16, 16), quality=20)
    payload = b"Adobe\0\x64\0\0\0\0\1" + b"a secret"
    adobe = b"\xff\xee" + (len(payload) + 2).to_bytes(2, "big") + payload
    data = plain[:2] + adobe + plain[20:]  # instead of JFIF's segment
    stripped = read_source(data).stripped
    assert b"Adobe" in stripped
    assert b"secret" not in stripped
    assert np.array_equal(shown_pixels(stripped), shown_pixels(data))


def test_a_forged_mark_damages_no_file() -> None:
    """The mark's place is behind JFIF's segment, with which not every file begins."""
    data = pillow_jpeg(PHOTO, quality=90)
    data = data[:2] + data[20:]
    chosen = codec.EncodeSettings(target="quality")
    checksum = compute_checksum(data, chosen)
    forged = data[:2] + b"\xff\xfe\x00\x0eFoveate" + checksum + data[2:]
    made = transcode(read_source(forged), shown_pixels(forged), SPOT, chosen).jpeg
    assert squared_error(made, shown_pixels(data)) < 100


def test_a_grey_upload_gives_a_grey_file() -> None:
    data = pillow_jpeg(PHOTO[..., 1], quality=90)
    for target in ("size", "quality"):
        made = recompress(data, quality=60, target=target)
        assert shown_pixels(made.jpeg).ndim == 2
        assert len(made.jpeg) <= made.reference_bytes * 1.01


def test_steps_are_never_finer_than_the_uploads() -> None:
    data = pillow_jpeg(PHOTO, quality=60, subsampling="4:2:0")
    steps = read_source(data).quant_tables
    for quality in (30, 58, 75):
        made = read_source(recompress(data, quality=quality).jpeg)
        assert all((a >= b).all() for a, b in zip(made.quant_tables, steps, strict=True))


@pytest.mark.parametrize("target", ["size", "quality"])
def test_max_bytes_is_kept(target: Target) -> None:
    data = pillow_jpeg(PHOTO, quality=85, subsampling="4:2:0")
    for max_bytes in (2000, 4000, len(data)):
        made = recompress(data, quality=95, target=target, max_bytes=max_bytes)
        assert len(made.jpeg) <= max_bytes
    with pytest.raises(codec.OutOfReachError):
        recompress(data, max_bytes=300)


def test_no_map_gives_the_file_of_strength_zero() -> None:
    data = pillow_jpeg(PHOTO, quality=85)
    source, image = read_source(data), shown_pixels(data)
    plain = transcode(source, image, None, codec.EncodeSettings(quality=60))
    found = transcode(source, image, SPOT, codec.EncodeSettings(quality=60, strength=0))
    assert unmarked(found.jpeg) == unmarked(plain.jpeg)


def test_the_source_is_not_changed() -> None:
    source = read_source(pillow_jpeg(PHOTO, quality=85))
    before = [plane.copy() for plane in source.qcoefs]
    transcode(source, PHOTO, SPOT, codec.EncodeSettings(quality=60, subsampling="420"))
    rewrite(source, progressive=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, source.qcoefs, strict=True))


@pytest.mark.parametrize(
    ("image", "saliency", "named"),
    [
        (PHOTO[:-1], SPOT, "source"),
        (PHOTO.astype(np.float32), SPOT, "uint8"),
        (PHOTO, SPOT * 2, r"\[0, 1\]"),
    ],
)
def test_wrong_arrays_are_refused(image: Any, saliency: Any, named: str) -> None:
    source = read_source(pillow_jpeg(PHOTO))
    with pytest.raises(ValueError, match=named):
        transcode(source, image, saliency, codec.EncodeSettings())


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    grey=st.booleans(),
    upload=st.integers(1, 100),
    upload_sampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
    quality=st.integers(1, 100),
    target=st.sampled_from(["size", "quality"]),
    subsampling=st.sampled_from(["auto", "420", "444"]),
    progressive=st.booleans(),
    busy=st.booleans(),
)
def test_any_upload_gives_a_file_that_opens_and_is_no_longer(
    *,
    height: int,
    width: int,
    grey: bool,
    upload: int,
    upload_sampling: str,
    quality: int,
    target: Target,
    subsampling: Subsampling,
    progressive: bool,
    busy: bool,
) -> None:
    image = (noise if busy else scene)(height, width)
    options = {} if grey else {"subsampling": upload_sampling}
    data = pillow_jpeg(image[..., 0] if grey else image, quality=upload, **options)
    try:
        source = read_source(data)
    except codec.UnreadableSourceError:
        assert upload < 10  # steps above 255
        return
    chosen = codec.EncodeSettings(
        quality=quality, target=target, subsampling=subsampling, progressive=progressive
    )
    made = transcode(source, shown_pixels(data), SPOT, chosen)
    assert shown_pixels(made.jpeg).shape == shown_pixels(data).shape
    if subsampling != "420":
        assert len(made.jpeg) <= max(len(data), made.reference_bytes * 1.01)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quality": 50, "floor": 5, "progressive": False},
        {"target": "size", "quality": 40},
        {"strength": 1.0, "subsampling": "444"},
        {"max_bytes": 2500},
    ],
)
@pytest.mark.parametrize("upload", [50, 95])
def test_a_file_of_ours_is_not_coded_again(options: dict[str, Any], upload: int) -> None:
    """Otherwise each pass would take the errors of the pass before for the photo."""
    first = recompress(pillow_jpeg(PHOTO, quality=upload), **options).jpeg
    again = recompress(first, **options)
    assert again.jpeg == first
    assert again.passes == 0


def test_a_file_of_ours_is_coded_again_for_other_settings() -> None:
    first = recompress(pillow_jpeg(PHOTO, quality=95)).jpeg
    assert len(recompress(first, quality=40).jpeg) < 0.8 * len(first)
    assert len(recompress(first, max_bytes=len(first) - 200).jpeg) <= len(first) - 200


def test_a_file_of_ours_that_is_turned_keeps_its_coefficients() -> None:
    whole_mcus = scene(208, 256)  # other sides can't be turned without loss
    first = recompress(pillow_jpeg(whole_mcus, quality=95)).jpeg
    source = codec.apply_orientation(read_source(first), 6)
    turned_map = np.ascontiguousarray(np.rot90(SPOT, -1))
    options = codec.EncodeSettings(target="quality", progressive=True)
    pixels = np.ascontiguousarray(np.rot90(shown_pixels(first), -1))
    turned = transcode(source, pixels, turned_map, options).jpeg
    assert np.abs(shown_pixels(turned).astype(int) - pixels).mean() < 0.5
    assert all(
        np.array_equal(a, b) for a, b in zip(read_source(turned).qcoefs, source.qcoefs, strict=True)
    )
    assert recompress(turned).jpeg == turned
