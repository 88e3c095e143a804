"""A round against a service that answers at once."""

import argparse

from bench.avif.beside import measure_round
from tests.app.client.fake_service import FakeService, serve
from tests.photos import file_of, photo


def test_jpegs_are_timed_while_avifs_are_in_progress() -> None:
    service = FakeService()
    service.open.set()
    args = argparse.Namespace(requests=5, pause_ms=1.0)
    with serve(service):
        alone = measure_round(service.url, [file_of(photo(32, 24))], 0, args)
        beside = measure_round(service.url, [file_of(photo(32, 24))], 2, args)
    assert (alone["avifs"], alone["avif_median_ms"]) == (0, None)
    assert beside["avifs"] > 0
    assert beside["avifs_failed"] == 0
    assert 0 < beside["jpeg_median_ms"] <= beside["jpeg_p95_ms"]
