"""A colour profile is kept with all metadata; otherwise colours are converted."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.photos import file_of, photo, psnr
from tests.worker.image.colour_profiles import display_p3
from tests.worker.image.tagged_uploads import compress


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photo_with_a_wide_profile_shows_the_same_colours_with_each_option(name: str) -> None:
    profile = display_p3()
    soft = Image.fromarray(photo()).resize((40, 30)).resize((160, 120), Image.Resampling.BICUBIC)
    options = {"lossless": True} if name == "WEBP" else {"quality": 98} if name == "JPEG" else {}
    data = file_of(soft, name, icc_profile=profile, **options)

    def read_srgb(jpeg: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
        with Image.open(io.BytesIO(jpeg)) as opened:
            own = opened.info.get("icc_profile")
            if own is None:
                return np.asarray(opened.convert("RGB"))
            converted = ImageCms.profileToProfile(
                opened, ImageCms.ImageCmsProfile(io.BytesIO(own)), ImageCms.createProfile("sRGB")
            )
            assert converted is not None
            return np.asarray(converted)

    before = read_srgb(data)
    for metadata in ("none", "copyright", "all"):
        jpeg = compress(data, metadata=metadata, quality=95, subsampling="444", strength=0)
        with Image.open(io.BytesIO(jpeg)) as opened:
            assert opened.info.get("icc_profile") == (profile if metadata == "all" else None)
        assert psnr(read_srgb(jpeg), before) > 33, metadata
    raw = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert psnr(raw, before) < 30  # without the profile the colours differ


def test_a_broken_profile_or_one_for_another_colour_model_is_not_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for data in (
        file_of(photo(), icc_profile=profile),
        file_of(photo(), icc_profile=b"nonsense" * 100),
        file_of(Image.fromarray(photo()).convert("CMYK"), "JPEG", icc_profile=display_p3()),
        file_of(photo()[..., 0], icc_profile=display_p3()),
    ):
        assert b"ICC_PROFILE" not in compress(data, metadata="all")


def test_a_large_profile_is_split_into_segments() -> None:
    profile = bytearray(display_p3())
    profile += bytes(200_000)
    profile[0:4] = len(profile).to_bytes(4, "big")
    jpeg = compress(file_of(photo(), icc_profile=bytes(profile)), metadata="all")
    assert jpeg.count(b"ICC_PROFILE\0") == 4
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.info["icc_profile"] == profile
