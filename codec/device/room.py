"""What a thread keeps on the device from one picture to the next: its stream and its memory."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import cuda
from numba.cuda.cudadrv import driver
from numpy.typing import NDArray

from codec.component import Component
from codec.device.board import COUNTED, COUNTERS_FROM, ERRORS_FROM, ROWS
from codec.device.functions import SIMULATED
from codec.device.kernels import THREADS
from codec.device.layout import Geometry, Layout, describe_geometry, lay_out
from codec.tables import NATURAL_TO_ZIGZAG
from codec.weights import ACTIVITY_SENSITIVITIES

PHOTO_FLOATS: Final = 64 + 2
"""Of each block: its coefs, its weight and its visibility."""
_KEPT_LAYOUTS: Final = 8
_LEAST_BLOCKS: Final = 1 << 12
# Waiting by asking keeps no core busy, as waiting in the driver would by default.
_PAUSE_S: Final = 30e-6


@dataclass(frozen=True, slots=True)
class Held:
    """Memory for so many blocks' coefs, on the host and on the device."""

    blocks: int
    coefs: tuple[Any, Any]
    device_coefs: Any
    """(n, 64)."""
    device_activities: Any
    activities: tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Views:
    """Parts of a room's memory for one geometry; what comes in pairs is host's, then device's."""

    layout: Layout
    photo: tuple[Any, Any]
    weights: tuple[Any, Any]
    """Of the photo, what stands behind its coefs."""
    coefs: Any
    block_weights: Any
    visibility: Any
    links: Any
    sample: Any
    qcoefs: tuple[Any, Any]
    device_qcoefs: Any
    """(n, 64)."""
    order: tuple[Any, Any]
    """The board with its counters, which goes to the device before a launch."""
    board: Any
    counts: Any
    errors: Any
    counted: tuple[Any, Any]
    """The counters, which come back after it."""
    measured: tuple[Any, Any]
    """The same with the errors behind them."""
    all_errors: tuple[Any, Any]
    """The errors alone."""


class Room:
    """Memory for pictures of any size, grown to the largest; belongs to one thread."""

    def __init__(self) -> None:
        self.stream: Any = cuda.stream()
        self._event: Any = cuda.event() if SIMULATED else cuda.event(timing=False)
        self._views: OrderedDict[Geometry, Views] = OrderedDict()
        self._held: Held | None = None
        self.order: Any = cuda.to_device(NATURAL_TO_ZIGZAG)
        self.sensitivities: Any = cuda.to_device(ACTIVITY_SENSITIVITIES)
        self._reserve(1)

    def _reserve(self, blocks: int) -> None:
        self._blocks = max(1 << (blocks - 1).bit_length(), _LEAST_BLOCKS)
        self._views.clear()
        self._held = None
        blocks = self._blocks
        sizes = (
            (blocks * PHOTO_FLOATS, np.float32),
            (blocks * 64, np.int16),
            (ERRORS_FROM + blocks, np.float32),
        )
        self._host = [cuda.pinned_array(size, dtype) for size, dtype in sizes]
        self._device = [cuda.device_array(size, dtype) for size, dtype in sizes]

    def enter(self, components: Sequence[Component]) -> Views:
        """Return the memory for a picture, as laid out before where its geometry is known."""
        geometry = describe_geometry(components)
        views = self._views.pop(geometry, None)
        if views is None:
            layout = lay_out(components)
            if layout.blocks > self._blocks:
                self._reserve(layout.blocks)
            views = self._divide(layout)
        self._views[geometry] = views
        if len(self._views) > _KEPT_LAYOUTS:
            self._views.popitem(last=False)
        return views

    def hold(self, blocks: int) -> Held:
        """Return the memory for the coefs of so many blocks, where those of `enter` lie too."""
        if self._held is None or self._held.blocks != blocks:
            if blocks > self._blocks:
                self._reserve(blocks)
            (host, _, host_board), (photo, _, board) = self._host, self._device
            end = ERRORS_FROM + blocks
            self._held = Held(
                blocks,
                (host[: blocks * 64], photo[: blocks * 64]),
                photo[: blocks * 64].reshape((blocks, 64)),
                board[ERRORS_FROM:end],
                (host_board[ERRORS_FROM:end], board[ERRORS_FROM:end]),
            )
        return self._held

    def _divide(self, layout: Layout) -> Views:
        n = layout.blocks
        photo, qcoefs, board = zip(self._host, self._device, strict=True)
        to_photo = slice(0, n * PHOTO_FLOATS)
        counters = slice(COUNTERS_FROM, ERRORS_FROM)
        own = photo[1]
        return Views(
            layout,
            (photo[0][to_photo], own[to_photo]),
            (photo[0][n * 64 : n * 66], own[n * 64 : n * 66]),
            own[: n * 64].reshape((n, 64)),
            own[n * 64 : n * 65],
            own[n * 65 : n * 66],
            cuda.to_device(layout.links, stream=self.stream),
            cuda.to_device(layout.sample, stream=self.stream),
            (qcoefs[0][: n * 64], qcoefs[1][: n * 64]),
            qcoefs[1][: n * 64].reshape((n, 64)),
            (board[0][:ERRORS_FROM], board[1][:ERRORS_FROM]),
            board[1][:COUNTERS_FROM].reshape((ROWS, 64)),
            board[1][counters].view(np.int32).reshape((COUNTED, 256)),
            board[1][ERRORS_FROM : ERRORS_FROM + n],
            (board[0][counters], board[1][counters]),
            (
                board[0][COUNTERS_FROM : ERRORS_FROM + n],
                board[1][COUNTERS_FROM : ERRORS_FROM + n],
            ),
            (board[0][ERRORS_FROM : ERRORS_FROM + n], board[1][ERRORS_FROM : ERRORS_FROM + n]),
        )

    def send(self, pair: tuple[Any, Any]) -> None:
        """Copy to the device, behind what the stream has to do already."""
        # The arrays' own methods take longer than the copy: they make views to compare.
        driver.host_to_device(pair[1], pair[0], pair[0].nbytes, stream=self.stream)

    def fetch(self, pair: tuple[Any, Any]) -> NDArray[Any]:
        """Return the host's part when the stream has done everything and copied it back."""
        host: NDArray[Any] = pair[0]
        driver.device_to_host(host, pair[1], host.nbytes, stream=self.stream)
        if not SIMULATED:
            self._event.record(self.stream)
            while not self._event.query():
                time.sleep(_PAUSE_S)
        return host

    def launch(self, kernel: Any, blocks: int, *arguments: Any) -> None:
        """Start a kernel with a thread for each of so many blocks."""
        kernel[-(-blocks // THREADS), THREADS, self.stream](*arguments)
