"""Fixtures of several benchmarks' tests: a running service, and folders of small photos."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.load.service_process import Processes, started_service
from tests.photos import photo


@pytest.fixture(scope="session")
def running_service() -> Iterator[tuple[str, Processes]]:
    """Return the URL and the processes of a service with one worker, started for the session."""
    with started_service(workers=1) as service:
        yield service


@pytest.fixture
def shared_service(
    running_service: tuple[str, Processes], monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Processes]:
    """Make benchmarks measure the running service instead of starting one."""

    def started(*_: Any, **__: Any) -> Any:
        return nullcontext(running_service)

    modules = (
        *("gpu.service_load", "robustness.folder"),
        *("service.cache", "service.memory", "service.run"),
    )
    for module in modules:
        monkeypatch.setattr(f"bench.{module}.started_service", started)
    return running_service


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """Return a folder of two small photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(2):
        Image.fromarray(photo(192, 128, seed)).save(folder / f"{seed}.png")
    return folder
