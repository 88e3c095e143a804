"""One picture of photos, each beside its saliency map: what no figure shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from model import Predictor

SHEET_COLUMNS: Final = 3
SHEET_PHOTO_PX: Final = 240


def draw_sheet(folder: Path, out: Path, stems: Sequence[str] | None) -> None:
    """Write one JPEG with photos and, to the right of each, its map."""
    chosen = sorted(path for path in folder.iterdir() if not stems or path.stem in stems)
    predictor = Predictor()
    tiles = []
    for path in chosen:
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        saliency = predictor.predict([predictor.prepare(photo)])[0]
        photo.thumbnail((SHEET_PHOTO_PX, SHEET_PHOTO_PX))
        grey = Image.fromarray(np.uint8(saliency * 255))
        tile = Image.new("RGB", (2 * SHEET_PHOTO_PX, SHEET_PHOTO_PX), "white")
        tile.paste(photo, (SHEET_PHOTO_PX - photo.width, 0))
        tile.paste(grey.resize(photo.size, Image.Resampling.BICUBIC), (SHEET_PHOTO_PX, 0))
        ImageDraw.Draw(tile).text((4, SHEET_PHOTO_PX - 14), path.stem, "black")
        tiles.append(tile)
    rows = -(-len(tiles) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * 2 * SHEET_PHOTO_PX, rows * SHEET_PHOTO_PX), "white")
    for index, tile in enumerate(tiles):
        row, column = divmod(index, SHEET_COLUMNS)
        sheet.paste(tile, (column * 2 * SHEET_PHOTO_PX, row * SHEET_PHOTO_PX))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, quality=80, optimize=True)
