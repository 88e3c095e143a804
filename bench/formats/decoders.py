"""Decoders that are compared: ours and independent ones, each to upright 8-bit sRGB on white."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import ImageCms
from playwright.sync_api import Error as BrowserError

from bench.formats import browser
from contract.errors import FoveateError
from contract.images import DEFAULT_MAX_PIXELS
from contract.messages import Options
from worker.image.decode import decode

Pixels = NDArray[np.uint8]

# Version 7, or version 6 as Debian names it.
MAGICK: Final = shutil.which("magick") or "convert-im6.q16"
PROGRAM_TIMEOUT_S: Final = 60
# Formats whose pictures may be smaller than their screen.
FRAMED: Final = (b"GIF8", b"RIFF")
ADDRESS: Final = re.compile(" @ 0x[0-9a-f]+")


class RefusedError(Exception):
    """A decoder refuses a file; the message is its reason."""


def decode_ours(path: Path) -> Pixels:
    """Return what Foveate makes of a file at default options.

    Raises:
        RefusedError: with status and text of the error that the client gets.
    """
    try:
        photo = decode(path.read_bytes(), DEFAULT_MAX_PIXELS, Options())
    except FoveateError as error:
        raise RefusedError(f"{error.status} {error.detail}") from error
    return np.asarray(photo.image.convert("RGB"))


def decode_vips(path: Path) -> Pixels:
    """Return what libvips makes of a file, by its profile and orientation.

    Raises:
        RefusedError: when libvips can't read it, or finds it truncated.
    """
    try:
        image = pyvips.Image.new_from_file(str(path), fail_on="truncated").autorot()
        image = to_srgb(image).cast("uchar")
        if image.hasalpha():
            image = image.flatten(background=[255, 255, 255])
        return np.asarray(image.colourspace("srgb").numpy()[..., :3])
    except pyvips.Error as error:
        raise RefusedError(list_lines(str(error))[-1]) from error


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Return a picture in sRGB; a profile that does not fit is ignored, as in browsers."""
    if image.get_typeof("icc-profile-data"):
        try:
            converted = image.icc_transform(
                "srgb", embedded=True, intent="relative", black_point_compensation=True, depth=8
            )
            return converted.copy_memory()
        except pyvips.Error:
            pass
    return image.colourspace("srgb")


def decode_magick(path: Path) -> Pixels:
    """Return what ImageMagick makes of a file's first picture, by its profile and orientation.

    Raises:
        RefusedError: when ImageMagick reports an error.
    """
    with path.open("rb") as file:
        framed = file.read(4) in FRAMED
    output = run_program(
        [
            *(MAGICK, "-limit", "memory", "1GiB", "-limit", "map", "1GiB", f"{path}[0]"),
            *(("-background", "white", "-flatten") if framed else ()),
            *("-auto-orient", "-intent", "relative", "-black-point-compensation"),
            *("-profile", srgb_file(), "-colorspace", "sRGB", "-background", "white"),
            *("-alpha", "remove", "-strip", "-depth", "8", "ppm:-"),
        ]
    )
    # The header is "P6", size and full scale, divided by white space.
    fields = output.split(None, 4)
    if len(fields) < 4 or fields[0] != b"P6":
        raise RefusedError("no picture")
    width_px, height_px = int(fields[1]), int(fields[2])
    size_bytes = 3 * width_px * height_px
    return np.frombuffer(output[-size_bytes:], np.uint8).reshape(height_px, width_px, 3)


def decode_ffmpeg(path: Path) -> Pixels:
    """Return what FFmpeg makes of a file's first picture; it converts no profiles.

    Raises:
        RefusedError: when FFmpeg reports an error.
    """
    output = run_program(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", f"file:{path}"),
            *("-frames:v", "1", "-f", "image2pipe", "-c:v", "pam", "-pix_fmt", "rgba", "-"),
        ]
    )
    head, end, body = output.partition(b"ENDHDR\n")
    if not end:
        raise RefusedError("no picture")
    fields = dict(line.split(None, 1) for line in head.splitlines() if b" " in line)
    height_px, width_px = int(fields[b"HEIGHT"]), int(fields[b"WIDTH"])
    samples = np.frombuffer(body, np.uint8, 4 * height_px * width_px)
    samples = samples.reshape(height_px, width_px, 4)
    alpha = samples[..., 3:].astype(np.uint16)
    blended = (samples[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return blended.astype(np.uint8)


def decode_libheif(path: Path) -> Pixels:
    """Return what libheif's program makes of a HEIC or AVIF file, by its profile.

    Raises:
        RefusedError: when the program is missing or reports an error.
    """
    with tempfile.TemporaryDirectory(prefix="foveate-") as folder:
        run_program(["heif-convert", str(path), f"{folder}/shown.png"])
        # A file with several pictures becomes several: the first one, by number, counts.
        shown = min(Path(folder).glob("*.png"), default=path)
        try:
            return decode_vips(shown)
        except RefusedError as error:
            raise RefusedError(str(error).replace(f"{shown.parent}/", "")) from error


def decode_chromium(path: Path) -> Pixels:
    """Return what Chromium shows of a file; it reads the formats of the web only.

    Raises:
        RefusedError: when Chromium is missing or can't show it.
    """
    if browser.find_chromium() is None:
        raise RefusedError("is not installed")
    try:
        return browser.show(path)
    except BrowserError as error:
        raise RefusedError(list_lines(str(error))[0]) from error


def run_program(command: Sequence[str]) -> bytes:
    """Return a program's output.

    Raises:
        RefusedError: when it fails or takes too long.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise RefusedError("too slow") from error
    except FileNotFoundError as error:
        raise RefusedError("is not installed") from error
    if done.returncode != 0:
        raise RefusedError(list_lines(done.stderr.decode("utf-8", "replace"))[0])
    return done.stdout


@cache
def srgb_file() -> str:
    """Return the path of an sRGB profile, which lives as long as the process."""
    handle, name = tempfile.mkstemp(suffix=".icc", prefix="foveate-")
    with os.fdopen(handle, "wb") as file:
        file.write(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return name


def list_lines(text: str) -> list[str]:
    """Return the lines of a message, at least one, without addresses of memory."""
    lines = [ADDRESS.sub("", line.strip()) for line in text.splitlines() if line.strip()]
    return lines or ["no reason"]


DECODERS: Final[dict[str, Callable[[Path], Pixels]]] = {
    "ours": decode_ours,
    "libvips": decode_vips,
    "ImageMagick": decode_magick,
    "FFmpeg": decode_ffmpeg,
    "libheif": decode_libheif,
    "Chromium": decode_chromium,
}


def describe_decoders() -> dict[str, str]:
    """Return the versions of the independent decoders.

    Raises:
        RefusedError: when ImageMagick is missing.
    """
    magick = run_program([MAGICK, "-version"]).decode().split("\n", 1)[0]
    chromium = browser.find_chromium()
    return {
        "libvips": ".".join(str(pyvips.version(part)) for part in range(3)),
        "ImageMagick": magick.removeprefix("Version: ImageMagick ").split(" ", 1)[0],
        "FFmpeg": imageio_ffmpeg.get_ffmpeg_version(),
        "Chromium": run_program([chromium, "--version"]).decode().split()[1]
        if chromium
        else "none",
    }
