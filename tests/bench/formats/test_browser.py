"""Chromium as a decoder."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.formats.browser import find_chromium
from bench.formats.decoders import RefusedError
from bench.formats.processes import DecoderProcess
from bench.formats.profiles import make_profiles
from tests.photos import photo


@pytest.fixture(scope="module")
def process() -> Iterator[DecoderProcess]:
    if find_chromium() is None:
        pytest.skip("needs Chromium")
    process = DecoderProcess("Chromium")
    yield process
    process.stop()


def test_a_file_is_shown_on_white(process: DecoderProcess, tmp_path: Path) -> None:
    samples = np.dstack([photo(33, 21), np.full((21, 33), 255, np.uint8)])
    samples[:, :10, 3] = 0
    Image.fromarray(samples).save(tmp_path / "photo.png")
    shown = process.decode(tmp_path / "photo.png")
    assert (shown[:, :10] == 255).all()
    assert np.array_equal(shown[:, 10:], samples[:, 10:, :3])


def test_a_file_is_shown_upright_and_in_srgb(process: DecoderProcess, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (9, 8), (200, 100, 100)).save(
        tmp_path / "photo.png", exif=exif, icc_profile=make_profiles()["adobe"]
    )
    shown = process.decode(tmp_path / "photo.png")
    assert shown.shape == (9, 8, 3)
    assert shown[4, 4, 0] > 210


def test_a_refusal_has_a_reason(process: DecoderProcess, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    with pytest.raises(RefusedError, match=r"\w"):
        process.decode(tmp_path / "photo.png")
