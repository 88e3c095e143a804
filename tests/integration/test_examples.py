"""The clients in docs/examples, run as a reader runs them."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import needs
from tests.integration.running import ROOT, Running
from tests.photos import file_of, photo

EXAMPLES = ROOT / "docs" / "examples"
PYTHON = [sys.executable, str(EXAMPLES / "compress.py")]
NODE = [shutil.which("node") or "", str(EXAMPLES / "compress.mjs")]
NEEDS_NODE = needs(NODE[0], "needs Node 18 or later")


@pytest.fixture(params=[PYTHON, pytest.param(NODE, marks=NEEDS_NODE)], ids=["python", "node"])
def example(request: pytest.FixtureRequest) -> list[str]:
    """Return the command of one of the examples."""
    return list(request.param)


def run(command: list[str], service: Running) -> "subprocess.CompletedProcess[str]":
    """Run an example to its end."""
    return subprocess.run(
        command,
        env={**os.environ, "FOVEATE_URL": service.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("mode", [[], ["--job"]], ids=["wait", "job"])
def test_a_photo_is_compressed(
    service: Running, tmp_path: Path, example: list[str], mode: list[str]
) -> None:
    source, target = tmp_path / "photo.png", tmp_path / "smaller.jpg"
    source.write_bytes(file_of(photo(320, 240, seed=len(mode))))
    ended = run([*example, *mode, str(source), str(target), "quality=60", "width=200"], service)
    assert ended.returncode == 0, ended.stderr
    assert Image.open(io.BytesIO(target.read_bytes())).size == (200, 150)
    assert f"{source.stat().st_size} -> {target.stat().st_size} bytes" in ended.stderr


@pytest.mark.parametrize("mode", [[], ["--job"]], ids=["wait", "job"])
def test_a_damaged_photo_is_reported_with_its_problem_type(
    service: Running, tmp_path: Path, example: list[str], mode: list[str]
) -> None:
    source, target = tmp_path / "photo.jpg", tmp_path / "smaller.jpg"
    data = file_of(photo(320, 240), "JPEG")
    source.write_bytes(data[: len(data) // 2])
    ended = run([*example, *mode, str(source), str(target)], service)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(f"{source}: corrupt-image: ")
    assert not target.exists()


def test_an_unknown_option_is_named(service: Running, tmp_path: Path, example: list[str]) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(file_of(photo(), "JPEG"))
    ended = run([*example, str(source), str(tmp_path / "out.jpg"), "qualty=60"], service)
    assert ended.returncode == 1
    assert "invalid-option: 'qualty'" in ended.stderr
