"""What every predictor does, and the choice between them: a runtime on CPUs, torch on CUDA."""

import ctypes
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.prediction import Prediction

# The library of NVIDIA's driver. Torch itself takes seconds and 200 MB to say that there is none.
CUDA_DRIVER: Final = "libcuda.so.1"
# Width and height of the landscape format of most cameras.
USUAL_ASPECT: Final = (3, 2)


class Predictor(Protocol):
    """The network with its weights, ready on one device.

    Several threads may call `prepare` at the same time, also while `predict` runs.
    """

    version: str  # of the weights; part of ETags and cache keys
    arithmetic: str  # kind of device and precision, as "cpu int8": maps of two kinds differ

    @property
    def side_by_side(self) -> bool:
        """Whether several threads may call `predict` at the same time, each with its own photos."""
        ...

    def input_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Return the (height, width) in pixels to which `prepare` scales a photo of this size."""
        ...

    def device_memory_bytes(self) -> int:
        """Return the memory of a GPU that this process has reserved, 0 on a CPU."""

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the whole photo at the network's input size: (H, W, 3) uint8 RGB.

        H and W come from `choose_input_size` and nearly keep the aspect. The photo may have any
        mode and size; its EXIF orientation is not applied.
        """
        ...

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Return the saliency map and the classes of each prepared photo, in order.

        The maps of an (H, W, 3) photo are (H/8, W/8) float32 in [0, 1] and cover exactly its photo.
        The saliency map's maximum is 1, or all values are 0 if none is above rounding errors.
        Nothing depends on the rest of the batch, apart from rounding on CUDA.

        Args:
            batch: photos from `prepare`, of any sizes.
        """
        ...

    def warm_up(self, max_batch_size: int) -> None:
        """Run the batches once that would take longer the first time."""
        ...


def open_predictor(device: str = "auto") -> Predictor:
    """Return the predictor with the shipped weights on a device.

    Torch is imported for CUDA only.

    Args:
        device: "cpu", "cuda", "cuda:1", …; "auto" is CUDA if torch is installed and there is a
            device, else the CPU.

    Raises:
        RuntimeError: the device or its library is missing, or the weights are missing or damaged.
    """
    if device == "auto":
        device = "cuda" if find_spec("torch") and count_cuda_devices() else "cpu"
    library = "onnxruntime" if device == "cpu" else "torch"
    if not find_spec(library):
        raise RuntimeError(f"device {device!r}: {library} is not installed")
    if device == "cpu":
        from model.onnx_predictor import OnnxPredictor  # noqa: PLC0415 -- not needed for CUDA

        return OnnxPredictor()
    from model.torch_predictor import TorchPredictor  # noqa: PLC0415 -- 200 MB

    return TorchPredictor(device)


def count_cuda_devices() -> int:
    """Return the number of CUDA devices that the driver finds; 0 without a driver."""
    try:
        driver = ctypes.CDLL(CUDA_DRIVER)
    except OSError:
        return 0
    count = ctypes.c_int()
    # Both functions return 0 on success.
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value
