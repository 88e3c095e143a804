"""Shared by all tests: a Valkey, the larger photos, what to do without a tool, the order of files."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from app.supervision import embedded_redis as embedded

ROOT = Path(__file__).parent.parent

# The first file starts a worker, which compiles the codec's kernels where no cache has them. The
# front end's tests need no kernels, so the other process runs them meanwhile. Then come the files
# that take longest, so that both processes end at the same time.
FIRST_FILE = "integration/test_cache.py"
FOLDERS = ("app", "integration", "browser", "model", "bench", "worker")

# A background job of a shell ignores SIGINT, and so would every process that it starts. A signal
# that is handled, unlike one that is ignored, has its default action in child processes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def require(resource: object, reason: str) -> None:
    """Skip the test where a resource is missing; with CI set, fail it."""
    if not resource:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(reason)


def needs(resource: object, reason: str) -> pytest.MarkDecorator:
    """Return a mark that skips tests where a resource is missing; with CI set they run, and fail."""
    return pytest.mark.skipif(not resource and not os.environ.get("CI"), reason=reason)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes pytest starts: none for a single file, or with ``-s``."""
    one_file = len(config.args) == 1 and ".py" in config.args[0]
    if one_file or config.getoption("capture") == "no":
        return 0
    return os.cpu_count() or 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files into the order of `FIRST_FILE` and `FOLDERS`."""
    items.sort(key=order_of)


def order_of(item: pytest.Item) -> int:
    """Return the place of a test's file: smaller is earlier."""
    path = item.path.relative_to(Path(__file__).parent)
    if path == Path(FIRST_FILE):
        return 0
    return 1 + FOLDERS.index(path.parts[0]) if path.parts[0] in FOLDERS else len(FOLDERS) + 1


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a bundled Valkey that runs during the session."""
    folder = tmp_path_factory.mktemp("valkey")
    folder.chmod(0o700)
    server = subprocess.Popen(embedded.command(embedded.find_server(), folder))
    try:
        url = embedded.url(folder)
        embedded.wait_until_up(url, give_up=lambda: server.poll() is not None)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def connection(redis_url: str) -> Iterator[Redis]:
    """Return a client of the Valkey, which is empty."""
    with Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of the larger photos; skip where there is none."""
    folder = Path(os.environ.get("FOVEATE_DATA", ROOT.parent / "shared" / "data"))
    require((folder / "kodak").is_dir(), "no larger photos here: set FOVEATE_DATA")
    return folder
