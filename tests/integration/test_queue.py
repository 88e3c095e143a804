"""Many uploads at once form batches; each ends separately, and Redis is empty afterwards."""

import io
from concurrent.futures import ThreadPoolExecutor

import httpx
from PIL import Image
from redis import Redis

from tests.integration.conftest import TTL_S
from tests.integration.running import wait_until_no_jobs
from tests.photos import file_of, photo


def broken_uploads() -> list[bytes]:
    """Return eight uploads, each broken in another way."""
    png, jpeg = file_of(photo(200, 150)), file_of(photo(200, 150), "JPEG", quality=90)
    flipped = bytearray(png)
    flipped[600:700] = bytes(100)
    return [
        b"",
        b"no image at all",
        png[: len(png) // 2],
        jpeg[: len(jpeg) // 2],
        jpeg[:100],
        bytes(flipped),
        file_of(photo(200, 150), "WEBP")[:-500],
        file_of(Image.new("1", (9000, 9000))),
    ]


def test_64_uploads_of_which_8_are_broken(client: httpx.Client, redis_of_service: Redis) -> None:
    bad = broken_uploads()
    good = [file_of(photo(120 + number, 100, seed=number)) for number in range(56)]
    uploads = [upload for at in range(8) for upload in [bad[at], *good[7 * at : 7 * at + 7]]]
    with ThreadPoolExecutor(64) as pool:
        responses = list(pool.map(lambda data: client.post("/compress", content=data), uploads))
    for number, response in enumerate(responses):
        if number % 8 == 0:
            assert response.headers["content-type"] == "application/problem+json"
            assert 400 <= response.status_code < 500
        else:
            shown = Image.open(io.BytesIO(response.content))
            assert shown.size == (120 + 7 * (number // 8) + number % 8 - 1, 100)
    wait_until_no_jobs(redis_of_service, TTL_S + 30)
