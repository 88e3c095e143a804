"""One job on its way through the worker."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contract.messages import Request, Result
from worker.image.encode import Groundwork

# What a photo takes on its way, at most, besides what the worker holds anyway (docs/operations.md).
BYTES_PER_PIXEL = 30


@dataclass(slots=True)
class Item:
    """What is known of one photo so far; what a stage has used up it lets go of, photos are large."""

    job_id: str
    request: Request
    # Of the pass that this item was the first of; 0 in the others.
    batch_size: int = 0
    stage_ms: dict[str, float] = field(default_factory=dict)
    data: bytes | None = None
    # Of an upload that may be encoded from its own coefficients; such data is kept until then.
    orientation: int | None = None
    # Metadata that is kept, as segments of the JPEG.
    segments: bytes = b""
    pixels: NDArray[np.uint8] | None = None
    network_input: NDArray[np.uint8] | None = None
    # Of a photo that is alone: laid beside the network's pass, else when it is encoded.
    groundwork: Future[Groundwork] | None = None
    saliency: NDArray[np.float32] | None = None
    # What is to be stored, by key.
    blobs: dict[str, bytes] = field(default_factory=dict)
    result: Result | None = None
    error: Exception | None = None
    # Nobody waits any more: the client left, its deadline passed, or it has its answer already.
    withdrawn: bool = False

    @property
    def open(self) -> bool:
        """Whether further stages have anything to do for this item."""
        return self.error is None and not self.withdrawn

    @property
    def overdue(self) -> bool:
        """Whether its client has stopped waiting."""
        return self.request.deadline_unix_s < time.time()

    @property
    def cost_px(self) -> int:
        """The memory that it takes, in pixels: a file of many bytes and few pixels counts as well."""
        return self.request.pixels + self.request.original_bytes // BYTES_PER_PIXEL

    def let_go(self) -> None:
        """Free what is large: nothing more will be done with it."""
        self.data = self.pixels = self.network_input = self.saliency = None
        if self.groundwork:
            self.groundwork.cancel()  # it holds the pixels too
        self.groundwork = None
        self.segments = b""
        self.blobs = {}
