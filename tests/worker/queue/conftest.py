"""What the tests of the queue change in RQ and in the worker."""

import pytest
from rq.worker import SimpleWorker

from tests.worker.queue.scripted_pipeline import JOB_NAME
from worker.queue import jobs


@pytest.fixture(autouse=True)
def _allow_the_stock_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers run the stock job, which RQ's own worker can run as well."""
    monkeypatch.setattr(jobs, "JOB_FUNCTION", JOB_NAME)


@pytest.fixture(autouse=True)
def _listen_for_no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no thread for RQ's commands: a worker often waits a second for its end."""
    monkeypatch.setattr(SimpleWorker, "subscribe", lambda _worker: None)
