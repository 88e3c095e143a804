"""The choice of a predictor."""

import sys
from importlib.util import find_spec

import pytest

from model import open_predictor, predictor
from model.onnx_predictor import OnnxPredictor
from model.predictor import count_cuda_devices


def without_torch(name: str) -> object:
    return None if name == "torch" else find_spec(name)


def test_the_cpu_has_the_runtimes_predictor() -> None:
    assert isinstance(open_predictor("cpu"), OnnxPredictor)


@pytest.mark.parametrize("has_torch", [True, False])
@pytest.mark.parametrize("devices", [0, 1])
def test_auto_is_cuda_only_with_a_device_and_torch(
    monkeypatch: pytest.MonkeyPatch, devices: int, has_torch: bool
) -> None:
    opened: list[str] = []

    class Torch:
        TorchPredictor = opened.append

    monkeypatch.setitem(sys.modules, "model.torch_predictor", Torch)
    monkeypatch.setattr(predictor, "count_cuda_devices", lambda: devices)
    if not has_torch:
        monkeypatch.setattr(predictor, "find_spec", without_torch)
    open_predictor("auto")
    assert opened == (["cuda"] if devices and has_torch else [])


@pytest.mark.parametrize(("device", "library"), [("cuda", "torch"), ("cpu", "onnxruntime")])
def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, device: str, library: str
) -> None:
    monkeypatch.setattr(predictor, "find_spec", lambda _: None)
    with pytest.raises(RuntimeError, match=rf"'{device}': {library} is not installed"):
        open_predictor(device)


def test_a_machine_without_a_driver_has_no_cuda_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor, "CUDA_DRIVER", "libnothing.so.1")
    assert count_cuda_devices() == 0


@pytest.mark.parametrize(("fails", "expected"), [((0, 0), 3), ((1, 0), 0), ((0, 1), 0)])
def test_devices_are_counted_by_the_driver(
    monkeypatch: pytest.MonkeyPatch, fails: tuple[int, int], expected: int
) -> None:
    class Driver:
        def cuInit(self, flags: int) -> int:  # noqa: ARG002, N802 -- NVIDIA's name
            return fails[0]

        def cuDeviceGetCount(self, count: object) -> int:  # noqa: N802 -- NVIDIA's name
            count._obj.value = 3  # type: ignore[attr-defined]
            return fails[1]

    monkeypatch.setattr(predictor.ctypes, "CDLL", lambda _: Driver())
    assert count_cuda_devices() == expected
