"""The process writes the file that Pillow writes in any other, and says if it can't."""

import io

import numpy as np
import pytest
from PIL import Image

from codec.jpeg2000.layered import run_openjpeg
from tests.photos import photo
from worker.image.confined.openjpeg import encode, pack

PIXELS = photo(60, 44)


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[..., 0], PIXELS[:, ::2]])
def test_the_file_is_that_of_this_process(pixels: np.ndarray) -> None:
    psnrs = [30.0, 40.0, 0.0]

    def run(image: np.ndarray, options: dict[str, object]) -> bytes:
        return encode(pack(image, options))

    assert run_openjpeg(pixels, psnrs, run=run) == run_openjpeg(pixels, psnrs)


def test_a_photo_that_can_t_be_encoded_gives_an_empty_file() -> None:
    options = {"format": "JPEG2000", "num_resolutions": 30}
    with pytest.raises(OSError, match="broken data stream"):
        Image.fromarray(PIXELS).save(io.BytesIO(), **options)
    assert encode(pack(PIXELS, options)) == b""
