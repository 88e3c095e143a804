"""The front end alone is measured in rounds with another checkout."""

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.environment import ROOT
from bench.load.service_process import ServiceError
from bench.service.front_end import started_front_end


@pytest.mark.timeout(120)
def test_both_checkouts_are_measured_in_each_round(photo_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "front.json"
    arguments = ["--images", str(photo_folder), "--clients", "2", "--rounds", "1"]
    arguments += ["--seconds", "1", "--warm-up", "0.2"]
    assert main(["front", *arguments, "--against", str(ROOT), "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    for name in ("this", "against"):
        (measured,) = report["rounds"][name]
        assert measured["images_per_s"] > 0
        assert set(measured["cpu_ms_per_image"]) == {"app", "redis"}
        assert min(measured["cpu_ms_per_image"].values()) > 0
        both = report["summary"][name]["both_cpu_ms_per_image"]
        assert both == pytest.approx(sum(measured["cpu_ms_per_image"].values()), rel=1e-2)
    assert report["summary"]["ratio"]["p50"] > 0
    assert len(report["meta"]["against"]) == 40


def test_the_error_of_a_front_end_that_does_not_start_has_its_log(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("raise SystemExit('no such option')")
    started = started_front_end(tmp_path, b"photo")
    with pytest.raises(ServiceError, match="did not get ready\nno such option"), started:
        pass
