"""Other programs open our AVIFs and show the same picture."""

import subprocess
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

import codec
from codec.avif.libaom import read_avif
from tests.codec.avif.pictures import soft_scene
from tests.codec.pictures import spot

PHOTO = soft_scene(130, 201)
SIZE = {"width": 201, "height": 130}
MOST_DIFFERENCE = 1.5  # of levels, in the mean: programs upsample chroma in different ways


@pytest.fixture(scope="module", params=["420", "444", "grey"])
def file(request: pytest.FixtureRequest) -> bytes:
    image = PHOTO[..., 1].copy() if request.param == "grey" else PHOTO
    subsampling = "420" if request.param == "grey" else request.param
    settings = codec.EncodeSettings(70, subsampling=subsampling, target="quality")
    metadata = codec.Metadata(xmp=b"<x:xmpmeta/>")
    return codec.encode_avif(image, spot(16, 25), settings, metadata=metadata).data


def difference(shown: NDArray[np.uint8], data: bytes) -> float:
    own = read_avif(data)
    if shown.ndim == 2 or shown.shape[2] == 1:
        shown = np.repeat(shown.reshape(*shown.shape[:2], 1), 3, -1)
    assert shown.shape[:2] == own.shape[:2]
    return float(np.abs(shown[..., :3].astype(int) - own).mean())


def test_libavif_by_imagecodecs(file: bytes) -> None:
    assert difference(imagecodecs.avif_decode(file), file) < MOST_DIFFERENCE


def test_libvips(file: bytes) -> None:
    pyvips = pytest.importorskip("pyvips", exc_type=(ImportError, OSError))
    picture = pyvips.Image.new_from_buffer(file, "")
    assert (picture.width, picture.height) == (SIZE["width"], SIZE["height"])
    assert difference(picture.numpy(), file) < MOST_DIFFERENCE


def test_ffmpeg(file: bytes, tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    path = tmp_path / "a.avif"
    path.write_bytes(file)
    command = [ffmpeg, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    shown = subprocess.run(command, capture_output=True, check=True).stdout
    pixels = np.frombuffer(shown, np.uint8).reshape(SIZE["height"], SIZE["width"], 3)
    assert difference(pixels, file) < 3  # FFmpeg's conversion to RGB is coarse
