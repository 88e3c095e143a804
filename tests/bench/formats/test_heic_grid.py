"""A grid shows the pictures of a file as tiles, row by row."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.datasets.uploads import generate_photo
from bench.formats.decoders import decode_ours
from bench.formats.heic import WRITER, write_tiled
from tests.photos import psnr


@pytest.mark.skipif(shutil.which(WRITER) is None, reason="needs libheif's program")
def test_tiles_lie_in_their_order(tmp_path: Path) -> None:
    shown = decode_ours(write_tiled(tmp_path, 100, 90, 64))
    expected = np.asarray(generate_photo(128, 128, 1))[:90, :100]
    assert shown.shape == expected.shape
    assert psnr(shown, expected) > 25
