from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.gpu import predictor as cuda_predictor
from model.torch_predictor import TorchPredictor


def test_without_a_cuda_device_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cuda_predictor.measure_cuda() == "not measured"


def test_the_predictor_is_timed_in_photos_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_predictor, "WARM_UP_BATCHES", 1)
    predictor = TorchPredictor("cpu")
    photos = [predictor.prepare(noise) for noise in cuda_predictor.draw_noise(2)]
    assert [photo.shape for photo in photos] == [(320, 480, 3)] * 2
    assert not np.array_equal(*photos)
    now_s = iter(range(100))
    clock = SimpleNamespace(perf_counter=lambda: next(now_s))
    monkeypatch.setattr(cuda_predictor, "time", clock)
    assert cuda_predictor.time_predictor(predictor, photos, 2) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_predictor, "BATCHES", 3)
    found = cuda_predictor.measure_cuda()
    assert isinstance(found, dict)
    assert sorted(found) == ["batch_size", "device", "images_per_s", "network_images_per_s"]
    # The copies and the smoothing come on top.
    assert 0 < found["images_per_s"] < 1.2 * found["network_images_per_s"]
