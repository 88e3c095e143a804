"""Sizes of strips, tiles and their units."""

from tests.worker.image.formats.tiff.tiff_files import SHORT, layout_of, shape_tags


def test_rows_are_filled_up_to_bytes() -> None:
    layout = layout_of(shape_tags(11, 5, bits=12, samples=3, photometric=2))
    assert layout.stored_bytes(5, 11) == 5 * 50
    layout = layout_of(shape_tags(11, 5, bits=1))
    assert layout.stored_bytes(5, 11) == 10


def test_planes_have_one_sample() -> None:
    layout = layout_of(shape_tags(11, 5, samples=3, photometric=2) | {284: 2})
    assert layout.segment_samples == 1
    assert layout.stored_bytes(5, 11) == 55


def test_units_of_subsampled_chroma() -> None:
    tags = shape_tags(11, 5, samples=3, photometric=6) | {530: (SHORT, [4, 2])}
    layout = layout_of(tags)
    assert layout.has_units
    assert layout.stored_bytes(5, 11) == 3 * 3 * 10
    assert layout.plane_subsampling(1) == (1, 1)
    layout = layout_of(tags | {284: 2})
    assert not layout.has_units
    assert [layout.plane_subsampling(plane) for plane in (0, 1, 2)] == [(1, 1), (4, 2), (4, 2)]


def test_types_of_scaled_samples() -> None:
    for bits, name in ((1, "uint8"), (8, "uint8"), (9, "uint16"), (17, "float32"), (64, "float32")):
        assert layout_of(shape_tags(1, 1, bits=bits)).dtype.__name__ == name
    assert layout_of(shape_tags(1, 1, bits=16) | {339: 3}).dtype.__name__ == "float32"
