"""Wrong arguments of the command end it with a message that says what is allowed."""

import argparse

import pytest

from app.__main__ import main, parse_port
from app.client.arguments import parse_count


def test_ports_are_numbers_up_to_65535() -> None:
    assert [parse_port(text) for text in ("0", "8000", "65535")] == [0, 8000, 65_535]
    for text in ("65536", "-1", "http", "", "1.5"):
        with pytest.raises(argparse.ArgumentTypeError, match="from 0 to 65535"):
            parse_port(text)


def test_run_ends_with_the_supervisors_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.supervision.supervisor.Supervisor.run", lambda _: 3)
    monkeypatch.setattr("sys.argv", ["foveate", "run"])
    assert main() == 3


def test_counts_are_at_least_one() -> None:
    assert [parse_count(text) for text in ("1", "64")] == [1, 64]
    for text in ("0", "-1", "many", "", "1.5"):
        with pytest.raises(argparse.ArgumentTypeError, match="at least 1"):
            parse_count(text)


def test_compress_takes_the_options_of_the_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["foveate", "compress", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert "--quality" in capsys.readouterr().out
