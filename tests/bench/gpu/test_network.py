"""Speed of the network. Only its batches are tested without a CUDA device."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.gpu import network
from bench.gpu.network import measure_compiled, measure_networks, time_network


def test_a_batch_repeats_the_photos_and_all_its_images_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches: list[Tensor] = []

    def count(work: Callable[[], int], _seconds: float) -> float:
        return float(work())

    monkeypatch.setattr(network, "measure_images_per_s", count)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    pixels = torch.arange(3).reshape(3, 1, 1, 1)
    assert time_network(lambda batch: batches.append(batch) or batch, pixels, 5, 0.1) == 50  # type: ignore[func-returns-value]
    assert [batch.flatten().tolist() for batch in batches] == [[0, 1, 2, 0, 1]] * 10


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_is_measured() -> None:
    photos = [to_jpeg(generate_photo(96, 64, seed)) for seed in range(2)]
    found = measure_networks(photos, (1, 2), seconds=0.05)
    assert all(rate > 0 for sizes in found.values() for rate in sizes.values())
    compiled = measure_compiled(photos, 2, lambda: 0.0, seconds=0.05)
    assert set(compiled.values()) == {"not measured: no time left"}
