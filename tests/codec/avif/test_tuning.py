"""Constants by strength."""

from codec.avif.tuning import DEFAULT_STRENGTH, FULL_STRENGTH, choose_guide_tuning
from codec.jpeg.quantize import tuning as jpeg


def test_the_ratio_grows_with_strength_from_1() -> None:
    for tune in ("perceptual", "psnr"):
        ratios = [choose_guide_tuning(tune, step / 10).saliency_ratio for step in range(11)]  # type: ignore[arg-type]
        assert ratios == sorted(ratios)
        assert ratios[0] == 1.0
        assert ratios[10] == ratios[6] * FULL_STRENGTH


def test_the_default_is_that_of_jpegs_and_tunes_choose_the_metric() -> None:
    assert DEFAULT_STRENGTH == jpeg.DEFAULT_STRENGTH
    assert choose_guide_tuning("perceptual", 0.6).metric == "iq"
    assert choose_guide_tuning("psnr", 0.6).metric == "psnr"
