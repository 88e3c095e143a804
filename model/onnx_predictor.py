"""The predictor for CPUs: the network in 8 bits in ONNX Runtime, without torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from model.head import Head
from model.input_size import choose_input_size, scale_photo
from model.prediction import Prediction, select_classes
from model.predictor import USUAL_ASPECT
from model.weights_file import SHIPPED_INT8_WEIGHTS, read_weights

# The key of the head in the file's metadata.
HEAD: Final = "head"


class OnnxPredictor:
    """The network in 8-bit integers on the CPU; see `Predictor`.

    Several threads may call `predict` at the same time. The class maps and all that follows them
    are float32. docs/model-card.md has the difference of the maps from float32's.
    """

    version: str
    arithmetic = "cpu int8"
    side_by_side = True

    def __init__(self, weights: Path | None = None) -> None:
        """Load the weights.

        Args:
            weights: a file of `python -m model.training quantize`; the shipped one by default.

        Raises:
            RuntimeError: the weights are missing, damaged or of another version of the network.
        """
        path = weights or SHIPPED_INT8_WEIGHTS
        contents, checksum = read_weights(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Idle threads would take the cores that decode and encode.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # It keeps a plan of the memory for each shape of input, of which there are a hundred.
        options.enable_mem_pattern = False
        self._session = onnxruntime.InferenceSession(
            contents, options, providers=["CPUExecutionProvider"]
        )
        try:
            self._head = Head.from_json(self._session.get_modelmeta().custom_metadata_map[HEAD])
        except (KeyError, TypeError) as error:
            raise RuntimeError(
                f"weights: {path} was made for another version of the network"
            ) from error
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.version = checksum[:12]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of all classes of the network."""
        return self._head.config.classes

    def input_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Return the (height, width) in pixels to which `prepare` scales a photo of this size."""
        return choose_input_size(width_px, height_px, self._head.config.input_area_px)

    def device_memory_bytes(self) -> int:
        """Return 0: the network runs on a CPU."""
        return 0

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the whole photo at the network's input size: (H, W, 3) uint8 RGB."""
        return np.asarray(scale_photo(image, self.input_size(*image.size)))

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Return the saliency map and the classes of each prepared photo, in order."""
        return [self._describe(*self.run_network(photo)) for photo in batch]

    def _describe(
        self, class_maps: NDArray[np.float32], gaze: NDArray[np.float32] | None = None
    ) -> Prediction:
        saliency = self._head.draw(class_maps, gaze)  # (H/8, W/8, C·D), (H/8, W/8) -> (H/8, W/8)
        return select_classes(saliency, class_maps, self._head.config.classes)

    def run_network(self, photo: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Return the network's own outputs for a prepared photo, (H, W, 3).

        These are its class maps, (H/8, W/8, C·D) > 0, and if it has them the sum of its calibrated
        features, (H/8, W/8) > 0.
        """
        height, width, _ = photo.shape
        # Four channels, of which the last one has no weight: the runtime is faster than with three.
        pixels = np.zeros((1, height, width, 4), np.uint8)
        for channel in range(3):  # numpy copies them together seven times slower
            pixels[0, ..., channel] = photo[..., channel]
        outputs = self._session.run(self._outputs, {"pixels": pixels})
        return [output[0] for output in outputs]

    def warm_up(self, max_batch_size: int) -> None:  # noqa: ARG002 -- photos go one by one
        """Run one photo."""
        self.predict([self.prepare(Image.new("RGB", USUAL_ASPECT))])
