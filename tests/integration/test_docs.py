"""docs/api.md is true: its commands run, its tables are complete."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.main import create_app
from app.options import CompressOptions, describe_options
from app.presets import PRESET
from app.settings import AppSettings
from app.webhooks.parameter import WEBHOOK
from contract.errors import index_by_code
from contract.gravity import PLACES, SMART
from tests.conftest import needs
from tests.integration.running import ROOT, Running
from tests.photos import file_of, photo

API = (ROOT / "docs" / "api.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", API, re.DOTALL) for line in block.splitlines()
]

ENDS = ("minimum", "maximum")


@needs(shutil.which("curl"), "needs curl")
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
    """Return method and path of each curl call in a command."""
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


def values_of(described: dict[str, Any]) -> str:
    """Return an option's values as the table shows them."""
    if described.get("type") == "boolean":
        return "`true`, `false`"
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    if "pattern" in described:
        return ", ".join(f"`{value}`" for value in (SMART, *PLACES, "x,y"))
    least, most = (f"{described[end]:g}" if described[end] < 2**20 else "2⁵³ − 1" for end in ENDS)
    return f"{least}–{most}"


def default_of(name: str, described: dict[str, Any]) -> str:
    """Return an option's default as the table shows it."""
    default = described.get("default")
    if default is None:
        return "`quality` − 35, at least 10" if name == "floor" else "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`" if isinstance(default, str) else f"{default:g}"


def test_every_option_is_listed_as_it_is_declared() -> None:
    for name, described in describe_options().items():
        row = re.search(rf"^\| `{name}` \| (.*?) \| (.*?) \|", API, re.MULTILINE)
        assert row, name
        assert set(row.group(1).split(", ")) == set(values_of(described).split(", ")), name
        assert row.group(2) == default_of(name, described), name
    listed = re.findall(r"^\| `(\w+)` \| .*? \| .*? \| .* \|$", API, re.MULTILINE)
    assert set(CompressOptions.model_fields) <= set(listed)


def test_the_form_is_described_as_closed() -> None:
    operation = create_app(AppSettings()).openapi()["paths"]["/compress"]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"].keys() == {"file", PRESET, WEBHOOK, *CompressOptions.model_fields}
    assert form["additionalProperties"] is False


def test_every_error_is_listed() -> None:
    for code, error in index_by_code().items():
        assert re.search(rf"\| {error.status} \|[^|]*`{code}`", API), code
