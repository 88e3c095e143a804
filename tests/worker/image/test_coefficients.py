"""A JPEG's coefficients are used only if they show the same picture as its pixels."""

from tests.photos import file_of, photo
from worker.image.coefficients import read_upright

PIXELS = photo()
SIZE_PX = PIXELS.shape[1::-1]


def test_coefficients_that_do_not_fit_the_pixels_are_not_used() -> None:
    data = file_of(PIXELS, "JPEG", quality=50)
    assert read_upright(data, 1, SIZE_PX) is not None
    assert read_upright(data[:-40], 1, SIZE_PX) is None
    assert read_upright(data, 1, (SIZE_PX[0], SIZE_PX[1] - 1)) is None
    # 120 rows are seven and a half MCUs of 4:2:0, so the padding would come first.
    assert read_upright(file_of(PIXELS, "JPEG", subsampling="4:2:0"), 4, SIZE_PX) is None
