"""The teacher for text finds writing; skipped where its package is not installed."""

import importlib.util

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model.training.labels import text
from model.training.labels.text import PACKAGE, SIDE_PX, STRIDE_PX, TextDetector, pool_cells
from tests.photos import photo

needs_package = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None, reason=f"{PACKAGE} is not installed"
)


@needs_package
def test_writing_is_found_where_it_is() -> None:
    image = Image.fromarray(photo(600, 400, 1)).convert("RGB")
    drawing = ImageDraw.Draw(image)
    drawing.rectangle((300, 200, 590, 390), "white")
    drawing.text((320, 250), "EXIT 42", "black", font_size=60)
    found = TextDetector().find(image)
    height, width = found.shape
    assert max(found.shape) <= SIDE_PX + STRIDE_PX
    assert height % STRIDE_PX == width % STRIDE_PX == 0
    assert found[height // 2 :, width // 2 :].mean() > 0.05
    assert found[: height // 2].mean() < 0.01


@needs_package
@pytest.mark.parametrize("size", [(1, 1), (1, 900), (33, 31)])
def test_odd_sizes_are_searched(size: tuple[int, int]) -> None:
    assert not TextDetector().find(Image.new("RGB", size, "grey")).any()


def test_without_the_package_there_is_no_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "PACKAGE", "no_such_package")
    with pytest.raises(RuntimeError, match="no_such_package is not installed"):
        TextDetector()


def test_cells_have_the_share_of_text_in_them() -> None:
    found = np.zeros((40, 80), bool)
    found[:4, :4] = True  # half of the first cell's height and width
    cells = pool_cells(found, 10)
    assert cells.shape == (10, 10)
    assert cells[0, 0] == 128
    assert cells.sum() == 128
