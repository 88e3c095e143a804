"""The state of one job in the worker."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec import Source
from contract.errors import ClientError, QueueFullError
from contract.images import Format
from contract.messages import Request, Result
from contract.work import count_work_px
from worker.image.encode import EncodeInputs
from worker.image.gain_map.write import UncutGainMap
from worker.image.regions import ClassMaps

# The most memory that one pixel takes in the worker (docs/operations.md).
BYTES_PER_PIXEL: Final = 30
# That of other formats than JPEG is larger by these factors.
MEMORY_FACTORS: Final[dict[Format, float]] = {"jpeg": 1.0, "avif": 2.0, "jp2": 3.0}


@dataclass(slots=True)
class Item:
    """A job's photo and the results of its stages; a stage frees data that no later stage needs."""

    job_id: str
    request: Request
    # When this worker took the job; None before that.
    started_unix_s: float | None = None
    # The id of its request and its W3C `traceparent`; "" if unknown.
    request_id: str = ""
    traceparent: str = ""
    # The stages that have ended: name, start as monotonic time, duration in s.
    spans: list[tuple[str, float, float]] = field(default_factory=list)
    # The size of the network batch in the batch's first item, 0 in its others.
    batch_size: int = 0
    stage_ms: dict[str, float] = field(default_factory=dict)
    # The upload. It is kept until encoding when the photo is encoded from its coefficients.
    data: bytes | None = None
    # Kept metadata, as marker segments of the JPEG.
    segments: bytes = b""
    # The JPEG of a kept gain map, to append to the photo's; empty if there is none.
    gain_map: bytes = b""
    # A kept gain map, if the photo is to be cropped.
    uncut_gain_map: UncutGainMap | None = None
    # (width, height) of the upright photo.
    size_px: tuple[int, int] = (0, 0)
    # (width, height) of the part of it that is kept; None if all is.
    crop_px: tuple[int, int] | None = None
    # None if the photo is encoded from `source`.
    pixels: NDArray[np.uint8] | None = None
    source: Source | None = None
    # The photo in RGB, as the network gets it.
    network_input: NDArray[np.uint8] | None = None
    # Set when the photo is alone in the service; else the inputs are prepared by the encode stage.
    encode_inputs: Future[EncodeInputs] | None = None
    saliency: NDArray[np.float32] | None = None
    classes: ClassMaps | None = None
    # Pictures to store, by key.
    blobs: dict[str, bytes] = field(default_factory=dict)
    result: Result | None = None
    error: Exception | None = None
    # The client left, its deadline passed, or another worker has replied.
    withdrawn: bool = False

    @property
    def is_open(self) -> bool:
        """Whether later stages have work to do for this item."""
        return self.error is None and not self.withdrawn

    @property
    def outcome(self) -> str:
        """How the item has ended: one of ``contract.keys.OUTCOMES``."""
        if self.error is None:
            return "withdrawn" if self.withdrawn else "finished"
        if isinstance(self.error, ClientError):
            return "refused"
        return "late" if isinstance(self.error, QueueFullError) else "failed"

    @property
    def is_slow(self) -> bool:
        """Whether its encode takes far longer than other stages and other photos."""
        return self.request.options.format != "jpeg"

    @property
    def work_px(self) -> int:
        """What it costs to compress the photo, as a number of pixels (``contract.work``)."""
        return count_work_px(self.request.pixels, self.request.options.format)

    @property
    def time_left_s(self) -> float:
        """The time until the client's deadline, negative after it."""
        return self.request.deadline_unix_s - time.time()

    @property
    def cost_px(self) -> int:
        """The memory that the item takes, as a number of pixels; the upload's bytes count too."""
        pixels = self.request.pixels
        if self.request.options.hdr == "keep":
            # A gain map of the photo's size is encoded beside the photo, without subsampling.
            pixels += pixels // 2
        pixels = round(pixels * MEMORY_FACTORS[self.request.options.format])
        return pixels + self.request.original_bytes // BYTES_PER_PIXEL

    def release(self) -> None:
        """Free all large data of the photo."""
        self.data = self.pixels = self.source = None
        self.network_input = self.saliency = self.classes = None
        if self.encode_inputs:
            self.encode_inputs.cancel()  # its task refers to the pixels
        self.encode_inputs = None
        self.segments = self.gain_map = b""
        self.uncut_gain_map = None
        self.blobs = {}
