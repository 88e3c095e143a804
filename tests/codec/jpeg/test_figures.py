"""The figures of the encoder's steps, so that a constant that changes by mistake is noticed."""

import json

import pytest

from tests.codec.jpeg.figures import PATH, Figures, list_changes, measure

# Relative and absolute. Processors round differently: a coefficient that lies between two values may
# take the other one, and so change a symbol and a few bits.
EXACT = (1e-4, 1e-6)
COUNTED = (2e-3, 2.0)
TOLERANCES = {
    "weights": EXACT,
    "goals": EXACT,
    "searches": EXACT,
    "saliency": EXACT,
    "blocks": (1e-3, 1e-6),
    "passes": COUNTED,
    "scans": (2e-3, 0.0),
    "sources": COUNTED,
}


@pytest.fixture(scope="module")
def found() -> Figures:
    return measure()


@pytest.mark.parametrize("step", TOLERANCES)
def test_figures_change_only_on_purpose(step: str, found: Figures) -> None:
    kept = json.loads(PATH.read_text(encoding="utf-8"))
    changes = list_changes({step: found[step]}, {step: kept[step]}, TOLERANCES)
    shown = "\n".join(changes[:9])
    assert not changes, f"after a deliberate change: python -m tests.codec.jpeg.figures\n{shown}"
