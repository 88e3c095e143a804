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
    assert capsys.readouterr().out == signed_path(KEY.encode(), URL) + "\n"


@pytest.mark.parametrize(
    ("options", "prefix"), [([], ""), (["--options", "quality=5"], "quality=5,")]
)
def test_a_lifetime_is_signed_as_the_time_of_its_end(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    prefix: str,
) -> None:
    monkeypatch.setenv("FETCH_KEYS", KEY)
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.5)
    assert run(monkeypatch, URL, *options, "--lifetime-s", "3600") == 0
    signed = signed_path(KEY.encode(), URL, f"{prefix}expires=1800003600")
    assert capsys.readouterr().out == signed + "\n"


@pytest.mark.parametrize(
    ("keys", "arguments", "code"),
    [
        (KEY, ["ftp://example.org/"], 1),
        (KEY, ["http://example.org/", "--options", "quality=0"], 1),
        (KEY, ["s3://bucket"], 1),
        (KEY, ["s3://bucket/../other/key"], 1),
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


def test_presets_of_the_environment_are_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FETCH_KEYS", KEY)
    monkeypatch.setenv("PRESETS", "thumb:width=200")
    assert run(monkeypatch, URL, "--options", "preset=thumb") == 0
    assert capsys.readouterr().out == signed_path(KEY.encode(), URL, "preset=thumb") + "\n"
    assert run(monkeypatch, URL, "--options", "preset=other") == 1
    monkeypatch.setenv("ONLY_PRESETS", "on")
    assert run(monkeypatch, URL, "--options", "quality=5") == 1


def test_the_name_of_an_object_is_signed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FETCH_KEYS", KEY)
    assert run(monkeypatch, "s3://photos/my photo.jpg") == 0
    assert capsys.readouterr().out == signed_path(KEY.encode(), "s3://photos/my photo.jpg") + "\n"
