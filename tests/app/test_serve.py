"""One front end as a process: its metrics, its messages, its sockets."""

import subprocess
import sys
from pathlib import Path

from app.serve import url_at
from tests.conftest import ROOT

# In a process of its own: the metrics of this one must stay in memory.
COUNT = """
import sys
from pathlib import Path
from app.serve import share_metrics
share_metrics(Path(sys.argv[1]), int(sys.argv[2]))
from app.telemetry.metrics import Metrics
metrics = Metrics()
metrics.errors.labels("no-worker").inc()
metrics.pending.set(1)
print(metrics.expose().decode())
"""


def count_in(shared: Path, number: int) -> set[str]:
    """Count one error in a new front end process; return the lines of its /metrics."""
    counted = subprocess.run(
        [sys.executable, "-c", COUNT, str(shared), str(number)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(counted.stdout.splitlines())


def test_a_restarted_front_end_continues_its_counts_without_more_files(tmp_path: Path) -> None:
    assert 'foveate_errors_total{code="no-worker"} 1.0' in count_in(tmp_path, 1)
    files = set(tmp_path.iterdir())
    assert "counter_1.db" in {file.name for file in files}
    assert 'foveate_errors_total{code="no-worker"} 2.0' in count_in(tmp_path, 1)
    assert set(tmp_path.iterdir()) == files


def test_front_ends_with_one_folder_report_their_sum(tmp_path: Path) -> None:
    count_in(tmp_path, 1)
    lines = count_in(tmp_path, 2)
    assert 'foveate_errors_total{code="no-worker"} 2.0' in lines
    assert "foveate_pending_uploads 2.0" in lines


def test_the_url_of_an_ipv6_address_has_brackets() -> None:
    assert url_at("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert url_at("::1", 8000) == "http://[::1]:8000"
