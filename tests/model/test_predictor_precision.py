"""The predictor's devices and precisions."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from model import msroi
from model.efficientnet import CAN_FUSE
from model.torch_predictor import TorchPredictor, choose_device, choose_precision
from tests.model.pictures import disc, noise
from tests.photos import photo

# Some CPUs without instructions for bfloat16 cannot compute in it at all.
NEEDS_BFLOAT16 = pytest.mark.skipif(
    choose_precision(torch.device("cpu")) == torch.float32, reason="needs a CPU with bfloat16"
)
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def pictures() -> list[Image.Image]:
    return [
        disc(320, 480, (0.3, 0.6)),
        noise(600, 400),
        Image.fromarray(photo(720, 480, seed=1)),
    ]


@pytest.mark.parametrize(
    "device", [pytest.param("cpu", marks=NEEDS_BFLOAT16), pytest.param("cuda", marks=NEEDS_CUDA)]
)
def test_bfloat16_gives_nearly_the_maps_of_float32(device: str) -> None:
    exact = TorchPredictor("cpu", precision=torch.float32)
    rounded = TorchPredictor(device, precision=torch.bfloat16)
    rounded.warm_up(4)
    inputs = [exact.prepare(picture) for picture in pictures()]
    predictions = zip(exact.predict(inputs), rounded.predict(inputs), strict=True)
    for (expected, *_), (found, *_) in predictions:
        assert found.shape == expected.shape
        assert found.dtype == np.float32
        assert not np.array_equal(found, expected)
        assert np.abs(found - expected).mean() < 0.03


@pytest.mark.skipif(not CAN_FUSE, reason="torch has no oneDNN here")
@pytest.mark.parametrize(
    "precision", [torch.float32, pytest.param(torch.bfloat16, marks=NEEDS_BFLOAT16)]
)
def test_fused_activations_give_the_same_maps(
    monkeypatch: pytest.MonkeyPatch, precision: torch.dtype
) -> None:
    fused = TorchPredictor("cpu", precision=precision)
    with monkeypatch.context() as patch:
        patch.setattr(msroi, "CAN_FUSE", False)
        plain = TorchPredictor("cpu", precision=precision)
    inputs = [plain.prepare(picture) for picture in pictures()]
    calls: list[int] = []
    relu6 = functional.relu6
    monkeypatch.setattr(
        functional, "relu6", lambda x, inplace: calls.append(1) or relu6(x, inplace=inplace)
    )
    maps = fused.predict(inputs)
    assert not calls
    for (expected, *_), (found, *_) in zip(plain.predict(inputs), maps, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert calls


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": False}, torch.float32),
        ({}, torch.float32),  # of another architecture
    ],
)
def test_bfloat16_is_chosen_only_with_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision(torch.device("cpu")) == expected
    assert choose_precision(torch.device("cuda")) == torch.bfloat16


def test_the_predictor_uses_the_chosen_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert TorchPredictor("cpu").precision == torch.bfloat16


@pytest.mark.parametrize(("available", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_cuda_only_if_there_is_a_device(
    monkeypatch: pytest.MonkeyPatch, available: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert choose_device("auto").type == expected


def test_a_missing_device_is_named_in_the_error() -> None:
    with pytest.raises(RuntimeError, match=r"'cuda:99'.*'cpu' or 'auto'"):
        TorchPredictor(device="cuda:99")
    with pytest.raises(RuntimeError, match="'meta'"):
        TorchPredictor(device="meta")
