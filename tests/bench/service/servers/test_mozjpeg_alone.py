import pytest

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.encoders import find_missing
from bench.service.servers.mozjpeg_alone import measure_mozjpeg


def test_mozjpeg_is_timed_on_one_thread_and_on_all_cores() -> None:
    if missing := find_missing(["mozjpeg"]):
        pytest.skip(missing["mozjpeg"])
    photos = [to_jpeg(generate_photo(192, 128, seed)) for seed in range(2)]
    coarse, fine = (
        measure_mozjpeg(photos, f"quality={quality}&progressive=false", 0.05)
        for quality in (30, 90)
    )
    assert coarse is not None
    assert fine is not None
    for kind in ("single", "batch"):
        assert coarse[kind]["cpu_ms"] > 0
        assert coarse[kind]["elapsed_ms"] > 0
        # The request's quality is used.
        assert coarse[kind]["mean_bytes"] < fine[kind]["mean_bytes"] / 2
