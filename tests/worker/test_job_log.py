"""Each job has one line in the worker's log."""

import json
import logging

import pytest

from contract.errors import CorruptImageError
from contract.log_lines import JsonFormatter
from contract.messages import Options, Request
from worker.item import Item
from worker.job_log import log_end


def test_a_line_has_the_fields_of_its_request_and_the_stages(
    caplog: pytest.LogCaptureFixture,
) -> None:
    item = Item("j", Request(Options(), "me", 900, 1, 0, 0), 1.0, request_id="abcdefgh")
    item.stage_ms = {"queue": 4.04, "decode": 12.0}
    item.error = CorruptImageError("Broken.")
    with caplog.at_level(logging.INFO):
        log_end("w", item)
    (record,) = caplog.records
    line = json.loads(JsonFormatter().format(record))
    assert line["message"] == "job"
    assert line["request_id"] == "abcdefgh"
    assert (line["job_id"], line["worker"], line["outcome"]) == ("j", "w", "refused")
    assert (line["bytes_in"], line["bytes_out"]) == (900, 0)
    assert line["stages_ms"] == {"queue": 4.0, "decode": 12.0}
    assert line["duration_ms"] > 0


def test_jobs_are_not_logged_above_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        log_end("w", Item("j", Request(Options(), "me", 900, 1, 0, 0)))
    assert caplog.records == []
