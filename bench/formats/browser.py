"""Chromium as an independent decoder: what a browser shows of a file."""

import base64
import shutil
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Error, Page, sync_playwright

ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--force-color-profile=srgb")
# Draws a file on white; returns a lossless PNG without a colour profile.
SCRIPT: Final = """async encoded => {
  const picture = new Image();
  picture.src = encoded;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  return canvas.toDataURL("image/png");
}"""


def find_chromium() -> str | None:
    """Return the path of the system's Chromium; None if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@cache
def open_page() -> Page:
    """Return an empty page of a browser that ends with this process."""
    browser = (
        sync_playwright()
        .start()
        .chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
    )
    return browser.new_page()


def show(path: Path) -> NDArray[np.uint8]:
    """Return what Chromium shows of a file on white: (height, width, 3) uint8 sRGB, upright.

    Raises:
        playwright.sync_api.Error: when Chromium can't show it.
    """
    encoded = base64.b64encode(path.read_bytes()).decode("ascii")
    # The type is a placeholder: Chromium detects the format by content.
    drawn: str = open_page().evaluate(SCRIPT, f"data:image/png;base64,{encoded}")
    kind, _, body = drawn.partition(",")
    if "png" not in kind:
        raise Error("too large for a canvas")
    with Image.open(BytesIO(base64.b64decode(body))) as picture:
        return np.asarray(picture.convert("RGB"))
