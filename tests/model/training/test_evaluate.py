from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from model.config import MSROIConfig
from model.msroi import MSROI
from model.training.evaluate import (
    SMOOTHINGS,
    THRESHOLDS,
    captured_share,
    compute_evidence,
    compute_map,
    fit_constants,
    locate_fixations,
    score_by_set,
)
from model.training.gaze import Record
from tests.photos import photo

MAP = np.arange(16, dtype=np.float32).reshape(4, 4)


def record_of(*points: tuple[float, float]) -> Record:
    return Record(Path("none"), "none", (100, 100), np.array(points))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    folder = tmp_path_factory.mktemp("gaze")
    found = []
    for seed in range(4):
        path = folder / f"{seed}.png"
        Image.fromarray(photo(120, 90, seed)).save(path)
        fixations = np.random.default_rng(seed).random((12, 2))
        found.append(Record(path, "few" if seed == 0 else "many", (120, 90), fixations))
    return found


@pytest.fixture
def network() -> MSROI:
    """Return a network with a class whose presence is below half of the thresholds."""
    torch.manual_seed(0)
    network = MSROI(MSROIConfig(("cat", "person", "face"), input_area_px=96 * 128))
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.endswith("conv.weight"):
                torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
        network.classes.weight.normal_(std=0.01)
        network.classes.bias.copy_(torch.tensor([0.03, 0.03, 0.005, 0.005, 0.0015, 0.0015]).log())
    return network.eval()


def test_fixations_are_located_in_the_map() -> None:
    rows, columns = locate_fixations(record_of((0.9, 0.1), (0.0, 0.99)), (4, 10))
    assert (rows.tolist(), columns.tolist()) == ([0, 3], [9, 0])


def share_of(*points: tuple[float, float]) -> float:
    return captured_share(MAP, locate_fixations(record_of(*points), MAP.shape))


def test_the_captured_share_is_of_the_fixations_in_the_hottest_quarter() -> None:
    last_row, above = [(x, 0.9) for x in (0.1, 0.4, 0.6, 0.9)], [(0.9, 0.7), (0.1, 0.1)]
    assert share_of(*last_row) == 1
    assert share_of(*last_row, *above) == pytest.approx(4 / 6)
    assert share_of(*above) == 0


def test_a_uniform_map_captures_nothing() -> None:
    uniform = np.ones((4, 4), np.float32)
    assert captured_share(uniform, locate_fixations(record_of((0.5, 0.5)), (4, 4))) == 0


def test_maps_have_the_size_that_the_service_chooses(network: MSROI, records: list[Record]) -> None:
    found = list(compute_evidence(network, records))
    assert [record for record, _ in found] == records
    assert {tuple(maps.shape) for _, (maps, _) in found} == {(1, 3, 2, 12, 16)}
    assert {gaze for _, (_, gaze) in found} == {None}


def test_the_map_of_calibrated_features_is_measured(records: list[Record]) -> None:
    network = MSROI(MSROIConfig(("cat",), gaze_features=3, input_area_px=96 * 128)).eval()
    for _, evidence in compute_evidence(network, records[:1]):
        with torch.inference_mode():
            expected = network.saliency(*evidence)[0].numpy()
        assert evidence.gaze is not None
        assert np.array_equal(expected, evidence.gaze[0].numpy())
        assert np.array_equal(compute_map(network, evidence, 0.0), expected)


def test_smoothing_reduces_differences_and_none_changes_nothing(
    network: MSROI, records: list[Record]
) -> None:
    _, evidence = next(compute_evidence(network, records))
    with torch.inference_mode():
        plain = network.saliency(*evidence)[0].numpy()
    assert np.array_equal(compute_map(network, evidence, 0.0), plain)
    smooth = compute_map(network, evidence, 1.0)
    assert smooth.shape == plain.shape == (12, 16)
    assert np.abs(np.diff(smooth)).mean() < np.abs(np.diff(plain)).mean()


def test_the_fitted_constants_have_the_best_mean_of_all_sets(
    network: MSROI, records: list[Record]
) -> None:
    config = network.config

    def mean_nss(candidate: MSROIConfig) -> float:
        network.config = candidate
        return float(np.mean([row["nss"] for row in score_by_set(network, records).values()]))

    found = fit_constants(network, records)
    assert network.config == config
    assert found.threshold in THRESHOLDS
    assert found.smoothing_cells in SMOOTHINGS
    assert replace(found, threshold=0.0, smoothing_cells=0.0) == replace(
        config, threshold=0.0, smoothing_cells=0.0
    )
    scores = {
        mean_nss(replace(config, threshold=threshold, smoothing_cells=smoothing))
        for threshold in THRESHOLDS[::2]
        for smoothing in SMOOTHINGS[::2]
    }
    assert len(scores) > 3
    assert mean_nss(found) >= max(scores) - 1e-4


def test_scores_are_by_set(network: MSROI, records: list[Record]) -> None:
    found = score_by_set(network, records)
    assert {name: row["photos"] for name, row in found.items()} == {"few": 1, "many": 3}
    for row in found.values():
        assert sorted(row) == ["captured_25", "nss", "photos"]
        assert 0 <= row["captured_25"] <= 1
        assert np.isfinite(row["nss"])
