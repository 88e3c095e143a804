"""What tests of several packages share: a Valkey, the larger photos, what they require, their order."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from app.supervision import embedded_redis as embedded

ROOT = Path(__file__).parent.parent

# A shell's background job ignores Ctrl-C, and so would every process that tests start and
# interrupt: a signal that is handled, unlike one that is ignored, has its default way in children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def require(resource: object, reason: str) -> None:
    """Skip the test where a resource is missing; with CI set, fail it."""
    if not resource:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(reason)


def needs(resource: object, reason: str) -> pytest.MarkDecorator:
    """Return a mark that skips tests where a resource is missing; with CI set, they run and fail."""
    return pytest.mark.skipif(not resource and not os.environ.get("CI"), reason=reason)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many processes to use: none but this one for a single file, or with ``-s``."""
    one_file = len(config.args) == 1 and ".py" in config.args[0]
    if one_file or config.getoption("capture") == "no":
        return 0
    return os.cpu_count() or 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that wait for services first, so that both processes end at the same time."""
    items.sort(key=lambda item: "integration" not in item.path.parts)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of the bundled Valkey, started for this session."""
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
    """Return a client of an empty Valkey."""
    with Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of the larger photos; skip where there is none."""
    folder = Path(os.environ.get("FOVEATE_DATA", ROOT.parent / "shared" / "data"))
    require((folder / "kodak").is_dir(), "no larger photos here: set FOVEATE_DATA")
    return folder
