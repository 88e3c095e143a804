"""The fuzz target: probe, decode and read an upload as the front end and the worker do."""

import numpy as np

from app.service.probe import probe
from codec import UnreadableSourceError, apply_orientation, read_source
from contract.errors import ClientError
from contract.messages import Options
from worker.image.decode import decode

MAX_PIXELS = 400_000
# By the file's length, so that an input means the same in every run.
OPTIONS = (
    Options(),
    Options(metadata="all"),
    Options(metadata="copyright", width=40),
    Options(height=7),
)


def look_at(data: bytes) -> str:
    """Return what became of ``data``: "probed", "decoded" or the code of the error.

    Raises whatever isn't an error of ours, and AssertionError where both sides disagree.
    """
    try:
        probed = probe(data, MAX_PIXELS)
    except ClientError as error:
        return error.code
    options = OPTIONS[len(data) % len(OPTIONS)]
    try:
        photo = decode(data, MAX_PIXELS, options)
    except ClientError as error:
        return error.code
    sides = {photo.image.width, photo.image.height}
    if options.width is None and options.height is None:
        assert sides == {probed.width_px, probed.height_px}
    assert photo.image.mode in {"RGB", "L"}
    assert photo.image.width * photo.image.height <= MAX_PIXELS
    if photo.orientation is None:
        return "decoded"
    try:
        source = apply_orientation(read_source(data), photo.orientation)
    except UnreadableSourceError:
        return "decoded"
    assert all(np.abs(plane.astype(np.int32)).max() < 2**15 for plane in source.qcoefs)
    return "transcodable"
