"""Photos are encoded beside the worker, not in it; what goes wrong there is an error here."""

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from contract.errors import InternalError
from tests.photos import photo
from worker.image.confined.encoder import FAILED_DETAIL, Encoder

OPTIONS = {"format": "JPEG2000", "quality_layers": [20.0]}
PIXELS = photo(64, 48)
LARGE = np.random.default_rng(1).integers(0, 256, (3000, 3000, 3), np.uint8)


class GoneError(Exception):
    """The client has left."""


@pytest.fixture
def encoder() -> Iterator[Encoder]:
    one = Encoder()
    yield one
    one.close()


@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[..., 0]])
def test_a_jp2_has_the_bytes_that_it_has_in_this_process(
    encoder: Encoder, pixels: np.ndarray
) -> None:
    frozen = pixels.copy()
    frozen.flags.writeable = False
    settings = codec.EncodeSettings()
    own = codec.encode_jp2(pixels, None, settings, run=encoder.save)
    assert codec.encode_jp2(frozen, None, settings, run=encoder.save) == own
    assert codec.encode_jp2(pixels, None, settings) == own


def test_other_threads_run_meanwhile(encoder: Encoder) -> None:
    """OpenJPEG holds the interpreter lock; in this process they would wait until it has ended."""
    encoder.save(PIXELS, OPTIONS)
    busy = threading.Thread(target=encoder.save, args=(LARGE, OPTIONS))
    busy.start()
    longest_s, last_s = 0.0, time.monotonic()
    started_s = last_s
    while busy.is_alive():
        time.sleep(0.01)
        longest_s = max(longest_s, time.monotonic() - last_s)
        last_s = time.monotonic()
    assert longest_s < max(0.5, (last_s - started_s) / 3)


def test_an_encode_ends_when_the_client_leaves(encoder: Encoder) -> None:
    encoder.save(PIXELS, OPTIONS)
    calls: list[float] = []

    def leave() -> None:
        calls.append(time.monotonic())
        raise GoneError

    with pytest.raises(GoneError):
        encoder.save(LARGE, OPTIONS, leave)
    assert len(calls) == 1
    with Image.open(io.BytesIO(encoder.save(PIXELS, OPTIONS))) as opened:
        assert opened.size == (64, 48)


def test_a_library_that_fails_raises_what_it_raises_here(encoder: Encoder) -> None:
    with pytest.raises(OSError, match="JP2"):
        encoder.save(PIXELS, {"format": "JPEG2000", "num_resolutions": 30})


@pytest.mark.parametrize("options", [{"format": "no such"}, {}])
def test_a_process_that_dies_or_misbehaves_is_the_service_s_fault(
    encoder: Encoder, options: dict[str, Any]
) -> None:
    with pytest.raises(InternalError, match=FAILED_DETAIL):
        encoder.save(PIXELS, options)
    encoder.save(PIXELS, OPTIONS)


def test_a_process_that_takes_too_long_is_the_service_s_fault() -> None:
    encoder = Encoder(free_s=-LARGE.shape[0] * LARGE.shape[1] * 1e-5 + 1.0)
    with pytest.raises(InternalError, match=FAILED_DETAIL):
        encoder.save(LARGE, {**OPTIONS, "irreversible": True})
    encoder.close()
