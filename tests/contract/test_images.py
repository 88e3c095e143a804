"""Pillow reads the listed formats, and the error for other content names them."""

from PIL import Image

from contract.images import IMAGE_FORMATS, NOT_AN_IMAGE


def test_pillow_has_a_reader_for_each_format() -> None:
    Image.init()
    assert set(IMAGE_FORMATS) <= set(Image.OPEN)


def test_the_error_for_other_content_names_each_format() -> None:
    assert all(name in NOT_AN_IMAGE.upper() for name in IMAGE_FORMATS)
