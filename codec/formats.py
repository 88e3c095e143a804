"""The output formats: each encodes pixels by a saliency map, with the same settings.

A format is a folder beside `codec/jpeg/`. What only some formats can do, such as keeping a JPEG's
coefficients, is not part of this interface.
"""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from codec.avif.encode import encode as encode_avif
from codec.avif.encode import warm_up as warm_up_avif
from codec.avif.libaom import MAX_SIDE_PX as AVIF_SIDE_PX
from codec.jpeg.encode import encode as encode_jpeg
from codec.jpeg.inputs import MAX_SIDE_PX as JPEG_SIDE_PX
from codec.jpeg.transcode.transcode import warm_up as warm_up_jpeg
from codec.settings import Encoded, EncodeSettings

FormatName = Literal["jpeg", "avif"]


class Encode(Protocol):
    """Encodes an image in the bytes, or as well as, the reference: the standard JPEG at a quality.

    `image` is (h, w, 3) sRGB or (h, w) grey, uint8; `saliency` is (h', w') float32 in [0, 1] of any size,
    or None. `reference_bytes` is the result of `measure_reference`, if already known.

    Raises:
        ValueError: an array has a wrong type, shape or range, or a side is too long for the format.
        OutOfReachError: even the coarsest quantization takes more than `settings.max_bytes`.
    """

    def __call__(
        self,
        image: NDArray[np.uint8],
        saliency: NDArray[np.float32] | None,
        settings: EncodeSettings,
        *,
        reference_bytes: int | None = None,
    ) -> Encoded:
        """Return the file, the reference's bytes and the number of passes."""


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A format's encoder, and the longest side that its files may have."""

    encode: Encode
    max_side_px: int


FORMATS: Final[dict[FormatName, OutputFormat]] = {
    "jpeg": OutputFormat(encode_jpeg, JPEG_SIDE_PX),
    "avif": OutputFormat(encode_avif, AVIF_SIDE_PX),
}


def warm_up() -> None:
    """Compile or load the kernels of all formats, so that no later encode waits for one."""
    warm_up_jpeg()
    warm_up_avif()
