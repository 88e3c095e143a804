"""Whether a quantizer decides as the processor does, on blocks that are made up for this."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.component import CHROMA, LUMA, Component
from codec.host import HOST
from codec.passes import Point, estimate_rates, make_tables, scale_steps
from codec.quantizer import Blocks, Quantizer
from codec.tuning import DEFAULT

_STRIDES: Final = (2, 5)
# Luma steps of the passes: nearly nothing is zero, usual, nearly everything is.
_SCALES: Final = (1.5, 14.0, 90.0)
_QUALITIES: Final = (10, 50, 97)
# Luma's real rows and columns, and its blocks down and across an MCU.
SMALL: Final = ((1, 1, 1, 1), (3, 5, 2, 2), (2, 7, 1, 2), (9, 4, 2, 1))
LARGE: Final = (61, 83, 2, 2)
"""More blocks than one CUDA block has threads, and more than a sample takes."""


def find_difference(
    quantizer: Quantizer, geometries: Sequence[tuple[int, int, int, int]] = (*SMALL, LARGE)
) -> str | None:
    """Return where `quantizer` first decides otherwise than the processor; None where nowhere.

    Activities, and symbols, errors and qcoefs of sketches, passes and amendments have to be the same
    in every bit.
    """
    for number, geometry in enumerate(geometries):
        for kinds in (1, 3):
            place = f"{kinds} components of {geometry[0]}×{geometry[1]} blocks"
            components = _make_up(np.random.default_rng(number), geometry, kinds)
            if kinds == 3:
                components = _hold(quantizer, components)
                coefs = [component.coefs for component in components]
                found, due = (own.measure_activity(coefs) for own in (quantizer, HOST))
                if not _are_equal(found, due):
                    return f"the activity of {place}"
            asked = quantizer.open(components, measured=True)
            expected = HOST.open(components, measured=True)
            for (step, got), (_, wanted) in zip(_walk(asked), _walk(expected), strict=True):
                if not _are_equal(got, wanted):
                    return f"{step} of {place}"
    return None


def _are_equal(found: Sequence[NDArray[np.generic]], due: Sequence[NDArray[np.generic]]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(found, due, strict=True))


def _hold(quantizer: Quantizer, components: Sequence[Component]) -> list[Component]:
    """Return the components with their coefs where the quantizer wants them."""
    held = quantizer.hold([component.block_weights.shape for component in components])
    for own, component in zip(held, components, strict=True):
        own[:] = component.coefs
    return [replace(component, coefs=own) for own, component in zip(held, components, strict=True)]


def _walk(blocks: Blocks) -> Iterator[tuple[str, list[NDArray[np.generic]]]]:
    """Yield what `blocks` answer on the way through a search, each with a name."""
    components = blocks.components
    kinds = 2 if len(components) > 1 else 1
    rates = [np.linspace(1.0, 14.0, 256, dtype=np.float32)] * kinds
    yield "the reference", [np.array([blocks.measure_reference(q) for q in _QUALITIES])]
    for scale in _SCALES:
        tables = make_tables(DEFAULT, scale, len(components))
        steps = scale_steps(DEFAULT, tables, Point(scale, scale))
        counts = blocks.sketch(steps, rates)
        errors = np.array(blocks.measure(tables, sample=True))
        yield "a sketch", [*counts.dc, *counts.ac, errors]
        counts = blocks.quantize(steps, rates)
        errors = np.array(blocks.measure(tables, sample=False))
        yield "a pass", [*counts.dc, *counts.ac, errors, *blocks.read()]
        rates = [estimate_rates(own) for own in counts.ac]
        ac_counts = counts.ac
        for stride in _STRIDES:
            steps = scale_steps(DEFAULT, tables, Point(scale, 1.3 * scale))
            ac_counts = blocks.amend(steps, rates, stride, ac_counts)
            errors = np.array(blocks.measure(tables, sample=False))
            yield "an amendment", [*ac_counts, errors, *blocks.read()]


def _make_up(
    rng: np.random.Generator, geometry: tuple[int, int, int, int], kinds: int
) -> list[Component]:
    """Return components of noise that falls with frequency; some blocks are empty, some full."""
    real_rows, real_columns, vertical, horizontal = geometry
    if kinds == 1:
        vertical = horizontal = 1
    mcus = (-(-real_rows // vertical), -(-real_columns // horizontal))
    falling = np.exp(-np.arange(64) / 12).astype(np.float32)
    components = []
    for i in range(kinds):
        down, across = (1, 1) if i else (vertical, horizontal)
        rows, columns = mcus[0] * down, mcus[1] * across
        real = (rows, columns) if i else (real_rows, real_columns)
        coefs = rng.laplace(0, 60, (rows, columns, 64)).astype(np.float32) * falling
        coefs.reshape(-1, 64)[::7] = 0
        coefs.reshape(-1, 64)[3::7] = rng.choice((-1016.0, 1016.0), 64)
        weights = rng.uniform(0.2, 5, (rows, columns)).astype(np.float32)
        weights[real[0] :] = 0
        weights[:, real[1] :] = 0
        shares = rng.uniform(0, 1, (rows, columns)).astype(np.float32)
        visibility = weights * shares[::-1]
        components.append(
            Component(
                *(CHROMA if i else LUMA, across, down, *real, coefs, weights, shares, visibility)
            )
        )
    return components
