"""A fake service, and an album of photos to send to it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.client.fake_service import FakeService, serve
from tests.photos import file_of, photo


@pytest.fixture
def fake_service() -> Iterator[FakeService]:
    """Return a running stand-in for the service."""
    service = FakeService()
    service.open.set()
    with serve(service):
        yield service


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Return a folder of photos, one of them damaged, with other files among them."""
    folder = tmp_path / "album"
    (folder / "summer").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(file_of(photo(80, 60, 1), "JPEG", quality=98))
    (folder / "b.png").write_bytes(file_of(photo(60, 80, 2)))
    (folder / "summer" / "c.webp").write_bytes(file_of(photo(70, 50, 3), "WEBP"))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 not a JPEG")
    (folder / "notes.txt").write_bytes(b"not a photo")
    return folder


@pytest.fixture(autouse=True)
def handler_of_sigterm() -> Iterator[None]:
    """Restore the handler that the command replaces."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
