"""A round against a service that answers at once."""

import argparse

import pytest

from bench.avif.beside import measure_round
from tests.app.client.fake_service import FakeService, serve
from tests.photos import file_of, photo


@pytest.mark.parametrize("name", ["avif", "jp2"])
def test_jpegs_are_timed_while_others_are_in_progress(name: str) -> None:
    service = FakeService()
    service.open.set()
    args = argparse.Namespace(requests=5, pause_ms=1.0, format=name)
    with serve(service):
        alone = measure_round(service.url, [file_of(photo(32, 24))], 0, args)
        beside = measure_round(service.url, [file_of(photo(32, 24))], 2, args)
    assert (alone[f"{name}s"], alone[f"{name}_median_ms"]) == (0, None)
    assert beside[f"{name}s"] > 0
    assert beside[f"{name}s_failed"] == 0
    assert 0 < beside["jpeg_median_ms"] <= beside["jpeg_p95_ms"]
