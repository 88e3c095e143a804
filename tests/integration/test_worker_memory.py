"""A worker with more photos than it may open stays within the memory of docs/operations.md."""

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from bench.load.service_process import peak_rss_bytes
from tests.integration.http_requests import post
from tests.integration.running import run_service
from tests.photos import file_of, photo

WIDTH_PX, HEIGHT_PX = 3000, 2000
UPLOADS = 6
# A worker with the network loaded takes so much, and so much more for each pixel of MAX_OPEN_PIXELS.
LOADED_BYTES = 500_000_000
BYTES_PER_PIXEL = 30


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak of a process")
def test_photos_beyond_the_limit_take_no_more_memory(tmp_path: Path) -> None:
    open_pixels = WIDTH_PX * HEIGHT_PX  # one of them at a time
    picture = Image.fromarray(photo(WIDTH_PX // 5, HEIGHT_PX // 5)).resize((WIDTH_PX, HEIGHT_PX))
    large = file_of(picture, "JPEG", quality=90)
    # With the cache, equal uploads would be one job.
    settings = {"MAX_OPEN_PIXELS": str(open_pixels), "CACHE_MAX_BYTES": "0"}
    with run_service(tmp_path, **settings) as service, ThreadPoolExecutor(UPLOADS) as pool:
        url = service.url
        (worker,) = service.workers

        def upload(_: int) -> int:
            return post(f"{url}/compress", content=large, timeout=120).status_code

        assert Counter(pool.map(upload, range(UPLOADS))) == {200: UPLOADS}
        peak = peak_rss_bytes(worker)
        assert [one.pid for one in service.workers] == [worker.pid]
    assert peak < LOADED_BYTES + BYTES_PER_PIXEL * open_pixels
