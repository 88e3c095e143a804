"""One job on its way through the worker."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contract.messages import Request, Result
from worker.image.encode import EncodeInputs

# The most memory that one pixel takes in the worker (docs/operations.md).
BYTES_PER_PIXEL: Final = 30


@dataclass(slots=True)
class Item:
    """A photo and what the stages have made of it; each stage releases what no later one needs."""

    job_id: str
    request: Request
    # The size of the network batch in its first item, 0 in the others.
    batch_size: int = 0
    stage_ms: dict[str, float] = field(default_factory=dict)
    # The upload. It is kept until encoding when the photo may be encoded from its coefficients.
    data: bytes | None = None
    # EXIF's, 1 to 8, of an upload that may be encoded from its coefficients.
    orientation: int | None = None
    # Kept metadata, as marker segments of the JPEG.
    segments: bytes = b""
    pixels: NDArray[np.uint8] | None = None
    network_input: NDArray[np.uint8] | None = None
    # Of a photo that is alone in the service; others get theirs when they are encoded.
    encode_inputs: Future[EncodeInputs] | None = None
    saliency: NDArray[np.float32] | None = None
    # Pictures to store, by key.
    blobs: dict[str, bytes] = field(default_factory=dict)
    result: Result | None = None
    error: Exception | None = None
    # The client left, its deadline passed, or another worker has replied.
    withdrawn: bool = False

    @property
    def open(self) -> bool:
        """Whether later stages have to do anything for this item."""
        return self.error is None and not self.withdrawn

    @property
    def overdue(self) -> bool:
        """Whether the client's deadline has passed."""
        return self.request.deadline_unix_s < time.time()

    @property
    def cost_px(self) -> int:
        """Memory that the item takes, in pixels; a large file of few pixels counts by its bytes."""
        return self.request.pixels + self.request.original_bytes // BYTES_PER_PIXEL

    def release(self) -> None:
        """Free large data: no stage needs it any more."""
        self.data = self.pixels = self.network_input = self.saliency = None
        if self.encode_inputs:
            self.encode_inputs.cancel()  # its task refers to the pixels
        self.encode_inputs = None
        self.segments = b""
        self.blobs = {}
