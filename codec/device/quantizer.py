"""Pictures whose coefficients stay on the device from their first sketch to their last pass."""

import operator
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.component import Component
from codec.device.board import AC, COUNTED, fill_board, fill_reference
from codec.device.kernels import find_activities, quantize_blocks, round_blocks, sketch_blocks
from codec.device.room import Room, Views
from codec.fidelity import Errors, list_reference_steps, list_sensitivities, share_errors
from codec.host import HOST
from codec.quantizer import Blocks, Counts, Steps

MOST_BLOCKS: Final = 1 << 17
"""Of a picture on the device, 5.6 megapixels of 4:2:0; larger ones stay on the processor.

Each thread holds 400 bytes of pinned memory for each of them.
"""


class DeviceBlocks:
    """See `codec.quantizer.Blocks`."""

    def __init__(
        self, room: Room, components: Sequence[Component], *, measured: bool, has_coefs: bool
    ) -> None:
        self.components = components
        self._room = room
        self._measured = measured
        self._views: Views = room.enter(components)
        layout = self._views.layout
        self._sensitivities = list_sensitivities(len(components))
        self._factors = [
            component.real_rows * component.real_columns / own
            for component, own in zip(components, layout.sampled, strict=True)
        ]
        # Of a greyscale picture chroma starts behind the end.
        first_chroma = (*layout.starts[1:3], layout.blocks)[:2]
        self._places = (*first_chroma, layout.columns[0], layout.columns[-1])
        self._errors = np.empty(0, np.float32)
        self._qcoefs: list[NDArray[np.int16]] | None = None
        self._upload(has_coefs=has_coefs)

    def _upload(self, *, has_coefs: bool) -> None:
        pair = self._views.weights if has_coefs else self._views.photo
        parts = [] if has_coefs else [component.coefs for component in self.components]
        parts += [component.block_weights for component in self.components]
        parts += [component.visibility for component in self.components]
        end = 0
        for part in parts:
            start, end = end, end + part.size
            pair[0][start:end] = part.reshape(-1)
        self._room.send(pair)

    @property
    def sampled(self) -> list[int]:
        """How many blocks of each component a sketch looks at."""
        return list(self._views.layout.sampled)

    def sketch(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        """Quantize the sample by rule of thumb; return its symbols."""
        views = self._views
        self._send_board(steps, rates)
        self._room.launch(
            sketch_blocks,
            len(views.layout.sample),
            views.coefs,
            views.block_weights,
            views.visibility,
            views.sample,
            views.board,
            views.counts,
            views.errors,
            *self._places[:2],
            self._measured,
        )
        return self._fetch_counts()

    def quantize(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> Counts:
        """Quantize all blocks; return their symbols."""
        self._decide(steps, rates, 1)
        return self._fetch_counts()

    def amend(
        self,
        steps: Steps,
        rates: Sequence[NDArray[np.float32]],
        stride: int,
        counts: Sequence[NDArray[np.int64]],
    ) -> list[NDArray[np.int64]]:
        """Decide the AC part of every stride-th block again; return what becomes of `counts`."""
        self._decide(steps, rates, stride)
        changes = self._fetch_counts().ac
        return [own + change for own, change in zip(counts, changes, strict=True)]

    def measure(self, quant_tables: Sequence[NDArray[np.uint16]], *, sample: bool) -> Errors:  # noqa: ARG002
        """Return the errors that the last call has measured; they were asked for in `open`."""
        if not sample:
            return self._share(self._errors)
        layout = self._views.layout
        ends = np.cumsum(layout.sampled)
        shares = [
            component.salient_shares.reshape(-1)[numbers - start]
            for component, numbers, start in zip(
                self.components,
                np.split(layout.sample[:, 0], ends[:-1]),
                layout.starts,
                strict=False,
            )
        ]
        return share_errors(np.split(self._errors[: ends[-1]], ends[:-1]), shares)

    def measure_reference(self, quality: int) -> Errors:
        """Return the errors of the standard JPEG at `quality`, on these blocks."""
        views = self._views
        steps = list_reference_steps(len(self.components), quality)
        fill_reference(views.order[0], steps, self._sensitivities)
        self._room.send(views.order)
        self._room.launch(
            round_blocks,
            views.layout.blocks,
            views.coefs,
            views.visibility,
            views.board,
            views.errors,
            *self._places[:2],
        )
        return self._share(self._room.fetch(views.all_errors))

    def _share(self, errors: NDArray[np.float32]) -> Errors:
        shares = [component.salient_shares.reshape(-1) for component in self.components]
        return share_errors(np.split(errors, self._views.layout.starts[1:-1]), shares)

    def read(self) -> list[NDArray[np.int16]]:
        """Return the qcoefs of each component; the next picture overwrites them."""
        if self._qcoefs is None:
            qcoefs = self._room.fetch(self._views.qcoefs)
            starts = self._views.layout.starts
            self._qcoefs = [
                qcoefs[64 * start : 64 * end].reshape(component.coefs.shape)
                for component, start, end in zip(self.components, starts, starts[1:], strict=False)
            ]
        return self._qcoefs

    def _send_board(self, steps: Steps, rates: Sequence[NDArray[np.float32]]) -> None:
        fill_board(self._views.order[0], steps, rates, self._sensitivities, self._factors)
        self._room.send(self._views.order)

    def _decide(self, steps: Steps, rates: Sequence[NDArray[np.float32]], stride: int) -> None:
        views = self._views
        self._qcoefs = None
        self._send_board(steps, rates)
        self._room.launch(
            quantize_blocks,
            views.layout.blocks,
            views.coefs,
            views.block_weights,
            views.visibility,
            views.links,
            views.board,
            views.device_qcoefs,
            views.counts,
            views.errors,
            *self._places,
            stride,
            self._measured,
        )

    def _fetch_counts(self) -> Counts:
        fetched = self._room.fetch(self._views.measured if self._measured else self._views.counted)
        counters, self._errors = np.split(fetched, [COUNTED * 256])
        rows = counters.view(np.int32).reshape(COUNTED, 256).astype(np.int64)
        kinds = 2 if len(self.components) > 1 else 1
        return Counts(list(rows[:kinds]), list(rows[AC : AC + kinds]))


class CudaQuantizer:
    """See `codec.quantizer.Quantizer`; each thread has a stream and memory of its own."""

    def __init__(self) -> None:
        self._own = threading.local()

    def hold(self, shapes: Sequence[tuple[int, int]]) -> list[NDArray[np.float32]]:
        """Return arrays to fill with a picture's coefs, in memory that the device copies from."""
        self._own.coefs = []
        self._own.is_sent = False
        sizes = [rows * columns for rows, columns in shapes]
        if sum(sizes) > MOST_BLOCKS:
            return HOST.hold(shapes)
        whole = self._room().hold(sum(sizes)).coefs[0]
        parts = np.split(whole, 64 * np.cumsum(sizes)[:-1])
        self._own.coefs = [
            part.reshape(*shape, 64) for part, shape in zip(parts, shapes, strict=True)
        ]
        return list(self._own.coefs)

    def measure_activity(self, coefs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Return what each block can hide; the coefs are on the device from then on."""
        if not self._are_held(coefs):
            return HOST.measure_activity(coefs)
        room = self._room()
        shapes = [own.shape[:2] for own in coefs]
        sizes = [rows * columns for rows, columns in shapes]
        held = room.hold(sum(sizes))
        room.send(held.coefs)
        self._own.is_sent = True
        room.launch(
            find_activities,
            held.blocks,
            held.device_coefs,
            room.order,
            room.sensitivities,
            held.device_activities,
        )
        found = room.fetch(held.activities).copy()
        parts = np.split(found, np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def open(self, components: Sequence[Component], *, measured: bool) -> Blocks:
        """Return the blocks of a picture, those of a very large one on the processor.

        What `hold` returned is on the device already, if `measure_activity` has seen it.
        """
        coefs = [component.coefs for component in components]
        if sum(own.size for own in coefs) > 64 * MOST_BLOCKS:
            return HOST.open(components, measured=measured)
        has_coefs = self._are_held(coefs) and self._own.is_sent
        return DeviceBlocks(self._room(), components, measured=measured, has_coefs=has_coefs)

    def _are_held(self, coefs: Sequence[NDArray[np.float32]]) -> bool:
        held = getattr(self._own, "coefs", [])
        return len(held) == len(coefs) and all(map(operator.is_, held, coefs))

    def _room(self) -> Room:
        room: Room | None = getattr(self._own, "room", None)
        if room is None:
            room = self._own.room = Room()
        return room
