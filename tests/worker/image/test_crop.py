"""What `fit=cover` keeps: exactly the sides, the right place, of any format and orientation."""

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import codec
from contract.messages import Fit, Options
from tests.photos import file_of, photo
from worker.image.crop import crop_map, crop_photo, move_to_corner
from worker.image.decode import Photo, decode
from worker.image.regions import ClassMaps
from worker.image.window import Window

LIMIT_PX = 10_000_000
NOTHING = ClassMaps((), np.zeros(0, np.float32), np.zeros((0, 6, 8), np.float32))


def make_map(x: float, y: float, rows: int = 12, columns: int = 16) -> np.ndarray:
    """Return a map that is highest at a point, in shares of the sides."""
    down, across = np.mgrid[0:rows, 0:columns]
    distance = np.hypot((across + 0.5) / columns - x, (down + 0.5) / rows - y)
    return np.exp(-((distance / 0.15) ** 2)).astype(np.float32)


def open_upload(data: bytes, width: int, height: int) -> Photo:
    options = Options(width=width, height=height, fit="cover")
    return decode(data, LIMIT_PX, options, lambda *_: (96, 128))


def show(found: codec.Source | None, pixels: np.ndarray | None) -> np.ndarray:
    if found is not None:
        return codec.render(found)
    assert pixels is not None
    return pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("gravity", ["smart", "west", "0.71,0.5"])
@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_the_window_is_that_of_the_upright_photo(name: str, gravity: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": "4:4:4"} if name == "JPEG" else {}
    data = file_of(photo(192, 128), name, exif=exif, **options)
    whole = decode(data, LIMIT_PX, Options())
    upright = np.asarray(whole.image)
    size = upright.shape[1], upright.shape[0]
    opened = open_upload(data, 60, size[1])  # no scaling: as high as the photo
    assert opened.crop_px == (60, size[1])
    assert (opened.source is not None) == (name == "JPEG")
    pixels = None if opened.source else np.asarray(opened.image)
    found = crop_photo(
        pixels, opened.source, make_map(0.71, 0.5), NOTHING, opened.crop_px, gravity=gravity
    )
    window = found.window
    part = upright[window.top : window.top + window.height, window.left : window.left + 60]
    assert part.shape[:2] == (size[1], 60)
    shown = show(found.source, found.pixels).astype(int)
    assert np.abs(shown - part).max() <= 3  # rounding of two decoders
    middle = 0 if gravity == "west" else 0.71 * size[0] - 30
    assert abs(window.left - middle) <= (8 if gravity == "smart" else 0.5)
    # A named place is exact; only the map's choice moves to the blocks.
    assert (found.source is not None) == (name == "JPEG" and gravity != "0.71,0.5")


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("left", [0, 3, 16, 40, 99])
def test_pixels_of_a_jpeg_are_those_of_its_decoded_file(subsampling: str, left: int) -> None:
    data = file_of(photo(160, 96), "JPEG", quality=90, subsampling=subsampling)
    source = codec.read_source(data)
    decoded = codec.render(source)
    point = f"{(left + 30.5) / 160:.6f},0"
    found = crop_photo(None, source, make_map(0.5, 0.5), NOTHING, (61, 96), gravity=point)
    assert found.window == Window(left, 0, 61, 96)
    is_on_grid = left % (8 * source.horizontal) == 0
    assert (found.source is not None) == is_on_grid
    shown = show(found.source, found.pixels)
    edge = 1 if is_on_grid and subsampling != "4:4:4" else 0
    assert np.array_equal(shown[:, edge : 61 - edge], decoded[:, left + edge : left + 61 - edge])


def test_a_window_moves_no_further_than_a_cell_of_the_map() -> None:
    source = codec.read_source(file_of(photo(160, 96), "JPEG", subsampling="4:2:0"))
    fine, coarse = make_map(0.53, 0.5, 48, 80), make_map(0.53, 0.5, 6, 10)
    found = crop_photo(None, source, fine, NOTHING, (60, 96), gravity="smart")
    assert found.window.left % 16
    assert found.source is None
    found = crop_photo(None, source, coarse, NOTHING, (60, 96), gravity="smart")
    assert found.window.left % 16 == 0
    assert found.source is not None


@pytest.mark.parametrize(("name", "left"), [("face", 60), ("dog", 50)])
def test_the_window_is_moved_to_hold_a_face(name: str, left: int) -> None:
    pixels = photo(160, 96)
    place = np.full((6, 10), 1e-3, np.float32)
    place[2, 6] = 1
    classes = ClassMaps((name,), np.array([0.9], np.float32), (place / place.mean())[None])
    saliency = np.full((12, 20), 0.01, np.float32)
    saliency[4:8, 9:11] = 1  # 72 to 88
    found = crop_photo(pixels, None, saliency, classes, (60, 96), gravity="smart")
    # Without a face, the middle. The face ends at 112, a cell further is 120.
    assert left <= found.window.left <= left + 8
    # A named place stays.
    found = crop_photo(pixels, None, saliency, classes, (60, 96), gravity="west")
    assert found.window.left == 0


def test_the_nearest_corner_is_one_from_which_the_window_is_inside() -> None:
    source = codec.read_source(file_of(photo(100, 40), "JPEG", subsampling="4:2:0"))
    for left, expected in ((0, 0), (7, 0), (8, 16), (39, 32), (40, 32)):
        moved = move_to_corner(Window(left, 0, 60, 40), source)
        assert moved == Window(expected, 0, 60, 40)


def test_the_map_is_cut_with_the_photo() -> None:
    saliency = np.tile(np.linspace(0, 1, 20, dtype=np.float32), (10, 1))
    part = crop_map(saliency, (200, 100), Window(60, 0, 80, 100))
    assert np.allclose(part, saliency[:, 6:14], atol=1e-6)
    assert part.flags.writeable
    between = crop_map(saliency, (200, 100), Window(65, 10, 80, 50))
    assert between.shape == (5, 8)
    assert np.allclose(between, (saliency[1:6, 6:14] + saliency[1:6, 7:15]) / 2, atol=0.01)


@pytest.mark.parametrize("photo_px", [(1, 5000), (5000, 1), (1, 1), (7, 3), (200, 150)])
@pytest.mark.parametrize(
    "wanted_px", [(1, 1), (10, 10), (1, 65_500), (65_500, 1), (65_500, 65_500), (3, 2)]
)
@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_any_sides_of_any_photo(
    name: str, wanted_px: tuple[int, int], photo_px: tuple[int, int]
) -> None:
    opened = open_upload(file_of(photo(*photo_px), name), *wanted_px)
    if opened.crop_px is None:
        size = opened.size_px
    else:
        pixels = None if opened.source else np.asarray(opened.image)
        for gravity in ("smart", "southeast"):
            found = crop_photo(
                pixels, opened.source, make_map(0.8, 0.8), NOTHING, opened.crop_px, gravity=gravity
            )
            height, width = show(found.source, found.pixels).shape[:2]
            size = width, height
            assert size == opened.crop_px
            assert min(found.saliency.shape) >= 1
            assert np.isfinite(found.saliency).all()
    if all(wanted <= own for wanted, own in zip(wanted_px, photo_px, strict=True)):
        assert size == wanted_px
    assert all(own <= side for own, side in zip(size, photo_px, strict=True))


@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_places_in_metadata_do_not_outlive_a_crop(name: str) -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:a="urn:a" a:b="kept">'
        b"<MP:RegionInfo>a face</MP:RegionInfo></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    if name == "JPEG":
        data = file_of(photo(160, 120), name, xmp=packet)
    else:
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        data = file_of(photo(160, 120), name, pnginfo=info)
    cases: list[tuple[Fit, tuple[int, int], bool]] = [
        ("inside", (80, 60), True),
        ("cover", (80, 60), True),
        ("cover", (60, 60), False),
        ("cover", (900, 900), False),
    ]
    for fit, sides, is_kept in cases:
        options = Options(width=sides[0], height=sides[1], fit=fit, metadata="all")
        segments = decode(data, LIMIT_PX, options, lambda *_: (96, 128)).segments
        assert b"kept" in segments
        assert (b"a face" in segments) == is_kept, (fit, sides)
