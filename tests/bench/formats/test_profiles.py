import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.formats import profiles

MADE = {**profiles.make_profiles(), **profiles.make_grey_profiles()}


@pytest.mark.parametrize("name", MADE)
def test_little_cms_reads_the_profile(name: str) -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(MADE[name])).profile
    assert profile.xcolor_space == ("GRAY" if name.startswith("grey") else "RGB ")


def test_the_display_p3_profile_widens_colours() -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(MADE["p3"]))
    image = Image.new("RGB", (1, 1), (200, 100, 100))
    shown = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))
    assert shown is not None
    # CSS Color 4: color(display-p3 0.784 0.392 0.392) is rgb(215, 94, 97).
    assert np.abs(np.asarray(shown)[0, 0].astype(int) - (215, 94, 97)).max() <= 2


def test_the_cmyk_profile_is_one() -> None:
    assert profiles.make_cmyk_profile()[16:20] == b"CMYK"
