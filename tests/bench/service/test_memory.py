"""Peak memory of the service by moment and role."""

from itertools import pairwise

import pytest

from bench.load.service_process import Processes
from bench.load.statistics import read_metrics
from bench.service import memory
from bench.service.memory import measure_memory
from tests.photos import photo, standard_jpeg

PHOTOS = "foveate_batch_size_sum"


def test_peaks_are_read_when_ready_and_after_uploads(
    shared_service: tuple[str, Processes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MEMORY_UPLOADS", 2)
    monkeypatch.setattr(memory, "LARGE_SIZE_PX", (300, 200))
    before = read_metrics(shared_service[0])
    peaks = measure_memory("/compress", [standard_jpeg(photo(96, 64), 75)], workers=1)
    moments = ("ready", "after_2_uploads", "after_24_megapixels")
    assert list(peaks) == [*moments, "errors", "large_photo"]
    for earlier, later in pairwise(moments):
        assert 0 < peaks[earlier]["worker"] <= peaks[later]["worker"]
    computed = read_metrics(shared_service[0])[PHOTOS] - before.get(PHOTOS, 0.0)
    assert computed == 2 + 1
    assert peaks["errors"] == {}
    assert peaks["large_photo"]["status"] == 200
