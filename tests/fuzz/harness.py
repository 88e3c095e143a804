"""The fuzz target: reads an upload like the front end and the worker."""

import numpy as np

from contract.errors import ClientError
from contract.image_headers.read import check_size, read_header
from contract.image_headers.steps import TooManyStepsError
from contract.messages import Options
from worker.image.decode import decode

MAX_PIXELS = 400_000
# Chosen by the file's length, so that an input has the same options in every run.
OPTIONS = (
    Options(),
    Options(metadata="all"),
    Options(metadata="copyright", width=40),
    Options(height=7),
    Options(width=20, height=30, fit="cover"),
)


def read_upload(data: bytes) -> str:
    """Return the outcome of reading ``data``: "decoded", "transcodable" or the error's code.

    Raises:
        AssertionError: front end and worker disagree.
        Exception: any error that is not the client's.
    """
    try:
        header = read_header(data)
        check_size(header, MAX_PIXELS)
    except TooManyStepsError:
        return "corrupt-image"
    except ClientError as error:
        return error.code
    options = OPTIONS[len(data) % len(OPTIONS)]
    try:
        photo = decode(data, MAX_PIXELS, options, lambda width, height: (height, width))
    except ClientError as error:
        return error.code
    if options.width is None and options.height is None:
        assert set(photo.size_px) == {header.width_px, header.height_px}
    assert photo.image.mode in {"RGB", "L"}
    assert photo.image.width * photo.image.height <= MAX_PIXELS
    if photo.source is None:
        return "decoded"
    assert all(np.abs(plane.astype(np.int32)).max() < 2**15 for plane in photo.source.qcoefs)
    return "transcodable"
