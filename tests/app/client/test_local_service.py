"""A service that the command starts for itself."""

import sys
from pathlib import Path

import psutil
import pytest

from app.client import local_service as module
from app.client.local_service import local_service
from app.client.sender import UnusableServiceError


def fake_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """Let ``python -m app run`` run a script instead."""
    (tmp_path / "app.py").write_text(script)
    monkeypatch.setattr(module, "ROOT", tmp_path)


def test_it_yields_the_url_and_ends_the_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://of-another-service")
    monkeypatch.setenv("API_KEYS", "keys-of-another-service")
    fake_command(
        monkeypatch,
        tmp_path,
        "import os, pathlib, signal, sys, time\n"
        "def end(*_):\n"
        "    pathlib.Path('drained').touch()\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "assert not {'REDIS_URL', 'API_KEYS'} & set(os.environ)\n"
        "print('starting')\n"
        "print('Foveate is ready at http://127.0.0.1:' + sys.argv[-1], flush=True)\n"
        "time.sleep(60)\n",
    )
    with local_service(3) as url:
        assert url == "http://127.0.0.1:3"
        # A service that tests share may be a child too.
        (child,) = [one for one in psutil.Process().children() if one.cwd() == str(tmp_path)]
        assert child.cmdline()[0] == sys.executable
    assert not child.is_running()
    assert (tmp_path / "drained").exists()


def test_a_service_that_does_not_start_is_reported_with_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_command(monkeypatch, tmp_path, "import sys; sys.exit('no memory')\n")
    with (
        pytest.raises(UnusableServiceError, match=r"could not be started:\nno memory"),
        local_service(1),
    ):
        pass
