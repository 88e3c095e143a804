"""A worker reads the listed formats, and the error for other content names them."""

from contract.images import IMAGE_FORMATS, NOT_AN_IMAGE
from worker.image.confined.readers import MODULES
from worker.image.decode import READERS


def test_a_worker_has_a_reader_for_each_format() -> None:
    assert sorted(IMAGE_FORMATS) == sorted([*READERS, *MODULES, "JPEG"])


def test_the_error_for_other_content_names_each_format() -> None:
    assert all(name in NOT_AN_IMAGE.upper() for name in IMAGE_FORMATS)
