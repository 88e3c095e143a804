"""How a run is reported to people and to scripts."""

import contextlib
import fcntl
import io
import json
import os
import pty
import struct
import sys
import termios
from pathlib import Path
from typing import IO

import pytest

from app.client.compressor import Outcome
from app.client.report import Report, format_size

OUTCOMES = [
    Outcome(Path("a.jpg"), "compressed", Path("out/a.jpg"), None, 3000, 1000),
    Outcome(Path("b.jpg"), "unchanged", Path("out/b.jpg"), Path("out/b.png"), 500, 500),
    Outcome(Path("c.jpg"), "skipped", Path("out/c.jpg"), None, 700, 600),
    Outcome(Path("d\n.jpg"), "failed", code="corrupt-image", detail="It is damaged."),
    Outcome(Path("e.heic"), "failed", code="unsupported-image", detail="It has no decoder."),
]


def fill(report: Report) -> Report:
    """Add the outcomes and close the report."""
    for outcome in OUTCOMES:
        report.add(outcome)
    report.close()
    return report


def test_the_summary_has_a_line_for_each_state() -> None:
    assert fill(Report(7, lines=None, quiet=True)).format_summary().splitlines() == [
        "1  compressed",
        "1  unchanged (can't be made smaller)",
        "1  skipped (done before)",
        "2  failed",
        "2  not done",
        "   3.5 kB → 1.5 kB, 57.1 % saved",
    ]


def test_failures_are_printed_even_if_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    fill(Report(5, lines=None, quiet=True))
    assert capsys.readouterr().err.splitlines() == [
        "foveate: d\\n.jpg: It is damaged.",
        "foveate: e.heic: It has no decoder.",
    ]


def test_each_outcome_is_a_line_of_json() -> None:
    lines = io.StringIO()
    fill(Report(5, lines=lines, quiet=True))
    first, second, _, failed, other, last = map(json.loads, lines.getvalue().splitlines())
    assert first == {
        "source": "a.jpg",
        "state": "compressed",
        "target": "out/a.jpg",
        "bytes_in": 3000,
        "bytes_out": 1000,
    }
    assert second["heatmap"] == "out/b.png"
    assert failed == {
        "source": "d\\n.jpg",
        "state": "failed",
        "problem": {"type": "corrupt-image", "detail": "It is damaged."},
    }
    assert other["problem"]["type"] == "unsupported-image"
    # Bytes are those of this run: a skipped photo has none.
    assert last["summary"] == {
        "photos": 5,
        "compressed": 1,
        "unchanged": 1,
        "skipped": 1,
        "failed": 2,
        "not_done": 0,
        "bytes_in": 3500,
        "bytes_out": 1500,
    }


def test_the_bar_counts_to_the_end_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", 0) as terminal, os.fdopen(theirs, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        fill(Report(5, lines=None, quiet=False))
        stderr.close()
        shown = read_all(terminal).decode()
    assert "foveate: e.heic" in shown
    assert "5/5" in shown.splitlines()[-1]
    assert "57.1 % saved" in shown


def read_all(terminal: IO[bytes]) -> bytes:
    """Return what has been written to a terminal, whose other end is closed."""
    data = b""
    with contextlib.suppress(OSError):  # Linux reports the closed end as an error
        while piece := terminal.read(65536):
            data += piece
    return data


def test_there_is_no_bar_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    fill(Report(5, lines=None, quiet=False))
    assert "photo/s" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1234, "1.23 kB"), (5e6, "5 MB"), (2e9, "2 GB")]
)
def test_sizes_have_three_digits(count: float, text: str) -> None:
    assert format_size(count) == text
