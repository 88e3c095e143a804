"""Messages go to standard error, past Python's buffer."""

import sys

import pytest

from worker.console import say


def test_a_message_is_a_line_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    say("worker one ready")
    assert capfd.readouterr() == ("", "foveate: worker one ready\n")


def test_a_message_does_not_use_pythons_buffer(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    say("worker one draining")
    assert capfd.readouterr().err == "foveate: worker one draining\n"
