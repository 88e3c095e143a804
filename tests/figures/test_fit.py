"""The constants of the encoder are those that a fit ended with."""

import pytest

from bench.fit.constants import list_constants
from codec.jpeg.quantize.tuning import PERCEPTUAL, PSNR, Tuning
from tests.figures.tables import read_result

# Chosen afterwards: λ on the validation split; the ratio of strength 1, so that it grows with strength.
CHOSEN = {"fit_perceptual": {"rd_lambda"}, "fit_full": {"saliency_ratio"}}


@pytest.mark.parametrize(
    ("name", "tuning"),
    [
        ("fit_perceptual", PERCEPTUAL.default),
        ("fit_psnr", PSNR.default),
        ("fit_full", PSNR.full),
    ],
)
def test_the_constants_are_those_of_the_fit(name: str, tuning: Tuning) -> None:
    found = read_result(f"{name}.json")["constants"]
    own = list_constants(tuning)
    names = (own.keys() & found.keys()) - CHOSEN.get(name, set())
    assert len(names) >= len(own) - 1
    for each in names:
        assert own[each] == pytest.approx(found[each], rel=0.006, abs=1e-3), each
