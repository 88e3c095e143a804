"""The command ``foveate sign`` signs what the service accepts."""

import sys

import pytest

from app.__main__ import main
from app.sources.signature import signed_path

KEY = "0123456789abcdef"
URL = "https://photos.example.org/a%20b.jpg?w=1"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["foveate", "sign", *arguments])
    return main()


def test_the_command_signs_with_the_first_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FETCH_KEYS", f"{KEY}, another-key-to-come")
    assert run(monkeypatch, URL, "--options", "quality=5") == 0
    assert capsys.readouterr().out == signed_path(KEY.encode(), URL, "quality=5") + "\n"
    assert run(monkeypatch, URL) == 0
    assert "/-/https%3A%2F%2F" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keys", "arguments", "code"),
    [
        (KEY, ["ftp://example.org/"], 1),
        (KEY, ["http://example.org/", "--options", "quality=0"], 1),
        ("", [URL], 2),
        ("short-secret", [URL], 2),
    ],
)
def test_what_the_service_rejects_gets_no_signature(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    keys: str,
    arguments: list[str],
    code: int,
) -> None:
    monkeypatch.setenv("FETCH_KEYS", keys)
    assert run(monkeypatch, *arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("foveate: ")
    assert "short-secret" not in captured.err
