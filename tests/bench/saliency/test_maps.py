"""Drawing maps. test_run.py draws those of the networks."""

import numpy as np
from PIL import Image

from bench.metrics.gaze import Map
from bench.saliency.maps import draw_maps


def test_each_map_is_drawn_twice_and_timed() -> None:
    calls: list[tuple[int, int]] = []

    def draw(photo: Image.Image) -> Map:
        calls.append(photo.size)
        return np.full((2, 3), len(calls), np.float32)

    drawn = draw_maps(Image.new("RGB", (30, 20)), {"first": draw, "second": draw})
    assert calls == [(30, 20)] * 4
    assert {name: saliency[0, 0] for name, (saliency, _) in drawn.items()} == {
        "first": 1,
        "second": 3,
    }
    assert all(elapsed_ms >= 0 for _, elapsed_ms in drawn.values())
