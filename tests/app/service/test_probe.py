"""Format and size of an upload are read from its header, a long one in a thread."""

import asyncio
import struct
import threading
import time

import pytest

from app.service import probe as module
from app.service.probe import QUICK_STEPS
from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from contract.image_headers.read import ImageHeader
from contract.image_headers.steps import MAX_STEPS
from tests.photos import file_of, photo

MAX_PIXELS = 10_000
QUICK_S = 0.02


def jpeg(segments: int) -> bytes:
    """Return a JPEG with so many empty segments more than others."""
    data = file_of(photo(33, 21), "JPEG")
    return data[:2] + b"\xff\xe1\0\2" * segments + data[2:]


def probe(data: bytes, max_pixels: int) -> ImageHeader:
    """Return what the probe finds."""
    return asyncio.run(module.probe(data, max_pixels))


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the threads in which headers are read."""
    threads: list[int] = []
    read_header = module.read_header

    def noted(data: bytes, max_steps: int = MAX_STEPS) -> ImageHeader:
        threads.append(threading.get_ident())
        return read_header(data, max_steps)

    monkeypatch.setattr(module, "read_header", noted)
    return threads


def test_an_ordinary_header_is_read_at_once(readers: list[int]) -> None:
    for name in ("JPEG", "PNG", "AVIF"):
        header = probe(file_of(photo(33, 21), name), MAX_PIXELS)
        assert header == ImageHeader(name, 33, 21)
    assert set(readers) == {threading.get_ident()}


def test_a_long_header_is_read_in_a_thread(readers: list[int]) -> None:
    assert probe(jpeg(QUICK_STEPS), MAX_PIXELS).width_px == 33
    assert len(set(readers)) == 2


def test_a_header_of_too_many_pieces_is_corrupt() -> None:
    with pytest.raises(CorruptImageError, match="pieces"):
        probe(jpeg(MAX_STEPS), MAX_PIXELS)


def test_other_content_is_unsupported() -> None:
    with pytest.raises(UnsupportedImageError):
        probe(file_of(photo(8, 8), "PPM"), MAX_PIXELS)


def test_the_limit_itself_is_allowed() -> None:
    png = file_of(photo(8, 8))
    size = struct.pack(">II", 100, 100)
    assert probe(png[:16] + size + png[24:], MAX_PIXELS).width_px == 100
    with pytest.raises(TooManyPixelsError):
        probe(png[:16] + struct.pack(">II", 100, 101) + png[24:], MAX_PIXELS)


def test_the_event_loop_is_held_for_a_moment_only() -> None:
    data = jpeg(5_000_000)
    started_s = time.thread_time()
    with pytest.raises(CorruptImageError):
        probe(data, MAX_PIXELS)
    assert time.thread_time() - started_s < QUICK_S


def test_heic_can_be_turned_off() -> None:
    data = file_of(photo(33, 21), "HEIC")
    assert probe(data, MAX_PIXELS) == ImageHeader("HEIC", 33, 21)
    with pytest.raises(UnsupportedImageError, match="HEIC photos are turned off"):
        asyncio.run(module.probe(data, MAX_PIXELS, heic=False))
