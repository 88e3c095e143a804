"""The cost of an AVIF, on one small photo."""

from pathlib import Path

from bench.avif.cost import measure_size, measure_speeds
from bench.datasets.uploads import generate_photo


def test_both_formats_are_measured(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    generate_photo(160, 128, 1).save(path)
    found = measure_size([path], (160, 128))
    assert found["megapixels"] == 160 * 128 / 1e6
    for name in ("jpeg", "avif"):
        assert found[name]["ms"] > 0
        assert found[name]["passes"] >= 1
        assert 0 < found[name]["bytes_ratio"] <= 1.01
    assert found["ms_ratio"] > 1


def test_each_speed_is_measured_with_and_without_the_map(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    generate_photo(256, 192, 1).save(path)
    speeds = measure_speeds([path])
    assert list(speeds) == ["6", "7", "8", "9"]
    assert speeds["7"]["plain_ms"] > speeds["9"]["plain_ms"]
    assert speeds["9"]["salient_psnr_gain"] < speeds["7"]["salient_psnr_gain"]
