"""An item knows whether it is open, how much time is left, what it costs, and frees its data."""

import time
from concurrent.futures import Future

import numpy as np
import pytest

from contract.errors import CorruptImageError, QueueFullError
from contract.images import Format
from contract.keys import OUTCOMES
from contract.messages import Hdr, Options, Request
from worker.image.encode import EncodeInputs
from worker.item import BYTES_PER_PIXEL, Item


def make_item(
    *,
    original_bytes: int = 0,
    pixels: int = 1,
    deadline_s: float = 60,
    hdr: Hdr = "none",
    output_format: Format = "jpeg",
) -> Item:
    now_s = time.time()
    options = Options(hdr=hdr, format=output_format)
    request = Request(options, "me", original_bytes, pixels, now_s, now_s + deadline_s)
    return Item("job", request)


def test_an_item_is_open_until_it_fails_or_is_withdrawn() -> None:
    assert make_item().is_open
    failed, withdrawn = make_item(), make_item()
    failed.error = ValueError("broken")
    withdrawn.withdrawn = True
    assert not failed.is_open
    assert not withdrawn.is_open


@pytest.mark.parametrize("deadline_s", [60, -1])
def test_the_time_left_is_negative_after_the_deadline(deadline_s: float) -> None:
    assert make_item(deadline_s=deadline_s).time_left_s == pytest.approx(deadline_s, abs=0.9)


def test_the_bytes_of_an_upload_add_to_its_cost() -> None:
    assert make_item(pixels=100).cost_px == 100
    assert make_item(pixels=100, original_bytes=7 * BYTES_PER_PIXEL).cost_px == 107


def test_a_gain_map_adds_half_of_the_photo_s_cost() -> None:
    item = make_item(pixels=100, original_bytes=7 * BYTES_PER_PIXEL, hdr="keep")
    assert item.cost_px == 157


@pytest.mark.parametrize(("name", "cost_px"), [("jpeg", 100), ("avif", 200), ("jp2", 300)])
def test_other_formats_take_more_memory(name: Format, cost_px: int) -> None:
    item = make_item(pixels=100, output_format=name)
    assert item.cost_px == cost_px
    assert item.is_slow is (name != "jpeg")


def test_release_frees_all_data_and_cancels_the_inputs() -> None:
    item = make_item()
    inputs: Future[EncodeInputs] = Future()
    item.data, item.segments, item.blobs = b"upload", b"segment", {"key": b"jpeg"}
    item.gain_map = b"jpeg"
    item.pixels = item.network_input = np.zeros((1, 1), np.uint8)
    item.saliency = np.zeros((1, 1), np.float32)
    item.encode_inputs = inputs
    item.release()
    assert inputs.cancelled()
    assert (item.data, item.pixels, item.network_input, item.saliency) == (None,) * 4
    assert (item.encode_inputs, item.segments, item.blobs) == (None, b"", {})
    assert not item.gain_map


def test_every_end_has_one_outcome() -> None:
    errors = (None, CorruptImageError("Broken."), QueueFullError("Late."), None, ValueError("x"))
    items = [make_item() for _ in errors]
    for item, error in zip(items, errors, strict=True):
        item.error = error
    items[3].withdrawn = True
    assert tuple(item.outcome for item in items) == OUTCOMES
