"""The table of steps."""

import numpy as np

from codec.avif.quantizer import COARSEST, FINEST, STEPS


def test_steps_grow_from_the_finest_level_to_the_coarsest() -> None:
    assert STEPS.shape == (64,)
    assert (np.diff(STEPS) > 0).all()
    # The first, an inner and the last entry of AV1's Ac_Qlookup that a level stands for, in samples.
    assert (STEPS[0] * 8, STEPS[40] * 8, STEPS[COARSEST] * 8) == (4, 305, 1828)
    assert (FINEST, COARSEST) == (1, 63)
