"""The rival LitServe, if it is installed. CI does not install it."""

import pytest

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.service.compared_servers import fetch_jpeg, started_server

OPTIONS = "quality=50&target=size&progressive=false"


def test_it_serves_jpegs_from_its_worker_process() -> None:
    pytest.importorskip("litserve")
    with started_server("litserve", OPTIONS) as server:
        jpeg = fetch_jpeg(server.url, OPTIONS, to_jpeg(generate_photo(96, 64, seed=1)))
        assert jpeg.startswith(b"\xff\xd8")
        spent_s = server.cpu_s()
        assert spent_s["worker"] > 0
        assert server.describe is not None
        assert server.describe(0.0, float("inf"))["mean_batch"] == 1.0
