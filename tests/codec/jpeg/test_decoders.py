"""Files of every kind of image and option open without a warning in Pillow, ffmpeg, djpeg and Chromium."""

import base64
import html
import io
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg.encode import encode
from codec.settings import EncodeSettings
from tests.codec.pictures import noise, scene, sky, spot, text
from tests.photos import standard_jpeg

SIZES = [(1, 1), (7, 9), (9, 7), (17, 1), (1, 33), (257, 17), (17, 257), (64, 48)]
KINDS = {
    "photo": scene(121, 150),
    "noise": noise(121, 150),
    "flat": np.full((121, 150, 3), (200, 30, 90), np.uint8),
    "white": np.full((121, 150, 3), 255, np.uint8),
    "text": text(121, 150),
    "coloured": text(121, 150, (230, 20, 20), (20, 20, 200)),
    "gradient": sky(121, 150),
}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# The widest canvas that Chromium draws; it shows wider images all the same.
WIDEST_CANVAS_PX = 32767


@dataclass(frozen=True)
class File:
    """One file and the image that it shows."""

    path: Path
    image: NDArray[np.uint8]
    settings: EncodeSettings


def list_cases() -> dict[str, tuple[NDArray[np.uint8], dict[str, Any]]]:
    """Return images with options by name: every kind of both, but not every combination."""
    cases: dict[str, tuple[NDArray[np.uint8], dict[str, Any]]] = {}
    for kind, image in KINDS.items():
        for scan in ("baseline", "progressive"):
            options: dict[str, Any] = {"quality": 70, "progressive": scan == "progressive"}
            cases[f"{kind}-grey-{scan}"] = (np.ascontiguousarray(image[..., 0]), options)
            for subsampling in ("auto", "420", "444"):
                options = {**options, "subsampling": subsampling}
                cases[f"{kind}-{subsampling}-{scan}"] = (image, options)
    for number, (height, width) in enumerate(SIZES):
        for i, subsampling in enumerate(("420", "444")):
            options = {"subsampling": subsampling, "progressive": number % 2 == i}
            cases[f"{height}x{width}-{subsampling}"] = (scene(height, width), options)
        grey = scene(height, width)[..., 0]
        cases[f"{height}x{width}-grey"] = (grey, {"progressive": number % 2 == 0})
    strip = np.tile(scene(10, 655), (1, 100, 1))
    cases["10x65500"] = (strip, {"progressive": True})
    cases["65500x10"] = (np.ascontiguousarray(strip.swapaxes(0, 1)), {"subsampling": "420"})
    for name, options in {
        "finest": {"quality": 100},
        "coarsest": {"quality": 1, "progressive": True},
        "quality": {"target": "quality", "progressive": True},
        "max-bytes": {"max_bytes": 1500},
        "strongest": {"strength": 1.0, "subsampling": "444"},
    }.items():
        cases[f"photo-{name}"] = (KINDS["photo"], options)
        cases[f"text-{name}"] = (KINDS["text"], options)
    return cases


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[File]:
    folder = tmp_path_factory.mktemp("files")
    files = []
    for name, (image, options) in list_cases().items():
        settings = EncodeSettings(**options)
        path = folder / f"{name}.jpg"
        path.write_bytes(encode(image, spot(10, 12), settings).jpeg)
        files.append(File(path, image, settings))
    return files


def read(data: bytes) -> NDArray[np.float64]:
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("L"), np.float64)


def rms_error(data: bytes, image: NDArray[np.uint8]) -> float:
    original = np.asarray(Image.fromarray(image).convert("L"), np.float64)
    return float(np.sqrt(((read(data) - original) ** 2).mean()))


def test_pillow_opens_every_file_and_shows_the_image(written: list[File]) -> None:
    for file in written:
        with Image.open(file.path) as opened:
            opened.load()
            assert opened.size == file.image.shape[1::-1], file.path.name
            assert opened.mode == ("L" if file.image.ndim == 2 else "RGB"), file.path.name
            assert ("progressive" in opened.info) == file.settings.progressive, file.path.name
        if file.settings.max_bytes is None:
            own = rms_error(file.path.read_bytes(), file.image)
            # Noise at 4:4:4 has twice as many samples as the 4:2:0 reference for the same bytes.
            reference = standard_jpeg(file.image, file.settings.quality)
            assert own < 2.0 * rms_error(reference, file.image) + 3, file.path.name


def test_ffmpeg_opens_every_file_without_a_warning(written: list[File]) -> None:
    # One process for all files; only a failure is searched file by file.
    if run_ffmpeg(written) != (0, ""):
        for file in written:
            assert run_ffmpeg([file]) == (0, ""), file.path.name


def run_ffmpeg(files: list[File]) -> tuple[int, str]:
    inputs = [argument for file in files for argument in ("-i", str(file.path))]
    maps = [argument for i in range(len(files)) for argument in ("-map", str(i))]
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    command = [ffmpeg, "-v", "warning", "-xerror", *inputs, *maps, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr


@pytest.mark.skipif(shutil.which("djpeg") is None, reason="djpeg is not on PATH")
def test_djpeg_opens_every_file_without_a_warning(written: list[File]) -> None:
    for file in written:
        done = subprocess.run(["djpeg", file.path], capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b""), file.path.name
        decoded = np.abs(read(done.stdout) - read(file.path.read_bytes()))
        assert decoded.mean() < 1, file.path.name


# Writes for each image its size, 0 where it can't be shown, and the means of its samples.
SCRIPT = """<pre id="found">not done</pre><script>
function look(picture) {
  const width = picture.naturalWidth, height = picture.naturalHeight;
  if (width == 0 || Math.max(width, height) > %d) return [width, height, null];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const samples = context.getImageData(0, 0, width, height).data, sums = [0, 0, 0];
  for (let i = 0; i < samples.length; i++) if (i %% 4 < 3) sums[i %% 4] += samples[i];
  return [width, height, sums.map(sum => sum / width / height)];
}
addEventListener("load", () => {
  const found = Array.from(document.images, look);
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_chromium_shows_every_file(written: list[File], tmp_path: Path) -> None:
    # Data URLs, because a page can't read the samples of files beside it.
    encoded = [base64.b64encode(file.path.read_bytes()).decode() for file in written]
    pictures = "".join(f'<img src="data:image/jpeg;base64,{data}">' for data in encoded)
    page = tmp_path / "page.html"
    page.write_text("<!doctype html>" + pictures + SCRIPT % WIDEST_CANVAS_PX, encoding="utf-8")
    command = [
        str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", "--force-color-profile=srgb",
        f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
        page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    dumped = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert dumped, done.stderr[-2000:]
    found = json.loads(html.unescape(dumped[1]))
    assert len(found) == len(written)
    for file, seen in zip(written, found, strict=True):
        assert seen[:2] == list(file.image.shape[1::-1]), (file.path.name, seen)
        if seen[2] is not None:
            with Image.open(file.path) as opened:
                means = np.asarray(opened.convert("RGB"), np.float64).mean(axis=(0, 1))
            assert np.abs(np.array(seen[2]) - means).max() < 2, (file.path.name, seen, means)
