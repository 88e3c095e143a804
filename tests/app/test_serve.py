"""One front end as a process: its metrics, its messages, its sockets."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import uvicorn

from app.serve import Server, url_at
from tests.conftest import ROOT

# Front ends 1, 1 again and 2, one after the other, each a process that counts one error.
COUNT = """
import os, sys
from pathlib import Path
from app.serve import share_metrics
from app.telemetry.metrics import Metrics
shared = Path(sys.argv[1])
for number in (1, 1, 2):
    if not os.fork():
        share_metrics(shared, number)
        metrics = Metrics()
        metrics.errors.labels("no-worker").inc()
        metrics.pending.set(1)
        print(metrics.expose().decode(), *sorted(path.name for path in shared.iterdir()))
        sys.stdout.flush()
        os._exit(0)
    os.wait()
    print("ended")
    sys.stdout.flush()
"""


def test_front_ends_with_one_folder_report_their_sum_and_restarts_add_no_files(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", COUNT, str(tmp_path)]
    counted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    first, restarted, second, _ = (text.splitlines() for text in counted.stdout.split("ended\n"))
    for lines, count in ((first, 1), (restarted, 2), (second, 3)):
        assert f'foveate_errors_total{{code="no-worker"}} {count}.0' in lines
    assert "counter_1.db" in first[-1]
    assert restarted[-1] == first[-1]
    assert "foveate_pending_uploads 1.0" in restarted
    assert "foveate_pending_uploads 2.0" in second


def test_the_url_of_an_ipv6_address_has_brackets() -> None:
    assert url_at("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert url_at("::1", 8000) == "http://[::1]:8000"


@pytest.mark.parametrize("url", ["http://test:1", None])
def test_a_front_end_reports_once_it_listens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str | None
) -> None:
    up = tmp_path / "up"

    async def respond(_scope: object, _receive: object, _send: object) -> None:
        """Serve nothing: no request comes."""

    async def start_and_stop() -> None:
        server = Server(uvicorn.Config(respond, lifespan="off", log_level="critical"), up, url)
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await server.startup([listener])
            assert up.exists()
            assert ("listening on http://test:1" in capsys.readouterr().out) == bool(url)
            await server.shutdown([listener])

    asyncio.run(start_and_stop())
    assert capsys.readouterr().out.count("ended") == bool(url)
