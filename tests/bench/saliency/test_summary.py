"""Means over photos for each map."""

import pytest

from bench.metrics.gaze import MEASURES
from bench.saliency.objects import COVERAGE
from bench.saliency.summary import print_table, summarise


def test_measures_are_means_and_times_medians(capsys: pytest.CaptureFixture[str]) -> None:
    images = {
        name: {"foveate": {**dict.fromkeys(MEASURES, value), "ms": value}}
        for name, value in (("a", 1.0), ("b", 2.0), ("c", 6.0))
    }
    objects = [dict.fromkeys(COVERAGE, share) for share in (0.0, 1.0)]
    covered = {"objects": [{"foveate": {"objects": objects, "ms": 100.0}}], "mosaics": []}
    row = summarise(["foveate"], images, covered)["foveate"]
    assert row["nss"] == 3.0
    assert row["ms_per_image"] == 4.0  # of 1, 2, 6 and 100
    assert row["objects"] == {"count": 2, **dict.fromkeys(COVERAGE, 0.5)}
    assert "mosaics" not in row
    print_table({"foveate": row})
    assert "half_25" in capsys.readouterr().out


def test_a_map_without_shuffled_auc_lacks_only_that_measure() -> None:
    measures = {name: 1.0 for name in MEASURES if name != "auc_shuffled"}
    row = summarise(["foveate"], {"a": {"foveate": {**measures, "ms": 1.0}}}, {})["foveate"]
    assert set(row) == {*measures, "ms_per_image"}
