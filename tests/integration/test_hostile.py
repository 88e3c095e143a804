"""Files made to hurt: each gets an answer in time, from the same worker, in bounded memory.

Of the larger data's files every seventh is sent with each set of options; ``make sweep`` sends all.
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
from tests.integration.running import Running, run_service
from tests.photos import file_of, photo

MAX_RSS_BYTES = 1_500_000_000
SLOWEST_S = 10.0
EVERY = 1 if os.environ.get("FOVEATE_SWEEP") else 7
ANSWERS = {200, 400, 413, 415, 422}


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG's chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb_png(width_px: int, height_px: int, *extra: bytes) -> bytes:
    """Return a small file of very many equal pixels."""
    head = struct.pack(">IIBBBBB", width_px, height_px, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width_px + 7) // 8 + 1) * height_px, 9)
    parts = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def hostile_files() -> dict[str, tuple[bytes, set[int]]]:
    """Return files by name, with the statuses that they may get."""
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
        "a side that no JPEG has": (bomb_png(100_000, 1), {413}),
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
    """Return a service with its usual limits."""
    with run_service(tmp_path_factory.mktemp("large"), RESULT_TTL_S="2") as running:
        assert running.url
        yield running


def worker_of(service: Running) -> psutil.Process:
    (worker,) = service.children("-m worker")
    return worker


def post(url: str, data: bytes, query: str = "") -> httpx.Response:
    started_s = time.monotonic()
    response = httpx.post(f"{url}/compress{query}", content=data, timeout=60)
    # On a machine that is busy with other things a second is soon over.
    assert time.monotonic() - started_s < SLOWEST_S
    return response


@pytest.mark.timeout(300)
def test_files_made_to_hurt_get_an_answer(large: Running) -> None:
    worker = worker_of(large)
    wrong = {}
    for name, (data, expected) in FILES.items():
        response = post(large.url, data)
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
    assert worker_of(large).pid == worker.pid
    assert peak_rss_bytes(worker) < MAX_RSS_BYTES
    assert "script" not in large.output


@pytest.mark.data
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "query",
    [
        "",
        "?heatmap=overlay&target=size&quality=30",
        "?quality=95&subsampling=444&progressive=false&max_bytes=5000",
    ],
)
def test_every_hostile_file_gets_an_answer_with_these_options(
    large: Running, data_dir: Path, query: str
) -> None:
    worker = worker_of(large)
    paths = [path for path in sorted((data_dir / "hostile").rglob("*")) if path.is_file()]
    assert len(paths) > 400
    paths = paths[len(query) % EVERY :: EVERY]
    statuses = {str(path): post(large.url, path.read_bytes(), query).status_code for path in paths}
    assert not {path: status for path, status in statuses.items() if status not in ANSWERS}
    assert list(statuses.values()).count(200) > len(paths) / 4
    assert worker_of(large).pid == worker.pid
    assert peak_rss_bytes(worker) < MAX_RSS_BYTES
