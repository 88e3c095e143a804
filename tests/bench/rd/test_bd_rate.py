import pytest

from bench.rd.bd_rate import find_bd_rates


def curves(share: float) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Return one photo whose encoder needs `share` of the standard JPEG's bytes."""
    return {
        "a": {
            str(psnr): {
                "standard": {"bytes": 1000 * 1.5**psnr, "psnr": psnr, "butteraugli": 9 - psnr},
                "foveate": {
                    "bytes": share * 1000 * 1.5**psnr, "psnr": psnr, "butteraugli": 9 - psnr,
                },
            }
            for psnr in (1, 2, 3, 4, 5)
        }
    }  # fmt: skip


def test_ten_percent_fewer_bytes_everywhere_are_a_bd_rate_of_minus_ten() -> None:
    rates = find_bd_rates(curves(0.9))["foveate"]
    assert rates["psnr"]["percent"] == pytest.approx(-10, abs=1e-3)
    assert rates["butteraugli"]["percent"] == pytest.approx(-10, abs=1e-3)


def test_any_encoder_can_be_the_anchor() -> None:
    rates = find_bd_rates(curves(0.8), "foveate")
    assert rates["standard"]["psnr"]["percent"] == pytest.approx(25, abs=1e-3)
    assert "foveate" not in rates


def test_a_falling_curve_has_no_bd_rate() -> None:
    images = curves(0.9)
    images["a"]["3"]["foveate"]["psnr"] = 0.5
    assert "psnr" not in find_bd_rates(images)["foveate"]
