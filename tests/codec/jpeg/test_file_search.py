from typing import Any

import pytest

import codec
from codec.jpeg.components import split_components
from codec.jpeg.file_search import guess_first_step, search_file, write_jpeg
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.tuning import DEFAULT
from codec.jpeg.rate_control import trials
from codec.jpeg.rate_control.passes import Point, run_pass
from codec.jpeg.rate_control.target import Goal
from codec.jpeg.rate_control.trials import make_prior_rates
from codec.jpeg.syntax.own_mark import MARK_BYTES
from codec.jpeg.write.scan_script import measure_share
from codec.settings import EncodeSettings, OutOfReachError
from tests.codec.pictures import scene, sky, spot

IMAGE = scene(120, 160)
SPOT = spot(20, 28)


def encode(**options: Any) -> codec.Encoded:
    # The hard edges of the image would make `auto` choose 4:4:4.
    return codec.encode(IMAGE, SPOT, EncodeSettings(**{"subsampling": "420", **options}))


@pytest.mark.parametrize("target", ["size", "quality"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("max_bytes", [1500, 3001])
def test_max_bytes_is_kept_exactly_and_nearly_used(
    target: str, progressive: bool, max_bytes: int
) -> None:
    found = encode(quality=95, target=target, progressive=progressive, max_bytes=max_bytes)
    assert 0.96 * max_bytes < len(found.jpeg) <= max_bytes


def test_max_bytes_beyond_the_reference_changes_nothing() -> None:
    assert encode(quality=75, max_bytes=10**6).jpeg == encode(quality=75).jpeg


def test_max_bytes_below_the_smallest_file_is_an_error_that_names_it() -> None:
    message = "no file of at most 300 bytes: the smallest has"
    with pytest.raises(OutOfReachError, match=message) as caught:
        encode(quality=75, max_bytes=300)
    smallest_bytes = caught.value.smallest_bytes
    assert caught.value.max_bytes == 300
    assert len(encode(quality=75, max_bytes=smallest_bytes).jpeg) == smallest_bytes


def test_any_max_bytes_above_the_smallest_file_is_met() -> None:
    # A gradient is nearly all DC, which no λ shortens.
    gradient = sky(64, 300)[..., 0].copy()
    with pytest.raises(OutOfReachError) as caught:
        codec.encode(gradient, None, EncodeSettings(90, max_bytes=1))
    smallest_bytes = caught.value.smallest_bytes
    for max_bytes in range(smallest_bytes, smallest_bytes + 130, 3):
        found = codec.encode(gradient, None, EncodeSettings(90, max_bytes=max_bytes))
        assert len(found.jpeg) <= max_bytes


def test_a_search_without_passes_left_takes_the_coarsest(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every search ends above the limit, and after the first no passes are left.
    monkeypatch.setattr("codec.jpeg.rate_control.target.CAP_SHARE", 1.2)
    monkeypatch.setattr("codec.jpeg.file_search._MOST_PASSES", 0)
    found = encode(quality=75, max_bytes=1500)
    assert len(found.jpeg) <= 1500
    assert found.jpeg == encode(quality=75, max_bytes=len(found.jpeg)).jpeg


def test_a_file_shorter_than_estimated_is_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def mislead(*arguments: Any) -> float:
        return measure_share(*arguments) * 1.02

    monkeypatch.setattr(trials, "measure_share", mislead)
    found = encode(quality=60, progressive=True)
    assert 0.99 <= len(found.jpeg) / found.reference_bytes <= 1.01


def test_a_file_longer_than_its_limit_is_searched_again() -> None:
    components = split_components(IMAGE, SPOT, subsample=True, tuning=DEFAULT)
    # The search aims at 4,000 bytes and accepts up to 0.6 % more; the limit is below its aim.
    goal = Goal(target_bytes=4000.0, limit_bytes=3950.0)
    blocks, settings = Blocks(components), EncodeSettings(60)
    found = search_file((160, 120), blocks, DEFAULT, goal, 16.0, 4000, settings)
    assert 0.97 * 3950 < len(found.jpeg) <= 3950
    assert found.reference_bytes == 4000


def test_a_baseline_file_has_the_bytes_of_its_pass() -> None:
    components = split_components(IMAGE, None, subsample=True, tuning=DEFAULT)
    blocks = Blocks(components)
    chosen = run_pass(blocks, DEFAULT, Point(16.0, 16.0), [make_prior_rates()] * 2)
    jpeg = write_jpeg((160, 120), components, chosen, blocks.read())
    assert len(jpeg) + MARK_BYTES == pytest.approx(chosen.file_bytes, rel=0.005)


def test_a_search_for_quality_starts_coarser_than_one_for_size() -> None:
    size, quality = (EncodeSettings(75, target=target) for target in ("size", "quality"))
    assert guess_first_step(size, 5000, 20000) < guess_first_step(quality, 5000, 20000)
