"""Lets workers run the stock job, which RQ's own worker can run as well."""

import pytest

from tests.worker.queue.scripted_pipeline import JOB_NAME
from worker.queue import jobs


@pytest.fixture(autouse=True)
def _allow_the_stock_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "JOB_FUNCTION", JOB_NAME)
