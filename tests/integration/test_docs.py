"""What docs/api.md says is so: its commands run, its tables are complete."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.main import create_app
from app.options import CompressOptions
from app.settings import AppSettings
from contract.errors import leaves
from tests.integration.running import ROOT, Running
from tests.photos import file_of, photo

API = (ROOT / "docs" / "api.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", API, re.DOTALL) for line in block.splitlines()
]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_curl_line_works(service: Running, tmp_path: Path, command: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(file_of(photo(), "JPEG"))
    line = command.replace("http://127.0.0.1:8000", service.url)
    ended = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, check=False)  # noqa: S602
    assert ended.returncode == 0, ended.stderr
    for output in re.findall(r" -o (\S+)", command):
        if output != "/dev/null":
            assert (tmp_path / output).stat().st_size > 200


def calls(command: str) -> set[tuple[str, str]]:
    """Return method and path of each call of curl in a command."""
    found = set()
    for call in command.replace("$JOB", "/jobs/{job_id}").split("curl ")[1:]:
        method = re.search(r"-X (\w+)", call)
        by_body = "POST" if "--data-binary" in call or " -F " in f" {call}" else "GET"
        path = re.search(r"127\.0\.0\.1:8000(/[\w/{}]*)", call)
        assert path, call
        found.add((method.group(1) if method else by_body, path.group(1)))
    return found


def test_every_endpoint_has_a_curl_line() -> None:
    shown = set().union(*map(calls, COMMANDS))
    for path, operations in create_app(AppSettings()).openapi()["paths"].items():
        for method in operations:
            assert (method.upper(), path) in shown


def test_every_option_and_error_is_listed() -> None:
    for name in CompressOptions.model_fields:
        assert f"| `{name}` |" in API
    for code, error in leaves().items():
        assert re.search(rf"\| {error.status} \|[^|]*`{code}`", API), code
