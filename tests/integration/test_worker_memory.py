"""A worker that is sent more than it may open keeps to the memory that docs/operations.md names."""

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from bench.load.service_process import peak_rss_bytes
from tests.integration.running import run_service
from tests.photos import file_of, photo

WIDTH_PX, HEIGHT_PX = 3000, 2000
UPLOADS = 14
# With the model loaded, and for each pixel of MAX_OPEN_PIXELS.
LOADED_BYTES = 500_000_000
BYTES_PER_PIXEL = 30


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process' peak")
def test_photos_beyond_the_limit_cost_no_more_memory(tmp_path: Path) -> None:
    open_pixels = WIDTH_PX * HEIGHT_PX  # one of them at a time
    large = file_of(photo(WIDTH_PX, HEIGHT_PX), "JPEG", quality=90)
    # Without a cache equal uploads are computed each.
    settings = {"MAX_OPEN_PIXELS": str(open_pixels), "CACHE_MAX_BYTES": "0"}
    with run_service(tmp_path, **settings) as service, ThreadPoolExecutor(UPLOADS) as pool:
        url = service.url
        (worker,) = service.children("-m worker")

        def post(_: int) -> int:
            return httpx.post(f"{url}/compress", content=large, timeout=120).status_code

        assert Counter(pool.map(post, range(UPLOADS))) == {200: UPLOADS}
        peak = peak_rss_bytes(worker)
        assert [p.pid for p in service.children("-m worker")] == [worker.pid]
    assert peak < LOADED_BYTES + BYTES_PER_PIXEL * open_pixels
