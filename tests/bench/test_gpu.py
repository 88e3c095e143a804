"""The GPU benchmark says so where there is no GPU, and its stages are the worker's."""

from pathlib import Path

import pytest
import torch

from bench.__main__ import main
from bench.gpu import PHOTO_PX
from bench.gpu_stages import measure_stages
from bench.service_photos import generate_photo, to_jpeg


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_measured_and_nothing_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    assert main(["gpu", "--out", str(out)]) == 0
    assert "nothing was measured" in capsys.readouterr().out
    assert not out.exists()


def test_every_stage_has_a_rate() -> None:
    assert PHOTO_PX == (768, 512)
    photos = [to_jpeg(generate_photo(96, 64, seed)) for seed in range(2)]
    rates = measure_stages(photos, "cpu", (1, 2), 2, seconds=0.01)
    assert {stage: list(found) for stage, found in rates.items()} == {
        "decode": ["1", "2"],
        "predict": ["1", "2"],
        "encode": ["1", "2"],
    }
    assert all(rate > 0 for found in rates.values() for rate in found.values())
