"""Where searches start."""

import pytest

from codec.avif.start import choose_lenience, guess_position
from codec.settings import EncodeSettings


def test_higher_qualities_start_finer_and_judge_more_leniently() -> None:
    for target, reference_bytes in (("size", 500.0), ("quality", 700.0)):
        starts = [
            guess_position(
                EncodeSettings(quality, target=target),  # type: ignore[arg-type]
                round(reference_bytes * quality),
                reference_bytes * quality,
                400_000,
            )
            for quality in range(20, 96, 5)
        ]
        assert starts == sorted(starts, reverse=True)
    factors = [choose_lenience(EncodeSettings(quality)) for quality in (10, 50, 75, 95)]
    assert factors == sorted(factors)


def test_a_limit_below_the_reference_starts_coarser() -> None:
    settings = EncodeSettings(75, target="quality")
    free = guess_position(settings, 50_000, 50_000, 400_000)
    assert guess_position(settings, 50_000, 5_000, 400_000) > free + 10
    assert guess_position(settings, 50_000, 49_000, 400_000) == pytest.approx(free)
