"""A contact sheet: photos, each beside its saliency maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from model import Predictor

SHOWN: Final = ("foveate_weak", "foveate")
TILE_PX: Final = 200
STRIP_PX: Final = (1 + len(SHOWN)) * TILE_PX
STRIPS_PER_ROW: Final = 3
LABEL_PX: Final = 14


def draw_sheet(paths: Sequence[Path], out: Path, predictors: Mapping[str, Predictor]) -> None:
    """Write one JPEG with photos (at least one) and, to the right of each, its maps.

    The first row names the columns. Each photo's file name is below it.
    """
    strips = [draw_strip(path, predictors) for path in paths]
    rows = [strips[i : i + STRIPS_PER_ROW] for i in range(0, len(strips), STRIPS_PER_ROW)]
    heights = [max(strip.height for strip in row) for row in rows]
    sheet = Image.new("RGB", (len(rows[0]) * STRIP_PX, LABEL_PX + sum(heights)), "white")
    labels = ImageDraw.Draw(sheet)
    for tile in range(sheet.width // TILE_PX):
        label = ("photo", *SHOWN)[tile % (1 + len(SHOWN))]
        labels.text((tile * TILE_PX + 4, 1), label, "black")
    top = LABEL_PX
    for row, height in zip(rows, heights, strict=True):
        for index, strip in enumerate(row):
            sheet.paste(strip, (index * STRIP_PX, top))
        top += height
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, quality=80, optimize=True)


def draw_strip(path: Path, predictors: Mapping[str, Predictor]) -> Image.Image:
    """Return a photo, within `TILE_PX` by `TILE_PX`, its maps at the same size, and its name."""
    with Image.open(path) as opened:
        photo = ImageOps.exif_transpose(opened).convert("RGB")
    chosen = {name: predictors[name] for name in SHOWN}
    maps = {name: own.predict([own.prepare(photo)])[0].saliency for name, own in chosen.items()}
    photo.thumbnail((TILE_PX, TILE_PX))
    strip = Image.new("RGB", (STRIP_PX, photo.height + LABEL_PX), "white")
    strip.paste(photo, (0, 0))
    for column, name in enumerate(SHOWN, 1):
        grey = Image.fromarray(np.uint8(maps[name] * 255))
        strip.paste(grey.resize(photo.size, Image.Resampling.BICUBIC), (column * TILE_PX, 0))
    ImageDraw.Draw(strip).text((4, photo.height + 1), path.stem, "black")
    return strip
