"""Calibration of presence: offsets on odds that are off by known factors, and the choice of T."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.config import MSROIConfig
from model.msroi import MSROI, normalise_pixels
from model.training.calibration import (
    LARGEST_OFFSET,
    RIGHT_SHARE,
    THRESHOLDS,
    add_offsets,
    calibrate_presence,
    choose_threshold,
    fit_offsets,
    fit_presence,
    measure_odds,
    read_truth,
)
from model.training.photos import Photo
from tests.model.training.synthetic import write_photo
from tests.photos import photo

NAMES = ("dog", "cat", "person", "face", "text")


def labelled(*present: str, absent: tuple[str, ...] = ()) -> Photo:
    return Photo(Path("a.jpg"), 1, None, frozenset(present), frozenset(absent))


def make_network(features: int = 2) -> MSROI:
    torch.manual_seed(0)
    config = MSROIConfig(NAMES, features, context=True, gaze_features=2, input_area_px=96 * 128)
    return MSROI(config).eval()


def test_odds_are_those_of_the_whole_photo(tmp_path: Path) -> None:
    pixels = photo(128, 96, 1)
    one = Photo(write_photo(tmp_path / "a.png", pixels), 1)
    network = make_network()
    found = measure_odds(network, [one, one])
    with torch.inference_mode():
        maps = network.class_maps(normalise_pixels(torch.from_numpy(pixels)[None]))
        expected = network.presence(maps)[0].double().numpy()
    assert found.shape == (2, len(NAMES))
    np.testing.assert_allclose(found, [expected, expected], rtol=1e-5)


def test_a_label_says_that_no_other_object_is_there_and_nothing_of_people_and_text() -> None:
    photos = [
        labelled("dog"),
        labelled("dog", absent=("person", "face")),
        labelled("person"),
        labelled("person", absent=("dog", "cat", "face")),
    ]
    truth, known = read_truth(photos, NAMES)
    assert truth.tolist() == [
        [True, False, False, False, False],
        [True, False, False, False, False],
        [False, False, True, False, False],
        [False, False, True, False, False],
    ]
    assert known.tolist() == [
        [True, True, False, False, False],
        [True, True, True, True, False],
        [False, False, True, False, False],
        [True, True, True, True, False],
    ]


def test_offsets_undo_what_odds_are_off_by() -> None:
    random = np.random.default_rng(0)
    count = 20_000
    honest = random.lognormal(-1, 1, (count, 3))
    truth = random.random((count, 3)) < honest / (1 + honest)
    known = np.ones_like(truth)
    shift = np.array([1.0, -0.5, 0.0])
    found = fit_offsets(honest * np.exp(shift), truth, known, np.ones(count))
    assert found == pytest.approx(-shift, abs=0.06)
    # Photos whose truth is unknown don't count, and weights are numbers of photos.
    known[count // 2 :, 0] = False
    truth[count // 2 :, 0] = True
    weights = np.ones(count)
    weights[: count // 4] = 3
    again = fit_offsets(honest * np.exp(shift), truth, known, weights)
    assert again == pytest.approx(-shift, abs=0.08)


def test_few_photos_move_an_offset_little() -> None:
    odds = np.full((2, 1), 1e-3)
    shown = np.ones((2, 1), bool)
    few = fit_offsets(odds, shown, shown, np.ones(2))[0]
    many = fit_offsets(
        odds.repeat(200, 0), shown.repeat(200, 0), shown.repeat(200, 0), np.ones(400)
    )
    assert 0 < few < 1 < many[0] <= LARGEST_OFFSET
    assert fit_offsets(odds, shown, ~shown, np.ones(2)) == pytest.approx([0], abs=1e-6)


def test_the_threshold_is_the_highest_that_finds_enough_labels() -> None:
    odds = np.full((100, 2), 0.001)
    truth = np.zeros((100, 2), bool)
    truth[:, 0] = True
    odds[:, 1] = 5.0  # the likeliest, and never the label
    rank = np.arange(100)
    odds[:, 0] = 1 - rank / 100
    threshold = choose_threshold(odds, truth)
    assert (odds[:, 0] > threshold).mean() >= RIGHT_SHARE
    higher = [candidate for candidate in THRESHOLDS if candidate > threshold]
    assert (odds[:, 0] > min(higher)).mean() < RIGHT_SHARE
    # A label that is the likeliest class is present at any threshold.
    odds[:, 1] = 0
    assert choose_threshold(odds, truth) == THRESHOLDS[0]
    odds[:, 0], odds[:, 1] = 0, 1
    assert choose_threshold(odds, truth) == THRESHOLDS[-1]


def test_the_threshold_is_chosen_on_photos_of_one_object_after_the_offsets() -> None:
    photos = [labelled("dog")] * 60 + [labelled("cat")] * 60
    random = np.random.default_rng(1)
    honest = random.lognormal(0, 1, (120, len(NAMES)))
    honest[:60, 0] *= 8
    honest[60:, 1] *= 8
    offsets, threshold = fit_presence(honest, photos, NAMES)
    truth, _ = read_truth(photos, NAMES)
    assert threshold == choose_threshold(honest * np.exp(offsets), truth)
    scene = labelled("dog", absent=("cat", "person", "face"))
    assert (
        fit_presence(np.vstack([honest, honest[:1]]), [*photos, scene], NAMES)[0][0] != offsets[0]
    )


@pytest.mark.parametrize("features", [1, 2])
def test_offsets_multiply_the_odds_and_leave_a_calibrated_map(features: int) -> None:
    network, images = make_network(features), torch.rand(1, 3, 64, 64)
    offsets = torch.tensor([0.5, -1.0, 0.0, 2.0, -2.0])
    with torch.inference_mode():
        before, saliency = network.presence(network.class_maps(images)), network(images)
    add_offsets(network, offsets)
    with torch.inference_mode():
        torch.testing.assert_close(
            network.presence(network.class_maps(images)), before * offsets.exp()
        )
        assert torch.equal(network(images), saliency)


def test_a_calibrated_network_has_the_fitted_offsets_and_threshold(tmp_path: Path) -> None:
    paths = [write_photo(tmp_path / f"{seed}.png", photo(128, 96, seed)) for seed in range(4)]
    single = [Photo(path, 1, None, frozenset({"dog"})) for path in paths[:3]]
    scenes = [Photo(paths[3], 1, None, frozenset({"cat"}), frozenset({"dog", "person", "face"}))]
    network = make_network()
    before = measure_odds(network, [*single, *scenes])
    offsets, threshold = fit_presence(before, [*single, *scenes], NAMES)
    config = network.config
    calibrate_presence(network, single, scenes)
    assert network.config == replace(config, threshold=threshold)
    after = measure_odds(network, [*single, *scenes])
    np.testing.assert_allclose(after, before * np.exp(offsets), rtol=1e-3)
