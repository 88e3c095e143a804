"""Files that attack decoders: each gets a response in time, the worker survives in bounded memory.

Each file of the larger data is sent with one of the sets of options, with ``make sweep`` with all.
"""

import io
import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from bench.load.service_process import peak_rss_bytes
from tests.integration.http_requests import post
from tests.integration.running import Running, run_service
from tests.photos import file_of, photo
from tests.worker.image.measure_decode import hidden_gif_frame

MAX_RSS_BYTES = 1_500_000_000
SLOWEST_S = 10.0
STATUSES = {200, 400, 413, 415, 422}
QUERIES = (
    "?heatmap=map",
    "?heatmap=overlay&target=size&quality=30",
    "?heatmap=classes",
    "?quality=95&subsampling=444&progressive=false&max_bytes=5000",
)
EVERY = 1 if os.environ.get("FOVEATE_SWEEP") else len(QUERIES)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb_png(width_px: int, height_px: int, *extra: bytes) -> bytes:
    """Return a PNG of few bytes and very many equal pixels."""
    head = struct.pack(">IIBBBBB", width_px, height_px, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width_px + 7) // 8 + 1) * height_px, 9)
    parts = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def hostile_files() -> dict[str, tuple[bytes, set[int]]]:
    """Return files by name, each with the statuses that it may get."""
    jpeg, png = file_of(photo(), "JPEG"), file_of(photo())
    frames = [Image.fromarray(photo(40, 30, seed)) for seed in range(30)]
    deep = Image.Exif()
    deep[0x010E] = "x" * 60_000
    profile = zlib.compress(bytes(30_000_000), 9)
    return {
        "pixels over the limit": (bomb_png(60_000, 60_000), {413}),
        "pixels at the limit": (bomb_png(50_000, 1_000), {200}),
        "a strip of 65,500 by 1": (bomb_png(65_500, 1), {200}),
        "a strip of 1 by 65,500": (bomb_png(1, 65_500), {200}),
        "a side too long for a JPEG": (bomb_png(100_000, 1), {413}),
        "a profile that unpacks to 30 MB": (
            bomb_png(64, 64, chunk(b"iCCP", b"a\0\0" + profile)),
            {200, 422},
        ),
        "text that unpacks to 30 MB": (
            bomb_png(64, 64, chunk(b"zTXt", b"a\0\0" + profile)),
            {200, 422},
        ),
        "many frames": (file_of(frames[0], "GIF", save_all=True, append_images=frames[1:]), {200}),
        "deep EXIF": (file_of(photo(), "JPEG", exif=deep), {200}),
        "a GIF's screen larger than its frame": (
            b"GIF89a" + bytes.fromhex("ffffffff800000000000ffffff2c00000000010001000002024401003b"),
            {413},
        ),
        # Pillow's limit on pixels is ours: it refuses what only it finds.
        "a GIF's frame that only Pillow finds": (hidden_gif_frame(12_000), {422}),
        "a photo and an archive": (jpeg + b"PK\x03\x04" + bytes(1000), {200, 422}),
        "a photo and a page": (jpeg + b"<script>alert(1)</script>", {200, 422}),
        "a page before a photo": (b"<html>" + jpeg, {415}),
        "two photos": (jpeg + jpeg, {200, 422}),
        "a header alone": (png[:33], {415, 422}),
        "a TIFF that points at itself": (b"II*\0\x08\0\0\0\0\0\x08\0\0\0", {415, 422}),
        "names in metadata": (
            file_of(photo(), "JPEG", comment=b"\x1b[2J\r\nX-Injected: 1\r\n\r\n<script>"),
            {200},
        ),
    }


FILES = hostile_files()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a service with the default limits."""
    with run_service(tmp_path_factory.mktemp("large"), RESULT_TTL_S="2") as running:
        assert running.url
        yield running


@pytest.fixture
def worker(large: Running) -> Iterator[psutil.Process]:
    """Return the worker; it survives the test within its memory."""
    (worker,) = large.workers
    yield worker
    assert [process.pid for process in large.workers] == [worker.pid]
    assert peak_rss_bytes(worker) < MAX_RSS_BYTES


def send(url: str, data: bytes, query: str = "") -> httpx.Response:
    """Return the response, which must come in time even on a busy machine."""
    started_s = time.monotonic()
    response = post(f"{url}/compress{query}", content=data, timeout=60)
    assert time.monotonic() - started_s < SLOWEST_S
    return response


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("worker")
def test_hostile_files_get_a_response(large: Running) -> None:
    wrong = {}
    for name, (data, expected) in FILES.items():
        response = send(large.url, data)
        if response.status_code not in expected:
            wrong[name] = (response.status_code, response.text[:200])
        if response.status_code == 200:
            Image.open(io.BytesIO(response.content)).load()
            assert b"script" not in response.content
            assert b"X-Injected" not in response.content
        else:
            assert response.headers["content-type"] == "application/problem+json"
        assert "x-injected" not in response.headers
    assert not wrong
    assert "script" not in large.output


@pytest.mark.data
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_hostile_files_of_the_larger_data_get_a_response(
    large: Running, data_dir: Path, number: int
) -> None:
    paths = [path for path in sorted((data_dir / "hostile").rglob("*")) if path.is_file()]
    assert len(paths) > 400
    paths = paths[number % EVERY :: EVERY]
    statuses = {
        str(path): send(large.url, path.read_bytes(), QUERIES[number]).status_code for path in paths
    }
    assert not {path: status for path, status in statuses.items() if status not in STATUSES}
    assert list(statuses.values()).count(200) > len(paths) / 4
