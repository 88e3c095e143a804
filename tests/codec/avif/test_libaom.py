"""Calls of libaom: threads, files, metadata."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.avif.libaom import NO_METADATA, Metadata, count_added_bytes, read_avif, write_avif
from tests.codec.pictures import scene

PHOTO = scene(256, 256)


def write(metadata: Metadata = NO_METADATA, guide: bytes | None = None) -> bytes:
    return write_avif(PHOTO, 40, guide, metric="iq", subsampled=True, metadata=metadata)


@pytest.mark.parametrize(
    "metadata",
    [
        NO_METADATA,
        Metadata(exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0"),
        Metadata(xmp=b"<x/>" * 30_000),
        Metadata(profile=b"p" * 3000),
        Metadata(b"II*\0\x08\0\0\0\0\0\0\0\0\0", b"<x/>", b"p" * 70_000),
    ],
)
def test_added_bytes_are_counted_exactly(metadata: Metadata) -> None:
    assert count_added_bytes(metadata) == len(write(metadata)) - len(write())


def test_no_file_of_rates_stays_open_and_no_thread_runs_on() -> None:
    guide = b"1 " * 256
    write(guide=guide)
    before = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(3):
        write(guide=guide)
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == before


def test_a_file_of_rates_that_is_too_short_is_no_error() -> None:
    assert read_avif(write(guide=b"1 2 3")).shape == PHOTO.shape


def test_level_and_metric_reach_libaom() -> None:
    sizes = {
        (level, metric): len(write_avif(PHOTO, level, None, metric=metric, subsampled=True))
        for level in (20, 50)
        for metric in ("iq", "psnr")
    }
    assert sizes[20, "iq"] > 2 * sizes[50, "iq"]
    assert sizes[20, "psnr"] != sizes[20, "iq"]


def test_colours_are_marked_as_srgb_or_by_their_profile() -> None:
    assert b"nclx\0\x01\0\x0d\0\x06\x80" in write()
    assert b"nclx\0\x02\0\x02\0\x06\x80" in write(Metadata(profile=b"p" * 300))


def test_alpha_is_not_written() -> None:
    assert Image.fromarray(read_avif(write())).mode == "RGB"
    assert np.asarray(read_avif(write())).shape[2] == 3
