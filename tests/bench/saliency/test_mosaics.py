from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.saliency import mosaics
from model.training.photos import is_held


def paint(path: Path, colour: str = "red", size: tuple[int, int] = (60, 40)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def test_the_class_comes_from_the_list_or_the_name_or_the_folder(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "labels.tsv").write_text(
        "file\twnid\tclass_index\n1.jpg\tn00000001\t0\n2.jpg\tn00000002\t1\n"
    )
    (tmp_path / "numbered").mkdir()
    (tmp_path / "numbered" / "labels.tsv").write_text("file\tclass_index\n5.jpg\t7\n")
    listed = [paint(tmp_path / "flat" / f"{number}.jpg") for number in (1, 2)]
    named = paint(tmp_path / "sample" / "n00000001_tench.jpg")
    numbered = paint(tmp_path / "numbered" / "5.jpg")
    foldered = [paint(tmp_path / "deep" / "cup" / f"{number}.png") for number in (3, 4)]
    paint(tmp_path / "deep" / "BACKGROUND_Google" / "none.jpg")
    assert mosaics.find_classes(tmp_path, None) == {
        "7": [numbered],
        "cup": foldered,
        "n00000001": [listed[0], named],
        "n00000002": [listed[1]],
    }


def test_only_photos_of_the_fold_are_found(tmp_path: Path) -> None:
    for number in range(30):
        paint(tmp_path / "thing" / f"{number}.png", size=(2, 2))
    held = mosaics.find_classes(tmp_path, "held")["thing"]
    training = mosaics.find_classes(tmp_path, "training")["thing"]
    assert len(held) + len(training) == 30
    assert held
    assert all(is_held(path.name) for path in held)
    assert not any(is_held(path.name) for path in training)


def test_tiles_have_different_classes_and_a_smaller_count_gives_the_first_mosaics() -> None:
    classes = {
        name: [Path(name) / f"{number}.jpg" for number in range(9)] for name in "abcdefghijkl"
    }
    for side in (2, 3):
        planned = list(mosaics.plan_mosaics(classes, side, 20))
        assert len(planned) == 20
        assert len(set(planned)) == 20
        for paths in planned:
            assert len({path.parent for path in paths}) == side**2
        assert list(mosaics.plan_mosaics(classes, side, 5)) == planned[:5]
    with pytest.raises(ValueError, match="larger than population"):
        next(mosaics.plan_mosaics({"a": [Path("a")]}, 2, 1))


@pytest.mark.parametrize("side", [2, 3])
def test_each_box_is_in_the_middle_of_its_tile(tmp_path: Path, side: int) -> None:
    colours = [(25 * number, 255 - 25 * number, 0) for number in range(side**2)]
    paths = []
    for number, colour in enumerate(colours):
        # Both ends of the longer side are cut off.
        picture = Image.new("RGB", (60, 20) if number % 2 else (20, 60), "blue")
        picture.paste(colour, (20, 0, 40, 20) if number % 2 else (0, 20, 20, 40))
        paths.append(tmp_path / f"{number}.png")
        picture.save(paths[-1])
    mosaic = np.asarray(mosaics.draw_mosaic(paths, side))
    assert mosaic.shape == (480, 480, 3)
    tile_px = 480 // side
    for number, (x1, y1, x2, y2) in enumerate(mosaics.locate_objects(side)):
        row, column = divmod(number, side)
        assert (x1 + x2 + 1) / 2 == (column + 0.5) * tile_px
        assert (y1 + y2 + 1) / 2 == (row + 0.5) * tile_px
        assert x2 - x1 + 1 == y2 - y1 + 1 == round(0.6 * tile_px)
        assert (mosaic[y1 : y2 + 1, x1 : x2 + 1] == colours[number]).all()
