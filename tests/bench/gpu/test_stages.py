from bench.datasets.uploads import generate_photo, to_jpeg
from bench.gpu.run import PHOTO_PX
from bench.gpu.stages import measure_stages


def test_every_stage_has_a_rate() -> None:
    assert PHOTO_PX == (768, 512)
    photos = [to_jpeg(generate_photo(96, 64, seed)) for seed in range(2)]
    found = measure_stages(photos, "cpu", (1, 2), 2, seconds=0.01)
    assert {stage: list(rates) for stage, rates in found.items()} == {
        "decode": ["1", "2"],
        "predict": ["1", "2"],
        "encode": ["1", "2"],
    }
    assert all(rate > 0 for rate in found["predict"].values())
    for stage in ("decode", "encode"):
        assert all(min(figures.values()) > 0 for figures in found[stage].values())
