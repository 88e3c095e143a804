"""Repeats rate searches until the finished file meets the goal.

A rate search only estimates the bytes of byte stuffing and of progressive scans. The finished file has
the exact number.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import Tuning
from codec.jpeg.rate_control.passes import Pass
from codec.jpeg.rate_control.rate_search import RateSearch
from codec.jpeg.rate_control.step_range import guess_step, is_coarsest, is_finest
from codec.jpeg.rate_control.target import Goal, estimate_step_factor
from codec.jpeg.rate_control.trials import MAX_PASSES
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.own_mark import add_mark
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.coded_scan import code_script
from codec.jpeg.write.marker_segments import write_file, write_header
from codec.jpeg.write.progressive import write_scans
from codec.settings import Encoded, EncodeSettings, OutOfReachError

_MOST_PASSES: Final = 3 * MAX_PASSES
"""Passes of all searches together, after which only the coarsest quantization is tried."""


def guess_first_step(settings: EncodeSettings, reference_bytes: int, pixels: int) -> float:
    """Return the table scale at which the first search starts."""
    return guess_step(settings.quality, reference_bytes, pixels) * estimate_step_factor(settings)


def search_file(  # noqa: PLR0917
    size_px: tuple[int, int],
    blocks: Blocks,
    tuning: Tuning,
    goal: Goal,
    step: float,
    reference_bytes: int,
    settings: EncodeSettings,
) -> Encoded:
    """Return the file of `blocks` that meets `goal`, with the mark for `settings`.

    Args:
        size_px: (width, height).
        blocks: the blocks of the image, quantized anew in each pass.
        tuning: the constants of the encode.
        goal: what the file has to meet.
        step: the table scale at which the search starts.
        reference_bytes: bytes of the standard JPEG, which are handed on.
        settings: the options as requested, also the strength where the map was dropped: the mark covers
            them.

    Raises:
        OutOfReachError: even the coarsest quantization takes more than `settings.max_bytes`.
    """
    passes = 0
    shorter: Encoded | None = None
    while True:
        search = RateSearch(blocks, tuning, goal, settings.progressive)
        chosen = search.find(step) if passes <= _MOST_PASSES else search.find_coarsest()
        passes += search.passes
        components, qcoefs = blocks.components, blocks.read()
        if settings.progressive:
            scans = code_script(search.choose_script(), components, qcoefs)
            jpeg = write_scans(size_px, components, chosen.quant_tables, scans)
        else:
            jpeg = write_jpeg(size_px, components, chosen, qcoefs)
        jpeg = add_mark(jpeg, settings)
        if len(jpeg) <= goal.limit_bytes:
            if len(jpeg) >= goal.least_bytes or is_finest(chosen.point):
                return Encoded(jpeg, reference_bytes, passes)
            shorter = Encoded(jpeg, reference_bytes, passes)
            goal = goal.loosen(len(jpeg))
            step = chosen.point.table_scale
            continue
        may_return = settings.max_bytes is None or len(jpeg) <= settings.max_bytes
        is_smallest = is_coarsest(chosen.point)
        if shorter is not None and passes > _MOST_PASSES:
            return replace(shorter, passes=passes)
        if may_return and (is_smallest or passes > _MOST_PASSES):
            return Encoded(jpeg, reference_bytes, passes)
        if is_smallest and settings.max_bytes is not None:
            raise OutOfReachError(settings.max_bytes, len(jpeg))
        # More bytes were stuffed than estimated; in a tiny file two bytes are one percent.
        goal = goal.tighten()
        step = chosen.point.table_scale


def write_jpeg(
    size_px: tuple[int, int],
    components: Sequence[Component],
    chosen: Pass,
    qcoefs: Sequence[NDArray[np.int16]],
) -> bytes:
    """Return the baseline file of one pass; `size_px` is (width, height)."""
    header = write_header(
        size_px, components, chosen.quant_tables, chosen.dc_tables, chosen.ac_tables
    )
    scan = write_scan(components, qcoefs, chosen.dc_tables, chosen.ac_tables, chosen.scan_bits)
    return write_file(header, scan)
