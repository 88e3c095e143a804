"""Which plots a result has data for."""

from typing import Any

import pytest

from bench.rd.plots import draw_plots

PNG = b"\x89PNG"


def make_result(qualities: list[str], ladder_steps: int | None) -> dict[str, Any]:
    def rows(psnr: float) -> dict[str, dict[str, float]]:
        return {
            "standard": {"bytes": 1000, "psnr": psnr},
            "foveate": {"bytes": 1000, "psnr": psnr + 1},
        }

    images = {
        name: {quality: rows(30 + int(quality) / 10) for quality in qualities}
        for name in ("a", "b")
    }
    return {"meta": {"ladder_steps": ladder_steps}, "summary": rows(30.0),
            "by_quality": dict.fromkeys(qualities), "images": images}  # fmt: skip


@pytest.mark.parametrize(
    ("qualities", "ladder_steps", "names"),
    [
        (["50"], None, {"gains"}),
        (["50", "75"], None, {"gains", "curve_psnr"}),
        (["50"], 2, {"gains", "ladder_psnr"}),
    ],
)
def test_curves_need_several_qualities_and_a_ladder_several_sizes(
    qualities: list[str], ladder_steps: int | None, names: set[str]
) -> None:
    plots = draw_plots(make_result(qualities, ladder_steps), {"a": 64, "b": 128})
    assert set(plots) == names
    assert all(png.startswith(PNG) for png in plots.values())
